// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC's state for userspace: KVM_GET_LAPIC and KVM_SET_LAPIC. What
 * the registers do is lapic.c's.
 */
#include <linux/string.h>

#include "core/irq/lapic.h"
#include "core/vm.h"
#include "ops/apic.h"

static u32 state_reg(const struct kvm_lapic_state *state, unsigned int offset)
{
	u32 val;

	memcpy(&val, state->regs + offset, sizeof(val));
	return val;
}

static void set_state_reg(struct kvm_lapic_state *state, unsigned int offset, u32 val)
{
	memcpy(state->regs + offset, &val, sizeof(val));
}

/*
 * In x2APIC mode userspace sees the id in the upper byte, as in xAPIC mode,
 * unless it said that it knows of wider ones (KVM_CAP_X2APIC_API); and the
 * ICR, one register of 64 bits, in two halves.
 */
int kvm_vcpu_ioctl_get_lapic(struct kvm_vcpu *vcpu, struct kvm_lapic_state *state)
{
	struct kvm_lapic *apic = vcpu->lapic;

	if (!apic)
		return -EINVAL;
	kvm_x86_sync_pir_to_irr(vcpu);
	kvm_lapic_update_ppr(vcpu);
	memcpy(state->regs, apic->regs, sizeof(state->regs));
	set_state_reg(state, APIC_TMCCT, kvm_lapic_timer_remaining(vcpu));
	if (!lapic_x2apic_mode(vcpu))
		return 0;
	if (!vcpu->kvm->x2apic_format)
		set_state_reg(state, APIC_ID, vcpu->vcpu_id << 24);
	set_state_reg(state, APIC_ICR2, state_reg(state, APIC_ICR + 4));
	set_state_reg(state, APIC_ICR + 4, 0);
	return 0;
}

/**
 * kvm_vcpu_ioctl_set_vapic_addr() - KVM_SET_VAPIC_ADDR
 * @vcpu: the vCPU
 * @va: where the guest keeps a copy of TPR for patched instructions; 0: nowhere
 *
 * Userspace patches a guest when accesses to TPR are reported to it
 * (KVM_CAP_VAPIC), which is not offered; but it says "nowhere" to any VM with
 * a local APIC in the kernel, and must be able to.
 */
int kvm_vcpu_ioctl_set_vapic_addr(struct kvm_vcpu *vcpu, const struct kvm_vapic_addr *va)
{
	return lapic_in_kernel(vcpu) && !va->vapic_addr ? 0 : -EINVAL;
}

/* What the architecture has fixed is not userspace's to choose. */
static int fix_x2apic_state(struct kvm_vcpu *vcpu, struct kvm_lapic_state *state)
{
	if (vcpu->kvm->x2apic_format && state_reg(state, APIC_ID) != vcpu->vcpu_id)
		return -EINVAL;
	set_state_reg(state, APIC_ID, vcpu->vcpu_id);
	set_state_reg(state, APIC_LDR, lapic_x2apic_ldr(vcpu->vcpu_id));
	set_state_reg(state, APIC_ICR + 4, state_reg(state, APIC_ICR2));
	set_state_reg(state, APIC_ICR2, 0);
	return 0;
}

/**
 * kvm_vcpu_ioctl_set_lapic() - KVM_SET_LAPIC
 * @vcpu: the vCPU, loaded
 * @state: private copy; the APIC base has been set before
 *
 * Return: 0, -EINVAL (no local APIC in the kernel, an id that is not the vCPU's).
 */
int kvm_vcpu_ioctl_set_lapic(struct kvm_vcpu *vcpu, struct kvm_lapic_state *state)
{
	struct kvm_lapic *apic = vcpu->lapic;
	u32 count = state_reg(state, APIC_TMCCT);
	u32 lvtt = state_reg(state, APIC_LVTT);
	int err;

	if (!apic)
		return -EINVAL;
	if (lapic_x2apic_mode(vcpu)) {
		err = fix_x2apic_state(vcpu, state);
		if (err)
			return err;
	}
	kvm_lapic_timer_cancel(vcpu);
	/* What is on its way to IRR must not be behind the new state. */
	kvm_x86_sync_pir_to_irr(vcpu);
	memcpy(apic->regs, state->regs, sizeof(state->regs));
	lapic_set_reg(apic, APIC_TMCCT, 0);
	kvm_lapic_set_version(vcpu);
	kvm_lapic_timer_set_mode(vcpu, lvtt & (APIC_LVT_TIMER_PERIODIC |
					       APIC_LVT_TIMER_TSCDEADLINE));
	lapic_set_reg(apic, APIC_TMICT, state_reg(state, APIC_TMICT));
	if (lapic_reg(apic, APIC_TMICT) && apic->timer.mode != APIC_LVT_TIMER_TSCDEADLINE)
		kvm_lapic_timer_start(vcpu, count ?: lapic_reg(apic, APIC_TMICT));
	kvm_lapic_state_replaced(vcpu);
	return 0;
}
