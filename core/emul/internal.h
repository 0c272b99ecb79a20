/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shared by the emulator's own files: the operations, the shape of an opcode
 * table entry, and the helpers each file offers the others. Not for users of
 * the emulator; those include emul.h.
 */
#ifndef MONO_CORE_EMUL_INTERNAL_H
#define MONO_CORE_EMUL_INTERNAL_H

#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/processor-flags.h>
#include "core/emul/emul.h"
#include "core/emul/emul_env.h"

/* Operations. The groups are contiguous: exec.c dispatches by range. */
enum emul_op {
	OP_UD,			/* undefined: #UD */
	OP_UNSUPP,		/* defined, its length is known, not emulated */
	OP_GROUP,		/* dst names a table indexed by ModRM.reg */
	OP_BY_PREFIX,		/* dst names a table indexed by mandatory prefix */

	/* exec_alu.c; the order of the first eight and of the shifts is ModRM.reg's */
	OP_ALU_FIRST,
	OP_ADD = OP_ALU_FIRST, OP_OR, OP_ADC, OP_SBB, OP_AND, OP_SUB, OP_XOR, OP_CMP,
	OP_ROL, OP_ROR, OP_RCL, OP_RCR, OP_SHL, OP_SHR, OP_SAL, OP_SAR,
	OP_TEST, OP_INC, OP_DEC, OP_NOT, OP_NEG,
	OP_MUL, OP_IMUL1, OP_IMUL2, OP_DIV, OP_IDIV,
	OP_SHLD, OP_SHRD, OP_BT, OP_BTS, OP_BTR, OP_BTC,
	OP_BSF, OP_BSR, OP_POPCNT, OP_XADD, OP_CMPXCHG, OP_CMPXCHG8B,
	OP_DAA, OP_DAS, OP_AAA, OP_AAS, OP_AAM, OP_AAD,
	OP_ALU_LAST = OP_AAD,

	/* exec_move.c */
	OP_MOVE_FIRST,
	OP_MOV = OP_MOVE_FIRST, OP_MOVSX, OP_MOVBE, OP_MOVDIRI, OP_BSWAP, OP_XCHG, OP_LEA,
	OP_CBW, OP_CWD, OP_SETCC, OP_CMOVCC, OP_XLAT, OP_LAHF, OP_SAHF, OP_SALC,
	OP_CLC, OP_STC, OP_CMC, OP_CLD, OP_STD, OP_NOP, OP_BOUND,
	OP_MOVE_LAST = OP_BOUND,

	/* exec_string.c */
	OP_STRING_FIRST,
	OP_MOVS = OP_STRING_FIRST, OP_CMPS, OP_STOS, OP_LODS, OP_SCAS, OP_INS, OP_OUTS,
	OP_STRING_LAST = OP_OUTS,

	/* exec_branch.c: near branches and the stack */
	OP_BRANCH_FIRST,
	OP_PUSH = OP_BRANCH_FIRST, OP_POP, OP_PUSHA, OP_POPA, OP_PUSHF, OP_POPF,
	OP_ENTER, OP_LEAVE, OP_CALL, OP_JMP, OP_JCC, OP_LOOP, OP_LOOPE, OP_LOOPNE,
	OP_JCXZ, OP_RET, OP_PUSH_SREG, OP_INT, OP_INT3, OP_INT1, OP_INTO, OP_UDX,
	OP_BRANCH_LAST = OP_UDX,

	/* exec_far.c: whatever loads a segment register */
	OP_FAR_FIRST,
	OP_MOV_TO_SREG = OP_FAR_FIRST, OP_MOV_FROM_SREG, OP_POP_SREG, OP_LOAD_FAR,
	OP_CALLF, OP_JMPF, OP_CALLF_M, OP_JMPF_M, OP_RETF, OP_IRET,
	OP_LLDT, OP_LTR, OP_SLDT, OP_STR,
	OP_FAR_LAST = OP_STR,

	/* exec_system.c */
	OP_SYSTEM_FIRST,
	OP_IN = OP_SYSTEM_FIRST, OP_OUT, OP_HLT, OP_CLI, OP_STI, OP_CLTS,
	OP_LMSW, OP_SMSW, OP_LGDT, OP_LIDT, OP_SGDT, OP_SIDT, OP_INVLPG,
	OP_MOV_TO_CR, OP_MOV_FROM_CR, OP_MOV_TO_DR, OP_MOV_FROM_DR,
	OP_RDMSR, OP_WRMSR, OP_RDTSC, OP_RDTSCP, OP_CPUID, OP_WBINVD, OP_FENCE, OP_CLFLUSH,
	OP_FPU, OP_FWAIT,
	OP_SYSTEM_LAST = OP_FWAIT,

	/* sse.c */
	OP_SSE_FIRST,
	OP_VMOV_LD = OP_SSE_FIRST, OP_VMOV_ST,	/* whole register */
	OP_VSCALAR_LD, OP_VSCALAR_ST,		/* movss, movsd */
	OP_VHALF_LD, OP_VHALF_ST,		/* movlps, movhps and the pd forms */
	OP_VMOVD_LD, OP_VMOVD_ST,		/* from and to r/m32, r/m64 */
	OP_VMOVQ_LD, OP_VMOVQ_ST,		/* movq xmm, xmm/m64 */
	OP_SSE_LAST = OP_VMOVQ_ST,
};

/* Where an operand comes from, as the opcode table says it. */
enum emul_arg {
	A_NONE,
	A_RM,		/* ModRM r/m, operand size (1 with F_BYTE) */
	A_RM8, A_RM16, A_RM32,
	A_RMV16,	/* register: operand size; memory: 16 bits */
	A_RM64,		/* 64-bit in long mode, 32-bit elsewhere, whatever 66 says */
	A_M,		/* memory whose address is all the instruction wants */
	A_REG,		/* ModRM reg, operand size (1 with F_BYTE) */
	A_OREG,		/* low three opcode bits */
	A_ACC,		/* AL, AX, EAX, RAX */
	A_IMM,		/* up to 32 bits, sign extended */
	A_IMMV,		/* up to 64 bits: MOV reg, imm */
	A_IMM8,		/* sign extended */
	A_IMMU8, A_IMM16,
	A_ENTER,	/* imm16, imm8 */
	A_REL8, A_REL,
	A_FARPTR,	/* ptr16:16 or ptr16:32 */
	A_MOFFS,
	A_CL, A_ONE, A_DX,
	A_XMM, A_XRM,	/* ModRM reg or r/m naming a vector register */
};

/* What struct emul_operand.kind says after decoding. */
enum emul_opnd_kind { OPND_NONE, OPND_REG, OPND_MEM, OPND_IMM, OPND_ADDR, OPND_VEC };

/* Opcode table flags. */
#define F_BYTE		BIT(0)	/* operand size is one byte */
#define F_RD		BIT(1)	/* dst is read before the operation */
#define F_WR		BIT(2)	/* dst is written after it */
#define F_RW		(F_RD | F_WR)
#define F_LOCK		BIT(3)	/* LOCK allowed when dst is memory */
#define F_NO64		BIT(4)	/* #UD in 64-bit mode */
#define F_DEF64		BIT(5)	/* operand size defaults to 64 in 64-bit mode */
#define F_NEAR		BIT(6)	/* near branch: 64-bit in 64-bit mode */
#define F_PRIV		BIT(7)	/* #GP(0) unless CPL 0 */
#define F_PROT		BIT(8)	/* #UD in real and virtual-8086 mode */
#define F_MODRM		BIT(9)	/* has a ModRM byte though no operand says so */
#define F_VEX		BIT(10)	/* VEX form exists and is handled */
#define F_VEX128	BIT(11)	/* VEX.L must be 0 */
#define F_VEX_NDS	BIT(12)	/* VEX.vvvv is an operand */
#define F_ALIGN		BIT(13)	/* memory operand must be aligned to its size */
#define F_SSE		BIT(14)	/* needs SSE enabled */
#define F_MEM		BIT(15)	/* #UD with a register r/m */
#define F_REG		BIT(16)	/* #UD with a memory r/m */
#define F_REP		BIT(17)	/* F2/F3 mean repeat */
#define F_HIGH		BIT(18)	/* upper half: movhps, movhpd */
#define F_DOUBLE	BIT(19)	/* 64-bit element: movsd */
#define F_NOFETCH	BIT(20)	/* operation reads its own operands */
#define F_UMIP		BIT(21)	/* #GP(0) above CPL 0 when CR4.UMIP */
#define F_SSE3		BIT(22)
#define F_SSE41		BIT(23)
#define F_FORCE64	BIT(24)	/* 64-bit operand size in 64-bit mode, 32 elsewhere */
#define F_MOVNT		BIT(25)	/* memory only, VEX.256 load needs AVX2 */
#define F_MIN32		BIT(27)	/* operand size is never 16 bits */
#define F_IMM_AFTER	BIT(26)	/* one more immediate byte, used for the length only */

struct emul_opcode {
	u16 op;
	u8 dst, src, src2;
	u32 flags;
};

enum emul_group {
	GRP_1, GRP_1A, GRP_2, GRP_3, GRP_3B, GRP_4, GRP_5, GRP_6, GRP_7, GRP_8, GRP_9,
	GRP_11, GRP_15, NR_GROUPS
};

enum emul_prefix_set {
	PFX_10, PFX_11, PFX_12, PFX_13, PFX_16, PFX_17, PFX_28, PFX_29, PFX_2B, PFX_2A38,
	PFX_6E, PFX_6F, PFX_7E, PFX_7F, PFX_D6, PFX_E7, PFX_F0, PFX_B8, PFX_C3, PFX_78,
	PFX_F038, PFX_F138, PFX_F938, NR_PREFIX_SETS
};

/* tables.c, tables_ext.c */
extern const struct emul_opcode emul_alu_forms[6];
extern const struct emul_opcode emul_map0[256];
extern const struct emul_opcode emul_map1[256];
extern const struct emul_opcode emul_groups[NR_GROUPS][8];
extern const struct emul_opcode emul_prefix_sets[NR_PREFIX_SETS][4];

/* decode.c */
enum emul_result emul_decode(struct emul_ctxt *c, const u8 *insn, int len);
enum emul_result emul_fetch(struct emul_ctxt *c, unsigned int bytes, u64 *val);

/* modrm.c */
enum emul_result emul_decode_modrm(struct emul_ctxt *c);

/* mem.c */
enum emul_result emul_linearize(struct emul_ctxt *c, unsigned int seg, u64 ea,
				unsigned int bytes, u32 access, u64 *linear);
enum emul_result emul_map_linear(struct emul_ctxt *c, u64 linear, unsigned int bytes,
				 u32 access, struct emul_phys *phys);
enum emul_result emul_map(struct emul_ctxt *c, unsigned int seg, u64 ea, unsigned int bytes,
			  u32 access, struct emul_phys *phys);
enum emul_result emul_phys_read(struct emul_ctxt *c, const struct emul_phys *phys, void *data);
enum emul_result emul_phys_write(struct emul_ctxt *c, const struct emul_phys *phys,
				 const void *data);
enum emul_result emul_phys_cmpxchg(struct emul_ctxt *c, const struct emul_phys *phys,
				   const void *old, const void *new);
enum emul_result emul_read(struct emul_ctxt *c, unsigned int seg, u64 ea, void *data,
			   unsigned int bytes);
enum emul_result emul_write(struct emul_ctxt *c, unsigned int seg, u64 ea, const void *data,
			    unsigned int bytes);
enum emul_result emul_sys_read(struct emul_ctxt *c, u64 linear, void *data, unsigned int bytes);
enum emul_result emul_sys_write(struct emul_ctxt *c, u64 linear, const void *data,
				unsigned int bytes);
enum emul_result emul_commit_writes(struct emul_ctxt *c);
bool emul_canonical(const struct emul_ctxt *c, u64 addr);

/* insn.c */
u64 emul_plain_linear(struct emul_ctxt *c);

/* exec.c */
enum emul_result emul_exec(struct emul_ctxt *c);
enum emul_result emul_load_operand(struct emul_ctxt *c, struct emul_operand *o, bool write);
enum emul_result emul_store_operand(struct emul_ctxt *c, struct emul_operand *o);
enum emul_result emul_raise(struct emul_ctxt *c, u8 vector);
enum emul_result emul_raise_err(struct emul_ctxt *c, u8 vector, u32 error);

/* insn.c */
void emul_snapshot(struct emul_ctxt *c);
void emul_commit_registers(struct emul_ctxt *c);

/* exec_*.c, sse.c */
enum emul_result emul_exec_alu(struct emul_ctxt *c);
enum emul_result emul_exec_move(struct emul_ctxt *c);
enum emul_result emul_exec_string(struct emul_ctxt *c);
enum emul_result emul_exec_branch(struct emul_ctxt *c);
enum emul_result emul_exec_far(struct emul_ctxt *c);
enum emul_result emul_exec_system(struct emul_ctxt *c);
enum emul_result emul_exec_sse(struct emul_ctxt *c);
enum emul_result emul_push(struct emul_ctxt *c, u64 val, unsigned int bytes);
enum emul_result emul_pop(struct emul_ctxt *c, u64 *val, unsigned int bytes);
enum emul_result emul_pop_selector(struct emul_ctxt *c, u16 *sel);
enum emul_result emul_branch_to(struct emul_ctxt *c, u64 target, unsigned int bytes);
u64 emul_branch_mask(u64 target, unsigned int bytes);
enum emul_result emul_check_io(struct emul_ctxt *c, u16 port, unsigned int size);
unsigned int emul_stack_size(struct emul_ctxt *c);
u64 emul_add_masked(u64 reg, s64 delta, unsigned int bytes);

/* flags.c: pure functions; *fl is the flags register, read and updated */
u64 emul_alu(unsigned int op, u64 a, u64 b, unsigned int bytes, u64 *fl);
u64 emul_shift(unsigned int op, u64 a, unsigned int count, unsigned int bytes, u64 *fl);
u64 emul_shift_double(bool left, u64 a, u64 b, unsigned int count, unsigned int bytes, u64 *fl);
bool emul_condition(unsigned int cc, u64 fl);
void emul_mul(bool is_signed, u64 a, u64 b, unsigned int bytes, u64 *lo, u64 *hi, u64 *fl);
bool emul_div(bool is_signed, u64 lo, u64 hi, u64 d, unsigned int bytes, u64 *quot, u64 *rem);
void emul_bcd(unsigned int op, u64 *ax, u64 *fl);
u64 emul_bit_scan(bool reverse, u64 src, u64 *fl);
u64 emul_count_zeros(bool leading, u64 src, unsigned int bytes, u64 *fl);
u64 emul_popcnt(u64 src, u64 *fl);

/* Exception vectors the emulator raises. */
enum {
	EXC_DE = 0, EXC_DB = 1, EXC_BP = 3, EXC_OF = 4, EXC_BR = 5, EXC_UD = 6, EXC_NM = 7,
	EXC_TS = 10, EXC_NP = 11, EXC_SS = 12, EXC_GP = 13, EXC_PF = 14, EXC_MF = 16, EXC_AC = 17,
};

#define FL_ARITH (X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF | \
		  X86_EFLAGS_SF | X86_EFLAGS_OF)

#define EMUL_EFER_LMA	BIT_ULL(10)

static inline bool is_power_of_2_u(unsigned int n)
{
	return n && !(n & (n - 1));
}

static inline u64 emul_mask(unsigned int bytes)
{
	return bytes >= 8 ? ~0ull : (1ull << (bytes * 8)) - 1;
}

static inline u64 emul_sign_extend(u64 val, unsigned int bytes)
{
	unsigned int shift = 64 - bytes * 8;

	return (u64)((s64)(val << shift) >> shift);
}

static inline u64 emul_gpr(struct emul_ctxt *c, unsigned int reg)
{
	if (!(c->gpr_valid & (1u << reg))) {
		c->gpr[reg] = emul_env_read_gpr(c, reg);
		c->gpr_valid |= 1u << reg;
	}
	return c->gpr[reg];
}

/* Write the low bytes of a register as the CPU does: 4 bytes clear the rest. */
static inline void emul_set_gpr(struct emul_ctxt *c, unsigned int reg, u64 val,
				unsigned int bytes)
{
	u64 old = emul_gpr(c, reg);

	if (bytes < 4)
		val = (old & ~emul_mask(bytes)) | (val & emul_mask(bytes));
	else
		val &= emul_mask(bytes);
	c->gpr[reg] = val;
	c->gpr_dirty |= 1u << reg;
}

static inline struct kvm_segment *emul_segment(struct emul_ctxt *c, unsigned int seg)
{
	if (!(c->seg_valid & (1u << seg))) {
		emul_env_get_segment(c, seg, &c->seg[seg]);
		c->seg_valid |= 1u << seg;
	}
	return &c->seg[seg];
}

static inline bool emul_is_long(const struct emul_ctxt *c)
{
	return c->mode == EMUL_MODE_LONG;
}

/* Real and virtual-8086 mode: selectors are paragraphs, no descriptors. */
static inline bool emul_is_8086(const struct emul_ctxt *c)
{
	return c->mode == EMUL_MODE_REAL || c->mode == EMUL_MODE_VM86;
}

static inline unsigned int emul_iopl(const struct emul_ctxt *c)
{
	return (c->rflags & X86_EFLAGS_IOPL) >> X86_EFLAGS_IOPL_BIT;
}

#endif /* MONO_CORE_EMUL_INTERNAL_H */
