// SPDX-License-Identifier: GPL-2.0-only
/*
 * Host interrupts that ended the guest and were acknowledged by the exit: the
 * CPU has taken them out of its local APIC, so nobody but us can deliver them.
 *
 * Each goes through the host's own gate, as it would have without a guest. The
 * handler's address is data, and a jump there an indirect branch; INT takes it
 * from the IDT itself, but has its vector in the instruction. So there is one
 * INT for each vector, found bit by bit by direct branches.
 *
 * Source: Intel SDM volume 3, "VM-Exit Controls"; volume 2, "INT n".
 */
#include <linux/compiler.h>
#include <linux/types.h>

#include "vmx/irq.h"

static __always_inline void int_1(u8 vector, const int n)
{
	asm volatile("int %0" : : "i" (n) : "memory");
}

/* The vector is one of @size from n on: in which half? */
#define HALVES(size, half)						\
static __always_inline void int_##size(u8 vector, const int n)		\
{									\
	if (vector & (half))						\
		int_##half(vector, n + (half));				\
	else								\
		int_##half(vector, n);					\
}

HALVES(2, 1)
HALVES(4, 2)
HALVES(8, 4)
HALVES(16, 8)
HALVES(32, 16)
HALVES(64, 32)
HALVES(128, 64)
HALVES(256, 128)

#undef HALVES

/**
 * vmx_host_interrupt() - deliver an acknowledged interrupt to the host
 * @vector: its vector
 *
 * Context: irqs off. The handler runs and returns as if it had interrupted the
 * caller, with interrupts still off; softirqs may run with them on.
 */
void vmx_host_interrupt(u8 vector)
{
	int_256(vector, 0);
}
