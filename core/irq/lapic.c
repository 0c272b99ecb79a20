// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC's state machine: what is pending, what is in service, which
 * priority the processor has, and when a change of these is a reason to look
 * for something to inject. How software reaches the registers is
 * lapic_access.c's.
 *
 * Source: Intel SDM volume 3, "Advanced Programmable Interrupt Controller
 * (APIC)"; AMD APM volume 2, "Advanced Programmable Interrupt Controller".
 */
#include <linux/gfp.h>
#include <linux/slab.h>

#include "core/block.h"
#include "core/cpuid.h"
#include "core/event.h"
#include "core/irq/inhibit.h"
#include "core/irq/inject.h"
#include "core/irq/ipi.h"
#include "core/irq/irqchip.h"
#include "core/irq/lapic.h"
#include "core/irq/scan.h"
#include "core/trace.h"
#include "core/request.h"
#include "core/vm.h"
#include "ops/apic.h"

int lapic_find_highest(const void *area)
{
	int word;
	u32 bits;

	for (word = LAPIC_NR_VECTORS / 32 - 1; word >= 0; word--) {
		bits = READ_ONCE(*(const u32 *)(area + word * 0x10));
		if (bits)
			return word * 32 + __fls(bits);
	}
	return -1;
}

/*
 * The processor's priority is that of the task or, if its class is higher, of
 * the interrupt in service; then without a sub-class.
 */
u8 lapic_ppr(u8 tpr, int isr)
{
	u8 isr_class = isr < 0 ? 0 : isr & 0xf0;

	return (tpr & 0xf0) >= isr_class ? tpr : isr_class;
}

u8 lapic_tpr_threshold(u8 tpr, int irr, int isr)
{
	if (irr < 0 || lapic_outranks(irr, tpr) || (isr >= 0 && !lapic_outranks(irr, isr)))
		return 0;
	return irr >> 4;
}

/* In x2APIC mode the logical id follows from the id: cluster of 16 and bit in it. */
u32 lapic_x2apic_ldr(u32 id)
{
	return id >> 4 << 16 | BIT(id & 0xf);
}

/* Delivery status and remote IRR are the APIC's to write. */
u32 lapic_lvt_mask(unsigned int offset)
{
	const u32 common = APIC_VECTOR_MASK | APIC_LVT_MASKED;

	switch (offset) {
	case APIC_LVTT:
		return common | APIC_LVT_TIMER_PERIODIC | APIC_LVT_TIMER_TSCDEADLINE;
	case APIC_LVTTHMR:
	case APIC_LVTPC:
		return common | APIC_MODE_MASK;
	case APIC_LVT0:
	case APIC_LVT1:
		return common | APIC_MODE_MASK | APIC_INPUT_POLARITY | APIC_LVT_LEVEL_TRIGGER;
	case APIC_LVTERR:
		return common;
	}
	return 0;
}

/* Irr_pending may be true in vain, never false in vain: it is set behind the bit. */
static bool set_irr(struct kvm_lapic *apic, u8 vector)
{
	if (test_and_set_bit(vector % 32, lapic_vector_word(apic->regs + APIC_IRR, vector)))
		return false;
	WRITE_ONCE(apic->irr_pending, true);
	return true;
}

/*
 * Own thread. Irr_pending is cleared before the bit: the locked clear_bit()
 * keeps the search behind it, so a sender whose bit the search misses writes
 * irr_pending after us.
 */
static void clear_irr(struct kvm_lapic *apic, u8 vector)
{
	WRITE_ONCE(apic->irr_pending, false);
	clear_bit(vector % 32, lapic_vector_word(apic->regs + APIC_IRR, vector));
	if (lapic_find_highest(apic->regs + APIC_IRR) >= 0)
		WRITE_ONCE(apic->irr_pending, true);
}

int kvm_lapic_highest_irr(struct kvm_vcpu *vcpu)
{
	struct kvm_lapic *apic = vcpu->lapic;

	if (!READ_ONCE(apic->irr_pending))
		return -1;
	return lapic_find_highest(apic->regs + APIC_IRR);
}

/* While hardware delivers interrupts it sets and clears ISR bits itself. */
int kvm_lapic_highest_isr(struct kvm_vcpu *vcpu)
{
	struct kvm_lapic *apic = vcpu->lapic;

	if (kvm_x86_apicv_active(vcpu))
		return lapic_find_highest(apic->regs + APIC_ISR);
	return apic->highest_isr;
}

/**
 * kvm_lapic_pending_eoi() - is the EOI of a vector still to come?
 * @vcpu: the vCPU
 * @vector: the vector
 *
 * Pending counts: its interrupt will be taken and will end in an EOI. Nothing is
 * collected for it, as only the vCPU may: its I/O APIC asks for others, too.
 * Context: any, of any thread.
 */
bool kvm_lapic_pending_eoi(struct kvm_vcpu *vcpu, u8 vector)
{
	return kvm_x86_pi_test_vector(vcpu, vector) ||
	       lapic_test_vector(vcpu->lapic, APIC_IRR, vector) ||
	       lapic_test_vector(vcpu->lapic, APIC_ISR, vector);
}

/*
 * Bring the PPR register up to date with TPR and ISR. Return: it. Where
 * hardware delivers interrupts the register is the hardware's.
 */
u8 kvm_lapic_update_ppr(struct kvm_vcpu *vcpu)
{
	struct kvm_lapic *apic = vcpu->lapic;
	u8 ppr = lapic_ppr(lapic_reg(apic, APIC_TASKPRI), kvm_lapic_highest_isr(vcpu));

	if (!kvm_x86_apicv_active(vcpu))
		lapic_set_reg(apic, APIC_PROCPRI, ppr);
	return ppr;
}

/**
 * kvm_lapic_watch_tpr() - see the write of TPR that unmasks what waits, and no other
 * @vcpu: the vCPU, its own thread; hardware does not deliver
 * @irr: the highest vector that waits, or -1
 *
 * The vendor arranges that it exits, or takes that back. While the vector's class
 * is in service no write of TPR lets it through: the EOI that can comes here again.
 */
void kvm_lapic_watch_tpr(struct kvm_vcpu *vcpu, int irr)
{
	u8 tpr = lapic_reg(vcpu->lapic, APIC_TASKPRI);

	kvm_x86_update_cr8_intercept(vcpu, lapic_tpr_threshold(tpr, irr,
							       kvm_lapic_highest_isr(vcpu)));
}

/**
 * kvm_lapic_recheck() - something was made pending: is there a reason to look?
 * @vcpu: the vCPU, its own thread
 * @reason: what to blame an evaluation on
 *
 * A vector that is masked by what is in service needs nothing: the EOI will
 * find it. One that is masked by TPR needs the write of TPR to exit.
 */
void kvm_lapic_recheck(struct kvm_vcpu *vcpu, enum event_reason reason)
{
	int irr;

	if (kvm_x86_apicv_active(vcpu))
		return;
	irr = kvm_lapic_highest_irr(vcpu);
	kvm_lapic_watch_tpr(vcpu, irr);
	if (irr >= 0 && lapic_outranks(irr, kvm_lapic_update_ppr(vcpu)))
		kvm_make_event_request(vcpu, reason);
}

/*
 * PPR went down from @old, or stayed. Only a vector that was masked and is not
 * any more is a reason to look: what could be delivered before has been looked
 * at and waits for a window, or has a request pending.
 */
static void ppr_lowered(struct kvm_vcpu *vcpu, u8 old, enum event_reason reason)
{
	u8 ppr = kvm_lapic_update_ppr(vcpu);
	int irr = kvm_lapic_highest_irr(vcpu);

	kvm_lapic_watch_tpr(vcpu, irr);
	if (irr >= 0 && lapic_outranks(irr, ppr) && !lapic_outranks(irr, old))
		kvm_make_event_request(vcpu, reason);
}

/* The vector to inject next, if IF allows, or -1. Own thread. */
int kvm_lapic_deliverable(struct kvm_vcpu *vcpu)
{
	int irr;

	if (kvm_x86_apicv_active(vcpu) || !lapic_hw_enabled(vcpu))
		return -1;
	irr = kvm_lapic_highest_irr(vcpu);
	if (irr < 0 || !lapic_outranks(irr, kvm_lapic_update_ppr(vcpu)))
		return -1;
	return irr;
}

/**
 * kvm_lapic_ends_halt() - does an interrupt wait that ends HLT, whoever delivers it?
 * @vcpu: the vCPU, loaded, its own thread
 */
bool kvm_lapic_ends_halt(struct kvm_vcpu *vcpu)
{
	int irr = kvm_x86_sync_pir_to_irr(vcpu);

	return lapic_hw_enabled(vcpu) && irr >= 0 &&
	       lapic_outranks(irr, kvm_lapic_update_ppr(vcpu));
}

/**
 * kvm_lapic_take() - the processor accepts an interrupt
 * @vcpu: the vCPU, its own thread
 * @vector: what kvm_lapic_deliverable() returned
 *
 * No reason to look again: PPR rises.
 */
void kvm_lapic_take(struct kvm_vcpu *vcpu, u8 vector)
{
	struct kvm_lapic *apic = vcpu->lapic;

	clear_irr(apic, vector);
	__set_bit(vector % 32, lapic_vector_word(apic->regs + APIC_ISR, vector));
	apic->nr_isr++;
	/* It outranked PPR, so it outranks all that is in service. */
	apic->highest_isr = vector;
	lapic_set_reg(apic, APIC_PROCPRI, lapic_ppr(lapic_reg(apic, APIC_TASKPRI), vector));
}

/**
 * kvm_lapic_eoi() - end of interrupt, by a write that exited
 * @vcpu: the vCPU, its own thread; irqs on or off
 *
 * An EOI with nothing in service is ignored.
 */
void kvm_lapic_eoi(struct kvm_vcpu *vcpu)
{
	struct kvm_lapic *apic = vcpu->lapic;
	int vector = kvm_lapic_highest_isr(vcpu);
	u8 old;

	trace_kvm_eoi(vcpu->vcpu_id, vector);
	if (vector < 0)
		return;
	old = lapic_ppr(lapic_reg(apic, APIC_TASKPRI), vector);
	__clear_bit(vector % 32, lapic_vector_word(apic->regs + APIC_ISR, vector));
	if (kvm_x86_apicv_active(vcpu)) {
		kvm_x86_hwapic_isr_update(vcpu, kvm_lapic_highest_isr(vcpu));
		kvm_ioapic_eoi(vcpu, vector, lapic_test_vector(apic, APIC_TMR, vector));
		return;
	}
	apic->highest_isr = --apic->nr_isr ? lapic_find_highest(apic->regs + APIC_ISR) : -1;
	/* A line that is still up is pending again before PPR is looked at. */
	kvm_ioapic_eoi(vcpu, vector, lapic_test_vector(apic, APIC_TMR, vector));
	ppr_lowered(vcpu, old, EVENT_PPR_EOI);
}

/**
 * kvm_lapic_eoi_induced() - hardware ended an interrupt whose EOI somebody waits for
 * @vcpu: the vCPU, its own thread
 * @vector: the vector, which has left ISR
 */
void kvm_lapic_eoi_induced(struct kvm_vcpu *vcpu, u8 vector)
{
	kvm_ioapic_eoi(vcpu, vector, lapic_test_vector(vcpu->lapic, APIC_TMR, vector));
}

u8 kvm_lapic_get_tpr(const struct kvm_vcpu *vcpu)
{
	return lapic_reg(vcpu->lapic, APIC_TASKPRI);
}

/* TPR is written and the write exited, or userspace wrote it. */
void kvm_lapic_set_tpr(struct kvm_vcpu *vcpu, u8 tpr)
{
	struct kvm_lapic *apic = vcpu->lapic;
	u8 old = lapic_ppr(lapic_reg(apic, APIC_TASKPRI), kvm_lapic_highest_isr(vcpu));

	lapic_set_reg(apic, APIC_TASKPRI, tpr);
	if (!kvm_x86_apicv_active(vcpu))
		ppr_lowered(vcpu, old, EVENT_PPR_TPR);
}

/* Other threads may write TMR words too, but the bit of a vector has one route. */
static void set_tmr(struct kvm_lapic *apic, u8 vector, bool level)
{
	if (likely(lapic_test_vector(apic, APIC_TMR, vector) == level))
		return;
	if (level)
		set_bit(vector % 32, lapic_vector_word(apic->regs + APIC_TMR, vector));
	else
		clear_bit(vector % 32, lapic_vector_word(apic->regs + APIC_TMR, vector));
}

static bool takes_vector(struct kvm_vcpu *vcpu, u8 vector)
{
	return vector >= LAPIC_FIRST_VECTOR && READ_ONCE(vcpu->lapic->sw_enabled) &&
	       lapic_hw_enabled(vcpu);
}

/**
 * kvm_lapic_deliver_in_software() - make a vector pending where hardware does not help
 * @vcpu: the vCPU
 * @vector: the vector
 *
 * Context: any, of any thread. Return: it was not pending yet.
 */
bool kvm_lapic_deliver_in_software(struct kvm_vcpu *vcpu, u8 vector)
{
	if (!set_irr(vcpu->lapic, vector))
		return false;
	kvm_make_event_request_remote(vcpu, EVENT_IRQ_LINE);
	kvm_vcpu_wake_kick(vcpu);
	return true;
}

/**
 * kvm_lapic_self_irq() - a fixed interrupt from a vCPU to itself
 * @vcpu: the vCPU, its own thread; irqs on or off
 * @vector: the vector
 *
 * The thread is here, not in the guest and not asleep: nobody to kick.
 */
int kvm_lapic_self_irq(struct kvm_vcpu *vcpu, u8 vector)
{
	struct kvm_lapic *apic = vcpu->lapic;

	if (!takes_vector(vcpu, vector))
		return -1;
	set_tmr(apic, vector, false);
	if (kvm_x86_apicv_active(vcpu))
		return kvm_x86_deliver_interrupt(vcpu, vector);
	if (!set_irr(apic, vector))
		return 0;
	kvm_lapic_recheck(vcpu, EVENT_IRQ_LINE);
	return 1;
}

static void raise_init_sipi(struct kvm_vcpu *vcpu)
{
	kvm_make_request(KVM_REQ_INIT_SIPI, vcpu);
	kvm_vcpu_wake_kick(vcpu);
}

/**
 * kvm_lapic_accept_irq() - an interrupt message reaches an APIC
 * @vcpu: its vCPU
 * @delivery_mode: APIC_DM_*
 * @vector: vector
 * @level: asserted
 * @trig_level: level-triggered
 *
 * Context: any, of any thread.
 * Return: 1 accepted, 0 it is pending already, -1 the APIC refuses it.
 */
int kvm_lapic_accept_irq(struct kvm_vcpu *vcpu, u16 delivery_mode, u8 vector, bool level,
			 bool trig_level)
{
	struct kvm_lapic *apic = vcpu->lapic;

	switch (delivery_mode) {
	case APIC_DM_FIXED:
	case APIC_DM_LOWEST:
		if (!takes_vector(vcpu, vector))
			return -1;
		/* Before IRR: the vector may be taken and its EOI read TMR at once. */
		set_tmr(apic, vector, trig_level);
		trace_kvm_apic_accept_irq(vcpu->vcpu_id, delivery_mode, trig_level, vector);
		return kvm_x86_deliver_interrupt(vcpu, vector);
	case APIC_DM_NMI:
		kvm_inject_nmi(vcpu);
		return 1;
	case APIC_DM_INIT:
		/* The de-assertion of old is for nobody. */
		if (trig_level && !level)
			return -1;
		/* A startup message that has not been looked at is for the life before. */
		xchg(&apic->pending_events, BIT(LAPIC_EVENT_INIT));
		raise_init_sipi(vcpu);
		return 1;
	case APIC_DM_STARTUP:
		WRITE_ONCE(apic->sipi_vector, vector);
		/* The locked operation publishes the vector before the event. */
		set_bit(LAPIC_EVENT_SIPI, &apic->pending_events);
		raise_init_sipi(vcpu);
		return 1;
	}
	/* SMI: there is no SMM. Remote read is long gone. ExtINT is the PIC's line. */
	return -1;
}

/* An interrupt source of the APIC itself fires: the entry @lvt says what happens. */
int kvm_lapic_local_deliver(struct kvm_vcpu *vcpu, unsigned int lvt)
{
	u32 entry = lapic_reg(vcpu->lapic, lvt);

	if (!lapic_hw_enabled(vcpu) || (entry & APIC_LVT_MASKED))
		return -1;
	/* LVTT and LVTERR have no mode: those bits are never set there. */
	return kvm_lapic_accept_irq(vcpu, entry & APIC_MODE_MASK, entry & APIC_VECTOR_MASK, true,
				    entry & APIC_LVT_LEVEL_TRIGGER);
}

/* Is the PIC's output wired to this vCPU? With the APIC off the pin is INTR itself. */
bool kvm_lapic_accepts_pic_intr(struct kvm_vcpu *vcpu)
{
	u32 lvt0 = lapic_reg(vcpu->lapic, APIC_LVT0);

	return !lapic_hw_enabled(vcpu) ||
	       (lvt0 & (APIC_LVT_MASKED | APIC_MODE_MASK)) == APIC_DM_EXTINT;
}

/* A tick of the PIT's channel 0, which a watchdog may have routed to LINT0 as NMI. */
void kvm_lapic_nmi_wd_deliver(struct kvm_vcpu *vcpu)
{
	if ((lapic_reg(vcpu->lapic, APIC_LVT0) & APIC_MODE_MASK) == APIC_DM_NMI)
		kvm_lapic_local_deliver(vcpu, APIC_LVT0);
}

/* The version register; CPUID and the place of the I/O APIC have a say. */
void kvm_lapic_set_version(struct kvm_vcpu *vcpu)
{
	u32 version = LAPIC_VERSION | (LAPIC_NR_LVT - 1) << 16;

	/* An EOI that is kept from the I/O APIC needs one with an EOI register of its own. */
	if (guest_cap(vcpu, GUEST_CAP_X2APIC) && !ioapic_in_kernel(vcpu->kvm))
		version |= APIC_LVR_DIRECTED_EOI;
	lapic_set_reg(vcpu->lapic, APIC_LVR, version);
}

/* The id is the vCPU's again whenever the APIC is switched on or changes its mode. */
static void set_initial_id(struct kvm_vcpu *vcpu)
{
	struct kvm_lapic *apic = vcpu->lapic;

	if (lapic_x2apic_mode(vcpu)) {
		lapic_set_reg(apic, APIC_ID, vcpu->vcpu_id);
		lapic_set_reg(apic, APIC_LDR, lapic_x2apic_ldr(vcpu->vcpu_id));
	} else {
		lapic_set_reg(apic, APIC_ID, vcpu->vcpu_id << 24);
	}
}

static void clear_vectors(struct kvm_lapic *apic)
{
	unsigned int i;

	for (i = 0; i < LAPIC_NR_VECTORS / 32; i++) {
		lapic_set_reg(apic, APIC_ISR + i * 0x10, 0);
		lapic_set_reg(apic, APIC_TMR + i * 0x10, 0);
		lapic_set_reg(apic, APIC_IRR + i * 0x10, 0);
	}
	/* As in recount(): a sender sets its bit first and this afterwards. */
	WRITE_ONCE(apic->irr_pending, true);
	apic->highest_isr = -1;
	apic->nr_isr = 0;
}

/**
 * kvm_lapic_reset() - power-on or INIT state
 * @vcpu: the vCPU, loaded
 * @init_event: INIT, which keeps the id and the mode
 *
 * Firmware finds the PIC wired through LINT0 of the boot processor, although
 * the architecture would have it masked.
 */
void kvm_lapic_reset(struct kvm_vcpu *vcpu, bool init_event)
{
	struct kvm_lapic *apic = vcpu->lapic;
	unsigned int lvt;

	kvm_lapic_timer_cancel(vcpu);
	if (!init_event)
		set_initial_id(vcpu);
	kvm_lapic_set_version(vcpu);
	for (lvt = APIC_LVTT; lvt <= APIC_LVTERR; lvt += 0x10)
		lapic_set_reg(apic, lvt, APIC_LVT_MASKED);
	kvm_lapic_timer_set_mode(vcpu, APIC_LVT_TIMER_ONESHOT);
	if (kvm_vcpu_is_bsp(vcpu))
		lapic_set_reg(apic, APIC_LVT0, APIC_DM_EXTINT);

	lapic_set_reg(apic, APIC_DFR, APIC_DFR_FLAT);
	lapic_set_reg(apic, APIC_SPIV, 0xff);
	apic->sw_enabled = false;
	lapic_set_reg(apic, APIC_TASKPRI, 0);
	lapic_set_reg(apic, APIC_PROCPRI, 0);
	if (!lapic_x2apic_mode(vcpu))
		lapic_set_reg(apic, APIC_LDR, 0);
	lapic_set_reg(apic, APIC_ESR, 0);
	lapic_set_reg(apic, APIC_ICR, 0);
	lapic_set_reg(apic, lapic_x2apic_mode(vcpu) ? APIC_ICR + 4 : APIC_ICR2, 0);
	lapic_set_reg(apic, APIC_TDCR, 0);
	lapic_set_reg(apic, APIC_TMICT, 0);
	clear_vectors(apic);
	kvm_lapic_watch_tpr(vcpu, -1);
	apic->eoi_for_user = -1;
	kvm_ioapic_lapic_replaced(vcpu);
	kvm_x86_set_virtual_apic_mode(vcpu);
	kvm_recalculate_apic_map(vcpu->kvm);
}

/**
 * kvm_lapic_base_changed() - IA32_APIC_BASE has a new, legal value
 * @vcpu: the vCPU, loaded
 * @old: the one before
 */
void kvm_lapic_base_changed(struct kvm_vcpu *vcpu, u64 old)
{
	u64 changed = vcpu->apic_base ^ old;

	if (changed & (MSR_IA32_APICBASE_ENABLE | X2APIC_ENABLE)) {
		if (lapic_hw_enabled(vcpu))
			set_initial_id(vcpu);
		else
			kvm_lapic_timer_cancel(vcpu);
		kvm_recalculate_apic_map(vcpu->kvm);
		kvm_extint_look(vcpu);
	}
	if (lapic_base_gpa(vcpu) != APIC_DEFAULT_PHYS_BASE)
		kvm_set_apicv_inhibit(vcpu->kvm, APICV_INHIBIT_REASON_APIC_BASE_MODIFIED);
	if (changed)
		kvm_x86_set_virtual_apic_mode(vcpu);
}

/* The registers were changed by another: bring up to date what is derived from them. */
static void recount(struct kvm_lapic *apic)
{
	unsigned int word;

	apic->nr_isr = 0;
	for (word = 0; word < LAPIC_NR_VECTORS / 32; word++)
		apic->nr_isr += hweight32(lapic_reg(apic, APIC_ISR + word * 0x10));
	apic->highest_isr = lapic_find_highest(apic->regs + APIC_ISR);
	/* A sender may have set a bit in between; in vain is allowed. */
	WRITE_ONCE(apic->irr_pending, true);
}

/**
 * kvm_lapic_state_replaced() - userspace has written the registers
 * @vcpu: the vCPU, loaded
 *
 * Bring up to date what is derived from them.
 */
void kvm_lapic_state_replaced(struct kvm_vcpu *vcpu)
{
	struct kvm_lapic *apic = vcpu->lapic;

	WRITE_ONCE(apic->sw_enabled, lapic_reg(apic, APIC_SPIV) & APIC_SPIV_APIC_ENABLED);
	recount(apic);
	kvm_recalculate_apic_map(vcpu->kvm);
	kvm_lapic_update_ppr(vcpu);
	kvm_x86_hwapic_irr_update(vcpu, kvm_lapic_highest_irr(vcpu));
	kvm_x86_hwapic_isr_update(vcpu, kvm_lapic_highest_isr(vcpu));
	kvm_lapic_recheck(vcpu, EVENT_USERSPACE);
	kvm_extint_look(vcpu);
	kvm_ioapic_lapic_replaced(vcpu);
}

/**
 * kvm_lapic_delivery_changed() - hardware begins or ceases to deliver interrupts
 * @vcpu: the vCPU, loaded, its own thread
 *
 * What software keeps beside the registers was not kept up meanwhile. While
 * hardware delivers, it sets IRR bits that nobody tells of: irr_pending is true
 * from here on.
 */
void kvm_lapic_delivery_changed(struct kvm_vcpu *vcpu)
{
	recount(vcpu->lapic);
	kvm_lapic_recheck(vcpu, EVENT_IRQ_LINE);
}

int kvm_lapic_create(struct kvm_vcpu *vcpu)
{
	struct kvm_lapic *apic = kzalloc(sizeof(*apic), GFP_KERNEL_ACCOUNT);

	if (!apic)
		return -ENOMEM;
	apic->regs = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!apic->regs) {
		kfree(apic);
		return -ENOMEM;
	}
	apic->vcpu = vcpu;
	apic->highest_isr = -1;
	apic->eoi_for_user = -1;
	apic->highest_stale_pending_ioapic_eoi = -1;
	vcpu->lapic = apic;
	kvm_lapic_timer_init(vcpu);
	return 0;
}

/* Nobody sends to it any more. */
void kvm_lapic_destroy(struct kvm_vcpu *vcpu)
{
	struct kvm_lapic *apic = vcpu->lapic;

	if (!apic)
		return;
	hrtimer_cancel(&apic->timer.hrtimer);
	free_page((unsigned long)apic->regs);
	kfree(apic);
	vcpu->lapic = NULL;
}
