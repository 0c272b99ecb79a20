/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory of an x86 CPU, for the models beside this file: a store waits in
 * its CPU's buffer until it drains, at any time and in order; the CPU's own
 * loads look into the buffer first; a fence or a locked instruction waits
 * until it is empty. Models with one buffered variable a CPU need no more
 * than one slot for it.
 *
 * Source: Intel SDM volume 3, "Memory Ordering in P6 and More Recent Processors".
 *
 * BUFFERED(v) declares v with a buffer of one slot; DRAIN(v) is one step of a
 * process that every model runs per buffered variable.
 */
#define BUFFERED(v)	byte v; byte v##_slot; bool v##_full
#define STORE(v, x)	atomic { !v##_full -> v##_slot = x; v##_full = true }
/* As its own CPU sees it. */
#define LOAD_OWN(v)	(v##_full -> v##_slot : v)
#define DRAIN(v)	atomic { v##_full -> v = v##_slot; v##_full = false; v##_slot = 0 }
#define FENCE(v)	(!v##_full)
