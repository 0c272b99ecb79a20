/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The switch between host and guest. Nothing but registers, flags and the
 * mitigations that must sit right beside it; everything else is in run.c.
 *
 * Source: AMD APM volume 2, "VMRUN Instruction" and "VMSAVE and VMLOAD
 * Instructions"; the kernel's Documentation/admin-guide/hw-vuln.
 */
#include <linux/linkage.h>
#include <asm/alternative.h>
#include <asm/asm.h>
#include <asm/cpufeatures.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>
#include <asm/percpu.h>

#include "core/compat.h"
#include "svm/asm-offsets.h"

/* By the hardware's numbers. RAX and RSP are switched by VMRUN. */
#define GUEST_RCX	(SVM_REGS +  1 * 8)
#define GUEST_RDX	(SVM_REGS +  2 * 8)
#define GUEST_RBX	(SVM_REGS +  3 * 8)
#define GUEST_RBP	(SVM_REGS +  5 * 8)
#define GUEST_RSI	(SVM_REGS +  6 * 8)
#define GUEST_RDI	(SVM_REGS +  7 * 8)
#define GUEST_R8	(SVM_REGS +  8 * 8)
#define GUEST_R9	(SVM_REGS +  9 * 8)
#define GUEST_R10	(SVM_REGS + 10 * 8)
#define GUEST_R11	(SVM_REGS + 11 * 8)
#define GUEST_R12	(SVM_REGS + 12 * 8)
#define GUEST_R13	(SVM_REGS + 13 * 8)
#define GUEST_R14	(SVM_REGS + 14 * 8)
#define GUEST_R15	(SVM_REGS + 15 * 8)

/*
 * An instruction of the extension. It faults when a reboot has switched SVM
 * off on this CPU: carry on behind it, exit_fail_entry() sees kvm_rebooting.
 */
.macro SVM_INSN insn:vararg
.Lsvm_insn_\@:
	\insn
.Lsvm_next_\@:
	_ASM_EXTABLE(.Lsvm_insn_\@, .Lsvm_next_\@)
.endm

.section .noinstr.text, "ax"

/*
 * void svm_world_switch(struct vcpu_svm *svm, bool spec_ctrl_intercepted,
 *			 unsigned long host_state_pa)
 *
 * Irqs off on entry and on return. In between GIF is clear outside the guest,
 * so that nothing, NMIs included, arrives while the guest's GS base, SPEC_CTRL
 * and predictor state are in the CPU. RFLAGS.IF has to be set for VMRUN: its
 * value there says whether host interrupts make the guest exit. It is set well
 * ahead, as the shadow of STI would leak into the guest.
 */
SYM_FUNC_START(svm_world_switch)
	push %rbp
	mov  %rsp, %rbp
	push %r15
	push %r14
	push %r13
	push %r12
	push %rbx

	/* In the order they are needed after the exit: svm on top. */
	push %rsi
	push %rdx
	push %rdi

	SVM_INSN clgi
	sti

	/*
	 * The guest's SPEC_CTRL, unless hardware switches it. From here to
	 * VMRUN no return and no indirect branch.
	 */
	ALTERNATIVE_2 "jmp .Lguest_spec_ctrl_done", \
		"", X86_FEATURE_MSR_SPEC_CTRL, \
		"jmp .Lguest_spec_ctrl_done", X86_FEATURE_V_SPEC_CTRL
	movl SVM_SPEC_CTRL(%rdi), %eax
	cmpl PER_CPU_VAR(x86_spec_ctrl_current), %eax
	je   .Lguest_spec_ctrl_done
	movl $MSR_IA32_SPEC_CTRL, %ecx
	xorl %edx, %edx
	wrmsr
.Lguest_spec_ctrl_done:

	mov SVM_VMCB_PA(%rdi), %rax
	SVM_INSN vmload %rax

	mov GUEST_RCX(%rdi), %rcx
	mov GUEST_RDX(%rdi), %rdx
	mov GUEST_RBX(%rdi), %rbx
	mov GUEST_RBP(%rdi), %rbp
	mov GUEST_RSI(%rdi), %rsi
	mov GUEST_R8(%rdi), %r8
	mov GUEST_R9(%rdi), %r9
	mov GUEST_R10(%rdi), %r10
	mov GUEST_R11(%rdi), %r11
	mov GUEST_R12(%rdi), %r12
	mov GUEST_R13(%rdi), %r13
	mov GUEST_R14(%rdi), %r14
	mov GUEST_R15(%rdi), %r15
	movb $1, SVM_IN_GUEST(%rdi)
	mov GUEST_RDI(%rdi), %rdi

	/* Clobbers ZF only. */
	VM_CLEAR_CPU_BUFFERS

	SVM_INSN vmrun %rax

	/* RAX is the VMCB's address again, and RSP ours. */
	pop  %rax
	movb $0, SVM_IN_GUEST(%rax)

	mov %rcx, GUEST_RCX(%rax)
	mov %rdx, GUEST_RDX(%rax)
	mov %rbx, GUEST_RBX(%rax)
	mov %rbp, GUEST_RBP(%rax)
	mov %rsi, GUEST_RSI(%rax)
	mov %rdi, GUEST_RDI(%rax)
	mov %r8,  GUEST_R8(%rax)
	mov %r9,  GUEST_R9(%rax)
	mov %r10, GUEST_R10(%rax)
	mov %r11, GUEST_R11(%rax)
	mov %r12, GUEST_R12(%rax)
	mov %r13, GUEST_R13(%rax)
	mov %r14, GUEST_R14(%rax)
	mov %r15, GUEST_R15(%rax)
	mov %rax, %rdi

	mov SVM_VMCB_PA(%rdi), %rax
	SVM_INSN vmsave %rax

	/* The host's FS, GS, TR, LDTR: per-CPU variables work from here on. */
	pop %rax
	SVM_INSN vmload %rax

	/* Before the first return: no prediction of the guest's may serve it. */
	FILL_RETURN_BUFFER %rax, RSB_CLEAR_LOOPS, X86_FEATURE_RSB_VMEXIT

	/* bool spec_ctrl_intercepted */
	pop %rbx

	ALTERNATIVE_2 "jmp .Lhost_spec_ctrl_done", \
		"", X86_FEATURE_MSR_SPEC_CTRL, \
		"jmp .Lhost_spec_ctrl_done", X86_FEATURE_V_SPEC_CTRL
	movl $MSR_IA32_SPEC_CTRL, %ecx
	/* What a guest that owns the register made of it. */
	testb %bl, %bl
	jnz  .Lguest_spec_ctrl_known
	rdmsr
	movl %eax, SVM_SPEC_CTRL(%rdi)
.Lguest_spec_ctrl_known:
	movl PER_CPU_VAR(x86_spec_ctrl_current), %eax
	cmpl SVM_SPEC_CTRL(%rdi), %eax
	je   .Lhost_spec_ctrl_done
	xorl %edx, %edx
	wrmsr
.Lhost_spec_ctrl_done:

	/* Clobbers RAX, RCX, RDX. */
	UNTRAIN_RET_VM

	/* Leave nothing of the guest's for speculation to work with. */
	xorl %eax, %eax
	xorl %ecx, %ecx
	xorl %edx, %edx
	xorl %ebx, %ebx
	xorl %ebp, %ebp
	xorl %esi, %esi
	xorl %edi, %edi
	xorl %r8d, %r8d
	xorl %r9d, %r9d
	xorl %r10d, %r10d
	xorl %r11d, %r11d
	xorl %r12d, %r12d
	xorl %r13d, %r13d
	xorl %r14d, %r14d
	xorl %r15d, %r15d

	pop %rbx
	pop %r12
	pop %r13
	pop %r14
	pop %r15
	pop %rbp

	/* Host state is complete: a pending NMI comes in here. */
	cli
	SVM_INSN stgi
	RET
SYM_FUNC_END(svm_world_switch)
