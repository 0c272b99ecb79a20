// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMX formats of vmx/format.h. Expected values are spelled out from the
 * manual, not computed by the code under test.
 */
#include <kunit/test.h>
#include <linux/module.h>

#include "vmx/format.h"

/* An exit only where the write can let the waiting interrupt through; never above TPR. */
static void tpr_threshold(struct kunit *test)
{
	static const struct {
		unsigned long cr8;
		int irr_priority;
		u32 threshold;
	} cases[] = {
		{ 0, -1, 0 },		/* nothing waits */
		{ 15, -1, 0 },
		{ 0, 4, 0 },		/* not held back by TPR */
		{ 3, 4, 0 },
		{ 4, 4, 4 },		/* held back: a class must be higher, not equal */
		{ 9, 4, 4 },
		{ 15, 15, 15 },
		{ 14, 15, 0 },
		{ 1, 1, 1 },
		{ 0, 0, 0 },		/* vectors below 16 are never delivered */
	};
	unsigned long cr8;
	int i, irr;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		KUNIT_EXPECT_EQ_MSG(test, vmx_tpr_threshold(cases[i].cr8, cases[i].irr_priority),
				    cases[i].threshold, "CR8 %lu, waiting %d", cases[i].cr8,
				    cases[i].irr_priority);
	for (cr8 = 0; cr8 < 16; cr8++) {
		for (irr = -1; irr < 16; irr++)
			KUNIT_EXPECT_LE(test, vmx_tpr_threshold(cr8, irr), cr8);
	}
}

/* The index counts down from 511 and wraps when the log is full. */
static void pml_first(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, vmx_pml_first(511), 512U);	/* nothing */
	KUNIT_EXPECT_EQ(test, vmx_pml_first(510), 511U);
	KUNIT_EXPECT_EQ(test, vmx_pml_first(0), 1U);
	KUNIT_EXPECT_EQ(test, vmx_pml_first(0xffff), 0U);	/* all */
}

static struct kunit_case vmx_format_cases[] = {
	KUNIT_CASE(tpr_threshold),
	KUNIT_CASE(pml_first),
	{}
};

static struct kunit_suite vmx_format_suite = {
	.name = "vmx_format",
	.test_cases = vmx_format_cases,
};

kunit_test_suite(vmx_format_suite);

MODULE_DESCRIPTION("KUnit tests of the VMX formats");
MODULE_LICENSE("GPL");
