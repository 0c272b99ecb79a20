/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the benchmark's client and its guest agree on: ports, vectors and places
 * in the guest's memory. Read by C and by the assembler.
 */
#ifndef BENCH_H
#define BENCH_H

#define BENCH_CODE		0x100000
#define BENCH_GDT		0x1000
#define BENCH_IDT		0x2000
#define BENCH_TABLES		0x3000
/* What of memory is mapped. */
#define BENCH_GIBS		10
#define BENCH_RESULTS		0x20000
#define BENCH_MAX_RESULTS	4096
/* How many other vCPUs are up */
#define BENCH_READY		0x40000
#define BENCH_SHARED		0x40040
#define BENCH_STACK		0x90000
#define BENCH_STACK2		0x80000

/* Exits that end the guest's turn; byte accesses. */
#define BENCH_PORT_DONE		0xf4
#define BENCH_PORT_BATCH	0xf5
#define BENCH_PORT_BAD		0xf6

#define BENCH_VECTOR_IPI	0x40
#define BENCH_VECTOR_DEADLINE	0x41
#define BENCH_VECTOR_REMOTE	0x42

/* Row number that makes the counting emulator write what it has. */
#define BENCH_MARK_FLUSH	255

/* Instructions between the two RDTSCs of a batch that are in no iteration. */
#define BENCH_BATCH_INSNS	4

#ifndef __ASSEMBLER__

#include <linux/types.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;

/* guest.S: the image, and labels in it by address here. */
extern const u8 guest_image[], guest_end[];
extern const u8 irq_ipi[], irq_deadline[], irq_remote[], fault_gp[], fault_any[];
extern const u8 second_running[], second_halted[];
extern const u8 op_invd[], op_cpuid[], op_cpuid_1[], op_cpuid_ext[], op_vmcall[], op_vmmcall[];
extern const u8 op_rdmsr[], op_rdmsr_apic_base[], op_rdmsr_misc[], op_wrmsr[], op_deadline[];
extern const u8 op_cr8_write[], op_cr8_read[], op_cr0[], op_cr4[], op_dr[];
extern const u8 op_pio_out[], op_pio_in[], op_mmio_write[], op_mmio_read[];
extern const u8 op_touch_4k[], op_touch_2m[], op_touch_spread[], op_fill[], op_exception[];
extern const u8 op_self_ipi[], op_xapic_eoi[], op_hlt_timer[], op_ipi[];

#endif /* __ASSEMBLER__ */

#endif /* BENCH_H */
