/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hardware's formats in and out of neutral ones. Functions of their
 * arguments only, so that tests need no CPU with SVM. No policy.
 *
 * Source: AMD APM volume 2, "MSR Intercepts", "IOIO Intercept", "Nested
 * Paging" and "Segment State in the VMCB".
 */
#ifndef MONOVISOR_SVM_FORMAT_H
#define MONOVISOR_SVM_FORMAT_H

#include <linux/kernel.h>
#include <linux/kvm.h>
#include <linux/string.h>
#include <asm/msr-index.h>
#include <asm/svm.h>
#include <asm/trap_pf.h>

#include "core/exit.h"
#include "core/mmu/mmu.h"

/* Error code of a nested page fault: what was being translated. */
#define SVM_NPF_FINAL		BIT_ULL(32)	/* the guest's final physical address */
#define SVM_NPF_GUEST_WALK	BIT_ULL(33)	/* a table of the guest */

#define SVM_MSRPM_RANGE_MSRS	0x2000

/* VM_CR. Source: AMD APM volume 2, "SVM Related MSRs". */
#define SVM_VM_CR_LOCK		BIT_ULL(3)
#define SVM_VM_CR_SVMDIS	BIT_ULL(4)

/* CPUID 8000_0001h ECX and 8000_000Ah EDX, read raw: Linux hides a locked SVM. */
#define CPUID_EXT_ECX_SVM	BIT(2)
#define CPUID_SVM_EDX_NPT	BIT(0)

/* What decides whether a CPU can be used; the MSRs are read only where SVM exists. */
struct svm_cpu_facts {
	bool amd;		/* or Hygon */
	bool encrypted_guest;	/* this kernel is one */
	u8 family;
	u32 max_ext_leaf;	/* CPUID 8000_0000h EAX */
	u32 ext_ecx;		/* CPUID 8000_0001h ECX */
	u32 svm_edx;		/* CPUID 8000_000Ah EDX */
	u64 vm_cr;
};

static inline bool svm_exists(const struct svm_cpu_facts *f)
{
	return f->amd && f->max_ext_leaf >= SVM_CPUID_FUNC && f->ext_ecx & CPUID_EXT_ECX_SVM;
}

/**
 * svm_refusal() - why a CPU cannot be used
 * @f: what is known of it
 *
 * The first of the reasons counts: who reads it can do something about it.
 * Return: words for the log; NULL: it can be used.
 */
static inline const char *svm_refusal(const struct svm_cpu_facts *f)
{
	if (!f->amd)
		return "not an AMD or Hygon CPU";
	if (!svm_exists(f))
		return "CPU has no SVM";
	if (f->encrypted_guest)
		return "not available in a guest with encrypted memory";
	if (f->vm_cr & SVM_VM_CR_SVMDIS)
		return "disabled by firmware";
	if (!(f->svm_edx & CPUID_SVM_EDX_NPT))
		return "CPU has no nested paging";
	/*
	 * Erratum 383: a guest that changes the size of its pages raises machine
	 * checks, which stop the host.
	 */
	if (f->family == 0x10)
		return "guests can stop a host of CPU family 10h";
	return NULL;
}

/**
 * svm_msrpm_bit() - place of an MSR in the permission map
 * @msr: index
 *
 * The map has two bits for each MSR of three ranges: the even one intercepts
 * reads, the odd one behind it writes.
 *
 * Return: number of the read bit, or -1: not in the map, always exits.
 */
static inline int svm_msrpm_bit(u32 msr)
{
	static const u32 ranges[] = { 0, 0xc0000000, 0xc0010000 };
	int i;

	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		if (msr - ranges[i] < SVM_MSRPM_RANGE_MSRS)
			return 2 * (i * SVM_MSRPM_RANGE_MSRS + (msr - ranges[i]));
	}
	return -1;
}

static inline struct tdp_fault svm_decode_npf(u64 code, u64 gpa)
{
	return (struct tdp_fault) {
		.gpa = gpa,
		.write = code & X86_PF_WRITE,
		.exec = code & X86_PF_INSTR,
		.user = code & X86_PF_USER,
		.present = code & X86_PF_PROT,
		.rsvd = code & X86_PF_RSVD,
		.guest_walk = code & SVM_NPF_GUEST_WALK,
	};
}

static inline struct exit_pio svm_decode_ioio(u32 info)
{
	return (struct exit_pio) {
		.port = info >> 16,
		.size = (info & SVM_IOIO_SIZE_MASK) >> SVM_IOIO_SIZE_SHIFT,
		.in = info & SVM_IOIO_TYPE_MASK,
		.string = info & (SVM_IOIO_STR_MASK | SVM_IOIO_REP_MASK),
	};
}

/* SVM has no bit for an unusable segment: it is one that is not present. */
static inline u16 svm_pack_attrib(const struct kvm_segment *var)
{
	return (var->type & SVM_SELECTOR_TYPE_MASK) |
	       (var->s & 1) << SVM_SELECTOR_S_SHIFT |
	       (var->dpl & 3) << SVM_SELECTOR_DPL_SHIFT |
	       (var->present && !var->unusable) << SVM_SELECTOR_P_SHIFT |
	       (var->avl & 1) << SVM_SELECTOR_AVL_SHIFT |
	       (var->l & 1) << SVM_SELECTOR_L_SHIFT |
	       (var->db & 1) << SVM_SELECTOR_DB_SHIFT |
	       (var->g & 1) << SVM_SELECTOR_G_SHIFT;
}

static inline void svm_unpack_seg(const struct vmcb_seg *s, struct kvm_segment *var)
{
	memset(var, 0, sizeof(*var));
	var->base = s->base;
	var->limit = s->limit;
	var->selector = s->selector;
	var->type = s->attrib & SVM_SELECTOR_TYPE_MASK;
	var->s = s->attrib >> SVM_SELECTOR_S_SHIFT & 1;
	var->dpl = s->attrib >> SVM_SELECTOR_DPL_SHIFT & 3;
	var->present = s->attrib >> SVM_SELECTOR_P_SHIFT & 1;
	var->avl = s->attrib >> SVM_SELECTOR_AVL_SHIFT & 1;
	var->l = s->attrib >> SVM_SELECTOR_L_SHIFT & 1;
	var->db = s->attrib >> SVM_SELECTOR_DB_SHIFT & 1;
	/* The CPU keeps limits in bytes and some CPUs lose G; the limit tells. */
	var->g = s->limit > 0xfffff;
	var->unusable = !var->present;
}

#endif /* MONOVISOR_SVM_FORMAT_H */
