// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMs and vCPUs for the benchmarks' clients. It neither runs nor measures them.
 */
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vm.h"

int kvm;

void open_kvm(void)
{
	kvm = must(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");
}

int must(int ret, const char *what)
{
	if (ret < 0)
		err(1, "%s", what);
	return ret;
}

u64 guest_address(const u8 *label)
{
	return BENCH_CODE + (label - guest_image);
}

u8 *map_aligned(size_t size, size_t align, int advice)
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

void set_gate(struct vm *vm, unsigned int vector, const u8 *label)
{
	u64 to = guest_address(label);
	u64 *gate = (u64 *)(vm->ram + BENCH_IDT) + vector * 2;

	/* Present 64-bit interrupt gate by selector 8. */
	gate[0] = (to & 0xffff) | 8UL << 16 | 0x8eUL << 40 |
		  (to >> 16 & 0xffff) << 48;
	gate[1] = to >> 32;
}

static void fill_ram(struct vm *vm)
{
	u64 *table = (u64 *)(vm->ram + BENCH_TABLES);
	u64 *gdt = (u64 *)(vm->ram + BENCH_GDT);
	u64 i;

	memcpy(vm->ram + BENCH_CODE, guest_image, guest_end - guest_image);
	gdt[1] = 0x00af9b000000ffff;
	gdt[2] = 0x00cf93000000ffff;
	for (i = 0; i < 256; i++)
		set_gate(vm, i, fault_any);
	set_gate(vm, BENCH_VECTOR_IPI, irq_ipi);
	set_gate(vm, BENCH_VECTOR_DEADLINE, irq_deadline);
	set_gate(vm, BENCH_VECTOR_REMOTE, irq_remote);
	/* By 2 MiB pages. */
	table[0] = (BENCH_TABLES + 0x1000) | 7;
	for (i = 0; i < BENCH_GIBS; i++)
		table[512 + i] = (BENCH_TABLES + 0x2000 + i * 0x1000) | 7;
	for (i = 0; i < BENCH_GIBS * 512; i++)
		table[1024 + i] = i << 21 | 0xe7;
}

bool make_vm(struct vm *vm, bool irqchip)
{
	struct kvm_userspace_memory_region ram = {
		.slot = 0, .memory_size = RAM_SIZE,
	};

	memset(vm, 0, sizeof(*vm));
	vm->fd = must(ioctl(kvm, KVM_CREATE_VM, 0UL), "KVM_CREATE_VM");
	ioctl(vm->fd, KVM_SET_TSS_ADDR, 0xfffbd000UL);
	if (irqchip && ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0UL)) {
		close(vm->fd);
		return false;
	}
	vm->run_size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0UL);
	vm->ram = map_aligned(RAM_SIZE, 4096, MADV_NOHUGEPAGE);
	memset(vm->ram, 0, RAM_SIZE);
	fill_ram(vm);
	ram.userspace_addr = (uintptr_t)vm->ram;
	must(ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &ram), "memory");
	return true;
}

void free_vm(struct vm *vm)
{
	munmap(vm->ram, RAM_SIZE);
	close(vm->fd);
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

void make_vcpu(struct vm *vm, struct vcpu *vcpu, unsigned long id,
	       const struct kvm_regs *regs)
{
	struct kvm_mp_state runnable = { KVM_MP_STATE_RUNNABLE };

	vcpu->fd = must(ioctl(vm->fd, KVM_CREATE_VCPU, id), "KVM_CREATE_VCPU");
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

void free_vcpu(struct vm *vm, struct vcpu *vcpu)
{
	munmap(vcpu->run, vm->run_size);
	close(vcpu->fd);
}

bool cpu_is_intel(void)
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
