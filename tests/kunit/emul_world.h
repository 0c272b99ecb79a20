/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A world for the emulator's tests: registers, 64 KiB of RAM with a page of
 * devices above it, and a page table that is an array. It implements
 * emul_env.h and writes down what the emulator asked for.
 */
#ifndef MONOVISOR_TESTS_KUNIT_EMUL_WORLD_H
#define MONOVISOR_TESTS_KUNIT_EMUL_WORLD_H

#include <linux/types.h>
#include "core/emul/emul.h"
#include "core/emul/emul_env.h"

#define WORLD_RAM	0x10000u	/* physical 0 .. WORLD_RAM is RAM */
#define WORLD_MMIO	0x10000u	/* then a page that userspace serves */
#define WORLD_KERNEL	0x11000u	/* then one that a device in the kernel answers */
#define WORLD_PAGES	0x13
#define WORLD_NO_PAGE	~0u		/* no page of RAM is gone */
#define WORLD_CODE	0x1000u		/* where instructions are put */
#define WORLD_STACK	0x4000u		/* initial RSP */

/* Page permissions; a page without WORLD_P faults. Linear = physical. */
#define WORLD_P		1
#define WORLD_W		2
#define WORLD_U		4

enum world_mode { WORLD_REAL, WORLD_VM86, WORLD_P16, WORLD_P32, WORLD_L64 };

struct emul_world {
	struct emul_ctxt c;
	u64 gpr[16];
	u64 rip, rflags, cr[9], dr[8], efer, xcr0;
	unsigned int cpl;
	struct kvm_segment seg[8];
	struct kvm_dtable gdt, idt;
	u8 vec[16][32];
	u8 ram[WORLD_RAM];
	u8 page[WORLD_PAGES];
	u8 pio[4096];
	bool missing[EMUL_FEAT_AMD_CPU + 1];	/* features taken away */

	/* What happened. */
	unsigned int shadow, steps, invlpgs, wbinvds;
	unsigned int reads, writes, cmpxchgs;	/* RAM accesses that reached memory */
	unsigned int kernel_reads;
	u64 kernel_value;			/* what the device in the kernel answers next */
	u64 invlpg_addr;
	u64 msr_index, msr_value;
	bool stop;				/* emul_env_should_stop() */
	unsigned int gone_page;			/* RAM that userspace unmapped: its number */
	unsigned int no_ram_page;		/* a page whose RAM was taken out of the map */
	bool steal;				/* change memory under the next cmpxchg */
};

void world_init(struct emul_world *w, enum world_mode mode);
void world_put(struct emul_world *w, u64 addr, u64 val, unsigned int bytes);
u64 world_get(struct emul_world *w, u64 addr, unsigned int bytes);
/* Put code at WORLD_CODE, point RIP there and run it once. */
enum emul_status world_run(struct emul_world *w, const u8 *code, unsigned int len);

#endif /* MONOVISOR_TESTS_KUNIT_EMUL_WORLD_H */
