// SPDX-License-Identifier: GPL-2.0-only
/*
 * Making VMs, vCPUs, guest memory and vCPU threads for tests. A KUnit test is
 * a kernel thread without an address space; VMs need one, so it is lent one.
 */
#include <kunit/resource.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kthread.h>
#include <linux/mman.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "core/block.h"
#include "core/irq/ipi.h"
#include "core/irq/lapic.h"
#include "core/memslot.h"
#include "core/vcpu_ioctl.h"
#include "tests/fake/fake.h"

struct kvm_vcpu *fake_vcpu_bare(struct kunit *test)
{
	struct fake_vm *vm = kunit_kzalloc(test, sizeof(*vm), GFP_KERNEL);
	struct fake_vcpu *fake = kunit_kzalloc(test, sizeof(*fake), GFP_KERNEL);
	struct kvm_vcpu *vcpu;

	KUNIT_ASSERT_NOT_NULL(test, vm);
	KUNIT_ASSERT_NOT_NULL(test, fake);
	vcpu = &fake->vcpu;
	vcpu->kvm = &vm->kvm;
	vcpu->run = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	vcpu->pio_data = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, vcpu->run);
	KUNIT_ASSERT_NOT_NULL(test, vcpu->pio_data);
	vcpu->cpu = -1;
	vcpu->cr0 = X86_CR0_PE | X86_CR0_ET;
	vcpu->regs_avail = ~0U;
	fake->hw_rflags = X86_EFLAGS_FIXED;
	fake->loaded_cpu = -1;
	return vcpu;
}

unsigned long fake_user_memory(struct kunit *test, unsigned long size)
{
	unsigned long addr = kunit_vm_mmap(test, NULL, 0, size, PROT_READ | PROT_WRITE,
					   MAP_ANONYMOUS | MAP_PRIVATE, 0);

	KUNIT_ASSERT_NE(test, addr, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	return addr;
}

static void put_vm(void *kvm)
{
	kvm_put_kvm(kvm);
}

struct kvm *fake_vm_create(struct kunit *test)
{
	struct kvm *kvm;

	/* KUnit attaches an address space to whoever maps user memory first. */
	fake_user_memory(test, PAGE_SIZE);
	kvm = kvm_create_vm();
	KUNIT_ASSERT_FALSE(test, IS_ERR(kvm));
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, put_vm, kvm), 0);
	return kvm;
}

/* The part of KVM_CREATE_VCPU that a file descriptor is not needed for. */
struct kvm_vcpu *fake_vcpu_create(struct kunit *test, struct kvm *kvm)
{
	int idx = atomic_read(&kvm->online_vcpus);
	struct kvm_vcpu *vcpu = kvm_vcpu_create(kvm, idx);

	KUNIT_ASSERT_FALSE(test, IS_ERR(vcpu));
	vcpu->vcpu_idx = idx;
	KUNIT_ASSERT_EQ(test, xa_err(xa_store(&kvm->vcpu_array, idx, vcpu, GFP_KERNEL)), 0);
	kvm->created_vcpus++;
	atomic_set_release(&kvm->online_vcpus, idx + 1);
	if (lapic_in_kernel(vcpu))
		kvm_recalculate_apic_map(kvm);
	fake_log_clear(to_fake(vcpu));
	return vcpu;
}

unsigned long fake_add_slot(struct kunit *test, struct kvm *kvm, u16 id, gpa_t gpa,
			    unsigned long size, u32 flags)
{
	struct kvm_userspace_memory_region mem = {
		.slot = id,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = fake_user_memory(test, size),
	};

	KUNIT_ASSERT_EQ(test, kvm_set_memory_region(kvm, &mem), 0);
	return mem.userspace_addr;
}

long fake_vcpu_ioctl(struct kvm_vcpu *vcpu, unsigned int ioctl, unsigned long arg)
{
	/* Of its file, the ioctl looks at the vCPU alone. */
	struct file file = { .private_data = vcpu };
	unsigned int kthread = current->flags & PF_KTHREAD;
	long ret;

	/*
	 * The scheduler keeps no FPU registers for a kernel thread. An ioctl is
	 * made by a user's thread, and KVM_RUN has the guest's registers in the
	 * CPU; for as long as it runs, this is one.
	 */
	current->flags &= ~PF_KTHREAD;
	ret = kvm_vcpu_ioctl(&file, ioctl, arg);
	current->flags |= kthread;
	return ret;
}

u32 fake_run(struct kunit *test, struct kvm_vcpu *vcpu)
{
	KUNIT_ASSERT_EQ(test, fake_vcpu_ioctl(vcpu, KVM_RUN, 0), 0);
	return vcpu->run->exit_reason;
}

static int runner_thread(void *data)
{
	struct fake_runner *runner = data;
	struct mm_struct *mm = runner->vcpu->kvm->mm;

	kthread_use_mm(mm);
	do {
		runner->result = fake_vcpu_ioctl(runner->vcpu, KVM_RUN, 0);
		runner->exit_reason = runner->vcpu->run->exit_reason;
		if (runner->exit_reason == KVM_EXIT_HLT)
			runner->halts++;
	} while (runner->result == -EAGAIN ||
		 (!runner->result && runner->exit_reason == KVM_EXIT_HLT));
	kthread_unuse_mm(mm);
	mmput(mm);
	complete_all(&runner->done);
	return 0;
}

/* Far beyond what any test needs. */
#define RUNNER_PATIENCE		(60 * HZ)

static void reap_runner(void *data)
{
	struct fake_runner *runner = data;

	/* A test that has failed may have left it asleep or in the guest. */
	if (!wait_for_completion_timeout(&runner->done, RUNNER_PATIENCE)) {
		pr_err("fake: the guest did not end\n");
		kvm_vm_bugged(runner->vcpu->kvm);
		kvm_vcpu_wake_kick(runner->vcpu);
		wait_for_completion(&runner->done);
	}
	kthread_stop_put(runner->task);
}

struct fake_runner *fake_runner_start(struct kunit *test, struct kvm_vcpu *vcpu)
{
	struct fake_runner *runner = kunit_kzalloc(test, sizeof(*runner), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, runner);
	runner->vcpu = vcpu;
	init_completion(&runner->done);
	runner->task = kthread_create(runner_thread, runner, "fake-vcpu/%d", vcpu->vcpu_id);
	KUNIT_ASSERT_FALSE(test, IS_ERR(runner->task));
	get_task_struct(runner->task);
	/* The thread's loan; the test's own thread may be gone first. */
	mmget(vcpu->kvm->mm);
	wake_up_process(runner->task);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, reap_runner, runner), 0);
	return runner;
}

void fake_runner_join(struct kunit *test, struct fake_runner *runner)
{
	KUNIT_ASSERT_NE(test, wait_for_completion_timeout(&runner->done, RUNNER_PATIENCE), 0);
}
