// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of a vCPU: one copy of what userspace passes, the vCPU loaded
 * under its mutex, dispatch. What each does is in the room of its subject.
 */
#include <linux/compat.h>
#include <linux/fs.h>
#include <linux/pid.h>
#include <linux/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "core/block.h"
#include "core/capability.h"
#include "core/clock.h"
#include "core/cpuid.h"
#include "core/debug.h"
#include "core/event.h"
#include "core/fpu.h"
#include "core/irq/lapic.h"
#include "core/msr.h"
#include "core/regs.h"
#include "core/run.h"
#include "core/tsc.h"
#include "core/vcpu.h"
#include "core/vcpu_ioctl.h"
#include "core/vm.h"

/*
 * The larger structures go through the heap (a kvm_xsave is 4 KiB). @get and
 * @set take the vCPU and a zeroed or filled private copy and return an errno.
 */
#define VCPU_GET(type, get)						\
({									\
	type *p_ = kzalloc(sizeof(type), GFP_KERNEL_ACCOUNT);		\
	long r_ = p_ ? get(vcpu, p_) : -ENOMEM;				\
									\
	if (!r_ && copy_to_user(argp, p_, sizeof(type)))		\
		r_ = -EFAULT;						\
	kfree(p_);							\
	r_;								\
})

#define VCPU_SET(type, set)						\
({									\
	type *p_ = memdup_user(argp, sizeof(type));			\
	long r_ = PTR_ERR_OR_ZERO(p_);					\
									\
	if (!r_) {							\
		r_ = set(vcpu, p_);					\
		kfree(p_);						\
	}								\
	r_;								\
})

static int get_events(struct kvm_vcpu *vcpu, struct kvm_vcpu_events *events)
{
	kvm_vcpu_ioctl_get_events(vcpu, events);
	return 0;
}

static int get_xsave(struct kvm_vcpu *vcpu, struct kvm_xsave *xsave)
{
	/* A guest with more state than fits must be read by KVM_GET_XSAVE2. */
	if (kvm_xsave2_size(vcpu->kvm) > sizeof(*xsave))
		return -EINVAL;
	kvm_vcpu_ioctl_get_xsave(vcpu, (u8 *)xsave, sizeof(*xsave));
	return 0;
}

static long get_xsave2(struct kvm_vcpu *vcpu, void __user *argp)
{
	unsigned int size = kvm_xsave2_size(vcpu->kvm);
	long ret = 0;
	u8 *buf;

	buf = kvzalloc(size, GFP_KERNEL_ACCOUNT);
	if (!buf)
		return -ENOMEM;
	kvm_vcpu_ioctl_get_xsave(vcpu, buf, size);
	if (copy_to_user(argp, buf, size))
		ret = -EFAULT;
	kvfree(buf);
	return ret;
}

static long set_xsave(struct kvm_vcpu *vcpu, void __user *argp)
{
	unsigned int size = kvm_xsave2_size(vcpu->kvm);
	void *buf = vmemdup_user(argp, size);
	long ret;

	if (IS_ERR(buf))
		return PTR_ERR(buf);
	ret = kvm_vcpu_ioctl_set_xsave(vcpu, buf);
	kvfree(buf);
	return ret;
}

/* @mask: NULL restores the thread's own mask. */
static void set_sigmask(struct kvm_vcpu *vcpu, const sigset_t *mask)
{
	vcpu->sigset_active = mask;
	if (!mask)
		return;
	vcpu->sigset = *mask;
	sigdelsetmask(&vcpu->sigset, sigmask(SIGKILL) | sigmask(SIGSTOP));
}

static long set_signal_mask(struct kvm_vcpu *vcpu, struct kvm_signal_mask __user *arg, bool compat)
{
	struct kvm_signal_mask head;
	sigset_t mask;

	if (!arg) {
		set_sigmask(vcpu, NULL);
		return 0;
	}
	if (copy_from_user(&head, arg, sizeof(head)))
		return -EFAULT;
	if (head.len != sizeof(mask))
		return -EINVAL;
	if (compat) {
		if (get_compat_sigset(&mask, (compat_sigset_t __user *)arg->sigset))
			return -EFAULT;
	} else if (copy_from_user(&mask, arg->sigset, sizeof(mask))) {
		return -EFAULT;
	}
	set_sigmask(vcpu, &mask);
	return 0;
}

/*
 * Kicks find the thread by vcpu->pid. The old one may be in use by a kick
 * under RCU until a grace period has passed; threads change rarely.
 */
static long run(struct kvm_vcpu *vcpu, unsigned long arg)
{
	struct pid *old = rcu_dereference_protected(vcpu->pid, lockdep_is_held(&vcpu->mutex));

	if (arg)
		return -EINVAL;
	if (unlikely(old != task_pid(current))) {
		rcu_assign_pointer(vcpu->pid, get_task_pid(current, PIDTYPE_PID));
		if (old) {
			synchronize_rcu();
			put_pid(old);
		}
	}
	return kvm_vcpu_ioctl_run(vcpu);
}

static long tsc_ioctl(struct kvm_vcpu *vcpu, unsigned int ioctl, unsigned long arg)
{
	if (ioctl == KVM_GET_TSC_KHZ)
		return vcpu->virtual_tsc_khz;
	return arg > U32_MAX ? -EINVAL : kvm_set_tsc_khz(vcpu, arg);
}

static int setup_mce(struct kvm_vcpu *vcpu, const u64 *mcg_cap)
{
	return kvm_vcpu_ioctl_setup_mce(vcpu, *mcg_cap);
}

static long device_attr_ioctl(struct kvm_vcpu *vcpu, unsigned int ioctl, void __user *argp)
{
	struct kvm_device_attr attr;

	if (copy_from_user(&attr, argp, sizeof(attr)))
		return -EFAULT;
	if (attr.group != KVM_VCPU_TSC_CTRL)
		return -ENXIO;
	switch (ioctl) {
	case KVM_HAS_DEVICE_ATTR:
		return kvm_vcpu_tsc_has_attr(vcpu, &attr);
	case KVM_GET_DEVICE_ATTR:
		return kvm_vcpu_tsc_get_attr(vcpu, &attr);
	default:
		return kvm_vcpu_tsc_set_attr(vcpu, &attr);
	}
}

static long translate(struct kvm_vcpu *vcpu, void __user *argp)
{
	struct kvm_translation tr;
	int err;

	if (copy_from_user(&tr, argp, sizeof(tr)))
		return -EFAULT;
	err = kvm_vcpu_ioctl_translate(vcpu, &tr);
	if (!err && copy_to_user(argp, &tr, sizeof(tr)))
		err = -EFAULT;
	return err;
}

static long ioctl_registers(struct kvm_vcpu *vcpu, unsigned int ioctl, void __user *argp)
{
	switch (ioctl) {
	case KVM_GET_REGS:
		return VCPU_GET(struct kvm_regs, kvm_vcpu_ioctl_get_regs);
	case KVM_SET_REGS:
		return VCPU_SET(struct kvm_regs, kvm_vcpu_ioctl_set_regs);
	case KVM_GET_SREGS:
		return VCPU_GET(struct kvm_sregs, kvm_vcpu_ioctl_get_sregs);
	case KVM_SET_SREGS:
		return VCPU_SET(struct kvm_sregs, kvm_vcpu_ioctl_set_sregs);
	case KVM_GET_SREGS2:
		return VCPU_GET(struct kvm_sregs2, kvm_vcpu_ioctl_get_sregs2);
	case KVM_SET_SREGS2:
		return VCPU_SET(struct kvm_sregs2, kvm_vcpu_ioctl_set_sregs2);
	case KVM_GET_FPU:
		return VCPU_GET(struct kvm_fpu, kvm_vcpu_ioctl_get_fpu);
	case KVM_SET_FPU:
		return VCPU_SET(struct kvm_fpu, kvm_vcpu_ioctl_set_fpu);
	case KVM_GET_XSAVE:
		return VCPU_GET(struct kvm_xsave, get_xsave);
	case KVM_GET_XSAVE2:
		return get_xsave2(vcpu, argp);
	case KVM_SET_XSAVE:
		return set_xsave(vcpu, argp);
	case KVM_GET_XCRS:
		return VCPU_GET(struct kvm_xcrs, kvm_vcpu_ioctl_get_xcrs);
	case KVM_SET_XCRS:
		return VCPU_SET(struct kvm_xcrs, kvm_vcpu_ioctl_set_xcrs);
	case KVM_GET_DEBUGREGS:
		return VCPU_GET(struct kvm_debugregs, kvm_vcpu_ioctl_get_debugregs);
	case KVM_SET_DEBUGREGS:
		return VCPU_SET(struct kvm_debugregs, kvm_vcpu_ioctl_set_debugregs);
	case KVM_SET_GUEST_DEBUG:
		return VCPU_SET(struct kvm_guest_debug, kvm_vcpu_ioctl_set_guest_debug);
	case KVM_TRANSLATE:
		return translate(vcpu, argp);
	}
	return -ENOTTY;
}

static long ioctl_loaded(struct kvm_vcpu *vcpu, unsigned int ioctl, unsigned long arg)
{
	void __user *argp = (void __user *)arg;

	switch (ioctl) {
	case KVM_RUN:
		return run(vcpu, arg);
	case KVM_INTERRUPT:
		return VCPU_SET(struct kvm_interrupt, kvm_vcpu_ioctl_interrupt);
	case KVM_NMI:
		return kvm_vcpu_ioctl_nmi(vcpu);
	case KVM_GET_MP_STATE:
		return VCPU_GET(struct kvm_mp_state, kvm_vcpu_ioctl_get_mp_state);
	case KVM_SET_MP_STATE:
		return VCPU_SET(struct kvm_mp_state, kvm_vcpu_ioctl_set_mp_state);
	case KVM_GET_LAPIC:
		return VCPU_GET(struct kvm_lapic_state, kvm_vcpu_ioctl_get_lapic);
	case KVM_SET_LAPIC:
		return VCPU_SET(struct kvm_lapic_state, kvm_vcpu_ioctl_set_lapic);
	case KVM_SET_VAPIC_ADDR:
		return VCPU_SET(struct kvm_vapic_addr, kvm_vcpu_ioctl_set_vapic_addr);
	case KVM_GET_VCPU_EVENTS:
		return VCPU_GET(struct kvm_vcpu_events, get_events);
	case KVM_SET_VCPU_EVENTS:
		return VCPU_SET(struct kvm_vcpu_events, kvm_vcpu_ioctl_set_events);
	case KVM_SET_CPUID:
		return kvm_vcpu_ioctl_set_cpuid(vcpu, argp);
	case KVM_SET_CPUID2:
		return kvm_vcpu_ioctl_set_cpuid2(vcpu, argp);
	case KVM_GET_CPUID2:
		return kvm_vcpu_ioctl_get_cpuid2(vcpu, argp);
	case KVM_GET_MSRS:
		return kvm_vcpu_ioctl_get_msrs(vcpu, argp);
	case KVM_SET_MSRS:
		return kvm_vcpu_ioctl_set_msrs(vcpu, argp);
	case KVM_X86_SETUP_MCE:
		return VCPU_SET(u64, setup_mce);
	case KVM_X86_SET_MCE:
		return VCPU_SET(struct kvm_x86_mce, kvm_vcpu_ioctl_set_mce);
	case KVM_SET_TSC_KHZ:
	case KVM_GET_TSC_KHZ:
		return tsc_ioctl(vcpu, ioctl, arg);
	case KVM_KVMCLOCK_CTRL:
		return kvm_vcpu_ioctl_kvmclock_ctrl(vcpu);
	case KVM_HAS_DEVICE_ATTR:
	case KVM_GET_DEVICE_ATTR:
	case KVM_SET_DEVICE_ATTR:
		return device_attr_ioctl(vcpu, ioctl, argp);
	case KVM_SET_SIGNAL_MASK:
		return set_signal_mask(vcpu, argp, false);
	case KVM_ENABLE_CAP:
		return VCPU_SET(struct kvm_enable_cap, kvm_vcpu_enable_cap);
	}
	return ioctl_registers(vcpu, ioctl, argp);
}

long kvm_vcpu_ioctl(struct file *filp, unsigned int ioctl, unsigned long arg)
{
	struct kvm_vcpu *vcpu = filp->private_data;
	long ret;

	if (!kvm_ioctl_allowed(vcpu->kvm))
		return -EIO;
	if (ioctl == KVM_GET_STATS_FD)
		return kvm_vcpu_ioctl_get_stats_fd(vcpu);

	if (mutex_lock_killable(&vcpu->mutex))
		return -EINTR;
	vcpu_load(vcpu);
	ret = ioctl_loaded(vcpu, ioctl, arg);
	vcpu_put(vcpu);
	mutex_unlock(&vcpu->mutex);
	return ret;
}

#ifdef CONFIG_COMPAT
long kvm_vcpu_compat_ioctl(struct file *filp, unsigned int ioctl, unsigned long arg)
{
	struct kvm_vcpu *vcpu = filp->private_data;
	long ret;

	if (ioctl != KVM_SET_SIGNAL_MASK)
		return compat_ptr_ioctl(filp, ioctl, arg);

	if (!kvm_ioctl_allowed(vcpu->kvm))
		return -EIO;
	if (mutex_lock_killable(&vcpu->mutex))
		return -EINTR;
	ret = set_signal_mask(vcpu, compat_ptr(arg), true);
	mutex_unlock(&vcpu->mutex);
	return ret;
}
#endif
