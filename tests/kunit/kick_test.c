// SPDX-License-Identifier: GPL-2.0-only
/*
 * Modes and kicks, alone and against real vCPU threads: a kick has no false
 * negative, and a request to all vCPUs leaves none of them in a guest that it
 * entered before (core/request.c argues why; here it is hammered).
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/kthread.h>

#include "core/event.h"
#include "core/request.h"
#include "core/vm.h"
#include "tests/fake/fake.h"

#define ROUNDS		3000
#define NR_KICKERS	2
/* Far beyond anything that is no bug. */
#define PATIENCE	(30 * HZ)

static void kick_modes(struct kunit *test)
{
	static const struct { int before, after; } modes[] = {
		{ OUTSIDE_RUN_LOOP, OUTSIDE_RUN_LOOP },
		{ IN_RUN_LOOP, EXITING_RUN_LOOP },
		{ EXITING_RUN_LOOP, EXITING_RUN_LOOP },
	};
	struct kvm_vcpu *vcpu = fake_vcpu_bare(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		vcpu->mode = modes[i].before;
		kvm_vcpu_kick(vcpu);
		KUNIT_EXPECT_EQ(test, vcpu->mode, modes[i].after);
		/* Twice is as once. */
		kvm_vcpu_kick(vcpu);
		KUNIT_EXPECT_EQ(test, vcpu->mode, modes[i].after);
	}
}

static void kick_counts_only_what_was_sent(struct kunit *test)
{
	struct kvm_vcpu *vcpu = fake_vcpu_bare(test);

	vcpu->mode = OUTSIDE_RUN_LOOP;
	kvm_vcpu_kick(vcpu);
	KUNIT_EXPECT_EQ(test, atomic64_read(&vcpu->kvm->stat.kicks_sent), 0);
	vcpu->mode = IN_RUN_LOOP;
	kvm_vcpu_kick(vcpu);
	kvm_vcpu_kick(vcpu);
	KUNIT_EXPECT_EQ(test, atomic64_read(&vcpu->kvm->stat.kicks_sent), 1);
}

static void kick_request_to_all(struct kunit *test)
{
	struct kvm *kvm = fake_vm_create(test);
	struct kvm_vcpu *vcpu[3];
	int i;

	for (i = 0; i < 3; i++) {
		vcpu[i] = fake_vcpu_create(test, kvm);
		vcpu[i]->requests = 0;
		vcpu[i]->mode = i;
	}
	kvm_make_all_cpus_request(kvm, KVM_REQ_TLB_FLUSH);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_TRUE(test, kvm_test_request(KVM_REQ_TLB_FLUSH, vcpu[i]));
	KUNIT_EXPECT_EQ(test, vcpu[OUTSIDE_RUN_LOOP]->mode, OUTSIDE_RUN_LOOP);
	KUNIT_EXPECT_EQ(test, vcpu[IN_RUN_LOOP]->mode, EXITING_RUN_LOOP);
	KUNIT_EXPECT_EQ(test, vcpu[EXITING_RUN_LOOP]->mode, EXITING_RUN_LOOP);
	for (i = 0; i < 3; i++)
		vcpu[i]->mode = OUTSIDE_RUN_LOOP;
}

/* A guest that does nothing until it is kicked, on a thread of its own. */
struct live_guest {
	struct kvm *kvm;
	struct kvm_vcpu *vcpu;
	struct fake_vcpu *fake;
	struct fake_runner *runner;
};

static void start_guest(struct kunit *test, struct live_guest *guest)
{
	/* The vCPU's thread holds its CPU while the guest runs. */
	if (num_online_cpus() < 2)
		kunit_skip(test, "needs two CPUs");
	guest->kvm = fake_vm_create(test);
	guest->vcpu = fake_vcpu_create(test, guest->kvm);
	guest->fake = to_fake(guest->vcpu);
	guest->fake->idle_waits = true;
	guest->runner = fake_runner_start(test, guest->vcpu);
}

static void stop_guest(struct kunit *test, struct live_guest *guest)
{
	WRITE_ONCE(guest->fake->idle_waits, false);
	kvm_make_request(KVM_REQ_TLB_FLUSH, guest->vcpu);
	kvm_vcpu_kick(guest->vcpu);
	fake_runner_join(test, guest->runner);
	KUNIT_EXPECT_EQ(test, guest->runner->result, 0);
	KUNIT_EXPECT_EQ(test, guest->runner->exit_reason, KVM_EXIT_INTERNAL_ERROR);
	KUNIT_EXPECT_EQ(test, guest->fake->log.count[FAKE_GUEST_STUCK], 0);
	KUNIT_EXPECT_EQ(test, guest->fake->log.count[FAKE_BAD_CONTEXT], 0);
	KUNIT_EXPECT_EQ(test, guest->vcpu->mode, OUTSIDE_RUN_LOOP);
}

/* True when the condition came true; false when it has failed for good. */
#define eventually(condition)						\
({									\
	unsigned long end_ = jiffies + PATIENCE;			\
	bool true_;							\
	while (!(true_ = (condition)) && time_before(jiffies, end_))	\
		cond_resched();						\
	true_;								\
})

/* One that sits in the guest leaves it. */
static void kick_leaves_guest(struct kunit *test)
{
	struct live_guest guest;
	u64 entry;
	int i;

	start_guest(test, &guest);
	for (i = 0; i < 50; i++) {
		KUNIT_ASSERT_TRUE(test, eventually(READ_ONCE(guest.fake->in_guest_entry)));
		entry = READ_ONCE(guest.fake->in_guest_entry);
		if (!entry)
			continue;
		kvm_vcpu_kick(guest.vcpu);
		KUNIT_ASSERT_TRUE(test,
				  eventually(READ_ONCE(guest.fake->in_guest_entry) != entry));
	}
	stop_guest(test, &guest);
}

struct kicker {
	struct live_guest *guest;
	enum kvm_req req;
	atomic64_t *news;
	bool failed;
	struct completion done;
};

/* Work that a kick alone announces: it is known at the entry after the kick, at the latest. */
static int kick_without_request(void *data)
{
	struct kicker *kicker = data;
	struct fake_vcpu *fake = kicker->guest->fake;
	u64 news;
	int i;

	for (i = 0; i < ROUNDS && !kicker->failed; i++) {
		/* Several kickers: the word must not go back. */
		news = atomic64_inc_return(kicker->news);
		WRITE_ONCE(fake->news, atomic64_read(kicker->news));
		kvm_vcpu_kick(kicker->guest->vcpu);
		kicker->failed = !eventually(READ_ONCE(fake->news_seen) >= news);
	}
	complete(&kicker->done);
	return 0;
}

/* A request and a kick: served. */
static int kick_with_request(void *data)
{
	struct kicker *kicker = data;
	struct kvm_vcpu *vcpu = kicker->guest->vcpu;
	int i;

	for (i = 0; i < ROUNDS && !kicker->failed; i++) {
		kvm_make_request(kicker->req, vcpu);
		kvm_vcpu_kick(vcpu);
		kicker->failed = !eventually(!kvm_test_request(kicker->req, vcpu));
	}
	complete(&kicker->done);
	return 0;
}

/* A request to all: on return the guest that ran before runs no more. */
static int request_to_all(void *data)
{
	struct kicker *kicker = data;
	struct fake_vcpu *fake = kicker->guest->fake;
	u64 before;
	int i;

	for (i = 0; i < ROUNDS && !kicker->failed; i++) {
		before = READ_ONCE(fake->in_guest_entry);
		kvm_make_all_cpus_request(kicker->guest->kvm, kicker->req);
		kicker->failed = before && READ_ONCE(fake->in_guest_entry) == before;
		cond_resched();
	}
	complete(&kicker->done);
	return 0;
}

enum hammer {
	HAMMER_KICK,
	HAMMER_KICK_REQUEST,
	HAMMER_ALL,
};

static struct task_struct *start_hammer(enum hammer hammer, struct kicker *kicker)
{
	switch (hammer) {
	case HAMMER_KICK:
		return kthread_run(kick_without_request, kicker, "kicker");
	case HAMMER_KICK_REQUEST:
		return kthread_run(kick_with_request, kicker, "kicker");
	case HAMMER_ALL:
		return kthread_run(request_to_all, kicker, "kicker");
	}
	return ERR_PTR(-EINVAL);
}

static void hammer_guest(struct kunit *test, enum hammer hammer)
{
	static const enum kvm_req reqs[NR_KICKERS] = {
		KVM_REQ_TLB_FLUSH_CURRENT, KVM_REQ_TLB_FLUSH_GUEST,
	};
	struct kicker *kickers = kunit_kcalloc(test, NR_KICKERS, sizeof(*kickers), GFP_KERNEL);
	atomic64_t *news = kunit_kzalloc(test, sizeof(*news), GFP_KERNEL);
	struct live_guest *guest = kunit_kzalloc(test, sizeof(*guest), GFP_KERNEL);
	struct task_struct *task;
	int i, started;

	KUNIT_ASSERT_NOT_NULL(test, kickers);
	KUNIT_ASSERT_NOT_NULL(test, news);
	KUNIT_ASSERT_NOT_NULL(test, guest);
	start_guest(test, guest);
	for (started = 0; started < NR_KICKERS; started++) {
		kickers[started].guest = guest;
		kickers[started].req = reqs[started];
		kickers[started].news = news;
		init_completion(&kickers[started].done);
		task = start_hammer(hammer, &kickers[started]);
		KUNIT_EXPECT_FALSE(test, IS_ERR(task));
		if (IS_ERR(task))
			break;
	}
	for (i = 0; i < started; i++) {
		wait_for_completion(&kickers[i].done);
		KUNIT_EXPECT_FALSE_MSG(test, kickers[i].failed, "kicker %d", i);
	}
	stop_guest(test, guest);
}

static void kick_hammer(struct kunit *test)
{
	hammer_guest(test, HAMMER_KICK);
}

static void kick_hammer_with_request(struct kunit *test)
{
	hammer_guest(test, HAMMER_KICK_REQUEST);
}

static void kick_hammer_request_to_all(struct kunit *test)
{
	hammer_guest(test, HAMMER_ALL);
}

/* NMIs from other threads: none is invented, and the last one is delivered. */
static void kick_nmi(struct kunit *test)
{
	struct live_guest guest;
	int i;

	start_guest(test, &guest);
	for (i = 0; i < 20; i++)
		kvm_inject_nmi(guest.vcpu);
	KUNIT_EXPECT_TRUE(test, eventually(!kvm_test_request(KVM_REQ_NMI, guest.vcpu)));
	stop_guest(test, &guest);
	KUNIT_EXPECT_GE(test, guest.fake->log.count[FAKE_DELIVER], 1);
	KUNIT_EXPECT_LE(test, guest.fake->log.count[FAKE_DELIVER], 20);
	KUNIT_EXPECT_TRUE(test, guest.fake->nmi_masked);
}

/* A VM that is given up stops a guest that would never exit by itself. */
static void kick_dead_vm(struct kunit *test)
{
	struct live_guest guest;

	start_guest(test, &guest);
	KUNIT_ASSERT_TRUE(test, eventually(READ_ONCE(guest.fake->in_guest_entry)));
	kvm_vm_bugged(guest.kvm);
	fake_runner_join(test, guest.runner);
	KUNIT_EXPECT_EQ(test, guest.runner->result, -EIO);
	KUNIT_EXPECT_EQ(test, guest.fake->log.count[FAKE_GUEST_STUCK], 0);
}

static struct kunit_case kick_test_cases[] = {
	KUNIT_CASE(kick_modes),
	KUNIT_CASE(kick_counts_only_what_was_sent),
	KUNIT_CASE(kick_request_to_all),
	KUNIT_CASE(kick_leaves_guest),
	KUNIT_CASE_SLOW(kick_hammer),
	KUNIT_CASE_SLOW(kick_hammer_with_request),
	KUNIT_CASE_SLOW(kick_hammer_request_to_all),
	KUNIT_CASE(kick_nmi),
	KUNIT_CASE(kick_dead_vm),
	{}
};

static struct kunit_suite kick_test_suite = {
	.name = "kick",
	.test_cases = kick_test_cases,
};

kunit_test_suites(&kick_test_suite);
