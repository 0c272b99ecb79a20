/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KVM_RUN: the stages from ioctl to ioctl. run.c reads as their list.
 */
#ifndef MONOVISOR_CORE_RUN_H
#define MONOVISOR_CORE_RUN_H

#include "core/types.h"

int kvm_vcpu_ioctl_run(struct kvm_vcpu *vcpu);

/* Fill vcpu->run for an exit and name the result; for handlers' tail calls. */
enum run_result vcpu_exit_to_user(struct kvm_vcpu *vcpu, u32 exit_reason);
enum run_result vcpu_run_error(struct kvm_vcpu *vcpu, int err);

/**
 * vcpu_internal_error() - tell userspace what could not be handled
 * @vcpu: the vCPU
 * @suberror: KVM_INTERNAL_ERROR_*
 * @nr: number of words of evidence, at most 4 (more are dropped)
 *
 * The words follow as u64.
 */
enum run_result vcpu_internal_error(struct kvm_vcpu *vcpu, u32 suberror, int nr, ...);

#endif /* MONOVISOR_CORE_RUN_H */
