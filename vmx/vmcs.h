/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Access to fields of the current VMCS, and the VMX instructions. The width of
 * a field is in its encoding, so a read of the wrong width does not compile.
 * Which VMCS is current is vmcs.c's business.
 */
#ifndef MONOVISOR_VMX_VMCS_H
#define MONOVISOR_VMX_VMCS_H

#include <linux/build_bug.h>
#include <linux/list.h>
#include <linux/types.h>
#include <asm/asm.h>
#include <asm/vmx.h>

/* Bits 14:13 of an encoding. Source: Intel SDM volume 3, "Field Encoding in VMCS". */
enum vmcs_width {
	VMCS_WIDTH_16,
	VMCS_WIDTH_64,
	VMCS_WIDTH_32,
	VMCS_WIDTH_NATURAL,
};

static __always_inline enum vmcs_width vmcs_field_width(unsigned long field)
{
	return (field >> 13) & 3;
}

/* Compiles to nothing, or not at all. */
static __always_inline void vmcs_assert_width(unsigned long field, enum vmcs_width width)
{
	BUILD_BUG_ON_MSG(__builtin_constant_p(field) && vmcs_field_width(field) != width,
			 "VMCS field has another width");
	BUILD_BUG_ON_MSG(__builtin_constant_p(field) && (field & 1),
			 "VMCS field is the high half of another");
}

/* What the hardware calls a VMCS; only the head is software's. */
struct vmcs {
	u32 revision;
	u32 abort;
	u8 data[];
};

/**
 * struct loaded_vmcs - a VMCS and where it is
 * @vmcs: the region
 * @cpu: CPU on which it is active, or -1; it may be current on no other
 * @launched: VMRESUME rather than VMLAUNCH
 * @link: in that CPU's list of active VMCSs
 *
 * Changed with irqs off on @cpu, or by the owner while @cpu is -1.
 */
struct loaded_vmcs {
	struct vmcs *vmcs;
	int cpu;
	bool launched;
	struct list_head link;
};

struct vmcs *vmcs_alloc(int node, gfp_t gfp);
void vmcs_free(struct vmcs *vmcs);
int loaded_vmcs_init(struct loaded_vmcs *lv);
void loaded_vmcs_free(struct loaded_vmcs *lv);
void loaded_vmcs_clear(struct loaded_vmcs *lv);
void loaded_vmcs_make_current(struct loaded_vmcs *lv, int cpu);
void vmcs_cpu_init(int cpu);
void vmcs_clear_this_cpu(void);
void vmcs_emergency_clear_this_cpu(void);
void vmcs_dump(void);
const char *vmx_instruction_error_name(u32 error);
void vmx_insn_failed(const char *insn, unsigned long what);

/*
 * "above" is false after VMfailInvalid (carry) and VMfailValid (zero). A fault
 * (VMX was switched off by a reboot under way) continues behind the
 * instruction; what it reads is 0.
 */
static __always_inline unsigned long __vmcs_read(unsigned long field)
{
	unsigned long value = 0;
	bool ok;

	asm volatile("1:	vmread %[field], %[value]\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : "=@cca" (ok), [value] "+r" (value)
		     : [field] "r" (field));
	if (unlikely(!ok))
		vmx_insn_failed("VMREAD", field);
	return value;
}

static __always_inline void __vmcs_write(unsigned long field, unsigned long value)
{
	bool ok;

	asm volatile("1:	vmwrite %[value], %[field]\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : "=@cca" (ok)
		     : [value] "rm" (value), [field] "r" (field));
	if (unlikely(!ok))
		vmx_insn_failed("VMWRITE", field);
}

/* vmcs_read16(), vmcs_write16() and so on: for fields of that width alone. */
#define VMCS_ACCESSORS(suffix, type, width)						\
static __always_inline type vmcs_read##suffix(unsigned long field)			\
{											\
	vmcs_assert_width(field, width);						\
	return __vmcs_read(field);							\
}											\
											\
static __always_inline void vmcs_write##suffix(unsigned long field, type value)	\
{											\
	vmcs_assert_width(field, width);						\
	__vmcs_write(field, value);							\
}

VMCS_ACCESSORS(16, u16, VMCS_WIDTH_16)
VMCS_ACCESSORS(32, u32, VMCS_WIDTH_32)
VMCS_ACCESSORS(64, u64, VMCS_WIDTH_64)
VMCS_ACCESSORS(l, unsigned long, VMCS_WIDTH_NATURAL)

#undef VMCS_ACCESSORS

/* False: VMfail, or a fault, for which carry is set in advance. */
#define VMX_INSN_OF_ADDRESS(insn)							\
static __always_inline bool vmx_##insn(u64 phys)					\
{											\
	bool ok;									\
											\
	asm volatile("	stc\n"								\
		     "1:	" #insn " %[phys]\n"						\
		     "2:\n"								\
		     _ASM_EXTABLE(1b, 2b)						\
		     : "=@cca" (ok) : [phys] "m" (phys) : "memory");			\
	return ok;									\
}

VMX_INSN_OF_ADDRESS(vmxon)
VMX_INSN_OF_ADDRESS(vmclear)
VMX_INSN_OF_ADDRESS(vmptrld)

#undef VMX_INSN_OF_ADDRESS

static __always_inline void vmx_vmxoff(void)
{
	asm volatile("1:	vmxoff\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b) : : : "cc", "memory");
}

/* The operand of both: what to drop, and zero or a linear address. */
#define VMX_INSN_OF_EXTENT(insn)							\
static __always_inline bool vmx_##insn(u64 extent, u64 what, u64 gva)			\
{											\
	const struct { u64 what, gva; } operand = { what, gva };			\
	bool ok;									\
											\
	asm volatile("	stc\n"								\
		     "1:	" #insn " %[operand], %[extent]\n"				\
		     "2:\n"								\
		     _ASM_EXTABLE(1b, 2b)						\
		     : "=@cca" (ok) : [operand] "m" (operand), [extent] "r" (extent)	\
		     : "memory");							\
	return ok;									\
}

VMX_INSN_OF_EXTENT(invept)
VMX_INSN_OF_EXTENT(invvpid)

#undef VMX_INSN_OF_EXTENT

#endif /* MONOVISOR_VMX_VMCS_H */
