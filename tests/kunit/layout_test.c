// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sizes and places that somebody outside the compiler relies on: userspace,
 * the hardware, casts between a vendor's structure and the core's.
 */
#include <kunit/test.h>
#include <linux/build_bug.h>
#include <linux/kvm.h>

#include "core/compat.h"
#include "core/event.h"
#include "core/request.h"
#include "core/stats.h"
#include "core/vcpu.h"
#include "core/vm.h"
#include "ops/mmu.h"
#include "tests/fake/fake.h"

struct size_case {
	const char *name;
	size_t is;
	size_t must_be;
};

#define SIZE(type, size)		{ #type, sizeof(type), size }
#define OFFSET(type, member, offset)	{ #type "." #member, offsetof(type, member), offset }

/* The binary interface of /dev/kvm, as QEMU 7.2 was compiled for it. */
static const struct size_case abi_cases[] = {
	SIZE(struct kvm_regs, 144),
	SIZE(struct kvm_sregs, 312),
	SIZE(struct kvm_sregs2, 320),
	SIZE(struct kvm_segment, 24),
	SIZE(struct kvm_dtable, 16),
	SIZE(struct kvm_fpu, 416),
	SIZE(struct kvm_xsave, 4096),
	SIZE(struct kvm_xcrs, 392),
	SIZE(struct kvm_debugregs, 128),
	SIZE(struct kvm_vcpu_events, 64),
	SIZE(struct kvm_userspace_memory_region, 32),
	SIZE(struct kvm_userspace_memory_region2, 160),
	SIZE(struct kvm_coalesced_mmio, 24),
	SIZE(struct kvm_ioeventfd, 64),
	OFFSET(struct kvm_run, exit_reason, 8),
	OFFSET(struct kvm_run, ready_for_interrupt_injection, 12),
	OFFSET(struct kvm_run, if_flag, 13),
	OFFSET(struct kvm_run, cr8, 16),
	OFFSET(struct kvm_run, apic_base, 24),
	OFFSET(struct kvm_run, io, 32),
	OFFSET(struct kvm_run, mmio.data, 40),
	OFFSET(struct kvm_run, kvm_valid_regs, 288),
	OFFSET(struct kvm_run, kvm_dirty_regs, 296),
	OFFSET(struct kvm_run, s.regs, 304),
};

static void size_case_desc(const struct size_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(abi, abi_cases, size_case_desc);

static void layout_abi(struct kunit *test)
{
	const struct size_case *c = test->param_value;

	KUNIT_EXPECT_EQ(test, c->is, c->must_be);
}

static void layout_pages(struct kunit *test)
{
	KUNIT_EXPECT_LE(test, sizeof(struct kvm_run), PAGE_SIZE);
	KUNIT_EXPECT_NE(test, KVM_PIO_PAGE_OFFSET, 0);
	KUNIT_EXPECT_NE(test, KVM_PIO_PAGE_OFFSET, KVM_COALESCED_MMIO_PAGE_OFFSET);
	KUNIT_EXPECT_LE(test, struct_size_t(struct kvm_coalesced_mmio_ring, coalesced_mmio,
					    KVM_COALESCED_MMIO_MAX), PAGE_SIZE);
}

/* A vendor finds its structure from the core's by a cast. */
static void layout_embedding(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, offsetof(struct fake_vm, kvm), 0);
	KUNIT_EXPECT_EQ(test, offsetof(struct fake_vcpu, vcpu), 0);
}

/* Register numbers are the hardware's, and each has a bit. */
static void layout_registers(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, VCPU_REGS_RSP, 4);
	KUNIT_EXPECT_EQ(test, VCPU_REGS_R8, 8);
	KUNIT_EXPECT_EQ(test, VCPU_REGS_R15, 15);
	KUNIT_EXPECT_EQ(test, ARRAY_SIZE(((struct kvm_vcpu *)NULL)->regs), NR_VCPU_REGS);
	KUNIT_EXPECT_LT(test, VCPU_EXREG_CR4,
			BITS_PER_BYTE * sizeof(((struct kvm_vcpu *)NULL)->regs_avail));
	KUNIT_EXPECT_EQ(test, VCPU_SREG_CS, 1);
	KUNIT_EXPECT_EQ(test, VCPU_SREG_GS, 5);
}

static void layout_enums_fit(struct kunit *test)
{
	KUNIT_EXPECT_LE(test, KVM_NR_REQUESTS,
			BITS_PER_BYTE * sizeof(((struct kvm_vcpu *)NULL)->requests));
	KUNIT_EXPECT_EQ(test, ARRAY_SIZE(((struct kvm_vcpu_stat *)NULL)->event_raise),
			NR_EVENT_REASONS);
}

/* No two meanings share a bit of a page-table entry, and none lies in the address. */
static void layout_pte_bits(struct kunit *test)
{
	static const u64 bits[] = {
		TDP_PTE_PRESENT, TDP_PTE_WRITE, TDP_PTE_USER, TDP_PTE_ACCESSED,
		TDP_PTE_DIRTY, TDP_PTE_HUGE, TDP_PTE_EXEC, TDP_PTE_NX,
		TDP_PTE_SW_HOST_WRITABLE, TDP_PTE_SW_MMU_WRITABLE, TDP_PTE_ADDR_MASK,
	};
	u64 seen = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bits); i++) {
		KUNIT_EXPECT_EQ_MSG(test, seen & bits[i], 0, "entry %u", i);
		seen |= bits[i];
	}
	/* Execution is granted by one bit or denied by one. */
	KUNIT_EXPECT_EQ(test, !!TDP_PTE_EXEC + !!TDP_PTE_NX, 1);
}

static struct kunit_case layout_test_cases[] = {
	KUNIT_CASE_PARAM(layout_abi, abi_gen_params),
	KUNIT_CASE(layout_pages),
	KUNIT_CASE(layout_embedding),
	KUNIT_CASE(layout_registers),
	KUNIT_CASE(layout_enums_fit),
	KUNIT_CASE(layout_pte_bits),
	{}
};

static struct kunit_suite layout_test_suite = {
	.name = "layout",
	.test_cases = layout_test_cases,
};

kunit_test_suites(&layout_test_suite);
