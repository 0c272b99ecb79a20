// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every difference between the emulator and a CPU that was ever found by
 * running both (tests/fuzz/emul), reduced to the instruction that shows it.
 * What the instruction set says in general is in emul_exec_test.c.
 */
#include "tests/kunit/emul_case.h"

static const struct exec_case corpus[] = {
	/* A segment register that does not exist is found before its operand is read. */
	{ "mov sreg 7 from absent memory", WORLD_L64, CODE(0x8e, 0x3b), R_IN(R(RBX, 0x2000)),
	  .page = 2, .page_flags = 0, FAULT(6) },
	{ "mov cs from a non-canonical address", WORLD_L64, CODE(0x42, 0x8e, 0x0b),
	  R_IN(R(RBX, 0x800000000000)), FAULT(6) },
	{ "mov cs with operand size prefixes", WORLD_L64, CODE(0x66, 0x48, 0x8e, 0x0b),
	  R_IN(R(RBX, 0x800000000000)), FAULT(6) },
	{ "mov memory, sreg 6", WORLD_P32, CODE(0x8c, 0x33), R_IN(R(RBX, 0x2000)),
	  .page = 2, .page_flags = 0, FAULT(6) },

	/* An opcode that 64-bit mode does not have is #UD, however long its operand. */
	{ "call far, too long", WORLD_L64, CODE(0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
	  0x48, 0x9a, 0, 0, 0, 0, 0), FAULT(6) },
	{ "group 1 alias, immediate too long", WORLD_L64, CODE(0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
	  0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x82, 0xc0), FAULT(6) },
	{ "group 1 alias, displacement too long", WORLD_L64, CODE(0x66, 0x66, 0x66, 0x66, 0x66,
	  0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x82, 0x84, 0x24, 0), FAULT(13) },

	/* An operand across the end of a flat segment is #GP or #SS; Intel goes on at 0. */
	{ "mov eax, end of 4 GiB, AMD", WORLD_P32, CODE(0x8b, 0x03), R_IN(R(RBX, 0xfffffffd)),
	  FAULT(13) },
	{ "mov eax, end of 4 GiB, Intel", WORLD_P32, CODE(0x8b, 0x03), R_IN(R(RBX, 0xfffffffd)),
	  .intel = true, PAGE_FAULT(0, 0xfffffffd) },
	{ "push at the end of 4 GiB, AMD", WORLD_P32, CODE(0x50), R_IN(R(RSP, 2)), FAULT(12) },
	{ "push at the end of 4 GiB, Intel", WORLD_P32, CODE(0x50), R_IN(R(RSP, 2)),
	  .intel = true, PAGE_FAULT(2, 0xfffffffe) },
	{ "mov ax, end of 64 KiB, Intel", WORLD_REAL, CODE(0x8b, 0x07), R_IN(R(RBX, 0xffff)),
	  .intel = true, FAULT(13) },

	/* A misaligned operand that only begins at a canonical address: #GP or #AC. */
	{ "mov eax, end of canonical addresses, AMD", WORLD_L64, CODE(0x8b, 0x03),
	  R_IN(R(RBX, 0x7fffffffffff)), ENABLE_AC, FAULT(13) },
	{ "mov eax, end of canonical addresses, Intel", WORLD_L64, CODE(0x8b, 0x03),
	  R_IN(R(RBX, 0x7fffffffffff)), .intel = true, ENABLE_AC, FAULT(17) },
	{ "mov eax, misaligned, not canonical, Intel", WORLD_L64, CODE(0x8b, 0x03),
	  R_IN(R(RBX, 0x800000000001)), .intel = true, ENABLE_AC, FAULT(13) },
	/* Only AMD checks the alignment of 16 bytes that need not be aligned. */
	{ "movups, misaligned, AMD", WORLD_L64, CODE(0x0f, 0x11, 0x0b), R_IN(R(RBX, 0x2001)),
	  ENABLE_AC, FAULT(17) },
	{ "movups, misaligned, Intel", WORLD_L64, CODE(0x0f, 0x11, 0x0b), R_IN(R(RBX, 0x2001)),
	  .intel = true, ENABLE_AC,
	  M_OUT(M(0x2001, 8, 0x1716151413121110), M(0x2009, 8, 0x1f1e1d1c1b1a1918)) },
	{ "movlps, misaligned, Intel", WORLD_L64, CODE(0x0f, 0x13, 0x0b), R_IN(R(RBX, 0x2001)),
	  .intel = true, ENABLE_AC, FAULT(17) },

	/* A selector takes 32 bits of stack. Intel stores 16 of them, and loads 16. */
	{ "push ds, 32 bits, AMD", WORLD_P32, CODE(0x1e), M_IN(M(0x3ffc, 4, 0x87654321)),
	  M_OUT(M(0x3ffc, 4, 0x20)), R_OUT(R(RSP, 0x3ffc)) },
	{ "push ds, 32 bits, Intel", WORLD_P32, CODE(0x1e), M_IN(M(0x3ffc, 4, 0x87654321)),
	  .intel = true, M_OUT(M(0x3ffc, 2, 0x20)), R_OUT(R(RSP, 0x3ffc)) },
	{ "push fs, 64 bits, Intel", WORLD_L64, CODE(0x0f, 0xa0), M_IN(M(0x3ff8, 8, ~0ull)),
	  .intel = true, M_OUT(M(0x3ff8, 8, 0x28)), R_OUT(R(RSP, 0x3ff8)) },
	{ "pop ds, 32 bits, AMD", WORLD_REAL, CODE(0x66, 0x1f), R_IN(R(RSP, 0xfffe)), FAULT(12) },
	{ "pop ds, 32 bits, Intel", WORLD_REAL, CODE(0x66, 0x1f), R_IN(R(RSP, 0xfffe)),
	  .intel = true, R_OUT(R(RSP, 2)) },

	/* What is PAUSE to Intel is an exchange with R8 to AMD. */
	{ "pause with rex.b, AMD", WORLD_L64, CODE(0xf3, 0x49, 0x90), R_IN(R(RAX, 1), R(R8, 2)),
	  R_OUT(R(RAX, 2), R(R8, 1)) },
	{ "pause with rex.b, Intel", WORLD_L64, CODE(0xf3, 0x49, 0x90), R_IN(R(RAX, 1), R(R8, 2)),
	  .intel = true },
	{ "xchg rax, r8, Intel", WORLD_L64, CODE(0x49, 0x90), R_IN(R(RAX, 1), R(R8, 2)),
	  .intel = true, R_OUT(R(RAX, 2), R(R8, 1)) },
	{ "prefetchw of a register, AMD", WORLD_P32, CODE(0x0f, 0x0d, 0xc8), FAULT(6) },
	{ "prefetchw of a register, Intel", WORLD_P32, CODE(0x0f, 0x0d, 0xc8), .intel = true },

	/* REP with short addresses and nothing to do, and with something. */
	{ "rep movsb, ecx 0, AMD", WORLD_L64, CODE(0x67, 0xf3, 0xa4),
	  R_IN(R(RCX, 1ull << 32), R(RSI, 1ull << 33 | 0x2000), R(RDI, 1ull << 34 | 0x2100)) },
	{ "rep movsb, ecx 0, Intel", WORLD_L64, CODE(0x67, 0xf3, 0xa4), .intel = true,
	  R_IN(R(RCX, 1ull << 32), R(RSI, 1ull << 33 | 0x2000), R(RDI, 1ull << 34 | 0x2100)),
	  R_OUT(R(RCX, 0), R(RSI, 0x2000), R(RDI, 0x2100)) },
	{ "rep stosb, ecx 0, Intel", WORLD_L64, CODE(0x67, 0xf3, 0xaa), .intel = true,
	  R_IN(R(RCX, 1ull << 32), R(RSI, 1ull << 33), R(RDI, 1ull << 34)),
	  R_OUT(R(RCX, 0), R(RDI, 0)) },
	{ "repe cmpsb, ecx 0, Intel", WORLD_L64, CODE(0x67, 0xf3, 0xa6), .intel = true,
	  R_IN(R(RCX, 1ull << 32), R(RSI, 1ull << 33), R(RDI, 1ull << 34)), R_OUT(R(RCX, 0)) },
	{ "rep lodsb, ecx 1, Intel", WORLD_L64, CODE(0x67, 0xf3, 0xac), .intel = true,
	  R_IN(R(RAX, 9), R(RCX, 1ull << 32 | 1), R(RSI, 1ull << 33 | 0x2000)),
	  R_OUT(R(RAX, 0), R(RCX, 0), R(RSI, 0x2001)) },
	/* The step trap in the middle of a scan: only AMD has touched the flags by then. */
	{ "repne scasb, interrupted, AMD", WORLD_L64, CODE(0xf2, 0xae), .fl_in = TF | CF | ZF,
	  R_IN(R(RAX, 9), R(RCX, 2), R(RDI, 0x2000)), R_OUT(R(RCX, 1), R(RDI, 0x2001)),
	  .rip = WORLD_CODE, FL(ARITH, PF) },
	{ "repne scasb, interrupted, Intel", WORLD_L64, CODE(0xf2, 0xae), .fl_in = TF | CF | ZF,
	  R_IN(R(RAX, 9), R(RCX, 2), R(RDI, 0x2000)), R_OUT(R(RCX, 1), R(RDI, 0x2001)),
	  .intel = true, .rip = WORLD_CODE },
	{ "repne scasb, over, Intel", WORLD_L64, CODE(0xf2, 0xae), .fl_in = TF | CF | ZF,
	  R_IN(R(RAX, 9), R(RCX, 1), R(RDI, 0x2000)), R_OUT(R(RCX, 0), R(RDI, 0x2001)),
	  .intel = true, FL(ARITH, PF) },

	/* Too small an index, and the upper bound cannot be read. */
	{ "bound, upper bound absent, AMD", WORLD_P32, CODE(0x62, 0x03), R_IN(R(RBX, 0x1ffc)),
	  M_IN(M(0x1ffc, 4, 1)), .page = 2, .page_flags = 0, PAGE_FAULT(0, 0x2000) },
	{ "bound, upper bound absent, Intel", WORLD_P32, CODE(0x62, 0x03), R_IN(R(RBX, 0x1ffc)),
	  M_IN(M(0x1ffc, 4, 1)), .page = 2, .page_flags = 0, .intel = true, FAULT(5) },
	{ "bound, index above the lower, Intel", WORLD_P32, CODE(0x62, 0x03),
	  R_IN(R(RAX, 1), R(RBX, 0x1ffc)), M_IN(M(0x1ffc, 4, 1)), .page = 2, .page_flags = 0,
	  .intel = true, PAGE_FAULT(0, 0x2000) },

	/* XBEGIN: no instruction of AMD's, beyond the emulator on Intel's CPUs. */
	{ "xbegin, AMD", WORLD_L64, CODE(0xc7, 0xf8, 0, 0, 0, 0), FAULT(6) },
	{ "xbegin, Intel", WORLD_L64, CODE(0xc7, 0xf8, 0, 0, 0, 0), .intel = true,
	  .status = EMUL_FAILED },

	/* 0F3E is undefined, but to Intel it has a third byte, ModRM and an immediate. */
	{ "longer than 15 bytes by the immediate of 0F3E, AMD", WORLD_L64,
	  CODE(0x64, 0x64, 0x64, 0x64, 0x64, 0x64, 0x0f, 0x3e, 0, 0x84, 0, 1, 2, 3, 4), FAULT(6) },
	{ "longer than 15 bytes by the immediate of 0F3E, Intel", WORLD_L64,
	  CODE(0x64, 0x64, 0x64, 0x64, 0x64, 0x64, 0x0f, 0x3e, 0, 0x84, 0, 1, 2, 3, 4),
	  .intel = true, FAULT(13) },
	{ "0F3C has no immediate, Intel", WORLD_L64,
	  CODE(0x64, 0x64, 0x64, 0x64, 0x64, 0x64, 0x0f, 0x3c, 0, 0x84, 0, 1, 2, 3, 4),
	  .intel = true, FAULT(6) },

	/* MOVSXD to 16 bits reads 32 or 16. */
	{ "movsxd ax, end of a page, AMD", WORLD_L64, CODE(0x66, 0x63, 0x03), R_IN(R(RBX, 0x1ffe)),
	  .page = 2, .page_flags = 0, PAGE_FAULT(0, 0x2000) },
	{ "movsxd ax, end of a page, Intel", WORLD_L64, CODE(0x66, 0x63, 0x03),
	  R_IN(R(RAX, ~0ull), R(RBX, 0x1ffe)), M_IN(M(0x1ffe, 2, 0x8765)),
	  .page = 2, .page_flags = 0, .intel = true, R_OUT(R(RAX, 0xffffffffffff8765)) },
};

static void corpus_table(struct kunit *test)
{
	emul_case_run(test, test->param_value);
}

KUNIT_ARRAY_PARAM(corpus, corpus, emul_case_desc);

/* Loading a null selector leaves the base alone on older AMD CPUs only. */
static void null_selector_base(struct kunit *test)
{
	static const struct {
		bool amd, clears;
		u64 base;
	} cpus[] = { { true, true, 0 }, { true, false, 0x1234 }, { false, false, 0 } };
	static const u8 mov_gs_ax[] = { 0x8e, 0xe8 };
	struct emul_world *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, w);
	for (i = 0; i < ARRAY_SIZE(cpus); i++) {
		world_init(w, WORLD_L64);
		w->missing[EMUL_FEAT_AMD_CPU] = !cpus[i].amd;
		w->missing[EMUL_FEAT_NULL_BASE] = !cpus[i].clears;
		w->seg[EMUL_GS].base = 0x1234;
		KUNIT_EXPECT_EQ(test, world_run(w, mov_gs_ax, sizeof(mov_gs_ax)), EMUL_DONE);
		KUNIT_EXPECT_EQ(test, w->seg[EMUL_GS].base, cpus[i].base);
	}
}

/* An FS or GS base that makes an offset canonical: AMD refuses the offset. */
static void segment_offset_canonical(struct kunit *test)
{
	static const u8 mov_al_gs_rbx[] = { 0x65, 0x8a, 0x03 };
	struct emul_world *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, w);
	world_init(w, WORLD_L64);
	w->seg[EMUL_GS].base = -0x800000000000ull + 0x2000;
	w->gpr[EMUL_RBX] = 0x800000000000;
	KUNIT_EXPECT_EQ(test, world_run(w, mov_al_gs_rbx, sizeof(mov_al_gs_rbx)), EMUL_EXCEPTION);
	KUNIT_EXPECT_EQ(test, w->c.exception.vector, 13);
	w->missing[EMUL_FEAT_AMD_CPU] = true;
	KUNIT_EXPECT_EQ(test, world_run(w, mov_al_gs_rbx, sizeof(mov_al_gs_rbx)), EMUL_DONE);
}

static struct kunit_case corpus_test_cases[] = {
	KUNIT_CASE_PARAM(corpus_table, corpus_gen_params),
	KUNIT_CASE(null_selector_base),
	KUNIT_CASE(segment_offset_canonical),
	{}
};

static struct kunit_suite emul_corpus_suite = {
	.name = "emul_corpus",
	.test_cases = corpus_test_cases,
};

kunit_test_suite(emul_corpus_suite);
