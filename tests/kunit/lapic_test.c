// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC by itself: its rules, and when a change of what is pending, in
 * service or masked asks for an evaluation of events (core/irq/lapic.c,
 * lapic_access.c, lapic_state.c). Destinations are in ipi_test.c, the timer is
 * in lapic_timer_test.c, sleeping in block_test.c.
 */
#include <kunit/test.h>

#include "core/cpuid.h"
#include "core/event.h"
#include "core/exit.h"
#include "core/fastpath.h"
#include "core/irq/inject.h"
#include "core/irq/irqchip.h"
#include "core/irq/lapic.h"
#include "core/msr.h"
#include "core/request.h"
#include "core/vm.h"
#include "tests/fake/fake.h"

#define X2APIC(reg)	(APIC_BASE_MSR + ((reg) >> 4))

/* A vCPU with a local APIC that is on and software-enabled. */
static int init_with_lapic(struct kunit *test)
{
	struct kvm *kvm = fake_vm_create(test);
	struct kvm_vcpu *vcpu;

	kvm->irqchip_mode = KVM_IRQCHIP_SPLIT;
	vcpu = fake_vcpu_create(test, kvm);
	KUNIT_ASSERT_TRUE(test, kvm_lapic_write_reg(vcpu, APIC_SPIV, APIC_SPIV_APIC_ENABLED));
	vcpu->requests = 0;
	memset(&vcpu->stat, 0, sizeof(vcpu->stat));
	fake_log_clear(to_fake(vcpu));
	test->priv = vcpu;
	return 0;
}

static void set_x2apic(struct kvm_vcpu *vcpu)
{
	vcpu->cpuid_caps |= BIT(GUEST_CAP_X2APIC);
	kvm_apic_base_write(vcpu, vcpu->apic_base | X2APIC_ENABLE);
}

static u64 raises(struct kvm_vcpu *vcpu)
{
	u64 sum = 0;
	int i;

	for (i = 0; i < NR_EVENT_REASONS; i++)
		sum += vcpu->stat.event_raise[i];
	return sum;
}

/* Exactly this raise since the last look, or none. */
static void expect_raise(struct kunit *test, struct kvm_vcpu *vcpu, enum event_reason reason)
{
	KUNIT_EXPECT_EQ(test, raises(vcpu), 1ULL);
	KUNIT_EXPECT_EQ(test, vcpu->stat.event_raise[reason], 1ULL);
	KUNIT_EXPECT_TRUE(test, kvm_check_request(KVM_REQ_EVENT, vcpu));
	memset(&vcpu->stat, 0, sizeof(vcpu->stat));
}

static void expect_no_raise(struct kunit *test, struct kvm_vcpu *vcpu)
{
	KUNIT_EXPECT_EQ(test, raises(vcpu), 0ULL);
	KUNIT_EXPECT_FALSE(test, kvm_test_request(KVM_REQ_EVENT, vcpu));
}

/* The threshold that the vendor was last told of. */
static int watched(struct kvm_vcpu *vcpu)
{
	const struct fake_log *log = &to_fake(vcpu)->log;
	int i;

	for (i = log->nr - 1; i >= 0; i--) {
		if (log->call[i].op == FAKE_CR8_INTERCEPT)
			return (int)log->call[i].a;
	}
	return -2;
}

/* @vector is accepted and in service. */
static void serve(struct kunit *test, struct kvm_vcpu *vcpu, u8 vector)
{
	KUNIT_ASSERT_EQ(test, kvm_lapic_self_irq(vcpu, vector), 1);
	KUNIT_ASSERT_EQ(test, kvm_lapic_deliverable(vcpu), vector);
	kvm_lapic_take(vcpu, vector);
	vcpu->requests = 0;
	memset(&vcpu->stat, 0, sizeof(vcpu->stat));
}

static void lapic_ppr_table(struct kunit *test)
{
	static const struct { u8 tpr; int isr; u8 ppr; } cases[] = {
		{ 0x00, -1, 0x00 }, { 0x05, -1, 0x05 }, { 0xff, -1, 0xff },
		{ 0x00, 0x31, 0x30 }, { 0x2f, 0x31, 0x30 }, { 0x30, 0x31, 0x30 },
		{ 0x3a, 0x31, 0x3a }, { 0x41, 0x3f, 0x41 }, { 0x00, 0xff, 0xf0 },
		{ 0x00, 0x0f, 0x00 },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		KUNIT_EXPECT_EQ_MSG(test, lapic_ppr(cases[i].tpr, cases[i].isr), cases[i].ppr,
				    "case %d", i);
}

/* An exit only where the write can let the waiting interrupt through; never above TPR. */
static void lapic_threshold(struct kunit *test)
{
	static const struct {
		u8 tpr;
		int irr, isr;
		u8 threshold;
	} cases[] = {
		{ 0x00, -1, -1, 0 },		/* nothing waits */
		{ 0xff, -1, -1, 0 },
		{ 0x00, 0x41, -1, 0 },		/* not held back by TPR */
		{ 0x3f, 0x40, -1, 0 },
		{ 0x40, 0x4f, -1, 4 },		/* held back: a class must be higher, not equal */
		{ 0x9a, 0x41, -1, 4 },
		{ 0xff, 0xff, -1, 15 },
		{ 0xef, 0xf0, -1, 0 },
		{ 0x10, 0x1f, -1, 1 },
		{ 0x00, 0x0f, -1, 0 },		/* vectors below 16 are never delivered */
		{ 0x60, 0x41, 0x31, 4 },	/* and held back by what is in service */
		{ 0x60, 0x41, 0x4f, 0 },
		{ 0x60, 0x41, 0x51, 0 },
	};
	int i, tpr, irr;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		KUNIT_EXPECT_EQ_MSG(test, lapic_tpr_threshold(cases[i].tpr, cases[i].irr,
							      cases[i].isr),
				    cases[i].threshold, "case %d", i);
	for (tpr = 0; tpr < 256; tpr++) {
		for (irr = -1; irr < 256; irr++)
			KUNIT_EXPECT_LE(test, lapic_tpr_threshold(tpr, irr, -1), tpr >> 4);
	}
}

/* A class must be higher; the sub-class does not count. */
static void lapic_rank(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, lapic_outranks(0x40, 0x3f));
	KUNIT_EXPECT_FALSE(test, lapic_outranks(0x4f, 0x40));
	KUNIT_EXPECT_FALSE(test, lapic_outranks(0x0f, 0x00));
	KUNIT_EXPECT_TRUE(test, lapic_outranks(0x10, 0x00));
}

static void lapic_highest(struct kunit *test)
{
	u8 *area = kunit_kzalloc(test, 0x80, GFP_KERNEL);
	int vector;

	KUNIT_ASSERT_NOT_NULL(test, area);
	KUNIT_EXPECT_EQ(test, lapic_find_highest(area), -1);
	for (vector = 0; vector < LAPIC_NR_VECTORS; vector++) {
		set_bit(vector % 32, lapic_vector_word(area, vector));
		KUNIT_EXPECT_EQ(test, lapic_find_highest(area), vector);
	}
}

static void lapic_x2apic_logical_id(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, lapic_x2apic_ldr(0), 0x00000001U);
	KUNIT_EXPECT_EQ(test, lapic_x2apic_ldr(15), 0x00008000U);
	KUNIT_EXPECT_EQ(test, lapic_x2apic_ldr(16), 0x00010001U);
	KUNIT_EXPECT_EQ(test, lapic_x2apic_ldr(0x123), 0x00120008U);
}

static void lapic_power_on(struct kunit *test)
{
	struct kvm *kvm = fake_vm_create(test);
	struct kvm_vcpu *bsp, *ap;

	kvm->irqchip_mode = KVM_IRQCHIP_SPLIT;
	bsp = fake_vcpu_create(test, kvm);
	ap = fake_vcpu_create(test, kvm);
	KUNIT_EXPECT_EQ(test, bsp->apic_base, 0xfee00900ULL);
	KUNIT_EXPECT_EQ(test, ap->apic_base, 0xfee00800ULL);
	KUNIT_EXPECT_EQ(test, lapic_reg(ap->lapic, APIC_ID), 1U << 24);
	KUNIT_EXPECT_EQ(test, lapic_reg(ap->lapic, APIC_LVR), 0x00050014U);
	KUNIT_EXPECT_EQ(test, lapic_reg(ap->lapic, APIC_SPIV), 0xffU);
	KUNIT_EXPECT_EQ(test, lapic_reg(ap->lapic, APIC_DFR), ~0U);
	KUNIT_EXPECT_EQ(test, lapic_reg(ap->lapic, APIC_LVTT), (u32)APIC_LVT_MASKED);
	KUNIT_EXPECT_EQ(test, lapic_reg(ap->lapic, APIC_LVT0), (u32)APIC_LVT_MASKED);
	/* The PIC is wired through the boot processor. */
	KUNIT_EXPECT_TRUE(test, kvm_lapic_accepts_pic_intr(bsp));
	KUNIT_EXPECT_FALSE(test, kvm_lapic_accepts_pic_intr(ap));
}

/* Clause 1: an interrupt was made pending. */
static void event_pending_above_ppr(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	KUNIT_EXPECT_EQ(test, kvm_lapic_self_irq(vcpu, 0x41), 1);
	expect_raise(test, vcpu, EVENT_IRQ_LINE);
	KUNIT_EXPECT_EQ(test, kvm_lapic_deliverable(vcpu), 0x41);
	/* Once more is the same one. */
	KUNIT_EXPECT_EQ(test, kvm_lapic_self_irq(vcpu, 0x41), 0);
	expect_no_raise(test, vcpu);
}

static void event_pending_behind_service(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	serve(test, vcpu, 0x51);
	KUNIT_EXPECT_EQ(test, kvm_lapic_self_irq(vcpu, 0x5f), 1);
	expect_no_raise(test, vcpu);
	KUNIT_EXPECT_EQ(test, kvm_lapic_deliverable(vcpu), -1);
	KUNIT_EXPECT_EQ(test, kvm_lapic_self_irq(vcpu, 0x60), 1);
	expect_raise(test, vcpu, EVENT_IRQ_LINE);
}

static void event_pending_behind_tpr(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	kvm_lapic_set_tpr(vcpu, 0x60);
	KUNIT_EXPECT_EQ(test, kvm_lapic_self_irq(vcpu, 0x41), 1);
	expect_no_raise(test, vcpu);
	KUNIT_EXPECT_EQ(test, watched(vcpu), 4);
}

/* From another thread: a request by which the vCPU finds out. */
static void event_pending_from_elsewhere(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	KUNIT_EXPECT_EQ(test, kvm_lapic_accept_irq(vcpu, APIC_DM_FIXED, 0x41, true, false), 1);
	expect_no_raise(test, vcpu);
	KUNIT_EXPECT_TRUE(test, kvm_test_request(KVM_REQ_IRQ, vcpu));
	KUNIT_EXPECT_EQ(test, vcpu_serve_requests(vcpu), RUN_REENTER);
	expect_raise(test, vcpu, EVENT_IRQ_LINE);
	KUNIT_EXPECT_EQ(test, kvm_lapic_accept_irq(vcpu, APIC_DM_FIXED, 0x41, true, false), 0);
	KUNIT_EXPECT_FALSE(test, kvm_request_pending(vcpu));
}

static void event_masked_from_elsewhere(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	serve(test, vcpu, 0x51);
	kvm_lapic_accept_irq(vcpu, APIC_DM_FIXED, 0x41, true, false);
	KUNIT_EXPECT_EQ(test, vcpu_serve_requests(vcpu), RUN_REENTER);
	expect_no_raise(test, vcpu);
}

/* Clause 2.1: a TPR write that exited. */
static void event_tpr_unmasks(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	kvm_lapic_set_tpr(vcpu, 0x60);
	kvm_lapic_self_irq(vcpu, 0x41);
	kvm_lapic_set_tpr(vcpu, 0x40);
	expect_no_raise(test, vcpu);
	kvm_lapic_set_tpr(vcpu, 0x30);
	expect_raise(test, vcpu, EVENT_PPR_TPR);
	/* It can be delivered: lower still is no news. */
	kvm_lapic_set_tpr(vcpu, 0);
	expect_no_raise(test, vcpu);
}

static void event_tpr_with_nothing_pending(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	kvm_lapic_set_tpr(vcpu, 0xf0);
	kvm_lapic_set_tpr(vcpu, 0);
	expect_no_raise(test, vcpu);
	KUNIT_EXPECT_EQ(test, watched(vcpu), 0);
}

/* What is in service masks as well. */
static void event_tpr_below_service(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	serve(test, vcpu, 0x51);
	kvm_lapic_set_tpr(vcpu, 0x60);
	kvm_lapic_self_irq(vcpu, 0x41);
	kvm_lapic_set_tpr(vcpu, 0);
	expect_no_raise(test, vcpu);
}

/*
 * While the class in service masks it, or a higher one, no write of TPR matters;
 * from the EOI on it does.
 */
static void event_tpr_behind_service(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	serve(test, vcpu, 0x51);
	kvm_lapic_set_tpr(vcpu, 0x60);
	kvm_lapic_self_irq(vcpu, 0x41);
	KUNIT_EXPECT_EQ(test, watched(vcpu), 0);
	kvm_lapic_self_irq(vcpu, 0x5f);
	KUNIT_EXPECT_EQ(test, watched(vcpu), 0);
	KUNIT_EXPECT_TRUE(test, kvm_irq_arm_tpr(vcpu));
	KUNIT_EXPECT_EQ(test, watched(vcpu), 0);
	kvm_lapic_eoi(vcpu);
	KUNIT_EXPECT_EQ(test, watched(vcpu), 5);
	expect_no_raise(test, vcpu);
	kvm_lapic_set_tpr(vcpu, 0);
	expect_raise(test, vcpu, EVENT_PPR_TPR);
}

/* Raised over a vector that waits for IF: its lowering must be seen. */
static void event_tpr_raised(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	kvm_lapic_self_irq(vcpu, 0x41);
	expect_raise(test, vcpu, EVENT_IRQ_LINE);
	kvm_lapic_set_tpr(vcpu, 0x40);
	expect_no_raise(test, vcpu);
	KUNIT_EXPECT_EQ(test, watched(vcpu), 4);
}

/* A change that did not exit is no reason, up or down. */
static void event_cr8_without_exit(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	kvm_lapic_self_irq(vcpu, 0x41);
	expect_raise(test, vcpu, EVENT_IRQ_LINE);
	kvm_lapic_cr8_from_hardware(vcpu, 9);
	KUNIT_EXPECT_EQ(test, kvm_lapic_get_tpr(vcpu), 0x90);
	KUNIT_EXPECT_EQ(test, kvm_lapic_deliverable(vcpu), -1);
	kvm_lapic_cr8_from_hardware(vcpu, 2);
	KUNIT_EXPECT_EQ(test, kvm_lapic_deliverable(vcpu), 0x41);
	expect_no_raise(test, vcpu);
}

/*
 * The vendor hears of every lowering by software, also of one that unmasks: the
 * class it watches for must not be above TPR at the next entry, which may come
 * before an evaluation has looked at interrupts.
 */
static void event_tpr_is_told(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	unsigned int *told = &to_fake(vcpu)->log.count[FAKE_CR8_INTERCEPT];

	kvm_lapic_set_tpr(vcpu, 0x60);
	kvm_lapic_self_irq(vcpu, 0x41);
	expect_no_raise(test, vcpu);
	*told = 0;
	kvm_lapic_set_tpr(vcpu, 0);
	expect_raise(test, vcpu, EVENT_PPR_TPR);
	KUNIT_EXPECT_GE(test, *told, 1);
}

/* A lowering without an exit below the class that was watched for: the exit that follows. */
static void event_tpr_exit(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	kvm_lapic_set_tpr(vcpu, 0x60);
	kvm_lapic_self_irq(vcpu, 0x41);
	KUNIT_EXPECT_EQ(test, watched(vcpu), 4);
	kvm_lapic_cr8_from_hardware(vcpu, 3);
	KUNIT_EXPECT_EQ(test, fast_tpr_lowered(vcpu), RUN_REENTER_FAST);
	expect_raise(test, vcpu, EVENT_PPR_TPR);

	/* What is in service still holds it back. */
	serve(test, vcpu, 0x71);
	kvm_lapic_cr8_from_hardware(vcpu, 0);
	KUNIT_EXPECT_EQ(test, exit_tpr_lowered(vcpu), RUN_REENTER);
	expect_no_raise(test, vcpu);
}

/* An interrupt window may open when what it was for is taken, masked or withdrawn. */
static void event_window_for_nothing(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	KUNIT_EXPECT_EQ(test, kvm_lapic_self_irq(vcpu, 0x51), 1);
	vcpu->requests = 0;
	memset(&vcpu->stat, 0, sizeof(vcpu->stat));
	KUNIT_EXPECT_EQ(test, exit_irq_window(vcpu), RUN_REENTER);
	expect_raise(test, vcpu, EVENT_IRQ_WINDOW);

	/* Masked: the write that lowers the priority is watched for. */
	KUNIT_EXPECT_TRUE(test, kvm_lapic_write_reg(vcpu, APIC_TASKPRI, 0x60));
	KUNIT_EXPECT_EQ(test, exit_irq_window(vcpu), RUN_REENTER);
	expect_no_raise(test, vcpu);
	KUNIT_EXPECT_EQ(test, watched(vcpu), 5);

	/* Gone. */
	kvm_lapic_take(vcpu, 0x51);
	KUNIT_EXPECT_EQ(test, exit_irq_window(vcpu), RUN_REENTER);
	expect_no_raise(test, vcpu);
	KUNIT_EXPECT_EQ(test, watched(vcpu), 0);
}

/* Clause 2.2: an EOI. */
static void event_eoi_unmasks(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	serve(test, vcpu, 0x51);
	kvm_lapic_self_irq(vcpu, 0x41);
	kvm_lapic_eoi(vcpu);
	expect_raise(test, vcpu, EVENT_PPR_EOI);
	KUNIT_EXPECT_EQ(test, kvm_lapic_deliverable(vcpu), 0x41);
}

static void event_eoi_alone(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	serve(test, vcpu, 0x51);
	kvm_lapic_eoi(vcpu);
	expect_no_raise(test, vcpu);
	KUNIT_EXPECT_EQ(test, kvm_lapic_highest_isr(vcpu), -1);
	/* Nothing is in service: ignored. */
	kvm_lapic_eoi(vcpu);
	expect_no_raise(test, vcpu);
}

static void event_eoi_nested(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	serve(test, vcpu, 0x41);
	serve(test, vcpu, 0x51);
	kvm_lapic_self_irq(vcpu, 0x42);
	kvm_lapic_eoi(vcpu);
	KUNIT_EXPECT_EQ(test, kvm_lapic_highest_isr(vcpu), 0x41);
	expect_no_raise(test, vcpu);
	kvm_lapic_eoi(vcpu);
	expect_raise(test, vcpu, EVENT_PPR_EOI);
}

static void event_eoi_behind_tpr(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	serve(test, vcpu, 0x51);
	kvm_lapic_self_irq(vcpu, 0x41);
	kvm_lapic_cr8_from_hardware(vcpu, 4);
	kvm_lapic_eoi(vcpu);
	expect_no_raise(test, vcpu);
	KUNIT_EXPECT_EQ(test, watched(vcpu), 4);
}

/* What could be delivered before waits for IF, not for this. */
static void event_eoi_of_lower(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	serve(test, vcpu, 0x41);
	kvm_lapic_self_irq(vcpu, 0x61);
	expect_raise(test, vcpu, EVENT_IRQ_LINE);
	kvm_lapic_eoi(vcpu);
	expect_no_raise(test, vcpu);
}

/* Accepting sets ISR and clears IRR: PPR goes up, no reason to look. */
static void event_accept(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	kvm_lapic_self_irq(vcpu, 0x41);
	kvm_lapic_self_irq(vcpu, 0x31);
	vcpu->requests = 0;
	memset(&vcpu->stat, 0, sizeof(vcpu->stat));
	KUNIT_EXPECT_EQ(test, kvm_irq_take(vcpu), 0x41);
	expect_no_raise(test, vcpu);
	KUNIT_EXPECT_FALSE(test, lapic_test_vector(vcpu->lapic, APIC_IRR, 0x41));
	KUNIT_EXPECT_TRUE(test, lapic_test_vector(vcpu->lapic, APIC_ISR, 0x41));
	KUNIT_EXPECT_EQ(test, lapic_reg(vcpu->lapic, APIC_PROCPRI), 0x40U);
	KUNIT_EXPECT_FALSE(test, kvm_irq_waits(vcpu));
	KUNIT_EXPECT_EQ(test, kvm_lapic_highest_irr(vcpu), 0x31);
}

static void accept_refuses(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	KUNIT_EXPECT_EQ(test, kvm_lapic_accept_irq(vcpu, APIC_DM_FIXED, 15, true, false), -1);
	KUNIT_EXPECT_EQ(test, kvm_lapic_accept_irq(vcpu, APIC_DM_FIXED, 16, true, false), 1);
	KUNIT_EXPECT_EQ(test, kvm_lapic_accept_irq(vcpu, APIC_DM_SMI, 0, true, false), -1);
	KUNIT_EXPECT_EQ(test, kvm_lapic_accept_irq(vcpu, APIC_DM_EXTINT, 0x41, true, false), -1);
	kvm_lapic_write_reg(vcpu, APIC_SPIV, 0xff);
	KUNIT_EXPECT_EQ(test, kvm_lapic_accept_irq(vcpu, APIC_DM_FIXED, 0x41, true, false), -1);
	KUNIT_EXPECT_EQ(test, kvm_lapic_accept_irq(vcpu, APIC_DM_NMI, 0, true, false), 1);
	KUNIT_EXPECT_TRUE(test, kvm_test_request(KVM_REQ_NMI, vcpu));
}

static void accept_sets_tmr(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	kvm_lapic_accept_irq(vcpu, APIC_DM_FIXED, 0x41, true, true);
	kvm_lapic_accept_irq(vcpu, APIC_DM_FIXED, 0x42, true, false);
	KUNIT_EXPECT_TRUE(test, lapic_test_vector(vcpu->lapic, APIC_TMR, 0x41));
	KUNIT_EXPECT_FALSE(test, lapic_test_vector(vcpu->lapic, APIC_TMR, 0x42));
	kvm_lapic_accept_irq(vcpu, APIC_DM_FIXED, 0x41, true, false);
	KUNIT_EXPECT_FALSE(test, lapic_test_vector(vcpu->lapic, APIC_TMR, 0x41));
}

/* A disabled APIC has its sources masked and keeps them so. */
static void disabled_masks_lvt(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	u32 val;

	kvm_lapic_write_reg(vcpu, APIC_LVTERR, 0x33);
	KUNIT_EXPECT_EQ(test, kvm_lapic_local_deliver(vcpu, APIC_LVTERR), 1);
	kvm_lapic_write_reg(vcpu, APIC_SPIV, 0xff);
	KUNIT_EXPECT_TRUE(test, kvm_lapic_read_reg(vcpu, APIC_LVTERR, &val));
	KUNIT_EXPECT_EQ(test, val, 0x33U | APIC_LVT_MASKED);
	kvm_lapic_write_reg(vcpu, APIC_LVTERR, 0x34);
	KUNIT_EXPECT_TRUE(test, kvm_lapic_read_reg(vcpu, APIC_LVTERR, &val));
	KUNIT_EXPECT_EQ(test, val, 0x34U | APIC_LVT_MASKED);
	KUNIT_EXPECT_EQ(test, kvm_lapic_local_deliver(vcpu, APIC_LVTERR), -1);
}

/* What each register keeps of all ones, in xAPIC mode; 0: read-only or absent. */
static void access_xapic_bits(struct kunit *test)
{
	static const struct { u16 offset; u32 kept; } regs[] = {
		{ APIC_ID, 0xff000000 }, { APIC_LDR, 0xff000000 }, { APIC_DFR, 0xffffffff },
		{ APIC_TASKPRI, 0xff }, { APIC_LVTT, 0x300ff }, { APIC_LVTTHMR, 0x107ff },
		{ APIC_LVTPC, 0x107ff }, { APIC_LVT0, 0x1a7ff }, { APIC_LVT1, 0x1a7ff },
		{ APIC_LVTERR, 0x100ff }, { APIC_TDCR, 0xb }, { APIC_ICR2, 0xff000000 },
		{ APIC_ESR, 0 }, { APIC_ARBPRI, 0 }, { APIC_ISR, 0 }, { APIC_TMR, 0 },
		{ APIC_IRR, 0 },
	};
	struct kvm_vcpu *vcpu = test->priv;
	u32 ones = ~0U, val;
	int i;

	for (i = 0; i < ARRAY_SIZE(regs); i++) {
		gpa_t gpa = APIC_DEFAULT_PHYS_BASE + regs[i].offset;

		KUNIT_EXPECT_TRUE(test, kvm_lapic_mmio_write(vcpu, gpa, 4, &ones));
		KUNIT_EXPECT_TRUE(test, kvm_lapic_mmio_read(vcpu, gpa, 4, &val));
		KUNIT_EXPECT_EQ_MSG(test, val, regs[i].kept, "register %x", regs[i].offset);
	}
}

/* Whole, aligned registers only; reads may be narrower. */
static void access_xapic_sizes(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	gpa_t tpr = APIC_DEFAULT_PHYS_BASE + APIC_TASKPRI;
	u8 bytes[8] = { 0x77, 0x77, 0x77, 0x77 };
	u64 wide;

	KUNIT_EXPECT_TRUE(test, kvm_lapic_mmio_write(vcpu, tpr, 1, bytes));
	KUNIT_EXPECT_TRUE(test, kvm_lapic_mmio_write(vcpu, tpr, 8, bytes));
	KUNIT_EXPECT_TRUE(test, kvm_lapic_mmio_write(vcpu, tpr + 4, 4, bytes));
	KUNIT_EXPECT_EQ(test, kvm_lapic_get_tpr(vcpu), 0);
	bytes[0] = 0x55;
	KUNIT_EXPECT_TRUE(test, kvm_lapic_mmio_write(vcpu, tpr, 4, bytes));
	KUNIT_EXPECT_TRUE(test, kvm_lapic_mmio_read(vcpu, tpr, 1, bytes + 1));
	KUNIT_EXPECT_EQ(test, bytes[1], 0x55);
	KUNIT_EXPECT_TRUE(test, kvm_lapic_mmio_read(vcpu, tpr, 8, &wide));
	KUNIT_EXPECT_EQ(test, wide, 0ULL);
	KUNIT_EXPECT_FALSE(test, kvm_lapic_mmio_read(vcpu, APIC_DEFAULT_PHYS_BASE + PAGE_SIZE,
						     4, &wide));
	KUNIT_EXPECT_FALSE(test, kvm_lapic_mmio_write(vcpu, APIC_DEFAULT_PHYS_BASE - 4, 4,
						      &wide));
}

/* In x2APIC mode, and switched off, the page reads as ones. */
static void access_page_is_gone(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	gpa_t tpr = APIC_DEFAULT_PHYS_BASE + APIC_TASKPRI;
	u32 val = 0x50;
	u64 data;

	KUNIT_EXPECT_FALSE(test, kvm_lapic_x2apic_read(vcpu, X2APIC(APIC_TASKPRI), &data));
	set_x2apic(vcpu);
	KUNIT_EXPECT_TRUE(test, kvm_lapic_mmio_write(vcpu, tpr, 4, &val));
	KUNIT_EXPECT_TRUE(test, kvm_lapic_mmio_read(vcpu, tpr, 4, &val));
	KUNIT_EXPECT_EQ(test, val, ~0U);
	KUNIT_EXPECT_TRUE(test, kvm_lapic_x2apic_read(vcpu, X2APIC(APIC_TASKPRI), &data));
	KUNIT_EXPECT_EQ(test, data, 0ULL);
}

/* Which x2APIC MSRs take which values. */
static void access_x2apic_values(struct kunit *test)
{
	static const struct { u16 reg; u64 data; bool ok; } writes[] = {
		{ APIC_ID, 0, false }, { APIC_LVR, 0, false }, { APIC_LDR, 1, false },
		{ APIC_DFR, ~0U, false }, { APIC_ICR2, 0, false }, { APIC_PROCPRI, 0, false },
		{ APIC_EOI, 0, true }, { APIC_EOI, 1, false },
		{ APIC_TASKPRI, 0xff, true }, { APIC_TASKPRI, 0x100, false },
		{ APIC_ESR, 0, true }, { APIC_ESR, 1, false },
		{ APIC_SPIV, 0x1ff, true }, { APIC_SPIV, BIT_ULL(32), false },
		{ APIC_SELF_IPI, 0x41, true }, { APIC_SELF_IPI, 0x141, false },
		{ APIC_ICR, 0x41, true }, { APIC_ICR, BIT(12), false },
		{ APIC_ICR, BIT_ULL(32) | 0x41, true }, { APIC_TMICT, BIT_ULL(33), false },
		{ APIC_TMCCT, 0, false }, { 0x3d0, 0, false }, { APIC_ISR, 0, false },
	};
	static const u16 unreadable[] = { APIC_EOI, APIC_SELF_IPI, APIC_DFR, APIC_ICR2,
					  APIC_ARBPRI, 0x000, 0x3f0, 0x400 };
	struct kvm_vcpu *vcpu = test->priv;
	u64 data;
	int i;

	set_x2apic(vcpu);
	for (i = 0; i < ARRAY_SIZE(writes); i++)
		KUNIT_EXPECT_EQ_MSG(test,
				    kvm_lapic_x2apic_write(vcpu, X2APIC(writes[i].reg),
							   writes[i].data),
				    writes[i].ok, "%x = %llx", writes[i].reg, writes[i].data);
	for (i = 0; i < ARRAY_SIZE(unreadable); i++)
		KUNIT_EXPECT_FALSE_MSG(test,
				       kvm_lapic_x2apic_read(vcpu, X2APIC(unreadable[i]), &data),
				       "%x", unreadable[i]);
	KUNIT_EXPECT_TRUE(test, kvm_lapic_x2apic_read(vcpu, X2APIC(APIC_ICR), &data));
	KUNIT_EXPECT_EQ(test, data, BIT_ULL(32) | 0x41);
}

/* The fastpath's writes do what the long way does, or nothing. */
static void access_irqoff(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	KUNIT_EXPECT_FALSE(test, kvm_lapic_x2apic_write_irqoff(vcpu, X2APIC(APIC_EOI), 0));
	set_x2apic(vcpu);
	KUNIT_EXPECT_TRUE(test, kvm_lapic_x2apic_write_irqoff(vcpu, X2APIC(APIC_SELF_IPI), 0x41));
	expect_raise(test, vcpu, EVENT_IRQ_LINE);
	kvm_lapic_take(vcpu, 0x41);
	/* The I/O APIC waits for this EOI. */
	__set_bit(0x41, vcpu->lapic->ioapic_handled_vectors);
	KUNIT_EXPECT_FALSE(test, kvm_lapic_x2apic_write_irqoff(vcpu, X2APIC(APIC_EOI), 0));
	KUNIT_EXPECT_EQ(test, kvm_lapic_highest_isr(vcpu), 0x41);
	__clear_bit(0x41, vcpu->lapic->ioapic_handled_vectors);
	KUNIT_EXPECT_FALSE(test, kvm_lapic_x2apic_write_irqoff(vcpu, X2APIC(APIC_EOI), 1));
	KUNIT_EXPECT_TRUE(test, kvm_lapic_x2apic_write_irqoff(vcpu, X2APIC(APIC_EOI), 0));
	KUNIT_EXPECT_EQ(test, kvm_lapic_highest_isr(vcpu), -1);
	KUNIT_EXPECT_FALSE(test, kvm_lapic_x2apic_write_irqoff(vcpu, X2APIC(APIC_SPIV), 0xff));
	KUNIT_EXPECT_FALSE(test, kvm_lapic_x2apic_write_irqoff(vcpu, X2APIC(APIC_ICR), BIT(12)));
}

/* Rows: from a mode to a mode, by the guest. */
static void base_transitions(struct kunit *test)
{
	const u64 page = APIC_DEFAULT_PHYS_BASE | MSR_IA32_APICBASE_BSP;
	const u64 off = page, xapic = page | BIT(11), x2apic = page | BIT(11) | BIT(10);
	const struct { u64 from, to; bool ok; } rows[] = {
		{ off, xapic, true }, { off, x2apic, false }, { off, page | BIT(10), false },
		{ xapic, off, true }, { xapic, x2apic, true }, { xapic, page | BIT(10), false },
		{ x2apic, off, true }, { x2apic, xapic, false }, { x2apic, x2apic, true },
		{ xapic, xapic | BIT(9), false }, { xapic, xapic | 1, false },
		{ xapic, xapic | BIT_ULL(62), false },
	};
	struct kvm_vcpu *vcpu = test->priv;
	int i;

	vcpu->cpuid_caps |= BIT(GUEST_CAP_X2APIC);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		KUNIT_ASSERT_EQ(test, kvm_set_msr(vcpu, MSR_IA32_APICBASE, rows[i].from, true),
				MSR_OK);
		KUNIT_EXPECT_EQ_MSG(test,
				    kvm_set_msr(vcpu, MSR_IA32_APICBASE, rows[i].to, false),
				    rows[i].ok ? MSR_OK : MSR_INVALID, "row %d", i);
	}
}

static void base_x2apic_needs_cpuid(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	KUNIT_EXPECT_EQ(test, kvm_set_msr(vcpu, MSR_IA32_APICBASE,
					  vcpu->apic_base | X2APIC_ENABLE, false), MSR_INVALID);
}

/* The id is the vCPU's again when the mode changes. */
static void base_restores_id(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	u64 xapic = vcpu->apic_base;

	kvm_lapic_write_reg(vcpu, APIC_ID, 0x55U << 24);
	set_x2apic(vcpu);
	KUNIT_EXPECT_EQ(test, lapic_reg(vcpu->lapic, APIC_ID), 0U);
	KUNIT_EXPECT_EQ(test, lapic_reg(vcpu->lapic, APIC_LDR), 1U);
	kvm_apic_base_write(vcpu, xapic & ~(u64)MSR_IA32_APICBASE_ENABLE);
	kvm_apic_base_write(vcpu, xapic);
	kvm_lapic_write_reg(vcpu, APIC_ID, 0x55U << 24);
	kvm_apic_base_write(vcpu, xapic & ~(u64)MSR_IA32_APICBASE_ENABLE);
	kvm_apic_base_write(vcpu, xapic);
	KUNIT_EXPECT_EQ(test, lapic_reg(vcpu->lapic, APIC_ID), 0U);
}

static void state_roundtrip(struct kunit *test)
{
	struct kvm_lapic_state *a = kunit_kzalloc(test, sizeof(*a), GFP_KERNEL);
	struct kvm_lapic_state *b = kunit_kzalloc(test, sizeof(*b), GFP_KERNEL);
	struct kvm_vcpu *vcpu = test->priv;

	KUNIT_ASSERT_NOT_NULL(test, a);
	KUNIT_ASSERT_NOT_NULL(test, b);
	serve(test, vcpu, 0x31);
	serve(test, vcpu, 0x51);
	kvm_lapic_self_irq(vcpu, 0x41);
	kvm_lapic_write_reg(vcpu, APIC_TASKPRI, 0x12);
	kvm_lapic_write_reg(vcpu, APIC_LVT1, APIC_DM_NMI);
	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_get_lapic(vcpu, a), 0);
	kvm_lapic_reset(vcpu, true);
	KUNIT_EXPECT_EQ(test, kvm_lapic_highest_isr(vcpu), -1);
	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_set_lapic(vcpu, a), 0);
	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_get_lapic(vcpu, b), 0);
	KUNIT_EXPECT_EQ(test, memcmp(a, b, sizeof(*a)), 0);
	/* What is derived from the registers is as before. */
	vcpu->requests = 0;
	memset(&vcpu->stat, 0, sizeof(vcpu->stat));
	kvm_lapic_eoi(vcpu);
	expect_raise(test, vcpu, EVENT_PPR_EOI);
	KUNIT_EXPECT_EQ(test, kvm_lapic_highest_isr(vcpu), 0x31);
}

/* A restored interrupt that can be delivered asks; one that cannot does not. */
static void state_asks(struct kunit *test)
{
	struct kvm_lapic_state *state = kunit_kzalloc(test, sizeof(*state), GFP_KERNEL);
	struct kvm_vcpu *vcpu = test->priv;

	KUNIT_ASSERT_NOT_NULL(test, state);
	kvm_lapic_self_irq(vcpu, 0x41);
	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_get_lapic(vcpu, state), 0);
	vcpu->requests = 0;
	memset(&vcpu->stat, 0, sizeof(vcpu->stat));
	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_set_lapic(vcpu, state), 0);
	KUNIT_EXPECT_EQ(test, vcpu->stat.event_raise[EVENT_USERSPACE], 1ULL);
	vcpu->requests = 0;
	memset(&vcpu->stat, 0, sizeof(vcpu->stat));
	state->regs[APIC_TASKPRI] = 0x40;
	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_set_lapic(vcpu, state), 0);
	KUNIT_EXPECT_EQ(test, raises(vcpu), 0ULL);
	KUNIT_EXPECT_EQ(test, watched(vcpu), 4);
}

/* The id and the ICR in x2APIC mode, for userspace of either kind. */
static void state_x2apic_format(struct kunit *test)
{
	struct kvm_lapic_state *state = kunit_kzalloc(test, sizeof(*state), GFP_KERNEL);
	struct kvm_vcpu *bsp = test->priv, *vcpu;
	u32 *id, *icr2;

	KUNIT_ASSERT_NOT_NULL(test, state);
	id = (u32 *)(state->regs + APIC_ID);
	icr2 = (u32 *)(state->regs + APIC_ICR2);
	vcpu = fake_vcpu_create(test, bsp->kvm);
	set_x2apic(vcpu);
	KUNIT_EXPECT_TRUE(test, kvm_lapic_x2apic_write(vcpu, X2APIC(APIC_ICR),
						       0x7ULL << 32 | 0x41));
	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_get_lapic(vcpu, state), 0);
	KUNIT_EXPECT_EQ(test, *id, 1U << 24);
	KUNIT_EXPECT_EQ(test, *icr2, 7U);
	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_set_lapic(vcpu, state), 0);
	KUNIT_EXPECT_EQ(test, lapic_reg(vcpu->lapic, APIC_ID), 1U);
	KUNIT_EXPECT_EQ(test, lapic_reg(vcpu->lapic, APIC_ICR + 4), 7U);

	vcpu->kvm->x2apic_format = true;
	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_get_lapic(vcpu, state), 0);
	KUNIT_EXPECT_EQ(test, *id, 1U);
	*id = 2;
	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_set_lapic(vcpu, state), -EINVAL);
}

static void state_without_lapic(struct kunit *test)
{
	struct kvm_lapic_state *state = kunit_kzalloc(test, sizeof(*state), GFP_KERNEL);
	struct kvm_vcpu *vcpu = fake_vcpu_create(test, fake_vm_create(test));

	KUNIT_ASSERT_NOT_NULL(test, state);
	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_get_lapic(vcpu, state), -EINVAL);
	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_set_lapic(vcpu, state), -EINVAL);
	KUNIT_EXPECT_FALSE(test, kvm_lapic_write_deadline_irqoff(vcpu, 1));
}

/* ExtINTs of userspace's PIC wait for LINT0; what userspace restored does not. */
static void extint_needs_lint0(struct kunit *test)
{
	const struct kvm_interrupt irq = { .irq = 0x22 };
	struct kvm_vcpu *vcpu = test->priv;

	kvm_lapic_write_reg(vcpu, APIC_LVT0, APIC_LVT_MASKED);
	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_interrupt(vcpu, &irq), 0);
	expect_no_raise(test, vcpu);
	KUNIT_EXPECT_EQ(test, kvm_irq_take(vcpu), -1);
	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_interrupt(vcpu, &irq), -EEXIST);
	kvm_lapic_write_reg(vcpu, APIC_LVT0, APIC_DM_EXTINT);
	expect_raise(test, vcpu, EVENT_IRQ_LINE);
	KUNIT_EXPECT_EQ(test, kvm_irq_take(vcpu), 0x22);
	KUNIT_EXPECT_EQ(test, kvm_lapic_highest_isr(vcpu), -1);
}

/* Nor does it come by itself when the APIC is replaced or switched off. */
static void extint_let_through(struct kunit *test)
{
	struct kvm_lapic_state *state = kunit_kzalloc(test, sizeof(*state), GFP_KERNEL);
	const struct kvm_interrupt irq = { .irq = 0x22 };
	struct kvm_vcpu *vcpu = test->priv;

	KUNIT_ASSERT_NOT_NULL(test, state);
	kvm_lapic_write_reg(vcpu, APIC_LVT0, APIC_LVT_MASKED);
	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_interrupt(vcpu, &irq), 0);
	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_get_lapic(vcpu, state), 0);
	*(u32 *)(state->regs + APIC_LVT0) = APIC_DM_EXTINT;
	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_set_lapic(vcpu, state), 0);
	expect_raise(test, vcpu, EVENT_IRQ_LINE);
	kvm_lapic_write_reg(vcpu, APIC_LVT0, APIC_LVT_MASKED);
	KUNIT_ASSERT_EQ(test, kvm_set_msr(vcpu, MSR_IA32_APICBASE, vcpu->apic_base & ~BIT_ULL(11),
					  false), MSR_OK);
	expect_raise(test, vcpu, EVENT_IRQ_LINE);
	KUNIT_EXPECT_EQ(test, kvm_irq_take(vcpu), 0x22);
}

/* A PIC that is not let through gets no window; the guest must make progress. */
static void extint_window_needs_lint0(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	vcpu->run->request_interrupt_window = 1;
	kvm_lapic_write_reg(vcpu, APIC_LVT0, APIC_LVT_MASKED);
	vcpu->requests = 0;
	KUNIT_EXPECT_FALSE(test, kvm_user_wants_irq_window(vcpu));
	fake_push(test, vcpu, &(struct fake_step){ .kind = FAKE_STEP_STI, .insn_len = 1 });
	fake_push(test, vcpu, &(struct fake_step){ .kind = FAKE_STEP_NOP, .insn_len = 1 });
	fake_push(test, vcpu, &(struct fake_step){ .kind = FAKE_STEP_UNKNOWN });
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_INTERNAL_ERROR);
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->log.count[FAKE_IRQ_WINDOW], 0U);
	KUNIT_EXPECT_EQ(test, vcpu->run->ready_for_interrupt_injection, 0);

	kvm_lapic_write_reg(vcpu, APIC_LVT0, APIC_DM_EXTINT);
	KUNIT_EXPECT_TRUE(test, kvm_user_wants_irq_window(vcpu));
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_IRQ_WINDOW_OPEN);
}

static struct kunit_case lapic_test_cases[] = {
	KUNIT_CASE(lapic_ppr_table),
	KUNIT_CASE(lapic_threshold),
	KUNIT_CASE(lapic_rank),
	KUNIT_CASE(lapic_highest),
	KUNIT_CASE(lapic_x2apic_logical_id),
	KUNIT_CASE(lapic_power_on),
	KUNIT_CASE(event_pending_above_ppr),
	KUNIT_CASE(event_pending_behind_service),
	KUNIT_CASE(event_pending_behind_tpr),
	KUNIT_CASE(event_pending_from_elsewhere),
	KUNIT_CASE(event_masked_from_elsewhere),
	KUNIT_CASE(event_tpr_unmasks),
	KUNIT_CASE(event_tpr_with_nothing_pending),
	KUNIT_CASE(event_tpr_below_service),
	KUNIT_CASE(event_tpr_behind_service),
	KUNIT_CASE(event_tpr_raised),
	KUNIT_CASE(event_cr8_without_exit),
	KUNIT_CASE(event_tpr_is_told),
	KUNIT_CASE(event_tpr_exit),
	KUNIT_CASE(event_window_for_nothing),
	KUNIT_CASE(event_eoi_unmasks),
	KUNIT_CASE(event_eoi_alone),
	KUNIT_CASE(event_eoi_nested),
	KUNIT_CASE(event_eoi_behind_tpr),
	KUNIT_CASE(event_eoi_of_lower),
	KUNIT_CASE(event_accept),
	KUNIT_CASE(accept_refuses),
	KUNIT_CASE(accept_sets_tmr),
	KUNIT_CASE(disabled_masks_lvt),
	KUNIT_CASE(access_xapic_bits),
	KUNIT_CASE(access_xapic_sizes),
	KUNIT_CASE(access_page_is_gone),
	KUNIT_CASE(access_x2apic_values),
	KUNIT_CASE(access_irqoff),
	KUNIT_CASE(base_transitions),
	KUNIT_CASE(base_x2apic_needs_cpuid),
	KUNIT_CASE(base_restores_id),
	KUNIT_CASE(state_roundtrip),
	KUNIT_CASE(state_asks),
	KUNIT_CASE(state_x2apic_format),
	KUNIT_CASE(state_without_lapic),
	KUNIT_CASE(extint_needs_lint0),
	KUNIT_CASE(extint_let_through),
	KUNIT_CASE(extint_window_needs_lint0),
	{}
};

static struct kunit_suite lapic_test_suite = {
	.name = "lapic",
	.init = init_with_lapic,
	.test_cases = lapic_test_cases,
};

kunit_test_suites(&lapic_test_suite);
