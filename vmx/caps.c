// SPDX-License-Identifier: GPL-2.0-only
/*
 * What VMX on this CPU can do: the capability MSRs against one table of what
 * is needed and what is used if offered. Switching VMX on is hw.c's.
 */
#define pr_fmt(fmt) "vmx: " fmt

#include <linux/module.h>
#include <linux/printk.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>

#include "core/compat.h"
#include "core/cpuid.h"
#include "core/cr.h"
#include "core/exit.h"
#include "core/spin.h"
#include "vmx/vmx.h"

/* IA32_VMX_BASIC: memory type of a VMCS, and the presence of the true control MSRs. */
#define VMCS_MEMTYPE_WB		6
#define VMX_TRUE_CONTROLS	BIT_ULL(55)

struct vmx_caps vmx_caps __ro_after_init;

/* Names as in kvm_intel, so that a configuration can be carried over. */
static bool enable_ept = true;
module_param_named(ept, enable_ept, bool, 0444);
MODULE_PARM_DESC(ept, "Extended page tables; required, so 0 refuses to load");

static bool enable_unrestricted_guest = true;
module_param_named(unrestricted_guest, enable_unrestricted_guest, bool, 0444);
MODULE_PARM_DESC(unrestricted_guest, "Real mode in hardware; required, so 0 refuses to load");

static bool enable_vpid = true;
module_param_named(vpid, enable_vpid, bool, 0444);
MODULE_PARM_DESC(vpid, "Tag linear translations with a VPID where offered");

static bool enable_ept_ad = true;
module_param_named(eptad, enable_ept_ad, bool, 0444);
MODULE_PARM_DESC(eptad, "Accessed and dirty bits in EPT where offered");

static bool enable_pml = true;
module_param_named(pml, enable_pml, bool, 0444);
MODULE_PARM_DESC(pml, "Page-modification logging for dirty logs where offered");

static bool enable_vnmi = true;
module_param_named(vnmi, enable_vnmi, bool, 0444);
MODULE_PARM_DESC(vnmi, "Virtual NMIs where offered");

static bool flexpriority_enabled = true;
module_param_named(flexpriority, flexpriority_enabled, bool, 0444);
MODULE_PARM_DESC(flexpriority, "Task priority by the page of an xAPIC without exits where offered");

static bool enable_apicv = true;
module_param(enable_apicv, bool, 0444);
MODULE_PARM_DESC(enable_apicv, "Interrupts delivered by hardware where offered");

static bool enable_preemption_timer = true;
module_param_named(preemption_timer, enable_preemption_timer, bool, 0444);
MODULE_PARM_DESC(preemption_timer, "VMX-preemption timer for immediate exits where offered");

/* A loop of PAUSEs at most ple_gap cycles apart that lasts ple_window cycles exits. */
unsigned int vmx_ple_gap __ro_after_init = 128;
module_param_named(ple_gap, vmx_ple_gap, uint, 0444);
MODULE_PARM_DESC(ple_gap, "PAUSE-loop exiting: cycles between two PAUSEs of a loop; 0: none");

static unsigned int ple_window __ro_after_init = 4096;
module_param(ple_window, uint, 0444);
MODULE_PARM_DESC(ple_window, "PAUSE-loop exiting: cycles a loop may last");

static unsigned int ple_window_grow __ro_after_init = 2;
module_param(ple_window_grow, uint, 0444);
MODULE_PARM_DESC(ple_window_grow, "Factor to the window after each such exit; 0: none");

static unsigned int ple_window_shrink __ro_after_init;
module_param(ple_window_shrink, uint, 0444);
MODULE_PARM_DESC(ple_window_shrink, "Divisor of the window when the vCPU is scheduled in; 0: reset it");

static unsigned int ple_window_max __ro_after_init = UINT_MAX;
module_param(ple_window_max, uint, 0444);
MODULE_PARM_DESC(ple_window_max, "Upper limit of the window");

module_param_named(dump_invalid_vmcs, exit_dump_failed_entry, bool, 0644);
MODULE_PARM_DESC(dump_invalid_vmcs, "Print the VMCS when an entry fails");

enum vmx_ctl_word {
	WORD_PIN,
	WORD_CPU,
	WORD_CPU2,
	WORD_EXIT,
	WORD_ENTRY,
	NR_WORDS,
};

/**
 * enum vmx_ctl_rule - how a control is wanted
 * @NEED: must be 1.
 * @NEED_CLEAR: must be able to be 0.
 * @NEED_BOTH: both values are used while guests run.
 * @USE: 1 where offered, and not switched off by a parameter.
 */
enum vmx_ctl_rule {
	NEED,
	NEED_CLEAR,
	NEED_BOTH,
	USE,
};

/*
 * One row a control. Controls that only some vCPUs or moments use (windows,
 * RDTSCP) are offered here and switched in the VMCS later.
 * Source: Intel SDM volume 3, "VM-Execution Control Fields", "VM-Exit Control
 * Fields", "VM-Entry Control Fields".
 */
static const struct {
	enum vmx_ctl_word word;
	enum vmx_ctl_rule rule;
	u32 bit;
	const bool *param;
	const char *name;
} vmx_ctls[] = {
	{ WORD_PIN, NEED, PIN_BASED_EXT_INTR_MASK, NULL, "external-interrupt exiting" },
	{ WORD_PIN, NEED, PIN_BASED_NMI_EXITING, NULL, "NMI exiting" },
	{ WORD_PIN, USE, PIN_BASED_VIRTUAL_NMIS, &enable_vnmi, "virtual NMIs" },
	{ WORD_PIN, USE, PIN_BASED_VMX_PREEMPTION_TIMER, &enable_preemption_timer,
	  "preemption timer" },
	{ WORD_PIN, USE, PIN_BASED_POSTED_INTR, &enable_apicv, "posted interrupts" },

	{ WORD_CPU, NEED, CPU_BASED_HLT_EXITING, NULL, "HLT exiting" },
	{ WORD_CPU, NEED, CPU_BASED_MWAIT_EXITING, NULL, "MWAIT exiting" },
	{ WORD_CPU, NEED, CPU_BASED_MONITOR_EXITING, NULL, "MONITOR exiting" },
	{ WORD_CPU, NEED, CPU_BASED_RDPMC_EXITING, NULL, "RDPMC exiting" },
	{ WORD_CPU, NEED, CPU_BASED_UNCOND_IO_EXITING, NULL, "unconditional I/O exiting" },
	{ WORD_CPU, NEED, CPU_BASED_USE_TSC_OFFSETTING, NULL, "TSC offsetting" },
	{ WORD_CPU, NEED, CPU_BASED_USE_MSR_BITMAPS, NULL, "MSR bitmaps" },
	{ WORD_CPU, NEED, CPU_BASED_ACTIVATE_SECONDARY_CONTROLS, NULL, "secondary controls" },
	/* One of them: with the shadow, accesses to CR8 do not exit. */
	{ WORD_CPU, NEED_BOTH, CPU_BASED_CR8_LOAD_EXITING, NULL, "CR8-load exiting" },
	{ WORD_CPU, NEED_BOTH, CPU_BASED_CR8_STORE_EXITING, NULL, "CR8-store exiting" },
	{ WORD_CPU, USE, CPU_BASED_TPR_SHADOW, NULL, "TPR shadow" },
	{ WORD_CPU, NEED_BOTH, CPU_BASED_MOV_DR_EXITING, NULL, "MOV-DR exiting" },
	{ WORD_CPU, NEED_BOTH, CPU_BASED_INTR_WINDOW_EXITING, NULL, "interrupt-window exiting" },
	{ WORD_CPU, USE, CPU_BASED_NMI_WINDOW_EXITING, NULL, "NMI-window exiting" },
	{ WORD_CPU, NEED_CLEAR, CPU_BASED_CR3_LOAD_EXITING, NULL, "CR3-load exiting off" },
	{ WORD_CPU, NEED_CLEAR, CPU_BASED_CR3_STORE_EXITING, NULL, "CR3-store exiting off" },
	{ WORD_CPU, NEED_CLEAR, CPU_BASED_INVLPG_EXITING, NULL, "INVLPG exiting off" },
	{ WORD_CPU, USE, CPU_BASED_MONITOR_TRAP_FLAG, NULL, "monitor trap flag" },

	{ WORD_CPU2, NEED, SECONDARY_EXEC_ENABLE_EPT, &enable_ept, "EPT" },
	{ WORD_CPU2, NEED, SECONDARY_EXEC_UNRESTRICTED_GUEST, &enable_unrestricted_guest,
	  "unrestricted guest" },
	{ WORD_CPU2, USE, SECONDARY_EXEC_ENABLE_VPID, &enable_vpid, "VPID" },
	{ WORD_CPU2, USE, SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES, &flexpriority_enabled,
	  "virtual APIC accesses" },
	{ WORD_CPU2, USE, SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE, &enable_apicv,
	  "virtual x2APIC mode" },
	{ WORD_CPU2, USE, SECONDARY_EXEC_APIC_REGISTER_VIRT, &enable_apicv,
	  "APIC-register virtualization" },
	{ WORD_CPU2, USE, SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY, &enable_apicv,
	  "virtual interrupt delivery" },
	{ WORD_CPU2, USE, SECONDARY_EXEC_ENABLE_PML, &enable_pml, "page-modification logging" },
	{ WORD_CPU2, USE, SECONDARY_EXEC_WBINVD_EXITING, NULL, "WBINVD exiting" },
	{ WORD_CPU2, USE, SECONDARY_EXEC_DESC, NULL, "descriptor-table exiting" },
	{ WORD_CPU2, USE, SECONDARY_EXEC_ENABLE_RDTSCP, NULL, "RDTSCP" },
	{ WORD_CPU2, USE, SECONDARY_EXEC_ENABLE_INVPCID, NULL, "INVPCID" },
	{ WORD_CPU2, USE, SECONDARY_EXEC_PAUSE_LOOP_EXITING, NULL, "PAUSE-loop exiting" },
	{ WORD_CPU2, USE, SECONDARY_EXEC_ENABLE_XSAVES, NULL, "XSAVES" },
	{ WORD_CPU2, USE, SECONDARY_EXEC_TSC_SCALING, NULL, "TSC scaling" },
	{ WORD_CPU2, USE, SECONDARY_EXEC_ENCLS_EXITING, NULL, "ENCLS exiting" },

	{ WORD_EXIT, NEED, VM_EXIT_HOST_ADDR_SPACE_SIZE, NULL, "64-bit host" },
	{ WORD_EXIT, NEED, VM_EXIT_SAVE_DEBUG_CONTROLS, NULL, "save debug controls" },
	{ WORD_EXIT, NEED, VM_EXIT_LOAD_IA32_PAT, NULL, "load host PAT" },
	{ WORD_EXIT, NEED, VM_EXIT_LOAD_IA32_EFER, NULL, "load host EFER" },
	{ WORD_EXIT, USE, VM_EXIT_ACK_INTR_ON_EXIT, NULL, "acknowledge interrupt on exit" },

	{ WORD_ENTRY, NEED, VM_ENTRY_LOAD_DEBUG_CONTROLS, NULL, "load debug controls" },
	{ WORD_ENTRY, NEED, VM_ENTRY_LOAD_IA32_PAT, NULL, "load guest PAT" },
	{ WORD_ENTRY, NEED, VM_ENTRY_LOAD_IA32_EFER, NULL, "load guest EFER" },
	{ WORD_ENTRY, NEED_BOTH, VM_ENTRY_IA32E_MODE, NULL, "IA-32e mode guest" },
};

/* Capability MSRs of a word: as first defined, and with true controls. */
static const struct {
	u32 msr;
	u32 true_msr;
} vmx_ctl_msrs[NR_WORDS] = {
	[WORD_PIN] = { MSR_IA32_VMX_PINBASED_CTLS, MSR_IA32_VMX_TRUE_PINBASED_CTLS },
	[WORD_CPU] = { MSR_IA32_VMX_PROCBASED_CTLS, MSR_IA32_VMX_TRUE_PROCBASED_CTLS },
	[WORD_CPU2] = { MSR_IA32_VMX_PROCBASED_CTLS2, MSR_IA32_VMX_PROCBASED_CTLS2 },
	[WORD_EXIT] = { MSR_IA32_VMX_EXIT_CTLS, MSR_IA32_VMX_TRUE_EXIT_CTLS },
	[WORD_ENTRY] = { MSR_IA32_VMX_ENTRY_CTLS, MSR_IA32_VMX_TRUE_ENTRY_CTLS },
};

/* Bits of IA32_VMX_EPT_VPID_CAP without which there is no way. */
static const struct {
	u64 bit;
	const char *name;
} vmx_ept_needs[] = {
	{ VMX_EPT_PAGE_WALK_4_BIT, "EPT with 4 levels" },
	{ VMX_EPTP_WB_BIT, "write-back EPT tables" },
	{ VMX_EPT_INVEPT_BIT, "INVEPT" },
	{ VMX_EPT_EXTENT_CONTEXT_BIT, "single-context INVEPT" },
	{ VMX_EPT_EXTENT_GLOBAL_BIT, "global INVEPT" },
};

/* What the CPU lacks, gathered for one line of the log. */
struct missing {
	unsigned int len;
	char names[200];
};

static void miss(struct missing *missing, const char *name)
{
	missing->len += scnprintf(missing->names + missing->len,
				  sizeof(missing->names) - missing->len, "%s%s",
				  missing->len ? ", " : "", name);
}

static bool read_msr(u32 msr, u64 *value)
{
	int err;

	*value = native_read_msr_safe(msr, &err);
	return !err;
}

/* A requirement that a parameter switches off, or NULL. */
static const char *switched_off(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(vmx_ctls); i++) {
		if (vmx_ctls[i].rule == NEED && vmx_ctls[i].param && !*vmx_ctls[i].param)
			return vmx_ctls[i].name;
	}
	return NULL;
}

/* Settle one word of controls. */
static u32 settle_word(enum vmx_ctl_word word, bool true_ctls, struct missing *missing)
{
	u32 must, may, want = 0;
	u64 cap;
	int i;

	if (!read_msr(true_ctls ? vmx_ctl_msrs[word].true_msr : vmx_ctl_msrs[word].msr, &cap))
		cap = 0;
	must = cap;
	may = cap >> 32;

	for (i = 0; i < ARRAY_SIZE(vmx_ctls); i++) {
		enum vmx_ctl_rule rule = vmx_ctls[i].rule;
		u32 bit = vmx_ctls[i].bit;

		if (vmx_ctls[i].word != word)
			continue;
		if (((rule == NEED || rule == NEED_BOTH) && !(may & bit)) ||
		    ((rule == NEED_CLEAR || rule == NEED_BOTH) && must & bit))
			miss(missing, vmx_ctls[i].name);
		if (rule == NEED || (rule == USE && (!vmx_ctls[i].param || *vmx_ctls[i].param)))
			want |= bit;
	}
	return must | (want & may);
}

static void check_ept(struct vmx_caps *caps, struct missing *missing)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(vmx_ept_needs); i++) {
		if (!(caps->ept_vpid & vmx_ept_needs[i].bit))
			miss(missing, vmx_ept_needs[i].name);
	}
}

/* A feature is used only with the instruction and scopes that flush it. */
static void settle_options(struct vmx_caps *caps, struct missing *missing)
{
	const u64 invvpid = VMX_VPID_INVVPID_BIT << 32 |
			    VMX_VPID_EXTENT_SINGLE_CONTEXT_BIT << 32 |
			    VMX_VPID_EXTENT_GLOBAL_CONTEXT_BIT << 32;

	caps->vpid = caps->cpu2 & SECONDARY_EXEC_ENABLE_VPID &&
		     (caps->ept_vpid & invvpid) == invvpid;
	if (!caps->vpid)
		caps->cpu2 &= ~SECONDARY_EXEC_ENABLE_VPID;
	caps->ept_ad = enable_ept_ad && caps->ept_vpid & VMX_EPT_AD_BIT;
	/* It logs what gets its dirty bit set. */
	caps->pml = caps->ept_ad && caps->cpu2 & SECONDARY_EXEC_ENABLE_PML;
	if (!caps->pml)
		caps->cpu2 &= ~SECONDARY_EXEC_ENABLE_PML;
	caps->tpr_shadow = caps->cpu & CPU_BASED_TPR_SHADOW;
	/* The host has a handler for notifications only if it was built for KVM. */
	caps->apicv = IS_ENABLED(CONFIG_KVM) && caps->tpr_shadow &&
		      caps->pin & PIN_BASED_POSTED_INTR && caps->exit & VM_EXIT_ACK_INTR_ON_EXIT &&
		      (caps->cpu2 & VMX_APICV_CPU2) == VMX_APICV_CPU2;
	/*
	 * Not beside APICv: a store would be in the register already when we hear of
	 * it, and what it changes could not be told.
	 */
	caps->flexpriority = caps->tpr_shadow && !caps->apicv &&
			     caps->cpu2 & SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES;
	/* A second NMI has to wait for the first one's end. */
	if (!(caps->cpu & CPU_BASED_NMI_WINDOW_EXITING))
		caps->pin &= ~PIN_BASED_VIRTUAL_NMIS;
	caps->vnmi = caps->pin & PIN_BASED_VIRTUAL_NMIS;
	caps->preemption_timer = caps->pin & PIN_BASED_VMX_PREEMPTION_TIMER;
	/* Version 1 has no register that stops all of them; no CPU with EPT is that old. */
	caps->host_perf = boot_cpu_has(X86_FEATURE_ARCH_PERFMON) &&
			  (native_cpuid_eax(10) & 0xff) > 1;
	caps->umip_by_exits = caps->cpu2 & SECONDARY_EXEC_DESC && !boot_cpu_has(X86_FEATURE_UMIP);
	/* The end of an NMI's handler is either told, or stepped to. */
	if (!caps->vnmi && !(caps->cpu & CPU_BASED_MONITOR_TRAP_FLAG))
		miss(missing, "virtual NMIs and the monitor trap flag");
	if (!vmx_ple_gap)
		caps->cpu2 &= ~SECONDARY_EXEC_PAUSE_LOOP_EXITING;
	/* Switched while guests run. */
	caps->pin &= ~(PIN_BASED_VMX_PREEMPTION_TIMER | PIN_BASED_POSTED_INTR);
	caps->cpu2 &= ~(VMX_APICV_CPU2 | SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES |
			SECONDARY_EXEC_DESC);
	caps->cpu &= ~(CPU_BASED_MONITOR_TRAP_FLAG | CPU_BASED_NMI_WINDOW_EXITING);
}

/**
 * vmx_caps_read() - settle what is used on this CPU
 * @caps: result
 *
 * What is missing is logged, in one line. Context: bound to a CPU.
 * Return: 0, -EINVAL (a parameter) or -EOPNOTSUPP (the CPU).
 */
int vmx_caps_read(struct vmx_caps *caps)
{
	struct missing missing = { };
	const char *off = switched_off();
	u32 word[NR_WORDS];
	bool true_ctls;
	int i;

	memset(caps, 0, sizeof(*caps));
	if (off) {
		pr_err("%s is switched off but required\n", off);
		return -EINVAL;
	}
	if (!read_msr(MSR_IA32_VMX_BASIC, &caps->basic) ||
	    !read_msr(MSR_IA32_VMX_CR4_FIXED1, &caps->cr4_fixed1) ||
	    !read_msr(MSR_IA32_VMX_MISC, &caps->misc)) {
		pr_err("the CPU's VMX capability MSRs cannot be read\n");
		return -EOPNOTSUPP;
	}
	if (vmx_basic_vmcs_size(caps->basic) > PAGE_SIZE) {
		pr_err("a VMCS of %u bytes is larger than a page\n",
		       vmx_basic_vmcs_size(caps->basic));
		return -EOPNOTSUPP;
	}
	if ((caps->basic >> 50 & 0xf) != VMCS_MEMTYPE_WB) {
		pr_err("the CPU wants its VMCS in memory that is not write-back\n");
		return -EOPNOTSUPP;
	}

	true_ctls = caps->basic & VMX_TRUE_CONTROLS;
	for (i = 0; i < NR_WORDS; i++)
		word[i] = settle_word(i, true_ctls, &missing);
	caps->pin = word[WORD_PIN];
	caps->cpu = word[WORD_CPU];
	caps->cpu2 = word[WORD_CPU2];
	caps->exit = word[WORD_EXIT];
	caps->entry = word[WORD_ENTRY];

	if (caps->cpu2 & SECONDARY_EXEC_ENABLE_EPT) {
		read_msr(MSR_IA32_VMX_EPT_VPID_CAP, &caps->ept_vpid);
		check_ept(caps, &missing);
	}
	settle_options(caps, &missing);
	if (!missing.len)
		return 0;
	pr_err("the CPU lacks %s\n", missing.names);
	return -EOPNOTSUPP;
}

/* Let the parameters in sysfs say what is used, not what was wished; hand on what core asks. */
void vmx_caps_settle_params(void)
{
	enable_vpid = vmx_caps.vpid;
	enable_ept_ad = vmx_caps.ept_ad;
	enable_pml = vmx_caps.pml;
	enable_vnmi = vmx_caps.vnmi;
	flexpriority_enabled = vmx_caps.flexpriority;
	enable_apicv = vmx_caps.apicv;
	enable_preemption_timer = vmx_caps.preemption_timer;

	kvm_pause_params = (struct kvm_pause_params) {
		.base = ple_window,
		.grow = ple_window_grow,
		.shrink = ple_window_shrink,
		.max = ple_window_max,
	};
}

/* Instructions that exist for a guest only with a control of their own. */
static const struct {
	u32 control;
	unsigned int feature;
} vmx_cpu2_features[] = {
	{ SECONDARY_EXEC_ENABLE_RDTSCP, X86_FEATURE_RDTSCP },
	{ SECONDARY_EXEC_ENABLE_RDTSCP, X86_FEATURE_RDPID },
	{ SECONDARY_EXEC_ENABLE_INVPCID, X86_FEATURE_INVPCID },
	{ SECONDARY_EXEC_ENABLE_XSAVES, X86_FEATURE_XSAVES },
};

/* Take from what guests may be offered whatever this module cannot give. */
void vmx_caps_set_cpuid(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(vmx_cpu2_features); i++) {
		if (!(vmx_caps.cpu2 & vmx_cpu2_features[i].control))
			kvm_cpu_cap_clear(vmx_cpu2_features[i].feature);
	}
	if (vmx_caps.umip_by_exits)
		kvm_cpu_cap_set(X86_FEATURE_UMIP);
}
