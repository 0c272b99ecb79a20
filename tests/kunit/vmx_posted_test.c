// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is notified of a posted interrupt, and who is not (vmx/posted_intr.c). What
 * core would do is counted here instead. Notifications are real: the other CPU of
 * the host takes them by the kernel's own handler, which counts.
 */
#include <kunit/test.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/hardirq.h>
#include <linux/smp.h>

#include "core/block.h"
#include "core/event.h"
#include "core/irq/lapic.h"
#include "core/vm.h"
#include "ops/apic.h"
#include "vmx/posted_intr.h"
#include "vmx/vmx.h"

#define VECTOR		0x41
#define HIGHER		0x62
/* Far beyond what an interrupt takes. */
#define PATIENCE_MS	2000

static struct {
	unsigned int wakes;
	unsigned int wake_kicks;
	unsigned int requests;
	unsigned int software;
} asked;

/* Core's part: the vCPU of these tests never sleeps. */
bool kvm_vcpu_wake(struct kvm_vcpu *vcpu)
{
	asked.wakes++;
	return false;
}

void kvm_vcpu_wake_kick(struct kvm_vcpu *vcpu)
{
	asked.wake_kicks++;
}

void kvm_make_event_request_remote(struct kvm_vcpu *vcpu, enum event_reason reason)
{
	asked.requests += reason == EVENT_IRQ_LINE;
}

bool kvm_lapic_deliver_in_software(struct kvm_vcpu *vcpu, u8 vector)
{
	asked.software++;
	return true;
}

int kvm_lapic_highest_irr(struct kvm_vcpu *vcpu)
{
	return -1;
}

/* No VMCS is loaded here, and none is touched. */
void vmx_insn_failed(const char *insn, unsigned long operand)
{
	WARN_ONCE(1, "%s\n", insn);
}

static int posted_init(struct kunit *test)
{
	struct vcpu_vmx *vmx = kunit_kzalloc(test, sizeof(*vmx), GFP_KERNEL);
	struct kvm *kvm = kunit_kzalloc(test, sizeof(*kvm), GFP_KERNEL);
	struct vmx_pi_desc *pi = kunit_kzalloc(test, sizeof(*pi), GFP_KERNEL);

	KUNIT_ASSERT_TRUE(test, vmx && kvm && pi);
	vmx->vcpu.kvm = kvm;
	vmx->vcpu.cpu = -1;
	vmx->pi = pi;
	vmx->apicv_active = true;
	memset(&asked, 0, sizeof(asked));
	test->priv = vmx;
	return 0;
}

static bool deliver(struct vcpu_vmx *vmx, u8 vector)
{
	return kvm_x86_deliver_interrupt(&vmx->vcpu, vector);
}

static void expect_told(struct kunit *test, struct vcpu_vmx *vmx, u64 notified, u64 itself,
			unsigned int wakes)
{
	struct kvm *kvm = vmx->vcpu.kvm;

	KUNIT_EXPECT_EQ(test, (u64)atomic64_read(&kvm->stat.posted_notifications), notified);
	KUNIT_EXPECT_EQ(test, (u64)atomic64_read(&kvm->stat.posted_to_self), itself);
	KUNIT_EXPECT_EQ(test, asked.wakes, wakes);
	KUNIT_EXPECT_EQ(test, asked.requests, 0U);
	KUNIT_EXPECT_EQ(test, asked.wake_kicks, 0U);
}

/*
 * The vCPU's own thread between exit and entry, as when a timer it has just
 * programmed in the fast path is due already: no notification. The entry looks.
 */
static void posted_by_own_thread(struct kunit *test)
{
	struct vcpu_vmx *vmx = test->priv;

	migrate_disable();
	vmx->vcpu.cpu = raw_smp_processor_id();
	vmx->vcpu.mode = IN_RUN_LOOP;
	KUNIT_EXPECT_TRUE(test, deliver(vmx, VECTOR));
	KUNIT_EXPECT_TRUE(test, deliver(vmx, HIGHER));
	migrate_enable();
	KUNIT_EXPECT_TRUE(test, vmx_pi_is_on(vmx->pi));
	KUNIT_EXPECT_TRUE(test, test_bit(VECTOR, vmx->pi->pir));
	KUNIT_EXPECT_TRUE(test, test_bit(HIGHER, vmx->pi->pir));
	expect_told(test, vmx, 0, 0, 1);
}

/* A vCPU that left the guest and came to this CPU, or went on from it, is no evidence. */
static void posted_after_move(struct kunit *test)
{
	struct vcpu_vmx *vmx = test->priv;
	int cpu = 1;

	vmx->vcpu.cpu = cpu;
	vmx->vcpu.in_guest = 0;
	KUNIT_EXPECT_FALSE(test, vmx_pi_claims_to_run(&vmx->vcpu, cpu));
	vmx->vcpu.cpu = cpu + 1;
	vmx->vcpu.in_guest = 1;
	KUNIT_EXPECT_FALSE(test, vmx_pi_claims_to_run(&vmx->vcpu, cpu));
	vmx->vcpu.cpu = cpu;
	KUNIT_EXPECT_TRUE(test, vmx_pi_claims_to_run(&vmx->vcpu, cpu));
}

/* In the guest, by its flag, on the CPU that posts: nothing is sent, and it is counted. */
static void posted_to_itself(struct kunit *test)
{
	struct vcpu_vmx *vmx = test->priv;

	migrate_disable();
	vmx->vcpu.cpu = raw_smp_processor_id();
	vmx->vcpu.in_guest = 1;
	KUNIT_EXPECT_TRUE(test, deliver(vmx, VECTOR));
	migrate_enable();
	expect_told(test, vmx, 0, 1, 0);
}

#if IS_ENABLED(CONFIG_KVM)
static unsigned int taken_by(int cpu)
{
	return READ_ONCE(per_cpu(irq_stat, cpu).kvm_posted_intr_ipis);
}

/* One in the guest elsewhere is notified once, until it takes what is posted. */
static void posted_to_guest(struct kunit *test)
{
	struct vcpu_vmx *vmx = test->priv;
	unsigned int before, ms;
	int other;

	migrate_disable();
	other = cpumask_any_but(cpu_online_mask, raw_smp_processor_id());
	if (other >= nr_cpu_ids) {
		migrate_enable();
		kunit_skip(test, "a host of one CPU");
	}
	before = taken_by(other);
	vmx->vcpu.cpu = other;
	vmx->vcpu.in_guest = 1;
	KUNIT_EXPECT_TRUE(test, deliver(vmx, VECTOR));
	KUNIT_EXPECT_FALSE(test, deliver(vmx, VECTOR));
	KUNIT_EXPECT_TRUE(test, deliver(vmx, HIGHER));
	expect_told(test, vmx, 1, 0, 0);
	for (ms = 0; ms < PATIENCE_MS && taken_by(other) == before; ms++)
		usleep_range(500, 1000);
	KUNIT_EXPECT_EQ(test, taken_by(other), before + 1);

	clear_bit(VMX_PI_ON, &vmx->pi->control);
	KUNIT_EXPECT_FALSE(test, deliver(vmx, HIGHER));
	expect_told(test, vmx, 1, 0, 0);
	KUNIT_EXPECT_TRUE(test, deliver(vmx, HIGHER + 1));
	migrate_enable();
	expect_told(test, vmx, 2, 0, 0);
}
#endif

/* Where hardware does not deliver, nothing is posted. */
static void posted_not(struct kunit *test)
{
	struct vcpu_vmx *vmx = test->priv;

	vmx->apicv_active = false;
	KUNIT_EXPECT_TRUE(test, deliver(vmx, VECTOR));
	KUNIT_EXPECT_EQ(test, asked.software, 1U);
	KUNIT_EXPECT_FALSE(test, vmx_pi_is_on(vmx->pi));
	KUNIT_EXPECT_EQ(test, bitmap_weight(vmx->pi->pir, 256), 0U);
}

static struct kunit_case vmx_posted_cases[] = {
	KUNIT_CASE(posted_by_own_thread),
	KUNIT_CASE(posted_after_move),
	KUNIT_CASE(posted_to_itself),
#if IS_ENABLED(CONFIG_KVM)
	KUNIT_CASE(posted_to_guest),
#endif
	KUNIT_CASE(posted_not),
	{}
};

static struct kunit_suite vmx_posted_suite = {
	.name = "vmx_posted",
	.init = posted_init,
	.test_cases = vmx_posted_cases,
};

kunit_test_suite(vmx_posted_suite);
