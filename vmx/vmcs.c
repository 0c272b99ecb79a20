// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which VMCS is active and current on which CPU, failures of VMX instructions
 * put into words, the dump. Not for what is in a VMCS: that is vcpu.c and the
 * files of each subject.
 */
#define pr_fmt(fmt) "vmx: " fmt

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/smp.h>

#include "core/main.h"
#include "vmx/vmx.h"

/* Active VMCSs of this CPU; changed with irqs off on the CPU itself. */
static DEFINE_PER_CPU(struct list_head, active_vmcss);
static DEFINE_PER_CPU(struct vmcs *, current_vmcs);

/* Source: Intel SDM volume 3, "VM Instruction Error Numbers". */
static const char * const insn_errors[] = {
	[1] = "VMCALL in root operation",
	[2] = "VMCLEAR of an invalid address",
	[3] = "VMCLEAR of the VMXON region",
	[4] = "VMLAUNCH of a VMCS that is not clear",
	[5] = "VMRESUME of a VMCS that is not launched",
	[6] = "VMRESUME after VMXOFF",
	[7] = "entry with invalid controls",
	[8] = "entry with invalid host state",
	[9] = "VMPTRLD of an invalid address",
	[10] = "VMPTRLD of the VMXON region",
	[11] = "VMPTRLD of another revision",
	[12] = "VMREAD or VMWRITE of an unsupported field",
	[13] = "VMWRITE of a read-only field",
	[15] = "VMXON in root operation",
	[26] = "entry with events blocked by MOV SS",
	[28] = "invalid operand of INVEPT or INVVPID",
};

const char *vmx_instruction_error_name(u32 error)
{
	if (error < ARRAY_SIZE(insn_errors) && insn_errors[error])
		return insn_errors[error];
	return "unknown error";
}

/**
 * vmx_insn_failed() - report a VMX instruction that refused
 * @insn: its name
 * @what: field or operand
 *
 * Any context. Silent while the host reboots: VMX is switched off under the
 * feet of running code then.
 */
noinstr void vmx_insn_failed(const char *insn, unsigned long what)
{
	unsigned long error = 0;

	instrumentation_begin();
	if (!READ_ONCE(kvm_rebooting)) {
		asm volatile("1:	vmread %[field], %[error]\n"
			     "2:\n"
			     _ASM_EXTABLE(1b, 2b)
			     : [error] "+r" (error)
			     : [field] "r" ((unsigned long)VM_INSTRUCTION_ERROR) : "cc");
		pr_warn_ratelimited("%s %lx failed: %s (%lu)\n", insn, what,
				    vmx_instruction_error_name(error), error);
	}
	instrumentation_end();
}

struct vmcs *vmcs_alloc(int node, gfp_t gfp)
{
	struct page *page = alloc_pages_node(node, gfp | __GFP_ZERO, 0);
	struct vmcs *vmcs;

	if (!page)
		return NULL;
	vmcs = page_address(page);
	vmcs->revision = vmx_basic_vmcs_revision_id(vmx_caps.basic);
	return vmcs;
}

void vmcs_free(struct vmcs *vmcs)
{
	free_page((unsigned long)vmcs);
}

int loaded_vmcs_init(struct loaded_vmcs *lv)
{
	lv->vmcs = vmcs_alloc(NUMA_NO_NODE, GFP_KERNEL_ACCOUNT);
	if (!lv->vmcs)
		return -ENOMEM;
	/*
	 * What a VMCS is like before its first VMCLEAR is the CPU's secret, the
	 * launch state included. Any CPU will do: VMX is on where tasks run.
	 */
	if (!vmx_vmclear(__pa(lv->vmcs))) {
		vmx_insn_failed("VMCLEAR", __pa(lv->vmcs));
		vmcs_free(lv->vmcs);
		lv->vmcs = NULL;
		return -EIO;
	}
	lv->cpu = -1;
	lv->launched = false;
	INIT_LIST_HEAD(&lv->link);
	return 0;
}

void vmcs_cpu_init(int cpu)
{
	INIT_LIST_HEAD(&per_cpu(active_vmcss, cpu));
	per_cpu(current_vmcs, cpu) = NULL;
}

/* Irqs off. Write the VMCS back to memory and forget where it was. */
static void vmcs_clear_here(struct loaded_vmcs *lv)
{
	if (!vmx_vmclear(__pa(lv->vmcs)))
		vmx_insn_failed("VMCLEAR", __pa(lv->vmcs));
	if (this_cpu_read(current_vmcs) == lv->vmcs)
		this_cpu_write(current_vmcs, NULL);
	list_del(&lv->link);
	lv->launched = false;
	/*
	 * Off the list and clear before the next owner may see -1 and put it
	 * on another CPU's list; pairs with loaded_vmcs_make_current().
	 */
	smp_store_release(&lv->cpu, -1);
}

static void vmcs_clear_ipi(void *arg)
{
	struct loaded_vmcs *lv = arg;

	/* The CPU may have gone down and come back with the VMCS cleared. */
	if (lv->cpu == raw_smp_processor_id())
		vmcs_clear_here(lv);
}

/* Make the VMCS active nowhere. Context: irqs on. */
void loaded_vmcs_clear(struct loaded_vmcs *lv)
{
	int cpu = READ_ONCE(lv->cpu);

	/* A CPU that goes offline clears its own; the call fails then. */
	if (cpu >= 0)
		smp_call_function_single(cpu, vmcs_clear_ipi, lv, 1);
}

void loaded_vmcs_free(struct loaded_vmcs *lv)
{
	if (!lv->vmcs)
		return;
	loaded_vmcs_clear(lv);
	vmcs_free(lv->vmcs);
	lv->vmcs = NULL;
}

/**
 * loaded_vmcs_make_current() - VMREAD and VMWRITE shall mean this VMCS
 * @lv: the VMCS
 * @cpu: this CPU
 *
 * Context: preemption off, irqs on.
 */
void loaded_vmcs_make_current(struct loaded_vmcs *lv, int cpu)
{
	/* Pairs with vmcs_clear_here(): -1 is seen after the list is left. */
	if (smp_load_acquire(&lv->cpu) != cpu) {
		loaded_vmcs_clear(lv);
		local_irq_disable();
		list_add(&lv->link, &per_cpu(active_vmcss, cpu));
		lv->cpu = cpu;
		local_irq_enable();
	}
	if (per_cpu(current_vmcs, cpu) == lv->vmcs)
		return;
	per_cpu(current_vmcs, cpu) = lv->vmcs;
	if (!vmx_vmptrld(__pa(lv->vmcs)))
		vmx_insn_failed("VMPTRLD", __pa(lv->vmcs));
}

/* Before VMXOFF: nothing of a VMCS may stay in this CPU. Irqs off. */
void vmcs_clear_this_cpu(void)
{
	struct loaded_vmcs *lv, *next;

	list_for_each_entry_safe(lv, next, this_cpu_ptr(&active_vmcss), link)
		vmcs_clear_here(lv);
}

/*
 * The same from NMI-like context, perhaps in the middle of list_add() or
 * list_del(): change nothing but hardware. Both leave forward links usable.
 */
void vmcs_emergency_clear_this_cpu(void)
{
	struct list_head *head = this_cpu_ptr(&active_vmcss);
	struct loaded_vmcs *lv;

	if (!head->next)
		return;
	list_for_each_entry(lv, head, link)
		vmx_vmclear(__pa(lv->vmcs));
}

/* Fields worth seeing when an entry fails, in groups of one line each. */
static const struct {
	const char *name;
	u16 field;
} dump_fields[] = {
	/* First: asking for a field that is not there overwrites it. */
	{ "instruction error", VM_INSTRUCTION_ERROR },
	{ "CR0", GUEST_CR0 }, { "CR0.shadow", CR0_READ_SHADOW },
	{ "CR0.mask", CR0_GUEST_HOST_MASK }, { "CR3", GUEST_CR3 },
	{ "CR4", GUEST_CR4 }, { "CR4.shadow", CR4_READ_SHADOW },
	{ "CR4.mask", CR4_GUEST_HOST_MASK }, { "EFER", GUEST_IA32_EFER },
	{ "PAT", GUEST_IA32_PAT }, { "DEBUGCTL", GUEST_IA32_DEBUGCTL },
	{ "RSP", GUEST_RSP }, { "RIP", GUEST_RIP },
	{ "RFLAGS", GUEST_RFLAGS }, { "DR7", GUEST_DR7 },
	{ "ES.sel", GUEST_ES_SELECTOR }, { "ES.base", GUEST_ES_BASE },
	{ "ES.limit", GUEST_ES_LIMIT }, { "ES.ar", GUEST_ES_AR_BYTES },
	{ "CS.sel", GUEST_CS_SELECTOR }, { "CS.base", GUEST_CS_BASE },
	{ "CS.limit", GUEST_CS_LIMIT }, { "CS.ar", GUEST_CS_AR_BYTES },
	{ "SS.sel", GUEST_SS_SELECTOR }, { "SS.base", GUEST_SS_BASE },
	{ "SS.limit", GUEST_SS_LIMIT }, { "SS.ar", GUEST_SS_AR_BYTES },
	{ "DS.sel", GUEST_DS_SELECTOR }, { "DS.base", GUEST_DS_BASE },
	{ "DS.limit", GUEST_DS_LIMIT }, { "DS.ar", GUEST_DS_AR_BYTES },
	{ "FS.sel", GUEST_FS_SELECTOR }, { "FS.base", GUEST_FS_BASE },
	{ "FS.limit", GUEST_FS_LIMIT }, { "FS.ar", GUEST_FS_AR_BYTES },
	{ "GS.sel", GUEST_GS_SELECTOR }, { "GS.base", GUEST_GS_BASE },
	{ "GS.limit", GUEST_GS_LIMIT }, { "GS.ar", GUEST_GS_AR_BYTES },
	{ "TR.sel", GUEST_TR_SELECTOR }, { "TR.base", GUEST_TR_BASE },
	{ "TR.limit", GUEST_TR_LIMIT }, { "TR.ar", GUEST_TR_AR_BYTES },
	{ "LDTR.sel", GUEST_LDTR_SELECTOR }, { "LDTR.base", GUEST_LDTR_BASE },
	{ "LDTR.limit", GUEST_LDTR_LIMIT }, { "LDTR.ar", GUEST_LDTR_AR_BYTES },
	{ "GDTR.base", GUEST_GDTR_BASE }, { "GDTR.limit", GUEST_GDTR_LIMIT },
	{ "IDTR.base", GUEST_IDTR_BASE }, { "IDTR.limit", GUEST_IDTR_LIMIT },
	{ "PDPTE0", GUEST_PDPTR0 }, { "PDPTE1", GUEST_PDPTR1 },
	{ "PDPTE2", GUEST_PDPTR2 }, { "PDPTE3", GUEST_PDPTR3 },
	{ "SYSENTER_CS", GUEST_SYSENTER_CS }, { "SYSENTER_ESP", GUEST_SYSENTER_ESP },
	{ "SYSENTER_EIP", GUEST_SYSENTER_EIP },
	{ "interruptibility", GUEST_INTERRUPTIBILITY_INFO },
	{ "activity", GUEST_ACTIVITY_STATE },
	{ "pending debug", GUEST_PENDING_DBG_EXCEPTIONS },
	{ "link", VMCS_LINK_POINTER },
	{ "host CR0", HOST_CR0 }, { "host CR3", HOST_CR3 },
	{ "host CR4", HOST_CR4 }, { "host EFER", HOST_IA32_EFER },
	{ "host PAT", HOST_IA32_PAT }, { "host RSP", HOST_RSP },
	{ "host RIP", HOST_RIP }, { "host TR.base", HOST_TR_BASE },
	{ "host GDTR.base", HOST_GDTR_BASE }, { "host IDTR.base", HOST_IDTR_BASE },
	{ "host FS.base", HOST_FS_BASE }, { "host GS.base", HOST_GS_BASE },
	{ "host CS", HOST_CS_SELECTOR }, { "host SS", HOST_SS_SELECTOR },
	{ "host DS", HOST_DS_SELECTOR }, { "host ES", HOST_ES_SELECTOR },
	{ "host FS", HOST_FS_SELECTOR }, { "host GS", HOST_GS_SELECTOR },
	{ "host TR", HOST_TR_SELECTOR }, { "host SYSENTER_CS", HOST_IA32_SYSENTER_CS },
	{ "host SYSENTER_ESP", HOST_IA32_SYSENTER_ESP },
	{ "host SYSENTER_EIP", HOST_IA32_SYSENTER_EIP },
	{ "pin controls", PIN_BASED_VM_EXEC_CONTROL },
	{ "CPU controls", CPU_BASED_VM_EXEC_CONTROL },
	{ "secondary controls", SECONDARY_VM_EXEC_CONTROL },
	{ "entry controls", VM_ENTRY_CONTROLS },
	{ "exit controls", VM_EXIT_CONTROLS },
	{ "exceptions", EXCEPTION_BITMAP },
	{ "entry event", VM_ENTRY_INTR_INFO_FIELD },
	{ "entry error code", VM_ENTRY_EXCEPTION_ERROR_CODE },
	{ "entry length", VM_ENTRY_INSTRUCTION_LEN },
	{ "exit reason", VM_EXIT_REASON },
	{ "qualification", EXIT_QUALIFICATION },
	{ "exit event", VM_EXIT_INTR_INFO },
	{ "exit error code", VM_EXIT_INTR_ERROR_CODE },
	{ "exit length", VM_EXIT_INSTRUCTION_LEN },
	{ "vectoring event", IDT_VECTORING_INFO_FIELD },
	{ "vectoring error code", IDT_VECTORING_ERROR_CODE },
	{ "TSC offset", TSC_OFFSET }, { "EPTP", EPT_POINTER },
	{ "VPID", VIRTUAL_PROCESSOR_ID }, { "TPR threshold", TPR_THRESHOLD },
	{ "interrupt status", GUEST_INTR_STATUS },
	{ "MSR loads at entry", VM_ENTRY_MSR_LOAD_COUNT },
	{ "MSR loads at exit", VM_EXIT_MSR_LOAD_COUNT },
	{ "MSR stores at exit", VM_EXIT_MSR_STORE_COUNT },
};

/* Not all CPUs have all of them, and that is no failure here. */
static bool field_exists(unsigned long field, unsigned long *value)
{
	bool ok;

	asm volatile("	stc\n"
		     "1:	vmread %[field], %[value]\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : "=@cca" (ok), [value] "=r" (*value) : [field] "r" (field));
	return ok;
}

/* Print the current VMCS, four fields a line. Preemption off. */
void vmcs_dump(void)
{
	char line[200];
	unsigned int i, n = 0;
	unsigned long value;

	for (i = 0; i < ARRAY_SIZE(dump_fields); i++) {
		if (field_exists(dump_fields[i].field, &value))
			n += scnprintf(line + n, sizeof(line) - n, "  %s=%lx", dump_fields[i].name,
				       value);
		if (n && (i % 4 == 3 || i == ARRAY_SIZE(dump_fields) - 1)) {
			pr_err("VMCS%s\n", line);
			n = 0;
		}
	}
}
