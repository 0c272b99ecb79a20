/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The 8254 interval timer of a PC: channel 0 raises GSI 0, channel 2 drives
 * the speaker, whose gate and output are at port 0x61.
 */
#ifndef MONOVISOR_CORE_IRQ_PIT_H
#define MONOVISOR_CORE_IRQ_PIT_H

#include <linux/hrtimer.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>

#include "core/types.h"
#include "core/vm.h"

#define PIT_FREQ		1193182
#define PIT_NR_CHANNELS		3
#define PIT_GSI			0
#define PIT_MAX_COUNT		0x10000

#define PIT_PORT		0x40
#define PIT_NR_PORTS		4
#define PIT_SPEAKER_PORT	0x61
#define PIT_NR_SPEAKER_PORTS	4

/* Mode of a channel that nobody has programmed. */
#define PIT_MODE_UNSET		0xff

/*
 * Pure functions of a channel. Source: Intel 8254 data sheet, "Mode
 * Definitions". Counting in BCD is not done: no PC software is known to.
 */
/* The counter, @ticks of PIT_FREQ after it was loaded with @count (1..PIT_MAX_COUNT). */
u16 pit_counter(u8 mode, u32 count, u64 ticks);
/* The output pin at that time. */
bool pit_output(u8 mode, u32 count, u64 ticks);
u64 pit_ns_to_ticks(u64 ns);
u64 pit_count_to_ns(u32 count);
/* Next byte of the count register, and the state behind it; @counter: as of now. */
u8 pit_read_byte(struct kvm_pit_channel_state *channel, u16 counter);

struct kvm_pit {
	struct kvm *kvm;		/* constant */
	struct mutex lock;		/* channel, flags, and starting the timer */
	struct kvm_pit_channel_state channel[PIT_NR_CHANNELS];
	u32 flags;			/* KVM_PIT_FLAGS_* */
	bool has_speaker;		/* constant */

	struct hrtimer timer;		/* of channel 0; does not look at channel[] */
	s64 period;			/* ns; 0: the timer was never started */
	bool periodic;

	/* Ticks the guest has not had a chance to see are given to it later. */
	bool reinject;			/* READ_ONCE() outside of the lock */
	atomic_t pending;		/* ticks that wait for the one before to be acknowledged */
	atomic_t acked;			/* the last tick was */
	struct work_struct tick;	/* raises the GSI; a timer's function may not */
};

/* The PIT may be made at any time of a VM's life. kvm->irq_srcu. Return: NULL before. */
static inline struct kvm_pit *kvm_pit_of(struct kvm *kvm)
{
	/* Pairs with the release in kvm_pit_create(). */
	return smp_load_acquire(&kvm->pit);
}

int kvm_pit_create(struct kvm *kvm, const struct kvm_pit_config *config);
/* Nobody finds it by a bus. May sleep. */
void kvm_pit_destroy(struct kvm *kvm);

/* The guest ended the service of GSI 0, or opened its pin. Any context but NMI. */
void kvm_pit_irq_acked(struct kvm_pit *pit);
void kvm_pit_irq_unmasked(struct kvm_pit *pit);

bool kvm_pit_write(struct kvm *kvm, unsigned int reg, u32 len, const void *data);
bool kvm_pit_read(struct kvm *kvm, unsigned int reg, u32 len, void *data);
bool kvm_speaker_write(struct kvm *kvm, u32 len, const void *data);
bool kvm_speaker_read(struct kvm *kvm, u32 len, void *data);

void kvm_pit_get_state(struct kvm_pit *pit, struct kvm_pit_state2 *state);
/* Return: 0, or -EINVAL with nothing changed. */
int kvm_pit_set_state(struct kvm_pit *pit, const struct kvm_pit_state2 *state);
void kvm_pit_set_reinject(struct kvm_pit *pit, bool reinject);

#endif /* MONOVISOR_CORE_IRQ_PIT_H */
