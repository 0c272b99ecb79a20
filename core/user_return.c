// SPDX-License-Identifier: GPL-2.0-only
/*
 * Host MSRs that the kernel itself does not use between two returns to
 * userspace (STAR, LSTAR, SYSCALL_MASK, TSC_AUX ...). The guest's values stay
 * in the CPU across exits and are replaced when the CPU next returns to
 * userspace, by whatever thread. MSRs the kernel uses are not for this file.
 */
#include <linux/kernel.h>
#include <linux/percpu.h>
#include <linux/user-return-notifier.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>

#include "core/msr.h"
#include "core/vcpu.h"
#include "ops/msr.h"

#define MAX_USER_RETURN_MSRS	16

/* Filled by hardware_setup(), constant afterwards. */
static u32 msrs[MAX_USER_RETURN_MSRS] __ro_after_init;
static unsigned int nr_msrs __ro_after_init;
static int tsc_aux_slot __ro_after_init = -1;

/* Touched only on its own CPU, with preemption off or irqs off. */
struct user_return_cpu {
	struct user_return_notifier notifier;
	bool registered;
	struct {
		u64 host;
		u64 current_value;
	} values[MAX_USER_RETURN_MSRS];
};

static DEFINE_PER_CPU(struct user_return_cpu, user_return_cpu);

/**
 * kvm_add_user_return_msr() - have an MSR switched lazily
 * @msr: its index
 *
 * Context: hardware_setup().
 * Return: a slot for kvm_set_user_return_msr(), or -EINVAL: this CPU does not
 * have the MSR, or cannot write back what it reads, or there are too many.
 */
int kvm_add_user_return_msr(u32 msr)
{
	unsigned int i;
	u64 value;
	int err;

	for (i = 0; i < nr_msrs; i++) {
		if (msrs[i] == msr)
			return i;
	}
	/* Another CPU's value would be taken for this one's own. */
	preempt_disable();
	value = native_read_msr_safe(msr, &err);
	if (!err)
		err = native_write_msr_safe(msr, (u32)value, value >> 32);
	preempt_enable();
	if (err)
		return -EINVAL;
	if (nr_msrs == MAX_USER_RETURN_MSRS)
		return -EINVAL;
	msrs[nr_msrs] = msr;
	return nr_msrs++;
}

static void restore_host_values(struct user_return_cpu *cpu)
{
	unsigned int i;

	for (i = 0; i < nr_msrs; i++) {
		if (cpu->values[i].host == cpu->values[i].current_value)
			continue;
		native_wrmsrl(msrs[i], cpu->values[i].host);
		cpu->values[i].current_value = cpu->values[i].host;
	}
}

/* Context: irqs off, on the way to userspace. */
static void on_user_return(struct user_return_notifier *notifier)
{
	struct user_return_cpu *cpu = container_of(notifier, struct user_return_cpu, notifier);

	user_return_notifier_unregister(notifier);
	cpu->registered = false;
	restore_host_values(cpu);
}

/**
 * kvm_set_user_return_msr() - put a guest's value into an MSR of this CPU
 * @slot: from kvm_add_user_return_msr()
 * @value: the guest's value
 * @mask: bits that are the guest's; the others keep the host's value
 *
 * The value was checked when the guest or userspace wrote it.
 * Context: preemption off.
 */
void kvm_set_user_return_msr(unsigned int slot, u64 value, u64 mask)
{
	struct user_return_cpu *cpu = this_cpu_ptr(&user_return_cpu);

	value = (value & mask) | (cpu->values[slot].host & ~mask);
	if (value == cpu->values[slot].current_value)
		return;
	native_wrmsrl(msrs[slot], value);
	cpu->values[slot].current_value = value;
	if (!cpu->registered) {
		cpu->notifier.on_user_return = on_user_return;
		user_return_notifier_register(&cpu->notifier);
		cpu->registered = true;
	}
}

/**
 * kvm_user_return_msr_module_init() - the MSRs that both vendors have switched so
 *
 * Context: module load, before hardware_setup().
 */
void kvm_user_return_msr_module_init(void)
{
	if (boot_cpu_has(X86_FEATURE_RDTSCP) || boot_cpu_has(X86_FEATURE_RDPID))
		tsc_aux_slot = kvm_add_user_return_msr(MSR_TSC_AUX);
}

/**
 * kvm_load_guest_user_return_msrs() - put all values of the guest into the CPU
 * @vcpu: the vCPU, about to enter
 *
 * A guest that does not know of RDPID may still have it, for SVM has no intercept:
 * TSC_AUX is its own in any case.
 * Context: preemption off, vCPU loaded.
 */
void kvm_load_guest_user_return_msrs(struct kvm_vcpu *vcpu)
{
	vcpu->uret_loaded = true;
	if (tsc_aux_slot >= 0)
		kvm_set_user_return_msr(tsc_aux_slot, vcpu->tsc_aux, ~0ULL);
	kvm_x86_load_user_return_msrs(vcpu);
}

void kvm_user_return_msr_cpu_online(void)
{
	struct user_return_cpu *cpu = this_cpu_ptr(&user_return_cpu);
	unsigned int i;

	for (i = 0; i < nr_msrs; i++) {
		cpu->values[i].host = native_read_msr(msrs[i]);
		cpu->values[i].current_value = cpu->values[i].host;
	}
}

void kvm_user_return_msr_cpu_offline(void)
{
	struct user_return_cpu *cpu = this_cpu_ptr(&user_return_cpu);

	if (cpu->registered)
		on_user_return(&cpu->notifier);
}
