// SPDX-License-Identifier: GPL-2.0-only
/*
 * Vector moves between registers and memory, legacy SSE and VEX encodings. No
 * vector arithmetic: a device is never its operand in practice.
 */
#include "core/emul/internal.h"

static enum emul_result check_vex(struct emul_ctxt *c)
{
	bool nds = c->flags & F_VEX_NDS;

	if (emul_is_8086(c) || !(c->cr4 & X86_CR4_OSXSAVE) || (emul_env_read_xcr0(c) & 6) != 6 ||
	    !emul_env_has_feature(c, EMUL_FEAT_AVX))
		return emul_raise(c, EXC_UD);
	if (c->vex_l && (c->flags & F_VEX128))
		return emul_raise(c, EXC_UD);
	if (c->vex_l && (c->flags & F_MOVNT) && !emul_env_has_feature(c, EMUL_FEAT_AVX2))
		return emul_raise(c, EXC_UD);
	/* Scalar moves have a third operand only between registers. */
	if ((c->op == OP_VSCALAR_LD || c->op == OP_VSCALAR_ST) && c->mem.valid)
		nds = false;
	if (!nds && c->vex_vvvv)
		return emul_raise(c, EXC_UD);
	return EMUL_CONTINUE;
}

static enum emul_result check_sse(struct emul_ctxt *c)
{
	enum emul_result res;

	if (c->vex) {
		res = check_vex(c);
		if (res != EMUL_CONTINUE)
			return res;
	} else if ((c->cr0 & X86_CR0_EM) || !(c->cr4 & X86_CR4_OSFXSR) ||
		   !emul_env_has_feature(c, EMUL_FEAT_SSE2)) {
		return emul_raise(c, EXC_UD);
	}
	if (!c->vex && (((c->flags & F_SSE3) && !emul_env_has_feature(c, EMUL_FEAT_SSE3)) ||
			((c->flags & F_SSE41) && !emul_env_has_feature(c, EMUL_FEAT_SSE41))))
		return emul_raise(c, EXC_UD);
	if (c->cr0 & X86_CR0_TS)
		return emul_raise(c, EXC_NM);
	return EMUL_CONTINUE;
}

/* Alignment comes before the canonical and limit checks: #GP also for the stack. */
static enum emul_result check_alignment(struct emul_ctxt *c, unsigned int bytes)
{
	if ((c->flags & F_ALIGN) && (emul_plain_linear(c) & (bytes - 1)))
		return emul_raise_err(c, EXC_GP, 0);
	return EMUL_CONTINUE;
}

static enum emul_result load_memory(struct emul_ctxt *c, void *data, unsigned int bytes)
{
	enum emul_result res = check_alignment(c, bytes);

	if (res == EMUL_CONTINUE)
		res = emul_read(c, c->mem.seg, c->mem.ea, data, bytes);
	return res;
}

static enum emul_result store_memory(struct emul_ctxt *c, const void *data, unsigned int bytes)
{
	enum emul_result res = check_alignment(c, bytes);

	if (res == EMUL_CONTINUE)
		res = emul_write(c, c->mem.seg, c->mem.ea, data, bytes);
	return res;
}

/* data holds 32 bytes, zero where nothing was loaded: VEX clears what it does not set. */
static void set_vector(struct emul_ctxt *c, unsigned int reg, const void *data)
{
	emul_env_write_vec(c, reg, data, c->vex ? 32 : 16);
}

/* The register whose other elements are kept; only eight exist outside 64-bit mode. */
static unsigned int second_source(const struct emul_ctxt *c)
{
	if (!c->vex)
		return c->dst.reg;
	return emul_is_long(c) ? c->vex_vvvv : c->vex_vvvv & 7;
}

static enum emul_result move_whole(struct emul_ctxt *c)
{
	unsigned int bytes = c->vex_l ? 32 : 16;
	u8 buf[EMUL_MAX_DATA] = { 0 };
	enum emul_result res = EMUL_CONTINUE;

	if (c->src.kind == OPND_VEC)
		emul_env_read_vec(c, c->src.reg, buf, bytes);
	else
		res = load_memory(c, buf, bytes);
	if (res != EMUL_CONTINUE)
		return res;
	if (c->dst.kind == OPND_VEC)
		set_vector(c, c->dst.reg, buf);
	else
		res = store_memory(c, buf, bytes);
	return res;
}

/* movss, movsd: memory clears the rest of the register, a register leaves it. */
static enum emul_result move_scalar(struct emul_ctxt *c)
{
	unsigned int bytes = c->flags & F_DOUBLE ? 8 : 4;
	u8 buf[EMUL_MAX_DATA] = { 0 }, low[16];
	enum emul_result res;

	if (c->src.kind != OPND_VEC) {
		res = load_memory(c, buf, bytes);
		if (res == EMUL_CONTINUE)
			set_vector(c, c->dst.reg, buf);
		return res;
	}
	emul_env_read_vec(c, c->src.reg, low, 16);
	if (c->dst.kind != OPND_VEC)
		return store_memory(c, low, bytes);
	emul_env_read_vec(c, second_source(c), buf, 16);
	memcpy(buf, low, bytes);
	set_vector(c, c->dst.reg, buf);
	return EMUL_CONTINUE;
}

/*
 * movlps, movhps and their pd forms. Between registers they are movhlps (high
 * to low) and movlhps (low to high).
 */
static enum emul_result move_half(struct emul_ctxt *c)
{
	unsigned int offset = c->flags & F_HIGH ? 8 : 0;
	u8 buf[EMUL_MAX_DATA] = { 0 }, half[16];
	enum emul_result res;

	if (c->op == OP_VHALF_ST) {
		emul_env_read_vec(c, c->src.reg, half, 16);
		return store_memory(c, half + offset, 8);
	}
	if (c->src.kind == OPND_VEC) {
		emul_env_read_vec(c, c->src.reg, half, 16);
		if (!offset)
			memcpy(half, half + 8, 8);
	} else {
		res = load_memory(c, half, 8);
		if (res != EMUL_CONTINUE)
			return res;
	}
	emul_env_read_vec(c, second_source(c), buf, 16);
	memcpy(buf + offset, half, 8);
	set_vector(c, c->dst.reg, buf);
	return EMUL_CONTINUE;
}

static enum emul_result move_general(struct emul_ctxt *c)
{
	u8 buf[EMUL_MAX_DATA] = { 0 };
	enum emul_result res;

	if (c->op == OP_VMOVD_LD) {
		res = emul_load_operand(c, &c->src, false);
		if (res != EMUL_CONTINUE)
			return res;
		memcpy(buf, &c->src.val, 8);
		set_vector(c, c->dst.reg, buf);
		return EMUL_CONTINUE;
	}
	emul_env_read_vec(c, c->src.reg, buf, 16);
	memcpy(&c->dst.val, buf, 8);
	return emul_store_operand(c, &c->dst);
}

static enum emul_result move_quad(struct emul_ctxt *c)
{
	u8 buf[EMUL_MAX_DATA] = { 0 }, src[16];
	enum emul_result res = EMUL_CONTINUE;

	if (c->src.kind == OPND_VEC)
		emul_env_read_vec(c, c->src.reg, src, 16);
	else
		res = load_memory(c, src, 8);
	if (res != EMUL_CONTINUE)
		return res;
	memcpy(buf, src, 8);
	if (c->dst.kind != OPND_VEC)
		return store_memory(c, buf, 8);
	set_vector(c, c->dst.reg, buf);
	return EMUL_CONTINUE;
}

/**
 * emul_exec_sse - execute a vector move
 * @c: the emulation context
 *
 * Return: as the accesses it makes; EMUL_FAULT with #UD or #NM when the unit is
 * off, #GP(0) for a misaligned operand.
 */
enum emul_result emul_exec_sse(struct emul_ctxt *c)
{
	enum emul_result res = check_sse(c);

	if (res != EMUL_CONTINUE)
		return res;
	switch (c->op) {
	case OP_VMOV_LD:
	case OP_VMOV_ST:
		return move_whole(c);
	case OP_VSCALAR_LD:
	case OP_VSCALAR_ST:
		return move_scalar(c);
	case OP_VHALF_LD:
	case OP_VHALF_ST:
		return move_half(c);
	case OP_VMOVD_LD:
	case OP_VMOVD_ST:
		return move_general(c);
	default:	/* OP_VMOVQ_LD, OP_VMOVQ_ST */
		return move_quad(c);
	}
}
