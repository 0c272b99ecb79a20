/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interrupt-controller help of the hardware: the task priority, and on VMX the
 * virtual-APIC page, virtual interrupt delivery and posted interrupts. All but
 * the first need a local APIC in the kernel.
 *
 * "APICv" below: the hardware of this vCPU takes interrupts from IRR by
 * itself, sets and clears ISR and computes PPR. Where it never does, the
 * predicate is the constant false and what it guards is gone.
 */
#ifndef MONOVISOR_OPS_APIC_H
#define MONOVISOR_OPS_APIC_H

#include "core/types.h"
#include "ops/vendor.h"

/*
 * vCPU loaded. The guest's task priority was changed by software, or what waits
 * below it: arrange that lowering its class below @threshold exits, 0: that none of
 * its changes does. It is not above the class.
 */
void kvm_x86_update_cr8_intercept(struct kvm_vcpu *vcpu, u8 threshold);

/* Own thread: APICv is active for this vCPU. */
static __always_inline bool kvm_x86_apicv_active(struct kvm_vcpu *vcpu);

/**
 * kvm_x86_deliver_interrupt() - make a fixed interrupt pending
 * @vcpu: the vCPU
 * @vector: vector; the TMR bit has been written
 *
 * Sets it in IRR, or in the posted-interrupt descriptor, and sees to it that
 * the vCPU finds it: notification, kick or wake-up.
 * Context: any, of any thread. Return: it was not pending yet.
 */
bool kvm_x86_deliver_interrupt(struct kvm_vcpu *vcpu, u8 vector);

/* Own thread: collect posted interrupts into IRR. Return: highest vector in IRR, or -1. */
static __always_inline int kvm_x86_sync_pir_to_irr(struct kvm_vcpu *vcpu);
/* Any thread: posted interrupts wait that have not been collected. */
static __always_inline bool kvm_x86_pi_has_pending_interrupt(struct kvm_vcpu *vcpu);

/* Any thread: this one does. To be asked before IRR and ISR, whereto it may be on its way. */
static __always_inline bool kvm_x86_pi_test_vector(struct kvm_vcpu *vcpu, u8 vector);

/* vCPU loaded: software changed IRR or ISR; @max is the highest vector in it, or -1. */
static __always_inline void kvm_x86_hwapic_irr_update(struct kvm_vcpu *vcpu, int max);
static __always_inline void kvm_x86_hwapic_isr_update(struct kvm_vcpu *vcpu, int max);

/* vCPU loaded: the vectors (256 bits) whose EOI must exit. */
static __always_inline void kvm_x86_load_eoi_exitmap(struct kvm_vcpu *vcpu,
						     const unsigned long *bitmap);

/* vCPU loaded: vcpu->apic_base changed (off, xAPIC, x2APIC, address), or the APIC was reset. */
static __always_inline void kvm_x86_set_virtual_apic_mode(struct kvm_vcpu *vcpu);

/* vCPU loaded: kvm->apicv_inhibit_reasons changed. */
static __always_inline void kvm_x86_refresh_apicv_exec_ctrl(struct kvm_vcpu *vcpu);
/* Reasons for which this vendor's hardware must not be used; 0 where it has none. */
static __always_inline unsigned long kvm_x86_required_apicv_inhibits(void);

#include VENDOR_INLINE_H

#endif /* MONOVISOR_OPS_APIC_H */
