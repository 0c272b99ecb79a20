// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the host's perf wants changed while a guest runs: events that exclude
 * guests, and precise ones, whose records the CPU writes to linear addresses.
 *
 * perf also takes the guest's own counters into account, in stock KVM's form:
 * as in core/xfer.c, that is known to this file only, which therefore cannot
 * know our vCPU.
 */
#include <linux/kvm_host.h>
#include <asm/msr.h>
#include <asm/perf_event.h>

#include "vmx/host_perf.h"

/* Guests have no counters. Only read. */
static struct kvm_pmu no_guest_pmu;

/*
 * Where precise records go and what is in them, which perf names only on CPUs that
 * keep host and guest apart. No record is written while a guest runs that has no
 * such event: perf takes the host's precise counters out of GLOBAL_CTRL, the first
 * of what it says, and those CPUs write none late. So the host's values may stay.
 * 6.12 says so itself; 6.1 has a guest's values, all zero, put in the host's place
 * at each entry, for the NMI watchdog's sake, which is enough to give the CPU an area.
 */
static bool used_by_guests_events(u32 msr)
{
	return msr == MSR_IA32_DS_AREA || msr == MSR_PEBS_DATA_CFG;
}

/**
 * vmx_perf_fill() - keep those MSRs that must differ between host and guest
 * @lists: where they go
 * @msrs: what perf says
 * @nr: how many; more than fit is more than CPUs with EPT have
 *
 * Context: any. Return: how many were kept.
 */
unsigned int vmx_perf_fill(struct vmx_perf_lists *lists,
			   const struct perf_guest_switch_msr *msrs, int nr)
{
	unsigned int n = 0;
	int i;

	for (i = 0; i < nr && n < VMX_MAX_PERF_MSRS; i++) {
		if (msrs[i].host == msrs[i].guest || used_by_guests_events(msrs[i].msr))
			continue;
		lists->guest[n] = (struct vmx_msr_entry){
			.index = msrs[i].msr, .value = msrs[i].guest };
		lists->host[n] = (struct vmx_msr_entry){
			.index = msrs[i].msr, .value = msrs[i].host };
		n++;
	}
	return n;
}

unsigned int vmx_perf_ask(struct vmx_perf_lists *lists)
{
	struct perf_guest_switch_msr *msrs;
	unsigned int i, n;
	int nr;

	msrs = perf_guest_get_msrs(&nr, &no_guest_pmu);
	if (!msrs)
		return 0;

	n = vmx_perf_fill(lists, msrs, nr);
	for (i = 0; i < n; i++) {
		if (lists->guest[i].index == MSR_IA32_PEBS_ENABLE)
			native_wrmsrl(MSR_IA32_PEBS_ENABLE, 0);
	}
	return n;
}
