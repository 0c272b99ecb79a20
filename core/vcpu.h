/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * struct kvm_vcpu: everything the vendor-neutral core knows of one virtual
 * CPU. Vendors embed it as the first member of their own structure.
 * Life cycle and ioctl entry points are in vcpu.c, the run loop in run.c.
 */
#ifndef MONOVISOR_CORE_VCPU_H
#define MONOVISOR_CORE_VCPU_H

#include <linux/kvm.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/rcuwait.h>
#include <linux/sched.h>
#include <linux/srcu.h>
#include <asm/fpu/api.h>
#include <asm/fpu/types.h>

#include "core/clock.h"
#include "core/complete.h"
#include "core/emul/emul.h"
#include "core/event.h"
#include "core/mmu/mmu.h"
#include "core/stats.h"
#include "core/types.h"

/**
 * enum vcpu_mode - where a vCPU is with respect to its run loop
 * @OUTSIDE_RUN_LOOP: not in it; a kick has nothing to interrupt.
 * @IN_RUN_LOOP: past the point where requests were last looked at, or in the
 *	guest; a kick must make it leave.
 * @EXITING_RUN_LOOP: kicked; the vCPU will look again before it enters.
 *
 * Written by the vCPU's thread; IN -> EXITING also by a kicker, by
 * compare-and-exchange. The protocol is argued in request.c.
 */
enum vcpu_mode {
	OUTSIDE_RUN_LOOP,
	IN_RUN_LOOP,
	EXITING_RUN_LOOP,
};

#define KVM_NR_DB_REGS		4
#define KVM_NR_FIXED_MTRR	11
#define KVM_NR_VAR_MTRR		8
#define KVM_NR_MCE_BANKS	32
#define KVM_CPUID_BUCKETS	64

/* Guest MTRRs: kept for the guest to read back; memory types come from PAT and the host. */
struct kvm_mtrr {
	u64 deftype;
	u64 fixed[KVM_NR_FIXED_MTRR];
	u64 var_base[KVM_NR_VAR_MTRR];
	u64 var_mask[KVM_NR_VAR_MTRR];
};

/* Hints of a vCPU's thread to those that spin; read without a lock. */
struct kvm_vcpu_spin {
	bool off_cpu;				/* [t] scheduled out while loaded */
	bool in_kernel;				/* [t] the guest was at CPL 0 then */
	bool spinning;				/* [t] it looks for one to give its CPU to */
	bool turn;				/* [a] if so: try it this time */
};

/*
 * Legend: [t] written by the vCPU's thread with vcpu->mutex held; [a] any
 * thread, by atomic operations; [i] set at creation, then constant.
 */
struct kvm_vcpu {
	/* --- what every entry and exit touches --- */
	struct kvm *kvm;			/* [i] */
	struct kvm_run *run;			/* [i] shared with userspace */
	unsigned long requests;			/* [a] bits of enum kvm_req */
	int mode;				/* [a] enum vcpu_mode */
	int cpu;				/* [t] CPU it was last loaded on, -1 before */
	int last_run_cpu;			/* [t] CPU of the last entry */
	unsigned long quiescent_at;		/* [t] jiffies of the last report to RCU */
	u8 in_guest;				/* [t] between VM-entry and VM-exit; vmenter.S */
	bool guest_fpu_loaded;			/* [t] */
	bool fast_handled;			/* [t] the last exit needs no handler */
	bool fast_allowed;			/* [t] exits may be handled with irqs off */
	u32 regs_avail;				/* [t] bit: regs[] (or state) is current */
	u32 regs_dirty;				/* [t] bit: hardware must be updated at entry */
	unsigned long regs[NR_VCPU_REGS];	/* [t] */

	/* --- control registers; access through regs.h and cr.h --- */
	unsigned long cr0;			/* [t] */
	unsigned long cr0_guest_owned_bits;	/* [t] hardware may change these unseen */
	unsigned long cr2;			/* [t] */
	unsigned long cr3;			/* [t] */
	unsigned long cr4;			/* [t] */
	unsigned long cr4_guest_owned_bits;	/* [t] */
	unsigned long cr4_guest_rsvd_bits;	/* [t] from CPUID */
	unsigned long cr8;			/* [t] of an APIC in userspace; else it is TPR */
	u64 efer;				/* [t] */
	u64 xcr0;				/* [t] */
	u64 xss;				/* [t] */
	u32 pkru;				/* [t] guest's, while not in hardware */
	u32 host_pkru;				/* [t] host's, while it is */

	struct kvm_lapic *lapic;		/* [i] NULL: it is userspace's */
	struct kvm_vcpu_events_state ev;	/* [t] what waits for injection (event.h) */

	/* --- debug registers (debug.c) --- */
	unsigned long db[KVM_NR_DB_REGS];	/* [t] the guest's DR0..DR3 */
	unsigned long eff_db[KVM_NR_DB_REGS];	/* [t] in hardware: the guest's or the debugger's */
	unsigned long dr6;			/* [t] */
	unsigned long dr7;			/* [t] */
	unsigned long eff_dr7;			/* [t] */
	unsigned long guest_debug_dr7;		/* [t] */
	unsigned long singlestep_rip;		/* [t] */
	u32 guest_debug;			/* [t] KVM_GUESTDBG_* */
	u32 switch_db_regs;			/* [t] KVM_DEBUGREG_* below */
	u64 host_debugctl;			/* [t] the host's, as it was before the entry */

	/* --- time (tsc.c) --- */
	u64 tsc_offset;				/* [t] guest TSC = host TSC + this (unscaled) */
	u64 tsc_scaling_ratio;			/* [t] */
	u64 ia32_tsc_adjust;			/* [t] */
	u32 virtual_tsc_khz;			/* [t] */
	u64 tsc_aux;				/* [t] */
	bool uret_loaded;			/* [t] user-return MSRs are the guest's */
	u64 last_host_tsc;			/* [t] host TSC when it was put; 0: never ran */
	u64 last_put_ns;			/* [t] boot time of that; if the TSC is unstable */
	u64 host_tsc_lost;			/* [t] what offset and last_host_tsc allow for */
	struct kvm_clock_vcpu clock;		/* [t] the guest's clock page (clock.h) */

	/* --- MSRs without a better home (msr.c) --- */
	u64 apic_base;				/* [t] */
	u64 pat;				/* [t] */
	u64 ia32_misc_enable;			/* [t] */
	u64 power_ctl;				/* [t] kept for the guest, of no effect */
	u64 hwcr;				/* [t] likewise */
	u64 arch_capabilities;			/* [t] */
	u64 platform_info;			/* [t] */
	u64 microcode_version;			/* [t] */
	u64 misc_features_enables;		/* [t] */
	u64 spec_ctrl;				/* [t] guest's view */
	bool spec_ctrl_used;			/* [t] it was not 0 once, see spec_ctrl.c */
	u64 mcg_cap;				/* [t] */
	u64 mcg_status;				/* [t] */
	u64 mcg_ctl;				/* [t] */
	u64 mce_banks[KVM_NR_MCE_BANKS * 4];	/* [t] */
	struct kvm_mtrr mtrr;			/* [t] */

	/* --- CPUID (cpuid.c) --- */
	struct kvm_cpuid_entry2 *cpuid_entries;	/* [t] kvmalloc'ed */
	int cpuid_nent;				/* [t] */
	u8 cpuid_first[KVM_CPUID_BUCKETS];	/* [t] where to begin a search, see cpuid.c */
	u8 maxphyaddr;				/* [t] guest physical address width */
	u64 reserved_gpa_bits;			/* [t] bits above maxphyaddr */
	u64 guest_supported_xcr0;		/* [t] */
	u32 cpuid_caps;				/* [t] enum guest_cap bits decoded once */

	struct fpu_guest guest_fpu;		/* [t] */
	struct emul_ctxt emul;			/* [t] */
	struct complete_state complete;		/* [t] what userspace still owes (complete.h) */
	struct tdp_vcpu tdp;			/* [t] caches of the second-stage MMU */
	struct guest_fetch fetch;		/* [t] */
	struct device_page device_page[NR_DEVICE_PAGES];	/* [t] by low bits of gfn */
	void *pio_data;				/* [i] page at KVM_PIO_PAGE_OFFSET */

	u32 mp_state;				/* [t] KVM_MP_STATE_* */
	int srcu_idx;				/* [t] while host code of KVM_RUN runs */
	int run_errno;				/* [t] valid with RUN_ERROR */
	bool sigset_active;			/* [t] */
	u32 pause_window;			/* [t] how long it may spin (spin.h) */
	bool host_state_saved;			/* [t] kvm_x86_save_host_state() was called */
	bool ran_once;				/* [t] CPUID may not change any more */
	sigset_t sigset;			/* [t] */

	struct rcuwait wait;			/* of its thread while it sleeps (block.c) */
	struct pid __rcu *pid;			/* [t] of the last KVM_RUN; others use RCU */
	struct kvm_vcpu_spin spin;		/* for other vCPUs that spin (spin.c) */
	struct mutex mutex;			/* serialises vCPU ioctls */
	struct preempt_notifier preempt_notifier;
	int vcpu_id;				/* [i] chosen by userspace (APIC id) */
	int vcpu_idx;				/* [i] position in kvm->vcpu_array */
	struct kvm_vcpu_stat stat;		/* [t] */
	char stats_id[KVM_STATS_NAME_SIZE];	/* [i] */
	struct dentry *debugfs_dentry;		/* [i] */
};

/* Bits of switch_db_regs: why eff_db must be put into hardware at entry. */
#define KVM_DEBUGREG_BP_ENABLED		BIT(0)	/* a breakpoint is armed */
#define KVM_DEBUGREG_WONT_EXIT		BIT(1)	/* the guest may write DRs unseen */

/* What a vCPU's descriptor maps: struct kvm_run, the port data, the coalesced ring. */
#define KVM_VCPU_MMAP_PAGES	3

struct kvm_vcpu *kvm_vcpu_create(struct kvm *kvm, u32 id);
void kvm_vcpu_reset(struct kvm_vcpu *vcpu, bool init_event);
int kvm_vm_ioctl_create_vcpu(struct kvm *kvm, unsigned long id);
void kvm_vcpu_destroy_all(struct kvm *kvm);

/**
 * vcpu_load() - make the vCPU current on this CPU
 * @vcpu: the vCPU; its mutex is held
 *
 * Context: may sleep; returns with preemption enabled and the preempt
 * notifier registered, so the vCPU's hardware state follows the thread.
 */
void vcpu_load(struct kvm_vcpu *vcpu);
void vcpu_put(struct kvm_vcpu *vcpu);

#endif /* MONOVISOR_CORE_VCPU_H */
