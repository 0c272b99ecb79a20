// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module: loading, /dev/kvm and its ioctls, and when the CPUs'
 * virtualization extension is on. Virtual machines are in vm.c.
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/reboot.h>
#include <linux/uaccess.h>
#include <asm/tsc.h>

#include "core/capability.h"
#include "core/compat.h"
#include "core/cpuid.h"
#include "core/fpu.h"
#include "core/irq/irqfd.h"
#include "core/main.h"
#include "core/msr.h"
#include "core/spec_ctrl.h"
#include "core/stats.h"
#include "core/tsc.h"
#include "core/vm.h"
#include "ops/hw.h"

/* The list of VMs, and whether the hardware is on. */
DEFINE_MUTEX(kvm_lock);
LIST_HEAD(vm_list);
bool kvm_rebooting;

static int hardware_users;		/* VMs; under kvm_lock */

/*
 * This module, and not another, holds the extension on this CPU, or is about to.
 * 6.1 takes a CPU that refused to be switched on down again as if it had not.
 */
static DEFINE_PER_CPU(bool, virtualization_on);

/* Irqs off. A crash may come at any point: what it is to switch off is noted first. */
static int switch_on(void)
{
	int err;

	/* Pairs with the store in off_for_good(), whose interrupt would find it on. */
	if (READ_ONCE(kvm_rebooting))
		return -ESHUTDOWN;
	this_cpu_write(virtualization_on, true);
	err = kvm_x86_enable_virtualization_cpu();
	if (err)
		this_cpu_write(virtualization_on, false);
	return err;
}

static void switch_off(void)
{
	if (!this_cpu_read(virtualization_on))
		return;
	kvm_x86_disable_virtualization_cpu();
	this_cpu_write(virtualization_on, false);
}

static void switch_off_in_emergency(void)
{
	if (!this_cpu_read(virtualization_on))
		return;
	kvm_x86_emergency_disable_virtualization_cpu();
	this_cpu_write(virtualization_on, false);
}

static void report_in_use(unsigned int cpu)
{
	pr_err("%s: in use by %s or another hypervisor on CPU %u\n",
	       VENDOR_NAME, VENDOR_RIVAL, cpu);
}

static int hardware_cpu_online(unsigned int cpu)
{
	unsigned long flags;
	int err;

	local_irq_save(flags);
	err = switch_on();
	if (!err)
		kvm_user_return_msr_cpu_online();
	local_irq_restore(flags);
	if (err == -EBUSY)
		report_in_use(cpu);
	else if (err)
		pr_err("%s: cannot enable virtualization on CPU %u (%d)\n",
		       VENDOR_NAME, cpu, err);
	return err;
}

static int hardware_cpu_offline(unsigned int cpu)
{
	unsigned long flags;

	local_irq_save(flags);
	kvm_user_return_msr_cpu_offline();
	switch_off();
	local_irq_restore(flags);
	return 0;
}

static u64 tsc_at_suspend;

/*
 * Suspend takes the other CPUs down by hotplug; these two are for the last
 * one, with interrupts off.
 */
static int hardware_suspend(COMPAT_SYSCORE_ARG)
{
	hardware_cpu_offline(smp_processor_id());
	tsc_at_suspend = rdtsc();
	return 0;
}

static void hardware_resume(COMPAT_SYSCORE_ARG)
{
	kvm_tsc_host_resume(tsc_at_suspend, rdtsc());
	hardware_cpu_online(smp_processor_id());
}

static void hardware_off_this_cpu(void *unused)
{
	switch_off();
}

/*
 * Firmware and a kexec'ed kernel expect the extension off (VMX blocks INIT).
 * vCPU threads may still run: kvm_rebooting makes their faulting instructions
 * harmless.
 */
static void off_for_good(void)
{
	/* Pairs with the load in switch_on(): before the interrupt, or refused. */
	WRITE_ONCE(kvm_rebooting, true);
	on_each_cpu(hardware_off_this_cpu, NULL, 1);
}

static void hardware_shutdown(COMPAT_SYSCORE_ARG)
{
	off_for_good();
}

static int before_reboot(struct notifier_block *nb, unsigned long event, void *unused)
{
	off_for_good();
	return NOTIFY_DONE;
}

static struct notifier_block reboot_notifier = { .notifier_call = before_reboot };

COMPAT_DEFINE_SYSCORE(hardware_syscore, hardware_suspend, hardware_resume, hardware_shutdown);

/*
 * A crash must find the callback as long as any CPU has the extension on, so
 * it is registered first and unregistered last.
 */
static int hardware_on(void)
{
	int err;

	compat_register_emergency(switch_off_in_emergency);
	err = cpuhp_setup_state(COMPAT_CPUHP_VIRT, "virt/monovisor:online",
				hardware_cpu_online, hardware_cpu_offline);
	if (err) {
		compat_unregister_emergency(switch_off_in_emergency);
		return err;
	}
	compat_register_syscore(hardware_syscore);
	if (COMPAT_KEXEC_WITHOUT_SYSCORE)
		register_reboot_notifier(&reboot_notifier);
	return 0;
}

static void hardware_off(void)
{
	if (COMPAT_KEXEC_WITHOUT_SYSCORE)
		unregister_reboot_notifier(&reboot_notifier);
	compat_unregister_syscore(hardware_syscore);
	cpuhp_remove_state(COMPAT_CPUHP_VIRT);
	compat_unregister_emergency(switch_off_in_emergency);
}

/**
 * kvm_hardware_get() - a VM comes: have virtualization on, on every CPU
 *
 * The first one switches it on; hotplug does so for CPUs that come later. If
 * one CPU refuses, the others are switched off again.
 * Context: may sleep. Return: 0 or a negative errno.
 */
int kvm_hardware_get(void)
{
	int err = 0;

	mutex_lock(&kvm_lock);
	if (!hardware_users)
		err = hardware_on();
	if (!err) {
		hardware_users++;
		/* vCPUs follow their threads: the scheduler looks for notifiers now. */
		preempt_notifier_inc();
	}
	mutex_unlock(&kvm_lock);
	return err;
}

void kvm_hardware_put(void)
{
	preempt_notifier_dec();
	mutex_lock(&kvm_lock);
	if (!--hardware_users)
		hardware_off();
	mutex_unlock(&kvm_lock);
}

static long get_mce_cap(u64 __user *argp)
{
	return put_user(kvm_mce_cap_supported(), argp);
}

static long kvm_dev_ioctl(struct file *filp, unsigned int ioctl, unsigned long arg)
{
	void __user *argp = (void __user *)arg;

	switch (ioctl) {
	case KVM_GET_API_VERSION:
		return arg ? -EINVAL : KVM_API_VERSION;
	case KVM_CREATE_VM:
		return kvm_dev_ioctl_create_vm(arg);
	case KVM_CHECK_EXTENSION:
		return kvm_check_extension(NULL, arg);
	case KVM_GET_VCPU_MMAP_SIZE:
		return arg ? -EINVAL : KVM_VCPU_MMAP_PAGES * PAGE_SIZE;
	case KVM_GET_SUPPORTED_CPUID:
		return kvm_dev_ioctl_get_cpuid(argp, false);
	case KVM_GET_EMULATED_CPUID:
		return kvm_dev_ioctl_get_cpuid(argp, true);
	case KVM_GET_MSR_INDEX_LIST:
		return kvm_dev_ioctl_get_msr_index_list(argp);
	case KVM_GET_MSR_FEATURE_INDEX_LIST:
		return kvm_dev_ioctl_get_msr_feature_index_list(argp);
	case KVM_GET_MSRS:
		return kvm_dev_ioctl_get_feature_msrs(argp);
	case KVM_X86_GET_MCE_CAP_SUPPORTED:
		return get_mce_cap(argp);
	}
	return -ENOTTY;
}

static const struct file_operations kvm_dev_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = kvm_dev_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice kvm_dev = {
	.minor = KVM_MINOR,
	.name = "kvm",
	.fops = &kvm_dev_fops,
};

static void check_this_cpu(void *err)
{
	*(int *)err = kvm_x86_check_hardware();
}

/* Every CPU that is online must do; one that comes later must be able to enable. */
static int check_all_cpus(void)
{
	int err = 0;
	int cpu;

	cpus_read_lock();
	for_each_online_cpu(cpu) {
		smp_call_function_single(cpu, check_this_cpu, &err, 1);
		if (err == -EBUSY)
			report_in_use(cpu);
		if (err)
			break;
	}
	cpus_read_unlock();
	return err;
}

static void free_cpus(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		kvm_x86_free_cpu(cpu);
}

/* Of those that come later, too: a CPU on its way up must not fail for memory. */
static int alloc_cpus(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		if (kvm_x86_alloc_cpu(cpu)) {
			pr_err("%s: no memory for CPU %d\n", VENDOR_NAME, cpu);
			free_cpus();
			return -ENOMEM;
		}
	}
	return 0;
}

static int __init monovisor_init(void)
{
	int err;

	err = check_all_cpus();
	if (err)
		return err;
	err = kvm_fpu_module_init();
	if (err)
		return err;
	kvm_cpuid_module_init();
	kvm_spec_ctrl_module_init();
	kvm_user_return_msr_module_init();
	err = kvm_x86_hardware_setup();
	if (err)
		return err;
	err = alloc_cpus();
	if (err)
		goto unsetup;
	kvm_msr_module_init();
	err = kvm_stats_module_init();
	if (err)
		goto cpus;
	err = kvm_irqfd_module_init();
	if (err)
		goto stats;
	/* From here on userspace may come. */
	err = misc_register(&kvm_dev);
	if (err) {
		pr_err("%s: /dev/kvm is held by another hypervisor, unload %s first\n",
		       VENDOR_NAME, VENDOR_RIVAL);
		goto irqfd;
	}
	return 0;
irqfd:
	kvm_irqfd_module_exit();
stats:
	kvm_stats_module_exit();
cpus:
	free_cpus();
unsetup:
	kvm_x86_hardware_unsetup();
	return err;
}

static void __exit monovisor_exit(void)
{
	misc_deregister(&kvm_dev);
	kvm_irqfd_module_exit();
	kvm_stats_module_exit();
	free_cpus();
	kvm_x86_hardware_unsetup();
}

module_init(monovisor_init);
module_exit(monovisor_exit);
