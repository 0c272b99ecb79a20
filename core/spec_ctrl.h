/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's SPEC_CTRL: which bits it may set and when it has the register
 * to itself (spec_ctrl.c).
 */
#ifndef MONOVISOR_CORE_SPEC_CTRL_H
#define MONOVISOR_CORE_SPEC_CTRL_H

#include "core/msr.h"
#include "core/vcpu.h"

extern u64 kvm_spec_ctrl_bits;		/* those this CPU has */

void kvm_spec_ctrl_module_init(void);	/* after kvm_cpuid_module_init() */
enum msr_result kvm_spec_ctrl_get(struct kvm_vcpu *vcpu, struct msr_data *msr);
enum msr_result kvm_spec_ctrl_set(struct kvm_vcpu *vcpu, const struct msr_data *msr);
/* May the guest write the register without an exit? */
bool kvm_spec_ctrl_passed(const struct kvm_vcpu *vcpu);

#endif /* MONOVISOR_CORE_SPEC_CTRL_H */
