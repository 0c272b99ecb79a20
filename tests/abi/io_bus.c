// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accesses that the kernel takes itself: coalesced MMIO and PIO, ioeventfds
 * with and without a value to match, and what is left to userspace.
 */
#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "harness.h"

/* Write AL, AX, EAX and RAX to the address in RBX, then stop. */
PROGRAM(write_all, 64,
	"	mov %al, (%rbx)\n"
	"	mov %ax, (%rbx)\n"
	"	mov %eax, (%rbx)\n"
	"	mov %rax, (%rbx)\n"
	"	hlt\n");

static struct vcpu *writer(u64 rax)
{
	struct vcpu *v = vcpu_with(MODE_LONG, write_all);
	struct kvm_regs r = get_regs(v);

	r.rbx = GPA_MMIO;
	r.rax = rax;
	set_regs(v, &r);
	return v;
}

static void write_again(struct vcpu *v)
{
	SET_REG(v, rip, GPA_CODE);
}

static struct kvm_coalesced_mmio_ring *ring_of(struct vcpu *v)
{
	int page = has_cap(KVM_CAP_COALESCED_MMIO);

	if (!page)
		skip("KVM_CAP_COALESCED_MMIO is not claimed");
	return (void *)((u8 *)v->run + page * PAGE);
}

static void zone(struct vcpu *v, unsigned long cmd, u64 addr,
		 u32 size, u32 pio)
{
	struct kvm_coalesced_mmio_zone z = {
		.addr = addr, .size = size, .pio = pio,
	};

	CHECK_OK(ioctl(v->vm->fd, cmd, &z));
}

static void check_entry(const struct kvm_coalesced_mmio *e, u64 addr,
			u32 len, u64 data, u32 pio)
{
	u64 got = 0;

	CHECK_EQ(e->phys_addr, addr);
	CHECK_EQ(e->len, len);
	CHECK_EQ(e->pio, pio);
	memcpy(&got, e->data, len);
	CHECK_EQ(got, data);
}

TEST(bus, coalesced_mmio)
{
	struct vcpu *v = writer(0x1122334455667788);
	struct kvm_coalesced_mmio_ring *ring = ring_of(v);

	CHECK_EQ(ring->first, 0);
	CHECK_EQ(ring->last, 0);
	zone(v, KVM_REGISTER_COALESCED_MMIO, GPA_MMIO, PAGE, 0);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	CHECK_EQ(ring->first, 0);
	CHECK_EQ(ring->last, 4);
	check_entry(&ring->coalesced_mmio[0], GPA_MMIO, 1, 0x88, 0);
	check_entry(&ring->coalesced_mmio[1], GPA_MMIO, 2, 0x7788, 0);
	check_entry(&ring->coalesced_mmio[2], GPA_MMIO, 4, 0x55667788, 0);
	check_entry(&ring->coalesced_mmio[3], GPA_MMIO, 8, 0x1122334455667788,
		    0);
	zone(v, KVM_UNREGISTER_COALESCED_MMIO, GPA_MMIO, PAGE, 0);
	write_again(v);
	EXPECT_MMIO_WRITE(v, GPA_MMIO, 1, 0x88);
}

/* Only what lies in the zone as a whole, and only writes. */
PROGRAM(zone_border, 32,
	"	mov %al, -1(%ebx)\n"
	"	mov %eax, 0xffe(%ebx)\n"
	"	mov %al, 0xfff(%ebx)\n"
	"	mov %al, 0x1000(%ebx)\n"
	"	mov (%ebx), %al\n"
	"	hlt\n");

TEST(bus, coalesced_border)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, zone_border);
	struct kvm_coalesced_mmio_ring *ring = ring_of(v);
	struct kvm_regs r = get_regs(v);

	r.rbx = GPA_MMIO;
	r.rax = 0x42;
	set_regs(v, &r);
	zone(v, KVM_REGISTER_COALESCED_MMIO, GPA_MMIO, PAGE, 0);
	EXPECT_MMIO_WRITE(v, GPA_MMIO - 1, 1, 0x42);
	/* Split at the page: the first half is inside. */
	EXPECT_MMIO_WRITE(v, GPA_MMIO + PAGE, 2, 0);
	EXPECT_MMIO_WRITE(v, GPA_MMIO + PAGE, 1, 0x42);
	EXPECT_MMIO_READ(v, GPA_MMIO, 1, 0);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	CHECK_EQ(ring->last, 2);
	check_entry(&ring->coalesced_mmio[0], GPA_MMIO + 0xffe, 2, 0x42, 0);
	check_entry(&ring->coalesced_mmio[1], GPA_MMIO + 0xfff, 1, 0x42, 0);
}

PROGRAM(store_loop, 32,
	"1:	mov %ecx, (%ebx)\n"
	"	inc %ecx\n"
	"	jmp 1b\n");

/* A full ring: the write that finds no room is an exit, in order. */
TEST(bus, coalesced_ring_full)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, store_loop);
	struct kvm_coalesced_mmio_ring *ring = ring_of(v);
	unsigned int max = (PAGE - sizeof(*ring)) /
			   sizeof(struct kvm_coalesced_mmio);
	u32 next = 0;

	SET_REG(v, rbx, GPA_MMIO);
	zone(v, KVM_REGISTER_COALESCED_MMIO, GPA_MMIO, PAGE, 0);
	for (int round = 0; round < 5; round++) {
		EXPECT_EXIT(v, KVM_EXIT_MMIO);
		CHECK_EQ((ring->last + 1) % max, ring->first);
		while (ring->first != ring->last) {
			check_entry(&ring->coalesced_mmio[ring->first],
				    GPA_MMIO, 4, next++, 0);
			ring->first = (ring->first + 1) % max;
		}
		CHECK_MEM(v->run->mmio.data, &next, 4);
		next++;
	}
}

/* Userspace owns the ring's page: nonsense there must do no harm. */
TEST(bus, coalesced_ring_hostile)
{
	static const u32 bad[] = { 170, 171, 4096, 0x7fffffff, ~0u };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct vcpu *v = writer(0x55);
		struct kvm_coalesced_mmio_ring *ring = ring_of(v);

		zone(v, KVM_REGISTER_COALESCED_MMIO, GPA_MMIO, PAGE, 0);
		ring->first = bad[i] / 2;
		ring->last = bad[i];
		for (int n = 0; n < 4; n++)
			EXPECT_EXIT(v, KVM_EXIT_MMIO);
		EXPECT_EXIT(v, KVM_EXIT_HLT);
		CHECK_EQ(ring->last, bad[i]);
	}
}

PROGRAM(out_sizes, 64,
	"	out %al, %dx\n"
	"	out %ax, %dx\n"
	"	out %eax, %dx\n"
	"	hlt\n");

static struct vcpu *pio_writer(u16 port, u32 eax)
{
	struct vcpu *v = vcpu_with(MODE_LONG, out_sizes);
	struct kvm_regs r = get_regs(v);

	r.rdx = port;
	r.rax = eax;
	set_regs(v, &r);
	return v;
}

TEST(bus, coalesced_pio)
{
	struct vcpu *v = pio_writer(0x500, 0x11223344);
	struct kvm_coalesced_mmio_ring *ring = ring_of(v);

	NEED_CAP(KVM_CAP_COALESCED_PIO);
	zone(v, KVM_REGISTER_COALESCED_MMIO, 0x500, 4, 1);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	CHECK_EQ(ring->last, 3);
	check_entry(&ring->coalesced_mmio[0], 0x500, 1, 0x44, 1);
	check_entry(&ring->coalesced_mmio[1], 0x500, 2, 0x3344, 1);
	check_entry(&ring->coalesced_mmio[2], 0x500, 4, 0x11223344, 1);
}

static int new_eventfd(void)
{
	return CHECK_OK(eventfd(0, EFD_NONBLOCK));
}

static u64 signalled(int fd)
{
	u64 n = 0;

	if (read(fd, &n, sizeof(n)) < 0)
		CHECK_EQ(errno, EAGAIN);
	return n;
}

static void assign(struct vcpu *v, u64 addr, u32 len, u32 flags,
		   u64 match, int fd)
{
	struct kvm_ioeventfd e = {
		.addr = addr, .len = len, .flags = flags, .datamatch = match,
		.fd = fd,
	};

	CHECK_OK(ioctl(v->vm->fd, KVM_IOEVENTFD, &e));
}

/* One eventfd of one width takes that write, the others go to userspace. */
TEST(bus, ioeventfd_mmio_widths)
{
	for (u32 len = 1; len <= 8; len *= 2) {
		struct vcpu *v = writer(0x1122334455667788);
		int fd = new_eventfd();

		NEED_CAP(KVM_CAP_IOEVENTFD);
		assign(v, GPA_MMIO, len, 0, 0, fd);
		for (u32 n = 1; n <= 8; n *= 2) {
			if (n == len)
				continue;
			EXPECT_EXIT(v, KVM_EXIT_MMIO);
			CHECK_EQ(v->run->mmio.len, n);
		}
		EXPECT_EXIT(v, KVM_EXIT_HLT);
		CHECK_EQ(signalled(fd), 1);
	}
}

TEST(bus, ioeventfd_mmio_any_length)
{
	struct vcpu *v = writer(0x1122334455667788);
	int fd = new_eventfd();

	NEED_CAP(KVM_CAP_IOEVENTFD_NO_LENGTH);
	assign(v, GPA_MMIO, 0, 0, 0, fd);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	CHECK_EQ(signalled(fd), 4);
	assign(v, GPA_MMIO, 0, KVM_IOEVENTFD_FLAG_DEASSIGN, 0, fd);
	write_again(v);
	EXPECT_MMIO_WRITE(v, GPA_MMIO, 1, 0x88);
	CHECK_EQ(signalled(fd), 0);
}

TEST(bus, ioeventfd_pio_widths)
{
	for (u32 len = 1; len <= 4; len *= 2) {
		struct vcpu *v = pio_writer(0x600, 0x11223344);
		int fd = new_eventfd();

		NEED_CAP(KVM_CAP_IOEVENTFD);
		assign(v, 0x600, len, KVM_IOEVENTFD_FLAG_PIO, 0, fd);
		for (u32 n = 1; n <= 4; n *= 2) {
			if (n == len)
				continue;
			EXPECT_EXIT(v, KVM_EXIT_IO);
			CHECK_EQ(v->run->io.size, n);
		}
		EXPECT_EXIT(v, KVM_EXIT_HLT);
		CHECK_EQ(signalled(fd), 1);
	}
}

TEST(bus, ioeventfd_pio_any_length)
{
	struct vcpu *v = pio_writer(0x600, 0x11223344);
	int fd = new_eventfd();

	NEED_CAP(KVM_CAP_IOEVENTFD_NO_LENGTH);
	assign(v, 0x600, 0, KVM_IOEVENTFD_FLAG_PIO, 0, fd);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	CHECK_EQ(signalled(fd), 3);
}

/* With a zone at the same port each write goes to one of the two, whoever came first. */
TEST(bus, ioeventfd_pio_and_zone)
{
	for (int first = 0; first < 2; first++) {
		struct vcpu *v = pio_writer(0x600, 0x11223344);
		struct kvm_coalesced_mmio_ring *ring = ring_of(v);
		int fd = new_eventfd();
		u64 taken;

		NEED_CAP(KVM_CAP_COALESCED_PIO);
		if (first)
			zone(v, KVM_REGISTER_COALESCED_MMIO, 0x5fe, 8, 1);
		assign(v, 0x600, 2, KVM_IOEVENTFD_FLAG_PIO, 0, fd);
		if (!first)
			zone(v, KVM_REGISTER_COALESCED_MMIO, 0x5fe, 8, 1);
		EXPECT_EXIT(v, KVM_EXIT_HLT);
		taken = signalled(fd);
		CHECK(taken <= 1);
		CHECK_EQ(taken + ring->last, 3);
	}
}

/* Several values at one address, each with an eventfd of its own. */
TEST(bus, ioeventfd_datamatch)
{
	static const u64 value = 0x1122334455667788;
	struct vcpu *v = writer(value);
	int hit[4], miss = new_eventfd();

	NEED_CAP(KVM_CAP_IOEVENTFD);
	for (int i = 0; i < 4; i++) {
		u32 len = 1 << i;
		u64 mask = len == 8 ? ~0ULL : (1ULL << 8 * len) - 1;

		hit[i] = new_eventfd();
		assign(v, GPA_MMIO, len, KVM_IOEVENTFD_FLAG_DATAMATCH,
		       value & mask, hit[i]);
		assign(v, GPA_MMIO, len, KVM_IOEVENTFD_FLAG_DATAMATCH,
		       (value + 1) & mask, miss);
	}
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(signalled(hit[i]), 1);
	CHECK_EQ(signalled(miss), 0);
	/* No match at all: an exit. */
	v = writer(7);
	assign(v, GPA_MMIO, 1, KVM_IOEVENTFD_FLAG_DATAMATCH, 8, miss);
	EXPECT_MMIO_WRITE(v, GPA_MMIO, 1, 7);
	CHECK_EQ(signalled(miss), 0);
}

TEST(bus, ioeventfd_pio_datamatch)
{
	struct vcpu *v = pio_writer(0x600, 0x11223344);
	int one = new_eventfd(), other = new_eventfd();

	NEED_CAP(KVM_CAP_IOEVENTFD);
	assign(v, 0x600, 2, KVM_IOEVENTFD_FLAG_PIO |
	       KVM_IOEVENTFD_FLAG_DATAMATCH, 0x3344, one);
	assign(v, 0x600, 2, KVM_IOEVENTFD_FLAG_PIO |
	       KVM_IOEVENTFD_FLAG_DATAMATCH, 0x3345, other);
	EXPECT_OUT(v, 0x600, 1, 0x44);
	EXPECT_OUT(v, 0x600, 4, 0x11223344);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	CHECK_EQ(signalled(one), 1);
	CHECK_EQ(signalled(other), 0);
}

/* An eventfd that userspace closed is held by the VM. */
TEST(bus, ioeventfd_closed)
{
	struct vcpu *v = writer(1);
	int fd = new_eventfd(), again = CHECK_OK(dup(fd));

	NEED_CAP(KVM_CAP_IOEVENTFD);
	assign(v, GPA_MMIO, 1, 0, 0, fd);
	close(fd);
	EXPECT_MMIO_WRITE(v, GPA_MMIO, 2, 1);
	CHECK_EQ(signalled(again), 1);
}

/* Reads are never an eventfd's. */
PROGRAM(read_one, 32,
	"	mov (%ebx), %eax\n"
	"	in $0x60, %al\n"
	"	hlt\n");

TEST(bus, ioeventfd_reads)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, read_one);
	int fd = new_eventfd();

	NEED_CAP(KVM_CAP_IOEVENTFD);
	SET_REG(v, rbx, GPA_MMIO);
	assign(v, GPA_MMIO, 4, 0, 0, fd);
	assign(v, 0x60, 1, KVM_IOEVENTFD_FLAG_PIO, 0, fd);
	EXPECT_MMIO_READ(v, GPA_MMIO, 4, 0x77);
	EXPECT_EXIT(v, KVM_EXIT_IO);
	CHECK_EQ(v->run->io.direction, KVM_EXIT_IO_IN);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	CHECK_EQ(signalled(fd), 0);
}

/* Strings go element by element through the bus. */
PROGRAM(rep_out, 32,
	"	mov $10, %ecx\n"
	"	rep outsb\n"
	"	hlt\n");

TEST(bus, ioeventfd_string)
{
	struct vcpu *v = vcpu_with(MODE_PROT32, rep_out);
	struct kvm_regs r = get_regs(v);
	int fd = new_eventfd();
	u64 n;

	NEED_CAP(KVM_CAP_IOEVENTFD);
	r.rdx = 0x70;
	r.rsi = GPA_DATA;
	set_regs(v, &r);
	for (int i = 0; i < 10; i++)
		v->vm->mem[GPA_DATA + i] = i & 1;
	assign(v, 0x70, 1, KVM_IOEVENTFD_FLAG_PIO, 0, fd);
	EXPECT_EXIT(v, KVM_EXIT_HLT);
	n = signalled(fd);
	CHECK_EQ(n, 10);
}
