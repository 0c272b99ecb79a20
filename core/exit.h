/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the core does about an exit. The vendor's switch decodes the hardware's
 * words and calls one of these; the policy is here, once for all vendors.
 * Context of all: vCPU loaded, irqs and preemption on, kvm->srcu held.
 */
#ifndef MONOVISOR_CORE_EXIT_H
#define MONOVISOR_CORE_EXIT_H

#include "core/mmu/mmu.h"
#include "core/types.h"

struct exit_pio {
	u16 port;
	u8 size;		/* 1, 2, 4 */
	bool in;
	bool string;		/* INS/OUTS: goes to the emulator */
};

struct exit_cr {
	u8 cr;			/* 0, 2, 3, 4, 8 */
	u8 gpr;			/* enum kvm_reg */
	bool write;
};

struct exit_dr {
	u8 dr;			/* 0..7 */
	u8 gpr;
	bool write;
};

struct exit_exception {
	u8 vector;
	u32 error_code;
	unsigned long payload;	/* #PF: CR2; #DB: DR6 bits, positive polarity */
};

struct exit_task_switch {
	u16 selector;		/* of the new task's TSS */
	u8 source;		/* enum emul_task_source; of a gate: the event is in vcpu->ev */
	u8 insn_len;		/* of the instruction that asks; 0: it was none */
	bool has_error;
	u32 error_code;
};

struct exit_failed_entry {
	u64 reason;		/* what userspace is told */
	u64 info;		/* the hardware's word on it, for the log */
	const char *what;	/* in words: "invalid guest state" ... */
	const char *detail;	/* appended to that, "" where nothing more is known */
};

/* The vendor's dump_invalid_* parameter: print the hardware's state when an entry fails. */
extern bool exit_dump_failed_entry;

enum run_result exit_pio(struct kvm_vcpu *vcpu, const struct exit_pio *io);
enum run_result exit_cpuid(struct kvm_vcpu *vcpu);
enum run_result exit_hlt(struct kvm_vcpu *vcpu);
enum run_result exit_rdmsr(struct kvm_vcpu *vcpu);
enum run_result exit_wrmsr(struct kvm_vcpu *vcpu);
enum run_result exit_rdpmc(struct kvm_vcpu *vcpu);
enum run_result exit_hypercall(struct kvm_vcpu *vcpu);
void kvm_hypercall(struct kvm_vcpu *vcpu);
enum run_result exit_cr(struct kvm_vcpu *vcpu, const struct exit_cr *access);
enum run_result exit_clts(struct kvm_vcpu *vcpu);
enum run_result exit_lmsw(struct kvm_vcpu *vcpu, u16 msw);
enum run_result exit_dr(struct kvm_vcpu *vcpu, const struct exit_dr *access);
enum run_result exit_xsetbv(struct kvm_vcpu *vcpu);
enum run_result exit_wbinvd(struct kvm_vcpu *vcpu);
enum run_result exit_monitor(struct kvm_vcpu *vcpu);	/* also MWAIT: no-ops where allowed */
enum run_result exit_pause(struct kvm_vcpu *vcpu);
enum run_result exit_undefined(struct kvm_vcpu *vcpu);	/* instruction not offered: #UD */
enum run_result exit_exception(struct kvm_vcpu *vcpu, const struct exit_exception *ex);
enum run_result exit_tdp_fault(struct kvm_vcpu *vcpu, const struct tdp_fault *fault,
			       const u8 *insn, int insn_len);
enum run_result exit_emulate(struct kvm_vcpu *vcpu);	/* no better decode: emulate at RIP */
/* In core/task_switch.c, which vendors link whose CPU does not switch tasks itself. */
enum run_result exit_task_switch(struct kvm_vcpu *vcpu, const struct exit_task_switch *how);
enum run_result exit_irq_window(struct kvm_vcpu *vcpu);
enum run_result exit_nmi_window(struct kvm_vcpu *vcpu);
enum run_result exit_tpr_lowered(struct kvm_vcpu *vcpu);
enum run_result exit_eoi_induced(struct kvm_vcpu *vcpu, u8 vector);
enum run_result exit_apic_written(struct kvm_vcpu *vcpu, unsigned int offset);
enum run_result exit_apic_access(struct kvm_vcpu *vcpu, const struct tdp_fault *fault);
enum run_result exit_external_interrupt(struct kvm_vcpu *vcpu);
/* Triple fault or SHUTDOWN state; @state_lost: hardware does not say what the state was. */
enum run_result exit_shutdown(struct kvm_vcpu *vcpu, bool state_lost);
/*
 * The guest was not entered: log it, tell userspace. vCPU loaded, irqs on. Return:
 * RUN_ERROR (-EIO) where a reboot has switched virtualization off, else RUN_TO_USER.
 */
enum run_result exit_fail_entry(struct kvm_vcpu *vcpu, const struct exit_failed_entry *how);
enum run_result exit_unknown(struct kvm_vcpu *vcpu, u64 hardware_reason);

/**
 * exit_skip_insn() - retire the instruction that exited
 * @vcpu: the vCPU
 *
 * Advance RIP, drop the interrupt shadow, honour single-stepping by guest
 * (#DB) and debugger (KVM_EXIT_DEBUG).
 * Return: RUN_REENTER, or what the debugger or a failed length decode asks for.
 */
enum run_result exit_skip_insn(struct kvm_vcpu *vcpu);
/* Its first half: RIP and the shadow alone. False: the length cannot be found. */
bool kvm_skip_insn(struct kvm_vcpu *vcpu);
/* The trap behind an instruction that ran with TF set: the debugger's or the guest's. */
enum run_result exit_single_step(struct kvm_vcpu *vcpu);
/* The tail of instructions that can fault: #GP(0) if @err, else retire. */
enum run_result exit_complete_insn_gp(struct kvm_vcpu *vcpu, int err);

#endif /* MONOVISOR_CORE_EXIT_H */
