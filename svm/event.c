// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events into the guest, and the windows in which they can be taken: EVENTINJ
 * and EXITINTINFO, virtual interrupts as an interrupt window. NMI masking is
 * soft_nmi.c's. What is injected and when is core/event.c's decision.
 *
 * Source: AMD APM volume 2, "Event Injection", "Virtual Interrupts" and
 * "Interrupt and Exception Support".
 */
#include "core/debug.h"
#include "core/event.h"
#include "core/exit.h"
#include "core/irq/lapic.h"
#include "core/regs.h"
#include "ops/apic.h"
#include "ops/event.h"
#include "ops/run.h"
#include "svm/svm.h"

/**
 * prepare_soft_event() - make a software event return behind its instruction
 * @svm: the vCPU, RIP on the INT n, INT3 or INTO
 *
 * The return address the CPU pushes is VMCB.nRIP where it has NRIPS, else
 * VMCB.RIP as it is. Without NRIPS RIP is therefore advanced before entry, and
 * set back by unwind_soft_event() if it was not delivered.
 *
 * Return: false if the instruction is not to be found. The event is dropped
 * then: RIP still stands on the instruction, and running it raises the event.
 */
static bool prepare_soft_event(struct vcpu_svm *svm)
{
	struct kvm_vcpu *vcpu = &svm->vcpu;
	unsigned long old_rip = kvm_rip_read(vcpu);

	/* What the last exit reported is the length of another instruction. */
	svm->next_rip = 0;
	if (!kvm_x86_skip_emulated_instruction(vcpu))
		return false;

	svm->soft_injected = true;
	svm->soft_old_rip = old_rip;
	svm->soft_next_rip = kvm_rip_read(vcpu);
	if (svm_caps.nrips) {
		svm->vmcb->control.next_rip = svm->soft_next_rip;
		kvm_rip_write(vcpu, old_rip);
	}
	return true;
}

/* The window for interrupts is not waited for any more. */
void svm_disarm_irq_window(struct vcpu_svm *svm)
{
	struct vmcb_control_area *control = &svm->vmcb->control;

	if (!svm_is_intercept(svm, INTERCEPT_VINTR))
		return;
	svm_clear_intercept(svm, INTERCEPT_VINTR);
	control->int_ctl &= ~V_IRQ_INJECTION_BITS_MASK;
	svm_mark_dirty(svm, VMCB_CLEAN_INTR);
}

void kvm_x86_inject_irq(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);
	u32 type = SVM_EVTINJ_TYPE_INTR;

	if (vcpu->ev.interrupt.soft) {
		if (!prepare_soft_event(svm)) {
			kvm_clear_interrupt_queue(vcpu);
			return;
		}
		type = SVM_EVTINJ_TYPE_SOFT;
	}

	/* Core arms it again if more interrupts wait. */
	svm_disarm_irq_window(svm);
	svm->vmcb->control.event_inj = vcpu->ev.interrupt.nr | SVM_EVTINJ_VALID | type;
	svm->vmcb->control.event_inj_err = 0;
}

/*
 * The CPU does not say when an NMI handler ends, but IRET ends it: exit there
 * to learn of it, and count NMIs as masked until then.
 */
void kvm_x86_inject_nmi(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	svm->vmcb->control.event_inj = NMI_INTERRUPT_VECTOR | SVM_EVTINJ_VALID |
				       SVM_EVTINJ_TYPE_NMI;
	svm->vmcb->control.event_inj_err = 0;
	kvm_x86_set_nmi_mask(vcpu, true);
}

void kvm_x86_inject_exception(struct kvm_vcpu *vcpu)
{
	const struct kvm_queued_exception *ex = &vcpu->ev.exception;
	struct vcpu_svm *svm = to_svm(vcpu);

	if (kvm_exception_is_soft(ex->vector) && !prepare_soft_event(svm)) {
		kvm_clear_exception_queue(vcpu);
		return;
	}

	svm->vmcb->control.event_inj = ex->vector | SVM_EVTINJ_VALID | SVM_EVTINJ_TYPE_EXEPT |
				       (ex->has_error_code ? SVM_EVTINJ_VALID_ERR : 0);
	svm->vmcb->control.event_inj_err = ex->error_code;
}

void kvm_x86_cancel_injection(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	/* It is still in vcpu->ev, for the next entry. */
	svm->vmcb->control.event_inj = 0;
	svm_keep_events(svm);
}

/*
 * An exception interrupted in delivery. The software ones are faults of an
 * instruction RIP still stands on; running that again is exact, and spares
 * guessing its length. Those we injected have no instruction to rely on.
 */
static void requeue_exception(struct vcpu_svm *svm, u8 vector, u32 info, bool was_soft)
{
	if (kvm_exception_is_soft(vector) && !was_soft)
		return;
	kvm_requeue_exception(&svm->vcpu, vector, info & SVM_EXITINTINFO_VALID_ERR,
			      svm->vmcb->control.exit_int_info_err);
}

/* RIP back on the instruction of a software event that has not been delivered. */
static void unwind_soft_event(struct vcpu_svm *svm)
{
	struct kvm_vcpu *vcpu = &svm->vcpu;

	if (svm->soft_injected && !svm_caps.nrips && kvm_rip_read(vcpu) == svm->soft_next_rip)
		kvm_rip_write(vcpu, svm->soft_old_rip);
	svm->soft_injected = false;
}

/**
 * svm_keep_events() - nothing became of the injected event: the guest was not entered
 * @svm: the vCPU; its VMCB was refused, or the entry was called off
 *
 * It is still in vcpu->ev, for the next entry; of a refused one in EVENTINJ too, for
 * the dump.
 */
void svm_keep_events(struct vcpu_svm *svm)
{
	unwind_soft_event(svm);
}

/**
 * svm_collect_events() - find out what became of the injected event
 * @svm: the vCPU, just out of the guest
 *
 * EXITINTINFO says whether an event was on its way through the guest's IDT when
 * the exit happened; that one is queued again, to be injected at the next entry.
 */
void svm_collect_events(struct vcpu_svm *svm)
{
	struct kvm_vcpu *vcpu = &svm->vcpu;
	struct vmcb_control_area *control = &svm->vmcb->control;
	u32 info = control->exit_int_info;
	bool was_soft = svm->soft_injected;
	u8 vector = info & SVM_EXITINTINFO_VEC_MASK;

	control->event_inj = 0;
	kvm_events_delivered(&vcpu->ev);
	if (likely(!(info & SVM_EXITINTINFO_VALID))) {
		svm->soft_injected = false;
		return;
	}
	unwind_soft_event(svm);

	/* Core asks for an evaluation if anything is queued, kvm_after_exit_events(). */
	switch (info & SVM_EXITINTINFO_TYPE_MASK) {
	case SVM_EXITINTINFO_TYPE_NMI:
		vcpu->ev.nmi_injected = true;
		break;
	case SVM_EXITINTINFO_TYPE_EXEPT:
		requeue_exception(svm, vector, info, was_soft);
		break;
	case SVM_EXITINTINFO_TYPE_INTR:
		kvm_queue_interrupt(vcpu, vector, false);
		break;
	case SVM_EXITINTINFO_TYPE_SOFT:
		/* INT n of the guest itself: RIP stands on it, it runs again. */
		if (was_soft)
			kvm_queue_interrupt(vcpu, vector, true);
		break;
	}
}

/*
 * A virtual interrupt is taken the moment an interrupt could be; intercepted,
 * it is the window. It must not depend on TPR: what core waits to inject has
 * been found deliverable by whoever owns the APIC.
 */
void kvm_x86_enable_irq_window(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);
	struct vmcb_control_area *control = &svm->vmcb->control;

	control->int_vector = 0;
	control->int_ctl |= V_IRQ_MASK | V_IGN_TPR_MASK | V_INTR_PRIO_MASK;
	svm_mark_dirty(svm, VMCB_CLEAN_INTR);
	svm_set_intercept(svm, INTERCEPT_VINTR);
}

void kvm_x86_enable_nmi_window(struct kvm_vcpu *vcpu)
{
	svm_soft_nmi_open_window(to_svm(vcpu));
}

bool kvm_x86_get_nmi_mask(struct kvm_vcpu *vcpu)
{
	return to_svm(vcpu)->nmi_masked;
}

void kvm_x86_set_nmi_mask(struct kvm_vcpu *vcpu, bool masked)
{
	svm_soft_nmi_set_mask(to_svm(vcpu), masked);
}

u32 kvm_x86_get_interrupt_shadow(struct kvm_vcpu *vcpu)
{
	/* One bit for both kinds. */
	if (to_svm(vcpu)->vmcb->control.int_state & SVM_INTERRUPT_SHADOW_MASK)
		return KVM_X86_SHADOW_INT_STI | KVM_X86_SHADOW_INT_MOV_SS;
	return 0;
}

void kvm_x86_set_interrupt_shadow(struct kvm_vcpu *vcpu, u32 mask)
{
	struct vmcb_control_area *control = &to_svm(vcpu)->vmcb->control;

	if (mask)
		control->int_state |= SVM_INTERRUPT_SHADOW_MASK;
	else
		control->int_state &= ~SVM_INTERRUPT_SHADOW_MASK;
}

/* The CPU does not compare: every write exits while one of them is of interest. */
void kvm_x86_update_cr8_intercept(struct kvm_vcpu *vcpu, u8 threshold)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	if (svm_is_intercept(svm, INTERCEPT_CR8_WRITE) != !!threshold)
		svm_assign_intercept(svm, INTERCEPT_CR8_WRITE, threshold);
}

bool kvm_x86_deliver_interrupt(struct kvm_vcpu *vcpu, u8 vector)
{
	return kvm_lapic_deliver_in_software(vcpu, vector);
}
