// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which MSRs pass without an exit: what CPUID offers, less what the filter denies.
 */
#include <kunit/test.h>
#include <linux/uaccess.h>
#include <asm/msr-index.h>

#include "core/cpuid.h"
#include "core/msr.h"
#include "core/msr_filter.h"
#include "core/request.h"
#include "core/run.h"
#include "core/spec_ctrl.h"
#include "core/vcpu.h"
#include "tests/fake/fake.h"

#define PASS_READ	KVM_MSR_FILTER_READ
#define PASS_WRITE	KVM_MSR_FILTER_WRITE
#define PASS_BOTH	(PASS_READ | PASS_WRITE)

static int msr_intercept_init(struct kunit *test)
{
	struct kvm_vcpu *vcpu = fake_vcpu_create(test, fake_vm_create(test));

	vcpu->cpuid_caps = 0;
	test->priv = vcpu;
	return 0;
}

static void msr_intercept_exit(struct kunit *test)
{
	fake_hw_reset();
}

/* Accesses that do not exit. */
static u32 passed(struct kvm_vcpu *vcpu, u32 index)
{
	struct fake_vcpu *fake = to_fake(vcpu);
	u32 access = 0;
	unsigned int i;

	for (i = 0; i < fake->nr_passed; i++) {
		if (fake->passed[i].index == index)
			access |= fake->passed[i].access;
	}
	return access;
}

/* What a guest has without any feature, one MSR of the vendor's among it, and not one more. */
static void passed_always(struct kunit *test)
{
	static const u32 always[] = {
		MSR_FS_BASE, MSR_GS_BASE, MSR_KERNEL_GS_BASE,
		MSR_IA32_SYSENTER_CS, MSR_IA32_SYSENTER_ESP, MSR_IA32_SYSENTER_EIP,
		MSR_STAR,
	};
	struct kvm_vcpu *vcpu = test->priv;
	int i;

	kvm_recalc_msr_intercepts(vcpu);
	for (i = 0; i < ARRAY_SIZE(always); i++)
		KUNIT_EXPECT_EQ_MSG(test, passed(vcpu, always[i]), PASS_BOTH, "msr %x", always[i]);
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->nr_passed, ARRAY_SIZE(always));
}

static void passed_by_cpuid(struct kunit *test)
{
	static const struct {
		u64 caps;
		bool spec_ctrl_used;
		bool v_spec_ctrl;
		u32 pred_cmd;
		u32 flush_cmd;
		u32 spec_ctrl;
	} cases[] = {
		{ 0, false, false, 0, 0, 0 },
		/* Used once, and then userspace took it away. */
		{ 0, true, false, 0, 0, 0 },
		{ 0, true, true, 0, 0, 0 },
		{ BIT(GUEST_CAP_PRED_CMD), false, false, PASS_WRITE, 0, 0 },
		{ BIT(GUEST_CAP_FLUSH_CMD), false, false, 0, PASS_WRITE, 0 },
		{ BIT(GUEST_CAP_SPEC_CTRL), false, false, 0, 0, 0 },
		{ BIT(GUEST_CAP_SPEC_CTRL), true, false, 0, 0, PASS_BOTH },
		{ BIT(GUEST_CAP_SPEC_CTRL), false, true, 0, 0, PASS_BOTH },
		{ BIT(GUEST_CAP_SPEC_CTRL) | BIT(GUEST_CAP_PRED_CMD) | BIT(GUEST_CAP_FLUSH_CMD),
		  true, false, PASS_WRITE, PASS_WRITE, PASS_BOTH },
	};
	struct kvm_vcpu *vcpu = test->priv;
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		vcpu->cpuid_caps = cases[i].caps;
		vcpu->spec_ctrl_used = cases[i].spec_ctrl_used;
		fake_hw.v_spec_ctrl = cases[i].v_spec_ctrl;
		kvm_recalc_msr_intercepts(vcpu);
		KUNIT_EXPECT_EQ_MSG(test, passed(vcpu, MSR_IA32_PRED_CMD), cases[i].pred_cmd,
				    "row %d", i);
		KUNIT_EXPECT_EQ_MSG(test, passed(vcpu, MSR_IA32_FLUSH_CMD), cases[i].flush_cmd,
				    "row %d", i);
		KUNIT_EXPECT_EQ_MSG(test, passed(vcpu, MSR_IA32_SPEC_CTRL), cases[i].spec_ctrl,
				    "row %d", i);
	}
}

/* Deny one MSR, or with @deny_others allow no other. */
static void set_filter(struct kunit *test, u32 index, u32 access, bool deny_others)
{
	struct kvm_vcpu *vcpu = test->priv;
	struct kvm_msr_filter *filter = kunit_kzalloc(test, sizeof(*filter), GFP_KERNEL);
	unsigned long bitmap = fake_user_memory(test, PAGE_SIZE);
	const u64 allowed = deny_others;

	KUNIT_ASSERT_NOT_NULL(test, filter);
	KUNIT_ASSERT_EQ(test, copy_to_user((void __user *)bitmap, &allowed, sizeof(allowed)), 0UL);
	filter->flags = deny_others ? KVM_MSR_FILTER_DEFAULT_DENY : 0;
	filter->ranges[0] = (struct kvm_msr_filter_range){
		.flags = access,
		.base = index,
		.nmsrs = 1,
		.bitmap = (u8 *)bitmap,
	};
	KUNIT_ASSERT_EQ(test, kvm_vm_ioctl_set_msr_filter(vcpu->kvm, filter), 0);
	KUNIT_EXPECT_EQ(test, vcpu_serve_requests(vcpu), RUN_REENTER);
}

/* One's reads, one's writes, both; core's own and the vendor's; and all is as before without. */
static void passed_by_filter(struct kunit *test)
{
	static const struct {
		u32 index;
		u32 offered;
	} msrs[] = {
		{ MSR_KERNEL_GS_BASE, PASS_BOTH },
		{ MSR_IA32_PRED_CMD, PASS_WRITE },
		{ MSR_IA32_FLUSH_CMD, PASS_WRITE },
		{ MSR_IA32_SPEC_CTRL, PASS_BOTH },
		{ MSR_STAR, PASS_BOTH },
	};
	const struct kvm_msr_filter none = {};
	struct kvm_vcpu *vcpu = test->priv;
	int i, other;
	u32 denied, expected;

	vcpu->cpuid_caps = BIT(GUEST_CAP_SPEC_CTRL) | BIT(GUEST_CAP_PRED_CMD) |
			   BIT(GUEST_CAP_FLUSH_CMD);
	vcpu->spec_ctrl_used = true;
	for (i = 0; i < ARRAY_SIZE(msrs); i++) {
		for (denied = PASS_READ; denied <= PASS_BOTH; denied++) {
			set_filter(test, msrs[i].index, denied, false);
			for (other = 0; other < ARRAY_SIZE(msrs); other++) {
				expected = msrs[other].offered & ~(i == other ? denied : 0);
				KUNIT_EXPECT_EQ_MSG(test, passed(vcpu, msrs[other].index), expected,
						    "row %d: %x of %d denied", other, denied, i);
			}
		}
		set_filter(test, msrs[i].index, PASS_BOTH, true);
		KUNIT_EXPECT_EQ(test, passed(vcpu, msrs[i].index), msrs[i].offered);
		KUNIT_EXPECT_EQ(test, to_fake(vcpu)->nr_passed, 1);
	}

	KUNIT_ASSERT_EQ(test, kvm_vm_ioctl_set_msr_filter(vcpu->kvm, &none), 0);
	KUNIT_EXPECT_EQ(test, vcpu_serve_requests(vcpu), RUN_REENTER);
	for (i = 0; i < ARRAY_SIZE(msrs); i++)
		KUNIT_EXPECT_EQ(test, passed(vcpu, msrs[i].index), msrs[i].offered);
}

/* What CPUID and a reset change is in effect when they return. */
static void passed_after_changes(struct kunit *test)
{
	const struct kvm_cpuid_entry2 none = {};
	struct kvm_vcpu *vcpu = test->priv;
	struct kvm_cpuid2 __user *user = (void __user *)fake_user_memory(test, PAGE_SIZE);

	vcpu->cpuid_caps = BIT(GUEST_CAP_PRED_CMD);
	kvm_vcpu_reset(vcpu, true);
	KUNIT_EXPECT_EQ(test, passed(vcpu, MSR_IA32_PRED_CMD), PASS_WRITE);

	KUNIT_ASSERT_EQ(test, put_user(1, &user->nent), 0);
	KUNIT_ASSERT_EQ(test, copy_to_user(user->entries, &none, sizeof(none)), 0UL);
	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_set_cpuid2(vcpu, user), 0);
	KUNIT_EXPECT_EQ(test, passed(vcpu, MSR_IA32_PRED_CMD), 0);
}

static struct kunit_case msr_intercept_cases[] = {
	KUNIT_CASE(passed_always),
	KUNIT_CASE(passed_by_cpuid),
	KUNIT_CASE(passed_by_filter),
	KUNIT_CASE(passed_after_changes),
	{}
};

static struct kunit_suite msr_intercept_suite = {
	.name = "msr_intercept",
	.init = msr_intercept_init,
	.exit = msr_intercept_exit,
	.test_cases = msr_intercept_cases,
};

kunit_test_suites(&msr_intercept_suite);
