// SPDX-License-Identifier: GPL-2.0-only
/*
 * When hardware delivers a vCPU's interrupts: virtual interrupt delivery,
 * virtualization of the local APIC's registers and posted interrupts, which are
 * used together or not at all. Posting is posted_intr.c's.
 *
 *	mode of the APIC	registers			interrupts
 *	off			-				software
 *	xAPIC			exits, by the page		hardware
 *	x2APIC			reads, TPR, EOI, SELF_IPI	hardware
 *				without an exit
 *	inhibited (any)		exits				software
 *
 * Source: Intel SDM volume 3, "APIC Virtualization and Virtual Interrupts".
 */
#include <linux/slab.h>
#include <asm/irq_vectors.h>

#include "core/irq/lapic.h"
#include "core/msr.h"
#include "ops/apic.h"
#include "vmx/posted_intr.h"
#include "vmx/vmx.h"

int vmx_apicv_vcpu_create(struct vcpu_vmx *vmx)
{
	if (!vmx_caps.apicv || !lapic_in_kernel(&vmx->vcpu))
		return 0;
	/* A power of two: kmalloc() aligns it by its size, as hardware wants it. */
	vmx->pi = kzalloc(sizeof(*vmx->pi), GFP_KERNEL_ACCOUNT);
	return vmx->pi ? 0 : -ENOMEM;
}

void vmx_apicv_vcpu_free(struct vcpu_vmx *vmx)
{
	kfree(vmx->pi);
}

/* Secondary controls that go with the present state. */
u32 vmx_apicv_cpu2(struct vcpu_vmx *vmx)
{
	u32 ctl = SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY | SECONDARY_EXEC_APIC_REGISTER_VIRT;

	if (!vmx->apicv_active)
		return 0;
	if (lapic_x2apic_mode(&vmx->vcpu))
		ctl |= SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE;
	return ctl;
}

/**
 * vmx_apicv_refresh() - begin or cease to deliver by hardware, follow the APIC's mode
 * @vmx: the vCPU, loaded, its own thread
 *
 * The page of the registers is the virtual-APIC page at any time, so there is
 * nothing to copy: IRR and ISR are where both look for them.
 */
void vmx_apicv_refresh(struct vcpu_vmx *vmx)
{
	struct kvm_vcpu *vcpu = &vmx->vcpu;
	bool active = lapic_hw_enabled(vcpu) && !READ_ONCE(vcpu->kvm->apicv_inhibit_reasons);
	bool changed = vmx->apicv_active != active;

	if (changed) {
		/* Who still posts the old way is collected below, or sees it (tell()). */
		smp_store_mb(vmx->apicv_active, active);
	}
	vmx_pin_assign(vmx, PIN_BASED_POSTED_INTR, active);
	vmx_cpu2_assign(vmx, VMX_APICV_CPU2, vmx_apicv_cpu2(vmx));
	vmx->sw.pi = active ? vmx->pi : NULL;
	vmx_collect_posted(vmx);
	if (active) {
		vmx_set_svi(vmx, lapic_find_highest(vcpu->lapic->regs + APIC_ISR));
		kvm_x86_update_cr8_intercept(vcpu, 0);
	}
	kvm_recalc_msr_intercepts(vcpu);
	if (changed)
		kvm_lapic_delivery_changed(vcpu);
}

void vmx_load_eoi_exitmap(const unsigned long *bitmap)
{
	vmcs_write64(EOI_EXIT_BITMAP0, bitmap[0]);
	vmcs_write64(EOI_EXIT_BITMAP1, bitmap[1]);
	vmcs_write64(EOI_EXIT_BITMAP2, bitmap[2]);
	vmcs_write64(EOI_EXIT_BITMAP3, bitmap[3]);
}
