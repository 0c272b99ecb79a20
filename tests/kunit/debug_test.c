// SPDX-License-Identifier: GPL-2.0-only
/*
 * Debug registers: reserved bits, aliases, and who owns the breakpoints while
 * a debugger is attached.
 */
#include <kunit/test.h>
#include <linux/string.h>

#include "core/cpuid.h"
#include "core/cr.h"
#include "core/debug.h"
#include "core/event.h"
#include "core/exit.h"
#include "core/regs.h"
#include "core/vcpu.h"
#include "tests/fake/fake.h"

static int debug_init(struct kunit *test)
{
	struct kvm_vcpu *vcpu = fake_vcpu_create(test, fake_vm_create(test));

	vcpu->cpuid_caps = 0;
	test->priv = vcpu;
	return 0;
}

static void fixed_bits(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, kvm_dr6_value(0, false), 0xffff0ff0UL);
	KUNIT_EXPECT_EQ(test, kvm_dr6_value(0, true), 0xfffe0ff0UL);
	KUNIT_EXPECT_EQ(test, kvm_dr6_value(0xffffffff, false), 0xffffefffUL);
	KUNIT_EXPECT_EQ(test, kvm_dr6_value(BIT(16), true), 0xffff0ff0UL);
	KUNIT_EXPECT_EQ(test, kvm_dr7_value(0), 0x400UL);
	KUNIT_EXPECT_EQ(test, kvm_dr7_value(0xffffffff), 0xffff2fffUL);
}

static void writes(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	int i;

	for (i = 0; i < KVM_NR_DB_REGS; i++) {
		KUNIT_EXPECT_EQ(test, kvm_set_dr(vcpu, i, 0x1000000010UL + i), 0);
		KUNIT_EXPECT_EQ(test, kvm_get_dr(vcpu, i), 0x1000000010UL + i);
		KUNIT_EXPECT_EQ(test, vcpu->eff_db[i], 0x1000000010UL + i);
	}
	/* 4 and 5 are 6 and 7. */
	KUNIT_EXPECT_EQ(test, kvm_set_dr(vcpu, 4, 0x4001), 0);
	KUNIT_EXPECT_EQ(test, kvm_get_dr(vcpu, 6), 0xffff4ff1UL);
	KUNIT_EXPECT_EQ(test, kvm_get_dr(vcpu, 4), 0xffff4ff1UL);
	KUNIT_EXPECT_EQ(test, kvm_set_dr(vcpu, 5, 0x3), 0);
	KUNIT_EXPECT_EQ(test, kvm_get_dr(vcpu, 7), 0x403UL);

	KUNIT_EXPECT_EQ(test, kvm_set_dr(vcpu, 6, BIT_ULL(32)), 1);
	KUNIT_EXPECT_EQ(test, kvm_set_dr(vcpu, 7, BIT_ULL(63)), 1);
	KUNIT_EXPECT_EQ(test, kvm_get_dr(vcpu, 6), 0xffff4ff1UL);
	KUNIT_EXPECT_EQ(test, kvm_get_dr(vcpu, 7), 0x403UL);
}

static void debugctl_bits(struct kunit *test)
{
	const u64 lbr = DEBUGCTLMSR_LBR, both = DEBUGCTLMSR_LBR | DEBUGCTLMSR_BTF;
	static const struct {
		u64 data, kept, value;
		bool host, refused;
	} writes[] = {
		{ .data = DEBUGCTLMSR_LBR },
		{ .data = DEBUGCTLMSR_BTF },
		{ .data = DEBUGCTLMSR_LBR, .kept = DEBUGCTLMSR_LBR, .value = DEBUGCTLMSR_LBR },
		{ .data = DEBUGCTLMSR_LBR | DEBUGCTLMSR_BTF, .kept = DEBUGCTLMSR_LBR,
		  .value = DEBUGCTLMSR_LBR },
		{ .data = BIT(2), .refused = true },
		{ .data = 0, .host = true },
		{ .data = DEBUGCTLMSR_LBR, .host = true, .refused = true },
		{ .data = DEBUGCTLMSR_LBR, .kept = DEBUGCTLMSR_LBR, .host = true,
		  .value = DEBUGCTLMSR_LBR },
		{ .data = DEBUGCTLMSR_BTF, .kept = DEBUGCTLMSR_LBR, .host = true, .refused = true },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(writes); i++) {
		const struct msr_data msr = {
			.data = writes[i].data, .host_initiated = writes[i].host,
		};
		u64 value = lbr << 8;
		enum msr_result result = kvm_debugctl_value(&msr, both, writes[i].kept, &value);

		KUNIT_EXPECT_EQ_MSG(test, result, writes[i].refused ? MSR_INVALID : MSR_OK,
				    "row %d", i);
		KUNIT_EXPECT_EQ_MSG(test, value, writes[i].refused ? lbr << 8 : writes[i].value,
				    "row %d", i);
	}
}

/* What would hang the CPU or is the host's always exits, #BP for a debugger that asks. */
static void intercepted_exceptions(struct kunit *test)
{
	const u32 always = BIT(1) | BIT(17) | BIT(18);
	struct kvm_guest_debug dbg = { .control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP };
	struct kvm_vcpu *vcpu = test->priv;

	KUNIT_EXPECT_EQ(test, kvm_exceptions_to_intercept(vcpu), always);
	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_set_guest_debug(vcpu, &dbg), 0);
	KUNIT_EXPECT_EQ(test, kvm_exceptions_to_intercept(vcpu), always | BIT(3));
	dbg.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP;
	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_set_guest_debug(vcpu, &dbg), 0);
	KUNIT_EXPECT_EQ(test, kvm_exceptions_to_intercept(vcpu), always);
}

/* A guest has its debug registers until the next exit, unless somebody watches them. */
static void lent_registers(struct kunit *test)
{
	struct kvm_guest_debug dbg = { .control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP };
	struct kvm_vcpu *vcpu = test->priv;

	KUNIT_EXPECT_EQ(test, kvm_set_dr(vcpu, 7, KVM_DR7_GD), 0);
	KUNIT_EXPECT_FALSE(test, kvm_lend_debug_regs(vcpu));
	KUNIT_EXPECT_EQ(test, kvm_set_dr(vcpu, 7, 0), 0);
	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_set_guest_debug(vcpu, &dbg), 0);
	KUNIT_EXPECT_FALSE(test, kvm_lend_debug_regs(vcpu));
	KUNIT_EXPECT_FALSE(test, vcpu->switch_db_regs & KVM_DEBUGREG_WONT_EXIT);
	dbg.control = 0;
	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_set_guest_debug(vcpu, &dbg), 0);
	to_fake(vcpu)->steps_guest = true;
	KUNIT_EXPECT_FALSE(test, kvm_lend_debug_regs(vcpu));
	to_fake(vcpu)->steps_guest = false;
	KUNIT_EXPECT_TRUE(test, kvm_lend_debug_regs(vcpu));
	KUNIT_EXPECT_TRUE(test, vcpu->switch_db_regs & KVM_DEBUGREG_WONT_EXIT);
	KUNIT_EXPECT_FALSE(test, to_fake(vcpu)->dr_exits);
	fake_push(test, vcpu, &(struct fake_step){ .kind = FAKE_STEP_HLT, .insn_len = 1 });
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	KUNIT_EXPECT_TRUE(test, to_fake(vcpu)->dr_exits);
}

/* Userspace may come in between the loan and the entry. */
static void lent_to_debugger(struct kunit *test)
{
	struct kvm_guest_debug dbg = {
		.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP,
		.arch.debugreg = { [0] = 0x5000, [7] = 1 },
	};
	struct kvm_vcpu *vcpu = test->priv;

	KUNIT_EXPECT_EQ(test, kvm_set_dr(vcpu, 0, 0x1234), 0);
	KUNIT_EXPECT_TRUE(test, kvm_lend_debug_regs(vcpu));
	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_set_guest_debug(vcpu, &dbg), 0);
	KUNIT_EXPECT_FALSE(test, vcpu->switch_db_regs & KVM_DEBUGREG_WONT_EXIT);
	KUNIT_EXPECT_TRUE(test, to_fake(vcpu)->dr_exits);
	fake_push(test, vcpu, &(struct fake_step){ .kind = FAKE_STEP_HLT, .insn_len = 1 });
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	KUNIT_EXPECT_EQ(test, kvm_get_dr(vcpu, 0), 0x1234UL);
}

/* Debug registers are exchanged at entry only while a breakpoint is armed. */
static void armed_breakpoints(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	kvm_set_dr(vcpu, 7, 0);
	KUNIT_EXPECT_FALSE(test, vcpu->switch_db_regs & KVM_DEBUGREG_BP_ENABLED);
	kvm_set_dr(vcpu, 7, 0x2);
	KUNIT_EXPECT_TRUE(test, vcpu->switch_db_regs & KVM_DEBUGREG_BP_ENABLED);
	KUNIT_EXPECT_EQ(test, vcpu->eff_dr7, 0x402UL);
	kvm_set_dr(vcpu, 7, 0xd0000);	/* a condition alone arms nothing */
	KUNIT_EXPECT_FALSE(test, vcpu->switch_db_regs & KVM_DEBUGREG_BP_ENABLED);
}

static void debugger_breakpoints(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	struct kvm_guest_debug dbg = { .control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP };

	kvm_set_dr(vcpu, 0, 0x1000);
	dbg.arch.debugreg[0] = 0x2000;
	dbg.arch.debugreg[7] = 0x1 | KVM_DR7_GD | BIT_ULL(40);
	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_set_guest_debug(vcpu, &dbg), 0);
	KUNIT_EXPECT_EQ(test, vcpu->eff_db[0], 0x2000UL);
	KUNIT_EXPECT_EQ(test, vcpu->eff_dr7, 0x401UL);

	/* The guest goes on to see its own; they are not in force. */
	KUNIT_EXPECT_EQ(test, kvm_get_dr(vcpu, 0), 0x1000UL);
	kvm_set_dr(vcpu, 0, 0x3000);
	kvm_set_dr(vcpu, 7, 0x8);
	KUNIT_EXPECT_EQ(test, vcpu->eff_db[0], 0x2000UL);
	KUNIT_EXPECT_EQ(test, vcpu->eff_dr7, 0x401UL);
	KUNIT_EXPECT_EQ(test, kvm_get_dr(vcpu, 7), 0x408UL);

	dbg.control = 0;
	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_set_guest_debug(vcpu, &dbg), 0);
	KUNIT_EXPECT_EQ(test, vcpu->eff_db[0], 0x3000UL);
	KUNIT_EXPECT_EQ(test, vcpu->eff_dr7, 0x408UL);
}

static void single_step_hides_tf(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	struct kvm_guest_debug dbg = { .control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP };

	kvm_set_rflags(vcpu, X86_EFLAGS_FIXED);
	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_set_guest_debug(vcpu, &dbg), 0);
	KUNIT_EXPECT_TRUE(test, kvm_x86_get_rflags(vcpu) & X86_EFLAGS_TF);
	KUNIT_EXPECT_FALSE(test, kvm_get_rflags(vcpu) & X86_EFLAGS_TF);
	dbg.control = 0;
	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_set_guest_debug(vcpu, &dbg), 0);
	KUNIT_EXPECT_FALSE(test, kvm_x86_get_rflags(vcpu) & X86_EFLAGS_TF);
}

static void guest_debug_refused(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	struct kvm_guest_debug dbg = { .control = KVM_GUESTDBG_ENABLE | BIT(8) };

	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_set_guest_debug(vcpu, &dbg), -EINVAL);
	KUNIT_EXPECT_EQ(test, vcpu->guest_debug, 0U);

	dbg.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_INJECT_BP;
	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_set_guest_debug(vcpu, &dbg), 0);
	KUNIT_EXPECT_TRUE(test, vcpu->ev.exception.pending);
	KUNIT_EXPECT_EQ(test, vcpu->ev.exception.vector, BP_VECTOR);
	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_set_guest_debug(vcpu, &dbg), -EBUSY);
	kvm_clear_exception_queue(vcpu);
}

static void debugregs_ioctl(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	struct kvm_debugregs in = {
		.db = { 1, 2, 3, ~0ULL }, .dr6 = 0xffff0ff1, .dr7 = 0x402,
	}, out;

	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_set_debugregs(vcpu, &in), 0);
	memset(&out, 0xff, sizeof(out));
	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_get_debugregs(vcpu, &out), 0);
	KUNIT_EXPECT_EQ(test, memcmp(&in, &out, sizeof(in)), 0);

	in.flags = 1;
	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_set_debugregs(vcpu, &in), -EINVAL);
	in.flags = 0;
	in.db[0] = 99;
	in.dr6 = BIT_ULL(32);
	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_set_debugregs(vcpu, &in), -EINVAL);
	in.dr6 = 0;
	in.dr7 = BIT_ULL(40);
	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_set_debugregs(vcpu, &in), -EINVAL);
	KUNIT_EXPECT_EQ(test, kvm_get_dr(vcpu, 0), 1UL);
}

/* MOV to and from debug registers, where each has something to object. */
static void refused_in_order(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	static const struct {
		u8 dr, cpl, vector;
		unsigned long cr4;
	} cases[] = {
		{ .dr = 4, .cpl = 3, .cr4 = X86_CR4_DE, .vector = UD_VECTOR },
		{ .dr = 4, .cpl = 0, .cr4 = X86_CR4_DE, .vector = UD_VECTOR },
		{ .dr = 4, .cpl = 3, .vector = GP_VECTOR },
		{ .dr = 0, .cpl = 3, .cr4 = X86_CR4_DE, .vector = GP_VECTOR },
		{ .dr = 4, .cpl = 0, .vector = DB_VECTOR },
		{ .dr = 0, .cpl = 0, .cr4 = X86_CR4_DE, .vector = DB_VECTOR },
	};
	unsigned int i;

	KUNIT_EXPECT_EQ(test, kvm_set_dr(vcpu, 7, KVM_DR7_GD), 0);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct exit_dr access = { .dr = cases[i].dr };

		memset(&vcpu->ev, 0, sizeof(vcpu->ev));
		kvm_install_cr4(vcpu, cases[i].cr4);
		to_fake(vcpu)->seg[VCPU_SREG_SS].dpl = cases[i].cpl;
		KUNIT_EXPECT_EQ_MSG(test, exit_dr(vcpu, &access), RUN_REENTER, "case %u", i);
		KUNIT_EXPECT_TRUE_MSG(test, vcpu->ev.exception.pending, "case %u", i);
		KUNIT_EXPECT_EQ_MSG(test, vcpu->ev.exception.vector, cases[i].vector, "case %u", i);
	}
}

static struct kunit_case debug_cases[] = {
	KUNIT_CASE(fixed_bits),
	KUNIT_CASE(writes),
	KUNIT_CASE(debugctl_bits),
	KUNIT_CASE(intercepted_exceptions),
	KUNIT_CASE(lent_registers),
	KUNIT_CASE(lent_to_debugger),
	KUNIT_CASE(armed_breakpoints),
	KUNIT_CASE(debugger_breakpoints),
	KUNIT_CASE(single_step_hides_tf),
	KUNIT_CASE(guest_debug_refused),
	KUNIT_CASE(debugregs_ioctl),
	KUNIT_CASE(refused_in_order),
	{}
};

static struct kunit_suite debug_suite = {
	.name = "debug",
	.init = debug_init,
	.test_cases = debug_cases,
};

kunit_test_suites(&debug_suite);
