// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kicks: a signal sent to a thread inside KVM_RUN ends that run, always.  Loops
 * of a fixed number of rounds; nothing is measured, a lost kick is a hang that
 * the watchdog reports.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "harness.h"

#define ROUNDS	2000

PROGRAM(spin, 32,
	"1:	incl 0x20000\n"
	"	jmp 1b\n");

struct runner {
	struct vcpu *v;
	pthread_t thread;
	atomic_uint returns;	/* how often KVM_RUN came back by EINTR */
	atomic_bool stop;
};

static void *runner_main(void *arg)
{
	struct runner *r = arg;

	while (!r->stop) {
		int e = run(r->v);

		if (e != -EINTR) {
			describe_exit(r->v, e);
			FAIL("exit %s", exit_name(e));
		}
		r->returns++;
	}
	return NULL;
}

static void start_runner(struct runner *r, struct vcpu *v)
{
	catch_signal(SIGUSR1);
	r->v = v;
	r->returns = 0;
	r->stop = false;
	CHECK(!pthread_create(&r->thread, NULL, runner_main, r));
}

static void stop_runner(struct runner *r)
{
	r->stop = true;
	r->v->run->immediate_exit = 1;
	pthread_kill(r->thread, SIGUSR1);
	pthread_join(r->thread, NULL);
	r->v->run->immediate_exit = 0;
}

/*
 * Send one signal, wait for one return.  A signal that comes between two runs
 * is handled there and ends none, which is why VMMs use immediate_exit: it is
 * set first, so that the run that follows ends at once.
 */
static void kick(struct runner *r)
{
	unsigned int before = r->returns;

	r->v->run->immediate_exit = 1;
	pthread_kill(r->thread, SIGUSR1);
	while (r->returns == before)
		sched_yield();
	r->v->run->immediate_exit = 0;
}

TEST(kick, spinning_guest)
{
	struct runner r;

	NEED_CAP(KVM_CAP_IMMEDIATE_EXIT);
	start_runner(&r, vcpu_with(MODE_PROT32, spin));
	for (int i = 0; i < ROUNDS; i++)
		kick(&r);
	stop_runner(&r);
}

/* The guest makes progress between kicks. */
TEST(kick, progress)
{
	struct runner r;
	u32 *count;

	start_runner(&r, vcpu_with(MODE_PROT32, spin));
	count = (u32 *)(r.v->vm->mem + 0x20000);
	for (int i = 0; i < 200; i++) {
		u32 before = READ_ONCE(*count);

		while (READ_ONCE(*count) == before)
			sched_yield();
		kick(&r);
	}
	stop_runner(&r);
}

/* The same while the guest leaves by itself all the time. */
PROGRAM(cpuid_loop, 32,
	"1:	xor %eax, %eax\n"
	"	cpuid\n"
	"	jmp 1b\n");

TEST(kick, exiting_guest)
{
	struct runner r;

	start_runner(&r, vcpu_with(MODE_PROT32, cpuid_loop));
	for (int i = 0; i < ROUNDS; i++)
		kick(&r);
	stop_runner(&r);
}

/* The signal-mask way: blocked outside, open inside. */
static void *masked_main(void *arg)
{
	struct runner *r = arg;
	struct {
		struct kvm_signal_mask head;
		u64 set;
	} __packed m = { .head.len = 8 };
	struct timespec zero = { 0 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	CHECK_OK(ioctl(r->v->fd, KVM_SET_SIGNAL_MASK, &m));
	r->returns = 1;
	while (!r->stop) {
		int e = run(r->v);

		if (e != -EINTR)
			FAIL("exit %s", exit_name(e));
		CHECK_EQ(r->v->run->exit_reason, KVM_EXIT_INTR);
		/* The signal waits; fetch it. */
		CHECK_EQ(sigtimedwait(&set, NULL, &zero), SIGUSR1);
		r->returns++;
	}
	return NULL;
}

TEST(kick, signal_mask)
{
	struct runner r = { .v = vcpu_with(MODE_PROT32, spin) };

	CHECK(!pthread_create(&r.thread, NULL, masked_main, &r));
	while (!r.returns)
		sched_yield();
	for (int i = 0; i < ROUNDS; i++) {
		unsigned int before = r.returns;

		/* Before or in the run: it ends either way. */
		pthread_kill(r.thread, SIGUSR1);
		while (r.returns == before)
			sched_yield();
	}
	r.stop = true;
	pthread_kill(r.thread, SIGUSR1);
	pthread_join(r.thread, NULL);
}

/* Moved between CPUs while it runs, and kicked. */
TEST(kick, migrating)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct runner r;

	start_runner(&r, vcpu_with(MODE_PROT32, spin));
	for (int i = 0; i < 500; i++) {
		cpu_set_t set;

		CPU_ZERO(&set);
		CPU_SET(i % cpus, &set);
		CHECK(!pthread_setaffinity_np(r.thread, sizeof(set), &set));
		kick(&r);
	}
	stop_runner(&r);
}

/* Several vCPUs of one VM, and changes that need them all to leave. */
TEST(kick, memory_changes)
{
	struct vcpu *first = vcpu_with(MODE_PROT32, spin);
	u8 *p = map_anon(PAGE);
	struct runner r[3];

	start_runner(&r[0], first);
	for (int i = 1; i < 3; i++) {
		struct vcpu *v = vcpu_create(first->vm, i);

		vcpu_mode(v, MODE_PROT32);
		vcpu_start(v, GPA_CODE);
		start_runner(&r[i], v);
	}
	for (int i = 0; i < 100; i++) {
		set_slot(first->vm, 1, 0, 16 * MIB, PAGE, p);
		kick(&r[i % 3]);
		set_slot(first->vm, 1, 0, 16 * MIB, 0, p);
	}
	for (int i = 0; i < 3; i++)
		stop_runner(&r[i]);
}

/* An NMI sent to a running vCPU arrives without any other reason to leave. */
PROGRAM(nmi_handler, 32,
	"	incl 0x20004\n"
	"	iret\n");

TEST(kick, nmi_to_running)
{
	struct runner r;
	struct vcpu *v = vcpu_with(MODE_PROT32, spin);
	u32 *nmis = (u32 *)(v->vm->mem + 0x20004);
	u32 *count = (u32 *)(v->vm->mem + 0x20000);

	load_at(v->vm, GPA_HANDLER, guest_nmi_handler,
		GUEST_SIZE(nmi_handler));
	set_gate(v, 2, GPA_HANDLER);
	start_runner(&r, v);
	while (!READ_ONCE(*count))
		sched_yield();
	/* The ioctl needs the vCPU: as a VMM does, stop, send, go on. */
	for (u32 i = 1; i <= 100; i++) {
		r.v->run->immediate_exit = 1;
		pthread_kill(r.thread, SIGUSR1);
		CHECK_OK(ioctl(v->fd, KVM_NMI, 0UL));
		r.v->run->immediate_exit = 0;
		while (READ_ONCE(*nmis) != i)
			sched_yield();
	}
	stop_runner(&r);
}
