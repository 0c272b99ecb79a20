// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs a table entry of emul_case.h. What the entries are is the suites'.
 */
#include "tests/kunit/emul_case.h"

static void world_prepare(struct emul_world *w, const struct exec_case *t)
{
	unsigned int i;

	world_init(w, t->mode);
	if (t->cpl)
		w->cpl = t->cpl;
	w->rflags |= t->fl_in;
	w->cr[0] |= t->cr0;
	w->cr[4] |= t->cr4;
	if (t->page)
		w->page[t->page] = t->page_flags;
	if (t->no_feature)
		w->missing[t->no_feature - 1] = true;
	w->missing[EMUL_FEAT_AMD_CPU] |= t->intel;
	for (i = 0; i < ARRAY_SIZE(t->in) && t->in[i].set; i++)
		w->gpr[t->in[i].reg] = t->in[i].val;
	for (i = 0; i < ARRAY_SIZE(t->min) && t->min[i].bytes; i++)
		world_put(w, t->min[i].addr, t->min[i].val, t->min[i].bytes);
	for (i = 0; i < 32; i++)
		w->vec[1][i] = 0x10 + i;
	memcpy(w->ram + WORLD_CODE, t->code, t->len);
}

static void check_flags(struct kunit *test, const struct exec_case *t, struct emul_world *want,
			struct emul_world *w)
{
	/* Flags a case does not speak of are undefined only if it names others. */
	u64 care = t->fl_mask ? ~(u64)ARITH | t->fl_mask : ~0ull;
	u64 expect = (want->rflags & ~t->fl_mask) | t->fl_out;

	KUNIT_EXPECT_EQ_MSG(test, w->rflags & care, expect & care, "%s: flags", t->name);
}

static void check_world(struct kunit *test, const struct exec_case *t, struct emul_world *want,
			struct emul_world *w)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(t->out) && t->out[i].set; i++)
		want->gpr[t->out[i].reg] = t->out[i].val;
	for (i = 0; i < ARRAY_SIZE(t->mout) && t->mout[i].bytes; i++)
		world_put(want, t->mout[i].addr, t->mout[i].val, t->mout[i].bytes);
	for (i = 0; i < 16; i++)
		KUNIT_EXPECT_EQ_MSG(test, w->gpr[i], want->gpr[i], "%s: register %u", t->name, i);
	for (i = 0; i < WORLD_RAM; i++) {
		if (w->ram[i] != want->ram[i])
			break;
	}
	KUNIT_EXPECT_EQ_MSG(test, i, WORLD_RAM, "%s: memory differs", t->name);
}

void emul_case_run(struct kunit *test, const struct exec_case *t)
{
	struct emul_world *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);
	struct emul_world *want = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);
	enum emul_status status;
	u64 rip = WORLD_CODE;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, w);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, want);
	world_prepare(w, t);
	world_prepare(want, t);
	status = emul_run(&w->c, 0, NULL, 0);
	KUNIT_EXPECT_EQ_MSG(test, status, t->status, "%s: status", t->name);
	if (t->status == EMUL_EXCEPTION) {
		KUNIT_EXPECT_EQ_MSG(test, w->c.exception.vector, t->vector, "%s", t->name);
		KUNIT_EXPECT_EQ_MSG(test, w->c.exception.error_code, t->error, "%s", t->name);
		KUNIT_EXPECT_EQ_MSG(test, w->c.exception.cr2, t->cr2, "%s", t->name);
	} else if (t->status != EMUL_FAILED) {
		rip = t->rip ? t->rip : WORLD_CODE + t->len;
	}
	KUNIT_EXPECT_EQ_MSG(test, w->rip, rip, "%s: rip", t->name);
	check_flags(test, t, want, w);
	check_world(test, t, want, w);
}

void emul_case_desc(const struct exec_case *t, char *desc)
{
	strscpy(desc, t->name, KUNIT_PARAM_DESC_SIZE);
}
