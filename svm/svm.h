/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the SVM backend share: the vendor's structures around VM
 * and vCPU, access to the VMCB, capabilities decided at load. Not for core/.
 */
#ifndef MONOVISOR_SVM_SVM_H
#define MONOVISOR_SVM_SVM_H

#include <linux/bits.h>
#include <linux/percpu.h>
#include <asm/asm.h>
#include <asm/msr.h>
#include <asm/svm.h>

#include "core/vcpu.h"
#include "core/vm.h"
#include "ops/vendor.h"

/*
 * VMCB clean bits: state the CPU may keep cached from the last VMRUN of this
 * VMCB. Software clears a bit when it changed the state the bit stands for.
 * Source: AMD APM volume 2, "VMCB State Caching".
 */
#define VMCB_CLEAN_INTERCEPTS	BIT(0)	/* intercepts, TSC offset, pause filter */
#define VMCB_CLEAN_PERM_MAP	BIT(1)	/* addresses of IOPM and MSRPM */
#define VMCB_CLEAN_ASID		BIT(2)
#define VMCB_CLEAN_INTR		BIT(3)	/* int_ctl, int_vector */
#define VMCB_CLEAN_NPT		BIT(4)	/* nested CR3, guest PAT */
#define VMCB_CLEAN_CR		BIT(5)	/* CR0, CR3, CR4, EFER */
#define VMCB_CLEAN_DR		BIT(6)	/* DR6, DR7 */
#define VMCB_CLEAN_DT		BIT(7)	/* GDTR, IDTR */
#define VMCB_CLEAN_SEG		BIT(8)	/* CS, DS, SS, ES, CPL */
#define VMCB_CLEAN_CR2		BIT(9)
#define VMCB_CLEAN_LBR		BIT(10)	/* DEBUGCTL and last-branch records */
#define VMCB_CLEAN_ALL		GENMASK(10, 0)
/* Written before every entry without looking whether they changed. */
#define VMCB_CLEAN_NEVER	(VMCB_CLEAN_INTR | VMCB_CLEAN_CR2)

/* In MSR_ZEN4_BP_CFG; 6.1 does not name it. */
#define SVM_BP_CFG_REDUCE_BIT	4

/* Permission bitmaps. Source: AMD APM volume 2, "Intercept Operation". */
#define SVM_IOPM_ORDER		2	/* 3 pages are used */
#define SVM_MSRPM_ORDER		1	/* 2 pages */
#define SVM_MSRPM_SIZE		(PAGE_SIZE << SVM_MSRPM_ORDER)

/* With decode assists, EXITINFO1 of a CR access: it was MOV, and which register. */
#define SVM_CR_INFO_MOV		BIT_ULL(63)
/* EXITINFO1 of an MSR access. */
#define SVM_MSR_INFO_WRITE	1

/* VMEXIT_INVALID as the low half of the exit code. */
#define SVM_EXIT_CODE_ERR	((u32)-1)

struct kvm_svm {
	struct kvm kvm;			/* first: core casts */
};

/*
 * Legend as in core/vcpu.h: [t] the vCPU's thread, [i] set at creation.
 */
struct vcpu_svm {
	struct kvm_vcpu vcpu;		/* first: core casts */
	struct vmcb *vmcb;		/* [i] */
	unsigned long vmcb_pa;		/* [i] physical address, with the C-bit */
	unsigned long *msrpm;		/* [i] SVM_MSRPM_SIZE bytes */

	u64 asid_generation;		/* [t] 0: take a new ASID at the next entry */
	u32 asid;			/* [t] of vcpu.cpu */

	unsigned long exit_rip;		/* [t] RIP at the last exit */
	unsigned long next_rip;		/* [t] of the following instruction, 0: not known */

	bool spec_ctrl_intercepted;	/* [t] the guest's SPEC_CTRL cannot change unseen */

	/* NMI masking, as there is no virtual NMI (soft_nmi.c) */
	bool nmi_masked;		/* [t] an NMI is being served */
	bool awaiting_iret;		/* [t] its IRET is about to execute */
	bool nmi_singlestep;		/* [t] TF and RF in the VMCB are ours */
	unsigned long nmi_iret_rip;	/* [t] valid with awaiting_iret */
	unsigned long nmi_singlestep_rflags;	/* [t] the guest's, valid with nmi_singlestep */

	/* A software interrupt or exception that was injected (event.c) */
	bool soft_injected;		/* [t] */
	unsigned long soft_old_rip;	/* [t] of the INT instruction */
	unsigned long soft_next_rip;	/* [t] behind it */

	u64 virt_spec_ctrl;		/* [t] VIRT_SPEC_CTRL */
	u64 decfg;			/* [t] DE_CFG */
};

/* Per CPU. Written by the CPU itself with irqs off or preemption off. */
struct svm_cpu {
	u64 asid_generation;		/* grows whenever the ASIDs are used up */
	u32 max_asid;
	u32 next_asid;
	u64 tsc_ratio;			/* in MSR_AMD64_TSC_RATIO */
	struct page *hsave;		/* for VMRUN's own use */
	struct page *host_state;	/* where VMSAVE puts the host's FS, GS, TR ... */
	unsigned long host_state_pa;
};

DECLARE_PER_CPU(struct svm_cpu, svm_cpu);

/**
 * struct svm_caps - what the CPU offers and we use, decided at load (caps.c)
 * @nrips: the VMCB tells where the next instruction is
 * @decode_assists: exits come with the register or the bytes of the instruction
 * @flush_by_asid: TLB entries of one ASID can be flushed
 * @tsc_ratio: the guest's TSC may run at another rate
 * @pause_filter: exits come after a number of PAUSEs only
 * @pause_threshold: and these have to be close to each other
 * @lbrv: VMRUN switches DEBUGCTL and the last-branch records
 * @v_spec_ctrl: VMRUN switches SPEC_CTRL
 */
struct svm_caps {
	bool nrips;
	bool decode_assists;
	bool flush_by_asid;
	bool tsc_ratio;
	bool pause_filter;
	bool pause_threshold;
	bool lbrv;
	bool v_spec_ctrl;
};

extern struct svm_caps svm_caps;
extern unsigned long svm_iopm_pa;

/* Module parameters. */
extern unsigned short pause_filter_thresh;

static __always_inline struct vcpu_svm *to_svm(struct kvm_vcpu *vcpu)
{
	return container_of(vcpu, struct vcpu_svm, vcpu);
}

static __always_inline void svm_mark_dirty(struct vcpu_svm *svm, u32 clean_bits)
{
	svm->vmcb->control.clean &= ~clean_bits;
}

static inline void svm_set_intercept(struct vcpu_svm *svm, unsigned int bit)
{
	svm->vmcb->control.intercepts[bit / 32] |= BIT(bit % 32);
	svm_mark_dirty(svm, VMCB_CLEAN_INTERCEPTS);
}

static inline void svm_clear_intercept(struct vcpu_svm *svm, unsigned int bit)
{
	svm->vmcb->control.intercepts[bit / 32] &= ~BIT(bit % 32);
	svm_mark_dirty(svm, VMCB_CLEAN_INTERCEPTS);
}

static inline void svm_assign_intercept(struct vcpu_svm *svm, unsigned int bit, bool on)
{
	if (on)
		svm_set_intercept(svm, bit);
	else
		svm_clear_intercept(svm, bit);
}

static inline bool svm_is_intercept(const struct vcpu_svm *svm, unsigned int bit)
{
	return svm->vmcb->control.intercepts[bit / 32] & BIT(bit % 32);
}

/*
 * An SVM instruction can fault only after an emergency reboot turned EFER.SVME
 * off under us; then its effect does not matter any more, so go on.
 */
static __always_inline void svm_stgi(void)
{
	asm volatile("1: stgi\n2:\n" _ASM_EXTABLE(1b, 2b) : : : "memory");
}

static __always_inline void svm_vmsave(unsigned long pa)
{
	asm volatile("1: vmsave %0\n2:\n" _ASM_EXTABLE(1b, 2b) : : "a" (pa) : "memory");
}

static __always_inline void svm_invlpga(unsigned long gva, u32 asid)
{
	asm volatile("1: invlpga %0, %1\n2:\n" _ASM_EXTABLE(1b, 2b) : : "a" (gva), "c" (asid));
}

/* vmenter.S; @spec_ctrl_intercepted: SPEC_CTRL need not be read back. */
asmlinkage void svm_world_switch(struct vcpu_svm *svm, bool spec_ctrl_intercepted,
				 unsigned long host_state_pa);

/* caps.c */
int svm_caps_read(void);
void svm_caps_set_cpuid(void);

/* hw.c */
struct page *svm_alloc_page(int node, gfp_t gfp);

/* event.c */
void svm_disarm_irq_window(struct vcpu_svm *svm);
void svm_collect_events(struct vcpu_svm *svm);
void svm_keep_events(struct vcpu_svm *svm);

/* soft_nmi.c */
void svm_soft_nmi_set_mask(struct vcpu_svm *svm, bool masked);
void svm_soft_nmi_open_window(struct vcpu_svm *svm);
void svm_soft_nmi_before_entry(struct vcpu_svm *svm);
void svm_soft_nmi_after_exit(struct vcpu_svm *svm);
enum run_result svm_soft_nmi_iret(struct vcpu_svm *svm);
bool svm_soft_nmi_step(struct vcpu_svm *svm, unsigned long *dr6_bits);

/* mmu.c */
void svm_update_asid(struct vcpu_svm *svm);

/* msr.c */
int svm_msr_vcpu_create(struct vcpu_svm *svm);
void svm_msr_vcpu_free(struct vcpu_svm *svm);
void svm_update_lbr_switch(struct vcpu_svm *svm);

/* timer.c */
void svm_load_tsc_ratio(struct vcpu_svm *svm);

/* vmcb.c */
void svm_dump_vmcb(const struct vmcb *vmcb);

#endif /* MONOVISOR_SVM_SVM_H */
