// SPDX-License-Identifier: GPL-2.0-only
/*
 * Opcode extensions: groups selected by ModRM.reg and sets selected by the
 * mandatory prefix. Data only; an entry without operands takes those of the
 * map entry that led to it, and flags of both are joined.
 */
#include "core/emul/internal.h"

#define E(_op, _dst, _src, _flags) \
	{ .op = OP_##_op, .dst = A_##_dst, .src = A_##_src, .flags = (_flags) }
#define OP(_op, _flags)	{ .op = OP_##_op, .flags = (_flags) }
#define UD		{ .op = OP_UD }
#define UNS		{ .op = OP_UNSUPP }
#define RWL		(F_RW | F_LOCK)

const struct emul_opcode emul_groups[NR_GROUPS][8] = {
	[GRP_1] = {
		OP(ADD, RWL), OP(OR, RWL), OP(ADC, RWL), OP(SBB, RWL),
		OP(AND, RWL), OP(SUB, RWL), OP(XOR, RWL), OP(CMP, F_RD),
	},
	[GRP_1A] = { OP(POP, F_WR | F_DEF64), UD, UD, UD, UD, UD, UD, UD },
	[GRP_2] = {
		OP(ROL, F_RW), OP(ROR, F_RW), OP(RCL, F_RW), OP(RCR, F_RW),
		OP(SHL, F_RW), OP(SHR, F_RW), OP(SAL, F_RW), OP(SAR, F_RW),
	},
	[GRP_3] = {
		E(TEST, RM, IMM, F_RD), E(TEST, RM, IMM, F_RD), OP(NOT, RWL), OP(NEG, RWL),
		E(MUL, NONE, RM, 0), E(IMUL1, NONE, RM, 0), E(DIV, NONE, RM, 0),
		E(IDIV, NONE, RM, 0),
	},
	[GRP_3B] = {
		E(TEST, RM, IMM, F_RD), E(TEST, RM, IMM, F_RD), OP(NOT, RWL), OP(NEG, RWL),
		E(MUL, NONE, RM, 0), E(IMUL1, NONE, RM, 0), E(DIV, NONE, RM, 0),
		E(IDIV, NONE, RM, 0),
	},
	[GRP_4] = { OP(INC, RWL), OP(DEC, RWL), UD, UD, UD, UD, UD, UD },
	[GRP_5] = {
		OP(INC, RWL), OP(DEC, RWL), E(CALL, NONE, RM, F_NEAR),
		E(CALLF_M, NONE, M, 0), E(JMP, NONE, RM, F_NEAR), E(JMPF_M, NONE, M, 0),
		E(PUSH, NONE, RM, F_DEF64), UD,
	},
	[GRP_6] = {
		E(SLDT, RMV16, NONE, F_WR | F_UMIP), E(STR, RMV16, NONE, F_WR | F_UMIP),
		E(LLDT, NONE, RM16, F_PRIV), E(LTR, NONE, RM16, F_PRIV),
		UNS, UNS, UD, UD,
	},
	[GRP_7] = {
		E(SGDT, NONE, M, F_UMIP), E(SIDT, NONE, M, F_UMIP),
		E(LGDT, NONE, M, F_PRIV), E(LIDT, NONE, M, F_PRIV),
		E(SMSW, RMV16, NONE, F_WR | F_UMIP), UNS,
		E(LMSW, NONE, RM16, F_PRIV), E(INVLPG, NONE, M, F_PRIV),
	},
	[GRP_8] = {
		UD, UD, UD, UD,
		OP(BT, 0), OP(BTS, F_LOCK), OP(BTR, F_LOCK), OP(BTC, F_LOCK),
	},
	[GRP_9] = {
		UD, E(CMPXCHG8B, NONE, M, F_LOCK), UD, UNS, UNS, UNS, UNS, UNS,
	},
	[GRP_11] = { OP(MOV, F_WR), UD, UD, UD, UD, UD, UD, UD },
	[GRP_15] = {
		UNS, UNS, UNS, UNS, UNS, OP(FENCE, 0), OP(FENCE, 0), OP(CLFLUSH, 0),
	},
};

#define LD	(F_SSE | F_VEX)
#define LDA	(F_SSE | F_VEX | F_ALIGN)
#define STNT	(F_SSE | F_VEX | F_ALIGN | F_MEM)
#define L128	(F_SSE | F_VEX | F_VEX128)

/* Columns: no prefix, 66, F3, F2. */
const struct emul_opcode emul_prefix_sets[NR_PREFIX_SETS][4] = {
	[PFX_10] = {
		E(VMOV_LD, XMM, XRM, LD), E(VMOV_LD, XMM, XRM, LD),
		E(VSCALAR_LD, XMM, XRM, LD | F_VEX_NDS),
		E(VSCALAR_LD, XMM, XRM, LD | F_VEX_NDS | F_DOUBLE),
	},
	[PFX_11] = {
		E(VMOV_ST, XRM, XMM, LD), E(VMOV_ST, XRM, XMM, LD),
		E(VSCALAR_ST, XRM, XMM, LD | F_VEX_NDS),
		E(VSCALAR_ST, XRM, XMM, LD | F_VEX_NDS | F_DOUBLE),
	},
	/* With two registers, 12 and 16 are movhlps and movlhps; exec sends those away. */
	[PFX_12] = {
		E(VHALF_LD, XMM, XRM, L128 | F_VEX_NDS),
		E(VHALF_LD, XMM, XRM, L128 | F_VEX_NDS | F_MEM), UNS, UNS,
	},
	[PFX_13] = {
		E(VHALF_ST, XRM, XMM, L128 | F_MEM), E(VHALF_ST, XRM, XMM, L128 | F_MEM), UD, UD,
	},
	[PFX_16] = {
		E(VHALF_LD, XMM, XRM, L128 | F_VEX_NDS | F_HIGH),
		E(VHALF_LD, XMM, XRM, L128 | F_VEX_NDS | F_HIGH | F_MEM), UNS, UD,
	},
	[PFX_17] = {
		E(VHALF_ST, XRM, XMM, L128 | F_MEM | F_HIGH),
		E(VHALF_ST, XRM, XMM, L128 | F_MEM | F_HIGH), UD, UD,
	},
	[PFX_28] = { E(VMOV_LD, XMM, XRM, LDA), E(VMOV_LD, XMM, XRM, LDA), UD, UD },
	[PFX_29] = { E(VMOV_ST, XRM, XMM, LDA), E(VMOV_ST, XRM, XMM, LDA), UD, UD },
	[PFX_2B] = { E(VMOV_ST, XRM, XMM, STNT), E(VMOV_ST, XRM, XMM, STNT), UNS, UNS },
	[PFX_2A38] = { UD, E(VMOV_LD, XMM, XRM, STNT | F_SSE41 | F_MOVNT), UD, UD },
	[PFX_6E] = { UNS, E(VMOVD_LD, XMM, RM32, L128), UD, UD },
	[PFX_6F] = { UNS, E(VMOV_LD, XMM, XRM, LDA), E(VMOV_LD, XMM, XRM, LD), UD },
	[PFX_7E] = { UNS, E(VMOVD_ST, RM32, XMM, L128), E(VMOVQ_LD, XMM, XRM, L128), UD },
	[PFX_7F] = { UNS, E(VMOV_ST, XRM, XMM, LDA), E(VMOV_ST, XRM, XMM, LD), UD },
	[PFX_D6] = { UD, E(VMOVQ_ST, XRM, XMM, L128), UNS, UNS },
	[PFX_E7] = { UNS, E(VMOV_ST, XRM, XMM, STNT), UD, UD },
	[PFX_F0] = { UD, UD, UD, E(VMOV_LD, XMM, XRM, LD | F_MEM | F_SSE3) },
	[PFX_B8] = { UD, UD, E(POPCNT, REG, RM, F_WR), UD },
	/* VMREAD; EXTRQ and INSERTQ with two immediate bytes. */
	[PFX_78] = { UNS, E(UNSUPP, NONE, IMM16, 0), UD, E(UNSUPP, NONE, IMM16, 0) },
	[PFX_C3] = { E(MOV, RM, REG, F_WR | F_MEM | F_MIN32), UD, UD, UD },
	[PFX_F038] = { E(MOVBE, REG, RM, F_WR | F_MEM), E(MOVBE, REG, RM, F_WR | F_MEM), UNS, UNS },
	[PFX_F138] = { E(MOVBE, RM, REG, F_WR | F_MEM), E(MOVBE, RM, REG, F_WR | F_MEM), UNS, UNS },
	[PFX_F938] = { E(MOVDIRI, RM, REG, F_WR | F_MEM | F_MIN32), UD, UD, UD },
};
