// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_GET_DIRTY_LOG and KVM_CLEAR_DIRTY_LOG: errors, which pages a guest's
 * writes mark and which its reads do not, and that nothing written while the
 * log is read is ever missed.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness.h"

#define LOG_SLOT	1
#define LOG_GPA		(16 * MIB)
#define LOG_PAGES	200	/* no multiple of 64 */

static u8 *log_mem;

/* The bitmap has room for LOG_PAGES and one guard word. */
struct bitmap {
	u64 word[LOG_PAGES / 64 + 2];
};

static void add_log_slot(struct vm *vm, unsigned int flags)
{
	log_mem = map_anon(LOG_PAGES * PAGE);
	set_slot(vm, LOG_SLOT, flags, LOG_GPA, LOG_PAGES * PAGE, log_mem);
}

static int try_log(struct vm *vm, unsigned int slot, void *bitmap)
{
	struct kvm_dirty_log log = { .slot = slot, .dirty_bitmap = bitmap };

	return ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log);
}

static struct bitmap get_log(struct vm *vm)
{
	struct bitmap b;

	memset(&b, 0xa5, sizeof(b));
	CHECK_OK(try_log(vm, LOG_SLOT, b.word));
	/* Whole words are written, and no more than are needed. */
	CHECK_EQ(b.word[LOG_PAGES / 64 + 1], 0xa5a5a5a5a5a5a5a5);
	CHECK_EQ(b.word[LOG_PAGES / 64] >> (LOG_PAGES % 64), 0);
	b.word[LOG_PAGES / 64 + 1] = 0;
	return b;
}

static bool dirty(const struct bitmap *b, unsigned int page)
{
	return b->word[page / 64] >> (page % 64) & 1;
}

static unsigned int count(const struct bitmap *b)
{
	unsigned int n = 0;

	for (unsigned int page = 0; page < LOG_PAGES; page++)
		n += dirty(b, page);
	return n;
}

TEST(dirty, refused)
{
	struct vm *vm = vm_create();
	struct bitmap b;

	add_log_slot(vm, 0);
	CHECK_ERRNO(try_log(vm, LOG_SLOT, b.word), ENOENT);
	CHECK_ERRNO(try_log(vm, 7, b.word), ENOENT);
	CHECK_ERRNO(try_log(vm, 0xffff, b.word), EINVAL);
	CHECK_ERRNO(try_log(vm, 0xffff0000, b.word), EINVAL);
	set_slot(vm, LOG_SLOT, KVM_MEM_LOG_DIRTY_PAGES, LOG_GPA,
		 LOG_PAGES * PAGE, log_mem);
	CHECK_ERRNO(try_log(vm, LOG_SLOT, BAD_PTR), EFAULT);
	get_log(vm);
}

/* Write to the page in EBX, tell, and go on. */
PROGRAM(poke, 32,
	"1:	movl %eax, (%ebx)\n"
	"	out %al, $0x10\n"
	"	jmp 1b\n");

/* Read the page in EBX, tell, and go on. */
PROGRAM(look, 32,
	"1:	movl (%ebx), %eax\n"
	"	out %al, $0x10\n"
	"	jmp 1b\n");

static void step_at(struct vcpu *v, u64 rip, unsigned int page)
{
	struct kvm_regs r;

	settle(v);
	r = get_regs(v);
	r.rip = rip;
	r.rbx = LOG_GPA + page * PAGE;
	r.rax = page;
	set_regs(v, &r);
	EXPECT_EXIT(v, KVM_EXIT_IO);
}

static void step(struct vcpu *v, unsigned int page)
{
	step_at(v, GPA_CODE, page);
}

TEST(dirty, writes_are_logged)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, poke);
	static const unsigned int pages[] = { 0, 1, 63, 64, 127, 128, 199 };
	struct bitmap b;

	add_log_slot(v->vm, KVM_MEM_LOG_DIRTY_PAGES);
	b = get_log(v->vm);
	CHECK_EQ(count(&b), 0);
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
		step(v, pages[i]);
	b = get_log(v->vm);
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
		CHECK(dirty(&b, pages[i]));
	CHECK_EQ(count(&b), ARRAY_SIZE(pages));
	/* Reading the log cleared it; the next write is seen again. */
	b = get_log(v->vm);
	CHECK_EQ(count(&b), 0);
	step(v, 64);
	b = get_log(v->vm);
	CHECK(dirty(&b, 64));
	CHECK_EQ(count(&b), 1);
}

TEST(dirty, reads_are_not)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, look);
	struct bitmap b;

	add_log_slot(v->vm, KVM_MEM_LOG_DIRTY_PAGES);
	for (unsigned int page = 0; page < LOG_PAGES; page += 17)
		step(v, page);
	b = get_log(v->vm);
	CHECK_EQ(count(&b), 0);
}

/* Memory that was mapped writable before logging began is logged as well. */
TEST(dirty, enabled_later)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, poke);
	struct bitmap b;

	add_log_slot(v->vm, 0);
	step(v, 5);
	step(v, 6);
	set_slot(v->vm, LOG_SLOT, KVM_MEM_LOG_DIRTY_PAGES, LOG_GPA,
		 LOG_PAGES * PAGE, log_mem);
	b = get_log(v->vm);
	CHECK_EQ(count(&b), 0);
	step(v, 5);
	b = get_log(v->vm);
	CHECK(dirty(&b, 5));
	CHECK_EQ(count(&b), 1);
	/* Off, a write, and on: the old log is gone. */
	step(v, 7);
	set_slot(v->vm, LOG_SLOT, 0, LOG_GPA, LOG_PAGES * PAGE, log_mem);
	CHECK_ERRNO(try_log(v->vm, LOG_SLOT, b.word), ENOENT);
	step(v, 8);
	set_slot(v->vm, LOG_SLOT, KVM_MEM_LOG_DIRTY_PAGES, LOG_GPA,
		 LOG_PAGES * PAGE, log_mem);
	b = get_log(v->vm);
	CHECK_EQ(count(&b), 0);
	step(v, 9);
	b = get_log(v->vm);
	CHECK(dirty(&b, 9));
	CHECK_EQ(count(&b), 1);
}

/* Same within a 2 MiB page, where a large mapping has to be split. */
TEST(dirty, large_page)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, poke);
	const size_t size = 4 * MIB, words = 4 * MIB / PAGE / 64;
	u8 *p = map_anon(size + 2 * MIB);
	u64 bitmap[4 * MIB / PAGE / 64];
	struct kvm_regs r;

	p = (u8 *)(((uintptr_t)p + 2 * MIB - 1) & -(2 * MIB));
	memset(p, 1, size);
	set_slot(v->vm, LOG_SLOT, 0, LOG_GPA, size, p);
	step(v, 3);
	set_slot(v->vm, LOG_SLOT, KVM_MEM_LOG_DIRTY_PAGES, LOG_GPA, size, p);
	step(v, 100);
	step(v, 700);
	CHECK_OK(try_log(v->vm, LOG_SLOT, bitmap));
	for (size_t i = 0; i < words; i++) {
		u64 want = i == 100 / 64 ? 1ULL << 100 % 64 :
				i == 700 / 64 ? 1ULL << 700 % 64 : 0;

		CHECK_EQ(bitmap[i], want);
	}
	r = get_regs(v);
	CHECK_EQ(r.rax, 700);
	CHECK_EQ(*(u32 *)(p + 700 * PAGE), 700);
}

/*
 * What the emulator writes is logged: a push of a device's register stores to
 * the stack by emulation.
 */
PROGRAM(push_mmio, 32,
	"	pushl (%ebx)\n"
	"	out %al, $0x10\n");

TEST(dirty, emulated_write)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, push_mmio);
	struct kvm_regs r = get_regs(v);
	struct bitmap b;

	add_log_slot(v->vm, KVM_MEM_LOG_DIRTY_PAGES);
	r.rsp = LOG_GPA + 11 * PAGE;
	r.rbx = GPA_MMIO;
	set_regs(v, &r);
	EXPECT_MMIO_READ(v, GPA_MMIO, 4, 0xcafe1234);
	EXPECT_EXIT(v, KVM_EXIT_IO);
	CHECK_EQ(*(u32 *)(log_mem + 11 * PAGE - 4), 0xcafe1234);
	b = get_log(v->vm);
	CHECK(dirty(&b, 10));
	CHECK_EQ(count(&b), 1);
}

/* INS stores to memory, also when the data comes back from userspace. */
PROGRAM(insb, 32,
	"	rep insb\n"
	"	out %al, $0x10\n");

TEST(dirty, string_input)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, insb);
	struct kvm_regs r = get_regs(v);
	unsigned int got = 0;
	struct bitmap b;

	add_log_slot(v->vm, KVM_MEM_LOG_DIRTY_PAGES);
	r.rdi = LOG_GPA + 21 * PAGE - 2;
	r.rcx = 4;
	r.rdx = 0x77;
	set_regs(v, &r);
	while (got < 4) {
		EXPECT_EXIT(v, KVM_EXIT_IO);
		CHECK_EQ(v->run->io.port, 0x77);
		memset(pio_data(v), 0xc0 + got, v->run->io.count);
		got += v->run->io.count;
	}
	EXPECT_EXIT(v, KVM_EXIT_IO);
	CHECK_EQ(v->run->io.port, 0x10);
	b = get_log(v->vm);
	CHECK(dirty(&b, 20) && dirty(&b, 21));
	CHECK_EQ(count(&b), 2);
}

static bool without_ept_ad(void)
{
	char path[80], value = 'Y';
	FILE *f;

	snprintf(path, sizeof(path), "/sys/module/%s/parameters/eptad", kvm_module());
	f = fopen(path, "r");
	if (f) {
		value = fgetc(f);
		fclose(f);
	}
	return value == 'N';
}

/*
 * The guest's page tables are memory too: the CPU sets accessed bits there.
 * Bochs 3.0 looks for the right to do so only with accessed bits in EPT; stock
 * KVM logs what is read first as well.
 */
TEST(dirty, page_table_update)
{
	struct vcpu *v = vcpu_with(MODE_PAE, look);
	struct kvm_sregs s = get_sregs(v);
	struct bitmap b;
	u64 *pdpt, *pd;

	if (without_ept_ad())
		skip("eptad=0: Bochs sets accessed bits without a look at EPT");
	add_log_slot(v->vm, KVM_MEM_LOG_DIRTY_PAGES);
	pdpt = (u64 *)log_mem;
	pd = (u64 *)(log_mem + PAGE);
	for (int i = 0; i < 4; i++)
		pdpt[i] = (LOG_GPA + PAGE) | 1;
	for (u64 i = 0; i < 512; i++)
		pd[i] = i * 2 * MIB | 0x87;
	s.cr3 = LOG_GPA;
	set_sregs(v, &s);
	get_log(v->vm);
	step(v, 50);
	CHECK(pd[8] & 0x20);
	b = get_log(v->vm);
	CHECK(dirty(&b, 1));
	CHECK(!dirty(&b, 50));
}

/* Write a counter to page after page, for ever, and publish how far. */
PROGRAM(sweep, 32,
	"	xor %ecx, %ecx\n"
	"1:	mov $0x1000000, %ebx\n"
	"	inc %ecx\n"
	"2:	mov %ecx, (%ebx)\n"
	"	add $0x1000, %ebx\n"
	"	cmp $0x10c8000, %ebx\n"
	"	jb 2b\n"
	"	mov %ecx, 0x20000\n"
	"	jmp 1b\n");

static atomic_bool sweeping;

static void *sweeper(void *arg)
{
	struct vcpu *v = arg;

	while (sweeping) {
		int r = run(v);

		if (r != -EINTR)
			FAIL("exit %s", exit_name(r));
	}
	return NULL;
}

static u32 value_of(unsigned int page)
{
	return READ_ONCE(*(u32 *)(log_mem + page * PAGE));
}

/*
 * Copy as a migration does: a page is copied after its bit was read.  In the
 * end the copy must equal the memory.
 */
TEST(dirty, during_run)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, sweep);
	u32 *done = (u32 *)(v->vm->mem + 0x20000);
	u32 copy[LOG_PAGES] = { 0 };
	u32 sweeps_seen = 0;
	struct bitmap b;
	pthread_t t;

	catch_signal(SIGUSR1);
	add_log_slot(v->vm, KVM_MEM_LOG_DIRTY_PAGES);
	sweeping = true;
	pthread_create(&t, NULL, sweeper, v);
	for (int round = 0; round < 100 || READ_ONCE(*done) < 10; round++) {
		b = get_log(v->vm);
		for (unsigned int p = 0; p < LOG_PAGES; p++)
			if (dirty(&b, p))
				copy[p] = value_of(p);
		sweeps_seen = READ_ONCE(*done);
	}
	sweeping = false;
	v->run->immediate_exit = 1;
	pthread_kill(t, SIGUSR1);
	pthread_join(t, NULL);
	b = get_log(v->vm);
	for (unsigned int p = 0; p < LOG_PAGES; p++) {
		if (dirty(&b, p))
			copy[p] = value_of(p);
		if (copy[p] != value_of(p))
			FAIL("page %u: copied %u, is %u", p, copy[p],
			     value_of(p));
	}
	CHECK(sweeps_seen >= 1);
}

/* Say so, wait for a word, write to the page in EBX, say so, and spin. */
PROGRAM(write_when_told, 32,
	"	movl $1, 0x20000\n"
	"1:	cmpl $1, 0x20004\n"
	"	jne 1b\n"
	"	movl %eax, (%ebx)\n"
	"	movl $2, 0x20000\n"
	"2:	pause\n"
	"	jmp 2b\n");

static void wait_for(const u32 *word, u32 value)
{
	while (READ_ONCE(*word) != value)
		sched_yield();
}

/*
 * A slot that is logged from the start, made while a vCPU is in the guest; another
 * vCPU reads there, and the first one, which need not have left, writes.
 */
static void write_in_new_slot(struct vm *vm, struct vcpu *writer, struct vcpu *reader,
			      unsigned int page)
{
	u32 *said = (u32 *)(vm->mem + 0x20000), *told = said + 1;
	struct kvm_regs r = get_regs(writer);
	struct bitmap b;
	pthread_t t;

	*said = *told = 0;
	r.rip = GPA_CODE;
	r.rax = page;
	r.rbx = LOG_GPA + page * PAGE;
	set_regs(writer, &r);
	writer->run->immediate_exit = 0;
	sweeping = true;
	pthread_create(&t, NULL, sweeper, writer);
	wait_for(said, 1);
	add_log_slot(vm, KVM_MEM_LOG_DIRTY_PAGES);
	step_at(reader, GPA_CODE + PAGE, page);
	*told = 1;
	wait_for(said, 2);
	sweeping = false;
	writer->run->immediate_exit = 1;
	pthread_kill(t, SIGUSR1);
	pthread_join(t, NULL);
	b = get_log(vm);
	CHECK(dirty(&b, page));
	CHECK_EQ(count(&b), 1);
	set_slot(vm, LOG_SLOT, 0, LOG_GPA, 0, log_mem);
}

TEST(dirty, slot_made_while_guest_runs)
{
	struct vcpu *writer = vcpu_with(MODE_PROT32, write_when_told);
	struct vcpu *reader = vcpu_create(writer->vm, 1);

	/* Static glibc aborts a wait for a thread where the kernel lacks COMPAT_32BIT_TIME. */
	if (!WIDE)
		skip("the end of a thread is waited for");
	catch_signal(SIGUSR1);
	load_at(writer->vm, GPA_CODE + PAGE, guest_look, GUEST_SIZE(look));
	vcpu_mode(reader, MODE_PROT32);
	for (unsigned int page = 0; page < 32; page++)
		write_in_new_slot(writer->vm, writer, reader, page);
}

static int clear_log(struct vm *vm, u64 first, u32 n, void *bitmap)
{
	struct kvm_clear_dirty_log c = {
		.slot = LOG_SLOT, .num_pages = n, .first_page = first,
		.dirty_bitmap = bitmap,
	};

	return ioctl(vm->fd, KVM_CLEAR_DIRTY_LOG, &c);
}

static void enable_manual(struct vm *vm, u64 how)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, .args[0] = how,
	};

	CHECK_OK(ioctl(vm->fd, KVM_ENABLE_CAP, &cap));
}

TEST(dirty, manual_protect)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, poke);
	struct bitmap b, clear = { { 0 } };

	NEED_CAP(KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2);
	enable_manual(v->vm, KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE);
	add_log_slot(v->vm, KVM_MEM_LOG_DIRTY_PAGES);
	step(v, 3);
	step(v, 70);
	b = get_log(v->vm);
	CHECK(dirty(&b, 3) && dirty(&b, 70));
	/* Reading does not clear now. */
	b = get_log(v->vm);
	CHECK_EQ(count(&b), 2);
	clear.word[1] = 1ULL << (70 - 64);
	CHECK_ERRNO(clear_log(v->vm, 1, 64, clear.word), EINVAL);
	CHECK_ERRNO(clear_log(v->vm, 64, 63, clear.word), EINVAL);
	CHECK_ERRNO(clear_log(v->vm, 64, 1000, clear.word), EINVAL);
	CHECK_ERRNO(clear_log(v->vm, 64, 64, BAD_PTR), EFAULT);
	CHECK_OK(clear_log(v->vm, 64, 64, &clear.word[1]));
	b = get_log(v->vm);
	CHECK(dirty(&b, 3) && !dirty(&b, 70));
	step(v, 70);
	b = get_log(v->vm);
	CHECK(dirty(&b, 70));
}

TEST(dirty, manual_initially_set)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, poke);
	struct bitmap b;
	int caps = has_cap(KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2);

	if (!(caps & KVM_DIRTY_LOG_INITIALLY_SET))
		skip("KVM_DIRTY_LOG_INITIALLY_SET is not claimed");
	enable_manual(v->vm, KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE |
			     KVM_DIRTY_LOG_INITIALLY_SET);
	add_log_slot(v->vm, KVM_MEM_LOG_DIRTY_PAGES);
	b = get_log(v->vm);
	CHECK_EQ(count(&b), LOG_PAGES);
	CHECK_OK(clear_log(v->vm, 0, LOG_PAGES, b.word));
	b = get_log(v->vm);
	CHECK_EQ(count(&b), 0);
	step(v, 9);
	b = get_log(v->vm);
	CHECK(dirty(&b, 9));
	CHECK_EQ(count(&b), 1);
}
