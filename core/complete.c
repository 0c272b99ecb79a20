// SPDX-License-Identifier: GPL-2.0-only
/*
 * Between the emulator, the devices and userspace: what an instruction needs
 * from a device is asked of the in-kernel buses first and of userspace where
 * nobody answers; the next KVM_RUN settles what userspace owes. How an
 * instruction works is in emul/, what is on a bus in bus.c.
 */
#include <linux/nospec.h>
#include <linux/string.h>

#include "core/block.h"
#include "core/bus.h"
#include "core/complete.h"
#include "core/emul/emul_env.h"
#include "core/event.h"
#include "core/exit.h"
#include "core/irq/lapic.h"
#include "core/memslot.h"
#include "core/mmu/tdp.h"
#include "core/move.h"
#include "core/regs.h"
#include "core/run.h"
#include "core/trace.h"
#include "core/vcpu.h"
#include "core/vm.h"
#include "ops/event.h"
#include "ops/regs.h"
#include "ops/run.h"

/* struct kvm_run.mmio carries at most this many bytes a time. */
#define MMIO_CHUNK	8

static enum run_result act_on_emul_status(struct kvm_vcpu *vcpu, enum emul_status status);

/*
 * The emulated instruction is over, its stores are out: the step trap comes
 * now. The emulator knows the guest's TF; a debugger's is not in RFLAGS.
 */
static enum run_result retired(struct kvm_vcpu *vcpu)
{
	if (likely(!vcpu->complete.stepped && !(vcpu->guest_debug & KVM_GUESTDBG_SINGLESTEP)))
		return RUN_REENTER;
	vcpu->complete.stepped = false;
	return exit_single_step(vcpu);
}

/* Describe the next chunk of a device load to userspace. */
static enum run_result ask_mmio_read(struct kvm_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	struct emul_io *io = &vcpu->emul.io;
	u8 done = vcpu->complete.done;

	vcpu->complete.kind = COMPLETE_EMUL_READ;
	run->mmio.phys_addr = io->gpa + done;
	run->mmio.len = min_t(u32, io->len - done, MMIO_CHUNK);
	run->mmio.is_write = 0;
	trace_kvm_mmio(KVM_TRACE_MMIO_READ_UNSATISFIED, run->mmio.len, run->mmio.phys_addr, NULL);
	vcpu->stat.mmio_exits++;
	return vcpu_exit_to_user(vcpu, KVM_EXIT_MMIO);
}

static bool device_mmio_read(struct kvm_vcpu *vcpu)
{
	struct emul_io *io = &vcpu->emul.io;

	if (!kvm_lapic_mmio_read(vcpu, io->gpa, io->len, io->data) &&
	    !kvm_bus_read(vcpu, KVM_BUS_MMIO, io->gpa, io->len, io->data))
		return false;
	trace_kvm_mmio(KVM_TRACE_MMIO_READ, io->len, io->gpa, io->data);
	return true;
}

static enum run_result settle_mmio_read(struct kvm_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	struct emul_io *io = &vcpu->emul.io;
	u8 done = vcpu->complete.done;
	u8 chunk;

	/* Computed anew: run->mmio.len is userspace's to scribble on. */
	chunk = min_t(u8, io->len - done, MMIO_CHUNK);
	memcpy(io->data + done, run->mmio.data, chunk);
	trace_kvm_mmio(KVM_TRACE_MMIO_READ, chunk, io->gpa + done, io->data + done);
	vcpu->complete.done = done + chunk;
	if (vcpu->complete.done < io->len)
		return ask_mmio_read(vcpu);
	return act_on_emul_status(vcpu, emul_complete_mmio_read(&vcpu->emul));
}

/*
 * Hand out the stores of an instruction that has retired, in program order,
 * from (access, done) on. What a device in the kernel takes is not among them.
 */
static enum run_result hand_out_stores(struct kvm_vcpu *vcpu)
{
	struct complete_state *owed = &vcpu->complete;
	struct emul_ctxt *c = &vcpu->emul;
	struct kvm_run *run = vcpu->run;
	u8 chunk;

	for (; owed->access < c->nr_writes; owed->access++, owed->done = 0) {
		struct emul_access *w = &c->writes[owed->access];

		if (owed->done >= w->len)
			continue;

		/* The page is userspace's to change at any time: nothing is read back. */
		chunk = min_t(u8, w->len - owed->done, MMIO_CHUNK);
		run->mmio.phys_addr = w->gpa + owed->done;
		run->mmio.len = chunk;
		run->mmio.is_write = 1;
		memcpy(run->mmio.data, w->data + owed->done, chunk);
		owed->done += chunk;
		owed->kind = COMPLETE_EMUL_WRITE;
		vcpu->stat.mmio_exits++;
		return vcpu_exit_to_user(vcpu, KVM_EXIT_MMIO);
	}
	return retired(vcpu);
}

static enum run_result start_stores(struct kvm_vcpu *vcpu)
{
	vcpu->complete.access = 0;
	vcpu->complete.done = 0;
	return hand_out_stores(vcpu);
}

static enum run_result exit_string_pio(struct kvm_vcpu *vcpu, u8 direction)
{
	struct emul_io *io = &vcpu->emul.io;
	struct kvm_run *run = vcpu->run;

	run->io.direction = direction;
	run->io.size = io->size;
	run->io.port = io->port;
	run->io.count = io->count;
	run->io.data_offset = KVM_PIO_PAGE_OFFSET * PAGE_SIZE;
	vcpu->stat.io_exits++;
	return vcpu_exit_to_user(vcpu, KVM_EXIT_IO);
}

/* As with start_pio_out(): a device that answers once answers all. */
static bool device_pio_in(struct kvm_vcpu *vcpu)
{
	struct emul_io *io = &vcpu->emul.io;
	u8 *data = vcpu->pio_data;
	u32 i;

	if (!kvm_bus_read(vcpu, KVM_BUS_PIO, io->port, io->size, data))
		return false;
	for (i = 1; i < io->count; i++)
		kvm_bus_read(vcpu, KVM_BUS_PIO, io->port, io->size, data + i * io->size);
	trace_kvm_pio(KVM_TRACE_READ, io->port, io->size, io->count, data);
	return true;
}

/*
 * A device that takes the first datum takes them all: should it be
 * unregistered half way, the rest is lost like writes to an absent device.
 */
static enum run_result start_pio_out(struct kvm_vcpu *vcpu)
{
	struct emul_io *io = &vcpu->emul.io;
	const u8 *data = vcpu->pio_data;
	u32 i;

	trace_kvm_pio(KVM_TRACE_WRITE, io->port, io->size, io->count, data);
	if (!kvm_bus_write(vcpu, KVM_BUS_PIO, io->port, io->size, data)) {
		vcpu->complete.kind = COMPLETE_STEP;
		return exit_string_pio(vcpu, KVM_EXIT_IO_OUT);
	}
	for (i = 1; i < io->count; i++)
		kvm_bus_write(vcpu, KVM_BUS_PIO, io->port, io->size, data + i * io->size);
	return retired(vcpu);
}

static enum run_result start_emul_io(struct kvm_vcpu *vcpu)
{
	switch (vcpu->emul.io.kind) {
	case EMUL_IO_MMIO_READ:
		vcpu->complete.done = 0;
		return ask_mmio_read(vcpu);
	case EMUL_IO_MMIO_WRITE:
		return start_stores(vcpu);
	case EMUL_IO_PIO_IN:
		vcpu->complete.kind = COMPLETE_EMUL_PIO_IN;
		return exit_string_pio(vcpu, KVM_EXIT_IO_IN);
	case EMUL_IO_PIO_OUT:
		return start_pio_out(vcpu);
	case EMUL_IO_NONE:
		break;
	}
	return vcpu_internal_error(vcpu, KVM_INTERNAL_ERROR_EMULATION, 0);
}

void vcpu_queue_emul_exception(struct kvm_vcpu *vcpu)
{
	const struct emul_exception *e = &vcpu->emul.exception;

	if (e->vector == PF_VECTOR)
		kvm_inject_page_fault(vcpu, e->cr2, e->error_code);
	else if (e->vector == DB_VECTOR)
		kvm_queue_exception_p(vcpu, e->vector, e->cr2);
	else if (e->has_error)
		kvm_queue_exception_e(vcpu, e->vector, e->error_code);
	else
		kvm_queue_exception(vcpu, e->vector);
}

/*
 * An instruction beyond the emulator. Userspace gets the bytes; a guest's
 * user program must not be able to stop its kernel this way, so it gets #UD.
 */
enum run_result vcpu_emulation_failed(struct kvm_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	struct emul_ctxt *c = &vcpu->emul;
	u8 bytes[16] = {};

	vcpu->stat.insn_emulation_fail++;
	if (!vcpu->kvm->exit_on_emulation_error && kvm_x86_get_cpl(vcpu) != 0) {
		kvm_queue_exception(vcpu, UD_VECTOR);
		return RUN_REENTER;
	}
	memset(&run->emulation_failure, 0, sizeof(run->emulation_failure));
	run->emulation_failure.suberror = KVM_INTERNAL_ERROR_EMULATION;
	run->emulation_failure.ndata = 1;
	if (c->insn_avail) {
		u8 n = min_t(u8, c->insn_avail, EMUL_MAX_INSN);

		memcpy(bytes, c->insn, n);
		run->emulation_failure.ndata = 4;
		run->emulation_failure.flags =
			KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES;
		run->emulation_failure.insn_size = n;
		memset(run->emulation_failure.insn_bytes, 0x90,
		       sizeof(run->emulation_failure.insn_bytes));
		memcpy(run->emulation_failure.insn_bytes, bytes, n);
	}
	return vcpu_exit_to_user(vcpu, KVM_EXIT_INTERNAL_ERROR);
}

/* Go on with an instruction whose load a device in the kernel answered, if one did. */
static bool device_answers(struct kvm_vcpu *vcpu, enum emul_status *status)
{
	switch (vcpu->emul.io.kind) {
	case EMUL_IO_MMIO_READ:
		if (!device_mmio_read(vcpu))
			return false;
		*status = emul_complete_mmio_read(&vcpu->emul);
		return true;
	case EMUL_IO_PIO_IN:
		if (!device_pio_in(vcpu))
			return false;
		*status = emul_complete_pio_in(&vcpu->emul);
		return true;
	default:
		return false;
	}
}

static enum run_result act_on_emul_status(struct kvm_vcpu *vcpu, enum emul_status status)
{
	/* The guest says how often a string instruction asks: not by recursion. */
	while (status == EMUL_IO && device_answers(vcpu, &status))
		;
	switch (status) {
	case EMUL_AGAIN:
		return RUN_REENTER;
	case EMUL_DONE:
		return retired(vcpu);
	case EMUL_HALTED:
		return kvm_vcpu_halt(vcpu);
	case EMUL_IO:
		return start_emul_io(vcpu);
	case EMUL_EXCEPTION:
		vcpu_queue_emul_exception(vcpu);
		return RUN_REENTER;
	case EMUL_FAILED:
		break;
	}
	return vcpu_emulation_failed(vcpu);
}

enum run_result vcpu_emulate(struct kvm_vcpu *vcpu, u32 emul_flags, const u8 *insn, int insn_len)
{
	/*
	 * The guest chooses the instruction, the addresses and so the pages that are
	 * walked, faulted in and copied from or to.
	 */
	kvm_x86_host_data_touched(vcpu);
	vcpu->stat.insn_emulation++;
	vcpu->complete.stepped = false;
	return act_on_emul_status(vcpu, emul_run(&vcpu->emul, emul_flags, insn, insn_len));
}

/* The plain MOV that made an access, if it is one here and now, and no trap follows. */
static bool is_plain_move(struct kvm_vcpu *vcpu, const struct tdp_fault *fault,
			  struct emul_move *move)
{
	if (fault->guest_walk || fault->exec || !is_64_bit_mode(vcpu) || kvm_x86_get_cpl(vcpu) ||
	    kvm_x86_get_rflags(vcpu) & X86_EFLAGS_TF)
		return false;
	/* Where hardware knows the page, the access has not been looked up; stores are, later. */
	if (!fault->write && fault->gpa >> PAGE_SHIFT == TDP_APIC_GFN &&
	    gfn_to_memslot(vcpu->kvm, TDP_APIC_GFN))
		return false;
	return kvm_parse_move(vcpu, kvm_rip_read(vcpu), fault->gpa, !fault->write, move);
}

/* Registers alone are left to change. */
static void retire_move(struct kvm_vcpu *vcpu, const struct emul_move *move)
{
	unsigned long rflags = kvm_x86_get_rflags(vcpu);

	kvm_rip_write(vcpu, kvm_rip_read(vcpu) + move->len);
	if (rflags & X86_EFLAGS_RF)
		kvm_x86_set_rflags(vcpu, rflags & ~X86_EFLAGS_RF);
	kvm_end_interrupt_shadow(vcpu);
}

/* The emulator's context is idle, so its lists are there to be used. */
static enum run_result plain_store(struct kvm_vcpu *vcpu, gpa_t gpa, const struct emul_move *move)
{
	u64 val = kvm_move_datum(vcpu, move);
	struct emul_ctxt *c = &vcpu->emul;

	switch (emul_env_write_phys(c, gpa, &val, move->bytes)) {
	case EMUL_CONTINUE:
		retire_move(vcpu, move);
		return retired(vcpu);
	case EMUL_IO_NEEDED:
		retire_move(vcpu, move);
		c->writes[0].gpa = gpa;
		c->writes[0].len = move->bytes;
		memcpy(c->writes[0].data, &val, move->bytes);
		c->nr_writes = 1;
		return start_stores(vcpu);
	default:
		return vcpu_emulate(vcpu, 0, NULL, 0);
	}
}

static enum run_result finish_load(struct kvm_vcpu *vcpu)
{
	struct emul_io *io = &vcpu->emul.io;
	u64 val = 0;

	io->kind = EMUL_IO_NONE;
	memcpy(&val, io->data, sizeof(val));
	kvm_move_load(vcpu, &vcpu->complete.move, val);
	retire_move(vcpu, &vcpu->complete.move);
	return retired(vcpu);
}

static enum run_result plain_load(struct kvm_vcpu *vcpu, gpa_t gpa)
{
	struct emul_io *io = &vcpu->emul.io;
	enum run_result result;

	io->kind = EMUL_IO_MMIO_READ;
	io->gpa = gpa;
	io->len = vcpu->complete.move.bytes;
	if (device_mmio_read(vcpu))
		return finish_load(vcpu);
	vcpu->complete.done = 0;
	vcpu->complete.linear_rip = kvm_rip_read(vcpu);
	result = ask_mmio_read(vcpu);
	vcpu->complete.kind = COMPLETE_MOVE_LOAD;
	return result;
}

enum run_result vcpu_access_device(struct kvm_vcpu *vcpu, const struct tdp_fault *fault,
				   const u8 *insn, int insn_len)
{
	struct emul_move move;

	kvm_x86_host_data_touched(vcpu);
	if (!is_plain_move(vcpu, fault, &move)) {
		vcpu->emul.known.gpa = fault->gpa;
		vcpu->emul.known.write = fault->write;
		return vcpu_emulate(vcpu, fault->guest_walk || fault->exec ? 0 : EMULF_GPA_KNOWN,
				    insn, insn_len);
	}
	vcpu->stat.insn_emulation++;
	vcpu->complete.stepped = false;
	emul_reset(&vcpu->emul);
	if (fault->write)
		return plain_store(vcpu, fault->gpa, &move);
	vcpu->complete.move = move;
	return plain_load(vcpu, fault->gpa);
}

/* Userspace may have moved the vCPU elsewhere, a reset for one: then nothing is to retire. */
static bool moved_meanwhile(struct kvm_vcpu *vcpu)
{
	return kvm_get_linear_rip(vcpu) != vcpu->complete.linear_rip;
}

static enum run_result settle_pio_out(struct kvm_vcpu *vcpu)
{
	return moved_meanwhile(vcpu) ? RUN_REENTER : exit_skip_insn(vcpu);
}

void complete_pio_in(struct kvm_vcpu *vcpu, u32 val, u8 size)
{
	switch (size) {
	case 1:
		vcpu->regs[VCPU_REGS_RAX] = (vcpu->regs[VCPU_REGS_RAX] & ~0xffUL) | (u8)val;
		break;
	case 2:
		vcpu->regs[VCPU_REGS_RAX] = (vcpu->regs[VCPU_REGS_RAX] & ~0xffffUL) | (u16)val;
		break;
	default:
		vcpu->regs[VCPU_REGS_RAX] = val;
		break;
	}
	kvm_register_mark_dirty(vcpu, VCPU_REGS_RAX);
}

static enum run_result settle_pio_in(struct kvm_vcpu *vcpu)
{
	u32 val = 0;

	if (moved_meanwhile(vcpu))
		return RUN_REENTER;
	memcpy(&val, vcpu->pio_data, min_t(u8, vcpu->complete.pio_size, sizeof(val)));
	trace_kvm_pio(KVM_TRACE_READ, vcpu->run->io.port, vcpu->complete.pio_size, 1, &val);
	complete_pio_in(vcpu, val, vcpu->complete.pio_size);
	return exit_skip_insn(vcpu);
}

/*
 * The instruction runs again where userspace replaced what it depends on, as one
 * that the emulator has begun does.
 */
static enum run_result settle_move_load(struct kvm_vcpu *vcpu)
{
	struct emul_io *io = &vcpu->emul.io;

	if (io->kind != EMUL_IO_MMIO_READ || moved_meanwhile(vcpu) || !is_64_bit_mode(vcpu) ||
	    kvm_x86_get_cpl(vcpu)) {
		io->kind = EMUL_IO_NONE;
		return RUN_REENTER;
	}
	memcpy(io->data, vcpu->run->mmio.data, MMIO_CHUNK);
	trace_kvm_mmio(KVM_TRACE_MMIO_READ, io->len, io->gpa, io->data);
	return finish_load(vcpu);
}

static enum run_result settle_msr(struct kvm_vcpu *vcpu, bool read)
{
	struct kvm_run *run = vcpu->run;

	if (moved_meanwhile(vcpu))
		return RUN_REENTER;
	if (run->msr.error) {
		kvm_queue_exception_e(vcpu, GP_VECTOR, 0);
		return RUN_REENTER;
	}
	if (read) {
		u64 data = run->msr.data;

		kvm_register_write_raw(vcpu, VCPU_REGS_RAX, (u32)data);
		kvm_register_write_raw(vcpu, VCPU_REGS_RDX, data >> 32);
	}
	return exit_skip_insn(vcpu);
}

/**
 * vcpu_complete_userspace_io() - settle what userspace owes
 * @vcpu: the vCPU; kvm->srcu held
 *
 * Return: RUN_REENTER when all is settled; RUN_TO_USER when the instruction
 * needs userspace once more (the next piece of a wide access).
 */
enum run_result vcpu_complete_userspace_io(struct kvm_vcpu *vcpu)
{
	enum complete_kind kind = vcpu->complete.kind;

	vcpu->complete.kind = COMPLETE_NONE;
	switch (kind) {
	case COMPLETE_NONE:
		return RUN_REENTER;
	case COMPLETE_PIO_OUT:
		return settle_pio_out(vcpu);
	case COMPLETE_PIO_IN:
		return settle_pio_in(vcpu);
	case COMPLETE_MOVE_LOAD:
		return settle_move_load(vcpu);
	case COMPLETE_EMUL_READ:
		return settle_mmio_read(vcpu);
	case COMPLETE_EMUL_WRITE:
		return hand_out_stores(vcpu);
	case COMPLETE_EMUL_PIO_IN:
		return act_on_emul_status(vcpu, emul_complete_pio_in(&vcpu->emul));
	case COMPLETE_RDMSR:
		return settle_msr(vcpu, true);
	case COMPLETE_WRMSR:
		return settle_msr(vcpu, false);
	case COMPLETE_STEP:
		return retired(vcpu);
	}
	return RUN_REENTER;
}
