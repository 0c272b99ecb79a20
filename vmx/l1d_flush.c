// SPDX-License-Identifier: GPL-2.0-only
/*
 * Against L1 terminal faults: what the host left in the first-level data cache
 * goes before a guest may look for it. When that is due is in l1d_flush.h.
 *
 * Source: the kernel's Documentation/admin-guide/hw-vuln/l1tf.rst, which names the
 * modes as well.
 */
#define pr_fmt(fmt) "vmx: " fmt

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/smt.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/processor.h>

#include "vmx/l1d_flush.h"
#include "vmx/vmx.h"

static char *vmentry_l1d_flush = "auto";
module_param(vmentry_l1d_flush, charp, 0444);
MODULE_PARM_DESC(vmentry_l1d_flush, "L1D flush at entry: auto (default), never, cond or always");

/* Without the flush command: read as much as two such caches hold. */
#define L1D_FLUSH_ORDER		4
#define L1D_LINE		64

enum vmx_l1d_flush_state vmx_l1d_flush_mode __ro_after_init;
static u8 *l1d_flush_pages __ro_after_init;

/* What the parameter may say; the kernel has chosen for "auto". */
static const struct {
	const char *name;
	enum vmx_l1d_flush_state mode;
} modes[] = {
	{ "auto", VMENTER_L1D_FLUSH_AUTO },
	{ "never", VMENTER_L1D_FLUSH_NEVER },
	{ "cond", VMENTER_L1D_FLUSH_COND },
	{ "always", VMENTER_L1D_FLUSH_ALWAYS },
};

static int parse_l1d_flush(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		if (sysfs_streq(vmentry_l1d_flush, modes[i].name))
			return modes[i].mode;
	}
	pr_err("vmentry_l1d_flush is auto, never, cond or always; not '%s'\n",
	       vmentry_l1d_flush);
	return -EINVAL;
}

static enum vmx_l1d_flush_state choose_l1d_flush(enum vmx_l1d_flush_state wanted)
{
	if (!boot_cpu_has_bug(X86_BUG_L1TF) ||
	    (boot_cpu_has(X86_FEATURE_ARCH_CAPABILITIES) &&
	     native_read_msr(MSR_IA32_ARCH_CAPABILITIES) & ARCH_CAP_SKIP_VMENTRY_L1DFLUSH))
		return VMENTER_L1D_FLUSH_NOT_REQUIRED;
	/* Nothing else may be chosen then: that is what it is for. */
	if (l1tf_mitigation == L1TF_MITIGATION_FULL_FORCE)
		return VMENTER_L1D_FLUSH_ALWAYS;
	if (wanted != VMENTER_L1D_FLUSH_AUTO)
		return wanted;

	switch (l1tf_mitigation) {
	case L1TF_MITIGATION_OFF:
		return VMENTER_L1D_FLUSH_NEVER;
	case L1TF_MITIGATION_FULL:
		return VMENTER_L1D_FLUSH_ALWAYS;
	default:
		return VMENTER_L1D_FLUSH_COND;
	}
}

int vmx_l1d_flush_setup(void)
{
	int i, wanted = parse_l1d_flush();
	struct page *page;

	if (wanted < 0)
		return wanted;
	vmx_l1d_flush_mode = choose_l1d_flush(wanted);
	if (vmx_l1d_flush_mode != VMENTER_L1D_FLUSH_NOT_REQUIRED &&
	    vmx_l1d_flush_mode != VMENTER_L1D_FLUSH_NEVER &&
	    !boot_cpu_has(X86_FEATURE_FLUSH_L1D)) {
		page = alloc_pages(GFP_KERNEL, L1D_FLUSH_ORDER);
		if (!page) {
			pr_err("no memory for the L1D flush\n");
			return -ENOMEM;
		}
		l1d_flush_pages = page_address(page);
		/* Equal pages may be one page to some hypervisors: make them differ. */
		for (i = 0; i < 1 << L1D_FLUSH_ORDER; i++)
			memset(l1d_flush_pages + i * PAGE_SIZE, i + 1, PAGE_SIZE);
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

/* With the first VM somebody should hear of what is left open. */
void vmx_l1d_flush_report(void)
{
	if (!boot_cpu_has_bug(X86_BUG_L1TF) || l1tf_mitigation == L1TF_MITIGATION_OFF ||
	    l1tf_mitigation == L1TF_MITIGATION_FLUSH_NOWARN ||
	    l1tf_mitigation == L1TF_MITIGATION_FULL_FORCE)
		return;
	if (sched_smt_active())
		pr_warn_once("the CPU has L1TF and SMT is on: guests may read host memory, see hw-vuln/l1tf.rst\n");
	if (vmx_l1d_flush_mode == VMENTER_L1D_FLUSH_NEVER)
		pr_warn_once("the CPU has L1TF and its cache is not flushed: guests may read host memory, see hw-vuln/l1tf.rst\n");
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
