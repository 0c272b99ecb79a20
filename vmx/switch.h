/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What C and the world switch in vmenter.S share: the layout of struct
 * vmx_switch and its flags. Plain numbers, for the assembler reads them too.
 */
#ifndef MONOVISOR_VMX_SWITCH_H
#define MONOVISOR_VMX_SWITCH_H

#define VMX_SW_REGS		0
#define VMX_SW_IN_GUEST		8
#define VMX_SW_HOST_RSP		16
#define VMX_SW_GUEST_SPEC_CTRL	24
#define VMX_SW_HOST_SPEC_CTRL	32
#define VMX_SW_PI		40
#define VMX_SW_FLAGS		48

/* In struct vmx_pi_desc. */
#define VMX_PI_CONTROL		32

/* Bit numbers in flags. */
#define VMX_SW_LAUNCHED		0	/* the VMCS is launched: VMRESUME */
#define VMX_SW_SAVE_SPEC_CTRL	1	/* the guest writes SPEC_CTRL without an exit */

/* Results of vmx_world_switch(). */
#define VMX_SW_EXITED		0
#define VMX_SW_VMFAIL		1
#define VMX_SW_FAULTED		2	/* VMX is off: the host is going down */
#define VMX_SW_POSTED		3	/* an interrupt was posted: collect it and come again */

#ifndef __ASSEMBLY__

#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/types.h>

struct vmx_switch {
	unsigned long *regs;	/* vcpu->regs */
	u8 *in_guest;		/* vcpu->in_guest */
	unsigned long host_rsp;	/* HOST_RSP as it is in the VMCS */
	u64 guest_spec_ctrl;
	u64 host_spec_ctrl;
	void *pi;		/* the posted-interrupt descriptor while it is used */
	u32 flags;
};

static_assert(offsetof(struct vmx_switch, regs) == VMX_SW_REGS);
static_assert(offsetof(struct vmx_switch, in_guest) == VMX_SW_IN_GUEST);
static_assert(offsetof(struct vmx_switch, host_rsp) == VMX_SW_HOST_RSP);
static_assert(offsetof(struct vmx_switch, guest_spec_ctrl) == VMX_SW_GUEST_SPEC_CTRL);
static_assert(offsetof(struct vmx_switch, host_spec_ctrl) == VMX_SW_HOST_SPEC_CTRL);
static_assert(offsetof(struct vmx_switch, pi) == VMX_SW_PI);
static_assert(offsetof(struct vmx_switch, flags) == VMX_SW_FLAGS);

/* vmenter.S; irqs off, noinstr. Returns VMX_SW_EXITED, _VMFAIL, _FAULTED or _POSTED. */
unsigned int vmx_world_switch(struct vmx_switch *sw);

#endif /* __ASSEMBLY__ */

#endif /* MONOVISOR_VMX_SWITCH_H */
