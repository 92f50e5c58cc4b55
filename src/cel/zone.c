/* SPDX-License-Identifier: Apache-2.0 */
/* Time zone files; see zone.h. */
#include "cel/zone.h"

enum {
	HEADER_BYTES = 44,
	TYPE_BYTES = 6,
	COUNT_MOST = 1 << 16, /* no zone has changed so often */
};

struct header {
	uint64_t isut, isstd, leap, times, types, chars;
};

static uint64_t big_endian(const char *at, unsigned bytes)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < bytes; i++)
		n = n << 8 | (unsigned char)at[i];
	return n;
}

static bool read_header(struct slice s, struct header *h)
{
	if (s.len < HEADER_BYTES || !slice_starts_with(s, SLICE("TZif")))
		return false;
	h->isut = big_endian(s.data + 20, 4);
	h->isstd = big_endian(s.data + 24, 4);
	h->leap = big_endian(s.data + 28, 4);
	h->times = big_endian(s.data + 32, 4);
	h->types = big_endian(s.data + 36, 4);
	h->chars = big_endian(s.data + 40, 4);
	return h->isut <= COUNT_MOST && h->isstd <= COUNT_MOST && h->leap <= COUNT_MOST &&
	       h->times <= COUNT_MOST && h->types && h->types <= COUNT_MOST &&
	       h->chars <= COUNT_MOST;
}

static uint64_t body_bytes(const struct header *h, unsigned time_bytes)
{
	return h->times * (time_bytes + 1) + h->types * TYPE_BYTES + h->chars +
	       h->leap * (time_bytes + 4) + h->isstd + h->isut;
}

/* The type in force: that of the last change at or before then, or the first. */
static uint64_t type_at(const struct header *h, const char *times, int64_t unix_seconds)
{
	uint64_t low = 0, high = h->times;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		if ((int64_t)big_endian(times + middle * 8, 8) <= unix_seconds)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? (unsigned char)times[h->times * 8 + low - 1] : 0;
}

bool cel_zone_offset(struct slice file, int64_t unix_seconds, int32_t *offset_seconds)
{
	struct header h;

	/* The first part is for programs with 32-bit times; from version 2 on another follows. */
	if (!read_header(file, &h) || file.data[4] < '2')
		return false;
	file = slice_from(file, (size_t)(HEADER_BYTES + body_bytes(&h, 4)));
	if (!read_header(file, &h) || file.len - HEADER_BYTES < body_bytes(&h, 8))
		return false;
	const char *times = file.data + HEADER_BYTES;
	uint64_t type = type_at(&h, times, unix_seconds);
	if (type >= h.types)
		return false;
	*offset_seconds = (int32_t)(uint32_t)big_endian(times + h.times * 9 + type * TYPE_BYTES, 4);
	return *offset_seconds > -100000 && *offset_seconds < 100000;
}
