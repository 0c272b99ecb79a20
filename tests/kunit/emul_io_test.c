// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instructions that take more than one step: device accesses that go to
 * userspace and come back, string instructions, locked updates that lose a
 * race. Each step's leftovers are what is tested.
 */
#include <kunit/test.h>
#include <asm/processor-flags.h>

#include "tests/kunit/emul_world.h"

#define RUN(_w, ...)	world_run(_w, (const u8[]){ __VA_ARGS__ }, sizeof((u8[]){ __VA_ARGS__ }))

static struct emul_world *new_world(struct kunit *test, enum world_mode mode)
{
	struct emul_world *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, w);
	world_init(w, mode);
	return w;
}

/* Expect a pending read and answer it. */
static enum emul_status answer(struct kunit *test, struct emul_world *w, u64 gpa, u8 len, u64 val)
{
	KUNIT_EXPECT_EQ(test, w->c.io.kind, EMUL_IO_MMIO_READ);
	KUNIT_EXPECT_EQ(test, w->c.io.gpa, gpa);
	KUNIT_EXPECT_EQ(test, w->c.io.len, len);
	memset(w->c.io.data, 0, sizeof(w->c.io.data));
	memcpy(w->c.io.data, &val, sizeof(val));
	return emul_complete_mmio_read(&w->c);
}

static void expect_store(struct kunit *test, struct emul_world *w, unsigned int nr, u64 gpa,
			 u8 len, u64 val)
{
	u64 data = 0;

	KUNIT_EXPECT_EQ(test, w->c.io.kind, EMUL_IO_MMIO_WRITE);
	KUNIT_ASSERT_EQ(test, nr < w->c.nr_writes, 1);
	memcpy(&data, w->c.writes[nr].data, min_t(u8, len, 8));
	KUNIT_EXPECT_EQ(test, w->c.writes[nr].gpa, gpa);
	KUNIT_EXPECT_EQ(test, w->c.writes[nr].len, len);
	KUNIT_EXPECT_EQ(test, data, val);
}

static void mmio_load(struct kunit *test)
{
	struct emul_world *w = new_world(test, WORLD_L64);

	w->gpr[EMUL_RBX] = WORLD_MMIO + 4;
	w->gpr[EMUL_RAX] = ~0ull;
	KUNIT_EXPECT_EQ(test, RUN(w, 0x8b, 0x03), EMUL_IO);
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RAX], ~0ull);
	KUNIT_EXPECT_EQ(test, w->rip, WORLD_CODE);
	KUNIT_EXPECT_EQ(test, answer(test, w, WORLD_MMIO + 4, 4, 0x12345678), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RAX], 0x12345678);
	KUNIT_EXPECT_EQ(test, w->rip, WORLD_CODE + 2);
	/* Nothing of it is left for the next instruction. */
	KUNIT_EXPECT_EQ(test, RUN(w, 0x8b, 0x03), EMUL_IO);
	KUNIT_EXPECT_EQ(test, answer(test, w, WORLD_MMIO + 4, 4, 7), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RAX], 7);
}

static void mmio_store(struct kunit *test)
{
	struct emul_world *w = new_world(test, WORLD_L64);

	w->gpr[EMUL_RBX] = WORLD_MMIO;
	w->gpr[EMUL_RAX] = 0x1122334455667788;
	KUNIT_EXPECT_EQ(test, RUN(w, 0x48, 0x89, 0x03), EMUL_IO);
	KUNIT_EXPECT_EQ(test, w->c.nr_writes, 1);
	expect_store(test, w, 0, WORLD_MMIO, 8, 0x1122334455667788);
	/* The instruction is over; only the data is still on its way. */
	KUNIT_EXPECT_EQ(test, w->rip, WORLD_CODE + 3);
}

static enum emul_status run_known(struct emul_world *w, const u8 *code, unsigned int len, u64 gpa,
				  bool write)
{
	memcpy(w->ram + WORLD_CODE, code, len);
	w->rip = WORLD_CODE;
	w->c.known.gpa = gpa;
	w->c.known.write = write;
	return emul_run(&w->c, EMULF_GPA_KNOWN, NULL, 0);
}

#define RUN_KNOWN(_w, _gpa, _write, ...) \
	run_known(_w, (const u8[]){ __VA_ARGS__ }, sizeof((u8[]){ __VA_ARGS__ }), _gpa, _write)

/* The CPU's translation is used: the tables, where the page is not mapped now, are not asked. */
static void known_gpa(struct kunit *test)
{
	struct emul_world *w = new_world(test, WORLD_L64);

	w->page[WORLD_MMIO >> 12] = 0;
	w->gpr[EMUL_RBX] = WORLD_MMIO + 4;
	KUNIT_EXPECT_EQ(test, RUN_KNOWN(w, WORLD_MMIO + 4, true, 0x89, 0x03), EMUL_IO);
	expect_store(test, w, 0, WORLD_MMIO + 4, 4, 0);
	KUNIT_EXPECT_EQ(test, RUN_KNOWN(w, WORLD_MMIO + 4, false, 0x8b, 0x03), EMUL_IO);
	KUNIT_EXPECT_EQ(test, answer(test, w, WORLD_MMIO + 4, 4, 0x1234), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RAX], 0x1234);
	/* It is the one instruction's: the next one translates. */
	KUNIT_EXPECT_EQ(test, RUN(w, 0x8b, 0x03), EMUL_EXCEPTION);
	KUNIT_EXPECT_EQ(test, w->c.exception.vector, 14);
}

/* Where it may be another access that exited, or was not checked, the tables decide. */
static void known_gpa_of_something_else(struct kunit *test)
{
	struct emul_world *w = new_world(test, WORLD_L64);

	w->page[WORLD_MMIO >> 12] = 0;
	w->gpr[EMUL_RBX] = WORLD_MMIO + 4;
	/* another offset */
	KUNIT_EXPECT_EQ(test, RUN_KNOWN(w, WORLD_MMIO, true, 0x89, 0x03), EMUL_EXCEPTION);
	/* a read exited, the update also writes */
	KUNIT_EXPECT_EQ(test, RUN_KNOWN(w, WORLD_MMIO + 4, false, 0x01, 0x03), EMUL_EXCEPTION);
	/* the stack may be meant */
	KUNIT_EXPECT_EQ(test, RUN_KNOWN(w, WORLD_MMIO + 4, true, 0xff, 0x33), EMUL_EXCEPTION);
	/* or the other string */
	w->gpr[EMUL_RSI] = WORLD_MMIO + 4;
	w->gpr[EMUL_RDI] = WORLD_STACK;
	KUNIT_EXPECT_EQ(test, RUN_KNOWN(w, WORLD_MMIO + 4, false, 0xa5), EMUL_EXCEPTION);
	/* across the page's end there are two translations */
	w->gpr[EMUL_RBX] = WORLD_MMIO + 4094;
	KUNIT_EXPECT_EQ(test, RUN_KNOWN(w, WORLD_MMIO + 4094, true, 0x89, 0x03), EMUL_EXCEPTION);
}

/* A read-modify-write asks once and stores once. */
static void mmio_update(struct kunit *test)
{
	struct emul_world *w = new_world(test, WORLD_L64);

	w->gpr[EMUL_RBX] = WORLD_MMIO;
	w->gpr[EMUL_RAX] = 1;
	KUNIT_EXPECT_EQ(test, RUN(w, 0xf0, 0x01, 0x03), EMUL_IO);
	KUNIT_EXPECT_EQ(test, w->c.nr_writes, 0);
	KUNIT_EXPECT_EQ(test, answer(test, w, WORLD_MMIO, 4, 0xffffffff), EMUL_IO);
	expect_store(test, w, 0, WORLD_MMIO, 4, 0);
	KUNIT_EXPECT_TRUE(test, w->rflags & X86_EFLAGS_ZF);
	KUNIT_EXPECT_TRUE(test, w->rflags & X86_EFLAGS_CF);
	/* XCHG with a device: both directions. */
	KUNIT_EXPECT_EQ(test, RUN(w, 0x87, 0x03), EMUL_IO);
	KUNIT_EXPECT_EQ(test, answer(test, w, WORLD_MMIO, 4, 9), EMUL_IO);
	expect_store(test, w, 0, WORLD_MMIO, 4, 1);
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RAX], 9);
}

/* Half in RAM, half in the device. */
static void crossing_into_mmio(struct kunit *test)
{
	struct emul_world *w = new_world(test, WORLD_L64);

	w->gpr[EMUL_RBX] = WORLD_MMIO - 2;
	world_put(w, WORLD_MMIO - 2, 0x2211, 2);
	KUNIT_EXPECT_EQ(test, RUN(w, 0x8b, 0x03), EMUL_IO);
	KUNIT_EXPECT_EQ(test, answer(test, w, WORLD_MMIO, 2, 0x4433), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RAX], 0x44332211);
	w->gpr[EMUL_RAX] = 0x88776655;
	KUNIT_EXPECT_EQ(test, RUN(w, 0x89, 0x03), EMUL_IO);
	KUNIT_EXPECT_EQ(test, w->c.nr_writes, 1);
	expect_store(test, w, 0, WORLD_MMIO, 2, 0x8877);
	KUNIT_EXPECT_EQ(test, world_get(w, WORLD_MMIO - 2, 2), 0x6655);
}

static void two_device_operands(struct kunit *test)
{
	struct emul_world *w = new_world(test, WORLD_L64);

	w->gpr[EMUL_RSI] = WORLD_MMIO;
	w->gpr[EMUL_RDI] = WORLD_MMIO + 0x100;
	KUNIT_EXPECT_EQ(test, RUN(w, 0xa7), EMUL_IO);		/* cmpsd */
	KUNIT_EXPECT_EQ(test, answer(test, w, WORLD_MMIO, 4, 5), EMUL_IO);
	KUNIT_EXPECT_EQ(test, answer(test, w, WORLD_MMIO + 0x100, 4, 5), EMUL_DONE);
	KUNIT_EXPECT_TRUE(test, w->rflags & X86_EFLAGS_ZF);
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RSI], WORLD_MMIO + 4);
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RDI], WORLD_MMIO + 0x104);
}

/* A device in the kernel is asked once, though the instruction runs twice. */
static void kernel_device_is_read_once(struct kunit *test)
{
	struct emul_world *w = new_world(test, WORLD_L64);

	w->kernel_value = 0x77;
	w->gpr[EMUL_RSI] = WORLD_KERNEL;
	w->gpr[EMUL_RDI] = WORLD_MMIO;
	KUNIT_EXPECT_EQ(test, RUN(w, 0xa7), EMUL_IO);
	KUNIT_EXPECT_EQ(test, answer(test, w, WORLD_MMIO, 4, 0x77), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, w->kernel_reads, 1);
	KUNIT_EXPECT_TRUE(test, w->rflags & X86_EFLAGS_ZF);
}

static void vector_mmio(struct kunit *test)
{
	struct emul_world *w = new_world(test, WORLD_L64);
	unsigned int i;

	w->gpr[EMUL_RBX] = WORLD_MMIO;
	KUNIT_EXPECT_EQ(test, RUN(w, 0xc5, 0xfe, 0x6f, 0x03), EMUL_IO);	/* vmovdqu ymm0,[rbx] */
	KUNIT_EXPECT_EQ(test, w->c.io.len, 32);
	for (i = 0; i < 32; i++)
		w->c.io.data[i] = i + 1;
	KUNIT_EXPECT_EQ(test, emul_complete_mmio_read(&w->c), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, w->vec[0][31], 32);
	KUNIT_EXPECT_EQ(test, RUN(w, 0x0f, 0x11, 0x03), EMUL_IO);	/* movups [rbx],xmm0 */
	KUNIT_EXPECT_EQ(test, w->c.writes[0].len, 16);
	KUNIT_EXPECT_EQ(test, w->c.writes[0].data[15], 16);
}

/* Userspace moved RIP, a reset for one: the old instruction is forgotten. */
static void rip_moved_meanwhile(struct kunit *test)
{
	struct emul_world *w = new_world(test, WORLD_L64);

	w->gpr[EMUL_RBX] = WORLD_MMIO;
	KUNIT_EXPECT_EQ(test, RUN(w, 0x8b, 0x03), EMUL_IO);
	w->rip = 0xfff0;
	KUNIT_EXPECT_EQ(test, answer(test, w, WORLD_MMIO, 4, 1), EMUL_AGAIN);
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RAX], 0);
	KUNIT_EXPECT_EQ(test, w->rip, 0xfff0);
	KUNIT_EXPECT_EQ(test, RUN(w, 0x8b, 0x03), EMUL_IO);
	emul_reset(&w->c);
	KUNIT_EXPECT_EQ(test, emul_complete_mmio_read(&w->c), EMUL_AGAIN);
	KUNIT_EXPECT_EQ(test, w->rip, WORLD_CODE);
}

/* It set another mode with RIP as it was: the bytes need not mean the same there. */
static void mode_changed_meanwhile(struct kunit *test)
{
	struct emul_world *w = new_world(test, WORLD_P32);

	w->gpr[EMUL_RBX] = WORLD_MMIO;
	KUNIT_EXPECT_EQ(test, RUN(w, 0x8b, 0x03), EMUL_IO);
	w->cr[0] &= ~X86_CR0_PE;
	KUNIT_EXPECT_EQ(test, answer(test, w, WORLD_MMIO, 4, 1), EMUL_AGAIN);
	KUNIT_EXPECT_EQ(test, w->rip, WORLD_CODE);
	w->cr[0] |= X86_CR0_PE;
	KUNIT_EXPECT_EQ(test, RUN(w, 0x8b, 0x03), EMUL_IO);
	w->seg[EMUL_CS].db = 0;
	KUNIT_EXPECT_EQ(test, answer(test, w, WORLD_MMIO, 4, 1), EMUL_AGAIN);
	KUNIT_EXPECT_EQ(test, w->rip, WORLD_CODE);
	w->seg[EMUL_CS].db = 1;
	KUNIT_EXPECT_EQ(test, RUN(w, 0x8b, 0x03), EMUL_IO);
	w->cpl = 3;
	KUNIT_EXPECT_EQ(test, answer(test, w, WORLD_MMIO, 4, 1), EMUL_AGAIN);
	KUNIT_EXPECT_EQ(test, w->rip, WORLD_CODE);
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RAX], 0);
	KUNIT_EXPECT_EQ(test, w->c.io.kind, EMUL_IO_NONE);
	KUNIT_EXPECT_EQ(test, w->c.nr_reads, 0);
}

/* The store faults after the device was read: no store, no register. */
static void fault_after_device_read(struct kunit *test)
{
	struct emul_world *w = new_world(test, WORLD_L64);

	w->gpr[EMUL_RSI] = WORLD_MMIO;
	w->gpr[EMUL_RDI] = 0x2000;
	w->page[2] = WORLD_P;
	KUNIT_EXPECT_EQ(test, RUN(w, 0xa5), EMUL_IO);
	KUNIT_EXPECT_EQ(test, answer(test, w, WORLD_MMIO, 4, 1), EMUL_EXCEPTION);
	KUNIT_EXPECT_EQ(test, w->c.exception.vector, 14);
	KUNIT_EXPECT_EQ(test, w->c.exception.error_code, 3);
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RSI], WORLD_MMIO);
	KUNIT_EXPECT_EQ(test, w->c.nr_writes, 0);
}

/* Two pages, the second without memory behind it: the first keeps what it held. */
static void crossing_store_is_whole(struct kunit *test)
{
	struct emul_world *w = new_world(test, WORLD_L64);

	w->gpr[EMUL_RBX] = 0x2ffe;
	w->gpr[EMUL_RAX] = 0x44332211;
	w->gone_page = 3;
	KUNIT_EXPECT_EQ(test, RUN(w, 0x89, 0x03), EMUL_FAILED);
	KUNIT_EXPECT_EQ(test, w->writes, 0);
	KUNIT_EXPECT_EQ(test, world_get(w, 0x2ffe, 4), 0);
	KUNIT_EXPECT_EQ(test, w->rip, WORLD_CODE);
	/* As in a device's page it is a store to a device. */
	w->gone_page = WORLD_NO_PAGE;
	w->no_ram_page = 3;
	KUNIT_EXPECT_EQ(test, RUN(w, 0x89, 0x03), EMUL_IO);
	KUNIT_EXPECT_EQ(test, world_get(w, 0x2ffe, 4), 0x2211);
	expect_store(test, w, 0, 0x3000, 2, 0x4433);
}

static void rep_stos_in_ram(struct kunit *test)
{
	struct emul_world *w = new_world(test, WORLD_L64);

	w->gpr[EMUL_RAX] = 0x11223344;
	w->gpr[EMUL_RDI] = 0x2ffc;
	w->gpr[EMUL_RCX] = 3;
	KUNIT_EXPECT_EQ(test, RUN(w, 0xf3, 0xab), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RCX], 0);
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RDI], 0x3008);
	KUNIT_EXPECT_EQ(test, world_get(w, 0x3004, 4), 0x11223344);
	KUNIT_EXPECT_EQ(test, w->rip, WORLD_CODE + 2);
	/* RCX = 0: nothing but RIP. */
	KUNIT_EXPECT_EQ(test, RUN(w, 0xf3, 0xab), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RDI], 0x3008);
	KUNIT_EXPECT_EQ(test, w->rip, WORLD_CODE + 2);
}

static void rep_fault_midway(struct kunit *test)
{
	struct emul_world *w = new_world(test, WORLD_L64);

	w->page[3] = 0;
	w->gpr[EMUL_RSI] = 0x5000;
	w->gpr[EMUL_RDI] = 0x2ff8;
	w->gpr[EMUL_RCX] = 4;
	world_put(w, 0x5000, 0x1111111122222222, 8);
	KUNIT_EXPECT_EQ(test, RUN(w, 0xf3, 0xa5), EMUL_EXCEPTION);
	KUNIT_EXPECT_EQ(test, w->c.exception.cr2, 0x3000);
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RCX], 2);
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RSI], 0x5008);
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RDI], 0x3000);
	KUNIT_EXPECT_EQ(test, world_get(w, 0x2ff8, 8), 0x1111111122222222);
	KUNIT_EXPECT_EQ(test, w->rip, WORLD_CODE);
}

static void rep_address_size_and_direction(struct kunit *test)
{
	struct emul_world *w = new_world(test, WORLD_L64);

	w->rflags |= X86_EFLAGS_DF;
	w->gpr[EMUL_RSI] = 0x2002;
	w->gpr[EMUL_RDI] = 0x3002;
	w->gpr[EMUL_RCX] = 0x700000002;		/* 67: ECX counts */
	world_put(w, 0x2000, 0x44332211, 4);
	KUNIT_EXPECT_EQ(test, RUN(w, 0x67, 0xf3, 0x66, 0xa5), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RCX], 0);
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RSI], 0x1ffe);
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RDI], 0x2ffe);
	KUNIT_EXPECT_EQ(test, world_get(w, 0x3000, 4), 0x44332211);
	/* 16-bit: SI wraps, upper bits stay. */
	world_init(w, WORLD_REAL);
	w->gpr[EMUL_RSI] = 0x5ffff;
	w->gpr[EMUL_RCX] = 1;
	KUNIT_EXPECT_EQ(test, RUN(w, 0xf3, 0xac), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RSI], 0x50000);
}

static void repe_and_repne_stop(struct kunit *test)
{
	struct emul_world *w = new_world(test, WORLD_L64);

	world_put(w, 0x2000, 0x0000050505, 5);
	w->gpr[EMUL_RDI] = 0x2000;
	w->gpr[EMUL_RAX] = 5;
	w->gpr[EMUL_RCX] = 8;
	KUNIT_EXPECT_EQ(test, RUN(w, 0xf3, 0xae), EMUL_DONE);	/* repe scasb */
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RCX], 4);
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RDI], 0x2004);
	KUNIT_EXPECT_FALSE(test, w->rflags & X86_EFLAGS_ZF);
	w->gpr[EMUL_RDI] = 0x1ffe;
	w->gpr[EMUL_RCX] = 8;
	KUNIT_EXPECT_EQ(test, RUN(w, 0xf2, 0xae), EMUL_DONE);	/* repne scasb */
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RCX], 5);
	KUNIT_EXPECT_TRUE(test, w->rflags & X86_EFLAGS_ZF);
}

/* Between iterations a string instruction can be left, with RIP still on it. */
static void rep_is_interruptible(struct kunit *test)
{
	struct emul_world *w = new_world(test, WORLD_L64);

	w->stop = true;
	w->gpr[EMUL_RDI] = 0x2000;
	w->gpr[EMUL_RCX] = 3;
	KUNIT_EXPECT_EQ(test, RUN(w, 0xf3, 0xaa), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RCX], 2);
	KUNIT_EXPECT_EQ(test, w->rip, WORLD_CODE);
	/* So does single step, with a trap for every iteration. */
	w->stop = false;
	w->rflags |= X86_EFLAGS_TF;
	KUNIT_EXPECT_EQ(test, RUN(w, 0xf3, 0xaa), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RCX], 1);
	KUNIT_EXPECT_EQ(test, w->steps, 1);
	/* And no count makes one call endless. */
	w->rflags &= ~(u64)X86_EFLAGS_TF;
	w->gpr[EMUL_RCX] = 1ull << 40;
	w->rflags |= X86_EFLAGS_DF;
	w->gpr[EMUL_RDI] = 0x8000;
	KUNIT_EXPECT_EQ(test, RUN(w, 0xf3, 0xaa), EMUL_DONE);
	KUNIT_EXPECT_TRUE(test, w->gpr[EMUL_RCX] > 1);
	KUNIT_EXPECT_EQ(test, w->rip, WORLD_CODE);
}

/* Nor do the questions to a device that answers at once: they count as iterations. */
static void rep_from_device_ends(struct kunit *test)
{
	struct emul_world *w = new_world(test, WORLD_L64);
	enum emul_status status;
	unsigned int answers = 0;

	w->rflags |= X86_EFLAGS_DF;
	w->gpr[EMUL_RSI] = WORLD_MMIO + 0x800;
	w->gpr[EMUL_RCX] = 1ull << 40;
	status = RUN(w, 0xf3, 0xac);	/* rep lodsb */
	while (status == EMUL_IO && answers < 0x800) {
		status = answer(test, w, w->c.io.gpa, 1, 0);
		answers++;
	}
	KUNIT_EXPECT_EQ(test, status, EMUL_DONE);
	KUNIT_EXPECT_EQ(test, answers, 1024);
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RCX], (1ull << 40) - 1024);
	KUNIT_EXPECT_EQ(test, w->rip, WORLD_CODE);
	/* The next run has the same. */
	KUNIT_EXPECT_EQ(test, emul_run(&w->c, 0, NULL, 0), EMUL_IO);
	KUNIT_EXPECT_EQ(test, answer(test, w, w->c.io.gpa, 1, 0), EMUL_IO);
}

static void rep_movs_with_devices(struct kunit *test)
{
	struct emul_world *w = new_world(test, WORLD_L64);

	/* From a device: one question an iteration. */
	w->gpr[EMUL_RSI] = WORLD_MMIO;
	w->gpr[EMUL_RDI] = 0x2000;
	w->gpr[EMUL_RCX] = 2;
	KUNIT_EXPECT_EQ(test, RUN(w, 0xf3, 0xa5), EMUL_IO);
	KUNIT_EXPECT_EQ(test, answer(test, w, WORLD_MMIO, 4, 0xa), EMUL_IO);
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RCX], 1);
	KUNIT_EXPECT_EQ(test, answer(test, w, WORLD_MMIO + 4, 4, 0xb), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, world_get(w, 0x2000, 8), 0xb0000000a);
	KUNIT_EXPECT_EQ(test, w->rip, WORLD_CODE + 2);
	/* To a device: each store leaves, RIP stays until the last. */
	w->gpr[EMUL_RSI] = 0x2000;
	w->gpr[EMUL_RDI] = WORLD_MMIO;
	w->gpr[EMUL_RCX] = 2;
	KUNIT_EXPECT_EQ(test, RUN(w, 0xf3, 0xa5), EMUL_IO);
	expect_store(test, w, 0, WORLD_MMIO, 4, 0xa);
	KUNIT_EXPECT_EQ(test, w->rip, WORLD_CODE);
	KUNIT_EXPECT_EQ(test, emul_run(&w->c, 0, NULL, 0), EMUL_IO);
	expect_store(test, w, 0, WORLD_MMIO + 4, 4, 0xb);
	KUNIT_EXPECT_EQ(test, w->rip, WORLD_CODE + 2);
}

static void port_in_and_out(struct kunit *test)
{
	struct emul_world *w = new_world(test, WORLD_L64);

	w->gpr[EMUL_RDX] = 0x3f8;
	w->gpr[EMUL_RAX] = 0xffffffffffffff00;
	KUNIT_EXPECT_EQ(test, RUN(w, 0xec), EMUL_IO);
	KUNIT_EXPECT_EQ(test, w->c.io.kind, EMUL_IO_PIO_IN);
	KUNIT_EXPECT_EQ(test, w->c.io.port, 0x3f8);
	KUNIT_EXPECT_EQ(test, w->c.io.size, 1);
	KUNIT_EXPECT_EQ(test, w->c.io.count, 1);
	w->pio[0] = 0x5a;
	KUNIT_EXPECT_EQ(test, emul_complete_pio_in(&w->c), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RAX], 0xffffffffffffff5a);
	KUNIT_EXPECT_EQ(test, w->rip, WORLD_CODE + 1);
	w->gpr[EMUL_RAX] = 0x12345678;
	KUNIT_EXPECT_EQ(test, RUN(w, 0xe7, 0x60), EMUL_IO);
	KUNIT_EXPECT_EQ(test, w->c.io.kind, EMUL_IO_PIO_OUT);
	KUNIT_EXPECT_EQ(test, w->c.io.port, 0x60);
	KUNIT_EXPECT_EQ(test, w->c.io.size, 4);
	KUNIT_EXPECT_EQ(test, *(u32 *)w->pio, 0x12345678);
	KUNIT_EXPECT_EQ(test, w->rip, WORLD_CODE + 2);
}

static void port_permission(struct kunit *test)
{
	struct emul_world *w = new_world(test, WORLD_P32);

	w->cpl = 3;
	w->gpr[EMUL_RDX] = 0x3ff;
	KUNIT_EXPECT_EQ(test, RUN(w, 0xed), EMUL_IO);		/* the bitmap is all clear */
	w->ram[0x8000 + 104 + 0x80] = 1;			/* port 0x400 */
	KUNIT_EXPECT_EQ(test, RUN(w, 0xec), EMUL_IO);
	KUNIT_EXPECT_EQ(test, RUN(w, 0xed), EMUL_EXCEPTION);
	KUNIT_EXPECT_EQ(test, w->c.exception.vector, 13);
	w->gpr[EMUL_RDX] = 0xf000;				/* beyond the TSS's limit */
	KUNIT_EXPECT_EQ(test, RUN(w, 0xec), EMUL_EXCEPTION);
	KUNIT_EXPECT_EQ(test, w->c.exception.vector, 13);
	w->rflags |= X86_EFLAGS_IOPL;
	KUNIT_EXPECT_EQ(test, RUN(w, 0xec), EMUL_IO);
	/* No count is needed to be refused. */
	w->rflags &= ~(u64)X86_EFLAGS_IOPL;
	KUNIT_EXPECT_EQ(test, RUN(w, 0xf3, 0x6e), EMUL_EXCEPTION);
	/* Virtual-8086 mode asks the bitmap whatever IOPL is. */
	world_init(w, WORLD_VM86);
	w->rflags |= X86_EFLAGS_IOPL;
	w->ram[0x8000 + 104] = 1;
	KUNIT_EXPECT_EQ(test, RUN(w, 0xe4, 0), EMUL_EXCEPTION);
	KUNIT_EXPECT_EQ(test, RUN(w, 0xe4, 1), EMUL_IO);
}

static void rep_ins_batch(struct kunit *test)
{
	struct emul_world *w = new_world(test, WORLD_P32);
	unsigned int i;

	w->gpr[EMUL_RDX] = 0x1f0;
	w->gpr[EMUL_RDI] = 0x2ffd;
	w->gpr[EMUL_RCX] = 6;
	/* One item fits the page, one crosses, four are in the next. */
	KUNIT_EXPECT_EQ(test, RUN(w, 0xf3, 0x66, 0x6d), EMUL_IO);
	KUNIT_EXPECT_EQ(test, w->c.io.count, 1);
	*(u16 *)w->pio = 0x1111;
	KUNIT_EXPECT_EQ(test, emul_complete_pio_in(&w->c), EMUL_IO);
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RCX], 5);
	KUNIT_EXPECT_EQ(test, w->c.io.count, 1);
	*(u16 *)w->pio = 0x2222;
	KUNIT_EXPECT_EQ(test, emul_complete_pio_in(&w->c), EMUL_IO);
	KUNIT_EXPECT_EQ(test, w->c.io.count, 4);
	for (i = 0; i < 4; i++)
		((u16 *)w->pio)[i] = 0x3330 + i;
	KUNIT_EXPECT_EQ(test, emul_complete_pio_in(&w->c), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, world_get(w, 0x2ffd, 8), 0x3331333022221111);
	KUNIT_EXPECT_EQ(test, world_get(w, 0x3005, 4), 0x33333332);
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RDI], 0x3009);
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RCX], 0);
	KUNIT_EXPECT_EQ(test, w->rip, WORLD_CODE + 3);
}

/* Into a device: item by item, for each must be handed on. */
static void rep_ins_into_a_device(struct kunit *test)
{
	struct emul_world *w = new_world(test, WORLD_P32);

	w->gpr[EMUL_RDI] = WORLD_MMIO;
	w->gpr[EMUL_RCX] = 2;
	KUNIT_EXPECT_EQ(test, RUN(w, 0xf3, 0x6c), EMUL_IO);
	KUNIT_EXPECT_EQ(test, w->c.io.count, 1);
	w->pio[0] = 0x21;
	KUNIT_EXPECT_EQ(test, emul_complete_pio_in(&w->c), EMUL_IO);
	expect_store(test, w, 0, WORLD_MMIO, 1, 0x21);
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RCX], 1);
	KUNIT_EXPECT_EQ(test, w->rip, WORLD_CODE);
}

/* The page must be writable before the device is asked: its data cannot be put back. */
static void ins_checks_memory_first(struct kunit *test)
{
	struct emul_world *w = new_world(test, WORLD_P32);

	w->gpr[EMUL_RDI] = 0x2000;
	w->page[2] = WORLD_P;
	KUNIT_EXPECT_EQ(test, RUN(w, 0x6c), EMUL_EXCEPTION);
	KUNIT_EXPECT_EQ(test, w->c.exception.vector, 14);
	KUNIT_EXPECT_EQ(test, w->c.io.kind, EMUL_IO_NONE);
}

/* No place for the data: the device is not asked, or what it gave is not dropped unsaid. */
static void rep_ins_destination_gone(struct kunit *test)
{
	struct emul_world *w = new_world(test, WORLD_P32);

	w->gpr[EMUL_RDX] = 0x1f0;
	w->gpr[EMUL_RDI] = 0x3000;
	w->gpr[EMUL_RCX] = 4;
	w->gone_page = 3;
	KUNIT_EXPECT_EQ(test, RUN(w, 0xf3, 0x66, 0x6d), EMUL_FAILED);
	w->gone_page = WORLD_NO_PAGE;
	KUNIT_EXPECT_EQ(test, RUN(w, 0xf3, 0x66, 0x6d), EMUL_IO);
	KUNIT_EXPECT_EQ(test, w->c.io.count, 4);
	*(u64 *)w->pio = 0x4444333322221111;
	w->no_ram_page = 3;
	KUNIT_EXPECT_EQ(test, emul_complete_pio_in(&w->c), EMUL_FAILED);
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RCX], 4);
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RDI], 0x3000);
	KUNIT_EXPECT_EQ(test, w->rip, WORLD_CODE);
	/* Userspace that lowers RCX gets what it asked for. */
	w->no_ram_page = WORLD_NO_PAGE;
	KUNIT_EXPECT_EQ(test, RUN(w, 0xf3, 0x66, 0x6d), EMUL_IO);
	w->gpr[EMUL_RCX] = 2;
	KUNIT_EXPECT_EQ(test, emul_complete_pio_in(&w->c), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, world_get(w, 0x3000, 8), 0x22221111);
	KUNIT_EXPECT_EQ(test, w->rip, WORLD_CODE + 3);
}

static void rep_outs_batch(struct kunit *test)
{
	struct emul_world *w = new_world(test, WORLD_P32);

	w->gpr[EMUL_RDX] = 0x402;
	w->gpr[EMUL_RSI] = 0x2000;
	w->gpr[EMUL_RCX] = 5;
	memcpy(w->ram + 0x2000, "hello", 5);
	KUNIT_EXPECT_EQ(test, RUN(w, 0xf3, 0x6e), EMUL_IO);
	KUNIT_EXPECT_EQ(test, w->c.io.kind, EMUL_IO_PIO_OUT);
	KUNIT_EXPECT_EQ(test, w->c.io.count, 5);
	KUNIT_EXPECT_EQ(test, memcmp(w->pio, "hello", 5), 0);
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RSI], 0x2005);
	KUNIT_EXPECT_EQ(test, w->rip, WORLD_CODE + 2);
	/* Downwards there are no batches. */
	w->rflags |= X86_EFLAGS_DF;
	w->gpr[EMUL_RCX] = 5;
	KUNIT_EXPECT_EQ(test, RUN(w, 0xf3, 0x6e), EMUL_IO);
	KUNIT_EXPECT_EQ(test, w->c.io.count, 1);
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RSI], 0x2004);
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RCX], 4);
	KUNIT_EXPECT_EQ(test, w->rip, WORLD_CODE);
}

/* Another CPU changed memory under a locked update: nothing happened, run it again. */
static void locked_update_retries(struct kunit *test)
{
	struct emul_world *w = new_world(test, WORLD_L64);

	w->gpr[EMUL_RBX] = 0x2000;
	w->gpr[EMUL_RAX] = 1;
	w->steal = true;
	w->rflags |= X86_EFLAGS_TF;
	KUNIT_EXPECT_EQ(test, RUN(w, 0xf0, 0x0f, 0xc1, 0x03), EMUL_AGAIN);	/* lock xadd */
	KUNIT_EXPECT_EQ(test, w->rip, WORLD_CODE);
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RAX], 1);
	KUNIT_EXPECT_EQ(test, world_get(w, 0x2000, 4), 1);
	KUNIT_EXPECT_EQ(test, w->steps, 0);
	KUNIT_EXPECT_EQ(test, emul_run(&w->c, 0, NULL, 0), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, w->steps, 1);
	KUNIT_EXPECT_EQ(test, w->rip, WORLD_CODE + 4);
	KUNIT_EXPECT_EQ(test, world_get(w, 0x2000, 4), 2);
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RAX], 1);
	KUNIT_EXPECT_EQ(test, w->cmpxchgs, 2);
	/* XCHG locks by itself; without LOCK an ADD does not. */
	KUNIT_EXPECT_EQ(test, RUN(w, 0x87, 0x03), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, w->cmpxchgs, 3);
	KUNIT_EXPECT_EQ(test, RUN(w, 0x01, 0x03), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, w->cmpxchgs, 3);
}

static void skip_only_advances(struct kunit *test)
{
	struct emul_world *w = new_world(test, WORLD_L64);
	static const u8 cpuid[] = { 0x0f, 0xa2 };
	static const u8 addps[] = { 0x0f, 0x58, 0x03 };

	w->shadow = EMUL_SHADOW_STI;
	w->rflags |= X86_EFLAGS_TF;
	KUNIT_EXPECT_EQ(test, emul_run(&w->c, EMULF_SKIP, cpuid, 2), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, w->rip, WORLD_CODE + 2);
	KUNIT_EXPECT_EQ(test, w->gpr[EMUL_RAX], 0);
	KUNIT_EXPECT_EQ(test, w->shadow, EMUL_SHADOW_NONE);
	KUNIT_EXPECT_EQ(test, w->steps, 0);
	/* Also what is not emulated has a length. */
	KUNIT_EXPECT_EQ(test, emul_run(&w->c, EMULF_SKIP, addps, 3), EMUL_DONE);
	KUNIT_EXPECT_EQ(test, w->rip, WORLD_CODE + 5);
	KUNIT_EXPECT_EQ(test, emul_run(&w->c, EMULF_UD_TRAP, addps, 3), EMUL_EXCEPTION);
	KUNIT_EXPECT_EQ(test, w->c.exception.vector, 6);
}

static struct kunit_case io_test_cases[] = {
	KUNIT_CASE(mmio_load),
	KUNIT_CASE(mmio_store),
	KUNIT_CASE(known_gpa),
	KUNIT_CASE(known_gpa_of_something_else),
	KUNIT_CASE(mmio_update),
	KUNIT_CASE(crossing_into_mmio),
	KUNIT_CASE(two_device_operands),
	KUNIT_CASE(kernel_device_is_read_once),
	KUNIT_CASE(vector_mmio),
	KUNIT_CASE(rip_moved_meanwhile),
	KUNIT_CASE(mode_changed_meanwhile),
	KUNIT_CASE(fault_after_device_read),
	KUNIT_CASE(crossing_store_is_whole),
	KUNIT_CASE(rep_stos_in_ram),
	KUNIT_CASE(rep_fault_midway),
	KUNIT_CASE(rep_address_size_and_direction),
	KUNIT_CASE(repe_and_repne_stop),
	KUNIT_CASE(rep_is_interruptible),
	KUNIT_CASE(rep_from_device_ends),
	KUNIT_CASE(rep_movs_with_devices),
	KUNIT_CASE(port_in_and_out),
	KUNIT_CASE(port_permission),
	KUNIT_CASE(rep_ins_batch),
	KUNIT_CASE(rep_ins_destination_gone),
	KUNIT_CASE(rep_ins_into_a_device),
	KUNIT_CASE(ins_checks_memory_first),
	KUNIT_CASE(rep_outs_batch),
	KUNIT_CASE(locked_update_retries),
	KUNIT_CASE(skip_only_advances),
	{}
};

static struct kunit_suite emul_io_suite = {
	.name = "emul_io",
	.test_cases = io_test_cases,
};

kunit_test_suite(emul_io_suite);
