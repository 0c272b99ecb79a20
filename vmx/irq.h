/* SPDX-License-Identifier: GPL-2.0-only */
/* Host interrupts that an exit has acknowledged: see irq.c. */
#ifndef MONOVISOR_VMX_IRQ_H
#define MONOVISOR_VMX_IRQ_H

#include <linux/types.h>

void vmx_host_interrupt(u8 vector);

#endif /* MONOVISOR_VMX_IRQ_H */
