/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bodies of the inline ops of the software vendor. Unlike real hardware it
 * can be switched between both answers, so that one build tests both ways.
 */
#ifndef MONOVISOR_TESTS_FAKE_INLINE_H
#define MONOVISOR_TESTS_FAKE_INLINE_H

#include "core/irq/lapic.h"
#include "ops/apic.h"
#include "ops/run.h"
#include "tests/fake/fake.h"

static __always_inline unsigned long kvm_x86_fast_next_rip(struct kvm_vcpu *vcpu)
{
	struct fake_vcpu *fake = to_fake(vcpu);

	return fake->step.insn_len ? fake->hw_rip + fake->step.insn_len : 0;
}

static __always_inline unsigned long kvm_x86_fast_rflags(struct kvm_vcpu *vcpu)
{
	return to_fake(vcpu)->hw_rflags;
}

static __always_inline void kvm_x86_fast_retire(struct kvm_vcpu *vcpu, unsigned long next_rip)
{
	struct fake_vcpu *fake = to_fake(vcpu);

	fake_log_add(fake, FAKE_SKIP, next_rip - fake->hw_rip, 0);
	fake->hw_rip = next_rip;
	fake->shadow = 0;
}

static __always_inline bool kvm_x86_has_request_immediate_exit(void)
{
	return fake_hw.immediate_exit;
}

static __always_inline void kvm_x86_request_immediate_exit(struct kvm_vcpu *vcpu)
{
	to_fake(vcpu)->immediate_exit = true;
	fake_log_add(to_fake(vcpu), FAKE_IMMEDIATE_EXIT, 0, 0);
}

static __always_inline void kvm_x86_host_data_touched(struct kvm_vcpu *vcpu)
{
	fake_log_add(to_fake(vcpu), FAKE_HOST_DATA, 0, 0);
}

/* Off unless a test sets fake_hw.apicv. */
static __always_inline bool kvm_x86_apicv_active(struct kvm_vcpu *vcpu)
{
	return to_fake(vcpu)->apicv_active;
}

static __always_inline int kvm_x86_sync_pir_to_irr(struct kvm_vcpu *vcpu)
{
	if (kvm_x86_pi_has_pending_interrupt(vcpu))
		fake_collect_posted(vcpu);
	return kvm_lapic_highest_irr(vcpu);
}

static __always_inline bool kvm_x86_pi_has_pending_interrupt(struct kvm_vcpu *vcpu)
{
	return READ_ONCE(to_fake(vcpu)->apic_posted);
}

static __always_inline bool kvm_x86_pi_test_vector(struct kvm_vcpu *vcpu, u8 vector)
{
	return test_bit(vector, to_fake(vcpu)->pir);
}

static __always_inline void kvm_x86_hwapic_irr_update(struct kvm_vcpu *vcpu, int max)
{
	fake_log_add(to_fake(vcpu), FAKE_HWAPIC_IRR, max, 0);
}

static __always_inline void kvm_x86_hwapic_isr_update(struct kvm_vcpu *vcpu, int max)
{
	fake_log_add(to_fake(vcpu), FAKE_HWAPIC_ISR, max, 0);
}

static __always_inline void kvm_x86_load_eoi_exitmap(struct kvm_vcpu *vcpu,
						     const unsigned long *bitmap)
{
}

static __always_inline void kvm_x86_set_virtual_apic_mode(struct kvm_vcpu *vcpu)
{
	fake_apicv_refresh(vcpu);
}

static __always_inline void kvm_x86_refresh_apicv_exec_ctrl(struct kvm_vcpu *vcpu)
{
	fake_apicv_refresh(vcpu);
}

static __always_inline unsigned long kvm_x86_required_apicv_inhibits(void)
{
	return ~0UL;
}

#endif /* MONOVISOR_TESTS_FAKE_INLINE_H */
