// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSRs that live in the VMCB or exist on AMD only, and the map that says which
 * of them the guest reaches without an exit. All others are core/msr.c's.
 *
 * Source: AMD APM volume 2, "MSR Intercepts" and "MSR Cross-Reference".
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <asm/cpufeature.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>

#include "core/compat.h"
#include "core/cpuid.h"
#include "core/debug.h"
#include "core/msr.h"
#include "core/spec_ctrl.h"
#include "ops/msr.h"
#include "svm/format.h"
#include "svm/svm.h"

/* DE_CFG as a feature MSR: what userspace may offer to a guest. */
static u64 decfg_supported(void)
{
	return boot_cpu_has(X86_FEATURE_LFENCE_RDTSC) ? MSR_AMD64_DE_CFG_LFENCE_SERIALIZE : 0;
}

int svm_msr_vcpu_create(struct vcpu_svm *svm)
{
	struct page *pages = alloc_pages(GFP_KERNEL_ACCOUNT, SVM_MSRPM_ORDER);

	if (!pages)
		return -ENOMEM;
	svm->msrpm = page_address(pages);
	memset(svm->msrpm, 0xff, SVM_MSRPM_SIZE);
	svm->decfg = decfg_supported();
	return 0;
}

void svm_msr_vcpu_free(struct vcpu_svm *svm)
{
	free_pages((unsigned long)svm->msrpm, SVM_MSRPM_ORDER);
	svm->msrpm = NULL;
}

/* The field of the VMCB that is the guest's MSR, or NULL. */
static u64 *msr_field(struct vmcb_save_area *save, u32 index)
{
	switch (index) {
	case MSR_STAR: return &save->star;
	case MSR_LSTAR: return &save->lstar;
	case MSR_CSTAR: return &save->cstar;
	case MSR_SYSCALL_MASK: return &save->sfmask;
	case MSR_KERNEL_GS_BASE: return &save->kernel_gs_base;
	case MSR_FS_BASE: return &save->fs.base;
	case MSR_GS_BASE: return &save->gs.base;
	case MSR_IA32_SYSENTER_CS: return &save->sysenter_cs;
	case MSR_IA32_SYSENTER_EIP: return &save->sysenter_eip;
	case MSR_IA32_SYSENTER_ESP: return &save->sysenter_esp;
	case MSR_IA32_LASTBRANCHFROMIP: return &save->br_from;
	case MSR_IA32_LASTBRANCHTOIP: return &save->br_to;
	case MSR_IA32_LASTINTFROMIP: return &save->last_excp_from;
	case MSR_IA32_LASTINTTOIP: return &save->last_excp_to;
	default: return NULL;
	}
}

enum msr_result kvm_x86_get_msr(struct kvm_vcpu *vcpu, struct msr_data *msr)
{
	struct vcpu_svm *svm = to_svm(vcpu);
	const u64 *field = msr_field(&svm->vmcb->save, msr->index);

	if (field) {
		msr->data = *field;
		return MSR_OK;
	}

	switch (msr->index) {
	case MSR_IA32_DEBUGCTLMSR:
		msr->data = svm->vmcb->save.dbgctl;
		return MSR_OK;
	case MSR_IA32_SPEC_CTRL:
		if (svm_caps.v_spec_ctrl)
			vcpu->spec_ctrl = svm->vmcb->save.spec_ctrl;
		return kvm_spec_ctrl_get(vcpu, msr);
	case MSR_AMD64_VIRT_SPEC_CTRL:
		if (!msr->host_initiated && !guest_cpuid_has(vcpu, X86_FEATURE_VIRT_SSBD))
			return MSR_INVALID;
		msr->data = svm->virt_spec_ctrl;
		return MSR_OK;
	case MSR_AMD64_DE_CFG:
		msr->data = svm->decfg;
		return MSR_OK;
	case MSR_VM_CR:
		/* As firmware leaves it that does not want SVM used. */
		msr->data = SVM_VM_CR_LOCK | SVM_VM_CR_SVMDIS;
		return MSR_OK;
	case MSR_VM_HSAVE_PA:
		msr->data = 0;
		return MSR_OK;
	default:
		return MSR_UNKNOWN;
	}
}

static enum msr_result set_field(struct vcpu_svm *svm, u64 *field, const struct msr_data *msr)
{
	/* Last-branch records are the CPU's to write; userspace restores them. */
	if (msr->index >= MSR_IA32_LASTBRANCHFROMIP && msr->index <= MSR_IA32_LASTINTTOIP) {
		if (!msr->host_initiated)
			return MSR_INVALID;
		svm_mark_dirty(svm, VMCB_CLEAN_LBR);
	}
	*field = msr->data;
	return MSR_OK;
}

static enum msr_result set_spec_ctrl(struct vcpu_svm *svm, const struct msr_data *msr)
{
	enum msr_result result = kvm_spec_ctrl_set(&svm->vcpu, msr);

	if (result == MSR_OK && svm_caps.v_spec_ctrl)
		svm->vmcb->save.spec_ctrl = msr->data;
	return result;
}

static enum msr_result set_virt_spec_ctrl(struct vcpu_svm *svm, const struct msr_data *msr)
{
	if (!msr->host_initiated && !guest_cpuid_has(&svm->vcpu, X86_FEATURE_VIRT_SSBD))
		return MSR_INVALID;
	if (msr->data & ~SPEC_CTRL_SSBD)
		return MSR_INVALID;
	svm->virt_spec_ctrl = msr->data;
	return MSR_OK;
}

/* DEBUGCTL: LBR, BTF and four pin controls of old; one of these means bus locks now. */
#define DEBUGCTL_KNOWN		GENMASK_ULL(5, 0)

/**
 * svm_update_lbr_switch() - have DEBUGCTL and the records switched, or not
 * @svm: the vCPU; its VMCB holds the guest's DEBUGCTL
 *
 * The CPU does it only for guests that use them.
 * Context: the vCPU's thread, not in the guest.
 */
void svm_update_lbr_switch(struct vcpu_svm *svm)
{
	struct vmcb_control_area *control = &svm->vmcb->control;

	if (svm->vmcb->save.dbgctl)
		control->virt_ext |= LBR_CTL_ENABLE_MASK;
	else
		control->virt_ext &= ~LBR_CTL_ENABLE_MASK;
	svm_mark_dirty(svm, VMCB_CLEAN_LBR);
}

static enum msr_result set_debugctl(struct vcpu_svm *svm, const struct msr_data *msr)
{
	enum msr_result result = kvm_debugctl_value(msr, DEBUGCTL_KNOWN,
						    svm_caps.lbrv ? DEBUGCTLMSR_LBR : 0,
						    &svm->vmcb->save.dbgctl);

	if (result == MSR_OK)
		svm_update_lbr_switch(svm);
	return result;
}

static enum msr_result set_decfg(struct vcpu_svm *svm, const struct msr_data *msr)
{
	if (msr->data & ~decfg_supported())
		return MSR_INVALID;
	/* A guest may only write what is there already. */
	if (!msr->host_initiated && msr->data != svm->decfg)
		return MSR_INVALID;
	svm->decfg = msr->data;
	return MSR_OK;
}

enum msr_result kvm_x86_set_msr(struct kvm_vcpu *vcpu, const struct msr_data *msr)
{
	struct vcpu_svm *svm = to_svm(vcpu);
	u64 *field = msr_field(&svm->vmcb->save, msr->index);

	if (field)
		return set_field(svm, field, msr);

	switch (msr->index) {
	case MSR_IA32_SPEC_CTRL:
		return set_spec_ctrl(svm, msr);
	case MSR_AMD64_VIRT_SPEC_CTRL:
		return set_virt_spec_ctrl(svm, msr);
	case MSR_IA32_DEBUGCTLMSR:
		return set_debugctl(svm, msr);
	case MSR_AMD64_DE_CFG:
		return set_decfg(svm, msr);
	case MSR_VM_CR:
		/* Locked: writes have no effect. */
		return MSR_OK;
	case MSR_VM_HSAVE_PA:
		return msr->data ? MSR_INVALID : MSR_OK;
	default:
		return MSR_UNKNOWN;
	}
}

/* Nested paging applies the VMCB's copy. */
void kvm_x86_set_pat(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	svm->vmcb->save.g_pat = vcpu->pat;
	svm_mark_dirty(svm, VMCB_CLEAN_NPT);
}

enum msr_result kvm_x86_get_feature_msr(u32 index, u64 *data)
{
	if (index != MSR_AMD64_DE_CFG)
		return MSR_UNKNOWN;
	*data = decfg_supported();
	return MSR_OK;
}

/* VMLOAD and VMSAVE switch the others that only userspace uses. */
void kvm_x86_load_user_return_msrs(struct kvm_vcpu *vcpu)
{
}

bool kvm_x86_has_v_spec_ctrl(void)
{
	return svm_caps.v_spec_ctrl;
}

void kvm_x86_intercept_msrs(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	memset(svm->msrpm, 0xff, SVM_MSRPM_SIZE);
	svm->spec_ctrl_intercepted = true;
	svm_mark_dirty(svm, VMCB_CLEAN_PERM_MAP);
}

void kvm_x86_pass_msr(struct kvm_vcpu *vcpu, u32 index, u32 access)
{
	struct vcpu_svm *svm = to_svm(vcpu);
	int bit = svm_msrpm_bit(index);

	if (bit < 0)
		return;
	if (access & KVM_MSR_FILTER_READ)
		__clear_bit(bit, svm->msrpm);
	if (access & KVM_MSR_FILTER_WRITE)
		__clear_bit(bit + 1, svm->msrpm);
	if (index == MSR_IA32_SPEC_CTRL && access & KVM_MSR_FILTER_WRITE)
		svm->spec_ctrl_intercepted = false;
}

/* Switched by VMLOAD and VMSAVE. */
static const u32 passed_msrs[] = { MSR_STAR, MSR_LSTAR, MSR_CSTAR, MSR_SYSCALL_MASK };

void kvm_x86_pass_vendor_msrs(struct kvm_vcpu *vcpu)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(passed_msrs); i++)
		kvm_pass_msr(vcpu, passed_msrs[i], KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE);
}
