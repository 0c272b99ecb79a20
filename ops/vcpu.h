/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Life of a vCPU on the vendor's side, and its coming and going on a CPU.
 */
#ifndef MONOVISOR_OPS_VCPU_H
#define MONOVISOR_OPS_VCPU_H

#include "core/types.h"
#include "ops/vendor.h"

/* May sleep. 0 or negative errno. The common fields of the vCPU are set up. */
int kvm_x86_vcpu_create(struct kvm_vcpu *vcpu);
void kvm_x86_vcpu_free(struct kvm_vcpu *vcpu);

/**
 * kvm_x86_vcpu_reset() - put vendor state to power-on (or INIT) values
 * @vcpu: the vCPU, loaded
 * @init_event: INIT rather than power-on
 *
 * The vendor sets its control block and what no op sets. Core sets registers, segments
 * and what else it knows after that, by their ops, and has intercepts computed anew.
 * Context: vCPU loaded, may sleep.
 */
void kvm_x86_vcpu_reset(struct kvm_vcpu *vcpu, bool init_event);

/*
 * Preemption off. The vCPU becomes current on / leaves this CPU. At its coming vcpu->cpu
 * still names the one before, -1: none.
 */
void kvm_x86_vcpu_load(struct kvm_vcpu *vcpu, int cpu);
void kvm_x86_vcpu_put(struct kvm_vcpu *vcpu);

/* Preemption off, irqs on: host state that must be saved or guest MSRs loaded before entry. */
void kvm_x86_prepare_switch_to_guest(struct kvm_vcpu *vcpu);

/* CPUID was set: recompute intercepts that depend on it. vCPU loaded. */
void kvm_x86_vcpu_after_set_cpuid(struct kvm_vcpu *vcpu);

/* Recompute which exceptions exit (guest debug changed). vCPU loaded. */
void kvm_x86_update_exception_bitmap(struct kvm_vcpu *vcpu);

#endif /* MONOVISOR_OPS_VCPU_H */
