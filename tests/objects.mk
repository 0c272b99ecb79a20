# SPDX-License-Identifier: GPL-2.0-only
# Objects of the KUnit module: mv-fake is the contract in software, mv-kunit the suites.

mv-fake += tests/fake/hw.o tests/fake/vcpu.o tests/fake/run.o tests/fake/event.o
mv-fake += tests/fake/regs.o tests/fake/msr.o tests/fake/mmu.o
mv-fake += tests/fake/helpers.o

mv-kunit += tests/kunit/event_test.o tests/kunit/request_test.o tests/kunit/kick_test.o tests/kunit/block_test.o tests/kunit/spin_test.o
mv-kunit += tests/kunit/run_test.o tests/kunit/complete_test.o tests/kunit/bus_test.o
mv-kunit += tests/kunit/layout_test.o tests/kunit/emul_env_test.o
mv-kunit += tests/kunit/memslot_test.o
mv-kunit += tests/kunit/guest_walk_test.o
mv-kunit += tests/kunit/tdp_iterate_test.o
mv-kunit += tests/kunit/tdp_fault_test.o
mv-kunit += tests/kunit/dirty_test.o
mv-kunit += tests/kunit/apicv_test.o
mv-kunit += tests/kunit/fastpath_test.o

mv-kunit += tests/kunit/cr_test.o tests/kunit/regs_test.o tests/kunit/msr_test.o tests/kunit/msr_intercept_test.o
mv-kunit += tests/kunit/cpuid_test.o tests/kunit/debug_test.o tests/kunit/tsc_test.o
mv-kunit += tests/kunit/lapic_test.o
mv-kunit += tests/kunit/pic_test.o tests/kunit/pit_test.o tests/kunit/ioapic_test.o
mv-kunit += tests/kunit/routing_test.o tests/kunit/scan_test.o
mv-kunit += tests/kunit/ipi_test.o tests/kunit/lapic_timer_test.o

# Probes that make allocations fail, a module of their own.
mv-fault += tests/fuzz/fault/fault.o
