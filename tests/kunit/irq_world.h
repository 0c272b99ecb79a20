/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the suites of the interrupt system share: a VM of two vCPUs whose local
 * APICs are switched on, and the guest's accesses to its I/O APIC.
 */
#ifndef MONOVISOR_TESTS_KUNIT_IRQ_WORLD_H
#define MONOVISOR_TESTS_KUNIT_IRQ_WORLD_H

#include <kunit/test.h>

#include "core/irq/ioapic.h"
#include "core/irq/irqchip.h"
#include "core/irq/lapic.h"
#include "core/irq/scan.h"
#include "core/request.h"
#include "tests/fake/fake.h"

struct irq_world {
	struct kvm *kvm;
	struct kvm_vcpu *vcpu[2];
};

/* @split: the I/O APIC is userspace's, and owns 24 GSIs. */
static inline struct irq_world *irq_world_create(struct kunit *test, bool split)
{
	struct irq_world *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, w);
	w->kvm = fake_vm_create(test);
	if (split) {
		mutex_lock(&w->kvm->lock);
		KUNIT_EXPECT_EQ(test, kvm_enable_split_irqchip(w->kvm, 24), 0);
		mutex_unlock(&w->kvm->lock);
	} else {
		KUNIT_ASSERT_EQ(test, kvm_vm_ioctl_irq(w->kvm, KVM_CREATE_IRQCHIP, NULL), 0);
	}
	for (i = 0; i < ARRAY_SIZE(w->vcpu); i++) {
		w->vcpu[i] = fake_vcpu_create(test, w->kvm);
		KUNIT_ASSERT_NOT_NULL(test, w->vcpu[i]->lapic);
		kvm_lapic_write_reg(w->vcpu[i], APIC_SPIV, APIC_SPIV_APIC_ENABLED | 0xff);
	}
	kvm_recalculate_apic_map(w->kvm);
	return w;
}

static inline void ioapic_select(struct kvm *kvm, u32 reg)
{
	kvm_ioapic_write(kvm, 0x00, 4, &reg);
}

static inline void ioapic_write(struct kvm *kvm, u32 reg, u32 val)
{
	ioapic_select(kvm, reg);
	kvm_ioapic_write(kvm, 0x10, 4, &val);
}

static inline u32 ioapic_read(struct kvm *kvm, u32 reg)
{
	u32 val;

	ioapic_select(kvm, reg);
	kvm_ioapic_read(kvm, 0x10, 4, &val);
	return val;
}

/* As guests do it: the destination first, then what opens the pin. */
static inline void ioapic_route(struct kvm *kvm, unsigned int pin, u64 rte)
{
	ioapic_write(kvm, 0x11 + 2 * pin, rte >> 32);
	ioapic_write(kvm, 0x10 + 2 * pin, rte);
}

static inline u64 rte_to(u8 dest, u8 vector, bool level)
{
	return (u64)dest << RTE_DEST_SHIFT | vector | (level ? RTE_LEVEL : 0);
}

/* The vCPU takes its highest interrupt as hardware would be given it; -1: none. */
static inline int irq_take(struct kvm_vcpu *vcpu)
{
	int vector = kvm_lapic_deliverable(vcpu);

	if (vector >= 0)
		kvm_lapic_take(vcpu, vector);
	return vector;
}

static inline bool irr_test(struct kvm_vcpu *vcpu, u8 vector)
{
	return lapic_test_vector(vcpu->lapic, APIC_IRR, vector);
}

#endif /* MONOVISOR_TESTS_KUNIT_IRQ_WORLD_H */
