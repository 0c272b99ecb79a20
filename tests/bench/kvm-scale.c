// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does the same few operations in VMs that grow: in vCPUs that run, in vCPUs that
 * exist, in memory slots, in dirty pages. The emulator counts what the host does
 * for them; this only says which operation it is. For a host with two CPUs: one
 * does what is counted, the other runs all other vCPUs.
 */
#include <err.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "vm.h"

#define PAGE		4096UL
#define FRESH_AT	0x40000000UL
/* As many pages as there can be slots beside that of the code and a spare one. */
#define FRESH_PAGES	32760UL
/* Far apart, and in the end each one once: no divisor of FRESH_PAGES. */
#define STRIDE_PAGES	1009UL
#define DIRTY_AT	0x100000000UL
#define SPARE_AT	0x3c000000UL
#define SPARE_SLOT	32762
#define MAX_VCPUS	1024

#define BATCH		100
#define EXIT_BATCHES	5
#define FAULT_BATCHES	10
#define NR_IPIS		400
#define NR_SLOTS	20
/* For the other vCPU to be back in its loop */
#define REST		2000

/* The emulator's own row numbers begin with kvm-bench's. */
#define FIRST_ROW	1000

enum axis { RUNNING, CREATED, SLOTS, DIRTY, NR_AXES };

static const struct {
	const char *name;
	u32 sizes[8];
} axes[NR_AXES] = {
	[RUNNING] = { "vCPUs running", { 1, 2, 4, 8 } },
	[CREATED] = { "vCPUs created", { 2, 16, 128, MAX_VCPUS } },
	[SLOTS] = { "memory slots", { 1, 8, 64, 512, 4096, FRESH_PAGES } },
	[DIRTY] = { "dirty pages", { 1, 16, 256, 4096, 65536, 1 << 20 } },
};

/* A VM of one size. */
struct place {
	struct vm vm;
	enum axis axis;
	u32 n;
	u32 nr_vcpus;
	u32 nr_running;
	struct vcpu vcpus[MAX_VCPUS];
};

static int module;
static unsigned int row;
static u8 *backing;
static atomic_bool stop;
static struct place place;

static void mark(unsigned long what)
{
	unsigned long nr = module;

	asm volatile("xchg %%bx, %%bx" : : "a"(what), "c"(nr) : "memory");
}

static void say(const char *op, u32 count)
{
	if (!row)
		return;
	printf("point,%u,%s,%u,%s,%u\n", row, axes[place.axis].name, place.n, op, count);
	row++;
}

static void pin(int cpu, bool idle)
{
	struct sched_param param = { 0 };
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		err(1, "sched_setaffinity");
	if (idle && sched_setscheduler(0, SCHED_IDLE, &param))
		err(1, "sched_setscheduler");
}

static void set_slot(u32 slot, u64 at, u64 pages, u64 offset, u32 flags)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot, .guest_phys_addr = at, .memory_size = pages * PAGE,
		.userspace_addr = (uintptr_t)backing + offset * PAGE,
		.flags = flags,
	};

	must(ioctl(place.vm.fd, KVM_SET_USER_MEMORY_REGION, &region), "slot");
}

/* The memory that faults: the same, in one slot or in many. */
static void make_slots(void)
{
	u64 slots = place.axis == SLOTS ? place.n : 1, i, from, to;

	for (i = 0; i < slots; i++) {
		from = i * FRESH_PAGES / slots;
		to = (i + 1) * FRESH_PAGES / slots;
		set_slot(1 + i, FRESH_AT + from * PAGE, to - from, from,
			 place.axis == DIRTY ? KVM_MEM_LOG_DIRTY_PAGES : 0);
	}
}

static struct kvm_regs regs_for(const u8 *op, u32 batches, u32 iterations)
{
	return (struct kvm_regs) {
		.rip = guest_address(op), .rsp = BENCH_STACK, .rflags = 2,
		.r8 = BENCH_RESULTS, .r9 = batches, .r10 = iterations,
		.r15 = module,
	};
}

/* Run to the end of what REGS begin. */
static void run(const struct kvm_regs *regs)
{
	struct vcpu *vcpu = &place.vcpus[0];
	struct kvm_run *k = vcpu->run;

	must(ioctl(vcpu->fd, KVM_SET_REGS, regs), "KVM_SET_REGS");
	for (;;) {
		if (ioctl(vcpu->fd, KVM_RUN, 0UL)) {
			if (errno == EINTR || errno == EAGAIN)
				continue;
			err(1, "KVM_RUN");
		}
		if (k->exit_reason != KVM_EXIT_IO || k->io.port == BENCH_PORT_BAD)
			errx(1, "exit %u in %s %u", k->exit_reason,
			     axes[place.axis].name, place.n);
		if (k->io.port == BENCH_PORT_DONE)
			return;
	}
}

/* Once for nothing, so that what happens the first time is not counted. */
static void measure(const char *op, struct kvm_regs *regs)
{
	struct kvm_regs warm = *regs;

	warm.r9 = 1;
	run(&warm);
	must(ioctl(place.vcpus[0].fd, KVM_GET_REGS, &warm), "KVM_GET_REGS");
	regs->rbx = warm.rbx;	/* where op_touch_spread goes on */
	regs->r14 = row;
	run(regs);
	say(op, regs->r9 * regs->r10);
}

static void measure_exit(void)
{
	struct kvm_regs regs = regs_for(op_cpuid, EXIT_BATCHES, BATCH);

	measure("exit", &regs);
}

static void measure_fault(void)
{
	struct kvm_regs regs = regs_for(op_touch_spread, FAULT_BATCHES, BATCH);

	regs.rdi = FRESH_AT;
	regs.rbx = FRESH_AT;
	regs.rsi = STRIDE_PAGES * PAGE;
	regs.r13 = FRESH_AT + FRESH_PAGES * PAGE;
	measure("fault", &regs);
}

static void measure_ipi(void)
{
	struct kvm_regs regs = regs_for(op_ipi, NR_IPIS, 1);

	regs.rdi = REST;
	measure("IPI", &regs);
}

/* An MSI from userspace to a vCPU that is in the guest. */
static void measure_kick(void)
{
	struct kvm_msi msi = {
		.address_lo = 0xfee00000 | 1 << 12, .data = BENCH_VECTOR_REMOTE,
	};
	atomic_ullong *seen = (atomic_ullong *)(place.vm.ram + BENCH_SHARED);
	u32 i, rest;

	for (i = 0; i <= NR_IPIS; i++) {
		atomic_store(seen, 0);
		/* Not the first */
		mark(i ? row : 0);
		must(ioctl(place.vm.fd, KVM_SIGNAL_MSI, &msi), "KVM_SIGNAL_MSI");
		mark(0);
		while (!atomic_load(seen))
			;
		for (rest = 0; rest < REST; rest++)
			atomic_load(seen);
	}
	mark(BENCH_MARK_FLUSH);
	say("kick", NR_IPIS);
}

static void measure_slot(void)
{
	u32 i;

	for (i = 0; i <= NR_SLOTS; i++) {
		mark(i ? row : 0);
		set_slot(SPARE_SLOT, SPARE_AT, 1, 0, 0);
		mark(0);
		set_slot(SPARE_SLOT, SPARE_AT, 0, 0, 0);
	}
	mark(BENCH_MARK_FLUSH);
	say("new slot", NR_SLOTS);
}

/* Has the guest dirty N pages, in as many slots as share the memory that is there. */
static void make_dirty(void)
{
	struct kvm_regs regs = regs_for(op_fill, place.n, 0);
	u64 at, size;
	u32 slot = 2;

	for (at = 0; at < place.n; at += size, slot++) {
		size = place.n - at < FRESH_PAGES ? place.n - at : FRESH_PAGES;
		set_slot(slot, DIRTY_AT + at * PAGE, size, 0, KVM_MEM_LOG_DIRTY_PAGES);
	}
	regs.rdi = DIRTY_AT;
	run(&regs);
}

static void measure_collect(void)
{
	struct kvm_dirty_log log = { .dirty_bitmap = calloc(1, FRESH_PAGES / 8 + 8) };
	u64 at;

	for (at = 0, log.slot = 2; at < place.n; at += FRESH_PAGES, log.slot++) {
		mark(row);
		must(ioctl(place.vm.fd, KVM_GET_DIRTY_LOG, &log), "dirty log");
		mark(0);
	}
	mark(BENCH_MARK_FLUSH);
	say("collect a page", place.n);
	free(log.dirty_bitmap);
}

static void ignore(int sig)
{
	(void)sig;
}

/* On the second CPU; all but the one that gets interrupts step back for it. */
static void *run_other(void *arg)
{
	struct vcpu *vcpu = arg;

	pin(1, vcpu != &place.vcpus[1]);
	while (!stop)
		ioctl(vcpu->fd, KVM_RUN, 0UL);
	return NULL;
}

static void start_others(void)
{
	atomic_ullong *ready = (atomic_ullong *)(place.vm.ram + BENCH_READY);
	u32 i;

	if (place.nr_running > 1 && sysconf(_SC_NPROCESSORS_ONLN) < 2)
		errx(1, "needs a host with two CPUs");
	stop = false;
	for (i = 1; i < place.nr_running; i++)
		if (pthread_create(&place.vcpus[i].thread, NULL, run_other, &place.vcpus[i]))
			errx(1, "pthread_create");
	while (atomic_load(ready) < place.nr_running - 1)
		sched_yield();
}

static void stop_others(void)
{
	u32 i;

	stop = true;
	for (i = 1; i < place.nr_running; i++) {
		place.vcpus[i].run->immediate_exit = 1;
		pthread_kill(place.vcpus[i].thread, SIGUSR1);
	}
	for (i = 1; i < place.nr_running; i++)
		pthread_join(place.vcpus[i].thread, NULL);
}

static void make_vcpus(void)
{
	struct kvm_regs regs = { .rip = guest_address(second_running), .rflags = 2 };
	struct kvm_sregs sregs;
	u32 i;

	for (i = 0; i < place.nr_vcpus; i++) {
		/* They are but few that run. */
		regs.rsp = BENCH_STACK2 - i % 16 * 1024;
		make_vcpu(&place.vm, &place.vcpus[i], i, &regs);
		must(ioctl(place.vcpus[i].fd, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
		sregs.apic_base |= 0xc00;	/* x2APIC, so that all have an address */
		must(ioctl(place.vcpus[i].fd, KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");
	}
}

/* What is measured alone, then what needs a second vCPU in the guest. */
static void measure_all(void)
{
	bool early = place.axis == RUNNING;

	if (early)
		start_others();
	if (place.axis == DIRTY)
		make_dirty();
	measure_exit();
	measure_fault();
	if (place.axis == SLOTS)
		measure_slot();
	if (!early)
		start_others();
	if (place.nr_running > 1) {
		measure_ipi();
		measure_kick();
	}
	stop_others();
	if (place.axis == DIRTY)
		measure_collect();
}

static void do_size(enum axis axis, u32 n)
{
	u32 i;

	memset(&place, 0, sizeof(place));
	place.axis = axis;
	place.n = n;
	place.nr_running = axis == RUNNING ? n : 2;
	place.nr_vcpus = axis == CREATED ? n : place.nr_running;
	if (!make_vm(&place.vm, true))
		errx(1, "no in-kernel interrupt controller");
	make_vcpus();
	make_slots();
	measure_all();
	for (i = 0; i < place.nr_vcpus; i++)
		free_vcpu(&place.vm, &place.vcpus[i]);
	free_vm(&place.vm);
}

static void explain(void)
{
	fprintf(stderr,
		"usage: kvm-scale [-m NR] [-s SIZES] [AXIS...]\n"
		"  -m NR     number of the module, for the counting emulator\n"
		"  -s SIZES  only the first so many sizes of an axis\n"
		"Axes are given by a part of their name; without, all are measured. Prints\n"
		"point,ROW,AXIS,SIZE,OPERATION,COUNT: what a row of the emulator's is.\n");
	exit(2);
}

static bool wanted(const char *name, char **parts)
{
	if (!*parts)
		return true;
	for (; *parts; parts++)
		if (strstr(name, *parts))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	struct rlimit files = { 4096, 4096 };
	struct sigaction action = { .sa_handler = ignore };
	unsigned int sizes = 8, a, i;
	int opt;

	while ((opt = getopt(argc, argv, "m:s:")) != -1) {
		if (opt == 'm')
			module = atoi(optarg);
		else if (opt == 's')
			sizes = atoi(optarg);
		else
			explain();
	}
	if (setrlimit(RLIMIT_NOFILE, &files))
		err(1, "setrlimit");
	setlinebuf(stdout);
	sigaction(SIGUSR1, &action, NULL);
	open_kvm();
	pin(0, false);
	backing = map_aligned(FRESH_PAGES * PAGE, 2 << 20, MADV_NOHUGEPAGE);
	/* The first VM finds the kernel's caches cold: for nothing. */
	do_size(RUNNING, 1);
	row = FIRST_ROW;
	for (a = 0; a < NR_AXES; a++)
		for (i = 0; i < sizes && i < 8 && axes[a].sizes[i]; i++)
			if (wanted(axes[a].name, argv + optind))
				do_size(a, axes[a].sizes[i]);
	return 0;
}
