// SPDX-License-Identifier: GPL-2.0-only
/*
 * The timer of a local APIC against the host's clock (core/irq/lapic_timer.c).
 * No test depends on how fast the machine is: what must happen is waited for,
 * what must not is told by state.
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <asm/msr-index.h>
#include <asm/tsc.h>

#include "core/cpuid.h"
#include "core/event.h"
#include "core/fastpath.h"
#include "core/irq/irqchip.h"
#include "core/irq/lapic.h"
#include "core/msr_filter.h"
#include "core/regs.h"
#include "core/request.h"
#include "core/tsc.h"
#include "core/vm.h"
#include "tests/fake/fake.h"

#define VECTOR		0xec
/* Far beyond anything that is no bug. */
#define PATIENCE	(30 * HZ)
#define AN_HOUR		(3600ULL * 1000 * tsc_khz)

static int init_with_lapic(struct kunit *test)
{
	struct kvm *kvm = fake_vm_create(test);
	struct kvm_vcpu *vcpu;

	kvm->irqchip_mode = KVM_IRQCHIP_SPLIT;
	vcpu = fake_vcpu_create(test, kvm);
	vcpu->cpuid_caps |= BIT(GUEST_CAP_TSC_DEADLINE);
	kvm_lapic_write_reg(vcpu, APIC_SPIV, APIC_SPIV_APIC_ENABLED);
	kvm_lapic_write_reg(vcpu, APIC_TDCR, APIC_TDR_DIV_1);
	vcpu->requests = 0;
	memset(&vcpu->stat, 0, sizeof(vcpu->stat));
	test->priv = vcpu;
	return 0;
}

static bool pending(struct kvm_vcpu *vcpu)
{
	return lapic_test_vector(vcpu->lapic, APIC_IRR, VECTOR);
}

static bool comes(struct kvm_vcpu *vcpu)
{
	unsigned long end = jiffies + PATIENCE;

	while (!pending(vcpu) && time_before(jiffies, end))
		usleep_range(100, 200);
	return pending(vcpu);
}

static void forget(struct kvm_vcpu *vcpu)
{
	clear_bit(VECTOR % 32, lapic_vector_word(vcpu->lapic->regs + APIC_IRR, VECTOR));
}

static u64 now(struct kvm_vcpu *vcpu)
{
	return kvm_read_l1_tsc(vcpu, rdtsc());
}

static bool armed(struct kvm_vcpu *vcpu)
{
	return hrtimer_active(&vcpu->lapic->timer.hrtimer);
}

static void deadline_mode(struct kvm_vcpu *vcpu)
{
	kvm_lapic_write_reg(vcpu, APIC_LVTT, APIC_LVT_TIMER_TSCDEADLINE | VECTOR);
}

static void divisors(struct kunit *test)
{
	static const u32 by_code[] = { 2, 4, 8, 16, 32, 64, 128, 1 };
	u32 code;

	for (code = 0; code < 8; code++)
		KUNIT_EXPECT_EQ(test, lapic_timer_divisor((code & 3) | (code & 4) << 1),
				by_code[code]);
}

static void deadline_in_the_past(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	deadline_mode(vcpu);
	kvm_lapic_timer_set_deadline(vcpu, 1);
	KUNIT_EXPECT_TRUE(test, pending(vcpu));
	KUNIT_EXPECT_FALSE(test, armed(vcpu));
	KUNIT_EXPECT_EQ(test, kvm_lapic_timer_get_deadline(vcpu), 0ULL);
	/* The own thread was here: it asks itself. */
	KUNIT_EXPECT_EQ(test, vcpu->stat.event_raise[EVENT_IRQ_LINE], 1ULL);
	KUNIT_EXPECT_FALSE(test, kvm_test_request(KVM_REQ_IRQ, vcpu));
}

static void deadline_comes(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	u64 deadline = now(vcpu) + 20 * tsc_khz;

	deadline_mode(vcpu);
	kvm_lapic_timer_set_deadline(vcpu, deadline);
	KUNIT_ASSERT_TRUE(test, comes(vcpu));
	KUNIT_EXPECT_EQ(test, kvm_lapic_timer_get_deadline(vcpu), 0ULL);
	KUNIT_EXPECT_TRUE(test, kvm_test_request(KVM_REQ_IRQ, vcpu));
	/* However early it fired, the guest does not see it before its time. */
	local_irq_disable();
	kvm_lapic_timer_wait(vcpu);
	local_irq_enable();
	KUNIT_EXPECT_GE(test, now(vcpu), deadline);
	KUNIT_EXPECT_EQ(test, vcpu->lapic->timer.expired_deadline, 0ULL);
}

/*
 * A guest may set its TSC so that it passes zero while the host waits, interrupts
 * off. A wait for a TSC above the last one seen would last for centuries: this case
 * does not end then.
 */
static void wait_past_zero(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	struct kvm_lapic_timer *t = &vcpu->lapic->timer;
	u64 longest = 5 * tsc_khz / 1000;
	u64 before;

	for (before = 0; before < 2 * longest; before += 1 + longest / 512) {
		local_irq_disable();
		t->expired_deadline = U64_MAX;
		vcpu->tsc_offset = -longest - before - rdtsc();
		kvm_lapic_timer_wait(vcpu);
		local_irq_enable();
		KUNIT_EXPECT_EQ(test, t->expired_deadline, 0ULL);
	}
}

/* A later deadline leaves the hrtimer alone; it goes on to it when it fires. */
static void deadline_moved_back(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	struct kvm_lapic_timer *t = &vcpu->lapic->timer;
	u64 first = now(vcpu) + AN_HOUR;
	ktime_t expires;

	deadline_mode(vcpu);
	kvm_lapic_timer_set_deadline(vcpu, first);
	expires = hrtimer_get_expires(&t->hrtimer);
	kvm_lapic_timer_set_deadline(vcpu, first + AN_HOUR);
	KUNIT_EXPECT_EQ(test, hrtimer_get_expires(&t->hrtimer), expires);
	KUNIT_EXPECT_EQ(test, t->armed_for, first);
	KUNIT_EXPECT_EQ(test, kvm_lapic_timer_get_deadline(vcpu), first + AN_HOUR);
	/* An earlier one does not wait for that. */
	kvm_lapic_timer_set_deadline(vcpu, first - AN_HOUR / 2);
	KUNIT_EXPECT_LT(test, hrtimer_get_expires(&t->hrtimer), expires);
	KUNIT_EXPECT_EQ(test, t->armed_for, first - AN_HOUR / 2);
}

static void deadline_goes_on(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	struct kvm_lapic_timer *t = &vcpu->lapic->timer;
	u64 second = now(vcpu) + AN_HOUR;
	unsigned long end = jiffies + PATIENCE;

	deadline_mode(vcpu);
	kvm_lapic_timer_set_deadline(vcpu, now(vcpu) + 20 * tsc_khz);
	kvm_lapic_timer_set_deadline(vcpu, second);
	while (READ_ONCE(t->armed_for) != second && time_before(jiffies, end))
		usleep_range(100, 200);
	KUNIT_EXPECT_EQ(test, t->armed_for, second);
	KUNIT_EXPECT_FALSE(test, pending(vcpu));
	KUNIT_EXPECT_TRUE(test, armed(vcpu));
}

/* The callback waited for the lock while the vCPU armed the timer: it finds it queued. */
static void deadline_armed_anew(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	struct kvm_lapic_timer *t = &vcpu->lapic->timer;
	enum hrtimer_restart restart;
	ktime_t expires;

	deadline_mode(vcpu);
	kvm_lapic_timer_set_deadline(vcpu, now(vcpu) + AN_HOUR);
	expires = hrtimer_get_expires(&t->hrtimer);
	local_irq_disable();
	restart = t->hrtimer.function(&t->hrtimer);
	local_irq_enable();
	KUNIT_EXPECT_EQ(test, restart, HRTIMER_NORESTART);
	KUNIT_EXPECT_EQ(test, hrtimer_get_expires(&t->hrtimer), expires);
	KUNIT_EXPECT_TRUE(test, armed(vcpu));
	KUNIT_EXPECT_FALSE(test, pending(vcpu));
}

static void deadline_disarmed(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	struct kvm_lapic_timer *t = &vcpu->lapic->timer;
	unsigned long end = jiffies + PATIENCE;

	deadline_mode(vcpu);
	kvm_lapic_timer_set_deadline(vcpu, now(vcpu) + 20 * tsc_khz);
	kvm_lapic_timer_set_deadline(vcpu, 0);
	while (armed(vcpu) && time_before(jiffies, end))
		usleep_range(100, 200);
	KUNIT_EXPECT_EQ(test, t->armed_for, U64_MAX);
	KUNIT_EXPECT_FALSE(test, pending(vcpu));
	/* And it can be used again. */
	kvm_lapic_timer_set_deadline(vcpu, now(vcpu) + tsc_khz);
	KUNIT_EXPECT_TRUE(test, comes(vcpu));
}

/* The farthest deadline there is neither overflows nor fires. */
static void deadline_at_the_end_of_time(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	deadline_mode(vcpu);
	kvm_lapic_timer_set_deadline(vcpu, U64_MAX);
	KUNIT_EXPECT_TRUE(test, armed(vcpu));
	KUNIT_EXPECT_GT(test, hrtimer_get_remaining(&vcpu->lapic->timer.hrtimer),
			ktime_set(29 * 24 * 3600, 0));
	KUNIT_EXPECT_FALSE(test, pending(vcpu));
}

/* The guest moves its TSC to the deadline. */
static void deadline_and_tsc_write(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	u64 deadline = now(vcpu) + AN_HOUR;

	deadline_mode(vcpu);
	kvm_lapic_timer_set_deadline(vcpu, deadline);
	kvm_write_tsc(vcpu, deadline, false);
	KUNIT_EXPECT_TRUE(test, pending(vcpu));
	/* The same when the vCPU is loaded in its sleep, which an evaluation does not end. */
	KUNIT_EXPECT_TRUE(test, kvm_test_request(KVM_REQ_IRQ, vcpu));
}

static void deadline_masked(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	kvm_lapic_write_reg(vcpu, APIC_LVTT,
			    APIC_LVT_TIMER_TSCDEADLINE | APIC_LVT_MASKED | VECTOR);
	kvm_lapic_timer_set_deadline(vcpu, 1);
	KUNIT_EXPECT_FALSE(test, pending(vcpu));
	KUNIT_EXPECT_EQ(test, kvm_lapic_timer_get_deadline(vcpu), 0ULL);
}

/* Each mode ignores the other's register, and a change of mode stops both. */
static void modes_are_apart(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	u32 val;

	kvm_lapic_write_reg(vcpu, APIC_LVTT, VECTOR);
	kvm_lapic_timer_set_deadline(vcpu, 1);
	KUNIT_EXPECT_FALSE(test, pending(vcpu));
	kvm_lapic_write_reg(vcpu, APIC_TMICT, ~0U);
	KUNIT_EXPECT_TRUE(test, armed(vcpu));
	deadline_mode(vcpu);
	KUNIT_EXPECT_FALSE(test, armed(vcpu));
	kvm_lapic_write_reg(vcpu, APIC_TMICT, 1000);
	KUNIT_EXPECT_FALSE(test, armed(vcpu));
	KUNIT_EXPECT_TRUE(test, kvm_lapic_read_reg(vcpu, APIC_TMICT, &val));
	KUNIT_EXPECT_EQ(test, val, 0U);
	kvm_lapic_timer_set_deadline(vcpu, now(vcpu) + AN_HOUR);
	kvm_lapic_write_reg(vcpu, APIC_LVTT, VECTOR);
	KUNIT_EXPECT_FALSE(test, armed(vcpu));
	KUNIT_EXPECT_EQ(test, kvm_lapic_timer_get_deadline(vcpu), 0ULL);
}

/* Without the feature its bit is reserved. */
static void deadline_needs_cpuid(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	u32 val;

	vcpu->cpuid_caps = 0;
	deadline_mode(vcpu);
	KUNIT_EXPECT_TRUE(test, kvm_lapic_read_reg(vcpu, APIC_LVTT, &val));
	KUNIT_EXPECT_EQ(test, val, (u32)VECTOR);
	kvm_lapic_timer_set_deadline(vcpu, 1);
	KUNIT_EXPECT_FALSE(test, pending(vcpu));
}

static void one_shot(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	kvm_lapic_write_reg(vcpu, APIC_LVTT, VECTOR);
	kvm_lapic_write_reg(vcpu, APIC_TMICT, NSEC_PER_MSEC);
	KUNIT_ASSERT_TRUE(test, comes(vcpu));
	forget(vcpu);
	KUNIT_EXPECT_EQ(test, kvm_lapic_timer_remaining(vcpu), 0U);
	KUNIT_EXPECT_EQ(test, vcpu->lapic->timer.period_ns, 0ULL);
}

static void periodic(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	int i;

	kvm_lapic_write_reg(vcpu, APIC_LVTT, APIC_LVT_TIMER_PERIODIC | VECTOR);
	kvm_lapic_write_reg(vcpu, APIC_TMICT, NSEC_PER_MSEC);
	for (i = 0; i < 5; i++) {
		KUNIT_ASSERT_TRUE(test, comes(vcpu));
		forget(vcpu);
	}
	kvm_lapic_write_reg(vcpu, APIC_TMICT, 0);
	KUNIT_EXPECT_FALSE(test, armed(vcpu));
}

/* No faster than the host can bear. */
static void periodic_is_bounded(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	kvm_lapic_write_reg(vcpu, APIC_LVTT, APIC_LVT_TIMER_PERIODIC | VECTOR);
	kvm_lapic_write_reg(vcpu, APIC_TMICT, 1);
	KUNIT_EXPECT_GE(test, vcpu->lapic->timer.period_ns, 200 * NSEC_PER_USEC);
}

static void current_count(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	u32 count, before;

	kvm_lapic_write_reg(vcpu, APIC_TDCR, APIC_TDR_DIV_128);
	kvm_lapic_write_reg(vcpu, APIC_LVTT, VECTOR);
	kvm_lapic_write_reg(vcpu, APIC_TMICT, ~0U);
	KUNIT_EXPECT_TRUE(test, kvm_lapic_read_reg(vcpu, APIC_TMCCT, &before));
	KUNIT_EXPECT_GT(test, before, ~0U / 2);
	usleep_range(100, 200);
	KUNIT_EXPECT_TRUE(test, kvm_lapic_read_reg(vcpu, APIC_TMCCT, &count));
	KUNIT_EXPECT_LT(test, count, before);
	/* The count stays when the divisor changes. */
	kvm_lapic_write_reg(vcpu, APIC_TDCR, APIC_TDR_DIV_64);
	KUNIT_EXPECT_TRUE(test, kvm_lapic_read_reg(vcpu, APIC_TMCCT, &before));
	KUNIT_EXPECT_LE(test, before, count);
	KUNIT_EXPECT_GT(test, before, ~0U / 2);
	KUNIT_EXPECT_LE(test, hrtimer_get_remaining(&vcpu->lapic->timer.hrtimer),
			(s64)count * 64);
}

static void bus_frequency(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	vcpu->kvm->apic_bus_cycle_ns = 40;
	kvm_lapic_write_reg(vcpu, APIC_LVTT, VECTOR);
	kvm_lapic_write_reg(vcpu, APIC_TMICT, 1000000000);
	KUNIT_EXPECT_EQ(test, vcpu->lapic->timer.period_ns, 40ULL * 1000000000);
}

static void survives_save_and_restore(struct kunit *test)
{
	struct kvm_lapic_state *state = kunit_kzalloc(test, sizeof(*state), GFP_KERNEL);
	struct kvm_vcpu *vcpu = test->priv;
	u32 count, *saved;

	KUNIT_ASSERT_NOT_NULL(test, state);
	saved = (u32 *)(state->regs + APIC_TMCCT);
	kvm_lapic_write_reg(vcpu, APIC_TDCR, APIC_TDR_DIV_128);
	kvm_lapic_write_reg(vcpu, APIC_LVTT, APIC_LVT_TIMER_PERIODIC | VECTOR);
	kvm_lapic_write_reg(vcpu, APIC_TMICT, ~0U);
	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_get_lapic(vcpu, state), 0);
	KUNIT_EXPECT_GT(test, *saved, ~0U / 2);
	*saved /= 4;
	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_set_lapic(vcpu, state), 0);
	count = kvm_lapic_timer_remaining(vcpu);
	KUNIT_EXPECT_LE(test, count, *saved);
	KUNIT_EXPECT_GT(test, count, *saved / 2);
	KUNIT_EXPECT_TRUE(test, armed(vcpu));
	KUNIT_EXPECT_EQ(test, vcpu->lapic->timer.period_ns, 128ULL * ~0U);
}

static void reset_stops_it(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	deadline_mode(vcpu);
	kvm_lapic_timer_set_deadline(vcpu, now(vcpu) + AN_HOUR);
	kvm_lapic_reset(vcpu, true);
	KUNIT_EXPECT_FALSE(test, armed(vcpu));
	KUNIT_EXPECT_EQ(test, vcpu->lapic->timer.mode, (u32)APIC_LVT_TIMER_ONESHOT);
}

/* The fastpath arms the timer in its deadline mode; a filter it cannot read: the long way does. */
static void deadline_by_fastpath(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	struct kvm_msr_filter *filter = kunit_kzalloc(test, sizeof(*filter), GFP_KERNEL);
	u64 deadline = now(vcpu) + AN_HOUR;

	KUNIT_ASSERT_NOT_NULL(test, filter);
	filter->ranges[0] = (struct kvm_msr_filter_range){
		.flags = KVM_MSR_FILTER_READ,
		.base = MSR_IA32_CR_PAT,
		.nmsrs = 1,
		.bitmap = (u8 *)fake_user_memory(test, PAGE_SIZE),
	};
	to_fake(vcpu)->step.insn_len = 2;
	vcpu->regs[VCPU_REGS_RCX] = MSR_IA32_TSC_DEADLINE;
	vcpu->regs[VCPU_REGS_RAX] = lower_32_bits(deadline);
	vcpu->regs[VCPU_REGS_RDX] = upper_32_bits(deadline);

	KUNIT_EXPECT_EQ(test, fast_wrmsr(vcpu), RUN_REENTER);
	deadline_mode(vcpu);
	KUNIT_EXPECT_EQ(test, fast_wrmsr(vcpu), RUN_REENTER_FAST);
	KUNIT_EXPECT_EQ(test, kvm_lapic_timer_get_deadline(vcpu), deadline);
	KUNIT_EXPECT_TRUE(test, armed(vcpu));

	kvm_lapic_timer_set_deadline(vcpu, 0);
	KUNIT_ASSERT_EQ(test, kvm_vm_ioctl_set_msr_filter(vcpu->kvm, filter), 0);
	KUNIT_EXPECT_EQ(test, fast_wrmsr(vcpu), RUN_REENTER);
	KUNIT_EXPECT_EQ(test, kvm_lapic_timer_get_deadline(vcpu), 0ULL);
}

static struct kunit_case lapic_timer_test_cases[] = {
	KUNIT_CASE(divisors),
	KUNIT_CASE(deadline_in_the_past),
	KUNIT_CASE(deadline_comes),
	KUNIT_CASE(wait_past_zero),
	KUNIT_CASE(deadline_moved_back),
	KUNIT_CASE(deadline_goes_on),
	KUNIT_CASE(deadline_armed_anew),
	KUNIT_CASE(deadline_disarmed),
	KUNIT_CASE(deadline_at_the_end_of_time),
	KUNIT_CASE(deadline_and_tsc_write),
	KUNIT_CASE(deadline_masked),
	KUNIT_CASE(modes_are_apart),
	KUNIT_CASE(deadline_needs_cpuid),
	KUNIT_CASE(deadline_by_fastpath),
	KUNIT_CASE(one_shot),
	KUNIT_CASE(periodic),
	KUNIT_CASE(periodic_is_bounded),
	KUNIT_CASE(current_count),
	KUNIT_CASE(bus_frequency),
	KUNIT_CASE(survives_save_and_restore),
	KUNIT_CASE(reset_stops_it),
	{}
};

static struct kunit_suite lapic_timer_test_suite = {
	.name = "lapic_timer",
	.init = init_with_lapic,
	.test_cases = lapic_timer_test_cases,
};

kunit_test_suites(&lapic_timer_test_suite);
