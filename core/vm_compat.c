// SPDX-License-Identifier: GPL-2.0-only
/*
 * VM ioctls of 32-bit processes: those whose structures hold a pointer. All
 * others have one layout for both; vCPU ioctls are in vcpu_ioctl.c.
 */
#include <linux/compat.h>
#include <linux/fs.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "core/msr_filter.h"
#include "core/vm.h"

struct compat_kvm_dirty_log {
	u32 slot;
	u32 padding1;
	compat_uptr_t dirty_bitmap;
	u32 padding2;
};

struct compat_kvm_clear_dirty_log {
	u32 slot;
	u32 num_pages;
	u64 first_page;
	compat_uptr_t dirty_bitmap;
	u32 padding2;
};

struct compat_kvm_msr_filter_range {
	u32 flags;
	u32 nmsrs;
	u32 base;
	compat_uptr_t bitmap;
};

struct compat_kvm_msr_filter {
	u32 flags;
	struct compat_kvm_msr_filter_range ranges[KVM_MSR_FILTER_MAX_RANGES];
};

/* The pointers take the place of 64 bits, or the number would differ. */
static_assert(sizeof(struct compat_kvm_dirty_log) == sizeof(struct kvm_dirty_log));
static_assert(sizeof(struct compat_kvm_clear_dirty_log) == sizeof(struct kvm_clear_dirty_log));

#define COMPAT_KVM_X86_SET_MSR_FILTER	_IOW(KVMIO, 0xc6, struct compat_kvm_msr_filter)

static long get_dirty_log(struct kvm *kvm, void __user *argp)
{
	struct compat_kvm_dirty_log from;
	struct kvm_dirty_log log = {};

	if (copy_from_user(&from, argp, sizeof(from)))
		return -EFAULT;
	log.slot = from.slot;
	log.dirty_bitmap = compat_ptr(from.dirty_bitmap);
	return kvm_vm_ioctl_get_dirty_log(kvm, &log);
}

static long clear_dirty_log(struct kvm *kvm, void __user *argp)
{
	struct compat_kvm_clear_dirty_log from;
	struct kvm_clear_dirty_log log = {};

	if (copy_from_user(&from, argp, sizeof(from)))
		return -EFAULT;
	log.slot = from.slot;
	log.num_pages = from.num_pages;
	log.first_page = from.first_page;
	log.dirty_bitmap = compat_ptr(from.dirty_bitmap);
	return kvm_vm_ioctl_clear_dirty_log(kvm, &log);
}

static long set_msr_filter(struct kvm *kvm, void __user *argp)
{
	struct compat_kvm_msr_filter from;
	struct kvm_msr_filter *filter;
	long ret;
	int i;

	if (copy_from_user(&from, argp, sizeof(from)))
		return -EFAULT;
	filter = kzalloc(sizeof(*filter), GFP_KERNEL_ACCOUNT);
	if (!filter)
		return -ENOMEM;
	filter->flags = from.flags;
	for (i = 0; i < ARRAY_SIZE(from.ranges); i++) {
		filter->ranges[i].flags = from.ranges[i].flags;
		filter->ranges[i].nmsrs = from.ranges[i].nmsrs;
		filter->ranges[i].base = from.ranges[i].base;
		filter->ranges[i].bitmap = (__force u8 *)compat_ptr(from.ranges[i].bitmap);
	}
	ret = kvm_vm_ioctl_set_msr_filter(kvm, filter);
	kfree(filter);
	return ret;
}

long kvm_vm_compat_ioctl(struct file *filp, unsigned int ioctl, unsigned long arg)
{
	struct kvm *kvm = filp->private_data;
	void __user *argp = compat_ptr(arg);

	if (!kvm_ioctl_allowed(kvm))
		return -EIO;
	switch (ioctl) {
	case KVM_GET_DIRTY_LOG:
		return get_dirty_log(kvm, argp);
	case KVM_CLEAR_DIRTY_LOG:
		return clear_dirty_log(kvm, argp);
	case COMPAT_KVM_X86_SET_MSR_FILTER:
		return set_msr_filter(kvm, argp);
	}
	return compat_ptr_ioctl(filp, ioctl, arg);
}
