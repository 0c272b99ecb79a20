// SPDX-License-Identifier: GPL-2.0-only
/*
 * The emulator's surroundings on a real vCPU: registers, guest memory, vector
 * registers, and what an instruction does to the processor. Decoding and
 * execution are in emul/; what userspace must do for a device is complete.c's.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/uaccess.h>
#include <asm/debugreg.h>
#include <asm/fpu/api.h>
#include <asm/msr.h>
#include <asm/tsc.h>

#include "core/bus.h"
#include "core/compat.h"
#include "core/cpuid.h"
#include "core/cr.h"
#include "core/debug.h"
#include "core/emul/emul_env.h"
#include "core/event.h"
#include "core/fastpath.h"
#include "core/irq/lapic.h"
#include "core/memslot.h"
#include "core/mmu/mmu.h"
#include "core/msr.h"
#include "core/msr_filter.h"
#include "core/regs.h"
#include "core/request.h"
#include "core/trace.h"
#include "core/tsc.h"
#include "core/vcpu.h"
#include "core/vm.h"
#include "core/xfer.h"
#include "ops/event.h"
#include "ops/mmu.h"
#include "ops/regs.h"
#include "ops/vendor.h"

static_assert((int)EMUL_RDI == (int)VCPU_REGS_RDI && (int)EMUL_R15 == (int)VCPU_REGS_R15);
static_assert((int)EMUL_ES == (int)VCPU_SREG_ES && (int)EMUL_GS == (int)VCPU_SREG_GS);
static_assert((int)EMUL_TR == (int)VCPU_SREG_TR && (int)EMUL_LDTR == (int)VCPU_SREG_LDTR);
static_assert(EMUL_SHADOW_STI == KVM_X86_SHADOW_INT_STI);
static_assert(EMUL_SHADOW_MOV_SS == KVM_X86_SHADOW_INT_MOV_SS);

static struct kvm_vcpu *to_vcpu(struct emul_ctxt *c)
{
	return container_of(c, struct kvm_vcpu, emul);
}

static enum emul_result raise_gp(struct emul_ctxt *c)
{
	c->exception = (struct emul_exception){ .vector = GP_VECTOR, .has_error = true };
	return EMUL_FAULT;
}

bool emul_env_has_feature(struct emul_ctxt *c, enum emul_feature feature)
{
	static const unsigned int x86_feature[] = {
		[EMUL_FEAT_MOVBE] = X86_FEATURE_MOVBE,
		[EMUL_FEAT_MOVDIRI] = X86_FEATURE_MOVDIRI,
		[EMUL_FEAT_POPCNT] = X86_FEATURE_POPCNT,
		[EMUL_FEAT_LZCNT] = X86_FEATURE_ABM,
		[EMUL_FEAT_BMI1] = X86_FEATURE_BMI1,
		[EMUL_FEAT_CX16] = X86_FEATURE_CX16,
		[EMUL_FEAT_CLFLUSH] = X86_FEATURE_CLFLUSH,
		[EMUL_FEAT_RDTSCP] = X86_FEATURE_RDTSCP,
		[EMUL_FEAT_SSE2] = X86_FEATURE_XMM2,
		[EMUL_FEAT_SSE3] = X86_FEATURE_XMM3,
		[EMUL_FEAT_SSE41] = X86_FEATURE_XMM4_1,
		[EMUL_FEAT_AVX] = X86_FEATURE_AVX,
		[EMUL_FEAT_AVX2] = X86_FEATURE_AVX2,
		[EMUL_FEAT_NULL_BASE] = X86_FEATURE_NULL_SEL_CLR_BASE,
	};
	struct kvm_vcpu *vcpu = to_vcpu(c);

	if (feature == EMUL_FEAT_AMD_CPU)
		return VENDOR_AMD_CPU;
	return guest_cpuid_has(vcpu, x86_feature[feature]);
}

u64 emul_env_read_gpr(struct emul_ctxt *c, unsigned int reg)
{
	return kvm_register_read_raw(to_vcpu(c), reg);
}

void emul_env_write_gpr(struct emul_ctxt *c, unsigned int reg, u64 val)
{
	kvm_register_write_raw(to_vcpu(c), reg, val);
}

u64 emul_env_get_rip(struct emul_ctxt *c)
{
	return kvm_rip_read(to_vcpu(c));
}

void emul_env_set_rip(struct emul_ctxt *c, u64 rip)
{
	kvm_rip_write(to_vcpu(c), rip);
}

u64 emul_env_get_rflags(struct emul_ctxt *c)
{
	return kvm_get_rflags(to_vcpu(c));
}

void emul_env_set_rflags(struct emul_ctxt *c, u64 rflags)
{
	kvm_set_rflags(to_vcpu(c), rflags);
}

unsigned int emul_env_get_cpl(struct emul_ctxt *c)
{
	return kvm_x86_get_cpl(to_vcpu(c));
}

void emul_env_get_cs_db_l(struct emul_ctxt *c, bool *db, bool *l)
{
	int cs_db, cs_l;

	kvm_x86_get_cs_db_l_bits(to_vcpu(c), &cs_db, &cs_l);
	*db = cs_db;
	*l = cs_l;
}

void emul_env_get_segment(struct emul_ctxt *c, enum emul_seg seg, struct kvm_segment *var)
{
	kvm_x86_get_segment(to_vcpu(c), var, seg);
}

void emul_env_set_segment(struct emul_ctxt *c, enum emul_seg seg, const struct kvm_segment *var)
{
	kvm_x86_set_segment(to_vcpu(c), var, seg);
}

void emul_env_get_dt(struct emul_ctxt *c, bool idt, struct kvm_dtable *dt)
{
	if (idt)
		kvm_x86_get_idt(to_vcpu(c), dt);
	else
		kvm_x86_get_gdt(to_vcpu(c), dt);
}

void emul_env_set_dt(struct emul_ctxt *c, bool idt, const struct kvm_dtable *dt)
{
	if (idt)
		kvm_x86_set_idt(to_vcpu(c), dt);
	else
		kvm_x86_set_gdt(to_vcpu(c), dt);
}

u64 emul_env_read_cr(struct emul_ctxt *c, unsigned int nr)
{
	struct kvm_vcpu *vcpu = to_vcpu(c);

	switch (nr) {
	case 0:
		return kvm_read_cr0(vcpu);
	case 2:
		return vcpu->cr2;
	case 3:
		return kvm_read_cr3(vcpu);
	case 4:
		return kvm_read_cr4(vcpu);
	default:
		return kvm_get_cr8(vcpu);
	}
}

enum emul_result emul_env_write_cr(struct emul_ctxt *c, unsigned int nr, u64 val)
{
	struct kvm_vcpu *vcpu = to_vcpu(c);
	int refused = 0;

	switch (nr) {
	case 0:
		refused = kvm_set_cr0(vcpu, val);
		break;
	case 2:
		vcpu->cr2 = val;
		break;
	case 3:
		refused = kvm_set_cr3(vcpu, val);
		break;
	case 4:
		refused = kvm_set_cr4(vcpu, val);
		break;
	default:
		refused = kvm_set_cr8(vcpu, val);
		break;
	}
	return refused ? raise_gp(c) : EMUL_CONTINUE;
}

/* DR7.GD turns every access to a debug register into a fault, reads included. */
static enum emul_result check_dr_access(struct emul_ctxt *c)
{
	if (!(to_vcpu(c)->dr7 & KVM_DR7_GD))
		return EMUL_CONTINUE;
	c->exception = (struct emul_exception){ .vector = DB_VECTOR, .cr2 = KVM_DR6_BD };
	return EMUL_FAULT;
}

enum emul_result emul_env_read_dr(struct emul_ctxt *c, unsigned int nr, u64 *val)
{
	enum emul_result res = check_dr_access(c);

	if (res == EMUL_CONTINUE)
		*val = kvm_get_dr(to_vcpu(c), nr);
	return res;
}

enum emul_result emul_env_write_dr(struct emul_ctxt *c, unsigned int nr, u64 val)
{
	enum emul_result res = check_dr_access(c);

	if (res == EMUL_CONTINUE && kvm_set_dr(to_vcpu(c), nr, val))
		return raise_gp(c);
	return res;
}

u64 emul_env_read_efer(struct emul_ctxt *c)
{
	return to_vcpu(c)->efer;
}

u64 emul_env_read_xcr0(struct emul_ctxt *c)
{
	return to_vcpu(c)->xcr0;
}

enum emul_result emul_env_read_msr(struct emul_ctxt *c, u32 msr, u64 *val)
{
	if (!kvm_msr_allowed(to_vcpu(c), msr, KVM_MSR_FILTER_READ))
		return raise_gp(c);
	return kvm_get_msr(to_vcpu(c), msr, val, false) == MSR_OK ? EMUL_CONTINUE : raise_gp(c);
}

enum emul_result emul_env_write_msr(struct emul_ctxt *c, u32 msr, u64 val)
{
	if (!kvm_msr_allowed(to_vcpu(c), msr, KVM_MSR_FILTER_WRITE))
		return raise_gp(c);
	return kvm_set_msr(to_vcpu(c), msr, val, false) == MSR_OK ? EMUL_CONTINUE : raise_gp(c);
}

u64 emul_env_read_tsc(struct emul_ctxt *c)
{
	return kvm_read_l1_tsc(to_vcpu(c), rdtsc());
}

void emul_env_cpuid(struct emul_ctxt *c, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx)
{
	kvm_cpuid(to_vcpu(c), eax, ebx, ecx, edx);
}

/*
 * The guest's FPU state is this thread's while KVM_RUN runs, but a context
 * switch may have moved it to memory: bring it back and keep it there.
 */
static void lock_guest_fpu(void)
{
	fpregs_lock();
	fpregs_assert_state_consistent();
	if (test_thread_flag(TIF_NEED_FPU_LOAD))
		switch_fpu_return();
}

/* All sixteen registers to or from memory; \n is the assembler's loop variable. */
#define EACH_VEC(insn) \
	".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n\t" insn "\n\t.endr"

struct xmm_file { u8 reg[16][16]; };
struct ymm_file { u8 reg[16][32]; };

/* The registers' numbers are part of the instructions: store all, take one. */
void emul_env_read_vec(struct emul_ctxt *c, unsigned int reg, void *data, unsigned int bytes)
{
	union { struct xmm_file x; struct ymm_file y; } all;

	lock_guest_fpu();
	if (bytes == 16) {
		asm volatile(EACH_VEC("movdqu %%xmm\\n, \\n*16(%0)") : : "r"(&all) : "memory");
		memcpy(data, all.x.reg[reg], sizeof(all.x.reg[0]));
	} else {
		asm volatile(EACH_VEC("vmovdqu %%ymm\\n, \\n*32(%0)") : : "r"(&all) : "memory");
		memcpy(data, all.y.reg[reg], sizeof(all.y.reg[0]));
	}
	fpregs_unlock();
}

/*
 * A load names its register, so each register has its own. Only the one the
 * guest's instruction names may be loaded: a VEX load clears the register
 * beyond what it loads, and the other fifteen may be in use as zmm. A legacy
 * load leaves what is beyond alone. Either is what the guest's own would do.
 */
struct xmm_value { u8 b[16]; };
struct ymm_value { u8 b[32]; };

#define LOAD_XMM(nr)	case nr: asm volatile("movdqu %0, %%xmm" #nr : : "m"(*value)); break

static void load_xmm(unsigned int reg, const struct xmm_value *value)
{
	switch (reg) {
	LOAD_XMM(0);
	LOAD_XMM(1);
	LOAD_XMM(2);
	LOAD_XMM(3);
	LOAD_XMM(4);
	LOAD_XMM(5);
	LOAD_XMM(6);
	LOAD_XMM(7);
	LOAD_XMM(8);
	LOAD_XMM(9);
	LOAD_XMM(10);
	LOAD_XMM(11);
	LOAD_XMM(12);
	LOAD_XMM(13);
	LOAD_XMM(14);
	LOAD_XMM(15);
	}
}

#define LOAD_YMM(nr)	case nr: asm volatile("vmovdqu %0, %%ymm" #nr : : "m"(*value)); break

static void load_ymm(unsigned int reg, const struct ymm_value *value)
{
	switch (reg) {
	LOAD_YMM(0);
	LOAD_YMM(1);
	LOAD_YMM(2);
	LOAD_YMM(3);
	LOAD_YMM(4);
	LOAD_YMM(5);
	LOAD_YMM(6);
	LOAD_YMM(7);
	LOAD_YMM(8);
	LOAD_YMM(9);
	LOAD_YMM(10);
	LOAD_YMM(11);
	LOAD_YMM(12);
	LOAD_YMM(13);
	LOAD_YMM(14);
	LOAD_YMM(15);
	}
}

void emul_env_write_vec(struct emul_ctxt *c, unsigned int reg, const void *data,
			unsigned int bytes)
{
	lock_guest_fpu();
	if (bytes == 16)
		load_xmm(reg, data);
	else
		load_ymm(reg, data);
	fpregs_unlock();
}

void emul_env_fninit(struct emul_ctxt *c)
{
	lock_guest_fpu();
	asm volatile("fninit");
	fpregs_unlock();
}

u16 emul_env_fnstcw(struct emul_ctxt *c)
{
	u16 val;

	lock_guest_fpu();
	asm volatile("fnstcw %0" : "=m"(val));
	fpregs_unlock();
	return val;
}

u16 emul_env_fnstsw(struct emul_ctxt *c)
{
	u16 val;

	lock_guest_fpu();
	asm volatile("fnstsw %0" : "=m"(val));
	fpregs_unlock();
	return val;
}

static_assert(EMUL_ACC_WRITE == GUEST_ACCESS_WRITE && EMUL_ACC_USER == GUEST_ACCESS_USER &&
	      EMUL_ACC_FETCH == GUEST_ACCESS_FETCH && EMUL_ACC_IMPLICIT == GUEST_ACCESS_IMPLICIT);

enum emul_result emul_env_translate(struct emul_ctxt *c, u64 linear, u32 access, u64 *gpa)
{
	u32 error_code = 0;
	gpa_t result;

	if (!guest_walk(to_vcpu(c), linear, access, &result, &error_code)) {
		*gpa = result;
		return EMUL_CONTINUE;
	}
	c->exception = (struct emul_exception){
		.vector = PF_VECTOR,
		.has_error = true,
		.error_code = error_code,
		.cr2 = linear,
	};
	return EMUL_FAULT;
}

/* As copy_from_user(), but code, which is read most, needs no call that knows its size. */
static bool read_user(void *data, unsigned long hva, unsigned int len)
{
	const u64 __user *p = (const u64 __user *)hva;
	u64 code[2];

	if (len != sizeof(code))
		return !copy_from_user(data, p, len);
	if (get_user(code[0], p) || get_user(code[1], p + 1))
		return false;
	memcpy(data, code, sizeof(code));
	return true;
}

enum emul_result emul_env_read_phys(struct emul_ctxt *c, u64 gpa, void *data, unsigned int len)
{
	gfn_t gfn = gpa >> PAGE_SHIFT;
	struct kvm_memory_slot *slot = gfn_to_memslot(to_vcpu(c)->kvm, gfn);
	unsigned long hva;

	if (!slot)
		return EMUL_IO_NEEDED;
	hva = __gfn_to_hva_memslot(slot, gfn) + offset_in_page(gpa);
	return read_user(data, hva, len) ? EMUL_CONTINUE : EMUL_UNHANDLEABLE;
}

/* Memory that a store may change; a read-only slot is a device to stores. */
static bool is_writable_memory(struct kvm_vcpu *vcpu, u64 gpa)
{
	struct kvm_memory_slot *slot = gfn_to_memslot(vcpu->kvm, gpa >> PAGE_SHIFT);

	return slot && !(slot->flags & KVM_MEM_READONLY);
}

enum emul_result emul_env_probe_write(struct emul_ctxt *c, u64 gpa, unsigned int len)
{
	struct kvm_vcpu *vcpu = to_vcpu(c);
	unsigned long hva;

	if (!is_writable_memory(vcpu, gpa))
		return EMUL_IO_NEEDED;
	hva = gfn_to_hva(vcpu->kvm, gpa >> PAGE_SHIFT);
	if (kvm_is_error_hva(hva))
		return EMUL_IO_NEEDED;
	/* Breaks copy-on-write as the store will, without a store. */
	if (fault_in_safe_writeable((char __user *)hva + offset_in_page(gpa), len))
		return EMUL_UNHANDLEABLE;
	return EMUL_CONTINUE;
}

enum emul_result emul_env_write_phys(struct emul_ctxt *c, u64 gpa, const void *data,
				     unsigned int len)
{
	struct kvm_vcpu *vcpu = to_vcpu(c);

	if (is_writable_memory(vcpu, gpa)) {
		if (kvm_write_guest(vcpu->kvm, gpa, data, len))
			return EMUL_UNHANDLEABLE;
		return EMUL_CONTINUE;
	}
	/* Longer is a batch that was meant for RAM. */
	if (len > EMUL_MAX_DATA)
		return EMUL_IO_NEEDED;
	trace_kvm_mmio(KVM_TRACE_MMIO_WRITE, len, gpa, data);
	if (kvm_lapic_mmio_write(vcpu, gpa, len, data)) {
		fast_note_device(vcpu, gpa >> PAGE_SHIFT);
		return EMUL_CONTINUE;
	}
	if (kvm_bus_write(vcpu, KVM_BUS_MMIO, gpa, len, data))
		return EMUL_CONTINUE;
	return EMUL_IO_NEEDED;
}

/* 0: exchanged; 1: memory held something else; -EFAULT: no usable mapping. */
static int cmpxchg_user(void __user *p, const void *old, const void *new, unsigned int len)
{
	union { u8 b; u16 w; u32 l; u64 q; } o = { .q = 0 }, n = { .q = 0 };

	memcpy(&o, old, len);
	memcpy(&n, new, len);
	switch (len) {
	case 1:
		return __try_cmpxchg_user((u8 __user *)p, &o.b, n.b, fault1);
	case 2:
		return __try_cmpxchg_user((u16 __user *)p, &o.w, n.w, fault2);
	case 4:
		return __try_cmpxchg_user((u32 __user *)p, &o.l, n.l, fault4);
	case 8:
		return __try_cmpxchg_user((u64 __user *)p, &o.q, n.q, fault8);
	default:
		return -EFAULT;
	}
}

/* Sixteen bytes have no accessor for user memory: pin the page and use its kernel address. */
static int cmpxchg16_user(unsigned long hva, const void *old, const void *new)
{
	u64 o[2], n[2];
	struct page *page;
	void *map;
	bool done;

	if (!boot_cpu_has(X86_FEATURE_CX16) || (hva & 15))
		return -EFAULT;
	memcpy(o, old, sizeof(o));
	memcpy(n, new, sizeof(n));
	if (pin_user_pages_fast(hva & PAGE_MASK, 1, FOLL_WRITE, &page) != 1)
		return -EFAULT;
	map = page_address(page) + offset_in_page(hva);
	asm volatile(LOCK_PREFIX "cmpxchg16b %[mem]"
		     : "=@ccz"(done), "+a"(o[0]), "+d"(o[1]),
		       [mem] "+m"(*(u64 (*)[2])map)
		     : "b"(n[0]), "c"(n[1])
		     : "memory");
	unpin_user_pages_dirty_lock(&page, 1, done);
	return done ? 0 : 1;
}

enum emul_result emul_env_cmpxchg_phys(struct emul_ctxt *c, u64 gpa, const void *old,
				       const void *new, unsigned int len)
{
	struct kvm_vcpu *vcpu = to_vcpu(c);
	gfn_t gfn = gpa >> PAGE_SHIFT;
	unsigned long hva;
	bool writable;
	int ret;

	if (!is_writable_memory(vcpu, gpa))
		return EMUL_IO_NEEDED;
	/* The host must not take a bus lock for a guest that straddles cache lines. */
	if ((gpa & (L1_CACHE_BYTES - 1)) + len > L1_CACHE_BYTES)
		return emul_env_write_phys(c, gpa, new, len);
	hva = gfn_to_hva_prot(vcpu->kvm, gfn, &writable);
	if (kvm_is_error_hva(hva) || !writable)
		return EMUL_UNHANDLEABLE;
	hva += offset_in_page(gpa);
	if (!access_ok((void __user *)hva, len))
		return EMUL_UNHANDLEABLE;
	if (len == 16)
		ret = cmpxchg16_user(hva, old, new);
	else
		ret = cmpxchg_user((void __user *)hva, old, new, len);
	if (ret < 0)
		return EMUL_UNHANDLEABLE;
	if (ret)
		return EMUL_RETRY;
	mark_page_dirty(vcpu->kvm, gfn);
	return EMUL_CONTINUE;
}

u8 *emul_env_pio_page(struct emul_ctxt *c)
{
	return to_vcpu(c)->pio_data;
}

unsigned int emul_env_pio_page_size(struct emul_ctxt *c)
{
	return PAGE_SIZE;
}

/* Ports are complete.c's: it asks the in-kernel bus, then userspace. */
enum emul_result emul_env_pio_in(struct emul_ctxt *c, u16 port, unsigned int size, u32 count)
{
	return EMUL_IO_NEEDED;
}

enum emul_result emul_env_pio_out(struct emul_ctxt *c, u16 port, unsigned int size, u32 count)
{
	return EMUL_IO_NEEDED;
}

/*
 * No device reaches guest memory around the caches here, so there is nothing
 * to write back; a guest must not be able to flush the host's caches.
 */
void emul_env_wbinvd(struct emul_ctxt *c)
{
}

void emul_env_invlpg(struct emul_ctxt *c, u64 linear)
{
	preempt_disable();
	kvm_x86_flush_tlb_gva(to_vcpu(c), linear);
	preempt_enable();
}

void emul_env_set_shadow(struct emul_ctxt *c, unsigned int shadow)
{
	struct kvm_vcpu *vcpu = to_vcpu(c);

	if (shadow != kvm_x86_get_interrupt_shadow(vcpu))
		kvm_x86_set_interrupt_shadow(vcpu, shadow);
}

void emul_env_unblock_nmi(struct emul_ctxt *c)
{
	/* Where IRET's own exit or step would have told of it, none comes. */
	kvm_x86_set_nmi_mask(to_vcpu(c), false);
	kvm_nmi_unmasked(to_vcpu(c));
}

void emul_env_single_step(struct emul_ctxt *c)
{
	/* Taken when userspace has seen the instruction's stores. */
	to_vcpu(c)->complete.stepped = true;
}

bool emul_env_should_stop(struct emul_ctxt *c)
{
	return kvm_request_pending(to_vcpu(c)) || xfer_work_pending();
}
