// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's page tables (core/mmu/walk.c): the rules as tables, then walks
 * through tables in guest memory in every paging mode.
 */
#include <kunit/test.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/srcu.h>
#include <linux/uaccess.h>

#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "core/memslot.h"
#include "core/mmu/walk.h"
#include "core/vcpu.h"
#include "core/vm.h"
#include "tests/fake/fake.h"

#define P	GUEST_PTE_P
#define W	GUEST_PTE_W
#define U	GUEST_PTE_U
#define A	GUEST_PTE_A
#define D	GUEST_PTE_D
#define PS	GUEST_PTE_PS
#define NX	GUEST_PTE_NX

#define RD	0
#define WR	GUEST_ACCESS_WRITE
#define EX	GUEST_ACCESS_FETCH
#define USER	GUEST_ACCESS_USER
#define IMPL	GUEST_ACCESS_IMPLICIT

struct rights_case {
	const char *name;
	struct guest_mmu mmu;
	u64 rights;
	u32 access;
	bool allowed;
};

/* Rows of the table above guest_pte_allows(), and what switches each of them. */
static const struct rights_case rights_cases[] = {
	{ "user reads user page", {}, U, USER | RD, true },
	{ "user writes user page", {}, U | W, USER | WR, true },
	{ "user writes read-only user page", {}, U, USER | WR, false },
	{ "user writes read-only user page, WP", { .wp = true }, U, USER | WR, false },
	{ "user fetches user page", {}, U, USER | EX, true },
	{ "user fetches NX page", { .nxe = true }, U | NX, USER | EX, false },
	{ "user fetches page with bit 63, NXE off", {}, U | NX, USER | EX, true },
	{ "user fetches user page, SMEP", { .smep = true }, U, USER | EX, true },
	{ "user reads user page, SMAP", { .smap = true }, U, USER | RD, true },
	{ "user reads supervisor page", {}, W, USER | RD, false },
	{ "user writes supervisor page", {}, W, USER | WR, false },
	{ "user fetches supervisor page", {}, W, USER | EX, false },
	{ "supervisor reads", {}, 0, RD, true },
	{ "supervisor writes", { .wp = true }, W, WR, true },
	{ "supervisor writes read-only page", {}, 0, WR, true },
	{ "supervisor writes read-only page, WP", { .wp = true }, 0, WR, false },
	{ "supervisor writes read-only user page", {}, U, WR, true },
	{ "supervisor writes read-only user page, WP", { .wp = true }, U, WR, false },
	{ "supervisor fetches", { .smep = true }, W, EX, true },
	{ "supervisor fetches NX page", { .nxe = true }, W | NX, EX, false },
	{ "supervisor fetches user page", {}, U, EX, true },
	{ "supervisor fetches user page, SMEP", { .smep = true }, U, EX, false },
	{ "supervisor reads user page, SMEP", { .smep = true }, U, RD, true },
	{ "supervisor reads user page, SMAP", { .smap = true }, U, RD, false },
	{ "supervisor writes user page, SMAP", { .smap = true }, U | W, WR, false },
	{ "supervisor reads user page, SMAP, AC", { .smap = true, .ac = true }, U, RD, true },
	{ "supervisor fetches user page, SMAP", { .smap = true }, U, EX, true },
	{ "supervisor reads its own page, SMAP", { .smap = true }, W, RD, true },
	{ "implicit access to user page, SMAP, AC",
	  { .smap = true, .ac = true }, U, IMPL, false },
	{ "implicit access at CPL 3 to supervisor page", {}, W, IMPL | USER, true },
};

static void walk_rights(struct kunit *test)
{
	const struct rights_case *c;
	int i;

	for (i = 0; i < ARRAY_SIZE(rights_cases); i++) {
		c = &rights_cases[i];
		KUNIT_EXPECT_EQ_MSG(test, guest_pte_allows(&c->mmu, c->rights, c->access),
				    c->allowed, "%s", c->name);
	}
}

static void walk_combines_rights(struct kunit *test)
{
	u64 all = W | U;

	KUNIT_EXPECT_EQ(test, guest_pte_combine(all, P | W | U | A | D), W | U);
	KUNIT_EXPECT_EQ(test, guest_pte_combine(all, P | W), W);
	KUNIT_EXPECT_EQ(test, guest_pte_combine(all, P | U), U);
	KUNIT_EXPECT_EQ(test, guest_pte_combine(U, P | W | U), U);
	KUNIT_EXPECT_EQ(test, guest_pte_combine(all, P | W | U | NX), W | U | NX);
	/* What one level denies no other grants. */
	KUNIT_EXPECT_EQ(test, guest_pte_combine(W | U | NX, P | W | U), W | U | NX);
}

struct pkey_case {
	const char *name;
	bool pke;
	bool wp;
	u32 pkru;
	u64 rights;
	unsigned int key;
	u32 access;
	bool allowed;
};

#define PKRU_AD(key)	(1U << 2 * (key))
#define PKRU_WD(key)	(2U << 2 * (key))

static const struct pkey_case pkey_cases[] = {
	{ "no restriction", true, true, 0, U | W, 5, USER | WR, true },
	{ "another key", true, true, PKRU_AD(4) | PKRU_AD(6), U | W, 5, USER | RD, true },
	{ "access disabled, read", true, true, PKRU_AD(5), U | W, 5, USER | RD, false },
	{ "access disabled, write", true, true, PKRU_AD(5), U | W, 5, USER | WR, false },
	{ "access disabled, fetch", true, true, PKRU_AD(5), U | W, 5, USER | EX, true },
	{ "write disabled, read", true, true, PKRU_WD(5), U | W, 5, USER | RD, true },
	{ "write disabled, write", true, true, PKRU_WD(5), U | W, 5, USER | WR, false },
	{ "write disabled, user write, no WP", true, false, PKRU_WD(5), U | W, 5, USER | WR,
	  false },
	{ "write disabled, supervisor write, WP", true, true, PKRU_WD(5), U | W, 5, WR, false },
	{ "write disabled, supervisor write, no WP", true, false, PKRU_WD(5), U | W, 5, WR,
	  true },
	{ "access disabled, supervisor read", true, true, PKRU_AD(5), U | W, 5, RD, false },
	{ "supervisor page", true, true, PKRU_AD(5), W, 5, RD, true },
	{ "key 15", true, true, PKRU_AD(15), U | W, 15, USER | RD, false },
	{ "keys off", false, true, ~0U, U | W, 5, USER | WR, true },
};

static void walk_protection_keys(struct kunit *test)
{
	const struct pkey_case *c;
	int i;

	for (i = 0; i < ARRAY_SIZE(pkey_cases); i++) {
		struct guest_mmu mmu;

		c = &pkey_cases[i];
		mmu = (struct guest_mmu) {
			.paging = GUEST_PAGING_4LEVEL,
			.pke = c->pke, .wp = c->wp, .pkru = c->pkru,
		};
		KUNIT_EXPECT_EQ_MSG(test,
				    guest_pkey_allows(&mmu, c->rights,
						      (u64)c->key << GUEST_PTE_PKEY_SHIFT,
						      c->access),
				    c->allowed, "%s", c->name);
	}
}

struct rsvd_case {
	const char *name;
	struct guest_mmu mmu;
	int level;
	u64 pte;
	bool reserved;
};

#define MMU32(phys, pse_)	\
	{ .paging = GUEST_PAGING_32BIT, .maxphyaddr = (phys), .pse = (pse_) }
#define MMUPAE(nxe_)		\
	{ .paging = GUEST_PAGING_PAE, .maxphyaddr = 40, .nxe = (nxe_) }
#define MMU64(phys, gb, amd_)	\
	{ .paging = GUEST_PAGING_4LEVEL, .maxphyaddr = (phys), .gbpages = (gb), .amd = (amd_) }

static const struct rsvd_case rsvd_cases[] = {
	{ "32-bit PTE", MMU32(36, true), 1, 0xfffffffb | P, false },
	{ "32-bit PDE", MMU32(36, true), 2, 0xffffff7b | P, false },
	{ "4 MiB page", MMU32(36, true), 2, PS | P, false },
	{ "4 MiB page, address bit 35", MMU32(36, true), 2, PS | P | BIT_ULL(16), false },
	{ "4 MiB page, address bit 36", MMU32(36, true), 2, PS | P | BIT_ULL(17), true },
	{ "4 MiB page, address bit 36 of 40", MMU32(40, true), 2, PS | P | BIT_ULL(17),
	  false },
	{ "4 MiB page, bit 21", MMU32(52, true), 2, PS | P | BIT_ULL(21), true },
	{ "PS without PSE", MMU32(36, false), 2, PS | P | BIT_ULL(21), false },
	{ "PAE PDPTE", MMUPAE(false), 3, P | BIT_ULL(39), false },
	{ "PAE PDPTE, writable", MMUPAE(false), 3, P | W, true },
	{ "PAE PDPTE, user", MMUPAE(false), 3, P | U, true },
	{ "PAE PDPTE, accessed", MMUPAE(false), 3, P | A, false },
	{ "PAE PDPTE, PS", MMUPAE(false), 3, P | PS, true },
	{ "PAE PDPTE, bit 8", MMUPAE(false), 3, P | BIT_ULL(8), true },
	{ "PAE PDPTE, NX", MMUPAE(true), 3, P | NX, true },
	{ "PAE PDPTE, address too wide", MMUPAE(false), 3, P | BIT_ULL(40), true },
	{ "PAE PDE, bit 52", MMUPAE(false), 2, P | BIT_ULL(52), true },
	{ "PAE PTE, NX", MMUPAE(true), 1, P | NX, false },
	{ "PAE PTE, NX off", MMUPAE(false), 1, P | NX, true },
	{ "PAE 2 MiB page, bit 13", MMUPAE(false), 2, P | PS | BIT_ULL(13), true },
	{ "PAE 2 MiB page, PAT", MMUPAE(false), 2, P | PS | BIT_ULL(12), false },
	{ "PML4E", MMU64(40, true, false), 4, P | W | U | A, false },
	{ "PML4E, PS", MMU64(40, true, false), 4, P | PS, true },
	{ "PML4E, bit 8", MMU64(40, true, false), 4, P | BIT_ULL(8), false },
	{ "PML4E, bit 8 on AMD", MMU64(40, true, true), 4, P | BIT_ULL(8), true },
	{ "PML4E, available bits", MMU64(40, true, false), 4, P | GENMASK_ULL(62, 52), false },
	{ "1 GiB page", MMU64(40, true, false), 3, P | PS | BIT_ULL(30), false },
	{ "1 GiB page, bit 29", MMU64(40, true, false), 3, P | PS | BIT_ULL(29), true },
	{ "1 GiB page, unknown to the CPU", MMU64(40, false, false), 3, P | PS, true },
	{ "PDPTE, bit 8 on AMD", MMU64(40, true, true), 3, P | BIT_ULL(8), false },
	{ "2 MiB page, bit 20", MMU64(40, true, false), 2, P | PS | BIT_ULL(20), true },
	{ "PTE, PAT", MMU64(40, true, false), 1, P | BIT_ULL(7), false },
	{ "PTE, protection key", MMU64(40, true, false), 1, P | GENMASK_ULL(62, 59), false },
	{ "PTE, last address bit", MMU64(40, true, false), 1, P | BIT_ULL(39), false },
	{ "PTE, address too wide", MMU64(40, true, false), 1, P | BIT_ULL(40), true },
	{ "PTE, bit 51", MMU64(40, true, false), 1, P | BIT_ULL(51), true },
	{ "PTE, bit 51 of 52", MMU64(52, true, false), 1, P | BIT_ULL(51), false },
};

static void walk_reserved_bits(struct kunit *test)
{
	const struct rsvd_case *c;
	u64 rsvd;
	int i;

	for (i = 0; i < ARRAY_SIZE(rsvd_cases); i++) {
		c = &rsvd_cases[i];
		rsvd = guest_pte_rsvd_bits(&c->mmu, c->pte, c->level);
		KUNIT_EXPECT_EQ_MSG(test, !!(c->pte & rsvd), c->reserved, "%s", c->name);
	}
}

static void walk_error_codes(struct kunit *test)
{
	struct guest_mmu plain = {}, nxe = { .nxe = true }, smep = { .smep = true };

	KUNIT_EXPECT_EQ(test, guest_error_code(&plain, RD, 0), 0);
	KUNIT_EXPECT_EQ(test, guest_error_code(&plain, USER | WR, GUEST_PFERR_P),
			GUEST_PFERR_P | GUEST_PFERR_W | GUEST_PFERR_U);
	/* A fetch is told apart only if something distinguishes fetches. */
	KUNIT_EXPECT_EQ(test, guest_error_code(&plain, EX, 0), 0);
	KUNIT_EXPECT_EQ(test, guest_error_code(&nxe, EX, 0), GUEST_PFERR_I);
	KUNIT_EXPECT_EQ(test, guest_error_code(&smep, EX, 0), GUEST_PFERR_I);
	KUNIT_EXPECT_EQ(test, guest_error_code(&plain, IMPL | USER, GUEST_PFERR_P), GUEST_PFERR_P);
}

/*
 * Guest memory: 1 MiB at 0. The tables of each test start at 64 KiB.
 */
#define TABLE(n)	(0x10000UL + (n) * 0x1000UL)

struct walk_ctx {
	struct kvm_vcpu *vcpu;
	struct kvm *kvm;
};

static void put_entry(struct kunit *test, gpa_t gpa, u64 val, int size)
{
	struct walk_ctx *ctx = test->priv;
	int idx = srcu_read_lock(&ctx->kvm->srcu);
	int err = kvm_write_guest(ctx->kvm, gpa, &val, size);

	srcu_read_unlock(&ctx->kvm->srcu, idx);
	KUNIT_ASSERT_EQ(test, err, 0);
}

static u64 get_entry(struct kunit *test, gpa_t gpa, int size)
{
	struct walk_ctx *ctx = test->priv;
	int idx = srcu_read_lock(&ctx->kvm->srcu);
	u64 val = 0;
	int err = kvm_read_guest(ctx->kvm, gpa, &val, size);

	srcu_read_unlock(&ctx->kvm->srcu, idx);
	KUNIT_ASSERT_EQ(test, err, 0);
	return val;
}

static void set_mode(struct kunit *test, unsigned long cr0, unsigned long cr4, u64 efer)
{
	struct kvm_vcpu *vcpu = ((struct walk_ctx *)test->priv)->vcpu;

	vcpu->cr0 = X86_CR0_PE | X86_CR0_PG | cr0;
	vcpu->cr4 = cr4;
	vcpu->efer = efer;
	vcpu->cr3 = TABLE(0);
	vcpu->maxphyaddr = 40;
	vcpu->regs_avail = ~0U;
}

/* The translation, or minus the error code minus one. */
static s64 walk(struct kunit *test, gva_t gva, u32 access)
{
	struct walk_ctx *ctx = test->priv;
	int idx = srcu_read_lock(&ctx->kvm->srcu);
	u32 error_code = ~0U;
	gpa_t gpa = 0;
	int err = guest_walk(ctx->vcpu, gva, access, &gpa, &error_code);

	srcu_read_unlock(&ctx->kvm->srcu, idx);
	return err ? -1 - (s64)error_code : gpa;
}

static bool pdptrs_valid(struct kunit *test, unsigned long cr3)
{
	struct walk_ctx *ctx = test->priv;
	int idx = srcu_read_lock(&ctx->kvm->srcu);
	bool valid = guest_pdptrs_valid(ctx->vcpu, cr3);

	srcu_read_unlock(&ctx->kvm->srcu, idx);
	return valid;
}

#define FAULT(code)	(-1 - (s64)(code))

static void walk_no_paging(struct kunit *test)
{
	struct kvm_vcpu *vcpu = ((struct walk_ctx *)test->priv)->vcpu;

	set_mode(test, 0, 0, 0);
	vcpu->cr0 = X86_CR0_PE;
	KUNIT_EXPECT_EQ(test, walk(test, 0x12345678, USER | WR), 0x12345678);
	KUNIT_EXPECT_EQ(test, walk(test, 0x1fffff000UL, RD), 0xfffff000);
}

static void walk_32bit(struct kunit *test)
{
	set_mode(test, X86_CR0_WP, X86_CR4_PSE, 0);
	put_entry(test, TABLE(0) + 4 * 1, TABLE(1) | P | W | U, 4);
	put_entry(test, TABLE(1) + 4 * 2, 0x5000 | P | U, 4);
	put_entry(test, TABLE(0) + 4 * 3, 0x00800000 | BIT(13) | P | W | PS, 4);

	KUNIT_EXPECT_EQ(test, walk(test, 0x00402123, USER | RD), 0x5123);
	KUNIT_EXPECT_EQ(test, get_entry(test, TABLE(0) + 4, 4), TABLE(1) | P | W | U | A);
	KUNIT_EXPECT_EQ(test, get_entry(test, TABLE(1) + 8, 4), 0x5000 | P | U | A);
	KUNIT_EXPECT_EQ(test, walk(test, 0x00402123, USER | WR),
			FAULT(GUEST_PFERR_P | GUEST_PFERR_W | GUEST_PFERR_U));
	KUNIT_EXPECT_EQ(test, walk(test, 0x00403123, WR), FAULT(GUEST_PFERR_W));
	/* PSE-36: bit 13 is address bit 32. */
	KUNIT_EXPECT_EQ(test, walk(test, 0x00dabcde, WR), 0x1009abcdeLL);
	KUNIT_EXPECT_EQ(test, get_entry(test, TABLE(0) + 12, 4),
			0x00800000 | BIT(13) | P | W | PS | A | D);
	KUNIT_EXPECT_EQ(test, walk(test, 0x00dabcde, USER | RD),
			FAULT(GUEST_PFERR_P | GUEST_PFERR_U));
}

static void walk_pae(struct kunit *test)
{
	struct kvm_vcpu *vcpu = ((struct walk_ctx *)test->priv)->vcpu;
	gva_t gva = 0x40000000 + 3 * SZ_2M + 4 * SZ_4K + 5;

	set_mode(test, X86_CR0_WP, X86_CR4_PAE, EFER_NX);
	vcpu->cr3 = TABLE(0) + 0x20;	/* 32-byte aligned is enough */
	put_entry(test, TABLE(0) + 0x20 + 8, TABLE(1) | P, 8);
	put_entry(test, TABLE(1) + 8 * 3, TABLE(2) | P | W | U, 8);
	put_entry(test, TABLE(2) + 8 * 4, 0x7000 | P | W | NX, 8);
	put_entry(test, TABLE(1) + 8 * 4, 2 * SZ_2M | P | W | PS, 8);

	KUNIT_EXPECT_TRUE(test, pdptrs_valid(test, vcpu->cr3));
	KUNIT_EXPECT_EQ(test, walk(test, gva, WR), 0x7005);
	/* A page-directory pointer has no accessed bit. */
	KUNIT_EXPECT_EQ(test, get_entry(test, TABLE(0) + 0x28, 8), TABLE(1) | P);
	KUNIT_EXPECT_EQ(test, get_entry(test, TABLE(2) + 32, 8), 0x7000 | P | W | NX | A | D);
	KUNIT_EXPECT_EQ(test, walk(test, gva, EX), FAULT(GUEST_PFERR_P | GUEST_PFERR_I));
	KUNIT_EXPECT_EQ(test, walk(test, 0x40000000 + 4 * SZ_2M + 0x12345, RD),
			2 * SZ_2M + 0x12345);
	KUNIT_EXPECT_EQ(test, walk(test, 0x80000000, RD), FAULT(0));

	put_entry(test, TABLE(0) + 0x20 + 16, TABLE(1) | P | W, 8);
	KUNIT_EXPECT_FALSE(test, pdptrs_valid(test, vcpu->cr3));
	KUNIT_EXPECT_EQ(test, walk(test, 0x80000000, RD),
			FAULT(GUEST_PFERR_P | GUEST_PFERR_RSVD));
	KUNIT_EXPECT_FALSE(test, pdptrs_valid(test, 0x7ff00000));
}

static void walk_4level(struct kunit *test)
{
	struct kvm_vcpu *vcpu = ((struct walk_ctx *)test->priv)->vcpu;
	gva_t gva = 0xffff800000000000UL | 1UL << 30 | 2UL << 21 | 3UL << 12 | 4;

	set_mode(test, X86_CR0_WP, X86_CR4_PAE | X86_CR4_PKE, EFER_LMA | EFER_LME | EFER_NX);
	put_entry(test, TABLE(0) + 8 * 256, TABLE(1) | P | W | U, 8);
	put_entry(test, TABLE(1) + 8 * 1, TABLE(2) | P | W | U, 8);
	put_entry(test, TABLE(2) + 8 * 2, TABLE(3) | P | W | U, 8);
	put_entry(test, TABLE(3) + 8 * 3,
		  0x8000 | P | W | U | (u64)9 << GUEST_PTE_PKEY_SHIFT, 8);

	/* Looking only leaves no trace. */
	KUNIT_EXPECT_EQ(test, walk(test, gva, GUEST_ACCESS_NO_AD | WR), 0x8004);
	KUNIT_EXPECT_EQ(test, get_entry(test, TABLE(0) + 8 * 256, 8), TABLE(1) | P | W | U);
	KUNIT_EXPECT_EQ(test, walk(test, gva, USER | RD), 0x8004);
	KUNIT_EXPECT_EQ(test, get_entry(test, TABLE(2) + 16, 8), TABLE(3) | P | W | U | A);
	KUNIT_EXPECT_EQ(test, get_entry(test, TABLE(3) + 24, 8) & (A | D), A);
	KUNIT_EXPECT_EQ(test, walk(test, gva, USER | WR), 0x8004);
	KUNIT_EXPECT_EQ(test, get_entry(test, TABLE(3) + 24, 8) & (A | D), A | D);

	vcpu->pkru = PKRU_WD(9);
	KUNIT_EXPECT_EQ(test, walk(test, gva, USER | RD), 0x8004);
	KUNIT_EXPECT_EQ(test, walk(test, gva, USER | WR),
			FAULT(GUEST_PFERR_P | GUEST_PFERR_W | GUEST_PFERR_U | GUEST_PFERR_PK));

	/* An upper level takes the rights away. */
	put_entry(test, TABLE(1) + 8 * 1, TABLE(2) | P, 8);
	KUNIT_EXPECT_EQ(test, walk(test, gva, USER | RD), FAULT(GUEST_PFERR_P | GUEST_PFERR_U));
	KUNIT_EXPECT_EQ(test, walk(test, gva, WR), FAULT(GUEST_PFERR_P | GUEST_PFERR_W));

	/* A table outside of memory. */
	put_entry(test, TABLE(1) + 8 * 1, 0x12345000 | P | W | U, 8);
	KUNIT_EXPECT_EQ(test, walk(test, gva, RD), FAULT(0));

	put_entry(test, TABLE(1) + 8 * 1, BIT_ULL(41) | P | W | U, 8);
	KUNIT_EXPECT_EQ(test, walk(test, gva, RD), FAULT(GUEST_PFERR_P | GUEST_PFERR_RSVD));
}

static void walk_5level(struct kunit *test)
{
	gva_t gva = 6UL << 48 | 5UL << 39 | 4UL << 30 | 3UL << 21 | 0x1234;

	set_mode(test, 0, X86_CR4_PAE | X86_CR4_LA57, EFER_LMA | EFER_LME);
	put_entry(test, TABLE(0) + 8 * 6, TABLE(1) | P | W, 8);
	put_entry(test, TABLE(1) + 8 * 5, TABLE(2) | P | W, 8);
	put_entry(test, TABLE(2) + 8 * 4, TABLE(3) | P | W, 8);
	put_entry(test, TABLE(3) + 8 * 3, 7UL * SZ_2M | P | PS, 8);

	/* No CR0.WP: the supervisor writes where W is clear, and the page is dirty. */
	KUNIT_EXPECT_EQ(test, walk(test, gva, WR), 7LL * SZ_2M + 0x1234);
	KUNIT_EXPECT_EQ(test, get_entry(test, TABLE(3) + 24, 8), 7UL * SZ_2M | P | PS | A | D);
	KUNIT_EXPECT_EQ(test, get_entry(test, TABLE(0) + 48, 8), TABLE(1) | P | W | A);
}

/* Tables in ROM are used as they are, and stay so. */
static void walk_tables_in_rom(struct kunit *test)
{
	struct walk_ctx *ctx = test->priv;
	unsigned long hva;

	hva = fake_add_slot(test, ctx->kvm, 1, SZ_16M, SZ_4K, KVM_MEM_READONLY);
	set_mode(test, X86_CR0_WP, X86_CR4_PSE, 0);
	ctx->vcpu->cr3 = SZ_16M;
	KUNIT_ASSERT_EQ(test, put_user(0x00400000U | (u32)(P | W | PS), (u32 __user *)hva), 0);
	KUNIT_EXPECT_EQ(test, walk(test, 0x1234, WR), 0x401234);
	KUNIT_EXPECT_EQ(test, get_entry(test, SZ_16M, 4), 0x00400000 | P | W | PS);
}

/* What is kept of a fetch is used only while all that it depended on is the same. */
#define FETCH_GVA	(BIT(39) | 2UL << 30 | 3UL << 21 | 4UL << 12 | 0x567)

static void put_code(struct kunit *test)
{
	set_mode(test, X86_CR0_WP, X86_CR4_PAE, EFER_LMA | EFER_LME | EFER_NX);
	put_entry(test, TABLE(0) + 8 * 1, TABLE(1) | P | W | U, 8);
	put_entry(test, TABLE(1) + 8 * 2, TABLE(2) | P | W | U, 8);
	put_entry(test, TABLE(2) + 8 * 3, TABLE(3) | P | W | U, 8);
	put_entry(test, TABLE(3) + 8 * 4, 0x8000 | P | U, 8);
	put_entry(test, TABLE(3) + 8 * 5, 0xa000 | P | U, 8);
	KUNIT_ASSERT_EQ(test, walk(test, FETCH_GVA, EX), 0x8567);
}

static void walk_fetch_entries(struct kunit *test)
{
	struct kvm_vcpu *vcpu = ((struct walk_ctx *)test->priv)->vcpu;
	gva_t gva = FETCH_GVA;

	put_code(test);
	KUNIT_EXPECT_EQ(test, vcpu->fetch.levels, 4);
	KUNIT_EXPECT_EQ(test, walk(test, gva + 1, EX), 0x8568);
	KUNIT_EXPECT_EQ(test, walk(test, gva + SZ_4K, EX), 0xa567);
	KUNIT_EXPECT_EQ(test, walk(test, gva, EX), 0x8567);

	/* An accessed bit that the guest cleared is set again. */
	put_entry(test, TABLE(0) + 8 * 1, TABLE(1) | P | W | U, 8);
	KUNIT_EXPECT_EQ(test, walk(test, gva, EX), 0x8567);
	KUNIT_EXPECT_EQ(test, get_entry(test, TABLE(0) + 8, 8), TABLE(1) | P | W | U | A);

	put_entry(test, TABLE(3) + 8 * 4, 0x9000 | P | U, 8);
	KUNIT_EXPECT_EQ(test, walk(test, gva, EX), 0x9567);
	KUNIT_EXPECT_EQ(test, get_entry(test, TABLE(3) + 32, 8), 0x9000 | P | U | A);
	put_entry(test, TABLE(3) + 8 * 4, 0x9000 | P | U | NX, 8);
	KUNIT_EXPECT_EQ(test, walk(test, gva, EX), FAULT(GUEST_PFERR_P | GUEST_PFERR_I));
	put_entry(test, TABLE(3) + 8 * 4, 0x9000 | P | U | A, 8);
	KUNIT_EXPECT_EQ(test, walk(test, gva, EX), 0x9567);
	put_entry(test, TABLE(2) + 8 * 3, 0, 8);
	KUNIT_EXPECT_EQ(test, walk(test, gva, EX), FAULT(GUEST_PFERR_I));
}

static void walk_fetch_mode(struct kunit *test)
{
	struct kvm_vcpu *vcpu = ((struct walk_ctx *)test->priv)->vcpu;
	gva_t gva = FETCH_GVA;

	put_code(test);
	put_entry(test, TABLE(2) + 8 * 3, TABLE(3) | P | W, 8);
	KUNIT_EXPECT_EQ(test, walk(test, gva, EX), 0x8567);
	KUNIT_EXPECT_EQ(test, walk(test, gva, USER | EX),
			FAULT(GUEST_PFERR_P | GUEST_PFERR_U | GUEST_PFERR_I));
	put_entry(test, TABLE(2) + 8 * 3, TABLE(3) | P | W | U, 8);
	KUNIT_EXPECT_EQ(test, walk(test, gva, EX), 0x8567);
	vcpu->cr4 |= X86_CR4_SMEP;
	KUNIT_EXPECT_EQ(test, walk(test, gva, EX), FAULT(GUEST_PFERR_P | GUEST_PFERR_I));
	vcpu->cr4 &= ~X86_CR4_SMEP;
	KUNIT_EXPECT_EQ(test, walk(test, gva, EX), 0x8567);
	vcpu->cr3 = TABLE(1);
	KUNIT_EXPECT_EQ(test, walk(test, gva, EX), FAULT(GUEST_PFERR_I));
	vcpu->cr3 = TABLE(0);

	put_entry(test, TABLE(3) + 8 * 4, BIT_ULL(38) | P | U | A, 8);
	KUNIT_EXPECT_EQ(test, walk(test, gva, EX), BIT_ULL(38) | 0x567);
	vcpu->maxphyaddr = 36;
	KUNIT_EXPECT_EQ(test, walk(test, gva, EX),
			FAULT(GUEST_PFERR_P | GUEST_PFERR_RSVD | GUEST_PFERR_I));
	vcpu->maxphyaddr = 40;
	vcpu->efer &= ~(u64)EFER_LMA;
	vcpu->cr0 &= ~X86_CR0_PG;
	KUNIT_EXPECT_EQ(test, walk(test, gva, EX), lower_32_bits(gva));
}

static void walk_fetch_slots(struct kunit *test)
{
	struct kvm_userspace_memory_region gone = { .slot = 1, .guest_phys_addr = SZ_16M };
	struct walk_ctx *ctx = test->priv;
	gva_t gva = FETCH_GVA;
	unsigned long hva;

	put_code(test);
	hva = fake_add_slot(test, ctx->kvm, 1, SZ_16M, SZ_4K, 0);
	ctx->vcpu->cr3 = SZ_16M;
	KUNIT_ASSERT_EQ(test, put_user(TABLE(1) | P | W | U, (u64 __user *)hva + 1), 0);
	KUNIT_EXPECT_EQ(test, walk(test, gva, EX), 0x8567);
	KUNIT_EXPECT_EQ(test, walk(test, gva, EX), 0x8567);

	/* The old memory still holds the entry. */
	KUNIT_ASSERT_EQ(test, kvm_set_memory_region(ctx->kvm, &gone), 0);
	KUNIT_EXPECT_EQ(test, walk(test, gva, EX), FAULT(GUEST_PFERR_I));
	hva = fake_add_slot(test, ctx->kvm, 1, SZ_16M, SZ_4K, 0);
	KUNIT_EXPECT_EQ(test, walk(test, gva, EX), FAULT(GUEST_PFERR_I));
	KUNIT_ASSERT_EQ(test, put_user(TABLE(1) | P | W | U, (u64 __user *)hva + 1), 0);
	KUNIT_EXPECT_EQ(test, walk(test, gva, EX), 0x8567);

	KUNIT_ASSERT_EQ(test, vm_munmap(hva, SZ_4K), 0);
	KUNIT_EXPECT_EQ(test, walk(test, gva, EX), FAULT(GUEST_PFERR_I));
}

static int walk_init(struct kunit *test)
{
	struct walk_ctx *ctx = kunit_kzalloc(test, sizeof(*ctx), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, ctx);
	test->priv = ctx;
	ctx->kvm = fake_vm_create(test);
	ctx->vcpu = fake_vcpu_create(test, ctx->kvm);
	fake_add_slot(test, ctx->kvm, 0, 0, SZ_1M, 0);
	return 0;
}

static struct kunit_case walk_rule_cases[] = {
	KUNIT_CASE(walk_rights),
	KUNIT_CASE(walk_combines_rights),
	KUNIT_CASE(walk_protection_keys),
	KUNIT_CASE(walk_reserved_bits),
	KUNIT_CASE(walk_error_codes),
	{}
};

static struct kunit_suite walk_rule_suite = {
	.name = "monovisor-guest-walk-rules",
	.test_cases = walk_rule_cases,
};

static struct kunit_case walk_cases[] = {
	KUNIT_CASE(walk_no_paging),
	KUNIT_CASE(walk_32bit),
	KUNIT_CASE(walk_pae),
	KUNIT_CASE(walk_4level),
	KUNIT_CASE(walk_5level),
	KUNIT_CASE(walk_tables_in_rom),
	KUNIT_CASE(walk_fetch_entries),
	KUNIT_CASE(walk_fetch_mode),
	KUNIT_CASE(walk_fetch_slots),
	{}
};

static struct kunit_suite walk_suite = {
	.name = "monovisor-guest-walk",
	.init = walk_init,
	.test_cases = walk_cases,
};

kunit_test_suites(&walk_rule_suite, &walk_suite);
