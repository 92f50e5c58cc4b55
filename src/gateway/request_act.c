/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handshakes and own endpoints: what policy says about them is done.
 *
 *   begin --> verdict --+--> PASS: the endpoint's answer, or upstream.c
 *               ^       +--> REFUSE
 *               |       `--> ASK --+--> a store in memory ---------.
 *               |                  `--> ask.c, the control thread --+
 *               `---------------------- answer --------------------'
 *
 * All decisions are policy's.
 */
#include <errno.h>
#include <string.h>

#include "base/obj.h"
#include "gateway/request_priv.h"
#include "http/respond.h"
#include "net/random.h"
#include "store/store.h"
#include "tls/client_certificate.h"

enum {
	ASK_TEXT_BYTES = 16 * 1024, /* a cookie fits into a head; a record has its own maximum */
};

/* --- verdicts */

static bool append_response(struct conn *c)
{
	struct buf *out = &c->worker->response;
	const struct endpoint *e = &c->request->endpoint;
	int r = http_respond_start(out, e->status, reactor_realtime_ms(&c->worker->reactor) / 1000);

	for (size_t i = 0; r == 0 && i < e->header_count; i++) {
		char name[64];
		struct slice from = e->headers[i].name;
		MUST(from.len < sizeof(name));
		memcpy(name, from.data, from.len);
		name[from.len] = '\0';
		r = http_respond_field(out, name, e->headers[i].value);
	}
	if (r == 0)
		r = conn_close_field(c, out);
	if (r == 0)
		r = http_respond_end(out, e->status, e->body.len);
	if (r == 0 && c->request->parser.head.method != HTTP_HEAD)
		r = buf_append(out, e->body);
	return r == 0;
}

static void answer_endpoint(struct conn *c)
{
	struct worker *w = c->worker;
	const struct endpoint *e = &c->request->endpoint;

	if (c->request->dispatch.kind == DISPATCH_REPORT)
		report_log(c);
	metric_add(&w->metrics, METRIC_CLIENTS, c->request->dispatch.kind == DISPATCH_CLIENT);
	if (e->status == 201) {
		struct event event;
		metric_add(&w->metrics, METRIC_TICKETS, 1);
		event_init(&event, EVENT_INFO, "ticket");
		conn_event(c, &event);
		if (e->route)
			event_text(&event, "route", e->route->path.text);
		event_text(&event, "path", e->path);
		event_text(&event, "origin", e->origin);
		event_text(&event, "subject", e->identity.subject);
		event_text(&event, "via", e->identity.via);
		event_emit(w->gateway->log, &event);
	}
	buf_clear(&w->response);
	if (append_response(c))
		conn_respond(c, true);
	else
		conn_end(c);
}

/* What a verdict says is done, unless it is to ask: then this is the question. */
static const struct question *act_on_endpoint(struct conn *c, struct verdict v)
{
	struct request *q = c->request;

	if (v.kind == VERDICT_PASS && conn_is_revoked(c, &q->endpoint.identity))
		conn_refuse(c, verdict_refuse(REASON_REVOKED, NULL));
	else if (v.kind == VERDICT_PASS)
		answer_endpoint(c);
	else if (v.kind == VERDICT_ASK)
		return &q->endpoint.question;
	else
		conn_refuse(c, v);
	return NULL;
}

/* Whose handshake goes on has a place among his like: those we know by what they show, before
 * anybody was asked; the others once they have a name, or none. */
static bool has_place(struct conn *c, struct verdict v)
{
	const struct handshake *h = &c->request->handshake;
	bool known = h->guest == SIEGE_KNOWN;

	if (v.kind == VERDICT_PASS)
		return guard_move(c, known || h->identity.subject.len ? POOL_KNOWN : POOL_GUEST);
	return v.kind != VERDICT_ASK || !known || guard_move(c, POOL_KNOWN);
}

static const struct question *act_on_handshake(struct conn *c, struct verdict v)
{
	struct request *q = c->request;

	if (!has_place(c, v))
		conn_refuse(c, verdict_refuse(REASON_OVERLOADED, "no room among his like"));
	else if (v.kind == VERDICT_REFUSE)
		conn_refuse(c, v);
	else if (buf_waiting(&q->in) > q->consumed)
		conn_refuse(c, verdict_refuse(REASON_HANDSHAKE_MALFORMED, "bytes before the 101"));
	else if (v.kind == VERDICT_PASS && conn_is_revoked(c, &q->handshake.identity))
		conn_refuse(c, verdict_refuse(REASON_REVOKED, NULL));
	else if (v.kind == VERDICT_PASS && atomic_load(&c->worker->gateway->store_lost))
		conn_refuse(c, verdict_refuse(REASON_STORE_FAILED, "away for too long"));
	else if (v.kind == VERDICT_PASS)
		upstream_start(c);
	else if (v.kind == VERDICT_ASK)
		return &q->handshake.question;
	else
		conn_refuse(c, verdict_refuse(REASON_INTERNAL, "an unknown verdict"));
	return NULL;
}

/* --- questions */

/* Whoever answered: policy goes on. */
static struct verdict judge_answer(struct conn *c, const struct answer *answer, const char *detail)
{
	struct request *q = c->request;
	uint64_t now = reactor_realtime_ms(&c->worker->reactor);

	struct verdict v = q->dispatch.kind == DISPATCH_HANDSHAKE
				   ? handshake_answer(&q->handshake, answer, now)
				   : endpoint_answer(&q->endpoint, answer, now);
	if (detail && v.kind == VERDICT_REFUSE)
		v.detail = detail;
	return v;
}

struct ticket_answer {
	struct arena *arena;
	struct answer answer;
	const char *detail;
};

static void on_ticket(void *arg, int r, struct slice record)
{
	struct ticket_answer *t = arg;

	t->answer = ask_answer_ticket(r, record, t->arena, &t->detail);
}

/* A store in memory needs no journey. False: somebody has to be asked. */
static bool answered_here(struct conn *c, const struct question *question, struct verdict *v)
{
	struct store *store = c->worker->gateway->store;
	uint64_t now = reactor_realtime_ms(&c->worker->reactor);
	struct ticket_answer t = {.arena = &c->request->arena};
	int r;

	switch (question->kind) {
	case QUESTION_TAKE_TICKET:
		if (!store_take_now(store, question->ticket_id, now, on_ticket, &t))
			return false;
		break;
	case QUESTION_PUT_TICKET:
		if (!store_put_now(store, question->ticket_id, question->record,
				   question->expires_unix_ms, now, &r))
			return false;
		on_ticket(&t, r, slice_of(NULL, 0));
		break;
	case QUESTION_NONE:
	case QUESTION_VERIFY_COOKIE:
	case QUESTION_ENTER:
	case QUESTION_REFRESH_KEYS:
	case QUESTION_COUNT:
	case QUESTION_GIVE_BACK:
	default:
		return false;
	}
	*v = judge_answer(c, &t.answer, t.detail);
	return true;
}

static void send_question(struct conn *c, const struct question *question)
{
	/* A record is at most so long; a cookie fits into the head. */
	struct ask *a = ask_new(c, ASK_POLICY, ASK_TEXT_BYTES + question->record.len);

	if (a && (!ask_copy_question(a, question) ||
		  (question->kind == QUESTION_ENTER && !ask_make_seat(a)))) {
		ask_free(a);
		a = NULL;
	}
	if (!a || !ask_send(a)) {
		conn_refuse(c, verdict_refuse(REASON_OVERLOADED, "questions"));
		return;
	}
	conn_enter(c, CONN_ASK, conn_now(c) + ASK_MS);
}

/* --- from the beginning to the end */

static void act(struct conn *c, struct verdict v)
{
	const struct question *q;

	do {
		q = c->request->dispatch.kind == DISPATCH_HANDSHAKE ? act_on_handshake(c, v)
								    : act_on_endpoint(c, v);
	} while (q && answered_here(c, q, &v));
	if (q)
		send_question(c, q);
}

/* What the client presented in the TLS handshake, or NULL. */
static const struct certificate *client_certificate(struct conn *c)
{
	static const struct certificate unreadable = {.malformed = true};
	struct arena *a = &c->request->arena;

	if (!c->generation->client_ca)
		return NULL;
	struct certificate *out = arena_calloc(a, 1, sizeof(*out));
	int r = out ? tls_client_certificate(&c->client, a, out) : -ENOMEM;
	if (r == TLS_NO_CERTIFICATE)
		return NULL;
	return r == 0 ? out : &unreadable;
}

/* Of this connection's generation: a reload does not change what is under way. */
static const struct token_world *token_world(struct conn *c)
{
	struct token_world *t = &c->request->tokens;

	t->slots = c->generation->slots;
	t->refusals = c->worker->refusals;
	return t;
}

void request_start_endpoint(struct conn *c)
{
	struct request *q = c->request;

	q->endpoint_in = (struct endpoint_input){
		.conf = conn_conf(c),
		.keys = &c->generation->keys,
		.head = &q->parser.head,
		.request = &q->http,
		.dispatch = &q->dispatch,
		.body = slice_of(q->body, q->body_len),
		.peer = c->peer,
		.tls = c->secure,
		.certificate = client_certificate(c),
		.tokens = token_world(c),
		.now_unix_ms = reactor_realtime_ms(&c->worker->reactor),
		.siege = guard_gate(c),
		.proofs = c->worker->gateway->proofs,
		.good_network = guard_remembers(c),
		.arena = &q->arena,
	};
	if (random_bytes(q->endpoint_in.random, sizeof(q->endpoint_in.random))) {
		conn_refuse(c, verdict_refuse(REASON_INTERNAL, "no random bytes"));
		return;
	}
	act(c, endpoint_begin(&q->endpoint, &q->endpoint_in));
}

void request_start_handshake(struct conn *c)
{
	struct request *q = c->request;

	q->handshake_in = (struct handshake_input){
		.conf = conn_conf(c),
		.keys = &c->generation->keys,
		.limits = c->worker->gateway->limits,
		.receipt = &c->receipt,
		.head = &q->parser.head,
		.request = &q->http,
		.dispatch = &q->dispatch,
		.peer = c->peer,
		.tls = c->secure,
		.certificate = client_certificate(c),
		.tokens = token_world(c),
		.now_unix_ms = reactor_realtime_ms(&c->worker->reactor),
		.siege = guard_gate(c),
		.arena = &q->arena,
	};
	act(c, handshake_begin(&q->handshake, &q->handshake_in));
}

void request_answer(struct conn *c, struct ask *a)
{
	if (a->kind == ASK_FILE) {
		site_answer(c, a);
		return;
	}
	struct verdict v = judge_answer(c, &a->answer, a->detail);
	if (a->seat && a->answer.kind == ANSWER_YES) {
		MUST(!c->seat);
		c->seat = a->seat;
		a->seat = NULL;
	}
	ask_free(a);
	act(c, v);
}
