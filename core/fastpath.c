// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits that are over before interrupts come on again. Policy is shared with
 * exit.c, which does the same with every means; here is only what is certain
 * to succeed. Who may enter again without looking is decided in run.c.
 */
#include <asm/msr-index.h>

#include "core/bus.h"
#include "core/compat.h"
#include "core/cpuid.h"
#include "core/cr.h"
#include "core/exit.h"
#include "core/fastpath.h"
#include "core/irq/lapic.h"
#include "core/memslot.h"
#include "core/mmu/tdp.h"
#include "core/move.h"
#include "core/msr.h"
#include "core/regs.h"
#include "core/trace.h"
#include "core/vcpu.h"
#include "core/vm.h"
#include "ops/run.h"

/*
 * Where the instruction ends; 0: the slow way has to tell, or has more to do, for
 * a step trap follows (or, with TF set for its sake, an NMI window).
 */
static __always_inline unsigned long fast_next_rip(struct kvm_vcpu *vcpu)
{
	if (unlikely(kvm_x86_fast_rflags(vcpu) & X86_EFLAGS_TF))
		return 0;
	return kvm_x86_fast_next_rip(vcpu);
}

enum run_result fast_cpuid(struct kvm_vcpu *vcpu)
{
	unsigned long next = fast_next_rip(vcpu);

	if (unlikely(!next))
		return RUN_REENTER;
	kvm_cpuid_insn(vcpu);
	kvm_x86_fast_retire(vcpu, next);
	return RUN_REENTER_FAST;
}

enum run_result fast_nop(struct kvm_vcpu *vcpu)
{
	unsigned long next = fast_next_rip(vcpu);

	if (unlikely(!next))
		return RUN_REENTER;
	kvm_x86_fast_retire(vcpu, next);
	return RUN_REENTER_FAST;
}

enum run_result fast_hypercall(struct kvm_vcpu *vcpu)
{
	unsigned long next = fast_next_rip(vcpu);

	if (unlikely(!next))
		return RUN_REENTER;
	kvm_hypercall(vcpu);
	kvm_x86_fast_retire(vcpu, next);
	return RUN_REENTER_FAST;
}

/*
 * Ports that only wake somebody. Whom it wakes may raise an interrupt for this
 * very vCPU: that is a request, which run.c sees before it enters again.
 */
enum run_result fast_pio(struct kvm_vcpu *vcpu, const struct exit_pio *io)
{
	u32 val = kvm_eax_read(vcpu);
	struct eventfd_ctx *eventfd;
	unsigned long next = 0;
	int idx;

	if (io->in || io->string)
		return RUN_REENTER;
	idx = srcu_read_lock(&vcpu->kvm->srcu);
	eventfd = kvm_bus_find_eventfd(vcpu, KVM_BUS_PIO, io->port, io->size, &val);
	if (eventfd)
		next = fast_next_rip(vcpu);
	if (likely(next))
		compat_eventfd_signal(eventfd);
	srcu_read_unlock(&vcpu->kvm->srcu, idx);
	if (!next)
		return RUN_REENTER;
	trace_kvm_pio(KVM_TRACE_WRITE, io->port, io->size, 1, &val);
	kvm_x86_fast_retire(vcpu, next);
	return RUN_REENTER_FAST;
}

/* A filter is read under kvm->srcu: not here. */
static bool msrs_filtered(struct kvm_vcpu *vcpu)
{
	return rcu_access_pointer(vcpu->kvm->msr_filter);
}

/* Reads have no effects: one that is refused is simply made again. */
enum run_result fast_rdmsr(struct kvm_vcpu *vcpu)
{
	unsigned long next;
	u64 data;

	if (unlikely(msrs_filtered(vcpu)) ||
	    unlikely(kvm_get_msr(vcpu, vcpu->regs[VCPU_REGS_RCX], &data, false) != MSR_OK))
		return RUN_REENTER;
	next = fast_next_rip(vcpu);
	if (unlikely(!next))
		return RUN_REENTER;
	kvm_register_write_raw(vcpu, VCPU_REGS_RAX, (u32)data);
	kvm_register_write_raw(vcpu, VCPU_REGS_RDX, data >> 32);
	kvm_x86_fast_retire(vcpu, next);
	return RUN_REENTER_FAST;
}

/* Writes that may be done here, by whose they are. */
enum fast_msr {
	FAST_MSR_NONE,
	FAST_MSR_VCPU,		/* changes this vCPU alone, and what hardware keeps of it */
	FAST_MSR_DEADLINE,
	FAST_MSR_X2APIC,	/* the local APIC knows which of its registers */
};

static enum fast_msr fast_msr(u32 index)
{
	switch (index) {
	case MSR_IA32_TSC_ADJUST:
	case MSR_IA32_MISC_ENABLE:
		return FAST_MSR_VCPU;
	case MSR_IA32_TSC_DEADLINE:
		return FAST_MSR_DEADLINE;
	case APIC_BASE_MSR ... APIC_BASE_MSR + 0xff:
		return FAST_MSR_X2APIC;
	default:
		return FAST_MSR_NONE;
	}
}

/*
 * One that is refused changes nothing: the long way refuses it again, and faults.
 * The registers of an x2APIC cannot be filtered.
 */
static bool write_msr(struct kvm_vcpu *vcpu, enum fast_msr kind, u32 index, u64 data)
{
	if (kind == FAST_MSR_X2APIC)
		return kvm_lapic_x2apic_write_irqoff(vcpu, index, data);
	if (unlikely(msrs_filtered(vcpu)))
		return false;
	if (kind == FAST_MSR_DEADLINE)
		return kvm_lapic_write_deadline_irqoff(vcpu, data);
	return kvm_set_msr(vcpu, index, data, false) == MSR_OK;
}

enum run_result fast_wrmsr(struct kvm_vcpu *vcpu)
{
	u32 index = vcpu->regs[VCPU_REGS_RCX];
	enum fast_msr kind = fast_msr(index);
	unsigned long next;

	/* For another nothing need be known of the instruction. */
	if (kind == FAST_MSR_NONE)
		return RUN_REENTER;
	next = fast_next_rip(vcpu);
	if (unlikely(!next) || !write_msr(vcpu, kind, index, kvm_edx_eax_read(vcpu)))
		return RUN_REENTER;
	kvm_x86_fast_retire(vcpu, next);
	return RUN_REENTER_FAST;
}

/*
 * Lowering the task priority may unmask an interrupt. The local APIC asks for
 * an evaluation then; one in userspace has to hear of it.
 */
enum run_result fast_cr8_write(struct kvm_vcpu *vcpu, u8 gpr)
{
	unsigned long val = kvm_register_read(vcpu, gpr);
	unsigned long next;

	if (!lapic_in_kernel(vcpu) && val < kvm_get_cr8(vcpu))
		return RUN_REENTER;
	next = fast_next_rip(vcpu);
	if (unlikely(!next) || unlikely(kvm_set_cr8(vcpu, val)))
		return RUN_REENTER;
	kvm_x86_fast_retire(vcpu, next);
	return RUN_REENTER_FAST;
}

/* The evaluation that this may ask for ends the loop. */
enum run_result fast_tpr_lowered(struct kvm_vcpu *vcpu)
{
	kvm_lapic_recheck(vcpu, EVENT_PPR_TPR);
	return RUN_REENTER_FAST;
}

enum run_result fast_cr8_read(struct kvm_vcpu *vcpu, u8 gpr)
{
	unsigned long next = fast_next_rip(vcpu);

	if (unlikely(!next))
		return RUN_REENTER;
	kvm_register_write(vcpu, gpr, kvm_get_cr8(vcpu));
	kvm_x86_fast_retire(vcpu, next);
	return RUN_REENTER_FAST;
}

void fast_note_device(struct kvm_vcpu *vcpu, gfn_t gfn)
{
	struct device_page *page = &vcpu->device_page[gfn % NR_DEVICE_PAGES];
	u64 generation = kvm_memslots_generation(vcpu->kvm);

	if (page->gfn == gfn && page->generation == generation)
		return;
	/* A read-only slot is a device to stores only as long as it is read-only. */
	if (gfn_to_memslot(vcpu->kvm, gfn))
		return;
	page->gfn = gfn;
	page->generation = generation;
}

static bool offer_store(struct kvm_vcpu *vcpu, gpa_t gpa, const struct emul_move *store)
{
	u64 val = kvm_move_datum(vcpu, store);
	struct eventfd_ctx *eventfd;

	if (kvm_lapic_owns_gpa(vcpu, gpa)) {
		if (!kvm_lapic_mmio_write_irqoff(vcpu, gpa, store->bytes, val))
			return false;
	} else {
		eventfd = kvm_bus_find_eventfd(vcpu, KVM_BUS_MMIO, gpa, store->bytes, &val);
		if (!eventfd)
			return false;
		compat_eventfd_signal(eventfd);
	}
	trace_kvm_mmio(KVM_TRACE_MMIO_WRITE, store->bytes, gpa, &val);
	return true;
}

static enum run_result store_to_device(struct kvm_vcpu *vcpu, gpa_t gpa)
{
	const struct device_page *page = &vcpu->device_page[(gpa >> PAGE_SHIFT) % NR_DEVICE_PAGES];
	unsigned long rflags, rip;
	struct emul_move store;
	bool taken;
	int idx;

	/* CPL 0 has no alignment checks and fetches as a supervisor. */
	if (page->gfn != gpa >> PAGE_SHIFT || !is_64_bit_mode(vcpu) || kvm_x86_get_cpl(vcpu))
		return RUN_REENTER;
	rflags = kvm_x86_get_rflags(vcpu);
	if (unlikely(rflags & X86_EFLAGS_TF))
		return RUN_REENTER;
	rip = kvm_rip_read(vcpu);

	kvm_x86_host_data_touched(vcpu);
	idx = srcu_read_lock(&vcpu->kvm->srcu);
	taken = page->generation == kvm_memslots_generation(vcpu->kvm) &&
		kvm_parse_move(vcpu, rip, gpa, false, &store) && offer_store(vcpu, gpa, &store);
	srcu_read_unlock(&vcpu->kvm->srcu, idx);
	if (!taken)
		return RUN_REENTER;

	vcpu->stat.insn_emulation++;
	kvm_x86_fast_retire(vcpu, rip + store.len);
	/* It has been read, and another exit may be handled before the next is collected. */
	vcpu->regs[VCPU_REGS_RIP] = rip + store.len;
	if (rflags & X86_EFLAGS_RF)
		kvm_x86_set_rflags(vcpu, rflags & ~X86_EFLAGS_RF);
	return RUN_REENTER_FAST;
}

/* Stores alone: a load may be one that userspace answers, and has effects there. */
enum run_result fast_tdp_fault(struct kvm_vcpu *vcpu, const struct tdp_fault *fault)
{
	if (!fault->write || fault->present || fault->guest_walk || fault->exec || fault->rsvd)
		return RUN_REENTER;
	/* The page that hardware is to know is mapped first. */
	if (fault->gpa >> PAGE_SHIFT == TDP_APIC_GFN && READ_ONCE(vcpu->kvm->tdp.apic_pfn))
		return RUN_REENTER;
	return store_to_device(vcpu, fault->gpa);
}

enum run_result fast_apic_access(struct kvm_vcpu *vcpu, const struct tdp_fault *fault)
{
	if (!fault->write || fault->guest_walk || fault->exec)
		return RUN_REENTER;
	return store_to_device(vcpu, fault->gpa);
}
