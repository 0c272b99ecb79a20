// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keeps guests running while something happens to the host: one vCPU a VM, each
 * counting for ever.  Says "progress" when all have counted on; each line on
 * standard input asks for that again.  It tests nothing by itself.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness.h"
#include "runner.h"

#define MAX_GUESTS	64

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

int main(int argc, char **argv)
{
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
	do {
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
