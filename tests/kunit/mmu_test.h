/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the suites of second-stage paging share: causing a fault, and looking
 * at what became of it.
 */
#ifndef MONOVISOR_TESTS_KUNIT_MMU_TEST_H
#define MONOVISOR_TESTS_KUNIT_MMU_TEST_H

#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/srcu.h>

#include "core/mmu/tdp.h"
#include "core/vcpu.h"
#include "tests/fake/fake.h"

/* As the vendor's exit handler would, with @present as the tables say. */
static inline enum tdp_result guest_fault(struct kvm_vcpu *vcpu, struct tdp_fault fault)
{
	gfn_t gfn = fault.gpa >> PAGE_SHIFT;
	struct kvm *kvm = vcpu->kvm;
	struct tdp_cursor c;
	enum tdp_result res;
	int idx;

	read_lock(&kvm->mmu_lock);
	tdp_cursor_start(&c, &kvm->tdp, gfn, gfn + 1, PG_LEVEL_4K);
	while (c.entry && tdp_cursor_descend(&c))
		;
	fault.present = c.entry && tdp_present(c.val);
	read_unlock(&kvm->mmu_lock);

	idx = srcu_read_lock(&kvm->srcu);
	res = tdp_handle_fault(vcpu, &fault);
	srcu_read_unlock(&kvm->srcu, idx);
	return res;
}

static inline enum tdp_result guest_access(struct kvm_vcpu *vcpu, gfn_t gfn, bool write)
{
	return guest_fault(vcpu, (struct tdp_fault){ .gpa = gfn << PAGE_SHIFT, .write = write });
}

/* The host may be busy with the page for reasons of its own: as a guest, try again. */
static inline enum tdp_result guest_access_retry(struct kvm_vcpu *vcpu, gfn_t gfn, bool write)
{
	enum tdp_result res;
	int i;

	for (i = 0; i < 1000; i++) {
		res = guest_access(vcpu, gfn, write);
		if (res != TDP_RETRY)
			break;
		cond_resched();
	}
	return res;
}

static inline enum tdp_result guest_fetch_retry(struct kvm_vcpu *vcpu, gfn_t gfn)
{
	struct tdp_fault fault = { .gpa = gfn << PAGE_SHIFT, .exec = true };
	enum tdp_result res;
	int i;

	for (i = 0; i < 1000; i++) {
		res = guest_fault(vcpu, fault);
		if (res != TDP_RETRY)
			break;
		cond_resched();
	}
	return res;
}

/* The entry that maps @gfn, and its level; an entry of 0 if none does. */
struct mapping {
	u64 pte;
	int level;
};

static inline struct mapping mapping_of(struct kvm *kvm, gfn_t gfn)
{
	struct mapping m = {};
	struct tdp_cursor c;

	read_lock(&kvm->mmu_lock);
	tdp_cursor_start(&c, &kvm->tdp, gfn, gfn + 1, PG_LEVEL_4K);
	while (c.entry && tdp_cursor_descend(&c))
		;
	if (c.entry && tdp_present(c.val)) {
		m.pte = c.val;
		m.level = c.level;
	}
	read_unlock(&kvm->mmu_lock);
	return m;
}

static inline bool is_writable(struct kvm *kvm, gfn_t gfn)
{
	return tdp_allows(mapping_of(kvm, gfn).pte, TDP_ACCESS_WRITE);
}

/* Flushes so far; what takes access away makes one more. */
static inline s64 flushes_of(struct kvm *kvm)
{
	return atomic64_read(&kvm->stat.remote_tlb_flush);
}

static inline int change_slot(struct kvm *kvm, u32 id, gpa_t gpa, u64 size, unsigned long hva,
			      u32 flags)
{
	struct kvm_userspace_memory_region mem = {
		.slot = id,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = hva,
	};

	return kvm_set_memory_region(kvm, &mem);
}

/* User memory from a 2 MiB boundary on that the host may map by 2 MiB pages. */
static inline unsigned long huge_user_memory(struct kunit *test, unsigned long size)
{
	unsigned long addr = ALIGN(fake_user_memory(test, size + SZ_2M), SZ_2M);
	struct vm_area_struct *vma;

	mmap_write_lock(current->mm);
	vma = find_vma_intersection(current->mm, addr, addr + size);
	if (vma)
		vm_flags_set(vma, VM_HUGEPAGE);
	mmap_write_unlock(current->mm);
	KUNIT_ASSERT_NOT_NULL(test, vma);
	return addr;
}

#endif /* MONOVISOR_TESTS_KUNIT_MMU_TEST_H */
