// SPDX-License-Identifier: GPL-2.0-only
/*
 * vCPUs that wait: in HLT for an interrupt, after creation for INIT, after
 * INIT for a startup message. And the wake-up, which is argued here at both
 * its ends.
 *
 * Source: Intel SDM volume 3, "Multiple-Processor (MP) Initialization".
 */
#include <linux/rcuwait.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "core/block.h"
#include "core/event.h"
#include "core/irq/inject.h"
#include "core/irq/lapic.h"
#include "core/regs.h"
#include "core/request.h"
#include "core/run.h"
#include "core/vm.h"
#include "core/xfer.h"
#include "ops/apic.h"
#include "ops/regs.h"

/**
 * kvm_vcpu_halt() - HLT has retired
 * @vcpu: the vCPU
 *
 * Return: RUN_REENTER: the run loop finds it halted; RUN_TO_USER: it is for userspace.
 */
enum run_result kvm_vcpu_halt(struct kvm_vcpu *vcpu)
{
	vcpu->stat.halt_exits++;
	if (!lapic_in_kernel(vcpu))
		return vcpu_exit_to_user(vcpu, KVM_EXIT_HLT);
	vcpu->mp_state = KVM_MP_STATE_HALTED;
	return RUN_REENTER;
}

/* Has what ends HLT happened? Requests have been served. */
static bool halt_ends(struct kvm_vcpu *vcpu)
{
	if (kvm_event_needs_reinjection(vcpu) || vcpu->ev.exception.pending)
		return true;
	if (vcpu->ev.nmi_pending && kvm_nmi_allowed(vcpu))
		return true;
	return kvm_interrupt_allowed(vcpu) &&
	       (kvm_irq_waits(vcpu) || kvm_lapic_ends_halt(vcpu));
}

/*
 * Other threads say what they want by a request, all but hardware that posts
 * interrupts. A pending evaluation is no news: it is made when the vCPU runs.
 */
static bool has_news(struct kvm_vcpu *vcpu)
{
	return (READ_ONCE(vcpu->requests) & ~BIT(KVM_REQ_EVENT)) ||
	       kvm_x86_pi_has_pending_interrupt(vcpu) || xfer_work_pending();
}

/*
 * Sleep against wake-up:
 *
 *	waker (kvm_vcpu_wake_kick())		vCPU
 *	-----					----
 *	set IRR, set the request (locked)	wait.task = current
 *	full barrier (the locked operation)	state = INTERRUPTIBLE, full barrier
 *	read wait.task				read the requests
 *
 * Either the vCPU sees the request and does not sleep, or the waker sees the
 * task and wakes it; set_current_state() has the barrier. For posted interrupts,
 * which make no request, the model is tests/model/posted.pml.
 */
static void sleep_until_news(struct kvm_vcpu *vcpu)
{
	prepare_to_rcuwait(&vcpu->wait);
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (has_news(vcpu))
			break;
		schedule();
	}
	finish_rcuwait(&vcpu->wait);
}

/**
 * kvm_vcpu_wake() - wake a vCPU's thread if it sleeps in HLT, and do nothing else
 * @vcpu: the vCPU
 *
 * The caller has posted an interrupt by a locked operation, as above.
 * Context: any. Return: it slept.
 */
bool kvm_vcpu_wake(struct kvm_vcpu *vcpu)
{
	/* Pairs with set_current_state() in sleep_until_news(). */
	smp_mb__after_atomic();
	return rcuwait_active(&vcpu->wait) && rcuwait_wake_up(&vcpu->wait);
}

/**
 * kvm_vcpu_wake_kick() - make a vCPU look at its state, asleep or in the guest
 * @vcpu: the vCPU
 *
 * The caller has raised a request or posted an interrupt by a locked
 * operation, which is the barrier of sleep_until_news().
 * Context: any.
 */
void kvm_vcpu_wake_kick(struct kvm_vcpu *vcpu)
{
	/* Pairs with set_current_state() in sleep_until_news(). */
	smp_mb__after_atomic();
	if (rcuwait_active(&vcpu->wait))
		rcuwait_wake_up(&vcpu->wait);
	else
		kvm_vcpu_kick(vcpu);
}

/**
 * kvm_vcpu_block() - stage "wait" of KVM_RUN, for a vCPU that is not runnable
 * @vcpu: the vCPU, loaded; kvm->srcu held; its requests have been served
 *
 * Return: RUN_REENTER: go round the loop, which looks at signals, requests and
 * the state; RUN_ERROR with -EAGAIN: it was woken before it ever ran.
 */
enum run_result kvm_vcpu_block(struct kvm_vcpu *vcpu)
	__must_hold(&vcpu->kvm->srcu)
{
	/* What is posted is no news once it is known, whether it ends the wait or not. */
	if (lapic_in_kernel(vcpu))
		kvm_x86_sync_pir_to_irr(vcpu);
	if (vcpu->mp_state == KVM_MP_STATE_HALTED && halt_ends(vcpu)) {
		vcpu->mp_state = KVM_MP_STATE_RUNNABLE;
		vcpu->stat.halt_wakeup++;
		return RUN_REENTER;
	}
	srcu_read_unlock(&vcpu->kvm->srcu, vcpu->srcu_idx);
	sleep_until_news(vcpu);
	vcpu->srcu_idx = srcu_read_lock(&vcpu->kvm->srcu);
	if (vcpu->mp_state != KVM_MP_STATE_UNINITIALIZED || signal_pending(current))
		return RUN_REENTER;
	kvm_accept_init_sipi(vcpu);
	return vcpu_run_error(vcpu, -EAGAIN);
}

/* CS:IP = vector00H:0. */
static void start_at(struct kvm_vcpu *vcpu, u8 vector)
{
	struct kvm_segment cs;

	kvm_x86_get_segment(vcpu, &cs, VCPU_SREG_CS);
	cs.selector = vector << 8;
	cs.base = (u64)vector << 12;
	kvm_x86_set_segment(vcpu, &cs, VCPU_SREG_CS);
	kvm_rip_write(vcpu, 0);
}

/**
 * kvm_accept_init_sipi() - act upon INIT and startup messages
 * @vcpu: the vCPU, loaded, its own thread
 *
 * INIT puts a vCPU back; the boot processor runs on from its reset vector, any
 * other waits for a startup message, which nobody else listens to.
 */
void kvm_accept_init_sipi(struct kvm_vcpu *vcpu)
{
	struct kvm_lapic *apic = vcpu->lapic;

	if (!apic)
		return;
	if (test_and_clear_bit(LAPIC_EVENT_INIT, &apic->pending_events)) {
		kvm_vcpu_reset(vcpu, true);
		vcpu->mp_state = kvm_vcpu_is_bsp(vcpu) ? KVM_MP_STATE_RUNNABLE :
							 KVM_MP_STATE_INIT_RECEIVED;
	}
	if (test_and_clear_bit(LAPIC_EVENT_SIPI, &apic->pending_events) &&
	    vcpu->mp_state == KVM_MP_STATE_INIT_RECEIVED) {
		/* Pairs with the locked set_bit() of the sender. */
		start_at(vcpu, READ_ONCE(apic->sipi_vector));
		vcpu->mp_state = KVM_MP_STATE_RUNNABLE;
	}
}

int kvm_vcpu_ioctl_get_mp_state(struct kvm_vcpu *vcpu, struct kvm_mp_state *state)
{
	if (kvm_check_request(KVM_REQ_INIT_SIPI, vcpu))
		kvm_accept_init_sipi(vcpu);
	state->mp_state = vcpu->mp_state;
	return 0;
}

/**
 * kvm_vcpu_ioctl_set_mp_state() - KVM_SET_MP_STATE
 * @vcpu: the vCPU, loaded
 * @state: private copy
 *
 * Return: 0; -EINVAL for a state x86 does not have, or that needs the local
 * APIC in the kernel.
 */
int kvm_vcpu_ioctl_set_mp_state(struct kvm_vcpu *vcpu, const struct kvm_mp_state *state)
{
	switch (state->mp_state) {
	case KVM_MP_STATE_RUNNABLE:
		break;
	case KVM_MP_STATE_UNINITIALIZED:
	case KVM_MP_STATE_HALTED:
	case KVM_MP_STATE_INIT_RECEIVED:
	case KVM_MP_STATE_SIPI_RECEIVED:
		if (!lapic_in_kernel(vcpu))
			return -EINVAL;
		break;
	default:
		return -EINVAL;
	}
	vcpu->mp_state = state->mp_state;
	if (state->mp_state == KVM_MP_STATE_SIPI_RECEIVED) {
		/* The vector is with the vCPU's events. */
		vcpu->mp_state = KVM_MP_STATE_INIT_RECEIVED;
		set_bit(LAPIC_EVENT_SIPI, &vcpu->lapic->pending_events);
		kvm_make_request(KVM_REQ_INIT_SIPI, vcpu);
	}
	kvm_events_installed(vcpu);
	return 0;
}
