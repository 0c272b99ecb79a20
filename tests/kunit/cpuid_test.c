// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUID: what is offered is what can be given, what is set is what executes,
 * and what follows from other registers follows them.
 */
#include <kunit/test.h>
#include <linux/uaccess.h>
#include <asm/cpufeature.h>
#include <asm/fpu/types.h>
#include <asm/msr-index.h>

#include "core/cpuid.h"
#include "core/cr.h"
#include "core/vcpu.h"
#include "tests/fake/fake.h"

#define FEATURE_BIT(name) BIT(X86_FEATURE_##name & 31)

static int cpuid_init(struct kunit *test)
{
	struct kvm_vcpu *vcpu = fake_vcpu_create(test, fake_vm_create(test));

	test->priv = vcpu;
	return 0;
}

static int set_entries(struct kunit *test, const struct kvm_cpuid_entry2 *entries, u32 nent)
{
	struct kvm_cpuid2 __user *user;

	user = (void __user *)fake_user_memory(test, 8 * PAGE_SIZE);
	KUNIT_ASSERT_EQ(test, put_user(nent, &user->nent), 0);
	KUNIT_ASSERT_EQ(test, copy_to_user(user->entries, entries, nent * sizeof(*entries)), 0UL);
	return kvm_vcpu_ioctl_set_cpuid2(test->priv, user);
}

static struct kvm_cpuid_entry2 leaf0(const char *vendor, u32 max)
{
	struct kvm_cpuid_entry2 entry = { .function = 0, .eax = max };

	memcpy(&entry.ebx, vendor, 4);
	memcpy(&entry.edx, vendor + 4, 4);
	memcpy(&entry.ecx, vendor + 8, 4);
	return entry;
}

static u32 run_cpuid(struct kvm_vcpu *vcpu, u32 function, u32 index, u32 *ebx, u32 *ecx, u32 *edx)
{
	u32 eax = function;

	*ecx = index;
	kvm_cpuid(vcpu, &eax, ebx, ecx, edx);
	return eax;
}

static void xstate_size(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, kvm_xstate_size(XFEATURE_MASK_FP, false), 576U);
	KUNIT_EXPECT_EQ(test, kvm_xstate_size(XFEATURE_MASK_FP | XFEATURE_MASK_SSE, true), 576U);
	if (!boot_cpu_has(X86_FEATURE_AVX))
		return;
	KUNIT_EXPECT_EQ(test, kvm_xstate_size(XFEATURE_MASK_FPSSE | XFEATURE_MASK_YMM, false),
			576U + 256);
	KUNIT_EXPECT_EQ(test, kvm_xstate_size(XFEATURE_MASK_FPSSE | XFEATURE_MASK_YMM, true),
			576U + 256);
}

static void widths(struct kunit *test)
{
	struct kvm_cpuid_entry2 entries[] = {
		leaf0("AuthenticAMD", 1),
		{ .function = 0x80000000, .eax = 0x80000008 },
		{ .function = 0x80000008, .eax = 40 | 48 << 8 },
	};
	struct kvm_vcpu *vcpu = test->priv;

	KUNIT_EXPECT_EQ(test, vcpu->maxphyaddr, 36);
	KUNIT_ASSERT_EQ(test, set_entries(test, entries, ARRAY_SIZE(entries)), 0);
	KUNIT_EXPECT_EQ(test, vcpu->maxphyaddr, 40);
	KUNIT_EXPECT_TRUE(test, kvm_gpa_legal(vcpu, BIT_ULL(39)));
	KUNIT_EXPECT_FALSE(test, kvm_gpa_legal(vcpu, BIT_ULL(40)));

	entries[2].eax = 52 | 57 << 8;
	KUNIT_EXPECT_EQ(test, set_entries(test, entries, ARRAY_SIZE(entries)), 0);
	entries[2].eax = 40 | 50 << 8;
	KUNIT_EXPECT_EQ(test, set_entries(test, entries, ARRAY_SIZE(entries)), -EINVAL);
	KUNIT_EXPECT_EQ(test, vcpu->maxphyaddr, 52);
	/* Without the leaf announced it does not count. */
	entries[2].eax = 40 | 48 << 8;
	entries[1].eax = 0x80000001;
	KUNIT_EXPECT_EQ(test, set_entries(test, entries, ARRAY_SIZE(entries)), 0);
	KUNIT_EXPECT_EQ(test, vcpu->maxphyaddr, 36);
}

/* What a search from the first to the last entry finds. */
static struct kvm_cpuid_entry2 *search(struct kvm_vcpu *vcpu, u32 function, u32 index)
{
	struct kvm_cpuid_entry2 *entry;

	for (entry = vcpu->cpuid_entries; entry < vcpu->cpuid_entries + vcpu->cpuid_nent; entry++) {
		if (entry->function == function &&
		    (!(entry->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) || entry->index == index))
			return entry;
	}
	return NULL;
}

/* Every order of entries, functions that share a bucket, functions that are not there. */
static void found_as_by_search(struct kunit *test)
{
	static const u32 ranges[] = { 0, 0x40000000, 0x40000100, 0x80000000, 0xc0000000 };
	struct kvm_cpuid_entry2 *entries;
	struct kvm_vcpu *vcpu = test->priv;
	u32 i, function;

	entries = kunit_kcalloc(test, KVM_MAX_CPUID_ENTRIES, sizeof(*entries), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, entries);
	for (i = 0; i < KVM_MAX_CPUID_ENTRIES; i++) {
		/* 101 has no divisor in common with the number of entries: all come, shuffled. */
		u32 nr = i * 101 % KVM_MAX_CPUID_ENTRIES;

		entries[i].function = ranges[nr % ARRAY_SIZE(ranges)] + nr / 9;
		entries[i].index = nr % 3;
		entries[i].flags = nr % 2 ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0;
		if (entries[i].function == 0x80000008)
			entries[i].eax = 40 | 48 << 8;
	}
	KUNIT_ASSERT_EQ(test, set_entries(test, entries, KVM_MAX_CPUID_ENTRIES), 0);
	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		for (function = ranges[i]; function < ranges[i] + 80; function++)
			KUNIT_EXPECT_PTR_EQ(test, kvm_find_cpuid_entry(vcpu, function, i % 3),
					    search(vcpu, function, i % 3));
	}
}

static void immutable_after_run(struct kunit *test)
{
	struct kvm_cpuid_entry2 entries[] = {
		leaf0("AuthenticAMD", 1),
		{ .function = 1, .eax = 0x800f11 },
	};
	struct kvm_vcpu *vcpu = test->priv;
	u32 ebx, ecx, edx;

	KUNIT_ASSERT_EQ(test, set_entries(test, entries, ARRAY_SIZE(entries)), 0);
	entries[1].eax = 0x800f12;
	KUNIT_EXPECT_EQ(test, set_entries(test, entries, ARRAY_SIZE(entries)), 0);
	vcpu->ran_once = true;
	KUNIT_EXPECT_EQ(test, set_entries(test, entries, ARRAY_SIZE(entries)), 0);
	entries[1].eax = 0x800f13;
	KUNIT_EXPECT_EQ(test, set_entries(test, entries, ARRAY_SIZE(entries)), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_entries(test, entries, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, run_cpuid(vcpu, 1, 0, &ebx, &ecx, &edx), 0x800f12U);
}

static void out_of_range(struct kunit *test)
{
	struct kvm_cpuid_entry2 entries[] = {
		leaf0("GenuineIntel", 2),
		{ .function = 2, .eax = 0x1234 },
		{ .function = 0x80000000, .eax = 0x80000002 },
		{ .function = 0x80000001, .edx = FEATURE_BIT(NX) },
		{ .function = 0x40000000, .eax = 0x40000001 },
	};
	struct kvm_vcpu *vcpu = test->priv;
	u32 ebx, ecx, edx;

	KUNIT_ASSERT_EQ(test, set_entries(test, entries, ARRAY_SIZE(entries)), 0);
	/* In range and not there: zeros. Beyond: the highest basic leaf. */
	KUNIT_EXPECT_EQ(test, run_cpuid(vcpu, 1, 0, &ebx, &ecx, &edx), 0U);
	KUNIT_EXPECT_EQ(test, run_cpuid(vcpu, 0x80000002, 0, &ebx, &ecx, &edx), 0U);
	KUNIT_EXPECT_EQ(test, run_cpuid(vcpu, 0x40000001, 0, &ebx, &ecx, &edx), 0U);
	KUNIT_EXPECT_EQ(test, run_cpuid(vcpu, 3, 0, &ebx, &ecx, &edx), 0x1234U);
	KUNIT_EXPECT_EQ(test, run_cpuid(vcpu, 0x80000003, 0, &ebx, &ecx, &edx), 0x1234U);
	KUNIT_EXPECT_EQ(test, run_cpuid(vcpu, 0x40000002, 0, &ebx, &ecx, &edx), 0x1234U);
	KUNIT_EXPECT_EQ(test, run_cpuid(vcpu, 0x40000100, 0, &ebx, &ecx, &edx), 0x1234U);
	KUNIT_EXPECT_EQ(test, run_cpuid(vcpu, 0xffffffff, 0, &ebx, &ecx, &edx), 0x1234U);

	entries[0] = leaf0("AuthenticAMD", 2);
	KUNIT_ASSERT_EQ(test, set_entries(test, entries, ARRAY_SIZE(entries)), 0);
	KUNIT_EXPECT_EQ(test, run_cpuid(vcpu, 3, 0, &ebx, &ecx, &edx), 0U);
	KUNIT_EXPECT_EQ(test, run_cpuid(vcpu, 0x80000003, 0, &ebx, &ecx, &edx), 0U);
}

static void subleaves(struct kunit *test)
{
	struct kvm_cpuid_entry2 entries[] = {
		leaf0("AuthenticAMD", 0xb),
		{ .function = 4, .index = 1, .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX, .eax = 41 },
		{ .function = 4, .index = 0, .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX, .eax = 40 },
		{ .function = 5, .eax = 50 },
		{ .function = 0xb, .index = 0, .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
		  .edx = 7 },
		{ .function = 0xb, .index = 1, .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
		  .edx = 7 },
	};
	struct kvm_vcpu *vcpu = test->priv;
	u32 ebx, ecx, edx;

	KUNIT_ASSERT_EQ(test, set_entries(test, entries, ARRAY_SIZE(entries)), 0);
	KUNIT_EXPECT_EQ(test, run_cpuid(vcpu, 4, 0, &ebx, &ecx, &edx), 40U);
	KUNIT_EXPECT_EQ(test, run_cpuid(vcpu, 4, 1, &ebx, &ecx, &edx), 41U);
	KUNIT_EXPECT_EQ(test, run_cpuid(vcpu, 4, 2, &ebx, &ecx, &edx), 0U);
	KUNIT_EXPECT_EQ(test, run_cpuid(vcpu, 5, 99, &ebx, &ecx, &edx), 50U);
	/* Topology beyond the last level. */
	run_cpuid(vcpu, 0xb, 0x105, &ebx, &ecx, &edx);
	KUNIT_EXPECT_EQ(test, ecx, 5U);
	KUNIT_EXPECT_EQ(test, edx, 7U);
}

static void dynamic_bits(struct kunit *test)
{
	struct kvm_cpuid_entry2 entries[] = {
		leaf0("AuthenticAMD", 0xd),
		{ .function = 1, .ecx = FEATURE_BIT(XSAVE) | FEATURE_BIT(OSXSAVE),
		  .edx = FEATURE_BIT(APIC) },
		{ .function = 0xd, .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX, .eax = 3,
		  .ebx = 1, .ecx = 832 },
	};
	struct kvm_vcpu *vcpu = test->priv;
	u32 ebx, ecx, edx;

	KUNIT_ASSERT_EQ(test, set_entries(test, entries, ARRAY_SIZE(entries)), 0);
	vcpu->cr4_guest_rsvd_bits = 0;
	kvm_install_cr4(vcpu, 0);
	run_cpuid(vcpu, 1, 0, &ebx, &ecx, &edx);
	KUNIT_EXPECT_EQ(test, ecx & FEATURE_BIT(OSXSAVE), 0U);
	KUNIT_EXPECT_NE(test, edx & FEATURE_BIT(APIC), 0U);
	kvm_install_cr4(vcpu, X86_CR4_OSXSAVE);
	vcpu->apic_base &= ~MSR_IA32_APICBASE_ENABLE;
	run_cpuid(vcpu, 1, 0, &ebx, &ecx, &edx);
	KUNIT_EXPECT_NE(test, ecx & FEATURE_BIT(OSXSAVE), 0U);
	KUNIT_EXPECT_EQ(test, edx & FEATURE_BIT(APIC), 0U);

	vcpu->xcr0 = XFEATURE_MASK_FP;
	run_cpuid(vcpu, 0xd, 0, &ebx, &ecx, &edx);
	KUNIT_EXPECT_EQ(test, ebx, 576U);
	KUNIT_EXPECT_EQ(test, ecx, 832U);
}

/*
 * A feature userspace grants without the host's having it is no capability,
 * unless it is one of those made in software.
 */
static void caps_need_the_host(struct kunit *test)
{
	struct kvm_cpuid_entry2 entries[] = {
		leaf0("AuthenticAMD", 1),
		{ .function = 1, .ecx = ~0U, .edx = ~0U },
		{ .function = 0x80000001, .ecx = ~0U, .edx = ~0U },
	};
	struct kvm_vcpu *vcpu = test->priv;

	KUNIT_ASSERT_EQ(test, set_entries(test, entries, ARRAY_SIZE(entries)), 0);
	KUNIT_EXPECT_TRUE(test, guest_cap(vcpu, GUEST_CAP_AMD_COMPAT));
	KUNIT_EXPECT_TRUE(test, guest_cap(vcpu, GUEST_CAP_LONG_MODE));
	/* The local APIC is made in software. */
	KUNIT_EXPECT_TRUE(test, guest_cap(vcpu, GUEST_CAP_X2APIC));
	KUNIT_EXPECT_TRUE(test, guest_cap(vcpu, GUEST_CAP_TSC_DEADLINE));
	/* CR4.SMXE and VMXE have no feature that could allow them. */
	KUNIT_EXPECT_NE(test, vcpu->cr4_guest_rsvd_bits & X86_CR4_VMXE, 0UL);
	KUNIT_EXPECT_EQ(test, vcpu->cr4_guest_rsvd_bits & X86_CR4_PAE, 0UL);
}

/* The whole list, with what must never be in it. */
static void supported(struct kunit *test)
{
	static const unsigned int never[] = {
		X86_FEATURE_VMX, X86_FEATURE_SVM, X86_FEATURE_SMX,
		X86_FEATURE_TSC_DEADLINE_TIMER, X86_FEATURE_PDCM, X86_FEATURE_PERFCTR_CORE,
		X86_FEATURE_OSXSAVE, X86_FEATURE_OSPKE, X86_FEATURE_MWAIT, X86_FEATURE_DS,
		X86_FEATURE_INTEL_PT, X86_FEATURE_MPX, X86_FEATURE_SGX, X86_FEATURE_XFD,
	};
	struct kvm_cpuid2 __user *user;
	struct kvm_vcpu *vcpu = test->priv;
	u32 nent, ebx, ecx, edx;
	int i;

	user = (void __user *)fake_user_memory(test, 8 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, kvm_dev_ioctl_get_cpuid(user, false), -E2BIG);
	KUNIT_ASSERT_EQ(test, put_user(2, &user->nent), 0);
	KUNIT_EXPECT_EQ(test, kvm_dev_ioctl_get_cpuid(user, false), -E2BIG);
	KUNIT_ASSERT_EQ(test, put_user(U32_MAX, &user->nent), 0);
	KUNIT_ASSERT_EQ(test, kvm_dev_ioctl_get_cpuid(user, false), 0);
	KUNIT_ASSERT_EQ(test, get_user(nent, &user->nent), 0);
	KUNIT_EXPECT_GT(test, nent, 4U);

	/* It is a legal CPUID for a vCPU as it is. */
	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_set_cpuid2(vcpu, user), 0);
	KUNIT_EXPECT_EQ(test, vcpu->cpuid_nent, (int)nent);
	for (i = 0; i < ARRAY_SIZE(never); i++)
		KUNIT_EXPECT_FALSE_MSG(test, guest_cpuid_has(vcpu, never[i]),
				       "feature %u.%u", never[i] / 32, never[i] % 32);
	KUNIT_EXPECT_TRUE(test, guest_cpuid_has(vcpu, X86_FEATURE_LM));
	KUNIT_EXPECT_EQ(test, vcpu->guest_supported_xcr0, kvm_supported_xcr0());
	KUNIT_EXPECT_EQ(test, run_cpuid(vcpu, 0x40000000, 0, &ebx, &ecx, &edx), 0x40000001U);
	KUNIT_EXPECT_EQ(test, ebx, 0x4b4d564bU);

	/* Getting it back: too little room is told, enough gives the same. */
	KUNIT_ASSERT_EQ(test, put_user(nent - 1, &user->nent), 0);
	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_get_cpuid2(vcpu, user), -E2BIG);
	KUNIT_ASSERT_EQ(test, put_user(nent, &user->nent), 0);
	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_get_cpuid2(vcpu, user), 0);

	KUNIT_ASSERT_EQ(test, put_user(KVM_MAX_CPUID_ENTRIES + 1, &user->nent), 0);
	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_set_cpuid2(vcpu, user), -E2BIG);
	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_set_cpuid2(vcpu, NULL), -EFAULT);
}

static struct kunit_case cpuid_cases[] = {
	KUNIT_CASE(xstate_size),
	KUNIT_CASE(widths),
	KUNIT_CASE(found_as_by_search),
	KUNIT_CASE(immutable_after_run),
	KUNIT_CASE(out_of_range),
	KUNIT_CASE(subleaves),
	KUNIT_CASE(dynamic_bits),
	KUNIT_CASE(caps_need_the_host),
	KUNIT_CASE(supported),
	{}
};

static struct kunit_suite cpuid_suite = {
	.name = "cpuid",
	.init = cpuid_init,
	.test_cases = cpuid_cases,
};

kunit_test_suites(&cpuid_suite);
