// SPDX-License-Identifier: GPL-2.0-only
/*
 * One vCPU's CPUID: what userspace set, what the instruction returns, what
 * follows for registers. What may be offered at all is cpuid_caps.c's.
 *
 * Entries are kept as userspace set them. Bits that follow other registers
 * (OSXSAVE, OSPKE, APIC, sizes in leaf 0xD) are put in when CPUID executes,
 * so there is no copy to keep current.
 */
#include <linux/bits.h>
#include <linux/kvm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <asm/apicdef.h>
#include <asm/cpufeature.h>
#include <asm/msr-index.h>
#include <asm/processor.h>

#include "core/cpuid.h"
#include "core/cr.h"
#include "core/msr.h"
#include "core/regs.h"
#include "core/trace.h"
#include "ops/regs.h"
#include "ops/vcpu.h"

#define DEFAULT_MAXPHYADDR	36
#define MAX_MAXPHYADDR		52

/* Ranges of functions differ in their upper bits, functions of a range in the lower ones. */
static unsigned int bucket(u32 function)
{
	return (function ^ function >> 26) % KVM_CPUID_BUCKETS;
}

/* For each bucket the first entry in it; the last one of all where there is none. */
static void index_entries(struct kvm_vcpu *vcpu)
{
	int i;

	BUILD_BUG_ON(KVM_MAX_CPUID_ENTRIES - 1 > U8_MAX);
	memset(vcpu->cpuid_first, vcpu->cpuid_nent - 1, sizeof(vcpu->cpuid_first));
	for (i = vcpu->cpuid_nent - 1; i >= 0; i--)
		vcpu->cpuid_first[bucket(vcpu->cpuid_entries[i].function)] = i;
}

struct kvm_cpuid_entry2 *kvm_find_cpuid_entry(struct kvm_vcpu *vcpu, u32 function, u32 index)
{
	int i = vcpu->cpuid_first[bucket(function)];
	struct kvm_cpuid_entry2 *entry = vcpu->cpuid_entries + i;

	for (; i < vcpu->cpuid_nent; i++, entry++) {
		if (entry->function == function &&
		    (!(entry->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) || entry->index == index))
			return entry;
	}
	return NULL;
}

bool guest_cpuid_has(struct kvm_vcpu *vcpu, unsigned int x86_feature)
{
	struct kvm_cpuid_entry2 *entry;
	u32 function, index;
	int reg;

	if (!kvm_cpuid_word_leaf(x86_feature / 32, &function, &index, &reg))
		return false;
	entry = kvm_find_cpuid_entry(vcpu, function, index);
	return entry && (*kvm_cpuid_entry_reg(entry, reg) & BIT(x86_feature & 31));
}

static bool vendor_is(const struct kvm_cpuid_entry2 *leaf0, const char *name)
{
	/* The string is in EBX, EDX, ECX. */
	return !memcmp(&leaf0->ebx, name, 4) && !memcmp(&leaf0->edx, name + 4, 4) &&
	       !memcmp(&leaf0->ecx, name + 8, 4);
}

static u32 vendor_caps(struct kvm_vcpu *vcpu)
{
	struct kvm_cpuid_entry2 *leaf0 = kvm_find_cpuid_entry(vcpu, 0, 0);

	if (!leaf0)
		return 0;
	if (vendor_is(leaf0, "AuthenticAMD") || vendor_is(leaf0, "AMDisbetter!") ||
	    vendor_is(leaf0, "HygonGenuine"))
		return BIT(GUEST_CAP_AMD_COMPAT);
	return 0;
}

/* A capability is there if any of its features is. */
static const struct {
	u8 cap;
	bool host_too;	/* needs the host's help: userspace alone cannot give it */
	u16 feature;
} cap_features[] = {
	{ GUEST_CAP_XSAVE, true, X86_FEATURE_XSAVE },
	{ GUEST_CAP_XSAVES, true, X86_FEATURE_XSAVES },
	{ GUEST_CAP_RDTSCP, true, X86_FEATURE_RDTSCP },
	{ GUEST_CAP_RDPID, true, X86_FEATURE_RDPID },
	{ GUEST_CAP_LONG_MODE, true, X86_FEATURE_LM },
	{ GUEST_CAP_NX, true, X86_FEATURE_NX },
	{ GUEST_CAP_MONITOR, false, X86_FEATURE_MWAIT },
	{ GUEST_CAP_X2APIC, true, X86_FEATURE_X2APIC },
	{ GUEST_CAP_TSC_DEADLINE, false, X86_FEATURE_TSC_DEADLINE_TIMER },
	{ GUEST_CAP_SPEC_CTRL, true, X86_FEATURE_SPEC_CTRL },
	{ GUEST_CAP_SPEC_CTRL, true, X86_FEATURE_AMD_IBRS },
	{ GUEST_CAP_SPEC_CTRL, true, X86_FEATURE_AMD_STIBP },
	{ GUEST_CAP_SPEC_CTRL, true, X86_FEATURE_AMD_SSBD },
	{ GUEST_CAP_PRED_CMD, true, X86_FEATURE_SPEC_CTRL },
	{ GUEST_CAP_PRED_CMD, true, X86_FEATURE_AMD_IBPB },
	{ GUEST_CAP_FLUSH_CMD, true, X86_FEATURE_FLUSH_L1D },
	{ GUEST_CAP_RTM, true, X86_FEATURE_RTM },
	{ GUEST_CAP_INVPCID, true, X86_FEATURE_INVPCID },
	{ GUEST_CAP_TSC_ADJUST, false, X86_FEATURE_TSC_ADJUST },
};

static u32 decode_caps(struct kvm_vcpu *vcpu)
{
	u32 caps = vendor_caps(vcpu);
	int i;

	for (i = 0; i < ARRAY_SIZE(cap_features); i++) {
		u16 feature = cap_features[i].feature;

		if (cap_features[i].host_too && !kvm_cpu_cap_has(feature))
			continue;
		if (guest_cpuid_has(vcpu, feature))
			caps |= BIT(cap_features[i].cap);
	}
	return caps;
}

/* CR4 bits that need no feature worth denying, and those that need one. */
#define CR4_ALWAYS	(X86_CR4_VME | X86_CR4_PVI | X86_CR4_TSD | X86_CR4_DE | X86_CR4_PSE | \
			 X86_CR4_PAE | X86_CR4_MCE | X86_CR4_PGE | X86_CR4_PCE | \
			 X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT)

static const struct {
	unsigned long bit;
	u16 feature;
} cr4_features[] = {
	{ X86_CR4_UMIP, X86_FEATURE_UMIP },
	{ X86_CR4_LA57, X86_FEATURE_LA57 },
	{ X86_CR4_FSGSBASE, X86_FEATURE_FSGSBASE },
	{ X86_CR4_PCIDE, X86_FEATURE_PCID },
	{ X86_CR4_OSXSAVE, X86_FEATURE_XSAVE },
	{ X86_CR4_SMEP, X86_FEATURE_SMEP },
	{ X86_CR4_SMAP, X86_FEATURE_SMAP },
	{ X86_CR4_PKE, X86_FEATURE_PKU },
};

unsigned long kvm_cpuid_cr4_reserved(struct kvm_vcpu *vcpu)
{
	unsigned long allowed = CR4_ALWAYS;
	int i;

	for (i = 0; i < ARRAY_SIZE(cr4_features); i++) {
		u16 feature = cr4_features[i].feature;

		if (kvm_cpu_cap_has(feature) &&
		    (!vcpu->cpuid_nent || guest_cpuid_has(vcpu, feature)))
			allowed |= cr4_features[i].bit;
	}
	return ~allowed;
}

static u8 guest_maxphyaddr(struct kvm_vcpu *vcpu)
{
	struct kvm_cpuid_entry2 *entry = kvm_find_cpuid_entry(vcpu, 0x80000000, 0);

	if (!entry || entry->eax < 0x80000008)
		return DEFAULT_MAXPHYADDR;
	entry = kvm_find_cpuid_entry(vcpu, 0x80000008, 0);
	if (!entry || !(entry->eax & 0xff))
		return DEFAULT_MAXPHYADDR;
	return min_t(u8, entry->eax, MAX_MAXPHYADDR);
}

static u64 guest_xcr0(struct kvm_vcpu *vcpu)
{
	struct kvm_cpuid_entry2 *entry = kvm_find_cpuid_entry(vcpu, 0xd, 0);

	if (!entry)
		return 0;
	return (entry->eax | (u64)entry->edx << 32) & kvm_supported_xcr0();
}

/* What holds for the vCPU from the entries it has now. */
static void derive(struct kvm_vcpu *vcpu)
{
	index_entries(vcpu);
	vcpu->cpuid_caps = decode_caps(vcpu);
	vcpu->maxphyaddr = guest_maxphyaddr(vcpu);
	vcpu->reserved_gpa_bits = GENMASK_ULL(63, vcpu->maxphyaddr);
	vcpu->guest_supported_xcr0 = guest_xcr0(vcpu);
	vcpu->cr4_guest_rsvd_bits = kvm_cpuid_cr4_reserved(vcpu);
}

void kvm_cpuid_vcpu_create(struct kvm_vcpu *vcpu)
{
	derive(vcpu);
}

void kvm_cpuid_vcpu_destroy(struct kvm_vcpu *vcpu)
{
	kvfree(vcpu->cpuid_entries);
	vcpu->cpuid_entries = NULL;
	vcpu->cpuid_nent = 0;
}

/* Linear addresses have 48 or 57 bits, or the leaf is not there. */
static bool entries_legal(const struct kvm_cpuid_entry2 *entries, int nent)
{
	u8 width;
	int i;

	for (i = 0; i < nent; i++) {
		if (entries[i].function != 0x80000008)
			continue;
		width = entries[i].eax >> 8;
		return !width || width == 48 || width == 57;
	}
	return true;
}

/* Field by field: padding is userspace's and means nothing. */
static bool entries_equal(const struct kvm_cpuid_entry2 *a, const struct kvm_cpuid_entry2 *b)
{
	return a->function == b->function && a->index == b->index && a->flags == b->flags &&
	       a->eax == b->eax && a->ebx == b->ebx && a->ecx == b->ecx && a->edx == b->edx;
}

static bool is_unchanged(struct kvm_vcpu *vcpu, const struct kvm_cpuid_entry2 *entries, int nent)
{
	int i;

	if (nent != vcpu->cpuid_nent)
		return false;
	for (i = 0; i < nent; i++) {
		if (!entries_equal(&entries[i], &vcpu->cpuid_entries[i]))
			return false;
	}
	return true;
}

/*
 * Take over @entries, or free them. After the first KVM_RUN only the same
 * again is accepted: the guest has seen it, and much has been derived.
 */
static int install(struct kvm_vcpu *vcpu, struct kvm_cpuid_entry2 *entries, int nent)
{
	struct kvm_cpuid_entry2 *old = vcpu->cpuid_entries;

	if (!entries_legal(entries, nent) ||
	    (vcpu->ran_once && !is_unchanged(vcpu, entries, nent))) {
		kvfree(entries);
		return -EINVAL;
	}
	if (vcpu->ran_once) {
		kvfree(entries);
		return 0;
	}

	vcpu->cpuid_entries = entries;
	vcpu->cpuid_nent = nent;
	kvfree(old);
	derive(vcpu);
	if (lapic_in_kernel(vcpu))
		kvm_lapic_set_version(vcpu);
	kvm_x86_vcpu_after_set_cpuid(vcpu);
	kvm_recalc_msr_intercepts(vcpu);
	return 0;
}

/**
 * kvm_vcpu_ioctl_set_cpuid() - KVM_SET_CPUID: entries without index
 * @vcpu: the vCPU, loaded
 * @arg: userspace's struct
 *
 * Return: 0, -E2BIG, -ENOMEM, -EFAULT, -EINVAL (illegal, or changed after the
 * first KVM_RUN).
 */
int kvm_vcpu_ioctl_set_cpuid(struct kvm_vcpu *vcpu, struct kvm_cpuid __user *arg)
{
	struct kvm_cpuid_entry2 *entries = NULL;
	struct kvm_cpuid_entry *given;
	u32 nent, i;

	if (get_user(nent, &arg->nent))
		return -EFAULT;
	if (nent > KVM_MAX_CPUID_ENTRIES)
		return -E2BIG;
	if (!nent)
		return install(vcpu, NULL, 0);

	given = vmemdup_user(arg->entries, array_size(nent, sizeof(*given)));
	if (IS_ERR(given))
		return PTR_ERR(given);
	entries = kvcalloc(nent, sizeof(*entries), GFP_KERNEL_ACCOUNT);
	if (!entries) {
		kvfree(given);
		return -ENOMEM;
	}
	for (i = 0; i < nent; i++) {
		entries[i].function = given[i].function;
		entries[i].eax = given[i].eax;
		entries[i].ebx = given[i].ebx;
		entries[i].ecx = given[i].ecx;
		entries[i].edx = given[i].edx;
	}
	kvfree(given);
	return install(vcpu, entries, nent);
}

int kvm_vcpu_ioctl_set_cpuid2(struct kvm_vcpu *vcpu, struct kvm_cpuid2 __user *arg)
{
	struct kvm_cpuid_entry2 *entries;
	u32 nent;

	if (get_user(nent, &arg->nent))
		return -EFAULT;
	if (nent > KVM_MAX_CPUID_ENTRIES)
		return -E2BIG;
	if (!nent)
		return install(vcpu, NULL, 0);

	entries = vmemdup_user(arg->entries, array_size(nent, sizeof(*entries)));
	if (IS_ERR(entries))
		return PTR_ERR(entries);
	return install(vcpu, entries, nent);
}

/**
 * kvm_vcpu_ioctl_get_cpuid2() - KVM_GET_CPUID2
 * @vcpu: the vCPU
 * @arg: nent in and out, entries out
 *
 * Return: 0, -E2BIG (nent too small; the needed number is stored), -EFAULT.
 */
int kvm_vcpu_ioctl_get_cpuid2(struct kvm_vcpu *vcpu, struct kvm_cpuid2 __user *arg)
{
	u32 nent;

	if (get_user(nent, &arg->nent))
		return -EFAULT;
	if (put_user((u32)vcpu->cpuid_nent, &arg->nent))
		return -EFAULT;
	if (nent < vcpu->cpuid_nent)
		return -E2BIG;
	if (copy_to_user(arg->entries, vcpu->cpuid_entries,
			 vcpu->cpuid_nent * sizeof(struct kvm_cpuid_entry2)))
		return -EFAULT;
	return 0;
}

/* Start of the range a function is in: basic, hypervisor (by 0x100), extended, Centaur's. */
static u32 range_base(u32 function)
{
	if (function >= 0x40000000 && function <= 0x4fffffff)
		return function & 0xffffff00;
	if (function >= 0xc0000000)
		return 0xc0000000;
	return function & 0x80000000;
}

/*
 * The leaf is not there.
 *
 *	guest	function		result
 *	AMD	any			zeros
 *	other	within its range	zeros
 *	other	beyond its range	the highest basic leaf's
 *
 * Source: AMD APM volume 3, "CPUID"; Intel SDM volume 2, "CPUID".
 */
static struct kvm_cpuid_entry2 *out_of_range_entry(struct kvm_vcpu *vcpu, u32 function, u32 index)
{
	struct kvm_cpuid_entry2 *basic = kvm_find_cpuid_entry(vcpu, 0, 0);
	struct kvm_cpuid_entry2 *base;

	if (!basic || guest_cap(vcpu, GUEST_CAP_AMD_COMPAT))
		return NULL;
	base = kvm_find_cpuid_entry(vcpu, range_base(function), 0);
	if (base && function <= base->eax)
		return NULL;
	return kvm_find_cpuid_entry(vcpu, basic->eax, index);
}

static void set_bit_if(u32 *reg, u32 bit, bool on)
{
	*reg = on ? *reg | bit : *reg & ~bit;
}

/* Bits that follow the vCPU's registers, of an entry's registers. */
static void apply_dynamic(struct kvm_vcpu *vcpu, const struct kvm_cpuid_entry2 *entry, u32 *ebx,
			  u32 *ecx, u32 *edx)
{
	switch (entry->function) {
	case 1:
		set_bit_if(ecx, BIT(X86_FEATURE_OSXSAVE & 31),
			   kvm_read_cr4_bits(vcpu, X86_CR4_OSXSAVE));
		if (!(vcpu->apic_base & MSR_IA32_APICBASE_ENABLE))
			*edx &= ~BIT(X86_FEATURE_APIC & 31);
		break;
	case 7:
		if (entry->index == 0)
			set_bit_if(ecx, BIT(X86_FEATURE_OSPKE & 31),
				   kvm_read_cr4_bits(vcpu, X86_CR4_PKE));
		break;
	case 0xd:
		if (entry->index == 0)
			*ebx = kvm_xstate_size(vcpu->xcr0, false);
		else if (entry->index == 1 && entry->ebx)
			*ebx = kvm_xstate_size(vcpu->xcr0 | vcpu->xss, true);
		break;
	case 0x80000001:
		if (guest_cap(vcpu, GUEST_CAP_AMD_COMPAT) &&
		    !(vcpu->apic_base & MSR_IA32_APICBASE_ENABLE))
			*edx &= ~BIT(X86_FEATURE_APIC & 31);
		break;
	}
}

/* Beyond the last level of these leaves the index comes back, and the x2APIC id stays. */
static void beyond_topology(struct kvm_vcpu *vcpu, u32 function, u32 index, u32 *ecx, u32 *edx)
{
	struct kvm_cpuid_entry2 *level1;

	if (function != 0xb && function != 0x1f)
		return;
	level1 = kvm_find_cpuid_entry(vcpu, function, 1);
	if (level1) {
		*ecx = index & 0xff;
		*edx = level1->edx;
	}
}

/**
 * kvm_cpuid() - what CPUID returns to this vCPU
 * @vcpu: the vCPU, loaded
 * @eax: function in, result out
 * @ebx: result
 * @ecx: index in, result out
 * @edx: result
 */
void kvm_cpuid(struct kvm_vcpu *vcpu, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx)
{
	u32 function = *eax, index = *ecx;
	const struct kvm_cpuid_entry2 *entry;

	entry = kvm_find_cpuid_entry(vcpu, function, index);
	if (unlikely(!entry))
		entry = out_of_range_entry(vcpu, function, index);
	if (unlikely(!entry)) {
		*eax = 0;
		*ebx = 0;
		*ecx = 0;
		*edx = 0;
		beyond_topology(vcpu, function, index, ecx, edx);
		return;
	}
	*eax = entry->eax;
	*ebx = entry->ebx;
	*ecx = entry->ecx;
	*edx = entry->edx;
	apply_dynamic(vcpu, entry, ebx, ecx, edx);
}

/**
 * kvm_cpuid_insn() - execute CPUID on the vCPU's registers
 * @vcpu: the vCPU, loaded
 *
 * Context: any, also irqs off between an exit and an entry.
 */
void kvm_cpuid_insn(struct kvm_vcpu *vcpu)
{
	u32 function = vcpu->regs[VCPU_REGS_RAX], index = vcpu->regs[VCPU_REGS_RCX];
	u32 eax = function, ebx, ecx = index, edx;

	kvm_cpuid(vcpu, &eax, &ebx, &ecx, &edx);
	trace_kvm_cpuid(function, index, eax, ebx, ecx, edx);
	vcpu->regs[VCPU_REGS_RAX] = eax;
	vcpu->regs[VCPU_REGS_RBX] = ebx;
	vcpu->regs[VCPU_REGS_RCX] = ecx;
	vcpu->regs[VCPU_REGS_RDX] = edx;
	vcpu->regs_dirty |= BIT(VCPU_REGS_RAX) | BIT(VCPU_REGS_RBX) | BIT(VCPU_REGS_RCX) |
			    BIT(VCPU_REGS_RDX);
}
