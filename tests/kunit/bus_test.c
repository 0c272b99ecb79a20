// SPDX-License-Identifier: GPL-2.0-only
/*
 * ioeventfds and coalesced zones: what they take, what they leave, what
 * userspace may do to the ring they share, and the legality of registrations
 * (core/bus.c).
 */
#include <kunit/test.h>
#include <linux/srcu.h>

#include "core/bus.h"
#include "core/vm.h"
#include "tests/fake/fake.h"

static bool bus_write(struct kvm_vcpu *vcpu, enum kvm_bus_id id, gpa_t addr, u32 len, u64 datum)
{
	int idx = srcu_read_lock(&vcpu->kvm->srcu);
	bool taken = kvm_bus_write(vcpu, id, addr, len, &datum);

	srcu_read_unlock(&vcpu->kvm->srcu, idx);
	return taken;
}

static struct kvm_coalesced_mmio_zone zone(gpa_t addr, u32 size, u32 pio)
{
	return (struct kvm_coalesced_mmio_zone){ .addr = addr, .size = size, .pio = pio };
}

static int register_zone(struct kvm_vcpu *vcpu, gpa_t addr, u32 size, u32 pio)
{
	struct kvm_coalesced_mmio_zone z = zone(addr, size, pio);

	return kvm_vm_ioctl_register_coalesced(vcpu->kvm, &z);
}

static int unregister_zone(struct kvm_vcpu *vcpu, gpa_t addr, u32 size, u32 pio)
{
	struct kvm_coalesced_mmio_zone z = zone(addr, size, pio);

	return kvm_vm_ioctl_unregister_coalesced(vcpu->kvm, &z);
}

static void bus_empty(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	KUNIT_EXPECT_FALSE(test, bus_write(vcpu, KVM_BUS_MMIO, 0xfee00000, 4, 1));
	KUNIT_EXPECT_FALSE(test, bus_write(vcpu, KVM_BUS_PIO, 0x80, 1, 1));
}

/* A write is taken only if it lies within one zone whole. */
static void bus_coalesced_bounds(struct kunit *test)
{
	static const struct { gpa_t addr; u32 len; bool taken; } writes[] = {
		{ 0xfff, 1, false }, { 0xffc, 4, false }, { 0xffe, 4, false },
		{ 0x1000, 1, true }, { 0x1000, 8, true }, { 0x10f8, 8, true },
		{ 0x10ff, 1, true }, { 0x10ff, 2, false }, { 0x10fc, 8, false },
		{ 0x1100, 1, false }, { 0x1000, 16, false },
	};
	struct kvm_vcpu *vcpu = test->priv;
	u8 data[16] = {};
	unsigned int i;
	int idx;

	KUNIT_ASSERT_EQ(test, register_zone(vcpu, 0x1000, 0x100, 0), 0);
	for (i = 0; i < ARRAY_SIZE(writes); i++) {
		idx = srcu_read_lock(&vcpu->kvm->srcu);
		KUNIT_EXPECT_EQ_MSG(test, kvm_bus_write(vcpu, KVM_BUS_MMIO, writes[i].addr,
							writes[i].len, data),
				    writes[i].taken, "write %u", i);
		srcu_read_unlock(&vcpu->kvm->srcu, idx);
	}
	/* The buses are apart. */
	KUNIT_EXPECT_FALSE(test, bus_write(vcpu, KVM_BUS_PIO, 0x1000, 1, 0));
}

static void bus_coalesced_ring(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	struct kvm_coalesced_mmio_ring *ring = vcpu->kvm->buses.ring;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, register_zone(vcpu, 0x1000, 0x100, 0), 0);
	KUNIT_ASSERT_EQ(test, register_zone(vcpu, 0x70, 2, 1), 0);
	KUNIT_EXPECT_TRUE(test, bus_write(vcpu, KVM_BUS_MMIO, 0x1010, 4, 0x11223344));
	KUNIT_EXPECT_TRUE(test, bus_write(vcpu, KVM_BUS_PIO, 0x71, 1, 0x5a));
	KUNIT_EXPECT_EQ(test, ring->first, 0);
	KUNIT_EXPECT_EQ(test, ring->last, 2);
	KUNIT_EXPECT_EQ(test, ring->coalesced_mmio[0].phys_addr, 0x1010);
	KUNIT_EXPECT_EQ(test, ring->coalesced_mmio[0].len, 4);
	KUNIT_EXPECT_EQ(test, ring->coalesced_mmio[0].pio, 0);
	KUNIT_EXPECT_MEMEQ(test, ring->coalesced_mmio[0].data, "\x44\x33\x22\x11", 4);
	KUNIT_EXPECT_EQ(test, ring->coalesced_mmio[1].phys_addr, 0x71);
	KUNIT_EXPECT_EQ(test, ring->coalesced_mmio[1].pio, 1);
	KUNIT_EXPECT_EQ(test, ring->coalesced_mmio[1].data[0], 0x5a);

	/* Full is one slot free; then the write is userspace's. */
	for (i = 2; i < KVM_COALESCED_MMIO_MAX - 1; i++)
		KUNIT_ASSERT_TRUE(test, bus_write(vcpu, KVM_BUS_MMIO, 0x1000, 1, i));
	KUNIT_EXPECT_FALSE(test, bus_write(vcpu, KVM_BUS_MMIO, 0x1000, 1, 0));
	WRITE_ONCE(ring->first, 1);
	KUNIT_EXPECT_TRUE(test, bus_write(vcpu, KVM_BUS_MMIO, 0x1000, 1, 0));
	KUNIT_EXPECT_EQ(test, ring->last, 0);
}

/* Userspace writes the indexes; no value of them may lead outside the page. */
static void bus_coalesced_hostile_ring(struct kunit *test)
{
	static const u32 values[] = { KVM_COALESCED_MMIO_MAX - 1, KVM_COALESCED_MMIO_MAX,
				      KVM_COALESCED_MMIO_MAX + 1, 0x7fffffff, 0x80000000,
				      0xffffffff };
	struct kvm_vcpu *vcpu = test->priv;
	struct kvm_coalesced_mmio_ring *ring = vcpu->kvm->buses.ring;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, register_zone(vcpu, 0x1000, 0x100, 0), 0);
	for (i = 0; i < ARRAY_SIZE(values); i++) {
		WRITE_ONCE(ring->first, 0);
		WRITE_ONCE(ring->last, values[i]);
		KUNIT_EXPECT_FALSE_MSG(test, bus_write(vcpu, KVM_BUS_MMIO, 0x1000, 1, 0),
				       "last %#x", values[i]);
		KUNIT_EXPECT_EQ(test, ring->last, values[i]);
	}
	/* A wrong first only makes the ring look emptier; the writer stays inside. */
	WRITE_ONCE(ring->first, 0xffffffff);
	WRITE_ONCE(ring->last, KVM_COALESCED_MMIO_MAX - 1);
	KUNIT_EXPECT_TRUE(test, bus_write(vcpu, KVM_BUS_MMIO, 0x1000, 1, 0));
	KUNIT_EXPECT_EQ(test, ring->last, 0);
}

static void bus_unregister(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	KUNIT_ASSERT_EQ(test, register_zone(vcpu, 0x1000, 0x10, 0), 0);
	KUNIT_ASSERT_EQ(test, register_zone(vcpu, 0x2000, 0x10, 0), 0);
	KUNIT_ASSERT_EQ(test, register_zone(vcpu, 0x1000, 0x10, 1), 0);
	/* A zone that only reaches into the range stays. */
	KUNIT_EXPECT_EQ(test, unregister_zone(vcpu, 0x1000, 0x8, 0), 0);
	KUNIT_EXPECT_TRUE(test, bus_write(vcpu, KVM_BUS_MMIO, 0x1000, 1, 0));
	KUNIT_EXPECT_EQ(test, unregister_zone(vcpu, 0x1000, 0x10, 0), 0);
	KUNIT_EXPECT_FALSE(test, bus_write(vcpu, KVM_BUS_MMIO, 0x1000, 1, 0));
	KUNIT_EXPECT_TRUE(test, bus_write(vcpu, KVM_BUS_MMIO, 0x2000, 1, 0));
	KUNIT_EXPECT_TRUE(test, bus_write(vcpu, KVM_BUS_PIO, 0x1000, 1, 0));
	KUNIT_EXPECT_EQ(test, unregister_zone(vcpu, 0, ~0U, 0), 0);
	KUNIT_EXPECT_FALSE(test, bus_write(vcpu, KVM_BUS_MMIO, 0x2000, 1, 0));
	/* Nothing there is no error. */
	KUNIT_EXPECT_EQ(test, unregister_zone(vcpu, 0x5000, 0x10, 0), 0);
}

static void bus_zone_legality(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	KUNIT_EXPECT_EQ(test, register_zone(vcpu, 0, 0x10, 2), -EINVAL);
	KUNIT_EXPECT_EQ(test, register_zone(vcpu, ~0ULL, 0x10, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, unregister_zone(vcpu, 0, 0x10, 2), -EINVAL);
}

/* Many zones in scrambled order: the right one is found among them, and the limit holds. */
static void bus_many_listeners(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	struct kvm_coalesced_mmio_ring *ring = vcpu->kvm->buses.ring;
	unsigned int i, n;

	for (i = 0; i < KVM_BUS_MAX_LISTENERS; i++) {
		/* 367 is prime to the limit, so every number comes once. */
		n = i * 367 % KVM_BUS_MAX_LISTENERS;
		KUNIT_ASSERT_EQ(test, register_zone(vcpu, n * 0x1000, 4 + n % 8, 0), 0);
	}
	KUNIT_EXPECT_EQ(test, register_zone(vcpu, 0xf0000000, 4, 0), -ENOSPC);
	for (i = 0; i < KVM_BUS_MAX_LISTENERS; i++) {
		WRITE_ONCE(ring->first, READ_ONCE(ring->last));
		KUNIT_EXPECT_TRUE(test, bus_write(vcpu, KVM_BUS_MMIO, i * 0x1000, 4, i));
		KUNIT_EXPECT_FALSE(test, bus_write(vcpu, KVM_BUS_MMIO,
						   i * 0x1000 + 4 + i % 8, 1, i));
	}
}

/* Arguments are judged before the descriptor is looked at: a legal set gets -EBADF here. */
struct ioeventfd_case {
	const char *name;
	struct kvm_ioeventfd args;
	int err;
};

static const struct ioeventfd_case ioeventfd_cases[] = {
	{ "any length", { .len = 0 }, -EBADF },
	{ "one byte", { .len = 1 }, -EBADF },
	{ "eight bytes", { .len = 8, .flags = KVM_IOEVENTFD_FLAG_DATAMATCH }, -EBADF },
	{ "a port", { .len = 2, .flags = KVM_IOEVENTFD_FLAG_PIO }, -EBADF },
	{ "deassign", { .len = 4, .flags = KVM_IOEVENTFD_FLAG_DEASSIGN }, -EBADF },
	{ "three bytes", { .len = 3 }, -EINVAL },
	{ "sixteen bytes", { .len = 16 }, -EINVAL },
	{ "beyond the last address", { .addr = ~0ULL, .len = 4 }, -EINVAL },
	{ "a datum of no length", { .flags = KVM_IOEVENTFD_FLAG_DATAMATCH }, -EINVAL },
	{ "a channel subsystem's flag", { .len = 4, .flags = BIT(3) }, -EINVAL },
	{ "an unknown flag", { .len = 4, .flags = BIT(31) }, -EINVAL },
};

static void ioeventfd_case_desc(const struct ioeventfd_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(ioeventfd, ioeventfd_cases, ioeventfd_case_desc);

static void bus_ioeventfd_legality(struct kunit *test)
{
	const struct ioeventfd_case *c = test->param_value;
	struct kvm_vcpu *vcpu = test->priv;
	struct kvm_ioeventfd args = c->args;

	args.fd = -1;
	KUNIT_EXPECT_EQ(test, kvm_vm_ioctl_ioeventfd(vcpu->kvm, &args), c->err);
}

static int bus_init(struct kunit *test)
{
	test->priv = fake_vcpu_create(test, fake_vm_create(test));
	return 0;
}

static struct kunit_case bus_test_cases[] = {
	KUNIT_CASE(bus_empty),
	KUNIT_CASE(bus_coalesced_bounds),
	KUNIT_CASE(bus_coalesced_ring),
	KUNIT_CASE(bus_coalesced_hostile_ring),
	KUNIT_CASE(bus_unregister),
	KUNIT_CASE(bus_zone_legality),
	KUNIT_CASE(bus_many_listeners),
	KUNIT_CASE_PARAM(bus_ioeventfd_legality, ioeventfd_gen_params),
	{}
};

static struct kunit_suite bus_test_suite = {
	.name = "bus",
	.init = bus_init,
	.test_cases = bus_test_cases,
};

kunit_test_suites(&bus_test_suite);
