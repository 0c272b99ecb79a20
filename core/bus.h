/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * In-kernel listeners on the port and memory buses: ioeventfds and coalesced
 * zones. What an access finds is decided by a switch over the kind of
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

/* The most listeners a bus takes; KVM's own limit. */
#define KVM_BUS_MAX_LISTENERS	1000

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
 * Context: kvm->srcu held; any other.
 * Return: true if a listener took it; false: it is for userspace.
 */
bool kvm_bus_write(struct kvm_vcpu *vcpu, enum kvm_bus_id id, gpa_t addr, u32 len,
		   const void *data);

/*
 * All three: may sleep, take slots_lock, change nothing when they fail.
 */
int kvm_vm_ioctl_ioeventfd(struct kvm *kvm, const struct kvm_ioeventfd *args);
int kvm_vm_ioctl_register_coalesced(struct kvm *kvm, const struct kvm_coalesced_mmio_zone *zone);
int kvm_vm_ioctl_unregister_coalesced(struct kvm *kvm, const struct kvm_coalesced_mmio_zone *zone);

#endif /* MONOVISOR_CORE_BUS_H */
