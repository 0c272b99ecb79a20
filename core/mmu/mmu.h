/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Second-stage (two-dimensional) paging and the walk of the guest's own page
 * tables. The tables are built by common code from the constants in
 * ops/mmu.h. root.c: life of the root; fault.c: resolving faults; iterate.c:
 * walking; zap.c: taking away; walk.c: the guest's page tables.
 */
#ifndef MONOVISOR_CORE_MMU_MMU_H
#define MONOVISOR_CORE_MMU_MMU_H

#include <linux/bits.h>
#include <linux/kvm_types.h>
#include <linux/types.h>

#include "core/types.h"

/*
 * Per VM. Constant from tdp_vm_init() on; the entries of the tables change
 * under mmu_lock: see zap.c for who may do what.
 */
struct tdp_vm {
	hpa_t root;			/* page table the hardware starts from */
	int root_level;			/* 4 or 5 */
	u64 *root_pt;			/* the same, by kernel address */
	bool huge_noexec;		/* execution by 4 KiB leaves only; see tdp_vm_init() */
	kvm_pfn_t apic_pfn;		/* 0: none; under mmu_lock; see tdp_drop_apic_page() */
};

/* Per VM: what the MMU notifier tells faults in flight; the protocol is in notifier.c. */
struct kvm_notifier_state {
	unsigned long seq;		/* under mmu_lock (write); sampled without */
	long in_progress;		/* under mmu_lock (write) */
	unsigned long range_start;	/* hva, union of what is in progress */
	unsigned long range_end;
};

/* Per vCPU: pages taken in advance, for allocation is not possible under mmu_lock. */
#define TDP_CACHE_TABLES	5
struct tdp_vcpu {
	u64 *table_cache[TDP_CACHE_TABLES];	/* zeroed pages */
	int nr_cached;
};

/*
 * Per vCPU: the last walk of the guest's tables for an instruction, and all it
 * depended on; see fetch_again() in walk.c. It needs no invalidation.
 */
#define GUEST_MAX_LEVELS	5
struct guest_fetch {
	u64 generation;		/* of the memory slots; 0: nothing is kept */
	unsigned long cr3, cr4;
	u64 efer;
	u32 access;
	u8 maxphyaddr;
	bool amd;
	u8 shift;		/* of the page's size */
	u8 levels;		/* entries that were passed */
	gva_t page;		/* its address, shifted */
	gpa_t gpa;
	u64 pte[GUEST_MAX_LEVELS];
	unsigned long hva[GUEST_MAX_LEVELS];
	gfn_t code_gfn;		/* a frame of that page, and where userspace has it */
	unsigned long code_hva;
};

/* Per vCPU: where lately was a device, and no memory; see fast_note_device(). */
#define NR_DEVICE_PAGES		8
struct device_page {
	gfn_t gfn;
	u64 generation;		/* of the memory slots; 0: nothing is noted */
};

/* A second-stage fault in neutral form; the vendor decodes its exit into it. */
struct tdp_fault {
	gpa_t gpa;
	bool write;
	bool exec;
	bool user;		/* informational */
	bool present;		/* a present entry denied the access */
	bool guest_walk;	/* hit by the CPU's walk of the guest's tables */
	bool rsvd;		/* hardware found a malformed entry: our bug */
};

/**
 * enum tdp_result - what became of a second-stage fault
 * @TDP_FIXED: an entry was made or widened; enter the guest again.
 * @TDP_SPURIOUS: another CPU had fixed it already.
 * @TDP_RETRY: an invalidation or a signal is in the way; enter again (after
 *	looking at signals) and let it fault once more.
 * @TDP_MMIO: no memory there (or a write to a read-only slot): emulate.
 * @TDP_HWPOISON: the host page is poisoned; SIGBUS has been sent to the thread.
 * @TDP_EFAULT: userspace has no usable mapping behind the slot.
 * @TDP_ENOMEM: no memory for page tables.
 * @TDP_BUG: the tables contradict themselves.
 */
enum tdp_result {
	TDP_FIXED,
	TDP_SPURIOUS,
	TDP_RETRY,
	TDP_MMIO,
	TDP_HWPOISON,
	TDP_EFAULT,
	TDP_ENOMEM,
	TDP_BUG,
};

int tdp_vm_init(struct kvm *kvm);
void tdp_vm_destroy(struct kvm *kvm);
/* One more than the last guest frame that memory may be put at on this host. */
gfn_t tdp_end_gfn(void);
int tdp_vcpu_init(struct kvm_vcpu *vcpu);
void tdp_vcpu_destroy(struct kvm_vcpu *vcpu);

/**
 * tdp_handle_fault() - resolve a second-stage fault
 * @vcpu: the vCPU that faulted
 * @fault: what happened
 *
 * Counts pf_fixed, pf_spurious and pf_retry of the vCPU.
 *
 * Context: kvm->srcu held, current->mm is the VM's, irqs on, may sleep; takes
 * mmu_lock.
 */
enum tdp_result tdp_handle_fault(struct kvm_vcpu *vcpu, const struct tdp_fault *fault);

/* Memslot changes; context: slots_lock held, may sleep, take mmu_lock for write. */
void tdp_zap_slot(struct kvm *kvm, const struct kvm_memory_slot *slot);
void tdp_write_protect_slot(struct kvm *kvm, const struct kvm_memory_slot *slot);
/*
 * Write-protect the frames named by @mask, bit 0 being @gfn_offset into the
 * slot. Context: mmu_lock held for write. Return: a flush is needed.
 */
bool tdp_write_protect_masked(struct kvm *kvm, const struct kvm_memory_slot *slot,
			      gfn_t gfn_offset, unsigned long mask);
/* Allow large pages again after dirty logging ended. */
void tdp_zap_collapsible(struct kvm *kvm, const struct kvm_memory_slot *slot);

/**
 * tdp_drop_apic_page() - the CPU is not to see the local APIC's page any more, for good
 * @kvm: the VM
 *
 * Where hardware virtualizes accesses to the page, the vendor sets tdp.apic_pfn
 * before the VM has vCPUs: the frame that stands for the page. It is mapped
 * where the page is after reset, in second-stage tables that all vCPUs share,
 * and no access may reach the frame itself. So a vCPU that does not virtualize
 * its accesses, or not there, must call this first.
 * Context: may sleep; takes mmu_lock for write.
 */
void tdp_drop_apic_page(struct kvm *kvm);

int kvm_notifier_register(struct kvm *kvm);
void kvm_notifier_unregister(struct kvm *kvm);

/**
 * kvm_flush_remote_tlbs() - no vCPU uses an old second-stage translation any more
 * @kvm: the VM
 *
 * For entries made less permissive or taken away before the call. A vCPU
 * in the guest leaves it and flushes before it enters again.
 * Context: irqs on; mmu_lock may be held.
 */
void kvm_flush_remote_tlbs(struct kvm *kvm);

/*
 * The guest's page tables.
 */
#define GUEST_ACCESS_WRITE	BIT(0)
#define GUEST_ACCESS_USER	BIT(1)	/* as CPL 3 would */
#define GUEST_ACCESS_FETCH	BIT(2)
#define GUEST_ACCESS_IMPLICIT	BIT(3)	/* system structures: SMAP applies regardless of AC */
#define GUEST_ACCESS_NO_AD	BIT(4)	/* look only, set no accessed/dirty bits (KVM_TRANSLATE) */

/**
 * guest_walk() - translate a guest linear address by the guest's page tables
 * @vcpu: the vCPU, loaded; its CR0, CR3, CR4, EFER, RFLAGS.AC and PKRU apply
 * @gva: linear address
 * @access: GUEST_ACCESS_*
 * @gpa: result
 * @error_code: page-fault error code on failure
 *
 * All paging modes: none, 32-bit, PAE, 4 and 5 levels. Sets accessed and dirty
 * bits in the guest's tables atomically, as the CPU does.
 *
 * Context: kvm->srcu held, may sleep.
 * Return: 0, or -EFAULT with @error_code set: the guest gets #PF.
 *
 * Source: AMD APM volume 2, "Page Translation and Protection"; Intel SDM
 * volume 3, "Paging".
 */
int guest_walk(struct kvm_vcpu *vcpu, gva_t gva, u32 access, gpa_t *gpa, u32 *error_code);
/**
 * guest_fetch_again() - fetch code where code was fetched before
 * @vcpu: the vCPU, loaded, in 64-bit mode at CPL 0
 * @rip: linear address
 * @code: receives what is there
 *
 * The result is that of guest_walk() for a fetch and of reading what it finds,
 * or none: tables and code are read anew, and where anything is not as it was at
 * the last such walk, or not there, this gives up.
 *
 * Context: kvm->srcu held, also irqs off.
 * Return: false: nothing has been done, and guest_walk() is to decide.
 */
bool guest_fetch_again(struct kvm_vcpu *vcpu, gva_t rip, u64 code[2]);
/* PDPTEs checked at CR3 load in PAE mode: false means #GP. */
bool guest_pdptrs_valid(struct kvm_vcpu *vcpu, unsigned long cr3);

#endif /* MONOVISOR_CORE_MMU_MMU_H */
