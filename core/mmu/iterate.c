// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cursor over second-stage tables. It reads entries and moves; what is
 * done to them is fault.c's and zap.c's business.
 */
#include <linux/io.h>
#include <linux/mm.h>

#include "core/mmu/iterate.h"

static void cursor_read(struct tdp_cursor *c)
{
	c->entry = &c->table[c->level][tdp_index(c->gfn, c->level)];
	c->val = READ_ONCE(*c->entry);
}

/**
 * tdp_cursor_start() - put a cursor on the root's entry for a frame
 * @c: the cursor
 * @tdp: the tables
 * @start: first frame of the range
 * @end: first frame beyond it
 * @min_level: lowest level to visit
 *
 * Context: mmu_lock held.
 */
void tdp_cursor_start(struct tdp_cursor *c, const struct tdp_vm *tdp, gfn_t start, gfn_t end,
		      int min_level)
{
	/* What lies beyond the root's reach cannot be mapped. */
	c->start = start;
	c->end = min(end, tdp_level_pages(tdp->root_level + 1));
	c->root_level = tdp->root_level;
	c->min_level = min_level;
	c->level = c->root_level;
	c->table[c->level] = tdp->root_pt;
	c->gfn = tdp_round_down(start, c->level);
	c->entry = NULL;
	if (start >= c->end)
		return;
	cursor_read(c);
}

bool tdp_cursor_descend(struct tdp_cursor *c)
{
	if (!tdp_is_table(c->val, c->level))
		return false;
	c->level--;
	c->table[c->level] = phys_to_virt(tdp_pte_addr(c->val));
	c->gfn = tdp_round_down(max(c->start, c->gfn), c->level);
	cursor_read(c);
	return true;
}

/**
 * tdp_cursor_next() - visit the next entry
 * @c: the cursor, on an entry
 *
 * Into the table the entry leads to, if min_level permits; else on to the
 * entry that covers the frames after it, at the highest level that has one.
 *
 * Context: mmu_lock held since tdp_cursor_start().
 */
void tdp_cursor_next(struct tdp_cursor *c)
{
	if (c->level > c->min_level && tdp_cursor_descend(c))
		return;

	c->gfn += tdp_level_pages(c->level);
	if (c->gfn >= c->end) {
		c->entry = NULL;
		return;
	}
	/* The last entry of a table is followed by the parent's next one. */
	while (c->level < c->root_level && !tdp_index(c->gfn, c->level))
		c->level++;
	cursor_read(c);
}
