// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory slots (core/memslot.c): what may be asked for, what is found
 * afterwards, and that a refused request changes nothing.
 */
#include <kunit/test.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/srcu.h>
#include <linux/uaccess.h>

#include "core/memslot.h"
#include "core/mmu/mmu.h"
#include "core/vm.h"
#include "tests/fake/fake.h"

/* User addresses that nothing is mapped at: slots do not look. */
#define HVA	0x7f0000000000UL

static int set_region(struct kvm *kvm, u32 slot, u64 gpa, u64 size, u64 hva, u32 flags)
{
	struct kvm_userspace_memory_region mem = {
		.slot = slot,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = hva,
	};

	return kvm_set_memory_region(kvm, &mem);
}

static struct kvm_memory_slot *find(struct kvm *kvm, gfn_t gfn)
{
	int idx = srcu_read_lock(&kvm->srcu);
	struct kvm_memory_slot *slot = gfn_to_memslot(kvm, gfn);

	srcu_read_unlock(&kvm->srcu, idx);
	return slot;
}

static int id_at(struct kvm *kvm, gfn_t gfn)
{
	struct kvm_memory_slot *slot = find(kvm, gfn);

	return slot ? slot->id : -1;
}

struct bad_region {
	const char *name;
	struct kvm_userspace_memory_region mem;
};

#define GOOD_REGION .guest_phys_addr = SZ_1M, .memory_size = SZ_64K, .userspace_addr = HVA

/* Each differs from a region that is accepted in what its name says. */
static const struct bad_region bad_regions[] = {
	{ "unknown flag", { GOOD_REGION, .flags = 1U << 2 } },
	{ "unknown high flag", { GOOD_REGION, .flags = 1U << 31 } },
	{ "slot number too high", { GOOD_REGION, .slot = KVM_USER_MEM_SLOTS } },
	{ "second address space", { GOOD_REGION, .slot = 1U << 16 } },
	{ "guest address not aligned", {
		.guest_phys_addr = SZ_1M + 1, .memory_size = SZ_64K, .userspace_addr = HVA } },
	{ "size not aligned", {
		.guest_phys_addr = SZ_1M, .memory_size = SZ_64K + 1, .userspace_addr = HVA } },
	{ "user address not aligned", {
		.guest_phys_addr = SZ_1M, .memory_size = SZ_64K, .userspace_addr = HVA + 8 } },
	{ "user address in the kernel", {
		.guest_phys_addr = SZ_1M, .memory_size = SZ_64K,
		.userspace_addr = 0xffff888000000000ULL } },
	{ "user address not canonical", {
		.guest_phys_addr = SZ_1M, .memory_size = SZ_64K,
		.userspace_addr = 0x4000000000000000ULL } },
	{ "user range ends in the kernel", {
		.guest_phys_addr = SZ_1M, .memory_size = SZ_64K,
		.userspace_addr = 0x00fffffffffff000ULL } },
	{ "guest range wraps", {
		.guest_phys_addr = 0xfffffffffffff000ULL, .memory_size = SZ_64K,
		.userspace_addr = HVA } },
	{ "beyond any physical address", {
		.guest_phys_addr = 1ULL << 52, .memory_size = SZ_64K, .userspace_addr = HVA } },
	{ "too many pages", {
		.guest_phys_addr = 0, .memory_size = (KVM_MEM_MAX_NR_PAGES + 1) << PAGE_SHIFT,
		.userspace_addr = PAGE_SIZE } },
	{ "deletion of what is not there", {
		.slot = 7, .guest_phys_addr = SZ_1M, .memory_size = 0, .userspace_addr = HVA } },
};

static void memslot_refuses_malformed(struct kunit *test)
{
	struct kvm *kvm = fake_vm_create(test);
	int i;

	for (i = 0; i < ARRAY_SIZE(bad_regions); i++) {
		KUNIT_EXPECT_EQ_MSG(test, kvm_set_memory_region(kvm, &bad_regions[i].mem), -EINVAL,
				    "%s", bad_regions[i].name);
		KUNIT_EXPECT_EQ_MSG(test, kvm->slots.nr_slots, 0, "%s", bad_regions[i].name);
	}
	KUNIT_EXPECT_EQ(test, set_region(kvm, 0, SZ_1M, SZ_64K, HVA, 0), 0);
	KUNIT_EXPECT_EQ(test, set_region(kvm, KVM_USER_MEM_SLOTS - 1, 0, SZ_64K, HVA, 0), 0);
}

/* The last frame that the host can map may be memory, the next may not. */
static void memslot_end_of_physical_memory(struct kunit *test)
{
	struct kvm *kvm = fake_vm_create(test);
	u64 end = tdp_end_gfn() << PAGE_SHIFT;

	KUNIT_EXPECT_EQ(test, set_region(kvm, 0, end - SZ_64K, 2 * SZ_64K, HVA, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_region(kvm, 0, end - SZ_64K, SZ_64K, HVA, 0), 0);
	KUNIT_EXPECT_EQ(test, id_at(kvm, tdp_end_gfn() - 1), 0);
}

struct overlap_case {
	const char *name;
	u64 gpa;
	u64 size;
	int err;
};

/* Against a slot at [1 MiB, 1 MiB + 64 KiB). */
static const struct overlap_case overlap_cases[] = {
	{ "right below", SZ_1M - SZ_64K, SZ_64K, 0 },
	{ "right above", SZ_1M + SZ_64K, SZ_64K, 0 },
	{ "last page overlaps", SZ_1M - SZ_64K, SZ_64K + SZ_4K, -EEXIST },
	{ "first page overlaps", SZ_1M + SZ_64K - SZ_4K, SZ_64K, -EEXIST },
	{ "the same", SZ_1M, SZ_64K, -EEXIST },
	{ "inside", SZ_1M + SZ_8K, SZ_4K, -EEXIST },
	{ "around", 0, SZ_2M, -EEXIST },
};

static void memslot_refuses_overlap(struct kunit *test)
{
	struct kvm *kvm = fake_vm_create(test);
	const struct overlap_case *c;
	int i;

	KUNIT_ASSERT_EQ(test, set_region(kvm, 5, SZ_1M, SZ_64K, HVA, 0), 0);
	for (i = 0; i < ARRAY_SIZE(overlap_cases); i++) {
		c = &overlap_cases[i];
		KUNIT_EXPECT_EQ_MSG(test, set_region(kvm, 9, c->gpa, c->size, HVA, 0), c->err,
				    "%s", c->name);
		KUNIT_EXPECT_EQ_MSG(test, id_at(kvm, SZ_1M >> PAGE_SHIFT), 5, "%s", c->name);
		KUNIT_EXPECT_EQ_MSG(test, kvm->slots.nr_slots, c->err ? 1 : 2, "%s", c->name);
		if (!c->err)
			KUNIT_EXPECT_EQ(test, set_region(kvm, 9, 0, 0, 0, 0), 0);
	}
}

static void memslot_lookup_edges(struct kunit *test)
{
	struct kvm *kvm = fake_vm_create(test);

	KUNIT_EXPECT_EQ(test, id_at(kvm, 0), -1);
	KUNIT_ASSERT_EQ(test, set_region(kvm, 3, 0x10000, 0x4000, HVA, 0), 0);
	KUNIT_ASSERT_EQ(test, set_region(kvm, 2, 0x20000, 0x1000, HVA + SZ_1M, 0), 0);
	KUNIT_EXPECT_EQ(test, id_at(kvm, 0x0f), -1);
	KUNIT_EXPECT_EQ(test, id_at(kvm, 0x10), 3);
	KUNIT_EXPECT_EQ(test, id_at(kvm, 0x13), 3);
	KUNIT_EXPECT_EQ(test, id_at(kvm, 0x14), -1);
	KUNIT_EXPECT_EQ(test, id_at(kvm, 0x20), 2);
	KUNIT_EXPECT_EQ(test, id_at(kvm, 0x21), -1);
	KUNIT_EXPECT_EQ(test, id_at(kvm, ~0ULL >> PAGE_SHIFT), -1);
	KUNIT_EXPECT_EQ(test, __gfn_to_hva_memslot(find(kvm, 0x12), 0x12), HVA + 0x2000);
	KUNIT_EXPECT_EQ(test, kvm->slots.nr_memslot_pages, 5);
}

static void memslot_change(struct kunit *test)
{
	struct kvm *kvm = fake_vm_create(test);
	struct kvm_memory_slot *slot;

	KUNIT_ASSERT_EQ(test, set_region(kvm, 1, 0x10000, 0x4000, HVA, 0), 0);
	slot = find(kvm, 0x10);

	/* The same again is no change. */
	KUNIT_EXPECT_EQ(test, set_region(kvm, 1, 0x10000, 0x4000, HVA, 0), 0);
	KUNIT_EXPECT_PTR_EQ(test, find(kvm, 0x10), slot);

	/* What cannot be changed. */
	KUNIT_EXPECT_EQ(test, set_region(kvm, 1, 0x10000, 0x5000, HVA, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_region(kvm, 1, 0x10000, 0x4000, HVA + 0x1000, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_region(kvm, 1, 0x10000, 0x4000, HVA, KVM_MEM_READONLY), -EINVAL);
	KUNIT_EXPECT_PTR_EQ(test, find(kvm, 0x10), slot);

	/* A move over its own old place; then onto another slot. */
	KUNIT_EXPECT_EQ(test, set_region(kvm, 1, 0x12000, 0x4000, HVA, 0), 0);
	KUNIT_EXPECT_EQ(test, id_at(kvm, 0x11), -1);
	KUNIT_EXPECT_EQ(test, id_at(kvm, 0x12), 1);
	KUNIT_EXPECT_EQ(test, id_at(kvm, 0x15), 1);
	KUNIT_EXPECT_EQ(test, __gfn_to_hva_memslot(find(kvm, 0x15), 0x15), HVA + 0x3000);
	KUNIT_ASSERT_EQ(test, set_region(kvm, 2, 0x20000, 0x1000, HVA, 0), 0);
	KUNIT_EXPECT_EQ(test, set_region(kvm, 1, 0x1f000, 0x4000, HVA, 0), -EEXIST);
	KUNIT_EXPECT_EQ(test, id_at(kvm, 0x12), 1);

	KUNIT_EXPECT_EQ(test, set_region(kvm, 1, 0, 0, 0, 0), 0);
	KUNIT_EXPECT_EQ(test, id_at(kvm, 0x12), -1);
	KUNIT_EXPECT_EQ(test, id_at(kvm, 0x20), 2);
	KUNIT_EXPECT_EQ(test, kvm->slots.nr_slots, 1);
	KUNIT_EXPECT_EQ(test, kvm->slots.nr_memslot_pages, 1);
}

static void memslot_flags(struct kunit *test)
{
	struct kvm *kvm = fake_vm_create(test);

	KUNIT_ASSERT_EQ(test, set_region(kvm, 1, 0x10000, 0x4000, HVA, 0), 0);
	KUNIT_EXPECT_NULL(test, find(kvm, 0x10)->dirty_bitmap);
	KUNIT_EXPECT_EQ(test, set_region(kvm, 1, 0x10000, 0x4000, HVA, KVM_MEM_LOG_DIRTY_PAGES), 0);
	KUNIT_ASSERT_NOT_NULL(test, find(kvm, 0x10)->dirty_bitmap);

	/* The log goes with a slot that moves. */
	set_bit(2, find(kvm, 0x10)->dirty_bitmap);
	KUNIT_EXPECT_EQ(test, set_region(kvm, 1, 0x20000, 0x4000, HVA, KVM_MEM_LOG_DIRTY_PAGES), 0);
	KUNIT_ASSERT_NOT_NULL(test, find(kvm, 0x20)->dirty_bitmap);
	KUNIT_EXPECT_EQ(test, find(kvm, 0x20)->dirty_bitmap[0], BIT(2));

	KUNIT_EXPECT_EQ(test, set_region(kvm, 1, 0x20000, 0x4000, HVA, 0), 0);
	KUNIT_EXPECT_NULL(test, find(kvm, 0x20)->dirty_bitmap);
	KUNIT_EXPECT_EQ(test, find(kvm, 0x20)->flags, 0);
}

/* Two slots show the same user memory, a third lies apart. */
static void memslot_by_user_address(struct kunit *test)
{
	struct kvm *kvm = fake_vm_create(test);
	struct kvm_memslot_hva_iter it;
	struct kvm_memory_slot *slot;
	unsigned long seen = 0;
	int idx, n = 0;

	KUNIT_ASSERT_EQ(test, set_region(kvm, 1, 0x10000, 0x4000, HVA, 0), 0);
	KUNIT_ASSERT_EQ(test, set_region(kvm, 2, 0x20000, 0x2000, HVA + 0x2000, 0), 0);
	KUNIT_ASSERT_EQ(test, set_region(kvm, 3, 0x30000, 0x1000, HVA + 0x4000, 0), 0);

	idx = srcu_read_lock(&kvm->srcu);
	for (slot = kvm_memslot_hva_first(kvm, HVA + 0x3000, HVA + 0x3fff, &it); slot;
	     slot = kvm_memslot_hva_next(&it)) {
		seen |= BIT(slot->id);
		n++;
	}
	KUNIT_EXPECT_EQ(test, seen, BIT(1) | BIT(2));
	KUNIT_EXPECT_EQ(test, n, 2);
	KUNIT_EXPECT_NULL(test, kvm_memslot_hva_first(kvm, HVA + 0x5000, HVA + 0x9000, &it));
	KUNIT_EXPECT_NULL(test, kvm_memslot_hva_first(kvm, 0, HVA - 1, &it));
	slot = kvm_memslot_hva_first(kvm, HVA + 0x4fff, HVA + 0x4fff, &it);
	srcu_read_unlock(&kvm->srcu, idx);
	KUNIT_ASSERT_NOT_NULL(test, slot);
	KUNIT_EXPECT_EQ(test, slot->id, 3);
}

static int tree_height(const struct rb_node *node)
{
	return node ? 1 + max(tree_height(node->rb_left), tree_height(node->rb_right)) : 0;
}

#define ALL	KVM_USER_MEM_SLOTS

/* Every slot there can be, made in an order that is neither ascending nor descending. */
static void memslot_all_of_them(struct kunit *test)
{
	struct kvm *kvm = fake_vm_create(test);
	int i, idx, errors = 0, missing = 0, wrong = 0;
	const struct kvm_memslots *slots;

	for (i = 0; i < ALL; i++) {
		u32 id = (u32)i * 12347 % ALL;

		/* A page each, every other frame. */
		errors += !!set_region(kvm, id, (u64)id * 2 << PAGE_SHIFT, PAGE_SIZE,
				       HVA + ((u64)(ALL - id) << PAGE_SHIFT), 0);
	}
	KUNIT_ASSERT_EQ(test, errors, 0);
	KUNIT_EXPECT_EQ(test, kvm->slots.nr_slots, ALL);

	idx = srcu_read_lock(&kvm->srcu);
	for (i = 0; i < ALL; i++) {
		struct kvm_memory_slot *slot = gfn_to_memslot(kvm, 2 * i);
		struct kvm_memslot_hva_iter it;

		missing += !slot || slot != id_to_memslot(kvm, i) ||
			   slot != kvm_memslot_hva_first(kvm,
							 HVA + ((u64)(ALL - i) << PAGE_SHIFT),
							 HVA + ((u64)(ALL - i) << PAGE_SHIFT), &it);
		wrong += !!gfn_to_memslot(kvm, 2 * i + 1);
	}
	/* A red-black tree of n nodes is at most 2 * log2(n + 1) high. */
	slots = srcu_dereference(kvm->slots.active, &kvm->srcu);
	KUNIT_EXPECT_LE(test, tree_height(slots->by_gfn.rb_node), 30);
	KUNIT_EXPECT_LE(test, tree_height(slots->by_id.rb_node), 30);
	srcu_read_unlock(&kvm->srcu, idx);
	KUNIT_EXPECT_EQ(test, missing, 0);
	KUNIT_EXPECT_EQ(test, wrong, 0);

	/* Both indexes hold the same: each change swaps them. */
	KUNIT_EXPECT_EQ(test, set_region(kvm, 100, 0, 0, 0, 0), 0);
	KUNIT_EXPECT_EQ(test, id_at(kvm, 200), -1);
	KUNIT_EXPECT_EQ(test, id_at(kvm, 202), 101);
	KUNIT_EXPECT_EQ(test, set_region(kvm, 101, 0, 0, 0, 0), 0);
	KUNIT_EXPECT_EQ(test, id_at(kvm, 202), -1);
	KUNIT_EXPECT_EQ(test, id_at(kvm, 204), 102);
}

static void memslot_read_write(struct kunit *test)
{
	struct kvm *kvm = fake_vm_create(test);
	u8 out[64], in[64];
	unsigned long hva;
	int i, idx;

	/* Neighbours in guest memory, not in user memory; then a hole. */
	fake_add_slot(test, kvm, 0, 0x10000, 0x1000, KVM_MEM_LOG_DIRTY_PAGES);
	hva = fake_add_slot(test, kvm, 1, 0x11000, 0x1000, KVM_MEM_LOG_DIRTY_PAGES);
	fake_add_slot(test, kvm, 2, 0x20000, 0x1000, KVM_MEM_READONLY);
	for (i = 0; i < sizeof(out); i++)
		out[i] = i + 1;

	idx = srcu_read_lock(&kvm->srcu);
	KUNIT_EXPECT_EQ(test, kvm_write_guest(kvm, 0x11000 - 16, out, sizeof(out)), 0);
	KUNIT_EXPECT_EQ(test, kvm_read_guest(kvm, 0x11000 - 16, in, sizeof(in)), 0);
	KUNIT_EXPECT_MEMEQ(test, in, out, sizeof(in));
	KUNIT_EXPECT_EQ(test, copy_from_user(in, (void __user *)hva, 48), 0);
	KUNIT_EXPECT_MEMEQ(test, in, out + 16, 48);
	KUNIT_EXPECT_EQ(test, gfn_to_memslot(kvm, 0x10)->dirty_bitmap[0], 1);
	KUNIT_EXPECT_EQ(test, gfn_to_memslot(kvm, 0x11)->dirty_bitmap[0], 1);

	KUNIT_EXPECT_EQ(test, kvm_write_guest(kvm, 0x12000 - 16, out, 17), -EFAULT);
	KUNIT_EXPECT_EQ(test, kvm_read_guest(kvm, 0x12000 - 16, in, 17), -EFAULT);
	KUNIT_EXPECT_EQ(test, kvm_read_guest(kvm, 0x20000, in, 8), 0);
	KUNIT_EXPECT_EQ(test, kvm_write_guest(kvm, 0x20000, out, 8), -EFAULT);
	KUNIT_EXPECT_TRUE(test, kvm_is_error_hva(gfn_to_hva(kvm, 0x20)));
	KUNIT_EXPECT_FALSE(test, kvm_is_error_hva(gfn_to_hva_prot(kvm, 0x20, NULL)));
	KUNIT_EXPECT_TRUE(test, kvm_is_error_hva(gfn_to_hva_prot(kvm, 0x30, NULL)));
	srcu_read_unlock(&kvm->srcu, idx);
}

static struct kunit_case memslot_cases[] = {
	KUNIT_CASE(memslot_refuses_malformed),
	KUNIT_CASE(memslot_end_of_physical_memory),
	KUNIT_CASE(memslot_refuses_overlap),
	KUNIT_CASE(memslot_lookup_edges),
	KUNIT_CASE(memslot_change),
	KUNIT_CASE(memslot_flags),
	KUNIT_CASE(memslot_by_user_address),
	KUNIT_CASE_SLOW(memslot_all_of_them),
	KUNIT_CASE(memslot_read_write),
	{}
};

static struct kunit_suite memslot_suite = {
	.name = "monovisor-memslot",
	.test_cases = memslot_cases,
};

kunit_test_suite(memslot_suite);
