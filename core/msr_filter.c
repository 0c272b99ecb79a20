// SPDX-License-Identifier: GPL-2.0-only
/*
 * The MSR filter of KVM_X86_SET_MSR_FILTER: its checked copy and the question
 * it answers. What a denied access becomes is exit.c's.
 */
#include <linux/bitmap.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/uaccess.h>

#include "core/compat.h"
#include "core/msr_filter.h"
#include "core/request.h"
#include "core/vcpu.h"
#include "core/vm.h"

/* A bit set in @bitmap allows the access. */
struct msr_range {
	u32 access;		/* KVM_MSR_FILTER_READ, _WRITE: which the range judges */
	u32 base;
	u32 nr;
	unsigned long *bitmap;
};

/* Immutable once published; replaced as a whole. */
struct kvm_msr_filter_set {
	bool default_allow;
	u32 nr;
	struct msr_range range[KVM_MSR_FILTER_MAX_RANGES];
};

/* x2APIC registers are the interrupt controller's and cannot be filtered. */
static bool is_x2apic_msr(u32 index)
{
	return index >= 0x800 && index <= 0x8ff;
}

static bool filter_allows(const struct kvm_msr_filter_set *filter, u32 index, u32 access)
{
	u32 i;

	for (i = 0; i < filter->nr; i++) {
		const struct msr_range *range = &filter->range[i];
		u32 at = index - range->base;

		if (!(range->access & access) || index < range->base || at >= range->nr)
			continue;
		return test_bit(array_index_nospec(at, range->nr), range->bitmap);
	}
	return filter->default_allow;
}

bool kvm_msr_allowed(struct kvm_vcpu *vcpu, u32 index, u32 access)
{
	struct kvm *kvm = vcpu->kvm;
	const struct kvm_msr_filter_set *filter;
	bool allowed = true;
	int idx;

	/* Most VMs have none: spare them the SRCU section. */
	if (likely(!rcu_access_pointer(kvm->msr_filter)) || is_x2apic_msr(index))
		return true;
	idx = srcu_read_lock(&kvm->srcu);
	filter = srcu_dereference(kvm->msr_filter, &kvm->srcu);
	if (filter)
		allowed = filter_allows(filter, index, access);
	srcu_read_unlock(&kvm->srcu, idx);
	return allowed;
}

static void free_filter(struct kvm_msr_filter_set *filter)
{
	u32 i;

	if (!filter)
		return;
	for (i = 0; i < filter->nr; i++)
		kfree(filter->range[i].bitmap);
	kfree(filter);
}

static int copy_range(struct kvm_msr_filter_set *filter, const struct kvm_msr_filter_range *from)
{
	struct msr_range *range = &filter->range[filter->nr];
	size_t size;

	if (!from->nmsrs)
		return 0;
	if (from->flags & ~KVM_MSR_FILTER_RANGE_VALID_MASK || !from->flags)
		return -EINVAL;
	size = BITS_TO_LONGS(from->nmsrs) * sizeof(long);
	if (size > KVM_MSR_FILTER_MAX_BITMAP_SIZE)
		return -EINVAL;

	range->bitmap = memdup_user((__user u8 *)from->bitmap, size);
	if (IS_ERR(range->bitmap))
		return PTR_ERR(range->bitmap);
	range->access = from->flags;
	range->base = from->base;
	range->nr = from->nmsrs;
	filter->nr++;
	return 0;
}

/* Return: the set; NULL if it allows everything; or an ERR_PTR. */
static struct kvm_msr_filter_set *make_filter(const struct kvm_msr_filter *from)
{
	struct kvm_msr_filter_set *filter;
	int i, err = 0;

	filter = kzalloc(sizeof(*filter), GFP_KERNEL_ACCOUNT);
	if (!filter)
		return ERR_PTR(-ENOMEM);
	filter->default_allow = !(from->flags & KVM_MSR_FILTER_DEFAULT_DENY);
	for (i = 0; !err && i < KVM_MSR_FILTER_MAX_RANGES; i++)
		err = copy_range(filter, &from->ranges[i]);
	/* To deny by default and to allow nothing is a mistake, not a filter. */
	if (!err && !filter->default_allow && !filter->nr)
		err = -EINVAL;
	if (err) {
		free_filter(filter);
		return ERR_PTR(err);
	}
	/* No ranges: what was filtered is so no more, and accesses need not ask. */
	if (!filter->nr) {
		free_filter(filter);
		return NULL;
	}
	return filter;
}

int kvm_vm_ioctl_set_msr_filter(struct kvm *kvm, const struct kvm_msr_filter *from)
{
	struct kvm_msr_filter_set *filter;

	if (from->flags & ~KVM_MSR_FILTER_VALID_MASK)
		return -EINVAL;
	filter = make_filter(from);
	if (IS_ERR(filter))
		return PTR_ERR(filter);

	mutex_lock(&kvm->lock);
	filter = rcu_replace_pointer(kvm->msr_filter, filter, lockdep_is_held(&kvm->lock));
	mutex_unlock(&kvm->lock);
	synchronize_srcu(&kvm->srcu);
	free_filter(filter);
	/* MSRs that guests access without an exit may be filtered now, or no more. */
	kvm_make_all_cpus_request(kvm, KVM_REQ_MSR_FILTER);
	return 0;
}

void kvm_msr_filter_destroy(struct kvm *kvm)
{
	free_filter(rcu_dereference_protected(kvm->msr_filter, true));
}
