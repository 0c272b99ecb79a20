// SPDX-License-Identifier: GPL-2.0-only
/*
 * SVM as a whole: may it be used here, switching it on and off on a CPU, what
 * is decided once at load. What the CPU can do in detail is caps.c's.
 */
#define pr_fmt(fmt) "svm: " fmt

#include <linux/cc_platform.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mem_encrypt.h>
#include <linux/mm.h>
#include <asm/cpufeature.h>
#include <asm/perf_event.h>
#include <asm/processor.h>

#include "core/compat.h"
#include "ops/hw.h"
#include "ops/mmu.h"
#include "svm/format.h"
#include "svm/svm.h"

unsigned long svm_iopm_pa __ro_after_init;

static struct page *iopm __ro_after_init;

DEFINE_PER_CPU(struct svm_cpu, svm_cpu);

int kvm_x86_check_hardware(void)
{
	struct svm_cpu_facts facts = {
		.amd = boot_cpu_data.x86_vendor == X86_VENDOR_AMD ||
		       boot_cpu_data.x86_vendor == X86_VENDOR_HYGON,
		.encrypted_guest = cc_platform_has(CC_ATTR_GUEST_MEM_ENCRYPT),
		.family = boot_cpu_data.x86,
	};
	const char *why;

	if (facts.amd) {
		facts.max_ext_leaf = native_cpuid_eax(0x80000000);
		facts.ext_ecx = native_cpuid_ecx(0x80000001);
	}
	if (svm_exists(&facts)) {
		facts.svm_edx = native_cpuid_edx(SVM_CPUID_FUNC);
		/* Such a guest may not even read it. */
		if (!facts.encrypted_guest)
			facts.vm_cr = native_read_msr(MSR_VM_CR);
	}
	why = svm_refusal(&facts);
	if (why) {
		pr_err("%s\n", why);
		return -EOPNOTSUPP;
	}
	return native_read_msr(MSR_EFER) & EFER_SVME ? -EBUSY : 0;
}

/**
 * svm_alloc_page() - a zeroed page for the CPU's own use by physical address
 * @node: NUMA node, or NUMA_NO_NODE
 * @gfp: how to allocate
 *
 * A host with SNP checks who owns a page. CPUs have an erratum there: a VMCB or
 * save area at the start of 2 MiB is in the way of writes to the other pages of
 * a large page, and those fault. So take another page.
 *
 * Context: may sleep. Return: the page, to be freed by __free_page(), or NULL.
 */
struct page *svm_alloc_page(int node, gfp_t gfp)
{
	struct page *page;

	if (!compat_host_has_snp())
		return alloc_pages_node(node, gfp | __GFP_ZERO, 0);

	page = alloc_pages_node(node, gfp | __GFP_ZERO, 1);
	if (!page)
		return NULL;
	split_page(page, 1);
	/* The first of two is aligned to 8 KiB, so it is the only one that can be it. */
	__free_page(page);
	return page + 1;
}

int kvm_x86_alloc_cpu(int cpu)
{
	struct svm_cpu *sc = per_cpu_ptr(&svm_cpu, cpu);

	sc->hsave = svm_alloc_page(cpu_to_node(cpu), GFP_KERNEL);
	sc->host_state = svm_alloc_page(cpu_to_node(cpu), GFP_KERNEL);
	if (!sc->hsave || !sc->host_state)
		return -ENOMEM;
	sc->host_state_pa = __sme_set(page_to_phys(sc->host_state));
	return 0;
}

void kvm_x86_free_cpu(int cpu)
{
	struct svm_cpu *sc = per_cpu_ptr(&svm_cpu, cpu);

	if (sc->hsave)
		__free_page(sc->hsave);
	if (sc->host_state)
		__free_page(sc->host_state);
	sc->hsave = NULL;
	sc->host_state = NULL;
}

int kvm_x86_hardware_setup(void)
{
	int ret;

	ret = svm_caps_read();
	if (ret)
		return ret;

	iopm = alloc_pages(GFP_KERNEL, SVM_IOPM_ORDER);
	if (!iopm) {
		pr_err("no memory for the I/O permission map\n");
		return -ENOMEM;
	}
	/* All ports exit. */
	memset(page_address(iopm), 0xff, PAGE_SIZE << SVM_IOPM_ORDER);
	svm_iopm_pa = __sme_set(page_to_phys(iopm));

	svm_caps_set_cpuid();
	pr_info("NPT%s%s%s%s%s%s%s\n", svm_caps.nrips ? ", next RIP" : "",
		svm_caps.decode_assists ? ", decode assists" : "",
		svm_caps.flush_by_asid ? ", flush by ASID" : "",
		svm_caps.tsc_ratio ? ", TSC ratio" : "",
		svm_caps.pause_filter ? ", PAUSE filter" : "",
		svm_caps.lbrv ? ", LBR virtualization" : "",
		svm_caps.v_spec_ctrl ? ", virtual SPEC_CTRL" : "");
	return 0;
}

void kvm_x86_hardware_unsetup(void)
{
	__free_pages(iopm, SVM_IOPM_ORDER);
}

int kvm_x86_enable_virtualization_cpu(void)
{
	struct svm_cpu *sc = this_cpu_ptr(&svm_cpu);
	u64 efer = native_read_msr(MSR_EFER);
	u32 nr_asids;

	if (efer & EFER_SVME)
		return -EBUSY;

	/* ASID 0 is the host's. */
	nr_asids = native_cpuid_ebx(SVM_CPUID_FUNC);
	if (nr_asids < 2)
		return -EOPNOTSUPP;
	sc->max_asid = nr_asids - 1;
	/* Used up: the first guest takes a new generation and flushes all. */
	sc->next_asid = sc->max_asid + 1;
	sc->asid_generation++;

	/* Faults where firmware of this CPU locked SVM, unlike the boot CPU's. */
	if (native_write_msr_safe(MSR_EFER, lower_32_bits(efer | EFER_SVME), upper_32_bits(efer)))
		return -EIO;
	native_wrmsrl(MSR_VM_HSAVE_PA, __sme_set(page_to_phys(sc->hsave)));

	if (svm_caps.tsc_ratio) {
		sc->tsc_ratio = SVM_TSC_RATIO_DEFAULT;
		native_wrmsrl(MSR_AMD64_TSC_RATIO, sc->tsc_ratio);
	}
	/*
	 * What one guest trained must not steer the host's returns. VMs come and
	 * go with the extension, so the CPU pays only while there is one. Source:
	 * the kernel's Documentation/admin-guide/hw-vuln/srso.rst.
	 */
	if (compat_srso_reduce_in_guests())
		msr_set_bit(MSR_ZEN4_BP_CFG, SVM_BP_CFG_REDUCE_BIT);
	/* Bits by which an event counts hosts or guests only mean nothing without SVM. */
	amd_pmu_enable_virt();
	return 0;
}

/*
 * STGI first: with GIF clear, no interrupt or NMI would ever come in again. An NMI
 * that crashes the host may find any part of this done, and does it anew.
 */
static void switch_off(void)
{
	u64 efer = native_read_msr(MSR_EFER);

	if (!(efer & EFER_SVME))
		return;

	svm_stgi();
	native_wrmsrl(MSR_VM_HSAVE_PA, 0);
	native_wrmsrl(MSR_EFER, efer & ~EFER_SVME);
}

void kvm_x86_disable_virtualization_cpu(void)
{
	struct svm_cpu *sc = this_cpu_ptr(&svm_cpu);

	if (svm_caps.tsc_ratio && sc->tsc_ratio != SVM_TSC_RATIO_DEFAULT) {
		sc->tsc_ratio = SVM_TSC_RATIO_DEFAULT;
		native_wrmsrl(MSR_AMD64_TSC_RATIO, sc->tsc_ratio);
	}
	switch_off();
	amd_pmu_disable_virt();
	if (compat_srso_reduce_in_guests())
		msr_clear_bit(MSR_ZEN4_BP_CFG, SVM_BP_CFG_REDUCE_BIT);
}

void kvm_x86_emergency_disable_virtualization_cpu(void)
{
	switch_off();
}

int kvm_x86_vm_init(struct kvm *kvm)
{
	return 0;
}

void kvm_x86_vm_destroy(struct kvm *kvm)
{
}

size_t kvm_x86_vm_size(void)
{
	BUILD_BUG_ON(offsetof(struct kvm_svm, kvm));
	return sizeof(struct kvm_svm);
}

size_t kvm_x86_vcpu_size(void)
{
	BUILD_BUG_ON(offsetof(struct vcpu_svm, vcpu));
	return sizeof(struct vcpu_svm);
}
