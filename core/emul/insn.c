// SPDX-License-Identifier: GPL-2.0-only
/*
 * The emulator's entry points: take a snapshot, decode, execute, commit. What
 * happens around an instruction lives here: repetition, restart after a device
 * read, interrupt shadow, single step.
 */
#include "core/emul/internal.h"

/*
 * Iterations of a string instruction before the guest's exits are looked at again,
 * device reads in between or not.
 */
#define MAX_ITERATIONS 1024

/**
 * emul_snapshot - take the vCPU's mode, flags and control registers
 * @c: the emulation context; what was staged before is dropped
 *
 * General purpose and segment registers are fetched when they are asked for.
 */
void emul_snapshot(struct emul_ctxt *c)
{
	bool cs_l;

	c->gpr_valid = 0;
	c->gpr_dirty = 0;
	c->seg_valid = 0;
	c->seg_dirty = 0;
	c->sys_seg_dirty = false;
	c->rip = emul_env_get_rip(c);
	c->rflags = emul_env_get_rflags(c);
	c->cpl = emul_env_get_cpl(c);
	c->cr0 = emul_env_read_cr(c, 0);
	c->cr4 = emul_env_read_cr(c, 4);
	c->efer = emul_env_read_efer(c);
	emul_env_get_cs_db_l(c, &c->cs_db, &cs_l);
	if (!(c->cr0 & X86_CR0_PE))
		c->mode = EMUL_MODE_REAL;
	else if (c->rflags & X86_EFLAGS_VM)
		c->mode = EMUL_MODE_VM86;
	else if ((c->efer & EMUL_EFER_LMA) && cs_l)
		c->mode = EMUL_MODE_LONG;
	else
		c->mode = EMUL_MODE_PROT;
}

static void forget_io(struct emul_ctxt *c)
{
	c->nr_reads = 0;
	c->next_read = 0;
	c->nr_writes = 0;
	c->io.kind = EMUL_IO_NONE;
	c->io.in_ready = false;
}

/*
 * The bytes mean what they were decoded to only here and in this mode, and
 * what was translated so far was checked for this privilege level.
 */
static bool decode_still_holds(const struct emul_ctxt *c)
{
	return c->decoded && c->rip == c->decoded_rip && c->mode == c->decoded_mode &&
	       c->cs_db == c->decoded_cs_db && c->cpl == c->decoded_cpl;
}

static void begin_pass(struct emul_ctxt *c)
{
	c->next_rip = c->rip + c->insn_len;
	if (!emul_is_long(c))
		c->next_rip = (u32)c->next_rip;
	c->new_rflags = c->rflags & ~(u64)X86_EFLAGS_RF;
	c->rep_again = false;
	c->halt = false;
	c->shadow = EMUL_SHADOW_NONE;
	c->nr_writes = 0;
	c->next_read = 0;
}

/**
 * emul_commit_registers - write back what was staged, but for memory
 * @c: the emulation context
 */
void emul_commit_registers(struct emul_ctxt *c)
{
	unsigned int i;

	for (i = 0; c->gpr_dirty >> i; i++) {
		if (c->gpr_dirty & (1u << i))
			emul_env_write_gpr(c, i, c->gpr[i]);
	}
	c->gpr_dirty = 0;
	for (i = 0; c->seg_dirty >> i; i++) {
		if (c->seg_dirty & (1u << i))
			emul_env_set_segment(c, i, &c->seg[i]);
	}
	c->seg_dirty = 0;
	if (c->sys_seg_dirty)
		emul_env_set_segment(c, c->sys_seg_nr, &c->sys_seg);
	c->sys_seg_dirty = false;
	if (c->new_rflags != c->rflags)
		emul_env_set_rflags(c, c->new_rflags);
	if (!c->rep_again)
		emul_env_set_rip(c, c->next_rip);
}

/* Make an executed pass real. Memory first: it alone can still fail. */
static enum emul_status commit(struct emul_ctxt *c, u32 flags)
{
	bool step = (c->rflags & X86_EFLAGS_TF) && !(flags & EMULF_SKIP);
	enum emul_result res = emul_commit_writes(c);

	if (res == EMUL_UNHANDLEABLE)
		return EMUL_FAILED;
	emul_commit_registers(c);
	emul_env_set_shadow(c, c->shadow);
	/* The trap after a move to SS is lost, as on the CPU. */
	if (step && c->shadow != EMUL_SHADOW_MOV_SS)
		emul_env_single_step(c);
	c->rflags = c->new_rflags;
	c->nr_reads = 0;
	if (res == EMUL_IO_NEEDED) {
		c->io.kind = EMUL_IO_MMIO_WRITE;
		return EMUL_IO;
	}
	if (c->io.kind == EMUL_IO_PIO_OUT)
		return EMUL_IO;
	return c->halt ? EMUL_HALTED : EMUL_DONE;
}

static enum emul_status give_up(struct emul_ctxt *c, enum emul_result res, u32 flags)
{
	c->nr_writes = 0;
	switch (res) {
	case EMUL_IO_NEEDED:
		return EMUL_IO;
	case EMUL_RETRY:
		forget_io(c);
		return EMUL_AGAIN;
	case EMUL_FAULT:
		forget_io(c);
		return EMUL_EXCEPTION;
	default:
		forget_io(c);
		if (!(flags & EMULF_UD_TRAP))
			return EMUL_FAILED;
		emul_raise(c, EXC_UD);
		return EMUL_EXCEPTION;
	}
}

static enum emul_status execute(struct emul_ctxt *c, u32 flags)
{
	enum emul_status status;
	enum emul_result res;

	do {
		begin_pass(c);
		res = flags & EMULF_SKIP ? EMUL_CONTINUE : emul_exec(c);
		if (res != EMUL_CONTINUE)
			return give_up(c, res, flags);
		status = commit(c, flags);
		if (status != EMUL_DONE || !c->rep_again || (c->rflags & X86_EFLAGS_TF))
			return status;
	} while (--c->budget && !emul_env_should_stop(c));
	return EMUL_DONE;
}

/**
 * emul_run - emulate the instruction at the guest's RIP
 * @c: the vCPU's emulation context
 * @flags: EMULF_*
 * @insn: the first bytes of the instruction if the caller has them, or NULL
 * @len: how many bytes @insn has
 *
 * May sleep. The vCPU's registers are loaded and its mutex is held. On EMUL_DONE,
 * EMUL_HALTED and EMUL_IO all that was completed has been written back: registers, flags,
 * RIP, interrupt shadow, memory. A repeated string instruction may return with
 * iterations left and RIP unmoved; the guest then simply runs it again.
 *
 * EMUL_AGAIN is no instruction's end: a locked update lost its race, or what
 * was to be restarted is gone. No step trap and no debugger's step belong to it.
 *
 * EMUL_IO with c->io.kind naming a read (MMIO_READ, PIO_IN) means that the
 * instruction has changed nothing yet and runs again once emul_complete_*() is
 * called; with a write it is over, only the data must still go out.
 *
 * Return: see enum emul_status.
 */
enum emul_status emul_run(struct emul_ctxt *c, u32 flags, const u8 *insn, int len)
{
	enum emul_result res;

	emul_snapshot(c);
	if (flags & EMULF_NO_DECODE) {
		/* Userspace replaced the state while it served the exit: that wins. */
		if (!decode_still_holds(c)) {
			forget_io(c);
			return EMUL_AGAIN;
		}
		return execute(c, flags);
	}
	forget_io(c);
	c->budget = MAX_ITERATIONS;
	c->known.valid = flags & EMULF_GPA_KNOWN;
	c->insn_len = 0;
	res = emul_decode(c, insn, insn ? len : 0);
	if (res != EMUL_CONTINUE)
		return give_up(c, res, flags);
	return execute(c, flags);
}

/**
 * emul_complete_mmio_read - take the data of an MMIO read and go on
 * @c: the emulation context; c->io.data holds c->io.len bytes
 *
 * Return: as emul_run(); EMUL_AGAIN if no read was pending.
 */
enum emul_status emul_complete_mmio_read(struct emul_ctxt *c)
{
	if (c->io.kind != EMUL_IO_MMIO_READ)
		return EMUL_AGAIN;
	c->io.kind = EMUL_IO_NONE;
	emul_record_read(c, c->io.gpa, c->io.data, c->io.len);
	return emul_run(c, EMULF_NO_DECODE, NULL, 0);
}

/**
 * emul_complete_pio_in - take the data of port input and go on
 * @c: the emulation context; the PIO page holds the data
 *
 * Return: as emul_run(); EMUL_AGAIN if no input was pending.
 */
enum emul_status emul_complete_pio_in(struct emul_ctxt *c)
{
	if (c->io.kind != EMUL_IO_PIO_IN)
		return EMUL_AGAIN;
	c->io.in_ready = true;
	return emul_run(c, EMULF_NO_DECODE, NULL, 0);
}

/**
 * emul_reset - drop whatever an interrupted emulation left behind
 * @c: the emulation context
 *
 * For INIT. What userspace replaces is seen when the instruction goes on.
 */
void emul_reset(struct emul_ctxt *c)
{
	forget_io(c);
	c->decoded = false;
	c->known.valid = false;
}

static enum emul_kind kind_of(u16 op)
{
	switch (op) {
	case OP_MOV_TO_CR:
		return EMUL_KIND_MOV_TO_CR;
	case OP_MOV_FROM_CR:
		return EMUL_KIND_MOV_FROM_CR;
	case OP_MOV_TO_DR:
		return EMUL_KIND_MOV_TO_DR;
	case OP_MOV_FROM_DR:
		return EMUL_KIND_MOV_FROM_DR;
	case OP_CLTS:
		return EMUL_KIND_CLTS;
	case OP_LMSW:
		return EMUL_KIND_LMSW;
	case OP_SMSW:
		return EMUL_KIND_SMSW;
	case OP_INVLPG:
		return EMUL_KIND_INVLPG;
	case OP_INT:
		return EMUL_KIND_INT_N;
	case OP_INT3:
		return EMUL_KIND_INT3;
	case OP_INT1:
		return EMUL_KIND_INT1;
	case OP_INTO:
		return EMUL_KIND_INTO;
	case OP_IN:
		return EMUL_KIND_IN;
	case OP_OUT:
		return EMUL_KIND_OUT;
	case OP_INS:
		return EMUL_KIND_INS;
	case OP_OUTS:
		return EMUL_KIND_OUTS;
	default:
		return EMUL_KIND_OTHER;
	}
}

/**
 * emul_plain_linear - linear address of the memory operand, unchecked
 * @c: the emulation context
 *
 * INVLPG ignores segment limits and a non-canonical address is no fault.
 *
 * Return: the address.
 */
u64 emul_plain_linear(struct emul_ctxt *c)
{
	unsigned int seg = c->mem.seg;

	if (!emul_is_long(c))
		return (u32)(emul_segment(c, seg)->base + c->mem.ea);
	if (seg == EMUL_FS || seg == EMUL_GS)
		return emul_segment(c, seg)->base + c->mem.ea;
	return c->mem.ea;
}

/**
 * emul_decode_info - decode only: length and operands for the vendor's exits
 * @c: the vCPU's emulation context; a pending IO exit is forgotten
 * @insn: the first bytes of the instruction if known, or NULL
 * @len: how many bytes @insn has
 * @info: receives the description
 *
 * Serves CPUs without next-RIP saving and without decode assists. Changes no
 * guest state.
 *
 * Return: EMUL_DONE with @info filled; EMUL_EXCEPTION when the fetch faults or
 * the bytes are no instruction; EMUL_FAILED when the length cannot be known.
 */
enum emul_status emul_decode_info(struct emul_ctxt *c, const u8 *insn, int len,
				  struct emul_decode_info *info)
{
	enum emul_result res;

	emul_snapshot(c);
	forget_io(c);
	c->known.valid = false;
	res = emul_decode(c, insn, insn ? len : 0);
	if (res != EMUL_CONTINUE)
		return give_up(c, res, 0);
	c->decoded = false;
	if (c->op == OP_UD) {
		emul_raise(c, EXC_UD);
		return EMUL_EXCEPTION;
	}
	*info = (struct emul_decode_info){
		.kind = kind_of(c->op),
		.len = c->insn_len,
		.gpr = c->modrm_rm,
		.creg = c->modrm_reg | (c->lock ? 8 : 0),
		.vector = c->src.val,
		.seg = c->mem.valid ? c->mem.seg :
		       c->op == OP_INS ? EMUL_ES :
		       c->seg_override == 0xff ? EMUL_DS : c->seg_override,
		.addr_size = c->addr_size,
		.op_size = c->op_size,
		.rep = c->rep && (c->flags & F_REP),
	};
	if (info->kind >= EMUL_KIND_IN)
		info->op_size = min_t(u8, info->op_size, 4);
	if (c->mem.valid)
		info->linear = emul_plain_linear(c);
	return EMUL_DONE;
}
