/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The timer of a local APIC: one-shot, periodic and TSC-deadline.
 */
#ifndef MONOVISOR_CORE_IRQ_LAPIC_TIMER_H
#define MONOVISOR_CORE_IRQ_LAPIC_TIMER_H

#include <linux/hrtimer.h>
#include <linux/spinlock.h>

#include "core/types.h"

/* The clock of the timer without KVM_CAP_X86_APIC_BUS_CYCLES_NS: 1 GHz. */
#define LAPIC_BUS_CYCLE_NS	1

/*
 * Legend as in core/vcpu.h; [l] under lock, which the expiry takes in hard
 * interrupt context.
 */
struct kvm_lapic_timer {
	struct hrtimer hrtimer;
	raw_spinlock_t lock;
	u32 mode;			/* [t] APIC_LVT_TIMER_* */

	/* --- TSC-deadline --- */
	u64 deadline;			/* [l] guest TSC, 0: disarmed */
	u64 armed_for;			/* [l] guest TSC the hrtimer is set for; U64_MAX: none */
	u64 expired_deadline;		/* [a] delivered early, entry waits for it; 0: none */
	u32 advance_ns;			/* [t] how early the hrtimer is set */

	/* --- one-shot and periodic --- */
	u64 period_ns;			/* [l] of a full count, 0: stopped */
	ktime_t target;			/* [l] when the count reaches zero next */
};

void kvm_lapic_timer_init(struct kvm_vcpu *vcpu);
void kvm_lapic_timer_cancel(struct kvm_vcpu *vcpu);
void kvm_lapic_timer_migrate(struct kvm_vcpu *vcpu);
void kvm_lapic_timer_set_mode(struct kvm_vcpu *vcpu, u32 mode);
u32 lapic_timer_divisor(u32 tdcr);

/* TSC-deadline. @deadline 0 disarms. Any context with the vCPU loaded, irqs on or off. */
void kvm_lapic_timer_set_deadline(struct kvm_vcpu *vcpu, u64 deadline);
u64 kvm_lapic_timer_get_deadline(struct kvm_vcpu *vcpu);
void kvm_lapic_timer_tsc_changed(struct kvm_vcpu *vcpu);

/* The initial count or the divisor was written; the registers hold them. */
void kvm_lapic_timer_start(struct kvm_vcpu *vcpu, u32 count);
void kvm_lapic_timer_divisor_changed(struct kvm_vcpu *vcpu, u32 remaining);
u32 kvm_lapic_timer_remaining(struct kvm_vcpu *vcpu);

void kvm_lapic_timer_wait(struct kvm_vcpu *vcpu);

#endif /* MONOVISOR_CORE_IRQ_LAPIC_TIMER_H */
