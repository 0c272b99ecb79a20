// SPDX-License-Identifier: GPL-2.0-only
/*
 * One entry into the guest and out again: what must be in the VMCS and the CPU
 * before, what is read from them after. The switch itself is vmenter.S; what
 * an exit means is exit.c.
 */
#include <linux/sched.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/nospec-branch.h>
#include <asm/processor.h>
#include <asm/special_insns.h>
#include <asm/mmu_context.h>
#include <asm/tlbflush.h>

#include "core/event.h"
#include "core/fastpath.h"
#include "core/guest_context.h"
#include "core/msr.h"
#include "core/regs.h"
#include "core/vm.h"
#include "ops/run.h"
#include "vmx/format.h"
#include "vmx/irq.h"
#include "vmx/l1d_flush.h"
#include "vmx/vmx.h"

/* Host state that a context switch or a late feature may have changed since the last entry. */
static void update_host_state(struct vcpu_vmx *vmx)
{
	unsigned long cr3, cr4;

	cr3 = __get_current_cr3_fast();
	if (unlikely(vmx->host_cr3 != cr3)) {
		vmx->host_cr3 = cr3;
		vmcs_writel(HOST_CR3, cr3);
	}
	cr4 = cr4_read_shadow();
	if (unlikely(vmx->host_cr4 != cr4)) {
		vmx->host_cr4 = cr4;
		vmcs_writel(HOST_CR4, cr4);
	}
}

/*
 * perf changes its mind in interrupts, which are off from here to the exit, and
 * in NMIs, which exit: with a list there is no entering again without a new one.
 */
static void exclude_host_perf(struct vcpu_vmx *vmx)
{
	unsigned int nr = vmx_perf_ask(&vmx->perf);

	if (vmx->nr_perf_msrs != nr) {
		vmx->nr_perf_msrs = nr;
		vmcs_write32(VM_ENTRY_MSR_LOAD_COUNT, nr);
		vmcs_write32(VM_EXIT_MSR_LOAD_COUNT, nr);
	}
	vmx->vcpu.fast_allowed &= !nr;
}

/* Bring the VMCS up to date with what core keeps outside of it. */
static void prepare_entry(struct vcpu_vmx *vmx)
{
	struct kvm_vcpu *vcpu = &vmx->vcpu;

	if (vcpu->regs_dirty & BIT(VCPU_REGS_RSP))
		vmcs_writel(GUEST_RSP, vcpu->regs[VCPU_REGS_RSP]);
	if (vcpu->regs_dirty & BIT(VCPU_REGS_RIP)) {
		vmcs_writel(GUEST_RIP, vcpu->regs[VCPU_REGS_RIP]);
		vmx_end_halt(vmx);
	}

	update_host_state(vmx);
	if (unlikely(vmx->shadow_check))
		vmx_fix_shadow(vmx);
	if (vmx_caps.preemption_timer)
		vmx_arm_preemption_timer(vmx);
	if (unlikely(!vmx_caps.vnmi))
		vmx_soft_nmi_before_entry(vmx);

	if (vmx->lv.launched)
		vmx->sw.flags |= BIT(VMX_SW_LAUNCHED);
	else
		vmx->sw.flags &= ~BIT(VMX_SW_LAUNCHED);
	/* A handler of an NMI that is stepped is stepped entry by entry. */
	vcpu->fast_allowed &= vmx_caps.vnmi;
	if (vmx_caps.host_perf)
		exclude_host_perf(vmx);
	vmx->sw.guest_spec_ctrl = vcpu->spec_ctrl;
	vmx->sw.host_spec_ctrl = this_cpu_read(x86_spec_ctrl_current);
}

/* Of what a handler of such an exit changes, vmenter.S does not load RSP. */
static void prepare_again(struct vcpu_vmx *vmx)
{
	struct kvm_vcpu *vcpu = &vmx->vcpu;

	if (unlikely(vcpu->regs_dirty & BIT(VCPU_REGS_RSP)))
		vmcs_writel(GUEST_RSP, vcpu->regs[VCPU_REGS_RSP]);
}

/*
 * Nothing in here may be traced: RCU does not watch and lockdep believes that
 * interrupts are on.
 *
 * A host NMI that caused the exit is delivered here, before anything that
 * could end in an IRET: until the NMI's own IRET the CPU blocks further ones,
 * and an earlier IRET (of a breakpoint, a fault) would let them in too soon. The
 * INT goes through the host's own gate, onto its own stack.
 */
static noinstr void enter_guest(struct vcpu_vmx *vmx)
{
	struct kvm_vcpu *vcpu = &vmx->vcpu;

	kvm_guest_context_enter();
	if (vcpu->cr2 != native_read_cr2())
		native_write_cr2(vcpu->cr2);

	vmx->entry_result = vmx_world_switch(&vmx->sw);

	vcpu->cr2 = native_read_cr2();
	vmx->exit_avail = 0;
	if (likely(vmx->entry_result == VMX_SW_EXITED)) {
		vmx->exit_reason = vmcs_read32(VM_EXIT_REASON);
		if (vmx->exit_reason == EXIT_REASON_EXCEPTION_NMI &&
		    vmx_info_is_nmi(vmx_exit_intr_info(vmx))) {
			/* Its handler samples whatever ran, and does not mark the CPU. */
			vmx->l1d_dirty = true;
			asm volatile("int $2" : : : "memory");
		}
	}
	kvm_guest_context_exit();
}

/* CR8 alone needs nothing else. */
static enum run_result fast_cr(struct vcpu_vmx *vmx)
{
	unsigned long qual = vmx_exit_qualification(vmx);

	if ((qual & 0xf) != 8)
		return RUN_REENTER;
	if (qual & BIT(4))
		return fast_cr8_read(&vmx->vcpu, qual >> 8 & 0xf);
	return fast_cr8_write(&vmx->vcpu, qual >> 8 & 0xf);
}

/*
 * Not inline, here and below: the neutral structure is on the stack, and a guard
 * for it would cost each entry.
 */
static noinline enum run_result fast_io(struct vcpu_vmx *vmx)
{
	struct exit_pio io = vmx_decode_io(vmx_exit_qualification(vmx));

	return fast_pio(&vmx->vcpu, &io);
}

/* What was being delivered is not collected yet. */
static bool delivery_cut_short(struct vcpu_vmx *vmx)
{
	return vmx_idt_vectoring(vmx) & VECTORING_INFO_VALID_MASK;
}

/* Without a linear address it is no instruction's access. */
static noinline enum run_result fast_ept_violation(struct vcpu_vmx *vmx)
{
	unsigned long qual = vmx_exit_qualification(vmx);
	struct tdp_fault fault = vmx_decode_ept_violation(qual, vmx_exit_gpa(vmx));

	if (!(qual & EPT_VIOLATION_GVA_IS_VALID) || delivery_cut_short(vmx))
		return RUN_REENTER;
	return fast_tdp_fault(&vmx->vcpu, &fault);
}

static noinline enum run_result fast_apic_page(struct vcpu_vmx *vmx)
{
	struct tdp_fault fault = vmx_decode_apic_access(vmx_exit_qualification(vmx));

	if (delivery_cut_short(vmx))
		return RUN_REENTER;
	return fast_apic_access(&vmx->vcpu, &fault);
}

/*
 * Reasons in the order of how often they are seen. None of these exits but the
 * accesses to memory, which look, happens while an event is being delivered: what
 * was injected is in the guest.
 */
static enum run_result handle_fast(struct vcpu_vmx *vmx)
{
	struct kvm_vcpu *vcpu = &vmx->vcpu;

	switch (vmx->exit_reason) {
	case EXIT_REASON_MSR_WRITE:
		return fast_wrmsr(vcpu);
	case EXIT_REASON_CPUID:
		return fast_cpuid(vcpu);
	case EXIT_REASON_MSR_READ:
		return fast_rdmsr(vcpu);
	case EXIT_REASON_IO_INSTRUCTION:
		return fast_io(vmx);
	case EXIT_REASON_CR_ACCESS:
		return fast_cr(vmx);
	case EXIT_REASON_TPR_BELOW_THRESHOLD:
		return fast_tpr_lowered(vcpu);
	case EXIT_REASON_VMCALL:
		return fast_hypercall(vcpu);
	case EXIT_REASON_EPT_VIOLATION:
		return fast_ept_violation(vmx);
	case EXIT_REASON_APIC_ACCESS:
		return fast_apic_page(vmx);
	case EXIT_REASON_INVD:
	case EXIT_REASON_WBINVD:
		return fast_nop(vcpu);
	}
	return RUN_REENTER;
}

/*
 * The guest was not entered, or its state was refused: nothing was delivered. What was to
 * be injected is still in vcpu->ev; and in the VMCS, for the dump.
 */
static void collect_failure(struct vcpu_vmx *vmx)
{
	vmx->exit_fields[VMX_EXIT_IDT_VECTORING] = 0;
	vmx->exit_avail |= BIT(VMX_EXIT_IDT_VECTORING);
	if (vmx->entry_result == VMX_SW_VMFAIL)
		vmx->insn_error = vmcs_read32(VM_INSTRUCTION_ERROR);
	if (vmx->entry_result != VMX_SW_EXITED)
		vmx->exit_reason = VMX_EXIT_NONE;
}

/*
 * The log alone tells of a write: it is taken before anybody may ask for it.
 *
 * That a slot is logged is asked after the exit, for a leaf may have become clean
 * while the guest ran, and without a kick: by the read of another vCPU in a slot
 * that is new. Whoever made it clean had found the slot, so nr_logged was raised
 * before; the CPU found the leaf before it logged, and logged before the exit.
 * While it is 0 nobody has a log to ask for: what is in ours may wait until it is
 * full. Should it be taken for a slot that is logged by then, it says too much, which
 * a dirty log may.
 */
static void collect_dirty(struct vcpu_vmx *vmx)
{
	if ((vmx->pml_log && READ_ONCE(vmx->vcpu.kvm->slots.nr_logged)) ||
	    unlikely(vmx->exit_reason == EXIT_REASON_PML_FULL))
		vmx_pml_empty(vmx);
}

/* Return: the guest was entered. */
static bool collect_exit(struct vcpu_vmx *vmx)
{
	struct kvm_vcpu *vcpu = &vmx->vcpu;

	vcpu->regs_avail = ~(u32)VMX_LAZY_REGS;
	vmx->seg_avail = 0;
	vcpu->spec_ctrl = vmx->sw.guest_spec_ctrl;

	if (unlikely(vmx->entry_result != VMX_SW_EXITED ||
		     vmx->exit_reason & VMX_EXIT_REASONS_FAILED_VMENTRY)) {
		collect_failure(vmx);
		return false;
	}
	vmx->lv.launched = true;
	vmx->sw.flags |= BIT(VMX_SW_LAUNCHED);
	kvm_events_delivered(&vcpu->ev);
	vmx->event_insn_len = 0;
	collect_dirty(vmx);
	return true;
}

/* Exits that are handled at once have been taken between two instructions. */
static void collect_events(struct vcpu_vmx *vmx)
{
	vmx_recover_nmi_blocking(vmx);
	vmx_collect_events(vmx);
}

enum run_result kvm_x86_vcpu_run(struct kvm_vcpu *vcpu, bool again)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);

	if (again)
		prepare_again(vmx);
	else
		prepare_entry(vmx);
	vcpu->regs_dirty = 0;
	do {
		/* From other threads, or from an exit that was handled just now. */
		if (vmx->apicv_active && vmx_pi_is_on(vmx->pi))
			vmx_collect_posted(vmx);
		vmx_forget_host_data(vmx);
		enter_guest(vmx);
	} while (unlikely(vmx->entry_result == VMX_SW_POSTED));

	if (unlikely(!collect_exit(vmx)))
		return RUN_REENTER;
	if (likely(vcpu->fast_allowed) && handle_fast(vmx) == RUN_REENTER_FAST)
		return RUN_REENTER_FAST;
	collect_events(vmx);
	return RUN_REENTER;
}

/*
 * An interrupt that made the guest exit has been acknowledged where the CPU can
 * do that, and is delivered here; else it is still pending and is taken as soon
 * as interrupts are on. An NMI has been delivered right after the exit. A
 * machine check is delivered by nobody but us.
 */
void kvm_x86_handle_exit_irqoff(struct kvm_vcpu *vcpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);

	if (likely(vmx->exit_reason == EXIT_REASON_EXTERNAL_INTERRUPT)) {
		if (vmx_exit_intr_info(vmx) & INTR_INFO_VALID_MASK)
			vmx_host_interrupt(vmx_exit_intr_info(vmx) & INTR_INFO_VECTOR_MASK);
		return;
	}
	if (likely((u16)vmx->exit_reason != EXIT_REASON_EXCEPTION_NMI &&
		   (u16)vmx->exit_reason != EXIT_REASON_MCE_DURING_VMENTRY))
		return;
	if ((u16)vmx->exit_reason == EXIT_REASON_MCE_DURING_VMENTRY ||
	    vmx_info_is(vmx_exit_intr_info(vmx), INTR_TYPE_HARD_EXCEPTION, MC_VECTOR))
		kvm_host_machine_check(vcpu);
}
