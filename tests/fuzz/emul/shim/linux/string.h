/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lets the emulator's sources compile as a user program: memcpy() and its kin
 * come from the C library.
 */
#ifndef MONOVISOR_FUZZ_STRING_H
#define MONOVISOR_FUZZ_STRING_H

#include <string.h>

#endif /* MONOVISOR_FUZZ_STRING_H */
