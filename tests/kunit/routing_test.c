// SPDX-License-Identifier: GPL-2.0-only
/*
 * GSI routing (core/irq/routing.c): which entries make routes, what messages
 * mean, where a GSI leads, and the way back from pins.
 */
#include "core/irq/pic.h"
#include "core/irq/routing.h"
#include "tests/kunit/irq_world.h"

static struct kvm_irq_routing_entry pin_entry(u32 gsi, u32 chip, u32 pin)
{
	return (struct kvm_irq_routing_entry){
		.gsi = gsi, .type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip = { .irqchip = chip, .pin = pin },
	};
}

static struct kvm_irq_routing_entry msi_entry(u32 gsi, u32 lo, u32 hi, u32 data)
{
	return (struct kvm_irq_routing_entry){
		.gsi = gsi, .type = KVM_IRQ_ROUTING_MSI,
		.u.msi = { .address_lo = lo, .address_hi = hi, .data = data },
	};
}

static int build(const struct kvm_irq_routing_entry *entries, u32 nr, enum kvm_irqchip_mode mode,
		 bool wide)
{
	struct kvm_routing *routing = kvm_routing_build(entries, nr, mode, wide);

	if (IS_ERR(routing))
		return PTR_ERR(routing);
	kvfree(routing);
	return 0;
}

static int build_one(struct kvm_irq_routing_entry entry, enum kvm_irqchip_mode mode)
{
	return build(&entry, 1, mode, false);
}

static void routing_legal_pins(struct kunit *test)
{
	static const struct {
		u32 gsi, irqchip, pin, flags;
		enum kvm_irqchip_mode mode;
		int result;
	} cases[] = {
		{ 4095, 0, 7, 0, KVM_IRQCHIP_KERNEL, 0 },
		{ 4096, 0, 7, 0, KVM_IRQCHIP_KERNEL, -EINVAL },
		{ ~0U, 0, 7, 0, KVM_IRQCHIP_KERNEL, -EINVAL },
		{ 0, 0, 8, 0, KVM_IRQCHIP_KERNEL, -EINVAL },
		{ 0, 1, 8, 0, KVM_IRQCHIP_KERNEL, -EINVAL },
		{ 0, 2, 23, 0, KVM_IRQCHIP_KERNEL, 0 },
		{ 0, 2, 24, 0, KVM_IRQCHIP_KERNEL, -EINVAL },
		{ 0, 3, 0, 0, KVM_IRQCHIP_KERNEL, -EINVAL },
		{ 0, 2, 0, 0, KVM_IRQCHIP_SPLIT, -EINVAL },
		{ 0, 2, 0, KVM_MSI_VALID_DEVID, KVM_IRQCHIP_KERNEL, -EINVAL },
	};
	struct kvm_irq_routing_entry e;
	int i;

	KUNIT_EXPECT_EQ(test, build(NULL, 0, KVM_IRQCHIP_KERNEL, false), 0);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		e = pin_entry(cases[i].gsi, cases[i].irqchip, cases[i].pin);
		e.flags = cases[i].flags;
		KUNIT_EXPECT_EQ_MSG(test, build_one(e, cases[i].mode), cases[i].result,
				    "case %d", i);
	}
}

static void routing_legal_messages(struct kunit *test)
{
	struct kvm_irq_routing_entry e;

	e = msi_entry(0, 0xfee00000, 0, 0x4041);
	KUNIT_EXPECT_EQ(test, build_one(e, KVM_IRQCHIP_SPLIT), 0);
	e.flags = KVM_MSI_VALID_DEVID;
	KUNIT_EXPECT_EQ(test, build_one(e, KVM_IRQCHIP_SPLIT), 0);
	e.flags = 2;
	KUNIT_EXPECT_EQ(test, build_one(e, KVM_IRQCHIP_SPLIT), -EINVAL);
	e = msi_entry(0, 0xfee00000, 0x101, 0);
	KUNIT_EXPECT_EQ(test, build(&e, 1, KVM_IRQCHIP_KERNEL, false), 0);
	KUNIT_EXPECT_EQ(test, build(&e, 1, KVM_IRQCHIP_KERNEL, true), -EINVAL);
	e.type = KVM_IRQ_ROUTING_HV_SINT;
	KUNIT_EXPECT_EQ(test, build_one(e, KVM_IRQCHIP_KERNEL), -EINVAL);
}

/* One pin of each chip, or one message. */
static void routing_joins(struct kunit *test)
{
	const struct kvm_irq_routing_entry three[] = {
		pin_entry(9, 2, 9), pin_entry(9, 1, 1), pin_entry(9, 0, 3),
	};
	const struct kvm_irq_routing_entry same_chip[] = { pin_entry(9, 2, 9), pin_entry(9, 2, 8) };
	const struct kvm_irq_routing_entry mixed[] = { pin_entry(9, 2, 9), msi_entry(9, 0, 0, 0) };
	const struct kvm_irq_routing_entry apart[] = { msi_entry(9, 0, 0, 0), pin_entry(8, 2, 9) };
	const struct kvm_irq_routing_entry two_msi[] = {
		msi_entry(9, 0, 0, 0), msi_entry(9, 0, 0, 0),
	};

	KUNIT_EXPECT_EQ(test, build(three, 3, KVM_IRQCHIP_KERNEL, false), 0);
	KUNIT_EXPECT_EQ(test, build(same_chip, 2, KVM_IRQCHIP_KERNEL, false), -EINVAL);
	KUNIT_EXPECT_EQ(test, build(mixed, 2, KVM_IRQCHIP_KERNEL, false), -EINVAL);
	KUNIT_EXPECT_EQ(test, build(two_msi, 2, KVM_IRQCHIP_KERNEL, false), -EINVAL);
	KUNIT_EXPECT_EQ(test, build(apart, 2, KVM_IRQCHIP_KERNEL, false), 0);
}

static void routing_order(struct kunit *test)
{
	const struct kvm_irq_routing_entry scrambled[] = {
		msi_entry(30, 0, 0, 3), pin_entry(2, 2, 5), msi_entry(10, 0, 0, 1),
		pin_entry(2, 0, 6), msi_entry(4095, 0, 0, 4),
	};
	struct kvm_routing *r;

	r = kvm_routing_build(scrambled, ARRAY_SIZE(scrambled), KVM_IRQCHIP_KERNEL, false);
	KUNIT_ASSERT_FALSE(test, IS_ERR(r));
	KUNIT_EXPECT_EQ(test, r->first[2], 0);
	KUNIT_EXPECT_EQ(test, r->first[3], 2);
	KUNIT_EXPECT_EQ(test, r->route[r->first[10]].msi.data, 1);
	KUNIT_EXPECT_EQ(test, r->route[r->first[30]].msi.data, 3);
	KUNIT_EXPECT_EQ(test, r->route[r->first[4095]].msi.data, 4);
	KUNIT_EXPECT_EQ(test, r->first[4096], 5);
	KUNIT_EXPECT_EQ(test, r->gsi_of_pin[KVM_IRQCHIP_IOAPIC][5], 2);
	KUNIT_EXPECT_EQ(test, r->gsi_of_pin[KVM_IRQCHIP_PIC_MASTER][6], 2);
	KUNIT_EXPECT_EQ(test, r->gsi_of_pin[KVM_IRQCHIP_IOAPIC][2], -1);
	kvfree(r);
}

static void routing_msi_decode(struct kunit *test)
{
	struct kvm_msi_message m = {
		.address_lo = 0xfee0500c, .address_hi = 0x12345600, .data = 0x8741,
	};
	struct kvm_lapic_irq irq = kvm_msi_decode(&m, false);

	KUNIT_EXPECT_EQ(test, irq.dest_id, 5);
	KUNIT_EXPECT_EQ(test, irq.vector, 0x41);
	KUNIT_EXPECT_EQ(test, irq.delivery_mode, APIC_DM_EXTINT);
	KUNIT_EXPECT_TRUE(test, irq.logical);
	KUNIT_EXPECT_TRUE(test, irq.redir_hint);
	KUNIT_EXPECT_TRUE(test, irq.trig_level);
	KUNIT_EXPECT_TRUE(test, irq.level);
	KUNIT_EXPECT_EQ(test, kvm_msi_decode(&m, true).dest_id, 0x12345605);
	m = (struct kvm_msi_message){ .address_lo = 0xfee00000, .data = 0x31 };
	irq = kvm_msi_decode(&m, false);
	KUNIT_EXPECT_FALSE(test, irq.logical || irq.redir_hint || irq.trig_level);
	KUNIT_EXPECT_EQ(test, irq.delivery_mode, APIC_DM_FIXED);
}

static int drive(struct irq_world *w, u32 gsi, bool level)
{
	return kvm_set_irq(w->kvm, KVM_IRQ_SOURCE_USERSPACE, gsi, level, true);
}

/* The default: GSI n is pin n of the I/O APIC, and of the PICs below 16. */
static void routing_default(struct kunit *test)
{
	struct irq_world *w = test->priv;

	ioapic_route(w->kvm, 4, rte_to(0, 0x44, false));
	KUNIT_EXPECT_EQ(test, drive(w, 4, true), 2);
	KUNIT_EXPECT_TRUE(test, irr_test(w->vcpu[0], 0x44));
	KUNIT_EXPECT_TRUE(test, kvm_pic_has_irq(w->kvm));
	KUNIT_EXPECT_EQ(test, w->kvm->pic->chip[PIC_MASTER].irr, BIT(4));
	ioapic_route(w->kvm, 20, rte_to(1, 0x54, false));
	KUNIT_EXPECT_EQ(test, drive(w, 20, true), 1);
	KUNIT_EXPECT_TRUE(test, irr_test(w->vcpu[1], 0x54));
	/* Nowhere. */
	KUNIT_EXPECT_EQ(test, drive(w, 24, true), -1);
	KUNIT_EXPECT_EQ(test, drive(w, 4096, true), -1);
	KUNIT_EXPECT_EQ(test, drive(w, ~0U, true), -1);
}

static void routing_line_ioctl(struct kunit *test)
{
	struct irq_world *w = test->priv;
	struct kvm_irq_level irq = { .irq = 10, .level = 1 };
	struct kvm_msi msi = { .address_lo = 0xfee01000, .data = 0x45 };

	KUNIT_EXPECT_EQ(test, kvm_vm_ioctl_irq_line(w->kvm, &irq, true), 0);
	/* The I/O APIC's pin is masked, the PIC's is not. */
	KUNIT_EXPECT_EQ(test, irq.status, 1);
	KUNIT_EXPECT_EQ(test, kvm_vm_ioctl_signal_msi(w->kvm, &msi), 1);
	KUNIT_EXPECT_TRUE(test, irr_test(w->vcpu[1], 0x45));
	KUNIT_EXPECT_EQ(test, kvm_vm_ioctl_signal_msi(w->kvm, &msi), 0);
	msi.flags = 2;
	KUNIT_EXPECT_EQ(test, kvm_vm_ioctl_signal_msi(w->kvm, &msi), -EINVAL);
	msi.flags = 0;
	msi.address_hi = 1;
	w->kvm->x2apic_format = true;
	KUNIT_EXPECT_EQ(test, kvm_vm_ioctl_signal_msi(w->kvm, &msi), -EINVAL);
}

static void routing_replaced(struct kunit *test)
{
	const struct kvm_irq_routing_entry entry = msi_entry(4, 0xfee01000, 0, 0x46);
	struct irq_world *w = test->priv;
	struct kvm_msi_message msi;
	int idx;

	kvm_routing_publish(w->kvm, kvm_routing_build(&entry, 1, KVM_IRQCHIP_KERNEL, false));
	KUNIT_EXPECT_EQ(test, drive(w, 4, true), 1);
	KUNIT_EXPECT_TRUE(test, irr_test(w->vcpu[1], 0x46));
	/* A message has no low level, and the PIC is no longer reached. */
	KUNIT_EXPECT_EQ(test, drive(w, 4, false), -1);
	KUNIT_EXPECT_FALSE(test, kvm_pic_has_irq(w->kvm));
	KUNIT_EXPECT_EQ(test, drive(w, 5, true), -1);
	idx = srcu_read_lock(&w->kvm->irq_srcu);
	KUNIT_EXPECT_TRUE(test, kvm_routing_get_msi(w->kvm, 4, &msi));
	KUNIT_EXPECT_EQ(test, msi.data, 0x46);
	KUNIT_EXPECT_FALSE(test, kvm_routing_get_msi(w->kvm, 5, &msi));
	srcu_read_unlock(&w->kvm->irq_srcu, idx);
}

/* Only the timer waits for the end of its GSI, wherever that leads. */
static void routing_notifiers(struct kunit *test)
{
	const struct kvm_irq_routing_entry pin2 = pin_entry(0, KVM_IRQCHIP_IOAPIC, 2);
	struct irq_world *w = test->priv;

	KUNIT_EXPECT_FALSE(test, kvm_irq_has_notifier(w->kvm, KVM_IRQCHIP_IOAPIC, 0));
	KUNIT_ASSERT_EQ(test, kvm_vm_ioctl_irq(w->kvm, KVM_CREATE_PIT, NULL), 0);
	KUNIT_EXPECT_TRUE(test, kvm_irq_has_notifier(w->kvm, KVM_IRQCHIP_IOAPIC, 0));
	KUNIT_EXPECT_TRUE(test, kvm_irq_has_notifier(w->kvm, KVM_IRQCHIP_PIC_MASTER, 0));
	KUNIT_EXPECT_FALSE(test, kvm_irq_has_notifier(w->kvm, KVM_IRQCHIP_IOAPIC, 2));
	kvm_routing_publish(w->kvm, kvm_routing_build(&pin2, 1, KVM_IRQCHIP_KERNEL, false));
	KUNIT_EXPECT_TRUE(test, kvm_irq_has_notifier(w->kvm, KVM_IRQCHIP_IOAPIC, 2));
	KUNIT_EXPECT_FALSE(test, kvm_irq_has_notifier(w->kvm, KVM_IRQCHIP_IOAPIC, 0));
}

static void routing_modes(struct kunit *test)
{
	struct kvm *kvm = fake_vm_create(test);
	struct kvm_irq_level irq = {};
	struct kvm_msi msi = {};

	KUNIT_EXPECT_EQ(test, kvm_vm_ioctl_irq_line(kvm, &irq, false), -ENXIO);
	KUNIT_EXPECT_EQ(test, kvm_vm_ioctl_signal_msi(kvm, &msi), -EINVAL);
	KUNIT_EXPECT_EQ(test, kvm_vm_ioctl_irq(kvm, KVM_CREATE_IRQCHIP, NULL), 0);
	KUNIT_EXPECT_EQ(test, kvm_vm_ioctl_irq(kvm, KVM_CREATE_IRQCHIP, NULL), -EEXIST);
	mutex_lock(&kvm->lock);
	KUNIT_EXPECT_EQ(test, kvm_enable_split_irqchip(kvm, 24), -EEXIST);
	KUNIT_EXPECT_EQ(test, kvm_enable_split_irqchip(kvm, 4097), -EINVAL);
	mutex_unlock(&kvm->lock);
	kvm = fake_vm_create(test);
	fake_vcpu_create(test, kvm);
	KUNIT_EXPECT_EQ(test, kvm_vm_ioctl_irq(kvm, KVM_CREATE_IRQCHIP, NULL), -EINVAL);
}

static int routing_init(struct kunit *test)
{
	test->priv = irq_world_create(test, false);
	return 0;
}

static struct kunit_case routing_test_cases[] = {
	KUNIT_CASE(routing_legal_pins),
	KUNIT_CASE(routing_legal_messages),
	KUNIT_CASE(routing_joins),
	KUNIT_CASE(routing_order),
	KUNIT_CASE(routing_msi_decode),
	KUNIT_CASE(routing_default),
	KUNIT_CASE(routing_line_ioctl),
	KUNIT_CASE(routing_replaced),
	KUNIT_CASE(routing_notifiers),
	KUNIT_CASE(routing_modes),
	{}
};

static struct kunit_suite routing_test_suite = {
	.name = "routing",
	.init = routing_init,
	.test_cases = routing_test_cases,
};

kunit_test_suites(&routing_test_suite);
