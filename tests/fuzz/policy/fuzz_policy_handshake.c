/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole request head through all the gates, with a world behind it that says yes to every
 * question. Holds: who passes had an Origin from the list, or none where that is allowed;
 * a cookie never passes without Origin and token; the request built from it
 * can be written, and says our own fields once; all counts are given back.
 */
#include <string.h>

#include "base/buf.h"
#include "base/obj.h"
#include "http/upgrade.h"
#include "policy/csrf.h"
#include "policy/forward.h"
#include "policy/handshake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* clang-format off */
static const size_t from_session[] = {0}, guest_only[] = {2}, browser[] = {1, 0}, program[] = {0, 2};
static const struct conf_identity identities[] = {
	{.name = {"session", 7}, .kind = CONF_IDENTITY_COOKIE, .cookie = {.name = {"sid", 3}}},
	{.name = {"ticket", 6}, .kind = CONF_IDENTITY_TICKET, .ticket = {from_session, 1, 30000, true, true, false}},
	{.name = {"guest", 5}, .kind = CONF_IDENTITY_ANYONE},
};
static const struct conf_segment chat[] = {{{"chat", 4}, false}, {{"room", 4}, true}};
static const struct conf_segment open[] = {{{"open", 4}, false}}, api[] = {{{"api", 3}, false}};
static const struct slice listed[] = {{"https://chat.example.com", 24}};
static const struct slice fields[] = {{"user-agent", 10}, {"cookie", 6}, {"x-forwarded-for", 15}, {"accept-language", 15}};
static const struct slice protocols[] = {{"chat.v1", 7}}, query[] = {{"room", 4}, {"ticket", 6}};
static const struct conf_route routes[] = {
	{.path = {.segments = chat, .count = 2}, .origins = {.list = {listed, 1}}, .identify = browser, .identify_count = 2, .allow = {.always = true},
	 .subprotocols = {protocols, 1}, .forward_headers = {fields, 4}, .forward_query = {query, 2}},
	{.path = {.segments = open, .count = 1}, .origins = {.same = true}, .identify = guest_only, .identify_count = 1, .allow = {.always = true},
	 .compression = true},
	{.path = {.segments = api, .count = 1, .prefix = true}, .origins = {.list = {listed, 1}, .missing_allowed = true},
	 .identify = program, .identify_count = 2, .allow = {.always = true}, .forward_headers = {fields, 4}},
};
static const struct conf_listener listener = {.tls = true, .address = {.family = 4, .bytes = {192, 0, 2, 1}}};
static const struct slice names[] = {{"gate.example.com", 16}};
static const struct snapshot conf = {
	.listeners = &listener, .listener_count = 1, .hosts = {names, 1},
	.identities = identities, .identity_count = 3, .routes = routes, .route_count = 3,
	.limits = {.connections = 4, .connections_per_address = 4, .connections_per_prefix = 4,
		   .connections_per_identity = 4, .handshakes_per_address = {.unlimited = true},
		.handshakes_per_prefix = {.unlimited = true}},
};
/* clang-format on */

static struct keyset keys;

static struct verdict answer(struct handshake *h)
{
	struct answer yes = {
		.kind = ANSWER_YES, .subject = SLICE("al\r\nice"), .claims = SLICE("{}")};
	struct ticket_record r = {
		.ticket = SLICE("ticket"),
		.via = SLICE("session"),
		.claims = SLICE("{}"),
		.path = h->path,
		.origin = h->origin,
		.bind_path = true,
		.bind_origin = true,
		.expires_unix_ms = 10,
	};
	struct buf b;
	buf_init(&b, TICKET_RECORD_MAX);
	MUST(ticket_record_encode(&r, &b) == 0);
	yes.record = buf_slice(&b);
	struct verdict v = handshake_answer(h, &yes, 2);
	buf_deinit(&b);
	return v;
}

static void must_have_been_allowed(const struct handshake *h)
{
	const struct conf_route *route = h->in->dispatch->route;
	bool cookie = h->credential.identity->kind == CONF_IDENTITY_COOKIE;
	if (!h->origin.len) {
		MUST(route->origins.missing_allowed && !cookie);
	} else if (route->origins.same) {
		MUST(slice_starts_with(h->origin, SLICE("https://gate.example.com")));
	} else {
		MUST(slice_eq(h->origin, listed[0]));
	}
	if (cookie)
		MUST(csrf_check(&keys, h->credential.cookie, h->credential.csrf) == REASON_NONE);
	if (h->credential.identity->kind == CONF_IDENTITY_TICKET) {
		uint8_t id[TICKET_ID_BYTES];
		MUST(ticket_check(&keys, h->credential.ticket, 1, id) == REASON_NONE);
	}
}

static void must_be_writable(const struct handshake *h)
{
	static const char *const own[] = {"X-Forwarded-For",   "X-Forwarded-Proto",
					  "X-Forwarded-Host",  "Forwarded",
					  "Sallyport-Subject", "Sallyport-Request"};
	const struct conf_upstream upstream = {.path = h->in->dispatch->route->path};
	const struct forward_facts facts = {
		.route = h->in->dispatch->route,
		.upstream = &upstream,
		.match = &h->in->dispatch->match,
		.head = h->in->head,
		.request = h->in->request,
		.identity = &h->identity,
		.peer = {.family = 4},
		.request_id = SLICE("r"),
	};
	struct forward f;
	struct buf b;
	struct verdict v = forward_build(&facts, h->in->arena, &f);
	if (v.kind != VERDICT_PASS) {
		MUST(v.reason == REASON_HANDSHAKE_MALFORMED);
		return;
	}
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		size_t count = 0;
		for (size_t k = 0; k < f.header_count; k++)
			count += slice_eq_icase(f.headers[k].name, slice_from_cstr(own[i]));
		MUST(count == 1);
	}
	struct http_upgrade u = {
		.target = f.target,
		.authority = SLICE("127.0.0.1:9001"),
		.protocols = h->protocols,
		.protocol_count = h->protocol_count,
		.headers = f.headers,
		.header_count = f.header_count,
	};
	http_upgrade_key((const uint8_t *)"0123456789abcdef", u.key);
	buf_init(&b, 1 << 20);
	MUST(http_upgrade_write(&u, &b) == 0);
	buf_deinit(&b);
}

static void through_the_gates(struct handshake_input *in)
{
	static const struct siphash_key key;
	static struct limits *limits;
	struct limits_receipt receipt = {0};
	struct handshake h;
	if (!limits)
		limits = limits_new(&key, 4);
	in->limits = limits;
	in->receipt = &receipt;
	MUST(limits_admit(limits, &conf.limits, &in->peer, 0, &receipt).kind == VERDICT_PASS);
	struct verdict v = handshake_begin(&h, in);
	if (v.kind == VERDICT_ASK)
		v = answer(&h);
	if (v.kind == VERDICT_PASS) {
		must_have_been_allowed(&h);
		must_be_writable(&h);
	} else {
		MUST(v.kind == VERDICT_REFUSE && v.reason != REASON_NONE);
		MUST(reason_status(v.reason) >= 400 && v.reason != REASON_INTERNAL);
	}
	limits_release(&receipt);
	MUST(limits_connections(limits) == 0);
}

static void with_arena(struct slice bytes, struct arena *arena)
{
	static struct http_header room[64];
	struct http_parser p;
	struct http_request request;
	struct dispatch dispatch;
	size_t at;
	const struct host_facts facts = {.conf = &conf, .listener = &listener};
	http_parser_init(&p, HTTP_REQUEST, room, 64, 16384);
	if (http_parser_feed(&p, bytes) != HTTP_PARSE_DONE)
		return;
	if (http_request_check(&p.head, arena, &request, &at) != REASON_NONE)
		return;
	struct verdict v = dispatch_request(&facts, &p.head, &request, &dispatch);
	MUST((v.kind == VERDICT_PASS) == (dispatch.kind != DISPATCH_NOTHING));
	if (v.kind != VERDICT_PASS || dispatch.kind != DISPATCH_HANDSHAKE)
		return;
	MUST(slice_eq_icase(request.host.host, names[0]) ||
	     slice_eq(request.host.host, SLICE("192.0.2.1")));
	struct handshake_input in = {
		.conf = &conf,
		.keys = &keys,
		.head = &p.head,
		.request = &request,
		.dispatch = &dispatch,
		.peer = {.family = 4},
		.tls = true,
		.now_unix_ms = 1,
		.arena = arena,
	};
	through_the_gates(&in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	if (!keys.count)
		MUST(keyset_add(&keys, SLICE("0123456789abcdef0123456789abcdef")) == 0);
	arena_init(&arena, 65536, 1 << 22);
	with_arena(slice_of((const char *)data, size), &arena);
	arena_deinit(&arena);
	return 0;
}
