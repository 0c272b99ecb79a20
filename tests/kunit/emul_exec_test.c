// SPDX-License-Identifier: GPL-2.0-only
/*
 * What instructions do: a table of single instructions, each with the whole
 * machine compared afterwards. Restart, repetition and device accesses, which
 * take more than one step, are in emul_io_test.c.
 */
#include "tests/kunit/emul_case.h"

static const struct exec_case cases[] = {
	/* Moves in all widths. */
	{ "mov [rbx],al", WORLD_L64, CODE(0x88, 0x03), R_IN(R(RAX, 0x1234), R(RBX, 0x2000)),
	  M_OUT(M(0x2000, 1, 0x34)) },
	{ "mov [rbx],r9w", WORLD_L64, CODE(0x66, 0x44, 0x89, 0x0b),
	  R_IN(R(R9, 0xabcdef12), R(RBX, 0x2001)), M_OUT(M(0x2001, 2, 0xef12)) },
	{ "mov [rbx],eax", WORLD_L64, CODE(0x89, 0x03), R_IN(R(RAX, ~0ull), R(RBX, 0x2000)),
	  M_OUT(M(0x2000, 4, 0xffffffff)) },
	{ "mov eax,[rbx] clears the upper half", WORLD_L64, CODE(0x8b, 0x03),
	  R_IN(R(RAX, ~0ull), R(RBX, 0x2000)), M_IN(M(0x2000, 8, 0x1122334455667788)),
	  R_OUT(R(RAX, 0x55667788)) },
	{ "mov ax,[rbx] keeps the rest", WORLD_L64, CODE(0x66, 0x8b, 0x03),
	  R_IN(R(RAX, ~0ull), R(RBX, 0x2000)), M_IN(M(0x2000, 8, 0x1122334455667788)),
	  R_OUT(R(RAX, 0xffffffffffff7788)) },
	{ "mov rax,[rbx]", WORLD_L64, CODE(0x48, 0x8b, 0x03), R_IN(R(RBX, 0x2000)),
	  M_IN(M(0x2000, 8, 0x1122334455667788)), R_OUT(R(RAX, 0x1122334455667788)) },
	{ "mov ah,[rbx]", WORLD_L64, CODE(0x8a, 0x23), R_IN(R(RBX, 0x2000)),
	  M_IN(M(0x2000, 1, 0x77)), R_OUT(R(RAX, 0x7700)) },
	{ "mov spl,[rbx] with REX", WORLD_L64, CODE(0x40, 0x8a, 0x23), R_IN(R(RBX, 0x2000)),
	  M_IN(M(0x2000, 1, 0x77)), R_OUT(R(RSP, 0x4077)) },
	{ "mov al,moffs64", WORLD_L64, CODE(0xa0, 0x00, 0x20, 0, 0, 0, 0, 0, 0),
	  M_IN(M(0x2000, 1, 0x5a)), R_OUT(R(RAX, 0x5a)) },
	{ "mov moffs16,ax", WORLD_REAL, CODE(0xa3, 0x00, 0x20), R_IN(R(RAX, 0xbeef)),
	  M_OUT(M(0x2000, 2, 0xbeef)) },
	{ "mov qword [rbx],imm32 sign extends", WORLD_L64, CODE(0x48, 0xc7, 0x03, 0xfe, 0xff, 0xff,
	  0xff), R_IN(R(RBX, 0x2000)), M_OUT(M(0x2000, 8, ~1ull)) },
	{ "mov r9,imm64", WORLD_L64, CODE(0x49, 0xb9, 1, 2, 3, 4, 5, 6, 7, 8),
	  R_OUT(R(R9, 0x0807060504030201)) },
	{ "mov rip-relative, immediate after the displacement", WORLD_L64,
	  CODE(0xc7, 0x05, 0xf6, 0x0f, 0, 0, 0x78, 0x56, 0x34, 0x12),
	  M_OUT(M(0x2000, 4, 0x12345678)) },
	{ "movzx eax,byte", WORLD_L64, CODE(0x0f, 0xb6, 0x03), R_IN(R(RAX, ~0ull), R(RBX, 0x2000)),
	  M_IN(M(0x2000, 1, 0x80)), R_OUT(R(RAX, 0x80)) },
	{ "movsx rax,word", WORLD_L64, CODE(0x48, 0x0f, 0xbf, 0x03), R_IN(R(RBX, 0x2000)),
	  M_IN(M(0x2000, 2, 0x8001)), R_OUT(R(RAX, 0xffffffffffff8001)) },
	{ "movsxd rax,dword", WORLD_L64, CODE(0x48, 0x63, 0x03), R_IN(R(RBX, 0x2000)),
	  M_IN(M(0x2000, 4, 0x80000001)), R_OUT(R(RAX, 0xffffffff80000001)) },
	{ "movbe load", WORLD_L64, CODE(0x0f, 0x38, 0xf0, 0x03), R_IN(R(RBX, 0x2000)),
	  M_IN(M(0x2000, 4, 0x11223344)), R_OUT(R(RAX, 0x44332211)) },
	{ "movbe store, 16 bits", WORLD_L64, CODE(0x66, 0x0f, 0x38, 0xf1, 0x03),
	  R_IN(R(RAX, 0x1122), R(RBX, 0x2000)), M_OUT(M(0x2000, 2, 0x2211)) },
	{ "movbe without the feature", WORLD_L64, CODE(0x0f, 0x38, 0xf0, 0x03),
	  .no_feature = 1 + EMUL_FEAT_MOVBE, FAULT(6) },
	{ "movnti", WORLD_L64, CODE(0x0f, 0xc3, 0x03), R_IN(R(RAX, 0x99), R(RBX, 0x2000)),
	  M_OUT(M(0x2000, 4, 0x99)) },
	{ "movnti is 32 bits wide in 16-bit code", WORLD_P16, CODE(0x0f, 0xc3, 0x07),
	  R_IN(R(RAX, 0x11223344), R(RBX, 0x2000)), M_OUT(M(0x2000, 4, 0x11223344)) },
	{ "movnti with 66", WORLD_L64, CODE(0x66, 0x0f, 0xc3, 0x03), FAULT(6) },
	{ "movnti with F3", WORLD_L64, CODE(0xf3, 0x0f, 0xc3, 0x03), FAULT(6) },
	{ "movdiri", WORLD_L64, CODE(0x0f, 0x38, 0xf9, 0x03),
	  R_IN(R(RAX, 0x1122334455667788), R(RBX, 0x2000)), M_OUT(M(0x2000, 4, 0x55667788)) },
	{ "movdiri, 64 bits", WORLD_L64, CODE(0x48, 0x0f, 0x38, 0xf9, 0x03),
	  R_IN(R(RAX, 0x1122334455667788), R(RBX, 0x2000)),
	  M_OUT(M(0x2000, 8, 0x1122334455667788)) },
	{ "movdiri is 32 bits wide in 16-bit code", WORLD_P16, CODE(0x0f, 0x38, 0xf9, 0x07),
	  R_IN(R(RAX, 0x11223344), R(RBX, 0x2000)), M_OUT(M(0x2000, 4, 0x11223344)) },
	{ "movdiri with a register", WORLD_L64, CODE(0x0f, 0x38, 0xf9, 0xc3), FAULT(6) },
	{ "movdiri without the feature", WORLD_L64, CODE(0x0f, 0x38, 0xf9, 0x03),
	  .no_feature = 1 + EMUL_FEAT_MOVDIRI, FAULT(6) },
	{ "bswap rax", WORLD_L64, CODE(0x48, 0x0f, 0xc8), R_IN(R(RAX, 0x0102030405060708)),
	  R_OUT(R(RAX, 0x0807060504030201)) },
	{ "lea with 16-bit wrap", WORLD_REAL, CODE(0x8d, 0x40, 0x10), R_IN(R(RBX, 0xfff8),
	  R(RSI, 0x10)), R_OUT(R(RAX, 0x18)) },
	{ "cbw", WORLD_L64, CODE(0x66, 0x98), R_IN(R(RAX, 0x80)), R_OUT(R(RAX, 0xff80)) },
	{ "cqo", WORLD_L64, CODE(0x48, 0x99), R_IN(R(RAX, 1ull << 63)), R_OUT(R(RDX, ~0ull)) },
	{ "xlat", WORLD_L64, CODE(0xd7), R_IN(R(RAX, 0x105), R(RBX, 0x2000)),
	  M_IN(M(0x2005, 1, 0x42)), R_OUT(R(RAX, 0x142)) },
	{ "setg", WORLD_L64, CODE(0x0f, 0x9f, 0x03), R_IN(R(RBX, 0x2000)), .fl_in = SF | OF,
	  M_OUT(M(0x2000, 1, 1)) },
	{ "cmov not taken still clears the upper half", WORLD_L64, CODE(0x0f, 0x44, 0x03),
	  R_IN(R(RAX, ~0ull), R(RBX, 0x2000)), R_OUT(R(RAX, 0xffffffff)) },
	{ "cmov not taken still faults", WORLD_L64, CODE(0x0f, 0x44, 0x03), R_IN(R(RBX, 0x2000)),
	  .page = 2, .page_flags = 0, PAGE_FAULT(0, 0x2000) },
	{ "lahf", WORLD_L64, CODE(0x9f), .fl_in = SF | CF, R_OUT(R(RAX, 0x8300)) },
	{ "sahf", WORLD_L64, CODE(0x9e), R_IN(R(RAX, 0x4100)), FL(ARITH & ~OF, ZF | CF) },

	/* Arithmetic on memory. */
	{ "add [rbx],eax", WORLD_L64, CODE(0x01, 0x03), R_IN(R(RAX, 1), R(RBX, 0x2000)),
	  M_IN(M(0x2000, 4, 0xffffffff)), M_OUT(M(0x2000, 4, 0)), FL(ARITH, CF | PF | AF | ZF) },
	{ "adc al,[rbx]", WORLD_L64, CODE(0x12, 0x03), R_IN(R(RAX, 0x7f), R(RBX, 0x2000)),
	  .fl_in = CF, R_OUT(R(RAX, 0x80)), FL(ARITH, AF | SF | OF) },
	{ "sbb word [rbx],imm8", WORLD_L64, CODE(0x66, 0x83, 0x1b, 0xff), R_IN(R(RBX, 0x2000)),
	  .fl_in = CF, M_IN(M(0x2000, 2, 0)), FL(ARITH, CF | PF | AF | ZF) },
	{ "cmp does not write", WORLD_L64, CODE(0x38, 0x03), R_IN(R(RAX, 2), R(RBX, 0x2000)),
	  M_IN(M(0x2000, 1, 1)), .page = 2, .page_flags = WORLD_P, FL(ARITH, CF | PF | AF | SF) },
	{ "and writes, so it needs a writable page", WORLD_L64, CODE(0x20, 0x03),
	  R_IN(R(RBX, 0x2000)), .page = 2, .page_flags = WORLD_P, PAGE_FAULT(3, 0x2000) },
	{ "inc keeps carry", WORLD_L64, CODE(0xfe, 0x03), R_IN(R(RBX, 0x2000)), .fl_in = CF,
	  M_IN(M(0x2000, 1, 0x7f)), M_OUT(M(0x2000, 1, 0x80)), FL(ARITH, CF | AF | SF | OF) },
	{ "neg", WORLD_L64, CODE(0xf7, 0x1b), R_IN(R(RBX, 0x2000)), M_IN(M(0x2000, 4, 1)),
	  M_OUT(M(0x2000, 4, 0xffffffff)), FL(ARITH, CF | PF | AF | SF) },
	{ "not changes no flag", WORLD_L64, CODE(0xf6, 0x13), R_IN(R(RBX, 0x2000)),
	  .fl_in = ARITH, M_OUT(M(0x2000, 1, 0xff)) },
	{ "mul byte", WORLD_L64, CODE(0xf6, 0x23), R_IN(R(RAX, 0x10), R(RBX, 0x2000)),
	  M_IN(M(0x2000, 1, 0x20)), R_OUT(R(RAX, 0x200)), FL(CF | OF, CF | OF) },
	{ "imul 64 to 128", WORLD_L64, CODE(0x48, 0xf7, 0x2b),
	  R_IN(R(RAX, ~0ull), R(RDX, 5), R(RBX, 0x2000)), M_IN(M(0x2000, 8, 2)),
	  R_OUT(R(RAX, ~1ull), R(RDX, ~0ull)) },
	{ "div 128 by 64", WORLD_L64, CODE(0x48, 0xf7, 0x33),
	  R_IN(R(RAX, 5), R(RDX, 1), R(RBX, 0x2000)), M_IN(M(0x2000, 8, 1ull << 63)),
	  R_OUT(R(RAX, 2), R(RDX, 5)) },
	{ "div overflow", WORLD_L64, CODE(0xf7, 0x33), R_IN(R(RDX, 2), R(RBX, 0x2000)),
	  M_IN(M(0x2000, 4, 2)), FAULT(0) },
	{ "idiv by zero", WORLD_L64, CODE(0xf7, 0x3b), R_IN(R(RBX, 0x2000)), FAULT(0) },
	{ "idiv of the most negative by -1", WORLD_L64, CODE(0xf7, 0x3b),
	  R_IN(R(RAX, 0x80000000), R(RDX, 0xffffffff), R(RBX, 0x2000)),
	  M_IN(M(0x2000, 4, 0xffffffff)), FAULT(0) },
	{ "idiv truncates towards zero", WORLD_L64, CODE(0xf7, 0x3b),
	  R_IN(R(RAX, 0xfffffff9), R(RDX, 0xffffffff), R(RBX, 0x2000)), M_IN(M(0x2000, 4, 2)),
	  R_OUT(R(RAX, 0xfffffffd), R(RDX, 0xffffffff)) },
	{ "shl by cl, masked", WORLD_L64, CODE(0xd3, 0x23), R_IN(R(RCX, 0x21), R(RBX, 0x2000)),
	  M_IN(M(0x2000, 4, 0x80000001)), M_OUT(M(0x2000, 4, 2)), FL(ARITH & ~AF, CF | OF) },
	{ "shift by 0 changes no flag", WORLD_L64, CODE(0xd3, 0x23), R_IN(R(RCX, 0x20),
	  R(RBX, 0x2000)), .fl_in = ARITH },
	{ "sar", WORLD_L64, CODE(0xd0, 0x3b), R_IN(R(RBX, 0x2000)), M_IN(M(0x2000, 1, 0x81)),
	  M_OUT(M(0x2000, 1, 0xc0)), FL(ARITH & ~AF, CF | PF | SF) },
	{ "rcl through carry", WORLD_L64, CODE(0xd0, 0x13), R_IN(R(RBX, 0x2000)), .fl_in = CF,
	  M_IN(M(0x2000, 1, 0x80)), M_OUT(M(0x2000, 1, 1)), FL(CF | OF, CF | OF) },
	{ "rcr 9 times a byte is the identity", WORLD_L64, CODE(0xd2, 0x1b),
	  R_IN(R(RCX, 9), R(RBX, 0x2000)), .fl_in = CF, M_IN(M(0x2000, 1, 0x5a)),
	  FL(CF | OF, CF | OF) },
	{ "shrd", WORLD_L64, CODE(0x0f, 0xac, 0x03, 4), R_IN(R(RAX, 0xf), R(RBX, 0x2000)),
	  M_IN(M(0x2000, 4, 0x12345678)), M_OUT(M(0x2000, 4, 0xf1234567)),
	  FL(CF | ZF | SF | PF, CF | SF) },
	{ "xchg", WORLD_L64, CODE(0x87, 0x03), R_IN(R(RAX, 1), R(RBX, 0x2000)),
	  M_IN(M(0x2000, 4, 2)), M_OUT(M(0x2000, 4, 1)), R_OUT(R(RAX, 2)) },
	{ "cmpxchg equal", WORLD_L64, CODE(0xf0, 0x0f, 0xb1, 0x0b),
	  R_IN(R(RAX, 5), R(RCX, 6), R(RBX, 0x2000)), M_IN(M(0x2000, 4, 5)),
	  M_OUT(M(0x2000, 4, 6)), FL(ARITH, ZF | PF) },
	{ "cmpxchg different", WORLD_L64, CODE(0xf0, 0x0f, 0xb1, 0x0b),
	  R_IN(R(RAX, 5), R(RCX, 6), R(RBX, 0x2000)), M_IN(M(0x2000, 4, 7)), R_OUT(R(RAX, 7)),
	  FL(ARITH, CF | AF | SF) },
	{ "cmpxchg different still needs a writable page", WORLD_L64, CODE(0x0f, 0xb1, 0x0b),
	  R_IN(R(RAX, 5), R(RBX, 0x2000)), .page = 2, .page_flags = WORLD_P,
	  PAGE_FAULT(3, 0x2000) },
	{ "cmpxchg8b", WORLD_P32, CODE(0x0f, 0xc7, 0x0e),
	  R_IN(R(RAX, 1), R(RDX, 2), R(RBX, 3), R(RCX, 4), R(RSI, 0x2000)),
	  M_IN(M(0x2000, 8, 0x200000001)), M_OUT(M(0x2000, 8, 0x400000003)), FL(ZF, ZF) },
	{ "cmpxchg16b different", WORLD_L64, CODE(0xf0, 0x48, 0x0f, 0xc7, 0x0e),
	  R_IN(R(RAX, 1), R(RSI, 0x2000)), M_IN(M(0x2000, 8, 9), M(0x2008, 8, 8)),
	  R_OUT(R(RAX, 9), R(RDX, 8)), FL(ZF, 0) },
	{ "cmpxchg16b misaligned", WORLD_L64, CODE(0x48, 0x0f, 0xc7, 0x0e), R_IN(R(RSI, 0x2008)),
	  FAULT(13) },
	{ "cmpxchg16b without the feature", WORLD_L64, CODE(0x48, 0x0f, 0xc7, 0x0e),
	  .no_feature = 1 + EMUL_FEAT_CX16, FAULT(6) },
	{ "xadd", WORLD_L64, CODE(0xf0, 0x0f, 0xc1, 0x03), R_IN(R(RAX, 3), R(RBX, 0x2000)),
	  M_IN(M(0x2000, 4, 4)), M_OUT(M(0x2000, 4, 7)), R_OUT(R(RAX, 4)), FL(ARITH, 0) },
	{ "bt beyond the operand", WORLD_L64, CODE(0x0f, 0xa3, 0x03), R_IN(R(RAX, 100),
	  R(RBX, 0x2000)), M_IN(M(0x200c, 4, 0x10)), FL(CF, CF) },
	{ "bts before the operand", WORLD_L64, CODE(0xf0, 0x0f, 0xab, 0x03),
	  R_IN(R(RAX, 0xffffffff), R(RBX, 0x2000)), M_OUT(M(0x1ffc, 4, 0x80000000)), FL(CF, 0) },
	{ "btc imm8 stays in the operand", WORLD_L64, CODE(0x0f, 0xba, 0x3b, 0x21),
	  R_IN(R(RBX, 0x2000)), M_IN(M(0x2000, 4, 2)), M_OUT(M(0x2000, 4, 0)), FL(CF, CF) },
	{ "bsf of zero keeps the register", WORLD_L64, CODE(0x0f, 0xbc, 0x03),
	  R_IN(R(RAX, ~0ull), R(RBX, 0x2000)), FL(ZF, ZF) },
	{ "tzcnt of zero", WORLD_L64, CODE(0xf3, 0x0f, 0xbc, 0x03), R_IN(R(RAX, ~0ull),
	  R(RBX, 0x2000)), R_OUT(R(RAX, 32)), FL(CF | ZF, CF) },
	{ "tzcnt without the feature is bsf", WORLD_L64, CODE(0xf3, 0x0f, 0xbc, 0x03),
	  R_IN(R(RBX, 0x2000)), M_IN(M(0x2000, 4, 8)), .no_feature = 1 + EMUL_FEAT_BMI1,
	  R_OUT(R(RAX, 3)), FL(ZF, 0) },
	{ "lzcnt", WORLD_L64, CODE(0xf3, 0x0f, 0xbd, 0x03), R_IN(R(RBX, 0x2000)),
	  M_IN(M(0x2000, 4, 8)), R_OUT(R(RAX, 28)), FL(CF | ZF, 0) },
	{ "popcnt", WORLD_L64, CODE(0xf3, 0x0f, 0xb8, 0x03), R_IN(R(RBX, 0x2000)),
	  M_IN(M(0x2000, 4, 0xf0f0)), R_OUT(R(RAX, 8)), .fl_in = ARITH, FL(ARITH, 0) },
	{ "daa", WORLD_P32, CODE(0x27), R_IN(R(RAX, 0x9a)), R_OUT(R(RAX, 0)),
	  FL(ARITH & ~OF, CF | PF | AF | ZF) },
	{ "aam", WORLD_P32, CODE(0xd4, 10), R_IN(R(RAX, 0x3f)), R_OUT(R(RAX, 0x603)),
	  FL(SF | ZF | PF, PF) },
	{ "aam 0", WORLD_P32, CODE(0xd4, 0), FAULT(0) },
	{ "bound within", WORLD_P32, CODE(0x62, 0x03), R_IN(R(RAX, 5), R(RBX, 0x2000)),
	  M_IN(M(0x2000, 8, 0x500000001)) },
	{ "bound beyond", WORLD_P32, CODE(0x62, 0x03), R_IN(R(RAX, 6), R(RBX, 0x2000)),
	  M_IN(M(0x2000, 8, 0x500000001)), FAULT(5) },

	/* Page crossing: all or nothing. */
	{ "store across pages", WORLD_L64, CODE(0x48, 0x89, 0x03),
	  R_IN(R(RAX, 0x1122334455667788), R(RBX, 0x2ffd)),
	  M_OUT(M(0x2ffd, 8, 0x1122334455667788)) },
	{ "store across pages, second absent", WORLD_L64, CODE(0x48, 0x89, 0x03),
	  R_IN(R(RAX, 1), R(RBX, 0x2ffd)), .page = 3, .page_flags = 0, PAGE_FAULT(2, 0x3000) },
	{ "user store to a supervisor page", WORLD_L64, CODE(0x89, 0x03), R_IN(R(RBX, 0x2ffe)),
	  .cpl = 3, .page = 3, .page_flags = WORLD_P | WORLD_W, PAGE_FAULT(7, 0x3000) },

	/* Stack. */
	{ "push qword [rbx]", WORLD_L64, CODE(0xff, 0x33), R_IN(R(RBX, 0x2000)),
	  M_IN(M(0x2000, 8, 0x1122334455667788)), R_OUT(R(RSP, 0x3ff8)),
	  M_OUT(M(0x3ff8, 8, 0x1122334455667788)) },
	{ "push imm8", WORLD_L64, CODE(0x6a, 0xff), R_OUT(R(RSP, 0x3ff8)),
	  M_OUT(M(0x3ff8, 8, ~0ull)) },
	{ "push sp pushes the old value", WORLD_REAL, CODE(0x54), R_OUT(R(RSP, 0x3ffe)),
	  M_OUT(M(0x3ffe, 2, 0x4000)) },
	{ "pop [rsp+disp8] uses the new rsp", WORLD_L64, CODE(0x8f, 0x44, 0x24, 0x10),
	  M_IN(M(0x4000, 8, 0x55)), R_OUT(R(RSP, 0x4008)), M_OUT(M(0x4018, 8, 0x55)) },
	{ "pop word [rsp] with REX.W is 8 wide", WORLD_L64, CODE(0x66, 0x48, 0x8f, 0x04, 0x24),
	  M_IN(M(0x4000, 8, 0x55)), R_OUT(R(RSP, 0x4008)), M_OUT(M(0x4008, 8, 0x55)) },
	{ "pop rsp", WORLD_L64, CODE(0x5c), M_IN(M(0x4000, 8, 0x77)), R_OUT(R(RSP, 0x77)) },
	{ "pop to an absent page leaves rsp", WORLD_L64, CODE(0x8f, 0x03), R_IN(R(RBX, 0x2000)),
	  .page = 2, .page_flags = 0, PAGE_FAULT(2, 0x2000) },
	{ "16-bit stack wraps and keeps the upper half", WORLD_P16, CODE(0x50),
	  R_IN(R(RAX, 0x1234), R(RSP, 0x50000)), R_OUT(R(RSP, 0x5fffe)),
	  M_OUT(M(0xfffe, 2, 0x1234)) },
	{ "pusha", WORLD_REAL, CODE(0x60), R_IN(R(RAX, 1), R(RCX, 2), R(RDI, 7)),
	  R_OUT(R(RSP, 0x3ff0)),
	  M_OUT(M(0x3ff0, 8, 7), M(0x3ff8, 8, 0x0001000200000000), M(0x3ff6, 2, 0x4000)) },
	{ "pusha faults on its first push", WORLD_P32, CODE(0x60), R_IN(R(RSP, 0x3004)),
	  .page = 3, .page_flags = 0, PAGE_FAULT(2, 0x3000) },
	{ "popa skips sp", WORLD_REAL, CODE(0x61), R_IN(R(RBP, 9)),
	  M_IN(M(0x4000, 8, 0x0004000300020001), M(0x4008, 8, 0x0008000700060005)),
	  R_OUT(R(RDI, 1), R(RSI, 2), R(RBP, 3), R(RBX, 5), R(RDX, 6), R(RCX, 7), R(RAX, 8),
		R(RSP, 0x4010)) },
	{ "enter 16,0", WORLD_L64, CODE(0xc8, 0x10, 0, 0), R_IN(R(RBP, 0x99)),
	  R_OUT(R(RBP, 0x3ff8), R(RSP, 0x3fe8)), M_OUT(M(0x3ff8, 8, 0x99)) },
	{ "enter sees its own pushes", WORLD_L64, CODE(0xc8, 0, 0, 2), R_IN(R(RBP, 0x4000)),
	  R_OUT(R(RBP, 0x3ff8), R(RSP, 0x3fe8)),
	  M_OUT(M(0x3ff8, 8, 0x4000), M(0x3ff0, 8, 0x4000), M(0x3fe8, 8, 0x3ff8)) },
	{ "leave", WORLD_L64, CODE(0xc9), R_IN(R(RBP, 0x2000)), M_IN(M(0x2000, 8, 0x77)),
	  R_OUT(R(RBP, 0x77), R(RSP, 0x2008)) },
	{ "pushf hides RF", WORLD_P32, CODE(0x9c), .fl_in = X86_EFLAGS_RF | CF,
	  R_OUT(R(RSP, 0x3ffc)), M_OUT(M(0x3ffc, 4, X86_EFLAGS_FIXED | X86_EFLAGS_IF | CF)),
	  FL(X86_EFLAGS_RF, 0) },
	{ "popf at CPL 3 keeps IF and IOPL", WORLD_P32, CODE(0x9d), .cpl = 3,
	  M_IN(M(0x4000, 4, X86_EFLAGS_IOPL | CF)), R_OUT(R(RSP, 0x4004)), FL(CF, CF) },
	{ "pushf in virtual-8086 mode below IOPL 3", WORLD_VM86, CODE(0x9c), FAULT(13) },

	/* Near branches. */
	{ "call rel32", WORLD_L64, CODE(0xe8, 0xfb, 0x0f, 0, 0), R_OUT(R(RSP, 0x3ff8)),
	  M_OUT(M(0x3ff8, 8, 0x1005)), .rip = 0x2000 },
	{ "call [rbx]", WORLD_L64, CODE(0xff, 0x13), R_IN(R(RBX, 0x2000)),
	  M_IN(M(0x2000, 8, 0x3456)),
	  R_OUT(R(RSP, 0x3ff8)), M_OUT(M(0x3ff8, 8, 0x1002)), .rip = 0x3456 },
	{ "call to a non-canonical address", WORLD_L64, CODE(0xff, 0xd3),
	  R_IN(R(RBX, 0x8000000000000000)), FAULT(13) },
	{ "the same with an absent stack", WORLD_L64, CODE(0xff, 0xd3),
	  R_IN(R(RBX, 0x8000000000000000)), .page = 3, .page_flags = 0, PAGE_FAULT(2, 0x3ff8) },
	{ "ret imm16", WORLD_L64, CODE(0xc2, 8, 0), M_IN(M(0x4000, 8, 0x2000)),
	  R_OUT(R(RSP, 0x4010)), .rip = 0x2000 },
	{ "jz taken, 16 bits wrap", WORLD_REAL, CODE(0x74, 0x80), .fl_in = ZF, .rip = 0xf82 },
	{ "jz not taken", WORLD_REAL, CODE(0x74, 0x80) },
	{ "jmp beyond the limit", WORLD_P16, CODE(0x66, 0xe9, 0, 0, 1, 0), FAULT(13) },
	{ "loop counts ECX with 67", WORLD_L64, CODE(0x67, 0xe2, 0x10), R_IN(R(RCX, 0x100000001)),
	  R_OUT(R(RCX, 0)) },
	{ "jrcxz", WORLD_L64, CODE(0xe3, 0x10), .rip = 0x1012 },
	{ "int 0x21 in real mode", WORLD_REAL, CODE(0xcd, 0x21), .fl_in = CF,
	  M_IN(M(0x84, 4, 0x02005000)), R_OUT(R(RSP, 0x3ffa)),
	  M_OUT(M(0x3ffa, 4, 0x1002), M(0x3ffe, 2, X86_EFLAGS_FIXED | X86_EFLAGS_IF | CF)),
	  FL(X86_EFLAGS_IF, 0), .rip = 0x5000 },

	/* Legality of encodings. */
	{ "lock mov", WORLD_L64, CODE(0xf0, 0x89, 0x03), FAULT(6) },
	{ "lock add to a register", WORLD_L64, CODE(0xf0, 0x01, 0xc3), FAULT(6) },
	{ "lock cmp", WORLD_L64, CODE(0xf0, 0x39, 0x03), FAULT(6) },
	{ "push es in 64-bit mode", WORLD_L64, CODE(0x06), FAULT(6) },
	{ "prefetch of a register", WORLD_L64, CODE(0x0f, 0x0d, 0xc3), FAULT(6) },
	{ "lea of a register", WORLD_L64, CODE(0x8d, 0xc0), FAULT(6) },
	{ "ud2", WORLD_L64, CODE(0x0f, 0x0b), FAULT(6) },
	{ "sldt in real mode", WORLD_REAL, CODE(0x0f, 0x00, 0xc0), FAULT(6) },
	{ "sixteen bytes", WORLD_L64, CODE(0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
	  0x66, 0x66, 0x66, 0x66, 0x66, 0x66), FAULT(13) },
	{ "mov dr9 is UD even at CPL 3", WORLD_L64, CODE(0x44, 0x0f, 0x23, 0xc8), .cpl = 3,
	  FAULT(6) },
	{ "mov dr6 at CPL 3", WORLD_L64, CODE(0x0f, 0x23, 0xf0), .cpl = 3, FAULT(13) },
	{ "mov dr4 with CR4.DE", WORLD_L64, CODE(0x0f, 0x23, 0xe0), .cr4 = X86_CR4_DE, FAULT(6) },
	{ "hlt at CPL 3", WORLD_P32, CODE(0xf4), .cpl = 3, FAULT(13) },
	{ "cli at CPL 3", WORLD_P32, CODE(0xfa), .cpl = 3, FAULT(13) },
	{ "smsw at CPL 3 with UMIP", WORLD_L64, CODE(0x0f, 0x01, 0xe0), .cpl = 3,
	  .cr4 = X86_CR4_UMIP, FAULT(13) },

	/* Segmentation, canonical addresses, alignment. */
	{ "beyond the limit", WORLD_REAL, CODE(0x89, 0x07), R_IN(R(RBX, 0xffff)), FAULT(13) },
	{ "beyond the stack's limit", WORLD_P16, CODE(0x89, 0x46, 0), R_IN(R(RBP, 0xffff)),
	  FAULT(12) },
	{ "segment override", WORLD_P16, CODE(0x36, 0x89, 0x07), R_IN(R(RBX, 0xffff)), FAULT(12) },
	{ "not canonical", WORLD_L64, CODE(0x88, 0x03), R_IN(R(RBX, 0x800000000000)), FAULT(13) },
	{ "not canonical, by rbp", WORLD_L64, CODE(0x88, 0x45, 0), R_IN(R(RBP, 0x800000000000)),
	  FAULT(12) },
	{ "movaps misaligned on a non-canonical stack", WORLD_L64, CODE(0x0f, 0x28, 0x04, 0x24),
	  R_IN(R(RSP, 0x800000000001)), FAULT(13) },
	{ "AC", WORLD_L64, CODE(0x89, 0x03), R_IN(R(RBX, 0x2002)), ENABLE_AC, FAULT(17) },
	{ "AC comes before PF", WORLD_L64, CODE(0x89, 0x03), R_IN(R(RBX, 0x2002)), ENABLE_AC,
	  .page = 2, .page_flags = 0, FAULT(17) },
	{ "no AC for the supervisor", WORLD_L64, CODE(0x89, 0x03), R_IN(R(RBX, 0x2002)),
	  .cr0 = X86_CR0_AM, .fl_in = X86_EFLAGS_AC },
	{ "AC of a 16-byte move", WORLD_L64, CODE(0x0f, 0x10, 0x03), R_IN(R(RBX, 0x2008)),
	  ENABLE_AC, FAULT(17) },
	{ "AC of a 32-byte move looks at 16", WORLD_L64, CODE(0xc5, 0xfe, 0x6f, 0x03),
	  R_IN(R(RBX, 0x2010)), ENABLE_AC },
	{ "AC of pusha looks at each push", WORLD_P16, CODE(0x60), R_IN(R(RSP, 0x4002)), ENABLE_AC,
	  R_OUT(R(RSP, 0x3ff2)), M_OUT(M(0x3ff8, 2, 0x4002)) },
	{ "AC of the stack that enter leaves", WORLD_L64, CODE(0xc8, 1, 0, 0), ENABLE_AC,
	  FAULT(17) },

	/* System instructions. */
	{ "smsw", WORLD_L64, CODE(0x0f, 0x01, 0x23), R_IN(R(RBX, 0x2000)),
	  M_OUT(M(0x2000, 2, 0x31)) },
	{ "sidt in 64-bit mode", WORLD_L64, CODE(0x0f, 0x01, 0x0b), R_IN(R(RBX, 0x2000)),
	  M_OUT(M(0x2000, 2, 0x3ff)) },
	{ "rdtsc", WORLD_L64, CODE(0x0f, 0x31), R_OUT(R(RAX, 0x56789abc), R(RDX, 0x1234)) },
	{ "rdtsc with CR4.TSD", WORLD_L64, CODE(0x0f, 0x31), .cpl = 3, .cr4 = X86_CR4_TSD,
	  FAULT(13) },
	{ "cpuid", WORLD_L64, CODE(0x0f, 0xa2), R_IN(R(RAX, ~0ull), R(RCX, 7)),
	  R_OUT(R(RAX, 3), R(RBX, 0), R(RCX, 4), R(RDX, 9)) },
	{ "rdmsr of none", WORLD_L64, CODE(0x0f, 0x32), R_IN(R(RCX, 0x10)), FAULT(13) },
	{ "clts", WORLD_L64, CODE(0x0f, 0x06), .cr0 = 0 },
	{ "sti at IOPL 3", WORLD_P32, CODE(0xfb), .cpl = 3, .fl_in = X86_EFLAGS_IOPL,
	  FL(X86_EFLAGS_IF, X86_EFLAGS_IF) },
	{ "hlt", WORLD_L64, CODE(0xf4), .status = EMUL_HALTED },

	/* Vector moves: what does not fit the table's registers is in a test below. */
	{ "movdqu store", WORLD_L64, CODE(0xf3, 0x0f, 0x7f, 0x0b), R_IN(R(RBX, 0x2003)),
	  M_OUT(M(0x2003, 8, 0x1716151413121110), M(0x200b, 8, 0x1f1e1d1c1b1a1918)) },
	{ "movhps store", WORLD_L64, CODE(0x0f, 0x17, 0x0b), R_IN(R(RBX, 0x2000)),
	  M_OUT(M(0x2000, 8, 0x1f1e1d1c1b1a1918)) },
	{ "movd store", WORLD_L64, CODE(0x66, 0x0f, 0x7e, 0x0b), R_IN(R(RBX, 0x2000)),
	  M_OUT(M(0x2000, 4, 0x13121110)) },
	{ "movq to a register", WORLD_L64, CODE(0x66, 0x48, 0x0f, 0x7e, 0xcb),
	  R_OUT(R(RBX, 0x1716151413121110)) },
	{ "movntdq misaligned", WORLD_L64, CODE(0x66, 0x0f, 0xe7, 0x0b), R_IN(R(RBX, 0x2008)),
	  FAULT(13) },
	{ "movntdq to a register", WORLD_L64, CODE(0x66, 0x0f, 0xe7, 0xcb), FAULT(6) },
	{ "vmovaps ymm misaligned", WORLD_L64, CODE(0xc5, 0xfc, 0x29, 0x0b), R_IN(R(RBX, 0x2010)),
	  FAULT(13) },
	{ "sse with CR0.TS", WORLD_L64, CODE(0x0f, 0x11, 0x0b), .cr0 = X86_CR0_TS, FAULT(7) },
	{ "sse with CR0.EM", WORLD_L64, CODE(0x0f, 0x11, 0x0b), .cr0 = X86_CR0_EM, FAULT(6) },
	{ "vex.vvvv of a two-operand move", WORLD_L64, CODE(0xc5, 0xf0, 0x11, 0x0b), FAULT(6) },
	{ "vex.vvvv[3] counts in 32-bit mode too", WORLD_P32, CODE(0xc4, 0xe1, 0x38, 0x11, 0x0b),
	  FAULT(6) },
	{ "vex.L of movlps", WORLD_L64, CODE(0xc5, 0xfc, 0x13, 0x0b), FAULT(6) },
	{ "vex in real mode is lds", WORLD_REAL, CODE(0xc5, 0xf8), FAULT(6) },
	{ "addps is beyond the emulator", WORLD_L64, CODE(0x0f, 0x58, 0x03),
	  .status = EMUL_FAILED },
};

static void exec_table(struct kunit *test)
{
	emul_case_run(test, test->param_value);
}

KUNIT_ARRAY_PARAM(exec, cases, emul_case_desc);

static struct emul_world *new_world(struct kunit *test, enum world_mode mode)
{
	struct emul_world *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, w);
	world_init(w, mode);
	return w;
}

#define RUN(_w, ...)	world_run(_w, (const u8[]){ __VA_ARGS__ }, sizeof((u8[]){ __VA_ARGS__ }))

/* SSE leaves the upper half of a ymm register alone, VEX clears it. */
static void vector_upper_half(struct kunit *test)
{
	struct emul_world *w = new_world(test, WORLD_L64);
	unsigned int i;

	for (i = 0; i < 32; i++)
		w->ram[0x2000 + i] = 0x40 + i;
	memset(w->vec, 0xee, sizeof(w->vec));
	w->gpr[EMUL_RBX] = 0x2000;
	KUNIT_EXPECT_EQ(test, RUN(w, 0x0f, 0x28, 0x13), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, w->vec[2][15], 0x4f);
	KUNIT_EXPECT_EQ(test, w->vec[2][16], 0xee);
	KUNIT_EXPECT_EQ(test, RUN(w, 0xc5, 0xf8, 0x28, 0x1b), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, w->vec[3][15], 0x4f);
	KUNIT_EXPECT_EQ(test, w->vec[3][16], 0);
	KUNIT_EXPECT_EQ(test, RUN(w, 0xc5, 0xfc, 0x28, 0x23), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, w->vec[4][31], 0x5f);
	/* movss from memory clears the rest of xmm, between registers it does not. */
	KUNIT_EXPECT_EQ(test, RUN(w, 0xf3, 0x0f, 0x10, 0x2b), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, w->vec[5][3], 0x43);
	KUNIT_EXPECT_EQ(test, w->vec[5][4], 0);
	KUNIT_EXPECT_EQ(test, RUN(w, 0xf3, 0x0f, 0x10, 0xf2), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, w->vec[6][3], 0x43);
	KUNIT_EXPECT_EQ(test, w->vec[6][4], 0xee);
	/* vmovhps takes the lower half from vvvv (xmm4). */
	KUNIT_EXPECT_EQ(test, RUN(w, 0xc5, 0xd8, 0x16, 0x3b), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, w->vec[7][0], 0x40);
	KUNIT_EXPECT_EQ(test, w->vec[7][8], 0x40);
	KUNIT_EXPECT_EQ(test, w->vec[7][16], 0);
}

static void put_descriptor(struct emul_world *w, unsigned int sel, u64 base, u32 limit,
			   u8 access, u8 flags)
{
	u64 d = (limit & 0xffff) | (base & 0xffffff) << 16 | (u64)access << 40 |
		(u64)((limit >> 16) & 15) << 48 | (u64)flags << 52 | (base >> 24 & 0xff) << 56;

	world_put(w, w->gdt.base + (sel & ~7), d, 8);
}

static void load_data_segment(struct kunit *test)
{
	struct emul_world *w = new_world(test, WORLD_P32);

	put_descriptor(w, 0x50, 0x2000, 0xfff, 0x92, 4);	/* data, not yet accessed */
	w->gpr[EMUL_RAX] = 0x50;
	KUNIT_EXPECT_EQ(test, RUN(w, 0x8e, 0xd8), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, w->seg[EMUL_DS].base, 0x2000);
	KUNIT_EXPECT_EQ(test, w->seg[EMUL_DS].limit, 0xfff);
	KUNIT_EXPECT_EQ(test, w->seg[EMUL_DS].type, 3);
	KUNIT_EXPECT_EQ(test, w->ram[0x7000 + 0x55], 0x93);	/* accessed */
	KUNIT_EXPECT_EQ(test, w->shadow, EMUL_SHADOW_NONE);
	/* Beyond the table, not present, execute-only: each with its own vector. */
	w->gpr[EMUL_RAX] = 0x100;
	KUNIT_EXPECT_EQ(test, RUN(w, 0x8e, 0xd8), EMUL_EXCEPTION);
	KUNIT_EXPECT_EQ(test, w->c.exception.vector, 13);
	KUNIT_EXPECT_EQ(test, w->c.exception.error_code, 0x100);
	put_descriptor(w, 0x58, 0, 0xfff, 0x12, 4);
	w->gpr[EMUL_RAX] = 0x58;
	KUNIT_EXPECT_EQ(test, RUN(w, 0x8e, 0xd8), EMUL_EXCEPTION);
	KUNIT_EXPECT_EQ(test, w->c.exception.vector, 11);
	KUNIT_EXPECT_EQ(test, RUN(w, 0x8e, 0xd0), EMUL_EXCEPTION);
	KUNIT_EXPECT_EQ(test, w->c.exception.vector, 12);
	put_descriptor(w, 0x58, 0, 0xfff, 0x98, 4);
	KUNIT_EXPECT_EQ(test, RUN(w, 0x8e, 0xd8), EMUL_EXCEPTION);
	KUNIT_EXPECT_EQ(test, w->c.exception.vector, 13);
	KUNIT_EXPECT_EQ(test, w->seg[EMUL_DS].selector, 0x50);
	/* A null selector may be loaded, but not used. */
	w->gpr[EMUL_RAX] = 3;
	KUNIT_EXPECT_EQ(test, RUN(w, 0x8e, 0xd8), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, RUN(w, 0x88, 0x03), EMUL_EXCEPTION);
	KUNIT_EXPECT_EQ(test, w->c.exception.vector, 13);
	KUNIT_EXPECT_EQ(test, RUN(w, 0x8e, 0xd0), EMUL_EXCEPTION);
	KUNIT_EXPECT_EQ(test, w->c.exception.vector, 13);
}

static void segment_types(struct kunit *test)
{
	struct emul_world *w = new_world(test, WORLD_P32);

	w->gpr[EMUL_RBX] = 0x2000;
	w->seg[EMUL_DS].type = 1;		/* read-only */
	KUNIT_EXPECT_EQ(test, RUN(w, 0x8a, 0x03), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, RUN(w, 0x88, 0x03), EMUL_EXCEPTION);
	w->seg[EMUL_CS].type = 9;		/* execute-only */
	KUNIT_EXPECT_EQ(test, RUN(w, 0x2e, 0x8a, 0x03), EMUL_EXCEPTION);
	w->seg[EMUL_DS].type = 7;		/* expand-down: valid above the limit */
	w->seg[EMUL_DS].limit = 0x1fff;
	KUNIT_EXPECT_EQ(test, RUN(w, 0x88, 0x03), EMUL_DONE);
	w->gpr[EMUL_RBX] = 0x1fff;
	KUNIT_EXPECT_EQ(test, RUN(w, 0x88, 0x03), EMUL_EXCEPTION);
	KUNIT_EXPECT_EQ(test, w->c.exception.vector, 13);
}

static void far_branches(struct kunit *test)
{
	struct emul_world *w = new_world(test, WORLD_REAL);

	KUNIT_EXPECT_EQ(test, RUN(w, 0xea, 0x34, 0x12, 0x00, 0xf0), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, w->rip, 0x1234);
	KUNIT_EXPECT_EQ(test, w->seg[EMUL_CS].base, 0xf0000);
	world_init(w, WORLD_REAL);
	KUNIT_EXPECT_EQ(test, RUN(w, 0x9a, 0x34, 0x12, 0x00, 0x01), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, world_get(w, 0x3ffc, 4), 0x1005);
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RSP], 0x3ffc);
	/* Protected mode: conforming rules, then a data segment is refused. */
	world_init(w, WORLD_P32);
	put_descriptor(w, 0x50, 0x100, 0xffff, 0x9a, 4);
	KUNIT_EXPECT_EQ(test, RUN(w, 0xea, 0x00, 0x20, 0, 0, 0x50, 0), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, w->rip, 0x2000);
	KUNIT_EXPECT_EQ(test, w->seg[EMUL_CS].base, 0x100);
	world_init(w, WORLD_P32);
	put_descriptor(w, 0x50, 0, 0xffff, 0x92, 4);
	KUNIT_EXPECT_EQ(test, RUN(w, 0xea, 0x00, 0x20, 0, 0, 0x50, 0), EMUL_EXCEPTION);
	KUNIT_EXPECT_EQ(test, w->c.exception.error_code, 0x50);
	/* A target beyond the new segment's limit leaves the old one loaded. */
	put_descriptor(w, 0x50, 0, 0xfff, 0x9a, 4);
	KUNIT_EXPECT_EQ(test, RUN(w, 0xea, 0x00, 0x20, 0, 0, 0x50, 0), EMUL_EXCEPTION);
	KUNIT_EXPECT_EQ(test, w->c.exception.error_code, 0);
	KUNIT_EXPECT_EQ(test, w->seg[EMUL_CS].selector, 0x10);
	KUNIT_EXPECT_EQ(test, w->rip, WORLD_CODE);
	/* Out of 64-bit mode, with more on the stack than the other mode's RIP holds. */
	world_init(w, WORLD_L64);
	put_descriptor(w, 0x50, 0, 0xfffff, 0x9a, 0xc);
	world_put(w, w->gpr[EMUL_RSP], 0x500002000, 8);
	world_put(w, w->gpr[EMUL_RSP] + 8, 0x50, 8);
	KUNIT_EXPECT_EQ(test, RUN(w, 0x48, 0xcb), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, w->seg[EMUL_CS].selector, 0x50);
	KUNIT_EXPECT_EQ(test, w->rip, 0x2000);
}

/* STI and loads of SS hold off interrupts for one instruction; TF traps after it. */
static void shadow_and_step(struct kunit *test)
{
	struct emul_world *w = new_world(test, WORLD_REAL);

	w->rflags = X86_EFLAGS_FIXED;
	KUNIT_EXPECT_EQ(test, RUN(w, 0xfb), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, w->shadow, EMUL_SHADOW_STI);
	KUNIT_EXPECT_EQ(test, RUN(w, 0xfb), EMUL_DONE);	/* IF was set: no shadow */
	KUNIT_EXPECT_EQ(test, w->shadow, EMUL_SHADOW_NONE);
	w->rflags |= X86_EFLAGS_TF;
	KUNIT_EXPECT_EQ(test, RUN(w, 0x8e, 0xd0), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, w->shadow, EMUL_SHADOW_MOV_SS);
	KUNIT_EXPECT_EQ(test, w->steps, 0);
	KUNIT_EXPECT_EQ(test, RUN(w, 0x90), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, w->shadow, EMUL_SHADOW_NONE);
	KUNIT_EXPECT_EQ(test, w->steps, 1);
	/* A faulting instruction does not trap. */
	KUNIT_EXPECT_EQ(test, RUN(w, 0x0f, 0x0b), EMUL_EXCEPTION);
	KUNIT_EXPECT_EQ(test, w->steps, 1);
}

static void system_registers(struct kunit *test)
{
	struct emul_world *w = new_world(test, WORLD_L64);

	w->gpr[EMUL_RAX] = 0x80000011;
	KUNIT_EXPECT_EQ(test, RUN(w, 0x0f, 0x22, 0xc0), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, w->cr[0], 0x80000011);
	w->gpr[EMUL_RAX] = 1ull << 40;		/* refused by the environment */
	KUNIT_EXPECT_EQ(test, RUN(w, 0x0f, 0x22, 0xc0), EMUL_EXCEPTION);
	KUNIT_EXPECT_EQ(test, w->c.exception.vector, 13);
	KUNIT_EXPECT_EQ(test, w->rip, WORLD_CODE);
	w->gpr[EMUL_R9] = 5;
	KUNIT_EXPECT_EQ(test, RUN(w, 0x45, 0x0f, 0x22, 0xc1), EMUL_DONE);	/* mov cr8,r9 */
	KUNIT_EXPECT_EQ(test, w->cr[8], 5);
	w->msr_index = 0x174;
	w->gpr[EMUL_RCX] = 0x174;
	w->gpr[EMUL_RAX] = 0xffffffff11111111;
	w->gpr[EMUL_RDX] = 0xffffffff22222222;
	KUNIT_EXPECT_EQ(test, RUN(w, 0x0f, 0x30), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, w->msr_value, 0x2222222211111111);
	w->gpr[EMUL_RBX] = 0x800000000123;	/* INVLPG does not check */
	KUNIT_EXPECT_EQ(test, RUN(w, 0x0f, 0x01, 0x3b), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, w->invlpg_addr, 0x800000000123);
	/* LGDT with a 16-bit operand takes 24 bits of base. */
	world_init(w, WORLD_P32);
	world_put(w, 0x2000, 0xaabbccdd1234, 8);
	w->gpr[EMUL_RBX] = 0x2000;
	KUNIT_EXPECT_EQ(test, RUN(w, 0x66, 0x0f, 0x01, 0x13), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, w->gdt.limit, 0x1234);
	KUNIT_EXPECT_EQ(test, w->gdt.base, 0xbbccdd);
}

static struct kunit_case exec_test_cases[] = {
	KUNIT_CASE_PARAM(exec_table, exec_gen_params),
	KUNIT_CASE(vector_upper_half),
	KUNIT_CASE(load_data_segment),
	KUNIT_CASE(segment_types),
	KUNIT_CASE(far_branches),
	KUNIT_CASE(shadow_and_step),
	KUNIT_CASE(system_registers),
	{}
};

static struct kunit_suite emul_exec_suite = {
	.name = "emul_exec",
	.test_cases = exec_test_cases,
};

kunit_test_suite(emul_exec_suite);
