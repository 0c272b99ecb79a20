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
 *
 * Writes back dirty registers, switches, collects exit information, and
 * handles exits that need nothing but registers and vCPU-local state.
 * Context: irqs off, preemption off; host xstate and debug registers have been
 * exchanged by core.
 * Return: RUN_REENTER_FAST (handled here, enter again at once) or RUN_REENTER
 * (call kvm_x86_handle_exit()).
 */
enum run_result kvm_x86_vcpu_run(struct kvm_vcpu *vcpu);

/* Irqs off, after host state is back: hand over a host interrupt, NMI or #MC that exited. */
void kvm_x86_handle_exit_irqoff(struct kvm_vcpu *vcpu);

/* Irqs on, may sleep, srcu held: decode the exit and call core/exit.h. */
enum run_result kvm_x86_handle_exit(struct kvm_vcpu *vcpu);

/*
 * Advance RIP over the instruction that exited, if its length is known or can
 * be found. Return: false if not (the instruction cannot be decoded).
 * May sleep (reads guest memory where hardware gives no length).
 */
bool kvm_x86_skip_emulated_instruction(struct kvm_vcpu *vcpu);

/* Can this hardware leave the guest right after an injection? A constant where it never can. */
static __always_inline bool kvm_x86_has_request_immediate_exit(void);
/* Irqs off, before entry; only if has_request_immediate_exit(). */
static __always_inline void kvm_x86_request_immediate_exit(struct kvm_vcpu *vcpu);

/* Evidence for tracepoints and dumps: the hardware's reason and information words. */
u64 kvm_x86_exit_reason(struct kvm_vcpu *vcpu);
void kvm_x86_exit_info(struct kvm_vcpu *vcpu, u64 *info1, u64 *info2, u32 *intr_info,
		       u32 *error_code);
void kvm_x86_dump_state(struct kvm_vcpu *vcpu);

#include VENDOR_INLINE_H

#endif /* MONOVISOR_OPS_RUN_H */
