// SPDX-License-Identifier: GPL-2.0-only
/*
 * The software guest: executes a script of steps until one exits, and decodes
 * that exit as a vendor does. A script that ran out exits with an unknown
 * reason, so a test cannot run for ever.
 */
#include <asm/apic.h>
#include <asm/irq_vectors.h>
#include <asm/processor-flags.h>
#include <asm/tsc.h>
#include <linux/irqflags.h>
#include <linux/kvm.h>

#include "core/event.h"
#include "core/exit.h"
#include "core/fastpath.h"
#include "core/irq/lapic.h"
#include "core/regs.h"
#include "core/request.h"
#include "ops/run.h"
#include "tests/fake/fake.h"

/*
 * No kick takes this many milliseconds; it only bounds a test that has failed already.
 * An emulated CPU of a busy machine may stand still for seconds. Interrupts are off
 * meanwhile: the kernel's watchdog of lockups bites after 20 seconds.
 */
#define FAKE_STUCK_MS	15000

/* Interrupts that a kick, a request to all or an immediate exit can be: all above 0xe0. */
#define IRR_WORD	7
#define KICK_BITS	(BIT(RESCHEDULE_VECTOR % 32) | BIT(CALL_FUNCTION_VECTOR % 32) | \
			 BIT(CALL_FUNCTION_SINGLE_VECTOR % 32) | BIT(IRQ_WORK_VECTOR % 32))

/*
 * Interrupts are off, as around a real VM-entry: one that arrives stays in the
 * local APIC, ends the guest, and is taken by the core afterwards. Timer ticks
 * do not count, or they would hide a kick that got lost.
 */
static bool fake_kick_pending(void)
{
	u32 irr;

	BUILD_BUG_ON(RESCHEDULE_VECTOR / 32 != IRR_WORD || IRQ_WORK_VECTOR / 32 != IRR_WORD);
	if (x2apic_enabled())
		irr = native_read_msr(APIC_BASE_MSR + ((APIC_IRR + 0x10 * IRR_WORD) >> 4));
	else
		irr = native_apic_mem_read(APIC_IRR + 0x10 * IRR_WORD);
	return irr & KICK_BITS;
}

void fake_take_back_injection(struct fake_vcpu *fake)
{
	struct fake_injection inject = fake->inject;
	struct kvm_vcpu *vcpu = &fake->vcpu;

	fake->inject.kind = FAKE_EVENT_NONE;
	kvm_events_delivered(&vcpu->ev);

	switch (inject.kind) {
	case FAKE_EVENT_NONE:
		return;
	case FAKE_EVENT_EXCEPTION:
		kvm_requeue_exception(vcpu, inject.vector, inject.has_error_code,
				      inject.error_code);
		break;
	case FAKE_EVENT_NMI:
		vcpu->ev.nmi_injected = true;
		break;
	case FAKE_EVENT_IRQ:
		kvm_queue_interrupt(vcpu, inject.vector, inject.soft);
		break;
	}
}

/* The guest takes the event through an interrupt gate. */
static void fake_deliver(struct fake_vcpu *fake)
{
	struct kvm_vcpu *vcpu = &fake->vcpu;

	if (fake->inject.kind != FAKE_EVENT_NONE) {
		fake_log_add(fake, FAKE_DELIVER, fake->inject.kind, fake->inject.vector);
		fake->hw_rflags &= ~(X86_EFLAGS_IF | X86_EFLAGS_TF);
		fake->shadow = 0;
		if (fake->inject.kind == FAKE_EVENT_NMI)
			fake->nmi_masked = true;
		fake->inject.kind = FAKE_EVENT_NONE;
	}
	kvm_events_delivered(&vcpu->ev);
}

static void fake_exit(struct fake_vcpu *fake, const struct fake_step *step)
{
	fake->step = *step;
	fake_log_add(fake, FAKE_EXIT, step->kind, 0);
}

static void fake_exit_kind(struct fake_vcpu *fake, enum fake_step_kind kind)
{
	fake_exit(fake, &(struct fake_step){ .kind = kind });
}

static struct fake_step *fake_next_step(struct fake_vcpu *fake)
{
	return fake->script_nr ? &fake->script[fake->script_head % FAKE_SCRIPT_LEN] : NULL;
}

static void fake_pop_step(struct fake_vcpu *fake)
{
	fake->script_head++;
	fake->script_nr--;
}

/* A window that core armed is open at this instruction boundary. */
static bool fake_window_opens(struct fake_vcpu *fake)
{
	if (fake->nmi_window && !fake->nmi_masked && !fake->shadow) {
		fake->nmi_window = false;
		fake_exit_kind(fake, FAKE_STEP_NMI_WINDOW);
		return true;
	}
	if (fake->irq_window && (fake->hw_rflags & X86_EFLAGS_IF) && !fake->shadow) {
		fake->irq_window = false;
		fake_exit_kind(fake, FAKE_STEP_IRQ_WINDOW);
		return true;
	}
	return false;
}

static void fake_execute(struct fake_vcpu *fake, const struct fake_step *step)
{
	u32 shadow = 0;

	switch (step->kind) {
	case FAKE_STEP_STI:
		if (!(fake->hw_rflags & X86_EFLAGS_IF))
			shadow = KVM_X86_SHADOW_INT_STI;
		fake->hw_rflags |= X86_EFLAGS_IF;
		break;
	case FAKE_STEP_CLI:
		fake->hw_rflags &= ~X86_EFLAGS_IF;
		break;
	case FAKE_STEP_MOV_SS:
		shadow = KVM_X86_SHADOW_INT_MOV_SS;
		break;
	case FAKE_STEP_IRET:
		fake->nmi_masked = false;
		break;
	case FAKE_STEP_OTHERS_REQUEST:
		kvm_make_request(step->value, &fake->vcpu);
		break;
	case FAKE_STEP_OTHERS_KICK:
		cmpxchg(&fake->vcpu.mode, IN_RUN_LOOP, EXITING_RUN_LOOP);
		break;
	case FAKE_STEP_HOST_WORK:
		set_thread_flag(TIF_NOTIFY_RESUME);
		break;
	case FAKE_STEP_MOV_REG:
		if (step->reg == VCPU_REGS_RIP)
			fake->hw_rip = step->value - step->insn_len;
		else if (step->reg == VCPU_REGS_RSP)
			fake->hw_rsp = step->value;
		else
			fake->vcpu.regs[step->reg] = step->value;
		break;
	default:
		break;
	}
	fake->shadow = shadow;
	fake->hw_rip += step->insn_len;
}

static void fake_wait_kick(struct fake_vcpu *fake)
{
	u64 end = rdtsc() + (u64)tsc_khz * FAKE_STUCK_MS;

	while (!fake_kick_pending()) {
		if (rdtsc() > end) {
			fake_log_add(fake, FAKE_GUEST_STUCK, 0, 0);
			break;
		}
		cpu_relax();
	}
	fake_exit_kind(fake, FAKE_STEP_EXTERNAL_INTERRUPT);
}

/* As hardware that delivers interrupts; their handlers end at once. */
static void fake_take_posted(struct fake_vcpu *fake)
{
	struct kvm_vcpu *vcpu = &fake->vcpu;
	int vector;

	fake_collect_posted(vcpu);
	vector = lapic_find_highest(vcpu->lapic->regs + APIC_IRR);
	if (vector < 0)
		return;
	clear_bit(vector % 32, lapic_vector_word(vcpu->lapic->regs + APIC_IRR, vector));
	WRITE_ONCE(fake->nr_posted_taken, fake->nr_posted_taken + 1);
}

/* The guest's idle loop: handlers have ended, interrupts are on. */
static void fake_idle(struct fake_vcpu *fake)
{
	if (fake->apicv_active)
		fake_take_posted(fake);
	fake->nmi_masked = false;
	fake->hw_rflags |= X86_EFLAGS_IF;
	fake->shadow = 0;
	fake_exit(fake, &(struct fake_step){ .kind = FAKE_STEP_HLT, .insn_len = 1 });
}

/* Run steps until one exits. */
static void fake_run_script(struct fake_vcpu *fake)
{
	struct fake_step *step;

	while (!fake_window_opens(fake)) {
		step = fake_next_step(fake);
		if (!step && READ_ONCE(fake->idle_waits)) {
			fake_wait_kick(fake);
			return;
		}
		if (!step && READ_ONCE(fake->idle_halts)) {
			fake_idle(fake);
			return;
		}
		if (!step) {
			fake_exit(fake, &(struct fake_step){
					.kind = FAKE_STEP_UNKNOWN,
					.hardware_reason = FAKE_REASON_NO_STEP });
			return;
		}
		fake_pop_step(fake);
		if (step->kind == FAKE_STEP_WAIT_KICK) {
			fake_wait_kick(fake);
			return;
		}
		if (step->kind >= FAKE_FIRST_EXIT) {
			fake_exit(fake, step);
			return;
		}
		fake_execute(fake, step);
	}
}

/* From entry to exit; the exit is left in fake->step. */
static void fake_guest(struct fake_vcpu *fake)
{
	struct fake_step *step = fake_next_step(fake);

	if (step && step->cut_short && fake->inject.kind != FAKE_EVENT_NONE) {
		fake_exit(fake, step);
		fake_pop_step(fake);
		fake_take_back_injection(fake);
		return;
	}
	fake_deliver(fake);

	/* What was sent with interrupts off, just before entry, exits here. */
	if (fake->immediate_exit || fake_kick_pending()) {
		fake->immediate_exit = false;
		fake_exit_kind(fake, FAKE_STEP_EXTERNAL_INTERRUPT);
		return;
	}
	fake_run_script(fake);
}

/* What core has promised to whoever enters. */
static void fake_check_context(struct fake_vcpu *fake)
{
	if (!irqs_disabled() || fake->loaded_cpu != smp_processor_id() ||
	    READ_ONCE(fake->vcpu.mode) == OUTSIDE_RUN_LOOP)
		fake_log_add(fake, FAKE_BAD_CONTEXT, 0, 0);
}

/* As a vendor decodes the exits that need nothing but registers. */
static enum run_result fake_handle_fast(struct fake_vcpu *fake)
{
	const struct fake_step *step = &fake->step;
	struct kvm_vcpu *vcpu = &fake->vcpu;

	if (!vcpu->fast_allowed || kvm_event_needs_reinjection(vcpu))
		return RUN_REENTER;
	switch (step->kind) {
	case FAKE_STEP_FAST_KICKED:
		WRITE_ONCE(vcpu->mode, EXITING_RUN_LOOP);
		fallthrough;
	case FAKE_STEP_FAST:
		fake->hw_rip += step->insn_len;
		return RUN_REENTER_FAST;
	case FAKE_STEP_CPUID:
		return fast_cpuid(vcpu);
	case FAKE_STEP_TDP_FAULT:
		return fast_tdp_fault(vcpu, &step->fault);
	case FAKE_STEP_RDMSR:
		return fast_rdmsr(vcpu);
	case FAKE_STEP_WRMSR:
		return fast_wrmsr(vcpu);
	case FAKE_STEP_HYPERCALL:
		return fast_hypercall(vcpu);
	case FAKE_STEP_PIO:
		return fast_pio(vcpu, &step->pio);
	case FAKE_STEP_CR:
		if (step->cr.cr != 8)
			return RUN_REENTER;
		if (step->cr.write)
			return fast_cr8_write(vcpu, step->cr.gpr);
		return fast_cr8_read(vcpu, step->cr.gpr);
	default:
		return RUN_REENTER;
	}
}

enum run_result kvm_x86_vcpu_run(struct kvm_vcpu *vcpu, bool again)
{
	struct fake_vcpu *fake = to_fake(vcpu);

	fake_check_context(fake);
	fake->nr_long_ways += !again;
	/* The last look before the guest: what a kick was for is known now, or the kick ends it. */
	WRITE_ONCE(fake->news_seen, READ_ONCE(fake->news));

	if (vcpu->regs_dirty & BIT(VCPU_REGS_RIP))
		fake->hw_rip = vcpu->regs[VCPU_REGS_RIP];
	if (vcpu->regs_dirty & BIT(VCPU_REGS_RSP))
		fake->hw_rsp = vcpu->regs[VCPU_REGS_RSP];
	if (vcpu->regs_dirty & BIT(VCPU_EXREG_CR3))
		fake->hw_cr3 = vcpu->cr3;
	vcpu->regs_dirty = 0;

	fake_log_add(fake, FAKE_ENTER, ++fake->nr_entries, again);
	WRITE_ONCE(fake->in_guest_entry, fake->nr_entries);
	fake_guest(fake);
	WRITE_ONCE(fake->in_guest_entry, 0);
	vcpu->regs_avail &= ~(BIT(VCPU_REGS_RIP) | BIT(VCPU_REGS_RSP) | BIT(VCPU_EXREG_CR3));
	return fake_handle_fast(fake);
}

void kvm_x86_handle_exit_irqoff(struct kvm_vcpu *vcpu)
{
}

enum run_result kvm_x86_handle_exit(struct kvm_vcpu *vcpu)
{
	const struct fake_step *step = &to_fake(vcpu)->step;

	switch (step->kind) {
	case FAKE_STEP_PIO:
		return exit_pio(vcpu, &step->pio);
	case FAKE_STEP_CPUID:
		return exit_cpuid(vcpu);
	case FAKE_STEP_HLT:
		/* The last thing an interrupt's handler does exits, too. */
		if (to_fake(vcpu)->idle_halts && lapic_in_kernel(vcpu))
			kvm_lapic_write_reg(vcpu, APIC_EOI, 0);
		return exit_hlt(vcpu);
	case FAKE_STEP_RDMSR:
		return exit_rdmsr(vcpu);
	case FAKE_STEP_WRMSR:
		return exit_wrmsr(vcpu);
	case FAKE_STEP_HYPERCALL:
		return exit_hypercall(vcpu);
	case FAKE_STEP_CR:
		return exit_cr(vcpu, &step->cr);
	case FAKE_STEP_CLTS:
		return exit_clts(vcpu);
	case FAKE_STEP_DR:
		return exit_dr(vcpu, &step->dr);
	case FAKE_STEP_XSETBV:
		return exit_xsetbv(vcpu);
	case FAKE_STEP_PAUSE:
		return exit_pause(vcpu);
	case FAKE_STEP_UNDEFINED:
		return exit_undefined(vcpu);
	case FAKE_STEP_EXCEPTION:
		return exit_exception(vcpu, &step->ex);
	case FAKE_STEP_TDP_FAULT:
		return exit_tdp_fault(vcpu, &step->fault, NULL, 0);
	case FAKE_STEP_EMULATE:
		return exit_emulate(vcpu);
	case FAKE_STEP_IRQ_WINDOW:
		return exit_irq_window(vcpu);
	case FAKE_STEP_NMI_WINDOW:
		return exit_nmi_window(vcpu);
	case FAKE_STEP_EXTERNAL_INTERRUPT:
		return exit_external_interrupt(vcpu);
	case FAKE_STEP_SHUTDOWN:
		return exit_shutdown(vcpu, step->state_lost);
	case FAKE_STEP_FAIL_ENTRY:
		return exit_fail_entry(vcpu, &(struct exit_failed_entry) {
			.reason = step->hardware_reason, .what = "as told", .detail = "" });
	default:
		return exit_unknown(vcpu, step->hardware_reason);
	}
}

bool kvm_x86_skip_emulated_instruction(struct kvm_vcpu *vcpu)
{
	struct fake_vcpu *fake = to_fake(vcpu);

	if (!fake->step.insn_len)
		return false;
	kvm_rip_write(vcpu, kvm_rip_read(vcpu) + fake->step.insn_len);
	fake_log_add(fake, FAKE_SKIP, fake->step.insn_len, 0);
	return true;
}

u64 kvm_x86_exit_reason(struct kvm_vcpu *vcpu)
{
	return to_fake(vcpu)->step.kind;
}

void kvm_x86_exit_info(struct kvm_vcpu *vcpu, u64 *info1, u64 *info2, u32 *intr_info,
		       u32 *error_code)
{
	*info1 = to_fake(vcpu)->step.hardware_reason;
	*info2 = 0;
	*intr_info = 0;
	*error_code = 0;
}

void kvm_x86_dump_state(struct kvm_vcpu *vcpu)
{
	to_fake(vcpu)->dumps++;
}
