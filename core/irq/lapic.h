/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The local APIC of a vCPU: its registers, what is pending and in service, and
 * who may look at it. Accesses by the guest are lapic_access.c's, its timer is
 * lapic_timer.h's, destinations are ipi.h's.
 */
#ifndef MONOVISOR_CORE_IRQ_LAPIC_H
#define MONOVISOR_CORE_IRQ_LAPIC_H

#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <asm/apicdef.h>
#include <asm/msr-index.h>

#include "core/event.h"
#include "core/irq/lapic_timer.h"
#include "core/types.h"
#include "core/vcpu.h"

#define LAPIC_VERSION		0x14
#define LAPIC_NR_VECTORS	256
/* Vectors below are the CPU's own; the APIC refuses them. */
#define LAPIC_FIRST_VECTOR	16
#define LAPIC_NR_LVT		6
/* Destinations that name every APIC, in the 8-bit and in the 32-bit format. */
#define LAPIC_BROADCAST_8	0xffU
#define LAPIC_BROADCAST_32	0xffffffffU

/* Bits of kvm_lapic.pending_events. */
enum lapic_event {
	LAPIC_EVENT_INIT,
	LAPIC_EVENT_SIPI,
};

/*
 * Legend as in core/vcpu.h: [t] the vCPU's thread, [a] any thread by atomic
 * operations, [i] set at creation. Other threads read registers with
 * READ_ONCE() (destinations, LVT0) and change only IRR and TMR bits.
 */
struct kvm_lapic {
	struct kvm_vcpu *vcpu;		/* [i] whose it is */
	void *regs;			/* [i] page; the virtual-APIC page where hardware has one */
	bool sw_enabled;		/* [t] SPIV bit 8 */
	bool irr_pending;		/* [a] false: no bit of IRR is set; see clear_irr() */
	int highest_isr;		/* [t] -1: none; unused while hardware delivers */
	int nr_isr;			/* [t] bits set in ISR; likewise */
	unsigned long pending_events;	/* [a] BIT(enum lapic_event) */
	u8 sipi_vector;			/* [a] of the last SIPI */
	u32 arbitrations;		/* [a] won; lowest priority goes to who won least */
	int eoi_for_user;		/* [t] vector of an EOI userspace must hear of, or -1 */
	struct kvm_lapic_timer timer;

	/* [t] written by scan.c only: vectors whose EOI the I/O APIC waits for */
	DECLARE_BITMAP(ioapic_handled_vectors, LAPIC_NR_VECTORS);
	int highest_stale_pending_ioapic_eoi;	/* [t] -1: none */
};

static __always_inline bool lapic_in_kernel(const struct kvm_vcpu *vcpu)
{
	return vcpu->lapic;
}

static __always_inline u32 lapic_reg(const struct kvm_lapic *apic, unsigned int offset)
{
	return READ_ONCE(*(const u32 *)(apic->regs + offset));
}

static __always_inline void lapic_set_reg(struct kvm_lapic *apic, unsigned int offset, u32 val)
{
	WRITE_ONCE(*(u32 *)(apic->regs + offset), val);
}

/* IRR, ISR and TMR are eight words of 32 vectors, 16 bytes apart. */
static __always_inline unsigned long *lapic_vector_word(void *area, u8 vector)
{
	return area + (vector / 32) * 0x10;
}

static __always_inline bool lapic_test_vector(const struct kvm_lapic *apic, unsigned int area,
					      u8 vector)
{
	return lapic_reg(apic, area + (vector / 32) * 0x10) & BIT(vector % 32);
}

/* Posted interrupts are collected a word of IRR at a time; others may set bits in it. */
static __always_inline void kvm_lapic_or_irr(struct kvm_lapic *apic, unsigned int word, u32 bits)
{
	if (!bits)
		return;
	atomic_or(bits, apic->regs + APIC_IRR + word * 0x10);
	WRITE_ONCE(apic->irr_pending, true);
}

static __always_inline bool lapic_hw_enabled(const struct kvm_vcpu *vcpu)
{
	return READ_ONCE(vcpu->apic_base) & MSR_IA32_APICBASE_ENABLE;
}

static __always_inline bool lapic_x2apic_mode(const struct kvm_vcpu *vcpu)
{
	return READ_ONCE(vcpu->apic_base) & X2APIC_ENABLE;
}

static __always_inline gpa_t lapic_base_gpa(const struct kvm_vcpu *vcpu)
{
	return READ_ONCE(vcpu->apic_base) & GENMASK_ULL(51, 12);
}

static inline bool kvm_vcpu_is_bsp(const struct kvm_vcpu *vcpu)
{
	return vcpu->apic_base & MSR_IA32_APICBASE_BSP;
}

/*
 * Pure rules, for the below and for tests.
 */
int lapic_find_highest(const void *area);	/* vector, or -1 */
u8 lapic_ppr(u8 tpr, int isr);			/* @isr: highest vector in service, or -1 */
/* Is @vector of a higher priority class than @ppr? */
static inline bool lapic_outranks(u8 vector, u8 ppr)
{
	return (vector & 0xf0) > (ppr & 0xf0);
}

/*
 * The class that TPR has to be lowered below to let the highest vector @irr that
 * waits through (-1: none does); 0: it is not TPR that holds it back.
 */
u8 lapic_tpr_threshold(u8 tpr, int irr, int isr);
u32 lapic_x2apic_ldr(u32 id);
u32 lapic_lvt_mask(unsigned int offset);	/* bits software may set; 0: no LVT entry */

int kvm_lapic_create(struct kvm_vcpu *vcpu);
void kvm_lapic_destroy(struct kvm_vcpu *vcpu);
void kvm_lapic_reset(struct kvm_vcpu *vcpu, bool init_event);
void kvm_lapic_base_changed(struct kvm_vcpu *vcpu, u64 old);
void kvm_lapic_set_version(struct kvm_vcpu *vcpu);
void kvm_lapic_state_replaced(struct kvm_vcpu *vcpu);
void kvm_lapic_delivery_changed(struct kvm_vcpu *vcpu);
bool kvm_lapic_ends_halt(struct kvm_vcpu *vcpu);

/* Any thread. 1: accepted; 0: it is pending already; -1: the APIC refuses it. */
int kvm_lapic_accept_irq(struct kvm_vcpu *vcpu, u16 delivery_mode, u8 vector, bool level,
			 bool trig_level);
int kvm_lapic_local_deliver(struct kvm_vcpu *vcpu, unsigned int lvt);
int kvm_lapic_self_irq(struct kvm_vcpu *vcpu, u8 vector);
bool kvm_lapic_deliver_in_software(struct kvm_vcpu *vcpu, u8 vector);
bool kvm_lapic_accepts_pic_intr(struct kvm_vcpu *vcpu);
void kvm_lapic_nmi_wd_deliver(struct kvm_vcpu *vcpu);

int kvm_lapic_highest_irr(struct kvm_vcpu *vcpu);
int kvm_lapic_highest_isr(struct kvm_vcpu *vcpu);
bool kvm_lapic_pending_eoi(struct kvm_vcpu *vcpu, u8 vector);
u8 kvm_lapic_update_ppr(struct kvm_vcpu *vcpu);
void kvm_lapic_watch_tpr(struct kvm_vcpu *vcpu, int irr);
void kvm_lapic_recheck(struct kvm_vcpu *vcpu, enum event_reason reason);
int kvm_lapic_deliverable(struct kvm_vcpu *vcpu);
void kvm_lapic_take(struct kvm_vcpu *vcpu, u8 vector);
void kvm_lapic_eoi(struct kvm_vcpu *vcpu);
void kvm_lapic_eoi_induced(struct kvm_vcpu *vcpu, u8 vector);

u8 kvm_lapic_get_tpr(const struct kvm_vcpu *vcpu);
void kvm_lapic_set_tpr(struct kvm_vcpu *vcpu, u8 tpr);
/* The guest changed the upper half of TPR by CR8 without an exit. */
static __always_inline void kvm_lapic_cr8_from_hardware(struct kvm_vcpu *vcpu, u8 cr8)
{
	struct kvm_lapic *apic = vcpu->lapic;

	if (unlikely(lapic_reg(apic, APIC_TASKPRI) >> 4 != cr8))
		lapic_set_reg(apic, APIC_TASKPRI, cr8 << 4);
}

/* Registers (lapic_access.c). false: #GP for an MSR, nothing for a store. */
bool kvm_lapic_write_reg(struct kvm_vcpu *vcpu, unsigned int offset, u32 val);
bool kvm_lapic_read_reg(struct kvm_vcpu *vcpu, unsigned int offset, u32 *val);
void kvm_lapic_send_ipi(struct kvm_vcpu *vcpu, u32 low, u32 high);
bool kvm_lapic_x2apic_read(struct kvm_vcpu *vcpu, u32 msr, u64 *data);
bool kvm_lapic_x2apic_write(struct kvm_vcpu *vcpu, u32 msr, u64 data);
bool kvm_lapic_write_deadline_irqoff(struct kvm_vcpu *vcpu, u64 tsc);
bool kvm_lapic_x2apic_write_irqoff(struct kvm_vcpu *vcpu, u32 msr, u64 data);
bool kvm_lapic_mmio_read(struct kvm_vcpu *vcpu, gpa_t gpa, u32 len, void *data);
bool kvm_lapic_mmio_write(struct kvm_vcpu *vcpu, gpa_t gpa, u32 len, const void *data);
bool kvm_lapic_owns_gpa(struct kvm_vcpu *vcpu, gpa_t gpa);
bool kvm_lapic_mmio_write_irqoff(struct kvm_vcpu *vcpu, gpa_t gpa, u32 len, u32 val);

/* State for userspace (lapic_state.c). */
struct kvm_lapic_state;
int kvm_vcpu_ioctl_get_lapic(struct kvm_vcpu *vcpu, struct kvm_lapic_state *state);
int kvm_vcpu_ioctl_set_lapic(struct kvm_vcpu *vcpu, struct kvm_lapic_state *state);
struct kvm_vapic_addr;
int kvm_vcpu_ioctl_set_vapic_addr(struct kvm_vcpu *vcpu, const struct kvm_vapic_addr *va);

#endif /* MONOVISOR_CORE_IRQ_LAPIC_H */
