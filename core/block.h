/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vCPUs that do not run: halted, waiting for INIT or for a startup message,
 * and what wakes them. Only with a local APIC in the kernel; otherwise a vCPU
 * that halts is userspace's.
 */
#ifndef MONOVISOR_CORE_BLOCK_H
#define MONOVISOR_CORE_BLOCK_H

#include "core/types.h"

enum run_result kvm_vcpu_halt(struct kvm_vcpu *vcpu);
enum run_result kvm_vcpu_block(struct kvm_vcpu *vcpu);
void kvm_vcpu_wake_kick(struct kvm_vcpu *vcpu);
bool kvm_vcpu_wake(struct kvm_vcpu *vcpu);
void kvm_accept_init_sipi(struct kvm_vcpu *vcpu);
int kvm_vcpu_ioctl_get_mp_state(struct kvm_vcpu *vcpu, struct kvm_mp_state *state);
int kvm_vcpu_ioctl_set_mp_state(struct kvm_vcpu *vcpu, const struct kvm_mp_state *state);

#endif /* MONOVISOR_CORE_BLOCK_H */
