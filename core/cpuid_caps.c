// SPDX-License-Identifier: GPL-2.0-only
/*
 * What this host and this module can offer to guests, as CPUID bits and as
 * KVM_GET_SUPPORTED_CPUID. What userspace made of it for one vCPU is cpuid.c's.
 */
#include <linux/bits.h>
#include <linux/kvm.h>
#include <linux/nospec.h>
#include <linux/preempt.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/cpufeature.h>
#include <asm/fpu/xstate.h>
#include <asm/kvm_para.h>
#include <asm/processor.h>

#include "core/compat.h"
#include "core/cpuid.h"
#include "core/cr.h"
#include "ops/mmu.h"

#define BASIC_MAX	0x1fU
#define EXTENDED_BASE	0x80000000U
#define EXTENDED_MAX	0x80000021U
#define FIRST_XSTATE	2	/* components 0 and 1 are the legacy area */
#define NR_XSTATES	63
#define XSTATE_HEADER_END	(512 + 64)

static u32 cpu_caps[KVM_NR_CPUID_WORDS] __read_mostly;

static const struct {
	u32 function;
	u32 index;
	int reg;
} word_leaf[KVM_NR_CPUID_WORDS] = {
	[CPUID_1_EDX]			= { 1, 0, CPUID_EDX },
	[CPUID_1_ECX]			= { 1, 0, CPUID_ECX },
	[CPUID_7_0_EBX]			= { 7, 0, CPUID_EBX },
	[CPUID_7_ECX]			= { 7, 0, CPUID_ECX },
	[CPUID_7_EDX]			= { 7, 0, CPUID_EDX },
	[CPUID_7_1_EAX]			= { 7, 1, CPUID_EAX },
	[KVM_CPUID_7_1_EDX]		= { 7, 1, CPUID_EDX },
	[KVM_CPUID_7_2_EDX]		= { 7, 2, CPUID_EDX },
	[CPUID_D_1_EAX]			= { 0xd, 1, CPUID_EAX },
	[CPUID_8000_0001_EDX]		= { 0x80000001, 0, CPUID_EDX },
	[CPUID_8000_0001_ECX]		= { 0x80000001, 0, CPUID_ECX },
	[KVM_CPUID_8000_0007_EDX]	= { 0x80000007, 0, CPUID_EDX },
	[CPUID_8000_0008_EBX]		= { 0x80000008, 0, CPUID_EBX },
	[CPUID_8000_0021_EAX]		= { 0x80000021, 0, CPUID_EAX },
	[KVM_CPUID_8000_0021_ECX]	= { 0x80000021, 0, CPUID_ECX },
};

#define F(name)	BIT(X86_FEATURE_##name & 31)
#define KVM_F(name)	BIT(KVM_FEATURE_##name & 31)

#define SPEC_CTRL_FEATURES	(KVM_F(PSFD) | KVM_F(IPRED_CTRL) | KVM_F(RRSBA_CTRL) | \
				 KVM_F(DDPD_U) | KVM_F(BHI_CTRL))

/*
 * Offered where the host has it. A bit is listed if the guest can use the
 * feature with no help of ours, or if the help is there.
 *
 * Not listed, and why:
 *	VMX, SVM, SMX			no nested virtualisation
 *	MONITOR				exits as a no-op; not worth advertising
 *	DS, PDCM, PERFCTR_CORE, ...	no PMU
 *	TSC_DEADLINE			of a local APIC in the kernel only, which a
 *					VM need not have: see KVM_CAP_TSC_DEADLINE_TIMER
 *	OSXSAVE, OSPKE			follow CR4 (cpuid.c)
 *	SGX, PT, MPX, WAITPKG, CET,	state or exits that are not handled
 *	BUS_LOCK_DETECT, LAM, XFD, AMX
 *	OSVW, VIRT_SSBD			the vendor's to offer, with its MSRs
 */
static const struct {
	unsigned int word;
	u32 mask;
} offered[] = {
	{ CPUID_1_ECX,
	  F(XMM3) | F(PCLMULQDQ) | F(SSSE3) | F(FMA) | F(CX16) | F(PCID) | F(XMM4_1) |
	  F(XMM4_2) | F(MOVBE) | F(POPCNT) | F(AES) | F(XSAVE) | F(AVX) | F(F16C) | F(RDRAND) },
	{ CPUID_1_EDX,
	  F(FPU) | F(VME) | F(DE) | F(PSE) | F(TSC) | F(MSR) | F(PAE) | F(MCE) | F(CX8) |
	  F(APIC) | F(SEP) | F(MTRR) | F(PGE) | F(MCA) | F(CMOV) | F(PAT) | F(PSE36) |
	  F(CLFLUSH) | F(MMX) | F(FXSR) | F(XMM) | F(XMM2) | F(SELFSNOOP) },
	{ CPUID_7_0_EBX,
	  F(FSGSBASE) | F(BMI1) | F(HLE) | F(AVX2) | F(FDP_EXCPTN_ONLY) | F(SMEP) | F(BMI2) |
	  F(ERMS) | F(INVPCID) | F(RTM) | F(ZERO_FCS_FDS) | F(AVX512F) | F(AVX512DQ) |
	  F(RDSEED) | F(ADX) | F(SMAP) | F(AVX512IFMA) | F(CLFLUSHOPT) | F(CLWB) |
	  F(AVX512PF) | F(AVX512ER) | F(AVX512CD) | F(SHA_NI) | F(AVX512BW) | F(AVX512VL) },
	{ CPUID_7_ECX,
	  F(AVX512VBMI) | F(LA57) | F(PKU) | F(RDPID) | F(AVX512_VPOPCNTDQ) | F(UMIP) |
	  F(AVX512_VBMI2) | F(GFNI) | F(VAES) | F(VPCLMULQDQ) | F(AVX512_VNNI) |
	  F(AVX512_BITALG) | F(CLDEMOTE) | F(MOVDIRI) | F(MOVDIR64B) },
	{ CPUID_7_EDX,
	  F(AVX512_4VNNIW) | F(AVX512_4FMAPS) | F(SPEC_CTRL) | F(SPEC_CTRL_SSBD) |
	  F(ARCH_CAPABILITIES) | F(INTEL_STIBP) | F(MD_CLEAR) | F(AVX512_VP2INTERSECT) |
	  F(FSRM) | F(SERIALIZE) | F(TSXLDTRK) | F(AVX512_FP16) | F(FLUSH_L1D) },
	{ CPUID_7_1_EAX,
	  F(AVX_VNNI) | F(AVX512_BF16) | F(CMPCCXADD) | F(FZRM) | F(FSRS) | F(FSRC) |
	  F(AVX_IFMA) },
	/* AVX_VNNI_INT8, AVX_NE_CONVERT, PREFETCHITI */
	{ KVM_CPUID_7_1_EDX, BIT(4) | BIT(5) | BIT(14) },
	/* and MCDT_NO */
	{ KVM_CPUID_7_2_EDX, SPEC_CTRL_FEATURES | BIT(5) },
	{ CPUID_D_1_EAX, F(XSAVEOPT) | F(XSAVEC) | F(XGETBV1) | F(XSAVES) },
	{ CPUID_8000_0001_ECX,
	  F(LAHF_LM) | F(CMP_LEGACY) | F(CR8_LEGACY) | F(ABM) | F(SSE4A) | F(MISALIGNSSE) |
	  F(3DNOWPREFETCH) | F(XOP) | F(FMA4) | F(TBM) | F(TOPOEXT) },
	{ CPUID_8000_0001_EDX,
	  F(FPU) | F(VME) | F(DE) | F(PSE) | F(TSC) | F(MSR) | F(PAE) | F(MCE) | F(CX8) |
	  F(APIC) | F(SYSCALL) | F(MTRR) | F(PGE) | F(MCA) | F(CMOV) | F(PAT) | F(PSE36) |
	  F(NX) | F(MMXEXT) | F(MMX) | F(FXSR) | F(FXSR_OPT) | F(GBPAGES) | F(RDTSCP) |
	  F(LM) | F(3DNOWEXT) | F(3DNOW) },
	{ KVM_CPUID_8000_0007_EDX, KVM_F(INVARIANT_TSC) },
	{ CPUID_8000_0008_EBX,
	  F(CLZERO) | F(XSAVEERPTR) | F(WBNOINVD) | F(AMD_IBPB) | F(AMD_IBRS) | F(AMD_SSBD) |
	  F(AMD_SSB_NO) | F(AMD_STIBP) | F(AMD_STIBP_ALWAYS_ON) | F(AMD_PSFD) },
	{ CPUID_8000_0021_EAX,
	  F(NO_NESTED_DATA_BP) | F(WRMSR_XX_BASE_NS) | F(NULL_SEL_CLR_BASE) | F(VERW_CLEAR) |
	  F(SRSO_NO) | KVM_F(LFENCE_SERIALIZING) },
	/* TSA_SQ_NO, TSA_L1_NO */
	{ KVM_CPUID_8000_0021_ECX, BIT(1) | BIT(2) },
};

/* Where a component lies in an XSAVE area: properties of the CPU, read once. */
static struct {
	u32 size;
	u32 offset;
	bool align64;
} xstates[NR_XSTATES] __read_mostly;

bool kvm_cpuid_word_leaf(unsigned int word, u32 *function, u32 *index, int *reg)
{
	if (word >= KVM_NR_CPUID_WORDS || !word_leaf[word].function)
		return false;
	*function = word_leaf[word].function;
	*index = word_leaf[word].index;
	*reg = word_leaf[word].reg;
	return true;
}

u32 *kvm_cpuid_entry_reg(struct kvm_cpuid_entry2 *entry, int reg)
{
	switch (reg) {
	case CPUID_EAX:
		return &entry->eax;
	case CPUID_EBX:
		return &entry->ebx;
	case CPUID_ECX:
		return &entry->ecx;
	default:
		return &entry->edx;
	}
}

static void host_cpuid(struct kvm_cpuid_entry2 *entry, u32 function, u32 index)
{
	memset(entry, 0, sizeof(*entry));
	entry->function = function;
	entry->index = index;
	entry->eax = function;
	entry->ecx = index;
	native_cpuid(&entry->eax, &entry->ebx, &entry->ecx, &entry->edx);
}

/* Highest leaf of the range @function is in, as the host has it; 0: no such range. */
static u32 host_max_leaf(u32 function)
{
	struct kvm_cpuid_entry2 entry;
	u32 base = function & EXTENDED_BASE;

	host_cpuid(&entry, base, 0);
	return (entry.eax & EXTENDED_BASE) == base ? entry.eax : 0;
}

static u32 host_word(unsigned int word)
{
	struct kvm_cpuid_entry2 entry;

	if (word_leaf[word].function > host_max_leaf(word_leaf[word].function))
		return 0;
	host_cpuid(&entry, word_leaf[word].function, 0);
	/* Leaf 7 says in EAX how many sub-leaves there are; beyond them is garbage. */
	if (word_leaf[word].function == 7 && word_leaf[word].index > entry.eax)
		return 0;
	host_cpuid(&entry, word_leaf[word].function, word_leaf[word].index);
	return *kvm_cpuid_entry_reg(&entry, word_leaf[word].reg);
}

bool kvm_cpu_cap_has(unsigned int x86_feature)
{
	unsigned int word = x86_feature / 32;

	return word < KVM_NR_CPUID_WORDS && (cpu_caps[word] & BIT(x86_feature & 31));
}

u32 kvm_cpu_cap_word(unsigned int word)
{
	return word < KVM_NR_CPUID_WORDS ? cpu_caps[word] : 0;
}

void kvm_cpu_cap_set(unsigned int x86_feature)
{
	if (x86_feature / 32 < KVM_NR_CPUID_WORDS)
		cpu_caps[x86_feature / 32] |= BIT(x86_feature & 31);
}

void kvm_cpu_cap_clear(unsigned int x86_feature)
{
	if (x86_feature / 32 < KVM_NR_CPUID_WORDS)
		cpu_caps[x86_feature / 32] &= ~BIT(x86_feature & 31);
}

static void read_xstates(void)
{
	struct kvm_cpuid_entry2 entry;
	int i;

	if (host_max_leaf(0) < 0xd)
		return;
	for (i = FIRST_XSTATE; i < NR_XSTATES; i++) {
		host_cpuid(&entry, 0xd, i);
		xstates[i].size = entry.eax;
		xstates[i].offset = entry.ebx;
		xstates[i].align64 = entry.ecx & BIT(1);
	}
}

u32 kvm_xstate_size(u64 xfeatures, bool compacted)
{
	u32 end = XSTATE_HEADER_END;
	int i;

	for (i = FIRST_XSTATE; i < NR_XSTATES; i++) {
		if (!(xfeatures & BIT_ULL(i)))
			continue;
		if (!compacted)
			end = max(end, xstates[i].offset + xstates[i].size);
		else
			end = (xstates[i].align64 ? ALIGN(end, 64) : end) + xstates[i].size;
	}
	return end;
}

/**
 * kvm_cpuid_module_init() - find what can be offered
 *
 * What the kernel switched off for itself (a command line, an erratum) is
 * not offered either. The vendor adds and takes away in its hardware_setup().
 * Context: module load, before kvm_x86_hardware_setup().
 */
void kvm_cpuid_module_init(void)
{
	int i;

	memset(cpu_caps, 0, sizeof(cpu_caps));
	for (i = 0; i < ARRAY_SIZE(offered); i++) {
		unsigned int word = offered[i].word;

		cpu_caps[word] = offered[i].mask & host_word(word);
		if (word < NCAPINTS)
			cpu_caps[word] &= boot_cpu_data.x86_capability[word];
	}

	/* The kernel may run with 4 levels where guests can have 5. */
	if (host_word(CPUID_7_ECX) & F(LA57))
		kvm_cpu_cap_set(X86_FEATURE_LA57);
	/* Guest PKRU is switched only where the host has the instructions on. */
	if (!boot_cpu_has(X86_FEATURE_OSPKE))
		kvm_cpu_cap_clear(X86_FEATURE_PKU);
	/* Without the register there are no bits of it. */
	if (!boot_cpu_has(X86_FEATURE_MSR_SPEC_CTRL))
		cpu_caps[KVM_CPUID_7_2_EDX] &= ~SPEC_CTRL_FEATURES;
	/* In software: the offset of the TSC is ours anyway, and so is the local APIC. */
	kvm_cpu_cap_set(X86_FEATURE_TSC_ADJUST);
	kvm_cpu_cap_set(X86_FEATURE_X2APIC);
	/* AMD: the kernel makes LFENCE serializing where it is not by birth. */
	if (boot_cpu_has(X86_FEATURE_LFENCE_RDTSC))
		kvm_cpu_cap_set(KVM_FEATURE_LFENCE_SERIALIZING);
	if (!boot_cpu_has(X86_FEATURE_CONSTANT_TSC))
		kvm_cpu_cap_clear(KVM_FEATURE_INVARIANT_TSC);

	/* Guests share the register with the host, which may have NX disabled. */
	kvm_efer_supported = EFER_SCE | EFER_LME | EFER_LMA;
	if (boot_cpu_has(X86_FEATURE_NX))
		kvm_efer_supported |= EFER_NX;

	read_xstates();
	if (!kvm_supported_xcr0()) {
		kvm_cpu_cap_clear(X86_FEATURE_XSAVE);
		kvm_cpu_cap_clear(X86_FEATURE_AVX);
		kvm_cpu_cap_clear(X86_FEATURE_AVX2);
		kvm_cpu_cap_clear(X86_FEATURE_PKU);
		cpu_caps[CPUID_D_1_EAX] = 0;
	}
}

/* The list being built for userspace. */
struct cpuid_list {
	struct kvm_cpuid_entry2 *entries;
	u32 nent;
	u32 max;
};

/* Return: the next entry, zeroed, or NULL if the list is full. */
static struct kvm_cpuid_entry2 *next_entry(struct cpuid_list *list)
{
	return list->nent < list->max ? &list->entries[list->nent++] : NULL;
}

static struct kvm_cpuid_entry2 *add_host_entry(struct cpuid_list *list, u32 function, u32 index)
{
	struct kvm_cpuid_entry2 *entry = next_entry(list);

	if (!entry)
		return NULL;
	host_cpuid(entry, function, index);
	switch (function) {
	case 4:
	case 7:
	case 0xb:
	case 0xd:
	case 0x1f:
	case 0x8000001d:
		entry->flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
		break;
	}
	return entry;
}

/* Cache descriptions end with a sub-leaf of type 0. */
static int add_caches(struct cpuid_list *list, u32 function)
{
	struct kvm_cpuid_entry2 *entry;
	u32 index = 0;

	do {
		entry = add_host_entry(list, function, index++);
		if (!entry)
			return -E2BIG;
	} while (entry->eax & 0x1f);
	return 0;
}

static int add_leaf_7(struct cpuid_list *list)
{
	struct kvm_cpuid_entry2 *entry = add_host_entry(list, 7, 0);
	u32 subleaves;

	if (!entry)
		return -E2BIG;
	subleaves = min(entry->eax, 2U);
	entry->eax = subleaves;
	entry->ebx = cpu_caps[CPUID_7_0_EBX];
	entry->ecx = cpu_caps[CPUID_7_ECX];
	entry->edx = cpu_caps[CPUID_7_EDX];
	if (subleaves >= 1) {
		entry = add_host_entry(list, 7, 1);
		if (!entry)
			return -E2BIG;
		entry->eax = cpu_caps[CPUID_7_1_EAX];
		entry->ebx = 0;
		entry->ecx = 0;
		entry->edx = cpu_caps[KVM_CPUID_7_1_EDX];
	}
	if (subleaves >= 2) {
		entry = add_host_entry(list, 7, 2);
		if (!entry)
			return -E2BIG;
		entry->eax = 0;
		entry->ebx = 0;
		entry->ecx = 0;
		entry->edx = cpu_caps[KVM_CPUID_7_2_EDX];
	}
	return 0;
}

static int add_leaf_d(struct cpuid_list *list)
{
	u64 xcr0 = kvm_supported_xcr0();
	u64 xss = kvm_supported_xss();
	struct kvm_cpuid_entry2 *entry;
	int i;

	if (!xcr0)
		return 0;
	entry = add_host_entry(list, 0xd, 0);
	if (!entry)
		return -E2BIG;
	entry->eax &= xcr0;
	entry->ebx = kvm_xstate_size(xcr0, false);
	entry->ecx = entry->ebx;
	entry->edx &= xcr0 >> 32;

	entry = add_host_entry(list, 0xd, 1);
	if (!entry)
		return -E2BIG;
	entry->eax = cpu_caps[CPUID_D_1_EAX];
	entry->ebx = entry->eax & (F(XSAVES) | F(XSAVEC)) ? kvm_xstate_size(xcr0 | xss, true) : 0;
	entry->ecx &= xss;
	entry->edx &= xss >> 32;

	for (i = FIRST_XSTATE; i < NR_XSTATES; i++) {
		if (!((xcr0 | xss) & BIT_ULL(i)))
			continue;
		entry = add_host_entry(list, 0xd, i);
		if (!entry)
			return -E2BIG;
		/* Bit 2 of ECX: the component can be disabled by XFD, which is not offered. */
		entry->ecx &= BIT(0) | BIT(1);
		entry->edx = 0;
	}
	return 0;
}

static int add_basic(struct cpuid_list *list, u32 function)
{
	struct kvm_cpuid_entry2 *entry;

	switch (function) {
	case 4:
		return add_caches(list, function);
	case 7:
		return add_leaf_7(list);
	case 0xd:
		return add_leaf_d(list);
	case 0:
	case 1:
	case 2:
	case 6:
		break;
	default:
		/* Serial number, MONITOR, PMU, topology, SGX, PT, frequencies: nothing to offer. */
		return 0;
	}

	entry = add_host_entry(list, function, 0);
	if (!entry)
		return -E2BIG;
	if (function == 0) {
		entry->eax = min(entry->eax, BASIC_MAX);
	} else if (function == 1) {
		/* Keep the CLFLUSH size; APIC id and thread count are the vCPU's own. */
		entry->ebx &= GENMASK(15, 8);
		entry->ecx = cpu_caps[CPUID_1_ECX];
		entry->edx = cpu_caps[CPUID_1_EDX];
	} else if (function == 6) {
		/* Only ARAT: the guest's APIC timer never stops. */
		entry->eax = BIT(2);
		entry->ebx = 0;
		entry->ecx = 0;
		entry->edx = 0;
	}
	return 0;
}

/*
 * Address widths. The guest's physical width is the host's raw one: memory
 * encryption takes bits of host addresses only. Bits 23:16 tell what can be
 * reached: with a 4-level second stage, 48 bits.
 */
static void fill_leaf_80000008(struct kvm_cpuid_entry2 *entry)
{
	u32 phys = entry->eax & 0xff;
	u32 virt = max((entry->eax >> 8) & 0xff, 48U);
	u32 reach = kvm_x86_tdp_level() >= 5 ? phys : min(phys, 48U);

	entry->eax = phys | virt << 8 | reach << 16;
	entry->ebx = cpu_caps[CPUID_8000_0008_EBX];
	entry->ecx &= ~(GENMASK(31, 16) | GENMASK(11, 8));
	entry->edx = 0;
}

/* Linux guests and QEMU take 0x80000021 for granted on CPUs with the cache leaf. */
static u32 extended_max(u32 host_max)
{
	if (host_max >= 0x8000001d && kvm_cpu_cap_has(KVM_FEATURE_LFENCE_SERIALIZING))
		return EXTENDED_MAX;
	return min(host_max, EXTENDED_MAX);
}

static int add_extended(struct cpuid_list *list, u32 function)
{
	struct kvm_cpuid_entry2 *entry;

	switch (function) {
	case 0x80000000 ... 0x80000008:
	case 0x80000019:
	case 0x8000001a:
	case 0x80000021:
		break;
	case 0x8000001d:
		return add_caches(list, function);
	default:
		/* SVM, topology, SME/SEV, performance monitoring: nothing to offer. */
		return 0;
	}

	entry = add_host_entry(list, function, 0);
	if (!entry)
		return -E2BIG;
	switch (function) {
	case 0x80000000:
		entry->eax = extended_max(entry->eax);
		break;
	case 0x80000001:
		entry->ebx &= ~GENMASK(27, 16);
		entry->ecx = cpu_caps[CPUID_8000_0001_ECX];
		entry->edx = cpu_caps[CPUID_8000_0001_EDX];
		break;
	case 0x80000006:
		entry->edx &= ~GENMASK(17, 16);
		break;
	case 0x80000007:
		entry->eax = 0;
		entry->ebx = 0;
		entry->ecx = 0;
		entry->edx = cpu_caps[KVM_CPUID_8000_0007_EDX];
		break;
	case 0x80000008:
		fill_leaf_80000008(entry);
		break;
	case 0x80000019:
		entry->ecx = 0;
		entry->edx = 0;
		break;
	case 0x8000001a:
		entry->eax &= GENMASK(2, 0);
		entry->ebx = 0;
		entry->ecx = 0;
		entry->edx = 0;
		break;
	case 0x80000021:
		entry->eax = cpu_caps[CPUID_8000_0021_EAX];
		entry->ebx = 0;
		entry->ecx = cpu_caps[KVM_CPUID_8000_0021_ECX];
		entry->edx = 0;
		break;
	}
	return 0;
}

static int add_paravirt(struct cpuid_list *list)
{
	static const char signature[] = KVM_SIGNATURE;
	struct kvm_cpuid_entry2 *entry = next_entry(list);

	if (!entry)
		return -E2BIG;
	entry->function = KVM_CPUID_SIGNATURE;
	entry->eax = KVM_CPUID_FEATURES;
	memcpy(&entry->ebx, &signature[0], 4);
	memcpy(&entry->ecx, &signature[4], 4);
	memcpy(&entry->edx, &signature[8], 4);

	entry = next_entry(list);
	if (!entry)
		return -E2BIG;
	entry->function = KVM_CPUID_FEATURES;
	entry->eax = BIT(KVM_FEATURE_CLOCKSOURCE) | BIT(KVM_FEATURE_NOP_IO_DELAY) |
		     BIT(KVM_FEATURE_CLOCKSOURCE2) | BIT(KVM_FEATURE_CLOCKSOURCE_STABLE_BIT);
	return 0;
}

static int build_list(struct cpuid_list *list)
{
	u32 function, max;
	int err = 0;

	/* All from one CPU; they may differ in what is not masked. */
	preempt_disable();
	max = min(host_max_leaf(0), BASIC_MAX);
	for (function = 0; !err && function <= max; function++)
		err = add_basic(list, function);
	max = extended_max(host_max_leaf(EXTENDED_BASE));
	for (function = EXTENDED_BASE; !err && function <= max; function++)
		err = add_extended(list, function);
	if (!err)
		err = add_paravirt(list);
	preempt_enable();
	return err;
}

/**
 * kvm_dev_ioctl_get_cpuid() - KVM_GET_SUPPORTED_CPUID and KVM_GET_EMULATED_CPUID
 * @arg: nent in and out, entries out
 * @emulated: the latter; the list is empty: nothing is emulated that the host
 *	lacks and the former does not tell
 *
 * Return: 0, -E2BIG (nent too small), -ENOMEM, -EFAULT.
 */
int kvm_dev_ioctl_get_cpuid(struct kvm_cpuid2 __user *arg, bool emulated)
{
	struct cpuid_list list = {};
	u32 nent;
	int err = 0;

	if (get_user(nent, &arg->nent))
		return -EFAULT;
	if (!nent)
		return -E2BIG;
	list.max = min_t(u32, nent, KVM_MAX_CPUID_ENTRIES);
	list.entries = kvcalloc(list.max, sizeof(*list.entries), GFP_KERNEL_ACCOUNT);
	if (!list.entries)
		return -ENOMEM;

	if (!emulated)
		err = build_list(&list);
	if (!err && copy_to_user(arg->entries, list.entries, list.nent * sizeof(*list.entries)))
		err = -EFAULT;
	if (!err && put_user(list.nent, &arg->nent))
		err = -EFAULT;
	kvfree(list.entries);
	return err;
}
