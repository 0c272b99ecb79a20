// SPDX-License-Identifier: GPL-2.0-only
/*
 * Control registers, EFER and XCR0: which values are legal and what a change
 * drags with it. How a value gets into hardware is the vendor's business
 * (ops/regs.h); who may execute the instruction is exit.c's.
 */
#include <linux/bits.h>
#include <linux/kvm.h>
#include <asm/fpu/xcr.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "core/cpuid.h"
#include "core/cr.h"
#include "core/event.h"
#include "core/mmu/mmu.h"
#include "core/regs.h"
#include "core/request.h"
#include "core/vm.h"
#include "ops/regs.h"

#define CR0_DEFINED	(X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS | X86_CR0_ET | \
			 X86_CR0_NE | X86_CR0_WP | X86_CR0_AM | X86_CR0_NW | X86_CR0_CD | \
			 X86_CR0_PG)
#define CR0_UPPER	GENMASK_ULL(63, 32)
#define CR0_CACHE	(X86_CR0_NW | X86_CR0_CD)

#define XFEATURE_AVX512	(XFEATURE_MASK_OPMASK | XFEATURE_MASK_ZMM_Hi256 | XFEATURE_MASK_Hi16_ZMM)
#define XFEATURE_BND	(XFEATURE_MASK_BNDREGS | XFEATURE_MASK_BNDCSR)

u64 kvm_efer_supported __ro_after_init = EFER_SCE | EFER_LME | EFER_LMA | EFER_NX;

/*
 * MOV to CR0 gives #GP for
 *	a bit above 31; NW without CD; PG without PE.
 * Undefined bits of the lower half are ignored.
 */
bool kvm_cr0_legal(unsigned long cr0)
{
	if (cr0 & CR0_UPPER)
		return false;
	if ((cr0 & X86_CR0_NW) && !(cr0 & X86_CR0_CD))
		return false;
	return !(cr0 & X86_CR0_PG) || (cr0 & X86_CR0_PE);
}

bool kvm_cr4_legal(unsigned long cr4, unsigned long rsvd_bits)
{
	return !(cr4 & rsvd_bits);
}

bool kvm_efer_legal(u64 efer, u64 supported)
{
	return !(efer & ~supported);
}

/*
 *	CR0.PG	EFER.LME	needs
 *	0	any		LMA clear, PCIDE clear
 *	1	0		LMA clear, PCIDE clear
 *	1	1		LMA set, CR4.PAE set
 */
bool kvm_mode_legal(unsigned long cr0, unsigned long cr4, u64 efer)
{
	bool long_mode = (cr0 & X86_CR0_PG) && (efer & EFER_LME);

	if (long_mode != !!(efer & EFER_LMA))
		return false;
	if (long_mode)
		return cr4 & X86_CR4_PAE;
	return !(cr4 & X86_CR4_PCIDE);
}

/*
 *	state		goes with
 *	x87		always set
 *	YMM		SSE
 *	AVX-512 (3)	all or none, and YMM
 *	MPX (2)		all or none
 *	AMX (2)		all or none
 */
bool kvm_xcr0_legal(u64 xcr0, u64 supported)
{
	u64 part;

	if (!(xcr0 & XFEATURE_MASK_FP) || (xcr0 & ~supported))
		return false;
	if ((xcr0 & XFEATURE_MASK_YMM) && !(xcr0 & XFEATURE_MASK_SSE))
		return false;
	part = xcr0 & XFEATURE_AVX512;
	if (part && (part != XFEATURE_AVX512 || !(xcr0 & XFEATURE_MASK_YMM)))
		return false;
	part = xcr0 & XFEATURE_BND;
	if (part && part != XFEATURE_BND)
		return false;
	part = xcr0 & XFEATURE_MASK_XTILE;
	return !part || part == XFEATURE_MASK_XTILE;
}

/*
 * MOV to CR4 drops the translations of all address spaces, global ones too, when
 *	PGE, PAE, PSE or LA57 changes; PCIDE is cleared; SMEP is set.
 * Other changes need no flush: SMAP, PKE and the like are looked at when an
 * access is checked, not when a translation is cached.
 */
bool kvm_cr4_change_flushes(unsigned long old, unsigned long new)
{
	unsigned long changed = old ^ new;

	return (changed & (X86_CR4_PGE | X86_CR4_PAE | X86_CR4_PSE | X86_CR4_LA57)) ||
	       (changed & old & X86_CR4_PCIDE) || (changed & new & X86_CR4_SMEP);
}

bool kvm_cr0_change_loads_pdptrs(unsigned long old, unsigned long new)
{
	return (new & X86_CR0_PG) && ((old ^ new) & (X86_CR0_PG | CR0_CACHE));
}

bool kvm_cr4_change_loads_pdptrs(unsigned long old, unsigned long new)
{
	return (new & X86_CR4_PAE) &&
	       ((old ^ new) & (X86_CR4_PAE | X86_CR4_PGE | X86_CR4_PSE | X86_CR4_SMEP));
}

unsigned long kvm_cr4_reserved(struct kvm_vcpu *vcpu)
{
	/* Guests get no VMX and no SMX of their own. */
	return vcpu->cr4_guest_rsvd_bits | kvm_x86_cr4_unsupported() |
	       X86_CR4_VMXE | X86_CR4_SMXE;
}

bool kvm_cr3_legal(struct kvm_vcpu *vcpu, unsigned long cr3, bool long_mode)
{
	/* Bits 11:0 hold PWT, PCD or the PCID; what else is there is ignored. */
	return !long_mode || !(cr3 & vcpu->reserved_gpa_bits);
}

/* LMA follows PG where LME is set. */
static void update_lma(struct kvm_vcpu *vcpu, bool paging)
{
	u64 efer = vcpu->efer & ~(u64)EFER_LMA;

	if (paging && (efer & EFER_LME))
		efer |= EFER_LMA;
	if (efer != vcpu->efer)
		kvm_install_efer(vcpu, efer);
}

/*
 * What turning paging on or off demands of the other registers:
 *
 *	on, LME		CR4.PAE set, CS.L clear
 *	on, PAE alone	the PDPTEs CR3 points to are valid
 *	off		not in 64-bit mode, CR4.PCIDE clear
 */
static bool paging_change_legal(struct kvm_vcpu *vcpu, unsigned long old, unsigned long new)
{
	int db, l;

	if (!(new & X86_CR0_PG))
		return !is_64_bit_mode(vcpu) && !kvm_read_cr4_bits(vcpu, X86_CR4_PCIDE);

	if (!(old & X86_CR0_PG) && (vcpu->efer & EFER_LME)) {
		if (!is_pae(vcpu))
			return false;
		kvm_x86_get_cs_db_l_bits(vcpu, &db, &l);
		return !l;
	}
	if (!(vcpu->efer & EFER_LME) && is_pae(vcpu) && kvm_cr0_change_loads_pdptrs(old, new))
		return guest_pdptrs_valid(vcpu, kvm_read_cr3(vcpu));
	return true;
}

/**
 * kvm_set_cr0() - the guest writes CR0
 * @vcpu: the vCPU, loaded
 * @cr0: the new value
 *
 * Context: kvm->srcu held, may sleep (PAE reads guest memory).
 * Return: 0, or 1 when the guest gets #GP(0).
 *
 * Source: AMD APM volume 2, "CR0 Register"; Intel SDM volume 3, "Control Registers".
 */
int kvm_set_cr0(struct kvm_vcpu *vcpu, unsigned long cr0)
{
	unsigned long old = kvm_read_cr0(vcpu);

	if (!kvm_cr0_legal(cr0))
		return 1;
	cr0 = (cr0 & CR0_DEFINED) | X86_CR0_ET;
	if (!paging_change_legal(vcpu, old, cr0))
		return 1;

	if ((old ^ cr0) & X86_CR0_PG)
		update_lma(vcpu, cr0 & X86_CR0_PG);
	kvm_install_cr0(vcpu, cr0);
	if (kvm_cr0_change_loads_pdptrs(old, cr0))
		kvm_x86_load_pdptrs(vcpu);
	if ((old ^ cr0) & (X86_CR0_PG | X86_CR0_WP | X86_CR0_PE))
		kvm_make_request(KVM_REQ_TLB_FLUSH_GUEST, vcpu);
	return 0;
}

/**
 * kvm_set_cr3() - the guest writes CR3
 * @vcpu: the vCPU, loaded
 * @cr3: the new value; bit 63 with CR4.PCIDE: keep this PCID's translations
 *
 * Context: kvm->srcu held, may sleep. Return: 0, or 1 for #GP(0).
 */
int kvm_set_cr3(struct kvm_vcpu *vcpu, unsigned long cr3)
{
	bool keep = false;

	if (kvm_read_cr4_bits(vcpu, X86_CR4_PCIDE)) {
		keep = cr3 & X86_CR3_PCID_NOFLUSH;
		cr3 &= ~X86_CR3_PCID_NOFLUSH;
	}
	if (!is_long_mode(vcpu))
		cr3 = (u32)cr3;
	if (!kvm_cr3_legal(vcpu, cr3, is_long_mode(vcpu)))
		return 1;
	if (is_paging(vcpu) && is_pae(vcpu) && !is_long_mode(vcpu) &&
	    !guest_pdptrs_valid(vcpu, cr3))
		return 1;

	kvm_install_cr3(vcpu, cr3);
	kvm_x86_load_pdptrs(vcpu);
	if (!keep)
		kvm_make_request(KVM_REQ_TLB_FLUSH_GUEST, vcpu);
	return 0;
}

/* Rows of "MOV to CR4" that depend on the other registers. */
static bool cr4_change_legal(struct kvm_vcpu *vcpu, unsigned long old, unsigned long new)
{
	if (is_long_mode(vcpu)) {
		if (!(new & X86_CR4_PAE) || ((old ^ new) & X86_CR4_LA57))
			return false;
	} else if (is_paging(vcpu) && kvm_cr4_change_loads_pdptrs(old, new) &&
		   !guest_pdptrs_valid(vcpu, kvm_read_cr3(vcpu))) {
		return false;
	}
	/* PCIDE goes on only in long mode and with PCID 0. */
	if (new & ~old & X86_CR4_PCIDE)
		return is_long_mode(vcpu) && !(kvm_read_cr3(vcpu) & X86_CR3_PCID_MASK);
	return true;
}

/**
 * kvm_set_cr4() - the guest writes CR4
 * @vcpu: the vCPU, loaded
 * @cr4: the new value
 *
 * Context: kvm->srcu held, may sleep. Return: 0, or 1 for #GP(0).
 */
int kvm_set_cr4(struct kvm_vcpu *vcpu, unsigned long cr4)
{
	unsigned long old = kvm_read_cr4(vcpu);

	if (!kvm_cr4_legal(cr4, kvm_cr4_reserved(vcpu)) || !cr4_change_legal(vcpu, old, cr4))
		return 1;

	kvm_install_cr4(vcpu, cr4);
	if (kvm_cr4_change_loads_pdptrs(old, cr4))
		kvm_x86_load_pdptrs(vcpu);
	if (kvm_cr4_change_flushes(old, cr4))
		kvm_make_request(KVM_REQ_TLB_FLUSH_GUEST, vcpu);
	return 0;
}

/**
 * kvm_set_cr8() - the guest writes the task priority
 * @vcpu: the vCPU
 * @cr8: the new value
 *
 * A local APIC of userspace's learns the value from run->cr8.
 * Return: 0, or 1 for #GP(0).
 */
int kvm_set_cr8(struct kvm_vcpu *vcpu, unsigned long cr8)
{
	if (cr8 & ~0xfUL)
		return 1;
	if (lapic_in_kernel(vcpu))
		kvm_lapic_set_tpr(vcpu, cr8 << 4);
	else
		vcpu->cr8 = cr8;
	return 0;
}

/**
 * kvm_set_xcr() - the guest executes XSETBV
 * @vcpu: the vCPU, at CPL 0 with CR4.OSXSAVE set: the caller has looked
 * @index: ECX; only XCR0 exists
 * @xcr: EDX:EAX
 *
 * Return: 0, or 1 for #GP(0).
 */
int kvm_set_xcr(struct kvm_vcpu *vcpu, u32 index, u64 xcr)
{
	if (index != XCR_XFEATURE_ENABLED_MASK || !kvm_xcr0_legal(xcr, vcpu->guest_supported_xcr0))
		return 1;
	vcpu->xcr0 = xcr;
	return 0;
}

/*
 * What the guest's CPUID must have for the guest to set a bit. SVME, TCE and
 * the like are not in kvm_efer_supported where the vendor cannot give them.
 */
static bool guest_may_set_efer(struct kvm_vcpu *vcpu, u64 efer)
{
	if ((efer & (EFER_LME | EFER_LMA)) && !guest_cap(vcpu, GUEST_CAP_LONG_MODE))
		return false;
	if ((efer & EFER_NX) && !guest_cap(vcpu, GUEST_CAP_NX))
		return false;
	return !(efer & EFER_FFXSR) || guest_cpuid_has(vcpu, X86_FEATURE_FXSR_OPT);
}

/**
 * kvm_set_efer() - EFER is written
 * @vcpu: the vCPU, loaded
 * @efer: the new value; LMA is kept as it is
 * @host_initiated: by ioctl: only what the host supports counts
 *
 * Return: 0, or 1 for #GP(0).
 */
int kvm_set_efer(struct kvm_vcpu *vcpu, u64 efer, bool host_initiated)
{
	u64 old = vcpu->efer;

	if (!kvm_efer_legal(efer, kvm_efer_supported))
		return 1;
	if (!host_initiated) {
		if (!guest_may_set_efer(vcpu, efer))
			return 1;
		if (is_paging(vcpu) && ((old ^ efer) & EFER_LME))
			return 1;
	}
	efer = (efer & ~(u64)EFER_LMA) | (old & EFER_LMA);
	kvm_install_efer(vcpu, efer);
	if ((old ^ efer) & EFER_NX)
		kvm_make_request(KVM_REQ_TLB_FLUSH_GUEST, vcpu);
	return 0;
}
