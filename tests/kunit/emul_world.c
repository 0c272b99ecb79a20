// SPDX-License-Identifier: GPL-2.0-only
/*
 * The emulator's surroundings for its tests; see emul_world.h. It is simple on
 * purpose: what it gets wrong would hide what the emulator gets wrong.
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/processor-flags.h>

#include "tests/kunit/emul_world.h"

static struct emul_world *to_world(struct emul_ctxt *c)
{
	return container_of(c, struct emul_world, c);
}

static void init_segments(struct emul_world *w, enum world_mode mode)
{
	bool flat = mode == WORLD_P32 || mode == WORLD_L64;
	unsigned int i;

	for (i = 0; i < 6; i++) {
		w->seg[i] = (struct kvm_segment){
			.limit = flat ? 0xffffffff : 0xffff,
			.type = i == EMUL_CS ? 11 : 3,
			.present = 1, .s = 1, .g = flat,
			.db = mode == WORLD_P32 || (mode == WORLD_L64 && i != EMUL_CS),
			.l = mode == WORLD_L64 && i == EMUL_CS,
			.dpl = w->cpl,
			.selector = (mode == WORLD_REAL || mode == WORLD_VM86) ? 0 : 8 + 8 * i,
		};
	}
	w->seg[EMUL_TR] = (struct kvm_segment){
		.type = 11, .present = 1, .limit = 0x2ff, .base = 0x8000, .selector = 0x40,
	};
	w->seg[EMUL_LDTR] = (struct kvm_segment){ .unusable = 1 };
}

/**
 * world_init - a machine at rest in the given mode
 * @w: the world
 * @mode: the CPU's mode
 *
 * All of RAM and the devices are mapped writable for everyone. The TSS has its
 * I/O bitmap at once behind it, all ports allowed.
 */
void world_init(struct emul_world *w, enum world_mode mode)
{
	unsigned int i;

	memset(w, 0, sizeof(*w));
	w->cpl = mode == WORLD_VM86 ? 3 : 0;
	w->rflags = X86_EFLAGS_FIXED | X86_EFLAGS_IF;
	w->cr[0] = X86_CR0_ET | X86_CR0_NE;
	w->cr[4] = X86_CR4_OSFXSR | X86_CR4_OSXSAVE;
	w->xcr0 = 7;
	if (mode != WORLD_REAL)
		w->cr[0] |= X86_CR0_PE | X86_CR0_PG;
	if (mode == WORLD_VM86)
		w->rflags |= X86_EFLAGS_VM;
	if (mode == WORLD_L64)
		w->efer = (1 << 10) | (1 << 8);
	init_segments(w, mode);
	w->gdt = (struct kvm_dtable){ .base = 0x7000, .limit = 0xff };
	w->idt = (struct kvm_dtable){ .base = 0, .limit = 0x3ff };
	world_put(w, 0x8000 + 102, 104, 2);
	for (i = 0; i < WORLD_PAGES; i++)
		w->page[i] = WORLD_P | WORLD_W | WORLD_U;
	w->gone_page = WORLD_NO_PAGE;
	w->no_ram_page = WORLD_NO_PAGE;
	w->gpr[EMUL_RSP] = WORLD_STACK;
	w->rip = WORLD_CODE;
}

void world_put(struct emul_world *w, u64 addr, u64 val, unsigned int bytes)
{
	memcpy(w->ram + addr, &val, bytes);
}

u64 world_get(struct emul_world *w, u64 addr, unsigned int bytes)
{
	u64 val = 0;

	memcpy(&val, w->ram + addr, bytes);
	return val;
}

enum emul_status world_run(struct emul_world *w, const u8 *code, unsigned int len)
{
	memcpy(w->ram + WORLD_CODE, code, len);
	w->rip = WORLD_CODE;
	return emul_run(&w->c, 0, NULL, 0);
}

bool emul_env_has_feature(struct emul_ctxt *c, enum emul_feature feature)
{
	return !to_world(c)->missing[feature];
}

u64 emul_env_read_gpr(struct emul_ctxt *c, unsigned int reg)
{
	return to_world(c)->gpr[reg];
}

void emul_env_write_gpr(struct emul_ctxt *c, unsigned int reg, u64 val)
{
	to_world(c)->gpr[reg] = val;
}

u64 emul_env_get_rip(struct emul_ctxt *c)
{
	return to_world(c)->rip;
}

void emul_env_set_rip(struct emul_ctxt *c, u64 rip)
{
	to_world(c)->rip = rip;
}

u64 emul_env_get_rflags(struct emul_ctxt *c)
{
	return to_world(c)->rflags;
}

void emul_env_set_rflags(struct emul_ctxt *c, u64 rflags)
{
	to_world(c)->rflags = rflags;
}

unsigned int emul_env_get_cpl(struct emul_ctxt *c)
{
	return to_world(c)->cpl;
}

void emul_env_get_cs_db_l(struct emul_ctxt *c, bool *db, bool *l)
{
	*db = to_world(c)->seg[EMUL_CS].db;
	*l = to_world(c)->seg[EMUL_CS].l;
}

void emul_env_get_segment(struct emul_ctxt *c, enum emul_seg seg, struct kvm_segment *var)
{
	*var = to_world(c)->seg[seg];
}

void emul_env_set_segment(struct emul_ctxt *c, enum emul_seg seg, const struct kvm_segment *var)
{
	to_world(c)->seg[seg] = *var;
}

void emul_env_get_dt(struct emul_ctxt *c, bool idt, struct kvm_dtable *dt)
{
	*dt = idt ? to_world(c)->idt : to_world(c)->gdt;
}

void emul_env_set_dt(struct emul_ctxt *c, bool idt, const struct kvm_dtable *dt)
{
	*(idt ? &to_world(c)->idt : &to_world(c)->gdt) = *dt;
}

u64 emul_env_read_cr(struct emul_ctxt *c, unsigned int nr)
{
	return to_world(c)->cr[nr];
}

static enum emul_result refuse(struct emul_ctxt *c)
{
	c->exception = (struct emul_exception){ .vector = 13, .has_error = true };
	return EMUL_FAULT;
}

/* The upper half of a control register is reserved; so this world refuses it. */
enum emul_result emul_env_write_cr(struct emul_ctxt *c, unsigned int nr, u64 val)
{
	if (nr != 2 && nr != 3 && val >> 32)
		return refuse(c);
	to_world(c)->cr[nr] = val;
	return EMUL_CONTINUE;
}

enum emul_result emul_env_read_dr(struct emul_ctxt *c, unsigned int nr, u64 *val)
{
	*val = to_world(c)->dr[nr];
	return EMUL_CONTINUE;
}

enum emul_result emul_env_write_dr(struct emul_ctxt *c, unsigned int nr, u64 val)
{
	if (nr >= 6 && val >> 32)
		return refuse(c);
	to_world(c)->dr[nr] = val;
	return EMUL_CONTINUE;
}

u64 emul_env_read_efer(struct emul_ctxt *c)
{
	return to_world(c)->efer;
}

u64 emul_env_read_xcr0(struct emul_ctxt *c)
{
	return to_world(c)->xcr0;
}

/* One MSR exists: the one a test named. */
enum emul_result emul_env_read_msr(struct emul_ctxt *c, u32 msr, u64 *val)
{
	if (msr != to_world(c)->msr_index)
		return refuse(c);
	*val = to_world(c)->msr_value;
	return EMUL_CONTINUE;
}

enum emul_result emul_env_write_msr(struct emul_ctxt *c, u32 msr, u64 val)
{
	if (msr != to_world(c)->msr_index)
		return refuse(c);
	to_world(c)->msr_value = val;
	return EMUL_CONTINUE;
}

u64 emul_env_read_tsc(struct emul_ctxt *c)
{
	return 0x123456789abcull;
}

void emul_env_cpuid(struct emul_ctxt *c, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx)
{
	*ebx = *eax + 1;
	*edx = *ecx + 2;
	*eax = 3;
	*ecx = 4;
}

void emul_env_read_vec(struct emul_ctxt *c, unsigned int reg, void *data, unsigned int bytes)
{
	memcpy(data, to_world(c)->vec[reg], bytes);
}

void emul_env_write_vec(struct emul_ctxt *c, unsigned int reg, const void *data,
			unsigned int bytes)
{
	memcpy(to_world(c)->vec[reg], data, bytes);
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

enum emul_result emul_env_translate(struct emul_ctxt *c, u64 linear, u32 access, u64 *gpa)
{
	struct emul_world *w = to_world(c);
	u64 nr = linear >> 12;
	u8 page = nr < WORLD_PAGES ? w->page[nr] : 0;
	bool ok = page & WORLD_P;
	u32 error = 0;

	if ((access & EMUL_ACC_WRITE) && !(page & WORLD_W))
		ok = false;
	if ((access & EMUL_ACC_USER) && !(page & WORLD_U))
		ok = false;
	*gpa = linear;
	if (ok)
		return EMUL_CONTINUE;
	error |= page & WORLD_P ? 1 : 0;
	error |= access & EMUL_ACC_WRITE ? 2 : 0;
	error |= access & EMUL_ACC_USER ? 4 : 0;
	error |= access & EMUL_ACC_FETCH ? 16 : 0;
	c->exception = (struct emul_exception){
		.vector = 14, .has_error = true, .error_code = error, .cr2 = linear,
	};
	return EMUL_FAULT;
}

enum emul_result emul_env_read_phys(struct emul_ctxt *c, u64 gpa, void *data, unsigned int len)
{
	struct emul_world *w = to_world(c);

	if (gpa + len <= WORLD_RAM) {
		w->reads++;
		memcpy(data, w->ram + gpa, len);
		return EMUL_CONTINUE;
	}
	if (gpa >> 12 == WORLD_KERNEL >> 12 && len <= 8) {
		w->kernel_reads++;
		memcpy(data, &w->kernel_value, len);
		w->kernel_value++;
		emul_record_read(c, gpa, data, len);
		return EMUL_CONTINUE;
	}
	return EMUL_IO_NEEDED;
}

enum emul_result emul_env_probe_write(struct emul_ctxt *c, u64 gpa, unsigned int len)
{
	struct emul_world *w = to_world(c);

	if (gpa >= WORLD_RAM || gpa + len > WORLD_RAM || gpa >> 12 == w->no_ram_page)
		return EMUL_IO_NEEDED;
	return gpa >> 12 == w->gone_page ? EMUL_UNHANDLEABLE : EMUL_CONTINUE;
}

enum emul_result emul_env_write_phys(struct emul_ctxt *c, u64 gpa, const void *data,
				     unsigned int len)
{
	struct emul_world *w = to_world(c);
	enum emul_result res = emul_env_probe_write(c, gpa, len);

	if (res != EMUL_CONTINUE)
		return res;
	w->writes++;
	memcpy(w->ram + gpa, data, len);
	return EMUL_CONTINUE;
}

enum emul_result emul_env_cmpxchg_phys(struct emul_ctxt *c, u64 gpa, const void *old,
				       const void *new, unsigned int len)
{
	struct emul_world *w = to_world(c);

	if (gpa + len > WORLD_RAM)
		return EMUL_IO_NEEDED;
	w->cmpxchgs++;
	if (w->steal)
		w->ram[gpa]++;
	w->steal = false;
	if (memcmp(w->ram + gpa, old, len))
		return EMUL_RETRY;
	memcpy(w->ram + gpa, new, len);
	return EMUL_CONTINUE;
}

u8 *emul_env_pio_page(struct emul_ctxt *c)
{
	return to_world(c)->pio;
}

unsigned int emul_env_pio_page_size(struct emul_ctxt *c)
{
	return sizeof(to_world(c)->pio);
}

enum emul_result emul_env_pio_in(struct emul_ctxt *c, u16 port, unsigned int size, u32 count)
{
	return EMUL_IO_NEEDED;
}

enum emul_result emul_env_pio_out(struct emul_ctxt *c, u16 port, unsigned int size, u32 count)
{
	return EMUL_IO_NEEDED;
}

void emul_env_wbinvd(struct emul_ctxt *c)
{
	to_world(c)->wbinvds++;
}

void emul_env_invlpg(struct emul_ctxt *c, u64 linear)
{
	to_world(c)->invlpgs++;
	to_world(c)->invlpg_addr = linear;
}

void emul_env_set_shadow(struct emul_ctxt *c, unsigned int shadow)
{
	to_world(c)->shadow = shadow;
}

void emul_env_unblock_nmi(struct emul_ctxt *c)
{
}

void emul_env_single_step(struct emul_ctxt *c)
{
	to_world(c)->steps++;
}

bool emul_env_should_stop(struct emul_ctxt *c)
{
	return to_world(c)->stop;
}
