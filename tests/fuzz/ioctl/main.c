// SPDX-License-Identifier: GPL-2.0-only
/*
 * ioctl-fuzz: random sequences of ioctls on /dev/kvm, and guests of random bytes,
 * from several threads of a process that may be killed at any moment. It looks for
 * nothing itself: the kernel it runs on does (KASAN, lockdep, kmemleak), and says
 * which case it was by the name of the process, fz<case>/<thread>.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "fuzz.h"

#define KICK		SIGUSR1
#define KICK_US		1500
#define LONGEST_US	10000000

static u64 seed, first, count = 1000, seconds;
static u32 max_threads = NR_THREADS, max_ops = 120;
static bool one_runs;

static struct world world;
static struct drawer drawers[NR_THREADS];
static pthread_t threads[NR_THREADS];
static atomic_uint running;

/* Guest memory is taken away under whoever writes it: the write is skipped. */
static __thread sigjmp_buf away;
static __thread bool may_fault;

static void fault(int sig)
{
	if (!may_fault)
		_exit(100 + sig);
	siglongjmp(away, 1);
}

static void kicked(int sig)
{
}

static u64 mix(u64 z)
{
	z += 0x9e3779b97f4a7c15;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static void start_stream(struct drawer *d, u64 number, u32 id)
{
	d->state[0] = mix(mix(seed) ^ mix(number * 64 + id));
	d->state[1] = mix(d->state[0]) | 1;
	d->id = id;
	d->w = &world;
	d->buf = mmap(NULL, BUF_SIZE + PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	mprotect(d->buf + BUF_SIZE, PAGE, PROT_NONE);
}

void step(struct drawer *d)
{
	switch (below(d, 8)) {
	case 0 ... 1:
		vm_step(d);
		break;
	case 2 ... 3:
		irq_step(d);
		break;
	case 4 ... 6:
		vcpu_step(d);
		break;
	default:
		run_step(d);
		break;
	}
}

static void *thread(void *arg)
{
	struct drawer *d = arg;
	char name[16];

	snprintf(name, sizeof(name), "fz%llu/%u", (unsigned long long)first, d->id);
	prctl(PR_SET_NAME, name);
	may_fault = true;
	while (d->ops) {
		d->ops--;
		if (!sigsetjmp(away, 1))
			step(d);
	}
	running--;
	return NULL;
}

/* What every case needs of the module, asked once */
static void ask_lists(struct drawer *d)
{
	world.cpuid = calloc(1, 8192);
	world.msrs = calloc(1, 8192);
	world.cpuid->nent = 150;
	world.msrs->nmsrs = 1500;
	if (ioctl(world.kvm, KVM_GET_SUPPORTED_CPUID, world.cpuid) ||
	    ioctl(world.kvm, KVM_GET_MSR_INDEX_LIST, world.msrs)) {
		perror("ioctl-fuzz: lists");
		exit(2);
	}
}

static void handle_signals(void)
{
	struct sigaction kick = { .sa_handler = kicked };
	struct sigaction bad = { .sa_handler = fault, .sa_flags = SA_NODEFER };

	sigaction(KICK, &kick, NULL);
	sigaction(SIGSEGV, &bad, NULL);
	sigaction(SIGBUS, &bad, NULL);
}

/* One case, in a process of its own: never returns. */
static void run_case(u64 number)
{
	struct drawer *d = &drawers[0];
	struct rlimit files = { 256, 256 };
	u32 i, nr;

	first = number;
	handle_signals();
	setrlimit(RLIMIT_NOFILE, &files);
	start_stream(d, number, 0);
	nr = once_in(d, 3) ? 1 : 1 + below(d, max_threads);
	world.guest = mmap(NULL, GUEST_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	for (i = 0; i < NR_VMS; i++)
		world.vm[i] = -1;
	for (i = 0; i < NR_VCPUS; i++)
		world.vcpu[i] = -1;
	for (i = 0; i < NR_EVENTS; i++)
		world.event[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	world.one_runs = one_runs;
	may_fault = true;
	if (!sigsetjmp(away, 1))
		world_create(d);
	running = nr;
	for (i = 0; i < nr; i++) {
		if (i)
			start_stream(&drawers[i], number, i);
		drawers[i].ops = 1 + below(&drawers[i], max_ops);
		pthread_create(&threads[i], NULL, thread, &drawers[i]);
	}
	/* No guest runs longer than this at a time. */
	while (running) {
		usleep(KICK_US);
		for (i = 0; i < nr; i++)
			pthread_kill(threads[i], KICK);
	}
	_exit(0);
}

static u64 now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000ULL + t.tv_nsec / 1000;
}

/* The kernel said something that taints it, or lockdep switched itself off. */
static bool kernel_complained(void)
{
	static bool initial = true;
	static u64 tainted_before;
	static int locks_before;
	u64 tainted = 0;
	int locks = 1;
	char line[128];
	FILE *f = fopen("/proc/sys/kernel/tainted", "r");

	if (f) {
		if (fscanf(f, "%lu", &tainted) != 1)
			tainted = 0;
		fclose(f);
	}
	f = fopen("/proc/lockdep_stats", "r");
	while (f && fgets(line, sizeof(line), f))
		sscanf(line, " debug_locks: %d", &locks);
	if (f)
		fclose(f);
	if (initial) {
		tainted_before = tainted;
		locks_before = locks;
		initial = false;
	}
	return tainted != tainted_before || locks != locks_before;
}

static u32 killed, lost;

/* Let it end, or kill it: one in three at some moment, and whoever takes too long. */
static void wait_for(pid_t pid, u64 number)
{
	u64 r = mix(seed ^ mix(~number)), start = now_us();
	u64 limit = r % 3 ? LONGEST_US : mix(r) % 60000;
	int status;

	while (!waitpid(pid, &status, WNOHANG)) {
		if (now_us() - start > limit) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			killed++;
			return;
		}
		usleep(1000);
	}
	/* Its own guests can have overwritten it: that is no fault of the kernel. */
	if (status)
		lost++;
}

static int run_all(void)
{
	u64 number, start = now_us(), end = first + count;
	u32 bad = 0;
	pid_t pid;

	for (number = first; number < end && !bad; number++) {
		if (seconds && now_us() - start > seconds * 1000000)
			break;
		fflush(stdout);
		pid = fork();
		if (!pid)
			run_case(number);
		if (pid < 0) {
			perror("ioctl-fuzz: fork");
			return 1;
		}
		wait_for(pid, number);
		if (kernel_complained()) {
			printf("ioctl-fuzz: the kernel complained in case %llu\n",
			       (unsigned long long)number);
			bad++;
		}
	}
	printf("ioctl-fuzz: %llu cases from %llu, %u killed, %u lost, %llu s, seed %llu\n",
	       (unsigned long long)(number - first), (unsigned long long)first, killed, lost,
	       (unsigned long long)((now_us() - start) / 1000000), (unsigned long long)seed);
	return bad != 0;
}

static void usage(void)
{
	fputs("Usage: ioctl-fuzz [--seed N] [--case N] [--first N] [--count N] [--seconds N]\n"
	      "                  [--threads N] [--ops N] [--one-runs] [-v]\n"
	      "\n"
	      "  --seed N     what all is drawn from (default: the time)\n"
	      "  --case N     that case only\n"
	      "  --first N, --count N, --seconds N   from which, how many, how long\n"
	      "  --threads N, --ops N   at most, of a case and of a thread\n"
	      "  --one-runs   one thread in KVM_RUN at a time (QEMU's SVM needs it on two CPUs)\n"
	      "  -v           print each call, its value and its result\n", stderr);
	exit(2);
}

static u64 value_of(const char *arg)
{
	if (!arg)
		usage();
	return strtoull(arg, NULL, 0);
}

int main(int argc, char **argv)
{
	int i;

	seed = time(NULL);
	for (i = 1; i < argc; i++) {
		const char *o = argv[i];

		if (!strcmp(o, "-v"))
			verbose = true;
		else if (!strcmp(o, "--one-runs"))
			one_runs = true;
		else if (!strcmp(o, "--seed"))
			seed = value_of(argv[++i]);
		else if (!strcmp(o, "--case"))
			first = value_of(argv[++i]), count = 1;
		else if (!strcmp(o, "--first"))
			first = value_of(argv[++i]);
		else if (!strcmp(o, "--count"))
			count = value_of(argv[++i]);
		else if (!strcmp(o, "--seconds"))
			seconds = value_of(argv[++i]), count = -1ULL >> 1;
		else if (!strcmp(o, "--threads"))
			max_threads = value_of(argv[++i]);
		else if (!strcmp(o, "--ops"))
			max_ops = value_of(argv[++i]);
		else
			usage();
	}
	if (!max_ops || !max_threads || max_threads > NR_THREADS)
		usage();
	world.kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (world.kvm < 0) {
		perror("ioctl-fuzz: /dev/kvm");
		return 2;
	}
	ask_lists(&drawers[0]);
	kernel_complained();
	printf("ioctl-fuzz: seed %llu\n", (unsigned long long)seed);
	return run_all();
}
