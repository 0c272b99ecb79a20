// SPDX-License-Identifier: GPL-2.0-only
/*
 * The 8254. First a channel as pure functions of time, then channel 0's timer
 * with the reinjection of ticks the guest missed, then the ports. What GSI 0
 * is wired to is routing.c's.
 */
#include <linux/bitops.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/slab.h>
#include <linux/srcu.h>

#include "core/irq/irqchip.h"
#include "core/irq/lapic.h"
#include "core/irq/pit.h"
#include "core/irq/routing.h"
#include "core/vcpu.h"

/* Modes as the data sheet numbers them. */
enum pit_mode {
	PIT_TERMINAL_COUNT,
	PIT_ONE_SHOT,
	PIT_RATE,
	PIT_SQUARE,
	PIT_SOFT_STROBE,
	PIT_HARD_STROBE,
};

/* Which byte of a count comes next. */
enum pit_byte {
	PIT_LATCH,		/* as a command only */
	PIT_LOW,
	PIT_HIGH,
	PIT_WORD_LOW,
	PIT_WORD_HIGH,
};

/* The control word, port 3. */
#define CONTROL_CHANNEL(v)	((v) >> 6)
#define CONTROL_READ_BACK	3
#define CONTROL_ACCESS(v)	((v) >> 4 & 3)
#define CONTROL_MODE(v)		((v) >> 1 & 7)
#define CONTROL_BCD		0x01
#define READ_BACK_NO_COUNT	0x20
#define READ_BACK_NO_STATUS	0x10
#define READ_BACK_CHANNEL(n)	(2 << (n))

#define SPEAKER_GATE		0x01
#define SPEAKER_DATA		0x02
#define SPEAKER_REFRESH		0x10
#define SPEAKER_OUT		0x20
/* The refresh bit toggles about every 15 us: a bit of the time in ns does. */
#define REFRESH_SHIFT		14

/*
 * A guest may not make the host take timer interrupts faster than this: they
 * are not charged to anybody.
 */
#define MIN_PERIOD_NS		(200 * NSEC_PER_USEC)

u64 pit_ns_to_ticks(u64 ns)
{
	return mul_u64_u32_div(ns, PIT_FREQ, NSEC_PER_SEC);
}

u64 pit_count_to_ns(u32 count)
{
	return mul_u64_u32_div(count, NSEC_PER_SEC, PIT_FREQ);
}

/*
 *	mode		counter
 *	0, 1, 4, 5	wraps at zero and goes on from 0xffff
 *	2		reloads
 *	3		reloads, and goes down by two: twice in a period
 */
u16 pit_counter(u8 mode, u32 count, u64 ticks)
{
	switch (mode) {
	case PIT_TERMINAL_COUNT:
	case PIT_ONE_SHOT:
	case PIT_SOFT_STROBE:
	case PIT_HARD_STROBE:
		return count - ticks;
	case PIT_SQUARE:
		return count - 2 * ticks % count;
	default:
		return count - ticks % count;
	}
}

bool pit_output(u8 mode, u32 count, u64 ticks)
{
	switch (mode) {
	case PIT_ONE_SHOT:
		return ticks < count;
	case PIT_RATE:
		return ticks && !(ticks % count);
	case PIT_SQUARE:
		return ticks % count < (count + 1) / 2;
	case PIT_SOFT_STROBE:
	case PIT_HARD_STROBE:
		return ticks == count;
	default:
		return ticks >= count;
	}
}

static u8 read_latched(struct kvm_pit_channel_state *channel)
{
	u8 next = 0, val = channel->latched_count;

	if (channel->count_latched == PIT_HIGH)
		val = channel->latched_count >> 8;
	else if (channel->count_latched == PIT_WORD_LOW)
		next = PIT_HIGH;
	channel->count_latched = next;
	return val;
}

u8 pit_read_byte(struct kvm_pit_channel_state *channel, u16 counter)
{
	if (channel->status_latched) {
		channel->status_latched = 0;
		return channel->status;
	}
	if (channel->count_latched)
		return read_latched(channel);
	switch (channel->read_state) {
	case PIT_HIGH:
		return counter >> 8;
	case PIT_WORD_LOW:
		channel->read_state = PIT_WORD_HIGH;
		return counter;
	case PIT_WORD_HIGH:
		channel->read_state = PIT_WORD_LOW;
		return counter >> 8;
	default:
		return counter;
	}
}

/*
 * Time since a channel was loaded. Channel 0 asks its timer, so that counter
 * and interrupts stay in phase however long it runs.
 */
static u64 elapsed_ticks(struct kvm_pit *pit, unsigned int nr)
{
	s64 ns;

	if (nr)
		ns = ktime_get_ns() - pit->channel[nr].count_load_time;
	else if (pit->period)
		ns = pit->period - ktime_to_ns(hrtimer_get_remaining(&pit->timer));
	else
		ns = 0;
	return pit_ns_to_ticks(max_t(s64, ns, 0));
}

static u16 counter_of(struct kvm_pit *pit, unsigned int nr)
{
	const struct kvm_pit_channel_state *channel = &pit->channel[nr];

	return pit_counter(channel->mode, channel->count, elapsed_ticks(pit, nr));
}

static bool output_of(struct kvm_pit *pit, unsigned int nr)
{
	const struct kvm_pit_channel_state *channel = &pit->channel[nr];

	return pit_output(channel->mode, channel->count, elapsed_ticks(pit, nr));
}

/*
 * Reinjection. The timer counts a tick as pending; the work gives one to the
 * guest only when the one before was acknowledged, which takes it off.
 *
 *	timer			work			acknowledge
 *	pending++		take acked		acked = 1
 *	run the work		raise, if it was 1	full barrier
 *							pending--, run the work if any are left
 *
 * The work is queued after what it looks at was written, and atomic operations
 * that return a value are full barriers: a tick that finds acked clear is
 * pending before the acknowledge looks.
 */
static void restart_reinjection(struct kvm_pit *pit)
{
	atomic_set(&pit->pending, 0);
	atomic_set(&pit->acked, 1);
}

void kvm_pit_irq_acked(struct kvm_pit *pit)
{
	if (!READ_ONCE(pit->reinject))
		return;
	atomic_set(&pit->acked, 1);
	/* See above: acked before pending. */
	smp_mb();
	if (atomic_dec_if_positive(&pit->pending) > 0)
		queue_work(system_highpri_wq, &pit->tick);
}

/* Ticks of the time the guest did not want any are not owed to it. */
void kvm_pit_irq_unmasked(struct kvm_pit *pit)
{
	if (READ_ONCE(pit->reinject))
		restart_reinjection(pit);
}

static void tick(struct work_struct *work)
{
	struct kvm_pit *pit = container_of(work, struct kvm_pit, tick);
	struct kvm *kvm = pit->kvm;
	struct kvm_vcpu *vcpu;
	unsigned long i;

	if (READ_ONCE(pit->reinject) && !atomic_xchg(&pit->acked, 0))
		return;
	kvm_set_irq(kvm, KVM_IRQ_SOURCE_PIT, PIT_GSI, true, false);
	kvm_set_irq(kvm, KVM_IRQ_SOURCE_PIT, PIT_GSI, false, false);
	/* The guest's NMI watchdog: LVT0 of any APIC may deliver the timer as NMI. */
	kvm_for_each_vcpu(i, vcpu, kvm)
		kvm_lapic_nmi_wd_deliver(vcpu);
}

static enum hrtimer_restart timer_expired(struct hrtimer *timer)
{
	struct kvm_pit *pit = container_of(timer, struct kvm_pit, timer);
	u64 ticks = 1;

	if (pit->periodic)
		ticks = hrtimer_forward(timer, ktime_get(), ns_to_ktime(pit->period));
	if (READ_ONCE(pit->reinject))
		atomic_add(min_t(u64, ticks, INT_MAX / 2 - atomic_read(&pit->pending)),
			   &pit->pending);
	queue_work(system_highpri_wq, &pit->tick);
	return pit->periodic ? HRTIMER_RESTART : HRTIMER_NORESTART;
}

static void stop_timer(struct kvm_pit *pit)
{
	hrtimer_cancel(&pit->timer);
	cancel_work_sync(&pit->tick);
}

static void start_timer(struct kvm_pit *pit, u32 count, bool periodic)
{
	pit->period = pit_count_to_ns(count);
	pit->periodic = periodic;
	if (periodic)
		pit->period = max_t(s64, pit->period, MIN_PERIOD_NS);
	restart_reinjection(pit);
	hrtimer_start(&pit->timer, ktime_add_ns(ktime_get(), pit->period), HRTIMER_MODE_ABS);
}

/* @count as a guest writes it: 0 is the largest. Lock held, or nobody knows of the PIT yet. */
static void load_count(struct kvm_pit *pit, unsigned int nr, u32 count)
{
	struct kvm_pit_channel_state *channel = &pit->channel[nr];

	channel->count = count ?: PIT_MAX_COUNT;
	channel->count_load_time = ktime_get_ns();
	if (nr)
		return;

	stop_timer(pit);
	/* The HPET stands in for the timer of a guest that told it to. */
	if (pit->flags & KVM_PIT_FLAGS_HPET_LEGACY)
		return;
	switch (channel->mode) {
	case PIT_TERMINAL_COUNT:
	case PIT_ONE_SHOT:
	case PIT_SOFT_STROBE:
		start_timer(pit, channel->count, false);
		break;
	case PIT_RATE:
	case PIT_SQUARE:
		start_timer(pit, channel->count, true);
		break;
	}
}

/* A rising gate restarts the modes that it triggers. */
static void set_gate(struct kvm_pit_channel_state *channel, bool gate)
{
	switch (channel->mode) {
	case PIT_ONE_SHOT:
	case PIT_RATE:
	case PIT_SQUARE:
	case PIT_HARD_STROBE:
		if (gate && !channel->gate)
			channel->count_load_time = ktime_get_ns();
		break;
	}
	channel->gate = gate;
}

static void latch_count(struct kvm_pit *pit, unsigned int nr)
{
	struct kvm_pit_channel_state *channel = &pit->channel[nr];

	if (channel->count_latched)
		return;
	channel->latched_count = counter_of(pit, nr);
	channel->count_latched = channel->rw_mode;
}

static void latch_status(struct kvm_pit *pit, unsigned int nr)
{
	struct kvm_pit_channel_state *channel = &pit->channel[nr];

	if (channel->status_latched)
		return;
	channel->status = output_of(pit, nr) << 7 | channel->rw_mode << 4 | channel->mode << 1 |
			  channel->bcd;
	channel->status_latched = 1;
}

static void read_back(struct kvm_pit *pit, u8 val)
{
	unsigned int nr;

	for (nr = 0; nr < PIT_NR_CHANNELS; nr++) {
		if (!(val & READ_BACK_CHANNEL(nr)))
			continue;
		if (!(val & READ_BACK_NO_COUNT))
			latch_count(pit, nr);
		if (!(val & READ_BACK_NO_STATUS))
			latch_status(pit, nr);
	}
}

static void write_control(struct kvm_pit *pit, u8 val)
{
	unsigned int nr = CONTROL_CHANNEL(val);
	struct kvm_pit_channel_state *channel;
	u8 access = CONTROL_ACCESS(val);

	if (nr == CONTROL_READ_BACK) {
		read_back(pit, val);
		return;
	}
	if (access == PIT_LATCH) {
		latch_count(pit, nr);
		return;
	}
	channel = &pit->channel[nr];
	channel->rw_mode = access;
	channel->read_state = access;
	channel->write_state = access;
	channel->bcd = val & CONTROL_BCD;
	channel->mode = CONTROL_MODE(val);
	/* The upper bit of modes 2 and 3 is not looked at. */
	if (channel->mode > PIT_HARD_STROBE)
		channel->mode -= 4;
}

static void write_count(struct kvm_pit *pit, unsigned int nr, u8 val)
{
	struct kvm_pit_channel_state *channel = &pit->channel[nr];

	switch (channel->write_state) {
	case PIT_HIGH:
		load_count(pit, nr, val << 8);
		break;
	case PIT_WORD_LOW:
		channel->write_latch = val;
		channel->write_state = PIT_WORD_HIGH;
		break;
	case PIT_WORD_HIGH:
		channel->write_state = PIT_WORD_LOW;
		load_count(pit, nr, channel->write_latch | val << 8);
		break;
	default:
		load_count(pit, nr, val);
		break;
	}
}

/* Every port is a byte wide; of a wider datum the first byte counts. */
bool kvm_pit_write(struct kvm *kvm, unsigned int reg, u32 len, const void *data)
{
	struct kvm_pit *pit = kvm->pit;
	u8 val = *(const u8 *)data;

	mutex_lock(&pit->lock);
	if (reg < PIT_NR_CHANNELS)
		write_count(pit, reg, val);
	else
		write_control(pit, val);
	mutex_unlock(&pit->lock);
	return true;
}

bool kvm_pit_read(struct kvm *kvm, unsigned int reg, u32 len, void *data)
{
	struct kvm_pit *pit = kvm->pit;

	memset(data, 0, len);
	/* The control word cannot be read. */
	if (reg >= PIT_NR_CHANNELS)
		return true;
	mutex_lock(&pit->lock);
	*(u8 *)data = pit_read_byte(&pit->channel[reg], counter_of(pit, reg));
	mutex_unlock(&pit->lock);
	return true;
}

bool kvm_speaker_write(struct kvm *kvm, u32 len, const void *data)
{
	struct kvm_pit *pit = kvm->pit;
	u8 val = *(const u8 *)data;

	mutex_lock(&pit->lock);
	pit->flags &= ~KVM_PIT_FLAGS_SPEAKER_DATA_ON;
	if (val & SPEAKER_DATA)
		pit->flags |= KVM_PIT_FLAGS_SPEAKER_DATA_ON;
	set_gate(&pit->channel[2], val & SPEAKER_GATE);
	mutex_unlock(&pit->lock);
	return true;
}

bool kvm_speaker_read(struct kvm *kvm, u32 len, void *data)
{
	struct kvm_pit *pit = kvm->pit;
	u8 val = 0;

	if (ktime_get_ns() & BIT(REFRESH_SHIFT))
		val |= SPEAKER_REFRESH;
	mutex_lock(&pit->lock);
	if (pit->flags & KVM_PIT_FLAGS_SPEAKER_DATA_ON)
		val |= SPEAKER_DATA;
	if (pit->channel[2].gate)
		val |= SPEAKER_GATE;
	if (output_of(pit, 2))
		val |= SPEAKER_OUT;
	mutex_unlock(&pit->lock);
	memset(data, 0, len);
	*(u8 *)data = val;
	return true;
}

void kvm_pit_get_state(struct kvm_pit *pit, struct kvm_pit_state2 *state)
{
	memset(state, 0, sizeof(*state));
	mutex_lock(&pit->lock);
	memcpy(state->channels, pit->channel, sizeof(pit->channel));
	state->flags = pit->flags;
	mutex_unlock(&pit->lock);
}

int kvm_pit_set_state(struct kvm_pit *pit, const struct kvm_pit_state2 *state)
{
	unsigned int nr;

	/* Counts are divisors. */
	for (nr = 0; nr < PIT_NR_CHANNELS; nr++) {
		if (state->channels[nr].count > PIT_MAX_COUNT)
			return -EINVAL;
	}
	mutex_lock(&pit->lock);
	memcpy(pit->channel, state->channels, sizeof(pit->channel));
	pit->flags = state->flags;
	for (nr = 0; nr < PIT_NR_CHANNELS; nr++)
		load_count(pit, nr, pit->channel[nr].count);
	mutex_unlock(&pit->lock);
	return 0;
}

void kvm_pit_set_reinject(struct kvm_pit *pit, bool reinject)
{
	mutex_lock(&pit->lock);
	if (pit->reinject != reinject) {
		restart_reinjection(pit);
		WRITE_ONCE(pit->reinject, reinject);
	}
	mutex_unlock(&pit->lock);
	/* Whether the end of GSI 0's service matters has changed. */
	kvm_irq_notifiers_changed(pit->kvm);
}

static void reset(struct kvm_pit *pit)
{
	unsigned int nr;

	for (nr = 0; nr < PIT_NR_CHANNELS; nr++) {
		pit->channel[nr].mode = PIT_MODE_UNSET;
		pit->channel[nr].gate = nr != 2;
		load_count(pit, nr, 0);
	}
	restart_reinjection(pit);
}

/* kvm->lock is held. The ports are the caller's to register. */
int kvm_pit_create(struct kvm *kvm, const struct kvm_pit_config *config)
{
	struct kvm_pit *pit = kzalloc(sizeof(*pit), GFP_KERNEL_ACCOUNT);

	if (!pit)
		return -ENOMEM;
	pit->kvm = kvm;
	pit->has_speaker = config->flags & KVM_PIT_SPEAKER_DUMMY;
	pit->reinject = true;
	mutex_init(&pit->lock);
	INIT_WORK(&pit->tick, tick);
	hrtimer_init(&pit->timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
	pit->timer.function = timer_expired;
	reset(pit);
	/* Acknowledges and devices on the bus find it by this pointer. */
	smp_store_release(&kvm->pit, pit);
	return 0;
}

void kvm_pit_destroy(struct kvm *kvm)
{
	struct kvm_pit *pit = kvm->pit;

	if (!pit)
		return;
	WRITE_ONCE(kvm->pit, NULL);
	/* Whoever acknowledges GSI 0 just now may have found it. */
	synchronize_srcu_expedited(&kvm->irq_srcu);
	stop_timer(pit);
	kfree(pit);
}
