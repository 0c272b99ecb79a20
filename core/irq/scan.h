/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which EOIs of a vCPU must be seen by software because an I/O APIC, in the
 * kernel or in userspace, waits for them.
 */
#ifndef MONOVISOR_CORE_IRQ_SCAN_H
#define MONOVISOR_CORE_IRQ_SCAN_H

#include "core/types.h"

/* One route of an I/O APIC, as far as EOIs are concerned. */
struct kvm_eoi_route {
	u32 dest_id;
	u8 vector;
	bool logical;
	bool level;
	bool tracked;	/* who still owes its EOI is told by kvm_scan_owed() */
};

/* Serves KVM_REQ_SCAN_IOAPIC. vCPU loaded, kvm->srcu held. */
void kvm_scan_ioapic(struct kvm_vcpu *vcpu);
/* To be called from within a scan, for each route whose EOI somebody waits for. */
void kvm_scan_route(struct kvm_vcpu *vcpu, const struct kvm_eoi_route *route);
/* Likewise, after the routes: this vCPU owes the EOI of @vector, wherever its route leads now. */
void kvm_scan_owed(struct kvm_vcpu *vcpu, u8 vector);

/**
 * kvm_make_scan_ioapic_request() - the I/O APIC or its routes were reconfigured
 * @kvm: the VM
 *
 * On return no vCPU runs guest code with the old set of EOIs.
 * Context: interrupts on; may be called with the I/O APIC's lock held.
 */
void kvm_make_scan_ioapic_request(struct kvm *kvm);

/* The registers of a local APIC were replaced or reset: what is pending has changed. */
void kvm_ioapic_lapic_replaced(struct kvm_vcpu *vcpu);

/**
 * kvm_ioapic_eoi() - software has seen an EOI
 * @vcpu: whose; in-kernel local APIC
 * @vector: the vector whose service ended
 * @trig_level: it was level-triggered (TMR)
 *
 * What a userspace I/O APIC must hear of is reported by KVM_REQ_IOAPIC_EOI_EXIT.
 * Context: the vCPU's thread, interrupts on.
 */
void kvm_ioapic_eoi(struct kvm_vcpu *vcpu, u8 vector, bool trig_level);

#endif /* MONOVISOR_CORE_IRQ_SCAN_H */
