# SPDX-License-Identifier: GPL-2.0-only
# Objects of the Intel VMX backend.
mv-vmx += vmx/hw.o vmx/caps.o vmx/vmcs.o vmx/vcpu.o vmx/run.o vmx/vmenter.o
mv-vmx += vmx/exit.o vmx/event.o vmx/soft_nmi.o vmx/regs.o vmx/msr.o vmx/mmu.o vmx/timer.o
mv-vmx += vmx/irq.o vmx/apicv.o vmx/posted_intr.o vmx/flexpriority.o vmx/pml.o vmx/host_perf.o
mv-vmx += vmx/l1d_flush.o
# Its CPUs leave task switches to software.
mv-vmx += core/task_switch.o core/emul/task.o
mv-vmx-kunit += vmx/irq.o tests/kunit/vmx_format_test.o tests/kunit/vmx_irq_test.o
mv-vmx-kunit += vmx/posted_intr.o tests/kunit/vmx_posted_test.o
mv-vmx-kunit += vmx/host_perf.o tests/kunit/vmx_host_perf_test.o
