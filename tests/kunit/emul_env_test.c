// SPDX-License-Identifier: GPL-2.0-only
/*
 * Emulated instructions on a real vCPU's memory and registers: locked updates
 * of user memory, the guest's vector registers, stores that cannot be made
 * (core/emul_env.c). What instructions compute is the emulator's own suites'.
 * Guests run in 64-bit mode, linear addresses are physical.
 */
#include <kunit/test.h>
#include <linux/mm.h>
#include <linux/uaccess.h>
#include <asm/cpufeature.h>

#include "core/debug.h"
#include "core/emul/emul_env.h"
#include "core/event.h"
#include "core/irq/irqchip.h"
#include "core/irq/lapic.h"
#include "core/msr_filter.h"
#include "core/regs.h"
#include "core/vm.h"
#include "ops/event.h"
#include "tests/fake/fake.h"

#define CODE		0x1000
#define DATA		0x2000
#define TABLES		0x8000	/* three levels, a page each */
#define DEVICE		0xf000	/* all from here on */

#define STEP(k, ...)	fake_push(test, vcpu, &(struct fake_step){ .kind = (k), ##__VA_ARGS__ })

struct env_guest {
	struct kvm_vcpu *vcpu;
	unsigned long memory;	/* guest physical 0 in the test's address space */
	unsigned long arg;	/* a page for the arguments of ioctls */
};

static void put_guest(struct kunit *test, u64 gpa, const void *data, size_t len)
{
	struct env_guest *guest = test->priv;

	KUNIT_ASSERT_EQ(test, copy_to_user((void __user *)(guest->memory + gpa), data, len), 0);
}

static void get_guest(struct kunit *test, u64 gpa, void *data, size_t len)
{
	struct env_guest *guest = test->priv;

	KUNIT_ASSERT_EQ(test, copy_from_user(data, (void __user *)(guest->memory + gpa), len), 0);
}

static void vcpu_set(struct kunit *test, unsigned int ioctl, const void *data, size_t len)
{
	struct env_guest *guest = test->priv;

	KUNIT_ASSERT_EQ(test, copy_to_user((void __user *)guest->arg, data, len), 0);
	KUNIT_ASSERT_EQ(test, fake_vcpu_ioctl(guest->vcpu, ioctl, guest->arg), 0);
}

static void vcpu_get(struct kunit *test, unsigned int ioctl, void *data, size_t len)
{
	struct env_guest *guest = test->priv;

	KUNIT_ASSERT_EQ(test, fake_vcpu_ioctl(guest->vcpu, ioctl, guest->arg), 0);
	KUNIT_ASSERT_EQ(test, copy_from_user(data, (void __user *)guest->arg, len), 0);
}

/* Emulate one instruction with RBX = @rbx, HLT after it, and return the first exit's reason. */
static u32 emulate(struct kunit *test, u64 rbx, const u8 *code, size_t len)
{
	struct env_guest *guest = test->priv;
	struct kvm_vcpu *vcpu = guest->vcpu;

	put_guest(test, CODE, code, len);
	kvm_rip_write(vcpu, CODE);
	kvm_register_write_raw(vcpu, VCPU_REGS_RBX, rbx);
	STEP(FAKE_STEP_EMULATE);
	STEP(FAKE_STEP_HLT, .insn_len = 1);
	return fake_run(test, vcpu);
}

#define EMULATE(rbx, ...) \
	emulate(test, rbx, (const u8[]){ __VA_ARGS__ }, sizeof((const u8[]){ __VA_ARGS__ }))

/* Each of the sixteen registers, and each of its bytes, has another value. */
static void set_vectors(struct kunit *test, struct kvm_fpu *fpu)
{
	unsigned int i, j;

	vcpu_get(test, KVM_GET_FPU, fpu, sizeof(*fpu));
	for (i = 0; i < 16; i++) {
		for (j = 0; j < 16; j++)
			fpu->xmm[i][j] = i * 16 + j;
	}
	vcpu_set(test, KVM_SET_FPU, fpu, sizeof(*fpu));
}

static void locked_xadd(struct kunit *test)
{
	struct env_guest *guest = test->priv;
	u64 val = 0x1111111100000000;

	put_guest(test, DATA, &val, sizeof(val));
	kvm_register_write_raw(guest->vcpu, VCPU_REGS_RAX, 0x2222);
	/* lock xadd [rbx], rax */
	KUNIT_EXPECT_EQ(test, EMULATE(DATA, 0xf0, 0x48, 0x0f, 0xc1, 0x03), KVM_EXIT_HLT);
	KUNIT_EXPECT_EQ(test, kvm_rip_read(guest->vcpu), CODE + 5 + 1);
	get_guest(test, DATA, &val, sizeof(val));
	KUNIT_EXPECT_EQ(test, val, 0x1111111100002222);
	KUNIT_EXPECT_EQ(test, kvm_register_read_raw(guest->vcpu, VCPU_REGS_RAX),
			0x1111111100000000);
	/* lock xadd [rbx], al: its neighbours stay */
	KUNIT_EXPECT_EQ(test, EMULATE(DATA + 7, 0xf0, 0x0f, 0xc0, 0x03), KVM_EXIT_HLT);
	get_guest(test, DATA, &val, sizeof(val));
	KUNIT_EXPECT_EQ(test, val, 0x1111111100002222);
	KUNIT_EXPECT_EQ(test, kvm_register_read_raw(guest->vcpu, VCPU_REGS_RAX),
			0x1111111100000011);
}

static void locked_cmpxchg16b(struct kunit *test)
{
	static const u64 before[2] = { 0x0102030405060708, 0x1112131415161718 };
	struct env_guest *guest = test->priv;
	struct kvm_vcpu *vcpu = guest->vcpu;
	u64 mem[2];

	if (!boot_cpu_has(X86_FEATURE_CX16))
		kunit_skip(test, "this CPU has no CMPXCHG16B");
	put_guest(test, DATA, before, sizeof(before));
	kvm_register_write_raw(vcpu, VCPU_REGS_RAX, before[0]);
	kvm_register_write_raw(vcpu, VCPU_REGS_RDX, before[1]);
	kvm_register_write_raw(vcpu, VCPU_REGS_RCX, 0xcccc);
	/* lock cmpxchg16b [rbx]; RBX is the address and the new lower half */
	KUNIT_EXPECT_EQ(test, EMULATE(DATA, 0xf0, 0x48, 0x0f, 0xc7, 0x0b), KVM_EXIT_HLT);
	get_guest(test, DATA, mem, sizeof(mem));
	KUNIT_EXPECT_EQ(test, mem[0], DATA);
	KUNIT_EXPECT_EQ(test, mem[1], 0xcccc);
	KUNIT_EXPECT_TRUE(test, kvm_get_rflags(vcpu) & X86_EFLAGS_ZF);
	/* Now memory holds something else: it is loaded and nothing stored. */
	kvm_register_write_raw(vcpu, VCPU_REGS_RCX, 0xdddd);
	KUNIT_EXPECT_EQ(test, EMULATE(DATA, 0xf0, 0x48, 0x0f, 0xc7, 0x0b), KVM_EXIT_HLT);
	get_guest(test, DATA, mem, sizeof(mem));
	KUNIT_EXPECT_EQ(test, mem[1], 0xcccc);
	KUNIT_EXPECT_EQ(test, kvm_register_read_raw(vcpu, VCPU_REGS_RAX), DATA);
	KUNIT_EXPECT_EQ(test, kvm_register_read_raw(vcpu, VCPU_REGS_RDX), 0xcccc);
	KUNIT_EXPECT_FALSE(test, kvm_get_rflags(vcpu) & X86_EFLAGS_ZF);
}

static void vector_store(struct kunit *test)
{
	struct kvm_fpu fpu;
	u8 mem[32];

	set_vectors(test, &fpu);
	/* movdqa [rbx], xmm0 */
	KUNIT_EXPECT_EQ(test, EMULATE(DATA, 0x66, 0x0f, 0x7f, 0x03), KVM_EXIT_HLT);
	/* movups [rbx], xmm13 */
	KUNIT_EXPECT_EQ(test, EMULATE(DATA + 16, 0x44, 0x0f, 0x11, 0x2b), KVM_EXIT_HLT);
	get_guest(test, DATA, mem, sizeof(mem));
	KUNIT_EXPECT_MEMEQ(test, mem, fpu.xmm[0], 16);
	KUNIT_EXPECT_MEMEQ(test, mem + 16, fpu.xmm[13], 16);
}

/* Loads into the first, the last and one between; no other register changes. */
static void vector_load(struct kunit *test)
{
	struct kvm_fpu *want = kunit_kzalloc(test, sizeof(*want), GFP_KERNEL);
	struct kvm_fpu *got = kunit_kzalloc(test, sizeof(*got), GFP_KERNEL);
	u8 mem[48];

	KUNIT_ASSERT_NOT_NULL(test, want);
	KUNIT_ASSERT_NOT_NULL(test, got);
	memset(mem, 0xa0, 16);
	memset(mem + 16, 0xb1, 16);
	memset(mem + 32, 0xc2, 16);
	set_vectors(test, want);
	put_guest(test, DATA, mem, sizeof(mem));
	/* movdqu xmm0, [rbx]; movdqu xmm9, [rbx]; movdqu xmm15, [rbx] */
	KUNIT_EXPECT_EQ(test, EMULATE(DATA, 0xf3, 0x0f, 0x6f, 0x03), KVM_EXIT_HLT);
	KUNIT_EXPECT_EQ(test, EMULATE(DATA + 16, 0xf3, 0x44, 0x0f, 0x6f, 0x0b), KVM_EXIT_HLT);
	KUNIT_EXPECT_EQ(test, EMULATE(DATA + 32, 0xf3, 0x44, 0x0f, 0x6f, 0x3b), KVM_EXIT_HLT);
	memcpy(want->xmm[0], mem, 16);
	memcpy(want->xmm[9], mem + 16, 16);
	memcpy(want->xmm[15], mem + 32, 16);
	vcpu_get(test, KVM_GET_FPU, got, sizeof(*got));
	KUNIT_EXPECT_MEMEQ(test, (u8 *)got->xmm, (u8 *)want->xmm, sizeof(want->xmm));
}

/* movdqa [rbx], xmm0 to a device: two exits carry it, lower half first. */
static void vector_store_to_device(struct kunit *test)
{
	struct env_guest *guest = test->priv;
	struct kvm_run *run = guest->vcpu->run;
	struct kvm_fpu fpu;

	set_vectors(test, &fpu);
	KUNIT_ASSERT_EQ(test, EMULATE(DEVICE + 0x50, 0x66, 0x0f, 0x7f, 0x03), KVM_EXIT_MMIO);
	KUNIT_EXPECT_EQ(test, run->mmio.phys_addr, DEVICE + 0x50);
	KUNIT_EXPECT_EQ(test, run->mmio.len, 8);
	KUNIT_EXPECT_MEMEQ(test, run->mmio.data, fpu.xmm[0], 8);
	KUNIT_ASSERT_EQ(test, fake_run(test, guest->vcpu), KVM_EXIT_MMIO);
	KUNIT_EXPECT_EQ(test, run->mmio.phys_addr, DEVICE + 0x58);
	KUNIT_EXPECT_EQ(test, run->mmio.len, 8);
	KUNIT_EXPECT_MEMEQ(test, run->mmio.data, fpu.xmm[0] + 8, 8);
	KUNIT_EXPECT_EQ(test, fake_run(test, guest->vcpu), KVM_EXIT_HLT);
	KUNIT_EXPECT_EQ(test, kvm_rip_read(guest->vcpu), CODE + 4 + 1);
}

/* A store into two pages, the second unmapped by userspace: the first stays as it was. */
static void store_without_second_page(struct kunit *test)
{
	struct env_guest *guest = test->priv;
	u32 val = 0;

	KUNIT_ASSERT_EQ(test, vm_munmap(guest->memory + DATA + PAGE_SIZE, PAGE_SIZE), 0);
	kvm_register_write_raw(guest->vcpu, VCPU_REGS_RAX, 0x1122334455667788);
	/* mov [rbx], rax */
	KUNIT_EXPECT_EQ(test, EMULATE(DATA + PAGE_SIZE - 4, 0x48, 0x89, 0x03),
			KVM_EXIT_INTERNAL_ERROR);
	KUNIT_EXPECT_EQ(test, kvm_rip_read(guest->vcpu), CODE);
	get_guest(test, DATA + PAGE_SIZE - 4, &val, sizeof(val));
	KUNIT_EXPECT_EQ(test, val, 0);
}

/* A 64-bit CPU with SSE2 and CMPXCHG16B. */
static void set_cpuid(struct kunit *test)
{
	static const struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entry[4];
	} cpuid = {
		.head = { .nent = 4 },
		.entry = {
			{ .function = 0, .eax = 1 },
			{
				.function = 1,
				.ecx = BIT(13),
				.edx = BIT(6) | BIT(24) | BIT(25) | BIT(26),
			},
			{ .function = 0x80000000, .eax = 0x80000001 },
			{ .function = 0x80000001, .edx = BIT(29) },
		},
	};

	vcpu_set(test, KVM_SET_CPUID2, &cpuid, sizeof(cpuid));
}

/* The first 2 MiB mapped to themselves, everything allowed. */
static void set_long_mode(struct kunit *test)
{
	static const u64 table[3] = { (TABLES + 0x1000) | 7, (TABLES + 0x2000) | 7, 0x80 | 7 };
	struct kvm_sregs sregs;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		put_guest(test, TABLES + i * PAGE_SIZE, &table[i], sizeof(table[i]));
	vcpu_get(test, KVM_GET_SREGS, &sregs, sizeof(sregs));
	sregs.cs = (struct kvm_segment){
		.selector = 8, .limit = 0xffffffff, .type = 11,
		.present = 1, .s = 1, .l = 1, .g = 1,
	};
	sregs.ss = (struct kvm_segment){
		.selector = 16, .limit = 0xffffffff, .type = 3,
		.present = 1, .s = 1, .db = 1, .g = 1,
	};
	sregs.ds = sregs.ss;
	sregs.es = sregs.ss;
	sregs.cr3 = TABLES;
	sregs.cr4 = X86_CR4_PAE | X86_CR4_OSFXSR;
	sregs.cr0 = X86_CR0_PE | X86_CR0_PG | X86_CR0_ET;
	sregs.efer = EFER_LME | EFER_LMA;
	vcpu_set(test, KVM_SET_SREGS, &sregs, sizeof(sregs));
}

/* The filter holds for an RDMSR and a WRMSR that are emulated, too. */
static void emul_filtered_msr(struct kunit *test)
{
	struct env_guest *guest = test->priv;
	struct kvm_vcpu *vcpu = guest->vcpu;
	struct kvm_msr_filter *filter = kunit_kzalloc(test, sizeof(*filter), GFP_KERNEL);
	const u64 allow_none = 0;

	KUNIT_ASSERT_NOT_NULL(test, filter);
	kvm_register_write_raw(vcpu, VCPU_REGS_RCX, MSR_IA32_CR_PAT);
	kvm_register_write_raw(vcpu, VCPU_REGS_RAX, 0x06060606);
	kvm_register_write_raw(vcpu, VCPU_REGS_RDX, 0x06060606);
	KUNIT_ASSERT_EQ(test, EMULATE(0, 0x0f, 0x30), KVM_EXIT_HLT);
	KUNIT_EXPECT_EQ(test, vcpu->pat, 0x0606060606060606ULL);
	KUNIT_EXPECT_EQ(test, vcpu->stat.exception_injections, 0);

	KUNIT_ASSERT_EQ(test, copy_to_user((void __user *)guest->arg, &allow_none, 8), 0);
	filter->ranges[0] = (struct kvm_msr_filter_range){
		.flags = KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE,
		.base = MSR_IA32_CR_PAT,
		.nmsrs = 1,
		.bitmap = (u8 *)guest->arg,
	};
	KUNIT_ASSERT_EQ(test, kvm_vm_ioctl_set_msr_filter(vcpu->kvm, filter), 0);
	kvm_register_write_raw(vcpu, VCPU_REGS_RAX, 0);
	KUNIT_ASSERT_EQ(test, EMULATE(0, 0x0f, 0x30), KVM_EXIT_HLT);
	KUNIT_EXPECT_EQ(test, vcpu->stat.exception_injections, 1);
	KUNIT_EXPECT_EQ(test, vcpu->pat, 0x0606060606060606ULL);
	KUNIT_ASSERT_EQ(test, EMULATE(0, 0x0f, 0x32), KVM_EXIT_HLT);
	KUNIT_EXPECT_EQ(test, vcpu->stat.exception_injections, 2);
	KUNIT_EXPECT_EQ(test, vcpu->regs[VCPU_REGS_RAX], 0);
}

/*
 * Stores to devices with interrupts off (core/fastpath.c). The local APIC is the
 * device. The first store notes where it is, so the second is the one to look at.
 */

#define APIC_TPR_GPA	(APIC_DEFAULT_PHYS_BASE + APIC_TASKPRI)
/* Where the guest may have mapped it: a page that its tables do not know will do. */
#define APIC_TPR_LINEAR	(0x7fff0000UL + APIC_TASKPRI)

static void run_store(struct kunit *test, const struct tdp_fault *fault, unsigned long rip,
		      const u8 *code, size_t len)
{
	struct env_guest *guest = test->priv;
	struct kvm_vcpu *vcpu = guest->vcpu;

	put_guest(test, rip, code, len);
	kvm_rip_write(vcpu, rip);
	STEP(FAKE_STEP_TDP_FAULT, .fault = *fault);
	STEP(FAKE_STEP_SHUTDOWN);
	if (fake_run(test, vcpu) == KVM_EXIT_SHUTDOWN)
		return;
	/* What userspace was asked for does not matter here: the script is to end. */
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_SHUTDOWN);
}

static const struct tdp_fault tpr_fault = { .gpa = APIC_TPR_GPA, .write = true };
/* Userspace's, if there is something. */
static const struct tdp_fault next_page_fault = { .gpa = APIC_TPR_GPA + PAGE_SIZE, .write = true };

/* mov [rbx], eax, which is fast from then on */
static void store_once(struct kunit *test)
{
	struct env_guest *guest = test->priv;
	struct kvm_vcpu *vcpu = guest->vcpu;
	static const u8 code[] = { 0x89, 0x03 };

	kvm_register_write_raw(vcpu, VCPU_REGS_RBX, APIC_TPR_LINEAR);
	kvm_register_write_raw(vcpu, VCPU_REGS_RAX, 0x10);
	run_store(test, &tpr_fault, CODE, code, sizeof(code));
	KUNIT_ASSERT_EQ(test, lapic_reg(vcpu->lapic, APIC_TASKPRI), 0x10);
	vcpu->stat.fast_exits = 0;
}

struct store_case {
	const char *name;
	u8 len;
	u8 code[EMUL_MAX_INSN];
};

static const struct store_case fast_stores[] = {
	{ "mov [rbx], eax", 2, { 0x89, 0x03 } },
	{ "mov [rbx + disp8], eax", 3, { 0x89, 0x43, 0x00 } },
	{ "mov [rbx + disp32], eax", 6, { 0x89, 0x83, 0, 0xf0, 0xff, 0xff } },
	{ "mov [disp32], eax", 7, { 0x89, 0x04, 0x25, 0x80, 0x70, 0, 0 } },
	{ "mov [rip + disp32], eax", 6, { 0x89, 0x05, 0x7a, 0x60, 0, 0 } },
	{ "mov [rbx + rcx * 4], eax", 3, { 0x89, 0x04, 0x8b } },
	{ "mov [rcx * 8 + disp32], r15d", 8, { 0x44, 0x89, 0x3c, 0xcd, 0x80, 0, 0x10, 0 } },
	{ "mov [r12 + r13], r15d", 4, { 0x47, 0x89, 0x3c, 0x2c } },
	{ "mov dword [rbx], 0x20", 6, { 0xc7, 0x03, 0x20, 0, 0, 0 } },
	{ "mov dword [r12 + r13 + disp8], 0x20", 9, { 0x43, 0xc7, 0x44, 0x2c, 0, 0x20, 0, 0, 0 } },
};

static void fast_forms(struct kunit *test)
{
	struct env_guest *guest = test->priv;
	struct kvm_vcpu *vcpu = guest->vcpu;
	unsigned int i;

	store_once(test);
	kvm_register_write_raw(vcpu, VCPU_REGS_RCX, 0x1000);
	kvm_register_write_raw(vcpu, VCPU_REGS_R12, APIC_TPR_LINEAR - 0x40);
	kvm_register_write_raw(vcpu, VCPU_REGS_R13, 0x40);
	for (i = 0; i < ARRAY_SIZE(fast_stores); i++) {
		const struct store_case *c = &fast_stores[i];

		kvm_register_write_raw(vcpu, VCPU_REGS_RAX, 0x20);
		kvm_register_write_raw(vcpu, VCPU_REGS_R15, 0x20);
		kvm_lapic_set_tpr(vcpu, 0);
		vcpu->stat.fast_exits = 0;
		run_store(test, &tpr_fault, CODE, c->code, c->len);
		KUNIT_EXPECT_EQ_MSG(test, vcpu->stat.fast_exits, 1, "%s", c->name);
		KUNIT_EXPECT_EQ_MSG(test, lapic_reg(vcpu->lapic, APIC_TASKPRI), 0x20, "%s",
				    c->name);
		KUNIT_EXPECT_EQ_MSG(test, kvm_rip_read(vcpu), CODE + c->len, "%s", c->name);
	}
}

/* Others than a plain 32-bit store take the long way, and end as there. */
static const struct store_case slow_stores[] = {
	{ "mov [rbx], ax", 3, { 0x66, 0x89, 0x03 } },
	{ "mov [rbx], al", 2, { 0x88, 0x03 } },
	{ "mov [rbx], ah", 2, { 0x88, 0x23 } },
	{ "mov [rbx], rax", 3, { 0x48, 0x89, 0x03 } },
	{ "mov [ebx], eax", 3, { 0x67, 0x89, 0x03 } },
	{ "mov fs:[rbx], eax", 3, { 0x64, 0x89, 0x03 } },
	{ "lock mov [rbx], eax", 3, { 0xf0, 0x89, 0x03 } },
	{ "rep mov [rbx], eax", 3, { 0xf3, 0x89, 0x03 } },
	{ "xchg [rbx], eax", 2, { 0x87, 0x03 } },
	{ "group 11 has one operation", 6, { 0xc7, 0x0b, 0x20, 0, 0, 0 } },
	{ "movnti [rbx], eax", 3, { 0x0f, 0xc3, 0x03 } },
	{ "mov eax, [rbx]: not what was faulted", 2, { 0x8b, 0x03 } },
	{ "mov [rbx + 0x10], eax: somewhere else", 3, { 0x89, 0x43, 0x10 } },
	{ "mov ebx, eax", 2, { 0x89, 0xc3 } },
};

static void slow_store(struct kunit *test)
{
	struct env_guest *guest = test->priv;
	struct kvm_vcpu *vcpu = guest->vcpu;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(slow_stores); i++) {
		const struct store_case *c = &slow_stores[i];

		store_once(test);
		run_store(test, &tpr_fault, CODE, c->code, c->len);
		KUNIT_EXPECT_EQ_MSG(test, vcpu->stat.fast_exits, 0, "%s", c->name);
		vcpu->ev.exception.pending = false;
		vcpu->ev.exception.injected = false;
		vcpu->mp_state = KVM_MP_STATE_RUNNABLE;
	}
}

/* Accesses that are no instruction's store to where nothing is. */
static void slow_fault(struct kunit *test)
{
	static const struct tdp_fault faults[] = {
		{ .gpa = APIC_TPR_GPA },
		{ .gpa = APIC_TPR_GPA, .write = true, .present = true },
		{ .gpa = APIC_TPR_GPA, .write = true, .guest_walk = true },
		{ .gpa = APIC_TPR_GPA, .write = true, .exec = true },
		{ .gpa = APIC_TPR_GPA + PAGE_SIZE, .write = true },
	};
	static const u8 code[] = { 0x89, 0x03 };
	struct env_guest *guest = test->priv;
	struct kvm_vcpu *vcpu = guest->vcpu;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(faults); i++) {
		store_once(test);
		run_store(test, &faults[i], CODE, code, sizeof(code));
		KUNIT_EXPECT_EQ_MSG(test, vcpu->stat.fast_exits, 0, "fault %u", i);
		vcpu->ev.exception.pending = false;
		vcpu->ev.exception.injected = false;
	}
}

static void slow_states(struct kunit *test)
{
	static const u8 code[] = { 0x89, 0x03 };
	struct env_guest *guest = test->priv;
	struct kvm_vcpu *vcpu = guest->vcpu;
	struct kvm_sregs sregs;

	/* The fetch is from two pages. */
	store_once(test);
	run_store(test, &tpr_fault, CODE + PAGE_SIZE - 15, code, sizeof(code));
	KUNIT_EXPECT_EQ(test, vcpu->stat.fast_exits, 0);
	run_store(test, &tpr_fault, CODE + PAGE_SIZE - 16, code, sizeof(code));
	KUNIT_EXPECT_EQ(test, vcpu->stat.fast_exits, 1);

	/* A step has to be reported. */
	store_once(test);
	kvm_set_rflags(vcpu, kvm_get_rflags(vcpu) | X86_EFLAGS_TF);
	run_store(test, &tpr_fault, CODE, code, sizeof(code));
	KUNIT_EXPECT_EQ(test, vcpu->stat.fast_exits, 0);
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->log.count[FAKE_DELIVER], 1);
	kvm_set_rflags(vcpu, X86_EFLAGS_FIXED);

	/* Not canonical: #GP. */
	store_once(test);
	kvm_register_write_raw(vcpu, VCPU_REGS_RBX, APIC_TPR_LINEAR | BIT(50));
	run_store(test, &tpr_fault, CODE, code, sizeof(code));
	KUNIT_EXPECT_EQ(test, vcpu->stat.fast_exits, 0);
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->log.count[FAKE_DELIVER], 2);

	/* Compatibility mode, and CPL 3. */
	store_once(test);
	vcpu_get(test, KVM_GET_SREGS, &sregs, sizeof(sregs));
	sregs.cs.l = 0;
	sregs.cs.db = 1;
	vcpu_set(test, KVM_SET_SREGS, &sregs, sizeof(sregs));
	run_store(test, &tpr_fault, CODE, code, sizeof(code));
	KUNIT_EXPECT_EQ(test, vcpu->stat.fast_exits, 0);
	sregs.cs.l = 1;
	sregs.cs.db = 0;
	sregs.cs.dpl = 3;
	sregs.ss.dpl = 3;
	vcpu_set(test, KVM_SET_SREGS, &sregs, sizeof(sregs));
	run_store(test, &tpr_fault, CODE, code, sizeof(code));
	KUNIT_EXPECT_EQ(test, vcpu->stat.fast_exits, 0);
}

/* RF ends with the instruction, and so does an interrupt shadow. */
static void fast_store_retires(struct kunit *test)
{
	static const u8 code[] = { 0x89, 0x03 };
	struct env_guest *guest = test->priv;
	struct kvm_vcpu *vcpu = guest->vcpu;

	store_once(test);
	kvm_set_rflags(vcpu, kvm_get_rflags(vcpu) | X86_EFLAGS_RF);
	to_fake(vcpu)->shadow = KVM_X86_SHADOW_INT_STI;
	run_store(test, &tpr_fault, CODE, code, sizeof(code));
	KUNIT_EXPECT_EQ(test, vcpu->stat.fast_exits, 1);
	KUNIT_EXPECT_FALSE(test, kvm_get_rflags(vcpu) & X86_EFLAGS_RF);
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->shadow, 0);
}

/* Code and tables are read each time, and nothing that was noted outlives what it depends on. */
static void fast_store_forgets(struct kunit *test)
{
	static const u8 code[] = { 0xc7, 0x03, 0x30, 0, 0, 0 };
	static const u8 other[] = { 0xc7, 0x03, 0x40, 0, 0, 0 };
	/* 2 MiB from 2 MiB on in place of the first, by one more table. */
	const u64 pde = 0x200000 | 0x80 | 7, old_pde = 0x80 | 7;
	struct env_guest *guest = test->priv;
	struct kvm_vcpu *vcpu = guest->vcpu;

	store_once(test);
	run_store(test, &tpr_fault, CODE, code, sizeof(code));
	KUNIT_EXPECT_EQ(test, lapic_reg(vcpu->lapic, APIC_TASKPRI), 0x30);
	run_store(test, &tpr_fault, CODE, other, sizeof(other));
	KUNIT_EXPECT_EQ(test, lapic_reg(vcpu->lapic, APIC_TASKPRI), 0x40);
	KUNIT_EXPECT_EQ(test, vcpu->stat.fast_exits, 2);

	/* The guest maps other code there. */
	fake_add_slot(test, vcpu->kvm, 1, 0x200000, PAGE_SIZE * 2, 0);
	run_store(test, &tpr_fault, CODE, code, sizeof(code));
	run_store(test, &tpr_fault, CODE, code, sizeof(code));
	vcpu->stat.fast_exits = 0;
	put_guest(test, TABLES + 2 * PAGE_SIZE, &pde, sizeof(pde));
	run_store(test, &tpr_fault, CODE, code, sizeof(code));
	KUNIT_EXPECT_EQ(test, vcpu->stat.fast_exits, 0);
	put_guest(test, TABLES + 2 * PAGE_SIZE, &old_pde, sizeof(old_pde));
	store_once(test);
	run_store(test, &tpr_fault, CODE, code, sizeof(code));
	KUNIT_EXPECT_EQ(test, vcpu->stat.fast_exits, 1);

	/*
	 * Userspace puts memory there. Another store goes the long way first, so that
	 * it is not for the fetch that the next one does.
	 */
	fake_add_slot(test, vcpu->kvm, 2, APIC_DEFAULT_PHYS_BASE, PAGE_SIZE, 0);
	run_store(test, &next_page_fault, CODE, code, sizeof(code));
	kvm_lapic_set_tpr(vcpu, 0);
	vcpu->stat.fast_exits = 0;
	run_store(test, &tpr_fault, CODE, other, sizeof(other));
	KUNIT_EXPECT_EQ(test, vcpu->stat.fast_exits, 0);
	KUNIT_EXPECT_EQ(test, lapic_reg(vcpu->lapic, APIC_TASKPRI), 0);
}

/* Registers whose stores may sleep, and an EOI somebody waits for, are the long way's. */
static void slow_registers(struct kunit *test)
{
	static const u16 regs[] = { APIC_SPIV, APIC_LVT0, APIC_TDCR, APIC_ID, APIC_TASKPRI + 4 };
	static const u8 code[] = { 0x89, 0x03 };
	struct env_guest *guest = test->priv;
	struct kvm_vcpu *vcpu = guest->vcpu;
	struct tdp_fault fault = tpr_fault;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(regs); i++) {
		store_once(test);
		fault.gpa = APIC_DEFAULT_PHYS_BASE + regs[i];
		kvm_register_write_raw(vcpu, VCPU_REGS_RBX,
				       APIC_TPR_LINEAR - APIC_TASKPRI + regs[i]);
		kvm_register_write_raw(vcpu, VCPU_REGS_RAX, regs[i] == APIC_SPIV ? 0x1ff : 0);
		run_store(test, &fault, CODE, code, sizeof(code));
		KUNIT_EXPECT_EQ_MSG(test, vcpu->stat.fast_exits, 0, "register %x", regs[i]);
	}

	fault.gpa = APIC_DEFAULT_PHYS_BASE + APIC_EOI;
	for (i = 0; i < 2; i++) {
		store_once(test);
		kvm_lapic_self_irq(vcpu, 0x51);
		kvm_lapic_take(vcpu, 0x51);
		if (i)
			__set_bit(0x51, vcpu->lapic->ioapic_handled_vectors);
		kvm_register_write_raw(vcpu, VCPU_REGS_RBX,
				       APIC_TPR_LINEAR - APIC_TASKPRI + APIC_EOI);
		run_store(test, &fault, CODE, code, sizeof(code));
		KUNIT_EXPECT_EQ(test, vcpu->stat.fast_exits, !i);
		KUNIT_EXPECT_FALSE(test, lapic_test_vector(vcpu->lapic, APIC_ISR, 0x51));
	}
}

static int fast_store_init(struct kunit *test)
{
	struct env_guest *guest = kunit_kzalloc(test, sizeof(*guest), GFP_KERNEL);
	struct kvm *kvm = fake_vm_create(test);

	KUNIT_ASSERT_NOT_NULL(test, guest);
	test->priv = guest;
	KUNIT_ASSERT_EQ(test, kvm_vm_ioctl_irq(kvm, KVM_CREATE_IRQCHIP, NULL), 0);
	guest->vcpu = fake_vcpu_create(test, kvm);
	guest->memory = fake_add_slot(test, kvm, 0, 0, DEVICE, 0);
	guest->arg = fake_user_memory(test, PAGE_SIZE);
	set_cpuid(test);
	set_long_mode(test);
	kvm_lapic_write_reg(guest->vcpu, APIC_SPIV, APIC_SPIV_APIC_ENABLED | 0xff);
	return 0;
}

/*
 * Plain MOVs to and from userspace's devices (core/move.c). The first access is
 * the emulator's, which leaves its instruction in its context; with the second
 * there is none.
 */
static u32 access_device(struct kunit *test, bool write, u64 gpa, const u8 *code, size_t len)
{
	struct env_guest *guest = test->priv;
	struct kvm_vcpu *vcpu = guest->vcpu;

	put_guest(test, CODE, code, len);
	kvm_rip_write(vcpu, CODE);
	kvm_register_write_raw(vcpu, VCPU_REGS_RBX, gpa);
	STEP(FAKE_STEP_TDP_FAULT, .fault = { .gpa = gpa, .write = write });
	STEP(FAKE_STEP_HLT, .insn_len = 1);
	return fake_run(test, vcpu);
}

/* As the guest does before: the way to the code is known then. */
static void access_first(struct kunit *test)
{
	static const u8 code[] = { 0x89, 0x03 };
	struct env_guest *guest = test->priv;

	KUNIT_ASSERT_EQ(test, access_device(test, true, DEVICE, code, sizeof(code)),
			KVM_EXIT_MMIO);
	KUNIT_ASSERT_TRUE(test, guest->vcpu->emul.decoded);
	KUNIT_ASSERT_EQ(test, fake_run(test, guest->vcpu), KVM_EXIT_HLT);
}

static void plain_loads(struct kunit *test)
{
	static const struct { u8 bytes, len, code[4]; u64 want; } loads[] = {
		{ 1, 2, { 0x8a, 0x03 }, 0x1111111111111188 },
		{ 2, 3, { 0x66, 0x8b, 0x03 }, 0x1111111111117788 },
		{ 4, 2, { 0x8b, 0x03 }, 0x55667788 },
		{ 8, 3, { 0x48, 0x8b, 0x03 }, 0x1122334455667788 },
	};
	struct env_guest *guest = test->priv;
	struct kvm_vcpu *vcpu = guest->vcpu;
	struct kvm_run *run = vcpu->run;
	const u64 answer = 0x1122334455667788;
	unsigned int i;

	access_first(test);
	for (i = 0; i < ARRAY_SIZE(loads); i++) {
		kvm_register_write_raw(vcpu, VCPU_REGS_RAX, 0x1111111111111111);
		kvm_set_rflags(vcpu, kvm_get_rflags(vcpu) | X86_EFLAGS_RF);
		to_fake(vcpu)->shadow = KVM_X86_SHADOW_INT_STI;
		KUNIT_ASSERT_EQ(test, access_device(test, false, DEVICE + 0x18, loads[i].code,
						    loads[i].len), KVM_EXIT_MMIO);
		KUNIT_EXPECT_FALSE(test, vcpu->emul.decoded);
		KUNIT_EXPECT_EQ(test, run->mmio.phys_addr, DEVICE + 0x18);
		KUNIT_EXPECT_EQ(test, run->mmio.len, loads[i].bytes);
		KUNIT_EXPECT_FALSE(test, run->mmio.is_write);
		KUNIT_EXPECT_EQ(test, kvm_rip_read(vcpu), CODE);
		memcpy(run->mmio.data, &answer, sizeof(answer));
		KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
		KUNIT_EXPECT_EQ(test, vcpu->regs[VCPU_REGS_RAX], loads[i].want);
		KUNIT_EXPECT_EQ(test, kvm_rip_read(vcpu), CODE + loads[i].len + 1);
		KUNIT_EXPECT_FALSE(test, kvm_get_rflags(vcpu) & X86_EFLAGS_RF);
		KUNIT_EXPECT_EQ(test, to_fake(vcpu)->shadow, 0);
	}
}

/* What userspace replaces while it serves a load wins. */
static void plain_load_dropped(struct kunit *test)
{
	static const u8 code[] = { 0x8b, 0x03 };
	struct env_guest *guest = test->priv;
	struct kvm_vcpu *vcpu = guest->vcpu;
	struct kvm_sregs sregs;

	access_first(test);
	kvm_register_write_raw(vcpu, VCPU_REGS_RAX, 0x10);
	KUNIT_ASSERT_EQ(test, access_device(test, false, DEVICE, code, sizeof(code)),
			KVM_EXIT_MMIO);
	memset(vcpu->run->mmio.data, 0x22, 8);
	kvm_rip_write(vcpu, CODE + 0x100);
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	KUNIT_EXPECT_EQ(test, vcpu->regs[VCPU_REGS_RAX], 0x10);
	KUNIT_EXPECT_EQ(test, kvm_rip_read(vcpu), CODE + 0x100 + 1);

	KUNIT_ASSERT_EQ(test, access_device(test, false, DEVICE, code, sizeof(code)),
			KVM_EXIT_MMIO);
	emul_reset(&vcpu->emul);	/* as INIT does */
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	KUNIT_EXPECT_EQ(test, vcpu->regs[VCPU_REGS_RAX], 0x10);
	KUNIT_EXPECT_EQ(test, kvm_rip_read(vcpu), CODE + 1);

	KUNIT_ASSERT_EQ(test, access_device(test, false, DEVICE, code, sizeof(code)),
			KVM_EXIT_MMIO);
	vcpu_get(test, KVM_GET_SREGS, &sregs, sizeof(sregs));
	sregs.cs.dpl = 3;
	sregs.ss.dpl = 3;
	vcpu_set(test, KVM_SET_SREGS, &sregs, sizeof(sregs));
	fake_run(test, vcpu);
	KUNIT_EXPECT_EQ(test, vcpu->regs[VCPU_REGS_RAX], 0x10);
}

static void plain_stores(struct kunit *test)
{
	static const struct { u8 bytes, len, code[8]; u64 want; } stores[] = {
		{ 1, 2, { 0x88, 0x03 }, 0x88 },
		{ 1, 3, { 0xc6, 0x03, 0x99 }, 0x99 },
		{ 2, 3, { 0x66, 0x89, 0x03 }, 0x7788 },
		{ 4, 2, { 0x89, 0x03 }, 0x55667788 },
		{ 8, 3, { 0x48, 0x89, 0x03 }, 0x1122334455667788 },
		{ 8, 7, { 0x48, 0xc7, 0x03, 0xfe, 0xff, 0xff, 0xff }, -2 },
	};
	struct env_guest *guest = test->priv;
	struct kvm_vcpu *vcpu = guest->vcpu;
	struct kvm_run *run = vcpu->run;
	unsigned int i;

	access_first(test);
	kvm_register_write_raw(vcpu, VCPU_REGS_RAX, 0x1122334455667788);
	for (i = 0; i < ARRAY_SIZE(stores); i++) {
		kvm_set_rflags(vcpu, kvm_get_rflags(vcpu) | X86_EFLAGS_RF);
		KUNIT_ASSERT_EQ(test, access_device(test, true, DEVICE + 0x18, stores[i].code,
						    stores[i].len), KVM_EXIT_MMIO);
		KUNIT_EXPECT_FALSE(test, vcpu->emul.decoded);
		KUNIT_EXPECT_EQ(test, run->mmio.phys_addr, DEVICE + 0x18);
		KUNIT_EXPECT_EQ(test, run->mmio.len, stores[i].bytes);
		KUNIT_EXPECT_TRUE(test, run->mmio.is_write);
		KUNIT_EXPECT_MEMEQ(test, run->mmio.data, (const u8 *)&stores[i].want,
				   stores[i].bytes);
		KUNIT_EXPECT_EQ(test, kvm_rip_read(vcpu), CODE + stores[i].len);
		KUNIT_EXPECT_FALSE(test, kvm_get_rflags(vcpu) & X86_EFLAGS_RF);
		KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);
	}
}

/* These are the emulator's: a debugger's step, and an access that no MOV made. */
static void moves_of_the_emulator(struct kunit *test)
{
	struct kvm_guest_debug dbg = { .control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP };
	static const u8 store[] = { 0x89, 0x03 }, or[] = { 0x09, 0x03 };
	struct env_guest *guest = test->priv;
	struct kvm_vcpu *vcpu = guest->vcpu;

	access_first(test);
	KUNIT_ASSERT_EQ(test, access_device(test, true, DEVICE, or, sizeof(or)), KVM_EXIT_MMIO);
	KUNIT_EXPECT_TRUE(test, vcpu->emul.decoded);
	KUNIT_EXPECT_FALSE(test, vcpu->run->mmio.is_write);
	KUNIT_ASSERT_EQ(test, fake_run(test, vcpu), KVM_EXIT_MMIO);
	KUNIT_EXPECT_TRUE(test, vcpu->run->mmio.is_write);
	KUNIT_ASSERT_EQ(test, fake_run(test, vcpu), KVM_EXIT_HLT);

	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_set_guest_debug(vcpu, &dbg), 0);
	KUNIT_ASSERT_EQ(test, access_device(test, true, DEVICE, store, sizeof(store)),
			KVM_EXIT_MMIO);
	KUNIT_EXPECT_TRUE(test, vcpu->emul.decoded);
	KUNIT_EXPECT_EQ(test, fake_run(test, vcpu), KVM_EXIT_DEBUG);
}

static int emul_env_init(struct kunit *test)
{
	struct env_guest *guest = kunit_kzalloc(test, sizeof(*guest), GFP_KERNEL);
	struct kvm *kvm = fake_vm_create(test);

	KUNIT_ASSERT_NOT_NULL(test, guest);
	test->priv = guest;
	guest->vcpu = fake_vcpu_create(test, kvm);
	guest->memory = fake_add_slot(test, kvm, 0, 0, DEVICE, 0);
	guest->arg = fake_user_memory(test, PAGE_SIZE);
	set_cpuid(test);
	set_long_mode(test);
	return 0;
}

/* No exit tells that the mask is gone. */
static void iret_asks_for_nmi(struct kunit *test)
{
	struct env_guest *guest = test->priv;
	struct kvm_vcpu *vcpu = guest->vcpu;

	kvm_x86_set_nmi_mask(vcpu, true);
	emul_env_unblock_nmi(&vcpu->emul);
	KUNIT_EXPECT_FALSE(test, kvm_x86_get_nmi_mask(vcpu));
	KUNIT_EXPECT_EQ(test, vcpu->stat.event_raise[EVENT_NMI], 0);

	kvm_x86_set_nmi_mask(vcpu, true);
	vcpu->ev.nmi_pending = 1;
	emul_env_unblock_nmi(&vcpu->emul);
	KUNIT_EXPECT_EQ(test, vcpu->stat.event_raise[EVENT_NMI], 1);
}

static struct kunit_case emul_env_test_cases[] = {
	KUNIT_CASE(locked_xadd),
	KUNIT_CASE(locked_cmpxchg16b),
	KUNIT_CASE(vector_store),
	KUNIT_CASE(vector_load),
	KUNIT_CASE(vector_store_to_device),
	KUNIT_CASE(store_without_second_page),
	KUNIT_CASE(emul_filtered_msr),
	KUNIT_CASE(plain_loads),
	KUNIT_CASE(plain_load_dropped),
	KUNIT_CASE(plain_stores),
	KUNIT_CASE(moves_of_the_emulator),
	KUNIT_CASE(iret_asks_for_nmi),
	{}
};

static struct kunit_suite emul_env_test_suite = {
	.name = "emul_env",
	.init = emul_env_init,
	.test_cases = emul_env_test_cases,
};

static struct kunit_case fast_store_test_cases[] = {
	KUNIT_CASE(fast_forms),
	KUNIT_CASE(slow_store),
	KUNIT_CASE(slow_fault),
	KUNIT_CASE(slow_states),
	KUNIT_CASE(fast_store_retires),
	KUNIT_CASE(fast_store_forgets),
	KUNIT_CASE(slow_registers),
	{}
};

static struct kunit_suite fast_store_test_suite = {
	.name = "fast_store",
	.init = fast_store_init,
	.test_cases = fast_store_test_cases,
};

kunit_test_suites(&emul_env_test_suite, &fast_store_test_suite);
