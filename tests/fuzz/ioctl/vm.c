// SPDX-License-Identifier: GPL-2.0-only
/* Making and closing VMs and vCPUs, the system's and a VM's ioctls, guest memory. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "fuzz.h"

int some_vm(struct drawer *d)
{
	int fd = d->w->vm[once_in(d, 4)];

	return fd >= 0 ? fd : d->w->vm[0];
}

int some_vcpu(struct drawer *d)
{
	int at = below(d, NR_VCPUS), i;

	for (i = 0; i < NR_VCPUS; i++, at = (at + 1) % NR_VCPUS) {
		if (d->w->vcpu[at] >= 0)
			return at;
	}
	return -1;
}

int some_event(struct drawer *d)
{
	return d->w->event[below(d, NR_EVENTS)];
}

/* Put @fd there and close what was there. */
static void replace(atomic_int *slot, int fd)
{
	int old = atomic_exchange(slot, fd);

	if (old >= 0)
		close(old);
}

/* One that a guest can be run on, most of the time: with memory at 0. */
static void set_memory(struct drawer *d, int vm)
{
	struct kvm_userspace_memory_region r = {
		.memory_size = GUEST_SIZE / 2,
		.userspace_addr = (uintptr_t)d->w->guest,
		.flags = once_in(d, 4) ? KVM_MEM_LOG_DIRTY_PAGES : 0,
	};

	call(d, vm, KVM_SET_USER_MEMORY_REGION, &r, sizeof(r));
}

static void set_irqchip(struct drawer *d, int vm)
{
	struct kvm_enable_cap split = { .cap = KVM_CAP_SPLIT_IRQCHIP, .args[0] = 24 };
	struct kvm_pit_config pit = { .flags = below(d, 2) };

	switch (below(d, 4)) {
	case 0:
		break;
	case 1:
		call(d, vm, KVM_ENABLE_CAP, &split, sizeof(split));
		break;
	default:
		call_value(d, vm, KVM_CREATE_IRQCHIP, 0);
		if (once_in(d, 2))
			call(d, vm, KVM_CREATE_PIT2, &pit, sizeof(pit));
		break;
	}
}

static void make_vm(struct drawer *d, int at)
{
	int vm = call_value(d, d->w->kvm, KVM_CREATE_VM, once_in(d, 50) ? draw(d) : 0);

	if (vm < 0)
		return;
	if (!once_in(d, 10))
		set_memory(d, vm);
	if (!once_in(d, 10))
		set_irqchip(d, vm);
	replace(&d->w->vm[at], vm);
}

void make_vcpu(struct drawer *d)
{
	static const u32 ids[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 255, 256, 1023, 4095 };
	int vm = some_vm(d), at = below(d, NR_VCPUS), fd;
	struct kvm_run *run;

	fd = call_value(d, vm, KVM_CREATE_VCPU, once_in(d, 30) ? odd_number(d) :
			once_in(d, 4) ? ids[below(d, ARRAY_SIZE(ids))] : (u64)at);
	if (fd < 0)
		return;
	run = mmap(NULL, RUN_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (run == MAP_FAILED) {
		close(fd);
		return;
	}
	if (!once_in(d, 6))
		call(d, fd, KVM_SET_CPUID2, d->w->cpuid,
		     sizeof(*d->w->cpuid) + d->w->cpuid->nent * sizeof(d->w->cpuid->entries[0]));
	/* The old mapping stays until the process ends: threads may look at it. */
	d->w->run[at] = run;
	replace(&d->w->vcpu[at], fd);
	if (!once_in(d, 8))
		load_guest(d, at);
}

void world_create(struct drawer *d)
{
	u32 i, nr = 1 + below(d, NR_VCPUS / 2);

	make_vm(d, 0);
	for (i = 0; i < nr; i++)
		make_vcpu(d);
}

static void memory_region(struct drawer *d)
{
	u64 pages = GUEST_SIZE / PAGE;
	u64 at = below(d, pages), nr = below(d, pages - at + 1);
	struct kvm_userspace_memory_region2 r = {
		.slot = below(d, 6),
		.flags = below(d, 4) & (once_in(d, 3) ? 3 : 1),
		.guest_phys_addr = below(d, pages) * PAGE,
		.memory_size = once_in(d, 4) ? 0 : nr * PAGE,
		.userspace_addr = (uintptr_t)d->w->guest + at * PAGE,
	};

	/* Where a guest is run, memory is there again soon. */
	if (once_in(d, 3)) {
		set_memory(d, some_vm(d));
		return;
	}
	if (once_in(d, 8))
		r.guest_phys_addr = odd_number(d) & -PAGE;
	if (once_in(d, 8)) {
		disturb(d, &r, 32);
		/* Guests may not write all over the process: elsewhere nothing is mapped. */
		at = r.userspace_addr - (uintptr_t)d->w->guest;
		if (at >= GUEST_SIZE || r.memory_size > GUEST_SIZE - at)
			r.userspace_addr = 1ULL << 46 | (odd_number(d) & 0xffffff000);
	}
	if (once_in(d, 3))
		call(d, some_vm(d), KVM_SET_USER_MEMORY_REGION2, &r, sizeof(r));
	else
		call(d, some_vm(d), KVM_SET_USER_MEMORY_REGION, &r,
		     sizeof(struct kvm_userspace_memory_region));
}

/* What the notifier sees */
static void host_memory(struct drawer *d)
{
	u64 pages = GUEST_SIZE / PAGE;
	u64 at = below(d, pages), nr = 1 + below(d, once_in(d, 2) ? 4 : pages - at);
	u8 *p = d->w->guest + at * PAGE;

	if (at + nr > pages)
		nr = pages - at;
	switch (below(d, 6)) {
	case 0:
		mprotect(p, nr * PAGE, PROT_READ);
		break;
	case 1:
		mprotect(p, nr * PAGE, PROT_READ | PROT_WRITE);
		break;
	case 2:
		mmap(p, nr * PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
		break;
	case 3:
		if (once_in(d, 8))
			munmap(p, nr * PAGE);
		break;
	default:
		madvise(p, nr * PAGE, MADV_DONTNEED);
		break;
	}
	/* So that guests find memory the next time */
	mprotect(d->w->guest, GUEST_SIZE, PROT_READ | PROT_WRITE);
}

static void dirty_log(struct drawer *d)
{
	struct kvm_dirty_log get = {
		.slot = below(d, 6),
		.dirty_bitmap = d->buf + BUF_SIZE / 2,
	};
	struct kvm_clear_dirty_log clear = {
		.slot = below(d, 6),
		.first_page = below(d, GUEST_SIZE / PAGE / 64) * 64,
		.num_pages = below(d, GUEST_SIZE / PAGE / 64) * 64,
		.dirty_bitmap = d->buf + BUF_SIZE / 2,
	};

	if (once_in(d, 2)) {
		if (once_in(d, 10))
			get.slot = odd_number(d);
		call(d, some_vm(d), KVM_GET_DIRTY_LOG, &get, sizeof(get));
		return;
	}
	draw_bytes(d, d->buf + BUF_SIZE / 2, 256);
	if (once_in(d, 10))
		disturb(d, &clear, sizeof(clear));
	call(d, some_vm(d), KVM_CLEAR_DIRTY_LOG, &clear, sizeof(clear));
}

static void enable_cap(struct drawer *d)
{
	static const u32 caps[] = {
		KVM_CAP_EXCEPTION_PAYLOAD, KVM_CAP_X86_TRIPLE_FAULT_EVENT,
		KVM_CAP_EXIT_ON_EMULATION_FAILURE, KVM_CAP_SPLIT_IRQCHIP,
		KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, KVM_CAP_X86_USER_SPACE_MSR,
		KVM_CAP_MSR_PLATFORM_INFO, KVM_CAP_X2APIC_API, KVM_CAP_X86_APIC_BUS_CYCLES_NS,
		KVM_CAP_X86_DISABLE_EXITS, KVM_CAP_MAX_VCPU_ID,
	};
	struct kvm_enable_cap cap = {
		.cap = caps[below(d, ARRAY_SIZE(caps))],
		.args[0] = once_in(d, 2) ? below(d, 8) : odd_number(d),
	};

	/* A guest that holds its CPU in HLT is left by a signal, as any is. */
	if (once_in(d, 20))
		disturb(d, &cap, sizeof(cap));
	call(d, some_vm(d), KVM_ENABLE_CAP, &cap, sizeof(cap));
}

static void msr_filter(struct drawer *d)
{
	struct kvm_msr_filter filter = { .flags = below(d, 2) };
	u8 *bitmap = d->buf + BUF_SIZE / 2;
	u32 i, nr = below(d, KVM_MSR_FILTER_MAX_RANGES + 1);

	draw_bytes(d, bitmap, 0x600);
	for (i = 0; i < nr; i++) {
		filter.ranges[i].flags = 1 + below(d, 3);
		filter.ranges[i].base = d->w->msrs->indices[below(d, d->w->msrs->nmsrs)];
		filter.ranges[i].nmsrs = below(d, once_in(d, 10) ? 0x3010 : 0x100);
		filter.ranges[i].bitmap = bitmap;
	}
	if (once_in(d, 6))
		disturb(d, &filter, sizeof(filter));
	call(d, some_vm(d), KVM_X86_SET_MSR_FILTER, &filter, sizeof(filter));
}

static void clock(struct drawer *d)
{
	struct kvm_clock_data data = {};

	call(d, some_vm(d), KVM_GET_CLOCK, &data, sizeof(data));
	memcpy(&data, d->buf, sizeof(data));
	disturb(d, &data, sizeof(data));
	if (!once_in(d, 4))
		data.flags &= KVM_CLOCK_REALTIME;
	call(d, some_vm(d), KVM_SET_CLOCK, &data, sizeof(data));
}

static void read_stats(struct drawer *d)
{
	int at = some_vcpu(d), fd, from = once_in(d, 2) && at >= 0 ? d->w->vcpu[at] : some_vm(d);

	fd = call_value(d, from, KVM_GET_STATS_FD, 0);
	if (fd < 0)
		return;
	if (read(fd, d->buf, below(d, BUF_SIZE)) > 0)
		pread(fd, d->buf, below(d, BUF_SIZE), odd_number(d));
	close(fd);
}

static void system_call(struct drawer *d)
{
	static const unsigned long cmds[] = {
		KVM_GET_API_VERSION, KVM_CHECK_EXTENSION, KVM_GET_VCPU_MMAP_SIZE,
		KVM_GET_SUPPORTED_CPUID, KVM_GET_EMULATED_CPUID, KVM_GET_MSR_INDEX_LIST,
		KVM_GET_MSR_FEATURE_INDEX_LIST, KVM_GET_MSRS, KVM_X86_GET_MCE_CAP_SUPPORTED,
	};
	unsigned long cmd = cmds[below(d, ARRAY_SIZE(cmds))];
	u32 nr = once_in(d, 4) ? odd_number(d) : below(d, 200);

	if (cmd == KVM_CHECK_EXTENSION || cmd == KVM_GET_API_VERSION) {
		call_value(d, once_in(d, 2) ? d->w->kvm : some_vm(d), cmd, odd_number(d));
		return;
	}
	memcpy(d->buf, &nr, sizeof(nr));
	call(d, d->w->kvm, cmd, d->buf, 4096);
}

/* Any number and size, with what is in the buffer by chance. */
static void any_ioctl(struct drawer *d)
{
	int at = some_vcpu(d);
	int fds[] = { d->w->kvm, some_vm(d), at >= 0 ? d->w->vcpu[at] : -1, some_event(d) };
	unsigned long cmd = (unsigned long)KVMIO << 8 | below(d, 256) | below(d, 4) << 30 |
			    (once_in(d, 2) ? below(d, 512) : below(d, 1 << 14)) << 16;

	/* That one sleeps as long as it likes. */
	if ((cmd & 0xffff) == (KVM_RUN & 0xffff))
		return;
	draw_bytes(d, d->buf, 512);
	call(d, fds[below(d, ARRAY_SIZE(fds))], cmd, d->buf, 512);
}

/* The VM is another process's: nothing may be done with it. */
static void from_child(struct drawer *d)
{
	int vm = some_vm(d), at = some_vcpu(d), status;
	pid_t pid = fork();

	if (!pid) {
		alarm(2);
		memory_region(d);
		close(call_value(d, vm, KVM_CREATE_VCPU, 77));
		if (at >= 0)
			ioctl(d->w->vcpu[at], KVM_RUN, 0);
		_exit(0);
	}
	if (pid > 0)
		waitpid(pid, &status, 0);
}

static void closing(struct drawer *d)
{
	switch (below(d, 8)) {
	case 0:
		replace(&d->w->vm[1], -1);
		break;
	case 1:
		if (once_in(d, 4))
			replace(&d->w->vm[0], -1);
		break;
	case 2:
		replace(&d->w->event[below(d, NR_EVENTS)], eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
		break;
	default:
		replace(&d->w->vcpu[below(d, NR_VCPUS)], -1);
		break;
	}
}

static void values(struct drawer *d)
{
	static const unsigned long cmds[] = {
		KVM_SET_TSS_ADDR, KVM_SET_BOOT_CPU_ID, KVM_SET_NR_MMU_PAGES, KVM_SET_TSC_KHZ,
		KVM_GET_TSC_KHZ, KVM_CHECK_EXTENSION,
	};

	if (once_in(d, 4)) {
		u64 addr = odd_number(d);

		call(d, some_vm(d), KVM_SET_IDENTITY_MAP_ADDR, &addr, sizeof(addr));
		return;
	}
	call_value(d, some_vm(d), cmds[below(d, ARRAY_SIZE(cmds))], odd_number(d));
}

void vm_step(struct drawer *d)
{
	switch (below(d, 32)) {
	case 0:
		make_vm(d, !once_in(d, 3));
		break;
	case 1 ... 4:
		make_vcpu(d);
		break;
	case 5 ... 10:
		memory_region(d);
		break;
	case 11 ... 13:
		host_memory(d);
		break;
	case 14 ... 16:
		dirty_log(d);
		break;
	case 17 ... 18:
		enable_cap(d);
		break;
	case 19:
		msr_filter(d);
		break;
	case 20:
		clock(d);
		break;
	case 21:
		read_stats(d);
		break;
	case 22:
		system_call(d);
		break;
	case 23 ... 25:
		any_ioctl(d);
		break;
	case 26:
		if (once_in(d, 20))
			from_child(d);
		break;
	case 27 ... 28:
		closing(d);
		break;
	default:
		values(d);
		break;
	}
}
