// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_SET_GUEST_DEBUG: single step, software and hardware breakpoints, and
 * that they leave no trace in the guest.
 */
#include "harness.h"

PROGRAM(steps, 32,
	"	nop\n"
	"	mov $1, %eax\n"
	"	mov $2, %ebx\n"
	"	pushf\n"
	"	pop %ecx\n"
	"	int3\n"
	"	mov %eax, 0x20000\n"
	"	mov 0x20000, %edx\n"
	"	hlt\n");

/* Where each of these instructions ends. */
static const unsigned int ends[] = { 1, 6, 11, 12, 13 };

static void debug(struct vcpu *v, struct kvm_guest_debug *d)
{
	CHECK_OK(ioctl(v->fd, KVM_SET_GUEST_DEBUG, d));
}

TEST(debug, single_step)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, steps);
	struct kvm_guest_debug d = {
		.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP,
	};

	NEED_CAP(KVM_CAP_SET_GUEST_DEBUG);
	debug(v, &d);
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		EXPECT_EXIT(v, KVM_EXIT_DEBUG);
		CHECK_EQ(v->run->debug.arch.exception, 1);
		CHECK_EQ(v->run->debug.arch.pc, GPA_CODE + ends[i]);
		CHECK(v->run->debug.arch.dr6 & 1 << 14);
		CHECK_EQ(get_regs(v).rip, GPA_CODE + ends[i]);
		/* The trap flag is ours, not the guest's. */
		CHECK_EQ(get_regs(v).rflags & 0x100, 0);
	}
	CHECK_EQ(get_regs(v).rbx, 2);
	d.control = 0;
	debug(v, &d);
}

TEST(debug, software_breakpoint)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, steps);
	struct kvm_guest_debug d = {
		.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP,
	};

	skip_on_tcg("INT3 is never intercepted");
	NEED_CAP(KVM_CAP_SET_GUEST_DEBUG);
	debug(v, &d);
	EXPECT_EXIT(v, KVM_EXIT_DEBUG);
	CHECK_EQ(v->run->debug.arch.exception, 3);
	CHECK_EQ(v->run->debug.arch.pc, GPA_CODE + 13);
	CHECK_EQ(get_regs(v).rip, GPA_CODE + 13);
}

TEST(debug, hardware_breakpoint)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, steps);
	struct kvm_guest_debug d = {
		.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP,
	};
	struct kvm_debugregs regs;

	skip_on_tcg("VMRUN does not arm breakpoints");
	NEED_CAP(KVM_CAP_SET_GUEST_DEBUG);
	d.arch.debugreg[0] = GPA_CODE + 6;
	d.arch.debugreg[7] = 0x402;
	debug(v, &d);
	EXPECT_EXIT(v, KVM_EXIT_DEBUG);
	CHECK_EQ(v->run->debug.arch.exception, 1);
	CHECK_EQ(v->run->debug.arch.pc, GPA_CODE + 6);
	CHECK_EQ(v->run->debug.arch.dr6 & 0xf, 1);
	CHECK_EQ(get_regs(v).rax, 1);
	CHECK_EQ(get_regs(v).rbx, 0);
	/* The guest's own registers are as they were. */
	CHECK_OK(ioctl(v->fd, KVM_GET_DEBUGREGS, &regs));
	CHECK_EQ(regs.db[0], 0);
	CHECK_EQ(regs.dr7, 0x400);
}

TEST(debug, hardware_watchpoint)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, steps);
	struct kvm_guest_debug d = {
		.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP,
	};
	struct kvm_regs r = get_regs(v);

	skip_on_tcg("VMRUN does not arm breakpoints");
	NEED_CAP(KVM_CAP_SET_GUEST_DEBUG);
	r.rip = GPA_CODE + 14;		/* behind INT3 */
	r.rax = 0x99;
	set_regs(v, &r);
	d.arch.debugreg[2] = GPA_DATA;
	d.arch.debugreg[7] = 0x400 | 0x20 | 0xd << 24;	/* write, 4 bytes */
	debug(v, &d);
	EXPECT_EXIT(v, KVM_EXIT_DEBUG);
	CHECK_EQ(v->run->debug.arch.exception, 1);
	CHECK_EQ(v->run->debug.arch.dr6 & 0xf, 4);
	/* A trap: the write is done. */
	CHECK_EQ(*(u32 *)(v->vm->mem + GPA_DATA), 0x99);
	CHECK_EQ(get_regs(v).rip, GPA_CODE + 19);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
}

/* Off is off. */
TEST(debug, disabled)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, steps);
	struct kvm_guest_debug d = {
		.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP |
			   KVM_GUESTDBG_USE_SW_BP,
	};
	struct kvm_regs r = get_regs(v);

	NEED_CAP(KVM_CAP_SET_GUEST_DEBUG);
	debug(v, &d);
	EXPECT_EXIT(v, KVM_EXIT_DEBUG);
	d.control = 0;
	debug(v, &d);
	r.rip = GPA_CODE + 14;
	set_regs(v, &r);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
}

PROGRAM(handler, 32,
	"	mov $0x1d, %al\n"
	"	out %al, $0x10\n"
	"	hlt\n");

/* The guest's own INT3 and its own trap flag go to the guest. */
TEST(debug, guest_breakpoint)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, steps);

	load_at(v->vm, GPA_HANDLER, guest_handler, GUEST_SIZE(handler));
	set_gate(v, 3, GPA_HANDLER);
	EXPECT_OUT(v, 0x10, 1, 0x1d);
	CHECK_EQ(*(u32 *)(v->vm->mem + GPA_STACK - 12), GPA_CODE + 14);
}

TEST(debug, guest_single_step)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, steps);
	struct kvm_regs r = get_regs(v);
	struct kvm_debugregs d;

	load_at(v->vm, GPA_HANDLER, guest_handler, GUEST_SIZE(handler));
	set_gate(v, 1, GPA_HANDLER);
	r.rflags |= 0x100;
	set_regs(v, &r);
	CHECK_EQ(get_regs(v).rflags & 0x100, 0x100);
	EXPECT_OUT(v, 0x10, 1, 0x1d);
	CHECK_EQ(*(u32 *)(v->vm->mem + GPA_STACK - 12), GPA_CODE + 1);
	CHECK_OK(ioctl(v->fd, KVM_GET_DEBUGREGS, &d));
	CHECK(d.dr6 & 1 << 14);
}

/* The guest's own hardware breakpoint. */
TEST(debug, guest_hardware_breakpoint)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, steps);
	struct kvm_debugregs d = { .dr6 = 0xffff0ff0, .dr7 = 0x402 };

	skip_on_tcg("VMRUN does not arm breakpoints");
	load_at(v->vm, GPA_HANDLER, guest_handler, GUEST_SIZE(handler));
	set_gate(v, 1, GPA_HANDLER);
	d.db[0] = GPA_CODE + 11;
	CHECK_OK(ioctl(v->fd, KVM_SET_DEBUGREGS, &d));
	EXPECT_OUT(v, 0x10, 1, 0x1d);
	CHECK_EQ(*(u32 *)(v->vm->mem + GPA_STACK - 12), GPA_CODE + 11);
	CHECK_OK(ioctl(v->fd, KVM_GET_DEBUGREGS, &d));
	CHECK_EQ(d.dr6 & 0xf, 1);
}

/* Single step over an instruction that is emulated: one step, one exit. */
PROGRAM(mmio_read, 32,
	"	mov (%ebx), %eax\n"
	"	nop\n"
	"	hlt\n");

PROGRAM(mmio_write, 32,
	"	mov %eax, (%ebx)\n"
	"	nop\n"
	"	hlt\n");

static void step_on(struct vcpu *v)
{
	struct kvm_guest_debug d = {
		.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP,
	};

	debug(v, &d);
}

static void step_mmio(struct vcpu *v)
{
	struct kvm_regs r = get_regs(v);

	NEED_CAP(KVM_CAP_SET_GUEST_DEBUG);
	r.rbx = GPA_MMIO;
	r.rax = 5;
	set_regs(v, &r);
	step_on(v);
}

static void steps_after_mmio(struct vcpu *v)
{
	EXPECT_EXIT(v, KVM_EXIT_DEBUG);
	CHECK_EQ(v->run->debug.arch.pc, GPA_CODE + 2);
	step_on(v);
	EXPECT_EXIT(v, KVM_EXIT_DEBUG);
	CHECK_EQ(v->run->debug.arch.pc, GPA_CODE + 3);
}

TEST(debug, step_over_mmio_read)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, mmio_read);

	step_mmio(v);
	EXPECT_MMIO_READ(v, GPA_MMIO, 4, 7);
	steps_after_mmio(v);
	CHECK_EQ(get_regs(v).rax, 7);
}

TEST_STRICT(debug, step_over_mmio_write,
	    "the step over a write that userspace completes is lost")
{
	struct vcpu *v = vcpu_with(MODE_PROT32, mmio_write);

	step_mmio(v);
	EXPECT_MMIO_WRITE(v, GPA_MMIO, 4, 5);
	steps_after_mmio(v);
}

/* Inject an exception on the guest's behalf. */
TEST(debug, inject)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, steps);
	struct kvm_guest_debug d = {
		.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_INJECT_DB,
	};

	NEED_CAP(KVM_CAP_SET_GUEST_DEBUG);
	load_at(v->vm, GPA_HANDLER, guest_handler, GUEST_SIZE(handler));
	set_gate(v, 1, GPA_HANDLER);
	debug(v, &d);
	/* One is waiting. */
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_GUEST_DEBUG, &d), EBUSY);
	EXPECT_OUT(v, 0x10, 1, 0x1d);
	CHECK_EQ(*(u32 *)(v->vm->mem + GPA_STACK - 12), GPA_CODE);
}
