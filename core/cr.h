/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Control registers, EFER and XCR0: which values are legal, what a change
 * drags with it (TLB flushes, CPUID, intercepts). cr.c.
 */
#ifndef MONOVISOR_CORE_CR_H
#define MONOVISOR_CORE_CR_H

#include <asm/processor-flags.h>
#include <asm/tlbflush.h>

#include "core/irq/lapic.h"
#include "core/vcpu.h"
#include "core/regs.h"

static __always_inline unsigned long kvm_read_cr0_bits(struct kvm_vcpu *vcpu, unsigned long mask)
{
	if (mask & vcpu->cr0_guest_owned_bits && !kvm_register_is_available(vcpu, VCPU_EXREG_CR0))
		kvm_x86_cache_reg(vcpu, VCPU_EXREG_CR0);
	return vcpu->cr0 & mask;
}

static __always_inline unsigned long kvm_read_cr0(struct kvm_vcpu *vcpu)
{
	return kvm_read_cr0_bits(vcpu, ~0UL);
}

static __always_inline unsigned long kvm_read_cr4_bits(struct kvm_vcpu *vcpu, unsigned long mask)
{
	if (mask & vcpu->cr4_guest_owned_bits && !kvm_register_is_available(vcpu, VCPU_EXREG_CR4))
		kvm_x86_cache_reg(vcpu, VCPU_EXREG_CR4);
	return vcpu->cr4 & mask;
}

static __always_inline unsigned long kvm_read_cr4(struct kvm_vcpu *vcpu)
{
	return kvm_read_cr4_bits(vcpu, ~0UL);
}

static __always_inline unsigned long kvm_read_cr3(struct kvm_vcpu *vcpu)
{
	if (!kvm_register_is_available(vcpu, VCPU_EXREG_CR3))
		kvm_x86_cache_reg(vcpu, VCPU_EXREG_CR3);
	return vcpu->cr3;
}

/*
 * What hardware holds while the guest believes to have @cr0. With CD set, second-stage
 * paging would make all its accesses uncached, although the memory is ours and
 * coherent. Whoever stores it has the guest read its own.
 */
static __always_inline unsigned long kvm_cr0_for_hardware(unsigned long cr0)
{
	return cr0 & ~(X86_CR0_CD | X86_CR0_NW);
}

/*
 * The same for @cr4. MCE is as the host has it: clear, a machine check in the guest
 * would shut the machine down instead of exiting. Irqs on or off.
 */
static __always_inline unsigned long kvm_cr4_for_hardware(unsigned long cr4)
{
	return (cr4 & ~X86_CR4_MCE) | (cr4_read_shadow() & X86_CR4_MCE);
}

static __always_inline bool is_protmode(struct kvm_vcpu *vcpu)
{
	return kvm_read_cr0_bits(vcpu, X86_CR0_PE);
}

static __always_inline bool is_paging(struct kvm_vcpu *vcpu)
{
	return kvm_read_cr0_bits(vcpu, X86_CR0_PG);
}

static __always_inline bool is_pae(struct kvm_vcpu *vcpu)
{
	return kvm_read_cr4_bits(vcpu, X86_CR4_PAE);
}

static __always_inline bool is_long_mode(struct kvm_vcpu *vcpu)
{
	return vcpu->efer & EFER_LMA;
}

/*
 * The vCPU's copy and hardware's together; the value has been found legal. vCPU loaded.
 * Who changes what PAE paging depends on calls kvm_x86_load_pdptrs() when all is in place.
 */
static inline void kvm_install_cr0(struct kvm_vcpu *vcpu, unsigned long cr0)
{
	vcpu->cr0 = cr0;
	kvm_register_mark_available(vcpu, VCPU_EXREG_CR0);
	kvm_x86_set_cr0(vcpu, cr0, kvm_cr0_for_hardware(cr0));
}

static inline void kvm_install_cr3(struct kvm_vcpu *vcpu, unsigned long cr3)
{
	vcpu->cr3 = cr3;
	kvm_register_mark_available(vcpu, VCPU_EXREG_CR3);
	kvm_x86_set_cr3(vcpu, cr3);
}

static inline void kvm_install_cr4(struct kvm_vcpu *vcpu, unsigned long cr4)
{
	vcpu->cr4 = cr4;
	kvm_register_mark_available(vcpu, VCPU_EXREG_CR4);
	kvm_x86_set_cr4(vcpu, cr4, kvm_cr4_for_hardware(cr4));
}

static inline void kvm_install_efer(struct kvm_vcpu *vcpu, u64 efer)
{
	vcpu->efer = efer;
	kvm_x86_set_efer(vcpu, efer);
}

/*
 * What the guest does by MOV CRn, LMSW, CLTS, XSETBV. Return 0, or 1 when the
 * guest gets #GP(0); a refused write changes nothing.
 */
int kvm_set_cr0(struct kvm_vcpu *vcpu, unsigned long cr0);
int kvm_set_cr3(struct kvm_vcpu *vcpu, unsigned long cr3);
int kvm_set_cr4(struct kvm_vcpu *vcpu, unsigned long cr4);
int kvm_set_cr8(struct kvm_vcpu *vcpu, unsigned long cr8);
int kvm_set_xcr(struct kvm_vcpu *vcpu, u32 index, u64 xcr);

/* CR8 is the upper half of the local APIC's TPR; without an APIC it stands alone. */
static __always_inline unsigned long kvm_get_cr8(struct kvm_vcpu *vcpu)
{
	if (lapic_in_kernel(vcpu))
		return lapic_reg(vcpu->lapic, APIC_TASKPRI) >> 4;
	return vcpu->cr8;
}

/* The guest may have changed it without an exit. */
static __always_inline void kvm_cr8_from_hardware(struct kvm_vcpu *vcpu, u8 cr8)
{
	if (lapic_in_kernel(vcpu))
		kvm_lapic_cr8_from_hardware(vcpu, cr8);
	else
		vcpu->cr8 = cr8;
}

/*
 * Pure rules, for the above, for KVM_SET_SREGS and for tests.
 * Source: AMD APM volume 2, "System Resources"; Intel SDM volume 3, "Control Registers".
 */
bool kvm_cr0_legal(unsigned long cr0);
bool kvm_cr4_legal(unsigned long cr4, unsigned long rsvd_bits);
bool kvm_efer_legal(u64 efer, u64 supported);
bool kvm_mode_legal(unsigned long cr0, unsigned long cr4, u64 efer);	/* the combination */
bool kvm_xcr0_legal(u64 xcr0, u64 supported);
/* Does changing CR4 from @old to @new drop the linear translations of all address spaces? */
bool kvm_cr4_change_flushes(unsigned long old, unsigned long new);
/* Does changing CR0 or CR4 in PAE mode make the CPU load the PDPTEs again? */
bool kvm_cr0_change_loads_pdptrs(unsigned long old, unsigned long new);
bool kvm_cr4_change_loads_pdptrs(unsigned long old, unsigned long new);
/* CR4 bits that neither this vCPU's CPUID nor this host allow. */
unsigned long kvm_cr4_reserved(struct kvm_vcpu *vcpu);
/* May CR3 hold this now? @long_mode: with 4 or 5 levels. */
bool kvm_cr3_legal(struct kvm_vcpu *vcpu, unsigned long cr3, bool long_mode);

/* EFER bits this host and module offer; set by the vendor's hardware_setup(). */
extern u64 kvm_efer_supported;
int kvm_set_efer(struct kvm_vcpu *vcpu, u64 efer, bool host_initiated);

#endif /* MONOVISOR_CORE_CR_H */
