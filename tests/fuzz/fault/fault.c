// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lets the n-th allocation fail that a thread makes by way of one module: what
 * the kernel's failslab and fail_page_alloc do by /proc/PID/fail-nth, for a
 * kernel that was built without them. A probe at the entry of each allocator
 * returns NULL in its stead.
 *
 * /sys/kernel/debug/monovisor-fault: a thread writes n; it reads how many
 * allocations are still to go, so that 0 means that one has failed, and this
 * also takes the order back.
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/kprobes.h>
#include <linux/linkage.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/stacktrace.h>
#include <linux/uaccess.h>
#include <asm/ibt.h>

#include "tests/fuzz/fault/return.h"

#define DEPTH	48

static unsigned long start, end;
module_param(start, ulong, 0400);
MODULE_PARM_DESC(start, "first address of the module whose allocations fail");
module_param(end, ulong, 0400);
MODULE_PARM_DESC(end, "the address behind it");

static bool verbose;
module_param(verbose, bool, 0600);
MODULE_PARM_DESC(verbose, "print the stack of what failed");

/* Written by the thread itself; others only compare the first. */
static struct task_struct *victim;
static long left;

/* Each returns a pointer. */
static const char * const allocators[] = {
	"__kmalloc_noprof", "__kmalloc_node_noprof", "__kmalloc_node_track_caller_noprof",
	"__kmalloc_cache_noprof", "__kmalloc_cache_node_noprof", "kmem_cache_alloc_noprof",
	"kmem_cache_alloc_lru_noprof", "kmem_cache_alloc_node_noprof", "__kvmalloc_node_noprof",
	"__alloc_pages_noprof", "pcpu_alloc_noprof", "__vmalloc_node_range_noprof",
};

static struct kprobe probes[ARRAY_SIZE(allocators)];
static struct dentry *file;

asm(".pushsection .text\n"
	".type fault_return, @function\n"
	"fault_return:\n"
	ASM_ENDBR
	"	" ASM_RET
	".size fault_return, . - fault_return\n"
	".popsection\n");

static bool by_module(const unsigned long *stack, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (stack[i] >= start && stack[i] < end)
			return true;
	}
	return false;
}

/* An interrupt's work is not the thread's. A breakpoint counts as an NMI itself. */
static bool on_top_of_thread(void)
{
	unsigned long count = preempt_count();

	if (count & NMI_MASK)
		count -= NMI_OFFSET + HARDIRQ_OFFSET;
	return count & (NMI_MASK | HARDIRQ_MASK | SOFTIRQ_OFFSET);
}

/* Context: a breakpoint, so nothing here may take a lock. */
static int at_entry(struct kprobe *probe, struct pt_regs *regs)
{
	unsigned long ip = regs->ip, stack[DEPTH];
	unsigned int nr;

	if (READ_ONCE(victim) != current || left <= 0 || on_top_of_thread())
		return 0;
	/*
	 * It points behind the breakpoint, which may be behind a push that has not
	 * been executed: the unwinder would look for the caller in the wrong place.
	 */
	regs->ip = (unsigned long)probe->addr;
	nr = stack_trace_save(stack, DEPTH, 0);
	regs->ip = ip;
	if (!by_module(stack, nr) || --left)
		return 0;
	if (verbose) {
		pr_info("fault: %s fails\n", probe->symbol_name);
		stack_trace_print(stack, nr, 2);
	}
	/*
	 * As if it had returned NULL. The stack pointer stays: who called us may have
	 * its own frame there, which it returns through.
	 */
	regs->ax = 0;
	regs->ip = (unsigned long)fault_return;
	return 1;
}

/* With it a probe is not turned into a jump, which could not change where to go on. */
static void after(struct kprobe *probe, struct pt_regs *regs, unsigned long flags)
{
}

static ssize_t fault_read(struct file *filp, char __user *buf, size_t size, loff_t *pos)
{
	char text[24];
	int len;

	if (READ_ONCE(victim) != current)
		return -EINVAL;
	WRITE_ONCE(victim, NULL);
	len = scnprintf(text, sizeof(text), "%ld\n", left);
	if (size < len || copy_to_user(buf, text, len))
		return -EFAULT;
	return len;
}

static ssize_t fault_write(struct file *filp, const char __user *buf, size_t size, loff_t *pos)
{
	long n;
	int err = kstrtol_from_user(buf, size, 0, &n);

	if (err)
		return err;
	if (READ_ONCE(victim))
		return -EBUSY;
	left = n;
	filp->private_data = current;
	WRITE_ONCE(victim, current);
	return size;
}

/* Who died while its order stood has not read: forget it before it is freed. */
static int fault_release(struct inode *inode, struct file *filp)
{
	if (filp->private_data)
		cmpxchg(&victim, filp->private_data, NULL);
	return 0;
}

static const struct file_operations fault_fops = {
	.owner = THIS_MODULE,
	.read = fault_read,
	.write = fault_write,
	.release = fault_release,
	.llseek = noop_llseek,
};

static int __init fault_init(void)
{
	unsigned int i, nr = 0;

	if (!start || end <= start)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(allocators); i++) {
		probes[i].symbol_name = allocators[i];
		probes[i].pre_handler = at_entry;
		probes[i].post_handler = after;
		if (register_kprobe(&probes[i]))
			probes[i].pre_handler = NULL;
		else
			nr++;
	}
	if (!nr)
		return -ENOENT;
	pr_info("fault: %u of %zu allocators found\n", nr, ARRAY_SIZE(allocators));
	file = debugfs_create_file("monovisor-fault", 0600, NULL, NULL, &fault_fops);
	return 0;
}
module_init(fault_init);

static void __exit fault_exit(void)
{
	unsigned int i;

	debugfs_remove(file);
	for (i = 0; i < ARRAY_SIZE(allocators); i++) {
		if (probes[i].pre_handler)
			unregister_kprobe(&probes[i]);
	}
}
module_exit(fault_exit);

MODULE_DESCRIPTION("Allocations of a module that fail on purpose");
MODULE_LICENSE("GPL");
