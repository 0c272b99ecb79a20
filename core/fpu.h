/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * FPU and extended state: the guest's is in the CPU while KVM_RUN runs, host
 * userspace's is put aside; XCR0, XSS and PKRU are switched around entry (fpu.c).
 */
#ifndef MONOVISOR_CORE_FPU_H
#define MONOVISOR_CORE_FPU_H

#include "core/vcpu.h"

int kvm_fpu_vcpu_create(struct kvm_vcpu *vcpu);
void kvm_fpu_vcpu_destroy(struct kvm_vcpu *vcpu);
void kvm_fpu_vcpu_reset(struct kvm_vcpu *vcpu, bool init_event);
void kvm_load_guest_fpu(struct kvm_vcpu *vcpu);	/* at the start of KVM_RUN; may sleep */
void kvm_put_guest_fpu(struct kvm_vcpu *vcpu);	/* at its end */
/* irqs off, just around the world switch; XCR0, XSS, PKRU where they differ */
void kvm_load_guest_xstate(struct kvm_vcpu *vcpu);
void kvm_load_host_xstate(struct kvm_vcpu *vcpu);
int kvm_fpu_module_init(void);		/* read the host's XCR0, XSS */

int kvm_vcpu_ioctl_get_fpu(struct kvm_vcpu *vcpu, struct kvm_fpu *fpu);
int kvm_vcpu_ioctl_set_fpu(struct kvm_vcpu *vcpu, const struct kvm_fpu *fpu);
/* @size: bytes of the user's buffer (4096 for KVM_GET_XSAVE) */
void kvm_vcpu_ioctl_get_xsave(struct kvm_vcpu *vcpu, u8 *state, unsigned int size);
int kvm_vcpu_ioctl_set_xsave(struct kvm_vcpu *vcpu, const struct kvm_xsave *xsave);
unsigned int kvm_xsave2_size(struct kvm *kvm);	/* KVM_CAP_XSAVE2 */
int kvm_vcpu_ioctl_get_xcrs(struct kvm_vcpu *vcpu, struct kvm_xcrs *xcrs);
int kvm_vcpu_ioctl_set_xcrs(struct kvm_vcpu *vcpu, const struct kvm_xcrs *xcrs);

#endif /* MONOVISOR_CORE_FPU_H */
