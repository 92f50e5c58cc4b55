/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A small configuration and requests against it, for the tests of this layer.
 *
 * Requests are whole heads, parsed as a listener would. In their text %T stands for the
 * ticket of the row and %C for the CSRF token of the cookie "good".
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "conf/snapshot.h"
#include "http/request.h"
#include "policy/csrf.h"
#include "policy/dispatch.h"
#include "policy/keys.h"
#include "policy/limits.h"
#include "policy/ticket.h"

#include "unit.h"

#define KEY_A "0123456789abcdef0123456789ABCDEF-key-a"
#define KEY_B "zyxwvutsrqponmlkjihgfedcba987654-key-b"

#define NOW_MS UINT64_C(1700000000000)

#define TEXTS(...)                                                                            \
	{                                                                                     \
		(const struct slice[]){__VA_ARGS__},                                          \
			sizeof((const struct slice[]){__VA_ARGS__}) / sizeof(struct slice)    \
	}

#define LITERAL(t) {.text = {t, sizeof(t) - 1}}
#define PARAMETER(t) {.text = {t, sizeof(t) - 1}, .parameter = true}
#define SEGMENTS(...)                                                                         \
	.segments = (const struct conf_segment[]){__VA_ARGS__},                               \
	.count = sizeof((const struct conf_segment[]){__VA_ARGS__}) /                         \
		 sizeof(struct conf_segment)
#define LIST(...)                                                                             \
	(const size_t[]){__VA_ARGS__}, sizeof((const size_t[]){__VA_ARGS__}) / sizeof(size_t)

enum { ID_SESSION, ID_TICKET, ID_GUEST, ID_LEGACY, ID_GUEST_TICKET, ID_ADDRESS_TICKET };

static const struct conf_identity unit_identities[] = {
	[ID_SESSION] = {.name = {"session", 7},
			.kind = CONF_IDENTITY_COOKIE,
			.cookie = {.name = {"sid", 3},
				   .verify = {"http://127.0.0.1:3000/whoami", 28},
				   .cache_ms = 10000}},
	[ID_TICKET] = {.name = {"ticket", 6},
		       .kind = CONF_IDENTITY_TICKET,
		       .ticket = {(const size_t[]){ID_SESSION}, 1, 30000, true, true, false}},
	[ID_GUEST] = {.name = {"guest", 5}, .kind = CONF_IDENTITY_ANYONE},
	[ID_LEGACY] = {.name = {"legacy", 6},
		       .kind = CONF_IDENTITY_COOKIE,
		       .cookie = {.name = {"old", 3},
				  .verify = {"http://127.0.0.1:3000/old", 25},
				  .csrf_off = true}},
	[ID_GUEST_TICKET] = {.name = {"pass", 4},
			     .kind = CONF_IDENTITY_TICKET,
			     .ticket = {(const size_t[]){ID_GUEST}, 1, 30000, true, true, false}},
	[ID_ADDRESS_TICKET] = {.name = {"bound", 5},
			       .kind = CONF_IDENTITY_TICKET,
			       .ticket = {(const size_t[]){ID_SESSION}, 1, 30000, true, true, true}},
};

#define CHAT_ORIGINS                                                                          \
	.list = TEXTS({"https://chat.example.com", 24}, {"https://alt.example.com:8444", 28})

/* clang-format off */
static const struct conf_upstream unit_upstream = {
	.path = {.text = {"/app/{room}", 11}, SEGMENTS(LITERAL("app"), PARAMETER("room"))},
};

static const struct conf_route unit_routes[] = {
	{	/* 0: a browser's route */
		.path = {.text = {"/chat/{room}", 12}, SEGMENTS(LITERAL("chat"), PARAMETER("room"))},
		.origins = {CHAT_ORIGINS},
		.identify = (const size_t[]){ID_TICKET, ID_SESSION}, .identify_count = 2, .allow = {.always = true},
		.upstreams = &unit_upstream, .upstream_count = 1,
		.subprotocols = TEXTS({"chat.v1", 7}, {"chat.v2", 7}),
		.forward_headers = TEXTS({"user-agent", 10}, {"cookie", 6}, {"x-forwarded-user", 16}),
		.forward_query = TEXTS({"room", 4}, {"lang", 4}, {"ticket", 6}),
	},
	{	/* 1: same origin, for everybody */
		.path = {.text = {"/open", 5}, SEGMENTS(LITERAL("open"))},
		.origins = {.same = true},
		.identify = (const size_t[]){ID_GUEST}, .identify_count = 1, .allow = {.always = true},
		.compression = true,
	},
	{	/* 2: for programs too */
		.path = {.text = {"/api/*", 6}, SEGMENTS(LITERAL("api")), .prefix = true},
		.origins = {CHAT_ORIGINS, .missing_allowed = true},
		.identify = (const size_t[]){ID_SESSION, ID_GUEST}, .identify_count = 2, .allow = {.always = true},
	},
	{	/* 3: programs with tickets */
		.path = {.text = {"/feed", 5}, SEGMENTS(LITERAL("feed"))},
		.origins = {CHAT_ORIGINS, .missing_allowed = true},
		.identify = (const size_t[]){ID_GUEST_TICKET}, .identify_count = 1, .allow = {.always = true},
	},
	{	/* 4: a cookie without CSRF token */
		.path = {.text = {"/legacy", 7}, SEGMENTS(LITERAL("legacy"))},
		.origins = {.same = true},
		.identify = (const size_t[]){ID_LEGACY, ID_SESSION}, .identify_count = 2, .allow = {.always = true},
	},
	{	/* 5: programs, with tickets for cookies */
		.path = {.text = {"/prog", 5}, SEGMENTS(LITERAL("prog"))},
		.origins = {CHAT_ORIGINS, .missing_allowed = true},
		.identify = (const size_t[]){ID_TICKET}, .identify_count = 1, .allow = {.always = true},
	},
	{	/* 6: tickets bound to addresses */
		.path = {.text = {"/bound", 6}, SEGMENTS(LITERAL("bound"))},
		.origins = {.list = TEXTS({"https://bound.example.com", 25})},
		.identify = (const size_t[]){ID_ADDRESS_TICKET}, .identify_count = 1, .allow = {.always = true},
	},
};

static const struct conf_site unit_sites[] = {
	{.path = {.text = {"/pages/*", 8}, SEGMENTS(LITERAL("pages")), .prefix = true},
	 .csp_reports = true},
};

static struct conf_listener unit_listeners[] = {
	{.tls = true, .host = {"0.0.0.0", 7}, .address = {.family = 4, .port = 8443}},
	{.tls = false, .host = {"10.1.2.3", 8}, .address = {.family = 4, .bytes = {10, 1, 2, 3}, .port = 8080}},
};
/* clang-format on */

static struct snapshot unit_snapshot = {
	.listeners = unit_listeners,
	.listener_count = 2,
	.hosts = TEXTS({"gate.example.com", 16}),
	.identities = unit_identities,
	.identity_count = COUNT(unit_identities),
	.routes = unit_routes,
	.route_count = COUNT(unit_routes),
	.sites = unit_sites,
	.site_count = COUNT(unit_sites),
	.limits = {.connections = 100,
		   .connections_per_address = 100,
		   .connections_per_prefix = 100,
		   .connections_per_identity = 2,
		   .handshakes_per_address = {.count = 20, .per_ms = 1000, .burst = 40},
		   .handshakes_per_prefix = {.count = 400, .per_ms = 1000, .burst = 800}},
	.siege = {.handshakes = 2000, .proof_bits = 17, .proof_time_ms = 60000},
};

/* Key A is the old one, key B makes. */
static inline const struct keyset *unit_keys(void)
{
	static struct keyset k;
	if (!k.count) {
		assert_int_equal(keyset_add(&k, SLICE(KEY_A)), 0);
		assert_int_equal(keyset_add(&k, SLICE(KEY_B)), 0);
	}
	return &k;
}

static inline struct slice unit_csrf(const char *cookie)
{
	static char token[CSRF_CHARS];
	static const uint8_t random[CSRF_RANDOM_BYTES] = {7, 7, 7};
	assert_int_equal(csrf_make(unit_keys(), slice_from_cstr(cookie), random, token), 0);
	return slice_of(token, sizeof(token));
}

/* A parsed request and what was decided about it so far. Valid until the next one. */
struct unit_request {
	struct arena arena;
	struct http_header room[64];
	struct http_parser parser;
	struct http_request request;
	struct host_facts facts;
	struct dispatch dispatch;
	char text[16384];
};

static inline size_t unit_expand(char *text, size_t room, const char *pattern, struct slice ticket)
{
	size_t len = 0;
	for (const char *p = pattern; *p; p++) {
		struct slice piece = slice_of(p, 1);
		if (p[0] == '%' && (p[1] == 'T' || p[1] == 'C')) {
			piece = p[1] == 'T' ? ticket : unit_csrf("good");
			p++;
		}
		assert_true(len + piece.len < room);
		memcpy(text + len, piece.data, piece.len);
		len += piece.len;
	}
	return len;
}

static inline void unit_request_deinit(struct unit_request *u)
{
	arena_deinit(&u->arena);
}

/* Parses; fails the test where the text is no acceptable request. */
static inline void unit_request_parse(struct unit_request *u, const char *says, const char *pattern,
				      struct slice ticket)
{
	static const struct slice names[] = {{"gate.example.com", 16}, {"*.wild.example.com", 18}};
	size_t at;
	arena_deinit(&u->arena);
	arena_init(&u->arena, 64 * 1024, 1024 * 1024);
	size_t len = unit_expand(u->text, sizeof(u->text), pattern, ticket);
	http_parser_init(&u->parser, HTTP_REQUEST, u->room, 64, sizeof(u->text));
	if (http_parser_feed(&u->parser, slice_of(u->text, len)) != HTTP_PARSE_DONE)
		fail_msg("%s: no head: %s at %zu", says, reason_word(u->parser.reason), u->parser.at);
	enum reason r = http_request_check(&u->parser.head, &u->arena, &u->request, &at);
	if (r != REASON_NONE)
		fail_msg("%s: no request: %s", says, reason_word(r));
	u->facts = (struct host_facts){
		.conf = &unit_snapshot,
		.listener = &unit_listeners[0],
		.local = {.family = 4, .bytes = {192, 0, 2, 1}, .port = 8443},
		.certificate_names = {names, COUNT(names)},
	};
}

static inline struct verdict unit_request_dispatch(struct unit_request *u)
{
	return dispatch_request(&u->facts, &u->parser.head, &u->request, &u->dispatch);
}

/* The row's sentence, what was decided and what was wanted. */
#define ROW_REASON(at, verdict, wanted)                                                       \
	do {                                                                                  \
		if ((verdict).reason != (wanted))                                             \
			fail_msg("%s: got %s (%s), wanted %s", (at)->says,                    \
				 reason_word((verdict).reason),                               \
				 (verdict).detail ? (verdict).detail : "",                    \
				 reason_word(wanted));                                        \
	} while (0)
