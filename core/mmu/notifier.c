// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host changes its own page tables: keep the second-stage tables from
 * mapping what userspace no longer has, without ever pinning a page.
 *
 * The host calls invalidate_range_start() before it takes a mapping away and
 * invalidate_range_end() when that is done, and frees the page no earlier than
 * start has returned. Start zaps and flushes. What remains is a fault that
 * looked the page up before and would install it afterwards. It does
 *
 *	F1  read notifier.seq, with acquire
 *	F2  look the page up in the host's tables
 *	F3  take mmu_lock for read
 *	F4  if an invalidation is in progress there, or seq is not what F1
 *	    read: drop everything, retry
 *	F5  install, drop mmu_lock
 *
 * and the notifier
 *
 *	S1  under mmu_lock for write: in_progress++, zap, flush
 *	    (the host changes its tables)
 *	E1  under mmu_lock for write: seq++ with release, in_progress--
 *
 * If F5 comes before S1, S1 zaps what it installed. If F3 comes between S1 and
 * E1, F4 sees it in progress. If F3 comes after E1, either F1 read the old seq,
 * and F4 sees it has changed, or F1 read the new one; then by release and
 * acquire F2 came after the host's change and did not find the old page.
 * S1 may drop mmu_lock now and then; in_progress keeps the part that is done
 * from being filled again.
 *
 * Start finds the frames by the slots. A slot that is deleted or moved is in no
 * index any more while some of it is still mapped; memory slots name it as
 * leaving for that time, and start zaps there as well. Ageing need not look:
 * pages that are about to go may as well seem old.
 *
 * Every invalidation is counted, whether it touches a slot or not: slots come
 * and go between start and end, which must find the same number.
 *
 * There is no change_pte(), which 6.1 offers: it is called between start and
 * end only, when start has zapped the entry it would change.
 */
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/srcu.h>

#include "core/memslot.h"
#include "core/mmu/tdp.h"

static struct kvm *notifier_to_kvm(struct mmu_notifier *mn)
{
	return container_of(mn, struct kvm, mmu_notifier);
}

/* The frames of @slot that user addresses [start, last] back; start <= last. */
static void hva_range_to_gfns(const struct kvm_memory_slot *slot, unsigned long start,
			      unsigned long last, gfn_t *first, gfn_t *end)
{
	unsigned long slot_last = slot->userspace_addr + (slot->npages << PAGE_SHIFT) - 1;

	start = max(start, slot->userspace_addr);
	last = min(last, slot_last);
	*first = slot->base_gfn + ((start - slot->userspace_addr) >> PAGE_SHIFT);
	*end = slot->base_gfn + ((last - slot->userspace_addr) >> PAGE_SHIFT) + 1;
}

/**
 * kvm_notifier_in_progress() - is the host changing mappings in [start, end)?
 * @kvm: the VM
 * @start: user address
 * @end: user address
 *
 * Several invalidations count as one that spans them all.
 * Context: mmu_lock held.
 */
bool kvm_notifier_in_progress(const struct kvm *kvm, unsigned long start, unsigned long end)
{
	const struct kvm_notifier_state *n = &kvm->notifier;

	return n->in_progress && start < n->range_end && end > n->range_start;
}

static void notifier_begin(struct kvm_notifier_state *n, unsigned long start, unsigned long end)
{
	if (!n->in_progress++) {
		n->range_start = start;
		n->range_end = end;
	} else {
		n->range_start = min(n->range_start, start);
		n->range_end = max(n->range_end, end);
	}
}

/*
 * The frames that user addresses [start, last] back in the slot that is on its
 * way out: none if *first equals *end. The slot is there only until mmu_lock is
 * dropped.
 */
static void leaving_range_to_gfns(const struct kvm *kvm, unsigned long start,
				  unsigned long last, gfn_t *first, gfn_t *end)
{
	const struct kvm_memory_slot *slot = kvm->slots.leaving;

	*first = 0;
	*end = 0;
	if (slot && start < slot->userspace_addr + (slot->npages << PAGE_SHIFT) &&
	    last >= slot->userspace_addr)
		hva_range_to_gfns(slot, start, last, first, end);
}

static int mn_invalidate_range_start(struct mmu_notifier *mn,
				     const struct mmu_notifier_range *range)
{
	struct kvm *kvm = notifier_to_kvm(mn);
	struct kvm_memslot_hva_iter it;
	struct kvm_memory_slot *slot;
	unsigned long last = range->end - 1;
	gfn_t leaving, leaving_end;
	struct tdp_batch batch;
	int idx;

	tdp_batch_init(&batch, mmu_notifier_range_blockable(range));
	idx = srcu_read_lock(&kvm->srcu);
	write_lock(&kvm->mmu_lock);
	notifier_begin(&kvm->notifier, range->start, range->end);
	/*
	 * Choose the index and read what is leaving before mmu_lock is dropped
	 * for the first time: together they name all that may be mapped. See
	 * memslots_commit_leaving(). Should the slot have left at a yield, the
	 * range is zapped in vain, or the frames of another slot fault again.
	 */
	slot = kvm_memslot_hva_first(kvm, range->start, last, &it);
	leaving_range_to_gfns(kvm, range->start, last, &leaving, &leaving_end);
	if (slot || leaving != leaving_end)
		atomic64_inc(&kvm->stat.notifier_invalidations);
	for (; slot; slot = kvm_memslot_hva_next(&it)) {
		gfn_t first, end;

		hva_range_to_gfns(slot, range->start, last, &first, &end);
		tdp_zap_range_locked(kvm, first, end, &batch);
	}
	tdp_zap_range_locked(kvm, leaving, leaving_end, &batch);
	tdp_batch_flush(kvm, &batch);
	write_unlock(&kvm->mmu_lock);
	srcu_read_unlock(&kvm->srcu, idx);
	tdp_batch_free(kvm, &batch);
	return 0;
}

static void mn_invalidate_range_end(struct mmu_notifier *mn,
				    const struct mmu_notifier_range *range)
{
	struct kvm_notifier_state *n = &notifier_to_kvm(mn)->notifier;
	struct kvm *kvm = notifier_to_kvm(mn);

	write_lock(&kvm->mmu_lock);
	/* F1 pairs with this: who reads the new value sees the host's change. */
	smp_store_release(&n->seq, n->seq + 1);
	n->in_progress--;
	write_unlock(&kvm->mmu_lock);
}

/* Return: a leaf of [start, end) had been used; its mark is gone if @clear. */
static bool age_gfns(struct kvm *kvm, gfn_t start, gfn_t end, bool clear)
{
	struct tdp_cursor c;
	bool young = false;

	for (tdp_cursor_start(&c, &kvm->tdp, start, end, PG_LEVEL_4K); c.entry;
	     tdp_cursor_next(&c)) {
		/* Re-read: a fault may have split the leaf the cursor found. */
		while (tdp_is_leaf(c.val, c.level) && c.val & TDP_PTE_ACCESSED) {
			young = true;
			if (!clear)
				return true;
			if (tdp_cursor_replace(&c, c.val & ~TDP_PTE_ACCESSED))
				break;
		}
	}
	return young;
}

/*
 * As age_gfns() for hardware without accessed bits, which would look old for
 * ever from the first time on. What is mapped counts as used; to clear the mark
 * is to zap, so that the next use faults. mmu_lock held for write. @batch: NULL to
 * look only.
 */
static bool age_gfns_by_zapping(struct kvm *kvm, gfn_t start, gfn_t end,
				struct tdp_batch *batch)
{
	struct tdp_cursor c;
	bool young = false;

	for (tdp_cursor_start(&c, &kvm->tdp, start, end, PG_LEVEL_4K); c.entry && !young;
	     tdp_cursor_next(&c))
		young = tdp_is_leaf(c.val, c.level);
	if (young && batch)
		tdp_zap_range_locked(kvm, start, end, batch);
	return young;
}

/* As age_hva_range(), for such hardware. */
static bool age_hva_range_by_zapping(struct kvm *kvm, unsigned long start, unsigned long end,
				     bool clear)
{
	struct kvm_memslot_hva_iter it;
	struct kvm_memory_slot *slot;
	struct tdp_batch batch;
	bool young = false;
	int idx;

	/* The host holds a spinlock of its page tables. */
	tdp_batch_init(&batch, false);
	idx = srcu_read_lock(&kvm->srcu);
	write_lock(&kvm->mmu_lock);
	for (slot = kvm_memslot_hva_first(kvm, start, end - 1, &it); slot;
	     slot = kvm_memslot_hva_next(&it)) {
		gfn_t first, gfn_end;

		hva_range_to_gfns(slot, start, end - 1, &first, &gfn_end);
		young |= age_gfns_by_zapping(kvm, first, gfn_end, clear ? &batch : NULL);
	}
	tdp_batch_flush(kvm, &batch);
	write_unlock(&kvm->mmu_lock);
	srcu_read_unlock(&kvm->srcu, idx);
	tdp_batch_free(kvm, &batch);
	return young;
}

/*
 * Only the accessed bit is changed, which no fault looks at, so mmu_lock is
 * held for read.
 *
 * Nothing is flushed, not for clear_flush_young() either: a CPU may go on using
 * its TLB entry and not set the bit again, so that the page looks older than it
 * is. Under memory pressure an exit of every vCPU for each page that is looked
 * at costs more than a page wrongly chosen now and then, and the host does not
 * flush for its own page tables.
 */
static bool age_hva_range(struct kvm *kvm, unsigned long start, unsigned long end, bool clear)
{
	struct kvm_memslot_hva_iter it;
	struct kvm_memory_slot *slot;
	bool young = false;
	int idx;

	if (!kvm_x86_tdp_has_ad())
		return age_hva_range_by_zapping(kvm, start, end, clear);

	idx = srcu_read_lock(&kvm->srcu);
	read_lock(&kvm->mmu_lock);
	for (slot = kvm_memslot_hva_first(kvm, start, end - 1, &it); slot;
	     slot = kvm_memslot_hva_next(&it)) {
		gfn_t first, gfn_end;

		hva_range_to_gfns(slot, start, end - 1, &first, &gfn_end);
		young |= age_gfns(kvm, first, gfn_end, clear);
	}
	read_unlock(&kvm->mmu_lock);
	srcu_read_unlock(&kvm->srcu, idx);
	return young;
}

static int mn_clear_flush_young(struct mmu_notifier *mn, struct mm_struct *mm,
				unsigned long start, unsigned long end)
{
	return age_hva_range(notifier_to_kvm(mn), start, end, true);
}

static int mn_clear_young(struct mmu_notifier *mn, struct mm_struct *mm,
			  unsigned long start, unsigned long end)
{
	return age_hva_range(notifier_to_kvm(mn), start, end, true);
}

static int mn_test_young(struct mmu_notifier *mn, struct mm_struct *mm, unsigned long address)
{
	return age_hva_range(notifier_to_kvm(mn), address, address + PAGE_SIZE, false);
}

/* The address space dies; its threads are gone and so is every vCPU that could run in it. */
static void mn_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct kvm *kvm = notifier_to_kvm(mn);

	tdp_zap_range(kvm, 0, ~0ULL);
}

static const struct mmu_notifier_ops mn_ops = {
	.release		= mn_release,
	.clear_flush_young	= mn_clear_flush_young,
	.clear_young		= mn_clear_young,
	.test_young		= mn_test_young,
	.invalidate_range_start	= mn_invalidate_range_start,
	.invalidate_range_end	= mn_invalidate_range_end,
};

/**
 * kvm_notifier_register() - watch the mappings of the VM's address space
 * @kvm: the VM: mm is current->mm, tables and memory slots are initialised
 *
 * Context: may sleep. Return: 0 or a negative errno.
 */
int kvm_notifier_register(struct kvm *kvm)
{
	kvm->mmu_notifier.ops = &mn_ops;
	return mmu_notifier_register(&kvm->mmu_notifier, kvm->mm);
}

/**
 * kvm_notifier_unregister() - stop watching
 * @kvm: the VM; no vCPU can run
 *
 * No callback runs when it returns. The tables are empty then, as if the
 * address space had died. Context: may sleep.
 */
void kvm_notifier_unregister(struct kvm *kvm)
{
	mmu_notifier_unregister(&kvm->mmu_notifier, kvm->mm);
}
