/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters of the host's perf that must not run on in a guest.
 */
#ifndef MONOVISOR_VMX_HOST_PERF_H
#define MONOVISOR_VMX_HOST_PERF_H

#include <linux/types.h>
#include <asm/vmx.h>

/* The enable bits of all counters; where precise events are, those and two more. */
#define VMX_MAX_PERF_MSRS	8

/**
 * struct vmx_perf_lists - MSRs that the CPU itself exchanges at entry and exit
 * @guest: loaded at entry; its address is in the VMCS
 * @host: loaded at exit, the same MSRs in the same order; likewise
 *
 * Source: Intel SDM volume 3, "Loading MSRs" of VM entries and of VM exits.
 */
struct vmx_perf_lists {
	struct vmx_msr_entry guest[VMX_MAX_PERF_MSRS];
	struct vmx_msr_entry host[VMX_MAX_PERF_MSRS];
};

struct perf_guest_switch_msr;

unsigned int vmx_perf_fill(struct vmx_perf_lists *lists,
			   const struct perf_guest_switch_msr *msrs, int nr);

/**
 * vmx_perf_ask() - have perf say which MSRs a guest must find changed now
 * @lists: where they go
 *
 * Where PEBS is among them it is off when this returns: a record on its way
 * when the guest is entered would be written through the guest's tables.
 *
 * Context: irqs off, right before the entry; until after the exit nothing may
 * let perf reprogram its counters. Return: how many.
 */
unsigned int vmx_perf_ask(struct vmx_perf_lists *lists);

#endif /* MONOVISOR_VMX_HOST_PERF_H */
