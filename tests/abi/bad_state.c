// SPDX-License-Identifier: GPL-2.0-only
/*
 * vCPU state that no CPU can be in, counts and flags out of range: what must
 * be refused, that refusing changes nothing, and that what is accepted never
 * harms the host when it is run.
 */
#include <signal.h>
#include <stdlib.h>

#include "harness.h"

PROGRAM(hlt64, 64, "hlt\n");

static struct vcpu *long_vcpu(void)
{
	return vcpu_with(MODE_LONG, hlt64);
}

/* @change must be refused and leave no trace. */
#define SREGS_REFUSED(p, change) do {					\
	struct vcpu *v_ = (p);						\
	struct kvm_sregs before_ = get_sregs(v_), s = before_, after_;	\
									\
	change;								\
	if (ioctl(v_->fd, KVM_SET_SREGS, &s) != -1 || errno != EINVAL)	\
		FAIL("accepted: " #change);				\
	after_ = get_sregs(v_);						\
	CHECK_MEM(&after_, &before_, sizeof(before_));			\
} while (0)

#define CR0_PE	0x1ULL
#define CR0_NW	0x20000000ULL
#define CR0_CD	0x40000000ULL
#define CR0_PG	0x80000000ULL
#define CR4_PAE	0x20ULL
#define EFER_LME	0x100ULL
#define EFER_LMA	0x400ULL

TEST(bad, sregs_long_mode)
{
	struct vcpu *v = long_vcpu();

	/* Long mode needs PAE, paging, LMA. */
	SREGS_REFUSED(v, s.cr4 &= ~CR4_PAE);
	SREGS_REFUSED(v, s.efer &= ~EFER_LMA);
	SREGS_REFUSED(v, s.cr0 &= ~CR0_PG);
	SREGS_REFUSED(v, s.cr0 &= ~(CR0_PG | CR0_PE));
	SREGS_REFUSED(v, s.efer &= ~EFER_LME);
	SREGS_REFUSED(v, s.efer = 0);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
}

/* What the CPU refuses to enter with takes no event along. */
TEST(bad, refused_entry_keeps_interrupt)
{
	struct vcpu *v = long_vcpu();
	struct kvm_interrupt irq = { .irq = 0x41 };
	struct kvm_sregs s = get_sregs(v);

	SET_REG(v, rflags, 0x202);
	s.cs.db = 1;
	if (ioctl(v->fd, KVM_SET_SREGS, &s))
		skip("code that is 64-bit and 32-bit is refused early");
	CHECK_OK(ioctl(v->fd, KVM_INTERRUPT, &irq));
	EXPECT_EXIT(v, KVM_EXIT_FAIL_ENTRY);
	CHECK_EQ(get_events(v).interrupt.injected, 1);
	CHECK_EQ(get_events(v).interrupt.nr, 0x41);
}

TEST(bad, sregs_cr0)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, hlt64);

	/* Paging without protection, NW without CD, the upper half. */
	SREGS_REFUSED(v, s.cr0 = CR0_PG | 0x10);
	SREGS_REFUSED(v, s.cr0 |= CR0_NW);
	SREGS_REFUSED(v, s.cr0 |= 1ULL << 32);
	SREGS_REFUSED(v, s.cr0 |= 1ULL << 63);
}

TEST(bad, sregs_cr3)
{
	struct vcpu *v = long_vcpu();

	SREGS_REFUSED(v, s.cr3 |= 1ULL << 62);
	SREGS_REFUSED(v, s.cr3 |= 1ULL << 52);
}

TEST(bad, sregs_cr4)
{
	struct vcpu *v = long_vcpu();

	for (unsigned int bit = 32; bit < 64; bit++)
		SREGS_REFUSED(v, s.cr4 |= 1ULL << bit);
	SREGS_REFUSED(v, s.cr4 |= 1ULL << 15);
	SREGS_REFUSED(v, s.cr4 |= 1ULL << 19);
}

/* A feature that CPUID does not show cannot be switched on. */
TEST(bad, sregs_cr4_without_cpuid)
{
	struct vcpu *v = vcpu_create(vm_create(), 0);
	struct kvm_cpuid2 *c = supported_cpuid();
	struct kvm_cpuid_entry2 *e = cpuid_find(c, 7, 0);

	if (!e || !(e->ebx & 1 << 7))
		skip("no SMEP here");
	e->ebx &= ~(1u << 7);
	CHECK_OK(ioctl(v->fd, KVM_SET_CPUID2, c));
	SREGS_REFUSED(v, s.cr4 |= 1ULL << 20);
}

TEST(bad, sregs_l_bit_outside_long_mode)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, hlt64);

	SREGS_REFUSED(v, s.cs.l = 1);
	SREGS_REFUSED(v, s.efer |= EFER_LMA);
}

TEST(bad, sregs_apic_base)
{
	struct vcpu *v = long_vcpu();

	SREGS_REFUSED(v, s.apic_base |= 1);
	SREGS_REFUSED(v, s.apic_base |= 1ULL << 62);
}

/* Hostile bits everywhere, and then KVM_RUN: any end but a hang will do. */
static unsigned int lcg(unsigned int *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static void discard(struct vcpu *v)
{
	struct vm *vm = v->vm;

	vcpu_free(v);
	vm_free(vm);
}

static void scramble(struct kvm_sregs *s, unsigned int *seed)
{
	u8 *b = (u8 *)s;
	unsigned int n = 1 + lcg(seed) % 6;

	while (n--) {
		/* Segments, tables, control registers; not the bitmap. */
		unsigned int at = lcg(seed) %
				  offsetof(struct kvm_sregs, interrupt_bitmap);

		b[at] ^= 1u << lcg(seed) % 8;
	}
}

TEST(bad, sregs_scrambled)
{
	unsigned int accepted = 0, refused = 0, seed = 20;

	for (unsigned int i = 0; i < 400; i++) {
		struct vcpu *v = vcpu_with(all_modes[i % 4], hlt64);
		struct kvm_sregs s = get_sregs(v), now;

		scramble(&s, &seed);
		now = get_sregs(v);
		if (ioctl(v->fd, KVM_SET_SREGS, &s)) {
			struct kvm_sregs after = get_sregs(v);

			CHECK_EQ(errno, EINVAL);
			CHECK_MEM(&after, &now, sizeof(now));
			refused++;
		} else {
			accepted++;
		}
		start_ticks(SIGUSR1, 2000);
		for (int n = 0; n < 4; n++) {
			int r = run(v);

			if (r < 0 && r != -EINTR && r != -EFAULT &&
			    r != -EINVAL)
				FAIL("round %u: KVM_RUN: %s", i, exit_name(r));
			if (r != KVM_EXIT_IO && r != KVM_EXIT_MMIO)
				break;
		}
		stop_ticks();
		/* The vCPU still answers. */
		get_regs(v);
		get_sregs(v);
		discard(v);
	}
	CHECK(accepted > 20 && refused > 20);
}

TEST(bad, regs_scrambled)
{
	unsigned int seed = 7;

	for (unsigned int i = 0; i < 200; i++) {
		struct vcpu *v = vcpu_with(i & 1 ? MODE_LONG : MODE_REAL, hlt64);
		struct kvm_regs r = get_regs(v);

		for (size_t n = 0; n < sizeof(r) / 8; n++)
			((u64 *)&r)[n] = (u64)lcg(&seed) << 40 ^
					      (u64)lcg(&seed) << 20 ^
					      lcg(&seed);
		set_regs(v, &r);
		start_ticks(SIGUSR1, 2000);
		run(v);
		stop_ticks();
		get_regs(v);
		discard(v);
	}
}

TEST(bad, events)
{
	struct vcpu *v = long_vcpu();
	struct kvm_vcpu_events before = get_events(v), ev, after;

	for (unsigned int bit = 6; bit < 32; bit++) {
		ev = before;
		ev.flags = 1u << bit;
		CHECK_ERRNO(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &ev), EINVAL);
	}
	ev = before;
	ev.exception.injected = 1;
	ev.exception.nr = 32;
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &ev), EINVAL);
	/* An NMI is no exception here. */
	ev.exception.nr = 2;
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &ev), EINVAL);
	/* A payload only where it was enabled. */
	ev = before;
	ev.flags = KVM_VCPUEVENT_VALID_PAYLOAD;
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &ev), EINVAL);
	after = get_events(v);
	CHECK_MEM(&after, &before, sizeof(before));
	EXPECT_EXIT(v, KVM_EXIT_HLT);
}

TEST(bad, interrupt)
{
	struct vcpu *v = long_vcpu();
	struct kvm_interrupt irq = { .irq = 256 };

	CHECK_ERRNO(ioctl(v->fd, KVM_INTERRUPT, &irq), EINVAL);
	irq.irq = ~0u;
	CHECK_ERRNO(ioctl(v->fd, KVM_INTERRUPT, &irq), EINVAL);
	CHECK_EQ(get_events(v).interrupt.injected, 0);
}

TEST(bad, mp_state)
{
	struct vcpu *v = long_vcpu();
	static const u32 states[] = {
		KVM_MP_STATE_UNINITIALIZED, KVM_MP_STATE_INIT_RECEIVED,
		KVM_MP_STATE_HALTED, KVM_MP_STATE_SIPI_RECEIVED,
		KVM_MP_STATE_STOPPED, 1000, ~0u,
	};
	struct kvm_mp_state mp;

	NEED_CAP(KVM_CAP_MP_STATE);
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		mp.mp_state = states[i];
		CHECK_ERRNO(ioctl(v->fd, KVM_SET_MP_STATE, &mp), EINVAL);
	}
	CHECK_OK(ioctl(v->fd, KVM_GET_MP_STATE, &mp));
	CHECK_EQ(mp.mp_state, KVM_MP_STATE_RUNNABLE);
}

TEST(bad, debugregs)
{
	struct vcpu *v = long_vcpu();
	struct kvm_debugregs before, d, after;

	NEED_CAP(KVM_CAP_DEBUGREGS);
	CHECK_OK(ioctl(v->fd, KVM_GET_DEBUGREGS, &before));
	d = before;
	d.flags = 1;
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_DEBUGREGS, &d), EINVAL);
	d = before;
	d.dr6 |= 1ULL << 32;
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_DEBUGREGS, &d), EINVAL);
	d = before;
	d.dr7 |= 1ULL << 63;
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_DEBUGREGS, &d), EINVAL);
	CHECK_OK(ioctl(v->fd, KVM_GET_DEBUGREGS, &after));
	CHECK_MEM(&after, &before, sizeof(before));
}

TEST(bad, xcrs)
{
	struct vcpu *v = long_vcpu();
	struct kvm_xcrs x = { .nr_xcrs = 1 }, after = { 0 };
	static const u64 values[] = {
		0, 2, 5,		/* no x87; AVX without SSE */
		1ULL << 62 | 1, 1ULL << 63 | 1,
		0x23, 0x9, 0x11,	/* parts of AVX-512 and of MPX */
	};

	NEED_CAP(KVM_CAP_XCRS);
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		x.xcrs[0].value = values[i];
		CHECK_ERRNO(ioctl(v->fd, KVM_SET_XCRS, &x), EINVAL);
	}
	x.xcrs[0].value = 1;
	x.flags = 1;
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_XCRS, &x), EINVAL);
	x.flags = 0;
	x.nr_xcrs = KVM_MAX_XCRS + 1;
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_XCRS, &x), EINVAL);
	x.nr_xcrs = ~0u;
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_XCRS, &x), EINVAL);
	CHECK_OK(ioctl(v->fd, KVM_GET_XCRS, &after));
	CHECK_EQ(after.xcrs[0].value, 1);
}

TEST(bad, xsave)
{
	struct vcpu *v = long_vcpu();
	struct kvm_xsave before = { 0 }, x, after = { 0 };

	NEED_CAP(KVM_CAP_XSAVE);
	CHECK_OK(ioctl(v->fd, KVM_GET_XSAVE, &before));
	x = before;
	x.region[6] = 0xffffffff;	/* MXCSR */
	x.region[128] |= 3;
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_XSAVE, &x), EINVAL);
	x = before;
	x.region[129] = 0x40000000;	/* XSTATE_BV, top half */
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_XSAVE, &x), EINVAL);
	CHECK_OK(ioctl(v->fd, KVM_GET_XSAVE, &after));
	CHECK_MEM(&after, &before, sizeof(before));
}

/* Reserved bits of MXCSR must not reach the CPU, or the host would fault. */
TEST(bad, fpu_mxcsr)
{
	struct vcpu *v = long_vcpu();
	struct kvm_fpu f = { 0 };

	CHECK_OK(ioctl(v->fd, KVM_GET_FPU, &f));
	f.mxcsr = 0xffffffff;
	f.fcw = 0xffff;
	f.fsw = 0xffff;
	if (ioctl(v->fd, KVM_SET_FPU, &f))
		CHECK_EQ(errno, EINVAL);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
}

static void msr_refused(struct vcpu *v, u32 index, u64 value)
{
	u64 before, after;

	CHECK(get_msr(v, index, &before));
	if (set_msr(v, index, value))
		FAIL("MSR %#x took %#llx", index, (unsigned long long)value);
	CHECK(get_msr(v, index, &after));
	CHECK_EQ(after, before);
}

TEST(bad, msrs)
{
	struct vcpu *v = long_vcpu();
	u64 value;

	CHECK(!get_msr(v, 0x12345678, &value));
	CHECK(!set_msr(v, 0x12345678, 0));
	msr_refused(v, 0xc0000080, 1ULL << 63);		/* EFER */
	msr_refused(v, 0xc0000080, 0x502);
	msr_refused(v, 0x277, 0x0606060606060602);	/* PAT: type 2 */
	msr_refused(v, 0x277, 0x0806060606060606);	/* PAT: type 8 */
	msr_refused(v, 0x2ff, 0x2);			/* MTRRdefType */
	msr_refused(v, 0x2ff, 1ULL << 40);
	msr_refused(v, 0x250, 0x02);			/* MTRRfix64K */
	msr_refused(v, 0x200, 0x02);			/* MTRRphysBase0 */
	msr_refused(v, 0x1b, 1ULL << 60);		/* APIC base */
}

/* Addresses in MSRs are canonical. */
TEST(bad, msrs_canonical)
{
	static const u32 msrs[] = {
		0xc0000082, 0xc0000083, 0xc0000100, 0xc0000101, 0xc0000102,
	};
	struct vcpu *v = long_vcpu();

	for (size_t i = 0; i < ARRAY_SIZE(msrs); i++)
		msr_refused(v, msrs[i], 0x8000000000000000ULL);
}

TEST(bad, cpuid)
{
	struct vcpu *v = vcpu_create(vm_create(), 0);
	struct kvm_cpuid2 *c = supported_cpuid();
	u32 nent = c->nent;

	c->nent = 257;
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_CPUID2, c), E2BIG);
	c->nent = ~0u;
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_CPUID2, c), E2BIG);
	c->nent = nent;
	cpuid_find(c, 0x80000008, 0)->eax = 50 << 8 | 40;
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_CPUID2, c), EINVAL);
	/* What was there is still there. */
	CHECK_OK(ioctl(v->fd, KVM_GET_CPUID2, c));
	CHECK_EQ(c->nent, nent);
	CHECK_EQ(cpuid_find(c, 0x80000008, 0)->eax >> 8 & 0xff, 48);
}

TEST(bad, guest_debug)
{
	struct vcpu *v = long_vcpu();
	struct kvm_guest_debug d = { .control = KVM_GUESTDBG_ENABLE };

	NEED_CAP(KVM_CAP_SET_GUEST_DEBUG);
	/* Hostile values in the debug registers do no harm. */
	d.control |= KVM_GUESTDBG_USE_HW_BP;
	memset(&d.arch, 0xff, sizeof(d.arch));
	if (ioctl(v->fd, KVM_SET_GUEST_DEBUG, &d))
		CHECK_EQ(errno, EINVAL);
	start_ticks(SIGUSR1, 2000);
	run(v);
	get_regs(v);
}

TEST(bad, signal_mask)
{
	struct vcpu *v = long_vcpu();
	struct {
		struct kvm_signal_mask head;
		u64 set;
	} __packed m = { .head.len = 4 };

	CHECK_ERRNO(ioctl(v->fd, KVM_SET_SIGNAL_MASK, &m), EINVAL);
	m.head.len = 128;
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_SIGNAL_MASK, &m), EINVAL);
	m.head.len = 0;
	CHECK_ERRNO(ioctl(v->fd, KVM_SET_SIGNAL_MASK, &m), EINVAL);
	m.head.len = 8;
	CHECK_OK(ioctl(v->fd, KVM_SET_SIGNAL_MASK, &m));
	CHECK_OK(ioctl(v->fd, KVM_SET_SIGNAL_MASK, NULL));
}

TEST(bad, tsc_khz)
{
	struct vcpu *v = long_vcpu();
	long khz = CHECK_OK(ioctl(v->fd, KVM_GET_TSC_KHZ, 0UL));
	long r;

	/* Without scaling hardware a far lower frequency cannot be had. */
	if (!has_cap(KVM_CAP_TSC_CONTROL)) {
		r = ioctl(v->fd, KVM_SET_TSC_KHZ, khz / 4);
		CHECK_EQ(r, -1);
	}
	/* An absurd one is refused, or it is what is reported. */
	r = ioctl(v->fd, KVM_SET_TSC_KHZ, 0x7ffffffeUL);
	if (!r)
		CHECK_EQ(ioctl(v->fd, KVM_GET_TSC_KHZ, 0UL), 0x7ffffffe);
	else
		CHECK_EQ(errno, EINVAL);
}

TEST(bad, kvm_run_scribbled)
{
	struct vcpu *v = long_vcpu();
	unsigned int seed = 3;

	/* Whatever userspace writes to the shared page, the host survives. */
	start_ticks(SIGUSR1, 2000);
	for (unsigned int i = 0; i < 300; i++) {
		u8 *b = (u8 *)v->run;

		for (unsigned int n = 0; n < 50; n++)
			b[lcg(&seed) % PAGE] = lcg(&seed);
		run(v);
	}
	stop_ticks();
	memset(v->run, 0, sizeof(*v->run));
	get_regs(v);
}
