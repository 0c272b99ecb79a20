/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of core/mmu/ share among themselves about second-stage
 * tables. The rest of the system uses mmu.h.
 */
#ifndef MONOVISOR_CORE_MMU_TDP_H
#define MONOVISOR_CORE_MMU_TDP_H

#include <linux/list.h>
#include <asm/apicdef.h>

#include "core/mmu/iterate.h"
#include "core/vm.h"

/* Where the local APIC's page is after reset. */
#define TDP_APIC_GFN	(APIC_DEFAULT_PHYS_BASE >> PAGE_SHIFT)

/*
 * Work put off until the hardware has forgotten what was taken away: one
 * flush, then the release of unlinked tables.
 */
struct tdp_batch {
	struct list_head dead;		/* unlinked tables, by page->lru; page->private: level */
	bool flush;			/* entries changed that hardware may have cached */
	bool may_yield;			/* the caller may sleep and lets mmu_lock be dropped */
};

static inline void tdp_batch_init(struct tdp_batch *batch, bool may_yield)
{
	INIT_LIST_HEAD(&batch->dead);
	batch->flush = false;
	batch->may_yield = may_yield;
}

u64 *tdp_alloc_table(struct kvm *kvm);
void tdp_free_table(struct kvm *kvm, u64 *table);
void tdp_free_subtree(struct kvm *kvm, u64 *table, int level, bool may_sleep);
void tdp_account_leaf(struct kvm *kvm, int level, int nr);
int tdp_fill_cache(struct kvm_vcpu *vcpu);

void tdp_zap_range_locked(struct kvm *kvm, gfn_t start, gfn_t end, struct tdp_batch *batch);
void tdp_batch_flush(struct kvm *kvm, struct tdp_batch *batch);
void tdp_batch_free(struct kvm *kvm, struct tdp_batch *batch);
void tdp_zap_range(struct kvm *kvm, gfn_t start, gfn_t end);

bool kvm_notifier_in_progress(const struct kvm *kvm, unsigned long start, unsigned long end);
int tdp_host_mapping_level(const struct mm_struct *mm, unsigned long hva);

#endif /* MONOVISOR_CORE_MMU_TDP_H */
