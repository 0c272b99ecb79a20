// SPDX-License-Identifier: GPL-2.0-only
/*
 * ioctls on /dev/kvm itself: version, lists of MSRs and CPUID leaves, VM
 * types, and what must be refused.  Capabilities one by one are in caps.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness.h"

TEST(system, api_version)
{
	CHECK_EQ(CHECK_OK(ioctl(kvm_dev(), KVM_GET_API_VERSION, 0UL)), 12);
	CHECK_ERRNO(ioctl(kvm_dev(), KVM_GET_API_VERSION, 1UL), EINVAL);
}

TEST(system, vcpu_mmap_size)
{
	long size = CHECK_OK(ioctl(kvm_dev(), KVM_GET_VCPU_MMAP_SIZE, 0UL));

	CHECK(size >= (long)sizeof(struct kvm_run));
	CHECK_EQ(size % PAGE, 0);
	/* The coalesced ring, if there is one, is inside of what is mapped. */
	CHECK(size >= (long)((has_cap(KVM_CAP_COALESCED_MMIO) + 1) * PAGE));
	CHECK_ERRNO(ioctl(kvm_dev(), KVM_GET_VCPU_MMAP_SIZE, 1UL), EINVAL);
}

TEST(system, create_vm_types)
{
	unsigned long types = 1;

	if (has_cap(KVM_CAP_VM_TYPES))
		types = has_cap(KVM_CAP_VM_TYPES);
	CHECK(types & 1);
	for (unsigned long type = 0; type < 32; type++) {
		if (types & 1UL << type)
			close(CHECK_OK(ioctl(kvm_dev(), KVM_CREATE_VM, type)));
		else
			CHECK_ERRNO(ioctl(kvm_dev(), KVM_CREATE_VM, type),
				    EINVAL);
	}
	if (WIDE)
		CHECK_ERRNO(ioctl(kvm_dev(), KVM_CREATE_VM, (long)(1ULL << 32)), EINVAL);
	CHECK_ERRNO(ioctl(kvm_dev(), KVM_CREATE_VM, ~0UL), EINVAL);
}

TEST_STRICT(system, unknown_ioctl,
	    "answers an unknown ioctl of /dev/kvm with EINVAL")
{
	CHECK_ERRNO(ioctl(kvm_dev(), _IO(KVMIO, 0xfe), 0UL), ENOTTY);
	CHECK_ERRNO(ioctl(kvm_dev(), _IO(0x12, 0x00), 0UL), ENOTTY);
}

/* The size is part of an ioctl's number, so another size is another ioctl. */
TEST(system, wrong_size)
{
	u64 buf[64] = { 0 };

	CHECK_ERRNO2(ioctl(kvm_dev(), _IOWR(KVMIO, 0x02, u64), buf),
		     ENOTTY, EINVAL);
	CHECK_ERRNO2(ioctl(kvm_dev(), _IOWR(KVMIO, 0x05, u32[3]), buf),
		     ENOTTY, EINVAL);
	CHECK_ERRNO2(ioctl(kvm_dev(), _IOR(KVMIO, 0x02, struct kvm_msr_list),
			   buf), ENOTTY, EINVAL);
	CHECK_ERRNO2(ioctl(kvm_dev(), _IOR(KVMIO, 0x00, u32), buf),
		     ENOTTY, EINVAL);
}

/* ioctls of a VM and of a vCPU are not those of the device. */
TEST(system, foreign_ioctls)
{
	static const unsigned long foreign[] = {
		KVM_CREATE_VCPU, KVM_SET_USER_MEMORY_REGION, KVM_GET_DIRTY_LOG,
		KVM_SET_TSS_ADDR, KVM_IOEVENTFD, KVM_RUN, KVM_GET_REGS,
		KVM_SET_REGS, KVM_GET_SREGS, KVM_INTERRUPT, KVM_NMI,
		KVM_SET_CPUID2, KVM_SET_MSRS, KVM_SET_SIGNAL_MASK,
	};
	u64 buf[512] = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(foreign); i++)
		CHECK_ERRNO2(ioctl(kvm_dev(), foreign[i], buf), ENOTTY, EINVAL);
}

TEST(system, check_extension_unknown)
{
	CHECK_EQ(has_cap(0x7fffffff), 0);
	CHECK_EQ(has_cap(100000), 0);
	CHECK_EQ(has_cap(-1), 0);
	/* Numbers that no architecture gave out on x86. */
	CHECK_EQ(has_cap(KVM_CAP_S390_PSW), 0);
	CHECK_EQ(has_cap(KVM_CAP_PPC_UNSET_IRQ), 0);
	CHECK_EQ(has_cap(KVM_CAP_ARM_PSCI), 0);
}

static void no_duplicates(const struct kvm_msr_list *l)
{
	for (unsigned int i = 0; i < l->nmsrs; i++)
		for (unsigned int j = 0; j < i; j++)
			if (l->indices[i] == l->indices[j])
				FAIL("MSR %#x is listed twice", l->indices[i]);
}

TEST(system, msr_index_list)
{
	struct kvm_msr_list probe = { .nmsrs = 0 };
	struct kvm_msr_list *l;

	CHECK_ERRNO(ioctl(kvm_dev(), KVM_GET_MSR_INDEX_LIST, &probe), E2BIG);
	CHECK(probe.nmsrs >= 10);
	probe.nmsrs--;
	CHECK_ERRNO(ioctl(kvm_dev(), KVM_GET_MSR_INDEX_LIST, &probe), E2BIG);
	l = msr_list(KVM_GET_MSR_INDEX_LIST);
	no_duplicates(l);
	CHECK_ERRNO(ioctl(kvm_dev(), KVM_GET_MSR_INDEX_LIST, NULL), EFAULT);
	CHECK_ERRNO(ioctl(kvm_dev(), KVM_GET_MSR_INDEX_LIST, BAD_PTR), EFAULT);
}

/* What is listed can be read, and what was read can be written back. */
TEST(system, msr_index_list_usable)
{
	struct kvm_msr_list *l = msr_list(KVM_GET_MSR_INDEX_LIST);
	struct vcpu *v = vcpu_create(vm_create(), 0);
	unsigned int bad = 0;
	u64 value;

	for (unsigned int i = 0; i < l->nmsrs; i++) {
		if (!get_msr(v, l->indices[i], &value)) {
			note("MSR %#x is listed and cannot be read",
			     l->indices[i]);
			bad++;
		} else if (l->indices[i] == 0x4b564d06) {
			/* Asynchronous page faults need an in-kernel APIC. */
			continue;
		} else if (!set_msr(v, l->indices[i], value)) {
			note("MSR %#x does not take back %#lx", l->indices[i],
			     (unsigned long)value);
			bad++;
		}
	}
	CHECK_EQ(bad, 0);
}

TEST(system, msr_feature_list)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} m = { .head.nmsrs = 1 };
	struct kvm_msr_list *l;

	NEED_CAP(KVM_CAP_GET_MSR_FEATURES);
	l = msr_list(KVM_GET_MSR_FEATURE_INDEX_LIST);
	no_duplicates(l);
	for (unsigned int i = 0; i < l->nmsrs; i++) {
		m.entry.index = l->indices[i];
		if (CHECK_OK(ioctl(kvm_dev(), KVM_GET_MSRS, &m)) != 1)
			FAIL("feature MSR %#x cannot be read", l->indices[i]);
	}
	/* An MSR that is no feature ends the list there: none was read. */
	m.entry.index = 0x12345678;
	CHECK_EQ(CHECK_OK(ioctl(kvm_dev(), KVM_GET_MSRS, &m)), 0);
	CHECK_ERRNO(ioctl(kvm_dev(), KVM_GET_MSRS, BAD_PTR), EFAULT);
	CHECK_ERRNO(ioctl(kvm_dev(), KVM_GET_MSR_FEATURE_INDEX_LIST, BAD_PTR),
		    EFAULT);
	m.head.nmsrs = 1 << 20;
	CHECK_ERRNO(ioctl(kvm_dev(), KVM_GET_MSRS, &m), E2BIG);
}

TEST(system, supported_cpuid)
{
	struct kvm_cpuid2 *c = supported_cpuid(), *again;
	struct kvm_cpuid_entry2 *e;
	u32 nent = c->nent;

	CHECK(nent > 4 && nent < 256);
	e = cpuid_find(c, 0, 0);
	CHECK(e && e->eax >= 1 && e->ebx && e->ecx && e->edx);
	CHECK(cpuid_find(c, 1, 0));
	e = cpuid_find(c, 0x80000000, 0);
	CHECK(e && e->eax >= 0x80000008);
	e = cpuid_find(c, 0x80000001, 0);
	CHECK(e && (e->edx & 1 << 29));		/* long mode */
	for (u32 i = 0; i < nent; i++) {
		CHECK(cpuid_find(c, c->entries[i].function,
				 c->entries[i].index) == &c->entries[i]);
		CHECK_EQ(c->entries[i].flags & ~7u, 0);
	}
	/* The length that was returned is enough, one less is not. */
	again = calloc(1, sizeof(*c) + nent * sizeof(c->entries[0]));
	again->nent = nent;
	CHECK_OK(ioctl(kvm_dev(), KVM_GET_SUPPORTED_CPUID, again));
	CHECK_EQ(again->nent, nent);
	again->nent = nent - 1;
	CHECK_ERRNO(ioctl(kvm_dev(), KVM_GET_SUPPORTED_CPUID, again), E2BIG);
	again->nent = 0;
	CHECK_ERRNO(ioctl(kvm_dev(), KVM_GET_SUPPORTED_CPUID, again), E2BIG);
	CHECK_ERRNO(ioctl(kvm_dev(), KVM_GET_SUPPORTED_CPUID, BAD_PTR), EFAULT);
}

/* Leaves must not promise what the host's CPU does not have. */
TEST(system, supported_cpuid_within_host)
{
	struct kvm_cpuid2 *c = supported_cpuid();
	struct kvm_cpuid_entry2 *e = cpuid_find(c, 7, 0);
	u32 a, b, cx, d;

	asm volatile("cpuid" : "=a"(a), "=b"(b), "=c"(cx), "=d"(d)
		     : "a"(1), "c"(0));
	/* X2APIC, TSC-deadline and HYPERVISOR can be made by software. */
	CHECK_EQ(cpuid_find(c, 1, 0)->ecx & ~cx & ~(1u << 21 | 1u << 24 |
						     1u << 31), 0);
	/* Self-snoop and the like are not invented either. */
	CHECK_EQ(cpuid_find(c, 1, 0)->edx & ~d, 0);
	asm volatile("cpuid" : "=a"(a), "=b"(b), "=c"(cx), "=d"(d)
		     : "a"(7), "c"(0));
	/* TSC_ADJUST needs no hardware. */
	if (e)
		CHECK_EQ(e->ebx & ~b & ~2u, 0);
}

TEST(system, emulated_cpuid)
{
	struct kvm_cpuid2 *c = supported_cpuid();

	NEED_CAP(KVM_CAP_EXT_EMUL_CPUID);
	c->nent = 256;
	memset(c->entries, 0, 256 * sizeof(c->entries[0]));
	CHECK_OK(ioctl(kvm_dev(), KVM_GET_EMULATED_CPUID, c));
	CHECK(c->nent <= 256);
	CHECK_ERRNO(ioctl(kvm_dev(), KVM_GET_EMULATED_CPUID, BAD_PTR), EFAULT);
	c->nent = 0;
	CHECK_ERRNO(ioctl(kvm_dev(), KVM_GET_EMULATED_CPUID, c), E2BIG);
}

TEST(system, mce_cap_supported)
{
	u64 cap = 0;

	NEED_CAP(KVM_CAP_MCE);
	CHECK_OK(ioctl(kvm_dev(), KVM_X86_GET_MCE_CAP_SUPPORTED, &cap));
	CHECK_ERRNO(ioctl(kvm_dev(), KVM_X86_GET_MCE_CAP_SUPPORTED, BAD_PTR),
		    EFAULT);
}

TEST(system, device_attr)
{
	u64 xcr0 = 0;
	struct kvm_device_attr a = {
		.attr = KVM_X86_XCOMP_GUEST_SUPP, .addr = (uintptr_t)&xcr0,
	};

	NEED_CAP(KVM_CAP_SYS_ATTRIBUTES);
	CHECK_OK(ioctl(kvm_dev(), KVM_HAS_DEVICE_ATTR, &a));
	CHECK_OK(ioctl(kvm_dev(), KVM_GET_DEVICE_ATTR, &a));
	CHECK(xcr0 & 1);
	a.addr = (uintptr_t)BAD_PTR;
	CHECK_ERRNO(ioctl(kvm_dev(), KVM_GET_DEVICE_ATTR, &a), EFAULT);
	a.attr = 0x7777;
	CHECK_ERRNO(ioctl(kvm_dev(), KVM_HAS_DEVICE_ATTR, &a), ENXIO);
	a.attr = 0;
	a.group = 0x7777;
	CHECK_ERRNO(ioctl(kvm_dev(), KVM_HAS_DEVICE_ATTR, &a), ENXIO);
	CHECK_ERRNO(ioctl(kvm_dev(), KVM_HAS_DEVICE_ATTR, BAD_PTR), EFAULT);
}

TEST(system, no_read_no_write)
{
	char byte = 0;

	CHECK_ERRNO(read(kvm_dev(), &byte, 1), EINVAL);
	CHECK_ERRNO(write(kvm_dev(), &byte, 1), EINVAL);
}
