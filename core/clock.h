/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The paravirtual clock (kvmclock): a page per vCPU from which the guest
 * computes nanoseconds out of its TSC, and the VM's clock as userspace sees
 * it. The TSC itself is tsc.c's.
 */
#ifndef MONOVISOR_CORE_CLOCK_H
#define MONOVISOR_CORE_CLOCK_H

#include <linux/spinlock.h>
#include <linux/types.h>

#include "core/types.h"

/* Per VM; all fields under lock, which may be taken with irqs on or off. */
struct kvm_clock_vm {
	raw_spinlock_t lock;
	s64 offset;		/* ns; the VM's clock minus the host's boot clock */
	bool master;		/* one (host TSC, time) pair serves all vCPUs */
	u64 master_host_tsc;	/* the pair: this host TSC ... */
	u64 master_ns;		/* ... was this time of the host's boot clock */
	u64 master_tsc_lost;	/* kvm_tsc_host_lost() then */
	u64 master_tsc_offset;	/* the TSC offset and ratio all vCPUs share */
	u64 master_tsc_ratio;
	u64 wall_msr;		/* last value of MSR_KVM_WALL_CLOCK */
};

/* Per vCPU; written by its thread with vcpu->mutex held. */
struct kvm_clock_vcpu {
	u64 msr;		/* MSR_KVM_SYSTEM_TIME: address | enable */
	u32 version;		/* of the page: odd while it is being written */
	u32 khz;		/* guest TSC frequency that mul and shift are for */
	u32 mul;
	s8 shift;
	bool guest_stopped;	/* tell the guest once that it was paused */
	unsigned long updated;	/* jiffies */
};

void kvm_clock_vm_init(struct kvm *kvm);
void kvm_clock_write_system_time(struct kvm_vcpu *vcpu, u64 data);	/* MSR_KVM_SYSTEM_TIME */
int kvm_clock_write_wall_clock(struct kvm *kvm, u64 data);	/* MSR_KVM_WALL_CLOCK */
/* Serve KVM_REQ_CLOCK_UPDATE: vCPU loaded, kvm->srcu held, may sleep. */
void kvm_clock_update(struct kvm_vcpu *vcpu);
/* A vCPU's TSC offset or ratio changed: may the vCPUs still share one pair? */
void kvm_clock_tsc_changed(struct kvm *kvm, struct kvm_vcpu *vcpu);
/* Preemption off, from kvm_tsc_vcpu_load(). */
void kvm_clock_vcpu_load(struct kvm_vcpu *vcpu, bool cpu_changed);
int kvm_vcpu_ioctl_kvmclock_ctrl(struct kvm_vcpu *vcpu);	/* KVM_KVMCLOCK_CTRL */

/* Pure: ns = ((tsc << shift) * mul) >> 32; a negative shift goes right. */
void kvm_clock_scale(u32 khz, u32 *mul, s8 *shift);

#endif /* MONOVISOR_CORE_CLOCK_H */
