# SPDX-License-Identifier: GPL-2.0-only
#
# Targets of the top Makefile that compare with stock KVM.

BENCH = $(foreach h,$(HOSTS),--host $(h)) $(foreach m,$(MITIGATIONS),--mitigations $(m))

bench:
	tests/bench/bench --count $(BENCH) $(foreach r,$(ROW),'$(r)')

.PHONY: bench

#?
#? Measurements, beside stock KVM:
#?   make bench         instructions of each operation of a guest, dear operations by kind,
#?                      where those of one exit go; into bench-results/
#?   HOSTS="haswell ryzen tcg" MITIGATIONS="off retpoline" ROW=CPUID
#?                      which emulated hosts, which mitigations, which rows (default: all)
