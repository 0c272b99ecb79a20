/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KVM_CHECK_EXTENSION and KVM_ENABLE_CAP: what is claimed, and what can be
 * switched on (capability.c).
 */
#ifndef MONOVISOR_CORE_CAPABILITY_H
#define MONOVISOR_CORE_CAPABILITY_H

#include "core/types.h"

/* @kvm: the VM asked, or NULL on /dev/kvm. Return: 0 for what is not there. */
int kvm_check_extension(struct kvm *kvm, long ext);
int kvm_vm_enable_cap(struct kvm *kvm, const struct kvm_enable_cap *cap);
int kvm_vcpu_enable_cap(struct kvm_vcpu *vcpu, const struct kvm_enable_cap *cap);

#endif /* MONOVISOR_CORE_CAPABILITY_H */
