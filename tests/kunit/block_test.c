// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting vCPUs on threads of their own: what ends HLT, what does not, and that
 * no wake-up gets lost on the way to sleep (core/block.c argues why; here it is
 * hammered). Every wait of a test is bounded.
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/kthread.h>

#include "core/block.h"
#include "core/event.h"
#include "core/irq/irqchip.h"
#include "core/irq/lapic.h"
#include "core/regs.h"
#include "core/request.h"
#include "core/vm.h"
#include "ops/apic.h"
#include "ops/event.h"
#include "ops/regs.h"
#include "tests/fake/fake.h"

#define VECTOR		0x51
#define HIGHER		0x71
#define ROUNDS		2000
/* Far beyond anything that is no bug. */
#define PATIENCE	(20 * HZ)

/* True when the condition came true; false when it has failed for good. */
#define eventually(condition)						\
({									\
	unsigned long end_ = jiffies + PATIENCE;			\
	bool true_;							\
	while (!(true_ = (condition)) && time_before(jiffies, end_))	\
		usleep_range(20, 50);					\
	true_;								\
})

/* A guest that halts, then has nothing left to do and ends the run. */
struct sleeper {
	struct kvm *kvm;
	struct kvm_vcpu *vcpu;
	struct fake_vcpu *fake;
	struct fake_runner *runner;
};

static void create_sleeper(struct kunit *test, struct sleeper *s, bool lapic)
{
	s->kvm = fake_vm_create(test);
	if (lapic)
		s->kvm->irqchip_mode = KVM_IRQCHIP_SPLIT;
	s->vcpu = fake_vcpu_create(test, s->kvm);
	s->fake = to_fake(s->vcpu);
	if (lapic)
		kvm_lapic_write_reg(s->vcpu, APIC_SPIV, APIC_SPIV_APIC_ENABLED | 0xff);
	kvm_x86_set_rflags(s->vcpu, X86_EFLAGS_FIXED | X86_EFLAGS_IF);
}

static void push_hlt(struct kunit *test, struct sleeper *s)
{
	fake_push(test, s->vcpu, &(struct fake_step){ .kind = FAKE_STEP_HLT, .insn_len = 1 });
}

/* Its thread has nothing to do: all requests are served, and it is in schedule(). */
static bool asleep(const struct sleeper *s)
{
	return rcuwait_active(&s->vcpu->wait) &&
	       !(READ_ONCE(s->vcpu->requests) & ~BIT(KVM_REQ_EVENT)) &&
	       READ_ONCE(s->runner->task->__state) == TASK_INTERRUPTIBLE;
}

static void start_and_halt(struct kunit *test, struct sleeper *s)
{
	push_hlt(test, s);
	s->runner = fake_runner_start(test, s->vcpu);
	KUNIT_ASSERT_TRUE(test, eventually(asleep(s)));
	KUNIT_ASSERT_EQ(test, READ_ONCE(s->vcpu->mp_state), KVM_MP_STATE_HALTED);
}

/* What came is known, and the guest sleeps on. */
static void expect_sleeps_on(struct kunit *test, struct sleeper *s)
{
	KUNIT_ASSERT_TRUE(test, eventually(asleep(s)));
	KUNIT_EXPECT_EQ(test, READ_ONCE(s->vcpu->mp_state), KVM_MP_STATE_HALTED);
	KUNIT_EXPECT_EQ(test, s->vcpu->stat.halt_wakeup, 0ULL);
	KUNIT_EXPECT_EQ(test, s->fake->nr_entries, 1ULL);
}

/* HLT has ended, and the guest ran out of what to do. */
static void expect_woken(struct kunit *test, struct sleeper *s)
{
	fake_runner_join(test, s->runner);
	KUNIT_EXPECT_EQ(test, s->runner->result, 0L);
	KUNIT_EXPECT_EQ(test, s->runner->exit_reason, KVM_EXIT_INTERNAL_ERROR);
	KUNIT_EXPECT_EQ(test, s->vcpu->mp_state, KVM_MP_STATE_RUNNABLE);
	KUNIT_EXPECT_EQ(test, s->vcpu->stat.halt_wakeup, 1ULL);
}

/* The @nth thing that the guest took. */
static void expect_took(struct kunit *test, const struct sleeper *s, unsigned int nth,
			enum fake_event_kind kind, u8 vector)
{
	int at = fake_log_find(&s->fake->log, FAKE_DELIVER, nth);

	KUNIT_ASSERT_GE(test, at, 0);
	KUNIT_EXPECT_EQ(test, s->fake->log.call[at].a, (u64)kind);
	KUNIT_EXPECT_EQ(test, s->fake->log.call[at].b, (u64)vector);
}

static int send(const struct sleeper *s, u8 vector)
{
	return kvm_lapic_accept_irq(s->vcpu, APIC_DM_FIXED, vector, true, false);
}

static void hlt_interrupt(struct kunit *test)
{
	struct sleeper s;

	create_sleeper(test, &s, true);
	start_and_halt(test, &s);
	KUNIT_EXPECT_EQ(test, send(&s, VECTOR), 1);
	expect_woken(test, &s);
	expect_took(test, &s, 0, FAKE_EVENT_IRQ, VECTOR);
	KUNIT_EXPECT_EQ(test, s.vcpu->stat.irq_injections, 1ULL);
	KUNIT_EXPECT_EQ(test, s.vcpu->stat.event_redundant, 0ULL);
}

/* It waits already when HLT retires: the thread does not sleep at all. */
static void hlt_interrupt_waits(struct kunit *test)
{
	struct sleeper s;

	create_sleeper(test, &s, true);
	kvm_x86_set_rflags(s.vcpu, X86_EFLAGS_FIXED);
	KUNIT_EXPECT_EQ(test, send(&s, VECTOR), 1);
	fake_push(test, s.vcpu, &(struct fake_step){ .kind = FAKE_STEP_STI, .insn_len = 1 });
	push_hlt(test, &s);
	s.runner = fake_runner_start(test, s.vcpu);
	expect_woken(test, &s);
	expect_took(test, &s, 0, FAKE_EVENT_IRQ, VECTOR);
}

/* The four ways in which an interrupt can be held back; an NMI ends each. */
enum mask { BY_IF, BY_TPR, BY_SERVICE, BY_LINT0 };

static void hold_back(struct kunit *test, struct sleeper *s, enum mask mask)
{
	switch (mask) {
	case BY_IF:
		kvm_x86_set_rflags(s->vcpu, X86_EFLAGS_FIXED);
		break;
	case BY_TPR:
		kvm_lapic_write_reg(s->vcpu, APIC_TASKPRI, VECTOR);
		break;
	case BY_SERVICE:
		KUNIT_ASSERT_EQ(test, kvm_lapic_self_irq(s->vcpu, HIGHER), 1);
		kvm_lapic_take(s->vcpu, HIGHER);
		break;
	case BY_LINT0:
		kvm_lapic_write_reg(s->vcpu, APIC_LVT0, APIC_LVT_MASKED | APIC_DM_EXTINT);
		break;
	}
}

static void held_back_then_nmi(struct kunit *test, enum mask mask)
{
	struct sleeper s;

	create_sleeper(test, &s, true);
	hold_back(test, &s, mask);
	start_and_halt(test, &s);
	if (mask == BY_LINT0)
		kvm_make_event_request_remote(s.vcpu, EVENT_IRQ_LINE);
	else
		KUNIT_EXPECT_EQ(test, send(&s, VECTOR), 1);
	kvm_vcpu_wake_kick(s.vcpu);
	expect_sleeps_on(test, &s);

	kvm_inject_nmi(s.vcpu);
	expect_woken(test, &s);
	expect_took(test, &s, 0, FAKE_EVENT_NMI, NMI_INTERRUPT_VECTOR);
	KUNIT_EXPECT_EQ(test, s.fake->log.count[FAKE_DELIVER], 1);
	KUNIT_EXPECT_EQ(test, s.vcpu->stat.irq_injections, 0ULL);
	if (mask != BY_LINT0)
		KUNIT_EXPECT_TRUE(test, lapic_test_vector(s.vcpu->lapic, APIC_IRR, VECTOR));
}

static void hlt_if_then_nmi(struct kunit *test)
{
	held_back_then_nmi(test, BY_IF);
}

static void hlt_tpr_then_nmi(struct kunit *test)
{
	held_back_then_nmi(test, BY_TPR);
}

static void hlt_service_then_nmi(struct kunit *test)
{
	held_back_then_nmi(test, BY_SERVICE);
}

static void hlt_lint0_then_nmi(struct kunit *test)
{
	held_back_then_nmi(test, BY_LINT0);
}

/* A higher one gets through the priority that held the first back. */
static void hlt_tpr_then_higher(struct kunit *test)
{
	struct sleeper s;

	create_sleeper(test, &s, true);
	hold_back(test, &s, BY_TPR);
	start_and_halt(test, &s);
	send(&s, VECTOR);
	expect_sleeps_on(test, &s);
	send(&s, HIGHER);
	expect_woken(test, &s);
	expect_took(test, &s, 0, FAKE_EVENT_IRQ, HIGHER);
	KUNIT_EXPECT_EQ(test, s.vcpu->stat.irq_injections, 1ULL);
}

/* While NMIs are masked another one does not end HLT, and an interrupt does. */
static void hlt_masked_nmi(struct kunit *test)
{
	struct sleeper s;

	create_sleeper(test, &s, true);
	s.fake->nmi_masked = true;
	start_and_halt(test, &s);
	kvm_inject_nmi(s.vcpu);
	expect_sleeps_on(test, &s);
	send(&s, VECTOR);
	expect_woken(test, &s);
	expect_took(test, &s, 0, FAKE_EVENT_IRQ, VECTOR);
	KUNIT_EXPECT_EQ(test, s.vcpu->ev.nmi_pending, 1U);
}

/* A request that is no event is served, and the guest sleeps on. */
static void hlt_request(struct kunit *test)
{
	struct sleeper s;

	create_sleeper(test, &s, true);
	start_and_halt(test, &s);
	kvm_make_request(KVM_REQ_TLB_FLUSH, s.vcpu);
	kvm_vcpu_wake_kick(s.vcpu);
	expect_sleeps_on(test, &s);
	send(&s, VECTOR);
	expect_woken(test, &s);
}

static void hlt_timer(struct kunit *test)
{
	struct sleeper s;

	create_sleeper(test, &s, true);
	kvm_lapic_write_reg(s.vcpu, APIC_LVTT, VECTOR);
	push_hlt(test, &s);
	kvm_lapic_write_reg(s.vcpu, APIC_TMICT, 20000000);
	s.runner = fake_runner_start(test, s.vcpu);
	expect_woken(test, &s);
	expect_took(test, &s, 0, FAKE_EVENT_IRQ, VECTOR);
}

/* Hardware delivers: the interrupt is posted, without a request. */
static void hlt_posted(struct kunit *test)
{
	struct sleeper s;

	fake_hw.apicv = true;
	create_sleeper(test, &s, true);
	KUNIT_ASSERT_TRUE(test, kvm_x86_apicv_active(s.vcpu));
	start_and_halt(test, &s);
	KUNIT_EXPECT_EQ(test, send(&s, VECTOR), 1);
	expect_woken(test, &s);
	KUNIT_EXPECT_EQ(test, s.vcpu->stat.req_event, 0ULL);
}

/* Posted while IF is clear: known at once, no news any more, and the guest sleeps on. */
static void hlt_posted_if_then_nmi(struct kunit *test)
{
	struct sleeper s;

	fake_hw.apicv = true;
	create_sleeper(test, &s, true);
	kvm_x86_set_rflags(s.vcpu, X86_EFLAGS_FIXED);
	start_and_halt(test, &s);
	KUNIT_EXPECT_EQ(test, send(&s, VECTOR), 1);
	/* It says that it sleeps before it looks what is posted. */
	KUNIT_EXPECT_TRUE(test, eventually(!kvm_x86_pi_has_pending_interrupt(s.vcpu)));
	expect_sleeps_on(test, &s);
	kvm_inject_nmi(s.vcpu);
	expect_woken(test, &s);
}

/* Without a local APIC in the kernel HLT is userspace's, each time. */
static void hlt_of_userspace(struct kunit *test)
{
	struct sleeper s;

	create_sleeper(test, &s, false);
	push_hlt(test, &s);
	push_hlt(test, &s);
	s.runner = fake_runner_start(test, s.vcpu);
	fake_runner_join(test, s.runner);
	KUNIT_EXPECT_EQ(test, s.runner->result, 0L);
	KUNIT_EXPECT_EQ(test, s.runner->exit_reason, KVM_EXIT_INTERNAL_ERROR);
	KUNIT_EXPECT_EQ(test, s.runner->halts, 2U);
	KUNIT_EXPECT_EQ(test, s.vcpu->stat.halt_exits, 2ULL);
	KUNIT_EXPECT_EQ(test, s.vcpu->stat.halt_wakeup, 0ULL);
	KUNIT_EXPECT_EQ(test, s.vcpu->mp_state, KVM_MP_STATE_RUNNABLE);
}

/* Another processor waits for INIT, then for a startup message, and for nothing else. */
static void wait_for_sipi(struct kunit *test)
{
	struct sleeper s;
	struct kvm_segment cs;

	create_sleeper(test, &s, true);
	s.vcpu = fake_vcpu_create(test, s.kvm);
	s.fake = to_fake(s.vcpu);
	KUNIT_ASSERT_EQ(test, s.vcpu->mp_state, KVM_MP_STATE_UNINITIALIZED);
	s.runner = fake_runner_start(test, s.vcpu);
	KUNIT_ASSERT_TRUE(test, eventually(asleep(&s)));

	kvm_inject_nmi(s.vcpu);
	KUNIT_ASSERT_TRUE(test, eventually(asleep(&s)));
	kvm_lapic_accept_irq(s.vcpu, APIC_DM_STARTUP, 0x12, true, false);
	KUNIT_ASSERT_TRUE(test, eventually(asleep(&s)));
	KUNIT_EXPECT_EQ(test, READ_ONCE(s.vcpu->mp_state), KVM_MP_STATE_UNINITIALIZED);
	KUNIT_EXPECT_EQ(test, s.fake->nr_entries, 0ULL);

	kvm_lapic_accept_irq(s.vcpu, APIC_DM_INIT, 0, true, false);
	KUNIT_ASSERT_TRUE(test, eventually(asleep(&s)));
	KUNIT_EXPECT_EQ(test, READ_ONCE(s.vcpu->mp_state), KVM_MP_STATE_INIT_RECEIVED);
	kvm_lapic_accept_irq(s.vcpu, APIC_DM_STARTUP, 0x34, true, false);
	fake_runner_join(test, s.runner);
	KUNIT_EXPECT_EQ(test, s.vcpu->mp_state, KVM_MP_STATE_RUNNABLE);
	kvm_x86_get_segment(s.vcpu, &cs, VCPU_SREG_CS);
	KUNIT_EXPECT_EQ(test, cs.selector, 0x3400);
	KUNIT_EXPECT_EQ(test, cs.base, 0x34000ULL);
}

/* INIT and the startup message at once, as fast as a sender can: none gets lost. */
static void init_sipi_at_once(struct kunit *test)
{
	struct sleeper s;
	int i;

	for (i = 0; i < 50; i++) {
		create_sleeper(test, &s, true);
		s.vcpu = fake_vcpu_create(test, s.kvm);
		s.fake = to_fake(s.vcpu);
		s.runner = fake_runner_start(test, s.vcpu);
		udelay(i);
		kvm_lapic_accept_irq(s.vcpu, APIC_DM_INIT, 0, true, false);
		kvm_lapic_accept_irq(s.vcpu, APIC_DM_STARTUP, i, true, false);
		kvm_lapic_accept_irq(s.vcpu, APIC_DM_STARTUP, i, true, false);
		fake_runner_join(test, s.runner);
		KUNIT_ASSERT_GE(test, s.fake->nr_entries, 1ULL);
	}
}

/*
 * Interrupts at a guest that takes them and halts again. Each is sent as soon
 * as the one before has been taken, that is while the thread is anywhere
 * between the entry and schedule().
 */
static void hammer(struct kunit *test, bool nmi)
{
	struct sleeper s;
	unsigned int i;

	create_sleeper(test, &s, true);
	s.fake->idle_halts = true;
	s.runner = fake_runner_start(test, s.vcpu);
	for (i = 1; i <= ROUNDS; i++) {
		unsigned long end = jiffies + PATIENCE;

		if (nmi)
			kvm_inject_nmi(s.vcpu);
		else
			send(&s, VECTOR);
		while (READ_ONCE(s.fake->log.count[FAKE_DELIVER]) != i &&
		       time_before(jiffies, end))
			cond_resched();
		KUNIT_ASSERT_EQ(test, READ_ONCE(s.fake->log.count[FAKE_DELIVER]), i);
		udelay(i % 32);
	}
	WRITE_ONCE(s.fake->idle_halts, false);
	kvm_inject_nmi(s.vcpu);
	fake_runner_join(test, s.runner);
	KUNIT_EXPECT_EQ(test, s.runner->exit_reason, KVM_EXIT_INTERNAL_ERROR);
	KUNIT_EXPECT_EQ(test, s.vcpu->stat.event_redundant, 0ULL);
	KUNIT_EXPECT_EQ(test, s.fake->log.count[FAKE_BAD_CONTEXT], 0);
}

static void hammer_interrupts(struct kunit *test)
{
	hammer(test, false);
}

static void hammer_nmis(struct kunit *test)
{
	hammer(test, true);
}

static void hammer_posted(struct kunit *test)
{
	struct sleeper s;
	unsigned int i;

	fake_hw.apicv = true;
	create_sleeper(test, &s, true);
	s.fake->idle_halts = true;
	s.runner = fake_runner_start(test, s.vcpu);
	for (i = 1; i <= ROUNDS; i++) {
		unsigned long end = jiffies + PATIENCE;

		send(&s, VECTOR);
		while (READ_ONCE(s.fake->nr_posted_taken) != i && time_before(jiffies, end))
			cond_resched();
		KUNIT_ASSERT_EQ(test, READ_ONCE(s.fake->nr_posted_taken), i);
		udelay(i % 32);
	}
	WRITE_ONCE(s.fake->idle_halts, false);
	kvm_inject_nmi(s.vcpu);
	fake_runner_join(test, s.runner);
	KUNIT_EXPECT_EQ(test, s.vcpu->stat.event_raise[EVENT_IRQ_LINE], 0ULL);
}

static void block_exit(struct kunit *test)
{
	fake_hw_reset();
}

static struct kunit_case block_test_cases[] = {
	KUNIT_CASE(hlt_interrupt),
	KUNIT_CASE(hlt_interrupt_waits),
	KUNIT_CASE(hlt_if_then_nmi),
	KUNIT_CASE(hlt_tpr_then_nmi),
	KUNIT_CASE(hlt_service_then_nmi),
	KUNIT_CASE(hlt_lint0_then_nmi),
	KUNIT_CASE(hlt_tpr_then_higher),
	KUNIT_CASE(hlt_masked_nmi),
	KUNIT_CASE(hlt_request),
	KUNIT_CASE(hlt_timer),
	KUNIT_CASE(hlt_posted),
	KUNIT_CASE(hlt_posted_if_then_nmi),
	KUNIT_CASE(hlt_of_userspace),
	KUNIT_CASE(wait_for_sipi),
	KUNIT_CASE(init_sipi_at_once),
	KUNIT_CASE_SLOW(hammer_interrupts),
	KUNIT_CASE_SLOW(hammer_nmis),
	KUNIT_CASE_SLOW(hammer_posted),
	{}
};

static struct kunit_suite block_test_suite = {
	.name = "block",
	.exit = block_exit,
	.test_cases = block_test_cases,
};

kunit_test_suites(&block_test_suite);
