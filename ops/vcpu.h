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
 * The vCPU comes to this CPU; vcpu->cpu still names the one before, -1: none.
 * Preemption off.
 */
void kvm_x86_vcpu_load(struct kvm_vcpu *vcpu, int cpu);

/*
 * What is exchanged once for all entries until the vCPU leaves the CPU: host state that an
 * entry or exit would lose is saved, the guest's MSRs are loaded; and the way back, which
 * follows only if it was done. Core keeps vcpu->host_state_saved. Preemption off, irqs on
 * or, when the scheduler takes the CPU, off.
 */
void kvm_x86_save_host_state(struct kvm_vcpu *vcpu);
void kvm_x86_restore_host_state(struct kvm_vcpu *vcpu);

/* How long the guest may loop on PAUSE before it exits, in the hardware's unit. vCPU loaded. */
void kvm_x86_set_pause_window(struct kvm_vcpu *vcpu, u32 window);

/* CPUID was set: recompute intercepts that depend on it, but for those of MSRs. vCPU loaded. */
void kvm_x86_vcpu_after_set_cpuid(struct kvm_vcpu *vcpu);

/* The exceptions that exit, a bit for each vector. vCPU loaded. */
void kvm_x86_set_exception_bitmap(struct kvm_vcpu *vcpu, u32 bitmap);

#endif /* MONOVISOR_OPS_VCPU_H */
