/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * CPUID: what the host and this module can offer, what userspace chose for a
 * vCPU, and what follows from it (cpuid.c).
 */
#ifndef MONOVISOR_CORE_CPUID_H
#define MONOVISOR_CORE_CPUID_H

#include <asm/cpufeature.h>
#include "core/vcpu.h"

/* Features asked on hot paths, decoded once when CPUID is set. */
enum guest_cap {
	GUEST_CAP_XSAVE,
	GUEST_CAP_XSAVES,
	GUEST_CAP_RDTSCP,
	GUEST_CAP_RDPID,
	GUEST_CAP_LONG_MODE,
	GUEST_CAP_NX,
	GUEST_CAP_MONITOR,
	GUEST_CAP_AMD_COMPAT,	/* vendor string is AMD's or Hygon's */
	GUEST_CAP_X2APIC,
	GUEST_CAP_TSC_DEADLINE,
	GUEST_CAP_SPEC_CTRL,
	GUEST_CAP_PRED_CMD,
	GUEST_CAP_FLUSH_CMD,
	GUEST_CAP_RTM,
	GUEST_CAP_INVPCID,
	GUEST_CAP_TSC_ADJUST,
};

static __always_inline bool guest_cap(const struct kvm_vcpu *vcpu, enum guest_cap cap)
{
	return vcpu->cpuid_caps & BIT(cap);
}

static __always_inline bool guest_has_tsc_aux(const struct kvm_vcpu *vcpu)
{
	return guest_cap(vcpu, GUEST_CAP_RDTSCP) || guest_cap(vcpu, GUEST_CAP_RDPID);
}

/*
 * Feature words: the kernel's (enum cpuid_leafs), then leaves that the kernel
 * does not keep or keeps scattered. A feature is word * 32 + bit.
 */
enum kvm_cpuid_word {
	KVM_CPUID_7_1_EDX = NCAPINTS,
	KVM_CPUID_7_2_EDX,
	KVM_CPUID_8000_0007_EDX,
	KVM_CPUID_8000_0021_ECX,
	KVM_NR_CPUID_WORDS,
};

/* Bits of SPEC_CTRL beyond the first three */
#define KVM_FEATURE_PSFD		(KVM_CPUID_7_2_EDX * 32 + 0)
#define KVM_FEATURE_IPRED_CTRL		(KVM_CPUID_7_2_EDX * 32 + 1)
#define KVM_FEATURE_RRSBA_CTRL		(KVM_CPUID_7_2_EDX * 32 + 2)
#define KVM_FEATURE_DDPD_U		(KVM_CPUID_7_2_EDX * 32 + 3)
#define KVM_FEATURE_BHI_CTRL		(KVM_CPUID_7_2_EDX * 32 + 4)
#define KVM_FEATURE_INVARIANT_TSC	(KVM_CPUID_8000_0007_EDX * 32 + 8)
/* Bit 2 of leaf 0x80000021 EAX; the kernel's X86_FEATURE_LFENCE_RDTSC is not always that. */
#define KVM_FEATURE_LFENCE_SERIALIZING	(CPUID_8000_0021_EAX * 32 + 2)

/* Which register of which leaf a word is; false: the word is the kernel's invention. */
bool kvm_cpuid_word_leaf(unsigned int word, u32 *function, u32 *index, int *reg);
/* A word of what this host and module offer. */
u32 kvm_cpu_cap_word(unsigned int word);
/* Registers of an entry by enum cpuid_regs_idx (CPUID_EAX ..). */
u32 *kvm_cpuid_entry_reg(struct kvm_cpuid_entry2 *entry, int reg);
/* Bytes of an XSAVE area for these components, standard or compacted. */
u32 kvm_xstate_size(u64 xfeatures, bool compacted);
/* CR4 bits for which this host or the guest's CPUID (if it was set) has no feature. */
unsigned long kvm_cpuid_cr4_reserved(struct kvm_vcpu *vcpu);

struct kvm_cpuid;
struct kvm_cpuid2;

/* Find an entry of this vCPU; index is ignored by functions without sub-leaves. */
struct kvm_cpuid_entry2 *kvm_find_cpuid_entry(struct kvm_vcpu *vcpu, u32 function, u32 index);
/* As CPUID executes: also out-of-range and dynamic (OSXSAVE, OSPKE, APIC) rules. */
void kvm_cpuid(struct kvm_vcpu *vcpu, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx);
void kvm_cpuid_insn(struct kvm_vcpu *vcpu);
/* A feature bit in the guest's CPUID, X86_FEATURE_* (slow: searches). */
bool guest_cpuid_has(struct kvm_vcpu *vcpu, unsigned int x86_feature);
/* A feature this host and module offer. */
bool kvm_cpu_cap_has(unsigned int x86_feature);
void kvm_cpu_cap_set(unsigned int x86_feature);		/* by the vendor, at hardware_setup() */
void kvm_cpu_cap_clear(unsigned int x86_feature);

void kvm_cpuid_module_init(void);	/* before hardware_setup(): baseline caps */
u64 kvm_supported_xcr0(void);
u64 kvm_supported_xss(void);

/* A new vCPU: what holds until userspace sets CPUID. */
void kvm_cpuid_vcpu_create(struct kvm_vcpu *vcpu);
int kvm_dev_ioctl_get_cpuid(struct kvm_cpuid2 __user *arg, bool emulated);
int kvm_vcpu_ioctl_set_cpuid(struct kvm_vcpu *vcpu, struct kvm_cpuid __user *arg);
int kvm_vcpu_ioctl_set_cpuid2(struct kvm_vcpu *vcpu, struct kvm_cpuid2 __user *arg);
int kvm_vcpu_ioctl_get_cpuid2(struct kvm_vcpu *vcpu, struct kvm_cpuid2 __user *arg);
void kvm_cpuid_vcpu_destroy(struct kvm_vcpu *vcpu);

static inline bool kvm_gpa_legal(const struct kvm_vcpu *vcpu, gpa_t gpa)
{
	return !(gpa & vcpu->reserved_gpa_bits);
}

#endif /* MONOVISOR_CORE_CPUID_H */
