/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Work the host kernel wants done before a thread goes back to its guest.
 */
#ifndef MONOVISOR_CORE_XFER_H
#define MONOVISOR_CORE_XFER_H

#include <linux/types.h>

/* Any context. True if a signal, a reschedule or other thread work waits. */
bool xfer_work_pending(void);

/**
 * xfer_handle_work() - do it
 *
 * Context: irqs on, no locks, may sleep. Return: 0, or -EINTR if a signal waits.
 */
int xfer_handle_work(void);

#endif /* MONOVISOR_CORE_XFER_H */
