// SPDX-License-Identifier: GPL-2.0-only
/* A vCPU's ioctls: state read, disturbed and written back; events; KVM_RUN. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

/* State of a fixed size that is read and written */
static const struct {
	unsigned long get, set;
	u32 size;
} states[] = {
	{ KVM_GET_REGS, KVM_SET_REGS, sizeof(struct kvm_regs) },
	{ KVM_GET_SREGS, KVM_SET_SREGS, sizeof(struct kvm_sregs) },
	{ KVM_GET_SREGS, KVM_SET_SREGS, sizeof(struct kvm_sregs) },
	{ KVM_GET_SREGS2, KVM_SET_SREGS2, sizeof(struct kvm_sregs2) },
	{ KVM_GET_FPU, KVM_SET_FPU, sizeof(struct kvm_fpu) },
	{ KVM_GET_XSAVE, KVM_SET_XSAVE, sizeof(struct kvm_xsave) },
	{ KVM_GET_XSAVE2, KVM_SET_XSAVE, sizeof(struct kvm_xsave) },
	{ KVM_GET_XCRS, KVM_SET_XCRS, sizeof(struct kvm_xcrs) },
	{ KVM_GET_DEBUGREGS, KVM_SET_DEBUGREGS, sizeof(struct kvm_debugregs) },
	{ KVM_GET_VCPU_EVENTS, KVM_SET_VCPU_EVENTS, sizeof(struct kvm_vcpu_events) },
	{ KVM_GET_VCPU_EVENTS, KVM_SET_VCPU_EVENTS, sizeof(struct kvm_vcpu_events) },
	{ KVM_GET_LAPIC, KVM_SET_LAPIC, sizeof(struct kvm_lapic_state) },
	{ KVM_GET_LAPIC, KVM_SET_LAPIC, sizeof(struct kvm_lapic_state) },
	{ KVM_GET_MP_STATE, KVM_SET_MP_STATE, sizeof(struct kvm_mp_state) },
};

static void state(struct drawer *d, int fd)
{
	u32 which = below(d, ARRAY_SIZE(states)), size = states[which].size;

	if (call(d, fd, states[which].get, d->buf, size) < 0)
		return;
	if (once_in(d, 6))
		disturb(d, d->buf, size);
	/* What matters is at the head of the large ones. */
	disturb(d, d->buf, size < 256 ? size : 256);
	if (states[which].set == KVM_SET_XSAVE && once_in(d, 2))
		disturb(d, d->buf + 512, 64);
	if (states[which].set == KVM_SET_VCPU_EVENTS && !once_in(d, 6))
		((struct kvm_vcpu_events *)d->buf)->flags &= 0x3f;
	if (states[which].set == KVM_SET_MP_STATE && !once_in(d, 4))
		*(u32 *)d->buf = below(d, 5);
	call(d, fd, states[which].set, d->buf, size);
}

static u32 some_msr(struct drawer *d)
{
	static const u32 others[] = {
		0x10, 0x1b, 0x3a, 0x3b, 0x48, 0x49, 0x8b, 0x10a, 0x122, 0x140, 0x174, 0x175, 0x176,
		0x179, 0x17a, 0x1a0, 0x1d9, 0x200, 0x250, 0x26f, 0x277, 0x2ff, 0x345, 0x400, 0x401,
		0x47f, 0x6e0, 0x800, 0x802, 0x808, 0x80b, 0x830, 0x832, 0x838, 0x83f, 0xda0,
		0xc0000080, 0xc0000081, 0xc0000084, 0xc0000100, 0xc0000102, 0xc0000103, 0xc0000104,
		0xc0010015, 0xc001001f, 0xc0010020, 0xc0010114, 0xc0010117, 0xc001011f,
		0x4b564d00, 0x4b564d01, 0x11, 0x12,
	};

	if (once_in(d, 16))
		return draw(d);
	if (once_in(d, 3))
		return others[below(d, ARRAY_SIZE(others))] + (once_in(d, 3) ? below(d, 16) : 0);
	return d->w->msrs->indices[below(d, d->w->msrs->nmsrs)];
}

static void msrs(struct drawer *d, int fd)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry[8];
	} list = {};
	u32 i, size;

	list.head.nmsrs = 1 + below(d, 8);
	size = sizeof(list.head) + list.head.nmsrs * sizeof(list.entry[0]);
	for (i = 0; i < list.head.nmsrs; i++)
		list.entry[i].index = some_msr(d);
	call(d, fd, KVM_GET_MSRS, &list, size);
	memcpy(&list, d->buf, size);
	for (i = 0; i < list.head.nmsrs; i++)
		disturb(d, &list.entry[i].data, 8);
	if (once_in(d, 20))
		list.head.nmsrs = odd_number(d);
	call(d, fd, KVM_SET_MSRS, &list, size);
}

static void cpuid(struct drawer *d, int fd)
{
	struct kvm_cpuid2 *c = (void *)d->buf;
	u32 size = sizeof(*c) + d->w->cpuid->nent * sizeof(c->entries[0]);

	memcpy(c, d->w->cpuid, size);
	switch (below(d, 4)) {
	case 0:
		disturb(d, &c->entries[below(d, c->nent)], sizeof(c->entries[0]));
		break;
	case 1:
		c->nent = below(d, c->nent);
		break;
	case 2:
		disturb(d, c, size);
		break;
	}
	call(d, fd, once_in(d, 8) ? KVM_SET_CPUID : KVM_SET_CPUID2, c, size);
	if (once_in(d, 2)) {
		c->nent = below(d, 120);
		call(d, fd, KVM_GET_CPUID2, c, 8);
	}
}

static void inject(struct drawer *d, int fd)
{
	struct kvm_interrupt irq = { .irq = once_in(d, 10) ? odd_number(d) : below(d, 256) };
	struct kvm_x86_mce mce = {
		.status = draw(d) | 1ULL << 63,
		.mcg_status = below(d, 8),
		.bank = below(d, 33),
	};
	u64 cap = below(d, 33) | (once_in(d, 2) ? 0x1000100 : odd_number(d));

	switch (below(d, 6)) {
	case 0:
		call(d, fd, KVM_X86_SETUP_MCE, &cap, sizeof(cap));
		break;
	case 1:
		call(d, fd, KVM_X86_SET_MCE, &mce, sizeof(mce));
		break;
	case 2 ... 3:
		call(d, fd, KVM_INTERRUPT, &irq, sizeof(irq));
		break;
	default:
		call_value(d, fd, KVM_NMI, 0);
		break;
	}
}

static void debug(struct drawer *d, int fd)
{
	struct kvm_guest_debug dbg = {
		.control = once_in(d, 4) ? odd_number(d) : 1 | below(d, 4) << 16 | below(d, 2) << 1,
	};
	u32 i;

	for (i = 0; i < 8; i++)
		dbg.arch.debugreg[i] = i == 7 ? draw(d) & 0xffff03ff : below(d, GUEST_SIZE);
	if (once_in(d, 10))
		disturb(d, &dbg, sizeof(dbg));
	if (once_in(d, 2))
		dbg.control = 0;
	call(d, fd, KVM_SET_GUEST_DEBUG, &dbg, sizeof(dbg));
}

static void odds(struct drawer *d, int fd)
{
	u64 tsc = odd_number(d), va = odd_number(d);
	struct kvm_device_attr attr = { .attr = below(d, 2), .addr = (uintptr_t)&tsc };
	struct kvm_translation tr = { .linear_address = odd_number(d) };
	struct {
		u32 len;
		u8 set[8];
	} mask = { 8, {} };

	switch (below(d, 8)) {
	case 0:
		if (once_in(d, 4))
			disturb(d, &attr, offsetof(struct kvm_device_attr, addr));
		if (once_in(d, 20))
			attr.addr = below(d, PAGE);
		call(d, fd, once_in(d, 2) ? KVM_SET_DEVICE_ATTR : KVM_GET_DEVICE_ATTR, &attr,
		     sizeof(attr));
		break;
	case 1:
		call(d, fd, KVM_TRANSLATE, &tr, sizeof(tr));
		break;
	case 2:
		/* The one that ends KVM_RUN stays open, or else the case's end does it. */
		if (once_in(d, 20))
			draw_bytes(d, mask.set, sizeof(mask.set));
		call(d, fd, KVM_SET_SIGNAL_MASK, &mask, sizeof(mask));
		break;
	case 3:
		call(d, fd, KVM_SET_VAPIC_ADDR, &va, sizeof(va));
		break;
	case 4:
		call_value(d, fd, KVM_SET_TSC_KHZ, odd_number(d));
		break;
	case 5:
		call_value(d, fd, KVM_KVMCLOCK_CTRL, 0);
		break;
	case 6:
		load_guest(d, some_vcpu(d));
		break;
	default:
		call_value(d, fd, KVM_GET_TSC_KHZ, 0);
		break;
	}
}

void vcpu_step(struct drawer *d)
{
	int at = some_vcpu(d), fd;

	if (at < 0) {
		make_vcpu(d);
		return;
	}
	fd = d->w->vcpu[at];
	switch (below(d, 16)) {
	case 0 ... 5:
		state(d, fd);
		break;
	case 6 ... 8:
		msrs(d, fd);
		break;
	case 9:
		cpuid(d, fd);
		break;
	case 10 ... 12:
		inject(d, fd);
		break;
	case 13:
		debug(d, fd);
		break;
	default:
		odds(d, fd);
		break;
	}
}

/* What userspace owes, or anything at all */
static void scribble(struct drawer *d, struct kvm_run *run)
{
	run->immediate_exit = once_in(d, 6);
	run->request_interrupt_window = once_in(d, 4);
	if (once_in(d, 4))
		run->cr8 = odd_number(d);
	if (once_in(d, 6))
		run->kvm_valid_regs = below(d, 8);
	if (once_in(d, 6)) {
		run->kvm_dirty_regs = below(d, 8);
		disturb(d, &run->s.regs, sizeof(run->s.regs));
	}
	switch (below(d, 12)) {
	case 0:
		disturb(d, run, PAGE);
		break;
	case 1:
		disturb(d, (u8 *)run + PAGE, (RUN_PAGES - 1) * PAGE);
		break;
	case 2:
		draw_bytes(d, &run->exit_reason, 128);
		break;
	}
	/* The ring of coalesced writes is emptied now and then. */
	if (once_in(d, 4))
		memset((u8 *)run + 2 * PAGE, 0, 8);
}

void run_step(struct drawer *d)
{
	static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
	int at = some_vcpu(d), i, nr = 1 + below(d, 4);
	struct kvm_run *run;

	if (at < 0 || !d->w->run[at])
		return;
	run = d->w->run[at];
	for (i = 0; i < nr; i++) {
		scribble(d, run);
		if (d->w->one_runs)
			pthread_mutex_lock(&one);
		call_value(d, d->w->vcpu[at], KVM_RUN, 0);
		if (d->w->one_runs)
			pthread_mutex_unlock(&one);
		if (verbose)
			printf("# %u: exit %u\n", d->id, run->exit_reason);
	}
}
