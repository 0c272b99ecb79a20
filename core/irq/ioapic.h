/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The I/O APIC of a PC: 24 pins, each with a redirection entry that makes it a
 * message to the local APICs.
 */
#ifndef MONOVISOR_CORE_IRQ_IOAPIC_H
#define MONOVISOR_CORE_IRQ_IOAPIC_H

#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "core/irq/ipi.h"
#include "core/irq/irqchip.h"
#include "core/types.h"

#define IOAPIC_DEFAULT_BASE	0xfec00000
#define IOAPIC_SIZE		0x100
#define IOAPIC_VERSION		0x11
#define IOAPIC_RTC_PIN		8

/*
 * After so many deliveries in a row that each EOI found the line still up, the
 * next waits: a guest that does not serve its device gets to run in between.
 */
#define IOAPIC_STORM_COUNT	10000
#define IOAPIC_STORM_DELAY	(HZ / 100)

/* A redirection entry. Source: Intel 82093AA data sheet. */
#define RTE_VECTOR		0xffULL
#define RTE_DELIVERY_MODE	0x700ULL	/* encoded as in the ICR: APIC_DM_* */
#define RTE_LOGICAL		BIT_ULL(11)
#define RTE_DELIVERY_STATUS	BIT_ULL(12)
#define RTE_POLARITY		BIT_ULL(13)	/* kept and not looked at: lines are active high */
#define RTE_REMOTE_IRR		BIT_ULL(14)
#define RTE_LEVEL		BIT_ULL(15)
#define RTE_MASKED		BIT_ULL(16)
#define RTE_DEST_SHIFT		56
#define RTE_READ_ONLY		(RTE_DELIVERY_STATUS | RTE_REMOTE_IRR)
/* What decides whose EOI of which vector matters. */
#define RTE_EOI_ROUTE		(0xffULL << RTE_DEST_SHIFT | RTE_LEVEL | RTE_LOGICAL | RTE_VECTOR)

/* Pure functions of an entry. */
/* The guest writes the lower or upper half. */
u64 rte_write(u64 rte, bool upper, u32 val);
struct kvm_lapic_irq rte_message(u64 rte);
/* May the pin's request go out now? */
static inline bool rte_open(u64 rte)
{
	return !(rte & RTE_MASKED) && (rte & (RTE_LEVEL | RTE_REMOTE_IRR)) !=
	       (RTE_LEVEL | RTE_REMOTE_IRR);
}

struct kvm_ioapic {
	spinlock_t lock;		/* all below */
	struct kvm *kvm;		/* constant */
	u64 base_address;
	u32 ioregsel;
	u32 id;
	u32 irr;			/* pins that request */
	u32 delivered;			/* edges that have gone out; userspace need not see them */
	u64 rte[KVM_IOAPIC_NUM_PINS];
	unsigned long line[KVM_IOAPIC_NUM_PINS];	/* BIT(enum kvm_irq_source) */
	u32 storm[KVM_IOAPIC_NUM_PINS];	/* deliveries in a row, see IOAPIC_STORM_COUNT */
	struct delayed_work storm_over;

	/*
	 * Who has not yet ended the service of the last clock tick: a tick that
	 * comes meanwhile is coalesced, and userspace is told so.
	 */
	u8 rtc_vector;
	DECLARE_BITMAP(rtc_dest, KVM_MAX_VCPU_ID);	/* by vcpu_id */
};

int kvm_ioapic_create(struct kvm *kvm);
void kvm_ioapic_destroy(struct kvm *kvm);

/**
 * kvm_ioapic_set_irq() - drive an input line
 * @ioapic: the chip
 * @pin: 0..23
 * @source: who drives it
 * @level: high or low
 * @line_status: the caller wants to know of coalesced clock ticks
 *
 * Context: process or workqueue, interrupts on.
 * Return: number of vCPUs reached (1 for a line that falls), 0 if coalesced, -1
 * if it cannot go out now.
 */
int kvm_ioapic_set_irq(struct kvm_ioapic *ioapic, unsigned int pin, enum kvm_irq_source source,
		       bool level, bool line_status);

/* Did the EOI mean anything here? See kvm_ioapic_eoi(). */
bool kvm_ioapic_handle_eoi(struct kvm_ioapic *ioapic, struct kvm_vcpu *vcpu, u8 vector,
			   bool trig_level);
/* The in-kernel half of kvm_scan_ioapic(). */
void kvm_ioapic_scan(struct kvm_ioapic *ioapic, struct kvm_vcpu *vcpu);
/* A vCPU's pending vectors were replaced: does it still serve the clock? */
void kvm_ioapic_restore_rtc(struct kvm_ioapic *ioapic, struct kvm_vcpu *vcpu);

/* @offset: from the default base. Return: false if the guest finds nothing there. */
bool kvm_ioapic_write(struct kvm *kvm, u32 offset, u32 len, const void *data);
bool kvm_ioapic_read(struct kvm *kvm, u32 offset, u32 len, void *data);

void kvm_ioapic_get_state(struct kvm_ioapic *ioapic, struct kvm_ioapic_state *state);
void kvm_ioapic_set_state(struct kvm_ioapic *ioapic, const struct kvm_ioapic_state *state);

#endif /* MONOVISOR_CORE_IRQ_IOAPIC_H */
