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
/* vcpu->pat into hardware, which applies it to the guest's mappings. vCPU loaded. */
void kvm_x86_set_pat(struct kvm_vcpu *vcpu);
/* A feature MSR for userspace (KVM_GET_MSRS on /dev/kvm). */
enum msr_result kvm_x86_get_feature_msr(u32 index, u64 *data);
/*
 * The guest's values of the vendor's own user-return MSRs into this CPU, by
 * kvm_set_user_return_msr(). Preemption off, before an entry.
 */
void kvm_x86_load_user_return_msrs(struct kvm_vcpu *vcpu);
/*
 * Does the CPU exchange the guest's SPEC_CTRL for the host's at entry and exit? Any context,
 * after kvm_x86_hardware_setup(); it never changes.
 */
bool kvm_x86_has_v_spec_ctrl(void);

/*
 * The three steps of kvm_recalc_msr_intercepts(), in this order. vCPU loaded, its own
 * thread, not in the guest.
 */
/* Every MSR exits. */
void kvm_x86_intercept_msrs(struct kvm_vcpu *vcpu);
/**
 * kvm_x86_pass_msr() - an MSR exits no more
 * @vcpu: the vCPU
 * @index: the MSR; one that hardware's map has no room for goes on to exit
 * @access: which accesses are meant: KVM_MSR_FILTER_READ, _WRITE, at least one
 *
 * A vendor that has to read SPEC_CTRL back after exits learns here that it has to.
 */
void kvm_x86_pass_msr(struct kvm_vcpu *vcpu, u32 index, u32 access);
/* Those that only this vendor leaves to hardware: call kvm_pass_msr(), which asks the filter. */
void kvm_x86_pass_vendor_msrs(struct kvm_vcpu *vcpu);

#endif /* MONOVISOR_OPS_MSR_H */
