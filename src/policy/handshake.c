/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gates of a handshake; the drawing is in handshake.h.
 */
#include "policy/handshake.h"

#include "policy/binding.h"
#include "policy/mtls.h"
#include "policy/origin.h"
#include "policy/rules.h"

enum handshake_state { HANDSHAKE_NEW = 0, HANDSHAKE_ASKED, HANDSHAKE_OVER };

static struct verdict arena_full(void)
{
	return verdict_refuse(REASON_OVERLOADED, "the arena is full");
}

/* --- gates, in their order: PASS means on to the next one */

static struct verdict gate_websocket(struct handshake *h)
{
	enum reason r = http_handshake_check(h->in->head, &h->ws);
	return r == REASON_NONE ? verdict_pass() : verdict_refuse(r, NULL);
}

static bool speaks(const struct conf_route *route, struct slice protocol)
{
	for (size_t i = 0; i < route->subprotocols.count; i++) {
		if (slice_eq(route->subprotocols.items[i], protocol))
			return true;
	}
	return false;
}

/* What the route does not speak is left out; somebody who offers nothing else is refused,
 * since a browser would fail later with less to go by. */
static struct verdict gate_protocols(struct handshake *h)
{
	const struct http_protocols *offered = &h->ws.protocols;
	for (size_t i = 0; i < offered->count; i++) {
		if (speaks(h->in->dispatch->route, offered->items[i]))
			h->protocols[h->protocol_count++] = offered->items[i];
	}
	if (offered->count && !h->protocol_count)
		return verdict_refuse(REASON_SUBPROTOCOL_UNKNOWN, NULL);
	return verdict_pass();
}

static struct verdict gate_extensions(struct handshake *h)
{
	bool on = h->in->dispatch->route->compression && h->in->siege.level < SIEGE_ELEVATED;
	enum reason r = http_extensions_negotiate(h->in->head, on, &h->deflate);
	return r == REASON_NONE ? verdict_pass() : verdict_refuse(r, "Sec-WebSocket-Extensions");
}

static struct verdict gate_origin(struct handshake *h)
{
	const struct origin_facts facts = {
		.head = h->in->head,
		.host = &h->in->request->host,
		.tls = h->in->tls,
	};
	return origin_judge_handshake(&h->in->dispatch->route->origins, &facts, &h->origin);
}

static struct verdict gate_credential(struct handshake *h)
{
	const struct conf_route *route = h->in->dispatch->route;
	const struct credential_facts facts = {
		.head = h->in->head,
		.query = h->in->request->target.query,
		.protocols = &h->ws.protocols,
		.origin_missing = h->origin.len == 0,
		.certificate = h->in->certificate,
	};
	struct verdict v = credential_find(h->in->conf, route->identify, route->identify_count,
					   &facts, h->in->arena, &h->credential);
	if (v.kind == VERDICT_PASS)
		v = credential_check(h->in->keys, h->in->now_unix_ms, &h->credential);
	return v;
}

/* Other nodes' connections count too: the last gate, since only it takes a place there. */
static struct verdict ask_other_nodes(struct handshake *h)
{
	uint64_t max = h->in->conf->limits.connections_per_identity;
	if (!h->in->conf->store.redis || !h->identity.subject.len || max == UINT64_MAX)
		return verdict_pass();
	h->state = HANDSHAKE_ASKED;
	h->question = (struct question){
		.kind = QUESTION_ENTER,
		.subject = h->identity.subject,
		.max = max,
	};
	return verdict_ask();
}

/* What we made ourselves was checked by its tag, a certificate by TLS. */
static enum siege_guest worth_of(const struct handshake *h)
{
	const struct credential *c = &h->credential;

	switch (c->identity->kind) {
	case CONF_IDENTITY_TICKET:
	case CONF_IDENTITY_MTLS:
		return SIEGE_KNOWN;
	case CONF_IDENTITY_COOKIE:
		return c->identity->cookie.csrf_off ? SIEGE_CLAIMED : SIEGE_KNOWN;
	case CONF_IDENTITY_JWT:
		return c->cookie.len ? SIEGE_KNOWN : SIEGE_CLAIMED;
	case CONF_IDENTITY_ANYONE:
	case CONF_IDENTITY_NONE:
	default:
		return SIEGE_NOBODY;
	}
}

/* From level 1 on, who shows nothing of ours counts twice. */
static struct verdict gate_siege(struct handshake *h)
{
	const struct siege_gate *g = &h->in->siege;

	h->guest = worth_of(h);
	struct verdict v = siege_admit(g, h->guest);
	if (v.kind != VERDICT_PASS || g->level < SIEGE_ELEVATED || g->allowed ||
	    h->guest == SIEGE_KNOWN)
		return v;
	return limits_request(h->in->limits, &h->in->conf->limits, &h->in->peer, g->now_us);
}

/* Who it is is known: does the route let them in, and are there not too many of them? */
static struct verdict gate_identity(struct handshake *h)
{
	const struct context_facts facts = {
		.identity = &h->identity,
		.head = h->in->head,
		.target = &h->in->request->target,
		.match = &h->in->dispatch->match,
		.path = h->path,
		.origin = h->origin,
		.peer = h->in->peer,
		.tls = h->in->tls,
	};
	struct verdict v =
		rules_admit(h->in->dispatch->route, &facts, 0, h->in->now_unix_ms, h->in->arena);
	if (v.kind != VERDICT_PASS)
		return v;
	v = limits_admit_identity(h->in->limits, &h->in->conf->limits, h->identity.subject,
				  h->in->receipt);
	return v.kind == VERDICT_PASS ? ask_other_nodes(h) : v;
}

/* What the contract says of path, query and head. */
static struct verdict gate_binding(struct handshake *h)
{
	const struct dispatch *d = h->in->dispatch;

	return binding_judge(d->route->messages.contract, &d->match, &h->in->request->target,
			     h->in->head, h->in->arena);
}

typedef struct verdict (*gate_fn)(struct handshake *h);

static struct verdict pass_gates(struct handshake *h)
{
	static const gate_fn gates[] = {
		gate_websocket,  gate_protocols, gate_extensions, gate_origin,
		gate_credential, gate_siege,     gate_binding,
	};
	for (size_t i = 0; i < sizeof(gates) / sizeof(gates[0]); i++) {
		struct verdict v = gates[i](h);
		if (v.kind != VERDICT_PASS)
			return v;
	}
	return verdict_pass();
}

/* --- asking */

static struct verdict ask(struct handshake *h)
{
	const struct conf_identity *identity = h->credential.identity;
	h->state = HANDSHAKE_ASKED;
	if (identity->kind == CONF_IDENTITY_TICKET) {
		h->question.kind = QUESTION_TAKE_TICKET;
		memcpy(h->question.ticket_id, h->credential.ticket_id, TICKET_ID_BYTES);
		return verdict_ask();
	}
	h->question.kind = QUESTION_VERIFY_COOKIE;
	h->question.identity = identity;
	h->question.cookie = h->credential.cookie;
	return verdict_ask();
}

static struct verdict identify_token(struct handshake *h, uint64_t now_unix_ms, bool asked)
{
	const struct token_facts facts = {
		.world = h->in->tokens,
		.conf = h->in->conf,
		.identity = h->credential.identity,
		.text = h->credential.token,
		.now_unix_ms = now_unix_ms,
		.asked = asked,
	};
	struct verdict v = token_identify(&facts, h->in->arena, &h->identity);
	if (v.kind == VERDICT_PASS)
		return gate_identity(h);
	if (v.kind == VERDICT_ASK) {
		h->state = HANDSHAKE_ASKED;
		h->question.kind = QUESTION_REFRESH_KEYS;
		h->question.identity = h->credential.identity;
	}
	return v;
}

struct verdict handshake_begin(struct handshake *h, const struct handshake_input *in)
{
	*h = (struct handshake){.in = in, .state = HANDSHAKE_OVER};
	if (!in->dispatch->route || in->dispatch->kind != DISPATCH_HANDSHAKE)
		return verdict_refuse(REASON_INTERNAL, "no route");
	h->path = route_path_text(&in->request->target, in->arena);
	if (!h->path.data)
		return arena_full();
	struct verdict v = pass_gates(h);
	if (v.kind != VERDICT_PASS)
		return v;
	if (h->credential.identity->kind == CONF_IDENTITY_MTLS) {
		v = mtls_identify(h->credential.identity, in->certificate, in->now_unix_ms,
				  in->arena, &h->identity);
		return v.kind == VERDICT_PASS ? gate_identity(h) : v;
	}
	if (h->credential.identity->kind == CONF_IDENTITY_JWT)
		return identify_token(h, in->now_unix_ms, false);
	if (h->credential.identity->kind != CONF_IDENTITY_ANYONE)
		return ask(h);
	h->identity.key = h->credential.identity->name;
	h->identity.via = h->credential.identity->name;
	h->identity.claims = SLICE("{}");
	return gate_identity(h);
}

/* --- judging answers */

static struct verdict identify(struct handshake *h, struct slice subject, struct slice via,
			       struct slice claims)
{
	if (subject.len > IDENTITY_SUBJECT_MAX || claims.len > IDENTITY_CLAIMS_MAX)
		return verdict_refuse(REASON_INTERNAL, "an identity that is too long");
	h->identity.subject = arena_copy(h->in->arena, subject);
	h->identity.via = arena_copy(h->in->arena, via);
	h->identity.claims = arena_copy(h->in->arena, claims);
	h->identity.key = arena_copy(h->in->arena, h->identity.key);
	if (!h->identity.subject.data || !h->identity.via.data || !h->identity.claims.data ||
	    !h->identity.key.data)
		return arena_full();
	return gate_identity(h);
}

/* The record is out of the store already: whatever is said here, the ticket is burnt. */
static struct verdict judge_ticket(struct handshake *h, const struct answer *answer,
				   uint64_t now_unix_ms)
{
	struct ticket_record record;
	if (answer->kind == ANSWER_FAILED)
		return verdict_refuse(REASON_STORE_FAILED, NULL);
	if (answer->kind != ANSWER_YES)
		return verdict_refuse(REASON_TICKET_USED, NULL);
	if (!ticket_record_decode(answer->record, &record))
		return verdict_refuse(REASON_STORE_FAILED, "a record that cannot be read");
	const struct ticket_facts facts = {
		.ticket = h->credential.identity->name,
		.path = h->path,
		.origin = h->origin,
		.address = h->in->peer,
		.now_unix_ms = now_unix_ms,
	};
	enum reason r = ticket_judge(&record, &facts);
	if (r != REASON_NONE)
		return verdict_refuse(r, NULL);
	h->identity.expires_unix_ms = record.credential_expires_unix_ms;
	h->identity.issued_unix_ms = record.credential_issued_unix_ms;
	h->identity.key = record.key;
	return identify(h, record.subject, record.via, record.claims);
}

static struct verdict judge_cookie(struct handshake *h, const struct answer *answer,
				   uint64_t now_unix_ms)
{
	if (answer->kind == ANSWER_FAILED)
		return verdict_refuse(REASON_VERIFIER_FAILED, NULL);
	if (answer->kind != ANSWER_YES)
		return verdict_refuse(REASON_CREDENTIAL_INVALID, "the application says no");
	/* Nobody's name is the empty one, which stands for `anyone` and is not counted. */
	if (!answer->subject.len)
		return verdict_refuse(REASON_VERIFIER_FAILED, "an answer without a subject");
	/* The application has just vouched for it. */
	h->identity.issued_unix_ms = now_unix_ms;
	h->identity.key = h->credential.identity->name;
	return identify(h, answer->subject, h->credential.identity->name, answer->claims);
}

static struct verdict judge_entered(const struct answer *answer)
{
	if (answer->kind == ANSWER_YES)
		return verdict_pass();
	if (answer->kind != ANSWER_NO)
		return verdict_refuse(REASON_STORE_FAILED, NULL);
	struct verdict v =
		verdict_refuse(REASON_CONNECTION_LIMIT, "connections_per_identity, over all nodes");
	v.retry_after_s = LIMITS_RETRY_S;
	return v;
}

struct verdict handshake_answer(struct handshake *h, const struct answer *answer,
				uint64_t now_unix_ms)
{
	enum question_kind asked = h->question.kind;
	if (h->state != HANDSHAKE_ASKED)
		return verdict_refuse(REASON_INTERNAL, "an answer that nobody asked for");
	h->state = HANDSHAKE_OVER;
	h->question = (struct question){0};
	/* Whatever came of it: what counts is which keys there are now. */
	if (asked == QUESTION_REFRESH_KEYS)
		return identify_token(h, now_unix_ms, true);
	if (asked == QUESTION_ENTER)
		return judge_entered(answer);
	return asked == QUESTION_TAKE_TICKET ? judge_ticket(h, answer, now_unix_ms)
					     : judge_cookie(h, answer, now_unix_ms);
}
