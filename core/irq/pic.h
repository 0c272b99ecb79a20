/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pair of 8259A interrupt controllers of a PC: 16 pins, the slave's output
 * on the master's pin 2, and edge or level triggering by pin (ELCR).
 */
#ifndef MONOVISOR_CORE_IRQ_PIC_H
#define MONOVISOR_CORE_IRQ_PIC_H

#include <linux/spinlock.h>

#include "core/irq/irqchip.h"
#include "core/types.h"

#define PIC_NR_PINS		16
#define PIC_CASCADE_PIN		2
#define PIC_SPURIOUS_PIN	7

/* Ports; each pair is a command and a data register. */
#define PIC_PORT_MASTER		0x20
#define PIC_PORT_SLAVE		0xa0
#define PIC_PORT_ELCR		0x4d0

enum pic_part {
	PIC_MASTER,
	PIC_SLAVE,
	PIC_ELCR,
};

/*
 * One chip, as userspace reads and writes it. Pure functions; @state alone is
 * changed. Source: Intel 8259A data sheet.
 */
/* Set a pin's level. Return: 1 raised, 0 pending already, -1 masked. */
int pic_chip_set_pin(struct kvm_pic_state *state, unsigned int pin, bool level);
/* The pin to be served next, or -1. @nested: pins that do not block by being in service. */
int pic_chip_pending(const struct kvm_pic_state *state, u8 nested);
/* INTA for @pin. Return: pins whose service has ended by it (automatic EOI). */
u8 pic_chip_ack(struct kvm_pic_state *state, unsigned int pin);
/* Return: pins whose service has ended. */
u8 pic_chip_write(struct kvm_pic_state *state, unsigned int reg, u8 val);
/* Fields that are a few bits wide or an index, made so. */
void pic_chip_sanitize(struct kvm_pic_state *state);

struct kvm_pic {
	spinlock_t lock;		/* all below */
	struct kvm *kvm;		/* constant */
	bool output;			/* INT towards the CPU; also read without lock */
	bool output_rose;		/* somebody must be told when the lock is dropped */
	struct kvm_pic_state chip[2];
	unsigned long line[PIC_NR_PINS];	/* BIT(enum kvm_irq_source) */
};

int kvm_pic_create(struct kvm *kvm);
void kvm_pic_destroy(struct kvm *kvm);

/**
 * kvm_pic_set_irq() - drive an input line
 * @pic: the pair
 * @pin: 0..15
 * @source: who drives it
 * @level: high or low
 *
 * Context: process or workqueue. Return: as pic_chip_set_pin().
 */
int kvm_pic_set_irq(struct kvm_pic *pic, unsigned int pin, enum kvm_irq_source source, bool level);

/* Does the pair hold its INT line up? No context of its own. */
bool kvm_pic_has_irq(struct kvm *kvm);

/**
 * kvm_pic_ack_irq() - the CPU acknowledges (INTA)
 * @kvm: the VM; pic_in_kernel()
 *
 * Context: process. Return: the vector; a spurious one if the line fell.
 */
int kvm_pic_ack_irq(struct kvm *kvm);

bool kvm_pic_write(struct kvm *kvm, enum pic_part part, unsigned int reg, u32 len,
		   const void *data);
bool kvm_pic_read(struct kvm *kvm, enum pic_part part, unsigned int reg, u32 len, void *data);

void kvm_pic_get_state(struct kvm_pic *pic, unsigned int chip, struct kvm_pic_state *state);
void kvm_pic_set_state(struct kvm_pic *pic, unsigned int chip, const struct kvm_pic_state *state);

#endif /* MONOVISOR_CORE_IRQ_PIC_H */
