// SPDX-License-Identifier: GPL-2.0-only
/*
 * Segment registers: loading them from descriptors, and the instructions that
 * do so, far branches included. Gates and tasks are left to the CPU: an
 * instruction that needs one is reported as unhandleable.
 */
#include "core/emul/desc.h"

/**
 * emul_desc_to_segment - a descriptor as segment registers cache it
 * @d: the descriptor
 * @selector: the selector it was found by
 * @s: receives the segment
 */
void emul_desc_to_segment(u64 d, u16 selector, struct kvm_segment *s)
{
	u32 limit = (d & 0xffff) | ((d >> 32) & 0xf0000);

	*s = (struct kvm_segment){
		.base = ((d >> 16) & 0xffffff) | ((d >> 32) & 0xff000000),
		.selector = selector,
		.type = desc_type(d),
		.s = !!(d & DESC_S),
		.dpl = desc_dpl(d),
		.present = !!(d & DESC_PRESENT),
		.avl = (d >> 52) & 1,
		.l = (d >> 53) & 1,
		.db = (d >> 54) & 1,
		.g = (d >> 55) & 1,
	};
	s->limit = s->g ? (limit << 12) | 0xfff : limit;
}

/**
 * emul_locate_descriptor - where a selector points to
 * @c: the emulation context
 * @selector: into the GDT or the LDT
 * @len: bytes of the descriptor, 8 or 16
 * @where: receives its linear address
 *
 * Return: true if all of it is inside the table.
 */
bool emul_locate_descriptor(struct emul_ctxt *c, u16 selector, unsigned int len, u64 *where)
{
	struct kvm_segment ldt;
	struct kvm_dtable gdt;
	u64 base;
	u32 limit;

	if (selector & 4) {
		emul_env_get_segment(c, EMUL_LDTR, &ldt);
		if (ldt.unusable)
			return false;
		base = ldt.base;
		limit = ldt.limit;
	} else {
		emul_env_get_dt(c, false, &gdt);
		base = gdt.base;
		limit = gdt.limit;
	}
	*where = base + (selector & ~7);
	return (u32)(selector & ~7) + len - 1 <= limit;
}

/**
 * emul_mark_descriptor - set the accessed or the busy bit of a descriptor
 * @c: the emulation context
 * @desc: the descriptor; gets the bit, too
 * @bit: DESC_ACCESSED or DESC_BUSY
 * @where: its linear address
 *
 * Return: as emul_sys_write(); nothing is written if it has the bit.
 */
enum emul_result emul_mark_descriptor(struct emul_ctxt *c, u64 *desc, u64 bit, u64 where)
{
	u8 byte;

	if (*desc & bit)
		return EMUL_CONTINUE;
	*desc |= bit;
	byte = *desc >> 40;
	return emul_sys_write(c, where + DESC_TYPE_BYTE, &byte, 1);
}

static enum emul_result selector_fault(struct emul_ctxt *c, u8 vector, u16 selector)
{
	return emul_raise_err(c, vector, selector & 0xfffc);
}

/* Read a descriptor of len bytes; where is its address, for the accessed bit. */
static enum emul_result read_descriptor(struct emul_ctxt *c, u16 selector, void *desc,
					unsigned int len, u64 *where)
{
	if (!emul_locate_descriptor(c, selector, len, where))
		return selector_fault(c, EXC_GP, selector);
	return emul_sys_read(c, *where, desc, len);
}

/* Privilege and type rules of SS; its own vector when it is not present. */
static enum emul_result check_stack(struct emul_ctxt *c, u64 d, u16 sel)
{
	if (!(d & DESC_S) || (desc_type(d) & 0xa) != 2 || (sel & 3) != c->cpl ||
	    desc_dpl(d) != c->cpl)
		return selector_fault(c, EXC_GP, sel);
	if (!(d & DESC_PRESENT))
		return selector_fault(c, EXC_SS, sel);
	return EMUL_CONTINUE;
}

static enum emul_result check_data(struct emul_ctxt *c, u64 d, u16 sel)
{
	unsigned int type = desc_type(d);

	/* Execute-only code cannot be loaded; conforming code has no DPL rule. */
	if (!(d & DESC_S) || (type & 0xa) == 8)
		return selector_fault(c, EXC_GP, sel);
	if ((type & 0xc) != 0xc && (desc_dpl(d) < (sel & 3) || desc_dpl(d) < c->cpl))
		return selector_fault(c, EXC_GP, sel);
	if (!(d & DESC_PRESENT))
		return selector_fault(c, EXC_NP, sel);
	return EMUL_CONTINUE;
}

static enum emul_result check_code(struct emul_ctxt *c, u64 d, u16 sel)
{
	unsigned int type = desc_type(d);

	if (!(d & DESC_S)) {
		/* Call gates, task gates and TSSs are legal here, data is not. */
		if (type == 5 || type == 12 || type == 4 || type == 1 || type == 9)
			return EMUL_UNHANDLEABLE;
		return selector_fault(c, EXC_GP, sel);
	}
	if (!(type & 8))
		return selector_fault(c, EXC_GP, sel);
	if (type & 4) {
		if (desc_dpl(d) > c->cpl)
			return selector_fault(c, EXC_GP, sel);
	} else if ((sel & 3) > c->cpl || desc_dpl(d) != c->cpl) {
		return selector_fault(c, EXC_GP, sel);
	}
	if ((c->efer & EMUL_EFER_LMA) && ((d >> 53) & 3) == 3)
		return selector_fault(c, EXC_GP, sel);
	if (!(d & DESC_PRESENT))
		return selector_fault(c, EXC_NP, sel);
	return EMUL_CONTINUE;
}

/* Real and virtual-8086 mode change selector and base, never the rest. */
static enum emul_result load_8086(struct emul_ctxt *c, unsigned int seg, u16 sel)
{
	struct kvm_segment *s = emul_segment(c, seg);

	s->selector = sel;
	s->base = (u32)sel << 4;
	c->seg_dirty |= 1u << seg;
	return EMUL_CONTINUE;
}

static enum emul_result load_null(struct emul_ctxt *c, unsigned int seg, u16 sel)
{
	struct kvm_segment *s = emul_segment(c, seg);
	bool keep_base = emul_env_has_feature(c, EMUL_FEAT_AMD_CPU) &&
			 !emul_env_has_feature(c, EMUL_FEAT_NULL_BASE);

	if (seg == EMUL_CS)
		return emul_raise_err(c, EXC_GP, 0);
	if (seg == EMUL_SS && (!emul_is_long(c) || c->cpl == 3 || (sel & 3) != c->cpl))
		return emul_raise_err(c, EXC_GP, 0);
	/* Older AMD CPUs leave base and limit alone, all others clear the base. */
	if (!keep_base)
		s->base = 0;
	s->selector = sel;
	s->unusable = 1;
	s->present = 0;
	s->type = seg == EMUL_SS ? 3 : 1;
	s->dpl = seg == EMUL_SS ? c->cpl : 0;
	c->seg_dirty |= 1u << seg;
	return EMUL_CONTINUE;
}

/* Load any of the six; CS only within the current privilege level. */
static enum emul_result load_segment(struct emul_ctxt *c, unsigned int seg, u16 sel)
{
	enum emul_result res;
	u64 d, where;

	if (emul_is_8086(c))
		return load_8086(c, seg, sel);
	if (!(sel & 0xfffc))
		return load_null(c, seg, sel);
	res = read_descriptor(c, sel, &d, sizeof(d), &where);
	if (res != EMUL_CONTINUE)
		return res;
	if (seg == EMUL_CS)
		res = check_code(c, d, sel);
	else if (seg == EMUL_SS)
		res = check_stack(c, d, sel);
	else
		res = check_data(c, d, sel);
	if (res == EMUL_CONTINUE)
		res = emul_mark_descriptor(c, &d, DESC_ACCESSED, where);
	if (res != EMUL_CONTINUE)
		return res;
	if (seg == EMUL_CS)
		sel = (sel & 0xfffc) | c->cpl;
	emul_segment(c, seg);
	emul_desc_to_segment(d, sel, &c->seg[seg]);
	c->seg_dirty |= 1u << seg;
	return EMUL_CONTINUE;
}

/* Is offset a legal RIP in the code segment just loaded? */
static enum emul_result check_target(struct emul_ctxt *c, u64 offset)
{
	const struct kvm_segment *cs = &c->seg[EMUL_CS];

	if ((c->efer & EMUL_EFER_LMA) && cs->l) {
		if (!emul_canonical(c, offset))
			return emul_raise_err(c, EXC_GP, 0);
		c->next_rip = offset;
		return EMUL_CONTINUE;
	}
	if ((u32)offset > cs->limit)
		return emul_raise_err(c, EXC_GP, 0);
	/* A 64-bit return may have popped more: no other mode has that half. */
	c->next_rip = (u32)offset;
	return EMUL_CONTINUE;
}

static enum emul_result far_branch(struct emul_ctxt *c, u16 sel, u64 offset, bool call)
{
	u16 old_cs = emul_segment(c, EMUL_CS)->selector;
	u64 ret = c->next_rip;
	enum emul_result res;

	res = load_segment(c, EMUL_CS, sel);
	if (res != EMUL_CONTINUE)
		return res;
	if (call) {
		res = emul_push(c, old_cs, c->op_size);
		if (res == EMUL_CONTINUE)
			res = emul_push(c, ret, c->op_size);
		if (res != EMUL_CONTINUE)
			return res;
	}
	return check_target(c, offset);
}

/*
 * Read a far pointer from memory: two accesses, the offset first, then the
 * selector. AMD has no 64-bit far pointers: REX.W widens the pushes of a call only.
 */
static enum emul_result read_far_pointer(struct emul_ctxt *c, u64 *offset, u16 *sel)
{
	unsigned int bytes = c->op_size;
	enum emul_result res;
	u64 ea;

	if (bytes == 8 && emul_env_has_feature(c, EMUL_FEAT_AMD_CPU))
		bytes = 4;
	ea = (c->mem.ea + bytes) & emul_mask(c->addr_size);
	*offset = 0;
	res = emul_read(c, c->mem.seg, c->mem.ea, offset, bytes);
	if (res == EMUL_CONTINUE)
		res = emul_read(c, c->mem.seg, ea, sel, 2);
	return res;
}

static enum emul_result far_branch_mem(struct emul_ctxt *c, bool call)
{
	enum emul_result res;
	u64 offset;
	u16 sel;

	res = read_far_pointer(c, &offset, &sel);
	return res == EMUL_CONTINUE ? far_branch(c, sel, offset, call) : res;
}

static enum emul_result exec_retf(struct emul_ctxt *c)
{
	enum emul_result res;
	u64 offset, sel;

	res = emul_pop(c, &offset, c->op_size);
	if (res == EMUL_CONTINUE)
		res = emul_pop(c, &sel, c->op_size);
	if (res != EMUL_CONTINUE)
		return res;
	sel &= 0xffff;
	if (!emul_is_8086(c) && (sel & 0xfffc)) {
		if ((sel & 3) < c->cpl)
			return selector_fault(c, EXC_GP, sel);
		if ((sel & 3) > c->cpl)
			return EMUL_UNHANDLEABLE;
	}
	res = load_segment(c, EMUL_CS, sel);
	if (res == EMUL_CONTINUE)
		res = check_target(c, offset);
	if (res == EMUL_CONTINUE)
		emul_set_gpr(c, EMUL_RSP,
			     emul_add_masked(emul_gpr(c, EMUL_RSP), c->src.val, emul_stack_size(c)),
			     8);
	return res;
}

/* IRET in real mode, and in virtual-8086 mode with IOPL 3. */
static enum emul_result exec_iret(struct emul_ctxt *c)
{
	u64 offset, sel, image, mask = FL_ARITH | X86_EFLAGS_TF | X86_EFLAGS_IF | X86_EFLAGS_DF |
				       X86_EFLAGS_NT;
	enum emul_result res;

	if (!emul_is_8086(c))
		return EMUL_UNHANDLEABLE;
	if (c->mode == EMUL_MODE_VM86 && emul_iopl(c) < 3)
		return c->cr4 & X86_CR4_VME ? EMUL_UNHANDLEABLE : emul_raise_err(c, EXC_GP, 0);
	res = emul_pop(c, &offset, c->op_size);
	if (res == EMUL_CONTINUE)
		res = emul_pop(c, &sel, c->op_size);
	if (res == EMUL_CONTINUE)
		res = emul_pop(c, &image, c->op_size);
	if (res == EMUL_CONTINUE)
		res = load_8086(c, EMUL_CS, sel);
	if (res == EMUL_CONTINUE)
		res = check_target(c, offset);
	if (res != EMUL_CONTINUE)
		return res;
	if (c->mode == EMUL_MODE_REAL)
		mask |= X86_EFLAGS_IOPL;
	if (c->op_size == 4)
		mask |= X86_EFLAGS_RF | X86_EFLAGS_AC | X86_EFLAGS_ID;
	c->new_rflags = (c->new_rflags & ~mask) | (image & mask) | X86_EFLAGS_FIXED;
	emul_env_unblock_nmi(c);
	return EMUL_CONTINUE;
}

/* LLDT and LTR: a system descriptor, twice as long in long mode. */
static enum emul_result exec_load_system(struct emul_ctxt *c)
{
	bool ltr = c->op == OP_LTR, lma = c->efer & EMUL_EFER_LMA;
	u16 sel = c->src.val;
	enum emul_result res;
	u64 d[2] = { 0 }, where;

	c->sys_seg_nr = ltr ? EMUL_TR : EMUL_LDTR;
	c->sys_seg_dirty = true;
	if (!(sel & 0xfffc)) {
		if (ltr)
			return emul_raise_err(c, EXC_GP, 0);
		c->sys_seg = (struct kvm_segment){ .selector = sel, .unusable = 1 };
		return EMUL_CONTINUE;
	}
	if (sel & 4)
		return selector_fault(c, EXC_GP, sel);
	res = read_descriptor(c, sel, d, lma ? 16 : 8, &where);
	if (res != EMUL_CONTINUE)
		return res;
	if (ltr ? desc_type(d[0]) != 9 && (lma || desc_type(d[0]) != 1) : desc_type(d[0]) != 2)
		return selector_fault(c, EXC_GP, sel);
	if (d[0] & DESC_S)
		return selector_fault(c, EXC_GP, sel);
	if (!(d[0] & DESC_PRESENT))
		return selector_fault(c, EXC_NP, sel);
	if (ltr)
		res = emul_mark_descriptor(c, &d[0], DESC_BUSY, where);
	if (res != EMUL_CONTINUE)
		return res;
	emul_desc_to_segment(d[0], sel, &c->sys_seg);
	if (lma) {
		c->sys_seg.base |= d[1] << 32;
		if (!emul_canonical(c, c->sys_seg.base))
			return selector_fault(c, EXC_GP, sel);
	}
	return EMUL_CONTINUE;
}

static enum emul_result exec_mov_to_sreg(struct emul_ctxt *c, u16 sel, unsigned int seg)
{
	/* The next instruction, typically MOV ESP, must not be interrupted. */
	if (seg == EMUL_SS)
		c->shadow = EMUL_SHADOW_MOV_SS;
	return load_segment(c, seg, sel);
}

static enum emul_result exec_load_far(struct emul_ctxt *c)
{
	static const u8 low[8] = { [2] = EMUL_SS, [4] = EMUL_FS, [5] = EMUL_GS };
	enum emul_result res;
	unsigned int seg;
	u16 sel;

	if (c->map == 0)
		seg = c->opcode == 0xc4 ? EMUL_ES : EMUL_DS;
	else
		seg = low[c->opcode & 7];
	res = read_far_pointer(c, &c->dst.val, &sel);
	return res == EMUL_CONTINUE ? load_segment(c, seg, sel) : res;
}

static enum emul_result exec_pop_sreg(struct emul_ctxt *c)
{
	enum emul_result res;
	u16 sel;

	res = emul_pop_selector(c, &sel);
	return res == EMUL_CONTINUE ? exec_mov_to_sreg(c, sel, (c->opcode >> 3) & 7) : res;
}

static enum emul_result exec_store_system(struct emul_ctxt *c)
{
	struct kvm_segment s;

	emul_env_get_segment(c, c->op == OP_STR ? EMUL_TR : EMUL_LDTR, &s);
	c->dst.val = s.selector;
	return EMUL_CONTINUE;
}

/**
 * emul_exec_far - execute an instruction that loads or stores a selector
 * @c: the emulation context, operands loaded
 *
 * Source: "Segmented virtual memory" / "Protection" chapters, and the
 * instructions' descriptions for the order of checks.
 *
 * Return: EMUL_CONTINUE with segments staged in c->seg and c->sys_seg;
 * EMUL_FAULT; EMUL_UNHANDLEABLE for gates, tasks and privilege changes.
 */
enum emul_result emul_exec_far(struct emul_ctxt *c)
{
	unsigned int sreg = c->modrm_reg & 7;

	switch (c->op) {
	case OP_MOV_TO_SREG:
		return exec_mov_to_sreg(c, c->src.val, sreg);
	case OP_MOV_FROM_SREG:
		c->dst.val = emul_segment(c, sreg)->selector;
		return EMUL_CONTINUE;
	case OP_POP_SREG:
		return exec_pop_sreg(c);
	case OP_LOAD_FAR:
		return exec_load_far(c);
	case OP_CALLF:
	case OP_JMPF:
		return far_branch(c, c->imm2, c->imm, c->op == OP_CALLF);
	case OP_CALLF_M:
	case OP_JMPF_M:
		return far_branch_mem(c, c->op == OP_CALLF_M);
	case OP_RETF:
		return exec_retf(c);
	case OP_IRET:
		return exec_iret(c);
	case OP_LLDT:
	case OP_LTR:
		return exec_load_system(c);
	default:	/* OP_SLDT, OP_STR */
		return exec_store_system(c);
	}
}
