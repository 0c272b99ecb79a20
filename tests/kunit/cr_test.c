// SPDX-License-Identifier: GPL-2.0-only
/*
 * Legality of control registers, EFER and XCR0, and what a guest's write of
 * them drags with it.
 */
#include <kunit/test.h>
#include <asm/fpu/types.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "core/cpuid.h"
#include "core/cr.h"
#include "core/memslot.h"
#include "core/regs.h"
#include "core/request.h"
#include "core/vcpu.h"
#include "core/vm.h"
#include "tests/fake/fake.h"

#define PE X86_CR0_PE
#define PG X86_CR0_PG
#define LME EFER_LME
#define LMA EFER_LMA
#define PAE X86_CR4_PAE

static void cr0_legal(struct kunit *test)
{
	static const struct {
		unsigned long cr0;
		bool legal;
	} cases[] = {
		{ 0, true },
		{ PE, true },
		{ PE | PG, true },
		{ PG, false },
		{ X86_CR0_CD, true },
		{ X86_CR0_CD | X86_CR0_NW, true },
		{ X86_CR0_NW, false },
		{ BIT_ULL(32), false },
		{ BIT_ULL(63) | PE, false },
		{ BIT(6), true },	/* undefined, lower half: ignored */
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		KUNIT_EXPECT_EQ_MSG(test, kvm_cr0_legal(cases[i].cr0), cases[i].legal,
				    "cr0 %lx", cases[i].cr0);
}

static void mode_legal(struct kunit *test)
{
	static const struct {
		unsigned long cr0;
		unsigned long cr4;
		u64 efer;
		bool legal;
	} cases[] = {
		{ 0, 0, 0, true },
		{ 0, 0, LME, true },
		{ 0, 0, LMA, false },
		{ 0, 0, LME | LMA, false },
		{ PE | PG, 0, 0, true },
		{ PE | PG, 0, LMA, false },
		{ PE | PG, PAE, LME, false },
		{ PE | PG, PAE, LME | LMA, true },
		{ PE | PG, 0, LME | LMA, false },
		{ PE | PG, PAE | X86_CR4_PCIDE, LME | LMA, true },
		{ PE | PG, PAE | X86_CR4_PCIDE, 0, false },
		{ PE, X86_CR4_PCIDE, 0, false },
		{ PE | PG, PAE | X86_CR4_LA57, LME | LMA, true },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		KUNIT_EXPECT_EQ_MSG(test,
				    kvm_mode_legal(cases[i].cr0, cases[i].cr4, cases[i].efer),
				    cases[i].legal, "case %d", i);
}

static void xcr0_legal(struct kunit *test)
{
	const u64 avx512 = XFEATURE_MASK_OPMASK | XFEATURE_MASK_ZMM_Hi256 |
			   XFEATURE_MASK_Hi16_ZMM;
	const u64 fp = XFEATURE_MASK_FP, sse = XFEATURE_MASK_SSE, ymm = XFEATURE_MASK_YMM;
	const struct {
		u64 xcr0;
		u64 supported;
		bool legal;
	} cases[] = {
		{ 0, ~0ULL, false },
		{ fp, ~0ULL, true },
		{ sse, ~0ULL, false },
		{ fp | sse, ~0ULL, true },
		{ fp | ymm, ~0ULL, false },
		{ fp | sse | ymm, ~0ULL, true },
		{ fp | sse | ymm, fp | sse, false },
		{ fp | sse | ymm | avx512, ~0ULL, true },
		{ fp | sse | avx512, ~0ULL, false },
		{ fp | sse | ymm | XFEATURE_MASK_OPMASK, ~0ULL, false },
		{ fp | XFEATURE_MASK_BNDREGS, ~0ULL, false },
		{ fp | XFEATURE_MASK_BNDREGS | XFEATURE_MASK_BNDCSR, ~0ULL, true },
		{ fp | XFEATURE_MASK_XTILE_CFG, ~0ULL, false },
		{ fp | XFEATURE_MASK_XTILE, ~0ULL, true },
		{ fp | BIT_ULL(62), fp, false },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		KUNIT_EXPECT_EQ_MSG(test, kvm_xcr0_legal(cases[i].xcr0, cases[i].supported),
				    cases[i].legal, "xcr0 %llx", cases[i].xcr0);
}

static void efer_legal(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, kvm_efer_legal(0, 0));
	KUNIT_EXPECT_TRUE(test, kvm_efer_legal(EFER_SCE | LME, EFER_SCE | LME | EFER_NX));
	KUNIT_EXPECT_FALSE(test, kvm_efer_legal(EFER_NX, EFER_SCE | LME));
	KUNIT_EXPECT_FALSE(test, kvm_efer_legal(EFER_SVME, EFER_SCE | LME | LMA | EFER_NX));
}

static void cr4_flushes(struct kunit *test)
{
	static const struct {
		unsigned long old;
		unsigned long new;
		bool flush;
	} cases[] = {
		{ 0, 0, false },
		{ 0, X86_CR4_PGE, true },
		{ X86_CR4_PGE, 0, true },
		{ 0, PAE, true },
		{ 0, X86_CR4_PSE, true },
		{ X86_CR4_LA57, 0, true },
		{ 0, X86_CR4_PCIDE, false },
		{ X86_CR4_PCIDE, 0, true },
		{ 0, X86_CR4_SMEP, true },
		{ X86_CR4_SMEP, 0, false },
		{ 0, X86_CR4_SMAP | X86_CR4_PKE | X86_CR4_UMIP | X86_CR4_OSXSAVE, false },
		{ X86_CR4_PGE, X86_CR4_PGE | X86_CR4_OSFXSR, false },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		KUNIT_EXPECT_EQ_MSG(test, kvm_cr4_change_flushes(cases[i].old, cases[i].new),
				    cases[i].flush, "%lx -> %lx", cases[i].old, cases[i].new);
}

static void pdptr_loads(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, kvm_cr0_change_loads_pdptrs(PE, PE | PG));
	KUNIT_EXPECT_TRUE(test, kvm_cr0_change_loads_pdptrs(PE | PG, PE | PG | X86_CR0_CD));
	KUNIT_EXPECT_FALSE(test, kvm_cr0_change_loads_pdptrs(PE | PG, PE | PG | X86_CR0_WP));
	KUNIT_EXPECT_FALSE(test, kvm_cr0_change_loads_pdptrs(PE | PG, PE));
	KUNIT_EXPECT_TRUE(test, kvm_cr4_change_loads_pdptrs(0, PAE));
	KUNIT_EXPECT_TRUE(test, kvm_cr4_change_loads_pdptrs(PAE, PAE | X86_CR4_PGE));
	KUNIT_EXPECT_FALSE(test, kvm_cr4_change_loads_pdptrs(PAE, PAE | X86_CR4_OSFXSR));
	KUNIT_EXPECT_FALSE(test, kvm_cr4_change_loads_pdptrs(PAE, 0));
}

/* A guest in protected mode without paging, with every feature. */
static int cr_init(struct kunit *test)
{
	struct kvm_vcpu *vcpu = fake_vcpu_create(test, fake_vm_create(test));
	struct kvm_segment cs;

	vcpu->cpuid_caps = ~0U;
	vcpu->cr4_guest_rsvd_bits = 0;
	vcpu->reserved_gpa_bits = GENMASK_ULL(63, 40);
	kvm_install_cr0(vcpu, PE | X86_CR0_ET);
	kvm_install_cr3(vcpu, 0);
	kvm_install_cr4(vcpu, 0);
	kvm_install_efer(vcpu, 0);
	kvm_x86_get_segment(vcpu, &cs, VCPU_SREG_CS);
	cs.l = 0;
	cs.db = 1;
	kvm_x86_set_segment(vcpu, &cs, VCPU_SREG_CS);
	vcpu->requests = 0;
	test->priv = vcpu;
	return 0;
}

static void long_mode_on_and_off(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	KUNIT_ASSERT_EQ(test, kvm_set_efer(vcpu, LME, false), 0);
	KUNIT_EXPECT_FALSE(test, is_long_mode(vcpu));

	/* Paging without PAE is refused and changes nothing. */
	KUNIT_EXPECT_EQ(test, kvm_set_cr0(vcpu, PE | PG), 1);
	KUNIT_EXPECT_FALSE(test, is_paging(vcpu));
	KUNIT_EXPECT_FALSE(test, is_long_mode(vcpu));

	KUNIT_ASSERT_EQ(test, kvm_set_cr4(vcpu, PAE), 0);
	KUNIT_ASSERT_EQ(test, kvm_set_cr0(vcpu, PE | PG), 0);
	KUNIT_EXPECT_TRUE(test, is_long_mode(vcpu));
	KUNIT_EXPECT_EQ(test, vcpu->efer, LME | LMA);
	KUNIT_EXPECT_TRUE(test, kvm_test_request(KVM_REQ_TLB_FLUSH_GUEST, vcpu));

	/* In long mode: PAE stays, LME stays, LA57 stays. */
	KUNIT_EXPECT_EQ(test, kvm_set_cr4(vcpu, 0), 1);
	KUNIT_EXPECT_EQ(test, kvm_set_cr4(vcpu, PAE | X86_CR4_LA57), 1);
	KUNIT_EXPECT_EQ(test, kvm_read_cr4(vcpu), PAE);
	KUNIT_EXPECT_EQ(test, kvm_set_efer(vcpu, 0, false), 1);
	KUNIT_EXPECT_EQ(test, kvm_set_efer(vcpu, LME | EFER_SCE, false), 0);
	KUNIT_EXPECT_EQ(test, vcpu->efer, LME | LMA | EFER_SCE);

	KUNIT_ASSERT_EQ(test, kvm_set_cr0(vcpu, PE), 0);
	KUNIT_EXPECT_EQ(test, vcpu->efer, LME | EFER_SCE);
}

/* CS.L before long mode is active would make CS 64-bit at once: refused. */
static void long_mode_needs_plain_cs(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	struct kvm_segment cs;

	kvm_x86_get_segment(vcpu, &cs, VCPU_SREG_CS);
	cs.l = 1;
	cs.db = 0;
	kvm_x86_set_segment(vcpu, &cs, VCPU_SREG_CS);
	KUNIT_ASSERT_EQ(test, kvm_set_efer(vcpu, LME, false), 0);
	KUNIT_ASSERT_EQ(test, kvm_set_cr4(vcpu, PAE), 0);
	KUNIT_EXPECT_EQ(test, kvm_set_cr0(vcpu, PE | PG), 1);
	KUNIT_EXPECT_FALSE(test, is_paging(vcpu));
}

/* Paging cannot be left from 64-bit code. */
static void no_paging_off_in_64_bit_code(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	struct kvm_segment cs;

	KUNIT_ASSERT_EQ(test, kvm_set_efer(vcpu, LME, false), 0);
	KUNIT_ASSERT_EQ(test, kvm_set_cr4(vcpu, PAE), 0);
	KUNIT_ASSERT_EQ(test, kvm_set_cr0(vcpu, PE | PG), 0);
	kvm_x86_get_segment(vcpu, &cs, VCPU_SREG_CS);
	cs.l = 1;
	cs.db = 0;
	kvm_x86_set_segment(vcpu, &cs, VCPU_SREG_CS);
	KUNIT_EXPECT_EQ(test, kvm_set_cr0(vcpu, PE), 1);
	KUNIT_EXPECT_TRUE(test, is_paging(vcpu));
}

static void pcid_rules(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	KUNIT_EXPECT_EQ(test, kvm_set_cr4(vcpu, PAE | X86_CR4_PCIDE), 1);

	KUNIT_ASSERT_EQ(test, kvm_set_efer(vcpu, LME, false), 0);
	KUNIT_ASSERT_EQ(test, kvm_set_cr4(vcpu, PAE), 0);
	KUNIT_ASSERT_EQ(test, kvm_set_cr0(vcpu, PE | PG), 0);
	KUNIT_ASSERT_EQ(test, kvm_set_cr3(vcpu, 0x1001), 0);
	KUNIT_EXPECT_EQ(test, kvm_set_cr4(vcpu, PAE | X86_CR4_PCIDE), 1);
	KUNIT_ASSERT_EQ(test, kvm_set_cr3(vcpu, 0x1000), 0);
	KUNIT_ASSERT_EQ(test, kvm_set_cr4(vcpu, PAE | X86_CR4_PCIDE), 0);

	/* Bit 63 keeps translations and is not stored. */
	vcpu->requests = 0;
	KUNIT_EXPECT_EQ(test, kvm_set_cr3(vcpu, 0x2001 | X86_CR3_PCID_NOFLUSH), 0);
	KUNIT_EXPECT_EQ(test, kvm_read_cr3(vcpu), 0x2001);
	KUNIT_EXPECT_FALSE(test, kvm_test_request(KVM_REQ_TLB_FLUSH_GUEST, vcpu));
	KUNIT_EXPECT_EQ(test, kvm_set_cr3(vcpu, 0x3001), 0);
	KUNIT_EXPECT_TRUE(test, kvm_test_request(KVM_REQ_TLB_FLUSH_GUEST, vcpu));

	/* And paging is not left while PCIDE is set. */
	KUNIT_EXPECT_EQ(test, kvm_set_cr0(vcpu, PE), 1);
}

static void cr3_width(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	KUNIT_ASSERT_EQ(test, kvm_set_efer(vcpu, LME, false), 0);
	KUNIT_ASSERT_EQ(test, kvm_set_cr4(vcpu, PAE), 0);
	KUNIT_ASSERT_EQ(test, kvm_set_cr0(vcpu, PE | PG), 0);
	KUNIT_EXPECT_EQ(test, kvm_set_cr3(vcpu, BIT_ULL(39)), 0);
	KUNIT_EXPECT_EQ(test, kvm_set_cr3(vcpu, BIT_ULL(40)), 1);
	KUNIT_EXPECT_EQ(test, kvm_set_cr3(vcpu, X86_CR3_PCID_NOFLUSH), 1);
	KUNIT_EXPECT_EQ(test, kvm_read_cr3(vcpu), BIT_ULL(39));
}

/* PAE paging goes on only with well-formed PDPTEs where CR3 points. */
static void pae_needs_valid_pdptes(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	u64 pdptes[4] = { 0x1000 | BIT(1) | BIT(0) };
	int idx;

	fake_add_slot(test, vcpu->kvm, 0, 0, PAGE_SIZE, 0);
	idx = srcu_read_lock(&vcpu->kvm->srcu);
	KUNIT_EXPECT_EQ(test, kvm_write_guest(vcpu->kvm, 0, pdptes, sizeof(pdptes)), 0);
	KUNIT_EXPECT_EQ(test, kvm_set_cr4(vcpu, PAE), 0);
	KUNIT_EXPECT_EQ(test, kvm_set_cr0(vcpu, PE | PG), 1);
	KUNIT_EXPECT_FALSE(test, is_paging(vcpu));

	pdptes[0] = 0x1001;
	KUNIT_EXPECT_EQ(test, kvm_write_guest(vcpu->kvm, 0, pdptes, sizeof(pdptes)), 0);
	KUNIT_EXPECT_EQ(test, kvm_set_cr0(vcpu, PE | PG), 0);
	KUNIT_EXPECT_TRUE(test, is_paging(vcpu));
	KUNIT_EXPECT_FALSE(test, is_long_mode(vcpu));
	srcu_read_unlock(&vcpu->kvm->srcu, idx);
}

/* Hardware gets the PDPTEs when a CPU would read them, neither more often nor less. */
static void pae_loads_pdptes(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	u64 pdptes[4] = { 0x1000 | BIT(0) };
	struct kvm_sregs sregs;
	static const struct {
		int (*set)(struct kvm_vcpu *vcpu, unsigned long value);
		unsigned long value;
		bool loads;
	} writes[] = {
		{ kvm_set_cr0, PE | PG, true },
		{ kvm_set_cr0, PE | PG | X86_CR0_WP, false },
		{ kvm_set_cr0, PE | PG | X86_CR0_TS, false },
		{ kvm_set_cr0, PE | PG | X86_CR0_CD, true },
		{ kvm_set_cr4, PAE | X86_CR4_OSFXSR, false },
		{ kvm_set_cr4, PAE | X86_CR4_PGE, true },
		{ kvm_set_cr3, 0x20, true },
		{ kvm_set_cr0, PE, false },
		{ kvm_set_cr0, PE | PG, true },
	};
	unsigned int i, before;
	int idx;

	fake_add_slot(test, vcpu->kvm, 0, 0, PAGE_SIZE, 0);
	vcpu->cr4_guest_rsvd_bits = 0;
	idx = srcu_read_lock(&vcpu->kvm->srcu);
	KUNIT_EXPECT_EQ(test, kvm_write_guest(vcpu->kvm, 0, pdptes, sizeof(pdptes)), 0);
	KUNIT_EXPECT_EQ(test, kvm_set_cr4(vcpu, PAE), 0);
	for (i = 0; i < ARRAY_SIZE(writes); i++) {
		before = to_fake(vcpu)->pdptr_loads;
		KUNIT_EXPECT_EQ_MSG(test, writes[i].set(vcpu, writes[i].value), 0, "write %u", i);
		KUNIT_EXPECT_EQ_MSG(test, to_fake(vcpu)->pdptr_loads - before, writes[i].loads,
				    "write %u", i);
	}
	srcu_read_unlock(&vcpu->kvm->srcu, idx);

	/* EFER is none of it; userspace's state is all new. */
	before = to_fake(vcpu)->pdptr_loads;
	KUNIT_EXPECT_EQ(test, kvm_set_efer(vcpu, EFER_NX, true), 0);
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->pdptr_loads, before);
	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_get_sregs(vcpu, &sregs), 0);
	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_set_sregs(vcpu, &sregs), 0);
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->pdptr_loads, before + 1);
}

/* Where the CPU keeps PDPTEs, those count, and not what the table says by now. */
static void pdptes_of_the_cpu(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	struct fake_vcpu *fake = to_fake(vcpu);
	const u64 table[4] = { 0x5001 }, page[1] = { 0x83 };
	struct kvm_translation tr = { .linear_address = 0x1234 };
	struct kvm_sregs2 sregs2 = { };
	int idx;

	fake_add_slot(test, vcpu->kvm, 0, 0, 2 * PAGE_SIZE, 0);
	idx = srcu_read_lock(&vcpu->kvm->srcu);
	KUNIT_EXPECT_EQ(test, kvm_write_guest(vcpu->kvm, 0, table, sizeof(table)), 0);
	KUNIT_EXPECT_EQ(test, kvm_write_guest(vcpu->kvm, PAGE_SIZE, page, sizeof(page)), 0);
	KUNIT_EXPECT_EQ(test, kvm_set_cr4(vcpu, PAE), 0);
	KUNIT_EXPECT_EQ(test, kvm_set_cr0(vcpu, PE | PG), 0);
	srcu_read_unlock(&vcpu->kvm->srcu, idx);

	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_translate(vcpu, &tr), 0);
	KUNIT_EXPECT_FALSE(test, tr.valid);
	fake->keeps_pdptes = true;
	fake->pdptes[0] = 0x1001;
	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_translate(vcpu, &tr), 0);
	KUNIT_EXPECT_TRUE(test, tr.valid);
	KUNIT_EXPECT_EQ(test, tr.physical_address, 0x1234ULL);

	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_get_sregs2(vcpu, &sregs2), 0);
	KUNIT_EXPECT_EQ(test, sregs2.flags, (u64)KVM_SREGS2_FLAGS_PDPTRS_VALID);
	KUNIT_EXPECT_EQ(test, sregs2.pdptrs[0], 0x1001ULL);
	sregs2.pdptrs[0] = 0x3001;
	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_set_sregs2(vcpu, &sregs2), 0);
	KUNIT_EXPECT_EQ(test, fake->pdptes[0], 0x3001ULL);
}

static void refused_writes(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	KUNIT_EXPECT_EQ(test, kvm_set_cr0(vcpu, PE | X86_CR0_NW), 1);
	KUNIT_EXPECT_EQ(test, kvm_read_cr0(vcpu), PE | X86_CR0_ET);
	vcpu->cr4_guest_rsvd_bits = X86_CR4_SMEP;
	KUNIT_EXPECT_EQ(test, kvm_set_cr4(vcpu, X86_CR4_SMEP), 1);
	KUNIT_EXPECT_EQ(test, kvm_read_cr4(vcpu), 0);
	KUNIT_EXPECT_EQ(test, kvm_set_cr8(vcpu, 15), 0);
	KUNIT_EXPECT_EQ(test, kvm_set_cr8(vcpu, 16), 1);
	KUNIT_EXPECT_EQ(test, kvm_get_cr8(vcpu), 15);
	KUNIT_EXPECT_EQ(test, kvm_set_efer(vcpu, EFER_SVME, true), 1);
	KUNIT_EXPECT_EQ(test, vcpu->efer, 0);

	/* Features the guest's CPUID lacks, though the host has them. */
	vcpu->cpuid_caps = 0;
	KUNIT_EXPECT_EQ(test, kvm_set_efer(vcpu, LME, false), 1);
	KUNIT_EXPECT_EQ(test, kvm_set_efer(vcpu, LME, true), 0);
}

static void xcr_rules(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	vcpu->xcr0 = XFEATURE_MASK_FP;
	vcpu->guest_supported_xcr0 = XFEATURE_MASK_FP | XFEATURE_MASK_SSE;
	KUNIT_EXPECT_EQ(test, kvm_set_xcr(vcpu, 1, XFEATURE_MASK_FP), 1);
	KUNIT_EXPECT_EQ(test, kvm_set_xcr(vcpu, 0, XFEATURE_MASK_SSE), 1);
	KUNIT_EXPECT_EQ(test, kvm_set_xcr(vcpu, 0, XFEATURE_MASK_FP | XFEATURE_MASK_YMM), 1);
	KUNIT_EXPECT_EQ(test, vcpu->xcr0, XFEATURE_MASK_FP);
	KUNIT_EXPECT_EQ(test, kvm_set_xcr(vcpu, 0, XFEATURE_MASK_FP | XFEATURE_MASK_SSE), 0);
	KUNIT_EXPECT_EQ(test, vcpu->xcr0, XFEATURE_MASK_FP | XFEATURE_MASK_SSE);
}

static struct kunit_case cr_rule_cases[] = {
	KUNIT_CASE(cr0_legal),
	KUNIT_CASE(mode_legal),
	KUNIT_CASE(xcr0_legal),
	KUNIT_CASE(efer_legal),
	KUNIT_CASE(cr4_flushes),
	KUNIT_CASE(pdptr_loads),
	{}
};

static struct kunit_case cr_write_cases[] = {
	KUNIT_CASE(long_mode_on_and_off),
	KUNIT_CASE(long_mode_needs_plain_cs),
	KUNIT_CASE(no_paging_off_in_64_bit_code),
	KUNIT_CASE(pcid_rules),
	KUNIT_CASE(cr3_width),
	KUNIT_CASE(pae_needs_valid_pdptes),
	KUNIT_CASE(pae_loads_pdptes),
	KUNIT_CASE(pdptes_of_the_cpu),
	KUNIT_CASE(refused_writes),
	KUNIT_CASE(xcr_rules),
	{}
};

static struct kunit_suite cr_rule_suite = {
	.name = "cr_rules",
	.test_cases = cr_rule_cases,
};

static struct kunit_suite cr_write_suite = {
	.name = "cr_writes",
	.init = cr_init,
	.test_cases = cr_write_cases,
};

kunit_test_suites(&cr_rule_suite, &cr_write_suite);
