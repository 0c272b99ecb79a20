// SPDX-License-Identifier: GPL-2.0-only
/*
 * Common MSRs: which values are legal, who may write what, and the ioctls
 * that work on lists of them.
 */
#include <kunit/test.h>
#include <linux/uaccess.h>
#include <asm/kvm_para.h>
#include <asm/mce.h>
#include <asm/msr-index.h>
#include <asm/mtrr.h>

#include "core/cpuid.h"
#include "core/cr.h"
#include "core/event.h"
#include "core/msr.h"
#include "core/request.h"
#include "core/spec_ctrl.h"
#include "core/vcpu.h"
#include "tests/fake/fake.h"

static int msr_init(struct kunit *test)
{
	struct kvm_vcpu *vcpu = fake_vcpu_create(test, fake_vm_create(test));

	vcpu->cpuid_caps = 0;
	vcpu->reserved_gpa_bits = GENMASK_ULL(63, 40);
	test->priv = vcpu;
	return 0;
}

static void pat_legal(struct kunit *test)
{
	int type;

	KUNIT_EXPECT_TRUE(test, kvm_pat_legal(0x0007040600070406ULL));
	KUNIT_EXPECT_TRUE(test, kvm_pat_legal(0));
	for (type = 0; type < 256; type++) {
		bool legal = type < 8 && type != 2 && type != 3;

		KUNIT_EXPECT_EQ_MSG(test, kvm_pat_legal(type), legal, "%d", type);
		KUNIT_EXPECT_EQ_MSG(test, kvm_pat_legal((u64)type << 56), legal, "%d", type);
	}
}

/* Hardware has what was last accepted, whoever wrote it, and keeps it across INIT. */
static void pat_reaches_hardware(struct kunit *test)
{
	const u64 power_on = 0x0007040600070406ULL, write_back = 0x0606060606060606ULL;
	struct kvm_vcpu *vcpu = test->priv;
	const u64 *hw_pat = &to_fake(vcpu)->hw_pat;

	KUNIT_EXPECT_EQ(test, *hw_pat, power_on);
	KUNIT_EXPECT_EQ(test, kvm_set_msr(vcpu, MSR_IA32_CR_PAT, 0, true), MSR_OK);
	KUNIT_EXPECT_EQ(test, *hw_pat, 0ULL);
	KUNIT_EXPECT_EQ(test, kvm_set_msr(vcpu, MSR_IA32_CR_PAT, write_back, false), MSR_OK);
	KUNIT_EXPECT_EQ(test, *hw_pat, write_back);
	KUNIT_EXPECT_EQ(test, kvm_set_msr(vcpu, MSR_IA32_CR_PAT, 2, false), MSR_INVALID);
	KUNIT_EXPECT_EQ(test, *hw_pat, write_back);
	kvm_vcpu_reset(vcpu, true);
	KUNIT_EXPECT_EQ(test, *hw_pat, write_back);
	kvm_vcpu_reset(vcpu, false);
	KUNIT_EXPECT_EQ(test, *hw_pat, power_on);
}

static void mtrr_values(struct kunit *test)
{
	static const struct {
		u32 index;
		u64 data;
		enum msr_result result;
	} cases[] = {
		{ MSR_MTRRcap, 0, MSR_INVALID },
		{ MSR_MTRRdefType, 0xc06, MSR_OK },
		{ MSR_MTRRdefType, 0xc02, MSR_INVALID },
		{ MSR_MTRRdefType, 0x1c06, MSR_INVALID },
		{ MSR_MTRRdefType, 0x300, MSR_INVALID },
		{ MSR_MTRRfix64K_00000, 0x0606060606060606ULL, MSR_OK },
		{ MSR_MTRRfix64K_00000, 0x0606060606060602ULL, MSR_INVALID },
		{ MSR_MTRRfix4K_F8000, 0x0700000000000000ULL, MSR_INVALID },
		{ MSR_MTRRfix16K_A0000, 0x0100000000000000ULL, MSR_OK },
		{ MTRRphysBase_MSR(0), 0x80000006, MSR_OK },
		{ MTRRphysBase_MSR(0), 0x80000106, MSR_INVALID },
		{ MTRRphysBase_MSR(0), 0x80000003, MSR_INVALID },
		{ MTRRphysBase_MSR(7), BIT_ULL(39), MSR_OK },
		{ MTRRphysBase_MSR(7), BIT_ULL(40), MSR_INVALID },
		{ MTRRphysMask_MSR(7), 0xff80000800ULL, MSR_OK },
		{ MTRRphysMask_MSR(7), 0xff80000c00ULL, MSR_INVALID },
		{ MTRRphysMask_MSR(7), BIT_ULL(41), MSR_INVALID },
		{ MTRRphysBase_MSR(8), 0, MSR_UNKNOWN },
	};
	struct kvm_vcpu *vcpu = test->priv;
	u64 expected, data;
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		expected = 0;
		kvm_get_msr(vcpu, cases[i].index, &expected, false);
		KUNIT_EXPECT_EQ_MSG(test, kvm_set_msr(vcpu, cases[i].index, cases[i].data, false),
				    cases[i].result, "row %d", i);
		if (cases[i].result == MSR_UNKNOWN)
			continue;
		KUNIT_EXPECT_EQ(test, kvm_get_msr(vcpu, cases[i].index, &data, false), MSR_OK);
		/* A refused value leaves the old one. */
		if (cases[i].result == MSR_OK)
			expected = cases[i].data;
		KUNIT_EXPECT_EQ_MSG(test, data, expected, "row %d", i);
	}
	KUNIT_EXPECT_EQ(test, kvm_get_msr(vcpu, MSR_MTRRcap, &data, false), MSR_OK);
	KUNIT_EXPECT_EQ(test, data, 0x508ULL);
}

/* @guest and @host: what a write by either gets. */
static void who_may_write(struct kunit *test)
{
	static const struct {
		u32 index;
		u64 data;
		enum msr_result guest;
		enum msr_result host;
	} cases[] = {
		{ MSR_IA32_ARCH_CAPABILITIES, 1, MSR_INVALID, MSR_OK },
		{ MSR_IA32_PERF_CAPABILITIES, 0, MSR_INVALID, MSR_OK },
		{ MSR_IA32_PERF_CAPABILITIES, 1, MSR_INVALID, MSR_INVALID },
		{ MSR_PLATFORM_INFO, 0, MSR_INVALID, MSR_OK },
		{ MSR_PLATFORM_INFO, 0xff00, MSR_INVALID, MSR_OK },
		{ MSR_PLATFORM_INFO, MSR_PLATFORM_INFO_CPUID_FAULT, MSR_INVALID, MSR_INVALID },
		{ MSR_MISC_FEATURES_ENABLES, 0, MSR_OK, MSR_OK },
		{ MSR_MISC_FEATURES_ENABLES, 1, MSR_INVALID, MSR_INVALID },
		{ MSR_IA32_XSS, 0, MSR_INVALID, MSR_OK },
		{ MSR_IA32_XSS, BIT_ULL(8), MSR_INVALID, MSR_INVALID },
		{ MSR_IA32_APICBASE, 0xfee00900, MSR_OK, MSR_OK },
		{ MSR_IA32_APICBASE, 0xfee00d00, MSR_INVALID, MSR_INVALID },	/* x2APIC */
		{ MSR_IA32_APICBASE, BIT_ULL(44), MSR_INVALID, MSR_INVALID },
		{ MSR_IA32_UCODE_REV, 5, MSR_OK, MSR_OK },
		{ MSR_IA32_UCODE_WRITE, 0x1000, MSR_OK, MSR_OK },
		{ MSR_K7_EVNTSEL0, 0x530076, MSR_OK, MSR_OK },
		{ MSR_AMD64_SYSCFG, BIT_ULL(19), MSR_OK, MSR_OK },
		{ MSR_IA32_MCG_CAP, 1, MSR_INVALID, MSR_INVALID },
		{ MSR_IA32_PRED_CMD, 1, MSR_INVALID, MSR_INVALID },
		{ MSR_IA32_POWER_CTL, 2, MSR_OK, MSR_OK },
		{ MSR_FSB_FREQ, 3, MSR_UNKNOWN, MSR_UNKNOWN },
		{ 0x12345678, 0, MSR_UNKNOWN, MSR_UNKNOWN },
		{ 0xffffffff, 0, MSR_UNKNOWN, MSR_UNKNOWN },
	};
	struct kvm_vcpu *vcpu = test->priv;
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		KUNIT_EXPECT_EQ_MSG(test, kvm_set_msr(vcpu, cases[i].index, cases[i].data, false),
				    cases[i].guest, "row %d", i);
		KUNIT_EXPECT_EQ_MSG(test, kvm_set_msr(vcpu, cases[i].index, cases[i].data, true),
				    cases[i].host, "row %d", i);
	}
}

/* The host's bits decide, whoever writes; the first that is set ends the exits. */
static void spec_ctrl_rules(struct kunit *test)
{
	const u64 host_bits = kvm_spec_ctrl_bits;
	struct kvm_vcpu *vcpu = test->priv;
	struct fake_log *log = &to_fake(vcpu)->log;
	u64 data;

	kvm_spec_ctrl_bits = SPEC_CTRL_IBRS | SPEC_CTRL_SSBD;
	KUNIT_EXPECT_EQ(test, kvm_set_msr(vcpu, MSR_IA32_SPEC_CTRL, 0, false), MSR_INVALID);
	KUNIT_EXPECT_EQ(test, kvm_get_msr(vcpu, MSR_IA32_SPEC_CTRL, &data, false), MSR_INVALID);
	vcpu->cpuid_caps |= BIT(GUEST_CAP_SPEC_CTRL);
	KUNIT_EXPECT_EQ(test, kvm_set_msr(vcpu, MSR_IA32_SPEC_CTRL, 0, false), MSR_OK);
	KUNIT_EXPECT_EQ(test, kvm_set_msr(vcpu, MSR_IA32_SPEC_CTRL, SPEC_CTRL_STIBP, true),
			MSR_INVALID);
	KUNIT_EXPECT_FALSE(test, kvm_spec_ctrl_passed(vcpu));
	KUNIT_EXPECT_EQ(test, log->count[FAKE_MSR_INTERCEPTS], 0);

	KUNIT_EXPECT_EQ(test, kvm_set_msr(vcpu, MSR_IA32_SPEC_CTRL, SPEC_CTRL_SSBD, false), MSR_OK);
	KUNIT_EXPECT_TRUE(test, kvm_spec_ctrl_passed(vcpu));
	KUNIT_EXPECT_EQ(test, kvm_set_msr(vcpu, MSR_IA32_SPEC_CTRL, SPEC_CTRL_IBRS, false), MSR_OK);
	KUNIT_EXPECT_EQ(test, log->count[FAKE_MSR_INTERCEPTS], 1);
	KUNIT_EXPECT_EQ(test, kvm_get_msr(vcpu, MSR_IA32_SPEC_CTRL, &data, false), MSR_OK);
	KUNIT_EXPECT_EQ(test, data, SPEC_CTRL_IBRS);

	/* Userspace takes the feature away. */
	vcpu->cpuid_caps &= ~BIT(GUEST_CAP_SPEC_CTRL);
	KUNIT_EXPECT_FALSE(test, kvm_spec_ctrl_passed(vcpu));
	kvm_spec_ctrl_bits = host_bits;
}

/* What describes the machine reads the same for all; frequencies are not 0. */
static void constant_registers(struct kunit *test)
{
	static const struct {
		u32 index;
		u64 data;
	} cases[] = {
		{ MSR_IA32_PLATFORM_ID, 0 },
		{ MSR_FSB_FREQ, 3 },
		{ MSR_EBC_FREQUENCY_ID, BIT(24) },
		{ MSR_RAPL_POWER_UNIT, 0 },
		{ MSR_F15H_EX_CFG, 0 },
	};
	struct kvm_vcpu *vcpu = test->priv;
	u64 data;
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		data = ~0ULL;
		KUNIT_EXPECT_EQ_MSG(test, kvm_get_msr(vcpu, cases[i].index, &data, false), MSR_OK,
				    "row %d", i);
		KUNIT_EXPECT_EQ_MSG(test, data, cases[i].data, "row %d", i);
	}
	KUNIT_EXPECT_EQ(test, kvm_set_msr(vcpu, MSR_IA32_POWER_CTL, 2, false), MSR_OK);
	KUNIT_EXPECT_EQ(test, kvm_get_msr(vcpu, MSR_IA32_POWER_CTL, &data, false), MSR_OK);
	KUNIT_EXPECT_EQ(test, data, 2ULL);
}

/* Guests set these bits of HWCR on CPUs that call themselves AMD's; no other is there. */
static void hwcr_bits(struct kunit *test)
{
	const u64 kept = BIT_ULL(18) | BIT_ULL(24), ignored = BIT_ULL(3) | BIT_ULL(6) | BIT_ULL(8);
	struct kvm_vcpu *vcpu = test->priv;
	u64 data;
	int bit;

	for (bit = 0; bit < 64; bit++) {
		enum msr_result result = (kept | ignored) & BIT_ULL(bit) ? MSR_OK : MSR_INVALID;

		KUNIT_EXPECT_EQ(test, kvm_set_msr(vcpu, MSR_K7_HWCR, kept, true), MSR_OK);
		KUNIT_EXPECT_EQ_MSG(test, kvm_set_msr(vcpu, MSR_K7_HWCR, BIT_ULL(bit), false),
				    result, "bit %d", bit);
		KUNIT_EXPECT_EQ(test, kvm_get_msr(vcpu, MSR_K7_HWCR, &data, false), MSR_OK);
		KUNIT_EXPECT_EQ_MSG(test, data, result == MSR_OK ? BIT_ULL(bit) & kept : kept,
				    "bit %d", bit);
	}
	kvm_set_msr(vcpu, MSR_K7_HWCR, kept, false);
	kvm_vcpu_reset(vcpu, true);
	kvm_get_msr(vcpu, MSR_K7_HWCR, &data, false);
	KUNIT_EXPECT_EQ(test, data, kept);
	kvm_vcpu_reset(vcpu, false);
	kvm_get_msr(vcpu, MSR_K7_HWCR, &data, false);
	KUNIT_EXPECT_EQ(test, data, 0ULL);
}

static void ucode_rev_is_userspaces(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	u64 data;

	kvm_set_msr(vcpu, MSR_IA32_UCODE_REV, 0x1234, true);
	kvm_set_msr(vcpu, MSR_IA32_UCODE_REV, 0, false);
	KUNIT_EXPECT_EQ(test, kvm_get_msr(vcpu, MSR_IA32_UCODE_REV, &data, false), MSR_OK);
	KUNIT_EXPECT_EQ(test, data, 0x1234ULL);
}

static void canonical_addresses(struct kunit *test)
{
	static const u32 checked[] = { MSR_FS_BASE, MSR_GS_BASE, MSR_KERNEL_GS_BASE, MSR_LSTAR,
				       MSR_CSTAR };
	static const struct {
		u64 address;
		bool la57;
		enum msr_result result;
	} edges[] = {
		{ 0x00007fffffffffff, false, MSR_OK },
		{ 0x0000800000000000, false, MSR_INVALID },
		{ 0xffff7fffffffffff, false, MSR_INVALID },
		{ 0xffff800000000000, false, MSR_OK },
		{ 0x0000800000000000, true, MSR_OK },
		{ 0x00ffffffffffffff, true, MSR_OK },
		{ 0x0100000000000000, true, MSR_INVALID },
		{ 0xff00000000000000, true, MSR_OK },
	};
	struct kvm_vcpu *vcpu = test->priv;
	u64 data;
	int i;

	for (i = 0; i < ARRAY_SIZE(checked); i++)
		KUNIT_EXPECT_EQ_MSG(test, kvm_set_msr(vcpu, checked[i], BIT_ULL(47), true),
				    MSR_INVALID, "msr %x", checked[i]);
	for (i = 0; i < ARRAY_SIZE(edges); i++) {
		vcpu->cr4 = edges[i].la57 ? X86_CR4_LA57 : 0;
		KUNIT_EXPECT_EQ_MSG(test, kvm_set_msr(vcpu, MSR_LSTAR, edges[i].address, false),
				    edges[i].result, "edge %d", i);
	}
	/* AMD refuses none of SYSENTER's; what is stored is legal. */
	vcpu->cr4 = 0;
	KUNIT_EXPECT_EQ(test, kvm_set_msr(vcpu, MSR_IA32_SYSENTER_EIP, BIT_ULL(47), false), MSR_OK);
	KUNIT_EXPECT_EQ(test, kvm_get_msr(vcpu, MSR_IA32_SYSENTER_EIP, &data, false), MSR_OK);
	KUNIT_EXPECT_EQ(test, data, 0xffff800000000000ULL);
}

/* The guest has it with the instructions that read it; it has 32 bits. */
static void tsc_aux_rules(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	u64 data;

	vcpu->cpuid_caps = 0;
	KUNIT_EXPECT_EQ(test, kvm_set_msr(vcpu, MSR_TSC_AUX, 5, false), MSR_INVALID);
	KUNIT_EXPECT_EQ(test, kvm_get_msr(vcpu, MSR_TSC_AUX, &data, false), MSR_INVALID);
	KUNIT_EXPECT_EQ(test, kvm_set_msr(vcpu, MSR_TSC_AUX, BIT_ULL(32), true), MSR_INVALID);
	KUNIT_EXPECT_EQ(test, kvm_set_msr(vcpu, MSR_TSC_AUX, 0xffffffff, true), MSR_OK);
	vcpu->cpuid_caps = BIT(GUEST_CAP_RDPID);
	KUNIT_EXPECT_EQ(test, kvm_get_msr(vcpu, MSR_TSC_AUX, &data, false), MSR_OK);
	KUNIT_EXPECT_EQ(test, data, 0xffffffffULL);
	vcpu->cpuid_caps = BIT(GUEST_CAP_RDTSCP);
	vcpu->uret_loaded = true;
	KUNIT_EXPECT_EQ(test, kvm_set_msr(vcpu, MSR_TSC_AUX, BIT_ULL(32), false), MSR_INVALID);
	KUNIT_EXPECT_TRUE(test, vcpu->uret_loaded);
	KUNIT_EXPECT_EQ(test, kvm_set_msr(vcpu, MSR_TSC_AUX, 5, false), MSR_OK);
	KUNIT_EXPECT_EQ(test, vcpu->tsc_aux, 5ULL);
	/* What is in the CPU is not the guest's any more. */
	KUNIT_EXPECT_FALSE(test, vcpu->uret_loaded);
}

static void refused_read_leaves_data(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	u64 data = 0x55aa;

	KUNIT_EXPECT_EQ(test, kvm_get_msr(vcpu, 0x12345678, &data, true), MSR_UNKNOWN);
	KUNIT_EXPECT_EQ(test, kvm_get_msr(vcpu, MSR_IA32_PERF_CAPABILITIES, &data, false),
			MSR_INVALID);
	KUNIT_EXPECT_EQ(test, data, 0x55aaULL);
}

static void mce_setup_rules(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	u64 cap = kvm_mce_cap_supported();
	u64 data;

	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_setup_mce(vcpu, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_setup_mce(vcpu, cap), -EINVAL);
	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_setup_mce(vcpu, cap | (KVM_NR_MCE_BANKS + 1)),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_setup_mce(vcpu, MCG_LMCE_P | 4), -EINVAL);
	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_setup_mce(vcpu, cap | 4), 0);

	kvm_get_msr(vcpu, MSR_IA32_MCG_CAP, &data, false);
	KUNIT_EXPECT_EQ(test, data, cap | 4);
	/* Four banks of four registers, and not one more. */
	KUNIT_EXPECT_EQ(test, kvm_get_msr(vcpu, MSR_IA32_MCx_MISC(3), &data, false), MSR_OK);
	KUNIT_EXPECT_EQ(test, kvm_get_msr(vcpu, MSR_IA32_MCx_CTL(4), &data, false), MSR_UNKNOWN);
	KUNIT_EXPECT_EQ(test, kvm_set_msr(vcpu, MSR_IA32_MCx_CTL(0), 0, false), MSR_OK);
	KUNIT_EXPECT_EQ(test, kvm_set_msr(vcpu, MSR_IA32_MCx_CTL(0), 4, false), MSR_INVALID);
	KUNIT_EXPECT_EQ(test, kvm_set_msr(vcpu, MSR_IA32_MCx_CTL(0), ~BIT_ULL(10), false), MSR_OK);
	KUNIT_EXPECT_EQ(test, kvm_set_msr(vcpu, MSR_IA32_MCx_STATUS(0), 1, false), MSR_INVALID);
	KUNIT_EXPECT_EQ(test, kvm_set_msr(vcpu, MSR_IA32_MCx_STATUS(0), 1, true), MSR_OK);
}

static void mce_corrected(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	struct kvm_x86_mce mce = { .status = MCI_STATUS_VAL | 1, .addr = 0x1000, .bank = 1 };
	u64 data;

	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_setup_mce(vcpu, MCG_CTL_P | 2), 0);
	mce.bank = 2;
	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_set_mce(vcpu, &mce), -EINVAL);
	mce.bank = 1;
	mce.status = 1;
	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_set_mce(vcpu, &mce), -EINVAL);

	mce.status = MCI_STATUS_VAL | 1;
	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_set_mce(vcpu, &mce), 0);
	KUNIT_EXPECT_FALSE(test, vcpu->ev.exception.pending);
	kvm_get_msr(vcpu, MSR_IA32_MCx_STATUS(1), &data, false);
	KUNIT_EXPECT_EQ(test, data, MCI_STATUS_VAL | 1);
	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_set_mce(vcpu, &mce), 0);
	kvm_get_msr(vcpu, MSR_IA32_MCx_STATUS(1), &data, false);
	KUNIT_EXPECT_EQ(test, data, MCI_STATUS_VAL | MCI_STATUS_OVER | 1);
}

static void mce_uncorrected(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	struct kvm_x86_mce mce = {
		.status = MCI_STATUS_VAL | MCI_STATUS_UC,
		.mcg_status = MCG_STATUS_MCIP,
	};

	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_setup_mce(vcpu, MCG_CTL_P | 2), 0);
	/* CR4.MCE clear: nothing could take it. */
	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_set_mce(vcpu, &mce), 0);
	KUNIT_EXPECT_TRUE(test, kvm_check_request(KVM_REQ_TRIPLE_FAULT, vcpu));

	KUNIT_ASSERT_EQ(test, kvm_set_cr4(vcpu, X86_CR4_MCE), 0);
	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_set_mce(vcpu, &mce), 0);
	KUNIT_EXPECT_TRUE(test, vcpu->ev.exception.pending);
	KUNIT_EXPECT_EQ(test, vcpu->ev.exception.vector, MC_VECTOR);
	KUNIT_EXPECT_FALSE(test, kvm_test_request(KVM_REQ_TRIPLE_FAULT, vcpu));
	/* One in progress: a second is fatal. */
	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_set_mce(vcpu, &mce), 0);
	KUNIT_EXPECT_TRUE(test, kvm_check_request(KVM_REQ_TRIPLE_FAULT, vcpu));
	kvm_clear_exception_queue(vcpu);
}

#define NR_TEST_MSRS 3

struct test_msrs {
	struct kvm_msrs head;
	struct kvm_msr_entry entries[NR_TEST_MSRS];
};

/* A list is worked through up to the first MSR that is refused. */
static void list_ioctls(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	struct test_msrs list = {
		.head.nmsrs = NR_TEST_MSRS,
		.entries = {
			{ .index = MSR_IA32_CR_PAT, .data = 0x0606060606060606ULL },
			{ .index = MSR_IA32_CR_PAT, .data = 2 },
			{ .index = MSR_MTRRdefType, .data = 0xc00 },
		},
	};
	struct kvm_msrs __user *user;
	u64 data;

	user = (void __user *)fake_user_memory(test, PAGE_SIZE);
	KUNIT_ASSERT_EQ(test, copy_to_user(user, &list, sizeof(list)), 0UL);
	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_set_msrs(vcpu, user), 1);
	kvm_get_msr(vcpu, MSR_IA32_CR_PAT, &data, true);
	KUNIT_EXPECT_EQ(test, data, 0x0606060606060606ULL);
	kvm_get_msr(vcpu, MSR_MTRRdefType, &data, true);
	KUNIT_EXPECT_EQ(test, data, 0ULL);

	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_get_msrs(vcpu, user), NR_TEST_MSRS);
	KUNIT_ASSERT_EQ(test, copy_from_user(&list, user, sizeof(list)), 0UL);
	KUNIT_EXPECT_EQ(test, list.entries[1].data, 0x0606060606060606ULL);

	list.head.nmsrs = 256;
	KUNIT_ASSERT_EQ(test, copy_to_user(user, &list, sizeof(list)), 0UL);
	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_set_msrs(vcpu, user), -E2BIG);
	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_set_msrs(vcpu, NULL), -EFAULT);
}

/* The index list: too little room is told with the number, and every entry can be read. */
static void index_list(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	struct kvm_msr_list __user *user;
	u32 nr = 0, i, index;
	u64 data;

	kvm_msr_module_init();
	user = (void __user *)fake_user_memory(test, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, kvm_dev_ioctl_get_msr_index_list(user), -E2BIG);
	KUNIT_ASSERT_EQ(test, get_user(nr, &user->nmsrs), 0);
	KUNIT_EXPECT_GT(test, nr, 0U);
	KUNIT_EXPECT_EQ(test, kvm_dev_ioctl_get_msr_index_list(user), 0);
	for (i = 0; i < nr; i++) {
		KUNIT_ASSERT_EQ(test, get_user(index, &user->indices[i]), 0);
		KUNIT_EXPECT_EQ_MSG(test, kvm_get_msr(vcpu, index, &data, true), MSR_OK,
				    "msr %x", index);
	}
}

static struct kunit_case msr_cases[] = {
	KUNIT_CASE(pat_legal),
	KUNIT_CASE(pat_reaches_hardware),
	KUNIT_CASE(mtrr_values),
	KUNIT_CASE(who_may_write),
	KUNIT_CASE(spec_ctrl_rules),
	KUNIT_CASE(constant_registers),
	KUNIT_CASE(hwcr_bits),
	KUNIT_CASE(ucode_rev_is_userspaces),
	KUNIT_CASE(canonical_addresses),
	KUNIT_CASE(tsc_aux_rules),
	KUNIT_CASE(refused_read_leaves_data),
	KUNIT_CASE(mce_setup_rules),
	KUNIT_CASE(mce_corrected),
	KUNIT_CASE(mce_uncorrected),
	KUNIT_CASE(list_ioctls),
	KUNIT_CASE(index_list),
	{}
};

static struct kunit_suite msr_suite = {
	.name = "msr",
	.init = msr_init,
	.test_cases = msr_cases,
};

kunit_test_suites(&msr_suite);
