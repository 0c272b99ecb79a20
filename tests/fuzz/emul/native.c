// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs single instructions on the CPU itself. A signal handler leaves into the
 * case with the trap flag set; the step trap or the fault comes back as a
 * signal with the whole machine in its context. System calls the case may
 * stumble into are refused by seccomp.
 */
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <asm/processor-flags.h>
#include <cpuid.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/kernel.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "diff.h"

#define UC_FLAG_SS	6	/* the selector in the context is to be loaded */
#define XSTATE_BV	512	/* offsets in the standard XSAVE image */
#define XMM		160

u8 *native_mem;

static bool (*next_case)(struct test_case *t);
static void (*case_done)(const struct outcome *o);
static struct test_case now;
static unsigned int ymm_offset;
static unsigned long libc_fs;
static greg_t home[NGREG];	/* where the loop was entered */
static bool started, inside;

/* Encoding of a register to its place in the context. */
static const int place[16] = {
	REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
	REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
};

static long prctl_arch(int code, unsigned long addr)
{
	long ret;

	asm volatile("syscall" : "=a"(ret) : "0"(SYS_arch_prctl), "D"(code), "S"(addr)
		     : "rcx", "r11", "memory");
	return ret;
}

static void load_data_segments(void)
{
	asm volatile("mov %0, %%ds; mov %0, %%es" : : "r"(SEL_DATA));
	asm volatile("mov %0, %%fs; mov %0, %%gs" : : "r"(0));
}

/* The C library's thread pointer: its functions need it, selectors of a case destroy it. */
static void restore_libc_fs(void)
{
	prctl_arch(ARCH_SET_FS, libc_fs);
}

static u16 selector_now(int which)
{
	u16 sel;

	switch (which) {
	case 0:
		asm volatile("mov %%es, %0" : "=r"(sel));
		break;
	case 3:
		asm volatile("mov %%ds, %0" : "=r"(sel));
		break;
	case 4:
		asm volatile("mov %%fs, %0" : "=r"(sel));
		break;
	default:
		asm volatile("mov %%gs, %0" : "=r"(sel));
		break;
	}
	return sel;
}

static void read_vectors(const u8 *image, struct outcome *o)
{
	u64 valid = *(const u64 *)(image + XSTATE_BV);
	unsigned int i;

	memset(o->vec, 0, sizeof(o->vec));
	for (i = 0; i < 16; i++) {
		if (valid & 2)
			memcpy(o->vec[i], image + XMM + 16 * i, 16);
		if (ymm_offset && (valid & 4))
			memcpy(o->vec[i] + 16, image + ymm_offset + 16 * i, 16);
	}
}

static void write_vectors(u8 *image)
{
	unsigned int i;

	*(u64 *)(image + XSTATE_BV) |= ymm_offset ? 7 : 3;
	for (i = 0; i < 16; i++) {
		memcpy(image + XMM + 16 * i, now.vec[i], 16);
		if (ymm_offset)
			memcpy(image + ymm_offset + 16 * i, now.vec[i] + 16, 16);
	}
}

static void collect(const ucontext_t *uc, struct outcome *o)
{
	const greg_t *r = uc->uc_mcontext.gregs;
	u64 cs_gs_fs_ss = r[REG_CSGSFS];
	unsigned int i;

	memset(o, 0, sizeof(*o));
	for (i = 0; i < 16; i++)
		o->gpr[i] = r[place[i]];
	o->rip = r[REG_RIP];
	o->flags = r[REG_EFL];
	o->vector = r[REG_TRAPNO];
	o->error = r[REG_ERR];
	o->cr2 = r[REG_CR2];
	o->sel[1] = cs_gs_fs_ss;
	o->sel[2] = cs_gs_fs_ss >> 48;
	for (i = 0; i < 6; i++) {
		if (i != 1 && i != 2)
			o->sel[i] = selector_now(i);
	}
	prctl_arch(ARCH_GET_FS, (unsigned long)&o->fs_base);
	prctl_arch(ARCH_GET_GS, (unsigned long)&o->gs_base);
	read_vectors((const u8 *)uc->uc_mcontext.fpregs, o);
}

static void launch(ucontext_t *uc)
{
	greg_t *r = uc->uc_mcontext.gregs;
	unsigned int i;

	for (i = 0; i < 16; i++)
		r[place[i]] = now.gpr[i];
	r[REG_RIP] = now.rip;
	r[REG_EFL] = now.flags;
	r[REG_CSGSFS] = (u64)SEL_DATA << 48 | (now.is64 ? SEL_CODE64 : SEL_CODE32);
	uc->uc_flags |= UC_FLAG_SS;
	write_vectors((u8 *)uc->uc_mcontext.fpregs);
	load_data_segments();
	prctl_arch(ARCH_SET_FS, FS_BASE);
	prctl_arch(ARCH_SET_GS, GS_BASE);
}

static __used void handler(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	struct outcome o;

	/* A refused system call, which no case should contain, or a fault of our own. */
	if (sig == SIGSYS || inside) {
		restore_libc_fs();
		dprintf(2, "emul-diff: signal %d at %#llx\n", sig,
			(long long)uc->uc_mcontext.gregs[REG_RIP]);
		_exit(2);
	}
	inside = true;
	if (!started) {
		memcpy(home, uc->uc_mcontext.gregs, sizeof(home));
		started = true;
	} else {
		collect(uc, &o);
		restore_libc_fs();
		case_done(&o);
	}
	if (next_case(&now)) {
		launch(uc);
		inside = false;
		return;
	}
	memcpy(uc->uc_mcontext.gregs, home, sizeof(home));
	load_data_segments();
	restore_libc_fs();
	inside = false;
}

/* The kernel leaves AC, NT and ID of the case in the flags: not for compiled code. */
static __naked void entry(int sig, siginfo_t *info, void *context)
{
	asm volatile("pushfq; andq $~0x244400, (%rsp); popfq; jmp handler");
}

static void refuse_system_calls(void)
{
	static const int allowed[] = {
		SYS_rt_sigreturn, SYS_arch_prctl, SYS_write, SYS_exit_group, SYS_kill, SYS_getpid,
		SYS_newfstatat, SYS_clock_gettime, SYS_brk, SYS_mmap, SYS_lseek, SYS_gettid,
		SYS_tgkill, SYS_rt_sigprocmask,
	};
	struct sock_filter code[2 * ARRAY_SIZE(allowed) + 2];
	struct sock_fprog prog = { .filter = code };
	unsigned int i, n = 0;

	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						 offsetof(struct seccomp_data, nr));
	for (i = 0; i < ARRAY_SIZE(allowed); i++) {
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, allowed[i],
							 0, 1);
		code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	}
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP);
	prog.len = n;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog)) {
		perror("emul-diff: seccomp");
		exit(2);
	}
}

static void map_area(void)
{
	int fd = memfd_create("emul-diff", 0), prot;
	unsigned int i;
	void *at;

	if (fd < 0 || ftruncate(fd, AREA_PAGES * PAGE))
		goto fail;
	native_mem = mmap(NULL, AREA_PAGES * PAGE, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_POPULATE, fd, 0);
	if (native_mem == MAP_FAILED)
		goto fail;
	for (i = 0; i < AREA_PAGES; i++) {
		if (area_rights[i] == NO_PAGE)
			continue;
		prot = PROT_READ | (area_rights[i] & P_WRITE ? PROT_WRITE : 0) |
		       (area_rights[i] & P_EXEC ? PROT_EXEC : 0);
		at = mmap((void *)(unsigned long)(AREA + i * PAGE), PAGE, prot,
			  MAP_SHARED | MAP_FIXED_NOREPLACE | MAP_POPULATE, fd, i * PAGE);
		if (at == MAP_FAILED)
			goto fail;
	}
	if (mlock(native_mem, AREA_PAGES * PAGE))
		perror("emul-diff: mlock");
	return;
fail:
	perror("emul-diff: memory");
	exit(2);
}

#define MARGIN	0x100000u	/* by which stack and heap may grow */

/* Where this process has memory: a case that comes there is not to be run. */
static struct {
	u64 from, to;
} mine[128];
static unsigned int nr_mine;

static void find_mine(void)
{
	/* The kernel enlarges a stack for any access below it, up to this limit. */
	struct rlimit stack = { .rlim_cur = MARGIN, .rlim_max = MARGIN };
	FILE *maps = fopen("/proc/self/maps", "r");
	u64 from, to;

	if (setrlimit(RLIMIT_STACK, &stack)) {
		perror("emul-diff: stack limit");
		exit(2);
	}
	while (maps && fscanf(maps, "%llx-%llx%*[^\n]", &from, &to) == 2) {
		/* The vsyscall page is the kernel's. */
		if ((from >= AREA && to <= AREA + AREA_PAGES * PAGE) || from >> 63)
			continue;
		if (nr_mine == ARRAY_SIZE(mine)) {
			fputs("emul-diff: too many mappings\n", stderr);
			exit(2);
		}
		mine[nr_mine].from = from - MARGIN;
		mine[nr_mine++].to = to + MARGIN;
	}
	if (!maps || !nr_mine) {
		perror("emul-diff: /proc/self/maps");
		exit(2);
	}
	fclose(maps);
}

bool native_is_mine(u64 addr)
{
	unsigned int i;

	for (i = 0; i < nr_mine; i++) {
		if (addr >= mine[i].from && addr < mine[i].to)
			return true;
	}
	return false;
}

/* CPUID is no authority here: a hypervisor may hide the bit. */
bool native_null_clears_base(void)
{
	unsigned long base = 0;

	prctl_arch(ARCH_SET_GS, GS_BASE);
	asm volatile("mov %0, %%gs" : : "r"(0));
	prctl_arch(ARCH_GET_GS, (unsigned long)&base);
	return base != GS_BASE;
}

/* Call once; afterwards only next() and done() may run, and output between pauses. */
void native_setup(void)
{
	static const int signals[] = { SIGUSR1, SIGTRAP, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGSYS };
	struct sigaction sa = { .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };
	unsigned int i, eax, ebx, ecx, edx;
	stack_t stack = { .ss_size = 1 << 18 };

	stack.ss_sp = mmap(NULL, stack.ss_size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (stack.ss_sp == MAP_FAILED || sigaltstack(&stack, NULL)) {
		perror("emul-diff: stack");
		exit(2);
	}
	__cpuid(1, eax, ebx, ecx, edx);
	if ((ecx & (1 << 28)) && (ecx & (1 << 27))) {
		__cpuid_count(0xd, 2, eax, ebx, ecx, edx);
		ymm_offset = ebx;
	}
	sa.sa_sigaction = entry;
	for (i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &sa, NULL);
	map_area();
	prctl_arch(ARCH_GET_FS, (unsigned long)&libc_fs);
	find_mine();
	refuse_system_calls();
}

void native_loop(bool (*next)(struct test_case *t), void (*done)(const struct outcome *o))
{
	next_case = next;
	case_done = done;
	started = false;
	kill(getpid(), SIGUSR1);
}
