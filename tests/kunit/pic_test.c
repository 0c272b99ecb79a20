// SPDX-License-Identifier: GPL-2.0-only
/*
 * The 8259A pair (core/irq/pic.c): one chip's rules, then the pair with its
 * cascade, seen from the ports and the CPU.
 */
#include <kunit/test.h>

#include "core/irq/irqchip.h"
#include "core/irq/pic.h"
#include "tests/fake/fake.h"

static void pic_edge(struct kunit *test)
{
	struct kvm_pic_state s = {};

	KUNIT_EXPECT_EQ(test, pic_chip_pending(&s, 0), -1);
	KUNIT_EXPECT_EQ(test, pic_chip_set_pin(&s, 3, true), 1);
	/* High already: no edge, and nothing is lost by it. */
	KUNIT_EXPECT_EQ(test, pic_chip_set_pin(&s, 3, true), 1);
	KUNIT_EXPECT_EQ(test, pic_chip_set_pin(&s, 3, false), 1);
	/* A second edge before the first was taken is coalesced. */
	KUNIT_EXPECT_EQ(test, pic_chip_set_pin(&s, 3, true), 0);
	KUNIT_EXPECT_EQ(test, pic_chip_pending(&s, 0), 3);
	KUNIT_EXPECT_EQ(test, pic_chip_ack(&s, 3), 0);
	KUNIT_EXPECT_EQ(test, s.isr, BIT(3));
	KUNIT_EXPECT_EQ(test, s.irr, 0);
	/* Still high: the edge has been served. */
	KUNIT_EXPECT_EQ(test, pic_chip_write(&s, 0, 0x20), BIT(3));
	KUNIT_EXPECT_EQ(test, pic_chip_pending(&s, 0), -1);
}

static void pic_level(struct kunit *test)
{
	struct kvm_pic_state s = { .elcr = BIT(5) };

	KUNIT_EXPECT_EQ(test, pic_chip_set_pin(&s, 5, true), 1);
	KUNIT_EXPECT_EQ(test, pic_chip_set_pin(&s, 5, true), 0);
	pic_chip_ack(&s, 5);
	pic_chip_write(&s, 0, 0x20);
	/* It is pending for as long as it is there. */
	KUNIT_EXPECT_EQ(test, pic_chip_pending(&s, 0), 5);
	pic_chip_set_pin(&s, 5, false);
	KUNIT_EXPECT_EQ(test, pic_chip_pending(&s, 0), -1);
}

static void pic_priorities(struct kunit *test)
{
	struct kvm_pic_state s = {};

	pic_chip_set_pin(&s, 6, true);
	pic_chip_set_pin(&s, 4, true);
	KUNIT_EXPECT_EQ(test, pic_chip_pending(&s, 0), 4);
	pic_chip_ack(&s, 4);
	KUNIT_EXPECT_EQ(test, pic_chip_pending(&s, 0), -1);
	pic_chip_set_pin(&s, 1, true);
	KUNIT_EXPECT_EQ(test, pic_chip_pending(&s, 0), 1);
	/* Masked pins do not ask. */
	pic_chip_write(&s, 1, BIT(1));
	KUNIT_EXPECT_EQ(test, pic_chip_pending(&s, 0), -1);
	KUNIT_EXPECT_EQ(test, pic_chip_set_pin(&s, 1, true), -1);
	/* Special mask mode: one in service blocks none while it is masked. */
	pic_chip_write(&s, 1, BIT(1) | BIT(4));
	KUNIT_EXPECT_EQ(test, pic_chip_pending(&s, 0), -1);
	pic_chip_write(&s, 0, 0x68);
	KUNIT_EXPECT_EQ(test, pic_chip_pending(&s, 0), 6);
	pic_chip_write(&s, 0, 0x48);
	KUNIT_EXPECT_EQ(test, pic_chip_pending(&s, 0), -1);
}

static void pic_rotation(struct kunit *test)
{
	struct kvm_pic_state s = {};

	/* Pin 5 becomes the lowest: 6 is the highest. */
	pic_chip_write(&s, 0, 0xc5);
	pic_chip_set_pin(&s, 0, true);
	pic_chip_set_pin(&s, 6, true);
	KUNIT_EXPECT_EQ(test, pic_chip_pending(&s, 0), 6);
	pic_chip_ack(&s, 6);
	/* Rotate on EOI: 6 becomes the lowest. */
	KUNIT_EXPECT_EQ(test, pic_chip_write(&s, 0, 0xa0), BIT(6));
	pic_chip_set_pin(&s, 6, false);
	pic_chip_set_pin(&s, 6, true);
	KUNIT_EXPECT_EQ(test, pic_chip_pending(&s, 0), 0);
	/* A specific EOI of one that is not in service ends nothing. */
	KUNIT_EXPECT_EQ(test, pic_chip_write(&s, 0, 0x62), 0);
	/* So does an EOI with none in service, and it does not rotate. */
	KUNIT_EXPECT_EQ(test, pic_chip_write(&s, 0, 0xa0), 0);
	KUNIT_EXPECT_EQ(test, s.priority_add, 7);
}

static void pic_initialization(struct kunit *test)
{
	struct kvm_pic_state s = { .elcr = BIT(7) };

	pic_chip_set_pin(&s, 1, true);
	pic_chip_set_pin(&s, 7, true);
	pic_chip_set_pin(&s, 0, true);
	pic_chip_ack(&s, 0);
	s.imr = 0x55;
	/* Edges and what is in service are forgotten, a level is not. */
	KUNIT_EXPECT_EQ(test, pic_chip_write(&s, 0, 0x11), BIT(0) | BIT(1));
	KUNIT_EXPECT_EQ(test, s.irr, BIT(7));
	KUNIT_EXPECT_EQ(test, s.imr, 0);
	pic_chip_write(&s, 1, 0x2f);
	KUNIT_EXPECT_EQ(test, s.irq_base, 0x28);
	pic_chip_write(&s, 1, 0x04);
	pic_chip_write(&s, 1, 0x13);
	KUNIT_EXPECT_TRUE(test, s.auto_eoi);
	KUNIT_EXPECT_TRUE(test, s.special_fully_nested_mode);
	pic_chip_write(&s, 1, 0xfe);
	KUNIT_EXPECT_EQ(test, s.imr, 0xfe);
	/* Automatic EOI: nothing stays in service. */
	pic_chip_write(&s, 1, 0);
	pic_chip_set_pin(&s, 2, true);
	KUNIT_EXPECT_EQ(test, pic_chip_ack(&s, 2), BIT(2));
	KUNIT_EXPECT_EQ(test, s.isr, 0);
	/* Without ICW4 its modes are off. */
	pic_chip_write(&s, 0, 0x10);
	pic_chip_write(&s, 1, 0x08);
	pic_chip_write(&s, 1, 0x00);
	KUNIT_EXPECT_EQ(test, s.init_state, 0);
	KUNIT_EXPECT_FALSE(test, s.auto_eoi);
}

/* Nothing that userspace may install leads a shift or an index astray. */
static void pic_hostile_state(struct kunit *test)
{
	struct kvm_pic_state s;

	memset(&s, 0xff, sizeof(s));
	pic_chip_sanitize(&s);
	KUNIT_EXPECT_LT(test, s.priority_add, 8);
	KUNIT_EXPECT_EQ(test, s.irq_base & 7, 0);
	s.imr = 0;
	s.isr = 0;
	KUNIT_EXPECT_GE(test, pic_chip_pending(&s, 0), 0);
	KUNIT_EXPECT_LT(test, pic_chip_pending(&s, 0), 8);
	pic_chip_write(&s, 0, 0x11);
	KUNIT_EXPECT_EQ(test, s.init_state, 1);
}

/*
 * The pair
 */
static void out(struct kvm *kvm, enum pic_part part, unsigned int reg, u8 val)
{
	kvm_pic_write(kvm, part, reg, 1, &val);
}

static u8 in(struct kvm *kvm, enum pic_part part, unsigned int reg)
{
	u8 val;

	kvm_pic_read(kvm, part, reg, 1, &val);
	return val;
}

static void set_up(struct kvm *kvm)
{
	out(kvm, PIC_MASTER, 0, 0x11);
	out(kvm, PIC_MASTER, 1, 0x20);
	out(kvm, PIC_MASTER, 1, 0x04);
	out(kvm, PIC_MASTER, 1, 0x01);
	out(kvm, PIC_SLAVE, 0, 0x11);
	out(kvm, PIC_SLAVE, 1, 0x28);
	out(kvm, PIC_SLAVE, 1, 0x02);
	out(kvm, PIC_SLAVE, 1, 0x01);
}

static void pulse(struct kvm *kvm, unsigned int pin)
{
	kvm_pic_set_irq(kvm->pic, pin, KVM_IRQ_SOURCE_USERSPACE, true);
	kvm_pic_set_irq(kvm->pic, pin, KVM_IRQ_SOURCE_USERSPACE, false);
}

static void pic_cascade(struct kunit *test)
{
	struct kvm *kvm = test->priv;

	set_up(kvm);
	KUNIT_EXPECT_FALSE(test, kvm_pic_has_irq(kvm));
	pulse(kvm, 12);
	pulse(kvm, 1);
	KUNIT_EXPECT_TRUE(test, kvm_pic_has_irq(kvm));
	KUNIT_EXPECT_EQ(test, kvm_pic_ack_irq(kvm), 0x21);
	KUNIT_EXPECT_FALSE(test, kvm_pic_has_irq(kvm));
	out(kvm, PIC_MASTER, 0, 0x20);
	KUNIT_EXPECT_TRUE(test, kvm_pic_has_irq(kvm));
	KUNIT_EXPECT_EQ(test, kvm_pic_ack_irq(kvm), 0x2c);
	out(kvm, PIC_MASTER, 0, 0x0b);
	KUNIT_EXPECT_EQ(test, in(kvm, PIC_MASTER, 0), BIT(2));
	out(kvm, PIC_SLAVE, 0, 0x0b);
	KUNIT_EXPECT_EQ(test, in(kvm, PIC_SLAVE, 0), BIT(4));
	out(kvm, PIC_SLAVE, 0, 0x20);
	out(kvm, PIC_MASTER, 0, 0x20);
	KUNIT_EXPECT_EQ(test, in(kvm, PIC_MASTER, 0), 0);
	KUNIT_EXPECT_FALSE(test, kvm_pic_has_irq(kvm));
}

static void pic_spurious(struct kunit *test)
{
	struct kvm *kvm = test->priv;

	set_up(kvm);
	KUNIT_EXPECT_EQ(test, kvm_pic_ack_irq(kvm), 0x27);
	out(kvm, PIC_MASTER, 0, 0x0b);
	KUNIT_EXPECT_EQ(test, in(kvm, PIC_MASTER, 0), 0);
	/* The slave's request goes away behind the master's back. */
	pulse(kvm, 9);
	out(kvm, PIC_SLAVE, 1, 0xff);
	KUNIT_EXPECT_EQ(test, kvm_pic_ack_irq(kvm), 0x2f);
}

/* A line is the OR of those who drive it. */
static void pic_shared_line(struct kunit *test)
{
	struct kvm *kvm = test->priv;

	set_up(kvm);
	out(kvm, PIC_ELCR, 1, 0xff);
	KUNIT_EXPECT_EQ(test, in(kvm, PIC_ELCR, 1), 0xde);
	kvm_pic_set_irq(kvm->pic, 10, KVM_IRQ_SOURCE_USERSPACE, true);
	kvm_pic_set_irq(kvm->pic, 10, KVM_IRQ_SOURCE_RESAMPLE, true);
	kvm_pic_set_irq(kvm->pic, 10, KVM_IRQ_SOURCE_USERSPACE, false);
	KUNIT_EXPECT_EQ(test, kvm_pic_ack_irq(kvm), 0x2a);
	out(kvm, PIC_SLAVE, 0, 0x20);
	out(kvm, PIC_MASTER, 0, 0x20);
	KUNIT_EXPECT_TRUE(test, kvm_pic_has_irq(kvm));
	kvm_pic_set_irq(kvm->pic, 10, KVM_IRQ_SOURCE_RESAMPLE, false);
	KUNIT_EXPECT_EQ(test, kvm_pic_ack_irq(kvm), 0x2f);
}

static void pic_poll(struct kunit *test)
{
	struct kvm *kvm = test->priv;

	set_up(kvm);
	out(kvm, PIC_MASTER, 0, 0x0c);
	KUNIT_EXPECT_EQ(test, in(kvm, PIC_MASTER, 0), 7);
	pulse(kvm, 4);
	out(kvm, PIC_MASTER, 0, 0x0c);
	KUNIT_EXPECT_EQ(test, in(kvm, PIC_MASTER, 0), 0x84);
	KUNIT_EXPECT_FALSE(test, kvm_pic_has_irq(kvm));
}

static void pic_state_round_trip(struct kunit *test)
{
	struct kvm *kvm = test->priv;
	struct kvm_pic_state saved, again;

	set_up(kvm);
	pulse(kvm, 11);
	kvm_pic_get_state(kvm->pic, PIC_SLAVE, &saved);
	KUNIT_EXPECT_EQ(test, saved.irr, BIT(3));
	kvm_pic_set_state(kvm->pic, PIC_SLAVE, &saved);
	kvm_pic_get_state(kvm->pic, PIC_SLAVE, &again);
	KUNIT_EXPECT_MEMEQ(test, &saved, &again, sizeof(saved));
	KUNIT_EXPECT_EQ(test, kvm_pic_ack_irq(kvm), 0x2b);
}

/* Wider accesses than the chip's bus are swallowed. */
static void pic_width(struct kunit *test)
{
	struct kvm *kvm = test->priv;
	u32 val = ~0U;

	set_up(kvm);
	KUNIT_EXPECT_TRUE(test, kvm_pic_write(kvm, PIC_MASTER, 0, 2, &val));
	KUNIT_EXPECT_TRUE(test, kvm_pic_read(kvm, PIC_MASTER, 0, 2, &val));
	KUNIT_EXPECT_EQ(test, val, 0xffff0000);
}

static int pic_init(struct kunit *test)
{
	struct kvm *kvm = fake_vm_create(test);

	test->priv = kvm;
	KUNIT_ASSERT_EQ(test, kvm_vm_ioctl_irq(kvm, KVM_CREATE_IRQCHIP, NULL), 0);
	return 0;
}

static struct kunit_case pic_chip_cases[] = {
	KUNIT_CASE(pic_edge),
	KUNIT_CASE(pic_level),
	KUNIT_CASE(pic_priorities),
	KUNIT_CASE(pic_rotation),
	KUNIT_CASE(pic_initialization),
	KUNIT_CASE(pic_hostile_state),
	{}
};

static struct kunit_case pic_pair_cases[] = {
	KUNIT_CASE(pic_cascade),
	KUNIT_CASE(pic_spurious),
	KUNIT_CASE(pic_shared_line),
	KUNIT_CASE(pic_poll),
	KUNIT_CASE(pic_state_round_trip),
	KUNIT_CASE(pic_width),
	{}
};

static struct kunit_suite pic_chip_suite = {
	.name = "pic-chip",
	.test_cases = pic_chip_cases,
};

static struct kunit_suite pic_pair_suite = {
	.name = "pic",
	.init = pic_init,
	.test_cases = pic_pair_cases,
};

kunit_test_suites(&pic_chip_suite, &pic_pair_suite);
