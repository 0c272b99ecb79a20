// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes test cases out of a seed and a number: mostly instructions that are
 * valid and whose operands lie near the edges of pages, some bytes at random.
 * It decides what is tried, not what is right.
 */
#include <asm/processor-flags.h>
#include <linux/kernel.h>
#include <string.h>

#include "diff.h"

static u64 state;

static u64 rnd(void)
{
	u64 z = (state += 0x9e3779b97f4a7c15ull);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static unsigned int below(unsigned int n)
{
	return (rnd() >> 11) % n;
}

static bool chance(unsigned int percent)
{
	return below(100) < percent;
}

static u64 pointer(void)
{
	u64 page = DATA + below(DATA_PAGES) * PAGE;

	switch (below(4)) {
	case 0:
		return page + below(PAGE);
	case 1:
		return page + (below(PAGE) & ~63u);
	case 2:
		return page + PAGE - below(40);
	default:
		return page + below(40);
	}
}

static u64 edge(void)
{
	static const u64 edges[] = {
		0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff,
		0x80000000, 0xffffffff, 0x100000000, 0x7fffffffffff, 0x800000000000,
		0x7fffffffffffffff, 0x8000000000000000, 0xffffffff80000000, 0xffff800000000000,
	};
	u64 val = edges[below(ARRAY_SIZE(edges))];

	return chance(30) ? -val : val;
}

static u64 value(void)
{
	unsigned int what = below(100);

	if (what < 50)
		return pointer();
	if (what < 62)
		return (s64)below(72) - 8;
	if (what < 80)
		return edge();
	if (what < 85)	/* a selector */
		return chance(50) ? below(0x88) : 0x23 + 8 * below(3);
	return rnd();
}

struct bytes {
	u8 *at, *end;
};

static void put(struct bytes *b, u64 val, unsigned int n)
{
	while (n-- && b->at < b->end) {
		*b->at++ = val;
		val >>= 8;
	}
}

static void put_prefixes(struct bytes *b, bool is64)
{
	static const u8 prefixes[] = {
		0x66, 0x66, 0x66, 0x67, 0x67, 0xf2, 0xf3, 0xf3, 0xf0, 0xf0,
		0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65,
	};

	while (chance(35))
		put(b, prefixes[below(sizeof(prefixes))], 1);
	if (is64 && chance(45))
		put(b, 0x40 | below(16), 1);
}

/* ModRM with its SIB and displacement, whatever the address size will make of them. */
static void put_modrm(struct bytes *b, bool is64, u64 rip)
{
	u8 modrm = rnd(), mod, rm, sib = rnd();
	bool abs;

	if (chance(30))
		modrm = (modrm & 0x3f) | 0xc0;
	mod = modrm >> 6;
	rm = modrm & 7;
	put(b, modrm, 1);
	if (mod == 3)
		return;
	if (rm == 4) {
		/* Mostly no index: two pointers added lead nowhere. */
		if (chance(60))
			sib = (sib & 0xc7) | 0x20;
		put(b, sib, 1);
	}
	abs = mod == 0 && (rm == 5 || (rm == 4 && (sib & 7) == 5));
	if (mod == 1)
		put(b, chance(70) ? (u8)(below(32) - 16) : rnd(), 1);
	else if (mod == 2)
		put(b, chance(80) ? (u64)below(64) - 32 : rnd(), 4);
	else if (abs && is64 && rm == 5)
		put(b, pointer() - rip - 8, 4);
	else if (abs)
		put(b, pointer(), 4);
}

static void put_tail(struct bytes *b)
{
	switch (below(4)) {
	case 0:
		put(b, pointer(), 8);
		break;
	case 1:
		put(b, below(80), 1);
		put(b, rnd(), 8);
		break;
	case 2:
		put(b, edge(), 8);
		break;
	default:
		put(b, rnd(), 8);
		break;
	}
}

/* Opcodes of the 0F map that the emulator knows; the rest come at random too. */
static u8 opcode_0f(void)
{
	static const u8 known[] = {
		0x10, 0x11, 0x12, 0x13, 0x16, 0x17, 0x1f, 0x28, 0x29, 0x2b, 0x6e, 0x6f, 0x7e, 0x7f,
		0xa0, 0xa1, 0xa3, 0xa4, 0xa5, 0xa8, 0xa9, 0xab, 0xac, 0xad, 0xae, 0xaf, 0xb0, 0xb1,
		0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xbb, 0xbc, 0xbd, 0xbe, 0xbf,
		0xc0, 0xc1, 0xc3, 0xc7, 0xd6, 0xe7, 0xf0, 0xff, 0x0b, 0x0d, 0x00, 0x01,
	};

	switch (below(6)) {
	case 0:
		return rnd();
	case 1:
		return 0x40 + below(16);
	case 2:
		return 0x80 + below(32);
	default:
		return known[below(sizeof(known))];
	}
}

static void put_vex(struct bytes *b)
{
	static const u8 opcodes[] = {
		0x10, 0x11, 0x12, 0x13, 0x16, 0x17, 0x28, 0x29, 0x2b, 0x6e, 0x6f, 0x7e, 0x7f, 0xd6,
		0xe7, 0xf0,
	};
	u8 vvvv = chance(60) ? 0x78 : (rnd() & 0x78), lpp = rnd() & 7;
	bool two = chance(40), map2 = !two && chance(10);

	put(b, two ? 0xc5 : 0xc4, 1);
	if (two) {
		put(b, (rnd() & 0x80) | vvvv | lpp, 1);
	} else {
		put(b, (rnd() & 0xe0) | (chance(5) ? below(32) : map2 ? 2 : 1), 1);
		put(b, (rnd() & 0x80) | vvvv | lpp, 1);
	}
	put(b, map2 ? 0x2a : chance(90) ? opcodes[below(sizeof(opcodes))] : rnd(), 1);
}

static void make_insn(struct test_case *t)
{
	struct bytes b = { t->insn, t->insn + 15 };
	unsigned int what = below(100), i;

	if (what < 8) {
		for (i = 0; i < 15; i++)
			t->insn[i] = rnd();
		return;
	}
	if (what < 16) {
		if (chance(10))
			put_prefixes(&b, t->is64);
		put_vex(&b);
	} else {
		put_prefixes(&b, t->is64);
		if (what < 55) {
			put(&b, rnd(), 1);
		} else {
			put(&b, 0x0f, 1);
			if (what > 96) {
				put(&b, 0x38, 1);
				put(&b, chance(80) ? 0xf0 + below(2) : 0x2a, 1);
			} else {
				put(&b, opcode_0f(), 1);
			}
		}
	}
	if (chance(97))
		put_modrm(&b, t->is64, t->rip);
	put_tail(&b);
	while (b.at < b.end)
		*b.at++ = rnd();
}

static u64 place_insn(void)
{
	static const u64 areas[] = { CODE_PLAIN, CODE_PLAIN, CODE_NX, CODE_END };
	unsigned int area = below(4);

	if (chance(20))
		return areas[area] + PAGE - 1 - below(15);
	return areas[area] + 64 + below(64);
}

/**
 * gen_case - make one case
 * @t: receives it
 * @seed: of the run
 * @number: of the case; nothing but these two decides
 * @modes: 64, 32, or 0 for either
 */
void gen_case(struct test_case *t, u64 seed, u64 number, unsigned int modes)
{
	unsigned int i;

	state = seed * 0xd1342543de82ef95ull + number;
	rnd();
	t->is64 = modes ? modes == 64 : chance(60);
	t->rip = place_insn();
	t->len = 15;
	make_insn(t);
	for (i = 0; i < 16; i++) {
		t->gpr[i] = value();
		if (!t->is64)
			t->gpr[i] = i < 8 ? (u32)t->gpr[i] : 0;
	}
	if (chance(90))
		t->gpr[4] = pointer() & (chance(80) ? ~7ull : ~0ull);
	if (chance(30))
		t->gpr[1] = below(4);
	t->flags = X86_EFLAGS_FIXED | X86_EFLAGS_IF | X86_EFLAGS_TF;
	t->flags |= rnd() & (X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF |
			     X86_EFLAGS_SF | X86_EFLAGS_OF | X86_EFLAGS_DF);
	if (chance(6))
		t->flags |= X86_EFLAGS_AC;
	for (i = 0; i < 16 * 32; i += 8) {
		u64 v = rnd();

		memcpy((u8 *)t->vec + i, &v, 8);
	}
}
