/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Requests to a vCPU: one bit each, raised by any thread, served by the vCPU
 * before its next entry, in the order of enum kvm_req. Kicks make it look.
 */
#ifndef MONOVISOR_CORE_REQUEST_H
#define MONOVISOR_CORE_REQUEST_H

#include <linux/bitops.h>
#include "core/vcpu.h"

/**
 * enum kvm_req - what a vCPU can be asked to do, in the order it is served
 * @KVM_REQ_VM_DEAD: the VM is bugged; leave with -EIO.
 * @KVM_REQ_TRIPLE_FAULT: report a shutdown.
 * @KVM_REQ_INIT_SIPI: INIT or a startup message came (block.c).
 * @KVM_REQ_CLOCK_UPDATE: refresh the guest's clock page.
 * @KVM_REQ_TLB_FLUSH: drop all cached second-stage and linear translations.
 * @KVM_REQ_TLB_FLUSH_CURRENT: the same, for the current address space only.
 * @KVM_REQ_TLB_FLUSH_GUEST: drop the guest's linear translations.
 * @KVM_REQ_LOAD_MMU_PGD: hand the root of the second-stage tables to hardware.
 * @KVM_REQ_MSR_FILTER: intercepts of MSRs changed.
 * @KVM_REQ_NMI: an NMI was queued by another thread.
 * @KVM_REQ_APICV_UPDATE: may hardware deliver interrupts still? See irq/inhibit.c.
 * @KVM_REQ_MIGRATE_TIMER: the vCPU changed its CPU; its APIC timer follows.
 * @KVM_REQ_SCAN_IOAPIC: find out anew which EOIs an I/O APIC waits for.
 * @KVM_REQ_IOAPIC_EOI_EXIT: tell userspace's I/O APIC of an EOI.
 * @KVM_REQ_IRQ: another thread made an interrupt pending; is there a reason to evaluate?
 * @KVM_REQ_EVENT: evaluate what to inject (event.c).
 */
enum kvm_req {
	KVM_REQ_VM_DEAD,
	KVM_REQ_TRIPLE_FAULT,
	KVM_REQ_INIT_SIPI,
	KVM_REQ_CLOCK_UPDATE,
	KVM_REQ_TLB_FLUSH,
	KVM_REQ_TLB_FLUSH_CURRENT,
	KVM_REQ_TLB_FLUSH_GUEST,
	KVM_REQ_LOAD_MMU_PGD,
	KVM_REQ_MSR_FILTER,
	KVM_REQ_NMI,
	KVM_REQ_APICV_UPDATE,
	KVM_REQ_MIGRATE_TIMER,
	KVM_REQ_SCAN_IOAPIC,
	KVM_REQ_IOAPIC_EOI_EXIT,
	KVM_REQ_IRQ,
	KVM_REQ_EVENT,
	/* private: */
	KVM_NR_REQUESTS,
};

/*
 * The barrier before set_bit() publishes what the request is about before the
 * request; it pairs with the one in kvm_check_request().
 */
static inline void kvm_make_request(enum kvm_req req, struct kvm_vcpu *vcpu)
{
	/* Pairs with kvm_check_request(). */
	smp_wmb();
	set_bit(req, &vcpu->requests);
}

static inline bool kvm_request_pending(struct kvm_vcpu *vcpu)
{
	return READ_ONCE(vcpu->requests);
}

static inline bool kvm_test_request(enum kvm_req req, struct kvm_vcpu *vcpu)
{
	return test_bit(req, &vcpu->requests);
}

static inline void kvm_clear_request(enum kvm_req req, struct kvm_vcpu *vcpu)
{
	clear_bit(req, &vcpu->requests);
}

static inline bool kvm_check_request(enum kvm_req req, struct kvm_vcpu *vcpu)
{
	if (!kvm_test_request(req, vcpu))
		return false;
	kvm_clear_request(req, vcpu);
	/* Read what the request is about after the request; see kvm_make_request(). */
	smp_mb__after_atomic();
	return true;
}

/**
 * kvm_vcpu_kick() - make a vCPU look at its state again
 * @vcpu: the vCPU
 *
 * Once it returned, a vCPU that was in the guest leaves the guest, one about
 * to enter looks again first. Holds with and without a request.
 * Context: any, including hard interrupts.
 */
void kvm_vcpu_kick(struct kvm_vcpu *vcpu);
void kvm_make_all_cpus_request(struct kvm *kvm, enum kvm_req req);
void kvm_kick_all_cpus(struct kvm *kvm);
enum run_result vcpu_serve_requests(struct kvm_vcpu *vcpu);

#endif /* MONOVISOR_CORE_REQUEST_H */
