/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What userspace still owes a vCPU when KVM_RUN returned for it: the data of
 * a port read, of an MMIO access, of an MSR. The next KVM_RUN settles it
 * first (complete.c).
 */
#ifndef MONOVISOR_CORE_COMPLETE_H
#define MONOVISOR_CORE_COMPLETE_H

#include "core/emul/emul.h"
#include "core/mmu/mmu.h"
#include "core/types.h"

/**
 * enum complete_kind - the debt
 * @COMPLETE_NONE: nothing is owed.
 * @COMPLETE_PIO_OUT: a fast OUT; the instruction is retired afterwards, so that
 *	userspace sees RIP on the OUT (it may reset the machine).
 * @COMPLETE_PIO_IN: a fast IN; the datum goes to RAX, then retire.
 * @COMPLETE_MOVE_LOAD: a plain MOV; the datum goes to its register, then retire.
 * @COMPLETE_EMUL_READ: the emulator waits for a device to answer a load.
 * @COMPLETE_EMUL_WRITE: stores of a retired instruction are left to hand out.
 * @COMPLETE_EMUL_PIO_IN: the emulator waits for a string of port data.
 * @COMPLETE_RDMSR: EDX:EAX from run->msr.data (or #GP), then retire.
 * @COMPLETE_WRMSR: nothing (or #GP), then retire.
 * @COMPLETE_STEP: only the trap of an instruction that has retired.
 */
enum complete_kind {
	COMPLETE_NONE,
	COMPLETE_PIO_OUT,
	COMPLETE_PIO_IN,
	COMPLETE_MOVE_LOAD,
	COMPLETE_EMUL_READ,
	COMPLETE_EMUL_WRITE,
	COMPLETE_EMUL_PIO_IN,
	COMPLETE_RDMSR,
	COMPLETE_WRMSR,
	COMPLETE_STEP,
};

struct complete_state {
	enum complete_kind kind;
	unsigned long linear_rip;	/* of the instruction; not for the EMUL kinds */
	u8 pio_size;			/* COMPLETE_PIO_IN */
	struct emul_move move;		/* COMPLETE_MOVE_LOAD */
	bool stepped;			/* the emulated instruction ends in a single-step trap */
	u8 access;			/* COMPLETE_EMUL_WRITE: index of the store */
	u8 done;			/* bytes of this access userspace has seen */
};

enum run_result vcpu_complete_userspace_io(struct kvm_vcpu *vcpu);

/**
 * vcpu_emulate() - run the emulator at the guest's RIP and act on the outcome
 * @vcpu: the vCPU
 * @emul_flags: EMULF_*
 * @insn: instruction bytes the hardware supplied, or NULL
 * @insn_len: how many; 0 lets the emulator fetch them
 *
 * Context: vCPU loaded, kvm->srcu held, may sleep.
 * Return: where KVM_RUN goes on.
 */
enum run_result vcpu_emulate(struct kvm_vcpu *vcpu, u32 emul_flags, const u8 *insn, int insn_len);
/**
 * vcpu_access_device() - the same for an instruction that accessed what is no memory
 * @vcpu: the vCPU
 * @fault: the access; the CPU has checked it
 * @insn: as above
 * @insn_len: as above
 *
 * A plain MOV needs no emulator.
 */
enum run_result vcpu_access_device(struct kvm_vcpu *vcpu, const struct tdp_fault *fault,
				   const u8 *insn, int insn_len);
/* The datum of an IN goes to AL, AX or EAX. */
void complete_pio_in(struct kvm_vcpu *vcpu, u32 val, u8 size);
/* What the emulator reported as EMUL_EXCEPTION becomes the guest's. */
void vcpu_queue_emul_exception(struct kvm_vcpu *vcpu);
/* The instruction at RIP is beyond the emulator, or no length is to be found. */
enum run_result vcpu_emulation_failed(struct kvm_vcpu *vcpu);

#endif /* MONOVISOR_CORE_COMPLETE_H */
