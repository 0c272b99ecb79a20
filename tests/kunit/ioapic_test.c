// SPDX-License-Identifier: GPL-2.0-only
/*
 * The I/O APIC (core/irq/ioapic.c): what a write does to an entry, when a
 * message goes out, Remote IRR, coalesced clock ticks, storms, and state.
 */
#include "tests/kunit/irq_world.h"

#define PIN	9
#define VECTOR	0x51

static int set_pin(struct kvm *kvm, unsigned int pin, bool level)
{
	return kvm_ioapic_set_irq(kvm->ioapic, pin, KVM_IRQ_SOURCE_USERSPACE, level, true);
}

static void ioapic_rte_write(struct kunit *test)
{
	u64 rte = RTE_LEVEL | RTE_REMOTE_IRR | RTE_DELIVERY_STATUS;

	/* The read-only fields stay what they are. */
	KUNIT_EXPECT_EQ(test, rte_write(rte, false, RTE_LEVEL | 0x31), rte | 0x31);
	KUNIT_EXPECT_EQ(test, rte_write(0, false, RTE_LEVEL | RTE_REMOTE_IRR | 0x31),
			RTE_LEVEL | 0x31);
	KUNIT_EXPECT_EQ(test, rte_write(rte, true, 0x05000000), rte | 5ULL << RTE_DEST_SHIFT);
	KUNIT_EXPECT_EQ(test, rte_write(5ULL << RTE_DEST_SHIFT | 0x31, false, 0x10041),
			5ULL << RTE_DEST_SHIFT | 0x10041);
	/* To edge and back is the EOI of those who have no other. */
	KUNIT_EXPECT_EQ(test, rte_write(rte, false, 0x31), RTE_DELIVERY_STATUS | 0x31);
}

static void ioapic_rte_open(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, rte_open(0));
	KUNIT_EXPECT_TRUE(test, rte_open(RTE_LEVEL));
	KUNIT_EXPECT_TRUE(test, rte_open(RTE_REMOTE_IRR));
	KUNIT_EXPECT_FALSE(test, rte_open(RTE_LEVEL | RTE_REMOTE_IRR));
	KUNIT_EXPECT_FALSE(test, rte_open(RTE_MASKED));
	KUNIT_EXPECT_FALSE(test, rte_open(RTE_MASKED | RTE_LEVEL));
}

static void ioapic_registers(struct kunit *test)
{
	struct irq_world *w = test->priv;
	u64 wide = ~0ULL;
	u16 half;

	KUNIT_EXPECT_EQ(test, ioapic_read(w->kvm, 1), 0x00170011);
	ioapic_write(w->kvm, 1, 0);
	KUNIT_EXPECT_EQ(test, ioapic_read(w->kvm, 1), 0x00170011);
	ioapic_write(w->kvm, 0, 0xffffffff);
	KUNIT_EXPECT_EQ(test, ioapic_read(w->kvm, 0), 0x0f000000);
	KUNIT_EXPECT_EQ(test, ioapic_read(w->kvm, 2), 0x0f000000);
	/* Beyond the last pin, and between the two groups. */
	KUNIT_EXPECT_EQ(test, ioapic_read(w->kvm, 0x10 + 48), 0xffffffff);
	KUNIT_EXPECT_EQ(test, ioapic_read(w->kvm, 3), 0xffffffff);
	ioapic_write(w->kvm, 0x10 + 48, 0);
	ioapic_write(w->kvm, 0xff, 0);
	KUNIT_EXPECT_EQ(test, ioapic_read(w->kvm, 0x10), 0x00010000);
	/* Widths. */
	ioapic_select(w->kvm, 1);
	KUNIT_EXPECT_TRUE(test, kvm_ioapic_read(w->kvm, 0x10, 8, &wide));
	KUNIT_EXPECT_EQ(test, wide, 0x00170011);
	KUNIT_EXPECT_TRUE(test, kvm_ioapic_read(w->kvm, 0x10, 2, &half));
	KUNIT_EXPECT_EQ(test, half, 0x0011);
}

static void ioapic_edge(struct kunit *test)
{
	struct irq_world *w = test->priv;

	KUNIT_EXPECT_EQ(test, set_pin(w->kvm, PIN, true), -1);
	KUNIT_EXPECT_EQ(test, set_pin(w->kvm, PIN, false), 1);
	ioapic_route(w->kvm, PIN, rte_to(1, VECTOR, false));
	KUNIT_EXPECT_EQ(test, set_pin(w->kvm, PIN, true), 1);
	KUNIT_EXPECT_TRUE(test, irr_test(w->vcpu[1], VECTOR));
	KUNIT_EXPECT_FALSE(test, irr_test(w->vcpu[0], VECTOR));
	KUNIT_EXPECT_FALSE(test, lapic_test_vector(w->vcpu[1]->lapic, APIC_TMR, VECTOR));
	/* Still high is no new edge. */
	KUNIT_EXPECT_EQ(test, set_pin(w->kvm, PIN, true), 0);
	KUNIT_EXPECT_EQ(test, irq_take(w->vcpu[1]), VECTOR);
	KUNIT_EXPECT_EQ(test, set_pin(w->kvm, PIN, false), 1);
	KUNIT_EXPECT_EQ(test, set_pin(w->kvm, PIN, true), 1);
	KUNIT_EXPECT_TRUE(test, irr_test(w->vcpu[1], VECTOR));
}

static void ioapic_level(struct kunit *test)
{
	struct irq_world *w = test->priv;

	ioapic_route(w->kvm, PIN, rte_to(0, VECTOR, true));
	kvm_scan_ioapic(w->vcpu[0]);
	KUNIT_EXPECT_EQ(test, set_pin(w->kvm, PIN, true), 1);
	KUNIT_EXPECT_TRUE(test, w->kvm->ioapic->rte[PIN] & RTE_REMOTE_IRR);
	KUNIT_EXPECT_TRUE(test, lapic_test_vector(w->vcpu[0]->lapic, APIC_TMR, VECTOR));
	KUNIT_EXPECT_EQ(test, set_pin(w->kvm, PIN, true), -1);
	KUNIT_EXPECT_EQ(test, irq_take(w->vcpu[0]), VECTOR);
	/* Up at the EOI: once more. */
	kvm_lapic_eoi(w->vcpu[0]);
	KUNIT_EXPECT_EQ(test, irq_take(w->vcpu[0]), VECTOR);
	KUNIT_EXPECT_TRUE(test, w->kvm->ioapic->rte[PIN] & RTE_REMOTE_IRR);
	set_pin(w->kvm, PIN, false);
	kvm_lapic_eoi(w->vcpu[0]);
	KUNIT_EXPECT_EQ(test, irq_take(w->vcpu[0]), -1);
	KUNIT_EXPECT_FALSE(test, w->kvm->ioapic->rte[PIN] & RTE_REMOTE_IRR);
}

/* A request behind the mask goes out when the guest opens the pin. */
static void ioapic_unmask(struct kunit *test)
{
	struct irq_world *w = test->priv;

	ioapic_route(w->kvm, PIN, rte_to(0, VECTOR, true) | RTE_MASKED);
	KUNIT_EXPECT_EQ(test, set_pin(w->kvm, PIN, true), -1);
	KUNIT_EXPECT_EQ(test, irq_take(w->vcpu[0]), -1);
	ioapic_route(w->kvm, PIN, rte_to(0, VECTOR, true));
	KUNIT_EXPECT_EQ(test, irq_take(w->vcpu[0]), VECTOR);
}

/* Nobody there: Remote IRR stays clear, or no EOI would ever clear it. */
static void ioapic_no_destination(struct kunit *test)
{
	struct irq_world *w = test->priv;

	ioapic_route(w->kvm, PIN, rte_to(7, VECTOR, true));
	KUNIT_EXPECT_EQ(test, set_pin(w->kvm, PIN, true), -1);
	KUNIT_EXPECT_FALSE(test, w->kvm->ioapic->rte[PIN] & RTE_REMOTE_IRR);
	ioapic_route(w->kvm, PIN, rte_to(1, VECTOR, true));
	KUNIT_EXPECT_EQ(test, irq_take(w->vcpu[1]), VECTOR);
}

static void ioapic_storm(struct kunit *test)
{
	struct irq_world *w = test->priv;
	unsigned int i;

	ioapic_route(w->kvm, PIN, rte_to(0, VECTOR, true));
	kvm_scan_ioapic(w->vcpu[0]);
	set_pin(w->kvm, PIN, true);
	for (i = 0; i < IOAPIC_STORM_COUNT - 1; i++) {
		KUNIT_ASSERT_EQ(test, irq_take(w->vcpu[0]), VECTOR);
		kvm_lapic_eoi(w->vcpu[0]);
	}
	KUNIT_EXPECT_EQ(test, irq_take(w->vcpu[0]), VECTOR);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&w->kvm->ioapic->storm_over));
	kvm_lapic_eoi(w->vcpu[0]);
	/* This one waits, and comes. */
	KUNIT_EXPECT_FALSE(test, w->kvm->ioapic->rte[PIN] & RTE_REMOTE_IRR);
	flush_delayed_work(&w->kvm->ioapic->storm_over);
	KUNIT_EXPECT_EQ(test, irq_take(w->vcpu[0]), VECTOR);
	KUNIT_EXPECT_EQ(test, w->kvm->ioapic->storm[PIN], 0);
	/* A line that falls ends the count. */
	kvm_lapic_eoi(w->vcpu[0]);
	KUNIT_EXPECT_EQ(test, w->kvm->ioapic->storm[PIN], 1);
	set_pin(w->kvm, PIN, false);
	irq_take(w->vcpu[0]);
	kvm_lapic_eoi(w->vcpu[0]);
	KUNIT_EXPECT_EQ(test, w->kvm->ioapic->storm[PIN], 0);
}

/* Userspace hears of clock ticks that came before the last one's EOI. */
static void ioapic_rtc(struct kunit *test)
{
	struct irq_world *w = test->priv;

	ioapic_route(w->kvm, IOAPIC_RTC_PIN, rte_to(0, VECTOR, false));
	kvm_scan_ioapic(w->vcpu[0]);
	KUNIT_EXPECT_TRUE(test, test_bit(VECTOR, w->vcpu[0]->lapic->ioapic_handled_vectors));
	KUNIT_EXPECT_EQ(test, set_pin(w->kvm, IOAPIC_RTC_PIN, true), 1);
	set_pin(w->kvm, IOAPIC_RTC_PIN, false);
	KUNIT_EXPECT_EQ(test, set_pin(w->kvm, IOAPIC_RTC_PIN, true), 0);
	set_pin(w->kvm, IOAPIC_RTC_PIN, false);
	KUNIT_EXPECT_EQ(test, irq_take(w->vcpu[0]), VECTOR);
	KUNIT_EXPECT_EQ(test, set_pin(w->kvm, IOAPIC_RTC_PIN, true), 0);
	set_pin(w->kvm, IOAPIC_RTC_PIN, false);
	kvm_lapic_eoi(w->vcpu[0]);
	KUNIT_EXPECT_EQ(test, w->vcpu[0]->stat.eoi_needed, 1);
	KUNIT_EXPECT_EQ(test, set_pin(w->kvm, IOAPIC_RTC_PIN, true), 1);
	/* A reset of the APIC forgets the tick. */
	set_pin(w->kvm, IOAPIC_RTC_PIN, false);
	lapic_set_reg(w->vcpu[0]->lapic, APIC_IRR + (VECTOR / 32) * 0x10, 0);
	kvm_ioapic_restore_rtc(w->kvm->ioapic, w->vcpu[0]);
	KUNIT_EXPECT_EQ(test, set_pin(w->kvm, IOAPIC_RTC_PIN, true), 1);
}

static void ioapic_state(struct kunit *test)
{
	struct irq_world *w = test->priv;
	struct kvm_ioapic_state saved, again;

	ioapic_route(w->kvm, 3, rte_to(0, 0x61, false));
	ioapic_route(w->kvm, PIN, rte_to(0, VECTOR, true) | RTE_MASKED);
	set_pin(w->kvm, 3, true);
	set_pin(w->kvm, PIN, true);
	kvm_ioapic_get_state(w->kvm->ioapic, &saved);
	/* The edge has gone out, the level has not. */
	KUNIT_EXPECT_EQ(test, saved.irr, BIT(PIN));
	KUNIT_EXPECT_EQ(test, saved.base_address, 0xfec00000);
	KUNIT_EXPECT_EQ(test, irq_take(w->vcpu[0]), 0x61);
	kvm_ioapic_set_state(w->kvm->ioapic, &saved);
	KUNIT_EXPECT_EQ(test, irq_take(w->vcpu[0]), -1);
	kvm_ioapic_get_state(w->kvm->ioapic, &again);
	KUNIT_EXPECT_MEMEQ(test, &saved, &again, sizeof(saved));
	/* What was open and pending where it comes from is pending here. */
	saved.redirtbl[PIN].bits &= ~RTE_MASKED;
	kvm_ioapic_set_state(w->kvm->ioapic, &saved);
	kvm_lapic_eoi(w->vcpu[0]);
	KUNIT_EXPECT_EQ(test, irq_take(w->vcpu[0]), VECTOR);
	/* Any value of it is survived. */
	memset(&saved, 0xff, sizeof(saved));
	kvm_ioapic_set_state(w->kvm->ioapic, &saved);
	KUNIT_EXPECT_FALSE(test, kvm_ioapic_read(w->kvm, 0x10, 4, &again));
}

static int ioapic_init(struct kunit *test)
{
	test->priv = irq_world_create(test, false);
	return 0;
}

static struct kunit_case ioapic_test_cases[] = {
	KUNIT_CASE(ioapic_rte_write),
	KUNIT_CASE(ioapic_rte_open),
	KUNIT_CASE(ioapic_registers),
	KUNIT_CASE(ioapic_edge),
	KUNIT_CASE(ioapic_level),
	KUNIT_CASE(ioapic_unmask),
	KUNIT_CASE(ioapic_no_destination),
	KUNIT_CASE(ioapic_storm),
	KUNIT_CASE(ioapic_rtc),
	KUNIT_CASE(ioapic_state),
	{}
};

static struct kunit_suite ioapic_test_suite = {
	.name = "ioapic",
	.init = ioapic_init,
	.test_cases = ioapic_test_cases,
};

kunit_test_suites(&ioapic_test_suite);
