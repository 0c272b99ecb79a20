// SPDX-License-Identifier: GPL-2.0-only
/*
 * From an interrupt message to the vCPUs that receive it. The common messages,
 * to one id or to a logical destination, are looked up in a map; broadcasts
 * and APICs whose addresses clash are found by asking each.
 *
 * Source: Intel SDM volume 3, "Determining IPI Destination", "Lowest Priority
 * Delivery Mode", "Logical Destination Mode in x2APIC Mode".
 */
#include <linux/nospec.h>
#include <linux/overflow.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "core/irq/ipi.h"
#include "core/irq/irqchip.h"
#include "core/irq/lapic.h"
#include "core/irq/scan.h"
#include "core/vm.h"

#define FLAT_IDS		8
#define CLUSTERS		16
#define CLUSTER_IDS		4
#define X2APIC_CLUSTER_IDS	16

/**
 * enum map_logical - how logical destinations of the VM's APICs are formed
 * @MAP_LOGICAL_NONE: no APIC has one.
 * @MAP_LOGICAL_FLAT: a bit an APIC.
 * @MAP_LOGICAL_CLUSTER: four bits of cluster, a bit an APIC.
 * @MAP_LOGICAL_X2APIC: 16 bits of cluster, a bit an APIC; by_id serves.
 * @MAP_LOGICAL_MIXED: several of these, or two APICs with one id: ask each.
 */
enum map_logical {
	MAP_LOGICAL_NONE,
	MAP_LOGICAL_FLAT,
	MAP_LOGICAL_CLUSTER,
	MAP_LOGICAL_X2APIC,
	MAP_LOGICAL_MIXED,
};

/* Constant once published. */
struct kvm_apic_map {
	struct rcu_head rcu;
	enum map_logical logical;
	bool ids_clash;			/* by_id does not tell all: ask each */
	u32 nr_ids;
	union {
		struct kvm_vcpu *flat[FLAT_IDS];
		struct kvm_vcpu *cluster[CLUSTERS][CLUSTER_IDS];
	};
	struct kvm_vcpu *by_id[];
};

/* As many as a logical destination can name. */
struct targets {
	unsigned int nr;
	struct kvm_vcpu *vcpu[X2APIC_CLUSTER_IDS];
};

static bool is_xapic_id(const struct kvm_vcpu *vcpu, u32 id)
{
	/*
	 * A vCPU whose id needs more than 8 bits starts in xAPIC mode like any
	 * other; let it be addressed by the id it will have.
	 */
	if (vcpu->vcpu_id > LAPIC_BROADCAST_8 && id == vcpu->vcpu_id)
		return true;
	return lapic_reg(vcpu->lapic, APIC_ID) >> 24 == id;
}

static bool is_xapic_logical(const struct kvm_vcpu *vcpu, u32 dest)
{
	u32 id = GET_APIC_LOGICAL_ID(lapic_reg(vcpu->lapic, APIC_LDR));

	if (dest > LAPIC_BROADCAST_8)
		return false;
	if (lapic_reg(vcpu->lapic, APIC_DFR) == APIC_DFR_FLAT)
		return id & dest;
	return id >> 4 == dest >> 4 && (id & dest & 0xf);
}

/*
 * Does the 8-bit broadcast reach this APIC? Messages of devices have 8 bits of
 * destination unless userspace said that it knows of 32.
 */
static bool is_broadcast(const struct kvm_vcpu *vcpu, u32 dest, const struct kvm_vcpu *src)
{
	if (!lapic_x2apic_mode(vcpu))
		return dest == LAPIC_BROADCAST_8 || dest == LAPIC_BROADCAST_32;
	if (dest == LAPIC_BROADCAST_32)
		return true;
	return dest == LAPIC_BROADCAST_8 && !src &&
	       !READ_ONCE(vcpu->kvm->x2apic_broadcast_quirk_disabled);
}

/**
 * kvm_lapic_match() - is this APIC among the destinations?
 * @vcpu: its vCPU
 * @dest_id: destination
 * @logical: it is a logical one
 * @shorthand: enum lapic_shorthand; others than NONE need @src
 * @src: whose IPI it is, or NULL for a device's message
 *
 * Context: any. Exact where the map is only fast.
 */
bool kvm_lapic_match(struct kvm_vcpu *vcpu, u32 dest_id, bool logical, u8 shorthand,
		     struct kvm_vcpu *src)
{
	u32 ldr;

	switch (shorthand) {
	case LAPIC_SHORT_SELF:
		return vcpu == src;
	case LAPIC_SHORT_ALL:
		return true;
	case LAPIC_SHORT_OTHERS:
		return vcpu != src;
	}
	if (is_broadcast(vcpu, dest_id, src))
		return true;
	if (!logical)
		return lapic_x2apic_mode(vcpu) ? dest_id == vcpu->vcpu_id :
						 is_xapic_id(vcpu, dest_id);
	if (!lapic_x2apic_mode(vcpu))
		return is_xapic_logical(vcpu, dest_id);
	ldr = lapic_x2apic_ldr(vcpu->vcpu_id);
	return ldr >> 16 == dest_id >> 16 && (ldr & dest_id & 0xffff);
}

static bool add_target(struct targets *targets, struct kvm_vcpu *vcpu)
{
	if (vcpu && targets->nr < ARRAY_SIZE(targets->vcpu))
		targets->vcpu[targets->nr++] = vcpu;
	return true;
}

static struct kvm_vcpu *vcpu_by_id(const struct kvm_apic_map *map, u32 id)
{
	/* The id is the guest's choice. */
	return id < map->nr_ids ? map->by_id[array_index_nospec(id, map->nr_ids)] : NULL;
}

static void look_up_x2apic(const struct kvm_apic_map *map, u32 dest, struct targets *targets)
{
	u32 cluster = dest >> 16 << 4;
	unsigned long bits = dest & 0xffff;
	struct kvm_vcpu *vcpu;
	unsigned int bit;

	for_each_set_bit(bit, &bits, X2APIC_CLUSTER_IDS) {
		vcpu = vcpu_by_id(map, cluster | bit);
		if (vcpu && lapic_x2apic_mode(vcpu))
			add_target(targets, vcpu);
	}
}

static void look_up_xapic(const struct kvm_apic_map *map, u32 dest, struct targets *targets)
{
	bool flat = map->logical == MAP_LOGICAL_FLAT;
	unsigned long bits = dest & (flat ? 0xff : 0xf);
	unsigned int bit, cluster;

	if (dest > LAPIC_BROADCAST_8)
		return;
	cluster = array_index_nospec(dest >> 4, CLUSTERS);
	for_each_set_bit(bit, &bits, FLAT_IDS)
		add_target(targets, flat ? map->flat[bit] : map->cluster[cluster][bit]);
}

/* Return: false if the map cannot tell. */
static bool look_up(const struct kvm_apic_map *map, const struct kvm_lapic_irq *irq,
		    struct targets *targets)
{
	if (!map || irq->shorthand != LAPIC_SHORT_NONE ||
	    irq->dest_id == LAPIC_BROADCAST_8 || irq->dest_id == LAPIC_BROADCAST_32)
		return false;
	if (!irq->logical) {
		if (map->ids_clash)
			return false;
		return add_target(targets, vcpu_by_id(map, irq->dest_id));
	}
	switch (map->logical) {
	case MAP_LOGICAL_NONE:
		return true;
	case MAP_LOGICAL_FLAT:
	case MAP_LOGICAL_CLUSTER:
		look_up_xapic(map, irq->dest_id, targets);
		return true;
	case MAP_LOGICAL_X2APIC:
		if (map->ids_clash)
			return false;
		look_up_x2apic(map, irq->dest_id, targets);
		return true;
	case MAP_LOGICAL_MIXED:
		break;
	}
	return false;
}

static bool wants_one(const struct kvm_lapic_irq *irq)
{
	return irq->delivery_mode == APIC_DM_LOWEST ||
	       (irq->redir_hint && irq->delivery_mode == APIC_DM_FIXED);
}

static int deliver_to(struct kvm_vcpu *vcpu, struct kvm_vcpu *src,
		      const struct kvm_lapic_irq *irq, unsigned long *dest_vcpus)
{
	int r;

	if (vcpu == src && irq->delivery_mode == APIC_DM_FIXED && !irq->trig_level)
		r = kvm_lapic_self_irq(vcpu, irq->vector);
	else
		r = kvm_lapic_accept_irq(vcpu, irq->delivery_mode, irq->vector, irq->level,
					 irq->trig_level);
	if (dest_vcpus && r >= 0)
		__set_bit(vcpu->vcpu_id, dest_vcpus);
	return r;
}

/* -1 is nobody, 0 is pending already, else a count. */
static int sum(int total, int one)
{
	if (one < 0)
		return total;
	return total < 0 ? one : total + one;
}

/* Of two that may take it, the one that took fewer; an APIC that is off takes none. */
static struct kvm_vcpu *better(struct kvm_vcpu *best, struct kvm_vcpu *vcpu)
{
	if (!READ_ONCE(vcpu->lapic->sw_enabled))
		return best;
	if (!best || (s32)(READ_ONCE(vcpu->lapic->arbitrations) -
			   READ_ONCE(best->lapic->arbitrations)) < 0)
		return vcpu;
	return best;
}

static int deliver_to_best(struct kvm_vcpu *best, struct kvm_vcpu *src,
			   const struct kvm_lapic_irq *irq, unsigned long *dest_vcpus)
{
	if (!best)
		return -1;
	/* A lost increment only makes the turn unfair once. */
	WRITE_ONCE(best->lapic->arbitrations, READ_ONCE(best->lapic->arbitrations) + 1);
	return deliver_to(best, src, irq, dest_vcpus);
}

static int deliver_to_targets(const struct targets *targets, struct kvm_vcpu *src,
			      const struct kvm_lapic_irq *irq, unsigned long *dest_vcpus)
{
	struct kvm_vcpu *best = NULL;
	unsigned int i;
	int total = -1;

	if (targets->nr > 1 && wants_one(irq)) {
		for (i = 0; i < targets->nr; i++)
			best = better(best, targets->vcpu[i]);
		return deliver_to_best(best, src, irq, dest_vcpus);
	}
	for (i = 0; i < targets->nr; i++)
		total = sum(total, deliver_to(targets->vcpu[i], src, irq, dest_vcpus));
	return total;
}

static int deliver_by_search(struct kvm *kvm, struct kvm_vcpu *src,
			     const struct kvm_lapic_irq *irq, unsigned long *dest_vcpus)
{
	struct kvm_vcpu *vcpu, *best = NULL;
	bool one = wants_one(irq);
	unsigned long i;
	int total = -1;

	kvm_for_each_vcpu(i, vcpu, kvm) {
		if (!lapic_hw_enabled(vcpu) ||
		    !kvm_lapic_match(vcpu, irq->dest_id, irq->logical, irq->shorthand, src))
			continue;
		if (one)
			best = better(best, vcpu);
		else
			total = sum(total, deliver_to(vcpu, src, irq, dest_vcpus));
	}
	return one ? deliver_to_best(best, src, irq, dest_vcpus) : total;
}

/**
 * kvm_irq_deliver() - send an interrupt message
 * @kvm: the VM
 * @src: the vCPU whose IPI it is, its own thread; NULL: a device's message
 * @irq: the message
 * @dest_vcpus: bitmap by vcpu_id to which receivers are added, or NULL
 *
 * Context: any, irqs on or off.
 * Return: how many vCPUs it reached, 0 if it was pending at all of them, -1 if
 * there are none.
 */
int kvm_irq_deliver(struct kvm *kvm, struct kvm_vcpu *src, const struct kvm_lapic_irq *irq,
		    unsigned long *dest_vcpus)
{
	struct targets targets = { .nr = 0 };
	int ret;

	if (irq->shorthand == LAPIC_SHORT_SELF)
		return deliver_to(src, src, irq, dest_vcpus);

	rcu_read_lock();
	if (likely(look_up(rcu_dereference(kvm->apic_map), irq, &targets)))
		ret = deliver_to_targets(&targets, src, irq, dest_vcpus);
	else
		ret = deliver_by_search(kvm, src, irq, dest_vcpus);
	rcu_read_unlock();
	return ret;
}

static void map_id(struct kvm_apic_map *map, struct kvm_vcpu *vcpu)
{
	u32 xapic_id = lapic_reg(vcpu->lapic, APIC_ID) >> 24;

	if (map->by_id[vcpu->vcpu_id] && map->by_id[vcpu->vcpu_id] != vcpu)
		map->ids_clash = true;
	if (lapic_x2apic_mode(vcpu)) {
		map->by_id[vcpu->vcpu_id] = vcpu;
		return;
	}
	if (vcpu->vcpu_id > LAPIC_BROADCAST_8)
		map->by_id[vcpu->vcpu_id] = vcpu;
	if (xapic_id >= map->nr_ids || map->by_id[xapic_id])
		map->ids_clash = true;
	else
		map->by_id[xapic_id] = vcpu;
}

static struct kvm_vcpu **logical_slot(struct kvm_apic_map *map, const struct kvm_vcpu *vcpu,
				      enum map_logical *logical)
{
	u8 id = GET_APIC_LOGICAL_ID(lapic_reg(vcpu->lapic, APIC_LDR));

	if (lapic_reg(vcpu->lapic, APIC_DFR) == APIC_DFR_FLAT) {
		*logical = MAP_LOGICAL_FLAT;
		return hweight8(id) == 1 ? &map->flat[__ffs(id)] : NULL;
	}
	*logical = MAP_LOGICAL_CLUSTER;
	return hweight8(id & 0xf) == 1 ? &map->cluster[id >> 4][__ffs(id & 0xf)] : NULL;
}

/* An APIC without a logical id has no say in how they are formed. */
static void map_logical(struct kvm_apic_map *map, struct kvm_vcpu *vcpu)
{
	enum map_logical logical = MAP_LOGICAL_X2APIC;
	struct kvm_vcpu **slot = NULL;

	if (!lapic_x2apic_mode(vcpu)) {
		if (!lapic_reg(vcpu->lapic, APIC_LDR))
			return;
		slot = logical_slot(map, vcpu, &logical);
		if (!slot)
			logical = MAP_LOGICAL_MIXED;
	}
	if (map->logical != MAP_LOGICAL_NONE && map->logical != logical)
		logical = MAP_LOGICAL_MIXED;
	map->logical = logical;
	if (logical == MAP_LOGICAL_MIXED || !slot)
		return;
	if (*slot)
		map->logical = MAP_LOGICAL_MIXED;
	*slot = vcpu;
}

static struct kvm_apic_map *build_map(struct kvm *kvm)
{
	u32 nr_ids = LAPIC_BROADCAST_8;
	struct kvm_apic_map *map;
	struct kvm_vcpu *vcpu;
	unsigned long i;

	kvm_for_each_vcpu(i, vcpu, kvm)
		nr_ids = max_t(u32, nr_ids, vcpu->vcpu_id + 1);
	map = kvzalloc(struct_size(map, by_id, nr_ids), GFP_KERNEL_ACCOUNT);
	if (!map)
		return NULL;
	map->nr_ids = nr_ids;
	kvm_for_each_vcpu(i, vcpu, kvm) {
		/* A vCPU that comes now brings a map of its own. */
		if (vcpu->vcpu_id >= nr_ids || !lapic_hw_enabled(vcpu))
			continue;
		map_id(map, vcpu);
		map_logical(map, vcpu);
	}
	return map;
}

/**
 * kvm_recalculate_apic_map() - an APIC came, or changed how it is addressed
 * @kvm: the VM
 *
 * Without memory for a map each message asks each APIC, which is slow and right.
 * Context: may sleep.
 */
void kvm_recalculate_apic_map(struct kvm *kvm)
{
	struct kvm_apic_map *map, *old;

	/*
	 * Under the lock from the first look at an APIC on: who changed one and
	 * comes later builds the map that is seen last.
	 */
	mutex_lock(&kvm->apic_map_lock);
	map = build_map(kvm);
	old = rcu_replace_pointer(kvm->apic_map, map, lockdep_is_held(&kvm->apic_map_lock));
	mutex_unlock(&kvm->apic_map_lock);
	if (old)
		kvfree_rcu(old, rcu);
	/* Who is a destination decides whose EOIs an I/O APIC waits for. */
	kvm_make_scan_ioapic_request(kvm);
}

/* The VM's last reference is gone. */
void kvm_apic_map_destroy(struct kvm *kvm)
{
	kvfree(rcu_dereference_protected(kvm->apic_map, true));
}
