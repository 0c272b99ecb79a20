// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instruction lengths and what vendors without decode assists ask of the
 * decoder: which register, which vector, which segment.
 */
#include <kunit/test.h>

#include "tests/kunit/emul_world.h"

struct decode_case {
	const char *name;
	enum world_mode mode;
	u8 len;			/* of the instruction; 0: it has none (#UD, #GP) */
	u8 code[16];
	enum emul_kind kind;
	u8 gpr, creg, vector, seg;
	u8 addr_size, op_size;	/* 0: not compared */
	bool rep;
	u64 linear;
};

#define CODE(...)	.code = { __VA_ARGS__ }

static const struct decode_case cases[] = {
	{ "nop", WORLD_L64, 1, CODE(0x90) },
	{ "REX counts only before the opcode", WORLD_L64, 4, CODE(0x48, 0x66, 0x89, 0xc3),
	  .op_size = 2 },
	{ "REX.W beats 66", WORLD_L64, 4, CODE(0x66, 0x48, 0x89, 0xc3), .op_size = 8 },
	{ "40 is INC in 32-bit mode", WORLD_P32, 1, CODE(0x40, 0x89, 0xc3), .op_size = 4 },
	{ "67 in 64-bit mode", WORLD_L64, 4, CODE(0x67, 0x89, 0x43, 0x10), .addr_size = 4 },
	{ "67 in 32-bit mode: disp16", WORLD_P32, 5, CODE(0x67, 0x89, 0x06, 0x10, 0x20),
	  .addr_size = 2 },
	{ "disp32 with SIB and no base", WORLD_L64, 7, CODE(0x89, 0x04, 0x25, 0, 0x20, 0, 0) },
	{ "SIB base rbp with disp8", WORLD_L64, 4, CODE(0x89, 0x44, 0x05, 0x10) },
	{ "moffs64", WORLD_L64, 9, CODE(0xa1, 0, 0x20, 0, 0, 0, 0, 0, 0) },
	{ "moffs32 with 67", WORLD_L64, 6, CODE(0x67, 0xa1, 0, 0x20, 0, 0) },
	{ "imm64", WORLD_L64, 10, CODE(0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8) },
	{ "imm32 with REX.W", WORLD_L64, 7, CODE(0x48, 0xc7, 0xc0, 1, 2, 3, 4) },
	{ "imm16 with 66", WORLD_P32, 5, CODE(0x66, 0xc7, 0xc0, 1, 2) },
	{ "test has an immediate, not has none", WORLD_P32, 3, CODE(0xf6, 0xc0, 1) },
	{ "not", WORLD_P32, 2, CODE(0xf6, 0xd0, 1) },
	{ "enter", WORLD_P32, 4, CODE(0xc8, 1, 0, 2) },
	{ "far call, 32 bits", WORLD_P32, 7, CODE(0x9a, 1, 2, 3, 4, 5, 6) },
	{ "far call, 16 bits", WORLD_REAL, 5, CODE(0x9a, 1, 2, 3, 4) },
	{ "near jump in 64-bit mode, 66 on AMD", WORLD_L64, 4, CODE(0x66, 0xe9, 1, 2) },
	{ "jcc rel32", WORLD_P32, 6, CODE(0x0f, 0x84, 1, 2, 3, 4) },
	{ "movsxd", WORLD_L64, 3, CODE(0x48, 0x63, 0xc3), .op_size = 8 },
	{ "three-byte map", WORLD_L64, 5, CODE(0x66, 0x0f, 0x38, 0x00, 0xc1) },
	{ "0F3A has an immediate", WORLD_L64, 6, CODE(0x66, 0x0f, 0x3a, 0x0f, 0xc1, 8) },
	{ "pshufd", WORLD_L64, 5, CODE(0x66, 0x0f, 0x70, 0xc1, 0x1b) },
	{ "extrq has two immediates", WORLD_L64, 6, CODE(0x66, 0x0f, 0x78, 0xc0, 1, 2) },
	{ "vmovups", WORLD_L64, 5, CODE(0xc5, 0xfc, 0x11, 0x43, 0x10) },
	{ "three-byte VEX", WORLD_L64, 5, CODE(0xc4, 0xc1, 0x7c, 0x11, 0x00) },
	{ "c5 in 32-bit mode with memory is LDS", WORLD_P32, 2, CODE(0xc5, 0x03) },
	{ "VEX after 66", WORLD_L64, 0, CODE(0x66, 0xc5, 0xfc, 0x11, 0x03) },
	{ "fifteen bytes", WORLD_L64, 15, CODE(0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
	  0x66, 0x66, 0x66, 0x66, 0x66, 0x89, 0xc3) },
	{ "sixteen bytes", WORLD_L64, 0, CODE(0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
	  0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x89, 0xc3) },
	{ "undefined", WORLD_L64, 0, CODE(0x0f, 0x04) },

	{ "mov cr3,r10", WORLD_L64, 4, CODE(0x41, 0x0f, 0x22, 0xda), EMUL_KIND_MOV_TO_CR,
	  .gpr = EMUL_R10, .creg = 3 },
	{ "mov rax,cr8", WORLD_L64, 4, CODE(0x44, 0x0f, 0x20, 0xc0), EMUL_KIND_MOV_FROM_CR,
	  .gpr = EMUL_RAX, .creg = 8 },
	{ "lock mov eax,cr0 is cr8", WORLD_P32, 4, CODE(0xf0, 0x0f, 0x20, 0xc0),
	  EMUL_KIND_MOV_FROM_CR, .gpr = EMUL_RAX, .creg = 8 },
	{ "mov cr ignores mod", WORLD_P32, 3, CODE(0x0f, 0x22, 0x04), EMUL_KIND_MOV_TO_CR,
	  .gpr = EMUL_RSP, .creg = 0 },
	{ "mov dr7,rcx", WORLD_L64, 3, CODE(0x0f, 0x23, 0xf9), EMUL_KIND_MOV_TO_DR,
	  .gpr = EMUL_RCX, .creg = 7 },
	{ "mov edx,dr6", WORLD_P32, 3, CODE(0x0f, 0x21, 0xf2), EMUL_KIND_MOV_FROM_DR,
	  .gpr = EMUL_RDX, .creg = 6 },
	{ "clts", WORLD_L64, 2, CODE(0x0f, 0x06), EMUL_KIND_CLTS },
	{ "lmsw ax", WORLD_REAL, 3, CODE(0x0f, 0x01, 0xf0), EMUL_KIND_LMSW },
	{ "smsw [bx]", WORLD_REAL, 3, CODE(0x0f, 0x01, 0x27), EMUL_KIND_SMSW },
	{ "swapgs is not smsw", WORLD_L64, 3, CODE(0x0f, 0x01, 0xf8), EMUL_KIND_OTHER },
	{ "int 0x80", WORLD_P32, 2, CODE(0xcd, 0x80), EMUL_KIND_INT_N, .vector = 0x80 },
	{ "int3", WORLD_P32, 1, CODE(0xcc), EMUL_KIND_INT3 },
	{ "into", WORLD_P32, 1, CODE(0xce), EMUL_KIND_INTO },
	{ "invlpg [gs:rbx+8]", WORLD_L64, 5, CODE(0x65, 0x0f, 0x01, 0x7b, 0x08), EMUL_KIND_INVLPG,
	  .seg = EMUL_GS, .linear = 0x70008 },
	{ "invlpg [ebp]", WORLD_P32, 4, CODE(0x0f, 0x01, 0x7d, 0x00), EMUL_KIND_INVLPG,
	  .seg = EMUL_SS },
	{ "in al,dx", WORLD_L64, 1, CODE(0xec), EMUL_KIND_IN, .seg = EMUL_DS, .op_size = 1 },
	{ "REX.W out imm8", WORLD_L64, 3, CODE(0x48, 0xe7, 0x60), EMUL_KIND_OUT, .seg = EMUL_DS,
	  .op_size = 4 },
	{ "rep insw", WORLD_P32, 3, CODE(0xf3, 0x66, 0x6d), EMUL_KIND_INS, .seg = EMUL_ES,
	  .op_size = 2, .rep = true },
	{ "rep outsb from fs", WORLD_REAL, 3, CODE(0xf3, 0x64, 0x6e), EMUL_KIND_OUTS,
	  .seg = EMUL_FS, .addr_size = 2, .op_size = 1, .rep = true },
	{ "a repeat prefix that repeats nothing", WORLD_L64, 2, CODE(0xf3, 0xec), EMUL_KIND_IN,
	  .seg = EMUL_DS },
};

static struct emul_world *new_world(struct kunit *test, enum world_mode mode)
{
	struct emul_world *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, w);
	world_init(w, mode);
	return w;
}

static void check_info(struct kunit *test, const struct decode_case *t,
		       const struct emul_decode_info *info)
{
	KUNIT_EXPECT_EQ_MSG(test, info->len, t->len, "%s", t->name);
	KUNIT_EXPECT_EQ_MSG(test, info->kind, t->kind, "%s", t->name);
	KUNIT_EXPECT_EQ_MSG(test, info->rep, t->rep, "%s", t->name);
	if (t->addr_size)
		KUNIT_EXPECT_EQ_MSG(test, info->addr_size, t->addr_size, "%s", t->name);
	if (t->op_size)
		KUNIT_EXPECT_EQ_MSG(test, info->op_size, t->op_size, "%s", t->name);
	switch (t->kind) {
	case EMUL_KIND_MOV_TO_CR:
	case EMUL_KIND_MOV_FROM_CR:
	case EMUL_KIND_MOV_TO_DR:
	case EMUL_KIND_MOV_FROM_DR:
		KUNIT_EXPECT_EQ_MSG(test, info->gpr, t->gpr, "%s", t->name);
		KUNIT_EXPECT_EQ_MSG(test, info->creg, t->creg, "%s", t->name);
		break;
	case EMUL_KIND_INT_N:
		KUNIT_EXPECT_EQ_MSG(test, info->vector, t->vector, "%s", t->name);
		break;
	case EMUL_KIND_INVLPG:
		KUNIT_EXPECT_EQ_MSG(test, info->linear, t->linear, "%s", t->name);
		KUNIT_EXPECT_EQ_MSG(test, info->seg, t->seg, "%s", t->name);
		break;
	case EMUL_KIND_INS:
	case EMUL_KIND_OUTS:
		KUNIT_EXPECT_EQ_MSG(test, info->seg, t->seg, "%s", t->name);
		break;
	default:
		break;
	}
}

/* Every case twice: with bytes the caller has, and fetched from the guest. */
static void decode_table(struct kunit *test)
{
	const struct decode_case *t = test->param_value;
	struct emul_world *w = new_world(test, t->mode);
	struct emul_decode_info info = { 0 };
	enum emul_status want = t->len ? EMUL_DONE : EMUL_EXCEPTION;

	w->seg[EMUL_GS].base = 0x70000;
	memcpy(w->ram + WORLD_CODE, t->code, sizeof(t->code));
	KUNIT_EXPECT_EQ_MSG(test, emul_decode_info(&w->c, NULL, 0, &info), want, "%s", t->name);
	check_info(test, t, &info);
	KUNIT_EXPECT_EQ_MSG(test, emul_decode_info(&w->c, t->code, 15, &info), want, "%s", t->name);
	check_info(test, t, &info);
	KUNIT_EXPECT_EQ(test, w->rip, WORLD_CODE);
}

static void case_to_desc(const struct decode_case *t, char *desc)
{
	strscpy(desc, t->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(decode, cases, case_to_desc);

static void intel_ignores_66_on_near_branches(struct kunit *test)
{
	static const u8 code[] = { 0x66, 0xe9, 1, 2, 3, 4 };
	struct emul_world *w = new_world(test, WORLD_L64);
	struct emul_decode_info info;

	w->missing[EMUL_FEAT_AMD_CPU] = true;
	KUNIT_EXPECT_EQ(test, emul_decode_info(&w->c, code, sizeof(code), &info), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, info.len, 6);
}

/* Bytes are fetched only as far as the instruction needs them. */
static void fetch_faults(struct kunit *test)
{
	struct emul_world *w = new_world(test, WORLD_P32);
	struct emul_decode_info info;

	w->page[2] = 0;
	w->rip = 0x1ffe;
	w->ram[0x1ffe] = 0x89;			/* mov ebx,eax ends with the page */
	w->ram[0x1fff] = 0xc3;
	KUNIT_EXPECT_EQ(test, emul_decode_info(&w->c, NULL, 0, &info), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, info.len, 2);
	w->ram[0x1fff] = 0x43;			/* mov [ebx+disp8],eax does not */
	KUNIT_EXPECT_EQ(test, emul_decode_info(&w->c, NULL, 0, &info), EMUL_EXCEPTION);
	KUNIT_EXPECT_EQ(test, w->c.exception.vector, 14);
	KUNIT_EXPECT_EQ(test, w->c.exception.cr2, 0x2000);
	KUNIT_EXPECT_EQ(test, w->c.exception.error_code, 16);
	/* At the segment's end the next byte is #GP, whatever the page says. */
	w->page[2] = WORLD_P;
	w->seg[EMUL_CS].limit = 0x1fff;
	KUNIT_EXPECT_EQ(test, emul_decode_info(&w->c, NULL, 0, &info), EMUL_EXCEPTION);
	KUNIT_EXPECT_EQ(test, w->c.exception.vector, 13);
	/* Code that is not in memory has no length. */
	w->seg[EMUL_CS].limit = 0xffffffff;
	w->rip = WORLD_MMIO;
	KUNIT_EXPECT_EQ(test, emul_decode_info(&w->c, NULL, 0, &info), EMUL_FAILED);
}

/* A first part that is known is continued by a fetch from the right place. */
static void fetch_continues(struct kunit *test)
{
	static const u8 known[] = { 0x48, 0xb8, 1, 2 };
	struct emul_world *w = new_world(test, WORLD_L64);

	world_put(w, WORLD_CODE + 4, 0x080706050403, 6);
	KUNIT_EXPECT_EQ(test, emul_run(&w->c, 0, known, sizeof(known)), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RAX], 0x0807060504030201);
	KUNIT_EXPECT_EQ(test, w->rip, WORLD_CODE + 10);
}

/* What emul_parse_move() says it knows. */
static bool is_plain_move(u8 rex, u8 opcode, u8 modrm)
{
	if (modrm >= 0xc0)
		return false;
	if (opcode == 0xc6 || opcode == 0xc7)
		return !(modrm & 0x38);
	/* AH to BH */
	if ((opcode == 0x88 || opcode == 0x8a) && !rex && modrm & 0x20)
		return false;
	return opcode >= 0x88 && opcode <= 0x8b;
}

static u64 move_linear(const struct emul_world *w, const struct emul_move *m)
{
	u64 linear = m->disp;

	if (m->rip_rel)
		linear += w->rip + m->len;
	if (m->base != EMUL_NO_GPR)
		linear += w->gpr[m->base];
	if (m->index != EMUL_NO_GPR)
		linear += w->gpr[m->index] << m->scale;
	return linear;
}

static void compare_move(struct kunit *test, struct emul_world *w, const u8 *code, unsigned int at)
{
	u8 rex = at && (code[at - 1] & 0xf0) == 0x40 ? code[at - 1] : 0;
	bool plain = is_plain_move(rex, code[at], code[at + 1]);
	struct emul_decode_info info = {};
	struct emul_move m;

	KUNIT_ASSERT_EQ_MSG(test, emul_parse_move(code, &m), plain, "%*ph", 8, code);
	if (!plain)
		return;
	/* One byte less than the longest instruction, so that it is the tables that decode. */
	KUNIT_ASSERT_EQ(test, emul_decode_info(&w->c, code, EMUL_MAX_INSN - 1, &info), EMUL_DONE);
	KUNIT_ASSERT_EQ_MSG(test, m.len, info.len, "%*ph", 8, code);
	KUNIT_ASSERT_EQ_MSG(test, m.bytes, info.op_size, "%*ph", 8, code);
	KUNIT_ASSERT_EQ_MSG(test, move_linear(w, &m), info.linear, "%*ph", 8, code);
	KUNIT_ASSERT_EQ_MSG(test, m.load, (code[at] & 0xfe) == 0x8a, "%*ph", 8, code);
	KUNIT_ASSERT_EQ_MSG(test, m.has_imm, code[at] >= 0xc6, "%*ph", 8, code);
	KUNIT_ASSERT_EQ_MSG(test, m.reg, (code[at + 1] >> 3 & 7) | (rex & 4 ? 8 : 0), "%*ph", 8,
			    code);
}

static const u8 some_sibs[] = { 0x00, 0x05, 0x24, 0x25, 0x63, 0x6c, 0x8d, 0xe2 };

/* All opcodes with some operands, and the plain moves with all. */
static void compare_moves(struct kunit *test, struct emul_world *w, u8 *code, unsigned int at)
{
	unsigned int op, modrm, i, step;

	for (op = 0; op < 256; op++) {
		step = (op & 0xfc) == 0x88 || (op & 0xfe) == 0xc6 ? 1 : 0x43;
		/* As opcodes these are prefixes that are known. */
		if (!at && (op == 0x66 || (op & 0xf0) == 0x40))
			continue;
		if (at == 1 && code[0] == 0x66 && (op & 0xf0) == 0x40)
			continue;
		for (modrm = 0; modrm < 256; modrm += step) {
			bool sib = (modrm & 7) == 4 && modrm < 0xc0;

			for (i = 0; i < (sib ? ARRAY_SIZE(some_sibs) : 1); i++) {
				code[at] = op;
				code[at + 1] = modrm;
				code[at + 2] = some_sibs[i];
				compare_move(test, w, code, at);
			}
		}
	}
}

static void plain_moves(struct kunit *test)
{
	struct emul_world *w = new_world(test, WORLD_L64);
	unsigned int i, rex;
	u8 code[16];

	for (i = 0; i < ARRAY_SIZE(w->gpr); i++)
		w->gpr[i] = (0x1234567 + i) * 0x10001 << (i & 7);
	/* Displacements and immediates of both signs. */
	for (i = 0; i < ARRAY_SIZE(code); i++)
		code[i] = 0x97 + i * 0x31;
	compare_moves(test, w, code, 0);
	code[0] = 0x66;
	compare_moves(test, w, code, 1);
	for (rex = 0x40; rex < 0x50; rex++) {
		code[0] = rex;
		compare_moves(test, w, code, 1);
		code[0] = 0x66;
		code[1] = rex;
		compare_moves(test, w, code, 2);
	}
}

/* The immediate is as wide as the datum, but for 64 bits. */
static void plain_move_immediates(struct kunit *test)
{
	static const struct { u8 code[EMUL_MAX_INSN]; u64 imm; } imm[] = {
		{ { 0xc6, 0x03, 0xfe, 0x11 }, -2 },
		{ { 0x66, 0xc7, 0x03, 0xfe, 0x80, 0x11 }, (s16)0x80fe },
		{ { 0xc7, 0x43, 0x11, 0xfe, 0x22, 0x33, 0x84 }, (s32)0x843322fe },
		{ { 0x48, 0xc7, 0x83, 1, 2, 3, 4, 0xfe, 0x22, 0x33, 0x84 }, (s32)0x843322fe },
		{ { 0x66, 0x48, 0xc7, 0x03, 0x01, 0x22, 0x33, 0x04 }, 0x04332201 },
	};
	struct emul_move m;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(imm); i++) {
		KUNIT_ASSERT_TRUE(test, emul_parse_move(imm[i].code, &m));
		KUNIT_EXPECT_EQ_MSG(test, m.imm, imm[i].imm, "case %u", i);
	}
}

static struct kunit_case decode_test_cases[] = {
	KUNIT_CASE(plain_moves),
	KUNIT_CASE(plain_move_immediates),
	KUNIT_CASE_PARAM(decode_table, decode_gen_params),
	KUNIT_CASE(intel_ignores_66_on_near_branches),
	KUNIT_CASE(fetch_faults),
	KUNIT_CASE(fetch_continues),
	{}
};

static struct kunit_suite emul_decode_suite = {
	.name = "emul_decode",
	.test_cases = decode_test_cases,
};

kunit_test_suite(emul_decode_suite);

MODULE_DESCRIPTION("Tests of Monovisor's instruction emulator");
MODULE_LICENSE("GPL");
