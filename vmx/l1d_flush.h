/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When the first-level data cache is flushed before an entry (l1d_flush.c), and
 * what is cleared where it is not.
 */
#ifndef MONOVISOR_VMX_L1D_FLUSH_H
#define MONOVISOR_VMX_L1D_FLUSH_H

#include <linux/hardirq.h>
#include <linux/jump_label.h>
#include <asm/nospec-branch.h>
#include <asm/vmx.h>

#include "core/vm.h"
#include "vmx/vmx.h"

extern enum vmx_l1d_flush_state vmx_l1d_flush_mode;

void vmx_flush_l1d(void);

/*
 * Did a host interrupt run on this CPU since the last flush? The kernel's entry
 * code notes it, so an exit for an interrupt has nothing to mark.
 */
static __always_inline bool vmx_take_irq_l1d_flag(void)
{
#if IS_ENABLED(CONFIG_KVM_INTEL)
	bool ran = kvm_get_cpu_l1tf_flush_l1d();

	kvm_clear_cpu_l1tf_flush_l1d();
	return ran;
#else
	return true;
#endif
}

/* Return: it was due. */
static __always_inline bool vmx_flush_l1d_if_due(struct vcpu_vmx *vmx)
{
	if (vmx_l1d_flush_mode == VMENTER_L1D_FLUSH_COND) {
		bool dirty = vmx_take_irq_l1d_flag() || vmx->l1d_dirty;

		vmx->l1d_dirty = false;
		if (!dirty)
			return false;
	} else if (likely(vmx_l1d_flush_mode != VMENTER_L1D_FLUSH_ALWAYS)) {
		return false;
	}
	vmx_flush_l1d();
	return true;
}

/*
 * Irqs off, right before the entry. What devices' reads leave in the CPU's buffers
 * goes with the cache, or by itself on CPUs whose only such defect this is; others
 * clear their buffers at each entry (vmenter.S). A guest without a device's memory
 * cannot make use of it.
 *
 * Source: the kernel's Documentation/admin-guide/hw-vuln/processor_mmio_stale_data.rst.
 */
static __always_inline void vmx_forget_host_data(struct vcpu_vmx *vmx)
{
	if (!vmx_flush_l1d_if_due(vmx) && static_branch_unlikely(&mmio_stale_data_clear) &&
	    READ_ONCE(vmx->vcpu.kvm->device_mapped))
		x86_clear_cpu_buffers();
}

#endif /* MONOVISOR_VMX_L1D_FLUSH_H */
