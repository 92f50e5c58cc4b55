/* SPDX-License-Identifier: Apache-2.0 */
/* zlib's raw deflate, one message at a time, bounded; see deflate.h. */
#include "ws/deflate.h"

#include <stdlib.h>

#define ZLIB_CONST
#include <zlib.h>

#include "base/err.h"
#include "base/obj.h"
#include "ws/hold.h"

enum {
	KEPT_BYTES = 64 * 1024, /* of output, which a worker keeps for good */
	PIECE_BYTES = 1 << 30,  /* zlib counts in unsigned int */
	AT_BLOCK_END = 128,     /* z_stream.data_type: between two blocks, no bit left over */
	BITS_MIN = 8,
	BITS_MAX = 15,
	LOOKAHEAD = 262, /* deflate's MIN_LOOKAHEAD: of a window, so many bytes are not reached */
};

/* Section 7.2.1: what the sender took off and the receiver puts back. */
static const char tail[] = {0x00, 0x00, '\xff', '\xff'};

/* zlib's memory comes from our own calls, which tests can make fail. */
static voidpf take_memory(voidpf opaque, uInt items, uInt bytes)
{
	(void)opaque;
	return calloc(items, bytes);
}

static void give_memory(voidpf opaque, voidpf memory)
{
	(void)opaque;
	free(memory);
}

struct ws_inflater {
	z_stream z;
	int where;  /* z.data_type after the last call that did something */
	bool ended; /* a final block was read */
	struct buf out;
	struct charge charge; /* for what out has beyond KEPT_BYTES */
};

struct ws_inflater *ws_inflater_new(void)
{
	struct ws_inflater *i = calloc(1, sizeof(*i));

	if (!i)
		return NULL;
	i->z.zalloc = take_memory;
	i->z.zfree = give_memory;
	if (inflateInit2(&i->z, -BITS_MAX) != Z_OK) {
		free(i);
		return NULL;
	}
	buf_init(&i->out, 0);
	return i;
}

struct ws_inflater *ws_inflater_free(struct ws_inflater *i)
{
	if (i) {
		inflateEnd(&i->z);
		hold_release(&i->out, &i->charge);
		free(i);
	}
	return NULL;
}

char *ws_inflater_bytes(struct ws_inflater *i)
{
	return i->out.data;
}

void ws_inflater_release(struct ws_inflater *i)
{
	buf_clear(&i->out);
	if (i->out.cap > KEPT_BYTES)
		hold_release(&i->out, &i->charge);
}

/* How much may come out, and what it is called if it is more. */
struct ceiling {
	uint64_t bytes;
	enum reason why;
};

static struct ceiling find_ceiling(size_t input, const struct ws_inflate_limits *limits)
{
	uint64_t by_ratio;

	if (__builtin_mul_overflow((uint64_t)input, limits->max_ratio, &by_ratio))
		by_ratio = UINT64_MAX;
	if (by_ratio < WS_INFLATE_RATIO_FLOOR)
		by_ratio = WS_INFLATE_RATIO_FLOOR;
	if (by_ratio < limits->max_bytes)
		return (struct ceiling){by_ratio, REASON_WS_INFLATE};
	return (struct ceiling){limits->max_bytes, REASON_MESSAGE_TOO_BIG};
}

/* One call of zlib into the room there is, which is at most one byte beyond the ceiling. */
static enum reason inflate_some(struct ws_inflater *i, const struct hold *hold, int *result)
{
	char *room;
	size_t free_bytes = i->out.cap - i->out.len;

	if (free_bytes == 0) {
		enum reason why = hold_reserve(hold, 1, &room);
		if (why)
			return why;
		free_bytes = i->out.cap - i->out.len;
	}
	if (free_bytes > hold->limit - i->out.len)
		free_bytes = (size_t)(hold->limit - i->out.len);
	if (free_bytes > PIECE_BYTES)
		free_bytes = PIECE_BYTES;
	i->z.next_out = (Bytef *)(i->out.data + i->out.len);
	i->z.avail_out = (uInt)free_bytes;
	*result = inflate(&i->z, Z_SYNC_FLUSH);
	buf_commit(&i->out, free_bytes - i->z.avail_out);
	return REASON_NONE;
}

/* Inflates all of `piece`, or up to the end of a final block; z.avail_in is what is left. */
static enum reason inflate_piece(struct ws_inflater *i, struct slice piece, const struct hold *hold,
				 struct ceiling ceiling)
{
	i->z.next_in = (const Bytef *)piece.data;
	i->z.avail_in = (uInt)piece.len;
	do {
		int result;
		enum reason why = inflate_some(i, hold, &result);
		if (why)
			return why;
		if (i->out.len > ceiling.bytes)
			return ceiling.why;
		if (result == Z_MEM_ERROR)
			return REASON_OVERLOADED;
		if (result == Z_BUF_ERROR && i->z.avail_in == 0)
			return REASON_NONE; /* nothing to do: all was out already */
		if (result != Z_OK && result != Z_STREAM_END)
			return REASON_WS_INFLATE;
		i->where = i->z.data_type;
		i->ended = result == Z_STREAM_END;
	} while (!i->ended && (i->z.avail_in || i->z.avail_out == 0));
	return REASON_NONE;
}

/*
 * Behind a final block only the header of the empty block may stand whose other bytes are
 * the tail (RFC 7692 section 7.2.3.4). The RFC would let a sender go on with further blocks;
 * nobody does, and readers that stop at the final block would see another message than we.
 */
static enum reason judge_rest(struct slice rest)
{
	if (rest.len == 0)
		return REASON_NONE;
	return rest.len == 1 && rest.data[0] == 0x00 ? REASON_NONE : REASON_WS_INFLATE;
}

static enum reason inflate_message(struct ws_inflater *i, struct slice compressed,
				   const struct hold *hold, struct ceiling ceiling)
{
	while (compressed.len) {
		struct slice piece = slice_first(compressed, PIECE_BYTES);
		enum reason why = inflate_piece(i, piece, hold, ceiling);
		if (why)
			return why;
		compressed = slice_from(compressed, piece.len - i->z.avail_in);
		if (i->ended)
			return judge_rest(compressed);
	}
	size_t before = i->out.len;
	enum reason why = inflate_piece(i, slice_of(tail, sizeof(tail)), hold, ceiling);
	if (why)
		return why;
	if (i->out.len != before) /* cut off inside a block: the tail was taken for its data */
		return REASON_WS_INFLATE;
	if (i->ended)
		return i->z.avail_in ? REASON_WS_INFLATE : REASON_NONE;
	return i->where == AT_BLOCK_END ? REASON_NONE : REASON_WS_INFLATE;
}

enum reason ws_inflate(struct ws_inflater *i, struct slice compressed,
		       const struct ws_inflate_limits *limits, struct budget *memory,
		       struct slice *inflated)
{
	struct ceiling ceiling = find_ceiling(compressed.len, limits);
	struct hold hold = {
		.buf = &i->out,
		.charge = &i->charge,
		.memory = memory,
		/* One byte more, to see that there is more. */
		.limit = ceiling.bytes < SIZE_MAX ? ceiling.bytes + 1 : SIZE_MAX,
		.uncharged = KEPT_BYTES,
	};

	ws_inflater_release(i);
	i->ended = false;
	i->where = 0;
	enum reason why = inflateReset(&i->z) == Z_OK ? REASON_NONE : REASON_INTERNAL;
	if (!why)
		why = inflate_message(i, compressed, &hold, ceiling);
	if (why)
		ws_inflater_release(i);
	else
		*inflated = buf_slice(&i->out);
	return why;
}

/*
 * A stream for each size of window: a short message gets a small one, which reaches as far
 * back as the message does and is faster to clear. Window size 8 is not to be had from
 * zlib: there, only repetitions of the last byte are encoded (distance 1), which any
 * window can hold.
 */
struct ws_deflater {
	int level;
	bool ready[BITS_MAX + 1];
	z_stream z[BITS_MAX + 1];
};

struct ws_deflater *ws_deflater_new(int level)
{
	struct ws_deflater *d = calloc(1, sizeof(*d));

	if (d)
		d->level = level;
	return d;
}

struct ws_deflater *ws_deflater_free(struct ws_deflater *d)
{
	if (d) {
		for (int bits = BITS_MIN; bits <= BITS_MAX; bits++)
			if (d->ready[bits])
				deflateEnd(&d->z[bits]);
		free(d);
	}
	return NULL;
}

static unsigned choose_bits(size_t message_bytes, unsigned negotiated)
{
	unsigned bits = BITS_MIN + 1;

	if (negotiated <= BITS_MIN)
		return BITS_MIN;
	while (bits < negotiated && bits < BITS_MAX && message_bytes + LOOKAHEAD > 1u << bits)
		bits++;
	return bits;
}

/* The stream for that window, fresh. NULL when there is no memory. */
static z_stream *fresh_stream(struct ws_deflater *d, unsigned bits)
{
	z_stream *z = &d->z[bits];

	if (d->ready[bits])
		return deflateReset(z) == Z_OK ? z : NULL;
	int window = bits == BITS_MIN ? BITS_MIN + 1 : (int)bits;
	z->zalloc = take_memory;
	z->zfree = give_memory;
	int strategy = bits == BITS_MIN ? Z_RLE : Z_DEFAULT_STRATEGY;
	if (deflateInit2(z, d->level, Z_DEFLATED, -window, window - 7, strategy) != Z_OK)
		return NULL;
	d->ready[bits] = true;
	return z;
}

/* Runs the stream until all input and the flush are out. Returns as buf_reserve. */
static int deflate_all(z_stream *z, struct buf *out, size_t first_room)
{
	size_t wanted = first_room;

	do {
		char *room;
		size_t left = out->max - buf_waiting(out);
		if (left == 0)
			return BUF_FULL;
		if (wanted > left)
			wanted = left;
		if (wanted > PIECE_BYTES)
			wanted = PIECE_BYTES;
		int r = buf_reserve(out, wanted, &room);
		if (r)
			return r;
		z->next_out = (Bytef *)room;
		z->avail_out = (uInt)wanted;
		r = deflate(z, Z_SYNC_FLUSH);
		if (r != Z_OK && r != Z_BUF_ERROR)
			return err_raise(EIO, "deflate: %d", r);
		buf_commit(out, wanted - z->avail_out);
	} while (z->avail_out == 0);
	return 0;
}

int ws_deflate(struct ws_deflater *d, struct slice message, unsigned window_bits, struct buf *out)
{
	size_t before = buf_waiting(out);

	if (message.len > PIECE_BYTES)
		return BUF_FULL;
	z_stream *z = fresh_stream(d, choose_bits(message.len, window_bits));
	if (!z)
		return err_raise(ENOMEM, "deflate");
	z->next_in = (const Bytef *)message.data;
	z->avail_in = (uInt)message.len;
	int r = deflate_all(z, out, deflateBound(z, message.len) + sizeof(tail) + 2);
	if (r) {
		buf_truncate(out, before);
		return r;
	}
	size_t packed = buf_waiting(out) - before;
	MUST(packed > sizeof(tail) &&
	     memcmp(out->data + out->len - sizeof(tail), tail, sizeof(tail)) == 0);
	buf_truncate(out, before + packed - sizeof(tail));
	return 0;
}
