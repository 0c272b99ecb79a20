// SPDX-License-Identifier: GPL-2.0-only
/* Random numbers of the kinds that find limits, and calls with what was drawn. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "fuzz.h"

bool verbose;

/* Blackman and Vigna's xoroshiro128+ */
u64 draw(struct drawer *d)
{
	u64 a = d->state[0], b = d->state[1], sum = a + b;

	b ^= a;
	d->state[0] = (a << 24 | a >> 40) ^ b ^ b << 16;
	d->state[1] = b << 37 | b >> 27;
	return sum >> 1 ^ sum << 63;
}

u64 below(struct drawer *d, u64 end)
{
	return draw(d) % end;
}

bool once_in(struct drawer *d, u32 n)
{
	return !below(d, n);
}

u64 odd_number(struct drawer *d)
{
	switch (below(d, 8)) {
	case 0:
		return below(d, 8);
	case 1:
		return 1ULL << below(d, 64);
	case 2:
		return (1ULL << below(d, 64)) - 1 + below(d, 3);
	case 3:
		return -1ULL - below(d, 4);
	case 4:
		return below(d, GUEST_SIZE);
	case 5:
		return below(d, GUEST_SIZE / PAGE) * PAGE;
	case 6:
		return below(d, 256);
	default:
		return draw(d) >> below(d, 64);
	}
}

void draw_bytes(struct drawer *d, void *to, size_t size)
{
	u8 *p = to;

	while (size--)
		*p++ = draw(d) >> 8;
}

void disturb(struct drawer *d, void *what, size_t size)
{
	u32 i, nr = 1 + below(d, 4);
	u8 *p = what;
	u64 number;
	size_t at, len;

	for (i = 0; i < nr; i++) {
		at = below(d, size);
		switch (below(d, 4)) {
		case 0:
			p[at] ^= 1 << below(d, 8);
			break;
		case 1:
			p[at] = draw(d);
			break;
		default:
			len = 1UL << below(d, 4);
			at &= ~(len - 1);
			number = odd_number(d);
			memcpy(p + at, &number, len < size - at ? len : size - at);
			break;
		}
	}
}

static int say(struct drawer *d, unsigned long cmd, unsigned long value, int ret)
{
	int err = ret < 0 ? errno : 0;

	if (verbose)
		printf("# %u: ioctl %#04lx size %lu value %#lx: %d %s\n", d->id, cmd & 0xff,
		       cmd >> 16 & 0x3fff, value, ret, err ? strerror(err) : "");
	return ret;
}

int call_value(struct drawer *d, int fd, unsigned long cmd, unsigned long value)
{
	return say(d, cmd, value, ioctl(fd, cmd, value));
}

int call(struct drawer *d, int fd, unsigned long cmd, const void *arg, size_t size)
{
	u8 *at = d->buf;

	/* The rest of it is where nothing is mapped. */
	if (size <= BUF_SIZE && once_in(d, 40)) {
		at = d->buf + BUF_SIZE - below(d, size + 1);
		memcpy(at, arg, d->buf + BUF_SIZE - at);
	} else if (arg != at) {
		memmove(at, arg, size);
	}
	return say(d, cmd, 0, ioctl(fd, cmd, at));
}
