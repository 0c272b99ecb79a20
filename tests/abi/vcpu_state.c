// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is set is what is got, for every piece of vCPU state, and the guest
 * sees it.  The FPU is in vcpu_fpu.c; values that must be refused are in
 * bad_state.c.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "harness.h"

static struct vcpu *new_vcpu(void)
{
	return vcpu_create(vm_create(), 0);
}

/* Enter the guest once, so that state goes through the hardware and back. */
PROGRAM(nop_hlt, 64,
	"	nop\n"
	"	hlt\n"
	"	jmp guest_nop_hlt\n");

TEST(state, regs)
{
	struct vcpu *v = new_vcpu();
	struct kvm_regs set, got;

	for (size_t i = 0; i < sizeof(set) / 8; i++)
		((u64 *)&set)[i] = 0x1122334455667700ULL + i;
	set.rip = 0xffffffff81000000;
	set.rflags = 0x2 | 0x8d5 | 0x200 | 0x3000;
	set_regs(v, &set);
	got = get_regs(v);
	CHECK_MEM(&got, &set, sizeof(set));
}

TEST(state, regs_through_guest)
{
	struct vcpu *v = vcpu_with(MODE_LONG, nop_hlt);
	struct kvm_regs set = get_regs(v), got;
	u64 rip = set.rip;

	for (size_t i = 0; i < 16; i++)
		((u64 *)&set)[i] = 0x8877665544332200ULL + i;
	set.rflags = 0x2 | 0x8d5;
	set_regs(v, &set);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	got = get_regs(v);
	set.rip = rip + 2;
	CHECK_MEM(&got, &set, sizeof(set));
}

/* Bit 1 of RFLAGS is always one. */
TEST(state, rflags_fixed_bit)
{
	struct vcpu *v = new_vcpu();

	SET_REG(v, rflags, 0);
	CHECK_EQ(get_regs(v).rflags, 2);
}

static struct kvm_segment segment(unsigned int n)
{
	return (struct kvm_segment) {
		.base = 0x100000 * (n + 1), .limit = 0x100000 * (n + 2) | 0xfff,
		.selector = 8 * (n + 1), .type = 3, .present = 1, .dpl = 0,
		.db = 1, .s = 1, .g = 1, .avl = n & 1,
	};
}

static void no_padding(struct kvm_sregs *s)
{
	struct kvm_segment *seg[] = {
		&s->cs, &s->ds, &s->es, &s->fs, &s->gs, &s->ss, &s->tr, &s->ldt,
	};

	for (size_t i = 0; i < ARRAY_SIZE(seg); i++)
		seg[i]->padding = 0;
	memset(s->gdt.padding, 0, sizeof(s->gdt.padding));
	memset(s->idt.padding, 0, sizeof(s->idt.padding));
}

TEST(state, sregs)
{
	struct vcpu *v = new_vcpu();
	struct kvm_sregs set = get_sregs(v), got;

	set.cs = segment(0);
	set.cs.type = 0xb;
	set.ds = segment(1);
	set.es = segment(2);
	set.fs = segment(3);
	set.gs = segment(4);
	set.ss = segment(5);
	set.tr = segment(6);
	set.tr.s = 0;
	set.tr.type = 0xb;
	set.tr.db = 0;
	set.ldt = segment(7);
	set.ldt.s = 0;
	set.ldt.type = 2;
	set.ldt.db = 0;
	set.gdt.base = 0xffffffff80001000;
	set.gdt.limit = 0x7f;
	set.idt.base = 0xffffffff80002000;
	set.idt.limit = 0xfff;
	set.cr0 = 0x80050033;
	set.cr2 = 0xdeadbeef000;
	set.cr3 = 0x12345000;
	set.cr4 = 0x6b0;		/* PSE, PAE, PGE, OSFXSR, OSXMMEXCPT */
	set.cr8 = 5;
	set.efer = 0x801;		/* SCE, NXE */
	set_sregs(v, &set);
	got = get_sregs(v);
	no_padding(&got);
	no_padding(&set);
	CHECK_MEM(&got, &set, sizeof(set));
}

/* The same in long mode, where the top halves of bases count. */
TEST(state, sregs_long_mode)
{
	struct vcpu *v = vcpu_with(MODE_LONG, nop_hlt);
	struct kvm_sregs set = get_sregs(v), got;

	set.fs.base = 0x7f0123456000;
	set.gs.base = 0xffff888012345000;
	set.tr.base = 0xffffc90000001000;
	set.cr2 = 0xffff800000000123;
	set.cr8 = 0xf;
	set_sregs(v, &set);
	got = get_sregs(v);
	no_padding(&got);
	no_padding(&set);
	CHECK_MEM(&got, &set, sizeof(set));
	v->run->cr8 = 0xf;
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	got = get_sregs(v);
	no_padding(&got);
	CHECK_MEM(&got, &set, sizeof(set));
}

PROGRAM(long_mode_on, 32,
	"	movl $0xc0000080, %ecx\n"	/* EFER */
	"	rdmsr\n"
	"	orl $0x100, %eax\n"
	"	wrmsr\n"
	"	movl %cr0, %eax\n"
	"	orl $0x80000000, %eax\n"
	"	movl %eax, %cr0\n"
	"	out %al, $0x10\n");

/* The CPU turns long mode on whatever TSS is loaded; VMX enters with one kind only. */
TEST(state, long_mode_with_16_bit_tss)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, long_mode_on);
	struct kvm_sregs s = get_sregs(v);

	vcpu_mode(v, MODE_LONG);	/* for its page tables */
	s.tr.type = 3;
	s.cr4 |= 0x20;
	s.cr3 = GPA_PML4;
	set_sregs(v, &s);
	EXPECT_EXIT(v, KVM_EXIT_IO);
	CHECK_EQ(get_sregs(v).efer, 0x500);
}

/* An unusable segment is reported as such. */
TEST(state, unusable_segment)
{
	struct vcpu *v = vcpu_with(MODE_LONG, nop_hlt);
	struct kvm_sregs s = get_sregs(v);

	memset(&s.fs, 0, sizeof(s.fs));
	s.fs.unusable = 1;
	s.fs.base = 0x5000;
	set_sregs(v, &s);
	s = get_sregs(v);
	CHECK_EQ(s.fs.unusable, 1);
	CHECK_EQ(s.fs.base, 0x5000);
	CHECK_EQ(s.ds.unusable, 0);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	CHECK_EQ(get_sregs(v).fs.base, 0x5000);
}

/* The bitmap in sregs is the interrupt that waits for delivery. */
TEST(state, sregs_interrupt_bitmap)
{
	struct vcpu *v = new_vcpu();
	struct kvm_sregs s = get_sregs(v);

	s.interrupt_bitmap[0x41 / 64] = 1ULL << (0x41 % 64);
	set_sregs(v, &s);
	s = get_sregs(v);
	for (unsigned int i = 0; i < ARRAY_SIZE(s.interrupt_bitmap); i++)
		CHECK_EQ(s.interrupt_bitmap[i], i == 1 ? 2 : 0);
	CHECK_EQ(get_events(v).interrupt.injected, 1);
	CHECK_EQ(get_events(v).interrupt.nr, 0x41);
}

#ifdef KVM_GET_SREGS2
TEST(state, sregs2)
{
	struct vcpu *v = vcpu_with(MODE_PAE, nop_hlt);
	struct kvm_sregs2 set = { 0 }, got = { 0 };

	NEED_CAP(KVM_CAP_SREGS2);
	CHECK_OK(ioctl(v->fd, KVM_GET_SREGS2, &set));
	set.cr2 = 0x1234567;
	set.gs.base = 0x77000;
	set.flags = KVM_SREGS2_FLAGS_PDPTRS_VALID;
	for (unsigned int i = 0; i < 4; i++)
		set.pdptrs[i] = (GPA_PD + i * PAGE) | 1;
	CHECK_OK(ioctl(v->fd, KVM_SET_SREGS2, &set));
	CHECK_OK(ioctl(v->fd, KVM_GET_SREGS2, &got));
	CHECK_EQ(got.cr2, set.cr2);
	CHECK_EQ(got.gs.base, set.gs.base);
	CHECK_EQ(got.cr0, set.cr0);
	CHECK_EQ(got.cr3, set.cr3);
	CHECK_EQ(got.cr4, set.cr4);
	CHECK_EQ(got.efer, set.efer);
	if (got.flags & KVM_SREGS2_FLAGS_PDPTRS_VALID)
		CHECK_MEM(got.pdptrs, set.pdptrs, sizeof(set.pdptrs));
	set.flags = 0x80;
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_SREGS2, &set), EINVAL);
	set.flags = 0;
	CHECK_OK(ioctl(v->fd, KVM_SET_SREGS2, &set));
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_SREGS2, BAD_PTR), EFAULT);
	CHECK_ERRNO(ioctl(v->fd, KVM_GET_SREGS2, BAD_PTR), EFAULT);
}
#endif

TEST(state, debugregs)
{
	struct vcpu *v = new_vcpu();
	struct kvm_debugregs set = { 0 }, got = { 0 };

	NEED_CAP(KVM_CAP_DEBUGREGS);
	CHECK_OK(ioctl(v->fd, KVM_GET_DEBUGREGS, &got));
	CHECK_EQ(got.dr6, 0xffff0ff0);
	CHECK_EQ(got.dr7, 0x400);
	for (unsigned int i = 0; i < 4; i++)
		set.db[i] = 0xffff800000001000 + i * 0x10;
	set.dr6 = 0xffff4ff3;
	set.dr7 = 0x333307ff;
	CHECK_OK(ioctl(v->fd, KVM_SET_DEBUGREGS, &set));
	CHECK_OK(ioctl(v->fd, KVM_GET_DEBUGREGS, &got));
	CHECK_MEM(got.db, set.db, sizeof(set.db));
	CHECK_EQ(got.dr6, set.dr6);
	CHECK_EQ(got.dr7, set.dr7);
	CHECK_EQ(got.flags, 0);
}

PROGRAM(read_dr, 64,
	"	mov %dr0, %rax\n"
	"	mov %dr3, %rbx\n"
	"	mov %dr6, %rcx\n"
	"	mov %dr7, %rdx\n"
	"	movabs $0xffff888000001230, %rsi\n"
	"	mov %rsi, %dr1\n"
	"	hlt\n");

TEST(state, debugregs_in_guest)
{
	struct vcpu *v = vcpu_with(MODE_LONG, read_dr);
	struct kvm_debugregs d = { 0 };
	struct kvm_regs r;

	d.db[0] = 0x1111111111;
	d.db[3] = 0x3333333333;
	d.dr6 = 0xffff0ff2;
	d.dr7 = 0x400;
	CHECK_OK(ioctl(v->fd, KVM_SET_DEBUGREGS, &d));
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	r = get_regs(v);
	CHECK_EQ(r.rax, 0x1111111111);
	CHECK_EQ(r.rbx, 0x3333333333);
	CHECK_EQ(r.rcx, 0xffff0ff2);
	CHECK_EQ(r.rdx, 0x400);
	CHECK_OK(ioctl(v->fd, KVM_GET_DEBUGREGS, &d));
	CHECK_EQ(d.db[0], 0x1111111111);
	CHECK_EQ(d.db[1], 0xffff888000001230);
	CHECK_EQ(d.dr6, 0xffff0ff2);
}

/* Each MSR with a value that is legal and not its reset value. */
static const struct { u32 index; u64 value; } msr_values[] = {
	{ 0x174, 0x10 },			/* SYSENTER_CS */
	{ 0x175, 0x7ffff000 },			/* SYSENTER_ESP */
	{ 0x176, 0xc1001000 },			/* SYSENTER_EIP */
	{ 0x277, 0x0407050600070106 },		/* PAT */
	{ 0xc0000081, 0x0023001000000000 },	/* STAR */
	{ 0xc0000082, 0xffffffff81002000 },	/* LSTAR */
	{ 0xc0000083, 0xffffffff81003000 },	/* CSTAR */
	{ 0xc0000084, 0x47700 },		/* SFMASK */
	{ 0xc0000100, 0x7f1234567000 },		/* FS_BASE */
	{ 0xc0000101, 0xffff888000001000 },	/* GS_BASE */
	{ 0xc0000102, 0xffff888000002000 },	/* KERNEL_GS_BASE */
	{ 0x2ff, 0xc06 },			/* MTRRdefType */
	{ 0x200, 0xc0000006 },			/* MTRRphysBase0 */
	{ 0x201, 0xffc0000800 },		/* MTRRphysMask0 */
	{ 0x250, 0x0606060606060606 },		/* MTRRfix64K */
	{ 0x26f, 0x0505050505050505 },		/* MTRRfix4K_F8000 */
};

TEST(state, msrs)
{
	struct vcpu *v = vcpu_with(MODE_LONG, nop_hlt);
	u64 got;

	for (size_t i = 0; i < ARRAY_SIZE(msr_values); i++) {
		if (!set_msr(v, msr_values[i].index, msr_values[i].value))
			FAIL("MSR %#x cannot be set", msr_values[i].index);
	}
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < ARRAY_SIZE(msr_values); i++) {
			if (!get_msr(v, msr_values[i].index, &got))
				FAIL("MSR %#x cannot be read",
				     msr_values[i].index);
			if (got != msr_values[i].value)
				FAIL("MSR %#x is %#lx, not %#lx (pass %d)",
				     msr_values[i].index, (unsigned long)got,
				     (unsigned long)msr_values[i].value, pass);
		}
		EXPECT_EXIT(v, KVM_EXIT_HLT);
	}
	/* FS and GS are the segments' bases. */
	CHECK_EQ(get_sregs(v).fs.base, 0x7f1234567000);
	CHECK_EQ(get_sregs(v).gs.base, 0xffff888000001000);
}

/* An Intel CPU would fault on the host that loads such a value for the guest. */
TEST(state, syscall_mask_has_32_bits)
{
	struct vcpu *v = vcpu_with(MODE_LONG, nop_hlt);
	u64 got;

	if (strstr(kvm_module(), "svm") || strstr(kvm_module(), "amd"))
		skip("an AMD CPU ignores the high half");
	CHECK(set_msr(v, 0xc0000084, 0x47700));
	CHECK(!set_msr(v, 0xc0000084, 0x100000000));
	CHECK(get_msr(v, 0xc0000084, &got));
	CHECK_EQ(got, 0x47700);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
}

PROGRAM(rdmsr, 64,
	"1:	rdmsr\n"
	"	hlt\n"
	"	wrmsr\n"
	"	hlt\n"
	"	jmp 1b\n");

TEST(state, msrs_in_guest)
{
	struct vcpu *v = vcpu_with(MODE_LONG, rdmsr);
	u64 got;

	for (size_t i = 0; i < ARRAY_SIZE(msr_values); i++) {
		struct kvm_regs r = get_regs(v);

		CHECK(set_msr(v, msr_values[i].index, msr_values[i].value));
		r.rcx = msr_values[i].index;
		r.rip = GPA_CODE;
		set_regs(v, &r);
		EXPECT_EXIT(v, KVM_EXIT_HLT);
		r = get_regs(v);
		CHECK_EQ(r.rax | r.rdx << 32, msr_values[i].value);
		/* Now the guest writes what it read, where something else was. */
		CHECK(set_msr(v, msr_values[i].index, 0));
		EXPECT_EXIT(v, KVM_EXIT_HLT);
		CHECK(get_msr(v, msr_values[i].index, &got));
		CHECK_EQ(got, msr_values[i].value);
	}
}

/* A list is worked off until the first that fails; the count says where. */
TEST(state, msr_lists)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry[3];
	} m = {
		.head.nmsrs = 3,
		.entry = {
			{ .index = 0x174, .data = 0x33 },
			{ .index = 0x12345678, .data = 1 },
			{ .index = 0x175, .data = 0x44 },
		},
	};
	struct vcpu *v = new_vcpu();
	u64 value;

	CHECK_EQ(CHECK_OK(ioctl(v->fd, KVM_SET_MSRS, &m)), 1);
	CHECK(get_msr(v, 0x174, &value));
	CHECK_EQ(value, 0x33);
	CHECK(get_msr(v, 0x175, &value));
	CHECK_EQ(value, 0);
	CHECK_EQ(CHECK_OK(ioctl(v->fd, KVM_GET_MSRS, &m)), 1);
	m.head.nmsrs = 0;
	CHECK_EQ(CHECK_OK(ioctl(v->fd, KVM_GET_MSRS, &m)), 0);
	m.head.nmsrs = 1 << 24;
	CHECK_ERRNO(ioctl(v->fd, KVM_GET_MSRS, &m), E2BIG);
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_MSRS, &m), E2BIG);
}

/* The TSC goes on from what was set. */
TEST(state, tsc)
{
	struct vcpu *v = new_vcpu();
	u64 got;
	const u64 set = 0x123456789abcdef0 & ~0xffULL;

	CHECK(set_msr(v, 0x10, set));
	CHECK(get_msr(v, 0x10, &got));
	CHECK(got >= set && got - set < 1ULL << 40);
}

PROGRAM(rdtsc, 64,
	"	rdtsc\n"
	"	hlt\n");

TEST(state, tsc_in_guest)
{
	struct vcpu *v = vcpu_with(MODE_LONG, rdtsc);
	const u64 set = 0x5000000000000000;
	u64 before, after, guest;
	struct kvm_regs r;

	CHECK(set_msr(v, 0x10, set));
	CHECK(get_msr(v, 0x10, &before));
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	r = get_regs(v);
	guest = r.rax | r.rdx << 32;
	CHECK(get_msr(v, 0x10, &after));
	CHECK(before <= guest);
	CHECK(guest <= after);
}

TEST(state, device_attr_tsc_offset)
{
	struct vcpu *v = new_vcpu();
	u64 value = 0, got = 0;
	struct kvm_device_attr a = {
		.group = KVM_VCPU_TSC_CTRL, .attr = KVM_VCPU_TSC_OFFSET,
		.addr = (uintptr_t)&value,
	};

	NEED_CAP(KVM_CAP_VCPU_ATTRIBUTES);
	CHECK_OK(ioctl(v->fd, KVM_HAS_DEVICE_ATTR, &a));
	CHECK_OK(ioctl(v->fd, KVM_GET_DEVICE_ATTR, &a));
	value += 0x123456789;
	CHECK_OK(ioctl(v->fd, KVM_SET_DEVICE_ATTR, &a));
	a.addr = (uintptr_t)&got;
	CHECK_OK(ioctl(v->fd, KVM_GET_DEVICE_ATTR, &a));
	CHECK_EQ(got, value);
	a.addr = (uintptr_t)BAD_PTR;
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_DEVICE_ATTR, &a), EFAULT);
	CHECK_ERRNO(ioctl(v->fd, KVM_GET_DEVICE_ATTR, &a), EFAULT);
	a.attr = 77;
	CHECK_ERRNO(ioctl(v->fd, KVM_HAS_DEVICE_ATTR, &a), ENXIO);
	CHECK_ERRNO(ioctl(v->fd, KVM_GET_DEVICE_ATTR, &a), ENXIO);
	a.group = 77;
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_DEVICE_ATTR, &a), ENXIO);
	CHECK_ERRNO(ioctl(v->fd, KVM_HAS_DEVICE_ATTR, BAD_PTR), EFAULT);
}

TEST(state, events)
{
	struct vcpu *v = new_vcpu();
	struct kvm_vcpu_events set = get_events(v), got;

	NEED_CAP(KVM_CAP_VCPU_EVENTS);
	CHECK_EQ(set.exception.injected | set.interrupt.injected, 0);
	CHECK_EQ(set.nmi.injected | set.nmi.pending | set.nmi.masked, 0);
	set.exception.injected = 1;
	set.exception.nr = 14;
	set.exception.has_error_code = 1;
	set.exception.error_code = 0x7;
	set.interrupt.injected = 1;
	set.interrupt.nr = 0x55;
	set.interrupt.shadow = KVM_X86_SHADOW_INT_STI;
	set.nmi.injected = 1;
	set.nmi.pending = 1;
	set.nmi.masked = 1;
	set.flags = KVM_VCPUEVENT_VALID_NMI_PENDING |
		    KVM_VCPUEVENT_VALID_SHADOW;
	CHECK_OK(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &set));
	got = get_events(v);
	CHECK_EQ(got.exception.injected, 1);
	CHECK_EQ(got.exception.nr, 14);
	CHECK_EQ(got.exception.has_error_code, 1);
	CHECK_EQ(got.exception.error_code, 7);
	CHECK_EQ(got.interrupt.injected, 1);
	CHECK_EQ(got.interrupt.nr, 0x55);
	CHECK(got.interrupt.shadow);
	CHECK_EQ(got.nmi.injected, 1);
	CHECK_EQ(got.nmi.pending, 1);
	CHECK_EQ(got.nmi.masked, 1);
	CHECK(got.flags & KVM_VCPUEVENT_VALID_NMI_PENDING);
	CHECK(got.flags & KVM_VCPUEVENT_VALID_SHADOW);
	memset(&set, 0, sizeof(set));
	set.flags = KVM_VCPUEVENT_VALID_NMI_PENDING |
		    KVM_VCPUEVENT_VALID_SHADOW;
	CHECK_OK(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &set));
	got = get_events(v);
	CHECK_EQ(got.exception.injected | got.interrupt.injected |
		 got.interrupt.shadow | got.nmi.injected | got.nmi.pending |
		 got.nmi.masked, 0);
}

TEST(state, events_payload)
{
	struct vm *vm = vm_create();
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_EXCEPTION_PAYLOAD, .args[0] = 1,
	};
	struct kvm_vcpu_events set = { 0 }, got;
	struct vcpu *v;

	NEED_CAP(KVM_CAP_EXCEPTION_PAYLOAD);
	CHECK_OK(ioctl(vm->fd, KVM_ENABLE_CAP, &cap));
	v = vcpu_create(vm, 0);
	set.flags = KVM_VCPUEVENT_VALID_PAYLOAD;
	set.exception.pending = 1;
	set.exception.nr = 14;
	set.exception.has_error_code = 1;
	set.exception.error_code = 2;
	set.exception_has_payload = 1;
	set.exception_payload = 0xabcdef000;
	CHECK_OK(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &set));
	got = get_events(v);
	CHECK(got.flags & KVM_VCPUEVENT_VALID_PAYLOAD);
	CHECK_EQ(got.exception.pending, 1);
	CHECK_EQ(got.exception.injected, 0);
	CHECK_EQ(got.exception.nr, 14);
	CHECK_EQ(got.exception_has_payload, 1);
	CHECK_EQ(got.exception_payload, 0xabcdef000);
}

TEST(state, events_triple_fault)
{
	struct vm *vm = vm_create();
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_X86_TRIPLE_FAULT_EVENT, .args[0] = 1,
	};
	struct kvm_vcpu_events set = { 0 }, got;
	struct vcpu *v;

	NEED_CAP(KVM_CAP_X86_TRIPLE_FAULT_EVENT);
	CHECK_OK(ioctl(vm->fd, KVM_ENABLE_CAP, &cap));
	v = vcpu_create(vm, 0);
	set.flags = KVM_VCPUEVENT_VALID_TRIPLE_FAULT;
	set.triple_fault.pending = 1;
	CHECK_OK(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &set));
	got = get_events(v);
	CHECK(got.flags & KVM_VCPUEVENT_VALID_TRIPLE_FAULT);
	CHECK_EQ(got.triple_fault.pending, 1);
	EXPECT_EXIT(v, KVM_EXIT_SHUTDOWN);
}

TEST(state, mp_state)
{
	struct vcpu *v = new_vcpu();
	struct kvm_mp_state mp = { .mp_state = 99 };

	NEED_CAP(KVM_CAP_MP_STATE);
	CHECK_OK(ioctl(v->fd, KVM_GET_MP_STATE, &mp));
	/* Without an in-kernel local APIC a vCPU is always runnable. */
	CHECK_EQ(mp.mp_state, KVM_MP_STATE_RUNNABLE);
	CHECK_OK(ioctl(v->fd, KVM_SET_MP_STATE, &mp));
	CHECK_OK(ioctl(v->fd, KVM_GET_MP_STATE, &mp));
	CHECK_EQ(mp.mp_state, KVM_MP_STATE_RUNNABLE);
}

TEST(state, cpuid2)
{
	struct vcpu *v = new_vcpu();
	struct kvm_cpuid2 *set = supported_cpuid(), *got = supported_cpuid();
	u32 nent = set->nent;

	for (u32 i = 0; i < nent; i++) {
		set->entries[i].padding[0] = 0;
		set->entries[i].padding[1] = 0;
		set->entries[i].padding[2] = 0;
	}
	/* Something of our own, so that nothing canned can pass. */
	cpuid_find(set, 1, 0)->eax ^= 0xf;
	cpuid_find(set, 0, 0)->ebx = 0x41424344;
	CHECK_OK(ioctl(v->fd, KVM_SET_CPUID2, set));
	memset(got->entries, 0, nent * sizeof(got->entries[0]));
	got->nent = nent - 1;
	CHECK_ERRNO(ioctl(v->fd, KVM_GET_CPUID2, got), E2BIG);
	got->nent = nent;
	CHECK_OK(ioctl(v->fd, KVM_GET_CPUID2, got));
	CHECK_EQ(got->nent, nent);
	for (u32 i = 0; i < nent; i++) {
		struct kvm_cpuid_entry2 *g = &got->entries[i];
		struct kvm_cpuid_entry2 *s = &set->entries[i];

		CHECK_EQ(g->function, s->function);
		CHECK_EQ(g->index, s->index);
		CHECK_EQ(g->flags, s->flags);
		CHECK_EQ(g->eax, s->eax);
		/* OSXSAVE, OSPKE and XSAVE sizes follow CR4 and XCR0. */
		if (s->function == 0xd)
			continue;
		CHECK_EQ(g->edx, s->edx);
		CHECK_EQ(g->ecx & ~(1u << 27) & ~(1u << 4),
			 s->ecx & ~(1u << 27) & ~(1u << 4));
		if (s->function != 1)
			CHECK_EQ(g->ebx, s->ebx);
	}
}

PROGRAM(cpuid, 64,
	"	cpuid\n"
	"	hlt\n");

TEST(state, cpuid_in_guest)
{
	struct vcpu *v = vcpu_with(MODE_LONG, cpuid);
	struct kvm_cpuid2 *c = supported_cpuid();
	struct kvm_regs r = get_regs(v);

	cpuid_find(c, 0, 0)->ebx = 0x64636261;
	CHECK_OK(ioctl(v->fd, KVM_SET_CPUID2, c));
	r.rax = 0;
	r.rcx = 0;
	set_regs(v, &r);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	r = get_regs(v);
	CHECK_EQ(r.rax, cpuid_find(c, 0, 0)->eax);
	CHECK_EQ(r.rbx, 0x64636261);
	CHECK_EQ(r.rdx, cpuid_find(c, 0, 0)->edx);
	/* CPUID changes all four, and clears the upper halves. */
	r.rip = GPA_CODE;
	r.rax = 0xffffffff80000001;
	r.rbx = ~0ULL;
	r.rcx = 0xffffffff00000000;
	r.rdx = ~0ULL;
	set_regs(v, &r);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	r = get_regs(v);
	CHECK_EQ(r.rax, cpuid_find(c, 0x80000001, 0)->eax);
	CHECK_EQ(r.rbx, cpuid_find(c, 0x80000001, 0)->ebx);
	CHECK_EQ(r.rdx, cpuid_find(c, 0x80000001, 0)->edx);
}

/* After a run, the same CPUID may be set again and no other. */
TEST(state, cpuid_after_run)
{
	struct vcpu *v = vcpu_with(MODE_LONG, nop_hlt);
	struct kvm_cpuid2 *c = supported_cpuid();

	EXPECT_EXIT(v, KVM_EXIT_HLT);
	CHECK_OK(ioctl(v->fd, KVM_SET_CPUID2, c));
	cpuid_find(c, 1, 0)->eax ^= 0xf0;
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_CPUID2, c), EINVAL);
}

TEST(state, tsc_khz)
{
	struct vcpu *v = new_vcpu();
	long khz = CHECK_OK(ioctl(v->fd, KVM_GET_TSC_KHZ, 0UL));

	NEED_CAP(KVM_CAP_GET_TSC_KHZ);
	CHECK(khz > 0);
	CHECK_OK(ioctl(v->fd, KVM_SET_TSC_KHZ, khz));
	CHECK_EQ(CHECK_OK(ioctl(v->fd, KVM_GET_TSC_KHZ, 0UL)), khz);
	if (!has_cap(KVM_CAP_TSC_CONTROL))
		return;
	CHECK_OK(ioctl(v->fd, KVM_SET_TSC_KHZ, khz / 2));
	CHECK_EQ(CHECK_OK(ioctl(v->fd, KVM_GET_TSC_KHZ, 0UL)), khz / 2);
}

TEST(state, sync_regs_get)
{
	struct vcpu *v = vcpu_with(MODE_LONG, nop_hlt);
	int fields = has_vm_cap(v->vm, KVM_CAP_SYNC_REGS);
	struct kvm_regs r;

	if (!(fields & KVM_SYNC_X86_REGS))
		skip("KVM_SYNC_X86_REGS is not claimed");
	CHECK_EQ(fields & ~7, 0);
	v->run->kvm_valid_regs = fields;
	r = get_regs(v);
	r.rbx = 0x4455;
	set_regs(v, &r);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	r = get_regs(v);
	CHECK_MEM(&v->run->s.regs.regs, &r, sizeof(r));
	if (fields & KVM_SYNC_X86_SREGS) {
		CHECK_EQ(v->run->s.regs.sregs.cr3, get_sregs(v).cr3);
		CHECK_EQ(v->run->s.regs.sregs.efer, get_sregs(v).efer);
	}
	/* Not asked for, not written. */
	v->run->kvm_valid_regs = 0;
	v->run->s.regs.regs.rbx = 0xaaaa;
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	CHECK_EQ(v->run->s.regs.regs.rbx, 0xaaaa);
}

TEST(state, sync_regs_set)
{
	struct vcpu *v = vcpu_with(MODE_LONG, nop_hlt);
	int fields = has_vm_cap(v->vm, KVM_CAP_SYNC_REGS);

	if (!(fields & KVM_SYNC_X86_REGS))
		skip("KVM_SYNC_X86_REGS is not claimed");
	v->run->s.regs.regs = get_regs(v);
	v->run->s.regs.regs.r13 = 0x1313;
	v->run->kvm_dirty_regs = KVM_SYNC_X86_REGS;
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	CHECK_EQ(get_regs(v).r13, 0x1313);
	CHECK_EQ(v->run->kvm_dirty_regs, 0);
	v->run->s.regs.regs.r13 = 7;
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	CHECK_EQ(get_regs(v).r13, 0x1313);
}

TEST(state, sync_regs_refused)
{
	struct vcpu *v = vcpu_with(MODE_LONG, nop_hlt);
	int fields = has_vm_cap(v->vm, KVM_CAP_SYNC_REGS);

	v->run->kvm_valid_regs = 1u << 31;
	CHECK_EQ(run(v), -EINVAL);
	v->run->kvm_valid_regs = 0;
	v->run->kvm_dirty_regs = 1u << 31;
	CHECK_EQ(run(v), -EINVAL);
	v->run->kvm_dirty_regs = 0;
	CHECK_EQ(get_regs(v).rip, GPA_CODE);
	if (fields & KVM_SYNC_X86_SREGS) {
		v->run->s.regs.sregs = get_sregs(v);
		v->run->s.regs.sregs.cr4 = 1ULL << 60;
		v->run->kvm_dirty_regs = KVM_SYNC_X86_SREGS;
		CHECK_EQ(run(v), -EINVAL);
		v->run->kvm_dirty_regs = 0;
	}
	EXPECT_EXIT(v, KVM_EXIT_HLT);
}

TEST(state, translate)
{
	struct vcpu *v = vcpu_with(MODE_LONG, nop_hlt);
	struct kvm_translation t = { .linear_address = 0x12345678 };
	u64 *pd = (u64 *)(v->vm->mem + GPA_PD);

	pd[2] = 0x40000000 | 0xe7;
	CHECK_OK(ioctl(v->fd, KVM_TRANSLATE, &t));
	CHECK_EQ(t.valid, 1);
	CHECK_EQ(t.physical_address, 0x12345678);
	t.linear_address = 4 * MIB + 0x123;
	CHECK_OK(ioctl(v->fd, KVM_TRANSLATE, &t));
	CHECK_EQ(t.valid, 1);
	CHECK_EQ(t.physical_address, 0x40000123);
	t.linear_address = 8ULL * GIB;
	CHECK_OK(ioctl(v->fd, KVM_TRANSLATE, &t));
	CHECK_EQ(t.valid, 0);
}

/* The vCPUs whose APIC userspace has, and those whose the kernel has. */
static struct vcpu *vcpu_of_kind(unsigned int kind)
{
	switch (kind) {
	case 0:
		return vcpu_create(vm_create(), 0);
	case 1:
		return vcpu_create(vm_with_split(), 0);
	default:
		return vcpu_create(vm_with_irqchip(), 0);
	}
}

/*
 * What is claimed to have been set is got: each bit of each MSR of the list is
 * flipped. Where that is refused the value is the old one.
 */
static void flip_bits(struct vcpu *v, u32 index, unsigned int *taken)
{
	/* Of SYSENTER's MSRs, what a CPU of the vendor has behind bit 31 differs. */
	unsigned int bits = index >= 0x174 && index <= 0x176 ? 32 : 64;
	/* HWCR: switches of caches that BIOSes set on machines that have them. */
	u64 before, got, want, ignored = index == 0xc0010015 ? 0x148 : 0;

	CHECK(get_msr(v, index, &before));
	for (unsigned int bit = 0; bit < bits; bit++) {
		want = before ^ 1ULL << bit;
		if (set_msr(v, index, want))
			(*taken)++;
		else
			want = before;
		if (ignored & 1ULL << bit)
			want = before;
		CHECK(get_msr(v, index, &got));
		if (got != want)
			FAIL("MSR %#x, bit %u: %#llx, not %#llx", index, bit,
			     (unsigned long long)got, (unsigned long long)want);
		CHECK(set_msr(v, index, before));
	}
}

TEST_STRICT(state, msrs_each_bit, "takes values of nested SVM and does not keep them")
{
	struct kvm_msr_list *l = msr_list(KVM_GET_MSR_INDEX_LIST);

	for (unsigned int kind = 0; kind < 3; kind++) {
		struct vcpu *v = vcpu_of_kind(kind);
		unsigned int taken = 0;

		for (unsigned int i = 0; i < l->nmsrs; i++) {
			switch (l->indices[i]) {
			case 0x10:		/* the TSC goes on */
			case 0x6e0:		/* the deadline: the timer has to want it */
			case 0x4b564d00:	/* written for its effect on memory */
			case 0x4b564d11:
			case 0xc0000080:	/* EFER.LMA is CR0's to change */
				continue;
			}
			flip_bits(v, l->indices[i], &taken);
		}
		CHECK(taken > 500);
	}
}

TEST(state, tsc_deadline)
{
	struct vcpu *v = vcpu_create(vm_with_split(), 0);
	struct kvm_cpuid2 *c = supported_cpuid();
	const u64 far = 1ULL << 62;
	struct kvm_lapic_state s;
	u64 got;

	NEED_CAP(KVM_CAP_TSC_DEADLINE_TIMER);
	cpuid_find(c, 1, 0)->ecx |= 1u << 24;
	CHECK_OK(ioctl(v->fd, KVM_SET_CPUID2, c));
	CHECK_OK(ioctl(v->fd, KVM_GET_LAPIC, &s));
	/* Software-enabled, the timer in deadline mode. */
	memcpy(s.regs + 0xf0, &(u32){ 0x1ff }, 4);
	memcpy(s.regs + 0x320, &(u32){ 0x40041 }, 4);
	CHECK_OK(ioctl(v->fd, KVM_SET_LAPIC, &s));
	CHECK(set_msr(v, 0x6e0, far));
	CHECK(get_msr(v, 0x6e0, &got));
	CHECK_EQ(got, far);
	CHECK(set_msr(v, 0x6e0, 0));
	CHECK(get_msr(v, 0x6e0, &got));
	CHECK_EQ(got, 0);
}

/* The same pieces of state where the kernel has the local APIC. */
TEST(state, with_irqchip)
{
	for (unsigned int kind = 1; kind < 3; kind++) {
		struct vcpu *v = vcpu_of_kind(kind);
		struct kvm_sregs set = get_sregs(v), got;
		struct kvm_vcpu_events ev = get_events(v);
		struct kvm_lapic_state s;
		u32 tpr;

		set.cr8 = 9;
		set.apic_base |= 0x400;
		set.interrupt_bitmap[0x51 / 64] = 1ULL << 0x51 % 64;
		set.gs.base = 0x1234000;
		set_sregs(v, &set);
		got = get_sregs(v);
		no_padding(&got);
		no_padding(&set);
		CHECK_MEM(&got, &set, sizeof(set));
		/* CR8 is the upper half of the APIC's task priority. */
		CHECK_OK(ioctl(v->fd, KVM_GET_LAPIC, &s));
		memcpy(&tpr, s.regs + 0x80, 4);
		CHECK_EQ(tpr, 0x90);
		ev = get_events(v);
		CHECK_EQ(ev.interrupt.injected, 1);
		CHECK_EQ(ev.interrupt.nr, 0x51);

		ev.interrupt.injected = 0;
		ev.nmi.pending = 1;
		ev.nmi.masked = 1;
		ev.interrupt.shadow = KVM_X86_SHADOW_INT_MOV_SS;
		ev.flags = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW;
		CHECK_OK(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &ev));
		ev = get_events(v);
		CHECK_EQ(ev.interrupt.injected, 0);
		CHECK(ev.interrupt.shadow);
		CHECK_EQ(ev.nmi.pending, 1);
		CHECK_EQ(ev.nmi.masked, 1);
	}
}
