// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking second-stage translations away, wholly (zap) or in part (write
 * protection). Making them is fault.c's business.
 *
 * Who may do what to an entry:
 *
 *	empty -> table or leaf, leaf -> more permissive leaf,
 *	huge leaf -> table of equal leaves	mmu_lock for read (faults)
 *	accessed bit cleared			mmu_lock for read (notifier)
 *	accessed and dirty bits set		the hardware, at any time
 *	anything -> empty, leaf -> read-only	mmu_lock for write (here)
 *	dirty bit cleared			likewise
 *
 * Every change but the hardware's is an atomic read-modify-write.
 *
 * A table is freed in three steps: it is unlinked with mmu_lock held for
 * write, so that no software walk is in it or can come to it; TLBs are
 * flushed, so that no CPU has its address in a paging-structure cache; then
 * it is freed. Leaves in it need no step of their own: a flush is for all
 * translations. The flush is made before mmu_lock is dropped, for another
 * zapper that finds the entry empty takes that for "nobody can use it".
 */
#include <linux/mm.h>
#include <linux/sched.h>

#include "core/mmu/tdp.h"

void tdp_batch_flush(struct kvm *kvm, struct tdp_batch *batch)
{
	if (!batch->flush)
		return;
	kvm_flush_remote_tlbs(kvm);
	batch->flush = false;
}

/* After tdp_batch_flush(); without mmu_lock. */
void tdp_batch_free(struct kvm *kvm, struct tdp_batch *batch)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, &batch->dead, lru) {
		list_del(&page->lru);
		tdp_free_subtree(kvm, page_address(page), page_private(page),
				 batch->may_yield);
	}
}

static void zap_entry(struct kvm *kvm, struct tdp_cursor *c, struct tdp_batch *batch)
{
	u64 old = xchg(c->entry, 0);

	c->val = 0;
	batch->flush = true;
	if (tdp_is_table(old, c->level)) {
		struct page *page = pfn_to_page(tdp_pte_pfn(old));

		set_page_private(page, c->level - 1);
		list_add(&page->lru, &batch->dead);
	} else {
		tdp_account_leaf(kvm, c->level, -1);
	}
}

/*
 * To be asked on each entry visited, before anything is done to it; a range may
 * hold any number of entries that need nothing. All frames before the entry
 * are done, so that the walk goes on there, c->gfn being its new start. An
 * entry at the start, or one above it, is done first: that is the progress.
 */
static bool should_yield(struct kvm *kvm, const struct tdp_cursor *c)
{
	return c->gfn > c->start && (need_resched() || rwlock_needbreak(&kvm->mmu_lock));
}

/* Let others have mmu_lock, with nothing left half done. */
static void batch_yield(struct kvm *kvm, struct tdp_batch *batch)
{
	tdp_batch_flush(kvm, batch);
	write_unlock(&kvm->mmu_lock);
	tdp_batch_free(kvm, batch);
	cond_resched();
	write_lock(&kvm->mmu_lock);
}

/**
 * tdp_zap_range_locked() - take away the translations of a range of frames
 * @kvm: the VM
 * @start: first frame
 * @end: first frame beyond
 * @batch: collects what is left to do: tdp_batch_flush() before mmu_lock is
 *	dropped, tdp_batch_free() afterwards
 *
 * A huge leaf that only touches the range goes as a whole. Faults may fill
 * the range again when the lock is dropped for a while: it is the caller who
 * keeps them from it.
 *
 * Context: mmu_lock held for write; dropped for a while if the batch says so.
 */
void tdp_zap_range_locked(struct kvm *kvm, gfn_t start, gfn_t end, struct tdp_batch *batch)
{
	struct tdp_cursor c;

restart:
	for (tdp_cursor_start(&c, &kvm->tdp, start, end, PG_LEVEL_4K); c.entry;
	     tdp_cursor_next(&c)) {
		if (batch->may_yield && should_yield(kvm, &c)) {
			start = c.gfn;
			batch_yield(kvm, batch);
			goto restart;
		}
		if (!tdp_present(c.val))
			continue;
		if (tdp_is_table(c.val, c.level) && !tdp_cursor_within(&c))
			continue;
		zap_entry(kvm, &c, batch);
	}
}

/* As above, for callers that may sleep and hold no lock. */
void tdp_zap_range(struct kvm *kvm, gfn_t start, gfn_t end)
{
	struct tdp_batch batch;

	tdp_batch_init(&batch, true);
	write_lock(&kvm->mmu_lock);
	tdp_zap_range_locked(kvm, start, end, &batch);
	tdp_batch_flush(kvm, &batch);
	write_unlock(&kvm->mmu_lock);
	tdp_batch_free(kvm, &batch);
}

void tdp_zap_slot(struct kvm *kvm, const struct kvm_memory_slot *slot)
{
	tdp_zap_range(kvm, slot->base_gfn, slot->base_gfn + slot->npages);
}

/* Faults look at apic_pfn under mmu_lock: none maps it again behind the zap. */
void tdp_drop_apic_page(struct kvm *kvm)
{
	if (!READ_ONCE(kvm->tdp.apic_pfn))
		return;
	write_lock(&kvm->mmu_lock);
	WRITE_ONCE(kvm->tdp.apic_pfn, 0);
	write_unlock(&kvm->mmu_lock);
	tdp_zap_range(kvm, TDP_APIC_GFN, TDP_APIC_GFN + 1);
}

/*
 * See to it that the next write is told. Where hardware logs what it makes dirty
 * a leaf need only be clean; but a huge one would be logged as one frame, so it is
 * write-protected, and split by the fault.
 *
 * Return: a write could have passed; a flush is needed. mmu_lock held for write.
 */
static bool write_protect_leaf(struct tdp_cursor *c)
{
	bool clean = c->level == PG_LEVEL_4K && kvm_x86_tdp_logs_dirty();

	if (!(c->val & (clean ? TDP_PTE_DIRTY : TDP_PTE_WRITE)))
		return false;
	/* Fails only for accessed and dirty bits set meanwhile: twice at most. */
	while (!tdp_cursor_replace(c, clean ? tdp_made_clean(c->val) :
					      tdp_write_protected(c->val)))
		;
	return true;
}

/*
 * Nothing is flushed at the yields: a write through a TLB entry that is still
 * writable is over before the flush at the end, and the caller counts
 * protection from there.
 */
void tdp_write_protect_slot(struct kvm *kvm, const struct kvm_memory_slot *slot)
{
	gfn_t start = slot->base_gfn, end = start + slot->npages;
	struct tdp_cursor c;
	bool flush = false;

	write_lock(&kvm->mmu_lock);
restart:
	for (tdp_cursor_start(&c, &kvm->tdp, start, end, PG_LEVEL_4K); c.entry;
	     tdp_cursor_next(&c)) {
		if (should_yield(kvm, &c)) {
			start = c.gfn;
			cond_resched_rwlock_write(&kvm->mmu_lock);
			goto restart;
		}
		if (tdp_is_leaf(c.val, c.level))
			flush |= write_protect_leaf(&c);
	}
	write_unlock(&kvm->mmu_lock);
	if (flush)
		kvm_flush_remote_tlbs(kvm);
}

bool tdp_write_protect_masked(struct kvm *kvm, const struct kvm_memory_slot *slot,
			      gfn_t gfn_offset, unsigned long mask)
{
	gfn_t base = slot->base_gfn + gfn_offset;
	struct tdp_cursor c;
	bool flush = false;

	if (!mask)
		return false;
	for (tdp_cursor_start(&c, &kvm->tdp, base + __ffs(mask), base + __fls(mask) + 1,
			      PG_LEVEL_4K);
	     c.entry; tdp_cursor_next(&c)) {
		if (!tdp_is_leaf(c.val, c.level))
			continue;
		/* A huge leaf is split by the next write to it. */
		if (c.level == PG_LEVEL_4K && !(mask & BIT(c.gfn - base)))
			continue;
		flush |= write_protect_leaf(&c);
	}
	return flush;
}

/*
 * Zap tables where a huge leaf would do as well, so that the next fault makes
 * one. What the host maps now is only a hint: the fault looks again, under
 * the protocol of notifier.c.
 */
void tdp_zap_collapsible(struct kvm *kvm, const struct kvm_memory_slot *slot)
{
	gfn_t start = slot->base_gfn, end = start + slot->npages;
	int max_level = kvm_x86_tdp_max_page_level();
	struct tdp_batch batch;
	struct tdp_cursor c;

	tdp_batch_init(&batch, true);
	write_lock(&kvm->mmu_lock);
restart:
	for (tdp_cursor_start(&c, &kvm->tdp, start, end, PG_LEVEL_2M); c.entry;
	     tdp_cursor_next(&c)) {
		unsigned long hva;

		if (should_yield(kvm, &c)) {
			start = c.gfn;
			batch_yield(kvm, &batch);
			goto restart;
		}
		if (c.level > max_level || !tdp_is_table(c.val, c.level) ||
		    !tdp_cursor_within(&c))
			continue;
		hva = __gfn_to_hva_memslot(slot, c.gfn);
		if (hva & ((tdp_level_pages(c.level) << PAGE_SHIFT) - 1) ||
		    tdp_host_mapping_level(kvm->mm, hva) < c.level)
			continue;
		zap_entry(kvm, &c, &batch);
	}
	tdp_batch_flush(kvm, &batch);
	write_unlock(&kvm->mmu_lock);
	tdp_batch_free(kvm, &batch);
}
