// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's machine-check banks: its own reads and writes, and errors that
 * userspace puts in (KVM_X86_SET_MCE). Machine checks of the host are handed to
 * the kernel.
 *
 * Source: AMD APM volume 2, "Machine Check Architecture"; Intel SDM volume 3,
 * "Machine-Check Architecture".
 */
#include <linux/kvm.h>
#include <linux/nospec.h>
#include <asm/mce.h>
#include <asm/msr-index.h>
#include <asm/ptrace.h>

#include "core/cpuid.h"
#include "core/cr.h"
#include "core/event.h"
#include "core/msr.h"
#include "core/request.h"
#include "core/vcpu.h"
#include "ops/run.h"

#define MCG_CAP_BANKS		GENMASK_ULL(7, 0)
#define MCG_CAP_EXT_COUNT	GENMASK_ULL(23, 16)	/* meaningless here, allowed */
#define MCG_CAP_SUPPORTED	(MCG_CTL_P | MCG_SER_P)

/* Registers of a bank, in the order of their MSRs. */
enum { BANK_CTL, BANK_STATUS, BANK_ADDR, BANK_MISC, BANK_REGS };

/*
 * Values that operating systems write to a bank's CTL besides 0 and all ones:
 * Linux leaves bit 10 clear on old AMD CPUs (the GART workaround) and bit 0
 * on old Intel ones.
 */
#define BANK_CTL_IGNORED	(BIT_ULL(10) | BIT_ULL(0))

u64 kvm_mce_cap_supported(void)
{
	return MCG_CAP_SUPPORTED;
}

static unsigned int nr_banks(const struct kvm_vcpu *vcpu)
{
	return vcpu->mcg_cap & MCG_CAP_BANKS;
}

/* The register behind a bank's MSR; NULL: no such bank. */
static u64 *bank_reg(struct kvm_vcpu *vcpu, u32 index)
{
	u32 nr = nr_banks(vcpu) * BANK_REGS;
	u32 offset = index - MSR_IA32_MC0_CTL;

	if (index < MSR_IA32_MC0_CTL || offset >= nr)
		return NULL;
	return &vcpu->mce_banks[array_index_nospec(offset, nr)];
}

enum msr_result kvm_mce_get(struct kvm_vcpu *vcpu, u32 index, u64 *data, bool host_initiated)
{
	u64 *reg;

	switch (index) {
	case MSR_IA32_MCG_CAP:
		*data = vcpu->mcg_cap;
		return MSR_OK;
	case MSR_IA32_MCG_STATUS:
		*data = vcpu->mcg_status;
		return MSR_OK;
	case MSR_IA32_MCG_CTL:
		if (!(vcpu->mcg_cap & MCG_CTL_P) && !host_initiated)
			return MSR_INVALID;
		*data = vcpu->mcg_ctl;
		return MSR_OK;
	}
	reg = bank_reg(vcpu, index);
	if (!reg)
		return MSR_UNKNOWN;
	*data = *reg;
	return MSR_OK;
}

/* A guest may clear STATUS, and set CTL to nothing or everything. */
static bool bank_write_legal(u32 index, u64 data)
{
	switch ((index - MSR_IA32_MC0_CTL) % BANK_REGS) {
	case BANK_CTL:
		return !data || (data | BANK_CTL_IGNORED) == ~0ULL;
	case BANK_STATUS:
		return !data;
	default:
		return true;
	}
}

enum msr_result kvm_mce_set(struct kvm_vcpu *vcpu, u32 index, u64 data, bool host_initiated)
{
	u64 *reg;

	switch (index) {
	case MSR_IA32_MCG_CAP:
		return MSR_INVALID;
	case MSR_IA32_MCG_STATUS:
		vcpu->mcg_status = data;
		return MSR_OK;
	case MSR_IA32_MCG_CTL:
		if (!host_initiated &&
		    (!(vcpu->mcg_cap & MCG_CTL_P) || (data && data != ~0ULL)))
			return MSR_INVALID;
		vcpu->mcg_ctl = data;
		return MSR_OK;
	}
	reg = bank_reg(vcpu, index);
	if (!reg)
		return MSR_UNKNOWN;
	if (!host_initiated && !bank_write_legal(index, data))
		return MSR_INVALID;
	*reg = data;
	return MSR_OK;
}

/**
 * kvm_vcpu_ioctl_setup_mce() - KVM_X86_SETUP_MCE
 * @vcpu: the vCPU
 * @mcg_cap: number of banks and KVM_X86_GET_MCE_CAP_SUPPORTED bits
 *
 * Return: 0, or -EINVAL (no banks, too many, unsupported bits).
 */
int kvm_vcpu_ioctl_setup_mce(struct kvm_vcpu *vcpu, u64 mcg_cap)
{
	unsigned int bank, nr = mcg_cap & MCG_CAP_BANKS;

	if (!nr || nr > KVM_NR_MCE_BANKS)
		return -EINVAL;
	if (mcg_cap & ~(MCG_CAP_SUPPORTED | MCG_CAP_BANKS | MCG_CAP_EXT_COUNT))
		return -EINVAL;
	vcpu->mcg_cap = mcg_cap;
	if (mcg_cap & MCG_CTL_P)
		vcpu->mcg_ctl = ~0ULL;
	for (bank = 0; bank < nr; bank++)
		vcpu->mce_banks[bank * BANK_REGS + BANK_CTL] = ~0ULL;
	return 0;
}

static void store_error(u64 *bank, const struct kvm_x86_mce *mce, u64 status)
{
	bank[BANK_STATUS] = status;
	bank[BANK_ADDR] = mce->addr;
	bank[BANK_MISC] = mce->misc;
}

/**
 * kvm_vcpu_ioctl_set_mce() - KVM_X86_SET_MCE: an error happens
 * @vcpu: the vCPU, loaded
 * @mce: private copy
 *
 *	new error	bank holds	then
 *	uncorrected	anything	overwrite, OVER if it was valid; #MC
 *	corrected	nothing valid	overwrite
 *	corrected	corrected	overwrite, OVER
 *	corrected	uncorrected	keep, OVER
 *
 * An uncorrected error that is not enabled (MCG_CTL, CTL) is dropped; one that
 * finds a machine check in progress, or CR4.MCE clear, shuts the vCPU down.
 * Return: 0, or -EINVAL (no such bank, status not valid).
 */
int kvm_vcpu_ioctl_set_mce(struct kvm_vcpu *vcpu, const struct kvm_x86_mce *mce)
{
	unsigned int nr = nr_banks(vcpu);
	u64 status = mce->status;
	u64 *bank;

	if (mce->bank >= nr || !(status & MCI_STATUS_VAL))
		return -EINVAL;
	bank = &vcpu->mce_banks[array_index_nospec(mce->bank, nr) * BANK_REGS];

	if (!(status & MCI_STATUS_UC)) {
		if (!(bank[BANK_STATUS] & MCI_STATUS_VAL))
			store_error(bank, mce, status);
		else if (!(bank[BANK_STATUS] & MCI_STATUS_UC))
			store_error(bank, mce, status | MCI_STATUS_OVER);
		else
			bank[BANK_STATUS] |= MCI_STATUS_OVER;
		return 0;
	}

	if (((vcpu->mcg_cap & MCG_CTL_P) && vcpu->mcg_ctl != ~0ULL) || bank[BANK_CTL] != ~0ULL)
		return 0;
	if ((vcpu->mcg_status & MCG_STATUS_MCIP) || !kvm_read_cr4_bits(vcpu, X86_CR4_MCE)) {
		kvm_make_request(KVM_REQ_TRIPLE_FAULT, vcpu);
		return 0;
	}
	if (bank[BANK_STATUS] & MCI_STATUS_VAL)
		status |= MCI_STATUS_OVER;
	store_error(bank, mce, status);
	vcpu->mcg_status = mce->mcg_status;
	kvm_queue_exception(vcpu, MC_VECTOR);
	return 0;
}

/**
 * kvm_host_machine_check() - a machine check of the host made the guest exit
 * @vcpu: the vCPU
 *
 * Nobody else delivers it. Context: irqs off, after the exit, host state is back.
 */
void kvm_host_machine_check(struct kvm_vcpu *vcpu)
{
	/* As if it had hit userspace: that may be killed for it, the kernel not. */
	struct pt_regs regs = {
		.cs = 3,
		.flags = X86_EFLAGS_IF,
	};

	kvm_x86_host_data_touched(vcpu);
	do_machine_check(&regs);
}
