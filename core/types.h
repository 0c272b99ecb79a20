/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Types every room shares: register and segment numbers, the result of a
 * stage of the run loop. No structure with state lives here.
 */
#ifndef MONOVISOR_CORE_TYPES_H
#define MONOVISOR_CORE_TYPES_H

#include <linux/kvm.h>
#include <linux/kvm_types.h>
#include <linux/types.h>

struct kvm;
struct kvm_vcpu;
struct kvm_memory_slot;

/* The hardware's encoding of general registers; RIP follows, then lazily read state. */
enum kvm_reg {
	VCPU_REGS_RAX = 0,
	VCPU_REGS_RCX = 1,
	VCPU_REGS_RDX = 2,
	VCPU_REGS_RBX = 3,
	VCPU_REGS_RSP = 4,
	VCPU_REGS_RBP = 5,
	VCPU_REGS_RSI = 6,
	VCPU_REGS_RDI = 7,
	VCPU_REGS_R8 = 8,
	VCPU_REGS_R9 = 9,
	VCPU_REGS_R10 = 10,
	VCPU_REGS_R11 = 11,
	VCPU_REGS_R12 = 12,
	VCPU_REGS_R13 = 13,
	VCPU_REGS_R14 = 14,
	VCPU_REGS_R15 = 15,
	VCPU_REGS_RIP = 16,
	NR_VCPU_REGS,

	/* Bits of regs_avail and regs_dirty only: no slot in regs[]. */
	VCPU_EXREG_RFLAGS = NR_VCPU_REGS,
	VCPU_EXREG_CR0,
	VCPU_EXREG_CR3,
	VCPU_EXREG_CR4,
};

/* The hardware's encoding in ModRM.reg of MOV Sreg, then the system segments. */
enum kvm_sreg {
	VCPU_SREG_ES,
	VCPU_SREG_CS,
	VCPU_SREG_SS,
	VCPU_SREG_DS,
	VCPU_SREG_FS,
	VCPU_SREG_GS,
	VCPU_SREG_TR,
	VCPU_SREG_LDTR,
	NR_VCPU_SREGS,
};

/**
 * enum run_result - what a stage of KVM_RUN decided
 * @RUN_REENTER_FAST: nothing changed that entry must look at; enter again with
 *	interrupts still disabled. Only fastpath exits return it.
 * @RUN_REENTER: handled; go round the loop (requests, events, entry).
 * @RUN_TO_USER: vcpu->run describes an exit; KVM_RUN returns 0.
 * @RUN_ERROR: KVM_RUN returns vcpu->run_errno, a negative errno; nothing of
 *	the guest was lost, the next KVM_RUN goes on where this one stopped.
 *
 * Stages of core/run.c that can end the run, and exit handlers, return one of these.
 */
enum run_result {
	RUN_REENTER_FAST,
	RUN_REENTER,
	RUN_TO_USER,
	RUN_ERROR,
};

#define KVM_MAX_VCPUS		1024
#define KVM_MAX_VCPU_ID		(KVM_MAX_VCPUS * 4)
/* A slot id is 16 bits of kvm_userspace_memory_region.slot; a few stay free for private use. */
#define KVM_USER_MEM_SLOTS	32764
#define KVM_MAX_IRQ_ROUTES	4096
#define KVM_MAX_CPUID_ENTRIES	256

#endif /* MONOVISOR_CORE_TYPES_H */
