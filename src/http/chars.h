/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Which characters may stand where. One table for all parsers of this layer, so that
 * two of them cannot disagree; tests/unit/http/test_chars.c spells every class out again.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum http_char {
	HTTP_CHAR_TOKEN = 1,       /* RFC 9110 section 5.6.2 tchar */
	HTTP_CHAR_PATH = 2,        /* pchar, '/', and [ ] | ^ that browsers leave as they are */
	HTTP_CHAR_QUERY = 4,       /* pchar, '/', '?', and [ ] { } | ^ ` likewise */
	HTTP_CHAR_VALUE = 8,       /* visible ASCII, space, tab */
	HTTP_CHAR_COOKIE = 16,     /* RFC 6265 section 4.1.1 cookie-octet */
	HTTP_CHAR_UNRESERVED = 32, /* RFC 3986 section 2.3 */
	HTTP_CHAR_LABEL = 64,      /* in a host name between its dots */
	HTTP_CHAR_URL = 128,       /* pchar, '/' and { } of route patterns, in configured URLs */
};

extern const uint8_t http_char_classes[128];

static inline bool http_char_is(char c, enum http_char class)
{
	unsigned char u = (unsigned char)c;
	return u < 128 && (http_char_classes[u] & (unsigned)class) != 0;
}

/* How many bytes from `from` on belong to the class. */
static inline size_t http_char_run(struct slice s, size_t from, enum http_char class)
{
	size_t at = from;
	while (at < s.len && http_char_is(s.data[at], class))
		at++;
	return at - from;
}

/* http_char_run() for HTTP_CHAR_VALUE: values are long, and nearly all of their bytes are visible
 * ones or spaces, which are passed eight at a time. */
static inline size_t http_value_run(struct slice s, size_t from)
{
	const uint64_t each = UINT64_C(0x0101010101010101);
	size_t at = from;

	for (; at < s.len && s.len - at >= 8; at += 8) {
		uint64_t word = slice_load8(s.data + at);
		/* The highest bit of each byte that is no such: over 0x7f, 0x7f, or under 0x20. */
		uint64_t high = word | (word + each) | ~((word | each * 0x80) - each * 0x20);
		if (high & each * 0x80)
			break;
	}
	return at - from + http_char_run(s, at, HTTP_CHAR_VALUE);
}

/* Not empty, and all of the class. */
static inline bool http_chars_all(struct slice s, enum http_char class)
{
	return s.len > 0 && http_char_run(s, 0, class) == s.len;
}
