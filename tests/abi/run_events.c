// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts by KVM_INTERRUPT, the interrupt window, NMIs, exceptions raised
 * by the guest and injected by userspace: in 16, 32 and 64 bits.
 */
#include "harness.h"

/* Each handler tells its name and returns; the 64-bit one by IRETQ. */
PROGRAM(irq16, 16,
	"	push %ax\n"
	"	mov $0x16, %al\n"
	"	out %al, $0x99\n"
	"	pop %ax\n"
	"	iret\n");

PROGRAM(irq32, 32,
	"	push %eax\n"
	"	mov $0x32, %al\n"
	"	out %al, $0x99\n"
	"	pop %eax\n"
	"	iret\n");

PROGRAM(irq64, 64,
	"	push %rax\n"
	"	mov $0x64, %al\n"
	"	out %al, $0x99\n"
	"	pop %rax\n"
	"	iretq\n");

/* Interrupts are on from the second instruction after STI. */
PROGRAM(sti16, 16,
	"	sti\n"
	"	nop\n"
	"	mov $1, %al\n"
	"	out %al, $0x10\n"
	"	cli\n"
	"	mov $2, %al\n"
	"	out %al, $0x10\n"
	"	hlt\n");

PROGRAM(sti32, 32,
	"	sti\n"
	"	nop\n"
	"	mov $1, %al\n"
	"	out %al, $0x10\n"
	"	cli\n"
	"	mov $2, %al\n"
	"	out %al, $0x10\n"
	"	hlt\n");

#define HANDLER_SIZE	0x20

static struct vcpu *with_handler(enum mode mode, unsigned int vector,
				 const void *code, size_t size)
{
	struct vcpu *v = vcpu_loaded(mode, code, size);

	if (mode == MODE_REAL)
		load_at(v->vm, GPA_HANDLER, guest_irq16, GUEST_SIZE(irq16));
	else if (mode == MODE_LONG)
		load_at(v->vm, GPA_HANDLER, guest_irq64, GUEST_SIZE(irq64));
	else
		load_at(v->vm, GPA_HANDLER, guest_irq32, GUEST_SIZE(irq32));
	set_gate(v, vector, GPA_HANDLER);
	return v;
}

#define HANDLER_VCPU(mode, vector, name) \
	with_handler(mode, vector, guest_##name, GUEST_SIZE(name))

static struct vcpu *sti_vcpu(enum mode mode)
{
	if (mode == MODE_REAL)
		return HANDLER_VCPU(mode, 0x41, sti16);
	return HANDLER_VCPU(mode, 0x41, sti32);
}

static unsigned int handler_value(enum mode mode)
{
	return mode == MODE_REAL ? 0x16 : mode == MODE_LONG ? 0x64 : 0x32;
}

static void interrupt(struct vcpu *v, unsigned int vector)
{
	struct kvm_interrupt irq = { .irq = vector };

	CHECK_OK(ioctl(v->fd, KVM_INTERRUPT, &irq));
}

/* As a VMM does it: ask for the window, inject when it is open. */
TEST(events, interrupt_window)
{
	for (size_t i = 0; i < ARRAY_SIZE(all_modes); i++) {
		struct vcpu *v = sti_vcpu(all_modes[i]);

		v->run->request_interrupt_window = 1;
		EXPECT_EXIT(v, KVM_EXIT_IRQ_WINDOW_OPEN);
		CHECK_EQ(v->run->ready_for_interrupt_injection, 1);
		CHECK_EQ(v->run->if_flag, 1);
		v->run->request_interrupt_window = 0;
		interrupt(v, 0x41);
		EXPECT_OUT(v, 0x99, 1, handler_value(all_modes[i]));
		CHECK_EQ(v->run->if_flag, 0);
		EXPECT_OUT(v, 0x10, 1, 1);
		EXPECT_OUT(v, 0x10, 1, 2);
		EXPECT_EXIT(v, KVM_EXIT_HLT);
	}
}

/* No window while interrupts are off. */
TEST(events, no_window_with_if_clear)
{
	struct vcpu *v = sti_vcpu(MODE_PROT32);

	/* Begin behind STI. */
	SET_REG(v, rip, GPA_CODE + 1);
	v->run->request_interrupt_window = 1;
	EXPECT_OUT(v, 0x10, 1, 1);
	CHECK_EQ(v->run->ready_for_interrupt_injection, 0);
	EXPECT_OUT(v, 0x10, 1, 2);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
}

/* A VMM that does not look: the interrupt goes in at once. */
TEST(events, interrupt_is_injected)
{
	for (size_t i = 0; i < ARRAY_SIZE(all_modes); i++) {
		struct vcpu *v = sti_vcpu(all_modes[i]);
		u64 rip = get_regs(v).rip;

		SET_REG(v, rflags, 0x202);
		interrupt(v, 0x41);
		CHECK_EQ(get_events(v).interrupt.injected, 1);
		CHECK_EQ(get_events(v).interrupt.nr, 0x41);
		EXPECT_OUT(v, 0x99, 1, handler_value(all_modes[i]));
		CHECK_EQ(get_events(v).interrupt.injected, 0);
		if (all_modes[i] == MODE_REAL)
			CHECK_EQ(*(u16 *)(v->vm->mem + GPA_STACK - 6), rip);
		else if (all_modes[i] == MODE_LONG)
			CHECK_EQ(*(u64 *)(v->vm->mem + GPA_STACK - 40),
				 rip);
		else
			CHECK_EQ(*(u32 *)(v->vm->mem + GPA_STACK - 12),
				 rip);
		EXPECT_OUT(v, 0x10, 1, 1);
	}
}

/*
 * An instruction in the shadow of STI that exits and is finished in software:
 * the shadow ends with it as it would on the CPU.
 */
PROGRAM(sti_out, 32,
	"	sti\n"
	"	out %al, $0x10\n"
	"	mov $2, %al\n"
	"	out %al, $0x10\n"
	"	hlt\n");

TEST(events, shadow_ends_with_its_instruction)
{
	struct vcpu *v = HANDLER_VCPU(MODE_PROT32, 0x41, sti_out);

	v->run->request_interrupt_window = 1;
	EXPECT_OUT(v, 0x10, 1, 0);
	CHECK(get_events(v).interrupt.shadow);
	CHECK_EQ(v->run->ready_for_interrupt_injection, 0);
	EXPECT_EXIT(v, KVM_EXIT_IRQ_WINDOW_OPEN);
	CHECK_EQ(get_regs(v).rip, GPA_CODE + 3);
	CHECK(!get_events(v).interrupt.shadow);
	v->run->request_interrupt_window = 0;
	interrupt(v, 0x41);
	EXPECT_OUT(v, 0x99, 1, 0x32);
	CHECK_EQ(*(u32 *)(v->vm->mem + GPA_STACK - 12), GPA_CODE + 3);
	EXPECT_OUT(v, 0x10, 1, 2);
}

/* HLT, then an interrupt: execution goes on behind the HLT. */
PROGRAM(sti_hlt, 32,
	"	sti\n"
	"	hlt\n"
	"	mov $7, %al\n"
	"	out %al, $0x10\n"
	"	hlt\n");

TEST(events, interrupt_after_hlt)
{
	struct vcpu *v = HANDLER_VCPU(MODE_PROT32, 0x30, sti_hlt);

	EXPECT_EXIT(v, KVM_EXIT_HLT);
	CHECK_EQ(v->run->if_flag, 1);
	CHECK_EQ(v->run->ready_for_interrupt_injection, 1);
	interrupt(v, 0x30);
	EXPECT_OUT(v, 0x99, 1, 0x32);
	CHECK_EQ(*(u32 *)(v->vm->mem + GPA_STACK - 12), GPA_CODE + 2);
	EXPECT_OUT(v, 0x10, 1, 7);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
}

/* All 256 vectors one after another; what a real mode guest may use. */
TEST(events, every_vector)
{
	struct vcpu *v = HANDLER_VCPU(MODE_LONG, 0x41, sti32);
	struct kvm_regs start = get_regs(v);

	start.rflags |= 0x200;
	for (unsigned int vector = 32; vector < 256; vector++) {
		set_gate(v, vector, GPA_HANDLER);
		set_regs(v, &start);
		interrupt(v, vector);
		EXPECT_OUT(v, 0x99, 1, 0x64);
		/* Complete the OUT, so that the registers may be replaced. */
		settle(v);
	}
}

static void send_nmi(struct vcpu *v)
{
	CHECK_OK(ioctl(v->fd, KVM_NMI, 0UL));
}

/* An NMI does not ask for IF, and none follows before IRET. */
PROGRAM(nmi_main, 32,
	"	mov $1, %al\n"
	"	out %al, $0x10\n"
	"	nop\n"
	"	mov $2, %al\n"
	"	out %al, $0x10\n"
	"	mov $3, %al\n"
	"	out %al, $0x10\n"
	"	hlt\n");

TEST(events, nmi)
{
	for (size_t i = 1; i < ARRAY_SIZE(all_modes); i++) {
		struct vcpu *v = HANDLER_VCPU(all_modes[i], 2, nmi_main);
		unsigned int told = handler_value(all_modes[i]);

		EXPECT_OUT(v, 0x10, 1, 1);
		send_nmi(v);
		CHECK_EQ(get_events(v).nmi.pending, 1);
		EXPECT_OUT(v, 0x99, 1, told);
		CHECK_EQ(get_events(v).nmi.masked, 1);
		CHECK_EQ(get_events(v).nmi.pending, 0);
		/* A second one waits for the end of the first. */
		send_nmi(v);
		EXPECT_OUT(v, 0x99, 1, told);
		EXPECT_OUT(v, 0x10, 1, 2);
		CHECK_EQ(get_events(v).nmi.masked, 0);
		EXPECT_OUT(v, 0x10, 1, 3);
		EXPECT_EXIT(v, KVM_EXIT_HLT);
	}
}

static void put_into_sti_shadow(struct vcpu *v)
{
	struct kvm_vcpu_events e = {
		.flags = KVM_VCPUEVENT_VALID_SHADOW,
		.interrupt.shadow = KVM_X86_SHADOW_INT_STI,
	};

	CHECK_OK(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &e));
}

/* Whoever steps through the shadow of STI does not make an NMI wait for longer. */
TEST(events, nmi_behind_debugger)
{
	struct vcpu *v = HANDLER_VCPU(MODE_PROT32, 2, nmi_main);
	struct kvm_guest_debug d = {
		.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP,
	};
	u32 from = GPA_CODE;
	int reason;

	NEED_CAP(KVM_CAP_SET_GUEST_DEBUG);
	CHECK_OK(ioctl(v->fd, KVM_SET_GUEST_DEBUG, &d));
	/* There is no such shadow without IF. */
	SET_REG(v, rflags, 0x202);
	put_into_sti_shadow(v);
	send_nmi(v);
	/*
	 * VMX has no shadow where a debugger steps, and the NMI is taken at once. Else it
	 * is behind the instruction, of two bytes, whose step is not lost.
	 */
	reason = run(v);
	if (reason == KVM_EXIT_DEBUG) {
		from += 2;
		CHECK_EQ(v->run->debug.arch.pc, from);
		reason = run(v);
	}
	/* Delivery clears TF: the handler runs to its end. */
	CHECK_EQ(reason, KVM_EXIT_IO);
	CHECK_EQ(v->run->io.port, 0x99);
	CHECK_EQ(*(u32 *)(v->vm->mem + GPA_STACK - 12), from);
}

/* As saved where the injection itself sets the mask and then was cancelled. */
TEST(events, nmi_injected_and_masked)
{
	struct vcpu *v = HANDLER_VCPU(MODE_PROT32, 2, nmi_main);
	struct kvm_vcpu_events e;

	EXPECT_OUT(v, 0x10, 1, 1);
	settle(v);
	e = get_events(v);
	e.nmi.injected = 1;
	e.nmi.masked = 1;
	e.flags |= KVM_VCPUEVENT_VALID_NMI_PENDING;
	CHECK_OK(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &e));
	EXPECT_OUT(v, 0x99, 1, 0x32);
	CHECK_EQ(get_events(v).nmi.masked, 1);
	EXPECT_OUT(v, 0x10, 1, 2);
	CHECK_EQ(get_events(v).nmi.masked, 0);
}

/* More than two at once collapse. */
TEST(events, nmis_collapse)
{
	struct vcpu *v = HANDLER_VCPU(MODE_PROT32, 2, nmi_main);
	unsigned int seen = 0;

	EXPECT_OUT(v, 0x10, 1, 1);
	for (int i = 0; i < 5; i++)
		send_nmi(v);
	for (;;) {
		EXPECT_EXIT(v, KVM_EXIT_IO);
		if (v->run->io.port == 0x10)
			break;
		CHECK_EQ(v->run->io.port, 0x99);
		seen++;
	}
	CHECK(seen == 1 || seen == 2);
}

TEST(events, nmi_wakes_hlt)
{
	struct vcpu *v = HANDLER_VCPU(MODE_PROT32, 2, sti_hlt);

	/* Even with interrupts off. */
	SET_REG(v, rip, GPA_CODE + 1);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	send_nmi(v);
	EXPECT_OUT(v, 0x99, 1, 0x32);
	EXPECT_OUT(v, 0x10, 1, 7);
}

/* An NMI and an interrupt at once: the NMI's handler runs first. */
PROGRAM(tell_nmi, 32,
	"	mov $0xee, %al\n"
	"	out %al, $0x98\n"
	"	iret\n");

TEST(events, nmi_before_interrupt)
{
	struct vcpu *v = HANDLER_VCPU(MODE_PROT32, 0x50, sti_hlt);

	load_at(v->vm, GPA_HANDLER + 0x100, guest_tell_nmi,
		GUEST_SIZE(tell_nmi));
	set_gate(v, 2, GPA_HANDLER + 0x100);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	send_nmi(v);
	EXPECT_OUT(v, 0x98, 1, 0xee);
	interrupt(v, 0x50);
	EXPECT_EXIT(v, KVM_EXIT_IO);
	CHECK_EQ(v->run->io.port, 0x99);
	EXPECT_OUT(v, 0x10, 1, 7);
}

/*
 * Exceptions.  A handler that reports vector (by its port), error code and
 * the address, and stops.
 */
PROGRAM(exc32, 32,
	"	pop %eax\n"
	"	out %eax, $0x70\n"
	"	pop %eax\n"
	"	out %eax, $0x71\n"
	"	hlt\n");

PROGRAM(exc64, 64,
	"	pop %rax\n"
	"	out %eax, $0x70\n"
	"	pop %rax\n"
	"	out %eax, $0x71\n"
	"	hlt\n");

/* The same for a vector without an error code. */
PROGRAM(exc_bare32, 32,
	"	pop %eax\n"
	"	out %eax, $0x71\n"
	"	hlt\n");

PROGRAM(exc_bare64, 64,
	"	pop %rax\n"
	"	out %eax, $0x71\n"
	"	hlt\n");

static struct vcpu *with_exception(enum mode mode, unsigned int vector,
				   bool error, const void *code, size_t size)
{
	struct vcpu *v = vcpu_loaded(mode, code, size);

	if (mode == MODE_LONG && error)
		load_at(v->vm, GPA_HANDLER, guest_exc64, GUEST_SIZE(exc64));
	else if (mode == MODE_LONG)
		load_at(v->vm, GPA_HANDLER, guest_exc_bare64,
			GUEST_SIZE(exc_bare64));
	else if (error)
		load_at(v->vm, GPA_HANDLER, guest_exc32, GUEST_SIZE(exc32));
	else
		load_at(v->vm, GPA_HANDLER, guest_exc_bare32,
			GUEST_SIZE(exc_bare32));
	set_gate(v, vector, GPA_HANDLER);
	return v;
}

PROGRAM(ud, 32, "ud2\n");
PROGRAM(de, 32,
	"	xor %ecx, %ecx\n"
	"	div %ecx\n");
PROGRAM(bp, 32, "int3\n");
PROGRAM(int80, 32, "int $0x80\n");
PROGRAM(bad_msr, 32,
	"	mov $0x12345678, %ecx\n"
	"	rdmsr\n");
PROGRAM(bad_wrmsr, 32,
	"	mov $0x12345678, %ecx\n"
	"	wrmsr\n");
/* LME off while paging is on. */
PROGRAM(bad_efer, 64,
	"	mov $0xc0000080, %ecx\n"
	"	xor %eax, %eax\n"
	"	xor %edx, %edx\n"
	"	wrmsr\n");
PROGRAM(bad_efer_bit, 64,
	"	mov $0xc0000080, %ecx\n"
	"	rdmsr\n"
	"	mov $0x80000000, %edx\n"
	"	wrmsr\n");
/* Paging off in 64-bit mode. */
PROGRAM(bad_cr0, 64,
	"	mov %cr0, %rax\n"
	"	btr $31, %rax\n"
	"	mov %rax, %cr0\n");
PROGRAM(bad_cr4, 64,
	"	mov %cr4, %rax\n"
	"	bts $31, %rax\n"
	"	mov %rax, %cr4\n");
PROGRAM(bad_cr4_pae, 64,
	"	mov %cr4, %rax\n"
	"	btr $5, %rax\n"
	"	mov %rax, %cr4\n");
PROGRAM(bad_cr3, 64,
	"	mov %cr3, %rax\n"
	"	bts $62, %rax\n"
	"	mov %rax, %cr3\n");
PROGRAM(bad_cr8, 64,
	"	mov $0x10, %eax\n"
	"	mov %rax, %cr8\n");
PROGRAM(bad_xsetbv, 64,
	"	mov %cr4, %rax\n"
	"	bts $18, %rax\n"
	"	mov %rax, %cr4\n"
	"	xor %ecx, %ecx\n"
	"	xor %edx, %edx\n"
	"	mov $2, %eax\n"
	"	xsetbv\n");
PROGRAM(selector, 32,
	"	mov $0x1234, %eax\n"
	"	mov %ax, %es\n");
PROGRAM(fault_read, 64,
	"	movabs $0x200000000, %rbx\n"
	"	mov (%rbx), %eax\n");
PROGRAM(fault_write, 64,
	"	movabs $0x200000000, %rbx\n"
	"	mov %eax, (%rbx)\n");
PROGRAM(svm_insn, 32, "vmrun\n");
PROGRAM(vmx_insn, 32, "vmxoff\n");

#define NO_ERROR_CODE	(-1)

/* The fault's error code where there is one, and its address. */
static void expect_exception(struct vcpu *v, int error_code, u32 offset)
{
	if (error_code != NO_ERROR_CODE)
		EXPECT_OUT(v, 0x70, 4, error_code);
	EXPECT_OUT(v, 0x71, 4, GPA_CODE + offset);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
}

/* @prog faults with @vector in @mode, @offset bytes behind its start. */
#define RAISES(mode, vector, prog, error, offset) \
	check_raises(mode, vector, guest_##prog, GUEST_SIZE(prog), error, \
		     offset)

static void check_raises(enum mode mode, unsigned int vector, const void *code,
			 size_t size, int error, u32 offset)
{
	struct vcpu *v = with_exception(mode, vector, error != NO_ERROR_CODE,
					code, size);

	expect_exception(v, error, offset);
	if (vector == 14)
		CHECK_EQ(get_sregs(v).cr2, 0x200000000);
}

TEST(exception, ud)
{
	RAISES(MODE_PROT32, 6, ud, NO_ERROR_CODE, 0);
	RAISES(MODE_LONG, 6, ud, NO_ERROR_CODE, 0);
}

TEST(exception, de)
{
	RAISES(MODE_PROT32, 0, de, NO_ERROR_CODE, 2);
	RAISES(MODE_LONG, 0, de, NO_ERROR_CODE, 2);
}

TEST(exception, bp)
{
	RAISES(MODE_PROT32, 3, bp, NO_ERROR_CODE, 1);
	RAISES(MODE_LONG, 3, bp, NO_ERROR_CODE, 1);
}

TEST(exception, int80)
{
	RAISES(MODE_PROT32, 0x80, int80, NO_ERROR_CODE, 2);
	RAISES(MODE_LONG, 0x80, int80, NO_ERROR_CODE, 2);
}

TEST(exception, bad_msr)
{
	RAISES(MODE_PROT32, 13, bad_msr, 0, 5);
	RAISES(MODE_LONG, 13, bad_msr, 0, 5);
}

TEST(exception, bad_wrmsr)
{
	RAISES(MODE_LONG, 13, bad_wrmsr, 0, 5);
}

TEST(exception, bad_efer)
{
	RAISES(MODE_LONG, 13, bad_efer, 0, 9);
}

TEST(exception, bad_efer_bit)
{
	RAISES(MODE_LONG, 13, bad_efer_bit, 0, 12);
}

TEST(exception, bad_cr0)
{
	RAISES(MODE_LONG, 13, bad_cr0, 0, 8);
}

TEST(exception, bad_cr4)
{
	RAISES(MODE_LONG, 13, bad_cr4, 0, 8);
}

TEST(exception, bad_cr4_pae)
{
	RAISES(MODE_LONG, 13, bad_cr4_pae, 0, 8);
}

TEST(exception, bad_cr3)
{
	skip_on_tcg("CR3 takes reserved bits, and the next VMRUN fails");
	RAISES(MODE_LONG, 13, bad_cr3, 0, 8);
}

TEST(exception, bad_cr8)
{
	RAISES(MODE_LONG, 13, bad_cr8, 0, 5);
}

TEST(exception, bad_xsetbv)
{
	RAISES(MODE_LONG, 13, bad_xsetbv, 0, 20);
}

TEST(exception, selector)
{
	RAISES(MODE_PROT32, 13, selector, 0x1234, 5);
}

TEST(exception, fault_read)
{
	RAISES(MODE_LONG, 14, fault_read, 0, 10);
}

TEST(exception, fault_write)
{
	RAISES(MODE_LONG, 14, fault_write, 2, 10);
}

TEST(exception, svm_insn)
{
	RAISES(MODE_PROT32, 6, svm_insn, NO_ERROR_CODE, 0);
}

TEST(exception, vmx_insn)
{
	RAISES(MODE_PROT32, 6, vmx_insn, NO_ERROR_CODE, 0);
}

PROGRAM(halt32, 32, "1: nop\n jmp 1b\n");

/* Userspace injects as it would after a migration. */
TEST(events, inject_exception)
{
	struct vcpu *v = with_exception(MODE_LONG, 13, true, guest_halt32,
					GUEST_SIZE(halt32));
	struct kvm_vcpu_events ev = get_events(v);

	ev.exception.injected = 1;
	ev.exception.nr = 13;
	ev.exception.has_error_code = 1;
	ev.exception.error_code = 0x123;
	CHECK_OK(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &ev));
	EXPECT_OUT(v, 0x70, 4, 0x123);
	EXPECT_OUT(v, 0x71, 4, GPA_CODE);
	CHECK_EQ(get_events(v).exception.injected, 0);
}

/* An interrupt that was being delivered when userspace took the vCPU over. */
TEST(events, inject_interrupt_again)
{
	struct vcpu *v = HANDLER_VCPU(MODE_LONG, 0x61, halt32);
	struct kvm_vcpu_events ev = get_events(v);

	SET_REG(v, rflags, 0x202);
	ev.interrupt.injected = 1;
	ev.interrupt.nr = 0x61;
	CHECK_OK(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &ev));
	EXPECT_OUT(v, 0x99, 1, 0x64);
}

TEST(events, inject_nmi)
{
	struct vcpu *v = HANDLER_VCPU(MODE_LONG, 2, halt32);
	struct kvm_vcpu_events ev = get_events(v);

	ev.nmi.pending = 1;
	ev.flags |= KVM_VCPUEVENT_VALID_NMI_PENDING;
	CHECK_OK(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &ev));
	EXPECT_OUT(v, 0x99, 1, 0x64);
	CHECK_EQ(get_events(v).nmi.masked, 1);
}

/*
 * The stack's pages are not mapped in the host yet: delivery is interrupted
 * by the hypervisor's own fault, and must be done again, exactly once.
 */
PROGRAM(spin, 32,
	"1:	nop\n"
	"	jmp 1b\n");

TEST(events, delivery_interrupted)
{
	struct vcpu *v = HANDLER_VCPU(MODE_LONG, 0x41, spin);
	struct kvm_regs r = get_regs(v);
	u8 *p = map_anon(2 * MIB);

	set_slot(v->vm, 1, 0, 2 * MIB, 2 * MIB, p);
	r.rflags |= 0x200;
	for (u64 page = 1; page < 512; page += 5) {
		u64 *top = (u64 *)(p + page * PAGE);

		r.rsp = 2 * MIB + page * PAGE;
		set_regs(v, &r);
		interrupt(v, 0x41);
		EXPECT_OUT(v, 0x99, 1, 0x64);
		CHECK_EQ(top[-5], GPA_CODE);
		CHECK_EQ(top[-4], SEL_CODE);
		CHECK_EQ(top[-2], r.rsp);
		CHECK_EQ(top[-7], 0);
		settle(v);
		CHECK_EQ(get_events(v).interrupt.injected, 0);
	}
}

/*
 * A stack that is no memory: the access belongs to no instruction, so there is
 * nothing to emulate. Nothing is lost, and with a stack the guest goes on.
 */
TEST_STRICT(events, delivery_to_device, "emulates the instruction at RIP on AMD")
{
	struct vcpu *v = HANDLER_VCPU(MODE_PROT32, 0x41, spin);

	SET_REG(v, rflags, 0x202);
	SET_REG(v, rsp, GPA_MMIO + 0x100);
	interrupt(v, 0x41);
	for (int i = 0; i < 2; i++) {
		EXPECT_EXIT(v, KVM_EXIT_INTERNAL_ERROR);
		CHECK_EQ(v->run->internal.suberror, KVM_INTERNAL_ERROR_DELIVERY_EV);
		CHECK_EQ(get_events(v).interrupt.injected, 1);
		CHECK_EQ(get_events(v).interrupt.nr, 0x41);
		CHECK_EQ(get_regs(v).rip - GPA_CODE < GUEST_SIZE(spin), 1);
	}
	SET_REG(v, rsp, GPA_STACK);
	EXPECT_OUT(v, 0x99, 1, 0x32);
	CHECK_EQ(get_events(v).interrupt.injected, 0);
}
