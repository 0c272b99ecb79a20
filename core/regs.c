// SPDX-License-Identifier: GPL-2.0-only
/*
 * General and special registers as userspace gets and sets them, and as
 * instructions see them. Guest writes of control registers are cr.c's, debug
 * registers debug.c's, FPU state fpu.c's.
 */
#include <linux/bitmap.h>
#include <linux/build_bug.h>
#include <linux/kvm.h>
#include <linux/nospec.h>
#include <linux/srcu.h>
#include <linux/string.h>

#include "core/cpuid.h"
#include "core/cr.h"
#include "core/debug.h"
#include "core/event.h"
#include "core/mmu/mmu.h"
#include "core/msr.h"
#include "core/regs.h"
#include "core/request.h"
#include "core/vm.h"
#include "ops/apic.h"
#include "ops/event.h"
#include "ops/regs.h"

/* RFLAGS bits that exist; bit 1 always reads as 1. */
#define RFLAGS_DEFINED	(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF | \
			 X86_EFLAGS_SF | X86_EFLAGS_TF | X86_EFLAGS_IF | X86_EFLAGS_DF | \
			 X86_EFLAGS_OF | X86_EFLAGS_IOPL | X86_EFLAGS_NT | X86_EFLAGS_RF | \
			 X86_EFLAGS_VM | X86_EFLAGS_AC | X86_EFLAGS_VIF | X86_EFLAGS_VIP | \
			 X86_EFLAGS_ID)

#define NR_PDPTES	4

bool is_64_bit_mode(struct kvm_vcpu *vcpu)
{
	int db, l;

	if (!is_long_mode(vcpu))
		return false;
	kvm_x86_get_cs_db_l_bits(vcpu, &db, &l);
	return l;
}

unsigned long kvm_register_read(struct kvm_vcpu *vcpu, int reg)
{
	unsigned long val = kvm_register_read_raw(vcpu, array_index_nospec(reg, NR_VCPU_REGS));

	return is_64_bit_mode(vcpu) ? val : (u32)val;
}

void kvm_register_write(struct kvm_vcpu *vcpu, int reg, unsigned long val)
{
	if (!is_64_bit_mode(vcpu))
		val = (u32)val;
	kvm_register_write_raw(vcpu, array_index_nospec(reg, NR_VCPU_REGS), val);
}

unsigned long kvm_get_linear_rip(struct kvm_vcpu *vcpu)
{
	if (is_64_bit_mode(vcpu))
		return kvm_rip_read(vcpu);
	return (u32)(kvm_x86_get_segment_base(vcpu, VCPU_SREG_CS) + kvm_rip_read(vcpu));
}

unsigned long kvm_get_rflags(struct kvm_vcpu *vcpu)
{
	unsigned long rflags = kvm_x86_get_rflags(vcpu);

	if (vcpu->guest_debug & KVM_GUESTDBG_SINGLESTEP)
		rflags &= ~(unsigned long)X86_EFLAGS_TF;
	return rflags;
}

/**
 * kvm_set_rflags() - RFLAGS as software means it
 * @vcpu: the vCPU, loaded
 * @rflags: the new value; a debugger's single-step flag is added
 *
 * Only an IF that goes up can make something deliverable that was not.
 */
void kvm_set_rflags(struct kvm_vcpu *vcpu, unsigned long rflags)
{
	unsigned long old = kvm_x86_get_rflags(vcpu);

	if ((vcpu->guest_debug & KVM_GUESTDBG_SINGLESTEP) &&
	    kvm_get_linear_rip(vcpu) == vcpu->singlestep_rip)
		rflags |= X86_EFLAGS_TF;
	kvm_x86_set_rflags(vcpu, rflags);
	if (rflags & ~old & X86_EFLAGS_IF)
		kvm_make_event_request(vcpu, EVENT_RFLAGS);
}

int kvm_vcpu_ioctl_get_regs(struct kvm_vcpu *vcpu, struct kvm_regs *regs)
{
	regs->rax = kvm_register_read_raw(vcpu, VCPU_REGS_RAX);
	regs->rbx = kvm_register_read_raw(vcpu, VCPU_REGS_RBX);
	regs->rcx = kvm_register_read_raw(vcpu, VCPU_REGS_RCX);
	regs->rdx = kvm_register_read_raw(vcpu, VCPU_REGS_RDX);
	regs->rsi = kvm_register_read_raw(vcpu, VCPU_REGS_RSI);
	regs->rdi = kvm_register_read_raw(vcpu, VCPU_REGS_RDI);
	regs->rsp = kvm_register_read_raw(vcpu, VCPU_REGS_RSP);
	regs->rbp = kvm_register_read_raw(vcpu, VCPU_REGS_RBP);
	regs->r8 = kvm_register_read_raw(vcpu, VCPU_REGS_R8);
	regs->r9 = kvm_register_read_raw(vcpu, VCPU_REGS_R9);
	regs->r10 = kvm_register_read_raw(vcpu, VCPU_REGS_R10);
	regs->r11 = kvm_register_read_raw(vcpu, VCPU_REGS_R11);
	regs->r12 = kvm_register_read_raw(vcpu, VCPU_REGS_R12);
	regs->r13 = kvm_register_read_raw(vcpu, VCPU_REGS_R13);
	regs->r14 = kvm_register_read_raw(vcpu, VCPU_REGS_R14);
	regs->r15 = kvm_register_read_raw(vcpu, VCPU_REGS_R15);
	regs->rip = kvm_rip_read(vcpu);
	regs->rflags = kvm_get_rflags(vcpu);
	return 0;
}

/**
 * kvm_vcpu_ioctl_set_regs() - KVM_SET_REGS
 * @vcpu: the vCPU, loaded
 * @regs: private copy
 *
 * An exception that has not been looked at belongs to the instruction the old
 * RIP pointed to; drop it with that RIP.
 */
int kvm_vcpu_ioctl_set_regs(struct kvm_vcpu *vcpu, const struct kvm_regs *regs)
{
	kvm_register_write_raw(vcpu, VCPU_REGS_RAX, regs->rax);
	kvm_register_write_raw(vcpu, VCPU_REGS_RBX, regs->rbx);
	kvm_register_write_raw(vcpu, VCPU_REGS_RCX, regs->rcx);
	kvm_register_write_raw(vcpu, VCPU_REGS_RDX, regs->rdx);
	kvm_register_write_raw(vcpu, VCPU_REGS_RSI, regs->rsi);
	kvm_register_write_raw(vcpu, VCPU_REGS_RDI, regs->rdi);
	kvm_register_write_raw(vcpu, VCPU_REGS_RSP, regs->rsp);
	kvm_register_write_raw(vcpu, VCPU_REGS_RBP, regs->rbp);
	kvm_register_write_raw(vcpu, VCPU_REGS_R8, regs->r8);
	kvm_register_write_raw(vcpu, VCPU_REGS_R9, regs->r9);
	kvm_register_write_raw(vcpu, VCPU_REGS_R10, regs->r10);
	kvm_register_write_raw(vcpu, VCPU_REGS_R11, regs->r11);
	kvm_register_write_raw(vcpu, VCPU_REGS_R12, regs->r12);
	kvm_register_write_raw(vcpu, VCPU_REGS_R13, regs->r13);
	kvm_register_write_raw(vcpu, VCPU_REGS_R14, regs->r14);
	kvm_register_write_raw(vcpu, VCPU_REGS_R15, regs->r15);
	kvm_rip_write(vcpu, regs->rip);
	kvm_set_rflags(vcpu, (regs->rflags & RFLAGS_DEFINED) | X86_EFLAGS_FIXED);

	/* Where an operand is that an exit was for was found with the old registers. */
	vcpu->emul.known.valid = false;
	vcpu->ev.exception.pending = false;
	kvm_events_installed(vcpu);
	return 0;
}

/* struct kvm_sregs and struct kvm_sregs2 are the same up to here. */
#define SREGS_COMMON	offsetof(struct kvm_sregs, interrupt_bitmap)
static_assert(offsetof(struct kvm_sregs2, flags) == SREGS_COMMON);

static void get_sregs_common(struct kvm_vcpu *vcpu, struct kvm_sregs2 *sregs)
{
	kvm_x86_get_segment(vcpu, &sregs->cs, VCPU_SREG_CS);
	kvm_x86_get_segment(vcpu, &sregs->ds, VCPU_SREG_DS);
	kvm_x86_get_segment(vcpu, &sregs->es, VCPU_SREG_ES);
	kvm_x86_get_segment(vcpu, &sregs->fs, VCPU_SREG_FS);
	kvm_x86_get_segment(vcpu, &sregs->gs, VCPU_SREG_GS);
	kvm_x86_get_segment(vcpu, &sregs->ss, VCPU_SREG_SS);
	kvm_x86_get_segment(vcpu, &sregs->tr, VCPU_SREG_TR);
	kvm_x86_get_segment(vcpu, &sregs->ldt, VCPU_SREG_LDTR);
	kvm_x86_get_idt(vcpu, &sregs->idt);
	kvm_x86_get_gdt(vcpu, &sregs->gdt);

	sregs->cr0 = kvm_read_cr0(vcpu);
	sregs->cr2 = vcpu->cr2;
	sregs->cr3 = kvm_read_cr3(vcpu);
	sregs->cr4 = kvm_read_cr4(vcpu);
	sregs->cr8 = kvm_get_cr8(vcpu);
	sregs->efer = vcpu->efer;
	sregs->apic_base = vcpu->apic_base;
}

/*
 * What KVM_SET_SREGS refuses: each register by its own rule, then the mode
 * they make together, then CS against the mode.
 */
static bool sregs_legal(struct kvm_vcpu *vcpu, const struct kvm_sregs2 *sregs)
{
	bool long_mode = sregs->efer & EFER_LMA;

	return kvm_cr0_legal(sregs->cr0) &&
	       kvm_cr4_legal(sregs->cr4, kvm_cr4_reserved(vcpu)) &&
	       kvm_efer_legal(sregs->efer, kvm_efer_supported) &&
	       kvm_mode_legal(sregs->cr0, sregs->cr4, sregs->efer) &&
	       kvm_cr3_legal(vcpu, sregs->cr3, long_mode) &&
	       (long_mode || !sregs->cs.l) &&
	       !(sregs->cr8 & ~0xfULL) &&
	       kvm_apic_base_legal(vcpu, sregs->apic_base);
}

static void set_sregs_common(struct kvm_vcpu *vcpu, const struct kvm_sregs2 *sregs)
{
	/* As in kvm_vcpu_ioctl_set_regs(). */
	vcpu->emul.known.valid = false;
	kvm_x86_set_idt(vcpu, &sregs->idt);
	kvm_x86_set_gdt(vcpu, &sregs->gdt);
	vcpu->cr2 = sregs->cr2;
	kvm_set_cr8(vcpu, sregs->cr8);
	kvm_apic_base_write(vcpu, sregs->apic_base);

	kvm_install_efer(vcpu, sregs->efer);
	kvm_install_cr0(vcpu, sregs->cr0 | X86_CR0_ET);
	kvm_install_cr4(vcpu, sregs->cr4);
	kvm_install_cr3(vcpu, sregs->cr3);
	kvm_x86_load_pdptrs(vcpu);

	kvm_x86_set_segment(vcpu, &sregs->cs, VCPU_SREG_CS);
	kvm_x86_set_segment(vcpu, &sregs->ds, VCPU_SREG_DS);
	kvm_x86_set_segment(vcpu, &sregs->es, VCPU_SREG_ES);
	kvm_x86_set_segment(vcpu, &sregs->fs, VCPU_SREG_FS);
	kvm_x86_set_segment(vcpu, &sregs->gs, VCPU_SREG_GS);
	kvm_x86_set_segment(vcpu, &sregs->ss, VCPU_SREG_SS);
	kvm_x86_set_segment(vcpu, &sregs->tr, VCPU_SREG_TR);
	kvm_x86_set_segment(vcpu, &sregs->ldt, VCPU_SREG_LDTR);

	/* What the guest cached belongs to other page tables. */
	kvm_make_request(KVM_REQ_TLB_FLUSH_GUEST, vcpu);
}

int kvm_vcpu_ioctl_get_sregs(struct kvm_vcpu *vcpu, struct kvm_sregs *sregs)
{
	struct kvm_sregs2 common;

	memset(sregs, 0, sizeof(*sregs));
	memset(&common, 0, sizeof(common));
	get_sregs_common(vcpu, &common);
	memcpy(sregs, &common, SREGS_COMMON);
	if (vcpu->ev.interrupt.injected && !vcpu->ev.interrupt.soft)
		__set_bit(vcpu->ev.interrupt.nr, (unsigned long *)sregs->interrupt_bitmap);
	else if (vcpu->ev.user_irq_pending)
		__set_bit(vcpu->ev.user_irq, (unsigned long *)sregs->interrupt_bitmap);
	return 0;
}

/**
 * kvm_vcpu_ioctl_set_sregs() - KVM_SET_SREGS
 * @vcpu: the vCPU, loaded
 * @sregs: private copy
 *
 * interrupt_bitmap names an interrupt that was acknowledged and not delivered;
 * the lowest bit counts. It goes the way of KVM_INTERRUPT: it is not trusted to
 * be deliverable in the state that userspace installs.
 * Return: 0, or -EINVAL (illegal values; nothing changed).
 */
int kvm_vcpu_ioctl_set_sregs(struct kvm_vcpu *vcpu, const struct kvm_sregs *sregs)
{
	struct kvm_sregs2 common;
	unsigned long vector;

	memset(&common, 0, sizeof(common));
	memcpy(&common, sregs, SREGS_COMMON);
	if (!sregs_legal(vcpu, &common))
		return -EINVAL;
	set_sregs_common(vcpu, &common);

	vector = find_first_bit((const unsigned long *)sregs->interrupt_bitmap,
				KVM_NR_INTERRUPTS);
	if (vector < KVM_NR_INTERRUPTS) {
		kvm_clear_interrupt_queue(vcpu);
		vcpu->ev.user_irq_pending = true;
		vcpu->ev.user_irq_is_extint = false;
		vcpu->ev.user_irq = vector;
	}
	kvm_events_installed(vcpu);
	return 0;
}

static bool pae_paging(unsigned long cr0, unsigned long cr4, u64 efer)
{
	return (cr0 & X86_CR0_PG) && (cr4 & X86_CR4_PAE) && !(efer & EFER_LMA);
}

/**
 * kvm_vcpu_ioctl_get_sregs2() - KVM_GET_SREGS2
 * @vcpu: the vCPU, loaded
 * @sregs2: result
 *
 * The PDPTEs are those the CPU has loaded, or, where it keeps none, those in guest
 * memory; they are marked valid if they can be read.
 */
int kvm_vcpu_ioctl_get_sregs2(struct kvm_vcpu *vcpu, struct kvm_sregs2 *sregs2)
{
	struct kvm *kvm = vcpu->kvm;
	int idx, err;

	memset(sregs2, 0, sizeof(*sregs2));
	get_sregs_common(vcpu, sregs2);
	if (!pae_paging(sregs2->cr0, sregs2->cr4, sregs2->efer))
		return 0;
	if (kvm_x86_get_pdptrs(vcpu, sregs2->pdptrs)) {
		sregs2->flags = KVM_SREGS2_FLAGS_PDPTRS_VALID;
		return 0;
	}

	idx = srcu_read_lock(&kvm->srcu);
	err = kvm_read_guest(kvm, sregs2->cr3 & GENMASK_ULL(31, 5), sregs2->pdptrs,
			     sizeof(sregs2->pdptrs));
	srcu_read_unlock(&kvm->srcu, idx);
	if (err)
		memset(sregs2->pdptrs, 0, sizeof(sregs2->pdptrs));
	else
		sregs2->flags = KVM_SREGS2_FLAGS_PDPTRS_VALID;
	return 0;
}

/* Reserved in a present PDPTE: bits 2:1, 8:5 and those above the address width. */
static bool pdptes_legal(struct kvm_vcpu *vcpu, const u64 *pdptes)
{
	u64 rsvd = vcpu->reserved_gpa_bits | GENMASK_ULL(63, 52) | GENMASK_ULL(2, 1) |
		   GENMASK_ULL(8, 5);
	int i;

	for (i = 0; i < NR_PDPTES; i++) {
		if ((pdptes[i] & 1) && (pdptes[i] & rsvd))
			return false;
	}
	return true;
}

/**
 * kvm_vcpu_ioctl_set_sregs2() - KVM_SET_SREGS2
 * @vcpu: the vCPU, loaded
 * @sregs2: private copy
 *
 * PDPTEs are accepted only in PAE mode and only if well formed; without them those in
 * guest memory are loaded, as by KVM_SET_SREGS.
 * Return: 0, or -EINVAL (unknown flags, illegal values; nothing changed).
 */
int kvm_vcpu_ioctl_set_sregs2(struct kvm_vcpu *vcpu, const struct kvm_sregs2 *sregs2)
{
	if (sregs2->flags & ~(u64)KVM_SREGS2_FLAGS_PDPTRS_VALID)
		return -EINVAL;
	if (sregs2->flags && (!pae_paging(sregs2->cr0, sregs2->cr4, sregs2->efer) ||
			      !pdptes_legal(vcpu, sregs2->pdptrs)))
		return -EINVAL;
	if (!sregs_legal(vcpu, sregs2))
		return -EINVAL;
	set_sregs_common(vcpu, sregs2);
	if (sregs2->flags)
		kvm_x86_set_pdptrs(vcpu, sregs2->pdptrs);
	kvm_events_installed(vcpu);
	return 0;
}

/**
 * kvm_vcpu_ioctl_translate() - KVM_TRANSLATE
 * @vcpu: the vCPU, loaded
 * @tr: linear_address in; the rest out
 */
int kvm_vcpu_ioctl_translate(struct kvm_vcpu *vcpu, struct kvm_translation *tr)
{
	u32 error_code;
	gpa_t gpa;
	int idx, err;

	idx = srcu_read_lock(&vcpu->kvm->srcu);
	err = guest_walk(vcpu, tr->linear_address, GUEST_ACCESS_NO_AD, &gpa, &error_code);
	srcu_read_unlock(&vcpu->kvm->srcu, idx);

	tr->physical_address = err ? ~0ULL : gpa;
	tr->valid = !err;
	tr->writeable = 1;
	tr->usermode = 0;
	return 0;
}

/**
 * kvm_sync_regs_store() - fill run->s.regs when KVM_RUN ends
 * @vcpu: the vCPU, loaded
 *
 * Userspace can write run at any time: read the mask once.
 */
void kvm_sync_regs_store(struct kvm_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	u64 valid = READ_ONCE(run->kvm_valid_regs);

	if (valid & KVM_SYNC_X86_REGS)
		kvm_vcpu_ioctl_get_regs(vcpu, &run->s.regs.regs);
	if (valid & KVM_SYNC_X86_SREGS)
		kvm_vcpu_ioctl_get_sregs(vcpu, &run->s.regs.sregs);
	if (valid & KVM_SYNC_X86_EVENTS) {
		/* Not in place: the page is userspace's, and get fills a zeroed copy. */
		struct kvm_vcpu_events events = {};

		kvm_vcpu_ioctl_get_events(vcpu, &events);
		run->s.regs.events = events;
	}
}

/**
 * kvm_sync_regs_load() - take over what userspace changed in run->s.regs
 * @vcpu: the vCPU, loaded
 *
 * Each part is copied before it is checked; a part that was taken over is no
 * longer marked dirty.
 * Return: 0, or -EINVAL (unknown bits in the masks, illegal values).
 */
int kvm_sync_regs_load(struct kvm_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	u64 dirty = READ_ONCE(run->kvm_dirty_regs);
	struct kvm_vcpu_events events;
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	if ((READ_ONCE(run->kvm_valid_regs) | dirty) & ~(u64)KVM_SYNC_X86_VALID_FIELDS)
		return -EINVAL;

	if (dirty & KVM_SYNC_X86_REGS) {
		regs = run->s.regs.regs;
		barrier();	/* use the copy, not userspace's page */
		kvm_vcpu_ioctl_set_regs(vcpu, &regs);
		run->kvm_dirty_regs &= ~(u64)KVM_SYNC_X86_REGS;
	}
	if (dirty & KVM_SYNC_X86_SREGS) {
		sregs = run->s.regs.sregs;
		barrier();	/* as above */
		if (kvm_vcpu_ioctl_set_sregs(vcpu, &sregs))
			return -EINVAL;
		run->kvm_dirty_regs &= ~(u64)KVM_SYNC_X86_SREGS;
	}
	if (dirty & KVM_SYNC_X86_EVENTS) {
		events = run->s.regs.events;
		barrier();	/* as above */
		if (kvm_vcpu_ioctl_set_events(vcpu, &events))
			return -EINVAL;
		run->kvm_dirty_regs &= ~(u64)KVM_SYNC_X86_EVENTS;
	}
	return 0;
}
