// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which MSRs a guest touches without an exit: those that every vendor can leave
 * to hardware, as far as CPUID and userspace's filter let it. The vendor adds what
 * only it switches.
 */
#include <linux/kernel.h>
#include <asm/msr-index.h>

#include "core/msr.h"
#include "core/msr_filter.h"
#include "core/spec_ctrl.h"
#include "ops/msr.h"

#define BOTH	(KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE)

/* The guest's value is in the CPU while the guest runs, whatever that value is. */
static const u32 switched_msrs[] = {
	MSR_FS_BASE, MSR_GS_BASE, MSR_KERNEL_GS_BASE,
	MSR_IA32_SYSENTER_CS, MSR_IA32_SYSENTER_ESP, MSR_IA32_SYSENTER_EIP,
};

/**
 * kvm_pass_msr() - leave an MSR to the guest, but for what userspace forbids
 * @vcpu: the vCPU, loaded
 * @index: the MSR
 * @access: what does no harm without an exit: KVM_MSR_FILTER_READ, _WRITE, or 0
 *
 * An access that the filter denies has to exit to be refused.
 * Context: within kvm_recalc_msr_intercepts(); takes kvm->srcu.
 */
void kvm_pass_msr(struct kvm_vcpu *vcpu, u32 index, u32 access)
{
	if (access & KVM_MSR_FILTER_READ && !kvm_msr_allowed(vcpu, index, KVM_MSR_FILTER_READ))
		access &= ~KVM_MSR_FILTER_READ;
	if (access & KVM_MSR_FILTER_WRITE && !kvm_msr_allowed(vcpu, index, KVM_MSR_FILTER_WRITE))
		access &= ~KVM_MSR_FILTER_WRITE;
	if (access)
		kvm_x86_pass_msr(vcpu, index, access);
}

/* There is nothing to read in a command. */
static void pass_command(struct kvm_vcpu *vcpu, u32 index)
{
	kvm_pass_msr(vcpu, index,
		     kvm_msr_command_offered(vcpu, index) ? KVM_MSR_FILTER_WRITE : 0);
}

/**
 * kvm_recalc_msr_intercepts() - decide anew which MSRs exit
 * @vcpu: the vCPU, loaded
 *
 * Called when an answer may have changed: CPUID, the filter, the first use of
 * SPEC_CTRL, and what a vendor's own MSRs depend on.
 * Context: the vCPU's thread, not in the guest; takes kvm->srcu.
 */
void kvm_recalc_msr_intercepts(struct kvm_vcpu *vcpu)
{
	int i;

	kvm_x86_intercept_msrs(vcpu);
	for (i = 0; i < ARRAY_SIZE(switched_msrs); i++)
		kvm_pass_msr(vcpu, switched_msrs[i], BOTH);
	pass_command(vcpu, MSR_IA32_PRED_CMD);
	pass_command(vcpu, MSR_IA32_FLUSH_CMD);
	kvm_pass_msr(vcpu, MSR_IA32_SPEC_CTRL, kvm_spec_ctrl_passed(vcpu) ? BOTH : 0);
	kvm_x86_pass_vendor_msrs(vcpu);
}
