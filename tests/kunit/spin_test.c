// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which vCPU a spinning one gives its CPU to, and that the hints are kept where
 * threads come and go.
 */
#include <kunit/test.h>
#include <linux/preempt.h>

#include "core/event.h"
#include "core/regs.h"
#include "core/spin.h"
#include "core/vcpu.h"
#include "core/vm.h"
#include "tests/fake/fake.h"

#define NR_VCPUS	4

struct spin_world {
	struct kvm_vcpu *vcpu[NR_VCPUS];
};

static int spin_init(struct kunit *test)
{
	struct spin_world *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);
	struct kvm *kvm = fake_vm_create(test);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, w);
	for (i = 0; i < NR_VCPUS; i++)
		w->vcpu[i] = fake_vcpu_create(test, kvm);
	test->priv = w;
	return 0;
}

/* The index of the one that is found after @after, or -1. */
static int pick(struct spin_world *w, int after)
{
	int step = 0;
	struct kvm_vcpu *vcpu = kvm_spin_pick(w->vcpu[0], after, &step);

	return vcpu ? vcpu->vcpu_idx : -1;
}

static void wait_for_cpu(struct kvm_vcpu *vcpu, bool in_kernel)
{
	vcpu->spin.off_cpu = true;
	vcpu->spin.in_kernel = in_kernel;
}

static void nobody_waits(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, pick(test->priv, 0), -1);
}

static void never_itself(struct kunit *test)
{
	struct spin_world *w = test->priv;

	wait_for_cpu(w->vcpu[0], true);
	KUNIT_EXPECT_EQ(test, pick(w, 3), -1);
}

static void round_robin(struct kunit *test)
{
	struct spin_world *w = test->priv;
	int step = 0;

	wait_for_cpu(w->vcpu[1], true);
	wait_for_cpu(w->vcpu[3], true);
	KUNIT_EXPECT_EQ(test, pick(w, 0), 1);
	KUNIT_EXPECT_EQ(test, pick(w, 1), 3);
	KUNIT_EXPECT_EQ(test, pick(w, 2), 3);
	/* Both in one go, and each once. */
	KUNIT_EXPECT_PTR_EQ(test, kvm_spin_pick(w->vcpu[0], 2, &step), w->vcpu[3]);
	KUNIT_EXPECT_PTR_EQ(test, kvm_spin_pick(w->vcpu[0], 2, &step), w->vcpu[1]);
	KUNIT_EXPECT_NULL(test, kvm_spin_pick(w->vcpu[0], 2, &step));
	KUNIT_EXPECT_EQ(test, pick(w, 3), 1);
}

static void waits_in_user_mode(struct kunit *test)
{
	struct spin_world *w = test->priv;

	wait_for_cpu(w->vcpu[2], false);
	KUNIT_EXPECT_EQ(test, pick(w, 0), -1);
	/* A program that spins may wait for another one. */
	to_fake(w->vcpu[0])->seg[VCPU_SREG_SS].dpl = 3;
	KUNIT_EXPECT_EQ(test, pick(w, 0), 2);
}

static void posted_interrupt_makes_kernel(struct kunit *test)
{
	struct spin_world *w = test->priv;

	wait_for_cpu(w->vcpu[2], false);
	to_fake(w->vcpu[2])->apic_posted = true;
	KUNIT_EXPECT_EQ(test, pick(w, 0), 2);
}

static void spinner_every_other_time(struct kunit *test)
{
	struct spin_world *w = test->priv;
	int i;

	wait_for_cpu(w->vcpu[1], true);
	w->vcpu[1]->spin.spinning = true;
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, pick(w, 0), i % 2 ? 1 : -1);
	/* Another one is better. */
	wait_for_cpu(w->vcpu[2], true);
	KUNIT_EXPECT_EQ(test, pick(w, 0), 2);
}

/* As the scheduler calls them. */
static void scheduler_keeps_hints(struct kunit *test)
{
	struct spin_world *w = test->priv;
	struct kvm_vcpu *vcpu = w->vcpu[1];
	struct preempt_notifier *pn = &vcpu->preempt_notifier;

	to_fake(vcpu)->seg[VCPU_SREG_SS].dpl = 3;
	preempt_disable();
	pn->ops->sched_out(pn, current);
	KUNIT_EXPECT_TRUE(test, vcpu->spin.off_cpu);
	KUNIT_EXPECT_FALSE(test, vcpu->spin.in_kernel);
	pn->ops->sched_in(pn, smp_processor_id());
	preempt_enable();
	KUNIT_EXPECT_FALSE(test, vcpu->spin.off_cpu);
}

/* Less is won by each exit: the window grows, until the vCPU has been off its CPU. */
static void window_of_one_vcpu(struct kunit *test)
{
	struct spin_world *w = test->priv;
	struct kvm_vcpu *vcpu = w->vcpu[0];
	struct preempt_notifier *pn = &vcpu->preempt_notifier;

	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->pause_window, 100U);
	kvm_vcpu_on_spin(vcpu);
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->pause_window, 200U);
	kvm_vcpu_on_spin(vcpu);
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->pause_window, 350U);
	preempt_disable();
	pn->ops->sched_out(pn, current);
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->pause_window, 350U);
	pn->ops->sched_in(pn, smp_processor_id());
	preempt_enable();
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->pause_window, 100U);
}

/* One that never ran has no thread; one whose thread is this one cannot be run. */
static void threads_that_cannot_run(struct kunit *test)
{
	struct spin_world *w = test->priv;

	wait_for_cpu(w->vcpu[1], true);
	kvm_vcpu_on_spin(w->vcpu[0]);
	rcu_assign_pointer(w->vcpu[1]->pid, get_task_pid(current, PIDTYPE_PID));
	kvm_vcpu_on_spin(w->vcpu[0]);
	KUNIT_EXPECT_EQ(test, w->vcpu[0]->stat.directed_yield_attempted, 2ULL);
	KUNIT_EXPECT_EQ(test, w->vcpu[0]->stat.directed_yield_successful, 0ULL);
	KUNIT_EXPECT_FALSE(test, w->vcpu[0]->spin.spinning);
}

static struct kunit_case spin_test_cases[] = {
	KUNIT_CASE(nobody_waits),
	KUNIT_CASE(never_itself),
	KUNIT_CASE(round_robin),
	KUNIT_CASE(waits_in_user_mode),
	KUNIT_CASE(posted_interrupt_makes_kernel),
	KUNIT_CASE(spinner_every_other_time),
	KUNIT_CASE(scheduler_keeps_hints),
	KUNIT_CASE(window_of_one_vcpu),
	KUNIT_CASE(threads_that_cannot_run),
	{}
};

static struct kunit_suite spin_test_suite = {
	.name = "spin",
	.init = spin_init,
	.test_cases = spin_test_cases,
};

kunit_test_suites(&spin_test_suite);
