// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way of an acknowledged interrupt to the host's gate (vmx/irq.c), tried on
 * this CPU: the kernel counts what arrives. An end of interrupt with nothing in
 * service does nothing, so those of the kernel's own vectors may come at any time.
 */
#include <kunit/test.h>
#include <linux/hardirq.h>
#include <linux/irqflags.h>
#include <linux/smp.h>
#include <asm/irq_vectors.h>

#include "vmx/irq.h"

#define ROUNDS	3

static const struct {
	u8 vector;
	size_t count;		/* where in irq_cpustat_t */
} vectors[] = {
	{ RESCHEDULE_VECTOR, offsetof(irq_cpustat_t, irq_resched_count) },
	{ CALL_FUNCTION_VECTOR, offsetof(irq_cpustat_t, irq_call_count) },
	{ CALL_FUNCTION_SINGLE_VECTOR, offsetof(irq_cpustat_t, irq_call_count) },
#if IS_ENABLED(CONFIG_KVM)
	{ POSTED_INTR_VECTOR, offsetof(irq_cpustat_t, kvm_posted_intr_ipis) },
#endif
};

static unsigned int counted(int i)
{
	return *(unsigned int *)((void *)this_cpu_ptr(&irq_stat) + vectors[i].count);
}

static void each_arrives(struct kunit *test)
{
	unsigned int before, after;
	unsigned long flags;
	bool still_off;
	int i, n;

	for (i = 0; i < ARRAY_SIZE(vectors); i++) {
		local_irq_save(flags);
		before = counted(i);
		for (n = 0; n < ROUNDS; n++)
			vmx_host_interrupt(vectors[i].vector);
		after = counted(i);
		still_off = irqs_disabled();
		local_irq_restore(flags);
		KUNIT_EXPECT_EQ_MSG(test, after - before, ROUNDS, "vector %x", vectors[i].vector);
		KUNIT_EXPECT_TRUE(test, still_off);
	}
}

static struct kunit_case vmx_irq_cases[] = {
	KUNIT_CASE(each_arrives),
	{}
};

static struct kunit_suite vmx_irq_suite = {
	.name = "vmx_irq",
	.test_cases = vmx_irq_cases,
};

kunit_test_suite(vmx_irq_suite);
