// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests: raised, seen and served once, in the order of enum kvm_req
 * (core/request.c). Kicks are in kick_test.c.
 */
#include <kunit/test.h>

#include "core/request.h"
#include "core/vm.h"
#include "tests/fake/fake.h"

static void request_bits(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	int req, other;

	KUNIT_EXPECT_FALSE(test, kvm_request_pending(vcpu));
	for (req = 0; req < KVM_NR_REQUESTS; req++) {
		kvm_make_request(req, vcpu);
		for (other = 0; other < KVM_NR_REQUESTS; other++)
			KUNIT_EXPECT_EQ(test, kvm_test_request(other, vcpu), other == req);
		KUNIT_EXPECT_TRUE(test, kvm_request_pending(vcpu));
		KUNIT_EXPECT_TRUE(test, kvm_check_request(req, vcpu));
		KUNIT_EXPECT_FALSE(test, kvm_check_request(req, vcpu));
		KUNIT_EXPECT_FALSE(test, kvm_request_pending(vcpu));
	}
}

static void request_none(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	KUNIT_EXPECT_EQ(test, vcpu_serve_requests(vcpu), RUN_REENTER);
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->log.nr, 0);
}

/* The root is loaded before the flush that makes hardware forget the old one. */
static void request_order(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	const struct fake_log *log = &to_fake(vcpu)->log;

	kvm_make_request(KVM_REQ_MSR_FILTER, vcpu);
	kvm_make_request(KVM_REQ_TLB_FLUSH_GUEST, vcpu);
	kvm_make_request(KVM_REQ_TLB_FLUSH_CURRENT, vcpu);
	kvm_make_request(KVM_REQ_LOAD_MMU_PGD, vcpu);
	KUNIT_EXPECT_EQ(test, vcpu_serve_requests(vcpu), RUN_REENTER);
	KUNIT_EXPECT_FALSE(test, kvm_request_pending(vcpu));
	KUNIT_ASSERT_EQ(test, log->nr, 4);
	KUNIT_EXPECT_EQ(test, log->call[0].op, FAKE_LOAD_PGD);
	KUNIT_EXPECT_EQ(test, log->call[1].op, FAKE_FLUSH_CURRENT);
	KUNIT_EXPECT_EQ(test, log->call[2].op, FAKE_FLUSH_GUEST);
	KUNIT_EXPECT_EQ(test, log->call[3].op, FAKE_MSR_INTERCEPTS);
}

static void request_wide_flush_covers_narrow(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	const struct fake_log *log = &to_fake(vcpu)->log;

	kvm_make_request(KVM_REQ_TLB_FLUSH, vcpu);
	kvm_make_request(KVM_REQ_TLB_FLUSH_CURRENT, vcpu);
	kvm_make_request(KVM_REQ_TLB_FLUSH_GUEST, vcpu);
	KUNIT_EXPECT_EQ(test, vcpu_serve_requests(vcpu), RUN_REENTER);
	KUNIT_EXPECT_FALSE(test, kvm_request_pending(vcpu));
	KUNIT_ASSERT_EQ(test, log->nr, 1);
	KUNIT_EXPECT_EQ(test, log->call[0].op, FAKE_FLUSH_ALL);
	KUNIT_EXPECT_EQ(test, vcpu->stat.tlb_flush, 1);
}

static void request_root(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	const struct fake_log *log = &to_fake(vcpu)->log;

	vcpu->kvm->tdp.root = 0x1234000;
	vcpu->kvm->tdp.root_level = 5;
	kvm_make_request(KVM_REQ_LOAD_MMU_PGD, vcpu);
	vcpu_serve_requests(vcpu);
	KUNIT_ASSERT_EQ(test, log->nr, 1);
	KUNIT_EXPECT_EQ(test, log->call[0].a, 0x1234000);
	KUNIT_EXPECT_EQ(test, log->call[0].b, 5);
}

/* A dead VM stays dead, and nothing else is served for it. */
static void request_vm_dead(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;
	int i;

	kvm_make_request(KVM_REQ_VM_DEAD, vcpu);
	kvm_make_request(KVM_REQ_TRIPLE_FAULT, vcpu);
	kvm_make_request(KVM_REQ_TLB_FLUSH, vcpu);
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, vcpu_serve_requests(vcpu), RUN_ERROR);
		KUNIT_EXPECT_EQ(test, vcpu->run_errno, -EIO);
	}
	KUNIT_EXPECT_TRUE(test, kvm_test_request(KVM_REQ_TLB_FLUSH, vcpu));
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->log.nr, 0);
}

/* What comes after an exit to userspace in the order is still there next time. */
static void request_triple_fault(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	kvm_make_request(KVM_REQ_TRIPLE_FAULT, vcpu);
	kvm_make_request(KVM_REQ_TLB_FLUSH, vcpu);
	KUNIT_EXPECT_EQ(test, vcpu_serve_requests(vcpu), RUN_TO_USER);
	KUNIT_EXPECT_EQ(test, vcpu->run->exit_reason, KVM_EXIT_SHUTDOWN);
	KUNIT_EXPECT_FALSE(test, kvm_test_request(KVM_REQ_TRIPLE_FAULT, vcpu));
	KUNIT_EXPECT_TRUE(test, kvm_test_request(KVM_REQ_TLB_FLUSH, vcpu));
	KUNIT_EXPECT_EQ(test, vcpu_serve_requests(vcpu), RUN_REENTER);
	KUNIT_EXPECT_FALSE(test, kvm_request_pending(vcpu));
}

/* Events are evaluated by the next stage, after NMIs of other threads were collected. */
static void request_events_are_left(struct kunit *test)
{
	struct kvm_vcpu *vcpu = test->priv;

	kvm_inject_nmi(vcpu);
	KUNIT_EXPECT_EQ(test, vcpu_serve_requests(vcpu), RUN_REENTER);
	KUNIT_EXPECT_EQ(test, vcpu->ev.nmi_pending, 1);
	KUNIT_EXPECT_FALSE(test, kvm_test_request(KVM_REQ_NMI, vcpu));
	KUNIT_EXPECT_TRUE(test, kvm_test_request(KVM_REQ_EVENT, vcpu));
}

static int request_init(struct kunit *test)
{
	test->priv = fake_vcpu_bare(test);
	return 0;
}

static struct kunit_case request_test_cases[] = {
	KUNIT_CASE(request_bits),
	KUNIT_CASE(request_none),
	KUNIT_CASE(request_order),
	KUNIT_CASE(request_wide_flush_covers_narrow),
	KUNIT_CASE(request_root),
	KUNIT_CASE(request_vm_dead),
	KUNIT_CASE(request_triple_fault),
	KUNIT_CASE(request_events_are_left),
	{}
};

static struct kunit_suite request_test_suite = {
	.name = "request",
	.init = request_init,
	.test_cases = request_test_cases,
};

kunit_test_suites(&request_test_suite);
