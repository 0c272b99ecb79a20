/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Model-specific registers: the vendor answers first for its own, the common
 * ones are here (msr.c). Ioctls and guest accesses take one path.
 */
#ifndef MONOVISOR_CORE_MSR_H
#define MONOVISOR_CORE_MSR_H

#include "core/types.h"
#include "core/vcpu.h"

struct msr_data {
	u32 index;
	u64 data;
	bool host_initiated;	/* by ioctl: may set what a guest may only read */
};

/**
 * enum msr_result - what became of an MSR access
 * @MSR_OK: done.
 * @MSR_INVALID: known register, refused value: #GP for a guest.
 * @MSR_UNKNOWN: not one we implement: userspace may be asked (KVM_CAP_X86_USER_SPACE_MSR).
 * @MSR_FILTERED: denied by the MSR filter.
 */
enum msr_result {
	MSR_OK,
	MSR_INVALID,
	MSR_UNKNOWN,
	MSR_FILTERED,
};

enum msr_result kvm_get_msr(struct kvm_vcpu *vcpu, u32 index, u64 *data, bool host_initiated);
enum msr_result kvm_set_msr(struct kvm_vcpu *vcpu, u32 index, u64 data, bool host_initiated);
/* After the vendor answered MSR_UNKNOWN. */
enum msr_result kvm_get_msr_common(struct kvm_vcpu *vcpu, struct msr_data *msr);
enum msr_result kvm_set_msr_common(struct kvm_vcpu *vcpu, const struct msr_data *msr);

void kvm_msr_vcpu_reset(struct kvm_vcpu *vcpu, bool init_event);
/* See msr.c: IBPB and L1D_FLUSH */
bool kvm_msr_command_offered(const struct kvm_vcpu *vcpu, u32 index);

/* Which MSRs exit (msr_intercept.c); kvm_pass_msr() is for the vendor's own. */
void kvm_recalc_msr_intercepts(struct kvm_vcpu *vcpu);
void kvm_pass_msr(struct kvm_vcpu *vcpu, u32 index, u32 access);

void kvm_msr_module_init(void);		/* build the list of MSRs to save */

/* IA32_APIC_BASE, also a field of kvm_sregs: may it hold this; write what was found legal. */
bool kvm_apic_base_legal(struct kvm_vcpu *vcpu, u64 apic_base);
void kvm_apic_base_write(struct kvm_vcpu *vcpu, u64 apic_base);

/* Memory-type ranges (mtrr.c): kept for the guest, without effect on memory types. */
enum msr_result kvm_mtrr_get(struct kvm_vcpu *vcpu, u32 index, u64 *data);
enum msr_result kvm_mtrr_set(struct kvm_vcpu *vcpu, u32 index, u64 data);
bool kvm_pat_legal(u64 data);

/* Machine checks (mce.c). */
void kvm_host_machine_check(struct kvm_vcpu *vcpu);
enum msr_result kvm_mce_get(struct kvm_vcpu *vcpu, u32 index, u64 *data, bool host_initiated);
enum msr_result kvm_mce_set(struct kvm_vcpu *vcpu, u32 index, u64 data, bool host_initiated);
u64 kvm_mce_cap_supported(void);			/* KVM_X86_GET_MCE_CAP_SUPPORTED */
int kvm_vcpu_ioctl_setup_mce(struct kvm_vcpu *vcpu, u64 mcg_cap);	/* KVM_X86_SETUP_MCE */
struct kvm_x86_mce;
int kvm_vcpu_ioctl_set_mce(struct kvm_vcpu *vcpu, const struct kvm_x86_mce *mce);

struct kvm_msr_list;
struct kvm_msrs;
int kvm_dev_ioctl_get_msr_index_list(struct kvm_msr_list __user *list);
int kvm_dev_ioctl_get_msr_feature_index_list(struct kvm_msr_list __user *list);
int kvm_dev_ioctl_get_feature_msrs(struct kvm_msrs __user *msrs);
int kvm_vcpu_ioctl_get_msrs(struct kvm_vcpu *vcpu, struct kvm_msrs __user *msrs);
int kvm_vcpu_ioctl_set_msrs(struct kvm_vcpu *vcpu, struct kvm_msrs __user *msrs);

/*
 * Host MSRs that only userspace uses (STAR, LSTAR, TSC_AUX ...): loaded with
 * the guest's value at entry, restored when the thread returns to userspace.
 */
int kvm_add_user_return_msr(u32 msr);		/* slot, or -EINVAL; at hardware_setup() */
void kvm_set_user_return_msr(unsigned int slot, u64 value, u64 mask);	/* preemption off */
void kvm_user_return_msr_module_init(void);
void kvm_load_guest_user_return_msrs(struct kvm_vcpu *vcpu);

/* A guest's value, or whether it is wanted, has changed, or the host's comes back. */
static __always_inline void kvm_user_return_msrs_changed(struct kvm_vcpu *vcpu)
{
	vcpu->uret_loaded = false;
}

/* Before an entry, preemption off. */
static __always_inline void kvm_load_user_return_msrs(struct kvm_vcpu *vcpu)
{
	if (unlikely(!vcpu->uret_loaded))
		kvm_load_guest_user_return_msrs(vcpu);
}

void kvm_user_return_msr_cpu_online(void);	/* irqs off, per CPU */
void kvm_user_return_msr_cpu_offline(void);

#endif /* MONOVISOR_CORE_MSR_H */
