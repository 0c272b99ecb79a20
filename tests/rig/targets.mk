# SPDX-License-Identifier: GPL-2.0-only
#
# Targets of the top Makefile that run something in the emulated host.

SMP ?= 1
GUEST ?= debian-6.12
KERNEL ?= test

demo:
	tests/rig/demo --guest $(GUEST) --smp $(SMP) --kernel $(KERNEL) $(if $(STOCK),--stock)

shell:
	tests/rig/demo --shell --kernel $(KERNEL) $(if $(STOCK),--stock)

setup:
	tests/rig/setup $(PARTS)

kunit:
	tests/rig/setup packages kernel-$(KERNEL)
	tests/rig/kunit --kernel $(KERNEL) $(if $(SUITE),--suite '$(SUITE)') \
		$(if $(VENDOR),--vendor $(VENDOR)) $(if $(V),-v)

check:
	tests/rig/check

check-long:
	tests/rig/check --long

check-debug:
	tests/rig/check --debug

build-matrix:
	scripts/build-matrix

help:
	@sed -n 's/^#? \{0,1\}//p' tests/rig/targets.mk

.PHONY: demo shell setup kunit check check-long check-debug build-matrix help

#? Commands (each sets up what it needs, on Debian 12, as root or with sudo):
#?   make demo          boot Debian's 6.12 cloud kernel under QEMU on the module, on an
#?                      emulated AMD host, power it off, print the module's statistics
#?   make shell         a shell on that host, with the module loaded and QEMU at hand
#?   make check         all tests; the last line is "N passed, N failed"
#?   make check-long    tests that take longer than a commit should wait
#?   make check-debug   the tests on a kernel with KASAN, lockdep, UBSAN and kmemleak
#?   make kunit         the KUnit suites alone
#?   make lint          style, layering and instructions of the source
#?   make lint-selftest, make check-series BASE=
#?                      the checks of lint themselves; each commit since BASE
#?   make build-matrix  warning-free builds: gcc and clang, Debian's 6.1 and 6.12
#?   make setup         packages, kernels and guests into ~/.cache/monovisor
#?
#? For a real machine:
#?   make               monovisor-vmx.ko and monovisor-svm.ko
#?   make modules_install, make clean        (for the same KDIR)
#?
#? Variables:
#?   KDIR=DIR           make: the kernel to build for (default: the running one's headers)
#?   SMP=N              make demo: the guest's CPUs (default 1)
#?   GUEST=NAME         make demo: debian-6.12, debian-6.1, pressure, memtest, seabios
#?   KERNEL=NAME        make demo, shell, kunit: the host's kernel, test or debug
#?   STOCK=1            make demo, shell: the kernel's own KVM, to compare
#?   SUITE=GLOB VENDOR=fake|svm|vmx V=1
#?                      make kunit: which suites, which module, show all cases
#?   CHECKS="A B"       make lint: these checks only
#?   PARTS=...          make setup: see tests/rig/setup --help
#?   MONOVISOR_CACHE=DIR  where kernels, guests and builds are kept
