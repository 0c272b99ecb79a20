/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The vendor's hardware as a whole: may it be used, how it is switched on and
 * off, what is decided once at load.
 */
#ifndef MONOVISOR_OPS_HW_H
#define MONOVISOR_OPS_HW_H

#include <linux/types.h>

#include "core/types.h"
#include "ops/vendor.h"

/**
 * kvm_x86_check_hardware() - may this CPU be used?
 *
 * Checks vendor, feature bits and firmware locks of the current CPU. Logs the
 * reason on failure, one line.
 * Context: preemption off or pinned. Return: 0, -EOPNOTSUPP (the CPU lacks
 * something) or -EBUSY (another hypervisor holds it), which core reports.
 */
int kvm_x86_check_hardware(void);

/**
 * kvm_x86_hardware_setup() - decide once what the hardware decides at run time
 *
 * Reads capabilities into __ro_after_init variables, sets CPU caps
 * (kvm_cpu_cap_set()) and kvm_efer_supported.
 * Context: module load; may sleep. Return: 0 or a negative errno, with the
 * reason logged and nothing left behind.
 */
int kvm_x86_hardware_setup(void);
void kvm_x86_hardware_unsetup(void);

/**
 * kvm_x86_alloc_cpu() - get what the extension needs in memory of one CPU
 * @cpu: a possible one, online or not; its own NUMA node is best
 *
 * Context: module load, after kvm_x86_hardware_setup(); may sleep.
 * Return: 0 or -ENOMEM; kvm_x86_free_cpu() comes in both cases.
 */
int kvm_x86_alloc_cpu(int cpu);
/* Also for a CPU that has nothing, or not all of it. */
void kvm_x86_free_cpu(int cpu);

/**
 * kvm_x86_enable_virtualization_cpu() - switch the extension on, on this CPU
 *
 * Context: irqs off or hotplug thread pinned to the CPU. Return: 0, -EBUSY if it
 * is on already, another negative errno, which core reports; on failure the CPU is as
 * before.
 */
int kvm_x86_enable_virtualization_cpu(void);
/* Only where that has succeeded; the same context. */
void kvm_x86_disable_virtualization_cpu(void);
/*
 * From reboot and crash paths: NMI-like context, no locks, no printk; perhaps in the
 * middle of switching on or off.
 */
void kvm_x86_emergency_disable_virtualization_cpu(void);

/* 0, or -EOPNOTSUPP where this vendor cannot run guests. */
int kvm_x86_vm_init(struct kvm *kvm);
void kvm_x86_vm_destroy(struct kvm *kvm);
/* Sizes of the vendor's structures around struct kvm and struct kvm_vcpu. */
size_t kvm_x86_vm_size(void);
size_t kvm_x86_vcpu_size(void);

#endif /* MONOVISOR_OPS_HW_H */
