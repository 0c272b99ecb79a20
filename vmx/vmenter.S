/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The world switch: load the guest's general registers, enter, store them.
 * Everything that can be done in C before or after is not here.
 */
#include <linux/linkage.h>
#include <asm/alternative.h>
#include <asm/asm.h>
#include <asm/cpufeatures.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>
#include <asm/percpu.h>
#include <asm/unwind_hints.h>

#include "vmx/switch.h"

#define VMCS_HOST_RSP	0x6c14

/* Index in vcpu->regs is the hardware's register number. */
#define REG(n)		((n) * 8)

	.section .noinstr.text, "ax"

/*
 * unsigned int vmx_world_switch(struct vmx_switch *sw)
 *
 * Irqs off, a VMCS current. The stack at entry to the guest is
 *	(%rsp)	sw
 * and HOST_RSP points there; it changes only when the caller's frame depth
 * does, so it is compared first and seldom written.
 */
SYM_FUNC_START(vmx_world_switch)
	push	%rbp
	mov	%rsp, %rbp
	push	%r15
	push	%r14
	push	%r13
	push	%r12
	push	%rbx
	push	%rdi

	cmp	%rsp, VMX_SW_HOST_RSP(%rdi)
	je	.Lhost_rsp_done
	mov	$VMCS_HOST_RSP, %eax
.Lwrite_rsp:
	vmwrite	%rsp, %rax
	jbe	.Lvmfail
	mov	%rsp, VMX_SW_HOST_RSP(%rdi)
.Lhost_rsp_done:

	/*
	 * The guest's speculation control goes in last, as near to the entry
	 * as can be; without the MSR both values are 0.
	 */
	mov	VMX_SW_GUEST_SPEC_CTRL(%rdi), %eax
	cmp	VMX_SW_HOST_SPEC_CTRL(%rdi), %eax
	je	.Lspec_ctrl_done
	mov	$MSR_IA32_SPEC_CTRL, %ecx
	xor	%edx, %edx
	wrmsr
.Lspec_ctrl_done:

	/* From here to the entry, a notification interrupt is enough to be seen. */
	mov	VMX_SW_IN_GUEST(%rdi), %rax
	mov	VMX_SW_PI(%rdi), %rcx
	test	%rcx, %rcx
	jnz	.Lin_guest_posted
	movb	$1, (%rax)
.Lin_guest_done:

	/* Carry holds "launched" over the loads below; VERW leaves it alone too. */
	btl	$VMX_SW_LAUNCHED, VMX_SW_FLAGS(%rdi)

	mov	VMX_SW_REGS(%rdi), %rdi
	mov	REG(0)(%rdi), %rax
	mov	REG(1)(%rdi), %rcx
	mov	REG(2)(%rdi), %rdx
	mov	REG(3)(%rdi), %rbx
	mov	REG(5)(%rdi), %rbp
	mov	REG(6)(%rdi), %rsi
	mov	REG(8)(%rdi), %r8
	mov	REG(9)(%rdi), %r9
	mov	REG(10)(%rdi), %r10
	mov	REG(11)(%rdi), %r11
	mov	REG(12)(%rdi), %r12
	mov	REG(13)(%rdi), %r13
	mov	REG(14)(%rdi), %r14
	mov	REG(15)(%rdi), %r15
	mov	REG(7)(%rdi), %rdi

	/*
	 * No access to host data that matters may follow. The feature of MDS, TAA
	 * and RFDS: that of VM_CLEAR_CPU_BUFFERS is AMD's alone.
	 */
	CLEAR_CPU_BUFFERS

	jnc	.Lvmlaunch

	/* The stack is the same after the exit as here. */
	UNWIND_HINT_SAVE

.Lvmresume:
	vmresume
	jmp	.Lvmfail
.Lvmlaunch:
	vmlaunch
	jmp	.Lvmfail

	_ASM_EXTABLE(.Lvmresume, .Lfaulted)
	_ASM_EXTABLE(.Lvmlaunch, .Lfaulted)
	_ASM_EXTABLE(.Lwrite_rsp, .Lfaulted)

/* HOST_RIP: all registers but RSP are the guest's. */
SYM_INNER_LABEL_ALIGN(vmx_vmexit, SYM_L_GLOBAL)
	UNWIND_HINT_RESTORE
	ENDBR

	push	%rdi
	mov	8(%rsp), %rdi
	push	%rax
	mov	VMX_SW_IN_GUEST(%rdi), %rax
	movb	$0, (%rax)

	mov	VMX_SW_REGS(%rdi), %rdi
	pop	REG(0)(%rdi)
	mov	%rcx, REG(1)(%rdi)
	mov	%rdx, REG(2)(%rdi)
	mov	%rbx, REG(3)(%rdi)
	mov	%rbp, REG(5)(%rdi)
	mov	%rsi, REG(6)(%rdi)
	pop	REG(7)(%rdi)
	mov	%r8, REG(8)(%rdi)
	mov	%r9, REG(9)(%rdi)
	mov	%r10, REG(10)(%rdi)
	mov	%r11, REG(11)(%rdi)
	mov	%r12, REG(12)(%rdi)
	mov	%r13, REG(13)(%rdi)
	mov	%r14, REG(14)(%rdi)
	mov	%r15, REG(15)(%rdi)

	xor	%ebx, %ebx		/* VMX_SW_EXITED */

.Lclear_regs:
	/* Leave no register that the guest chose for host code to speculate with. */
	xor	%eax, %eax
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%esi, %esi
	xor	%edi, %edi
	xor	%ebp, %ebp
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d
	xor	%r12d, %r12d
	xor	%r13d, %r13d
	xor	%r14d, %r14d
	xor	%r15d, %r15d

	/*
	 * No RET may come before the guest's return addresses are gone from
	 * the return stack and the host's SPEC_CTRL is back.
	 */
	FILL_RETURN_BUFFER %rcx, RSB_CLEAR_LOOPS, X86_FEATURE_RSB_VMEXIT, \
			   X86_FEATURE_RSB_VMEXIT_LITE

	mov	(%rsp), %rdi
	mov	$MSR_IA32_SPEC_CTRL, %ecx
	btl	$VMX_SW_SAVE_SPEC_CTRL, VMX_SW_FLAGS(%rdi)
	jnc	.Lspec_ctrl_saved
	rdmsr
	mov	%eax, VMX_SW_GUEST_SPEC_CTRL(%rdi)
.Lspec_ctrl_saved:
	/*
	 * With IBRS as the kernel's own protection the write itself is the
	 * barrier: do it even if the value is the same.
	 */
	mov	VMX_SW_HOST_SPEC_CTRL(%rdi), %eax
	ALTERNATIVE "", "jmp .Lspec_ctrl_write", X86_FEATURE_KERNEL_IBRS
	cmp	VMX_SW_GUEST_SPEC_CTRL(%rdi), %eax
	je	.Lspec_ctrl_restored
.Lspec_ctrl_write:
	xor	%edx, %edx
	wrmsr
.Lspec_ctrl_restored:
	/* Do not run on along a mispredicted branch above. */
	lfence

	CLEAR_BRANCH_HISTORY_VMEXIT

	mov	%ebx, %eax
	pop	%rdi
	pop	%rbx
	pop	%r12
	pop	%r13
	pop	%r14
	pop	%r15
	pop	%rbp
	RET

	/* The flag, a full barrier, then the look (posted_intr.c says why). */
.Lin_guest_posted:
	mov	$1, %edx
	xchg	%dl, (%rax)
	btl	$0, VMX_PI_CONTROL(%rcx)
	jnc	.Lin_guest_done
	mov	$VMX_SW_POSTED, %ebx
	jmp	.Lnot_entered

.Lfaulted:
	mov	$VMX_SW_FAULTED, %ebx
	jmp	.Lnot_entered
.Lvmfail:
	mov	$VMX_SW_VMFAIL, %ebx
.Lnot_entered:
	mov	(%rsp), %rdi
	mov	VMX_SW_IN_GUEST(%rdi), %rax
	movb	$0, (%rax)
	jmp	.Lclear_regs
SYM_FUNC_END(vmx_world_switch)
