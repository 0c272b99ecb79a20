// SPDX-License-Identifier: GPL-2.0-only
/*
 * Life of a software vCPU, its script and its log, and the guest's time.
 */
#include <linux/string.h>

#include "core/block.h"
#include "core/cr.h"
#include "core/debug.h"
#include "core/irq/lapic.h"
#include "core/regs.h"
#include "ops/apic.h"
#include "ops/timer.h"
#include "ops/vcpu.h"
#include "tests/fake/fake.h"

void fake_log_add(struct fake_vcpu *fake, enum fake_op op, u64 a, u64 b)
{
	struct fake_log *log = &fake->log;

	if (log->nr < FAKE_LOG_LEN)
		log->call[log->nr++] = (struct fake_call){ .op = op, .a = a, .b = b };
	log->count[op]++;
}

void fake_log_clear(struct fake_vcpu *fake)
{
	memset(&fake->log, 0, sizeof(fake->log));
}

int fake_log_find(const struct fake_log *log, enum fake_op op, unsigned int nth)
{
	unsigned int i;

	for (i = 0; i < log->nr; i++) {
		if (log->call[i].op == op && !nth--)
			return i;
	}
	return -1;
}

void fake_push(struct kunit *test, struct kvm_vcpu *vcpu, const struct fake_step *step)
{
	struct fake_vcpu *fake = to_fake(vcpu);
	unsigned int tail = fake->script_head + fake->script_nr;

	KUNIT_ASSERT_LT(test, fake->script_nr, FAKE_SCRIPT_LEN);
	fake->script[tail % FAKE_SCRIPT_LEN] = *step;
	fake->script_nr++;
}

int kvm_x86_vcpu_create(struct kvm_vcpu *vcpu)
{
	to_fake(vcpu)->loaded_cpu = -1;
	return fake_hw.vcpu_create_err;
}

void kvm_x86_vcpu_free(struct kvm_vcpu *vcpu)
{
}

void kvm_x86_vcpu_reset(struct kvm_vcpu *vcpu, bool init_event)
{
	struct fake_vcpu *fake = to_fake(vcpu);

	fake->hw_rflags = X86_EFLAGS_FIXED;
	fake->shadow = 0;
	fake->nmi_masked = false;
	fake->irq_window = false;
	fake->nmi_window = false;
	fake->inject.kind = FAKE_EVENT_NONE;
	fake_log_add(fake, FAKE_RESET, init_event, 0);
}

void kvm_x86_vcpu_load(struct kvm_vcpu *vcpu, int cpu)
{
	to_fake(vcpu)->loaded_cpu = cpu;
}

void kvm_x86_save_host_state(struct kvm_vcpu *vcpu)
{
	fake_log_add(to_fake(vcpu), FAKE_SAVE_HOST, 0, 0);
}

void kvm_x86_restore_host_state(struct kvm_vcpu *vcpu)
{
	fake_log_add(to_fake(vcpu), FAKE_RESTORE_HOST, 0, 0);
	to_fake(vcpu)->loaded_cpu = -1;
}

void kvm_x86_set_pause_window(struct kvm_vcpu *vcpu, u32 window)
{
	to_fake(vcpu)->pause_window = window;
}

void kvm_x86_vcpu_after_set_cpuid(struct kvm_vcpu *vcpu)
{
}

void kvm_x86_set_exception_bitmap(struct kvm_vcpu *vcpu, u32 bitmap)
{
	fake_log_add(to_fake(vcpu), FAKE_EXCEPTION_BITMAP, bitmap, 0);
}

void kvm_x86_update_cr8_intercept(struct kvm_vcpu *vcpu, u8 threshold)
{
	fake_log_add(to_fake(vcpu), FAKE_CR8_INTERCEPT, threshold, 0);
}

bool kvm_x86_deliver_interrupt(struct kvm_vcpu *vcpu, u8 vector)
{
	struct fake_vcpu *fake = to_fake(vcpu);

	if (!READ_ONCE(fake->apicv_active))
		return kvm_lapic_deliver_in_software(vcpu, vector);
	if (test_and_set_bit(vector, fake->pir))
		return false;
	/* The vector is posted before the flag, the flag before the look who sleeps. */
	smp_store_mb(fake->apic_posted, true);
	kvm_vcpu_wake(vcpu);
	return true;
}

void fake_collect_posted(struct kvm_vcpu *vcpu)
{
	struct fake_vcpu *fake = to_fake(vcpu);
	unsigned int i;

	/* The flag goes before the collection: what comes later sets it again. */
	smp_store_mb(fake->apic_posted, false);
	for (i = 0; i < ARRAY_SIZE(fake->pir); i++) {
		unsigned long bits = xchg(&fake->pir[i], 0);

		kvm_lapic_or_irr(vcpu->lapic, i * 2, lower_32_bits(bits));
		kvm_lapic_or_irr(vcpu->lapic, i * 2 + 1, upper_32_bits(bits));
	}
}

void fake_apicv_refresh(struct kvm_vcpu *vcpu)
{
	struct fake_vcpu *fake = to_fake(vcpu);
	bool active = fake_hw.apicv && lapic_hw_enabled(vcpu) &&
		      !vcpu->kvm->apicv_inhibit_reasons;

	if (fake->apicv_active == active)
		return;
	/* Who still posts the old way is collected below. */
	smp_store_mb(fake->apicv_active, active);
	fake_collect_posted(vcpu);
	kvm_lapic_delivery_changed(vcpu);
}

void kvm_x86_write_tsc_offset(struct kvm_vcpu *vcpu)
{
	to_fake(vcpu)->hw_tsc_offset = vcpu->tsc_offset;
	fake_log_add(to_fake(vcpu), FAKE_TSC_OFFSET, vcpu->tsc_offset, 0);
}

void kvm_x86_write_tsc_multiplier(struct kvm_vcpu *vcpu)
{
}

/* As a CPU with 32 fractional bits and an 8-bit integer part. */
unsigned int kvm_x86_tsc_scaling_frac_bits(void)
{
	return 32;
}

u64 kvm_x86_max_tsc_scaling_ratio(void)
{
	return 0xffffffffffULL;
}
