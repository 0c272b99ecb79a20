/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Debug registers and KVM_SET_GUEST_DEBUG: what the guest sees, what the
 * debugger uses, what is in hardware (debug.c).
 */
#ifndef MONOVISOR_CORE_DEBUG_H
#define MONOVISOR_CORE_DEBUG_H

/* asm/debugreg.h of 6.1 relies on its includer for these two. */
#include <asm/cpufeature.h>
#include <asm/processor.h>
#include <asm/debugreg.h>

#include "core/msr.h"
#include "core/vcpu.h"

/*
 * DR6 reads 1 in its reserved bits and in those that report by going low:
 * RTM (bit 16) where the guest has no RTM, BUS_LOCK (bit 11), not offered.
 */
#define DR6_FIXED_1	0xfffe0ff0UL	/* without RTM */
#define DR6_ACTIVE_LOW	0xffff0ff0UL	/* with it */
#define DR6_VOLATILE	0x0001e00fUL	/* B0-B3, BD, BS, BT, RTM */
#define DR7_FIXED_1     0x00000400	/* as newer kernels spell it */
#define DR7_VOLATILE	0xffff2bffUL	/* the rest reads 0 */
#define KVM_DR6_RTM	BIT(16)
#define KVM_DR6_BD	BIT(13)
#define KVM_DR7_GD	BIT(13)

/* Pure: what a register holds after a write of @val that was not refused. */
unsigned long kvm_dr6_value(unsigned long val, bool rtm);
unsigned long kvm_dr7_value(unsigned long val);

enum msr_result kvm_debugctl_value(const struct msr_data *msr, u64 known, u64 kept, u64 *data);

/* 0, or 1: the guest gets #GP (upper bits set). #UD rules of CR4.DE are exit_dr()'s. */
int kvm_set_dr(struct kvm_vcpu *vcpu, int dr, unsigned long val);
unsigned long kvm_get_dr(struct kvm_vcpu *vcpu, int dr);
u32 kvm_exceptions_to_intercept(const struct kvm_vcpu *vcpu);
void kvm_update_dr7(struct kvm_vcpu *vcpu);
void kvm_update_dr0123(struct kvm_vcpu *vcpu);
bool kvm_lend_debug_regs(struct kvm_vcpu *vcpu);
void kvm_end_debug_loan(struct kvm_vcpu *vcpu);
int kvm_vcpu_ioctl_set_guest_debug(struct kvm_vcpu *vcpu, const struct kvm_guest_debug *dbg);
int kvm_vcpu_ioctl_get_debugregs(struct kvm_vcpu *vcpu, struct kvm_debugregs *dbg);
int kvm_vcpu_ioctl_set_debugregs(struct kvm_vcpu *vcpu, const struct kvm_debugregs *dbg);
/* Around entry, irqs off; only when switch_db_regs or the host's breakpoints ask for it. */
void kvm_load_guest_debug_regs(struct kvm_vcpu *vcpu);
void kvm_put_guest_debug_regs(struct kvm_vcpu *vcpu);

#endif /* MONOVISOR_CORE_DEBUG_H */
