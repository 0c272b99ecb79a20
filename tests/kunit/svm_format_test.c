// SPDX-License-Identifier: GPL-2.0-only
/*
 * The SVM formats of svm/format.h: permission map, exit information words,
 * segment attributes. Expected values are spelled out from the manual's
 * layouts, not computed by the code under test.
 */
#include <kunit/test.h>
#include <linux/module.h>

#include "svm/format.h"

static void msrpm_bit_places(struct kunit *test)
{
	static const struct {
		u32 msr;
		int bit;
	} cases[] = {
		{ 0x00000000, 0 },
		{ 0x00000048, 0x90 },			/* SPEC_CTRL */
		{ 0x00001fff, 0x3ffe },
		{ 0x00002000, -1 },
		{ 0xbfffffff, -1 },
		{ 0xc0000000, 0x4000 },
		{ 0xc0000080, 0x4100 },			/* EFER */
		{ 0xc0001fff, 0x7ffe },
		{ 0xc0002000, -1 },
		{ 0xc0010000, 0x8000 },
		{ 0xc0010117, 0x822e },			/* VM_HSAVE_PA */
		{ 0xc0011fff, 0xbffe },
		{ 0xc0012000, -1 },
		{ 0xffffffff, -1 },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		KUNIT_EXPECT_EQ_MSG(test, svm_msrpm_bit(cases[i].msr), cases[i].bit,
				    "MSR %08x", cases[i].msr);
}

/* Each bit of the error code sets its field and no other. */
static void npf_bits(struct kunit *test)
{
	static const u64 bits[] = { 1, 2, 4, 8, 16, 1ull << 33 };
	int i;

	for (i = 0; i < ARRAY_SIZE(bits); i++) {
		struct tdp_fault f = svm_decode_npf(bits[i], 0x12345678000);

		KUNIT_EXPECT_EQ(test, f.gpa, 0x12345678000ull);
		KUNIT_EXPECT_EQ(test, f.present, i == 0);
		KUNIT_EXPECT_EQ(test, f.write, i == 1);
		KUNIT_EXPECT_EQ(test, f.user, i == 2);
		KUNIT_EXPECT_EQ(test, f.rsvd, i == 3);
		KUNIT_EXPECT_EQ(test, f.exec, i == 4);
		KUNIT_EXPECT_EQ(test, f.guest_walk, i == 5);
	}
}

static void ioio_words(struct kunit *test)
{
	static const struct {
		u32 info;
		struct exit_pio io;
	} cases[] = {
		/* out %al,$0x80; 16-bit addresses */
		{ 0x00800090, { .port = 0x80, .size = 1 } },
		/* in (%dx),%ax */
		{ 0x01f00121, { .port = 0x1f0, .size = 2, .in = true } },
		/* in (%dx),%eax */
		{ 0x0cfc0141, { .port = 0xcfc, .size = 4, .in = true } },
		/* outsb */
		{ 0x03f80114, { .port = 0x3f8, .size = 1, .string = true } },
		/* rep insw */
		{ 0x01f0012d, { .port = 0x1f0, .size = 2, .in = true, .string = true } },
		/* the highest port, 64-bit addresses */
		{ 0xffff0210, { .port = 0xffff, .size = 1 } },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct exit_pio io = svm_decode_ioio(cases[i].info);

		KUNIT_EXPECT_EQ(test, io.port, cases[i].io.port);
		KUNIT_EXPECT_EQ(test, io.size, cases[i].io.size);
		KUNIT_EXPECT_EQ(test, io.in, cases[i].io.in);
		KUNIT_EXPECT_EQ(test, io.string, cases[i].io.string);
	}
}

/* Attributes are the descriptor's bits 55:52 and 47:40, squeezed together. */
static void segment_attributes(struct kunit *test)
{
	static const struct {
		struct kvm_segment seg;
		u16 attrib;
	} cases[] = {
		/* 64-bit code */
		{ { .type = 11, .s = 1, .present = 1, .l = 1, .g = 1, .limit = ~0u }, 0xa9b },
		/* flat data of user mode */
		{ { .type = 3, .s = 1, .dpl = 3, .present = 1, .db = 1, .g = 1, .limit = ~0u },
		  0xcf3 },
		/* real-mode data */
		{ { .type = 3, .s = 1, .present = 1, .limit = 0xffff }, 0x093 },
		/* busy TSS, available bit set */
		{ { .type = 11, .present = 1, .avl = 1, .limit = 0x67 }, 0x18b },
		/* null selector */
		{ { .unusable = 1 }, 0 },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct kvm_segment *seg = &cases[i].seg;
		struct vmcb_seg hw = {
			.attrib = svm_pack_attrib(seg),
			.limit = seg->limit,
			.base = 0xffff888000001000,
			.selector = 0x10,
		};
		struct kvm_segment back;

		KUNIT_EXPECT_EQ(test, hw.attrib, cases[i].attrib);

		svm_unpack_seg(&hw, &back);
		KUNIT_EXPECT_EQ(test, back.base, 0xffff888000001000ull);
		KUNIT_EXPECT_EQ(test, back.selector, 0x10);
		back.base = seg->base;
		back.selector = seg->selector;
		KUNIT_EXPECT_EQ(test, memcmp(&back, seg, sizeof(back)), 0);
	}
}

/* Present and unusable at once is what Intel hosts save; it must not become usable. */
static void unusable_wins(struct kunit *test)
{
	struct kvm_segment seg = { .type = 3, .s = 1, .present = 1, .unusable = 1 };
	struct vmcb_seg hw = { .attrib = svm_pack_attrib(&seg) };
	struct kvm_segment back;

	svm_unpack_seg(&hw, &back);
	KUNIT_EXPECT_EQ(test, back.present, 0);
	KUNIT_EXPECT_EQ(test, back.unusable, 1);
}

/* A CPU that will do, and one thing wrong with it in each row. */
static void refusals(struct kunit *test)
{
	static const struct svm_cpu_facts good = {
		.amd = true,
		.family = 0x17,
		.max_ext_leaf = 0x8000001f,
		.ext_ecx = CPUID_EXT_ECX_SVM,
		.svm_edx = CPUID_SVM_EDX_NPT,
		/* Locked, but not switched off, is how firmware leaves it. */
		.vm_cr = SVM_VM_CR_LOCK,
	};
	struct svm_cpu_facts f = good;

	KUNIT_EXPECT_NULL(test, svm_refusal(&f));

#define REFUSED(field, value, words)					\
do {									\
	f = good;							\
	f.field = (value);						\
	KUNIT_EXPECT_STREQ(test, svm_refusal(&f), words);		\
} while (0)
	REFUSED(amd, false, "not an AMD or Hygon CPU");
	REFUSED(max_ext_leaf, 0x80000008, "CPU has no SVM");
	REFUSED(ext_ecx, ~(u32)CPUID_EXT_ECX_SVM, "CPU has no SVM");
	REFUSED(encrypted_guest, true, "not available in a guest with encrypted memory");
	REFUSED(vm_cr, SVM_VM_CR_SVMDIS, "disabled by firmware");
	REFUSED(vm_cr, SVM_VM_CR_SVMDIS | SVM_VM_CR_LOCK, "disabled by firmware");
	REFUSED(svm_edx, ~(u32)CPUID_SVM_EDX_NPT, "CPU has no nested paging");
	REFUSED(family, 0x10, "guests can stop a host of CPU family 10h");
#undef REFUSED
}

static struct kunit_case svm_format_cases[] = {
	KUNIT_CASE(refusals),
	KUNIT_CASE(msrpm_bit_places),
	KUNIT_CASE(npf_bits),
	KUNIT_CASE(ioio_words),
	KUNIT_CASE(segment_attributes),
	KUNIT_CASE(unusable_wins),
	{}
};

static struct kunit_suite svm_format_suite = {
	.name = "svm_format",
	.test_cases = svm_format_cases,
};

kunit_test_suite(svm_format_suite);

MODULE_DESCRIPTION("KUnit tests of Monovisor's SVM formats");
MODULE_LICENSE("GPL");
