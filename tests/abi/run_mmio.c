// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_EXIT_MMIO: reads and writes of every width, the instructions that make
 * them, accesses across pages, the borders of slots, read-only slots.
 */
#include <sys/mman.h>

#include "harness.h"

static struct vcpu *with_regs(enum mode mode, const void *code, size_t size,
			      u64 rbx)
{
	struct vcpu *v = vcpu_loaded(mode, code, size);
	struct kvm_regs r = get_regs(v);

	r.rbx = rbx;
	r.rsi = rbx;
	r.rdi = rbx;
	set_regs(v, &r);
	return v;
}

#define MMIO_VCPU(mode, name) \
	with_regs(mode, guest_##name, GUEST_SIZE(name), GPA_MMIO)

PROGRAM(widths, 64,
	"	mov (%rbx), %al\n"
	"	mov 2(%rbx), %cx\n"
	"	mov 4(%rbx), %edx\n"
	"	mov 8(%rbx), %r8\n"
	"	mov %al, (%rbx)\n"
	"	mov %cx, 2(%rbx)\n"
	"	mov %edx, 4(%rbx)\n"
	"	mov %r8, 8(%rbx)\n"
	"	hlt\n");

TEST(mmio, widths)
{
	struct vcpu *v = MMIO_VCPU(MODE_LONG, widths);
	struct kvm_regs r = get_regs(v);

	r.rax = ~0ULL;
	r.rcx = ~0ULL;
	r.rdx = ~0ULL;
	set_regs(v, &r);
	EXPECT_MMIO_READ(v, GPA_MMIO, 1, 0x81);
	EXPECT_MMIO_READ(v, GPA_MMIO + 2, 2, 0x8283);
	EXPECT_MMIO_READ(v, GPA_MMIO + 4, 4, 0x84858687);
	EXPECT_MMIO_READ(v, GPA_MMIO + 8, 8, 0x88898a8b8c8d8e8f);
	EXPECT_MMIO_WRITE(v, GPA_MMIO, 1, 0x81);
	EXPECT_MMIO_WRITE(v, GPA_MMIO + 2, 2, 0x8283);
	EXPECT_MMIO_WRITE(v, GPA_MMIO + 4, 4, 0x84858687);
	EXPECT_MMIO_WRITE(v, GPA_MMIO + 8, 8, 0x88898a8b8c8d8e8f);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	r = get_regs(v);
	CHECK_EQ(r.rax, 0xffffffffffffff81);
	CHECK_EQ(r.rcx, 0xffffffffffff8283);
	CHECK_EQ(r.rdx, 0x84858687);
	CHECK_EQ(r.r8, 0x88898a8b8c8d8e8f);
}

PROGRAM(legacy_widths, 32,
	"	mov (%ebx), %al\n"
	"	mov 2(%ebx), %cx\n"
	"	mov 4(%ebx), %edx\n"
	"	mov %al, 1(%ebx)\n"
	"	mov %cx, 2(%ebx)\n"
	"	mov %edx, 4(%ebx)\n"
	"	movl $0x12345678, 8(%ebx)\n"
	"	hlt\n");

/* Real mode reaches the device through a segment with a high base. */
PROGRAM(real_widths, 16,
	"	mov %es:(%bx), %al\n"
	"	mov %es:2(%bx), %cx\n"
	"	mov %es:4(%bx), %edx\n"
	"	mov %al, %es:1(%bx)\n"
	"	mov %cx, %es:2(%bx)\n"
	"	mov %edx, %es:4(%bx)\n"
	"	movl $0x12345678, %es:8(%bx)\n"
	"	hlt\n");

static void check_legacy(struct vcpu *v)
{
	EXPECT_MMIO_READ(v, GPA_MMIO, 1, 0x81);
	EXPECT_MMIO_READ(v, GPA_MMIO + 2, 2, 0x8283);
	EXPECT_MMIO_READ(v, GPA_MMIO + 4, 4, 0x84858687);
	EXPECT_MMIO_WRITE(v, GPA_MMIO + 1, 1, 0x81);
	EXPECT_MMIO_WRITE(v, GPA_MMIO + 2, 2, 0x8283);
	EXPECT_MMIO_WRITE(v, GPA_MMIO + 4, 4, 0x84858687);
	EXPECT_MMIO_WRITE(v, GPA_MMIO + 8, 4, 0x12345678);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
}

TEST(mmio, protected_modes)
{
	check_legacy(MMIO_VCPU(MODE_PROT32, legacy_widths));
	check_legacy(MMIO_VCPU(MODE_PAE, legacy_widths));
}

TEST(mmio, real_mode)
{
	struct vcpu *v = vcpu_with(MODE_REAL, real_widths);
	struct kvm_sregs s = get_sregs(v);

	s.es.base = GPA_MMIO;
	set_sregs(v, &s);
	check_legacy(v);
}

PROGRAM(extend, 64,
	"	movzbl (%rbx), %eax\n"
	"	movsbq (%rbx), %rcx\n"
	"	movzwl (%rbx), %edx\n"
	"	movswq (%rbx), %rsi\n"
	"	movslq (%rbx), %rdi\n"
	"	hlt\n");

TEST(mmio, extension)
{
	struct vcpu *v = MMIO_VCPU(MODE_LONG, extend);
	struct kvm_regs r;

	EXPECT_MMIO_READ(v, GPA_MMIO, 1, 0x91);
	EXPECT_MMIO_READ(v, GPA_MMIO, 1, 0x92);
	EXPECT_MMIO_READ(v, GPA_MMIO, 2, 0x9394);
	EXPECT_MMIO_READ(v, GPA_MMIO, 2, 0x9596);
	EXPECT_MMIO_READ(v, GPA_MMIO, 4, 0x97989900);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	r = get_regs(v);
	CHECK_EQ(r.rax, 0x91);
	CHECK_EQ(r.rcx, 0xffffffffffffff92);
	CHECK_EQ(r.rdx, 0x9394);
	CHECK_EQ(r.rsi, 0xffffffffffff9596);
	CHECK_EQ(r.rdi, 0xffffffff97989900);
}

/* Read, modify, write: both accesses are seen, and the flags are right. */
PROGRAM(alu, 64,
	"	addl $1, (%rbx)\n"
	"	pushf\n"
	"	orb $0x80, (%rbx)\n"
	"	andl %ecx, (%rbx)\n"
	"	xorw $0xffff, (%rbx)\n"
	"	subq $1, (%rbx)\n"
	"	incl (%rbx)\n"
	"	notl (%rbx)\n"
	"	negb (%rbx)\n"
	"	shll $4, (%rbx)\n"
	"	hlt\n");

TEST(mmio, read_modify_write)
{
	struct vcpu *v = MMIO_VCPU(MODE_LONG, alu);
	u64 flags;

	SET_REG(v, rcx, 0xff00ff00);
	EXPECT_MMIO_READ(v, GPA_MMIO, 4, 0xffffffff);
	EXPECT_MMIO_WRITE(v, GPA_MMIO, 4, 0);
	EXPECT_MMIO_READ(v, GPA_MMIO, 1, 1);
	flags = *(u64 *)(v->vm->mem + GPA_STACK - 8);
	CHECK_EQ(flags & 0x8d5, 0x55);		/* ZF, CF, AF, PF */
	EXPECT_MMIO_WRITE(v, GPA_MMIO, 1, 0x81);
	EXPECT_MMIO_READ(v, GPA_MMIO, 4, 0x12345678);
	EXPECT_MMIO_WRITE(v, GPA_MMIO, 4, 0x12005600);
	EXPECT_MMIO_READ(v, GPA_MMIO, 2, 0x1234);
	EXPECT_MMIO_WRITE(v, GPA_MMIO, 2, 0xedcb);
	EXPECT_MMIO_READ(v, GPA_MMIO, 8, 0);
	EXPECT_MMIO_WRITE(v, GPA_MMIO, 8, ~0ULL);
	EXPECT_MMIO_READ(v, GPA_MMIO, 4, 7);
	EXPECT_MMIO_WRITE(v, GPA_MMIO, 4, 8);
	EXPECT_MMIO_READ(v, GPA_MMIO, 4, 0x0f0f0f0f);
	EXPECT_MMIO_WRITE(v, GPA_MMIO, 4, 0xf0f0f0f0);
	EXPECT_MMIO_READ(v, GPA_MMIO, 1, 1);
	EXPECT_MMIO_WRITE(v, GPA_MMIO, 1, 0xff);
	EXPECT_MMIO_READ(v, GPA_MMIO, 4, 0x12345678);
	EXPECT_MMIO_WRITE(v, GPA_MMIO, 4, 0x23456780);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
}

PROGRAM(test_cmp, 64,
	"	cmpl $5, (%rbx)\n"
	"	sete %al\n"
	"	testb $8, (%rbx)\n"
	"	setne %cl\n"
	"	cmp %edx, (%rbx)\n"
	"	setb %dl\n"
	"	btl $3, (%rbx)\n"
	"	setc %sil\n"
	"	add (%rbx), %r8\n"
	"	imul (%rbx), %r9d\n"
	"	hlt\n");

TEST(mmio, read_only_operations)
{
	struct vcpu *v = MMIO_VCPU(MODE_LONG, test_cmp);
	struct kvm_regs r = get_regs(v);

	r.rdx = 10;
	r.r8 = 100;
	r.r9 = 3;
	set_regs(v, &r);
	EXPECT_MMIO_READ(v, GPA_MMIO, 4, 5);
	EXPECT_MMIO_READ(v, GPA_MMIO, 1, 0x0c);
	EXPECT_MMIO_READ(v, GPA_MMIO, 4, 9);
	EXPECT_MMIO_READ(v, GPA_MMIO, 4, 8);
	EXPECT_MMIO_READ(v, GPA_MMIO, 8, 23);
	EXPECT_MMIO_READ(v, GPA_MMIO, 4, 7);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	r = get_regs(v);
	CHECK_EQ(r.rax & 0xff, 1);
	CHECK_EQ(r.rcx & 0xff, 1);
	CHECK_EQ(r.rdx & 0xff, 1);
	CHECK_EQ(r.rsi & 0xff, 1);
	CHECK_EQ(r.r8, 123);
	CHECK_EQ(r.r9, 21);
}

PROGRAM(exchange, 64,
	"	xchg %ecx, (%rbx)\n"
	"	lock xaddl %edx, (%rbx)\n"
	"	lock cmpxchgl %esi, (%rbx)\n"
	"	hlt\n");

TEST(mmio, exchange)
{
	struct vcpu *v = MMIO_VCPU(MODE_LONG, exchange);
	struct kvm_regs r = get_regs(v);

	r.rcx = 0x11;
	r.rdx = 5;
	r.rax = 0x77;
	r.rsi = 0x88;
	set_regs(v, &r);
	EXPECT_MMIO_READ(v, GPA_MMIO, 4, 0x22);
	EXPECT_MMIO_WRITE(v, GPA_MMIO, 4, 0x11);
	EXPECT_MMIO_READ(v, GPA_MMIO, 4, 0x100);
	EXPECT_MMIO_WRITE(v, GPA_MMIO, 4, 0x105);
	EXPECT_MMIO_READ(v, GPA_MMIO, 4, 0x77);
	EXPECT_MMIO_WRITE(v, GPA_MMIO, 4, 0x88);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	r = get_regs(v);
	CHECK_EQ(r.rcx, 0x22);
	CHECK_EQ(r.rdx, 0x100);
	CHECK_EQ(r.rflags & 0x40, 0x40);
}

PROGRAM(stack_ops, 64,
	"	push (%rbx)\n"
	"	pop %rax\n"
	"	push %rax\n"
	"	pop 8(%rbx)\n"
	"	hlt\n");

TEST(mmio, push_and_pop)
{
	struct vcpu *v = MMIO_VCPU(MODE_LONG, stack_ops);

	EXPECT_MMIO_READ(v, GPA_MMIO, 8, 0x1122334455667788);
	EXPECT_MMIO_WRITE(v, GPA_MMIO + 8, 8, 0x1122334455667788);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	CHECK_EQ(get_regs(v).rsp, GPA_STACK);
}

PROGRAM(strings, 64,
	"	mov $3, %ecx\n"
	"	rep stosl\n"
	"	mov $3, %ecx\n"
	"	mov %rbx, %rsi\n"
	"	mov $0x20000, %edi\n"
	"	rep movsl\n"
	"	mov $0x20000, %esi\n"
	"	mov %rbx, %rdi\n"
	"	movsq\n"
	"	mov %rbx, %rsi\n"
	"	lodsw\n"
	"	hlt\n");

TEST(mmio, strings)
{
	struct vcpu *v = MMIO_VCPU(MODE_LONG, strings);
	struct kvm_regs r = get_regs(v);
	u32 *p = (u32 *)(v->vm->mem + GPA_DATA);

	r.rax = 0xabcd1234;
	set_regs(v, &r);
	for (unsigned int i = 0; i < 3; i++)
		EXPECT_MMIO_WRITE(v, GPA_MMIO + 4 * i, 4, 0xabcd1234);
	for (unsigned int i = 0; i < 3; i++)
		EXPECT_MMIO_READ(v, GPA_MMIO + 4 * i, 4, 0x100 + i);
	EXPECT_MMIO_WRITE(v, GPA_MMIO, 8, 0x10100000100);
	EXPECT_MMIO_READ(v, GPA_MMIO, 2, 0x5432);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	r = get_regs(v);
	CHECK_EQ(r.rsi, GPA_MMIO + 2);
	CHECK_EQ(r.rcx, 0);
	CHECK_EQ(r.rax, 0xabcd5432);
	for (unsigned int i = 0; i < 3; i++)
		CHECK_EQ(p[i], 0x100 + i);
}

PROGRAM(sse, 64,
	"	movdqu (%rbx), %xmm3\n"
	"	movdqa %xmm3, 16(%rbx)\n"
	"	movq %xmm3, %rax\n"
	"	hlt\n");

/* Sixteen bytes come as two exits of eight. */
TEST(mmio, sse_moves)
{
	struct vcpu *v = MMIO_VCPU(MODE_LONG, sse);

	EXPECT_MMIO_READ(v, GPA_MMIO, 8, 0x1111111122222222);
	EXPECT_MMIO_READ(v, GPA_MMIO + 8, 8, 0x3333333344444444);
	EXPECT_MMIO_WRITE(v, GPA_MMIO + 16, 8, 0x1111111122222222);
	EXPECT_MMIO_WRITE(v, GPA_MMIO + 24, 8, 0x3333333344444444);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	CHECK_EQ(get_regs(v).rax, 0x1111111122222222);
}

/* AVX is the guest's to switch on, by CR4.OSXSAVE and XCR0. */
PROGRAM(avx, 64,
	"	mov %cr4, %rax\n"
	"	bts $18, %rax\n"
	"	mov %rax, %cr4\n"
	"	xor %ecx, %ecx\n"
	"	xor %edx, %edx\n"
	"	mov $7, %eax\n"
	"	xsetbv\n"
	"	vmovdqu (%rbx), %ymm3\n"
	"	vmovdqu %ymm3, 0x20000\n"
	"	vmovdqu (%rbx), %xmm3\n"
	"	vmovdqu %ymm3, 0x20020\n"
	"	vmovups 0x20000, %ymm12\n"
	"	vmovups %ymm12, 64(%rbx)\n"
	"	vmovaps 32(%rbx), %ymm12\n"
	"	vmovaps %xmm12, 16(%rbx)\n"
	"	movdqu (%rbx), %xmm12\n"
	"	vmovdqu %ymm12, 0x20040\n"
	"	hlt\n");

static void read_quads(struct vcpu *v, u64 addr, unsigned int n, u64 first)
{
	for (unsigned int i = 0; i < n; i++)
		EXPECT_MMIO_READ(v, addr + 8 * i, 8, first + i);
}

static void write_quads(struct vcpu *v, u64 addr, unsigned int n, u64 first)
{
	for (unsigned int i = 0; i < n; i++)
		EXPECT_MMIO_WRITE(v, addr + 8 * i, 8, first + i);
}

/*
 * Thirty-two bytes come as four exits of eight. A 16-byte VEX load clears the
 * register above, a legacy load leaves that alone.
 */
TEST(mmio, avx_moves)
{
	struct kvm_cpuid_entry2 *leaf = cpuid_find(supported_cpuid(), 1, 0);
	struct vcpu *v = MMIO_VCPU(MODE_LONG, avx);
	u64 *q = (u64 *)(v->vm->mem + GPA_DATA);

	if (!leaf || (leaf->ecx & 0x14000000) != 0x14000000)
		skip("the CPU has no AVX");
	skip_on_tcg("VEX instructions are undefined in guests");
	memset(q, 0xff, 0x60);
	read_quads(v, GPA_MMIO, 4, 0x1111111100000000);
	read_quads(v, GPA_MMIO, 2, 0x2222222200000000);
	write_quads(v, GPA_MMIO + 64, 4, 0x1111111100000000);
	read_quads(v, GPA_MMIO + 32, 4, 0x3333333300000000);
	write_quads(v, GPA_MMIO + 16, 2, 0x3333333300000000);
	read_quads(v, GPA_MMIO, 2, 0x4444444400000000);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	CHECK_MEM(q, ((const u64[]) {
		0x1111111100000000, 0x1111111100000001, 0x1111111100000002, 0x1111111100000003,
		0x2222222200000000, 0x2222222200000001, 0, 0,
		0x4444444400000000, 0x4444444400000001, 0x3333333300000002, 0x3333333300000003,
	}), 0x60);
}

/* Across two device pages: two exits, each within its page. */
TEST(mmio, across_pages)
{
	struct vcpu *v = with_regs(MODE_LONG, guest_widths, GUEST_SIZE(widths),
				   GPA_MMIO + PAGE - 5);

	EXPECT_MMIO_READ(v, GPA_MMIO + PAGE - 5, 1, 1);
	EXPECT_MMIO_READ(v, GPA_MMIO + PAGE - 3, 2, 0x0202);
	EXPECT_MMIO_READ(v, GPA_MMIO + PAGE - 1, 1, 0x44);
	EXPECT_MMIO_READ(v, GPA_MMIO + PAGE, 3, 0x112233);
	EXPECT_MMIO_READ(v, GPA_MMIO + PAGE + 3, 8, 0x8877665544332211);
	EXPECT_MMIO_WRITE(v, GPA_MMIO + PAGE - 5, 1, 1);
	EXPECT_MMIO_WRITE(v, GPA_MMIO + PAGE - 3, 2, 0x0202);
	EXPECT_MMIO_WRITE(v, GPA_MMIO + PAGE - 1, 1, 0x44);
	EXPECT_MMIO_WRITE(v, GPA_MMIO + PAGE, 3, 0x112233);
	EXPECT_MMIO_WRITE(v, GPA_MMIO + PAGE + 3, 8, 0x8877665544332211);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	CHECK_EQ(get_regs(v).rdx, 0x11223344);
}

PROGRAM(mov32, 32,
	"	mov (%ebx), %eax\n"
	"	mov %ecx, (%ebx)\n"
	"	hlt\n");

/* Half in memory, half not. */
TEST(mmio, across_slot_border)
{
	struct vcpu *v = with_regs(MODE_PROT32, guest_mov32, GUEST_SIZE(mov32),
				   MEM_DEFAULT - 2);

	SET_REG(v, rcx, 0x99887766);
	v->vm->mem[MEM_DEFAULT - 2] = 0x11;
	v->vm->mem[MEM_DEFAULT - 1] = 0x22;
	EXPECT_MMIO_READ(v, MEM_DEFAULT, 2, 0x4433);
	EXPECT_MMIO_WRITE(v, MEM_DEFAULT, 2, 0x9988);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	CHECK_EQ(get_regs(v).rax, 0x44332211);
	CHECK_EQ(v->vm->mem[MEM_DEFAULT - 2], 0x66);
	CHECK_EQ(v->vm->mem[MEM_DEFAULT - 1], 0x77);
}

PROGRAM(push_device, 32,
	"	push %ecx\n"
	"	hlt\n");

/* A stack that is no memory. */
TEST(mmio, stack_on_device)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, push_device);
	struct kvm_regs r = get_regs(v);

	r.rsp = GPA_MMIO + 8;
	r.rcx = 0x31415926;
	set_regs(v, &r);
	EXPECT_MMIO_WRITE(v, GPA_MMIO + 4, 4, 0x31415926);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	CHECK_EQ(get_regs(v).rsp, GPA_MMIO + 4);
}

/* A read-only slot reads as memory and writes as a device. */
TEST(mmio, readonly_slot)
{
	struct vcpu *v = with_regs(MODE_PROT32, guest_mov32, GUEST_SIZE(mov32),
				   16 * MIB);
	u32 *p = map_anon(PAGE);

	NEED_CAP(KVM_CAP_READONLY_MEM);
	p[0] = 0x600df00d;
	set_slot(v->vm, 1, KVM_MEM_READONLY, 16 * MIB, PAGE, p);
	SET_REG(v, rcx, 0xbad);
	EXPECT_MMIO_WRITE(v, 16 * MIB, 4, 0xbad);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	CHECK_EQ(get_regs(v).rax, 0x600df00d);
	CHECK_EQ(p[0], 0x600df00d);
}

/* Pages that userspace may only read serve for a read-only slot. */
TEST(mmio, readonly_slot_of_readonly_pages)
{
	struct vcpu *v = with_regs(MODE_PROT32, guest_mov32, GUEST_SIZE(mov32),
				   16 * MIB);
	u32 *p = map_anon(PAGE);

	NEED_CAP(KVM_CAP_READONLY_MEM);
	p[0] = 0x12121212;
	CHECK_OK(mprotect(p, PAGE, PROT_READ));
	set_slot(v->vm, 1, KVM_MEM_READONLY, 16 * MIB, PAGE, p);
	EXPECT_MMIO_WRITE(v, 16 * MIB, 4, 0);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	CHECK_EQ(get_regs(v).rax, 0x12121212);
}

/* immediate_exit between the parts of an access loses none of them. */
TEST(mmio, complete_then_stop)
{
	struct vcpu *v = MMIO_VCPU(MODE_PROT32, mov32);

	EXPECT_MMIO_READ(v, GPA_MMIO, 4, 0x1234);
	settle(v);
	CHECK_EQ(get_regs(v).rax, 0x1234);
	EXPECT_MMIO_WRITE(v, GPA_MMIO, 4, 0);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
}
