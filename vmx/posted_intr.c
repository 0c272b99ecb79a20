// SPDX-License-Identifier: GPL-2.0-only
/*
 * Posting an interrupt to a vCPU, and collecting what was posted while it was
 * not in the guest. When hardware delivers at all is apicv.c's.
 *
 * Invariant: while a vCPU runs guest code, what is posted is on its way by a
 * notification; while it runs host code, nobody notifies it, for it collects
 * before it enters; while it sleeps, it is woken. Two places make this true:
 *
 *	sender					vCPU (vmenter.S, irqs off)
 *	------					----
 *	set the vector in PIR			in_guest = 1
 *	set ON (locked: a full barrier)		full barrier (XCHG)
 *	read in_guest				read ON; if set, do not enter
 *
 * Either the sender sees 1 and notifies, or the vCPU sees ON. A notification that
 * comes after an exit is taken by the host's own handler, which does nothing.
 * The vCPU's own thread finds in_guest 0: it never notifies itself.
 *
 * The model is tests/model/posted.pml.
 */
#include <linux/smp.h>
#include <asm/irq_vectors.h>

#include "core/block.h"
#include "core/compat.h"
#include "core/event.h"
#include "core/irq/lapic.h"
#include "ops/apic.h"
#include "vmx/posted_intr.h"
#include "vmx/vmx.h"

/* Low byte: RVI, the next vector to deliver; high byte: SVI, the one in service. */
static void set_intr_status(u16 mask, u16 bits)
{
	u16 old = vmcs_read16(GUEST_INTR_STATUS);
	u16 new = (old & ~mask) | bits;

	if (new != old)
		vmcs_write16(GUEST_INTR_STATUS, new);
}

/* Both: vCPU loaded; -1 for none. */
void vmx_set_rvi(struct vcpu_vmx *vmx, int vector)
{
	set_intr_status(0xff, max(vector, 0));
}

void vmx_set_svi(struct vcpu_vmx *vmx, int vector)
{
	set_intr_status(0xff00, max(vector, 0) << 8);
}

static void take_pir(struct vcpu_vmx *vmx)
{
	struct vmx_pi_desc *pi = vmx->pi;
	unsigned long bits;
	unsigned int i;

	/* ON goes first: who posts later sets it again. */
	clear_bit(VMX_PI_ON, &pi->control);
	smp_mb__after_atomic();	/* before PIR is read: with that of the senders' ON */
	for (i = 0; i < ARRAY_SIZE(pi->pir); i++) {
		if (!READ_ONCE(pi->pir[i]))
			continue;
		bits = xchg(&pi->pir[i], 0);
		kvm_lapic_or_irr(vmx->vcpu.lapic, i * 2, lower_32_bits(bits));
		kvm_lapic_or_irr(vmx->vcpu.lapic, i * 2 + 1, upper_32_bits(bits));
	}
}

/**
 * vmx_collect_posted() - move what is posted to IRR, and let hardware know
 * @vmx: the vCPU, loaded, its own thread; irqs on or off
 *
 * An IRR bit that software set while hardware did not deliver yet is found, too.
 */
void vmx_collect_posted(struct vcpu_vmx *vmx)
{
	if (vmx_pi_is_on(vmx->pi))
		take_pir(vmx);
	if (vmx->apicv_active)
		vmx_set_rvi(vmx, kvm_lapic_highest_irr(&vmx->vcpu));
}

/* The APIC is reset: what was posted was for the life before. */
void vmx_drop_posted(struct vcpu_vmx *vmx)
{
	clear_bit(VMX_PI_ON, &vmx->pi->control);
	smp_mb__after_atomic();	/* as in take_pir() */
	memset(vmx->pi->pir, 0, sizeof(vmx->pi->pir));
}

/**
 * vmx_pi_claims_to_run() - is a vCPU in the guest on a CPU, by what it says?
 * @vcpu: another thread's; it may leave the guest, move and enter again meanwhile
 * @cpu: the CPU of who asks, so that it cannot be
 *
 * Context: preemption off.
 */
bool vmx_pi_claims_to_run(const struct kvm_vcpu *vcpu, int cpu)
{
	if (!READ_ONCE(vcpu->in_guest))
		return false;
	smp_rmb();	/* with its stores, the CPU first: in the guest elsewhere, it shows */
	return READ_ONCE(vcpu->cpu) == cpu;
}

/* ON has just been set by this thread: the vCPU has to learn of it. */
static void tell(struct kvm_vcpu *vcpu)
{
	struct kvm *kvm = vcpu->kvm;
	int cpu;

	/* Pairs with smp_store_mb() in vmx_apicv_refresh(): it collects, or we see it. */
	if (unlikely(!READ_ONCE(to_vmx(vcpu)->apicv_active))) {
		kvm_make_event_request_remote(vcpu, EVENT_IRQ_LINE);
		kvm_vcpu_wake_kick(vcpu);
		return;
	}
	if (!READ_ONCE(vcpu->in_guest)) {
		if (kvm_vcpu_wake(vcpu))
			atomic64_inc(&kvm->stat.posted_wakeups);
		return;
	}
	cpu = get_cpu();
	if (unlikely(READ_ONCE(vcpu->cpu) == cpu)) {
		if (vmx_pi_claims_to_run(vcpu, cpu))
			atomic64_inc(&kvm->stat.posted_to_self);
	} else {
		/* If it moved, it left the guest, and that is as good. */
		compat_send_ipi(READ_ONCE(vcpu->cpu), POSTED_INTR_VECTOR);
		atomic64_inc(&kvm->stat.posted_notifications);
	}
	put_cpu();
}

bool kvm_x86_deliver_interrupt(struct kvm_vcpu *vcpu, u8 vector)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);

	if (!READ_ONCE(vmx->apicv_active))
		return kvm_lapic_deliver_in_software(vcpu, vector);
	if (test_and_set_bit(vector, vmx->pi->pir))
		return false;
	/* Who finds it set leaves the rest to the one who set it. A full barrier. */
	if (!test_and_set_bit(VMX_PI_ON, &vmx->pi->control))
		tell(vcpu);
	return true;
}
