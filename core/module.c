// SPDX-License-Identifier: GPL-2.0-only
/*
 * What modinfo says of the module. Its code starts in main.c. No alias: which
 * hypervisor owns /dev/kvm is for the administrator to choose.
 */
#include <linux/module.h>

#include "ops/vendor.h"

MODULE_DESCRIPTION("Monovisor, KVM-compatible hypervisor core (" VENDOR_NAME ")");
MODULE_AUTHOR("The Monovisor developers");
MODULE_LICENSE("GPL");
