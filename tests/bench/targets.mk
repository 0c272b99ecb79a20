# SPDX-License-Identifier: GPL-2.0-only
#
# Targets of the top Makefile that compare with stock KVM.

BENCH = $(foreach h,$(HOSTS),--host $(h)) $(foreach m,$(MITIGATIONS),--mitigations $(m))

bench:
	tests/bench/bench --count $(BENCH) $(foreach r,$(ROW),'$(r)')

bench-irq:
	tests/bench/irq --vendor $(or $(VENDOR),svm) \
		$(if $(filter file,$(origin SMP)),,--smp $(SMP))

bench-size:
	tests/bench/size --vendor $(or $(VENDOR),svm)

.PHONY: bench bench-irq bench-size

#?
#? Measurements, beside stock KVM:
#?   make bench         instructions of each operation of a guest, dear operations by kind,
#?                      where those of one exit go; into bench-results/
#?   HOSTS="haswell ryzen tcg" MITIGATIONS="off retpoline" ROW=CPUID
#?                      which emulated hosts, which mitigations, which rows (default: all)
#?   make bench-irq     what a storm of interrupts costs in decisions: evaluations of events,
#?                      those that found nothing, needless exits; VENDOR=vmx, SMP=4
#?   make bench-size    code, data, symbols, memory of a VM and of a vCPU; VENDOR=vmx
