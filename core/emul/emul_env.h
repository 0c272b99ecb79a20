/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the emulator needs from its surroundings, as plain functions. The
 * modules implement them in core/emul_env.c on top of the vCPU; the KUnit
 * tests implement them on a flat memory. All run in the vCPU's thread and may
 * sleep. Functions returning enum emul_result use EMUL_FAULT only after filling
 * ctxt.exception, unless said otherwise.
 */
#ifndef MONO_CORE_EMUL_EMUL_ENV_H
#define MONO_CORE_EMUL_EMUL_ENV_H

#include "core/emul/emul.h"

/* CPUID features that change what an encoding means or whether it is #UD. */
enum emul_feature {
	EMUL_FEAT_MOVBE, EMUL_FEAT_MOVDIRI, EMUL_FEAT_POPCNT, EMUL_FEAT_LZCNT,
	EMUL_FEAT_BMI1, EMUL_FEAT_CX16, EMUL_FEAT_CLFLUSH, EMUL_FEAT_RDTSCP,
	EMUL_FEAT_SSE2, EMUL_FEAT_SSE3, EMUL_FEAT_SSE41, EMUL_FEAT_AVX, EMUL_FEAT_AVX2,
	EMUL_FEAT_NULL_BASE,	/* AMD: a null selector clears the base */
	EMUL_FEAT_AMD_CPU,	/* not of CPUID: the CPU below the guest is AMD's or Hygon's */
};

bool emul_env_has_feature(struct emul_ctxt *c, enum emul_feature feature);

/* Registers. Writes take effect at once; the emulator makes them on commit. */
u64 emul_env_read_gpr(struct emul_ctxt *c, unsigned int reg);
void emul_env_write_gpr(struct emul_ctxt *c, unsigned int reg, u64 val);
u64 emul_env_get_rip(struct emul_ctxt *c);
void emul_env_set_rip(struct emul_ctxt *c, u64 rip);
u64 emul_env_get_rflags(struct emul_ctxt *c);
void emul_env_set_rflags(struct emul_ctxt *c, u64 rflags);
unsigned int emul_env_get_cpl(struct emul_ctxt *c);
void emul_env_get_cs_db_l(struct emul_ctxt *c, bool *db, bool *l);
void emul_env_get_segment(struct emul_ctxt *c, enum emul_seg seg, struct kvm_segment *var);
void emul_env_set_segment(struct emul_ctxt *c, enum emul_seg seg, const struct kvm_segment *var);
void emul_env_get_dt(struct emul_ctxt *c, bool idt, struct kvm_dtable *dt);
void emul_env_set_dt(struct emul_ctxt *c, bool idt, const struct kvm_dtable *dt);

/*
 * Control, debug and model-specific registers. nr is 0, 2, 3, 4 or 8 for CR and
 * 0..7 for DR. A write that the CPU refuses returns EMUL_FAULT with #GP(0) (or
 * #DB for DR7.GD) in ctxt.exception. MSR accesses may return EMUL_IO_NEEDED only
 * if the environment completes them without running the instruction again.
 */
u64 emul_env_read_cr(struct emul_ctxt *c, unsigned int nr);
enum emul_result emul_env_write_cr(struct emul_ctxt *c, unsigned int nr, u64 val);
enum emul_result emul_env_read_dr(struct emul_ctxt *c, unsigned int nr, u64 *val);
enum emul_result emul_env_write_dr(struct emul_ctxt *c, unsigned int nr, u64 val);
u64 emul_env_read_efer(struct emul_ctxt *c);
u64 emul_env_read_xcr0(struct emul_ctxt *c);
enum emul_result emul_env_read_msr(struct emul_ctxt *c, u32 msr, u64 *val);
enum emul_result emul_env_write_msr(struct emul_ctxt *c, u32 msr, u64 val);
u64 emul_env_read_tsc(struct emul_ctxt *c);
void emul_env_cpuid(struct emul_ctxt *c, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx);

/*
 * Vector registers: bytes is 16 (xmm) or 32 (ymm). Writing 16 bytes leaves the
 * rest of the register alone as a legacy SSE load does, writing 32 clears what
 * is beyond them as any VEX load does. The environment loads the guest's FPU state as needed.
 */
void emul_env_read_vec(struct emul_ctxt *c, unsigned int reg, void *data, unsigned int bytes);
void emul_env_write_vec(struct emul_ctxt *c, unsigned int reg, const void *data,
			unsigned int bytes);
/* x87: FNINIT, and what FNSTCW and FNSTSW store. */
void emul_env_fninit(struct emul_ctxt *c);
u16 emul_env_fnstcw(struct emul_ctxt *c);
u16 emul_env_fnstsw(struct emul_ctxt *c);

/*
 * Translate one linear address; the rest of its page is translated with it.
 * EMUL_FAULT: #PF with error code and cr2 in ctxt.exception.
 */
enum emul_result emul_env_translate(struct emul_ctxt *c, u64 linear, u32 access, u64 *gpa);

/*
 * Guest-physical memory, never across a page. EMUL_IO_NEEDED: not RAM and no
 * device in the kernel took it. A read that a device in the kernel answered must
 * be recorded with emul_record_read() so that a restart does not repeat it.
 */
enum emul_result emul_env_read_phys(struct emul_ctxt *c, u64 gpa, void *data, unsigned int len);
enum emul_result emul_env_write_phys(struct emul_ctxt *c, u64 gpa, const void *data,
				     unsigned int len);
/*
 * Would a store there reach RAM? Makes the memory present, changes nothing.
 * EMUL_CONTINUE: yes, a store that follows at once fails only if userspace
 * unmaps the memory in between. EMUL_IO_NEEDED: not RAM. EMUL_UNHANDLEABLE: RAM
 * that userspace has not mapped, or not writable.
 */
enum emul_result emul_env_probe_write(struct emul_ctxt *c, u64 gpa, unsigned int len);
/*
 * Compare and exchange of 1, 2, 4, 8 or 16 bytes, atomic against other vCPUs.
 * EMUL_RETRY: memory did not hold old. EMUL_IO_NEEDED: not RAM.
 */
enum emul_result emul_env_cmpxchg_phys(struct emul_ctxt *c, u64 gpa, const void *old,
				       const void *new, unsigned int len);

/*
 * Port I/O of count items of size bytes through the page that
 * emul_env_pio_page() names. EMUL_IO_NEEDED: userspace must do it. For input the
 * instruction runs again when the data is there; for output it is over.
 */
u8 *emul_env_pio_page(struct emul_ctxt *c);
unsigned int emul_env_pio_page_size(struct emul_ctxt *c);
enum emul_result emul_env_pio_in(struct emul_ctxt *c, u16 port, unsigned int size, u32 count);
enum emul_result emul_env_pio_out(struct emul_ctxt *c, u16 port, unsigned int size, u32 count);

/* Instructions with an effect beyond registers and memory. */
void emul_env_wbinvd(struct emul_ctxt *c);
void emul_env_invlpg(struct emul_ctxt *c, u64 linear);
void emul_env_set_shadow(struct emul_ctxt *c, unsigned int shadow);
void emul_env_unblock_nmi(struct emul_ctxt *c);	/* IRET retired */
void emul_env_single_step(struct emul_ctxt *c);
/* true: something is pending, so let a string instruction stop between iterations */
bool emul_env_should_stop(struct emul_ctxt *c);

#endif /* MONO_CORE_EMUL_EMUL_ENV_H */
