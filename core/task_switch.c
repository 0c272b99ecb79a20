// SPDX-License-Identifier: GPL-2.0-only
/*
 * The exit of a task switch: what becomes of the event that asked for it, and
 * what the emulator leaves to its caller. Only for vendors whose CPU cannot
 * switch tasks in a guest.
 *
 * Source: Intel SDM volume 3, "Task Switching", "Treatment of Task Switches".
 */
#include <linux/sched.h>
#include <asm/debugreg.h>

#include "core/complete.h"
#include "core/debug.h"
#include "core/emul/task.h"
#include "core/event.h"
#include "core/exit.h"
#include "core/regs.h"
#include "core/run.h"
#include "core/vcpu.h"
#include "ops/event.h"
#include "ops/run.h"

/* DR7: breakpoints of this task only. */
#define DR7_LOCAL	(DR_LOCAL_ENABLE_MASK | DR_LOCAL_SLOWDOWN)

/**
 * exit_task_switch() - do what the CPU has left undone
 * @vcpu: the vCPU; the event that went through a gate, if any, is in vcpu->ev
 * @how: who asks for which task
 *
 * An exception on the way into the new task meets the one that went through
 * the gate: they merge as in any delivery. An interrupt or NMI is the new task's
 * business, or lost to the exception: of INT n RIP says which.
 */
enum run_result exit_task_switch(struct kvm_vcpu *vcpu, const struct exit_task_switch *how)
{
	struct emul_task_switch sw = {
		.selector = how->selector,
		.source = how->source,
		.external = how->source == EMUL_TASK_GATE && !how->insn_len,
		.has_error = how->has_error,
		.error_code = how->error_code,
		.next_ip = kvm_rip_read(vcpu) + how->insn_len,
	};
	enum emul_status status;

	kvm_x86_host_data_touched(vcpu);
	vcpu->stat.insn_emulation++;
	status = emul_task_switch(&vcpu->emul, &sw);
	if (sw.switched)
		kvm_set_dr(vcpu, 7, vcpu->dr7 & ~(unsigned long)DR7_LOCAL);
	if (sw.switched || status != EMUL_FAILED || vcpu->ev.interrupt.soft)
		kvm_end_delivery(vcpu);
	if (status == EMUL_FAILED) {
		vcpu->stat.insn_emulation_fail++;
		return vcpu_internal_error(vcpu, KVM_INTERNAL_ERROR_EMULATION, 0);
	}
	if (status == EMUL_EXCEPTION) {
		vcpu_queue_emul_exception(vcpu);
		return RUN_REENTER;
	}
	kvm_clear_exception_queue(vcpu);
	if (sw.trap)
		kvm_queue_exception_p(vcpu, DB_VECTOR, DR_SWITCH);
	return RUN_REENTER;
}
