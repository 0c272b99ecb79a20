// SPDX-License-Identifier: GPL-2.0-only
/*
 * Remembers which basic blocks of the modules that were built with COVERAGE=1
 * have run: the compiler calls this at the start of each. Only a table of
 * addresses, shown in debugfs; scripts/coverage knows what they are.
 */
#include <linux/debugfs.h>
#include <linux/hash.h>
#include <linux/module.h>

#include "tests/coverage/table.h"

#define BITS	17

static unsigned long table[1 << BITS];
static bool overflow;
static struct dentry *file;
static struct debugfs_blob_wrapper blob = { .data = table, .size = sizeof(table) };

/* Any context: no lock, nothing that is instrumented itself. */
notrace void __sanitizer_cov_trace_pc(void)
{
	unsigned long pc = (unsigned long)__builtin_return_address(0), old;
	unsigned int slot = hash_long(pc, BITS), i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		old = READ_ONCE(table[slot]);
		if (!old)
			old = cmpxchg(&table[slot], 0, pc);
		if (!old || old == pc)
			return;
		slot = (slot + 1) % ARRAY_SIZE(table);
	}
	overflow = true;
}
EXPORT_SYMBOL_GPL(__sanitizer_cov_trace_pc);

/* Writing empties the table: another module may come to lie where one was. */
static int set_clear(const char *val, const struct kernel_param *kp)
{
	memset(table, 0, sizeof(table));
	return 0;
}

static const struct kernel_param_ops clear_ops = { .set = set_clear };
module_param_cb(clear, &clear_ops, NULL, 0200);
module_param(overflow, bool, 0400);

static int __init coverage_init(void)
{
	file = debugfs_create_blob("monovisor-coverage", 0400, NULL, &blob);
	return PTR_ERR_OR_ZERO(file);
}
module_init(coverage_init);

static void __exit coverage_exit(void)
{
	debugfs_remove(file);
}
module_exit(coverage_exit);

MODULE_DESCRIPTION("Basic blocks that ran, for Monovisor's coverage report");
MODULE_LICENSE("GPL");
