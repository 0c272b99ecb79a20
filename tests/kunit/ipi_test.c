// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who receives an interrupt message (core/irq/ipi.c): each way of addressing,
 * the map against asking each APIC, lowest priority, INIT and startup messages.
 */
#include <kunit/test.h>

#include "core/cpuid.h"
#include "core/event.h"
#include "core/irq/ipi.h"
#include "core/irq/irqchip.h"
#include "core/irq/lapic.h"
#include "core/msr.h"
#include "core/request.h"
#include "core/vm.h"
#include "tests/fake/fake.h"

#define NR_VCPUS	6
#define VECTOR		0x41

static int init_with_vm(struct kunit *test)
{
	struct kvm *kvm = fake_vm_create(test);

	kvm->irqchip_mode = KVM_IRQCHIP_SPLIT;
	test->priv = kvm;
	return 0;
}

static void make_vcpus(struct kunit *test, struct kvm *kvm, int nr)
{
	struct kvm_vcpu *vcpu;
	int i;

	for (i = 0; i < nr; i++) {
		vcpu = fake_vcpu_create(test, kvm);
		kvm_lapic_write_reg(vcpu, APIC_SPIV, APIC_SPIV_APIC_ENABLED);
	}
}

static void set_x2apic(struct kvm_vcpu *vcpu)
{
	vcpu->cpuid_caps |= BIT(GUEST_CAP_X2APIC);
	kvm_apic_base_write(vcpu, vcpu->apic_base | X2APIC_ENABLE);
}

/* Which vCPUs have VECTOR pending; forgets it. */
static u32 receivers(struct kvm *kvm)
{
	struct kvm_vcpu *vcpu;
	unsigned long i;
	u32 mask = 0;

	kvm_for_each_vcpu(i, vcpu, kvm) {
		if (test_and_clear_bit(VECTOR % 32,
				       lapic_vector_word(vcpu->lapic->regs + APIC_IRR, VECTOR)))
			mask |= BIT(i);
		vcpu->requests = 0;
	}
	return mask;
}

static struct kvm_lapic_irq message(u32 dest, bool logical)
{
	return (struct kvm_lapic_irq) {
		.dest_id = dest,
		.logical = logical,
		.delivery_mode = APIC_DM_FIXED,
		.vector = VECTOR,
		.level = true,
	};
}

/* Delivered to exactly those that match, and said so. */
static void expect_exact(struct kunit *test, struct kvm *kvm, struct kvm_vcpu *src, u32 dest,
			 bool logical)
{
	const struct kvm_lapic_irq irq = message(dest, logical);
	DECLARE_BITMAP(dests, 64) = {};
	struct kvm_vcpu *vcpu;
	unsigned long i;
	u32 expected = 0, got;
	int ret;

	kvm_for_each_vcpu(i, vcpu, kvm) {
		if (lapic_hw_enabled(vcpu) &&
		    kvm_lapic_match(vcpu, dest, logical, LAPIC_SHORT_NONE, src))
			expected |= BIT(i);
	}
	ret = kvm_irq_deliver(kvm, src, &irq, dests);
	got = receivers(kvm);
	KUNIT_EXPECT_EQ_MSG(test, got, expected, "destination %x%s", dest,
			    logical ? " logical" : "");
	KUNIT_EXPECT_EQ_MSG(test, ret, expected ? hweight32(expected) : -1,
			    "destination %x%s", dest, logical ? " logical" : "");
	KUNIT_EXPECT_EQ(test, (u32)dests[0], expected);
}

/* The map must agree with asking each, for every destination of 8 bits and some of 32. */
static void expect_all_exact(struct kunit *test, struct kvm *kvm)
{
	static const u32 wide[] = { 0x100, 0xffff, 0x10001, 0x1003f, 0xffff0001, 0xfffffffe,
				    0xffffffff };
	struct kvm_vcpu *src = kvm_get_vcpu(kvm, 1);
	u32 dest;
	int i, from;

	for (from = 0; from < 2; from++) {
		for (dest = 0; dest < 256; dest++) {
			expect_exact(test, kvm, from ? src : NULL, dest, false);
			expect_exact(test, kvm, from ? src : NULL, dest, true);
		}
		for (i = 0; i < ARRAY_SIZE(wide); i++) {
			expect_exact(test, kvm, from ? src : NULL, wide[i], false);
			expect_exact(test, kvm, from ? src : NULL, wide[i], true);
		}
	}
}

static void map_power_on(struct kunit *test)
{
	make_vcpus(test, test->priv, NR_VCPUS);
	expect_all_exact(test, test->priv);
}

static void map_flat(struct kunit *test)
{
	struct kvm *kvm = test->priv;
	int i;

	make_vcpus(test, kvm, NR_VCPUS);
	for (i = 0; i < NR_VCPUS; i++)
		kvm_lapic_write_reg(kvm_get_vcpu(kvm, i), APIC_LDR, BIT(i) << 24);
	expect_all_exact(test, kvm);
}

static void map_flat_shared_bit(struct kunit *test)
{
	struct kvm *kvm = test->priv;
	int i;

	make_vcpus(test, kvm, NR_VCPUS);
	for (i = 0; i < NR_VCPUS; i++)
		kvm_lapic_write_reg(kvm_get_vcpu(kvm, i), APIC_LDR, BIT(i / 2) << 24);
	expect_all_exact(test, kvm);
}

static void map_flat_several_bits(struct kunit *test)
{
	struct kvm *kvm = test->priv;
	int i;

	make_vcpus(test, kvm, NR_VCPUS);
	for (i = 0; i < NR_VCPUS; i++)
		kvm_lapic_write_reg(kvm_get_vcpu(kvm, i), APIC_LDR, (3U << i) << 24);
	expect_all_exact(test, kvm);
}

static void map_cluster(struct kunit *test)
{
	struct kvm *kvm = test->priv;
	struct kvm_vcpu *vcpu;
	int i;

	make_vcpus(test, kvm, NR_VCPUS);
	for (i = 0; i < NR_VCPUS; i++) {
		vcpu = kvm_get_vcpu(kvm, i);
		kvm_lapic_write_reg(vcpu, APIC_DFR, APIC_DFR_CLUSTER);
		kvm_lapic_write_reg(vcpu, APIC_LDR, (i / 4 << 4 | BIT(i % 4)) << 24);
	}
	expect_all_exact(test, kvm);
}

static void map_mixed_models(struct kunit *test)
{
	struct kvm *kvm = test->priv;
	struct kvm_vcpu *vcpu;
	int i;

	make_vcpus(test, kvm, NR_VCPUS);
	for (i = 0; i < NR_VCPUS; i++) {
		vcpu = kvm_get_vcpu(kvm, i);
		if (i & 1)
			kvm_lapic_write_reg(vcpu, APIC_DFR, APIC_DFR_CLUSTER);
		kvm_lapic_write_reg(vcpu, APIC_LDR, BIT(i) << 24);
	}
	set_x2apic(kvm_get_vcpu(kvm, 5));
	expect_all_exact(test, kvm);
}

static void map_x2apic(struct kunit *test)
{
	struct kvm *kvm = test->priv;
	int i;

	make_vcpus(test, kvm, NR_VCPUS);
	for (i = 0; i < NR_VCPUS; i++)
		set_x2apic(kvm_get_vcpu(kvm, i));
	expect_all_exact(test, kvm);
}

/* The boot processor goes first, as every system does it. */
static void map_x2apic_bsp_only(struct kunit *test)
{
	struct kvm *kvm = test->priv;

	make_vcpus(test, kvm, NR_VCPUS);
	set_x2apic(kvm_get_vcpu(kvm, 0));
	expect_all_exact(test, kvm);
}

static void map_changed_ids(struct kunit *test)
{
	struct kvm *kvm = test->priv;

	make_vcpus(test, kvm, NR_VCPUS);
	kvm_lapic_write_reg(kvm_get_vcpu(kvm, 2), APIC_ID, 0x77U << 24);
	expect_all_exact(test, kvm);
	kvm_lapic_write_reg(kvm_get_vcpu(kvm, 3), APIC_ID, 0x04U << 24);
	expect_all_exact(test, kvm);
}

static void map_switched_off(struct kunit *test)
{
	struct kvm *kvm = test->priv;
	struct kvm_vcpu *vcpu;

	make_vcpus(test, kvm, NR_VCPUS);
	vcpu = kvm_get_vcpu(kvm, 2);
	kvm_apic_base_write(vcpu, vcpu->apic_base & ~(u64)MSR_IA32_APICBASE_ENABLE);
	expect_all_exact(test, kvm);
}

/* Without memory for a map, all the same. */
static void map_missing(struct kunit *test)
{
	struct kvm *kvm = test->priv;
	struct kvm_apic_map *map;

	make_vcpus(test, kvm, NR_VCPUS);
	map = rcu_dereference_protected(kvm->apic_map, true);
	rcu_assign_pointer(kvm->apic_map, NULL);
	expect_all_exact(test, kvm);
	rcu_assign_pointer(kvm->apic_map, map);
}

/* Without the quirk 0xff of a device is an id, to an APIC in x2APIC mode. */
static void broadcast_quirk(struct kunit *test)
{
	struct kvm *kvm = test->priv;
	struct kvm_lapic_irq irq = message(0xff, false);

	make_vcpus(test, kvm, 3);
	set_x2apic(kvm_get_vcpu(kvm, 1));
	KUNIT_EXPECT_EQ(test, kvm_irq_deliver(kvm, NULL, &irq, NULL), 3);
	KUNIT_EXPECT_EQ(test, receivers(kvm), 7U);
	kvm->x2apic_broadcast_quirk_disabled = true;
	KUNIT_EXPECT_EQ(test, kvm_irq_deliver(kvm, NULL, &irq, NULL), 2);
	KUNIT_EXPECT_EQ(test, receivers(kvm), 5U);
}

static void shorthands(struct kunit *test)
{
	static const struct { u8 shorthand; u32 to; } rows[] = {
		{ LAPIC_SHORT_SELF, BIT(1) }, { LAPIC_SHORT_ALL, 0x3f },
		{ LAPIC_SHORT_OTHERS, 0x3d },
	};
	struct kvm *kvm = test->priv;
	struct kvm_lapic_irq irq = message(3, false);
	int i;

	make_vcpus(test, kvm, NR_VCPUS);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		irq.shorthand = rows[i].shorthand;
		KUNIT_EXPECT_EQ(test, kvm_irq_deliver(kvm, kvm_get_vcpu(kvm, 1), &irq, NULL),
				hweight32(rows[i].to));
		KUNIT_EXPECT_EQ(test, receivers(kvm), rows[i].to);
	}
}

/* One receiver each time, all of them in turn, none that is disabled. */
static void lowest_priority(struct kunit *test)
{
	struct kvm *kvm = test->priv;
	struct kvm_lapic_irq irq = message(0x3f, true);
	u32 seen = 0, got;
	int i;

	make_vcpus(test, kvm, NR_VCPUS);
	for (i = 0; i < NR_VCPUS; i++)
		kvm_lapic_write_reg(kvm_get_vcpu(kvm, i), APIC_LDR, BIT(i) << 24);
	kvm_lapic_write_reg(kvm_get_vcpu(kvm, 4), APIC_SPIV, 0xff);
	irq.delivery_mode = APIC_DM_LOWEST;
	for (i = 0; i < NR_VCPUS - 1; i++) {
		KUNIT_EXPECT_EQ(test, kvm_irq_deliver(kvm, NULL, &irq, NULL), 1);
		got = receivers(kvm);
		KUNIT_EXPECT_EQ(test, hweight32(got), 1U);
		seen |= got;
	}
	KUNIT_EXPECT_EQ(test, seen, 0x2fU);
	irq.delivery_mode = APIC_DM_FIXED;
	irq.redir_hint = true;
	KUNIT_EXPECT_EQ(test, kvm_irq_deliver(kvm, NULL, &irq, NULL), 1);
	KUNIT_EXPECT_EQ(test, hweight32(receivers(kvm)), 1U);
}

static void coalesced(struct kunit *test)
{
	struct kvm *kvm = test->priv;
	struct kvm_lapic_irq irq = message(2, false);

	make_vcpus(test, kvm, 3);
	KUNIT_EXPECT_EQ(test, kvm_irq_deliver(kvm, NULL, &irq, NULL), 1);
	KUNIT_EXPECT_EQ(test, kvm_irq_deliver(kvm, NULL, &irq, NULL), 0);
	irq.dest_id = 9;
	KUNIT_EXPECT_EQ(test, kvm_irq_deliver(kvm, NULL, &irq, NULL), -1);
	KUNIT_EXPECT_EQ(test, receivers(kvm), 4U);
}

/* An ICR as software writes it. */
static void icr_init_sipi(struct kunit *test)
{
	struct kvm *kvm = test->priv;
	struct kvm_vcpu *bsp, *ap;

	make_vcpus(test, kvm, 2);
	bsp = kvm_get_vcpu(kvm, 0);
	ap = kvm_get_vcpu(kvm, 1);
	ap->requests = 0;
	kvm_lapic_write_reg(bsp, APIC_ICR2, 1U << 24);
	/* A startup message to one that has seen no INIT; the de-assertion. */
	kvm_lapic_write_reg(bsp, APIC_ICR, APIC_INT_LEVELTRIG | APIC_DM_INIT);
	KUNIT_EXPECT_EQ(test, ap->lapic->pending_events, 0UL);
	kvm_lapic_write_reg(bsp, APIC_ICR, APIC_DM_STARTUP | 0x12);
	KUNIT_EXPECT_EQ(test, ap->lapic->pending_events, BIT(LAPIC_EVENT_SIPI));
	kvm_lapic_write_reg(bsp, APIC_ICR,
			    APIC_INT_LEVELTRIG | APIC_INT_ASSERT | APIC_DM_INIT);
	KUNIT_EXPECT_EQ(test, ap->lapic->pending_events, BIT(LAPIC_EVENT_INIT));
	kvm_lapic_write_reg(bsp, APIC_ICR, APIC_DM_STARTUP | 0x9a);
	KUNIT_EXPECT_TRUE(test, kvm_test_request(KVM_REQ_INIT_SIPI, ap));
	KUNIT_EXPECT_EQ(test, ap->lapic->sipi_vector, 0x9a);
	KUNIT_EXPECT_FALSE(test, kvm_test_request(KVM_REQ_INIT_SIPI, bsp));
}

static void icr_nmi(struct kunit *test)
{
	struct kvm *kvm = test->priv;

	make_vcpus(test, kvm, 2);
	kvm_get_vcpu(kvm, 1)->requests = 0;
	kvm_lapic_send_ipi(kvm_get_vcpu(kvm, 0), APIC_DM_NMI | APIC_INT_ASSERT, 1);
	KUNIT_EXPECT_TRUE(test, kvm_test_request(KVM_REQ_NMI, kvm_get_vcpu(kvm, 1)));
	KUNIT_EXPECT_FALSE(test, kvm_test_request(KVM_REQ_NMI, kvm_get_vcpu(kvm, 0)));
}

static struct kunit_case ipi_test_cases[] = {
	KUNIT_CASE(map_power_on),
	KUNIT_CASE(map_flat),
	KUNIT_CASE(map_flat_shared_bit),
	KUNIT_CASE(map_flat_several_bits),
	KUNIT_CASE(map_cluster),
	KUNIT_CASE(map_mixed_models),
	KUNIT_CASE(map_x2apic),
	KUNIT_CASE(map_x2apic_bsp_only),
	KUNIT_CASE(map_changed_ids),
	KUNIT_CASE(map_switched_off),
	KUNIT_CASE(map_missing),
	KUNIT_CASE(broadcast_quirk),
	KUNIT_CASE(shorthands),
	KUNIT_CASE(lowest_priority),
	KUNIT_CASE(coalesced),
	KUNIT_CASE(icr_init_sipi),
	KUNIT_CASE(icr_nmi),
	{}
};

static struct kunit_suite ipi_test_suite = {
	.name = "ipi",
	.init = init_with_vm,
	.test_cases = ipi_test_cases,
};

kunit_test_suites(&ipi_test_suite);
