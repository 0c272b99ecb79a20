/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VMX backend's own state: what the hardware offers, what a VM and a vCPU
 * have beside their common parts, and functions shared between vmx/ files.
 */
#ifndef MONOVISOR_VMX_VMX_H
#define MONOVISOR_VMX_VMX_H

#include <linux/kvm.h>
#include <linux/types.h>

#include "core/exit.h"
#include "core/vcpu.h"
#include "core/vm.h"
#include "ops/event.h"
#include "ops/hw.h"
#include "ops/mmu.h"
#include "ops/msr.h"
#include "ops/regs.h"
#include "ops/timer.h"
#include "ops/vcpu.h"
#include "vmx/host_perf.h"
#include "vmx/posted_intr.h"
#include "vmx/switch.h"
#include "vmx/vmcs.h"

/**
 * struct vmx_caps - what the CPU offers and we use, decided at load (caps.c)
 * @basic: IA32_VMX_BASIC
 * @misc: IA32_VMX_MISC
 * @ept_vpid: IA32_VMX_EPT_VPID_CAP
 * @cr4_fixed1: CR4 bits that may be 1 in VMX operation
 * @pin: pin-based controls of a new VMCS
 * @cpu: primary processor-based controls
 * @cpu2: secondary processor-based controls, all that may be used
 * @exit: VM-exit controls
 * @entry: VM-entry controls
 * @vpid: linear translations are tagged with a VPID
 * @ept_ad: EPT has accessed and dirty bits
 * @pml: the CPU logs frames that it makes dirty (pml.c)
 * @vnmi: NMI blocking is tracked by hardware
 * @tpr_shadow: accesses to CR8 go to the virtual-APIC page
 * @flexpriority: accesses to TPR in an xAPIC's page go there, too
 * @apicv: hardware delivers interrupts and virtualizes the local APIC
 * @preemption_timer: the VMX-preemption timer may be used
 * @host_perf: the host has counters that can be stopped all at once
 * @umip_by_exits: the CPU lacks UMIP, and exits let guests have it
 */
struct vmx_caps {
	u64 basic;
	u64 misc;
	u64 ept_vpid;
	u64 cr4_fixed1;
	u32 pin;
	u32 cpu;
	u32 cpu2;
	u32 exit;
	u32 entry;
	bool vpid;
	bool ept_ad;
	bool pml;
	bool vnmi;
	bool tpr_shadow;
	bool flexpriority;
	bool apicv;
	bool preemption_timer;
	bool host_perf;
	bool umip_by_exits;
};

extern struct vmx_caps vmx_caps;
extern unsigned int vmx_ple_gap;

/* MSRs of the guest that only its user mode and SYSCALL use (msr.c). */
enum vmx_uret_msr {
	VMX_URET_STAR,
	VMX_URET_LSTAR,
	VMX_URET_SYSCALL_MASK,
	VMX_NR_URET_MSRS,
};

/* Fields of the last exit, read once each; bit numbers of vcpu_vmx.exit_avail. */
enum vmx_exit_field {
	VMX_EXIT_QUALIFICATION,
	VMX_EXIT_INTR_INFO,
	VMX_EXIT_INTR_ERROR,
	VMX_EXIT_INSN_LEN,
	VMX_EXIT_GPA,
	VMX_EXIT_IDT_VECTORING,		/* 0 after an entry that failed */
	VMX_EXIT_INTERRUPTIBILITY,	/* written back by vmx_assign_interruptibility() */
	VMX_NR_EXIT_FIELDS,
};

/* Parts of a segment register, bits of vcpu_vmx.seg_avail (4 a segment). */
enum vmx_seg_field {
	VMX_SEG_SELECTOR,
	VMX_SEG_BASE,
	VMX_SEG_LIMIT,
	VMX_SEG_AR,
	VMX_NR_SEG_FIELDS,
};

/*
 * Legend as in core/vcpu.h: all of it is written by the vCPU's thread with
 * vcpu->mutex held; what mirrors a VMCS field is written with it.
 */
struct vcpu_vmx {
	struct kvm_vcpu vcpu;		/* first: core casts */

	/* --- the switch --- */
	struct vmx_switch sw;
	struct loaded_vmcs lv;
	bool vmcs_ready;		/* constant fields are written */

	/* --- the last exit --- */
	u32 exit_reason;		/* with VMX_EXIT_REASONS_FAILED_VMENTRY */
	u32 insn_error;			/* VMfail: VM-instruction error */
	u8 entry_result;		/* VMX_SW_* */
	u32 exit_avail;			/* BIT(enum vmx_exit_field) */
	u64 exit_fields[VMX_NR_EXIT_FIELDS];

	/* --- mirrors of VMCS fields --- */
	u32 ctl_pin;
	u32 ctl_cpu;
	u32 ctl_cpu2;
	u32 ctl_entry;
	u32 exception_bitmap;
	u32 tpr_threshold;
	unsigned long rflags;		/* valid by VCPU_EXREG_RFLAGS */
	u32 seg_avail;
	struct {
		unsigned long base;
		u32 limit;
		u32 ar;
		u16 selector;
	} seg[NR_VCPU_SREGS];

	/* --- events --- */
	u32 event_insn_len;		/* of a software event that is injected again */
	bool immediate_exit;		/* leave right after the next entry */
	bool shadow_check;		/* TF or a shadow was changed by software */
	bool soft_nmi_blocked;		/* !vmx_caps.vnmi: as if by hardware */
	bool soft_nmi_window;		/* an NMI waits for the end of a shadow */
	bool step_executes;		/* the entry injected nothing before the instruction */
	bool step_64bit;
	unsigned long step_ip;		/* linear address of the instruction stepped */

	/* --- interrupts by hardware --- */
	struct vmx_pi_desc *pi;		/* NULL: never; any thread posts there */
	bool apicv_active;		/* read by any thread */

	/* --- translation --- */
	u16 vpid;			/* 0: none */
	u64 eptp;			/* 0: no root yet */
	u64 *pml_log;			/* page; NULL: !vmx_caps.pml */

	/* --- MSRs --- */
	unsigned long *msr_bitmap;	/* page */
	u64 guest_uret[VMX_NR_URET_MSRS];
	u64 guest_cstar;
	u64 guest_kernel_gs_base;	/* current while !vcpu.host_state_saved */
	u64 feature_control;
	bool l1d_dirty;			/* see kvm_x86_host_data_touched() */

	/* --- host state, while vcpu.host_state_saved --- */
	u16 host_fs_sel;
	u16 host_gs_sel;
	u16 host_ds_sel;
	u16 host_es_sel;
	u64 host_kernel_gs_base;
	unsigned long host_fs_base;	/* as in HOST_FS_BASE */
	unsigned long host_cr3;		/* as in HOST_CR3 */
	unsigned long host_cr4;		/* as in HOST_CR4 */

	/* --- counters of the host --- */
	unsigned int nr_perf_msrs;	/* as in VM_ENTRY_MSR_LOAD_COUNT */
	struct vmx_perf_lists perf;
};

struct kvm_vmx {
	struct kvm kvm;			/* first: core casts */
	struct page *apic_page;		/* the APIC-access page; NULL without flexpriority */
};

static __always_inline struct kvm_vmx *to_kvm_vmx(struct kvm *kvm)
{
	return container_of(kvm, struct kvm_vmx, kvm);
}

static __always_inline struct vcpu_vmx *to_vmx(struct kvm_vcpu *vcpu)
{
	return container_of(vcpu, struct vcpu_vmx, vcpu);
}

/* State that is read from the VMCS only when somebody asks. */
#define VMX_LAZY_REGS	(BIT(VCPU_REGS_RSP) | BIT(VCPU_REGS_RIP) |		\
			 BIT(VCPU_EXREG_RFLAGS) | BIT(VCPU_EXREG_CR0) |		\
			 BIT(VCPU_EXREG_CR3) | BIT(VCPU_EXREG_CR4))

#define VMX_GUEST_CR0_BITS	(X86_CR0_TS | X86_CR0_MP | X86_CR0_EM | X86_CR0_AM | X86_CR0_WP)
#define VMX_GUEST_CR4_BITS	(X86_CR4_PVI | X86_CR4_DE | X86_CR4_PCE | X86_CR4_OSFXSR |	\
				 X86_CR4_OSXMMEXCPT | X86_CR4_PGE | X86_CR4_TSD |		\
				 X86_CR4_FSGSBASE)

/* Used together while hardware delivers interrupts (apicv.c). */
#define VMX_APICV_CPU2	(SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY |		\
			 SECONDARY_EXEC_APIC_REGISTER_VIRT |		\
			 SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE)

/* Controls that change while a vCPU runs: write the VMCS only on a change. */
static __always_inline void vmx_ctl_assign(u32 *mirror, unsigned long field, u32 bits, bool on)
{
	u32 value = on ? *mirror | bits : *mirror & ~bits;

	if (*mirror != value) {
		*mirror = value;
		vmcs_write32(field, value);
	}
}

static __always_inline void vmx_pin_assign(struct vcpu_vmx *vmx, u32 bits, bool on)
{
	vmx_ctl_assign(&vmx->ctl_pin, PIN_BASED_VM_EXEC_CONTROL, bits, on);
}

static __always_inline void vmx_cpu_assign(struct vcpu_vmx *vmx, u32 bits, bool on)
{
	vmx_ctl_assign(&vmx->ctl_cpu, CPU_BASED_VM_EXEC_CONTROL, bits, on);
}

/*
 * A vCPU that may halt in the guest goes on to, from one entry to the next: not
 * where userspace has moved it, and no exception is let into that state.
 */
static __always_inline void vmx_end_halt(struct vcpu_vmx *vmx)
{
	if (unlikely(!(vmx->ctl_cpu & CPU_BASED_HLT_EXITING)))
		vmcs_write32(GUEST_ACTIVITY_STATE, GUEST_ACTIVITY_ACTIVE);
}

static __always_inline void vmx_cpu2_assign(struct vcpu_vmx *vmx, u32 mask, u32 bits)
{
	u32 value = (vmx->ctl_cpu2 & ~mask) | bits;

	if (vmx->ctl_cpu2 != value) {
		vmx->ctl_cpu2 = value;
		vmcs_write32(SECONDARY_VM_EXEC_CONTROL, value);
	}
}

/*
 * UMIP on a CPU without it: what it forbids to user programs exits, and is executed
 * or refused by the emulator. All but SMSW, for which there is no exit.
 */
static __always_inline u32 vmx_umip_cpu2(struct vcpu_vmx *vmx)
{
	return vmx_caps.umip_by_exits && vmx->vcpu.cr4 & X86_CR4_UMIP ? SECONDARY_EXEC_DESC : 0;
}

static __always_inline void vmx_entry_assign(struct vcpu_vmx *vmx, u32 bits, bool on)
{
	vmx_ctl_assign(&vmx->ctl_entry, VM_ENTRY_CONTROLS, bits, on);
}

/* Read a field of the last exit, unless that has been done. */
static __always_inline u64 vmx_exit_field(struct vcpu_vmx *vmx, enum vmx_exit_field which,
					  unsigned long field)
{
	if (!(vmx->exit_avail & BIT(which))) {
		vmx->exit_fields[which] = __vmcs_read(field);
		vmx->exit_avail |= BIT(which);
	}
	return vmx->exit_fields[which];
}

static __always_inline unsigned long vmx_exit_qualification(struct vcpu_vmx *vmx)
{
	return vmx_exit_field(vmx, VMX_EXIT_QUALIFICATION, EXIT_QUALIFICATION);
}

static __always_inline u32 vmx_exit_intr_info(struct vcpu_vmx *vmx)
{
	return vmx_exit_field(vmx, VMX_EXIT_INTR_INFO, VM_EXIT_INTR_INFO);
}

static __always_inline u32 vmx_exit_intr_error(struct vcpu_vmx *vmx)
{
	return vmx_exit_field(vmx, VMX_EXIT_INTR_ERROR, VM_EXIT_INTR_ERROR_CODE);
}

static __always_inline u32 vmx_exit_insn_len(struct vcpu_vmx *vmx)
{
	return vmx_exit_field(vmx, VMX_EXIT_INSN_LEN, VM_EXIT_INSTRUCTION_LEN);
}

static __always_inline u64 vmx_exit_gpa(struct vcpu_vmx *vmx)
{
	return vmx_exit_field(vmx, VMX_EXIT_GPA, GUEST_PHYSICAL_ADDRESS);
}

/* The event whose delivery the exit cut short, if the valid bit is set. */
static __always_inline u32 vmx_idt_vectoring(struct vcpu_vmx *vmx)
{
	return vmx_exit_field(vmx, VMX_EXIT_IDT_VECTORING, IDT_VECTORING_INFO_FIELD);
}

static __always_inline u32 vmx_interruptibility(struct vcpu_vmx *vmx)
{
	return vmx_exit_field(vmx, VMX_EXIT_INTERRUPTIBILITY, GUEST_INTERRUPTIBILITY_INFO);
}

static __always_inline void vmx_assign_interruptibility(struct vcpu_vmx *vmx, u32 clear, u32 set)
{
	u32 old = vmx_interruptibility(vmx);
	u32 new = (old & ~clear) | set;

	if (new != old) {
		vmx->exit_fields[VMX_EXIT_INTERRUPTIBILITY] = new;
		vmcs_write32(GUEST_INTERRUPTIBILITY_INFO, new);
	}
}

/* In vcpu_vmx.exit_reason when there was no exit; no basic reason of hardware. */
#define VMX_EXIT_NONE		0xffff

#define VMX_INTR_INFO(vector, type)	((vector) | (type) | INTR_INFO_VALID_MASK)

static __always_inline bool vmx_info_is(u32 info, u32 type, u8 vector)
{
	const u32 mask = INTR_INFO_VALID_MASK | INTR_INFO_INTR_TYPE_MASK | INTR_INFO_VECTOR_MASK;

	return (info & mask) == (INTR_INFO_VALID_MASK | type | vector);
}

static __always_inline bool vmx_info_is_nmi(u32 info)
{
	const u32 mask = INTR_INFO_VALID_MASK | INTR_INFO_INTR_TYPE_MASK;

	return (info & mask) == (INTR_INFO_VALID_MASK | INTR_TYPE_NMI_INTR);
}

/* caps.c */
int vmx_caps_read(struct vmx_caps *caps);
void vmx_caps_settle_params(void);
void vmx_caps_set_cpuid(void);

/* vcpu.c: HOST_RIP */
void vmx_vmexit(void);

/* event.c */
void vmx_collect_events(struct vcpu_vmx *vmx);
void vmx_recover_nmi_blocking(struct vcpu_vmx *vmx);
void vmx_fix_shadow(struct vcpu_vmx *vmx);

/* soft_nmi.c */
void vmx_soft_nmi_set_mask(struct vcpu_vmx *vmx, bool masked);
void vmx_soft_nmi_before_entry(struct vcpu_vmx *vmx);
enum run_result vmx_soft_nmi_step(struct vcpu_vmx *vmx);

/* flexpriority.c */
u32 vmx_flexpriority_cpu2(struct vcpu_vmx *vmx);
void vmx_flexpriority_refresh(struct vcpu_vmx *vmx);

/* mmu.c */
u16 vmx_vpid_alloc(void);
void vmx_vpid_free(u16 vpid);
void vmx_flush_after_migration(struct vcpu_vmx *vmx);
void vmx_flush_this_cpu(void);

/* pml.c */
int vmx_pml_vcpu_create(struct vcpu_vmx *vmx);
void vmx_pml_vcpu_free(struct vcpu_vmx *vmx);
void vmx_pml_start(struct vcpu_vmx *vmx);
void vmx_pml_empty(struct vcpu_vmx *vmx);

/* msr.c */
void vmx_msr_setup(void);
int vmx_msr_vcpu_create(struct vcpu_vmx *vmx);
void vmx_msr_vcpu_free(struct vcpu_vmx *vmx);

/* timer.c */
void vmx_arm_preemption_timer(struct vcpu_vmx *vmx);

/* l1d_flush.c */
int vmx_l1d_flush_setup(void);
void vmx_l1d_flush_report(void);
void vmx_l1d_flush_unsetup(void);

#endif /* MONOVISOR_VMX_VMX_H */
