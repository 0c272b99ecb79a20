/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Format of an EPT entry, for the common second-stage code (see ops/mmu.h).
 * Source: Intel SDM volume 3, "The Extended Page Table Mechanism (EPT)".
 */
#ifndef MONOVISOR_VMX_PTE_H
#define MONOVISOR_VMX_PTE_H

#include <linux/bits.h>
#include <linux/types.h>

/* Write or execute without read is a misconfiguration: read is what makes an entry present. */
#define TDP_PTE_PRESENT			BIT_ULL(0)
#define TDP_PTE_WRITE			BIT_ULL(1)
#define TDP_PTE_EXEC			BIT_ULL(2)
#define TDP_PTE_NX			0ULL
#define TDP_PTE_USER			0ULL
#define TDP_PTE_HUGE			BIT_ULL(7)
#define TDP_PTE_ACCESSED		BIT_ULL(8)
#define TDP_PTE_DIRTY			BIT_ULL(9)
#define TDP_PTE_ADDR_MASK		GENMASK_ULL(51, 12)
/* Ignored by hardware in tables and in leaves, with every control we use. */
#define TDP_PTE_SW_HOST_WRITABLE	BIT_ULL(11)
#define TDP_PTE_SW_MMU_WRITABLE		BIT_ULL(52)
#define TDP_MAX_LEVEL			5

#define EPT_MEMTYPE_UC			(0ULL << 3)
#define EPT_MEMTYPE_WB			(6ULL << 3)
#define EPT_IGNORE_PAT			BIT_ULL(6)

/*
 * Host memory is mapped write-back by everyone else who can see it, and no
 * device that snoops nothing is assigned: do not let the guest's PAT make a
 * second, conflicting type of it.
 */
static inline u64 tdp_pte_memtype(bool device)
{
	return device ? EPT_MEMTYPE_UC : EPT_MEMTYPE_WB | EPT_IGNORE_PAT;
}

static inline u64 tdp_pte_host_bits(void)
{
	return 0;
}

#endif /* MONOVISOR_VMX_PTE_H */
