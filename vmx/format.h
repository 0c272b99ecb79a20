/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Words that VMX hardware reads or writes, without side effects: usable, and
 * tested, without a vCPU or VMX.
 */
#ifndef MONOVISOR_VMX_FORMAT_H
#define MONOVISOR_VMX_FORMAT_H

#include <linux/types.h>
#include <asm/apicdef.h>
#include <asm/debugreg.h>
#include <asm/msr-index.h>
#include <asm/vmx.h>

#include "core/exit.h"
#include "core/mmu/mmu.h"

/* CPUID 1 ECX, read raw: the kernel hides VMX from its feature bits where it is locked. */
#define CPUID_1_ECX_VMX	BIT(5)
/* FRED delivers host events in ways the exit path does not know. */
#define CR4_FRED	BIT_ULL(32)

/* What decides whether a CPU can be used, before what its VMX can do is read. */
struct vmx_cpu_facts {
	u32 ecx;		/* CPUID 1 ECX */
	u64 feat_ctl;		/* IA32_FEATURE_CONTROL, 0 if there is none */
	u64 cr4;
};

/**
 * vmx_refusal() - why a CPU cannot be used
 * @f: what is known of it
 *
 * The first of the reasons counts: who reads it can do something about it.
 * Return: words for the log; NULL: it can be used.
 */
static inline const char *vmx_refusal(const struct vmx_cpu_facts *f)
{
	if (!(f->ecx & CPUID_1_ECX_VMX))
		return "the CPU has no VMX";
	/* The kernel locks the register at boot on CPUs it supports. */
	if (!(f->feat_ctl & FEAT_CTL_LOCKED))
		return "the feature control register is not locked";
	if (!(f->feat_ctl & FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX))
		return "disabled by firmware";
	if (f->cr4 & CR4_FRED)
		return "the host runs with FRED, which is not supported";
	return NULL;
}

/*
 * The exit qualification of an access. Source: Intel SDM volume 3, "Basic VM-Exit
 * Information".
 */
static inline struct exit_pio vmx_decode_io(unsigned long qual)
{
	return (struct exit_pio) {
		.port = qual >> 16,
		.size = (qual & 7) + 1,
		.in = qual & BIT(3),
		.string = qual & BIT(4),
	};
}

static inline struct tdp_fault vmx_decode_ept_violation(unsigned long qual, u64 gpa)
{
	return (struct tdp_fault) {
		.gpa = gpa,
		.write = qual & EPT_VIOLATION_ACC_WRITE,
		.exec = qual & EPT_VIOLATION_ACC_INSTR,
		/* The rights of the entries that were walked: none if not present. */
		.present = qual & (7UL << 3),
		.guest_walk = (qual & EPT_VIOLATION_GVA_IS_VALID) &&
			      !(qual & EPT_VIOLATION_GVA_TRANSLATED),
	};
}

/*
 * Conditions of a #DB in the exit qualification and among the pending debug
 * exceptions, each as the bit it sets in DR6.
 */
#define VMX_DB_CONDITIONS	(DR_TRAP_BITS | DR_STEP | BIT(13) | BIT(11) | BIT(16))
/* Of the latter: there is one to deliver; the breakpoints that were met may be disabled. */
#define VMX_DB_PENDING		(DR_STEP | BIT(12))

/* By what an access reached the APIC-access page: bits 15:12. */
enum vmx_apic_access {
	APIC_LINEAR_READ = 0,
	APIC_LINEAR_WRITE = 1,
	APIC_LINEAR_FETCH = 2,
	APIC_LINEAR_EVENT = 3,		/* delivery of an event: it is in vcpu->ev again */
	APIC_PHYSICAL_EVENT = 10,
	APIC_PHYSICAL = 15,		/* by a walk of the guest's tables */
};

static inline struct tdp_fault vmx_decode_apic_access(unsigned long qual)
{
	u32 how = qual >> 12 & 0xf;

	return (struct tdp_fault) {
		.gpa = APIC_DEFAULT_PHYS_BASE + (qual & 0xfff),
		.write = how == APIC_LINEAR_WRITE,
		.exec = how == APIC_LINEAR_FETCH,
		.guest_walk = how > APIC_LINEAR_FETCH,
	};
}

/* Entries of the log of page modifications. It is filled from the last one down. */
#define VMX_PML_ENTRIES	512

/**
 * vmx_pml_first() - the first entry that is filled
 * @index: the PML index, of the entry to be filled next; it is beyond the last
 *	one when the log is full
 *
 * Source: Intel SDM volume 3, "Page-Modification Logging".
 */
static inline unsigned int vmx_pml_first(u16 index)
{
	return index < VMX_PML_ENTRIES ? index + 1U : 0;
}

#endif /* MONOVISOR_VMX_FORMAT_H */
