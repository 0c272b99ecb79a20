// SPDX-License-Identifier: GPL-2.0-only
/*
 * Near branches, the stack, and software interrupts. Nothing here loads a
 * segment register from a descriptor; exec_far.c does that.
 */
#include "core/emul/internal.h"

/**
 * emul_stack_size - width of the stack pointer
 * @c: the emulation context
 *
 * Return: 8 in 64-bit mode, else 4 or 2 as SS.B says.
 */
unsigned int emul_stack_size(struct emul_ctxt *c)
{
	if (emul_is_long(c))
		return 8;
	return emul_segment(c, EMUL_SS)->db ? 4 : 2;
}

/**
 * emul_add_masked - add to the low bytes of a register value
 * @reg: the register's value
 * @delta: what to add
 * @bytes: width of the counter in it; bits above keep their value
 *
 * Return: the new value.
 */
u64 emul_add_masked(u64 reg, s64 delta, unsigned int bytes)
{
	u64 mask = emul_mask(bytes);

	return (reg & ~mask) | ((reg + delta) & mask);
}

static void move_rsp(struct emul_ctxt *c, s64 delta)
{
	unsigned int bytes = emul_stack_size(c);

	emul_set_gpr(c, EMUL_RSP, emul_add_masked(emul_gpr(c, EMUL_RSP), delta, bytes), 8);
}

static u64 stack_offset(struct emul_ctxt *c, s64 delta)
{
	return (emul_gpr(c, EMUL_RSP) + delta) & emul_mask(emul_stack_size(c));
}

/**
 * emul_push - push a value
 * @c: the emulation context
 * @val: the value
 * @bytes: how many bytes RSP moves and memory receives
 *
 * Return: as emul_write(); RSP moves only on EMUL_CONTINUE.
 */
enum emul_result emul_push(struct emul_ctxt *c, u64 val, unsigned int bytes)
{
	enum emul_result res = emul_write(c, EMUL_SS, stack_offset(c, -(s64)bytes), &val, bytes);

	if (res == EMUL_CONTINUE)
		move_rsp(c, -(s64)bytes);
	return res;
}

/**
 * emul_pop - pop a value
 * @c: the emulation context
 * @val: receives it, zero extended
 * @bytes: how many bytes
 *
 * Return: as emul_read(); RSP moves only on EMUL_CONTINUE.
 */
enum emul_result emul_pop(struct emul_ctxt *c, u64 *val, unsigned int bytes)
{
	enum emul_result res;

	*val = 0;
	res = emul_read(c, EMUL_SS, stack_offset(c, 0), val, bytes);
	if (res == EMUL_CONTINUE)
		move_rsp(c, bytes);
	return res;
}

/**
 * emul_pop_selector - pop a value into a segment register
 * @c: the emulation context
 * @sel: receives the selector
 *
 * AMD's CPUs read as much as they pop, Intel's read 16 bits of it.
 *
 * Return: as emul_read(); RSP moves only on EMUL_CONTINUE.
 */
enum emul_result emul_pop_selector(struct emul_ctxt *c, u16 *sel)
{
	unsigned int bytes = emul_env_has_feature(c, EMUL_FEAT_AMD_CPU) ? c->op_size : 2;
	enum emul_result res;
	u64 val = 0;

	res = emul_read(c, EMUL_SS, stack_offset(c, 0), &val, bytes);
	if (res == EMUL_CONTINUE)
		move_rsp(c, c->op_size);
	*sel = val;
	return res;
}

/**
 * emul_branch_mask - cut a branch target to the operand size
 * @target: the target
 * @bytes: operand size
 *
 * Return: the target as RIP will hold it.
 */
u64 emul_branch_mask(u64 target, unsigned int bytes)
{
	return target & emul_mask(bytes);
}

/**
 * emul_branch_to - make a near branch within the current code segment
 * @c: the emulation context
 * @target: where to
 * @bytes: operand size, to which the target is cut
 *
 * Return: EMUL_CONTINUE, or EMUL_FAULT with #GP(0) for a target that is not
 * canonical or beyond the segment's limit; the branch has then not happened.
 */
enum emul_result emul_branch_to(struct emul_ctxt *c, u64 target, unsigned int bytes)
{
	target = emul_branch_mask(target, bytes);
	if (emul_is_long(c)) {
		if (!emul_canonical(c, target))
			return emul_raise_err(c, EXC_GP, 0);
	} else if (target > emul_segment(c, EMUL_CS)->limit) {
		return emul_raise_err(c, EXC_GP, 0);
	}
	c->next_rip = target;
	return EMUL_CONTINUE;
}

static enum emul_result branch_rel(struct emul_ctxt *c)
{
	return emul_branch_to(c, c->next_rip + c->src.val, c->op_size);
}

static enum emul_result exec_call(struct emul_ctxt *c)
{
	enum emul_result res = emul_push(c, c->next_rip, c->op_size);

	if (res != EMUL_CONTINUE)
		return res;
	if (c->src.kind == OPND_IMM)
		return branch_rel(c);
	return emul_branch_to(c, c->src.val, c->op_size);
}

static enum emul_result exec_ret(struct emul_ctxt *c)
{
	enum emul_result res;
	u64 target;

	res = emul_pop(c, &target, c->op_size);
	if (res == EMUL_CONTINUE)
		res = emul_branch_to(c, target, c->op_size);
	if (res == EMUL_CONTINUE)
		move_rsp(c, c->src.val);
	return res;
}

static enum emul_result exec_loop(struct emul_ctxt *c)
{
	u64 mask = emul_mask(c->addr_size), count = emul_gpr(c, EMUL_RCX) & mask;
	bool zf = c->rflags & X86_EFLAGS_ZF, taken;

	if (c->op == OP_JCXZ) {
		taken = !count;
	} else {
		count = (count - 1) & mask;
		taken = count && (c->op == OP_LOOP || zf == (c->op == OP_LOOPE));
		emul_set_gpr(c, EMUL_RCX, count, c->addr_size);
	}
	return taken ? branch_rel(c) : EMUL_CONTINUE;
}

/* All eight with the stack pointer of before; stores are staged until the last. */
static enum emul_result exec_pusha(struct emul_ctxt *c)
{
	u64 old_sp = emul_gpr(c, EMUL_RSP);
	enum emul_result res = EMUL_CONTINUE;
	unsigned int i;

	for (i = 0; i < 8 && res == EMUL_CONTINUE; i++)
		res = emul_push(c, i == EMUL_RSP ? old_sp : emul_gpr(c, i), c->op_size);
	return res;
}

static enum emul_result exec_popa(struct emul_ctxt *c)
{
	enum emul_result res;
	unsigned int i;
	u64 val;

	for (i = 8; i-- > 0;) {
		res = emul_pop(c, &val, c->op_size);
		if (res != EMUL_CONTINUE)
			return res;
		if (i != EMUL_RSP)
			emul_set_gpr(c, i, val, c->op_size);
	}
	return EMUL_CONTINUE;
}

static enum emul_result exec_pushf(struct emul_ctxt *c)
{
	u64 image = c->rflags & ~(u64)(X86_EFLAGS_VM | X86_EFLAGS_RF);

	if (c->mode == EMUL_MODE_VM86 && emul_iopl(c) < 3) {
		if (!(c->cr4 & X86_CR4_VME) || c->op_size != 2)
			return emul_raise_err(c, EXC_GP, 0);
		/* With VME the 16-bit image shows VIF as IF, and IOPL as 3. */
		image |= X86_EFLAGS_IOPL;
		image &= ~(u64)X86_EFLAGS_IF;
		if (c->rflags & X86_EFLAGS_VIF)
			image |= X86_EFLAGS_IF;
	}
	return emul_push(c, image, c->op_size);
}

/* Flags POPF and IRET may load at this privilege level. */
static u64 popf_mask(struct emul_ctxt *c, unsigned int bytes)
{
	u64 mask = FL_ARITH | X86_EFLAGS_TF | X86_EFLAGS_DF | X86_EFLAGS_NT;

	if (bytes > 2)
		mask |= X86_EFLAGS_AC | X86_EFLAGS_ID | X86_EFLAGS_RF;
	if (c->cpl <= emul_iopl(c) || c->mode == EMUL_MODE_REAL)
		mask |= X86_EFLAGS_IF;
	if (c->cpl == 0)
		mask |= X86_EFLAGS_IOPL;
	return mask;
}

static enum emul_result exec_popf(struct emul_ctxt *c)
{
	bool vme = c->mode == EMUL_MODE_VM86 && emul_iopl(c) < 3;
	enum emul_result res;
	u64 val, mask;

	if (vme && (!(c->cr4 & X86_CR4_VME) || c->op_size != 2))
		return emul_raise_err(c, EXC_GP, 0);
	res = emul_pop(c, &val, c->op_size);
	if (res != EMUL_CONTINUE)
		return res;
	mask = popf_mask(c, c->op_size);
	if (vme) {
		if ((val & X86_EFLAGS_TF) ||
		    ((val & X86_EFLAGS_IF) && (c->rflags & X86_EFLAGS_VIP)))
			return emul_raise_err(c, EXC_GP, 0);
		mask &= ~(u64)X86_EFLAGS_IF;
		c->new_rflags &= ~(u64)X86_EFLAGS_VIF;
		if (val & X86_EFLAGS_IF)
			c->new_rflags |= X86_EFLAGS_VIF;
	}
	/* A wide POPF clears RF whatever the image says. */
	val &= ~(u64)X86_EFLAGS_RF;
	c->new_rflags = (c->new_rflags & ~mask) | (val & mask) | X86_EFLAGS_FIXED;
	return EMUL_CONTINUE;
}

/* Copy the enclosing procedures' frame pointers below the one just pushed. */
static enum emul_result copy_frames(struct emul_ctxt *c, u64 frame, unsigned int level)
{
	unsigned int bytes = c->op_size, i;
	u64 mask = emul_mask(emul_stack_size(c)), rbp = emul_gpr(c, EMUL_RBP), val;
	enum emul_result res;

	for (i = 1; i < level; i++) {
		val = 0;
		res = emul_read(c, EMUL_SS, (rbp - i * bytes) & mask, &val, bytes);
		if (res == EMUL_CONTINUE)
			res = emul_push(c, val, bytes);
		if (res != EMUL_CONTINUE)
			return res;
	}
	return emul_push(c, frame, bytes);
}

static enum emul_result exec_enter(struct emul_ctxt *c)
{
	unsigned int bytes = c->op_size, level = c->imm2 & 31;
	struct emul_phys phys;
	enum emul_result res;
	u64 frame;

	res = emul_push(c, emul_gpr(c, EMUL_RBP), bytes);
	if (res != EMUL_CONTINUE)
		return res;
	frame = emul_gpr(c, EMUL_RSP);
	if (level) {
		res = copy_frames(c, frame, level);
		if (res != EMUL_CONTINUE)
			return res;
	}
	move_rsp(c, -(s64)c->imm);
	/* The new top of the stack must be writable, though nothing is written. */
	res = emul_map(c, EMUL_SS, stack_offset(c, 0), bytes, EMUL_ACC_WRITE, &phys);
	if (res == EMUL_CONTINUE)
		emul_set_gpr(c, EMUL_RBP, frame, bytes);
	return res;
}

static enum emul_result exec_leave(struct emul_ctxt *c)
{
	unsigned int width = emul_stack_size(c);
	u64 frame = emul_gpr(c, EMUL_RBP), rsp = emul_gpr(c, EMUL_RSP), val = 0;
	enum emul_result res;

	res = emul_read(c, EMUL_SS, frame & emul_mask(width), &val, c->op_size);
	if (res != EMUL_CONTINUE)
		return res;
	rsp = (rsp & ~emul_mask(width)) | ((frame + c->op_size) & emul_mask(width));
	emul_set_gpr(c, EMUL_RSP, rsp, 8);
	emul_set_gpr(c, EMUL_RBP, val, c->op_size);
	return EMUL_CONTINUE;
}

/*
 * The selector is zero extended to the operand size, as AMD documents it. In
 * 32 bits of stack Intel's CPUs move its 16 bits and leave the others alone.
 */
static enum emul_result exec_push_sreg(struct emul_ctxt *c)
{
	u64 sel = emul_segment(c, (c->opcode >> 3) & 7)->selector;
	enum emul_result res;

	if (c->op_size != 4 || emul_env_has_feature(c, EMUL_FEAT_AMD_CPU))
		return emul_push(c, sel, c->op_size);
	res = emul_write(c, EMUL_SS, stack_offset(c, -4), &sel, 2);
	if (res == EMUL_CONTINUE)
		move_rsp(c, -4);
	return res;
}

/* INT n through the real-mode vector table. */
static enum emul_result exec_int_real(struct emul_ctxt *c, u8 vector)
{
	struct kvm_segment *cs = emul_segment(c, EMUL_CS);
	struct kvm_dtable idt;
	enum emul_result res;
	u16 entry[2];

	emul_env_get_dt(c, true, &idt);
	if ((u32)vector * 4 + 3 > idt.limit)
		return emul_raise_err(c, EXC_GP, 0);
	res = emul_push(c, c->rflags, 2);
	if (res == EMUL_CONTINUE)
		res = emul_push(c, cs->selector, 2);
	if (res == EMUL_CONTINUE)
		res = emul_push(c, c->next_rip, 2);
	if (res == EMUL_CONTINUE)
		res = emul_sys_read(c, idt.base + vector * 4, entry, 4);
	if (res != EMUL_CONTINUE)
		return res;
	cs->selector = entry[1];
	cs->base = (u32)entry[1] << 4;
	c->seg_dirty |= 1u << EMUL_CS;
	c->next_rip = entry[0];
	c->new_rflags &= ~(u64)(X86_EFLAGS_IF | X86_EFLAGS_TF | X86_EFLAGS_AC | X86_EFLAGS_RF);
	return EMUL_CONTINUE;
}

static enum emul_result exec_int(struct emul_ctxt *c)
{
	u8 vector = c->src.val;

	if (c->op == OP_INTO && !(c->rflags & X86_EFLAGS_OF))
		return EMUL_CONTINUE;
	if (c->op == OP_INT3)
		vector = EXC_BP;
	else if (c->op == OP_INT1)
		vector = EXC_DB;
	else if (c->op == OP_INTO)
		vector = EXC_OF;
	/* Elsewhere a gate is taken, which only the CPU does right. */
	if (c->mode != EMUL_MODE_REAL)
		return EMUL_UNHANDLEABLE;
	return exec_int_real(c, vector);
}

/**
 * emul_exec_branch - execute a near branch, stack or interrupt instruction
 * @c: the emulation context, operands loaded
 *
 * Return: as the accesses it makes, and EMUL_FAULT for an illegal target.
 */
enum emul_result emul_exec_branch(struct emul_ctxt *c)
{
	switch (c->op) {
	case OP_PUSH:
		return emul_push(c, c->src.val, c->op_size);
	case OP_POP:
		return emul_pop(c, &c->dst.val, c->op_size);
	case OP_PUSHA:
		return exec_pusha(c);
	case OP_POPA:
		return exec_popa(c);
	case OP_PUSHF:
		return exec_pushf(c);
	case OP_POPF:
		return exec_popf(c);
	case OP_ENTER:
		return exec_enter(c);
	case OP_LEAVE:
		return exec_leave(c);
	case OP_CALL:
		return exec_call(c);
	case OP_JMP:
		if (c->src.kind == OPND_IMM)
			return branch_rel(c);
		return emul_branch_to(c, c->src.val, c->op_size);
	case OP_JCC:
		return emul_condition(c->opcode, c->rflags) ? branch_rel(c) : EMUL_CONTINUE;
	case OP_LOOP:
	case OP_LOOPE:
	case OP_LOOPNE:
	case OP_JCXZ:
		return exec_loop(c);
	case OP_RET:
		return exec_ret(c);
	case OP_PUSH_SREG:
		return exec_push_sreg(c);
	case OP_UDX:
		return emul_raise(c, EXC_UD);
	default:
		return exec_int(c);
	}
}
