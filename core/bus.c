// SPDX-License-Identifier: GPL-2.0-only
/*
 * The port and memory buses as far as they are served in the kernel: who
 * listens where, and what an access does there. Accesses nobody listens to are
 * userspace's (complete.c).
 */
#include <linux/eventfd.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/srcu.h>

#include "core/bus.h"
#include "core/compat.h"
#include "core/fastpath.h"
#include "core/irq/ioapic.h"
#include "core/irq/pic.h"
#include "core/irq/pit.h"
#include "core/vcpu.h"
#include "core/vm.h"

enum listener_kind {
	LISTENER_IOEVENTFD,	/* a write signals an eventfd; the datum is dropped */
	LISTENER_COALESCED,	/* a write is queued for userspace to find later */
	LISTENER_DEVICE,	/* reads too */
};

struct listener {
	enum listener_kind kind;
	enum kvm_device device;
	gpa_t addr;
	u32 len;			/* ioeventfd: of the access, 0 for any */
	struct eventfd_ctx *eventfd;
	bool any_datum;
	u64 datum;
};

/*
 * One published state of a bus. The array is sorted by address; a change
 * publishes a new one and frees the old after an SRCU grace period.
 */
struct kvm_bus {
	int nr;
	u32 longest;			/* listener; tells a search where to start */
	struct listener listener[];
};

static u64 datum_of(const void *data, u32 len)
{
	u64 datum = 0;

	memcpy(&datum, data, len);
	return datum;
}

static bool eventfd_matches(const struct listener *l, gpa_t addr, u32 len, const void *data)
{
	if (l->addr != addr || (l->len && l->len != len) || len > sizeof(u64))
		return false;
	return l->any_datum || l->datum == datum_of(data, len);
}

static bool signal_ioeventfd(const struct listener *l, gpa_t addr, u32 len, const void *data)
{
	if (!eventfd_matches(l, addr, len, data))
		return false;
	compat_eventfd_signal(l->eventfd);
	return true;
}

/*
 * The ring is shared with userspace: its indexes are hostile. The consumer
 * moves first, we move last; the entry is written before last is published.
 */
static bool queue_coalesced(struct kvm_vcpu *vcpu, enum kvm_bus_id id, const struct listener *l,
			    gpa_t addr, u32 len, const void *data)
{
	struct kvm_buses *buses = &vcpu->kvm->buses;
	struct kvm_coalesced_mmio_ring *ring = buses->ring;
	struct kvm_coalesced_mmio *slot;
	u32 last, next;
	bool queued = false;

	if (addr < l->addr || addr - l->addr + len > l->len || len > sizeof(slot->data))
		return false;

	spin_lock(&buses->ring_lock);
	last = READ_ONCE(ring->last);
	if (last >= KVM_COALESCED_MMIO_MAX)
		goto out;
	last = array_index_nospec(last, KVM_COALESCED_MMIO_MAX);
	next = (last + 1) % KVM_COALESCED_MMIO_MAX;
	if (next == READ_ONCE(ring->first))
		goto out;

	slot = &ring->coalesced_mmio[last];
	slot->phys_addr = addr;
	slot->len = len;
	memcpy(slot->data, data, len);
	slot->pio = id == KVM_BUS_PIO;
	/* Pairs with userspace's read of last: the entry is there before it is counted. */
	smp_store_release(&ring->last, next);
	queued = true;
out:
	spin_unlock(&buses->ring_lock);
	return queued;
}

/* A device takes what lies within it whole. */
static bool within(const struct listener *l, gpa_t addr, u32 len)
{
	return addr >= l->addr && addr - l->addr + len <= l->len;
}

static bool write_device(struct kvm *kvm, const struct listener *l, gpa_t addr, u32 len,
			 const void *data)
{
	u32 offset = addr - l->addr;

	if (!within(l, addr, len))
		return false;
	switch (l->device) {
	case KVM_DEVICE_PIC_MASTER:
		return kvm_pic_write(kvm, PIC_MASTER, offset, len, data);
	case KVM_DEVICE_PIC_SLAVE:
		return kvm_pic_write(kvm, PIC_SLAVE, offset, len, data);
	case KVM_DEVICE_ELCR:
		return kvm_pic_write(kvm, PIC_ELCR, offset, len, data);
	case KVM_DEVICE_PIT:
		return kvm_pit_write(kvm, offset, len, data);
	case KVM_DEVICE_SPEAKER:
		return !offset && kvm_speaker_write(kvm, len, data);
	case KVM_DEVICE_IOAPIC:
		return kvm_ioapic_write(kvm, offset, len, data);
	}
	return false;
}

static bool read_device(struct kvm *kvm, const struct listener *l, gpa_t addr, u32 len,
			void *data)
{
	u32 offset = addr - l->addr;

	if (l->kind != LISTENER_DEVICE || !within(l, addr, len))
		return false;
	switch (l->device) {
	case KVM_DEVICE_PIC_MASTER:
		return kvm_pic_read(kvm, PIC_MASTER, offset, len, data);
	case KVM_DEVICE_PIC_SLAVE:
		return kvm_pic_read(kvm, PIC_SLAVE, offset, len, data);
	case KVM_DEVICE_ELCR:
		return kvm_pic_read(kvm, PIC_ELCR, offset, len, data);
	case KVM_DEVICE_PIT:
		return kvm_pit_read(kvm, offset, len, data);
	case KVM_DEVICE_SPEAKER:
		return !offset && kvm_speaker_read(kvm, len, data);
	case KVM_DEVICE_IOAPIC:
		return kvm_ioapic_read(kvm, offset, len, data);
	}
	return false;
}

static bool offer(struct kvm_vcpu *vcpu, enum kvm_bus_id id, const struct listener *l,
		  gpa_t addr, u32 len, const void *data)
{
	switch (l->kind) {
	case LISTENER_IOEVENTFD:
		return signal_ioeventfd(l, addr, len, data);
	case LISTENER_COALESCED:
		return queue_coalesced(vcpu, id, l, addr, len, data);
	case LISTENER_DEVICE:
		return write_device(vcpu->kvm, l, addr, len, data);
	}
	return false;
}

/* First listener at or above @addr. */
static int lower_bound(const struct kvm_bus *bus, gpa_t addr)
{
	int low = 0, high = bus->nr;

	while (low < high) {
		int mid = low + (high - low) / 2;

		if (bus->listener[mid].addr < addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* First listener that may reach up to @addr: none that starts longest below it does. */
static int first_near(const struct kvm_bus *bus, gpa_t addr)
{
	return lower_bound(bus, addr > bus->longest ? addr - bus->longest : 0);
}

bool kvm_bus_write(struct kvm_vcpu *vcpu, enum kvm_bus_id id, gpa_t addr, u32 len,
		   const void *data)
{
	const struct kvm_bus *bus;
	int i;

	bus = srcu_dereference(vcpu->kvm->buses.bus[id], &vcpu->kvm->srcu);
	if (!bus)
		return false;
	for (i = first_near(bus, addr); i < bus->nr && bus->listener[i].addr <= addr; i++) {
		if (!offer(vcpu, id, &bus->listener[i], addr, len, data))
			continue;
		if (id == KVM_BUS_MMIO && bus->listener[i].kind == LISTENER_IOEVENTFD)
			fast_note_device(vcpu, addr >> PAGE_SHIFT);
		return true;
	}
	return false;
}

struct eventfd_ctx *kvm_bus_find_eventfd(struct kvm_vcpu *vcpu, enum kvm_bus_id id, gpa_t addr,
					 u32 len, const void *data)
{
	const struct kvm_bus *bus;
	const struct listener *l;
	int i;

	/* The locks of an eventfd sleep there. */
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		return NULL;
	bus = srcu_dereference(vcpu->kvm->buses.bus[id], &vcpu->kvm->srcu);
	if (!bus)
		return NULL;
	for (i = first_near(bus, addr); i < bus->nr && bus->listener[i].addr <= addr; i++) {
		l = &bus->listener[i];
		if (l->kind == LISTENER_IOEVENTFD) {
			if (eventfd_matches(l, addr, len, data))
				return l->eventfd;
		} else if (addr - l->addr < l->len) {
			return NULL;
		}
	}
	return NULL;
}

bool kvm_bus_read(struct kvm_vcpu *vcpu, enum kvm_bus_id id, gpa_t addr, u32 len, void *data)
{
	const struct kvm_bus *bus;
	int i;

	bus = srcu_dereference(vcpu->kvm->buses.bus[id], &vcpu->kvm->srcu);
	if (!bus)
		return false;
	for (i = first_near(bus, addr); i < bus->nr && bus->listener[i].addr <= addr; i++) {
		if (read_device(vcpu->kvm, &bus->listener[i], addr, len, data))
			return true;
	}
	return false;
}

static struct kvm_bus *current_bus(struct kvm *kvm, enum kvm_bus_id id)
{
	return rcu_dereference_protected(kvm->buses.bus[id], lockdep_is_held(&kvm->slots_lock));
}

static void publish(struct kvm *kvm, enum kvm_bus_id id, struct kvm_bus *bus)
{
	struct kvm_bus *old = current_bus(kvm, id);
	int i;

	for (i = 0; i < bus->nr; i++)
		bus->longest = max(bus->longest, bus->listener[i].len);
	rcu_assign_pointer(kvm->buses.bus[id], bus);
	synchronize_srcu_expedited(&kvm->srcu);
	kvfree(old);
}

static struct kvm_bus *alloc_bus(int nr)
{
	struct kvm_bus *bus;

	bus = kvzalloc(struct_size(bus, listener, nr), GFP_KERNEL_ACCOUNT);
	if (bus)
		bus->nr = nr;
	return bus;
}

/* A copy of what is there, with room for @more listeners; NULL: no memory. */
static struct kvm_bus *copy_bus(const struct kvm_bus *old, int more)
{
	int nr = old ? old->nr : 0;
	struct kvm_bus *bus = alloc_bus(nr + more);

	if (!bus)
		return NULL;
	bus->nr = nr;
	if (old)
		memcpy(bus->listener, old->listener, nr * sizeof(*old->listener));
	return bus;
}

/* There is room. */
static void insert(struct kvm_bus *bus, const struct listener *l)
{
	int at = lower_bound(bus, l->addr);

	memmove(bus->listener + at + 1, bus->listener + at, (bus->nr - at) * sizeof(*l));
	bus->listener[at] = *l;
	bus->nr++;
}

static int add_listener(struct kvm *kvm, enum kvm_bus_id id, const struct listener *l)
{
	struct kvm_bus *old = current_bus(kvm, id), *bus;

	if (old && old->nr >= KVM_BUS_MAX_LISTENERS)
		return -ENOSPC;
	bus = copy_bus(old, 1);
	if (!bus)
		return -ENOMEM;
	insert(bus, l);
	publish(kvm, id, bus);
	return 0;
}

static int remove_listener(struct kvm *kvm, enum kvm_bus_id id, int at)
{
	struct kvm_bus *old = current_bus(kvm, id), *bus;

	bus = alloc_bus(old->nr - 1);
	if (!bus)
		return -ENOMEM;
	memcpy(bus->listener, old->listener, at * sizeof(*old->listener));
	memcpy(bus->listener + at, old->listener + at + 1,
	       (bus->nr - at) * sizeof(*old->listener));
	publish(kvm, id, bus);
	return 0;
}

/* Would both take one and the same write? */
static bool ioeventfds_collide(const struct listener *a, const struct listener *b)
{
	return a->kind == LISTENER_IOEVENTFD && b->kind == LISTENER_IOEVENTFD &&
	       a->addr == b->addr &&
	       (!a->len || !b->len ||
		(a->len == b->len && (a->any_datum || b->any_datum || a->datum == b->datum)));
}

static bool same_ioeventfd(const struct listener *a, const struct listener *b)
{
	return a->kind == LISTENER_IOEVENTFD && a->eventfd == b->eventfd && a->addr == b->addr &&
	       a->len == b->len && a->any_datum == b->any_datum &&
	       (a->any_datum || a->datum == b->datum);
}

static int assign_ioeventfd(struct kvm *kvm, enum kvm_bus_id id, const struct listener *l)
{
	const struct kvm_bus *bus = current_bus(kvm, id);
	int i;

	for (i = 0; bus && i < bus->nr; i++) {
		if (ioeventfds_collide(&bus->listener[i], l))
			return -EEXIST;
	}
	return add_listener(kvm, id, l);
}

static int deassign_ioeventfd(struct kvm *kvm, enum kvm_bus_id id, const struct listener *l)
{
	const struct kvm_bus *bus = current_bus(kvm, id);
	struct eventfd_ctx *eventfd;
	int i, err;

	for (i = 0; bus && i < bus->nr; i++) {
		if (!same_ioeventfd(&bus->listener[i], l))
			continue;
		eventfd = bus->listener[i].eventfd;
		err = remove_listener(kvm, id, i);
		if (!err)
			eventfd_ctx_put(eventfd);
		return err;
	}
	return -ENOENT;
}

int kvm_bus_add_devices(struct kvm *kvm, const struct kvm_bus_range *ranges, unsigned int nr)
{
	struct kvm_bus *bus[KVM_NR_BUSES] = {};
	enum kvm_bus_id id;
	unsigned int i;
	int err = 0;

	mutex_lock(&kvm->slots_lock);
	for (id = 0; id < KVM_NR_BUSES && !err; id++) {
		bus[id] = copy_bus(current_bus(kvm, id), nr);
		if (!bus[id])
			err = -ENOMEM;
		else if (bus[id]->nr + nr > KVM_BUS_MAX_LISTENERS)
			err = -ENOSPC;
	}
	for (i = 0; i < nr && !err; i++)
		insert(bus[ranges[i].bus], &(struct listener){
				.kind = LISTENER_DEVICE,
				.device = ranges[i].device,
				.addr = ranges[i].addr,
				.len = ranges[i].len,
			});
	/* Nothing fails from here on. */
	for (id = 0; id < KVM_NR_BUSES; id++) {
		if (err)
			kvfree(bus[id]);
		else
			publish(kvm, id, bus[id]);
	}
	mutex_unlock(&kvm->slots_lock);
	return err;
}

#define IOEVENTFD_FLAGS	(KVM_IOEVENTFD_FLAG_DATAMATCH | KVM_IOEVENTFD_FLAG_PIO | \
			 KVM_IOEVENTFD_FLAG_DEASSIGN)

static bool ioeventfd_legal(const struct kvm_ioeventfd *args)
{
	switch (args->len) {
	case 0:
	case 1:
	case 2:
	case 4:
	case 8:
		break;
	default:
		return false;
	}
	if (args->addr + args->len < args->addr)
		return false;
	if (args->flags & ~IOEVENTFD_FLAGS)
		return false;
	/* A length-less write has no datum to match. */
	return args->len || !(args->flags & KVM_IOEVENTFD_FLAG_DATAMATCH);
}

int kvm_vm_ioctl_ioeventfd(struct kvm *kvm, const struct kvm_ioeventfd *args)
{
	bool deassign = args->flags & KVM_IOEVENTFD_FLAG_DEASSIGN;
	enum kvm_bus_id id = args->flags & KVM_IOEVENTFD_FLAG_PIO ? KVM_BUS_PIO : KVM_BUS_MMIO;
	struct listener l = {
		.kind = LISTENER_IOEVENTFD,
		.addr = args->addr,
		.len = args->len,
		.any_datum = !(args->flags & KVM_IOEVENTFD_FLAG_DATAMATCH),
		.datum = args->datamatch,
	};
	int err;

	if (!ioeventfd_legal(args))
		return -EINVAL;
	l.eventfd = eventfd_ctx_fdget(args->fd);
	if (IS_ERR(l.eventfd))
		return PTR_ERR(l.eventfd);

	mutex_lock(&kvm->slots_lock);
	err = deassign ? deassign_ioeventfd(kvm, id, &l) : assign_ioeventfd(kvm, id, &l);
	mutex_unlock(&kvm->slots_lock);

	/* An assigned listener keeps the reference. */
	if (deassign || err)
		eventfd_ctx_put(l.eventfd);
	return err;
}

static bool zone_legal(const struct kvm_coalesced_mmio_zone *zone)
{
	return zone->pio <= 1 && zone->addr + zone->size >= zone->addr;
}

int kvm_vm_ioctl_register_coalesced(struct kvm *kvm, const struct kvm_coalesced_mmio_zone *zone)
{
	struct listener l = {
		.kind = LISTENER_COALESCED,
		.addr = zone->addr,
		.len = zone->size,
	};
	int err;

	if (!zone_legal(zone))
		return -EINVAL;
	mutex_lock(&kvm->slots_lock);
	err = add_listener(kvm, zone->pio ? KVM_BUS_PIO : KVM_BUS_MMIO, &l);
	mutex_unlock(&kvm->slots_lock);
	return err;
}

/* Every zone that lies within @zone goes; none is no error. */
int kvm_vm_ioctl_unregister_coalesced(struct kvm *kvm, const struct kvm_coalesced_mmio_zone *zone)
{
	enum kvm_bus_id id = zone->pio ? KVM_BUS_PIO : KVM_BUS_MMIO;
	const struct kvm_bus *bus;
	int i, err = 0;

	if (!zone_legal(zone))
		return -EINVAL;
	mutex_lock(&kvm->slots_lock);
	for (i = 0; !err && (bus = current_bus(kvm, id)) && i < bus->nr; ) {
		const struct listener *l = &bus->listener[i];

		if (l->kind == LISTENER_COALESCED && l->addr >= zone->addr &&
		    l->addr + l->len <= zone->addr + zone->size)
			err = remove_listener(kvm, id, i);
		else
			i++;
	}
	mutex_unlock(&kvm->slots_lock);
	return err;
}

int kvm_buses_init(struct kvm *kvm)
{
	struct page *page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);

	if (!page)
		return -ENOMEM;
	spin_lock_init(&kvm->buses.ring_lock);
	kvm->buses.ring = page_address(page);
	return 0;
}

/* The last reference to the VM is gone: nobody reads or writes the buses. */
void kvm_buses_destroy(struct kvm *kvm)
{
	enum kvm_bus_id id;
	int i;

	for (id = 0; id < KVM_NR_BUSES; id++) {
		struct kvm_bus *bus = rcu_dereference_protected(kvm->buses.bus[id], true);

		for (i = 0; bus && i < bus->nr; i++) {
			if (bus->listener[i].kind == LISTENER_IOEVENTFD)
				eventfd_ctx_put(bus->listener[i].eventfd);
		}
		kvfree(bus);
	}
	free_page((unsigned long)kvm->buses.ring);
}
