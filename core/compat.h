/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between the supported kernel series (6.1 and 6.12), and nothing
 * else: no other file tests LINUX_VERSION_CODE.
 */
#ifndef MONOVISOR_CORE_COMPAT_H
#define MONOVISOR_CORE_COMPAT_H

#include <linux/version.h>
#include <asm/cpufeatures.h>

/* CPUID bits that 6.1 does not name. */
#ifndef X86_FEATURE_CMPCCXADD
#define X86_FEATURE_CMPCCXADD		(12 * 32 + 7)
#define X86_FEATURE_FZRM		(12 * 32 + 10)
#define X86_FEATURE_FSRS		(12 * 32 + 11)
#define X86_FEATURE_FSRC		(12 * 32 + 12)
#define X86_FEATURE_AVX_IFMA		(12 * 32 + 23)
#endif
#ifndef X86_FEATURE_NO_NESTED_DATA_BP
#define X86_FEATURE_NO_NESTED_DATA_BP	(20 * 32 + 0)
#define X86_FEATURE_WRMSR_XX_BASE_NS	(20 * 32 + 1)
#define X86_FEATURE_NULL_SEL_CLR_BASE	(20 * 32 + 6)
#endif
#ifndef X86_FEATURE_AMD_PSFD
#define X86_FEATURE_AMD_PSFD		(13 * 32 + 28)
#endif

/* Exit reasons that neither names. Source: Intel SDM volume 3, "VMX Basic Exit Reasons". */
#ifndef EXIT_REASON_SEAMCALL
#define EXIT_REASON_SEAMCALL		76
#endif
#ifndef EXIT_REASON_TDCALL
#define EXIT_REASON_TDCALL		77
#endif

#ifdef __ASSEMBLY__

#include <asm/nospec-branch.h>

/* 6.1 has one sequence for all entries to the kernel; later there is one after VM-exit. */
#ifndef UNTRAIN_RET_VM
#define UNTRAIN_RET_VM UNTRAIN_RET
#endif

#else /* !__ASSEMBLY__ */

#include <linux/cc_platform.h>
#include <linux/cpuhotplug.h>
#include <linux/eventfd.h>
#include <linux/kvm.h>
#include <linux/mm.h>
#include <linux/syscore_ops.h>
#include <asm/apic.h>
#include <asm/cpufeature.h>
#include <asm/reboot.h>
#include <asm/vmx.h>

/* 6.7 named the control like its neighbours. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
#define SECONDARY_EXEC_ENABLE_XSAVES	SECONDARY_EXEC_XSAVES
#endif

/*
 * Before 6.8 kexec goes without the shutdown of system devices; notifiers of a reboot are
 * called, while other CPUs and devices still work.
 */
#define COMPAT_KEXEC_WITHOUT_SYSCORE	(LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0))

/* 6.10 lets userspace choose the clock of the APIC timer. */
#ifndef KVM_CAP_X86_APIC_BUS_CYCLES_NS
#define KVM_CAP_X86_APIC_BUS_CYCLES_NS	237
#endif

/* 6.2 named the flags that exist. */
#ifndef KVM_MSR_FILTER_VALID_MASK
#define KVM_MSR_FILTER_VALID_MASK	KVM_MSR_FILTER_DEFAULT_DENY
#define KVM_MSR_FILTER_RANGE_VALID_MASK	(KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE)
#endif

/*
 * Since 6.12 the kernel may leave it to the hypervisor to have a CPU with SRSO
 * speculate less while it runs guests.
 */
static inline bool compat_srso_reduce_in_guests(void)
{
#ifdef X86_FEATURE_SRSO_BP_SPEC_REDUCE
	return boot_cpu_has(X86_FEATURE_SRSO_BP_SPEC_REDUCE);
#else
	return false;
#endif
}

/* Does the host keep a table of who owns each page (SNP)? 6.1 does not. */
static inline bool compat_host_has_snp(void)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
	return cc_platform_has(CC_ATTR_HOST_SEV_SNP);
#else
	return false;
#endif
}

/* 6.8 dropped the count of eventfd_signal(). */
static inline void compat_eventfd_signal(struct eventfd_ctx *ctx)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
	eventfd_signal(ctx);
#else
	eventfd_signal(ctx, 1);
#endif
}

/*
 * Send an interrupt to a CPU. Since 6.6 the kernel offers it as a static call;
 * before, only as a pointer, so write the local APIC's command register here.
 * Context: preemption off.
 */
static inline void compat_send_ipi(int cpu, u8 vector)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
	__apic_send_IPI_mask(cpumask_of(cpu), vector);
#else
	u32 id = per_cpu(x86_cpu_to_apicid, cpu);
	unsigned long flags;

	if (x2apic_mode) {
		/* The write does not serialise: what was stored before must be seen first. */
		weak_wrmsr_fence();
		native_x2apic_icr_write(APIC_DM_FIXED | vector, id);
		return;
	}
	local_irq_save(flags);
	while (native_apic_mem_read(APIC_ICR) & APIC_ICR_BUSY)
		cpu_relax();
	/* In the upper byte; the name of the macro for it changed within 6.1. */
	native_apic_mem_write(APIC_ICR2, id << 24);
	native_apic_mem_write(APIC_ICR, APIC_DM_FIXED | vector);
	local_irq_restore(flags);
#endif
}

/*
 * An emergency reboot or crash calls back whoever switched virtualization on;
 * older kernels look at CR4.VMXE and EFER.SVME and switch it off themselves.
 * That changed in 6.6 and in the middle of the 6.1 series, so the version does
 * not tell: Kbuild looks for the registration.
 */
#ifdef COMPAT_EMERGENCY_CALLBACK
static inline void compat_register_emergency(void (*callback)(void))
{
	cpu_emergency_register_virt_callback(callback);
}

static inline void compat_unregister_emergency(void (*callback)(void))
{
	cpu_emergency_unregister_virt_callback(callback);
}
#else
static inline void compat_register_emergency(void (*callback)(void))
{
}

static inline void compat_unregister_emergency(void (*callback)(void))
{
}
#endif

/*
 * System core callbacks gained an argument in the middle of the 6.12 series,
 * so the version does not tell: Kbuild looks for the new registration.
 */
#ifdef COMPAT_STRUCT_SYSCORE
#define COMPAT_SYSCORE_ARG	void *unused
#define COMPAT_DEFINE_SYSCORE(name, suspend_, resume_, shutdown_)	\
static const struct syscore_ops name##_ops = {				\
	.suspend = suspend_, .resume = resume_, .shutdown = shutdown_ };	\
static struct syscore name = { .ops = &name##_ops }
#define compat_register_syscore(name)	register_syscore(&(name))
#define compat_unregister_syscore(name)	unregister_syscore(&(name))
#else
#define COMPAT_SYSCORE_ARG	void
#define COMPAT_DEFINE_SYSCORE(name, suspend_, resume_, shutdown_)	\
static struct syscore_ops name = {					\
	.suspend = suspend_, .resume = resume_, .shutdown = shutdown_ }
#define compat_register_syscore(name)	register_syscore_ops(&(name))
#define compat_unregister_syscore(name)	unregister_syscore_ops(&(name))
#endif

/*
 * When a CPU comes and goes. Its teardown must come after the last user task
 * has left the CPU, or a vCPU could be loaded there once more. 6.1 has no such
 * state whose startup may fail: there a CPU that cannot enable the extension
 * comes online with a warning of the kernel's.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
#define COMPAT_CPUHP_VIRT	CPUHP_AP_KVM_ONLINE
#else
#define COMPAT_CPUHP_VIRT	CPUHP_AP_KVM_STARTING
#endif

/* 6.10 marked the field as not to be read twice. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#define compat_immediate_exit	immediate_exit__unsafe
#else
#define compat_immediate_exit	immediate_exit
#endif

/* Let any signal end the wait for a page; since 6.2. Before, only a fatal one does. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
#define COMPAT_FOLL_INTERRUPTIBLE	FOLL_INTERRUPTIBLE
#else
#define COMPAT_FOLL_INTERRUPTIBLE	0
#endif

/* What the ABI got after 6.1, with the values later headers give it. */
#ifndef KVM_SET_USER_MEMORY_REGION2
#define KVM_CAP_USER_MEMORY2		231
#define KVM_SET_USER_MEMORY_REGION2	_IOW(KVMIO, 0x49, struct kvm_userspace_memory_region2)

struct kvm_userspace_memory_region2 {
	__u32 slot;
	__u32 flags;
	__u64 guest_phys_addr;
	__u64 memory_size;
	__u64 userspace_addr;
	__u64 guest_memfd_offset;
	__u32 guest_memfd;
	__u32 pad1;
	__u64 pad2[14];
};
#endif

/**
 * compat_follow_pfn() - read a mapping that has no struct page
 * @vma: a VM_IO or VM_PFNMAP mapping
 * @addr: user address in it
 * @pfn: result
 * @writable: result: the mapping may be written now
 *
 * Context: mmap_lock held. Return: 0, or a negative errno if nothing is mapped there.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
static inline int compat_follow_pfn(struct vm_area_struct *vma, unsigned long addr,
				    unsigned long *pfn, bool *writable)
{
	struct follow_pfnmap_args args = { .vma = vma, .address = addr };
	int r = follow_pfnmap_start(&args);

	if (r)
		return r;
	*pfn = args.pfn;
	*writable = args.writable;
	follow_pfnmap_end(&args);
	return 0;
}
#else
static inline int compat_follow_pfn(struct vm_area_struct *vma, unsigned long addr,
				    unsigned long *pfn, bool *writable)
{
	spinlock_t *lock;	/* of the page table, held by follow_pte() */
	pteval_t pte;
	pte_t *ptep;
	int r = follow_pte(vma->vm_mm, addr, &ptep, &lock);

	if (r)
		return r;
	pte = READ_ONCE(ptep->pte);
	pte_unmap_unlock(ptep, lock);
	/* An inaccessible mapping counts as present for the host. */
	if (!(pte & _PAGE_PRESENT))
		return -EFAULT;
	*pfn = (pte & PTE_PFN_MASK) >> PAGE_SHIFT;
	*writable = pte & _PAGE_RW;
	return 0;
}
#endif

#endif /* __ASSEMBLY__ */

#endif /* MONOVISOR_CORE_COMPAT_H */
