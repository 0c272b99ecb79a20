// SPDX-License-Identifier: GPL-2.0-only
/*
 * EPT and VPID: the root in hardware, flushes and their scopes, identifiers.
 * The tables themselves are core/mmu/'s.
 */
#include <linux/bitmap.h>
#include <linux/spinlock.h>
#include <asm/cpufeature.h>
#include <asm/pgtable.h>

#include "vmx/vmx.h"

/* Scopes of INVEPT and INVVPID. Source: Intel SDM volume 3, "VMX Instruction Reference". */
#define INVEPT_CONTEXT		1
#define INVEPT_GLOBAL		2
#define INVVPID_ADDRESS		0
#define INVVPID_CONTEXT		1
#define INVVPID_ALL		2

static DEFINE_SPINLOCK(vpid_lock);
static DECLARE_BITMAP(vpid_bitmap, VMX_NR_VPIDS);	/* under vpid_lock; 0 is the host's */

/* Return: a VPID, or 0 if there is none: each entry and exit flushes then. */
u16 vmx_vpid_alloc(void)
{
	unsigned long vpid;

	if (!vmx_caps.vpid)
		return 0;
	spin_lock(&vpid_lock);
	vpid = find_next_zero_bit(vpid_bitmap, VMX_NR_VPIDS, 1);
	if (vpid < VMX_NR_VPIDS)
		__set_bit(vpid, vpid_bitmap);
	else
		vpid = 0;
	spin_unlock(&vpid_lock);
	return vpid;
}

void vmx_vpid_free(u16 vpid)
{
	if (!vpid)
		return;
	spin_lock(&vpid_lock);
	__clear_bit(vpid, vpid_bitmap);
	spin_unlock(&vpid_lock);
}

int kvm_x86_tdp_level(void)
{
	if (boot_cpu_data.x86_phys_bits > 48 && vmx_caps.ept_vpid & VMX_EPT_PAGE_WALK_5_BIT)
		return 5;
	return 4;
}

int kvm_x86_tdp_max_page_level(void)
{
	if (vmx_caps.ept_vpid & VMX_EPT_1GB_PAGE_BIT)
		return PG_LEVEL_1G;
	return vmx_caps.ept_vpid & VMX_EPT_2MB_PAGE_BIT ? PG_LEVEL_2M : PG_LEVEL_4K;
}

bool kvm_x86_tdp_has_ad(void)
{
	return vmx_caps.ept_ad;
}

bool kvm_x86_tdp_logs_dirty(void)
{
	return vmx_caps.pml;
}

void kvm_x86_load_mmu_pgd(struct kvm_vcpu *vcpu, hpa_t root, int level)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);
	u64 eptp = root | VMX_EPTP_MT_WB | (level == 5 ? VMX_EPTP_PWL_5 : VMX_EPTP_PWL_4);

	if (vmx_caps.ept_ad)
		eptp |= VMX_EPTP_AD_ENABLE_BIT;
	if (vmx->eptp == eptp)
		return;
	vmx->eptp = eptp;
	vmcs_write64(EPT_POINTER, eptp);
	/* The page may have been another table's root a moment ago. */
	kvm_x86_flush_tlb_current(vcpu);
}

static void invept_context(struct vcpu_vmx *vmx)
{
	if (vmx->eptp && !vmx_invept(INVEPT_CONTEXT, vmx->eptp, 0))
		vmx_insn_failed("INVEPT", vmx->eptp);
}

static void invvpid_context(struct vcpu_vmx *vmx)
{
	if (vmx->vpid && !vmx_invvpid(INVVPID_CONTEXT, vmx->vpid, 0))
		vmx_insn_failed("INVVPID", vmx->vpid);
}

/*
 * Which translations each flush drops (INVEPT drops combined ones as well):
 *
 *			guest-physical	combined	linear
 * all, current		INVEPT context	INVEPT		none exist with EPT on
 * guest, gva		-		INVVPID		INVVPID
 *
 * Without a VPID, entries and exits drop linear and combined ones by themselves.
 */
void kvm_x86_flush_tlb_all(struct kvm_vcpu *vcpu)
{
	invept_context(to_vmx(vcpu));
}

void kvm_x86_flush_tlb_current(struct kvm_vcpu *vcpu)
{
	invept_context(to_vmx(vcpu));
}

void kvm_x86_flush_tlb_guest(struct kvm_vcpu *vcpu)
{
	invvpid_context(to_vmx(vcpu));
}

/* The address form is not offered everywhere; more is flushed then, never less. */
void kvm_x86_flush_tlb_gva(struct kvm_vcpu *vcpu, gva_t gva)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);

	if (!vmx->vpid)
		return;
	/* A non-canonical address is an invalid operand, and has no translation. */
	if (vmx_caps.ept_vpid & (VMX_VPID_EXTENT_INDIVIDUAL_ADDR_BIT << 32) &&
	    vmx_invvpid(INVVPID_ADDRESS, vmx->vpid, gva))
		return;
	invvpid_context(vmx);
}

/* This CPU may hold what was true when the vCPU, or another with its VPID, was here last. */
void vmx_flush_after_migration(struct vcpu_vmx *vmx)
{
	invept_context(vmx);
	invvpid_context(vmx);
}

/* VMX was just switched on: what another user of it left is nobody's. */
void vmx_flush_this_cpu(void)
{
	vmx_invept(INVEPT_GLOBAL, 0, 0);
	if (vmx_caps.vpid)
		vmx_invvpid(INVVPID_ALL, 0, 0);
}
