// SPDX-License-Identifier: GPL-2.0-only
/*
 * SVM as a whole: may this CPU be used, how is it switched on and off, what is
 * decided once at load. Nothing here knows a vCPU.
 */
#define pr_fmt(fmt) "svm: " fmt

#include <linux/cc_platform.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mem_encrypt.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <asm/cpufeature.h>
#include <asm/perf_event.h>
#include <asm/processor.h>

#include "core/compat.h"
#include "core/cpuid.h"
#include "core/cr.h"
#include "core/msr.h"
#include "ops/hw.h"
#include "ops/mmu.h"
#include "svm/format.h"
#include "svm/svm.h"

static bool npt = true;
module_param(npt, bool, 0444);
MODULE_PARM_DESC(npt, "Nested paging; there is no other way here, 0 refuses to load");

static bool nrips = true;
module_param(nrips, bool, 0444);
MODULE_PARM_DESC(nrips, "Use the next RIP the CPU reports; 0: decode instructions instead");

static bool vgif = true;
module_param(vgif, bool, 0444);
MODULE_PARM_DESC(vgif, "Accepted for compatibility; guests see no SVM, so nothing uses it");

static bool tsc_scaling = true;
module_param(tsc_scaling, bool, 0444);
MODULE_PARM_DESC(tsc_scaling, "Use the TSC ratio MSR");

static bool lbrv = true;
module_param(lbrv, bool, 0444);
MODULE_PARM_DESC(lbrv, "Switch DEBUGCTL and last-branch records for guests that use them");

unsigned short pause_filter_thresh = 128;
module_param(pause_filter_thresh, ushort, 0444);
MODULE_PARM_DESC(pause_filter_thresh, "Cycles between PAUSEs of one spin loop; 0: no limit");

unsigned short pause_filter_count = 3000;
module_param(pause_filter_count, ushort, 0444);
MODULE_PARM_DESC(pause_filter_count, "PAUSEs in one spin loop before an exit");

unsigned short pause_filter_count_grow = 2;
module_param(pause_filter_count_grow, ushort, 0444);
MODULE_PARM_DESC(pause_filter_count_grow, "Factor to the count after each PAUSE exit");

unsigned short pause_filter_count_shrink;
module_param(pause_filter_count_shrink, ushort, 0444);
MODULE_PARM_DESC(pause_filter_count_shrink, "Divisor of the count when the vCPU is scheduled in; 0: reset it");

unsigned short pause_filter_count_max = USHRT_MAX;
module_param(pause_filter_count_max, ushort, 0444);
MODULE_PARM_DESC(pause_filter_count_max, "Upper limit of the count");

bool dump_invalid_vmcb;
module_param(dump_invalid_vmcb, bool, 0644);
MODULE_PARM_DESC(dump_invalid_vmcb, "Print the VMCB when VMRUN refuses it");

bool svm_has_nrips __ro_after_init;
bool svm_has_decode_assists __ro_after_init;
bool svm_has_flush_by_asid __ro_after_init;
bool svm_has_tsc_ratio __ro_after_init;
bool svm_has_pause_filter __ro_after_init;
bool svm_has_pause_threshold __ro_after_init;
bool svm_has_lbrv __ro_after_init;
bool svm_has_v_spec_ctrl __ro_after_init;
int svm_tsc_aux_slot __ro_after_init = -1;
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
	int err;

	if (facts.amd) {
		facts.max_ext_leaf = native_cpuid_eax(0x80000000);
		facts.ext_ecx = native_cpuid_ecx(0x80000001);
	}
	if (svm_exists(&facts)) {
		facts.svm_edx = native_cpuid_edx(SVM_CPUID_FUNC);
		/* Such a guest may not even read them. */
		if (!facts.encrypted_guest) {
			facts.vm_cr = svm_rdmsr(MSR_VM_CR);
			facts.efer = svm_rdmsr(MSR_EFER);
		}
	}
	why = svm_refusal(&facts, &err);
	if (why)
		pr_err("%s\n", why);
	return err;
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

static void free_cpus(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct svm_cpu *sc = per_cpu_ptr(&svm_cpu, cpu);

		if (sc->hsave)
			__free_page(sc->hsave);
		if (sc->host_state)
			__free_page(sc->host_state);
		sc->hsave = NULL;
		sc->host_state = NULL;
	}
}

static int alloc_cpus(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct svm_cpu *sc = per_cpu_ptr(&svm_cpu, cpu);

		sc->hsave = svm_alloc_page(cpu_to_node(cpu), GFP_KERNEL);
		sc->host_state = svm_alloc_page(cpu_to_node(cpu), GFP_KERNEL);
		if (!sc->hsave || !sc->host_state) {
			free_cpus();
			return -ENOMEM;
		}
		sc->host_state_pa = __sme_set(page_to_phys(sc->host_state));
	}
	return 0;
}

/* Which optional features are used: the CPU has it and no parameter forbids it. */
static void decide_features(void)
{
	svm_has_nrips = nrips && boot_cpu_has(X86_FEATURE_NRIPS);
	svm_has_decode_assists = boot_cpu_has(X86_FEATURE_DECODEASSISTS);
	svm_has_flush_by_asid = boot_cpu_has(X86_FEATURE_FLUSHBYASID);
	svm_has_tsc_ratio = tsc_scaling && boot_cpu_has(X86_FEATURE_TSCRATEMSR);
	svm_has_pause_filter = pause_filter_count && boot_cpu_has(X86_FEATURE_PAUSEFILTER);
	svm_has_pause_threshold = svm_has_pause_filter && pause_filter_thresh &&
				  boot_cpu_has(X86_FEATURE_PFTHRESHOLD);
	svm_has_lbrv = lbrv && boot_cpu_has(X86_FEATURE_LBRV);
	svm_has_v_spec_ctrl = boot_cpu_has(X86_FEATURE_V_SPEC_CTRL);
}

static void set_caps(void)
{
	if (boot_cpu_has(X86_FEATURE_FXSR_OPT))
		kvm_efer_supported |= EFER_FFXSR;

	/* VIRT_SPEC_CTRL is emulated through whatever the host switches SSBD with. */
	if (boot_cpu_has(X86_FEATURE_LS_CFG_SSBD) || boot_cpu_has(X86_FEATURE_AMD_SSBD) ||
	    boot_cpu_has(X86_FEATURE_VIRT_SSBD))
		kvm_cpu_cap_set(X86_FEATURE_VIRT_SSBD);
}

int kvm_x86_hardware_setup(void)
{
	int ret;

	if (!npt) {
		pr_err("npt=0: guests cannot run without nested paging\n");
		return -EINVAL;
	}
	if (!boot_cpu_has(X86_FEATURE_NX)) {
		pr_err("CPU or firmware offers no NX\n");
		return -EOPNOTSUPP;
	}

	iopm = alloc_pages(GFP_KERNEL, SVM_IOPM_ORDER);
	if (!iopm) {
		pr_err("no memory for the I/O permission map\n");
		return -ENOMEM;
	}
	/* All ports exit. */
	memset(page_address(iopm), 0xff, PAGE_SIZE << SVM_IOPM_ORDER);
	svm_iopm_pa = __sme_set(page_to_phys(iopm));

	ret = alloc_cpus();
	if (ret) {
		pr_err("no memory for the host save areas\n");
		__free_pages(iopm, SVM_IOPM_ORDER);
		return ret;
	}

	decide_features();
	if (boot_cpu_has(X86_FEATURE_RDTSCP) || boot_cpu_has(X86_FEATURE_RDPID))
		svm_tsc_aux_slot = kvm_add_user_return_msr(MSR_TSC_AUX);
	set_caps();
	return 0;
}

void kvm_x86_hardware_unsetup(void)
{
	free_cpus();
	__free_pages(iopm, SVM_IOPM_ORDER);
}

int kvm_x86_enable_virtualization_cpu(void)
{
	struct svm_cpu *sc = this_cpu_ptr(&svm_cpu);
	u64 efer = svm_rdmsr(MSR_EFER);
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
	svm_wrmsr(MSR_VM_HSAVE_PA, __sme_set(page_to_phys(sc->hsave)));

	if (svm_has_tsc_ratio) {
		svm_wrmsr(MSR_AMD64_TSC_RATIO, SVM_TSC_RATIO_DEFAULT);
		sc->tsc_ratio = SVM_TSC_RATIO_DEFAULT;
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
	u64 efer = svm_rdmsr(MSR_EFER);

	if (!(efer & EFER_SVME))
		return;

	svm_stgi();
	svm_wrmsr(MSR_VM_HSAVE_PA, 0);
	svm_wrmsr(MSR_EFER, efer & ~EFER_SVME);
}

void kvm_x86_disable_virtualization_cpu(void)
{
	struct svm_cpu *sc = this_cpu_ptr(&svm_cpu);

	if (svm_has_tsc_ratio && sc->tsc_ratio != SVM_TSC_RATIO_DEFAULT) {
		svm_wrmsr(MSR_AMD64_TSC_RATIO, SVM_TSC_RATIO_DEFAULT);
		sc->tsc_ratio = SVM_TSC_RATIO_DEFAULT;
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
