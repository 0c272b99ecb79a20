/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bodies of the inline ops of the software vendor. Unlike real hardware it
 * can be switched between both answers, so that one build tests both ways.
 */
#ifndef MONOVISOR_TESTS_FAKE_INLINE_H
#define MONOVISOR_TESTS_FAKE_INLINE_H

#include "ops/run.h"
#include "tests/fake/fake.h"

static __always_inline bool kvm_x86_has_request_immediate_exit(void)
{
	return fake_hw.immediate_exit;
}

static __always_inline void kvm_x86_request_immediate_exit(struct kvm_vcpu *vcpu)
{
	to_fake(vcpu)->immediate_exit = true;
	fake_log_add(to_fake(vcpu), FAKE_IMMEDIATE_EXIT, 0, 0);
}

#endif /* MONOVISOR_TESTS_FAKE_INLINE_H */
