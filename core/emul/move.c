// SPDX-License-Identifier: GPL-2.0-only
/*
 * What nearly every access to a device is: a plain MOV between memory and a
 * register or an immediate, in 64-bit code. Taken apart without the opcode
 * tables and without a context; what is not exactly that is decode.c's.
 */
#include "core/emul/internal.h"

static s64 signed_bytes(const u8 *p, unsigned int bytes)
{
	s32 l;
	s16 w;

	switch (bytes) {
	case 1:
		return (s8)*p;
	case 2:
		memcpy(&w, p, sizeof(w));
		return w;
	default:
		memcpy(&l, p, sizeof(l));
		return l;
	}
}

/* ModRM's memory operand from @p on, which is behind ModRM; returns its end. */
static const u8 *parse_memory(const u8 *p, struct emul_move *m)
{
	unsigned int mod = m->modrm >> 6, disp = mod == 2 ? 4 : mod;
	u8 base = m->modrm & 7;

	m->base = EMUL_NO_GPR;
	m->index = EMUL_NO_GPR;
	m->rip_rel = false;
	if (base == 4) {
		u8 sib = *p++;
		u8 index = (sib >> 3 & 7) | (m->rex & 2) << 2;

		base = sib & 7;
		m->scale = sib >> 6;
		if (index != EMUL_RSP)
			m->index = index;
		if (base != 5 || mod)
			m->base = base | (m->rex & 1) << 3;
		else
			disp = 4;
	} else if (base == 5 && !mod) {
		m->rip_rel = true;
		disp = 4;
	} else {
		m->base = base | (m->rex & 1) << 3;
	}
	m->disp = disp ? signed_bytes(p, disp) : 0;
	return p + disp;
}

/**
 * emul_parse_move - take a plain MOV apart
 * @insn: EMUL_MAX_INSN bytes that begin with the instruction
 * @m: receives what it is
 *
 * Known are opcodes 88 to 8B, C6 and C7 with a memory operand, 64-bit addresses
 * and at most the prefixes 66 and REX, in this order. AH and its like are not.
 *
 * Return: false if it is anything else; @m is undefined then.
 */
bool emul_parse_move(const u8 *insn, struct emul_move *m)
{
	const u8 *p = insn;

	m->opsize66 = *p == 0x66;
	p += m->opsize66;
	m->rex = (*p & 0xf0) == 0x40 ? *p++ : 0;
	m->opcode = *p++;
	m->modrm = *p++;
	m->has_imm = (m->opcode & 0xfe) == 0xc6;
	if ((m->opcode & 0xfc) != 0x88 && !(m->has_imm && !(m->modrm & 0x38)))
		return false;
	if (m->modrm >= 0xc0)
		return false;
	m->load = !m->has_imm && m->opcode & 2;
	if (!(m->opcode & 1))
		m->bytes = 1;
	else if (m->rex & 8)
		m->bytes = 8;
	else
		m->bytes = m->opsize66 ? 2 : 4;
	m->reg = (m->modrm >> 3 & 7) | (m->rex & 4) << 1;
	if (m->bytes == 1 && !m->has_imm && !m->rex && m->reg >= 4)
		return false;

	p = parse_memory(p, m);
	m->imm = 0;
	if (m->has_imm) {
		unsigned int bytes = m->bytes == 8 ? 4 : m->bytes;

		m->imm = signed_bytes(p, bytes);
		p += bytes;
	}
	m->len = p - insn;
	return true;
}
