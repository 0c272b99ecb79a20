// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMX formats of vmx/format.h. Expected values are spelled out from the
 * manual, not computed by the code under test.
 */
#include <kunit/test.h>
#include <linux/module.h>

#include "vmx/format.h"

/* The first reason that holds is told, and a CPU in order is not refused. */
static void refusals(struct kunit *test)
{
	/* Bit 5: VMX; bits 0 and 2: locked with VMX outside SMX; VMXE is another matter. */
	static const struct vmx_cpu_facts good = { .ecx = 0x20, .feat_ctl = 5, .cr4 = 0x2020 };
	struct vmx_cpu_facts f = good;

	KUNIT_EXPECT_NULL(test, vmx_refusal(&f));

#define REFUSED(field, value, words)					\
do {									\
	f = good;							\
	f.field = (value);						\
	KUNIT_EXPECT_STREQ(test, vmx_refusal(&f), words);		\
} while (0)
	REFUSED(ecx, ~0x20u, "the CPU has no VMX");
	REFUSED(feat_ctl, 0, "the feature control register is not locked");
	REFUSED(feat_ctl, 4, "the feature control register is not locked");
	REFUSED(feat_ctl, 1, "disabled by firmware");
	REFUSED(feat_ctl, 3, "disabled by firmware");
	REFUSED(cr4, BIT_ULL(32), "the host runs with FRED, which is not supported");
#undef REFUSED
}

/* The index counts down from 511 and wraps when the log is full. */
static void pml_first(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, vmx_pml_first(511), 512U);	/* nothing */
	KUNIT_EXPECT_EQ(test, vmx_pml_first(510), 511U);
	KUNIT_EXPECT_EQ(test, vmx_pml_first(0), 1U);
	KUNIT_EXPECT_EQ(test, vmx_pml_first(0xffff), 0U);	/* all */
}

static void io_words(struct kunit *test)
{
	static const struct {
		unsigned long qual;
		struct exit_pio io;
	} cases[] = {
		/* out %al,$0x80; an immediate port */
		{ 0x00800040, { .port = 0x80, .size = 1 } },
		/* in (%dx),%ax */
		{ 0x01f00009, { .port = 0x1f0, .size = 2, .in = true } },
		/* in (%dx),%eax */
		{ 0x0cfc000b, { .port = 0xcfc, .size = 4, .in = true } },
		/* outsb */
		{ 0x03f80010, { .port = 0x3f8, .size = 1, .string = true } },
		/* rep insw */
		{ 0x01f00039, { .port = 0x1f0, .size = 2, .in = true, .string = true } },
		{ 0xffff0000, { .port = 0xffff, .size = 1 } },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct exit_pio io = vmx_decode_io(cases[i].qual);

		KUNIT_EXPECT_EQ(test, io.port, cases[i].io.port);
		KUNIT_EXPECT_EQ(test, io.size, cases[i].io.size);
		KUNIT_EXPECT_EQ(test, io.in, cases[i].io.in);
		KUNIT_EXPECT_EQ(test, io.string, cases[i].io.string);
	}
}

/* Bits 2:0 the access, 5:3 the rights there are, 7 and 8 what is known of its address. */
static void ept_violation_bits(struct kunit *test)
{
	int bit;

	for (bit = 0; bit < 13; bit++) {
		struct tdp_fault f = vmx_decode_ept_violation(BIT(bit), 0x12345678000);

		KUNIT_EXPECT_EQ(test, f.gpa, 0x12345678000ull);
		KUNIT_EXPECT_EQ(test, f.write, bit == 1);
		KUNIT_EXPECT_EQ(test, f.exec, bit == 2);
		KUNIT_EXPECT_EQ(test, f.present, bit >= 3 && bit <= 5);
		KUNIT_EXPECT_EQ(test, f.guest_walk, bit == 7);
		KUNIT_EXPECT_FALSE(test, f.user || f.rsvd);
	}
	KUNIT_EXPECT_FALSE(test, vmx_decode_ept_violation(0x180, 0).guest_walk);
}

static void apic_access_kinds(struct kunit *test)
{
	int how;

	for (how = 0; how < 16; how++) {
		struct tdp_fault f = vmx_decode_apic_access(how << 12 | 0x380);

		KUNIT_EXPECT_EQ(test, f.gpa, 0xfee00380ull);
		KUNIT_EXPECT_EQ(test, f.write, how == 1);
		KUNIT_EXPECT_EQ(test, f.exec, how == 2);
		KUNIT_EXPECT_EQ(test, f.guest_walk, how > 2);
	}
}

static struct kunit_case vmx_format_cases[] = {
	KUNIT_CASE(refusals),
	KUNIT_CASE(pml_first),
	KUNIT_CASE(io_words),
	KUNIT_CASE(ept_violation_bits),
	KUNIT_CASE(apic_access_kinds),
	{}
};

static struct kunit_suite vmx_format_suite = {
	.name = "vmx_format",
	.test_cases = vmx_format_cases,
};

kunit_test_suite(vmx_format_suite);

MODULE_DESCRIPTION("KUnit tests of the VMX formats");
MODULE_LICENSE("GPL");
