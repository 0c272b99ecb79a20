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

bench-boot:
	tests/bench/boot --vendor $(or $(VENDOR),svm) \
		$(if $(filter file,$(origin SMP)),,--smp $(SMP))

bench-scale:
	tests/bench/scale --vendor $(or $(VENDOR),svm) $(foreach a,$(AXIS),--axis $(a))

.PHONY: bench bench-irq bench-size bench-boot bench-scale

#?
#? Measurements, beside stock KVM:
#?   make bench         instructions of each operation of a guest, dear operations by kind,
#?                      where those of one exit go; into bench-results/
#?   HOSTS="haswell ryzen tcg" MITIGATIONS="off retpoline" ROW=CPUID
#?                      which emulated hosts, which mitigations, which rows (default: all)
#?   make bench-irq     what a storm of interrupts costs in decisions: evaluations of events,
#?                      those that found nothing, needless exits; VENDOR=vmx, SMP=4
#?   make bench-size    code, data, symbols, memory of a VM and of a vCPU; VENDOR=vmx
#?   make bench-boot    exits by reason and instructions of a Debian guest's boot; VENDOR=vmx,
#?                      SMP="1 2 4" (its vCPUs, a pair of boots each; the default is all three)
#?   make bench-scale   what an exit, an IPI, a fault and a kick cost, by vCPUs, memory slots
#?                      and dirty pages, and how it grows; VENDOR=vmx,
#?                      AXIS="running created slots dirty"
