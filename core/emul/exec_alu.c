// SPDX-License-Identifier: GPL-2.0-only
/*
 * Integer arithmetic, shifts, bit operations and the compare-and-exchange
 * family. The arithmetic itself is in flags.c.
 */
#include "core/emul/internal.h"

static enum emul_result exec_mul(struct emul_ctxt *c)
{
	unsigned int bytes = c->src.bytes;
	u64 lo, hi;

	emul_mul(c->op == OP_IMUL1, emul_gpr(c, EMUL_RAX), c->src.val, bytes, &lo, &hi,
		 &c->new_rflags);
	if (bytes == 1) {
		emul_set_gpr(c, EMUL_RAX, lo | (hi << 8), 2);
	} else {
		emul_set_gpr(c, EMUL_RAX, lo, bytes);
		emul_set_gpr(c, EMUL_RDX, hi, bytes);
	}
	return EMUL_CONTINUE;
}

static enum emul_result exec_imul2(struct emul_ctxt *c)
{
	u64 b = c->src2.kind == OPND_IMM ? c->src2.val : c->dst.val, hi;

	emul_mul(true, c->src.val, b, c->dst.bytes, &c->dst.val, &hi, &c->new_rflags);
	return EMUL_CONTINUE;
}

static enum emul_result exec_div(struct emul_ctxt *c)
{
	unsigned int bytes = c->src.bytes;
	u64 lo = emul_gpr(c, EMUL_RAX), hi, quot, rem;

	hi = bytes == 1 ? lo >> 8 : emul_gpr(c, EMUL_RDX);
	if (!emul_div(c->op == OP_IDIV, lo, hi, c->src.val, bytes, &quot, &rem))
		return emul_raise(c, EXC_DE);
	if (bytes == 1) {
		emul_set_gpr(c, EMUL_RAX, quot | (rem << 8), 2);
	} else {
		emul_set_gpr(c, EMUL_RAX, quot, bytes);
		emul_set_gpr(c, EMUL_RDX, rem, bytes);
	}
	return EMUL_CONTINUE;
}

/*
 * Bit test and its variants. emul_decode() has moved the memory operand to the
 * word that holds the bit; here only the offset within it counts.
 */
static enum emul_result exec_bit(struct emul_ctxt *c)
{
	unsigned int bits = c->dst.bytes * 8;
	bool write = c->op != OP_BT;
	enum emul_result res;
	u64 mask;

	res = emul_load_operand(c, &c->src, false);
	if (res != EMUL_CONTINUE)
		return res;
	res = emul_load_operand(c, &c->dst, write);
	if (res != EMUL_CONTINUE)
		return res;
	mask = 1ull << (c->src.val & (bits - 1));
	c->new_rflags &= ~(u64)X86_EFLAGS_CF;
	if (c->dst.val & mask)
		c->new_rflags |= X86_EFLAGS_CF;
	if (!write)
		return EMUL_CONTINUE;
	if (c->op == OP_BTS)
		c->dst.val |= mask;
	else if (c->op == OP_BTR)
		c->dst.val &= ~mask;
	else
		c->dst.val ^= mask;
	return emul_store_operand(c, &c->dst);
}

/* BSF and BSR, which an F3 prefix turns into TZCNT and LZCNT where those exist. */
static enum emul_result exec_scan(struct emul_ctxt *c)
{
	bool reverse = c->op == OP_BSR;
	enum emul_feature feature = reverse ? EMUL_FEAT_LZCNT : EMUL_FEAT_BMI1;

	if (c->rep == 0xf3 && emul_env_has_feature(c, feature)) {
		c->dst.val = emul_count_zeros(reverse, c->src.val, c->src.bytes, &c->new_rflags);
		return EMUL_CONTINUE;
	}
	if (!c->src.val) {
		/* The register keeps all its bits, the upper half included. */
		c->new_rflags |= X86_EFLAGS_ZF;
		c->dst.bytes = 8;
		return emul_load_operand(c, &c->dst, false);
	}
	c->dst.val = emul_bit_scan(reverse, c->src.val, &c->new_rflags);
	return EMUL_CONTINUE;
}

/*
 * The destination is written even when the comparison fails, with what it held:
 * that is what makes a read-only page fault and a device see a write. The
 * accumulator changes only then.
 */
static enum emul_result exec_cmpxchg(struct emul_ctxt *c)
{
	unsigned int bytes = c->dst.bytes;
	u64 acc = emul_gpr(c, EMUL_RAX) & emul_mask(bytes), old = c->dst.val;

	emul_alu(OP_CMP, acc, old, bytes, &c->new_rflags);
	if (acc == old) {
		c->dst.val = c->src.val;
		return EMUL_CONTINUE;
	}
	emul_set_gpr(c, EMUL_RAX, old, bytes);
	/* A register destination keeps its upper half in this case. */
	if (c->dst.kind == OPND_REG)
		c->dst.kind = OPND_NONE;
	return EMUL_CONTINUE;
}

static enum emul_result exec_cmpxchg8b(struct emul_ctxt *c)
{
	unsigned int half = c->rex & 8 ? 8 : 4;
	u64 old[2] = { 0 }, new[2] = { 0 };
	u8 buf[16] = { 0 }, out[16] = { 0 };
	struct emul_phys phys;
	enum emul_result res;

	if (half == 8) {
		if (!emul_env_has_feature(c, EMUL_FEAT_CX16))
			return emul_raise(c, EXC_UD);
		if (emul_plain_linear(c) & 15)
			return emul_raise_err(c, EXC_GP, 0);
	}
	res = emul_map(c, c->mem.seg, c->mem.ea, half * 2, EMUL_ACC_WRITE, &phys);
	if (res == EMUL_CONTINUE)
		res = emul_phys_read(c, &phys, buf);
	if (res != EMUL_CONTINUE)
		return res;
	memcpy(&old[0], buf, half);
	memcpy(&old[1], buf + half, half);
	memcpy(out, buf, sizeof(out));
	if (old[0] == (emul_gpr(c, EMUL_RAX) & emul_mask(half)) &&
	    old[1] == (emul_gpr(c, EMUL_RDX) & emul_mask(half))) {
		new[0] = emul_gpr(c, EMUL_RBX);
		new[1] = emul_gpr(c, EMUL_RCX);
		memcpy(out, &new[0], half);
		memcpy(out + half, &new[1], half);
		c->new_rflags |= X86_EFLAGS_ZF;
	} else {
		emul_set_gpr(c, EMUL_RAX, old[0], half);
		emul_set_gpr(c, EMUL_RDX, old[1], half);
		c->new_rflags &= ~(u64)X86_EFLAGS_ZF;
	}
	if (c->lock)
		return emul_phys_cmpxchg(c, &phys, buf, out);
	return emul_phys_write(c, &phys, out);
}

static enum emul_result exec_xadd(struct emul_ctxt *c)
{
	u64 old = c->dst.val;

	c->dst.val = emul_alu(OP_ADD, old, c->src.val, c->dst.bytes, &c->new_rflags);
	/* With both operands the same register the sum wins, as it is stored last. */
	c->src.val = old;
	return emul_store_operand(c, &c->src);
}

static enum emul_result exec_aam_aad(struct emul_ctxt *c)
{
	u64 ax = emul_gpr(c, EMUL_RAX);
	u8 al = ax, ah = ax >> 8, base = c->src.val;

	if (c->op == OP_AAM) {
		if (!base)
			return emul_raise(c, EXC_DE);
		ah = al / base;
		al = al % base;
	} else {
		al += ah * base;
		ah = 0;
	}
	/* SF, ZF and PF follow AL; the others are undefined and become 0. */
	emul_alu(OP_TEST, al, al, 1, &c->new_rflags);
	emul_set_gpr(c, EMUL_RAX, al | (u64)ah << 8, 2);
	return EMUL_CONTINUE;
}

static enum emul_result exec_bcd(struct emul_ctxt *c)
{
	u64 ax = emul_gpr(c, EMUL_RAX);

	emul_bcd(c->op, &ax, &c->new_rflags);
	emul_set_gpr(c, EMUL_RAX, ax, 2);
	return EMUL_CONTINUE;
}

/**
 * emul_exec_alu - execute an arithmetic, shift or bit instruction
 * @c: the emulation context, operands loaded
 *
 * Return: EMUL_CONTINUE with c->dst.val to be stored, EMUL_FAULT for #DE and
 * whatever memory accesses of its own returned.
 */
enum emul_result emul_exec_alu(struct emul_ctxt *c)
{
	u64 *fl = &c->new_rflags;

	switch (c->op) {
	case OP_ADD ... OP_CMP:
	case OP_TEST:
	case OP_INC:
	case OP_DEC:
	case OP_NEG:
		c->dst.val = emul_alu(c->op, c->dst.val, c->src.val, c->dst.bytes, fl);
		break;
	case OP_ROL ... OP_SAR:
		c->dst.val = emul_shift(c->op, c->dst.val, c->src.val, c->dst.bytes, fl);
		break;
	case OP_NOT:
		c->dst.val = ~c->dst.val;
		break;
	case OP_MUL:
	case OP_IMUL1:
		return exec_mul(c);
	case OP_IMUL2:
		return exec_imul2(c);
	case OP_DIV:
	case OP_IDIV:
		return exec_div(c);
	case OP_SHLD:
	case OP_SHRD:
		c->dst.val = emul_shift_double(c->op == OP_SHLD, c->dst.val, c->src.val,
					       c->src2.val, c->dst.bytes, fl);
		break;
	case OP_BT ... OP_BTC:
		return exec_bit(c);
	case OP_BSF:
	case OP_BSR:
		return exec_scan(c);
	case OP_POPCNT:
		if (!emul_env_has_feature(c, EMUL_FEAT_POPCNT))
			return emul_raise(c, EXC_UD);
		c->dst.val = emul_popcnt(c->src.val, fl);
		break;
	case OP_XADD:
		return exec_xadd(c);
	case OP_CMPXCHG:
		return exec_cmpxchg(c);
	case OP_CMPXCHG8B:
		return exec_cmpxchg8b(c);
	case OP_AAM:
	case OP_AAD:
		return exec_aam_aad(c);
	default:	/* OP_DAA ... OP_AAS */
		return exec_bcd(c);
	}
	return EMUL_CONTINUE;
}
