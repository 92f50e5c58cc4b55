/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /.sallyport/ticket: who may have a ticket for a route, and what it says.
 *
 *   marker > body > route > origin > proof of work > credential > whose is it? > `allow` > kept
 *                                                                  endpoint.c     by the store
 */
#include "base/buf.h"
#include "base/clock.h"
#include "base/jsonout.h"
#include "http/header.h"
#include "json/read.h"
#include "policy/endpoint_priv.h"
#include "policy/host.h"
#include "policy/mtls.h"
#include "policy/rules.h"

/* --- gates */

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
	return e->path.data ? verdict_pass() : endpoint_arena_full();
}

static struct verdict find_ticket_route(struct endpoint *e)
{
	e->route = route_find(e->in->conf, &e->target, &e->match);
	if (!e->route)
		return verdict_refuse(REASON_ROUTE_UNKNOWN, "a ticket for no route");
	e->ticket = endpoint_ticket_identity(e->in->conf, e->route);
	if (!e->ticket)
		return verdict_refuse(REASON_ROUTE_UNKNOWN, "a route that takes no tickets");
	return verdict_pass();
}

static struct verdict gate_ticket_origin(struct endpoint *e)
{
	struct origin_facts facts = endpoint_origin_facts(e);
	struct verdict v = origin_judge_fetch(&e->route->origins, &facts, &e->origin);
	if (v.kind == VERDICT_PASS)
		endpoint_allow_origin(e, endpoint_ticket_from_cookie(e->in->conf, e->ticket, NULL));
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
	return e->problem.data ? verdict_refuse(reason, NULL) : endpoint_arena_full();
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

struct verdict endpoint_post_ticket(struct endpoint *e)
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
		return v.kind == VERDICT_PASS ? endpoint_ask_put(e, e->in->now_unix_ms) : v;
	}
	if (e->credential.identity->kind == CONF_IDENTITY_JWT)
		return endpoint_identify_token(e, e->in->now_unix_ms, false);
	if (e->credential.identity->kind != CONF_IDENTITY_ANYONE)
		return endpoint_ask_verify(e);
	e->identity.key = e->credential.identity->name;
	e->identity.issued_unix_ms = e->in->now_unix_ms;
	e->identity.via = e->credential.identity->name;
	e->identity.claims = SLICE("{}");
	return endpoint_ask_put(e, e->in->now_unix_ms);
}

/* --- asking for it to be kept */

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

struct verdict endpoint_ask_put(struct endpoint *e, uint64_t now_unix_ms)
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
		return endpoint_arena_full();
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

/* --- the answer */

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

struct verdict endpoint_answer_ticket(struct endpoint *e)
{
	char ticket[TICKET_CHARS];
	struct slice url = ticket_url(e);
	if (!url.data)
		return endpoint_arena_full();
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
		return endpoint_arena_full();
	endpoint_finish(e, 201, body);
	return verdict_pass();
}
