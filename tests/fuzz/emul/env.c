// SPDX-License-Identifier: GPL-2.0-only
/*
 * The emulator's surroundings for emul-diff: the machine a Linux process sees.
 * Ring 3, the kernel's own GDT, an address space of which only the area is
 * mapped, no port I/O.
 */
#include <cpuid.h>

#include "core/emul/internal.h"
#include "diff.h"

/* From the last page of the process's half on, Linux says that pages are present. */
#define TASK_END	((1ull << (env.five_levels ? 56 : 47)) - PAGE)

static struct {
	struct emul_ctxt c;
	const struct test_case *t;
	struct outcome *o;
	u8 *mem;
	struct kvm_segment seg[8];
	unsigned int shadow;
	bool strays;			/* to memory of the harness itself */
	u32 features;
	bool five_levels;
} env;

/*
 * What the kernel's GDT holds for user space; the table is in memory no case
 * can read, so it gets an address of its own.
 */
#define GDT_BASE	0xfffffe0000001000ull
static const u64 gdt[16] = {
	[1] = 0x00cf9b000000ffffull, [2] = 0x00af9b000000ffffull, [3] = 0x00cf93000000ffffull,
	[4] = 0x00cffb000000ffffull, [5] = 0x00cff3000000ffffull, [6] = 0x00affb000000ffffull,
	/* The TSS, twice as long; the CPU number's segment, whose limit nobody reads. */
	[8] = 0x00008b0000004087ull, [15] = 0x0040f50000000000ull,
};

static void detect(enum emul_feature feature, bool there)
{
	if (there)
		env.features |= 1u << feature;
}

void env_setup(bool five_levels, bool null_clears_base)
{
	u32 eax, ebx, ecx, edx;
	bool amd;

	env.five_levels = five_levels;
	detect(EMUL_FEAT_NULL_BASE, null_clears_base);
	__cpuid(0, eax, ebx, ecx, edx);
	/* "Auth" of AuthenticAMD, "Hygo" of HygonGenuine */
	amd = ebx == 0x68747541 || ebx == 0x6f677948;
	detect(EMUL_FEAT_AMD_CPU, amd);
	__cpuid(1, eax, ebx, ecx, edx);
	detect(EMUL_FEAT_MOVBE, ecx & BIT(22));
	detect(EMUL_FEAT_POPCNT, ecx & BIT(23));
	detect(EMUL_FEAT_CX16, ecx & BIT(13));
	detect(EMUL_FEAT_CLFLUSH, edx & BIT(19));
	detect(EMUL_FEAT_SSE2, edx & BIT(26));
	detect(EMUL_FEAT_SSE3, ecx & BIT(0));
	detect(EMUL_FEAT_SSE41, ecx & BIT(19));
	detect(EMUL_FEAT_AVX, (ecx & BIT(28)) && (ecx & BIT(27)));
	__cpuid_count(7, 0, eax, ebx, ecx, edx);
	detect(EMUL_FEAT_BMI1, ebx & BIT(3));
	detect(EMUL_FEAT_AVX2, ebx & BIT(5));
	detect(EMUL_FEAT_MOVDIRI, ecx & BIT(27));
	__cpuid(0x80000001, eax, ebx, ecx, edx);
	detect(EMUL_FEAT_LZCNT, ecx & BIT(5));
	detect(EMUL_FEAT_RDTSCP, edx & BIT(27));
}

static struct kvm_segment flat(u16 selector, u8 type, bool db, bool l)
{
	return (struct kvm_segment){
		.limit = 0xffffffff, .selector = selector, .type = type, .present = 1,
		.dpl = 3, .db = db, .s = 1, .l = l, .g = 1,
	};
}

static void init_segments(bool is64)
{
	unsigned int i;

	for (i = 0; i < 8; i++)
		env.seg[i] = (struct kvm_segment){ .unusable = 1 };
	env.seg[EMUL_CS] = flat(is64 ? SEL_CODE64 : SEL_CODE32, 11, !is64, is64);
	env.seg[EMUL_SS] = flat(SEL_DATA, 3, true, false);
	env.seg[EMUL_DS] = env.seg[EMUL_SS];
	env.seg[EMUL_ES] = env.seg[EMUL_SS];
	env.seg[EMUL_FS].base = FS_BASE;
	env.seg[EMUL_GS].base = GS_BASE;
	env.seg[EMUL_TR] = (struct kvm_segment){ .selector = 0x40, .type = 11, .present = 1 };
}

/* Run the case on a copy of the area at mem. */
enum emul_said env_run(const struct test_case *t, u8 *mem, struct outcome *o)
{
	enum emul_status status;
	unsigned int i;

	env.t = t;
	env.o = o;
	env.mem = mem;
	env.shadow = 0;
	env.strays = false;
	init_segments(t->is64);
	memset(o, 0, sizeof(*o));
	memcpy(o->gpr, t->gpr, sizeof(o->gpr));
	memcpy(o->vec, t->vec, sizeof(o->vec));
	o->rip = t->rip;
	o->flags = t->flags;
	status = emul_run(&env.c, 0, NULL, 0);
	if (status != EMUL_DONE && status != EMUL_EXCEPTION)
		return SAID_NOTHING;
	o->vector = DONE_VECTOR;
	if (status == EMUL_EXCEPTION) {
		o->vector = env.c.exception.vector;
		o->error = env.c.exception.error_code;
		o->cr2 = env.c.exception.cr2;
	}
	for (i = 0; i < 6; i++)
		o->sel[i] = env.seg[i].selector;
	o->fs_base = env.seg[EMUL_FS].base;
	o->gs_base = env.seg[EMUL_GS].base;
	return SAID_RESULT;
}

unsigned int env_operation(void)
{
	return env.c.op;
}

/* The step trap is lost behind a move to SS: one more instruction runs, a NOP. */
bool env_blocks_trap(void)
{
	return env.shadow == EMUL_SHADOW_MOV_SS;
}

/* How many prefixes the case begins with */
unsigned int env_prefixes(const struct test_case *t)
{
	unsigned int n;

	for (n = 0; n < sizeof(t->insn) - 2; n++) {
		u8 b = t->insn[n];

		if (b != 0x66 && b != 0x67 && b != 0xf0 && (b & 0xfe) != 0xf2 &&
		    (b & 0xe7) != 0x26 && (b & 0xfe) != 0x64 && !(t->is64 && (b & 0xf0) == 0x40))
			break;
	}
	return n;
}

static bool is_locked_verw(void)
{
	return env.c.lock && env.c.map == 1 && env.c.opcode == 0 && (env.c.modrm_reg & 7) == 5;
}

static bool is_repeated_loop(void)
{
	return env.c.rep && (env.c.op == OP_LOOPE || env.c.op == OP_LOOPNE);
}

static bool is_wild_call(void)
{
	return env.c.op == OP_CALL && env.c.exception.vector == EXC_GP;
}

static bool is_short_repeated_string(void)
{
	return env.c.op >= OP_STRING_FIRST && env.c.op <= OP_STRING_LAST && env.c.rep &&
	       env.t->is64 && env.c.addr_size == 4;
}

/*
 * Where a vendor's CPUs do not as the emulator does there, for a reason: all of
 * it is here. Where the emulator does as the CPU below it and not as the manuals
 * in general, tests/kunit/emul_corpus_test.c has both vendors' ways. This is not
 * the place for what the manuals leave undefined, nor for what the harness cannot
 * compare.
 */
static const struct known {
	bool amd;			/* else Intel */
	bool (*is)(void);		/* the last case is one */
	enum env_spared spared;		/* what is not compared */
} known[] = {
	/* A memory operand and LOCK: #UD, but newer microcode does not mind it. */
	{ true, is_locked_verw, SPARED_CASE },
	/* Reserved. The prefix replaces the condition that the opcode names. */
	{ true, is_repeated_loop, SPARED_CASE },
	/*
	 * The target is not canonical: #GP comes when the return address has been
	 * stored already. Below the stack pointer nobody looks for it.
	 */
	{ false, is_wild_call, SPARED_FAULT_MEMORY },
	/*
	 * The upper halves of counter and pointers are cleared before the first
	 * access faults. They are unused before, and cleared by the end of it.
	 */
	{ false, is_short_repeated_string, SPARED_FAULT_UPPER },
};

/* What not to compare of the last case, on this CPU. */
enum env_spared env_spared(void)
{
	bool amd = env.features & BIT(EMUL_FEAT_AMD_CPU);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(known); i++) {
		if (known[i].amd == amd && known[i].is())
			return known[i].spared;
	}
	return SPARED_NOTHING;
}

/*
 * Left out: what answers differently each time, what Linux emulates where UMIP
 * forbids it, and whatever would leave the harness's control.
 */
bool env_comparable(const struct test_case *t)
{
	const u8 *p = t->insn + env_prefixes(t);

	if (p[0] == 0xcd || (p[0] == 0x0f && (p[1] == 0x05 || p[1] == 0x34)))
		return false;
	if (env.strays || env_spared() == SPARED_CASE)
		return false;
	switch (env.c.op) {
	case OP_RDTSC:
	case OP_RDTSCP:
	case OP_CPUID:
	case OP_SGDT:
	case OP_SIDT:
	case OP_SMSW:
	case OP_SLDT:
	case OP_STR:
		return false;
	case OP_SHLD:
	case OP_SHRD:
		/* A count beyond a 16-bit operand leaves even the result undefined. */
		return env.c.dst.bytes != 2 || (env.c.src2.val & 31) <= 16;
	}
	return true;
}

/*
 * An instruction of several accesses that faults at a later one: the CPU may
 * have made the earlier ones, the emulator makes none. Run again, it makes them all.
 */
bool env_partial(void)
{
	return env.c.op == OP_ENTER || env.c.op == OP_PUSHA || env.c.op == OP_POPA;
}

/*
 * A far return makes its checks in an order of its own. Which operand CMPS reads
 * first is the CPU's choice, and an EPYC's differs between REPE CMPSB and the rest.
 */
bool env_free_order(void)
{
	return env.c.op == OP_RETF || env.c.op == OP_CMPS;
}

static u64 shift_flags(const struct emul_ctxt *c)
{
	unsigned int bits = c->dst.bytes * 8;
	unsigned int count = c->src2.kind ? c->src2.val : c->src.val;
	bool rotate = c->op <= OP_RCR;

	count &= bits == 64 ? 63 : 31;
	if (!count)
		return 0;
	/* OF is defined for single shifts only, CF not beyond the operand. */
	return (count != 1 ? X86_EFLAGS_OF : 0) | (rotate ? 0 : X86_EFLAGS_AF) |
	       (count > bits ? X86_EFLAGS_CF : 0);
}

/* Flags that the manuals leave undefined after the last case's instruction. */
u64 env_undefined_flags(const struct test_case *t)
{
	const u64 all = FL_ARITH;

	(void)t;
	switch (env.c.op) {
	case OP_OR:
	case OP_AND:
	case OP_XOR:
	case OP_TEST:
		return X86_EFLAGS_AF;
	case OP_ROL ... OP_SAR:
	case OP_SHLD:
	case OP_SHRD:
		return shift_flags(&env.c);
	case OP_MUL:
	case OP_IMUL1:
	case OP_IMUL2:
		return all & ~(u64)(X86_EFLAGS_CF | X86_EFLAGS_OF);
	case OP_DIV:
	case OP_IDIV:
		return all;
	case OP_BT ... OP_BTC:
		return all & ~(u64)(X86_EFLAGS_CF | X86_EFLAGS_ZF);
	case OP_BSF:
	case OP_BSR:
		return env.c.rep == 0xf3 ? all & ~(u64)(X86_EFLAGS_CF | X86_EFLAGS_ZF) :
					   all & ~(u64)X86_EFLAGS_ZF;
	case OP_AAM:
	case OP_AAD:
		return X86_EFLAGS_CF | X86_EFLAGS_OF | X86_EFLAGS_AF;
	case OP_DAA:
	case OP_DAS:
		return X86_EFLAGS_OF;
	case OP_AAA:
	case OP_AAS:
		return all & ~(u64)(X86_EFLAGS_CF | X86_EFLAGS_AF);
	default:
		return 0;
	}
}

/* ----- emul_env.h */

bool emul_env_has_feature(struct emul_ctxt *c, enum emul_feature feature)
{
	return env.features & (1u << feature);
}

u64 emul_env_read_gpr(struct emul_ctxt *c, unsigned int reg)
{
	return env.o->gpr[reg];
}

void emul_env_write_gpr(struct emul_ctxt *c, unsigned int reg, u64 val)
{
	env.o->gpr[reg] = val;
}

u64 emul_env_get_rip(struct emul_ctxt *c)
{
	return env.o->rip;
}

void emul_env_set_rip(struct emul_ctxt *c, u64 rip)
{
	env.o->rip = rip;
}

u64 emul_env_get_rflags(struct emul_ctxt *c)
{
	return env.o->flags;
}

void emul_env_set_rflags(struct emul_ctxt *c, u64 rflags)
{
	env.o->flags = rflags;
}

unsigned int emul_env_get_cpl(struct emul_ctxt *c)
{
	return 3;
}

void emul_env_get_cs_db_l(struct emul_ctxt *c, bool *db, bool *l)
{
	*db = env.seg[EMUL_CS].db;
	*l = env.seg[EMUL_CS].l;
}

void emul_env_get_segment(struct emul_ctxt *c, enum emul_seg seg, struct kvm_segment *var)
{
	*var = env.seg[seg];
}

void emul_env_set_segment(struct emul_ctxt *c, enum emul_seg seg, const struct kvm_segment *var)
{
	env.seg[seg] = *var;
}

void emul_env_get_dt(struct emul_ctxt *c, bool idt, struct kvm_dtable *dt)
{
	*dt = (struct kvm_dtable){ .base = GDT_BASE, .limit = idt ? 0xfff : sizeof(gdt) - 1 };
}

void emul_env_set_dt(struct emul_ctxt *c, bool idt, const struct kvm_dtable *dt)
{
}

u64 emul_env_read_cr(struct emul_ctxt *c, unsigned int nr)
{
	if (nr == 0)
		return X86_CR0_PE | X86_CR0_MP | X86_CR0_ET | X86_CR0_NE | X86_CR0_WP |
		       X86_CR0_AM | X86_CR0_PG;
	return X86_CR4_PAE | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT | X86_CR4_OSXSAVE |
	       X86_CR4_UMIP | (env.five_levels ? X86_CR4_LA57 : 0);
}

static enum emul_result refuse(struct emul_ctxt *c)
{
	return emul_raise_err(c, EXC_GP, 0);
}

enum emul_result emul_env_write_cr(struct emul_ctxt *c, unsigned int nr, u64 val)
{
	return refuse(c);
}

enum emul_result emul_env_read_dr(struct emul_ctxt *c, unsigned int nr, u64 *val)
{
	return refuse(c);
}

enum emul_result emul_env_write_dr(struct emul_ctxt *c, unsigned int nr, u64 val)
{
	return refuse(c);
}

u64 emul_env_read_efer(struct emul_ctxt *c)
{
	return EMUL_EFER_LMA | BIT(8);
}

u64 emul_env_read_xcr0(struct emul_ctxt *c)
{
	return 7;
}

enum emul_result emul_env_read_msr(struct emul_ctxt *c, u32 msr, u64 *val)
{
	return refuse(c);
}

enum emul_result emul_env_write_msr(struct emul_ctxt *c, u32 msr, u64 val)
{
	return refuse(c);
}

u64 emul_env_read_tsc(struct emul_ctxt *c)
{
	return 0;
}

void emul_env_cpuid(struct emul_ctxt *c, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx)
{
}

void emul_env_read_vec(struct emul_ctxt *c, unsigned int reg, void *data, unsigned int bytes)
{
	memcpy(data, env.o->vec[reg], bytes);
}

void emul_env_write_vec(struct emul_ctxt *c, unsigned int reg, const void *data,
			unsigned int bytes)
{
	memcpy(env.o->vec[reg], data, bytes);
}

void emul_env_fninit(struct emul_ctxt *c)
{
}

u16 emul_env_fnstcw(struct emul_ctxt *c)
{
	return 0x37f;
}

u16 emul_env_fnstsw(struct emul_ctxt *c)
{
	return 0;
}

/*
 * The kernel's half of the address space is said to be present, as Linux tells
 * its processes; its own structures are there for the supervisor.
 */
enum emul_result emul_env_translate(struct emul_ctxt *c, u64 linear, u32 access, u64 *gpa)
{
	u64 page = (linear - AREA) / PAGE;
	u8 rights = linear >= AREA && page < AREA_PAGES ? area_rights[page] : NO_PAGE;
	bool present = rights != NO_PAGE || linear >= TASK_END, ok = rights & P_READ;

	*gpa = linear;
	if (access & EMUL_ACC_IMPLICIT)
		return EMUL_CONTINUE;
	if (access & EMUL_ACC_WRITE)
		ok = rights & P_WRITE;
	if (access & EMUL_ACC_FETCH)
		ok = rights & P_EXEC;
	if (ok)
		return EMUL_CONTINUE;
	env.strays |= rights == NO_PAGE && native_is_mine(linear);
	c->exception = (struct emul_exception){
		.vector = EXC_PF, .has_error = true, .cr2 = linear,
		.error_code = (present ? 1 : 0) | (access & EMUL_ACC_WRITE ? 2 : 0) | 4 |
			      (access & EMUL_ACC_FETCH ? 16 : 0),
	};
	return EMUL_FAULT;
}

enum emul_result emul_env_read_phys(struct emul_ctxt *c, u64 gpa, void *data, unsigned int len)
{
	if (gpa >= GDT_BASE && gpa + len <= GDT_BASE + sizeof(gdt))
		memcpy(data, (const u8 *)gdt + (gpa - GDT_BASE), len);
	else if (gpa >= AREA && gpa + len <= AREA + AREA_PAGES * PAGE)
		memcpy(data, env.mem + (gpa - AREA), len);
	else
		return EMUL_UNHANDLEABLE;
	return EMUL_CONTINUE;
}

enum emul_result emul_env_probe_write(struct emul_ctxt *c, u64 gpa, unsigned int len)
{
	if (gpa < AREA || gpa + len > AREA + AREA_PAGES * PAGE)
		return EMUL_UNHANDLEABLE;
	return EMUL_CONTINUE;
}

enum emul_result emul_env_write_phys(struct emul_ctxt *c, u64 gpa, const void *data,
				     unsigned int len)
{
	enum emul_result res = emul_env_probe_write(c, gpa, len);

	if (res == EMUL_CONTINUE)
		memcpy(env.mem + (gpa - AREA), data, len);
	return res;
}

enum emul_result emul_env_cmpxchg_phys(struct emul_ctxt *c, u64 gpa, const void *old,
				       const void *new, unsigned int len)
{
	enum emul_result res = emul_env_probe_write(c, gpa, len);

	if (res != EMUL_CONTINUE)
		return res;
	if (memcmp(env.mem + (gpa - AREA), old, len))
		return EMUL_RETRY;
	memcpy(env.mem + (gpa - AREA), new, len);
	return EMUL_CONTINUE;
}

u8 *emul_env_pio_page(struct emul_ctxt *c)
{
	static u8 page[PAGE];

	return page;
}

unsigned int emul_env_pio_page_size(struct emul_ctxt *c)
{
	return PAGE;
}

enum emul_result emul_env_pio_in(struct emul_ctxt *c, u16 port, unsigned int size, u32 count)
{
	return EMUL_UNHANDLEABLE;
}

enum emul_result emul_env_pio_out(struct emul_ctxt *c, u16 port, unsigned int size, u32 count)
{
	return EMUL_UNHANDLEABLE;
}

void emul_env_wbinvd(struct emul_ctxt *c)
{
}

void emul_env_invlpg(struct emul_ctxt *c, u64 linear)
{
}

void emul_env_set_shadow(struct emul_ctxt *c, unsigned int shadow)
{
	env.shadow = shadow;
}

void emul_env_unblock_nmi(struct emul_ctxt *c)
{
}

void emul_env_single_step(struct emul_ctxt *c)
{
}

bool emul_env_should_stop(struct emul_ctxt *c)
{
	return true;
}
