/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest physical memory: which gfn is backed by which user address.
 * Readers hold kvm->srcu; writers hold kvm->slots_lock and publish a whole
 * new view. Lookup is logarithmic in the number of slots (memslot.c); dirty
 * bitmaps are in dirty.c.
 */
#ifndef MONOVISOR_CORE_MEMSLOT_H
#define MONOVISOR_CORE_MEMSLOT_H

#include <linux/interval_tree.h>
#include <linux/kvm.h>
#include <linux/nospec.h>
#include <linux/rbtree.h>
#include <linux/types.h>

#include "core/types.h"

/*
 * A slot is immutable once published, except for dirty_bitmap's bits. A
 * change makes a new struct and frees the old one after an SRCU grace period.
 * The nodes come in pairs, one for each of the two indexes of a VM.
 */
struct kvm_memory_slot {
	struct rb_node gfn_node[2];
	struct rb_node id_node[2];
	struct interval_tree_node hva_node[2];
	gfn_t base_gfn;
	unsigned long npages;
	unsigned long userspace_addr;
	unsigned long *dirty_bitmap;	/* NULL if not logged; twice the size (see dirty.c) */
	u32 flags;			/* KVM_MEM_* */
	u16 id;
};

/* One complete index of the slots: by frame, by id, by user address. */
struct kvm_memslots {
	struct rb_root by_gfn;
	struct rb_root by_id;
	struct rb_root_cached by_hva;
	int idx;			/* which node of each pair is linked here; constant */
	u64 generation;			/* changes made, from 1; constant while this is active */
};

struct kvm_memslots_set {
	struct kvm_memslots __rcu *active;	/* SRCU: kvm->srcu; writers: kvm->slots_lock */
	struct kvm_memslots index[2];		/* the active one and its twin */
	u64 nr_memslot_pages;			/* sum over slots, under slots_lock */
	unsigned int nr_slots;			/* under slots_lock */
	unsigned int nr_logged;			/* with dirty_bitmap; likewise, read by vCPUs */
	u64 manual_dirty_log;			/* KVM_DIRTY_LOG_*, under slots_lock */
	/*
	 * The slot whose frames are on their way out of the second-stage tables
	 * while no index leads to it, or NULL; under mmu_lock. See
	 * memslots_commit_leaving().
	 */
	const struct kvm_memory_slot *leaving;
};

/* Longest slot the ABI allows: its pages are counted in an int by many clients. */
#define KVM_MEM_MAX_NR_PAGES	((1UL << 31) - 1)

static inline bool kvm_slot_dirty_track_enabled(const struct kvm_memory_slot *slot)
{
	return slot->flags & KVM_MEM_LOG_DIRTY_PAGES;
}

static inline bool kvm_slot_has_gfn(const struct kvm_memory_slot *slot, gfn_t gfn)
{
	return gfn - slot->base_gfn < slot->npages;
}

static inline unsigned long __gfn_to_hva_memslot(const struct kvm_memory_slot *slot, gfn_t gfn)
{
	/* The guest chose the frame: no speculation beyond the slot. */
	return slot->userspace_addr +
	       (array_index_nospec(gfn - slot->base_gfn, slot->npages) << PAGE_SHIFT);
}

int kvm_memslots_init(struct kvm *kvm);
void kvm_memslots_destroy(struct kvm *kvm);

/**
 * gfn_to_memslot() - find the slot that backs a guest frame
 * @kvm: the VM
 * @gfn: guest frame number
 *
 * Context: kvm->srcu held for read, or kvm->slots_lock.
 * Return: the slot, or NULL if the frame is not memory (MMIO).
 */
struct kvm_memory_slot *gfn_to_memslot(struct kvm *kvm, gfn_t gfn);
/*
 * A number, never 0, that is another one after any change of the slots. Read
 * before a look-up, it vouches for what was found as long as it stays; context as
 * above.
 */
u64 kvm_memslots_generation(struct kvm *kvm);
struct kvm_memory_slot *id_to_memslot(struct kvm *kvm, int id);

/* A walk over the slots whose user addresses touch [start, last]. */
struct kvm_memslot_hva_iter {
	unsigned long start;
	unsigned long last;
	struct interval_tree_node *node;
	int idx;
};

/* Context of both: as gfn_to_memslot(), held over the whole walk. NULL ends it. */
struct kvm_memory_slot *kvm_memslot_hva_first(struct kvm *kvm, unsigned long start,
					      unsigned long last,
					      struct kvm_memslot_hva_iter *it);
struct kvm_memory_slot *kvm_memslot_hva_next(struct kvm_memslot_hva_iter *it);

/**
 * kvm_set_memory_region() - KVM_SET_USER_MEMORY_REGION
 * @kvm: the VM
 * @mem: one private copy of what userspace asked for
 *
 * Context: may sleep; takes kvm->slots_lock. A failed call changes nothing.
 * Return: 0, -EINVAL (alignment, flags, size, unsupported change), -EEXIST
 * (overlap with another slot), -ENOMEM.
 */
int kvm_set_memory_region(struct kvm *kvm, const struct kvm_userspace_memory_region *mem);

/* dirty.c; slots_lock held. */
int kvm_alloc_dirty_bitmap(struct kvm_memory_slot *slot, bool all_dirty);
void kvm_free_dirty_bitmap(struct kvm_memory_slot *slot);

/**
 * kvm_enable_manual_dirty_log() - KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2
 * @kvm: the VM
 * @flags: KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE and KVM_DIRTY_LOG_INITIALLY_SET
 *
 * Context: may sleep; takes kvm->slots_lock. Return: 0 or -EINVAL.
 */
int kvm_enable_manual_dirty_log(struct kvm *kvm, u64 flags);

/**
 * kvm_vm_ioctl_get_dirty_log() - KVM_GET_DIRTY_LOG
 * @kvm: the VM
 * @log: private copy of the argument
 *
 * Context: may sleep; takes kvm->slots_lock.
 * Return: 0; -EINVAL (no such slot number), -ENOENT (no slot, or it is not
 * logged), -EFAULT (bitmap not writable; the log is kept).
 */
int kvm_vm_ioctl_get_dirty_log(struct kvm *kvm, struct kvm_dirty_log *log);
int kvm_vm_ioctl_clear_dirty_log(struct kvm *kvm, struct kvm_clear_dirty_log *log);

void mark_page_dirty_in_slot(struct kvm *kvm, const struct kvm_memory_slot *slot, gfn_t gfn);
void mark_page_dirty(struct kvm *kvm, gfn_t gfn);

/*
 * Guest memory by guest physical address, page by page through the slots.
 * Context: kvm->srcu held, may sleep (user memory may fault in).
 * Return: 0, or -EFAULT if a page is no memory, is read-only (writes) or its
 * user mapping is gone. A write marks the page dirty.
 */
int kvm_read_guest(struct kvm *kvm, gpa_t gpa, void *data, unsigned long len);
int kvm_write_guest(struct kvm *kvm, gpa_t gpa, const void *data, unsigned long len);
unsigned long gfn_to_hva(struct kvm *kvm, gfn_t gfn);
/* The user address of a frame and whether it may be written; KVM_HVA_ERR_BAD if no memory. */
unsigned long gfn_to_hva_prot(struct kvm *kvm, gfn_t gfn, bool *writable);

/* Not a user address, so that a forgotten check cannot reach user memory. */
#define KVM_HVA_ERR_BAD		(PAGE_OFFSET)
static inline bool kvm_is_error_hva(unsigned long addr)
{
	return addr >= PAGE_OFFSET;
}

#endif /* MONOVISOR_CORE_MEMSLOT_H */
