/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interrupt messages and who receives them: the map of destinations of a VM,
 * rebuilt when an APIC changes its address and read under RCU.
 */
#ifndef MONOVISOR_CORE_IRQ_IPI_H
#define MONOVISOR_CORE_IRQ_IPI_H

#include "core/types.h"

/* Values of kvm_lapic_irq.shorthand: bits 19:18 of the ICR. */
enum lapic_shorthand {
	LAPIC_SHORT_NONE,
	LAPIC_SHORT_SELF,
	LAPIC_SHORT_ALL,
	LAPIC_SHORT_OTHERS,
};

/**
 * struct kvm_lapic_irq - an interrupt message, from an APIC, I/O APIC or MSI
 * @dest_id: APIC id or logical destination
 * @delivery_mode: APIC_DM_*
 * @vector: vector; of a SIPI the page to start at
 * @shorthand: enum lapic_shorthand; only IPIs have one
 * @logical: @dest_id is a logical destination
 * @level: asserted; only an INIT can be anything else
 * @trig_level: level-triggered: the EOI is told to the I/O APIC
 * @redir_hint: an MSI that any one of its destinations may take
 */
struct kvm_lapic_irq {
	u32 dest_id;
	u16 delivery_mode;
	u8 vector;
	u8 shorthand;
	bool logical;
	bool level;
	bool trig_level;
	bool redir_hint;
};

struct kvm_apic_map;

int kvm_irq_deliver(struct kvm *kvm, struct kvm_vcpu *src, const struct kvm_lapic_irq *irq,
		    unsigned long *dest_vcpus);
bool kvm_lapic_match(struct kvm_vcpu *vcpu, u32 dest_id, bool logical, u8 shorthand,
		     struct kvm_vcpu *src);
void kvm_recalculate_apic_map(struct kvm *kvm);
void kvm_apic_map_destroy(struct kvm *kvm);

#endif /* MONOVISOR_CORE_IRQ_IPI_H */
