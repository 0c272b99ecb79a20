// SPDX-License-Identifier: GPL-2.0-only
/*
 * Debug registers: what the guest wrote (db, dr6, dr7), what a debugger in
 * userspace put in their place (guest_debug_dr7), and what is in hardware
 * while the guest runs (eff_db, eff_dr7). Who may access them (CR4.DE, DR7.GD)
 * is decided where the access is decoded, in exit.c.
 */
#include <linux/kvm.h>
#include <linux/nospec.h>
#include <linux/string.h>

#include "core/cpuid.h"
#include "core/debug.h"
#include "core/event.h"
#include "core/regs.h"
#include "ops/regs.h"
#include "ops/vcpu.h"

#define DR_UPPER		GENMASK_ULL(63, 32)
#define DR7_ENABLE_MASK		0xffUL		/* L0, G0 .. L3, G3 */

#define GUESTDBG_VALID	(KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP |		\
			 KVM_GUESTDBG_USE_HW_BP | KVM_GUESTDBG_USE_SW_BP |		\
			 KVM_GUESTDBG_INJECT_BP | KVM_GUESTDBG_INJECT_DB)

unsigned long kvm_dr6_value(unsigned long val, bool rtm)
{
	unsigned long fixed = DR6_FIXED_1 | (rtm ? 0 : KVM_DR6_RTM);

	return (val & DR6_VOLATILE) | fixed;
}

unsigned long kvm_dr7_value(unsigned long val)
{
	return (val & DR7_VOLATILE) | DR7_FIXED_1;
}

/**
 * kvm_debugctl_value() - what of a write to DEBUGCTL is kept
 * @msr: the write
 * @known: bits that CPUs of the vendor have had without a bit of CPUID to tell
 * @kept: those of them that hardware switches for this guest; a #DB that exits and is
 *	handed on clears none, as one that does not may
 * @data: the value, if the write is not refused
 *
 * Guests write @known without asking and go on without; userspace, which restores
 * what it has read, has to hear that a bit is not there. Branch steps (BTF) are never
 * kept: whoever executes or skips an instruction in software would have to know of
 * them, and of when a CPU clears the bit.
 *
 * Return: MSR_OK, or MSR_INVALID with @data untouched.
 */
enum msr_result kvm_debugctl_value(const struct msr_data *msr, u64 known, u64 kept, u64 *data)
{
	if (msr->data & ~(msr->host_initiated ? kept : known))
		return MSR_INVALID;
	*data = msr->data & kept;
	return MSR_OK;
}

/**
 * kvm_exceptions_to_intercept() - which exceptions exit instead of being delivered
 * @vcpu: the vCPU
 *
 * A handler that itself raises #AC or #DB again and again would keep the CPU in
 * exception delivery, where no interrupt gets through. #MC means that the host's
 * hardware is broken, not the guest's. What is done about each: exit_exception().
 *
 * Return: a bit for each vector.
 */
u32 kvm_exceptions_to_intercept(const struct kvm_vcpu *vcpu)
{
	const u32 sw_bp = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP;
	u32 vectors = BIT(DB_VECTOR) | BIT(AC_VECTOR) | BIT(MC_VECTOR);

	if ((vcpu->guest_debug & sw_bp) == sw_bp)
		vectors |= BIT(BP_VECTOR);
	return vectors;
}

static bool debugger_owns_breakpoints(const struct kvm_vcpu *vcpu)
{
	return vcpu->guest_debug & KVM_GUESTDBG_USE_HW_BP;
}

/**
 * kvm_update_dr0123() - put the guest's breakpoint addresses in force
 * @vcpu: the vCPU
 *
 * Nothing changes while a debugger uses them.
 */
void kvm_update_dr0123(struct kvm_vcpu *vcpu)
{
	if (!debugger_owns_breakpoints(vcpu))
		memcpy(vcpu->eff_db, vcpu->db, sizeof(vcpu->eff_db));
}

/**
 * kvm_update_dr7() - put the guest's or the debugger's DR7 in force
 * @vcpu: the vCPU, loaded
 */
void kvm_update_dr7(struct kvm_vcpu *vcpu)
{
	unsigned long dr7 = debugger_owns_breakpoints(vcpu) ? vcpu->guest_debug_dr7 : vcpu->dr7;

	vcpu->eff_dr7 = dr7;
	kvm_x86_set_dr7(vcpu, dr7);
	vcpu->switch_db_regs &= ~KVM_DEBUGREG_BP_ENABLED;
	if (dr7 & DR7_ENABLE_MASK)
		vcpu->switch_db_regs |= KVM_DEBUGREG_BP_ENABLED;
}

/**
 * kvm_set_dr() - the guest writes a debug register
 * @vcpu: the vCPU, loaded
 * @dr: 0..7; 4 and 5 mean 6 and 7 (CR4.DE is clear, the caller has looked)
 * @val: the value
 *
 * Return: 0, or 1 for #GP(0): DR6 and DR7 have no upper half.
 *
 * Source: AMD APM volume 2, "Debug Registers"; Intel SDM volume 3, "Debug Registers".
 */
int kvm_set_dr(struct kvm_vcpu *vcpu, int dr, unsigned long val)
{
	switch (dr) {
	case 0 ... 3:
		dr = array_index_nospec(dr, KVM_NR_DB_REGS);
		vcpu->db[dr] = val;
		kvm_update_dr0123(vcpu);
		return 0;
	case 4:
	case 6:
		if (val & DR_UPPER)
			return 1;
		vcpu->dr6 = kvm_dr6_value(val, guest_cap(vcpu, GUEST_CAP_RTM));
		return 0;
	default:
		if (val & DR_UPPER)
			return 1;
		vcpu->dr7 = kvm_dr7_value(val);
		kvm_update_dr7(vcpu);
		return 0;
	}
}

unsigned long kvm_get_dr(struct kvm_vcpu *vcpu, int dr)
{
	switch (dr) {
	case 0 ... 3:
		return vcpu->db[array_index_nospec(dr, KVM_NR_DB_REGS)];
	case 4:
	case 6:
		return vcpu->dr6;
	default:
		return vcpu->dr7;
	}
}

/**
 * kvm_end_debug_loan() - accesses to the debug registers exit again
 * @vcpu: the vCPU, not in the guest
 *
 * What kvm_lend_debug_regs() granted for one entry is over, or called off before it.
 */
void kvm_end_debug_loan(struct kvm_vcpu *vcpu)
{
	vcpu->switch_db_regs &= ~KVM_DEBUGREG_WONT_EXIT;
	kvm_x86_intercept_dr(vcpu, true);
}

/**
 * kvm_vcpu_ioctl_set_guest_debug() - KVM_SET_GUEST_DEBUG
 * @vcpu: the vCPU, loaded
 * @dbg: private copy
 *
 * Return: 0, -EINVAL (unknown control bits), -EBUSY (an exception waits, none
 * can be injected).
 */
int kvm_vcpu_ioctl_set_guest_debug(struct kvm_vcpu *vcpu, const struct kvm_guest_debug *dbg)
{
	unsigned long rflags;
	u32 control = dbg->control;
	int i;

	if (control & ~GUESTDBG_VALID)
		return -EINVAL;
	if (control & (KVM_GUESTDBG_INJECT_DB | KVM_GUESTDBG_INJECT_BP)) {
		if (vcpu->ev.exception.pending || vcpu->ev.exception.injected)
			return -EBUSY;
		kvm_queue_exception(vcpu, control & KVM_GUESTDBG_INJECT_DB ? DB_VECTOR : BP_VECTOR);
	}

	/* Lent, and not entered since: there is nothing to take back. */
	if (vcpu->switch_db_regs & KVM_DEBUGREG_WONT_EXIT)
		kvm_end_debug_loan(vcpu);
	/* Read with the old debugger's TF taken out, write with the new one's put in. */
	rflags = kvm_get_rflags(vcpu);
	vcpu->guest_debug = control & KVM_GUESTDBG_ENABLE ? control : 0;
	if (debugger_owns_breakpoints(vcpu)) {
		for (i = 0; i < KVM_NR_DB_REGS; i++)
			vcpu->eff_db[i] = dbg->arch.debugreg[i];
		/* GD would make the debugger stop at the guest's own accesses. */
		vcpu->guest_debug_dr7 = kvm_dr7_value(dbg->arch.debugreg[7]) & ~KVM_DR7_GD;
	} else {
		kvm_update_dr0123(vcpu);
	}
	kvm_update_dr7(vcpu);
	if (vcpu->guest_debug & KVM_GUESTDBG_SINGLESTEP)
		vcpu->singlestep_rip = kvm_get_linear_rip(vcpu);
	kvm_set_rflags(vcpu, rflags);
	kvm_x86_set_exception_bitmap(vcpu, kvm_exceptions_to_intercept(vcpu));
	return 0;
}

int kvm_vcpu_ioctl_get_debugregs(struct kvm_vcpu *vcpu, struct kvm_debugregs *dbg)
{
	memset(dbg, 0, sizeof(*dbg));
	memcpy(dbg->db, vcpu->db, sizeof(vcpu->db));
	dbg->dr6 = vcpu->dr6;
	dbg->dr7 = vcpu->dr7;
	return 0;
}

/**
 * kvm_vcpu_ioctl_set_debugregs() - KVM_SET_DEBUGREGS
 * @vcpu: the vCPU, loaded
 * @dbg: private copy
 *
 * Return: 0, or -EINVAL (unknown flags, upper halves; nothing changed).
 */
int kvm_vcpu_ioctl_set_debugregs(struct kvm_vcpu *vcpu, const struct kvm_debugregs *dbg)
{
	if (dbg->flags || (dbg->dr6 & DR_UPPER) || (dbg->dr7 & DR_UPPER))
		return -EINVAL;
	memcpy(vcpu->db, dbg->db, sizeof(vcpu->db));
	kvm_update_dr0123(vcpu);
	vcpu->dr6 = kvm_dr6_value(dbg->dr6, guest_cap(vcpu, GUEST_CAP_RTM));
	vcpu->dr7 = kvm_dr7_value(dbg->dr7);
	kvm_update_dr7(vcpu);
	return 0;
}

/**
 * kvm_lend_debug_regs() - a guest uses its debug registers: may it have them?
 * @vcpu: the vCPU
 *
 * A guest that starts to use them will go on: unless a debugger owns them or the
 * access must be checked, they are loaded at the next entry, and taken back after it.
 *
 * Return: true: accesses do not exit until then, and the guest makes this one again.
 */
bool kvm_lend_debug_regs(struct kvm_vcpu *vcpu)
{
	if (vcpu->guest_debug || vcpu->dr7 & KVM_DR7_GD || kvm_x86_steps_guest(vcpu))
		return false;
	vcpu->switch_db_regs |= KVM_DEBUGREG_WONT_EXIT;
	kvm_x86_intercept_dr(vcpu, false);
	return true;
}

/**
 * kvm_load_guest_debug_regs() - put what is in force into the CPU
 * @vcpu: the vCPU
 *
 * The host's DR7 is cleared first: a guest's address must never be armed for
 * the host. DR6 and DR7 of the guest are switched by the vendor's entry.
 * Context: irqs off, before entry.
 */
void kvm_load_guest_debug_regs(struct kvm_vcpu *vcpu)
{
	if (vcpu->switch_db_regs) {
		native_set_debugreg(7, 0);
		native_set_debugreg(0, vcpu->eff_db[0]);
		native_set_debugreg(1, vcpu->eff_db[1]);
		native_set_debugreg(2, vcpu->eff_db[2]);
		native_set_debugreg(3, vcpu->eff_db[3]);
	} else if (hw_breakpoint_active()) {
		native_set_debugreg(7, 0);
	}
	if (vcpu->switch_db_regs & KVM_DEBUGREG_WONT_EXIT)
		kvm_x86_set_dr6(vcpu, vcpu->dr6);
}

/**
 * kvm_put_guest_debug_regs() - take back what the guest did, restore the host's
 * @vcpu: the vCPU
 *
 * Context: irqs off, after exit.
 */
void kvm_put_guest_debug_regs(struct kvm_vcpu *vcpu)
{
	if (vcpu->switch_db_regs & KVM_DEBUGREG_WONT_EXIT) {
		vcpu->db[0] = native_get_debugreg(0);
		vcpu->db[1] = native_get_debugreg(1);
		vcpu->db[2] = native_get_debugreg(2);
		vcpu->db[3] = native_get_debugreg(3);
		kvm_x86_sync_dirty_debug_regs(vcpu);
		/* The host's own handler must not take the guest's conditions for its own. */
		native_set_debugreg(6, DR6_RESERVED);
		kvm_end_debug_loan(vcpu);
		kvm_update_dr0123(vcpu);
		kvm_update_dr7(vcpu);
	}
	if (hw_breakpoint_active())
		hw_breakpoint_restore();
}
