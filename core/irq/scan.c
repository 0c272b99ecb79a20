// SPDX-License-Identifier: GPL-2.0-only
/*
 * The set of vectors whose EOI must exit, and what such an EOI leads to. One
 * scan serves the in-kernel and the userspace (split) I/O APIC.
 *
 * Invariant: a vector is in the set exactly while its EOI on this vCPU can mean
 * something to an I/O APIC:
 *
 *	route					vector on this vCPU	in the set
 *	waited for, leads here			any			yes
 *	waited for, leads elsewhere		pending or in service,	yes, once:
 *						triggered as the route,	it is stale
 *						or known to be its
 *	the same				otherwise		no
 *	none					any			no
 *
 * A stale vector was delivered before its route was turned away. Its one EOI
 * ends its membership: highest_stale_pending_ioapic_eoi remembers it and the
 * EOI asks for a new scan. The highest is enough: EOIs come in the order of
 * priority, highest first, and the scan after it finds the next. Without the
 * marker the bit would stay, and each later interrupt that happens to have the
 * same number on this vCPU would exit for nothing.
 *
 * kvm_scan_ioapic(), kvm_scan_route() and kvm_ioapic_eoi() are modelled in
 * tests/model/ioapic.pml.
 */
#include <linux/bitmap.h>
#include <linux/srcu.h>

#include "core/irq/ioapic.h"
#include "core/irq/ipi.h"
#include "core/irq/irqchip.h"
#include "core/irq/lapic.h"
#include "core/irq/routing.h"
#include "core/irq/scan.h"
#include "core/request.h"
#include "core/vcpu.h"
#include "core/vm.h"
#include "ops/apic.h"

void kvm_scan_route(struct kvm_vcpu *vcpu, const struct kvm_eoi_route *route)
{
	struct kvm_lapic *apic = vcpu->lapic;
	u8 vector = route->vector;

	/* An entry that nobody has programmed. */
	if (vector < LAPIC_FIRST_VECTOR)
		return;
	if (kvm_lapic_match(vcpu, route->dest_id, route->logical, LAPIC_SHORT_NONE, NULL)) {
		__set_bit(vector, apic->ioapic_handled_vectors);
		return;
	}
	/*
	 * An interrupt of the other trigger mode came from somewhere else: from
	 * this vCPU's own use of the same number.
	 */
	if (route->tracked || !kvm_lapic_pending_eoi(vcpu, vector) ||
	    lapic_test_vector(apic, APIC_TMR, vector) != route->level)
		return;
	kvm_scan_owed(vcpu, vector);
}

void kvm_scan_owed(struct kvm_vcpu *vcpu, u8 vector)
{
	struct kvm_lapic *apic = vcpu->lapic;

	/* Its route leads here: not stale. */
	if (__test_and_set_bit(vector, apic->ioapic_handled_vectors))
		return;
	apic->highest_stale_pending_ioapic_eoi =
		max_t(int, apic->highest_stale_pending_ioapic_eoi, vector);
}

/* Userspace's I/O APIC owns the first GSIs; its routes are messages. */
static void scan_split(struct kvm_vcpu *vcpu)
{
	struct kvm *kvm = vcpu->kvm;
	struct kvm_msi_message msi;
	int idx;
	u32 gsi;

	idx = srcu_read_lock(&kvm->irq_srcu);
	for (gsi = 0; gsi < kvm->nr_reserved_ioapic_pins; gsi++) {
		struct kvm_lapic_irq irq;

		if (!kvm_routing_get_msi(kvm, gsi, &msi))
			continue;
		irq = kvm_msi_decode(&msi, kvm->x2apic_format);
		if (!irq.trig_level)
			continue;
		kvm_scan_route(vcpu, &(struct kvm_eoi_route){
				.dest_id = irq.dest_id,
				.vector = irq.vector,
				.logical = irq.logical,
				.level = true,
			});
	}
	srcu_read_unlock(&kvm->irq_srcu, idx);
}

void kvm_scan_ioapic(struct kvm_vcpu *vcpu)
{
	struct kvm_lapic *apic = vcpu->lapic;

	if (!apic)
		return;
	bitmap_zero(apic->ioapic_handled_vectors, LAPIC_NR_VECTORS);
	apic->highest_stale_pending_ioapic_eoi = -1;
	/* What waits in the posted-interrupt descriptor is pending too. */
	kvm_x86_sync_pir_to_irr(vcpu);
	if (irqchip_split(vcpu->kvm))
		scan_split(vcpu);
	else
		kvm_ioapic_scan(vcpu->kvm->ioapic, vcpu);
	kvm_x86_load_eoi_exitmap(vcpu, apic->ioapic_handled_vectors);
}

void kvm_make_scan_ioapic_request(struct kvm *kvm)
{
	kvm_make_all_cpus_request(kvm, KVM_REQ_SCAN_IOAPIC);
}

void kvm_ioapic_lapic_replaced(struct kvm_vcpu *vcpu)
{
	kvm_make_request(KVM_REQ_SCAN_IOAPIC, vcpu);
	if (ioapic_in_kernel(vcpu->kvm))
		kvm_ioapic_restore_rtc(vcpu->kvm->ioapic, vcpu);
}

void kvm_ioapic_eoi(struct kvm_vcpu *vcpu, u8 vector, bool trig_level)
{
	struct kvm_lapic *apic = vcpu->lapic;
	bool needed;

	if (!test_bit(vector, apic->ioapic_handled_vectors))
		return;
	if (vector == apic->highest_stale_pending_ioapic_eoi)
		kvm_make_request(KVM_REQ_SCAN_IOAPIC, vcpu);

	if (irqchip_split(vcpu->kvm)) {
		/* The broadcast of an EOI is that of a level-triggered interrupt. */
		needed = trig_level;
		if (needed) {
			apic->eoi_for_user = vector;
			kvm_make_request(KVM_REQ_IOAPIC_EOI_EXIT, vcpu);
		}
	} else {
		needed = kvm_ioapic_handle_eoi(vcpu->kvm->ioapic, vcpu, vector, trig_level);
	}
	if (needed)
		vcpu->stat.eoi_needed++;
	else
		vcpu->stat.eoi_needless++;
}
