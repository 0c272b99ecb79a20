// SPDX-License-Identifier: GPL-2.0-only
/*
 * NMI blocking without virtual NMIs: the CPU does not tell when an NMI's handler
 * ends, but IRET ends it. So IRET exits, and RIP tells when it has been executed;
 * where NMIs are to come in between two instructions, one is stepped.
 *
 * Source: AMD APM volume 2, "NMI Support" and "Intercepts for Instructions".
 */
#include "core/debug.h"
#include "core/event.h"
#include "core/exit.h"
#include "core/regs.h"
#include "ops/regs.h"
#include "svm/svm.h"

/* Give the guest its own TF and RF back. */
static void end_step(struct vcpu_svm *svm)
{
	unsigned long rflags;

	if (!svm->nmi_singlestep)
		return;
	rflags = kvm_x86_get_rflags(&svm->vcpu);
	svm->nmi_singlestep = false;
	svm->vmcb->save.rflags = rflags;
}

/**
 * svm_soft_nmi_set_mask() - block NMIs or not
 * @svm: the vCPU
 * @masked: true while a handler runs
 *
 * Context: vcpu->mutex held.
 */
void svm_soft_nmi_set_mask(struct vcpu_svm *svm, bool masked)
{
	svm->nmi_masked = masked;
	svm->awaiting_iret = false;
	svm_assign_intercept(svm, INTERCEPT_IRET, masked);
}

/**
 * svm_soft_nmi_open_window() - have the guest exit when an NMI can go in
 * @svm: the vCPU, with an NMI that waits
 *
 * Why it cannot go in, and what makes the guest exit when it can:
 *
 *	masked, handler runs		IRET exits (armed at injection)
 *	masked, IRET about to execute	single-step over it
 *	interrupt shadow		single-step over its instruction
 *	another event goes in first	IRET of its handler (before_entry)
 */
void svm_soft_nmi_open_window(struct vcpu_svm *svm)
{
	struct kvm_vcpu *vcpu = &svm->vcpu;

	if (svm->nmi_masked && !svm->awaiting_iret)
		return;
	if (svm->nmi_singlestep)
		return;

	/* DR6 would be the guest's, with our step in it. */
	if (vcpu->switch_db_regs & KVM_DEBUGREG_WONT_EXIT)
		kvm_end_debug_loan(vcpu);
	svm->nmi_singlestep_rflags = kvm_x86_get_rflags(vcpu);
	svm->nmi_singlestep = true;
	svm->vmcb->save.rflags |= X86_EFLAGS_TF | X86_EFLAGS_RF;
}

/**
 * svm_soft_nmi_before_entry() - no step while an event goes in
 * @svm: the vCPU, about to enter, with a step under way or an IRET about to execute
 *
 * Our TF would be pushed on the guest's stack, and RIP would leave the IRET
 * without its execution. Wait for the IRET of that event's handler instead;
 * architecturally any IRET ends NMI masking.
 *
 * Context: irqs off.
 */
void svm_soft_nmi_before_entry(struct vcpu_svm *svm)
{
	if (!(svm->vmcb->control.event_inj & SVM_EVTINJ_VALID))
		return;
	end_step(svm);
	svm->awaiting_iret = false;
	svm_set_intercept(svm, INTERCEPT_IRET);
}

/**
 * svm_soft_nmi_after_exit() - has the IRET been executed?
 * @svm: the vCPU, which has left the guest awaiting one
 *
 * It has if RIP is no longer on it. Context: irqs off.
 */
void svm_soft_nmi_after_exit(struct vcpu_svm *svm)
{
	if (svm->vcpu.regs[VCPU_REGS_RIP] == svm->nmi_iret_rip)
		return;
	svm->awaiting_iret = false;
	svm->nmi_masked = false;
	kvm_nmi_unmasked(&svm->vcpu);
}

/**
 * svm_soft_nmi_iret() - exit by IRET
 * @svm: the vCPU
 *
 * It is about to execute. The NMI stays masked for this one instruction:
 * svm_soft_nmi_after_exit() unmasks it.
 */
enum run_result svm_soft_nmi_iret(struct vcpu_svm *svm)
{
	svm_clear_intercept(svm, INTERCEPT_IRET);
	if (svm->nmi_masked) {
		svm->awaiting_iret = true;
		svm->nmi_iret_rip = kvm_rip_read(&svm->vcpu);
	}
	return exit_nmi_window(&svm->vcpu);
}

/**
 * svm_soft_nmi_step() - take our single step out of a #DB
 * @svm: the vCPU, after a #DB exit
 * @dr6_bits: causes of the #DB, positive polarity
 *
 * Return: true if nothing is left of the #DB: it was ours alone.
 */
bool svm_soft_nmi_step(struct vcpu_svm *svm, unsigned long *dr6_bits)
{
	bool guest_steps = svm->nmi_singlestep_rflags & X86_EFLAGS_TF;

	if (!svm->nmi_singlestep)
		return false;
	end_step(svm);
	if (!guest_steps && !(svm->vcpu.guest_debug & KVM_GUESTDBG_SINGLESTEP))
		*dr6_bits &= ~(unsigned long)DR_STEP;
	if (!*dr6_bits)
		return true;
	/* No exit for a window, then; the #DB may go to userspace, the NMI is due behind it. */
	kvm_nmi_unmasked(&svm->vcpu);
	return false;
}
