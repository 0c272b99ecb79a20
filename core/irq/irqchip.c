// SPDX-License-Identifier: GPL-2.0-only
/*
 * Making the interrupt controllers of a VM, and its ioctls that concern them.
 * How a chip works is in its own file.
 */
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "core/bus.h"
#include "core/irq/ioapic.h"
#include "core/irq/irqchip.h"
#include "core/irq/irqfd.h"
#include "core/irq/pic.h"
#include "core/irq/pit.h"
#include "core/irq/routing.h"
#include "core/vm.h"

/* The chips on the buses; the PIT's come with the PIT. */
static const struct kvm_bus_range irqchip_ranges[] = {
	{ KVM_BUS_PIO, KVM_DEVICE_PIC_MASTER, PIC_PORT_MASTER, 2 },
	{ KVM_BUS_PIO, KVM_DEVICE_PIC_SLAVE, PIC_PORT_SLAVE, 2 },
	{ KVM_BUS_PIO, KVM_DEVICE_ELCR, PIC_PORT_ELCR, 2 },
	{ KVM_BUS_MMIO, KVM_DEVICE_IOAPIC, IOAPIC_DEFAULT_BASE, IOAPIC_SIZE },
};

static const struct kvm_bus_range pit_ranges[] = {
	{ KVM_BUS_PIO, KVM_DEVICE_PIT, PIT_PORT, PIT_NR_PORTS },
	{ KVM_BUS_PIO, KVM_DEVICE_SPEAKER, PIT_SPEAKER_PORT, PIT_NR_SPEAKER_PORTS },
};

static int create_chips(struct kvm *kvm)
{
	int err;

	err = kvm_pic_create(kvm);
	if (err)
		return err;
	err = kvm_ioapic_create(kvm);
	if (err)
		goto pic;
	err = kvm_routing_set_default(kvm);
	if (err)
		goto ioapic;
	err = kvm_bus_add_devices(kvm, irqchip_ranges, ARRAY_SIZE(irqchip_ranges));
	if (!err)
		return 0;
	kvm_routing_publish(kvm, NULL);
ioapic:
	kvm_ioapic_destroy(kvm);
pic:
	kvm_pic_destroy(kvm);
	return err;
}

/* Whoever sees the mode sees what it promises; pairs with irqchip_mode(). */
static void publish_mode(struct kvm *kvm, enum kvm_irqchip_mode mode)
{
	/* See above. */
	smp_store_release(&kvm->irqchip_mode, mode);
}

/* Return: 0, -EEXIST (there is one), -EINVAL (vCPUs exist), -ENOMEM, -ENOSPC (bus full). */
static int create_irqchip(struct kvm *kvm)
{
	int err;

	mutex_lock(&kvm->lock);
	if (irqchip_in_kernel(kvm))
		err = -EEXIST;
	else if (kvm->created_vcpus)
		err = -EINVAL;
	else
		err = create_chips(kvm);
	if (!err)
		publish_mode(kvm, KVM_IRQCHIP_KERNEL);
	mutex_unlock(&kvm->lock);
	return err;
}

int kvm_enable_split_irqchip(struct kvm *kvm, u64 nr_pins)
{
	lockdep_assert_held(&kvm->lock);
	if (nr_pins > KVM_MAX_IRQ_ROUTES)
		return -EINVAL;
	if (irqchip_in_kernel(kvm) || kvm->created_vcpus)
		return -EEXIST;
	kvm->nr_reserved_ioapic_pins = nr_pins;
	publish_mode(kvm, KVM_IRQCHIP_SPLIT);
	return 0;
}

static int create_pit_locked(struct kvm *kvm, const struct kvm_pit_config *config)
{
	unsigned int nr = config->flags & KVM_PIT_SPEAKER_DUMMY ? 2 : 1;
	int err;

	if (kvm->pit)
		return -EEXIST;
	if (!pic_in_kernel(kvm))
		return -ENOENT;
	err = kvm_pit_create(kvm, config);
	if (err)
		return err;
	err = kvm_bus_add_devices(kvm, pit_ranges, nr);
	if (err)
		kvm_pit_destroy(kvm);
	return err;
}

static int create_pit(struct kvm *kvm, const struct kvm_pit_config *config)
{
	int err;

	mutex_lock(&kvm->lock);
	err = create_pit_locked(kvm, config);
	mutex_unlock(&kvm->lock);
	return err;
}

static int get_irqchip(struct kvm *kvm, struct kvm_irqchip *chip)
{
	switch (chip->chip_id) {
	case KVM_IRQCHIP_PIC_MASTER:
	case KVM_IRQCHIP_PIC_SLAVE:
		kvm_pic_get_state(kvm->pic, chip->chip_id == KVM_IRQCHIP_PIC_SLAVE,
				  &chip->chip.pic);
		return 0;
	case KVM_IRQCHIP_IOAPIC:
		kvm_ioapic_get_state(kvm->ioapic, &chip->chip.ioapic);
		return 0;
	}
	return -EINVAL;
}

static int set_irqchip(struct kvm *kvm, const struct kvm_irqchip *chip)
{
	switch (chip->chip_id) {
	case KVM_IRQCHIP_PIC_MASTER:
	case KVM_IRQCHIP_PIC_SLAVE:
		kvm_pic_set_state(kvm->pic, chip->chip_id == KVM_IRQCHIP_PIC_SLAVE,
				  &chip->chip.pic);
		return 0;
	case KVM_IRQCHIP_IOAPIC:
		kvm_ioapic_set_state(kvm->ioapic, &chip->chip.ioapic);
		return 0;
	}
	return -EINVAL;
}

/* The structure is too large for the stack. */
static long ioctl_irqchip(struct kvm *kvm, bool set, struct kvm_irqchip __user *argp)
{
	struct kvm_irqchip *chip = memdup_user(argp, sizeof(*chip));
	long ret = -ENXIO;

	if (IS_ERR(chip))
		return PTR_ERR(chip);
	if (ioapic_in_kernel(kvm))
		ret = set ? set_irqchip(kvm, chip) : get_irqchip(kvm, chip);
	if (!ret && !set && copy_to_user(argp, chip, sizeof(*chip)))
		ret = -EFAULT;
	kfree(chip);
	return ret;
}

/* kvm->lock: creation of a PIT may fail after it was to be seen. */
static int pit_state(struct kvm *kvm, bool set, struct kvm_pit_state2 *state)
{
	int err = 0;

	mutex_lock(&kvm->lock);
	if (!kvm->pit)
		err = -ENXIO;
	else if (set)
		err = kvm_pit_set_state(kvm->pit, state);
	else
		kvm_pit_get_state(kvm->pit, state);
	mutex_unlock(&kvm->lock);
	return err;
}

/* KVM_GET_PIT and KVM_SET_PIT know the channels only. */
static long ioctl_pit(struct kvm *kvm, bool set, size_t size, void __user *argp)
{
	struct kvm_pit_state2 state = {};
	int err;

	if (set && copy_from_user(&state, argp, size))
		return -EFAULT;
	err = pit_state(kvm, set, &state);
	if (!err && !set && copy_to_user(argp, &state, size))
		err = -EFAULT;
	return err;
}

static long reinject_control(struct kvm *kvm, const struct kvm_reinject_control *control)
{
	int err = 0;

	mutex_lock(&kvm->lock);
	if (kvm->pit)
		kvm_pit_set_reinject(kvm->pit, control->pit_reinject);
	else
		err = -ENXIO;
	mutex_unlock(&kvm->lock);
	return err;
}

static long irq_line(struct kvm *kvm, bool status, void __user *argp)
{
	struct kvm_irq_level irq;
	int err;

	if (copy_from_user(&irq, argp, sizeof(irq)))
		return -EFAULT;
	err = kvm_vm_ioctl_irq_line(kvm, &irq, status);
	if (!err && status && copy_to_user(argp, &irq, sizeof(irq)))
		err = -EFAULT;
	return err;
}

#define VM_IOCTL_IN(type, handler)					\
({									\
	type in_;							\
	copy_from_user(&in_, argp, sizeof(in_)) ? -EFAULT : handler(kvm, &in_);	\
})

long kvm_vm_ioctl_irq(struct kvm *kvm, unsigned int ioctl, void __user *argp)
{
	static const struct kvm_pit_config with_speaker = { .flags = KVM_PIT_SPEAKER_DUMMY };

	/* Both structures begin with the channels. */
	BUILD_BUG_ON(offsetof(struct kvm_pit_state2, flags) != sizeof(struct kvm_pit_state));

	switch (ioctl) {
	case KVM_CREATE_IRQCHIP:
		return create_irqchip(kvm);
	case KVM_CREATE_PIT:
		return create_pit(kvm, &with_speaker);
	case KVM_CREATE_PIT2:
		return VM_IOCTL_IN(struct kvm_pit_config, create_pit);
	case KVM_GET_IRQCHIP:
	case KVM_SET_IRQCHIP:
		return ioctl_irqchip(kvm, ioctl == KVM_SET_IRQCHIP, argp);
	case KVM_GET_PIT:
	case KVM_SET_PIT:
		return ioctl_pit(kvm, ioctl == KVM_SET_PIT, sizeof(struct kvm_pit_state), argp);
	case KVM_GET_PIT2:
	case KVM_SET_PIT2:
		return ioctl_pit(kvm, ioctl == KVM_SET_PIT2, sizeof(struct kvm_pit_state2), argp);
	case KVM_REINJECT_CONTROL:
		return VM_IOCTL_IN(struct kvm_reinject_control, reinject_control);
	case KVM_IRQ_LINE:
	case KVM_IRQ_LINE_STATUS:
		return irq_line(kvm, ioctl == KVM_IRQ_LINE_STATUS, argp);
	case KVM_SIGNAL_MSI:
		return VM_IOCTL_IN(struct kvm_msi, kvm_vm_ioctl_signal_msi);
	case KVM_SET_GSI_ROUTING:
		return kvm_vm_ioctl_set_gsi_routing(kvm, argp);
	case KVM_IRQFD:
		return VM_IOCTL_IN(struct kvm_irqfd, kvm_vm_ioctl_irqfd);
	}
	return -ENOTTY;
}

int kvm_irqchip_vm_init(struct kvm *kvm)
{
	kvm_irqfd_vm_init(kvm);
	return kvm_routing_init(kvm);
}

/* The PIT first: its ticks go to the others. */
void kvm_irqchip_destroy_chips(struct kvm *kvm)
{
	kvm_pit_destroy(kvm);
	kvm_ioapic_destroy(kvm);
	kvm_pic_destroy(kvm);
}

void kvm_irqchip_vm_destroy(struct kvm *kvm)
{
	kvm_routing_destroy(kvm);
}
