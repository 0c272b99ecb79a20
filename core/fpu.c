// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's FPU and extended state. The kernel keeps it in a container of
 * its own (struct fpu_guest) that takes the place of the thread's state while
 * KVM_RUN runs; XCR0, XSS and PKRU, which that does not cover, are switched
 * around entry. Which values XCR0 may have is decided in cr.c.
 */
#include <linux/kvm.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/fpu/api.h>
#include <asm/fpu/xcr.h>
#include <asm/fpu/xstate.h>
#include <asm/msr.h>
#include <asm/pkru.h>

#include "core/cpuid.h"
#include "core/cr.h"
#include "core/fpu.h"
#include "core/vm.h"

/* Components that guests can have. AMX needs XFD to be handled as well: not offered. */
#define SUPPORTED_XCR0	(XFEATURE_MASK_FP | XFEATURE_MASK_SSE | XFEATURE_MASK_YMM | \
			 XFEATURE_MASK_OPMASK | XFEATURE_MASK_ZMM_Hi256 | \
			 XFEATURE_MASK_Hi16_ZMM | XFEATURE_MASK_PKRU)

static u64 host_xss __ro_after_init;
static u64 host_xcr0 __ro_after_init;

static u64 read_host_xcr0(void)
{
	return boot_cpu_has(X86_FEATURE_OSXSAVE) ? xgetbv(XCR_XFEATURE_ENABLED_MASK) : 0;
}

/* Context: the host's XCR0 is in force, that is, not just around entry. */
u64 kvm_supported_xcr0(void)
{
	u64 xcr0 = read_host_xcr0() & SUPPORTED_XCR0;

	if (!boot_cpu_has(X86_FEATURE_OSPKE))
		xcr0 &= ~(u64)XFEATURE_MASK_PKRU;
	return xcr0;
}

/* No supervisor component (PT, CET, LBR) is virtualized. */
u64 kvm_supported_xss(void)
{
	return 0;
}

int kvm_fpu_module_init(void)
{
	host_xcr0 = read_host_xcr0();
	host_xss = boot_cpu_has(X86_FEATURE_XSAVES) ? native_read_msr(MSR_IA32_XSS) : 0;
	return 0;
}

int kvm_fpu_vcpu_create(struct kvm_vcpu *vcpu)
{
	return fpu_alloc_guest_fpstate(&vcpu->guest_fpu) ? 0 : -ENOMEM;
}

void kvm_fpu_vcpu_destroy(struct kvm_vcpu *vcpu)
{
	if (vcpu->guest_fpu.fpstate)
		fpu_free_guest_fpstate(&vcpu->guest_fpu);
}

/**
 * kvm_fpu_vcpu_reset() - XCR0, XSS and PKRU at power-on
 * @vcpu: the vCPU
 * @init_event: INIT, which leaves all of this and the registers alone
 *
 * A new container holds the initial state; power-on happens once per vCPU.
 * Source: AMD APM volume 2, "Initial Processor State"; Intel SDM volume 3,
 * "Processor State After Reset".
 */
void kvm_fpu_vcpu_reset(struct kvm_vcpu *vcpu, bool init_event)
{
	if (init_event)
		return;
	vcpu->xcr0 = XFEATURE_MASK_FP;
	vcpu->xss = 0;
	vcpu->pkru = 0;
}

void kvm_load_guest_fpu(struct kvm_vcpu *vcpu)
{
	if (vcpu->guest_fpu_loaded)
		return;
	fpu_swap_kvm_fpstate(&vcpu->guest_fpu, true);
	vcpu->guest_fpu_loaded = true;
}

void kvm_put_guest_fpu(struct kvm_vcpu *vcpu)
{
	if (!vcpu->guest_fpu_loaded)
		return;
	fpu_swap_kvm_fpstate(&vcpu->guest_fpu, false);
	vcpu->guest_fpu_loaded = false;
	vcpu->stat.fpu_reload++;
}

/* The guest can read or change PKRU, or pages of its are checked against it. */
static bool guest_has_pkru(struct kvm_vcpu *vcpu)
{
	return cpu_feature_enabled(X86_FEATURE_OSPKE) &&
	       ((vcpu->xcr0 & XFEATURE_MASK_PKRU) || kvm_read_cr4_bits(vcpu, X86_CR4_PKE));
}

/**
 * kvm_load_guest_xstate() - the last of the guest's extended state
 * @vcpu: the vCPU; its FPU registers are in the CPU
 *
 * While the guest has OSXSAVE off it cannot see XCR0; the host's will do.
 * Context: irqs off, just before entry.
 */
void kvm_load_guest_xstate(struct kvm_vcpu *vcpu)
{
	if (kvm_read_cr4_bits(vcpu, X86_CR4_OSXSAVE)) {
		if (vcpu->xcr0 != host_xcr0)
			xsetbv(XCR_XFEATURE_ENABLED_MASK, vcpu->xcr0);
		/* Without XSAVES in CPUID it is 0; AMD's guests can execute XSAVES even so. */
		if (vcpu->xss != host_xss)
			native_wrmsrl(MSR_IA32_XSS, vcpu->xss);
	}
	if (guest_has_pkru(vcpu)) {
		vcpu->host_pkru = rdpkru();
		if (vcpu->pkru != vcpu->host_pkru)
			wrpkru(vcpu->pkru);
	}
}

/* Context: irqs off, just after exit. CR4 and XCR0 change by exits only. */
void kvm_load_host_xstate(struct kvm_vcpu *vcpu)
{
	if (guest_has_pkru(vcpu)) {
		vcpu->pkru = rdpkru();
		if (vcpu->pkru != vcpu->host_pkru)
			wrpkru(vcpu->host_pkru);
	}
	if (kvm_read_cr4_bits(vcpu, X86_CR4_OSXSAVE)) {
		if (vcpu->xcr0 != host_xcr0)
			xsetbv(XCR_XFEATURE_ENABLED_MASK, host_xcr0);
		if (vcpu->xss != host_xss)
			native_wrmsrl(MSR_IA32_XSS, host_xss);
	}
}

/* Components userspace may see, whatever CPUID says of the first two. */
static u64 uabi_xfeatures(const struct kvm_vcpu *vcpu)
{
	return vcpu->guest_supported_xcr0 | XFEATURE_MASK_FP | XFEATURE_MASK_SSE;
}

void kvm_vcpu_ioctl_get_xsave(struct kvm_vcpu *vcpu, u8 *state, unsigned int size)
{
	memset(state, 0, size);
	fpu_copy_guest_fpstate_to_uabi(&vcpu->guest_fpu, state, size, uabi_xfeatures(vcpu),
				       vcpu->pkru);
}

/**
 * kvm_vcpu_ioctl_set_xsave() - KVM_SET_XSAVE
 * @vcpu: the vCPU, loaded; its FPU state is not in the CPU
 * @xsave: private copy, kvm_xsave2_size() bytes
 *
 * Return: 0, or -EINVAL (unknown components, reserved MXCSR bits).
 */
int kvm_vcpu_ioctl_set_xsave(struct kvm_vcpu *vcpu, const struct kvm_xsave *xsave)
{
	return fpu_copy_uabi_to_guest_fpstate(&vcpu->guest_fpu, xsave->region,
					      kvm_supported_xcr0(), &vcpu->pkru);
}

/* The buffer of KVM_GET_XSAVE2; the first 4096 bytes are there in any case. */
unsigned int kvm_xsave2_size(struct kvm *kvm)
{
	return max_t(u32, kvm_xstate_size(kvm_supported_xcr0(), false), sizeof(struct kvm_xsave));
}

/*
 * An XSAVE image of the guest in kernel memory. The FXSAVE part of the
 * container itself is no substitute: what the header calls initial is not
 * stored there.
 */
static struct xregs_state *get_image(struct kvm_vcpu *vcpu)
{
	unsigned int size = kvm_xsave2_size(vcpu->kvm);
	void *image = kvzalloc(size, GFP_KERNEL_ACCOUNT);

	if (image)
		kvm_vcpu_ioctl_get_xsave(vcpu, image, size);
	return image;
}

#define FPU_REG_BYTES	16
#define NR_FPU_REGS	8

int kvm_vcpu_ioctl_get_fpu(struct kvm_vcpu *vcpu, struct kvm_fpu *fpu)
{
	struct xregs_state *image = get_image(vcpu);
	const struct fxregs_state *fx;

	if (!image)
		return -ENOMEM;
	fx = &image->i387;
	memset(fpu, 0, sizeof(*fpu));
	memcpy(fpu->fpr, fx->st_space, NR_FPU_REGS * FPU_REG_BYTES);
	fpu->fcw = fx->cwd;
	fpu->fsw = fx->swd;
	fpu->ftwx = fx->twd;
	fpu->last_opcode = fx->fop;
	fpu->last_ip = fx->rip;
	fpu->last_dp = fx->rdp;
	memcpy(fpu->xmm, fx->xmm_space, sizeof(fx->xmm_space));
	fpu->mxcsr = fx->mxcsr;
	kvfree(image);
	return 0;
}

/**
 * kvm_vcpu_ioctl_set_fpu() - KVM_SET_FPU
 * @vcpu: the vCPU, loaded; its FPU state is not in the CPU
 * @fpu: private copy
 *
 * Return: 0, -EINVAL (reserved MXCSR bits; nothing changed), -ENOMEM.
 */
int kvm_vcpu_ioctl_set_fpu(struct kvm_vcpu *vcpu, const struct kvm_fpu *fpu)
{
	struct xregs_state *image = get_image(vcpu);
	struct fxregs_state *fx;
	u32 pkru = vcpu->pkru;
	int err;

	if (!image)
		return -ENOMEM;
	fx = &image->i387;
	memcpy(fx->st_space, fpu->fpr, NR_FPU_REGS * FPU_REG_BYTES);
	fx->cwd = fpu->fcw;
	fx->swd = fpu->fsw;
	fx->twd = fpu->ftwx;
	fx->fop = fpu->last_opcode;
	fx->rip = fpu->last_ip;
	fx->rdp = fpu->last_dp;
	memcpy(fx->xmm_space, fpu->xmm, sizeof(fx->xmm_space));
	fx->mxcsr = fpu->mxcsr;
	image->header.xfeatures |= XFEATURE_MASK_FP | XFEATURE_MASK_SSE;
	err = kvm_vcpu_ioctl_set_xsave(vcpu, (struct kvm_xsave *)image);
	/* PKRU is no part of struct kvm_fpu. */
	vcpu->pkru = pkru;
	kvfree(image);
	return err;
}

int kvm_vcpu_ioctl_get_xcrs(struct kvm_vcpu *vcpu, struct kvm_xcrs *xcrs)
{
	memset(xcrs, 0, sizeof(*xcrs));
	if (!boot_cpu_has(X86_FEATURE_OSXSAVE))
		return 0;
	xcrs->nr_xcrs = 1;
	xcrs->xcrs[0].xcr = XCR_XFEATURE_ENABLED_MASK;
	xcrs->xcrs[0].value = vcpu->xcr0;
	return 0;
}

/**
 * kvm_vcpu_ioctl_set_xcrs() - KVM_SET_XCRS
 * @vcpu: the vCPU, loaded
 * @xcrs: private copy; registers other than XCR0 are ignored
 *
 * Return: 0, or -EINVAL (flags, count, illegal value; nothing changed).
 */
int kvm_vcpu_ioctl_set_xcrs(struct kvm_vcpu *vcpu, const struct kvm_xcrs *xcrs)
{
	u32 i;

	if (!boot_cpu_has(X86_FEATURE_OSXSAVE) || xcrs->flags || xcrs->nr_xcrs > KVM_MAX_XCRS)
		return -EINVAL;
	for (i = 0; i < xcrs->nr_xcrs; i++) {
		if (xcrs->xcrs[i].xcr == XCR_XFEATURE_ENABLED_MASK)
			return kvm_set_xcr(vcpu, XCR_XFEATURE_ENABLED_MASK, xcrs->xcrs[i].value) ?
			       -EINVAL : 0;
	}
	return 0;
}
