// SPDX-License-Identifier: GPL-2.0-only
/*
 * String instructions. One call is one iteration (a batch for port I/O between
 * a device and RAM); insn.c repeats the call and decides when to stop.
 */
#include "core/emul/internal.h"

#define PAGE_BYTES 4096u

static unsigned int source_seg(const struct emul_ctxt *c)
{
	return c->seg_override == 0xff ? EMUL_DS : c->seg_override;
}

static u64 index_reg(struct emul_ctxt *c, unsigned int reg)
{
	return emul_gpr(c, reg) & emul_mask(c->addr_size);
}

static void advance(struct emul_ctxt *c, unsigned int reg, u32 count)
{
	s64 step = (s64)c->op_size * count;

	if (c->rflags & X86_EFLAGS_DF)
		step = -step;
	emul_set_gpr(c, reg, emul_gpr(c, reg) + step, c->addr_size);
}

/* Count the iterations off RCX and say whether the instruction goes on. */
static void count_down(struct emul_ctxt *c, u32 count)
{
	u64 left;

	if (!c->rep)
		return;
	left = (index_reg(c, EMUL_RCX) - count) & emul_mask(c->addr_size);
	emul_set_gpr(c, EMUL_RCX, left, c->addr_size);
	c->rep_again = left != 0;
	/* CMPS and SCAS also stop on ZF: F3 while equal, F2 while not. */
	if (c->op == OP_CMPS || c->op == OP_SCAS) {
		bool equal = c->new_rflags & X86_EFLAGS_ZF;

		if (c->rep == (equal ? 0xf2 : 0xf3))
			c->rep_again = false;
		/* Who interrupts Intel's CPUs in between sees the flags of before. */
		if (c->rep_again && !emul_env_has_feature(c, EMUL_FEAT_AMD_CPU))
			c->new_rflags = (c->new_rflags & ~(u64)FL_ARITH) | (c->rflags & FL_ARITH);
	}
}

/*
 * Repeating with short addresses in 64-bit mode, Intel's CPUs clear the upper half
 * of the counter even when it is 0, and those of the pointers if MOVS or STOS does.
 */
static void clear_upper_halves(struct emul_ctxt *c)
{
	if (!c->rep || c->addr_size != 4 || !emul_is_long(c) ||
	    emul_env_has_feature(c, EMUL_FEAT_AMD_CPU))
		return;
	emul_set_gpr(c, EMUL_RCX, emul_gpr(c, EMUL_RCX), 4);
	if (c->op == OP_MOVS)
		emul_set_gpr(c, EMUL_RSI, emul_gpr(c, EMUL_RSI), 4);
	if (c->op == OP_MOVS || c->op == OP_STOS)
		emul_set_gpr(c, EMUL_RDI, emul_gpr(c, EMUL_RDI), 4);
}

static enum emul_result exec_memory_string(struct emul_ctxt *c)
{
	bool reads_si = c->op == OP_MOVS || c->op == OP_CMPS || c->op == OP_LODS;
	bool reads_di = c->op == OP_CMPS || c->op == OP_SCAS;
	bool writes_di = c->op == OP_MOVS || c->op == OP_STOS;
	unsigned int bytes = c->op_size;
	u64 a = emul_gpr(c, EMUL_RAX), b = 0;
	enum emul_result res = EMUL_CONTINUE;

	if (reads_si) {
		a = 0;
		res = emul_read(c, source_seg(c), index_reg(c, EMUL_RSI), &a, bytes);
	}
	if (res == EMUL_CONTINUE && reads_di)
		res = emul_read(c, EMUL_ES, index_reg(c, EMUL_RDI), &b, bytes);
	if (res == EMUL_CONTINUE && writes_di)
		res = emul_write(c, EMUL_ES, index_reg(c, EMUL_RDI), &a, bytes);
	if (res != EMUL_CONTINUE)
		return res;
	if (reads_di)
		emul_alu(OP_CMP, a, b, bytes, &c->new_rflags);
	if (c->op == OP_LODS)
		emul_set_gpr(c, EMUL_RAX, a, bytes);
	if (reads_si)
		advance(c, EMUL_RSI, 1);
	if (reads_di || writes_di)
		advance(c, EMUL_RDI, 1);
	count_down(c, 1);
	return EMUL_CONTINUE;
}

/* How many items fit between this address and its page's end, and in the buffer. */
static u32 batch_size(struct emul_ctxt *c, u64 linear)
{
	u64 count, room = PAGE_BYTES - (linear & (PAGE_BYTES - 1));

	if (!c->rep || (c->rflags & X86_EFLAGS_DF))
		return 1;
	count = min_t(u64, room, emul_env_pio_page_size(c)) / c->op_size;
	count = min(count, index_reg(c, EMUL_RCX));
	return count ? count : 1;
}

/*
 * A device gives each datum once: see that there is a place for all of them
 * before it is asked. A batch goes to RAM in one piece; items for a device go
 * one by one.
 */
static enum emul_result check_destination(struct emul_ctxt *c, const struct emul_phys *phys,
					  u32 *count)
{
	unsigned int i, len = *count > 1 ? *count * c->op_size : phys->len[0];
	enum emul_result res;

	for (i = 0; i < 2 && len; i++, len = phys->len[1]) {
		res = emul_env_probe_write(c, phys->gpa[i], len);
		if (res == EMUL_UNHANDLEABLE)
			return res;
		if (res == EMUL_IO_NEEDED)
			*count = 1;
	}
	return EMUL_CONTINUE;
}

/*
 * Find the memory side of INS or OUTS: as many items as share a page, fewer if
 * the segment ends before that. An item across two pages goes alone.
 */
static enum emul_result map_batch(struct emul_ctxt *c, unsigned int seg, u64 ea, u32 access,
				  u32 *count, struct emul_phys *phys)
{
	unsigned int bytes = c->op_size;
	enum emul_result res;
	u64 linear, last;

	*count = 1;
	res = emul_linearize(c, seg, ea, bytes, access, &linear);
	if (res == EMUL_CONTINUE)
		*count = batch_size(c, linear);
	if (*count > 1) {
		last = ea + (u64)*count * bytes - 1;
		if (last > emul_mask(c->addr_size) ||
		    emul_linearize(c, seg, ea, *count * bytes, access, &linear) != EMUL_CONTINUE)
			*count = 1;
	}
	if (res == EMUL_CONTINUE)
		res = emul_map(c, seg, ea, bytes, access, phys);
	if (res != EMUL_CONTINUE)
		return res;
	return access == EMUL_ACC_WRITE ? check_destination(c, phys, count) : EMUL_CONTINUE;
}

/*
 * What the device returned for a batch is still in the PIO page, but memory may
 * have changed since it was asked. RCX alone may have made the batch smaller:
 * userspace set it, and what is then left over nobody wants.
 */
static bool batch_still_fits(struct emul_ctxt *c, u32 count)
{
	return count >= c->io.count || (c->rep && count == index_reg(c, EMUL_RCX));
}

static enum emul_result exec_ins(struct emul_ctxt *c)
{
	u16 port = emul_gpr(c, EMUL_RDX);
	unsigned int bytes = c->op_size;
	u64 ea = index_reg(c, EMUL_RDI);
	struct emul_phys phys;
	enum emul_result res;
	u32 count;

	res = map_batch(c, EMUL_ES, ea, EMUL_ACC_WRITE, &count, &phys);
	if (res != EMUL_CONTINUE)
		return res;
	if (c->io.kind == EMUL_IO_PIO_IN && c->io.in_ready) {
		if (!batch_still_fits(c, count))
			return EMUL_UNHANDLEABLE;
		count = min(count, c->io.count);
	} else {
		res = emul_env_pio_in(c, port, bytes, count);
		if (res == EMUL_IO_NEEDED) {
			c->io.kind = EMUL_IO_PIO_IN;
			c->io.port = port;
			c->io.size = bytes;
			c->io.count = count;
		}
		if (res != EMUL_CONTINUE)
			return res;
	}
	if (count == 1) {
		res = emul_phys_write(c, &phys, emul_env_pio_page(c));
	} else {
		/* Too much to stage; a whole batch in RAM cannot fail half way. */
		res = emul_env_write_phys(c, phys.gpa[0], emul_env_pio_page(c), count * bytes);
		if (res == EMUL_IO_NEEDED)
			res = EMUL_UNHANDLEABLE;
	}
	if (res != EMUL_CONTINUE)
		return res;
	c->io.kind = EMUL_IO_NONE;
	c->io.in_ready = false;
	advance(c, EMUL_RDI, count);
	count_down(c, count);
	return EMUL_CONTINUE;
}

static enum emul_result exec_outs(struct emul_ctxt *c)
{
	u16 port = emul_gpr(c, EMUL_RDX);
	unsigned int bytes = c->op_size;
	struct emul_phys phys;
	enum emul_result res;
	u32 count;

	res = map_batch(c, source_seg(c), index_reg(c, EMUL_RSI), 0, &count, &phys);
	if (res != EMUL_CONTINUE)
		return res;
	if (count > 1) {
		res = emul_env_read_phys(c, phys.gpa[0], emul_env_pio_page(c), count * bytes);
		if (res == EMUL_IO_NEEDED)
			count = 1;
		else if (res != EMUL_CONTINUE)
			return res;
	}
	if (count == 1) {
		res = emul_phys_read(c, &phys, emul_env_pio_page(c));
		if (res != EMUL_CONTINUE)
			return res;
	}
	res = emul_env_pio_out(c, port, bytes, count);
	if (res == EMUL_IO_NEEDED) {
		c->io.kind = EMUL_IO_PIO_OUT;
		c->io.port = port;
		c->io.size = bytes;
		c->io.count = count;
	} else if (res != EMUL_CONTINUE) {
		return res;
	}
	advance(c, EMUL_RSI, count);
	count_down(c, count);
	return EMUL_CONTINUE;
}

/**
 * emul_exec_string - execute one iteration of a string instruction
 * @c: the emulation context
 *
 * With a repeat prefix and RCX = 0 nothing is done. Otherwise registers advance
 * by what was done and c->rep_again tells whether iterations are left.
 *
 * Return: as the accesses it makes; after a fault nothing has advanced.
 */
enum emul_result emul_exec_string(struct emul_ctxt *c)
{
	enum emul_result res;

	if (c->op == OP_INS || c->op == OP_OUTS) {
		if (c->op_size == 8)
			c->op_size = 4;
		/* The port is checked even when there is nothing to transfer. */
		res = emul_check_io(c, emul_gpr(c, EMUL_RDX), c->op_size);
		if (res != EMUL_CONTINUE)
			return res;
	} else {
		clear_upper_halves(c);
	}
	if (c->rep && !index_reg(c, EMUL_RCX))
		return EMUL_CONTINUE;
	switch (c->op) {
	case OP_INS:
		return exec_ins(c);
	case OP_OUTS:
		return exec_outs(c);
	default:
		return exec_memory_string(c);
	}
}
