/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ioctl-fuzz: what its files share. A case is a process of its own with VMs,
 * vCPUs and threads that call what they draw. Every draw comes from a stream that
 * the seed, the case and the thread determine.
 */
#ifndef FUZZ_IOCTL_H
#define FUZZ_IOCTL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/kvm.h>

#include "../../abi/newer.h"

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define PAGE		4096UL
#define NR_VMS		2
#define NR_VCPUS	8		/* of all VMs */
#define NR_EVENTS	6
#define NR_THREADS	4
#define GUEST_SIZE	(4UL << 20)	/* of memory that slots can show */
#define RUN_PAGES	3

/* What the threads of a case share. A slot of a table holds -1 or a descriptor. */
struct world {
	int kvm;
	atomic_int vm[NR_VMS];
	atomic_int vcpu[NR_VCPUS];
	atomic_int event[NR_EVENTS];
	struct kvm_run *run[NR_VCPUS];
	u8 *guest;			/* GUEST_SIZE */
	struct kvm_cpuid2 *cpuid;
	struct kvm_msr_list *msrs;
	bool one_runs;			/* at a time */
};

/* One of the threads. */
struct drawer {
	struct world *w;
	u64 state[2];
	u32 ops;			/* to do */
	u32 id;
	u8 *buf;			/* BUF_SIZE, for arguments; what follows is not mapped */
};

#define BUF_SIZE	(16 * PAGE)

extern bool verbose;

u64 draw(struct drawer *d);
u64 below(struct drawer *d, u64 end);
/* true once in @n */
bool once_in(struct drawer *d, u32 n);
/* A number that is likely to be a limit of something */
u64 odd_number(struct drawer *d);
void draw_bytes(struct drawer *d, void *to, size_t size);
/* Change a few bits, bytes or numbers in it */
void disturb(struct drawer *d, void *what, size_t size);

/* The ioctl with a copy of @arg of @size in the thread's buffer, and now and then half of it. */
int call(struct drawer *d, int fd, unsigned long cmd, const void *arg, size_t size);
int call_value(struct drawer *d, int fd, unsigned long cmd, unsigned long value);

int some_vm(struct drawer *d);
int some_vcpu(struct drawer *d);
int some_event(struct drawer *d);

/* Call one thing */
void step(struct drawer *d);

void world_create(struct drawer *d);
void make_vcpu(struct drawer *d);
void vm_step(struct drawer *d);
void irq_step(struct drawer *d);
void vcpu_step(struct drawer *d);
void run_step(struct drawer *d);

/* guest.c: fill memory and registers with something that executes */
void load_guest(struct drawer *d, int vcpu);

#endif
