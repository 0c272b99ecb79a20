// SPDX-License-Identifier: GPL-2.0-only
/* Interrupt controllers, routes, lines, messages, eventfds on both ends. */
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

#define MAX_ROUTES	64

static void route(struct drawer *d, struct kvm_irq_routing_entry *e)
{
	memset(e, 0, sizeof(*e));
	e->gsi = once_in(d, 12) ? odd_number(d) : below(d, 32);
	if (once_in(d, 2)) {
		e->type = KVM_IRQ_ROUTING_MSI;
		e->u.msi.address_lo = 0xfee00000 | below(d, 256) << 12 | below(d, 4) << 2;
		e->u.msi.data = below(d, 256) | below(d, 8) << 8 | below(d, 4) << 14;
		if (once_in(d, 6))
			e->u.msi.address_hi = odd_number(d);
	} else {
		e->type = KVM_IRQ_ROUTING_IRQCHIP;
		e->u.irqchip.irqchip = below(d, 3);
		e->u.irqchip.pin = below(d, e->u.irqchip.irqchip == 2 ? 24 : 8);
	}
	if (once_in(d, 100))
		disturb(d, e, sizeof(*e));
}

/* GSIs are drawn in order, so that sharing does not make every table an illegal one. */
static void routing(struct drawer *d)
{
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entry[MAX_ROUTES];
	} table = {};
	u32 i;

	table.head.nr = below(d, once_in(d, 4) ? MAX_ROUTES : 16);
	for (i = 0; i < table.head.nr; i++) {
		route(d, &table.entry[i]);
		if (!once_in(d, 20))
			table.entry[i].gsi = i;
	}
	if (once_in(d, 30))
		disturb(d, &table.head, sizeof(table.head));
	call(d, some_vm(d), KVM_SET_GSI_ROUTING, &table, sizeof(table));
}

static void irqfd(struct drawer *d)
{
	struct kvm_irqfd args = {
		.fd = some_event(d),
		.gsi = once_in(d, 12) ? odd_number(d) : below(d, 24),
		.flags = once_in(d, 3) ? KVM_IRQFD_FLAG_DEASSIGN : 0,
		.resamplefd = some_event(d),
	};

	if (once_in(d, 3))
		args.flags |= KVM_IRQFD_FLAG_RESAMPLE;
	if (once_in(d, 20))
		disturb(d, &args, sizeof(args));
	call(d, some_vm(d), KVM_IRQFD, &args, sizeof(args));
}

static void ioeventfd(struct drawer *d)
{
	static const u8 lengths[] = { 0, 1, 2, 4, 8, 1, 2, 4 };
	struct kvm_ioeventfd args = {
		.fd = some_event(d),
		.addr = below(d, 16),
		.len = lengths[below(d, ARRAY_SIZE(lengths))],
		.flags = below(d, 8),
		.datamatch = below(d, 4),
	};

	if (!(args.flags & KVM_IOEVENTFD_FLAG_PIO))
		args.addr += once_in(d, 2) ? GUEST_SIZE : 0xfec00000;
	if (once_in(d, 10))
		disturb(d, &args, sizeof(args));
	call(d, some_vm(d), KVM_IOEVENTFD, &args, sizeof(args));
}

static void coalesced(struct drawer *d)
{
	struct kvm_coalesced_mmio_zone zone = {
		.addr = below(d, 32),
		.size = below(d, 64),
		.pio = once_in(d, 2),
	};

	if (!zone.pio)
		zone.addr += GUEST_SIZE;
	if (once_in(d, 10))
		disturb(d, &zone, sizeof(zone));
	call(d, some_vm(d), once_in(d, 3) ? KVM_UNREGISTER_COALESCED_MMIO :
	     KVM_REGISTER_COALESCED_MMIO, &zone, sizeof(zone));
}

static void line(struct drawer *d)
{
	struct kvm_irq_level level = {
		.irq = once_in(d, 12) ? odd_number(d) : below(d, 24),
		.level = below(d, 2),
	};

	call(d, some_vm(d), once_in(d, 2) ? KVM_IRQ_LINE : KVM_IRQ_LINE_STATUS, &level,
	     sizeof(level));
}

static void message(struct drawer *d)
{
	struct kvm_irq_routing_entry e;
	struct kvm_msi msi = {};

	route(d, &e);
	msi.address_lo = 0xfee00000 | below(d, 8) << 12 | below(d, 4) << 2;
	msi.data = below(d, 256) | below(d, 8) << 8 | below(d, 4) << 14;
	if (once_in(d, 6))
		disturb(d, &msi, sizeof(msi));
	call(d, some_vm(d), KVM_SIGNAL_MSI, &msi, sizeof(msi));
}

static void chip(struct drawer *d)
{
	struct kvm_irqchip state = { .chip_id = below(d, 3) };
	int vm = some_vm(d);

	call(d, vm, KVM_GET_IRQCHIP, &state, sizeof(state));
	memcpy(&state, d->buf, sizeof(state));
	disturb(d, &state.chip, sizeof(state.chip));
	if (once_in(d, 20))
		disturb(d, &state, sizeof(state));
	/* Registers of the I/O APIC that route somewhere */
	if (state.chip_id == 2 && once_in(d, 2))
		draw_bytes(d, &state.chip.ioapic.redirtbl[below(d, 24)], 8);
	call(d, vm, KVM_SET_IRQCHIP, &state, sizeof(state));
}

static void pit(struct drawer *d)
{
	struct kvm_pit_state2 state = {};
	struct kvm_reinject_control control = { .pit_reinject = below(d, 2) };
	struct kvm_pit_config config = { .flags = below(d, 2) };
	int vm = some_vm(d);

	switch (below(d, 5)) {
	case 0:
		call(d, vm, KVM_REINJECT_CONTROL, &control, sizeof(control));
		break;
	case 1:
		if (once_in(d, 2))
			call_value(d, vm, KVM_CREATE_PIT, 0);
		else
			call(d, vm, KVM_CREATE_PIT2, &config, sizeof(config));
		break;
	default:
		call(d, vm, KVM_GET_PIT2, &state, sizeof(state));
		memcpy(&state, d->buf, sizeof(state));
		state.channels[below(d, 3)].mode = below(d, 8);
		state.channels[below(d, 3)].count = odd_number(d) & 0x1ffff;
		disturb(d, &state, sizeof(state));
		if (once_in(d, 2))
			call(d, vm, KVM_SET_PIT2, &state, sizeof(state));
		else
			call(d, vm, KVM_SET_PIT, &state, sizeof(struct kvm_pit_state));
		break;
	}
}

static void signal_event(struct drawer *d)
{
	u64 one = once_in(d, 20) ? odd_number(d) : 1;

	if (write(some_event(d), &one, sizeof(one)) < 0 || once_in(d, 3))
		(void)!read(some_event(d), &one, sizeof(one));
}

void irq_step(struct drawer *d)
{
	switch (below(d, 16)) {
	case 0 ... 1:
		routing(d);
		break;
	case 2 ... 4:
		irqfd(d);
		break;
	case 5 ... 6:
		ioeventfd(d);
		break;
	case 7:
		coalesced(d);
		break;
	case 8 ... 9:
		line(d);
		break;
	case 10 ... 11:
		message(d);
		break;
	case 12:
		chip(d);
		break;
	case 13:
		pit(d);
		break;
	case 14:
		if (once_in(d, 10))
			call_value(d, some_vm(d), KVM_CREATE_IRQCHIP, 0);
		break;
	default:
		signal_event(d);
		break;
	}
}
