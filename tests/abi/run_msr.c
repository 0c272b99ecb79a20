// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSRs that the guest may have to itself: what it writes is what userspace reads
 * and the reverse, with and without exits.
 */
#include <stdlib.h>

#include "harness.h"

#define SPEC_CTRL_IBRS	1

static bool offered(u32 function, int reg, u32 bit)
{
	struct kvm_cpuid2 *c = supported_cpuid();
	struct kvm_cpuid_entry2 *e = cpuid_find(c, function, 0);
	bool is = e && (reg ? e->edx : e->ebx) & bit;

	free(c);
	return is;
}

#define EBX	0
#define EDX	1

/* A CPU that forgets what it is told. */
static void need_spec_ctrl(void)
{
	if (!offered(7, EDX, 1 << 26) && !offered(0x80000008, EBX, 1 << 14))
		skip("the host has no IBRS");
}

PROGRAM(use_spec_ctrl, 32,
	"	mov $0x48, %ecx\n"
	"	rdmsr\n"
	"	hlt\n"
	"	mov $1, %eax\n"
	"	wrmsr\n"			/* from now on it is the guest's */
	"	mov $3, %eax\n"
	"	wrmsr\n"
	"	hlt\n"
	"	rdmsr\n"
	"	hlt\n"
	"	mov $0x200, %eax\n"
	"	wrmsr\n");			/* no such bit */

TEST(msr, spec_ctrl)
{
	struct vcpu *v;
	u64 value;

	need_spec_ctrl();
	v = vcpu_with(MODE_PROT32, use_spec_ctrl);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	CHECK_EQ(get_regs(v).rax, 0);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	CHECK(get_msr(v, 0x48, &value));
	CHECK_EQ(value, 3);
	CHECK(!set_msr(v, 0x48, 0x200));
	CHECK(set_msr(v, 0x48, SPEC_CTRL_IBRS));
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	CHECK_EQ(get_regs(v).rax, SPEC_CTRL_IBRS);
	EXPECT_EXIT(v, KVM_EXIT_SHUTDOWN);
	CHECK(get_msr(v, 0x48, &value));
	CHECK_EQ(value, SPEC_CTRL_IBRS);
}

/* Commands to predictors and caches are for the CPU: ESI of them in ECX. */
PROGRAM(commands, 32,
	"	xor %edx, %edx\n"
	"	mov $1, %eax\n"
	"1:	wrmsr\n"
	"	dec %esi\n"
	"	jnz 1b\n"
	"	hlt\n"
	"	mov $0x10000, %eax\n"
	"	wrmsr\n");

#define MANY	1000

static void commands_cost_no_exit(u32 msr)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, commands);
	u64 before;

	SET_REG(v, rcx, msr);
	SET_REG(v, rsi, MANY);
	before = vcpu_stat(v, "exits");
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	/* Interrupts of the host exit meanwhile. */
	CHECK(vcpu_stat(v, "exits") - before < MANY / 2);
	EXPECT_EXIT(v, KVM_EXIT_SHUTDOWN);
}

TEST(msr, ibpb)
{
	if (!offered(7, EDX, 1 << 26) && !offered(0x80000008, EBX, 1 << 12))
		skip("the host has no IBPB");
	commands_cost_no_exit(0x49);
}

TEST(msr, flush_l1d)
{
	if (!offered(7, EDX, 1 << 28))
		skip("the host has no L1D_FLUSH");
	commands_cost_no_exit(0x10b);
}

/* Kernels switch branch records on without asking: no CPUID bit tells of them. */
PROGRAM(records, 32,
	"	mov $0x1d9, %ecx\n"
	"	xor %edx, %edx\n"
	"	mov $1, %eax\n"
	"	wrmsr\n"
	"	mov $0x1db, %ecx\n"
	"	rdmsr\n"
	"	hlt\n");

TEST(msr, branch_records)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, records);

	EXPECT_EXIT(v, KVM_EXIT_HLT);
}

/* Of a CPU that calls itself AMD's, systems and firmware write these without asking. */
PROGRAM(amd_switches, 32,
	"	mov $0xc0010010, %ecx\n"	/* SYSCFG */
	"	xor %edx, %edx\n"
	"	mov $0x80000, %eax\n"
	"	wrmsr\n"
	"	rdmsr\n"
	"	mov %eax, %ebx\n"
	"	mov $0xc0010015, %ecx\n"	/* HWCR */
	"	xor %edx, %edx\n"
	"	mov $0x40040, %eax\n"
	"	wrmsr\n"
	"	rdmsr\n"
	"	hlt\n");

TEST_STRICT(msr, amd_switches, "refuses to write SYSCFG")
{
	struct vcpu *v = vcpu_with(MODE_PROT32, amd_switches);

	EXPECT_EXIT(v, KVM_EXIT_HLT);
	CHECK_EQ(get_regs(v).rbx, 0);
	CHECK_EQ(get_regs(v).rax, 0x40000);
}
