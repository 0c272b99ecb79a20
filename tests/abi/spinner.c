// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keeps guests running while something happens to the host: one vCPU a VM, each
 * counting for ever.  Says "progress" when all have counted on and time has gone on
 * in another VM; each line on standard input asks for that again.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness.h"
#include "runner.h"

#define MAX_GUESTS	64
#define MSR_TSC		0x10

char *skip_reason;

PROGRAM(spin, 32,
	"1:	incl 0x20000\n"
	"	jmp 1b\n");

static void *run_for_ever(void *arg)
{
	struct vcpu *v = arg;

	for (;;) {
		int r = run(v);

		if (r != -EINTR)
			FAIL("exit %s", exit_name(r));
	}
	return NULL;
}

/* A VM whose vCPUs do not run, and what its clocks showed at last. */
struct clocks {
	struct vcpu *v[2];
	u64 tsc, ns;
};

static u64 read_tsc(struct vcpu *v)
{
	u64 tsc;

	CHECK(get_msr(v, MSR_TSC, &tsc));
	return tsc;
}

/* The two TSCs are one, and nothing goes back. */
static void time_goes_on(struct clocks *c)
{
	struct kvm_clock_data clock;
	u64 first = read_tsc(c->v[0]), second = read_tsc(c->v[1]), third = read_tsc(c->v[0]);

	if (first < c->tsc || second < first || third < second)
		FAIL("TSC: %#llx, then %#llx %#llx %#llx", (unsigned long long)c->tsc,
		     (unsigned long long)first, (unsigned long long)second,
		     (unsigned long long)third);
	CHECK_OK(ioctl(c->v[0]->vm->fd, KVM_GET_CLOCK, &clock));
	if (clock.clock < c->ns)
		FAIL("clock: %llu ns, then %llu ns", (unsigned long long)c->ns,
		     (unsigned long long)clock.clock);
	c->ns = clock.clock;
	/* One of them was there long after the other. */
	usleep(200000);
	c->tsc = read_tsc(c->v[0]);
}

int main(int argc, char **argv)
{
	struct vm *idle;
	struct clocks clocks = {};
	unsigned long n = argc == 2 ? strtoul(argv[1], NULL, 0) : 0;
	u32 *count[MAX_GUESTS];
	char line[16];

	if (!n || n > MAX_GUESTS) {
		fprintf(stderr, "usage: spinner GUESTS (1 to %u)\n", MAX_GUESTS);
		return 2;
	}
	for (unsigned long i = 0; i < n; i++) {
		struct vcpu *v = vcpu_with(MODE_PROT32, spin);
		pthread_t t;

		count[i] = (u32 *)(v->vm->mem + GPA_DATA);
		CHECK(!pthread_create(&t, NULL, run_for_ever, v));
	}
	idle = vm_create();
	clocks.v[0] = vcpu_create(idle, 0);
	clocks.v[1] = vcpu_create(idle, 1);
	do {
		time_goes_on(&clocks);
		for (unsigned long i = 0; i < n; i++) {
			u32 before = READ_ONCE(*count[i]);

			while (READ_ONCE(*count[i]) == before)
				usleep(1000);
		}
		puts("progress");
		fflush(stdout);
	} while (fgets(line, sizeof(line), stdin));
	return 0;
}
