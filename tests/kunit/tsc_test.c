// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's TSC and clock: arithmetic, synchronisation of vCPUs, what
 * userspace sets. Nothing here measures time.
 */
#include <kunit/test.h>
#include <linux/math64.h>
#include <asm/kvm_para.h>
#include <asm/pvclock.h>
#include <asm/tsc.h>

#include "core/clock.h"
#include "core/memslot.h"
#include "core/request.h"
#include "core/tsc.h"
#include "core/vm.h"
#include "tests/fake/fake.h"

static void ratio(struct kunit *test)
{
	/* Twice, half and equal; with no bits, or a quotient too large, nothing. */
	KUNIT_EXPECT_EQ(test, kvm_tsc_ratio(2000000, 1000000, 32), 2ULL << 32);
	KUNIT_EXPECT_EQ(test, kvm_tsc_ratio(1000000, 2000000, 48), 1ULL << 47);
	KUNIT_EXPECT_EQ(test, kvm_tsc_ratio(1234567, 1234567, 48), 1ULL << 48);
	KUNIT_EXPECT_EQ(test, kvm_tsc_ratio(1000000, 1000000, 0), 0ULL);
	KUNIT_EXPECT_EQ(test, kvm_tsc_ratio(1000000, 0, 32), 0ULL);
	KUNIT_EXPECT_EQ(test, kvm_tsc_ratio(U32_MAX, 1, 48), 0ULL);
}

static void scale(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, kvm_tsc_scale(1000, 3ULL << 31, 32), 1500ULL);
	KUNIT_EXPECT_EQ(test, kvm_tsc_scale(1000, 123, 0), 1000ULL);
	KUNIT_EXPECT_EQ(test, kvm_tsc_scale(1ULL << 60, 1ULL << 47, 48), 1ULL << 59);
	KUNIT_EXPECT_EQ(test, kvm_tsc_scale(~0ULL, 1ULL << 48, 48), ~0ULL);
}

static void cycles(struct kunit *test)
{
	const u64 day = 86400 * NSEC_PER_SEC;

	KUNIT_EXPECT_EQ(test, kvm_tsc_cycles(1999999, 1000), 1999ULL);
	KUNIT_EXPECT_EQ(test, kvm_tsc_cycles(999999, 1), 0ULL);
	KUNIT_EXPECT_EQ(test, kvm_tsc_cycles(NSEC_PER_SEC, 2494140), 2494140000ULL);
	KUNIT_EXPECT_EQ(test, kvm_tsc_cycles(49 * day, U32_MAX), 49 * 86400000ULL * U32_MAX);
	/* Beyond 64 bits it wraps, and nothing else happens. */
	KUNIT_EXPECT_EQ(test, kvm_tsc_cycles(100 * day, U32_MAX), 100 * 86400000ULL * U32_MAX);
	KUNIT_EXPECT_EQ(test, kvm_tsc_cycles(~0ULL, U32_MAX),
			18446744073709ULL * U32_MAX + 551615ULL * U32_MAX / 1000000);
}

static void synchronises(struct kunit *test)
{
	const u32 khz = 1000000;	/* a second is 10^9 */
	const u64 t = 5000000000ULL;

	KUNIT_EXPECT_TRUE(test, kvm_tsc_write_synchronises(t, t, khz));
	KUNIT_EXPECT_TRUE(test, kvm_tsc_write_synchronises(t, t + 999999999, khz));
	KUNIT_EXPECT_TRUE(test, kvm_tsc_write_synchronises(t, t - 999999999, khz));
	KUNIT_EXPECT_FALSE(test, kvm_tsc_write_synchronises(t, t + 1000000000, khz));
	KUNIT_EXPECT_FALSE(test, kvm_tsc_write_synchronises(t, t - 1000000000, khz));
	/* Across the wrap. */
	KUNIT_EXPECT_TRUE(test, kvm_tsc_write_synchronises(5, ~0ULL, khz));
	KUNIT_EXPECT_FALSE(test, kvm_tsc_write_synchronises(t, 0, khz));
}

/* A second's worth of cycles is a second, to a part in 2^31 and the kHz's rounding. */
static void clock_scale(struct kunit *test)
{
	static const u32 khz[] = { 1, 1000, 32768, 999999, 1000000, 1000001, 2494140, 3000000,
				   4294967, 5000000, U32_MAX };
	u64 cycles, ns;
	u32 mul;
	s8 shift;
	int i;

	for (i = 0; i < ARRAY_SIZE(khz); i++) {
		kvm_clock_scale(khz[i], &mul, &shift);
		cycles = khz[i] * 1000ULL;
		ns = pvclock_scale_delta(cycles, mul, shift);
		KUNIT_EXPECT_GE_MSG(test, ns, 999999990ULL, "%u kHz", khz[i]);
		KUNIT_EXPECT_LE_MSG(test, ns, 1000000000ULL, "%u kHz", khz[i]);
		KUNIT_EXPECT_GE_MSG(test, mul, 1U << 31, "%u kHz", khz[i]);
	}
}

static void tsc_set_host(struct kvm_vcpu *vcpu, u64 data)
{
	kvm_write_tsc(vcpu, data, true);
}

/* vCPUs created one after the other, and ones set to nearly the same time, agree. */
static void vcpus_agree(struct kunit *test)
{
	struct kvm *kvm = fake_vm_create(test);
	struct kvm_vcpu *a = fake_vcpu_create(test, kvm);
	struct kvm_vcpu *b = fake_vcpu_create(test, kvm);

	if (check_tsc_unstable())
		kunit_skip(test, "offsets mean nothing on this host");
	KUNIT_EXPECT_EQ(test, a->tsc_offset, b->tsc_offset);

	tsc_set_host(a, 1ULL << 50);
	KUNIT_EXPECT_NE(test, a->tsc_offset, b->tsc_offset);
	tsc_set_host(b, (1ULL << 50) + 1000);
	KUNIT_EXPECT_EQ(test, a->tsc_offset, b->tsc_offset);
	/* Far away is meant as it is. */
	tsc_set_host(b, 1ULL << 51);
	KUNIT_EXPECT_NE(test, a->tsc_offset, b->tsc_offset);
}

static struct kvm_vcpu *one_vcpu(struct kunit *test)
{
	return fake_vcpu_create(test, fake_vm_create(test));
}

/*
 * The TSC of the CPU the vCPU comes to is behind that of the one it left: the
 * guest's goes on from where it was.
 */
static void host_restarts(struct kunit *test)
{
	struct kvm_vcpu *vcpu = one_vcpu(test);
	u64 offset = vcpu->tsc_offset, seen, before, after;

	if (check_tsc_unstable())
		kunit_skip(test, "the time away is counted in, and not known here");
	/* It does not, and nothing changes. */
	vcpu_load(vcpu);
	vcpu_put(vcpu);
	KUNIT_EXPECT_EQ(test, vcpu->tsc_offset, offset);

	vcpu->last_host_tsc += 1ULL << 40;
	seen = kvm_read_l1_tsc(vcpu, vcpu->last_host_tsc);
	before = rdtsc();
	vcpu_load(vcpu);
	after = rdtsc();
	vcpu_put(vcpu);
	KUNIT_EXPECT_EQ(test, to_fake(vcpu)->hw_tsc_offset, vcpu->tsc_offset);
	/* As if the load had come at the moment of the put. */
	KUNIT_EXPECT_LE(test, kvm_read_l1_tsc(vcpu, before), seen);
	KUNIT_EXPECT_GE(test, kvm_read_l1_tsc(vcpu, after), seen);
}

/*
 * The host resumes with a TSC that is behind: the vCPUs of a VM still agree, also
 * if one was there long before the other and one comes only then.
 */
static void host_resumes(struct kunit *test)
{
	struct kvm *kvm = fake_vm_create(test);
	struct kvm_vcpu *a = fake_vcpu_create(test, kvm);
	struct kvm_vcpu *b = fake_vcpu_create(test, kvm);
	const u64 lost = 1ULL << 40;
	u64 offset = a->tsc_offset, now;

	if (check_tsc_unstable())
		kunit_skip(test, "offsets mean nothing on this host");
	vcpu_load(a);
	vcpu_put(a);
	vcpu_load(b);
	vcpu_put(b);
	a->last_host_tsc -= 1ULL << 20;
	now = rdtsc();
	/* One that went on is none of ours. */
	kvm_tsc_host_resume(now, now + 1);
	vcpu_load(a);
	vcpu_put(a);
	KUNIT_EXPECT_EQ(test, a->tsc_offset, offset);

	kvm_tsc_host_resume(now + lost, now);
	vcpu_load(a);
	vcpu_put(a);
	KUNIT_EXPECT_EQ(test, a->tsc_offset, offset + lost);
	KUNIT_EXPECT_EQ(test, to_fake(a)->hw_tsc_offset, a->tsc_offset);
	KUNIT_EXPECT_EQ(test, fake_vcpu_create(test, kvm)->tsc_offset, a->tsc_offset);
	/* Again, before the other one has seen the first. */
	kvm_tsc_host_resume(now + lost, now);
	vcpu_load(b);
	vcpu_put(b);
	vcpu_load(a);
	vcpu_put(a);
	KUNIT_EXPECT_EQ(test, a->tsc_offset, offset + 2 * lost);
	KUNIT_EXPECT_EQ(test, b->tsc_offset, a->tsc_offset);
}

/* A guest's write of the TSC moves TSC_ADJUST by as much; the reverse as well. */
static void adjust(struct kunit *test)
{
	struct kvm_vcpu *vcpu = one_vcpu(test);
	u64 before, adjusted;

	before = vcpu->tsc_offset;
	kvm_write_tsc(vcpu, 1ULL << 40, false);
	adjusted = vcpu->ia32_tsc_adjust;
	KUNIT_EXPECT_EQ(test, vcpu->tsc_offset - before, adjusted);

	kvm_adjust_tsc(vcpu, adjusted + 500, false);
	KUNIT_EXPECT_EQ(test, vcpu->tsc_offset - before, adjusted + 500);
	/* Userspace restores the two independently. */
	kvm_adjust_tsc(vcpu, 7, true);
	KUNIT_EXPECT_EQ(test, vcpu->ia32_tsc_adjust, 7ULL);
	KUNIT_EXPECT_EQ(test, vcpu->tsc_offset - before, adjusted + 500);
}

static void khz(struct kunit *test)
{
	struct kvm_vcpu *vcpu = one_vcpu(test);
	u32 old = vcpu->virtual_tsc_khz;

	KUNIT_EXPECT_EQ(test, old, (u32)tsc_khz);
	KUNIT_EXPECT_EQ(test, kvm_set_tsc_khz(vcpu, tsc_khz + 1), 0);
	KUNIT_EXPECT_EQ(test, vcpu->virtual_tsc_khz, tsc_khz + 1);
	KUNIT_EXPECT_EQ(test, kvm_set_tsc_khz(vcpu, 0), 0);
	KUNIT_EXPECT_EQ(test, vcpu->virtual_tsc_khz, (u32)tsc_khz);
	if (!kvm_has_tsc_control()) {
		KUNIT_EXPECT_EQ(test, kvm_set_tsc_khz(vcpu, tsc_khz / 2), -EINVAL);
		KUNIT_EXPECT_EQ(test, vcpu->virtual_tsc_khz, (u32)tsc_khz);
	}
}

static void clock_ioctls(struct kunit *test)
{
	struct kvm *kvm = fake_vm_create(test);
	struct kvm_clock_data data = { .clock = 1ULL << 60 };
	u64 first;

	KUNIT_ASSERT_EQ(test, kvm_vm_ioctl_set_clock(kvm, &data), 0);
	KUNIT_ASSERT_EQ(test, kvm_vm_ioctl_get_clock(kvm, &data), 0);
	KUNIT_EXPECT_GE(test, data.clock, 1ULL << 60);
	KUNIT_EXPECT_TRUE(test, data.flags & KVM_CLOCK_REALTIME);
	first = data.clock;
	KUNIT_ASSERT_EQ(test, kvm_vm_ioctl_get_clock(kvm, &data), 0);
	KUNIT_EXPECT_GE(test, data.clock, first);

	data.flags = BIT(0);
	data.clock = 0;
	KUNIT_EXPECT_EQ(test, kvm_vm_ioctl_set_clock(kvm, &data), -EINVAL);
	KUNIT_ASSERT_EQ(test, kvm_vm_ioctl_get_clock(kvm, &data), 0);
	KUNIT_EXPECT_GE(test, data.clock, first);

	/* With the real time at which the clock was read, what passed since is added. */
	data.flags = KVM_CLOCK_REALTIME;
	data.clock = 1ULL << 61;
	data.realtime -= 1000000;
	KUNIT_ASSERT_EQ(test, kvm_vm_ioctl_set_clock(kvm, &data), 0);
	KUNIT_ASSERT_EQ(test, kvm_vm_ioctl_get_clock(kvm, &data), 0);
	KUNIT_EXPECT_GE(test, data.clock, (1ULL << 61) + 1000000);
}

/* The page: even version, a time that is the VM's, and the news that it was stopped. */
static void clock_page(struct kunit *test)
{
	struct kvm *kvm = fake_vm_create(test);
	struct kvm_vcpu *vcpu = fake_vcpu_create(test, kvm);
	struct pvclock_vcpu_time_info pv = {};
	struct kvm_clock_data data;
	u32 version;
	u64 now;
	int idx;

	fake_add_slot(test, kvm, 0, 0, PAGE_SIZE, 0);
	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_kvmclock_ctrl(vcpu), -EINVAL);
	idx = srcu_read_lock(&kvm->srcu);
	kvm_clock_write_system_time(vcpu, 0x100 | KVM_MSR_ENABLED);
	KUNIT_EXPECT_TRUE(test, kvm_test_request(KVM_REQ_CLOCK_UPDATE, vcpu));
	kvm_clock_update(vcpu);
	kvm_read_guest(kvm, 0x100, &pv, sizeof(pv));
	KUNIT_EXPECT_EQ(test, pv.version & 1, 0U);
	KUNIT_EXPECT_NE(test, pv.version, 0U);
	KUNIT_EXPECT_NE(test, pv.tsc_to_system_mul, 0U);
	KUNIT_EXPECT_EQ(test, pv.flags & PVCLOCK_GUEST_STOPPED, 0);

	/* What the guest computes lies between two readings of the VM's clock. */
	kvm_vm_ioctl_get_clock(kvm, &data);
	now = pv.system_time + pvclock_scale_delta(kvm_read_l1_tsc(vcpu, rdtsc()) -
						   pv.tsc_timestamp,
						   pv.tsc_to_system_mul, pv.tsc_shift);
	if (kvm->clock.master) {
		KUNIT_EXPECT_GE(test, now, data.clock);
		kvm_vm_ioctl_get_clock(kvm, &data);
		KUNIT_EXPECT_LE(test, now, data.clock);
		KUNIT_EXPECT_TRUE(test, pv.flags & PVCLOCK_TSC_STABLE_BIT);
	} else {
		KUNIT_EXPECT_EQ(test, pv.flags & PVCLOCK_TSC_STABLE_BIT, 0);
	}

	version = pv.version;
	KUNIT_EXPECT_EQ(test, kvm_vcpu_ioctl_kvmclock_ctrl(vcpu), 0);
	kvm_clock_update(vcpu);
	kvm_read_guest(kvm, 0x100, &pv, sizeof(pv));
	KUNIT_EXPECT_TRUE(test, pv.flags & PVCLOCK_GUEST_STOPPED);
	KUNIT_EXPECT_EQ(test, pv.version, version + 2);
	/* It stays until the guest clears it, and is not set again. */
	kvm_clock_update(vcpu);
	kvm_read_guest(kvm, 0x100, &pv, sizeof(pv));
	KUNIT_EXPECT_TRUE(test, pv.flags & PVCLOCK_GUEST_STOPPED);
	pv.flags = 0;
	kvm_write_guest(kvm, 0x100, &pv, sizeof(pv));
	kvm_clock_update(vcpu);
	kvm_read_guest(kvm, 0x100, &pv, sizeof(pv));
	KUNIT_EXPECT_EQ(test, pv.flags & PVCLOCK_GUEST_STOPPED, 0);

	/* A page that is no memory is not written, and nothing breaks. */
	kvm_clock_write_system_time(vcpu, 0x100000 | KVM_MSR_ENABLED);
	kvm_clock_update(vcpu);
	KUNIT_EXPECT_EQ(test, kvm_clock_write_wall_clock(kvm, 0x100000), -EFAULT);
	srcu_read_unlock(&kvm->srcu, idx);
}

static struct kunit_case tsc_cases[] = {
	KUNIT_CASE(ratio),
	KUNIT_CASE(scale),
	KUNIT_CASE(cycles),
	KUNIT_CASE(synchronises),
	KUNIT_CASE(clock_scale),
	KUNIT_CASE(vcpus_agree),
	KUNIT_CASE(host_restarts),
	KUNIT_CASE(host_resumes),
	KUNIT_CASE(adjust),
	KUNIT_CASE(khz),
	KUNIT_CASE(clock_ioctls),
	KUNIT_CASE(clock_page),
	{}
};

static struct kunit_suite tsc_suite = {
	.name = "tsc",
	.test_cases = tsc_cases,
};

kunit_test_suites(&tsc_suite);
