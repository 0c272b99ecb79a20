// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which EOIs must be seen by software (core/irq/scan.c): a case for each row of
 * the table there, the life of the stale marker, and the counters.
 */
#include "core/irq/ipi.h"
#include "core/irq/routing.h"
#include "tests/kunit/irq_world.h"

#define PIN	5
#define VECTOR	0x41
#define HIGHER	0x62

static bool handled(struct kvm_vcpu *vcpu, u8 vector)
{
	return test_bit(vector, vcpu->lapic->ioapic_handled_vectors);
}

static int stale(struct kvm_vcpu *vcpu)
{
	return vcpu->lapic->highest_stale_pending_ioapic_eoi;
}

static unsigned int nr_handled(struct kvm_vcpu *vcpu)
{
	return bitmap_weight(vcpu->lapic->ioapic_handled_vectors, LAPIC_NR_VECTORS);
}

/* As the run loop does it before an entry. Return: a scan was asked for. */
static bool serve_scan(struct kvm_vcpu *vcpu)
{
	bool asked = kvm_check_request(KVM_REQ_SCAN_IOAPIC, vcpu);

	if (asked)
		kvm_scan_ioapic(vcpu);
	return asked;
}

static void raise(struct kvm *kvm, unsigned int pin)
{
	kvm_ioapic_set_irq(kvm->ioapic, pin, KVM_IRQ_SOURCE_USERSPACE, true, false);
	kvm_ioapic_set_irq(kvm->ioapic, pin, KVM_IRQ_SOURCE_USERSPACE, false, false);
}

/* Rows 1 and 4: a level-triggered route concerns the vCPU it leads to, and no other. */
static void scan_route_here(struct kunit *test)
{
	struct irq_world *w = test->priv;

	serve_scan(w->vcpu[0]);
	KUNIT_EXPECT_EQ(test, nr_handled(w->vcpu[0]), 0);
	ioapic_route(w->kvm, PIN, rte_to(0, VECTOR, true));
	KUNIT_EXPECT_TRUE(test, serve_scan(w->vcpu[0]));
	KUNIT_EXPECT_TRUE(test, serve_scan(w->vcpu[1]));
	KUNIT_EXPECT_TRUE(test, handled(w->vcpu[0], VECTOR));
	KUNIT_EXPECT_EQ(test, nr_handled(w->vcpu[0]), 1);
	KUNIT_EXPECT_EQ(test, nr_handled(w->vcpu[1]), 0);
	KUNIT_EXPECT_EQ(test, stale(w->vcpu[0]), -1);
	/* An edge-triggered one concerns nobody. */
	ioapic_route(w->kvm, PIN, rte_to(0, VECTOR, false));
	serve_scan(w->vcpu[0]);
	KUNIT_EXPECT_EQ(test, nr_handled(w->vcpu[0]), 0);
}

/* Masking changes nothing about EOIs, so it costs no scan. */
static void scan_not_for_masks(struct kunit *test)
{
	struct irq_world *w = test->priv;

	ioapic_route(w->kvm, PIN, rte_to(0, VECTOR, true));
	serve_scan(w->vcpu[0]);
	ioapic_route(w->kvm, PIN, rte_to(0, VECTOR, true) | RTE_MASKED);
	KUNIT_EXPECT_FALSE(test, serve_scan(w->vcpu[0]));
	ioapic_route(w->kvm, PIN, rte_to(0, VECTOR, true));
	KUNIT_EXPECT_FALSE(test, serve_scan(w->vcpu[0]));
	KUNIT_EXPECT_TRUE(test, handled(w->vcpu[0], VECTOR));
}

/* Row 2: level-triggered, in service, rerouted: one more EOI, then none. */
static void scan_level_in_service(struct kunit *test)
{
	struct irq_world *w = test->priv;
	struct kvm_vcpu *vcpu = w->vcpu[0];

	ioapic_route(w->kvm, PIN, rte_to(0, VECTOR, true));
	serve_scan(vcpu);
	raise(w->kvm, PIN);
	KUNIT_ASSERT_EQ(test, irq_take(vcpu), VECTOR);
	ioapic_route(w->kvm, PIN, rte_to(1, VECTOR, true));
	serve_scan(vcpu);
	KUNIT_EXPECT_TRUE(test, handled(vcpu, VECTOR));
	KUNIT_EXPECT_EQ(test, stale(vcpu), VECTOR);
	KUNIT_EXPECT_TRUE(test, w->kvm->ioapic->rte[PIN] & RTE_REMOTE_IRR);

	kvm_lapic_eoi(vcpu);
	KUNIT_EXPECT_FALSE(test, w->kvm->ioapic->rte[PIN] & RTE_REMOTE_IRR);
	KUNIT_EXPECT_EQ(test, vcpu->stat.eoi_needed, 1);
	KUNIT_EXPECT_TRUE(test, serve_scan(vcpu));
	KUNIT_EXPECT_FALSE(test, handled(vcpu, VECTOR));
	KUNIT_EXPECT_EQ(test, stale(vcpu), -1);

	/* The number is used again, for something of this vCPU's own: no EOI is seen. */
	kvm_lapic_accept_irq(vcpu, APIC_DM_FIXED, VECTOR, true, false);
	KUNIT_ASSERT_EQ(test, irq_take(vcpu), VECTOR);
	kvm_lapic_eoi(vcpu);
	KUNIT_EXPECT_EQ(test, vcpu->stat.eoi_needed, 1);
	KUNIT_EXPECT_EQ(test, vcpu->stat.eoi_needless, 0);
	KUNIT_EXPECT_FALSE(test, serve_scan(vcpu));
}

/* Row 2 as well: pending and not yet taken. */
static void scan_level_pending(struct kunit *test)
{
	struct irq_world *w = test->priv;
	struct kvm_vcpu *vcpu = w->vcpu[0];

	ioapic_route(w->kvm, PIN, rte_to(0, VECTOR, true));
	serve_scan(vcpu);
	raise(w->kvm, PIN);
	ioapic_route(w->kvm, PIN, rte_to(1, VECTOR, true));
	serve_scan(vcpu);
	KUNIT_EXPECT_EQ(test, stale(vcpu), VECTOR);
	KUNIT_ASSERT_EQ(test, irq_take(vcpu), VECTOR);
	kvm_lapic_eoi(vcpu);
	KUNIT_EXPECT_TRUE(test, serve_scan(vcpu));
	KUNIT_EXPECT_FALSE(test, handled(vcpu, VECTOR));
}

/* Row 3: in service by chance, from an edge: the route of that number is not meant. */
static void scan_edge_in_service(struct kunit *test)
{
	struct irq_world *w = test->priv;
	struct kvm_vcpu *vcpu = w->vcpu[0];

	kvm_lapic_accept_irq(vcpu, APIC_DM_FIXED, VECTOR, true, false);
	KUNIT_ASSERT_EQ(test, irq_take(vcpu), VECTOR);
	ioapic_route(w->kvm, PIN, rte_to(1, VECTOR, true));
	serve_scan(vcpu);
	KUNIT_EXPECT_FALSE(test, handled(vcpu, VECTOR));
	KUNIT_EXPECT_EQ(test, stale(vcpu), -1);
	kvm_lapic_eoi(vcpu);
	KUNIT_EXPECT_FALSE(test, serve_scan(vcpu));
	KUNIT_EXPECT_EQ(test, vcpu->stat.eoi_needed + vcpu->stat.eoi_needless, 0);
}

/* Two at once: the marker is the higher, whose EOI comes first, and passes on. */
static void scan_two_in_service(struct kunit *test)
{
	struct irq_world *w = test->priv;
	struct kvm_vcpu *vcpu = w->vcpu[0];

	ioapic_route(w->kvm, PIN, rte_to(0, VECTOR, true));
	ioapic_route(w->kvm, PIN + 1, rte_to(0, HIGHER, true));
	serve_scan(vcpu);
	raise(w->kvm, PIN);
	KUNIT_ASSERT_EQ(test, irq_take(vcpu), VECTOR);
	raise(w->kvm, PIN + 1);
	KUNIT_ASSERT_EQ(test, irq_take(vcpu), HIGHER);
	ioapic_route(w->kvm, PIN, rte_to(1, VECTOR, true));
	ioapic_route(w->kvm, PIN + 1, rte_to(1, HIGHER, true));
	serve_scan(vcpu);
	KUNIT_EXPECT_EQ(test, nr_handled(vcpu), 2);
	KUNIT_EXPECT_EQ(test, stale(vcpu), HIGHER);

	kvm_lapic_eoi(vcpu);
	KUNIT_EXPECT_TRUE(test, serve_scan(vcpu));
	KUNIT_EXPECT_FALSE(test, handled(vcpu, HIGHER));
	KUNIT_EXPECT_TRUE(test, handled(vcpu, VECTOR));
	KUNIT_EXPECT_EQ(test, stale(vcpu), VECTOR);
	kvm_lapic_eoi(vcpu);
	KUNIT_EXPECT_TRUE(test, serve_scan(vcpu));
	KUNIT_EXPECT_EQ(test, nr_handled(vcpu), 0);
	KUNIT_EXPECT_EQ(test, stale(vcpu), -1);
	KUNIT_EXPECT_EQ(test, vcpu->stat.eoi_needed, 2);
	KUNIT_EXPECT_EQ(test, vcpu->stat.eoi_needless, 0);
}

/* The marker goes where the set goes: a route that comes back leaves none behind. */
static void scan_marker_reset(struct kunit *test)
{
	struct irq_world *w = test->priv;
	struct kvm_vcpu *vcpu = w->vcpu[0];

	ioapic_route(w->kvm, PIN, rte_to(0, VECTOR, true));
	serve_scan(vcpu);
	raise(w->kvm, PIN);
	KUNIT_ASSERT_EQ(test, irq_take(vcpu), VECTOR);
	ioapic_route(w->kvm, PIN, rte_to(1, VECTOR, true));
	serve_scan(vcpu);
	KUNIT_EXPECT_EQ(test, stale(vcpu), VECTOR);
	ioapic_route(w->kvm, PIN, rte_to(0, VECTOR, true));
	serve_scan(vcpu);
	KUNIT_EXPECT_EQ(test, stale(vcpu), -1);
	kvm_lapic_eoi(vcpu);
	KUNIT_EXPECT_FALSE(test, serve_scan(vcpu));
	KUNIT_EXPECT_TRUE(test, handled(vcpu, VECTOR));
}

/* A destination that changes its address is looked for anew. */
static void scan_after_new_id(struct kunit *test)
{
	struct irq_world *w = test->priv;

	ioapic_route(w->kvm, PIN, rte_to(5, VECTOR, true));
	serve_scan(w->vcpu[1]);
	KUNIT_EXPECT_FALSE(test, handled(w->vcpu[1], VECTOR));
	kvm_lapic_write_reg(w->vcpu[1], APIC_ID, 5 << 24);
	KUNIT_EXPECT_TRUE(test, serve_scan(w->vcpu[1]));
	KUNIT_EXPECT_TRUE(test, handled(w->vcpu[1], VECTOR));
}

/* An edge with the number of a level-triggered route that leads here exits, and in vain. */
static void scan_needless(struct kunit *test)
{
	struct irq_world *w = test->priv;
	struct kvm_vcpu *vcpu = w->vcpu[0];

	ioapic_route(w->kvm, PIN, rte_to(0, VECTOR, true));
	serve_scan(vcpu);
	kvm_lapic_accept_irq(vcpu, APIC_DM_FIXED, VECTOR, true, false);
	KUNIT_ASSERT_EQ(test, irq_take(vcpu), VECTOR);
	kvm_lapic_eoi(vcpu);
	KUNIT_EXPECT_EQ(test, vcpu->stat.eoi_needless, 1);
	KUNIT_EXPECT_EQ(test, vcpu->stat.eoi_needed, 0);
}

static void clock_tick(struct kvm *kvm)
{
	kvm_ioapic_set_irq(kvm->ioapic, IOAPIC_RTC_PIN, KVM_IRQ_SOURCE_USERSPACE, true, true);
	kvm_ioapic_set_irq(kvm->ioapic, IOAPIC_RTC_PIN, KVM_IRQ_SOURCE_USERSPACE, false, true);
}

/* Row 2 for a tick of the clock, whose EOI is waited for although it is an edge. */
static void scan_clock_in_service(struct kunit *test)
{
	struct irq_world *w = test->priv;
	struct kvm_vcpu *vcpu = w->vcpu[0];

	ioapic_route(w->kvm, IOAPIC_RTC_PIN, rte_to(0, VECTOR, false));
	serve_scan(vcpu);
	KUNIT_EXPECT_TRUE(test, handled(vcpu, VECTOR));
	clock_tick(w->kvm);
	KUNIT_ASSERT_EQ(test, irq_take(vcpu), VECTOR);
	/* While its entry leads here it is not stale. */
	kvm_scan_ioapic(vcpu);
	KUNIT_EXPECT_EQ(test, stale(vcpu), -1);

	ioapic_route(w->kvm, IOAPIC_RTC_PIN, rte_to(1, HIGHER, false));
	serve_scan(vcpu);
	KUNIT_EXPECT_TRUE(test, handled(vcpu, VECTOR));
	KUNIT_EXPECT_EQ(test, stale(vcpu), VECTOR);
	kvm_lapic_eoi(vcpu);
	KUNIT_EXPECT_EQ(test, vcpu->stat.eoi_needed, 1);
	KUNIT_EXPECT_TRUE(test, serve_scan(vcpu));
	KUNIT_EXPECT_EQ(test, nr_handled(vcpu), 0);
	KUNIT_EXPECT_EQ(test, stale(vcpu), -1);
}

/* Row 3: who serves the clock is known, so its number in use elsewhere is by chance. */
static void scan_clock_elsewhere(struct kunit *test)
{
	struct irq_world *w = test->priv;
	struct kvm_vcpu *vcpu = w->vcpu[0];

	ioapic_route(w->kvm, IOAPIC_RTC_PIN, rte_to(1, VECTOR, false));
	kvm_lapic_accept_irq(vcpu, APIC_DM_FIXED, VECTOR, true, false);
	KUNIT_ASSERT_EQ(test, irq_take(vcpu), VECTOR);
	serve_scan(vcpu);
	KUNIT_EXPECT_EQ(test, nr_handled(vcpu), 0);
	kvm_lapic_eoi(vcpu);
	KUNIT_EXPECT_EQ(test, vcpu->stat.eoi_needless, 0);
}

static int scan_init(struct kunit *test)
{
	test->priv = irq_world_create(test, false);
	return 0;
}

static struct kunit_case scan_cases[] = {
	KUNIT_CASE(scan_route_here),
	KUNIT_CASE(scan_not_for_masks),
	KUNIT_CASE(scan_level_in_service),
	KUNIT_CASE(scan_level_pending),
	KUNIT_CASE(scan_edge_in_service),
	KUNIT_CASE(scan_two_in_service),
	KUNIT_CASE(scan_marker_reset),
	KUNIT_CASE(scan_after_new_id),
	KUNIT_CASE(scan_needless),
	KUNIT_CASE(scan_clock_in_service),
	KUNIT_CASE(scan_clock_elsewhere),
	{}
};

/*
 * The same with the I/O APIC in userspace: its pins are routes to messages.
 */
#define MSI_LEVEL_TRIGGERED	0x8000

static void publish_msi(struct kunit *test, struct kvm *kvm, u32 gsi, u8 dest, u32 data)
{
	struct kvm_irq_routing_entry entry = {
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_MSI,
		.u.msi.address_lo = 0xfee00000 | dest << 12,
		.u.msi.data = data,
	};
	struct kvm_routing *routing;

	routing = kvm_routing_build(&entry, 1, KVM_IRQCHIP_SPLIT, false);
	KUNIT_ASSERT_FALSE(test, IS_ERR(routing));
	kvm_routing_publish(kvm, routing);
}

static void split_eoi(struct kunit *test)
{
	struct irq_world *w = test->priv;
	struct kvm_vcpu *vcpu = w->vcpu[0];

	publish_msi(test, w->kvm, 7, 0, MSI_LEVEL_TRIGGERED | VECTOR);
	KUNIT_EXPECT_TRUE(test, serve_scan(vcpu));
	KUNIT_EXPECT_TRUE(test, handled(vcpu, VECTOR));
	KUNIT_EXPECT_EQ(test, kvm_set_irq(w->kvm, KVM_IRQ_SOURCE_USERSPACE, 7, true, false), 1);
	KUNIT_ASSERT_EQ(test, irq_take(vcpu), VECTOR);
	kvm_lapic_eoi(vcpu);
	KUNIT_EXPECT_TRUE(test, kvm_test_request(KVM_REQ_IOAPIC_EOI_EXIT, vcpu));
	KUNIT_EXPECT_EQ(test, vcpu->lapic->eoi_for_user, VECTOR);
	KUNIT_EXPECT_EQ(test, vcpu->stat.eoi_needed, 1);
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_IOAPIC_EOI);
	KUNIT_EXPECT_EQ(test, vcpu->run->eoi.vector, VECTOR);
	KUNIT_EXPECT_FALSE(test, kvm_test_request(KVM_REQ_IOAPIC_EOI_EXIT, vcpu));
}

static void split_stale(struct kunit *test)
{
	struct irq_world *w = test->priv;
	struct kvm_vcpu *vcpu = w->vcpu[0];

	publish_msi(test, w->kvm, 7, 0, MSI_LEVEL_TRIGGERED | VECTOR);
	serve_scan(vcpu);
	kvm_set_irq(w->kvm, KVM_IRQ_SOURCE_USERSPACE, 7, true, false);
	KUNIT_ASSERT_EQ(test, irq_take(vcpu), VECTOR);
	publish_msi(test, w->kvm, 7, 1, MSI_LEVEL_TRIGGERED | VECTOR);
	serve_scan(vcpu);
	KUNIT_EXPECT_EQ(test, stale(vcpu), VECTOR);
	kvm_lapic_eoi(vcpu);
	KUNIT_EXPECT_TRUE(test, kvm_test_request(KVM_REQ_IOAPIC_EOI_EXIT, vcpu));
	KUNIT_EXPECT_TRUE(test, serve_scan(vcpu));
	KUNIT_EXPECT_EQ(test, nr_handled(vcpu), 0);
	KUNIT_EXPECT_EQ(test, stale(vcpu), -1);
}

/* Edges, and GSIs beyond those that userspace's I/O APIC owns, are nobody's concern. */
static void split_others(struct kunit *test)
{
	struct irq_world *w = test->priv;

	publish_msi(test, w->kvm, 7, 0, VECTOR);
	serve_scan(w->vcpu[0]);
	KUNIT_EXPECT_EQ(test, nr_handled(w->vcpu[0]), 0);
	publish_msi(test, w->kvm, 24, 0, MSI_LEVEL_TRIGGERED | VECTOR);
	serve_scan(w->vcpu[0]);
	KUNIT_EXPECT_EQ(test, nr_handled(w->vcpu[0]), 0);
}

/* An edge with a handled number: its EOI is not broadcast, userspace is not asked. */
static void split_needless(struct kunit *test)
{
	struct irq_world *w = test->priv;
	struct kvm_vcpu *vcpu = w->vcpu[0];

	publish_msi(test, w->kvm, 7, 0, MSI_LEVEL_TRIGGERED | VECTOR);
	serve_scan(vcpu);
	kvm_lapic_accept_irq(vcpu, APIC_DM_FIXED, VECTOR, true, false);
	KUNIT_ASSERT_EQ(test, irq_take(vcpu), VECTOR);
	kvm_lapic_eoi(vcpu);
	KUNIT_EXPECT_FALSE(test, kvm_test_request(KVM_REQ_IOAPIC_EOI_EXIT, vcpu));
	KUNIT_EXPECT_EQ(test, vcpu->stat.eoi_needless, 1);
}

static int split_init(struct kunit *test)
{
	test->priv = irq_world_create(test, true);
	return 0;
}

static struct kunit_case split_cases[] = {
	KUNIT_CASE(split_eoi),
	KUNIT_CASE(split_stale),
	KUNIT_CASE(split_others),
	KUNIT_CASE(split_needless),
	{}
};

static struct kunit_suite scan_suite = {
	.name = "scan",
	.init = scan_init,
	.test_cases = scan_cases,
};

static struct kunit_suite split_suite = {
	.name = "scan-split",
	.init = split_init,
	.test_cases = split_cases,
};

kunit_test_suites(&scan_suite, &split_suite);
