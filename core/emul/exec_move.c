// SPDX-License-Identifier: GPL-2.0-only
/*
 * Data movement between registers, memory and flags, without arithmetic. String
 * moves, stack moves, segment registers and vectors have files of their own.
 */
#include "core/emul/internal.h"

static u64 swap_bytes(u64 val, unsigned int bytes)
{
	u64 r = 0;

	while (bytes--) {
		r = (r << 8) | (val & 0xff);
		val >>= 8;
	}
	return r;
}

static enum emul_result exec_xchg(struct emul_ctxt *c)
{
	u64 old = c->dst.val;

	c->dst.val = c->src.val;
	c->src.val = old;
	return emul_store_operand(c, &c->src);
}

/* CBW, CWDE, CDQE widen the accumulator; CWD, CDQ, CQO fill RDX with its sign. */
static void exec_widen(struct emul_ctxt *c)
{
	u64 acc = emul_gpr(c, EMUL_RAX);
	unsigned int bytes = c->op_size;

	if (c->op == OP_CBW) {
		emul_set_gpr(c, EMUL_RAX, emul_sign_extend(acc, bytes / 2), bytes);
	} else {
		acc = (u64)((s64)emul_sign_extend(acc, bytes) >> 63);
		emul_set_gpr(c, EMUL_RDX, acc, bytes);
	}
}

static enum emul_result exec_xlat(struct emul_ctxt *c)
{
	unsigned int seg = c->seg_override == 0xff ? EMUL_DS : c->seg_override;
	u64 ea = emul_gpr(c, EMUL_RBX) + (u8)emul_gpr(c, EMUL_RAX);
	enum emul_result res;
	u8 val;

	res = emul_read(c, seg, ea & emul_mask(c->addr_size), &val, 1);
	if (res == EMUL_CONTINUE)
		emul_set_gpr(c, EMUL_RAX, val, 1);
	return res;
}

static enum emul_result exec_lahf_sahf(struct emul_ctxt *c)
{
	const u64 mask = X86_EFLAGS_SF | X86_EFLAGS_ZF | X86_EFLAGS_AF | X86_EFLAGS_PF |
			 X86_EFLAGS_CF;
	u64 ax = emul_gpr(c, EMUL_RAX);

	if (c->op == OP_LAHF) {
		ax = (ax & ~0xff00ull) | (((c->rflags & mask) | X86_EFLAGS_FIXED) << 8);
		emul_set_gpr(c, EMUL_RAX, ax, 2);
	} else {
		c->new_rflags = (c->rflags & ~mask) | ((ax >> 8) & mask);
	}
	return EMUL_CONTINUE;
}

/* BOUND compares a signed index with the two bounds in memory. Intel's CPUs take one by one. */
static enum emul_result exec_bound(struct emul_ctxt *c)
{
	unsigned int bytes = c->op_size;
	s64 index = (s64)emul_sign_extend(c->dst.val, bytes);
	enum emul_result res;
	u64 low = 0, high = 0, ea = c->mem.ea;
	bool below;

	res = emul_read(c, c->mem.seg, ea, &low, bytes);
	if (res != EMUL_CONTINUE)
		return res;
	below = index < (s64)emul_sign_extend(low, bytes);
	if (below && !emul_env_has_feature(c, EMUL_FEAT_AMD_CPU))
		return emul_raise(c, EXC_BR);
	ea = (ea + bytes) & emul_mask(c->addr_size);
	res = emul_read(c, c->mem.seg, ea, &high, bytes);
	if (res != EMUL_CONTINUE)
		return res;
	if (below || index > (s64)emul_sign_extend(high, bytes))
		return emul_raise(c, EXC_BR);
	return EMUL_CONTINUE;
}

static void exec_flag(struct emul_ctxt *c)
{
	switch (c->op) {
	case OP_CLC:
		c->new_rflags &= ~(u64)X86_EFLAGS_CF;
		break;
	case OP_STC:
		c->new_rflags |= X86_EFLAGS_CF;
		break;
	case OP_CMC:
		c->new_rflags ^= X86_EFLAGS_CF;
		break;
	case OP_CLD:
		c->new_rflags &= ~(u64)X86_EFLAGS_DF;
		break;
	default:	/* OP_STD */
		c->new_rflags |= X86_EFLAGS_DF;
		break;
	}
}

static enum emul_result exec_movbe(struct emul_ctxt *c)
{
	if (!emul_env_has_feature(c, EMUL_FEAT_MOVBE))
		return emul_raise(c, EXC_UD);
	c->dst.val = swap_bytes(c->src.val, c->dst.bytes);
	return EMUL_CONTINUE;
}

/**
 * emul_exec_move - execute a data movement or flag instruction
 * @c: the emulation context, operands loaded
 *
 * Return: EMUL_CONTINUE with c->dst.val to be stored, EMUL_FAULT for #UD, #BR
 * and whatever memory accesses of its own returned.
 */
enum emul_result emul_exec_move(struct emul_ctxt *c)
{
	switch (c->op) {
	case OP_MOV:
		c->dst.val = c->src.val;
		break;
	case OP_MOVSX:
		c->dst.val = emul_sign_extend(c->src.val, c->src.bytes);
		break;
	case OP_MOVBE:
		return exec_movbe(c);
	case OP_MOVDIRI:
		/* Made for devices: to memory it is a MOV that goes around the cache. */
		if (!emul_env_has_feature(c, EMUL_FEAT_MOVDIRI))
			return emul_raise(c, EXC_UD);
		c->dst.val = c->src.val;
		break;
	case OP_BSWAP:
		/* Of a 16-bit register: undefined, and zero in practice. */
		c->dst.val = c->dst.bytes == 2 ? 0 : swap_bytes(c->dst.val, c->dst.bytes);
		break;
	case OP_XCHG:
		return exec_xchg(c);
	case OP_LEA:
		c->dst.val = c->mem.ea;
		break;
	case OP_CBW:
	case OP_CWD:
		exec_widen(c);
		break;
	case OP_SETCC:
		c->dst.val = emul_condition(c->opcode, c->rflags);
		break;
	case OP_CMOVCC:
		/* A false condition still clears the upper half of a 32-bit register. */
		if (emul_condition(c->opcode, c->rflags))
			c->dst.val = c->src.val;
		break;
	case OP_XLAT:
		return exec_xlat(c);
	case OP_LAHF:
	case OP_SAHF:
		return exec_lahf_sahf(c);
	case OP_SALC:
		emul_set_gpr(c, EMUL_RAX, c->rflags & X86_EFLAGS_CF ? 0xff : 0, 1);
		break;
	case OP_CLC ... OP_STD:
		exec_flag(c);
		break;
	case OP_BOUND:
		return exec_bound(c);
	default:	/* OP_NOP */
		break;
	}
	return EMUL_CONTINUE;
}
