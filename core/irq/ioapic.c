// SPDX-License-Identifier: GPL-2.0-only
/*
 * The I/O APIC. Its messages are delivered by ipi.c, the set of EOIs that must
 * come back to it is scan.c's.
 */
#include <linux/bitops.h>
#include <linux/nospec.h>
#include <linux/slab.h>

#include "core/irq/ioapic.h"
#include "core/irq/lapic.h"
#include "core/irq/routing.h"
#include "core/irq/scan.h"
#include "core/trace.h"
#include "core/vcpu.h"
#include "core/vm.h"

/* The window: a register is selected, then read or written. */
#define IOAPIC_SELECT		0x00
#define IOAPIC_WINDOW		0x10

#define IOAPIC_REG_ID		0x00
#define IOAPIC_REG_VERSION	0x01
#define IOAPIC_REG_ARBITRATION	0x02
#define IOAPIC_REG_RTE		0x10	/* two a pin */

#define ID_SHIFT		24
#define ID_MASK			0xf
#define MAX_ENTRY_SHIFT		16

/*
 * Linux and Xen end a level-triggered interrupt of a chip without an EOI
 * register by making the entry edge-triggered for a moment: that clears
 * Remote IRR.
 */
u64 rte_write(u64 rte, bool upper, u32 val)
{
	u64 read_only = rte & RTE_READ_ONLY;

	if (upper)
		rte = (u32)rte | (u64)val << 32;
	else
		rte = (rte & ~(u64)U32_MAX) | val;
	rte = (rte & ~RTE_READ_ONLY) | read_only;
	return rte & RTE_LEVEL ? rte : rte & ~RTE_REMOTE_IRR;
}

struct kvm_lapic_irq rte_message(u64 rte)
{
	return (struct kvm_lapic_irq){
		.dest_id = rte >> RTE_DEST_SHIFT,
		.delivery_mode = rte & RTE_DELIVERY_MODE,
		.vector = rte & RTE_VECTOR,
		.logical = rte & RTE_LOGICAL,
		.level = true,
		.trig_level = rte & RTE_LEVEL,
	};
}

static bool rtc_in_service(const struct kvm_ioapic *ioapic)
{
	return !bitmap_empty(ioapic->rtc_dest, KVM_MAX_VCPU_ID);
}

/*
 * Send the message of a pin that requests. Lock held.
 *
 * A level-triggered message that nobody took leaves Remote IRR clear: no EOI
 * would ever clear it. The next change of the line or the entry tries again.
 * Against scans and EOIs it is modelled in tests/model/ioapic.pml.
 */
static int service(struct kvm_ioapic *ioapic, unsigned int pin, bool line_status)
{
	u64 rte = ioapic->rte[pin];
	struct kvm_lapic_irq irq = rte_message(rte);
	bool track = pin == IOAPIC_RTC_PIN && line_status;
	int reached;

	if (!rte_open(rte))
		return -1;
	if (!(rte & RTE_LEVEL))
		ioapic->delivered |= BIT(pin);
	if (track)
		ioapic->rtc_vector = irq.vector;
	reached = kvm_irq_deliver(ioapic->kvm, NULL, &irq, track ? ioapic->rtc_dest : NULL);
	if (reached >= 0 && (rte & RTE_LEVEL))
		ioapic->rte[pin] |= RTE_REMOTE_IRR;
	return reached;
}

/*
 *	line	entry	request pending	then
 *	falls	any	any		no request
 *	high	level	any		send, unless masked or in service
 *	rises	edge	no		send, unless masked
 *	rises	edge	yes		coalesced: it waits behind the mask
 */
static int set_line(struct kvm_ioapic *ioapic, unsigned int pin, bool level, bool line_status)
{
	u32 bit = BIT(pin);
	bool pending = ioapic->irr & bit;
	bool edge = !(ioapic->rte[pin] & RTE_LEVEL);

	if (!level) {
		ioapic->irr &= ~bit;
		return 1;
	}
	if (pin == IOAPIC_RTC_PIN && line_status && rtc_in_service(ioapic))
		return 0;
	ioapic->irr |= bit;
	if (edge) {
		ioapic->delivered &= ~bit;
		if (pending)
			return 0;
	}
	return service(ioapic, pin, line_status);
}

int kvm_ioapic_set_irq(struct kvm_ioapic *ioapic, unsigned int pin, enum kvm_irq_source source,
		       bool level, bool line_status)
{
	int ret;

	spin_lock(&ioapic->lock);
	ret = set_line(ioapic, pin, kvm_irq_line_level(&ioapic->line[pin], source, level),
		       line_status);
	trace_kvm_ioapic_set_irq(ioapic->rte[pin], pin, !ret);
	spin_unlock(&ioapic->lock);
	return ret;
}

/* The line is still up when its service ends: once more, or later in a storm. */
static void serve_again(struct kvm_ioapic *ioapic, unsigned int pin)
{
	if (!rte_open(ioapic->rte[pin]) || !(ioapic->irr & BIT(pin))) {
		ioapic->storm[pin] = 0;
		return;
	}
	if (++ioapic->storm[pin] < IOAPIC_STORM_COUNT) {
		service(ioapic, pin, false);
		return;
	}
	ioapic->storm[pin] = 0;
	trace_kvm_ioapic_delayed_eoi_inj(ioapic->rte[pin]);
	schedule_delayed_work(&ioapic->storm_over, IOAPIC_STORM_DELAY);
}

static void storm_over(struct work_struct *work)
{
	struct kvm_ioapic *ioapic = container_of(to_delayed_work(work), struct kvm_ioapic,
						 storm_over);
	unsigned int pin;

	spin_lock(&ioapic->lock);
	for (pin = 0; pin < KVM_IOAPIC_NUM_PINS; pin++) {
		if ((ioapic->rte[pin] & RTE_LEVEL) && (ioapic->irr & BIT(pin)))
			service(ioapic, pin, false);
	}
	spin_unlock(&ioapic->lock);
}

/*
 * One pin of the vector. Who waits for the end is told without the lock: it may
 * lower the line, or raise it again, and that is seen here. Remote IRR is
 * cleared only then, so that what is raised meanwhile waits for us.
 */
static bool end_pin(struct kvm_ioapic *ioapic, unsigned int pin, bool trig_level)
	__must_hold(&ioapic->lock)
{
	bool needed = kvm_irq_has_notifier(ioapic->kvm, KVM_IRQCHIP_IOAPIC, pin);

	if (needed) {
		spin_unlock(&ioapic->lock);
		kvm_notify_acked_irq(ioapic->kvm, KVM_IRQCHIP_IOAPIC, pin);
		spin_lock(&ioapic->lock);
	}
	if (!trig_level || !(ioapic->rte[pin] & RTE_LEVEL))
		return needed;
	needed |= !!(ioapic->rte[pin] & RTE_REMOTE_IRR);
	ioapic->rte[pin] &= ~RTE_REMOTE_IRR;
	serve_again(ioapic, pin);
	return needed;
}

bool kvm_ioapic_handle_eoi(struct kvm_ioapic *ioapic, struct kvm_vcpu *vcpu, u8 vector,
			   bool trig_level)
{
	bool needed = false;
	unsigned int pin;

	spin_lock(&ioapic->lock);
	if (vector == ioapic->rtc_vector && test_bit(vcpu->vcpu_id, ioapic->rtc_dest)) {
		__clear_bit(vcpu->vcpu_id, ioapic->rtc_dest);
		needed = true;
	}
	for (pin = 0; pin < KVM_IOAPIC_NUM_PINS; pin++) {
		if ((ioapic->rte[pin] & RTE_VECTOR) == vector)
			needed |= end_pin(ioapic, pin, trig_level);
	}
	spin_unlock(&ioapic->lock);
	return needed;
}

void kvm_ioapic_scan(struct kvm_ioapic *ioapic, struct kvm_vcpu *vcpu)
{
	unsigned int pin;

	spin_lock(&ioapic->lock);
	for (pin = 0; pin < KVM_IOAPIC_NUM_PINS; pin++) {
		u64 rte = ioapic->rte[pin];
		struct kvm_lapic_irq irq = rte_message(rte);
		bool waited_for = irq.trig_level ||
				  kvm_irq_has_notifier(ioapic->kvm, KVM_IRQCHIP_IOAPIC, pin);

		if (!waited_for && pin != IOAPIC_RTC_PIN)
			continue;
		kvm_scan_route(vcpu, &(struct kvm_eoi_route){
				.dest_id = irq.dest_id,
				.vector = irq.vector,
				.logical = irq.logical,
				.level = irq.trig_level,
				.tracked = !waited_for,
			});
	}
	/* A tick that is in service ends, wherever the clock's entry leads by now. */
	if (test_bit(vcpu->vcpu_id, ioapic->rtc_dest))
		kvm_scan_owed(vcpu, ioapic->rtc_vector);
	spin_unlock(&ioapic->lock);
}

/* Lock held. A tick counts as in service where the clock's vector is. */
static void restore_rtc(struct kvm_ioapic *ioapic, struct kvm_vcpu *vcpu)
{
	struct kvm_lapic_irq irq = rte_message(ioapic->rte[IOAPIC_RTC_PIN]);

	if (!vcpu->lapic)
		return;
	if (!kvm_lapic_pending_eoi(vcpu, ioapic->rtc_vector))
		__clear_bit(vcpu->vcpu_id, ioapic->rtc_dest);
	if (!irq.trig_level && kvm_lapic_pending_eoi(vcpu, irq.vector) &&
	    kvm_lapic_match(vcpu, irq.dest_id, irq.logical, LAPIC_SHORT_NONE, NULL)) {
		ioapic->rtc_vector = irq.vector;
		__set_bit(vcpu->vcpu_id, ioapic->rtc_dest);
	}
}

void kvm_ioapic_restore_rtc(struct kvm_ioapic *ioapic, struct kvm_vcpu *vcpu)
{
	spin_lock(&ioapic->lock);
	restore_rtc(ioapic, vcpu);
	spin_unlock(&ioapic->lock);
}

/*
 * The registers
 */
static u32 read_register(const struct kvm_ioapic *ioapic)
{
	u32 pin;
	u64 rte;

	switch (ioapic->ioregsel) {
	case IOAPIC_REG_VERSION:
		return (KVM_IOAPIC_NUM_PINS - 1) << MAX_ENTRY_SHIFT | IOAPIC_VERSION;
	case IOAPIC_REG_ID:
	case IOAPIC_REG_ARBITRATION:
		return (ioapic->id & ID_MASK) << ID_SHIFT;
	}
	pin = (ioapic->ioregsel - IOAPIC_REG_RTE) / 2;
	if (ioapic->ioregsel < IOAPIC_REG_RTE || pin >= KVM_IOAPIC_NUM_PINS)
		return U32_MAX;
	rte = ioapic->rte[array_index_nospec(pin, KVM_IOAPIC_NUM_PINS)];
	return ioapic->ioregsel & 1 ? rte >> 32 : rte;
}

/*
 * The order matters: the entry changes, then every vCPU is made to look at its
 * set of EOIs, and only then may a message go by the new entry. Deliveries take
 * the lock, so none comes in between: whoever gets a level-triggered interrupt
 * by the new entry is not in the guest with a set that lacks its EOI. The model is
 * tests/model/ioapic.pml.
 */
static void write_rte(struct kvm_ioapic *ioapic, u32 pin, bool upper, u32 val)
{
	u64 old = ioapic->rte[pin], rte = rte_write(old, upper, val);

	ioapic->rte[pin] = rte;
	if ((old ^ rte) & RTE_MASKED && !(rte & RTE_MASKED))
		kvm_notify_unmasked_irq(ioapic->kvm, KVM_IRQCHIP_IOAPIC, pin);
	if ((old ^ rte) & RTE_EOI_ROUTE)
		kvm_make_scan_ioapic_request(ioapic->kvm);
	if (!(rte & RTE_LEVEL) || !(ioapic->irr & BIT(pin)) || !rte_open(rte))
		return;
	/*
	 * A guest that serves a device in a thread ends the interrupt first, then
	 * quiets the device and opens the pin: by then the line may have fallen
	 * without anybody telling.
	 */
	if (ioapic->line[pin] == BIT(KVM_IRQ_SOURCE_RESAMPLE) &&
	    kvm_resample_pin(ioapic->kvm, KVM_IRQCHIP_IOAPIC, pin))
		return;
	service(ioapic, pin, false);
}

static void write_register(struct kvm_ioapic *ioapic, u32 val)
{
	u32 pin;

	switch (ioapic->ioregsel) {
	case IOAPIC_REG_ID:
		ioapic->id = val >> ID_SHIFT & ID_MASK;
		return;
	case IOAPIC_REG_VERSION:
	case IOAPIC_REG_ARBITRATION:
		return;
	}
	pin = (ioapic->ioregsel - IOAPIC_REG_RTE) / 2;
	if (ioapic->ioregsel < IOAPIC_REG_RTE || pin >= KVM_IOAPIC_NUM_PINS)
		return;
	write_rte(ioapic, array_index_nospec(pin, KVM_IOAPIC_NUM_PINS), ioapic->ioregsel & 1, val);
}

bool kvm_ioapic_write(struct kvm *kvm, u32 offset, u32 len, const void *data)
{
	struct kvm_ioapic *ioapic = kvm->ioapic;
	u32 val = 0;

	if (READ_ONCE(ioapic->base_address) != IOAPIC_DEFAULT_BASE)
		return false;
	memcpy(&val, data, min_t(u32, len, sizeof(val)));
	spin_lock(&ioapic->lock);
	switch (offset) {
	case IOAPIC_SELECT:
		ioapic->ioregsel = val & 0xff;
		break;
	case IOAPIC_WINDOW:
		write_register(ioapic, val);
		break;
	}
	spin_unlock(&ioapic->lock);
	return true;
}

bool kvm_ioapic_read(struct kvm *kvm, u32 offset, u32 len, void *data)
{
	struct kvm_ioapic *ioapic = kvm->ioapic;
	u32 val = 0;

	if (READ_ONCE(ioapic->base_address) != IOAPIC_DEFAULT_BASE)
		return false;
	spin_lock(&ioapic->lock);
	switch (offset) {
	case IOAPIC_SELECT:
		val = ioapic->ioregsel;
		break;
	case IOAPIC_WINDOW:
		val = read_register(ioapic);
		break;
	}
	spin_unlock(&ioapic->lock);
	memset(data, 0, len);
	memcpy(data, &val, min_t(u32, len, sizeof(val)));
	return true;
}

void kvm_ioapic_get_state(struct kvm_ioapic *ioapic, struct kvm_ioapic_state *state)
{
	unsigned int pin;

	memset(state, 0, sizeof(*state));
	spin_lock(&ioapic->lock);
	state->base_address = ioapic->base_address;
	state->ioregsel = ioapic->ioregsel;
	state->id = ioapic->id;
	state->irr = ioapic->irr & ~ioapic->delivered;
	for (pin = 0; pin < KVM_IOAPIC_NUM_PINS; pin++)
		state->redirtbl[pin].bits = ioapic->rte[pin];
	spin_unlock(&ioapic->lock);
}

void kvm_ioapic_set_state(struct kvm_ioapic *ioapic, const struct kvm_ioapic_state *state)
{
	struct kvm_vcpu *vcpu;
	unsigned long i;
	unsigned int pin;

	spin_lock(&ioapic->lock);
	WRITE_ONCE(ioapic->base_address, state->base_address);
	ioapic->ioregsel = state->ioregsel & 0xff;
	ioapic->id = state->id & ID_MASK;
	for (pin = 0; pin < KVM_IOAPIC_NUM_PINS; pin++)
		ioapic->rte[pin] = state->redirtbl[pin].bits;
	ioapic->irr = 0;
	ioapic->delivered = 0;
	/* See write_rte() for the order. */
	kvm_make_scan_ioapic_request(ioapic->kvm);

	bitmap_zero(ioapic->rtc_dest, KVM_MAX_VCPU_ID);
	for (pin = 0; pin < KVM_IOAPIC_NUM_PINS; pin++) {
		if (state->irr & BIT(pin))
			set_line(ioapic, pin, true, true);
	}
	kvm_for_each_vcpu(i, vcpu, ioapic->kvm)
		restore_rtc(ioapic, vcpu);
	spin_unlock(&ioapic->lock);
}

/* kvm->lock is held and no vCPU exists. */
int kvm_ioapic_create(struct kvm *kvm)
{
	struct kvm_ioapic *ioapic = kzalloc(sizeof(*ioapic), GFP_KERNEL_ACCOUNT);
	unsigned int pin;

	if (!ioapic)
		return -ENOMEM;
	spin_lock_init(&ioapic->lock);
	INIT_DELAYED_WORK(&ioapic->storm_over, storm_over);
	ioapic->kvm = kvm;
	ioapic->base_address = IOAPIC_DEFAULT_BASE;
	for (pin = 0; pin < KVM_IOAPIC_NUM_PINS; pin++)
		ioapic->rte[pin] = RTE_MASKED;
	kvm->ioapic = ioapic;
	return 0;
}

void kvm_ioapic_destroy(struct kvm *kvm)
{
	if (!kvm->ioapic)
		return;
	cancel_delayed_work_sync(&kvm->ioapic->storm_over);
	kfree(kvm->ioapic);
	kvm->ioapic = NULL;
}
