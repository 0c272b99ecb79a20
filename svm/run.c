// SPDX-License-Identifier: GPL-2.0-only
/*
 * One entry into the guest and out again: what must be in the VMCB before,
 * what is read from it after. The switch itself is vmenter.S; what an exit
 * means is exit.c.
 */
#include <linux/sched.h>
#include <asm/processor.h>
#include <asm/spec-ctrl.h>

#include "core/cr.h"
#include "core/debug.h"
#include "core/event.h"
#include "core/fastpath.h"
#include "core/guest_context.h"
#include "core/msr.h"
#include "core/regs.h"
#include "ops/event.h"
#include "ops/regs.h"
#include "ops/run.h"
#include "svm/format.h"
#include "svm/svm.h"

/* The task priority that software sees and hardware's copy of it. */
static void write_tpr(struct vcpu_svm *svm)
{
	u32 *int_ctl = &svm->vmcb->control.int_ctl;
	u32 tpr = kvm_get_cr8(&svm->vcpu);

	if (likely((*int_ctl & V_TPR_MASK) == tpr))
		return;
	*int_ctl = (*int_ctl & ~V_TPR_MASK) | tpr;
	svm_mark_dirty(svm, VMCB_CLEAN_INTR);
}

/* Bring the VMCB up to date with what core keeps outside of it. */
static void prepare_entry(struct vcpu_svm *svm)
{
	struct kvm_vcpu *vcpu = &svm->vcpu;
	struct vmcb *vmcb = svm->vmcb;

	vmcb->save.rax = vcpu->regs[VCPU_REGS_RAX];
	vmcb->save.rsp = vcpu->regs[VCPU_REGS_RSP];
	vmcb->save.rip = vcpu->regs[VCPU_REGS_RIP];
	vmcb->save.cr2 = vcpu->cr2;
	write_tpr(svm);

	/* Of DR6 only what the next #DB adds is of interest, unless core has lent it. */
	if (unlikely(vmcb->save.dr6 != DR6_ACTIVE_LOW) &&
	    !(vcpu->switch_db_regs & KVM_DEBUGREG_WONT_EXIT))
		kvm_x86_set_dr6(vcpu, DR6_ACTIVE_LOW);

	/* A VMRUN that faults, SVM having been switched off, writes no exit code. */
	vmcb->control.exit_code = SVM_EXIT_CODE_ERR;

	if (unlikely(svm->nmi_singlestep || svm->awaiting_iret))
		svm_soft_nmi_before_entry(svm);
	/* Whether an IRET has been executed is told by where RIP has gone from it. */
	vcpu->fast_allowed &= !svm->awaiting_iret;
	svm_update_asid(svm);
	svm_mark_dirty(svm, VMCB_CLEAN_NEVER);
}

/* A handler of such an exit changed general registers and nothing else hardware knows. */
static void prepare_again(struct vcpu_svm *svm)
{
	struct kvm_vcpu *vcpu = &svm->vcpu;
	struct vmcb *vmcb = svm->vmcb;

	vmcb->save.rax = vcpu->regs[VCPU_REGS_RAX];
	vmcb->save.rsp = vcpu->regs[VCPU_REGS_RSP];
	vmcb->save.rip = vcpu->regs[VCPU_REGS_RIP];
	write_tpr(svm);
	vmcb->control.exit_code = SVM_EXIT_CODE_ERR;
}

/*
 * Nothing in here may be traced: RCU does not watch, lockdep believes that
 * interrupts are on, and vmenter.S runs with the guest's GS base.
 */
static noinstr void enter_guest(struct vcpu_svm *svm, unsigned long host_state_pa)
{
	kvm_guest_context_enter();
	amd_clear_divider();
	svm_world_switch(svm, svm->spec_ctrl_intercepted, host_state_pa);
	kvm_guest_context_exit();
}

static enum run_result fast_cr8(struct vcpu_svm *svm)
{
	u64 info = svm->vmcb->control.exit_info_1;

	if (!svm_caps.decode_assists || !(info & SVM_CR_INFO_MOV))
		return RUN_REENTER;
	return fast_cr8_write(&svm->vcpu, info & SVM_EXITINFO_REG_MASK);
}

/*
 * Not inline, here and below: the neutral structure is on the stack, and a guard
 * for it would cost each entry.
 */
static noinline enum run_result fast_io(struct vcpu_svm *svm)
{
	struct exit_pio io = svm_decode_ioio(svm->vmcb->control.exit_info_1);

	return fast_pio(&svm->vcpu, &io);
}

/* Events have been collected. A step that is ours is not the guest's to end. */
static noinline enum run_result fast_npf(struct vcpu_svm *svm)
{
	struct vmcb_control_area *control = &svm->vmcb->control;
	struct tdp_fault fault = svm_decode_npf(control->exit_info_1, control->exit_info_2);

	if (kvm_event_needs_reinjection(&svm->vcpu) || unlikely(svm->nmi_singlestep))
		return RUN_REENTER;
	return fast_tdp_fault(&svm->vcpu, &fault);
}

/*
 * Codes in the order of how often they are seen. None of these exits but nested page
 * faults happens while an event is being delivered: what was injected is in the guest.
 */
static enum run_result handle_fast(struct vcpu_svm *svm)
{
	struct kvm_vcpu *vcpu = &svm->vcpu;

	switch (svm->vmcb->control.exit_code) {
	case SVM_EXIT_MSR:
		if (svm->vmcb->control.exit_info_1 & SVM_MSR_INFO_WRITE)
			return fast_wrmsr(vcpu);
		return fast_rdmsr(vcpu);
	case SVM_EXIT_CPUID:
		return fast_cpuid(vcpu);
	case SVM_EXIT_IOIO:
		return fast_io(svm);
	case SVM_EXIT_WRITE_CR8:
		return fast_cr8(svm);
	case SVM_EXIT_VMMCALL:
		return fast_hypercall(vcpu);
	case SVM_EXIT_NPF:
		return fast_npf(svm);
	case SVM_EXIT_INVD:
	case SVM_EXIT_WBINVD:
		return fast_nop(vcpu);
	}
	return RUN_REENTER;
}

/* The CPU keeps what it cached of the VMCB only if it accepted the VMCB. */
static void collect_control(struct vcpu_svm *svm)
{
	struct vmcb_control_area *control = &svm->vmcb->control;

	if (likely(control->exit_code != SVM_EXIT_CODE_ERR)) {
		control->tlb_ctl = TLB_CONTROL_DO_NOTHING;
		control->clean = VMCB_CLEAN_ALL;
	} else {
		/* A flush that was ordered has not happened: order it anew. */
		control->clean = 0;
		svm->asid_generation = 0;
		this_cpu_write(svm_cpu.next_asid, this_cpu_read(svm_cpu.max_asid) + 1);
	}
}

static void collect_exit(struct vcpu_svm *svm)
{
	struct kvm_vcpu *vcpu = &svm->vcpu;
	struct vmcb *vmcb = svm->vmcb;

	vcpu->regs[VCPU_REGS_RAX] = vmcb->save.rax;
	vcpu->regs[VCPU_REGS_RSP] = vmcb->save.rsp;
	vcpu->regs[VCPU_REGS_RIP] = vmcb->save.rip;
	vcpu->cr2 = vmcb->save.cr2;
	vcpu->cr3 = vmcb->save.cr3;
	/* Shadowed while CD or NW is set; then nothing changed unseen. */
	if (!svm_is_intercept(svm, INTERCEPT_CR0_WRITE))
		vcpu->cr0 = vmcb->save.cr0;
	if (!svm_is_intercept(svm, INTERCEPT_CR8_WRITE))
		kvm_cr8_from_hardware(vcpu, vmcb->control.int_ctl & V_TPR_MASK);
	vcpu->regs_avail = ~0u;
	vcpu->regs_dirty = 0;

	svm->exit_rip = vmcb->save.rip;
	if (vmcb->control.exit_code == SVM_EXIT_IOIO)
		svm->next_rip = vmcb->control.exit_info_2;
	else
		svm->next_rip = svm_caps.nrips ? vmcb->control.next_rip : 0;

	collect_control(svm);
	if (unlikely(vmcb->control.exit_code == SVM_EXIT_CODE_ERR)) {
		svm_keep_events(svm);
		return;
	}
	if (unlikely(svm->awaiting_iret))
		svm_soft_nmi_after_exit(svm);
	svm_collect_events(svm);
}

enum run_result kvm_x86_vcpu_run(struct kvm_vcpu *vcpu, bool again)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	if (again)
		prepare_again(svm);
	else
		prepare_entry(svm);

	/* SSBD by other means than SPEC_CTRL, on CPUs before it could do that. */
	if (!svm_caps.v_spec_ctrl)
		x86_spec_ctrl_set_guest(svm->virt_spec_ctrl);

	/*
	 * Not the guest's, whose steps a debugger of this thread would make longer.
	 * Core puts it back, as after an exit of VMX, which clears it.
	 */
	if (unlikely(vcpu->host_debugctl))
		native_wrmsrl(MSR_IA32_DEBUGCTLMSR, 0);

	enter_guest(svm, this_cpu_read(svm_cpu.host_state_pa));

	if (!svm_caps.v_spec_ctrl)
		x86_spec_ctrl_restore_host(svm->virt_spec_ctrl);

	collect_exit(svm);
	if (unlikely(!vcpu->fast_allowed))
		return RUN_REENTER;
	return handle_fast(svm);
}

/*
 * Interrupts and NMIs that made the guest exit are still pending in the CPU;
 * the NMI came in when vmenter.S set GIF, interrupts do as soon as they are on.
 * Only a machine check is delivered by nobody but us.
 */
void kvm_x86_handle_exit_irqoff(struct kvm_vcpu *vcpu)
{
	u32 code = to_svm(vcpu)->vmcb->control.exit_code;

	if (likely(code < SVM_EXIT_EXCP_BASE || code > SVM_EXIT_LAST_EXCP))
		return;
	if (code == SVM_EXIT_EXCP_BASE + MC_VECTOR)
		kvm_host_machine_check(vcpu);
	/* What VMRUN loaded is still in the CPU, and the host's handler reads it. */
	if (code == SVM_EXIT_EXCP_BASE + DB_VECTOR)
		native_set_debugreg(6, DR6_RESERVED);
}
