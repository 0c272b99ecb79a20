// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMCB in words, for the log. Not for what is in it: that is vcpu.c and the files
 * of each subject.
 */
#define pr_fmt(fmt) "svm: " fmt

#include <linux/printk.h>

#include "svm/svm.h"

static void dump_seg(const char *name, const struct vmcb_seg *seg)
{
	pr_err("%-5s sel %04x attr %04x limit %08x base %016llx\n", name, seg->selector,
	       seg->attrib, seg->limit, seg->base);
}

static void dump_control(const struct vmcb_control_area *control)
{
	pr_err("intercepts %*ph\n", (int)sizeof(control->intercepts), control->intercepts);
	pr_err("exit %08x:%08x info %016llx %016llx\n", control->exit_code_hi,
	       control->exit_code, control->exit_info_1, control->exit_info_2);
	pr_err("exitintinfo %08x/%08x eventinj %08x/%08x\n", control->exit_int_info,
	       control->exit_int_info_err, control->event_inj, control->event_inj_err);
	pr_err("asid %u tlb_ctl %u int_ctl %08x int_vector %x int_state %x\n", control->asid,
	       control->tlb_ctl, control->int_ctl, control->int_vector, control->int_state);
	pr_err("nested_ctl %llx n_cr3 %016llx virt_ext %llx next_rip %016llx\n",
	       control->nested_ctl, control->nested_cr3, control->virt_ext, control->next_rip);
}

void svm_dump_vmcb(const struct vmcb *vmcb)
{
	const struct vmcb_save_area *save = &vmcb->save;

	dump_control(&vmcb->control);
	dump_seg("es", &save->es);
	dump_seg("cs", &save->cs);
	dump_seg("ss", &save->ss);
	dump_seg("ds", &save->ds);
	dump_seg("fs", &save->fs);
	dump_seg("gs", &save->gs);
	dump_seg("gdtr", &save->gdtr);
	dump_seg("ldtr", &save->ldtr);
	dump_seg("idtr", &save->idtr);
	dump_seg("tr", &save->tr);
	pr_err("cpl %u efer %016llx cr0 %016llx cr2 %016llx\n", save->cpl, save->efer, save->cr0,
	       save->cr2);
	pr_err("cr3 %016llx cr4 %016llx dr6 %016llx dr7 %016llx\n", save->cr3, save->cr4,
	       save->dr6, save->dr7);
	pr_err("rip %016llx rflags %016llx rsp %016llx rax %016llx\n", save->rip, save->rflags,
	       save->rsp, save->rax);
}
