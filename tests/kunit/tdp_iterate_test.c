// SPDX-License-Identifier: GPL-2.0-only
/*
 * Second-stage entries as values (core/mmu/pte.h) and the cursor over tables
 * (core/mmu/iterate.c). The tables are the test's own and lead nowhere.
 */
#include <kunit/test.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/sizes.h>

#include "core/mmu/iterate.h"

#define PFN	0x12345600ULL

static void tdp_pte_table(struct kunit *test)
{
	u64 pte = tdp_make_table(0x1234000);

	KUNIT_EXPECT_TRUE(test, tdp_present(pte));
	KUNIT_EXPECT_TRUE(test, tdp_is_table(pte, PG_LEVEL_2M));
	KUNIT_EXPECT_FALSE(test, tdp_is_leaf(pte, PG_LEVEL_2M));
	KUNIT_EXPECT_FALSE(test, tdp_is_table(pte, PG_LEVEL_4K));
	KUNIT_EXPECT_EQ(test, tdp_pte_addr(pte), 0x1234000);
	KUNIT_EXPECT_EQ(test, pte & FAKE_PTE_HOST_BITS, FAKE_PTE_HOST_BITS);
	/* Tables restrict nothing. */
	KUNIT_EXPECT_TRUE(test, tdp_allows(pte, TDP_ACCESS_WRITE | TDP_ACCESS_EXEC));
	KUNIT_EXPECT_FALSE(test, tdp_present(0));
}

struct leaf_case {
	const char *name;
	int level;
	u32 attr;
	bool write;
	bool may_write;
};

static const struct leaf_case leaf_cases[] = {
	{ "read-only", PG_LEVEL_4K, 0, false, false },
	{ "writable", PG_LEVEL_4K, TDP_LEAF_WRITE | TDP_LEAF_HOST_WRITABLE, true, true },
	{ "logged", PG_LEVEL_4K, TDP_LEAF_HOST_WRITABLE, false, true },
	{ "huge read-only", PG_LEVEL_2M, 0, false, false },
	{ "huge writable", PG_LEVEL_2M, TDP_LEAF_WRITE | TDP_LEAF_HOST_WRITABLE, true, true },
	{ "1 GiB logged", PG_LEVEL_1G, TDP_LEAF_HOST_WRITABLE, false, true },
};

static void tdp_pte_leaf(struct kunit *test)
{
	const struct leaf_case *c;
	u64 pte, wp;
	int i;

	for (i = 0; i < ARRAY_SIZE(leaf_cases); i++) {
		c = &leaf_cases[i];
		pte = tdp_make_leaf(tdp_round_down(PFN, c->level), c->level, c->attr);
		KUNIT_EXPECT_TRUE_MSG(test, tdp_is_leaf(pte, c->level), "%s", c->name);
		KUNIT_EXPECT_FALSE_MSG(test, tdp_is_table(pte, c->level), "%s", c->name);
		KUNIT_EXPECT_EQ_MSG(test, tdp_pte_pfn(pte), tdp_round_down(PFN, c->level),
				    "%s", c->name);
		KUNIT_EXPECT_TRUE_MSG(test, tdp_allows(pte, 0), "%s", c->name);
		KUNIT_EXPECT_TRUE_MSG(test, tdp_allows(pte, TDP_ACCESS_EXEC), "%s", c->name);
		KUNIT_EXPECT_EQ_MSG(test, tdp_allows(pte, TDP_ACCESS_WRITE), c->write,
				    "%s", c->name);
		KUNIT_EXPECT_EQ_MSG(test, tdp_may_write(pte), c->may_write, "%s", c->name);
		KUNIT_EXPECT_TRUE_MSG(test, pte & TDP_PTE_ACCESSED, "%s", c->name);

		wp = tdp_write_protected(pte);
		KUNIT_EXPECT_FALSE_MSG(test, tdp_allows(wp, TDP_ACCESS_WRITE), "%s", c->name);
		KUNIT_EXPECT_TRUE_MSG(test, tdp_allows(wp, TDP_ACCESS_EXEC), "%s", c->name);
		KUNIT_EXPECT_EQ_MSG(test, tdp_may_write(wp), c->may_write, "%s", c->name);
		KUNIT_EXPECT_TRUE_MSG(test, tdp_allows(tdp_made_writable(wp), TDP_ACCESS_WRITE),
				      "%s", c->name);
		if (c->write)
			KUNIT_EXPECT_EQ_MSG(test, tdp_made_writable(wp), pte, "%s", c->name);
	}
	KUNIT_EXPECT_FALSE(test, tdp_allows(0, 0));
}

/* Memory has the host's bits and its type; a device has a type of its own, and no such bit. */
static void tdp_pte_device(struct kunit *test)
{
	const u64 bits = FAKE_PTE_HOST_BITS | FAKE_PTE_TYPE_RAM | FAKE_PTE_TYPE_DEVICE;
	int level;

	for (level = PG_LEVEL_4K; level <= PG_LEVEL_1G; level++) {
		kvm_pfn_t pfn = tdp_round_down(PFN, level);
		u64 ram = tdp_make_leaf(pfn, level, 0);
		u64 device = tdp_make_leaf(pfn, level, TDP_LEAF_DEVICE);

		KUNIT_EXPECT_EQ(test, ram & bits, FAKE_PTE_HOST_BITS | FAKE_PTE_TYPE_RAM);
		KUNIT_EXPECT_EQ(test, device & bits, FAKE_PTE_TYPE_DEVICE);
		KUNIT_EXPECT_EQ(test, tdp_pte_pfn(ram), pfn);
		KUNIT_EXPECT_EQ(test, tdp_pte_pfn(device), pfn);
	}
}

static void tdp_pte_noexec(struct kunit *test)
{
	const u32 attr = TDP_LEAF_WRITE | TDP_LEAF_HOST_WRITABLE;
	u64 exec = tdp_make_leaf(PFN, PG_LEVEL_4K, attr);
	u64 data = tdp_make_leaf(PFN, PG_LEVEL_4K, attr | TDP_LEAF_NOEXEC);

	KUNIT_EXPECT_FALSE(test, tdp_allows(data, TDP_ACCESS_EXEC));
	KUNIT_EXPECT_TRUE(test, tdp_allows(data, TDP_ACCESS_WRITE));
	KUNIT_EXPECT_EQ(test, tdp_made_executable(data), exec);
	KUNIT_EXPECT_EQ(test, tdp_made_executable(tdp_write_protected(data)),
			tdp_write_protected(exec));
}

/* Splitting changes the size of a mapping and nothing else. */
static void tdp_pte_split(struct kunit *test)
{
	const u32 attr = TDP_LEAF_HOST_WRITABLE;
	int level;

	for (level = PG_LEVEL_2M; level <= PG_LEVEL_1G; level++) {
		kvm_pfn_t pfn = tdp_round_down(PFN, level);
		kvm_pfn_t step = tdp_level_pages(level - 1);
		u64 huge = tdp_make_leaf(pfn, level, attr);

		KUNIT_EXPECT_EQ(test, tdp_split_child(huge, level, 0),
				tdp_make_leaf(pfn, level - 1, attr));
		KUNIT_EXPECT_EQ(test, tdp_split_child(huge, level, 1),
				tdp_make_leaf(pfn + step, level - 1, attr));
		KUNIT_EXPECT_EQ(test, tdp_split_child(huge, level, 511),
				tdp_make_leaf(pfn + 511 * step, level - 1, attr));
	}
}

static void tdp_levels(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, tdp_level_pages(PG_LEVEL_4K), 1);
	KUNIT_EXPECT_EQ(test, tdp_level_pages(PG_LEVEL_2M), 512);
	KUNIT_EXPECT_EQ(test, tdp_level_pages(PG_LEVEL_1G), 512 * 512);
	KUNIT_EXPECT_EQ(test, tdp_index(0x12345, PG_LEVEL_4K), 0x145);
	KUNIT_EXPECT_EQ(test, tdp_index(0x12345, PG_LEVEL_2M), 0x91);
	KUNIT_EXPECT_EQ(test, tdp_index(0x12345, PG_LEVEL_1G), 0);
	KUNIT_EXPECT_EQ(test, tdp_round_down(0x12345, PG_LEVEL_2M), 0x12200);
}

struct tables {
	struct tdp_vm tdp;
	u64 *pud, *pmd, *pt;
};

static u64 *table_page(struct kunit *test)
{
	/* Tables are found by physical address, so they must be page aligned. */
	u64 *table = (u64 *)get_zeroed_page(GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, table);
	return table;
}

static void free_tables(void *data)
{
	struct tables *t = data;

	free_page((unsigned long)t->tdp.root_pt);
	free_page((unsigned long)t->pud);
	free_page((unsigned long)t->pmd);
	free_page((unsigned long)t->pt);
}

/*
 * Frames 0x600 to 0x7ff are mapped one by one, where their number is odd; the
 * 2 MiB from frame 0x800 by one leaf; the second GiB by one.
 */
static struct tables *make_tables(struct kunit *test)
{
	struct tables *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, t);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, free_tables, t), 0);
	t->tdp.root_pt = table_page(test);
	t->tdp.root_level = 4;
	t->pud = table_page(test);
	t->pmd = table_page(test);
	t->pt = table_page(test);
	t->tdp.root_pt[0] = tdp_make_table(virt_to_phys(t->pud));
	t->pud[0] = tdp_make_table(virt_to_phys(t->pmd));
	t->pud[1] = tdp_make_leaf(1 << 18, PG_LEVEL_1G, 0);
	t->pmd[3] = tdp_make_table(virt_to_phys(t->pt));
	t->pmd[4] = tdp_make_leaf(0x800, PG_LEVEL_2M, 0);
	for (i = 1; i < 512; i += 2)
		t->pt[i] = tdp_make_leaf(0x600 + i, PG_LEVEL_4K, 0);
	return t;
}

/* Every entry of every table that is passed is visited once, in order, parents first. */
static void tdp_cursor_visits(struct kunit *test)
{
	struct tables *t = make_tables(test);
	unsigned int visits[6] = {}, leaves[6] = {}, tables = 0, disorder = 0;
	struct tdp_cursor c;
	gfn_t last = 0;

	for (tdp_cursor_start(&c, &t->tdp, 0, ~0ULL, PG_LEVEL_4K); c.entry; tdp_cursor_next(&c)) {
		disorder += c.gfn < last;
		last = c.gfn;
		visits[c.level]++;
		if (tdp_is_table(c.val, c.level)) {
			tables++;
		} else if (tdp_present(c.val)) {
			leaves[c.level]++;
			disorder += tdp_pte_pfn(c.val) != c.gfn;
		}
	}
	KUNIT_EXPECT_EQ(test, disorder, 0);
	KUNIT_EXPECT_EQ(test, tables, 3);
	KUNIT_EXPECT_EQ(test, visits[4], 512);
	KUNIT_EXPECT_EQ(test, visits[3], 512);
	KUNIT_EXPECT_EQ(test, visits[2], 512);
	KUNIT_EXPECT_EQ(test, visits[1], 512);
	KUNIT_EXPECT_EQ(test, leaves[1], 256);
	KUNIT_EXPECT_EQ(test, leaves[2], 1);
	KUNIT_EXPECT_EQ(test, leaves[3], 1);
}

struct range_case {
	const char *name;
	gfn_t start;
	gfn_t end;
	int min_level;
	unsigned int leaves;
	unsigned int visits;
};

static const struct range_case range_cases[] = {
	{ "empty", 0x600, 0x600, PG_LEVEL_4K, 0, 0 },
	{ "one frame, mapped", 0x601, 0x602, PG_LEVEL_4K, 1, 4 },
	{ "one frame, not mapped", 0x602, 0x603, PG_LEVEL_4K, 0, 4 },
	{ "frame in a huge leaf", 0x8ff, 0x900, PG_LEVEL_4K, 1, 3 },
	{ "frame in a 1 GiB leaf", 0x4abcd, 0x4abce, PG_LEVEL_4K, 1, 2 },
	{ "end of a table and beyond", 0x7fe, 0x801, PG_LEVEL_4K, 2, 3 + 2 + 1 },
	{ "from an empty PMD into a table", 0x5ff, 0x602, PG_LEVEL_4K, 1, 3 + 1 + 2 },
	{ "not below 2 MiB", 0x600, 0xa00, PG_LEVEL_2M, 1, 4 },
	{ "from 2 MiB to 1 GiB leaf", 0x800, 0x40001, PG_LEVEL_4K, 2, 2 + 508 + 1 },
};

static void tdp_cursor_ranges(struct kunit *test)
{
	struct tables *t = make_tables(test);
	const struct range_case *r;
	struct tdp_cursor c;
	int i;

	for (i = 0; i < ARRAY_SIZE(range_cases); i++) {
		unsigned int leaves = 0, visits = 0, outside = 0;

		r = &range_cases[i];
		for (tdp_cursor_start(&c, &t->tdp, r->start, r->end, r->min_level); c.entry;
		     tdp_cursor_next(&c)) {
			visits++;
			leaves += tdp_is_leaf(c.val, c.level);
			outside += c.gfn >= r->end ||
				   c.gfn + tdp_level_pages(c.level) <= r->start;
		}
		KUNIT_EXPECT_EQ_MSG(test, leaves, r->leaves, "%s", r->name);
		KUNIT_EXPECT_EQ_MSG(test, visits, r->visits, "%s", r->name);
		KUNIT_EXPECT_EQ_MSG(test, outside, 0, "%s", r->name);
	}
}

static void tdp_cursor_beyond_root(struct kunit *test)
{
	struct tables *t = make_tables(test);
	struct tdp_cursor c;

	tdp_cursor_start(&c, &t->tdp, 1ULL << 36, 1ULL << 40, PG_LEVEL_4K);
	KUNIT_EXPECT_NULL(test, c.entry);
	tdp_cursor_start(&c, &t->tdp, (1ULL << 36) - 1, 1ULL << 40, PG_LEVEL_4K);
	KUNIT_ASSERT_NOT_NULL(test, c.entry);
	KUNIT_EXPECT_PTR_EQ(test, c.entry, &t->tdp.root_pt[511]);
	tdp_cursor_next(&c);
	KUNIT_EXPECT_NULL(test, c.entry);
}

/* What was replaced is what the cursor goes by; a lost race is told and shown. */
static void tdp_cursor_replaces(struct kunit *test)
{
	struct tables *t = make_tables(test);
	struct tdp_cursor c;
	u64 seen;

	tdp_cursor_start(&c, &t->tdp, 0x800, 0x801, PG_LEVEL_4K);
	while (tdp_cursor_descend(&c))
		;
	KUNIT_ASSERT_EQ(test, c.level, PG_LEVEL_2M);
	KUNIT_EXPECT_PTR_EQ(test, c.entry, &t->pmd[4]);

	seen = c.val;
	t->pmd[4] |= TDP_PTE_DIRTY;
	KUNIT_EXPECT_FALSE(test, tdp_cursor_replace(&c, 0));
	KUNIT_EXPECT_EQ(test, c.val, seen | TDP_PTE_DIRTY);
	KUNIT_EXPECT_TRUE(test, tdp_cursor_replace(&c, tdp_make_table(virt_to_phys(t->pt))));
	KUNIT_EXPECT_TRUE(test, tdp_cursor_descend(&c));
	KUNIT_EXPECT_EQ(test, c.level, PG_LEVEL_4K);
	KUNIT_EXPECT_EQ(test, c.gfn, 0x800);
	KUNIT_EXPECT_PTR_EQ(test, c.entry, &t->pt[0]);
	KUNIT_EXPECT_FALSE(test, tdp_cursor_descend(&c));
}

static struct kunit_case tdp_iterate_cases[] = {
	KUNIT_CASE(tdp_pte_table),
	KUNIT_CASE(tdp_pte_leaf),
	KUNIT_CASE(tdp_pte_split),
	KUNIT_CASE(tdp_pte_device),
	KUNIT_CASE(tdp_pte_noexec),
	KUNIT_CASE(tdp_levels),
	KUNIT_CASE(tdp_cursor_visits),
	KUNIT_CASE(tdp_cursor_ranges),
	KUNIT_CASE(tdp_cursor_beyond_root),
	KUNIT_CASE(tdp_cursor_replaces),
	{}
};

static struct kunit_suite tdp_iterate_suite = {
	.name = "monovisor-tdp-iterate",
	.test_cases = tdp_iterate_cases,
};

kunit_test_suite(tdp_iterate_suite);
