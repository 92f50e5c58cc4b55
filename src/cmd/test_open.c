/* SPDX-License-Identifier: Apache-2.0 */
/* The connection of a test case; see test_run.h. */
#include <stdlib.h>

#include "base/err.h"
#include "cmd/test_run_priv.h"

enum { HEAD_BYTES_MAX = 4 << 20, TICKET_MS = 60000, HOST_BYTES = 300 };

static const uint8_t ticket_id[TICKET_ID_BYTES] = {1};

/* --- where it connects to */

static const struct conf_listener *first_listener(const struct snapshot *conf)
{
	for (size_t i = 0; i < conf->listener_count; i++)
		if (conf->listeners[i].tls)
			return &conf->listeners[i];
	return &conf->listeners[0];
}

static bool client_tls(const struct test_talk *t)
{
	return t->client->has_tls ? t->client->tls : first_listener(t->world->conf)->tls;
}

/* The first name that the configuration has. It is taken to be on the listener's port, unless
 * the listener speaks clear text: then something stands before it that has the name. */
static struct slice client_host(struct test_talk *t)
{
	const struct snapshot *conf = t->world->conf;
	const struct conf_listener *l = first_listener(conf);
	struct slice name = conf->hosts.count ? conf->hosts.items[0] : SLICE("localhost");
	uint16_t port = l->address.port;

	if (t->client->host.len)
		return t->client->host;
	if (port == 0 || port == (l->tls ? 443 : 80) || (conf->hosts.count && !l->tls))
		return name;
	return arena_printf(&t->arena, "%.*s:%u", SLICE_ARG(name), port);
}

/* Empty: none is sent. */
static struct slice client_origin(struct test_talk *t, const struct conf_route *route,
				  struct slice host)
{
	struct slice own = arena_printf(&t->arena, "%s://%.*s", client_tls(t) ? "https" : "http",
					SLICE_ARG(host));
	const struct conf_origins *o = route ? &route->origins : NULL;

	switch (t->client->origin_kind) {
	case TEST_ORIGIN_GIVEN:
		return t->client->origin;
	case TEST_ORIGIN_MISSING:
		return slice_of(NULL, 0);
	case TEST_ORIGIN_SAME:
		return own;
	case TEST_ORIGIN_ALLOWED:
		break;
	}
	if (o && o->list.count && !o->same)
		return o->list.items[0];
	return o && !o->same && o->missing_allowed ? slice_of(NULL, 0) : own;
}

/* --- who connects */

/* The route takes that identity, by itself or through a ticket. */
static bool route_takes(const struct snapshot *conf, const struct conf_route *route, size_t wanted)
{
	for (size_t i = 0; i < route->identify_count; i++) {
		const struct conf_identity *identity = &conf->identities[route->identify[i]];
		if (route->identify[i] == wanted)
			return true;
		for (size_t k = 0; k < identity->ticket.from_count; k++)
			if (identity->ticket.from[k] == wanted)
				return true;
	}
	return false;
}

/* The first that can name somebody; the count if there is none. */
static size_t usual_identity(const struct snapshot *conf, const struct conf_route *route)
{
	for (size_t i = 0; i < conf->identity_count; i++) {
		enum conf_identity_kind kind = conf->identities[i].kind;
		if (kind != CONF_IDENTITY_TICKET && kind != CONF_IDENTITY_ANYONE &&
		    route_takes(conf, route, i))
			return i;
	}
	return conf->identity_count;
}

/* The identity that proved who it is; empty if the route does not take that one, and then it is
 * not presented. */
static struct slice identity_name(const struct test_talk *t, const struct conf_route *route,
				  const char **broken)
{
	const struct snapshot *conf = t->world->conf;
	size_t at = 0;

	if (!t->client->via.len) {
		at = usual_identity(conf, route);
	} else {
		while (at < conf->identity_count &&
		       !slice_eq(conf->identities[at].name, t->client->via))
			at++;
	}
	if (at < conf->identity_count)
		return route_takes(conf, route, at) ? conf->identities[at].name : slice_of(NULL, 0);
	*broken = t->client->via.len
			  ? "the configuration has no identity of that name (`via`)"
			  : "the route identifies nobody: whoever comes is anonymous, without `as`";
	return slice_of(NULL, 0);
}

/* --- the bytes of the request */

static int append_query(const struct test_client *c, struct buf *to)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->query_count; i++) {
		r = buf_append(to, i ? SLICE("&") : SLICE("?"));
		if (r == 0)
			r = http_percent_encode(to, c->query[i].name);
		if (r == 0)
			r = buf_append(to, SLICE("="));
		if (r == 0)
			r = http_percent_encode(to, c->query[i].value);
	}
	return r;
}

static int append_field(struct buf *to, struct slice name, struct slice value)
{
	return buf_printf(to, "%.*s: %.*s\r\n", SLICE_ARG(name), SLICE_ARG(value));
}

static int append_ticket(const struct test_talk *t, struct buf *to)
{
	char ticket[TICKET_CHARS];
	int r = ticket_make(&t->world->keys, ticket_id, t->now_unix_ms + TICKET_MS, ticket);

	return r ? r
		 : buf_printf(to, "Sec-WebSocket-Protocol: sallyport.ticket.%.*s\r\n", TICKET_CHARS,
			      ticket);
}

static int append_request(struct test_talk *t, const struct conf_route *route, bool presents,
			  struct buf *to)
{
	const struct test_client *c = t->client;
	struct slice host = client_host(t);
	struct slice origin = client_origin(t, route, host);
	int r = buf_printf(to, "GET %.*s", SLICE_ARG(c->path));

	if (r == 0)
		r = append_query(c, to);
	if (r == 0)
		r = buf_append(to,
			       SLICE(" HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
				     "Sec-WebSocket-Version: 13\r\n"
				     "Sec-WebSocket-Key: c2FsbHlwb3J0OnRlc3QhIQ==\r\n"));
	if (r == 0)
		r = append_field(to, SLICE("Host"), host);
	if (r == 0 && origin.len)
		r = append_field(to, SLICE("Origin"), origin);
	if (r == 0 && presents)
		r = append_ticket(t, to);
	for (size_t i = 0; r == 0 && i < c->header_count; i++)
		r = append_field(to, c->headers[i].name, c->headers[i].value);
	return r ? r : buf_append(to, SLICE("\r\n"));
}

/* The request, parsed, in the connection's arena. */
static struct verdict make_request(struct test_talk *t, const struct conf_route *route,
				   bool presents)
{
	const struct conf_limits *limits = &t->world->conf->limits;
	struct http_header *room =
		arena_calloc(&t->arena, limits->request_headers, sizeof(struct http_header));
	struct buf text;
	size_t at;

	buf_init(&text, HEAD_BYTES_MAX);
	int r = append_request(t, route, presents, &text);
	struct slice bytes = arena_copy(&t->arena, buf_slice(&text));
	buf_deinit(&text);
	if (r || !room || !bytes.data)
		return verdict_refuse(REASON_OVERLOADED, "no memory for the request");
	http_parser_init(&t->parser, HTTP_REQUEST, room, limits->request_headers,
			 limits->request_head);
	if (http_parser_feed(&t->parser, bytes) != HTTP_PARSE_DONE)
		return verdict_refuse(
			t->parser.reason ? t->parser.reason : REASON_HANDSHAKE_MALFORMED, NULL);
	enum reason reason = http_request_check(&t->parser.head, &t->arena, &t->request, &at);
	return reason ? verdict_refuse(reason, NULL) : verdict_pass();
}

/* --- the gates */

/* Whatever name is asked for is one of ours: certificates are not looked at. */
static struct verdict gate_dispatch(struct test_talk *t)
{
	const struct http_authority *host = &t->request.host;
	struct address literal;
	const struct host_facts facts = {
		.conf = &t->world->played,
		.listener = first_listener(t->world->conf),
		.certificate_names = {&host->host, 1},
		.certificate_addresses = &literal,
		.certificate_address_count =
			host->is_ip && address_parse(host->host, &literal) ? 1 : 0,
	};
	struct verdict v = dispatch_request(&facts, &t->parser.head, &t->request, &t->dispatch);

	if (v.kind == VERDICT_PASS && t->dispatch.kind != DISPATCH_HANDSHAKE)
		return verdict_refuse(REASON_ROUTE_UNKNOWN, "no socket is there");
	return v;
}

/* What stands behind the ticket: who the case says it is. */
static struct verdict answer_ticket(struct test_talk *t, struct slice via)
{
	const struct ticket_record record = {
		.ticket = t->handshake.credential.identity->name,
		.via = via,
		.subject = t->client->subject,
		.claims = t->client->claims,
		.expires_unix_ms = t->now_unix_ms + TICKET_MS,
		.key = via,
	};
	struct buf bytes;

	buf_init(&bytes, TICKET_RECORD_MAX);
	int r = ticket_record_encode(&record, &bytes);
	const struct answer answer = {.kind = r ? ANSWER_FAILED : ANSWER_YES,
				      .record = buf_slice(&bytes)};
	struct verdict v = handshake_answer(&t->handshake, &answer, t->now_unix_ms);
	buf_deinit(&bytes);
	return v;
}

static struct verdict gate_handshake(struct test_talk *t, struct slice via)
{
	t->input = (struct handshake_input){
		.conf = &t->world->played,
		.keys = &t->world->keys,
		.limits = t->limits,
		.receipt = &t->receipt,
		.head = &t->parser.head,
		.request = &t->request,
		.dispatch = &t->dispatch,
		.peer = t->client->address,
		.tls = client_tls(t),
		.now_unix_ms = t->now_unix_ms,
		.arena = &t->arena,
	};
	struct verdict v = limits_admit(t->limits, &t->world->conf->limits, &t->client->address,
					t->now_us, &t->receipt);
	if (v.kind == VERDICT_PASS)
		v = handshake_begin(&t->handshake, &t->input);
	return v.kind == VERDICT_ASK ? answer_ticket(t, via) : v;
}

/* What the route's own `allow` said was said in the handshake. */
static struct verdict gate_rules(struct test_talk *t)
{
	const struct context_facts facts = {
		.identity = &t->handshake.identity,
		.head = &t->parser.head,
		.target = &t->request.target,
		.match = &t->dispatch.match,
		.path = t->handshake.path,
		.origin = t->handshake.origin,
		.peer = t->client->address,
		.tls = client_tls(t),
		.connection_id = SLICE("0123456789abcdef"),
	};

	if (!rules_needed(t->route))
		return verdict_pass();
	t->rules = rules_new(t->route, &facts, t->quota, &t->budget, t->now_us);
	return t->rules ? verdict_pass()
			: verdict_refuse(REASON_OVERLOADED, "no room for the session");
}

/* All gates in their order. The route is looked for before the request is made, since it depends
 * on it what is presented, and which Origin is an allowed one. */
static struct verdict pass_gates(struct test_talk *t, const char **broken)
{
	const struct conf_route *route = NULL;
	struct http_target target;
	struct route_match match;
	struct slice via = {0};

	if (http_target_parse(t->client->path, &t->arena, &target, NULL) == REASON_NONE)
		route = route_find(t->world->conf, &target, &match);
	if (route && t->client->known)
		via = identity_name(t, route, broken);
	if (*broken)
		return verdict_refuse(REASON_INTERNAL, NULL);
	struct verdict v = make_request(t, route, via.len > 0);
	if (v.kind == VERDICT_PASS)
		v = gate_dispatch(t);
	if (v.kind != VERDICT_PASS)
		return v;
	t->route = t->dispatch.route;
	v = gate_handshake(t, via);
	if (v.kind == VERDICT_PASS || v.reason == REASON_NOT_ALLOWED)
		test_cover_route(&t->world->cover, t->route, v.kind == VERDICT_PASS);
	return v.kind == VERDICT_PASS ? gate_rules(t) : v;
}

struct verdict test_open(struct test_talk *t, const char **broken)
{
	*broken = NULL;
	struct verdict v = pass_gates(t, broken);

	if (v.kind == VERDICT_PASS) {
		message_policy_init(&t->policy, t->route);
		t->open = true;
	} else {
		test_close(t);
	}
	return v;
}

void test_close(struct test_talk *t)
{
	if (t->rules)
		rules_end(t->rules, t->world->room);
	t->rules = rules_free(t->rules);
	limits_release(&t->receipt);
	arena_reset(&t->arena);
	t->open = false;
	t->waiting = 0;
}
