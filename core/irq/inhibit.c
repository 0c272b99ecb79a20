// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking the delivery of interrupts back from hardware while a VM runs. How a
 * vCPU changes over is the vendor's.
 */
#include <linux/bitops.h>

#include "core/irq/inhibit.h"
#include "core/request.h"
#include "core/vm.h"
#include "ops/apic.h"

/**
 * kvm_set_apicv_inhibit() - hardware must not deliver this VM's interrupts any more
 * @kvm: the VM
 * @reason: why; ignored if it is none for this vendor's hardware
 *
 * On return no vCPU is in the guest that has not changed over; those asleep do
 * it when they wake.
 * Context: interrupts on.
 */
void kvm_set_apicv_inhibit(struct kvm *kvm, enum kvm_apicv_inhibit reason)
{
	if (!(kvm_x86_required_apicv_inhibits() & BIT(reason)))
		return;
	if (!test_and_set_bit(reason, &kvm->apicv_inhibit_reasons))
		kvm_make_all_cpus_request(kvm, KVM_REQ_APICV_UPDATE);
}
