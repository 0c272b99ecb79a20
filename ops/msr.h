/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * MSRs that live in the vendor's control block or exist on one vendor only.
 */
#ifndef MONOVISOR_OPS_MSR_H
#define MONOVISOR_OPS_MSR_H

#include "core/msr.h"
#include "ops/vendor.h"

/* vCPU loaded. MSR_UNKNOWN: core goes on with the common ones. Addresses are canonical. */
enum msr_result kvm_x86_get_msr(struct kvm_vcpu *vcpu, struct msr_data *msr);
enum msr_result kvm_x86_set_msr(struct kvm_vcpu *vcpu, const struct msr_data *msr);
/* A feature MSR for userspace (KVM_GET_MSRS on /dev/kvm). */
enum msr_result kvm_x86_get_feature_msr(u32 index, u64 *data);
/* Can the vendor virtualize this MSR of the save list at all? */
bool kvm_x86_has_emulated_msr(u32 index);
/*
 * The guest's values of the vendor's own user-return MSRs into this CPU, by
 * kvm_set_user_return_msr(). Preemption off, before an entry.
 */
void kvm_x86_load_user_return_msrs(struct kvm_vcpu *vcpu);
/* The MSR filter or CPUID changed: rebuild the permission map. vCPU loaded. */
void kvm_x86_recalc_msr_intercepts(struct kvm_vcpu *vcpu);

#endif /* MONOVISOR_OPS_MSR_H */
