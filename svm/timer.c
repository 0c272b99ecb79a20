// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's TSC as SVM offers it: an offset in the VMCB and, on newer CPUs,
 * a ratio in an MSR. What they should be is core/tsc.c's business.
 *
 * Source: AMD APM volume 2, "TSC Ratio MSR".
 */
#include "ops/timer.h"
#include "svm/svm.h"

#define TSC_RATIO_FRAC_BITS	32

void kvm_x86_write_tsc_offset(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	svm->vmcb->control.tsc_offset = vcpu->tsc_offset;
	svm_mark_dirty(svm, VMCB_CLEAN_INTERCEPTS);
}

/* The MSR counts only inside the guest, so a stale ratio is harmless in between. */
void svm_load_tsc_ratio(struct vcpu_svm *svm)
{
	struct svm_cpu *sc = this_cpu_ptr(&svm_cpu);
	u64 ratio = svm->vcpu.tsc_scaling_ratio;

	if (!svm_caps.tsc_ratio || sc->tsc_ratio == ratio)
		return;
	native_wrmsrl(MSR_AMD64_TSC_RATIO, ratio);
	sc->tsc_ratio = ratio;
}

void kvm_x86_write_tsc_multiplier(struct kvm_vcpu *vcpu)
{
	/* Not loaded: kvm_x86_save_host_state() will do it. */
	preempt_disable();
	if (vcpu->host_state_saved)
		svm_load_tsc_ratio(to_svm(vcpu));
	preempt_enable();
}

unsigned int kvm_x86_tsc_scaling_frac_bits(void)
{
	return svm_caps.tsc_ratio ? TSC_RATIO_FRAC_BITS : 0;
}

u64 kvm_x86_max_tsc_scaling_ratio(void)
{
	return svm_caps.tsc_ratio ? SVM_TSC_RATIO_MAX : 0;
}
