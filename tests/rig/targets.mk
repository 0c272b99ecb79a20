# SPDX-License-Identifier: GPL-2.0-only
#
# Targets of the top Makefile that run something in the emulated host.

SMP ?= 1
IRQCHIP ?= on
GUEST ?= debian-6.12
KERNEL ?= test
# The emulated host
HOST = --kernel $(KERNEL) $(if $(VENDOR),--vendor $(VENDOR)) $(if $(RIG),--rig $(RIG)) \
	$(if $(MODEL),--model $(MODEL)) $(if $(STOCK),--stock)

demo:
	tests/rig/demo --guest '$(GUEST)' --smp '$(SMP)' --irqchip '$(IRQCHIP)' $(HOST)

shell:
	tests/rig/demo --shell $(HOST)

setup:
	tests/rig/setup $(PARTS)

kunit:
	tests/rig/setup packages kernel-$(KERNEL)
	tests/rig/kunit --kernel $(KERNEL) $(if $(SUITE),--suite '$(SUITE)') \
		$(if $(VENDOR),--vendor $(VENDOR)) $(if $(V),-v)

models:
	tests/rig/setup packages
	tests/model/run $(MODEL)

# The tests wanted
CHECK = $(foreach glob,$(TESTS),'$(glob)') $(if $(VENDOR),--vendor $(VENDOR)) $(if $(RIG),--rig $(RIG)) $(if $(MODEL),--model $(MODEL))

check:
	tests/rig/check $(CHECK)

check-long:
	tests/rig/check --long $(CHECK)

check-debug:
	tests/rig/check --debug $(CHECK)

# KVM's own selftests, ours beside stock KVM
selftests:
	tests/rig/selftests $(if $(VENDOR),--vendor $(VENDOR)) $(if $(RIG),--rig $(RIG)) \
		$(if $(MODEL),--model $(MODEL))

# Random ioctls in an emulated host; with FAIL=1 those whose allocations fail
fuzz-ioctl:
	tests/rig/setup packages kernel-$(KERNEL) $(if $(filter vmx,$(VENDOR))$(filter bochs,$(RIG)),bochs)
	tests/fuzz/ioctl-fuzz $(HOST) $(if $(FAIL),--fail,$(if $(SECONDS),--seconds $(SECONDS)) \
		$(if $(SEED),--seed $(SEED)) $(if $(CASE),--case $(CASE) -v))

build-matrix:
	scripts/build-matrix $(BUILDS)

help:
	@sed -n 's/^#? \{0,1\}//p' tests/rig/targets.mk tests/bench/targets.mk

.PHONY: models fuzz-ioctl demo shell setup kunit check check-long check-debug selftests build-matrix help

#? Commands (each sets up what it needs, on Debian 12, as root or with sudo):
#?   make demo          boot Debian's 6.12 cloud kernel under QEMU on the module, on an
#?                      emulated AMD host, power it off, print the module's statistics
#?                      (a minute on two idle cores once the set-up is done)
#?   make shell         a shell on that host, with the module loaded and QEMU at hand
#?   make check         the tests of every commit; the last line is "N passed, N failed"
#?   make check-long    tests that take longer than a commit should wait
#?   make check-debug   the tests on a kernel with KASAN, lockdep, UBSAN and kmemleak
#?   make kunit         the KUnit suites alone
#?   make selftests     KVM's selftests of the kernel's source, on ours and on stock KVM
#?   make models        the protocols of kicks, posted interrupts and EOIs, checked with spin
#?   make lint          style, layering and instructions of the source
#?   make lint-selftest, make check-series BASE=REV
#?                      the checks of lint themselves; each commit since REV, built
#?                      and tested (without BASE: the newest 10)
#?   make fuzz-emul COUNT=N SEED=N
#?                      random instructions in the emulator and on this CPU, compared
#?   make fuzz-ioctl KERNEL=debug SECONDS=N SEED=N VENDOR=vmx
#?                      random ioctls and guests from several threads; FAIL=1: each
#?                      allocation of what sets up VMs fails once
#?   make coccicheck COCCI=FILE
#?                      what the semantic patches (one, or all) would change here; without
#?                      COCCI also what those of the kernel report
#?   make monolithize LINUX=DIR OUTPUT=DIR OPTIMISE=1 CHECK=1
#?                      stock KVM of a kernel tree as modules without ops tables
#?   make monolithize SERIES="6.12 6.1 5.10"
#?                      Debian's kernels: convert, build, compare, switch parts off
#?   make bench-monolithize EXITS="haswell ryzen"
#?                      what that changes, in calls and bytes and instructions
#?   make mutants COUNT=N SEED=N FILES="GLOB..."
#?                      break the core in small ways and see which a test notices
#?   make coverage      which lines the tests run, as text and as a page
#?   make report        what measures the source and its tests, in one file
#?   make build-matrix BUILDS="NAME..."
#?                      warning-free builds: gcc and clang, Debian's 6.1 and 6.12, and
#?                      inside the kernel's own tree
#?   make setup         packages, kernels and guests into ~/.cache/monovisor
#?
#? For a real machine:
#?   make               monovisor-vmx.ko and monovisor-svm.ko
#?   make modules_install, make clean        (the first for the same KDIR)
#?
#? Variables:
#?   KDIR=DIR           make: the kernel to build for (default: the running one's headers)
#?   SMP=N              make demo: the guest's CPUs (default 1)
#?   IRQCHIP=on         make demo: interrupt controllers in the kernel; or split, off
#?   GUEST=NAME         make demo: debian-6.12, debian-6.1, pressure, storm, memtest,
#?                      seabios
#?   KERNEL=NAME        make demo, shell, kunit: the host's kernel, test or debug;
#?                      make demo, shell: 6.1 as well
#?   VENDOR=svm|vmx     make demo, shell: whose module and CPU (default svm); make check,
#?                      check-long, check-debug: that vendor's and those that need none
#?                      (default both)
#?   TESTS="GLOB..."    make check and the like: only these; tests/rig/check --list names them
#?   RIG=tcg|bochs      the emulator of the host: QEMU (default of svm) or Bochs (vmx, svm)
#?   MODEL=NAME         its CPU in Bochs: haswell (default of vmx), skylake-x, icelake-u,
#?                      ryzen (svm); make check has haswell and a part on skylake-x,
#?                      check-long all
#?   STOCK=1            make demo, shell: the kernel's own KVM, to compare
#?   SUITE=GLOB VENDOR=fake|svm|vmx|emul V=1
#?                      make kunit: which suites, which module, show all cases
#?   CHECKS="A B"       make lint: these checks only
#?   PARTS=...          make setup: see tests/rig/setup --help
#?   MONOVISOR_CACHE=DIR  where kernels, guests and builds are kept
