/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Parsing a literal text in tests of this layer. What is parsed lives until the next call.
 */
#include "http/head.h"

#include "unit.h"

enum { UNIT_HEADERS = 64, UNIT_HEAD_BYTES = 16384 };

static inline struct http_parser *unit_parse(enum http_side side, struct slice text)
{
	static struct http_header room[UNIT_HEADERS];
	static struct http_parser p;

	http_parser_init(&p, side, room, UNIT_HEADERS, UNIT_HEAD_BYTES);
	(void)!http_parser_feed(&p, text);
	return &p;
}

/* A head with these field lines, each ended by CR LF. */
static inline const struct http_head *unit_head(enum http_side side, const char *lines)
{
	static char text[UNIT_HEAD_BYTES];
	int len =
		snprintf(text, sizeof(text), "%s%s\r\n",
			 side == HTTP_REQUEST ? "GET / HTTP/1.1\r\n" : "HTTP/1.1 101 S\r\n", lines);
	struct http_parser *p = unit_parse(side, slice_of(text, (size_t)len));

	if (p->head.bytes != (size_t)len)
		fail_msg("no head: %s at %zu: %s", reason_word(p->reason), p->at, lines);
	return &p->head;
}
