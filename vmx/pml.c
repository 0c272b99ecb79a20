// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page-modification logging: whenever the CPU sets the dirty bit of an EPT leaf, it
 * writes the frame's address into a log of the vCPU. What a log of a slot means,
 * and when a leaf is clean, is core/dirty.c's and core/mmu/'s.
 *
 * It is always on. Leaves that nobody wants logged are made dirty by software,
 * so that only those of a logged slot come here, or such as were logged once:
 * they are dropped.
 *
 * Source: Intel SDM volume 3, "Page-Modification Logging".
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/srcu.h>

#include "core/memslot.h"
#include "core/vm.h"
#include "vmx/format.h"
#include "vmx/vmx.h"

int vmx_pml_vcpu_create(struct vcpu_vmx *vmx)
{
	if (!vmx_caps.pml)
		return 0;
	vmx->pml_log = (u64 *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	return vmx->pml_log ? 0 : -ENOMEM;
}

void vmx_pml_vcpu_free(struct vcpu_vmx *vmx)
{
	free_page((unsigned long)vmx->pml_log);
}

void vmx_pml_start(struct vcpu_vmx *vmx)
{
	vmcs_write64(PML_ADDRESS, __pa(vmx->pml_log));
	vmcs_write16(GUEST_PML_INDEX, VMX_PML_ENTRIES - 1);
}

/**
 * vmx_pml_empty() - mark in their slots the frames that the CPU logged
 * @vmx: the vCPU, whose VMCS is current
 *
 * Context: irqs off, after an exit; whoever kicks all vCPUs relies on it.
 */
void vmx_pml_empty(struct vcpu_vmx *vmx)
{
	u16 index = vmcs_read16(GUEST_PML_INDEX);
	struct kvm *kvm = vmx->vcpu.kvm;
	unsigned int i;
	int idx;

	if (index == VMX_PML_ENTRIES - 1)
		return;
	idx = srcu_read_lock(&kvm->srcu);
	for (i = vmx_pml_first(index); i < VMX_PML_ENTRIES; i++)
		mark_page_dirty(kvm, vmx->pml_log[i] >> PAGE_SHIFT);
	srcu_read_unlock(&kvm->srcu, idx);
	vmcs_write16(GUEST_PML_INDEX, VMX_PML_ENTRIES - 1);
}
