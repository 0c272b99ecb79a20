// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a run ends when nothing sensible can be done: shutdown, failed entry,
 * internal error; and KVM_RUN of a vCPU nobody set up.
 */
#include <signal.h>
#include <stdlib.h>

#include "harness.h"

PROGRAM(ud, 32, "ud2\n");

/* No IDT: the exception, the double fault and the third one. */
TEST(errors, triple_fault)
{
	static const enum mode modes[] = { MODE_PROT32, MODE_PAE, MODE_LONG };

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		struct vcpu *v = vcpu_with(modes[i], ud);
		struct kvm_sregs s = get_sregs(v);

		s.idt.limit = 0;
		set_sregs(v, &s);
		EXPECT_EXIT(v, KVM_EXIT_SHUTDOWN);
		/* The vCPU can be set up again and run. */
		get_regs(v);
	}
}

PROGRAM(hlt, 32, "hlt\n");

TEST(errors, run_after_shutdown)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, ud);
	struct kvm_sregs s = get_sregs(v), dead = s;

	dead.idt.limit = 0;
	set_sregs(v, &dead);
	EXPECT_EXIT(v, KVM_EXIT_SHUTDOWN);
	load_at(v->vm, GPA_CODE, guest_hlt, GUEST_SIZE(hlt));
	set_sregs(v, &s);
	vcpu_start(v, GPA_CODE);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
}

/*
 * A vCPU without any memory starts at the reset vector and finds nothing to
 * execute there.
 */
TEST(errors, no_memory)
{
	struct vcpu *v = vcpu_create(vm_bare(), 0);
	int r;

	start_ticks(SIGUSR1, 20000);
	r = run(v);
	stop_ticks();
	CHECK(r == KVM_EXIT_INTERNAL_ERROR || r == KVM_EXIT_MMIO ||
	      r == KVM_EXIT_SHUTDOWN || r == -EFAULT || r == -EINTR);
	if (r == KVM_EXIT_INTERNAL_ERROR)
		CHECK_EQ(v->run->internal.suberror,
			 KVM_INTERNAL_ERROR_EMULATION);
	get_regs(v);
}

/* Without CPUID a real mode program runs. */
PROGRAM(out16, 16,
	"	mov $0x5a, %al\n"
	"	out %al, $0x10\n"
	"	hlt\n");

TEST(errors, no_cpuid)
{
	struct vm *vm = vm_create();
	struct vcpu *v = vcpu_bare(vm, 0);

	load_at(vm, GPA_CODE, guest_out16, GUEST_SIZE(out16));
	vcpu_mode(v, MODE_REAL);
	vcpu_start(v, 0);
	EXPECT_OUT(v, 0x10, 1, 0x5a);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
}

/* And CPUID then answers zero for everything. */
PROGRAM(cpuid16, 16,
	"	mov $1, %eax\n"
	"	cpuid\n"
	"	hlt\n");

TEST(errors, no_cpuid_cpuid)
{
	struct vm *vm = vm_create();
	struct vcpu *v = vcpu_bare(vm, 0);
	struct kvm_regs r;

	load_at(vm, GPA_CODE, guest_cpuid16, GUEST_SIZE(cpuid16));
	vcpu_mode(v, MODE_REAL);
	vcpu_start(v, 0);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	r = get_regs(v);
	CHECK_EQ(r.rax | r.rbx | r.rcx | r.rdx, 0);
}

/* What the instruction at the device's address is, nobody knows. */
TEST(errors, execute_device)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, hlt);

	vcpu_start(v, GPA_MMIO);
	EXPECT_EXIT(v, KVM_EXIT_INTERNAL_ERROR);
	CHECK_EQ(v->run->internal.suberror, KVM_INTERNAL_ERROR_EMULATION);
	CHECK_EQ(get_regs(v).rip, GPA_MMIO);
}

/* FLDENV from a device is more than an emulator has to know. */
PROGRAM(fldenv_mmio, 32,
	"	fldenv (%ebx)\n"
	"	hlt\n");

TEST(errors, unemulatable)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, fldenv_mmio);

	SET_REG(v, rbx, GPA_MMIO);
	EXPECT_EXIT(v, KVM_EXIT_INTERNAL_ERROR);
	CHECK_EQ(v->run->internal.suberror, KVM_INTERNAL_ERROR_EMULATION);
	CHECK_EQ(get_regs(v).rip, GPA_CODE);
}

/* With the capability nothing was done: userspace may repair it and go on. */
TEST(errors, unemulatable_repaired)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, fldenv_mmio);
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_EXIT_ON_EMULATION_FAILURE, .args[0] = 1,
	};

	NEED_CAP(KVM_CAP_EXIT_ON_EMULATION_FAILURE);
	CHECK_OK(ioctl(v->vm->fd, KVM_ENABLE_CAP, &cap));
	SET_REG(v, rbx, GPA_MMIO);
	EXPECT_EXIT(v, KVM_EXIT_INTERNAL_ERROR);
	CHECK_EQ(get_regs(v).rip, GPA_CODE);
	load_at(v->vm, GPA_CODE, guest_hlt, GUEST_SIZE(hlt));
	EXPECT_EXIT(v, KVM_EXIT_HLT);
}

/* The instruction bytes go with the error where the flag says so. */
TEST(errors, unemulatable_bytes)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, fldenv_mmio);
	struct kvm_run *k = v->run;

	SET_REG(v, rbx, GPA_MMIO);
	EXPECT_EXIT(v, KVM_EXIT_INTERNAL_ERROR);
	if (!has_cap(KVM_CAP_EXIT_ON_EMULATION_FAILURE))
		skip("KVM_CAP_EXIT_ON_EMULATION_FAILURE is not claimed");
	CHECK(k->emulation_failure.ndata >= 1);
	if (!(k->emulation_failure.flags &
	      KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES))
		return;
	CHECK(k->emulation_failure.insn_size >= 2);
	CHECK_MEM(k->emulation_failure.insn_bytes, guest_fldenv_mmio, 2);
}

/* In user mode an instruction that cannot be emulated is the guest's #UD. */
PROGRAM(tell, 32,
	"	mov $0x77, %al\n"
	"	out %al, $0x10\n"
	"	hlt\n");

TEST(errors, unemulatable_in_user_mode)
{
	struct vcpu *v = vcpu_in_ring3(fldenv_mmio);
	int exit;

	load_at(v->vm, GPA_HANDLER, guest_tell, GUEST_SIZE(tell));
	set_gate(v, 6, GPA_HANDLER);
	SET_REG(v, rbx, GPA_MMIO);
	exit = run(v);
	if (exit == KVM_EXIT_INTERNAL_ERROR) {
		/* Allowed, when the #UD is in the guest at the next entry. */
		CHECK_EQ(v->run->internal.suberror,
			 KVM_INTERNAL_ERROR_EMULATION);
		return;
	}
	CHECK_EQ(exit, KVM_EXIT_IO);
	CHECK_EQ(*(u8 *)pio_data(v), 0x77);
}

/* State that the hardware refuses to enter with. */
TEST(errors, fail_entry)
{
	struct vcpu *v = vcpu_with(MODE_LONG, hlt);
	struct kvm_sregs s = get_sregs(v);
	int r;

	/* CS both 64-bit and 32-bit: refused here or by the CPU. */
	s.cs.db = 1;
	s.cs.l = 1;
	if (ioctl(v->fd, KVM_SET_SREGS, &s)) {
		CHECK_EQ(errno, EINVAL);
		return;
	}
	r = run(v);
	if (r == KVM_EXIT_HLT)
		skip("this CPU enters with L and D both set");
	CHECK_EQ(r, KVM_EXIT_FAIL_ENTRY);
	/* And the vCPU is not lost, once its state is given anew. */
	vcpu_mode(v, MODE_LONG);
	vcpu_start(v, GPA_CODE);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
}

/* An endless loop is left by a signal. */
PROGRAM(loop, 32, "1: jmp 1b\n");

TEST(errors, signal)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, loop);

	start_ticks(SIGUSR1, 5000);
	for (int i = 0; i < 10; i++) {
		CHECK_EQ(run(v), -EINTR);
		CHECK_EQ(v->run->exit_reason, KVM_EXIT_INTR);
	}
	CHECK_EQ(get_regs(v).rip, GPA_CODE);
}

TEST(errors, immediate_exit)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, tell);

	NEED_CAP(KVM_CAP_IMMEDIATE_EXIT);
	v->run->immediate_exit = 1;
	for (int i = 0; i < 10; i++)
		CHECK_EQ(run(v), -EINTR);
	CHECK_EQ(get_regs(v).rip, GPA_CODE);
	v->run->immediate_exit = 0;
	EXPECT_OUT(v, 0x10, 1, 0x77);
}

static void set_mask(struct vcpu *v, u64 blocked)
{
	struct {
		struct kvm_signal_mask head;
		u64 set;
	} __packed m = { .head.len = 8, .set = blocked };

	CHECK_OK(ioctl(v->fd, KVM_SET_SIGNAL_MASK, &m));
}

/*
 * The old protocol: the signal is blocked but for KVM_RUN, so that it cannot
 * come between the test and the run.
 */
TEST(errors, signal_mask)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, loop);
	sigset_t set, pending;

	catch_signal(SIGUSR1);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	set_mask(v, 0);
	raise(SIGUSR1);
	CHECK_EQ(run(v), -EINTR);
	CHECK_EQ(v->run->exit_reason, KVM_EXIT_INTR);
	/* The mask is back: the signal is pending still, and was not handled. */
	CHECK_OK(sigpending(&pending));
	CHECK(sigismember(&pending, SIGUSR1));
	CHECK_OK(sigprocmask(SIG_BLOCK, NULL, &set));
	CHECK(sigismember(&set, SIGUSR1));
}

/* The other way round: blocked in KVM_RUN only, so that it is not left. */
TEST(errors, signal_mask_blocks)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, tell);

	catch_signal(SIGUSR1);
	set_mask(v, 1ULL << (SIGUSR1 - 1));
	start_ticks(SIGUSR1, 1000);
	for (int i = 0; i < 200; i++) {
		int r = run(v);

		if (r == KVM_EXIT_HLT)
			vcpu_start(v, GPA_CODE);
		else
			CHECK_EQ(r, KVM_EXIT_IO);
	}
	stop_ticks();
}

/*
 * UMIP, of the CPU or with exits: a program is refused what its kernel may do, and
 * the kernel's tables are loaded as ever.
 */
PROGRAM(refused, 32,
	"	mov $0x6e, %al\n"
	"	out %al, $0x55\n"
	"	sgdt 0x20000\n"
	"	sldt %eax\n"
	"	lgdt 0x20000\n"
	"	str %ecx\n"
	"	hlt\n");
PROGRAM(store_gdt, 32,
	"	sgdt 0x20010\n");

TEST(errors, umip)
{
	struct kvm_cpuid2 *c = supported_cpuid();
	struct kvm_cpuid_entry2 *e = cpuid_find(c, 7, 0);
	struct kvm_sregs s;
	struct vcpu *v;

	if (!e || !(e->ecx & 1 << 2))
		skip("UMIP is not offered");
	v = vcpu_in_ring3(store_gdt);
	load_at(v->vm, GPA_HANDLER, guest_refused, GUEST_SIZE(refused));
	set_gate(v, 13, GPA_HANDLER);
	s = get_sregs(v);
	s.cr4 |= 1 << 11;
	set_sregs(v, &s);
	EXPECT_OUT(v, 0x55, 1, 0x6e);
	CHECK_EQ(*(u32 *)(v->vm->mem + GPA_STACK - 20), GPA_RING3);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	CHECK_EQ(*(u16 *)(v->vm->mem + 0x20000), s.gdt.limit);
	CHECK_EQ(*(u32 *)(v->vm->mem + 0x20002), s.gdt.base);
	CHECK_EQ(get_regs(v).rax & 0xffff, s.ldt.selector);
	CHECK_EQ(get_regs(v).rcx & 0xffff, s.tr.selector);
	CHECK_EQ(get_sregs(v).gdt.limit, s.gdt.limit);
	CHECK_EQ(get_sregs(v).cr4 & 1 << 11, 1 << 11);

	/* Switched off again: nothing exits, nothing is refused. */
	s = get_sregs(v);
	s.cr4 &= ~(1 << 11);
	set_sregs(v, &s);
	SET_REG(v, rip, GPA_HANDLER);
	EXPECT_OUT(v, 0x55, 1, 0x6e);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	free(c);
}
