/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Plain MOVs between a device and a register or an immediate, without the
 * emulator: what nearly all accesses to devices are.
 */
#ifndef MONOVISOR_CORE_MOVE_H
#define MONOVISOR_CORE_MOVE_H

#include "core/emul/emul.h"
#include "core/mmu/mmu.h"
#include "core/types.h"

/**
 * kvm_parse_move() - is the instruction at RIP a plain access to what the CPU found?
 * @vcpu: the vCPU, loaded, in 64-bit mode at CPL 0
 * @rip: RIP
 * @gpa: where the CPU found the operand
 * @load: it is a load, not a store
 * @move: receives the instruction
 *
 * The guest chooses what is read here, and tables, code and registers may be
 * other ones than the CPU used. That is as with the emulator, which looks again
 * just the same: each of its checks is made here too, or what it would find is
 * left to it.
 *
 * Context: kvm->srcu held, also irqs off.
 * Return: false: it is the emulator's.
 */
bool kvm_parse_move(struct kvm_vcpu *vcpu, unsigned long rip, gpa_t gpa, bool load,
		    struct emul_move *move);
/* What a store stores. */
u64 kvm_move_datum(struct kvm_vcpu *vcpu, const struct emul_move *move);
/* A datum that was loaded reaches its register. */
void kvm_move_load(struct kvm_vcpu *vcpu, const struct emul_move *move, u64 val);

#endif /* MONOVISOR_CORE_MOVE_H */
