// SPDX-License-Identifier: GPL-2.0-only
/*
 * Port and memory-mapped I/O through userspace: what an exit says, when the
 * instruction retires, and that nothing userspace writes into struct kvm_run
 * can do more than answer (core/complete.c). Guests run in real mode with
 * their code at 0x1000; everything from 0xf000 on is a device.
 */
#include <kunit/test.h>
#include <linux/uaccess.h>
#include <asm/kvm_para.h>

#include "core/bus.h"
#include "core/compat.h"
#include "core/cr.h"
#include "core/event.h"
#include "core/regs.h"
#include "core/request.h"
#include "core/vm.h"
#include "ops/regs.h"
#include "tests/fake/fake.h"

#define CODE		0x1000
#define DEVICE		0xf000

#define STEP(k, ...)	fake_push(test, vcpu, &(struct fake_step){ .kind = (k), ##__VA_ARGS__ })
#define HLT()		STEP(FAKE_STEP_HLT, .insn_len = 1)

/* The test's guest: the vCPU and where its memory is. */
struct io_guest {
	struct kvm_vcpu *vcpu;
	unsigned long memory;
};

static void flat_segment(struct kvm_vcpu *vcpu, int seg)
{
	struct kvm_segment var;

	kvm_x86_get_segment(vcpu, &var, seg);
	var.base = 0;
	var.selector = 0;
	kvm_x86_set_segment(vcpu, &var, seg);
}

static void set_code(struct kunit *test, struct io_guest *guest, const u8 *code, size_t len)
{
	KUNIT_ASSERT_EQ(test, copy_to_user((void __user *)(guest->memory + CODE), code, len), 0);
	kvm_rip_write(guest->vcpu, CODE);
}

#define CODE_BYTES(...)								\
do {										\
	static const u8 code_[] = { __VA_ARGS__ };				\
	set_code(test, guest, code_, sizeof(code_));				\
} while (0)

static u64 *gpr(struct io_guest *guest, int reg)
{
	return (u64 *)&guest->vcpu->regs[reg];
}

static void pio_out(struct kunit *test)
{
	struct io_guest *guest = test->priv;
	struct kvm_vcpu *vcpu = guest->vcpu;
	struct kvm_run *run = vcpu->run;

	kvm_rip_write(vcpu, CODE);
	*gpr(guest, VCPU_REGS_RAX) = 0x12345678;
	STEP(FAKE_STEP_PIO, .insn_len = 2, .pio = { .port = 0x3f8, .size = 2 });
	HLT();
	KUNIT_ASSERT_EQ(test, fake_run(test, vcpu), KVM_EXIT_IO);
	KUNIT_EXPECT_EQ(test, run->io.direction, KVM_EXIT_IO_OUT);
	KUNIT_EXPECT_EQ(test, run->io.port, 0x3f8);
	KUNIT_EXPECT_EQ(test, run->io.size, 2);
	KUNIT_EXPECT_EQ(test, run->io.count, 1);
	KUNIT_EXPECT_EQ(test, run->io.data_offset, KVM_PIO_PAGE_OFFSET * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, *(u16 *)vcpu->pio_data, 0x5678);
	/* Userspace may want to look at the instruction: it has not retired. */
	KUNIT_EXPECT_EQ(test, kvm_rip_read(vcpu), CODE);
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	KUNIT_EXPECT_EQ(test, kvm_rip_read(vcpu), CODE + 2 + 1);
}

/* An OUT that made userspace reset the machine: nothing of it is left to retire. */
static void pio_out_then_reset(struct kunit *test)
{
	struct io_guest *guest = test->priv;
	struct kvm_vcpu *vcpu = guest->vcpu;

	kvm_rip_write(vcpu, CODE);
	STEP(FAKE_STEP_PIO, .insn_len = 2, .pio = { .port = 0xcf9, .size = 1 });
	HLT();
	KUNIT_ASSERT_EQ(test, fake_run(test, vcpu), KVM_EXIT_IO);
	kvm_rip_write(vcpu, 0xfff0);
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	KUNIT_EXPECT_EQ(test, kvm_rip_read(vcpu), 0xfff0 + 1);
}

static void pio_in(struct kunit *test)
{
	static const struct { u8 size; u64 rax; } cases[] = {
		{ 1, 0xaaaaaaaaaaaaaa44 }, { 2, 0xaaaaaaaaaaaa3344 }, { 4, 0x11223344 },
	};
	struct io_guest *guest = test->priv;
	struct kvm_vcpu *vcpu = guest->vcpu;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		*gpr(guest, VCPU_REGS_RAX) = 0xaaaaaaaaaaaaaaaa;
		STEP(FAKE_STEP_PIO, .insn_len = 1,
		     .pio = { .port = 0x60, .size = cases[i].size, .in = true });
		HLT();
		KUNIT_ASSERT_EQ(test, fake_run(test, vcpu), KVM_EXIT_IO);
		KUNIT_EXPECT_EQ(test, vcpu->run->io.direction, KVM_EXIT_IO_IN);
		KUNIT_EXPECT_EQ(test, vcpu->run->io.size, cases[i].size);
		*(u32 *)vcpu->pio_data = 0x11223344;
		KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
		KUNIT_EXPECT_EQ(test, *gpr(guest, VCPU_REGS_RAX), cases[i].rax);
	}
}

/* The size userspace wrote back is not looked at. */
static void pio_in_scribbled(struct kunit *test)
{
	struct io_guest *guest = test->priv;
	struct kvm_vcpu *vcpu = guest->vcpu;

	*gpr(guest, VCPU_REGS_RAX) = 0;
	STEP(FAKE_STEP_PIO, .insn_len = 1, .pio = { .port = 0x60, .size = 1, .in = true });
	HLT();
	KUNIT_ASSERT_EQ(test, fake_run(test, vcpu), KVM_EXIT_IO);
	memset(vcpu->pio_data, 0xee, 16);
	vcpu->run->io.size = 255;
	vcpu->run->io.count = ~0U;
	vcpu->run->io.data_offset = ~0ULL;
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	KUNIT_EXPECT_EQ(test, *gpr(guest, VCPU_REGS_RAX), 0xee);
}

/* immediate_exit settles what is owed and enters no guest. */
static void pio_in_immediate_exit(struct kunit *test)
{
	struct io_guest *guest = test->priv;
	struct kvm_vcpu *vcpu = guest->vcpu;

	kvm_rip_write(vcpu, CODE);
	STEP(FAKE_STEP_PIO, .insn_len = 1, .pio = { .port = 0x60, .size = 1, .in = true });
	HLT();
	KUNIT_ASSERT_EQ(test, fake_run(test, vcpu), KVM_EXIT_IO);
	*(u8 *)vcpu->pio_data = 0x77;
	vcpu->run->compat_immediate_exit = 1;
	KUNIT_EXPECT_EQ(test, fake_vcpu_ioctl(vcpu, KVM_RUN, 0), -EINTR);
	KUNIT_EXPECT_EQ(test, (u8)*gpr(guest, VCPU_REGS_RAX), 0x77);
	KUNIT_EXPECT_EQ(test, kvm_rip_read(vcpu), CODE + 1);
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->nr_entries, 1);
	vcpu->run->compat_immediate_exit = 0;
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
}

/*
 * Userspace moved the vCPU, by a reset perhaps, instead of answering: the
 * instruction that asked is gone, nothing of it happens at the new place.
 */
static void moved_instead_of_answering(struct kunit *test)
{
	static const struct fake_step steps[] = {
		{ FAKE_STEP_PIO, .insn_len = 1, .pio = { .port = 0x60, .size = 4, .in = true } },
		{ FAKE_STEP_RDMSR, .insn_len = 2 },
		{ FAKE_STEP_WRMSR, .insn_len = 2 },
	};
	struct io_guest *guest = test->priv;
	struct kvm_vcpu *vcpu = guest->vcpu;
	unsigned int i;

	vcpu->kvm->user_space_msr_mask = KVM_MSR_EXIT_REASON_UNKNOWN;
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		kvm_rip_write(vcpu, CODE);
		*gpr(guest, VCPU_REGS_RAX) = 0x1234;
		*gpr(guest, VCPU_REGS_RCX) = 0x12345678;
		fake_push(test, vcpu, &steps[i]);
		HLT();
		KUNIT_ASSERT_NE(test, fake_run(test, vcpu), KVM_EXIT_HLT);
		memset(vcpu->pio_data, 0xee, 4);
		/* For the port read this lies in another exit's fields: harmless. */
		vcpu->run->msr.data = 0x4444;
		vcpu->run->msr.error = 1;
		kvm_rip_write(vcpu, CODE + 0x100);
		KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
		KUNIT_EXPECT_EQ(test, *gpr(guest, VCPU_REGS_RAX), 0x1234);
		KUNIT_EXPECT_EQ(test, kvm_rip_read(vcpu), CODE + 0x101);
		KUNIT_EXPECT_EQ(test, vcpu->stat.exception_injections, 0);
	}
}

/*
 * The stack of an event in delivery is on a device: the access belongs to no
 * instruction that could be emulated.
 */
static void delivery_hits_a_device(struct kunit *test)
{
	struct io_guest *guest = test->priv;
	struct kvm_vcpu *vcpu = guest->vcpu;

	kvm_queue_exception(vcpu, UD_VECTOR);
	STEP(FAKE_STEP_TDP_FAULT, .cut_short = true,
	     .fault = { .gpa = DEVICE + 0x20, .write = true });
	KUNIT_ASSERT_EQ(test, fake_run(test, vcpu), KVM_EXIT_INTERNAL_ERROR);
	KUNIT_EXPECT_EQ(test, vcpu->run->internal.suberror, KVM_INTERNAL_ERROR_DELIVERY_EV);
	KUNIT_ASSERT_EQ(test, vcpu->run->internal.ndata, 2);
	KUNIT_EXPECT_EQ(test, vcpu->run->internal.data[1], DEVICE + 0x20);
	/* It is still to be delivered. */
	KUNIT_EXPECT_TRUE(test, vcpu->ev.exception.injected);
}

/* How often the core said that data of the host may be in the cache, since it was asked last. */
static unsigned int host_data(struct io_guest *guest)
{
	unsigned int *count = &to_fake(guest->vcpu)->log.count[FAKE_HOST_DATA];
	unsigned int old = *count;

	*count = 0;
	return old;
}

static void run_quiet_exits(struct kunit *test)
{
	struct io_guest *guest = test->priv;
	struct kvm_vcpu *vcpu = guest->vcpu;

	STEP(FAKE_STEP_CPUID, .insn_len = 2);
	STEP(FAKE_STEP_CLTS, .insn_len = 2);
	STEP(FAKE_STEP_CR, .insn_len = 3, .cr = { .cr = 8, .gpr = VCPU_REGS_RAX });
	STEP(FAKE_STEP_IRQ_WINDOW);
	STEP(FAKE_STEP_EXTERNAL_INTERRUPT);
	STEP(FAKE_STEP_OTHERS_REQUEST, .value = KVM_REQ_TLB_FLUSH);
	STEP(FAKE_STEP_PIO, .insn_len = 2, .pio = { .port = 0x80, .size = 1 });
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_IO);
	HLT();
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
}

/*
 * Exits whose handlers look at nothing but registers and this VM leave nothing to
 * flush. The host may want to schedule in between, but not each time.
 */
static void host_data_is_not_touched(struct kunit *test)
{
	unsigned int tries = 0, touched;

	do {
		run_quiet_exits(test);
		touched = host_data(test->priv);
	} while (touched && ++tries < 5);
	KUNIT_EXPECT_EQ(test, touched, 0);
}

/* Where the guest makes the host walk, copy, allocate, or the host does work of its own. */
static void host_data_is_touched(struct kunit *test)
{
	struct io_guest *guest = test->priv;
	struct kvm_vcpu *vcpu = guest->vcpu;

	CODE_BYTES(0x90, 0x90);
	STEP(FAKE_STEP_EMULATE);
	HLT();
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	KUNIT_EXPECT_GE(test, host_data(guest), 1);

	STEP(FAKE_STEP_TDP_FAULT, .fault = { .gpa = 0x3000, .write = true });
	HLT();
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	KUNIT_EXPECT_GE(test, host_data(guest), 1);

	STEP(FAKE_STEP_HOST_WORK);
	STEP(FAKE_STEP_PAUSE, .insn_len = 2);
	HLT();
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	KUNIT_EXPECT_GE(test, host_data(guest), 1);

	vcpu->clock.msr = 0x2000 | KVM_MSR_ENABLED;
	STEP(FAKE_STEP_OTHERS_REQUEST, .value = KVM_REQ_CLOCK_UPDATE);
	STEP(FAKE_STEP_PAUSE, .insn_len = 2);
	HLT();
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	KUNIT_EXPECT_GE(test, host_data(guest), 1);
}

/* The hardware found an entry malformed: the VM cannot be trusted any more. */
static void fault_by_malformed_entry(struct kunit *test)
{
	struct io_guest *guest = test->priv;
	struct kvm_vcpu *vcpu = guest->vcpu;

	STEP(FAKE_STEP_TDP_FAULT, .fault = { .gpa = CODE, .rsvd = true });
	KUNIT_EXPECT_EQ(test, fake_vcpu_ioctl(vcpu, KVM_RUN, 0), -EIO);
	/* And so answers every further ioctl. */
	KUNIT_EXPECT_EQ(test, fake_vcpu_ioctl(vcpu, KVM_RUN, 0), -EIO);
}

/* mov eax, [DEVICE + 0x10] */
static void mmio_read(struct kunit *test)
{
	struct io_guest *guest = test->priv;
	struct kvm_vcpu *vcpu = guest->vcpu;
	struct kvm_run *run = vcpu->run;

	CODE_BYTES(0x66, 0xa1, 0x10, 0xf0);
	STEP(FAKE_STEP_EMULATE);
	HLT();
	KUNIT_ASSERT_EQ(test, fake_run(test, vcpu), KVM_EXIT_MMIO);
	KUNIT_EXPECT_EQ(test, run->mmio.phys_addr, DEVICE + 0x10);
	KUNIT_EXPECT_EQ(test, run->mmio.len, 4);
	KUNIT_EXPECT_EQ(test, run->mmio.is_write, 0);
	KUNIT_EXPECT_EQ(test, kvm_rip_read(vcpu), CODE);
	*(u32 *)run->mmio.data = 0xcafef00d;
	/* None of these is read back. */
	run->mmio.len = 0xffffffff;
	run->mmio.is_write = 1;
	run->mmio.phys_addr = ~0ULL;
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	KUNIT_EXPECT_EQ(test, *gpr(guest, VCPU_REGS_RAX), 0xcafef00d);
	KUNIT_EXPECT_EQ(test, kvm_rip_read(vcpu), CODE + 4 + 1);
	KUNIT_EXPECT_EQ(test, vcpu->stat.mmio_exits, 1);
}

/* The same by way of a second-stage fault: an address without memory is a device. */
static void mmio_read_by_fault(struct kunit *test)
{
	struct io_guest *guest = test->priv;
	struct kvm_vcpu *vcpu = guest->vcpu;

	CODE_BYTES(0xa0, 0x20, 0xf0);			/* mov al, [DEVICE + 0x20] */
	*gpr(guest, VCPU_REGS_RAX) = 0x1111;
	STEP(FAKE_STEP_TDP_FAULT, .fault = { .gpa = DEVICE + 0x20 });
	HLT();
	KUNIT_ASSERT_EQ(test, fake_run(test, vcpu), KVM_EXIT_MMIO);
	KUNIT_EXPECT_EQ(test, vcpu->run->mmio.phys_addr, DEVICE + 0x20);
	KUNIT_EXPECT_EQ(test, vcpu->run->mmio.len, 1);
	vcpu->run->mmio.data[0] = 0x22;
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	KUNIT_EXPECT_EQ(test, *gpr(guest, VCPU_REGS_RAX), 0x1122);
}

/* mov [DEVICE + 0x30], eax: the store has retired when userspace sees it. */
static void mmio_write(struct kunit *test)
{
	struct io_guest *guest = test->priv;
	struct kvm_vcpu *vcpu = guest->vcpu;
	struct kvm_run *run = vcpu->run;

	CODE_BYTES(0x66, 0xa3, 0x30, 0xf0);
	*gpr(guest, VCPU_REGS_RAX) = 0x01020304;
	STEP(FAKE_STEP_EMULATE);
	HLT();
	KUNIT_ASSERT_EQ(test, fake_run(test, vcpu), KVM_EXIT_MMIO);
	KUNIT_EXPECT_EQ(test, run->mmio.phys_addr, DEVICE + 0x30);
	KUNIT_EXPECT_EQ(test, run->mmio.len, 4);
	KUNIT_EXPECT_EQ(test, run->mmio.is_write, 1);
	KUNIT_EXPECT_EQ(test, *(u32 *)run->mmio.data, 0x01020304);
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	KUNIT_EXPECT_EQ(test, kvm_rip_read(vcpu), CODE + 4 + 1);
}

/* A store that somebody in the kernel takes is no exit. */
static void mmio_write_coalesced(struct kunit *test)
{
	struct io_guest *guest = test->priv;
	struct kvm_vcpu *vcpu = guest->vcpu;
	struct kvm_coalesced_mmio_ring *ring = vcpu->kvm->buses.ring;
	struct kvm_coalesced_mmio_zone zone = { .addr = DEVICE, .size = 0x100 };

	KUNIT_ASSERT_EQ(test, kvm_vm_ioctl_register_coalesced(vcpu->kvm, &zone), 0);
	CODE_BYTES(0xa3, 0x40, 0xf0);			/* mov [DEVICE + 0x40], ax */
	*gpr(guest, VCPU_REGS_RAX) = 0xbeef;
	STEP(FAKE_STEP_EMULATE);
	HLT();
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	KUNIT_ASSERT_EQ(test, ring->last, 1);
	KUNIT_EXPECT_EQ(test, ring->coalesced_mmio[0].phys_addr, DEVICE + 0x40);
	KUNIT_EXPECT_EQ(test, ring->coalesced_mmio[0].len, 2);
	KUNIT_EXPECT_MEMEQ(test, ring->coalesced_mmio[0].data, "\xef\xbe", 2);
	KUNIT_EXPECT_EQ(test, vcpu->stat.mmio_exits, 0);
}

/* A CPU with SSE2, by the ioctl userspace uses. */
static void set_cpuid(struct kunit *test, struct io_guest *guest)
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entry[2];
	} cpuid = {
		.head = { .nent = 2 },
		.entry = {
			{ .function = 0, .eax = 1 },
			{ .function = 1, .edx = BIT(24) | BIT(25) | BIT(26) },
		},
	};
	unsigned long arg = fake_user_memory(test, PAGE_SIZE);

	KUNIT_ASSERT_EQ(test, copy_to_user((void __user *)arg, &cpuid, sizeof(cpuid)), 0);
	KUNIT_ASSERT_EQ(test, fake_vcpu_ioctl(guest->vcpu, KVM_SET_CPUID2, arg), 0);
}

/* movdqa [DEVICE + 0x50], xmm0: sixteen bytes are two exits, lower half first. */
static void mmio_write_wide(struct kunit *test)
{
	struct io_guest *guest = test->priv;
	struct kvm_vcpu *vcpu = guest->vcpu;
	struct kvm_run *run = vcpu->run;

	set_cpuid(test, guest);
	kvm_install_cr4(vcpu, X86_CR4_OSFXSR);
	CODE_BYTES(0x66, 0x0f, 0x7f, 0x06, 0x50, 0xf0);
	STEP(FAKE_STEP_EMULATE);
	HLT();
	KUNIT_ASSERT_EQ(test, fake_run(test, vcpu), KVM_EXIT_MMIO);
	KUNIT_EXPECT_EQ(test, run->mmio.phys_addr, DEVICE + 0x50);
	KUNIT_EXPECT_EQ(test, run->mmio.len, 8);
	KUNIT_ASSERT_EQ(test, fake_run(test, vcpu), KVM_EXIT_MMIO);
	KUNIT_EXPECT_EQ(test, run->mmio.phys_addr, DEVICE + 0x58);
	KUNIT_EXPECT_EQ(test, run->mmio.len, 8);
	KUNIT_EXPECT_EQ(test, run->mmio.is_write, 1);
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	KUNIT_EXPECT_EQ(test, kvm_rip_read(vcpu), CODE + 6 + 1);
}

/* add [DEVICE + 0x60], al: one read, one write, in this order, once each. */
static void mmio_read_modify_write(struct kunit *test)
{
	struct io_guest *guest = test->priv;
	struct kvm_vcpu *vcpu = guest->vcpu;
	struct kvm_run *run = vcpu->run;

	CODE_BYTES(0x00, 0x06, 0x60, 0xf0);
	*gpr(guest, VCPU_REGS_RAX) = 5;
	STEP(FAKE_STEP_EMULATE);
	HLT();
	KUNIT_ASSERT_EQ(test, fake_run(test, vcpu), KVM_EXIT_MMIO);
	KUNIT_EXPECT_EQ(test, run->mmio.is_write, 0);
	run->mmio.data[0] = 0xfe;
	KUNIT_ASSERT_EQ(test, fake_run(test, vcpu), KVM_EXIT_MMIO);
	KUNIT_EXPECT_EQ(test, run->mmio.is_write, 1);
	KUNIT_EXPECT_EQ(test, run->mmio.phys_addr, DEVICE + 0x60);
	KUNIT_EXPECT_EQ(test, run->mmio.data[0], 0x03);
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	KUNIT_EXPECT_TRUE(test, kvm_get_rflags(vcpu) & X86_EFLAGS_CF);
}

/* rep outsb: one exit carries the string. */
static void pio_string_out(struct kunit *test)
{
	struct io_guest *guest = test->priv;
	struct kvm_vcpu *vcpu = guest->vcpu;

	CODE_BYTES(0xf3, 0x6e);
	KUNIT_ASSERT_EQ(test, copy_to_user((void __user *)(guest->memory + 0x2000), "hello", 5), 0);
	*gpr(guest, VCPU_REGS_RSI) = 0x2000;
	*gpr(guest, VCPU_REGS_RCX) = 5;
	*gpr(guest, VCPU_REGS_RDX) = 0xe9;
	STEP(FAKE_STEP_PIO, .pio = { .port = 0xe9, .size = 1, .string = true });
	HLT();
	KUNIT_ASSERT_EQ(test, fake_run(test, vcpu), KVM_EXIT_IO);
	KUNIT_EXPECT_EQ(test, vcpu->run->io.direction, KVM_EXIT_IO_OUT);
	KUNIT_EXPECT_EQ(test, vcpu->run->io.port, 0xe9);
	KUNIT_EXPECT_EQ(test, vcpu->run->io.count, 5);
	KUNIT_EXPECT_MEMEQ(test, vcpu->pio_data, "hello", 5);
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	KUNIT_EXPECT_EQ(test, (u16)*gpr(guest, VCPU_REGS_RCX), 0);
	KUNIT_EXPECT_EQ(test, (u16)*gpr(guest, VCPU_REGS_RSI), 0x2005);
	KUNIT_EXPECT_EQ(test, kvm_rip_read(vcpu), CODE + 2 + 1);
}

/* rep insw: what userspace put into the page lands in guest memory, whatever count says then. */
static void pio_string_in(struct kunit *test)
{
	struct io_guest *guest = test->priv;
	struct kvm_vcpu *vcpu = guest->vcpu;
	unsigned int asked = 0;
	u16 memory[4];
	u32 reason;
	int i;

	CODE_BYTES(0xf3, 0x6d);
	*gpr(guest, VCPU_REGS_RDI) = 0x2100;
	*gpr(guest, VCPU_REGS_RCX) = 3;
	*gpr(guest, VCPU_REGS_RDX) = 0x1f0;
	for (i = 0; i < 4; i++)
		STEP(FAKE_STEP_PIO,
		     .pio = { .port = 0x1f0, .size = 2, .in = true, .string = true });
	/* How many of the three an exit asks for is the emulator's choice. */
	while (asked < 3) {
		reason = fake_run(test, vcpu);
		KUNIT_ASSERT_EQ(test, reason, KVM_EXIT_IO);
		KUNIT_ASSERT_EQ(test, vcpu->run->io.size, 2);
		KUNIT_ASSERT_GE(test, vcpu->run->io.count, 1);
		KUNIT_ASSERT_LE(test, asked + vcpu->run->io.count, 3);
		for (i = 0; i < vcpu->run->io.count; i++)
			((u16 *)vcpu->pio_data)[i] = 0x4000 + asked++;
		vcpu->run->io.count = 0xffff;
	}
	to_fake(vcpu)->script_nr = 0;
	HLT();
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	KUNIT_ASSERT_EQ(test, copy_from_user(memory, (void __user *)(guest->memory + 0x2100), 8),
			0);
	KUNIT_EXPECT_EQ(test, memory[0], 0x4000);
	KUNIT_EXPECT_EQ(test, memory[1], 0x4001);
	KUNIT_EXPECT_EQ(test, memory[2], 0x4002);
	KUNIT_EXPECT_EQ(test, memory[3], 0);
	KUNIT_EXPECT_EQ(test, (u16)*gpr(guest, VCPU_REGS_RCX), 0);
}

static int complete_init(struct kunit *test)
{
	struct io_guest *guest = kunit_kzalloc(test, sizeof(*guest), GFP_KERNEL);
	struct kvm *kvm = fake_vm_create(test);
	int seg;

	KUNIT_ASSERT_NOT_NULL(test, guest);
	guest->vcpu = fake_vcpu_create(test, kvm);
	guest->memory = fake_add_slot(test, kvm, 0, 0, DEVICE, 0);
	for (seg = VCPU_SREG_ES; seg <= VCPU_SREG_GS; seg++)
		flat_segment(guest->vcpu, seg);
	test->priv = guest;
	return 0;
}

static struct kunit_case complete_test_cases[] = {
	KUNIT_CASE(pio_out),
	KUNIT_CASE(pio_out_then_reset),
	KUNIT_CASE(pio_in),
	KUNIT_CASE(pio_in_scribbled),
	KUNIT_CASE(pio_in_immediate_exit),
	KUNIT_CASE(moved_instead_of_answering),
	KUNIT_CASE(delivery_hits_a_device),
	KUNIT_CASE(host_data_is_not_touched),
	KUNIT_CASE(host_data_is_touched),
	KUNIT_CASE(fault_by_malformed_entry),
	KUNIT_CASE(mmio_read),
	KUNIT_CASE(mmio_read_by_fault),
	KUNIT_CASE(mmio_write),
	KUNIT_CASE(mmio_write_coalesced),
	KUNIT_CASE(mmio_write_wide),
	KUNIT_CASE(mmio_read_modify_write),
	KUNIT_CASE(pio_string_out),
	KUNIT_CASE(pio_string_in),
	{}
};

static struct kunit_suite complete_test_suite = {
	.name = "complete",
	.init = complete_init,
	.test_cases = complete_test_cases,
};

kunit_test_suites(&complete_test_suite);
