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
