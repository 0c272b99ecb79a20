// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits that are handled with interrupts off (core/fastpath.c): that they do
 * what the long way does, and that nothing which wants the long way is kept
 * waiting by the loop in core/run.c.
 */
#include <kunit/test.h>
#include <linux/sched.h>
#include <asm/msr-index.h>

#include "core/compat.h"
#include "core/cpuid.h"
#include "core/cr.h"
#include "core/debug.h"
#include "core/event.h"
#include "core/regs.h"
#include "core/request.h"
#include "core/vm.h"
#include "tests/fake/fake.h"

#define STEP(k, ...)	fake_push(test, vcpu, &(struct fake_step){ .kind = (k), ##__VA_ARGS__ })
#define HLT()		STEP(FAKE_STEP_HLT, .insn_len = 1)
#define CPUID()		STEP(FAKE_STEP_CPUID, .insn_len = 2)

/* Was the nth entry (from 0) made right after a fast exit? */
static bool entered_again(struct kunit *test, struct kvm_vcpu *vcpu, int nth)
{
	const struct fake_log *log = &to_fake(vcpu)->log;
	int at = fake_log_find(log, FAKE_ENTER, nth);

	KUNIT_ASSERT_GE(test, at, 0);
	return log->call[at].b;
}

static void fast_in_a_row(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	unsigned long rip = kvm_rip_read(vcpu);

	CPUID();
	CPUID();
	CPUID();
	HLT();
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	KUNIT_EXPECT_EQ(test, kvm_rip_read(vcpu), rip + 3 * 2 + 1);
	KUNIT_EXPECT_FALSE(test, entered_again(test, vcpu, 0));
	KUNIT_EXPECT_TRUE(test, entered_again(test, vcpu, 1));
	KUNIT_EXPECT_TRUE(test, entered_again(test, vcpu, 3));
	KUNIT_EXPECT_EQ(test, vcpu->stat.fast_exits, 3);
	KUNIT_EXPECT_EQ(test, vcpu->stat.exits, 4);
}

/* After @news, during the guest, the fast exit that follows must be the last of its loop. */
static void expect_long_way(struct kunit *test, struct kvm_vcpu *vcpu, const struct fake_step *news)
{
	fake_log_clear(to_fake(vcpu));
	vcpu->stat.fast_exits = 0;
	CPUID();
	fake_push(test, vcpu, news);
	CPUID();
	HLT();
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	KUNIT_EXPECT_TRUE(test, entered_again(test, vcpu, 1));
	KUNIT_EXPECT_FALSE(test, entered_again(test, vcpu, 2));
	KUNIT_EXPECT_EQ(test, vcpu->stat.fast_exits, 2);
}

static void request_is_seen(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	expect_long_way(test, vcpu, &(struct fake_step){
		.kind = FAKE_STEP_OTHERS_REQUEST, .value = KVM_REQ_MSR_FILTER });
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->log.count[FAKE_MSR_INTERCEPTS], 1);
	KUNIT_EXPECT_FALSE(test, kvm_request_pending(vcpu));
}

static void kick_is_seen(struct kunit *test)
{
	expect_long_way(test, test->priv, &(struct fake_step){ .kind = FAKE_STEP_OTHERS_KICK });
}

static void host_work_is_seen(struct kunit *test)
{
	expect_long_way(test, test->priv, &(struct fake_step){ .kind = FAKE_STEP_HOST_WORK });
	KUNIT_EXPECT_FALSE(test, test_thread_flag(TIF_NOTIFY_RESUME));
}

/* An NMI by another thread goes in at the entry behind the fast exit. */
static void nmi_is_not_delayed(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	atomic_inc(&vcpu->ev.nmi_queued);
	CPUID();
	STEP(FAKE_STEP_OTHERS_REQUEST, .value = KVM_REQ_NMI);
	CPUID();
	CPUID();
	HLT();
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->log.count[FAKE_DELIVER], 1);
	KUNIT_EXPECT_EQ(test, fake_log_find(&to_fake(vcpu)->log, FAKE_ENTER, 2) + 1,
			fake_log_find(&to_fake(vcpu)->log, FAKE_DELIVER, 0));
}

/* What was injected at the first entry is delivered by it, and not again by the next ones. */
static void injected_once(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	kvm_queue_exception(vcpu, UD_VECTOR);
	CPUID();
	CPUID();
	HLT();
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->log.count[FAKE_DELIVER], 1);
	KUNIT_EXPECT_EQ(test, vcpu->stat.fast_exits, 2);
	KUNIT_EXPECT_EQ(test, vcpu->stat.event_raise[EVENT_REINJECT], 0);
}

/* An exit in the middle of a delivery is the long way's, whatever its kind. */
static void cut_short_is_slow(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	kvm_queue_exception(vcpu, UD_VECTOR);
	STEP(FAKE_STEP_CPUID, .insn_len = 2, .cut_short = true);
	HLT();
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	KUNIT_EXPECT_EQ(test, vcpu->stat.fast_exits, 0);
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->log.count[FAKE_DELIVER], 1);
}

static void guest_steps(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	unsigned long rip = kvm_rip_read(vcpu);

	kvm_x86_set_rflags(vcpu, kvm_x86_get_rflags(vcpu) | X86_EFLAGS_TF);
	CPUID();
	HLT();
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	KUNIT_EXPECT_EQ(test, vcpu->stat.fast_exits, 0);
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->log.count[FAKE_DELIVER], 1);
	KUNIT_EXPECT_EQ(test, kvm_rip_read(vcpu), rip + 3);
}

static void debugger_steps(struct kunit *test)
{
	struct kvm_guest_debug dbg = { .control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP };
	struct kvm_vcpu *vcpu = test->priv;

	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_set_guest_debug(vcpu, &dbg), 0);
	CPUID();
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_DEBUG);
	KUNIT_EXPECT_EQ(test, vcpu->stat.fast_exits, 0);
}

/* The guest's debug registers are exchanged around an entry: not in the middle of a loop. */
static void owned_debug_registers(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	KUNIT_ASSERT_TRUE(test, kvm_lend_debug_regs(vcpu));
	CPUID();
	HLT();
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	KUNIT_EXPECT_EQ(test, vcpu->stat.fast_exits, 0);
	/* They are taken back after each entry. */
	CPUID();
	HLT();
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	KUNIT_EXPECT_EQ(test, vcpu->stat.fast_exits, 1);
}

static void shadow_ends(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	STEP(FAKE_STEP_STI, .insn_len = 1);
	CPUID();
	HLT();
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	KUNIT_EXPECT_EQ(test, vcpu->stat.fast_exits, 1);
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->shadow, 0);
}

/* Without a length nothing is done the fast way, and no result is lost. */
static void unknown_length(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	vcpu->regs[VCPU_REGS_RAX] = 0x1234;
	STEP(FAKE_STEP_HYPERCALL);
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_INTERNAL_ERROR);
	KUNIT_EXPECT_EQ(test, vcpu->stat.fast_exits, 0);
}

static void msr_values(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	vcpu->regs[VCPU_REGS_RCX] = MSR_IA32_MISC_ENABLE;
	vcpu->ia32_misc_enable = 0x100000002ULL;
	STEP(FAKE_STEP_RDMSR, .insn_len = 2);
	STEP(FAKE_STEP_MOV_REG, .insn_len = 5, .reg = VCPU_REGS_RCX, .value = MSR_IA32_TSC_ADJUST);
	STEP(FAKE_STEP_WRMSR, .insn_len = 2);
	HLT();
	vcpu->cpuid_caps |= BIT(GUEST_CAP_TSC_ADJUST);
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	KUNIT_EXPECT_EQ(test, vcpu->stat.fast_exits, 2);
	KUNIT_EXPECT_EQ(test, vcpu->regs[VCPU_REGS_RAX], 2);
	KUNIT_EXPECT_EQ(test, vcpu->regs[VCPU_REGS_RDX], 1);
	KUNIT_EXPECT_EQ(test, vcpu->ia32_tsc_adjust, 0x100000002ULL);
}

/* A refused access faults, once, as on the long way. */
static void msr_refused(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	vcpu->regs[VCPU_REGS_RCX] = 0xdeadbeef;
	STEP(FAKE_STEP_RDMSR, .insn_len = 2);
	STEP(FAKE_STEP_WRMSR, .insn_len = 2);
	HLT();
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	KUNIT_EXPECT_EQ(test, vcpu->stat.fast_exits, 0);
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->log.count[FAKE_DELIVER], 2);
}

/* Userspace's interrupt controller hears of a lower task priority, and only of that. */
static void task_priority(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	vcpu->regs[VCPU_REGS_RAX] = 5;
	STEP(FAKE_STEP_CR, .insn_len = 3, .cr = { .cr = 8, .gpr = VCPU_REGS_RAX, .write = true });
	STEP(FAKE_STEP_CR, .insn_len = 3, .cr = { .cr = 8, .gpr = VCPU_REGS_RBX });
	STEP(FAKE_STEP_MOV_REG, .insn_len = 5, .reg = VCPU_REGS_RAX, .value = 4);
	STEP(FAKE_STEP_CR, .insn_len = 3, .cr = { .cr = 8, .gpr = VCPU_REGS_RAX, .write = true });
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_SET_TPR);
	KUNIT_EXPECT_EQ(test, vcpu->regs[VCPU_REGS_RBX], 5);
	KUNIT_EXPECT_EQ(test, kvm_get_cr8(vcpu), 4);
	KUNIT_EXPECT_EQ(test, vcpu->stat.fast_exits, 2);
}

/* What no ioeventfd takes goes the long way, as if it had not been offered. */
static void port_of_userspace(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	unsigned long rip = kvm_rip_read(vcpu);

	CPUID();
	STEP(FAKE_STEP_PIO, .insn_len = 1, .pio = { .port = 0x600, .size = 2 });
	CPUID();
	HLT();
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_IO);
	KUNIT_EXPECT_EQ(test, vcpu->run->io.port, 0x600);
	KUNIT_EXPECT_EQ(test, kvm_rip_read(vcpu), rip + 2);
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	KUNIT_EXPECT_EQ(test, kvm_rip_read(vcpu), rip + 2 + 1 + 2 + 1);
	KUNIT_EXPECT_EQ(test, vcpu->stat.fast_exits, 2);
}

static int fastpath_init(struct kunit *test)
{
	struct kvm_vcpu *vcpu = fake_vcpu_create(test, fake_vm_create(test));

	/* Another task's turn would end the loop that is looked at: let none have one. */
	sched_set_fifo(current);
	vcpu->cr0 |= X86_CR0_PE;
	test->priv = vcpu;
	return 0;
}

static void fastpath_exit(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	fake_hw_reset();
	if (vcpu)
		KUNIT_EXPECT_EQ(test, to_fake(vcpu)->log.count[FAKE_BAD_CONTEXT], 0);
}

static struct kunit_case fastpath_test_cases[] = {
	KUNIT_CASE(fast_in_a_row),
	KUNIT_CASE(request_is_seen),
	KUNIT_CASE(kick_is_seen),
	KUNIT_CASE(host_work_is_seen),
	KUNIT_CASE(nmi_is_not_delayed),
	KUNIT_CASE(injected_once),
	KUNIT_CASE(cut_short_is_slow),
	KUNIT_CASE(guest_steps),
	KUNIT_CASE(debugger_steps),
	KUNIT_CASE(owned_debug_registers),
	KUNIT_CASE(shadow_ends),
	KUNIT_CASE(unknown_length),
	KUNIT_CASE(msr_values),
	KUNIT_CASE(msr_refused),
	KUNIT_CASE(task_priority),
	KUNIT_CASE(port_of_userspace),
	{}
};

static struct kunit_suite fastpath_test_suite = {
	.name = "fastpath",
	.init = fastpath_init,
	.exit = fastpath_exit,
	.test_cases = fastpath_test_cases,
};

kunit_test_suites(&fastpath_test_suite);
