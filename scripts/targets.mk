# SPDX-License-Identifier: GPL-2.0-only
#
# Targets of the top Makefile that look at the source.

# What lint builds with: a kernel with KUnit if there is one, so that the tests are read too.
LINT_KDIR ?= $(firstword $(wildcard $(or $(MONOVISOR_CACHE),$(HOME)/.cache/monovisor)/kernel/test) $(KDIR))

set-up-lint:
	tests/rig/setup packages kernel-test

lint: set-up-lint
	KDIR=$(LINT_KDIR) scripts/lint $(CHECKS)

lint-selftest: set-up-lint
	KDIR=$(LINT_KDIR) scripts/checks/selftest

check-series:
	tests/rig/setup packages kernel-test
	scripts/check-series $(if $(BASE),$(BASE),--newest 10)

fuzz-emul:
	tests/rig/setup packages
	tests/fuzz/emul-diff --count $(or $(COUNT),1000000) $(if $(SEED),--seed $(SEED))

mutants:
	tests/rig/setup packages kernel-test
	scripts/mutants $(if $(COUNT),--count $(COUNT)) $(if $(SEED),--seed $(SEED)) $(FILES)

coverage:
	tests/rig/setup packages kernel-test
	scripts/coverage --missing

report:
	tests/rig/setup packages kernel-test
	scripts/report

.PHONY: fuzz-emul mutants coverage report

# Says what the semantic patches, or one of them, would change, then what those of the
# kernel report; there must be nothing.
coccicheck:
	tests/rig/setup packages $(if $(COCCI),,source)
	scripts/checks/cocci $(if $(COCCI),--cocci $(COCCI))
	$(if $(COCCI),,scripts/checks/kernel-cocci)

# Without LINUX: Debian's kernels, and with parts of KVM switched off.
monolithize:
ifdef LINUX
	tests/rig/setup packages
	scripts/monolithize $(if $(OPTIMISE),--optimise) $(if $(CHECK),--check --kdir $(KDIR)) \
		$(LINUX) $(OUTPUT)
else
	tests/rig/setup packages
	tests/monolithize/versions $(SERIES)
endif

# What conversion changes, in numbers: EXITS="haswell ryzen" measures exits as well.
bench-monolithize:
	tests/rig/setup packages
	$(if $(EXITS),tests/rig/setup kernel-test bochs)
	tests/monolithize/bench $(foreach h,$(EXITS),--exits $(h)) $(SERIES)

.PHONY: bench-monolithize monolithize set-up-lint lint lint-selftest check-series coccicheck
