// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_RUN, from ioctl to ioctl, as a list of stages. What a request, an event
 * or an exit means is decided elsewhere (request.c, event.c, exit.c).
 */
#include <linux/irq_work.h>
#include <linux/sched/signal.h>
#include <asm/cpufeature.h>
#include <asm/fpu/api.h>
#include <asm/msr.h>
#include <asm/nospec-branch.h>

#include "core/block.h"
#include "core/compat.h"
#include "core/complete.h"
#include "core/guest_context.h"
#include "core/cr.h"
#include "core/debug.h"
#include "core/event.h"
#include "core/exit.h"
#include "core/fpu.h"
#include "core/irq/lapic.h"
#include "core/regs.h"
#include "core/request.h"
#include "core/run.h"
#include "core/trace.h"
#include "core/vcpu.h"
#include "core/vm.h"
#include "core/xfer.h"
#include "ops/event.h"
#include "ops/run.h"
#include "ops/vcpu.h"

/*
 * Without hardware help, an immediate exit is an interrupt to this CPU: sent
 * with interrupts off, it is pending when the guest starts and ends it.
 */
static void immediate_exit_taken(struct irq_work *work)
{
}

static DEFINE_PER_CPU(struct irq_work, immediate_exit_work);

/*
 * Interrupts are off. Set up here because the module loader of 6.12 does not
 * relocate initial values of per-CPU variables. One that is busy is pending on
 * this CPU and will end the guest just as well.
 */
static void interrupt_this_cpu(void)
{
	struct irq_work *work = this_cpu_ptr(&immediate_exit_work);

	if (irq_work_is_busy(work))
		return;
	*work = IRQ_WORK_INIT_HARD(immediate_exit_taken);
	irq_work_queue(work);
}

static void request_immediate_exit(struct kvm_vcpu *vcpu)
{
	vcpu->stat.immediate_exit++;
	if (kvm_x86_has_request_immediate_exit())
		kvm_x86_request_immediate_exit(vcpu);
	else
		interrupt_this_cpu();
	kvm_make_event_request(vcpu, EVENT_IMMEDIATE_EXIT);
}

enum run_result vcpu_exit_to_user(struct kvm_vcpu *vcpu, u32 exit_reason)
{
	vcpu->run->exit_reason = exit_reason;
	return RUN_TO_USER;
}

enum run_result vcpu_run_error(struct kvm_vcpu *vcpu, int err)
{
	vcpu->run_errno = err;
	return RUN_ERROR;
}

enum run_result vcpu_internal_error(struct kvm_vcpu *vcpu, u32 suberror, int nr, ...)
{
	struct kvm_run *run = vcpu->run;
	va_list words;
	int i;

	nr = min_t(int, nr, ARRAY_SIZE(run->internal.data));
	run->internal.suberror = suberror;
	run->internal.ndata = nr;
	va_start(words, nr);
	for (i = 0; i < nr; i++)
		run->internal.data[i] = va_arg(words, u64);
	va_end(words);
	return vcpu_exit_to_user(vcpu, KVM_EXIT_INTERNAL_ERROR);
}

/* Stage: a window for userspace's interrupt controller, if it asked and it is open. */
static bool irq_window_for_user(struct kvm_vcpu *vcpu)
{
	return kvm_user_wants_irq_window(vcpu) && kvm_ready_for_interrupt_injection(vcpu);
}

/* Stage: events. Nothing is evaluated unless somebody asked and said why. */
static void evaluate_events(struct kvm_vcpu *vcpu)
{
	bool asked = kvm_check_request(KVM_REQ_EVENT, vcpu);

	vcpu->ev.immediate_exit = false;
	if (!asked && !kvm_user_wants_irq_window(vcpu))
		return;

	if (asked)
		vcpu->stat.req_event++;
	switch (kvm_evaluate_events(vcpu)) {
	case EVENT_OUTCOME_NONE:
		if (asked)
			vcpu->stat.event_redundant++;
		break;
	case EVENT_OUTCOME_INJECTED:
	case EVENT_OUTCOME_WINDOW:
		break;
	case EVENT_OUTCOME_IMMEDIATE_EXIT:
		vcpu->ev.immediate_exit = true;
		break;
	}
}

/*
 * The last looks before the guest runs, interrupts off.
 *
 * The store of the mode and the reads that follow pair with those of a kick,
 * see leave_run_loop() in request.c: with a full barrier between them on both
 * sides, one of the two sees the other. The model is tests/model/kick.pml.
 */
static bool may_enter(struct kvm_vcpu *vcpu)
{
	/* Pairs with the locked cmpxchg of leave_run_loop(). */
	smp_store_mb(vcpu->mode, IN_RUN_LOOP);

	return !kvm_request_pending(vcpu) && !xfer_work_pending() &&
	       READ_ONCE(vcpu->mode) == IN_RUN_LOOP;
}

/*
 * The same after an exit that was handled with interrupts off. Nothing that a
 * handler of such an exit does needs more than these looks: what it wants done
 * before the entry, an evaluation of events for one, it raises as a request.
 *
 * No barrier: the mode has been IN_RUN_LOOP since may_enter(), so a kicker whose
 * request is not seen here has sent an interrupt. That is pending, as are host
 * interrupts that came meanwhile, and makes the entry exit at once.
 */
static bool may_enter_again(struct kvm_vcpu *vcpu)
{
	return likely(!kvm_request_pending(vcpu) && !xfer_work_pending() &&
		      READ_ONCE(vcpu->mode) == IN_RUN_LOOP);
}

/*
 * Enter, and enter again while the vendor handles the exits with interrupts
 * off. Its looks are modelled in tests/model/kick.pml too.
 */
static void enter_repeatedly(struct kvm_vcpu *vcpu)
{
	enum run_result result;
	bool again = false;

	for (;;) {
		trace_kvm_entry(vcpu, vcpu->ev.immediate_exit);
		result = kvm_x86_vcpu_run(vcpu, again);
		/* It was 0 while the guest ran. */
		if (unlikely(vcpu->host_debugctl))
			native_wrmsrl(MSR_IA32_DEBUGCTLMSR, vcpu->host_debugctl);
		trace_kvm_exit(vcpu);
		if (result != RUN_REENTER_FAST)
			break;
		vcpu->stat.exits++;
		vcpu->stat.fast_exits++;
		if (!may_enter_again(vcpu))
			break;
		again = true;
	}
	/* What the guest trained must not steer the thread's own userspace (VMSCAPE). */
	if (cpu_feature_enabled(X86_FEATURE_IBPB_EXIT_TO_USER))
		this_cpu_write(x86_ibpb_exit_to_user, true);
	vcpu->fast_handled = result == RUN_REENTER_FAST;
	kvm_after_exit_events(vcpu);
}

static void enter_guest_irqoff(struct kvm_vcpu *vcpu)
{
	if (vcpu->ev.immediate_exit)
		request_immediate_exit(vcpu);

	fpregs_assert_state_consistent();
	if (test_thread_flag(TIF_NEED_FPU_LOAD))
		switch_fpu_return();
	kvm_load_guest_xstate(vcpu);
	kvm_load_guest_debug_regs(vcpu);
	/* perf changes it in interrupts, while the vCPU stays loaded. */
	vcpu->host_debugctl = native_read_msr(MSR_IA32_DEBUGCTLMSR);
	/* A guest that owns its debug registers has DR6 exchanged at every entry. */
	vcpu->fast_allowed = !(vcpu->switch_db_regs & KVM_DEBUGREG_WONT_EXIT);
	kvm_note_quiescent(&vcpu->quiescent_at);
	kvm_guest_time_begin();
	vcpu->last_run_cpu = vcpu->cpu;
	if (lapic_in_kernel(vcpu) && unlikely(vcpu->lapic->timer.expired_deadline))
		kvm_lapic_timer_wait(vcpu);

	enter_repeatedly(vcpu);

	kvm_put_guest_debug_regs(vcpu);
	kvm_load_host_xstate(vcpu);
	/* No barrier: a kick that reads the old mode sends an interrupt too many. */
	WRITE_ONCE(vcpu->mode, OUTSIDE_RUN_LOOP);

	kvm_x86_handle_exit_irqoff(vcpu);
	/*
	 * Take the host interrupt that ended the guest, while the guest's time
	 * account is open.
	 */
	local_irq_enable();
	/* An instruction's worth of time: STI holds interrupts back for one. */
	vcpu->stat.exits += !vcpu->fast_handled;
	local_irq_disable();
	kvm_guest_time_end();
}

/**
 * enter_guest() - stage "enter": run guest code until something needs more
 * @vcpu: the vCPU, loaded; kvm->srcu held, irqs on
 *
 * kvm->srcu is released while the guest runs, so that a change of memory slots
 * waits for host code only.
 *
 * Return: RUN_REENTER_FAST if nothing is left to handle (also when entry was
 * called off), RUN_REENTER if an exit waits for handle_exit.
 */
static enum run_result enter_guest(struct kvm_vcpu *vcpu)
	__must_hold(&vcpu->kvm->srcu)
{
	preempt_disable();
	kvm_load_user_return_msrs(vcpu);
	if (!vcpu->host_state_saved) {
		kvm_x86_save_host_state(vcpu);
		vcpu->host_state_saved = true;
	}
	local_irq_disable();
	srcu_read_unlock(&vcpu->kvm->srcu, vcpu->srcu_idx);

	if (!may_enter(vcpu)) {
		WRITE_ONCE(vcpu->mode, OUTSIDE_RUN_LOOP);
		local_irq_enable();
		preempt_enable();
		vcpu->srcu_idx = srcu_read_lock(&vcpu->kvm->srcu);
		kvm_x86_cancel_injection(vcpu);
		kvm_after_exit_events(vcpu);
		return RUN_REENTER_FAST;
	}

	enter_guest_irqoff(vcpu);

	local_irq_enable();
	preempt_enable();
	vcpu->srcu_idx = srcu_read_lock(&vcpu->kvm->srcu);
	return vcpu->fast_handled ? RUN_REENTER_FAST : RUN_REENTER;
}

/* Stage: signals, rescheduling and whatever else the host wants of the thread. */
static enum run_result host_work(struct kvm_vcpu *vcpu)
	__must_hold(&vcpu->kvm->srcu)
{
	enum run_result result = RUN_REENTER;

	if (!xfer_work_pending())
		return RUN_REENTER;

	/* Anything the kernel has put off to here, for whomever. */
	kvm_x86_host_data_touched(vcpu);
	srcu_read_unlock(&vcpu->kvm->srcu, vcpu->srcu_idx);
	if (signal_pending(current) || xfer_handle_work()) {
		vcpu->stat.signal_exits++;
		vcpu->run->exit_reason = KVM_EXIT_INTR;
		result = vcpu_run_error(vcpu, -EINTR);
	}
	vcpu->srcu_idx = srcu_read_lock(&vcpu->kvm->srcu);
	return result;
}

/* One round: requests, then either sleep or events, entry, exit. */
static enum run_result run_once(struct kvm_vcpu *vcpu)
{
	enum run_result result;

	result = vcpu_serve_requests(vcpu);
	if (result != RUN_REENTER)
		return result;
	if (unlikely(vcpu->mp_state != KVM_MP_STATE_RUNNABLE))
		return kvm_vcpu_block(vcpu);
	evaluate_events(vcpu);
	result = enter_guest(vcpu);
	if (result != RUN_REENTER)
		return RUN_REENTER;
	return kvm_x86_handle_exit(vcpu);
}

static enum run_result run_loop(struct kvm_vcpu *vcpu)
{
	enum run_result result;

	vcpu->run->exit_reason = KVM_EXIT_UNKNOWN;
	for (;;) {
		result = run_once(vcpu);
		if (result != RUN_REENTER)
			return result;
		if (irq_window_for_user(vcpu)) {
			vcpu->stat.request_irq_exits++;
			return vcpu_exit_to_user(vcpu, KVM_EXIT_IRQ_WINDOW_OPEN);
		}
		result = host_work(vcpu);
		if (result != RUN_REENTER)
			return result;
	}
}

/* What userspace finds in struct kvm_run after every KVM_RUN. */
static void publish_run_state(struct kvm_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	run->if_flag = kvm_x86_get_if_flag(vcpu);
	run->cr8 = kvm_get_cr8(vcpu);
	run->apic_base = vcpu->apic_base;
	run->ready_for_interrupt_injection = kvm_ready_for_interrupt_injection(vcpu);
	run->flags = 0;
}

static enum run_result complete_and_run(struct kvm_vcpu *vcpu)
{
	enum run_result result;

	vcpu->srcu_idx = srcu_read_lock(&vcpu->kvm->srcu);
	result = vcpu_complete_userspace_io(vcpu);
	/* The reason of the exit before stays: userspace may settle an access and go on reading. */
	if (result == RUN_REENTER && READ_ONCE(vcpu->run->compat_immediate_exit))
		result = vcpu_run_error(vcpu, -EINTR);
	if (result == RUN_REENTER)
		result = run_loop(vcpu);
	srcu_read_unlock(&vcpu->kvm->srcu, vcpu->srcu_idx);
	return result;
}

static int run_with_guest_fpu(struct kvm_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	enum run_result result;
	int err;

	if ((run->kvm_valid_regs | run->kvm_dirty_regs) & ~KVM_SYNC_X86_VALID_FIELDS)
		return -EINVAL;
	if (run->kvm_dirty_regs) {
		err = kvm_sync_regs_load(vcpu);
		if (err)
			return err;
	}
	/* With the local APIC here, its TPR is not userspace's to tell. */
	if (!lapic_in_kernel(vcpu) && kvm_set_cr8(vcpu, run->cr8))
		return -EINVAL;

	vcpu->ran_once = true;
	result = complete_and_run(vcpu);
	if (run->kvm_valid_regs)
		kvm_sync_regs_store(vcpu);
	publish_run_state(vcpu);
	return result == RUN_ERROR ? vcpu->run_errno : 0;
}

/* KVM_SET_SIGNAL_MASK holds while KVM_RUN runs, as ppoll() does it. */
static void enter_sigmask(struct kvm_vcpu *vcpu)
{
	/*
	 * Kept in real_blocked, the thread's own mask stops a signal that is let
	 * through here only to end the run from killing the process at once.
	 */
	if (vcpu->sigset_active)
		sigprocmask(SIG_SETMASK, &vcpu->sigset, &current->real_blocked);
}

static void leave_sigmask(struct kvm_vcpu *vcpu)
{
	if (!vcpu->sigset_active)
		return;
	sigprocmask(SIG_SETMASK, &current->real_blocked, NULL);
	sigemptyset(&current->real_blocked);
}

/**
 * kvm_vcpu_ioctl_run() - KVM_RUN
 * @vcpu: the vCPU, loaded; its mutex is held
 *
 * Return: 0 with vcpu->run describing the exit, or a negative errno: -EINTR (a
 * signal or immediate_exit), -EINVAL (kvm_run holds nonsense), -EFAULT (guest
 * memory without a mapping), -ENOMEM, -EIO (the VM is dead).
 */
int kvm_vcpu_ioctl_run(struct kvm_vcpu *vcpu)
{
	int ret;

	enter_sigmask(vcpu);
	kvm_load_guest_fpu(vcpu);
	ret = run_with_guest_fpu(vcpu);
	kvm_put_guest_fpu(vcpu);
	leave_sigmask(vcpu);
	trace_kvm_userspace_exit(vcpu->run->exit_reason, ret);
	return ret;
}
