/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A queue of bytes with its maximum inside.
 *
 *      data          off              len            cap        max
 *       |-- taken --|--- waiting -----|--- free -----|...........|
 *
 * Bytes are appended at the end and taken from the front. It never grows past max:
 * then appending returns BUF_FULL and changes nothing. Invariant: off <= len <= cap,
 * len - off <= max.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum { BUF_FULL = 1 };

struct buf {
	char *data;
	size_t off, len, cap;
	size_t max;
};

/* Allocates nothing yet. */
void buf_init(struct buf *b, size_t max);

/* Frees the memory; b may be used again as after buf_init with the same max. */
void buf_deinit(struct buf *b);

static inline size_t buf_waiting(const struct buf *b)
{
	return b->len - b->off;
}

/* What waits. Valid until the next call that changes b. */
static inline struct slice buf_slice(const struct buf *b)
{
	return b->data ? slice_of(b->data + b->off, b->len - b->off) : slice_of(NULL, 0);
}

/* Appends s. Returns 0, BUF_FULL, or -ENOMEM with b unchanged. */
int buf_append(struct buf *b, struct slice s) __attribute__((warn_unused_result));

/* Room for `bytes` more bytes at *room; the caller writes them and says buf_commit.
 * Returns as buf_append. *room is valid until the next call that changes b. */
int buf_reserve(struct buf *b, size_t bytes, char **room) __attribute__((warn_unused_result));
void buf_commit(struct buf *b, size_t bytes);

/* Appends as printf does. Returns as buf_append. */
int buf_printf(struct buf *b, const char *format, ...)
	__attribute__((format(printf, 2, 3), warn_unused_result));

/* Takes `bytes` (at most all that waits) from the front. */
void buf_take(struct buf *b, size_t bytes);

/* Forgets what was appended last: the first `waiting` bytes (at most all that waits) stay. */
void buf_truncate(struct buf *b, size_t waiting);

/* Takes everything; keeps the memory. */
void buf_clear(struct buf *b);
