// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC's timer on a pinned high-resolution timer of the host. The
 * TSC-deadline mode, which guests write most, is lazy: an hrtimer that fires
 * too early finds out and goes on, so a later deadline costs a store.
 *
 * Source: Intel SDM volume 3, "APIC Timer", "TSC-Deadline Mode".
 */
#include <linux/hrtimer.h>
#include <linux/math64.h>
#include <linux/moduleparam.h>
#include <asm/tsc.h>

#include "core/irq/lapic.h"
#include "core/irq/lapic_timer.h"
#include "core/tsc.h"
#include "core/vm.h"

/* A guest that asks for ticks faster than this would have the host do nothing else. */
#define MIN_PERIOD_NS		(200 * NSEC_PER_USEC)

/* How early a deadline's hrtimer fires, to make up for the way to the guest. */
#define ADVANCE_START_NS	1000
#define ADVANCE_MAX_NS		5000
/* Misses beyond this are the scheduler's doing and teach nothing. */
#define ADVANCE_LEARN_NS	10000
#define ADVANCE_STEP		8

/* 30 days: what is further away is waited for in several steps. */
#define MAX_SECONDS		(30ULL * 24 * 3600)

#define NOT_ARMED		U64_MAX

static int lapic_timer_advance = -1;
module_param(lapic_timer_advance, int, 0444);
MODULE_PARM_DESC(lapic_timer_advance,
		 "nanoseconds a TSC deadline's timer is early; -1: find out (default)");

static struct kvm_vcpu *timer_vcpu(struct kvm_lapic_timer *t)
{
	return container_of(t, struct kvm_lapic, timer)->vcpu;
}

/* Divide configuration: 2, 4, ... 128, 1. */
u32 lapic_timer_divisor(u32 tdcr)
{
	u32 code = (tdcr & 3) | (tdcr >> 1 & 4);

	return 1U << ((code + 1) & 7);
}

/* The guest chooses @cycles, and the division must not overflow: not beyond MAX_SECONDS. */
static u64 cycles_to_ns(const struct kvm_vcpu *vcpu, u64 cycles)
{
	u64 max = MSEC_PER_SEC * MAX_SECONDS * vcpu->virtual_tsc_khz;

	return mul_u64_u64_div_u64(min(cycles, max), NSEC_PER_MSEC, vcpu->virtual_tsc_khz);
}

static u64 ns_to_cycles(const struct kvm_vcpu *vcpu, u64 ns)
{
	return mul_u64_u32_div(ns, vcpu->virtual_tsc_khz, NSEC_PER_MSEC);
}

static u64 guest_tsc(struct kvm_vcpu *vcpu)
{
	return kvm_read_l1_tsc(vcpu, rdtsc());
}

static u64 count_to_ns(struct kvm_vcpu *vcpu, u32 count)
{
	return (u64)count * lapic_timer_divisor(lapic_reg(vcpu->lapic, APIC_TDCR)) *
	       vcpu->kvm->apic_bus_cycle_ns;
}

static ktime_t deadline_ktime(struct kvm_vcpu *vcpu, u64 cycles)
{
	u64 ns = cycles_to_ns(vcpu, cycles);

	ns -= min_t(u64, ns, vcpu->lapic->timer.advance_ns);
	/* At least one, so that a timer that comes too early makes progress. */
	return ktime_add_ns(ktime_get(), ns + 1);
}

static bool deadline_reached(struct kvm_vcpu *vcpu, u64 deadline, u64 now)
{
	return now + ns_to_cycles(vcpu, vcpu->lapic->timer.advance_ns) >= deadline;
}

/* t->lock is held. Return: the deadline was reached and is to be delivered. */
static bool deadline_expired(struct kvm_vcpu *vcpu, struct kvm_lapic_timer *t,
			     enum hrtimer_restart *restart)
{
	u64 deadline = t->deadline, now;

	/* The vCPU armed it anew while this waited for the lock: it is in the queue. */
	if (hrtimer_is_queued(&t->hrtimer))
		return false;
	t->armed_for = NOT_ARMED;
	if (!deadline)
		return false;
	now = guest_tsc(vcpu);
	if (deadline_reached(vcpu, deadline, now)) {
		t->deadline = 0;
		WRITE_ONCE(t->expired_deadline, deadline);
		return true;
	}
	/* It was moved while the timer ran: go on to where it is now. */
	t->armed_for = min(deadline, NOT_ARMED - 1);
	hrtimer_set_expires(&t->hrtimer, deadline_ktime(vcpu, deadline - now));
	*restart = HRTIMER_RESTART;
	return false;
}

/* t->lock is held. */
static bool count_expired(struct kvm_lapic_timer *t, enum hrtimer_restart *restart)
{
	if (!t->period_ns)
		return false;
	if (t->mode == APIC_LVT_TIMER_PERIODIC) {
		hrtimer_forward(&t->hrtimer, ktime_get(), ns_to_ktime(t->period_ns));
		t->target = hrtimer_get_expires(&t->hrtimer);
		*restart = HRTIMER_RESTART;
	} else {
		t->period_ns = 0;
	}
	return true;
}

/* Hard interrupt; the vCPU may be anywhere. */
static enum hrtimer_restart timer_fired(struct hrtimer *hrtimer)
{
	struct kvm_lapic_timer *t = container_of(hrtimer, struct kvm_lapic_timer, hrtimer);
	enum hrtimer_restart restart = HRTIMER_NORESTART;
	struct kvm_vcpu *vcpu = timer_vcpu(t);
	bool deliver;

	raw_spin_lock(&t->lock);
	if (t->mode == APIC_LVT_TIMER_TSCDEADLINE)
		deliver = deadline_expired(vcpu, t, &restart);
	else
		deliver = count_expired(t, &restart);
	raw_spin_unlock(&t->lock);
	if (deliver)
		kvm_lapic_local_deliver(vcpu, APIC_LVTT);
	return restart;
}

/*
 * The deadline is here already when it is written: no timer needed. The
 * thread is the vCPU's own.
 */
static void deliver_now(struct kvm_vcpu *vcpu)
{
	u32 lvtt = lapic_reg(vcpu->lapic, APIC_LVTT);

	if (!(lvtt & APIC_LVT_MASKED))
		kvm_lapic_self_irq(vcpu, lvtt & APIC_VECTOR_MASK);
}

/*
 * t->lock is held, so an expiry that runs now has read the old deadline and
 * armed_for says that no timer waits, or it will read the new one.
 * Return: the deadline has been reached.
 */
static bool arm_deadline(struct kvm_vcpu *vcpu, struct kvm_lapic_timer *t)
{
	u64 now;

	/* A timer that fires before then will find out and go on. */
	if (!t->deadline || (t->armed_for <= t->deadline && t->armed_for != NOT_ARMED))
		return false;
	now = guest_tsc(vcpu);
	if (deadline_reached(vcpu, t->deadline, now)) {
		if (now < t->deadline)
			WRITE_ONCE(t->expired_deadline, t->deadline);
		t->deadline = 0;
		return true;
	}
	t->armed_for = min(t->deadline, NOT_ARMED - 1);
	hrtimer_start(&t->hrtimer, deadline_ktime(vcpu, t->deadline - now),
		      HRTIMER_MODE_ABS_PINNED_HARD);
	return false;
}

void kvm_lapic_timer_set_deadline(struct kvm_vcpu *vcpu, u64 deadline)
{
	struct kvm_lapic_timer *t = &vcpu->lapic->timer;
	unsigned long flags;
	bool reached;

	if (t->mode != APIC_LVT_TIMER_TSCDEADLINE || !lapic_hw_enabled(vcpu))
		return;
	raw_spin_lock_irqsave(&t->lock, flags);
	t->deadline = deadline;
	reached = arm_deadline(vcpu, t);
	raw_spin_unlock_irqrestore(&t->lock, flags);
	if (reached)
		deliver_now(vcpu);
}

u64 kvm_lapic_timer_get_deadline(struct kvm_vcpu *vcpu)
{
	/* A u64 is read whole. */
	return READ_ONCE(vcpu->lapic->timer.deadline);
}

/*
 * The guest's TSC has been moved: what the hrtimer waits for is another time now. The
 * thread may be about to sleep in HLT (sched_in()), so tell it as the timer does.
 */
void kvm_lapic_timer_tsc_changed(struct kvm_vcpu *vcpu)
{
	struct kvm_lapic_timer *t = &vcpu->lapic->timer;
	unsigned long flags;
	bool reached;

	raw_spin_lock_irqsave(&t->lock, flags);
	t->armed_for = NOT_ARMED;
	reached = arm_deadline(vcpu, t);
	raw_spin_unlock_irqrestore(&t->lock, flags);
	if (reached)
		kvm_lapic_local_deliver(vcpu, APIC_LVTT);
}

/* The lock is taken last: an expiry that runs now takes it. */
static void stop(struct kvm_lapic_timer *t)
{
	unsigned long flags;

	hrtimer_cancel(&t->hrtimer);
	raw_spin_lock_irqsave(&t->lock, flags);
	t->deadline = 0;
	t->armed_for = NOT_ARMED;
	t->expired_deadline = 0;
	t->period_ns = 0;
	raw_spin_unlock_irqrestore(&t->lock, flags);
}

/* Context: may spin while an expiry runs; no locks held. */
void kvm_lapic_timer_cancel(struct kvm_vcpu *vcpu)
{
	stop(&vcpu->lapic->timer);
}

/**
 * kvm_lapic_timer_set_mode() - LVTT is written
 * @vcpu: the vCPU, its own thread
 * @mode: APIC_LVT_TIMER_*; both bits at once is reserved and taken as one-shot
 *
 * A count goes on when one-shot and periodic change; TSC-deadline has none.
 */
void kvm_lapic_timer_set_mode(struct kvm_vcpu *vcpu, u32 mode)
{
	struct kvm_lapic_timer *t = &vcpu->lapic->timer;
	bool deadline = mode == APIC_LVT_TIMER_TSCDEADLINE;
	unsigned long flags;

	if (t->mode == mode)
		return;
	if (deadline || t->mode == APIC_LVT_TIMER_TSCDEADLINE) {
		stop(t);
		lapic_set_reg(vcpu->lapic, APIC_TMICT, 0);
	}
	raw_spin_lock_irqsave(&t->lock, flags);
	t->mode = mode;
	raw_spin_unlock_irqrestore(&t->lock, flags);
}

static void start_count(struct kvm_vcpu *vcpu, u64 first_ns)
{
	struct kvm_lapic_timer *t = &vcpu->lapic->timer;
	u64 period = count_to_ns(vcpu, lapic_reg(vcpu->lapic, APIC_TMICT));
	unsigned long flags;

	period = clamp_t(u64, period,
			 t->mode == APIC_LVT_TIMER_PERIODIC ? MIN_PERIOD_NS : 1, KTIME_MAX);
	raw_spin_lock_irqsave(&t->lock, flags);
	t->period_ns = period;
	t->target = ktime_add_safe(ktime_get(), ns_to_ktime(min_t(u64, first_ns, KTIME_MAX)));
	hrtimer_start(&t->hrtimer, t->target, HRTIMER_MODE_ABS_PINNED_HARD);
	raw_spin_unlock_irqrestore(&t->lock, flags);
}

/**
 * kvm_lapic_timer_start() - the initial count is written, or state restored
 * @vcpu: the vCPU, its own thread
 * @count: from where to count down; the initial count is in its register
 */
void kvm_lapic_timer_start(struct kvm_vcpu *vcpu, u32 count)
{
	stop(&vcpu->lapic->timer);
	if (count)
		start_count(vcpu, count_to_ns(vcpu, count));
}

void kvm_lapic_timer_divisor_changed(struct kvm_vcpu *vcpu, u32 remaining)
{
	if (READ_ONCE(vcpu->lapic->timer.period_ns))
		kvm_lapic_timer_start(vcpu, remaining);
}

/* The current count. */
u32 kvm_lapic_timer_remaining(struct kvm_vcpu *vcpu)
{
	struct kvm_lapic_timer *t = &vcpu->lapic->timer;
	u64 per_count = count_to_ns(vcpu, 1);
	unsigned long flags;
	s64 ns = 0;

	raw_spin_lock_irqsave(&t->lock, flags);
	if (t->period_ns)
		ns = ktime_to_ns(ktime_sub(t->target, ktime_get()));
	raw_spin_unlock_irqrestore(&t->lock, flags);
	return ns > 0 ? min_t(u64, DIV64_U64_ROUND_UP(ns, per_count), U32_MAX) : 0;
}

/* The vCPU has come to another CPU: bring the timer along. Context: vCPU loaded. */
void kvm_lapic_timer_migrate(struct kvm_vcpu *vcpu)
{
	struct hrtimer *hrtimer = &vcpu->lapic->timer.hrtimer;

	if (hrtimer_cancel(hrtimer))
		hrtimer_start_expires(hrtimer, HRTIMER_MODE_ABS_PINNED_HARD);
}

/* Approach the time that entry takes: @early and @late are what was missed by, in ns. */
static void learn_advance(struct kvm_lapic_timer *t, u64 early, u64 late)
{
	if (lapic_timer_advance >= 0 || early > ADVANCE_LEARN_NS || late > ADVANCE_LEARN_NS)
		return;
	if (early)
		t->advance_ns -= min_t(u64, t->advance_ns, early / ADVANCE_STEP);
	else
		t->advance_ns += late / ADVANCE_STEP;
	if (t->advance_ns > ADVANCE_MAX_NS)
		t->advance_ns = ADVANCE_START_NS;
}

/**
 * kvm_lapic_timer_wait() - a deadline was delivered early: wait for it
 * @vcpu: the vCPU
 *
 * A guest must not see its interrupt before its time. The wait is bounded by
 * how early the timer is set.
 * Context: just before entry, irqs off.
 */
void kvm_lapic_timer_wait(struct kvm_vcpu *vcpu)
{
	struct kvm_lapic_timer *t = &vcpu->lapic->timer;
	u64 deadline = READ_ONCE(t->expired_deadline);
	u64 now = guest_tsc(vcpu), cycles;

	WRITE_ONCE(t->expired_deadline, 0);
	if (now >= deadline) {
		learn_advance(t, 0, cycles_to_ns(vcpu, now - deadline));
		return;
	}
	learn_advance(t, cycles_to_ns(vcpu, deadline - now), 0);
	/* The guest's TSC may have been set back since. */
	cycles = min(deadline - now, ns_to_cycles(vcpu, ADVANCE_MAX_NS));
	/* By distance: the guest can have its TSC pass zero while the host waits. */
	while (guest_tsc(vcpu) - now < cycles)
		cpu_relax();
}

void kvm_lapic_timer_init(struct kvm_vcpu *vcpu)
{
	struct kvm_lapic_timer *t = &vcpu->lapic->timer;

	raw_spin_lock_init(&t->lock);
	hrtimer_init(&t->hrtimer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_HARD);
	t->hrtimer.function = timer_fired;
	t->mode = APIC_LVT_TIMER_ONESHOT;
	t->armed_for = NOT_ARMED;
	t->advance_ns = lapic_timer_advance < 0 ? ADVANCE_START_NS :
			min(lapic_timer_advance, ADVANCE_MAX_NS);
}
