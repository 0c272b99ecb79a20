// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nested paging on the hardware's side: the root, address space identifiers
 * and TLB flushes. The tables themselves are core/mmu/'s.
 *
 * Source: AMD APM volume 2, "TLB Control" and "Nested Paging".
 */
#include <linux/mem_encrypt.h>
#include <linux/pgtable.h>
#include <asm/pgtable_types.h>

#include "ops/mmu.h"
#include "svm/svm.h"

/* The nested walk runs in the host's paging mode. */
int kvm_x86_tdp_level(void)
{
	return pgtable_l5_enabled() ? 5 : 4;
}

int kvm_x86_tdp_max_page_level(void)
{
	return boot_cpu_has(X86_FEATURE_GBPAGES) ? PG_LEVEL_1G : PG_LEVEL_2M;
}

bool kvm_x86_tdp_has_ad(void)
{
	return true;
}

bool kvm_x86_tdp_logs_dirty(void)
{
	return false;
}

void kvm_x86_load_mmu_pgd(struct kvm_vcpu *vcpu, hpa_t root, int level)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	svm->vmcb->control.nested_cr3 = __sme_set(root);
	svm_mark_dirty(svm, VMCB_CLEAN_NPT);
}

/**
 * svm_update_asid() - give the vCPU an ASID that is valid on this CPU
 * @svm: the vCPU, about to be entered
 *
 * A vCPU keeps its ASID while it stays on a CPU and the CPU's generation has
 * not moved on. When a CPU has handed out all its ASIDs it starts the next
 * generation: it flushes everything once, and each vCPU, seeing an old
 * generation, takes a new ASID.
 *
 * Context: irqs off.
 */
void svm_update_asid(struct vcpu_svm *svm)
{
	struct svm_cpu *sc = this_cpu_ptr(&svm_cpu);
	struct vmcb_control_area *control = &svm->vmcb->control;

	if (likely(svm->asid_generation == sc->asid_generation))
		goto load;

	if (sc->next_asid > sc->max_asid) {
		sc->asid_generation++;
		sc->next_asid = 1;
		control->tlb_ctl = TLB_CONTROL_FLUSH_ALL_ASID;
	}
	svm->asid_generation = sc->asid_generation;
	svm->asid = sc->next_asid++;
	/* A new generation also follows a suspend, after which nothing is cached. */
	control->clean = 0;
load:
	if (unlikely(control->asid != svm->asid)) {
		control->asid = svm->asid;
		svm_mark_dirty(svm, VMCB_CLEAN_ASID);
	}
}

/* One ASID holds the guest's linear and the nested translations of this vCPU. */
static void flush_asid(struct vcpu_svm *svm)
{
	if (svm_caps.flush_by_asid)
		svm->vmcb->control.tlb_ctl = TLB_CONTROL_FLUSH_ASID;
	else
		svm->asid_generation = 0;
}

void kvm_x86_flush_tlb_all(struct kvm_vcpu *vcpu)
{
	flush_asid(to_svm(vcpu));
}

void kvm_x86_flush_tlb_current(struct kvm_vcpu *vcpu)
{
	flush_asid(to_svm(vcpu));
}

void kvm_x86_flush_tlb_guest(struct kvm_vcpu *vcpu)
{
	flush_asid(to_svm(vcpu));
}

void kvm_x86_flush_tlb_gva(struct kvm_vcpu *vcpu, gva_t gva)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	/* An ASID of another CPU or generation will not be used again: nothing to drop. */
	if (svm->asid_generation == this_cpu_read(svm_cpu.asid_generation))
		svm_invlpga(gva, svm->asid);
}
