// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events: queueing of exceptions, NMIs and interrupts, and the decision what
 * goes into the guest at an entry, in architectural order. How an event is put
 * into hardware is the vendor's (ops/event.h).
 */
#include <linux/build_bug.h>

#include "core/block.h"
#include "core/cr.h"
#include "core/debug.h"
#include "core/event.h"
#include "core/irq/inject.h"
#include "core/irq/irqchip.h"
#include "core/irq/lapic.h"
#include "core/regs.h"
#include "core/request.h"
#include "core/trace.h"
#include "core/vcpu.h"
#include "core/vm.h"
#include "ops/event.h"
#include "ops/regs.h"

/**
 * kvm_make_event_request() - ask for an evaluation of events before the next entry
 * @vcpu: the vCPU; this is its own thread, or the caller kicks it
 * @reason: why; counted
 */
void kvm_make_event_request(struct kvm_vcpu *vcpu, enum event_reason reason)
{
	BUILD_BUG_ON(ARRAY_SIZE(vcpu->stat.event_raise) != NR_EVENT_REASONS);
	vcpu->stat.event_raise[reason]++;
	kvm_make_request(KVM_REQ_EVENT, vcpu);
}

/**
 * kvm_events_installed() - userspace replaced state that decides what can be injected
 * @vcpu: the vCPU, loaded
 *
 * Where nothing waits there is nothing to evaluate: registers alone make no
 * event. An NMI userspace installs comes by KVM_REQ_NMI, which asks by itself.
 */
void kvm_events_installed(struct kvm_vcpu *vcpu)
{
	if (vcpu->ev.exception.pending || kvm_event_needs_reinjection(vcpu) ||
	    vcpu->ev.nmi_pending || kvm_irq_waits(vcpu))
		kvm_make_event_request(vcpu, EVENT_USERSPACE);
}

/**
 * kvm_make_event_request_remote() - the same, by a thread that is not the vCPU's
 * @vcpu: the vCPU; the caller wakes or kicks it
 * @reason: EVENT_IRQ_LINE or EVENT_NMI: others do not come from outside
 *
 * The vCPU itself looks whether there is a reason to evaluate, and counts:
 * the counters are its own, and what masks an interrupt only it knows.
 * Context: any.
 */
void kvm_make_event_request_remote(struct kvm_vcpu *vcpu, enum event_reason reason)
{
	kvm_make_request(reason == EVENT_NMI ? KVM_REQ_NMI : KVM_REQ_IRQ, vcpu);
}

static bool is_contributory(u8 vector)
{
	switch (vector) {
	case DE_VECTOR:
	case TS_VECTOR:
	case NP_VECTOR:
	case SS_VECTOR:
	case GP_VECTOR:
	case CP_VECTOR:
		return true;
	}
	return false;
}

/**
 * kvm_merge_exceptions() - combine an exception with one that is being delivered
 * @first: vector whose delivery was in progress
 * @second: vector it raised
 *
 *	first \ second	benign	contributory	page fault
 *	benign		serial	serial		serial
 *	contributory	serial	double		serial
 *	page fault	serial	double		double
 *	double fault	serial	triple		triple
 *
 * Source: Intel SDM volume 3, "Interrupt 8 - Double Fault Exception (#DF)";
 * AMD APM volume 2, "#DF - Double-Fault Exception".
 */
enum event_merge kvm_merge_exceptions(u8 first, u8 second)
{
	bool contributory = is_contributory(second);
	bool page_fault = second == PF_VECTOR;

	if (first == DF_VECTOR && (contributory || page_fault))
		return EVENT_MERGE_TRIPLE;
	if (first == PF_VECTOR && (contributory || page_fault))
		return EVENT_MERGE_DOUBLE;
	if (is_contributory(first) && contributory)
		return EVENT_MERGE_DOUBLE;
	return EVENT_MERGE_SERIAL;
}

/**
 * kvm_end_delivery() - the interrupt or NMI that was being delivered is not put back
 * @vcpu: the vCPU; the event is in vcpu->ev
 *
 * Either its task has taken it, or an exception came up, which the caller queues. An
 * interrupt has been acknowledged and is gone then: the handler of the exception runs
 * in the place of its own, and hears of it by the bit EXT. An NMI keeps others out
 * until an IRET all the same. INT n runs again, if RIP still stands on it. An exception
 * stays, to be merged with the new one.
 * Context: the vCPU's thread, vCPU loaded.
 * Source: Intel SDM volume 3, "Error Code", "Handling Multiple NMIs".
 */
void kvm_end_delivery(struct kvm_vcpu *vcpu)
{
	kvm_clear_interrupt_queue(vcpu);
	if (vcpu->ev.nmi_injected) {
		vcpu->ev.nmi_injected = false;
		kvm_x86_set_nmi_mask(vcpu, true);
	}
}

/**
 * kvm_nmi_unmasked() - NMIs may go in again, and no exit for a window said so
 * @vcpu: the vCPU, loaded, its own thread
 *
 * One that waits is asked for. Context: irqs on or off.
 */
void kvm_nmi_unmasked(struct kvm_vcpu *vcpu)
{
	if (unlikely(vcpu->ev.nmi_pending))
		kvm_make_event_request(vcpu, EVENT_NMI);
}

static void queue_exception(struct kvm_vcpu *vcpu, const struct kvm_queued_exception *next)
{
	struct kvm_queued_exception *ex = &vcpu->ev.exception;

	kvm_make_event_request(vcpu, EVENT_EXCEPTION);
	if (!ex->pending && !ex->injected) {
		*ex = *next;
		return;
	}
	switch (kvm_merge_exceptions(ex->vector, next->vector)) {
	case EVENT_MERGE_TRIPLE:
		kvm_clear_exception_queue(vcpu);
		kvm_make_request(KVM_REQ_TRIPLE_FAULT, vcpu);
		break;
	case EVENT_MERGE_DOUBLE:
		*ex = (struct kvm_queued_exception) {
			.pending = true,
			.vector = DF_VECTOR,
			.has_error_code = true,
		};
		break;
	case EVENT_MERGE_SERIAL:
		*ex = *next;
		break;
	}
}

/*
 * All of kvm_queue_exception*(): the vCPU's own thread, vCPU loaded. The
 * exception is delivered at the next entry, or merged with one in delivery.
 */
void kvm_queue_exception(struct kvm_vcpu *vcpu, u8 vector)
{
	queue_exception(vcpu, &(struct kvm_queued_exception) {
		.pending = true, .vector = vector });
}

void kvm_queue_exception_e(struct kvm_vcpu *vcpu, u8 vector, u32 error_code)
{
	queue_exception(vcpu, &(struct kvm_queued_exception) {
		.pending = true, .vector = vector,
		.has_error_code = true, .error_code = error_code });
}

/* @payload: DR6 bits of a #DB, as its condition, not in the register's polarity. */
void kvm_queue_exception_p(struct kvm_vcpu *vcpu, u8 vector, unsigned long payload)
{
	queue_exception(vcpu, &(struct kvm_queued_exception) {
		.pending = true, .vector = vector,
		.has_payload = true, .payload = payload });
}

void kvm_inject_page_fault(struct kvm_vcpu *vcpu, unsigned long address, u32 error_code)
{
	queue_exception(vcpu, &(struct kvm_queued_exception) {
		.pending = true, .vector = PF_VECTOR,
		.has_error_code = true, .error_code = error_code,
		.has_payload = true, .payload = address });
}

/**
 * kvm_requeue_exception() - put back an exception whose delivery the exit cut short
 * @vcpu: the vCPU
 * @vector: exception vector
 * @has_error_code: it pushes one
 * @error_code: the one
 *
 * It goes in again as it was: nothing is merged, its payload has been
 * delivered already. The vendor calls this right after an exit.
 */
void kvm_requeue_exception(struct kvm_vcpu *vcpu, u8 vector, bool has_error_code, u32 error_code)
{
	vcpu->ev.exception = (struct kvm_queued_exception) {
		.injected = true, .vector = vector,
		.has_error_code = has_error_code, .error_code = error_code };
}

/* The same for an interrupt; also how the core hands a vector to the vendor. */
void kvm_queue_interrupt(struct kvm_vcpu *vcpu, u8 vector, bool soft)
{
	vcpu->ev.interrupt = (struct kvm_queued_interrupt) {
		.injected = true, .soft = soft, .nr = vector };
}

void kvm_clear_exception_queue(struct kvm_vcpu *vcpu)
{
	vcpu->ev.exception.pending = false;
	vcpu->ev.exception.injected = false;
}

void kvm_clear_interrupt_queue(struct kvm_vcpu *vcpu)
{
	vcpu->ev.interrupt.injected = false;
}

/**
 * kvm_inject_nmi() - make an NMI pending
 * @vcpu: any vCPU
 *
 * Context: any thread. The caller need not kick: this does.
 */
void kvm_inject_nmi(struct kvm_vcpu *vcpu)
{
	atomic_inc(&vcpu->ev.nmi_queued);
	kvm_make_event_request_remote(vcpu, EVENT_NMI);
	kvm_vcpu_wake_kick(vcpu);
}

/* Another thread's NMIs become this vCPU's; the CPU remembers one while one is in progress. */
void kvm_collect_nmis(struct kvm_vcpu *vcpu)
{
	u32 limit = 2;

	if (vcpu->ev.nmi_injected || kvm_x86_get_nmi_mask(vcpu))
		limit = 1;
	vcpu->ev.nmi_pending += atomic_xchg(&vcpu->ev.nmi_queued, 0);
	vcpu->ev.nmi_pending = min(vcpu->ev.nmi_pending, limit);
	if (vcpu->ev.nmi_pending)
		kvm_make_event_request(vcpu, EVENT_NMI);
}

bool kvm_event_needs_reinjection(struct kvm_vcpu *vcpu)
{
	return vcpu->ev.exception.injected || vcpu->ev.interrupt.injected ||
	       vcpu->ev.nmi_injected;
}

/* May an interrupt be delivered at this instruction? The controllers' priorities aside. */
bool kvm_interrupt_allowed(struct kvm_vcpu *vcpu)
{
	return kvm_x86_get_if_flag(vcpu) && !kvm_x86_get_interrupt_shadow(vcpu);
}

bool kvm_nmi_allowed(struct kvm_vcpu *vcpu)
{
	return !kvm_x86_get_nmi_mask(vcpu) && !kvm_x86_get_interrupt_shadow(vcpu);
}

/* Would a KVM_INTERRUPT now be taken at the next entry? */
bool kvm_ready_for_interrupt_injection(struct kvm_vcpu *vcpu)
{
	/* Userspace has no controller, or it is not wired to this vCPU. */
	if (pic_in_kernel(vcpu->kvm))
		return true;
	if (lapic_in_kernel(vcpu) && !kvm_lapic_accepts_pic_intr(vcpu))
		return false;
	return !kvm_event_needs_reinjection(vcpu) && !vcpu->ev.exception.pending &&
	       !vcpu->ev.user_irq_pending && kvm_interrupt_allowed(vcpu);
}

/**
 * kvm_after_exit_events() - ask for what an exit or a cancelled entry left undelivered
 * @vcpu: the vCPU; the vendor has put into vcpu->ev what hardware did not deliver
 */
void kvm_after_exit_events(struct kvm_vcpu *vcpu)
{
	if (unlikely(kvm_event_needs_reinjection(vcpu)))
		kvm_make_event_request(vcpu, EVENT_REINJECT);
}

/**
 * kvm_deliver_exception_payload() - what an exception leaves in CR2 or DR6
 * @vcpu: the vCPU
 * @ex: the exception; its payload is consumed
 *
 * Done as late as possible: until the exception is delivered, userspace and
 * the guest see the old values.
 *
 * Source: Intel SDM volume 3, "Debug Status Register (DR6)".
 */
void kvm_deliver_exception_payload(struct kvm_vcpu *vcpu, struct kvm_queued_exception *ex)
{
	if (!ex->has_payload)
		return;
	switch (ex->vector) {
	case DB_VECTOR:
		/*
		 * B0..B3 are replaced, the other conditions accumulate. The active
		 * low bits (RTM, bus lock) read as 1 unless the payload has them.
		 */
		vcpu->dr6 &= ~0xfUL;
		vcpu->dr6 |= DR6_ACTIVE_LOW;
		vcpu->dr6 |= ex->payload;
		vcpu->dr6 ^= ex->payload & DR6_ACTIVE_LOW;
		break;
	case PF_VECTOR:
		vcpu->cr2 = ex->payload;
		break;
	}
	ex->has_payload = false;
	ex->payload = 0;
}

/*
 * Faults push RFLAGS.RF set, so that an instruction breakpoint on the
 * faulting instruction does not hit twice. For #DB, whose fault-like causes
 * are breakpoints themselves, the handler sets RF.
 */
static bool pushes_rf(u8 vector)
{
	switch (vector) {
	case DB_VECTOR:
	case NMI_INTERRUPT_VECTOR:
	case BP_VECTOR:
	case OF_VECTOR:
	case DF_VECTOR:
	case MC_VECTOR:
		return false;
	}
	return true;
}

/*
 * Whether an exception pushes an error code follows from its vector and the mode, and
 * hardware may refuse another combination. Userspace may have installed one, or changed
 * the mode since; what it left out is 0.
 * Source: Intel SDM volume 3, "Error Code"; AMD APM volume 2, "Vectors".
 */
static void settle_error_code(struct kvm_vcpu *vcpu, struct kvm_queued_exception *ex)
{
	const u32 with_code = BIT(DF_VECTOR) | BIT(TS_VECTOR) | BIT(NP_VECTOR) |
			      BIT(SS_VECTOR) | BIT(GP_VECTOR) | BIT(PF_VECTOR) | BIT(AC_VECTOR);
	/* Above the exceptions: what an emulated CPU made of an interrupt. */
	bool pushes = ex->vector < 32 && BIT(ex->vector) & with_code && is_protmode(vcpu);

	if (!ex->has_error_code)
		ex->error_code = 0;
	ex->has_error_code = pushes;
}

static void inject_pending_exception(struct kvm_vcpu *vcpu)
{
	struct kvm_queued_exception *ex = &vcpu->ev.exception;

	if (pushes_rf(ex->vector))
		kvm_x86_set_rflags(vcpu, kvm_x86_get_rflags(vcpu) | X86_EFLAGS_RF);
	if (ex->vector == DB_VECTOR) {
		kvm_deliver_exception_payload(vcpu, ex);
		/* Delivery of #DB lifts the guard on the debug registers. */
		if (vcpu->dr7 & KVM_DR7_GD) {
			vcpu->dr7 &= ~KVM_DR7_GD;
			kvm_update_dr7(vcpu);
		}
	} else {
		kvm_deliver_exception_payload(vcpu, ex);
	}
	ex->pending = false;
	ex->injected = true;
	settle_error_code(vcpu, ex);
	vcpu->stat.exception_injections++;
	trace_kvm_inj_exception(ex->vector, ex->has_error_code, ex->error_code, false);
	kvm_x86_inject_exception(vcpu);
}

/* Row 1 of the table below. Return: something went in. */
static bool reinject(struct kvm_vcpu *vcpu)
{
	const struct kvm_queued_interrupt *irq = &vcpu->ev.interrupt;
	struct kvm_queued_exception *ex = &vcpu->ev.exception;

	if (ex->injected) {
		settle_error_code(vcpu, ex);
		trace_kvm_inj_exception(ex->vector, ex->has_error_code, ex->error_code, true);
		kvm_x86_inject_exception(vcpu);
	} else if (vcpu->ev.nmi_injected) {
		kvm_x86_inject_nmi(vcpu);
	} else if (irq->injected) {
		trace_kvm_inj_virq(irq->nr, irq->soft, true);
		kvm_x86_inject_irq(vcpu);
	} else {
		return false;
	}
	return true;
}

/*
 * A userspace PIC waits for its turn. There is none if the PICs are in the
 * kernel; one that LINT0 does not let through waits for the local APIC, and a
 * window would open for nothing, before every instruction.
 */
bool kvm_user_wants_irq_window(struct kvm_vcpu *vcpu)
{
	return vcpu->run->request_interrupt_window && !pic_in_kernel(vcpu->kvm) &&
	       (!lapic_in_kernel(vcpu) || kvm_lapic_accepts_pic_intr(vcpu));
}

static enum event_outcome combine(bool injected, bool window)
{
	if (injected)
		return EVENT_OUTCOME_INJECTED;
	return window ? EVENT_OUTCOME_WINDOW : EVENT_OUTCOME_NONE;
}

/* The PICs are everybody's: their line may have fallen since it was looked at. */
static bool inject_next_irq(struct kvm_vcpu *vcpu)
{
	int vector = kvm_irq_take(vcpu);

	if (vector < 0)
		return false;
	kvm_queue_interrupt(vcpu, vector, false);
	vcpu->stat.irq_injections++;
	trace_kvm_inj_virq(vector, false, false);
	kvm_x86_inject_irq(vcpu);
	return true;
}

/**
 * kvm_evaluate_events() - stage "events": decide what goes in at this entry
 * @vcpu: the vCPU, loaded; irqs on
 *
 * One event fits an entry. In order:
 *
 *	row	event				condition	otherwise
 *	1	delivery cut short by an exit	-		-
 *	2	pending exception		row 1 empty	immediate exit
 *	3	NMI				not masked	NMI window, or
 *							immediate exit
 *	4	interrupt above PPR		IF, no shadow	interrupt window
 *		interrupt below			-		TPR's write exits, or its EOI
 *	5	userspace wants to know when an interrupt can be taken: window
 *
 * Exceptions come before interrupts because they belong to the instruction
 * that has begun; NMIs before interrupts by architecture.
 *
 * Source: Intel SDM volume 3, "Priority Among Concurrent Events"; AMD APM
 * volume 2, "Priorities".
 */
enum event_outcome kvm_evaluate_events(struct kvm_vcpu *vcpu)
{
	bool nmi_again = vcpu->ev.nmi_injected && !vcpu->ev.exception.injected;
	bool injected = reinject(vcpu);					/* row 1 */
	bool window = false;

	if (vcpu->ev.exception.pending) {				/* row 2 */
		if (injected)
			return EVENT_OUTCOME_IMMEDIATE_EXIT;
		inject_pending_exception(vcpu);
		injected = true;
	}
	if (vcpu->ev.nmi_pending) {					/* row 3 */
		/*
		 * Behind another event the NMI is due at the first instruction of that
		 * event's handler, unless NMIs are masked: one that goes in again masks
		 * them, which a CPU that does so by itself does not show before.
		 */
		if (injected && !nmi_again && !kvm_x86_get_nmi_mask(vcpu))
			return EVENT_OUTCOME_IMMEDIATE_EXIT;
		if (!injected && kvm_nmi_allowed(vcpu)) {
			vcpu->ev.nmi_pending--;
			vcpu->ev.nmi_injected = true;
			vcpu->stat.nmi_injections++;
			kvm_x86_inject_nmi(vcpu);
			injected = true;
		}
		if (vcpu->ev.nmi_pending) {
			kvm_x86_enable_nmi_window(vcpu);
			window = true;
		}
	}
	if (!injected && kvm_irq_waits(vcpu) &&
	    kvm_interrupt_allowed(vcpu))				/* row 4 */
		injected = inject_next_irq(vcpu);
	/* Row 5 even where row 4 injected: userspace has the next one ready. */
	if (kvm_irq_waits(vcpu) || kvm_user_wants_irq_window(vcpu)) {
		kvm_x86_enable_irq_window(vcpu);
		window = true;
	}
	/* Seeing TPR go down is a window as well, for the local APIC's interrupts. */
	if (kvm_irq_arm_tpr(vcpu))
		window = true;
	return combine(injected, window);
}

/**
 * kvm_vcpu_ioctl_interrupt() - KVM_INTERRUPT of a userspace interrupt controller
 * @vcpu: the vCPU
 * @irq: the vector
 *
 * Return: 0, -EINVAL (no such vector), -EEXIST (one is queued already), -ENXIO
 * (the PICs are in the kernel).
 */
int kvm_vcpu_ioctl_interrupt(struct kvm_vcpu *vcpu, const struct kvm_interrupt *irq)
{
	if (irq->irq >= 256)
		return -EINVAL;
	if (pic_in_kernel(vcpu->kvm))
		return -ENXIO;
	if (vcpu->ev.user_irq_pending || vcpu->ev.interrupt.injected)
		return -EEXIST;
	vcpu->ev.user_irq = irq->irq;
	vcpu->ev.user_irq_pending = true;
	vcpu->ev.user_irq_is_extint = lapic_in_kernel(vcpu);
	kvm_irq_look(vcpu);
	return 0;
}

int kvm_vcpu_ioctl_nmi(struct kvm_vcpu *vcpu)
{
	kvm_inject_nmi(vcpu);
	return 0;
}

/**
 * kvm_vcpu_ioctl_get_events() - KVM_GET_VCPU_EVENTS
 * @vcpu: the vCPU, loaded
 * @events: zeroed by the caller
 *
 * Without KVM_CAP_EXCEPTION_PAYLOAD, userspace knows no pending state: a
 * pending exception's payload is delivered and it is shown as injected.
 */
void kvm_vcpu_ioctl_get_events(struct kvm_vcpu *vcpu, struct kvm_vcpu_events *events)
{
	struct kvm_queued_exception *ex = &vcpu->ev.exception;

	if (kvm_test_request(KVM_REQ_NMI, vcpu)) {
		kvm_clear_request(KVM_REQ_NMI, vcpu);
		kvm_collect_nmis(vcpu);
	}
	if (!vcpu->kvm->exception_payload_enabled && ex->pending)
		kvm_deliver_exception_payload(vcpu, ex);

	if (vcpu->kvm->exception_payload_enabled) {
		events->exception.injected = ex->injected;
		events->exception.pending = ex->pending;
		events->flags |= KVM_VCPUEVENT_VALID_PAYLOAD;
	} else {
		events->exception.injected = ex->injected || ex->pending;
	}
	events->exception.nr = ex->vector;
	events->exception.has_error_code = ex->has_error_code;
	events->exception.error_code = ex->error_code;
	events->exception_has_payload = ex->has_payload;
	events->exception_payload = ex->payload;

	if (vcpu->ev.interrupt.injected && !vcpu->ev.interrupt.soft) {
		events->interrupt.injected = true;
		events->interrupt.nr = vcpu->ev.interrupt.nr;
	} else if (vcpu->ev.user_irq_pending) {
		events->interrupt.injected = true;
		events->interrupt.nr = vcpu->ev.user_irq;
	}
	events->interrupt.shadow = kvm_x86_get_interrupt_shadow(vcpu);

	events->nmi.injected = vcpu->ev.nmi_injected;
	events->nmi.pending = vcpu->ev.nmi_pending;
	events->nmi.masked = kvm_x86_get_nmi_mask(vcpu);
	events->flags |= KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW;
	if (vcpu->kvm->triple_fault_event) {
		events->triple_fault.pending = kvm_test_request(KVM_REQ_TRIPLE_FAULT, vcpu);
		events->flags |= KVM_VCPUEVENT_VALID_TRIPLE_FAULT;
	}
}

#define EVENTS_FLAGS_KNOWN	(KVM_VCPUEVENT_VALID_NMI_PENDING |	\
				 KVM_VCPUEVENT_VALID_SIPI_VECTOR |	\
				 KVM_VCPUEVENT_VALID_SHADOW |		\
				 KVM_VCPUEVENT_VALID_SMM |		\
				 KVM_VCPUEVENT_VALID_PAYLOAD |		\
				 KVM_VCPUEVENT_VALID_TRIPLE_FAULT)

static bool events_legal(struct kvm_vcpu *vcpu, const struct kvm_vcpu_events *events,
			 bool pending)
{
	if (events->flags & ~EVENTS_FLAGS_KNOWN)
		return false;
	if ((events->flags & KVM_VCPUEVENT_VALID_PAYLOAD) &&
	    (!vcpu->kvm->exception_payload_enabled ||
	     (pending && events->exception.injected)))
		return false;
	if ((events->flags & KVM_VCPUEVENT_VALID_TRIPLE_FAULT) &&
	    !vcpu->kvm->triple_fault_event)
		return false;
	/* There is no system management mode to be in. */
	if ((events->flags & KVM_VCPUEVENT_VALID_SMM) &&
	    (events->smi.smm || events->smi.pending))
		return false;
	if ((events->exception.injected || pending) &&
	    (events->exception.nr > 31 || events->exception.nr == NMI_INTERRUPT_VECTOR))
		return false;
	return true;
}

/**
 * kvm_vcpu_ioctl_set_events() - KVM_SET_VCPU_EVENTS
 * @vcpu: the vCPU, loaded
 * @events: one private copy of userspace's
 *
 * Return: 0, or -EINVAL with nothing changed.
 */
int kvm_vcpu_ioctl_set_events(struct kvm_vcpu *vcpu, const struct kvm_vcpu_events *events)
{
	struct kvm_queued_exception *ex = &vcpu->ev.exception;
	bool payload = events->flags & KVM_VCPUEVENT_VALID_PAYLOAD;
	bool pending = payload && events->exception.pending;

	if (!events_legal(vcpu, events, pending))
		return -EINVAL;

	*ex = (struct kvm_queued_exception) {
		.injected = events->exception.injected,
		.pending = pending,
		.vector = events->exception.nr,
		.has_error_code = events->exception.has_error_code,
		.error_code = events->exception.error_code,
		.has_payload = payload && events->exception_has_payload,
		.payload = payload ? events->exception_payload : 0,
	};
	/*
	 * The interrupt goes the way of KVM_INTERRUPT: it is not trusted to be
	 * deliverable in the state userspace installed.
	 */
	kvm_clear_interrupt_queue(vcpu);
	vcpu->ev.user_irq_pending = events->interrupt.injected;
	vcpu->ev.user_irq_is_extint = false;
	vcpu->ev.user_irq = events->interrupt.nr;
	if (lapic_in_kernel(vcpu) && (events->flags & KVM_VCPUEVENT_VALID_SIPI_VECTOR))
		WRITE_ONCE(vcpu->lapic->sipi_vector, events->sipi_vector);
	if (events->flags & KVM_VCPUEVENT_VALID_SHADOW)
		kvm_x86_set_interrupt_shadow(vcpu, events->interrupt.shadow);

	vcpu->ev.nmi_injected = events->nmi.injected;
	if (events->flags & KVM_VCPUEVENT_VALID_NMI_PENDING) {
		vcpu->ev.nmi_pending = 0;
		atomic_set(&vcpu->ev.nmi_queued, events->nmi.pending);
		if (events->nmi.pending)
			kvm_make_request(KVM_REQ_NMI, vcpu);
	}
	kvm_x86_set_nmi_mask(vcpu, events->nmi.masked);
	if (events->flags & KVM_VCPUEVENT_VALID_TRIPLE_FAULT) {
		if (events->triple_fault.pending)
			kvm_make_request(KVM_REQ_TRIPLE_FAULT, vcpu);
		else
			kvm_clear_request(KVM_REQ_TRIPLE_FAULT, vcpu);
	}
	kvm_events_installed(vcpu);
	return 0;
}
