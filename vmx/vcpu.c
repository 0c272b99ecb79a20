// SPDX-License-Identifier: GPL-2.0-only
/*
 * Life of a vCPU on VMX: its VMCS from creation to reset to freeing, and its
 * coming to and going from a CPU with the host state that changes with the
 * CPU or the thread. Entry and exit are in run.c.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <asm/cpu_entry_area.h>
#include <asm/cpufeature.h>
#include <asm/desc.h>
#include <asm/fsgsbase.h>
#include <asm/irq_vectors.h>
#include <asm/msr.h>
#include <asm/segment.h>
#include <asm/mmu_context.h>
#include <asm/tlbflush.h>

#include "core/compat.h"
#include "core/cpuid.h"
#include "core/cr.h"
#include "core/debug.h"
#include "core/irq/lapic.h"
#include "core/regs.h"
#include "vmx/vmx.h"

/* Exits that userspace may have given up (KVM_CAP_X86_DISABLE_EXITS). */
static u32 cpu_controls(struct kvm_vcpu *vcpu)
{
	u32 disabled = vcpu->kvm->disabled_exits;
	u32 ctl = vmx_caps.cpu;

	if (disabled & KVM_X86_DISABLE_EXITS_HLT)
		ctl &= ~CPU_BASED_HLT_EXITING;
	if (disabled & KVM_X86_DISABLE_EXITS_MWAIT)
		ctl &= ~(CPU_BASED_MWAIT_EXITING | CPU_BASED_MONITOR_EXITING);
	/* An APIC in userspace is told of its TPR by exits. */
	if (!lapic_in_kernel(vcpu))
		ctl &= ~CPU_BASED_TPR_SHADOW;
	if (!(ctl & CPU_BASED_TPR_SHADOW))
		ctl |= CPU_BASED_CR8_LOAD_EXITING | CPU_BASED_CR8_STORE_EXITING;
	return ctl | CPU_BASED_MOV_DR_EXITING;
}

static u32 cpu2_controls(struct vcpu_vmx *vmx)
{
	struct kvm_vcpu *vcpu = &vmx->vcpu;
	u32 ctl = vmx_caps.cpu2;

	if (!vmx->vpid)
		ctl &= ~SECONDARY_EXEC_ENABLE_VPID;
	if (vcpu->kvm->disabled_exits & KVM_X86_DISABLE_EXITS_PAUSE)
		ctl &= ~SECONDARY_EXEC_PAUSE_LOOP_EXITING;
	/* Without its control an instruction is undefined, as on a CPU without it. */
	if (!guest_has_tsc_aux(vcpu))
		ctl &= ~SECONDARY_EXEC_ENABLE_RDTSCP;
	if (!guest_cap(vcpu, GUEST_CAP_XSAVES))
		ctl &= ~SECONDARY_EXEC_ENABLE_XSAVES;
	if (!guest_cap(vcpu, GUEST_CAP_INVPCID))
		ctl &= ~SECONDARY_EXEC_ENABLE_INVPCID;
	return ctl | vmx_apicv_cpu2(vmx) | vmx_flexpriority_cpu2(vmx) | vmx_umip_cpu2(vmx);
}

/* What is the same for this vCPU's whole life. */
static void init_constant_controls(struct vcpu_vmx *vmx)
{
	vmcs_write32(VM_EXIT_CONTROLS, vmx_caps.exit);
	vmcs_write64(MSR_BITMAP, __pa(vmx->msr_bitmap));
	vmcs_write64(VMCS_LINK_POINTER, ~0ULL);
	vmcs_write32(CR3_TARGET_COUNT, 0);
	vmcs_write32(VM_EXIT_MSR_STORE_COUNT, 0);
	vmcs_write32(VM_EXIT_MSR_LOAD_COUNT, 0);
	vmcs_write32(VM_ENTRY_MSR_LOAD_COUNT, 0);
	vmcs_write64(VM_EXIT_MSR_LOAD_ADDR, __pa(vmx->perf.host));
	vmcs_write64(VM_ENTRY_MSR_LOAD_ADDR, __pa(vmx->perf.guest));
	/* Page faults are the guest's own: with bit 14 of the bitmap 0, none matches. */
	vmcs_write32(PAGE_FAULT_ERROR_CODE_MASK, 0);
	vmcs_write32(PAGE_FAULT_ERROR_CODE_MATCH, 0);
	if (vmx->vpid)
		vmcs_write16(VIRTUAL_PROCESSOR_ID, vmx->vpid);
	if (vmx_caps.cpu2 & SECONDARY_EXEC_PAUSE_LOOP_EXITING)
		vmcs_write32(PLE_GAP, vmx_ple_gap);
	if (vmx_caps.tpr_shadow && lapic_in_kernel(&vmx->vcpu))
		vmcs_write64(VIRTUAL_APIC_PAGE_ADDR, __pa(vmx->vcpu.lapic->regs));
	if (vmx->pml_log)
		vmx_pml_start(vmx);
	if (vmx_caps.flexpriority)
		vmcs_write64(APIC_ACCESS_ADDR,
			     page_to_phys(to_kvm_vmx(vmx->vcpu.kvm)->apic_page));
	if (vmx->pi) {
		vmcs_write16(POSTED_INTR_NV, POSTED_INTR_VECTOR);
		vmcs_write64(POSTED_INTR_DESC_ADDR, __pa(vmx->pi));
		vmcs_write16(GUEST_INTR_STATUS, 0);
	}
	if (vmx_caps.cpu2 & SECONDARY_EXEC_ENABLE_XSAVES)
		vmcs_write64(XSS_EXIT_BITMAP, 0);
	/* Guests have no enclaves: every ENCLS exits, to become #UD. */
	if (vmx_caps.cpu2 & SECONDARY_EXEC_ENCLS_EXITING)
		vmcs_write64(ENCLS_EXITING_BITMAP, ~0ULL);
}

/* Host state that is the same on every CPU and for every thread. */
static void init_constant_host_state(struct vcpu_vmx *vmx)
{
	struct desc_ptr idt;

	vmcs_writel(HOST_CR0, native_read_cr0() & ~X86_CR0_TS);
	vmx->host_cr3 = __get_current_cr3_fast();
	vmcs_writel(HOST_CR3, vmx->host_cr3);
	vmx->host_cr4 = cr4_read_shadow();
	vmcs_writel(HOST_CR4, vmx->host_cr4);

	vmcs_write16(HOST_CS_SELECTOR, __KERNEL_CS);
	vmcs_write16(HOST_SS_SELECTOR, __KERNEL_DS);
	vmcs_write16(HOST_TR_SELECTOR, GDT_ENTRY_TSS * 8);
	/*
	 * User selectors cannot be loaded by an exit. Load null and put back
	 * what the thread had when it leaves the vCPU; most have null anyway.
	 */
	vmcs_write16(HOST_DS_SELECTOR, 0);
	vmcs_write16(HOST_ES_SELECTOR, 0);
	vmcs_write16(HOST_FS_SELECTOR, 0);
	vmcs_write16(HOST_GS_SELECTOR, 0);

	store_idt(&idt);
	vmcs_writel(HOST_IDTR_BASE, idt.address);
	vmcs_writel(HOST_RIP, (unsigned long)vmx_vmexit);
	vmcs_write32(HOST_IA32_SYSENTER_CS, native_read_msr(MSR_IA32_SYSENTER_CS));
	vmcs_writel(HOST_IA32_SYSENTER_EIP, native_read_msr(MSR_IA32_SYSENTER_EIP));
	vmcs_write64(HOST_IA32_PAT, native_read_msr(MSR_IA32_CR_PAT));
	vmcs_write64(HOST_IA32_EFER, native_read_msr(MSR_EFER));
	vmcs_writel(HOST_FS_BASE, 0);
	vmx->host_fs_base = 0;
	vmx->sw.host_rsp = 0;
}

static void init_controls(struct vcpu_vmx *vmx)
{
	vmx->ctl_pin = vmx_caps.pin;
	vmcs_write32(PIN_BASED_VM_EXEC_CONTROL, vmx->ctl_pin);
	vmx->ctl_cpu = cpu_controls(&vmx->vcpu);
	vmcs_write32(CPU_BASED_VM_EXEC_CONTROL, vmx->ctl_cpu);
	vmx->ctl_cpu2 = cpu2_controls(vmx);
	vmcs_write32(SECONDARY_VM_EXEC_CONTROL, vmx->ctl_cpu2);
	vmx->ctl_entry = vmx_caps.entry & ~VM_ENTRY_IA32E_MODE;
	vmcs_write32(VM_ENTRY_CONTROLS, vmx->ctl_entry);
	vmcs_write32(VM_ENTRY_INTR_INFO_FIELD, 0);
	vmcs_write32(EXCEPTION_BITMAP, 0);
	vmx->exception_bitmap = 0;
	if (vmx_caps.tpr_shadow)
		vmcs_write32(TPR_THRESHOLD, 0);
	vmx->tpr_threshold = 0;
}

/*
 * INIT leaves MSRs alone, some of which are kept in the VMCS only.
 * Source: Intel SDM volume 3, "Processor State After Reset".
 */
static void init_guest_state(struct kvm_vcpu *vcpu, bool init_event)
{
	if (!init_event) {
		vmcs_write32(GUEST_SYSENTER_CS, 0);
		vmcs_writel(GUEST_SYSENTER_ESP, 0);
		vmcs_writel(GUEST_SYSENTER_EIP, 0);
		vmcs_write64(GUEST_IA32_DEBUGCTL, 0);
	}
	vmcs_write32(GUEST_ACTIVITY_STATE, GUEST_ACTIVITY_ACTIVE);
	vmx_assign_interruptibility(to_vmx(vcpu), ~0U, 0);
	vmcs_writel(GUEST_PENDING_DBG_EXCEPTIONS, 0);
}

void kvm_x86_vcpu_reset(struct kvm_vcpu *vcpu, bool init_event)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);

	vmx->soft_nmi_blocked = false;
	vmx->soft_nmi_window = false;
	vmx->immediate_exit = false;
	vmx->shadow_check = false;
	vmx->event_insn_len = 0;
	if (vmx->pi)
		vmx_drop_posted(vmx);

	preempt_disable();
	if (!vmx->vmcs_ready) {
		init_constant_controls(vmx);
		init_constant_host_state(vmx);
		vmx->vmcs_ready = true;
	}
	init_controls(vmx);
	preempt_enable();
	init_guest_state(vcpu, init_event);
}

int kvm_x86_vcpu_create(struct kvm_vcpu *vcpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);
	int ret;

	ret = vmx_msr_vcpu_create(vmx);
	if (ret)
		return ret;
	ret = vmx_apicv_vcpu_create(vmx);
	if (ret)
		goto msr;
	ret = vmx_pml_vcpu_create(vmx);
	if (ret)
		goto apicv;
	ret = loaded_vmcs_init(&vmx->lv);
	if (ret)
		goto pml;
	vmx->vpid = vmx_vpid_alloc();
	vmx->sw.regs = vcpu->regs;
	vmx->sw.in_guest = &vcpu->in_guest;
	vmx->exit_reason = VMX_EXIT_NONE;
	vcpu->cr0_guest_owned_bits = VMX_GUEST_CR0_BITS;
	vcpu->cr4_guest_owned_bits = VMX_GUEST_CR4_BITS;
	return 0;
pml:
	vmx_pml_vcpu_free(vmx);
apicv:
	vmx_apicv_vcpu_free(vmx);
msr:
	vmx_msr_vcpu_free(vmx);
	return ret;
}

void kvm_x86_vcpu_free(struct kvm_vcpu *vcpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);

	loaded_vmcs_free(&vmx->lv);
	vmx_vpid_free(vmx->vpid);
	vmx_pml_vcpu_free(vmx);
	vmx_apicv_vcpu_free(vmx);
	vmx_msr_vcpu_free(vmx);
}

/* Host fields that belong to the CPU rather than to the thread. */
static void load_host_cpu_state(int cpu)
{
	vmcs_writel(HOST_TR_BASE, (unsigned long)&get_cpu_entry_area(cpu)->tss.x86_tss);
	vmcs_writel(HOST_GDTR_BASE, (unsigned long)get_cpu_gdt_ro(cpu));
	vmcs_writel(HOST_GS_BASE, native_read_msr(MSR_GS_BASE));
	vmcs_writel(HOST_IA32_SYSENTER_ESP, native_read_msr(MSR_IA32_SYSENTER_ESP));
}

void kvm_x86_vcpu_load(struct kvm_vcpu *vcpu, int cpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);

	loaded_vmcs_make_current(&vmx->lv, cpu);
	if (vcpu->cpu != cpu) {
		load_host_cpu_state(cpu);
		vmx_flush_after_migration(vmx);
	}
	/* Userspace or another thread has had this CPU. */
	vmx->l1d_dirty = true;
}

void kvm_x86_save_host_state(struct kvm_vcpu *vcpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);

	/* The thread's FS, GS and KERNEL_GS base as its next return to user wants them. */
	current_save_fsgs();
	vmx->host_fs_sel = current->thread.fsindex;
	vmx->host_gs_sel = current->thread.gsindex;
	savesegment(ds, vmx->host_ds_sel);
	savesegment(es, vmx->host_es_sel);
	/* Without FSGSBASE the kernel keeps no base beside a selector, as a 32-bit thread has. */
	vmx->host_kernel_gs_base = cpu_feature_enabled(X86_FEATURE_FSGSBASE) ?
		current->thread.gsbase : native_read_msr(MSR_KERNEL_GS_BASE);

	if (vmx->host_fs_base != current->thread.fsbase) {
		vmx->host_fs_base = current->thread.fsbase;
		vmcs_writel(HOST_FS_BASE, vmx->host_fs_base);
	}
	native_wrmsrl(MSR_KERNEL_GS_BASE, vmx->guest_kernel_gs_base);
}

void kvm_x86_restore_host_state(struct kvm_vcpu *vcpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);
	unsigned long flags;

	vmx->guest_kernel_gs_base = native_read_msr(MSR_KERNEL_GS_BASE);

	if (vmx->host_gs_sel) {
		/* Loading GS changes its base to the user's until SWAPGS is undone. */
		local_irq_save(flags);
		asm_load_gs_index(vmx->host_gs_sel);
		local_irq_restore(flags);
	}
	if (vmx->host_fs_sel)
		loadsegment(fs, vmx->host_fs_sel);
	if (vmx->host_ds_sel | vmx->host_es_sel) {
		loadsegment(ds, vmx->host_ds_sel);
		loadsegment(es, vmx->host_es_sel);
	}
	/* An exit leaves limits that are too small (TSS) or too large (GDT). */
	invalidate_tss_limit();
	load_fixmap_gdt(raw_smp_processor_id());
	native_wrmsrl(MSR_KERNEL_GS_BASE, vmx->host_kernel_gs_base);
}

void kvm_x86_set_pause_window(struct kvm_vcpu *vcpu, u32 window)
{
	if (vmx_caps.cpu2 & SECONDARY_EXEC_PAUSE_LOOP_EXITING)
		vmcs_write32(PLE_WINDOW, window);
}

void kvm_x86_vcpu_after_set_cpuid(struct kvm_vcpu *vcpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);
	unsigned long cr4;
	u32 ctl;

	/* Bits the guest must not set have to exit to be refused. Read first: by the old ones. */
	cr4 = kvm_read_cr4(vcpu);
	vcpu->cr4_guest_owned_bits = VMX_GUEST_CR4_BITS & ~vcpu->cr4_guest_rsvd_bits;
	kvm_install_cr4(vcpu, cr4);
	ctl = cpu2_controls(vmx);
	if (vmx->ctl_cpu2 != ctl) {
		vmx->ctl_cpu2 = ctl;
		vmcs_write32(SECONDARY_VM_EXEC_CONTROL, ctl);
	}
}

void kvm_x86_set_exception_bitmap(struct kvm_vcpu *vcpu, u32 bitmap)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);

	if (vmx->exception_bitmap != bitmap) {
		vmx->exception_bitmap = bitmap;
		vmcs_write32(EXCEPTION_BITMAP, bitmap);
	}
}
