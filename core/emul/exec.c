// SPDX-License-Identifier: GPL-2.0-only
/*
 * What comes before and after every operation: is the instruction legal here,
 * fetch its operands, dispatch to the group that executes it, store the result.
 */
#include "core/emul/internal.h"

/**
 * emul_raise - raise an exception without error code
 * @c: the emulation context
 * @vector: the exception
 *
 * Return: EMUL_FAULT, to be passed on.
 */
enum emul_result emul_raise(struct emul_ctxt *c, u8 vector)
{
	c->exception = (struct emul_exception){ .vector = vector };
	return EMUL_FAULT;
}

/**
 * emul_raise_err - raise an exception that has an error code
 * @c: the emulation context
 * @vector: the exception
 * @error: the error code; real mode pushes none
 *
 * Return: EMUL_FAULT, to be passed on.
 */
enum emul_result emul_raise_err(struct emul_ctxt *c, u8 vector, u32 error)
{
	c->exception = (struct emul_exception){
		.vector = vector,
		.has_error = c->mode != EMUL_MODE_REAL,
		.error_code = c->mode != EMUL_MODE_REAL ? error : 0,
	};
	return EMUL_FAULT;
}

/* LOCK needs a memory destination; AMD also has LOCK MOV CR0 for CR8. */
static bool lock_legal(struct emul_ctxt *c)
{
	if (!c->lock)
		return true;
	if (c->op == OP_MOV_TO_CR || c->op == OP_MOV_FROM_CR)
		return emul_env_has_feature(c, EMUL_FEAT_AMD_CPU) && !(c->modrm_reg & 7);
	return (c->flags & F_LOCK) && c->mem.valid;
}

/* A register that does not exist is #UD at any privilege level. */
static bool control_register_legal(struct emul_ctxt *c)
{
	unsigned int nr = c->modrm_reg;

	switch (c->op) {
	case OP_MOV_TO_CR:
	case OP_MOV_FROM_CR:
		if (c->lock)
			return nr == 0;
		return nr == 0 || (nr >= 2 && nr <= 4) || nr == 8;
	case OP_MOV_TO_DR:
	case OP_MOV_FROM_DR:
		/* DR4 and DR5 are other names of DR6 and DR7 unless CR4.DE is set. */
		return nr < 8 && !((nr == 4 || nr == 5) && (c->cr4 & X86_CR4_DE));
	default:
		return true;
	}
}

/* Likewise a segment register: there are six, and CS is loaded by far branches only. */
static bool segment_register_legal(const struct emul_ctxt *c)
{
	unsigned int nr = c->modrm_reg & 7;

	if (c->op != OP_MOV_TO_SREG && c->op != OP_MOV_FROM_SREG)
		return true;
	return nr <= EMUL_GS && (c->op == OP_MOV_FROM_SREG || nr != EMUL_CS);
}

static bool encoding_legal(struct emul_ctxt *c)
{
	u32 fl = c->flags;

	if (!lock_legal(c) || !control_register_legal(c) || !segment_register_legal(c))
		return false;
	if ((fl & F_PROT) && emul_is_8086(c))
		return false;
	if ((fl & F_MEM) && !c->mem.valid)
		return false;
	if ((c->dst.kind == OPND_ADDR || c->src.kind == OPND_ADDR) && !c->mem.valid)
		return false;
	return true;
}

static enum emul_result check_insn(struct emul_ctxt *c)
{
	if (c->op == OP_UD || !encoding_legal(c))
		return emul_raise(c, EXC_UD);
	if (c->op == OP_UNSUPP)
		return EMUL_UNHANDLEABLE;
	if ((c->flags & F_PRIV) && c->cpl)
		return emul_raise_err(c, EXC_GP, 0);
	if ((c->flags & F_UMIP) && (c->cr4 & X86_CR4_UMIP) && c->cpl)
		return emul_raise_err(c, EXC_GP, 0);
	return EMUL_CONTINUE;
}

/* Translate a memory operand once; a later store uses the same translation. */
static enum emul_result map_operand(struct emul_ctxt *c, struct emul_operand *o, bool write)
{
	enum emul_result res;

	if (o->mapped)
		return EMUL_CONTINUE;
	res = emul_map(c, c->mem.seg, c->mem.ea, o->bytes, write ? EMUL_ACC_WRITE : 0, &o->phys);
	o->mapped = res == EMUL_CONTINUE;
	return res;
}

/**
 * emul_load_operand - bring an integer operand's value into o->val
 * @c: the emulation context
 * @o: the operand
 * @write: it will be stored too, so memory must be writable before it is read
 *
 * Return: as emul_map() and emul_phys_read().
 */
enum emul_result emul_load_operand(struct emul_ctxt *c, struct emul_operand *o, bool write)
{
	enum emul_result res;
	u64 val = 0;

	switch (o->kind) {
	case OPND_REG:
		val = emul_gpr(c, o->reg);
		if (o->high8)
			val >>= 8;
		o->val = val & emul_mask(o->bytes);
		break;
	case OPND_MEM:
		if (o->bytes > sizeof(val))
			break;
		res = map_operand(c, o, write);
		if (res == EMUL_CONTINUE)
			res = emul_phys_read(c, &o->phys, &val);
		if (res != EMUL_CONTINUE)
			return res;
		o->val = val;
		o->orig = val;
		break;
	default:
		break;
	}
	return EMUL_CONTINUE;
}

/**
 * emul_store_operand - store o->val, or for memory stage it
 * @c: the emulation context
 * @o: the operand
 *
 * A locked update of RAM happens here, at once; it must come after everything
 * that can fault.
 *
 * Return: as emul_map(), emul_phys_write() and emul_phys_cmpxchg().
 */
enum emul_result emul_store_operand(struct emul_ctxt *c, struct emul_operand *o)
{
	enum emul_result res;
	u64 old;

	switch (o->kind) {
	case OPND_REG:
		if (o->high8) {
			old = emul_gpr(c, o->reg);
			emul_set_gpr(c, o->reg, (old & ~0xff00ull) | ((o->val & 0xff) << 8), 8);
		} else {
			emul_set_gpr(c, o->reg, o->val, o->bytes);
		}
		return EMUL_CONTINUE;
	case OPND_MEM:
		res = map_operand(c, o, true);
		if (res != EMUL_CONTINUE)
			return res;
		if (c->lock || c->op == OP_XCHG)
			return emul_phys_cmpxchg(c, &o->phys, &o->orig, &o->val);
		return emul_phys_write(c, &o->phys, &o->val);
	default:
		return EMUL_CONTINUE;
	}
}

static enum emul_result fetch_operands(struct emul_ctxt *c)
{
	enum emul_result res = EMUL_CONTINUE;

	if (c->flags & F_NOFETCH)
		return EMUL_CONTINUE;
	if (c->src.kind == OPND_REG || c->src.kind == OPND_MEM)
		res = emul_load_operand(c, &c->src, false);
	if (res == EMUL_CONTINUE && c->src2.kind == OPND_REG)
		res = emul_load_operand(c, &c->src2, false);
	if (res == EMUL_CONTINUE && (c->flags & F_RD))
		res = emul_load_operand(c, &c->dst, c->flags & F_WR);
	return res;
}

static enum emul_result dispatch(struct emul_ctxt *c)
{
	if (c->op <= OP_ALU_LAST)
		return emul_exec_alu(c);
	if (c->op <= OP_MOVE_LAST)
		return emul_exec_move(c);
	if (c->op <= OP_STRING_LAST)
		return emul_exec_string(c);
	if (c->op <= OP_BRANCH_LAST)
		return emul_exec_branch(c);
	if (c->op <= OP_FAR_LAST)
		return emul_exec_far(c);
	if (c->op <= OP_SYSTEM_LAST)
		return emul_exec_system(c);
	return emul_exec_sse(c);
}

/**
 * emul_exec - execute the decoded instruction once
 * @c: the emulation context
 *
 * Results stay in the context (registers, flags, next_rip, staged stores) until
 * the caller commits them. For a repeated string instruction this is one
 * iteration, or one batch of port I/O.
 *
 * Return: every enum emul_result; only EMUL_CONTINUE may be committed.
 */
enum emul_result emul_exec(struct emul_ctxt *c)
{
	enum emul_result res;

	res = check_insn(c);
	if (res != EMUL_CONTINUE)
		return res;
	c->dst.mapped = false;
	c->src.mapped = false;
	/* Vector operands do not fit the integer path; sse.c moves them itself. */
	if (c->op >= OP_SSE_FIRST)
		return dispatch(c);
	res = fetch_operands(c);
	if (res == EMUL_CONTINUE)
		res = dispatch(c);
	if (res == EMUL_CONTINUE && (c->flags & F_WR))
		res = emul_store_operand(c, &c->dst);
	return res;
}
