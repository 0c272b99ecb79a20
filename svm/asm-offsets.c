// SPDX-License-Identifier: GPL-2.0-only
/*
 * Offsets for vmenter.S. Compiled to assembly only; kbuild turns the markers
 * into svm/asm-offsets.h.
 */
#include <linux/kbuild.h>

#include "svm/svm.h"

static void __used common(void)
{
	OFFSET(SVM_VMCB_PA, vcpu_svm, vmcb_pa);
	OFFSET(SVM_REGS, vcpu_svm, vcpu.regs);
	OFFSET(SVM_IN_GUEST, vcpu_svm, vcpu.in_guest);
	OFFSET(SVM_SPEC_CTRL, vcpu_svm, vcpu.spec_ctrl);
}
