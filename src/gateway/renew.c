/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Renewal: a live session brings a fresh ticket and may go on past its old credential.
 *
 *   client, who offered sallyport.control.v1:
 *     {"type": "sallyport.renew", "ticket": "..."}  --> tag --> store: taken --> judged
 *   gateway:
 *     {"type": "sallyport.renewed", "expires_in": 3600}     or a close with the reason
 *
 * The ticket must be good for this very path, origin and address, and must have been issued
 * to the same subject. Renewal never goes past the route's `lifetime`. These messages never
 * reach the application; they count against the client's rates like any other.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/conn.h"
#include "json/read.h"
#include "json/value.h"

enum { RENEW_TEXT_MAX = 1024, RENEW_ARENA_BYTES = 8192 };

/* What the handshake was about, for judging tickets; one per session that may renew. */
struct renewal {
	struct ticket_facts facts; /* texts in `text` */
	char text[];
};

void renew_free(struct session *s)
{
	free(s->renewal);
	s->renewal = NULL;
}

static struct slice keep(char **at, struct slice s)
{
	char *to = *at;

	if (s.len)
		memcpy(to, s.data, s.len);
	*at += s.len;
	return slice_of(to, s.len);
}

bool renew_prepare(struct conn *c)
{
	const struct handshake *h = &c->request->handshake;
	const struct conf_route *route = c->session->run->conf;
	struct slice ticket = {NULL, 0};

	for (size_t i = 0; i < route->identify_count && !ticket.len; i++) {
		const struct conf_identity *identity =
			&conn_conf(c)->identities[route->identify[i]];
		if (identity->kind == CONF_IDENTITY_TICKET)
			ticket = identity->name;
	}
	struct renewal *r = malloc(sizeof(*r) + ticket.len + h->path.len + h->origin.len);
	if (!r)
		return false;
	char *at = r->text;
	r->facts = (struct ticket_facts){
		.ticket = keep(&at, ticket),
		.path = keep(&at, h->path),
		.origin = keep(&at, h->origin),
		.address = c->peer,
	};
	c->session->renewal = r;
	return true;
}

/* The ticket's text, if the message is a renewal; else empty. */
static struct slice ticket_in(struct slice message, struct arena *a)
{
	static const struct json_limits limits = {.depth = 1, .members = 4, .values = 8};
	struct json_doc doc;

	if (message.len > RENEW_TEXT_MAX ||
	    !memmem(message.data, message.len, "sallyport.renew", 15) ||
	    json_read(message, &limits, a, &doc) != REASON_NONE)
		return slice_of(NULL, 0);
	const struct json_node *type = json_member_typed(doc.root, SLICE("type"), JSON_STRING);
	const struct json_node *ticket = json_member_typed(doc.root, SLICE("ticket"), JSON_STRING);
	if (!type || !slice_eq(json_string(type), SLICE("sallyport.renew")) || !ticket)
		return slice_of(NULL, 0);
	return json_string(ticket);
}

static void ask_for(struct conn *c, struct slice ticket)
{
	struct question q = {.kind = QUESTION_TAKE_TICKET};
	uint64_t now = reactor_realtime_ms(&c->worker->reactor);

	enum reason r = ticket_check(&c->generation->keys, ticket, now, q.ticket_id);
	if (r != REASON_NONE) {
		relay_refuse(c, r, "renewal");
		return;
	}
	/* A recheck under way is not waited for: it comes again. */
	if (c->ask)
		c->ask->conn = NULL;
	c->ask = NULL;
	struct ask *a = ask_new(c, ASK_POLICY, 0);
	if (!a) {
		relay_refuse(c, REASON_OVERLOADED, "renewal");
		return;
	}
	if (!ask_copy_question(a, &q)) {
		ask_free(a);
		relay_refuse(c, REASON_OVERLOADED, "renewal");
		return;
	}
	if (!ask_send(a))
		relay_refuse(c, REASON_OVERLOADED, "renewal");
}

bool renew_take(struct conn *c, const struct ws_event *e)
{
	struct arena arena;

	if (e->opcode != WS_OPCODE_TEXT)
		return false;
	arena_init(&arena, RENEW_ARENA_BYTES, RENEW_ARENA_BYTES);
	struct slice ticket = ticket_in(e->payload, &arena);
	bool taken = ticket.len > 0;
	if (taken)
		ask_for(c, ticket);
	arena_deinit(&arena);
	return taken;
}

static enum reason judge(struct conn *c, const struct answer *answer, struct ticket_record *record)
{
	struct ticket_facts facts = c->session->renewal->facts;

	facts.now_unix_ms = reactor_realtime_ms(&c->worker->reactor);
	if (answer->kind == ANSWER_FAILED)
		return REASON_STORE_FAILED;
	if (answer->kind != ANSWER_YES)
		return REASON_TICKET_USED;
	if (!ticket_record_decode(answer->record, record))
		return REASON_STORE_FAILED;
	enum reason r = ticket_judge(record, &facts);
	const struct identity who = {
		.subject = record->subject,
		.issued_unix_ms = record->credential_issued_unix_ms,
		.key = record->key,
	};
	if (r == REASON_NONE && conn_is_revoked(c, &who))
		r = REASON_REVOKED;
	if (r == REASON_NONE &&
	    !slice_eq(record->subject, session_subject(c->session)))
		r = REASON_TICKET_BOUND_ELSEWHERE;
	return r;
}

static void tell(struct conn *c)
{
	uint64_t left = clock_since(conn_now(c), c->session->lifetime_ms);
	char text[96];
	int n = snprintf(text, sizeof(text), "{\"type\":\"sallyport.renewed\",\"expires_in\":%llu}",
			 (unsigned long long)(left / CLOCK_MS_PER_S));

	relay_send_text(c, slice_of(text, (size_t)n));
}

void renew_answer(struct conn *c, struct ask *a)
{
	struct ticket_record record;
	struct event e;

	enum reason r = c->session->renewal ? judge(c, &a->answer, &record) : REASON_INTERNAL;
	if (r == REASON_NONE) {
		const struct identity identity = {
			.subject = record.subject, .via = record.via, .claims = record.claims};
		relay_set_lifetime(c, record.credential_expires_unix_ms);
		inspect_identify(c, &identity);
		conn_arm(c, conn_now(c)); /* the deadlines are looked through again */
		event_init(&e, EVENT_INFO, "renewed");
		conn_event(c, &e);
		event_text(&e, "subject", record.subject);
		event_emit(c->worker->gateway->log, &e);
		if (c->state == CONN_OPEN)
			tell(c);
	} else {
		relay_refuse(c, r, "renewal");
	}
	ask_free(a);
}
