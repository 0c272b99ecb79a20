// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty logs (core/dirty.c): no write is lost, none is told twice, a refused
 * request changes nothing.
 */
#include <kunit/test.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/uaccess.h>

#include "tests/kunit/mmu_test.h"

#define BASE	0x100ULL
#define NPAGES	130UL		/* not a multiple of a word's bits */
#define LONGS	BITS_TO_LONGS(NPAGES)

struct dirty_ctx {
	struct kvm *kvm;
	struct kvm_vcpu *vcpu;
	unsigned long hva;
	unsigned long user_bitmap;	/* for the ioctls to fill */
};

/* KVM_GET_DIRTY_LOG of slot 1, into @log. */
static int get_log(struct kunit *test, unsigned long *log)
{
	struct dirty_ctx *ctx = test->priv;
	struct kvm_dirty_log arg = {
		.slot = 1,
		.dirty_bitmap = (void __user *)ctx->user_bitmap,
	};
	int err = kvm_vm_ioctl_get_dirty_log(ctx->kvm, &arg);

	KUNIT_EXPECT_EQ(test, copy_from_user(log, (void __user *)ctx->user_bitmap,
					     LONGS * sizeof(long)), 0);
	return err;
}

static int clear_log(struct kunit *test, u32 slot, u64 first, u32 num, unsigned long *log)
{
	struct dirty_ctx *ctx = test->priv;
	struct kvm_clear_dirty_log arg = {
		.slot = slot,
		.first_page = first,
		.num_pages = num,
		.dirty_bitmap = (void __user *)ctx->user_bitmap,
	};

	KUNIT_EXPECT_EQ(test, copy_to_user((void __user *)ctx->user_bitmap, log,
					   LONGS * sizeof(long)), 0);
	return kvm_vm_ioctl_clear_dirty_log(ctx->kvm, &arg);
}

static int set_logging(struct dirty_ctx *ctx, bool on)
{
	return change_slot(ctx->kvm, 1, BASE << PAGE_SHIFT, NPAGES << PAGE_SHIFT, ctx->hva,
			   on ? KVM_MEM_LOG_DIRTY_PAGES : 0);
}

static void dirty_tells_writes(struct kunit *test)
{
	struct dirty_ctx *ctx = test->priv;
	unsigned long log[LONGS];
	s64 flushes;

	/* What was written before is not told, and is told again when written after. */
	KUNIT_ASSERT_EQ(test, guest_access_retry(ctx->vcpu, BASE + 3, true), TDP_FIXED);
	flushes = flushes_of(ctx->kvm);
	KUNIT_ASSERT_EQ(test, set_logging(ctx, true), 0);
	KUNIT_EXPECT_FALSE(test, is_writable(ctx->kvm, BASE + 3));
	KUNIT_EXPECT_GT(test, flushes_of(ctx->kvm), flushes);
	KUNIT_EXPECT_EQ(test, get_log(test, log), 0);
	KUNIT_EXPECT_TRUE(test, bitmap_empty(log, NPAGES));

	KUNIT_EXPECT_EQ(test, guest_access_retry(ctx->vcpu, BASE + 3, true), TDP_FIXED);
	KUNIT_EXPECT_EQ(test, guest_access_retry(ctx->vcpu, BASE + 64, true), TDP_FIXED);
	KUNIT_EXPECT_EQ(test, guest_access_retry(ctx->vcpu, BASE + NPAGES - 1, true), TDP_FIXED);
	KUNIT_EXPECT_EQ(test, atomic64_read(&ctx->kvm->stat.dirty_log_faults), 3);
	/* Whoever has the log may rely on later writes being told: no TLB lets one through. */
	flushes = flushes_of(ctx->kvm);
	KUNIT_EXPECT_EQ(test, get_log(test, log), 0);
	KUNIT_EXPECT_GT(test, flushes_of(ctx->kvm), flushes);
	KUNIT_EXPECT_EQ(test, log[0], BIT(3));
	KUNIT_EXPECT_EQ(test, log[1], BIT(0));
	KUNIT_EXPECT_EQ(test, log[2], BIT(1));

	/* Told once; the next write faults and is told again. */
	KUNIT_EXPECT_EQ(test, get_log(test, log), 0);
	KUNIT_EXPECT_TRUE(test, bitmap_empty(log, NPAGES));
	KUNIT_EXPECT_FALSE(test, is_writable(ctx->kvm, BASE + 64));
	KUNIT_EXPECT_EQ(test, guest_access_retry(ctx->vcpu, BASE + 64, true), TDP_FIXED);
	KUNIT_EXPECT_EQ(test, get_log(test, log), 0);
	KUNIT_EXPECT_EQ(test, log[0] | log[2], 0);
	KUNIT_EXPECT_EQ(test, log[1], BIT(0));
}

/* A page that is read is not writable, so that its first write is seen. */
static void dirty_read_is_no_write(struct kunit *test)
{
	struct dirty_ctx *ctx = test->priv;
	unsigned long log[LONGS];

	KUNIT_ASSERT_EQ(test, put_user(1ULL, (u64 __user *)ctx->hva), 0);
	KUNIT_ASSERT_EQ(test, set_logging(ctx, true), 0);
	KUNIT_EXPECT_EQ(test, guest_access_retry(ctx->vcpu, BASE, false), TDP_FIXED);
	KUNIT_EXPECT_FALSE(test, is_writable(ctx->kvm, BASE));
	KUNIT_EXPECT_TRUE(test, tdp_may_write(mapping_of(ctx->kvm, BASE).pte));
	KUNIT_EXPECT_EQ(test, get_log(test, log), 0);
	KUNIT_EXPECT_TRUE(test, bitmap_empty(log, NPAGES));

	KUNIT_EXPECT_EQ(test, guest_access_retry(ctx->vcpu, BASE, true), TDP_FIXED);
	KUNIT_EXPECT_EQ(test, get_log(test, log), 0);
	KUNIT_EXPECT_EQ(test, log[0], BIT(0));
}

/* Userspace could not take the log: it is still there. */
static void dirty_kept_on_failure(struct kunit *test)
{
	struct dirty_ctx *ctx = test->priv;
	struct kvm_dirty_log bad = { .slot = 1, .dirty_bitmap = (void __user *)8 };
	unsigned long log[LONGS];

	KUNIT_ASSERT_EQ(test, set_logging(ctx, true), 0);
	KUNIT_EXPECT_EQ(test, guest_access_retry(ctx->vcpu, BASE + 9, true), TDP_FIXED);
	KUNIT_EXPECT_EQ(test, kvm_vm_ioctl_get_dirty_log(ctx->kvm, &bad), -EFAULT);
	KUNIT_EXPECT_EQ(test, get_log(test, log), 0);
	KUNIT_EXPECT_EQ(test, log[0], BIT(9));
}

static void dirty_get_refused(struct kunit *test)
{
	struct dirty_ctx *ctx = test->priv;
	struct kvm_dirty_log arg = { .dirty_bitmap = (void __user *)ctx->user_bitmap };

	arg.slot = KVM_USER_MEM_SLOTS;
	KUNIT_EXPECT_EQ(test, kvm_vm_ioctl_get_dirty_log(ctx->kvm, &arg), -EINVAL);
	arg.slot = 1U << 16 | 1;
	KUNIT_EXPECT_EQ(test, kvm_vm_ioctl_get_dirty_log(ctx->kvm, &arg), -EINVAL);
	arg.slot = 2;
	KUNIT_EXPECT_EQ(test, kvm_vm_ioctl_get_dirty_log(ctx->kvm, &arg), -ENOENT);
	arg.slot = 1;
	KUNIT_EXPECT_EQ(test, kvm_vm_ioctl_get_dirty_log(ctx->kvm, &arg), -ENOENT);
	KUNIT_ASSERT_EQ(test, set_logging(ctx, true), 0);
	KUNIT_EXPECT_EQ(test, kvm_vm_ioctl_get_dirty_log(ctx->kvm, &arg), 0);
}

/* The log stays until userspace clears it, page by page if it likes. */
static void dirty_manual(struct kunit *test)
{
	struct dirty_ctx *ctx = test->priv;
	unsigned long log[LONGS], clear[LONGS] = { BIT(5), ~0UL };
	s64 flushes;

	KUNIT_ASSERT_EQ(test, kvm_enable_manual_dirty_log(ctx->kvm,
							  KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE), 0);
	KUNIT_ASSERT_EQ(test, set_logging(ctx, true), 0);
	KUNIT_EXPECT_EQ(test, guest_access_retry(ctx->vcpu, BASE + 4, true), TDP_FIXED);
	KUNIT_EXPECT_EQ(test, guest_access_retry(ctx->vcpu, BASE + 5, true), TDP_FIXED);
	KUNIT_EXPECT_EQ(test, guest_access_retry(ctx->vcpu, BASE + 70, true), TDP_FIXED);

	KUNIT_EXPECT_EQ(test, get_log(test, log), 0);
	KUNIT_EXPECT_EQ(test, log[0], BIT(4) | BIT(5));
	KUNIT_EXPECT_TRUE(test, is_writable(ctx->kvm, BASE + 5));
	flushes = flushes_of(ctx->kvm);
	KUNIT_EXPECT_EQ(test, clear_log(test, 1, 0, 128, clear), 0);
	KUNIT_EXPECT_GT(test, flushes_of(ctx->kvm), flushes);
	KUNIT_EXPECT_TRUE(test, is_writable(ctx->kvm, BASE + 4));
	KUNIT_EXPECT_FALSE(test, is_writable(ctx->kvm, BASE + 5));
	KUNIT_EXPECT_FALSE(test, is_writable(ctx->kvm, BASE + 70));
	KUNIT_EXPECT_EQ(test, get_log(test, log), 0);
	KUNIT_EXPECT_EQ(test, log[0], BIT(4));
	KUNIT_EXPECT_EQ(test, log[1], 0);
}

static void dirty_initially_set(struct kunit *test)
{
	struct dirty_ctx *ctx = test->priv;
	unsigned long log[LONGS], clear[LONGS] = { BIT(0) };

	KUNIT_ASSERT_EQ(test, kvm_enable_manual_dirty_log(ctx->kvm,
							  KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE |
							  KVM_DIRTY_LOG_INITIALLY_SET), 0);
	KUNIT_EXPECT_EQ(test, guest_access_retry(ctx->vcpu, BASE, true), TDP_FIXED);
	KUNIT_ASSERT_EQ(test, set_logging(ctx, true), 0);
	KUNIT_EXPECT_TRUE(test, is_writable(ctx->kvm, BASE));
	KUNIT_EXPECT_EQ(test, get_log(test, log), 0);
	KUNIT_EXPECT_TRUE(test, bitmap_full(log, NPAGES));
	KUNIT_EXPECT_EQ(test, log[LONGS - 1], BIT(NPAGES % BITS_PER_LONG) - 1);

	KUNIT_EXPECT_EQ(test, clear_log(test, 1, 0, 64, clear), 0);
	KUNIT_EXPECT_FALSE(test, is_writable(ctx->kvm, BASE));
	KUNIT_EXPECT_EQ(test, get_log(test, log), 0);
	KUNIT_EXPECT_EQ(test, log[0], ~BIT(0));
}

struct clear_case {
	const char *name;
	u32 slot;
	u64 first;
	u32 num;
	int err;
};

static const struct clear_case clear_cases[] = {
	{ "all", 1, 0, NPAGES, 0 },
	{ "a word", 1, 64, 64, 0 },
	{ "the end", 1, 128, NPAGES - 128, 0 },
	{ "nothing", 1, 0, 0, 0 },
	{ "no such slot number", KVM_USER_MEM_SLOTS, 0, 64, -EINVAL },
	{ "no such slot", 2, 0, 64, -ENOENT },
	{ "first page inside a word", 1, 1, 64, -EINVAL },
	{ "end inside a word", 1, 0, 65, -EINVAL },
	{ "end beyond the slot", 1, 128, 64, -EINVAL },
	{ "first page beyond the slot", 1, 192, 64, -EINVAL },
	{ "first page far beyond", 1, 1ULL << 63, 64, -EINVAL },
};

static void dirty_clear_ranges(struct kunit *test)
{
	struct dirty_ctx *ctx = test->priv;
	unsigned long none[LONGS] = {};
	const struct clear_case *c;
	int i;

	KUNIT_ASSERT_EQ(test, set_logging(ctx, true), 0);
	for (i = 0; i < ARRAY_SIZE(clear_cases); i++) {
		c = &clear_cases[i];
		KUNIT_EXPECT_EQ_MSG(test, clear_log(test, c->slot, c->first, c->num, none), c->err,
				    "%s", c->name);
	}
}

static void dirty_manual_flags(struct kunit *test)
{
	struct dirty_ctx *ctx = test->priv;
	struct kvm *kvm = ctx->kvm;

	KUNIT_EXPECT_EQ(test, kvm_enable_manual_dirty_log(kvm, KVM_DIRTY_LOG_INITIALLY_SET),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, kvm_enable_manual_dirty_log(kvm, 1U << 2 | 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, kvm_enable_manual_dirty_log(kvm, 1ULL << 32), -EINVAL);
	KUNIT_EXPECT_EQ(test, kvm->slots.manual_dirty_log, 0);
	KUNIT_EXPECT_EQ(test, kvm_enable_manual_dirty_log(kvm,
							  KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE), 0);
	KUNIT_EXPECT_EQ(test, kvm_enable_manual_dirty_log(kvm, 0), 0);
	KUNIT_EXPECT_EQ(test, kvm->slots.manual_dirty_log, 0);
}

static bool is_clean(struct kvm *kvm, gfn_t gfn)
{
	return is_writable(kvm, gfn) && !(mapping_of(kvm, gfn).pte & TDP_PTE_DIRTY);
}

/* Where hardware logs what it makes dirty, frames are made clean, and stay writable. */
static void dirty_by_hardware(struct kunit *test)
{
	struct dirty_ctx *ctx = test->priv;
	struct kvm *kvm = ctx->kvm;
	unsigned long log[LONGS];
	s64 flushes;
	int idx;

	fake_hw.tdp_logs_dirty = true;
	KUNIT_ASSERT_EQ(test, guest_access_retry(ctx->vcpu, BASE + 3, true), TDP_FIXED);
	KUNIT_EXPECT_FALSE(test, is_clean(kvm, BASE + 3));
	flushes = flushes_of(kvm);
	KUNIT_ASSERT_EQ(test, set_logging(ctx, true), 0);
	KUNIT_EXPECT_EQ(test, kvm->slots.nr_logged, 1);
	KUNIT_EXPECT_TRUE(test, is_clean(kvm, BASE + 3));
	KUNIT_EXPECT_GT(test, flushes_of(kvm), flushes);

	/* A read may let the guest write, a write is told by the fault. */
	KUNIT_ASSERT_EQ(test, put_user(1, (u8 __user *)(ctx->hva + 5 * PAGE_SIZE)), 0);
	KUNIT_ASSERT_EQ(test, guest_access_retry(ctx->vcpu, BASE + 5, false), TDP_FIXED);
	KUNIT_EXPECT_TRUE(test, is_clean(kvm, BASE + 5));
	KUNIT_ASSERT_EQ(test, guest_access_retry(ctx->vcpu, BASE + 64, true), TDP_FIXED);
	/* Hardware has logged this one. */
	idx = srcu_read_lock(&kvm->srcu);
	mark_page_dirty(kvm, BASE + 3);
	srcu_read_unlock(&kvm->srcu, idx);

	/* A vCPU in the guest has to leave it first, to give what it has. */
	ctx->vcpu->mode = IN_RUN_LOOP;
	flushes = flushes_of(kvm);
	KUNIT_EXPECT_EQ(test, get_log(test, log), 0);
	KUNIT_EXPECT_EQ(test, ctx->vcpu->mode, EXITING_RUN_LOOP);
	ctx->vcpu->mode = OUTSIDE_RUN_LOOP;
	KUNIT_EXPECT_EQ(test, bitmap_weight(log, NPAGES), 2);
	KUNIT_EXPECT_TRUE(test, test_bit(3, log));
	KUNIT_EXPECT_TRUE(test, test_bit(64, log));
	KUNIT_EXPECT_TRUE(test, is_clean(kvm, BASE + 64));
	KUNIT_EXPECT_GT(test, flushes_of(kvm), flushes);

	KUNIT_ASSERT_EQ(test, set_logging(ctx, false), 0);
	KUNIT_EXPECT_EQ(test, kvm->slots.nr_logged, 0);
}

/* A slot moves; a vCPU that has been in the guest since before names a frame by the old place. */
static void dirty_by_hardware_moved(struct kunit *test)
{
	struct dirty_ctx *ctx = test->priv;
	struct kvm *kvm = ctx->kvm;
	struct kvm_memory_slot old;
	unsigned long log[LONGS];
	int idx;

	fake_hw.tdp_logs_dirty = true;
	KUNIT_ASSERT_EQ(test, set_logging(ctx, true), 0);
	idx = srcu_read_lock(&kvm->srcu);
	old = *gfn_to_memslot(kvm, BASE);
	old.base_gfn = BASE + 0x10000;
	kvm->slots.leaving = &old;
	mark_page_dirty(kvm, old.base_gfn + 7);
	mark_page_dirty(kvm, old.base_gfn + NPAGES);
	mark_page_dirty(kvm, BASE + 9);
	kvm->slots.leaving = NULL;
	mark_page_dirty(kvm, old.base_gfn + 8);
	srcu_read_unlock(&kvm->srcu, idx);

	KUNIT_EXPECT_EQ(test, get_log(test, log), 0);
	KUNIT_EXPECT_EQ(test, bitmap_weight(log, NPAGES), 2);
	KUNIT_EXPECT_TRUE(test, test_bit(7, log));
	KUNIT_EXPECT_TRUE(test, test_bit(9, log));
}

static int dirty_init(struct kunit *test)
{
	struct dirty_ctx *ctx = kunit_kzalloc(test, sizeof(*ctx), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, ctx);
	test->priv = ctx;
	ctx->kvm = fake_vm_create(test);
	ctx->vcpu = fake_vcpu_create(test, ctx->kvm);
	ctx->hva = fake_add_slot(test, ctx->kvm, 1, BASE << PAGE_SHIFT, NPAGES << PAGE_SHIFT, 0);
	ctx->user_bitmap = fake_user_memory(test, PAGE_SIZE);
	return 0;
}

static void dirty_exit(struct kunit *test)
{
	fake_hw_reset();
}

static struct kunit_case dirty_cases[] = {
	KUNIT_CASE(dirty_tells_writes),
	KUNIT_CASE(dirty_read_is_no_write),
	KUNIT_CASE(dirty_kept_on_failure),
	KUNIT_CASE(dirty_get_refused),
	KUNIT_CASE(dirty_manual),
	KUNIT_CASE(dirty_initially_set),
	KUNIT_CASE(dirty_clear_ranges),
	KUNIT_CASE(dirty_manual_flags),
	KUNIT_CASE(dirty_by_hardware),
	KUNIT_CASE(dirty_by_hardware_moved),
	{}
};

static struct kunit_suite dirty_suite = {
	.name = "monovisor-dirty-log",
	.init = dirty_init,
	.exit = dirty_exit,
	.test_cases = dirty_cases,
};

kunit_test_suite(dirty_suite);
