// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest memory as instructions see it: segmentation and canonical checks,
 * ranges that cross a page, recorded device reads and staged stores. Page
 * tables, memory slots and devices are the environment's.
 */
#include "core/emul/internal.h"

/**
 * emul_canonical - is this a canonical linear address
 * @c: the emulation context; CR4.LA57 decides between 48 and 57 bits
 * @addr: the address
 *
 * Return: true if all bits above the implemented ones equal the topmost of those.
 */
bool emul_canonical(const struct emul_ctxt *c, u64 addr)
{
	unsigned int shift = c->cr4 & X86_CR4_LA57 ? 7 : 16;

	return (u64)((s64)(addr << shift) >> shift) == addr;
}

/* #SS for the stack segment, #GP for others; real mode pushes no error code. */
static enum emul_result segment_fault(struct emul_ctxt *c, unsigned int seg)
{
	return emul_raise_err(c, seg == EMUL_SS ? EXC_SS : EXC_GP, 0);
}

static bool segment_type_ok(struct emul_ctxt *c, const struct kvm_segment *s, u32 access)
{
	bool code = s->type & 8, rw = s->type & 2;

	if (emul_is_8086(c))
		return true;
	if (s->unusable)
		return false;
	if (access & EMUL_ACC_WRITE)
		return !code && rw;
	return !code || rw;
}

static bool segment_limit_ok(struct emul_ctxt *c, const struct kvm_segment *s, u64 ea,
			     unsigned int bytes)
{
	u64 last = ea + bytes - 1;

	if ((s->type & 0xc) == 4)	/* expand-down data */
		return ea > s->limit && last <= (s->db ? 0xffffffffull : 0xffffull);
	if (last <= s->limit)
		return true;
	/* Beyond 4 GiB Intel lets a CPU do as it likes: they go on at 0. AMD's fault. */
	return s->limit == 0xffffffff && !emul_env_has_feature(c, EMUL_FEAT_AMD_CPU);
}

/**
 * emul_linearize - turn segment:offset into a linear address
 * @c: the emulation context
 * @seg: enum emul_seg
 * @ea: offset, already truncated to the address size
 * @bytes: length of the access, for limit and canonical checks
 * @access: EMUL_ACC_WRITE or 0
 * @linear: receives the address
 *
 * Source: "Protection" and "64-bit mode" chapters: limit, type and canonical checks.
 *
 * Return: EMUL_CONTINUE, or EMUL_FAULT with #GP(0) or #SS(0).
 */
enum emul_result emul_linearize(struct emul_ctxt *c, unsigned int seg, u64 ea,
				unsigned int bytes, u32 access, u64 *linear)
{
	const struct kvm_segment *s;

	if (emul_is_long(c)) {
		if (seg == EMUL_FS || seg == EMUL_GS) {
			/* AMD checks the offset too, Intel the sum only. */
			if (emul_env_has_feature(c, EMUL_FEAT_AMD_CPU) && !emul_canonical(c, ea))
				return segment_fault(c, seg);
			ea += emul_segment(c, seg)->base;
		}
		*linear = ea;
		if (!emul_canonical(c, ea) || !emul_canonical(c, ea + bytes - 1))
			return segment_fault(c, seg);
		return EMUL_CONTINUE;
	}
	s = emul_segment(c, seg);
	if (!segment_type_ok(c, s, access) || !segment_limit_ok(c, s, ea, bytes))
		return segment_fault(c, seg);
	*linear = (u32)(s->base + ea);
	return EMUL_CONTINUE;
}

/*
 * The operations up to here make one access to memory besides the fetch; with
 * several, which one exited would have to be told.
 */
static bool has_one_operand(const struct emul_ctxt *c)
{
	return c->op <= OP_MOVE_LAST && c->op != OP_BOUND && c->op != OP_XLAT;
}

/* Spares the walk of the guest's page tables that the CPU has just made. */
static bool gpa_is_known(const struct emul_ctxt *c, u64 linear, u32 access)
{
	const struct emul_known *known = &c->known;

	if (!known->valid || access & (EMUL_ACC_FETCH | EMUL_ACC_IMPLICIT) ||
	    (access & EMUL_ACC_WRITE && !known->write))
		return false;
	return !((linear ^ known->gpa) & 4095) && has_one_operand(c);
}

/**
 * emul_map_linear - translate a linear range to guest-physical addresses
 * @c: the emulation context
 * @linear: start of the range
 * @bytes: its length, at most a page
 * @access: EMUL_ACC_*; the user bit is added here from CPL
 * @phys: receives one or two pieces
 *
 * Both pages are translated before anything is accessed, so a fault on the
 * second leaves the first untouched.
 *
 * Return: EMUL_CONTINUE, or EMUL_FAULT with #PF.
 */
enum emul_result emul_map_linear(struct emul_ctxt *c, u64 linear, unsigned int bytes,
				 u32 access, struct emul_phys *phys)
{
	unsigned int first = min_t(unsigned int, bytes, 4096 - (linear & 4095));
	enum emul_result res;
	u64 second;

	if (c->cpl == 3 && !(access & EMUL_ACC_IMPLICIT))
		access |= EMUL_ACC_USER;
	phys->len[0] = first;
	phys->len[1] = bytes - first;
	if (first == bytes && gpa_is_known(c, linear, access)) {
		phys->gpa[0] = c->known.gpa;
		return EMUL_CONTINUE;
	}
	res = emul_env_translate(c, linear, access, &phys->gpa[0]);
	if (res != EMUL_CONTINUE || first == bytes)
		return res;
	second = linear + first;
	if (!emul_is_long(c))
		second = (u32)second;
	return emul_env_translate(c, second, access, &phys->gpa[1]);
}

static bool misaligned(struct emul_ctxt *c, u64 linear, unsigned int bytes)
{
	if (c->cpl != 3 || !(c->rflags & X86_EFLAGS_AC) || !(c->cr0 & X86_CR0_AM))
		return false;
	if (!is_power_of_2_u(bytes) || !(linear & (min_t(unsigned int, bytes, 16) - 1)))
		return false;
	/* MOVUPS, MOVDQU and their like may be checked or not: Intel does not. */
	return bytes <= 8 || emul_env_has_feature(c, EMUL_FEAT_AMD_CPU);
}

/*
 * A misaligned operand may begin at a canonical address and end beyond: Intel's
 * CPUs see to its alignment first.
 */
static bool misaligned_at_hole(struct emul_ctxt *c, unsigned int seg, u64 ea, unsigned int bytes)
{
	if (!emul_is_long(c) || !(c->rflags & X86_EFLAGS_AC) ||
	    emul_env_has_feature(c, EMUL_FEAT_AMD_CPU))
		return false;
	if (seg == EMUL_FS || seg == EMUL_GS)
		ea += emul_segment(c, seg)->base;
	return emul_canonical(c, ea) && misaligned(c, ea, bytes);
}

/**
 * emul_map - check and translate a range given as segment:offset
 * @c: the emulation context
 * @seg: enum emul_seg
 * @ea: offset in the segment
 * @bytes: length of the access
 * @access: EMUL_ACC_WRITE or 0
 * @phys: receives the pieces
 *
 * Return: EMUL_CONTINUE, or EMUL_FAULT with #GP(0), #SS(0), #AC(0) or #PF, in
 * the order in which the CPU checks.
 */
enum emul_result emul_map(struct emul_ctxt *c, unsigned int seg, u64 ea, unsigned int bytes,
			  u32 access, struct emul_phys *phys)
{
	enum emul_result res;
	u64 linear;

	if (misaligned_at_hole(c, seg, ea, bytes))
		return emul_raise_err(c, EXC_AC, 0);
	res = emul_linearize(c, seg, ea, bytes, access, &linear);
	if (res != EMUL_CONTINUE)
		return res;
	/* CPUs check alignment on the linear address, before they translate it. */
	if (misaligned(c, linear, bytes))
		return emul_raise_err(c, EXC_AC, 0);
	return emul_map_linear(c, linear, bytes, access, phys);
}

/**
 * emul_record_read - remember what a device answered
 * @c: the emulation context
 * @gpa: address that was read
 * @data: the answer
 * @len: its length, at most EMUL_MAX_DATA
 *
 * When the instruction runs again it takes this instead of asking the device
 * a second time. Called by the environment and by emul_complete_mmio_read().
 */
void emul_record_read(struct emul_ctxt *c, u64 gpa, const void *data, unsigned int len)
{
	struct emul_access *a;

	if (c->nr_reads == EMUL_READS || len > EMUL_MAX_DATA)
		return;
	a = &c->reads[c->nr_reads++];
	a->gpa = gpa;
	a->len = len;
	memcpy(a->data, data, len);
	c->next_read = c->nr_reads;
}

/* An instruction sees its own stores before they are committed. */
static void overlay_writes(const struct emul_ctxt *c, u64 gpa, u8 *data, unsigned int len)
{
	unsigned int i, j;

	for (i = 0; i < c->nr_writes; i++) {
		const struct emul_access *a = &c->writes[i];

		for (j = 0; j < a->len; j++) {
			if (a->gpa + j - gpa < len)
				data[a->gpa + j - gpa] = a->data[j];
		}
	}
}

static enum emul_result read_piece(struct emul_ctxt *c, u64 gpa, void *data, unsigned int len)
{
	const struct emul_access *a = &c->reads[c->next_read];
	enum emul_result res;

	if (c->next_read < c->nr_reads && a->gpa == gpa && a->len == len) {
		memcpy(data, a->data, len);
		c->next_read++;
		return EMUL_CONTINUE;
	}
	res = emul_env_read_phys(c, gpa, data, len);
	if (res == EMUL_CONTINUE)
		overlay_writes(c, gpa, data, len);
	if (res != EMUL_IO_NEEDED)
		return res;
	/* No room to remember the answer: the instruction could never end. */
	if (c->nr_reads == EMUL_READS || len > EMUL_MAX_DATA)
		return EMUL_UNHANDLEABLE;
	c->io.kind = EMUL_IO_MMIO_READ;
	c->io.gpa = gpa;
	c->io.len = len;
	return EMUL_IO_NEEDED;
}

/**
 * emul_phys_read - read a translated range
 * @c: the emulation context
 * @phys: from emul_map() or emul_map_linear()
 * @data: receives the bytes
 *
 * Return: EMUL_CONTINUE; EMUL_IO_NEEDED with c->io filled; EMUL_UNHANDLEABLE.
 */
enum emul_result emul_phys_read(struct emul_ctxt *c, const struct emul_phys *phys, void *data)
{
	enum emul_result res = read_piece(c, phys->gpa[0], data, phys->len[0]);

	if (res == EMUL_CONTINUE && phys->len[1])
		res = read_piece(c, phys->gpa[1], (u8 *)data + phys->len[0], phys->len[1]);
	return res;
}

static enum emul_result stage_write(struct emul_ctxt *c, u64 gpa, const void *data,
				    unsigned int len)
{
	struct emul_access *a;

	if (c->nr_writes == EMUL_WRITES || len > EMUL_MAX_DATA)
		return EMUL_UNHANDLEABLE;
	a = &c->writes[c->nr_writes++];
	a->gpa = gpa;
	a->len = len;
	memcpy(a->data, data, len);
	return EMUL_CONTINUE;
}

/**
 * emul_phys_write - stage a store to a translated range
 * @c: the emulation context
 * @phys: from emul_map() with EMUL_ACC_WRITE
 * @data: the bytes
 *
 * Nothing reaches memory before emul_commit_writes(): an instruction that still
 * faults, or that must run again after a device read, has written nothing.
 *
 * Return: EMUL_CONTINUE, or EMUL_UNHANDLEABLE when there are too many.
 */
enum emul_result emul_phys_write(struct emul_ctxt *c, const struct emul_phys *phys,
				 const void *data)
{
	enum emul_result res = stage_write(c, phys->gpa[0], data, phys->len[0]);

	if (res == EMUL_CONTINUE && phys->len[1])
		res = stage_write(c, phys->gpa[1], (const u8 *)data + phys->len[0], phys->len[1]);
	return res;
}

/**
 * emul_phys_cmpxchg - locked update of a translated range
 * @c: the emulation context
 * @phys: from emul_map() with EMUL_ACC_WRITE
 * @old: what the instruction read
 * @new: what it writes
 *
 * Must be the last thing an instruction does that can fail. Device memory and
 * ranges across two pages are written plainly: no bus lock exists for them.
 *
 * Return: EMUL_CONTINUE; EMUL_RETRY when memory changed in between;
 * EMUL_UNHANDLEABLE.
 */
enum emul_result emul_phys_cmpxchg(struct emul_ctxt *c, const struct emul_phys *phys,
				   const void *old, const void *new)
{
	enum emul_result res;

	if (phys->len[1])
		return emul_phys_write(c, phys, new);
	res = emul_env_cmpxchg_phys(c, phys->gpa[0], old, new, phys->len[0]);
	if (res == EMUL_IO_NEEDED)
		return emul_phys_write(c, phys, new);
	return res;
}

/* Several stores are all made or none is: find out before the first. */
static enum emul_result probe_writes(struct emul_ctxt *c)
{
	unsigned int i;

	for (i = 0; c->nr_writes > 1 && i < c->nr_writes; i++) {
		const struct emul_access *a = &c->writes[i];

		if (emul_env_probe_write(c, a->gpa, a->len) == EMUL_UNHANDLEABLE)
			return EMUL_UNHANDLEABLE;
	}
	return EMUL_CONTINUE;
}

/**
 * emul_commit_writes - let the staged stores reach memory
 * @c: the emulation context
 *
 * Stores that userspace must make stay in c->writes, in order.
 *
 * Return: EMUL_CONTINUE when none is left, EMUL_IO_NEEDED when some are, or
 * EMUL_UNHANDLEABLE when one cannot be made; then none was, unless userspace
 * unmapped guest memory during this very call.
 */
enum emul_result emul_commit_writes(struct emul_ctxt *c)
{
	unsigned int i, left = 0;
	enum emul_result res = probe_writes(c);

	if (res != EMUL_CONTINUE) {
		c->nr_writes = 0;
		return res;
	}
	for (i = 0; i < c->nr_writes; i++) {
		struct emul_access *a = &c->writes[i];

		res = emul_env_write_phys(c, a->gpa, a->data, a->len);
		if (res == EMUL_IO_NEEDED) {
			if (left != i)
				c->writes[left] = *a;
			left++;
		} else if (res != EMUL_CONTINUE) {
			c->nr_writes = 0;
			return EMUL_UNHANDLEABLE;
		}
	}
	c->nr_writes = left;
	return left ? EMUL_IO_NEEDED : EMUL_CONTINUE;
}

/**
 * emul_read - read memory at segment:offset with the instruction's own rights
 * @c: the emulation context
 * @seg: enum emul_seg
 * @ea: offset
 * @data: receives the bytes
 * @bytes: how many, at most EMUL_MAX_DATA
 *
 * Return: as emul_map() and emul_phys_read().
 */
enum emul_result emul_read(struct emul_ctxt *c, unsigned int seg, u64 ea, void *data,
			   unsigned int bytes)
{
	struct emul_phys phys;
	enum emul_result res = emul_map(c, seg, ea, bytes, 0, &phys);

	return res == EMUL_CONTINUE ? emul_phys_read(c, &phys, data) : res;
}

/**
 * emul_write - stage a store at segment:offset
 * @c: the emulation context
 * @seg: enum emul_seg
 * @ea: offset
 * @data: the bytes
 * @bytes: how many, at most EMUL_MAX_DATA
 *
 * Return: as emul_map() and emul_phys_write().
 */
enum emul_result emul_write(struct emul_ctxt *c, unsigned int seg, u64 ea, const void *data,
			    unsigned int bytes)
{
	struct emul_phys phys;
	enum emul_result res = emul_map(c, seg, ea, bytes, EMUL_ACC_WRITE, &phys);

	return res == EMUL_CONTINUE ? emul_phys_write(c, &phys, data) : res;
}

/**
 * emul_sys_read - read a descriptor table or the TSS
 * @c: the emulation context
 * @linear: linear address
 * @data: receives the bytes
 * @bytes: how many
 *
 * The access is the supervisor's whatever CPL is.
 *
 * Return: as emul_map_linear() and emul_phys_read().
 */
enum emul_result emul_sys_read(struct emul_ctxt *c, u64 linear, void *data, unsigned int bytes)
{
	struct emul_phys phys;
	enum emul_result res;

	if (!(c->efer & EMUL_EFER_LMA))
		linear = (u32)linear;
	res = emul_map_linear(c, linear, bytes, EMUL_ACC_IMPLICIT, &phys);
	return res == EMUL_CONTINUE ? emul_phys_read(c, &phys, data) : res;
}

/**
 * emul_sys_write - stage a store to a descriptor table
 * @c: the emulation context
 * @linear: linear address
 * @data: the bytes
 * @bytes: how many
 *
 * Return: as emul_map_linear() and emul_phys_write().
 */
enum emul_result emul_sys_write(struct emul_ctxt *c, u64 linear, const void *data,
				unsigned int bytes)
{
	struct emul_phys phys;
	enum emul_result res;

	if (!(c->efer & EMUL_EFER_LMA))
		linear = (u32)linear;
	res = emul_map_linear(c, linear, bytes, EMUL_ACC_IMPLICIT | EMUL_ACC_WRITE, &phys);
	return res == EMUL_CONTINUE ? emul_phys_write(c, &phys, data) : res;
}
