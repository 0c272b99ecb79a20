/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events that wait to be delivered to a vCPU, and who may queue them.
 * What is injected at an entry, in which order, is decided in event.c.
 */
#ifndef MONOVISOR_CORE_EVENT_H
#define MONOVISOR_CORE_EVENT_H

#include <linux/atomic.h>

#include "core/types.h"
#include "ops/event.h"

/* asm/kvm.h names the vectors of exceptions, but for these. */
#define NMI_INTERRUPT_VECTOR	2
#define CP_VECTOR		21

/*
 * Why event evaluation was asked for.
 *
 * One name per raise site class; vcpu->stat.event_raise[] counts them. See
 * "When events are evaluated" in docs/design.md.
 */
enum event_reason {
	EVENT_EXCEPTION,	/* an exception was queued */
	EVENT_IRQ_LINE,		/* an interrupt was made pending (IRR, PIC, KVM_INTERRUPT) */
	EVENT_PPR_TPR,		/* a TPR write that exited lowered PPR */
	EVENT_PPR_EOI,		/* an EOI cleared an ISR bit */
	EVENT_IRQ_WINDOW,	/* the interrupt window opened */
	EVENT_NMI,		/* an NMI became pending or unmasked */
	EVENT_REINJECT,		/* delivery was cut short by the exit */
	EVENT_IMMEDIATE_EXIT,	/* entry was made only to inject; something else waits */
	EVENT_USERSPACE,	/* userspace installed state while an event waits */
	EVENT_RFLAGS,		/* software changed IF, TF or an interrupt shadow */
	NR_EVENT_REASONS,
};

/* An exception on its way: pending = not yet looked at, injected = in hardware. */
struct kvm_queued_exception {
	bool pending;
	bool injected;
	bool has_error_code;
	bool has_payload;	/* payload is not yet in CR2 or DR6 */
	u8 vector;
	u32 error_code;
	unsigned long payload;
};

/* An interrupt in hardware, or taken back from it by an exit during its delivery. */
struct kvm_queued_interrupt {
	bool injected;
	bool soft;		/* INT n: re-injection restores the instruction length */
	u8 nr;
};

struct kvm_vcpu_events_state {
	struct kvm_queued_exception exception;
	struct kvm_queued_interrupt interrupt;
	bool user_irq_pending;	/* userspace's controller gave a vector; it waits for IF */
	bool user_irq_is_extint;	/* it is a PIC's: the local APIC may hold it back */
	u8 user_irq;
	atomic_t nmi_queued;	/* any thread; collected into nmi_pending by the vCPU */
	u32 nmi_pending;
	bool nmi_injected;
	bool immediate_exit;	/* leave right after this entry and look again */
};

/**
 * enum event_merge - what two exceptions become when the second is raised while
 * the first is being delivered
 * @EVENT_MERGE_SERIAL: the second alone; the first recurs when its instruction runs again.
 * @EVENT_MERGE_DOUBLE: a double fault.
 * @EVENT_MERGE_TRIPLE: a shutdown.
 */
enum event_merge {
	EVENT_MERGE_SERIAL,
	EVENT_MERGE_DOUBLE,
	EVENT_MERGE_TRIPLE,
};

/* What KVM_RUN found when it looked for events; the legend of stage "events". */
enum event_outcome {
	EVENT_OUTCOME_NONE,		/* nothing to inject, no window to arm */
	EVENT_OUTCOME_INJECTED,		/* something goes in at this entry */
	EVENT_OUTCOME_WINDOW,		/* a window was armed for what had to wait */
	EVENT_OUTCOME_IMMEDIATE_EXIT,	/* inject, then leave at once and look again */
};

/* Raised by the instructions INT3 and INTO: the guest goes on behind them. */
static __always_inline bool kvm_exception_is_soft(u8 vector)
{
	return vector == BP_VECTOR || vector == OF_VECTOR;
}

/*
 * What was injected is in the guest, unless the vendor finds that the exit cut its
 * delivery short. An exception that is pending was not part of the entry and stays.
 */
static __always_inline void kvm_events_delivered(struct kvm_vcpu_events_state *ev)
{
	ev->exception.injected = false;
	ev->interrupt.injected = false;
	ev->nmi_injected = false;
}

/* The instruction that STI or MOV SS protected has retired. vCPU loaded. */
static __always_inline void kvm_end_interrupt_shadow(struct kvm_vcpu *vcpu)
{
	if (kvm_x86_get_interrupt_shadow(vcpu))
		kvm_x86_set_interrupt_shadow(vcpu, 0);
}

void kvm_queue_exception(struct kvm_vcpu *vcpu, u8 vector);
void kvm_queue_exception_e(struct kvm_vcpu *vcpu, u8 vector, u32 error_code);
void kvm_queue_exception_p(struct kvm_vcpu *vcpu, u8 vector, unsigned long payload);
void kvm_requeue_exception(struct kvm_vcpu *vcpu, u8 vector, bool has_error_code, u32 error_code);
void kvm_inject_page_fault(struct kvm_vcpu *vcpu, unsigned long address, u32 error_code);
void kvm_queue_interrupt(struct kvm_vcpu *vcpu, u8 vector, bool soft);
void kvm_clear_exception_queue(struct kvm_vcpu *vcpu);
void kvm_clear_interrupt_queue(struct kvm_vcpu *vcpu);
void kvm_deliver_exception_payload(struct kvm_vcpu *vcpu, struct kvm_queued_exception *ex);
void kvm_inject_nmi(struct kvm_vcpu *vcpu);
void kvm_collect_nmis(struct kvm_vcpu *vcpu);
void kvm_make_event_request(struct kvm_vcpu *vcpu, enum event_reason reason);
void kvm_events_installed(struct kvm_vcpu *vcpu);
void kvm_make_event_request_remote(struct kvm_vcpu *vcpu, enum event_reason reason);
void kvm_end_delivery(struct kvm_vcpu *vcpu);
void kvm_nmi_unmasked(struct kvm_vcpu *vcpu);
enum event_outcome kvm_evaluate_events(struct kvm_vcpu *vcpu);
bool kvm_event_needs_reinjection(struct kvm_vcpu *vcpu);
void kvm_after_exit_events(struct kvm_vcpu *vcpu);
bool kvm_interrupt_allowed(struct kvm_vcpu *vcpu);
bool kvm_nmi_allowed(struct kvm_vcpu *vcpu);
bool kvm_user_wants_irq_window(struct kvm_vcpu *vcpu);
bool kvm_ready_for_interrupt_injection(struct kvm_vcpu *vcpu);
enum event_merge kvm_merge_exceptions(u8 first, u8 second);
int kvm_vcpu_ioctl_interrupt(struct kvm_vcpu *vcpu, const struct kvm_interrupt *irq);
int kvm_vcpu_ioctl_nmi(struct kvm_vcpu *vcpu);
void kvm_vcpu_ioctl_get_events(struct kvm_vcpu *vcpu, struct kvm_vcpu_events *events);
int kvm_vcpu_ioctl_set_events(struct kvm_vcpu *vcpu, const struct kvm_vcpu_events *events);

#endif /* MONOVISOR_CORE_EVENT_H */
