/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The posted-interrupt descriptor, through which any thread gives a vCPU an
 * interrupt without a VM-exit.
 *
 * Source: Intel SDM volume 3, "Posted-Interrupt Processing".
 */
#ifndef MONOVISOR_VMX_POSTED_INTR_H
#define MONOVISOR_VMX_POSTED_INTR_H

#include <linux/bitops.h>
#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/types.h>

#include "vmx/switch.h"

#define VMX_PI_ON	0	/* bit number in control: something is posted */

/**
 * struct vmx_pi_desc - what hardware and senders share
 * @pir: vectors that are posted; set and taken by locked operations
 * @control: VMX_PI_ON is ours; who sets it has to notify, or to wake
 * @reserved: nobody's
 */
struct vmx_pi_desc {
	unsigned long pir[4];
	unsigned long control;
	unsigned long reserved[3];
} __aligned(64);

static_assert(sizeof(struct vmx_pi_desc) == 64);
static_assert(offsetof(struct vmx_pi_desc, control) == VMX_PI_CONTROL);

static __always_inline bool vmx_pi_is_on(const struct vmx_pi_desc *pi)
{
	return READ_ONCE(pi->control) & BIT(VMX_PI_ON);
}

struct kvm_vcpu;
struct vcpu_vmx;

/* posted_intr.c */
void vmx_collect_posted(struct vcpu_vmx *vmx);
void vmx_drop_posted(struct vcpu_vmx *vmx);
bool vmx_pi_claims_to_run(const struct kvm_vcpu *vcpu, int cpu);
void vmx_set_rvi(struct vcpu_vmx *vmx, int vector);
void vmx_set_svi(struct vcpu_vmx *vmx, int vector);

/* apicv.c */
int vmx_apicv_vcpu_create(struct vcpu_vmx *vmx);
void vmx_apicv_vcpu_free(struct vcpu_vmx *vmx);
u32 vmx_apicv_cpu2(struct vcpu_vmx *vmx);
void vmx_apicv_refresh(struct vcpu_vmx *vmx);
void vmx_load_eoi_exitmap(const unsigned long *bitmap);

#endif /* MONOVISOR_VMX_POSTED_INTR_H */
