// SPDX-License-Identifier: GPL-2.0-only
/*
 * Decoding of exits: the exit code and its information words become the neutral
 * structures of core/exit.h. What is done about them is core/exit.c's.
 *
 * Source: AMD APM volume 2, "SVM Intercept Exit Codes" and "Instruction
 * Intercepts".
 */
#include "core/debug.h"
#include "core/event.h"
#include "core/exit.h"
#include "core/regs.h"
#include "ops/event.h"
#include "ops/regs.h"
#include "ops/run.h"
#include "ops/vcpu.h"
#include "svm/format.h"
#include "svm/svm.h"

static enum run_result exit_failed_entry(struct vcpu_svm *svm)
{
	struct vmcb_control_area *control = &svm->vmcb->control;
	const struct exit_failed_entry how = {
		.reason = (u64)control->exit_code_hi << 32 | control->exit_code,
		.what = "invalid guest state or controls",
		.detail = "",
	};
	enum run_result result = exit_fail_entry(&svm->vcpu, &how);

	control->event_inj = 0;
	return result;
}

static enum run_result decode_exception(struct vcpu_svm *svm, u8 vector)
{
	struct exit_exception ex = {
		.vector = vector,
		.error_code = svm->vmcb->control.exit_info_1,
	};

	switch (vector) {
	case DB_VECTOR:
		ex.error_code = 0;
		ex.payload = svm->vmcb->save.dr6 ^ DR6_ACTIVE_LOW;
		if (svm_soft_nmi_step(svm, &ex.payload))
			return exit_nmi_window(&svm->vcpu);
		break;
	case PF_VECTOR:
		ex.payload = svm->vmcb->control.exit_info_2;
		break;
	}
	return exit_exception(&svm->vcpu, &ex);
}

static enum run_result decode_cr(struct vcpu_svm *svm, u32 code)
{
	struct kvm_vcpu *vcpu = &svm->vcpu;
	u64 info = svm->vmcb->control.exit_info_1;
	struct emul_decode_info insn;
	struct exit_cr access;

	if (svm_caps.decode_assists && (info & SVM_CR_INFO_MOV)) {
		access.gpr = info & SVM_EXITINFO_REG_MASK;
	} else {
		if (emul_decode_info(&vcpu->emul, NULL, 0, &insn) != EMUL_DONE)
			return exit_emulate(vcpu);
		if (insn.kind == EMUL_KIND_CLTS)
			return exit_clts(vcpu);
		/* LMSW, SMSW: from or to memory perhaps, rare enough to emulate. */
		if (insn.kind != EMUL_KIND_MOV_TO_CR && insn.kind != EMUL_KIND_MOV_FROM_CR)
			return exit_emulate(vcpu);
		access.gpr = insn.gpr;
	}

	if (code == SVM_EXIT_CR0_SEL_WRITE) {
		access.cr = 0;
		access.write = true;
	} else {
		access.cr = code & 0xf;
		access.write = code >= SVM_EXIT_WRITE_CR0;
	}
	return exit_cr(vcpu, &access);
}

static enum run_result decode_dr(struct vcpu_svm *svm, u32 code)
{
	struct kvm_vcpu *vcpu = &svm->vcpu;
	struct emul_decode_info insn;
	struct exit_dr access = {
		.dr = code & 0xf,
		.write = code >= SVM_EXIT_WRITE_DR0,
	};

	if (svm_caps.decode_assists) {
		access.gpr = svm->vmcb->control.exit_info_1 & SVM_EXITINFO_REG_MASK;
	} else {
		if (emul_decode_info(&vcpu->emul, NULL, 0, &insn) != EMUL_DONE ||
		    (insn.kind != EMUL_KIND_MOV_TO_DR && insn.kind != EMUL_KIND_MOV_FROM_DR))
			return exit_emulate(vcpu);
		access.gpr = insn.gpr;
	}
	return exit_dr(vcpu, &access);
}

static enum run_result decode_io(struct vcpu_svm *svm)
{
	struct exit_pio io = svm_decode_ioio(svm->vmcb->control.exit_info_1);

	return exit_pio(&svm->vcpu, &io);
}

static enum run_result decode_npf(struct vcpu_svm *svm)
{
	struct vmcb_control_area *control = &svm->vmcb->control;
	struct tdp_fault fault = svm_decode_npf(control->exit_info_1, control->exit_info_2);
	int len = 0;

	/* The CPU hands over the bytes of a data access; 0: it has none. */
	if (svm_caps.decode_assists && !fault.exec && !fault.guest_walk)
		len = min_t(int, control->insn_len & 0xf, sizeof(control->insn_bytes));
	return exit_tdp_fault(&svm->vcpu, &fault, len ? control->insn_bytes : NULL, len);
}

/* Codes in the order of how often they are seen. */
static enum run_result decode_reason(struct vcpu_svm *svm)
{
	struct kvm_vcpu *vcpu = &svm->vcpu;
	u32 code = svm->vmcb->control.exit_code;

	switch (code) {
	case SVM_EXIT_INTR:
		return exit_external_interrupt(vcpu);
	case SVM_EXIT_NPF:
		return decode_npf(svm);
	case SVM_EXIT_IOIO:
		return decode_io(svm);
	case SVM_EXIT_MSR:
		if (svm->vmcb->control.exit_info_1 & SVM_MSR_INFO_WRITE)
			return exit_wrmsr(vcpu);
		return exit_rdmsr(vcpu);
	case SVM_EXIT_VINTR:
		svm_disarm_irq_window(svm);
		return exit_irq_window(vcpu);
	case SVM_EXIT_HLT:
		return exit_hlt(vcpu);
	case SVM_EXIT_CPUID:
		return exit_cpuid(vcpu);
	case SVM_EXIT_READ_CR0 ... SVM_EXIT_READ_CR0 + 15:
	case SVM_EXIT_WRITE_CR0 ... SVM_EXIT_WRITE_CR0 + 15:
	case SVM_EXIT_CR0_SEL_WRITE:
		return decode_cr(svm, code);
	case SVM_EXIT_EXCP_BASE ... SVM_EXIT_LAST_EXCP:
		return decode_exception(svm, code - SVM_EXIT_EXCP_BASE);
	case SVM_EXIT_PAUSE:
		return exit_pause(vcpu);
	case SVM_EXIT_VMMCALL:
		return exit_hypercall(vcpu);
	case SVM_EXIT_IRET:
		return svm_soft_nmi_iret(svm);
	case SVM_EXIT_READ_DR0 ... SVM_EXIT_READ_DR7:
	case SVM_EXIT_WRITE_DR0 ... SVM_EXIT_WRITE_DR7:
		return decode_dr(svm, code);
	case SVM_EXIT_WBINVD:
	case SVM_EXIT_INVD:
		return exit_wbinvd(vcpu);
	case SVM_EXIT_XSETBV:
		return exit_xsetbv(vcpu);
	case SVM_EXIT_RDPMC:
		return exit_rdpmc(vcpu);
	case SVM_EXIT_MONITOR:
	case SVM_EXIT_MWAIT:
		return exit_monitor(vcpu);
	case SVM_EXIT_NMI:
	case SVM_EXIT_SMI:
	case SVM_EXIT_INIT:
		/* The host's own; it has taken them by now. */
		return RUN_REENTER;
	case SVM_EXIT_SHUTDOWN:
		/* The guest's state is undefined now, so there is nothing that INIT could keep. */
		memset(&svm->vmcb->save, 0, sizeof(svm->vmcb->save));
		return exit_shutdown(vcpu, true);
	case SVM_EXIT_VMRUN:
	case SVM_EXIT_VMLOAD:
	case SVM_EXIT_VMSAVE:
	case SVM_EXIT_STGI:
	case SVM_EXIT_CLGI:
	case SVM_EXIT_SKINIT:
	case SVM_EXIT_INVLPGA:
	case SVM_EXIT_RSM:
	case SVM_EXIT_RDPRU:
	case SVM_EXIT_RDTSCP:
	case SVM_EXIT_INVPCID:
		/* SVM is not offered to guests, nor is the rest. */
		return exit_undefined(vcpu);
	}
	return exit_unknown(vcpu, code);
}

enum run_result kvm_x86_handle_exit(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	if (unlikely(svm->vmcb->control.exit_code == SVM_EXIT_CODE_ERR))
		return exit_failed_entry(svm);
	return decode_reason(svm);
}

bool kvm_x86_skip_emulated_instruction(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	/* Userspace may have moved RIP since; then the CPU's word is about another place. */
	if (svm->next_rip && kvm_rip_read(vcpu) == svm->exit_rip) {
		kvm_rip_write(vcpu, svm->next_rip);
		svm->next_rip = 0;
		return true;
	}
	return emul_run(&vcpu->emul, EMULF_SKIP, NULL, 0) == EMUL_DONE;
}

u64 kvm_x86_exit_reason(struct kvm_vcpu *vcpu)
{
	return to_svm(vcpu)->vmcb->control.exit_code;
}

void kvm_x86_exit_info(struct kvm_vcpu *vcpu, u64 *info1, u64 *info2, u32 *intr_info,
		       u32 *error_code)
{
	const struct vmcb_control_area *control = &to_svm(vcpu)->vmcb->control;

	*info1 = control->exit_info_1;
	*info2 = control->exit_info_2;
	*intr_info = 0;
	*error_code = 0;
	if (control->exit_code != SVM_EXIT_CODE_ERR &&
	    control->exit_int_info & SVM_EXITINTINFO_VALID) {
		*intr_info = control->exit_int_info;
		if (control->exit_int_info & SVM_EXITINTINFO_VALID_ERR)
			*error_code = control->exit_int_info_err;
	}
}

void kvm_x86_dump_state(struct kvm_vcpu *vcpu)
{
	svm_dump_vmcb(to_svm(vcpu)->vmcb);
}
