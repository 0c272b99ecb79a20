/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Walking the second-stage tables: a cursor that visits the entries of a
 * range of frames, the entry that leads to a table before the entries in it:
 *
 *	for (tdp_cursor_start(&c, ...); c.entry; tdp_cursor_next(&c))
 */
#ifndef MONOVISOR_CORE_MMU_ITERATE_H
#define MONOVISOR_CORE_MMU_ITERATE_H

#include "core/mmu/mmu.h"
#include "core/mmu/pte.h"

/*
 * Held by whoever has mmu_lock, for read or write, and void once it is
 * dropped: tables are unlinked only with the lock held for write, so nothing
 * a cursor points to goes away under it.
 *
 * @val is what the cursor found in @entry. Whoever changes the entry stores
 * the new value there: tdp_cursor_next() descends by it.
 */
struct tdp_cursor {
	u64 *entry;			/* NULL: the range is exhausted */
	u64 val;
	int level;			/* of the entry; 1: maps 4 KiB */
	int min_level;			/* do not descend below */
	int root_level;
	gfn_t gfn;			/* first frame the entry covers */
	gfn_t start;			/* first frame of the range */
	gfn_t end;			/* first frame beyond the range */
	u64 *table[TDP_MAX_LEVEL + 1];	/* by level, from @level to root_level */
};

void tdp_cursor_start(struct tdp_cursor *c, const struct tdp_vm *tdp, gfn_t start, gfn_t end,
		      int min_level);
void tdp_cursor_next(struct tdp_cursor *c);
/* Go into the table the entry points to; false if it is none. */
bool tdp_cursor_descend(struct tdp_cursor *c);

/* Is all that the entry covers part of the range? */
static __always_inline bool tdp_cursor_within(const struct tdp_cursor *c)
{
	return c->gfn >= c->start && c->gfn + tdp_level_pages(c->level) <= c->end;
}

/*
 * Replace the entry if it still is what the cursor found. The only way to
 * change a present entry or to fill an empty one: other vCPUs' faults and the
 * hardware's accessed and dirty bits compete. On failure the cursor holds
 * what is there now.
 */
static __always_inline bool tdp_cursor_replace(struct tdp_cursor *c, u64 new)
{
	if (!try_cmpxchg64(c->entry, &c->val, new))
		return false;
	c->val = new;
	return true;
}

#endif /* MONOVISOR_CORE_MMU_ITERATE_H */
