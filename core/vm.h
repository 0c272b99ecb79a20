/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * struct kvm: one virtual machine. Vendors embed it as the first member of
 * their own structure. Life cycle and VM ioctls are in vm.c.
 */
#ifndef MONOVISOR_CORE_VM_H
#define MONOVISOR_CORE_VM_H

#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/rwlock.h>
#include <linux/sched.h>
#include <linux/srcu.h>
#include <linux/xarray.h>

#include "core/bus.h"
#include "core/clock.h"
#include "core/irq/irqfd.h"
#include "core/memslot.h"
#include "core/mmu/mmu.h"
#include "core/stats.h"
#include "core/types.h"

/*
 * Lock order, outermost first:
 *	kvm->lock > vcpu->mutex > kvm->slots_lock > kvm->irq_lock >
 *	kvm->srcu, kvm->irq_srcu (read) > kvm->mmu_lock
 * mmu_lock is taken for read by faults and for write by whatever must see no
 * fault in flight. See docs/locking.md.
 */
struct kvm {
	struct mm_struct *mm;			/* userspace tied to this VM */
	refcount_t users;			/* descriptors of the VM, its vCPUs, its stats */
	bool vm_bugged;				/* inconsistent: every ioctl answers -EIO */
	bool exit_on_emulation_error;		/* KVM_CAP_EXIT_ON_EMULATION_FAILURE */
	bool exception_payload_enabled;		/* KVM_CAP_EXCEPTION_PAYLOAD */
	bool triple_fault_event;		/* KVM_CAP_X86_TRIPLE_FAULT_EVENT */
	struct mutex lock;			/* VM-wide set-up: vCPU creation */

	struct mutex slots_lock;		/* writers of memslots and buses */
	struct kvm_memslots_set slots;		/* memslot.h */
	struct srcu_struct srcu;		/* readers of memslots and buses */

	rwlock_t mmu_lock;
	struct tdp_vm tdp;			/* mmu/mmu.h */
	struct mmu_notifier mmu_notifier;
	struct kvm_notifier_state notifier;	/* mmu/mmu.h */

	struct xarray vcpu_array;		/* by vcpu_idx; only grows until destroy */
	atomic_t online_vcpus;			/* published after the xarray entry */
	int created_vcpus;			/* under lock */
	bool device_mapped;			/* the guest has a device's memory, or soon */
	bool device_announced;			/* all vCPUs know, see fault.c */
	int last_boosted;			/* vCPU that a spinner gave its CPU to (spin.c) */
	u32 max_vcpu_ids;			/* KVM_CAP_MAX_VCPU_ID */
	bool platform_info_hidden;		/* KVM_CAP_MSR_PLATFORM_INFO */

	struct kvm_buses buses;			/* bus.h: ioeventfd, coalesced MMIO */

	int irqchip_mode;			/* enum kvm_irqchip_mode; irq/irqchip.h */
	u32 nr_reserved_ioapic_pins;		/* GSIs of userspace's I/O APIC; as irqchip_mode */
	struct kvm_pic *pic;			/* as irqchip_mode */
	struct kvm_ioapic *ioapic;		/* as irqchip_mode */
	struct kvm_pit *pit;			/* writers: lock; irq/pit.h */
	struct mutex irq_lock;			/* writers of routing and irqfds */
	struct srcu_struct irq_srcu;		/* readers of routing, pit and irqfd resamplers */
	struct kvm_routing __rcu *routing;	/* irq/routing.h; NULL: none */
	struct kvm_irqfds irqfds;		/* irq/irqfd.h */

	u64 default_tsc_khz;			/* for vCPUs created from now on */
	struct kvm_clock_vm clock;		/* the guest's paravirtual clock (clock.h) */
	raw_spinlock_t tsc_write_lock;		/* TSC synchronisation between vCPUs (tsc.c) */
	u64 last_tsc_nsec;			/* under tsc_write_lock, as the next six */
	u64 last_tsc_write;
	u64 last_tsc_offset;
	u64 last_tsc_lost;
	u64 last_tsc_ratio;
	u32 last_tsc_khz;
	bool last_tsc_valid;

	u32 bsp_vcpu_id;			/* KVM_SET_BOOT_CPU_ID */
	u32 apic_bus_cycle_ns;			/* KVM_CAP_X86_APIC_BUS_CYCLES_NS */
	bool x2apic_format;			/* userspace knows of 32-bit APIC ids */
	bool x2apic_broadcast_quirk_disabled;	/* 0xff of a device is one id in x2APIC mode */
	struct kvm_apic_map __rcu *apic_map;	/* irq/ipi.h; writers: apic_map_lock */
	struct mutex apic_map_lock;
	unsigned long apicv_inhibit_reasons;	/* why hardware must not deliver interrupts */

	u32 tss_addr;				/* KVM_SET_TSS_ADDR: kept for reads by vendors */
	u64 identity_map_addr;			/* KVM_SET_IDENTITY_MAP_ADDR */
	u32 disabled_exits;			/* KVM_X86_DISABLE_EXITS_* */
	u32 user_space_msr_mask;		/* KVM_MSR_EXIT_REASON_* */
	struct kvm_msr_filter_set __rcu *msr_filter;	/* writers: lock; readers: srcu */

	struct list_head vm_list;		/* all VMs, under kvm_lock (main.c) */
	struct kvm_vm_stat stat;
	struct kvm_debugfs_item *debugfs_items;	/* [i] what the files in debugfs point to */
	char stats_id[KVM_STATS_NAME_SIZE];
	struct dentry *debugfs_dentry;
};

static inline struct kvm_vcpu *kvm_get_vcpu(struct kvm *kvm, int idx)
{
	return xa_load(&kvm->vcpu_array, idx);
}

/*
 * online_vcpus is read with acquire semantics: a vCPU counted by it is found
 * in the array (pairs with the release in kvm_vm_ioctl_create_vcpu()).
 */
#define kvm_for_each_vcpu(idx, vcpu, kvm)				\
	for ((idx) = 0;							\
	     (idx) < atomic_read_acquire(&(kvm)->online_vcpus) &&	\
	     ((vcpu) = kvm_get_vcpu((kvm), (idx)), true);		\
	     (idx)++)

struct file;

/* Ioctls are for the process that made the VM, and only while the VM is sound. */
static inline bool kvm_ioctl_allowed(struct kvm *kvm)
{
	return kvm->mm == current->mm && !READ_ONCE(kvm->vm_bugged);
}

struct kvm *kvm_create_vm(void);
int kvm_dev_ioctl_create_vm(unsigned long type);
long kvm_vm_compat_ioctl(struct file *filp, unsigned int ioctl, unsigned long arg);
void kvm_get_kvm(struct kvm *kvm);
void kvm_put_kvm(struct kvm *kvm);

/**
 * kvm_vm_bugged() - stop a VM whose state contradicts itself
 * @kvm: the VM
 *
 * Every vCPU leaves the guest and every further ioctl returns -EIO; the host
 * goes on. Context: interrupts on.
 */
void kvm_vm_bugged(struct kvm *kvm);

#endif /* MONOVISOR_CORE_VM_H */
