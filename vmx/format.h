/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Words that VMX hardware reads or writes, without side effects: usable, and
 * tested, without a vCPU or VMX.
 */
#ifndef MONOVISOR_VMX_FORMAT_H
#define MONOVISOR_VMX_FORMAT_H

#include <linux/types.h>

/**
 * vmx_tpr_threshold() - the value of TPR_THRESHOLD
 * @cr8: the task's priority class, 0..15
 * @irr_priority: class of the highest interrupt that waits, -1: none
 *
 * A write of CR8 below it exits, so it is the class that waits, if the task's
 * priority is what holds it back; else nothing that CR8 does matters.
 *
 * Source: Intel SDM volume 3, "TPR Virtualization".
 */
static inline u32 vmx_tpr_threshold(unsigned long cr8, int irr_priority)
{
	return irr_priority > 0 && cr8 >= irr_priority ? irr_priority : 0;
}

/* Entries of the log of page modifications. It is filled from the last one down. */
#define VMX_PML_ENTRIES	512

/**
 * vmx_pml_first() - the first entry that is filled
 * @index: the PML index, of the entry to be filled next; it is beyond the last
 *	one when the log is full
 *
 * Source: Intel SDM volume 3, "Page-Modification Logging".
 */
static inline unsigned int vmx_pml_first(u16 index)
{
	return index < VMX_PML_ENTRIES ? index + 1U : 0;
}

#endif /* MONOVISOR_VMX_FORMAT_H */
