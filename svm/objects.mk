# SPDX-License-Identifier: GPL-2.0-only
# Objects of the AMD SVM backend.
mv-svm += svm/hw.o svm/caps.o svm/vmcb.o svm/vcpu.o svm/run.o svm/vmenter.o
mv-svm += svm/exit.o svm/event.o svm/soft_nmi.o svm/regs.o svm/msr.o svm/mmu.o svm/timer.o

# Structure offsets for vmenter.S, as the kernel makes its own asm-offsets.h.
asflags-y += -iquote $(obj)
targets += svm/asm-offsets.s
clean-files += svm/asm-offsets.h svm/asm-offsets.s
$(obj)/svm/asm-offsets.s: ccflags-y += -D__SVM__
$(obj)/svm/asm-offsets.h: $(obj)/svm/asm-offsets.s FORCE
	$(call filechk,offsets,__MONOVISOR_SVM_ASM_OFFSETS_H__)
$(obj)/svm/vmenter.svm.o: $(obj)/svm/asm-offsets.h
mv-svm-kunit += tests/kunit/svm_format_test.o
