// SPDX-License-Identifier: GPL-2.0-only
/*
 * Life of the second-stage tables of a VM: the root, pages for tables, their
 * accounting, and flushes. What is in the tables is fault.c's and zap.c's.
 */
#include <linux/cpu.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include <asm/cpufeature.h>
#include <asm/processor.h>

#include "core/mmu/tdp.h"
#include "core/request.h"
#include "core/vcpu.h"

u64 *tdp_alloc_table(struct kvm *kvm)
{
	u64 *table = (u64 *)get_zeroed_page(GFP_KERNEL_ACCOUNT);

	if (table)
		atomic64_inc(&kvm->stat.mmu_page_table_pages);
	return table;
}

void tdp_free_table(struct kvm *kvm, u64 *table)
{
	free_page((unsigned long)table);
	atomic64_dec(&kvm->stat.mmu_page_table_pages);
}

void tdp_account_leaf(struct kvm *kvm, int level, int nr)
{
	switch (level) {
	case PG_LEVEL_4K:
		atomic64_add(nr, &kvm->stat.pages_4k);
		break;
	case PG_LEVEL_2M:
		atomic64_add(nr, &kvm->stat.pages_2m);
		break;
	default:
		atomic64_add(nr, &kvm->stat.pages_1g);
		break;
	}
}

/*
 * Free a table that is reachable neither by software nor by hardware, and all
 * below it. Recurses once for each level.
 */
void tdp_free_subtree(struct kvm *kvm, u64 *table, int level, bool may_sleep)
{
	int i, leaves = 0;

	for (i = 0; i < TDP_TABLE_ENTRIES; i++) {
		u64 pte = READ_ONCE(table[i]);

		if (tdp_is_table(pte, level))
			tdp_free_subtree(kvm, phys_to_virt(tdp_pte_addr(pte)), level - 1,
					 may_sleep);
		else if (tdp_present(pte))
			leaves++;
	}
	if (leaves)
		tdp_account_leaf(kvm, level, -leaves);
	tdp_free_table(kvm, table);
	if (may_sleep)
		cond_resched();
}

/*
 * Some CPUs raise a machine check, which stops the host, when code is fetched
 * from an address whose page size has changed and no flush came in between. A
 * guest can do that with its own tables at will. The CPU caches the smaller of
 * the guest's size and ours: where only 4 KiB leaves are executable, there is
 * one size for fetches.
 *
 * Source: Documentation/admin-guide/hw-vuln/multihit.rst.
 */
static bool host_has_multihit(void)
{
	return boot_cpu_has_bug(X86_BUG_ITLB_MULTIHIT) && !cpu_mitigations_off();
}

/**
 * tdp_vm_init() - make an empty second-stage address space
 * @kvm: the VM, not yet visible
 *
 * Context: may sleep. Return: 0 or -ENOMEM.
 */
int tdp_vm_init(struct kvm *kvm)
{
	struct tdp_vm *tdp = &kvm->tdp;

	tdp->root_pt = tdp_alloc_table(kvm);
	if (!tdp->root_pt)
		return -ENOMEM;
	tdp->root = virt_to_phys(tdp->root_pt);
	tdp->root_level = kvm_x86_tdp_level();
	tdp->huge_noexec = host_has_multihit();
	return 0;
}

/**
 * tdp_vm_destroy() - free the second-stage address space
 * @kvm: the VM: no vCPU can enter the guest and the MMU notifier is gone
 *
 * Nothing is flushed: what a CPU still caches is tagged for an address space
 * that no guest uses again before the vendor's own flush.
 * Context: may sleep. Also after a failed or missing tdp_vm_init().
 */
void tdp_vm_destroy(struct kvm *kvm)
{
	struct tdp_vm *tdp = &kvm->tdp;

	if (!tdp->root_pt)
		return;
	tdp_free_subtree(kvm, tdp->root_pt, tdp->root_level, true);
	tdp->root_pt = NULL;
}

gfn_t tdp_end_gfn(void)
{
	int bits = min(boot_cpu_data.x86_phys_bits,
		       PAGE_SHIFT + TDP_LEVEL_BITS * kvm_x86_tdp_level());

	return 1ULL << (bits - PAGE_SHIFT);
}

/**
 * tdp_vcpu_init() - prepare a new vCPU for second-stage faults
 * @vcpu: the vCPU
 *
 * Return: 0; tables are allocated at the first fault.
 */
int tdp_vcpu_init(struct kvm_vcpu *vcpu)
{
	vcpu->tdp.nr_cached = 0;
	kvm_make_request(KVM_REQ_LOAD_MMU_PGD, vcpu);
	return 0;
}

void tdp_vcpu_destroy(struct kvm_vcpu *vcpu)
{
	while (vcpu->tdp.nr_cached)
		tdp_free_table(vcpu->kvm, vcpu->tdp.table_cache[--vcpu->tdp.nr_cached]);
}

/* Before mmu_lock is taken: enough tables for the longest way down. May sleep. */
int tdp_fill_cache(struct kvm_vcpu *vcpu)
{
	struct tdp_vcpu *cache = &vcpu->tdp;

	while (cache->nr_cached < TDP_CACHE_TABLES) {
		u64 *table = tdp_alloc_table(vcpu->kvm);

		if (!table)
			return -ENOMEM;
		cache->table_cache[cache->nr_cached++] = table;
	}
	return 0;
}

void kvm_flush_remote_tlbs(struct kvm *kvm)
{
	atomic64_inc(&kvm->stat.remote_tlb_flush_requests);
	/*
	 * Sets the request on every vCPU and waits until each CPU that was in
	 * the guest has left it. Entries were changed by locked instructions,
	 * which order them before the look at the vCPUs' modes.
	 */
	kvm_make_all_cpus_request(kvm, KVM_REQ_TLB_FLUSH);
	atomic64_inc(&kvm->stat.remote_tlb_flush);
}
