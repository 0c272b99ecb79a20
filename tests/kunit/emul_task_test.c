// SPDX-License-Identifier: GPL-2.0-only
/*
 * Task switches in the emulator's world: what is stored where, what is loaded,
 * which fault whose task gets.
 */
#include <kunit/test.h>
#include <asm/processor-flags.h>

#include "core/emul/task.h"
#include "tests/kunit/emul_world.h"

#define GDT		0x7000u
#define OLD_TSS		0x8000u
#define NEW_TSS		0x9000u
#define LDT		0xa000u

/* Selectors */
#define SEL_CODE	0x08
#define SEL_DATA	0x10
#define SEL_LDT		0x18
#define SEL_CODE3	0x23
#define SEL_DATA3	0x2b
#define SEL_SPOILT	0x30
#define SEL_OLD		0x40
#define SEL_NEW		0x48
#define SEL_BEYOND	0x108

#define CODE_DESC	0x00cf9a000000ffffULL
#define DATA_DESC	0x00cf92000000ffffULL
#define DPL3		0x0000600000000000ULL
#define PRESENT		0x0000800000000000ULL
#define TSS_DESC(type, base)	(0x0000800000000067ULL | (u64)(type) << 40 | (u64)(base) << 16)
#define LDT_DESC(base)		(0x000082000000000fULL | (u64)(base) << 16)
#define BUSY_16		3
#define FREE_16		1
#define BUSY_32		11
#define FREE_32		9

/* In a 32-bit TSS */
enum {
	T_LINK = 0, T_CR3 = 0x1c, T_IP = 0x20, T_FLAGS = 0x24, T_AX = 0x28, T_SP = 0x38,
	T_ES = 0x48, T_CS = 0x4c, T_SS = 0x50, T_DS = 0x54, T_FS = 0x58, T_GS = 0x5c,
	T_LDT = 0x60, T_TRAP = 0x64,
};

static u8 type_of(struct emul_world *w, u16 sel)
{
	return world_get(w, GDT + sel + 5, 1) & 15;
}

/* A 32-bit task at OLD_TSS, and another at NEW_TSS that could run in ring 0. */
static struct emul_world *new_world(struct kunit *test)
{
	struct emul_world *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, w);
	world_init(w, WORLD_P32);
	w->seg[EMUL_TR].selector = SEL_OLD;
	world_put(w, GDT + SEL_CODE, CODE_DESC, 8);
	world_put(w, GDT + SEL_DATA, DATA_DESC, 8);
	world_put(w, GDT + SEL_LDT, LDT_DESC(LDT), 8);
	world_put(w, GDT + (SEL_CODE3 & ~7), CODE_DESC | DPL3, 8);
	world_put(w, GDT + (SEL_DATA3 & ~7), DATA_DESC | DPL3, 8);
	world_put(w, GDT + SEL_OLD, TSS_DESC(BUSY_32, OLD_TSS), 8);
	world_put(w, GDT + SEL_NEW, TSS_DESC(FREE_32, NEW_TSS), 8);
	for (i = 0; i < 8; i++) {
		w->gpr[i] = 0x1110 + i;
		world_put(w, NEW_TSS + T_AX + i * 4, 0xabcd2220 + i, 4);
	}
	world_put(w, NEW_TSS + T_IP, 0x2000, 4);
	world_put(w, NEW_TSS + T_FLAGS, X86_EFLAGS_FIXED | X86_EFLAGS_CF, 4);
	world_put(w, NEW_TSS + T_SP, 0x5000, 4);
	world_put(w, NEW_TSS + T_CR3, 0x6000, 4);
	for (i = T_ES; i <= T_GS; i += 4)
		world_put(w, NEW_TSS + i, i == T_CS ? SEL_CODE : SEL_DATA, 4);
	return w;
}

static struct emul_task_switch ask(enum emul_task_source source)
{
	return (struct emul_task_switch){
		.selector = SEL_NEW, .source = source, .next_ip = WORLD_CODE + 7,
	};
}

static void task_jmp(struct kunit *test)
{
	struct emul_world *w = new_world(test);
	struct emul_task_switch sw = ask(EMUL_TASK_JMP);
	unsigned int i;

	w->rflags |= X86_EFLAGS_NT | X86_EFLAGS_RF;
	w->seg[EMUL_FS].selector = 0x77;
	world_put(w, NEW_TSS + T_LDT, SEL_LDT, 2);
	KUNIT_ASSERT_EQ(test, emul_task_switch(&w->c, &sw), EMUL_DONE);
	KUNIT_EXPECT_TRUE(test, sw.switched);
	KUNIT_EXPECT_FALSE(test, sw.trap);
	/* The old task: */
	KUNIT_EXPECT_EQ(test, world_get(w, OLD_TSS + T_IP, 4), WORLD_CODE + 7);
	KUNIT_EXPECT_EQ(test, world_get(w, OLD_TSS + T_FLAGS, 4),
			X86_EFLAGS_FIXED | X86_EFLAGS_IF | X86_EFLAGS_NT);
	for (i = 0; i < 8; i++)
		KUNIT_EXPECT_EQ(test, world_get(w, OLD_TSS + T_AX + i * 4, 4), 0x1110 + i);
	KUNIT_EXPECT_EQ(test, world_get(w, OLD_TSS + T_FS, 2), 0x77);
	KUNIT_EXPECT_EQ(test, world_get(w, OLD_TSS + T_CR3, 4), 0);
	KUNIT_EXPECT_EQ(test, type_of(w, SEL_OLD), FREE_32);
	/* The new one: */
	KUNIT_EXPECT_EQ(test, type_of(w, SEL_NEW), BUSY_32);
	KUNIT_EXPECT_EQ(test, world_get(w, NEW_TSS + T_LINK, 2), 0);
	KUNIT_EXPECT_EQ(test, w->seg[EMUL_TR].selector, SEL_NEW);
	KUNIT_EXPECT_EQ(test, w->seg[EMUL_TR].base, NEW_TSS);
	KUNIT_EXPECT_EQ(test, w->seg[EMUL_TR].type, BUSY_32);
	KUNIT_EXPECT_EQ(test, w->seg[EMUL_LDTR].base, LDT);
	KUNIT_EXPECT_EQ(test, w->seg[EMUL_LDTR].unusable, 0);
	KUNIT_EXPECT_EQ(test, w->rip, 0x2000);
	KUNIT_EXPECT_EQ(test, w->rflags, X86_EFLAGS_FIXED | X86_EFLAGS_CF);
	for (i = 0; i < 8; i++)
		KUNIT_EXPECT_EQ(test, w->gpr[i], i == EMUL_RSP ? 0x5000 : 0xabcd2220 + i);
	KUNIT_EXPECT_EQ(test, w->cr[3], 0x6000);
	KUNIT_EXPECT_TRUE(test, w->cr[0] & X86_CR0_TS);
	KUNIT_EXPECT_EQ(test, w->seg[EMUL_CS].selector, SEL_CODE);
	KUNIT_EXPECT_EQ(test, w->seg[EMUL_CS].limit, 0xffffffff);
	KUNIT_EXPECT_EQ(test, w->seg[EMUL_GS].selector, SEL_DATA);
	KUNIT_EXPECT_EQ(test, type_of(w, SEL_CODE), 11);
	KUNIT_EXPECT_EQ(test, type_of(w, SEL_DATA), 3);
}

static void task_call_and_back(struct kunit *test)
{
	struct emul_world *w = new_world(test);
	struct emul_task_switch sw = ask(EMUL_TASK_CALL);

	for (unsigned int i = 0; i < 6; i++)
		w->seg[i].selector = i == EMUL_CS ? SEL_CODE : SEL_DATA;
	KUNIT_ASSERT_EQ(test, emul_task_switch(&w->c, &sw), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, type_of(w, SEL_OLD), BUSY_32);
	KUNIT_EXPECT_EQ(test, world_get(w, NEW_TSS + T_LINK, 2), SEL_OLD);
	KUNIT_EXPECT_TRUE(test, w->rflags & X86_EFLAGS_NT);
	world_put(w, OLD_TSS + T_CR3, 0x3000, 4);
	sw = (struct emul_task_switch){
		.selector = SEL_OLD, .source = EMUL_TASK_IRET, .next_ip = 0x2001,
	};
	KUNIT_ASSERT_EQ(test, emul_task_switch(&w->c, &sw), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, world_get(w, NEW_TSS + T_IP, 4), 0x2001);
	KUNIT_EXPECT_FALSE(test, world_get(w, NEW_TSS + T_FLAGS, 4) & X86_EFLAGS_NT);
	KUNIT_EXPECT_EQ(test, type_of(w, SEL_NEW), FREE_32);
	KUNIT_EXPECT_EQ(test, type_of(w, SEL_OLD), BUSY_32);
	KUNIT_EXPECT_EQ(test, w->rip, WORLD_CODE + 7);
	KUNIT_EXPECT_EQ(test, w->rflags, X86_EFLAGS_FIXED | X86_EFLAGS_IF);
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RDI], 0x1117);
	KUNIT_EXPECT_EQ(test, w->cr[3], 0x3000);
}

/* 286: words, no FS, GS and CR3, and the high halves are all ones. */
static void task_of_16_bits(struct kunit *test)
{
	struct emul_world *w = new_world(test);
	struct emul_task_switch sw = ask(EMUL_TASK_JMP);
	unsigned int i;

	w->seg[EMUL_TR].type = BUSY_16;
	world_put(w, GDT + SEL_OLD, TSS_DESC(BUSY_16, OLD_TSS), 8);
	world_put(w, GDT + SEL_NEW, TSS_DESC(FREE_16, NEW_TSS), 8);
	memset(w->ram + NEW_TSS, 0, 0x68);
	world_put(w, NEW_TSS + 0x0e, 0x2000, 2);
	world_put(w, NEW_TSS + 0x10, X86_EFLAGS_FIXED, 2);
	for (i = 0; i < 8; i++)
		world_put(w, NEW_TSS + 0x12 + i * 2, 0x3330 + i, 2);
	for (i = 0; i < 4; i++)
		world_put(w, NEW_TSS + 0x22 + i * 2, i == EMUL_CS ? SEL_CODE : SEL_SPOILT, 2);
	world_put(w, GDT + SEL_SPOILT, 0x000092000000ffffULL, 8);
	w->cr[3] = 0x4000;
	sw.has_error = true;
	sw.error_code = 0x1234;
	KUNIT_ASSERT_EQ(test, emul_task_switch(&w->c, &sw), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, world_get(w, OLD_TSS + 0x0e, 2), WORLD_CODE + 7);
	KUNIT_EXPECT_EQ(test, world_get(w, OLD_TSS + 0x12 + 14, 2), 0x1117);
	KUNIT_EXPECT_EQ(test, world_get(w, OLD_TSS + 0x22 + 6, 2), 8 + 8 * EMUL_DS);
	KUNIT_EXPECT_EQ(test, w->seg[EMUL_TR].type, BUSY_16);
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RAX], 0xffff3330);
	KUNIT_EXPECT_EQ(test, w->rip, 0x2000);
	KUNIT_EXPECT_EQ(test, w->cr[3], 0x4000);
	KUNIT_EXPECT_TRUE(test, w->seg[EMUL_FS].unusable);
	KUNIT_EXPECT_EQ(test, w->seg[EMUL_FS].selector, 0);
	/* Two bytes of error code, on a stack of 64 KiB. */
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RSP], 0xffff3332);
	KUNIT_EXPECT_EQ(test, world_get(w, 0x3332, 4), 0x1234);
}

static void task_gets_error_code(struct kunit *test)
{
	struct emul_world *w = new_world(test);
	struct emul_task_switch sw = ask(EMUL_TASK_GATE);

	sw.external = true;
	sw.has_error = true;
	sw.error_code = 0x55;
	w->rflags |= X86_EFLAGS_RF;
	KUNIT_ASSERT_EQ(test, emul_task_switch(&w->c, &sw), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RSP], 0x4ffc);
	KUNIT_EXPECT_EQ(test, world_get(w, 0x4ffc, 4), 0x55);
	/* The instruction that faulted is to run again without its breakpoint. */
	KUNIT_EXPECT_TRUE(test, world_get(w, OLD_TSS + T_FLAGS, 4) & X86_EFLAGS_RF);
	KUNIT_EXPECT_TRUE(test, w->rflags & X86_EFLAGS_NT);
}

static void task_of_vm86(struct kunit *test)
{
	struct emul_world *w = new_world(test);
	struct emul_task_switch sw = ask(EMUL_TASK_JMP);
	unsigned int i;

	world_put(w, NEW_TSS + T_FLAGS, X86_EFLAGS_FIXED | X86_EFLAGS_VM, 4);
	for (i = T_ES; i <= T_GS; i += 4)
		world_put(w, NEW_TSS + i, 0x120, 2);
	KUNIT_ASSERT_EQ(test, emul_task_switch(&w->c, &sw), EMUL_DONE);
	for (i = EMUL_ES; i <= EMUL_GS; i++) {
		KUNIT_EXPECT_EQ(test, w->seg[i].base, 0x1200);
		KUNIT_EXPECT_EQ(test, w->seg[i].limit, 0xffff);
		KUNIT_EXPECT_EQ(test, w->seg[i].dpl, 3);
		KUNIT_EXPECT_EQ(test, w->seg[i].type, 3);
		KUNIT_EXPECT_FALSE(test, w->seg[i].unusable);
	}
	KUNIT_EXPECT_TRUE(test, w->rflags & X86_EFLAGS_VM);
}

static void task_in_ring_3(struct kunit *test)
{
	struct emul_world *w = new_world(test);
	struct emul_task_switch sw = ask(EMUL_TASK_JMP);
	unsigned int i;

	for (i = T_ES; i <= T_GS; i += 4)
		world_put(w, NEW_TSS + i, i == T_CS ? SEL_CODE3 : SEL_DATA3, 4);
	world_put(w, NEW_TSS + T_FS, 0, 4);
	world_put(w, NEW_TSS + T_TRAP, 1, 2);
	KUNIT_ASSERT_EQ(test, emul_task_switch(&w->c, &sw), EMUL_DONE);
	KUNIT_EXPECT_TRUE(test, sw.trap);
	KUNIT_EXPECT_EQ(test, w->seg[EMUL_SS].dpl, 3);
	KUNIT_EXPECT_TRUE(test, w->seg[EMUL_FS].unusable);
}

/* Found before anything was stored: the old task's, and nothing has changed. */
struct early {
	const char *name;
	enum emul_task_source source;
	u16 selector;
	u64 desc;		/* of SEL_NEW, if not 0 */
	u32 old_limit;		/* if not 0 */
	u16 gone;		/* page that is not mapped, if not 0 */
	u8 vector;
	u16 error;
};

static const struct early early[] = {
	{ "busy", EMUL_TASK_JMP, SEL_NEW, TSS_DESC(BUSY_32, NEW_TSS), 0, 0, 13, SEL_NEW },
	{ "not busy", EMUL_TASK_IRET, SEL_NEW, 0, 0, 0, 10, SEL_NEW },
	{ "no TSS", EMUL_TASK_CALL, SEL_NEW, LDT_DESC(LDT), 0, 0, 13, SEL_NEW },
	{ "code", EMUL_TASK_CALL, SEL_NEW, CODE_DESC, 0, 0, 13, SEL_NEW },
	{ "absent", EMUL_TASK_CALL, SEL_NEW, TSS_DESC(FREE_32, NEW_TSS) & ~PRESENT, 0, 0, 11,
	  SEL_NEW },
	{ "short", EMUL_TASK_CALL, SEL_NEW, TSS_DESC(FREE_32, NEW_TSS) - 1, 0, 0, 10, SEL_NEW },
	{ "old one short", EMUL_TASK_CALL, SEL_NEW, 0, 0x66, 0, 10, SEL_NEW },
	{ "local", EMUL_TASK_JMP, SEL_NEW | 4, 0, 0, 0, 13, SEL_NEW | 4 },
	{ "beyond", EMUL_TASK_JMP, SEL_BEYOND, 0, 0, 0, 13, SEL_BEYOND },
	{ "beyond, back", EMUL_TASK_IRET, SEL_BEYOND, 0, 0, 0, 10, SEL_BEYOND },
	{ "null", EMUL_TASK_IRET, 0, 0, 0, 0, 10, 0 },
	{ "no page", EMUL_TASK_CALL, SEL_NEW, 0, 0, NEW_TSS >> 12, 14, 2 },
	{ "no old page", EMUL_TASK_CALL, SEL_NEW, 0, 0, OLD_TSS >> 12, 14, 2 },
};

static void early_desc(const struct early *e, char *desc)
{
	strscpy(desc, e->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(early, early, early_desc);

static void task_not_entered(struct kunit *test)
{
	const struct early *e = test->param_value;
	struct emul_world *w = new_world(test);
	struct emul_task_switch sw = ask(e->source);
	u8 *before = kunit_kmalloc(test, WORLD_RAM, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, before);
	sw.selector = e->selector;
	if (e->desc)
		world_put(w, GDT + SEL_NEW, e->desc, 8);
	if (e->old_limit)
		w->seg[EMUL_TR].limit = e->old_limit;
	if (e->gone)
		w->page[e->gone] = 0;
	memcpy(before, w->ram, WORLD_RAM);
	KUNIT_ASSERT_EQ(test, emul_task_switch(&w->c, &sw), EMUL_EXCEPTION);
	KUNIT_EXPECT_FALSE(test, sw.switched);
	KUNIT_EXPECT_EQ(test, w->c.exception.vector, e->vector);
	KUNIT_EXPECT_EQ(test, w->c.exception.error_code, e->error);
	KUNIT_EXPECT_EQ(test, memcmp(before, w->ram, WORLD_RAM), 0);
	KUNIT_EXPECT_EQ(test, w->rip, WORLD_CODE);
	KUNIT_EXPECT_EQ(test, w->seg[EMUL_TR].selector, SEL_OLD);
	KUNIT_EXPECT_FALSE(test, w->cr[0] & X86_CR0_TS);
}

/* Found when the old task had been left. */
struct late {
	const char *name;
	u8 where;		/* field of the new TSS */
	u16 val;
	u64 desc;		/* of SEL_SPOILT */
	u8 vector;
	u16 error;
};

static const struct late late[] = {
	{ "no code", T_CS, 0, 0, 10, 0 },
	{ "data as code", T_CS, SEL_DATA, 0, 10, SEL_DATA },
	{ "code beyond", T_CS, SEL_BEYOND, 0, 10, SEL_BEYOND },
	{ "code of ring 3", T_CS, SEL_CODE3 & ~3, 0, 10, SEL_CODE3 & ~3 },
	{ "absent code", T_CS, SEL_SPOILT, CODE_DESC & ~PRESENT, 11, SEL_SPOILT },
	{ "conforming code of ring 3", T_CS, SEL_SPOILT, CODE_DESC | DPL3 | BIT_ULL(42), 10,
	  SEL_SPOILT },
	{ "no stack", T_SS, 0, 0, 10, 0 },
	{ "stack of code", T_SS, SEL_CODE, 0, 10, SEL_CODE },
	{ "stack of ring 3", T_SS, SEL_DATA3, 0, 10, SEL_DATA3 & ~3 },
	{ "read-only stack", T_SS, SEL_SPOILT, DATA_DESC & ~BIT_ULL(41), 10, SEL_SPOILT },
	{ "absent stack", T_SS, SEL_SPOILT, DATA_DESC & ~PRESENT, 12, SEL_SPOILT },
	{ "execute-only data", T_DS, SEL_SPOILT, CODE_DESC & ~BIT_ULL(41), 10, SEL_SPOILT },
	{ "absent data", T_GS, SEL_SPOILT, DATA_DESC & ~PRESENT, 11, SEL_SPOILT },
	{ "data with RPL 3", T_ES, SEL_DATA | 3, 0, 10, SEL_DATA },
	{ "system data", T_FS, SEL_LDT, 0, 10, SEL_LDT },
	{ "LDT of an LDT", T_LDT, SEL_LDT | 4, 0, 10, SEL_LDT | 4 },
	{ "LDT of data", T_LDT, SEL_DATA, 0, 10, SEL_DATA },
	{ "absent LDT", T_LDT, SEL_SPOILT, LDT_DESC(LDT) & ~PRESENT, 10, SEL_SPOILT },
	{ "IP beyond the limit", T_CS, SEL_SPOILT, 0x00409a0000001fffULL, 13, 0 },
	{ "selector without LDT", T_DS, 4, 0, 10, 4 },
};

static void late_desc(const struct late *l, char *desc)
{
	strscpy(desc, l->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(late, late, late_desc);

static void task_faults_at_once(struct kunit *test)
{
	const struct late *l = test->param_value;
	struct emul_world *w = new_world(test);
	struct emul_task_switch sw = ask(EMUL_TASK_GATE);

	sw.external = true;
	sw.has_error = true;
	if (l->desc)
		world_put(w, GDT + SEL_SPOILT, l->desc, 8);
	world_put(w, NEW_TSS + l->where, l->val, 2);
	KUNIT_ASSERT_EQ(test, emul_task_switch(&w->c, &sw), EMUL_EXCEPTION);
	KUNIT_EXPECT_TRUE(test, sw.switched);
	KUNIT_EXPECT_EQ(test, w->c.exception.vector, l->vector);
	KUNIT_EXPECT_EQ(test, w->c.exception.error_code, l->error | 1);
	KUNIT_EXPECT_EQ(test, w->rip, 0x2000);
	KUNIT_EXPECT_EQ(test, w->seg[EMUL_TR].selector, SEL_NEW);
	KUNIT_EXPECT_EQ(test, world_get(w, OLD_TSS + T_IP, 4), WORLD_CODE + 7);
	/* An entry needs code and a stack that agree on the privilege level. */
	KUNIT_EXPECT_TRUE(test, w->seg[EMUL_CS].present && w->seg[EMUL_CS].type & 8);
	KUNIT_EXPECT_EQ(test, w->seg[EMUL_CS].dpl, w->seg[EMUL_SS].dpl);
	/* The error code was not pushed. */
	KUNIT_EXPECT_EQ(test, world_get(w, 0x4ffc, 4), 0);
}

/* A TSS in a device is beyond us, and nothing has happened then. */
static void task_in_a_device(struct kunit *test)
{
	struct emul_world *w = new_world(test);
	struct emul_task_switch sw = ask(EMUL_TASK_JMP);

	world_put(w, GDT + SEL_NEW, TSS_DESC(FREE_32, WORLD_MMIO), 8);
	KUNIT_EXPECT_EQ(test, emul_task_switch(&w->c, &sw), EMUL_FAILED);
	KUNIT_EXPECT_FALSE(test, sw.switched);
	KUNIT_EXPECT_EQ(test, w->rip, WORLD_CODE);
	KUNIT_EXPECT_EQ(test, world_get(w, OLD_TSS + T_IP, 4), 0);
}

static struct kunit_case emul_task_cases[] = {
	KUNIT_CASE(task_jmp),
	KUNIT_CASE(task_call_and_back),
	KUNIT_CASE(task_of_16_bits),
	KUNIT_CASE(task_gets_error_code),
	KUNIT_CASE(task_of_vm86),
	KUNIT_CASE(task_in_ring_3),
	KUNIT_CASE_PARAM(task_not_entered, early_gen_params),
	KUNIT_CASE_PARAM(task_faults_at_once, late_gen_params),
	KUNIT_CASE(task_in_a_device),
	{}
};

static struct kunit_suite emul_task_suite = {
	.name = "emul_task",
	.test_cases = emul_task_cases,
};

kunit_test_suites(&emul_task_suite);
