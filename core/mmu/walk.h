/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rules of the guest's page tables as pure functions: which entries are
 * well-formed, which accesses they permit, which error code a refusal has.
 * walk.c applies them to guest memory.
 *
 * Source: AMD APM volume 2, "Page Translation and Protection"; Intel SDM
 * volume 3, "Paging".
 */
#ifndef MONOVISOR_CORE_MMU_WALK_H
#define MONOVISOR_CORE_MMU_WALK_H

#include <linux/bits.h>
#include <linux/types.h>

#include "core/mmu/mmu.h"

/* Bits of an entry, the same in all formats unless said otherwise. */
#define GUEST_PTE_P		BIT_ULL(0)
#define GUEST_PTE_W		BIT_ULL(1)
#define GUEST_PTE_U		BIT_ULL(2)
#define GUEST_PTE_A		BIT_ULL(5)
#define GUEST_PTE_D		BIT_ULL(6)	/* leaves */
#define GUEST_PTE_PS		BIT_ULL(7)	/* above the lowest level: a leaf */
#define GUEST_PTE_PKEY_SHIFT	59		/* 4- and 5-level leaves */
#define GUEST_PTE_NX		BIT_ULL(63)	/* 8-byte entries */

#define GUEST_PFERR_P		BIT(0)
#define GUEST_PFERR_W		BIT(1)
#define GUEST_PFERR_U		BIT(2)
#define GUEST_PFERR_RSVD	BIT(3)
#define GUEST_PFERR_I		BIT(4)
#define GUEST_PFERR_PK		BIT(5)

enum guest_paging {
	GUEST_PAGING_NONE,
	GUEST_PAGING_32BIT,	/* 2 levels, 4-byte entries */
	GUEST_PAGING_PAE,	/* 3 levels */
	GUEST_PAGING_4LEVEL,
	GUEST_PAGING_5LEVEL,
};

/* Everything outside the tables that a translation depends on. */
struct guest_mmu {
	enum guest_paging paging;
	u8 maxphyaddr;
	bool wp;		/* CR0.WP */
	bool pse;		/* CR4.PSE, matters with 32-bit paging */
	bool nxe;		/* EFER.NXE, and 8-byte entries */
	bool smep;
	bool smap;
	bool pke;		/* CR4.PKE in long mode */
	bool gbpages;		/* the CPU knows 1 GiB pages */
	bool amd;		/* reserved bits as AMD has them */
	bool ac;		/* RFLAGS.AC */
	u32 pkru;
};

static inline int guest_paging_levels(enum guest_paging paging)
{
	switch (paging) {
	case GUEST_PAGING_32BIT:
		return 2;
	case GUEST_PAGING_PAE:
		return 3;
	case GUEST_PAGING_4LEVEL:
		return 4;
	case GUEST_PAGING_5LEVEL:
		return 5;
	default:
		return 0;
	}
}

/* Linear address bits below those that index a table of @level. */
static inline int guest_level_shift(const struct guest_mmu *mmu, int level)
{
	return 12 + (level - 1) * (mmu->paging == GUEST_PAGING_32BIT ? 10 : 9);
}

static inline int guest_entry_size(const struct guest_mmu *mmu)
{
	return mmu->paging == GUEST_PAGING_32BIT ? 4 : 8;
}

/*
 * Where the entry for @gva is in a table of @level. PAE's top table has only
 * four entries; the bits above them do not exist in a 32-bit address.
 */
static inline unsigned int guest_table_index(const struct guest_mmu *mmu, gva_t gva, int level)
{
	int bits = mmu->paging == GUEST_PAGING_32BIT ? 10 : 9;

	if (mmu->paging == GUEST_PAGING_PAE && level == 3)
		bits = 2;
	return (gva >> guest_level_shift(mmu, level)) & (BIT(bits) - 1);
}

bool guest_pte_is_leaf(const struct guest_mmu *mmu, u64 pte, int level);
u64 guest_pte_rsvd_bits(const struct guest_mmu *mmu, u64 pte, int level);
gpa_t guest_pte_addr(const struct guest_mmu *mmu, u64 pte, int level);
u64 guest_pte_combine(u64 rights, u64 pte);
bool guest_pte_allows(const struct guest_mmu *mmu, u64 rights, u32 access);
bool guest_pkey_allows(const struct guest_mmu *mmu, u64 rights, u64 leaf, u32 access);
u32 guest_error_code(const struct guest_mmu *mmu, u32 access, u32 cause);

#endif /* MONOVISOR_CORE_MMU_WALK_H */
