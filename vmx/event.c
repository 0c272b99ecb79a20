// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events in VMX: injection at entry, what an exit left undelivered, windows,
 * NMI blocking. What goes in and when is core/event.c's; how the end of an
 * NMI's handler is found without virtual NMIs is soft_nmi.c's.
 *
 * Source: Intel SDM volume 3, "Event Injection", "Information for VM Exits
 * That Occur During Event Delivery", "Guest Non-Register State".
 */

#include "core/debug.h"
#include "core/event.h"
#include "core/regs.h"
#include "ops/apic.h"
#include "vmx/vmx.h"

/* Bits of GUEST_PENDING_DBG_EXCEPTIONS. */
#define PENDING_DBG_BS		BIT(14)

#define SHADOW_BITS	(GUEST_INTR_STATE_STI | GUEST_INTR_STATE_MOV_SS)

/*
 * Software events are injected as the instruction was executed: the CPU pushes
 * RIP plus this length. Where none is known (userspace installed the event),
 * that of the usual encoding.
 */
static void write_insn_len(struct vcpu_vmx *vmx, u32 usual)
{
	vmcs_write32(VM_ENTRY_INSTRUCTION_LEN, vmx->event_insn_len ?: usual);
}

void kvm_x86_inject_irq(struct kvm_vcpu *vcpu)
{
	const struct kvm_queued_interrupt *irq = &vcpu->ev.interrupt;

	if (irq->soft) {
		write_insn_len(to_vmx(vcpu), 2);
		vmcs_write32(VM_ENTRY_INTR_INFO_FIELD, VMX_INTR_INFO(irq->nr, INTR_TYPE_SOFT_INTR));
	} else {
		vmcs_write32(VM_ENTRY_INTR_INFO_FIELD, VMX_INTR_INFO(irq->nr, INTR_TYPE_EXT_INTR));
	}
}

void kvm_x86_inject_nmi(struct kvm_vcpu *vcpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);

	/* With virtual NMIs the injection blocks; an entry that finds it done fails. */
	if (vmx_caps.vnmi)
		vmx_assign_interruptibility(vmx, GUEST_INTR_STATE_NMI, 0);
	else
		vmx->soft_nmi_blocked = true;
	vmcs_write32(VM_ENTRY_INTR_INFO_FIELD, VMX_INTR_INFO(2, INTR_TYPE_NMI_INTR));
}

void kvm_x86_inject_exception(struct kvm_vcpu *vcpu)
{
	const struct kvm_queued_exception *ex = &vcpu->ev.exception;
	u32 info = VMX_INTR_INFO(ex->vector, INTR_TYPE_HARD_EXCEPTION);

	vmx_end_halt(to_vmx(vcpu));
	if (kvm_exception_is_soft(ex->vector)) {
		write_insn_len(to_vmx(vcpu), 1);
		info = VMX_INTR_INFO(ex->vector, INTR_TYPE_SOFT_EXCEPTION);
	} else if (ex->has_error_code) {
		/* Entry fails if any of the other bits is set. */
		vmcs_write32(VM_ENTRY_EXCEPTION_ERROR_CODE, ex->error_code & 0xffff);
		info |= INTR_INFO_DELIVER_CODE_MASK;
	}
	vmcs_write32(VM_ENTRY_INTR_INFO_FIELD, info);
}

/* Core still has it in vcpu->ev, marked as injected: forget it in hardware. */
void kvm_x86_cancel_injection(struct kvm_vcpu *vcpu)
{
	vmcs_write32(VM_ENTRY_INTR_INFO_FIELD, 0);
	to_vmx(vcpu)->immediate_exit = false;
}

/**
 * vmx_collect_events() - take over what the exit interrupted the delivery of
 * @vmx: the vCPU, right after an exit
 *
 * Software events keep their length; RIP is still on the instruction.
 */
void vmx_collect_events(struct vcpu_vmx *vmx)
{
	struct kvm_vcpu *vcpu = &vmx->vcpu;
	u32 info = vmx_idt_vectoring(vmx);
	u8 vector = info & VECTORING_INFO_VECTOR_MASK;
	bool has_code = info & VECTORING_INFO_DELIVER_CODE_MASK;

	if (likely(!(info & VECTORING_INFO_VALID_MASK)))
		return;

	switch (info & VECTORING_INFO_TYPE_MASK) {
	case INTR_TYPE_EXT_INTR:
		kvm_queue_interrupt(vcpu, vector, false);
		break;
	case INTR_TYPE_SOFT_INTR:
		vmx->event_insn_len = vmx_exit_insn_len(vmx);
		kvm_queue_interrupt(vcpu, vector, true);
		break;
	case INTR_TYPE_NMI_INTR:
		vcpu->ev.nmi_injected = true;
		/* The injection blocks NMIs again; an entry with both would fail. */
		kvm_x86_set_nmi_mask(vcpu, false);
		break;
	case INTR_TYPE_SOFT_EXCEPTION:
		vmx->event_insn_len = vmx_exit_insn_len(vmx);
		fallthrough;
	case INTR_TYPE_HARD_EXCEPTION:
		kvm_requeue_exception(vcpu, vector, has_code,
				      has_code ? vmcs_read32(IDT_VECTORING_ERROR_CODE) : 0);
		break;
	default:
		/* INT1: it is executed again, RIP has not moved. */
		break;
	}
}

/**
 * vmx_recover_nmi_blocking() - undo an IRET that did not complete
 * @vmx: the vCPU, after a fault-like exit
 *
 * IRET unblocks NMIs before it can fault. If the fault exits instead of being
 * delivered, the IRET is executed again and the NMI handler has not ended:
 * the CPU tells so in bit 12, except for #DF and for exits during delivery.
 */
void vmx_recover_nmi_blocking(struct vcpu_vmx *vmx)
{
	if (!vmx_caps.vnmi || vmx_idt_vectoring(vmx) & VECTORING_INFO_VALID_MASK)
		return;

	switch ((u16)vmx->exit_reason) {
	case EXIT_REASON_EXCEPTION_NMI:
		if (vmx_exit_intr_info(vmx) & INTR_INFO_UNBLOCK_NMI &&
		    (vmx_exit_intr_info(vmx) & INTR_INFO_VECTOR_MASK) != DF_VECTOR)
			vmx_assign_interruptibility(vmx, 0, GUEST_INTR_STATE_NMI);
		break;
	case EXIT_REASON_EPT_VIOLATION:
	case EXIT_REASON_PML_FULL:
		if (vmx_exit_qualification(vmx) & INTR_INFO_UNBLOCK_NMI)
			vmx_assign_interruptibility(vmx, 0, GUEST_INTR_STATE_NMI);
		break;
	}
}

void kvm_x86_enable_irq_window(struct kvm_vcpu *vcpu)
{
	vmx_cpu_assign(to_vmx(vcpu), CPU_BASED_INTR_WINDOW_EXITING, true);
}

/*
 * An NMI window opens at once under STI blocking, and would exit again and
 * again: wait for the interrupt window then.
 */
void kvm_x86_enable_nmi_window(struct kvm_vcpu *vcpu)
{
	if (!vmx_caps.vnmi)
		to_vmx(vcpu)->soft_nmi_window = true;
	else if (vmx_interruptibility(to_vmx(vcpu)) & GUEST_INTR_STATE_STI)
		kvm_x86_enable_irq_window(vcpu);
	else
		vmx_cpu_assign(to_vmx(vcpu), CPU_BASED_NMI_WINDOW_EXITING, true);
}

bool kvm_x86_get_nmi_mask(struct kvm_vcpu *vcpu)
{
	if (!vmx_caps.vnmi)
		return to_vmx(vcpu)->soft_nmi_blocked;
	return vmx_interruptibility(to_vmx(vcpu)) & GUEST_INTR_STATE_NMI;
}

void kvm_x86_set_nmi_mask(struct kvm_vcpu *vcpu, bool masked)
{
	if (vmx_caps.vnmi)
		vmx_assign_interruptibility(to_vmx(vcpu), masked ? 0 : GUEST_INTR_STATE_NMI,
					    masked ? GUEST_INTR_STATE_NMI : 0);
	else
		vmx_soft_nmi_set_mask(to_vmx(vcpu), masked);
}

u32 kvm_x86_get_interrupt_shadow(struct kvm_vcpu *vcpu)
{
	u32 state = vmx_interruptibility(to_vmx(vcpu));

	return (state & GUEST_INTR_STATE_STI ? KVM_X86_SHADOW_INT_STI : 0) |
	       (state & GUEST_INTR_STATE_MOV_SS ? KVM_X86_SHADOW_INT_MOV_SS : 0);
}

/*
 * The trap that a shadow of MOV SS held back is another's to raise: who retires the
 * instruction in software, or the debugger whose step begins.
 */
static void drop_held_trap(void)
{
	unsigned long pending = vmcs_readl(GUEST_PENDING_DBG_EXCEPTIONS);

	if (pending & PENDING_DBG_BS)
		vmcs_writel(GUEST_PENDING_DBG_EXCEPTIONS, pending & ~PENDING_DBG_BS);
}

/* Both at once are not a legal state; MOV SS blocks more. */
void kvm_x86_set_interrupt_shadow(struct kvm_vcpu *vcpu, u32 mask)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);
	u32 set = 0;

	if (mask & KVM_X86_SHADOW_INT_MOV_SS)
		set = GUEST_INTR_STATE_MOV_SS;
	else if (mask & KVM_X86_SHADOW_INT_STI)
		set = GUEST_INTR_STATE_STI;
	if (!set && vmx_interruptibility(vmx) & SHADOW_BITS)
		drop_held_trap();
	vmx_assign_interruptibility(vmx, SHADOW_BITS, set);
	vmx->shadow_check = true;
}

/**
 * vmx_fix_shadow() - make a shadow agree with TF and IF
 * @vmx: the vCPU, about to enter; vmx->shadow_check says that software
 *	changed one of them
 *
 * Entry fails unless the parts agree as they do after an instruction:
 *
 *	state			wanted
 *	halted, TF or shadow	not halted: one instruction is executed now
 *	STI shadow, IF = 0	no shadow
 *	debugger single-steps	no shadow: its trap comes after one instruction
 *	shadow, TF = 1		pending BS: the trap that the shadow held back
 *	shadow, otherwise	no pending BS
 */
void vmx_fix_shadow(struct vcpu_vmx *vmx)
{
	struct kvm_vcpu *vcpu = &vmx->vcpu;
	unsigned long rflags = kvm_x86_get_rflags(vcpu);
	u32 shadow = vmx_interruptibility(vmx) & SHADOW_BITS;
	unsigned long pending;
	bool want;

	vmx->shadow_check = false;
	if (shadow || rflags & X86_EFLAGS_TF)
		vmx_end_halt(vmx);
	if (!shadow)
		return;
	if ((shadow & GUEST_INTR_STATE_STI && !(rflags & X86_EFLAGS_IF)) ||
	    vcpu->guest_debug & KVM_GUESTDBG_SINGLESTEP) {
		drop_held_trap();
		vmx_assign_interruptibility(vmx, SHADOW_BITS, 0);
		return;
	}
	want = rflags & X86_EFLAGS_TF;
	pending = vmcs_readl(GUEST_PENDING_DBG_EXCEPTIONS);
	if (want != !!(pending & PENDING_DBG_BS))
		vmcs_writel(GUEST_PENDING_DBG_EXCEPTIONS, pending ^ PENDING_DBG_BS);
}

/*
 * Without a TPR shadow every MOV to CR8 exits, and there is nothing to arrange.
 * Core comes here whenever it has lowered TPR: a threshold above TPR would fail
 * the entry. Source: Intel SDM volume 3, "TPR Virtualization".
 */
void kvm_x86_update_cr8_intercept(struct kvm_vcpu *vcpu, u8 threshold)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);

	if (!vmx_caps.tpr_shadow || vmx->tpr_threshold == threshold)
		return;
	vmx->tpr_threshold = threshold;
	vmcs_write32(TPR_THRESHOLD, threshold);
}
