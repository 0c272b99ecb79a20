/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest of the benchmark: one loop for each operation, in 64-bit mode with
 * all of memory mapped one to one. The client copies this image into the guest
 * and starts it at an operation's label. No loop knows what it costs.
 *
 * Registers at the start of an operation:
 *	r8	where results go, one TSC difference a batch
 *	r9	batches			r10	iterations of a batch
 *	rdi	the operation's address or port; rbp is that at the start of a batch
 *	r14	number of the row	r15	number of the module, both for the counting emulator
 */
#include "bench.h"

#define X2APIC(reg)	(0x800 + (reg) / 16)
#define APIC_EOI	0xb0
#define APIC_SVR	0xf0
#define APIC_ICR	0x300
#define APIC_SELF_IPI	0x3f0
#define MSR_APIC_BASE	0x1b
#define MSR_TSC_ADJUST	0x3b
#define MSR_MISC_ENABLE	0x1a0
#define MSR_DEADLINE	0x6e0
#define MSR_NOBODY	0xdeadbeef

	.section .rodata
	.balign 16
	.globl guest_image, guest_end
guest_image:

/* Tells the counting emulator which row runs; to anybody else it does nothing. */
.macro mark
	mov	%r15, %rcx
	xchg	%bx, %bx
.endm

.macro tsc_to_rax
	rdtsc
	shl	$32, %rdx
	or	%rdx, %rax
.endm

.macro begin name setup
	.globl	op_\name
op_\name:
	.ifnb \setup
	call	\setup
	.endif
10:	mov	%rdi, %rbp
	mov	%r10, %r11
	mov	%r14, %rax
	mark
	tsc_to_rax
	mov	%rax, %r12
20:
.endm

/* BENCH_BATCH_INSNS of these are between the two RDTSCs. */
.macro end_batch
	tsc_to_rax
	sub	%r12, %rax
	mov	%rax, (%r8)
	add	$8, %r8
	xor	%eax, %eax
	mark
	mov	$BENCH_PORT_BATCH, %edx
	out	%al, %dx
	dec	%r9
	jnz	10b
	jmp	done
.endm

.macro end
	dec	%r11
	jnz	20b
	end_batch
.endm

done:
	mov	$BENCH_MARK_FLUSH, %eax
	mark
	mov	$BENCH_PORT_DONE, %edx
	out	%al, %dx
	hlt

enable_x2apic:
	mov	$MSR_APIC_BASE, %ecx
	rdmsr
	or	$0xc00, %eax
	wrmsr
	mov	$X2APIC(APIC_SVR), %ecx
	mov	$0x1ff, %eax
	xor	%edx, %edx
	wrmsr
	ret

/* LVT timer: TSC-deadline mode, the vector of irq_deadline. */
enable_deadline:
	call	enable_x2apic
	mov	$X2APIC(0x320), %ecx
	mov	$(2 << 17 | BENCH_VECTOR_DEADLINE), %eax
	xor	%edx, %edx
	wrmsr
	ret

/* One RDMSR or WRMSR after another, operands set once. */
.macro op_msr name insn msr eax setup
	begin	\name \setup
	mov	$\msr, %ecx
	mov	$\eax, %eax
	xor	%edx, %edx
	\insn
	end
.endm

/* An exit that does nothing: caches are coherent. */
	begin	invd
	invd
	end

	begin	cpuid
	xor	%eax, %eax
	cpuid
	end

	begin	cpuid_1
	mov	$1, %eax
	cpuid
	end

	begin	cpuid_ext
	mov	$0x80000008, %eax
	cpuid
	end

	begin	vmcall
	mov	$99, %eax
	vmcall
	end

	begin	vmmcall
	mov	$99, %eax
	vmmcall
	end

	op_msr	rdmsr, rdmsr, MSR_TSC_ADJUST, 0
	op_msr	rdmsr_apic_base, rdmsr, MSR_APIC_BASE, 0
	op_msr	rdmsr_misc, rdmsr, MSR_MISC_ENABLE, 0
	op_msr	wrmsr, wrmsr, MSR_TSC_ADJUST, 0
	op_msr	deadline, wrmsr, MSR_DEADLINE, 0xffffff, enable_deadline

	/* The same one, so that no interrupt can become deliverable by it. */
	begin	cr8_write
	xor	%eax, %eax
	mov	%rax, %cr8
	end

	begin	cr8_read
	mov	%cr8, %rax
	end

	/* AM and MCE: bits that no MMU mode follows. */
	begin	cr0
	mov	%cr0, %rax
	xor	$(1 << 18), %rax
	mov	%rax, %cr0
	end

	begin	cr4
	mov	%cr4, %rax
	xor	$(1 << 6), %rax
	mov	%rax, %cr4
	end

	/* A hypervisor hands the registers over after the first access, until the next exit. */
	begin	dr
	xor	%eax, %eax
	cpuid
	mov	$0x400, %eax
	mov	%rax, %dr7
	end

	begin	pio_out
	mov	%ebp, %edx
	out	%al, %dx
	end

	begin	pio_in
	mov	%ebp, %edx
	in	%dx, %al
	end

	begin	mmio_write
	mov	%eax, (%rbp)
	end

	begin	mmio_read
	mov	(%rbp), %eax
	end

	begin	touch_4k
	mov	%al, (%rbp)
	add	$0x1000, %rbp
	end

	begin	touch_2m
	mov	%al, (%rbp)
	add	$0x200000, %rbp
	end

	/* rsi apart, from rbx to r13, and from rdi again; batches go on where they were. */
	begin	touch_spread
	mov	%al, (%rbx)
	add	%rsi, %rbx
	cmp	%r13, %rbx
	jb	21f
	sub	%r13, %rbx
	add	%rdi, %rbx
21:
	end

	/* r9 pages, not measured. */
	.globl	op_fill
op_fill:
	mov	%al, (%rdi)
	add	$0x1000, %rdi
	dec	%r9
	jnz	op_fill
	jmp	done

	/* An MSR nobody has: #GP, whose handler skips the RDMSR. */
	begin	exception
	mov	$MSR_NOBODY, %ecx
	rdmsr
	end

	/* The interrupt comes before the next instruction; its handler ends with EOI. */
	begin	self_ipi enable_x2apic
	mov	$X2APIC(APIC_SELF_IPI), %ecx
	mov	$BENCH_VECTOR_IPI, %eax
	xor	%edx, %edx
	wrmsr
	end

	begin	xapic_eoi
	mov	%eax, (%rbp)
	end

	/* Each batch is one wake-up: how long after the deadline the handler starts. */
	.globl	op_hlt_timer
op_hlt_timer:
	call	enable_deadline
10:	mov	%r14, %rax
	mark
	tsc_to_rax
	add	%rdi, %rax
	mov	%rax, %r12
	mov	%rax, %rdx
	shr	$32, %rdx
	mov	$MSR_DEADLINE, %ecx
	cli
	wrmsr
	sti
	hlt
	mov	%r13, %rax
	sub	%r12, %rax
	mov	%rax, (%r8)
	add	$8, %r8
	xor	%eax, %eax
	mark
	dec	%r9
	jnz	10b
	jmp	done

/*
 * To another CPU: when its handler starts after this CPU's write of ICR. The
 * handler leaves its TSC in BENCH_SHARED.
 */
	.globl	op_ipi
op_ipi:
	call	enable_x2apic
	/* The other has to be up, and asleep if it is to be woken. */
30:	cmpq	$0, BENCH_READY
	je	30b
10:	mov	%rdi, %rax
31:	dec	%rax
	jnz	31b
	movq	$0, BENCH_SHARED
	mov	%r14, %rax
	mark
	tsc_to_rax
	mov	%rax, %r12
	mov	$X2APIC(APIC_ICR), %ecx
	mov	$BENCH_VECTOR_REMOTE, %eax
	mov	$1, %edx
	wrmsr
32:	mov	BENCH_SHARED, %rax
	test	%rax, %rax
	jz	32b
	sub	%r12, %rax
	mov	%rax, (%r8)
	add	$8, %r8
	xor	%eax, %eax
	mark
	dec	%r9
	jnz	10b
	jmp	done

	.globl	second_running, second_halted
second_running:
	call	enable_x2apic
	sti
	lock incq BENCH_READY
1:	jmp	1b
second_halted:
	call	enable_x2apic
	lock incq BENCH_READY
1:	sti
	hlt
	cli
	jmp	1b

	.globl	irq_ipi, irq_deadline, irq_remote, fault_gp, fault_any
irq_remote:
	push	%rax
	push	%rdx
	push	%rcx
	tsc_to_rax
	mov	%rax, BENCH_SHARED
	jmp	eoi
irq_deadline:
	push	%rax
	push	%rdx
	push	%rcx
	tsc_to_rax
	mov	%rax, %r13
	jmp	eoi
irq_ipi:
	push	%rax
	push	%rdx
	push	%rcx
eoi:
	mov	$X2APIC(APIC_EOI), %ecx
	xor	%eax, %eax
	xor	%edx, %edx
	wrmsr
	pop	%rcx
	pop	%rdx
	pop	%rax
	iretq

/* Over RDMSR and the error code. */
fault_gp:
	addq	$2, 8(%rsp)
	add	$8, %rsp
	iretq

fault_any:
	mov	$BENCH_PORT_BAD, %edx
	out	%al, %dx
	hlt
guest_end:

	.section .note.GNU-stack, "", @progbits
