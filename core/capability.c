// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is claimed and what can be enabled. A capability is in this list when
 * what it stands for works, and not before.
 */
#include <linux/cpumask.h>
#include <linux/overflow.h>

#include "core/capability.h"
#include "core/compat.h"
#include "core/fpu.h"
#include "core/irq/irqchip.h"
#include "core/irq/lapic_timer.h"
#include "core/vcpu.h"
#include "core/vm.h"
#include "ops/timer.h"

#define MSR_EXIT_REASONS	(KVM_MSR_EXIT_REASON_INVAL | KVM_MSR_EXIT_REASON_UNKNOWN | \
				 KVM_MSR_EXIT_REASON_FILTER)
#define GUESTDBG_FLAGS		(KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP | \
				 KVM_GUESTDBG_USE_SW_BP | KVM_GUESTDBG_USE_HW_BP | \
				 KVM_GUESTDBG_INJECT_DB | KVM_GUESTDBG_INJECT_BP)

#define X2APIC_API_FLAGS	(KVM_X2APIC_API_USE_32BIT_IDS | \
				 KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK)

/*
 * A guest that waits in HLT, MWAIT or PAUSE holds its CPU; userspace asks for
 * it. MWAIT only where it may not stop the time stamp counter or the timers.
 */
static u32 disable_exits_supported(void)
{
	u32 exits = KVM_X86_DISABLE_EXITS_HLT | KVM_X86_DISABLE_EXITS_PAUSE;

	if (boot_cpu_has(X86_FEATURE_MWAIT) && boot_cpu_has(X86_FEATURE_ARAT))
		exits |= KVM_X86_DISABLE_EXITS_MWAIT;
	return exits;
}

int kvm_check_extension(struct kvm *kvm, long ext)
{
	switch (ext) {
	case KVM_CAP_USER_MEMORY:
	case KVM_CAP_USER_MEMORY2:
	case KVM_CAP_DESTROY_MEMORY_REGION_WORKS:
	case KVM_CAP_JOIN_MEMORY_REGIONS_WORKS:
	case KVM_CAP_READONLY_MEM:
	case KVM_CAP_SYNC_MMU:
	case KVM_CAP_SET_TSS_ADDR:
	case KVM_CAP_SET_IDENTITY_MAP_ADDR:
	case KVM_CAP_EXT_CPUID:
	case KVM_CAP_EXT_EMUL_CPUID:
	case KVM_CAP_MP_STATE:
	case KVM_CAP_NOP_IO_DELAY:
	case KVM_CAP_USER_NMI:
	case KVM_CAP_IRQCHIP:
	case KVM_CAP_SPLIT_IRQCHIP:
	case KVM_CAP_IRQ_INJECT_STATUS:
	case KVM_CAP_IOAPIC_POLARITY_IGNORED:
	case KVM_CAP_PIT:
	case KVM_CAP_PIT2:
	case KVM_CAP_PIT_STATE2:
	case KVM_CAP_REINJECT_CONTROL:
	case KVM_CAP_SIGNAL_MSI:
	case KVM_CAP_IRQFD:
	case KVM_CAP_IRQFD_RESAMPLE:
	case KVM_CAP_IOEVENTFD:
	case KVM_CAP_IOEVENTFD_NO_LENGTH:
	case KVM_CAP_IOEVENTFD_ANY_LENGTH:
	case KVM_CAP_COALESCED_PIO:
	case KVM_CAP_VCPU_EVENTS:
	case KVM_CAP_DEBUGREGS:
	case KVM_CAP_SET_GUEST_DEBUG:
	case KVM_CAP_XSAVE:
	case KVM_CAP_IMMEDIATE_EXIT:
	case KVM_CAP_INTERNAL_ERROR_DATA:
	case KVM_CAP_CHECK_EXTENSION_VM:
	case KVM_CAP_ENABLE_CAP:
	case KVM_CAP_ENABLE_CAP_VM:
	case KVM_CAP_BINARY_STATS_FD:
	case KVM_CAP_GET_TSC_KHZ:
	case KVM_CAP_KVMCLOCK_CTRL:
	case KVM_CAP_VCPU_ATTRIBUTES:
	case KVM_CAP_GET_MSR_FEATURES:
	case KVM_CAP_EXCEPTION_PAYLOAD:
	case KVM_CAP_X86_TRIPLE_FAULT_EVENT:
	case KVM_CAP_EXIT_ON_EMULATION_FAILURE:
	case KVM_CAP_SREGS2:
	case KVM_CAP_X86_MSR_FILTER:
	case KVM_CAP_HLT:
	case KVM_CAP_TSC_DEADLINE_TIMER:
	case KVM_CAP_SET_BOOT_CPU_ID:
	case KVM_CAP_MSR_PLATFORM_INFO:
		return 1;
	case KVM_CAP_X2APIC_API:
		return X2APIC_API_FLAGS;
	case KVM_CAP_X86_APIC_BUS_CYCLES_NS:
		return LAPIC_BUS_CYCLE_NS;
	case KVM_CAP_COALESCED_MMIO:
		return KVM_COALESCED_MMIO_PAGE_OFFSET;
	case KVM_CAP_SYNC_REGS:
		return KVM_SYNC_X86_VALID_FIELDS;
	case KVM_CAP_SET_GUEST_DEBUG2:
		return GUESTDBG_FLAGS;
	case KVM_CAP_ADJUST_CLOCK:
		return KVM_CLOCK_TSC_STABLE | KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC;
	case KVM_CAP_MCE:
		return KVM_NR_MCE_BANKS;
	case KVM_CAP_XCRS:
		return boot_cpu_has(X86_FEATURE_XSAVE);
	case KVM_CAP_XSAVE2:
		return kvm ? kvm_xsave2_size(kvm) : sizeof(struct kvm_xsave);
	case KVM_CAP_TSC_CONTROL:
	case KVM_CAP_VM_TSC_CONTROL:
		return kvm_x86_tsc_scaling_frac_bits() != 0;
	case KVM_CAP_NR_VCPUS:
		return min_t(unsigned int, num_online_cpus(), KVM_MAX_VCPUS);
	case KVM_CAP_MAX_VCPUS:
		return KVM_MAX_VCPUS;
	case KVM_CAP_MAX_VCPU_ID:
		return KVM_MAX_VCPU_ID;
	case KVM_CAP_IRQ_ROUTING:
		return KVM_MAX_IRQ_ROUTES;
	case KVM_CAP_NR_MEMSLOTS:
		return KVM_USER_MEM_SLOTS;
	case KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2:
		return KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE | KVM_DIRTY_LOG_INITIALLY_SET;
	case KVM_CAP_X86_USER_SPACE_MSR:
		return MSR_EXIT_REASONS;
	case KVM_CAP_X86_DISABLE_EXITS:
		return disable_exits_supported();
	}
	return 0;
}

/* Once the guest has an APIC, its clock is settled. kvm->lock is held. */
static int set_apic_bus_cycle(struct kvm *kvm, u64 ns)
{
	u64 product;

	if (!irqchip_in_kernel(kvm))
		return -ENXIO;
	if (!ns || ns > U32_MAX || kvm->created_vcpus)
		return -EINVAL;
	/* The longest count must fit, with the largest divisor. */
	if (check_mul_overflow((u64)U32_MAX * 128, ns, &product))
		return -EINVAL;
	kvm->apic_bus_cycle_ns = ns;
	return 0;
}

static int enable_x2apic_api(struct kvm *kvm, u64 flags)
{
	if (flags & ~(u64)X2APIC_API_FLAGS)
		return -EINVAL;
	if (flags & KVM_X2APIC_API_USE_32BIT_IDS)
		kvm->x2apic_format = true;
	if (flags & KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK)
		WRITE_ONCE(kvm->x2apic_broadcast_quirk_disabled, true);
	return 0;
}

/**
 * kvm_vm_enable_cap() - KVM_ENABLE_CAP on a VM
 * @kvm: the VM
 * @cap: one private copy of userspace's
 *
 * Return: 0; -EINVAL for what cannot be enabled, unknown flags or arguments.
 */
int kvm_vm_enable_cap(struct kvm *kvm, const struct kvm_enable_cap *cap)
{
	int err = 0;

	if (cap->flags)
		return -EINVAL;

	mutex_lock(&kvm->lock);
	switch (cap->cap) {
	case KVM_CAP_EXCEPTION_PAYLOAD:
		kvm->exception_payload_enabled = cap->args[0];
		break;
	case KVM_CAP_X86_TRIPLE_FAULT_EVENT:
		kvm->triple_fault_event = cap->args[0];
		break;
	case KVM_CAP_EXIT_ON_EMULATION_FAILURE:
		if (cap->args[0] & ~1)
			err = -EINVAL;
		else
			kvm->exit_on_emulation_error = cap->args[0];
		break;
	case KVM_CAP_SPLIT_IRQCHIP:
		err = kvm_enable_split_irqchip(kvm, cap->args[0]);
		break;
	case KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2:
		err = kvm_enable_manual_dirty_log(kvm, cap->args[0]);
		break;
	case KVM_CAP_X86_USER_SPACE_MSR:
		if (cap->args[0] & ~MSR_EXIT_REASONS)
			err = -EINVAL;
		else
			kvm->user_space_msr_mask = cap->args[0];
		break;
	case KVM_CAP_MSR_PLATFORM_INFO:
		WRITE_ONCE(kvm->platform_info_hidden, !cap->args[0]);
		break;
	case KVM_CAP_X2APIC_API:
		err = enable_x2apic_api(kvm, cap->args[0]);
		break;
	case KVM_CAP_X86_APIC_BUS_CYCLES_NS:
		err = set_apic_bus_cycle(kvm, cap->args[0]);
		break;
	case KVM_CAP_X86_DISABLE_EXITS:
		/* vCPUs take it over when they are created. */
		if (cap->args[0] & ~(u64)disable_exits_supported() || kvm->created_vcpus)
			err = -EINVAL;
		else
			kvm->disabled_exits |= cap->args[0];
		break;
	case KVM_CAP_MAX_VCPU_ID:
		/* Once, before the first vCPU, and not below the boot CPU's. */
		if (cap->args[0] && cap->args[0] == kvm->max_vcpu_ids)
			break;
		if (!cap->args[0] || cap->args[0] > KVM_MAX_VCPU_ID ||
		    cap->args[0] < kvm->bsp_vcpu_id || kvm->max_vcpu_ids ||
		    kvm->created_vcpus)
			err = -EINVAL;
		else
			kvm->max_vcpu_ids = cap->args[0];
		break;
	default:
		err = -EINVAL;
		break;
	}
	mutex_unlock(&kvm->lock);
	return err;
}

/* No capability is enabled vCPU by vCPU. */
int kvm_vcpu_enable_cap(struct kvm_vcpu *vcpu, const struct kvm_enable_cap *cap)
{
	return -EINVAL;
}
