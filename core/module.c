// SPDX-License-Identifier: GPL-2.0-only
/*
 * What modinfo says of the module. Its code starts in main.c.
 */
#include <linux/miscdevice.h>
#include <linux/module.h>

#include "ops/vendor.h"

MODULE_DESCRIPTION("Monovisor, KVM-compatible hypervisor core (" VENDOR_NAME ")");
MODULE_AUTHOR("The Monovisor developers");
MODULE_ALIAS_MISCDEV(KVM_MINOR);
MODULE_ALIAS("devname:kvm");
MODULE_LICENSE("GPL");
