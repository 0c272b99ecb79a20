/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bodies of the inline ops.
 */
#ifndef MONOVISOR_VMX_INLINE_H
#define MONOVISOR_VMX_INLINE_H

#include "core/irq/lapic.h"
#include "ops/apic.h"
#include "ops/run.h"
#include "vmx/vmx.h"

/*
 * Past the caches of lazily read state, for none of it is wanted again once the
 * instruction has retired: who asks has all else that the exit takes.
 *
 * Outside 64-bit mode RIP wraps at 4 GiB. Leave an instruction there alone,
 * and the mode need not be known.
 */
static __always_inline unsigned long kvm_x86_fast_next_rip(struct kvm_vcpu *vcpu)
{
	u32 len = vmcs_read32(VM_EXIT_INSTRUCTION_LEN);
	unsigned long rip = vmcs_readl(GUEST_RIP);
	unsigned long next = rip + len;

	return unlikely((rip ^ next) >> 32) ? 0 : next;
}

static __always_inline unsigned long kvm_x86_fast_rflags(struct kvm_vcpu *vcpu)
{
	return vmcs_readl(GUEST_RFLAGS);
}

static __always_inline void kvm_x86_fast_retire(struct kvm_vcpu *vcpu, unsigned long next_rip)
{
	const u32 shadow = GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS;
	u32 state = vmcs_read32(GUEST_INTERRUPTIBILITY_INFO);

	vmcs_writel(GUEST_RIP, next_rip);
	if (unlikely(state & shadow))
		vmcs_write32(GUEST_INTERRUPTIBILITY_INFO, state & ~shadow);
}

static __always_inline bool kvm_x86_has_request_immediate_exit(void)
{
	return vmx_caps.preemption_timer;
}

/* The timer is armed with zero by the entry that follows, and by no other. */
static __always_inline void kvm_x86_request_immediate_exit(struct kvm_vcpu *vcpu)
{
	to_vmx(vcpu)->immediate_exit = true;
}

/* The flush is in l1d_flush.h. */
static __always_inline void kvm_x86_host_data_touched(struct kvm_vcpu *vcpu)
{
	to_vmx(vcpu)->l1d_dirty = true;
}

static __always_inline bool kvm_x86_apicv_active(struct kvm_vcpu *vcpu)
{
	return to_vmx(vcpu)->apicv_active;
}

static __always_inline int kvm_x86_sync_pir_to_irr(struct kvm_vcpu *vcpu)
{
	if (to_vmx(vcpu)->pi)
		vmx_collect_posted(to_vmx(vcpu));
	return kvm_lapic_highest_irr(vcpu);
}

static __always_inline bool kvm_x86_pi_has_pending_interrupt(struct kvm_vcpu *vcpu)
{
	return to_vmx(vcpu)->pi && vmx_pi_is_on(to_vmx(vcpu)->pi);
}

static __always_inline bool kvm_x86_pi_test_vector(struct kvm_vcpu *vcpu, u8 vector)
{
	return to_vmx(vcpu)->pi && test_bit(vector, to_vmx(vcpu)->pi->pir);
}

static __always_inline void kvm_x86_hwapic_irr_update(struct kvm_vcpu *vcpu, int max)
{
	if (to_vmx(vcpu)->apicv_active)
		vmx_set_rvi(to_vmx(vcpu), max);
}

static __always_inline void kvm_x86_hwapic_isr_update(struct kvm_vcpu *vcpu, int max)
{
	if (to_vmx(vcpu)->apicv_active)
		vmx_set_svi(to_vmx(vcpu), max);
}

static __always_inline void kvm_x86_load_eoi_exitmap(struct kvm_vcpu *vcpu,
						     const unsigned long *bitmap)
{
	if (to_vmx(vcpu)->pi)
		vmx_load_eoi_exitmap(bitmap);
}

static __always_inline void kvm_x86_set_virtual_apic_mode(struct kvm_vcpu *vcpu)
{
	if (to_vmx(vcpu)->pi)
		vmx_apicv_refresh(to_vmx(vcpu));
	if (vmx_caps.flexpriority)
		vmx_flexpriority_refresh(to_vmx(vcpu));
}

static __always_inline void kvm_x86_refresh_apicv_exec_ctrl(struct kvm_vcpu *vcpu)
{
	if (to_vmx(vcpu)->pi)
		vmx_apicv_refresh(to_vmx(vcpu));
}

static __always_inline unsigned long kvm_x86_required_apicv_inhibits(void)
{
	return vmx_caps.apicv ? ~0UL : 0;
}

#endif /* MONOVISOR_VMX_INLINE_H */
