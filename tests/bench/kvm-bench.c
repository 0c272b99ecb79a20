// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measures what operations of a guest cost, in ticks of the TSC, on whatever
 * serves /dev/kvm. Meant for emulated hosts whose TSC counts instructions. It
 * is no virtual machine monitor: each row is a fresh VM that runs one loop of
 * guest.S.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/kvm.h>

#include "bench.h"

#define RAM_SIZE	(4UL << 20)
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

struct vm {
	int vm;
	int event;
	u8 *ram;
	u8 *fresh;
	struct kvm_userspace_memory_region slot;
	u8 *dirty;
	int run_size;
};

struct vcpu {
	int fd;
	struct kvm_run *run;
	pthread_t thread;
};

static int kvm;
static int module;
static bool want_irqchip;
static bool intel;

static int must(int ret, const char *what)
{
	if (ret < 0)
		err(1, "%s", what);
	return ret;
}

static u64 guest_address(const u8 *label)
{
	return BENCH_CODE + (label - guest_image);
}

static void add_slot(struct vm *vm)
{
	must(ioctl(vm->vm, KVM_SET_USER_MEMORY_REGION, &vm->slot),
	     "KVM_SET_USER_MEMORY_REGION");
}

static void *map_aligned(size_t size, size_t align, int advice)
{
	u8 *p = mmap(NULL, size + align, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		err(1, "mmap");
	p = (u8 *)(((uintptr_t)p + align - 1) & ~(align - 1));
	madvise(p, size, advice);
	/* The host's own page faults are not what is measured. */
	memset(p, 1, size);
	return p;
}

static void set_gate(struct vm *vm, unsigned int vector, const u8 *label)
{
	u64 to = guest_address(label);
	u64 *gate = (u64 *)(vm->ram + BENCH_IDT) + vector * 2;

	/* Present 64-bit interrupt gate by selector 8. */
	gate[0] = (to & 0xffff) | 8UL << 16 | 0x8eUL << 40 |
		  (to >> 16 & 0xffff) << 48;
	gate[1] = to >> 32;
}

static void fill_ram(struct vm *vm, const struct row *row)
{
	u64 *table = (u64 *)(vm->ram + BENCH_TABLES);
	u64 *gdt = (u64 *)(vm->ram + BENCH_GDT);
	u64 i;

	memcpy(vm->ram + BENCH_CODE, guest_image, guest_end - guest_image);
	gdt[1] = 0x00af9b000000ffff;
	gdt[2] = 0x00cf93000000ffff;
	for (i = 0; i < 256; i++)
		set_gate(vm, i, fault_any);
	if (row->flags & FAULTS)
		set_gate(vm, 13, fault_gp);
	set_gate(vm, BENCH_VECTOR_IPI, irq_ipi);
	set_gate(vm, BENCH_VECTOR_DEADLINE, irq_deadline);
	set_gate(vm, BENCH_VECTOR_REMOTE, irq_remote);
	/* 4 GiB by 2 MiB pages. */
	table[0] = (BENCH_TABLES + 0x1000) | 7;
	for (i = 0; i < 4; i++)
		table[512 + i] = (BENCH_TABLES + 0x2000 + i * 0x1000) | 7;
	for (i = 0; i < 2048; i++)
		table[1024 + i] = i << 21 | 0xe7;
}

static void add_ioeventfd(struct vm *vm, u64 addr, u32 len, u32 flags)
{
	struct kvm_ioeventfd e = {
		.addr = addr, .len = len, .fd = vm->event, .flags = flags,
	};

	must(ioctl(vm->vm, KVM_IOEVENTFD, &e), "KVM_IOEVENTFD");
}

/* false: this module has no in-kernel interrupt controller. */
static bool make_vm(struct vm *vm, const struct row *row)
{
	struct kvm_userspace_memory_region ram = {
		.slot = 0, .memory_size = RAM_SIZE,
	};
	bool irqchip = want_irqchip || (row->flags & IRQCHIP);

	memset(vm, 0, sizeof(*vm));
	vm->vm = must(ioctl(kvm, KVM_CREATE_VM, 0UL), "KVM_CREATE_VM");
	ioctl(vm->vm, KVM_SET_TSS_ADDR, 0xfffbd000UL);
	if (irqchip && ioctl(vm->vm, KVM_CREATE_IRQCHIP, 0UL)) {
		close(vm->vm);
		return false;
	}
	vm->run_size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0UL);
	vm->ram = map_aligned(RAM_SIZE, 4096, MADV_NOHUGEPAGE);
	memset(vm->ram, 0, RAM_SIZE);
	fill_ram(vm, row);
	ram.userspace_addr = (uintptr_t)vm->ram;
	must(ioctl(vm->vm, KVM_SET_USER_MEMORY_REGION, &ram), "memory");
	if (row->flags & (RESLOT | DIRTY_LOG)) {
		vm->slot.memory_size = row->flags & HUGE ? FRESH_SIZE : 100 * 4096;
		vm->fresh = map_aligned(vm->slot.memory_size, 2 << 20,
					row->flags & HUGE ? MADV_HUGEPAGE :
							    MADV_NOHUGEPAGE);
		vm->slot.slot = 1;
		vm->slot.guest_phys_addr = FRESH_AT;
		vm->slot.userspace_addr = (uintptr_t)vm->fresh;
		if (row->flags & DIRTY_LOG)
			vm->slot.flags = KVM_MEM_LOG_DIRTY_PAGES;
		vm->dirty = calloc(1, 4096);
		add_slot(vm);
	}
	vm->event = must(eventfd(0, EFD_NONBLOCK), "eventfd");
	add_ioeventfd(vm, PORT_EVENT, 1, KVM_IOEVENTFD_FLAG_PIO);
	add_ioeventfd(vm, MMIO_EVENT, 4, 0);
	return true;
}

static void free_vm(struct vm *vm)
{
	munmap(vm->ram, RAM_SIZE);
	if (vm->fresh)
		munmap(vm->fresh, vm->slot.memory_size);
	free(vm->dirty);
	close(vm->event);
	close(vm->vm);
}

static void set_cpuid(int vcpu)
{
	struct kvm_cpuid2 *c;
	u32 i;

	c = calloc(1, sizeof(*c) + 256 * sizeof(c->entries[0]));
	if (!c)
		err(1, "calloc");
	c->nent = 256;
	must(ioctl(kvm, KVM_GET_SUPPORTED_CPUID, c), "KVM_GET_SUPPORTED_CPUID");
	for (i = 0; i < c->nent; i++)
		if (c->entries[i].function == 1 &&
		    ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_TSC_DEADLINE_TIMER) > 0)
			c->entries[i].ecx |= 1 << 24;
	must(ioctl(vcpu, KVM_SET_CPUID2, c), "KVM_SET_CPUID2");
	free(c);
}

static struct kvm_segment flat(bool code)
{
	return (struct kvm_segment) {
		.limit = 0xffffffff, .present = 1, .s = 1, .g = 1,
		.type = code ? 0xb : 3, .selector = code ? 8 : 16,
		.l = code, .db = !code,
	};
}

static void set_long_mode(int vcpu)
{
	struct kvm_sregs s;

	must(ioctl(vcpu, KVM_GET_SREGS, &s), "KVM_GET_SREGS");
	s.cs = flat(true);
	s.ds = flat(false);
	s.es = s.ds;
	s.fs = s.ds;
	s.gs = s.ds;
	s.ss = s.ds;
	s.gdt.base = BENCH_GDT;
	s.gdt.limit = 23;
	s.idt.base = BENCH_IDT;
	s.idt.limit = 4095;
	s.cr0 = 0x80000033;
	s.cr3 = BENCH_TABLES;
	s.cr4 = 0x620;
	s.efer = 0x500;
	must(ioctl(vcpu, KVM_SET_SREGS, &s), "KVM_SET_SREGS");
}

static void make_vcpu(struct vm *vm, struct vcpu *vcpu, unsigned long id,
		      const struct kvm_regs *regs)
{
	struct kvm_mp_state runnable = { KVM_MP_STATE_RUNNABLE };

	vcpu->fd = must(ioctl(vm->vm, KVM_CREATE_VCPU, id), "KVM_CREATE_VCPU");
	vcpu->run = mmap(NULL, vm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
			 vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED)
		err(1, "mmap of a vCPU");
	set_cpuid(vcpu->fd);
	set_long_mode(vcpu->fd);
	must(ioctl(vcpu->fd, KVM_SET_REGS, regs), "KVM_SET_REGS");
	if (id)
		must(ioctl(vcpu->fd, KVM_SET_MP_STATE, &runnable),
		     "KVM_SET_MP_STATE");
}

static void free_vcpu(struct vm *vm, struct vcpu *vcpu)
{
	munmap(vcpu->run, vm->run_size);
	close(vcpu->fd);
}

static void between_batches(struct vm *vm, const struct row *row)
{
	struct kvm_dirty_log log = { .slot = 1, .dirty_bitmap = vm->dirty };

	if (row->flags & RESLOT) {
		u64 size = vm->slot.memory_size;

		vm->slot.memory_size = 0;
		add_slot(vm);
		vm->slot.memory_size = size;
		add_slot(vm);
	}
	if (row->flags & DIRTY_LOG)
		must(ioctl(vm->vm, KVM_GET_DIRTY_LOG, &log), "dirty log");
}

/* Run to the end of the row; NULL, or why it failed. */
static const char *run(struct vm *vm, struct vcpu *vcpu, const struct row *row)
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
				between_batches(vm, row);
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

static void report(struct vm *vm, const struct row *row)
{
	u64 *t = (u64 *)(vm->ram + BENCH_RESULTS);

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
	struct vm vm;

	printf("row,%s,", row->name);
	if (!make_vm(&vm, row)) {
		printf("n/a\n");
		return;
	}
	make_vcpu(&vm, &vcpu, 0, &regs);
	if (second) {
		regs2.rip = guest_address(row->flags & RUNNING ? second_running :
								 second_halted);
		make_vcpu(&vm, &vcpu2, 1, &regs2);
		stop_second = false;
		if (pthread_create(&vcpu2.thread, NULL, run_second, &vcpu2))
			errx(1, "pthread_create");
	}
	failed = run(&vm, &vcpu, row);
	if (second) {
		stop_second = true;
		vcpu2.run->immediate_exit = 1;
		pthread_kill(vcpu2.thread, SIGUSR1);
		pthread_join(vcpu2.thread, NULL);
		free_vcpu(&vm, &vcpu2);
	}
	if (failed)
		printf("failed: %s %u\n", failed, vcpu.run->exit_reason);
	else
		report(&vm, row);
	free_vcpu(&vm, &vcpu);
	free_vm(&vm);
}

static bool cpu_is_intel(void)
{
	char line[4096];
	bool found = false;
	FILE *f = fopen("/proc/cpuinfo", "r");

	while (f && fgets(line, sizeof(line), f))
		found |= !strncmp(line, "flags", 5) && strstr(line, " vmx");
	if (f)
		fclose(f);
	return found;
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
	kvm = must(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");
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
