// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest physical memory slots: lookup, change, and access to guest memory
 * through them. Not here: second-stage tables (mmu/) and dirty logs (dirty.c).
 *
 * A VM has two complete indexes of its slots. Readers use the active one
 * under SRCU. A change is made in the other one, which nobody reads; then the
 * two swap roles, readers of the old one drain, and the same change is made
 * there. So a change costs a few tree operations and one grace period however
 * many slots there are, allocates nothing after it has begun and cannot fail
 * half way.
 */
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/uaccess.h>
#include <asm/apicdef.h>

#include "core/memslot.h"
#include "core/mmu/mmu.h"
#include "core/request.h"
#include "core/vm.h"
#include "ops/mmu.h"

static struct kvm_memslots *active_slots(struct kvm *kvm)
{
	return srcu_dereference_check(kvm->slots.active, &kvm->srcu,
				      lockdep_is_held(&kvm->slots_lock) ||
				      !refcount_read(&kvm->users));
}

/* The slot with the highest base at or below @gfn, or NULL. */
static struct kvm_memory_slot *slot_at_or_below(const struct kvm_memslots *slots, gfn_t gfn)
{
	struct rb_node *node = slots->by_gfn.rb_node;
	struct kvm_memory_slot *slot, *best = NULL;

	while (node) {
		slot = container_of(node, struct kvm_memory_slot, gfn_node[slots->idx]);
		if (slot->base_gfn <= gfn) {
			best = slot;
			node = node->rb_right;
		} else {
			node = node->rb_left;
		}
	}
	return best;
}

struct kvm_memory_slot *gfn_to_memslot(struct kvm *kvm, gfn_t gfn)
{
	struct kvm_memory_slot *slot = slot_at_or_below(active_slots(kvm), gfn);

	return slot && kvm_slot_has_gfn(slot, gfn) ? slot : NULL;
}

u64 kvm_memslots_generation(struct kvm *kvm)
{
	return active_slots(kvm)->generation;
}

struct kvm_memory_slot *id_to_memslot(struct kvm *kvm, int id)
{
	const struct kvm_memslots *slots = active_slots(kvm);
	struct rb_node *node = slots->by_id.rb_node;
	struct kvm_memory_slot *slot;

	while (node) {
		slot = container_of(node, struct kvm_memory_slot, id_node[slots->idx]);
		if (id == slot->id)
			return slot;
		node = id < slot->id ? node->rb_left : node->rb_right;
	}
	return NULL;
}

static struct kvm_memory_slot *hva_iter_slot(const struct kvm_memslot_hva_iter *it)
{
	if (!it->node)
		return NULL;
	return container_of(it->node, struct kvm_memory_slot, hva_node[it->idx]);
}

struct kvm_memory_slot *kvm_memslot_hva_first(struct kvm *kvm, unsigned long start,
					      unsigned long last,
					      struct kvm_memslot_hva_iter *it)
{
	struct kvm_memslots *slots = active_slots(kvm);

	it->start = start;
	it->last = last;
	it->idx = slots->idx;
	it->node = interval_tree_iter_first(&slots->by_hva, start, last);
	return hva_iter_slot(it);
}

struct kvm_memory_slot *kvm_memslot_hva_next(struct kvm_memslot_hva_iter *it)
{
	it->node = interval_tree_iter_next(it->node, it->start, it->last);
	return hva_iter_slot(it);
}

static void index_by_gfn(struct kvm_memslots *slots, struct kvm_memory_slot *new)
{
	struct rb_node **link = &slots->by_gfn.rb_node, *parent = NULL;
	int idx = slots->idx;

	while (*link) {
		parent = *link;
		if (new->base_gfn < container_of(parent, struct kvm_memory_slot,
						 gfn_node[idx])->base_gfn)
			link = &parent->rb_left;
		else
			link = &parent->rb_right;
	}
	rb_link_node(&new->gfn_node[idx], parent, link);
	rb_insert_color(&new->gfn_node[idx], &slots->by_gfn);
}

static void index_by_id(struct kvm_memslots *slots, struct kvm_memory_slot *new)
{
	struct rb_node **link = &slots->by_id.rb_node, *parent = NULL;
	int idx = slots->idx;

	while (*link) {
		parent = *link;
		if (new->id < container_of(parent, struct kvm_memory_slot, id_node[idx])->id)
			link = &parent->rb_left;
		else
			link = &parent->rb_right;
	}
	rb_link_node(&new->id_node[idx], parent, link);
	rb_insert_color(&new->id_node[idx], &slots->by_id);
}

/* Take @old out of one index and put @new in; either may be NULL. */
static void memslots_edit(struct kvm_memslots *slots, struct kvm_memory_slot *old,
			  struct kvm_memory_slot *new)
{
	int idx = slots->idx;

	slots->generation++;
	if (old) {
		rb_erase(&old->gfn_node[idx], &slots->by_gfn);
		rb_erase(&old->id_node[idx], &slots->by_id);
		interval_tree_remove(&old->hva_node[idx], &slots->by_hva);
	}
	if (new) {
		new->hva_node[idx].start = new->userspace_addr;
		new->hva_node[idx].last = new->userspace_addr + (new->npages << PAGE_SHIFT) - 1;
		index_by_gfn(slots, new);
		index_by_id(slots, new);
		interval_tree_insert(&new->hva_node[idx], &slots->by_hva);
	}
}

/*
 * Publish a change in both indexes. When it returns every reader sees @new,
 * none can find @old any more, and a fault that was resolved through @old has
 * left its SRCU section: what it installed is in the tables now, where the
 * caller finds it.
 */
static void memslots_commit(struct kvm *kvm, struct kvm_memory_slot *old,
			    struct kvm_memory_slot *new)
{
	struct kvm_memslots *was = active_slots(kvm);
	struct kvm_memslots *next = &kvm->slots.index[!was->idx];

	/* Whoever finds the slot and makes a clean leaf for it knows that there is a log. */
	if (new && new->dirty_bitmap)
		WRITE_ONCE(kvm->slots.nr_logged, kvm->slots.nr_logged + 1);
	memslots_edit(next, old, new);
	rcu_assign_pointer(kvm->slots.active, next);
	synchronize_srcu_expedited(&kvm->srcu);
	memslots_edit(was, old, new);

	kvm->slots.nr_memslot_pages += (new ? new->npages : 0) - (old ? old->npages : 0);
	kvm->slots.nr_slots += !!new - !!old;
	if (old && old->dirty_bitmap)
		WRITE_ONCE(kvm->slots.nr_logged, kvm->slots.nr_logged - 1);
}

static void set_leaving(struct kvm *kvm, const struct kvm_memory_slot *slot)
{
	write_lock(&kvm->mmu_lock);
	WRITE_ONCE(kvm->slots.leaving, slot);
	write_unlock(&kvm->mmu_lock);
}

/*
 * Publish a change by which the frames of @old go, and take them out of the
 * second-stage tables.
 *
 * Between the two the tables still map pages of @old, and a notifier that looks
 * in the new index does not find it: the host would free a page that the guest
 * can reach. So @old is named as leaving from before the change is published
 * until nothing of it is mapped. The notifier reads index and name in one
 * section under mmu_lock. If that comes before the first section of ours, it
 * sees the old index, as it is published only afterwards; if it comes between
 * the two, it sees the name; after the second one there is nothing to see.
 *
 * In the last case no fault brings an entry back: those that could have found
 * @old had ended before the zap began (memslots_commit()).
 *
 * The name serves vCPUs as well, which empty hardware's log of dirty frames when
 * they leave the guest: until they have, it names frames of @old. They look
 * without the lock, under SRCU.
 */
static void memslots_commit_leaving(struct kvm *kvm, struct kvm_memory_slot *old,
				    struct kvm_memory_slot *new)
{
	set_leaving(kvm, old);
	memslots_commit(kvm, old, new);
	tdp_zap_slot(kvm, old);
	if (!kvm_x86_tdp_logs_dirty()) {
		set_leaving(kvm, NULL);
		return;
	}
	/* Also those that the zap did not flush, nothing being left to zap. */
	kvm_kick_all_cpus(kvm);
	set_leaving(kvm, NULL);
	synchronize_srcu_expedited(&kvm->srcu);
}

/**
 * kvm_memslots_init() - give a new VM an empty memory map
 * @kvm: the VM; its srcu is initialised
 *
 * Context: the VM is not yet visible. Return: 0.
 */
int kvm_memslots_init(struct kvm *kvm)
{
	struct kvm_memslots_set *set = &kvm->slots;
	int i;

	for (i = 0; i < 2; i++) {
		set->index[i].by_gfn = RB_ROOT;
		set->index[i].by_id = RB_ROOT;
		set->index[i].by_hva = RB_ROOT_CACHED;
		set->index[i].idx = i;
		set->index[i].generation = 1;
	}
	set->nr_memslot_pages = 0;
	set->nr_slots = 0;
	set->manual_dirty_log = 0;
	set->leaving = NULL;
	rcu_assign_pointer(set->active, &set->index[0]);
	return 0;
}

static void free_memslot(struct kvm_memory_slot *slot)
{
	kvm_free_dirty_bitmap(slot);
	kfree(slot);
}

/**
 * kvm_memslots_destroy() - free all slots
 * @kvm: the VM; no reader is left, its second-stage tables are gone
 *
 * Context: may sleep.
 */
void kvm_memslots_destroy(struct kvm *kvm)
{
	struct kvm_memory_slot *slot, *next;
	struct kvm_memslots *slots;
	int i;

	slots = rcu_dereference_protected(kvm->slots.active, 1);
	if (!slots)
		return;
	/* Two loops: only constant node numbers are constant offsets to container_of(). */
	if (slots->idx == 0) {
		rbtree_postorder_for_each_entry_safe(slot, next, &slots->by_gfn, gfn_node[0])
			free_memslot(slot);
	} else {
		rbtree_postorder_for_each_entry_safe(slot, next, &slots->by_gfn, gfn_node[1])
			free_memslot(slot);
	}
	for (i = 0; i < 2; i++) {
		kvm->slots.index[i].by_gfn = RB_ROOT;
		kvm->slots.index[i].by_id = RB_ROOT;
		kvm->slots.index[i].by_hva = RB_ROOT_CACHED;
	}
	kvm->slots.nr_memslot_pages = 0;
	kvm->slots.nr_slots = 0;
}

/* Everything about the request that does not depend on existing slots. */
static bool region_well_formed(const struct kvm_userspace_memory_region *mem)
{
	if (mem->flags & ~(KVM_MEM_LOG_DIRTY_PAGES | KVM_MEM_READONLY))
		return false;
	/* The upper half selects an address space; x86 has more than one only with SMM. */
	if (mem->slot >= KVM_USER_MEM_SLOTS)
		return false;
	if (!PAGE_ALIGNED(mem->memory_size) || !PAGE_ALIGNED(mem->guest_phys_addr) ||
	    !PAGE_ALIGNED(mem->userspace_addr))
		return false;
	if (mem->memory_size >> PAGE_SHIFT > KVM_MEM_MAX_NR_PAGES)
		return false;
	/* Stricter than access_ok(): tagged addresses would not be found again by notifiers. */
	if (mem->userspace_addr > TASK_SIZE_MAX ||
	    mem->memory_size > TASK_SIZE_MAX - mem->userspace_addr)
		return false;
	if (mem->guest_phys_addr + mem->memory_size < mem->guest_phys_addr)
		return false;
	return (mem->guest_phys_addr + mem->memory_size) >> PAGE_SHIFT <= tdp_end_gfn();
}

static bool overlaps_other_slot(struct kvm *kvm, int id, gfn_t base, unsigned long npages)
{
	const struct kvm_memslots *slots = active_slots(kvm);
	struct kvm_memory_slot *slot;
	struct rb_node *node;

	/* Slots do not overlap each other: look down from the last frame. */
	slot = slot_at_or_below(slots, base + npages - 1);
	while (slot && slot->base_gfn + slot->npages > base) {
		if (slot->id != id)
			return true;
		node = rb_prev(&slot->gfn_node[slots->idx]);
		slot = node ? container_of(node, struct kvm_memory_slot,
					   gfn_node[slots->idx]) : NULL;
	}
	return false;
}

static int delete_memslot(struct kvm *kvm, struct kvm_memory_slot *old)
{
	if (!old)
		return -EINVAL;
	memslots_commit_leaving(kvm, old, NULL);
	free_memslot(old);
	return 0;
}

/*
 * Bring the second-stage tables in line with new flags of a slot that stays
 * where it is. @new is published: no fault uses @old any more.
 */
static void memslot_update_logging(struct kvm *kvm, const struct kvm_memory_slot *old,
				   const struct kvm_memory_slot *new)
{
	bool was_logged = kvm_slot_dirty_track_enabled(old);
	bool is_logged = kvm_slot_dirty_track_enabled(new);

	if (is_logged && !was_logged) {
		/* With all pages dirty from the start, KVM_CLEAR_DIRTY_LOG protects them. */
		if (!(kvm->slots.manual_dirty_log & KVM_DIRTY_LOG_INITIALLY_SET))
			tdp_write_protect_slot(kvm, new);
	} else if (!is_logged && was_logged) {
		tdp_zap_collapsible(kvm, new);
	}
}

/* Give @new the bitmap it needs: the old one if that goes on, else a new one. */
static int memslot_prepare_bitmap(struct kvm *kvm, const struct kvm_memory_slot *old,
				  struct kvm_memory_slot *new)
{
	if (!kvm_slot_dirty_track_enabled(new))
		return 0;
	if (old && old->dirty_bitmap) {
		new->dirty_bitmap = old->dirty_bitmap;
		return 0;
	}
	return kvm_alloc_dirty_bitmap(new, kvm->slots.manual_dirty_log &
					   KVM_DIRTY_LOG_INITIALLY_SET);
}

static int create_or_change_memslot(struct kvm *kvm, struct kvm_memory_slot *old,
				    const struct kvm_userspace_memory_region *mem)
{
	gfn_t base = mem->guest_phys_addr >> PAGE_SHIFT;
	unsigned long npages = mem->memory_size >> PAGE_SHIFT;
	struct kvm_memory_slot *new;
	int r;

	if (old) {
		if (mem->userspace_addr != old->userspace_addr || npages != old->npages ||
		    (mem->flags ^ old->flags) & KVM_MEM_READONLY)
			return -EINVAL;
		if (base == old->base_gfn && mem->flags == old->flags)
			return 0;
	} else if (kvm->slots.nr_memslot_pages + npages < npages) {
		return -EINVAL;
	}
	if (overlaps_other_slot(kvm, mem->slot, base, npages))
		return -EEXIST;

	new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;
	new->base_gfn = base;
	new->npages = npages;
	new->userspace_addr = mem->userspace_addr;
	new->flags = mem->flags;
	new->id = mem->slot;
	r = memslot_prepare_bitmap(kvm, old, new);
	if (r) {
		kfree(new);
		return r;
	}

	if (old && old->base_gfn != new->base_gfn) {
		memslots_commit_leaving(kvm, old, new);
	} else {
		memslots_commit(kvm, old, new);
		if (old)
			memslot_update_logging(kvm, old, new);
	}
	/* Memory comes before devices. No fault is under way that found none here. */
	if (kvm_slot_has_gfn(new, APIC_DEFAULT_PHYS_BASE >> PAGE_SHIFT))
		tdp_drop_apic_page(kvm);
	if (old) {
		if (old->dirty_bitmap == new->dirty_bitmap)
			old->dirty_bitmap = NULL;
		free_memslot(old);
	}
	return 0;
}

int kvm_set_memory_region(struct kvm *kvm, const struct kvm_userspace_memory_region *mem)
{
	struct kvm_memory_slot *old;
	int r;

	if (!region_well_formed(mem))
		return -EINVAL;

	mutex_lock(&kvm->slots_lock);
	old = id_to_memslot(kvm, mem->slot);
	if (mem->memory_size)
		r = create_or_change_memslot(kvm, old, mem);
	else
		r = delete_memslot(kvm, old);
	mutex_unlock(&kvm->slots_lock);
	return r;
}

/**
 * gfn_to_hva_prot() - where userspace has a guest frame
 * @kvm: the VM
 * @gfn: guest frame number
 * @writable: may it be written? May be NULL.
 *
 * Context: as gfn_to_memslot(). Return: user address, or KVM_HVA_ERR_BAD.
 */
unsigned long gfn_to_hva_prot(struct kvm *kvm, gfn_t gfn, bool *writable)
{
	struct kvm_memory_slot *slot = gfn_to_memslot(kvm, gfn);

	if (!slot)
		return KVM_HVA_ERR_BAD;
	if (writable)
		*writable = !(slot->flags & KVM_MEM_READONLY);
	return __gfn_to_hva_memslot(slot, gfn);
}

/**
 * gfn_to_hva() - where userspace has a guest frame that may be written
 * @kvm: the VM
 * @gfn: guest frame number
 *
 * Context: as gfn_to_memslot().
 * Return: user address, or KVM_HVA_ERR_BAD, also for a read-only frame.
 */
unsigned long gfn_to_hva(struct kvm *kvm, gfn_t gfn)
{
	bool writable = false;
	unsigned long hva = gfn_to_hva_prot(kvm, gfn, &writable);

	return writable ? hva : KVM_HVA_ERR_BAD;
}

int kvm_read_guest(struct kvm *kvm, gpa_t gpa, void *data, unsigned long len)
{
	while (len) {
		unsigned long offset = offset_in_page(gpa);
		unsigned long chunk = min(len, PAGE_SIZE - offset);
		unsigned long hva = gfn_to_hva_prot(kvm, gpa >> PAGE_SHIFT, NULL);

		if (kvm_is_error_hva(hva) ||
		    copy_from_user(data, (void __user *)(hva + offset), chunk))
			return -EFAULT;
		gpa += chunk;
		data += chunk;
		len -= chunk;
	}
	return 0;
}

int kvm_write_guest(struct kvm *kvm, gpa_t gpa, const void *data, unsigned long len)
{
	while (len) {
		unsigned long offset = offset_in_page(gpa);
		unsigned long chunk = min(len, PAGE_SIZE - offset);
		gfn_t gfn = gpa >> PAGE_SHIFT;
		unsigned long hva = gfn_to_hva(kvm, gfn);
		unsigned long left;

		if (kvm_is_error_hva(hva))
			return -EFAULT;
		left = copy_to_user((void __user *)(hva + offset), data, chunk);
		/* A copy that stopped half way has written, too. */
		if (left != chunk)
			mark_page_dirty(kvm, gfn);
		if (left)
			return -EFAULT;
		gpa += chunk;
		data += chunk;
		len -= chunk;
	}
	return 0;
}
