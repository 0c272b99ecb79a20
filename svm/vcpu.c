// SPDX-License-Identifier: GPL-2.0-only
/*
 * Life of a vCPU on SVM: its VMCB from creation to reset to freeing, and its
 * coming to and going from a CPU. Entry and exit are in run.c.
 */
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mem_encrypt.h>
#include <linux/mm.h>
#include <asm/cpufeature.h>

#include "core/cpuid.h"
#include "core/debug.h"
#include "core/event.h"
#include "core/regs.h"
#include "core/tsc.h"
#include "ops/event.h"
#include "ops/regs.h"
#include "ops/timer.h"
#include "ops/vcpu.h"
#include "svm/svm.h"

/* Exits for every guest, always. What is off here is switched on when needed. */
static const u8 fixed_intercepts[] = {
	INTERCEPT_INTR, INTERCEPT_NMI, INTERCEPT_SMI, INTERCEPT_INIT,
	INTERCEPT_SELECTIVE_CR0, INTERCEPT_CR4_WRITE, INTERCEPT_CR8_WRITE,
	INTERCEPT_RDPMC, INTERCEPT_CPUID, INTERCEPT_RSM, INTERCEPT_INVD,
	INTERCEPT_INVLPGA, INTERCEPT_IOIO_PROT, INTERCEPT_MSR_PROT,
	INTERCEPT_SHUTDOWN,
	/* SVM itself is not offered to guests: #UD. */
	INTERCEPT_VMRUN, INTERCEPT_VMMCALL, INTERCEPT_VMLOAD, INTERCEPT_VMSAVE,
	INTERCEPT_STGI, INTERCEPT_CLGI, INTERCEPT_SKINIT,
	INTERCEPT_WBINVD, INTERCEPT_XSETBV, INTERCEPT_RDPRU,
};

/* Exits that userspace may have given up (KVM_CAP_X86_DISABLE_EXITS). */
static void init_optional_intercepts(struct vcpu_svm *svm)
{
	struct vmcb_control_area *control = &svm->vmcb->control;
	u32 disabled = svm->vcpu.kvm->disabled_exits;
	bool mwait = !(disabled & KVM_X86_DISABLE_EXITS_MWAIT);

	svm_assign_intercept(svm, INTERCEPT_HLT, !(disabled & KVM_X86_DISABLE_EXITS_HLT));
	svm_assign_intercept(svm, INTERCEPT_MONITOR, mwait);
	svm_assign_intercept(svm, INTERCEPT_MWAIT, mwait);

	if (svm_caps.pause_filter && !(disabled & KVM_X86_DISABLE_EXITS_PAUSE)) {
		if (svm_caps.pause_threshold)
			control->pause_filter_thresh = pause_filter_thresh;
		svm_set_intercept(svm, INTERCEPT_PAUSE);
	}
}

static void init_controls(struct vcpu_svm *svm)
{
	struct vmcb_control_area *control = &svm->vmcb->control;
	u64 nested_cr3 = control->nested_cr3;
	int i;

	memset(control, 0, sizeof(*control));
	for (i = 0; i < ARRAY_SIZE(fixed_intercepts); i++)
		svm_set_intercept(svm, fixed_intercepts[i]);
	init_optional_intercepts(svm);

	control->iopm_base_pa = svm_iopm_pa;
	control->msrpm_base_pa = __sme_set(__pa(svm->msrpm));
	control->int_ctl = V_INTR_MASKING_MASK;
	control->nested_ctl = SVM_NESTED_CTL_NP_ENABLE;
	/* The second-stage tables outlive a reset of the guest. */
	control->nested_cr3 = nested_cr3;
	svm->asid_generation = 0;
}

/*
 * INIT leaves MSRs alone, some of which are kept in the VMCB only.
 * Source: AMD APM volume 2, "Processor Initialization State".
 */
static void init_guest_state(struct vcpu_svm *svm, bool init_event)
{
	struct vmcb_save_area *save = &svm->vmcb->save;

	if (!init_event) {
		memset(save, 0, sizeof(*save));
		save->spec_ctrl = svm->vcpu.spec_ctrl;
	}
	save->dr6 = DR6_ACTIVE_LOW;
}

void kvm_x86_vcpu_reset(struct kvm_vcpu *vcpu, bool init_event)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	svm->nmi_masked = false;
	svm->awaiting_iret = false;
	svm->nmi_singlestep = false;
	svm->soft_injected = false;
	svm->next_rip = 0;
	if (!init_event)
		svm->virt_spec_ctrl = 0;

	init_controls(svm);
	init_guest_state(svm, init_event);
	svm_update_lbr_switch(svm);
	svm->vmcb->control.clean = 0;
}

int kvm_x86_vcpu_create(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);
	struct page *page;
	int ret;

	BUILD_BUG_ON(sizeof(struct vmcb) > PAGE_SIZE);

	page = svm_alloc_page(NUMA_NO_NODE, GFP_KERNEL_ACCOUNT);
	if (!page)
		return -ENOMEM;
	svm->vmcb = page_address(page);
	svm->vmcb_pa = __sme_set(page_to_phys(page));

	ret = svm_msr_vcpu_create(svm);
	if (ret) {
		__free_page(page);
		return ret;
	}

	vcpu->regs_avail = ~0u;
	return 0;
}

void kvm_x86_vcpu_free(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	svm_msr_vcpu_free(svm);
	__free_page(virt_to_page(svm->vmcb));
}

void kvm_x86_vcpu_load(struct kvm_vcpu *vcpu, int cpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	if (vcpu->cpu != cpu) {
		/* Nothing this CPU has cached belongs to this vCPU. */
		svm->asid_generation = 0;
		svm->vmcb->control.clean = 0;
	}
}

/*
 * VMRUN switches only part of the host's state. FS, GS, TR, LDTR and the
 * SYSCALL and SYSENTER MSRs are saved here once per load, for the VMLOAD that
 * follows each exit; they cannot change while this thread stays in KVM_RUN, but
 * for LDTR, see reload_ldt().
 */
void kvm_x86_save_host_state(struct kvm_vcpu *vcpu)
{
	svm_vmsave(this_cpu_read(svm_cpu.host_state_pa));
	svm_load_tsc_ratio(to_svm(vcpu));
}

/* Each exit has done it. */
void kvm_x86_restore_host_state(struct kvm_vcpu *vcpu)
{
}

void kvm_x86_set_pause_window(struct kvm_vcpu *vcpu, u32 window)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	if (!svm_is_intercept(svm, INTERCEPT_PAUSE))
		return;
	svm->vmcb->control.pause_filter_count = window;
	svm_mark_dirty(svm, VMCB_CLEAN_INTERCEPTS);
}

void kvm_x86_vcpu_after_set_cpuid(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	/* Instructions the CPU has and the guest must find undefined. */
	svm_assign_intercept(svm, INTERCEPT_RDTSCP,
			     boot_cpu_has(X86_FEATURE_RDTSCP) &&
			     !guest_cap(vcpu, GUEST_CAP_RDTSCP));
	svm_assign_intercept(svm, INTERCEPT_INVPCID,
			     boot_cpu_has(X86_FEATURE_INVPCID) &&
			     !guest_cap(vcpu, GUEST_CAP_INVPCID));
}

void kvm_x86_set_exception_bitmap(struct kvm_vcpu *vcpu, u32 bitmap)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	svm->vmcb->control.intercepts[INTERCEPT_EXCEPTION] = bitmap;
	svm_mark_dirty(svm, VMCB_CLEAN_INTERCEPTS);
}
