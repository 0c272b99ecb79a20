// SPDX-License-Identifier: GPL-2.0-only
/*
 * The task priority of a local APIC that is reached by its page (xAPIC). Such a
 * page is no memory, so each access exits and has its instruction emulated.
 * Windows and other systems without CR8 write TPR there all the time. The CPU
 * knows the APIC-access page by its host-physical address: loads and stores of
 * TPR go to the virtual-APIC page then, as those of CR8 do, and others exit with
 * their offset.
 *
 * All vCPUs share the second-stage tables that lead to the page, and only one that
 * has the control on may do so. The first that leaves the mode, or moves the
 * page, takes it out of the tables for good: Linux soon has all in x2APIC mode.
 *
 * Source: Intel SDM volume 3, "Virtualizing Memory-Mapped APIC Accesses".
 */
#include <asm/apicdef.h>

#include "core/irq/lapic.h"
#include "core/mmu/mmu.h"
#include "vmx/vmx.h"

/* The secondary control that goes with the present state. */
u32 vmx_flexpriority_cpu2(struct vcpu_vmx *vmx)
{
	struct kvm_vcpu *vcpu = &vmx->vcpu;

	if (!vmx_caps.flexpriority || !lapic_in_kernel(vcpu) || !lapic_hw_enabled(vcpu) ||
	    lapic_x2apic_mode(vcpu) || lapic_base_gpa(vcpu) != APIC_DEFAULT_PHYS_BASE)
		return 0;
	return SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES;
}

/**
 * vmx_flexpriority_refresh() - follow the APIC's mode and place
 * @vmx: the vCPU, loaded, its own thread; vmx_caps.flexpriority
 *
 * Context: may sleep.
 */
void vmx_flexpriority_refresh(struct vcpu_vmx *vmx)
{
	u32 ctl = vmx_flexpriority_cpu2(vmx);

	if (!ctl)
		tdp_drop_apic_page(vmx->vcpu.kvm);
	vmx_cpu2_assign(vmx, SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES, ctl);
}
