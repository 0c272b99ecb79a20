// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_RUN from ioctl to ioctl on scripted guests: what re-enters, what goes to
 * userspace, and that an event is delivered once, in order, whatever happens
 * on the way (core/run.c, core/exit.c). Priority among events by itself is in
 * event_test.c.
 */
#include <kunit/test.h>
#include <linux/sched.h>

#include "core/compat.h"
#include "core/cr.h"
#include "core/event.h"
#include "core/exit.h"
#include "core/main.h"
#include "core/request.h"
#include "core/regs.h"
#include "core/spin.h"
#include "core/vm.h"
#include "tests/fake/fake.h"

#define STEP(k, ...)	fake_push(test, vcpu, &(struct fake_step){ .kind = (k), ##__VA_ARGS__ })
#define HLT()		STEP(FAKE_STEP_HLT, .insn_len = 1)

/* Compare the log, reduced to deliveries, with a list of (kind, vector). */
struct delivery {
	enum fake_event_kind kind;
	u8 vector;
};

static void expect_deliveries(struct kunit *test, struct kvm_vcpu *vcpu,
			      const struct delivery *wanted, unsigned int nr)
{
	const struct fake_log *log = &to_fake(vcpu)->log;
	unsigned int i;
	int at;

	KUNIT_ASSERT_EQ(test, log->count[FAKE_DELIVER], nr);
	for (i = 0; i < nr; i++) {
		at = fake_log_find(log, FAKE_DELIVER, i);
		KUNIT_ASSERT_GE(test, at, 0);
		KUNIT_EXPECT_EQ_MSG(test, log->call[at].a, wanted[i].kind, "delivery %u", i);
		KUNIT_EXPECT_EQ_MSG(test, log->call[at].b, wanted[i].vector, "delivery %u", i);
	}
}

#define EXPECT_DELIVERIES(...)							\
do {										\
	static const struct delivery wanted_[] = { __VA_ARGS__ };		\
	expect_deliveries(test, vcpu, wanted_, ARRAY_SIZE(wanted_));		\
} while (0)

static void interrupt(struct kunit *test, struct kvm_vcpu *vcpu, u8 vector)
{
	KUNIT_ASSERT_EQ(test, 0,
			kvm_vcpu_ioctl_interrupt(vcpu, &(struct kvm_interrupt){ .irq = vector }));
}

static void run_hlt(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	unsigned long rip = kvm_rip_read(vcpu);

	HLT();
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	KUNIT_EXPECT_EQ(test, kvm_rip_read(vcpu), rip + 1);
	KUNIT_EXPECT_EQ(test, vcpu->mode, OUTSIDE_RUN_LOOP);
	KUNIT_EXPECT_EQ(test, vcpu->stat.halt_exits, 1);
}

/* Exits that core handles alone enter again without a word to userspace. */
static void run_reenters(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	unsigned long rip = kvm_rip_read(vcpu);

	STEP(FAKE_STEP_CPUID, .insn_len = 2);
	STEP(FAKE_STEP_PAUSE, .insn_len = 2);
	STEP(FAKE_STEP_CLTS, .insn_len = 2);
	STEP(FAKE_STEP_EXTERNAL_INTERRUPT);
	HLT();
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	KUNIT_EXPECT_EQ(test, kvm_rip_read(vcpu), rip + 2 + 2 + 2 + 1);
	KUNIT_EXPECT_GE(test, vcpu->stat.exits, 5);
}

/* An exit handled with interrupts off enters again at once, unless there was a kick. */
static void run_reenters_fast(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	unsigned long rip = kvm_rip_read(vcpu);

	STEP(FAKE_STEP_FAST, .insn_len = 1);
	STEP(FAKE_STEP_FAST, .insn_len = 2);
	STEP(FAKE_STEP_FAST, .insn_len = 3);
	HLT();
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	KUNIT_EXPECT_EQ(test, kvm_rip_read(vcpu), rip + 1 + 2 + 3 + 1);
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->nr_entries, 4);
	/* A host interrupt that has work may have cut the fast way short once or twice. */
	KUNIT_EXPECT_LT(test, to_fake(vcpu)->nr_long_ways, 4);
}

static void run_reenters_fast_kicked(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	STEP(FAKE_STEP_FAST_KICKED, .insn_len = 1);
	HLT();
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->nr_entries, 2);
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->nr_long_ways, 2);
}

/* The host's state is exchanged when the vCPU has come to a CPU, not at every entry. */
static void run_saves_host_once(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	const struct fake_log *log = &to_fake(vcpu)->log;
	int i;

	for (i = 0; i < 3; i++)
		STEP(FAKE_STEP_EXTERNAL_INTERRUPT);
	HLT();
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	/* More than one where the scheduler had other plans. */
	KUNIT_EXPECT_GE(test, log->count[FAKE_SAVE_HOST], 1);
	KUNIT_EXPECT_EQ(test, log->count[FAKE_SAVE_HOST], log->count[FAKE_RESTORE_HOST]);
	KUNIT_EXPECT_EQ(test, log->count[FAKE_SAVE_HOST], vcpu->stat.host_state_reload);
	KUNIT_EXPECT_FALSE(test, vcpu->host_state_saved);
}

/* A window grows up to a limit and comes back to where it began, not below. */
static void run_pause_window(struct kunit *test)
{
	static const struct {
		u32 window, factor, max, grown;
	} grow[] = {
		{ 3000, 2, 65535, 6000 },
		{ 40000, 2, 65535, 65535 },
		{ 4096, 0, ~0U, 4096 },
		{ 4096, 2, 100, 4096 },
		{ ~0U, 2, ~0U, ~0U },
	};
	static const struct {
		u32 window, divisor, base, shrunk;
	} shrink[] = {
		{ 8192, 0, 4096, 4096 },
		{ 65535, 2, 3000, 32767 },
		{ 4000, 2, 3000, 3000 },
		{ 3000, 2, 3000, 3000 },
	};
	u32 window;
	int i;

	for (i = 0; i < ARRAY_SIZE(grow); i++) {
		window = grow[i].window;
		KUNIT_EXPECT_EQ_MSG(test, kvm_pause_window_grow(&window, grow[i].factor,
								grow[i].max),
				    grow[i].grown != grow[i].window, "row %d", i);
		KUNIT_EXPECT_EQ_MSG(test, window, grow[i].grown, "row %d", i);
	}
	for (i = 0; i < ARRAY_SIZE(shrink); i++) {
		window = shrink[i].window;
		KUNIT_EXPECT_EQ_MSG(test, kvm_pause_window_shrink(&window, shrink[i].divisor,
								  shrink[i].base),
				    shrink[i].shrunk != shrink[i].window, "row %d", i);
		KUNIT_EXPECT_EQ_MSG(test, window, shrink[i].shrunk, "row %d", i);
	}
}

static void run_unknown_exit(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	STEP(FAKE_STEP_UNKNOWN, .hardware_reason = 0xdead);
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_INTERNAL_ERROR);
	KUNIT_EXPECT_EQ(test, vcpu->run->internal.suberror,
			KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON);
	KUNIT_ASSERT_GE(test, vcpu->run->internal.ndata, 1);
	KUNIT_EXPECT_EQ(test, vcpu->run->internal.data[0], 0xdead);
}

static void run_fail_entry(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	STEP(FAKE_STEP_FAIL_ENTRY, .hardware_reason = 0x80000021);
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_FAIL_ENTRY);
	KUNIT_EXPECT_EQ(test, vcpu->run->fail_entry.hardware_entry_failure_reason, 0x80000021);
}

/* The hardware's state goes to the log only for who asked for it. */
static void run_fail_entry_dump(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	STEP(FAKE_STEP_FAIL_ENTRY, .hardware_reason = 0x80000021);
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_FAIL_ENTRY);
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->dumps, 0);
	exit_dump_failed_entry = true;
	STEP(FAKE_STEP_FAIL_ENTRY, .hardware_reason = 0x80000021);
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_FAIL_ENTRY);
	exit_dump_failed_entry = false;
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->dumps, 1);
}

/* A reboot switched the extension off: no news for userspace, and no way on. */
static void run_fail_entry_rebooting(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	STEP(FAKE_STEP_FAIL_ENTRY, .hardware_reason = 0x80000021);
	kvm_rebooting = true;
	KUNIT_EXPECT_EQ(test, fake_vcpu_ioctl(vcpu, KVM_RUN, 0), -EIO);
	kvm_rebooting = false;
}

static void run_shutdown(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	kvm_rip_write(vcpu, 0x4321);
	STEP(FAKE_STEP_SHUTDOWN);
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_SHUTDOWN);
	/* The state stays for a debugger ... */
	KUNIT_EXPECT_EQ(test, kvm_rip_read(vcpu), 0x4321);

	vcpu->switch_db_regs |= KVM_DEBUGREG_WONT_EXIT;
	STEP(FAKE_STEP_SHUTDOWN, .state_lost = true);
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_SHUTDOWN);
	/* ... or is that of INIT. */
	KUNIT_EXPECT_EQ(test, kvm_rip_read(vcpu), 0xfff0);
	KUNIT_EXPECT_FALSE(test, vcpu->switch_db_regs & KVM_DEBUGREG_WONT_EXIT);
}

/* Length unknown and nothing to decode: told to userspace, not guessed. */
static void run_no_length(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	unsigned long rip = kvm_rip_read(vcpu);

	STEP(FAKE_STEP_CPUID, .insn_len = 0);
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_INTERNAL_ERROR);
	KUNIT_EXPECT_EQ(test, vcpu->run->internal.suberror, KVM_INTERNAL_ERROR_EMULATION);
	KUNIT_EXPECT_EQ(test, kvm_rip_read(vcpu), rip);
}

static void run_immediate_exit_flag(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	HLT();
	vcpu->run->compat_immediate_exit = 1;
	vcpu->run->exit_reason = KVM_EXIT_IO;
	KUNIT_EXPECT_EQ(test, fake_vcpu_ioctl(vcpu, KVM_RUN, 0), -EINTR);
	KUNIT_EXPECT_EQ(test, vcpu->run->exit_reason, KVM_EXIT_IO);
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->nr_entries, 0);
	vcpu->run->compat_immediate_exit = 0;
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
}

static void run_bad_argument(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	KUNIT_EXPECT_EQ(test, fake_vcpu_ioctl(vcpu, KVM_RUN, 1), -EINVAL);
	vcpu->run->kvm_valid_regs = BIT(63);
	KUNIT_EXPECT_EQ(test, fake_vcpu_ioctl(vcpu, KVM_RUN, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->nr_entries, 0);
}

static void run_dead_vm(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	kvm_vm_bugged(vcpu->kvm);
	KUNIT_EXPECT_EQ(test, fake_vcpu_ioctl(vcpu, KVM_RUN, 0), -EIO);
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->nr_entries, 0);
}

static void run_interrupt(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	kvm_x86_set_rflags(vcpu, X86_EFLAGS_IF);
	interrupt(test, vcpu, 0x40);
	HLT();
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	EXPECT_DELIVERIES({ FAKE_EVENT_IRQ, 0x40 });
	KUNIT_EXPECT_EQ(test, vcpu->stat.irq_injections, 1);
}

/* IF clear: wait for the window, then inject, one instruction after STI. */
static void run_interrupt_window(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	const struct fake_log *log = &to_fake(vcpu)->log;

	interrupt(test, vcpu, 0x41);
	STEP(FAKE_STEP_NOP, .insn_len = 1);
	STEP(FAKE_STEP_STI, .insn_len = 1);
	STEP(FAKE_STEP_NOP, .insn_len = 1);
	HLT();
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	EXPECT_DELIVERIES({ FAKE_EVENT_IRQ, 0x41 });
	KUNIT_EXPECT_EQ(test, log->count[FAKE_IRQ_WINDOW], 1);
	KUNIT_EXPECT_EQ(test, vcpu->stat.irq_window_exits, 1);
}

/* STI; HLT with an interrupt pending: the guest must not sleep through it. */
static void run_interrupt_after_sti_hlt(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	interrupt(test, vcpu, 0x42);
	STEP(FAKE_STEP_STI, .insn_len = 1);
	HLT();
	HLT();
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->log.count[FAKE_DELIVER], 0);
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->shadow, 0);
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	EXPECT_DELIVERIES({ FAKE_EVENT_IRQ, 0x42 });
}

/* The exit that userspace's interrupt controller asks for, at the first moment it may. */
static void run_window_for_userspace(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	vcpu->run->request_interrupt_window = 1;
	STEP(FAKE_STEP_NOP, .insn_len = 1);
	STEP(FAKE_STEP_STI, .insn_len = 1);
	STEP(FAKE_STEP_NOP, .insn_len = 1);
	HLT();
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_IRQ_WINDOW_OPEN);
	KUNIT_EXPECT_EQ(test, vcpu->run->ready_for_interrupt_injection, 1);
	KUNIT_EXPECT_EQ(test, vcpu->run->if_flag, 1);
	vcpu->run->request_interrupt_window = 0;
	interrupt(test, vcpu, 0x43);
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	EXPECT_DELIVERIES({ FAKE_EVENT_IRQ, 0x43 });
}

/* One interrupt goes in, userspace has the next: it is told when the first handler does STI. */
static void run_window_after_interrupt(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	kvm_x86_set_rflags(vcpu, X86_EFLAGS_IF);
	interrupt(test, vcpu, 0x44);
	vcpu->run->request_interrupt_window = 1;
	STEP(FAKE_STEP_NOP, .insn_len = 1);
	STEP(FAKE_STEP_STI, .insn_len = 1);
	STEP(FAKE_STEP_NOP, .insn_len = 1);
	HLT();
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_IRQ_WINDOW_OPEN);
	EXPECT_DELIVERIES({ FAKE_EVENT_IRQ, 0x44 });
}

static void run_nmi_then_interrupt(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	kvm_x86_set_rflags(vcpu, X86_EFLAGS_IF);
	kvm_inject_nmi(vcpu);
	interrupt(test, vcpu, 0x45);
	/* The NMI handler runs with IF clear; it ends by IRET, which restores IF. */
	STEP(FAKE_STEP_IRET, .insn_len = 2);
	STEP(FAKE_STEP_STI, .insn_len = 1);
	STEP(FAKE_STEP_NOP, .insn_len = 1);
	HLT();
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	EXPECT_DELIVERIES({ FAKE_EVENT_NMI, 2 }, { FAKE_EVENT_IRQ, 0x45 });
}

/* The second of two NMIs comes when the first one's handler returns, not before. */
static void run_two_nmis(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	const struct fake_log *log = &to_fake(vcpu)->log;

	kvm_inject_nmi(vcpu);
	kvm_inject_nmi(vcpu);
	STEP(FAKE_STEP_CPUID, .insn_len = 2);
	STEP(FAKE_STEP_IRET, .insn_len = 2);
	HLT();
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	EXPECT_DELIVERIES({ FAKE_EVENT_NMI, 2 }, { FAKE_EVENT_NMI, 2 });
	KUNIT_EXPECT_GT(test, fake_log_find(log, FAKE_DELIVER, 1),
			fake_log_find(log, FAKE_SKIP, 0));
	KUNIT_EXPECT_EQ(test, vcpu->stat.nmi_injections, 2);
}

/* An exit in the middle of delivery: the event is put back and goes first. */
static void run_cut_short(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	const struct fake_log *log = &to_fake(vcpu)->log;
	unsigned int cancelled;

	kvm_x86_set_rflags(vcpu, X86_EFLAGS_IF);
	interrupt(test, vcpu, 0x46);
	STEP(FAKE_STEP_EXTERNAL_INTERRUPT, .cut_short = true);
	HLT();
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	EXPECT_DELIVERIES({ FAKE_EVENT_IRQ, 0x46 });
	/* The host may have called an entry off on its own account. */
	cancelled = log->count[FAKE_CANCEL_INJECTION];
	KUNIT_EXPECT_EQ(test, log->count[FAKE_INJECT_IRQ], 2 + cancelled);
	KUNIT_EXPECT_EQ(test, vcpu->stat.irq_injections, 1);
	KUNIT_EXPECT_EQ(test, vcpu->stat.event_raise[EVENT_REINJECT], 1 + cancelled);
}

static void run_nmi_cut_short(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	kvm_inject_nmi(vcpu);
	STEP(FAKE_STEP_EXTERNAL_INTERRUPT, .cut_short = true);
	HLT();
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	EXPECT_DELIVERIES({ FAKE_EVENT_NMI, 2 });
	KUNIT_EXPECT_EQ(test, vcpu->stat.nmi_injections, 1);
}

/* A fault raised by the exit that cut a fault's delivery short makes a double fault. */
static void run_fault_in_delivery(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	kvm_queue_exception_e(vcpu, NP_VECTOR, 0x10);
	STEP(FAKE_STEP_XSETBV, .cut_short = true, .insn_len = 3);
	HLT();
	vcpu->regs[VCPU_REGS_RCX] = 77;	/* no such XCR: #GP */
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	EXPECT_DELIVERIES({ FAKE_EVENT_EXCEPTION, DF_VECTOR });
}

/* What waits behind an event put back is looked at right after one entry. */
static void expect_immediate_exit(struct kunit *test, struct kvm_vcpu *vcpu)
{
	kvm_x86_set_rflags(vcpu, X86_EFLAGS_IF);
	vcpu->regs[VCPU_REGS_RCX] = 77;
	interrupt(test, vcpu, 0x47);
	STEP(FAKE_STEP_XSETBV, .cut_short = true, .insn_len = 3);
	HLT();
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	EXPECT_DELIVERIES({ FAKE_EVENT_IRQ, 0x47 }, { FAKE_EVENT_EXCEPTION, GP_VECTOR });
	KUNIT_EXPECT_EQ(test, vcpu->stat.immediate_exit, 1);
	KUNIT_EXPECT_EQ(test, vcpu->stat.event_raise[EVENT_IMMEDIATE_EXIT], 1);
	KUNIT_EXPECT_EQ(test, vcpu->stat.irq_injections, 1);
}

static void run_immediate_exit_by_hardware(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	fake_hw.immediate_exit = true;
	expect_immediate_exit(test, vcpu);
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->log.count[FAKE_IMMEDIATE_EXIT], 1);
}

static void run_immediate_exit_by_interrupt(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	expect_immediate_exit(test, vcpu);
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->log.count[FAKE_IMMEDIATE_EXIT], 0);
}

/* A request that came after requests were served calls the entry off; the event survives. */
static void run_shutdown_by_triple_fault(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	kvm_requeue_exception(vcpu, DF_VECTOR, true, 0);
	kvm_queue_exception_e(vcpu, GP_VECTOR, 0);
	HLT();
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_SHUTDOWN);
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->nr_entries, 0);
}

/* Nothing asks for an evaluation, so there is none: the goal of the event protocol. */
static void run_no_redundant_evaluation(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	u64 asked;
	int i;

	HLT();
	KUNIT_ASSERT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	asked = vcpu->stat.req_event;
	for (i = 0; i < 20; i++)
		STEP(FAKE_STEP_CPUID, .insn_len = 2);
	HLT();
	KUNIT_ASSERT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	KUNIT_EXPECT_EQ(test, vcpu->stat.req_event, asked);
}

/* Lazily read registers: what the guest changed is seen, what userspace set arrives. */
static void run_lazy_registers(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	kvm_rip_write(vcpu, 0x5000);
	kvm_register_write_raw(vcpu, VCPU_REGS_RSP, 0x9000);
	STEP(FAKE_STEP_MOV_REG, .insn_len = 5, .reg = VCPU_REGS_RBX, .value = 0x1234);
	STEP(FAKE_STEP_MOV_REG, .insn_len = 5, .reg = VCPU_REGS_RSP, .value = 0x8ff8);
	HLT();
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	KUNIT_EXPECT_EQ(test, kvm_rip_read(vcpu), 0x500b);
	KUNIT_EXPECT_EQ(test, kvm_rsp_read(vcpu), 0x8ff8);
	KUNIT_EXPECT_EQ(test, vcpu->regs[VCPU_REGS_RBX], 0x1234);
}

static int run_init(struct kunit *test)
{
	struct kvm_vcpu *vcpu = fake_vcpu_create(test, fake_vm_create(test));

	/* A host that has other work calls entries off: let no other task have its turn. */
	sched_set_fifo(current);
	/* Protected mode, so that exceptions push error codes. */
	vcpu->cr0 |= X86_CR0_PE;
	test->priv = vcpu;
	return 0;
}

static void run_exit(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	fake_hw_reset();
	if (vcpu)
		KUNIT_EXPECT_EQ(test, to_fake(vcpu)->log.count[FAKE_BAD_CONTEXT], 0);
}

static struct kunit_case run_test_cases[] = {
	KUNIT_CASE(run_hlt),
	KUNIT_CASE(run_reenters),
	KUNIT_CASE(run_reenters_fast),
	KUNIT_CASE(run_reenters_fast_kicked),
	KUNIT_CASE(run_saves_host_once),
	KUNIT_CASE(run_pause_window),
	KUNIT_CASE(run_unknown_exit),
	KUNIT_CASE(run_fail_entry),
	KUNIT_CASE(run_fail_entry_dump),
	KUNIT_CASE(run_fail_entry_rebooting),
	KUNIT_CASE(run_shutdown),
	KUNIT_CASE(run_no_length),
	KUNIT_CASE(run_immediate_exit_flag),
	KUNIT_CASE(run_bad_argument),
	KUNIT_CASE(run_dead_vm),
	KUNIT_CASE(run_interrupt),
	KUNIT_CASE(run_interrupt_window),
	KUNIT_CASE(run_interrupt_after_sti_hlt),
	KUNIT_CASE(run_window_for_userspace),
	KUNIT_CASE(run_window_after_interrupt),
	KUNIT_CASE(run_nmi_then_interrupt),
	KUNIT_CASE(run_two_nmis),
	KUNIT_CASE(run_cut_short),
	KUNIT_CASE(run_nmi_cut_short),
	KUNIT_CASE(run_fault_in_delivery),
	KUNIT_CASE(run_immediate_exit_by_hardware),
	KUNIT_CASE(run_immediate_exit_by_interrupt),
	KUNIT_CASE(run_shutdown_by_triple_fault),
	KUNIT_CASE(run_no_redundant_evaluation),
	KUNIT_CASE(run_lazy_registers),
	{}
};

static struct kunit_suite run_test_suite = {
	.name = "run",
	.init = run_init,
	.exit = run_exit,
	.test_cases = run_test_cases,
};

kunit_test_suites(&run_test_suite);
