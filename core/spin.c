// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest that loops on PAUSE waits for another CPU of its own: for the holder
 * of a lock, or for the answer to an IPI. If that vCPU's thread waits for a CPU
 * of the host, the loop only keeps it waiting: give the CPU to it.
 *
 * What is read of other vCPUs here is a guess by the time it is used. A wrong one
 * costs a switch of threads, no more.
 */
#include <linux/pid.h>
#include <linux/sched.h>

#include "core/spin.h"
#include "core/vcpu.h"
#include "core/vm.h"
#include "ops/apic.h"
#include "ops/regs.h"
#include "ops/vcpu.h"

/* Of yield_to() that found nothing to gain; each takes locks of two run queues. */
#define MAX_REFUSALS	3

struct kvm_pause_params kvm_pause_params __ro_after_init;

/**
 * kvm_pause_window_reset() - as patient as at first
 * @vcpu: the vCPU, loaded; the vendor has reset what is its own
 *
 * Context: may sleep.
 */
void kvm_pause_window_reset(struct kvm_vcpu *vcpu)
{
	vcpu->pause_window = kvm_pause_params.base;
	kvm_x86_set_pause_window(vcpu, vcpu->pause_window);
}

/**
 * kvm_spin_sched_out() - the vCPU's thread leaves its CPU in the midst of KVM_RUN
 * @vcpu: the vCPU, still loaded
 *
 * Context: the scheduler, irqs off.
 */
void kvm_spin_sched_out(struct kvm_vcpu *vcpu)
{
	WRITE_ONCE(vcpu->spin.in_kernel, kvm_x86_guest_in_kernel(vcpu));
	WRITE_ONCE(vcpu->spin.off_cpu, true);
}

/**
 * kvm_spin_sched_in() - the vCPU's thread has a CPU again
 * @vcpu: the vCPU, loaded
 *
 * Context: the scheduler, preemption off, irqs on.
 */
void kvm_spin_sched_in(struct kvm_vcpu *vcpu)
{
	WRITE_ONCE(vcpu->spin.off_cpu, false);
	if (kvm_pause_window_shrink(&vcpu->pause_window, kvm_pause_params.shrink,
				    kvm_pause_params.base))
		kvm_x86_set_pause_window(vcpu, vcpu->pause_window);
}

/*
 * One that gave its CPU away itself may only spin on, or be the one that can take
 * the lock by now: it is worth every other try.
 */
static bool spinner_has_turn(struct kvm_vcpu *vcpu)
{
	bool turn = READ_ONCE(vcpu->spin.turn);

	if (!READ_ONCE(vcpu->spin.spinning))
		return true;
	WRITE_ONCE(vcpu->spin.turn, !turn);
	return turn;
}

/*
 *	vCPU			worth a try
 *	on a CPU		no
 *	in user mode		if a user program spins: a kernel does not wait for
 *				one, unless an interrupt will take it to its kernel
 *	spins itself		every other time
 *	else			yes
 */
static bool worth_a_try(struct kvm_vcpu *vcpu, bool for_user)
{
	if (!READ_ONCE(vcpu->spin.off_cpu))
		return false;
	if (!for_user && !READ_ONCE(vcpu->spin.in_kernel) &&
	    !kvm_x86_pi_has_pending_interrupt(vcpu))
		return false;
	return spinner_has_turn(vcpu);
}

/**
 * kvm_spin_pick() - which vCPU could use the CPU better?
 * @me: the one that spins
 * @start: go round from behind this index
 * @step: how far that went; 0 at first
 *
 * Context: process, @me loaded. Return: the next one, whose thread may sleep; NULL
 * once around.
 */
struct kvm_vcpu *kvm_spin_pick(struct kvm_vcpu *me, int start, int *step)
{
	bool for_user = !kvm_x86_guest_in_kernel(me);
	struct kvm *kvm = me->kvm;
	int n = atomic_read_acquire(&kvm->online_vcpus);
	struct kvm_vcpu *vcpu;

	while (++*step <= n) {
		vcpu = kvm_get_vcpu(kvm, (start + *step) % n);
		if (vcpu != me && worth_a_try(vcpu, for_user))
			return vcpu;
	}
	return NULL;
}

/* Return: as yield_to(): > 0 if it runs, 0 if it cannot, < 0 if nobody else waits. */
static int yield_to_vcpu(struct kvm_vcpu *vcpu)
{
	struct task_struct *task;
	struct pid *pid;
	int ret = 0;

	rcu_read_lock();
	pid = rcu_dereference(vcpu->pid);
	task = pid ? get_pid_task(pid, PIDTYPE_PID) : NULL;
	rcu_read_unlock();
	if (!task)
		return 0;
	/* Asleep: it waits for an event, not for a CPU. */
	if (task_is_running(task))
		ret = yield_to(task, true);
	put_task_struct(task);
	return ret;
}

/**
 * kvm_vcpu_on_spin() - an exit by PAUSE: give the CPU to a vCPU that this one may wait for
 * @me: the vCPU, whose guest loops
 *
 * Context: process, vCPU loaded; may schedule.
 */
void kvm_vcpu_on_spin(struct kvm_vcpu *me)
{
	int start = READ_ONCE(me->kvm->last_boosted);
	int step = 0, refusals = 0, yielded;
	struct kvm_vcpu *vcpu;

	/* Or the scheduler would shrink it between the two. */
	preempt_disable();
	if (kvm_pause_window_grow(&me->pause_window, kvm_pause_params.grow, kvm_pause_params.max))
		kvm_x86_set_pause_window(me, me->pause_window);
	preempt_enable();
	me->stat.directed_yield_attempted++;
	WRITE_ONCE(me->spin.spinning, true);
	/* Where the scheduler wants this CPU already, it has somebody for it. */
	while (refusals < MAX_REFUSALS && !need_resched()) {
		vcpu = kvm_spin_pick(me, start, &step);
		if (!vcpu)
			break;
		yielded = yield_to_vcpu(vcpu);
		if (yielded > 0) {
			WRITE_ONCE(me->kvm->last_boosted, vcpu->vcpu_idx);
			me->stat.directed_yield_successful++;
			break;
		}
		refusals += yielded < 0;
	}
	WRITE_ONCE(me->spin.spinning, false);
	/* Who spun just now is not the next one's best choice. */
	WRITE_ONCE(me->spin.turn, false);
}
