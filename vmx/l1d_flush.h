/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When the first-level data cache is flushed before an entry (l1d_flush.c).
 */
#ifndef MONOVISOR_VMX_L1D_FLUSH_H
#define MONOVISOR_VMX_L1D_FLUSH_H

#include <linux/hardirq.h>
#include <asm/vmx.h>

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

/* Irqs off, right before the entry. */
static __always_inline void vmx_flush_l1d_if_due(struct vcpu_vmx *vmx)
{
	if (vmx_l1d_flush_mode == VMENTER_L1D_FLUSH_COND) {
		bool dirty = vmx_take_irq_l1d_flag() || vmx->l1d_dirty;

		vmx->l1d_dirty = false;
		if (!dirty)
			return;
	} else if (likely(vmx_l1d_flush_mode != VMENTER_L1D_FLUSH_ALWAYS)) {
		return;
	}
	vmx_flush_l1d();
}

#endif /* MONOVISOR_VMX_L1D_FLUSH_H */
