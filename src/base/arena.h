/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Memory that is given back all at once.
 *
 *   first block            further blocks (only if the first was too small)
 *   [used......|free...]   [..........] -> [..........]
 *
 * A message's arena is reset after each verdict: the first block stays, so that after
 * warm-up nothing is allocated. Overflow is a state, not a crash: once an allocation
 * could not be made, `overflow` stays true until the reset, whoever asks next.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct arena_block;

struct arena {
	char *at, *end;            /* free part of the newest block */
	struct arena_block *block; /* newest first */
	size_t block_bytes;        /* size of an ordinary block */
	size_t used_bytes, max_bytes;
	bool overflow;
};

/* Allocates nothing yet. max_bytes counts whole blocks. */
void arena_init(struct arena *a, size_t block_bytes, size_t max_bytes);
void arena_deinit(struct arena *a);

/* Forgets everything given out; keeps one ordinary block. */
void arena_reset(struct arena *a);

/* Bytes that arena_alloc can give without asking for another block. */
static inline size_t arena_free(const struct arena *a)
{
	return (size_t)(a->end - a->at);
}

/* As arena_alloc where the newest block may not have the room. */
void *arena_alloc_slow(struct arena *a, size_t bytes);

/* `bytes` bytes aligned for any type, not zeroed; NULL (and overflow) when the maximum
 * or memory is used up. Valid until arena_reset or arena_deinit. */
__attribute__((malloc, warn_unused_result)) static inline void *arena_alloc(struct arena *a,
									    size_t bytes)
{
	const size_t align = _Alignof(max_align_t);
	size_t room = (bytes + align - 1) & ~(align - 1);

	/* What is 0 here was nothing, or too much to round up. */
	if (room == 0 || room > arena_free(a) || a->overflow)
		return arena_alloc_slow(a, bytes);
	void *given = a->at;
	a->at += room;
	return given;
}

/* Makes the newest allocation shorter or longer where it is. False, and nothing changed,
 * when its block has no room for that. */
bool arena_resize(struct arena *a, void *newest, size_t bytes);

/* The same, zeroed, for `count` items; NULL also when the product overflows. */
void *arena_calloc(struct arena *a, size_t count, size_t bytes) __attribute__((warn_unused_result));

/* A copy with a NUL behind it (not counted in len); data is NULL when there is no room. */
struct slice arena_copy(struct arena *a, struct slice s);

/* The parts one behind the other, NUL behind; data is NULL when there is no room. */
struct slice arena_concat(struct arena *a, const struct slice *parts, size_t count);

/* printf into the arena, NUL behind; data is NULL when there is no room. */
struct slice arena_printf(struct arena *a, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
