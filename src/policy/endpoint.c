/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The own endpoints; the drawing is in endpoint.h.
 */
#include "policy/endpoint.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/jsonout.h"
#include "http/header.h"
#include "json/read.h"
#include "policy/client.h"
#include "policy/csrf.h"
#include "policy/host.h"
#include "policy/mtls.h"
#include "policy/origin.h"
#include "policy/rules.h"

enum endpoint_state {
	ENDPOINT_NEW = 0,
	ENDPOINT_VERIFYING,
	ENDPOINT_REFRESHING,
	ENDPOINT_PUTTING,
	ENDPOINT_OVER
};

static struct verdict arena_full(void)
{
	return verdict_refuse(REASON_OVERLOADED, "the arena is full");
}

static void add_header(struct endpoint *e, struct slice name, struct slice value)
{
	if (e->header_count < ENDPOINT_HEADERS_MAX)
		e->headers[e->header_count++] = (struct http_header){name, value};
}

static struct origin_facts origin_facts(const struct endpoint *e)
{
	return (struct origin_facts){
		.head = e->in->head,
		.host = &e->in->request->host,
		.tls = e->in->tls,
	};
}

/* --- whom an answer is for */

static const struct conf_identity *ticket_identity(const struct snapshot *s,
						   const struct conf_route *route)
{
	for (size_t i = 0; i < route->identify_count; i++) {
		const struct conf_identity *identity = &s->identities[route->identify[i]];
		if (identity->kind == CONF_IDENTITY_TICKET)
			return identity;
	}
	return NULL;
}

/* From this cookie; NULL: from whatever browsers send by themselves, certificates too. */
static bool ticket_from_cookie(const struct snapshot *s, const struct conf_identity *ticket,
			       const struct conf_identity *cookie)
{
	for (size_t i = 0; i < ticket->ticket.from_count; i++) {
		const struct conf_identity *from = &s->identities[ticket->ticket.from[i]];
		if (credential_is_cookie(from) && (!cookie || from == cookie))
			return true;
		if (from->kind == CONF_IDENTITY_MTLS && !cookie)
			return true;
	}
	return false;
}

/* Does this cookie (NULL: any) open the route, by itself or through a ticket? */
static bool cookie_opens(const struct snapshot *s, const struct conf_route *route,
			 const struct conf_identity *cookie)
{
	for (size_t i = 0; i < route->identify_count; i++) {
		const struct conf_identity *identity = &s->identities[route->identify[i]];
		if (credential_is_cookie(identity) && (!cookie || identity == cookie))
			return true;
		if (identity->kind == CONF_IDENTITY_TICKET &&
		    ticket_from_cookie(s, identity, cookie))
			return true;
	}
	return false;
}

/* The answer may be read by the page that asked. Never `*`; the origin was compared. */
static void allow_origin(struct endpoint *e, bool with_cookies)
{
	if (!e->origin.len)
		return;
	add_header(e, SLICE("Access-Control-Allow-Origin"), e->origin);
	if (with_cookies)
		add_header(e, SLICE("Access-Control-Allow-Credentials"), SLICE("true"));
	add_header(e, SLICE("Access-Control-Expose-Headers"), SLICE("Retry-After"));
}

/* --- the answer */

static void finish(struct endpoint *e, int status, struct slice body)
{
	e->state = ENDPOINT_OVER;
	e->status = status;
	e->body = body;
	add_header(e, SLICE("Content-Type"), SLICE("application/json"));
	add_header(e, SLICE("Cache-Control"), SLICE("no-store"));
	add_header(e, SLICE("X-Content-Type-Options"), SLICE("nosniff"));
	add_header(e, SLICE("Cross-Origin-Resource-Policy"), SLICE("same-origin"));
}

static struct slice copy_out(struct endpoint *e, const struct jsonout *j, const struct buf *b)
{
	return j->ok ? arena_copy(e->in->arena, buf_slice(b)) : slice_of(NULL, 0);
}

/* wss://host/path, where the ticket is good. data is NULL without room. */
static struct slice ticket_url(struct endpoint *e)
{
	struct slice url = {NULL, 0}, host = host_text(&e->in->request->host, e->in->arena);
	struct buf b;
	if (!host.data)
		return url;
	buf_init(&b, 4 * ENDPOINT_BODY_MAX);
	if (!buf_append(&b, e->in->tls ? SLICE("wss://") : SLICE("ws://")) &&
	    !buf_append(&b, host) && !route_own_path(&e->target, &b))
		url = arena_copy(e->in->arena, buf_slice(&b));
	buf_deinit(&b);
	return url;
}

/* A session that would end with its credential, and not with its route's lifetime, can be
 * renewed before: so many seconds from now. */
static void say_renewal(const struct endpoint *e, struct jsonout *j)
{
	uint64_t expires = e->identity.expires_unix_ms, now = e->in->now_unix_ms;

	if (expires && expires < clock_add(now, e->route->limits.lifetime_ms))
		jsonout_member_u64(j, "renew_within", clock_since(now, expires) / CLOCK_MS_PER_S);
}

static struct verdict answer_ticket(struct endpoint *e)
{
	char ticket[TICKET_CHARS];
	struct slice url = ticket_url(e);
	if (!url.data)
		return arena_full();
	if (ticket_make(e->in->keys, e->id, e->expires_unix_ms, ticket))
		return verdict_refuse(REASON_INTERNAL, "no ticket could be made");

	struct jsonout j;
	struct buf b;
	buf_init(&b, 8 * ENDPOINT_BODY_MAX);
	jsonout_init(&j, &b);
	jsonout_object_open(&j);
	jsonout_member(&j, "ticket", slice_of(ticket, sizeof(ticket)));
	jsonout_member_u64(&j, "expires_in", e->ticket->ticket.ttl_ms / CLOCK_MS_PER_S);
	jsonout_member(&j, "url", url);
	say_renewal(e, &j);
	jsonout_object_close(&j);
	struct slice body = copy_out(e, &j, &b);
	buf_deinit(&b);
	if (!body.data)
		return arena_full();
	finish(e, 201, body);
	return verdict_pass();
}

static struct verdict answer_csrf(struct endpoint *e)
{
	char token[CSRF_CHARS];
	if (csrf_make(e->in->keys, e->credential.cookie, e->in->random, token))
		return verdict_refuse(REASON_INTERNAL, "no CSRF token could be made");
	struct slice body =
		arena_printf(e->in->arena, "{\"csrf\":\"%.*s\"}", (int)sizeof(token), token);
	if (!body.data)
		return arena_full();
	finish(e, 200, body);
	return verdict_pass();
}

/* --- asking for a ticket to be kept */

/* Whom the route would not let in gets no ticket for it either. What only the handshake
 * itself can show is asked there. */
static struct verdict gate_allow(struct endpoint *e, uint64_t now_unix_ms)
{
	const uint32_t later = 1u << CONF_VAR_REQUEST_HEADERS | 1u << CONF_VAR_REQUEST_QUERY;
	const struct context_facts facts = {
		.identity = &e->identity,
		.match = &e->match,
		.path = e->path,
		.origin = e->origin,
		.peer = e->in->peer,
		.tls = e->in->tls,
	};

	if (e->route->allow_uses & later)
		return verdict_pass();
	return rules_admit(e->route, &facts, 0, now_unix_ms, e->in->arena);
}

static struct verdict ask_put(struct endpoint *e, uint64_t now_unix_ms)
{
	const struct conf_identity *ticket = e->ticket;
	struct verdict v = gate_allow(e, now_unix_ms);
	if (v.kind != VERDICT_PASS)
		return v;
	e->expires_unix_ms = clock_add(now_unix_ms, ticket->ticket.ttl_ms);
	const struct ticket_record record = {
		.ticket = ticket->name,
		.via = e->identity.via,
		.subject = e->identity.subject,
		.claims = e->identity.claims,
		.path = e->path,
		.origin = e->origin,
		.address = e->in->peer,
		.bind_path = ticket->ticket.bind_route,
		.bind_origin = ticket->ticket.bind_origin,
		.bind_address = ticket->ticket.bind_address,
		.expires_unix_ms = e->expires_unix_ms,
		.credential_expires_unix_ms = e->identity.expires_unix_ms,
		.credential_issued_unix_ms = e->identity.issued_unix_ms,
		.key = e->identity.key,
	};
	struct slice bytes = {NULL, 0};
	struct buf b;
	buf_init(&b, TICKET_RECORD_MAX);
	if (!ticket_record_encode(&record, &b))
		bytes = arena_copy(e->in->arena, buf_slice(&b));
	buf_deinit(&b);
	if (!bytes.data)
		return arena_full();
	memcpy(e->id, e->in->random, sizeof(e->id));
	e->question = (struct question){
		.kind = QUESTION_PUT_TICKET,
		.record = bytes,
		.expires_unix_ms = e->expires_unix_ms,
	};
	memcpy(e->question.ticket_id, e->id, TICKET_ID_BYTES);
	e->state = ENDPOINT_PUTTING;
	return verdict_ask();
}

static struct verdict ask_verify(struct endpoint *e)
{
	e->question = (struct question){
		.kind = QUESTION_VERIFY_COOKIE,
		.identity = e->credential.identity,
		.cookie = e->credential.cookie,
	};
	e->state = ENDPOINT_VERIFYING;
	return verdict_ask();
}

/* What one came for: a ticket or a CSRF token. */
static struct verdict serve_identified(struct endpoint *e, uint64_t now_unix_ms)
{
	return e->in->dispatch->kind == DISPATCH_CSRF ? answer_csrf(e) : ask_put(e, now_unix_ms);
}

static struct verdict identify_token(struct endpoint *e, uint64_t now_unix_ms, bool asked)
{
	const struct token_facts facts = {
		.world = e->in->tokens,
		.conf = e->in->conf,
		.identity = e->credential.identity,
		.text = e->credential.token,
		.now_unix_ms = now_unix_ms,
		.asked = asked,
	};
	struct verdict v = token_identify(&facts, e->in->arena, &e->identity);
	if (v.kind == VERDICT_PASS)
		return serve_identified(e, now_unix_ms);
	if (v.kind == VERDICT_ASK) {
		e->question = (struct question){
			.kind = QUESTION_REFRESH_KEYS,
			.identity = e->credential.identity,
		};
		e->state = ENDPOINT_REFRESHING;
	}
	return v;
}

/* --- POST /.sallyport/ticket: gates */

/* {"route": "/chat/lobby"} and nothing else. */
static struct verdict read_body(struct endpoint *e)
{
	static const struct json_limits limits = {.depth = 2, .members = 8, .values = 16};
	struct json_doc doc;
	if (e->in->body.len > ENDPOINT_BODY_MAX)
		return verdict_refuse(REASON_BODY_TOO_LARGE, NULL);
	if (json_read(e->in->body, &limits, e->in->arena, &doc) != REASON_NONE)
		return verdict_refuse(REASON_BODY_MALFORMED, json_fault_word(doc.fault));
	const struct json_node *route = json_member_typed(doc.root, SLICE("route"), JSON_STRING);
	if (!route || json_count(doc.root) != 1)
		return verdict_refuse(REASON_BODY_MALFORMED, "not {\"route\": \"/path\"}");
	if (http_target_parse(json_string(route), e->in->arena, &e->target, NULL) != REASON_NONE ||
	    e->target.has_query || e->target.asterisk)
		return verdict_refuse(REASON_BODY_MALFORMED, "the route is no path");
	e->path = route_path_text(&e->target, e->in->arena);
	return e->path.data ? verdict_pass() : arena_full();
}

static struct verdict find_ticket_route(struct endpoint *e)
{
	e->route = route_find(e->in->conf, &e->target, &e->match);
	if (!e->route)
		return verdict_refuse(REASON_ROUTE_UNKNOWN, "a ticket for no route");
	e->ticket = ticket_identity(e->in->conf, e->route);
	if (!e->ticket)
		return verdict_refuse(REASON_ROUTE_UNKNOWN, "a route that takes no tickets");
	return verdict_pass();
}

static struct verdict gate_ticket_origin(struct endpoint *e)
{
	struct origin_facts facts = origin_facts(e);
	struct verdict v = origin_judge_fetch(&e->route->origins, &facts, &e->origin);
	if (v.kind == VERDICT_PASS)
		allow_origin(e, ticket_from_cookie(e->in->conf, e->ticket, NULL));
	return v;
}

static struct verdict gate_ticket_credential(struct endpoint *e)
{
	const struct credential_facts facts = {
		.head = e->in->head,
		.csrf_in_header = true,
		.origin_missing = e->origin.len == 0,
		.certificate = e->in->certificate,
	};
	struct verdict v =
		credential_find(e->in->conf, e->ticket->ticket.from, e->ticket->ticket.from_count,
				&facts, e->in->arena, &e->credential);
	if (v.kind == VERDICT_PASS)
		v = credential_check(e->in->keys, e->in->now_unix_ms, &e->credential);
	return v;
}

static struct verdict gate_marker(struct endpoint *e)
{
	struct slice value;
	if (http_header_single(e->in->head, SLICE("sallyport"), &value) &&
	    slice_eq(value, SLICE("1")))
		return verdict_pass();
	return verdict_refuse(REASON_CSRF_MISSING, "no `Sallyport: 1`");
}

/* What the client has to solve: in the body of the 429. */
static struct verdict ask_for_proof(struct endpoint *e, const struct proof_facts *f,
				    enum reason reason)
{
	char challenge[PROOF_CHALLENGE_CHARS];
	const struct conf_siege *conf = &e->in->conf->siege;
	unsigned bits = e->in->siege.proof_bits ? e->in->siege.proof_bits : conf->proof_bits;

	if (proof_make(e->in->keys, f, bits, clock_add(f->now_unix_ms, conf->proof_time_ms),
		       e->in->random, challenge))
		return verdict_refuse(REASON_INTERNAL, "no challenge could be made");
	e->problem = arena_printf(e->in->arena,
				  "\"proof\":{\"algorithm\":\"sha256\",\"challenge\":\"%.*s\","
				  "\"bits\":%u,\"expires_in\":%llu}",
				  (int)sizeof(challenge), challenge, bits,
				  (unsigned long long)(conf->proof_time_ms / CLOCK_MS_PER_S));
	return e->problem.data ? verdict_refuse(reason, NULL) : arena_full();
}

/* Before anything is verified. Whoever TLS has verified has shown more than a number. */
static struct verdict gate_proof(struct endpoint *e)
{
	const struct siege_gate *g = &e->in->siege;
	const struct certificate *certificate = e->in->certificate;
	struct slice field = SLICE("sallyport-proof"), text = {NULL, 0};
	const struct proof_facts facts = {
		.peer = e->in->peer,
		.path = e->path,
		.origin = e->origin,
		.now_unix_ms = e->in->now_unix_ms,
	};

	if (g->level < SIEGE_PROOF || g->allowed || e->in->good_network ||
	    (certificate && !certificate->malformed))
		return verdict_pass();
	if (http_header_count(e->in->head, field) == 0)
		return ask_for_proof(e, &facts, REASON_PROOF_REQUIRED);
	if (!http_header_single(e->in->head, field, &text))
		return ask_for_proof(e, &facts, REASON_PROOF_INVALID);
	enum reason r = proof_check(e->in->keys, &facts, text, e->in->proofs);
	if (r == REASON_NONE)
		return verdict_pass();
	return r == REASON_PROOF_INVALID ? ask_for_proof(e, &facts, r)
					 : verdict_refuse(r, "a proof of work");
}

typedef struct verdict (*gate_fn)(struct endpoint *e);

static struct verdict post_ticket(struct endpoint *e)
{
	static const gate_fn gates[] = {
		gate_marker,        read_body,  find_ticket_route,
		gate_ticket_origin, gate_proof, gate_ticket_credential,
	};
	for (size_t i = 0; i < sizeof(gates) / sizeof(gates[0]); i++) {
		struct verdict v = gates[i](e);
		if (v.kind != VERDICT_PASS)
			return v;
	}
	if (e->credential.identity->kind == CONF_IDENTITY_MTLS) {
		struct verdict v = mtls_identify(e->credential.identity, e->in->certificate,
						 e->in->now_unix_ms, e->in->arena, &e->identity);
		return v.kind == VERDICT_PASS ? ask_put(e, e->in->now_unix_ms) : v;
	}
	if (e->credential.identity->kind == CONF_IDENTITY_JWT)
		return identify_token(e, e->in->now_unix_ms, false);
	if (e->credential.identity->kind != CONF_IDENTITY_ANYONE)
		return ask_verify(e);
	e->identity.key = e->credential.identity->name;
	e->identity.issued_unix_ms = e->in->now_unix_ms;
	e->identity.via = e->credential.identity->name;
	e->identity.claims = SLICE("{}");
	return ask_put(e, e->in->now_unix_ms);
}

/* --- GET /.sallyport/csrf: gates */

/* The first cookie identity, in the order of the file, whose cookie came. */
static struct verdict find_cookie(struct endpoint *e)
{
	const struct snapshot *s = e->in->conf;
	const struct credential_facts facts = {
		.head = e->in->head, .csrf_in_header = true, .only_cookies = true};
	for (size_t i = 0; i < s->identity_count; i++) {
		if (!credential_is_cookie(&s->identities[i]))
			continue;
		struct verdict v = credential_find(s, &i, 1, &facts, e->in->arena, &e->credential);
		if (v.kind == VERDICT_PASS || v.reason != REASON_CREDENTIAL_MISSING)
			return v;
	}
	return verdict_refuse(REASON_CREDENTIAL_MISSING, NULL);
}

static bool csrf_origin_ok(const struct endpoint *e)
{
	const struct snapshot *s = e->in->conf;
	const struct conf_origins own = {.same = true};
	const struct origin_facts facts = origin_facts(e);
	if (origin_on_list(&own, &facts, e->origin))
		return true;
	for (size_t i = 0; i < s->route_count; i++) {
		if (cookie_opens(s, &s->routes[i], e->credential.identity) &&
		    origin_on_list(&s->routes[i].origins, &facts, e->origin))
			return true;
	}
	return false;
}

/* Without Origin it is a page of ours asking (browsers leave it out of such a GET), a
 * program, or somebody who typed the address. A browser that says otherwise is believed. */
static struct verdict gate_csrf_origin(struct endpoint *e)
{
	struct slice site = SLICE("sec-fetch-site"), value;
	if (!origin_presented(e->in->head, &e->origin))
		return verdict_refuse(REASON_ORIGIN_NOT_ALLOWED, "Origin is empty or comes twice");
	if (e->origin.len) {
		if (!csrf_origin_ok(e))
			return verdict_refuse(REASON_ORIGIN_NOT_ALLOWED, NULL);
		allow_origin(e, true);
		return verdict_pass();
	}
	if (http_header_count(e->in->head, site) == 0)
		return verdict_pass();
	if (http_header_single(e->in->head, site, &value) &&
	    (slice_eq(value, SLICE("same-origin")) || slice_eq(value, SLICE("none"))))
		return verdict_pass();
	return verdict_refuse(REASON_ORIGIN_NOT_ALLOWED, "Sec-Fetch-Site");
}

static struct verdict get_csrf(struct endpoint *e)
{
	struct verdict cookie = find_cookie(e);
	struct verdict v = gate_csrf_origin(e);
	if (v.kind == VERDICT_PASS)
		v = cookie;
	if (v.kind != VERDICT_PASS)
		return v;
	return e->credential.identity->kind == CONF_IDENTITY_JWT
		       ? identify_token(e, e->in->now_unix_ms, false)
		       : ask_verify(e);
}

/* --- preflights (Fetch standard, CORS protocol) */

static bool preflight_origin_ok(const struct endpoint *e, bool *with_cookies)
{
	const struct snapshot *s = e->in->conf;
	const struct origin_facts facts = origin_facts(e);
	bool ok = false;
	*with_cookies = false;
	for (size_t i = 0; i < s->route_count; i++) {
		const struct conf_identity *ticket = ticket_identity(s, &s->routes[i]);
		if (!ticket || !origin_on_list(&s->routes[i].origins, &facts, e->origin))
			continue;
		ok = true;
		*with_cookies |= ticket_from_cookie(s, ticket, NULL);
	}
	return ok;
}

static struct verdict preflight(struct endpoint *e)
{
	bool csrf = e->in->dispatch->kind == DISPATCH_CSRF, with_cookies = csrf;
	if (!origin_presented(e->in->head, &e->origin))
		return verdict_refuse(REASON_ORIGIN_NOT_ALLOWED, "Origin is empty or comes twice");
	if (!e->origin.len)
		return verdict_refuse(REASON_ORIGIN_MISSING, "a preflight");
	if (csrf ? !csrf_origin_ok(e) : !preflight_origin_ok(e, &with_cookies))
		return verdict_refuse(REASON_ORIGIN_NOT_ALLOWED, "a preflight");
	allow_origin(e, with_cookies);
	add_header(e, SLICE("Access-Control-Allow-Methods"), csrf ? SLICE("GET") : SLICE("POST"));
	add_header(
		e, SLICE("Access-Control-Allow-Headers"),
		SLICE("content-type, sallyport, sallyport-csrf, sallyport-proof, authorization"));
	add_header(e, SLICE("Access-Control-Max-Age"), SLICE("600"));
	e->state = ENDPOINT_OVER;
	e->status = 204;
	return verdict_pass();
}

/* --- GET /.sallyport/client.js */

/* Whoever names the version he wants may keep it for good; whoever does not asks again. */
static struct slice client_cache(const struct endpoint *e)
{
	struct slice query = e->in->request->target.query;

	if (slice_starts_with(query, SLICE("v=")) && slice_eq(slice_from(query, 2), client_tag))
		return SLICE("public, max-age=31536000, immutable");
	return SLICE("no-cache");
}

/* One of the list, weak or not, or `*` (RFC 9110 section 13.1.2). */
static bool client_is_known(const struct endpoint *e, struct slice etag)
{
	struct slice seen = {NULL, 0};

	if (!http_header_single(e->in->head, SLICE("if-none-match"), &seen))
		return false;
	return slice_eq(seen, SLICE("*")) ||
	       (seen.len && memmem(seen.data, seen.len, etag.data, etag.len));
}

/* Packed it is no more than a TLS handshake sends; three times that, to whoever likes to have it
 * so, waits with those who have to be verified. Browsers take it packed. */
static struct verdict gate_client(const struct endpoint *e, bool gzip)
{
	struct verdict v = siege_admit_endpoint(&e->in->siege);

	return v.kind != VERDICT_PASS || gzip ? v : siege_admit(&e->in->siege, SIEGE_CLAIMED);
}

/* From memory, for everybody: nothing of the request changes it. */
static struct verdict get_client(struct endpoint *e)
{
	enum http_method method = e->in->head->method;
	bool gzip = http_header_has_token(e->in->head, SLICE("accept-encoding"), SLICE("gzip"));
	struct slice etag =
		arena_printf(e->in->arena, "\"%.*s%s\"", SLICE_ARG(client_tag), gzip ? "-gz" : "");

	if (method != HTTP_GET && method != HTTP_HEAD) {
		e->allow = "GET, HEAD";
		return verdict_refuse(REASON_METHOD_NOT_ALLOWED, NULL);
	}
	if (!etag.data)
		return arena_full();
	add_header(e, SLICE("ETag"), etag);
	add_header(e, SLICE("Cache-Control"), client_cache(e));
	add_header(e, SLICE("Vary"), SLICE("Accept-Encoding"));
	add_header(e, SLICE("Access-Control-Allow-Origin"), SLICE("*"));
	add_header(e, SLICE("Cross-Origin-Resource-Policy"), SLICE("cross-origin"));
	add_header(e, SLICE("X-Content-Type-Options"), SLICE("nosniff"));
	bool known = client_is_known(e, etag);
	struct verdict v = gate_client(e, gzip || known);
	if (v.kind != VERDICT_PASS)
		return v;
	e->status = known ? 304 : 200;
	if (known)
		return verdict_pass();
	add_header(e, SLICE("Content-Type"), SLICE("text/javascript; charset=utf-8"));
	if (gzip)
		add_header(e, SLICE("Content-Encoding"), SLICE("gzip"));
	e->body = gzip ? client_gzip : client_text;
	return verdict_pass();
}

/* --- POST /.sallyport/csp-report */

/* A browser may hide the page's origin, but one that names another page's, or says in its
 * metadata that it is one, is believed. */
static struct verdict gate_report_origin(struct endpoint *e)
{
	static const struct conf_origins own = {.same = true};
	const struct origin_facts facts = origin_facts(e);
	struct slice site = SLICE("sec-fetch-site"), value;
	if (!origin_presented(e->in->head, &e->origin))
		return verdict_refuse(REASON_ORIGIN_NOT_ALLOWED, "Origin is empty or comes twice");
	if (e->origin.len && !slice_eq(e->origin, SLICE("null")) &&
	    !origin_on_list(&own, &facts, e->origin))
		return verdict_refuse(REASON_ORIGIN_NOT_ALLOWED, "a report of another page");
	if (http_header_count(e->in->head, site) &&
	    (!http_header_single(e->in->head, site, &value) ||
	     !slice_eq(value, SLICE("same-origin"))))
		return verdict_refuse(REASON_ORIGIN_NOT_ALLOWED, "Sec-Fetch-Site");
	return verdict_pass();
}

static struct verdict take_reports(struct endpoint *e)
{
	struct slice type = {NULL, 0};
	const char *detail;
	if (e->in->head->method != HTTP_POST) {
		e->allow = "POST";
		return verdict_refuse(REASON_METHOD_NOT_ALLOWED, NULL);
	}
	struct verdict v = gate_report_origin(e);
	if (v.kind != VERDICT_PASS)
		return v;
	(void)http_header_single(e->in->head, SLICE("content-type"), &type);
	enum reason r = report_read(type, e->in->body, e->in->arena, &e->reports, &detail);
	if (r != REASON_NONE)
		return verdict_refuse(r, detail);
	e->status = 204;
	return verdict_pass();
}

/* --- the outside */

size_t endpoint_body_max(enum dispatch_kind kind)
{
	return kind == DISPATCH_REPORT ? REPORT_BODY_MAX : ENDPOINT_BODY_MAX;
}

struct verdict endpoint_begin(struct endpoint *e, const struct endpoint_input *in)
{
	*e = (struct endpoint){.in = in, .state = ENDPOINT_OVER};
	if (in->dispatch->kind == DISPATCH_REPORT)
		return take_reports(e);
	if (in->dispatch->kind == DISPATCH_CLIENT)
		return get_client(e);
	bool ticket = in->dispatch->kind == DISPATCH_TICKET;
	if (!ticket && in->dispatch->kind != DISPATCH_CSRF)
		return verdict_refuse(REASON_INTERNAL, "no own endpoint");
	/* What is said depends on who asks, also when it is a refusal. */
	add_header(e, SLICE("Vary"), SLICE("Origin"));
	if (in->head->method == HTTP_OPTIONS)
		return preflight(e);
	struct verdict v = siege_admit_endpoint(&in->siege);
	if (v.kind != VERDICT_PASS)
		return v;
	if (ticket && in->head->method == HTTP_POST)
		return post_ticket(e);
	if (!ticket && in->head->method == HTTP_GET)
		return get_csrf(e);
	e->allow = ticket ? "POST, OPTIONS" : "GET, OPTIONS";
	return verdict_refuse(REASON_METHOD_NOT_ALLOWED, NULL);
}

static struct verdict judge_verified(struct endpoint *e, const struct answer *answer,
				     uint64_t now_unix_ms)
{
	if (answer->kind == ANSWER_FAILED)
		return verdict_refuse(REASON_VERIFIER_FAILED, NULL);
	if (answer->kind != ANSWER_YES)
		return verdict_refuse(REASON_CREDENTIAL_INVALID, "the application says no");
	if (!answer->subject.len || answer->subject.len > IDENTITY_SUBJECT_MAX ||
	    answer->claims.len > IDENTITY_CLAIMS_MAX)
		return verdict_refuse(REASON_VERIFIER_FAILED, "an answer without a usable subject");
	e->identity.issued_unix_ms = now_unix_ms;
	e->identity.key = e->credential.identity->name;
	e->identity.via = e->credential.identity->name;
	e->identity.subject = arena_copy(e->in->arena, answer->subject);
	e->identity.claims = arena_copy(e->in->arena, answer->claims);
	if (!e->identity.subject.data || !e->identity.claims.data)
		return arena_full();
	return serve_identified(e, now_unix_ms);
}

struct verdict endpoint_answer(struct endpoint *e, const struct answer *answer,
			       uint64_t now_unix_ms)
{
	unsigned state = e->state;
	e->state = ENDPOINT_OVER;
	e->question = (struct question){0};
	if (state == ENDPOINT_VERIFYING)
		return judge_verified(e, answer, now_unix_ms);
	if (state == ENDPOINT_REFRESHING)
		return identify_token(e, now_unix_ms, true);
	if (state != ENDPOINT_PUTTING)
		return verdict_refuse(REASON_INTERNAL, "an answer that nobody asked for");
	if (answer->kind != ANSWER_YES)
		return verdict_refuse(REASON_STORE_FAILED, NULL);
	return answer_ticket(e);
}
