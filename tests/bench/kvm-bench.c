// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measures what operations of a guest cost, in ticks of the TSC, on whatever
 * serves /dev/kvm. Meant for emulated hosts whose TSC counts instructions. It
 * is no virtual machine monitor: each row is a fresh VM that runs one loop of
 * guest.S.
 */
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vm.h"

#define FRESH_AT	0x40000000UL
#define FRESH_SIZE	(64UL << 20)
#define MMIO_USER	0xd0000000UL
#define MMIO_EVENT	0xd0001000UL
#define PORT_USER	0x510
#define PORT_EVENT	0x520
#define PORT_PIC_MASK	0x21
#define APIC_EOI_ADDR	0xfee000b0UL
/* Long enough for a vCPU to fall asleep, in ticks or turns of a loop. */
#define SLEEP_TICKS	200000

/* What a row needs; which CPU vendor's instruction it is. */
enum {
	IRQCHIP		= 0x1,	/* an in-kernel interrupt controller */
	IRQS_ON		= 0x2,
	RESLOT		= 0x4,	/* fresh second-stage tables for each batch */
	DIRTY_LOG	= 0x8,
	HUGE		= 0x10,
	RUNNING		= 0x20,	/* a second vCPU that spins */
	HALTED		= 0x40,	/* a second vCPU that sleeps */
	INTEL		= 0x80,
	AMD		= 0x100,
	FAULTS		= 0x200, /* #GP is part of the row */
};

/*
 * extra: instructions of an iteration beside the one that is measured, the two
 * of the loop among them; for an exception and a self-IPI the guest's handler is
 * part of what is measured.
 */
static const struct row {
	const char *name;
	const u8 *op;
	u32 extra;
	u32 iterations;
	u32 batches;
	u32 flags;
	u64 param;
} rows[] = {
	{ "floor (INVD)", op_invd, 2, 100, 21 },
	{ "CPUID leaf 0", op_cpuid, 3, 100, 21 },
	{ "CPUID leaf 1", op_cpuid_1, 3, 100, 21 },
	{ "CPUID leaf 0x80000008", op_cpuid_ext, 3, 100, 21 },
	{ "VMCALL", op_vmcall, 3, 100, 21, INTEL },
	{ "VMMCALL", op_vmmcall, 3, 100, 21, AMD },
	{ "RDMSR TSC_ADJUST", op_rdmsr, 2, 100, 21 },
	{ "RDMSR APIC_BASE", op_rdmsr_apic_base, 2, 100, 21 },
	{ "RDMSR MISC_ENABLE", op_rdmsr_misc, 2, 100, 21 },
	{ "WRMSR TSC_ADJUST", op_wrmsr, 2, 100, 21 },
	{ "WRMSR TSC_DEADLINE", op_deadline, 2, 100, 21, IRQCHIP },
	{ "MOV to CR8", op_cr8_write, 3, 100, 21 },
	{ "MOV from CR8", op_cr8_read, 2, 100, 21 },
	{ "CR0 read, write (AM)", op_cr0, 3, 100, 21 },
	{ "CR4 read, write (MCE)", op_cr4, 3, 100, 21 },
	{ "CPUID, MOV to DR7", op_dr, 4, 100, 21 },
	{ "exception after an exit", op_exception, 3, 100, 21, FAULTS },
	{ "PIO to ioeventfd", op_pio_out, 3, 100, 21, 0, PORT_EVENT },
	{ "MMIO to ioeventfd", op_mmio_write, 2, 100, 21, 0, MMIO_EVENT },
	{ "PIO to in-kernel PIC", op_pio_out, 3, 100, 21, IRQCHIP,
	  PORT_PIC_MASK },
	{ "xAPIC EOI by MMIO", op_xapic_eoi, 2, 100, 21, IRQCHIP,
	  APIC_EOI_ADDR },
	{ "x2APIC SELF_IPI to EOI", op_self_ipi, 5, 100, 21,
	  IRQCHIP | IRQS_ON },
	{ "HLT to timer's handler", op_hlt_timer, 0, 1, 2000, IRQCHIP,
	  SLEEP_TICKS },
	{ "IPI to a running vCPU", op_ipi, 0, 1, 2000, IRQCHIP | RUNNING, 100 },
	{ "IPI to a halted vCPU", op_ipi, 0, 1, 2000, IRQCHIP | HALTED,
	  SLEEP_TICKS },
	{ "PIO write in userspace", op_pio_out, 3, 100, 21, 0, PORT_USER },
	{ "PIO read in userspace", op_pio_in, 3, 100, 21, 0, PORT_USER },
	{ "MMIO write in userspace", op_mmio_write, 2, 100, 21, 0, MMIO_USER },
	{ "MMIO read in userspace", op_mmio_read, 2, 100, 21, 0, MMIO_USER },
	{ "fault on fresh 4 KiB", op_touch_4k, 3, 100, 21, RESLOT, FRESH_AT },
	{ "fault on fresh 2 MiB", op_touch_2m, 3, 32, 63, RESLOT | HUGE,
	  FRESH_AT },
	{ "dirty-log write fault", op_touch_4k, 3, 100, 21, DIRTY_LOG,
	  FRESH_AT },
};

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* A row's VM, and what it needs beside it. */
struct room {
	struct vm vm;
	int event;
	u8 *fresh;
	struct kvm_userspace_memory_region slot;
	u8 *dirty;
};

static int module;
static bool want_irqchip;
static bool intel;

static void add_slot(struct room *room)
{
	must(ioctl(room->vm.fd, KVM_SET_USER_MEMORY_REGION, &room->slot),
	     "KVM_SET_USER_MEMORY_REGION");
}

static void add_ioeventfd(struct room *room, u64 addr, u32 len, u32 flags)
{
	struct kvm_ioeventfd e = {
		.addr = addr, .len = len, .fd = room->event, .flags = flags,
	};

	must(ioctl(room->vm.fd, KVM_IOEVENTFD, &e), "KVM_IOEVENTFD");
}

/* false: this module has no in-kernel interrupt controller. */
static bool make_room(struct room *room, const struct row *row)
{
	memset(room, 0, sizeof(*room));
	if (!make_vm(&room->vm, want_irqchip || (row->flags & IRQCHIP)))
		return false;
	if (row->flags & FAULTS)
		set_gate(&room->vm, 13, fault_gp);
	if (row->flags & (RESLOT | DIRTY_LOG)) {
		room->slot.memory_size = row->flags & HUGE ? FRESH_SIZE : 100 * 4096;
		room->fresh = map_aligned(room->slot.memory_size, 2 << 20,
					  row->flags & HUGE ? MADV_HUGEPAGE :
							      MADV_NOHUGEPAGE);
		room->slot.slot = 1;
		room->slot.guest_phys_addr = FRESH_AT;
		room->slot.userspace_addr = (uintptr_t)room->fresh;
		if (row->flags & DIRTY_LOG)
			room->slot.flags = KVM_MEM_LOG_DIRTY_PAGES;
		room->dirty = calloc(1, 4096);
		add_slot(room);
	}
	room->event = must(eventfd(0, EFD_NONBLOCK), "eventfd");
	add_ioeventfd(room, PORT_EVENT, 1, KVM_IOEVENTFD_FLAG_PIO);
	add_ioeventfd(room, MMIO_EVENT, 4, 0);
	return true;
}

static void free_room(struct room *room)
{
	if (room->fresh)
		munmap(room->fresh, room->slot.memory_size);
	free(room->dirty);
	close(room->event);
	free_vm(&room->vm);
}

static void between_batches(struct room *room, const struct row *row)
{
	struct kvm_dirty_log log = { .slot = 1, .dirty_bitmap = room->dirty };

	if (row->flags & RESLOT) {
		u64 size = room->slot.memory_size;

		room->slot.memory_size = 0;
		add_slot(room);
		room->slot.memory_size = size;
		add_slot(room);
	}
	if (row->flags & DIRTY_LOG)
		must(ioctl(room->vm.fd, KVM_GET_DIRTY_LOG, &log), "dirty log");
}

/* Run to the end of the row; NULL, or why it failed. */
static const char *run(struct room *room, struct vcpu *vcpu, const struct row *row)
{
	struct kvm_run *k = vcpu->run;

	for (;;) {
		if (ioctl(vcpu->fd, KVM_RUN, 0UL)) {
			if (errno == EINTR || errno == EAGAIN)
				continue;
			return strerror(errno);
		}
		switch (k->exit_reason) {
		case KVM_EXIT_IO:
			switch (k->io.port) {
			case BENCH_PORT_DONE:
				return NULL;
			case BENCH_PORT_BATCH:
				between_batches(room, row);
				break;
			case BENCH_PORT_BAD:
				return "fault";
			}
			break;
		case KVM_EXIT_MMIO:
		case KVM_EXIT_SET_TPR:
			break;
		default:
			return "exit";
		}
	}
}

static void ignore(int sig)
{
	(void)sig;
}

static atomic_bool stop_second;

static void *run_second(void *arg)
{
	struct vcpu *vcpu = arg;

	while (!stop_second)
		ioctl(vcpu->fd, KVM_RUN, 0UL);
	return NULL;
}

static int compare(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

/* Per operation, without the loop's own instructions. */
static double cost(const struct row *row, u64 ticks)
{
	if (row->iterations == 1)
		return ticks;
	return (double)(ticks - BENCH_BATCH_INSNS) / row->iterations - row->extra;
}

static void report(struct room *room, const struct row *row)
{
	u64 *t = (u64 *)(room->vm.ram + BENCH_RESULTS);

	qsort(t, row->batches, sizeof(*t), compare);
	printf("%.1f,%.1f,%.1f,%u\n", cost(row, t[row->batches / 2]),
	       cost(row, t[0]), cost(row, t[row->batches - 1]),
	       row->iterations * row->batches);
}

static void run_row(unsigned int nr)
{
	const struct row *row = &rows[nr];
	struct kvm_regs regs = {
		.rip = guest_address(row->op), .rsp = BENCH_STACK,
		.rflags = row->flags & IRQS_ON ? 0x202 : 2,
		.r8 = BENCH_RESULTS, .r9 = row->batches, .r10 = row->iterations,
		.rdi = row->param, .r14 = nr + 1, .r15 = module,
	};
	struct kvm_regs regs2 = { .rsp = BENCH_STACK2, .rflags = 2 };
	bool second = row->flags & (RUNNING | HALTED);
	struct vcpu vcpu, vcpu2;
	const char *failed;
	struct room room;

	printf("row,%s,", row->name);
	if (!make_room(&room, row)) {
		printf("n/a\n");
		return;
	}
	make_vcpu(&room.vm, &vcpu, 0, &regs);
	if (second) {
		regs2.rip = guest_address(row->flags & RUNNING ? second_running :
								 second_halted);
		make_vcpu(&room.vm, &vcpu2, 1, &regs2);
		stop_second = false;
		if (pthread_create(&vcpu2.thread, NULL, run_second, &vcpu2))
			errx(1, "pthread_create");
	}
	failed = run(&room, &vcpu, row);
	if (second) {
		stop_second = true;
		vcpu2.run->immediate_exit = 1;
		pthread_kill(vcpu2.thread, SIGUSR1);
		pthread_join(vcpu2.thread, NULL);
		free_vcpu(&room.vm, &vcpu2);
	}
	if (failed)
		printf("failed: %s %u\n", failed, vcpu.run->exit_reason);
	else
		report(&room, row);
	free_vcpu(&room.vm, &vcpu);
	free_room(&room);
}

static bool has_irqchip(void)
{
	int vm = must(ioctl(kvm, KVM_CREATE_VM, 0UL), "KVM_CREATE_VM");
	bool has = !ioctl(vm, KVM_CREATE_IRQCHIP, 0UL);

	close(vm);
	return has;
}

static void explain(void)
{
	fprintf(stderr,
		"usage: kvm-bench [-p] [-c] [-m NR] [ROW...]\n"
		"  -p     only say whether there is an in-kernel interrupt controller\n"
		"  -c     give every VM one, not only those that need it\n"
		"  -m NR  number of the module, for the counting emulator\n"
		"Rows are given by a part of their name; without, all are run. Prints\n"
		"row,NAME,MEDIAN,LOWEST,HIGHEST,ITERATIONS, or n/a.\n");
	exit(2);
}

static bool wanted(const struct row *row, char **names)
{
	if (row->flags & (intel ? AMD : INTEL))
		return false;
	if ((row->flags & (RUNNING | HALTED)) && sysconf(_SC_NPROCESSORS_ONLN) < 2)
		return false;
	if (!*names)
		return true;
	for (; *names; names++)
		if (strstr(row->name, *names))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = ignore };
	bool probe = false;
	unsigned int i;
	int opt;

	while ((opt = getopt(argc, argv, "pcm:")) != -1) {
		if (opt == 'p')
			probe = true;
		else if (opt == 'c')
			want_irqchip = true;
		else if (opt == 'm')
			module = atoi(optarg);
		else
			explain();
	}
	setlinebuf(stdout);
	sigaction(SIGUSR1, &action, NULL);
	open_kvm();
	intel = cpu_is_intel();
	if (probe) {
		printf("irqchip,%d\n", has_irqchip());
		return 0;
	}
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (wanted(&rows[i], argv + optind))
			run_row(i);
	return 0;
}
