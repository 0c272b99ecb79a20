// SPDX-License-Identifier: GPL-2.0-only
/*
 * The software vendor's hardware as a whole: always there, switched on and
 * off per CPU only as bookkeeping that catches unbalanced calls.
 */
#include <linux/errno.h>
#include <linux/percpu.h>
#include <linux/printk.h>

#include "core/cpuid.h"
#include "core/cr.h"
#include "core/spin.h"
#include "ops/hw.h"
#include "tests/fake/fake.h"

static const struct fake_hw fake_hw_default = {
	.tdp_level = 4,
};

struct fake_hw fake_hw = {
	.tdp_level = 4,
};

static DEFINE_PER_CPU(bool, fake_enabled);

void fake_hw_reset(void)
{
	fake_hw = fake_hw_default;
}

int kvm_x86_check_hardware(void)
{
	return 0;
}

int kvm_x86_hardware_setup(void)
{
	kvm_efer_supported = EFER_SCE | EFER_LME | EFER_LMA | EFER_NX;
	kvm_pause_params = (struct kvm_pause_params) { .base = 100, .grow = 2, .max = 350 };
	return 0;
}

void kvm_x86_hardware_unsetup(void)
{
}

int kvm_x86_alloc_cpu(int cpu)
{
	return 0;
}

void kvm_x86_free_cpu(int cpu)
{
}

int kvm_x86_enable_virtualization_cpu(void)
{
	if (__this_cpu_read(fake_enabled))
		return -EBUSY;
	__this_cpu_write(fake_enabled, true);
	return 0;
}

void kvm_x86_disable_virtualization_cpu(void)
{
	if (!__this_cpu_read(fake_enabled))
		pr_err("fake: disabled twice on CPU %d\n", smp_processor_id());
	__this_cpu_write(fake_enabled, false);
}

void kvm_x86_emergency_disable_virtualization_cpu(void)
{
	__this_cpu_write(fake_enabled, false);
}

int kvm_x86_vm_init(struct kvm *kvm)
{
	return fake_hw.vm_init_err;
}

void kvm_x86_vm_destroy(struct kvm *kvm)
{
}

size_t kvm_x86_vm_size(void)
{
	BUILD_BUG_ON(offsetof(struct fake_vm, kvm) != 0);
	return sizeof(struct fake_vm);
}

size_t kvm_x86_vcpu_size(void)
{
	BUILD_BUG_ON(offsetof(struct fake_vcpu, vcpu) != 0);
	return sizeof(struct fake_vcpu);
}
