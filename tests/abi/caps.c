// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_CHECK_EXTENSION tells the truth: what is claimed is tried, here or in
 * the test named below, and what is not claimed fails as unknown.  Interrupt
 * controllers in the kernel are outside of this program's scope.
 */
#include <signal.h>

#include "harness.h"

#define LAST_CAP	300

/* Tried by the tests of another file. */
static const int elsewhere[] = {
	KVM_CAP_COALESCED_MMIO, KVM_CAP_COALESCED_PIO,		/* bus/ */
	KVM_CAP_IOEVENTFD, KVM_CAP_IOEVENTFD_NO_LENGTH,
	KVM_CAP_IOEVENTFD_ANY_LENGTH,
	KVM_CAP_IRQCHIP, KVM_CAP_SPLIT_IRQCHIP,			/* irqchip/ */
	KVM_CAP_IRQ_INJECT_STATUS, KVM_CAP_SIGNAL_MSI, KVM_CAP_IOAPIC_POLARITY_IGNORED,
	KVM_CAP_X2APIC_API, KVM_CAP_TSC_DEADLINE_TIMER,		/* lapic/ */
	KVM_CAP_PIT, KVM_CAP_PIT2, KVM_CAP_PIT_STATE2,		/* pit/ */
	KVM_CAP_REINJECT_CONTROL,
	KVM_CAP_IRQ_ROUTING,					/* routing/ */
	KVM_CAP_IRQFD, KVM_CAP_IRQFD_RESAMPLE,			/* irqfd/ */
	KVM_CAP_HLT,						/* io/hlt */
	KVM_CAP_SET_GUEST_DEBUG, KVM_CAP_X86_ROBUST_SINGLESTEP,	/* debug/ */
	KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,			/* dirty/ */
	KVM_CAP_INTERNAL_ERROR_DATA, KVM_CAP_IMMEDIATE_EXIT,	/* errors/ */
	KVM_CAP_EXIT_ON_EMULATION_FAILURE,
	KVM_CAP_USER_NMI,					/* events/ */
	KVM_CAP_SYNC_MMU,					/* mem/ */
	KVM_CAP_READONLY_MEM,					/* mmio/ */
	KVM_CAP_USER_MEMORY, KVM_CAP_USER_MEMORY2,		/* slots/ */
	KVM_CAP_NR_MEMSLOTS, KVM_CAP_DESTROY_MEMORY_REGION_WORKS,
	KVM_CAP_JOIN_MEMORY_REGIONS_WORKS, KVM_CAP_MULTI_ADDRESS_SPACE,
	KVM_CAP_MP_STATE, KVM_CAP_VCPU_EVENTS,			/* state/ */
	KVM_CAP_EXCEPTION_PAYLOAD, KVM_CAP_X86_TRIPLE_FAULT_EVENT,
	KVM_CAP_XSAVE, KVM_CAP_XSAVE2, KVM_CAP_XCRS, KVM_CAP_DEBUGREGS,
	KVM_CAP_SREGS2, KVM_CAP_SYNC_REGS, KVM_CAP_VCPU_ATTRIBUTES,
	KVM_CAP_TSC_CONTROL, KVM_CAP_GET_TSC_KHZ,
	KVM_CAP_EXT_CPUID, KVM_CAP_EXT_EMUL_CPUID,		/* system/ */
	KVM_CAP_GET_MSR_FEATURES, KVM_CAP_SYS_ATTRIBUTES, KVM_CAP_VM_TYPES,
	KVM_CAP_SET_TSS_ADDR, KVM_CAP_SET_IDENTITY_MAP_ADDR,	/* vm/ */
	KVM_CAP_SET_BOOT_CPU_ID, KVM_CAP_ADJUST_CLOCK, KVM_CAP_MAX_VCPU_ID,
	KVM_CAP_ENABLE_CAP, KVM_CAP_ENABLE_CAP_VM, KVM_CAP_DISABLE_QUIRKS,
	KVM_CAP_BINARY_STATS_FD, KVM_CAP_DEVICE_CTRL,
};

/* A capability's number, kept for the census at the end. */
#define CAP_TEST(name)							\
	static const int number_##name					\
	__section("abi_caps") __used __aligned(4) = KVM_CAP_##name;	\
	static void try_##name(int value);				\
	TEST(caps, name)						\
	{								\
		NEED_CAP(KVM_CAP_##name);				\
		try_##name(has_cap(KVM_CAP_##name));			\
	}								\
	static void try_##name(int value)

extern const int __start_abi_caps[], __stop_abi_caps[];

static int enable(int fd, u32 cap, u64 arg)
{
	struct kvm_enable_cap e = { .cap = cap, .args[0] = arg };

	return ioctl(fd, KVM_ENABLE_CAP, &e);
}

/* The capability as the guest's CPUID shows it. */
static bool pv_feature(unsigned int bit)
{
	struct kvm_cpuid_entry2 *e;

	e = cpuid_find(supported_cpuid(), 0x40000001, 0);
	return e && e->eax >> bit & 1;
}

CAP_TEST(NR_VCPUS)
{
	CHECK(value >= 1);
	CHECK(value <= has_cap(KVM_CAP_MAX_VCPUS));
}

CAP_TEST(MAX_VCPUS)
{
	struct vm *vm = vm_create();

	CHECK(value >= 1);
	vcpu_bare(vm, value - 1);
}

CAP_TEST(CHECK_EXTENSION_VM)
{
	struct vm *vm = vm_create();

	CHECK_EQ(value, 1);
	CHECK_EQ(has_vm_cap(vm, KVM_CAP_NR_MEMSLOTS),
		 has_cap(KVM_CAP_NR_MEMSLOTS));
	CHECK_EQ(has_vm_cap(vm, 0x7ffffff), 0);
}

CAP_TEST(CLOCKSOURCE)
{
	struct vcpu *v = vcpu_create(vm_create(), 0);
	u64 system_time;

	CHECK_EQ(value, 1);
	CHECK(pv_feature(3));
	/* The clock's page is filled at the next run. */
	CHECK(set_msr(v, 0x4b564d01, GPA_DATA | 1));
	CHECK(get_msr(v, 0x4b564d01, &system_time));
	CHECK_EQ(system_time, GPA_DATA | 1);
}

PROGRAM(hlt, 32,
	"	hlt\n"
	"	nop\n"
	"	hlt\n");

/* The time page: an even version, a frequency, time that goes on. */
TEST(caps, clock_page)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, hlt);
	u8 *page = v->vm->mem + GPA_DATA;
	u64 first, second;

	NEED_CAP(KVM_CAP_CLOCKSOURCE);
	CHECK(set_msr(v, 0x4b564d01, GPA_DATA | 1));
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	CHECK_EQ(*(u32 *)page & 1, 0);
	CHECK(*(u32 *)page);
	CHECK(*(u32 *)(page + 24));		/* the multiplier */
	memcpy(&first, page + 16, 8);
	CHECK(set_msr(v, 0x4b564d01, GPA_DATA | 1));
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	memcpy(&second, page + 16, 8);
	CHECK(second >= first);
}

CAP_TEST(NOP_IO_DELAY)
{
	CHECK_EQ(value, 1);
	CHECK(pv_feature(1));
}

CAP_TEST(KVMCLOCK_CTRL)
{
	struct vcpu *v = vcpu_create(vm_create(), 0);

	CHECK_EQ(value, 1);
	/* No clock is in use yet. */
	CHECK_ERRNO(ioctl(v->fd, KVM_KVMCLOCK_CTRL, 0UL), EINVAL);
	CHECK(set_msr(v, 0x4b564d01, GPA_DATA | 1));
	CHECK_OK(ioctl(v->fd, KVM_KVMCLOCK_CTRL, 0UL));
}

CAP_TEST(STEAL_TIME)
{
	struct vcpu *v = vcpu_create(vm_create(), 0);
	u64 got;

	CHECK_EQ(value, 1);
	CHECK(pv_feature(5));
	CHECK(set_msr(v, 0x4b564d03, GPA_DATA | 1));
	CHECK(get_msr(v, 0x4b564d03, &got));
	CHECK_EQ(got, GPA_DATA | 1);
}

CAP_TEST(MCE)
{
	struct vcpu *v = vcpu_create(vm_create(), 0);
	u64 cap = 0, mcg = value, got;
	struct kvm_x86_mce mce = {
		.status = 1ULL << 63 | 0x123, .addr = 0x456000, .bank = 1,
	};

	CHECK(value >= 1 && value <= 255);
	CHECK_OK(ioctl(kvm_dev(), KVM_X86_GET_MCE_CAP_SUPPORTED, &cap));
	CHECK_OK(ioctl(v->fd, KVM_X86_SETUP_MCE, &mcg));
	CHECK(get_msr(v, 0x179, &got));
	CHECK_EQ(got & 0xff, value);
	/* A corrected error is in its bank. */
	CHECK_OK(ioctl(v->fd, KVM_X86_SET_MCE, &mce));
	CHECK(get_msr(v, 0x405, &got));
	CHECK_EQ(got, mce.status);
	CHECK(get_msr(v, 0x406, &got));
	CHECK_EQ(got, mce.addr);
	mce.bank = value;
	CHECK_ERRNO(ioctl(v->fd, KVM_X86_SET_MCE, &mce), EINVAL);
	mce.bank = 0;
	mce.status = 0;
	CHECK_ERRNO(ioctl(v->fd, KVM_X86_SET_MCE, &mce), EINVAL);
	mcg = 0;
	CHECK_ERRNO(ioctl(v->fd, KVM_X86_SETUP_MCE, &mcg), EINVAL);
	mcg = value + 1;
	CHECK_ERRNO(ioctl(v->fd, KVM_X86_SETUP_MCE, &mcg), EINVAL);
	mcg = 1 | 1ULL << 63;
	CHECK_ERRNO(ioctl(v->fd, KVM_X86_SETUP_MCE, &mcg), EINVAL);
}

PROGRAM(read_platform_info, 32,
	"	mov $0xce, %ecx\n"
	"	rdmsr\n"
	"	hlt\n"
	"	rdmsr\n"
	"	hlt\n");

CAP_TEST(MSR_PLATFORM_INFO)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, read_platform_info);

	CHECK_EQ(value, 1);
	/* Userspace sets what the guest may read, or that it may not. */
	CHECK(set_msr(v, 0xce, 0xff00));
	CHECK_OK(enable(v->vm->fd, KVM_CAP_MSR_PLATFORM_INFO, 1));
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	CHECK_EQ(get_regs(v).rax, 0xff00);
	CHECK_OK(enable(v->vm->fd, KVM_CAP_MSR_PLATFORM_INFO, 0));
	EXPECT_EXIT(v, KVM_EXIT_SHUTDOWN);
}

PROGRAM(rdmsr, 32,
	"	mov $0x12345678, %ecx\n"
	"	rdmsr\n"
	"	hlt\n"
	"	wrmsr\n"
	"	hlt\n");

CAP_TEST(X86_USER_SPACE_MSR)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, rdmsr);

	CHECK(value & 1);
	CHECK_ERRNO(enable(v->vm->fd, KVM_CAP_X86_USER_SPACE_MSR, 1ULL << 40),
		    EINVAL);
	CHECK_OK(enable(v->vm->fd, KVM_CAP_X86_USER_SPACE_MSR,
			KVM_MSR_EXIT_REASON_UNKNOWN));
	EXPECT_EXIT(v, KVM_EXIT_X86_RDMSR);
	CHECK_EQ(v->run->msr.index, 0x12345678);
	CHECK_EQ(v->run->msr.reason, KVM_MSR_EXIT_REASON_UNKNOWN);
	v->run->msr.data = 0x1122334455667788;
	v->run->msr.error = 0;
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	CHECK_EQ(get_regs(v).rax, 0x55667788);
	CHECK_EQ(get_regs(v).rdx, 0x11223344);
	EXPECT_EXIT(v, KVM_EXIT_X86_WRMSR);
	CHECK_EQ(v->run->msr.index, 0x12345678);
	CHECK_EQ(v->run->msr.data, 0x1122334455667788);
	v->run->msr.error = 0;
	EXPECT_EXIT(v, KVM_EXIT_HLT);
}

PROGRAM(rdmsr_pat, 32,
	"	mov $0x277, %ecx\n"
	"	rdmsr\n"
	"	hlt\n");

CAP_TEST(X86_MSR_FILTER)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, rdmsr_pat);
	u8 none = 0;
	struct kvm_msr_filter f = {
		.flags = KVM_MSR_FILTER_DEFAULT_ALLOW,
		.ranges[0] = {
			.flags = KVM_MSR_FILTER_READ, .base = 0x277,
			.nmsrs = 1, .bitmap = &none,
		},
	};

	CHECK_EQ(value, 1);
	CHECK_OK(enable(v->vm->fd, KVM_CAP_X86_USER_SPACE_MSR,
			KVM_MSR_EXIT_REASON_FILTER));
	CHECK_OK(ioctl(v->vm->fd, KVM_X86_SET_MSR_FILTER, &f));
	EXPECT_EXIT(v, KVM_EXIT_X86_RDMSR);
	CHECK_EQ(v->run->msr.index, 0x277);
	CHECK_EQ(v->run->msr.reason, KVM_MSR_EXIT_REASON_FILTER);
	v->run->msr.data = 0x42;
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	CHECK_EQ(get_regs(v).rax, 0x42);
	f.flags = 0x80;
	CHECK_ERRNO(ioctl(v->vm->fd, KVM_X86_SET_MSR_FILTER, &f), EINVAL);
	CHECK_ERRNO(ioctl(v->vm->fd, KVM_X86_SET_MSR_FILTER, BAD_PTR), EFAULT);
}

CAP_TEST(DISABLE_QUIRKS2)
{
	struct vm *vm = vm_create();

	CHECK_OK(enable(vm->fd, KVM_CAP_DISABLE_QUIRKS2, value));
	CHECK_ERRNO(enable(vm->fd, KVM_CAP_DISABLE_QUIRKS2, 1ULL << 63),
		    EINVAL);
}

CAP_TEST(X86_DISABLE_EXITS)
{
	struct vm *vm = vm_create();

	CHECK_ERRNO(enable(vm->fd, KVM_CAP_X86_DISABLE_EXITS, 1ULL << 40),
		    EINVAL);
	CHECK_OK(enable(vm->fd, KVM_CAP_X86_DISABLE_EXITS, value));
}

PROGRAM(halt_for_ever, 32,
	"	cli\n"
	"1:	hlt\n"
	"	jmp 1b\n"
	"	mov $5, %al\n"
	"	out %al, $0x10\n"
	"	hlt\n");

#define BEHIND_HLT	(GPA_CODE + 4)

/* HLT that does not exit: the guest sleeps until the signal. On AMD each exit ends it. */
static struct vcpu *halted_in_guest(void)
{
	struct vm *vm = vm_create();
	struct vcpu *v;

	if (!(has_cap(KVM_CAP_X86_DISABLE_EXITS) & KVM_X86_DISABLE_EXITS_HLT))
		skip("KVM_X86_DISABLE_EXITS_HLT is not claimed");
	CHECK_OK(enable(vm->fd, KVM_CAP_X86_DISABLE_EXITS,
			KVM_X86_DISABLE_EXITS_HLT));
	v = vcpu_create(vm, 0);
	load_at(vm, GPA_CODE, guest_halt_for_ever, GUEST_SIZE(halt_for_ever));
	vcpu_mode(v, MODE_PROT32);
	vcpu_start(v, GPA_CODE);
	start_ticks(SIGUSR1, 20000);
	CHECK_EQ(run(v), -EINTR);
	return v;
}

TEST(caps, hlt_without_exit)
{
	halted_in_guest();
	stop_ticks();
}

/* What userspace installs is not for a CPU that goes on to sleep. */
TEST(caps, hlt_without_exit_moved)
{
	struct vcpu *v = halted_in_guest();
	struct kvm_regs regs = get_regs(v);
	int reason, times = 0;

	regs.rip = BEHIND_HLT;
	set_regs(v, &regs);
	do {
		reason = run(v);
	} while (reason == -EINTR && ++times < 20);
	stop_ticks();
	CHECK_EQ(reason, KVM_EXIT_IO);
	CHECK_EQ(*(u8 *)pio_data(v), 5);
}

/* Nor can a CPU sleep that is to trap behind the next instruction. */
TEST(caps, hlt_without_exit_stepped)
{
	struct kvm_guest_debug step = {
		.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP,
	};
	struct vcpu *v = halted_in_guest();

	stop_ticks();
	CHECK_OK(ioctl(v->fd, KVM_SET_GUEST_DEBUG, &step));
	EXPECT_EXIT(v, KVM_EXIT_DEBUG);
}

/* No handler: delivery, and not the entry, is what fails. */
TEST(caps, hlt_without_exit_exception)
{
	struct vcpu *v = halted_in_guest();
	struct kvm_vcpu_events events = get_events(v);

	stop_ticks();
	events.exception.injected = 1;
	events.exception.nr = 13;
	events.exception.has_error_code = 1;
	CHECK_OK(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &events));
	EXPECT_EXIT(v, KVM_EXIT_SHUTDOWN);
}

CAP_TEST(X86_SMM)
{
	struct vcpu *v = vcpu_create(vm_create(), 0);

	CHECK_EQ(value, 1);
	CHECK_OK(ioctl(v->fd, KVM_SMI, 0UL));
	CHECK_EQ(get_events(v).smi.pending, 1);
	CHECK_EQ(get_events(v).smi.smm, 0);
}

CAP_TEST(HALT_POLL)
{
	struct vm *vm = vm_create();

	CHECK_EQ(value, 1);
	CHECK_OK(enable(vm->fd, KVM_CAP_HALT_POLL, 1000));
	CHECK_ERRNO(enable(vm->fd, KVM_CAP_HALT_POLL, 1ULL << 32), EINVAL);
}

CAP_TEST(X86_APIC_BUS_CYCLES_NS)
{
	struct vm *vm = vm_create();

	CHECK(value >= 1);
	CHECK_ERRNO(enable(vm->fd, KVM_CAP_X86_APIC_BUS_CYCLES_NS, 40), ENXIO);
	vm = vm_with_split();
	CHECK_ERRNO(enable(vm->fd, KVM_CAP_X86_APIC_BUS_CYCLES_NS, 0), EINVAL);
	CHECK_OK(enable(vm->fd, KVM_CAP_X86_APIC_BUS_CYCLES_NS, 40));
	vcpu_bare(vm, 0);
	CHECK_ERRNO(enable(vm->fd, KVM_CAP_X86_APIC_BUS_CYCLES_NS, 40), EINVAL);
}

CAP_TEST(ENFORCE_PV_FEATURE_CPUID)
{
	struct vcpu *v = vcpu_bare(vm_create(), 0);

	CHECK_EQ(value, 1);
	CHECK_OK(enable(v->fd, KVM_CAP_ENFORCE_PV_FEATURE_CPUID, 1));
}

CAP_TEST(VM_TSC_CONTROL)
{
	struct vm *vm = vm_create();
	long khz = CHECK_OK(ioctl(vm->fd, KVM_GET_TSC_KHZ, 0UL));

	CHECK_EQ(value, 1);
	CHECK_OK(ioctl(vm->fd, KVM_SET_TSC_KHZ, khz / 2));
	CHECK_EQ(CHECK_OK(ioctl(vm->fd, KVM_GET_TSC_KHZ, 0UL)), khz / 2);
	/* New vCPUs start with it. */
	CHECK_EQ(CHECK_OK(ioctl(vcpu_create(vm, 0)->fd, KVM_GET_TSC_KHZ, 0UL)),
		 khz / 2);
}

CAP_TEST(SET_GUEST_DEBUG2)
{
	CHECK(value & KVM_GUESTDBG_ENABLE);
	CHECK(value & KVM_GUESTDBG_SINGLESTEP);
	CHECK_EQ(value & ~(KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP |
			   KVM_GUESTDBG_USE_SW_BP | KVM_GUESTDBG_USE_HW_BP |
			   KVM_GUESTDBG_INJECT_DB | KVM_GUESTDBG_INJECT_BP |
			   KVM_GUESTDBG_BLOCKIRQ), 0);
}

#ifdef KVM_PRE_FAULT_MEMORY
CAP_TEST(PRE_FAULT_MEMORY)
{
	struct vcpu *v = vcpu_create(vm_create(), 0);
	struct kvm_pre_fault_memory r = { .gpa = 0, .size = 16 * PAGE };

	CHECK_EQ(value, 1);
	CHECK_OK(ioctl(v->fd, KVM_PRE_FAULT_MEMORY, &r));
	CHECK_EQ(r.size, 0);
	CHECK_EQ(r.gpa, 16 * PAGE);
}
#endif

/* What fails as unknown when its capability is not claimed. */
enum level { DEV, VM, VCPU };

static const struct {
	int cap;
	enum level level;
	unsigned long cmd;
} unclaimed[] = {
	{ KVM_CAP_IRQCHIP, VM, KVM_CREATE_IRQCHIP },
	{ KVM_CAP_IRQCHIP, VM, KVM_GET_IRQCHIP },
	{ KVM_CAP_IRQCHIP, VM, KVM_SET_IRQCHIP },
	{ KVM_CAP_IRQCHIP, VM, KVM_IRQ_LINE },
	{ KVM_CAP_IRQCHIP, VCPU, KVM_GET_LAPIC },
	{ KVM_CAP_IRQCHIP, VCPU, KVM_SET_LAPIC },
	{ KVM_CAP_IRQ_INJECT_STATUS, VM, KVM_IRQ_LINE_STATUS },
	{ KVM_CAP_IRQ_ROUTING, VM, KVM_SET_GSI_ROUTING },
	{ KVM_CAP_IRQFD, VM, KVM_IRQFD },
	{ KVM_CAP_SIGNAL_MSI, VM, KVM_SIGNAL_MSI },
	{ KVM_CAP_PIT, VM, KVM_CREATE_PIT },
	{ KVM_CAP_PIT2, VM, KVM_CREATE_PIT2 },
	{ KVM_CAP_PIT_STATE2, VM, KVM_GET_PIT2 },
	{ KVM_CAP_PIT_STATE2, VM, KVM_SET_PIT2 },
	{ KVM_CAP_REINJECT_CONTROL, VM, KVM_REINJECT_CONTROL },
	{ KVM_CAP_VAPIC, VCPU, KVM_SET_VAPIC_ADDR },
	{ KVM_CAP_VAPIC, VCPU, KVM_TPR_ACCESS_REPORTING },
	{ KVM_CAP_X86_SMM, VCPU, KVM_SMI },
	{ KVM_CAP_MCE, VCPU, KVM_X86_SETUP_MCE },
	{ KVM_CAP_MCE, VCPU, KVM_X86_SET_MCE },
	{ KVM_CAP_NESTED_STATE, VCPU, KVM_GET_NESTED_STATE },
	{ KVM_CAP_NESTED_STATE, VCPU, KVM_SET_NESTED_STATE },
	{ KVM_CAP_HYPERV_EVENTFD, VM, KVM_HYPERV_EVENTFD },
	{ KVM_CAP_HYPERV_CPUID, VCPU, KVM_GET_SUPPORTED_HV_CPUID },
	{ KVM_CAP_SYS_HYPERV_CPUID, DEV, KVM_GET_SUPPORTED_HV_CPUID },
	{ KVM_CAP_XEN_HVM, VM, KVM_XEN_HVM_CONFIG },
	{ KVM_CAP_PMU_EVENT_FILTER, VM, KVM_SET_PMU_EVENT_FILTER },
	{ KVM_CAP_X86_MSR_FILTER, VM, KVM_X86_SET_MSR_FILTER },
	{ KVM_CAP_DIRTY_LOG_RING, VM, KVM_RESET_DIRTY_RINGS },
	{ KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, VM, KVM_CLEAR_DIRTY_LOG },
	{ KVM_CAP_KVMCLOCK_CTRL, VCPU, KVM_KVMCLOCK_CTRL },
	{ KVM_CAP_BINARY_STATS_FD, VM, KVM_GET_STATS_FD },
	{ KVM_CAP_BINARY_STATS_FD, VCPU, KVM_GET_STATS_FD },
	{ KVM_CAP_SREGS2, VCPU, KVM_GET_SREGS2 },
	{ KVM_CAP_SREGS2, VCPU, KVM_SET_SREGS2 },
	{ KVM_CAP_XSAVE2, VCPU, KVM_GET_XSAVE2 },
	{ KVM_CAP_VCPU_ATTRIBUTES, VCPU, KVM_GET_DEVICE_ATTR },
	{ KVM_CAP_SYS_ATTRIBUTES, DEV, KVM_GET_DEVICE_ATTR },
	{ KVM_CAP_USER_MEMORY2, VM, KVM_SET_USER_MEMORY_REGION2 },
	{ KVM_CAP_EXT_EMUL_CPUID, DEV, KVM_GET_EMULATED_CPUID },
	{ KVM_CAP_GET_MSR_FEATURES, DEV, KVM_GET_MSR_FEATURE_INDEX_LIST },
	{ KVM_CAP_GET_MSR_FEATURES, DEV, KVM_GET_MSRS },
	{ KVM_CAP_MCE, DEV, KVM_X86_GET_MCE_CAP_SUPPORTED },
	{ KVM_CAP_VM_TSC_CONTROL, VM, KVM_SET_TSC_KHZ },
	{ KVM_CAP_DEVICE_CTRL, VM, KVM_CREATE_DEVICE },
	{ KVM_CAP_SET_BOOT_CPU_ID, VM, KVM_SET_BOOT_CPU_ID },
	{ KVM_CAP_ADJUST_CLOCK, VM, KVM_GET_CLOCK },
	{ KVM_CAP_ADJUST_CLOCK, VM, KVM_SET_CLOCK },
};

/* Stock KVM takes these with or without the capability. */
static bool tolerated(int cap)
{
	return on_stock() && (cap == KVM_CAP_DIRTY_LOG_RING ||
			      cap == KVM_CAP_VM_TSC_CONTROL ||
			      cap == KVM_CAP_X86_BUS_LOCK_EXIT);
}

TEST(caps, unclaimed_ioctls)
{
	struct vcpu *v = vcpu_create(vm_create(), 0);
	const int fds[] = { kvm_dev(), v->vm->fd, v->fd };
	unsigned int bad = 0;
	void *zeroes = map_anon(16 * PAGE);

	for (size_t i = 0; i < ARRAY_SIZE(unclaimed); i++) {
		int cap = unclaimed[i].cap;
		long r;

		if (has_cap(cap) || tolerated(cap))
			continue;
		memset(zeroes, 0, 16 * PAGE);
		r = ioctl(fds[unclaimed[i].level], unclaimed[i].cmd, zeroes);
		if (r == -1 && (errno == ENOTTY || errno == EINVAL ||
				errno == ENXIO || errno == ENODEV))
			continue;
		note("capability %d is not claimed; ioctl %#lx: %ld, %s", cap,
		     unclaimed[i].cmd & 0xff, r, r < 0 ? strerror(errno) : "");
		bad++;
	}
	CHECK_EQ(bad, 0);
}

TEST(caps, unclaimed_cannot_be_enabled)
{
	struct vcpu *v = vcpu_create(vm_create(), 0);
	unsigned int bad = 0;

	for (int cap = 0; cap < LAST_CAP; cap++) {
		if (has_vm_cap(v->vm, cap) || tolerated(cap))
			continue;
		if (!enable(v->vm->fd, cap, 0)) {
			note("VM: capability %d", cap);
			bad++;
		} else if (errno != EINVAL && errno != ENOTTY) {
			note("VM: capability %d: %s", cap, strerror(errno));
			bad++;
		}
		if (!enable(v->fd, cap, 0)) {
			note("vCPU: capability %d", cap);
			bad++;
		} else if (errno != EINVAL && errno != ENOTTY) {
			note("vCPU: capability %d: %s", cap, strerror(errno));
			bad++;
		}
	}
	CHECK_EQ(bad, 0);
}

static bool listed(int cap, const int *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (list[i] == cap)
			return true;
	}
	return false;
}

/* Nothing is claimed that no test tries. */
TEST_STRICT(caps, census, "claims more than this program tries")
{
	unsigned int bad = 0;

	for (int cap = 0; cap < LAST_CAP; cap++) {
		int value = has_cap(cap);

		if (!value || listed(cap, elsewhere, ARRAY_SIZE(elsewhere)) ||
		    listed(cap, __start_abi_caps,
			   __stop_abi_caps - __start_abi_caps))
			continue;
		note("capability %d is claimed (%d) and not tried", cap, value);
		bad++;
	}
	CHECK_EQ(bad, 0);
}
