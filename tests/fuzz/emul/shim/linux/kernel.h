/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lets the emulator's sources compile as a user program: the few helpers of
 * the kernel they use.
 */
#ifndef MONOVISOR_FUZZ_KERNEL_H
#define MONOVISOR_FUZZ_KERNEL_H

#include <assert.h>
#include <linux/bits.h>
#include <linux/types.h>

#define __used			__attribute__((__used__))
#define __naked			__attribute__((__naked__))
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))
#define min(a, b)		({ __typeof__(a) _a = (a), _b = (b); _a < _b ? _a : _b; })
#define max(a, b)		({ __typeof__(a) _a = (a), _b = (b); _a > _b ? _a : _b; })
#define min_t(type, a, b)	min((type)(a), (type)(b))
#define max_t(type, a, b)	max((type)(a), (type)(b))
#define clamp(val, lo, hi)	min(max(val, lo), hi)

#endif /* MONOVISOR_FUZZ_KERNEL_H */
