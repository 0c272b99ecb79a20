// SPDX-License-Identifier: GPL-2.0-only
/*
 * The in-kernel interrupt controllers: their life, their state, GSI routes and
 * irqfds, each with bad input, and interrupts on their way to a tiny guest.
 */
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "harness.h"

#define IOAPIC_ACTIVE_LOW	0x2000ULL
#define IOAPIC_LEVEL		0x8000ULL
#define IOAPIC_MASKED		0x10000ULL
#define MSI_ADDRESS		0xfee00000U
#define MSI_LEVEL		0x8000U

enum { PORT_READY = 0x81, PORT_TAKEN = 0x82, PORT_ENDED = 0x84 };

static int enable_split(struct vm *vm, u64 pins)
{
	struct kvm_enable_cap e = { .cap = KVM_CAP_SPLIT_IRQCHIP, .args[0] = pins };

	return ioctl(vm->fd, KVM_ENABLE_CAP, &e);
}

TEST(irqchip, create)
{
	struct vm *vm = vm_with_irqchip();

	CHECK_ERRNO(ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0UL), EEXIST);
	CHECK_ERRNO(enable_split(vm, 24), EEXIST);
	vm = vm_create();
	vcpu_bare(vm, 0);
	CHECK_ERRNO(ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0UL), EINVAL);
}

TEST(irqchip, split)
{
	struct vm *vm = vm_create();
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };

	NEED_CAP(KVM_CAP_SPLIT_IRQCHIP);
	CHECK_ERRNO(enable_split(vm, 4097), EINVAL);
	CHECK_OK(enable_split(vm, 24));
	CHECK_ERRNO(enable_split(vm, 24), EEXIST);
	CHECK_ERRNO(ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0UL), EEXIST);
	CHECK_ERRNO(ioctl(vm->fd, KVM_GET_IRQCHIP, &chip), ENXIO);
	CHECK_ERRNO(ioctl(vm->fd, KVM_CREATE_PIT2, &(struct kvm_pit_config){}), ENOENT);
	vm = vm_create();
	vcpu_bare(vm, 0);
	CHECK_ERRNO(enable_split(vm, 24), EEXIST);
}

/* What concerns the controllers is refused where there is none. */
TEST(irqchip, absent)
{
	struct vm *vm = vm_create();
	struct kvm_irqchip chip = { 0 };
	struct kvm_irq_level level = { .irq = 4, .level = 1 };
	struct kvm_msi msi = { .address_lo = MSI_ADDRESS, .data = 0x41 };
	struct kvm_irq_routing routing = { 0 };
	struct kvm_pit_state2 pit = { 0 };
	struct kvm_reinject_control reinject = { 0 };

	NEED_CAP(KVM_CAP_IRQCHIP);
	CHECK_ERRNO(ioctl(vm->fd, KVM_GET_IRQCHIP, &chip), ENXIO);
	CHECK_ERRNO(ioctl(vm->fd, KVM_SET_IRQCHIP, &chip), ENXIO);
	CHECK_ERRNO(ioctl(vm->fd, KVM_IRQ_LINE, &level), ENXIO);
	CHECK_ERRNO(ioctl(vm->fd, KVM_IRQ_LINE_STATUS, &level), ENXIO);
	CHECK_ERRNO(ioctl(vm->fd, KVM_SIGNAL_MSI, &msi), EINVAL);
	CHECK_ERRNO(ioctl(vm->fd, KVM_SET_GSI_ROUTING, &routing), EINVAL);
	CHECK_ERRNO(ioctl(vm->fd, KVM_GET_PIT2, &pit), ENXIO);
	CHECK_ERRNO(ioctl(vm->fd, KVM_SET_PIT2, &pit), ENXIO);
	CHECK_ERRNO(ioctl(vm->fd, KVM_REINJECT_CONTROL, &reinject), ENXIO);
	CHECK_ERRNO(ioctl(vm->fd, KVM_IRQ_LINE, BAD_PTR), EFAULT);
	CHECK_ERRNO(ioctl(vm->fd, KVM_GET_IRQCHIP, BAD_PTR), EFAULT);
	CHECK_ERRNO(ioctl(vm->fd, KVM_SIGNAL_MSI, BAD_PTR), EFAULT);
	CHECK_ERRNO(ioctl(vm->fd, KVM_IRQFD, BAD_PTR), EFAULT);
}

TEST(irqchip, chip_ids)
{
	struct vm *vm = vm_with_irqchip();
	struct kvm_irqchip chip = { .chip_id = 3 };

	CHECK_ERRNO(ioctl(vm->fd, KVM_GET_IRQCHIP, &chip), EINVAL);
	CHECK_ERRNO(ioctl(vm->fd, KVM_SET_IRQCHIP, &chip), EINVAL);
	for (chip.chip_id = 0; chip.chip_id < 3; chip.chip_id++)
		CHECK_OK(ioctl(vm->fd, KVM_GET_IRQCHIP, &chip));
}

TEST(irqchip, state_round_trip)
{
	struct vm *vm = vm_with_irqchip();
	struct kvm_irqchip chip = { 0 }, again;

	for (u32 id = 0; id < 3; id++) {
		memset(&chip, 0, sizeof(chip));
		chip.chip_id = id;
		CHECK_OK(ioctl(vm->fd, KVM_GET_IRQCHIP, &chip));
		if (id == KVM_IRQCHIP_IOAPIC) {
			chip.chip.ioapic.id = 5;
			chip.chip.ioapic.ioregsel = 0x12;
			for (int pin = 0; pin < 24; pin++)
				chip.chip.ioapic.redirtbl[pin].bits =
					IOAPIC_MASKED | IOAPIC_LEVEL | (0x40 + pin);
			chip.chip.ioapic.irr = 1 << 7;
		} else {
			chip.chip.pic.imr = 0xfb;
			chip.chip.pic.irq_base = 0x20 + 8 * id;
			chip.chip.pic.elcr = 0x08;
			chip.chip.pic.irr = 0x10;
			chip.chip.pic.isr = 0x02;
			chip.chip.pic.init4 = 1;
		}
		CHECK_OK(ioctl(vm->fd, KVM_SET_IRQCHIP, &chip));
		memset(&again, 0, sizeof(again));
		again.chip_id = id;
		CHECK_OK(ioctl(vm->fd, KVM_GET_IRQCHIP, &again));
		CHECK_MEM(&again, &chip, sizeof(chip));
	}
}

/* Whatever userspace installs, nothing but its guest suffers. */
TEST(irqchip, hostile_state)
{
	struct vm *vm = vm_with_irqchip();
	struct kvm_irq_level level = { 0 };
	struct kvm_irqchip chip;

	vcpu_create(vm, 0);
	memset(&chip, 0xff, sizeof(chip));
	for (u32 id = 0; id < 3; id++) {
		chip.chip_id = id;
		CHECK_OK(ioctl(vm->fd, KVM_SET_IRQCHIP, &chip));
	}
	for (level.irq = 0; level.irq < 26; level.irq++) {
		level.level = 1;
		CHECK_OK(ioctl(vm->fd, KVM_IRQ_LINE, &level));
		level.level = 0;
		CHECK_OK(ioctl(vm->fd, KVM_IRQ_LINE, &level));
	}
}

TEST(pit, life)
{
	struct vm *vm = vm_create();
	struct kvm_pit_config config = { 0 };
	struct kvm_pit_state2 state;
	struct kvm_pit_state old;
	struct kvm_reinject_control reinject = { .pit_reinject = 0 };

	NEED_CAP(KVM_CAP_PIT2);
	CHECK_ERRNO(ioctl(vm->fd, KVM_CREATE_PIT2, &config), ENOENT);
	CHECK_ERRNO(ioctl(vm->fd, KVM_CREATE_PIT2, BAD_PTR), EFAULT);
	CHECK_OK(ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0UL));
	CHECK_ERRNO(ioctl(vm->fd, KVM_GET_PIT2, &state), ENXIO);
	CHECK_OK(ioctl(vm->fd, KVM_CREATE_PIT2, &config));
	CHECK_ERRNO(ioctl(vm->fd, KVM_CREATE_PIT2, &config), EEXIST);
	CHECK_ERRNO(ioctl(vm->fd, KVM_CREATE_PIT, 0UL), EEXIST);
	CHECK_OK(ioctl(vm->fd, KVM_GET_PIT2, &state));
	CHECK_EQ(state.channels[0].count, 0x10000);
	CHECK_EQ(state.channels[0].gate, 1);
	CHECK_EQ(state.channels[2].gate, 0);
	CHECK_EQ(state.flags, 0);
	state.channels[1].count = 0x1234;
	state.flags = KVM_PIT_FLAGS_HPET_LEGACY;
	CHECK_OK(ioctl(vm->fd, KVM_SET_PIT2, &state));
	CHECK_OK(ioctl(vm->fd, KVM_GET_PIT2, &state));
	CHECK_EQ(state.channels[1].count, 0x1234);
	CHECK_EQ(state.flags, KVM_PIT_FLAGS_HPET_LEGACY);
	CHECK_OK(ioctl(vm->fd, KVM_GET_PIT, &old));
	CHECK_EQ(old.channels[1].count, 0x1234);
	CHECK_OK(ioctl(vm->fd, KVM_SET_PIT, &old));
	CHECK_OK(ioctl(vm->fd, KVM_REINJECT_CONTROL, &reinject));
	reinject.pit_reinject = 1;
	CHECK_OK(ioctl(vm->fd, KVM_REINJECT_CONTROL, &reinject));
}

/*
 * Routes
 */
struct routes {
	struct kvm_irq_routing head;
	struct kvm_irq_routing_entry entries[4];
};

static int set_routes(struct vm *vm, const struct routes *r)
{
	return ioctl(vm->fd, KVM_SET_GSI_ROUTING, r);
}

static struct kvm_irq_routing_entry msi_route(u32 gsi, u32 data)
{
	return (struct kvm_irq_routing_entry){
		.gsi = gsi, .type = KVM_IRQ_ROUTING_MSI,
		.u.msi = { .address_lo = MSI_ADDRESS, .data = data },
	};
}

static struct kvm_irq_routing_entry pin_route(u32 gsi, u32 chip, u32 pin)
{
	return (struct kvm_irq_routing_entry){
		.gsi = gsi, .type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip = { .irqchip = chip, .pin = pin },
	};
}

static void refuse(struct vm *vm, struct kvm_irq_routing_entry e)
{
	struct routes r = { .head.nr = 1, .entries = { e } };

	CHECK_ERRNO(set_routes(vm, &r), EINVAL);
}

static void accept(struct vm *vm, struct kvm_irq_routing_entry e)
{
	struct routes r = { .head.nr = 1, .entries = { e } };

	CHECK_OK(set_routes(vm, &r));
}

TEST(routing, legality)
{
	struct vm *vm = vm_with_irqchip();
	struct kvm_irq_routing_entry e = msi_route(0, 0x41);
	struct routes r = { 0 };

	CHECK_OK(set_routes(vm, &r));
	CHECK_ERRNO(ioctl(vm->fd, KVM_SET_GSI_ROUTING, BAD_PTR), EFAULT);
	r.head.flags = 1;
	CHECK_ERRNO(set_routes(vm, &r), EINVAL);
	r.head.flags = 0;
	r.head.nr = 4097;
	CHECK_ERRNO(set_routes(vm, &r), EINVAL);
	accept(vm, msi_route(4095, 0x41));
	refuse(vm, msi_route(4096, 0x41));
	accept(vm, pin_route(1, KVM_IRQCHIP_IOAPIC, 23));
	refuse(vm, pin_route(1, KVM_IRQCHIP_IOAPIC, 24));
	refuse(vm, pin_route(1, KVM_IRQCHIP_PIC_MASTER, 8));
	refuse(vm, pin_route(1, 3, 0));
	e.flags = 2;
	refuse(vm, e);
	e = pin_route(1, KVM_IRQCHIP_IOAPIC, 1);
	e.flags = 1;
	refuse(vm, e);
	e.flags = 0;
	e.type = 99;
	refuse(vm, e);

	/* One pin of each chip, or one message. */
	r.head.nr = 2;
	r.entries[0] = pin_route(5, KVM_IRQCHIP_IOAPIC, 1);
	r.entries[1] = pin_route(5, KVM_IRQCHIP_IOAPIC, 2);
	CHECK_ERRNO(set_routes(vm, &r), EINVAL);
	r.entries[1] = msi_route(5, 0x41);
	CHECK_ERRNO(set_routes(vm, &r), EINVAL);
	r.entries[1] = pin_route(5, KVM_IRQCHIP_PIC_SLAVE, 2);
	CHECK_OK(set_routes(vm, &r));
}

TEST(routing, split_has_no_pins)
{
	struct vm *vm = vm_with_split();

	refuse(vm, pin_route(1, KVM_IRQCHIP_IOAPIC, 1));
	refuse(vm, pin_route(1, KVM_IRQCHIP_PIC_MASTER, 1));
	accept(vm, msi_route(1, 0x41));
}

/*
 * A guest with its local APIC on that waits for interrupts, and says so; the
 * handler says when it has taken one and when it has ended it.
 */
PROGRAM(irq_wait, 64,
	"	mov $0xfee00000, %ebx\n"
	"	movl $0x1ff, 0xf0(%rbx)\n"
	"	out %al, $0x81\n"
	"1:	sti\n"
	"	hlt\n"
	"	jmp 1b\n");

PROGRAM(irq_handler, 64,
	"	out %al, $0x82\n"
	"	movl $0, 0xb0(%rbx)\n"
	"	out %al, $0x84\n"
	"	iretq\n");

/* The same for an interrupt of the PICs: two EOIs, none at the local APIC. */
PROGRAM(pic_handler, 64,
	"	out %al, $0x82\n"
	"	mov $0x20, %al\n"
	"	out %al, $0xa0\n"
	"	out %al, $0x20\n"
	"	xor %al, %al\n"
	"	out %al, $0x84\n"
	"	iretq\n");

static struct vcpu *waiting_guest(struct vm *vm, unsigned int vector, const void *handler,
				  size_t size)
{
	struct vcpu *v = vcpu_create(vm, 0);

	load_at(vm, GPA_CODE, guest_irq_wait, GUEST_SIZE(irq_wait));
	load_at(vm, GPA_HANDLER, handler, size);
	vcpu_mode(v, MODE_LONG);
	set_gate(v, vector, GPA_HANDLER);
	vcpu_start(v, GPA_CODE);
	EXPECT_OUT(v, PORT_READY, 1, 0);
	return v;
}

#define WAITING(vm, vector) \
	waiting_guest(vm, vector, guest_irq_handler, GUEST_SIZE(irq_handler))

static void set_rte(struct vm *vm, unsigned int pin, u64 rte)
{
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };

	CHECK_OK(ioctl(vm->fd, KVM_GET_IRQCHIP, &chip));
	chip.chip.ioapic.redirtbl[pin].bits = rte;
	CHECK_OK(ioctl(vm->fd, KVM_SET_IRQCHIP, &chip));
}

static struct kvm_ioapic_state ioapic(struct vm *vm)
{
	struct kvm_irqchip chip = { .chip_id = KVM_IRQCHIP_IOAPIC };

	CHECK_OK(ioctl(vm->fd, KVM_GET_IRQCHIP, &chip));
	return chip.chip.ioapic;
}

static int line(struct vm *vm, u32 gsi, u32 level)
{
	struct kvm_irq_level irq = { .irq = gsi, .level = level };

	CHECK_OK(ioctl(vm->fd, KVM_IRQ_LINE_STATUS, &irq));
	return irq.status;
}

static void expect_taken(struct vcpu *v)
{
	EXPECT_OUT(v, PORT_TAKEN, 1, 0);
	EXPECT_OUT(v, PORT_ENDED, 1, 0);
}

TEST(irqchip, signal_msi)
{
	struct vm *vm = vm_with_irqchip();
	struct vcpu *v = WAITING(vm, 0x41);
	struct kvm_msi msi = { .address_lo = MSI_ADDRESS, .data = 0x41, .flags = 2 };

	CHECK_ERRNO(ioctl(vm->fd, KVM_SIGNAL_MSI, &msi), EINVAL);
	msi.flags = 0;
	CHECK_EQ(CHECK_OK(ioctl(vm->fd, KVM_SIGNAL_MSI, &msi)), 1);
	expect_taken(v);
	CHECK_EQ(CHECK_OK(ioctl(vm->fd, KVM_SIGNAL_MSI, &msi)), 1);
	expect_taken(v);
}

TEST(irqchip, ioapic_edge)
{
	struct vm *vm = vm_with_irqchip();
	struct vcpu *v = WAITING(vm, 0x42);

	/* Masked everywhere. */
	CHECK_EQ(line(vm, 20, 1), -1);
	line(vm, 20, 0);
	set_rte(vm, 20, 0x42);
	CHECK_EQ(line(vm, 20, 1), 1);
	CHECK_EQ(line(vm, 20, 1), 0);
	line(vm, 20, 0);
	expect_taken(v);
	CHECK_EQ(line(vm, 20, 1), 1);
	expect_taken(v);
	/* Active low or not, it is the level that userspace gives. */
	line(vm, 20, 0);
	set_rte(vm, 20, IOAPIC_ACTIVE_LOW | 0x42);
	CHECK_EQ(line(vm, 20, 1), 1);
	expect_taken(v);
}

/* A level-triggered line that stays up interrupts again after each EOI. */
TEST(irqchip, ioapic_level)
{
	struct vm *vm = vm_with_irqchip();
	struct vcpu *v = WAITING(vm, 0x43);

	set_rte(vm, 20, IOAPIC_LEVEL | 0x43);
	CHECK_EQ(line(vm, 20, 1), 1);
	CHECK(ioapic(vm).redirtbl[20].fields.remote_irr);
	expect_taken(v);
	EXPECT_OUT(v, PORT_TAKEN, 1, 0);
	line(vm, 20, 0);
	EXPECT_OUT(v, PORT_ENDED, 1, 0);
	CHECK(!ioapic(vm).redirtbl[20].fields.remote_irr);
	CHECK_EQ(ioapic(vm).irr, 0);
}

/* Userspace hears that a clock tick was lost behind one in service. */
TEST(irqchip, rtc_coalesced)
{
	struct vm *vm = vm_with_irqchip();
	struct vcpu *v;

	accept(vm, pin_route(8, KVM_IRQCHIP_IOAPIC, 8));
	v = WAITING(vm, 0x44);
	set_rte(vm, 8, 0x44);
	CHECK_EQ(line(vm, 8, 1), 1);
	line(vm, 8, 0);
	CHECK_EQ(line(vm, 8, 1), 0);
	line(vm, 8, 0);
	EXPECT_OUT(v, PORT_TAKEN, 1, 0);
	CHECK_EQ(line(vm, 8, 1), 0);
	line(vm, 8, 0);
	EXPECT_OUT(v, PORT_ENDED, 1, 0);
	CHECK_EQ(line(vm, 8, 1), 1);
	expect_taken(v);
}

static void set_up_pics(struct vm *vm)
{
	struct kvm_irqchip chip = { 0 };

	for (u32 id = 0; id < 2; id++) {
		chip.chip_id = id;
		CHECK_OK(ioctl(vm->fd, KVM_GET_IRQCHIP, &chip));
		chip.chip.pic.irq_base = 0x20 + 8 * id;
		chip.chip.pic.imr = 0;
		CHECK_OK(ioctl(vm->fd, KVM_SET_IRQCHIP, &chip));
	}
}

TEST(irqchip, pic)
{
	struct vm *vm = vm_with_irqchip();
	struct vcpu *v = waiting_guest(vm, 0x24, guest_pic_handler, GUEST_SIZE(pic_handler));

	set_gate(v, 0x2b, GPA_HANDLER);
	set_up_pics(vm);
	CHECK_EQ(line(vm, 4, 1), 1);
	line(vm, 4, 0);
	expect_taken(v);
	CHECK_EQ(line(vm, 11, 1), 1);
	line(vm, 11, 0);
	expect_taken(v);
}

/* Channel 0, mode 2, 1000 counts: ticks come by themselves. */
PROGRAM(pit_wait, 64,
	"	mov $0x34, %al\n"
	"	out %al, $0x43\n"
	"	mov $0xe8, %al\n"
	"	out %al, $0x40\n"
	"	mov $0x03, %al\n"
	"	out %al, $0x40\n"
	"	xor %al, %al\n"
	"	out %al, $0x81\n"
	"1:	sti\n"
	"	hlt\n"
	"	jmp 1b\n");

TEST(pit, ticks)
{
	struct vm *vm = vm_with_irqchip();
	struct kvm_pit_config config = { .flags = KVM_PIT_SPEAKER_DUMMY };
	struct kvm_pit_state2 state;
	struct vcpu *v;

	CHECK_OK(ioctl(vm->fd, KVM_CREATE_PIT2, &config));
	set_up_pics(vm);
	v = vcpu_create(vm, 0);
	load_at(vm, GPA_CODE, guest_pit_wait, GUEST_SIZE(pit_wait));
	load_at(vm, GPA_HANDLER, guest_pic_handler, GUEST_SIZE(pic_handler));
	vcpu_mode(v, MODE_LONG);
	set_gate(v, 0x20, GPA_HANDLER);
	vcpu_start(v, GPA_CODE);
	EXPECT_OUT(v, PORT_READY, 1, 0);
	CHECK_OK(ioctl(vm->fd, KVM_GET_PIT2, &state));
	CHECK_EQ(state.channels[0].count, 1000);
	CHECK_EQ(state.channels[0].mode, 2);
	for (int n = 0; n < 5; n++)
		expect_taken(v);
}

/* Gate and data of the speaker read back; with INS the device is asked byte by byte. */
PROGRAM(speaker, 64,
	"	mov $3, %al\n"
	"	out %al, $0x61\n"
	"	in $0x61, %al\n"
	"	and $3, %al\n"
	"	out %al, $0x81\n"
	"	mov $0x61, %edx\n"
	"	mov $0x20000, %edi\n"
	"	mov $4, %ecx\n"
	"	rep insb\n"
	"	out %al, $0x81\n");

TEST(pit, speaker)
{
	struct vm *vm = vm_with_irqchip();
	struct kvm_pit_config config = { .flags = KVM_PIT_SPEAKER_DUMMY };
	struct vcpu *v;

	CHECK_OK(ioctl(vm->fd, KVM_CREATE_PIT2, &config));
	v = vcpu_create(vm, 0);
	load_at(vm, GPA_CODE, guest_speaker, GUEST_SIZE(speaker));
	vcpu_mode(v, MODE_LONG);
	vcpu_start(v, GPA_CODE);
	EXPECT_OUT(v, 0x81, 1, 3);
	EXPECT_OUT(v, 0x81, 1, 3);
	for (int n = 0; n < 4; n++)
		CHECK_EQ(vm->mem[GPA_DATA + n] & 3, 3);
}

/* The chips' ports and pages are the kernel's only while there are chips. */
PROGRAM(chip_ports, 64,
	"	in $0x21, %al\n"
	"	in $0x40, %al\n"
	"	hlt\n");

TEST(irqchip, ports_of_userspace)
{
	struct vcpu *v = vcpu_with(MODE_LONG, chip_ports);

	EXPECT_EXIT(v, KVM_EXIT_IO);
	CHECK_EQ(v->run->io.port, 0x21);
	EXPECT_EXIT(v, KVM_EXIT_IO);
	CHECK_EQ(v->run->io.port, 0x40);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
}

PROGRAM(ioapic_access, 64,
	"	mov $0xfec00000, %ebx\n"
	"	movl $1, (%rbx)\n"
	"	mov 0x10(%rbx), %eax\n"
	"	out %eax, $0x81\n"
	"	movl $0x3a, (%rbx)\n"
	"	movl $0x1f0e2, 0x10(%rbx)\n"
	"	mov 0x10(%rbx), %eax\n"
	"	out %eax, $0x81\n");

TEST(irqchip, ioapic_window)
{
	struct vm *vm = vm_with_irqchip();
	struct vcpu *v = vcpu_create(vm, 0);

	load_at(vm, GPA_CODE, guest_ioapic_access, GUEST_SIZE(ioapic_access));
	vcpu_mode(v, MODE_LONG);
	vcpu_start(v, GPA_CODE);
	EXPECT_OUT(v, 0x81, 4, 0x00170011);
	/* Delivery status and Remote IRR are not the guest's to write. */
	EXPECT_OUT(v, 0x81, 4, 0x1a0e2);
	CHECK_EQ(ioapic(vm).redirtbl[21].bits, 0x1a0e2);
}

/*
 * irqfd
 */
static int irqfd(struct vm *vm, int fd, u32 gsi, u32 flags, int resamplefd)
{
	struct kvm_irqfd args = {
		.fd = fd, .gsi = gsi, .flags = flags, .resamplefd = resamplefd,
	};

	return ioctl(vm->fd, KVM_IRQFD, &args);
}

static int new_eventfd(void)
{
	return CHECK_OK(eventfd(0, EFD_NONBLOCK));
}

static void signal_fd(int fd)
{
	u64 one = 1;

	CHECK_EQ(write(fd, &one, sizeof(one)), sizeof(one));
}

TEST(irqfd, arguments)
{
	struct vm *vm = vm_with_irqchip();
	int fd = new_eventfd(), other = new_eventfd(), pipefd[2];

	NEED_CAP(KVM_CAP_IRQFD);
	CHECK_OK(pipe(pipefd));
	CHECK_ERRNO(irqfd(vm, fd, 20, 4, -1), EINVAL);
	CHECK_ERRNO(irqfd(vm, -1, 20, 0, -1), EBADF);
	CHECK_ERRNO(irqfd(vm, pipefd[0], 20, 0, -1), EINVAL);
	CHECK_ERRNO(irqfd(vm, -1, 20, KVM_IRQFD_FLAG_DEASSIGN, -1), EBADF);
	CHECK_ERRNO(irqfd(vm, fd, 20, KVM_IRQFD_FLAG_RESAMPLE, -1), EBADF);
	CHECK_ERRNO(irqfd(vm, fd, 20, KVM_IRQFD_FLAG_RESAMPLE, pipefd[0]), EINVAL);
	/* None is there: that is no error. */
	CHECK_OK(irqfd(vm, fd, 20, KVM_IRQFD_FLAG_DEASSIGN, -1));
	CHECK_OK(irqfd(vm, fd, 20, 0, -1));
	CHECK_ERRNO(irqfd(vm, fd, 21, 0, -1), EBUSY);
	CHECK_OK(irqfd(vm, other, 20, 0, -1));
	CHECK_OK(irqfd(vm, fd, 20, KVM_IRQFD_FLAG_DEASSIGN, -1));
	CHECK_OK(irqfd(vm, fd, 21, KVM_IRQFD_FLAG_RESAMPLE, new_eventfd()));
	/* Closing the eventfd ends it as well. */
	close(fd);
	close(other);
}

TEST(irqfd, split_cannot_resample)
{
	struct vm *vm = vm_with_split();

	CHECK_ERRNO(irqfd(vm, new_eventfd(), 5, KVM_IRQFD_FLAG_RESAMPLE, new_eventfd()), EINVAL);
	CHECK_OK(irqfd(vm, new_eventfd(), 5, 0, -1));
}

TEST(irqfd, msi)
{
	struct vm *vm = vm_with_irqchip();
	struct vcpu *v = WAITING(vm, 0x51);
	int fd = new_eventfd();

	accept(vm, msi_route(40, 0x51));
	CHECK_OK(irqfd(vm, fd, 40, 0, -1));
	signal_fd(fd);
	expect_taken(v);
	/* The route may change under it. */
	set_gate(v, 0x52, GPA_HANDLER);
	accept(vm, msi_route(40, 0x52));
	signal_fd(fd);
	expect_taken(v);
	/* A signal from before it was assigned counts. */
	CHECK_OK(irqfd(vm, fd, 40, KVM_IRQFD_FLAG_DEASSIGN, -1));
	signal_fd(fd);
	CHECK_OK(irqfd(vm, fd, 40, 0, -1));
	expect_taken(v);
}

TEST(irqfd, pin)
{
	struct vm *vm = vm_with_irqchip();
	struct vcpu *v = WAITING(vm, 0x53);
	int fd = new_eventfd();

	set_rte(vm, 21, 0x53);
	CHECK_OK(irqfd(vm, fd, 21, 0, -1));
	for (int n = 0; n < 3; n++) {
		signal_fd(fd);
		expect_taken(v);
	}
}

TEST(irqfd, resample)
{
	struct vm *vm = vm_with_irqchip();
	struct vcpu *v = WAITING(vm, 0x54);
	int fd = new_eventfd(), resample = new_eventfd();
	u64 n;

	set_rte(vm, 21, IOAPIC_LEVEL | 0x54);
	CHECK_OK(irqfd(vm, fd, 21, KVM_IRQFD_FLAG_RESAMPLE, resample));
	for (int round = 0; round < 3; round++) {
		signal_fd(fd);
		EXPECT_OUT(v, PORT_TAKEN, 1, 0);
		CHECK_ERRNO(read(resample, &n, sizeof(n)), EAGAIN);
		CHECK_EQ(ioapic(vm).irr, 1 << 21);
		/* The EOI lowers the line and asks the device again. */
		EXPECT_OUT(v, PORT_ENDED, 1, 0);
		CHECK_EQ(read(resample, &n, sizeof(n)), sizeof(n));
		CHECK_EQ(n, 1);
		CHECK_EQ(ioapic(vm).irr, 0);
	}
	/* Two on one line: both are asked. */
	CHECK_OK(irqfd(vm, new_eventfd(), 21, KVM_IRQFD_FLAG_RESAMPLE, new_eventfd()));
	signal_fd(fd);
	expect_taken(v);
	CHECK_OK(irqfd(vm, fd, 21, KVM_IRQFD_FLAG_DEASSIGN, -1));
}

/* Userspace's I/O APIC hears of the EOI of its level-triggered pin, and of no other. */
TEST(irqchip, eoi_exit)
{
	struct vm *vm = vm_with_split();
	struct vcpu *v = WAITING(vm, 0x55);
	struct kvm_msi msi = { .address_lo = MSI_ADDRESS, .data = MSI_LEVEL | 0x55 };

	accept(vm, msi_route(9, MSI_LEVEL | 0x55));
	CHECK_EQ(CHECK_OK(ioctl(vm->fd, KVM_SIGNAL_MSI, &msi)), 1);
	EXPECT_OUT(v, PORT_TAKEN, 1, 0);
	EXPECT_EXIT(v, KVM_EXIT_IOAPIC_EOI);
	CHECK_EQ(v->run->eoi.vector, 0x55);
	EXPECT_OUT(v, PORT_ENDED, 1, 0);
	/* An edge-triggered one. */
	set_gate(v, 0x56, GPA_HANDLER);
	msi.data = 0x56;
	CHECK_EQ(CHECK_OK(ioctl(vm->fd, KVM_SIGNAL_MSI, &msi)), 1);
	expect_taken(v);
}
