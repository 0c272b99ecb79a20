/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lets the emulator's sources compile as a user program: single bits, as the
 * kernel's header of this name defines them.
 */
#ifndef MONOVISOR_FUZZ_BITS_H
#define MONOVISOR_FUZZ_BITS_H

#define BIT(n)		(1ul << (n))
#define BIT_ULL(n)	(1ull << (n))

#endif /* MONOVISOR_FUZZ_BITS_H */
