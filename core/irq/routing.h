/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a global system interrupt (GSI) number leads to: pins of the in-kernel
 * chips, or a message to the local APICs. And the way back: whose concern the
 * end of a pin's service is.
 */
#ifndef MONOVISOR_CORE_IRQ_ROUTING_H
#define MONOVISOR_CORE_IRQ_ROUTING_H

#include "core/irq/ipi.h"
#include "core/irq/irqchip.h"
#include "core/types.h"

#define NR_IRQCHIP_PINS		KVM_IOAPIC_NUM_PINS

enum kvm_route_kind {
	KVM_ROUTE_PIN,
	KVM_ROUTE_MSI,
};

struct kvm_msi_message {
	u32 address_lo;
	u32 address_hi;
	u32 data;
};

struct kvm_route {
	enum kvm_route_kind kind;
	u32 gsi;
	union {
		struct {
			u8 chip;	/* KVM_IRQCHIP_* */
			u8 pin;		/* of the PIC pair: 0..15 */
		};
		struct kvm_msi_message msi;
	};
};

/* A GSI leads to at most one pin of each chip, or to one message. */
#define KVM_ROUTES_PER_GSI	KVM_NR_IRQCHIPS

/*
 * One published state of the routes, in the order of GSIs. A change publishes a
 * new one and frees the old after a grace period of kvm->irq_srcu.
 */
struct kvm_routing {
	u32 nr;
	s16 gsi_of_pin[KVM_NR_IRQCHIPS][NR_IRQCHIP_PINS];	/* -1: none */
	u16 first[KVM_MAX_IRQ_ROUTES + 1];	/* those of gsi: first[gsi] to first[gsi + 1] - 1 */
	struct kvm_route route[];
};

/*
 * Pure: may these entries be routes of a VM in @mode, and what do they make?
 * @wide_ids: KVM_X2APIC_API_USE_32BIT_IDS. Return: the routes, -EINVAL or
 * -ENOMEM as ERR_PTR. Context: may sleep.
 */
struct kvm_routing *kvm_routing_build(const struct kvm_irq_routing_entry *entries, u32 nr,
				      enum kvm_irqchip_mode mode, bool wide_ids);

/*
 * Pure: the message as local APICs understand it.
 * Source: Intel SDM volume 3, "Message Signalled Interrupts".
 */
struct kvm_lapic_irq kvm_msi_decode(const struct kvm_msi_message *msi, bool wide_ids);

/*
 * Make them the VM's; NULL: none. May sleep. When this returns, nothing is
 * delivered by the old ones any more.
 */
void kvm_routing_publish(struct kvm *kvm, struct kvm_routing *routing);
int kvm_routing_init(struct kvm *kvm);
void kvm_routing_destroy(struct kvm *kvm);
/* kvm->lock held. Pins 0..15 of the PICs and 0..23 of the I/O APIC, each its GSI. */
int kvm_routing_set_default(struct kvm *kvm);

/**
 * kvm_set_irq() - drive a GSI
 * @kvm: the VM
 * @source: who drives it
 * @gsi: any number; one without a route does nothing
 * @level: high or low; a message goes out on high
 * @line_status: the caller wants to know whether the interrupt was coalesced
 *
 * Context: process or workqueue, interrupts on.
 * Return: number of vCPUs and chips it reached, 0 if it was pending already
 * everywhere (coalesced), -1 if masked or routed nowhere.
 */
int kvm_set_irq(struct kvm *kvm, enum kvm_irq_source source, u32 gsi, bool level,
		bool line_status);

/* The one message @gsi leads to. kvm->irq_srcu held. Return: false if it does not. */
bool kvm_routing_get_msi(struct kvm *kvm, u32 gsi, struct kvm_msi_message *msi);
/* Any context, interrupts on or off. Return: as kvm_irq_deliver(). */
int kvm_msi_deliver(struct kvm *kvm, const struct kvm_msi_message *msi);

/*
 * A chip tells that the service of a pin ended, or that the guest opened a pin.
 * @pin: of the PIC pair 0..15. Context: process; unmasked: any lock of a chip.
 */
void kvm_notify_acked_irq(struct kvm *kvm, unsigned int chip, unsigned int pin);
void kvm_notify_unmasked_irq(struct kvm *kvm, unsigned int chip, unsigned int pin);
/*
 * The guest opened a level-triggered pin that only resampling irqfds hold up,
 * perhaps no longer rightly: let their devices look. Return: they will, and
 * raise it anew if need be.
 */
bool kvm_resample_pin(struct kvm *kvm, unsigned int chip, unsigned int pin);
/* Does anybody wait for that end? */
bool kvm_irq_has_notifier(struct kvm *kvm, unsigned int chip, unsigned int pin);
/* Whoever waits came or went: vCPUs look again which EOIs they must report. */
void kvm_irq_notifiers_changed(struct kvm *kvm);

int kvm_vm_ioctl_irq_line(struct kvm *kvm, struct kvm_irq_level *irq, bool line_status);
int kvm_vm_ioctl_signal_msi(struct kvm *kvm, const struct kvm_msi *msi);
int kvm_vm_ioctl_set_gsi_routing(struct kvm *kvm, const struct kvm_irq_routing __user *argp);

#endif /* MONOVISOR_CORE_IRQ_ROUTING_H */
