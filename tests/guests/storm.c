// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts of all kinds at once, for a guest: on each CPU a timer of 1 ms,
 * a thread that interrupts all others (membarrier), one that hands a token to
 * the next CPU's and one that reads the disk past the page cache.  Each counts
 * what it asked for and what it got; a loss stops somebody for good, or leaves
 * the two numbers apart.
 *
 * usage: storm SECONDS DISK
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define PERIOD_NS	1000000
#define BLOCK		4096
/* A worker that does nothing for so long has lost something, or its host has. */
#define PATIENCE_S	20
#define MAX_CPUS	64

enum kind { TIMER, IPI, TOKEN, DISK, NR_KINDS };
static const char *const names[NR_KINDS] = { "timer", "ipi", "token", "disk" };

struct worker {
	enum kind kind;
	int cpu;
	pthread_t thread;
	uint64_t done;			/* what came back; read by the main thread, too */
	uint64_t asked;			/* what was asked for; TIMER: periods that passed */
	uint64_t worst_us;		/* the longest that one took */
	bool ended;			/* likewise */
};

static struct worker workers[NR_KINDS][MAX_CPUS];
static int token[MAX_CPUS][2];
static int nr_cpus;
static const char *disk;
static uint64_t disk_blocks;
static atomic_bool stop;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	printf("storm: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void finished_one(struct worker *w, uint64_t since, uint64_t n)
{
	uint64_t us = (now_ns() - since) / 1000;

	if (us > w->worst_us)
		w->worst_us = us;
	__atomic_fetch_add(&w->done, n, __ATOMIC_SEQ_CST);
}

static void timer_storm(struct worker *w)
{
	const struct itimerspec period = {
		.it_interval.tv_nsec = PERIOD_NS, .it_value.tv_nsec = PERIOD_NS };
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	uint64_t start, before = 0, n;

	check(fd >= 0 && timerfd_settime(fd, 0, &period, NULL) == 0, "timerfd");
	start = now_ns();
	while (!stop) {
		before = now_ns();
		check(read(fd, &n, sizeof(n)) == sizeof(n), "timerfd");
		finished_one(w, before, n);
	}
	/* What was due when the last read began is in it; the last period may have begun late. */
	w->asked = before > start + PERIOD_NS ? (before - start) / PERIOD_NS - 1 : 0;
	close(fd);
}

static void ipi_storm(struct worker *w)
{
	while (!stop) {
		uint64_t before = now_ns();

		w->asked++;
		check(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0,
		      "membarrier");
		finished_one(w, before, 1);
		/* Let the others of this CPU have a turn, too. */
		if (w->asked % 16 == 0)
			sched_yield();
	}
}

/* The first CPU's starts a round and ends the last one; the last round is awaited. */
static void token_storm(struct worker *w)
{
	int in = token[w->cpu][0], out = token[(w->cpu + 1) % nr_cpus][1];
	char c = 'x';

	for (;;) {
		uint64_t before = now_ns();

		if (w->cpu == 0) {
			c = stop ? 'e' : 'x';
			w->asked++;
			check(write(out, &c, 1) == 1, "token");
		}
		check(read(in, &c, 1) == 1, "token");
		if (w->cpu != 0) {
			w->asked++;
			check(write(out, &c, 1) == 1, "token");
		}
		finished_one(w, before, 1);
		if (c == 'e')
			return;
	}
}

static void disk_storm(struct worker *w)
{
	int fd = open(disk, O_RDONLY | O_DIRECT);
	unsigned int seed = w->cpu;
	void *buf;

	check(fd >= 0, disk);
	check(posix_memalign(&buf, BLOCK, BLOCK) == 0, "memory");
	while (!stop) {
		uint64_t before = now_ns();
		off_t at = (off_t)(rand_r(&seed) % disk_blocks) * BLOCK;

		w->asked++;
		check(pread(fd, buf, BLOCK, at) == BLOCK, disk);
		finished_one(w, before, 1);
	}
	free(buf);
	close(fd);
}

static void *work(void *data)
{
	static void (*const kinds[NR_KINDS])(struct worker *) = {
		timer_storm, ipi_storm, token_storm, disk_storm };
	struct worker *w = data;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(w->cpu, &cpus);
	check(sched_setaffinity(0, sizeof(cpus), &cpus) == 0, "affinity");
	kinds[w->kind](w);
	__atomic_store_n(&w->ended, true, __ATOMIC_SEQ_CST);
	return NULL;
}

static bool ended(const struct worker *w)
{
	return __atomic_load_n(&w->ended, __ATOMIC_SEQ_CST);
}

/* Who has not moved for long? Return: their number. */
static int stuck(uint64_t seen[NR_KINDS][MAX_CPUS], int idle[NR_KINDS][MAX_CPUS])
{
	int k, i, n = 0;

	for (k = 0; k < NR_KINDS; k++) {
		for (i = 0; i < nr_cpus; i++) {
			struct worker *w = &workers[k][i];
			uint64_t done = __atomic_load_n(&w->done, __ATOMIC_SEQ_CST);

			idle[k][i] = done == seen[k][i] && !ended(w) ? idle[k][i] + 1 : 0;
			seen[k][i] = done;
			if (idle[k][i] < PATIENCE_S)
				continue;
			printf("storm: the %s of CPU %d stopped at %" PRIu64 "\n", names[k],
			       i, done);
			n++;
		}
	}
	return n;
}

static bool all_ended(void)
{
	int k, i;

	for (k = 0; k < NR_KINDS; k++)
		for (i = 0; i < nr_cpus; i++)
			if (!ended(&workers[k][i]))
				return false;
	return true;
}

static int report(void)
{
	int k, i, bad = 0;

	for (k = 0; k < NR_KINDS; k++) {
		uint64_t asked = 0, done = 0, worst = 0;

		for (i = 0; i < nr_cpus; i++) {
			struct worker *w = &workers[k][i];

			asked += w->asked;
			done += w->done;
			if (w->worst_us > worst)
				worst = w->worst_us;
			if (k == TIMER ? w->done < w->asked : w->done != w->asked)
				bad++;
		}
		printf("guest: storm-%s %" PRIu64 " of %" PRIu64 ", worst %" PRIu64 " us\n",
		       names[k], done, asked, worst);
	}
	return bad;
}

int main(int argc, char **argv)
{
	static uint64_t seen[NR_KINDS][MAX_CPUS];
	static int idle[NR_KINDS][MAX_CPUS];
	uint64_t end, size;
	int k, i, fd;

	if (argc != 3)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	disk = argv[2];
	nr_cpus = sysconf(_SC_NPROCESSORS_ONLN);
	if (nr_cpus > MAX_CPUS)
		nr_cpus = MAX_CPUS;
	fd = open(disk, O_RDONLY);
	check(fd >= 0 && ioctl(fd, BLKGETSIZE64, &size) == 0, disk);
	close(fd);
	disk_blocks = size / BLOCK;
	check(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0,
	      "membarrier");
	for (i = 0; i < nr_cpus; i++)
		check(pipe(token[i]) == 0, "pipe");
	for (k = 0; k < NR_KINDS; k++) {
		for (i = 0; i < nr_cpus; i++) {
			struct worker *w = &workers[k][i];

			w->kind = k;
			w->cpu = i;
			check(pthread_create(&w->thread, NULL, work, w) == 0, "thread");
		}
	}
	end = now_ns() + strtoull(argv[1], NULL, 10) * 1000000000ull;
	while (!all_ended()) {
		sleep(1);
		if (now_ns() >= end)
			stop = true;
		if (stuck(seen, idle))
			return 1;
	}
	return report() ? 1 : 0;
}
