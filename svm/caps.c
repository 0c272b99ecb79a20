// SPDX-License-Identifier: GPL-2.0-only
/*
 * What this CPU's SVM can do and what of it is used: parameters, features, and what
 * follows for guests' CPUID. Settled once at load.
 *
 * Source: AMD APM volume 3, "CPUID Fn8000_000A".
 */
#define pr_fmt(fmt) "svm: " fmt

#include <linux/module.h>
#include <asm/cpufeature.h>

#include "core/cpuid.h"
#include "core/cr.h"
#include "core/exit.h"
#include "core/spin.h"
#include "svm/svm.h"

static bool npt = true;
module_param(npt, bool, 0444);
MODULE_PARM_DESC(npt, "Nested paging; there is no other way here, 0 refuses to load");

static bool nrips = true;
module_param(nrips, bool, 0444);
MODULE_PARM_DESC(nrips, "Use the next RIP the CPU reports; 0: decode instructions instead");

static bool vgif = true;
module_param(vgif, bool, 0444);
MODULE_PARM_DESC(vgif, "Accepted for compatibility; guests see no SVM, so nothing uses it");

static bool tsc_scaling = true;
module_param(tsc_scaling, bool, 0444);
MODULE_PARM_DESC(tsc_scaling, "Use the TSC ratio MSR");

static bool lbrv = true;
module_param(lbrv, bool, 0444);
MODULE_PARM_DESC(lbrv, "Switch DEBUGCTL and last-branch records for guests that use them");

unsigned short pause_filter_thresh = 128;
module_param(pause_filter_thresh, ushort, 0444);
MODULE_PARM_DESC(pause_filter_thresh, "Cycles between PAUSEs of one spin loop; 0: no limit");

static unsigned short pause_filter_count = 3000;
module_param(pause_filter_count, ushort, 0444);
MODULE_PARM_DESC(pause_filter_count, "PAUSEs in one spin loop before an exit");

static unsigned short pause_filter_count_grow = 2;
module_param(pause_filter_count_grow, ushort, 0444);
MODULE_PARM_DESC(pause_filter_count_grow, "Factor to the count after each PAUSE exit");

static unsigned short pause_filter_count_shrink;
module_param(pause_filter_count_shrink, ushort, 0444);
MODULE_PARM_DESC(pause_filter_count_shrink, "Divisor of the count when the vCPU is scheduled in; 0: reset it");

static unsigned short pause_filter_count_max = USHRT_MAX;
module_param(pause_filter_count_max, ushort, 0444);
MODULE_PARM_DESC(pause_filter_count_max, "Upper limit of the count");

module_param_named(dump_invalid_vmcb, exit_dump_failed_entry, bool, 0644);
MODULE_PARM_DESC(dump_invalid_vmcb, "Print the VMCB when VMRUN refuses it");

struct svm_caps svm_caps __ro_after_init;

/**
 * svm_caps_read() - settle what is used
 *
 * An optional feature is if the CPU has it and no parameter forbids it. What is
 * missing is logged, in one line.
 * Context: module load. Return: 0, -EINVAL (a parameter) or -EOPNOTSUPP (the CPU).
 */
int svm_caps_read(void)
{
	if (!npt) {
		pr_err("npt=0: guests cannot run without nested paging\n");
		return -EINVAL;
	}
	if (!boot_cpu_has(X86_FEATURE_NX)) {
		pr_err("CPU or firmware offers no NX\n");
		return -EOPNOTSUPP;
	}
	svm_caps.nrips = nrips && boot_cpu_has(X86_FEATURE_NRIPS);
	svm_caps.decode_assists = boot_cpu_has(X86_FEATURE_DECODEASSISTS);
	svm_caps.flush_by_asid = boot_cpu_has(X86_FEATURE_FLUSHBYASID);
	svm_caps.tsc_ratio = tsc_scaling && boot_cpu_has(X86_FEATURE_TSCRATEMSR);
	svm_caps.pause_filter = pause_filter_count && boot_cpu_has(X86_FEATURE_PAUSEFILTER);
	kvm_pause_params = (struct kvm_pause_params) {
		.base = pause_filter_count,
		.grow = pause_filter_count_grow,
		.shrink = pause_filter_count_shrink,
		.max = pause_filter_count_max,
	};
	svm_caps.pause_threshold = svm_caps.pause_filter && pause_filter_thresh &&
				  boot_cpu_has(X86_FEATURE_PFTHRESHOLD);
	svm_caps.lbrv = lbrv && boot_cpu_has(X86_FEATURE_LBRV);
	svm_caps.v_spec_ctrl = boot_cpu_has(X86_FEATURE_V_SPEC_CTRL);

	/* Let the parameters in sysfs say what is used, not what was wished. */
	nrips = svm_caps.nrips;
	tsc_scaling = svm_caps.tsc_ratio;
	lbrv = svm_caps.lbrv;
	vgif = false;
	return 0;
}

/* Settle what guests may be offered: less what this module cannot give, and what it can add. */
void svm_caps_set_cpuid(void)
{
	if (boot_cpu_has(X86_FEATURE_FXSR_OPT))
		kvm_efer_supported |= EFER_FFXSR;

	/*
	 * The kernel switches SSBD for VIRT_SPEC_CTRL by these means only. A CPU with
	 * SSBD in SPEC_CTRL offers that instead.
	 */
	if (boot_cpu_has(X86_FEATURE_LS_CFG_SSBD) || boot_cpu_has(X86_FEATURE_VIRT_SSBD))
		kvm_cpu_cap_set(X86_FEATURE_VIRT_SSBD);
}
