// SPDX-License-Identifier: GPL-2.0-only
/*
 * GSI routing: a table that readers find under SRCU and writers replace whole.
 * What a chip does with its pin is the chip's; who receives a message is ipi.c's.
 */
#include <linux/nospec.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/uaccess.h>

#include "core/irq/ioapic.h"
#include "core/irq/irqfd.h"
#include "core/irq/pic.h"
#include "core/irq/pit.h"
#include "core/irq/routing.h"
#include "core/irq/scan.h"
#include "core/trace.h"
#include "core/vm.h"

#define PINS_PER_PIC		8

/* Fields of a message's address and data. */
#define MSI_DEST_SHIFT		12
#define MSI_DEST_MASK		0xff
#define MSI_DEST_HIGH_MASK	0xffffff00U	/* of the upper address, in the 32-bit format */
#define MSI_REDIRECTION_HINT	BIT(3)
#define MSI_LOGICAL		BIT(2)
#define MSI_VECTOR_MASK		0xff
#define MSI_DELIVERY_MASK	0x700
#define MSI_LEVEL		BIT(15)

struct kvm_lapic_irq kvm_msi_decode(const struct kvm_msi_message *msi, bool wide_ids)
{
	struct kvm_lapic_irq irq = {
		.dest_id = msi->address_lo >> MSI_DEST_SHIFT & MSI_DEST_MASK,
		.delivery_mode = msi->data & MSI_DELIVERY_MASK,
		.vector = msi->data & MSI_VECTOR_MASK,
		.logical = msi->address_lo & MSI_LOGICAL,
		.level = true,
		.trig_level = msi->data & MSI_LEVEL,
		.redir_hint = msi->address_lo & MSI_REDIRECTION_HINT,
	};

	if (wide_ids)
		irq.dest_id |= msi->address_hi & MSI_DEST_HIGH_MASK;
	return irq;
}

/* In the 32-bit format the low byte of the upper address is reserved. */
static bool msi_legal(const struct kvm_msi_message *msi, bool wide_ids)
{
	return !wide_ids || !(msi->address_hi & ~MSI_DEST_HIGH_MASK);
}

static bool make_pin(struct kvm_route *route, const struct kvm_irq_routing_entry *entry,
		     enum kvm_irqchip_mode mode)
{
	u32 pins = PINS_PER_PIC, first = 0;

	/* Userspace has the chips of a split controller. */
	if (entry->flags || mode != KVM_IRQCHIP_KERNEL)
		return false;
	switch (entry->u.irqchip.irqchip) {
	case KVM_IRQCHIP_PIC_MASTER:
		break;
	case KVM_IRQCHIP_PIC_SLAVE:
		first = PINS_PER_PIC;
		break;
	case KVM_IRQCHIP_IOAPIC:
		pins = KVM_IOAPIC_NUM_PINS;
		break;
	default:
		return false;
	}
	if (entry->u.irqchip.pin >= pins)
		return false;
	route->kind = KVM_ROUTE_PIN;
	route->chip = entry->u.irqchip.irqchip;
	route->pin = first + array_index_nospec(entry->u.irqchip.pin, pins);
	return true;
}

static bool make_msi(struct kvm_route *route, const struct kvm_irq_routing_entry *entry,
		     bool wide_ids)
{
	if (entry->flags & ~KVM_MSI_VALID_DEVID)
		return false;
	route->kind = KVM_ROUTE_MSI;
	route->msi.address_lo = entry->u.msi.address_lo;
	route->msi.address_hi = entry->u.msi.address_hi;
	route->msi.data = entry->u.msi.data;
	return msi_legal(&route->msi, wide_ids);
}

static bool make_route(struct kvm_route *route, const struct kvm_irq_routing_entry *entry,
		       enum kvm_irqchip_mode mode, bool wide_ids)
{
	route->gsi = entry->gsi;
	switch (entry->type) {
	case KVM_IRQ_ROUTING_IRQCHIP:
		return make_pin(route, entry, mode);
	case KVM_IRQ_ROUTING_MSI:
		return make_msi(route, entry, wide_ids);
	}
	return false;
}

/* Routes are in place from first[gsi] to @end: may @route join them? */
static bool may_join(const struct kvm_routing *routing, const struct kvm_route *route, u32 end)
{
	u32 i;

	for (i = routing->first[route->gsi]; i < end; i++) {
		const struct kvm_route *other = &routing->route[i];

		if (other->kind != KVM_ROUTE_PIN || route->kind != KVM_ROUTE_PIN ||
		    other->chip == route->chip)
			return false;
	}
	return true;
}

/* Count, sum up, place: each GSI's routes end up side by side. */
static bool place_routes(struct kvm_routing *routing, const struct kvm_irq_routing_entry *entries,
			 enum kvm_irqchip_mode mode, bool wide_ids, u16 *end)
{
	struct kvm_route route = {};
	u32 i;

	for (i = 0; i < routing->nr; i++) {
		if (entries[i].gsi >= KVM_MAX_IRQ_ROUTES)
			return false;
		routing->first[entries[i].gsi + 1]++;
	}
	for (i = 0; i < KVM_MAX_IRQ_ROUTES; i++) {
		routing->first[i + 1] += routing->first[i];
		end[i] = routing->first[i];
	}
	for (i = 0; i < routing->nr; i++) {
		if (!make_route(&route, &entries[i], mode, wide_ids) ||
		    !may_join(routing, &route, end[route.gsi]))
			return false;
		routing->route[end[route.gsi]++] = route;
		if (route.kind == KVM_ROUTE_PIN)
			routing->gsi_of_pin[route.chip][route.pin] = route.gsi;
	}
	return true;
}

struct kvm_routing *kvm_routing_build(const struct kvm_irq_routing_entry *entries, u32 nr,
				      enum kvm_irqchip_mode mode, bool wide_ids)
{
	struct kvm_routing *routing;
	bool legal;
	u16 *end;

	routing = kvzalloc(struct_size(routing, route, nr), GFP_KERNEL_ACCOUNT);
	end = kvcalloc(KVM_MAX_IRQ_ROUTES, sizeof(*end), GFP_KERNEL_ACCOUNT);
	if (!routing || !end) {
		kvfree(routing);
		kvfree(end);
		return ERR_PTR(-ENOMEM);
	}
	routing->nr = nr;
	memset(routing->gsi_of_pin, 0xff, sizeof(routing->gsi_of_pin));
	legal = place_routes(routing, entries, mode, wide_ids, end);
	kvfree(end);
	if (legal)
		return routing;
	kvfree(routing);
	return ERR_PTR(-EINVAL);
}

static struct kvm_routing *routing_of(struct kvm *kvm)
{
	return srcu_dereference(kvm->routing, &kvm->irq_srcu);
}

/* First of @gsi's routes; *nr is how many. */
static const struct kvm_route *routes_of(const struct kvm_routing *routing, u32 gsi, u32 *nr)
{
	*nr = 0;
	if (!routing || gsi >= KVM_MAX_IRQ_ROUTES)
		return NULL;
	gsi = array_index_nospec(gsi, KVM_MAX_IRQ_ROUTES);
	*nr = routing->first[gsi + 1] - routing->first[gsi];
	return &routing->route[routing->first[gsi]];
}

int kvm_msi_deliver(struct kvm *kvm, const struct kvm_msi_message *msi)
{
	struct kvm_lapic_irq irq = kvm_msi_decode(msi, kvm->x2apic_format);

	trace_kvm_msi_set_irq((u64)msi->address_hi << 32 | msi->address_lo, msi->data);
	return kvm_irq_deliver(kvm, NULL, &irq, NULL);
}

static int drive_route(struct kvm *kvm, const struct kvm_route *route,
		       enum kvm_irq_source source, bool level, bool line_status)
{
	if (route->kind == KVM_ROUTE_MSI)
		return level ? kvm_msi_deliver(kvm, &route->msi) : -1;
	if (route->chip == KVM_IRQCHIP_IOAPIC)
		return kvm_ioapic_set_irq(kvm->ioapic, route->pin, source, level, line_status);
	return kvm_pic_set_irq(kvm->pic, route->pin, source, level);
}

int kvm_set_irq(struct kvm *kvm, enum kvm_irq_source source, u32 gsi, bool level,
		bool line_status)
{
	const struct kvm_route *route;
	int idx, reached, ret = -1;
	u32 i, nr;

	trace_kvm_set_irq(gsi, level, source);
	idx = srcu_read_lock(&kvm->irq_srcu);
	route = routes_of(routing_of(kvm), gsi, &nr);
	for (i = 0; i < nr; i++) {
		reached = drive_route(kvm, &route[i], source, level, line_status);
		if (reached >= 0)
			ret = reached + max(ret, 0);
	}
	srcu_read_unlock(&kvm->irq_srcu, idx);
	return ret;
}

bool kvm_routing_get_msi(struct kvm *kvm, u32 gsi, struct kvm_msi_message *msi)
{
	const struct kvm_route *route;
	u32 nr;

	route = routes_of(routing_of(kvm), gsi, &nr);
	if (nr != 1 || route->kind != KVM_ROUTE_MSI)
		return false;
	*msi = route->msi;
	return true;
}

/* kvm->irq_srcu held. Return: the GSI that leads to the pin, or -1. */
static int gsi_of_pin(struct kvm *kvm, unsigned int chip, unsigned int pin)
{
	const struct kvm_routing *routing = routing_of(kvm);

	return routing ? routing->gsi_of_pin[chip][pin] : -1;
}

void kvm_notify_acked_irq(struct kvm *kvm, unsigned int chip, unsigned int pin)
{
	struct kvm_pit *pit;
	int idx, gsi;

	trace_kvm_ack_irq(chip, pin);
	idx = srcu_read_lock(&kvm->irq_srcu);
	pit = kvm_pit_of(kvm);
	gsi = gsi_of_pin(kvm, chip, pin);
	if (gsi >= 0) {
		if (gsi == PIT_GSI && pit)
			kvm_pit_irq_acked(pit);
		kvm_irqfd_acked(kvm, gsi);
	}
	srcu_read_unlock(&kvm->irq_srcu, idx);
}

void kvm_notify_unmasked_irq(struct kvm *kvm, unsigned int chip, unsigned int pin)
{
	struct kvm_pit *pit;
	int idx;

	idx = srcu_read_lock(&kvm->irq_srcu);
	pit = kvm_pit_of(kvm);
	if (pit && gsi_of_pin(kvm, chip, pin) == PIT_GSI)
		kvm_pit_irq_unmasked(pit);
	srcu_read_unlock(&kvm->irq_srcu, idx);
}

bool kvm_irq_has_notifier(struct kvm *kvm, unsigned int chip, unsigned int pin)
{
	struct kvm_pit *pit;
	bool wanted = false;
	int idx, gsi;

	idx = srcu_read_lock(&kvm->irq_srcu);
	pit = kvm_pit_of(kvm);
	gsi = gsi_of_pin(kvm, chip, pin);
	if (gsi >= 0)
		wanted = (gsi == PIT_GSI && pit && READ_ONCE(pit->reinject)) ||
			 kvm_irqfd_has_resampler(kvm, gsi);
	srcu_read_unlock(&kvm->irq_srcu, idx);
	return wanted;
}

bool kvm_resample_pin(struct kvm *kvm, unsigned int chip, unsigned int pin)
{
	bool resampled = false;
	int idx, gsi;

	idx = srcu_read_lock(&kvm->irq_srcu);
	gsi = gsi_of_pin(kvm, chip, pin);
	if (gsi >= 0)
		resampled = kvm_irqfd_resample(kvm, gsi);
	srcu_read_unlock(&kvm->irq_srcu, idx);
	return resampled;
}

void kvm_irq_notifiers_changed(struct kvm *kvm)
{
	if (ioapic_in_kernel(kvm))
		kvm_make_scan_ioapic_request(kvm);
}

/*
 * vCPUs are told of new routes only after they were published; a userspace I/O
 * APIC that raises a pin while it is being rerouted cannot know which it takes.
 */
void kvm_routing_publish(struct kvm *kvm, struct kvm_routing *routing)
{
	struct kvm_routing *old;

	mutex_lock(&kvm->irq_lock);
	old = rcu_replace_pointer(kvm->routing, routing, lockdep_is_held(&kvm->irq_lock));
	kvm_irqfd_routing_changed(kvm);
	mutex_unlock(&kvm->irq_lock);
	synchronize_srcu_expedited(&kvm->irq_srcu);
	if (irqchip_in_kernel(kvm))
		kvm_make_scan_ioapic_request(kvm);
	kvfree(old);
}

static struct kvm_routing *build_default(void)
{
	const u32 nr = PIC_NR_PINS + KVM_IOAPIC_NUM_PINS;
	struct kvm_irq_routing_entry *entries;
	struct kvm_routing *routing;
	u32 i;

	entries = kcalloc(nr, sizeof(*entries), GFP_KERNEL);
	if (!entries)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < nr; i++) {
		struct kvm_irq_routing_entry *entry = &entries[i];

		entry->type = KVM_IRQ_ROUTING_IRQCHIP;
		if (i < PIC_NR_PINS) {
			entry->gsi = i;
			entry->u.irqchip.irqchip = i / PINS_PER_PIC;
			entry->u.irqchip.pin = i % PINS_PER_PIC;
		} else {
			entry->gsi = i - PIC_NR_PINS;
			entry->u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC;
			entry->u.irqchip.pin = entry->gsi;
		}
	}
	routing = kvm_routing_build(entries, nr, KVM_IRQCHIP_KERNEL, false);
	kfree(entries);
	return routing;
}

int kvm_routing_set_default(struct kvm *kvm)
{
	struct kvm_routing *routing = build_default();

	if (IS_ERR(routing))
		return PTR_ERR(routing);
	kvm_routing_publish(kvm, routing);
	return 0;
}

int kvm_vm_ioctl_irq_line(struct kvm *kvm, struct kvm_irq_level *irq, bool line_status)
{
	if (!irqchip_in_kernel(kvm))
		return -ENXIO;
	irq->status = kvm_set_irq(kvm, KVM_IRQ_SOURCE_USERSPACE, irq->irq, irq->level,
				  line_status);
	return 0;
}

int kvm_vm_ioctl_signal_msi(struct kvm *kvm, const struct kvm_msi *msi)
{
	struct kvm_msi_message message = {
		.address_lo = msi->address_lo,
		.address_hi = msi->address_hi,
		.data = msi->data,
	};

	if (!irqchip_in_kernel(kvm) || (msi->flags & ~KVM_MSI_VALID_DEVID))
		return -EINVAL;
	if (!msi_legal(&message, kvm->x2apic_format))
		return -EINVAL;
	return kvm_msi_deliver(kvm, &message);
}

int kvm_vm_ioctl_set_gsi_routing(struct kvm *kvm, const struct kvm_irq_routing __user *argp)
{
	struct kvm_irq_routing_entry *entries = NULL;
	struct kvm_routing *routing;
	struct kvm_irq_routing head;

	if (copy_from_user(&head, argp, sizeof(head)))
		return -EFAULT;
	if (!irqchip_in_kernel(kvm) || head.flags || head.nr > KVM_MAX_IRQ_ROUTES)
		return -EINVAL;
	if (head.nr) {
		entries = vmemdup_user(argp->entries, array_size(head.nr, sizeof(*entries)));
		if (IS_ERR(entries))
			return PTR_ERR(entries);
	}
	routing = kvm_routing_build(entries, head.nr, irqchip_mode(kvm), kvm->x2apic_format);
	kvfree(entries);
	if (IS_ERR(routing))
		return PTR_ERR(routing);
	kvm_routing_publish(kvm, routing);
	return 0;
}

int kvm_routing_init(struct kvm *kvm)
{
	mutex_init(&kvm->irq_lock);
	return init_srcu_struct(&kvm->irq_srcu);
}

/* The VM's last reference is gone: nobody drives anything. */
void kvm_routing_destroy(struct kvm *kvm)
{
	kvfree(rcu_dereference_protected(kvm->routing, true));
	cleanup_srcu_struct(&kvm->irq_srcu);
}
