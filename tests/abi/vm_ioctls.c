// SPDX-License-Identifier: GPL-2.0-only
/*
 * ioctls on a VM other than memory slots (memslots.c), the dirty log
 * (dirty_log.c) and what needs a running guest (run_*.c, io_bus.c), and the
 * life of the file descriptors.
 */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"

TEST(vm, unknown_ioctl)
{
	struct vm *vm = vm_create();

	CHECK_ERRNO(ioctl(vm->fd, _IO(KVMIO, 0xfe), 0UL), ENOTTY);
	CHECK_ERRNO(ioctl(vm->fd, _IO(0x12, 0x00), 0UL), ENOTTY);
	CHECK_ERRNO(ioctl(vm->fd, _IOW(KVMIO, 0x46, u64), 0UL), ENOTTY);
	CHECK_ERRNO(ioctl(vm->fd, KVM_GET_API_VERSION, 0UL), ENOTTY);
	CHECK_ERRNO(ioctl(vm->fd, KVM_CREATE_VM, 0UL), ENOTTY);
	CHECK_ERRNO(ioctl(vm->fd, KVM_RUN, 0UL), ENOTTY);
	CHECK_ERRNO(ioctl(vm->fd, KVM_GET_REGS, BAD_PTR), ENOTTY);
}

TEST_STRICT(vm, unknown_vcpu_ioctl,
	    "answers an unknown vCPU ioctl with EINVAL")
{
	struct vcpu *v = vcpu_create(vm_create(), 0);

	CHECK_ERRNO(ioctl(v->fd, _IO(KVMIO, 0xfe), 0UL), ENOTTY);
	CHECK_ERRNO(ioctl(v->fd, KVM_CREATE_VM, 0UL), ENOTTY);
	CHECK_ERRNO(ioctl(v->fd, KVM_CREATE_VCPU, 7UL), ENOTTY);
}

TEST(vm, vcpu_wrong_size_ioctl)
{
	struct vcpu *v = vcpu_create(vm_create(), 0);
	u64 buf[512] = { 0 };

	CHECK_ERRNO2(ioctl(v->fd, _IOR(KVMIO, 0x81, u64), buf), ENOTTY,
		     EINVAL);
	CHECK_ERRNO2(ioctl(v->fd, _IOW(KVMIO, 0x82, u64), buf), ENOTTY,
		     EINVAL);
	CHECK_ERRNO2(ioctl(v->fd, _IOW(KVMIO, 0x84, u64), buf), ENOTTY,
		     EINVAL);
	CHECK_ERRNO2(ioctl(v->fd, _IO(0x12, 0x80), 0UL), ENOTTY, EINVAL);
	CHECK_EQ(get_regs(v).rip, 0xfff0);
}

TEST(vm, vcpu_ids)
{
	struct vm *vm = vm_create();
	long max = has_cap(KVM_CAP_MAX_VCPU_ID);
	struct vcpu *v;

	if (!max)
		max = has_cap(KVM_CAP_MAX_VCPUS);
	CHECK(max > 0);
	CHECK(has_cap(KVM_CAP_MAX_VCPUS) >= has_cap(KVM_CAP_NR_VCPUS));
	v = vcpu_bare(vm, 0);
	CHECK_ERRNO(ioctl(vm->fd, KVM_CREATE_VCPU, 0UL), EEXIST);
	CHECK_ERRNO(ioctl(vm->fd, KVM_CREATE_VCPU, max), EINVAL);
	CHECK_ERRNO(ioctl(vm->fd, KVM_CREATE_VCPU, ~0UL), EINVAL);
	if (WIDE)
		CHECK_ERRNO(ioctl(vm->fd, KVM_CREATE_VCPU, (long)(1ULL << 32)), EINVAL);
	vcpu_bare(vm, max - 1);
	CHECK_ERRNO(ioctl(vm->fd, KVM_CREATE_VCPU, max - 1), EEXIST);
	/* The failures took nothing away from the first. */
	CHECK_EQ(get_regs(v).rip, 0xfff0);
	/* A closed vCPU lives as long as its VM: the id stays in use. */
	vcpu_free(v);
	CHECK_ERRNO(ioctl(vm->fd, KVM_CREATE_VCPU, 0UL), EEXIST);
}

/* Descriptors run out: nothing half made stays behind. */
TEST(vm, create_vcpu_without_fds)
{
	struct vm *vm = vm_create();
	int fds[4096];
	int n = 0;

	do {
		fds[n] = open("/dev/null", O_RDONLY);
	} while (fds[n] >= 0 && ++n < (int)ARRAY_SIZE(fds));
	if (n == (int)ARRAY_SIZE(fds))
		skip("more than %d descriptors are allowed", n);
	CHECK_ERRNO(ioctl(vm->fd, KVM_CREATE_VCPU, 5UL), EMFILE);
	CHECK_ERRNO(ioctl(vm->fd, KVM_CREATE_VCPU, 5UL), EMFILE);
	while (n)
		close(fds[--n]);
	vcpu_bare(vm, 5);
}

TEST(vm, many_vcpus)
{
	struct vm *vm = vm_create();
	long max = has_cap(KVM_CAP_MAX_VCPUS);

	if (max > 64)
		max = 64;
	for (long id = 0; id < max; id++)
		CHECK_EQ(get_regs(vcpu_create(vm, id)).rip, 0xfff0);
}

TEST(vm, tss_and_identity_map)
{
	struct vm *vm = vm_create();
	u64 addr = 0xfffbc000;

	NEED_CAP(KVM_CAP_SET_TSS_ADDR);
	CHECK_OK(ioctl(vm->fd, KVM_SET_TSS_ADDR, 0xfeffd000UL));
	CHECK_ERRNO(ioctl(vm->fd, KVM_SET_TSS_ADDR, 0xffffe000UL), EINVAL);
	if (WIDE)
		CHECK_ERRNO(ioctl(vm->fd, KVM_SET_TSS_ADDR, (long)(1ULL << 32)), EINVAL);
	NEED_CAP(KVM_CAP_SET_IDENTITY_MAP_ADDR);
	CHECK_OK(ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &addr));
	CHECK_ERRNO(ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, BAD_PTR), EFAULT);
	vcpu_bare(vm, 0);
	CHECK_ERRNO(ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &addr), EINVAL);
}

TEST(vm, boot_cpu_id)
{
	struct vm *vm = vm_create();

	NEED_CAP(KVM_CAP_SET_BOOT_CPU_ID);
	CHECK_OK(ioctl(vm->fd, KVM_SET_BOOT_CPU_ID, 3UL));
	CHECK_ERRNO(ioctl(vm->fd, KVM_SET_BOOT_CPU_ID, 1UL << 20), EINVAL);
	vcpu_bare(vm, 3);
	CHECK_ERRNO(ioctl(vm->fd, KVM_SET_BOOT_CPU_ID, 3UL), EBUSY);
}

static int limit_ids(struct vm *vm, u64 max)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_MAX_VCPU_ID, .args = { max } };

	return ioctl(vm->fd, KVM_ENABLE_CAP, &cap);
}

TEST(vm, max_vcpu_id)
{
	struct vm *vm = vm_create();

	NEED_CAP(KVM_CAP_MAX_VCPU_ID);
	NEED_CAP(KVM_CAP_SET_BOOT_CPU_ID);
	CHECK_OK(ioctl(vm->fd, KVM_SET_BOOT_CPU_ID, 4UL));
	CHECK_ERRNO(limit_ids(vm, 3), EINVAL);
	CHECK_OK(limit_ids(vm, 4));
	CHECK_OK(limit_ids(vm, 4));
	CHECK_ERRNO(limit_ids(vm, 5), EINVAL);
	CHECK_ERRNO(ioctl(vm->fd, KVM_CREATE_VCPU, 4UL), EINVAL);
	vcpu_bare(vm, 3);
}

/* A limit of pages for shadow paging. */
TEST(vm, nr_mmu_pages)
{
	struct vm *vm = vm_create();

	CHECK_OK(ioctl(vm->fd, KVM_SET_NR_MMU_PAGES, 64UL));
	CHECK_ERRNO(ioctl(vm->fd, KVM_SET_NR_MMU_PAGES, 63UL), EINVAL);
}

TEST(vm, enable_cap)
{
	struct vm *vm = vm_create();
	struct kvm_enable_cap cap = { .cap = 0x7ffffff };

	NEED_CAP(KVM_CAP_ENABLE_CAP_VM);
	CHECK_ERRNO(ioctl(vm->fd, KVM_ENABLE_CAP, &cap), EINVAL);
	/* A capability that is only information cannot be enabled. */
	cap.cap = KVM_CAP_USER_MEMORY;
	CHECK_ERRNO(ioctl(vm->fd, KVM_ENABLE_CAP, &cap), EINVAL);
	CHECK_ERRNO(ioctl(vm->fd, KVM_ENABLE_CAP, BAD_PTR), EFAULT);
	if (!has_cap(KVM_CAP_DISABLE_QUIRKS))
		return;
	cap.cap = KVM_CAP_DISABLE_QUIRKS;
	cap.flags = 0x80;
	CHECK_ERRNO(ioctl(vm->fd, KVM_ENABLE_CAP, &cap), EINVAL);
	cap.flags = 0;
	CHECK_OK(ioctl(vm->fd, KVM_ENABLE_CAP, &cap));
}

TEST(vm, enable_cap_vcpu)
{
	struct vcpu *v = vcpu_create(vm_create(), 0);
	struct kvm_enable_cap cap = { .cap = 0x7ffffff };

	NEED_CAP(KVM_CAP_ENABLE_CAP);
	CHECK_ERRNO(ioctl(v->fd, KVM_ENABLE_CAP, &cap), EINVAL);
	CHECK_ERRNO(ioctl(v->fd, KVM_ENABLE_CAP, BAD_PTR), EFAULT);
}

TEST(vm, create_device_unknown)
{
	struct vm *vm = vm_create();
	struct kvm_create_device d = { .type = 0x7777 };

	if (!has_cap(KVM_CAP_DEVICE_CTRL)) {
		CHECK_ERRNO2(ioctl(vm->fd, KVM_CREATE_DEVICE, &d), ENOTTY,
			     ENODEV);
		return;
	}
	CHECK_ERRNO(ioctl(vm->fd, KVM_CREATE_DEVICE, &d), ENODEV);
	CHECK_ERRNO(ioctl(vm->fd, KVM_CREATE_DEVICE, BAD_PTR), EFAULT);
	d.flags = KVM_CREATE_DEVICE_TEST;
	CHECK_ERRNO(ioctl(vm->fd, KVM_CREATE_DEVICE, &d), ENODEV);
}

TEST(vm, clock)
{
	struct vm *vm = vm_create();
	struct kvm_clock_data c = { 0 }, again = { 0 };

	NEED_CAP(KVM_CAP_ADJUST_CLOCK);
	CHECK_OK(ioctl(vm->fd, KVM_GET_CLOCK, &c));
	CHECK_EQ(c.flags & ~(has_cap(KVM_CAP_ADJUST_CLOCK) | 2), 0);
	c.clock = 5000000000000ULL;
	c.flags = 0;
	CHECK_OK(ioctl(vm->fd, KVM_SET_CLOCK, &c));
	CHECK_OK(ioctl(vm->fd, KVM_GET_CLOCK, &again));
	CHECK(again.clock >= c.clock);
	CHECK(again.clock < c.clock + 1000000000000ULL);
	c.flags = 0x80;
	CHECK_ERRNO(ioctl(vm->fd, KVM_SET_CLOCK, &c), EINVAL);
	CHECK_ERRNO(ioctl(vm->fd, KVM_SET_CLOCK, BAD_PTR), EFAULT);
	CHECK_ERRNO(ioctl(vm->fd, KVM_GET_CLOCK, BAD_PTR), EFAULT);
}

TEST(vm, bad_pointers)
{
	struct vm *vm = vm_create();
	static const unsigned long calls[] = {
		KVM_SET_USER_MEMORY_REGION, KVM_GET_DIRTY_LOG, KVM_IOEVENTFD,
		KVM_REGISTER_COALESCED_MMIO, KVM_UNREGISTER_COALESCED_MMIO,
	};

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		CHECK_ERRNO(ioctl(vm->fd, calls[i], BAD_PTR), EFAULT);
		CHECK_ERRNO(ioctl(vm->fd, calls[i], NULL), EFAULT);
		if (!WIDE)
			continue;
		/* Just below the end of user addresses, and kernel addresses. */
		CHECK_ERRNO(ioctl(vm->fd, calls[i], 0x7fffffffeff8L), EFAULT);
		CHECK_ERRNO(ioctl(vm->fd, calls[i], 0xffff888000000000UL), EFAULT);
	}
}

TEST(vm, bad_pointers_vcpu)
{
	struct vcpu *v = vcpu_create(vm_create(), 0);
	static const unsigned long calls[] = {
		KVM_GET_REGS, KVM_SET_REGS, KVM_GET_SREGS, KVM_SET_SREGS,
		KVM_GET_FPU, KVM_SET_FPU, KVM_GET_MSRS, KVM_SET_MSRS,
		KVM_SET_CPUID2, KVM_GET_CPUID2, KVM_INTERRUPT, KVM_TRANSLATE,
		KVM_SET_GUEST_DEBUG, KVM_SET_SIGNAL_MASK, KVM_GET_MP_STATE,
		KVM_SET_MP_STATE, KVM_GET_VCPU_EVENTS, KVM_SET_VCPU_EVENTS,
		KVM_GET_DEBUGREGS, KVM_SET_DEBUGREGS, KVM_GET_XSAVE,
		KVM_SET_XSAVE, KVM_GET_XCRS, KVM_SET_XCRS,
	};

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		long r = ioctl(v->fd, calls[i], BAD_PTR);

		if (r != -1 || errno != EFAULT)
			FAIL("ioctl %#lx (nr %#lx): %ld, %s", calls[i],
			     calls[i] & 0xff, r, strerror(errno));
		if (WIDE)
			CHECK_ERRNO(ioctl(v->fd, calls[i], 0xffff888000000000UL), EFAULT);
	}
}

/* What goes through a pointer, by the descriptor that takes it. */
static const struct {
	enum { FD_VM, FD_VCPU } fd;
	unsigned long cmd;
} pointers[] = {
	{ FD_VM, KVM_GET_IRQCHIP }, { FD_VM, KVM_SET_IRQCHIP },
	{ FD_VM, KVM_IRQ_LINE }, { FD_VM, KVM_IRQ_LINE_STATUS },
	{ FD_VM, KVM_SIGNAL_MSI }, { FD_VM, KVM_IRQFD }, { FD_VM, KVM_SET_GSI_ROUTING },
	{ FD_VM, KVM_GET_PIT2 }, { FD_VM, KVM_SET_PIT2 }, { FD_VM, KVM_REINJECT_CONTROL },
	{ FD_VM, KVM_GET_CLOCK }, { FD_VM, KVM_SET_CLOCK }, { FD_VM, KVM_ENABLE_CAP },
	{ FD_VM, KVM_X86_SET_MSR_FILTER }, { FD_VM, KVM_CLEAR_DIRTY_LOG },
	{ FD_VCPU, KVM_GET_REGS }, { FD_VCPU, KVM_SET_REGS },
	{ FD_VCPU, KVM_GET_SREGS }, { FD_VCPU, KVM_SET_SREGS },
	{ FD_VCPU, KVM_GET_SREGS2 }, { FD_VCPU, KVM_SET_SREGS2 },
	{ FD_VCPU, KVM_GET_FPU }, { FD_VCPU, KVM_SET_FPU },
	{ FD_VCPU, KVM_GET_LAPIC }, { FD_VCPU, KVM_SET_LAPIC },
	{ FD_VCPU, KVM_GET_MP_STATE }, { FD_VCPU, KVM_SET_MP_STATE },
	{ FD_VCPU, KVM_GET_VCPU_EVENTS }, { FD_VCPU, KVM_SET_VCPU_EVENTS },
	{ FD_VCPU, KVM_GET_DEBUGREGS }, { FD_VCPU, KVM_SET_DEBUGREGS },
	{ FD_VCPU, KVM_GET_XSAVE }, { FD_VCPU, KVM_GET_XSAVE2 }, { FD_VCPU, KVM_SET_XSAVE },
	{ FD_VCPU, KVM_GET_XCRS }, { FD_VCPU, KVM_SET_XCRS },
	{ FD_VCPU, KVM_SET_GUEST_DEBUG }, { FD_VCPU, KVM_TRANSLATE },
	{ FD_VCPU, KVM_X86_SETUP_MCE }, { FD_VCPU, KVM_X86_SET_MCE },
	{ FD_VCPU, KVM_GET_DEVICE_ATTR }, { FD_VCPU, KVM_SET_DEVICE_ATTR },
	{ FD_VCPU, KVM_ENABLE_CAP },
};

/* Memory that is not there, ends too early or cannot be written. */
TEST(vm, bad_memory)
{
	struct vm *vm = vm_with_irqchip();
	struct kvm_pit_config pit = { 0 };
	u8 *mem = map_anon(4 * PAGE);
	unsigned int bad = 0;
	struct vcpu *v;

	CHECK_OK(ioctl(vm->fd, KVM_CREATE_PIT2, &pit));
	v = vcpu_create(vm, 0);
	CHECK_OK(munmap(mem + 2 * PAGE, 2 * PAGE));
	for (size_t i = 0; i < ARRAY_SIZE(pointers); i++) {
		unsigned long cmd = pointers[i].cmd;
		size_t size = _IOC_SIZE(cmd);
		int fd = pointers[i].fd == FD_VM ? vm->fd : v->fd;
		/* By its number KVM_SET_IRQCHIP reads. */
		bool get = _IOC_DIR(cmd) & _IOC_READ && cmd != KVM_SET_IRQCHIP;
		void *where[] = { BAD_PTR, mem + 2 * PAGE - size + 1, mem };
		size_t n = 2;

		/* The same with all of it there, but not to be written. */
		CHECK_OK(mprotect(mem, 2 * PAGE, PROT_READ | PROT_WRITE));
		memset(mem, 0, 2 * PAGE);
		if (get && !ioctl(fd, cmd, mem)) {
			CHECK_OK(mprotect(mem, 2 * PAGE, PROT_READ));
			n = 3;
		}
		for (size_t k = 0; k < n; k++) {
			long r = ioctl(fd, cmd, where[k]);

			if (r == -1 && errno == EFAULT)
				continue;
			note("ioctl nr %#x with bad memory %zu: %ld, %s",
			     (unsigned int)_IOC_NR(cmd), k, r, r ? strerror(errno) : "");
			bad++;
		}
	}
	CHECK_EQ(bad, 0);
	CHECK_EQ(get_regs(v).rip, 0xfff0);
}

TEST(vm, tsc_khz)
{
	struct vm *vm = vm_create();
	struct vcpu *v = vcpu_create(vm, 0);
	long khz;

	NEED_CAP(KVM_CAP_GET_TSC_KHZ);
	khz = CHECK_OK(ioctl(v->fd, KVM_GET_TSC_KHZ, 0UL));
	CHECK(khz > 1000);
	/* 0 asks for the host's frequency. */
	CHECK_OK(ioctl(v->fd, KVM_SET_TSC_KHZ, 0UL));
	CHECK_EQ(CHECK_OK(ioctl(v->fd, KVM_GET_TSC_KHZ, 0UL)), khz);
}

TEST(vm, ioeventfd_refused)
{
	struct vm *vm = vm_create();
	int efd = CHECK_OK(eventfd(0, 0));
	struct kvm_ioeventfd e = { .addr = GPA_MMIO, .len = 4, .fd = efd };

	NEED_CAP(KVM_CAP_IOEVENTFD);
	for (e.len = 0; e.len <= 9; e.len++) {
		if (e.len <= 2 || e.len == 4 || e.len == 8)
			continue;
		CHECK_ERRNO(ioctl(vm->fd, KVM_IOEVENTFD, &e), EINVAL);
	}
	e.len = 4;
	e.flags = 1 << 30;
	CHECK_ERRNO(ioctl(vm->fd, KVM_IOEVENTFD, &e), EINVAL);
	e.flags = 0;
	e.addr = ~0ULL - 2;
	CHECK_ERRNO(ioctl(vm->fd, KVM_IOEVENTFD, &e), EINVAL);
	e.addr = GPA_MMIO;
	e.len = 0;
	e.flags = KVM_IOEVENTFD_FLAG_DATAMATCH;
	CHECK_ERRNO(ioctl(vm->fd, KVM_IOEVENTFD, &e), EINVAL);
	e.len = 4;
	e.flags = 0;
	e.fd = -1;
	CHECK_ERRNO(ioctl(vm->fd, KVM_IOEVENTFD, &e), EBADF);
	e.fd = vm->fd;
	CHECK_ERRNO(ioctl(vm->fd, KVM_IOEVENTFD, &e), EINVAL);
	e.fd = efd;
	e.flags = KVM_IOEVENTFD_FLAG_DEASSIGN;
	CHECK_ERRNO(ioctl(vm->fd, KVM_IOEVENTFD, &e), ENOENT);
}

TEST(vm, ioeventfd_collisions)
{
	struct vm *vm = vm_create();
	int efd = CHECK_OK(eventfd(0, 0));
	struct kvm_ioeventfd e = { .addr = GPA_MMIO, .len = 4, .fd = efd };

	NEED_CAP(KVM_CAP_IOEVENTFD);
	e.flags = KVM_IOEVENTFD_FLAG_DATAMATCH;
	e.datamatch = 1;
	CHECK_OK(ioctl(vm->fd, KVM_IOEVENTFD, &e));
	CHECK_ERRNO(ioctl(vm->fd, KVM_IOEVENTFD, &e), EEXIST);
	e.datamatch = 2;
	CHECK_OK(ioctl(vm->fd, KVM_IOEVENTFD, &e));
	/* Any value collides with each value. */
	e.flags = 0;
	CHECK_ERRNO(ioctl(vm->fd, KVM_IOEVENTFD, &e), EEXIST);
	/* Another bus, another address. */
	e.flags = KVM_IOEVENTFD_FLAG_PIO;
	e.addr = 0x500;
	CHECK_OK(ioctl(vm->fd, KVM_IOEVENTFD, &e));
	e.flags |= KVM_IOEVENTFD_FLAG_DEASSIGN;
	e.len = 2;
	CHECK_ERRNO(ioctl(vm->fd, KVM_IOEVENTFD, &e), ENOENT);
	e.len = 4;
	CHECK_OK(ioctl(vm->fd, KVM_IOEVENTFD, &e));
	CHECK_ERRNO(ioctl(vm->fd, KVM_IOEVENTFD, &e), ENOENT);
}

TEST(vm, coalesced_refused)
{
	struct vm *vm = vm_create();
	struct kvm_coalesced_mmio_zone z = { .addr = GPA_MMIO, .size = PAGE };

	NEED_CAP(KVM_CAP_COALESCED_MMIO);
	z.pio = 2;
	CHECK_ERRNO(ioctl(vm->fd, KVM_REGISTER_COALESCED_MMIO, &z), EINVAL);
	CHECK_ERRNO(ioctl(vm->fd, KVM_UNREGISTER_COALESCED_MMIO, &z), EINVAL);
	z.pio = 0;
	CHECK_OK(ioctl(vm->fd, KVM_REGISTER_COALESCED_MMIO, &z));
	CHECK_OK(ioctl(vm->fd, KVM_UNREGISTER_COALESCED_MMIO, &z));
}

/* The bus is finite; filling it is an error, not a crash. */
TEST(vm, io_bus_full)
{
	struct vm *vm = vm_create();
	struct kvm_coalesced_mmio_zone z = { .size = 1 };
	int n, r = 0;

	NEED_CAP(KVM_CAP_COALESCED_MMIO);
	for (n = 0; n < 3000 && !r; n++) {
		z.addr = GPA_MMIO + n;
		r = ioctl(vm->fd, KVM_REGISTER_COALESCED_MMIO, &z);
	}
	CHECK(n > 100);
	if (!r)
		return;
	CHECK_EQ(errno, ENOSPC);
	z.addr = GPA_MMIO;
	CHECK_OK(ioctl(vm->fd, KVM_UNREGISTER_COALESCED_MMIO, &z));
	z.addr = GPA_MMIO + n;
	CHECK_OK(ioctl(vm->fd, KVM_REGISTER_COALESCED_MMIO, &z));
}

PROGRAM(hlt, 16, "hlt\n");

/* The descriptors hold what they need: closing others first is harmless. */
TEST(vm, close_order)
{
	struct vcpu *v = vcpu_with(MODE_REAL, hlt);

	close(kvm_dev());
	close(v->vm->fd);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	close(v->fd);
	/* The mapping outlives its descriptor. */
	v->run->immediate_exit = 1;
	CHECK_EQ(v->run->exit_reason, KVM_EXIT_HLT);
	munmap(v->run, v->run_size);
}

TEST(vm, use_after_close)
{
	struct vcpu *v = vcpu_with(MODE_REAL, hlt);

	close(v->fd);
	CHECK_ERRNO(ioctl(v->fd, KVM_RUN, 0UL), EBADF);
	close(v->vm->fd);
	CHECK_ERRNO(ioctl(v->vm->fd, KVM_CREATE_VCPU, 1UL), EBADF);
}

static void other_process(void *arg)
{
	struct vcpu *v = arg;
	struct kvm_regs regs = { 0 };

	CHECK_ERRNO(ioctl(v->fd, KVM_RUN, 0UL), EIO);
	CHECK_ERRNO(ioctl(v->fd, KVM_GET_REGS, &regs), EIO);
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_REGS, &regs), EIO);
	CHECK_ERRNO(ioctl(v->vm->fd, KVM_CREATE_VCPU, 1UL), EIO);
	CHECK_ERRNO(ioctl(v->vm->fd, KVM_CHECK_EXTENSION, 0UL), EIO);
	CHECK_ERRNO(try_slot(v->vm, 1, 0, GIB, PAGE, v->vm->mem), EIO);
	/* Even what no ioctl is. */
	CHECK_ERRNO(ioctl(v->vm->fd, _IO(KVMIO, 0xfe), 0UL), EIO);
}

TEST(vm, other_process_eio)
{
	struct vcpu *v = vcpu_with(MODE_REAL, hlt);

	CHECK_EQ(in_child(other_process, v), 0);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
}

TEST(vm, run_argument)
{
	struct vcpu *v = vcpu_with(MODE_REAL, hlt);

	CHECK_ERRNO(ioctl(v->fd, KVM_RUN, 1UL), EINVAL);
	CHECK_EQ(get_regs(v).rip, 0);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
}

static void touch(void *arg)
{
	READ_ONCE(*(char *)arg);
}

TEST(vm, vcpu_mmap_beyond)
{
	struct vcpu *v = vcpu_bare(vm_create(), 0);
	char *p;

	/* Every page of the size that was announced is there. */
	for (size_t i = 0; i < v->run_size; i += PAGE)
		touch((char *)v->run + i);
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd,
		 16 * MIB);
	if (p == MAP_FAILED)
		return;
	CHECK_EQ(in_child(touch, p), -SIGBUS);
}

TEST(vm, bare_vcpu_reset_state)
{
	struct vcpu *v = vcpu_bare(vm_create(), 0);
	struct kvm_sregs s = get_sregs(v);
	struct kvm_regs r = get_regs(v);

	CHECK_EQ(r.rip, 0xfff0);
	CHECK_EQ(r.rflags, 2);
	CHECK_EQ(s.cs.base, 0xffff0000);
	CHECK_EQ(s.cs.selector, 0xf000);
	CHECK_EQ(s.cs.limit, 0xffff);
	CHECK_EQ(s.cr0, 0x60000010);
	CHECK_EQ(s.cr4, 0);
	CHECK_EQ(s.efer, 0);
	CHECK_EQ(s.idt.limit, 0xffff);
	CHECK_EQ(s.gdt.limit, 0xffff);
	/* A busy task: of 16 bits on AMD, of 32 on Intel. */
	CHECK_EQ(s.tr.type & 7, 3);
	CHECK_EQ(s.apic_base & ~0x100ULL, 0xfee00800);
}

TEST(vm, stats_fd)
{
	struct vm *vm = vm_create();
	struct vcpu *v = vcpu_bare(vm, 0);
	struct kvm_stats_header h;
	int fds[2], fd;

	NEED_CAP(KVM_CAP_BINARY_STATS_FD);
	fds[0] = CHECK_OK(ioctl(vm->fd, KVM_GET_STATS_FD, 0UL));
	fds[1] = CHECK_OK(ioctl(v->fd, KVM_GET_STATS_FD, 0UL));
	for (size_t i = 0; i < 2; i++) {
		struct kvm_stats_desc *d;
		u64 value;

		fd = fds[i];
		CHECK_EQ(CHECK_OK(pread(fd, &h, sizeof(h), 0)), sizeof(h));
		CHECK(h.num_desc > 0 && h.name_size > 0 && h.name_size < 256);
		d = calloc(1, sizeof(*d) + h.name_size);
		for (unsigned int n = 0; n < h.num_desc; n++) {
			size_t size = sizeof(*d) + h.name_size;

			CHECK_EQ(CHECK_OK(pread(fd, d, size, h.desc_offset +
						n * size)), size);
			CHECK(d->name[0] && memchr(d->name, 0, h.name_size));
			CHECK(d->size > 0);
			CHECK_EQ(CHECK_OK(pread(fd, &value, 8, h.data_offset +
						d->offset)), 8);
		}
		free(d);
	}
}

/* The host's state comes back when the thread leaves the vCPU, and that is counted. */
TEST(vm, stats_host_state)
{
	static const char code[] = { 0xf4, 0xf4 };	/* hlt; hlt */
	struct vcpu *v = vcpu_loaded(MODE_REAL, code, sizeof(code));
	u64 before;

	NEED_CAP(KVM_CAP_BINARY_STATS_FD);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	before = vcpu_stat(v, "host_state_reload");
	CHECK(before > 0);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	CHECK(vcpu_stat(v, "host_state_reload") > before);
}
