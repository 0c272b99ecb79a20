// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bridge to the kernel's generic guest-entry work. That helper takes a
 * vCPU of stock KVM, whose layout is known to this file only: it cannot
 * include our own struct kvm_vcpu. Of other files only vmx/host_perf.c is such a one.
 */
#include <linux/entry-kvm.h>
#include <linux/kvm_host.h>

#include "core/xfer.h"

/*
 * The helper touches the vCPU only to record that a signal ended the run; the
 * caller records that in our own vCPU. What lands here is never read, so one
 * copy serves all threads.
 */
static struct kvm_run unread_run;
static struct kvm_vcpu unread_vcpu = { .run = &unread_run };

bool xfer_work_pending(void)
{
	return __xfer_to_guest_mode_work_pending();
}

int xfer_handle_work(void)
{
	return xfer_to_guest_mode_handle_work(&unread_vcpu);
}
