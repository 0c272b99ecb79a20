# SPDX-License-Identifier: GPL-2.0-only
# Objects of the Intel VMX backend.
