// SPDX-License-Identifier: GPL-2.0-only
/*
 * The 8254 (core/irq/pit.c): counting and output by mode, the byte-wise
 * registers, state for userspace, and who gets a tick when.
 */
#include <kunit/test.h>

#include "core/irq/ioapic.h"
#include "core/irq/irqchip.h"
#include "core/irq/pic.h"
#include "core/irq/pit.h"
#include "tests/fake/fake.h"

static void pit_counters(struct kunit *test)
{
	static const struct { u8 mode; u32 count; u64 ticks; u16 counter; bool out; } c[] = {
		{ 0, 100, 0, 100, false }, { 0, 100, 99, 1, false }, { 0, 100, 100, 0, true },
		{ 0, 100, 101, 0xffff, true }, { 0, 0x10000, 0, 0, false },
		{ 1, 100, 99, 1, true }, { 1, 100, 100, 0, false },
		{ 2, 100, 0, 100, false }, { 2, 100, 1, 99, false }, { 2, 100, 100, 100, true },
		{ 2, 100, 250, 50, false },
		{ 3, 100, 0, 100, true }, { 3, 100, 49, 2, true }, { 3, 100, 50, 100, false },
		{ 3, 100, 100, 100, true }, { 3, 101, 50, 1, true }, { 3, 101, 51, 100, false },
		{ 4, 100, 100, 0, true }, { 4, 100, 101, 0xffff, false },
		{ 5, 100, 100, 0, true },
		{ 2, 0x10000, 0x10000ULL * 3 + 5, 0xfffb, false },
		{ 2, 1, ~0ULL, 1, true },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(c); i++) {
		KUNIT_EXPECT_EQ_MSG(test, pit_counter(c[i].mode, c[i].count, c[i].ticks),
				    c[i].counter, "counter of row %u", i);
		KUNIT_EXPECT_EQ_MSG(test, pit_output(c[i].mode, c[i].count, c[i].ticks), c[i].out,
				    "output of row %u", i);
	}
}

static void pit_time(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, pit_ns_to_ticks(NSEC_PER_SEC), PIT_FREQ);
	KUNIT_EXPECT_EQ(test, pit_count_to_ns(PIT_MAX_COUNT), 54925401);
	/* A year does not overflow. */
	KUNIT_EXPECT_EQ(test, pit_ns_to_ticks(31536000ULL * NSEC_PER_SEC),
			31536000ULL * PIT_FREQ);
}

static void pit_bytes(struct kunit *test)
{
	struct kvm_pit_channel_state c = { .read_state = 3 };

	KUNIT_EXPECT_EQ(test, pit_read_byte(&c, 0x1234), 0x34);
	KUNIT_EXPECT_EQ(test, pit_read_byte(&c, 0x1233), 0x12);
	KUNIT_EXPECT_EQ(test, pit_read_byte(&c, 0x1232), 0x32);
	c.read_state = 2;
	KUNIT_EXPECT_EQ(test, pit_read_byte(&c, 0x1234), 0x12);
	/* Status first, then the latched count, then the counter itself. */
	c.read_state = 1;
	c.status = 0x5a;
	c.status_latched = 1;
	c.latched_count = 0xabcd;
	c.count_latched = 3;
	KUNIT_EXPECT_EQ(test, pit_read_byte(&c, 0x1234), 0x5a);
	KUNIT_EXPECT_EQ(test, pit_read_byte(&c, 0x1234), 0xcd);
	KUNIT_EXPECT_EQ(test, pit_read_byte(&c, 0x1234), 0xab);
	KUNIT_EXPECT_EQ(test, pit_read_byte(&c, 0x1234), 0x34);
}

static void out(struct kvm *kvm, unsigned int reg, u8 val)
{
	kvm_pit_write(kvm, reg, 1, &val);
}

static u8 in(struct kvm *kvm, unsigned int reg)
{
	u8 val;

	kvm_pit_read(kvm, reg, 1, &val);
	return val;
}

static void pit_programming(struct kunit *test)
{
	struct kvm *kvm = test->priv;
	struct kvm_pit_state2 state;

	/* Channel 2, low then high byte, mode 3 by its other name. */
	out(kvm, 3, 0xbe);
	out(kvm, 2, 0x34);
	out(kvm, 2, 0x12);
	kvm_pit_get_state(kvm->pit, &state);
	KUNIT_EXPECT_EQ(test, state.channels[2].mode, 3);
	KUNIT_EXPECT_EQ(test, state.channels[2].count, 0x1234);
	KUNIT_EXPECT_EQ(test, state.channels[2].rw_mode, 3);
	/* Zero is the largest count. */
	out(kvm, 3, 0x90);
	out(kvm, 2, 0);
	kvm_pit_get_state(kvm->pit, &state);
	KUNIT_EXPECT_EQ(test, state.channels[2].count, 0x10000);
	/* Read back status of channel 2: low byte only, mode 0, output low. */
	out(kvm, 3, 0xe8);
	KUNIT_EXPECT_EQ(test, in(kvm, 2), 0x10);
	/* The control word cannot be read. */
	KUNIT_EXPECT_EQ(test, in(kvm, 3), 0);
}

static void pit_speaker(struct kunit *test)
{
	struct kvm *kvm = test->priv;
	struct kvm_pit_state2 state;
	u8 val = 3;

	KUNIT_EXPECT_TRUE(test, kvm_speaker_write(kvm, 1, &val));
	kvm_pit_get_state(kvm->pit, &state);
	KUNIT_EXPECT_EQ(test, state.flags, KVM_PIT_FLAGS_SPEAKER_DATA_ON);
	KUNIT_EXPECT_EQ(test, state.channels[2].gate, 1);
	KUNIT_EXPECT_TRUE(test, kvm_speaker_read(kvm, 1, &val));
	KUNIT_EXPECT_EQ(test, val & 3, 3);
	val = 0;
	kvm_speaker_write(kvm, 1, &val);
	kvm_speaker_read(kvm, 1, &val);
	KUNIT_EXPECT_EQ(test, val & 3, 0);
}

static void pit_state(struct kunit *test)
{
	struct kvm *kvm = test->priv;
	struct kvm_pit_state2 saved, again;

	out(kvm, 3, 0xb6);
	out(kvm, 2, 0x00);
	out(kvm, 2, 0x40);
	kvm_pit_get_state(kvm->pit, &saved);
	KUNIT_EXPECT_EQ(test, kvm_pit_set_state(kvm->pit, &saved), 0);
	kvm_pit_get_state(kvm->pit, &again);
	again.channels[0].count_load_time = saved.channels[0].count_load_time;
	again.channels[1].count_load_time = saved.channels[1].count_load_time;
	again.channels[2].count_load_time = saved.channels[2].count_load_time;
	KUNIT_EXPECT_MEMEQ(test, &saved, &again, sizeof(saved));
	/* A count is a divisor of 17 bits; a refused state changes nothing. */
	again.channels[1].count = 0x10001;
	again.channels[2].count = 1;
	KUNIT_EXPECT_EQ(test, kvm_pit_set_state(kvm->pit, &again), -EINVAL);
	kvm_pit_get_state(kvm->pit, &again);
	KUNIT_EXPECT_EQ(test, again.channels[2].count, 0x4000);
	/* Any other value is survived. */
	memset(&again, 0xff, sizeof(again));
	again.channels[0].count = 0;
	again.channels[1].count = 0;
	again.channels[2].count = 0;
	KUNIT_EXPECT_EQ(test, kvm_pit_set_state(kvm->pit, &again), 0);
	in(kvm, 0);
	in(kvm, 2);
}

/* What the work does, without waiting for a timer. */
static void tick(struct kvm_pit *pit)
{
	pit->tick.func(&pit->tick);
}

static void pit_reinjection(struct kunit *test)
{
	struct kvm *kvm = test->priv;
	struct kvm_pit *pit = kvm->pit;

	/* The first tick goes out, the next waits for its acknowledge. */
	atomic_set(&pit->pending, 2);
	tick(pit);
	KUNIT_EXPECT_TRUE(test, kvm_pic_has_irq(kvm));
	kvm_pic_ack_irq(kvm);
	KUNIT_EXPECT_FALSE(test, kvm_pic_has_irq(kvm));
	tick(pit);
	KUNIT_EXPECT_FALSE(test, kvm_pic_has_irq(kvm));
	KUNIT_EXPECT_EQ(test, atomic_read(&pit->acked), 0);
	kvm_pit_irq_acked(pit);
	flush_work(&pit->tick);
	KUNIT_EXPECT_EQ(test, atomic_read(&pit->pending), 1);
	/* The acknowledge has run the work: nothing but the PIC holds the tick back. */
	KUNIT_EXPECT_EQ(test, atomic_read(&pit->acked), 0);
	kvm_pit_irq_acked(pit);
	KUNIT_EXPECT_EQ(test, atomic_read(&pit->pending), 0);
	kvm_pit_irq_acked(pit);
	KUNIT_EXPECT_EQ(test, atomic_read(&pit->pending), 0);
	/* A guest that opens the pin is owed nothing. */
	atomic_set(&pit->pending, 7);
	atomic_set(&pit->acked, 0);
	kvm_pit_irq_unmasked(pit);
	KUNIT_EXPECT_EQ(test, atomic_read(&pit->pending), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&pit->acked), 1);
	/* Without reinjection nobody waits. */
	kvm_pit_set_reinject(pit, false);
	atomic_set(&pit->acked, 0);
	tick(pit);
	KUNIT_EXPECT_EQ(test, atomic_read(&pit->acked), 0);
	KUNIT_EXPECT_NE(test, kvm->ioapic->delivered | kvm->pic->chip[0].irr, 0);
}

/* The EOI at the PIC is the acknowledge. */
static void pit_acked_by_pic(struct kunit *test)
{
	struct kvm *kvm = test->priv;
	struct kvm_pit *pit = kvm->pit;
	u8 eoi = 0x20;

	atomic_set(&pit->pending, 1);
	tick(pit);
	kvm_pic_ack_irq(kvm);
	KUNIT_EXPECT_EQ(test, atomic_read(&pit->acked), 0);
	kvm_pic_write(kvm, PIC_MASTER, 0, 1, &eoi);
	KUNIT_EXPECT_EQ(test, atomic_read(&pit->acked), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&pit->pending), 0);
}

static int pit_init(struct kunit *test)
{
	struct kvm *kvm = fake_vm_create(test);

	test->priv = kvm;
	KUNIT_ASSERT_EQ(test, kvm_vm_ioctl_irq(kvm, KVM_CREATE_PIT, NULL), -ENOENT);
	KUNIT_ASSERT_EQ(test, kvm_vm_ioctl_irq(kvm, KVM_CREATE_IRQCHIP, NULL), 0);
	KUNIT_ASSERT_EQ(test, kvm_vm_ioctl_irq(kvm, KVM_CREATE_PIT, NULL), 0);
	KUNIT_ASSERT_EQ(test, kvm_vm_ioctl_irq(kvm, KVM_CREATE_PIT, NULL), -EEXIST);
	return 0;
}

static struct kunit_case pit_test_cases[] = {
	KUNIT_CASE(pit_counters),
	KUNIT_CASE(pit_time),
	KUNIT_CASE(pit_bytes),
	KUNIT_CASE(pit_programming),
	KUNIT_CASE(pit_speaker),
	KUNIT_CASE(pit_state),
	KUNIT_CASE(pit_reinjection),
	KUNIT_CASE(pit_acked_by_pic),
	{}
};

static struct kunit_suite pit_test_suite = {
	.name = "pit",
	.init = pit_init,
	.test_cases = pit_test_cases,
};

kunit_test_suites(&pit_test_suite);
