// SPDX-License-Identifier: GPL-2.0-only
/*
 * Task switches. Up to the store of the old task nothing has changed and a fault
 * is the old task's; from then on it is the new task's, whose registers are
 * loaded as far as they are good.
 *
 * Source: Intel SDM volume 3, "Task Switching" and the tables behind it,
 * "Task-State Segment (TSS)", "16-Bit Task-State Segment (TSS)".
 */
#include "core/emul/desc.h"
#include "core/emul/task.h"

#define NR_TASK_GPRS	8

/* Where a TSS has what. Registers are @word bytes wide and in encoding order. */
struct tss_format {
	u8 size;
	u8 word;
	u8 ip, flags, gpr, seg, ldt;
	u8 nr_segs;		/* ES, CS, SS, DS and in the larger FS, GS */
};

/*
 *			 size  word  IP    flags AX    ES    LDT   segments
 */
static const struct tss_format tss16 = {
	0x2c, 2, 0x0e, 0x10, 0x12, 0x22, 0x2a, 4
};

static const struct tss_format tss32 = {
	0x68, 4, 0x20, 0x24, 0x28, 0x48, 0x60, 6
};

#define TSS_LINK	0
#define TSS32_CR3	0x1c
#define TSS32_TRAP	0x64
#define TSS_MAX		0x68

/* Types of system descriptors; bit 1 of a TSS's says busy, bit 3 says 32 bits. */
#define TYPE_LDT	2
#define TYPE_BUSY	2
#define TYPE_32		8

struct task {
	struct emul_task_switch *sw;
	const struct tss_format *f;
	u64 desc, desc_at;	/* the new TSS's descriptor and its linear address */
	u8 image[TSS_MAX];	/* what the new TSS holds */
	struct kvm_segment tr;
};

static enum emul_result task_fault(struct emul_ctxt *c, const struct task *t, u8 vector, u16 sel)
{
	return emul_raise_err(c, vector, (sel & 0xfffc) | t->sw->external);
}

static const struct tss_format *format_of(unsigned int type)
{
	return type & TYPE_32 ? &tss32 : &tss16;
}

static u32 image_word(const struct task *t, unsigned int at, unsigned int bytes)
{
	u32 val = 0;

	memcpy(&val, t->image + at, bytes);
	return val;
}

static u16 image_selector(const struct task *t, unsigned int seg)
{
	return image_word(t, t->f->seg + seg * t->f->word, 2);
}

/*
 * The CPU has checked all of this before it exited; another of the guest's CPUs
 * may have written since.
 */
static enum emul_result find_tss(struct emul_ctxt *c, struct task *t)
{
	bool back = t->sw->source == EMUL_TASK_IRET;
	u16 sel = t->sw->selector;
	enum emul_result res;
	unsigned int type;

	if (sel & 4 || !(sel & 0xfffc) || !emul_locate_descriptor(c, sel, 8, &t->desc_at))
		return task_fault(c, t, back ? EXC_TS : EXC_GP, sel);
	res = emul_sys_read(c, t->desc_at, &t->desc, 8);
	if (res != EMUL_CONTINUE)
		return res;
	type = desc_type(t->desc);
	if (t->desc & DESC_S || (type & 5) != 1 || !!(type & TYPE_BUSY) != back)
		return task_fault(c, t, back ? EXC_TS : EXC_GP, sel);
	if (!(t->desc & DESC_PRESENT))
		return task_fault(c, t, EXC_NP, sel);
	emul_desc_to_segment(t->desc, sel, &t->tr);
	t->f = format_of(type);
	if (t->tr.limit < t->f->size - 1)
		return task_fault(c, t, EXC_TS, sel);
	return EMUL_CONTINUE;
}

static enum emul_result save_words(struct emul_ctxt *c, u64 at, const u8 *data, unsigned int len)
{
	enum emul_result res = EMUL_CONTINUE;
	unsigned int n;

	for (; len && res == EMUL_CONTINUE; at += n, data += n, len -= n) {
		n = min_t(unsigned int, len, EMUL_MAX_DATA);
		res = emul_sys_write(c, at, data, n);
	}
	return res;
}

/* Stage the store of the old task's registers to its TSS. */
static enum emul_result save_old(struct emul_ctxt *c, const struct task *t,
				 const struct kvm_segment *old)
{
	const struct tss_format *f = format_of(old->type);
	u32 flags = c->rflags;
	u8 words[(2 + NR_TASK_GPRS) * 4];
	enum emul_result res;
	unsigned int i;
	u32 val;

	if (old->limit < f->size - 1)
		return task_fault(c, t, EXC_TS, t->sw->selector);
	/* An instruction that retires clears RF; what a fault would push has it set already. */
	if (!t->sw->external)
		flags &= ~X86_EFLAGS_RF;
	if (t->sw->source == EMUL_TASK_IRET)
		flags &= ~X86_EFLAGS_NT;
	for (i = 0; i < 2 + NR_TASK_GPRS; i++) {
		val = i == 0 ? t->sw->next_ip : i == 1 ? flags : emul_gpr(c, i - 2);
		memcpy(words + i * f->word, &val, f->word);
	}
	res = save_words(c, old->base + f->ip, words, (2 + NR_TASK_GPRS) * f->word);
	for (i = 0; i < f->nr_segs && res == EMUL_CONTINUE; i++)
		res = emul_sys_write(c, old->base + f->seg + i * f->word,
				     &emul_segment(c, i)->selector, 2);
	return res;
}

static enum emul_result clear_busy(struct emul_ctxt *c, u16 sel)
{
	enum emul_result res;
	u64 where;
	u8 byte;

	/* TR may have been loaded from another table: the CPU asks no more than this. */
	if (!emul_locate_descriptor(c, sel & ~4, 8, &where))
		return EMUL_CONTINUE;
	res = emul_sys_read(c, where + DESC_TYPE_BYTE, &byte, 1);
	if (res != EMUL_CONTINUE)
		return res;
	byte &= ~TYPE_BUSY;
	return emul_sys_write(c, where + DESC_TYPE_BYTE, &byte, 1);
}

/* Everything that can still be called off; nothing but stores is staged. */
static enum emul_result prepare(struct emul_ctxt *c, struct task *t)
{
	bool nested = t->sw->source == EMUL_TASK_CALL || t->sw->source == EMUL_TASK_GATE;
	struct kvm_segment old;
	enum emul_result res;

	if (c->mode != EMUL_MODE_PROT && c->mode != EMUL_MODE_VM86)
		return EMUL_UNHANDLEABLE;
	emul_env_get_segment(c, EMUL_TR, &old);
	res = find_tss(c, t);
	if (res == EMUL_CONTINUE && !nested)
		res = clear_busy(c, old.selector);
	if (res == EMUL_CONTINUE)
		res = save_old(c, t, &old);
	if (res == EMUL_CONTINUE && nested)
		res = emul_sys_write(c, t->tr.base + TSS_LINK, &old.selector, 2);
	if (res == EMUL_CONTINUE)
		res = emul_mark_descriptor(c, &t->desc, DESC_BUSY, t->desc_at);
	/* It may be the same TSS: then these are the registers just stored. */
	if (res == EMUL_CONTINUE)
		res = emul_sys_read(c, t->tr.base, t->image, t->f->size);
	return res;
}

/* What no fault can keep from the new task. */
static void load_registers(struct emul_ctxt *c, struct task *t)
{
	const struct tss_format *f = t->f;
	u64 high = f->word == 2 ? 0xffff0000 : 0, keep = X86_EFLAGS_FIXED;
	unsigned int i;

	for (i = 0; i < NR_TASK_GPRS; i++)
		emul_set_gpr(c, i, high | image_word(t, f->gpr + i * f->word, f->word), 8);
	c->next_rip = image_word(t, f->ip, f->word);
	c->new_rflags = image_word(t, f->flags, f->word) &
			(FL_ARITH | X86_EFLAGS_TF | X86_EFLAGS_IF | X86_EFLAGS_DF |
			 X86_EFLAGS_IOPL | X86_EFLAGS_NT | X86_EFLAGS_RF | X86_EFLAGS_VM |
			 X86_EFLAGS_AC | X86_EFLAGS_VIF | X86_EFLAGS_VIP | X86_EFLAGS_ID);
	if (t->sw->source == EMUL_TASK_CALL || t->sw->source == EMUL_TASK_GATE)
		keep |= X86_EFLAGS_NT;
	c->new_rflags |= keep;
	t->tr.type |= TYPE_BUSY;
	emul_env_set_segment(c, EMUL_TR, &t->tr);
	c->mode = c->new_rflags & X86_EFLAGS_VM ? EMUL_MODE_VM86 : EMUL_MODE_PROT;
	c->cpl = c->mode == EMUL_MODE_VM86 ? 3 : image_selector(t, EMUL_CS) & 3;
}

/*
 * Until their descriptors are found good, segments have their selectors and
 * nothing else. An exception is delivered from there, so code and stack have
 * the new privilege level.
 */
static void load_selectors(struct emul_ctxt *c, const struct task *t)
{
	bool vm86 = c->mode == EMUL_MODE_VM86;
	unsigned int i;

	for (i = EMUL_ES; i <= EMUL_GS; i++) {
		u16 sel = i < t->f->nr_segs ? image_selector(t, i) : 0;

		c->seg[i] = (struct kvm_segment){
			.selector = sel,
			.base = vm86 ? (u32)sel << 4 : 0,
			.limit = 0xffff,
			.type = vm86 || i != EMUL_CS ? 3 : 11,
			.s = 1,
			.dpl = c->cpl,
			.present = vm86 || i == EMUL_CS,
			.unusable = !vm86 && i != EMUL_CS,
		};
	}
	c->seg_valid = BIT(EMUL_GS + 1) - 1;
	c->seg_dirty = c->seg_valid;
}

static enum emul_result load_ldt(struct emul_ctxt *c, const struct task *t)
{
	u16 sel = image_word(t, t->f->ldt, 2);
	struct kvm_segment ldt = { .selector = sel, .unusable = 1 };
	enum emul_result res;
	u64 d, where;

	emul_env_set_segment(c, EMUL_LDTR, &ldt);
	if (!(sel & 0xfffc))
		return EMUL_CONTINUE;
	if (sel & 4 || !emul_locate_descriptor(c, sel, 8, &where))
		return task_fault(c, t, EXC_TS, sel);
	res = emul_sys_read(c, where, &d, 8);
	if (res != EMUL_CONTINUE)
		return res;
	if (d & DESC_S || desc_type(d) != TYPE_LDT || !(d & DESC_PRESENT))
		return task_fault(c, t, EXC_TS, sel);
	emul_desc_to_segment(d, sel, &ldt);
	emul_env_set_segment(c, EMUL_LDTR, &ldt);
	return EMUL_CONTINUE;
}

/*
 * The rules for one segment of the new task.
 *
 *			CS		SS		data
 *	null		#TS		#TS		allowed
 *	type		code		writable data	readable
 *	DPL		= RPL (= CPL)	= RPL = CPL	>= CPL and RPL
 *	 of conforming	<= RPL		-		any
 *	not present	#NP		#SS		#NP
 *
 * Return: the vector of the fault, or 0.
 */
static u8 segment_fault_of(const struct emul_ctxt *c, unsigned int seg, u16 sel, u64 d)
{
	unsigned int type = desc_type(d), dpl = desc_dpl(d), rpl = sel & 3;
	bool conforming = (type & 0xc) == 0xc;

	if (!(d & DESC_S))
		return EXC_TS;
	switch (seg) {
	case EMUL_CS:
		if (!(type & 8) || (conforming ? dpl > rpl : dpl != rpl))
			return EXC_TS;
		break;
	case EMUL_SS:
		if ((type & 0xa) != 2 || dpl != c->cpl || rpl != c->cpl)
			return EXC_TS;
		return d & DESC_PRESENT ? 0 : EXC_SS;
	default:
		if ((type & 0xa) == 8 || (!conforming && (dpl < c->cpl || dpl < rpl)))
			return EXC_TS;
	}
	return d & DESC_PRESENT ? 0 : EXC_NP;
}

static enum emul_result load_one(struct emul_ctxt *c, const struct task *t, unsigned int seg)
{
	u16 sel = c->seg[seg].selector;
	enum emul_result res;
	u64 d, where;
	u8 vector;

	if (!(sel & 0xfffc))
		return seg == EMUL_CS || seg == EMUL_SS ? task_fault(c, t, EXC_TS, sel) :
							  EMUL_CONTINUE;
	if (!emul_locate_descriptor(c, sel, 8, &where))
		return task_fault(c, t, EXC_TS, sel);
	res = emul_sys_read(c, where, &d, 8);
	if (res != EMUL_CONTINUE)
		return res;
	vector = segment_fault_of(c, seg, sel, d);
	if (vector)
		return task_fault(c, t, vector, sel);
	res = emul_mark_descriptor(c, &d, DESC_ACCESSED, where);
	if (res == EMUL_CONTINUE)
		emul_desc_to_segment(d, sel, &c->seg[seg]);
	return res;
}

static enum emul_result load_segments(struct emul_ctxt *c, const struct task *t)
{
	static const u8 order[] = { EMUL_CS, EMUL_SS, EMUL_ES, EMUL_DS, EMUL_FS, EMUL_GS };
	enum emul_result res = EMUL_CONTINUE;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(order) && res == EMUL_CONTINUE; i++)
		res = load_one(c, t, order[i]);
	return res;
}

/* The new task's state, in the order in which a fault would show it. */
static enum emul_result enter_new(struct emul_ctxt *c, struct task *t)
{
	enum emul_result res;

	load_registers(c, t);
	load_selectors(c, t);
	/* A reserved bit or bad PDPTEs: the TSS is at fault. */
	if (t->f == &tss32 && c->cr0 & X86_CR0_PG &&
	    emul_env_write_cr(c, 3, image_word(t, TSS32_CR3, 4)) != EMUL_CONTINUE)
		return task_fault(c, t, EXC_TS, t->sw->selector);
	res = load_ldt(c, t);
	if (res == EMUL_CONTINUE && c->mode != EMUL_MODE_VM86)
		res = load_segments(c, t);
	if (res != EMUL_CONTINUE)
		return res;
	c->rflags = c->new_rflags;
	c->cs_db = c->seg[EMUL_CS].db;
	if (t->sw->has_error)
		res = emul_push(c, t->sw->error_code, t->f->word);
	if (res == EMUL_CONTINUE && (u32)c->next_rip > c->seg[EMUL_CS].limit)
		res = emul_raise_err(c, EXC_GP, t->sw->external);
	return res;
}

/**
 * emul_task_switch - leave the guest's task for another
 * @c: the vCPU's emulation context; a pending IO exit is forgotten
 * @sw: who asks for which task; receives what came of it
 *
 * CR0.TS is set. DR7's local bits are the caller's, who also owes the #DB of
 * @sw->trap and, for a gate, forgets the event that has been delivered so.
 *
 * Context: may sleep; the vCPU's registers are loaded and its mutex is held.
 *
 * Return: EMUL_DONE; EMUL_EXCEPTION, which is the new task's if @sw->switched;
 * EMUL_FAILED when a TSS or a descriptor is not in RAM.
 */
enum emul_status emul_task_switch(struct emul_ctxt *c, struct emul_task_switch *sw)
{
	struct task t = { .sw = sw };
	enum emul_result res;

	sw->switched = false;
	sw->trap = false;
	emul_reset(c);
	emul_snapshot(c);
	res = prepare(c, &t);
	if (res == EMUL_CONTINUE)
		res = emul_commit_writes(c) == EMUL_CONTINUE ? EMUL_CONTINUE : EMUL_UNHANDLEABLE;
	if (res != EMUL_CONTINUE) {
		emul_reset(c);
		return res == EMUL_FAULT ? EMUL_EXCEPTION : EMUL_FAILED;
	}
	sw->switched = true;
	sw->trap = t.f == &tss32 && t.image[TSS32_TRAP] & 1;
	if (sw->source == EMUL_TASK_IRET)
		emul_env_unblock_nmi(c);
	emul_env_write_cr(c, 0, c->cr0 | X86_CR0_TS);
	res = enter_new(c, &t);
	/* A fault drops the error code's push; accessed bits are no promise. */
	if (res != EMUL_CONTINUE)
		c->nr_writes = 0;
	else if (emul_commit_writes(c) != EMUL_CONTINUE)
		res = EMUL_UNHANDLEABLE;
	c->rep_again = false;
	emul_commit_registers(c);
	emul_env_set_rflags(c, c->new_rflags);
	emul_env_set_shadow(c, EMUL_SHADOW_NONE);
	emul_reset(c);
	if (res == EMUL_CONTINUE)
		return EMUL_DONE;
	return res == EMUL_FAULT ? EMUL_EXCEPTION : EMUL_FAILED;
}
