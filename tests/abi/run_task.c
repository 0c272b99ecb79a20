// SPDX-License-Identifier: GPL-2.0-only
/*
 * Task switches by hardware's rules, whoever follows them: the CPU, or the
 * module on CPUs that leave it all to software. The old task's TSS is at
 * OLD_TSS, the new one's at NEW_TSS with the selector SEL_FREE.
 */
#include "harness.h"

#define OLD_TSS		GPA_DATA
#define NEW_TSS		(GPA_DATA + PAGE)
#define NEW_STACK	0xe000

/* Offsets in a 32-bit TSS */
enum {
	T_LINK = 0, T_CR3 = 0x1c, T_IP = 0x20, T_FLAGS = 0x24, T_AX = 0x28, T_SP = 0x38,
	T_ES = 0x48, T_CS = 0x4c, T_SS = 0x50, T_DS = 0x54, T_GS = 0x5c, T_TRAP = 0x64,
};

#define FLAG_IF		0x200
#define FLAG_NT		0x4000

static u32 *word(struct vcpu *v, u64 gpa)
{
	return (u32 *)(v->vm->mem + gpa);
}

static unsigned int tss_type(struct vcpu *v, unsigned int sel)
{
	return v->vm->mem[GPA_GDT + sel + 5] & 15;
}

static void set_desc(struct vcpu *v, unsigned int sel, u64 desc)
{
	memcpy(v->vm->mem + GPA_GDT + sel, &desc, sizeof(desc));
}

static void set_tss_desc(struct vcpu *v, unsigned int sel, unsigned int type, u64 base)
{
	set_desc(v, sel, 0x0000800000000067 | (u64)type << 40 | base << 16);
}

static void set_task_gate(struct vcpu *v, unsigned int vector)
{
	u64 gate = (u64)SEL_FREE << 16 | 0x850000000000;

	memcpy(v->vm->mem + GPA_IDT + vector * 8, &gate, sizeof(gate));
}

/* A vCPU whose task is about to leave, and the other task at @task's code. */
#define task_vcpu(program, task) \
	task_loaded(vcpu_with(MODE_PROT32, program), guest_##task, GUEST_SIZE(task))

static struct vcpu *task_loaded(struct vcpu *v, const void *task, size_t size)
{
	struct kvm_sregs s = get_sregs(v);

	load_at(v->vm, GPA_HANDLER, task, size);
	set_tss_desc(v, SEL_TSS, 11, OLD_TSS);
	set_tss_desc(v, SEL_FREE, 9, NEW_TSS);
	s.tr.base = OLD_TSS;
	s.tr.limit = 0x67;
	s.tr.selector = SEL_TSS;
	set_sregs(v, &s);
	*word(v, NEW_TSS + T_IP) = GPA_HANDLER;
	*word(v, NEW_TSS + T_FLAGS) = 2;
	*word(v, NEW_TSS + T_SP) = NEW_STACK;
	for (int i = T_ES; i <= T_GS; i += 4)
		*word(v, NEW_TSS + i) = i == T_CS ? SEL_CODE : SEL_DATA;
	return v;
}

/* Tells EBX's low byte; what follows is for those who come back. */
PROGRAM(new_task, 32,
	"1:	mov %ebx, %eax\n"
	"	out %al, $0x77\n"
	"	iret\n"
	"	mov $0x79, %al\n"
	"	out %al, $0x77\n"
	"	iret\n");

PROGRAM(jump, 32,
	"	mov $0x1234, %esi\n"
	"	ljmp $0x20, $0\n"
	"	hlt\n");

TEST(task, jump)
{
	struct vcpu *v = task_vcpu(jump, new_task);

	*word(v, NEW_TSS + T_AX + 12) = 0x55;		/* EBX */
	EXPECT_OUT(v, 0x77, 1, 0x55);
	CHECK_EQ(get_sregs(v).tr.selector, SEL_FREE);
	CHECK_EQ(get_sregs(v).tr.base, NEW_TSS);
	CHECK_EQ(get_sregs(v).cr0 & 8, 8);
	CHECK_EQ(get_regs(v).rsp, NEW_STACK);
	CHECK_EQ(get_regs(v).rflags & FLAG_NT, 0);
	CHECK_EQ(*word(v, OLD_TSS + T_IP), GPA_CODE + 12);
	CHECK_EQ(*word(v, OLD_TSS + T_AX + 24), 0x1234);	/* ESI */
	CHECK_EQ(*word(v, OLD_TSS + T_SP), GPA_STACK);
	CHECK_EQ(*word(v, OLD_TSS + T_CS) & 0xffff, SEL_CODE);
	CHECK_EQ(tss_type(v, SEL_TSS), 9);
	CHECK_EQ(tss_type(v, SEL_FREE), 11);
}

PROGRAM(call_twice, 32,
	"	lcall $0x20, $0\n"
	"	mov $0x11, %al\n"
	"	out %al, $0x77\n"
	"	lcall $0x20, $0\n"
	"	mov $0x12, %al\n"
	"	out %al, $0x77\n"
	"	hlt\n");

TEST(task, call_and_return)
{
	struct vcpu *v = task_vcpu(call_twice, new_task);

	*word(v, NEW_TSS + T_AX + 12) = 0x55;
	EXPECT_OUT(v, 0x77, 1, 0x55);
	CHECK_EQ(*word(v, NEW_TSS + T_LINK) & 0xffff, SEL_TSS);
	CHECK_EQ(get_regs(v).rflags & FLAG_NT, FLAG_NT);
	CHECK_EQ(tss_type(v, SEL_TSS), 11);
	EXPECT_OUT(v, 0x77, 1, 0x11);
	CHECK_EQ(get_regs(v).rflags & FLAG_NT, 0);
	CHECK_EQ(get_regs(v).rsp, GPA_STACK);
	CHECK_EQ(tss_type(v, SEL_FREE), 9);
	CHECK_EQ(*word(v, NEW_TSS + T_FLAGS) & FLAG_NT, 0);
	/* A task goes on where it stopped. */
	EXPECT_OUT(v, 0x77, 1, 0x79);
	EXPECT_OUT(v, 0x77, 1, 0x12);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
}

PROGRAM(int_n, 32,
	"	int $0x40\n"
	"	mov $0x11, %al\n"
	"	out %al, $0x77\n"
	"	hlt\n");

TEST(task, gate_by_int)
{
	struct vcpu *v = task_vcpu(int_n, new_task);

	set_task_gate(v, 0x40);
	EXPECT_OUT(v, 0x77, 1, 0);
	CHECK_EQ(*word(v, OLD_TSS + T_IP), GPA_CODE + 2);
	EXPECT_OUT(v, 0x77, 1, 0x11);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
}

PROGRAM(breakpoint, 32,
	"	int3\n"
	"	mov $0x11, %al\n"
	"	out %al, $0x77\n"
	"	hlt\n");

TEST(task, gate_by_int3)
{
	struct vcpu *v = task_vcpu(breakpoint, new_task);

	set_task_gate(v, 3);
	EXPECT_OUT(v, 0x77, 1, 0);
	EXPECT_OUT(v, 0x77, 1, 0x11);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
}

/* The handler of a fault with an error code, which repairs and returns. */
PROGRAM(fault, 32,
	"	mov $0x7ff8, %eax\n"
	"	mov %eax, %ds\n"
	"	mov $0x11, %al\n"
	"	out %al, $0x77\n"
	"	hlt\n");
PROGRAM(fault_task, 32,
	"	pop %eax\n"
	"	out %eax, $0x77\n"
	"	movl $0x10, 0x20028\n"		/* EAX of the old task */
	"	iret\n");

TEST(task, gate_by_fault)
{
	struct vcpu *v = task_vcpu(fault, fault_task);

	skip_on_tcg("a fault through a task gate ends in a shutdown");
	set_task_gate(v, 13);
	EXPECT_OUT(v, 0x77, 4, 0x7ff8);
	CHECK_EQ(*word(v, OLD_TSS + T_IP), GPA_CODE + 5);
	CHECK_EQ(get_regs(v).rsp, NEW_STACK);
	EXPECT_OUT(v, 0x77, 1, 0x11);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
}

PROGRAM(wait_for_irq, 32,
	"	sti\n"
	"	nop\n"
	"	out %al, $0x70\n"
	"1:	test %edi, %edi\n"
	"	jz 1b\n"
	"	mov $0x11, %al\n"
	"	out %al, $0x77\n"
	"	hlt\n");
PROGRAM(irq_task, 32,
	"	mov $0x66, %al\n"
	"	out %al, $0x77\n"
	"	movl $1, 0x20044\n"		/* EDI of the old task */
	"	iret\n");

TEST(task, gate_by_interrupt)
{
	struct vcpu *v = task_vcpu(wait_for_irq, irq_task);
	struct kvm_interrupt irq = { .irq = 0x41 };

	set_task_gate(v, 0x41);
	EXPECT_OUT(v, 0x70, 1, 0);
	settle(v);
	CHECK_OK(ioctl(v->fd, KVM_INTERRUPT, &irq));
	EXPECT_OUT(v, 0x77, 1, 0x66);
	CHECK_EQ(*word(v, OLD_TSS + T_FLAGS) & FLAG_IF, FLAG_IF);
	CHECK_EQ(get_events(v).interrupt.injected, 0);
	EXPECT_OUT(v, 0x77, 1, 0x11);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
}

PROGRAM(told, 32,
	"	pop %eax\n"
	"	out %eax, $0x77\n"
	"	mov $1, %edi\n"
	"	iret\n");

/* Its task is not there: the interrupt is lost to the exception, which the guest gets once. */
TEST(task, gate_by_interrupt_leads_nowhere)
{
	struct vcpu *v = task_vcpu(wait_for_irq, irq_task);
	struct kvm_interrupt irq = { .irq = 0x41 };

	skip_on_tcg("an interrupt through a task gate that faults ends in a shutdown");
	v->vm->mem[GPA_GDT + SEL_FREE + 5] &= ~0x80;
	load_at(v->vm, GPA_HANDLER + 0x100, guest_told, GUEST_SIZE(told));
	set_gate(v, 11, GPA_HANDLER + 0x100);
	set_task_gate(v, 0x41);
	EXPECT_OUT(v, 0x70, 1, 0);
	settle(v);
	CHECK_OK(ioctl(v->fd, KVM_INTERRUPT, &irq));
	/* EXT: no instruction asked for it. */
	EXPECT_OUT(v, 0x77, 4, SEL_FREE | 1);
	CHECK_EQ(get_events(v).interrupt.injected, 0);
	EXPECT_OUT(v, 0x77, 1, 0x11);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
}

/* A second NMI waits until the first one's task returns. */
PROGRAM(wait_for_nmi, 32,
	"	out %al, $0x70\n"
	"1:	cmp $2, %edi\n"
	"	jb 1b\n"
	"	mov $0x11, %al\n"
	"	out %al, $0x77\n"
	"	hlt\n");
PROGRAM(nmi_task, 32,
	"1:	mov $0x66, %al\n"
	"	out %al, $0x77\n"
	"	incl 0x20044\n"
	"	out %al, $0x78\n"
	"	iret\n"
	"	jmp 1b\n");

TEST(task, gate_by_nmi)
{
	struct vcpu *v = task_vcpu(wait_for_nmi, nmi_task);

	skip_on_tcg("an NMI through a task gate ends in a shutdown");
	set_task_gate(v, 2);
	EXPECT_OUT(v, 0x70, 1, 0);
	settle(v);
	CHECK_OK(ioctl(v->fd, KVM_NMI, 0UL));
	EXPECT_OUT(v, 0x77, 1, 0x66);
	CHECK_EQ(get_events(v).nmi.masked, 1);
	settle(v);
	CHECK_OK(ioctl(v->fd, KVM_NMI, 0UL));
	EXPECT_OUT(v, 0x78, 1, 0x66);
	EXPECT_OUT(v, 0x77, 1, 0x66);
	EXPECT_OUT(v, 0x78, 1, 0x66);
	EXPECT_OUT(v, 0x77, 1, 0x11);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
}

/* The new task's own fault. */
PROGRAM(tell_error, 32,
	"	pop %eax\n"
	"	out %eax, $0x77\n"
	"	hlt\n");

TEST_STRICT(task, bad_data_segment, "drops the fault, and the task runs on")
{
	struct vcpu *v = task_vcpu(jump, new_task);

	skip_on_tcg("a fault in a task switch adds an instruction to IP");
	*word(v, NEW_TSS + T_DS) = SEL_TSS;
	load_at(v->vm, GPA_HANDLER + 0x100, guest_tell_error, GUEST_SIZE(tell_error));
	set_gate(v, 10, GPA_HANDLER + 0x100);
	EXPECT_OUT(v, 0x77, 4, SEL_TSS);
	CHECK_EQ(get_sregs(v).tr.selector, SEL_FREE);
	/* It was pushed on the new task's stack: code, flags, selector, IP. */
	CHECK_EQ(get_regs(v).rsp, NEW_STACK - 12);
	CHECK_EQ(*word(v, NEW_STACK - 12), GPA_HANDLER);
}

/* The old task's: the other one is busy. */
TEST(task, busy)
{
	struct vcpu *v = task_vcpu(jump, new_task);

	set_tss_desc(v, SEL_FREE, 11, NEW_TSS);
	load_at(v->vm, GPA_HANDLER + 0x100, guest_tell_error, GUEST_SIZE(tell_error));
	set_gate(v, 13, GPA_HANDLER + 0x100);
	EXPECT_OUT(v, 0x77, 4, SEL_FREE);
	CHECK_EQ(get_sregs(v).tr.selector, SEL_TSS);
	CHECK_EQ(*word(v, OLD_TSS + T_IP), 0);
}

TEST_STRICT(task, of_16_bits, "leaves FS and GS to the old task")
{
	struct vcpu *v = task_vcpu(jump, new_task);
	u16 *tss = (u16 *)word(v, NEW_TSS);

	set_tss_desc(v, SEL_FREE, 1, NEW_TSS);
	memset(tss, 0, 0x68);
	tss[7] = 0x8000;			/* IP */
	tss[8] = 2;				/* flags */
	tss[12] = 0x66;				/* BX */
	tss[13] = NEW_STACK;
	for (int i = 17; i < 21; i++)		/* ES, CS, SS, DS */
		tss[i] = i == 18 ? SEL_CODE : SEL_DATA;
	load_at(v->vm, 0x8000, guest_new_task, GUEST_SIZE(new_task));
	EXPECT_OUT(v, 0x77, 1, 0x66);
	CHECK_EQ(get_sregs(v).tr.type, 3);
	CHECK_EQ(get_sregs(v).fs.selector, 0);
	CHECK_EQ(get_sregs(v).fs.unusable, 1);
}

/* Breakpoints of the old task alone are switched off, and the T flag traps. */
PROGRAM(tell_db, 32,
	"	mov %dr6, %eax\n"
	"	out %eax, $0x77\n"
	"	hlt\n");

TEST_STRICT(task, debug_registers, "knows no T flag")
{
	struct vcpu *v = task_vcpu(jump, new_task);
	struct kvm_debugregs d;

	skip_on_tcg("it has no T flag");
	CHECK_OK(ioctl(v->fd, KVM_GET_DEBUGREGS, &d));
	d.dr7 = 0x400 | 1 | 8;			/* L0, G1 */
	d.db[0] = 0x1000000;
	d.db[1] = 0x1000000;
	CHECK_OK(ioctl(v->fd, KVM_SET_DEBUGREGS, &d));
	*word(v, NEW_TSS + T_TRAP) = 1;
	load_at(v->vm, GPA_HANDLER + 0x100, guest_tell_db, GUEST_SIZE(tell_db));
	set_gate(v, 1, GPA_HANDLER + 0x100);
	EXPECT_EXIT(v, KVM_EXIT_IO);
	CHECK_EQ(*(u32 *)pio_data(v) & 0xe00f, 0x8000);
	CHECK_OK(ioctl(v->fd, KVM_GET_DEBUGREGS, &d));
	CHECK_EQ(d.dr7 & 0xff, 8);
}
