# SPDX-License-Identifier: GPL-2.0-only
#
# For people: `make help`. kbuild itself reads Kbuild.

KDIR ?= /lib/modules/$(shell uname -r)/build
export KDIR

.DEFAULT_GOAL := modules

modules:
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

modules_install:
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules_install

clean:
	$(MAKE) -C $(KDIR) M=$(CURDIR) clean

.PHONY: modules modules_install clean

-include tests/rig/targets.mk
-include scripts/targets.mk
