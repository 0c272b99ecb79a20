// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is injected at an entry, in which order, and what waits for which
 * window (core/event.c). The table holds the architecture's cases by name; the
 * exhaustive test holds what must be true of all states.
 */
#include <asm/debugreg.h>
#include <asm/processor-flags.h>
#include <kunit/test.h>

#include "core/debug.h"
#include "core/event.h"
#include "core/exit.h"
#include "core/regs.h"
#include "core/request.h"
#include "ops/event.h"
#include "tests/fake/fake.h"

#define GUEST_IRQ	0x41

/* A vector that is there: 0 is a vector, too, and none in a table. */
#define VEC(v)		(0x100 | (v))

/* State before an evaluation, and what it must do. */
struct event_case {
	const char *name;
	/* delivery that an exit cut short: at most one of the three */
	u16 ex_injected;		/* VEC() */
	bool nmi_injected;
	u8 irq_injected;
	/* what waits */
	u16 ex_pending;			/* VEC() */
	u8 nmi_pending;
	u8 user_irq;
	bool request_window;
	/* what the guest allows */
	bool if_flag;
	u32 shadow;
	bool nmi_masked;

	enum event_outcome outcome;
	enum fake_event_kind kind;
	u8 vector;
	bool nmi_window;
	bool irq_window;
};

static const struct event_case event_cases[] = {
	{
		.name = "nothing waits",
		.if_flag = true,
		.outcome = EVENT_OUTCOME_NONE,
	}, {
		.name = "exception",
		.ex_pending = VEC(UD_VECTOR),
		.outcome = EVENT_OUTCOME_INJECTED,
		.kind = FAKE_EVENT_EXCEPTION, .vector = UD_VECTOR,
	}, {
		.name = "exception ignores IF, shadow and NMI mask",
		.ex_pending = VEC(GP_VECTOR),
		.shadow = KVM_X86_SHADOW_INT_MOV_SS, .nmi_masked = true,
		.outcome = EVENT_OUTCOME_INJECTED,
		.kind = FAKE_EVENT_EXCEPTION, .vector = GP_VECTOR,
	}, {
		.name = "NMI",
		.nmi_pending = 1,
		.outcome = EVENT_OUTCOME_INJECTED, .kind = FAKE_EVENT_NMI, .vector = 2,
	}, {
		.name = "NMI, masked",
		.nmi_pending = 1, .nmi_masked = true, .if_flag = true,
		.outcome = EVENT_OUTCOME_WINDOW, .nmi_window = true,
	}, {
		.name = "NMI in an interrupt shadow",
		.nmi_pending = 1, .shadow = KVM_X86_SHADOW_INT_MOV_SS,
		.outcome = EVENT_OUTCOME_WINDOW, .nmi_window = true,
	}, {
		.name = "two NMIs",
		.nmi_pending = 2,
		.outcome = EVENT_OUTCOME_INJECTED, .kind = FAKE_EVENT_NMI, .vector = 2,
		.nmi_window = true,
	}, {
		.name = "interrupt",
		.user_irq = GUEST_IRQ, .if_flag = true,
		.outcome = EVENT_OUTCOME_INJECTED, .kind = FAKE_EVENT_IRQ, .vector = GUEST_IRQ,
	}, {
		.name = "interrupt, IF clear",
		.user_irq = GUEST_IRQ,
		.outcome = EVENT_OUTCOME_WINDOW, .irq_window = true,
	}, {
		.name = "interrupt after STI",
		.user_irq = GUEST_IRQ, .if_flag = true, .shadow = KVM_X86_SHADOW_INT_STI,
		.outcome = EVENT_OUTCOME_WINDOW, .irq_window = true,
	}, {
		.name = "exception before NMI before interrupt",
		.ex_pending = VEC(DE_VECTOR), .nmi_pending = 1,
		.user_irq = GUEST_IRQ, .if_flag = true,
		.outcome = EVENT_OUTCOME_IMMEDIATE_EXIT,
		.kind = FAKE_EVENT_EXCEPTION, .vector = DE_VECTOR,
	}, {
		.name = "exception before a masked NMI before interrupt",
		.ex_pending = VEC(DE_VECTOR), .nmi_pending = 1, .nmi_masked = true,
		.user_irq = GUEST_IRQ, .if_flag = true,
		.outcome = EVENT_OUTCOME_INJECTED,
		.kind = FAKE_EVENT_EXCEPTION, .vector = DE_VECTOR,
		.nmi_window = true, .irq_window = true,
	}, {
		.name = "NMI before interrupt",
		.nmi_pending = 1, .user_irq = GUEST_IRQ, .if_flag = true,
		.outcome = EVENT_OUTCOME_INJECTED, .kind = FAKE_EVENT_NMI, .vector = 2,
		.irq_window = true,
	}, {
		.name = "masked NMI does not hold up an interrupt",
		.nmi_pending = 1, .nmi_masked = true, .user_irq = GUEST_IRQ, .if_flag = true,
		.outcome = EVENT_OUTCOME_INJECTED, .kind = FAKE_EVENT_IRQ, .vector = GUEST_IRQ,
		.nmi_window = true,
	}, {
		.name = "interrupt put back goes first, IF or not",
		.irq_injected = 0x30, .user_irq = GUEST_IRQ,
		.outcome = EVENT_OUTCOME_INJECTED, .kind = FAKE_EVENT_IRQ, .vector = 0x30,
		.irq_window = true,
	}, {
		.name = "NMI put back goes first, masked or not",
		.nmi_injected = true, .nmi_masked = true, .user_irq = GUEST_IRQ, .if_flag = true,
		.outcome = EVENT_OUTCOME_INJECTED, .kind = FAKE_EVENT_NMI, .vector = 2,
		.irq_window = true,
	}, {
		.name = "NMI put back masks the next, though hardware does not say so yet",
		.nmi_injected = true, .nmi_pending = 1, .if_flag = true,
		.outcome = EVENT_OUTCOME_INJECTED, .kind = FAKE_EVENT_NMI, .vector = 2,
		.nmi_window = true,
	}, {
		.name = "exception put back goes before an NMI",
		.ex_injected = VEC(PF_VECTOR), .nmi_pending = 1,
		.outcome = EVENT_OUTCOME_IMMEDIATE_EXIT,
		.kind = FAKE_EVENT_EXCEPTION, .vector = PF_VECTOR,
	}, {
		.name = "interrupt put back, new exception: enter, leave, look again",
		.irq_injected = 0x30, .ex_pending = VEC(DB_VECTOR),
		.outcome = EVENT_OUTCOME_IMMEDIATE_EXIT,
		.kind = FAKE_EVENT_IRQ, .vector = 0x30,
	}, {
		.name = "userspace waits for a window",
		.request_window = true,
		.outcome = EVENT_OUTCOME_WINDOW, .irq_window = true,
	}, {
		.name = "userspace waits for a window while its interrupt goes in",
		.user_irq = GUEST_IRQ, .request_window = true, .if_flag = true,
		.outcome = EVENT_OUTCOME_INJECTED, .kind = FAKE_EVENT_IRQ, .vector = GUEST_IRQ,
		.irq_window = true,
	},
};

static void event_case_desc(const struct event_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(event, event_cases, event_case_desc);

static void set_state(struct kvm_vcpu *vcpu, const struct event_case *c)
{
	struct fake_vcpu *fake = to_fake(vcpu);

	memset(&vcpu->ev, 0, sizeof(vcpu->ev));
	fake_log_clear(fake);
	fake->inject.kind = FAKE_EVENT_NONE;
	vcpu->requests = 0;

	if (c->ex_injected)
		kvm_requeue_exception(vcpu, (u8)c->ex_injected, false, 0);
	if (c->irq_injected)
		kvm_queue_interrupt(vcpu, c->irq_injected, false);
	vcpu->ev.nmi_injected = c->nmi_injected;
	if (c->ex_pending) {
		/* Queueing would merge it with one put back; here both are wanted. */
		vcpu->ev.exception.vector = (u8)c->ex_pending;
		vcpu->ev.exception.pending = true;
	}
	vcpu->ev.nmi_pending = c->nmi_pending;
	vcpu->ev.user_irq_pending = c->user_irq;
	vcpu->ev.user_irq = c->user_irq;
	vcpu->run->request_interrupt_window = c->request_window;
	fake->hw_rflags = X86_EFLAGS_FIXED | (c->if_flag ? X86_EFLAGS_IF : 0);
	fake->shadow = c->shadow;
	fake->nmi_masked = c->nmi_masked;
}

static unsigned int nr_injections(const struct fake_log *log)
{
	return log->count[FAKE_INJECT_EXCEPTION] + log->count[FAKE_INJECT_NMI] +
	       log->count[FAKE_INJECT_IRQ];
}

static void event_priority(struct kunit *test)
{
	const struct event_case *c = test->param_value;
	struct kvm_vcpu *vcpu = test->priv;
	struct fake_vcpu *fake = to_fake(vcpu);

	set_state(vcpu, c);
	KUNIT_EXPECT_EQ(test, kvm_evaluate_events(vcpu), c->outcome);
	KUNIT_EXPECT_EQ(test, fake->inject.kind, c->kind);
	if (c->kind != FAKE_EVENT_NONE)
		KUNIT_EXPECT_EQ(test, fake->inject.vector, c->vector);
	KUNIT_EXPECT_EQ(test, nr_injections(&fake->log), c->kind != FAKE_EVENT_NONE);
	KUNIT_EXPECT_EQ(test, fake->log.count[FAKE_NMI_WINDOW], c->nmi_window);
	KUNIT_EXPECT_EQ(test, fake->log.count[FAKE_IRQ_WINDOW], c->irq_window);
}

/* One of the 2 * 2 * ... states, by the bits of @n; false: not a possible state. */
static bool nth_state(unsigned int n, struct event_case *c)
{
	static const u32 shadows[] = {
		0, KVM_X86_SHADOW_INT_STI, KVM_X86_SHADOW_INT_MOV_SS, 0
	};
	unsigned int put_back = n & 3;

	*c = (struct event_case){
		.ex_injected = put_back == 1 ? VEC(AC_VECTOR) : 0,
		.nmi_injected = put_back == 2,
		.irq_injected = put_back == 3 ? 0x55 : 0,
		.ex_pending = n & BIT(2) ? VEC(GP_VECTOR) : 0,
		.nmi_pending = (n >> 3) & 3,
		.user_irq = n & BIT(5) ? GUEST_IRQ : 0,
		.request_window = n & BIT(6),
		.if_flag = n & BIT(7),
		.shadow = shadows[(n >> 8) & 3],
		.nmi_masked = n & BIT(10),
	};
	/* An exception is one slot: what is put back merges with what is raised. */
	return c->nmi_pending <= 2 && !(c->ex_injected && c->ex_pending);
}

#define NR_STATES	BIT(11)

/* The first event that may go in, by the order of the architecture. */
static enum fake_event_kind expected_kind(const struct event_case *c)
{
	if (c->ex_injected)
		return FAKE_EVENT_EXCEPTION;
	if (c->nmi_injected)
		return FAKE_EVENT_NMI;
	if (c->irq_injected)
		return FAKE_EVENT_IRQ;
	if (c->ex_pending)
		return FAKE_EVENT_EXCEPTION;
	if (c->nmi_pending && !c->nmi_masked && !c->shadow)
		return FAKE_EVENT_NMI;
	if (c->user_irq && c->if_flag && !c->shadow)
		return FAKE_EVENT_IRQ;
	return FAKE_EVENT_NONE;
}

static void check_state(struct kunit *test, struct kvm_vcpu *vcpu, const struct event_case *c,
			unsigned int n)
{
	bool put_back = c->ex_injected || c->nmi_injected || c->irq_injected;
	const struct fake_log *log = &to_fake(vcpu)->log;
	enum fake_event_kind kind = expected_kind(c);
	bool nmi_behind = c->nmi_pending && !c->nmi_masked && !c->nmi_injected &&
			  (put_back || c->ex_pending);
	bool leave_at_once = (put_back && c->ex_pending) || nmi_behind;
	enum event_outcome outcome;
	unsigned int nmis;

	set_state(vcpu, c);
	outcome = kvm_evaluate_events(vcpu);

	KUNIT_EXPECT_EQ_MSG(test, to_fake(vcpu)->inject.kind, kind, "state %#x", n);
	KUNIT_EXPECT_EQ_MSG(test, nr_injections(log), kind != FAKE_EVENT_NONE, "state %#x", n);
	KUNIT_EXPECT_EQ_MSG(test, outcome == EVENT_OUTCOME_IMMEDIATE_EXIT,
			    leave_at_once, "state %#x", n);

	/* Nothing is lost and nothing is doubled. */
	nmis = vcpu->ev.nmi_pending + (!put_back && kind == FAKE_EVENT_NMI);
	KUNIT_EXPECT_EQ_MSG(test, nmis, c->nmi_pending, "state %#x", n);
	KUNIT_EXPECT_EQ_MSG(test, vcpu->ev.user_irq_pending,
			    c->user_irq && (put_back || kind != FAKE_EVENT_IRQ), "state %#x", n);
	KUNIT_EXPECT_EQ_MSG(test, vcpu->ev.exception.pending, put_back && c->ex_pending,
			    "state %#x", n);

	/* An immediate exit looks at the rest; else what waits has its window. */
	if (outcome == EVENT_OUTCOME_IMMEDIATE_EXIT)
		return;
	KUNIT_EXPECT_EQ_MSG(test, log->count[FAKE_NMI_WINDOW], vcpu->ev.nmi_pending != 0,
			    "state %#x", n);
	KUNIT_EXPECT_EQ_MSG(test, log->count[FAKE_IRQ_WINDOW] != 0,
			    vcpu->ev.user_irq_pending || c->request_window, "state %#x", n);
	if (kind == FAKE_EVENT_NONE)
		KUNIT_EXPECT_EQ_MSG(test, outcome == EVENT_OUTCOME_WINDOW,
				    c->nmi_pending || c->user_irq || c->request_window,
				    "state %#x", n);
}

static void event_all_states(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	struct event_case c;
	unsigned int n;

	for (n = 0; n < NR_STATES; n++) {
		if (nth_state(n, &c))
			check_state(test, vcpu, &c, n);
	}
}

/* Contributory exceptions, by the manuals' list. */
static const u8 contributory[] = {
	DE_VECTOR, TS_VECTOR, NP_VECTOR, SS_VECTOR, GP_VECTOR, CP_VECTOR,
};

static enum event_merge expected_merge(u8 first, u8 second)
{
	bool second_bad = memchr(contributory, second, sizeof(contributory)) ||
			  second == PF_VECTOR;

	if (first == DF_VECTOR)
		return second_bad ? EVENT_MERGE_TRIPLE : EVENT_MERGE_SERIAL;
	if (first == PF_VECTOR)
		return second_bad ? EVENT_MERGE_DOUBLE : EVENT_MERGE_SERIAL;
	if (memchr(contributory, first, sizeof(contributory)))
		return second_bad && second != PF_VECTOR ? EVENT_MERGE_DOUBLE :
							    EVENT_MERGE_SERIAL;
	return EVENT_MERGE_SERIAL;
}

static void event_merge_all(struct kunit *test)
{
	unsigned int first, second;

	for (first = 0; first < 32; first++) {
		for (second = 0; second < 32; second++)
			KUNIT_EXPECT_EQ_MSG(test, kvm_merge_exceptions(first, second),
					    expected_merge(first, second),
					    "%u during %u", second, first);
	}
}

static void event_double_fault(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	struct fake_vcpu *fake = to_fake(vcpu);

	kvm_requeue_exception(vcpu, NP_VECTOR, true, 0x10);
	kvm_queue_exception_e(vcpu, GP_VECTOR, 0x20);
	KUNIT_EXPECT_EQ(test, kvm_evaluate_events(vcpu), EVENT_OUTCOME_INJECTED);
	KUNIT_EXPECT_EQ(test, fake->inject.vector, DF_VECTOR);
	KUNIT_EXPECT_TRUE(test, fake->inject.has_error_code);
	KUNIT_EXPECT_EQ(test, fake->inject.error_code, 0);
	KUNIT_EXPECT_EQ(test, nr_injections(&fake->log), 1);
}

static void event_triple_fault(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	kvm_requeue_exception(vcpu, DF_VECTOR, true, 0);
	kvm_inject_page_fault(vcpu, 0x1000, 0);
	KUNIT_EXPECT_TRUE(test, kvm_test_request(KVM_REQ_TRIPLE_FAULT, vcpu));
	KUNIT_EXPECT_FALSE(test, vcpu->ev.exception.pending);
	KUNIT_EXPECT_FALSE(test, vcpu->ev.exception.injected);
}

static void event_serial_exceptions(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	struct fake_vcpu *fake = to_fake(vcpu);

	kvm_requeue_exception(vcpu, BP_VECTOR, false, 0);
	kvm_inject_page_fault(vcpu, 0xabc000, 2);
	KUNIT_EXPECT_EQ(test, kvm_evaluate_events(vcpu), EVENT_OUTCOME_INJECTED);
	KUNIT_EXPECT_EQ(test, fake->inject.vector, PF_VECTOR);
	KUNIT_EXPECT_EQ(test, fake->inject.error_code, 2);
	KUNIT_EXPECT_EQ(test, vcpu->cr2, 0xabc000);
}

/* CR2 is the old one until the fault is delivered, then the new one, once. */
static void event_page_fault_payload(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	vcpu->cr2 = 0x1111;
	kvm_inject_page_fault(vcpu, 0x2222, 6);
	KUNIT_EXPECT_EQ(test, vcpu->cr2, 0x1111);
	kvm_evaluate_events(vcpu);
	KUNIT_EXPECT_EQ(test, vcpu->cr2, 0x2222);
	KUNIT_EXPECT_FALSE(test, vcpu->ev.exception.has_payload);
	/* Put back after an exit, it must not overwrite what the guest has now. */
	vcpu->cr2 = 0x3333;
	kvm_requeue_exception(vcpu, PF_VECTOR, true, 6);
	kvm_evaluate_events(vcpu);
	KUNIT_EXPECT_EQ(test, vcpu->cr2, 0x3333);
}

struct dr6_case {
	const char *name;
	unsigned long before;
	unsigned long payload;
	unsigned long after;
};

static const struct dr6_case dr6_cases[] = {
	{ "single step", DR6_ACTIVE_LOW, DR_STEP, DR6_ACTIVE_LOW | DR_STEP },
	{ "breakpoints are replaced", DR6_ACTIVE_LOW | 0xf, 0x2, DR6_ACTIVE_LOW | 0x2 },
	{ "BD accumulates", DR6_ACTIVE_LOW | DR_STEP, KVM_DR6_BD,
	  DR6_ACTIVE_LOW | DR_STEP | KVM_DR6_BD },
	{ "RTM is active low", DR6_ACTIVE_LOW, BIT(16), DR6_ACTIVE_LOW & ~BIT(16) },
	{ "RTM reads 1 again", DR6_ACTIVE_LOW & ~BIT(16), DR_STEP, DR6_ACTIVE_LOW | DR_STEP },
};

static void dr6_case_desc(const struct dr6_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(dr6, dr6_cases, dr6_case_desc);

static void event_debug_payload(struct kunit *test)
{
	const struct dr6_case *c = test->param_value;
	struct kvm_vcpu *vcpu = test->priv;

	vcpu->dr6 = c->before;
	kvm_queue_exception_p(vcpu, DB_VECTOR, c->payload);
	KUNIT_EXPECT_EQ(test, vcpu->dr6, c->before);
	kvm_evaluate_events(vcpu);
	KUNIT_EXPECT_EQ(test, vcpu->dr6, c->after);
}

/* Delivering #DB clears DR7.GD, so that the handler can use the registers. */
static void event_debug_clears_gd(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	vcpu->dr7 |= KVM_DR7_GD;
	kvm_queue_exception_p(vcpu, DB_VECTOR, KVM_DR6_BD);
	kvm_evaluate_events(vcpu);
	KUNIT_EXPECT_EQ(test, vcpu->dr7 & KVM_DR7_GD, 0);
}

/* Faults push RF set; traps, interrupts and #DB do not. */
static void event_resume_flag(struct kunit *test)
{
	static const u8 faults[] = { DE_VECTOR, UD_VECTOR, NM_VECTOR, TS_VECTOR, NP_VECTOR,
				     SS_VECTOR, GP_VECTOR, PF_VECTOR, MF_VECTOR, AC_VECTOR,
				     XM_VECTOR };
	static const u8 others[] = { DB_VECTOR, BP_VECTOR, OF_VECTOR, DF_VECTOR, MC_VECTOR };
	struct kvm_vcpu *vcpu = test->priv;
	struct fake_vcpu *fake = to_fake(vcpu);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(faults); i++) {
		set_state(vcpu, &(struct event_case){ .ex_pending = VEC(faults[i]) });
		kvm_evaluate_events(vcpu);
		KUNIT_EXPECT_TRUE_MSG(test, fake->hw_rflags & X86_EFLAGS_RF, "vector %u",
				      faults[i]);
	}
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		set_state(vcpu, &(struct event_case){ .ex_pending = VEC(others[i]) });
		kvm_evaluate_events(vcpu);
		KUNIT_EXPECT_FALSE_MSG(test, fake->hw_rflags & X86_EFLAGS_RF, "vector %u",
				       others[i]);
	}
}

static void event_real_mode_pushes_no_error_code(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	struct fake_vcpu *fake = to_fake(vcpu);

	kvm_queue_exception_e(vcpu, GP_VECTOR, 0x18);
	kvm_evaluate_events(vcpu);
	KUNIT_EXPECT_TRUE(test, fake->inject.has_error_code);
	KUNIT_EXPECT_EQ(test, fake->inject.error_code, 0x18);

	kvm_clear_exception_queue(vcpu);
	vcpu->cr0 &= ~X86_CR0_PE;
	kvm_queue_exception_e(vcpu, GP_VECTOR, 0x18);
	kvm_evaluate_events(vcpu);
	KUNIT_EXPECT_FALSE(test, fake->inject.has_error_code);
}

/* Userspace may install what no CPU delivers, and hardware may refuse. */
static void event_error_code_by_vector(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	struct fake_vcpu *fake = to_fake(vcpu);
	struct kvm_vcpu_events events = {
		.exception = { .injected = 1, .nr = GP_VECTOR, .error_code = 0x18 },
	};

	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_set_events(vcpu, &events), 0);
	kvm_evaluate_events(vcpu);
	KUNIT_EXPECT_TRUE(test, fake->inject.has_error_code);
	KUNIT_EXPECT_EQ(test, fake->inject.error_code, 0);

	events.exception.nr = UD_VECTOR;
	events.exception.has_error_code = 1;
	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_set_events(vcpu, &events), 0);
	kvm_evaluate_events(vcpu);
	KUNIT_EXPECT_FALSE(test, fake->inject.has_error_code);

	/* Hardware that calls an interrupt an exception gets no error code to it. */
	kvm_requeue_exception(vcpu, BITS_PER_LONG + GP_VECTOR, false, 0);
	kvm_evaluate_events(vcpu);
	KUNIT_EXPECT_FALSE(test, fake->inject.has_error_code);
}

/* The exception goes in, and what it came up during does not follow. */
static void event_delivery_faulted(struct kunit *test)
{
	const struct exit_exception np = { .vector = NP_VECTOR, .error_code = 0x19 };
	struct kvm_vcpu *vcpu = test->priv;
	struct fake_vcpu *fake = to_fake(vcpu);

	kvm_queue_interrupt(vcpu, GUEST_IRQ, false);
	KUNIT_EXPECT_EQ(test, exit_exception(vcpu, &np), RUN_REENTER);
	KUNIT_EXPECT_EQ(test, kvm_evaluate_events(vcpu), EVENT_OUTCOME_INJECTED);
	KUNIT_EXPECT_EQ(test, fake->inject.vector, NP_VECTOR);
	KUNIT_EXPECT_EQ(test, fake->inject.error_code, 0x19);
	KUNIT_EXPECT_FALSE(test, vcpu->ev.interrupt.injected);

	kvm_clear_exception_queue(vcpu);
	vcpu->ev.nmi_injected = true;
	KUNIT_EXPECT_EQ(test, exit_exception(vcpu, &np), RUN_REENTER);
	KUNIT_EXPECT_EQ(test, kvm_evaluate_events(vcpu), EVENT_OUTCOME_INJECTED);
	KUNIT_EXPECT_EQ(test, fake->inject.vector, NP_VECTOR);
	KUNIT_EXPECT_FALSE(test, vcpu->ev.nmi_injected);
	KUNIT_EXPECT_TRUE(test, fake->nmi_masked);
}

/* A CPU latches one NMI while one is in progress, so at most two are alive. */
static void event_nmi_collapse(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	int i;

	for (i = 0; i < 5; i++)
		kvm_inject_nmi(vcpu);
	KUNIT_EXPECT_TRUE(test, kvm_test_request(KVM_REQ_NMI, vcpu));
	KUNIT_EXPECT_EQ(test, vcpu->ev.nmi_pending, 0);
	kvm_collect_nmis(vcpu);
	KUNIT_EXPECT_EQ(test, vcpu->ev.nmi_pending, 2);
	KUNIT_EXPECT_EQ(test, vcpu->stat.event_raise[EVENT_NMI], 1);

	to_fake(vcpu)->nmi_masked = true;
	kvm_inject_nmi(vcpu);
	kvm_collect_nmis(vcpu);
	KUNIT_EXPECT_EQ(test, vcpu->ev.nmi_pending, 1);

	to_fake(vcpu)->nmi_masked = false;
	vcpu->ev.nmi_injected = true;
	kvm_inject_nmi(vcpu);
	kvm_inject_nmi(vcpu);
	kvm_collect_nmis(vcpu);
	KUNIT_EXPECT_EQ(test, vcpu->ev.nmi_pending, 1);
}

static void event_interrupt_ioctl(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	KUNIT_EXPECT_EQ(test, -EINVAL,
			kvm_vcpu_ioctl_interrupt(vcpu, &(struct kvm_interrupt){ .irq = 256 }));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			kvm_vcpu_ioctl_interrupt(vcpu, &(struct kvm_interrupt){ .irq = ~0U }));
	KUNIT_EXPECT_FALSE(test, kvm_request_pending(vcpu));
	KUNIT_EXPECT_EQ(test, 0,
			kvm_vcpu_ioctl_interrupt(vcpu, &(struct kvm_interrupt){ .irq = 255 }));
	KUNIT_EXPECT_EQ(test, vcpu->stat.event_raise[EVENT_IRQ_LINE], 1);
	KUNIT_EXPECT_TRUE(test, kvm_test_request(KVM_REQ_EVENT, vcpu));
	KUNIT_EXPECT_EQ(test, -EEXIST,
			kvm_vcpu_ioctl_interrupt(vcpu, &(struct kvm_interrupt){ .irq = 33 }));
	KUNIT_EXPECT_EQ(test, vcpu->ev.user_irq, 255);
}

/* The state KVM_SET_VCPU_EVENTS may refuse, and does. */
struct refused_case {
	const char *name;
	bool payload_cap;
	struct kvm_vcpu_events events;
};

static const struct refused_case refused_cases[] = {
	{ "unknown flag", true, { .flags = BIT(31) } },
	{ "payload without the capability", false,
	  { .flags = KVM_VCPUEVENT_VALID_PAYLOAD } },
	{ "injected and pending at once", true,
	  { .flags = KVM_VCPUEVENT_VALID_PAYLOAD,
	    .exception = { .injected = 1, .pending = 1, .nr = GP_VECTOR } } },
	{ "no exception's vector", true, { .exception = { .injected = 1, .nr = 32 } } },
	{ "NMI as an exception", true, { .exception = { .injected = 1, .nr = 2 } } },
	{ "triple fault without the capability", true,
	  { .flags = KVM_VCPUEVENT_VALID_TRIPLE_FAULT, .triple_fault = { .pending = 1 } } },
	{ "system management mode", true,
	  { .flags = KVM_VCPUEVENT_VALID_SMM, .smi = { .smm = 1 } } },
};

static void refused_case_desc(const struct refused_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(refused, refused_cases, refused_case_desc);

static void event_set_refused(struct kunit *test)
{
	const struct refused_case *c = test->param_value;
	struct kvm_vcpu *vcpu = test->priv;
	struct kvm_vcpu_events_state before = vcpu->ev;

	vcpu->kvm->exception_payload_enabled = c->payload_cap;
	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_set_events(vcpu, &c->events), -EINVAL);
	KUNIT_EXPECT_MEMEQ(test, &vcpu->ev, &before, sizeof(before));
	KUNIT_EXPECT_FALSE(test, kvm_request_pending(vcpu));
}

/* What was set is got, for all fields that are settable. */
static void event_set_then_get(struct kunit *test)
{
	static const struct kvm_vcpu_events wanted = {
		.flags = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW |
			 KVM_VCPUEVENT_VALID_PAYLOAD | KVM_VCPUEVENT_VALID_TRIPLE_FAULT,
		.exception = { .pending = 1, .nr = PF_VECTOR, .has_error_code = 1,
			       .error_code = 7 },
		.interrupt = { .injected = 1, .nr = GUEST_IRQ,
			       .shadow = KVM_X86_SHADOW_INT_STI },
		.nmi = { .injected = 0, .pending = 1, .masked = 1 },
		.triple_fault = { .pending = 1 },
		.exception_has_payload = 1,
		.exception_payload = 0xfeed000,
	};
	struct kvm_vcpu *vcpu = test->priv;
	struct kvm_vcpu_events got = {};

	vcpu->kvm->exception_payload_enabled = true;
	vcpu->kvm->triple_fault_event = true;
	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_set_events(vcpu, &wanted), 0);
	KUNIT_EXPECT_EQ(test, vcpu->stat.event_raise[EVENT_USERSPACE], 1);
	kvm_vcpu_ioctl_get_events(vcpu, &got);
	KUNIT_EXPECT_MEMEQ(test, &got, &wanted, sizeof(got));
}

/* A client that knows no payloads sees a pending exception as one in delivery. */
static void event_get_without_payload_cap(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	struct kvm_vcpu_events got = {};

	kvm_inject_page_fault(vcpu, 0x5000, 2);
	kvm_vcpu_ioctl_get_events(vcpu, &got);
	KUNIT_EXPECT_EQ(test, got.exception.injected, 1);
	KUNIT_EXPECT_EQ(test, got.exception.pending, 0);
	KUNIT_EXPECT_EQ(test, got.exception_has_payload, 0);
	KUNIT_EXPECT_FALSE(test, got.flags & KVM_VCPUEVENT_VALID_PAYLOAD);
	KUNIT_EXPECT_EQ(test, vcpu->cr2, 0x5000);
}

static void event_reasons_counted(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	int reason;

	for (reason = 0; reason < NR_EVENT_REASONS; reason++) {
		vcpu->requests = 0;
		kvm_make_event_request(vcpu, reason);
		KUNIT_EXPECT_EQ(test, vcpu->stat.event_raise[reason], 1);
		KUNIT_EXPECT_TRUE(test, kvm_test_request(KVM_REQ_EVENT, vcpu));
	}
}

/*
 * Registers alone are no event: what a client installs at set-up asks for no
 * evaluation. The same with something waiting does.
 */
static void event_userspace_raises_only_for_events(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	const struct kvm_vcpu_events none = { .flags = KVM_VCPUEVENT_VALID_NMI_PENDING };
	const struct kvm_interrupt irq = { .irq = GUEST_IRQ };
	struct kvm_sregs sregs = {};
	struct kvm_regs regs = {};

	vcpu->requests = 0;
	kvm_vcpu_ioctl_get_sregs(vcpu, &sregs);
	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_set_sregs(vcpu, &sregs), 0);
	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_set_regs(vcpu, &regs), 0);
	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_set_events(vcpu, &none), 0);
	KUNIT_EXPECT_FALSE(test, kvm_test_request(KVM_REQ_EVENT, vcpu));
	KUNIT_EXPECT_EQ(test, vcpu->stat.event_raise[EVENT_USERSPACE], 0);

	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_interrupt(vcpu, &irq), 0);
	vcpu->requests = 0;
	regs.rflags = X86_EFLAGS_IF;
	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_set_regs(vcpu, &regs), 0);
	KUNIT_EXPECT_TRUE(test, kvm_test_request(KVM_REQ_EVENT, vcpu));
	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_set_events(vcpu, &none), 0);

	vcpu->requests = 0;
	sregs.interrupt_bitmap[GUEST_IRQ / 64] = BIT_ULL(GUEST_IRQ % 64);
	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_set_sregs(vcpu, &sregs), 0);
	KUNIT_EXPECT_TRUE(test, kvm_test_request(KVM_REQ_EVENT, vcpu));
	KUNIT_EXPECT_EQ(test, vcpu->stat.event_raise[EVENT_USERSPACE], 2);
}

/* An entry that is called off gives back what was injected for it. */
static void event_cancelled_entry(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	struct fake_vcpu *fake = to_fake(vcpu);

	kvm_queue_exception_e(vcpu, GP_VECTOR, 0x28);
	kvm_evaluate_events(vcpu);
	kvm_clear_request(KVM_REQ_EVENT, vcpu);
	kvm_x86_cancel_injection(vcpu);
	kvm_after_exit_events(vcpu);
	KUNIT_EXPECT_TRUE(test, vcpu->ev.exception.injected);
	KUNIT_EXPECT_EQ(test, vcpu->stat.event_raise[EVENT_REINJECT], 1);
	KUNIT_EXPECT_EQ(test, kvm_evaluate_events(vcpu), EVENT_OUTCOME_INJECTED);
	KUNIT_EXPECT_EQ(test, fake->inject.vector, GP_VECTOR);
	KUNIT_EXPECT_EQ(test, fake->inject.error_code, 0x28);
}

static int event_init(struct kunit *test)
{
	test->priv = fake_vcpu_bare(test);
	return 0;
}

/* A vendor whose NMI window opens in STI's shadow waits for the interrupt window. */
static void event_irq_window_for_nmi(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	memset(&vcpu->ev, 0, sizeof(vcpu->ev));
	vcpu->requests = 0;
	KUNIT_EXPECT_EQ(test, exit_irq_window(vcpu), RUN_REENTER);
	KUNIT_EXPECT_FALSE(test, vcpu->requests & BIT(KVM_REQ_EVENT));
	vcpu->ev.nmi_pending = 1;
	KUNIT_EXPECT_EQ(test, exit_irq_window(vcpu), RUN_REENTER);
	KUNIT_EXPECT_TRUE(test, vcpu->requests & BIT(KVM_REQ_EVENT));
	KUNIT_EXPECT_EQ(test, vcpu->stat.event_raise[EVENT_NMI], 1ULL);
}

static struct kunit_case event_test_cases[] = {
	KUNIT_CASE_PARAM(event_priority, event_gen_params),
	KUNIT_CASE(event_all_states),
	KUNIT_CASE(event_merge_all),
	KUNIT_CASE(event_double_fault),
	KUNIT_CASE(event_triple_fault),
	KUNIT_CASE(event_serial_exceptions),
	KUNIT_CASE(event_page_fault_payload),
	KUNIT_CASE_PARAM(event_debug_payload, dr6_gen_params),
	KUNIT_CASE(event_debug_clears_gd),
	KUNIT_CASE(event_resume_flag),
	KUNIT_CASE(event_real_mode_pushes_no_error_code),
	KUNIT_CASE(event_error_code_by_vector),
	KUNIT_CASE(event_delivery_faulted),
	KUNIT_CASE(event_nmi_collapse),
	KUNIT_CASE(event_interrupt_ioctl),
	KUNIT_CASE_PARAM(event_set_refused, refused_gen_params),
	KUNIT_CASE(event_set_then_get),
	KUNIT_CASE(event_get_without_payload_cap),
	KUNIT_CASE(event_reasons_counted),
	KUNIT_CASE(event_userspace_raises_only_for_events),
	KUNIT_CASE(event_cancelled_entry),
	KUNIT_CASE(event_irq_window_for_nmi),
	{}
};

static struct kunit_suite event_test_suite = {
	.name = "event",
	.init = event_init,
	.test_cases = event_test_cases,
};

kunit_test_suites(&event_test_suite);
