// SPDX-License-Identifier: GPL-2.0-only
/*
 * NMI blocking without virtual NMIs (vnmi=0, or a CPU without them): the CPU
 * does not tell when an NMI's handler ends. So the handler is stepped with
 * the monitor trap flag, and the IRET that ends it is seen. Slow and exact;
 * not used where virtual NMIs are.
 *
 * Source: Intel SDM volume 3, "Monitor Trap Flag"; volume 3, "Handling Multiple NMIs".
 */
#include "core/emul/emul.h"
#include "core/event.h"
#include "core/exit.h"
#include "core/memslot.h"
#include "core/mmu/mmu.h"
#include "core/regs.h"
#include "vmx/format.h"
#include "vmx/vmx.h"

#define OPCODE_IRET	0xcf

static bool is_prefix(u8 byte, bool long_mode)
{
	switch (byte) {
	case 0x26:
	case 0x2e:
	case 0x36:
	case 0x3e:
	case 0x64:
	case 0x65:
	case 0x66:
	case 0x67:
	case 0xf2:
	case 0xf3:
		return true;
	}
	return long_mode && (byte & 0xf0) == 0x40;
}

/* It has been executed: it was readable a moment ago, by one of the two privileges. */
static bool read_code(struct kvm_vcpu *vcpu, gva_t gva, u8 *byte)
{
	const u32 access = GUEST_ACCESS_FETCH | GUEST_ACCESS_NO_AD;
	u32 error_code;
	gpa_t gpa;

	if (guest_walk(vcpu, gva, access, &gpa, &error_code) &&
	    guest_walk(vcpu, gva, access | GUEST_ACCESS_USER, &gpa, &error_code))
		return false;
	return !kvm_read_guest(vcpu->kvm, gpa, byte, 1);
}

static bool stepped_iret(struct vcpu_vmx *vmx)
{
	unsigned int i;
	u8 byte;

	for (i = 0; i < EMUL_MAX_INSN; i++) {
		if (!read_code(&vmx->vcpu, vmx->step_ip + i, &byte))
			return false;
		if (!is_prefix(byte, vmx->step_64bit))
			return byte == OPCODE_IRET;
	}
	return false;
}

/* There is no window that would exit for one that waits. */
static void ask_for_waiting_nmi(struct vcpu_vmx *vmx)
{
	if (!vmx->soft_nmi_blocked)
		kvm_nmi_unmasked(&vmx->vcpu);
}

/*
 * The trap of the instruction that was stepped comes before an NMI, and is pending in
 * the CPU. Injection of the NMI would lose it, so let core deliver both, in order.
 */
static enum run_result trap_before_nmi(struct vcpu_vmx *vmx)
{
	struct exit_exception db = { .vector = DB_VECTOR };
	unsigned long pending;

	if (!vmx->vcpu.ev.nmi_pending || !kvm_nmi_allowed(&vmx->vcpu))
		return RUN_REENTER;
	pending = vmcs_readl(GUEST_PENDING_DBG_EXCEPTIONS);
	if (!(pending & VMX_DB_PENDING))
		return RUN_REENTER;
	vmcs_writel(GUEST_PENDING_DBG_EXCEPTIONS, 0);
	db.payload = pending & VMX_DB_CONDITIONS;
	return exit_exception(&vmx->vcpu, &db);
}

/**
 * vmx_soft_nmi_set_mask() - block NMIs or not, other than by a step
 * @vmx: the vCPU
 * @masked: true while a handler runs
 *
 * An IRET that exits or is emulated, as one to another task, ends no step: who
 * executes it asks for an NMI that waited. Context: vcpu->mutex held.
 */
void vmx_soft_nmi_set_mask(struct vcpu_vmx *vmx, bool masked)
{
	vmx->soft_nmi_blocked = masked;
}

/**
 * vmx_soft_nmi_before_entry() - step if NMIs are blocked, or wait for a shadow's end
 * @vmx: the vCPU, about to enter
 *
 * An entry that injects stops before the first instruction of the handler:
 * what RIP points to now is not executed then.
 *
 * The injection itself blocks NMIs in the CPU, and the guest's IRET does not
 * end that: it would keep the host's NMIs out as well, so take it back.
 *
 * Context: irqs off.
 */
void vmx_soft_nmi_before_entry(struct vcpu_vmx *vmx)
{
	struct kvm_vcpu *vcpu = &vmx->vcpu;
	bool step = vmx->soft_nmi_blocked || vmx->soft_nmi_window;

	if (step) {
		vmx_assign_interruptibility(vmx, GUEST_INTR_STATE_NMI, 0);
		vmx->step_executes = !kvm_event_needs_reinjection(vcpu);
		vmx->step_64bit = is_64_bit_mode(vcpu);
		vmx->step_ip = kvm_get_linear_rip(vcpu);
	}
	vmx_cpu_assign(vmx, CPU_BASED_MONITOR_TRAP_FLAG, step);
}

/**
 * vmx_soft_nmi_step() - exit by the monitor trap flag
 * @vmx: the vCPU
 *
 * IRET unblocks NMIs even if it faults, and its fault has been delivered when
 * the exit comes. Context: kvm->srcu held, may sleep.
 */
enum run_result vmx_soft_nmi_step(struct vcpu_vmx *vmx)
{
	vmx->soft_nmi_window = false;
	/* The instruction is looked up in guest memory. */
	vmx->l1d_dirty = true;
	if (vmx->soft_nmi_blocked && vmx->step_executes && stepped_iret(vmx))
		vmx->soft_nmi_blocked = false;
	ask_for_waiting_nmi(vmx);
	return trap_before_nmi(vmx);
}
