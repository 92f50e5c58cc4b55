/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A run of bytes that somebody else owns.
 *
 * A slice never owns, never ends in NUL and may hold any byte. It is valid as long as
 * the memory it points into; every function that returns one says how long that is.
 * An empty slice may have a NULL pointer.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/banned.h"

struct slice {
	const char *data;
	size_t len;
};

/* For printf: ("%.*s", SLICE_ARG(s)). The slice must be shorter than INT_MAX. */
#define SLICE_ARG(s) (int)(s).len, (s).data ? (s).data : ""

/* A slice over a string literal. */
#define SLICE(literal) ((struct slice){(literal), sizeof(literal) - 1})

/* The same as an initialiser, for static tables. */
#define SLICE_INIT(literal) {(literal), sizeof(literal) - 1}

static inline struct slice slice_of(const char *data, size_t len)
{
	return (struct slice){data, len};
}

static inline struct slice slice_from_cstr(const char *text)
{
	return (struct slice){text, text ? strlen(text) : 0};
}

static inline bool slice_eq(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline uint64_t slice_load8(const char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

static inline uint32_t slice_load4(const char *p)
{
	uint32_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

/* memcmp() == 0 for names, which are mostly short: a call would take longer than comparing
 * their first and their last bytes, which may overlap. */
static inline bool slice_same(const char *a, const char *b, size_t len)
{
	if (len > 16)
		return memcmp(a, b, len) == 0;
	if (len >= 8)
		return slice_load8(a) == slice_load8(b) &&
		       slice_load8(a + len - 8) == slice_load8(b + len - 8);
	if (len >= 4)
		return slice_load4(a) == slice_load4(b) &&
		       slice_load4(a + len - 4) == slice_load4(b + len - 4);
	/* Up to three bytes: the first, the middle and the last one are all of them. */
	return len == 0 || (a[0] == b[0] && a[len / 2] == b[len / 2] && a[len - 1] == b[len - 1]);
}

/* The bytes from `from` to the end; empty when `from` is past the end. */
static inline struct slice slice_from(struct slice s, size_t from)
{
	return from >= s.len ? slice_of(NULL, 0) : slice_of(s.data + from, s.len - from);
}

/* The first `len` bytes, or all there are. */
static inline struct slice slice_first(struct slice s, size_t len)
{
	return (struct slice){s.data, len < s.len ? len : s.len};
}

/* len bytes of each, whatever the case of ASCII's letters. */
bool slice_same_icase(const char *a, const char *b, size_t len);

/* ASCII only: the case of other bytes matters. Most names differ in length already, or
 * in their first letters. */
static inline bool slice_eq_icase(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || !((a.data[0] ^ b.data[0]) & ~0x20)) &&
	       slice_same_icase(a.data, b.data, a.len);
}

bool slice_starts_with(struct slice s, struct slice prefix);
bool slice_ends_with(struct slice s, struct slice suffix);

/* Position of the first `c`, or s.len. */
size_t slice_index(struct slice s, char c);

/* Order by bytes, then by length: for sorting, not for people. */
int slice_cmp(struct slice a, struct slice b);

/* Without the spaces and tabs at both ends (RFC 9110 section 5.6.3 OWS). */
struct slice slice_trim(struct slice s);

/*
 * Takes the part before the first `separator` off the front of *rest and returns it.
 * Returns false when *rest was already used up. "a,,b" gives "a", "", "b"; "" gives "".
 * Start with *more = true.
 */
bool slice_next(struct slice *rest, bool *more, char separator, struct slice *part);
