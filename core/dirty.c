// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty logs: which frames of a slot were written since userspace last asked.
 * Write protection itself is in mmu/zap.c, the faults it causes in mmu/fault.c.
 *
 * A logged slot's bitmap is followed by a second one of the same size, the
 * harvest: bits move there with mmu_lock held and go to userspace from there
 * without it.
 *
 * Nothing written is lost: a bit is taken and its frame write-protected under
 * mmu_lock, TLBs are flushed, and only then userspace learns of the bit and
 * reads the frame. A write before the flush is in the frame by then; a write
 * after it faults and sets the bit again.
 *
 * Where hardware logs what it makes dirty, frames are made clean instead of
 * write-protected, and the log lags: a vCPU empties it when it leaves the guest.
 * What is written and not yet marked stays dirty in the tables, for only marked
 * frames are made clean; its mark comes later and is not lost. So that a log
 * tells all that was written before it was asked for, all vCPUs leave first.
 */
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "core/memslot.h"
#include "core/mmu/mmu.h"
#include "core/request.h"
#include "core/vm.h"
#include "ops/mmu.h"

#define DIRTY_LOG_MANUAL_FLAGS	(KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | \
				 KVM_DIRTY_LOG_INITIALLY_SET)

static unsigned long bitmap_longs(const struct kvm_memory_slot *slot)
{
	return BITS_TO_LONGS(slot->npages);
}

static unsigned long *harvest(const struct kvm_memory_slot *slot)
{
	return slot->dirty_bitmap + bitmap_longs(slot);
}

int kvm_alloc_dirty_bitmap(struct kvm_memory_slot *slot, bool all_dirty)
{
	slot->dirty_bitmap = kvcalloc(2 * bitmap_longs(slot), sizeof(long), GFP_KERNEL_ACCOUNT);
	if (!slot->dirty_bitmap)
		return -ENOMEM;
	if (all_dirty)
		bitmap_set(slot->dirty_bitmap, 0, slot->npages);
	return 0;
}

void kvm_free_dirty_bitmap(struct kvm_memory_slot *slot)
{
	kvfree(slot->dirty_bitmap);
	slot->dirty_bitmap = NULL;
}

/**
 * mark_page_dirty_in_slot() - a frame was or will be written
 * @kvm: the VM
 * @slot: the frame's slot, or NULL
 * @gfn: the frame
 *
 * Context: kvm->srcu held. After the write if the writer does it by user
 * address; with mmu_lock held for read if a second-stage entry permits it.
 */
void mark_page_dirty_in_slot(struct kvm *kvm, const struct kvm_memory_slot *slot, gfn_t gfn)
{
	unsigned long bit;

	if (!slot || !slot->dirty_bitmap)
		return;
	bit = array_index_nospec(gfn - slot->base_gfn, slot->npages);
	/* Order the look at the bit after the write that it stands for. */
	smp_mb();
	if (!test_bit(bit, slot->dirty_bitmap))
		set_bit(bit, slot->dirty_bitmap);
}

/*
 * Hardware's log may name a frame by where its slot was a moment ago; the bitmap
 * moves along. Then as well as what is there by now: too much may be told.
 */
static void mark_page_dirty_in_leaving(struct kvm *kvm, gfn_t gfn)
{
	const struct kvm_memory_slot *slot = READ_ONCE(kvm->slots.leaving);

	if (unlikely(slot) && kvm_slot_has_gfn(slot, gfn))
		mark_page_dirty_in_slot(kvm, slot, gfn);
}

void mark_page_dirty(struct kvm *kvm, gfn_t gfn)
{
	mark_page_dirty_in_slot(kvm, gfn_to_memslot(kvm, gfn), gfn);
	if (kvm_x86_tdp_logs_dirty())
		mark_page_dirty_in_leaving(kvm, gfn);
}

/* The logged slot that userspace names. The upper half of the number is the address space. */
static struct kvm_memory_slot *logged_slot(struct kvm *kvm, u32 number)
{
	struct kvm_memory_slot *slot;

	if (number >= KVM_USER_MEM_SLOTS)
		return ERR_PTR(-EINVAL);
	slot = id_to_memslot(kvm, number);
	if (!slot || !slot->dirty_bitmap)
		return ERR_PTR(-ENOENT);
	return slot;
}

/*
 * Move all bits to the harvest and write-protect their frames. The lock is
 * dropped now and then: see the head of this file, the flush comes later.
 */
static void take_dirty_bits(struct kvm *kvm, struct kvm_memory_slot *slot)
{
	unsigned long *out = harvest(slot);
	unsigned long i, n = bitmap_longs(slot);
	bool flush = false;

	write_lock(&kvm->mmu_lock);
	for (i = 0; i < n; i++) {
		out[i] = READ_ONCE(slot->dirty_bitmap[i]) ? xchg(&slot->dirty_bitmap[i], 0) : 0;
		flush |= tdp_write_protect_masked(kvm, slot, i * BITS_PER_LONG, out[i]);
		cond_resched_rwlock_write(&kvm->mmu_lock);
	}
	write_unlock(&kvm->mmu_lock);
	if (flush)
		kvm_flush_remote_tlbs(kvm);
}

/* Userspace did not get the harvest: put it back. */
static void return_dirty_bits(struct kvm_memory_slot *slot)
{
	unsigned long i, n = bitmap_longs(slot);

	for (i = 0; i < n; i++) {
		if (harvest(slot)[i])
			atomic_long_or(harvest(slot)[i], (atomic_long_t *)&slot->dirty_bitmap[i]);
	}
}

static int get_dirty_log(struct kvm *kvm, struct kvm_dirty_log *log)
{
	struct kvm_memory_slot *slot = logged_slot(kvm, log->slot);
	unsigned long i, n;

	if (IS_ERR(slot))
		return PTR_ERR(slot);
	n = bitmap_longs(slot);
	if (kvm_x86_tdp_logs_dirty())
		kvm_kick_all_cpus(kvm);
	if (kvm->slots.manual_dirty_log) {
		/* Userspace takes the bits away itself, by KVM_CLEAR_DIRTY_LOG. */
		for (i = 0; i < n; i++) {
			harvest(slot)[i] = READ_ONCE(slot->dirty_bitmap[i]);
			cond_resched();
		}
		if (copy_to_user(log->dirty_bitmap, harvest(slot), n * sizeof(long)))
			return -EFAULT;
		return 0;
	}
	take_dirty_bits(kvm, slot);
	if (copy_to_user(log->dirty_bitmap, harvest(slot), n * sizeof(long))) {
		return_dirty_bits(slot);
		return -EFAULT;
	}
	return 0;
}

int kvm_vm_ioctl_get_dirty_log(struct kvm *kvm, struct kvm_dirty_log *log)
{
	int r;

	mutex_lock(&kvm->slots_lock);
	r = get_dirty_log(kvm, log);
	mutex_unlock(&kvm->slots_lock);
	return r;
}

static int clear_dirty_log(struct kvm *kvm, const struct kvm_clear_dirty_log *log)
{
	struct kvm_memory_slot *slot = logged_slot(kvm, log->slot);
	unsigned long i, n, first;
	bool flush = false;

	if (IS_ERR(slot))
		return PTR_ERR(slot);
	if (log->first_page & (BITS_PER_LONG - 1))
		return -EINVAL;
	if (log->first_page > slot->npages || log->num_pages > slot->npages - log->first_page)
		return -EINVAL;
	/* Only the slot's last bits may be less than a word. */
	if (log->num_pages & (BITS_PER_LONG - 1) &&
	    log->num_pages < slot->npages - log->first_page)
		return -EINVAL;

	n = BITS_TO_LONGS(log->num_pages);
	first = log->first_page / BITS_PER_LONG;
	if (copy_from_user(harvest(slot), log->dirty_bitmap, n * sizeof(long)))
		return -EFAULT;

	write_lock(&kvm->mmu_lock);
	for (i = 0; i < n; i++) {
		atomic_long_t *word = (atomic_long_t *)&slot->dirty_bitmap[first + i];
		unsigned long mask = harvest(slot)[i];

		if (!mask)
			continue;
		/* Protect only what was dirty: the rest is protected. */
		mask &= atomic_long_fetch_andnot(mask, word);
		flush |= tdp_write_protect_masked(kvm, slot, (first + i) * BITS_PER_LONG, mask);
		cond_resched_rwlock_write(&kvm->mmu_lock);
	}
	write_unlock(&kvm->mmu_lock);
	if (flush)
		kvm_flush_remote_tlbs(kvm);
	return 0;
}

/**
 * kvm_vm_ioctl_clear_dirty_log() - KVM_CLEAR_DIRTY_LOG
 * @kvm: the VM
 * @log: private copy of the argument
 *
 * Context: may sleep; takes kvm->slots_lock.
 * Return: 0; -EINVAL (slot number or range), -ENOENT (no slot, not logged),
 * -EFAULT.
 */
int kvm_vm_ioctl_clear_dirty_log(struct kvm *kvm, struct kvm_clear_dirty_log *log)
{
	int r;

	mutex_lock(&kvm->slots_lock);
	r = clear_dirty_log(kvm, log);
	mutex_unlock(&kvm->slots_lock);
	return r;
}

int kvm_enable_manual_dirty_log(struct kvm *kvm, u64 flags)
{
	if (flags & ~(u64)DIRTY_LOG_MANUAL_FLAGS)
		return -EINVAL;
	/* All dirty at first makes sense only to who clears by himself. */
	if (flags & KVM_DIRTY_LOG_INITIALLY_SET && !(flags & KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE))
		return -EINVAL;

	mutex_lock(&kvm->slots_lock);
	kvm->slots.manual_dirty_log = flags;
	mutex_unlock(&kvm->slots_lock);
	return 0;
}
