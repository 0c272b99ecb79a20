/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shared by the parts of emul-diff: one test case, what became of the machine
 * after it, and the memory it runs in. The same case goes to the emulator
 * (env.c) and to the CPU (native.c); main.c compares.
 */
#ifndef MONOVISOR_FUZZ_DIFF_H
#define MONOVISOR_FUZZ_DIFF_H

#include <linux/types.h>

#define PAGE		4096u
#define AREA		0x10000000u	/* all memory a case may touch, linear */
#define AREA_PAGES	24u
#define CODE_PLAIN	(AREA + 1 * PAGE)	/* two executable pages */
#define CODE_NX		(AREA + 4 * PAGE)	/* then a page that is not executable */
#define CODE_END	(AREA + 7 * PAGE)	/* then nothing */
#define DATA		(AREA + 10 * PAGE)
#define DATA_PAGES	10u

#define NO_PAGE		0
#define P_READ		1
#define P_WRITE		2
#define P_EXEC		4

#define SEL_CODE32	0x23
#define SEL_DATA	0x2b
#define SEL_CODE64	0x33

/* Where FS and GS of 64-bit cases begin; null selectors, so unusable elsewhere. */
#define FS_BASE		(DATA + 2 * PAGE + 8)
#define GS_BASE		(DATA + 5 * PAGE + 16)

struct test_case {
	bool is64;
	u8 len;			/* bytes of insn that matter; NOPs follow */
	u8 insn[16];
	u64 rip;
	u64 gpr[16];
	u64 flags;
	u8 vec[16][32];
};

enum { DONE_VECTOR = 1 };	/* the step trap: the instruction completed */

/* A machine after the case: all that can be compared. */
struct outcome {
	unsigned int vector;
	u64 error, cr2;
	u64 gpr[16];
	u64 rip, flags;
	u16 sel[6];
	u64 fs_base, gs_base;
	u8 vec[16][32];
};

extern const u8 area_rights[AREA_PAGES];

/* env.c: what the emulator found; the last case's operation and undefined flags. */
enum emul_said { SAID_RESULT, SAID_NOTHING };
void env_setup(bool five_levels, bool null_clears_base);
enum emul_said env_run(const struct test_case *t, u8 *mem, struct outcome *o);
unsigned int env_operation(void);
u64 env_undefined_flags(const struct test_case *t);
bool env_comparable(const struct test_case *t);
/* What a known difference takes from the comparison; two of them matter after faults only. */
enum env_spared { SPARED_NOTHING, SPARED_CASE, SPARED_FAULT_MEMORY, SPARED_FAULT_UPPER };
enum env_spared env_spared(void);
bool env_blocks_trap(void);
bool env_partial(void);
bool env_free_order(void);
unsigned int env_prefixes(const struct test_case *t);

/* native.c */
extern u8 *native_mem;		/* the area, always writable */
void native_setup(void);
bool native_null_clears_base(void);
bool native_is_mine(u64 addr);
/* Calls next() for a case and done() with what the CPU made of it, until next() is false. */
void native_loop(bool (*next)(struct test_case *t), void (*done)(const struct outcome *o));

/* gen.c */
void gen_case(struct test_case *t, u64 seed, u64 number, unsigned int modes);

#endif /* MONOVISOR_FUZZ_DIFF_H */
