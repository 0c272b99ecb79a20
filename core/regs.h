/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * General registers, segments and tables of a vCPU: lazy reads from hardware,
 * deferred writes to it, and the ioctls that get and set them (regs.c).
 */
#ifndef MONOVISOR_CORE_REGS_H
#define MONOVISOR_CORE_REGS_H

#include <asm/processor-flags.h>

#include "core/vcpu.h"
#include "ops/regs.h"

static __always_inline bool kvm_register_is_available(struct kvm_vcpu *vcpu, int reg)
{
	return vcpu->regs_avail & BIT(reg);
}

static __always_inline void kvm_register_mark_available(struct kvm_vcpu *vcpu, int reg)
{
	vcpu->regs_avail |= BIT(reg);
}

static __always_inline void kvm_register_mark_dirty(struct kvm_vcpu *vcpu, int reg)
{
	vcpu->regs_avail |= BIT(reg);
	vcpu->regs_dirty |= BIT(reg);
}

/* The full 64-bit register, whatever the guest's mode. */
static __always_inline unsigned long kvm_register_read_raw(struct kvm_vcpu *vcpu, int reg)
{
	if (!kvm_register_is_available(vcpu, reg))
		kvm_x86_cache_reg(vcpu, reg);
	return vcpu->regs[reg];
}

static __always_inline void kvm_register_write_raw(struct kvm_vcpu *vcpu, int reg,
						   unsigned long val)
{
	vcpu->regs[reg] = val;
	kvm_register_mark_dirty(vcpu, reg);
}

static __always_inline unsigned long kvm_rip_read(struct kvm_vcpu *vcpu)
{
	return kvm_register_read_raw(vcpu, VCPU_REGS_RIP);
}

static __always_inline void kvm_rip_write(struct kvm_vcpu *vcpu, unsigned long val)
{
	kvm_register_write_raw(vcpu, VCPU_REGS_RIP, val);
}

static __always_inline unsigned long kvm_rsp_read(struct kvm_vcpu *vcpu)
{
	return kvm_register_read_raw(vcpu, VCPU_REGS_RSP);
}

static __always_inline u32 kvm_eax_read(struct kvm_vcpu *vcpu)
{
	return vcpu->regs[VCPU_REGS_RAX];
}

static __always_inline u64 kvm_edx_eax_read(struct kvm_vcpu *vcpu)
{
	return (u32)vcpu->regs[VCPU_REGS_RAX] | (u64)(u32)vcpu->regs[VCPU_REGS_RDX] << 32;
}

bool is_64_bit_mode(struct kvm_vcpu *vcpu);	/* CS.L in long mode, now */
/* Truncated to 32 bits outside 64-bit mode, as instructions see registers. */
unsigned long kvm_register_read(struct kvm_vcpu *vcpu, int reg);
void kvm_register_write(struct kvm_vcpu *vcpu, int reg, unsigned long val);
unsigned long kvm_get_linear_rip(struct kvm_vcpu *vcpu);
unsigned long kvm_get_rflags(struct kvm_vcpu *vcpu);	/* without a debugger's TF */
void kvm_set_rflags(struct kvm_vcpu *vcpu, unsigned long rflags);

int kvm_vcpu_ioctl_get_regs(struct kvm_vcpu *vcpu, struct kvm_regs *regs);
int kvm_vcpu_ioctl_set_regs(struct kvm_vcpu *vcpu, const struct kvm_regs *regs);
int kvm_vcpu_ioctl_get_sregs(struct kvm_vcpu *vcpu, struct kvm_sregs *sregs);
int kvm_vcpu_ioctl_set_sregs(struct kvm_vcpu *vcpu, const struct kvm_sregs *sregs);
int kvm_vcpu_ioctl_get_sregs2(struct kvm_vcpu *vcpu, struct kvm_sregs2 *sregs2);
int kvm_vcpu_ioctl_set_sregs2(struct kvm_vcpu *vcpu, const struct kvm_sregs2 *sregs2);
int kvm_vcpu_ioctl_translate(struct kvm_vcpu *vcpu, struct kvm_translation *tr);
/* KVM_CAP_SYNC_REGS: copy to and from run->s.regs as the masks ask. */
void kvm_sync_regs_store(struct kvm_vcpu *vcpu);
int kvm_sync_regs_load(struct kvm_vcpu *vcpu);

#endif /* MONOVISOR_CORE_REGS_H */
