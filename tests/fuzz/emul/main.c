// SPDX-License-Identifier: GPL-2.0-only
/*
 * emul-diff: runs random instructions in the emulator and on the CPU and
 * compares registers, flags, memory and faults. The CPU is right, save where
 * the manuals leave a result undefined. It runs in ring 3 and needs no KVM.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <asm/processor-flags.h>
#include <unistd.h>

#include "diff.h"

#define MAX_KINDS	4096

const u8 area_rights[AREA_PAGES] = {
	[1] = P_READ | P_EXEC, [2] = P_READ | P_EXEC,
	[4] = P_READ | P_EXEC, [5] = P_READ | P_WRITE,
	[7] = P_READ | P_EXEC,
	[11] = P_READ | P_WRITE, [12] = P_READ | P_WRITE, [13] = P_READ,
	[15] = P_READ | P_WRITE, [16] = P_READ | P_WRITE,
	[18] = P_READ | P_WRITE, [19] = P_READ,
};

static u8 fresh[AREA_PAGES * PAGE], shadow[AREA_PAGES * PAGE];

static u64 seed, first, count = 1000000, number;
static unsigned int modes, max_reports = 20;
static bool verbose;

static struct test_case now;
static struct outcome emulated;
static u64 compared, silent, left_out, different, kinds[MAX_KINDS];
static unsigned int nr_kinds;
static u8 seen_op[512];
static char report[8192];
static unsigned int report_len;

static void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report_len += vsnprintf(report + report_len, sizeof(report) - report_len, format, args);
	va_end(args);
	if (report_len >= sizeof(report))
		report_len = sizeof(report) - 1;
}

static void put_code(const struct test_case *t)
{
	u64 at = t->rip - AREA;

	memcpy(shadow + at, t->insn, 15);
	memset(shadow + at + 15, 0x90, 16);
	memcpy(native_mem + at, shadow + at, 31);
}

static void restore_memory(const struct test_case *t)
{
	u64 at = t->rip - AREA, page;

	memcpy(shadow + at, fresh + at, 31);
	memcpy(native_mem + at, fresh + at, 31);
	for (page = 0; page < AREA_PAGES; page++) {
		if (!(area_rights[page] & P_WRITE))
			continue;
		at = page * PAGE;
		if (memcmp(shadow + at, fresh + at, PAGE))
			memcpy(shadow + at, fresh + at, PAGE);
		if (memcmp(native_mem + at, fresh + at, PAGE))
			memcpy(native_mem + at, fresh + at, PAGE);
	}
}

/* Behind a move to SS the CPU runs one instruction more: let that be a NOP. */
static bool follow_with_nop(void)
{
	u64 at = emulated.rip - AREA;

	if (!(area_rights[at / PAGE] & P_EXEC))
		return false;
	shadow[at] = 0x90;
	native_mem[at] = 0x90;
	emulated.rip++;
	return true;
}

static void describe(const struct test_case *t)
{
	unsigned int i;

	printf("seed %llu case %llu, %u bits, op %u:", seed, number, t->is64 ? 64 : 32,
	       env_operation());
	for (i = 0; i < 15; i++)
		printf(" %02x", t->insn[i]);
	printf("\n  rip %llx flags %llx\n ", t->rip, t->flags);
	for (i = 0; i < (t->is64 ? 16 : 8); i++)
		printf(" r%u=%llx", i, t->gpr[i]);
	printf("\n");
}

static bool next(struct test_case *t)
{
	for (; number < first + count; number++) {
		gen_case(&now, seed, number, modes);
		put_code(&now);
		if (env_run(&now, shadow, &emulated) == SAID_NOTHING) {
			silent++;
		} else if (!env_comparable(&now) || (env_blocks_trap() && !follow_with_nop())) {
			left_out++;
		} else {
			*t = now;
			if (verbose) {
				describe(&now);
				fflush(stdout);
			}
			return true;
		}
		restore_memory(&now);
	}
	return false;
}

static void compare(const char *what, int index, u64 emul, u64 cpu, u64 mask)
{
	if ((emul ^ cpu) & mask)
		say("  %s %d: emulator %#llx, CPU %#llx\n", what, index, emul & mask, cpu & mask);
}

static void compare_memory(void)
{
	unsigned int page, i, told = 0;

	for (page = 0; page < AREA_PAGES; page++) {
		u64 at = page * PAGE;

		if (!(area_rights[page] & P_WRITE) || !memcmp(shadow + at, native_mem + at, PAGE))
			continue;
		for (i = 0; i < PAGE && told < 8; i++) {
			if (shadow[at + i] == native_mem[at + i])
				continue;
			say("  memory %#llx: emulator %#x, CPU %#x (was %#x)\n", AREA + at + i,
			    shadow[at + i], native_mem[at + i], fresh[at + i]);
			told++;
		}
	}
}

/* Many prefixes, or an encoding (VEX, XOP) whose length the CPU alone knows. */
static bool maybe_too_long(void)
{
	unsigned int n = env_prefixes(&now);
	u8 opcode = now.insn[n];

	return n > 6 || opcode == 0xc4 || opcode == 0xc5 || opcode == 0x8f;
}

/*
 * How many bytes of an undefined instruction the CPU wants before it says so
 * differs between CPUs: #UD and a #PF on fetching more of it are both right.
 */
static bool either_fault(const struct outcome *cpu)
{
	const struct outcome *ud = emulated.vector == 6 ? &emulated : cpu;
	const struct outcome *pf = emulated.vector == 6 ? cpu : &emulated;

	if (ud->vector == 6 && pf->vector == 14 && (pf->error & 16))
		return true;
	/* Neither do they agree where 15 bytes are not enough, for which #GP is due. */
	if (ud->vector == 6 && pf->vector == 13 && !pf->error && maybe_too_long())
		return true;
	return env_free_order() && emulated.vector != DONE_VECTOR && cpu->vector != DONE_VECTOR;
}

/* RCX, RSI, RDI: what a string instruction counts with */
static bool is_counter(unsigned int reg)
{
	return reg == 1 || reg == 6 || reg == 7;
}

static void compare_all(const struct outcome *cpu)
{
	const struct outcome *e = &emulated;
	u64 flags = ~(u64)X86_EFLAGS_RF;
	bool partial = e->vector != DONE_VECTOR && env_partial();
	enum env_spared spared = e->vector == DONE_VECTOR ? SPARED_NOTHING : env_spared();
	u64 bits = spared == SPARED_FAULT_UPPER ? (u32)~0u : ~0ull;
	unsigned int i;

	if (either_fault(cpu))
		return;
	if (e->vector == DONE_VECTOR)
		flags &= ~env_undefined_flags(&now);
	if (e->vector != cpu->vector)
		say("  vector: emulator %u (error %#llx), CPU %u (error %#llx, cr2 %#llx)\n",
		    e->vector, e->error, cpu->vector, cpu->error, cpu->cr2);
	if (e->vector != DONE_VECTOR && e->vector == cpu->vector) {
		compare("error", 0, e->error, cpu->error, ~0ull);
		if (e->vector == 14)
			compare("cr2", 0, e->cr2, cpu->cr2, ~0ull);
	}
	for (i = 0; i < 16 && !partial; i++)
		compare("gpr", i, e->gpr[i], cpu->gpr[i], is_counter(i) ? bits : ~0ull);
	compare("rip", 0, e->rip, cpu->rip, ~0ull);
	compare("flags", 0, e->flags, cpu->flags, flags);
	if (e->vector == DONE_VECTOR) {
		/* Entering the signal handler, IRET has cleared the RPL of null selectors. */
		for (i = 0; i < 6; i++)
			compare("selector", i, e->sel[i], cpu->sel[i],
				(e->sel[i] | cpu->sel[i]) & ~3 ? ~0ull : 0);
		compare("fs base", 0, e->fs_base, cpu->fs_base, ~0ull);
		compare("gs base", 0, e->gs_base, cpu->gs_base, ~0ull);
	}
	for (i = 0; i < 16; i++) {
		if (memcmp(e->vec[i], cpu->vec[i], 32))
			say("  vector register %u\n", i);
	}
	if (!partial && spared != SPARED_FAULT_MEMORY)
		compare_memory();
}

/* One difference a kind is told; a kind is operation, mode and what the report begins with. */
static bool new_kind(void)
{
	u64 kind = 14695981039346656037ull;
	const char *p;
	unsigned int i;

	for (p = report; *p; p++) {
		/* numbers vary */
		if ((*p < '0' || *p > '9') && (*p < 'a' || *p > 'f'))
			kind = (kind ^ (u8)*p) * 1099511628211ull;
	}
	kind ^= (u64)env_operation() << 48 | (u64)emulated.vector << 40 | now.is64;
	for (i = 0; i < nr_kinds; i++) {
		if (kinds[i] == kind)
			return false;
	}
	if (nr_kinds < MAX_KINDS)
		kinds[nr_kinds++] = kind;
	return true;
}

static void done(const struct outcome *cpu)
{
	report_len = 0;
	report[0] = 0;
	compare_all(cpu);
	compared++;
	seen_op[env_operation() % sizeof(seen_op)] = 1;
	if (report[0])
		different++;
	if ((report[0] && new_kind() && nr_kinds <= max_reports) || verbose) {
		if (!verbose)
			describe(&now);
		fputs(report, stdout);
		fflush(stdout);
	}
	restore_memory(&now);
	number++;
}

static bool five_levels(void)
{
	void *high = (void *)(1ull << 48);
	void *p = mmap(high, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool yes = p == high;

	if (p != MAP_FAILED)
		munmap(p, PAGE);
	return yes;
}

static void print_help(void)
{
	fputs("usage: emul-diff [option...]\n\n"
	      "  --seed N     what the cases are made from (default: the time)\n"
	      "  --count N    how many (default 1000000)\n"
	      "  --case N     the first one's number; alone: only this one, told in full\n"
	      "  --mode M     only 64-bit or only 32-bit code\n"
	      "  --reports N  kinds of differences to print (default 20)\n"
	      "  -v           tell every case\n"
	      "Exit status: 0 if emulator and CPU agree, 1 if not.\n", stdout);
}

static void parse(int argc, char **argv)
{
	bool single = false, counted = false;
	int i;

	seed = time(NULL);
	for (i = 1; i < argc; i++) {
		const char *arg = argv[i];
		u64 val = i + 1 < argc ? strtoull(argv[i + 1], NULL, 0) : 0;

		if (!strcmp(arg, "-v")) {
			verbose = true;
			continue;
		}
		if (!strcmp(arg, "-h") || !strcmp(arg, "--help")) {
			print_help();
			exit(0);
		}
		if (!strcmp(arg, "--seed")) {
			seed = val;
		} else if (!strcmp(arg, "--count")) {
			count = val;
			counted = true;
		} else if (!strcmp(arg, "--case")) {
			first = val;
			single = true;
		} else if (!strcmp(arg, "--mode")) {
			modes = val;
		} else if (!strcmp(arg, "--reports")) {
			max_reports = val;
		} else {
			print_help();
			exit(2);
		}
		i++;
	}
	if (single && !counted) {
		count = 1;
		verbose = true;
	}
	number = first;
}

int main(int argc, char **argv)
{
	unsigned int i, ops = 0;
	cpu_set_t cpus;

	parse(argc, argv);
	CPU_ZERO(&cpus);
	CPU_SET(sched_getcpu(), &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	for (i = 0; i < sizeof(fresh); i++)
		fresh[i] = (i * 0x9e3779b1u) >> 24;
	memcpy(shadow, fresh, sizeof(fresh));
	env_setup(five_levels(), native_null_clears_base());
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	native_setup();
	memcpy(native_mem, fresh, sizeof(fresh));
	printf("seed %llu\n", seed);
	fflush(stdout);
	native_loop(next, done);
	for (i = 0; i < sizeof(seen_op); i++)
		ops += seen_op[i];
	printf("%llu cases of seed %llu: %llu compared (%u operations), ", number - first,
	       seed, compared, ops);
	printf("%llu not emulated, %llu left out\n", silent, left_out);
	printf("%llu differ, in %u ways\n", different, nr_kinds);
	return different ? 1 : compared ? 0 : 2;
}
