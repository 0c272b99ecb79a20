// SPDX-License-Identifier: GPL-2.0-only
/*
 * The core's part where hardware delivers interrupts: what it must not do any
 * more, what it must still do, and how the delivery changes hands.
 */
#include "core/event.h"
#include "core/irq/inhibit.h"
#include "core/irq/inject.h"
#include "core/irq/irqchip.h"
#include "core/irq/lapic.h"
#include "core/request.h"
#include "ops/apic.h"
#include "tests/fake/fake.h"

#define VECTOR	0x41
#define HIGHER	0x62

static int apicv_init(struct kunit *test)
{
	struct kvm_vcpu *vcpu;
	struct kvm *kvm;

	fake_hw.apicv = true;
	kvm = fake_vm_create(test);
	/* As KVM_CREATE_IRQCHIP does, without chips: the local APIC is what is tested. */
	kvm->irqchip_mode = KVM_IRQCHIP_SPLIT;
	vcpu = fake_vcpu_create(test, kvm);
	KUNIT_ASSERT_NOT_NULL(test, vcpu->lapic);
	kvm_lapic_write_reg(vcpu, APIC_SPIV, APIC_SPIV_APIC_ENABLED | 0xff);
	vcpu->requests = 0;
	fake_log_clear(to_fake(vcpu));
	test->priv = vcpu;
	return 0;
}

static void apicv_exit(struct kunit *test)
{
	fake_hw_reset();
}

static int accept(struct kvm_vcpu *vcpu, u8 vector)
{
	return kvm_lapic_accept_irq(vcpu, APIC_DM_FIXED, vector, true, false);
}

static u64 raises(struct kvm_vcpu *vcpu, enum event_reason reason)
{
	return vcpu->stat.event_raise[reason];
}

/* What hardware does: the highest vector goes from IRR to ISR. */
static void hardware_takes(struct kvm_vcpu *vcpu, u8 vector)
{
	__clear_bit(vector % 32, lapic_vector_word(vcpu->lapic->regs + APIC_IRR, vector));
	__set_bit(vector % 32, lapic_vector_word(vcpu->lapic->regs + APIC_ISR, vector));
}

/* An interrupt is posted: no request, no evaluation, nothing for software to inject. */
static void apicv_accept_asks_nobody(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	KUNIT_ASSERT_TRUE(test, kvm_x86_apicv_active(vcpu));
	KUNIT_EXPECT_EQ(test, accept(vcpu, VECTOR), 1);
	KUNIT_EXPECT_EQ(test, accept(vcpu, VECTOR), 0);
	KUNIT_EXPECT_EQ(test, vcpu->requests, 0UL);
	KUNIT_EXPECT_EQ(test, kvm_x86_sync_pir_to_irr(vcpu), VECTOR);
	KUNIT_EXPECT_EQ(test, kvm_lapic_deliverable(vcpu), -1);
	KUNIT_EXPECT_FALSE(test, kvm_irq_waits(vcpu));
	KUNIT_EXPECT_EQ(test, vcpu->requests, 0UL);
}

/* The hardware owns PPR: an EOI or a TPR write that exited is no reason to look. */
static void apicv_ppr_is_hardwares(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	accept(vcpu, VECTOR);
	kvm_x86_sync_pir_to_irr(vcpu);
	hardware_takes(vcpu, VECTOR);
	accept(vcpu, VECTOR + 1);
	kvm_x86_sync_pir_to_irr(vcpu);
	lapic_set_reg(vcpu->lapic, APIC_PROCPRI, 0xa5);

	kvm_lapic_write_reg(vcpu, APIC_TASKPRI, 0x80);
	kvm_lapic_write_reg(vcpu, APIC_TASKPRI, 0);
	kvm_lapic_write_reg(vcpu, APIC_EOI, 0);
	KUNIT_EXPECT_EQ(test, kvm_lapic_highest_isr(vcpu), -1);
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->log.count[FAKE_HWAPIC_ISR], 1U);
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->log.count[FAKE_CR8_INTERCEPT], 0U);
	KUNIT_EXPECT_EQ(test, raises(vcpu, EVENT_PPR_TPR) + raises(vcpu, EVENT_PPR_EOI), 0ULL);
	KUNIT_EXPECT_EQ(test, lapic_reg(vcpu->lapic, APIC_PROCPRI), 0xa5U);
}

/* HLT ends for a posted interrupt, and only for one that the priority lets through. */
static void apicv_halt_ends(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	KUNIT_EXPECT_FALSE(test, kvm_lapic_ends_halt(vcpu));
	kvm_lapic_write_reg(vcpu, APIC_TASKPRI, 0x50);
	accept(vcpu, VECTOR);
	KUNIT_EXPECT_TRUE(test, kvm_x86_pi_has_pending_interrupt(vcpu));
	KUNIT_EXPECT_FALSE(test, kvm_lapic_ends_halt(vcpu));
	KUNIT_EXPECT_FALSE(test, kvm_x86_pi_has_pending_interrupt(vcpu));
	accept(vcpu, HIGHER);
	KUNIT_EXPECT_TRUE(test, kvm_lapic_ends_halt(vcpu));
}

/* The guest makes hardware unfit: what is posted and what is in service are not lost. */
static void apicv_inhibit_loses_nothing(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	accept(vcpu, HIGHER);
	kvm_x86_sync_pir_to_irr(vcpu);
	hardware_takes(vcpu, HIGHER);
	accept(vcpu, VECTOR);

	kvm_set_apicv_inhibit(vcpu->kvm, APICV_INHIBIT_REASON_APIC_ID_MODIFIED);
	KUNIT_EXPECT_TRUE(test, kvm_check_request(KVM_REQ_APICV_UPDATE, vcpu));
	kvm_x86_refresh_apicv_exec_ctrl(vcpu);
	KUNIT_EXPECT_FALSE(test, kvm_x86_apicv_active(vcpu));
	KUNIT_EXPECT_EQ(test, kvm_lapic_highest_isr(vcpu), HIGHER);
	KUNIT_EXPECT_EQ(test, kvm_lapic_highest_irr(vcpu), VECTOR);
	/* Masked by what is in service; its EOI, which exits now, unmasks it. */
	KUNIT_EXPECT_EQ(test, kvm_lapic_deliverable(vcpu), -1);
	kvm_lapic_write_reg(vcpu, APIC_EOI, 0);
	KUNIT_EXPECT_EQ(test, raises(vcpu, EVENT_PPR_EOI), 1ULL);
	KUNIT_EXPECT_EQ(test, kvm_lapic_deliverable(vcpu), VECTOR);
}

/* Whether an EOI is to come is known of a posted interrupt too, and nothing is collected for it. */
static void apicv_pending_eoi(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	KUNIT_EXPECT_FALSE(test, kvm_lapic_pending_eoi(vcpu, VECTOR));
	accept(vcpu, VECTOR);
	KUNIT_EXPECT_TRUE(test, kvm_lapic_pending_eoi(vcpu, VECTOR));
	KUNIT_EXPECT_TRUE(test, kvm_x86_pi_has_pending_interrupt(vcpu));
	kvm_x86_sync_pir_to_irr(vcpu);
	KUNIT_EXPECT_TRUE(test, kvm_lapic_pending_eoi(vcpu, VECTOR));
	hardware_takes(vcpu, VECTOR);
	KUNIT_EXPECT_TRUE(test, kvm_lapic_pending_eoi(vcpu, VECTOR));
}

/* A deliverable interrupt is asked for when software takes over. */
static void apicv_inhibit_asks(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	accept(vcpu, VECTOR);
	kvm_set_apicv_inhibit(vcpu->kvm, APICV_INHIBIT_REASON_APIC_BASE_MODIFIED);
	kvm_check_request(KVM_REQ_APICV_UPDATE, vcpu);
	kvm_x86_refresh_apicv_exec_ctrl(vcpu);
	KUNIT_EXPECT_TRUE(test, kvm_check_request(KVM_REQ_EVENT, vcpu));
	KUNIT_EXPECT_EQ(test, kvm_lapic_deliverable(vcpu), VECTOR);
}

/* A second reason, and the same again, disturb nobody. */
static void apicv_inhibit_once(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	kvm_set_apicv_inhibit(vcpu->kvm, APICV_INHIBIT_REASON_APIC_ID_MODIFIED);
	KUNIT_EXPECT_TRUE(test, kvm_check_request(KVM_REQ_APICV_UPDATE, vcpu));
	kvm_set_apicv_inhibit(vcpu->kvm, APICV_INHIBIT_REASON_APIC_ID_MODIFIED);
	KUNIT_EXPECT_FALSE(test, kvm_test_request(KVM_REQ_APICV_UPDATE, vcpu));
}

/* The guest's own deeds: another xAPIC id, another place of the page. */
static void apicv_guest_inhibits(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	unsigned long *reasons = &vcpu->kvm->apicv_inhibit_reasons;
	u64 old = vcpu->apic_base;

	kvm_lapic_write_reg(vcpu, APIC_ID, vcpu->vcpu_id << 24);
	KUNIT_EXPECT_EQ(test, *reasons, 0UL);
	kvm_lapic_write_reg(vcpu, APIC_ID, (vcpu->vcpu_id + 1) << 24);
	KUNIT_EXPECT_EQ(test, *reasons, BIT(APICV_INHIBIT_REASON_APIC_ID_MODIFIED));
	*reasons = 0;
	vcpu->apic_base = old + PAGE_SIZE;
	kvm_lapic_base_changed(vcpu, old);
	KUNIT_EXPECT_EQ(test, *reasons, BIT(APICV_INHIBIT_REASON_APIC_BASE_MODIFIED));
}

/* An APIC that is switched off delivers nothing; switched on, hardware does again. */
static void apicv_follows_enable(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	u64 old = vcpu->apic_base;

	vcpu->apic_base = old & ~(u64)MSR_IA32_APICBASE_ENABLE;
	kvm_lapic_base_changed(vcpu, old);
	KUNIT_EXPECT_FALSE(test, kvm_x86_apicv_active(vcpu));
	vcpu->apic_base = old;
	kvm_lapic_base_changed(vcpu, old & ~(u64)MSR_IA32_APICBASE_ENABLE);
	KUNIT_EXPECT_TRUE(test, kvm_x86_apicv_active(vcpu));
}

static struct kunit_case apicv_cases[] = {
	KUNIT_CASE(apicv_accept_asks_nobody),
	KUNIT_CASE(apicv_ppr_is_hardwares),
	KUNIT_CASE(apicv_halt_ends),
	KUNIT_CASE(apicv_inhibit_loses_nothing),
	KUNIT_CASE(apicv_pending_eoi),
	KUNIT_CASE(apicv_inhibit_asks),
	KUNIT_CASE(apicv_inhibit_once),
	KUNIT_CASE(apicv_guest_inhibits),
	KUNIT_CASE(apicv_follows_enable),
	{}
};

static struct kunit_suite apicv_suite = {
	.name = "apicv",
	.init = apicv_init,
	.exit = apicv_exit,
	.test_cases = apicv_cases,
};

kunit_test_suite(apicv_suite);
