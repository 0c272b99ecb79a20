// SPDX-License-Identifier: GPL-2.0-only
/*
 * The lists of MSRs that are exchanged for the sake of the host's perf
 * (vmx/host_perf.c).
 */
#include <kunit/test.h>
#include <asm/msr-index.h>
#include <asm/perf_event.h>

#include "vmx/host_perf.h"

/* An event of the host alone: its bit is off in the guest, whose lists hold no more. */
static void only_what_differs(struct kunit *test)
{
	static const struct perf_guest_switch_msr msrs[] = {
		{ .msr = MSR_IA32_DS_AREA, .host = 0x1000, .guest = 0x1000 },
		{ .msr = MSR_CORE_PERF_GLOBAL_CTRL, .host = 0x70000000f, .guest = 0x70000000d },
		{ .msr = MSR_IA32_PEBS_ENABLE, .host = 2, .guest = 0 },
	};
	struct vmx_perf_lists lists = { };

	KUNIT_ASSERT_EQ(test, vmx_perf_fill(&lists, msrs, ARRAY_SIZE(msrs)), 2);
	KUNIT_EXPECT_EQ(test, lists.guest[0].index, MSR_CORE_PERF_GLOBAL_CTRL);
	KUNIT_EXPECT_EQ(test, lists.guest[0].value, 0x70000000dULL);
	KUNIT_EXPECT_EQ(test, lists.host[0].index, MSR_CORE_PERF_GLOBAL_CTRL);
	KUNIT_EXPECT_EQ(test, lists.host[0].value, 0x70000000fULL);
	KUNIT_EXPECT_EQ(test, lists.guest[1].index, MSR_IA32_PEBS_ENABLE);
	KUNIT_EXPECT_EQ(test, lists.guest[1].value, 0);
	KUNIT_EXPECT_EQ(test, lists.host[1].value, 2);
	KUNIT_EXPECT_EQ(test, lists.guest[2].index, 0);
	KUNIT_EXPECT_EQ(test, vmx_perf_fill(&lists, msrs, 1), 0);
}

/* 6.1 where guests may have precise events: an area that nobody writes to is no reason. */
static void no_area_of_guest(struct kunit *test)
{
	static const struct perf_guest_switch_msr msrs[] = {
		{ .msr = MSR_CORE_PERF_GLOBAL_CTRL, .host = 0xf, .guest = 0xf },
		{ .msr = MSR_IA32_DS_AREA, .host = 0xfffffe0000001000, .guest = 0 },
		{ .msr = MSR_PEBS_DATA_CFG, .host = 1, .guest = 0 },
	};
	struct vmx_perf_lists lists = { };

	KUNIT_EXPECT_EQ(test, vmx_perf_fill(&lists, msrs, ARRAY_SIZE(msrs)), 0);
}

/* The area in the VMCS has its size; what lies behind it is not touched. */
static void no_more_than_fit(struct kunit *test)
{
	struct perf_guest_switch_msr msrs[VMX_MAX_PERF_MSRS + 1];
	struct {
		struct vmx_perf_lists lists;
		u64 behind;
	} area = { .behind = 1 };
	int i;

	for (i = 0; i < ARRAY_SIZE(msrs); i++)
		msrs[i] = (struct perf_guest_switch_msr){
			.msr = MSR_P6_EVNTSEL0 + i, .host = 1, .guest = 0 };
	KUNIT_EXPECT_EQ(test, vmx_perf_fill(&area.lists, msrs, ARRAY_SIZE(msrs)),
			VMX_MAX_PERF_MSRS);
	KUNIT_EXPECT_EQ(test, area.behind, 1);
}

/* Source: Intel SDM volume 3, "VM-Entry Controls for MSRs": 16-byte aligned. */
static void aligned(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, sizeof(struct vmx_msr_entry), 16);
	KUNIT_EXPECT_EQ(test, offsetof(struct vmx_perf_lists, host) % 16, 0);
	KUNIT_EXPECT_EQ(test, __alignof__(struct vmx_perf_lists), 16);
}

static struct kunit_case vmx_host_perf_cases[] = {
	KUNIT_CASE(only_what_differs),
	KUNIT_CASE(no_area_of_guest),
	KUNIT_CASE(no_more_than_fit),
	KUNIT_CASE(aligned),
	{}
};

static struct kunit_suite vmx_host_perf_suite = {
	.name = "vmx_host_perf",
	.test_cases = vmx_host_perf_cases,
};

kunit_test_suite(vmx_host_perf_suite);
