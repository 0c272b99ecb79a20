// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory-type range registers and the page-attribute table as a guest reads
 * and writes them. They are stored and checked, no more: with two-dimensional
 * paging the guest's PAT and the host's second-stage type decide how memory is
 * cached.
 *
 * Source: AMD APM volume 2, "Memory System"; Intel SDM volume 3, "Memory Cache Control".
 */
#include <linux/bits.h>
#include <linux/nospec.h>
#include <asm/msr-index.h>
#include <asm/mtrr.h>

#include "core/cpuid.h"
#include "core/msr.h"
#include "core/vcpu.h"

#define MTRRCAP_FIX		BIT(8)
#define MTRRCAP_WC		BIT(10)
#define MTRR_DEF_DEFINED	(BIT(11) | BIT(10) | GENMASK(7, 0))	/* E, FE, type */
#define VAR_FIRST		0x200
#define VAR_LAST		(VAR_FIRST + 2 * KVM_NR_VAR_MTRR - 1)

/* UC, WC, WT, WP, WB; PAT has UC- as well. */
static bool mtrr_type_legal(u8 type)
{
	return type < 8 && (BIT(type) & (BIT(0) | BIT(1) | BIT(4) | BIT(5) | BIT(6)));
}

static bool pat_type_legal(u8 type)
{
	return mtrr_type_legal(type) || type == 7;
}

bool kvm_pat_legal(u64 data)
{
	int i;

	for (i = 0; i < 64; i += 8) {
		if (!pat_type_legal(data >> i))
			return false;
	}
	return true;
}

/* The fixed ranges in the order of mtrr.fixed[]; -1: not one of them. */
static int fixed_index(u32 index)
{
	switch (index) {
	case MSR_MTRRfix64K_00000:
		return 0;
	case MSR_MTRRfix16K_80000:
		return 1;
	case MSR_MTRRfix16K_A0000:
		return 2;
	case MSR_MTRRfix4K_C0000 ... MSR_MTRRfix4K_F8000:
		return 3 + index - MSR_MTRRfix4K_C0000;
	default:
		return -1;
	}
}

static u64 *find(struct kvm_vcpu *vcpu, u32 index)
{
	int fixed = fixed_index(index);
	u32 var;

	if (index == MSR_MTRRdefType)
		return &vcpu->mtrr.deftype;
	if (fixed >= 0)
		return &vcpu->mtrr.fixed[array_index_nospec(fixed, KVM_NR_FIXED_MTRR)];
	if (index < VAR_FIRST || index > VAR_LAST)
		return NULL;
	var = array_index_nospec((index - VAR_FIRST) / 2, KVM_NR_VAR_MTRR);
	return index & 1 ? &vcpu->mtrr.var_mask[var] : &vcpu->mtrr.var_base[var];
}

static bool value_legal(struct kvm_vcpu *vcpu, u32 index, u64 data)
{
	int i;

	if (index == MSR_MTRRdefType)
		return !(data & ~(u64)MTRR_DEF_DEFINED) && mtrr_type_legal(data);
	if (fixed_index(index) >= 0) {
		for (i = 0; i < 64; i += 8) {
			if (!mtrr_type_legal(data >> i))
				return false;
		}
		return true;
	}
	if (data & vcpu->reserved_gpa_bits)
		return false;
	if (index & 1)
		return !(data & GENMASK_ULL(10, 0));
	return !(data & GENMASK_ULL(11, 8)) && mtrr_type_legal(data);
}

enum msr_result kvm_mtrr_get(struct kvm_vcpu *vcpu, u32 index, u64 *data)
{
	u64 *reg;

	if (index == MSR_MTRRcap) {
		*data = KVM_NR_VAR_MTRR | MTRRCAP_FIX | MTRRCAP_WC;
		return MSR_OK;
	}
	reg = find(vcpu, index);
	if (!reg)
		return MSR_UNKNOWN;
	*data = *reg;
	return MSR_OK;
}

enum msr_result kvm_mtrr_set(struct kvm_vcpu *vcpu, u32 index, u64 data)
{
	u64 *reg;

	if (index == MSR_MTRRcap)
		return MSR_INVALID;
	reg = find(vcpu, index);
	if (!reg)
		return MSR_UNKNOWN;
	if (!value_legal(vcpu, index, data))
		return MSR_INVALID;
	*reg = data;
	return MSR_OK;
}
