/* SPDX-License-Identifier: Apache-2.0 */
/* A byte queue that cannot outgrow its maximum; see buf.h. */
#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/obj.h"

enum { FIRST_BYTES = 256 };

static void check(const struct buf *b)
{
	MUST(b->off <= b->len && b->len <= b->cap && b->len - b->off <= b->max);
}

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){.max = max};
}

void buf_deinit(struct buf *b)
{
	free(b->data);
	*b = (struct buf){.max = b->max};
}

static int grow(struct buf *b, size_t wanted)
{
	size_t cap = b->cap ? b->cap : FIRST_BYTES;

	while (cap < wanted)
		cap = cap > SIZE_MAX / 2 ? wanted : cap * 2;
	if (cap > b->max && wanted <= b->max)
		cap = b->max;
	char *data = realloc(b->data, cap);
	if (!data)
		return err_raise(ENOMEM, "a buffer of %zu bytes", cap);
	b->data = data;
	b->cap = cap;
	return 0;
}

static int make_room_slow(struct buf *b, size_t bytes)
{
	if (bytes > b->max - (b->len - b->off))
		return BUF_FULL;
	if (bytes > b->cap - b->len && b->off) {
		memmove(b->data, b->data + b->off, b->len - b->off);
		b->len -= b->off;
		b->off = 0;
	}
	if (bytes > b->cap - b->len) {
		int r = grow(b, b->len + bytes);
		if (r)
			return r;
	}
	return 0;
}

static inline int make_room(struct buf *b, size_t bytes)
{
	bool fits = bytes <= b->cap - b->len && bytes <= b->max - (b->len - b->off);
	return fits ? 0 : make_room_slow(b, bytes);
}

int buf_reserve(struct buf *b, size_t bytes, char **room)
{
	check(b);
	int r = make_room(b, bytes);
	if (r == 0)
		*room = b->data + b->len;
	return r;
}

void buf_commit(struct buf *b, size_t bytes)
{
	MUST(bytes <= b->cap - b->len);
	b->len += bytes;
	check(b);
}

int buf_append(struct buf *b, struct slice s)
{
	check(b);
	if (s.len == 0)
		return 0;
	int r = make_room(b, s.len);
	if (r)
		return r;
	memcpy(b->data + b->len, s.data, s.len);
	b->len += s.len;
	return 0;
}

int buf_printf(struct buf *b, const char *format, ...)
{
	va_list args, again;
	char *room;

	va_start(args, format);
	va_copy(again, args);
	int wanted = vsnprintf(NULL, 0, format, args);
	va_end(args);
	int r = wanted < 0 ? err_raise(EINVAL, "a format") : 0;
	if (r == 0 && (size_t)wanted > b->max - buf_waiting(b))
		r = BUF_FULL;
	/* One byte more than is committed, for vsnprintf's NUL. */
	size_t max = b->max;
	if (r == 0) {
		b->max = max < SIZE_MAX ? max + 1 : max;
		r = buf_reserve(b, (size_t)wanted + 1, &room);
		b->max = max;
	}
	if (r == 0) {
		vsnprintf(room, (size_t)wanted + 1, format, again);
		buf_commit(b, (size_t)wanted);
	}
	va_end(again);
	return r;
}

void buf_take(struct buf *b, size_t bytes)
{
	MUST(bytes <= b->len - b->off);
	b->off += bytes;
	if (b->off == b->len)
		b->off = b->len = 0;
}

void buf_truncate(struct buf *b, size_t waiting)
{
	MUST(waiting <= b->len - b->off);
	b->len = b->off + waiting;
}

void buf_clear(struct buf *b)
{
	b->off = b->len = 0;
}
