// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests and kicks: how any thread makes a vCPU do something before its
 * next entry. The protocol between a kick and an entry is argued here, at
 * both its ends; the entry itself is in run.c.
 */
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/smp.h>

#include "core/block.h"
#include "core/clock.h"
#include "core/event.h"
#include "core/exit.h"
#include "core/irq/inject.h"
#include "core/irq/lapic.h"
#include "core/irq/scan.h"
#include "core/msr.h"
#include "core/request.h"
#include "core/run.h"
#include "core/vm.h"
#include "ops/apic.h"
#include "ops/mmu.h"

/*
 * Interrupt the CPU on which the vCPU's thread runs.
 *
 * The thread, not vcpu->cpu, is the address: if it moved to another CPU since,
 * it left the guest to do so, and that is all a kick wants. kick_process()
 * sends nothing to the current CPU, rightly: code that runs here proves that
 * no guest does.
 */
static void interrupt_vcpu_thread(struct kvm_vcpu *vcpu)
{
	struct task_struct *task;

	rcu_read_lock();
	task = pid_task(rcu_dereference(vcpu->pid), PIDTYPE_PID);
	if (task)
		kick_process(task);
	rcu_read_unlock();
	atomic64_inc(&vcpu->kvm->stat.kicks_sent);
}

/*
 * Kick against entry. x86 may let a CPU's load pass its own earlier store, so
 * both sides need a full barrier between the two:
 *
 *	kicker					vCPU (enter_guest(), irqs off)
 *	------					----
 *	requests |= bit				mode = IN_RUN_LOOP
 *	full barrier (locked cmpxchg)		full barrier (smp_store_mb())
 *	read mode				read requests
 *
 * Either the vCPU sees the request and does not enter, or the kicker sees
 * IN_RUN_LOOP and sends an interrupt. The vCPU has interrupts off from before
 * it writes the mode until the guest runs, so the interrupt either stays
 * pending and makes the entry exit at once, or hits the guest.
 *
 * Without a request the same holds by mode alone: the compare-and-exchange
 * leaves EXITING_RUN_LOOP behind, and the vCPU reads its mode back as the last
 * thing before the switch.
 *
 * A locked cmpxchg is a full barrier on x86 whether or not it succeeds.
 *
 * The model is tests/model/kick.pml.
 *
 * Return: true if the vCPU was in its run loop and nobody had kicked it yet.
 */
static bool leave_run_loop(struct kvm_vcpu *vcpu)
{
	return cmpxchg(&vcpu->mode, IN_RUN_LOOP, EXITING_RUN_LOOP) == IN_RUN_LOOP;
}

void kvm_vcpu_kick(struct kvm_vcpu *vcpu)
{
	if (leave_run_loop(vcpu))
		interrupt_vcpu_thread(vcpu);
}

/* An interrupt that is taken proves that the CPU left the guest; there is no more to do. */
static void ack_left_guest(void *unused)
{
}

static DEFINE_PER_CPU(cpumask_t, kick_mask);

/*
 * Kick all vCPUs and wait. A vCPU found EXITING_RUN_LOOP is interrupted too:
 * somebody else's kick may not have arrived yet.
 */
static void kick_all(struct kvm *kvm, bool with_request, enum kvm_req req)
{
	struct kvm_vcpu *vcpu;
	struct cpumask *mask;
	unsigned long i;
	int me, cpu;

	me = get_cpu();
	mask = this_cpu_ptr(&kick_mask);
	cpumask_clear(mask);
	kvm_for_each_vcpu(i, vcpu, kvm) {
		if (with_request)
			kvm_make_request(req, vcpu);
		/* See leave_run_loop() for the barrier; the mode is left EXITING. */
		if (cmpxchg(&vcpu->mode, IN_RUN_LOOP, EXITING_RUN_LOOP) == OUTSIDE_RUN_LOOP)
			continue;
		/*
		 * vcpu->cpu was written before the mode. If it changes under us, the
		 * vCPU left the guest on the old CPU by itself.
		 */
		cpu = READ_ONCE(vcpu->cpu);
		if (cpu >= 0 && cpu != me)
			__cpumask_set_cpu(cpu, mask);
	}
	if (!cpumask_empty(mask)) {
		smp_call_function_many(mask, ack_left_guest, NULL, true);
		atomic64_inc(&kvm->stat.kicks_sent);
	}
	put_cpu();
}

/**
 * kvm_make_all_cpus_request() - raise a request on every vCPU, wait until none runs without it
 * @kvm: the VM
 * @req: the request
 *
 * On return no vCPU runs guest code that it entered before the call: each
 * either is outside, or serves the request before it enters. What the guest
 * could reach by stale translations may be freed then.
 *
 * Context: interrupts on; may be called with mmu_lock held.
 */
void kvm_make_all_cpus_request(struct kvm *kvm, enum kvm_req req)
{
	kick_all(kvm, true, req);
}

/**
 * kvm_kick_all_cpus() - wait until every vCPU has left what it runs
 * @kvm: the VM
 *
 * On return each has done, for all guest code that it entered before the call,
 * what it does with interrupts off after an exit: it has taken the hardware's log
 * of dirty frames, for one. It may be in the guest again.
 *
 * Context: interrupts on; may be called with mmu_lock held.
 */
void kvm_kick_all_cpus(struct kvm *kvm)
{
	kick_all(kvm, false, KVM_NR_REQUESTS);
}

static void serve_tlb_requests(struct kvm_vcpu *vcpu)
{
	preempt_disable();
	if (kvm_check_request(KVM_REQ_LOAD_MMU_PGD, vcpu))
		kvm_x86_load_mmu_pgd(vcpu, vcpu->kvm->tdp.root, vcpu->kvm->tdp.root_level);
	if (kvm_check_request(KVM_REQ_TLB_FLUSH, vcpu)) {
		vcpu->stat.tlb_flush++;
		kvm_x86_flush_tlb_all(vcpu);
		/* The wider flush covers the narrower ones. */
		kvm_clear_request(KVM_REQ_TLB_FLUSH_CURRENT, vcpu);
		kvm_clear_request(KVM_REQ_TLB_FLUSH_GUEST, vcpu);
	}
	if (kvm_check_request(KVM_REQ_TLB_FLUSH_CURRENT, vcpu))
		kvm_x86_flush_tlb_current(vcpu);
	if (kvm_check_request(KVM_REQ_TLB_FLUSH_GUEST, vcpu))
		kvm_x86_flush_tlb_guest(vcpu);
	preempt_enable();
}

static enum run_result serve_lapic_requests(struct kvm_vcpu *vcpu)
{
	if (kvm_check_request(KVM_REQ_APICV_UPDATE, vcpu))
		kvm_x86_refresh_apicv_exec_ctrl(vcpu);
	if (kvm_check_request(KVM_REQ_MIGRATE_TIMER, vcpu))
		kvm_lapic_timer_migrate(vcpu);
	if (kvm_check_request(KVM_REQ_SCAN_IOAPIC, vcpu))
		kvm_scan_ioapic(vcpu);
	if (kvm_check_request(KVM_REQ_IOAPIC_EOI_EXIT, vcpu)) {
		vcpu->run->eoi.vector = vcpu->lapic->eoi_for_user;
		return vcpu_exit_to_user(vcpu, KVM_EXIT_IOAPIC_EOI);
	}
	if (kvm_check_request(KVM_REQ_IRQ, vcpu))
		kvm_irq_look(vcpu);
	return RUN_REENTER;
}

/**
 * vcpu_serve_requests() - stage "requests" of KVM_RUN
 * @vcpu: the vCPU, loaded; kvm->srcu held
 *
 * Serves what is raised, in the order of enum kvm_req, except that a new root
 * of the tables is loaded before the flushes. KVM_REQ_EVENT is left to the next
 * stage.
 *
 * Return: RUN_REENTER, or the exit a request stands for.
 */
enum run_result vcpu_serve_requests(struct kvm_vcpu *vcpu)
{
	if (likely(!kvm_request_pending(vcpu)))
		return RUN_REENTER;

	/* Stays raised: the VM does not come back. */
	if (kvm_test_request(KVM_REQ_VM_DEAD, vcpu))
		return vcpu_run_error(vcpu, -EIO);
	if (kvm_check_request(KVM_REQ_TRIPLE_FAULT, vcpu))
		return exit_shutdown(vcpu, false);
	if (kvm_check_request(KVM_REQ_INIT_SIPI, vcpu))
		kvm_accept_init_sipi(vcpu);
	if (kvm_check_request(KVM_REQ_CLOCK_UPDATE, vcpu))
		kvm_clock_update(vcpu);
	serve_tlb_requests(vcpu);
	if (kvm_check_request(KVM_REQ_MSR_FILTER, vcpu))
		kvm_recalc_msr_intercepts(vcpu);
	if (kvm_check_request(KVM_REQ_NMI, vcpu))
		kvm_collect_nmis(vcpu);
	return serve_lapic_requests(vcpu);
}
