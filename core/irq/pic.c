// SPDX-License-Identifier: GPL-2.0-only
/*
 * The 8259A pair. The first half is one chip as a pure function of its state;
 * the second wires two of them, the lines and the CPU together. Which line a
 * GSI is, is routing.c's.
 */
#include <linux/bitops.h>
#include <linux/slab.h>

#include "core/block.h"
#include "core/event.h"
#include "core/irq/lapic.h"
#include "core/irq/pic.h"
#include "core/irq/routing.h"
#include "core/trace.h"
#include "core/vcpu.h"

#define NR_CHIP_PINS	8
#define NO_PRIORITY	8

/* Initialization and operation command words, by the register they are written to. */
#define ICW1		0x10	/* command: starts initialization */
#define ICW1_IC4	0x01	/* ICW4 will follow */
#define ICW2_BASE	0xf8
#define ICW4_SFNM	0x10
#define ICW4_AEOI	0x02
#define OCW3		0x08	/* command */
#define OCW3_ESMM	0x40	/* SMM below is meant */
#define OCW3_SMM	0x20
#define OCW3_POLL	0x04
#define OCW3_RR		0x02	/* RIS below is meant */
#define OCW3_RIS	0x01
#define OCW2_LEVEL(v)	((v) & 7)

/* R, SL and EOI of OCW2. */
enum ocw2 {
	OCW2_CLEAR_ROTATE_AEOI,
	OCW2_EOI,
	OCW2_NOP,
	OCW2_SPECIFIC_EOI,
	OCW2_SET_ROTATE_AEOI,
	OCW2_ROTATE_EOI,
	OCW2_SET_PRIORITY,
	OCW2_ROTATE_SPECIFIC_EOI,
};

/* Steps of initialization: what the data register takes next. */
enum { INIT_DONE, INIT_ICW2, INIT_ICW3, INIT_ICW4 };

/* Pins that are edge-triggered on every PC: timer, keyboard, cascade, clock, coprocessor. */
static const u8 elcr_mask[] = { [PIC_MASTER] = 0xf8, [PIC_SLAVE] = 0xde };

/* How far from the highest priority the best of @pins is; NO_PRIORITY if there is none. */
static unsigned int best_priority(const struct kvm_pic_state *state, u8 pins)
{
	u8 rotated = pins >> state->priority_add | pins << (NR_CHIP_PINS - state->priority_add);

	return rotated ? __ffs(rotated) : NO_PRIORITY;
}

static unsigned int pin_of(const struct kvm_pic_state *state, unsigned int priority)
{
	return (priority + state->priority_add) % NR_CHIP_PINS;
}

int pic_chip_set_pin(struct kvm_pic_state *state, unsigned int pin, bool level)
{
	u8 bit = BIT(pin);
	bool by_level = state->elcr & bit;
	/* What counts as a request: the level itself, or a rise. */
	bool request = level && (by_level || !(state->last_irr & bit));
	bool coalesced = request && (state->irr & bit);

	if (request)
		state->irr |= bit;
	else if (by_level)
		state->irr &= ~bit;
	state->last_irr = level ? state->last_irr | bit : state->last_irr & ~bit;
	return state->imr & bit ? -1 : !coalesced;
}

int pic_chip_pending(const struct kvm_pic_state *state, u8 nested)
{
	unsigned int wanted = best_priority(state, state->irr & ~state->imr);
	u8 blocking = state->isr & ~nested;

	/* In special mask mode a masked pin in service blocks nobody. */
	if (state->special_mask)
		blocking &= ~state->imr;
	return wanted < best_priority(state, blocking) ? (int)pin_of(state, wanted) : -1;
}

u8 pic_chip_ack(struct kvm_pic_state *state, unsigned int pin)
{
	u8 bit = BIT(pin);

	/* A level is pending for as long as it is there. */
	if (!(state->elcr & bit))
		state->irr &= ~bit;
	if (!state->auto_eoi) {
		state->isr |= bit;
		return 0;
	}
	if (state->rotate_on_auto_eoi)
		state->priority_add = (pin + 1) % NR_CHIP_PINS;
	return bit;
}

/* The edges that were latched are forgotten, so they end like those in service. */
static u8 initialize(struct kvm_pic_state *state, u8 icw1)
{
	u8 ended = (state->irr & ~state->elcr) | state->isr;

	state->irr &= state->elcr;
	state->last_irr = 0;
	state->isr = 0;
	state->imr = 0;
	state->priority_add = 0;
	state->special_mask = 0;
	state->read_reg_select = 0;
	state->poll = 0;
	state->rotate_on_auto_eoi = 0;
	state->init4 = icw1 & ICW1_IC4;
	if (!state->init4) {
		state->special_fully_nested_mode = 0;
		state->auto_eoi = 0;
	}
	state->init_state = INIT_ICW2;
	return ended;
}

static u8 end_service(struct kvm_pic_state *state, unsigned int pin, bool rotate)
{
	u8 ended = state->isr & BIT(pin);

	state->isr &= ~BIT(pin);
	if (rotate)
		state->priority_add = (pin + 1) % NR_CHIP_PINS;
	return ended;
}

static u8 write_ocw2(struct kvm_pic_state *state, u8 val)
{
	enum ocw2 command = val >> 5;
	unsigned int best;

	switch (command) {
	case OCW2_CLEAR_ROTATE_AEOI:
	case OCW2_SET_ROTATE_AEOI:
		state->rotate_on_auto_eoi = command == OCW2_SET_ROTATE_AEOI;
		break;
	case OCW2_EOI:
	case OCW2_ROTATE_EOI:
		best = best_priority(state, state->isr);
		if (best == NO_PRIORITY)
			break;
		return end_service(state, pin_of(state, best), command == OCW2_ROTATE_EOI);
	case OCW2_SPECIFIC_EOI:
	case OCW2_ROTATE_SPECIFIC_EOI:
		return end_service(state, OCW2_LEVEL(val), command == OCW2_ROTATE_SPECIFIC_EOI);
	case OCW2_SET_PRIORITY:
		state->priority_add = (OCW2_LEVEL(val) + 1) % NR_CHIP_PINS;
		break;
	case OCW2_NOP:
		break;
	}
	return 0;
}

static void write_ocw3(struct kvm_pic_state *state, u8 val)
{
	if (val & OCW3_POLL)
		state->poll = 1;
	if (val & OCW3_RR)
		state->read_reg_select = val & OCW3_RIS;
	if (val & OCW3_ESMM)
		state->special_mask = !!(val & OCW3_SMM);
}

static void write_data(struct kvm_pic_state *state, u8 val)
{
	switch (state->init_state) {
	case INIT_ICW2:
		state->irq_base = val & ICW2_BASE;
		state->init_state = INIT_ICW3;
		break;
	case INIT_ICW3:
		/* Who is on whose pin is wired. */
		state->init_state = state->init4 ? INIT_ICW4 : INIT_DONE;
		break;
	case INIT_ICW4:
		state->special_fully_nested_mode = !!(val & ICW4_SFNM);
		state->auto_eoi = !!(val & ICW4_AEOI);
		state->init_state = INIT_DONE;
		break;
	default:
		state->imr = val;
		break;
	}
}

u8 pic_chip_write(struct kvm_pic_state *state, unsigned int reg, u8 val)
{
	if (reg)
		write_data(state, val);
	else if (val & ICW1)
		return initialize(state, val);
	else if (val & OCW3)
		write_ocw3(state, val);
	else
		return write_ocw2(state, val);
	return 0;
}

void pic_chip_sanitize(struct kvm_pic_state *state)
{
	state->priority_add %= NR_CHIP_PINS;
	state->irq_base &= ICW2_BASE;
	state->init_state &= 3;
}

/*
 * The pair
 */
static int pair_pending(struct kvm_pic *pic)
{
	const struct kvm_pic_state *master = &pic->chip[PIC_MASTER];
	/* Special fully nested: the slave may interrupt itself. */
	u8 nested = master->special_fully_nested_mode ? BIT(PIC_CASCADE_PIN) : 0;

	return pic_chip_pending(master, nested);
}

/* Settle the cascade and the output after any change. Lock held. */
static void update_output(struct kvm_pic *pic)
{
	bool output;

	if (pic_chip_pending(&pic->chip[PIC_SLAVE], 0) >= 0) {
		/* A pulse: each request of the slave is an edge at the master. */
		pic_chip_set_pin(&pic->chip[PIC_MASTER], PIC_CASCADE_PIN, true);
		pic_chip_set_pin(&pic->chip[PIC_MASTER], PIC_CASCADE_PIN, false);
	}
	output = pair_pending(pic) >= 0;
	if (output && !pic->output)
		pic->output_rose = true;
	WRITE_ONCE(pic->output, output);
}

/* INT is wired to every local APIC; the first that listens is told. */
static void tell_cpu(struct kvm *kvm)
{
	struct kvm_vcpu *vcpu;
	unsigned long i;

	kvm_for_each_vcpu(i, vcpu, kvm) {
		if (!kvm_lapic_accepts_pic_intr(vcpu))
			continue;
		kvm_make_event_request_remote(vcpu, EVENT_IRQ_LINE);
		kvm_vcpu_wake_kick(vcpu);
		return;
	}
}

static void unlock_and_tell(struct kvm_pic *pic)
	__releases(&pic->lock)
{
	bool rose = pic->output_rose;

	pic->output_rose = false;
	spin_unlock(&pic->lock);
	if (rose)
		tell_cpu(pic->kvm);
}

/*
 * Tell who waits for the end of these pins' service, then settle the output:
 * who is told may lower the line at once, and then nothing is pending.
 */
static void end_and_unlock(struct kvm_pic *pic, unsigned long ended)
	__releases(&pic->lock)
{
	unsigned int pin;

	if (ended) {
		spin_unlock(&pic->lock);
		for_each_set_bit(pin, &ended, PIC_NR_PINS)
			kvm_notify_acked_irq(pic->kvm, pin < NR_CHIP_PINS ?
					     KVM_IRQCHIP_PIC_MASTER : KVM_IRQCHIP_PIC_SLAVE, pin);
		spin_lock(&pic->lock);
	}
	update_output(pic);
	unlock_and_tell(pic);
}

int kvm_pic_set_irq(struct kvm_pic *pic, unsigned int pin, enum kvm_irq_source source, bool level)
{
	struct kvm_pic_state *chip = &pic->chip[pin / NR_CHIP_PINS];
	int ret;

	spin_lock(&pic->lock);
	ret = pic_chip_set_pin(chip, pin % NR_CHIP_PINS,
			       kvm_irq_line_level(&pic->line[pin], source, level));
	trace_kvm_pic_set_irq(pin / NR_CHIP_PINS, pin % NR_CHIP_PINS, chip->elcr, chip->imr, !ret);
	update_output(pic);
	unlock_and_tell(pic);
	return ret;
}

bool kvm_pic_has_irq(struct kvm *kvm)
{
	return READ_ONCE(kvm->pic->output);
}

int kvm_pic_ack_irq(struct kvm *kvm)
{
	struct kvm_pic *pic = kvm->pic;
	struct kvm_pic_state *master = &pic->chip[PIC_MASTER];
	struct kvm_pic_state *slave = &pic->chip[PIC_SLAVE];
	unsigned long ended = 0;
	int pin, vector;

	spin_lock(&pic->lock);
	/* What is pending after this one raises the line anew. */
	WRITE_ONCE(pic->output, false);
	pin = pair_pending(pic);
	if (pin < 0) {
		vector = master->irq_base + PIC_SPURIOUS_PIN;
	} else if (pin != PIC_CASCADE_PIN) {
		vector = master->irq_base + pin;
		ended = pic_chip_ack(master, pin);
	} else {
		pic_chip_ack(master, pin);
		pin = pic_chip_pending(slave, 0);
		vector = slave->irq_base + (pin < 0 ? PIC_SPURIOUS_PIN : pin);
		if (pin >= 0)
			ended = pic_chip_ack(slave, pin) << NR_CHIP_PINS;
	}
	end_and_unlock(pic, ended);
	return vector;
}

/* The guest opened pins: who coalesces what they missed starts afresh. */
static void notify_masks(struct kvm_pic *pic, enum pic_part part, u8 changed)
{
	unsigned int chip = part == PIC_MASTER ? KVM_IRQCHIP_PIC_MASTER : KVM_IRQCHIP_PIC_SLAVE;
	unsigned long pins = changed;
	unsigned int pin;

	for_each_set_bit(pin, &pins, NR_CHIP_PINS)
		kvm_notify_unmasked_irq(pic->kvm, chip, part * NR_CHIP_PINS + pin);
}

bool kvm_pic_write(struct kvm *kvm, enum pic_part part, unsigned int reg, u32 len,
		   const void *data)
{
	struct kvm_pic *pic = kvm->pic;
	unsigned long ended = 0;
	u8 val = *(const u8 *)data;
	u8 masked;

	/* The chips sit on an 8-bit bus; a wider write is swallowed. */
	if (len != 1)
		return true;
	spin_lock(&pic->lock);
	if (part == PIC_ELCR) {
		pic->chip[reg].elcr = val & elcr_mask[reg];
	} else {
		masked = pic->chip[part].imr;
		ended = pic_chip_write(&pic->chip[part], reg, val) << part * NR_CHIP_PINS;
		masked &= ~pic->chip[part].imr;
		if (masked)
			notify_masks(pic, part, masked);
	}
	end_and_unlock(pic, ended);
	return true;
}

/* A poll is an acknowledge without a vector. Lock held. */
static u8 poll(struct kvm_pic *pic, enum pic_part part, unsigned long *ended)
{
	struct kvm_pic_state *chip = &pic->chip[part];
	int pin = part == PIC_MASTER ? pair_pending(pic) : pic_chip_pending(chip, 0);

	chip->poll = 0;
	if (pin < 0)
		return PIC_SPURIOUS_PIN;
	if (part == PIC_SLAVE)
		pic->chip[PIC_MASTER].irr &= ~BIT(PIC_CASCADE_PIN);
	*ended = pic_chip_ack(chip, pin) << part * NR_CHIP_PINS;
	return pin | 0x80;
}

static u8 read_chip(struct kvm_pic *pic, enum pic_part part, unsigned int reg,
		    unsigned long *ended)
{
	const struct kvm_pic_state *chip = &pic->chip[part];

	if (chip->poll)
		return poll(pic, part, ended);
	if (reg)
		return chip->imr;
	return chip->read_reg_select ? chip->isr : chip->irr;
}

bool kvm_pic_read(struct kvm *kvm, enum pic_part part, unsigned int reg, u32 len, void *data)
{
	struct kvm_pic *pic = kvm->pic;
	unsigned long ended = 0;

	memset(data, 0, len);
	if (len != 1)
		return true;
	spin_lock(&pic->lock);
	if (part == PIC_ELCR)
		*(u8 *)data = pic->chip[reg].elcr;
	else
		*(u8 *)data = read_chip(pic, part, reg, &ended);
	end_and_unlock(pic, ended);
	return true;
}

void kvm_pic_get_state(struct kvm_pic *pic, unsigned int chip, struct kvm_pic_state *state)
{
	spin_lock(&pic->lock);
	*state = pic->chip[chip];
	spin_unlock(&pic->lock);
}

void kvm_pic_set_state(struct kvm_pic *pic, unsigned int chip, const struct kvm_pic_state *state)
{
	spin_lock(&pic->lock);
	pic->chip[chip] = *state;
	pic_chip_sanitize(&pic->chip[chip]);
	pic->chip[chip].elcr_mask = elcr_mask[chip];
	update_output(pic);
	unlock_and_tell(pic);
}

/* kvm->lock is held and no vCPU exists. */
int kvm_pic_create(struct kvm *kvm)
{
	struct kvm_pic *pic = kzalloc(sizeof(*pic), GFP_KERNEL_ACCOUNT);
	unsigned int i;

	if (!pic)
		return -ENOMEM;
	spin_lock_init(&pic->lock);
	pic->kvm = kvm;
	for (i = 0; i < ARRAY_SIZE(pic->chip); i++)
		pic->chip[i].elcr_mask = elcr_mask[i];
	kvm->pic = pic;
	return 0;
}

void kvm_pic_destroy(struct kvm *kvm)
{
	kfree(kvm->pic);
	kvm->pic = NULL;
}
