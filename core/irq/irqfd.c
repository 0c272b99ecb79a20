// SPDX-License-Identifier: GPL-2.0-only
/*
 * irqfds. The signal arrives in the wait queue of the eventfd, in any context
 * and with interrupts off: a message goes out right there, a pin's chip needs a
 * work. Where the GSI leads is routing.c's.
 */
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/poll.h>
#include <linux/rculist.h>
#include <linux/seqlock.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/static_call.h>
#include <linux/workqueue.h>

#include "core/compat.h"
#include "core/irq/irqchip.h"
#include "core/irq/irqfd.h"
#include "core/irq/routing.h"
#include "core/vm.h"

/* All irqfds with a resample eventfd on one GSI: they share the line. */
struct resampler {
	struct list_head link;		/* kvm->irqfds.resamplers */
	struct list_head members;	/* irqfd.member; readers: kvm->irq_srcu */
	u32 gsi;
};

struct irqfd {
	struct kvm *kvm;		/* constant, as the next four */
	u32 gsi;
	struct eventfd_ctx *eventfd;
	struct eventfd_ctx *resamplefd;	/* NULL: a pulse */
	struct resampler *resampler;

	struct list_head link;		/* kvm->irqfds.items; empty: it is shutting down */
	struct list_head member;
	wait_queue_entry_t wait;	/* in the eventfd's queue */
	poll_table poll;

	seqcount_spinlock_t msi_seq;	/* kvm->irqfds.lock; the next two */
	bool has_msi;
	struct kvm_msi_message msi;	/* the one message the GSI leads to */

	struct work_struct inject;
	struct work_struct shutdown;
};

/* Apart from the system's, so that it can be waited for. */
static struct workqueue_struct *shutdown_wq;

/*
 * The kernel adds to an eventfd's wait queue by the poll method of its file
 * only, which is not exported and would be called through a pointer. All
 * eventfds share that method: a static call makes the call a direct one.
 */
static __poll_t poll_nothing(struct file *file, struct poll_table_struct *table)
{
	return EPOLLERR;
}

DEFINE_STATIC_CALL(monovisor_poll_eventfd, poll_nothing);

/*
 * Without a look at what it is bound to: that is set before the code is changed, and
 * whoever finds the first of it may run ahead of the second. The update has a
 * lock, and returns at once where there is nothing to do.
 */
static void bind_poll(const struct file *file)
{
	static_call_update(monovisor_poll_eventfd, file->f_op->poll);
}

static void inject(struct work_struct *work)
{
	struct irqfd *irqfd = container_of(work, struct irqfd, inject);

	if (irqfd->resamplefd) {
		kvm_set_irq(irqfd->kvm, KVM_IRQ_SOURCE_RESAMPLE, irqfd->gsi, true, false);
		return;
	}
	kvm_set_irq(irqfd->kvm, KVM_IRQ_SOURCE_USERSPACE, irqfd->gsi, true, false);
	kvm_set_irq(irqfd->kvm, KVM_IRQ_SOURCE_USERSPACE, irqfd->gsi, false, false);
}

/* Return: false if the GSI leads to anything but one message. */
static bool inject_msi(struct irqfd *irqfd)
{
	struct kvm_msi_message msi;
	unsigned int seq;
	bool has_msi;

	do {
		seq = read_seqcount_begin(&irqfd->msi_seq);
		has_msi = irqfd->has_msi;
		msi = irqfd->msi;
	} while (read_seqcount_retry(&irqfd->msi_seq, seq));
	if (has_msi)
		kvm_msi_deliver(irqfd->kvm, &msi);
	return has_msi;
}

/*
 * irqfds.lock held. Whoever takes it off the list shuts it down, once: closing
 * the eventfd and KVM_IRQFD may race.
 */
static void leave(struct irqfd *irqfd)
{
	list_del_init(&irqfd->link);
	queue_work(shutdown_wq, &irqfd->shutdown);
}

/* Called by the kernel with the lock of the eventfd's queue held, interrupts off. */
static int wakeup(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
	struct irqfd *irqfd = container_of(wait, struct irqfd, wait);
	struct kvm *kvm = irqfd->kvm;
	__poll_t events = key_to_poll(key);
	unsigned long flags;
	int taken = 0, idx;
	u64 count;

	if (events & EPOLLIN) {
		eventfd_ctx_do_read(irqfd->eventfd, &count);
		/* A change of routes waits until nobody uses the old. */
		idx = srcu_read_lock(&kvm->irq_srcu);
		if (!inject_msi(irqfd))
			schedule_work(&irqfd->inject);
		srcu_read_unlock(&kvm->irq_srcu, idx);
		taken = 1;
	}
	if (events & EPOLLHUP) {
		spin_lock_irqsave(&kvm->irqfds.lock, flags);
		if (!list_empty(&irqfd->link))
			leave(irqfd);
		spin_unlock_irqrestore(&kvm->irqfds.lock, flags);
	}
	return taken;
}

static void enqueue(struct file *file, wait_queue_head_t *head, poll_table *table)
{
	struct irqfd *irqfd = container_of(table, struct irqfd, poll);

	/* First in the queue, so that a signal is not also read by somebody else. */
	add_wait_queue_priority(head, &irqfd->wait);
}

/*
 * Resamplers
 */
static struct resampler *find_resampler(struct kvm *kvm, u32 gsi)
{
	struct resampler *resampler;

	list_for_each_entry_srcu(resampler, &kvm->irqfds.resamplers, link,
				 srcu_read_lock_held(&kvm->irq_srcu) ||
				 lockdep_is_held(&kvm->irqfds.resampler_lock)) {
		if (resampler->gsi == gsi)
			return resampler;
	}
	return NULL;
}

static int join_resampler(struct irqfd *irqfd)
{
	struct kvm *kvm = irqfd->kvm;
	struct resampler *resampler;
	bool first = false;
	int err = 0;

	mutex_lock(&kvm->irqfds.resampler_lock);
	resampler = find_resampler(kvm, irqfd->gsi);
	if (!resampler) {
		resampler = kzalloc(sizeof(*resampler), GFP_KERNEL_ACCOUNT);
		if (!resampler) {
			err = -ENOMEM;
			goto out;
		}
		resampler->gsi = irqfd->gsi;
		INIT_LIST_HEAD(&resampler->members);
		first = true;
	}
	irqfd->resampler = resampler;
	list_add_rcu(&irqfd->member, &resampler->members);
	if (first) {
		list_add_rcu(&resampler->link, &kvm->irqfds.resamplers);
		kvm_irq_notifiers_changed(kvm);
	}
out:
	mutex_unlock(&kvm->irqfds.resampler_lock);
	return err;
}

static void leave_resampler(struct irqfd *irqfd)
{
	struct resampler *resampler = irqfd->resampler;
	struct kvm *kvm = irqfd->kvm;
	bool last;

	mutex_lock(&kvm->irqfds.resampler_lock);
	list_del_rcu(&irqfd->member);
	last = list_empty(&resampler->members);
	if (last)
		list_del_rcu(&resampler->link);
	synchronize_srcu_expedited(&kvm->irq_srcu);
	if (last) {
		kvm_set_irq(kvm, KVM_IRQ_SOURCE_RESAMPLE, resampler->gsi, false, false);
		kvm_irq_notifiers_changed(kvm);
		kfree(resampler);
	}
	mutex_unlock(&kvm->irqfds.resampler_lock);
}

bool kvm_irqfd_has_resampler(struct kvm *kvm, u32 gsi)
{
	return find_resampler(kvm, gsi);
}

bool kvm_irqfd_resample(struct kvm *kvm, u32 gsi)
{
	struct resampler *resampler = find_resampler(kvm, gsi);
	struct irqfd *irqfd;

	if (!resampler)
		return false;
	list_for_each_entry_srcu(irqfd, &resampler->members, member,
				 srcu_read_lock_held(&kvm->irq_srcu))
		compat_eventfd_signal(irqfd->resamplefd);
	return true;
}

void kvm_irqfd_acked(struct kvm *kvm, u32 gsi)
{
	if (!find_resampler(kvm, gsi))
		return;
	kvm_set_irq(kvm, KVM_IRQ_SOURCE_RESAMPLE, gsi, false, false);
	kvm_irqfd_resample(kvm, gsi);
}

/*
 * Coming and going
 */
static void update_msi(struct irqfd *irqfd)
{
	struct kvm *kvm = irqfd->kvm;

	lockdep_assert_held(&kvm->irqfds.lock);
	write_seqcount_begin(&irqfd->msi_seq);
	irqfd->has_msi = kvm_routing_get_msi(kvm, irqfd->gsi, &irqfd->msi);
	write_seqcount_end(&irqfd->msi_seq);
}

void kvm_irqfd_routing_changed(struct kvm *kvm)
{
	struct irqfd *irqfd;
	int idx;

	idx = srcu_read_lock(&kvm->irq_srcu);
	spin_lock_irq(&kvm->irqfds.lock);
	list_for_each_entry(irqfd, &kvm->irqfds.items, link)
		update_msi(irqfd);
	spin_unlock_irq(&kvm->irqfds.lock);
	srcu_read_unlock(&kvm->irq_srcu, idx);
}

static void put_irqfd(struct irqfd *irqfd)
{
	if (irqfd->resamplefd)
		eventfd_ctx_put(irqfd->resamplefd);
	eventfd_ctx_put(irqfd->eventfd);
	kfree(irqfd);
}

static void shutdown(struct work_struct *work)
{
	struct irqfd *irqfd = container_of(work, struct irqfd, shutdown);
	u64 count;

	/* From here on the eventfd calls nobody; what it asked for before is done first. */
	eventfd_ctx_remove_wait_queue(irqfd->eventfd, &irqfd->wait, &count);
	flush_work(&irqfd->inject);
	if (irqfd->resampler)
		leave_resampler(irqfd);
	put_irqfd(irqfd);
}

static int list_irqfd(struct irqfd *irqfd)
{
	struct kvm *kvm = irqfd->kvm;
	struct irqfd *other;
	int err = 0, idx;

	idx = srcu_read_lock(&kvm->irq_srcu);
	spin_lock_irq(&kvm->irqfds.lock);
	list_for_each_entry(other, &kvm->irqfds.items, link) {
		if (other->eventfd == irqfd->eventfd)
			err = -EBUSY;
	}
	if (!err) {
		update_msi(irqfd);
		list_add_tail(&irqfd->link, &kvm->irqfds.items);
	}
	spin_unlock_irq(&kvm->irqfds.lock);
	srcu_read_unlock(&kvm->irq_srcu, idx);
	return err;
}

/*
 * irq_lock keeps others from shutting it down before it is in the eventfd's
 * queue; so does the caller's reference on the file for its closing.
 */
static int start(struct irqfd *irqfd, struct file *file)
{
	struct kvm *kvm = irqfd->kvm;
	int err;

	mutex_lock(&kvm->irq_lock);
	err = list_irqfd(irqfd);
	/* A signal from before we listened counts. */
	if (!err && static_call(monovisor_poll_eventfd)(file, &irqfd->poll) & EPOLLIN)
		schedule_work(&irqfd->inject);
	mutex_unlock(&kvm->irq_lock);
	return err;
}

static struct irqfd *new_irqfd(struct kvm *kvm, u32 gsi, struct file *file)
{
	struct irqfd *irqfd = kzalloc(sizeof(*irqfd), GFP_KERNEL_ACCOUNT);

	if (!irqfd)
		return NULL;
	irqfd->kvm = kvm;
	irqfd->gsi = gsi;
	/* It is an eventfd's: this cannot fail. */
	irqfd->eventfd = eventfd_ctx_fileget(file);
	INIT_LIST_HEAD(&irqfd->link);
	INIT_WORK(&irqfd->inject, inject);
	INIT_WORK(&irqfd->shutdown, shutdown);
	seqcount_spinlock_init(&irqfd->msi_seq, &kvm->irqfds.lock);
	init_waitqueue_func_entry(&irqfd->wait, wakeup);
	init_poll_funcptr(&irqfd->poll, enqueue);
	return irqfd;
}

static int set_resample(struct irqfd *irqfd, int fd)
{
	struct eventfd_ctx *resamplefd = eventfd_ctx_fdget(fd);

	if (IS_ERR(resamplefd))
		return PTR_ERR(resamplefd);
	irqfd->resamplefd = resamplefd;
	return join_resampler(irqfd);
}

static int assign(struct kvm *kvm, const struct kvm_irqfd *args)
{
	struct irqfd *irqfd;
	struct file *file;
	int err = 0;

	file = eventfd_fget(args->fd);
	if (IS_ERR(file))
		return PTR_ERR(file);
	bind_poll(file);
	irqfd = new_irqfd(kvm, args->gsi, file);
	if (!irqfd) {
		err = -ENOMEM;
		goto put;
	}
	if (args->flags & KVM_IRQFD_FLAG_RESAMPLE)
		err = set_resample(irqfd, args->resamplefd);
	if (!err)
		err = start(irqfd, file);
	if (err) {
		if (irqfd->resampler)
			leave_resampler(irqfd);
		put_irqfd(irqfd);
	}
put:
	fput(file);
	return err;
}

/* Of @eventfd on @gsi; NULL: all. When this returns, none is left that could raise anything. */
static void end(struct kvm *kvm, const struct eventfd_ctx *eventfd, u32 gsi)
{
	struct irqfd *irqfd, *next;

	mutex_lock(&kvm->irq_lock);
	spin_lock_irq(&kvm->irqfds.lock);
	list_for_each_entry_safe(irqfd, next, &kvm->irqfds.items, link) {
		if (!eventfd || (irqfd->eventfd == eventfd && irqfd->gsi == gsi))
			leave(irqfd);
	}
	spin_unlock_irq(&kvm->irqfds.lock);
	mutex_unlock(&kvm->irq_lock);
	/* One that left by itself a moment ago as well. */
	flush_workqueue(shutdown_wq);
}

static int deassign(struct kvm *kvm, const struct kvm_irqfd *args)
{
	struct eventfd_ctx *eventfd = eventfd_ctx_fdget(args->fd);

	if (IS_ERR(eventfd))
		return PTR_ERR(eventfd);
	end(kvm, eventfd, args->gsi);
	eventfd_ctx_put(eventfd);
	return 0;
}

int kvm_vm_ioctl_irqfd(struct kvm *kvm, const struct kvm_irqfd *args)
{
	if (args->flags & ~(KVM_IRQFD_FLAG_DEASSIGN | KVM_IRQFD_FLAG_RESAMPLE))
		return -EINVAL;
	if (args->flags & KVM_IRQFD_FLAG_DEASSIGN)
		return deassign(kvm, args);
	/* Who lowers a line at its EOI must have the I/O APIC. */
	if (!irqchip_in_kernel(kvm) ||
	    ((args->flags & KVM_IRQFD_FLAG_RESAMPLE) && !ioapic_in_kernel(kvm)))
		return -EINVAL;
	return assign(kvm, args);
}

void kvm_irqfd_vm_init(struct kvm *kvm)
{
	spin_lock_init(&kvm->irqfds.lock);
	INIT_LIST_HEAD(&kvm->irqfds.items);
	mutex_init(&kvm->irqfds.resampler_lock);
	INIT_LIST_HEAD(&kvm->irqfds.resamplers);
}

void kvm_irqfd_release(struct kvm *kvm)
{
	end(kvm, NULL, 0);
}

int kvm_irqfd_module_init(void)
{
	shutdown_wq = alloc_workqueue("kvm-irqfd-cleanup", 0, 0);
	return shutdown_wq ? 0 : -ENOMEM;
}

void kvm_irqfd_module_exit(void)
{
	destroy_workqueue(shutdown_wq);
}
