/* SPDX-License-Identifier: Apache-2.0 */
/* First the charge, then the memory; see hold.h. */
#include "ws/hold.h"

enum { FIRST_BYTES = 256, AHEAD = 5, WORTH_EXPECTING = 32768 };

/* The next power of two, or the limit if that is less. */
static uint64_t round_up(uint64_t wanted, uint64_t limit)
{
	uint64_t granted = FIRST_BYTES;

	while (granted < wanted && granted <= limit)
		granted *= 2;
	return granted < limit ? granted : limit;
}

/* What to ask the budget for. Where it is known how much is to come, that at once, so that nothing
 * long has to be moved to where there is more room; but at most a few times what is there, for a
 * peer may announce what it likes. If that is too much, so little that as few steps lead to the
 * end, each from where little has to be moved. */
static uint64_t grant(const struct hold *h, uint64_t wanted)
{
	/* The limit may have become less than what was announced. */
	bool known = h->expected >= wanted && h->expected <= h->limit;
	if (!known || wanted < WORTH_EXPECTING)
		return round_up(wanted, h->limit);
	uint64_t ahead = wanted > h->limit / AHEAD ? h->limit : wanted * AHEAD;
	uint64_t granted = h->expected;
	while (granted > ahead)
		granted = granted / AHEAD + 1;
	return granted;
}

static int charge_memory(const struct hold *h, uint64_t bytes)
{
	uint64_t units = bytes > h->uncharged ? bytes - h->uncharged : 0;

	if (units == h->charge->units)
		return 0;
	return charge_resize(h->charge, h->memory, units);
}

enum reason hold_reserve(const struct hold *h, size_t bytes, char **room)
{
	struct buf *b = h->buf;
	size_t waiting = buf_waiting(b);
	size_t before = b->max;

	if (bytes <= before - waiting)
		return buf_reserve(b, bytes, room) ? REASON_OVERLOADED : REASON_NONE;
	if (waiting > h->limit || bytes > h->limit - waiting)
		return REASON_MESSAGE_TOO_BIG;
	uint64_t granted = grant(h, waiting + bytes);
	if (charge_memory(h, granted)) {
		granted = round_up(waiting + bytes, h->limit);
		if (charge_memory(h, granted))
			return REASON_OVERLOADED;
	}
	/* All of it at once: the buffer's memory is then exactly what was charged. */
	b->max = granted;
	if (buf_reserve(b, granted - waiting, room) == 0)
		return REASON_NONE;
	b->max = before;
	charge_memory(h, before); /* less than before: cannot fail */
	return REASON_OVERLOADED;
}

void hold_release(struct buf *buf, struct charge *charge)
{
	buf->max = 0;
	buf_deinit(buf);
	charge_release(charge);
}
