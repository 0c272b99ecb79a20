// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which interrupt comes next. In order: one that userspace restored or gave by
 * KVM_INTERRUPT, the in-kernel PICs', then the local APIC's. The first two do not
 * pass through the local APIC's priorities: they are ExtINTs, or were accepted
 * before.
 */
#include "core/event.h"
#include "core/irq/inject.h"
#include "core/irq/irqchip.h"
#include "core/irq/lapic.h"
#include "core/irq/pic.h"
#include "core/vcpu.h"
#include "ops/apic.h"

/* Of userspace's PIC, with the local APICs in the kernel: LINT0 must let it through. */
static bool user_irq_waits(struct kvm_vcpu *vcpu)
{
	return vcpu->ev.user_irq_pending &&
	       (!vcpu->ev.user_irq_is_extint || kvm_lapic_accepts_pic_intr(vcpu));
}

/* Of the in-kernel PICs; LINT0 must let it through, too. */
static bool pic_irq_waits(struct kvm_vcpu *vcpu)
{
	return pic_in_kernel(vcpu->kvm) && kvm_pic_has_irq(vcpu->kvm) &&
	       kvm_lapic_accepts_pic_intr(vcpu);
}

/* Does an interrupt wait that could be delivered now but for IF and shadows? */
bool kvm_irq_waits(struct kvm_vcpu *vcpu)
{
	if (user_irq_waits(vcpu) || pic_irq_waits(vcpu))
		return true;
	return lapic_in_kernel(vcpu) && kvm_lapic_deliverable(vcpu) >= 0;
}

/**
 * kvm_irq_take() - acknowledge the next interrupt
 * @vcpu: the vCPU, its own thread
 *
 * Return: its vector, -1 if none waits.
 */
int kvm_irq_take(struct kvm_vcpu *vcpu)
{
	int vector;

	if (user_irq_waits(vcpu)) {
		vcpu->ev.user_irq_pending = false;
		return vcpu->ev.user_irq;
	}
	if (pic_irq_waits(vcpu))
		return kvm_pic_ack_irq(vcpu->kvm);
	if (!lapic_in_kernel(vcpu))
		return -1;
	vector = kvm_lapic_deliverable(vcpu);
	if (vector >= 0)
		kvm_lapic_take(vcpu, vector);
	return vector;
}

/**
 * kvm_extint_look() - the local APIC may let the PICs' line through now
 * @vcpu: the vCPU, loaded
 *
 * The line rises once; who opens the way for it while it is up has to ask.
 *
 * Return: there is something, and an evaluation has been asked for.
 */
bool kvm_extint_look(struct kvm_vcpu *vcpu)
{
	if (!user_irq_waits(vcpu) && !pic_irq_waits(vcpu))
		return false;
	kvm_make_event_request(vcpu, EVENT_IRQ_LINE);
	return true;
}

/**
 * kvm_irq_look() - another thread made an interrupt pending, or a line was let through
 * @vcpu: the vCPU, its own thread
 *
 * Ask for an evaluation if it can be delivered now; else arrange that what
 * unmasks it is seen.
 */
void kvm_irq_look(struct kvm_vcpu *vcpu)
{
	/* It may have been posted while hardware ceased to deliver. */
	if (lapic_in_kernel(vcpu))
		kvm_x86_sync_pir_to_irr(vcpu);
	if (!kvm_extint_look(vcpu) && lapic_in_kernel(vcpu))
		kvm_lapic_recheck(vcpu, EVENT_IRQ_LINE);
}

/**
 * kvm_irq_arm_tpr() - after an evaluation: see the write of TPR that unmasks what is left
 * @vcpu: the vCPU, its own thread
 *
 * Return: something is left, and masked.
 */
bool kvm_irq_arm_tpr(struct kvm_vcpu *vcpu)
{
	int irr;

	if (!lapic_in_kernel(vcpu) || kvm_x86_apicv_active(vcpu))
		return false;
	irr = kvm_lapic_highest_irr(vcpu);
	kvm_lapic_watch_tpr(vcpu, irr);
	return irr >= 0;
}
