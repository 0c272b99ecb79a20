// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's TSC in hardware, and the VMX-preemption timer as far as it makes
 * a vCPU leave at once. What the TSC shall read is core/tsc.c's.
 */
#include <asm/msr.h>

#include "core/tsc.h"
#include "vmx/vmx.h"

/* Source: Intel SDM volume 3, "Controls for TSC scaling": a 16.48 fixed-point ratio. */
#define VMX_TSC_FRAC_BITS	48

/* Before the first reset there is no VMCS to write: reset does it then. */
void kvm_x86_write_tsc_offset(struct kvm_vcpu *vcpu)
{
	if (to_vmx(vcpu)->vmcs_ready)
		vmcs_write64(TSC_OFFSET, vcpu->tsc_offset);
}

void kvm_x86_write_tsc_multiplier(struct kvm_vcpu *vcpu)
{
	if (to_vmx(vcpu)->vmcs_ready && kvm_x86_tsc_scaling_frac_bits())
		vmcs_write64(TSC_MULTIPLIER, vcpu->tsc_scaling_ratio);
}

unsigned int kvm_x86_tsc_scaling_frac_bits(void)
{
	return vmx_caps.cpu2 & SECONDARY_EXEC_TSC_SCALING ? VMX_TSC_FRAC_BITS : 0;
}

u64 kvm_x86_max_tsc_scaling_ratio(void)
{
	return kvm_x86_tsc_scaling_frac_bits() ? ~0ULL : 0;
}

/*
 * Just before entry. A value of zero expires before the first instruction of
 * the guest but after an injection. The control is cleared again by the next
 * entry that does not want it, which costs nothing while nobody asks.
 */
void vmx_arm_preemption_timer(struct vcpu_vmx *vmx)
{
	if (vmx->immediate_exit)
		vmcs_write32(VMX_PREEMPTION_TIMER_VALUE, 0);
	vmx_pin_assign(vmx, PIN_BASED_VMX_PREEMPTION_TIMER, vmx->immediate_exit);
	vmx->immediate_exit = false;
}
