/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bodies of the inline ops.
 */
#ifndef MONOVISOR_VMX_INLINE_H
#define MONOVISOR_VMX_INLINE_H

#include "ops/run.h"
#include "vmx/vmx.h"

static __always_inline bool kvm_x86_has_request_immediate_exit(void)
{
	return vmx_caps.preemption_timer;
}

/* The timer is armed with zero by the entry that follows, and by no other. */
static __always_inline void kvm_x86_request_immediate_exit(struct kvm_vcpu *vcpu)
{
	to_vmx(vcpu)->immediate_exit = true;
}

#endif /* MONOVISOR_VMX_INLINE_H */
