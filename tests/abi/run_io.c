// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_EXIT_IO and KVM_EXIT_HLT: port I/O of all widths, string forms with and
 * without REP in every mode, and what may be changed while an I/O is open.
 */
#include "harness.h"

/* These bytes mean the same in 32 and in 64 bits. */
PROGRAM(out_all, 32,
	"	mov $0x11223344, %eax\n"
	"	out %al, $0x80\n"
	"	out %ax, $0x81\n"
	"	out %eax, $0x82\n"
	"	mov $0xcf8, %edx\n"
	"	out %al, %dx\n"
	"	out %ax, %dx\n"
	"	out %eax, %dx\n"
	"	mov $0xffff, %edx\n"
	"	out %al, %dx\n"
	"	hlt\n");

PROGRAM(out_all16, 16,
	"	mov $0x11223344, %eax\n"
	"	out %al, $0x80\n"
	"	out %ax, $0x81\n"
	"	out %eax, $0x82\n"
	"	mov $0xcf8, %edx\n"
	"	out %al, %dx\n"
	"	out %ax, %dx\n"
	"	out %eax, %dx\n"
	"	mov $0xffff, %edx\n"
	"	out %al, %dx\n"
	"	hlt\n");

#define IO_VCPU(m, name) ({						\
	enum mode mode_ = (m);						\
									\
	mode_ == MODE_REAL ? vcpu_with(mode_, name##16) :		\
			     vcpu_with(mode_, name);			\
})

TEST(io, out)
{
	for (size_t i = 0; i < ARRAY_SIZE(all_modes); i++) {
		struct vcpu *v = IO_VCPU(all_modes[i], out_all);

		EXPECT_OUT(v, 0x80, 1, 0x44);
		EXPECT_OUT(v, 0x81, 2, 0x3344);
		EXPECT_OUT(v, 0x82, 4, 0x11223344);
		EXPECT_OUT(v, 0xcf8, 1, 0x44);
		EXPECT_OUT(v, 0xcf8, 2, 0x3344);
		EXPECT_OUT(v, 0xcf8, 4, 0x11223344);
		EXPECT_OUT(v, 0xffff, 1, 0x44);
		EXPECT_EXIT(v, KVM_EXIT_HLT);
	}
}

PROGRAM(in_all, 32,
	"	mov $-1, %eax\n"
	"	in $0x80, %al\n"
	"	mov %eax, %ebx\n"
	"	mov $-1, %eax\n"
	"	in $0x81, %ax\n"
	"	mov %eax, %ecx\n"
	"	mov $-1, %eax\n"
	"	mov $0xcfc, %edx\n"
	"	in %dx, %eax\n"
	"	hlt\n");

PROGRAM(in_all16, 16,
	"	mov $-1, %eax\n"
	"	in $0x80, %al\n"
	"	mov %eax, %ebx\n"
	"	mov $-1, %eax\n"
	"	in $0x81, %ax\n"
	"	mov %eax, %ecx\n"
	"	mov $-1, %eax\n"
	"	mov $0xcfc, %edx\n"
	"	in %dx, %eax\n"
	"	hlt\n");

static void answer_in(struct vcpu *v, unsigned int port, unsigned int size,
		      u32 value)
{
	EXPECT_EXIT(v, KVM_EXIT_IO);
	CHECK_EQ(v->run->io.direction, KVM_EXIT_IO_IN);
	CHECK_EQ(v->run->io.port, port);
	CHECK_EQ(v->run->io.size, size);
	CHECK_EQ(v->run->io.count, 1);
	CHECK(v->run->io.data_offset + size <= v->run_size);
	memcpy(pio_data(v), &value, size);
}

TEST(io, in)
{
	for (size_t i = 0; i < ARRAY_SIZE(all_modes); i++) {
		struct vcpu *v = IO_VCPU(all_modes[i], in_all);
		struct kvm_regs r;

		answer_in(v, 0x80, 1, 0xa1);
		answer_in(v, 0x81, 2, 0xb2b3);
		answer_in(v, 0xcfc, 4, 0xc4c5c6c7);
		EXPECT_EXIT(v, KVM_EXIT_HLT);
		r = get_regs(v);
		CHECK_EQ((u32)r.rbx, 0xffffffa1);
		CHECK_EQ((u32)r.rcx, 0xffffb2b3);
		CHECK_EQ((u32)r.rax, 0xc4c5c6c7);
	}
}

/* IN to EAX clears the upper half of RAX; IN to AX and AL does not. */
PROGRAM(in_wide, 64,
	"	in $0x80, %al\n"
	"	mov %rax, %rbx\n"
	"	in $0x80, %ax\n"
	"	mov %rax, %rcx\n"
	"	in $0x80, %eax\n"
	"	hlt\n");

TEST(io, in_upper_half)
{
	struct vcpu *v = vcpu_with(MODE_LONG, in_wide);
	struct kvm_regs r;

	SET_REG(v, rax, 0x1122334455667788);
	answer_in(v, 0x80, 1, 0xa1);
	answer_in(v, 0x80, 2, 0xb2b3);
	answer_in(v, 0x80, 4, 0xc4c5c6c7);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	r = get_regs(v);
	CHECK_EQ(r.rbx, 0x11223344556677a1);
	CHECK_EQ(r.rcx, 0x112233445566b2b3);
	CHECK_EQ(r.rax, 0xc4c5c6c7);
}

PROGRAM(outs, 32,
	"	outsb\n"
	"	outsw\n"
	"	outsl\n"
	"	mov $5, %ecx\n"
	"	rep outsb\n"
	"	mov $3, %ecx\n"
	"	rep outsl\n"
	"	hlt\n");

PROGRAM(outs16, 16,
	"	outsb\n"
	"	outsw\n"
	"	outsl\n"
	"	mov $5, %cx\n"
	"	rep outsb\n"
	"	mov $3, %cx\n"
	"	rep outsl\n"
	"	hlt\n");

/*
 * How many elements come at once is free; together they must be the bytes in
 * memory, in order, and each exit of one size.
 */
static void collect_outs(struct vcpu *v, unsigned int size, unsigned int count,
			 const u8 *want)
{
	unsigned int got = 0;

	while (got < count) {
		EXPECT_EXIT(v, KVM_EXIT_IO);
		CHECK_EQ(v->run->io.direction, KVM_EXIT_IO_OUT);
		CHECK_EQ(v->run->io.port, 0x378);
		CHECK_EQ(v->run->io.size, size);
		CHECK(v->run->io.count >= 1);
		CHECK(v->run->io.count <= count - got);
		CHECK_MEM(pio_data(v), want + got * size,
			  v->run->io.count * size);
		got += v->run->io.count;
	}
}

TEST(io, outs)
{
	for (size_t i = 0; i < ARRAY_SIZE(all_modes); i++) {
		struct vcpu *v = IO_VCPU(all_modes[i], outs);
		struct kvm_regs r = get_regs(v);
		u32 data = all_modes[i] == MODE_REAL ? 0x8000 : GPA_DATA;
		u8 *p = v->vm->mem + data;

		for (unsigned int n = 0; n < 64; n++)
			p[n] = 0x90 + n;
		r.rdx = 0x378;
		r.rsi = data;
		set_regs(v, &r);
		collect_outs(v, 1, 1, p);
		collect_outs(v, 2, 1, p + 1);
		collect_outs(v, 4, 1, p + 3);
		collect_outs(v, 1, 5, p + 7);
		collect_outs(v, 4, 3, p + 12);
		EXPECT_EXIT(v, KVM_EXIT_HLT);
		r = get_regs(v);
		CHECK_EQ(r.rsi, data + 24);
		CHECK_EQ(r.rcx, 0);
	}
}

PROGRAM(ins, 32,
	"	insb\n"
	"	insw\n"
	"	insl\n"
	"	mov $300, %ecx\n"
	"	rep insw\n"
	"	hlt\n");

PROGRAM(ins16, 16,
	"	insb\n"
	"	insw\n"
	"	insl\n"
	"	mov $300, %cx\n"
	"	rep insw\n"
	"	hlt\n");

static void feed_ins(struct vcpu *v, unsigned int size, unsigned int count,
		     u8 *next)
{
	unsigned int got = 0;

	while (got < count) {
		u8 *p;

		EXPECT_EXIT(v, KVM_EXIT_IO);
		CHECK_EQ(v->run->io.direction, KVM_EXIT_IO_IN);
		CHECK_EQ(v->run->io.port, 0x1f0);
		CHECK_EQ(v->run->io.size, size);
		CHECK(v->run->io.count >= 1);
		CHECK(v->run->io.count <= count - got);
		CHECK(v->run->io.count * size <= PAGE);
		p = pio_data(v);
		for (unsigned int n = 0; n < v->run->io.count * size; n++)
			p[n] = (*next)++;
		got += v->run->io.count;
	}
}

TEST(io, ins)
{
	for (size_t i = 0; i < ARRAY_SIZE(all_modes); i++) {
		struct vcpu *v = IO_VCPU(all_modes[i], ins);
		struct kvm_regs r = get_regs(v);
		/* The string crosses a page. */
		u32 data = (all_modes[i] == MODE_REAL ? 0x8000 : GPA_DATA) +
				PAGE - 20;
		u8 next = 7;

		r.rdx = 0x1f0;
		r.rdi = data;
		set_regs(v, &r);
		feed_ins(v, 1, 1, &next);
		feed_ins(v, 2, 1, &next);
		feed_ins(v, 4, 1, &next);
		feed_ins(v, 2, 300, &next);
		EXPECT_EXIT(v, KVM_EXIT_HLT);
		r = get_regs(v);
		CHECK_EQ(r.rdi, data + 607);
		CHECK_EQ(r.rcx, 0);
		for (unsigned int n = 0; n < 607; n++)
			CHECK_EQ(v->vm->mem[data + n], (u8)(7 + n));
		CHECK_EQ(v->vm->mem[data + 607], 0);
	}
}

PROGRAM(string_down, 32,
	"	std\n"
	"	mov $4, %ecx\n"
	"	rep outsb\n"
	"	mov $4, %ecx\n"
	"	rep insb\n"
	"	hlt\n");

TEST(io, strings_downwards)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, string_down);
	struct kvm_regs r = get_regs(v);
	u8 *p = v->vm->mem + GPA_DATA;
	u8 want[4], next = 1, got = 0;

	for (int i = 0; i < 16; i++)
		p[i] = 0x60 + i;
	for (int i = 0; i < 4; i++)
		want[i] = 0x60 + 8 - i;
	r.rdx = 0x378;
	r.rsi = GPA_DATA + 8;
	r.rdi = GPA_DATA + 40;
	set_regs(v, &r);
	collect_outs(v, 1, 4, want);
	while (got < 4) {
		EXPECT_EXIT(v, KVM_EXIT_IO);
		CHECK_EQ(v->run->io.direction, KVM_EXIT_IO_IN);
		for (unsigned int n = 0; n < v->run->io.count; n++, got++)
			((u8 *)pio_data(v))[n] = next++;
	}
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	r = get_regs(v);
	CHECK_EQ(r.rsi, GPA_DATA + 4);
	CHECK_EQ(r.rdi, GPA_DATA + 36);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(p[40 - i], 1 + i);
}

PROGRAM(rep_zero, 32,
	"	xor %ecx, %ecx\n"
	"	rep outsb\n"
	"	rep insb\n"
	"	hlt\n");

TEST(io, rep_of_nothing)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, rep_zero);

	EXPECT_EXIT(v, KVM_EXIT_HLT);
	CHECK_EQ(get_regs(v).rsi, 0);
}

/* Segment override and an address-size prefix; the override is for OUTS. */
PROGRAM(outs_prefixed, 32,
	"	outsb %fs:(%esi), %dx\n"
	"	addr16 outsb\n"
	"	hlt\n");

TEST(io, outs_prefixes)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, outs_prefixed);
	struct kvm_sregs s = get_sregs(v);
	struct kvm_regs r = get_regs(v);

	s.fs.base = GPA_DATA;
	set_sregs(v, &s);
	v->vm->mem[GPA_DATA + 0x8100] = 0x5e;
	v->vm->mem[0x8101] = 0x5f;
	r.rsi = 0x8100;
	r.rdx = 0x22;
	set_regs(v, &r);
	EXPECT_OUT(v, 0x22, 1, 0x5e);
	EXPECT_OUT(v, 0x22, 1, 0x5f);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	CHECK_EQ(get_regs(v).rsi, 0x8102);
}

/* Ring 3 without permission: #GP comes before the exit. */
PROGRAM(gp_handler, 32,
	"	mov $0x6e, %al\n"
	"	out %al, $0x55\n"
	"	hlt\n");

PROGRAM(out_only, 32,
	"	out %al, $0x80\n"
	"	hlt\n");

TEST(io, no_permission)
{
	struct vcpu *v = vcpu_in_ring3(out_only);

	load_at(v->vm, GPA_HANDLER, guest_gp_handler, GUEST_SIZE(gp_handler));
	set_gate(v, 13, GPA_HANDLER);
	EXPECT_OUT(v, 0x55, 1, 0x6e);
	/* SS, ESP, flags, CS, then the address, then the error code 0. */
	CHECK_EQ(*(u32 *)(v->vm->mem + GPA_STACK - 24), 0);
	CHECK_EQ(*(u32 *)(v->vm->mem + GPA_STACK - 20), GPA_RING3);
	CHECK_EQ(*(u32 *)(v->vm->mem + GPA_STACK - 16), SEL_CODE3 | 3);
}

/* Registers may be changed while an OUT waits; the change is kept. */
TEST(io, change_regs_at_exit)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, out_all);

	EXPECT_OUT(v, 0x80, 1, 0x44);
	SET_REG(v, rax, 0x55667788);
	EXPECT_OUT(v, 0x81, 2, 0x7788);
}

/* immediate_exit completes what is open and goes no further. */
TEST(io, complete_then_stop)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, in_all);
	u64 rip;

	answer_in(v, 0x80, 1, 0x5c);
	settle(v);
	CHECK_EQ(get_regs(v).rax & 0xff, 0x5c);
	rip = get_regs(v).rip;
	settle(v);
	CHECK_EQ(get_regs(v).rip, rip);
	answer_in(v, 0x81, 2, 0);
}

PROGRAM(hlt_twice, 32,
	"	hlt\n"
	"	add $1, %ebx\n"
	"	hlt\n");

PROGRAM(hlt_twice16, 16,
	"	hlt\n"
	"	add $1, %ebx\n"
	"	hlt\n");

TEST(io, hlt)
{
	for (size_t i = 0; i < ARRAY_SIZE(all_modes); i++) {
		struct vcpu *v = IO_VCPU(all_modes[i], hlt_twice);
		u64 rip = get_regs(v).rip;

		EXPECT_EXIT(v, KVM_EXIT_HLT);
		CHECK_EQ(get_regs(v).rip, rip + 1);
		CHECK_EQ(v->run->if_flag, 0);
		EXPECT_EXIT(v, KVM_EXIT_HLT);
		CHECK_EQ(get_regs(v).rbx, 1);
	}
}

/* What every exit reports beside its reason. */
TEST(io, run_fields)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, hlt_twice);

	SET_REG(v, rflags, 0x202);
	v->run->cr8 = 0;
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	CHECK_EQ(v->run->if_flag, 1);
	CHECK_EQ(v->run->cr8, 0);
	CHECK_EQ(v->run->apic_base, get_sregs(v).apic_base);
	CHECK_EQ(v->run->ready_for_interrupt_injection, 1);
	CHECK_EQ(v->run->flags, 0);
}

PROGRAM(cr8, 64,
	"	mov %cr8, %rax\n"
	"	mov $9, %ebx\n"
	"	mov %rbx, %cr8\n"
	"	mov $4, %ebx\n"
	"	mov %rbx, %cr8\n"
	"	hlt\n");

/*
 * Lowering CR8 exits: userspace has the local APIC, and an interrupt that was
 * held back may be due now.
 */
TEST(io, cr8)
{
	struct vcpu *v = vcpu_with(MODE_LONG, cr8);

	v->run->cr8 = 6;
	EXPECT_EXIT(v, KVM_EXIT_SET_TPR);
	CHECK_EQ(get_regs(v).rax, 6);
	CHECK_EQ(v->run->cr8, 4);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	CHECK_EQ(get_regs(v).rax, 6);
	CHECK_EQ(v->run->cr8, 4);
	CHECK_EQ(get_sregs(v).cr8, 4);
	/* A value out of range is refused. */
	v->run->cr8 = 0x10;
	CHECK_EQ(run(v), -EINVAL);
	v->run->cr8 = 4;
}
