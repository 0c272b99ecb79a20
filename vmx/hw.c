// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMX as a whole: may it be used here, switching it on and off on a CPU, what
 * is decided once at load. What the CPU can do in detail is caps.c's.
 */
#define pr_fmt(fmt) "vmx: " fmt

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/printk.h>
#include <asm/cpu_device_id.h>
#include <asm/cpufeature.h>
#include <asm/perf_event.h>
#include <asm/msr.h>
#include <asm/tlbflush.h>

#include "core/main.h"
#include "vmx/format.h"
#include "vmx/vmx.h"

static DEFINE_PER_CPU(struct vmcs *, vmxon_region);

int kvm_x86_check_hardware(void)
{
	struct vmx_cpu_facts facts = {
		.ecx = native_cpuid_ecx(1),
		.cr4 = cr4_read_shadow(),
	};
	struct vmx_caps caps;
	const char *why;
	int err;

	facts.feat_ctl = native_read_msr_safe(MSR_IA32_FEAT_CTL, &err);
	if (err)
		facts.feat_ctl = 0;
	why = vmx_refusal(&facts);
	if (why) {
		pr_err("%s\n", why);
		return -EOPNOTSUPP;
	}
	if (facts.cr4 & X86_CR4_VMXE)
		return -EBUSY;
	return vmx_caps_read(&caps);
}

int kvm_x86_alloc_cpu(int cpu)
{
	struct vmcs *vmcs = vmcs_alloc(cpu_to_node(cpu), GFP_KERNEL);

	vmcs_cpu_init(cpu);
	per_cpu(vmxon_region, cpu) = vmcs;
	return vmcs ? 0 : -ENOMEM;
}

void kvm_x86_free_cpu(int cpu)
{
	vmcs_free(per_cpu(vmxon_region, cpu));
	per_cpu(vmxon_region, cpu) = NULL;
}

int kvm_x86_hardware_setup(void)
{
	int ret;

	preempt_disable();
	ret = vmx_caps_read(&vmx_caps);
	preempt_enable();
	if (ret)
		return ret;

	ret = vmx_l1d_flush_setup();
	if (ret)
		return ret;
	vmx_caps_settle_params();
	vmx_caps_set_cpuid();
	vmx_msr_setup();
	pr_info("EPT%s%s%s%s%s%s%s%s\n", vmx_caps.ept_ad ? ", EPT A/D" : "",
		vmx_caps.pml ? ", PML" : "", vmx_caps.vpid ? ", VPID" : "",
		vmx_caps.vnmi ? ", virtual NMIs" : "",
		vmx_caps.preemption_timer ? ", preemption timer" : "",
		vmx_caps.tpr_shadow ? ", TPR shadow" : "",
		vmx_caps.flexpriority ? ", flexpriority" : "", vmx_caps.apicv ? ", APICv" : "");
	return 0;
}

void kvm_x86_hardware_unsetup(void)
{
	vmx_l1d_flush_unsetup();
}

int kvm_x86_enable_virtualization_cpu(void)
{
	struct vmcs *region = this_cpu_read(vmxon_region);
	struct vmx_caps caps;
	int ret;

	/* What was decided for one CPU must do for all: a vCPU runs on any. */
	ret = vmx_caps_read(&caps);
	if (ret)
		return ret;
	if (memcmp(&caps, &vmx_caps, sizeof(caps))) {
		pr_err("CPU %d differs from the first one\n", raw_smp_processor_id());
		return -EOPNOTSUPP;
	}
	if (cr4_read_shadow() & X86_CR4_VMXE)
		return -EBUSY;
	/* Processor Trace cannot run on into VMX operation on some CPUs. */
	intel_pt_handle_vmx(1);
	cr4_set_bits(X86_CR4_VMXE);
	if (!vmx_vmxon(__pa(region))) {
		cr4_clear_bits(X86_CR4_VMXE);
		intel_pt_handle_vmx(0);
		return -EIO;
	}
	vmx_flush_this_cpu();
	return 0;
}

void kvm_x86_disable_virtualization_cpu(void)
{
	vmcs_clear_this_cpu();
	vmx_vmxoff();
	cr4_clear_bits(X86_CR4_VMXE);
	intel_pt_handle_vmx(0);
}

/*
 * A CPU in VMX operation ignores INIT, so a crash kernel could not start it;
 * and a VMCS left in the CPU could be written over the next kernel's memory.
 */
void kvm_x86_emergency_disable_virtualization_cpu(void)
{
	vmcs_emergency_clear_this_cpu();
	vmx_vmxoff();
	cr4_clear_bits(X86_CR4_VMXE);
}

int kvm_x86_vm_init(struct kvm *kvm)
{
	struct page *page;

	vmx_l1d_flush_report();
	if (!vmx_caps.flexpriority)
		return 0;
	page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!page)
		return -ENOMEM;
	to_kvm_vmx(kvm)->apic_page = page;
	kvm->tdp.apic_pfn = page_to_pfn(page);
	return 0;
}

/* The tables that lead to the page are still there, but no vCPU that could use them. */
void kvm_x86_vm_destroy(struct kvm *kvm)
{
	if (to_kvm_vmx(kvm)->apic_page)
		__free_page(to_kvm_vmx(kvm)->apic_page);
}

size_t kvm_x86_vm_size(void)
{
	BUILD_BUG_ON(offsetof(struct kvm_vmx, kvm));
	return sizeof(struct kvm_vmx);
}

size_t kvm_x86_vcpu_size(void)
{
	BUILD_BUG_ON(offsetof(struct vcpu_vmx, vcpu));
	return sizeof(struct vcpu_vmx);
}
