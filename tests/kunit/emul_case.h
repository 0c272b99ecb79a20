/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One instruction as a table entry: the machine before, the machine after. The
 * whole machine is compared; what an entry does not mention must not change.
 */
#ifndef MONOVISOR_TESTS_KUNIT_EMUL_CASE_H
#define MONOVISOR_TESTS_KUNIT_EMUL_CASE_H

#include <kunit/test.h>
#include <asm/processor-flags.h>

#include "tests/kunit/emul_world.h"

#define CF X86_EFLAGS_CF
#define PF X86_EFLAGS_PF
#define AF X86_EFLAGS_AF
#define ZF X86_EFLAGS_ZF
#define SF X86_EFLAGS_SF
#define OF X86_EFLAGS_OF
#define DF X86_EFLAGS_DF
#define TF X86_EFLAGS_TF
#define ARITH (CF | PF | AF | ZF | SF | OF)

struct reg_val { u8 reg; bool set; u64 val; };
struct mem_val { u32 addr; u8 bytes; u64 val; };

struct exec_case {
	const char *name;
	enum world_mode mode;
	u8 len;
	u8 code[15];
	struct reg_val in[5], out[8];
	struct mem_val min[3], mout[3];
	u64 fl_in;		/* flags set before */
	u64 fl_mask, fl_out;	/* flags compared after; others must not change */
	u8 cpl;
	u8 page, page_flags;	/* page != 0: its permissions */
	u64 cr0, cr4;		/* bits added */
	u8 no_feature;		/* 1 + enum emul_feature */
	bool intel;		/* on a CPU of Intel's; else on one of AMD's */
	enum emul_status status;
	u8 vector;
	u32 error;
	u64 cr2;
	u64 rip;		/* 0: the next instruction; no use for faults */
};

#define CODE(...)	.len = sizeof((u8[]){ __VA_ARGS__ }), .code = { __VA_ARGS__ }
#define R(_r, _v)	{ EMUL_##_r, true, _v }
#define M(_a, _n, _v)	{ _a, _n, _v }
#define R_IN(...)		.in = { __VA_ARGS__ }
#define R_OUT(...)	.out = { __VA_ARGS__ }
#define M_IN(...)	.min = { __VA_ARGS__ }
#define M_OUT(...)	.mout = { __VA_ARGS__ }
#define FL(_mask, _out)	.fl_mask = (_mask), .fl_out = (_out)
#define FAULT(_v)	.status = EMUL_EXCEPTION, .vector = (_v)
#define PAGE_FAULT(_err, _cr2) \
	.status = EMUL_EXCEPTION, .vector = 14, .error = (_err), .cr2 = (_cr2)
#define ENABLE_AC	.cpl = 3, .cr0 = X86_CR0_AM, .fl_in = X86_EFLAGS_AC

void emul_case_run(struct kunit *test, const struct exec_case *t);
void emul_case_desc(const struct exec_case *t, char *desc);

#endif /* MONOVISOR_TESTS_KUNIT_EMUL_CASE_H */
