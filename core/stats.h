/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters of a VM and of a vCPU, listed once: the lists make the fields, the
 * descriptors of KVM_GET_STATS_FD and the files in debugfs (stats.c).
 */
#ifndef MONOVISOR_CORE_STATS_H
#define MONOVISOR_CORE_STATS_H

#include "core/types.h"

/* X(name): cumulative u64 */
#define KVM_VCPU_STATS(X)	\
	X(exits)		\
	X(fast_exits)		\
	X(pf_fixed)		\
	X(pf_spurious)		\
	X(pf_retry)		\
	X(io_exits)		\
	X(mmio_exits)		\
	X(signal_exits)		\
	X(irq_window_exits)	\
	X(nmi_window_exits)	\
	X(halt_exits)		\
	X(halt_wakeup)		\
	X(request_irq_exits)	\
	X(irq_exits)		\
	X(host_state_reload)	\
	X(fpu_reload)		\
	X(insn_emulation)	\
	X(insn_emulation_fail)	\
	X(hypercalls)		\
	X(irq_injections)	\
	X(nmi_injections)	\
	X(exception_injections)	\
	X(tlb_flush)		\
	X(eoi_needed)		\
	X(eoi_needless)		\
	X(req_event)		\
	X(event_redundant)	\
	X(immediate_exit)	\
	X(directed_yield_attempted)	\
	X(directed_yield_successful)

#define KVM_VM_STATS(X)			\
	X(remote_tlb_flush)		\
	X(remote_tlb_flush_requests)	\
	X(mmu_page_table_pages)		\
	X(pages_4k)			\
	X(pages_2m)			\
	X(pages_1g)			\
	X(dirty_log_faults)		\
	X(notifier_invalidations)	\
	X(kicks_sent)			\
	X(posted_notifications)		\
	X(posted_to_self)		\
	X(posted_wakeups)

/* X(name): event_raise[], in the order of enum event_reason */
#define KVM_EVENT_REASON_STATS(X)	\
	X(exception)			\
	X(irq_line)			\
	X(ppr_tpr)			\
	X(ppr_eoi)			\
	X(irq_window)			\
	X(nmi)				\
	X(reinject)			\
	X(immediate_exit)		\
	X(userspace)			\
	X(rflags)

#define KVM_NR_EVENT_REASONS_STAT	10

#define X(name) u64 name;
struct kvm_vcpu_stat {
	KVM_VCPU_STATS(X)
	u64 event_raise[KVM_NR_EVENT_REASONS_STAT];	/* by enum event_reason */
};

/* VM counters are bumped by several vCPUs at once: atomic. */
#undef X
#define X(name) atomic64_t name;
struct kvm_vm_stat {
	KVM_VM_STATS(X)
};

#undef X

int kvm_vm_ioctl_get_stats_fd(struct kvm *kvm);
int kvm_vcpu_ioctl_get_stats_fd(struct kvm_vcpu *vcpu);
void kvm_stats_vm_init(struct kvm *kvm);
void kvm_stats_vm_exit(struct kvm *kvm);
void kvm_stats_vcpu_init(struct kvm_vcpu *vcpu);
int kvm_stats_module_init(void);
void kvm_stats_module_exit(void);

#endif /* MONOVISOR_CORE_STATS_H */
