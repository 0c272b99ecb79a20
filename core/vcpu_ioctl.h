/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ioctls of a vCPU's file descriptor (vcpu_ioctl.c).
 */
#ifndef MONOVISOR_CORE_VCPU_IOCTL_H
#define MONOVISOR_CORE_VCPU_IOCTL_H

struct file;

long kvm_vcpu_ioctl(struct file *filp, unsigned int ioctl, unsigned long arg);
/* For 32-bit userspace: KVM_SET_SIGNAL_MASK differs in layout. */
long kvm_vcpu_compat_ioctl(struct file *filp, unsigned int ioctl, unsigned long arg);

#endif /* MONOVISOR_CORE_VCPU_IOCTL_H */
