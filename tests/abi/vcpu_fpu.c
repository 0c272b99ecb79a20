// SPDX-License-Identifier: GPL-2.0-only
/*
 * FPU, SSE and AVX state: KVM_SET_FPU, KVM_SET_XSAVE and their like, alone,
 * through a run of the guest, and against the state of the calling process.
 */
#include <stdlib.h>

#include "harness.h"

/* Enter the guest once, so that state goes through the hardware and back. */
PROGRAM(nop_hlt, 64,
	"	nop\n"
	"	hlt\n"
	"	jmp guest_nop_hlt\n");

static struct vcpu *new_vcpu(void)
{
	return vcpu_create(vm_create(), 0);
}

static void fill(void *p, size_t size, unsigned int seed)
{
	u8 *b = p;

	for (size_t i = 0; i < size; i++)
		b[i] = seed + i * 7;
}

static struct kvm_fpu some_fpu(void)
{
	struct kvm_fpu f = { 0 };

	fill(f.fpr, sizeof(f.fpr), 3);
	/* The registers are ten bytes each; the rest of a slot reads zero. */
	for (unsigned int i = 0; i < 8; i++)
		memset(&f.fpr[i][10], 0, 6);
	fill(f.xmm, sizeof(f.xmm), 99);
	f.fcw = 0x27f;
	f.fsw = 0x3800;
	f.ftwx = 0xa5;
	f.last_opcode = 0x123;
	f.last_ip = 0x1234567890;
	f.last_dp = 0x9876543210;
	f.mxcsr = 0x1fa0;
	return f;
}

static void check_fpu(const struct kvm_fpu *got, const struct kvm_fpu *set)
{
	CHECK_MEM(got->fpr, set->fpr, sizeof(set->fpr));
	CHECK_MEM(got->xmm, set->xmm, sizeof(set->xmm));
	CHECK_EQ(got->fcw, set->fcw);
	CHECK_EQ(got->fsw, set->fsw);
	CHECK_EQ(got->ftwx, set->ftwx);
	CHECK_EQ(got->last_opcode, set->last_opcode);
	CHECK_EQ(got->last_ip, set->last_ip);
	CHECK_EQ(got->last_dp, set->last_dp);
}

TEST(state, fpu)
{
	struct vcpu *v = vcpu_with(MODE_LONG, nop_hlt);
	struct kvm_fpu set = some_fpu(), got = { 0 };

	CHECK_OK(ioctl(v->fd, KVM_SET_FPU, &set));
	CHECK_OK(ioctl(v->fd, KVM_GET_FPU, &got));
	check_fpu(&got, &set);
}

static void fpu_survives_run(struct vcpu *v)
{
	struct kvm_fpu set = some_fpu(), got = { 0 };

	/* Not every CPU keeps the pointers to the last instruction. */
	set.last_ip = 0;
	set.last_dp = 0;
	set.last_opcode = 0;
	CHECK_OK(ioctl(v->fd, KVM_SET_FPU, &set));
	asm volatile("pcmpeqb %%xmm5, %%xmm5" ::: "xmm5");
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	CHECK_OK(ioctl(v->fd, KVM_GET_FPU, &got));
	check_fpu(&got, &set);
}

/* The guest's registers survive a run, the host's are not seen. */
TEST(state, fpu_through_guest)
{
	struct vcpu *v = vcpu_with(MODE_LONG, nop_hlt);
	struct kvm_xsave x = { 0 };

	CHECK_OK(ioctl(v->fd, KVM_GET_XSAVE, &x));
	x.region[128] |= 3;		/* XSTATE_BV: x87 and SSE are in use */
	x.region[6] = 0x1f80;
	CHECK_OK(ioctl(v->fd, KVM_SET_XSAVE, &x));
	fpu_survives_run(v);
}

TEST_STRICT(state, fpu_through_guest_first,
	    "KVM_SET_FPU on a fresh vCPU is lost: XSTATE_BV still says initial")
{
	fpu_survives_run(vcpu_with(MODE_LONG, nop_hlt));
}

/* And ours survive the guest's. */
PROGRAM(sse_clobber, 64,
	"	xorps %xmm0, %xmm0\n"
	"	movaps %xmm0, %xmm7\n"
	"	movaps %xmm0, %xmm15\n"
	"	hlt\n");

TEST(state, host_fpu_survives)
{
	struct vcpu *v = vcpu_with(MODE_LONG, sse_clobber);
	u64 seven = 0, fifteen = 0;
	struct kvm_fpu f = { 0 };
	long r;

	asm volatile("movq %[a], %%xmm7\n\t"
		     "movq %[b], %%xmm15\n\t"
		     "syscall\n\t"
		     "movq %%xmm7, %[seven]\n\t"
		     "movq %%xmm15, %[fifteen]"
		     : "=a"(r), [seven] "=&r"(seven), [fifteen] "=&r"(fifteen)
		     : "0"(16L), "D"((long)v->fd), "S"((long)KVM_RUN),
		       "d"(0L), [a] "r"(0x7777ULL), [b] "r"(0xffffULL)
		     : "rcx", "r11", "xmm7", "xmm15", "memory");
	CHECK_EQ(r, 0);
	CHECK_EQ(v->run->exit_reason, KVM_EXIT_HLT);
	CHECK_EQ(seven, 0x7777);
	CHECK_EQ(fifteen, 0xffff);
	CHECK_OK(ioctl(v->fd, KVM_GET_FPU, &f));
	for (unsigned int i = 0; i < 16; i++)
		CHECK_EQ(f.xmm[7][i] | f.xmm[15][i], 0);
}

/* Offsets in the legacy and header area of an XSAVE image, in u32. */
enum { XS_MXCSR = 6, XS_XMM = 40, XS_XSTATE_BV = 128, XS_YMM = 144 };

TEST(state, xsave)
{
	struct vcpu *v = new_vcpu();
	struct kvm_xsave set = { 0 }, got = { 0 };

	NEED_CAP(KVM_CAP_XSAVE);
	CHECK_OK(ioctl(v->fd, KVM_GET_XSAVE, &set));
	fill(&set.region[XS_XMM], 256, 17);
	set.region[XS_XSTATE_BV] |= 2;
	set.region[XS_MXCSR] = 0x1f80;
	CHECK_OK(ioctl(v->fd, KVM_SET_XSAVE, &set));
	CHECK_OK(ioctl(v->fd, KVM_GET_XSAVE, &got));
	CHECK_MEM(&got.region[XS_XMM], &set.region[XS_XMM], 256);
	CHECK(got.region[XS_XSTATE_BV] & 2);
	CHECK_EQ(got.region[XS_MXCSR], 0x1f80);
	/* The old interface shows the same registers. */
	struct kvm_fpu f = { 0 };

	CHECK_OK(ioctl(v->fd, KVM_GET_FPU, &f));
	CHECK_MEM(f.xmm, &set.region[XS_XMM], 256);
}

TEST(state, xsave_avx)
{
	struct vcpu *v = new_vcpu();
	struct kvm_cpuid2 *c = supported_cpuid();
	struct kvm_cpuid_entry2 *e = cpuid_find(c, 0xd, 0);
	struct kvm_xsave set = { 0 }, got = { 0 };

	NEED_CAP(KVM_CAP_XSAVE);
	if (!e || !(e->eax & 4))
		skip("no AVX here");
	CHECK_OK(ioctl(v->fd, KVM_GET_XSAVE, &set));
	fill(&set.region[XS_YMM], 256, 5);
	set.region[XS_XSTATE_BV] |= 7;
	CHECK_OK(ioctl(v->fd, KVM_SET_XSAVE, &set));
	CHECK_OK(ioctl(v->fd, KVM_GET_XSAVE, &got));
	CHECK_MEM(&got.region[XS_YMM], &set.region[XS_YMM], 256);
	CHECK(got.region[XS_XSTATE_BV] & 4);
}

TEST(state, xsave2)
{
	struct vcpu *v = new_vcpu();
	size_t size = has_vm_cap(v->vm, KVM_CAP_XSAVE2);
	u32 *set, *got;

	if (!size)
		skip("KVM_CAP_XSAVE2 is not claimed");
	CHECK(size >= sizeof(struct kvm_xsave));
	set = map_anon(size + PAGE);
	got = map_anon(size + PAGE);
	CHECK_OK(ioctl(v->fd, KVM_GET_XSAVE2, set));
	fill(&set[XS_XMM], 256, 33);
	set[XS_XSTATE_BV] |= 2;
	CHECK_OK(ioctl(v->fd, KVM_SET_XSAVE, set));
	CHECK_OK(ioctl(v->fd, KVM_GET_XSAVE2, got));
	CHECK_MEM(&got[XS_XMM], &set[XS_XMM], 256);
	CHECK_ERRNO(ioctl(v->fd, KVM_GET_XSAVE2, BAD_PTR), EFAULT);
}

TEST(state, xcrs)
{
	struct vcpu *v = new_vcpu();
	struct kvm_cpuid2 *c = supported_cpuid();
	struct kvm_cpuid_entry2 *e = cpuid_find(c, 0xd, 0);
	struct kvm_xcrs x = { 0 };

	NEED_CAP(KVM_CAP_XCRS);
	CHECK_OK(ioctl(v->fd, KVM_GET_XCRS, &x));
	CHECK_EQ(x.nr_xcrs, 1);
	CHECK_EQ(x.xcrs[0].xcr, 0);
	CHECK_EQ(x.xcrs[0].value, 1);
	CHECK(e && (e->eax & 3) == 3);
	for (u64 xcr0 = 1; xcr0 < 8; xcr0 += 2) {
		/* AVX needs SSE; the CPU has to have what is asked. */
		if (xcr0 == 5 || xcr0 & ~e->eax)
			continue;
		x.xcrs[0].value = xcr0;
		CHECK_OK(ioctl(v->fd, KVM_SET_XCRS, &x));
		memset(&x, 0, sizeof(x));
		CHECK_OK(ioctl(v->fd, KVM_GET_XCRS, &x));
		CHECK_EQ(x.xcrs[0].value, xcr0);
	}
}
