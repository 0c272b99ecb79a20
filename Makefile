# SPDX-License-Identifier: GPL-2.0-only
#
# For people: `make help`. kbuild itself reads Kbuild.

KDIR ?= /lib/modules/$(shell uname -r)/build
export KDIR

.DEFAULT_GOAL := modules

modules modules_install: | headers

headers:
	@test -e $(KDIR)/Makefile || { \
		echo "No kernel headers in $(KDIR): install linux-headers-$$(uname -r), or name others by KDIR=DIR"; \
		for there in $(wildcard /lib/modules/*/build/Makefile); do \
			echo "  make KDIR=$${there%/Makefile}"; \
		done; \
		exit 1; } >&2

modules:
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

modules_install:
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules_install

# What any kernel's build has left here, whether or not its headers are still there.
clean:
	find . \( -name '*.[oas]' -o -name '*.o.d' -o -name '*.ko' -o -name '*.mod' \
		-o -name '*.mod.c' -o -name '.*.cmd' -o -name '*.symvers' -o -name '*.order' \
		-o -name asm-offsets.h \) -type f -delete
	$(MAKE) -C tests/abi clean
	$(MAKE) -C tests/fuzz/ioctl clean

.PHONY: modules modules_install clean headers

-include tests/rig/targets.mk
-include scripts/targets.mk
-include tests/bench/targets.mk
