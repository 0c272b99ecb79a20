// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model-specific registers that are the same for both vendors, the lists of
 * MSRs for userspace, and the ioctls. The vendor is asked first; MTRRs are in
 * mtrr.c, machine-check banks in mce.c, time in tsc.c and clock.c.
 */
#include <linux/kvm.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/uaccess.h>
#include <asm/apicdef.h>
#include <asm/cpufeature.h>
#include <asm/kvm_para.h>
#include <asm/msr.h>
#include <asm/page.h>
#include <asm/tsc.h>

#include "core/clock.h"
#include "core/cpuid.h"
#include "core/cr.h"
#include "core/debug.h"
#include "core/irq/lapic.h"
#include "core/msr.h"
#include "core/spec_ctrl.h"
#include "core/tsc.h"
#include "core/vm.h"
#include "ops/msr.h"
#include "ops/run.h"

#define MAX_IO_MSRS		256
#define PAT_POWER_ON		0x0007040600070406ULL
#define MISC_ENABLE_POWER_ON	(MSR_IA32_MISC_ENABLE_PEBS_UNAVAIL | \
				 MSR_IA32_MISC_ENABLE_BTS_UNAVAIL)
#define VADDR_BITS_4LEVEL	48
#define VADDR_BITS_5LEVEL	57

/*
 * MSRs that userspace has to save and restore with a vCPU. MTRRs and machine-check
 * banks are found by their capability registers and not listed.
 */
static const u32 save_candidates[] = {
	MSR_IA32_SYSENTER_CS, MSR_IA32_SYSENTER_ESP, MSR_IA32_SYSENTER_EIP,
	MSR_STAR, MSR_LSTAR, MSR_CSTAR, MSR_SYSCALL_MASK, MSR_KERNEL_GS_BASE,
	MSR_IA32_TSC, MSR_IA32_TSC_ADJUST, MSR_IA32_TSC_DEADLINE, MSR_TSC_AUX,
	MSR_IA32_CR_PAT, MSR_IA32_SPEC_CTRL, MSR_IA32_DEBUGCTLMSR, MSR_IA32_XSS,
	MSR_KVM_SYSTEM_TIME, MSR_KVM_WALL_CLOCK,
	MSR_KVM_SYSTEM_TIME_NEW, MSR_KVM_WALL_CLOCK_NEW,
	MSR_IA32_ARCH_CAPABILITIES, MSR_IA32_MISC_ENABLE, MSR_IA32_POWER_CTL,
	MSR_IA32_MCG_STATUS, MSR_IA32_MCG_CTL, MSR_IA32_UCODE_REV,
	MSR_AMD64_VIRT_SPEC_CTRL, MSR_K7_HWCR,
};

static const u32 feature_candidates[] = {
	MSR_IA32_UCODE_REV, MSR_IA32_ARCH_CAPABILITIES, MSR_AMD64_DE_CFG,
};

static u32 save_list[ARRAY_SIZE(save_candidates)] __read_mostly;
static u32 nr_save __read_mostly;
static u32 feature_list[ARRAY_SIZE(feature_candidates)] __read_mostly;
static u32 nr_feature __read_mostly;

/*
 * What of the host's IA32_ARCH_CAPABILITIES is as true for a guest: statements
 * about the silicon, and that VERW clears buffers. Bits that promise an MSR
 * (TSX_CTRL, FB_CLEAR_CTRL ...) are not passed on.
 */
#define ARCH_CAP_FOR_GUESTS	(ARCH_CAP_RDCL_NO | ARCH_CAP_IBRS_ALL | ARCH_CAP_RSBA | \
				 ARCH_CAP_SKIP_VMENTRY_L1DFLUSH | ARCH_CAP_SSB_NO | \
				 ARCH_CAP_MDS_NO | ARCH_CAP_PSCHANGE_MC_NO | ARCH_CAP_TAA_NO | \
				 ARCH_CAP_SBDR_SSDP_NO | ARCH_CAP_FBSDP_NO | \
				 ARCH_CAP_PSDP_NO | ARCH_CAP_FB_CLEAR | ARCH_CAP_RRSBA | \
				 ARCH_CAP_PBRSB_NO | ARCH_CAP_GDS_NO | ARCH_CAP_RFDS_NO | \
				 ARCH_CAP_RFDS_CLEAR | ARCH_CAP_BHI_NO)

static u64 supported_arch_capabilities(void)
{
	if (!kvm_cpu_cap_has(X86_FEATURE_ARCH_CAPABILITIES))
		return 0;
	/* The second-stage tables take care of the iTLB erratum for the guest. */
	return (native_read_msr(MSR_IA32_ARCH_CAPABILITIES) & ARCH_CAP_FOR_GUESTS) |
	       ARCH_CAP_PSCHANGE_MC_NO;
}

static enum msr_result get_feature_msr(u32 index, u64 *data)
{
	int err;

	switch (index) {
	case MSR_IA32_UCODE_REV:
		*data = native_read_msr_safe(index, &err);
		return err ? MSR_UNKNOWN : MSR_OK;
	case MSR_IA32_ARCH_CAPABILITIES:
		if (!kvm_cpu_cap_has(X86_FEATURE_ARCH_CAPABILITIES))
			return MSR_UNKNOWN;
		*data = supported_arch_capabilities();
		return MSR_OK;
	default:
		return kvm_x86_get_feature_msr(index, data);
	}
}

/* MSRs of the save list that hang on a feature of this host. */
static bool save_candidate_offered(u32 index)
{
	switch (index) {
	case MSR_TSC_AUX:
		return kvm_cpu_cap_has(X86_FEATURE_RDTSCP) || kvm_cpu_cap_has(X86_FEATURE_RDPID);
	case MSR_IA32_SPEC_CTRL:
		return kvm_cpu_cap_has(X86_FEATURE_SPEC_CTRL) ||
		       kvm_cpu_cap_has(X86_FEATURE_AMD_IBRS) ||
		       kvm_cpu_cap_has(X86_FEATURE_AMD_STIBP) ||
		       kvm_cpu_cap_has(X86_FEATURE_AMD_SSBD);
	case MSR_IA32_XSS:
		return kvm_cpu_cap_has(X86_FEATURE_XSAVES) && kvm_supported_xss();
	case MSR_IA32_ARCH_CAPABILITIES:
		return kvm_cpu_cap_has(X86_FEATURE_ARCH_CAPABILITIES);
	case MSR_AMD64_VIRT_SPEC_CTRL:
		return kvm_cpu_cap_has(X86_FEATURE_VIRT_SSBD);
	default:
		return true;
	}
}

/**
 * kvm_msr_module_init() - build the lists of MSRs
 *
 * Context: module load, after kvm_x86_hardware_setup().
 */
void kvm_msr_module_init(void)
{
	u64 data;
	int i;

	nr_save = 0;
	for (i = 0; i < ARRAY_SIZE(save_candidates); i++) {
		if (save_candidate_offered(save_candidates[i]))
			save_list[nr_save++] = save_candidates[i];
	}
	nr_feature = 0;
	for (i = 0; i < ARRAY_SIZE(feature_candidates); i++) {
		if (get_feature_msr(feature_candidates[i], &data) == MSR_OK)
			feature_list[nr_feature++] = feature_candidates[i];
	}
}

/**
 * kvm_msr_vcpu_reset() - power-on values
 * @vcpu: the vCPU
 * @init_event: INIT, which leaves these MSRs alone
 *
 * Source: Intel SDM volume 3, "Processor State After Reset".
 */
void kvm_msr_vcpu_reset(struct kvm_vcpu *vcpu, bool init_event)
{
	if (init_event)
		return;
	vcpu->apic_base = APIC_DEFAULT_PHYS_BASE | MSR_IA32_APICBASE_ENABLE;
	if (vcpu->vcpu_id == vcpu->kvm->bsp_vcpu_id)
		vcpu->apic_base |= MSR_IA32_APICBASE_BSP;
	vcpu->pat = PAT_POWER_ON;
	vcpu->ia32_misc_enable = MISC_ENABLE_POWER_ON;
	vcpu->hwcr = 0;
	vcpu->arch_capabilities = supported_arch_capabilities();
	if (get_feature_msr(MSR_IA32_UCODE_REV, &vcpu->microcode_version) != MSR_OK)
		vcpu->microcode_version = 0;
	vcpu->mcg_cap = KVM_NR_MCE_BANKS;
}

/*
 * Bits 7:0, 9, 11 minus those defined below, and what lies beyond the physical
 * address width are reserved. The x2APIC bit needs the feature and a local APIC
 * in the kernel.
 */
bool kvm_apic_base_legal(struct kvm_vcpu *vcpu, u64 apic_base)
{
	u64 defined = MSR_IA32_APICBASE_BSP | MSR_IA32_APICBASE_ENABLE | GENMASK_ULL(51, 12);

	if (guest_cap(vcpu, GUEST_CAP_X2APIC) && lapic_in_kernel(vcpu)) {
		defined |= X2APIC_ENABLE;
		if ((apic_base & (X2APIC_ENABLE | MSR_IA32_APICBASE_ENABLE)) == X2APIC_ENABLE)
			return false;
	}
	return !(apic_base & ~defined) && !(apic_base & vcpu->reserved_gpa_bits);
}

/*
 * Of the changes of mode the guest may not make: from x2APIC back to xAPIC, or
 * from off to x2APIC. Userspace restores whatever was.
 */
static bool apic_base_change_legal(u64 old, u64 new)
{
	const u64 mode = MSR_IA32_APICBASE_ENABLE | X2APIC_ENABLE;

	if ((old & mode) == mode)
		return (new & mode) != MSR_IA32_APICBASE_ENABLE;
	return (new & mode) != mode || (old & mode);
}

void kvm_apic_base_write(struct kvm_vcpu *vcpu, u64 apic_base)
{
	u64 old = vcpu->apic_base;

	WRITE_ONCE(vcpu->apic_base, apic_base);
	if (lapic_in_kernel(vcpu))
		kvm_lapic_base_changed(vcpu, old);
}

/*
 * Registers that operating systems touch without asking CPUID, and that have
 * no meaning in a guest: they read 0 and writes are dropped.
 *
 *	UCODE_WRITE, PATCH_LOADER	microcode updates: the host's business
 *	P6 and K7 counters		probed by Linux to learn that there is no PMU
 *	PERF_CTL			frequency requests of old cpufreq drivers
 *	SYSCFG, NB_CFG, INT_PENDING,	read by Linux on every AMD CPU of family
 *	BU_CFG2, DC_CFG, MMIO_CONF	10h and later
 */
static bool is_ignored(u32 index)
{
	switch (index) {
	case MSR_IA32_UCODE_WRITE:
	case MSR_AMD64_PATCH_LOADER:
	case MSR_P6_PERFCTR0 ... MSR_P6_PERFCTR1:
	case MSR_P6_EVNTSEL0 ... MSR_P6_EVNTSEL1:
	case MSR_K7_EVNTSEL0 ... MSR_K7_EVNTSEL3:
	case MSR_K7_PERFCTR0 ... MSR_K7_PERFCTR3:
	case MSR_IA32_PERF_CTL:
	case MSR_AMD64_SYSCFG:
	case MSR_AMD64_NB_CFG:
	case MSR_K8_INT_PENDING_MSG:
	case MSR_AMD64_BU_CFG2:
	case MSR_AMD64_DC_CFG:
	case MSR_FAM10H_MMIO_CONF_BASE:
		return true;
	default:
		return false;
	}
}

/*
 * Registers that describe the machine: operating systems read them on CPUs that are
 * known to have them. Nothing of the host is told; writes are refused, as by the CPU.
 * Frequencies divide others, so they are those of the simplest machine, and not 0.
 *
 * Source: Intel SDM volume 4, "Model-Specific Registers (MSRs)".
 */
static const struct {
	u32 index;
	u64 data;
} constants[] = {
	{ MSR_IA32_PLATFORM_ID, 0 },
	{ MSR_IA32_EBL_CR_POWERON, 0 },
	{ MSR_EBC_FREQUENCY_ID, 1 << 24 },		/* core clock: bus clock times 1 */
	{ MSR_FSB_FREQ, 3 },				/* 166 MHz */
	{ MSR_IA32_PERF_STATUS, 4ULL << 40 | 1000 },	/* at most bus clock times 4 */
	{ MSR_IA32_LASTBRANCHFROMIP, 0 },
	{ MSR_IA32_LASTBRANCHTOIP, 0 },
	{ MSR_IA32_LASTINTFROMIP, 0 },
	{ MSR_IA32_LASTINTTOIP, 0 },
	{ MSR_RAPL_POWER_UNIT, 0 },
	{ MSR_PKG_ENERGY_STATUS, 0 },
	{ MSR_DRAM_ENERGY_STATUS, 0 },
	{ MSR_PP0_ENERGY_STATUS, 0 },
	{ MSR_PP1_ENERGY_STATUS, 0 },
	{ MSR_K8_TSEG_ADDR, 0 },
	{ MSR_K8_TSEG_MASK, 0 },
	{ MSR_AMD64_TW_CFG, 0 },
	{ MSR_F15H_EX_CFG, 0 },
};

static enum msr_result get_constant(u32 index, u64 *data)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(constants); i++) {
		if (constants[i].index != index)
			continue;
		*data = constants[i].data;
		return MSR_OK;
	}
	return MSR_UNKNOWN;
}

static enum msr_result legal_if(bool legal)
{
	return legal ? MSR_OK : MSR_INVALID;
}

enum msr_result kvm_get_msr_common(struct kvm_vcpu *vcpu, struct msr_data *msr)
{
	enum msr_result result;

	switch (msr->index) {
	case MSR_EFER:
		msr->data = vcpu->efer;
		return MSR_OK;
	case MSR_IA32_TSC:
		msr->data = kvm_read_l1_tsc(vcpu, rdtsc());
		return MSR_OK;
	case MSR_IA32_TSC_ADJUST:
		if (!msr->host_initiated && !guest_cap(vcpu, GUEST_CAP_TSC_ADJUST))
			return MSR_INVALID;
		msr->data = vcpu->ia32_tsc_adjust;
		return MSR_OK;
	case MSR_IA32_APICBASE:
		msr->data = vcpu->apic_base;
		return MSR_OK;
	case APIC_BASE_MSR ... APIC_BASE_MSR + 0xff:
		return legal_if(kvm_lapic_x2apic_read(vcpu, msr->index, &msr->data));
	case MSR_IA32_TSC_DEADLINE:
		msr->data = lapic_in_kernel(vcpu) ? kvm_lapic_timer_get_deadline(vcpu) : 0;
		return MSR_OK;
	case MSR_IA32_CR_PAT:
		msr->data = vcpu->pat;
		return MSR_OK;
	case MSR_TSC_AUX:
		if (!msr->host_initiated && !guest_has_tsc_aux(vcpu))
			return MSR_INVALID;
		msr->data = vcpu->tsc_aux;
		return MSR_OK;
	case MSR_IA32_MISC_ENABLE:
		msr->data = vcpu->ia32_misc_enable;
		return MSR_OK;
	case MSR_IA32_POWER_CTL:
		msr->data = vcpu->power_ctl;
		return MSR_OK;
	case MSR_K7_HWCR:
		msr->data = vcpu->hwcr;
		return MSR_OK;
	case MSR_PLATFORM_INFO:
		msr->data = vcpu->platform_info;
		return legal_if(msr->host_initiated ||
				!READ_ONCE(vcpu->kvm->platform_info_hidden));
	case MSR_MISC_FEATURES_ENABLES:
		msr->data = vcpu->misc_features_enables;
		return MSR_OK;
	case MSR_IA32_ARCH_CAPABILITIES:
		if (!msr->host_initiated &&
		    !guest_cpuid_has(vcpu, X86_FEATURE_ARCH_CAPABILITIES))
			return MSR_INVALID;
		msr->data = vcpu->arch_capabilities;
		return MSR_OK;
	case MSR_IA32_PERF_CAPABILITIES:
		if (!msr->host_initiated)
			return MSR_INVALID;
		msr->data = 0;
		return MSR_OK;
	case MSR_IA32_UCODE_REV:
		msr->data = vcpu->microcode_version;
		return MSR_OK;
	case MSR_IA32_SPEC_CTRL:
		return kvm_spec_ctrl_get(vcpu, msr);
	case MSR_IA32_XSS:
		if (!msr->host_initiated && !guest_cap(vcpu, GUEST_CAP_XSAVES))
			return MSR_INVALID;
		msr->data = vcpu->xss;
		return MSR_OK;
	case MSR_IA32_DEBUGCTLMSR:
		msr->data = 0;
		return MSR_OK;
	case MSR_KVM_SYSTEM_TIME:
	case MSR_KVM_SYSTEM_TIME_NEW:
		msr->data = vcpu->clock.msr;
		return MSR_OK;
	case MSR_KVM_WALL_CLOCK:
	case MSR_KVM_WALL_CLOCK_NEW:
		msr->data = vcpu->kvm->clock.wall_msr;
		return MSR_OK;
	}

	result = kvm_mtrr_get(vcpu, msr->index, &msr->data);
	if (result == MSR_UNKNOWN)
		result = kvm_mce_get(vcpu, msr->index, &msr->data, msr->host_initiated);
	if (result == MSR_UNKNOWN && is_ignored(msr->index)) {
		msr->data = 0;
		result = MSR_OK;
	}
	if (result == MSR_UNKNOWN)
		result = get_constant(msr->index, &msr->data);
	return result;
}

/**
 * kvm_msr_command_offered() - may the guest give this command?
 * @vcpu: the vCPU
 * @index: MSR_IA32_PRED_CMD or MSR_IA32_FLUSH_CMD
 *
 * It concerns nothing but the CPU it runs on and leaves nothing to be read, so
 * it passes without an exit. Context: any.
 */
bool kvm_msr_command_offered(const struct kvm_vcpu *vcpu, u32 index)
{
	return guest_cap(vcpu, index == MSR_IA32_PRED_CMD ? GUEST_CAP_PRED_CMD :
							    GUEST_CAP_FLUSH_CMD);
}

/* Commands to the predictors and the L1 cache: done on the spot, for this CPU. */
static enum msr_result set_command(struct kvm_vcpu *vcpu, const struct msr_data *msr)
{
	/* IBPB and L1D_FLUSH are both bit 0, the only one that is offered. */
	if (!kvm_msr_command_offered(vcpu, msr->index) || (msr->data & ~1ULL))
		return msr->host_initiated && !msr->data ? MSR_OK : MSR_INVALID;
	if (msr->data)
		native_wrmsrl(msr->index, msr->data);
	return MSR_OK;
}

/* Bits of MISC_ENABLE that tell what the CPU lacks: read-only for the guest. */
static enum msr_result set_misc_enable(struct kvm_vcpu *vcpu, const struct msr_data *msr)
{
	u64 changed = vcpu->ia32_misc_enable ^ msr->data;

	if (!msr->host_initiated &&
	    (changed & (MISC_ENABLE_POWER_ON | MSR_IA32_MISC_ENABLE_EMON)))
		return MSR_INVALID;
	vcpu->ia32_misc_enable = msr->data;
	return MSR_OK;
}

/* HWCR bits that guests set and that need nothing done. */
#define HWCR_TLBCACHEDIS	BIT_ULL(3)
#define HWCR_FFDIS		BIT_ULL(6)
#define HWCR_IGNNEEM		BIT_ULL(8)
#define HWCR_MCSTATUS_WREN	BIT_ULL(18)
#define HWCR_TSC_FREQ_SEL	BIT_ULL(24)
#define HWCR_IGNORED		(HWCR_TLBCACHEDIS | HWCR_FFDIS | HWCR_IGNNEEM)
#define HWCR_KEPT		(HWCR_MCSTATUS_WREN | HWCR_TSC_FREQ_SEL)

static enum msr_result set_hwcr(struct kvm_vcpu *vcpu, u64 data)
{
	if (data & ~(HWCR_IGNORED | HWCR_KEPT))
		return MSR_INVALID;
	vcpu->hwcr = data & HWCR_KEPT;
	return MSR_OK;
}

enum msr_result kvm_set_msr_common(struct kvm_vcpu *vcpu, const struct msr_data *msr)
{
	enum msr_result result;
	u64 none;

	switch (msr->index) {
	case MSR_EFER:
		return legal_if(!kvm_set_efer(vcpu, msr->data, msr->host_initiated));
	case MSR_IA32_TSC:
		kvm_write_tsc(vcpu, msr->data, msr->host_initiated);
		return MSR_OK;
	case MSR_IA32_TSC_ADJUST:
		if (!msr->host_initiated && !guest_cap(vcpu, GUEST_CAP_TSC_ADJUST))
			return MSR_INVALID;
		kvm_adjust_tsc(vcpu, msr->data, msr->host_initiated);
		return MSR_OK;
	case MSR_IA32_APICBASE:
		if (!kvm_apic_base_legal(vcpu, msr->data) ||
		    (!msr->host_initiated &&
		     !apic_base_change_legal(vcpu->apic_base, msr->data)))
			return MSR_INVALID;
		kvm_apic_base_write(vcpu, msr->data);
		return MSR_OK;
	case APIC_BASE_MSR ... APIC_BASE_MSR + 0xff:
		return legal_if(kvm_lapic_x2apic_write(vcpu, msr->index, msr->data));
	case MSR_IA32_TSC_DEADLINE:
		/* Without effect in the timer's other modes, and without a timer. */
		if (lapic_in_kernel(vcpu))
			kvm_lapic_timer_set_deadline(vcpu, msr->data);
		return MSR_OK;
	case MSR_IA32_CR_PAT:
		if (!kvm_pat_legal(msr->data))
			return MSR_INVALID;
		vcpu->pat = msr->data;
		kvm_x86_set_pat(vcpu);
		return MSR_OK;
	case MSR_TSC_AUX:
		if ((!msr->host_initiated && !guest_has_tsc_aux(vcpu)) || msr->data >> 32)
			return MSR_INVALID;
		vcpu->tsc_aux = msr->data;
		kvm_user_return_msrs_changed(vcpu);
		return MSR_OK;
	case MSR_IA32_MISC_ENABLE:
		return set_misc_enable(vcpu, msr);
	case MSR_PLATFORM_INFO:
		/* Userspace's to choose, but CPUID faulting is not offered. */
		if (!msr->host_initiated || (msr->data & MSR_PLATFORM_INFO_CPUID_FAULT))
			return MSR_INVALID;
		vcpu->platform_info = msr->data;
		return MSR_OK;
	case MSR_MISC_FEATURES_ENABLES:
	case MSR_IA32_PERF_CAPABILITIES:
		/* Nothing in them is offered: CPUID faulting, PMU. */
		return legal_if(!msr->data && (msr->host_initiated ||
					       msr->index == MSR_MISC_FEATURES_ENABLES));
	case MSR_IA32_ARCH_CAPABILITIES:
		if (!msr->host_initiated)
			return MSR_INVALID;
		vcpu->arch_capabilities = msr->data;
		return MSR_OK;
	case MSR_IA32_UCODE_REV:
		/* Guests write 0 before they read; only userspace's writes count. */
		if (msr->host_initiated)
			vcpu->microcode_version = msr->data;
		return MSR_OK;
	case MSR_IA32_SPEC_CTRL:
		return kvm_spec_ctrl_set(vcpu, msr);
	case MSR_IA32_XSS:
		if ((!msr->host_initiated && !guest_cap(vcpu, GUEST_CAP_XSAVES)) ||
		    (msr->data & ~kvm_supported_xss()))
			return MSR_INVALID;
		vcpu->xss = msr->data;
		return MSR_OK;
	case MSR_IA32_POWER_CTL:
		/* Power is the host's to save: the guest reads back what it asked for. */
		vcpu->power_ctl = msr->data;
		return MSR_OK;
	case MSR_K7_HWCR:
		return set_hwcr(vcpu, msr->data);
	case MSR_IA32_DEBUGCTLMSR:
		return kvm_debugctl_value(msr, DEBUGCTLMSR_LBR | DEBUGCTLMSR_BTF, 0, &none);
	case MSR_IA32_PRED_CMD:
	case MSR_IA32_FLUSH_CMD:
		return set_command(vcpu, msr);
	case MSR_KVM_SYSTEM_TIME:
	case MSR_KVM_SYSTEM_TIME_NEW:
		kvm_clock_write_system_time(vcpu, msr->data);
		return MSR_OK;
	case MSR_KVM_WALL_CLOCK:
	case MSR_KVM_WALL_CLOCK_NEW:
		/* Guest memory: the host may have to bring the page in. */
		kvm_x86_host_data_touched(vcpu);
		return legal_if(!kvm_clock_write_wall_clock(vcpu->kvm, msr->data));
	}

	result = kvm_mtrr_set(vcpu, msr->index, msr->data);
	if (result == MSR_UNKNOWN)
		result = kvm_mce_set(vcpu, msr->index, msr->data, msr->host_initiated);
	if (result == MSR_UNKNOWN && is_ignored(msr->index))
		result = MSR_OK;
	return result;
}

/*
 * Addresses must be canonical, for whoever writes them. SYSENTER's are on
 * Intel; AMD does not check them, so make them canonical and never load an
 * illegal value into hardware.
 */
static bool fix_address(struct kvm_vcpu *vcpu, struct msr_data *msr)
{
	u8 bits = kvm_read_cr4_bits(vcpu, X86_CR4_LA57) ? VADDR_BITS_5LEVEL : VADDR_BITS_4LEVEL;

	switch (msr->index) {
	case MSR_FS_BASE:
	case MSR_GS_BASE:
	case MSR_KERNEL_GS_BASE:
	case MSR_CSTAR:
	case MSR_LSTAR:
		return __is_canonical_address(msr->data, bits);
	case MSR_IA32_SYSENTER_ESP:
	case MSR_IA32_SYSENTER_EIP:
		msr->data = __canonical_address(msr->data, bits);
		return true;
	default:
		return true;
	}
}

/**
 * kvm_get_msr() - RDMSR, by the guest or by ioctl
 * @vcpu: the vCPU, loaded
 * @index: ECX; the guest's choice
 * @data: result; unchanged if not MSR_OK
 * @host_initiated: by ioctl
 */
enum msr_result kvm_get_msr(struct kvm_vcpu *vcpu, u32 index, u64 *data, bool host_initiated)
{
	struct msr_data msr = { .index = index, .host_initiated = host_initiated };
	enum msr_result result;

	result = kvm_x86_get_msr(vcpu, &msr);
	if (result == MSR_UNKNOWN)
		result = kvm_get_msr_common(vcpu, &msr);
	if (result == MSR_OK)
		*data = msr.data;
	return result;
}

/**
 * kvm_set_msr() - WRMSR, by the guest or by ioctl
 * @vcpu: the vCPU, loaded
 * @index: ECX; the guest's choice
 * @data: EDX:EAX
 * @host_initiated: by ioctl
 *
 * Context: kvm->srcu held, may sleep.
 */
enum msr_result kvm_set_msr(struct kvm_vcpu *vcpu, u32 index, u64 data, bool host_initiated)
{
	struct msr_data msr = { .index = index, .data = data, .host_initiated = host_initiated };
	enum msr_result result;

	if (!fix_address(vcpu, &msr))
		return MSR_INVALID;
	result = kvm_x86_set_msr(vcpu, &msr);
	if (result == MSR_UNKNOWN)
		result = kvm_set_msr_common(vcpu, &msr);
	return result;
}

static int put_msr_list(struct kvm_msr_list __user *list, const u32 *indices, u32 nr)
{
	u32 room;

	if (get_user(room, &list->nmsrs))
		return -EFAULT;
	if (put_user(nr, &list->nmsrs))
		return -EFAULT;
	if (room < nr)
		return -E2BIG;
	return copy_to_user(list->indices, indices, nr * sizeof(*indices)) ? -EFAULT : 0;
}

int kvm_dev_ioctl_get_msr_index_list(struct kvm_msr_list __user *list)
{
	return put_msr_list(list, save_list, nr_save);
}

int kvm_dev_ioctl_get_msr_feature_index_list(struct kvm_msr_list __user *list)
{
	return put_msr_list(list, feature_list, nr_feature);
}

enum msr_access {
	MSR_ACCESS_FEATURE,
	MSR_ACCESS_GET,
	MSR_ACCESS_SET,
};

static enum msr_result access_one(struct kvm_vcpu *vcpu, struct kvm_msr_entry *entry,
				  enum msr_access access)
{
	switch (access) {
	case MSR_ACCESS_FEATURE:
		return get_feature_msr(entry->index, &entry->data);
	case MSR_ACCESS_GET:
		return kvm_get_msr(vcpu, entry->index, &entry->data, true);
	default:
		return kvm_set_msr(vcpu, entry->index, entry->data, true);
	}
}

/* Return: how many were done before one was refused. */
static u32 access_list(struct kvm_vcpu *vcpu, struct kvm_msr_entry *entries, u32 nr,
		       enum msr_access access)
{
	u32 done;

	for (done = 0; done < nr; done++) {
		if (access_one(vcpu, &entries[done], access) != MSR_OK)
			break;
	}
	return done;
}

/*
 * Work through a list and stop at the first MSR that is refused.
 * @vcpu: NULL with MSR_ACCESS_FEATURE
 * Return: how many were done, -E2BIG, -EFAULT, -ENOMEM.
 */
static int msr_io(struct kvm_vcpu *vcpu, struct kvm_msrs __user *user, enum msr_access access)
{
	struct kvm_msr_entry *entries;
	int idx, done;
	u32 nr;

	if (get_user(nr, &user->nmsrs))
		return -EFAULT;
	if (nr >= MAX_IO_MSRS)
		return -E2BIG;
	entries = memdup_user(user->entries, array_size(nr, sizeof(*entries)));
	if (IS_ERR(entries))
		return PTR_ERR(entries);

	if (vcpu) {
		idx = srcu_read_lock(&vcpu->kvm->srcu);
		done = access_list(vcpu, entries, nr, access);
		srcu_read_unlock(&vcpu->kvm->srcu, idx);
	} else {
		done = access_list(NULL, entries, nr, access);
	}

	if (access != MSR_ACCESS_SET &&
	    copy_to_user(user->entries, entries, array_size(nr, sizeof(*entries))))
		done = -EFAULT;
	kfree(entries);
	return done;
}

int kvm_dev_ioctl_get_feature_msrs(struct kvm_msrs __user *msrs)
{
	return msr_io(NULL, msrs, MSR_ACCESS_FEATURE);
}

int kvm_vcpu_ioctl_get_msrs(struct kvm_vcpu *vcpu, struct kvm_msrs __user *msrs)
{
	return msr_io(vcpu, msrs, MSR_ACCESS_GET);
}

int kvm_vcpu_ioctl_set_msrs(struct kvm_vcpu *vcpu, struct kvm_msrs __user *msrs)
{
	return msr_io(vcpu, msrs, MSR_ACCESS_SET);
}
