/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which interrupt controllers of a VM the kernel emulates, and the ioctls that
 * make, read and write them. The chips themselves are in files of their own.
 */
#ifndef MONOVISOR_CORE_IRQ_IRQCHIP_H
#define MONOVISOR_CORE_IRQ_IRQCHIP_H

#include "core/types.h"
#include "core/vm.h"

/**
 * enum kvm_irqchip_mode - who emulates interrupt controllers
 * @KVM_IRQCHIP_NONE: userspace, all of them.
 * @KVM_IRQCHIP_KERNEL: the kernel: local APICs, I/O APIC, both PICs.
 * @KVM_IRQCHIP_SPLIT: the kernel has the local APICs, userspace the rest.
 *
 * Written once under kvm->lock, before the first vCPU exists.
 */
enum kvm_irqchip_mode {
	KVM_IRQCHIP_NONE,
	KVM_IRQCHIP_KERNEL,
	KVM_IRQCHIP_SPLIT,
};

/* Who holds an input line of a chip high; the line is the OR of them. */
enum kvm_irq_source {
	KVM_IRQ_SOURCE_USERSPACE,	/* KVM_IRQ_LINE, irqfd */
	KVM_IRQ_SOURCE_RESAMPLE,	/* irqfd that is lowered by the EOI */
	KVM_IRQ_SOURCE_PIT,
};

/* Return: the level of the line. Context: the chip's lock. */
static inline bool kvm_irq_line_level(unsigned long *line, enum kvm_irq_source source, bool level)
{
	if (level)
		__set_bit(source, line);
	else
		__clear_bit(source, line);
	return *line;
}

/* Pairs with the release in irqchip.c: who sees the mode sees the chips and routes. */
static inline enum kvm_irqchip_mode irqchip_mode(struct kvm *kvm)
{
	/* See above. */
	return smp_load_acquire(&kvm->irqchip_mode);
}

/* Are there local APICs, that is, any interrupt controller, in the kernel? */
static inline bool irqchip_in_kernel(struct kvm *kvm)
{
	return irqchip_mode(kvm) != KVM_IRQCHIP_NONE;
}

static inline bool irqchip_split(struct kvm *kvm)
{
	return irqchip_mode(kvm) == KVM_IRQCHIP_SPLIT;
}

static inline bool pic_in_kernel(struct kvm *kvm)
{
	return irqchip_mode(kvm) == KVM_IRQCHIP_KERNEL;
}

static inline bool ioapic_in_kernel(struct kvm *kvm)
{
	return irqchip_mode(kvm) == KVM_IRQCHIP_KERNEL;
}

int kvm_irqchip_vm_init(struct kvm *kvm);
/* The VM's last reference is gone. The chips end while there are vCPUs: they drive them. */
void kvm_irqchip_destroy_chips(struct kvm *kvm);
void kvm_irqchip_vm_destroy(struct kvm *kvm);

/*
 * KVM_CAP_SPLIT_IRQCHIP: userspace's I/O APIC owns the GSIs below @nr_pins.
 * kvm->lock held. Return: 0, -EINVAL (too many), -EEXIST (too late).
 */
int kvm_enable_split_irqchip(struct kvm *kvm, u64 nr_pins);

/* Return: -ENOTTY for an ioctl that has nothing to do with interrupts. */
long kvm_vm_ioctl_irq(struct kvm *kvm, unsigned int ioctl, void __user *argp);

#endif /* MONOVISOR_CORE_IRQ_IRQCHIP_H */
