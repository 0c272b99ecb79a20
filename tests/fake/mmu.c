// SPDX-License-Identifier: GPL-2.0-only
/*
 * Second-stage paging of the software vendor: nothing walks the tables, so
 * roots and flushes are only logged.
 */
#include <asm/pgtable_types.h>

#include "ops/mmu.h"
#include "tests/fake/fake.h"

int kvm_x86_tdp_level(void)
{
	return fake_hw.tdp_level;
}

int kvm_x86_tdp_max_page_level(void)
{
	return PG_LEVEL_1G;
}

bool kvm_x86_tdp_has_ad(void)
{
	return !fake_hw.tdp_no_ad;
}

bool kvm_x86_tdp_logs_dirty(void)
{
	return fake_hw.tdp_logs_dirty;
}

void kvm_x86_load_mmu_pgd(struct kvm_vcpu *vcpu, hpa_t root, int level)
{
	fake_log_add(to_fake(vcpu), FAKE_LOAD_PGD, root, level);
}

void kvm_x86_flush_tlb_all(struct kvm_vcpu *vcpu)
{
	fake_log_add(to_fake(vcpu), FAKE_FLUSH_ALL, 0, 0);
}

void kvm_x86_flush_tlb_current(struct kvm_vcpu *vcpu)
{
	fake_log_add(to_fake(vcpu), FAKE_FLUSH_CURRENT, 0, 0);
}

void kvm_x86_flush_tlb_guest(struct kvm_vcpu *vcpu)
{
	fake_log_add(to_fake(vcpu), FAKE_FLUSH_GUEST, 0, 0);
}

void kvm_x86_flush_tlb_gva(struct kvm_vcpu *vcpu, gva_t gva)
{
	fake_log_add(to_fake(vcpu), FAKE_FLUSH_GVA, gva, 0);
}
