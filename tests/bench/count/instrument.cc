// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counts what a host does between a VM-exit and the next VM-entry, for Bochs's
 * instrumentation interface. The guest of the benchmark says which row it is
 * in, or its client does; a row's counts and its profile by address are appended
 * to the file that MONOVISOR_COUNT names when the row ends. With MONOVISOR_BOOT
 * a guest's boot is counted instead. It changes nothing in the machine.
 */
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <unordered_map>
#include <unistd.h>

#include "bochs.h"
#include "cpu/cpu.h"
#include "cpu/decoder/ia_opcodes.h"

#if BX_INSTRUMENTATION

/* What is counted; the names go into the file. */
enum kind {
	INSNS, USER_INSNS, INDIRECT, RETPOLINE, VMCS_READ, VMCS_WRITE, VMLOAD_SAVE, RDMSR_,
	WRMSR_, CR_WRITE, DR_WRITE, CR_DR_READ, XSTATE, LOCKED, FENCE, LOADS_STORES, CODE_LINES,
	DATA_LINES, NR_KINDS
};

static const char *const kind_names[NR_KINDS] = {
	"instructions", "user_instructions", "indirect_branches", "retpolines", "vmread",
	"vmwrite", "vmload_vmsave", "rdmsr", "wrmsr", "cr_write", "dr_write", "cr_dr_read",
	"xstate", "locked", "fences", "memory_accesses", "code_lines", "data_lines",
};

/*
 * A marker is XCHG BX,BX with the row in RAX (0: pause, MARK_FLUSH: write the file) and the
 * module in RCX. A client's own row is what the host does between two of its markers.
 */
#define MARK_FLUSH	255

struct state {
	bool in_guest;
	bool counting;
	unsigned row;		/* whose counts these are, 0: none yet */
	unsigned long impl;
	unsigned long exits;
	unsigned long counts[NR_KINDS];
	unsigned long window;
	bx_address rsp, next;	/* of the instruction that is executing */
	std::unordered_map<bx_address, unsigned long> profile;
	std::unordered_map<bx_address, unsigned long> lines[2];	/* data, code: last window */
	std::unordered_map<bx_address, bx_address> calls;	/* return address by stack slot */
};

static state *states[BX_MAX_SMP_THREADS_SUPPORTED];

static state *get(unsigned cpu)
{
	if (!states[cpu])
		states[cpu] = new state();
	return states[cpu];
}

static void begin_row(state *s, unsigned row, unsigned long impl)
{
	s->row = row;
	s->impl = impl;
	s->counting = false;
	s->exits = 0;
	memset(s->counts, 0, sizeof(s->counts));
	s->profile.clear();
	s->lines[0].clear();
	s->lines[1].clear();
	s->calls.clear();
}

static void end_row(state *s)
{
	const char *name = getenv("MONOVISOR_COUNT");
	FILE *f = name ? fopen(name, "a") : NULL;

	if (f) {
		fprintf(f, "row %u impl %lu exits %lu", s->row, s->impl, s->exits);
		for (int k = 0; k < NR_KINDS; k++)
			fprintf(f, " %s %lu", kind_names[k], s->counts[k]);
		fprintf(f, "\n");
		for (auto &p : s->profile)
			fprintf(f, "at %u %lu %llx %lu\n", s->row, s->impl,
				(unsigned long long)p.first, p.second);
		fclose(f);
	}
	s->row = 0;
}

static void mark(state *s, unsigned long row, unsigned long impl)
{
	s->counting = false;
	if (row == MARK_FLUSH) {
		if (s->row)
			end_row(s);
	} else if (row) {
		if (row != s->row || impl != s->impl)
			begin_row(s, row, impl);
		s->counting = true;
	}
}

static void touch(state *s, int which, bx_address addr)
{
	unsigned long &last = s->lines[which][addr >> 6];

	if (last != s->window) {
		last = s->window;
		s->counts[which ? CODE_LINES : DATA_LINES]++;
	}
}

static void count_opcode(state *s, bxInstruction_c *i)
{
	if (i->getLock())
		s->counts[LOCKED]++;
	switch (i->getIaOpcode()) {
	case BX_IA_XCHG_EbGb:
	case BX_IA_XCHG_EwGw:
	case BX_IA_XCHG_EdGd:
	case BX_IA_XCHG_EqGq:
		/* With memory, XCHG locks without a prefix. */
		if (!i->modC0() && !i->getLock())
			s->counts[LOCKED]++;
		break;
	case BX_IA_VMREAD_EdGd:
	case BX_IA_VMREAD_EqGq:
		s->counts[VMCS_READ]++;
		break;
	case BX_IA_VMWRITE_GdEd:
	case BX_IA_VMWRITE_GqEq:
		s->counts[VMCS_WRITE]++;
		break;
	case BX_IA_VMLOAD:
	case BX_IA_VMSAVE:
		s->counts[VMLOAD_SAVE]++;
		break;
	case BX_IA_RDMSR:
		s->counts[RDMSR_]++;
		break;
	case BX_IA_WRMSR:
		s->counts[WRMSR_]++;
		break;
	case BX_IA_MOV_CR0Rq:
	case BX_IA_MOV_CR2Rq:
	case BX_IA_MOV_CR3Rq:
	case BX_IA_MOV_CR4Rq:
	case BX_IA_XSETBV:
		s->counts[CR_WRITE]++;
		break;
	case BX_IA_MOV_DqRq:
		s->counts[DR_WRITE]++;
		break;
	case BX_IA_MOV_RqCR0:
	case BX_IA_MOV_RqCR2:
	case BX_IA_MOV_RqCR3:
	case BX_IA_MOV_RqCR4:
	case BX_IA_MOV_RqDq:
		s->counts[CR_DR_READ]++;
		break;
	case BX_IA_XSAVE:
	case BX_IA_XSAVEC:
	case BX_IA_XSAVEOPT:
	case BX_IA_XSAVES:
	case BX_IA_XRSTOR:
	case BX_IA_XRSTORS:
	case BX_IA_FXSAVE:
	case BX_IA_FXRSTOR:
	case BX_IA_WRPKRU:
		s->counts[XSTATE]++;
		break;
	case BX_IA_LFENCE:
	case BX_IA_MFENCE:
	case BX_IA_SFENCE:
		s->counts[FENCE]++;
		break;
	}
}

/*
 * A guest's boot: from the first instruction of a guest to its first one in ring 3 of long
 * mode. What the CPUs do of the host's in between is booked on the exit that was last there.
 */
#define SVM_EXITCODE	0x70

struct cost {
	unsigned long exits, insns;
};

static struct {
	const char *file;
	bool running;
	unsigned long guest, kernel, user;
	std::map<unsigned long, cost> by_reason;
	struct {
		bool left;		/* an exit whose reason is not booked yet */
		unsigned long reason;
		cost *last;
	} cpu[BX_MAX_SMP_THREADS_SUPPORTED];
} boot;

static void end_boot(void)
{
	FILE *f = fopen(boot.file, "w");

	if (f) {
		fprintf(f, "boot guest %lu kernel %lu user %lu\n", boot.guest, boot.kernel,
			boot.user);
		for (auto &r : boot.by_reason)
			fprintf(f, "exit %lu count %lu instructions %lu\n", r.first,
				r.second.exits, r.second.insns);
		fclose(f);
	}
	/* Nobody looks at the rest. */
	_exit(0);
}

static void count_boot(unsigned cpu, BX_CPU_C *c, bxInstruction_c *i, bool in_guest)
{
	auto &here = boot.cpu[cpu];
	bool ring3 = c->sregs[BX_SEG_REG_CS].selector.rpl == 3;

	if (in_guest) {
		boot.running = true;
		boot.guest++;
		if (ring3 && c->cpu_mode >= BX_MODE_LONG_COMPAT)
			end_boot();
		return;
	}
	if (!boot.running)
		return;
	if (here.left) {
		here.left = false;
		if (c->vmcbhostptr)
			here.reason = *(Bit64u *)(c->vmcbhostptr + SVM_EXITCODE);
		here.last = &boot.by_reason[here.reason];
		here.last->exits++;
	}
	(ring3 ? boot.user : boot.kernel)++;
	if (here.last)
		here.last->insns++;
	/* On Intel's, bx_instr_vmexit() tells. */
	here.left = i->getIaOpcode() == BX_IA_VMRUN;
}

static bool is_marker(bxInstruction_c *i)
{
	return i->getIaOpcode() == BX_IA_XCHG_EwGw && i->modC0() && i->dst() == 3 &&
		i->src() == 3;
}

void bx_instr_before_execution(unsigned cpu, bxInstruction_c *i)
{
	state *s = get(cpu);
	BX_CPU_C *c = BX_CPU(cpu);
	bool in_guest = c->in_vmx_guest || c->in_svm_guest;
	bx_address rip = c->prev_rip;

	if (boot.file) {
		count_boot(cpu, c, i, in_guest);
		return;
	}
	if (is_marker(i))
		mark(s, c->get_reg64(BX_64BIT_REG_RAX), c->get_reg64(BX_64BIT_REG_RCX));
	if (in_guest) {
		s->in_guest = true;
		return;
	}
	if (!s->counting)
		return;
	if (s->in_guest) {
		s->in_guest = false;
		s->exits++;
		s->window++;
	}
	s->rsp = c->get_reg64(BX_64BIT_REG_RSP);
	s->next = rip + i->ilen();
	s->counts[INSNS]++;
	if (c->sregs[BX_SEG_REG_CS].selector.rpl == 3)
		s->counts[USER_INSNS]++;
	s->profile[rip]++;
	touch(s, 1, rip);
	count_opcode(s, i);
}

/*
 * A retpoline is a return to somewhere else than behind the call whose return
 * address was in that slot of the stack.
 */
void bx_instr_ucnear_branch(unsigned cpu, unsigned what, bx_address from, bx_address to)
{
	state *s = get(cpu);

	if (!s->counting || s->in_guest)
		return;
	switch (what) {
	case BX_INSTR_IS_CALL_INDIRECT:
		s->counts[INDIRECT]++;
		s->calls.erase(s->rsp - 8);
		break;
	case BX_INSTR_IS_JMP_INDIRECT:
		s->counts[INDIRECT]++;
		break;
	case BX_INSTR_IS_CALL:
		s->calls[s->rsp - 8] = s->next;
		break;
	case BX_INSTR_IS_RET: {
		auto call = s->calls.find(s->rsp);

		if (call != s->calls.end() && call->second != to)
			s->counts[RETPOLINE]++;
		s->calls.erase(s->rsp);
		break;
	}
	}
}

void bx_instr_lin_access(unsigned cpu, bx_address lin, bx_phy_address phy, unsigned len,
			 unsigned memtype, unsigned rw)
{
	state *s = get(cpu);

	if (!s->counting || s->in_guest || rw == BX_EXECUTE)
		return;
	s->counts[LOADS_STORES]++;
	touch(s, 0, lin);
	if ((lin ^ (lin + len - 1)) >> 6)
		touch(s, 0, lin + len - 1);
}

void bx_instr_init_env(void)
{
	boot.file = getenv("MONOVISOR_BOOT");
}

void bx_instr_vmexit(unsigned cpu, Bit32u reason, Bit64u qualification)
{
	boot.cpu[cpu].left = true;
	boot.cpu[cpu].reason = reason & 0xffff;
}

void bx_instr_exit_env(void) {}
void bx_instr_initialize(unsigned cpu) {}
void bx_instr_exit(unsigned cpu) {}
void bx_instr_reset(unsigned cpu, unsigned type) {}
void bx_instr_hlt(unsigned cpu) {}
void bx_instr_mwait(unsigned cpu, bx_phy_address addr, unsigned len, Bit32u flags) {}
void bx_instr_debug_promt() {}
void bx_instr_debug_cmd(const char *cmd) {}
void bx_instr_cnear_branch_taken(unsigned cpu, bx_address from, bx_address to) {}
void bx_instr_cnear_branch_not_taken(unsigned cpu, bx_address from) {}
void bx_instr_far_branch(unsigned cpu, unsigned what, Bit16u prev_cs, bx_address prev_eip,
			 Bit16u new_cs, bx_address new_eip) {}
void bx_instr_opcode(unsigned cpu, bxInstruction_c *i, const Bit8u *opcode, unsigned len,
		     bool is32, bool is64) {}
void bx_instr_interrupt(unsigned cpu, unsigned vector) {}
void bx_instr_exception(unsigned cpu, unsigned vector, unsigned error_code) {}
void bx_instr_hwinterrupt(unsigned cpu, unsigned vector, Bit16u cs, bx_address eip) {}
void bx_instr_tlb_cntrl(unsigned cpu, unsigned what, bx_phy_address new_cr3) {}
void bx_instr_clflush(unsigned cpu, bx_address laddr, bx_phy_address paddr) {}
void bx_instr_cache_cntrl(unsigned cpu, unsigned what) {}
void bx_instr_prefetch_hint(unsigned cpu, unsigned what, unsigned seg, bx_address offset) {}
void bx_instr_after_execution(unsigned cpu, bxInstruction_c *i) {}
void bx_instr_repeat_iteration(unsigned cpu, bxInstruction_c *i) {}
void bx_instr_inp(Bit16u addr, unsigned len) {}
void bx_instr_inp2(Bit16u addr, unsigned len, unsigned val) {}
void bx_instr_outp(Bit16u addr, unsigned len, unsigned val) {}
void bx_instr_phy_access(unsigned cpu, bx_phy_address phy, unsigned len, unsigned memtype,
			 unsigned rw) {}
void bx_instr_wrmsr(unsigned cpu, unsigned addr, Bit64u value) {}

#endif
