/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * irqfd: an eventfd that raises a GSI of a VM; one with a resample eventfd is
 * lowered, and that one signalled, when the guest ends the interrupt.
 */
#ifndef MONOVISOR_CORE_IRQ_IRQFD_H
#define MONOVISOR_CORE_IRQ_IRQFD_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>

#include "core/types.h"

struct kvm_irqfds {
	spinlock_t lock;		/* items; taken in hard interrupts */
	struct list_head items;		/* struct irqfd; leaving the list is leaving for good */
	struct mutex resampler_lock;	/* writers of resamplers and of their lists */
	struct list_head resamplers;	/* struct resampler; readers: kvm->irq_srcu */
};

void kvm_irqfd_vm_init(struct kvm *kvm);
/* The VM's descriptor is closed: no irqfd is left when this returns. May sleep. */
void kvm_irqfd_release(struct kvm *kvm);

/* Return: 0, -EINVAL, -EBADF, -EBUSY (the eventfd raises something already), -ENOMEM. */
int kvm_vm_ioctl_irqfd(struct kvm *kvm, const struct kvm_irqfd *args);

/* kvm->irq_lock held, the new routes are published. */
void kvm_irqfd_routing_changed(struct kvm *kvm);

/* kvm->irq_srcu held for all three. */
bool kvm_irqfd_has_resampler(struct kvm *kvm, u32 gsi);
/* The guest ended @gsi: lower it, let the devices look again. No chip's lock held. */
void kvm_irqfd_acked(struct kvm *kvm, u32 gsi);
/* Let the devices behind @gsi look again. Any lock of a chip. Return: there are some. */
bool kvm_irqfd_resample(struct kvm *kvm, u32 gsi);

int kvm_irqfd_module_init(void);
void kvm_irqfd_module_exit(void);

#endif /* MONOVISOR_CORE_IRQ_IRQFD_H */
