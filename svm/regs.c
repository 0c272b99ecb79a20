// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest registers that live in the VMCB: segments, descriptor tables, control
 * and debug registers, RFLAGS. Whether a value is legal has been decided by
 * core; here is only how SVM keeps it.
 *
 * Source: AMD APM volume 2, "Layout of VMCB" and "Segment State in the VMCB".
 */
#include "core/cr.h"
#include "core/debug.h"
#include "core/regs.h"
#include "ops/event.h"
#include "ops/regs.h"
#include "svm/format.h"
#include "svm/svm.h"

/* Bits of RFLAGS that a single step for the NMI window adds. */
#define NMI_STEP_FLAGS		(X86_EFLAGS_TF | X86_EFLAGS_RF)
/* The guest changes these without an exit as long as CR0 is not shadowed. */
#define CR0_GUEST_OWNED		(X86_CR0_TS | X86_CR0_MP)

/*
 * run.c reads RAX, RSP, RIP, CR0 and CR3 back after each exit and nothing else
 * is lazy, so whatever is asked for is there.
 */
void kvm_x86_cache_reg(struct kvm_vcpu *vcpu, int reg)
{
	kvm_register_mark_available(vcpu, reg);
}

unsigned long kvm_x86_get_rflags(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);
	unsigned long rflags = svm->vmcb->save.rflags;

	if (svm->nmi_singlestep)
		rflags &= ~NMI_STEP_FLAGS | svm->nmi_singlestep_rflags;
	return rflags;
}

void kvm_x86_set_rflags(struct kvm_vcpu *vcpu, unsigned long rflags)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	if (svm->nmi_singlestep) {
		svm->nmi_singlestep_rflags = rflags;
		rflags |= NMI_STEP_FLAGS;
	}
	svm->vmcb->save.rflags = rflags;
}

bool kvm_x86_get_if_flag(struct kvm_vcpu *vcpu)
{
	return to_svm(vcpu)->vmcb->save.rflags & X86_EFLAGS_IF;
}

static struct vmcb_seg *seg_of(struct kvm_vcpu *vcpu, int seg)
{
	struct vmcb_save_area *save = &to_svm(vcpu)->vmcb->save;

	switch (seg) {
	case VCPU_SREG_ES: return &save->es;
	case VCPU_SREG_CS: return &save->cs;
	case VCPU_SREG_SS: return &save->ss;
	case VCPU_SREG_DS: return &save->ds;
	case VCPU_SREG_FS: return &save->fs;
	case VCPU_SREG_GS: return &save->gs;
	case VCPU_SREG_TR: return &save->tr;
	default: return &save->ldtr;
	}
}

void kvm_x86_get_segment(struct kvm_vcpu *vcpu, struct kvm_segment *var, int seg)
{
	svm_unpack_seg(seg_of(vcpu, seg), var);
	switch (seg) {
	case VCPU_SREG_TR:
		/* A loaded task register is busy, also where the CPU does not say so. */
		var->type |= 2;
		break;
	case VCPU_SREG_SS:
		/* The privilege level is a field of its own; SS.DPL may be stale. */
		var->dpl = to_svm(vcpu)->vmcb->save.cpl;
		break;
	}
}

void kvm_x86_set_segment(struct kvm_vcpu *vcpu, const struct kvm_segment *var, int seg)
{
	struct vcpu_svm *svm = to_svm(vcpu);
	struct vmcb_seg *s = seg_of(vcpu, seg);

	s->base = var->base;
	s->limit = var->limit;
	s->selector = var->selector;
	s->attrib = svm_pack_attrib(var);
	if (seg == VCPU_SREG_SS)
		svm->vmcb->save.cpl = var->dpl & 3;
	svm_mark_dirty(svm, VMCB_CLEAN_SEG);
}

u64 kvm_x86_get_segment_base(struct kvm_vcpu *vcpu, int seg)
{
	return seg_of(vcpu, seg)->base;
}

int kvm_x86_get_cpl(struct kvm_vcpu *vcpu)
{
	return to_svm(vcpu)->vmcb->save.cpl;
}

bool kvm_x86_guest_in_kernel(struct kvm_vcpu *vcpu)
{
	return !kvm_x86_get_cpl(vcpu);
}

void kvm_x86_get_cs_db_l_bits(struct kvm_vcpu *vcpu, int *db, int *l)
{
	u16 attrib = to_svm(vcpu)->vmcb->save.cs.attrib;

	*db = attrib >> SVM_SELECTOR_DB_SHIFT & 1;
	*l = attrib >> SVM_SELECTOR_L_SHIFT & 1;
}

static void get_dtable(const struct vmcb_seg *s, struct kvm_dtable *dt)
{
	memset(dt, 0, sizeof(*dt));
	dt->base = s->base;
	dt->limit = s->limit;
}

static void set_dtable(struct vcpu_svm *svm, struct vmcb_seg *s, const struct kvm_dtable *dt)
{
	s->base = dt->base;
	s->limit = dt->limit;
	svm_mark_dirty(svm, VMCB_CLEAN_DT);
}

void kvm_x86_get_idt(struct kvm_vcpu *vcpu, struct kvm_dtable *dt)
{
	get_dtable(&to_svm(vcpu)->vmcb->save.idtr, dt);
}

void kvm_x86_set_idt(struct kvm_vcpu *vcpu, const struct kvm_dtable *dt)
{
	set_dtable(to_svm(vcpu), &to_svm(vcpu)->vmcb->save.idtr, dt);
}

void kvm_x86_get_gdt(struct kvm_vcpu *vcpu, struct kvm_dtable *dt)
{
	get_dtable(&to_svm(vcpu)->vmcb->save.gdtr, dt);
}

void kvm_x86_set_gdt(struct kvm_vcpu *vcpu, const struct kvm_dtable *dt)
{
	set_dtable(to_svm(vcpu), &to_svm(vcpu)->vmcb->save.gdtr, dt);
}

/**
 * kvm_x86_set_cr0() - store CR0
 * @vcpu: the vCPU
 * @cr0: a legal value
 * @hw: what hardware is to hold
 *
 * The guest runs on hardware's CR0. While that cannot be what it believes to
 * have, CR0 is shadowed and each access exits; otherwise only writes that change
 * more than TS and MP do.
 */
void kvm_x86_set_cr0(struct kvm_vcpu *vcpu, unsigned long cr0, unsigned long hw)
{
	struct vcpu_svm *svm = to_svm(vcpu);
	bool shadowed = hw != cr0;

	vcpu->cr0_guest_owned_bits = shadowed ? 0 : CR0_GUEST_OWNED;
	svm->vmcb->save.cr0 = hw;
	svm_assign_intercept(svm, INTERCEPT_CR0_READ, shadowed);
	svm_assign_intercept(svm, INTERCEPT_CR0_WRITE, shadowed);
	svm_mark_dirty(svm, VMCB_CLEAN_CR);
}

void kvm_x86_set_cr3(struct kvm_vcpu *vcpu, unsigned long cr3)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	svm->vmcb->save.cr3 = cr3;
	svm_mark_dirty(svm, VMCB_CLEAN_CR);
}

/* Where hardware's differs, reads exit. */
void kvm_x86_set_cr4(struct kvm_vcpu *vcpu, unsigned long cr4, unsigned long hw)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	svm->vmcb->save.cr4 = hw;
	svm_assign_intercept(svm, INTERCEPT_CR4_READ, hw != cr4);
	svm_mark_dirty(svm, VMCB_CLEAN_CR);
}

void kvm_x86_set_efer(struct kvm_vcpu *vcpu, u64 efer)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	/* VMRUN demands SVME; the guest's reads exit and see vcpu->efer. */
	svm->vmcb->save.efer = efer | EFER_SVME;
	svm_mark_dirty(svm, VMCB_CLEAN_CR);
}

/* With nested paging the CPU reads them from memory, like entries of any level. */
void kvm_x86_load_pdptrs(struct kvm_vcpu *vcpu)
{
}

void kvm_x86_set_pdptrs(struct kvm_vcpu *vcpu, const u64 pdptes[4])
{
}

bool kvm_x86_get_pdptrs(struct kvm_vcpu *vcpu, u64 pdptes[4])
{
	return false;
}

unsigned long kvm_x86_cr4_unsupported(void)
{
	return 0;
}

void kvm_x86_set_dr6(struct kvm_vcpu *vcpu, unsigned long dr6)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	svm->vmcb->save.dr6 = dr6;
	svm_mark_dirty(svm, VMCB_CLEAN_DR);
}

void kvm_x86_set_dr7(struct kvm_vcpu *vcpu, unsigned long dr7)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	svm->vmcb->save.dr7 = dr7;
	svm_mark_dirty(svm, VMCB_CLEAN_DR);
}

/* DR0-7, reads in the low half of the word and writes in the high one. */
#define DR_INTERCEPTS		0x00ff00ffu

void kvm_x86_intercept_dr(struct kvm_vcpu *vcpu, bool on)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	svm->vmcb->control.intercepts[INTERCEPT_DR] = on ? DR_INTERCEPTS : 0;
	svm_mark_dirty(svm, VMCB_CLEAN_INTERCEPTS);
}

bool kvm_x86_steps_guest(struct kvm_vcpu *vcpu)
{
	return to_svm(vcpu)->nmi_singlestep;
}

void kvm_x86_sync_dirty_debug_regs(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	vcpu->dr6 = svm->vmcb->save.dr6;
	vcpu->dr7 = svm->vmcb->save.dr7;
}
