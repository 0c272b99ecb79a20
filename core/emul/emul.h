/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The instruction emulator's public face: the context that every vCPU embeds,
 * the entry points and what they return. The emulator proper knows nothing
 * about vCPUs, memory slots or vendors; it asks emul_env.h for all of that.
 */
#ifndef MONO_CORE_EMUL_EMUL_H
#define MONO_CORE_EMUL_EMUL_H

#include <linux/bits.h>
#include <linux/types.h>
#include <asm/kvm.h>

struct kvm_vcpu;

#define EMUL_MAX_INSN		15	/* longest legal instruction */
#define EMUL_MAX_DATA		32	/* widest single memory access: one ymm register */
#define EMUL_READS		10	/* device reads one instruction may need */
#define EMUL_WRITES		34	/* stores one instruction may make (ENTER is the worst) */

/* General purpose registers by their encoding in instructions. */
enum emul_gpr {
	EMUL_RAX, EMUL_RCX, EMUL_RDX, EMUL_RBX,
	EMUL_RSP, EMUL_RBP, EMUL_RSI, EMUL_RDI,
	EMUL_R8, EMUL_R9, EMUL_R10, EMUL_R11,
	EMUL_R12, EMUL_R13, EMUL_R14, EMUL_R15,
};

/* Segment registers by their encoding; TR and LDTR follow. */
enum emul_seg {
	EMUL_ES, EMUL_CS, EMUL_SS, EMUL_DS, EMUL_FS, EMUL_GS,
	EMUL_TR, EMUL_LDTR,
};

enum emul_mode {
	EMUL_MODE_REAL,		/* CR0.PE = 0 */
	EMUL_MODE_VM86,
	EMUL_MODE_PROT,		/* protected or compatibility mode; CS.D gives the size */
	EMUL_MODE_LONG,		/* 64-bit code */
};

/* What an environment call, and each step inside the emulator, returns. */
enum emul_result {
	EMUL_CONTINUE,		/* done */
	EMUL_IO_NEEDED,		/* userspace must act; see struct emul_ctxt.io */
	EMUL_FAULT,		/* the guest gets ctxt.exception */
	EMUL_RETRY,		/* lost a race for a locked access: run it again */
	EMUL_UNHANDLEABLE,	/* legal on the CPU, beyond this emulator */
};

/* What emul_run() returns to whoever handles the exit. */
enum emul_status {
	EMUL_DONE,		/* state is written back; enter the guest again */
	EMUL_AGAIN,		/* nothing retired, nothing changed; enter the guest again */
	EMUL_HALTED,		/* likewise, and the instruction was HLT */
	EMUL_IO,		/* leave to userspace for ctxt.io, then emul_complete_*() */
	EMUL_EXCEPTION,		/* ctxt.exception is to be injected; nothing else changed */
	EMUL_FAILED,		/* KVM_INTERNAL_ERROR_EMULATION; nothing changed */
};

/* Flags of emul_run(). */
#define EMULF_NO_DECODE		BIT(0)	/* run again what was decoded before the IO exit */
#define EMULF_SKIP		BIT(1)	/* advance RIP, end the shadow, no trap */
#define EMULF_UD_TRAP		BIT(2)	/* came from #UD: what is not emulated is #UD */
#define EMULF_GPA_KNOWN		BIT(3)	/* ctxt.known says where the operand is */

/* Access flags of a linear address translation. */
#define EMUL_ACC_WRITE		BIT(0)
#define EMUL_ACC_USER		BIT(1)	/* checked as CPL 3 */
#define EMUL_ACC_FETCH		BIT(2)
#define EMUL_ACC_IMPLICIT	BIT(3)	/* supervisor access to a system structure */

struct emul_exception {
	u8 vector;
	bool has_error;
	u32 error_code;
	u64 cr2;		/* #PF: the faulting linear address */
};

/* A linear range after translation: at most two pages. */
struct emul_phys {
	u64 gpa[2];
	u8 len[2];		/* len[1] is 0 unless the range crosses a page */
};

/* One access to guest-physical memory: a recorded read or a staged store. */
struct emul_access {
	u64 gpa;
	u8 len;
	u8 data[EMUL_MAX_DATA];
};

struct emul_operand {
	u8 kind;		/* enum emul_opnd_kind, see internal.h */
	u8 bytes;
	u8 reg;
	bool high8;		/* AH, CH, DH, BH: bits 15:8 of reg */
	bool mapped;		/* phys is valid */
	u64 val;
	u64 orig;		/* what memory held: the compare value of a locked update */
	struct emul_phys phys;
};

/*
 * What the CPU found out before it exited: the guest-physical address of the
 * memory operand, checked for that access. It holds as long as the decoded
 * operand does, so also when the instruction runs again with a device's answer.
 */
struct emul_known {
	bool valid;
	bool write;
	u64 gpa;
};

/* The memory operand as ModRM, SIB or moffs gave it. */
struct emul_mem {
	u8 seg;
	bool valid;
	bool rip_rel;
	u64 ea;
};

enum emul_io_kind {
	EMUL_IO_NONE,
	EMUL_IO_MMIO_READ,	/* io.gpa, io.len; data is wanted in io.data */
	EMUL_IO_MMIO_WRITE,	/* ctxt.writes[0 .. nr_writes) go to userspace */
	EMUL_IO_PIO_IN,		/* io.port, io.size, io.count; data in the PIO page */
	EMUL_IO_PIO_OUT,	/* likewise; the data is in the PIO page already */
};

struct emul_io {
	enum emul_io_kind kind;
	bool in_ready;		/* PIO_IN: the PIO page holds what the device returned */
	u8 len;
	u8 size;
	u16 port;
	u32 count;
	u64 gpa;
	u8 data[EMUL_MAX_DATA];
};

/*
 * The emulator's context. One per vCPU, used only by the thread that runs the
 * vCPU with its mutex held. It is valid from emul_run() until that returns,
 * and beyond that only while status was EMUL_IO.
 */
struct emul_ctxt {
	/* Snapshot, taken when an instruction starts (and again on a restart). */
	enum emul_mode mode;
	u8 cpl;
	bool cs_db;
	u64 rip;		/* of the instruction */
	u64 rflags;
	u64 cr0, cr4, efer;
	u64 gpr[16];
	u16 gpr_valid;
	u16 gpr_dirty;
	u8 seg_valid;
	struct kvm_segment seg[6];

	/* Instruction bytes and the result of decoding them. */
	u8 insn[EMUL_MAX_INSN + 1];	/* one more than counts: see fetch_more() */
	u8 insn_avail;		/* bytes fetched */
	u8 insn_len;		/* bytes consumed */
	bool decoded;
	/* Where and in which mode that was: a restart must find the same. */
	u64 decoded_rip;
	enum emul_mode decoded_mode;
	u8 decoded_cpl;
	bool decoded_cs_db;
	u16 op;			/* enum emul_op */
	u8 opcode;		/* last opcode byte */
	u8 map;			/* 0 one-byte, 1 0F, 2 0F38, 3 0F3A, 39 to 3F unused */
	u8 op_size, addr_size;
	u8 seg_override;	/* enum emul_seg or 0xff */
	u8 rep;			/* 0, 0xf2 or 0xf3 */
	u8 rex;
	bool lock, opsize66, has_modrm;
	bool vex, vex_l;
	u8 vex_vvvv;
	u8 modrm, modrm_mod, modrm_reg, modrm_rm;
	u32 flags;		/* F_* of the opcode table */
	u64 imm, imm2;
	struct emul_mem mem;
	struct emul_known known;
	struct emul_operand dst, src, src2;

	/* What the instruction does; committed when all of it succeeded. */
	u64 next_rip;
	u64 new_rflags;
	bool halt;
	bool rep_again;		/* a string instruction with iterations left */
	u16 budget;		/* iterations until the guest is entered again */
	u8 shadow;		/* EMUL_SHADOW_* */
	u8 seg_dirty;		/* seg[] entries to load */
	bool sys_seg_dirty;	/* sys_seg is to be loaded into LDTR or TR */
	u8 sys_seg_nr;
	struct kvm_segment sys_seg;
	u8 nr_writes;
	struct emul_access writes[EMUL_WRITES];
	struct emul_exception exception;

	/* Device reads already made for this instruction, in program order. */
	u8 nr_reads, next_read;
	struct emul_access reads[EMUL_READS];
	struct emul_io io;
};

/* An instruction's effect on the next one; the values are those of KVM_X86_SHADOW_INT_*. */
#define EMUL_SHADOW_NONE	0
#define EMUL_SHADOW_MOV_SS	1
#define EMUL_SHADOW_STI		2

/* What a decoded instruction is, for vendors without decode assists. */
enum emul_kind {
	EMUL_KIND_OTHER,
	EMUL_KIND_MOV_TO_CR, EMUL_KIND_MOV_FROM_CR,
	EMUL_KIND_MOV_TO_DR, EMUL_KIND_MOV_FROM_DR,
	EMUL_KIND_CLTS, EMUL_KIND_LMSW, EMUL_KIND_SMSW,
	EMUL_KIND_INVLPG,
	EMUL_KIND_INT_N, EMUL_KIND_INT3, EMUL_KIND_INTO, EMUL_KIND_INT1,
	EMUL_KIND_IN, EMUL_KIND_OUT, EMUL_KIND_INS, EMUL_KIND_OUTS,
};

struct emul_decode_info {
	enum emul_kind kind;
	u8 len;
	u8 gpr;			/* MOV CR/DR: the general purpose register */
	u8 creg;		/* MOV CR/DR: the control or debug register */
	u8 vector;		/* INT n */
	u8 seg;			/* string I/O, INVLPG: effective segment */
	u8 addr_size;		/* bytes */
	u8 op_size;		/* bytes; of the datum for port I/O */
	bool rep;
	u64 linear;		/* INVLPG: linear address, unchecked */
};

/* A plain MOV, see emul_parse_move(). */
struct emul_move {
	u8 len;			/* of the instruction */
	u8 bytes;		/* of the datum */
	bool load;		/* from memory to reg */
	bool has_imm;		/* a store of imm, else of reg */
	bool opsize66;
	u8 rex, opcode, modrm;
	u8 reg;			/* enum emul_gpr, whose low bytes it is */
	u8 base, index;		/* enum emul_gpr or EMUL_NO_GPR */
	u8 scale;		/* of the index, as a shift */
	bool rip_rel;
	s64 disp;
	u64 imm;		/* sign extended */
};

#define EMUL_NO_GPR	0xff

bool emul_parse_move(const u8 *insn, struct emul_move *m);
enum emul_status emul_run(struct emul_ctxt *c, u32 flags, const u8 *insn, int len);
enum emul_status emul_decode_info(struct emul_ctxt *c, const u8 *insn, int len,
				  struct emul_decode_info *info);
void emul_reset(struct emul_ctxt *c);
enum emul_status emul_complete_mmio_read(struct emul_ctxt *c);
enum emul_status emul_complete_pio_in(struct emul_ctxt *c);
void emul_record_read(struct emul_ctxt *c, u64 gpa, const void *data, unsigned int len);

#endif /* MONO_CORE_EMUL_EMUL_H */
