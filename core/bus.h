/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * In-kernel listeners on the port and memory buses: ioeventfds, coalesced zones
 * and the interrupt controllers. What an access finds is decided by a switch over the kind of
 * listener, never through a pointer.
 */
#ifndef MONOVISOR_CORE_BUS_H
#define MONOVISOR_CORE_BUS_H

#include <linux/kvm.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>

#include "core/types.h"

enum kvm_bus_id {
	KVM_BUS_MMIO,
	KVM_BUS_PIO,
	KVM_NR_BUSES,
};

/* Devices that answer reads as well; there is at most one of each. */
enum kvm_device {
	KVM_DEVICE_PIC_MASTER,
	KVM_DEVICE_PIC_SLAVE,
	KVM_DEVICE_ELCR,
	KVM_DEVICE_PIT,
	KVM_DEVICE_SPEAKER,
	KVM_DEVICE_IOAPIC,
};

struct kvm_bus_range {
	enum kvm_bus_id bus;
	enum kvm_device device;
	gpa_t addr;
	u32 len;
};

/* The most listeners a bus takes; KVM's own limit. */
#define KVM_BUS_MAX_LISTENERS	1000

struct eventfd_ctx;
struct kvm_bus;

struct kvm_buses {
	struct kvm_bus __rcu *bus[KVM_NR_BUSES];	/* writers: slots_lock; readers: srcu */
	struct kvm_coalesced_mmio_ring *ring;		/* page shared with userspace */
	spinlock_t ring_lock;				/* writers of the ring */
};

int kvm_buses_init(struct kvm *kvm);
void kvm_buses_destroy(struct kvm *kvm);

/**
 * kvm_bus_write() - offer a write to the in-kernel listeners
 * @vcpu: who writes
 * @id: which bus
 * @addr: port or guest physical address
 * @len: bytes, at most 8 for a listener to take it
 * @data: the datum
 *
 * Context: kvm->srcu held; may sleep.
 * Return: true if a listener took it; false: it is for userspace.
 */
bool kvm_bus_write(struct kvm_vcpu *vcpu, enum kvm_bus_id id, gpa_t addr, u32 len,
		   const void *data);

/**
 * kvm_bus_find_eventfd() - the ioeventfd that a write would signal
 * @vcpu: who writes
 * @id: which bus
 * @addr: port or guest physical address
 * @len: bytes
 * @data: the datum
 *
 * Context: kvm->srcu held, as long as the answer is used; any but NMI, also irqs off.
 * Return: for compat_eventfd_signal(), which is all that is left to do; NULL if
 * kvm_bus_write() is to decide.
 */
struct eventfd_ctx *kvm_bus_find_eventfd(struct kvm_vcpu *vcpu, enum kvm_bus_id id, gpa_t addr,
					 u32 len, const void *data);

/**
 * kvm_bus_read() - ask the in-kernel devices for a datum
 * @vcpu: who reads
 * @id: which bus
 * @addr: port or guest physical address
 * @len: bytes
 * @data: filled if a device answers
 *
 * Context: kvm->srcu held; may sleep.
 * Return: true if a device answered; false: it is for userspace.
 */
bool kvm_bus_read(struct kvm_vcpu *vcpu, enum kvm_bus_id id, gpa_t addr, u32 len, void *data);

/* All or none. They stay until the VM is destroyed. Return: 0, -ENOSPC, -ENOMEM. */
int kvm_bus_add_devices(struct kvm *kvm, const struct kvm_bus_range *ranges, unsigned int nr);

/*
 * All three: may sleep, take slots_lock, change nothing when they fail.
 */
int kvm_vm_ioctl_ioeventfd(struct kvm *kvm, const struct kvm_ioeventfd *args);
int kvm_vm_ioctl_register_coalesced(struct kvm *kvm, const struct kvm_coalesced_mmio_zone *zone);
int kvm_vm_ioctl_unregister_coalesced(struct kvm *kvm, const struct kvm_coalesced_mmio_zone *zone);

#endif /* MONOVISOR_CORE_BUS_H */
