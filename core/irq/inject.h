/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which interrupt a vCPU takes next, whoever holds it: the local APIC, the
 * PICs or userspace's controller. When it goes in is event.c's to decide.
 */
#ifndef MONOVISOR_CORE_IRQ_INJECT_H
#define MONOVISOR_CORE_IRQ_INJECT_H

#include "core/types.h"

bool kvm_irq_waits(struct kvm_vcpu *vcpu);
int kvm_irq_take(struct kvm_vcpu *vcpu);
bool kvm_extint_look(struct kvm_vcpu *vcpu);
void kvm_irq_look(struct kvm_vcpu *vcpu);
bool kvm_irq_arm_tpr(struct kvm_vcpu *vcpu);

#endif /* MONOVISOR_CORE_IRQ_INJECT_H */
