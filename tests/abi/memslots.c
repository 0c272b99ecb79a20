// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_SET_USER_MEMORY_REGION: what is refused, and that a refused change
 * changes nothing; create, move, delete, flags, many slots.  Slots that
 * change below a running vCPU are in run_mem.c, dirty bits in dirty_log.c.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "harness.h"

/* Read a byte at the address in EBX, report it, and again. */
PROGRAM(peek, 32,
	"1:	mov (%ebx), %al\n"
	"	out %al, $0x10\n"
	"	jmp 1b\n");

static void peek_at(struct vcpu *v, u64 gpa)
{
	struct kvm_regs r = get_regs(v);

	r.rip = GPA_CODE;
	r.rbx = gpa;
	set_regs(v, &r);
}

/* The guest sees @value at @gpa. */
static void expect_ram(struct vcpu *v, u64 gpa, u8 value)
{
	/* Complete what the last exit left open before changing registers. */
	settle(v);
	peek_at(v, gpa);
	EXPECT_OUT(v, 0x10, 1, value);
}

/* There is no memory at @gpa: the read becomes an MMIO exit. */
static void expect_hole(struct vcpu *v, u64 gpa)
{
	settle(v);
	peek_at(v, gpa);
	EXPECT_MMIO_READ(v, gpa, 1, 0x7d);
	EXPECT_OUT(v, 0x10, 1, 0x7d);
}

TEST(slots, refused)
{
	struct vm *vm = vm_create();
	u8 *p = map_anon(4 * PAGE);
	const u64 gpa = 16 * MIB;

	CHECK_ERRNO(try_slot(vm, 1, 0, gpa + 1, PAGE, p), EINVAL);
	CHECK_ERRNO(try_slot(vm, 1, 0, gpa + 0x800, PAGE, p), EINVAL);
	CHECK_ERRNO(try_slot(vm, 1, 0, gpa, PAGE + 1, p), EINVAL);
	CHECK_ERRNO(try_slot(vm, 1, 0, gpa, PAGE / 2, p), EINVAL);
	CHECK_ERRNO(try_slot(vm, 1, 0, gpa, PAGE, p + 1), EINVAL);
	CHECK_ERRNO(try_slot(vm, 1, 0, gpa, PAGE, p + 0x800), EINVAL);
	/* Flags that nobody knows. */
	for (unsigned int bit = 2; bit < 32; bit++)
		CHECK_ERRNO(try_slot(vm, 1, 1u << bit, gpa, PAGE, p), EINVAL);
	/* Wrap-around of the guest's and of the host's addresses. */
	CHECK_ERRNO(try_slot(vm, 1, 0, -(u64)PAGE, 2 * PAGE, p), EINVAL);
	CHECK_ERRNO(try_slot(vm, 1, 0, gpa, -(u64)PAGE, p), EINVAL);
	CHECK_ERRNO(try_slot(vm, 1, 0, 0, 1ULL << 63, p), EINVAL);
	/* Kernel memory is no guest memory. */
	if (WIDE) {
		CHECK_ERRNO(try_slot(vm, 1, 0, gpa, PAGE, (void *)(uintptr_t)0xffff888000000000),
			    EINVAL);
		CHECK_ERRNO(try_slot(vm, 1, 0, gpa, 2 * PAGE, (void *)(uintptr_t)0x7ffffffff000),
			    EINVAL);
	}
	/* Beyond any physical address. */
	CHECK_ERRNO(try_slot(vm, 1, 0, 1ULL << 52, PAGE, p), EINVAL);
	/* Deleting what is not there. */
	CHECK_ERRNO(try_slot(vm, 1, 0, gpa, 0, p), EINVAL);
	/* None of these took the slot. */
	set_slot(vm, 1, 0, gpa, PAGE, p);
}

TEST(slots, ids)
{
	struct vm *vm = vm_create();
	u8 *p = map_anon(PAGE);
	int n = has_cap(KVM_CAP_NR_MEMSLOTS);

	CHECK(n >= 32);
	CHECK_EQ(has_vm_cap(vm, KVM_CAP_NR_MEMSLOTS), n);
	set_slot(vm, n - 1, 0, 16 * MIB, PAGE, p);
	CHECK_ERRNO(try_slot(vm, n, 0, 17 * MIB, PAGE, p), EINVAL);
	CHECK_ERRNO(try_slot(vm, 0xffff, 0, 17 * MIB, PAGE, p), EINVAL);
	CHECK_ERRNO(try_slot(vm, 0xffff0000, 0, 17 * MIB, PAGE, p), EINVAL);
	CHECK_ERRNO(try_slot(vm, 2 << 16, 0, 17 * MIB, PAGE, p), EINVAL);
	/* A second address space exists only where it is claimed. */
	if (has_vm_cap(vm, KVM_CAP_MULTI_ADDRESS_SPACE) < 2)
		CHECK_ERRNO(try_slot(vm, 1 << 16, 0, 17 * MIB, PAGE, p), EINVAL);
	else
		set_slot(vm, 1 << 16, 0, 0, PAGE, p);
}

TEST(slots, overlap)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, peek);
	struct vm *vm = v->vm;
	u8 *p = map_anon(8 * PAGE);
	const u64 gpa = 16 * MIB;

	memset(p, 0x11, 8 * PAGE);
	set_slot(vm, 1, 0, gpa, 4 * PAGE, p);
	CHECK_ERRNO(try_slot(vm, 2, 0, gpa, 4 * PAGE, p), EEXIST);
	CHECK_ERRNO(try_slot(vm, 2, 0, gpa + 3 * PAGE, PAGE, p), EEXIST);
	CHECK_ERRNO(try_slot(vm, 2, 0, gpa - PAGE, 2 * PAGE, p), EEXIST);
	CHECK_ERRNO(try_slot(vm, 2, 0, gpa - PAGE, 6 * PAGE, p), EEXIST);
	CHECK_ERRNO(try_slot(vm, 2, 0, gpa + PAGE, PAGE, p), EEXIST);
	/* Touching is not overlapping. */
	set_slot(vm, 2, 0, gpa + 4 * PAGE, PAGE, p + 4 * PAGE);
	set_slot(vm, 3, 0, gpa - PAGE, PAGE, p + 5 * PAGE);
	/* Nor may a move overlap; the slot stays where it is. */
	CHECK_ERRNO(try_slot(vm, 2, 0, gpa + 3 * PAGE, PAGE, p + 4 * PAGE),
		    EEXIST);
	expect_ram(v, gpa, 0x11);
	expect_ram(v, gpa + 4 * PAGE, 0x11);
	expect_hole(v, gpa + 5 * PAGE);
}

/* A slot may be moved across the place it takes now. */
TEST(slots, move_onto_itself)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, peek);
	u8 *p = map_anon(4 * PAGE);
	const u64 gpa = 16 * MIB;

	for (int i = 0; i < 4; i++)
		p[i * PAGE] = 0x30 + i;
	set_slot(v->vm, 1, 0, gpa, 4 * PAGE, p);
	expect_ram(v, gpa, 0x30);
	set_slot(v->vm, 1, 0, gpa + PAGE, 4 * PAGE, p);
	expect_hole(v, gpa);
	expect_ram(v, gpa + PAGE, 0x30);
	expect_ram(v, gpa + 4 * PAGE, 0x33);
}

TEST(slots, move)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, peek);
	u8 *p = map_anon(PAGE);

	p[0] = 0x42;
	set_slot(v->vm, 1, 0, 16 * MIB, PAGE, p);
	expect_ram(v, 16 * MIB, 0x42);
	set_slot(v->vm, 1, 0, 32 * MIB, PAGE, p);
	expect_hole(v, 16 * MIB);
	expect_ram(v, 32 * MIB, 0x42);
	set_slot(v->vm, 1, 0, 16 * MIB, PAGE, p);
	expect_ram(v, 16 * MIB, 0x42);
	expect_hole(v, 32 * MIB);
}

TEST(slots, delete)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, peek);
	u8 *p = map_anon(2 * PAGE);

	p[0] = 0x42;
	p[PAGE] = 0x43;
	set_slot(v->vm, 1, 0, 16 * MIB, PAGE, p);
	expect_ram(v, 16 * MIB, 0x42);
	set_slot(v->vm, 1, 0, 16 * MIB, 0, p);
	expect_hole(v, 16 * MIB);
	CHECK_ERRNO(try_slot(v->vm, 1, 0, 16 * MIB, 0, p), EINVAL);
	/* The same id and place again, other memory. */
	set_slot(v->vm, 1, 0, 16 * MIB, PAGE, p + PAGE);
	expect_ram(v, 16 * MIB, 0x43);
}

TEST(slots, change_refused)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, peek);
	u8 *p = map_anon(4 * PAGE);
	const u64 gpa = 16 * MIB;

	p[0] = 0x21;
	p[PAGE] = 0x22;
	set_slot(v->vm, 1, 0, gpa, 2 * PAGE, p);
	CHECK_ERRNO(try_slot(v->vm, 1, 0, gpa, PAGE, p), EINVAL);
	CHECK_ERRNO(try_slot(v->vm, 1, 0, gpa, 3 * PAGE, p), EINVAL);
	CHECK_ERRNO(try_slot(v->vm, 1, 0, gpa, 2 * PAGE, p + PAGE), EINVAL);
	CHECK_ERRNO(try_slot(v->vm, 1, KVM_MEM_READONLY, gpa, 2 * PAGE, p),
		    EINVAL);
	expect_ram(v, gpa, 0x21);
	expect_ram(v, gpa + PAGE, 0x22);
	/* The same again is no change. */
	set_slot(v->vm, 1, 0, gpa, 2 * PAGE, p);
	expect_ram(v, gpa, 0x21);
	/* Logging goes on and off. */
	set_slot(v->vm, 1, KVM_MEM_LOG_DIRTY_PAGES, gpa, 2 * PAGE, p);
	expect_ram(v, gpa, 0x21);
	set_slot(v->vm, 1, 0, gpa, 2 * PAGE, p);
	expect_ram(v, gpa + PAGE, 0x22);
}

/* One piece of host memory at two guest addresses. */
TEST(slots, alias)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, peek);
	u8 *p = map_anon(PAGE);

	set_slot(v->vm, 1, 0, 16 * MIB, PAGE, p);
	set_slot(v->vm, 2, 0, 17 * MIB, PAGE, p);
	p[0] = 1;
	expect_ram(v, 16 * MIB, 1);
	p[0] = 2;
	expect_ram(v, 17 * MIB, 2);
	set_slot(v->vm, 1, 0, 16 * MIB, 0, p);
	expect_hole(v, 16 * MIB);
	expect_ram(v, 17 * MIB, 2);
}

/* As many slots as are claimed, one page each, in a shuffled order. */
TEST(slots, all_of_them)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, peek);
	const u64 base = 256 * MIB;
	int n = has_cap(KVM_CAP_NR_MEMSLOTS);
	u8 *p = map_anon(n * PAGE);
	/* Odd and prime to any n in use, so that every id is visited. */
	const unsigned int step = 7919;

	for (unsigned int i = 0, id = 1; i < n - 1; i++) {
		id = 1 + (id - 1 + step) % (n - 1);
		if (try_slot(v->vm, id, 0, base + 2 * id * PAGE, PAGE,
			     p + id * PAGE))
			FAIL("slot %u, the %uth: %s", id, i, strerror(errno));
	}
	for (unsigned int id = 1; id < n; id += n / 16 + 1) {
		p[id * PAGE] = id;
		expect_ram(v, base + 2 * id * PAGE, id);
		expect_hole(v, base + (2 * id + 1) * PAGE);
	}
	for (unsigned int id = 1; id < n; id += 8)
		set_slot(v->vm, id, 0, 0, 0, NULL);
	expect_hole(v, base + 2 * PAGE);
	expect_hole(v, base + 2 * 17 * PAGE);
	p[2 * PAGE] = 0x99;
	expect_ram(v, base + 4 * PAGE, 0x99);
}

/* Huge slots cost nothing until they are used. */
TEST(slots, huge)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, peek);
	const size_t size = WIDE ? 64 * GIB : GIB;
	u8 *p = map_anon(size);

	set_slot(v->vm, 1, 0, 4ULL * GIB, size, p);
	set_slot(v->vm, 2, 0, GIB, GIB, p);
	p[GIB - 1] = 0x5a;
	expect_ram(v, 2 * GIB - 1, 0x5a);
}

TEST(slots, region2)
{
	struct vm *vm = vm_create();
	struct kvm_userspace_memory_region2 r = {
		.slot = 1, .guest_phys_addr = 16 * MIB, .memory_size = PAGE,
	};

	NEED_CAP(KVM_CAP_USER_MEMORY2);
	r.userspace_addr = (uintptr_t)map_anon(PAGE);
	CHECK_OK(ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION2, &r));
	CHECK_ERRNO(try_slot(vm, 2, 0, 16 * MIB, PAGE,
			     (void *)(uintptr_t)r.userspace_addr), EEXIST);
	r.flags = 1u << 31;
	CHECK_ERRNO(ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION2, &r), EINVAL);
}
