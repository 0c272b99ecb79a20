// SPDX-License-Identifier: GPL-2.0-only
/*
 * VM and vCPU creation, guest set-up in each processor mode, and the checks.
 * The runner that starts the tests is main.c.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "harness.h"
#include "runner.h"

const enum mode all_modes[4] = { MODE_REAL, MODE_PROT32, MODE_PAE, MODE_LONG };

void fail(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	printf("# %s:%d: ", file, line);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
	_exit(RESULT_FAIL);
}

void skip(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(skip_reason, SKIP_REASON_SIZE, fmt, ap);
	va_end(ap);
	fflush(stdout);
	_exit(RESULT_SKIP);
}

void note(const char *fmt, ...)
{
	va_list ap;

	printf("# ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

void check_mem(const char *file, int line, const char *what, const void *got,
	       const void *want, size_t size)
{
	const u8 *g = got, *w = want;

	for (size_t i = 0; i < size; i++) {
		if (g[i] != w[i])
			fail(file, line, "%s: byte %zu is %#x, not %#x", what,
			     i, g[i], w[i]);
	}
}

int kvm_dev(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = CHECK_OK(open("/dev/kvm", O_RDWR | O_CLOEXEC));
	return fd;
}

/* The module that answers on /dev/kvm, as /sys/module names it. */
const char *kvm_module(void)
{
	static const char * const names[] = {
		"monovisor_svm", "monovisor_vmx", "kvm_amd", "kvm_intel",
	};
	static char path[64];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "/sys/module/%s", names[i]);
		if (!access(path, F_OK))
			return names[i];
	}
	return NULL;
}

bool on_stock(void)
{
	const char *name = kvm_module();

	return name && !strncmp(name, "kvm_", 4);
}

void skip_on_tcg(const char *why)
{
	u32 id[3], eax;

	asm volatile("cpuid" : "=a"(eax), "=b"(id[0]), "=c"(id[1]), "=d"(id[2])
		     : "a"(0x40000000), "c"(0));
	if (!memcmp(id, "TCGTCGTCGTCG", sizeof(id)))
		skip("TCG: %s", why);
}

int has_cap(long cap)
{
	return CHECK_OK(ioctl(kvm_dev(), KVM_CHECK_EXTENSION, cap));
}

int has_vm_cap(struct vm *vm, long cap)
{
	return CHECK_OK(ioctl(vm->fd, KVM_CHECK_EXTENSION, cap));
}

void need_cap(long cap, const char *name)
{
	if (!has_cap(cap))
		skip("%s is not claimed", name);
}

void *map_anon(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		FAIL("mmap of %zu bytes: %s", size, strerror(errno));
	return p;
}

int try_slot(struct vm *vm, unsigned int slot, unsigned int flags,
	     u64 gpa, u64 size, void *hva)
{
	struct kvm_userspace_memory_region r = {
		.slot = slot,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)hva,
	};

	return ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &r);
}

void set_slot(struct vm *vm, unsigned int slot, unsigned int flags,
	      u64 gpa, u64 size, void *hva)
{
	CHECK_OK(try_slot(vm, slot, flags, gpa, size, hva));
}

/* A VM without memory. */
struct vm *vm_bare(void)
{
	struct vm *vm = calloc(1, sizeof(*vm));

	vm->fd = CHECK_OK(ioctl(kvm_dev(), KVM_CREATE_VM, 0UL));
	CHECK_OK(ioctl(vm->fd, KVM_SET_TSS_ADDR, 0xfffbd000UL));
	return vm;
}

/* A VM with MEM_DEFAULT bytes at address 0, in slot 0. */
struct vm *vm_create(void)
{
	struct vm *vm = vm_bare();

	vm->size = MEM_DEFAULT;
	vm->mem = map_anon(vm->size);
	set_slot(vm, 0, 0, 0, vm->size, vm->mem);
	return vm;
}

/* Both APICs, the PICs and what they need are in the kernel. */
struct vm *vm_with_irqchip(void)
{
	struct vm *vm = vm_create();

	NEED_CAP(KVM_CAP_IRQCHIP);
	CHECK_OK(ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0UL));
	return vm;
}

/* Only the local APICs are; the I/O APIC that userspace has is of 24 pins. */
struct vm *vm_with_split(void)
{
	struct vm *vm = vm_create();
	struct kvm_enable_cap cap = { .cap = KVM_CAP_SPLIT_IRQCHIP, .args[0] = 24 };

	NEED_CAP(KVM_CAP_SPLIT_IRQCHIP);
	CHECK_OK(ioctl(vm->fd, KVM_ENABLE_CAP, &cap));
	return vm;
}

void vm_free(struct vm *vm)
{
	close(vm->fd);
	if (vm->mem)
		munmap(vm->mem, vm->size);
	free(vm);
}

/* A vCPU that was told nothing about its CPUID. */
struct vcpu *vcpu_bare(struct vm *vm, unsigned long id)
{
	struct vcpu *v = calloc(1, sizeof(*v));

	v->vm = vm;
	v->fd = CHECK_OK(ioctl(vm->fd, KVM_CREATE_VCPU, id));
	v->run_size = CHECK_OK(ioctl(kvm_dev(), KVM_GET_VCPU_MMAP_SIZE, 0UL));
	v->run = mmap(NULL, v->run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		      v->fd, 0);
	if (v->run == MAP_FAILED)
		FAIL("mmap of the vCPU: %s", strerror(errno));
	return v;
}

struct kvm_cpuid2 *supported_cpuid(void)
{
	const unsigned int max = 256;
	struct kvm_cpuid2 *c;

	c = calloc(1, sizeof(*c) + max * sizeof(c->entries[0]));
	c->nent = max;
	CHECK_OK(ioctl(kvm_dev(), KVM_GET_SUPPORTED_CPUID, c));
	return c;
}

struct kvm_msr_list *msr_list(unsigned long cmd)
{
	struct kvm_msr_list probe = { .nmsrs = 0 }, *l;

	if (ioctl(kvm_dev(), cmd, &probe)) {
		if (errno != E2BIG)
			FAIL("probing the length: %s", strerror(errno));
	}
	l = calloc(1, sizeof(*l) + probe.nmsrs * sizeof(l->indices[0]));
	l->nmsrs = probe.nmsrs;
	CHECK_OK(ioctl(kvm_dev(), cmd, l));
	CHECK_EQ(l->nmsrs, probe.nmsrs);
	return l;
}

struct kvm_cpuid_entry2 *cpuid_find(struct kvm_cpuid2 *c, u32 function,
				    u32 index)
{
	for (unsigned int i = 0; i < c->nent; i++) {
		struct kvm_cpuid_entry2 *e = &c->entries[i];

		if (e->function == function && e->index == index)
			return e;
	}
	return NULL;
}

/* A vCPU with every CPUID feature that is supported. */
struct vcpu *vcpu_create(struct vm *vm, unsigned long id)
{
	struct vcpu *v = vcpu_bare(vm, id);
	struct kvm_cpuid2 *c = supported_cpuid();

	CHECK_OK(ioctl(v->fd, KVM_SET_CPUID2, c));
	free(c);
	return v;
}

void vcpu_free(struct vcpu *v)
{
	munmap(v->run, v->run_size);
	close(v->fd);
	free(v);
}

void load_at(struct vm *vm, u64 gpa, const void *code, size_t size)
{
	if (gpa + size > vm->size)
		FAIL("program at %#lx does not fit", (unsigned long)gpa);
	memcpy(vm->mem + gpa, code, size);
}

struct kvm_regs get_regs(struct vcpu *v)
{
	struct kvm_regs regs = { 0 };

	CHECK_OK(ioctl(v->fd, KVM_GET_REGS, &regs));
	return regs;
}

void set_regs(struct vcpu *v, const struct kvm_regs *regs)
{
	CHECK_OK(ioctl(v->fd, KVM_SET_REGS, regs));
}

struct kvm_sregs get_sregs(struct vcpu *v)
{
	struct kvm_sregs sregs = { 0 };

	CHECK_OK(ioctl(v->fd, KVM_GET_SREGS, &sregs));
	return sregs;
}

void set_sregs(struct vcpu *v, const struct kvm_sregs *sregs)
{
	CHECK_OK(ioctl(v->fd, KVM_SET_SREGS, sregs));
}

struct kvm_vcpu_events get_events(struct vcpu *v)
{
	struct kvm_vcpu_events ev = { 0 };

	CHECK_OK(ioctl(v->fd, KVM_GET_VCPU_EVENTS, &ev));
	return ev;
}

struct one_msr {
	struct kvm_msrs head;
	struct kvm_msr_entry entry;
};

bool get_msr(struct vcpu *v, u32 index, u64 *value)
{
	struct one_msr m = { .head.nmsrs = 1, .entry.index = index };
	int n = CHECK_OK(ioctl(v->fd, KVM_GET_MSRS, &m));

	*value = m.entry.data;
	return n == 1;
}

bool set_msr(struct vcpu *v, u32 index, u64 value)
{
	struct one_msr m = {
		.head.nmsrs = 1,
		.entry = { .index = index, .data = value },
	};

	return CHECK_OK(ioctl(v->fd, KVM_SET_MSRS, &m)) == 1;
}

static struct kvm_segment flat(enum mode mode, bool code)
{
	struct kvm_segment s = {
		.limit = 0xffffffff, .present = 1, .s = 1, .g = 1,
		.type = code ? 0xb : 0x3,
		.selector = code ? SEL_CODE : SEL_DATA,
	};

	s.l = code && mode == MODE_LONG;
	s.db = !s.l;
	return s;
}

static void write_gdt(struct vm *vm, enum mode mode)
{
	u64 *gdt = (u64 *)(vm->mem + GPA_GDT);

	gdt[0] = 0;
	gdt[SEL_CODE / 8] = mode == MODE_LONG ? 0x00af9b000000ffffULL :
						0x00cf9b000000ffffULL;
	gdt[SEL_DATA / 8] = 0x00cf93000000ffffULL;
}

/* Identity map 4 GiB with 2 MiB pages, for long mode and for PAE. */
static void write_page_tables(struct vm *vm, enum mode mode)
{
	const u64 dir = mode == MODE_LONG ? 7 : 1;
	u64 *pml4 = (u64 *)(vm->mem + GPA_PML4);
	u64 *pdpt = (u64 *)(vm->mem + GPA_PDPT);
	u64 *pd = (u64 *)(vm->mem + GPA_PD);

	pml4[0] = GPA_PDPT | 7;
	for (unsigned int i = 0; i < 4; i++)
		pdpt[i] = (GPA_PD + i * PAGE) | dir;
	for (u64 i = 0; i < 4 * 512; i++)
		pd[i] = i * 2 * MIB | 0xe7;
}

static void real_segment(struct kvm_segment *s)
{
	*s = (struct kvm_segment) {
		.limit = 0xffff, .type = 3, .present = 1, .s = 1,
	};
}

static void real_mode(struct kvm_sregs *s)
{
	struct kvm_segment *data[] = { &s->ds, &s->es, &s->fs, &s->gs, &s->ss };

	real_segment(&s->cs);
	s->cs.type = 0xb;
	/* The code lies at 64 KiB, beyond what a 16-bit IP alone reaches. */
	s->cs.base = GPA_CODE;
	s->cs.selector = GPA_CODE >> 4;
	for (size_t i = 0; i < ARRAY_SIZE(data); i++)
		real_segment(data[i]);
	s->idt.base = 0;
	s->idt.limit = 0x3ff;
	s->cr0 = 0x10;
	s->cr4 = 0;
	s->efer = 0;
}

static void protected_mode(struct kvm_sregs *s, enum mode mode)
{
	s->cs = flat(mode, true);
	s->ds = flat(mode, false);
	s->es = s->ds;
	s->fs = s->ds;
	s->gs = s->ds;
	s->ss = s->ds;
	s->tr = (struct kvm_segment) {
		.type = 0xb, .present = 1, .limit = 0x67, .selector = SEL_TSS,
	};
	s->ldt = (struct kvm_segment) { .unusable = 1, .type = 2 };
	s->gdt.base = GPA_GDT;
	s->gdt.limit = 7 * 8 - 1;
	s->idt.base = GPA_IDT;
	s->idt.limit = 0xfff;
	s->cr0 = 0x33;		/* PE, MP, ET, NE */
	s->cr4 = 0x600;		/* OSFXSR, OSXMMEXCPT */
	s->efer = 0;
	if (mode == MODE_PAE || mode == MODE_LONG) {
		s->cr0 |= 0x80000000;
		s->cr4 |= 0x20;
		s->cr3 = mode == MODE_LONG ? GPA_PML4 : GPA_PDPT;
	}
	if (mode == MODE_LONG)
		s->efer = 0x500;
}

/* Put the vCPU into @mode with flat segments; the tables go to guest memory. */
void vcpu_mode(struct vcpu *v, enum mode mode)
{
	struct kvm_sregs s = get_sregs(v);

	if (mode == MODE_REAL) {
		real_mode(&s);
	} else {
		write_gdt(v->vm, mode);
		write_page_tables(v->vm, mode);
		protected_mode(&s, mode);
	}
	set_sregs(v, &s);
}

/* Route @vector to @handler, which is below 64 KiB + GPA_CODE. */
void set_gate(struct vcpu *v, unsigned int vector, u64 handler)
{
	struct kvm_sregs s = get_sregs(v);
	u8 *mem = v->vm->mem;
	u64 gate = (handler & 0xffff) | (u64)SEL_CODE << 16 |
			0x8e0000000000ULL | (handler >> 16 & 0xffff) << 48;

	if (!(s.cr0 & 1)) {
		u16 *ivt = (u16 *)(mem + vector * 4);

		ivt[0] = handler - GPA_CODE;
		ivt[1] = GPA_CODE >> 4;
	} else if (s.efer & 0x400) {
		u64 *idt = (u64 *)(mem + GPA_IDT + vector * 16);

		idt[0] = gate;
		idt[1] = 0;
	} else {
		memcpy(mem + GPA_IDT + vector * 8, &gate, sizeof(gate));
	}
}

/* Clear the registers and begin at @rip (an offset into CS). */
void vcpu_start(struct vcpu *v, u64 rip)
{
	struct kvm_regs r = {
		.rip = rip, .rsp = GPA_STACK, .rflags = 2,
	};

	set_regs(v, &r);
}

struct vcpu *vcpu_loaded(enum mode mode, const void *code, size_t size)
{
	struct vm *vm = vm_create();
	struct vcpu *v = vcpu_create(vm, 0);

	load_at(vm, GPA_CODE, code, size);
	vcpu_mode(v, mode);
	vcpu_start(v, mode == MODE_REAL ? 0 : GPA_CODE);
	return v;
}

/*
 * Load the task register and go down to CPL 3. The guest does it: QEMU's TCG
 * stops at an exception in CPL 3 if a busy TSS was loaded in any other way.
 */
PROGRAM(to_ring3, 32,
	"	mov $0x18, %eax\n"
	"	ltr %ax\n"
	"	pushl $0x33\n"
	"	pushl $0xe000\n"
	"	pushfl\n"
	"	pushl $0x2b\n"
	"	pushl $0x19000\n"
	"	iret\n");

struct vcpu *ring3_vcpu(const void *code, size_t size)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, to_ring3);
	u64 *gdt = (u64 *)(v->vm->mem + GPA_GDT);
	u8 *tss = v->vm->mem + GPA_DATA;
	struct kvm_sregs s = get_sregs(v);

	gdt[SEL_TSS / 8] = 0x0000890000000067 | (u64)GPA_DATA << 16;
	gdt[SEL_CODE3 / 8] = 0x00cffb000000ffff;
	gdt[SEL_DATA3 / 8] = 0x00cff3000000ffff;
	*(u32 *)(tss + 4) = GPA_STACK;
	*(u32 *)(tss + 8) = SEL_DATA;
	/* The map of the ports begins behind the segment's end. */
	*(u16 *)(tss + 0x66) = 0x68;
	load_at(v->vm, GPA_RING3, code, size);
	s.ds.selector = SEL_DATA3 | 3;
	s.ds.dpl = 3;
	set_sregs(v, &s);
	return v;
}

int run(struct vcpu *v)
{
	if (ioctl(v->fd, KVM_RUN, 0UL) < 0)
		return -errno;
	return v->run->exit_reason;
}

void check_settle(const char *file, int line, struct vcpu *v)
{
	int got;

	v->run->immediate_exit = 1;
	got = run(v);
	v->run->immediate_exit = 0;
	if (got != -EINTR)
		fail(file, line, "KVM_RUN: %s, not EINTR", exit_name(got));
}

const char *exit_name(int reason)
{
	static const char * const names[] = {
		[KVM_EXIT_UNKNOWN] = "UNKNOWN",
		[KVM_EXIT_EXCEPTION] = "EXCEPTION",
		[KVM_EXIT_IO] = "IO",
		[KVM_EXIT_HYPERCALL] = "HYPERCALL",
		[KVM_EXIT_DEBUG] = "DEBUG",
		[KVM_EXIT_HLT] = "HLT",
		[KVM_EXIT_MMIO] = "MMIO",
		[KVM_EXIT_IRQ_WINDOW_OPEN] = "IRQ_WINDOW_OPEN",
		[KVM_EXIT_SHUTDOWN] = "SHUTDOWN",
		[KVM_EXIT_FAIL_ENTRY] = "FAIL_ENTRY",
		[KVM_EXIT_SET_TPR] = "SET_TPR",
		[KVM_EXIT_INTR] = "INTR",
		[KVM_EXIT_NMI] = "NMI",
		[KVM_EXIT_INTERNAL_ERROR] = "INTERNAL_ERROR",
		[KVM_EXIT_SYSTEM_EVENT] = "SYSTEM_EVENT",
		[KVM_EXIT_X86_RDMSR] = "X86_RDMSR",
		[KVM_EXIT_X86_WRMSR] = "X86_WRMSR",
		[KVM_EXIT_MEMORY_FAULT] = "MEMORY_FAULT",
	};

	if (reason < 0)
		return strerror(-reason);
	if ((size_t)reason < ARRAY_SIZE(names) && names[reason])
		return names[reason];
	return "?";
}

void describe_exit(struct vcpu *v, int reason)
{
	struct kvm_regs r = get_regs(v);
	struct kvm_run *k = v->run;

	note("exit %d (%s), rip %#llx rsp %#llx rax %#llx", reason,
	     exit_name(reason), r.rip, r.rsp, r.rax);
	if (reason == KVM_EXIT_IO)
		note("port %#x size %u count %u %s", k->io.port, k->io.size,
		     k->io.count, k->io.direction ? "out" : "in");
	if (reason == KVM_EXIT_MMIO)
		note("mmio %#llx len %u %s", k->mmio.phys_addr, k->mmio.len,
		     k->mmio.is_write ? "write" : "read");
	if (reason == KVM_EXIT_INTERNAL_ERROR) {
		note("suberror %u ndata %u", k->internal.suberror, k->internal.ndata);
		for (u32 i = 0; i < k->internal.ndata && i < 16; i++)
			note("data[%u] %#llx", i, k->internal.data[i]);
	}
	if (reason == KVM_EXIT_FAIL_ENTRY)
		note("hardware reason %#llx",
		     k->fail_entry.hardware_entry_failure_reason);
}

void expect_exit(const char *file, int line, struct vcpu *v, int reason)
{
	int got = run(v);

	if (got == reason)
		return;
	describe_exit(v, got);
	fail(file, line, "exit %s, not %s", exit_name(got), exit_name(reason));
}

void *pio_data(struct vcpu *v)
{
	return (u8 *)v->run + v->run->io.data_offset;
}

void expect_out(const char *file, int line, struct vcpu *v, unsigned int port,
		unsigned int size, u32 value)
{
	struct kvm_run *k = v->run;
	u32 got = 0;

	expect_exit(file, line, v, KVM_EXIT_IO);
	if (k->io.direction != KVM_EXIT_IO_OUT || k->io.port != port ||
	    k->io.size != size || k->io.count != 1) {
		describe_exit(v, KVM_EXIT_IO);
		fail(file, line, "not an OUT of %u bytes to %#x", size, port);
	}
	memcpy(&got, pio_data(v), size);
	if (got != value)
		fail(file, line, "port %#x got %#x, not %#x", port, got, value);
}

static void expect_mmio(const char *file, int line, struct vcpu *v,
			u64 addr, unsigned int len, bool write)
{
	struct kvm_run *k = v->run;

	expect_exit(file, line, v, KVM_EXIT_MMIO);
	if (k->mmio.phys_addr != addr || k->mmio.len != len ||
	    k->mmio.is_write != write) {
		describe_exit(v, KVM_EXIT_MMIO);
		fail(file, line, "not a %s of %u bytes at %#lx",
		     write ? "write" : "read", len, (unsigned long)addr);
	}
}

/* Expect a read of device memory and answer it with @data. */
void expect_mmio_read(const char *file, int line, struct vcpu *v,
		      u64 addr, unsigned int len, u64 data)
{
	expect_mmio(file, line, v, addr, len, false);
	memset(v->run->mmio.data, 0xee, sizeof(v->run->mmio.data));
	memcpy(v->run->mmio.data, &data, len);
}

void expect_mmio_write(const char *file, int line, struct vcpu *v,
		       u64 addr, unsigned int len, u64 data)
{
	u64 got = 0;

	expect_mmio(file, line, v, addr, len, true);
	memcpy(&got, v->run->mmio.data, len);
	if (got != data)
		fail(file, line, "wrote %#lx, not %#lx", (unsigned long)got,
		     (unsigned long)data);
}

static void on_signal(int sig)
{
	(void)sig;
}

void catch_signal(int sig)
{
	struct sigaction sa = { .sa_handler = on_signal };

	CHECK_OK(sigaction(sig, &sa, NULL));
}

static timer_t ticker;

void start_ticks(int sig, unsigned int us)
{
	struct sigevent ev = {
		.sigev_notify = SIGEV_THREAD_ID,
		.sigev_signo = sig,
	};
	struct itimerspec ts = {
		.it_value.tv_nsec = us * 1000L,
		.it_interval.tv_nsec = us * 1000L,
	};

	ev._sigev_un._tid = syscall(SYS_gettid);
	catch_signal(sig);
	CHECK_OK(timer_create(CLOCK_MONOTONIC, &ev, &ticker));
	CHECK_OK(timer_settime(ticker, 0, &ts, NULL));
}

void stop_ticks(void)
{
	timer_delete(ticker);
}

int in_child(void (*fn)(void *), void *arg)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = CHECK_OK(fork());
	if (!pid) {
		fn(arg);
		fflush(stdout);
		_exit(0);
	}
	CHECK_OK(waitpid(pid, &status, 0));
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

u64 vcpu_stat(struct vcpu *v, const char *name)
{
	int fd = CHECK_OK(ioctl(v->fd, KVM_GET_STATS_FD, 0UL));
	struct kvm_stats_header h;
	struct {
		struct kvm_stats_desc d;
		char name[256];
	} d;
	u64 value = 0;
	unsigned int i;

	CHECK_EQ(CHECK_OK(pread(fd, &h, sizeof(h), 0)), sizeof(h));
	for (i = 0; i < h.num_desc; i++) {
		size_t size = sizeof(d.d) + h.name_size;

		CHECK(size <= sizeof(d));
		CHECK_EQ(CHECK_OK(pread(fd, &d, size, h.desc_offset + i * size)), size);
		if (!strcmp(d.d.name, name))
			break;
	}
	CHECK(i < h.num_desc);
	CHECK_EQ(CHECK_OK(pread(fd, &value, 8, h.data_offset + d.d.offset)), 8);
	close(fd);
	return value;
}
