/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Second-stage entry format of the software vendor: that of the CPU's own
 * page tables, with execution denied by NX. Memory types and the host's bits
 * are made up, none of them zero, so that one forgotten or misplaced shows.
 */
#ifndef MONOVISOR_TESTS_FAKE_PTE_H
#define MONOVISOR_TESTS_FAKE_PTE_H

#include <linux/bits.h>
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

#define FAKE_PTE_TYPE_RAM		BIT_ULL(3)
#define FAKE_PTE_TYPE_DEVICE		BIT_ULL(4)
#define FAKE_PTE_HOST_BITS		BIT_ULL(51)	/* an address bit, as the C-bit is */

static inline u64 tdp_pte_memtype(bool device)
{
	return device ? FAKE_PTE_TYPE_DEVICE : FAKE_PTE_TYPE_RAM;
}

static inline u64 tdp_pte_host_bits(void)
{
	return FAKE_PTE_HOST_BITS;
}

#endif /* MONOVISOR_TESTS_FAKE_PTE_H */
