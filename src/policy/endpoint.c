/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The own endpoints: who may ask and read the answer, who it is that asks, and all of them but the
 * ticket, which is in endpoint_ticket.c. The drawing is in endpoint.h.
 */
#include "policy/endpoint.h"

#include "http/header.h"
#include "policy/client.h"
#include "policy/csrf.h"
#include "policy/endpoint_priv.h"

static void add_header(struct endpoint *e, struct slice name, struct slice value)
{
	if (e->header_count < ENDPOINT_HEADERS_MAX)
		e->headers[e->header_count++] = (struct http_header){name, value};
}

/* --- whom an answer is for */

const struct conf_identity *endpoint_ticket_identity(const struct snapshot *s,
						     const struct conf_route *route)
{
	for (size_t i = 0; i < route->identify_count; i++) {
		const struct conf_identity *identity = &s->identities[route->identify[i]];
		if (identity->kind == CONF_IDENTITY_TICKET)
			return identity;
	}
	return NULL;
}

bool endpoint_ticket_from_cookie(const struct snapshot *s, const struct conf_identity *ticket,
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
		    endpoint_ticket_from_cookie(s, identity, cookie))
			return true;
	}
	return false;
}

void endpoint_allow_origin(struct endpoint *e, bool with_cookies)
{
	if (!e->origin.len)
		return;
	add_header(e, SLICE("Access-Control-Allow-Origin"), e->origin);
	if (with_cookies)
		add_header(e, SLICE("Access-Control-Allow-Credentials"), SLICE("true"));
	add_header(e, SLICE("Access-Control-Expose-Headers"), SLICE("Retry-After"));
}

/* --- the answer */

void endpoint_finish(struct endpoint *e, int status, struct slice body)
{
	e->state = ENDPOINT_OVER;
	e->status = status;
	e->body = body;
	add_header(e, SLICE("Content-Type"), SLICE("application/json"));
	add_header(e, SLICE("Cache-Control"), SLICE("no-store"));
	add_header(e, SLICE("X-Content-Type-Options"), SLICE("nosniff"));
	add_header(e, SLICE("Cross-Origin-Resource-Policy"), SLICE("same-origin"));
}

static struct verdict answer_csrf(struct endpoint *e)
{
	char token[CSRF_CHARS];
	if (csrf_make(e->in->keys, e->credential.cookie, e->in->random, token))
		return verdict_refuse(REASON_INTERNAL, "no CSRF token could be made");
	struct slice body =
		arena_printf(e->in->arena, "{\"csrf\":\"%.*s\"}", (int)sizeof(token), token);
	if (!body.data)
		return endpoint_arena_full();
	endpoint_finish(e, 200, body);
	return verdict_pass();
}

/* --- who it is */

struct verdict endpoint_ask_verify(struct endpoint *e)
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
	return e->in->dispatch->kind == DISPATCH_CSRF ? answer_csrf(e)
						      : endpoint_ask_put(e, now_unix_ms);
}

struct verdict endpoint_identify_token(struct endpoint *e, uint64_t now_unix_ms, bool asked)
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
	const struct origin_facts facts = endpoint_origin_facts(e);
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
		endpoint_allow_origin(e, true);
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
		       ? endpoint_identify_token(e, e->in->now_unix_ms, false)
		       : endpoint_ask_verify(e);
}

/* --- preflights (Fetch standard, CORS protocol) */

static bool preflight_origin_ok(const struct endpoint *e, bool *with_cookies)
{
	const struct snapshot *s = e->in->conf;
	const struct origin_facts facts = endpoint_origin_facts(e);
	bool ok = false;
	*with_cookies = false;
	for (size_t i = 0; i < s->route_count; i++) {
		const struct conf_identity *ticket = endpoint_ticket_identity(s, &s->routes[i]);
		if (!ticket || !origin_on_list(&s->routes[i].origins, &facts, e->origin))
			continue;
		ok = true;
		*with_cookies |= endpoint_ticket_from_cookie(s, ticket, NULL);
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
	endpoint_allow_origin(e, with_cookies);
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
		return endpoint_arena_full();
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
	const struct origin_facts facts = endpoint_origin_facts(e);
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
		return endpoint_post_ticket(e);
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
		return endpoint_arena_full();
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
		return endpoint_identify_token(e, now_unix_ms, true);
	if (state != ENDPOINT_PUTTING)
		return verdict_refuse(REASON_INTERNAL, "an answer that nobody asked for");
	if (answer->kind != ANSWER_YES)
		return verdict_refuse(REASON_STORE_FAILED, NULL);
	return endpoint_answer_ticket(e);
}
