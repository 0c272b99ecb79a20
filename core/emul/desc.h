/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Segment descriptors in memory: their fields, and where a selector finds them.
 *
 * Source: Intel SDM volume 3, "Segment Descriptors", "Segment Selectors".
 */
#ifndef MONO_CORE_EMUL_DESC_H
#define MONO_CORE_EMUL_DESC_H

#include "core/emul/internal.h"

#define DESC_PRESENT	BIT_ULL(47)
#define DESC_S		BIT_ULL(44)
#define DESC_ACCESSED	BIT_ULL(40)
#define DESC_BUSY	BIT_ULL(41)

/* The byte of a descriptor that has its type. */
#define DESC_TYPE_BYTE	5

static inline unsigned int desc_type(u64 d)
{
	return (d >> 40) & 15;
}

static inline unsigned int desc_dpl(u64 d)
{
	return (d >> 45) & 3;
}

void emul_desc_to_segment(u64 d, u16 selector, struct kvm_segment *s);
bool emul_locate_descriptor(struct emul_ctxt *c, u16 selector, unsigned int len, u64 *where);
enum emul_result emul_mark_descriptor(struct emul_ctxt *c, u64 *desc, u64 bit, u64 where);

#endif /* MONO_CORE_EMUL_DESC_H */
