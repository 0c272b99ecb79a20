/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's TSC: offset and scale, synchronisation of vCPUs that are set to
 * the same time, KVM_SET_TSC_KHZ (tsc.c). The clock built upon it is clock.h's.
 */
#ifndef MONOVISOR_CORE_TSC_H
#define MONOVISOR_CORE_TSC_H

#include "core/vcpu.h"

void kvm_tsc_vm_init(struct kvm *kvm);
void kvm_tsc_vcpu_create(struct kvm_vcpu *vcpu);
void kvm_tsc_vcpu_load(struct kvm_vcpu *vcpu, int cpu);	/* preemption off; CPU may have changed */
void kvm_tsc_vcpu_put(struct kvm_vcpu *vcpu);		/* preemption off; it leaves this CPU */
u64 kvm_read_l1_tsc(struct kvm_vcpu *vcpu, u64 host_tsc);
void kvm_tsc_host_resume(u64 before, u64 now);	/* the last CPU, irqs off: TSCs around the sleep */
u64 kvm_tsc_offset_now(const struct kvm_vcpu *vcpu);
u64 kvm_tsc_host_lost(void);	/* by how much the host's TSC fell back so far, in all */
void kvm_write_tsc(struct kvm_vcpu *vcpu, u64 data, bool host_initiated);	/* IA32_TSC */
void kvm_adjust_tsc(struct kvm_vcpu *vcpu, u64 new_adjust, bool host_initiated);
int kvm_set_tsc_khz(struct kvm_vcpu *vcpu, u32 khz);	/* 0, or -EINVAL if it cannot be offered */
bool kvm_tsc_khz_possible(u32 khz);	/* would kvm_set_tsc_khz() take it? (VM scope) */
int kvm_vcpu_tsc_get_attr(struct kvm_vcpu *vcpu, struct kvm_device_attr *attr);
int kvm_vcpu_tsc_set_attr(struct kvm_vcpu *vcpu, struct kvm_device_attr *attr);
int kvm_vcpu_tsc_has_attr(struct kvm_vcpu *vcpu, struct kvm_device_attr *attr);
int kvm_vm_ioctl_get_clock(struct kvm *kvm, struct kvm_clock_data *data);
int kvm_vm_ioctl_set_clock(struct kvm *kvm, const struct kvm_clock_data *data);

/* KVM_CAP_TSC_CONTROL: the guest's TSC may run at another rate than the host's. */
bool kvm_has_tsc_control(void);

/*
 * Pure arithmetic, for the above and for tests.
 */
u64 kvm_tsc_ratio(u32 guest_khz, u32 host_khz, unsigned int frac_bits);	/* 0: does not fit */
u64 kvm_tsc_scale(u64 tsc, u64 ratio, unsigned int frac_bits);
u64 kvm_tsc_cycles(u64 ns, u32 khz);
/* Is a write of @data what the TSC would read @expected anyway, within a second? */
bool kvm_tsc_write_synchronises(u64 data, u64 expected, u32 khz);

#endif /* MONOVISOR_CORE_TSC_H */
