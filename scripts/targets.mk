# SPDX-License-Identifier: GPL-2.0-only
#
# Targets of the top Makefile that look at the source.

# What lint builds with: a kernel with KUnit if there is one, so that the tests are read too.
LINT_KDIR ?= $(firstword $(wildcard $(or $(MONOVISOR_CACHE),$(HOME)/.cache/monovisor)/kernel/test) $(KDIR))

lint:
	KDIR=$(LINT_KDIR) scripts/lint $(CHECKS)

lint-selftest:
	KDIR=$(LINT_KDIR) scripts/checks/selftest

check-series:
	KDIR=$(LINT_KDIR) scripts/check-series $(BASE)

.PHONY: lint lint-selftest check-series
