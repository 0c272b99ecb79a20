// SPDX-License-Identifier: GPL-2.0-only
/*
 * Opcode maps: the one-byte map and the 0F map, indexed by opcode. Data only;
 * decode.c reads it. Opcode extensions are in tables_ext.c.
 */
#include "core/emul/internal.h"

#define E(_op, _dst, _src, _flags) \
	{ .op = OP_##_op, .dst = A_##_dst, .src = A_##_src, .flags = (_flags) }
#define E3(_op, _dst, _src, _src2, _flags) \
	{ .op = OP_##_op, .dst = A_##_dst, .src = A_##_src, .src2 = A_##_src2, .flags = (_flags) }
#define OP(_op, _flags)	E(_op, NONE, NONE, _flags)
#define UD		{ .op = OP_UD }
#define UDM		{ .op = OP_UD, .flags = F_MODRM }
#define UNS		{ .op = OP_UNSUPP }
#define UNSM		{ .op = OP_UNSUPP, .flags = F_MODRM }
#define UNSMI		{ .op = OP_UNSUPP, .flags = F_MODRM | F_IMM_AFTER }
#define GRP(_grp, _dst, _src, _flags) \
	{ .op = OP_GROUP, .dst = A_##_dst, .src = A_##_src, .src2 = GRP_##_grp, \
	  .flags = (_flags) | F_MODRM }
#define PFX(_set, _flags) \
	{ .op = OP_BY_PREFIX, .src2 = PFX_##_set, .flags = (_flags) | F_MODRM }

#define RWL	(F_RW | F_LOCK)
#define MOVCR	(F_MODRM | F_PRIV | F_FORCE64)

/*
 * The regular forms of add, or, adc, sbb, and, sub, xor and cmp, by the low three
 * opcode bits; the next three name the operation.
 */
const struct emul_opcode emul_alu_forms[6] = {
	E(ADD, RM, REG, RWL | F_BYTE), E(ADD, RM, REG, RWL),
	E(ADD, REG, RM, F_RW | F_BYTE), E(ADD, REG, RM, F_RW),
	E(ADD, ACC, IMM, F_RW | F_BYTE), E(ADD, ACC, IMM, F_RW),
};

const struct emul_opcode emul_map0[256] = {
	/* 00 to 3F: what the regular ALU operations, emul_alu_forms, leave */
	[0x06] = OP(PUSH_SREG, F_NO64), OP(POP_SREG, F_NO64),
	[0x0e] = OP(PUSH_SREG, F_NO64), UD,
	[0x16] = OP(PUSH_SREG, F_NO64), OP(POP_SREG, F_NO64),
	[0x1e] = OP(PUSH_SREG, F_NO64), OP(POP_SREG, F_NO64),
	[0x27] = OP(DAA, F_NO64),
	[0x2f] = OP(DAS, F_NO64),
	[0x37] = OP(AAA, F_NO64),
	[0x3f] = OP(AAS, F_NO64),
	/* 40: REX prefixes in 64-bit mode, taken before this table is used */
	[0x40 ... 0x47] = E(INC, OREG, NONE, F_RW),
	[0x48 ... 0x4f] = E(DEC, OREG, NONE, F_RW),
	/* 50 */
	[0x50 ... 0x57] = E(PUSH, NONE, OREG, F_DEF64),
	[0x58 ... 0x5f] = E(POP, OREG, NONE, F_DEF64 | F_WR),
	/* 60 */
	OP(PUSHA, F_NO64), OP(POPA, F_NO64),
	E(BOUND, REG, M, F_NO64 | F_RD), { .op = OP_UNSUPP, .flags = F_MODRM | F_PROT },
	UD, UD, UD, UD,
	E(PUSH, NONE, IMM, F_DEF64), E3(IMUL2, REG, RM, IMM, F_WR),
	E(PUSH, NONE, IMM8, F_DEF64), E3(IMUL2, REG, RM, IMM8, F_WR),
	OP(INS, F_BYTE | F_REP), OP(INS, F_REP), OP(OUTS, F_BYTE | F_REP), OP(OUTS, F_REP),
	/* 70 */
	[0x70 ... 0x7f] = E(JCC, NONE, REL8, F_NEAR),
	/* 80 */
	GRP(1, RM, IMM, F_BYTE), GRP(1, RM, IMM, 0),
	GRP(1, RM, IMM, F_BYTE | F_NO64), GRP(1, RM, IMM8, 0),
	E(TEST, RM, REG, F_RD | F_BYTE), E(TEST, RM, REG, F_RD),
	E(XCHG, RM, REG, RWL | F_BYTE), E(XCHG, RM, REG, RWL),
	E(MOV, RM, REG, F_WR | F_BYTE), E(MOV, RM, REG, F_WR),
	E(MOV, REG, RM, F_WR | F_BYTE), E(MOV, REG, RM, F_WR),
	E(MOV_FROM_SREG, RMV16, NONE, F_WR), E(LEA, REG, M, F_WR),
	E(MOV_TO_SREG, NONE, RM16, 0), GRP(1A, RM, NONE, 0),
	/* 90 */
	[0x90 ... 0x97] = E(XCHG, ACC, OREG, F_RW),
	OP(CBW, 0), OP(CWD, 0), E(CALLF, NONE, FARPTR, F_NO64), OP(FWAIT, 0),
	OP(PUSHF, F_DEF64), OP(POPF, F_DEF64), OP(SAHF, 0), OP(LAHF, 0),
	/* A0 */
	E(MOV, ACC, MOFFS, F_WR | F_BYTE), E(MOV, ACC, MOFFS, F_WR),
	E(MOV, MOFFS, ACC, F_WR | F_BYTE), E(MOV, MOFFS, ACC, F_WR),
	OP(MOVS, F_BYTE | F_REP), OP(MOVS, F_REP), OP(CMPS, F_BYTE | F_REP), OP(CMPS, F_REP),
	E(TEST, ACC, IMM, F_RD | F_BYTE), E(TEST, ACC, IMM, F_RD),
	OP(STOS, F_BYTE | F_REP), OP(STOS, F_REP), OP(LODS, F_BYTE | F_REP), OP(LODS, F_REP),
	OP(SCAS, F_BYTE | F_REP), OP(SCAS, F_REP),
	/* B0 */
	[0xb0 ... 0xb7] = E(MOV, OREG, IMM, F_WR | F_BYTE),
	[0xb8 ... 0xbf] = E(MOV, OREG, IMMV, F_WR),
	/* C0 */
	GRP(2, RM, IMMU8, F_BYTE), GRP(2, RM, IMMU8, 0),
	E(RET, NONE, IMM16, F_NEAR), OP(RET, F_NEAR),
	E(LOAD_FAR, REG, M, F_NO64 | F_WR), E(LOAD_FAR, REG, M, F_NO64 | F_WR),
	GRP(11, RM, IMM, F_BYTE), GRP(11, RM, IMM, 0),
	E(ENTER, NONE, ENTER, F_DEF64), OP(LEAVE, F_DEF64),
	E(RETF, NONE, IMM16, 0), OP(RETF, 0),
	OP(INT3, 0), E(INT, NONE, IMMU8, 0), OP(INTO, F_NO64), OP(IRET, 0),
	/* D0 */
	GRP(2, RM, ONE, F_BYTE), GRP(2, RM, ONE, 0), GRP(2, RM, CL, F_BYTE), GRP(2, RM, CL, 0),
	E(AAM, NONE, IMMU8, F_NO64), E(AAD, NONE, IMMU8, F_NO64),
	OP(SALC, F_NO64), OP(XLAT, 0),
	UNSM, { .op = OP_FPU, .flags = F_MODRM }, UNSM, { .op = OP_FPU, .flags = F_MODRM },
	UNSM, { .op = OP_FPU, .flags = F_MODRM }, UNSM, { .op = OP_FPU, .flags = F_MODRM },
	/* E0 */
	E(LOOPNE, NONE, REL8, F_NEAR), E(LOOPE, NONE, REL8, F_NEAR),
	E(LOOP, NONE, REL8, F_NEAR), E(JCXZ, NONE, REL8, F_NEAR),
	E(IN, ACC, IMMU8, F_BYTE), E(IN, ACC, IMMU8, 0),
	E(OUT, ACC, IMMU8, F_BYTE | F_RD), E(OUT, ACC, IMMU8, F_RD),
	E(CALL, NONE, REL, F_NEAR), E(JMP, NONE, REL, F_NEAR),
	E(JMPF, NONE, FARPTR, F_NO64), E(JMP, NONE, REL8, F_NEAR),
	E(IN, ACC, DX, F_BYTE), E(IN, ACC, DX, 0),
	E(OUT, ACC, DX, F_BYTE | F_RD), E(OUT, ACC, DX, F_RD),
	/* F0 */
	UD, OP(INT1, 0), UD, UD,
	OP(HLT, F_PRIV), OP(CMC, 0), GRP(3B, RM, NONE, F_BYTE), GRP(3, RM, NONE, 0),
	OP(CLC, 0), OP(STC, 0), OP(CLI, 0), OP(STI, 0), OP(CLD, 0), OP(STD, 0),
	GRP(4, RM, NONE, F_BYTE), GRP(5, RM, NONE, 0),
};

const struct emul_opcode emul_map1[256] = {
	/* 00 */
	GRP(6, NONE, NONE, F_PROT), GRP(7, NONE, NONE, 0),
	{ .op = OP_UNSUPP, .flags = F_MODRM | F_PROT },
	{ .op = OP_UNSUPP, .flags = F_MODRM | F_PROT },
	UD, UNS, OP(CLTS, F_PRIV), UNS,
	OP(WBINVD, F_PRIV), OP(WBINVD, F_PRIV), UD, OP(UDX, 0),
	UD, OP(NOP, F_MODRM | F_MEM), UNS, UNSMI,
	/* 10 */
	PFX(10, 0), PFX(11, 0), PFX(12, 0), PFX(13, 0), UNSM, UNSM, PFX(16, 0), PFX(17, 0),
	[0x18 ... 0x1f] = OP(NOP, F_MODRM),
	/* 20 */
	OP(MOV_FROM_CR, MOVCR), OP(MOV_FROM_DR, MOVCR), OP(MOV_TO_CR, MOVCR), OP(MOV_TO_DR, MOVCR),
	UD, UD, UD, UD,
	PFX(28, 0), PFX(29, 0), UNSM, PFX(2B, 0), UNSM, UNSM, UNSM, UNSM,
	/* 30 */
	OP(WRMSR, F_PRIV), OP(RDTSC, 0), OP(RDMSR, F_PRIV), UNS, UNS, UNS, UD, UNS,
	UD, UD, UD, UD, UD, UD, UD, UD,
	/* 40 */
	[0x40 ... 0x4f] = E(CMOVCC, REG, RM, F_RW),
	/* 50 */
	[0x50 ... 0x6d] = UNSM,
	/* 60 */
	PFX(6E, 0), PFX(6F, 0),
	/* 70 */
	[0x70 ... 0x73] = UNSMI, UNSM, UNSM, UNSM, UNS,
	PFX(78, 0), UNSM, UDM, UDM, UNSM, UNSM, PFX(7E, 0), PFX(7F, 0),
	/* 80 */
	[0x80 ... 0x8f] = E(JCC, NONE, REL, F_NEAR),
	/* 90 */
	[0x90 ... 0x9f] = E(SETCC, RM8, NONE, F_WR | F_BYTE),
	/* A0 */
	OP(PUSH_SREG, F_DEF64), OP(POP_SREG, F_DEF64), OP(CPUID, 0), E(BT, RM, REG, F_NOFETCH),
	E3(SHLD, RM, REG, IMMU8, F_RW), E3(SHLD, RM, REG, CL, F_RW), UD, UD,
	OP(PUSH_SREG, F_DEF64), OP(POP_SREG, F_DEF64), UNS, E(BTS, RM, REG, F_NOFETCH | F_LOCK),
	E3(SHRD, RM, REG, IMMU8, F_RW), E3(SHRD, RM, REG, CL, F_RW),
	GRP(15, NONE, NONE, 0), E(IMUL2, REG, RM, F_RW),
	/* B0 */
	E(CMPXCHG, RM, REG, RWL | F_BYTE), E(CMPXCHG, RM, REG, RWL),
	E(LOAD_FAR, REG, M, F_WR), E(BTR, RM, REG, F_NOFETCH | F_LOCK),
	E(LOAD_FAR, REG, M, F_WR), E(LOAD_FAR, REG, M, F_WR),
	E(MOV, REG, RM8, F_WR), E(MOV, REG, RM16, F_WR),
	PFX(B8, 0), OP(UDX, F_MODRM), GRP(8, RM, IMMU8, F_NOFETCH),
	E(BTC, RM, REG, F_NOFETCH | F_LOCK),
	E(BSF, REG, RM, F_RW), E(BSR, REG, RM, F_RW),
	E(MOVSX, REG, RM8, F_WR), E(MOVSX, REG, RM16, F_WR),
	/* C0 */
	E(XADD, RM, REG, RWL | F_BYTE), E(XADD, RM, REG, RWL), UNSMI, PFX(C3, 0),
	UNSMI, UNSMI, UNSMI, GRP(9, NONE, NONE, 0),
	[0xc8 ... 0xcf] = E(BSWAP, OREG, NONE, F_RW),
	/* D0 */
	[0xd0 ... 0xd5] = UNSM, PFX(D6, 0), [0xd7 ... 0xdf] = UNSM,
	/* E0 */
	[0xe0 ... 0xe6] = UNSM, PFX(E7, 0), [0xe8 ... 0xef] = UNSM,
	/* F0 */
	PFX(F0, 0), [0xf1 ... 0xfe] = UNSM, OP(UDX, F_MODRM),
};
