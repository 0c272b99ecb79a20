// SPDX-License-Identifier: GPL-2.0-only
/*
 * Integer arithmetic and the flags it leaves: pure functions on values, with no
 * access to the context, so that they can be tested against any CPU.
 */
#include "core/emul/internal.h"

static u64 msb(u64 val, unsigned int bytes)
{
	return (val >> (bytes * 8 - 1)) & 1;
}

static void put_flag(u64 *fl, u64 flag, bool set)
{
	*fl = set ? *fl | flag : *fl & ~flag;
}

static void put_szp(u64 *fl, u64 val, unsigned int bytes)
{
	u8 p = val;

	p ^= p >> 4;
	p ^= p >> 2;
	p ^= p >> 1;
	put_flag(fl, X86_EFLAGS_PF, !(p & 1));
	put_flag(fl, X86_EFLAGS_ZF, !(val & emul_mask(bytes)));
	put_flag(fl, X86_EFLAGS_SF, msb(val, bytes));
}

static u64 add(u64 a, u64 b, bool carry, unsigned int bytes, u64 *fl)
{
	u64 r = (a + b + carry) & emul_mask(bytes);

	put_szp(fl, r, bytes);
	put_flag(fl, X86_EFLAGS_CF, msb((a & b) | ((a | b) & ~r), bytes));
	put_flag(fl, X86_EFLAGS_OF, msb((a ^ r) & (b ^ r), bytes));
	put_flag(fl, X86_EFLAGS_AF, (a ^ b ^ r) & 0x10);
	return r;
}

static u64 sub(u64 a, u64 b, bool borrow, unsigned int bytes, u64 *fl)
{
	u64 r = (a - b - borrow) & emul_mask(bytes);

	put_szp(fl, r, bytes);
	put_flag(fl, X86_EFLAGS_CF, msb((~a & b) | ((~a | b) & r), bytes));
	put_flag(fl, X86_EFLAGS_OF, msb((a ^ b) & (a ^ r), bytes));
	put_flag(fl, X86_EFLAGS_AF, (a ^ b ^ r) & 0x10);
	return r;
}

static u64 logic(u64 r, unsigned int bytes, u64 *fl)
{
	put_szp(fl, r, bytes);
	*fl &= ~(u64)(X86_EFLAGS_CF | X86_EFLAGS_OF | X86_EFLAGS_AF);
	return r & emul_mask(bytes);
}

/**
 * emul_alu - add, or, adc, sbb, and, sub, xor, cmp, test, inc, dec, neg
 * @op: the operation, OP_*
 * @a: destination operand, zero extended
 * @b: source operand; its bits above @bytes are ignored
 * @bytes: operand size
 * @fl: flags register, read and updated
 *
 * Source: the instructions' descriptions. AF, undefined after logic operations,
 * becomes 0 as it does on the CPUs of both vendors.
 *
 * Return: the result, zero extended.
 */
u64 emul_alu(unsigned int op, u64 a, u64 b, unsigned int bytes, u64 *fl)
{
	bool carry = *fl & X86_EFLAGS_CF;
	u64 r;

	a &= emul_mask(bytes);
	b &= emul_mask(bytes);
	switch (op) {
	case OP_ADD:
		return add(a, b, false, bytes, fl);
	case OP_ADC:
		return add(a, b, carry, bytes, fl);
	case OP_SBB:
		return sub(a, b, carry, bytes, fl);
	case OP_OR:
		return logic(a | b, bytes, fl);
	case OP_AND:
	case OP_TEST:
		return logic(a & b, bytes, fl);
	case OP_XOR:
		return logic(a ^ b, bytes, fl);
	case OP_INC:
	case OP_DEC:
		r = op == OP_INC ? add(a, 1, false, bytes, fl) : sub(a, 1, false, bytes, fl);
		put_flag(fl, X86_EFLAGS_CF, carry);
		return r;
	case OP_NEG:
		return sub(0, a, false, bytes, fl);
	default:	/* OP_SUB, OP_CMP */
		return sub(a, b, false, bytes, fl);
	}
}

/* Rotate through carry, a bit at a time: the count is at most the size + 1. */
static u64 rotate_carry(bool left, u64 a, unsigned int count, unsigned int bytes, u64 *fl)
{
	unsigned int top = bytes * 8 - 1;
	u64 carry = *fl & X86_EFLAGS_CF, out;

	count %= top + 2;
	while (count--) {
		if (left) {
			out = msb(a, bytes);
			a = ((a << 1) | carry) & emul_mask(bytes);
		} else {
			out = a & 1;
			a = (a >> 1) | (carry << top);
		}
		carry = out;
	}
	put_flag(fl, X86_EFLAGS_CF, carry);
	return a;
}

static u64 rotate(bool left, u64 a, unsigned int count, unsigned int bytes, u64 *fl)
{
	unsigned int bits = bytes * 8;

	count %= bits;
	if (!left)
		count = (bits - count) % bits;
	if (count)
		a = ((a << count) | (a >> (bits - count))) & emul_mask(bytes);
	put_flag(fl, X86_EFLAGS_CF, left ? a & 1 : msb(a, bytes));
	return a;
}

/**
 * emul_shift - rol, ror, rcl, rcr, shl, shr, sar
 * @op: the operation
 * @a: operand, zero extended
 * @count: count as given; masked here
 * @bytes: operand size
 * @fl: flags register, read and updated
 *
 * A masked count of zero changes no flag. OF is computed for every count as the
 * one-bit definition says of the result.
 *
 * Return: the result.
 */
u64 emul_shift(unsigned int op, u64 a, unsigned int count, unsigned int bytes, u64 *fl)
{
	unsigned int bits = bytes * 8;
	u64 r, sign;

	count &= bytes == 8 ? 63 : 31;
	a &= emul_mask(bytes);
	if (!count)
		return a;
	switch (op) {
	case OP_ROL:
	case OP_RCL:
		r = op == OP_ROL ? rotate(true, a, count, bytes, fl) :
				   rotate_carry(true, a, count, bytes, fl);
		put_flag(fl, X86_EFLAGS_OF, msb(r, bytes) ^ !!(*fl & X86_EFLAGS_CF));
		return r;
	case OP_ROR:
	case OP_RCR:
		r = op == OP_ROR ? rotate(false, a, count, bytes, fl) :
				   rotate_carry(false, a, count, bytes, fl);
		put_flag(fl, X86_EFLAGS_OF, msb(r ^ (r << 1), bytes));
		return r;
	case OP_SHR:
		put_flag(fl, X86_EFLAGS_CF, count <= bits && ((a >> (count - 1)) & 1));
		r = count < bits ? a >> count : 0;
		put_flag(fl, X86_EFLAGS_OF, msb(a, bytes));
		break;
	case OP_SAR:
		sign = emul_sign_extend(a, bytes);
		put_flag(fl, X86_EFLAGS_CF, ((s64)sign >> (count - 1)) & 1);
		r = (u64)((s64)sign >> count);
		put_flag(fl, X86_EFLAGS_OF, false);
		break;
	default:	/* OP_SHL, OP_SAL */
		put_flag(fl, X86_EFLAGS_CF, count <= bits && ((a >> (bits - count)) & 1));
		r = count < bits ? a << count : 0;
		put_flag(fl, X86_EFLAGS_OF, msb(r, bytes) ^ !!(*fl & X86_EFLAGS_CF));
		break;
	}
	put_flag(fl, X86_EFLAGS_AF, false);
	put_szp(fl, r, bytes);
	return r & emul_mask(bytes);
}

/**
 * emul_shift_double - shld and shrd
 * @left: SHLD
 * @a: destination operand
 * @b: operand whose bits are shifted in
 * @count: count as given; masked here
 * @bytes: operand size, 2, 4 or 8
 * @fl: flags register, read and updated
 *
 * For 16-bit operands a count above 16 is undefined; the bits then come from
 * @a again, as if the three words stood in a row.
 *
 * Return: the result.
 */
u64 emul_shift_double(bool left, u64 a, u64 b, unsigned int count, unsigned int bytes, u64 *fl)
{
	unsigned int bits = bytes * 8;
	bool carry;
	u64 r;

	count &= bytes == 8 ? 63 : 31;
	a &= emul_mask(bytes);
	b &= emul_mask(bytes);
	if (!count)
		return a;
	if (count > bits) {
		u64 tmp = a;

		a = b;
		b = tmp;
		count -= bits;
	}
	if (left) {
		carry = (a >> (bits - count)) & 1;
		r = count < bits ? (a << count) | (b >> (bits - count)) : b;
	} else {
		carry = (a >> (count - 1)) & 1;
		r = count < bits ? (a >> count) | (b << (bits - count)) : b;
	}
	r &= emul_mask(bytes);
	put_szp(fl, r, bytes);
	put_flag(fl, X86_EFLAGS_CF, carry);
	put_flag(fl, X86_EFLAGS_OF, msb(a ^ r, bytes));
	put_flag(fl, X86_EFLAGS_AF, false);
	return r;
}

/**
 * emul_condition - does a condition code hold
 * @cc: low four bits of Jcc, SETcc, CMOVcc
 * @fl: flags register
 *
 * Return: whether it holds.
 */
bool emul_condition(unsigned int cc, u64 fl)
{
	bool sf = fl & X86_EFLAGS_SF, of = fl & X86_EFLAGS_OF, zf = fl & X86_EFLAGS_ZF;
	bool r;

	switch ((cc >> 1) & 7) {
	case 0:
		r = of;
		break;
	case 1:
		r = fl & X86_EFLAGS_CF;
		break;
	case 2:
		r = zf;
		break;
	case 3:
		r = fl & (X86_EFLAGS_CF | X86_EFLAGS_ZF);
		break;
	case 4:
		r = sf;
		break;
	case 5:
		r = fl & X86_EFLAGS_PF;
		break;
	case 6:
		r = sf != of;
		break;
	default:
		r = zf || sf != of;
		break;
	}
	return r != (cc & 1);
}

/**
 * emul_mul - widening multiplication
 * @is_signed: IMUL
 * @a: first operand
 * @b: second operand
 * @bytes: operand size
 * @lo: receives the low half
 * @hi: receives the high half
 * @fl: flags register; CF and OF say whether the high half matters
 */
void emul_mul(bool is_signed, u64 a, u64 b, unsigned int bytes, u64 *lo, u64 *hi, u64 *fl)
{
	unsigned __int128 p;
	unsigned int bits = bytes * 8;
	bool wide;

	if (is_signed)
		p = (__int128)(s64)emul_sign_extend(a, bytes) *
		    (s64)emul_sign_extend(b, bytes);
	else
		p = (unsigned __int128)(a & emul_mask(bytes)) * (b & emul_mask(bytes));
	*lo = (u64)p & emul_mask(bytes);
	*hi = (u64)(p >> bits) & emul_mask(bytes);
	wide = is_signed ? *hi != (msb(*lo, bytes) ? emul_mask(bytes) : 0) : *hi != 0;
	put_flag(fl, X86_EFLAGS_CF, wide);
	put_flag(fl, X86_EFLAGS_OF, wide);
}

/* 128 by 64 bits, one quotient bit at a time: the kernel links no such routine. */
static bool divide(u64 hi, u64 lo, u64 d, u64 *quot, u64 *rem)
{
	unsigned int i;
	bool carry;

	if (hi >= d)
		return false;
	for (i = 0; i < 64; i++) {
		carry = hi >> 63;
		hi = (hi << 1) | (lo >> 63);
		lo <<= 1;
		if (carry || hi >= d) {
			hi -= d;
			lo |= 1;
		}
	}
	*quot = lo;
	*rem = hi;
	return true;
}

/**
 * emul_div - DIV and IDIV
 * @is_signed: IDIV
 * @lo: low half of the dividend
 * @hi: high half
 * @d: divisor
 * @bytes: size of divisor and of each half
 * @quot: receives the quotient
 * @rem: receives the remainder
 *
 * Return: false for #DE: division by zero, or a quotient that does not fit.
 */
bool emul_div(bool is_signed, u64 lo, u64 hi, u64 d, unsigned int bytes, u64 *quot, u64 *rem)
{
	unsigned __int128 n;
	unsigned int bits = bytes * 8;
	u64 q, r, limit;
	bool neg_n, neg_d;

	d &= emul_mask(bytes);
	neg_n = is_signed && msb(hi, bytes);
	neg_d = is_signed && msb(d, bytes);
	n = ((unsigned __int128)(hi & emul_mask(bytes)) << bits) | (lo & emul_mask(bytes));
	if (neg_n) {
		n = -n;
		if (bits < 64)
			n &= ((unsigned __int128)1 << (2 * bits)) - 1;
	}
	if (neg_d)
		d = -d & emul_mask(bytes);
	if (!divide((u64)(n >> 64), (u64)n, d, &q, &r))
		return false;
	limit = emul_mask(bytes);
	if (is_signed)
		limit = (limit >> 1) + (neg_n != neg_d);
	if (q > limit)
		return false;
	*quot = (neg_n != neg_d ? -q : q) & emul_mask(bytes);
	*rem = (neg_n ? -r : r) & emul_mask(bytes);
	return true;
}

static void decimal_adjust(bool subtract, u64 *ax, u64 *fl)
{
	u8 al = *ax, old = al;
	bool cf = *fl & X86_EFLAGS_CF, carry = false;

	if ((al & 15) > 9 || (*fl & X86_EFLAGS_AF)) {
		carry = cf || (subtract ? al < 6 : al > 0xf9);
		al += subtract ? -6 : 6;
		put_flag(fl, X86_EFLAGS_AF, true);
	} else {
		put_flag(fl, X86_EFLAGS_AF, false);
	}
	if (old > 0x99 || cf) {
		al += subtract ? -0x60 : 0x60;
		carry = true;
	}
	put_flag(fl, X86_EFLAGS_CF, carry);
	put_szp(fl, al, 1);
	*ax = (*ax & ~0xffull) | al;
}

static void ascii_adjust(bool subtract, u64 *ax, u64 *fl)
{
	bool adjust = (*ax & 15) > 9 || (*fl & X86_EFLAGS_AF);
	u16 val = *ax;

	if (adjust) {
		if (subtract)
			val -= 0x106;
		else
			val += 0x106;
	}
	put_flag(fl, X86_EFLAGS_AF, adjust);
	put_flag(fl, X86_EFLAGS_CF, adjust);
	*ax = (*ax & ~0xffffull) | (val & 0xff0f);
}

/**
 * emul_bcd - DAA, DAS, AAA, AAS
 * @op: the operation
 * @ax: the accumulator, read and updated
 * @fl: flags register, read and updated
 */
void emul_bcd(unsigned int op, u64 *ax, u64 *fl)
{
	if (op == OP_DAA || op == OP_DAS)
		decimal_adjust(op == OP_DAS, ax, fl);
	else
		ascii_adjust(op == OP_AAS, ax, fl);
}

/**
 * emul_bit_scan - BSF and BSR
 * @reverse: BSR
 * @src: source operand, zero extended
 * @fl: flags register; ZF says that @src was zero
 *
 * Return: the bit's number; 0 when there is none (the caller keeps its register).
 */
u64 emul_bit_scan(bool reverse, u64 src, u64 *fl)
{
	u64 r = 0;

	put_flag(fl, X86_EFLAGS_ZF, !src);
	if (!src)
		return 0;
	if (reverse) {
		for (r = 63; !(src >> r); r--)
			;
	} else {
		while (!((src >> r) & 1))
			r++;
	}
	return r;
}

/**
 * emul_count_zeros - TZCNT and LZCNT
 * @leading: LZCNT
 * @src: source operand, zero extended
 * @bytes: its size
 * @fl: flags register; CF for a zero source, ZF for a zero result
 *
 * Return: the count.
 */
u64 emul_count_zeros(bool leading, u64 src, unsigned int bytes, u64 *fl)
{
	u64 dummy = 0, r = bytes * 8;

	if (src) {
		r = emul_bit_scan(leading, src, &dummy);
		if (leading)
			r = bytes * 8 - 1 - r;
	}
	put_flag(fl, X86_EFLAGS_CF, !src);
	put_flag(fl, X86_EFLAGS_ZF, !r);
	return r;
}

/**
 * emul_popcnt - POPCNT
 * @src: source operand, zero extended
 * @fl: flags register; all arithmetic flags but ZF are cleared
 *
 * Return: the number of set bits.
 */
u64 emul_popcnt(u64 src, u64 *fl)
{
	u64 r = 0, rest;

	for (rest = src; rest; rest &= rest - 1)
		r++;
	*fl &= ~(u64)FL_ARITH;
	put_flag(fl, X86_EFLAGS_ZF, !src);
	return r;
}
