/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel must be told around the world switch. The context functions
 * are for the vendors' noinstr code beside vmenter.S, the time functions for
 * core/run.c.
 */
#ifndef MONOVISOR_CORE_GUEST_CONTEXT_H
#define MONOVISOR_CORE_GUEST_CONTEXT_H

#include <linux/context_tracking.h>
#include <linux/ftrace.h>
#include <linux/instrumentation.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/rcupdate.h>
#include <linux/vtime.h>

/**
 * kvm_guest_context_enter() - leave the kernel's view of this CPU
 *
 * The guest runs with interrupts on as far as the host is concerned. Between
 * this and kvm_guest_context_exit() nothing may be traced, take a lock or use
 * RCU; with context tracking the guest is a quiescent state for RCU.
 *
 * Context: irqs off; noinstr caller.
 */
static __always_inline void kvm_guest_context_enter(void)
{
	instrumentation_begin();
	trace_hardirqs_on_prepare();
	lockdep_hardirqs_on_prepare();
	instrumentation_end();

	context_tracking_guest_enter();
	lockdep_hardirqs_on(CALLER_ADDR0);
}

/**
 * kvm_guest_context_exit() - come back into the kernel's view
 *
 * Context: irqs off; noinstr caller; host state is complete again.
 */
static __always_inline void kvm_guest_context_exit(void)
{
	lockdep_hardirqs_off(CALLER_ADDR0);
	context_tracking_guest_exit();

	instrumentation_begin();
	trace_hardirqs_off_finish();
	instrumentation_end();
}

/**
 * kvm_note_quiescent() - report a quiescent state to RCU, once a tick
 * @noted: when that was done last, in jiffies
 *
 * RCU looks for reports when a tick comes, and a tick ends the guest. So once
 * for each is as good as at every entry, and it is not cheap.
 *
 * Context: irqs off, no RCU read section; not noinstr.
 */
static __always_inline void kvm_note_quiescent(unsigned long *noted)
{
	unsigned long now = READ_ONCE(jiffies);

	if (likely(*noted == now))
		return;
	*noted = now;
	rcu_note_context_switch(false);
}

/* irqs off, before entry: what ran until now was the host's time. */
static __always_inline void kvm_guest_time_begin(void)
{
	vtime_account_guest_enter();
}

/*
 * irqs off, after exit and after pending host interrupts were taken: a tick
 * that interrupted the guest must still find the guest's account open.
 */
static __always_inline void kvm_guest_time_end(void)
{
	vtime_account_guest_exit();
}

#endif /* MONOVISOR_CORE_GUEST_CONTEXT_H */
