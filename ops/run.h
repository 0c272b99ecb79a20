/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Entry, exit and the decoding of exits.
 */
#ifndef MONOVISOR_OPS_RUN_H
#define MONOVISOR_OPS_RUN_H

#include "core/types.h"
#include "ops/vendor.h"

/**
 * kvm_x86_vcpu_run() - enter the guest once
 * @vcpu: the vCPU
 * @again: the last call was for this vCPU and returned RUN_REENTER_FAST, irqs
 *	have been off since and nobody has touched the vCPU
 *
 * Writes back dirty registers, switches, collects exit information, and
 * handles exits that need nothing but registers and vCPU-local state
 * (core/fastpath.h) if vcpu->fast_allowed. With @again only what such an exit
 * changes needs to be written back. MSR_IA32_DEBUGCTLMSR is 0 afterwards if
 * vcpu->host_debugctl is not: core writes that.
 * Context: irqs off, preemption off; host xstate and debug registers have been
 * exchanged by core.
 * Return: RUN_REENTER_FAST (handled here, no event waits for injection: enter
 * again at once) or RUN_REENTER (call kvm_x86_handle_exit()).
 */
enum run_result kvm_x86_vcpu_run(struct kvm_vcpu *vcpu, bool again);

/* Irqs off, after host state is back: hand over a host interrupt, NMI or #MC that exited. */
void kvm_x86_handle_exit_irqoff(struct kvm_vcpu *vcpu);

/* Irqs on, may sleep, srcu held: decode the exit and call core/exit.h. */
enum run_result kvm_x86_handle_exit(struct kvm_vcpu *vcpu);

/*
 * Advance RIP over the instruction that exited, if its length is known or can
 * be found. Return: false if not (the instruction cannot be decoded).
 * May sleep (reads guest memory where hardware gives no length). Interrupt shadows
 * are core's: kvm_skip_insn().
 */
bool kvm_x86_skip_emulated_instruction(struct kvm_vcpu *vcpu);

/**
 * kvm_x86_fast_next_rip() - where the guest goes on behind the instruction that exited
 * @vcpu: the vCPU, between exit and entry, irqs off
 *
 * Return: 0 if it takes more than registers to tell (no length by hardware, a
 * wrap of the instruction pointer).
 */
static __always_inline unsigned long kvm_x86_fast_next_rip(struct kvm_vcpu *vcpu);
/* RFLAGS as hardware has them, with a TF that is ours perhaps, there and then. */
static __always_inline unsigned long kvm_x86_fast_rflags(struct kvm_vcpu *vcpu);
/* Go on there, without the interrupt shadow of the instruction. */
static __always_inline void kvm_x86_fast_retire(struct kvm_vcpu *vcpu, unsigned long next_rip);

/* Can this hardware leave the guest right after an injection? A constant where it never can. */
static __always_inline bool kvm_x86_has_request_immediate_exit(void);
/* Irqs off, before entry; only if has_request_immediate_exit(). */
static __always_inline void kvm_x86_request_immediate_exit(struct kvm_vcpu *vcpu);

/*
 * Own thread. Host code that is about to run may leave in the first-level data
 * cache what no guest may see: data of other processes, of the kernel, of
 * another guest. A CPU that lets a guest look there is flushed at the next entry.
 * Asked at each such place; what is left (registers, this VM's own structures,
 * what the guest itself has given) only tells the guest where the host keeps it.
 * Source: the kernel's Documentation/admin-guide/hw-vuln/l1tf.rst.
 */
static __always_inline void kvm_x86_host_data_touched(struct kvm_vcpu *vcpu);

/* Evidence for tracepoints and dumps: the hardware's reason and information words. */
u64 kvm_x86_exit_reason(struct kvm_vcpu *vcpu);
void kvm_x86_exit_info(struct kvm_vcpu *vcpu, u64 *info1, u64 *info2, u32 *intr_info,
		       u32 *error_code);
void kvm_x86_dump_state(struct kvm_vcpu *vcpu);

#include VENDOR_INLINE_H

#endif /* MONOVISOR_OPS_RUN_H */
