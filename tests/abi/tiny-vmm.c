// SPDX-License-Identifier: GPL-2.0-only
/*
 * Run a flat binary as a guest and print every exit: for finding out what a
 * few instructions do.  It emulates no device and is no virtual machine
 * monitor to use for anything else.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/kvm.h>

typedef uint8_t u8;
typedef uint64_t u64;

#define MEM_SIZE	(16UL << 20)
#define LOAD_AT		0x10000UL
#define PML4		0x3000UL

static int mode = 16;
static unsigned long max_exits = 1000;

static void explain(void)
{
	fprintf(stderr,
		"usage: tiny-vmm [-m 16|32|64] [-n EXITS] FILE\n"
		"Loads FILE at %#lx and runs it, with flat segments in 32 and\n"
		"64 bits; a port or device that is read answers all ones.\n",
		LOAD_AT);
	exit(2);
}

static struct kvm_segment flat(int code)
{
	return (struct kvm_segment) {
		.limit = 0xffffffff, .present = 1, .s = 1, .g = 1,
		.type = code ? 0xb : 3, .selector = code ? 8 : 16,
		.l = code && mode == 64, .db = !(code && mode == 64),
	};
}

static void set_mode(int vcpu, u8 *mem)
{
	u64 *table = (u64 *)(mem + PML4);
	struct kvm_sregs s;

	if (ioctl(vcpu, KVM_GET_SREGS, &s))
		err(1, "KVM_GET_SREGS");
	if (mode == 16) {
		s.cs.base = LOAD_AT;
		s.cs.selector = LOAD_AT >> 4;
	} else {
		s.cs = flat(1);
		s.ds = flat(0);
		s.es = s.ds;
		s.fs = s.ds;
		s.gs = s.ds;
		s.ss = s.ds;
		s.cr0 = 0x33;
		s.cr4 = 0x600;
	}
	if (mode == 64) {
		/* One table each, 4 GiB by 2 MiB pages. */
		table[0] = (PML4 + 0x1000) | 7;
		for (u64 i = 0; i < 4; i++)
			table[512 + i] = (PML4 + 0x2000 + i * 0x1000) | 7;
		for (u64 i = 0; i < 2048; i++)
			table[1024 + i] = i << 21 | 0xe7;
		s.cr3 = PML4;
		s.cr4 |= 0x20;
		s.cr0 |= 0x80000000;
		s.efer = 0x500;
	}
	if (ioctl(vcpu, KVM_SET_SREGS, &s))
		err(1, "KVM_SET_SREGS");
}

static void print_regs(int vcpu)
{
	struct kvm_regs r;

	if (ioctl(vcpu, KVM_GET_REGS, &r))
		err(1, "KVM_GET_REGS");
	printf("  rip %016llx flags %08llx rsp %016llx\n", r.rip, r.rflags,
	       r.rsp);
	printf("  rax %016llx rbx %016llx rcx %016llx rdx %016llx\n", r.rax,
	       r.rbx, r.rcx, r.rdx);
	printf("  rsi %016llx rdi %016llx rbp %016llx\n", r.rsi, r.rdi, r.rbp);
}

static void print_bytes(const u8 *p, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		printf(" %02x", p[i]);
	printf("\n");
}

/* Print one exit; false when the guest cannot go on. */
static int handle(struct kvm_run *k)
{
	u8 *data;

	switch (k->exit_reason) {
	case KVM_EXIT_IO:
		data = (u8 *)k + k->io.data_offset;
		printf("%s port %#x size %u count %u:",
		       k->io.direction ? "out" : "in", k->io.port, k->io.size,
		       k->io.count);
		if (!k->io.direction)
			memset(data, 0xff, k->io.size * k->io.count);
		print_bytes(data, k->io.size * k->io.count);
		return 1;
	case KVM_EXIT_MMIO:
		printf("mmio %s %#llx len %u:", k->mmio.is_write ? "write" :
		       "read", k->mmio.phys_addr, k->mmio.len);
		if (!k->mmio.is_write)
			memset(k->mmio.data, 0xff, sizeof(k->mmio.data));
		print_bytes(k->mmio.data, k->mmio.len);
		return 1;
	case KVM_EXIT_HLT:
		printf("hlt\n");
		return 0;
	case KVM_EXIT_SHUTDOWN:
		printf("shutdown\n");
		return 0;
	case KVM_EXIT_FAIL_ENTRY:
		printf("fail entry, hardware reason %#llx\n",
		       k->fail_entry.hardware_entry_failure_reason);
		return 0;
	case KVM_EXIT_INTERNAL_ERROR:
		printf("internal error %u:", k->internal.suberror);
		for (unsigned int i = 0; i < k->internal.ndata && i < 16; i++)
			printf(" %llx", k->internal.data[i]);
		printf("\n");
		return 0;
	default:
		printf("exit %u\n", k->exit_reason);
		return 0;
	}
}

static void load(const char *name, u8 *mem)
{
	int fd = open(name, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		err(1, "%s", name);
	n = read(fd, mem + LOAD_AT, MEM_SIZE - LOAD_AT);
	if (n <= 0)
		err(1, "%s", name);
	printf("%zd bytes at %#lx\n", n, LOAD_AT);
	close(fd);
}

static void set_cpuid(int kvm, int vcpu)
{
	struct kvm_cpuid2 *c;

	c = calloc(1, sizeof(*c) + 256 * sizeof(c->entries[0]));
	if (!c)
		err(1, "calloc");
	c->nent = 256;
	if (ioctl(kvm, KVM_GET_SUPPORTED_CPUID, c))
		err(1, "KVM_GET_SUPPORTED_CPUID");
	if (ioctl(vcpu, KVM_SET_CPUID2, c))
		err(1, "KVM_SET_CPUID2");
	free(c);
}

int main(int argc, char **argv)
{
	struct kvm_userspace_memory_region slot = { .memory_size = MEM_SIZE };
	struct kvm_regs regs = { .rflags = 2, .rsp = 0xf000, .rip = LOAD_AT };
	int kvm, vm, vcpu, size, opt;
	struct kvm_run *k;
	u8 *mem;

	while ((opt = getopt(argc, argv, "m:n:")) != -1) {
		if (opt == 'm')
			mode = atoi(optarg);
		else if (opt == 'n')
			max_exits = strtoul(optarg, NULL, 0);
		else
			explain();
	}
	if (optind + 1 != argc || (mode != 16 && mode != 32 && mode != 64))
		explain();

	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm < 0)
		err(1, "/dev/kvm");
	vm = ioctl(kvm, KVM_CREATE_VM, 0UL);
	if (vm < 0)
		err(1, "KVM_CREATE_VM");
	ioctl(vm, KVM_SET_TSS_ADDR, 0xfffbd000UL);
	mem = mmap(NULL, MEM_SIZE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED)
		err(1, "mmap");
	load(argv[optind], mem);
	slot.userspace_addr = (uintptr_t)mem;
	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot))
		err(1, "KVM_SET_USER_MEMORY_REGION");
	vcpu = ioctl(vm, KVM_CREATE_VCPU, 0UL);
	if (vcpu < 0)
		err(1, "KVM_CREATE_VCPU");
	size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0UL);
	k = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (k == MAP_FAILED)
		err(1, "mmap of the vCPU");
	set_cpuid(kvm, vcpu);
	set_mode(vcpu, mem);
	if (mode == 16)
		regs.rip = 0;
	if (ioctl(vcpu, KVM_SET_REGS, &regs))
		err(1, "KVM_SET_REGS");

	for (unsigned long n = 0; n < max_exits; n++) {
		if (ioctl(vcpu, KVM_RUN, 0UL)) {
			printf("KVM_RUN: %s\n", strerror(errno));
			print_regs(vcpu);
			return 1;
		}
		if (!handle(k)) {
			print_regs(vcpu);
			return k->exit_reason != KVM_EXIT_HLT;
		}
	}
	printf("stopped after %lu exits\n", max_exits);
	print_regs(vcpu);
	return 1;
}
