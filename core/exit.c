// SPDX-License-Identifier: GPL-2.0-only
/*
 * Policy of exits, once for all vendors: what the guest asked for and what it
 * gets. Decoding of hardware words is the vendors', data transfer with
 * userspace is complete.c's.
 */
#include <linux/kvm_para.h>
#include <linux/printk.h>
#include <asm/cpu.h>
#include <asm/cpufeature.h>
#include <asm/trap_pf.h>

#include "core/block.h"
#include "core/bus.h"
#include "core/complete.h"
#include "core/cpuid.h"
#include "core/cr.h"
#include "core/debug.h"
#include "core/event.h"
#include "core/exit.h"
#include "core/irq/inject.h"
#include "core/irq/lapic.h"
#include "core/main.h"
#include "core/msr.h"
#include "core/msr_filter.h"
#include "core/regs.h"
#include "core/run.h"
#include "core/spin.h"
#include "core/trace.h"
#include "core/vcpu.h"
#include "core/vm.h"
#include "ops/event.h"
#include "ops/run.h"

static enum run_result inject_gp(struct kvm_vcpu *vcpu)
{
	kvm_queue_exception_e(vcpu, GP_VECTOR, 0);
	return RUN_REENTER;
}

static enum run_result exit_debug(struct kvm_vcpu *vcpu, u32 vector, unsigned long dr6,
				  unsigned long pc)
{
	struct kvm_debug_exit_arch *arch = &vcpu->run->debug.arch;

	arch->exception = vector;
	arch->pad = 0;
	arch->pc = pc;
	arch->dr6 = dr6;
	arch->dr7 = vcpu->guest_debug & KVM_GUESTDBG_USE_HW_BP ? vcpu->guest_debug_dr7 :
								  vcpu->dr7;
	return vcpu_exit_to_user(vcpu, KVM_EXIT_DEBUG);
}

/*
 * A retired instruction under TF traps. A debugger that single-steps owns the
 * trap; else the guest gets it.
 */
enum run_result exit_single_step(struct kvm_vcpu *vcpu)
{
	if (vcpu->guest_debug & KVM_GUESTDBG_SINGLESTEP)
		return exit_debug(vcpu, DB_VECTOR, DR6_FIXED_1 | DR_STEP,
				  kvm_get_linear_rip(vcpu));
	kvm_queue_exception_p(vcpu, DB_VECTOR, DR_STEP);
	return RUN_REENTER;
}

bool kvm_skip_insn(struct kvm_vcpu *vcpu)
{
	if (!kvm_x86_skip_emulated_instruction(vcpu))
		return false;
	kvm_end_interrupt_shadow(vcpu);
	return true;
}

enum run_result exit_skip_insn(struct kvm_vcpu *vcpu)
{
	/* Read before the skip: the flags of the instruction's start count. */
	bool stepped = kvm_x86_get_rflags(vcpu) & X86_EFLAGS_TF;

	if (!kvm_skip_insn(vcpu))
		return vcpu_emulation_failed(vcpu);
	if (unlikely(stepped))
		return exit_single_step(vcpu);
	return RUN_REENTER;
}

enum run_result exit_complete_insn_gp(struct kvm_vcpu *vcpu, int err)
{
	return err ? inject_gp(vcpu) : exit_skip_insn(vcpu);
}

/*
 * Retire an instruction that userspace must hear of. If the instruction cannot
 * be skipped, that is the news. A debugger's step over it is not reported: the
 * exit itself stops the vCPU behind the instruction.
 */
static enum run_result skip_then_exit(struct kvm_vcpu *vcpu, u32 exit_reason)
{
	enum run_result result = exit_skip_insn(vcpu);

	if (result == RUN_TO_USER && vcpu->run->exit_reason != KVM_EXIT_DEBUG)
		return result;
	return vcpu_exit_to_user(vcpu, exit_reason);
}

/* The instruction at RIP retires when userspace has done its part. */
static void owe(struct kvm_vcpu *vcpu, enum complete_kind kind)
{
	vcpu->complete.kind = kind;
	vcpu->complete.linear_rip = kvm_get_linear_rip(vcpu);
}

static enum run_result pio_to_user(struct kvm_vcpu *vcpu, const struct exit_pio *io)
{
	struct kvm_run *run = vcpu->run;

	run->io.direction = io->in ? KVM_EXIT_IO_IN : KVM_EXIT_IO_OUT;
	run->io.size = io->size;
	run->io.port = io->port;
	run->io.count = 1;
	run->io.data_offset = KVM_PIO_PAGE_OFFSET * PAGE_SIZE;
	vcpu->stat.io_exits++;
	return vcpu_exit_to_user(vcpu, KVM_EXIT_IO);
}

static enum run_result pio_out(struct kvm_vcpu *vcpu, const struct exit_pio *io)
{
	u32 val = kvm_eax_read(vcpu);

	trace_kvm_pio(KVM_TRACE_WRITE, io->port, io->size, 1, &val);
	if (kvm_bus_write(vcpu, KVM_BUS_PIO, io->port, io->size, &val))
		return exit_skip_insn(vcpu);
	memcpy(vcpu->pio_data, &val, io->size);
	owe(vcpu, COMPLETE_PIO_OUT);
	return pio_to_user(vcpu, io);
}

/**
 * exit_pio() - an IN, OUT, INS or OUTS that was intercepted
 * @vcpu: the vCPU
 * @io: decoded access
 */
enum run_result exit_pio(struct kvm_vcpu *vcpu, const struct exit_pio *io)
{
	u32 val = 0;

	if (io->string)
		return vcpu_emulate(vcpu, 0, NULL, 0);
	if (!io->in)
		return pio_out(vcpu, io);
	if (kvm_bus_read(vcpu, KVM_BUS_PIO, io->port, io->size, &val)) {
		trace_kvm_pio(KVM_TRACE_READ, io->port, io->size, 1, &val);
		complete_pio_in(vcpu, val, io->size);
		return exit_skip_insn(vcpu);
	}
	owe(vcpu, COMPLETE_PIO_IN);
	vcpu->complete.pio_size = io->size;
	return pio_to_user(vcpu, io);
}

enum run_result exit_cpuid(struct kvm_vcpu *vcpu)
{
	kvm_cpuid_insn(vcpu);
	return exit_skip_insn(vcpu);
}

/* A debugger's step over HLT ends in the halted state, like that over any instruction. */
enum run_result exit_hlt(struct kvm_vcpu *vcpu)
{
	enum run_result result = exit_skip_insn(vcpu), halted;

	if (result == RUN_TO_USER && vcpu->run->exit_reason != KVM_EXIT_DEBUG)
		return result;
	halted = kvm_vcpu_halt(vcpu);
	return halted == RUN_REENTER ? result : halted;
}

/* An MSR we do not have: userspace may, if it said so by KVM_CAP_X86_USER_SPACE_MSR. */
static enum run_result msr_to_user(struct kvm_vcpu *vcpu, enum msr_result why, bool write, u64 data)
{
	static const u32 reasons[] = {
		[MSR_INVALID] = KVM_MSR_EXIT_REASON_INVAL,
		[MSR_UNKNOWN] = KVM_MSR_EXIT_REASON_UNKNOWN,
		[MSR_FILTERED] = KVM_MSR_EXIT_REASON_FILTER,
	};
	struct kvm_run *run = vcpu->run;

	if (!(vcpu->kvm->user_space_msr_mask & reasons[why]))
		return inject_gp(vcpu);
	run->msr.error = 0;
	memset(run->msr.pad, 0, sizeof(run->msr.pad));
	run->msr.reason = reasons[why];
	run->msr.index = vcpu->regs[VCPU_REGS_RCX];
	run->msr.data = data;
	owe(vcpu, write ? COMPLETE_WRMSR : COMPLETE_RDMSR);
	return vcpu_exit_to_user(vcpu, write ? KVM_EXIT_X86_WRMSR : KVM_EXIT_X86_RDMSR);
}

enum run_result exit_rdmsr(struct kvm_vcpu *vcpu)
{
	u32 index = vcpu->regs[VCPU_REGS_RCX];
	enum msr_result result;
	u64 data = 0;

	if (!kvm_msr_allowed(vcpu, index, KVM_MSR_FILTER_READ))
		return msr_to_user(vcpu, MSR_FILTERED, false, 0);
	result = kvm_get_msr(vcpu, index, &data, false);
	trace_kvm_msr(KVM_TRACE_READ, index, data, result != MSR_OK);
	if (result != MSR_OK)
		return msr_to_user(vcpu, result, false, 0);
	kvm_register_write_raw(vcpu, VCPU_REGS_RAX, (u32)data);
	kvm_register_write_raw(vcpu, VCPU_REGS_RDX, data >> 32);
	return exit_skip_insn(vcpu);
}

enum run_result exit_wrmsr(struct kvm_vcpu *vcpu)
{
	u32 index = vcpu->regs[VCPU_REGS_RCX];
	u64 data = kvm_edx_eax_read(vcpu);
	enum msr_result result;

	if (!kvm_msr_allowed(vcpu, index, KVM_MSR_FILTER_WRITE))
		return msr_to_user(vcpu, MSR_FILTERED, true, data);
	result = kvm_set_msr(vcpu, index, data, false);
	trace_kvm_msr(KVM_TRACE_WRITE, index, data, result != MSR_OK);
	if (result != MSR_OK)
		return msr_to_user(vcpu, result, true, data);
	return exit_skip_insn(vcpu);
}

/* No performance counters are offered, so every index is out of range. */
enum run_result exit_rdpmc(struct kvm_vcpu *vcpu)
{
	return inject_gp(vcpu);
}

/**
 * kvm_hypercall() - what VMCALL or VMMCALL leaves in RAX
 * @vcpu: the vCPU
 *
 * No hypercall is offered to a guest without an in-kernel interrupt
 * controller: every number gets -KVM_ENOSYS, CPL 3 gets -KVM_EPERM.
 * Context: any, also irqs off between an exit and an entry.
 */
void kvm_hypercall(struct kvm_vcpu *vcpu)
{
	long ret = kvm_x86_get_cpl(vcpu) ? -KVM_EPERM : -KVM_ENOSYS;

	vcpu->stat.hypercalls++;
	trace_kvm_hypercall(vcpu->regs[VCPU_REGS_RAX], vcpu->regs[VCPU_REGS_RBX],
			    vcpu->regs[VCPU_REGS_RCX], vcpu->regs[VCPU_REGS_RDX],
			    vcpu->regs[VCPU_REGS_RSI]);
	kvm_register_write_raw(vcpu, VCPU_REGS_RAX, is_64_bit_mode(vcpu) ? ret : (u32)ret);
}

enum run_result exit_hypercall(struct kvm_vcpu *vcpu)
{
	kvm_hypercall(vcpu);
	return exit_skip_insn(vcpu);
}

static enum run_result cr8_write(struct kvm_vcpu *vcpu, unsigned long val)
{
	unsigned long old = kvm_get_cr8(vcpu);

	if (kvm_set_cr8(vcpu, val))
		return inject_gp(vcpu);
	if (lapic_in_kernel(vcpu))
		return exit_skip_insn(vcpu);
	/* Userspace's interrupt controller may have something to deliver now. */
	if (val < old)
		return skip_then_exit(vcpu, KVM_EXIT_SET_TPR);
	return exit_skip_insn(vcpu);
}

static enum run_result cr_write(struct kvm_vcpu *vcpu, u8 cr, unsigned long val)
{
	trace_kvm_cr(KVM_TRACE_WRITE, cr, val);
	switch (cr) {
	case 0:
		return exit_complete_insn_gp(vcpu, kvm_set_cr0(vcpu, val));
	case 2:
		vcpu->cr2 = val;
		return exit_skip_insn(vcpu);
	case 3:
		return exit_complete_insn_gp(vcpu, kvm_set_cr3(vcpu, val));
	case 4:
		return exit_complete_insn_gp(vcpu, kvm_set_cr4(vcpu, val));
	case 8:
		return cr8_write(vcpu, val);
	}
	return exit_undefined(vcpu);
}

static enum run_result cr_read(struct kvm_vcpu *vcpu, u8 cr, u8 gpr)
{
	unsigned long val;

	switch (cr) {
	case 0:
		val = kvm_read_cr0(vcpu);
		break;
	case 2:
		val = vcpu->cr2;
		break;
	case 3:
		val = kvm_read_cr3(vcpu);
		break;
	case 4:
		val = kvm_read_cr4(vcpu);
		break;
	case 8:
		val = kvm_get_cr8(vcpu);
		break;
	default:
		return exit_undefined(vcpu);
	}
	trace_kvm_cr(KVM_TRACE_READ, cr, val);
	kvm_register_write(vcpu, gpr, val);
	return exit_skip_insn(vcpu);
}

enum run_result exit_cr(struct kvm_vcpu *vcpu, const struct exit_cr *access)
{
	if (access->write)
		return cr_write(vcpu, access->cr, kvm_register_read(vcpu, access->gpr));
	return cr_read(vcpu, access->cr, access->gpr);
}

enum run_result exit_clts(struct kvm_vcpu *vcpu)
{
	unsigned long cr0 = kvm_read_cr0(vcpu) & ~X86_CR0_TS;

	return exit_complete_insn_gp(vcpu, kvm_set_cr0(vcpu, cr0));
}

/* LMSW writes PE, MP, EM and TS, and cannot clear PE. */
enum run_result exit_lmsw(struct kvm_vcpu *vcpu, u16 msw)
{
	unsigned long cr0 = (kvm_read_cr0(vcpu) & ~0xeUL) | (msw & 0xf);

	return exit_complete_insn_gp(vcpu, kvm_set_cr0(vcpu, cr0));
}

/**
 * exit_dr() - MOV to or from a debug register
 * @vcpu: the vCPU
 * @access: decoded access
 *
 *	condition			guest gets
 *	nobody else owns them		all of them until the next exit
 *	DR4, DR5 with CR4.DE		#UD
 *	CPL above 0			#GP
 *	DR7.GD				#DB with DR6.BD (or the debugger an exit)
 *	upper half of DR6, DR7 set	#GP
 *
 * Source: Intel SDM volume 2, "MOV - Move to/from Debug Registers".
 */
enum run_result exit_dr(struct kvm_vcpu *vcpu, const struct exit_dr *access)
{
	if (kvm_lend_debug_regs(vcpu))
		return RUN_REENTER;
	/* Where the exit comes before the CPU's own checks: in the order the CPU makes them. */
	if ((access->dr == 4 || access->dr == 5) && kvm_read_cr4_bits(vcpu, X86_CR4_DE))
		return exit_undefined(vcpu);
	if (kvm_x86_get_cpl(vcpu))
		return inject_gp(vcpu);
	if (vcpu->dr7 & KVM_DR7_GD) {
		if (vcpu->guest_debug & KVM_GUESTDBG_USE_HW_BP)
			return exit_debug(vcpu, DB_VECTOR, vcpu->dr6 | KVM_DR6_BD,
					  kvm_get_linear_rip(vcpu));
		kvm_queue_exception_p(vcpu, DB_VECTOR, KVM_DR6_BD);
		return RUN_REENTER;
	}
	if (access->write)
		return exit_complete_insn_gp(vcpu,
				kvm_set_dr(vcpu, access->dr,
					   kvm_register_read(vcpu, access->gpr)));
	kvm_register_write(vcpu, access->gpr, kvm_get_dr(vcpu, access->dr));
	return exit_skip_insn(vcpu);
}

enum run_result exit_xsetbv(struct kvm_vcpu *vcpu)
{
	int err = kvm_x86_get_cpl(vcpu) ||
		  kvm_set_xcr(vcpu, vcpu->regs[VCPU_REGS_RCX], kvm_edx_eax_read(vcpu));

	return exit_complete_insn_gp(vcpu, err);
}

/*
 * WBINVD and INVD. Caches stay coherent without the guest's help: no device of a
 * guest bypasses them. A guest must not flush the whole machine's, let alone
 * throw away what the host has in them.
 */
enum run_result exit_wbinvd(struct kvm_vcpu *vcpu)
{
	return exit_skip_insn(vcpu);
}

/* MONITOR arms nothing and MWAIT does not wait: legal, if the guest may use them at all. */
enum run_result exit_monitor(struct kvm_vcpu *vcpu)
{
	if (!guest_cap(vcpu, GUEST_CAP_MONITOR))
		return exit_undefined(vcpu);
	return exit_skip_insn(vcpu);
}

enum run_result exit_pause(struct kvm_vcpu *vcpu)
{
	enum run_result result = exit_skip_insn(vcpu);

	kvm_vcpu_on_spin(vcpu);
	return result;
}

enum run_result exit_undefined(struct kvm_vcpu *vcpu)
{
	kvm_queue_exception(vcpu, UD_VECTOR);
	return RUN_REENTER;
}

static enum run_result debug_exception(struct kvm_vcpu *vcpu, unsigned long conditions)
{
	if (!(vcpu->guest_debug & (KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_HW_BP))) {
		kvm_queue_exception_p(vcpu, DB_VECTOR, conditions);
		return RUN_REENTER;
	}
	return exit_debug(vcpu, DB_VECTOR, (conditions | DR6_ACTIVE_LOW) ^
			  (conditions & DR6_ACTIVE_LOW), kvm_get_linear_rip(vcpu));
}

/*
 * Does the guest check alignment here? If not, the host's detection of split
 * locks has hit an access of the guest, which knows nothing of that.
 *
 * Source: Intel SDM volume 3, "Interrupt 17 - Alignment Check Exception (#AC)".
 */
static bool guest_checks_alignment(struct kvm_vcpu *vcpu)
{
	return !boot_cpu_has(X86_FEATURE_SPLIT_LOCK_DETECT) ||
	       (kvm_x86_get_cpl(vcpu) == 3 && kvm_read_cr0_bits(vcpu, X86_CR0_AM) &&
		kvm_x86_get_rflags(vcpu) & X86_EFLAGS_AC);
}

/* The kernel warns and lets it pass, or its policy is not to. It may sleep. */
static enum run_result split_lock(struct kvm_vcpu *vcpu, u32 error_code)
{
	if (handle_guest_split_lock(kvm_rip_read(vcpu)))
		return RUN_REENTER;
	vcpu->run->ex.exception = AC_VECTOR;
	vcpu->run->ex.error_code = error_code;
	return vcpu_exit_to_user(vcpu, KVM_EXIT_EXCEPTION);
}

/**
 * exit_exception() - an exception that was intercepted instead of delivered
 * @vcpu: the vCPU
 * @ex: decoded exception
 *
 *	vector	intercepted because			then
 *	#DB	endless delivery must not hang the CPU	debugger or guest
 *	#BP	a debugger's software breakpoint	debugger or guest
 *	#AC	endless delivery must not hang the CPU	guest, or the host's policy
 *							of split locks
 *	#MC	it is the host's			already handled with irqs off
 *	other	-					guest
 */
enum run_result exit_exception(struct kvm_vcpu *vcpu, const struct exit_exception *ex)
{
	switch (ex->vector) {
	case DB_VECTOR:
		return debug_exception(vcpu, ex->payload);
	case BP_VECTOR:
		if (vcpu->guest_debug & KVM_GUESTDBG_USE_SW_BP)
			return exit_debug(vcpu, BP_VECTOR, 0, kvm_get_linear_rip(vcpu));
		kvm_queue_exception(vcpu, BP_VECTOR);
		return RUN_REENTER;
	case MC_VECTOR:
		return RUN_REENTER;
	case PF_VECTOR:
		kvm_end_delivery(vcpu);
		kvm_inject_page_fault(vcpu, ex->payload, ex->error_code);
		return RUN_REENTER;
	case DF_VECTOR:
	case TS_VECTOR:
	case NP_VECTOR:
	case SS_VECTOR:
	case GP_VECTOR:
	case CP_VECTOR:
		break;
	case AC_VECTOR:
		if (!guest_checks_alignment(vcpu))
			return split_lock(vcpu, ex->error_code);
		break;
	default:
		kvm_end_delivery(vcpu);
		kvm_queue_exception(vcpu, ex->vector);
		return RUN_REENTER;
	}
	kvm_end_delivery(vcpu);
	kvm_queue_exception_e(vcpu, ex->vector, ex->error_code);
	return RUN_REENTER;
}

/* As the CPU words it, for the trace. */
static u64 page_fault_code(const struct tdp_fault *fault)
{
	return (fault->present ? X86_PF_PROT : 0) | (fault->write ? X86_PF_WRITE : 0) |
	       (fault->user ? X86_PF_USER : 0) | (fault->rsvd ? X86_PF_RSVD : 0) |
	       (fault->exec ? X86_PF_INSTR : 0);
}

/* There is no memory: do what the instruction at RIP does to the device. */
static enum run_result access_device(struct kvm_vcpu *vcpu, const struct tdp_fault *fault,
				     const u8 *insn, int insn_len)
{
	/*
	 * The CPU was delivering an event: the access is not the one of the
	 * instruction at RIP, which must not be emulated for it.
	 */
	if (kvm_event_needs_reinjection(vcpu))
		return vcpu_internal_error(vcpu, KVM_INTERNAL_ERROR_DELIVERY_EV, 2,
					   kvm_x86_exit_reason(vcpu), (u64)fault->gpa);
	return vcpu_access_device(vcpu, fault, insn, insn_len);
}

/**
 * exit_apic_access() - an access to the local APIC's page that hardware knows, and leaves to us
 * @vcpu: the vCPU
 * @fault: the access; its page is the one of tdp_drop_apic_page()
 */
enum run_result exit_apic_access(struct kvm_vcpu *vcpu, const struct tdp_fault *fault)
{
	return access_device(vcpu, fault, NULL, 0);
}

/**
 * exit_tdp_fault() - an access the second-stage tables did not allow
 * @vcpu: the vCPU
 * @fault: decoded fault
 * @insn: instruction bytes the hardware supplied, or NULL
 * @insn_len: how many
 */
enum run_result exit_tdp_fault(struct kvm_vcpu *vcpu, const struct tdp_fault *fault,
			       const u8 *insn, int insn_len)
{
	trace_kvm_page_fault(vcpu, fault->gpa, page_fault_code(fault));
	switch (tdp_handle_fault(vcpu, fault)) {
	case TDP_FIXED:
	case TDP_SPURIOUS:
	case TDP_RETRY:
	case TDP_HWPOISON:
		return RUN_REENTER;
	case TDP_MMIO:
		return access_device(vcpu, fault, insn, insn_len);
	case TDP_EFAULT:
		return vcpu_run_error(vcpu, -EFAULT);
	case TDP_ENOMEM:
		return vcpu_run_error(vcpu, -ENOMEM);
	case TDP_BUG:
		break;
	}
	/* A defect of ours. Whatever hangs on these tables may be the wrong memory. */
	pr_err_ratelimited("%s: malformed second-stage entry for %llx, the VM is stopped\n",
			   VENDOR_NAME, fault->gpa);
	kvm_vm_bugged(vcpu->kvm);
	return vcpu_run_error(vcpu, -EIO);
}

enum run_result exit_emulate(struct kvm_vcpu *vcpu)
{
	return vcpu_emulate(vcpu, 0, NULL, 0);
}

enum run_result exit_irq_window(struct kvm_vcpu *vcpu)
{
	vcpu->stat.irq_window_exits++;
	/*
	 * What the window was armed for may be gone by now: its line went down, the
	 * PIC or the task priority masks it. Only the last needs something: the
	 * write that lowers the priority again has to be seen.
	 */
	if (kvm_irq_waits(vcpu) || kvm_user_wants_irq_window(vcpu))
		kvm_make_event_request(vcpu, EVENT_IRQ_WINDOW);
	else
		kvm_irq_arm_tpr(vcpu);
	/* An NMI behind STI's shadow waits for this window where its own opens too early. */
	if (vcpu->ev.nmi_pending)
		kvm_make_event_request(vcpu, EVENT_NMI);
	return RUN_REENTER;
}

enum run_result exit_nmi_window(struct kvm_vcpu *vcpu)
{
	vcpu->stat.nmi_window_exits++;
	kvm_make_event_request(vcpu, EVENT_NMI);
	return RUN_REENTER;
}

/**
 * exit_tpr_lowered() - the guest lowered TPR below what kvm_x86_update_cr8_intercept() said
 * @vcpu: the vCPU; the instruction has retired
 */
enum run_result exit_tpr_lowered(struct kvm_vcpu *vcpu)
{
	kvm_lapic_recheck(vcpu, EVENT_PPR_TPR);
	return RUN_REENTER;
}

/**
 * exit_eoi_induced() - hardware ended an interrupt whose EOI somebody waits for
 * @vcpu: the vCPU; the instruction has retired
 * @vector: the vector
 */
enum run_result exit_eoi_induced(struct kvm_vcpu *vcpu, u8 vector)
{
	kvm_lapic_eoi_induced(vcpu, vector);
	return RUN_REENTER;
}

/**
 * exit_apic_written() - hardware has stored to a register of the local APIC, and no more
 * @vcpu: the vCPU; the instruction has retired
 * @offset: the register
 */
enum run_result exit_apic_written(struct kvm_vcpu *vcpu, unsigned int offset)
{
	kvm_lapic_write_reg(vcpu, offset, lapic_reg(vcpu->lapic, offset));
	return RUN_REENTER;
}

enum run_result exit_external_interrupt(struct kvm_vcpu *vcpu)
{
	vcpu->stat.irq_exits++;
	return RUN_REENTER;
}

/*
 * Userspace will reset the machine or give up. Until then the state is the
 * guest's last, for a debugger to look at, or if that is lost what INIT leaves.
 */
enum run_result exit_shutdown(struct kvm_vcpu *vcpu, bool state_lost)
{
	if (state_lost)
		kvm_vcpu_reset(vcpu, true);
	return vcpu_exit_to_user(vcpu, KVM_EXIT_SHUTDOWN);
}

bool exit_dump_failed_entry;

enum run_result exit_fail_entry(struct kvm_vcpu *vcpu, const struct exit_failed_entry *how)
{
	/* The extension was switched off under the vCPU's feet, for good. */
	if (READ_ONCE(kvm_rebooting))
		return vcpu_run_error(vcpu, -EIO);
	pr_err_ratelimited("%s: vCPU %d on CPU %d: entry failed: %s%s, reason %llx, information %llx\n",
			   VENDOR_NAME, vcpu->vcpu_id, vcpu->last_run_cpu, how->what, how->detail,
			   how->reason, how->info);
	if (READ_ONCE(exit_dump_failed_entry))
		kvm_x86_dump_state(vcpu);
	vcpu->run->fail_entry.hardware_entry_failure_reason = how->reason;
	vcpu->run->fail_entry.cpu = vcpu->last_run_cpu;
	return vcpu_exit_to_user(vcpu, KVM_EXIT_FAIL_ENTRY);
}

enum run_result exit_unknown(struct kvm_vcpu *vcpu, u64 hardware_reason)
{
	return vcpu_internal_error(vcpu, KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON, 2,
				   hardware_reason, (u64)vcpu->last_run_cpu);
}
