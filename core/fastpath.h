/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exits that need nothing but registers and this vCPU's own state. The vendor's
 * kvm_x86_vcpu_run() calls these right after the exit, and core enters again
 * at once; what they cannot do goes the long way, through core/exit.h.
 */
#ifndef MONOVISOR_CORE_FASTPATH_H
#define MONOVISOR_CORE_FASTPATH_H

#include "core/exit.h"
#include "core/types.h"

/*
 * All: irqs off, kvm->srcu not held, guest xstate in the CPU; never sleep, and touch
 * no guest or user memory that is not there.
 * Return: RUN_REENTER_FAST, the instruction has retired; RUN_REENTER, nothing
 * has been done and kvm_x86_handle_exit() is to do it all.
 */
enum run_result fast_cpuid(struct kvm_vcpu *vcpu);
enum run_result fast_rdmsr(struct kvm_vcpu *vcpu);
enum run_result fast_wrmsr(struct kvm_vcpu *vcpu);
enum run_result fast_hypercall(struct kvm_vcpu *vcpu);
enum run_result fast_pio(struct kvm_vcpu *vcpu, const struct exit_pio *io);	/* to ioeventfds */
enum run_result fast_nop(struct kvm_vcpu *vcpu);	/* INVD and WBINVD: as exit_wbinvd() */
enum run_result fast_cr8_write(struct kvm_vcpu *vcpu, u8 gpr);
enum run_result fast_cr8_read(struct kvm_vcpu *vcpu, u8 gpr);
enum run_result fast_tpr_lowered(struct kvm_vcpu *vcpu);	/* as exit_tpr_lowered() */
/*
 * A store to an ioeventfd or to a frequent register of the local APIC, by a plain MOV
 * of 64-bit code at CPL 0. No event was being delivered.
 */
enum run_result fast_tdp_fault(struct kvm_vcpu *vcpu, const struct tdp_fault *fault);
enum run_result fast_apic_access(struct kvm_vcpu *vcpu, const struct tdp_fault *fault);

/*
 * A store that the above may be able to make was made in @gfn: they look at such
 * pages only. Those with memory are not noted.
 * Context: kvm->srcu held.
 */
void fast_note_device(struct kvm_vcpu *vcpu, gfn_t gfn);

#endif /* MONOVISOR_CORE_FASTPATH_H */
