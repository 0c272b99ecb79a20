// SPDX-License-Identifier: GPL-2.0-only
/*
 * Decoding of exits: the exit reason, its qualification and the information
 * words become the neutral structures of core/exit.h. What is done about them
 * is core/exit.c's.
 *
 * Source: Intel SDM volume 3, "VM Exits", "Basic VM-Exit Information".
 */
#include "core/compat.h"
#include "core/emul/task.h"
#include "core/event.h"
#include "core/exit.h"
#include "core/regs.h"
#include "ops/regs.h"
#include "ops/run.h"
#include "vmx/format.h"
#include "vmx/vmx.h"

/* What the exit qualification adds to "invalid guest state"; 0: nothing. */
static const char *invalid_state_detail(unsigned long qual)
{
	switch (qual) {
	case ENTRY_FAIL_PDPTE:
		return ": PDPTEs";
	case ENTRY_FAIL_NMI:
		return ": an NMI under a shadow of STI";
	case ENTRY_FAIL_VMCS_LINK_PTR:
		return ": the VMCS link pointer";
	}
	return "";
}

static enum run_result exit_failed_entry(struct vcpu_vmx *vmx)
{
	static const char * const reasons[] = {
		[0] = "invalid guest state",
		[1] = "an MSR could not be loaded",
		[8] = "a machine check",
	};
	u32 nr = (u16)vmx->exit_reason - EXIT_REASON_INVALID_STATE;
	struct exit_failed_entry how = { .detail = "" };
	enum run_result result;

	if (vmx->entry_result == VMX_SW_FAULTED) {
		how.reason = vmx->exit_reason;
		how.what = "VMX is switched off";
	} else if (vmx->entry_result == VMX_SW_VMFAIL) {
		how.reason = vmx->insn_error;
		how.what = vmx_instruction_error_name(vmx->insn_error);
	} else {
		how.reason = vmx->exit_reason;
		how.info = vmx_exit_qualification(vmx);
		how.what = nr < ARRAY_SIZE(reasons) && reasons[nr] ? reasons[nr] : "unknown";
		if (!nr)
			how.detail = invalid_state_detail(how.info);
	}
	result = exit_fail_entry(&vmx->vcpu, &how);
	/* An exit would have done that. */
	vmcs_write32(VM_ENTRY_INTR_INFO_FIELD, 0);
	return result;
}

static enum run_result decode_exception(struct vcpu_vmx *vmx)
{
	struct kvm_vcpu *vcpu = &vmx->vcpu;
	u32 info = vmx_exit_intr_info(vmx);
	struct exit_exception ex = {
		.vector = info & INTR_INFO_VECTOR_MASK,
	};

	/* Delivered to the host before interrupts were on. */
	if (vmx_info_is_nmi(info))
		return RUN_REENTER;
	if (info & INTR_INFO_DELIVER_CODE_MASK)
		ex.error_code = vmx_exit_intr_error(vmx);

	switch (ex.vector) {
	case DB_VECTOR:
		ex.payload = vmx_exit_qualification(vmx) & VMX_DB_CONDITIONS;
		/* Delivery would have consumed a pending trap; the exit has dropped it. */
		vmx->shadow_check = true;
		/* INT1 is a trap: it has executed when its handler starts. */
		if ((info & INTR_INFO_INTR_TYPE_MASK) == INTR_TYPE_PRIV_SW_EXCEPTION &&
		    !kvm_skip_insn(vcpu))
			return exit_unknown(vcpu, vmx->exit_reason);
		break;
	case BP_VECTOR:
		vmx->event_insn_len = vmx_exit_insn_len(vmx);
		break;
	}
	return exit_exception(vcpu, &ex);
}

static enum run_result decode_cr(struct vcpu_vmx *vmx)
{
	enum { MOV_TO, MOV_FROM, CLTS, LMSW };
	struct kvm_vcpu *vcpu = &vmx->vcpu;
	unsigned long qual = vmx_exit_qualification(vmx);
	const struct exit_cr access = {
		.cr = qual & 0xf,
		.gpr = qual >> 8 & 0xf,
		.write = (qual >> 4 & 3) == MOV_TO,
	};

	switch (qual >> 4 & 3) {
	case MOV_TO:
	case MOV_FROM:
		return exit_cr(vcpu, &access);
	case CLTS:
		return exit_clts(vcpu);
	}
	return exit_lmsw(vcpu, qual >> LMSW_SOURCE_DATA_SHIFT);
}

static enum run_result decode_dr(struct vcpu_vmx *vmx)
{
	unsigned long qual = vmx_exit_qualification(vmx);
	const struct exit_dr access = {
		.dr = qual & DEBUG_REG_ACCESS_NUM,
		.gpr = DEBUG_REG_ACCESS_REG(qual),
		.write = !(qual & TYPE_MOV_FROM_DR),
	};

	return exit_dr(&vmx->vcpu, &access);
}

static enum run_result decode_io(struct vcpu_vmx *vmx)
{
	struct exit_pio io = vmx_decode_io(vmx_exit_qualification(vmx));

	return exit_pio(&vmx->vcpu, &io);
}

static enum run_result decode_ept_violation(struct vcpu_vmx *vmx)
{
	unsigned long qual = vmx_exit_qualification(vmx);
	struct tdp_fault fault = vmx_decode_ept_violation(qual, vmx_exit_gpa(vmx));

	return exit_tdp_fault(&vmx->vcpu, &fault, NULL, 0);
}

/* We write no entry that hardware should call malformed. */
static enum run_result decode_ept_misconfig(struct vcpu_vmx *vmx)
{
	const struct tdp_fault fault = {
		.gpa = vmx_exit_gpa(vmx),
		.present = true,
		.rsvd = true,
	};

	return exit_tdp_fault(&vmx->vcpu, &fault, NULL, 0);
}

static enum run_result decode_apic_access(struct vcpu_vmx *vmx)
{
	struct tdp_fault fault = vmx_decode_apic_access(vmx_exit_qualification(vmx));

	return exit_apic_access(&vmx->vcpu, &fault);
}

static bool event_is_software(u32 event)
{
	switch (event & VECTORING_INFO_TYPE_MASK) {
	case INTR_TYPE_SOFT_INTR:
	case INTR_TYPE_SOFT_EXCEPTION:
	case INTR_TYPE_PRIV_SW_EXCEPTION:
		return true;
	}
	return false;
}

/*
 * Task switches exit whatever the controls say, and the CPU has done none of
 * it. The length is that of the instruction, if one asked: also for INT n and its
 * like, whose gate the event in delivery went through.
 */
static enum run_result decode_task_switch(struct vcpu_vmx *vmx)
{
	unsigned long qual = vmx_exit_qualification(vmx);
	struct exit_task_switch how = {
		.selector = qual,
		.source = qual >> 30 & 3,
	};
	u32 event = vmx_idt_vectoring(vmx);

	if (how.source != EMUL_TASK_GATE || event_is_software(event))
		how.insn_len = vmx_exit_insn_len(vmx);
	if (how.source == EMUL_TASK_GATE && event & VECTORING_INFO_DELIVER_CODE_MASK) {
		how.has_error = true;
		how.error_code = vmcs_read32(IDT_VECTORING_ERROR_CODE);
	}
	return exit_task_switch(&vmx->vcpu, &how);
}

/* Reasons in the order of how often they are seen. */
static enum run_result decode_reason(struct vcpu_vmx *vmx)
{
	struct kvm_vcpu *vcpu = &vmx->vcpu;

	switch (vmx->exit_reason) {
	case EXIT_REASON_EXTERNAL_INTERRUPT:
		return exit_external_interrupt(vcpu);
	case EXIT_REASON_EPT_VIOLATION:
		return decode_ept_violation(vmx);
	case EXIT_REASON_IO_INSTRUCTION:
		return decode_io(vmx);
	case EXIT_REASON_MSR_WRITE:
		return exit_wrmsr(vcpu);
	case EXIT_REASON_MSR_READ:
		return exit_rdmsr(vcpu);
	case EXIT_REASON_INTERRUPT_WINDOW:
		vmx_cpu_assign(vmx, CPU_BASED_INTR_WINDOW_EXITING, false);
		return exit_irq_window(vcpu);
	case EXIT_REASON_HLT:
		return exit_hlt(vcpu);
	case EXIT_REASON_CPUID:
		return exit_cpuid(vcpu);
	case EXIT_REASON_CR_ACCESS:
		return decode_cr(vmx);
	case EXIT_REASON_PML_FULL:
		/* It was emptied right after the exit. */
		return RUN_REENTER;
	case EXIT_REASON_PREEMPTION_TIMER:
		/* It only made the guest leave; core has asked for the rest. */
		return RUN_REENTER;
	case EXIT_REASON_EOI_INDUCED:
		return exit_eoi_induced(vcpu, vmx_exit_qualification(vmx));
	case EXIT_REASON_APIC_WRITE:
		return exit_apic_written(vcpu, vmx_exit_qualification(vmx) & 0xff0);
	case EXIT_REASON_APIC_ACCESS:
		return decode_apic_access(vmx);
	case EXIT_REASON_TPR_BELOW_THRESHOLD:
		return exit_tpr_lowered(vcpu);
	case EXIT_REASON_EXCEPTION_NMI:
		return decode_exception(vmx);
	case EXIT_REASON_PAUSE_INSTRUCTION:
		return exit_pause(vcpu);
	case EXIT_REASON_VMCALL:
		return exit_hypercall(vcpu);
	case EXIT_REASON_NMI_WINDOW:
		vmx_cpu_assign(vmx, CPU_BASED_NMI_WINDOW_EXITING, false);
		return exit_nmi_window(vcpu);
	case EXIT_REASON_DR_ACCESS:
		return decode_dr(vmx);
	case EXIT_REASON_WBINVD:
	case EXIT_REASON_INVD:
		return exit_wbinvd(vcpu);
	case EXIT_REASON_XSETBV:
		return exit_xsetbv(vcpu);
	case EXIT_REASON_RDPMC:
		return exit_rdpmc(vcpu);
	case EXIT_REASON_MONITOR_TRAP_FLAG:
		return vmx_soft_nmi_step(vmx);
	case EXIT_REASON_MONITOR_INSTRUCTION:
	case EXIT_REASON_MWAIT_INSTRUCTION:
		return exit_monitor(vcpu);
	case EXIT_REASON_TRIPLE_FAULT:
		return exit_shutdown(vcpu, false);
	case EXIT_REASON_TASK_SWITCH:
		return decode_task_switch(vmx);
	case EXIT_REASON_GDTR_IDTR:
	case EXIT_REASON_LDTR_TR:
		return exit_emulate(vcpu);
	case EXIT_REASON_EPT_MISCONFIG:
		return decode_ept_misconfig(vmx);
	case EXIT_REASON_VMCLEAR:
	case EXIT_REASON_VMLAUNCH:
	case EXIT_REASON_VMPTRLD:
	case EXIT_REASON_VMPTRST:
	case EXIT_REASON_VMREAD:
	case EXIT_REASON_VMRESUME:
	case EXIT_REASON_VMWRITE:
	case EXIT_REASON_VMOFF:
	case EXIT_REASON_VMON:
	case EXIT_REASON_INVEPT:
	case EXIT_REASON_INVVPID:
	case EXIT_REASON_VMFUNC:
	case EXIT_REASON_ENCLS:
	case EXIT_REASON_SEAMCALL:
	case EXIT_REASON_TDCALL:
		/* VMX, SGX and TDX are not offered to guests. */
		return exit_undefined(vcpu);
	}
	return exit_unknown(vcpu, vmx->exit_reason);
}

enum run_result kvm_x86_handle_exit(struct kvm_vcpu *vcpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);

	/* The host has handled the machine check and is still here. */
	if (unlikely((u16)vmx->exit_reason == EXIT_REASON_MCE_DURING_VMENTRY)) {
		vmcs_write32(VM_ENTRY_INTR_INFO_FIELD, 0);
		return RUN_REENTER;
	}
	if (unlikely(vmx->entry_result != VMX_SW_EXITED ||
		     vmx->exit_reason & VMX_EXIT_REASONS_FAILED_VMENTRY))
		return exit_failed_entry(vmx);
	return decode_reason(vmx);
}

/*
 * The CPU gives the length of every instruction that exits unconditionally or
 * by a control of ours. It is in the VMCS until the next exit.
 */
bool kvm_x86_skip_emulated_instruction(struct kvm_vcpu *vcpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);
	u32 len = vmx_exit_insn_len(vmx);
	unsigned long rip = kvm_rip_read(vcpu) + len;

	if (!len || len > EMUL_MAX_INSN)
		return false;
	kvm_rip_write(vcpu, is_64_bit_mode(vcpu) ? rip : (u32)rip);
	return true;
}

u64 kvm_x86_exit_reason(struct kvm_vcpu *vcpu)
{
	return to_vmx(vcpu)->exit_reason;
}

void kvm_x86_exit_info(struct kvm_vcpu *vcpu, u64 *info1, u64 *info2, u32 *intr_info,
		       u32 *error_code)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);

	*info1 = vmx_exit_qualification(vmx);
	*info2 = vmx_idt_vectoring(vmx);
	*intr_info = vmx_exit_intr_info(vmx);
	*error_code = *intr_info & INTR_INFO_DELIVER_CODE_MASK ? vmx_exit_intr_error(vmx) : 0;
}

void kvm_x86_dump_state(struct kvm_vcpu *vcpu)
{
	preempt_disable();
	vmcs_dump();
	preempt_enable();
}
