/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The MSR filter: which MSRs userspace forbids a guest to read or write
 * (msr_filter.c).
 */
#ifndef MONOVISOR_CORE_MSR_FILTER_H
#define MONOVISOR_CORE_MSR_FILTER_H

#include "core/types.h"

/**
 * kvm_msr_allowed() - does the filter let a guest's access pass?
 * @vcpu: the vCPU
 * @index: the MSR
 * @access: KVM_MSR_FILTER_READ or KVM_MSR_FILTER_WRITE
 *
 * Ioctls are not filtered. Context: any; takes kvm->srcu.
 */
bool kvm_msr_allowed(struct kvm_vcpu *vcpu, u32 index, u32 access);

/* KVM_X86_SET_MSR_FILTER: 0, -EINVAL, -EFAULT, -ENOMEM; nothing changed then. */
int kvm_vm_ioctl_set_msr_filter(struct kvm *kvm, const struct kvm_msr_filter *filter);
void kvm_msr_filter_destroy(struct kvm *kvm);

#endif /* MONOVISOR_CORE_MSR_FILTER_H */
