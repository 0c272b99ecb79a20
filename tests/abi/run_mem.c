// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest memory against the host's: pages that appear, vanish, become
 * read-only or are moved by the host, slots that change while a vCPU runs,
 * two threads on one vCPU.
 */
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/mman.h>

#include "harness.h"

#define SLOT_GPA	(16 * MIB)

PROGRAM(load, 32,
	"1:	mov (%ebx), %eax\n"
	"	out %eax, $0x10\n"
	"	jmp 1b\n");

PROGRAM(store, 32,
	"1:	mov %eax, (%ebx)\n"
	"	out %al, $0x10\n"
	"	jmp 1b\n");

static struct vcpu *at_slot(const void *code, size_t size, void *hva,
			    u64 len)
{
	struct vcpu *v = vcpu_loaded(MODE_PROT32, code, size);
	struct kvm_regs r = get_regs(v);

	r.rbx = SLOT_GPA;
	r.rax = 0x12345678;
	set_regs(v, &r);
	set_slot(v->vm, 1, 0, SLOT_GPA, len, hva);
	return v;
}

#define AT_SLOT(name, hva, len) \
	at_slot(guest_##name, GUEST_SIZE(name), hva, len)

/* EFAULT from KVM_RUN, and the guest has not moved. */
static void expect_efault(struct vcpu *v)
{
	u64 rip = get_regs(v).rip;
	int r = run(v);

	if (r != -EFAULT)
		FAIL("KVM_RUN: %s, not EFAULT", exit_name(r));
	CHECK_EQ(get_regs(v).rip, rip);
}

TEST(mem, unmapped)
{
	u32 *p = map_anon(PAGE);
	struct vcpu *v = AT_SLOT(load, p, PAGE);

	*p = 0xabcd;
	CHECK_OK(munmap(p, PAGE));
	expect_efault(v);
	expect_efault(v);
	/* Map something there, and the guest goes on. */
	CHECK(mmap(p, PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p);
	*p = 0x4711;
	EXPECT_OUT(v, 0x10, 4, 0x4711);
}

TEST(mem, protected)
{
	u32 *p = map_anon(PAGE);
	struct vcpu *v = AT_SLOT(load, p, PAGE);

	CHECK_OK(mprotect(p, PAGE, PROT_NONE));
	expect_efault(v);
	CHECK_OK(mprotect(p, PAGE, PROT_READ));
	EXPECT_OUT(v, 0x10, 4, 0);
}

TEST(mem, readonly_write)
{
	u32 *p = map_anon(PAGE);
	struct vcpu *v = AT_SLOT(store, p, PAGE);

	CHECK_OK(mprotect(p, PAGE, PROT_READ));
	expect_efault(v);
	CHECK_EQ(*p, 0);
	CHECK_OK(mprotect(p, PAGE, PROT_READ | PROT_WRITE));
	EXPECT_OUT(v, 0x10, 1, 0x78);
	CHECK_EQ(*p, 0x12345678);
}

/* A page that was mapped into the guest follows what the host does to it. */
TEST(mem, remapped)
{
	u32 *p = map_anon(PAGE);
	struct vcpu *v = AT_SLOT(load, p, PAGE);

	NEED_CAP(KVM_CAP_SYNC_MMU);
	*p = 1;
	EXPECT_OUT(v, 0x10, 4, 1);
	CHECK(mmap(p, PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p);
	*p = 2;
	EXPECT_OUT(v, 0x10, 4, 2);
	CHECK_OK(madvise(p, PAGE, MADV_DONTNEED));
	EXPECT_OUT(v, 0x10, 4, 0);
	*p = 3;
	EXPECT_OUT(v, 0x10, 4, 3);
	CHECK_OK(mprotect(p, PAGE, PROT_NONE));
	/* The OUT of before is completed, then the load fails. */
	CHECK_EQ(run(v), -EFAULT);
}

/* Write protection taken away from a page the guest could write. */
TEST(mem, protected_later)
{
	u32 *p = map_anon(PAGE);
	struct vcpu *v = AT_SLOT(store, p, PAGE);

	EXPECT_OUT(v, 0x10, 1, 0x78);
	CHECK_EQ(*p, 0x12345678);
	*p = 0;
	CHECK_OK(mprotect(p, PAGE, PROT_READ));
	/* The OUT of before is completed, then the store fails. */
	CHECK_EQ(run(v), -EFAULT);
	CHECK_EQ(*p, 0);
}

static void child_writes(void *arg)
{
	*(u32 *)arg = 99;
}

/* After a fork, the guest's write goes to this process's copy. */
TEST(mem, copy_on_write)
{
	u32 *p = map_anon(PAGE);
	struct vcpu *v = AT_SLOT(load, p, PAGE);

	*p = 5;
	EXPECT_OUT(v, 0x10, 4, 5);
	CHECK_EQ(in_child(child_writes, p), 0);
	EXPECT_OUT(v, 0x10, 4, 5);
	*p = 6;
	EXPECT_OUT(v, 0x10, 4, 6);
}

/* Shared memory of a file, truncated below the guest. */
TEST(mem, truncated_file)
{
	int fd = CHECK_OK(memfd_create("guest", 0));
	struct vcpu *v;
	u32 *p;

	CHECK_OK(ftruncate(fd, PAGE));
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	v = AT_SLOT(load, p, PAGE);
	*p = 7;
	EXPECT_OUT(v, 0x10, 4, 7);
	CHECK_OK(ftruncate(fd, 0));
	CHECK_EQ(run(v), -EFAULT);
	CHECK_OK(ftruncate(fd, PAGE));
	EXPECT_OUT(v, 0x10, 4, 0);
}

/* Opens the memory of the shared-memory device that the rig gives its host, or skips. */
static int open_device_memory(void)
{
	char path[PATH_MAX], id[16] = "";
	glob_t found;
	int fd = -1;

	CHECK(!glob("/sys/bus/pci/devices/*/device", 0, NULL, &found));
	for (size_t i = 0; i < found.gl_pathc && fd < 0; i++) {
		FILE *f = fopen(found.gl_pathv[i], "r");

		if (!f || !fgets(id, sizeof(id), f) || strtoul(id, NULL, 16) != 0x1110) {
			if (f)
				fclose(f);
			continue;
		}
		fclose(f);
		snprintf(path, sizeof(path), "%.*senable",
			 (int)strlen(found.gl_pathv[i]) - (int)strlen("device"),
			 found.gl_pathv[i]);
		f = fopen(path, "w");
		CHECK(f && fputs("1", f) >= 0 && !fclose(f));
		snprintf(path, sizeof(path), "%.*sresource2",
			 (int)(strlen(found.gl_pathv[i]) - strlen("device")), found.gl_pathv[i]);
		fd = CHECK_OK(open(path, O_RDWR));
	}
	globfree(&found);
	if (fd < 0)
		skip("the host has no ivshmem device");
	return fd;
}

/* Device memory has no struct page: the guest reaches it by its frame number. */
TEST(mem, device_memory)
{
	int fd = open_device_memory();
	struct vcpu *v;
	u32 *p;

	p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	v = AT_SLOT(load, p, 4 * PAGE);
	*p = 0xfeed;
	EXPECT_OUT(v, 0x10, 4, 0xfeed);
	*p = 0xbeef;
	EXPECT_OUT(v, 0x10, 4, 0xbeef);
	v = AT_SLOT(store, p, 4 * PAGE);
	EXPECT_OUT(v, 0x10, 1, 0x78);
	CHECK_EQ(*p, 0x12345678);
	/* The mapping goes, and the guest's access with it. */
	CHECK_OK(munmap(p, 4 * PAGE));
	CHECK_EQ(run(v), -EFAULT);
}

static u64 read_number(const char *path)
{
	unsigned long long n = 0;
	FILE *f = fopen(path, "r");

	if (!f || fscanf(f, "%llu", &n) != 1)
		FAIL("%s: %s", path, strerror(errno));
	fclose(f);
	return n;
}

#define PAGES_1G	"/sys/kernel/debug/kvm/pages_1g"

/* A page of 1 GiB is mapped as one, and split when its writes are logged. */
TEST(mem, gigantic_page)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | 30 << MAP_HUGE_SHIFT;
	struct vcpu *v = vcpu_with(MODE_PROT32, store);
	struct kvm_dirty_log log = { .slot = 1 };
	u64 *bitmap = map_anon(GIB / PAGE / 8);
	struct kvm_regs r = get_regs(v);
	u64 before = read_number(PAGES_1G);
	u8 *p;

	p = mmap(NULL, GIB, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (p == MAP_FAILED)
		skip("no page of 1 GiB: hugepagesz=1G hugepages=1 reserves one at boot");
	set_slot(v->vm, 1, 0, GIB, GIB, p);
	r.rbx = GIB + 5 * MIB;
	r.rax = 0x1234;
	set_regs(v, &r);
	EXPECT_EXIT(v, KVM_EXIT_IO);
	CHECK_EQ(*(u32 *)(p + 5 * MIB), 0x1234);
	CHECK_EQ(read_number(PAGES_1G), before + 1);

	set_slot(v->vm, 1, KVM_MEM_LOG_DIRTY_PAGES, GIB, GIB, p);
	EXPECT_EXIT(v, KVM_EXIT_IO);
	CHECK_EQ(read_number(PAGES_1G), before);
	log.dirty_bitmap = bitmap;
	CHECK_OK(ioctl(v->vm->fd, KVM_GET_DIRTY_LOG, &log));
	for (size_t i = 0; i < GIB / PAGE / 64; i++)
		CHECK_EQ(bitmap[i], i == 5 * MIB / PAGE / 64 ? 1ULL << 5 * MIB / PAGE % 64 : 0);
}

/* Execution from a page that is not there. */
TEST(mem, execute_unmapped)
{
	u8 *p = map_anon(PAGE);
	struct vcpu *v = AT_SLOT(load, p, PAGE);

	CHECK_OK(munmap(p, PAGE));
	SET_REG(v, rip, SLOT_GPA);
	expect_efault(v);
}

/*
 * The guest counts in a register and in three pages while the host pulls the
 * pages away from under it, again and again: no increment may be lost.  A word
 * in the fourth page ends it.
 */
PROGRAM(count, 32,
	"	xor %ecx, %ecx\n"
	"1:	inc %ecx\n"
	"	incl (%ebx)\n"
	"	incl 0x1000(%ebx)\n"
	"	incl 0x2000(%ebx)\n"
	"	cmp (%ebx), %ecx\n"
	"	jne 2f\n"
	"	cmp 0x1000(%ebx), %ecx\n"
	"	jne 2f\n"
	"	cmp 0x2000(%ebx), %ecx\n"
	"	jne 2f\n"
	"	cmpl $0, 0x3000(%ebx)\n"
	"	je 1b\n"
	"	hlt\n"
	"2:	ud2\n");

static atomic_bool stop;

static void *run_until_stopped(void *arg)
{
	struct vcpu *v = arg;

	while (!stop) {
		int r = run(v);

		if (r == KVM_EXIT_HLT)
			break;
		if (r != -EINTR && r != KVM_EXIT_MMIO)
			FAIL("exit %s", exit_name(r));
	}
	stop = true;
	return NULL;
}

static pthread_t start(struct vcpu *v)
{
	pthread_t t;

	catch_signal(SIGUSR1);
	stop = false;
	CHECK(!pthread_create(&t, NULL, run_until_stopped, v));
	return t;
}

static void finish(struct vcpu *v, pthread_t t)
{
	stop = true;
	v->run->immediate_exit = 1;
	pthread_kill(t, SIGUSR1);
	pthread_join(t, NULL);
	v->run->immediate_exit = 0;
}

static struct vcpu *counter(u32 *p)
{
	struct vcpu *v = AT_SLOT(count, p, 16 * PAGE);
	struct kvm_sregs s = get_sregs(v);

	/* A wrong count is a shutdown. */
	s.idt.limit = 0;
	set_sregs(v, &s);
	return v;
}

/* Let the guest count on for a while, then wait for its end. */
static void end_counting(struct vcpu *v, u32 *p, pthread_t t)
{
	u32 before = READ_ONCE(p[0]);

	while (READ_ONCE(p[0]) == before && !stop)
		sched_yield();
	p[3 * PAGE / 4] = 1;
	pthread_join(t, NULL);
	CHECK(get_regs(v).rcx > 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(p[i * PAGE / 4], get_regs(v).rcx);
}

/* The content stays in the file, the mapping goes. */
TEST(mem, unmapped_while_running)
{
	int fd = CHECK_OK(memfd_create("guest", 0));
	struct vcpu *v;
	pthread_t t;
	u32 *p;

	CHECK_OK(ftruncate(fd, 16 * PAGE));
	p = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	v = counter(p);
	t = start(v);
	for (int i = 0; i < 2000; i++)
		CHECK_OK(madvise(p, 16 * PAGE, MADV_DONTNEED));
	end_counting(v, p, t);
}

/* Forking makes every page copy-on-write under the running guest. */
static void nothing(void *arg)
{
	(void)arg;
}

TEST(mem, fork_while_running)
{
	u32 *p = map_anon(16 * PAGE);
	struct vcpu *v = counter(p);
	pthread_t t;

	t = start(v);
	for (int i = 0; i < 50; i++)
		CHECK_EQ(in_child(nothing, NULL), 0);
	end_counting(v, p, t);
}

/*
 * A slot is deleted and made again, and moved, while the guest reads it.  What
 * the guest sees is the memory or an MMIO exit, never anything else.
 */
PROGRAM(watch, 32,
	"1:	mov (%ebx), %eax\n"
	"	cmp $0x5eed, %eax\n"
	"	je 1b\n"
	"	hlt\n");

static void *answer_mmio(void *arg)
{
	struct vcpu *v = arg;
	u32 seed = 0x5eed;

	while (!stop) {
		int r = run(v);

		if (r == -EINTR)
			continue;
		if (r != KVM_EXIT_MMIO)
			FAIL("exit %s, rax %#llx", exit_name(r),
			     get_regs(v).rax);
		CHECK_EQ(v->run->mmio.phys_addr, SLOT_GPA);
		CHECK_EQ(v->run->mmio.is_write, 0);
		memcpy(v->run->mmio.data, &seed, 4);
	}
	return NULL;
}

static void slot_loop(void (*change)(struct vm *vm, u32 *p))
{
	u32 *p = map_anon(PAGE);
	struct vcpu *v = AT_SLOT(watch, p, PAGE);
	pthread_t t;

	*p = 0x5eed;
	catch_signal(SIGUSR1);
	stop = false;
	CHECK(!pthread_create(&t, NULL, answer_mmio, v));
	for (int i = 0; i < 100; i++)
		change(v->vm, p);
	finish(v, t);
}

static void delete_and_create(struct vm *vm, u32 *p)
{
	set_slot(vm, 1, 0, SLOT_GPA, 0, p);
	set_slot(vm, 1, 0, SLOT_GPA, PAGE, p);
}

static void move_and_back(struct vm *vm, u32 *p)
{
	set_slot(vm, 1, 0, SLOT_GPA + 64 * PAGE, PAGE, p);
	set_slot(vm, 1, 0, SLOT_GPA, PAGE, p);
}

static void log_on_and_off(struct vm *vm, u32 *p)
{
	set_slot(vm, 1, KVM_MEM_LOG_DIRTY_PAGES, SLOT_GPA, PAGE, p);
	set_slot(vm, 1, 0, SLOT_GPA, PAGE, p);
}

TEST(mem, slot_deleted_while_running)
{
	slot_loop(delete_and_create);
}

TEST(mem, slot_moved_while_running)
{
	slot_loop(move_and_back);
}

TEST(mem, logging_switched_while_running)
{
	slot_loop(log_on_and_off);
}

/* Two threads on one vCPU: the second waits for the first. */
PROGRAM(spin, 32, "1: jmp 1b\n");

static atomic_int entered;

static void *run_once(void *arg)
{
	struct vcpu *v = arg;
	int r;

	entered++;
	r = run(v);
	if (r != -EINTR)
		FAIL("exit %s", exit_name(r));
	return NULL;
}

TEST(mem, two_threads)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, spin);
	pthread_t a, b;

	catch_signal(SIGUSR1);
	pthread_create(&a, NULL, run_once, v);
	pthread_create(&b, NULL, run_once, v);
	while (entered < 2)
		usleep(1000);
	usleep(20000);
	/*
	 * A signal ends the one that runs; the other's turn comes, and it ends
	 * by its own.  Only a fatal signal ends the waiting itself.
	 */
	v->run->immediate_exit = 1;
	pthread_kill(a, SIGUSR1);
	pthread_kill(b, SIGUSR1);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	v->run->immediate_exit = 0;
	CHECK_EQ(get_regs(v).rip, GPA_CODE);
}

static void *never_returns(void *arg)
{
	run(arg);
	return NULL;
}

static void two_runners(void *arg)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, spin);
	pthread_t a, b;

	(void)arg;
	pthread_create(&a, NULL, never_returns, v);
	pthread_create(&b, NULL, never_returns, v);
	usleep(20000);
	raise(SIGKILL);
}

/* Neither the runner nor the one who waits can resist SIGKILL. */
TEST(mem, two_threads_killed)
{
	CHECK_EQ(in_child(two_runners, NULL), -SIGKILL);
}

/* Two vCPUs share the memory: a lock that both take by XADD. */
PROGRAM(add_locked, 32,
	"	mov $20000, %ecx\n"
	"1:	lock incl 0x20000\n"
	"	dec %ecx\n"
	"	jnz 1b\n"
	"	hlt\n");

static void *run_to_hlt(void *arg)
{
	struct vcpu *v = arg;
	int r;

	do {
		r = run(v);
	} while (r == -EINTR);
	if (r != KVM_EXIT_HLT)
		FAIL("exit %s", exit_name(r));
	return NULL;
}

TEST(mem, two_vcpus)
{
	struct vcpu *v[2];
	pthread_t t[2];

	v[0] = vcpu_with(MODE_PROT32, add_locked);
	v[1] = vcpu_create(v[0]->vm, 1);
	vcpu_mode(v[1], MODE_PROT32);
	vcpu_start(v[1], GPA_CODE);
	for (int i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, run_to_hlt, v[i]);
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	CHECK_EQ(*(u32 *)(v[0]->vm->mem + GPA_DATA), 40000);
}
