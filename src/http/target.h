/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The request target in origin-form: "/chat/lobby?ticket=..." (RFC 9112 section 3.2.1).
 *
 * A path is refused if two programs could take it for different files or routes: bad or
 * overlong percent-escapes, an escaped NUL, slash or backslash, control characters, bytes that
 * are not UTF-8, "." and ".." segments in any spelling ("%2e", "..;x"), empty segments ("//").
 * What is left is decoded once, here; nobody decodes again.
 */
#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/reason.h"
#include "base/slice.h"

enum { HTTP_SEGMENTS_MAX = 64 };

struct http_target {
	struct slice path;  /* as sent, from the first '/' to before '?' */
	struct slice query; /* as sent, without '?'; empty if none */
	bool has_query;
	bool asterisk; /* "*": no path, no segments */
	/* "/chat/lobby" and "/chat/lobby/" are {"chat","lobby"}; "/" has none. Decoded. */
	struct slice segments[HTTP_SEGMENTS_MAX];
	size_t segment_count;
	bool trailing_slash; /* the path ends in '/', as "/" does */
};

/*
 * Returns REASON_NONE; HANDSHAKE_MALFORMED with *at the offset in `text` (at may be NULL);
 * OVERLOADED if the arena is full. Segments with escapes are copies in the arena, the others
 * point into `text`.
 */
enum reason http_target_parse(struct slice text, struct arena *a, struct http_target *out,
			      size_t *at);

/* One `name=value` of a query; a piece without '=' has an empty value. */
struct http_parameter {
	struct slice raw;         /* as sent: what may be passed on */
	struct slice name, value; /* decoded: %XX and '+' for space */
};

/* Going through a query: start with {.rest = query, .more = query.len != 0}. */
struct http_parameters {
	struct slice rest;
	bool more;
	bool failed; /* a bad escape, invalid UTF-8, a NUL, or no room: the query is refused */
};

/* The next parameter; empty pieces ("a&&b") are skipped. False at the end, or `failed`. */
bool http_parameters_next(struct http_parameters *q, struct arena *a, struct http_parameter *out);

enum http_find {
	HTTP_FIND_MALFORMED = 0, /* the whole query (or cookie header) cannot be trusted */
	HTTP_FIND_NONE,
	HTTP_FIND_ONE,
	HTTP_FIND_AMBIGUOUS, /* given twice: which one counts depends on the reader; refuse */
};

/* The value of the only parameter with that (decoded) name. */
enum http_find http_query_find(struct slice query, struct slice name, struct arena *a,
			       struct slice *value);

/*
 * Appends s with everything but unreserved characters (RFC 3986 section 2.3) escaped: right
 * for one path segment and for a name or value in a query. Returns as buf_append.
 */
int http_percent_encode(struct buf *b, struct slice s) __attribute__((warn_unused_result));
