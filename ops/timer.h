/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's view of time as hardware offers it.
 */
#ifndef MONOVISOR_OPS_TIMER_H
#define MONOVISOR_OPS_TIMER_H

#include "core/types.h"
#include "ops/vendor.h"

/* vCPU loaded or being created. Values are in vcpu->tsc_offset and ->tsc_scaling_ratio. */
void kvm_x86_write_tsc_offset(struct kvm_vcpu *vcpu);
void kvm_x86_write_tsc_multiplier(struct kvm_vcpu *vcpu);
/* Fractional bits of the ratio, and the largest ratio; 0 bits: no scaling on this host. */
unsigned int kvm_x86_tsc_scaling_frac_bits(void);
u64 kvm_x86_max_tsc_scaling_ratio(void);

#endif /* MONOVISOR_OPS_TIMER_H */
