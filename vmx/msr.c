// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSRs that live in the VMCS or in the CPU while a guest runs, and the bitmap
 * that says which the guest may touch without an exit. The others are
 * core/msr.c's.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/nospec-branch.h>

#include "core/cpuid.h"
#include "core/irq/lapic.h"
#include "core/msr.h"
#include "vmx/vmx.h"

/* Quarters of the bitmap. Source: Intel SDM volume 3, "MSR-Bitmap Address". */
#define BITMAP_READ_LOW		0x000
#define BITMAP_READ_HIGH	0x400
#define BITMAP_WRITE_LOW	0x800
#define BITMAP_WRITE_HIGH	0xc00
#define BITMAP_HIGH_BASE	0xc0000000
#define BITMAP_QUARTER_MSRS	0x2000

/* Slots of core's user-return MSRs, in the order of enum vmx_uret_msr. */
static const u32 uret_msrs[VMX_NR_URET_MSRS] = {
	[VMX_URET_STAR] = MSR_STAR,
	[VMX_URET_LSTAR] = MSR_LSTAR,
	[VMX_URET_SYSCALL_MASK] = MSR_SYSCALL_MASK,
};

static int uret_slots[VMX_NR_URET_MSRS] __ro_after_init;

void vmx_msr_setup(void)
{
	int i;

	for (i = 0; i < VMX_NR_URET_MSRS; i++)
		uret_slots[i] = kvm_add_user_return_msr(uret_msrs[i]);
}

int vmx_msr_vcpu_create(struct vcpu_vmx *vmx)
{
	vmx->msr_bitmap = (unsigned long *)__get_free_page(GFP_KERNEL_ACCOUNT);
	if (!vmx->msr_bitmap)
		return -ENOMEM;
	memset(vmx->msr_bitmap, 0xff, PAGE_SIZE);
	vmx->feature_control = FEAT_CTL_LOCKED;
	return 0;
}

void vmx_msr_vcpu_free(struct vcpu_vmx *vmx)
{
	free_page((unsigned long)vmx->msr_bitmap);
}

/* KERNEL_GS_BASE is in the CPU while the host's is saved. */
static u64 read_kernel_gs_base(struct vcpu_vmx *vmx)
{
	preempt_disable();
	if (vmx->vcpu.host_state_saved)
		vmx->guest_kernel_gs_base = native_read_msr(MSR_KERNEL_GS_BASE);
	preempt_enable();
	return vmx->guest_kernel_gs_base;
}

static void write_kernel_gs_base(struct vcpu_vmx *vmx, u64 data)
{
	preempt_disable();
	if (vmx->vcpu.host_state_saved)
		native_wrmsrl(MSR_KERNEL_GS_BASE, data);
	preempt_enable();
	vmx->guest_kernel_gs_base = data;
}

static int uret_index(u32 msr)
{
	int i;

	for (i = 0; i < VMX_NR_URET_MSRS; i++) {
		if (uret_msrs[i] == msr)
			return i;
	}
	return -1;
}

enum msr_result kvm_x86_get_msr(struct kvm_vcpu *vcpu, struct msr_data *msr)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);

	switch (msr->index) {
	case MSR_FS_BASE:
		msr->data = kvm_x86_get_segment_base(vcpu, VCPU_SREG_FS);
		break;
	case MSR_GS_BASE:
		msr->data = kvm_x86_get_segment_base(vcpu, VCPU_SREG_GS);
		break;
	case MSR_KERNEL_GS_BASE:
		msr->data = read_kernel_gs_base(vmx);
		break;
	case MSR_STAR:
	case MSR_LSTAR:
	case MSR_SYSCALL_MASK:
		msr->data = vmx->guest_uret[uret_index(msr->index)];
		break;
	case MSR_CSTAR:
		msr->data = vmx->guest_cstar;
		break;
	case MSR_IA32_SYSENTER_CS:
		msr->data = vmcs_read32(GUEST_SYSENTER_CS);
		break;
	case MSR_IA32_SYSENTER_ESP:
		msr->data = vmcs_readl(GUEST_SYSENTER_ESP);
		break;
	case MSR_IA32_SYSENTER_EIP:
		msr->data = vmcs_readl(GUEST_SYSENTER_EIP);
		break;
	case MSR_IA32_FEAT_CTL:
		msr->data = vmx->feature_control;
		break;
	default:
		return MSR_UNKNOWN;
	}
	return MSR_OK;
}

/* Core has found it canonical: another would fail the next entry. */
static enum msr_result set_address_msr(struct kvm_vcpu *vcpu, u32 index, u64 data)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);
	struct kvm_segment seg;

	switch (index) {
	case MSR_FS_BASE:
	case MSR_GS_BASE:
		kvm_x86_get_segment(vcpu, &seg, index == MSR_FS_BASE ? VCPU_SREG_FS : VCPU_SREG_GS);
		seg.base = data;
		kvm_x86_set_segment(vcpu, &seg, index == MSR_FS_BASE ? VCPU_SREG_FS : VCPU_SREG_GS);
		break;
	case MSR_KERNEL_GS_BASE:
		write_kernel_gs_base(vmx, data);
		break;
	case MSR_LSTAR:
		vmx->guest_uret[VMX_URET_LSTAR] = data;
		kvm_user_return_msrs_changed(vcpu);
		break;
	case MSR_CSTAR:
		vmx->guest_cstar = data;
		break;
	case MSR_IA32_SYSENTER_ESP:
		vmcs_writel(GUEST_SYSENTER_ESP, data);
		break;
	case MSR_IA32_SYSENTER_EIP:
		vmcs_writel(GUEST_SYSENTER_EIP, data);
		break;
	}
	return MSR_OK;
}

enum msr_result kvm_x86_set_msr(struct kvm_vcpu *vcpu, const struct msr_data *msr)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);

	switch (msr->index) {
	case MSR_FS_BASE:
	case MSR_GS_BASE:
	case MSR_KERNEL_GS_BASE:
	case MSR_LSTAR:
	case MSR_CSTAR:
	case MSR_IA32_SYSENTER_ESP:
	case MSR_IA32_SYSENTER_EIP:
		return set_address_msr(vcpu, msr->index, msr->data);
	case MSR_SYSCALL_MASK:
		/* RFLAGS has 32 bits, and the CPU refuses others. */
		if (upper_32_bits(msr->data))
			return MSR_INVALID;
		fallthrough;
	case MSR_STAR:
		vmx->guest_uret[uret_index(msr->index)] = msr->data;
		kvm_user_return_msrs_changed(vcpu);
		return MSR_OK;
	case MSR_IA32_SYSENTER_CS:
		vmcs_write32(GUEST_SYSENTER_CS, msr->data);
		return MSR_OK;
	case MSR_IA32_FEAT_CTL:
		/* Locked, as the firmware of a machine without VMX leaves it. */
		if (!msr->host_initiated || msr->data & ~(u64)FEAT_CTL_LOCKED)
			return MSR_INVALID;
		vmx->feature_control = msr->data;
		return MSR_OK;
	default:
		return MSR_UNKNOWN;
	}
}

void kvm_x86_set_pat(struct kvm_vcpu *vcpu)
{
	vmcs_write64(GUEST_IA32_PAT, vcpu->pat);
}

/* The VMX capability MSRs describe what a guest could use: nothing. */
enum msr_result kvm_x86_get_feature_msr(u32 index, u64 *data)
{
	return MSR_UNKNOWN;
}

/* The guest uses these MSRs in long mode only. Core writes only what differs. */
void kvm_x86_load_user_return_msrs(struct kvm_vcpu *vcpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);
	int i;

	if (!(vcpu->efer & EFER_LMA) || !(vcpu->efer & EFER_SCE))
		return;
	for (i = 0; i < VMX_NR_URET_MSRS; i++) {
		if (uret_slots[i] >= 0)
			kvm_set_user_return_msr(uret_slots[i], vmx->guest_uret[i], ~0ULL);
	}
}

bool kvm_x86_has_v_spec_ctrl(void)
{
	return false;
}

void kvm_x86_intercept_msrs(struct kvm_vcpu *vcpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);

	memset(vmx->msr_bitmap, 0xff, PAGE_SIZE);
	vmx->sw.flags &= ~BIT(VMX_SW_SAVE_SPEC_CTRL);
}

void kvm_x86_pass_msr(struct kvm_vcpu *vcpu, u32 index, u32 access)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);
	bool high = index >= BITMAP_HIGH_BASE;
	u8 *bitmap = (u8 *)vmx->msr_bitmap;
	u32 bit = high ? index - BITMAP_HIGH_BASE : index;

	if (bit >= BITMAP_QUARTER_MSRS)
		return;
	if (access & KVM_MSR_FILTER_READ)
		__clear_bit(bit, (unsigned long *)(bitmap + (high ? BITMAP_READ_HIGH :
								     BITMAP_READ_LOW)));
	if (access & KVM_MSR_FILTER_WRITE)
		__clear_bit(bit, (unsigned long *)(bitmap + (high ? BITMAP_WRITE_HIGH :
								     BITMAP_WRITE_LOW)));
	if (index == MSR_IA32_SPEC_CTRL && access & KVM_MSR_FILTER_WRITE)
		vmx->sw.flags |= BIT(VMX_SW_SAVE_SPEC_CTRL);
}

/*
 * Registers of the local APIC that hardware reads from the page. The current
 * count is not there, and what does not exist has to fault.
 */
static const struct {
	u16 first;
	u16 last;
} x2apic_read[] = {
	{ APIC_ID, APIC_LVR },
	{ APIC_TASKPRI, APIC_TASKPRI },
	{ APIC_PROCPRI, APIC_PROCPRI },
	{ APIC_LDR, APIC_LDR },
	{ APIC_SPIV, APIC_ESR },
	{ APIC_ICR, APIC_ICR },
	{ APIC_LVTT, APIC_TMICT },
	{ APIC_TDCR, APIC_TDCR },
};

static const u16 x2apic_write[] = { APIC_TASKPRI, APIC_EOI, APIC_SELF_IPI };

static void pass_x2apic(struct kvm_vcpu *vcpu)
{
	unsigned int i, reg;

	for (i = 0; i < ARRAY_SIZE(x2apic_read); i++) {
		for (reg = x2apic_read[i].first; reg <= x2apic_read[i].last; reg += 0x10)
			kvm_pass_msr(vcpu, APIC_BASE_MSR + (reg >> 4), KVM_MSR_FILTER_READ);
	}
	for (i = 0; i < ARRAY_SIZE(x2apic_write); i++)
		kvm_pass_msr(vcpu, APIC_BASE_MSR + (x2apic_write[i] >> 4), KVM_MSR_FILTER_WRITE);
}

void kvm_x86_pass_vendor_msrs(struct kvm_vcpu *vcpu)
{
	kvm_pass_msr(vcpu, MSR_IA32_TSC, KVM_MSR_FILTER_READ);
	if (to_vmx(vcpu)->apicv_active && lapic_x2apic_mode(vcpu))
		pass_x2apic(vcpu);
}
