// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's TSC is (host TSC * ratio) + offset. Here are the offset and the
 * ratio, and the rules by which vCPUs that are set to the same time get the
 * same offset. The paravirtual clock on top is clock.c's.
 */
#include <linux/kvm.h>
#include <linux/math64.h>
#include <linux/preempt.h>
#include <linux/ktime.h>
#include <linux/uaccess.h>
#include <asm/tsc.h>

#include "core/irq/lapic.h"
#include "core/request.h"
#include "core/tsc.h"
#include "core/vm.h"
#include "ops/timer.h"

/*
 * Requested and real frequency may differ by this many parts in a million
 * before scaling is used: crystals and calibration are no better.
 */
#define TSC_TOLERANCE_PPM	250

bool kvm_has_tsc_control(void)
{
	return kvm_x86_tsc_scaling_frac_bits() != 0;
}

u64 kvm_tsc_scale(u64 tsc, u64 ratio, unsigned int frac_bits)
{
	return frac_bits ? mul_u64_u64_shr(tsc, ratio, frac_bits) : tsc;
}

u64 kvm_tsc_ratio(u32 guest_khz, u32 host_khz, unsigned int frac_bits)
{
	/* The quotient must fit in 64 bits: the product's upper half stays below the divisor. */
	if (!host_khz || !frac_bits || (u64)guest_khz >> (64 - frac_bits) >= host_khz)
		return 0;
	return mul_u64_u64_div_u64(guest_khz, 1ULL << frac_bits, host_khz);
}

bool kvm_tsc_write_synchronises(u64 data, u64 expected, u32 khz)
{
	s64 distance = data - expected;
	u64 second = khz * 1000ULL;

	return distance < (s64)second && distance > -(s64)second;
}

static u64 scaled(const struct kvm_vcpu *vcpu, u64 host_tsc)
{
	return kvm_tsc_scale(host_tsc, vcpu->tsc_scaling_ratio,
			     kvm_x86_tsc_scaling_frac_bits());
}

/* Written by kvm_tsc_host_resume() only. */
static u64 host_tsc_lost;

u64 kvm_tsc_host_lost(void)
{
	return READ_ONCE(host_tsc_lost);
}

/**
 * kvm_tsc_host_resume() - the host has slept, and its TSC may have begun anew
 * @before: the TSC when the host went to sleep
 * @now: the TSC now
 *
 * To a guest the TSC goes on from @before. Each offset follows when it is used
 * next, by the same amount for all vCPUs, however long they were away.
 * Context: no other CPU and no vCPU runs.
 */
void kvm_tsc_host_resume(u64 before, u64 now)
{
	if ((s64)(now - before) < 0)
		WRITE_ONCE(host_tsc_lost, host_tsc_lost + before - now);
}

/*
 * What an offset from the time of @then has to be at @lost. Not the difference
 * scaled: rounding could part vCPUs that follow in one step and in two.
 */
static u64 offset_since(const struct kvm_vcpu *vcpu, u64 offset, u64 then, u64 lost)
{
	return offset + scaled(vcpu, lost) - scaled(vcpu, then);
}

/**
 * kvm_read_l1_tsc() - what the guest's TSC reads
 * @vcpu: the vCPU
 * @host_tsc: the host's TSC at the moment in question
 *
 * Context: any.
 */
u64 kvm_read_l1_tsc(struct kvm_vcpu *vcpu, u64 host_tsc)
{
	return vcpu->tsc_offset + scaled(vcpu, host_tsc);
}

static u64 offset_for(struct kvm_vcpu *vcpu, u64 target, u64 host_tsc)
{
	return target - scaled(vcpu, host_tsc);
}

static void set_offset(struct kvm_vcpu *vcpu, u64 offset)
{
	if (vcpu->tsc_offset == offset)
		return;
	WRITE_ONCE(vcpu->tsc_offset, offset);
	kvm_x86_write_tsc_offset(vcpu);
	kvm_clock_tsc_changed(vcpu->kvm, vcpu);
	if (lapic_in_kernel(vcpu))
		kvm_lapic_timer_tsc_changed(vcpu);
}

/*
 * Modulo 2^64, as the TSC counts. Not by one division of 128 bits, which faults
 * where the result has more than 64: at 4 GHz that is after 150 years, but
 * userspace may have chosen any frequency.
 */
u64 kvm_tsc_cycles(u64 ns, u32 khz)
{
	return ns / NSEC_PER_MSEC * khz + ns % NSEC_PER_MSEC * khz / NSEC_PER_MSEC;
}

static u64 ns_to_cycles(struct kvm_vcpu *vcpu, u64 ns)
{
	return kvm_tsc_cycles(ns, vcpu->virtual_tsc_khz);
}

/*
 * Set the TSC to @data, or to the very offset of the last write when this one
 * is meant to give several vCPUs the same time:
 *
 *	@data is 0 and userspace writes		a vCPU is created or plugged in
 *	@data is within a second of what	vCPUs are set one after another
 *	  the last write has become by now	(firmware, migration)
 *
 * On hosts whose TSCs are not synchronised the offset is worth nothing on
 * another CPU; take the time that has passed into account instead.
 */
static void write_tsc_synchronised(struct kvm_vcpu *vcpu, u64 data)
{
	struct kvm *kvm = vcpu->kvm;
	u64 now, host_tsc, offset, elapsed, lost = kvm_tsc_host_lost();
	bool same_rate, sync = false;
	unsigned long flags;

	raw_spin_lock_irqsave(&kvm->tsc_write_lock, flags);
	host_tsc = rdtsc();
	now = ktime_get_boottime_ns();
	elapsed = now - kvm->last_tsc_nsec;
	offset = offset_for(vcpu, data, host_tsc);

	same_rate = kvm->last_tsc_valid && kvm->last_tsc_khz == vcpu->virtual_tsc_khz &&
		    kvm->last_tsc_ratio == vcpu->tsc_scaling_ratio;
	if (same_rate) {
		u64 expected = kvm->last_tsc_write + ns_to_cycles(vcpu, elapsed);

		sync = !data || kvm_tsc_write_synchronises(data, expected, vcpu->virtual_tsc_khz);
		if (sync)
			data = expected;
	}
	if (sync && !check_tsc_unstable())
		offset = offset_since(vcpu, kvm->last_tsc_offset, kvm->last_tsc_lost, lost);
	else if (sync)
		offset = offset_for(vcpu, data, host_tsc);

	kvm->last_tsc_nsec = now;
	kvm->last_tsc_write = data;
	kvm->last_tsc_offset = offset;
	kvm->last_tsc_lost = lost;
	kvm->last_tsc_ratio = vcpu->tsc_scaling_ratio;
	kvm->last_tsc_khz = vcpu->virtual_tsc_khz;
	kvm->last_tsc_valid = true;
	raw_spin_unlock_irqrestore(&kvm->tsc_write_lock, flags);

	set_offset(vcpu, offset);
}

/**
 * kvm_write_tsc() - write IA32_TSC
 * @vcpu: the vCPU, loaded
 * @data: the new value
 * @host_initiated: by ioctl: synchronise vCPUs, leave IA32_TSC_ADJUST alone
 *
 * A write by the guest moves IA32_TSC_ADJUST by as much as it moves the TSC
 * (Intel SDM volume 3, "Time-Stamp Counter Adjustment").
 */
void kvm_write_tsc(struct kvm_vcpu *vcpu, u64 data, bool host_initiated)
{
	u64 delta;

	if (host_initiated) {
		write_tsc_synchronised(vcpu, data);
		return;
	}
	delta = offset_for(vcpu, data, rdtsc()) - vcpu->tsc_offset;
	vcpu->ia32_tsc_adjust += delta;
	set_offset(vcpu, vcpu->tsc_offset + delta);
}

/**
 * kvm_adjust_tsc() - write IA32_TSC_ADJUST
 * @vcpu: the vCPU, loaded
 * @new_adjust: the new value
 * @host_initiated: by ioctl: the TSC is restored on its own, do not move it
 */
void kvm_adjust_tsc(struct kvm_vcpu *vcpu, u64 new_adjust, bool host_initiated)
{
	u64 delta = new_adjust - vcpu->ia32_tsc_adjust;

	vcpu->ia32_tsc_adjust = new_adjust;
	if (!host_initiated && delta)
		set_offset(vcpu, vcpu->tsc_offset + delta);
}

static bool khz_is_native(u32 khz)
{
	u64 slack = div_u64((u64)tsc_khz * TSC_TOLERANCE_PPM, 1000000);

	return khz >= tsc_khz - slack && khz <= tsc_khz + slack;
}

static u64 native_ratio(void)
{
	return 1ULL << kvm_x86_tsc_scaling_frac_bits();
}

bool kvm_tsc_khz_possible(u32 khz)
{
	u64 ratio;

	if (!khz)
		return false;
	if (khz_is_native(khz))
		return true;
	ratio = kvm_tsc_ratio(khz, tsc_khz, kvm_x86_tsc_scaling_frac_bits());
	return ratio && ratio <= kvm_x86_max_tsc_scaling_ratio();
}

/**
 * kvm_set_tsc_khz() - KVM_SET_TSC_KHZ of a vCPU
 * @vcpu: the vCPU, loaded or being created
 * @khz: frequency the guest's TSC shall have; 0: the host's
 *
 * Return: 0, or -EINVAL if this host cannot offer it (nothing changes).
 */
int kvm_set_tsc_khz(struct kvm_vcpu *vcpu, u32 khz)
{
	u64 ratio = native_ratio();

	if (!khz)
		khz = tsc_khz;
	if (!kvm_tsc_khz_possible(khz))
		return -EINVAL;
	if (!khz_is_native(khz))
		ratio = kvm_tsc_ratio(khz, tsc_khz, kvm_x86_tsc_scaling_frac_bits());

	vcpu->virtual_tsc_khz = khz;
	if (vcpu->tsc_scaling_ratio != ratio) {
		WRITE_ONCE(vcpu->tsc_scaling_ratio, ratio);
		kvm_x86_write_tsc_multiplier(vcpu);
	}
	kvm_clock_tsc_changed(vcpu->kvm, vcpu);
	return 0;
}

void kvm_tsc_vm_init(struct kvm *kvm)
{
	raw_spin_lock_init(&kvm->tsc_write_lock);
	kvm->default_tsc_khz = tsc_khz;
	kvm_clock_vm_init(kvm);
}

/**
 * kvm_tsc_vcpu_create() - give a new vCPU the VM's frequency and time
 * @vcpu: the vCPU; vendor state exists, it may or may not be loaded
 */
void kvm_tsc_vcpu_create(struct kvm_vcpu *vcpu)
{
	vcpu->tsc_scaling_ratio = native_ratio();
	vcpu->virtual_tsc_khz = tsc_khz;
	vcpu->host_tsc_lost = kvm_tsc_host_lost();
	/* A default that was possible for the VM is possible here. */
	if (kvm_set_tsc_khz(vcpu, vcpu->kvm->default_tsc_khz))
		kvm_set_tsc_khz(vcpu, 0);
	/* Differ from any real offset, so that the first write reaches hardware. */
	vcpu->tsc_offset = ~offset_for(vcpu, 0, rdtsc());
	write_tsc_synchronised(vcpu, 0);
	kvm_x86_write_tsc_multiplier(vcpu);
}

/* The host's TSC may have begun anew since the offset was last used. */
static void follow_host(struct kvm_vcpu *vcpu)
{
	u64 then = vcpu->host_tsc_lost, lost = kvm_tsc_host_lost();

	if (likely(then == lost))
		return;
	WRITE_ONCE(vcpu->host_tsc_lost, lost);
	if (vcpu->last_host_tsc)
		vcpu->last_host_tsc -= lost - then;
	/* A deadline that expired meanwhile was armed anew, by a TSC that was behind. */
	set_offset(vcpu, offset_since(vcpu, vcpu->tsc_offset, then, lost));
}

/**
 * kvm_tsc_offset_now() - the offset that a vCPU has or will have when it is loaded
 * @vcpu: the vCPU, perhaps another thread's: then a guess
 *
 * Context: any.
 */
u64 kvm_tsc_offset_now(const struct kvm_vcpu *vcpu)
{
	return offset_since(vcpu, READ_ONCE(vcpu->tsc_offset), READ_ONCE(vcpu->host_tsc_lost),
			    kvm_tsc_host_lost());
}

/* What the guest saw when the vCPU was put; the host's TSC may count less since. */
static u64 last_seen(struct kvm_vcpu *vcpu, u64 now)
{
	u64 since = now - vcpu->last_host_tsc;

	/* The distance is scaled, not the value: that may be one before zero. */
	return kvm_read_l1_tsc(vcpu, now) -
	       ((s64)since < 0 ? -scaled(vcpu, -since) : scaled(vcpu, since));
}

/**
 * kvm_tsc_vcpu_load() - the vCPU goes to a CPU
 * @vcpu: the vCPU
 * @cpu: the CPU; vcpu->cpu still names the one before
 *
 * A TSC that is behind that of the CPU the vCPU comes from must not show: go on
 * from where the guest left, plus the time that has passed where that is known.
 * Context: preemption off, vendor state loaded.
 */
void kvm_tsc_vcpu_load(struct kvm_vcpu *vcpu, int cpu)
{
	bool changed = vcpu->cpu != cpu;
	u64 now, seen;

	follow_host(vcpu);
	if (vcpu->last_host_tsc) {
		now = rdtsc();
		if ((s64)(now - vcpu->last_host_tsc) < 0 || (changed && check_tsc_unstable())) {
			seen = last_seen(vcpu, now);
			if (vcpu->last_put_ns)
				seen += ns_to_cycles(vcpu, ktime_get_boottime_ns() -
							   vcpu->last_put_ns);
			set_offset(vcpu, offset_for(vcpu, seen, now));
		}
	}
	kvm_clock_vcpu_load(vcpu, changed);
}

void kvm_tsc_vcpu_put(struct kvm_vcpu *vcpu)
{
	vcpu->last_host_tsc = rdtsc();
	vcpu->last_put_ns = check_tsc_unstable() ? ktime_get_boottime_ns() : 0;
}

int kvm_vcpu_tsc_has_attr(struct kvm_vcpu *vcpu, struct kvm_device_attr *attr)
{
	return attr->attr == KVM_VCPU_TSC_OFFSET ? 0 : -ENXIO;
}

int kvm_vcpu_tsc_get_attr(struct kvm_vcpu *vcpu, struct kvm_device_attr *attr)
{
	if (attr->attr != KVM_VCPU_TSC_OFFSET)
		return -ENXIO;
	return put_user(vcpu->tsc_offset, (u64 __user *)(unsigned long)attr->addr);
}

/**
 * kvm_vcpu_tsc_set_attr() - KVM_SET_DEVICE_ATTR, group KVM_VCPU_TSC_CTRL
 * @vcpu: the vCPU, loaded
 * @attr: private copy of what userspace asked for
 *
 * Return: 0, -ENXIO (unknown attribute), -EFAULT.
 */
int kvm_vcpu_tsc_set_attr(struct kvm_vcpu *vcpu, struct kvm_device_attr *attr)
{
	struct kvm *kvm = vcpu->kvm;
	unsigned long flags;
	u64 offset;

	if (attr->attr != KVM_VCPU_TSC_OFFSET)
		return -ENXIO;
	if (get_user(offset, (u64 __user *)(unsigned long)attr->addr))
		return -EFAULT;

	/* Let vCPUs that are written later find this one's time. */
	raw_spin_lock_irqsave(&kvm->tsc_write_lock, flags);
	kvm->last_tsc_nsec = ktime_get_boottime_ns();
	kvm->last_tsc_write = offset + scaled(vcpu, rdtsc());
	kvm->last_tsc_offset = offset;
	kvm->last_tsc_lost = vcpu->host_tsc_lost;
	kvm->last_tsc_ratio = vcpu->tsc_scaling_ratio;
	kvm->last_tsc_khz = vcpu->virtual_tsc_khz;
	kvm->last_tsc_valid = true;
	raw_spin_unlock_irqrestore(&kvm->tsc_write_lock, flags);

	set_offset(vcpu, offset);
	return 0;
}
