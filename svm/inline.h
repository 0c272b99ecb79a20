/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bodies of the ops that are declared inline: constants on SVM, so that the
 * branches they guard vanish from the module.
 */
#ifndef MONOVISOR_SVM_INLINE_H
#define MONOVISOR_SVM_INLINE_H

#include "ops/run.h"

/* SVM has no timer that fires at entry; core sends itself an interrupt instead. */
static __always_inline bool kvm_x86_has_request_immediate_exit(void)
{
	return false;
}

static __always_inline void kvm_x86_request_immediate_exit(struct kvm_vcpu *vcpu)
{
}

#endif /* MONOVISOR_SVM_INLINE_H */
