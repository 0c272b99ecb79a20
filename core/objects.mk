# SPDX-License-Identifier: GPL-2.0-only
# Objects of the vendor-neutral core, one line a room.
mv-core += core/module.o
mv-core += core/main.o core/capability.o
mv-core += core/vm.o core/bus.o
mv-core += $(if $(CONFIG_COMPAT),core/vm_compat.o)
mv-core += core/vcpu.o core/vcpu_ioctl.o
mv-core += core/run.o core/request.o core/spin.o core/event.o core/exit.o core/complete.o core/xfer.o
mv-core += core/mmu/root.o core/mmu/iterate.o core/mmu/zap.o core/mmu/fault.o core/mmu/notifier.o
mv-core += core/mmu/walk.o
mv-core += core/memslot.o core/dirty.o
include $(mv-here)/core/emul/objects.mk
mv-core += core/regs.o core/cr.o core/debug.o
mv-core += core/msr.o core/spec_ctrl.o core/msr_filter.o core/msr_intercept.o core/mtrr.o core/mce.o core/user_return.o
mv-core += core/cpuid.o core/cpuid_caps.o
mv-core += core/fpu.o core/fastpath.o core/move.o
mv-core += core/tsc.o core/clock.o
mv-core += core/stats.o core/trace.o
mv-core += core/irq/lapic.o core/irq/lapic_access.o core/irq/lapic_state.o core/irq/lapic_timer.o core/irq/inhibit.o
mv-core += core/irq/ipi.o core/irq/inject.o core/block.o
mv-core += core/irq/irqchip.o core/irq/pic.o core/irq/pit.o core/irq/ioapic.o
mv-core += core/irq/routing.o core/irq/irqfd.o core/irq/scan.o
