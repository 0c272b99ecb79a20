/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Format of a nested page-table entry: that of the CPU's own long-mode tables,
 * walked as user accesses. Nothing here but constants; the tables are built by
 * core/mmu/.
 *
 * Source: AMD APM volume 2, "Nested Paging".
 */
#ifndef MONOVISOR_SVM_PTE_H
#define MONOVISOR_SVM_PTE_H

#include <linux/bits.h>
#include <linux/mem_encrypt.h>
#include <linux/types.h>

#define TDP_PTE_PRESENT			BIT_ULL(0)
#define TDP_PTE_WRITE			BIT_ULL(1)
#define TDP_PTE_USER			BIT_ULL(2)
#define TDP_PTE_ACCESSED		BIT_ULL(5)
#define TDP_PTE_DIRTY			BIT_ULL(6)
#define TDP_PTE_HUGE			BIT_ULL(7)
#define TDP_PTE_EXEC			0ULL
#define TDP_PTE_NX			BIT_ULL(63)
#define TDP_PTE_ADDR_MASK		GENMASK_ULL(51, 12)
#define TDP_PTE_SW_HOST_WRITABLE	BIT_ULL(9)
#define TDP_PTE_SW_MMU_WRITABLE		BIT_ULL(10)
#define TDP_MAX_LEVEL			5

/* PWT and PCD select entry 3 of the host's PAT, which Linux keeps uncached. */
#define SVM_NPT_PWT			BIT_ULL(3)
#define SVM_NPT_PCD			BIT_ULL(4)

static inline u64 tdp_pte_memtype(bool device)
{
	return device ? SVM_NPT_PWT | SVM_NPT_PCD : 0;
}

/* With SME the table walker needs the C-bit in each entry and in the root. */
static inline u64 tdp_pte_host_bits(void)
{
	return sme_me_mask;
}

#endif /* MONOVISOR_SVM_PTE_H */
