// SPDX-License-Identifier: GPL-2.0-only
/*
 * Against L1 terminal faults: what the host left in the first-level data cache
 * goes before a guest may look for it. When that is due is in l1d_flush.h.
 *
 * Source: the kernel's Documentation/admin-guide/hw-vuln/l1tf.rst, which names the
 * modes as well.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/processor.h>

#include "vmx/l1d_flush.h"
#include "vmx/vmx.h"

static char *vmentry_l1d_flush = "auto";
module_param(vmentry_l1d_flush, charp, 0444);
MODULE_PARM_DESC(vmentry_l1d_flush, "L1D flush at entry: never, cond or always");

/* Without the flush command: read as much as two such caches hold. */
#define L1D_FLUSH_ORDER		4
#define L1D_LINE		64

enum vmx_l1d_flush_state vmx_l1d_flush_mode __ro_after_init;
static u8 *l1d_flush_pages __ro_after_init;

static enum vmx_l1d_flush_state choose_l1d_flush(void)
{
	if (!boot_cpu_has_bug(X86_BUG_L1TF) ||
	    (boot_cpu_has(X86_FEATURE_ARCH_CAPABILITIES) &&
	     native_read_msr(MSR_IA32_ARCH_CAPABILITIES) & ARCH_CAP_SKIP_VMENTRY_L1DFLUSH))
		return VMENTER_L1D_FLUSH_NOT_REQUIRED;
	if (!strcmp(vmentry_l1d_flush, "never"))
		return VMENTER_L1D_FLUSH_NEVER;
	if (!strcmp(vmentry_l1d_flush, "cond"))
		return VMENTER_L1D_FLUSH_COND;
	if (!strcmp(vmentry_l1d_flush, "always"))
		return VMENTER_L1D_FLUSH_ALWAYS;

	switch (l1tf_mitigation) {
	case L1TF_MITIGATION_OFF:
		return VMENTER_L1D_FLUSH_NEVER;
	case L1TF_MITIGATION_FULL:
	case L1TF_MITIGATION_FULL_FORCE:
		return VMENTER_L1D_FLUSH_ALWAYS;
	default:
		return VMENTER_L1D_FLUSH_COND;
	}
}

int vmx_l1d_flush_setup(void)
{
	struct page *page;

	vmx_l1d_flush_mode = choose_l1d_flush();
	if (vmx_l1d_flush_mode != VMENTER_L1D_FLUSH_NOT_REQUIRED &&
	    vmx_l1d_flush_mode != VMENTER_L1D_FLUSH_NEVER &&
	    !boot_cpu_has(X86_FEATURE_FLUSH_L1D)) {
		page = alloc_pages(GFP_KERNEL, L1D_FLUSH_ORDER);
		if (!page)
			return -ENOMEM;
		l1d_flush_pages = page_address(page);
		/* Zero pages may be one page to some hypervisors: make them differ. */
		memset(l1d_flush_pages, 1, PAGE_SIZE << L1D_FLUSH_ORDER);
	}
	/* Reported in sysfs. */
	l1tf_vmx_mitigation = vmx_l1d_flush_mode;
	return 0;
}

void vmx_l1d_flush_unsetup(void)
{
	l1tf_vmx_mitigation = VMENTER_L1D_FLUSH_AUTO;
	free_pages((unsigned long)l1d_flush_pages, L1D_FLUSH_ORDER);
}

void vmx_flush_l1d(void)
{
	unsigned int i;

	if (boot_cpu_has(X86_FEATURE_FLUSH_L1D)) {
		native_wrmsrl(MSR_IA32_FLUSH_CMD, L1D_FLUSH);
		return;
	}
	/* Translations first, so that no page walk evicts what has been read. */
	for (i = 0; i < PAGE_SIZE << L1D_FLUSH_ORDER; i += PAGE_SIZE)
		(void)READ_ONCE(l1d_flush_pages[i]);
	native_cpuid_eax(0);
	for (i = 0; i < PAGE_SIZE << L1D_FLUSH_ORDER; i += L1D_LINE)
		(void)READ_ONCE(l1d_flush_pages[i]);
}
