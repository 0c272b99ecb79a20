// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instruction decoding: prefixes, opcode maps, immediates and operands. It
 * finds out what an instruction is and how long; whether it may run is checked
 * by exec.c, memory addresses come from modrm.c.
 */
#include "core/emul/internal.h"

#define NO_SEG 0xff

/* Get more instruction bytes from the guest: up to the page's or segment's end. */
static enum emul_result fetch_more(struct emul_ctxt *c)
{
	unsigned int room = EMUL_MAX_INSN - c->insn_avail;
	u64 ip = c->rip + c->insn_avail;
	struct emul_phys phys;
	enum emul_result res;
	unsigned int bytes;
	u64 linear;

	if (!room)
		return emul_raise_err(c, EXC_GP, 0);
	if (!emul_is_long(c)) {
		const struct kvm_segment *cs = emul_segment(c, EMUL_CS);

		ip = (u32)ip;
		if (ip > cs->limit)
			return emul_raise_err(c, EXC_GP, 0);
		room = min_t(u64, room, (u64)cs->limit - ip + 1);
		linear = (u32)(cs->base + ip);
	} else {
		linear = ip;
		if (!emul_canonical(c, linear))
			return emul_raise_err(c, EXC_GP, 0);
	}
	room = min_t(u64, room, 4096 - (linear & 4095));
	res = emul_map_linear(c, linear, room, EMUL_ACC_FETCH, &phys);
	if (res != EMUL_CONTINUE)
		return res;
	/* Sixteen bytes, if the page has them, are read with less ado than fifteen. */
	bytes = room == EMUL_MAX_INSN && (linear & 4095) <= 4096 - sizeof(c->insn) ?
		sizeof(c->insn) : room;
	res = emul_env_read_phys(c, phys.gpa[0], c->insn + c->insn_avail, bytes);
	if (res != EMUL_CONTINUE)
		return EMUL_UNHANDLEABLE;
	c->insn_avail += room;
	return EMUL_CONTINUE;
}

/**
 * emul_fetch - take the next bytes of the instruction
 * @c: the emulation context
 * @bytes: how many, 1 to 8
 * @val: receives them, zero extended
 *
 * Return: EMUL_CONTINUE; EMUL_FAULT for #PF, for #GP at the segment's end and
 * for the sixteenth byte; EMUL_UNHANDLEABLE when code is not in RAM.
 */
enum emul_result emul_fetch(struct emul_ctxt *c, unsigned int bytes, u64 *val)
{
	enum emul_result res;
	unsigned int i;

	*val = 0;
	for (i = 0; i < bytes; i++) {
		if (c->insn_len == c->insn_avail) {
			res = fetch_more(c);
			if (res != EMUL_CONTINUE)
				return res;
		}
		*val |= (u64)c->insn[c->insn_len++] << (i * 8);
	}
	return EMUL_CONTINUE;
}

/* Take one legacy or REX prefix into account; false: it is not a prefix. */
static bool take_prefix(struct emul_ctxt *c, u8 byte)
{
	u8 rex = 0;

	switch (byte) {
	case 0x26: case 0x2e: case 0x36: case 0x3e:
		/* Without effect in 64-bit mode, where an FS or GS before it stays. */
		if (!emul_is_long(c))
			c->seg_override = (byte >> 3) & 3;
		break;
	case 0x64: case 0x65:
		c->seg_override = byte == 0x64 ? EMUL_FS : EMUL_GS;
		break;
	case 0x66:
		c->opsize66 = true;
		break;
	case 0x67:
		if (emul_is_long(c))
			c->addr_size = 4;
		else
			c->addr_size = c->cs_db ? 2 : 4;
		break;
	case 0xf0:
		c->lock = true;
		break;
	case 0xf2: case 0xf3:
		c->rep = byte;
		break;
	case 0x40 ... 0x4f:
		if (!emul_is_long(c))
			return false;
		rex = byte;
		break;
	default:
		return false;
	}
	/* A REX prefix counts only directly before the opcode. */
	c->rex = rex;
	return true;
}

static enum emul_result decode_vex(struct emul_ctxt *c, u8 first)
{
	static const u8 simd_rep[4] = { 0, 0, 0xf3, 0xf2 };
	enum emul_result res;
	u64 b1, b2, op;

	if (c->opsize66 || c->rep || c->lock || c->rex)
		return emul_raise(c, EXC_UD);
	res = emul_fetch(c, 1, &b1);
	if (res != EMUL_CONTINUE)
		return res;
	c->map = 1;
	c->rex = b1 & 0x80 ? 0 : 4;
	b2 = b1 & 0x7f;
	if (first == 0xc4) {
		c->map = b1 & 0x1f;
		c->rex = (~b1 >> 5) & 7;
		res = emul_fetch(c, 1, &b2);
		if (res != EMUL_CONTINUE)
			return res;
		c->rex |= b2 & 0x80 ? 8 : 0;
	}
	res = emul_fetch(c, 1, &op);
	if (res != EMUL_CONTINUE)
		return res;
	if (!c->map || c->map > 3)
		return emul_raise(c, EXC_UD);
	/* Outside 64-bit mode only eight registers exist; B is ignored there. */
	if (!emul_is_long(c))
		c->rex = 0;
	else
		c->rex |= 0x40;
	c->vex = true;
	c->vex_l = b2 & 4;
	c->vex_vvvv = ~(b2 >> 3) & 15;
	c->opsize66 = (b2 & 3) == 1;
	c->rep = simd_rep[b2 & 3];
	c->opcode = op;
	return EMUL_CONTINUE;
}

/* C4, C5 and 62 are VEX and EVEX unless they are LES, LDS and BOUND. */
static enum emul_result is_vex(struct emul_ctxt *c, bool *vex)
{
	enum emul_result res;
	u64 next;

	*vex = true;
	if (emul_is_long(c))
		return EMUL_CONTINUE;
	*vex = false;
	res = emul_fetch(c, 1, &next);
	if (res != EMUL_CONTINUE)
		return res;
	c->insn_len--;
	*vex = (next & 0xc0) == 0xc0 && !emul_is_8086(c);
	return EMUL_CONTINUE;
}

/*
 * To Intel's CPUs 0F 38 to 0F 3F all lead to maps of three-byte opcodes; two of
 * these are in use. AMD knows no more than these two.
 */
static bool leads_to_map(struct emul_ctxt *c, u8 byte)
{
	if (byte == 0x38 || byte == 0x3a)
		return true;
	return (byte & 0xf8) == 0x38 && !emul_env_has_feature(c, EMUL_FEAT_AMD_CPU);
}

static enum emul_result decode_opcode(struct emul_ctxt *c)
{
	enum emul_result res;
	bool vex = false;
	u64 byte;

	do {
		res = emul_fetch(c, 1, &byte);
		if (res != EMUL_CONTINUE)
			return res;
	} while (take_prefix(c, byte));

	c->opcode = byte;
	if (byte == 0xc4 || byte == 0xc5 || byte == 0x62) {
		res = is_vex(c, &vex);
		if (res != EMUL_CONTINUE)
			return res;
		if (vex && byte == 0x62)
			return EMUL_UNHANDLEABLE;
		return vex ? decode_vex(c, byte) : EMUL_CONTINUE;
	}
	if (byte != 0x0f)
		return EMUL_CONTINUE;
	c->map = 1;
	res = emul_fetch(c, 1, &byte);
	if (res == EMUL_CONTINUE && leads_to_map(c, byte)) {
		c->map = byte == 0x38 ? 2 : byte == 0x3a ? 3 : byte;
		res = emul_fetch(c, 1, &byte);
	}
	c->opcode = byte;
	return res;
}

static struct emul_opcode map2_entry(const struct emul_ctxt *c)
{
	struct emul_opcode e = { .op = OP_UNSUPP, .flags = F_MODRM };

	if (c->vex && c->opcode != 0x2a)
		return e;
	switch (c->opcode) {
	case 0x2a:
		e.src2 = PFX_2A38;
		break;
	case 0xf0:
		e.src2 = PFX_F038;
		break;
	case 0xf1:
		e.src2 = PFX_F138;
		break;
	case 0xf9:
		e.src2 = PFX_F938;
		break;
	default:
		return e;
	}
	e.op = OP_BY_PREFIX;
	return e;
}

/* What has no meaning has a length: the CPU fetches all of it before #UD. */
static struct emul_opcode unused_map_entry(const struct emul_ctxt *c)
{
	struct emul_opcode e = { .op = OP_UD, .flags = F_MODRM };

	/* Those with bit 1 set, as 3A, have an immediate byte. */
	if (c->map & 2)
		e.flags |= F_IMM_AFTER;
	return e;
}

static bool is_regular_alu(const struct emul_ctxt *c)
{
	return c->map == 0 && c->opcode < 0x40 && (c->opcode & 7) < 6;
}

static struct emul_opcode regular_alu_entry(u8 opcode)
{
	struct emul_opcode e = emul_alu_forms[opcode & 7];

	e.op = OP_ADD + (opcode >> 3);
	if (e.op == OP_CMP)
		e.flags &= ~(F_WR | F_LOCK);
	return e;
}

/* Not with REX.B, which makes it XCHG; but F3 90 is PAUSE to Intel all the same. */
static bool is_nop_90(struct emul_ctxt *c)
{
	if (!(c->rex & 1))
		return true;
	return c->rep == 0xf3 && !emul_env_has_feature(c, EMUL_FEAT_AMD_CPU);
}

/* With 16 bits to fill, AMD reads 32 of memory all the same, Intel 16. */
static unsigned int movsxd_source(struct emul_ctxt *c)
{
	if (!c->opsize66 || c->rex & 8 || emul_env_has_feature(c, EMUL_FEAT_AMD_CPU))
		return A_RM32;
	return A_RM16;
}

static struct emul_opcode map_entry(struct emul_ctxt *c)
{
	struct emul_opcode e = { .op = OP_UNSUPP, .flags = F_MODRM | F_IMM_AFTER };

	if (is_regular_alu(c))
		return regular_alu_entry(c->opcode);
	switch (c->map) {
	case 0:
		e = emul_map0[c->opcode];
		break;
	case 1:
		e = emul_map1[c->opcode];
		break;
	case 2:
		return map2_entry(c);
	case 3:
		return e;
	default:
		return unused_map_entry(c);
	}
	/* MOVSXD took the place of ARPL; 90 is XCHG only as REX.B 90. */
	if (c->map == 0 && c->opcode == 0x63 && emul_is_long(c))
		e = (struct emul_opcode){ OP_MOVSX, A_REG, movsxd_source(c), 0, F_WR };
	if (c->map == 0 && c->opcode == 0x90 && is_nop_90(c))
		e = (struct emul_opcode){ .op = OP_NOP };
	/* PREFETCHW and its like do nothing with a register on Intel's CPUs. */
	if (c->map == 1 && c->opcode == 0x0d && !emul_env_has_feature(c, EMUL_FEAT_AMD_CPU))
		e.flags &= ~F_MEM;
	return e;
}

/* Join an extension's entry with the map's: what it leaves open comes from there. */
static void join_entry(struct emul_opcode *e, const struct emul_opcode *ext)
{
	e->op = ext->op;
	e->flags |= ext->flags;
	if (ext->dst || ext->src) {
		e->dst = ext->dst;
		e->src = ext->src;
	}
	e->src2 = A_NONE;
}

static unsigned int prefix_column(const struct emul_ctxt *c)
{
	if (c->rep)
		return c->rep == 0xf3 ? 2 : 3;
	return c->opsize66 ? 1 : 0;
}

/* 0F 01 with two registers is a map of its own. */
static void decode_group7_reg(const struct emul_ctxt *c, struct emul_opcode *e)
{
	if (c->modrm_reg == 4 || c->modrm_reg == 6)
		return;
	e->op = c->modrm == 0xf9 ? OP_RDTSCP : OP_UNSUPP;
	e->dst = A_NONE;
	e->src = A_NONE;
	e->flags = F_MODRM;
}

/* C6 F8 and C7 F8 are XABORT and XBEGIN to Intel: for the CPU, which may have them. */
static void decode_group11_reg(struct emul_ctxt *c, struct emul_opcode *e)
{
	if (c->modrm == 0xf8 && !emul_env_has_feature(c, EMUL_FEAT_AMD_CPU))
		e->op = OP_UNSUPP;
}

static enum emul_result find_entry(struct emul_ctxt *c, struct emul_opcode *e)
{
	enum emul_result res;

	*e = map_entry(c);
	c->has_modrm = (e->flags & F_MODRM) ||
		       (e->dst >= A_RM && e->dst <= A_REG) || e->dst >= A_XMM ||
		       (e->src >= A_RM && e->src <= A_REG) || e->src >= A_XMM;
	if (c->has_modrm) {
		res = emul_decode_modrm(c);
		if (res != EMUL_CONTINUE)
			return res;
	}
	/* What 64-bit mode does not have ends with opcode or ModRM: no operand is fetched. */
	if ((e->flags & F_NO64) && emul_is_long(c)) {
		*e = (struct emul_opcode){ .op = OP_UD };
		return EMUL_CONTINUE;
	}
	if (e->op == OP_GROUP) {
		unsigned int group = e->src2;

		join_entry(e, &emul_groups[group][c->modrm_reg & 7]);
		if (group == GRP_7 && c->modrm_mod == 3)
			decode_group7_reg(c, e);
		else if (group == GRP_11)
			decode_group11_reg(c, e);
	} else if (e->op == OP_BY_PREFIX) {
		join_entry(e, &emul_prefix_sets[e->src2][prefix_column(c)]);
	}
	if (c->vex && !(e->flags & F_VEX)) {
		e->op = OP_UNSUPP;
		e->dst = A_NONE;
		e->src = A_NONE;
		e->src2 = A_NONE;
	}
	return EMUL_CONTINUE;
}

static void set_sizes(struct emul_ctxt *c)
{
	bool long_mode = emul_is_long(c);

	c->op_size = c->cs_db != c->opsize66 ? 4 : 2;
	if (long_mode) {
		c->op_size = c->opsize66 ? 2 : 4;
		if (c->rex & 8)
			c->op_size = 8;
		else if ((c->flags & F_DEF64) && !c->opsize66)
			c->op_size = 8;
		/* AMD lets 66 shrink a near branch to 16 bits, Intel ignores it. */
		if ((c->flags & F_NEAR) &&
		    !(c->opsize66 && emul_env_has_feature(c, EMUL_FEAT_AMD_CPU)))
			c->op_size = 8;
	}
	if (c->flags & F_FORCE64)
		c->op_size = long_mode ? 8 : 4;
	if ((c->flags & F_MIN32) && c->op_size == 2)
		c->op_size = 4;
	if (c->flags & F_BYTE)
		c->op_size = 1;
}

static void set_reg(struct emul_ctxt *c, struct emul_operand *o, unsigned int reg)
{
	o->kind = OPND_REG;
	o->reg = reg;
	if (o->bytes == 1 && !c->rex && reg >= 4 && reg < 8) {
		o->high8 = true;
		o->reg = reg - 4;
	}
}

static enum emul_result set_imm(struct emul_ctxt *c, struct emul_operand *o,
				unsigned int bytes, bool sign)
{
	enum emul_result res;

	o->kind = OPND_IMM;
	res = emul_fetch(c, bytes, &o->val);
	if (sign)
		o->val = emul_sign_extend(o->val, bytes);
	c->imm = o->val;
	return res;
}

static void set_rm(struct emul_ctxt *c, struct emul_operand *o)
{
	if (c->modrm_mod == 3)
		set_reg(c, o, c->modrm_rm);
	else
		o->kind = OPND_MEM;
}

static void set_vec(struct emul_ctxt *c, struct emul_operand *o, bool rm)
{
	o->bytes = c->vex_l ? 32 : 16;
	if (rm && c->modrm_mod != 3) {
		o->kind = OPND_MEM;
		if (c->op != OP_VMOV_LD && c->op != OP_VMOV_ST)
			o->bytes = 8;
		if ((c->op == OP_VSCALAR_LD || c->op == OP_VSCALAR_ST) && !(c->flags & F_DOUBLE))
			o->bytes = 4;
		return;
	}
	o->kind = OPND_VEC;
	o->reg = rm ? c->modrm_rm : c->modrm_reg;
}

static enum emul_result decode_far_imm(struct emul_ctxt *c, bool enter)
{
	enum emul_result res = emul_fetch(c, enter ? 2 : c->op_size, &c->imm);

	if (res == EMUL_CONTINUE)
		res = emul_fetch(c, enter ? 1 : 2, &c->imm2);
	return res;
}

static enum emul_result decode_moffs(struct emul_ctxt *c, struct emul_operand *o)
{
	o->kind = OPND_MEM;
	c->mem.valid = true;
	c->mem.seg = c->seg_override == NO_SEG ? EMUL_DS : c->seg_override;
	return emul_fetch(c, c->addr_size, &c->mem.ea);
}

static enum emul_result decode_arg(struct emul_ctxt *c, struct emul_operand *o, unsigned int arg)
{
	unsigned int z = min_t(unsigned int, c->op_size, 4);

	o->bytes = c->op_size;
	switch (arg) {
	case A_RM:
		set_rm(c, o);
		break;
	case A_RM8:
		o->bytes = 1;
		set_rm(c, o);
		break;
	case A_RM16:
		o->bytes = 2;
		set_rm(c, o);
		break;
	case A_RM32:
		o->bytes = (c->rex & 8) && c->op >= OP_SSE_FIRST ? 8 : 4;
		set_rm(c, o);
		break;
	case A_RMV16:
		if (c->modrm_mod != 3)
			o->bytes = 2;
		set_rm(c, o);
		break;
	case A_RM64:
		o->bytes = emul_is_long(c) ? 8 : 4;
		set_rm(c, o);
		break;
	case A_M:
		o->kind = OPND_ADDR;
		break;
	case A_REG:
		set_reg(c, o, c->modrm_reg);
		break;
	case A_OREG:
		set_reg(c, o, (c->opcode & 7) | (c->rex & 1 ? 8 : 0));
		break;
	case A_ACC:
		set_reg(c, o, EMUL_RAX);
		break;
	case A_CL:
		o->bytes = 1;
		set_reg(c, o, EMUL_RCX);
		break;
	case A_DX:
		o->bytes = 2;
		set_reg(c, o, EMUL_RDX);
		break;
	case A_ONE:
		o->kind = OPND_IMM;
		o->val = 1;
		break;
	case A_IMM:
		return set_imm(c, o, z, true);
	case A_IMMV:
		return set_imm(c, o, c->op_size, false);
	case A_IMM8:
	case A_REL8:
		return set_imm(c, o, 1, true);
	case A_IMMU8:
		return set_imm(c, o, 1, false);
	case A_IMM16:
		return set_imm(c, o, 2, false);
	case A_REL:
		return set_imm(c, o, z, true);
	case A_ENTER:
	case A_FARPTR:
		return decode_far_imm(c, arg == A_ENTER);
	case A_MOFFS:
		return decode_moffs(c, o);
	case A_XMM:
	case A_XRM:
		set_vec(c, o, arg == A_XRM);
		break;
	default:
		break;
	}
	return EMUL_CONTINUE;
}

static void decode_reset(struct emul_ctxt *c, const u8 *insn, int len)
{
	len = clamp(len, 0, EMUL_MAX_INSN);
	memcpy(c->insn, insn, len);
	c->insn_avail = len;
	c->insn_len = 0;
	c->decoded = false;
	c->decoded_rip = c->rip;
	c->decoded_mode = c->mode;
	c->decoded_cpl = c->cpl;
	c->decoded_cs_db = c->cs_db;
	c->map = 0;
	c->rep = 0;
	c->rex = 0;
	c->lock = false;
	c->opsize66 = false;
	c->vex = false;
	c->vex_l = false;
	c->vex_vvvv = 0;
	c->modrm = 0;
	c->modrm_mod = 0;
	c->modrm_reg = 0;
	c->modrm_rm = 0;
	c->seg_override = NO_SEG;
	c->addr_size = emul_is_long(c) ? 8 : c->cs_db ? 4 : 2;
	c->imm = 0;
	c->imm2 = 0;
	memset(&c->mem, 0, sizeof(c->mem));
	memset(&c->dst, 0, sizeof(c->dst));
	memset(&c->src, 0, sizeof(c->src));
	memset(&c->src2, 0, sizeof(c->src2));
}

/*
 * A bit offset in a register reaches beyond a memory operand: the bit string
 * starts there and extends both ways. Move the operand to the word it means.
 */
static void move_bit_operand(struct emul_ctxt *c)
{
	unsigned int bits = c->dst.bytes * 8;
	s64 offset;

	if (c->op < OP_BT || c->op > OP_BTC || c->src.kind != OPND_REG ||
	    c->dst.kind != OPND_MEM)
		return;
	offset = (s64)emul_sign_extend(emul_gpr(c, c->src.reg), c->src.bytes);
	offset = (offset & ~(s64)(bits - 1)) / 8;
	c->mem.ea = (c->mem.ea + offset) & emul_mask(c->addr_size);
}

/**
 * emul_decode - decode the instruction at c->rip
 * @c: the emulation context, with its snapshot taken
 * @insn: the first bytes if the vendor knows them, fetched from the guest otherwise
 * @len: how many bytes @insn has, 0 for none
 *
 * Source: the opcode maps and "Instruction Format" chapters of the vendors' manuals.
 *
 * Return: EMUL_CONTINUE with operands, sizes and c->insn_len set; EMUL_FAULT for
 * #UD, #GP (longer than 15 bytes, segment end) and #PF on the fetch;
 * EMUL_UNHANDLEABLE when even the length is unknown.
 */
enum emul_result emul_decode(struct emul_ctxt *c, const u8 *insn, int len)
{
	struct emul_opcode e;
	enum emul_result res;
	u64 skipped;

	decode_reset(c, insn, len);
	res = decode_opcode(c);
	if (res == EMUL_CONTINUE)
		res = find_entry(c, &e);
	if (res != EMUL_CONTINUE)
		return res;
	c->op = e.op;
	c->flags = e.flags;
	set_sizes(c);

	res = decode_arg(c, &c->dst, e.dst);
	if (res == EMUL_CONTINUE)
		res = decode_arg(c, &c->src, e.src);
	if (res == EMUL_CONTINUE)
		res = decode_arg(c, &c->src2, e.src2);
	if (res == EMUL_CONTINUE && (e.flags & F_IMM_AFTER))
		res = emul_fetch(c, 1, &skipped);
	if (res != EMUL_CONTINUE)
		return res;
	if (c->mem.rip_rel) {
		c->mem.ea += c->rip + c->insn_len;
		c->mem.ea &= emul_mask(c->addr_size);
	}
	move_bit_operand(c);
	c->decoded = true;
	return EMUL_CONTINUE;
}
