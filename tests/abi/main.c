// SPDX-License-Identifier: GPL-2.0-only
/*
 * The runner: selects tests by name, runs each in a process of its own under
 * a watchdog, prints TAP.  It knows nothing about KVM.
 */
#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"
#include "runner.h"

extern const struct test __start_abi_tests[], __stop_abi_tests[];

char *skip_reason;

static unsigned int timeout = 120;
static bool strict;

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/*
 * Wait for the test's process.  Its own alarm ends it first; a process that
 * does not die of that, nor of SIGKILL, is left behind and reported.
 */
static int wait_for(pid_t pid)
{
	double deadline = now() + timeout + 5;
	bool killed = false;
	int status;

	for (;;) {
		pid_t got = waitpid(pid, &status, WNOHANG);

		if (got == pid)
			return status;
		if (now() > deadline) {
			if (killed)
				return -1;
			kill(-pid, SIGKILL);
			killed = true;
			deadline += 10;
		}
		usleep(1000);
	}
}

static int run_test(const struct test *t)
{
	pid_t pid;
	int status;

	skip_reason[0] = '\0';
	fflush(stdout);
	pid = fork();
	if (!pid) {
		setpgid(0, 0);
		alarm(timeout);
		t->fn();
		fflush(stdout);
		_exit(RESULT_OK);
	}
	if (pid < 0) {
		perror("# fork");
		return RESULT_FAIL;
	}
	setpgid(pid, pid);
	status = wait_for(pid);
	/* Threads and children the test left behind end with it. */
	kill(-pid, SIGKILL);
	if (status == -1) {
		printf("# stuck in the kernel: SIGKILL does not end it\n");
		return RESULT_FAIL;
	}
	if (WIFSIGNALED(status)) {
		if (WTERMSIG(status) == SIGALRM)
			printf("# no end within %u s\n", timeout);
		else
			printf("# killed by signal %d\n", WTERMSIG(status));
		return RESULT_FAIL;
	}
	return WEXITSTATUS(status);
}

static bool selected(const struct test *t, int n, char **globs)
{
	for (int i = 0; i < n; i++) {
		if (!fnmatch(globs[i], t->name, 0))
			return true;
	}
	return !n;
}

static int explain(void)
{
	fprintf(stderr,
		"usage: abi-test [-ls] [-t SECONDS] [GLOB...]\n"
		"  -l  list the tests\n"
		"  -s  strict: a test that skips itself has failed\n"
		"  -t  give each test this long (default %u)\n", timeout);
	return 2;
}

/* Run a test and print its line of TAP. Return: RESULT_*. */
static int run_and_report(const struct test *t, unsigned int nr)
{
	double begin = now();
	int r;

	if (t->stock_deviates && on_stock()) {
		printf("ok %u - %s # SKIP stock KVM: %s\n", nr, t->name, t->stock_deviates);
		return RESULT_SKIP;
	}
	r = run_test(t);
	if (strict && r == RESULT_SKIP) {
		printf("# %s\n", skip_reason);
		r = RESULT_FAIL;
	}
	if (now() - begin > 5)
		printf("# %.0f s\n", now() - begin);
	if (r == RESULT_SKIP)
		printf("ok %u - %s # SKIP %s\n", nr, t->name, skip_reason);
	else
		printf("%sok %u - %s\n", r == RESULT_OK ? "" : "not ", nr, t->name);
	fflush(stdout);
	return r;
}

int main(int argc, char **argv)
{
	unsigned int count[NR_RESULTS] = {};
	unsigned int total = 0;
	bool list = false;
	int opt;

	while ((opt = getopt(argc, argv, "lst:")) != -1) {
		if (opt == 'l')
			list = true;
		else if (opt == 's')
			strict = true;
		else if (opt == 't')
			timeout = strtoul(optarg, NULL, 0);
		else
			return explain();
	}
	argc -= optind;
	argv += optind;
	skip_reason = mmap(NULL, SKIP_REASON_SIZE, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (skip_reason == MAP_FAILED) {
		perror("mmap");
		return 2;
	}

	for (const struct test *t = __start_abi_tests; t < __stop_abi_tests; t++) {
		if (!selected(t, argc, argv))
			continue;
		total++;
		if (list)
			puts(t->name);
	}
	if (list)
		return 0;
	if (!total) {
		fprintf(stderr, "abi-test: no test matches\n");
		return 2;
	}

	printf("TAP version 13\n1..%u\n", total);
	total = 0;
	for (const struct test *t = __start_abi_tests; t < __stop_abi_tests; t++) {
		if (selected(t, argc, argv))
			count[run_and_report(t, ++total)]++;
	}
	printf("# %u passed, %u failed, %u skipped\n", count[RESULT_OK], count[RESULT_FAIL],
	       count[RESULT_SKIP]);
	return count[RESULT_FAIL] ? 1 : 0;
}
