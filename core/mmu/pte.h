/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Second-stage entries as values: made, read and changed by pure functions
 * over the constants of ops/mmu.h. Nothing here touches a table.
 */
#ifndef MONOVISOR_CORE_MMU_PTE_H
#define MONOVISOR_CORE_MMU_PTE_H

#include <linux/pgtable.h>

#include "ops/mmu.h"

#define TDP_LEVEL_BITS		9
#define TDP_TABLE_ENTRIES	BIT(TDP_LEVEL_BITS)

/* Attributes of a leaf for tdp_make_leaf(). */
#define TDP_LEAF_WRITE		BIT(0)	/* the guest may write now */
#define TDP_LEAF_HOST_WRITABLE	BIT(1)	/* the host's mapping and the slot permit writes */
#define TDP_LEAF_DEVICE		BIT(2)	/* not RAM: device memory type */
#define TDP_LEAF_NOEXEC		BIT(3)	/* the guest may not execute now */
#define TDP_LEAF_CLEAN		BIT(4)	/* hardware logs the first write */

/* What an access needs; see tdp_allows(). */
#define TDP_ACCESS_WRITE	BIT(0)
#define TDP_ACCESS_EXEC		BIT(1)

/* Frames that one entry of @level covers. */
static __always_inline gfn_t tdp_level_pages(int level)
{
	return 1ULL << ((level - 1) * TDP_LEVEL_BITS);
}

static __always_inline gfn_t tdp_round_down(gfn_t gfn, int level)
{
	return gfn & ~(tdp_level_pages(level) - 1);
}

static __always_inline unsigned int tdp_index(gfn_t gfn, int level)
{
	return (gfn >> ((level - 1) * TDP_LEVEL_BITS)) & (TDP_TABLE_ENTRIES - 1);
}

static __always_inline bool tdp_present(u64 pte)
{
	return pte & TDP_PTE_PRESENT;
}

static __always_inline bool tdp_is_leaf(u64 pte, int level)
{
	return tdp_present(pte) && (level == PG_LEVEL_4K || pte & TDP_PTE_HUGE);
}

static __always_inline bool tdp_is_table(u64 pte, int level)
{
	return tdp_present(pte) && level > PG_LEVEL_4K && !(pte & TDP_PTE_HUGE);
}

/* Address bits less what the host adds to every entry (memory encryption). */
static __always_inline u64 tdp_pte_addr(u64 pte)
{
	return pte & TDP_PTE_ADDR_MASK & ~tdp_pte_host_bits();
}

static __always_inline kvm_pfn_t tdp_pte_pfn(u64 pte)
{
	return tdp_pte_addr(pte) >> PAGE_SHIFT;
}

/* An entry that leads to the table at @pa; leaves alone restrict access. */
static __always_inline u64 tdp_make_table(hpa_t pa)
{
	return (pa & TDP_PTE_ADDR_MASK) | TDP_PTE_PRESENT | TDP_PTE_WRITE | TDP_PTE_EXEC |
	       TDP_PTE_USER | TDP_PTE_ACCESSED | tdp_pte_host_bits();
}

/*
 * A leaf for @pfn, which is aligned to the level. It is born accessed, and
 * dirty where it is writable: the fault that asks for it does both, and the
 * page was told so. Only where hardware shall log the first write it is clean.
 * A device has no use for the host's bits: memory encryption is the memory
 * controller's, elsewhere its bit is a wrong address.
 */
static __always_inline u64 tdp_make_leaf(kvm_pfn_t pfn, int level, u32 attr)
{
	u64 pte = (pfn << PAGE_SHIFT & TDP_PTE_ADDR_MASK) | TDP_PTE_PRESENT | TDP_PTE_EXEC |
		  TDP_PTE_USER | TDP_PTE_ACCESSED | tdp_pte_memtype(attr & TDP_LEAF_DEVICE);

	if (!(attr & TDP_LEAF_DEVICE))
		pte |= tdp_pte_host_bits();
	if (level > PG_LEVEL_4K)
		pte |= TDP_PTE_HUGE;
	if (attr & TDP_LEAF_NOEXEC)
		pte = (pte & ~TDP_PTE_EXEC) | TDP_PTE_NX;
	if (attr & TDP_LEAF_HOST_WRITABLE)
		pte |= TDP_PTE_SW_HOST_WRITABLE | TDP_PTE_SW_MMU_WRITABLE;
	if (attr & TDP_LEAF_WRITE)
		pte |= attr & TDP_LEAF_CLEAN ? TDP_PTE_WRITE : TDP_PTE_WRITE | TDP_PTE_DIRTY;
	return pte;
}

/* May the guest be let write to this leaf without asking the host again? */
static __always_inline bool tdp_may_write(u64 pte)
{
	return (pte & (TDP_PTE_SW_HOST_WRITABLE | TDP_PTE_SW_MMU_WRITABLE)) ==
	       (TDP_PTE_SW_HOST_WRITABLE | TDP_PTE_SW_MMU_WRITABLE);
}

static __always_inline bool tdp_allows(u64 leaf, u32 access)
{
	if (access & TDP_ACCESS_WRITE && !(leaf & TDP_PTE_WRITE))
		return false;
	if (access & TDP_ACCESS_EXEC &&
	    ((leaf & TDP_PTE_EXEC) != TDP_PTE_EXEC || leaf & TDP_PTE_NX))
		return false;
	return tdp_present(leaf);
}

static __always_inline u64 tdp_write_protected(u64 leaf)
{
	return leaf & ~(TDP_PTE_WRITE | TDP_PTE_DIRTY);
}

/* The next write sets the dirty bit again, and is logged by who does that. */
static __always_inline u64 tdp_made_clean(u64 leaf)
{
	return leaf & ~TDP_PTE_DIRTY;
}

static __always_inline u64 tdp_made_writable(u64 leaf)
{
	return leaf | TDP_PTE_WRITE | TDP_PTE_DIRTY | TDP_PTE_ACCESSED;
}

static __always_inline u64 tdp_made_executable(u64 leaf)
{
	return ((leaf | TDP_PTE_EXEC) & ~TDP_PTE_NX) | TDP_PTE_ACCESSED;
}

/* Entry @i of the table of @level - 1 that does what the huge leaf at @level did. */
static __always_inline u64 tdp_split_child(u64 leaf, int level, unsigned int i)
{
	u64 child = leaf + ((u64)i * tdp_level_pages(level - 1) << PAGE_SHIFT);

	return level - 1 == PG_LEVEL_4K ? child & ~TDP_PTE_HUGE : child;
}

#endif /* MONOVISOR_CORE_MMU_PTE_H */
