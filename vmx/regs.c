// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest registers that live in the VMCS: segments, descriptor tables, control
 * and debug registers, RFLAGS. Whether a value is legal has been decided by
 * core; here is only how VMX keeps it.
 *
 * Source: Intel SDM volume 3, "Guest Register State".
 */
#include <linux/srcu.h>

#include "core/cr.h"
#include "core/debug.h"
#include "core/memslot.h"
#include "core/regs.h"
#include "vmx/vmx.h"

/* Segment access rights in the VMCS. */
#define AR_TYPE		GENMASK(3, 0)
#define AR_S_BIT		BIT(4)
#define AR_DPL_SHIFT	5
#define AR_P_BIT		BIT(7)
#define AR_AVL_BIT		BIT(12)
#define AR_L_BIT		BIT(13)
#define AR_DB_BIT		BIT(14)
#define AR_G_BIT		BIT(15)
#define AR_UNUSABLE	BIT(16)

#define TYPE_ACCESSED	1
#define TYPE_BUSY_TSS16	3
#define TYPE_BUSY_TSS	11

/* The fields of a segment, in the order of enum kvm_sreg. */
#define SEG(name) { GUEST_##name##_SELECTOR, GUEST_##name##_BASE,	\
		    GUEST_##name##_LIMIT, GUEST_##name##_AR_BYTES }
static const struct {
	u16 selector;
	u16 base;
	u16 limit;
	u16 ar;
} seg_fields[NR_VCPU_SREGS] = {
	[VCPU_SREG_ES] = SEG(ES), [VCPU_SREG_CS] = SEG(CS),
	[VCPU_SREG_SS] = SEG(SS), [VCPU_SREG_DS] = SEG(DS),
	[VCPU_SREG_FS] = SEG(FS), [VCPU_SREG_GS] = SEG(GS),
	[VCPU_SREG_TR] = SEG(TR), [VCPU_SREG_LDTR] = SEG(LDTR),
};

void kvm_x86_cache_reg(struct kvm_vcpu *vcpu, int reg)
{
	unsigned long owned;

	switch (reg) {
	case VCPU_REGS_RSP:
		vcpu->regs[VCPU_REGS_RSP] = vmcs_readl(GUEST_RSP);
		break;
	case VCPU_REGS_RIP:
		vcpu->regs[VCPU_REGS_RIP] = vmcs_readl(GUEST_RIP);
		break;
	case VCPU_EXREG_CR0:
		owned = vcpu->cr0_guest_owned_bits;
		vcpu->cr0 = (vcpu->cr0 & ~owned) | (vmcs_readl(GUEST_CR0) & owned);
		break;
	case VCPU_EXREG_CR3:
		vcpu->cr3 = vmcs_readl(GUEST_CR3);
		break;
	case VCPU_EXREG_CR4:
		owned = vcpu->cr4_guest_owned_bits;
		vcpu->cr4 = (vcpu->cr4 & ~owned) | (vmcs_readl(GUEST_CR4) & owned);
		break;
	}
	kvm_register_mark_available(vcpu, reg);
}

unsigned long kvm_x86_get_rflags(struct kvm_vcpu *vcpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);

	if (!kvm_register_is_available(vcpu, VCPU_EXREG_RFLAGS)) {
		vmx->rflags = vmcs_readl(GUEST_RFLAGS);
		kvm_register_mark_available(vcpu, VCPU_EXREG_RFLAGS);
	}
	return vmx->rflags;
}

void kvm_x86_set_rflags(struct kvm_vcpu *vcpu, unsigned long rflags)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);

	vmx->rflags = rflags;
	kvm_register_mark_available(vcpu, VCPU_EXREG_RFLAGS);
	vmcs_writel(GUEST_RFLAGS, rflags);
	vmx->shadow_check = true;
}

bool kvm_x86_get_if_flag(struct kvm_vcpu *vcpu)
{
	return kvm_x86_get_rflags(vcpu) & X86_EFLAGS_IF;
}

/* Segments are looked at in parts: CPL, mode and base are asked far more often than the rest. */
static bool seg_cached(struct vcpu_vmx *vmx, int seg, enum vmx_seg_field field)
{
	u32 bit = BIT(seg * VMX_NR_SEG_FIELDS + field);
	bool cached = vmx->seg_avail & bit;

	vmx->seg_avail |= bit;
	return cached;
}

static u16 seg_selector(struct vcpu_vmx *vmx, int seg)
{
	if (!seg_cached(vmx, seg, VMX_SEG_SELECTOR))
		vmx->seg[seg].selector = __vmcs_read(seg_fields[seg].selector);
	return vmx->seg[seg].selector;
}

static unsigned long seg_base(struct vcpu_vmx *vmx, int seg)
{
	if (!seg_cached(vmx, seg, VMX_SEG_BASE))
		vmx->seg[seg].base = __vmcs_read(seg_fields[seg].base);
	return vmx->seg[seg].base;
}

static u32 seg_limit(struct vcpu_vmx *vmx, int seg)
{
	if (!seg_cached(vmx, seg, VMX_SEG_LIMIT))
		vmx->seg[seg].limit = __vmcs_read(seg_fields[seg].limit);
	return vmx->seg[seg].limit;
}

static u32 seg_ar(struct vcpu_vmx *vmx, int seg)
{
	if (!seg_cached(vmx, seg, VMX_SEG_AR))
		vmx->seg[seg].ar = __vmcs_read(seg_fields[seg].ar);
	return vmx->seg[seg].ar;
}

void kvm_x86_get_segment(struct kvm_vcpu *vcpu, struct kvm_segment *var, int seg)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);
	u32 ar = seg_ar(vmx, seg);

	*var = (struct kvm_segment) {
		.base = seg_base(vmx, seg),
		.limit = seg_limit(vmx, seg),
		.selector = seg_selector(vmx, seg),
		.type = ar & AR_TYPE,
		.s = !!(ar & AR_S_BIT),
		.dpl = ar >> AR_DPL_SHIFT & 3,
		.present = !!(ar & AR_P_BIT),
		.avl = !!(ar & AR_AVL_BIT),
		.l = !!(ar & AR_L_BIT),
		.db = !!(ar & AR_DB_BIT),
		.g = !!(ar & AR_G_BIT),
		.unusable = !!(ar & AR_UNUSABLE),
	};
}

/*
 * The CPU marks a segment accessed when it loads it, and entry insists on it;
 * userspace that builds descriptors by hand may not know. A null selector's
 * attributes are kept beside "unusable", which makes hardware ignore them.
 */
static u32 segment_to_ar(const struct kvm_segment *var)
{
	bool unusable = var->unusable || !var->present;
	u32 type = var->type & AR_TYPE;

	if (!unusable && var->s)
		type |= TYPE_ACCESSED;
	return type | (var->dpl & 3) << AR_DPL_SHIFT |
	       (var->s ? AR_S_BIT : 0) | (var->present ? AR_P_BIT : 0) |
	       (var->avl ? AR_AVL_BIT : 0) | (var->l ? AR_L_BIT : 0) |
	       (var->db ? AR_DB_BIT : 0) | (var->g ? AR_G_BIT : 0) |
	       (unusable ? AR_UNUSABLE : 0);
}

void kvm_x86_set_segment(struct kvm_vcpu *vcpu, const struct kvm_segment *var, int seg)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);
	u32 all = GENMASK(VMX_NR_SEG_FIELDS - 1, 0) << (seg * VMX_NR_SEG_FIELDS);

	vmx->seg[seg].selector = var->selector;
	vmx->seg[seg].base = var->base;
	vmx->seg[seg].limit = var->limit;
	vmx->seg[seg].ar = segment_to_ar(var);
	vmx->seg_avail |= all;

	__vmcs_write(seg_fields[seg].selector, vmx->seg[seg].selector);
	__vmcs_write(seg_fields[seg].base, vmx->seg[seg].base);
	__vmcs_write(seg_fields[seg].limit, vmx->seg[seg].limit);
	__vmcs_write(seg_fields[seg].ar, vmx->seg[seg].ar);
}

u64 kvm_x86_get_segment_base(struct kvm_vcpu *vcpu, int seg)
{
	return seg_base(to_vmx(vcpu), seg);
}

/* The CPU keeps CPL in SS.DPL, also in virtual-8086 mode. */
int kvm_x86_get_cpl(struct kvm_vcpu *vcpu)
{
	if (!is_protmode(vcpu))
		return 0;
	return seg_ar(to_vmx(vcpu), VCPU_SREG_SS) >> AR_DPL_SHIFT & 3;
}

bool kvm_x86_guest_in_kernel(struct kvm_vcpu *vcpu)
{
	return !(vmcs_read32(GUEST_SS_AR_BYTES) >> AR_DPL_SHIFT & 3);
}

void kvm_x86_get_cs_db_l_bits(struct kvm_vcpu *vcpu, int *db, int *l)
{
	u32 ar = seg_ar(to_vmx(vcpu), VCPU_SREG_CS);

	*db = !!(ar & AR_DB_BIT);
	*l = !!(ar & AR_L_BIT);
}

void kvm_x86_get_idt(struct kvm_vcpu *vcpu, struct kvm_dtable *dt)
{
	dt->base = vmcs_readl(GUEST_IDTR_BASE);
	dt->limit = vmcs_read32(GUEST_IDTR_LIMIT);
}

void kvm_x86_set_idt(struct kvm_vcpu *vcpu, const struct kvm_dtable *dt)
{
	vmcs_writel(GUEST_IDTR_BASE, dt->base);
	vmcs_write32(GUEST_IDTR_LIMIT, dt->limit);
}

void kvm_x86_get_gdt(struct kvm_vcpu *vcpu, struct kvm_dtable *dt)
{
	dt->base = vmcs_readl(GUEST_GDTR_BASE);
	dt->limit = vmcs_read32(GUEST_GDTR_LIMIT);
}

void kvm_x86_set_gdt(struct kvm_vcpu *vcpu, const struct kvm_dtable *dt)
{
	vmcs_writel(GUEST_GDTR_BASE, dt->base);
	vmcs_write32(GUEST_GDTR_LIMIT, dt->limit);
}

/* Long mode knows one kind of TSS; entry fails with a 16-bit one in TR. */
static void fix_tr_for_long_mode(struct kvm_vcpu *vcpu)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);
	u32 ar = seg_ar(vmx, VCPU_SREG_TR);

	if ((ar & AR_TYPE) != TYPE_BUSY_TSS16)
		return;
	vmx->seg[VCPU_SREG_TR].ar = (ar & ~AR_TYPE) | TYPE_BUSY_TSS;
	vmcs_write32(GUEST_TR_AR_BYTES, vmx->seg[VCPU_SREG_TR].ar);
}

/* NE must be 1 in VMX operation. What differs the guest reads from the shadow. */
void kvm_x86_set_cr0(struct kvm_vcpu *vcpu, unsigned long cr0, unsigned long hw)
{
	vmcs_writel(CR0_GUEST_HOST_MASK, ~vcpu->cr0_guest_owned_bits);
	vmcs_writel(CR0_READ_SHADOW, cr0);
	vmcs_writel(GUEST_CR0, hw | X86_CR0_NE);
}

void kvm_x86_set_cr3(struct kvm_vcpu *vcpu, unsigned long cr3)
{
	vmcs_writel(GUEST_CR3, cr3);
}

/* VMXE must be 1 in VMX operation. */
void kvm_x86_set_cr4(struct kvm_vcpu *vcpu, unsigned long cr4, unsigned long hw)
{
	if (vmx_caps.umip_by_exits)
		hw &= ~X86_CR4_UMIP;
	vmcs_writel(CR4_GUEST_HOST_MASK, ~vcpu->cr4_guest_owned_bits);
	vmcs_writel(CR4_READ_SHADOW, cr4);
	vmcs_writel(GUEST_CR4, hw | X86_CR4_VMXE);
	vmx_cpu2_assign(to_vmx(vcpu), SECONDARY_EXEC_DESC, vmx_umip_cpu2(to_vmx(vcpu)));
}

void kvm_x86_set_efer(struct kvm_vcpu *vcpu, u64 efer)
{
	struct vcpu_vmx *vmx = to_vmx(vcpu);

	if (efer & EFER_LMA)
		fix_tr_for_long_mode(vcpu);
	vmcs_write64(GUEST_IA32_EFER, efer);
	vmx_entry_assign(vmx, VM_ENTRY_IA32E_MODE, efer & EFER_LMA);
	kvm_user_return_msrs_changed(vcpu);
}

/*
 * With EPT the CPU takes the PDPTEs from the VMCS, not from memory, unless the
 * guest's own MOV to CR3 reloads them. What cannot be read is not present:
 * the guest takes a page fault as if memory were zero there.
 */
void kvm_x86_load_pdptrs(struct kvm_vcpu *vcpu)
{
	/* Reserved in a PDPTE; set, they would fail the entry rather than the guest. */
	const u64 reserved = 0x1e6 | vcpu->reserved_gpa_bits | GENMASK_ULL(63, 52);
	u64 pdpte[4] = { };
	int i, idx;

	if (!is_paging(vcpu) || !is_pae(vcpu) || is_long_mode(vcpu))
		return;
	/* Guest memory: the host may have to bring the page in. */
	to_vmx(vcpu)->l1d_dirty = true;
	/* Also called for an ioctl, which holds nothing. */
	idx = srcu_read_lock(&vcpu->kvm->srcu);
	if (kvm_read_guest(vcpu->kvm, kvm_read_cr3(vcpu) & 0xffffffe0, pdpte, sizeof(pdpte)))
		memset(pdpte, 0, sizeof(pdpte));
	srcu_read_unlock(&vcpu->kvm->srcu, idx);
	for (i = 0; i < ARRAY_SIZE(pdpte); i++) {
		if (!(pdpte[i] & 1) || pdpte[i] & reserved)
			pdpte[i] = 0;
	}
	kvm_x86_set_pdptrs(vcpu, pdpte);
}

void kvm_x86_set_pdptrs(struct kvm_vcpu *vcpu, const u64 pdptes[4])
{
	vmcs_write64(GUEST_PDPTR0, pdptes[0]);
	vmcs_write64(GUEST_PDPTR1, pdptes[1]);
	vmcs_write64(GUEST_PDPTR2, pdptes[2]);
	vmcs_write64(GUEST_PDPTR3, pdptes[3]);
}

/* An exit stores what the guest's own MOV to CR3 has loaded. */
bool kvm_x86_get_pdptrs(struct kvm_vcpu *vcpu, u64 pdptes[4])
{
	pdptes[0] = vmcs_read64(GUEST_PDPTR0);
	pdptes[1] = vmcs_read64(GUEST_PDPTR1);
	pdptes[2] = vmcs_read64(GUEST_PDPTR2);
	pdptes[3] = vmcs_read64(GUEST_PDPTR3);
	return true;
}

unsigned long kvm_x86_cr4_unsupported(void)
{
	unsigned long supported = vmx_caps.cr4_fixed1;

	if (vmx_caps.umip_by_exits)
		supported |= X86_CR4_UMIP;
	return ~supported;
}

/* Entry and exit leave DR6 alone. */
void kvm_x86_set_dr6(struct kvm_vcpu *vcpu, unsigned long dr6)
{
	native_set_debugreg(6, dr6);
}

void kvm_x86_set_dr7(struct kvm_vcpu *vcpu, unsigned long dr7)
{
	vmcs_writel(GUEST_DR7, dr7);
}

void kvm_x86_intercept_dr(struct kvm_vcpu *vcpu, bool on)
{
	vmx_cpu_assign(to_vmx(vcpu), CPU_BASED_MOV_DR_EXITING, on);
}

/* Where it does, by the monitor trap flag, which shows nowhere. */
bool kvm_x86_steps_guest(struct kvm_vcpu *vcpu)
{
	return false;
}

void kvm_x86_sync_dirty_debug_regs(struct kvm_vcpu *vcpu)
{
	vcpu->dr6 = native_get_debugreg(6);
	vcpu->dr7 = vmcs_readl(GUEST_DR7);
}
