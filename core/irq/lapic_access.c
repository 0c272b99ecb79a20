// SPDX-License-Identifier: GPL-2.0-only
/*
 * How software reaches the registers of a local APIC: the page in memory
 * (xAPIC), MSRs (x2APIC), and what a write of each register sets off. What
 * interrupts do is lapic.c's.
 *
 * Source: Intel SDM volume 3, "Local APIC Register Address Map", "Extended
 * XAPIC (x2APIC)".
 */
#include <linux/mm.h>
#include <linux/string.h>

#include "core/cpuid.h"
#include "core/irq/inhibit.h"
#include "core/irq/inject.h"
#include "core/irq/ipi.h"
#include "core/irq/lapic.h"
#include "core/trace.h"
#include "core/vm.h"

/* Of the ICR in x2APIC mode: delivery status and what has no meaning. */
#define X2APIC_ICR_RESERVED	(BIT(12) | BIT(13) | GENMASK(17, 16) | GENMASK(31, 20))
#define ESR_RESERVED		(~0U)
#define TDCR_BITS		0xb
#define SPIV_BITS		(APIC_VECTOR_MASK | APIC_SPIV_APIC_ENABLED | \
				 APIC_SPIV_FOCUS_DISABLED)

static u32 x2apic_offset(u32 msr)
{
	return (msr - APIC_BASE_MSR) << 4;
}

/**
 * kvm_lapic_read_reg() - read a register
 * @vcpu: the vCPU, its own thread
 * @offset: its place in the page, a multiple of 16
 * @val: result
 *
 * Return: false: there is no such register, or it cannot be read.
 */
bool kvm_lapic_read_reg(struct kvm_vcpu *vcpu, unsigned int offset, u32 *val)
{
	struct kvm_lapic *apic = vcpu->lapic;

	switch (offset) {
	case APIC_ID:
	case APIC_LVR:
	case APIC_TASKPRI:
	case APIC_LDR:
	case APIC_SPIV:
	case APIC_ISR ... APIC_ISR + 0x70:
	case APIC_TMR ... APIC_TMR + 0x70:
	case APIC_IRR ... APIC_IRR + 0x70:
	case APIC_ESR:
	case APIC_ICR:
	case APIC_LVTT ... APIC_LVTERR:
	case APIC_TMICT:
	case APIC_TDCR:
		*val = lapic_reg(apic, offset);
		return true;
	case APIC_PROCPRI:
		*val = kvm_lapic_update_ppr(vcpu);
		return true;
	case APIC_TMCCT:
		*val = kvm_lapic_timer_remaining(vcpu);
		return true;
	case APIC_DFR:
	case APIC_ICR2:
		*val = lapic_reg(apic, offset);
		return !lapic_x2apic_mode(vcpu);
	case APIC_ARBPRI:
		*val = 0;
		return !lapic_x2apic_mode(vcpu);
	}
	return false;
}

/* A disabled APIC has all its sources masked, and keeps them so. */
static void write_spiv(struct kvm_vcpu *vcpu, u32 val)
{
	struct kvm_lapic *apic = vcpu->lapic;
	u32 known = SPIV_BITS;
	unsigned int lvt;

	if (lapic_reg(apic, APIC_LVR) & APIC_LVR_DIRECTED_EOI)
		known |= APIC_SPIV_DIRECTED_EOI;
	lapic_set_reg(apic, APIC_SPIV, val & known);
	WRITE_ONCE(apic->sw_enabled, val & APIC_SPIV_APIC_ENABLED);
	if (apic->sw_enabled)
		return;
	for (lvt = APIC_LVTT; lvt <= APIC_LVTERR; lvt += 0x10)
		lapic_set_reg(apic, lvt, lapic_reg(apic, lvt) | APIC_LVT_MASKED);
}

static void write_lvt(struct kvm_vcpu *vcpu, unsigned int offset, u32 val)
{
	struct kvm_lapic *apic = vcpu->lapic;

	val &= lapic_lvt_mask(offset);
	if (offset == APIC_LVTT && !guest_cap(vcpu, GUEST_CAP_TSC_DEADLINE))
		val &= ~APIC_LVT_TIMER_TSCDEADLINE;
	if (!apic->sw_enabled)
		val |= APIC_LVT_MASKED;
	if (offset == APIC_LVTT)
		kvm_lapic_timer_set_mode(vcpu, val & (APIC_LVT_TIMER_PERIODIC |
						      APIC_LVT_TIMER_TSCDEADLINE));
	lapic_set_reg(apic, offset, val);
	/* The PIC's line may be up already when it is let through. */
	if (offset == APIC_LVT0)
		kvm_irq_look(vcpu);
}

static void write_divisor(struct kvm_vcpu *vcpu, u32 val)
{
	u32 remaining = kvm_lapic_timer_remaining(vcpu);

	lapic_set_reg(vcpu->lapic, APIC_TDCR, val & TDCR_BITS);
	kvm_lapic_timer_divisor_changed(vcpu, remaining);
}

static void write_address(struct kvm_vcpu *vcpu, unsigned int offset, u32 val)
{
	if (lapic_reg(vcpu->lapic, offset) == val)
		return;
	lapic_set_reg(vcpu->lapic, offset, val);
	kvm_recalculate_apic_map(vcpu->kvm);
}

/**
 * kvm_lapic_send_ipi() - the ICR has been written
 * @vcpu: the vCPU, its own thread; irqs on or off
 * @low: its lower half
 * @dest: the destination
 */
void kvm_lapic_send_ipi(struct kvm_vcpu *vcpu, u32 low, u32 dest)
{
	const struct kvm_lapic_irq irq = {
		.dest_id = dest,
		.delivery_mode = low & APIC_DM_FIXED_MASK,
		.vector = low & APIC_VECTOR_MASK,
		.shorthand = low >> 18 & 3,
		.logical = low & APIC_DEST_LOGICAL,
		.level = low & APIC_INT_ASSERT,
		/* IPIs are edges; the trigger mode tells an INIT from its de-assertion. */
		.trig_level = (low & APIC_INT_LEVELTRIG) &&
			      (low & APIC_DM_FIXED_MASK) == APIC_DM_INIT,
	};

	trace_kvm_apic_ipi(low, dest);
	kvm_irq_deliver(vcpu->kvm, vcpu, &irq, NULL);
}

/* Registers that exist in the page only. */
static bool write_xapic_reg(struct kvm_vcpu *vcpu, unsigned int offset, u32 val)
{
	struct kvm_lapic *apic = vcpu->lapic;

	switch (offset) {
	case APIC_ID:
		if (val >> 24 != vcpu->vcpu_id)
			kvm_set_apicv_inhibit(vcpu->kvm, APICV_INHIBIT_REASON_APIC_ID_MODIFIED);
		write_address(vcpu, APIC_ID, val & APIC_LDR_MASK);
		return true;
	case APIC_LDR:
		write_address(vcpu, APIC_LDR, val & APIC_LDR_MASK);
		return true;
	case APIC_DFR:
		write_address(vcpu, APIC_DFR, val | APIC_DFR_CLUSTER);
		return true;
	case APIC_ICR:
		lapic_set_reg(apic, APIC_ICR, val & ~APIC_ICR_BUSY);
		kvm_lapic_send_ipi(vcpu, val, lapic_reg(apic, APIC_ICR2) >> 24);
		return true;
	case APIC_ICR2:
		lapic_set_reg(apic, APIC_ICR2, val & APIC_LDR_MASK);
		return true;
	}
	return false;
}

/**
 * kvm_lapic_write_reg() - write a register
 * @vcpu: the vCPU, its own thread
 * @offset: its place in the page, a multiple of 16
 * @val: value; reserved bits of LVT entries are dropped
 *
 * Context: may sleep. Return: false: no such register, or a value it refuses.
 */
bool kvm_lapic_write_reg(struct kvm_vcpu *vcpu, unsigned int offset, u32 val)
{
	bool x2apic = lapic_x2apic_mode(vcpu);
	struct kvm_lapic *apic = vcpu->lapic;

	trace_kvm_apic(KVM_TRACE_WRITE, offset, val);
	switch (offset) {
	case APIC_EOI:
		kvm_lapic_eoi(vcpu);
		return true;
	case APIC_TASKPRI:
		kvm_lapic_set_tpr(vcpu, val);
		return true;
	case APIC_SPIV:
		write_spiv(vcpu, val);
		return true;
	case APIC_LVTT:
	case APIC_LVTTHMR:
	case APIC_LVTPC:
	case APIC_LVT0:
	case APIC_LVT1:
	case APIC_LVTERR:
		write_lvt(vcpu, offset, val);
		return true;
	case APIC_TMICT:
		if (apic->timer.mode != APIC_LVT_TIMER_TSCDEADLINE) {
			lapic_set_reg(apic, APIC_TMICT, val);
			kvm_lapic_timer_start(vcpu, val);
		}
		return true;
	case APIC_TDCR:
		write_divisor(vcpu, val);
		return true;
	case APIC_ESR:
		/* No error is ever recorded. */
		return !x2apic || !(val & ESR_RESERVED);
	case APIC_SELF_IPI:
		if (!x2apic || (val & ~APIC_VECTOR_MASK))
			return false;
		kvm_lapic_self_irq(vcpu, val);
		return true;
	}
	return !x2apic && write_xapic_reg(vcpu, offset, val);
}

/* RDMSR of 800H to 8FFH. Return: false for #GP. */
bool kvm_lapic_x2apic_read(struct kvm_vcpu *vcpu, u32 msr, u64 *data)
{
	u32 val;

	if (!lapic_in_kernel(vcpu) || !lapic_x2apic_mode(vcpu))
		return false;
	if (!kvm_lapic_read_reg(vcpu, x2apic_offset(msr), &val))
		return false;
	*data = val;
	if (x2apic_offset(msr) == APIC_ICR)
		*data |= (u64)lapic_reg(vcpu->lapic, APIC_ICR + 4) << 32;
	trace_kvm_apic(KVM_TRACE_READ, x2apic_offset(msr), *data);
	return true;
}

/* One 64-bit register in x2APIC mode, kept as hardware keeps it. */
static bool write_x2apic_icr(struct kvm_vcpu *vcpu, u64 data)
{
	if (lower_32_bits(data) & X2APIC_ICR_RESERVED)
		return false;
	WRITE_ONCE(*(u64 *)(vcpu->lapic->regs + APIC_ICR), data);
	kvm_lapic_send_ipi(vcpu, lower_32_bits(data), upper_32_bits(data));
	return true;
}

/* WRMSR of 800H to 8FFH. Context: may sleep. Return: false for #GP. */
bool kvm_lapic_x2apic_write(struct kvm_vcpu *vcpu, u32 msr, u64 data)
{
	u32 offset = x2apic_offset(msr);

	if (!lapic_in_kernel(vcpu) || !lapic_x2apic_mode(vcpu))
		return false;
	if (offset == APIC_ICR)
		return write_x2apic_icr(vcpu, data);
	if (upper_32_bits(data) || (offset == APIC_EOI && data) ||
	    (offset == APIC_TASKPRI && data > 0xff))
		return false;
	return kvm_lapic_write_reg(vcpu, offset, data);
}

/* Must the end of what is in service be told to somebody? That cannot be done with irqs off. */
static bool eoi_is_private(struct kvm_vcpu *vcpu)
{
	int vector = kvm_lapic_highest_isr(vcpu);

	return vector < 0 || !test_bit(vector, vcpu->lapic->ioapic_handled_vectors);
}

/**
 * kvm_lapic_write_deadline_irqoff() - arm the timer in its deadline mode, for exit fastpaths
 * @vcpu: the vCPU, its own thread
 * @tsc: the guest's IA32_TSC_DEADLINE
 *
 * Context: irqs off, kvm->srcu not held; the filter has been asked.
 * Return: true: done; false: nothing was done, take the long way.
 */
bool kvm_lapic_write_deadline_irqoff(struct kvm_vcpu *vcpu, u64 tsc)
{
	if (!lapic_in_kernel(vcpu) || vcpu->lapic->timer.mode != APIC_LVT_TIMER_TSCDEADLINE)
		return false;
	kvm_lapic_timer_set_deadline(vcpu, tsc);
	return true;
}

/**
 * kvm_lapic_x2apic_write_irqoff() - the frequent registers by MSR, for exit fastpaths
 * @vcpu: the vCPU, its own thread
 * @msr: ECX, 800H to 8FFH
 * @data: EDX:EAX
 *
 * Context: irqs off, kvm->srcu not held.
 * Return: true: done; false: nothing was done, take the long way.
 */
bool kvm_lapic_x2apic_write_irqoff(struct kvm_vcpu *vcpu, u32 msr, u64 data)
{
	if (!lapic_in_kernel(vcpu) || !lapic_x2apic_mode(vcpu))
		return false;
	switch (msr) {
	case APIC_BASE_MSR + (APIC_EOI >> 4):
		if (data || !eoi_is_private(vcpu))
			return false;
		kvm_lapic_eoi(vcpu);
		return true;
	case APIC_BASE_MSR + (APIC_ICR >> 4):
		return write_x2apic_icr(vcpu, data);
	case APIC_BASE_MSR + (APIC_SELF_IPI >> 4):
		if (data & ~(u64)APIC_VECTOR_MASK)
			return false;
		kvm_lapic_self_irq(vcpu, data);
		return true;
	case APIC_BASE_MSR + (APIC_TASKPRI >> 4):
		if (data > 0xff)
			return false;
		kvm_lapic_set_tpr(vcpu, data);
		return true;
	}
	return false;
}

static bool in_page(struct kvm_vcpu *vcpu, gpa_t gpa)
{
	return lapic_in_kernel(vcpu) && gpa - lapic_base_gpa(vcpu) < PAGE_SIZE;
}

/*
 * While the APIC is off or is reached by MSRs, the page is there and empty: it
 * reads as ones, and stores are lost.
 */
static bool page_is_live(struct kvm_vcpu *vcpu)
{
	return lapic_hw_enabled(vcpu) && !lapic_x2apic_mode(vcpu);
}

/**
 * kvm_lapic_mmio_read() - a load from the guest's memory that found none
 * @vcpu: the vCPU
 * @gpa: address
 * @len: bytes, within a page
 * @data: result
 *
 * A load beyond the four bytes of a register finds zeroes.
 * Return: false if the address is not the APIC's.
 */
bool kvm_lapic_mmio_read(struct kvm_vcpu *vcpu, gpa_t gpa, u32 len, void *data)
{
	unsigned int offset = offset_in_page(gpa);
	u32 val;

	if (!in_page(vcpu, gpa))
		return false;
	if (!page_is_live(vcpu)) {
		memset(data, 0xff, len);
		return true;
	}
	memset(data, 0, len);
	if ((offset & 0xf) + len <= sizeof(val) &&
	    kvm_lapic_read_reg(vcpu, offset & ~0xfU, &val)) {
		memcpy(data, (u8 *)&val + (offset & 0xf), len);
		trace_kvm_apic(KVM_TRACE_READ, offset & ~0xfU, val);
	}
	return true;
}

bool kvm_lapic_owns_gpa(struct kvm_vcpu *vcpu, gpa_t gpa)
{
	return in_page(vcpu, gpa);
}

/**
 * kvm_lapic_mmio_write_irqoff() - the frequent stores to the page, for exit fastpaths
 * @vcpu: the vCPU, its own thread
 * @gpa: address, for which kvm_lapic_owns_gpa() holds
 * @len: bytes
 * @val: datum
 *
 * Context: irqs off.
 * Return: true: done; false: nothing was done, take the long way.
 */
bool kvm_lapic_mmio_write_irqoff(struct kvm_vcpu *vcpu, gpa_t gpa, u32 len, u32 val)
{
	unsigned int offset = offset_in_page(gpa);

	if (len != sizeof(val) || !page_is_live(vcpu))
		return false;
	switch (offset) {
	case APIC_EOI:
		if (!eoi_is_private(vcpu))
			return false;
		break;
	case APIC_TASKPRI:
	case APIC_ICR:
	case APIC_ICR2:
		break;
	default:
		return false;
	}
	return kvm_lapic_write_reg(vcpu, offset, val);
}

/* The counterpart: only whole registers can be written. */
bool kvm_lapic_mmio_write(struct kvm_vcpu *vcpu, gpa_t gpa, u32 len, const void *data)
{
	unsigned int offset = offset_in_page(gpa);
	u32 val;

	if (!in_page(vcpu, gpa))
		return false;
	if (len != sizeof(val) || (offset & 0xf) || !page_is_live(vcpu))
		return true;
	memcpy(&val, data, sizeof(val));
	kvm_lapic_write_reg(vcpu, offset, val);
	return true;
}
