// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvmclock: the page from which a guest computes nanoseconds out of its TSC,
 * and KVM_GET_CLOCK / KVM_SET_CLOCK. What the TSC reads is tsc.c's business.
 *
 * The VM's clock is the host's boot clock plus an offset. Two ways to tell it:
 *
 *	master	The host's TSC is constant and synchronised and all vCPUs share
 *		one offset and ratio. One (TSC, time) pair, taken once, serves
 *		all of them; they compute the same time from the same TSC, and
 *		the page says so (PVCLOCK_TSC_STABLE_BIT).
 *	else	Every vCPU has a pair of its own, refreshed when it changes the
 *		CPU and once a second; the guest keeps time from going back.
 *
 * When the way changes the offset takes up the difference, so the clock is
 * continuous.
 */
#include <linux/jiffies.h>
#include <linux/kvm.h>
#include <linux/math64.h>
#include <linux/preempt.h>
#include <linux/ktime.h>
#include <asm/kvm_para.h>
#include <asm/pvclock.h>
#include <asm/tsc.h>

#include "core/clock.h"
#include "core/request.h"
#include "core/tsc.h"
#include "core/vm.h"
#include "ops/run.h"

#define KVM_CLOCK_VALID_FLAGS	(KVM_CLOCK_TSC_STABLE | KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC)

void kvm_clock_scale(u32 khz, u32 *mul, s8 *shift)
{
	u64 ns = NSEC_PER_SEC;
	u64 cycles = max(khz, 1U) * 1000ULL;
	s8 s = 0;

	/* Bring ns/cycles into [1/2, 1), so that mul has all of its 32 bits. */
	for (; cycles <= ns; s++)
		cycles <<= 1;
	for (; cycles > 2 * ns; s--)
		ns <<= 1;

	/* ns is the smaller: the quotient fits. */
	*mul = mul_u64_u64_div_u64(ns, 1ULL << 32, cycles);
	*shift = s;
}

static u64 host_tsc_to_ns(u64 cycles)
{
	u32 mul;
	s8 shift;

	kvm_clock_scale(tsc_khz, &mul, &shift);
	return pvclock_scale_delta(cycles, mul, shift);
}

static bool host_tsc_is_clock(void)
{
	return !check_tsc_unstable() && boot_cpu_has(X86_FEATURE_CONSTANT_TSC);
}

/* A suspend of the host restarts its TSC: the anchor says nothing any more. */
static bool tsc_restarted(const struct kvm_clock_vm *clock, u64 host_tsc)
{
	return clock->master_tsc_lost != kvm_tsc_host_lost() ||
	       (s64)(host_tsc - clock->master_host_tsc) < 0;
}

/* The host's boot clock as the VM sees it at @host_tsc; clock.lock held. */
static u64 base_ns(const struct kvm_clock_vm *clock, u64 host_tsc)
{
	if (clock->master && !tsc_restarted(clock, host_tsc))
		return clock->master_ns + host_tsc_to_ns(host_tsc - clock->master_host_tsc);
	return ktime_get_boottime_ns();
}

/* A TSC value and the VM's time at that moment; clock.lock held. */
static u64 sample(const struct kvm_clock_vm *clock, u64 *host_tsc)
{
	*host_tsc = rdtsc();
	return base_ns(clock, *host_tsc) + clock->offset;
}

static bool vcpus_agree(struct kvm *kvm, u64 *offset, u64 *ratio)
{
	struct kvm_vcpu *vcpu;
	int i;

	kvm_for_each_vcpu(i, vcpu, kvm) {
		if (!i) {
			*offset = kvm_tsc_offset_now(vcpu);
			*ratio = READ_ONCE(vcpu->tsc_scaling_ratio);
		} else if (*offset != kvm_tsc_offset_now(vcpu) ||
			   *ratio != READ_ONCE(vcpu->tsc_scaling_ratio)) {
			return false;
		}
	}
	return true;
}

static void request_update_all(struct kvm *kvm)
{
	struct kvm_vcpu *vcpu;
	int i;

	kvm_for_each_vcpu(i, vcpu, kvm) {
		kvm_make_request(KVM_REQ_CLOCK_UPDATE, vcpu);
		kvm_vcpu_kick(vcpu);
	}
}

/* Choose the way anew. Return: something changed that the pages must show. */
static bool choose_master(struct kvm *kvm)
{
	struct kvm_clock_vm *clock = &kvm->clock;
	u64 offset = 0, ratio = 0, now, host_tsc;
	bool master = host_tsc_is_clock() && vcpus_agree(kvm, &offset, &ratio);

	if (master == clock->master && !(master && tsc_restarted(clock, rdtsc()))) {
		bool moved = master && (clock->master_tsc_offset != offset ||
					clock->master_tsc_ratio != ratio);

		clock->master_tsc_offset = offset;
		clock->master_tsc_ratio = ratio;
		return moved;
	}

	now = sample(clock, &host_tsc);
	clock->master = master;
	clock->master_host_tsc = host_tsc;
	clock->master_tsc_lost = kvm_tsc_host_lost();
	clock->master_ns = ktime_get_boottime_ns();
	clock->master_tsc_offset = offset;
	clock->master_tsc_ratio = ratio;
	clock->offset = now - base_ns(clock, host_tsc);
	return true;
}

/**
 * kvm_clock_tsc_changed() - a vCPU's TSC offset or ratio changed
 * @kvm: the VM
 * @vcpu: the vCPU
 *
 * Context: any but hard interrupts.
 */
void kvm_clock_tsc_changed(struct kvm *kvm, struct kvm_vcpu *vcpu)
{
	unsigned long flags;
	bool changed;

	raw_spin_lock_irqsave(&kvm->clock.lock, flags);
	changed = choose_master(kvm);
	raw_spin_unlock_irqrestore(&kvm->clock.lock, flags);

	kvm_make_request(KVM_REQ_CLOCK_UPDATE, vcpu);
	if (changed)
		request_update_all(kvm);
}

void kvm_clock_vm_init(struct kvm *kvm)
{
	raw_spin_lock_init(&kvm->clock.lock);
	kvm->clock.offset = -ktime_get_boottime_ns();
}

/**
 * kvm_clock_vcpu_load() - is this vCPU's pair too old for where it runs now?
 * @vcpu: the vCPU
 * @cpu_changed: it was on another CPU before
 *
 * Context: preemption off.
 */
void kvm_clock_vcpu_load(struct kvm_vcpu *vcpu, bool cpu_changed)
{
	if (!(vcpu->clock.msr & KVM_MSR_ENABLED) || READ_ONCE(vcpu->kvm->clock.master))
		return;
	if (cpu_changed || time_after(jiffies, vcpu->clock.updated + HZ))
		kvm_make_request(KVM_REQ_CLOCK_UPDATE, vcpu);
}

/* Fill @pv; the version is the writer's. */
static void make_time_info(struct kvm_vcpu *vcpu, struct pvclock_vcpu_time_info *pv)
{
	struct kvm_clock_vm *clock = &vcpu->kvm->clock;
	struct kvm_clock_vcpu *own = &vcpu->clock;
	unsigned long flags;
	u64 host_tsc;
	bool master;

	raw_spin_lock_irqsave(&clock->lock, flags);
	master = clock->master && clock->master_tsc_offset == vcpu->tsc_offset &&
		 clock->master_tsc_ratio == vcpu->tsc_scaling_ratio;
	if (master) {
		host_tsc = clock->master_host_tsc;
		pv->system_time = clock->master_ns + clock->offset;
	} else {
		pv->system_time = sample(clock, &host_tsc);
	}
	pv->tsc_timestamp = kvm_read_l1_tsc(vcpu, host_tsc);
	raw_spin_unlock_irqrestore(&clock->lock, flags);

	if (own->khz != vcpu->virtual_tsc_khz) {
		own->khz = vcpu->virtual_tsc_khz;
		kvm_clock_scale(own->khz, &own->mul, &own->shift);
	}
	pv->tsc_to_system_mul = own->mul;
	pv->tsc_shift = own->shift;
	if (master)
		pv->flags |= PVCLOCK_TSC_STABLE_BIT;
	if (own->guest_stopped)
		pv->flags |= PVCLOCK_GUEST_STOPPED;
}

/*
 * The guest may read the page at any time: an odd version tells it to wait.
 * A page that is gone is the guest's loss, not ours.
 */
static void write_page(struct kvm_vcpu *vcpu, gpa_t gpa, struct pvclock_vcpu_time_info *pv)
{
	struct kvm_clock_vcpu *own = &vcpu->clock;

	own->version |= 1;
	pv->version = own->version;
	if (kvm_write_guest(vcpu->kvm, gpa, &pv->version, sizeof(pv->version)))
		return;
	smp_wmb();	/* odd version before the new contents */
	if (kvm_write_guest(vcpu->kvm, gpa, pv, sizeof(*pv)))
		return;
	smp_wmb();	/* new contents before the even version */
	pv->version = ++own->version;
	if (!kvm_write_guest(vcpu->kvm, gpa, &pv->version, sizeof(pv->version)))
		own->guest_stopped = false;
}

void kvm_clock_update(struct kvm_vcpu *vcpu)
{
	struct pvclock_vcpu_time_info pv = {};
	gpa_t gpa = vcpu->clock.msr & ~(u64)KVM_MSR_ENABLED;
	u8 old_flags;

	if (!(vcpu->clock.msr & KVM_MSR_ENABLED))
		return;

	/* Guest memory: the host may have to bring the page in. */
	kvm_x86_host_data_touched(vcpu);
	/* A "guest was stopped" the guest has not yet read must not be lost. */
	if (!kvm_read_guest(vcpu->kvm, gpa + offsetof(struct pvclock_vcpu_time_info, flags),
			    &old_flags, sizeof(old_flags)))
		pv.flags = old_flags & PVCLOCK_GUEST_STOPPED;

	preempt_disable();
	make_time_info(vcpu, &pv);
	vcpu->clock.updated = jiffies;
	preempt_enable();

	write_page(vcpu, gpa, &pv);
}

/**
 * kvm_clock_write_system_time() - MSR_KVM_SYSTEM_TIME: where the page is
 * @vcpu: the vCPU, loaded
 * @data: guest physical address, bit 0 enables
 */
void kvm_clock_write_system_time(struct kvm_vcpu *vcpu, u64 data)
{
	vcpu->clock.msr = data;
	vcpu->clock.guest_stopped = false;
	/* A vCPU that came after the last look takes part in the choice now. */
	kvm_clock_tsc_changed(vcpu->kvm, vcpu);
}

static int write_wall_clock(struct kvm *kvm, gpa_t gpa)
{
	struct pvclock_wall_clock wall = {};
	unsigned long flags;
	u64 boot_ns, host_tsc;
	u32 version;

	if (kvm_read_guest(kvm, gpa, &version, sizeof(version)))
		return -EFAULT;

	raw_spin_lock_irqsave(&kvm->clock.lock, flags);
	boot_ns = ktime_get_real_ns() - sample(&kvm->clock, &host_tsc);
	raw_spin_unlock_irqrestore(&kvm->clock.lock, flags);

	wall.version = (version | 1);
	if (kvm_write_guest(kvm, gpa, &wall.version, sizeof(wall.version)))
		return -EFAULT;
	smp_wmb();	/* odd version before the new contents */
	wall.sec = div_u64_rem(boot_ns, NSEC_PER_SEC, &wall.nsec);
	if (kvm_write_guest(kvm, gpa, &wall, sizeof(wall)))
		return -EFAULT;
	smp_wmb();	/* new contents before the even version */
	wall.version++;
	return kvm_write_guest(kvm, gpa, &wall.version, sizeof(wall.version));
}

/**
 * kvm_clock_write_wall_clock() - MSR_KVM_WALL_CLOCK: tell when the VM's clock was zero
 * @kvm: the VM
 * @data: guest physical address of struct pvclock_wall_clock; 0: nothing to tell
 *
 * Context: kvm->srcu held, may sleep. Return: 0, or -EFAULT (no memory there).
 */
int kvm_clock_write_wall_clock(struct kvm *kvm, u64 data)
{
	unsigned long flags;

	if (data && write_wall_clock(kvm, data))
		return -EFAULT;
	raw_spin_lock_irqsave(&kvm->clock.lock, flags);
	kvm->clock.wall_msr = data;
	raw_spin_unlock_irqrestore(&kvm->clock.lock, flags);
	return 0;
}

int kvm_vcpu_ioctl_kvmclock_ctrl(struct kvm_vcpu *vcpu)
{
	if (!(vcpu->clock.msr & KVM_MSR_ENABLED))
		return -EINVAL;
	vcpu->clock.guest_stopped = true;
	kvm_make_request(KVM_REQ_CLOCK_UPDATE, vcpu);
	return 0;
}

int kvm_vm_ioctl_get_clock(struct kvm *kvm, struct kvm_clock_data *data)
{
	unsigned long flags;
	u64 host_tsc;

	memset(data, 0, sizeof(*data));
	raw_spin_lock_irqsave(&kvm->clock.lock, flags);
	data->clock = sample(&kvm->clock, &host_tsc);
	data->realtime = ktime_get_real_ns();
	data->flags = KVM_CLOCK_REALTIME;
	if (kvm->clock.master) {
		data->host_tsc = host_tsc;
		data->flags |= KVM_CLOCK_TSC_STABLE | KVM_CLOCK_HOST_TSC;
	}
	raw_spin_unlock_irqrestore(&kvm->clock.lock, flags);
	return 0;
}

/**
 * kvm_vm_ioctl_set_clock() - KVM_SET_CLOCK
 * @kvm: the VM
 * @data: private copy; with KVM_CLOCK_REALTIME the time since data->realtime is added
 *
 * Return: 0, or -EINVAL (unknown flags).
 */
int kvm_vm_ioctl_set_clock(struct kvm *kvm, const struct kvm_clock_data *data)
{
	struct kvm_clock_vm *clock = &kvm->clock;
	u64 target = data->clock;
	unsigned long flags;
	u64 host_tsc, real;

	if (data->flags & ~KVM_CLOCK_VALID_FLAGS)
		return -EINVAL;

	raw_spin_lock_irqsave(&clock->lock, flags);
	if (data->flags & KVM_CLOCK_REALTIME) {
		real = ktime_get_real_ns();
		/* Realtime can have been set back; never subtract. */
		if (real > data->realtime)
			target += real - data->realtime;
	}
	clock->offset += target - sample(clock, &host_tsc);
	raw_spin_unlock_irqrestore(&clock->lock, flags);

	request_update_all(kvm);
	return 0;
}
