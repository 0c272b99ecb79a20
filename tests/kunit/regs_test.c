// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers as userspace gets and sets them: what was set is what is got, and
 * what is refused changes nothing.
 */
#include <kunit/test.h>
#include <linux/string.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "core/cpuid.h"
#include "core/cr.h"
#include "core/event.h"
#include "core/irq/inject.h"
#include "core/irq/irqchip.h"
#include "core/irq/lapic.h"
#include "core/regs.h"
#include "core/request.h"
#include "core/vcpu.h"
#include "core/vm.h"
#include "tests/fake/fake.h"

static int regs_init(struct kunit *test)
{
	struct kvm_vcpu *vcpu = fake_vcpu_create(test, fake_vm_create(test));

	vcpu->cpuid_caps = ~0U;
	vcpu->cr4_guest_rsvd_bits = 0;
	vcpu->reserved_gpa_bits = GENMASK_ULL(63, 40);
	test->priv = vcpu;
	return 0;
}

static void regs_round_trip(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	struct kvm_regs in, out;
	int i;

	for (i = 0; i < sizeof(in) / sizeof(u64); i++)
		((u64 *)&in)[i] = 0x1111111100000000ULL * (i % 15) + i;
	in.rflags = X86_EFLAGS_FIXED | X86_EFLAGS_IF | X86_EFLAGS_ZF;
	vcpu->requests = 0;
	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_set_regs(vcpu, &in), 0);
	KUNIT_EXPECT_TRUE(test, kvm_test_request(KVM_REQ_EVENT, vcpu));
	memset(&out, 0xff, sizeof(out));
	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_get_regs(vcpu, &out), 0);
	KUNIT_EXPECT_EQ(test, memcmp(&in, &out, sizeof(in)), 0);
}

/* An instruction that waits for its data goes on with the registers userspace gives it. */
static void regs_move_operand(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	kvm_vcpu_ioctl_get_regs(vcpu, &regs);
	vcpu->emul.known.valid = true;
	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_set_regs(vcpu, &regs), 0);
	KUNIT_EXPECT_FALSE(test, vcpu->emul.known.valid);

	kvm_vcpu_ioctl_get_sregs(vcpu, &sregs);
	vcpu->emul.known.valid = true;
	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_set_sregs(vcpu, &sregs), 0);
	KUNIT_EXPECT_FALSE(test, vcpu->emul.known.valid);
}

/* Bits of RFLAGS that do not exist must never reach hardware. */
static void rflags_undefined_bits(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	struct kvm_regs regs = { .rflags = ~0ULL };

	kvm_vcpu_ioctl_set_regs(vcpu, &regs);
	KUNIT_EXPECT_EQ(test, kvm_x86_get_rflags(vcpu), 0x3f7fd7UL);
	regs.rflags = 0;
	kvm_vcpu_ioctl_set_regs(vcpu, &regs);
	KUNIT_EXPECT_EQ(test, kvm_x86_get_rflags(vcpu), X86_EFLAGS_FIXED);
}

static void long_mode_sregs(struct kvm_vcpu *vcpu, struct kvm_sregs *sregs)
{
	kvm_vcpu_ioctl_get_sregs(vcpu, sregs);
	sregs->cr0 = X86_CR0_PE | X86_CR0_PG | X86_CR0_ET | X86_CR0_WP;
	sregs->cr4 = X86_CR4_PAE | X86_CR4_PGE;
	sregs->efer = EFER_LME | EFER_LMA | EFER_SCE;
	sregs->cr3 = 0x5000;
	sregs->cs.l = 1;
	sregs->cs.db = 0;
}

static void sregs_round_trip(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	struct kvm_sregs in, out;

	long_mode_sregs(vcpu, &in);
	in.cr2 = 0x123456789abcULL;
	in.cr8 = 7;
	in.gdt.base = 0xffff888000001000ULL;
	in.gdt.limit = 0x7f;
	in.idt.base = 0xfffffe0000000000ULL;
	in.idt.limit = 0xfff;
	in.fs.base = 0x7f0000001000ULL;
	in.apic_base ^= MSR_IA32_APICBASE_BSP;
	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_set_sregs(vcpu, &in), 0);
	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_get_sregs(vcpu, &out), 0);
	KUNIT_EXPECT_EQ(test, memcmp(&in, &out, sizeof(in)), 0);
	KUNIT_EXPECT_TRUE(test, kvm_test_request(KVM_REQ_TLB_FLUSH_GUEST, vcpu));
	KUNIT_EXPECT_TRUE(test, is_64_bit_mode(vcpu));
}

static void sregs_interrupt(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	struct kvm_sregs in, out;

	long_mode_sregs(vcpu, &in);
	in.interrupt_bitmap[1] = BIT_ULL(5);
	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_set_sregs(vcpu, &in), 0);
	KUNIT_EXPECT_FALSE(test, vcpu->ev.interrupt.injected);
	KUNIT_EXPECT_TRUE(test, vcpu->ev.user_irq_pending);
	KUNIT_EXPECT_EQ(test, vcpu->ev.user_irq, 69);
	KUNIT_EXPECT_TRUE(test, kvm_test_request(KVM_REQ_EVENT, vcpu));
	kvm_vcpu_ioctl_get_sregs(vcpu, &out);
	KUNIT_EXPECT_EQ(test, out.interrupt_bitmap[1], BIT_ULL(5));
	KUNIT_EXPECT_EQ(test, out.interrupt_bitmap[0], 0ULL);
}

/* LINT0 holds back what a PIC raised, not what replaces it. */
static void sregs_interrupt_not_of_pic(struct kunit *test)
{
	const struct kvm_interrupt from_pic = { .irq = 69 };
	struct kvm *kvm = fake_vm_create(test);
	struct kvm_vcpu *vcpu;
	struct kvm_sregs in;

	mutex_lock(&kvm->lock);
	KUNIT_EXPECT_EQ(test, kvm_enable_split_irqchip(kvm, 24), 0);
	mutex_unlock(&kvm->lock);
	vcpu = fake_vcpu_create(test, kvm);
	kvm_lapic_write_reg(vcpu, APIC_LVT0, APIC_LVT_MASKED);
	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_interrupt(vcpu, &from_pic), 0);
	KUNIT_EXPECT_FALSE(test, kvm_irq_waits(vcpu));
	kvm_vcpu_ioctl_get_sregs(vcpu, &in);
	memset(in.interrupt_bitmap, 0, sizeof(in.interrupt_bitmap));
	in.interrupt_bitmap[1] = BIT_ULL(6);
	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_set_sregs(vcpu, &in), 0);
	KUNIT_EXPECT_EQ(test, vcpu->ev.user_irq, 70);
	KUNIT_EXPECT_TRUE(test, kvm_irq_waits(vcpu));
}

/* Each row spoils one field of legal long-mode registers. */
enum spoil {
	SPOIL_CR0_UPPER, SPOIL_CR0_PG_WITHOUT_PE, SPOIL_CR0_NW, SPOIL_CR3_WIDTH,
	SPOIL_CR4_RESERVED, SPOIL_CR4_PAE, SPOIL_CR8, SPOIL_EFER_UNKNOWN, SPOIL_EFER_LMA,
	SPOIL_EFER_LME, SPOIL_CS_L, SPOIL_APIC_BASE_RESERVED, SPOIL_APIC_BASE_WIDTH, NR_SPOILS,
};

static void spoil(struct kvm_sregs *sregs, enum spoil what)
{
	switch (what) {
	case SPOIL_CR0_UPPER:
		sregs->cr0 |= BIT_ULL(32);
		break;
	case SPOIL_CR0_PG_WITHOUT_PE:
		sregs->cr0 &= ~X86_CR0_PE;
		break;
	case SPOIL_CR0_NW:
		sregs->cr0 |= X86_CR0_NW;
		break;
	case SPOIL_CR3_WIDTH:
		sregs->cr3 |= BIT_ULL(45);
		break;
	case SPOIL_CR4_RESERVED:
		sregs->cr4 |= BIT_ULL(40);
		break;
	case SPOIL_CR4_PAE:
		sregs->cr4 &= ~X86_CR4_PAE;
		break;
	case SPOIL_CR8:
		sregs->cr8 = 16;
		break;
	case SPOIL_EFER_UNKNOWN:
		sregs->efer |= BIT_ULL(1);
		break;
	case SPOIL_EFER_LMA:
		sregs->efer &= ~EFER_LMA;
		break;
	case SPOIL_EFER_LME:
		sregs->efer &= ~EFER_LME;
		break;
	case SPOIL_CS_L:
		sregs->efer = 0;
		break;
	case SPOIL_APIC_BASE_RESERVED:
		sregs->apic_base |= BIT_ULL(9);
		break;
	default:
		sregs->apic_base |= BIT_ULL(50);
		break;
	}
}

static void sregs_refused(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	struct kvm_sregs *before, *sregs;
	int i;

	before = kunit_kzalloc(test, sizeof(*before), GFP_KERNEL);
	sregs = kunit_kzalloc(test, sizeof(*sregs), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, before);
	KUNIT_ASSERT_NOT_NULL(test, sregs);

	vcpu->cr4_guest_rsvd_bits = BIT_ULL(40);
	kvm_vcpu_ioctl_get_sregs(vcpu, before);
	for (i = 0; i < NR_SPOILS; i++) {
		long_mode_sregs(vcpu, sregs);
		sregs->interrupt_bitmap[0] = BIT_ULL(40);
		spoil(sregs, i);
		KUNIT_EXPECT_EQ_MSG(test, kvm_vcpu_ioctl_set_sregs(vcpu, sregs), -EINVAL,
				    "row %d", i);
		kvm_vcpu_ioctl_get_sregs(vcpu, sregs);
		KUNIT_EXPECT_EQ_MSG(test, memcmp(before, sregs, sizeof(*before)), 0,
				    "row %d", i);
	}
	/* Unspoiled, the same is accepted. */
	long_mode_sregs(vcpu, sregs);
	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_set_sregs(vcpu, sregs), 0);
}

static void sregs2_flags(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	struct kvm_sregs2 sregs2;

	kvm_vcpu_ioctl_get_sregs2(vcpu, &sregs2);
	KUNIT_EXPECT_EQ(test, sregs2.flags, 0ULL);
	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_set_sregs2(vcpu, &sregs2), 0);
	sregs2.flags = BIT(1);
	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_set_sregs2(vcpu, &sregs2), -EINVAL);
	/* PDPTEs outside PAE mode. */
	sregs2.flags = KVM_SREGS2_FLAGS_PDPTRS_VALID;
	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_set_sregs2(vcpu, &sregs2), -EINVAL);

	sregs2.cr0 = X86_CR0_PE | X86_CR0_PG | X86_CR0_ET;
	sregs2.cr4 = X86_CR4_PAE;
	sregs2.pdptrs[3] = 0x1001;
	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_set_sregs2(vcpu, &sregs2), 0);
	sregs2.pdptrs[3] = 0x1005 | BIT(8);
	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_set_sregs2(vcpu, &sregs2), -EINVAL);
}

static void register_width(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	struct kvm_sregs sregs;

	kvm_register_write_raw(vcpu, VCPU_REGS_RBX, 0x1122334455667788UL);
	KUNIT_EXPECT_EQ(test, kvm_register_read(vcpu, VCPU_REGS_RBX), 0x55667788UL);
	kvm_register_write(vcpu, VCPU_REGS_RCX, 0x1122334455667788UL);
	KUNIT_EXPECT_EQ(test, kvm_register_read_raw(vcpu, VCPU_REGS_RCX), 0x55667788UL);

	long_mode_sregs(vcpu, &sregs);
	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_set_sregs(vcpu, &sregs), 0);
	KUNIT_EXPECT_EQ(test, kvm_register_read(vcpu, VCPU_REGS_RBX), 0x1122334455667788UL);
}

/* In 64-bit mode CS has no base; elsewhere the sum wraps at 4 GiB. */
static void linear_rip(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	struct kvm_segment cs;
	struct kvm_sregs sregs;

	kvm_x86_get_segment(vcpu, &cs, VCPU_SREG_CS);
	cs.base = 0xffff0000;
	kvm_x86_set_segment(vcpu, &cs, VCPU_SREG_CS);
	kvm_rip_write(vcpu, 0xfff0);
	KUNIT_EXPECT_EQ(test, kvm_get_linear_rip(vcpu), 0xfffffff0UL);
	kvm_rip_write(vcpu, 0x12000);
	KUNIT_EXPECT_EQ(test, kvm_get_linear_rip(vcpu), 0x2000UL);

	long_mode_sregs(vcpu, &sregs);
	KUNIT_ASSERT_EQ(test, kvm_vcpu_ioctl_set_sregs(vcpu, &sregs), 0);
	kvm_rip_write(vcpu, 0xffffffff81000000UL);
	KUNIT_EXPECT_EQ(test, kvm_get_linear_rip(vcpu), 0xffffffff81000000UL);
}

/* Only an IF that goes up asks for events. */
static void rflags_events(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	kvm_set_rflags(vcpu, X86_EFLAGS_FIXED);
	vcpu->requests = 0;
	kvm_set_rflags(vcpu, X86_EFLAGS_FIXED | X86_EFLAGS_ZF);
	KUNIT_EXPECT_FALSE(test, kvm_test_request(KVM_REQ_EVENT, vcpu));
	kvm_set_rflags(vcpu, X86_EFLAGS_FIXED | X86_EFLAGS_IF);
	KUNIT_EXPECT_TRUE(test, kvm_test_request(KVM_REQ_EVENT, vcpu));
	vcpu->requests = 0;
	kvm_set_rflags(vcpu, X86_EFLAGS_FIXED | X86_EFLAGS_IF);
	kvm_set_rflags(vcpu, X86_EFLAGS_FIXED);
	KUNIT_EXPECT_FALSE(test, kvm_test_request(KVM_REQ_EVENT, vcpu));
}

static void sync_regs(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	struct kvm_run *run = vcpu->run;
	struct kvm_regs regs;

	run->kvm_valid_regs = KVM_SYNC_X86_REGS;
	kvm_rip_write(vcpu, 0x1234);
	kvm_sync_regs_store(vcpu);
	KUNIT_EXPECT_EQ(test, run->s.regs.regs.rip, 0x1234ULL);

	run->s.regs.regs.rip = 0x5678;
	run->kvm_dirty_regs = KVM_SYNC_X86_REGS;
	KUNIT_EXPECT_EQ(test, kvm_sync_regs_load(vcpu), 0);
	KUNIT_EXPECT_EQ(test, run->kvm_dirty_regs, 0ULL);
	kvm_vcpu_ioctl_get_regs(vcpu, &regs);
	KUNIT_EXPECT_EQ(test, regs.rip, 0x5678ULL);

	run->kvm_dirty_regs = BIT(5);
	KUNIT_EXPECT_EQ(test, kvm_sync_regs_load(vcpu), -EINVAL);
	run->kvm_dirty_regs = 0;
	run->kvm_valid_regs = BIT(5);
	KUNIT_EXPECT_EQ(test, kvm_sync_regs_load(vcpu), -EINVAL);
}

static struct kunit_case regs_cases[] = {
	KUNIT_CASE(regs_round_trip),
	KUNIT_CASE(regs_move_operand),
	KUNIT_CASE(rflags_undefined_bits),
	KUNIT_CASE(sregs_round_trip),
	KUNIT_CASE(sregs_interrupt),
	KUNIT_CASE(sregs_interrupt_not_of_pic),
	KUNIT_CASE(sregs_refused),
	KUNIT_CASE(sregs2_flags),
	KUNIT_CASE(register_width),
	KUNIT_CASE(linear_rip),
	KUNIT_CASE(rflags_events),
	KUNIT_CASE(sync_regs),
	{}
};

static struct kunit_suite regs_suite = {
	.name = "regs",
	.init = regs_init,
	.test_cases = regs_cases,
};

kunit_test_suites(&regs_suite);
