// SPDX-License-Identifier: GPL-2.0-only
/*
 * Register state of a software vCPU. RIP, RSP and CR3 go stale in core at
 * each exit, as they do with real hardware, so that core's lazy reads are
 * exercised.
 */
#include "core/cr.h"
#include "core/regs.h"
#include "ops/regs.h"
#include "tests/fake/fake.h"

void kvm_x86_cache_reg(struct kvm_vcpu *vcpu, int reg)
{
	struct fake_vcpu *fake = to_fake(vcpu);

	switch (reg) {
	case VCPU_REGS_RIP:
		vcpu->regs[VCPU_REGS_RIP] = fake->hw_rip;
		break;
	case VCPU_REGS_RSP:
		vcpu->regs[VCPU_REGS_RSP] = fake->hw_rsp;
		break;
	case VCPU_EXREG_CR3:
		vcpu->cr3 = fake->hw_cr3;
		break;
	default:
		break;
	}
	kvm_register_mark_available(vcpu, reg);
}

unsigned long kvm_x86_get_rflags(struct kvm_vcpu *vcpu)
{
	return to_fake(vcpu)->hw_rflags;
}

void kvm_x86_set_rflags(struct kvm_vcpu *vcpu, unsigned long rflags)
{
	to_fake(vcpu)->hw_rflags = rflags | X86_EFLAGS_FIXED;
}

bool kvm_x86_get_if_flag(struct kvm_vcpu *vcpu)
{
	return to_fake(vcpu)->hw_rflags & X86_EFLAGS_IF;
}

void kvm_x86_get_segment(struct kvm_vcpu *vcpu, struct kvm_segment *var, int seg)
{
	*var = to_fake(vcpu)->seg[seg];
}

void kvm_x86_set_segment(struct kvm_vcpu *vcpu, const struct kvm_segment *var, int seg)
{
	to_fake(vcpu)->seg[seg] = *var;
}

u64 kvm_x86_get_segment_base(struct kvm_vcpu *vcpu, int seg)
{
	return to_fake(vcpu)->seg[seg].base;
}

int kvm_x86_get_cpl(struct kvm_vcpu *vcpu)
{
	return to_fake(vcpu)->seg[VCPU_SREG_SS].dpl;
}

bool kvm_x86_guest_in_kernel(struct kvm_vcpu *vcpu)
{
	return !kvm_x86_get_cpl(vcpu);
}

void kvm_x86_get_cs_db_l_bits(struct kvm_vcpu *vcpu, int *db, int *l)
{
	*db = to_fake(vcpu)->seg[VCPU_SREG_CS].db;
	*l = to_fake(vcpu)->seg[VCPU_SREG_CS].l;
}

void kvm_x86_get_idt(struct kvm_vcpu *vcpu, struct kvm_dtable *dt)
{
	*dt = to_fake(vcpu)->idt;
}

void kvm_x86_set_idt(struct kvm_vcpu *vcpu, const struct kvm_dtable *dt)
{
	to_fake(vcpu)->idt = *dt;
}

void kvm_x86_get_gdt(struct kvm_vcpu *vcpu, struct kvm_dtable *dt)
{
	*dt = to_fake(vcpu)->gdt;
}

void kvm_x86_set_gdt(struct kvm_vcpu *vcpu, const struct kvm_dtable *dt)
{
	to_fake(vcpu)->gdt = *dt;
}

void kvm_x86_set_cr0(struct kvm_vcpu *vcpu, unsigned long cr0, unsigned long hw)
{
}

void kvm_x86_set_cr3(struct kvm_vcpu *vcpu, unsigned long cr3)
{
	kvm_register_mark_dirty(vcpu, VCPU_EXREG_CR3);
}

void kvm_x86_load_pdptrs(struct kvm_vcpu *vcpu)
{
	to_fake(vcpu)->pdptr_loads++;
}

void kvm_x86_set_pdptrs(struct kvm_vcpu *vcpu, const u64 pdptes[4])
{
	memcpy(to_fake(vcpu)->pdptes, pdptes, sizeof(to_fake(vcpu)->pdptes));
}

bool kvm_x86_get_pdptrs(struct kvm_vcpu *vcpu, u64 pdptes[4])
{
	if (!to_fake(vcpu)->keeps_pdptes)
		return false;
	memcpy(pdptes, to_fake(vcpu)->pdptes, sizeof(to_fake(vcpu)->pdptes));
	return true;
}

void kvm_x86_set_cr4(struct kvm_vcpu *vcpu, unsigned long cr4, unsigned long hw)
{
}

void kvm_x86_set_efer(struct kvm_vcpu *vcpu, u64 efer)
{
}

unsigned long kvm_x86_cr4_unsupported(void)
{
	return 0;
}

void kvm_x86_set_dr6(struct kvm_vcpu *vcpu, unsigned long dr6)
{
	to_fake(vcpu)->hw_dr6 = dr6;
}

void kvm_x86_set_dr7(struct kvm_vcpu *vcpu, unsigned long dr7)
{
	to_fake(vcpu)->hw_dr7 = dr7;
}

void kvm_x86_intercept_dr(struct kvm_vcpu *vcpu, bool on)
{
	to_fake(vcpu)->dr_exits = on;
}

bool kvm_x86_steps_guest(struct kvm_vcpu *vcpu)
{
	return to_fake(vcpu)->steps_guest;
}

void kvm_x86_sync_dirty_debug_regs(struct kvm_vcpu *vcpu)
{
	vcpu->dr6 = to_fake(vcpu)->hw_dr6;
	vcpu->dr7 = to_fake(vcpu)->hw_dr7;
}
