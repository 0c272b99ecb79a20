/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bodies of the ops that are declared inline: constants on SVM, so that the
 * branches they guard vanish from the module.
 */
#ifndef MONOVISOR_SVM_INLINE_H
#define MONOVISOR_SVM_INLINE_H

#include "core/irq/lapic.h"
#include "ops/apic.h"
#include "core/regs.h"
#include "ops/run.h"
#include "svm/svm.h"

/*
 * Without NRIPS the instruction has to be decoded. RIP wraps in hardware's word
 * as it does in the guest.
 */
static __always_inline unsigned long kvm_x86_fast_next_rip(struct kvm_vcpu *vcpu)
{
	return to_svm(vcpu)->next_rip;
}

static __always_inline unsigned long kvm_x86_fast_rflags(struct kvm_vcpu *vcpu)
{
	return to_svm(vcpu)->vmcb->save.rflags;
}

static __always_inline void kvm_x86_fast_retire(struct kvm_vcpu *vcpu, unsigned long next_rip)
{
	vcpu->regs[VCPU_REGS_RIP] = next_rip;
	to_svm(vcpu)->vmcb->control.int_state &= ~SVM_INTERRUPT_SHADOW_MASK;
}

/* SVM has no timer that fires at entry; core sends itself an interrupt instead. */
static __always_inline bool kvm_x86_has_request_immediate_exit(void)
{
	return false;
}

static __always_inline void kvm_x86_request_immediate_exit(struct kvm_vcpu *vcpu)
{
}

/* These CPUs do not speculate past a page that is not present. */
static __always_inline void kvm_x86_host_data_touched(struct kvm_vcpu *vcpu)
{
}

/* No AVIC is used: core delivers interrupts by injecting them. */
static __always_inline bool kvm_x86_apicv_active(struct kvm_vcpu *vcpu)
{
	return false;
}

static __always_inline int kvm_x86_sync_pir_to_irr(struct kvm_vcpu *vcpu)
{
	return kvm_lapic_highest_irr(vcpu);
}

static __always_inline bool kvm_x86_pi_has_pending_interrupt(struct kvm_vcpu *vcpu)
{
	return false;
}

static __always_inline bool kvm_x86_pi_test_vector(struct kvm_vcpu *vcpu, u8 vector)
{
	return false;
}

static __always_inline void kvm_x86_hwapic_irr_update(struct kvm_vcpu *vcpu, int max)
{
}

static __always_inline void kvm_x86_hwapic_isr_update(struct kvm_vcpu *vcpu, int max)
{
}

static __always_inline void kvm_x86_load_eoi_exitmap(struct kvm_vcpu *vcpu,
						     const unsigned long *bitmap)
{
}

static __always_inline void kvm_x86_set_virtual_apic_mode(struct kvm_vcpu *vcpu)
{
}

static __always_inline void kvm_x86_refresh_apicv_exec_ctrl(struct kvm_vcpu *vcpu)
{
}

static __always_inline unsigned long kvm_x86_required_apicv_inhibits(void)
{
	return 0;
}

#endif /* MONOVISOR_SVM_INLINE_H */
