// SPDX-License-Identifier: GPL-2.0-only
/*
 * A virtual machine: creation and destruction, its file descriptor and its
 * ioctls. vCPUs are in vcpu.c, memory in memslot.c.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/tsc.h>

#include "core/capability.h"
#include "core/clock.h"
#include "core/compat.h"
#include "core/irq/ipi.h"
#include "core/irq/irqchip.h"
#include "core/irq/lapic_timer.h"
#include "core/main.h"
#include "core/msr_filter.h"
#include "core/request.h"
#include "core/tsc.h"
#include "core/vcpu.h"
#include "core/vm.h"
#include "ops/hw.h"

void kvm_vm_bugged(struct kvm *kvm)
{
	WRITE_ONCE(kvm->vm_bugged, true);
	kvm_make_all_cpus_request(kvm, KVM_REQ_VM_DEAD);
}

static int init_parts(struct kvm *kvm)
{
	int err;

	err = init_srcu_struct(&kvm->srcu);
	if (err)
		return err;
	err = kvm_memslots_init(kvm);
	if (err)
		goto srcu;
	err = kvm_buses_init(kvm);
	if (err)
		goto memslots;
	err = kvm_irqchip_vm_init(kvm);
	if (err)
		goto buses;
	err = tdp_vm_init(kvm);
	if (err)
		goto irqchip;
	err = kvm_x86_vm_init(kvm);
	if (err)
		goto tdp;
	return 0;
tdp:
	tdp_vm_destroy(kvm);
irqchip:
	kvm_irqchip_vm_destroy(kvm);
buses:
	kvm_buses_destroy(kvm);
memslots:
	kvm_memslots_destroy(kvm);
srcu:
	cleanup_srcu_struct(&kvm->srcu);
	return err;
}

static void destroy_parts(struct kvm *kvm)
{
	kvm_x86_vm_destroy(kvm);
	kvm_msr_filter_destroy(kvm);
	tdp_vm_destroy(kvm);
	kvm_irqchip_vm_destroy(kvm);
	kvm_buses_destroy(kvm);
	kvm_memslots_destroy(kvm);
	cleanup_srcu_struct(&kvm->srcu);
}

static void init_fields(struct kvm *kvm)
{
	refcount_set(&kvm->users, 1);
	mutex_init(&kvm->lock);
	mutex_init(&kvm->slots_lock);
	mutex_init(&kvm->apic_map_lock);
	kvm->apic_bus_cycle_ns = LAPIC_BUS_CYCLE_NS;
	rwlock_init(&kvm->mmu_lock);
	xa_init(&kvm->vcpu_array);
	kvm_tsc_vm_init(kvm);
}

/**
 * kvm_create_vm() - make a VM for the current process
 *
 * Context: may sleep. Return: the VM with one reference, or an ERR_PTR.
 */
struct kvm *kvm_create_vm(void)
{
	struct kvm *kvm;
	int err;

	kvm = kvzalloc(kvm_x86_vm_size(), GFP_KERNEL_ACCOUNT);
	if (!kvm)
		return ERR_PTR(-ENOMEM);
	init_fields(kvm);
	kvm->mm = current->mm;
	mmgrab(kvm->mm);

	err = kvm_hardware_get();
	if (err)
		goto free;
	err = init_parts(kvm);
	if (err)
		goto hardware;
	err = kvm_notifier_register(kvm);
	if (err)
		goto parts;

	mutex_lock(&kvm_lock);
	list_add(&kvm->vm_list, &vm_list);
	mutex_unlock(&kvm_lock);
	return kvm;
parts:
	destroy_parts(kvm);
hardware:
	kvm_hardware_put();
free:
	mmdrop(kvm->mm);
	kvfree(kvm);
	return ERR_PTR(err);
}

/* Nobody else has a reference. The notifier goes first: after it, no one walks the tables. */
static void destroy_vm(struct kvm *kvm)
{
	mutex_lock(&kvm_lock);
	list_del(&kvm->vm_list);
	mutex_unlock(&kvm_lock);

	kvm_stats_vm_exit(kvm);
	kvm_notifier_unregister(kvm);
	kvm_irqchip_destroy_chips(kvm);
	kvm_vcpu_destroy_all(kvm);
	kvm_apic_map_destroy(kvm);
	destroy_parts(kvm);
	kvm_hardware_put();
	mmdrop(kvm->mm);
	kvfree(kvm);
}

void kvm_get_kvm(struct kvm *kvm)
{
	refcount_inc(&kvm->users);
}

void kvm_put_kvm(struct kvm *kvm)
{
	if (refcount_dec_and_test(&kvm->users))
		destroy_vm(kvm);
}

static int kvm_vm_release(struct inode *inode, struct file *filp)
{
	struct kvm *kvm = filp->private_data;

	/* No ioctl can make one any more; those there are must not outlive the VM. */
	kvm_irqfd_release(kvm);
	kvm_put_kvm(kvm);
	return 0;
}

static int set_memory_region(struct kvm *kvm, void __user *argp)
{
	struct kvm_userspace_memory_region mem;

	if (copy_from_user(&mem, argp, sizeof(mem)))
		return -EFAULT;
	return kvm_set_memory_region(kvm, &mem);
}

/*
 * The same with more fields, of memory that has no user address: not supported,
 * its flag is refused, and without the flag the fields have no meaning.
 */
static int set_memory_region2(struct kvm *kvm, const struct kvm_userspace_memory_region2 *mem)
{
	return kvm_set_memory_region(kvm, &(struct kvm_userspace_memory_region){
			.slot = mem->slot,
			.flags = mem->flags,
			.guest_phys_addr = mem->guest_phys_addr,
			.memory_size = mem->memory_size,
			.userspace_addr = mem->userspace_addr,
		});
}

static int set_identity_map_addr(struct kvm *kvm, void __user *argp)
{
	u64 addr;
	int err = 0;

	if (copy_from_user(&addr, argp, sizeof(addr)))
		return -EFAULT;
	mutex_lock(&kvm->lock);
	if (kvm->created_vcpus)
		err = -EINVAL;
	else
		kvm->identity_map_addr = addr;
	mutex_unlock(&kvm->lock);
	return err;
}

/* Which vCPU starts by itself: settled before the first one. */
static int set_boot_cpu_id(struct kvm *kvm, unsigned long id)
{
	int err = 0;

	mutex_lock(&kvm->lock);
	if (kvm->created_vcpus)
		err = -EBUSY;
	else if (id >= KVM_MAX_VCPU_ID || (kvm->max_vcpu_ids && id >= kvm->max_vcpu_ids))
		err = -EINVAL;
	else
		kvm->bsp_vcpu_id = id;
	mutex_unlock(&kvm->lock);
	return err;
}

/* Three pages that must lie below 4 GiB; kept for hardware that needs a task in real mode. */
static int set_tss_addr(struct kvm *kvm, unsigned long addr)
{
	if (addr > (u32)(-3 * (int)PAGE_SIZE))
		return -EINVAL;
	kvm->tss_addr = addr;
	return 0;
}

/* A limit of the pages for shadow paging, of which there is none; the least one is the ABI's. */
#define KVM_MIN_MMU_PAGES	64

#define VM_IOCTL_IN(type, handler)					\
({									\
	type in_;							\
	copy_from_user(&in_, argp, sizeof(in_)) ? -EFAULT : handler(kvm, &in_);	\
})

static long vm_ioctl_memory(struct kvm *kvm, unsigned int ioctl, void __user *argp)
{
	switch (ioctl) {
	case KVM_SET_USER_MEMORY_REGION:
		return set_memory_region(kvm, argp);
	case KVM_SET_USER_MEMORY_REGION2:
		return VM_IOCTL_IN(struct kvm_userspace_memory_region2, set_memory_region2);
	case KVM_GET_DIRTY_LOG:
		return VM_IOCTL_IN(struct kvm_dirty_log, kvm_vm_ioctl_get_dirty_log);
	case KVM_CLEAR_DIRTY_LOG:
		return VM_IOCTL_IN(struct kvm_clear_dirty_log, kvm_vm_ioctl_clear_dirty_log);
	case KVM_REGISTER_COALESCED_MMIO:
		return VM_IOCTL_IN(struct kvm_coalesced_mmio_zone,
				   kvm_vm_ioctl_register_coalesced);
	case KVM_UNREGISTER_COALESCED_MMIO:
		return VM_IOCTL_IN(struct kvm_coalesced_mmio_zone,
				   kvm_vm_ioctl_unregister_coalesced);
	case KVM_IOEVENTFD:
		return VM_IOCTL_IN(struct kvm_ioeventfd, kvm_vm_ioctl_ioeventfd);
	}
	return -ENOTTY;
}

/* For vCPUs created from now on. */
static int set_tsc_khz(struct kvm *kvm, unsigned long khz)
{
	int err = 0;

	if (!khz)
		khz = tsc_khz;
	if (khz > U32_MAX || !kvm_tsc_khz_possible(khz))
		return -EINVAL;
	mutex_lock(&kvm->lock);
	if (kvm->created_vcpus)
		err = -EINVAL;
	else
		WRITE_ONCE(kvm->default_tsc_khz, khz);
	mutex_unlock(&kvm->lock);
	return err;
}

/* Sixteen ranges are too much for the stack. */
static long set_msr_filter(struct kvm *kvm, void __user *argp)
{
	struct kvm_msr_filter *filter = memdup_user(argp, sizeof(*filter));
	long ret;

	if (IS_ERR(filter))
		return PTR_ERR(filter);
	ret = kvm_vm_ioctl_set_msr_filter(kvm, filter);
	kfree(filter);
	return ret;
}

static long get_clock(struct kvm *kvm, void __user *argp)
{
	struct kvm_clock_data data = {};
	int err;

	err = kvm_vm_ioctl_get_clock(kvm, &data);
	if (!err && copy_to_user(argp, &data, sizeof(data)))
		err = -EFAULT;
	return err;
}

static long kvm_vm_ioctl(struct file *filp, unsigned int ioctl, unsigned long arg)
{
	struct kvm *kvm = filp->private_data;
	void __user *argp = (void __user *)arg;
	long ret;

	if (!kvm_ioctl_allowed(kvm))
		return -EIO;

	switch (ioctl) {
	case KVM_CREATE_VCPU:
		return kvm_vm_ioctl_create_vcpu(kvm, arg);
	case KVM_CHECK_EXTENSION:
		return kvm_check_extension(kvm, arg);
	case KVM_ENABLE_CAP:
		return VM_IOCTL_IN(struct kvm_enable_cap, kvm_vm_enable_cap);
	case KVM_SET_TSS_ADDR:
		return set_tss_addr(kvm, arg);
	case KVM_SET_BOOT_CPU_ID:
		return set_boot_cpu_id(kvm, arg);
	case KVM_SET_NR_MMU_PAGES:
		return arg < KVM_MIN_MMU_PAGES ? -EINVAL : 0;
	case KVM_X86_SET_MSR_FILTER:
		return set_msr_filter(kvm, argp);
	case KVM_SET_IDENTITY_MAP_ADDR:
		return set_identity_map_addr(kvm, argp);
	case KVM_GET_CLOCK:
		return get_clock(kvm, argp);
	case KVM_SET_CLOCK:
		return VM_IOCTL_IN(struct kvm_clock_data, kvm_vm_ioctl_set_clock);
	case KVM_SET_TSC_KHZ:
		return set_tsc_khz(kvm, arg);
	case KVM_GET_TSC_KHZ:
		return READ_ONCE(kvm->default_tsc_khz);
	case KVM_GET_STATS_FD:
		return kvm_vm_ioctl_get_stats_fd(kvm);
	}
	ret = vm_ioctl_memory(kvm, ioctl, argp);
	return ret == -ENOTTY ? kvm_vm_ioctl_irq(kvm, ioctl, argp) : ret;
}

static const struct file_operations kvm_vm_fops = {
	.owner = THIS_MODULE,
	.release = kvm_vm_release,
	.unlocked_ioctl = kvm_vm_ioctl,
#ifdef CONFIG_COMPAT
	.compat_ioctl = kvm_vm_compat_ioctl,
#endif
	.llseek = noop_llseek,
};

/**
 * kvm_dev_ioctl_create_vm() - KVM_CREATE_VM
 * @type: machine type, 0 (KVM_X86_DEFAULT_VM)
 *
 * Return: a file descriptor, -EINVAL (type), -ENOMEM, -EMFILE, or what the
 * hardware said.
 */
int kvm_dev_ioctl_create_vm(unsigned long type)
{
	struct kvm *kvm;
	struct file *file;
	int fd;

	if (type)
		return -EINVAL;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	kvm = kvm_create_vm();
	if (IS_ERR(kvm)) {
		put_unused_fd(fd);
		return PTR_ERR(kvm);
	}
	file = anon_inode_getfile("kvm-vm", &kvm_vm_fops, kvm, O_RDWR);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		kvm_put_kvm(kvm);
		return PTR_ERR(file);
	}
	kvm_stats_vm_init(kvm);
	fd_install(fd, file);
	return fd;
}
