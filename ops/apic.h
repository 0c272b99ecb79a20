/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interrupt-controller help of the hardware: the task priority.
 */
#ifndef MONOVISOR_OPS_APIC_H
#define MONOVISOR_OPS_APIC_H

#include "core/types.h"
#include "ops/vendor.h"

/*
 * vCPU loaded. The guest's task priority (vcpu->cr8) changed by software, or an
 * interrupt of priority @irr_priority (0..15, -1: none) now waits below it:
 * arrange that lowering CR8 far enough exits, and nothing else does.
 */
void kvm_x86_update_cr8_intercept(struct kvm_vcpu *vcpu, int irr_priority);

#endif /* MONOVISOR_OPS_APIC_H */
