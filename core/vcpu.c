// SPDX-License-Identifier: GPL-2.0-only
/*
 * Life of a vCPU: creation, reset, coming and going on a CPU, destruction,
 * and its file descriptor. Its ioctls are in vcpu_ioctl.c.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/pid.h>
#include <linux/slab.h>
#include <asm/cpufeature.h>
#include <asm/desc.h>
#include <asm/nospec-branch.h>

#include "core/clock.h"
#include "core/cpuid.h"
#include "core/cr.h"
#include "core/debug.h"
#include "core/fpu.h"
#include "core/irq/ipi.h"
#include "core/irq/irqchip.h"
#include "core/irq/lapic.h"
#include "core/msr.h"
#include "core/regs.h"
#include "core/request.h"
#include "core/spin.h"
#include "core/tsc.h"
#include "core/vcpu.h"
#include "core/vcpu_ioctl.h"
#include "core/vm.h"
#include "ops/hw.h"
#include "ops/msr.h"
#include "ops/timer.h"
#include "ops/vcpu.h"

/* Whose guest ran on the CPU last; NULL: nobody's, or it is freed. Written by the CPU itself. */
static DEFINE_PER_CPU(struct kvm_vcpu *, last_vcpu);

/*
 * What one guest trained must not steer another. Preemption is off. Where each
 * exit has a barrier of its own, for the host, there is nothing left of it.
 */
static void part_from_last_guest(struct kvm_vcpu *vcpu)
{
	if (this_cpu_read(last_vcpu) == vcpu)
		return;
	this_cpu_write(last_vcpu, vcpu);
	if (!boot_cpu_has(X86_FEATURE_IBPB_ON_VMEXIT))
		indirect_branch_prediction_barrier();
}

/* Its memory may become another vCPU, which must not be taken for it. */
static void forget_last_guest(struct kvm_vcpu *vcpu)
{
	int cpu;

	for_each_possible_cpu(cpu)
		cmpxchg(per_cpu_ptr(&last_vcpu, cpu), vcpu, NULL);
}

/* Preemption is off. */
static void load_on(struct kvm_vcpu *vcpu, int cpu)
{
	kvm_x86_vcpu_load(vcpu, cpu);
	part_from_last_guest(vcpu);
	/* It compares the CPU with the one before. */
	kvm_tsc_vcpu_load(vcpu, cpu);
	if (vcpu->cpu != cpu && lapic_in_kernel(vcpu))
		kvm_make_request(KVM_REQ_MIGRATE_TIMER, vcpu);
	/* Others read the CPU after the mode or in_guest; this is long before these are set. */
	WRITE_ONCE(vcpu->cpu, cpu);
}

/*
 * An exit leaves no LDT (Intel) or that of when the host's state was saved (AMD),
 * which another thread of this process may have replaced and freed since. The
 * descriptor in the GDT is that of the last LDT this CPU was given: this process's,
 * or an older one or none where the process has just installed its own, and the
 * interrupt that gives it to this CPU is on its way.
 */
static void reload_ldt(void)
{
#ifdef CONFIG_MODIFY_LDT_SYSCALL
	if (unlikely(current->mm && READ_ONCE(current->mm->context.ldt)) &&
	    get_current_gdt_ro()[GDT_ENTRY_LDT].p)
		asm volatile("lldt %w0" : : "r" (GDT_ENTRY_LDT * 8));
#endif
}

static void put_from_cpu(struct kvm_vcpu *vcpu)
{
	kvm_tsc_vcpu_put(vcpu);
	/* Selectors of it may be loaded next. */
	reload_ldt();
	if (vcpu->host_state_saved) {
		vcpu->host_state_saved = false;
		vcpu->stat.host_state_reload++;
		kvm_x86_restore_host_state(vcpu);
	}
	/* The host's values come back when the thread returns to userspace. */
	kvm_user_return_msrs_changed(vcpu);
}

static void sched_in(struct preempt_notifier *pn, int cpu)
{
	struct kvm_vcpu *vcpu = container_of(pn, struct kvm_vcpu, preempt_notifier);

	load_on(vcpu, cpu);
	kvm_spin_sched_in(vcpu);
}

static void sched_out(struct preempt_notifier *pn, struct task_struct *next)
{
	struct kvm_vcpu *vcpu = container_of(pn, struct kvm_vcpu, preempt_notifier);

	kvm_spin_sched_out(vcpu);
	put_from_cpu(vcpu);
}

static struct preempt_ops vcpu_preempt_ops = {
	.sched_in = sched_in,
	.sched_out = sched_out,
};

void vcpu_load(struct kvm_vcpu *vcpu)
{
	int cpu = get_cpu();

	preempt_notifier_register(&vcpu->preempt_notifier);
	load_on(vcpu, cpu);
	put_cpu();
}

void vcpu_put(struct kvm_vcpu *vcpu)
{
	preempt_disable();
	put_from_cpu(vcpu);
	preempt_notifier_unregister(&vcpu->preempt_notifier);
	preempt_enable();
}

/* EDX at reset tells family, model and stepping; a P6 where userspace has set no CPUID. */
static u32 reset_signature(struct kvm_vcpu *vcpu)
{
	struct kvm_cpuid_entry2 *leaf = kvm_find_cpuid_entry(vcpu, 1, 0);

	return leaf ? leaf->eax : 0x600;
}

/* Segments and descriptor tables: the same for power-on and INIT. */
static void reset_segments(struct kvm_vcpu *vcpu)
{
	enum { DATA = 3, CODE = 11, LDT = 2, BUSY_TSS = 11 };
	static const struct {
		u8 type;
		bool system;
	} kinds[NR_VCPU_SREGS] = {
		[VCPU_SREG_ES] = { DATA }, [VCPU_SREG_CS] = { CODE },
		[VCPU_SREG_SS] = { DATA }, [VCPU_SREG_DS] = { DATA },
		[VCPU_SREG_FS] = { DATA }, [VCPU_SREG_GS] = { DATA },
		[VCPU_SREG_TR] = { BUSY_TSS, true }, [VCPU_SREG_LDTR] = { LDT, true },
	};
	const struct kvm_dtable table = { .limit = 0xffff };
	int seg;

	for (seg = 0; seg < NR_VCPU_SREGS; seg++) {
		const struct kvm_segment var = {
			/* The first instruction is fetched from 16 bytes below 4 GiB. */
			.selector = seg == VCPU_SREG_CS ? 0xf000 : 0,
			.base = seg == VCPU_SREG_CS ? 0xffff0000 : 0,
			.limit = 0xffff,
			.type = kinds[seg].type,
			.s = !kinds[seg].system,
			.present = 1,
		};

		kvm_x86_set_segment(vcpu, &var, seg);
	}
	kvm_x86_set_gdt(vcpu, &table);
	kvm_x86_set_idt(vcpu, &table);
}

/**
 * kvm_vcpu_reset() - power-on or INIT state
 * @vcpu: the vCPU, loaded
 * @init_event: INIT: what the architecture keeps across it is kept
 *
 * Source: Intel SDM volume 3, "Processor State After Reset"; AMD APM volume 2,
 * "Processor Initialization State".
 */
void kvm_vcpu_reset(struct kvm_vcpu *vcpu, bool init_event)
{
	unsigned long cache = X86_CR0_CD | X86_CR0_NW;

	if (init_event)
		cache &= kvm_read_cr0(vcpu);
	memset(vcpu->regs, 0, sizeof(vcpu->regs));
	vcpu->regs_avail = ~0U;
	vcpu->regs_dirty = ~0U;
	vcpu->regs[VCPU_REGS_RDX] = reset_signature(vcpu);
	vcpu->regs[VCPU_REGS_RIP] = 0xfff0;

	memset(&vcpu->ev, 0, sizeof(vcpu->ev));
	memset(vcpu->db, 0, sizeof(vcpu->db));
	vcpu->dr6 = DR6_ACTIVE_LOW;
	vcpu->dr7 = DR7_FIXED_1;
	vcpu->cr2 = 0;
	vcpu->cr8 = 0;
	vcpu->complete.kind = COMPLETE_NONE;
	emul_reset(&vcpu->emul);

	kvm_fpu_vcpu_reset(vcpu, init_event);
	kvm_msr_vcpu_reset(vcpu, init_event);
	kvm_x86_vcpu_reset(vcpu, init_event);
	kvm_pause_window_reset(vcpu);
	kvm_end_debug_loan(vcpu);
	kvm_x86_set_pat(vcpu);
	reset_segments(vcpu);
	kvm_install_cr0(vcpu, cache | X86_CR0_ET);
	kvm_install_cr3(vcpu, 0);
	kvm_install_cr4(vcpu, 0);
	kvm_install_efer(vcpu, 0);
	kvm_x86_set_rflags(vcpu, X86_EFLAGS_FIXED);
	kvm_x86_write_tsc_offset(vcpu);
	kvm_x86_write_tsc_multiplier(vcpu);
	kvm_update_dr0123(vcpu);
	kvm_update_dr7(vcpu);
	kvm_x86_set_exception_bitmap(vcpu, kvm_exceptions_to_intercept(vcpu));
	kvm_x86_vcpu_after_set_cpuid(vcpu);
	kvm_recalc_msr_intercepts(vcpu);

	if (lapic_in_kernel(vcpu))
		kvm_lapic_reset(vcpu, init_event);

	kvm_make_request(KVM_REQ_LOAD_MMU_PGD, vcpu);
	kvm_make_request(KVM_REQ_TLB_FLUSH, vcpu);
}

static void vcpu_destroy(struct kvm_vcpu *vcpu)
{
	/* The VM's last reference is gone: nobody kicks. */
	put_pid(rcu_dereference_protected(vcpu->pid, true));
	/* First: until then its timer may fire and deliver. */
	kvm_lapic_destroy(vcpu);
	kvm_x86_vcpu_free(vcpu);
	forget_last_guest(vcpu);
	tdp_vcpu_destroy(vcpu);
	kvm_fpu_vcpu_destroy(vcpu);
	kvm_cpuid_vcpu_destroy(vcpu);
	free_page((unsigned long)vcpu->pio_data);
	free_page((unsigned long)vcpu->run);
	kfree(vcpu);
}

void kvm_vcpu_destroy_all(struct kvm *kvm)
{
	struct kvm_vcpu *vcpu;
	unsigned long i;

	kvm_for_each_vcpu(i, vcpu, kvm)
		vcpu_destroy(vcpu);
	atomic_set(&kvm->online_vcpus, 0);
	xa_destroy(&kvm->vcpu_array);
}

static int alloc_pages_of(struct kvm_vcpu *vcpu)
{
	vcpu->run = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	vcpu->pio_data = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	return vcpu->run && vcpu->pio_data ? 0 : -ENOMEM;
}

static void init_fields(struct kvm_vcpu *vcpu, struct kvm *kvm, u32 id)
{
	vcpu->kvm = kvm;
	vcpu->vcpu_id = id;
	vcpu->cpu = -1;
	vcpu->last_run_cpu = -1;
	vcpu->mode = OUTSIDE_RUN_LOOP;
	vcpu->mp_state = KVM_MP_STATE_RUNNABLE;
	/* Somebody has to start the others, where that is ours to see. */
	if (irqchip_in_kernel(kvm) && id != kvm->bsp_vcpu_id)
		vcpu->mp_state = KVM_MP_STATE_UNINITIALIZED;
	rcuwait_init(&vcpu->wait);
	mutex_init(&vcpu->mutex);
	preempt_notifier_init(&vcpu->preempt_notifier, &vcpu_preempt_ops);
}

static int create_parts(struct kvm_vcpu *vcpu)
{
	int err;

	err = alloc_pages_of(vcpu);
	if (err)
		goto pages;
	err = kvm_fpu_vcpu_create(vcpu);
	if (err)
		goto pages;
	err = tdp_vcpu_init(vcpu);
	if (err)
		goto fpu;
	if (irqchip_in_kernel(vcpu->kvm)) {
		err = kvm_lapic_create(vcpu);
		if (err)
			goto tdp;
	}
	err = kvm_x86_vcpu_create(vcpu);
	if (err)
		goto lapic;
	return 0;
lapic:
	kvm_lapic_destroy(vcpu);
tdp:
	tdp_vcpu_destroy(vcpu);
fpu:
	kvm_fpu_vcpu_destroy(vcpu);
pages:
	free_page((unsigned long)vcpu->pio_data);
	free_page((unsigned long)vcpu->run);
	return err;
}

/**
 * kvm_vcpu_create() - make a vCPU in its power-on state
 * @kvm: its VM
 * @id: its APIC id
 *
 * It is not yet visible to anybody.
 * Context: may sleep. Return: the vCPU or an ERR_PTR.
 */
struct kvm_vcpu *kvm_vcpu_create(struct kvm *kvm, u32 id)
{
	struct kvm_vcpu *vcpu;
	int err;

	vcpu = kzalloc(kvm_x86_vcpu_size(), GFP_KERNEL_ACCOUNT);
	if (!vcpu)
		return ERR_PTR(-ENOMEM);
	init_fields(vcpu, kvm, id);
	err = create_parts(vcpu);
	if (err) {
		kfree(vcpu);
		return ERR_PTR(err);
	}
	kvm_cpuid_vcpu_create(vcpu);
	kvm_stats_vcpu_init(vcpu);

	vcpu_load(vcpu);
	kvm_tsc_vcpu_create(vcpu);
	kvm_vcpu_reset(vcpu, false);
	vcpu_put(vcpu);
	return vcpu;
}

/* kvm->lock is held. Count a vCPU before it exists, so that limits cannot be overrun. */
static int reserve_vcpu(struct kvm *kvm, u32 id)
{
	struct kvm_vcpu *other;
	unsigned long i;

	if (kvm->created_vcpus >= KVM_MAX_VCPUS)
		return -EINVAL;
	if (kvm->max_vcpu_ids && id >= kvm->max_vcpu_ids)
		return -EINVAL;
	kvm_for_each_vcpu(i, other, kvm) {
		if (other->vcpu_id == id)
			return -EEXIST;
	}
	kvm->created_vcpus++;
	return 0;
}

/* kvm->lock is held, and the entry has been reserved: this cannot fail. */
static void publish_vcpu(struct kvm *kvm, struct kvm_vcpu *vcpu)
{
	xa_store(&kvm->vcpu_array, vcpu->vcpu_idx, vcpu, 0);
	/* Pairs with the acquire in kvm_for_each_vcpu(): counted means found. */
	atomic_set_release(&kvm->online_vcpus, vcpu->vcpu_idx + 1);
	if (lapic_in_kernel(vcpu))
		kvm_recalculate_apic_map(kvm);
}

static vm_fault_t vcpu_mmap_fault(struct vm_fault *vmf)
{
	struct kvm_vcpu *vcpu = vmf->vma->vm_file->private_data;
	struct page *page;

	switch (vmf->pgoff) {
	case 0:
		page = virt_to_page(vcpu->run);
		break;
	case KVM_PIO_PAGE_OFFSET:
		page = virt_to_page(vcpu->pio_data);
		break;
	case KVM_COALESCED_MMIO_PAGE_OFFSET:
		page = virt_to_page(vcpu->kvm->buses.ring);
		break;
	default:
		return VM_FAULT_SIGBUS;
	}
	get_page(page);
	vmf->page = page;
	return 0;
}

static const struct vm_operations_struct vcpu_vm_ops = {
	.fault = vcpu_mmap_fault,
};

static int vcpu_mmap(struct file *filp, struct vm_area_struct *vma)
{
	vma->vm_ops = &vcpu_vm_ops;
	return 0;
}

static int vcpu_release(struct inode *inode, struct file *filp)
{
	struct kvm_vcpu *vcpu = filp->private_data;

	kvm_put_kvm(vcpu->kvm);
	return 0;
}

static const struct file_operations vcpu_fops = {
	.owner = THIS_MODULE,
	.release = vcpu_release,
	.unlocked_ioctl = kvm_vcpu_ioctl,
#ifdef CONFIG_COMPAT
	.compat_ioctl = kvm_vcpu_compat_ioctl,
#endif
	.mmap = vcpu_mmap,
	.llseek = noop_llseek,
};

static struct file *vcpu_file(struct kvm_vcpu *vcpu)
{
	char name[32];

	snprintf(name, sizeof(name), "kvm-vcpu:%d", vcpu->vcpu_id);
	return anon_inode_getfile(name, &vcpu_fops, vcpu, O_RDWR);
}

/*
 * All that can fail comes before the file exists: a file is released later
 * than fput(), and would find its vCPU gone.
 */
static int create_and_publish(struct kvm *kvm, u32 id, int fd)
{
	int idx = atomic_read(&kvm->online_vcpus);
	struct kvm_vcpu *vcpu;
	struct file *file;
	int err;

	err = xa_reserve(&kvm->vcpu_array, idx, GFP_KERNEL_ACCOUNT);
	if (err)
		return err;
	vcpu = kvm_vcpu_create(kvm, id);
	if (IS_ERR(vcpu)) {
		err = PTR_ERR(vcpu);
		goto release;
	}
	vcpu->vcpu_idx = idx;
	kvm_get_kvm(kvm);
	file = vcpu_file(vcpu);
	if (IS_ERR(file)) {
		err = PTR_ERR(file);
		vcpu_destroy(vcpu);
		kvm_put_kvm(kvm);
		goto release;
	}
	publish_vcpu(kvm, vcpu);
	fd_install(fd, file);
	return fd;
release:
	xa_release(&kvm->vcpu_array, idx);
	return err;
}

/**
 * kvm_vm_ioctl_create_vcpu() - KVM_CREATE_VCPU
 * @kvm: the VM
 * @id: the vCPU's id
 *
 * Return: a file descriptor, -EINVAL (id, too many), -EEXIST (id taken),
 * -ENOMEM, -EMFILE.
 */
int kvm_vm_ioctl_create_vcpu(struct kvm *kvm, unsigned long id)
{
	int fd, err;

	if (id >= KVM_MAX_VCPU_ID)
		return -EINVAL;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;

	mutex_lock(&kvm->lock);
	err = reserve_vcpu(kvm, id);
	if (!err) {
		err = create_and_publish(kvm, id, fd);
		if (err < 0)
			kvm->created_vcpus--;
	}
	mutex_unlock(&kvm->lock);
	if (err < 0)
		put_unused_fd(fd);
	return err;
}
