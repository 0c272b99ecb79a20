/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Life of the module and of the hardware it owns (main.c).
 */
#ifndef MONOVISOR_CORE_MAIN_H
#define MONOVISOR_CORE_MAIN_H

#include <linux/list.h>
#include <linux/mutex.h>
#include "core/types.h"

extern struct mutex kvm_lock;		/* vm_list, and enabling of the hardware */
extern struct list_head vm_list;

/* Virtualization is enabled on all CPUs while at least one VM exists. */
int kvm_hardware_get(void);
void kvm_hardware_put(void);
/* asm-callable: an instruction of the extension faulted because a reboot turned it off. */
extern bool kvm_rebooting;

#endif /* MONOVISOR_CORE_MAIN_H */
