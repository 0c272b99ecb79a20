/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A vCPU that spins gives its CPU to one that could go on (spin.c).
 */
#ifndef MONOVISOR_CORE_SPIN_H
#define MONOVISOR_CORE_SPIN_H

#include "core/types.h"

void kvm_spin_sched_out(struct kvm_vcpu *vcpu);
void kvm_spin_sched_in(struct kvm_vcpu *vcpu);
struct kvm_vcpu *kvm_spin_pick(struct kvm_vcpu *me, int start, int *step);
void kvm_vcpu_on_spin(struct kvm_vcpu *me);

#endif /* MONOVISOR_CORE_SPIN_H */
