// SPDX-License-Identifier: GPL-2.0-only
/*
 * ModRM, SIB and displacement: which registers an instruction names and the
 * offset of its memory operand. Segment bases and limits belong to mem.c.
 */
#include "core/emul/internal.h"

#define NO_SEG 0xff

/* 16-bit addressing: base and index by ModRM.rm; 0xff is none. */
static const struct { u8 base, index; } modrm16[8] = {
	{ EMUL_RBX, EMUL_RSI }, { EMUL_RBX, EMUL_RDI },
	{ EMUL_RBP, EMUL_RSI }, { EMUL_RBP, EMUL_RDI },
	{ EMUL_RSI, 0xff }, { EMUL_RDI, 0xff }, { EMUL_RBP, 0xff }, { EMUL_RBX, 0xff },
};

static enum emul_result add_displacement(struct emul_ctxt *c, unsigned int bytes)
{
	enum emul_result res;
	u64 disp;

	if (!bytes)
		return EMUL_CONTINUE;
	res = emul_fetch(c, bytes, &disp);
	c->mem.ea += emul_sign_extend(disp, bytes);
	return res;
}

static enum emul_result decode_modrm16(struct emul_ctxt *c)
{
	unsigned int rm = c->modrm & 7, disp = c->modrm_mod;

	if (c->modrm_mod == 0 && rm == 6) {
		disp = 2;
	} else {
		c->mem.ea = emul_gpr(c, modrm16[rm].base);
		if (modrm16[rm].index != 0xff)
			c->mem.ea += emul_gpr(c, modrm16[rm].index);
		if (modrm16[rm].base == EMUL_RBP)
			c->mem.seg = EMUL_SS;
	}
	return add_displacement(c, disp);
}

static enum emul_result decode_sib(struct emul_ctxt *c, unsigned int *disp)
{
	unsigned int base, index;
	enum emul_result res;
	u64 sib;

	res = emul_fetch(c, 1, &sib);
	if (res != EMUL_CONTINUE)
		return res;
	index = ((sib >> 3) & 7) | (c->rex & 2 ? 8 : 0);
	base = (sib & 7) | (c->rex & 1 ? 8 : 0);
	if (index != EMUL_RSP)
		c->mem.ea = emul_gpr(c, index) << (sib >> 6);
	if ((base & 7) == EMUL_RBP && c->modrm_mod == 0) {
		*disp = 4;
		return EMUL_CONTINUE;
	}
	c->mem.ea += emul_gpr(c, base);
	if (base == EMUL_RSP || base == EMUL_RBP)
		c->mem.seg = EMUL_SS;
	/*
	 * POP computes its destination with the stack pointer it leaves behind.
	 * The operand size of POP is known from prefixes alone.
	 */
	if (base == EMUL_RSP && c->map == 0 && c->opcode == 0x8f) {
		if (emul_is_long(c))
			c->mem.ea += c->opsize66 && !(c->rex & 8) ? 2 : 8;
		else
			c->mem.ea += c->cs_db != c->opsize66 ? 4 : 2;
	}
	return EMUL_CONTINUE;
}

static enum emul_result decode_modrm32(struct emul_ctxt *c)
{
	unsigned int disp = c->modrm_mod == 2 ? 4 : c->modrm_mod;
	enum emul_result res = EMUL_CONTINUE;

	if ((c->modrm & 7) == 4) {
		res = decode_sib(c, &disp);
	} else if ((c->modrm & 7) == 5 && c->modrm_mod == 0) {
		disp = 4;
		c->mem.rip_rel = emul_is_long(c);
	} else {
		c->mem.ea = emul_gpr(c, c->modrm_rm);
		if (c->modrm_rm == EMUL_RBP)
			c->mem.seg = EMUL_SS;
	}
	if (res == EMUL_CONTINUE)
		res = add_displacement(c, disp);
	return res;
}

/**
 * emul_decode_modrm - decode ModRM and what follows it
 * @c: the emulation context, all prefixes and the opcode taken
 *
 * Sets the modrm fields, with REX applied, and c->mem for a memory operand.
 * A RIP-relative offset lacks RIP until emul_decode() knows the length.
 *
 * Return: EMUL_CONTINUE or what fetching the bytes returned.
 */
enum emul_result emul_decode_modrm(struct emul_ctxt *c)
{
	enum emul_result res;
	u64 byte;

	res = emul_fetch(c, 1, &byte);
	if (res != EMUL_CONTINUE)
		return res;
	c->modrm = byte;
	c->modrm_mod = byte >> 6;
	c->modrm_reg = ((byte >> 3) & 7) | (c->rex & 4 ? 8 : 0);
	c->modrm_rm = (byte & 7) | (c->rex & 1 ? 8 : 0);
	/* Moves of control and debug registers ignore mod: always a register. */
	if (c->map == 1 && c->opcode >= 0x20 && c->opcode <= 0x23)
		c->modrm_mod = 3;
	if (c->modrm_mod == 3)
		return EMUL_CONTINUE;

	c->mem.valid = true;
	c->mem.seg = EMUL_DS;
	if (c->addr_size == 2)
		res = decode_modrm16(c);
	else
		res = decode_modrm32(c);
	c->mem.ea &= emul_mask(c->addr_size);
	if (c->seg_override != NO_SEG)
		c->mem.seg = c->seg_override;
	return res;
}
