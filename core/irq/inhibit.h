/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reasons for which a VM's interrupts are delivered by software although the
 * hardware could do it.
 */
#ifndef MONOVISOR_CORE_IRQ_INHIBIT_H
#define MONOVISOR_CORE_IRQ_INHIBIT_H

#include "core/types.h"

/**
 * enum kvm_apicv_inhibit - why, bit numbers of kvm->apicv_inhibit_reasons
 * @APICV_INHIBIT_REASON_APIC_ID_MODIFIED: the guest gave an xAPIC another id;
 *	hardware knows vCPUs by the first.
 * @APICV_INHIBIT_REASON_APIC_BASE_MODIFIED: the guest moved an APIC's page; the
 *	page that hardware serves is in one place for all.
 *
 * A VM that does such a thing once is left without for good: guests that do are
 * rare, and do not undo it.
 */
enum kvm_apicv_inhibit {
	APICV_INHIBIT_REASON_APIC_ID_MODIFIED,
	APICV_INHIBIT_REASON_APIC_BASE_MODIFIED,
};

void kvm_set_apicv_inhibit(struct kvm *kvm, enum kvm_apicv_inhibit reason);

#endif /* MONOVISOR_CORE_IRQ_INHIBIT_H */
