// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC in the kernel, as a guest and as userspace see it: both ways
 * to its registers, timers, IPIs between vCPUs, start-up of a second one,
 * priorities, state out and in. Split irqchip: nothing of a board is needed.
 * Nothing is timed: a lost interrupt is a hang that the watchdog reports.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness.h"

#define VECTOR		0x41
#define IRQS		(GPA_DATA + 0)		/* u64: interrupts the handler saw */
#define AP_IRQS		(GPA_DATA + 8)		/* u32: the second vCPU's, in real mode */
#define AP_ALIVE	(GPA_DATA + 16)		/* u32 */
#define AP_START	0x8000			/* page 8 */
#define AP_HANDLER	0x8800
#define APIC_GPA	0xfee00000UL
#define ROUNDS		500

/* Of the harness, for asm texts. */
#define S_(x)		#x
#define S(x)		S_(x)

#define WRMSR(msr, low)				\
	"	mov $" S(msr) ", %ecx\n"	\
	"	mov $" S(low) ", %eax\n"	\
	"	xor %edx, %edx\n"		\
	"	wrmsr\n"

/* Software-enable, then what the test wants. */
#define X2_ENABLE	WRMSR(0x80f, 0x1ff)
#define OUT_COUNT				\
	"	mov 0x20000, %rax\n"		\
	"	out %al, $0x10\n"
#define WAIT_FOR(n)				\
	"77:	cmpq $" S(n) ", 0x20000\n"	\
	"	pause\n"			\
	"	jb 77b\n"

PROGRAM(count_x2, 64,
	"	push %rax\n"
	"	push %rcx\n"
	"	push %rdx\n"
	"	incq 0x20000\n"
	WRMSR(0x80b, 0)
	"	pop %rdx\n"
	"	pop %rcx\n"
	"	pop %rax\n"
	"	iretq\n");

PROGRAM(count_x, 64,
	"	push %rax\n"
	"	incq 0x20000\n"
	"	mov $0xfee000b0, %eax\n"
	"	movl $0, (%rax)\n"
	"	pop %rax\n"
	"	iretq\n");

static void set_apic_mode(struct vcpu *v, bool x2apic)
{
	struct kvm_sregs s = get_sregs(v);

	s.apic_base = (s.apic_base & ~0x400ULL) | (x2apic ? 0x400 : 0);
	set_sregs(v, &s);
}

static struct vcpu *lapic_vcpu(bool x2apic, const void *code, size_t size)
{
	struct vm *vm = vm_with_split();
	struct vcpu *v = vcpu_create(vm, 0);

	vcpu_mode(v, MODE_LONG);
	set_apic_mode(v, x2apic);
	load_at(vm, GPA_CODE, code, size);
	if (x2apic)
		load_at(vm, GPA_HANDLER, guest_count_x2, GUEST_SIZE(count_x2));
	else
		load_at(vm, GPA_HANDLER, guest_count_x, GUEST_SIZE(count_x));
	set_gate(v, VECTOR, GPA_HANDLER);
	vcpu_start(v, GPA_CODE);
	return v;
}

#define lapic_guest(x2apic, name)	lapic_vcpu(x2apic, guest_##name, GUEST_SIZE(name))

PROGRAM(self_ipi_x2, 64,
	X2_ENABLE
	"	sti\n"
	WRMSR(0x83f, 0x41)
	"	nop\n"
	OUT_COUNT
	/* by the ICR: shorthand self, then by id */
	WRMSR(0x830, 0x44041)
	"	nop\n"
	OUT_COUNT
	WRMSR(0x830, 0x04041)
	"	nop\n"
	OUT_COUNT
	/* two of them while IF is clear are one */
	"	cli\n"
	WRMSR(0x83f, 0x41)
	WRMSR(0x83f, 0x41)
	"	sti\n"
	"	nop\n"
	OUT_COUNT);

TEST(lapic, x2apic_self_ipi)
{
	struct vcpu *v = lapic_guest(true, self_ipi_x2);

	for (u32 i = 1; i <= 4; i++)
		EXPECT_OUT(v, 0x10, 1, i);
}

#define XWRITE(reg, val)				\
	"	mov $0xfee00" S(reg) ", %eax\n"		\
	"	movl $" S(val) ", (%rax)\n"

PROGRAM(self_ipi_x, 64,
	XWRITE(0f0, 0x1ff)
	"	sti\n"
	XWRITE(300, 0x44041)
	"	nop\n"
	OUT_COUNT
	XWRITE(310, 0)
	XWRITE(300, 0x4041)
	"	nop\n"
	OUT_COUNT);

TEST(lapic, xapic_self_ipi)
{
	struct vcpu *v = lapic_guest(false, self_ipi_x);

	EXPECT_OUT(v, 0x10, 1, 1);
	EXPECT_OUT(v, 0x10, 1, 2);
}

/* The guest switches to x2APIC mode by itself; illegal writes are #GP. */
PROGRAM(gp, 64,
	"	incq 0x20008\n"
	"	add $8, %rsp\n"			/* error code */
	"	addq $2, (%rsp)\n"		/* behind the WRMSR or RDMSR */
	"	iretq\n");

PROGRAM(modes, 64,
	"	mov $0x1b, %ecx\n"
	"	rdmsr\n"
	"	or $0x400, %eax\n"
	"	wrmsr\n"
	X2_ENABLE
	"	mov $0x1b, %ecx\n"
	"	rdmsr\n"
	"	and $~0x400, %eax\n"
	"	wrmsr\n"			/* #GP: not back to xAPIC */
	WRMSR(0x80b, 1)				/* #GP: EOI takes 0 only */
	WRMSR(0x83f, 0x100)			/* #GP: reserved bits */
	WRMSR(0x80e, 0)				/* #GP: no DFR */
	"	mov $0x80b, %ecx\n"
	"	rdmsr\n"			/* #GP: write-only */
	"	mov 0x20008, %rax\n"
	"	out %al, $0x10\n"
	"	mov $0x802, %ecx\n"
	"	rdmsr\n"
	"	out %al, $0x11\n"
	"	mov $0x80d, %ecx\n"
	"	rdmsr\n"
	"	out %al, $0x12\n");

TEST_STRICT(lapic, x2apic_rules, "an EOI of any value is taken")
{
	struct vcpu *v = lapic_guest(false, modes);

	load_at(v->vm, GPA_HANDLER + 0x100, guest_gp, GUEST_SIZE(gp));
	set_gate(v, 13, GPA_HANDLER + 0x100);
	EXPECT_OUT(v, 0x10, 1, 5);
	EXPECT_OUT(v, 0x11, 1, 0);
	EXPECT_OUT(v, 0x12, 1, 1);
}

/* CR8 above the vector's class holds it back; lowering it lets it in. */
PROGRAM(tpr, 64,
	X2_ENABLE
	"	mov $15, %eax\n"
	"	mov %rax, %cr8\n"
	"	sti\n"
	WRMSR(0x83f, 0x41)
	"	nop\n"
	OUT_COUNT
	"	mov $4, %eax\n"
	"	mov %rax, %cr8\n"
	"	nop\n"
	OUT_COUNT
	"	mov $3, %eax\n"
	"	mov %rax, %cr8\n"
	"	nop\n"
	OUT_COUNT
	"	mov $0x808, %ecx\n"
	"	rdmsr\n"
	"	out %al, $0x11\n"
	/* the same by the register */
	WRMSR(0x808, 0x50)
	WRMSR(0x83f, 0x41)
	"	nop\n"
	OUT_COUNT
	"	mov %cr8, %rax\n"
	"	out %al, $0x11\n"
	WRMSR(0x808, 0x30)
	"	nop\n"
	OUT_COUNT);

TEST(lapic, tpr_masks)
{
	struct vcpu *v = lapic_guest(true, tpr);

	EXPECT_OUT(v, 0x10, 1, 0);
	EXPECT_OUT(v, 0x10, 1, 0);
	EXPECT_OUT(v, 0x10, 1, 1);
	EXPECT_OUT(v, 0x11, 1, 0x30);
	EXPECT_OUT(v, 0x10, 1, 1);
	EXPECT_OUT(v, 0x11, 1, 5);
	EXPECT_OUT(v, 0x10, 1, 2);
}

/* The same by the page of an xAPIC, then many times, then from x2APIC mode. */
PROGRAM(tpr_page, 64,
	XWRITE(0f0, 0x1ff)
	"	sti\n"
	XWRITE(080, 0x5a)
	XWRITE(300, 0x44041)
	"	nop\n"
	OUT_COUNT
	"	mov $0xfee00080, %ebx\n"
	"	mov (%rbx), %eax\n"
	"	out %al, $0x11\n"
	"	mov %cr8, %rax\n"
	"	out %al, $0x11\n"
	XWRITE(080, 0x41)
	"	nop\n"
	OUT_COUNT
	XWRITE(080, 0x3f)
	"	nop\n"
	OUT_COUNT
	"	mov $1000, %edx\n"
	"1:	mov %edx, %eax\n"
	"	and $0x3f, %eax\n"
	"	mov %eax, (%rbx)\n"
	"	cmp %eax, (%rbx)\n"
	"	jne 2f\n"
	"	dec %edx\n"
	"	jnz 1b\n"
	"2:	mov %edx, %eax\n"
	"	out %al, $0x11\n"
	/* what is no register any more */
	"	mov $0x1b, %ecx\n"
	"	rdmsr\n"
	"	or $0x400, %eax\n"
	"	wrmsr\n"
	"	mov (%rbx), %eax\n"
	"	out %eax, $0x12\n"
	"	movl $0, (%rbx)\n"
	"	mov (%rbx), %eax\n"
	"	out %eax, $0x12\n");

/* Does the module say that it lets hardware do this? */
static bool parameter_is_on(const char *name)
{
	char path[128];
	FILE *f;
	int c;

	snprintf(path, sizeof(path), "/sys/module/monovisor_vmx/parameters/%s", name);
	f = fopen(path, "r");
	if (!f)
		return false;
	c = getc(f);
	fclose(f);
	return c == 'Y';
}

TEST(lapic, tpr_by_page)
{
	struct vcpu *v = lapic_guest(false, tpr_page);
	u64 before, made;

	EXPECT_OUT(v, 0x10, 1, 0);
	EXPECT_OUT(v, 0x11, 1, 0x5a);
	EXPECT_OUT(v, 0x11, 1, 5);
	EXPECT_OUT(v, 0x10, 1, 0);
	EXPECT_OUT(v, 0x10, 1, 1);
	before = vcpu_stat(v, "exits");
	EXPECT_OUT(v, 0x11, 1, 0);
	made = vcpu_stat(v, "exits") - before;
	note("%llu exits for 2000 accesses", (unsigned long long)made);
	if (parameter_is_on("flexpriority"))
		CHECK(made < 500);
	EXPECT_OUT(v, 0x12, 4, 0xffffffff);
	EXPECT_OUT(v, 0x12, 4, 0xffffffff);
}

/* Written without an exit perhaps, while something higher or lower is pending. */
PROGRAM(tpr_if, 64,
	X2_ENABLE
	WRMSR(0x83f, 0x41)			/* pending, IF clear */
	"	mov $9, %eax\n"
	"	mov %rax, %cr8\n"
	"	sti\n"
	"	nop\n"
	"	nop\n"
	OUT_COUNT
	"	xor %eax, %eax\n"
	"	mov %rax, %cr8\n"
	"	nop\n"
	OUT_COUNT);

TEST(lapic, tpr_raised_while_pending)
{
	struct vcpu *v;

	skip_on_tcg("QEMU aborts when CR8 is written while a virtual interrupt waits for IF");
	v = lapic_guest(true, tpr_if);
	EXPECT_OUT(v, 0x10, 1, 0);
	EXPECT_OUT(v, 0x10, 1, 1);
}

/* A handler that a higher vector interrupts; a lower one waits for its EOI. */
PROGRAM(nest_low, 64,
	"	push %rax\n"
	"	push %rcx\n"
	"	push %rdx\n"
	"	mov $0x4, %al\n"
	"	out %al, $0x11\n"
	"	sti\n"
	WRMSR(0x83f, 0x31)
	"	nop\n"
	WRMSR(0x83f, 0x51)
	"	nop\n"
	"	mov $0x44, %al\n"
	"	out %al, $0x11\n"
	"	cli\n"
	WRMSR(0x80b, 0)
	"	pop %rdx\n"
	"	pop %rcx\n"
	"	pop %rax\n"
	"	iretq\n");

#define TELL(value)				\
	"	push %rax\n"			\
	"	push %rcx\n"			\
	"	push %rdx\n"			\
	"	mov $" S(value) ", %al\n"	\
	"	out %al, $0x11\n"		\
	WRMSR(0x80b, 0)				\
	"	pop %rdx\n"			\
	"	pop %rcx\n"			\
	"	pop %rax\n"			\
	"	iretq\n"

PROGRAM(tell3, 64, TELL(3));
PROGRAM(tell5, 64, TELL(5));

PROGRAM(nesting, 64,
	X2_ENABLE
	"	sti\n"
	WRMSR(0x83f, 0x41)
	"	nop\n"
	"	mov $0, %al\n"
	"	out %al, $0x10\n");

TEST(lapic, nesting)
{
	struct vcpu *v = lapic_guest(true, nesting);
	static const u8 order[] = { 4, 5, 0x44, 3 };

	load_at(v->vm, GPA_HANDLER, guest_nest_low, GUEST_SIZE(nest_low));
	load_at(v->vm, GPA_HANDLER + 0x200, guest_tell3, GUEST_SIZE(tell3));
	load_at(v->vm, GPA_HANDLER + 0x400, guest_tell5, GUEST_SIZE(tell5));
	set_gate(v, 0x31, GPA_HANDLER + 0x200);
	set_gate(v, 0x51, GPA_HANDLER + 0x400);
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		EXPECT_OUT(v, 0x11, 1, order[i]);
	EXPECT_OUT(v, 0x10, 1, 0);
}

/* The timer's modes, and HLT that it ends. */
PROGRAM(timer_deadline, 64,
	X2_ENABLE
	WRMSR(0x832, 0x40041)
	"	mov $20, %ebx\n"
	"1:	rdtsc\n"
	"	add $100000, %eax\n"
	"	adc $0, %edx\n"
	"	mov %eax, %esi\n"
	"	mov %edx, %edi\n"
	"	mov $0x6e0, %ecx\n"
	"	wrmsr\n"
	"	sti\n"
	"	hlt\n"
	"	cli\n"
	/* not before its time */
	"	rdtsc\n"
	"	sub %esi, %eax\n"
	"	sbb %edi, %edx\n"
	"	js 2f\n"
	"	mov $0x6e0, %ecx\n"
	"	rdmsr\n"
	"	or %edx, %eax\n"
	"	jnz 2f\n"
	"	dec %ebx\n"
	"	jnz 1b\n"
	OUT_COUNT
	"2:	mov $0xff, %al\n"
	"	out %al, $0x11\n");

TEST(lapic, timer_deadline)
{
	struct kvm_cpuid2 *c;
	struct vcpu *v;

	NEED_CAP(KVM_CAP_TSC_DEADLINE_TIMER);
	v = lapic_guest(true, timer_deadline);
	c = supported_cpuid();
	cpuid_find(c, 1, 0)->ecx |= 1U << 24;
	CHECK_OK(ioctl(v->fd, KVM_SET_CPUID2, c));
	free(c);
	EXPECT_OUT(v, 0x10, 1, 20);
}

PROGRAM(timer_count, 64,
	XWRITE(0f0, 0x1ff)
	XWRITE(3e0, 0xb)
	XWRITE(320, 0x41)
	XWRITE(380, 100000)
	"	sti\n"
	"	hlt\n"
	"	cli\n"
	OUT_COUNT
	"	mov $0xfee00390, %eax\n"
	"	mov (%rax), %eax\n"
	"	out %eax, $0x11\n"
	XWRITE(320, 0x20041)
	XWRITE(380, 300000)
	"	sti\n"
	WAIT_FOR(6)
	"	cli\n"
	XWRITE(380, 0)
	OUT_COUNT);

TEST(lapic, timer_count)
{
	struct vcpu *v = lapic_guest(false, timer_count);

	EXPECT_OUT(v, 0x10, 1, 1);
	EXPECT_OUT(v, 0x11, 4, 0);
	EXPECT_EXIT(v, KVM_EXIT_IO);
	CHECK(*(u8 *)pio_data(v) >= 6);
}

/*
 * A second vCPU: started by INIT and SIPI, then interrupted many times, each
 * time while it halts or is about to. The first waits for each.
 */
PROGRAM(ap16, 16,
	"	xor %ax, %ax\n"
	"	mov %ax, %ss\n"
	"	mov $0x7000, %sp\n"
	"	mov $0x2000, %ax\n"
	"	mov %ax, %ds\n"
	"	mov $0x1b, %ecx\n"
	"	rdmsr\n"
	"	or $0x400, %eax\n"
	"	wrmsr\n"
	"	mov $0x80f, %ecx\n"
	"	mov $0x1ff, %eax\n"
	"	xor %edx, %edx\n"
	"	wrmsr\n"
	"	incl 16\n"
	"1:	sti\n"
	"	hlt\n"
	"	jmp 1b\n");

PROGRAM(ap16_handler, 16,
	"	incl 8\n"
	"	mov $0x80b, %ecx\n"
	"	xor %eax, %eax\n"
	"	xor %edx, %edx\n"
	"	wrmsr\n"
	"	iret\n");

PROGRAM(bsp, 64,
	X2_ENABLE
	"	mov $0x830, %ecx\n"
	"	mov $1, %edx\n"
	"	mov $0x4500, %eax\n"
	"	wrmsr\n"
	"	mov $0x4608, %eax\n"
	"	wrmsr\n"
	"1:	pause\n"
	"	cmpl $1, 0x20010\n"
	"	jne 1b\n"
	"	mov $0, %ebx\n"
	"2:	inc %ebx\n"
	"	mov $0x4041, %eax\n"
	"	wrmsr\n"
	"3:	pause\n"
	"	cmp %ebx, 0x20008\n"
	"	jne 3b\n"
	"	cmp $500, %ebx\n"
	"	jne 2b\n"
	"	mov %ebx, %eax\n"
	"	out %eax, $0x10\n");

static volatile bool ap_stop;

static void *ap_main(void *arg)
{
	struct vcpu *v = arg;

	while (!ap_stop) {
		int e = run(v);

		if (e != -EAGAIN && e != -EINTR)
			FAIL("the second vCPU's exit: %s", exit_name(e));
	}
	return NULL;
}

static u32 mp_state(struct vcpu *v)
{
	struct kvm_mp_state mp;

	CHECK_OK(ioctl(v->fd, KVM_GET_MP_STATE, &mp));
	return mp.mp_state;
}

TEST(lapic, second_vcpu)
{
	struct vcpu *bsp = lapic_guest(true, bsp), *ap = vcpu_create(bsp->vm, 1);
	u16 *ivt = (u16 *)(bsp->vm->mem + VECTOR * 4);
	pthread_t thread;

	load_at(bsp->vm, AP_START, guest_ap16, GUEST_SIZE(ap16));
	load_at(bsp->vm, AP_HANDLER, guest_ap16_handler, GUEST_SIZE(ap16_handler));
	ivt[0] = AP_HANDLER - AP_START;
	ivt[1] = AP_START >> 4;
	CHECK_EQ(mp_state(bsp), KVM_MP_STATE_RUNNABLE);
	CHECK_EQ(mp_state(ap), KVM_MP_STATE_UNINITIALIZED);

	catch_signal(SIGUSR1);
	CHECK(!pthread_create(&thread, NULL, ap_main, ap));
	EXPECT_OUT(bsp, 0x10, 4, ROUNDS);
	CHECK_EQ(READ_ONCE(*(u32 *)(bsp->vm->mem + AP_IRQS)), ROUNDS);
	ap_stop = true;
	ap->run->immediate_exit = 1;
	pthread_kill(thread, SIGUSR1);
	pthread_join(thread, NULL);
}

static u32 lapic_reg(const struct kvm_lapic_state *s, unsigned int offset)
{
	u32 val;

	memcpy(&val, s->regs + offset, sizeof(val));
	return val;
}

static struct kvm_lapic_state get_lapic(struct vcpu *v)
{
	struct kvm_lapic_state s;

	CHECK_OK(ioctl(v->fd, KVM_GET_LAPIC, &s));
	return s;
}

TEST(lapic, power_on)
{
	struct vm *vm = vm_with_split();
	struct vcpu *v[2] = { vcpu_create(vm, 0), vcpu_create(vm, 5) };
	struct kvm_lapic_state s;

	CHECK_EQ(get_sregs(v[0]).apic_base, 0xfee00900);
	CHECK_EQ(get_sregs(v[1]).apic_base, 0xfee00800);
	s = get_lapic(v[1]);
	CHECK_EQ(lapic_reg(&s, 0x20), 5U << 24);
	CHECK_EQ(lapic_reg(&s, 0x30) & 0xff00ff, 0x050014);
	CHECK_EQ(lapic_reg(&s, 0xe0), 0xffffffff);
	CHECK_EQ(lapic_reg(&s, 0xf0), 0xff);
	CHECK_EQ(lapic_reg(&s, 0x350), 0x10000);
	s = get_lapic(v[0]);
	CHECK_EQ(lapic_reg(&s, 0x350), 0x700);
}

/* INIT is no power-on: MSRs and the cache's mode stay. (Stock drops SYSENTER's on Intel.) */
TEST(lapic, init_keeps)
{
	static const struct { u32 index; u64 value; } kept[] = {
		{ 0xc0000081, 0x23001000000000 },	/* STAR */
		{ 0xc0000082, 0x1234567890 },		/* LSTAR */
		{ 0xc0000084, 0x4700 },			/* SYSCALL_MASK */
		{ 0xc0000102, 0x5555aaaa0000 },		/* KERNEL_GS_BASE */
		{ 0x277, 0x0606060606060606 },		/* PAT */
	};
	const struct kvm_mp_state running = { .mp_state = KVM_MP_STATE_RUNNABLE };
	/* To the local APIC 1, INIT. */
	struct kvm_msi msi = { .address_lo = 0xfee01000, .data = 0x500 };
	struct vm *vm = vm_with_split();
	struct vcpu *v;
	struct kvm_sregs s;
	u64 value;

	vcpu_create(vm, 0);
	v = vcpu_create(vm, 1);
	CHECK_OK(ioctl(v->fd, KVM_SET_MP_STATE, &running));
	for (unsigned int i = 0; i < ARRAY_SIZE(kept); i++)
		CHECK(set_msr(v, kept[i].index, kept[i].value));
	s = get_sregs(v);
	CHECK_EQ(s.cr0, 0x60000010);
	s.cr0 = 0x11;
	s.gdt.base = 0x1000;
	set_sregs(v, &s);

	CHECK_EQ(CHECK_OK(ioctl(vm->fd, KVM_SIGNAL_MSI, &msi)), 1);
	CHECK_EQ(mp_state(v), KVM_MP_STATE_INIT_RECEIVED);
	for (unsigned int i = 0; i < ARRAY_SIZE(kept); i++) {
		CHECK(get_msr(v, kept[i].index, &value));
		CHECK_EQ(value, kept[i].value);
	}
	s = get_sregs(v);
	CHECK_EQ(s.cr0, 0x10);
	CHECK_EQ(s.gdt.base, 0);
	CHECK_EQ(s.gdt.limit, 0xffff);
	CHECK_EQ(s.cs.base, 0xffff0000);
}

/* What is pending and in service goes with the state to another vCPU. */
PROGRAM(pending, 64,
	X2_ENABLE
	WRMSR(0x83f, 0x41)
	"	out %al, $0x10\n");

PROGRAM(go_on, 64,
	"	sti\n"
	"	nop\n"
	OUT_COUNT);

TEST(lapic, state_moves)
{
	struct vcpu *a = lapic_guest(true, pending), *b = lapic_guest(true, go_on);
	struct kvm_lapic_state s, t;

	EXPECT_EXIT(a, KVM_EXIT_IO);
	s = get_lapic(a);
	CHECK(lapic_reg(&s, 0x220) & 1U << (VECTOR % 32));
	CHECK_OK(ioctl(b->fd, KVM_SET_LAPIC, &s));
	t = get_lapic(b);
	CHECK_MEM(t.regs, s.regs, sizeof(s.regs));
	EXPECT_OUT(b, 0x10, 1, 1);
	s = get_lapic(b);
	CHECK_EQ(lapic_reg(&s, 0x220), 0);
	CHECK_EQ(lapic_reg(&s, 0x120), 0);
}

TEST(lapic, none)
{
	struct vcpu *v = vcpu_create(vm_create(), 0);
	struct kvm_lapic_state s;

	CHECK_ERRNO(ioctl(v->fd, KVM_GET_LAPIC, &s), EINVAL);
	memset(&s, 0, sizeof(s));
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_LAPIC, &s), EINVAL);
}

TEST(lapic, mp_states)
{
	struct vcpu *v = vcpu_create(vm_with_split(), 0);
	static const u32 ok[] = {
		KVM_MP_STATE_UNINITIALIZED, KVM_MP_STATE_INIT_RECEIVED,
		KVM_MP_STATE_HALTED, KVM_MP_STATE_RUNNABLE,
	};
	struct kvm_mp_state mp;

	for (size_t i = 0; i < ARRAY_SIZE(ok); i++) {
		mp.mp_state = ok[i];
		CHECK_OK(ioctl(v->fd, KVM_SET_MP_STATE, &mp));
		CHECK_EQ(mp_state(v), ok[i]);
	}
	mp.mp_state = KVM_MP_STATE_STOPPED;
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_MP_STATE, &mp), EINVAL);
}

/* In x2APIC mode the id is 8 bits wide for userspace, or 32 if it asks. */
TEST(lapic, x2apic_api)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_X2APIC_API, .args[0] = KVM_X2APIC_API_USE_32BIT_IDS };
	struct vm *vm = vm_with_split();
	struct vcpu *v = vcpu_create(vm, 3);
	struct kvm_lapic_state s;

	NEED_CAP(KVM_CAP_X2APIC_API);
	set_apic_mode(v, true);
	s = get_lapic(v);
	CHECK_EQ(lapic_reg(&s, 0x20), 3U << 24);
	CHECK_EQ(lapic_reg(&s, 0xd0), 8);
	CHECK_OK(ioctl(vm->fd, KVM_ENABLE_CAP, &cap));
	s = get_lapic(v);
	CHECK_EQ(lapic_reg(&s, 0x20), 3);
	s.regs[0x20] = 4;
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_LAPIC, &s), EINVAL);
	cap.args[0] = 1ULL << 20;
	CHECK_ERRNO(ioctl(vm->fd, KVM_ENABLE_CAP, &cap), EINVAL);
}

/* Whoever is the boot processor runs, the others wait. */
TEST(lapic, boot_cpu)
{
	struct vm *vm = vm_with_split();
	struct vcpu *v[2];

	NEED_CAP(KVM_CAP_SET_BOOT_CPU_ID);
	CHECK_OK(ioctl(vm->fd, KVM_SET_BOOT_CPU_ID, 1UL));
	v[0] = vcpu_create(vm, 0);
	v[1] = vcpu_create(vm, 1);
	CHECK_EQ(get_sregs(v[0]).apic_base & 0x100, 0);
	CHECK_EQ(get_sregs(v[1]).apic_base & 0x100, 0x100);
	CHECK_EQ(mp_state(v[0]), KVM_MP_STATE_UNINITIALIZED);
	CHECK_EQ(mp_state(v[1]), KVM_MP_STATE_RUNNABLE);
}
