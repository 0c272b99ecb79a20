// SPDX-License-Identifier: GPL-2.0-only
/*
 * Second-stage faults, and what takes translations away (core/mmu/fault.c,
 * zap.c, notifier.c), on real user memory: the host's side of a VM with a
 * software vendor is all there.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/mmu_notifier.h>
#include <linux/sizes.h>
#include <linux/uaccess.h>

#include "core/irq/irqchip.h"
#include "tests/kunit/mmu_test.h"

#define BASE	0x100ULL	/* first frame of the test's slot */

struct fault_ctx {
	struct kvm *kvm;
	struct kvm_vcpu *vcpu;
	unsigned long hva;	/* of 64 KiB at frame BASE, slot 1 */
};

static u64 frame_word(struct kvm *kvm, gfn_t gfn)
{
	return *(u64 *)pfn_to_kaddr(tdp_pte_pfn(mapping_of(kvm, gfn).pte));
}

static void fault_maps_page(struct kunit *test)
{
	struct fault_ctx *ctx = test->priv;
	struct kvm *kvm = ctx->kvm;

	KUNIT_ASSERT_EQ(test, put_user(0x1122334455667788ULL,
				       (u64 __user *)(ctx->hva + PAGE_SIZE)), 0);
	KUNIT_ASSERT_EQ(test, guest_access_retry(ctx->vcpu, BASE + 1, true), TDP_FIXED);
	KUNIT_EXPECT_EQ(test, mapping_of(kvm, BASE + 1).level, PG_LEVEL_4K);
	KUNIT_EXPECT_TRUE(test, is_writable(kvm, BASE + 1));
	KUNIT_EXPECT_EQ(test, frame_word(kvm, BASE + 1), 0x1122334455667788ULL);
	KUNIT_EXPECT_EQ(test, mapping_of(kvm, BASE).pte, 0);
	KUNIT_EXPECT_EQ(test, mapping_of(kvm, BASE + 2).pte, 0);

	KUNIT_EXPECT_EQ(test, guest_access(ctx->vcpu, BASE + 1, true), TDP_SPURIOUS);
	KUNIT_EXPECT_EQ(test, guest_access(ctx->vcpu, BASE + 1, false), TDP_SPURIOUS);
	KUNIT_EXPECT_EQ(test, ctx->vcpu->stat.pf_fixed, 1);
	KUNIT_EXPECT_EQ(test, ctx->vcpu->stat.pf_spurious, 2);
	KUNIT_EXPECT_EQ(test, atomic64_read(&kvm->stat.pages_4k), 1);
}

static void fault_outside_memory(struct kunit *test)
{
	struct fault_ctx *ctx = test->priv;
	struct tdp_fault malformed = { .gpa = BASE << PAGE_SHIFT, .rsvd = true };
	int idx;

	KUNIT_EXPECT_EQ(test, guest_access(ctx->vcpu, BASE - 1, false), TDP_MMIO);
	KUNIT_EXPECT_EQ(test, guest_access(ctx->vcpu, BASE + 16, true), TDP_MMIO);
	KUNIT_EXPECT_EQ(test, guest_access(ctx->vcpu, 1ULL << 40, true), TDP_MMIO);

	idx = srcu_read_lock(&ctx->kvm->srcu);
	KUNIT_EXPECT_EQ(test, tdp_handle_fault(ctx->vcpu, &malformed), TDP_BUG);
	/* There the tables say nothing, so it is the guest's address that is wrong. */
	malformed.gpa = tdp_end_gfn() << PAGE_SHIFT;
	KUNIT_EXPECT_EQ(test, tdp_handle_fault(ctx->vcpu, &malformed), TDP_MMIO);
	srcu_read_unlock(&ctx->kvm->srcu, idx);

	/* Slot 2 has user addresses that nothing is mapped at. */
	KUNIT_ASSERT_EQ(test, vm_munmap(ctx->hva, PAGE_SIZE), 0);
	KUNIT_EXPECT_EQ(test, guest_access_retry(ctx->vcpu, BASE, false), TDP_EFAULT);
	KUNIT_EXPECT_EQ(test, mapping_of(ctx->kvm, BASE).pte, 0);
}

static void fault_read_only_slot(struct kunit *test)
{
	struct fault_ctx *ctx = test->priv;

	fake_add_slot(test, ctx->kvm, 2, SZ_16M, SZ_64K, KVM_MEM_READONLY);
	KUNIT_EXPECT_EQ(test, guest_access(ctx->vcpu, SZ_16M >> PAGE_SHIFT, true), TDP_MMIO);
	KUNIT_EXPECT_EQ(test, guest_access_retry(ctx->vcpu, SZ_16M >> PAGE_SHIFT, false),
			TDP_FIXED);
	KUNIT_EXPECT_FALSE(test, is_writable(ctx->kvm, SZ_16M >> PAGE_SHIFT));
	KUNIT_EXPECT_FALSE(test, tdp_may_write(mapping_of(ctx->kvm, SZ_16M >> PAGE_SHIFT).pte));
	KUNIT_EXPECT_EQ(test, guest_access(ctx->vcpu, SZ_16M >> PAGE_SHIFT, true), TDP_MMIO);
}

/* A read of what was never written gets the zero page, which must stay zero. */
static void fault_copy_on_write(struct kunit *test)
{
	struct fault_ctx *ctx = test->priv;
	u64 shared;

	KUNIT_ASSERT_EQ(test, guest_access_retry(ctx->vcpu, BASE, false), TDP_FIXED);
	KUNIT_EXPECT_FALSE(test, is_writable(ctx->kvm, BASE));
	shared = tdp_pte_pfn(mapping_of(ctx->kvm, BASE).pte);
	KUNIT_ASSERT_EQ(test, guest_access_retry(ctx->vcpu, BASE, true), TDP_FIXED);
	KUNIT_EXPECT_TRUE(test, is_writable(ctx->kvm, BASE));
	KUNIT_EXPECT_NE(test, tdp_pte_pfn(mapping_of(ctx->kvm, BASE).pte), shared);
	KUNIT_EXPECT_EQ(test, atomic64_read(&ctx->kvm->stat.pages_4k), 1);
}

/* The host takes the memory away; a new page shows new contents. */
static void fault_follows_host(struct kunit *test)
{
	struct fault_ctx *ctx = test->priv;
	unsigned long addr;
	s64 flushes;

	KUNIT_ASSERT_EQ(test, put_user(0x1111ULL, (u64 __user *)ctx->hva), 0);
	KUNIT_ASSERT_EQ(test, guest_access_retry(ctx->vcpu, BASE, true), TDP_FIXED);
	KUNIT_ASSERT_EQ(test, guest_access_retry(ctx->vcpu, BASE + 15, true), TDP_FIXED);
	KUNIT_EXPECT_EQ(test, frame_word(ctx->kvm, BASE), 0x1111);

	flushes = flushes_of(ctx->kvm);
	addr = vm_mmap(NULL, ctx->hva, PAGE_SIZE, PROT_READ | PROT_WRITE,
		       MAP_ANONYMOUS | MAP_PRIVATE | MAP_FIXED, 0);
	KUNIT_ASSERT_EQ(test, addr, ctx->hva);
	KUNIT_EXPECT_GT(test, flushes_of(ctx->kvm), flushes);
	KUNIT_EXPECT_EQ(test, mapping_of(ctx->kvm, BASE).pte, 0);
	KUNIT_EXPECT_NE(test, mapping_of(ctx->kvm, BASE + 15).pte, 0);
	KUNIT_EXPECT_GT(test, atomic64_read(&ctx->kvm->stat.notifier_invalidations), 0);
	KUNIT_EXPECT_EQ(test, ctx->kvm->notifier.in_progress, 0);

	KUNIT_ASSERT_EQ(test, guest_access_retry(ctx->vcpu, BASE, true), TDP_FIXED);
	KUNIT_EXPECT_EQ(test, frame_word(ctx->kvm, BASE), 0);
}

/* Clause by clause what notifier.c promises about an invalidation that is under way. */
static void fault_waits_for_invalidation(struct kunit *test)
{
	struct fault_ctx *ctx = test->priv;
	const struct mmu_notifier_ops *ops = ctx->kvm->mmu_notifier.ops;
	struct mmu_notifier *mn = &ctx->kvm->mmu_notifier;
	struct mmu_notifier_range range, other;
	unsigned long seq;

	mmu_notifier_range_init(&range, MMU_NOTIFY_UNMAP, 0, ctx->kvm->mm, ctx->hva,
				ctx->hva + 2 * PAGE_SIZE);
	mmu_notifier_range_init(&other, MMU_NOTIFY_UNMAP, 0, ctx->kvm->mm,
				ctx->hva + 4 * PAGE_SIZE, ctx->hva + 5 * PAGE_SIZE);
	KUNIT_ASSERT_EQ(test, put_user(1ULL, (u64 __user *)ctx->hva), 0);
	KUNIT_ASSERT_EQ(test, put_user(1ULL, (u64 __user *)(ctx->hva + 3 * PAGE_SIZE)), 0);
	KUNIT_ASSERT_EQ(test, guest_access_retry(ctx->vcpu, BASE, true), TDP_FIXED);

	/* S1 zaps, and F4 sees it in progress; elsewhere faults go on. */
	seq = ctx->kvm->notifier.seq;
	ops->invalidate_range_start(mn, &range);
	KUNIT_EXPECT_EQ(test, mapping_of(ctx->kvm, BASE).pte, 0);
	KUNIT_EXPECT_EQ(test, guest_access(ctx->vcpu, BASE, true), TDP_RETRY);
	KUNIT_EXPECT_EQ(test, guest_access_retry(ctx->vcpu, BASE + 3, true), TDP_FIXED);

	/* Two at a time count as one that spans both, until both have ended. */
	ops->invalidate_range_start(mn, &other);
	KUNIT_EXPECT_TRUE(test, kvm_notifier_in_progress(ctx->kvm, ctx->hva + 3 * PAGE_SIZE,
							 ctx->hva + 4 * PAGE_SIZE));
	ops->invalidate_range_end(mn, &range);
	KUNIT_EXPECT_EQ(test, guest_access(ctx->vcpu, BASE, true), TDP_RETRY);
	ops->invalidate_range_end(mn, &other);
	KUNIT_EXPECT_EQ(test, ctx->kvm->notifier.in_progress, 0);
	/* E1: who sampled before must notice. */
	KUNIT_EXPECT_GE(test, ctx->kvm->notifier.seq - seq, 2);
	KUNIT_EXPECT_EQ(test, guest_access_retry(ctx->vcpu, BASE, true), TDP_FIXED);
	KUNIT_EXPECT_GE(test, ctx->vcpu->stat.pf_retry, 2);
}

static void fault_young(struct kunit *test)
{
	struct fault_ctx *ctx = test->priv;
	const struct mmu_notifier_ops *ops = ctx->kvm->mmu_notifier.ops;
	struct mmu_notifier *mn = &ctx->kvm->mmu_notifier;
	struct mm_struct *mm = ctx->kvm->mm;
	unsigned long end = ctx->hva + PAGE_SIZE;

	KUNIT_EXPECT_EQ(test, ops->test_young(mn, mm, ctx->hva), 0);
	KUNIT_ASSERT_EQ(test, guest_access_retry(ctx->vcpu, BASE, true), TDP_FIXED);
	KUNIT_EXPECT_EQ(test, ops->test_young(mn, mm, ctx->hva), 1);
	KUNIT_EXPECT_EQ(test, ops->test_young(mn, mm, ctx->hva), 1);
	KUNIT_EXPECT_EQ(test, ops->clear_young(mn, mm, ctx->hva, end), 1);
	KUNIT_EXPECT_EQ(test, ops->clear_young(mn, mm, ctx->hva, end), 0);
	KUNIT_EXPECT_EQ(test, ops->test_young(mn, mm, ctx->hva), 0);
	KUNIT_EXPECT_EQ(test, ops->clear_flush_young(mn, mm, ctx->hva, end), 0);
	/* Old is not gone, and no vCPU was disturbed. */
	KUNIT_EXPECT_TRUE(test, is_writable(ctx->kvm, BASE));
	KUNIT_EXPECT_EQ(test, flushes_of(ctx->kvm), 0);
}

/* Without accessed bits a page is young as long as it is mapped. */
static void fault_young_without_ad(struct kunit *test)
{
	struct fault_ctx *ctx = test->priv;
	const struct mmu_notifier_ops *ops = ctx->kvm->mmu_notifier.ops;
	struct mmu_notifier *mn = &ctx->kvm->mmu_notifier;
	struct mm_struct *mm = ctx->kvm->mm;
	unsigned long end = ctx->hva + PAGE_SIZE;
	s64 flushes;
	int i;

	fake_hw.tdp_no_ad = true;
	KUNIT_EXPECT_EQ(test, ops->test_young(mn, mm, ctx->hva), 0);
	KUNIT_EXPECT_EQ(test, ops->clear_young(mn, mm, ctx->hva, end), 0);
	KUNIT_EXPECT_EQ(test, flushes_of(ctx->kvm), 0);
	KUNIT_ASSERT_EQ(test, guest_access_retry(ctx->vcpu, BASE + 1, true), TDP_FIXED);
	for (i = 0; i < 3; i++) {
		KUNIT_ASSERT_EQ(test, guest_access_retry(ctx->vcpu, BASE, true), TDP_FIXED);
		flushes = flushes_of(ctx->kvm);
		KUNIT_EXPECT_EQ(test, ops->test_young(mn, mm, ctx->hva), 1);
		KUNIT_EXPECT_EQ(test, ops->test_young(mn, mm, ctx->hva), 1);
		KUNIT_EXPECT_EQ(test, flushes_of(ctx->kvm), flushes);
		KUNIT_EXPECT_EQ(test, ops->clear_young(mn, mm, ctx->hva, end), 1);
		KUNIT_EXPECT_GT(test, flushes_of(ctx->kvm), flushes);
		KUNIT_EXPECT_EQ(test, mapping_of(ctx->kvm, BASE).pte, 0);
		KUNIT_EXPECT_EQ(test, ops->clear_flush_young(mn, mm, ctx->hva, end), 0);
	}
	/* The neighbour was not asked about. */
	KUNIT_EXPECT_TRUE(test, is_writable(ctx->kvm, BASE + 1));
}

/* Nothing of a slot survives its deletion or its move, and tables are freed. */
static void fault_slot_goes(struct kunit *test)
{
	struct fault_ctx *ctx = test->priv;
	struct kvm *kvm = ctx->kvm;
	s64 flushes;
	int i;

	for (i = 0; i < 16; i++)
		KUNIT_ASSERT_EQ(test, guest_access_retry(ctx->vcpu, BASE + i, true), TDP_FIXED);
	KUNIT_EXPECT_EQ(test, atomic64_read(&kvm->stat.pages_4k), 16);

	/* Moved over its old place by one frame: old frames now show other pages. */
	KUNIT_ASSERT_EQ(test, put_user(0xabcdULL, (u64 __user *)ctx->hva), 0);
	flushes = flushes_of(kvm);
	KUNIT_ASSERT_EQ(test, change_slot(kvm, 1, (BASE + 1) << PAGE_SHIFT, SZ_64K, ctx->hva, 0),
			0);
	KUNIT_EXPECT_GT(test, flushes_of(kvm), flushes);
	KUNIT_EXPECT_EQ(test, atomic64_read(&kvm->stat.pages_4k), 0);
	KUNIT_EXPECT_EQ(test, guest_access(ctx->vcpu, BASE, true), TDP_MMIO);
	KUNIT_ASSERT_EQ(test, guest_access_retry(ctx->vcpu, BASE + 1, true), TDP_FIXED);
	KUNIT_EXPECT_EQ(test, frame_word(kvm, BASE + 1), 0xabcd);

	KUNIT_ASSERT_EQ(test, change_slot(kvm, 1, 0, 0, 0, 0), 0);
	KUNIT_EXPECT_EQ(test, mapping_of(kvm, BASE + 1).pte, 0);
	KUNIT_EXPECT_EQ(test, atomic64_read(&kvm->stat.pages_4k), 0);
	KUNIT_EXPECT_EQ(test, guest_access(ctx->vcpu, BASE + 1, true), TDP_MMIO);
}

/* A slot that goes to @to, or away if @size is 0; run by another thread. */
struct departure {
	struct kvm *kvm;
	gpa_t to;
	u64 size;
	unsigned long hva;
	struct completion done;
	int err;
};

static int depart(void *data)
{
	struct departure *d = data;

	d->err = change_slot(d->kvm, 1, d->to, d->size, d->hva, 0);
	complete(&d->done);
	return 0;
}

/*
 * Halt the change of a slot where its frames are mapped and no index leads to
 * them: a reader of the old index, this thread, holds it up. Then the host
 * takes away the first of its pages.
 */
static void invalidate_while_leaving(struct kunit *test, gpa_t to, u64 size)
{
	struct fault_ctx *ctx = test->priv;
	struct kvm *kvm = ctx->kvm;
	const struct mmu_notifier_ops *ops = kvm->mmu_notifier.ops;
	struct departure d = { .kvm = kvm, .to = to, .size = size, .hva = ctx->hva };
	bool hidden = false, mapped, gone, other_stays;
	struct mmu_notifier_range range;
	struct task_struct *task;
	s64 flushes;
	int idx, i;

	mmu_notifier_range_init(&range, MMU_NOTIFY_UNMAP, 0, kvm->mm, ctx->hva,
				ctx->hva + PAGE_SIZE);
	init_completion(&d.done);
	KUNIT_ASSERT_EQ(test, guest_access_retry(ctx->vcpu, BASE, true), TDP_FIXED);
	KUNIT_ASSERT_EQ(test, guest_access_retry(ctx->vcpu, BASE + 15, true), TDP_FIXED);

	idx = srcu_read_lock(&kvm->srcu);
	task = kthread_run(depart, &d, "slot-departs");
	for (i = 0; i < 10000 && !IS_ERR(task) && !hidden; i++) {
		hidden = !gfn_to_memslot(kvm, BASE);
		schedule_timeout_uninterruptible(1);
	}
	mapped = mapping_of(kvm, BASE).pte;
	flushes = flushes_of(kvm);
	ops->invalidate_range_start(&kvm->mmu_notifier, &range);
	gone = !mapping_of(kvm, BASE).pte;
	other_stays = mapping_of(kvm, BASE + 15).pte;
	flushes = flushes_of(kvm) - flushes;
	ops->invalidate_range_end(&kvm->mmu_notifier, &range);
	srcu_read_unlock(&kvm->srcu, idx);
	if (!IS_ERR(task))
		wait_for_completion(&d.done);

	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	KUNIT_EXPECT_EQ(test, d.err, 0);
	KUNIT_EXPECT_TRUE(test, hidden);
	KUNIT_EXPECT_TRUE(test, mapped);
	KUNIT_EXPECT_TRUE(test, gone);
	KUNIT_EXPECT_GT(test, flushes, 0);
	/* That it was the notifier who took it away. */
	KUNIT_EXPECT_TRUE(test, other_stays);
	KUNIT_EXPECT_EQ(test, mapping_of(kvm, BASE + 15).pte, 0);
	KUNIT_EXPECT_PTR_EQ(test, kvm->slots.leaving, NULL);
}

static void fault_slot_deleted_under_invalidation(struct kunit *test)
{
	invalidate_while_leaving(test, 0, 0);
}

static void fault_slot_moved_under_invalidation(struct kunit *test)
{
	invalidate_while_leaving(test, SZ_16M, SZ_64K);
}

/* An entry left by a slot that is about to be zapped does not hang the guest. */
static void fault_stale_entry(struct kunit *test)
{
	struct fault_ctx *ctx = test->priv;
	struct tdp_cursor c;
	u64 right;

	KUNIT_ASSERT_EQ(test, guest_access_retry(ctx->vcpu, BASE, true), TDP_FIXED);
	right = tdp_pte_pfn(mapping_of(ctx->kvm, BASE).pte);

	/* As a fault through the old slot would have left it: read-only, another page. */
	write_lock(&ctx->kvm->mmu_lock);
	tdp_cursor_start(&c, &ctx->kvm->tdp, BASE, BASE + 1, PG_LEVEL_4K);
	while (tdp_cursor_descend(&c))
		;
	WRITE_ONCE(*c.entry, tdp_make_leaf(right ^ 1, PG_LEVEL_4K, 0));
	write_unlock(&ctx->kvm->mmu_lock);

	KUNIT_EXPECT_EQ(test, guest_access(ctx->vcpu, BASE, true), TDP_RETRY);
	KUNIT_EXPECT_EQ(test, guest_access_retry(ctx->vcpu, BASE, true), TDP_FIXED);
	KUNIT_EXPECT_EQ(test, tdp_pte_pfn(mapping_of(ctx->kvm, BASE).pte), right);
}

/* Nor is one taken for the slot's that was moved over it, which logs its writes. */
static void fault_stale_logged(struct kunit *test)
{
	struct fault_ctx *ctx = test->priv;
	struct kvm *kvm = ctx->kvm;
	struct tdp_cursor c;
	u64 right;
	int idx;

	KUNIT_ASSERT_EQ(test, guest_access_retry(ctx->vcpu, BASE, true), TDP_FIXED);
	right = tdp_pte_pfn(mapping_of(kvm, BASE).pte);
	KUNIT_ASSERT_EQ(test, change_slot(kvm, 1, BASE << PAGE_SHIFT, SZ_64K, ctx->hva,
					  KVM_MEM_LOG_DIRTY_PAGES), 0);
	KUNIT_ASSERT_FALSE(test, is_writable(kvm, BASE));

	/* As the old slot left it: another page, write-protected by the log. */
	idx = srcu_read_lock(&kvm->srcu);
	write_lock(&kvm->mmu_lock);
	tdp_cursor_start(&c, &kvm->tdp, BASE, BASE + 1, PG_LEVEL_4K);
	while (tdp_cursor_descend(&c))
		;
	WRITE_ONCE(*c.entry, c.val ^ PAGE_SIZE);
	kvm->slots.leaving = gfn_to_memslot(kvm, BASE);
	write_unlock(&kvm->mmu_lock);
	srcu_read_unlock(&kvm->srcu, idx);

	KUNIT_EXPECT_EQ(test, guest_access_retry(ctx->vcpu, BASE, true), TDP_FIXED);
	KUNIT_EXPECT_EQ(test, tdp_pte_pfn(mapping_of(kvm, BASE).pte), right);
	kvm->slots.leaving = NULL;
}

#define HUGE_BASE	(SZ_4M >> PAGE_SHIFT)

/* Have the host map 2 MiB, or skip the test. Return: user address of 4 MiB. */
static unsigned long huge_slot(struct kunit *test, unsigned long skew, u32 flags)
{
	struct fault_ctx *ctx = test->priv;
	unsigned long hva = huge_user_memory(test, SZ_4M);

	KUNIT_ASSERT_EQ(test, put_user(1ULL, (u64 __user *)hva), 0);
	KUNIT_ASSERT_EQ(test, put_user(2ULL, (u64 __user *)(hva + SZ_2M)), 0);
	if (tdp_host_mapping_level(current->mm, hva) != PG_LEVEL_2M ||
	    tdp_host_mapping_level(current->mm, hva + SZ_2M) != PG_LEVEL_2M)
		kunit_skip(test, "the host has no huge page to spare");
	KUNIT_ASSERT_EQ(test, change_slot(ctx->kvm, 2, (HUGE_BASE << PAGE_SHIFT) + skew,
					  SZ_4M, hva, flags), 0);
	return hva;
}

static void fault_huge(struct kunit *test)
{
	struct fault_ctx *ctx = test->priv;
	unsigned long hva = huge_slot(test, 0, 0);
	unsigned long addr;

	KUNIT_ASSERT_EQ(test, guest_access_retry(ctx->vcpu, HUGE_BASE + 5, true), TDP_FIXED);
	KUNIT_EXPECT_EQ(test, mapping_of(ctx->kvm, HUGE_BASE).level, PG_LEVEL_2M);
	KUNIT_EXPECT_EQ(test, frame_word(ctx->kvm, HUGE_BASE), 1);
	KUNIT_EXPECT_EQ(test, mapping_of(ctx->kvm, HUGE_BASE + 512).pte, 0);
	KUNIT_EXPECT_EQ(test, atomic64_read(&ctx->kvm->stat.pages_2m), 1);

	/* The host splits its page to drop a part of it. */
	addr = vm_mmap(NULL, hva + SZ_64K, PAGE_SIZE, PROT_READ | PROT_WRITE,
		       MAP_ANONYMOUS | MAP_PRIVATE | MAP_FIXED, 0);
	KUNIT_ASSERT_EQ(test, addr, hva + SZ_64K);
	KUNIT_EXPECT_EQ(test, mapping_of(ctx->kvm, HUGE_BASE).pte, 0);
	KUNIT_EXPECT_EQ(test, atomic64_read(&ctx->kvm->stat.pages_2m), 0);
	KUNIT_ASSERT_EQ(test, guest_access_retry(ctx->vcpu, HUGE_BASE, true), TDP_FIXED);
	KUNIT_EXPECT_EQ(test, mapping_of(ctx->kvm, HUGE_BASE).level, PG_LEVEL_4K);
	KUNIT_EXPECT_EQ(test, frame_word(ctx->kvm, HUGE_BASE), 1);
}

static bool is_executable(struct kvm *kvm, gfn_t gfn)
{
	return tdp_allows(mapping_of(kvm, gfn).pte, TDP_ACCESS_EXEC);
}

/* Where large pages must not be executed from, a fetch gets 4 KiB and data keep theirs. */
static void fault_huge_noexec(struct kunit *test)
{
	struct fault_ctx *ctx = test->priv;
	struct kvm *kvm = ctx->kvm;
	s64 flushes;

	kvm->tdp.huge_noexec = true;
	huge_slot(test, 0, 0);
	KUNIT_ASSERT_EQ(test, guest_access_retry(ctx->vcpu, HUGE_BASE, true), TDP_FIXED);
	KUNIT_EXPECT_EQ(test, mapping_of(kvm, HUGE_BASE).level, PG_LEVEL_2M);
	KUNIT_EXPECT_FALSE(test, is_executable(kvm, HUGE_BASE));

	flushes = flushes_of(kvm);
	KUNIT_ASSERT_EQ(test, guest_fetch_retry(ctx->vcpu, HUGE_BASE + 9), TDP_FIXED);
	KUNIT_EXPECT_EQ(test, mapping_of(kvm, HUGE_BASE + 9).level, PG_LEVEL_4K);
	KUNIT_EXPECT_TRUE(test, is_executable(kvm, HUGE_BASE + 9));
	KUNIT_EXPECT_TRUE(test, is_writable(kvm, HUGE_BASE + 9));
	KUNIT_EXPECT_FALSE(test, is_executable(kvm, HUGE_BASE + 8));
	KUNIT_EXPECT_TRUE(test, is_writable(kvm, HUGE_BASE + 8));
	KUNIT_EXPECT_GT(test, flushes_of(kvm), flushes);
	KUNIT_EXPECT_EQ(test, guest_fetch_retry(ctx->vcpu, HUGE_BASE + 9), TDP_SPURIOUS);

	/* A fetch that comes first does not make a large page either. */
	KUNIT_ASSERT_EQ(test, guest_fetch_retry(ctx->vcpu, HUGE_BASE + 512), TDP_FIXED);
	KUNIT_EXPECT_EQ(test, mapping_of(kvm, HUGE_BASE + 512).level, PG_LEVEL_4K);
	KUNIT_EXPECT_TRUE(test, is_executable(kvm, HUGE_BASE + 512));
}

/* Guest and user addresses that are not congruent cannot share a huge page. */
static void fault_huge_misaligned(struct kunit *test)
{
	struct fault_ctx *ctx = test->priv;

	huge_slot(test, PAGE_SIZE, 0);
	KUNIT_ASSERT_EQ(test, guest_access_retry(ctx->vcpu, HUGE_BASE + 600, true), TDP_FIXED);
	KUNIT_EXPECT_EQ(test, mapping_of(ctx->kvm, HUGE_BASE + 600).level, PG_LEVEL_4K);
}

/* Logging splits a huge leaf at the first write; its end brings the huge leaf back. */
static void fault_huge_logged(struct kunit *test)
{
	struct fault_ctx *ctx = test->priv;
	unsigned long hva = huge_slot(test, 0, 0);
	gpa_t gpa = HUGE_BASE << PAGE_SHIFT;
	struct kvm *kvm = ctx->kvm;
	s64 flushes;
	u64 pfn;

	KUNIT_ASSERT_EQ(test, guest_access_retry(ctx->vcpu, HUGE_BASE, true), TDP_FIXED);
	pfn = tdp_pte_pfn(mapping_of(kvm, HUGE_BASE).pte);
	flushes = flushes_of(kvm);
	KUNIT_ASSERT_EQ(test, change_slot(kvm, 2, gpa, SZ_4M, hva, KVM_MEM_LOG_DIRTY_PAGES), 0);
	KUNIT_EXPECT_EQ(test, mapping_of(kvm, HUGE_BASE).level, PG_LEVEL_2M);
	KUNIT_EXPECT_FALSE(test, is_writable(kvm, HUGE_BASE));
	KUNIT_EXPECT_GT(test, flushes_of(kvm), flushes);

	flushes = flushes_of(kvm);
	KUNIT_ASSERT_EQ(test, guest_access_retry(ctx->vcpu, HUGE_BASE + 7, true), TDP_FIXED);
	KUNIT_EXPECT_GT(test, flushes_of(kvm), flushes);
	KUNIT_EXPECT_EQ(test, mapping_of(kvm, HUGE_BASE).level, PG_LEVEL_4K);
	KUNIT_EXPECT_TRUE(test, is_writable(kvm, HUGE_BASE + 7));
	KUNIT_EXPECT_FALSE(test, is_writable(kvm, HUGE_BASE + 6));
	KUNIT_EXPECT_FALSE(test, is_writable(kvm, HUGE_BASE + 8));
	KUNIT_EXPECT_EQ(test, tdp_pte_pfn(mapping_of(kvm, HUGE_BASE + 511).pte), pfn + 511);
	KUNIT_EXPECT_EQ(test, atomic64_read(&kvm->stat.pages_2m), 0);
	KUNIT_EXPECT_EQ(test, atomic64_read(&kvm->stat.pages_4k), 512);

	/* Tables go: no CPU may have them cached when they are freed. */
	flushes = flushes_of(kvm);
	KUNIT_ASSERT_EQ(test, change_slot(kvm, 2, gpa, SZ_4M, hva, 0), 0);
	KUNIT_EXPECT_GT(test, flushes_of(kvm), flushes);
	KUNIT_ASSERT_EQ(test, guest_access_retry(ctx->vcpu, HUGE_BASE + 8, true), TDP_FIXED);
	KUNIT_EXPECT_EQ(test, mapping_of(kvm, HUGE_BASE + 8).level, PG_LEVEL_2M);
	KUNIT_EXPECT_TRUE(test, is_writable(kvm, HUGE_BASE));
	KUNIT_EXPECT_EQ(test, atomic64_read(&kvm->stat.pages_4k), 0);
}

/* A log by hardware would name one frame of a huge leaf: such are write-protected all the same. */
static void fault_huge_logged_by_hardware(struct kunit *test)
{
	fake_hw.tdp_logs_dirty = true;
	fault_huge_logged(test);
}

/*
 * Faults against the host, for many rounds: one thread faults frames in,
 * another maps and unmaps the memory behind them, the test looks.
 */
#define RACE_FRAMES	64U
#define RACE_ROUNDS	3000U
#define RACE_BASE	(SZ_8M >> PAGE_SHIFT)

struct race {
	struct kvm_vcpu *vcpu;
	unsigned long hva;
	struct completion done[2];
	atomic_t running;
	unsigned int fixed;
	unsigned int unexpected;
};

static int race_faults(void *data)
{
	struct race *race = data;
	unsigned int i = 0;

	kthread_use_mm(race->vcpu->kvm->mm);
	while (atomic_read(&race->running) > 1) {
		/* Strides that visit every frame, reads and writes. */
		gfn_t gfn = RACE_BASE + i * 7 % RACE_FRAMES;

		switch (guest_access(race->vcpu, gfn, i++ % 3)) {
		case TDP_FIXED:
			race->fixed++;
			break;
		case TDP_SPURIOUS:
		case TDP_RETRY:
		case TDP_EFAULT:	/* just unmapped */
		case TDP_MMIO:		/* just moved away */
			break;
		default:
			race->unexpected++;
			break;
		}
		cond_resched();
	}
	kthread_unuse_mm(race->vcpu->kvm->mm);
	complete(&race->done[0]);
	return 0;
}

static int race_host(void *data)
{
	struct race *race = data;
	unsigned int i;

	kthread_use_mm(race->vcpu->kvm->mm);
	for (i = 0; i < RACE_ROUNDS; i++) {
		unsigned long addr = race->hva + i * 11 % RACE_FRAMES * PAGE_SIZE;

		vm_munmap(addr, PAGE_SIZE);
		if (vm_mmap(NULL, addr, PAGE_SIZE, PROT_READ | PROT_WRITE,
			    MAP_ANONYMOUS | MAP_PRIVATE | MAP_FIXED, 0) != addr)
			race->unexpected++;
		cond_resched();
	}
	kthread_unuse_mm(race->vcpu->kvm->mm);
	atomic_dec(&race->running);
	complete(&race->done[1]);
	return 0;
}

/* What the host's own tables say; called with mmu_lock held and nothing in progress. */
static u64 host_pfn(const struct mm_struct *mm, unsigned long hva)
{
	const u64 *table = (const u64 *)mm->pgd;
	int level = pgtable_l5_enabled() ? 5 : 4;
	unsigned long flags;
	u64 pte;

	local_irq_save(flags);
	for (;; level--) {
		pte = READ_ONCE(table[tdp_index(hva >> PAGE_SHIFT, level)]);
		if (!(pte & _PAGE_PRESENT) || level == PG_LEVEL_4K || pte & _PAGE_PSE)
			break;
		table = __va(pte & PTE_PFN_MASK);
	}
	local_irq_restore(flags);
	return pte & _PAGE_PRESENT ? (pte & PTE_PFN_MASK) >> PAGE_SHIFT : 0;
}

/*
 * Return: entries that show the guest a page which userspace does not have.
 * Looks while no invalidation is in progress: then there must be none.
 */
static unsigned int disagreements(struct race *race, unsigned int *looked)
{
	struct kvm *kvm = race->vcpu->kvm;
	unsigned int i, bad = 0;

	for (i = 0; i < RACE_FRAMES; i++) {
		unsigned long hva = race->hva + i * PAGE_SIZE;
		struct tdp_cursor c;

		read_lock(&kvm->mmu_lock);
		if (kvm->notifier.in_progress)
			goto next;
		tdp_cursor_start(&c, &kvm->tdp, RACE_BASE + i, RACE_BASE + i + 1, PG_LEVEL_4K);
		while (tdp_cursor_descend(&c))
			;
		if (!tdp_present(c.val))
			goto next;
		bad += tdp_pte_pfn(c.val) != host_pfn(kvm->mm, hva);
		(*looked)++;
next:
		read_unlock(&kvm->mmu_lock);
	}
	return bad;
}

static void fault_races_with_host(struct kunit *test)
{
	struct fault_ctx *ctx = test->priv;
	struct race *race = kunit_kzalloc(test, sizeof(*race), GFP_KERNEL);
	struct task_struct *guest, *host;
	unsigned int bad = 0, looked = 0;

	KUNIT_ASSERT_NOT_NULL(test, race);
	race->vcpu = ctx->vcpu;
	init_completion(&race->done[0]);
	init_completion(&race->done[1]);
	atomic_set(&race->running, 2);
	race->hva = fake_add_slot(test, ctx->kvm, 2, (gpa_t)RACE_BASE << PAGE_SHIFT,
				  RACE_FRAMES * PAGE_SIZE, 0);

	guest = kthread_run(race_faults, race, "race-guest");
	host = kthread_run(race_host, race, "race-host");
	if (IS_ERR(host))
		atomic_dec(&race->running);
	while (!IS_ERR(host) && !completion_done(&race->done[1])) {
		bad += disagreements(race, &looked);
		cond_resched();
	}
	if (!IS_ERR(guest))
		wait_for_completion(&race->done[0]);

	KUNIT_EXPECT_FALSE(test, IS_ERR(guest));
	KUNIT_EXPECT_FALSE(test, IS_ERR(host));
	bad += disagreements(race, &looked);
	KUNIT_EXPECT_EQ(test, bad, 0);
	KUNIT_EXPECT_EQ(test, race->unexpected, 0);
	/* That something was looked at. */
	KUNIT_EXPECT_GT(test, looked, 0);
	KUNIT_EXPECT_GT(test, race->fixed, 0);
	KUNIT_EXPECT_EQ(test, ctx->kvm->notifier.in_progress, 0);
}

/* Return: entries that still map frames of [start, start + RACE_FRAMES). */
static unsigned int leftovers(struct kvm *kvm, gfn_t start)
{
	unsigned int i, n = 0;

	for (i = 0; i < RACE_FRAMES; i++)
		n += mapping_of(kvm, start + i).pte != 0;
	return n;
}

/* When the ioctl has returned, what was moved or deleted is gone, whatever vCPUs do. */
static void fault_races_with_slots(struct kunit *test)
{
	struct fault_ctx *ctx = test->priv;
	struct race *race = kunit_kzalloc(test, sizeof(*race), GFP_KERNEL);
	unsigned int i, left = 0, errors = 0;
	struct kvm *kvm = ctx->kvm;
	struct task_struct *guest;
	gpa_t away, size = RACE_FRAMES * PAGE_SIZE, here = (gpa_t)RACE_BASE << PAGE_SHIFT;

	KUNIT_ASSERT_NOT_NULL(test, race);
	race->vcpu = ctx->vcpu;
	init_completion(&race->done[0]);
	atomic_set(&race->running, 2);
	race->hva = fake_add_slot(test, kvm, 2, here, size, 0);
	/* Half of it stays in place: those frames change what they show. */
	away = here + size / 2;

	guest = kthread_run(race_faults, race, "race-guest");
	for (i = 0; i < RACE_ROUNDS / 10 && !IS_ERR(guest); i++) {
		errors += !!change_slot(kvm, 2, away, size, race->hva, 0);
		left += !!mapping_of(kvm, RACE_BASE).pte;
		errors += !!change_slot(kvm, 2, 0, 0, 0, 0);
		left += leftovers(kvm, RACE_BASE);
		errors += !!change_slot(kvm, 2, here, size, race->hva, 0);
		/* Let the guest have a part of it before it goes. */
		while (!mapping_of(kvm, RACE_BASE + i % RACE_FRAMES).pte)
			cond_resched();
	}
	atomic_dec(&race->running);
	if (!IS_ERR(guest))
		wait_for_completion(&race->done[0]);

	KUNIT_EXPECT_FALSE(test, IS_ERR(guest));
	KUNIT_EXPECT_EQ(test, left, 0);
	KUNIT_EXPECT_EQ(test, errors, 0);
	KUNIT_EXPECT_EQ(test, race->unexpected, 0);
	KUNIT_EXPECT_EQ(test, change_slot(kvm, 2, 0, 0, 0, 0), 0);
	KUNIT_EXPECT_EQ(test, atomic64_read(&kvm->stat.pages_4k), 0);
}

/* The local APIC's page, where hardware knows it by a frame that stands for it. */
static void fault_apic_page(struct kunit *test)
{
	struct fault_ctx *ctx = test->priv;
	struct kvm *kvm = fake_vm_create(test);
	void *page = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	struct kvm_vcpu *vcpu;
	kvm_pfn_t pfn;
	s64 flushes;

	KUNIT_ASSERT_NOT_NULL(test, page);
	pfn = __pa(page) >> PAGE_SHIFT;
	kvm->irqchip_mode = KVM_IRQCHIP_SPLIT;
	vcpu = fake_vcpu_create(test, kvm);
	KUNIT_EXPECT_EQ(test, guest_access(vcpu, TDP_APIC_GFN, false), TDP_MMIO);
	kvm->tdp.apic_pfn = pfn;
	KUNIT_EXPECT_EQ(test, guest_access(vcpu, TDP_APIC_GFN, false), TDP_FIXED);
	KUNIT_EXPECT_EQ(test, tdp_pte_pfn(mapping_of(kvm, TDP_APIC_GFN).pte), pfn);
	KUNIT_EXPECT_EQ(test, mapping_of(kvm, TDP_APIC_GFN).level, PG_LEVEL_4K);
	KUNIT_EXPECT_TRUE(test, is_writable(kvm, TDP_APIC_GFN));
	KUNIT_EXPECT_EQ(test, guest_access(vcpu, TDP_APIC_GFN, true), TDP_SPURIOUS);
	KUNIT_EXPECT_EQ(test, guest_access(vcpu, TDP_APIC_GFN + 1, true), TDP_MMIO);
	KUNIT_EXPECT_EQ(test, atomic64_read(&kvm->stat.pages_4k), 1);

	/* One vCPU leaves the mode: none is led there any more. */
	flushes = flushes_of(kvm);
	tdp_drop_apic_page(kvm);
	KUNIT_EXPECT_GT(test, flushes_of(kvm), flushes);
	KUNIT_EXPECT_EQ(test, mapping_of(kvm, TDP_APIC_GFN).pte, 0);
	KUNIT_EXPECT_EQ(test, guest_access(vcpu, TDP_APIC_GFN, true), TDP_MMIO);
	KUNIT_EXPECT_EQ(test, atomic64_read(&kvm->stat.pages_4k), 0);

	/* Memory that is put there comes first. */
	kvm->tdp.apic_pfn = pfn;
	KUNIT_EXPECT_EQ(test, guest_access(vcpu, TDP_APIC_GFN, true), TDP_FIXED);
	fake_add_slot(test, kvm, 1, APIC_DEFAULT_PHYS_BASE, SZ_64K, 0);
	KUNIT_EXPECT_EQ(test, mapping_of(kvm, TDP_APIC_GFN).pte, 0);
	KUNIT_EXPECT_EQ(test, guest_access_retry(vcpu, TDP_APIC_GFN, true), TDP_FIXED);
	KUNIT_EXPECT_NE(test, tdp_pte_pfn(mapping_of(kvm, TDP_APIC_GFN).pte), pfn);

	/* Without a local APIC in the kernel there is no such page. */
	ctx->kvm->tdp.apic_pfn = pfn;
	KUNIT_EXPECT_EQ(test, guest_access(ctx->vcpu, TDP_APIC_GFN, true), TDP_MMIO);
	ctx->kvm->tdp.apic_pfn = 0;
}

static int fault_init(struct kunit *test)
{
	struct fault_ctx *ctx = kunit_kzalloc(test, sizeof(*ctx), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, ctx);
	test->priv = ctx;
	ctx->kvm = fake_vm_create(test);
	ctx->vcpu = fake_vcpu_create(test, ctx->kvm);
	ctx->hva = fake_add_slot(test, ctx->kvm, 1, BASE << PAGE_SHIFT, SZ_64K, 0);
	return 0;
}

static void fault_exit(struct kunit *test)
{
	fake_hw_reset();
}

static struct kunit_case fault_cases[] = {
	KUNIT_CASE(fault_maps_page),
	KUNIT_CASE(fault_outside_memory),
	KUNIT_CASE(fault_read_only_slot),
	KUNIT_CASE(fault_copy_on_write),
	KUNIT_CASE(fault_follows_host),
	KUNIT_CASE(fault_waits_for_invalidation),
	KUNIT_CASE(fault_young),
	KUNIT_CASE(fault_young_without_ad),
	KUNIT_CASE(fault_slot_goes),
	KUNIT_CASE(fault_slot_deleted_under_invalidation),
	KUNIT_CASE(fault_slot_moved_under_invalidation),
	KUNIT_CASE(fault_stale_entry),
	KUNIT_CASE(fault_stale_logged),
	KUNIT_CASE(fault_huge),
	KUNIT_CASE(fault_huge_noexec),
	KUNIT_CASE(fault_huge_misaligned),
	KUNIT_CASE(fault_huge_logged),
	KUNIT_CASE(fault_huge_logged_by_hardware),
	KUNIT_CASE(fault_apic_page),
	KUNIT_CASE_SLOW(fault_races_with_host),
	KUNIT_CASE_SLOW(fault_races_with_slots),
	{}
};

static struct kunit_suite fault_suite = {
	.name = "monovisor-tdp-fault",
	.init = fault_init,
	.exit = fault_exit,
	.test_cases = fault_cases,
};

kunit_test_suite(fault_suite);
