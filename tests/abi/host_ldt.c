// SPDX-License-Identifier: GPL-2.0-only
/*
 * The client's own LDT and the segments it loads from there: an entry to the guest
 * and an exit leave them as they were.  A register that is lost shows at once, as the
 * thread's accesses through it go elsewhere.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness.h"

#ifdef __x86_64__	/* A 32-bit process has its thread's data at GS. */

#define LDT_SELECTOR	7	/* entry 0, privilege 3 */
#define ROUNDS		300

/* Long enough for a tick of the host's, now and then. */
PROGRAM(out_now_and_then, 32,
	"1:	mov $20000, %ecx\n"
	"2:	loop 2b\n"
	"	out %al, $0x42\n"
	"	jmp 1b\n");

/* A word below 4 GiB, where a descriptor can point to. */
static u32 *low_word(u32 value)
{
	u32 *word = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	CHECK(word != MAP_FAILED);
	*word = value;
	return word;
}

/* Of struct user_desc: operands of 32 bits, a limit in pages */
#define DESC_FLAGS	0x11

static void set_ldt(const u32 *word)
{
	struct {
		u32 entry;
		u32 base;
		u32 limit;
		u32 flags;
	} desc = {
		.base = (unsigned long)word,
		.limit = 0xfffff,
		.flags = DESC_FLAGS,
	};

	if (syscall(SYS_modify_ldt, 1, &desc, sizeof(desc)))
		skip("modify_ldt: %s", strerror(errno));
}

static void load_gs(void)
{
	asm volatile("mov %w0, %%gs" : : "r" (LDT_SELECTOR));
}

static u32 read_gs(void)
{
	u16 selector;
	u32 value;

	asm volatile("mov %%gs, %w0" : "=r" (selector));
	CHECK_EQ(selector, LDT_SELECTOR);
	asm volatile("movl %%gs:0, %0" : "=r" (value));
	return value;
}

/* Both threads on one CPU: the guest's is scheduled out in the guest, too. */
static void share_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	CHECK(!sched_setaffinity(0, sizeof(set), &set));
}

static void *work(void *stop)
{
	while (!*(atomic_bool *)stop)
		sched_yield();
	return NULL;
}

static void *replace_ldt(void *words)
{
	for (int i = 0; i < ROUNDS; i++) {
		set_ldt(((u32 **)words)[i & 1]);
		usleep(1000);
	}
	return NULL;
}

TEST(host, ldt_survives)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, out_now_and_then);
	atomic_bool stop = false;
	pthread_t other;

	set_ldt(low_word(0x1d71d7));
	share_cpu();
	CHECK(!pthread_create(&other, NULL, work, &stop));
	load_gs();
	for (int i = 0; i < ROUNDS; i++) {
		CHECK_EQ(run(v), KVM_EXIT_IO);
		CHECK_EQ(read_gs(), 0x1d71d7);
	}
	stop = true;
	pthread_join(other, NULL);
}

/* What the thread loads next comes from the table that another has installed. */
TEST(host, ldt_replaced)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, out_now_and_then);
	u32 *words[] = { low_word(1), low_word(2) };
	pthread_t other;

	set_ldt(words[1]);
	share_cpu();
	load_gs();
	CHECK(!pthread_create(&other, NULL, replace_ldt, words));
	for (int i = 0; i < ROUNDS; i++) {
		CHECK_EQ(run(v), KVM_EXIT_IO);
		read_gs();
	}
	pthread_join(other, NULL);
	set_ldt(words[0]);
	CHECK_EQ(run(v), KVM_EXIT_IO);
	load_gs();
	CHECK_EQ(read_gs(), 1);
}
#endif
