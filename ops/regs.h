/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest register state that lives in the vendor's control block.
 * Context: vCPU loaded; none sleeps but kvm_x86_load_pdptrs().
 */
#ifndef MONOVISOR_OPS_REGS_H
#define MONOVISOR_OPS_REGS_H

#include "core/types.h"
#include "ops/vendor.h"

/*
 * Read a register (enum kvm_reg, VCPU_EXREG_*) from hardware into vcpu->regs[] or
 * vcpu->crN, and mark it available.
 */
void kvm_x86_cache_reg(struct kvm_vcpu *vcpu, int reg);

unsigned long kvm_x86_get_rflags(struct kvm_vcpu *vcpu);
void kvm_x86_set_rflags(struct kvm_vcpu *vcpu, unsigned long rflags);
bool kvm_x86_get_if_flag(struct kvm_vcpu *vcpu);

void kvm_x86_get_segment(struct kvm_vcpu *vcpu, struct kvm_segment *var, int seg);
void kvm_x86_set_segment(struct kvm_vcpu *vcpu, const struct kvm_segment *var, int seg);
u64 kvm_x86_get_segment_base(struct kvm_vcpu *vcpu, int seg);
int kvm_x86_get_cpl(struct kvm_vcpu *vcpu);
/*
 * CPL 0, past all caches of registers: for the preemption notifier, which may come
 * while the vCPU's thread fills one. vCPU loaded; irqs on or off.
 */
bool kvm_x86_guest_in_kernel(struct kvm_vcpu *vcpu);
void kvm_x86_get_cs_db_l_bits(struct kvm_vcpu *vcpu, int *db, int *l);
void kvm_x86_get_idt(struct kvm_vcpu *vcpu, struct kvm_dtable *dt);
void kvm_x86_set_idt(struct kvm_vcpu *vcpu, const struct kvm_dtable *dt);
void kvm_x86_get_gdt(struct kvm_vcpu *vcpu, struct kvm_dtable *dt);
void kvm_x86_set_gdt(struct kvm_vcpu *vcpu, const struct kvm_dtable *dt);

/*
 * Store into hardware what is in the vCPU's copy by now: kvm_install_cr0() and its like.
 * @hw is what a guest with that value has to run with; the vendor adds what its
 * hardware alone wants.
 */
void kvm_x86_set_cr0(struct kvm_vcpu *vcpu, unsigned long cr0, unsigned long hw);
void kvm_x86_set_cr3(struct kvm_vcpu *vcpu, unsigned long cr3);
void kvm_x86_set_cr4(struct kvm_vcpu *vcpu, unsigned long cr4, unsigned long hw);
void kvm_x86_set_efer(struct kvm_vcpu *vcpu, u64 efer);
/*
 * The PDPTEs of PAE paging, where hardware keeps them in its own state.
 *
 * load: those that CR3 points to, where the CPU would load them; nothing unless PAE paging
 * is on. What cannot be read or is malformed becomes not present. May sleep, kvm->srcu
 * held or not.
 * set: these, which are well-formed.
 * get: only while PAE paging is on, which the caller knows. Return: false: hardware keeps
 * none, and the table in guest memory counts.
 */
void kvm_x86_load_pdptrs(struct kvm_vcpu *vcpu);
void kvm_x86_set_pdptrs(struct kvm_vcpu *vcpu, const u64 pdptes[4]);
bool kvm_x86_get_pdptrs(struct kvm_vcpu *vcpu, u64 pdptes[4]);
/* CR4 bits this hardware cannot give to a guest, beside those that no guest gets. */
unsigned long kvm_x86_cr4_unsupported(void);

/* The guest owns its debug registers in the entry that follows, DR6 too. Irqs off. */
void kvm_x86_set_dr6(struct kvm_vcpu *vcpu, unsigned long dr6);
void kvm_x86_set_dr7(struct kvm_vcpu *vcpu, unsigned long dr7);
/* Does MOV to and from debug registers exit? Core has it on from reset on. */
void kvm_x86_intercept_dr(struct kvm_vcpu *vcpu, bool on);
/* Does the vendor step the guest, for an NMI window? The trap would be in the guest's DR6. */
bool kvm_x86_steps_guest(struct kvm_vcpu *vcpu);
/* The guest owned its debug registers: read DR6 and DR7 back. Irqs off. */
void kvm_x86_sync_dirty_debug_regs(struct kvm_vcpu *vcpu);

#endif /* MONOVISOR_OPS_REGS_H */
