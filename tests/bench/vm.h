/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the benchmarks' clients do alike: a VM with the image of guest.S in it, and
 * vCPUs in 64-bit mode. No client measures any of this.
 */
#ifndef BENCH_VM_H
#define BENCH_VM_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <linux/kvm.h>

#include "bench.h"

#define RAM_SIZE	(4UL << 20)

struct vm {
	int fd;
	u8 *ram;	/* RAM_SIZE bytes at address 0, slot 0 */
	int run_size;
};

struct vcpu {
	int fd;
	struct kvm_run *run;
	pthread_t thread;
};

/* /dev/kvm, opened by open_kvm(). */
extern int kvm;

void open_kvm(void);
bool cpu_is_intel(void);
/* RET, or the end of the program if it is negative. */
int must(int ret, const char *what);
/* Memory that is all there, for page sizes as madvise() was ADVICE. */
u8 *map_aligned(size_t size, size_t align, int advice);

u64 guest_address(const u8 *label);
/* false: this module has no in-kernel interrupt controller. */
bool make_vm(struct vm *vm, bool irqchip);
void free_vm(struct vm *vm);
void set_gate(struct vm *vm, unsigned int vector, const u8 *label);
/* The first one is runnable anyway. */
void make_vcpu(struct vm *vm, struct vcpu *vcpu, unsigned long id,
	       const struct kvm_regs *regs);
void free_vcpu(struct vm *vm, struct vcpu *vcpu);

#endif /* BENCH_VM_H */
