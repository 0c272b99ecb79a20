// SPDX-License-Identifier: GPL-2.0-only
/*
 * A memory test for a guest whose host takes its pages away meanwhile: one
 * process per CPU fills its share of memory with values that depend on address
 * and pass, and verifies each while writing the next, so that a lost write, a
 * stale page or a page shown at the wrong place is found.  It is not a test of
 * memory chips; walking bits are of no use here.
 *
 * It goes on until a line on standard input says that it was enough: how many
 * passes that takes depends on how fast the host swaps.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* Mix so that neither zero pages nor compressible ones come about. */
static uint64_t expected(uint64_t index, uint64_t pass)
{
	uint64_t x = index + pass * 0x9e3779b97f4a7c15u;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static void fill(uint64_t *mem, size_t words, uint64_t salt)
{
	for (size_t i = 0; i < words; i++)
		mem[i] = expected(i ^ salt, 0);
}

/* Return the number of words that differ from what @pass left, writing the next. */
static uint64_t turn(uint64_t *mem, size_t words, uint64_t salt, uint64_t pass)
{
	uint64_t bad = 0;

	for (size_t i = 0; i < words; i++) {
		uint64_t want = expected(i ^ salt, pass), have = mem[i];

		if (have != want && bad++ < 8)
			printf("pattern: pass %" PRIu64 " word %zu at %p: %016" PRIx64
			       ", expected %016" PRIx64 "\n", pass, i, (void *)&mem[i],
			       have, want);
		mem[i] = expected(i ^ salt, pass + 1);
	}
	return bad;
}

static int worker(size_t bytes, uint64_t salt, atomic_bool *enough)
{
	size_t words = bytes / sizeof(uint64_t);
	uint64_t pass = 0, bad = 0;
	uint64_t *mem;
	bool last = false;

	mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED) {
		perror("pattern: mmap");
		return 1;
	}
	fill(mem, words, salt);
	/* The last pass begins after the word: what was taken until then is verified. */
	while (!last) {
		last = atomic_load(enough);
		bad += turn(mem, words, salt, pass++);
	}
	printf("pattern: %" PRIu64 " passes, %" PRIu64 " bad words\n", pass, bad);
	fflush(stdout);
	return bad != 0;
}

/* Wait for a line, or for the end of input. */
static int listen_for(atomic_bool *enough)
{
	char line[64];

	if (read(STDIN_FILENO, line, sizeof(line)) < 0)
		perror("pattern: standard input");
	atomic_store(enough, true);
	return 0;
}

int main(int argc, char **argv)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN), running = 0;
	pid_t listener, pid;
	atomic_bool *enough;
	unsigned long mib;
	int failed = 0, status;

	if (argc != 2) {
		fprintf(stderr, "usage: pattern MIB\n");
		return 2;
	}
	mib = strtoul(argv[1], NULL, 10);
	if (!mib) {
		fprintf(stderr, "pattern: the size must be a number above zero\n");
		return 2;
	}
	enough = mmap(NULL, sizeof(*enough), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (enough == MAP_FAILED) {
		perror("pattern: mmap");
		return 1;
	}
	listener = fork();
	if (!listener)
		exit(listen_for(enough));
	if (listener < 0) {
		perror("pattern: fork");
		return 1;
	}
	for (long i = 0; i < cpus; i++) {
		pid = fork();
		if (!pid)
			exit(worker((mib << 20) / cpus, (uint64_t)(i + 1) << 56, enough));
		if (pid < 0)
			failed = 1;
		else
			running++;
	}
	while (running && (pid = wait(&status)) > 0) {
		if (pid == listener)
			continue;
		failed |= status != 0;
		running--;
	}
	kill(listener, SIGKILL);
	return failed;
}
