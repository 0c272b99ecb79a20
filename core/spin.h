/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A vCPU that spins gives its CPU to one that could go on (spin.c).
 */
#ifndef MONOVISOR_CORE_SPIN_H
#define MONOVISOR_CORE_SPIN_H

#include <linux/minmax.h>

#include "core/types.h"

/* How long a vCPU may spin, in the hardware's unit: set once, by the vendor's parameters. */
struct kvm_pause_params {
	u32 base;
	u32 grow;	/* factor at each exit; 0: none */
	u32 shrink;	/* divisor when the vCPU gets a CPU again; 0: back to base */
	u32 max;
};

extern struct kvm_pause_params kvm_pause_params;

/*
 * How long a vCPU may spin before it exits. The longer it has spun in vain, the less
 * is won by leaving once more: grown at each exit by PAUSE. Return: it has changed.
 */
static inline bool kvm_pause_window_grow(u32 *window, u32 factor, u32 max)
{
	u32 old = *window;

	*window = max_t(u64, old, min_t(u64, (u64)old * factor, max));
	return *window != old;
}

/*
 * Whoever held the lock that a vCPU spun for has had the CPU: be impatient again.
 * When it is scheduled in; @divisor 0: as at first.
 * Return: it has changed.
 */
static inline bool kvm_pause_window_shrink(u32 *window, u32 divisor, u32 base)
{
	u32 old = *window;

	*window = divisor ? max(old / divisor, base) : base;
	return *window != old;
}

void kvm_pause_window_reset(struct kvm_vcpu *vcpu);
void kvm_spin_sched_out(struct kvm_vcpu *vcpu);
void kvm_spin_sched_in(struct kvm_vcpu *vcpu);
struct kvm_vcpu *kvm_spin_pick(struct kvm_vcpu *me, int start, int *step);
void kvm_vcpu_on_spin(struct kvm_vcpu *me);

#endif /* MONOVISOR_CORE_SPIN_H */
