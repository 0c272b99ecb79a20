/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Injection of events and the windows in which they can be taken. Core
 * decides what and when (core/event.c); the vendor puts it into hardware.
 * Context of all, if not said otherwise: vCPU loaded, preemption on or off.
 */
#ifndef MONOVISOR_OPS_EVENT_H
#define MONOVISOR_OPS_EVENT_H

#include "core/types.h"
#include "ops/vendor.h"

/* Put vcpu->ev.interrupt into hardware for the next entry. */
void kvm_x86_inject_irq(struct kvm_vcpu *vcpu);
void kvm_x86_inject_nmi(struct kvm_vcpu *vcpu);
/*
 * Put vcpu->ev.exception into hardware; its payload has been delivered, and it has an
 * error code if it pushes one.
 */
void kvm_x86_inject_exception(struct kvm_vcpu *vcpu);
/* Take back what was put in and not delivered, into vcpu->ev (entry cancelled). */
void kvm_x86_cancel_injection(struct kvm_vcpu *vcpu);

/* Exit as soon as an interrupt / NMI may be delivered (core/event.h). */
void kvm_x86_enable_irq_window(struct kvm_vcpu *vcpu);
void kvm_x86_enable_nmi_window(struct kvm_vcpu *vcpu);

bool kvm_x86_get_nmi_mask(struct kvm_vcpu *vcpu);
void kvm_x86_set_nmi_mask(struct kvm_vcpu *vcpu, bool masked);
/* KVM_X86_SHADOW_INT_MOV_SS | KVM_X86_SHADOW_INT_STI */
u32 kvm_x86_get_interrupt_shadow(struct kvm_vcpu *vcpu);
void kvm_x86_set_interrupt_shadow(struct kvm_vcpu *vcpu, u32 mask);

#endif /* MONOVISOR_OPS_EVENT_H */
