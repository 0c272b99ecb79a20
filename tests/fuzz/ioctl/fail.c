// SPDX-License-Identifier: GPL-2.0-only
/*
 * ioctl-fail: what sets up VMs, vCPUs, memory slots and interrupt controllers,
 * with the first, the second and each further allocation failing, until none is
 * left to fail. A call of which one failed must say ENOMEM, or do without; done
 * again it must work. tests/fuzz/fault says which fails, the kernel whether
 * something leaks.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <linux/kvm.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define PAGE		4096UL
#define MEM		(2UL << 20)
#define MAX_SITES	500

static int kvm, fault, vm, vcpu, event, event2;
static void *memory;

static int ioctl_fd(int fd, unsigned long cmd, unsigned long arg)
{
	int got = ioctl(fd, cmd, arg);

	return got < 0 ? -errno : got;
}

static int with(int fd, unsigned long cmd, const void *arg)
{
	return ioctl_fd(fd, cmd, (uintptr_t)arg);
}

/*
 * The calls. Each returns what the ioctl did, or -errno; a descriptor that it got
 * is closed by who calls.
 */
static int create_vm(void)
{
	return ioctl_fd(kvm, KVM_CREATE_VM, 0);
}

static int create_vcpu(void)
{
	return ioctl_fd(vm, KVM_CREATE_VCPU, 1);
}

static int create_irqchip(void)
{
	return ioctl_fd(vm, KVM_CREATE_IRQCHIP, 0);
}

static int create_pit(void)
{
	return with(vm, KVM_CREATE_PIT2,
		    &(struct kvm_pit_config){ .flags = KVM_PIT_SPEAKER_DUMMY });
}

static int slot(unsigned int flags, uint64_t gpa, uint64_t size)
{
	return with(vm, KVM_SET_USER_MEMORY_REGION, &(struct kvm_userspace_memory_region){
			.slot = 1,
			.flags = flags,
			.guest_phys_addr = gpa,
			.memory_size = size,
			.userspace_addr = (uintptr_t)memory,
		});
}

static int create_slot(void)
{
	return slot(0, MEM, MEM);
}

static int create_logged_slot(void)
{
	return slot(KVM_MEM_LOG_DIRTY_PAGES, MEM, MEM);
}

static int log_slot(void)
{
	return slot(KVM_MEM_LOG_DIRTY_PAGES, MEM, MEM);
}

static int move_slot(void)
{
	return slot(0, 4 * MEM, MEM);
}

static int delete_slot(void)
{
	return slot(0, MEM, 0);
}

static int set_routing(void)
{
	static struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entry[2];
	} table = {
		.head.nr = 2,
		.entry[0] = { .gsi = 5, .type = KVM_IRQ_ROUTING_MSI, .u.msi.data = 0x31 },
		.entry[1] = { .gsi = 6, .type = KVM_IRQ_ROUTING_MSI, .u.msi.data = 0x32 },
	};

	return with(vm, KVM_SET_GSI_ROUTING, &table);
}

static int irqfd(void)
{
	return with(vm, KVM_IRQFD, &(struct kvm_irqfd){ .fd = event, .gsi = 5 });
}

static int resampling_irqfd(void)
{
	return with(vm, KVM_IRQFD, &(struct kvm_irqfd){
			.fd = event, .gsi = 5, .flags = KVM_IRQFD_FLAG_RESAMPLE,
			.resamplefd = event2,
		});
}

static int ioeventfd(void)
{
	return with(vm, KVM_IOEVENTFD, &(struct kvm_ioeventfd){
			.fd = event, .addr = 0x500, .len = 2, .flags = KVM_IOEVENTFD_FLAG_PIO,
		});
}

static int no_ioeventfd(void)
{
	return with(vm, KVM_IOEVENTFD, &(struct kvm_ioeventfd){
			.fd = event, .addr = 0x500, .len = 2,
			.flags = KVM_IOEVENTFD_FLAG_PIO | KVM_IOEVENTFD_FLAG_DEASSIGN,
		});
}

static int coalesced(void)
{
	return with(vm, KVM_REGISTER_COALESCED_MMIO,
		    &(struct kvm_coalesced_mmio_zone){ .addr = 8 * MEM, .size = 16 });
}

static int msr_filter(void)
{
	static uint8_t bitmap[64];

	return with(vm, KVM_X86_SET_MSR_FILTER, &(struct kvm_msr_filter){
			.ranges = {
				{ .flags = 1, .base = 0x10, .nmsrs = 64, .bitmap = bitmap },
				{ .flags = 2, .base = 0x100, .nmsrs = 64, .bitmap = bitmap },
			},
		});
}

static int stats(void)
{
	return ioctl_fd(vm, KVM_GET_STATS_FD, 0);
}

static int vcpu_stats(void)
{
	return ioctl_fd(vcpu, KVM_GET_STATS_FD, 0);
}

static int set_cpuid(void)
{
	static union {
		struct kvm_cpuid2 c;
		char room[64 << 10];
	} u;

	if (!u.c.nent) {
		u.c.nent = 200;
		if (ioctl(kvm, KVM_GET_SUPPORTED_CPUID, &u.c))
			return -errno;
	}
	return with(vcpu, KVM_SET_CPUID2, &u.c);
}

static char page[2 * PAGE] __attribute__((aligned(4096)));

static int get_sregs(void)
{
	return with(vcpu, KVM_GET_SREGS, page);
}

static int set_sregs(void)
{
	return with(vcpu, KVM_SET_SREGS, page);
}

static int get_xsave2(void)
{
	return with(vcpu, KVM_GET_XSAVE2, page);
}

static int set_xsave(void)
{
	return with(vcpu, KVM_SET_XSAVE, page);
}

static int get_lapic(void)
{
	return with(vcpu, KVM_GET_LAPIC, page);
}

static int set_lapic(void)
{
	return with(vcpu, KVM_SET_LAPIC, page);
}

static int get_irqchip(void)
{
	memset(page, 0, sizeof(struct kvm_irqchip));
	return with(vm, KVM_GET_IRQCHIP, page);
}

static int get_msrs(void)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry[2];
	} msrs = { .head.nmsrs = 2, .entry = { { .index = 0x10 }, { .index = 0x1b } } };

	return with(vcpu, KVM_GET_MSRS, &msrs);
}

static int apic_base(void)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry[1];
	} msrs = { .head.nmsrs = 1, .entry = { { .index = 0x1b, .data = 0xfee00d00 } } };

	return with(vcpu, KVM_SET_MSRS, &msrs);
}

/* The guest's first instruction is an OUT: it faults in the frame, and exits. */
static int run(void)
{
	static const uint8_t code[] = { 0xe6, 0x80, 0xeb, 0xfc };
	struct kvm_sregs s;
	int got;

	memcpy((char *)memory + 0x1000, code, sizeof(code));
	got = with(vcpu, KVM_GET_SREGS, &s);
	if (got)
		return got;
	s.cs.base = 0;
	s.cs.selector = 0;
	got = with(vcpu, KVM_SET_SREGS, &s);
	if (got)
		return got;
	got = with(vcpu, KVM_SET_REGS, &(struct kvm_regs){ .rip = 0x1000, .rflags = 2 });
	return got ? got : ioctl_fd(vcpu, KVM_RUN, 0);
}

enum { NEEDS_CHIP = 1, NEEDS_VCPU = 2, NEEDS_SLOT = 4, NEEDS_IOEVENTFD = 8, IS_FD = 16 };

static const struct {
	const char *name;
	int (*call)(void);
	unsigned int flags;
} calls[] = {
	{ "KVM_CREATE_VM", create_vm, IS_FD },
	{ "KVM_CREATE_VCPU", create_vcpu, IS_FD },
	{ "KVM_CREATE_VCPU, APIC in the kernel", create_vcpu, IS_FD | NEEDS_CHIP },
	{ "KVM_CREATE_IRQCHIP", create_irqchip, 0 },
	{ "KVM_CREATE_PIT2", create_pit, NEEDS_CHIP },
	{ "slot", create_slot, 0 },
	{ "slot with a dirty log", create_logged_slot, 0 },
	{ "dirty log of a slot", log_slot, NEEDS_SLOT },
	{ "slot moved", move_slot, NEEDS_SLOT },
	{ "slot deleted", delete_slot, NEEDS_SLOT },
	{ "KVM_SET_GSI_ROUTING", set_routing, NEEDS_CHIP },
	{ "KVM_IRQFD", irqfd, NEEDS_CHIP },
	{ "KVM_IRQFD, resampling", resampling_irqfd, NEEDS_CHIP },
	{ "KVM_IOEVENTFD", ioeventfd, 0 },
	{ "KVM_IOEVENTFD, deassigned", no_ioeventfd, NEEDS_IOEVENTFD },
	{ "KVM_REGISTER_COALESCED_MMIO", coalesced, 0 },
	{ "KVM_X86_SET_MSR_FILTER", msr_filter, NEEDS_VCPU },
	{ "KVM_GET_STATS_FD", stats, IS_FD },
	{ "KVM_GET_STATS_FD of a vCPU", vcpu_stats, IS_FD | NEEDS_VCPU },
	{ "KVM_SET_CPUID2", set_cpuid, NEEDS_VCPU },
	{ "KVM_GET_SREGS", get_sregs, NEEDS_VCPU },
	{ "KVM_SET_SREGS", set_sregs, NEEDS_VCPU },
	{ "KVM_GET_XSAVE2", get_xsave2, NEEDS_VCPU },
	{ "KVM_SET_XSAVE", set_xsave, NEEDS_VCPU },
	{ "KVM_GET_LAPIC", get_lapic, NEEDS_VCPU | NEEDS_CHIP },
	{ "KVM_SET_LAPIC", set_lapic, NEEDS_VCPU | NEEDS_CHIP },
	{ "KVM_GET_IRQCHIP", get_irqchip, NEEDS_CHIP },
	{ "KVM_GET_MSRS", get_msrs, NEEDS_VCPU },
	{ "APIC base", apic_base, NEEDS_VCPU | NEEDS_CHIP },
	{ "KVM_RUN", run, NEEDS_VCPU },
};

static void must(int got, const char *what)
{
	if (got < 0) {
		printf("ioctl-fail: %s: %s\n", what, strerror(-got));
		exit(1);
	}
}

static void set_up(unsigned int flags)
{
	vm = create_vm();
	must(vm, "a VM");
	event = eventfd(0, EFD_CLOEXEC);
	event2 = eventfd(0, EFD_CLOEXEC);
	must(with(vm, KVM_SET_USER_MEMORY_REGION, &(struct kvm_userspace_memory_region){
			.memory_size = MEM, .userspace_addr = (uintptr_t)memory }), "memory");
	if (flags & NEEDS_CHIP)
		must(create_irqchip(), "irqchip");
	if (flags & NEEDS_SLOT)
		must(create_slot(), "slot");
	if (flags & NEEDS_IOEVENTFD)
		must(ioeventfd(), "ioeventfd");
	vcpu = -1;
	if (flags & NEEDS_VCPU) {
		vcpu = ioctl_fd(vm, KVM_CREATE_VCPU, 0);
		must(vcpu, "vCPU");
		must(set_cpuid(), "CPUID");
		/* What is to be set is what is there. */
		get_sregs();
	}
}

static void tear_down(void)
{
	if (vcpu >= 0)
		close(vcpu);
	close(vm);
	close(event);
	close(event2);
}

static void arm(long n)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%ld", n);

	if (pwrite(fault, text, len, 0) != len) {
		perror("ioctl-fail: fault");
		exit(2);
	}
}

/* Has one failed? */
static bool disarm(void)
{
	char text[24] = "";

	if (pread(fault, text, sizeof(text) - 1, 0) <= 0) {
		perror("ioctl-fail: fault");
		exit(2);
	}
	return strtol(text, NULL, 0) == 0;
}

/* Return: false if a call did what it may not. */
static bool try_all(unsigned int which)
{
	unsigned int refused = 0, without = 0, n, flags = calls[which].flags;
	bool failed = true, good = true;
	int got, again;

	for (n = 1; failed && n < MAX_SITES; n++) {
		set_up(flags);
		if (calls[which].call == set_xsave)
			must(get_xsave2(), "xsave");
		else if (calls[which].call == set_lapic)
			must(get_lapic(), "lapic");
		arm(n);
		got = calls[which].call();
		failed = disarm();
		if (got < 0 && (!failed || got != -ENOMEM)) {
			printf("%s: %s with allocation %u %s\n", calls[which].name,
			       strerror(-got), n, failed ? "failed" : "not reached");
			good = false;
		}
		if (failed && got < 0)
			refused++;
		else if (failed)
			without++;
		if (got >= 0 && flags & IS_FD)
			close(got);
		if (got < 0) {
			again = calls[which].call();
			if (again < 0) {
				printf("%s: %s the second time, after allocation %u had failed\n",
				       calls[which].name, strerror(-again), n);
				good = false;
			}
			if (again >= 0 && flags & IS_FD)
				close(again);
		}
		tear_down();
	}
	printf("%-40s %3u sites: %3u ENOMEM, %3u done without\n", calls[which].name, n - 2, refused,
	       without);
	fflush(stdout);
	return good && n < MAX_SITES;
}

int main(int argc, char **argv)
{
	unsigned int i, bad = 0;

	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	fault = open("/sys/kernel/debug/monovisor-fault", O_RDWR | O_CLOEXEC);
	memory = mmap(NULL, MEM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (kvm < 0 || fault < 0 || memory == MAP_FAILED) {
		perror("ioctl-fail: /dev/kvm or monovisor-fault");
		return 2;
	}
	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		if (argc > 1 && !strstr(calls[i].name, argv[1]))
			continue;
		if (!try_all(i))
			bad++;
	}
	printf("ioctl-fail: %u calls did what they may not\n", bad);
	return bad != 0;
}
