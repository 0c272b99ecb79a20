/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Second-stage paging: the format of an entry (compile-time constants), the
 * root, and flushes.
 *
 * VENDOR_PTE_H defines, as u64 constants:
 *	TDP_PTE_PRESENT		set in every entry hardware may follow
 *	TDP_PTE_WRITE, TDP_PTE_EXEC, TDP_PTE_NX, TDP_PTE_USER
 *				EXEC is 0 where execution is denied by NX, and NX is
 *				0 where it is granted by EXEC
 *	TDP_PTE_ACCESSED, TDP_PTE_DIRTY, TDP_PTE_HUGE
 *	TDP_PTE_ADDR_MASK	bits 51:12
 *	TDP_PTE_SW_HOST_WRITABLE, TDP_PTE_SW_MMU_WRITABLE
 *				two bits hardware ignores
 *	TDP_MAX_LEVEL		levels of the deepest table (4 or 5)
 * and inline
 *	u64 tdp_pte_memtype(bool device)  memory type bits of a leaf
 *	u64 tdp_pte_host_bits(void)       bits the host wants in each entry that
 *				leads to memory (C-bit)
 */
#ifndef MONOVISOR_OPS_MMU_H
#define MONOVISOR_OPS_MMU_H

#include "core/types.h"
#include "ops/vendor.h"

#include VENDOR_PTE_H

/* Levels to use on this host; 4 or 5. Decided in hardware_setup(). */
int kvm_x86_tdp_level(void);
/* Largest leaf: PG_LEVEL_4K, _2M or _1G. */
int kvm_x86_tdp_max_page_level(void);
/* Does hardware set TDP_PTE_ACCESSED and TDP_PTE_DIRTY? Else they are as software left them. */
bool kvm_x86_tdp_has_ad(void);
/*
 * Does hardware log the frame whenever it sets TDP_PTE_DIRTY in a leaf, and the
 * vCPU that leaves the guest mark it in its slot, with irqs off, before its mode
 * is OUTSIDE_RUN_LOOP? Then a clean leaf need not be write-protected.
 */
bool kvm_x86_tdp_logs_dirty(void);

/* Preemption off: point hardware at the root. */
void kvm_x86_load_mmu_pgd(struct kvm_vcpu *vcpu, hpa_t root, int level);

/* Preemption off, vCPU loaded; take effect at the latest at the next entry. */
void kvm_x86_flush_tlb_all(struct kvm_vcpu *vcpu);
void kvm_x86_flush_tlb_current(struct kvm_vcpu *vcpu);
void kvm_x86_flush_tlb_guest(struct kvm_vcpu *vcpu);
void kvm_x86_flush_tlb_gva(struct kvm_vcpu *vcpu, gva_t gva);

#endif /* MONOVISOR_OPS_MMU_H */
