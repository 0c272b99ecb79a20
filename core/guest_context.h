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
#include <linux/rcupdate.h>
#include <linux/vtime.h>

/**
 * kvm_guest_context_enter() - leave the kernel's view of this CPU
 *
 * The guest runs with interrupts on as far as the host is concerned, and is a
 * quiescent state for RCU. Between this and kvm_guest_context_exit() nothing
 * may be traced, take a lock or use RCU.
 *
 * Context: irqs off; noinstr caller.
 */
static __always_inline void kvm_guest_context_enter(void)
{
	instrumentation_begin();
	trace_hardirqs_on_prepare();
	lockdep_hardirqs_on_prepare();
	instrumentation_end();

	if (!context_tracking_guest_enter()) {
		/* Without context tracking, report at least this quiescent state. */
		instrumentation_begin();
		rcu_note_context_switch(false);
		instrumentation_end();
	}
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
