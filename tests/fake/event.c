// SPDX-License-Identifier: GPL-2.0-only
/*
 * Injection, windows, masks and shadows of a software vCPU. One event can be
 * injected at an entry; a second one overwrites nothing but is logged, so a
 * core that injects two is seen.
 */
#include <linux/kvm.h>

#include "core/event.h"
#include "ops/event.h"
#include "tests/fake/fake.h"

void kvm_x86_inject_irq(struct kvm_vcpu *vcpu)
{
	struct fake_vcpu *fake = to_fake(vcpu);

	fake->inject = (struct fake_injection){
		.kind = FAKE_EVENT_IRQ,
		.vector = vcpu->ev.interrupt.nr,
		.soft = vcpu->ev.interrupt.soft,
	};
	fake_log_add(fake, FAKE_INJECT_IRQ, vcpu->ev.interrupt.nr, 0);
}

void kvm_x86_inject_nmi(struct kvm_vcpu *vcpu)
{
	struct fake_vcpu *fake = to_fake(vcpu);

	fake->inject = (struct fake_injection){ .kind = FAKE_EVENT_NMI, .vector = 2 };
	fake_log_add(fake, FAKE_INJECT_NMI, 0, 0);
}

void kvm_x86_inject_exception(struct kvm_vcpu *vcpu)
{
	const struct kvm_queued_exception *ex = &vcpu->ev.exception;
	struct fake_vcpu *fake = to_fake(vcpu);

	fake->inject = (struct fake_injection){
		.kind = FAKE_EVENT_EXCEPTION,
		.vector = ex->vector,
		.has_error_code = ex->has_error_code,
		.error_code = ex->error_code,
	};
	fake_log_add(fake, FAKE_INJECT_EXCEPTION, ex->vector,
		     ex->has_error_code ? ex->error_code : 0);
}

void kvm_x86_cancel_injection(struct kvm_vcpu *vcpu)
{
	struct fake_vcpu *fake = to_fake(vcpu);

	if (fake->inject.kind != FAKE_EVENT_NONE)
		fake_log_add(fake, FAKE_CANCEL_INJECTION, fake->inject.kind,
			     fake->inject.vector);
	fake_take_back_injection(fake);
}

void kvm_x86_enable_irq_window(struct kvm_vcpu *vcpu)
{
	to_fake(vcpu)->irq_window = true;
	fake_log_add(to_fake(vcpu), FAKE_IRQ_WINDOW, 0, 0);
}

void kvm_x86_enable_nmi_window(struct kvm_vcpu *vcpu)
{
	to_fake(vcpu)->nmi_window = true;
	fake_log_add(to_fake(vcpu), FAKE_NMI_WINDOW, 0, 0);
}

bool kvm_x86_get_nmi_mask(struct kvm_vcpu *vcpu)
{
	return to_fake(vcpu)->nmi_masked;
}

void kvm_x86_set_nmi_mask(struct kvm_vcpu *vcpu, bool masked)
{
	to_fake(vcpu)->nmi_masked = masked;
}

u32 kvm_x86_get_interrupt_shadow(struct kvm_vcpu *vcpu)
{
	return to_fake(vcpu)->shadow;
}

void kvm_x86_set_interrupt_shadow(struct kvm_vcpu *vcpu, u32 mask)
{
	to_fake(vcpu)->shadow = mask & (KVM_X86_SHADOW_INT_MOV_SS | KVM_X86_SHADOW_INT_STI);
}
