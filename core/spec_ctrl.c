// SPDX-License-Identifier: GPL-2.0-only
/*
 * IA32_SPEC_CTRL for guests: which of its bits there are, who may touch it, and
 * from when on without an exit. The vendor switches it around guest code.
 *
 * Source: Intel SDM volume 4, "Model-Specific Registers (MSRs)"; AMD APM volume 2,
 * "Speculation Control".
 */
#include <linux/cache.h>
#include <asm/cpufeature.h>
#include <asm/msr-index.h>

#include "core/compat.h"
#include "core/cpuid.h"
#include "core/spec_ctrl.h"
#include "ops/msr.h"

/* The kernel has names for the bits that it uses itself. */
#define SPEC_CTRL_IPRED_DIS_U	BIT_ULL(3)
#define SPEC_CTRL_IPRED_DIS_S	BIT_ULL(4)
#define SPEC_CTRL_RRSBA_DIS_U	BIT_ULL(5)
#define SPEC_CTRL_PSFD		BIT_ULL(7)
#define SPEC_CTRL_DDPD_U	BIT_ULL(8)

u64 kvm_spec_ctrl_bits __read_mostly;

static const struct {
	u16 feature;
	u64 bits;
} bits_of[] = {
	/* An Intel CPU with IBRS ignores STIBP if it has no use for it. */
	{ X86_FEATURE_SPEC_CTRL,	SPEC_CTRL_IBRS | SPEC_CTRL_STIBP },
	{ X86_FEATURE_SPEC_CTRL_SSBD,	SPEC_CTRL_SSBD },
	{ X86_FEATURE_AMD_IBRS,		SPEC_CTRL_IBRS },
	{ X86_FEATURE_AMD_STIBP,	SPEC_CTRL_STIBP },
	{ X86_FEATURE_AMD_SSBD,		SPEC_CTRL_SSBD },
	{ X86_FEATURE_AMD_PSFD,		SPEC_CTRL_PSFD },
	{ KVM_FEATURE_PSFD,		SPEC_CTRL_PSFD },
	{ KVM_FEATURE_IPRED_CTRL,	SPEC_CTRL_IPRED_DIS_U | SPEC_CTRL_IPRED_DIS_S },
	{ KVM_FEATURE_RRSBA_CTRL,	SPEC_CTRL_RRSBA_DIS_U | SPEC_CTRL_RRSBA_DIS_S },
	{ KVM_FEATURE_DDPD_U,		SPEC_CTRL_DDPD_U },
	{ KVM_FEATURE_BHI_CTRL,		SPEC_CTRL_BHI_DIS_S },
};

/**
 * kvm_spec_ctrl_module_init() - find out which bits there are
 *
 * Context: module load, after kvm_cpuid_module_init().
 */
void kvm_spec_ctrl_module_init(void)
{
	int i;

	kvm_spec_ctrl_bits = 0;
	for (i = 0; i < ARRAY_SIZE(bits_of); i++) {
		if (kvm_cpu_cap_has(bits_of[i].feature))
			kvm_spec_ctrl_bits |= bits_of[i].bits;
	}
}

static bool accessible(struct kvm_vcpu *vcpu, const struct msr_data *msr)
{
	return msr->host_initiated || guest_cap(vcpu, GUEST_CAP_SPEC_CTRL);
}

/**
 * kvm_spec_ctrl_get() - read the guest's SPEC_CTRL
 * @vcpu: the vCPU
 * @msr: who reads; takes the value
 *
 * Context: vCPU loaded. Return: MSR_OK or MSR_INVALID.
 */
enum msr_result kvm_spec_ctrl_get(struct kvm_vcpu *vcpu, struct msr_data *msr)
{
	if (!accessible(vcpu, msr))
		return MSR_INVALID;
	msr->data = vcpu->spec_ctrl;
	return MSR_OK;
}

/**
 * kvm_spec_ctrl_set() - write the guest's SPEC_CTRL
 * @vcpu: the vCPU
 * @msr: who writes what
 *
 * A bit that the CPU lacks would fault in the switch to the guest, so neither
 * the guest nor userspace can set it.
 *
 * Context: vCPU loaded. Return: MSR_OK or MSR_INVALID.
 */
enum msr_result kvm_spec_ctrl_set(struct kvm_vcpu *vcpu, const struct msr_data *msr)
{
	if (!accessible(vcpu, msr) || msr->data & ~kvm_spec_ctrl_bits)
		return MSR_INVALID;
	vcpu->spec_ctrl = msr->data;
	if (msr->data && !vcpu->spec_ctrl_used) {
		vcpu->spec_ctrl_used = true;
		kvm_recalc_msr_intercepts(vcpu);
	}
	return MSR_OK;
}

/**
 * kvm_spec_ctrl_passed() - does the guest have the register to itself?
 * @vcpu: the vCPU
 *
 * From its first use on, since it writes it often then. Not before: a register
 * that the guest can write has to be read back after each exit. At once if the
 * CPU does that.
 *
 * Context: any.
 */
bool kvm_spec_ctrl_passed(const struct kvm_vcpu *vcpu)
{
	return guest_cap(vcpu, GUEST_CAP_SPEC_CTRL) &&
	       (vcpu->spec_ctrl_used || kvm_x86_has_v_spec_ctrl());
}
