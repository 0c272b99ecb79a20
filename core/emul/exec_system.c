// SPDX-License-Identifier: GPL-2.0-only
/*
 * Port I/O with its permission checks, and instructions about the processor
 * itself: control, debug and model-specific registers, descriptor tables,
 * caches. What they mean is the environment's; who may use them is checked here.
 */
#include "core/emul/internal.h"

/* The TSS bitmap: a set bit, or no byte within the limit, forbids the port. */
static enum emul_result check_io_bitmap(struct emul_ctxt *c, u16 port, unsigned int size)
{
	struct kvm_segment tr;
	enum emul_result res;
	u16 offset, bits;

	emul_env_get_segment(c, EMUL_TR, &tr);
	/* A 16-bit TSS has no bitmap. */
	if (tr.unusable || (tr.type & 8) == 0 || tr.limit < 103)
		return emul_raise_err(c, EXC_GP, 0);
	res = emul_sys_read(c, tr.base + 102, &offset, 2);
	if (res != EMUL_CONTINUE)
		return res;
	if ((u32)offset + port / 8 + 1 > tr.limit)
		return emul_raise_err(c, EXC_GP, 0);
	res = emul_sys_read(c, tr.base + offset + port / 8, &bits, 2);
	if (res != EMUL_CONTINUE)
		return res;
	if ((bits >> (port & 7)) & ((1u << size) - 1))
		return emul_raise_err(c, EXC_GP, 0);
	return EMUL_CONTINUE;
}

/**
 * emul_check_io - may this code use this port
 * @c: the emulation context
 * @port: first port
 * @size: how many consecutive ports
 *
 * Source: "I/O privilege level" and "I/O permission bit map".
 *
 * Return: EMUL_CONTINUE, or EMUL_FAULT with #GP(0) or a #PF on the TSS.
 */
enum emul_result emul_check_io(struct emul_ctxt *c, u16 port, unsigned int size)
{
	if (c->mode == EMUL_MODE_REAL)
		return EMUL_CONTINUE;
	if (c->mode != EMUL_MODE_VM86 && c->cpl <= emul_iopl(c))
		return EMUL_CONTINUE;
	return check_io_bitmap(c, port, size);
}

static enum emul_result exec_in(struct emul_ctxt *c, u16 port, unsigned int size)
{
	enum emul_result res = EMUL_CONTINUE;
	u64 val = 0;

	if (c->io.kind != EMUL_IO_PIO_IN || !c->io.in_ready)
		res = emul_env_pio_in(c, port, size, 1);
	if (res == EMUL_IO_NEEDED) {
		c->io.kind = EMUL_IO_PIO_IN;
		c->io.in_ready = false;
		c->io.port = port;
		c->io.size = size;
		c->io.count = 1;
	}
	if (res != EMUL_CONTINUE)
		return res;
	c->io.kind = EMUL_IO_NONE;
	c->io.in_ready = false;
	memcpy(&val, emul_env_pio_page(c), size);
	emul_set_gpr(c, EMUL_RAX, val, size);
	return EMUL_CONTINUE;
}

static enum emul_result exec_out(struct emul_ctxt *c, u16 port, unsigned int size)
{
	u64 val = emul_gpr(c, EMUL_RAX);
	enum emul_result res;

	memcpy(emul_env_pio_page(c), &val, size);
	res = emul_env_pio_out(c, port, size, 1);
	if (res != EMUL_IO_NEEDED)
		return res;
	c->io.kind = EMUL_IO_PIO_OUT;
	c->io.port = port;
	c->io.size = size;
	c->io.count = 1;
	return EMUL_CONTINUE;
}

static enum emul_result exec_pio(struct emul_ctxt *c)
{
	unsigned int size = min_t(unsigned int, c->op_size, 4);
	u16 port = c->src.val;
	enum emul_result res;

	res = emul_check_io(c, port, size);
	if (res != EMUL_CONTINUE)
		return res;
	return c->op == OP_IN ? exec_in(c, port, size) : exec_out(c, port, size);
}

/* CLI and STI; IOPL forbids them, VME and PVI replace IF by VIF. */
static enum emul_result exec_cli_sti(struct emul_ctxt *c)
{
	bool sti = c->op == OP_STI, virt = false;
	u64 flag = X86_EFLAGS_IF;

	if (c->mode != EMUL_MODE_REAL && c->cpl > emul_iopl(c)) {
		if (c->mode == EMUL_MODE_VM86)
			virt = c->cr4 & X86_CR4_VME;
		else
			virt = c->cpl == 3 && (c->cr4 & X86_CR4_PVI);
		if (!virt || (sti && (c->rflags & X86_EFLAGS_VIP)))
			return emul_raise_err(c, EXC_GP, 0);
		flag = X86_EFLAGS_VIF;
	}
	if (sti) {
		if (!virt && !(c->rflags & X86_EFLAGS_IF))
			c->shadow = EMUL_SHADOW_STI;
		c->new_rflags |= flag;
	} else {
		c->new_rflags &= ~flag;
	}
	return EMUL_CONTINUE;
}

/* CLTS and LMSW act on CR0's low bits; LMSW cannot clear PE. */
static enum emul_result exec_msw(struct emul_ctxt *c)
{
	u64 cr0 = c->cr0;

	if (c->op == OP_CLTS)
		cr0 &= ~(u64)X86_CR0_TS;
	else
		cr0 = (cr0 & ~0xeull) | (c->src.val & 0xf);
	return emul_env_write_cr(c, 0, cr0);
}

static enum emul_result exec_load_dt(struct emul_ctxt *c)
{
	unsigned int bytes = emul_is_long(c) ? 8 : 4;
	struct kvm_dtable dt = { 0 };
	u8 buf[10] = { 0 };
	enum emul_result res;
	u16 limit;

	res = emul_read(c, c->mem.seg, c->mem.ea, buf, bytes + 2);
	if (res != EMUL_CONTINUE)
		return res;
	memcpy(&limit, buf, 2);
	memcpy(&dt.base, buf + 2, bytes);
	dt.limit = limit;
	if (bytes == 4 && c->op_size == 2)
		dt.base &= 0xffffff;
	if (bytes == 8 && !emul_canonical(c, dt.base))
		return emul_raise_err(c, EXC_GP, 0);
	emul_env_set_dt(c, c->op == OP_LIDT, &dt);
	return EMUL_CONTINUE;
}

static enum emul_result exec_store_dt(struct emul_ctxt *c)
{
	unsigned int bytes = emul_is_long(c) ? 8 : 4;
	struct kvm_dtable dt;
	u8 buf[10];
	u64 base;

	emul_env_get_dt(c, c->op == OP_SIDT, &dt);
	base = dt.base;
	memcpy(buf, &dt.limit, 2);
	memcpy(buf + 2, &base, bytes);
	return emul_write(c, c->mem.seg, c->mem.ea, buf, bytes + 2);
}

static enum emul_result exec_mov_cr(struct emul_ctxt *c)
{
	unsigned int nr = c->modrm_reg | (c->lock ? 8 : 0);

	if (c->op == OP_MOV_TO_CR)
		return emul_env_write_cr(c, nr, emul_gpr(c, c->modrm_rm) & emul_mask(c->op_size));
	emul_set_gpr(c, c->modrm_rm, emul_env_read_cr(c, nr), c->op_size);
	return EMUL_CONTINUE;
}

static enum emul_result exec_mov_dr(struct emul_ctxt *c)
{
	unsigned int nr = c->modrm_reg;
	enum emul_result res;
	u64 val;

	if (nr == 4 || nr == 5)
		nr += 2;
	if (c->op == OP_MOV_TO_DR)
		return emul_env_write_dr(c, nr, emul_gpr(c, c->modrm_rm) & emul_mask(c->op_size));
	res = emul_env_read_dr(c, nr, &val);
	if (res == EMUL_CONTINUE)
		emul_set_gpr(c, c->modrm_rm, val, c->op_size);
	return res;
}

static enum emul_result exec_msr(struct emul_ctxt *c)
{
	u32 msr = emul_gpr(c, EMUL_RCX);
	enum emul_result res;
	u64 val;

	if (c->op == OP_WRMSR) {
		val = (u32)emul_gpr(c, EMUL_RAX) | (emul_gpr(c, EMUL_RDX) << 32);
		return emul_env_write_msr(c, msr, val);
	}
	res = emul_env_read_msr(c, msr, &val);
	if (res == EMUL_CONTINUE) {
		emul_set_gpr(c, EMUL_RAX, val, 4);
		emul_set_gpr(c, EMUL_RDX, val >> 32, 4);
	}
	return res;
}

static enum emul_result exec_rdtsc(struct emul_ctxt *c)
{
	enum emul_result res;
	u64 val, aux;

	if (c->op == OP_RDTSCP && !emul_env_has_feature(c, EMUL_FEAT_RDTSCP))
		return emul_raise(c, EXC_UD);
	if ((c->cr4 & X86_CR4_TSD) && c->cpl)
		return emul_raise_err(c, EXC_GP, 0);
	if (c->op == OP_RDTSCP) {
		res = emul_env_read_msr(c, 0xc0000103 /* TSC_AUX */, &aux);
		if (res != EMUL_CONTINUE)
			return res;
		emul_set_gpr(c, EMUL_RCX, aux, 4);
	}
	val = emul_env_read_tsc(c);
	emul_set_gpr(c, EMUL_RAX, val, 4);
	emul_set_gpr(c, EMUL_RDX, val >> 32, 4);
	return EMUL_CONTINUE;
}

static void exec_cpuid(struct emul_ctxt *c)
{
	u32 eax = emul_gpr(c, EMUL_RAX), ebx = emul_gpr(c, EMUL_RBX);
	u32 ecx = emul_gpr(c, EMUL_RCX), edx = emul_gpr(c, EMUL_RDX);

	emul_env_cpuid(c, &eax, &ebx, &ecx, &edx);
	emul_set_gpr(c, EMUL_RAX, eax, 4);
	emul_set_gpr(c, EMUL_RBX, ebx, 4);
	emul_set_gpr(c, EMUL_RCX, ecx, 4);
	emul_set_gpr(c, EMUL_RDX, edx, 4);
}

/*
 * Fences have register forms; the memory forms of the same ModRM.reg are XRSTOR,
 * XSAVEOPT and cache line write-backs, whose only architectural effect is a read
 * of the line.
 */
static enum emul_result exec_fence(struct emul_ctxt *c)
{
	struct emul_phys phys;

	if (c->rep)
		return EMUL_UNHANDLEABLE;
	if (!c->mem.valid)
		return c->opsize66 ? EMUL_UNHANDLEABLE : EMUL_CONTINUE;
	if (c->op == OP_FENCE && !(c->modrm_reg == 6 && c->opsize66))
		return EMUL_UNHANDLEABLE;
	if (!emul_env_has_feature(c, EMUL_FEAT_CLFLUSH))
		return emul_raise(c, EXC_UD);
	return emul_map(c, c->mem.seg, c->mem.ea, 1, 0, &phys);
}

/* The few x87 instructions that probe for or reset the unit. */
static enum emul_result exec_fpu(struct emul_ctxt *c)
{
	unsigned int reg = c->modrm_reg & 7;
	u16 val;

	if (c->cr0 & (X86_CR0_EM | X86_CR0_TS))
		return emul_raise(c, EXC_NM);
	if (c->modrm_mod == 3) {
		if (c->opcode == 0xdb && c->modrm == 0xe3) {
			emul_env_fninit(c);
			return EMUL_CONTINUE;
		}
		if (c->opcode == 0xd9 && c->modrm == 0xd0)	/* FNOP */
			return EMUL_CONTINUE;
		if (c->opcode != 0xdf || c->modrm != 0xe0)
			return EMUL_UNHANDLEABLE;
		emul_set_gpr(c, EMUL_RAX, emul_env_fnstsw(c), 2);
		return EMUL_CONTINUE;
	}
	if (reg != 7 || (c->opcode != 0xd9 && c->opcode != 0xdd))
		return EMUL_UNHANDLEABLE;
	val = c->opcode == 0xd9 ? emul_env_fnstcw(c) : emul_env_fnstsw(c);
	return emul_write(c, c->mem.seg, c->mem.ea, &val, 2);
}

static enum emul_result exec_fwait(struct emul_ctxt *c)
{
	if ((c->cr0 & (X86_CR0_MP | X86_CR0_TS)) == (X86_CR0_MP | X86_CR0_TS))
		return emul_raise(c, EXC_NM);
	/* FNSTSW's summary bit: an unmasked x87 exception is waiting. */
	if (emul_env_fnstsw(c) & 0x80)
		return c->cr0 & X86_CR0_NE ? emul_raise(c, EXC_MF) : EMUL_UNHANDLEABLE;
	return EMUL_CONTINUE;
}

/**
 * emul_exec_system - execute a system or port I/O instruction
 * @c: the emulation context, operands loaded, privilege checked
 *
 * Return: EMUL_CONTINUE, EMUL_IO_NEEDED for input from a port, EMUL_FAULT.
 */
enum emul_result emul_exec_system(struct emul_ctxt *c)
{
	switch (c->op) {
	case OP_IN:
	case OP_OUT:
		return exec_pio(c);
	case OP_HLT:
		c->halt = true;
		break;
	case OP_CLI:
	case OP_STI:
		return exec_cli_sti(c);
	case OP_CLTS:
	case OP_LMSW:
		return exec_msw(c);
	case OP_SMSW:
		c->dst.val = c->cr0;
		break;
	case OP_LGDT:
	case OP_LIDT:
		return exec_load_dt(c);
	case OP_SGDT:
	case OP_SIDT:
		return exec_store_dt(c);
	case OP_INVLPG:
		emul_env_invlpg(c, emul_plain_linear(c));
		break;
	case OP_MOV_TO_CR:
	case OP_MOV_FROM_CR:
		return exec_mov_cr(c);
	case OP_MOV_TO_DR:
	case OP_MOV_FROM_DR:
		return exec_mov_dr(c);
	case OP_RDMSR:
	case OP_WRMSR:
		return exec_msr(c);
	case OP_RDTSC:
	case OP_RDTSCP:
		return exec_rdtsc(c);
	case OP_CPUID:
		exec_cpuid(c);
		break;
	case OP_WBINVD:
		emul_env_wbinvd(c);
		break;
	case OP_FENCE:
	case OP_CLFLUSH:
		return exec_fence(c);
	case OP_FPU:
		return exec_fpu(c);
	default:	/* OP_FWAIT */
		return exec_fwait(c);
	}
	return EMUL_CONTINUE;
}
