// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSRs a real control block would hold: kept in a table, without effect on
 * the host, for guests and userspace to write and read back.
 */
#include <asm/msr-index.h>

#include "ops/msr.h"
#include "tests/fake/fake.h"

static const u32 fake_msr_index[FAKE_NR_MSRS] = {
	MSR_STAR, MSR_LSTAR, MSR_CSTAR, MSR_SYSCALL_MASK, MSR_KERNEL_GS_BASE,
	MSR_IA32_SYSENTER_CS, MSR_IA32_SYSENTER_ESP, MSR_IA32_SYSENTER_EIP,
	MSR_IA32_DEBUGCTLMSR, MSR_FS_BASE, MSR_GS_BASE,
};

static u64 *fake_msr(struct fake_vcpu *fake, u32 index)
{
	int i;

	switch (index) {
	case MSR_FS_BASE:
		return &fake->seg[VCPU_SREG_FS].base;
	case MSR_GS_BASE:
		return &fake->seg[VCPU_SREG_GS].base;
	default:
		for (i = 0; i < FAKE_NR_MSRS; i++) {
			if (fake_msr_index[i] == index)
				return &fake->msr[i];
		}
		return NULL;
	}
}

enum msr_result kvm_x86_get_msr(struct kvm_vcpu *vcpu, struct msr_data *msr)
{
	u64 *val = fake_msr(to_fake(vcpu), msr->index);

	if (!val)
		return MSR_UNKNOWN;
	msr->data = *val;
	return MSR_OK;
}

enum msr_result kvm_x86_set_msr(struct kvm_vcpu *vcpu, const struct msr_data *msr)
{
	u64 *val = fake_msr(to_fake(vcpu), msr->index);

	if (!val)
		return MSR_UNKNOWN;
	*val = msr->data;
	return MSR_OK;
}

void kvm_x86_set_pat(struct kvm_vcpu *vcpu)
{
	to_fake(vcpu)->hw_pat = vcpu->pat;
}

enum msr_result kvm_x86_get_feature_msr(u32 index, u64 *data)
{
	return MSR_UNKNOWN;
}

void kvm_x86_load_user_return_msrs(struct kvm_vcpu *vcpu)
{
}

bool kvm_x86_has_v_spec_ctrl(void)
{
	return fake_hw.v_spec_ctrl;
}

void kvm_x86_intercept_msrs(struct kvm_vcpu *vcpu)
{
	struct fake_vcpu *fake = to_fake(vcpu);

	fake->nr_passed = 0;
	fake_log_add(fake, FAKE_MSR_INTERCEPTS, 0, 0);
}

void kvm_x86_pass_msr(struct kvm_vcpu *vcpu, u32 index, u32 access)
{
	struct fake_vcpu *fake = to_fake(vcpu);

	if (fake->nr_passed < FAKE_NR_PASSED)
		fake->passed[fake->nr_passed++] = (struct fake_passed_msr){ index, access };
}

/* One that core knows nothing of. */
void kvm_x86_pass_vendor_msrs(struct kvm_vcpu *vcpu)
{
	kvm_pass_msr(vcpu, MSR_STAR, KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE);
}
