/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * permessage-deflate without context takeover (RFC 7692 section 7.2), both directions.
 *
 * No context survives a message, so one inflater and one deflater serve all connections
 * of a worker, and an idle connection has no share of either. What comes out is bounded
 * inside the loop that produces it: a bomb stops at the limit, not behind it.
 */
#include "base/buf.h"
#include "base/charge.h"
#include "base/reason.h"
#include "base/slice.h"

struct ws_inflater;
struct ws_deflater;

struct ws_inflate_limits {
	uint64_t max_bytes; /* of one message after inflation */
	uint32_t max_ratio; /* output at most this many times the input; small outputs are exempt */
};

/* Up to this many bytes a message may be inflated to whatever the ratio says. */
enum { WS_INFLATE_RATIO_FLOOR = 4096 };

/* One per worker. Returns NULL when there is no memory. */
struct ws_inflater *ws_inflater_new(void);

/* Accepts NULL, returns NULL. */
struct ws_inflater *ws_inflater_free(struct ws_inflater *i);

/*
 * Inflates the payload of one whole message, as it stood in its frames (section 7.2.2).
 *
 * Gives REASON_NONE and *inflated, which lies in the inflater's own memory until the next
 * ws_inflate or ws_inflater_release. What it needs beyond its first 64 KiB is charged to `memory`
 * until then.
 *
 * Refuses with REASON_MESSAGE_TOO_BIG beyond max_bytes, REASON_WS_INFLATE beyond the ratio
 * or when the data is broken, is cut off inside a block, or goes on after a final block
 * with anything but the one zero byte that section 7.2.3.4 puts there; REASON_OVERLOADED
 * when there is no memory.
 */
enum reason ws_inflate(struct ws_inflater *i, struct slice compressed,
		       const struct ws_inflate_limits *limits, struct budget *memory,
		       struct slice *inflated) __attribute__((warn_unused_result));

/* The same bytes as *inflated, to be written to. */
char *ws_inflater_bytes(struct ws_inflater *i);

/* The last message's bytes are not needed any more. Harmless twice. */
void ws_inflater_release(struct ws_inflater *i);

/* One per worker; memory for a window size is taken when it is first needed, at most
 * 600 KiB in all. Returns NULL when there is no memory. level: 1 (fast) to 9. */
struct ws_deflater *ws_deflater_new(int level);

/* Accepts NULL, returns NULL. */
struct ws_deflater *ws_deflater_free(struct ws_deflater *d);

/* Appends the message, compressed with a window of at most 2^window_bits bytes (8 to 15,
 * as negotiated), without the four bytes 00 00 ff ff at its end (section 7.2.1).
 * Returns 0, BUF_FULL, or -errno, with `out` unchanged. */
int ws_deflate(struct ws_deflater *d, struct slice message, unsigned window_bits, struct buf *out)
	__attribute__((warn_unused_result));
