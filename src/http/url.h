/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Absolute URLs, as they are written in a configuration or on a command line.
 *
 *   https://id.example.com/jwks.json      ws://127.0.0.1:9001/chat/{room}
 *   http://[::1]:8080                     ws+unix:///run/app.sock:/chat
 *
 * Strict rather than helpful: no user, no fragment, no missing slashes, no spaces. Request
 * targets are not read here (http/target.h).
 */
#include <stdbool.h>

#include "http/origin.h"

struct url {
	enum http_scheme scheme;
	struct slice host; /* empty for ws+unix; IPv6 without brackets */
	uint16_t port;     /* the scheme's own if not written; 0 may be written, for listeners */
	bool port_written;
	bool is_ip, is_ipv6;
	struct slice unix_path; /* ws+unix only: absolute */
	struct slice path;      /* empty, or starts with '/'; not decoded; may hold { } and * */
	struct slice query;     /* without '?' */
	bool has_query;
};

/* Slices point into text. Returns NULL, or a constant sentence that says what is wrong. */
const char *url_parse(struct slice text, struct url *out);

/* For logs and people: without the query, which may hold a key. */
struct slice url_without_query(struct slice text);

/* For Host and messages: `host`, `[v6]`, with `:port` unless it is the scheme's own; "localhost"
 * for ws+unix, as other clients of such sockets say.
 * Returns the text inside room; data is NULL when it does not fit. */
struct slice url_authority(const struct url *u, char *room, size_t bytes);
