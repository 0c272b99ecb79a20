// SPDX-License-Identifier: GPL-2.0-only
/*
 * Plain MOVs to and from devices, on the vCPU's registers and memory. Taking
 * the bytes apart is emul/move.c's, finding a device is the caller's.
 */
#include <linux/mm.h>

#include "core/cr.h"
#include "core/move.h"
#include "core/regs.h"
#include "core/vcpu.h"

bool kvm_parse_move(struct kvm_vcpu *vcpu, unsigned long rip, gpa_t gpa, bool load,
		    struct emul_move *move)
{
	unsigned int shift = kvm_read_cr4_bits(vcpu, X86_CR4_LA57) ? 7 : 16;
	unsigned long linear;
	u64 code[2];

	if (!guest_fetch_again(vcpu, rip, code) || !emul_parse_move((const u8 *)code, move) ||
	    move->load != load)
		return false;
	linear = move->disp;
	if (move->rip_rel)
		linear += rip + move->len;
	if (move->base != EMUL_NO_GPR)
		linear += kvm_register_read_raw(vcpu, move->base);
	if (move->index != EMUL_NO_GPR)
		linear += kvm_register_read_raw(vcpu, move->index) << move->scale;
	/* Where the CPU said, in one page, and not beyond its addresses. */
	return !((linear ^ gpa) & ~PAGE_MASK) &&
	       offset_in_page(linear) + move->bytes <= PAGE_SIZE &&
	       (unsigned long)((long)(linear << shift) >> shift) == linear;
}

u64 kvm_move_datum(struct kvm_vcpu *vcpu, const struct emul_move *move)
{
	return move->has_imm ? move->imm : kvm_register_read_raw(vcpu, move->reg);
}

void kvm_move_load(struct kvm_vcpu *vcpu, const struct emul_move *move, u64 val)
{
	unsigned long old = kvm_register_read_raw(vcpu, move->reg);

	switch (move->bytes) {
	case 1:
		val = (old & ~0xffUL) | (u8)val;
		break;
	case 2:
		val = (old & ~0xffffUL) | (u16)val;
		break;
	case 4:
		val = (u32)val;
		break;
	}
	kvm_register_write_raw(vcpu, move->reg, val);
}
