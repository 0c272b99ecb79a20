// SPDX-License-Identifier: GPL-2.0-only
/*
 * Resolving second-stage faults: from a guest frame to the host's page behind
 * it, and from there to an entry. Taking entries away is zap.c's business; the
 * protocol that keeps the two from missing each other is in notifier.c.
 *
 * Pages are not pinned. A reference is held from the look-up until the entry
 * is installed; from then on the MMU notifier stands for it.
 */
#include <linux/highmem.h>
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/swap.h>

#include <asm/irqflags.h>

#include "core/compat.h"
#include "core/irq/lapic.h"
#include "core/memslot.h"
#include "core/mmu/tdp.h"
#include "core/request.h"
#include "core/vcpu.h"
#include "ops/run.h"

/* One fault on its way; lives on the stack. */
struct fault_state {
	struct kvm_vcpu *vcpu;
	struct kvm *kvm;
	const struct kvm_memory_slot *slot;
	gfn_t gfn;
	unsigned long hva;
	u32 access;			/* TDP_ACCESS_* */
	unsigned long seq;		/* notifier.seq before the page was looked up */
	kvm_pfn_t pfn;
	struct page *page;		/* referenced, or NULL: a mapping without struct page */
	bool host_writable;		/* the host's mapping may be written, and the slot too */
	bool device;
	bool stale;			/* found an entry that leads to another page */
	bool flush;			/* replaced a huge leaf */
};

/**
 * tdp_host_mapping_level() - by what size of page the host maps an address
 * @mm: the address space
 * @hva: user address
 *
 * The result is stable only while mmu_lock is held and no invalidation is in
 * progress there. Interrupts are off during the walk: the host frees page
 * tables after an IPI to all CPUs that use them, or after RCU.
 *
 * Entries are read raw, as the CPU reads them.
 * Return: PG_LEVEL_*, PG_LEVEL_NONE if nothing is mapped.
 */
int tdp_host_mapping_level(const struct mm_struct *mm, unsigned long hva)
{
	const u64 *table = (const u64 *)mm->pgd;
	int level = pgtable_l5_enabled() ? 5 : 4;
	int found = PG_LEVEL_NONE;

	native_irq_disable();
	for (;; level--) {
		u64 pte = READ_ONCE(table[tdp_index(hva >> PAGE_SHIFT, level)]);

		if (!(pte & _PAGE_PRESENT))
			break;
		if (level == PG_LEVEL_4K || (level <= PG_LEVEL_1G && pte & _PAGE_PSE)) {
			found = level;
			break;
		}
		table = __va(pte & PTE_PFN_MASK);
	}
	native_irq_enable();
	return found;
}

/*
 * A guest with a device's memory is not let in before the CPU has forgotten what the
 * host did, on CPUs with that defect. So every vCPU has to come out and enter again
 * before the first leaf is there; who finds that not done does it.
 */
static void announce_device(struct kvm *kvm)
{
	/* Pairs with the release below: whoever sees it may install its leaf at once. */
	if (smp_load_acquire(&kvm->device_announced))
		return;
	/* The request is made by a locked operation: no vCPU enters without seeing this. */
	WRITE_ONCE(kvm->device_mapped, true);
	kvm_make_all_cpus_request(kvm, KVM_REQ_TLB_FLUSH);
	/* Pairs with the load above, of a vCPU that is about to install a leaf, too. */
	smp_store_release(&kvm->device_announced, true);
}

/* A mapping without struct page: device memory and the like. */
static enum tdp_result find_pfnmap(struct fault_state *f)
{
	struct mm_struct *mm = current->mm;
	bool write = f->access & TDP_ACCESS_WRITE;
	struct vm_area_struct *vma;
	unsigned long pfn;
	bool writable, unlocked = false;
	enum tdp_result res = TDP_EFAULT;

	mmap_read_lock(mm);
	vma = find_vma_intersection(mm, f->hva, f->hva + 1);
	if (!vma || !(vma->vm_flags & (VM_IO | VM_PFNMAP)))
		goto out;
	if (!(vma->vm_flags & (write ? VM_WRITE : VM_READ)))
		goto out;

	if (compat_follow_pfn(vma, f->hva, &pfn, &writable) || (write && !writable)) {
		/* Have the driver map it, then let the guest fault once more. */
		if (!fixup_user_fault(mm, f->hva, write ? FAULT_FLAG_WRITE : 0, &unlocked))
			res = TDP_RETRY;
		goto out;
	}
	f->pfn = pfn;
	f->page = NULL;
	f->host_writable = writable && !(f->slot->flags & KVM_MEM_READONLY);
	f->device = !page_is_ram(pfn);
	res = TDP_FIXED;
out:
	mmap_read_unlock(mm);
	if (res == TDP_FIXED && f->device)
		announce_device(f->kvm);
	return res;
}

/*
 * Find the host's page behind f->hva (F2 of notifier.c). For a read, too, the
 * page is taken writable if the host has it writable already: the guest is
 * likely to write next. Never break a copy-on-write for a read.
 *
 * Return: TDP_FIXED if f->pfn is valid, else what to tell the caller.
 */
static enum tdp_result find_host_page(struct fault_state *f)
{
	bool write = f->access & TDP_ACCESS_WRITE;
	bool slot_writable = !(f->slot->flags & KVM_MEM_READONLY);
	long r;

	if (slot_writable && get_user_page_fast_only(f->hva, FOLL_WRITE, &f->page)) {
		f->host_writable = true;
		f->pfn = page_to_pfn(f->page);
		return TDP_FIXED;
	}

	/* With userfaultfd a page may be long in coming: let a signal get through. */
	r = get_user_pages_unlocked(f->hva, 1, &f->page,
				    FOLL_HWPOISON | COMPAT_FOLL_INTERRUPTIBLE |
				    (write ? FOLL_WRITE : 0));
	switch (r) {
	case 1:
		break;
	case -EHWPOISON:
		send_sig_mceerr(BUS_MCEERR_AR, (void __user *)f->hva, PAGE_SHIFT, current);
		return TDP_HWPOISON;
	case 0:
	case -EAGAIN:
	case -EINTR:
	case -ERESTARTSYS:
		return TDP_RETRY;
	case -ENOMEM:
		return TDP_ENOMEM;
	default:
		return find_pfnmap(f);
	}

	f->host_writable = write;
	if (!write && slot_writable) {
		struct page *page;

		/* The page may have been read in just now, and writable. */
		if (get_user_page_fast_only(f->hva, FOLL_WRITE, &page)) {
			put_page(f->page);
			f->page = page;
			f->host_writable = true;
		}
	}
	f->pfn = page_to_pfn(f->page);
	return TDP_FIXED;
}

/* F4 of notifier.c; mmu_lock held. */
static bool must_retry(const struct fault_state *f)
{
	return kvm_notifier_in_progress(f->kvm, f->hva, f->hva + PAGE_SIZE) ||
	       f->kvm->notifier.seq != f->seq;
}

/*
 * The largest leaf that slot, alignment, dirty logging, the host's CPU and its
 * own mapping permit. mmu_lock held and must_retry() false.
 */
static int fault_level(const struct fault_state *f)
{
	const struct kvm_memory_slot *slot = f->slot;
	int level = min_t(int, kvm_x86_tdp_max_page_level(), PG_LEVEL_1G);

	if (kvm_slot_dirty_track_enabled(slot))
		return PG_LEVEL_4K;
	if (f->access & TDP_ACCESS_EXEC && f->kvm->tdp.huge_noexec)
		return PG_LEVEL_4K;

	for (; level > PG_LEVEL_4K; level--) {
		gfn_t pages = tdp_level_pages(level);
		gfn_t first = tdp_round_down(f->gfn, level);

		if (first >= slot->base_gfn &&
		    first + pages <= slot->base_gfn + slot->npages &&
		    !((f->gfn ^ f->hva >> PAGE_SHIFT) & (pages - 1)))
			break;
	}
	if (level > PG_LEVEL_4K)
		level = min(level, tdp_host_mapping_level(f->kvm->mm, f->hva));
	/* An invalidation elsewhere in the huge page is about to split it. */
	for (; level > PG_LEVEL_4K; level--) {
		unsigned long size = tdp_level_pages(level) << PAGE_SHIFT;
		unsigned long first = f->hva & ~(size - 1);

		if (!kvm_notifier_in_progress(f->kvm, first, first + size))
			break;
	}
	return max_t(int, level, PG_LEVEL_4K);
}

static u64 *take_table(struct fault_state *f)
{
	struct tdp_vcpu *cache = &f->vcpu->tdp;

	return cache->nr_cached ? cache->table_cache[--cache->nr_cached] : NULL;
}

static void return_table(struct fault_state *f, u64 *table)
{
	f->vcpu->tdp.table_cache[f->vcpu->tdp.nr_cached++] = table;
}

/*
 * Put a table where the cursor is: an empty one, or in place of a huge leaf
 * one that does the same. False if there is no table left; otherwise the
 * cursor holds what the entry is now, whoever made it so.
 */
static bool make_table(struct fault_state *f, struct tdp_cursor *c)
{
	u64 old = c->val;
	u64 *table = take_table(f);
	unsigned int i;

	if (!table)
		return false;
	if (tdp_present(old)) {
		for (i = 0; i < TDP_TABLE_ENTRIES; i++)
			table[i] = tdp_split_child(old, c->level, i);
	}
	/* The cmpxchg orders the table's contents before the way to it. */
	if (!tdp_cursor_replace(c, tdp_make_table(virt_to_phys(table)))) {
		if (tdp_present(old))
			clear_page(table);
		return_table(f, table);
		return true;
	}
	if (tdp_present(old)) {
		tdp_account_leaf(f->kvm, c->level, -1);
		tdp_account_leaf(f->kvm, c->level - 1, TDP_TABLE_ENTRIES);
		/* Not for correctness: CPUs dislike two sizes for one address. */
		f->flush = true;
	}
	return true;
}

static bool leads_elsewhere(const struct fault_state *f, const struct tdp_cursor *c)
{
	kvm_pfn_t offset = f->gfn & (tdp_level_pages(c->level) - 1);

	return tdp_is_leaf(c->val, c->level) && tdp_pte_pfn(c->val) + offset != f->pfn;
}

/* Make or widen the leaf under the cursor. mmu_lock held for read. */
static enum tdp_result install_leaf(struct fault_state *f, struct tdp_cursor *c)
{
	bool was_present = tdp_present(c->val);
	bool logged = kvm_slot_dirty_track_enabled(f->slot);
	u32 attr = 0;

	if (was_present && tdp_allows(c->val, f->access))
		return TDP_SPURIOUS;
	/*
	 * A part of a split leaf that was not executable. It is as writable as
	 * it was, and as dirty: faults take nothing away.
	 */
	if (was_present && !(f->access & TDP_ACCESS_WRITE))
		return tdp_cursor_replace(c, tdp_made_executable(c->val)) ? TDP_FIXED : TDP_RETRY;
	if (f->host_writable)
		attr |= TDP_LEAF_HOST_WRITABLE;
	/* With logging, what is only read must not become writable, unless hardware logs. */
	if (f->host_writable && (f->access & TDP_ACCESS_WRITE || !logged))
		attr |= TDP_LEAF_WRITE;
	else if (f->host_writable && c->level == PG_LEVEL_4K && kvm_x86_tdp_logs_dirty())
		attr |= TDP_LEAF_WRITE | TDP_LEAF_CLEAN;
	if (f->device)
		attr |= TDP_LEAF_DEVICE;
	if (c->level > PG_LEVEL_4K && f->kvm->tdp.huge_noexec)
		attr |= TDP_LEAF_NOEXEC;

	/*
	 * The page learns that it will be written before the guest can write,
	 * now or after fix_present_leaf(). The host cannot forget it while the
	 * entry is there: to clean the page it has to write-protect its own
	 * mapping, and the notifier hears of that.
	 */
	if (attr & TDP_LEAF_HOST_WRITABLE && f->page && !PageReserved(f->page))
		set_page_dirty(f->page);
	if (!tdp_cursor_replace(c, tdp_make_leaf(tdp_round_down(f->pfn, c->level), c->level,
						 attr)))
		return TDP_RETRY;
	if (!was_present)
		tdp_account_leaf(f->kvm, c->level, 1);
	if (logged && attr & TDP_LEAF_WRITE && !(attr & TDP_LEAF_CLEAN)) {
		atomic64_inc(&f->kvm->stat.dirty_log_faults);
		/* A harvest needs mmu_lock for write: it sees entry and bit, or neither. */
		mark_page_dirty_in_slot(f->kvm, f->slot, f->gfn);
	}
	return TDP_FIXED;
}

/* F4 and F5 of notifier.c. mmu_lock held for read. */
static enum tdp_result map_host_page(struct fault_state *f)
{
	struct tdp_cursor c;
	int goal;

	if (must_retry(f))
		return TDP_RETRY;

	goal = fault_level(f);
	tdp_cursor_start(&c, &f->kvm->tdp, f->gfn, f->gfn + 1, PG_LEVEL_4K);
	if (!c.entry)
		return TDP_BUG;
	for (;;) {
		if (leads_elsewhere(f, &c)) {
			f->stale = true;
			return TDP_RETRY;
		}
		/* A table below which smaller pages are mapped stays until it is zapped. */
		if (tdp_cursor_descend(&c))
			continue;
		if (c.level <= goal)
			return install_leaf(f, &c);
		if (!make_table(f, &c))
			return TDP_BUG;
	}
}

/*
 * The common fault of dirty logging: the leaf is there and was only
 * write-protected. The host's mapping is unchanged as long as the leaf is
 * there, so it need not be asked. While a slot is leaving its leaves are there
 * too, and a moved one may have come to lie over them: the long way compares.
 *
 * Return: TDP_FIXED, TDP_SPURIOUS if the access is allowed already, TDP_RETRY
 * if this is a case for the long way.
 */
static enum tdp_result fix_present_leaf(struct fault_state *f)
{
	bool logged = kvm_slot_dirty_track_enabled(f->slot);
	enum tdp_result res = TDP_RETRY;
	struct tdp_cursor c;

	read_lock(&f->kvm->mmu_lock);
	tdp_cursor_start(&c, &f->kvm->tdp, f->gfn, f->gfn + 1, PG_LEVEL_4K);
	while (c.entry && tdp_cursor_descend(&c))
		;
	if (!c.entry || !tdp_is_leaf(c.val, c.level))
		goto out;
	if (tdp_allows(c.val, f->access)) {
		res = TDP_SPURIOUS;
		goto out;
	}
	if (!(f->access & TDP_ACCESS_WRITE) || !tdp_may_write(c.val) ||
	    (logged && c.level > PG_LEVEL_4K) || f->kvm->slots.leaving)
		goto out;
	if (!tdp_allows(tdp_made_writable(c.val), f->access) ||
	    !tdp_cursor_replace(&c, tdp_made_writable(c.val)))
		goto out;
	if (logged) {
		atomic64_inc(&f->kvm->stat.dirty_log_faults);
		mark_page_dirty_in_slot(f->kvm, f->slot, f->gfn);
	}
	res = TDP_FIXED;
out:
	read_unlock(&f->kvm->mmu_lock);
	return res;
}

/* Find the page and map it. */
static enum tdp_result fault_in(struct fault_state *f)
{
	enum tdp_result res;

	/* The host allocates, zeroes, copies, swaps in; reclaim moves others' pages. */
	kvm_x86_host_data_touched(f->vcpu);
	if (tdp_fill_cache(f->vcpu))
		return TDP_ENOMEM;

	/* F1 of notifier.c: pairs with the release in invalidate_range_end(). */
	f->seq = smp_load_acquire(&f->kvm->notifier.seq);
	res = find_host_page(f);
	if (res != TDP_FIXED)
		return res;

	read_lock(&f->kvm->mmu_lock);
	res = map_host_page(f);
	read_unlock(&f->kvm->mmu_lock);

	if (f->page) {
		mark_page_accessed(f->page);
		put_page(f->page);
	}
	if (f->flush)
		kvm_flush_remote_tlbs(f->kvm);
	/*
	 * The entry belongs to a slot that was moved away from here and whose
	 * old frames are yet to be zapped. Do not wait for it.
	 */
	if (f->stale)
		tdp_zap_range(f->kvm, f->gfn, f->gfn + 1);
	return res;
}

/*
 * No memory, but the page by which the CPU knows the local APIC: see
 * tdp_drop_apic_page(). It has no user address, and no notifier looks for it.
 */
static enum tdp_result map_apic_page(struct fault_state *f)
{
	enum tdp_result res = TDP_BUG;
	struct tdp_cursor c;
	u64 leaf;

	if (!lapic_in_kernel(f->vcpu) || !READ_ONCE(f->kvm->tdp.apic_pfn))
		return TDP_MMIO;
	if (tdp_fill_cache(f->vcpu))
		return TDP_ENOMEM;
	read_lock(&f->kvm->mmu_lock);
	if (!f->kvm->tdp.apic_pfn) {
		res = TDP_MMIO;
		goto out;
	}
	tdp_cursor_start(&c, &f->kvm->tdp, f->gfn, f->gfn + 1, PG_LEVEL_4K);
	while (c.entry && c.level > PG_LEVEL_4K) {
		if (!tdp_cursor_descend(&c) && !make_table(f, &c))
			goto out;
	}
	if (!c.entry)
		goto out;
	if (tdp_present(c.val)) {
		res = TDP_SPURIOUS;
		goto out;
	}
	leaf = tdp_make_leaf(f->kvm->tdp.apic_pfn, PG_LEVEL_4K, TDP_LEAF_WRITE);
	res = tdp_cursor_replace(&c, leaf) ? TDP_FIXED : TDP_RETRY;
	if (res == TDP_FIXED)
		tdp_account_leaf(f->kvm, PG_LEVEL_4K, 1);
out:
	read_unlock(&f->kvm->mmu_lock);
	return res;
}

enum tdp_result tdp_handle_fault(struct kvm_vcpu *vcpu, const struct tdp_fault *fault)
{
	struct fault_state f = {
		.vcpu = vcpu,
		.kvm = vcpu->kvm,
		.gfn = fault->gpa >> PAGE_SHIFT,
		.access = (fault->write ? TDP_ACCESS_WRITE : 0) |
			  (fault->exec ? TDP_ACCESS_EXEC : 0),
	};
	enum tdp_result res = TDP_RETRY;

	/* What the CPU calls reserved beyond the tables' reach is the guest's address. */
	if (fault->rsvd && f.gfn < tdp_end_gfn())
		return TDP_BUG;
	f.slot = gfn_to_memslot(f.kvm, f.gfn);
	if (!f.slot && f.gfn == TDP_APIC_GFN)
		return map_apic_page(&f);
	if (!f.slot || (fault->write && f.slot->flags & KVM_MEM_READONLY))
		return TDP_MMIO;
	f.hva = __gfn_to_hva_memslot(f.slot, f.gfn);

	if (fault->present)
		res = fix_present_leaf(&f);
	if (res == TDP_RETRY)
		res = fault_in(&f);

	switch (res) {
	case TDP_FIXED:
		vcpu->stat.pf_fixed++;
		break;
	case TDP_SPURIOUS:
		vcpu->stat.pf_spurious++;
		break;
	case TDP_RETRY:
		vcpu->stat.pf_retry++;
		break;
	default:
		break;
	}
	return res;
}
