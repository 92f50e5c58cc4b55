/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the first byte of a head to the phase that answers it: reading, dispatch, and the
 * questions of handshakes and own endpoints. All decisions are policy's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/obj.h"
#include "gateway/conn.h"
#include "http/respond.h"
#include "net/random.h"
#include "net/sock.h"
#include "policy/peer.h"
#include "store/store.h"
#include "tls/client_certificate.h"

enum {
	ARENA_BLOCK_BYTES = 8192,
	ARENA_MAX_BYTES = 512 * 1024,
	ASK_TEXT_BYTES = 16 * 1024, /* a cookie fits into a head; a record has its own maximum */
};

/* --- request objects: kept for the next connection, so that a flood allocates nothing */

static void request_reset(struct request *q)
{
	arena_reset(&q->arena);
	/* What a request is not, it did not fill in: together they have many cache lines. */
	if (q->dispatch.kind == DISPATCH_HANDSHAKE)
		memset(&q->handshake, 0, sizeof(q->handshake));
	else if (dispatch_is_own(q->dispatch.kind))
		memset(&q->endpoint, 0, sizeof(q->endpoint));
	memset(&q->http, 0, sizeof(q->http));
	memset(&q->dispatch, 0, sizeof(q->dispatch));
	memset(&q->upgrade, 0, sizeof(q->upgrade));
	buf_clear(&q->answer);
	q->answer_room = NULL;
	q->consumed = 0;
	q->body = NULL;
	q->body_len = 0;
	q->keep_open = q->head_only = false;
	q->up_connected = q->up_secured = false;
	q->tried = 0;
	q->address_attempt = 0;
	if (q->file_fd >= 0)
		close(q->file_fd);
	q->file_fd = -1;
	q->file_offset = q->file_size = 0;
}

void request_free(struct request *q)
{
	request_reset(q);
	buf_deinit(&q->in);
	buf_deinit(&q->answer);
	arena_deinit(&q->arena);
	free(q->room);
	free(q);
}

static struct request *request_new(size_t headers)
{
	struct request *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->room = calloc(headers, sizeof(*q->room));
	if (!q->room) {
		free(q);
		return NULL;
	}
	q->room_count = headers;
	q->file_fd = -1;
	arena_init(&q->arena, ARENA_BLOCK_BYTES, ARENA_MAX_BYTES);
	buf_init(&q->answer, ANSWER_HEAD_BYTES);
	return q;
}

static void parser_init(struct conn *c)
{
	struct request *q = c->request;

	http_parser_init(&q->parser, HTTP_REQUEST, q->room, q->room_count,
			 conn_conf(c)->limits.request_head);
	q->started_us = reactor_now_us(&c->worker->reactor);
}

/* The connection's request object, made if it has none. NULL: no memory. */
struct request *request_take(struct conn *c)
{
	struct worker *w = c->worker;
	const struct conf_limits *limits = &conn_conf(c)->limits;
	struct charge charge = {0};

	if (c->request)
		return c->request;
	uint64_t bytes = sizeof(struct request) + limits->request_head + ENDPOINT_BODY_MAX +
			 ARENA_BLOCK_BYTES + limits->request_headers * sizeof(struct http_header);
	if (charge_take(&charge, &w->memory, bytes))
		return NULL;
	struct request *q = w->free_requests;
	if (q && q->room_count == limits->request_headers) {
		w->free_requests = q->next_free;
		w->free_request_count--;
	} else {
		q = request_new(limits->request_headers);
	}
	if (!q) {
		charge_release(&charge);
		return NULL;
	}
	q->next_free = NULL;
	q->charge = charge;
	q->in.max = limits->request_head + ENDPOINT_BODY_MAX;
	c->request = q;
	parser_init(c);
	return q;
}

void request_release(struct conn *c)
{
	struct worker *w = c->worker;
	struct request *q = c->request;

	if (!q)
		return;
	c->request = NULL;
	charge_release(&q->charge);
	request_reset(q);
	buf_clear(&q->in);
	if (w->free_request_count >= WORKER_REQUESTS) {
		request_free(q);
		return;
	}
	q->next_free = w->free_requests;
	w->free_requests = q;
	w->free_request_count++;
}

/* --- what the request turned out to be */

static bool new_request_id(struct conn *c)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t bytes[REQUEST_ID_CHARS / 2];

	if (random_bytes(bytes, sizeof(bytes)))
		return false;
	for (size_t i = 0; i < sizeof(bytes); i++) {
		c->request_id[2 * i] = digits[bytes[i] >> 4];
		c->request_id[2 * i + 1] = digits[bytes[i] & 15];
	}
	return true;
}

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

	if (!a) {
		conn_refuse(c, verdict_refuse(REASON_OVERLOADED, "questions"));
		return;
	}
	if (!ask_copy_question(a, question) ||
	    (question->kind == QUESTION_ENTER && !ask_make_seat(a))) {
		ask_free(a);
		conn_refuse(c, verdict_refuse(REASON_OVERLOADED, "questions"));
		return;
	}
	if (!ask_send(a)) {
		conn_refuse(c, verdict_refuse(REASON_OVERLOADED, "questions"));
		return;
	}
	conn_enter(c, CONN_ASK, conn_now(c) + ASK_MS);
}

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

static void start_endpoint(struct conn *c)
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

static void start_handshake(struct conn *c)
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

/* --- reading */

/* It came by a trusted proxy that has said for whom. */
static bool counts_now(const struct conn *c)
{
	return c->receipt.address && peer_trusted(&conn_conf(c)->trusted_proxies, &c->hop);
}

/* Where the client reached us: asked of the kernel only where the configuration does not say. */
static struct address local_address(const struct conn *c)
{
	const struct address *at = &conn_conf(c)->listeners[c->listener].address;

	return at->family && !address_is_unspecified(at) ? *at : sock_local(c->client.io.fd);
}

static struct verdict judge(struct conn *c)
{
	struct request *q = c->request;
	const struct generation *g = c->generation;
	size_t at;

	enum reason r = http_request_check(&q->parser.head, &q->arena, &q->http, &at);
	if (r != REASON_NONE)
		return verdict_refuse(r, NULL);
	struct verdict v = preface_judge(c);
	if (v.kind != VERDICT_PASS)
		return v;
	struct host_facts facts = {
		.conf = g->snapshot,
		.listener = &g->snapshot->listeners[c->listener],
		.local = local_address(c),
		.certificate_names = {g->names, g->name_count},
		.certificate_addresses = g->addresses,
		.certificate_address_count = g->address_count,
	};
	v = dispatch_request(&facts, &q->parser.head, &q->http, &q->dispatch);
	if (v.kind != VERDICT_PASS)
		return v;
	if (q->dispatch.kind == DISPATCH_SITE) {
		/* A socket outside the routes does not exist, whatever pages there are. */
		if (q->http.wants_upgrade)
			return verdict_refuse(REASON_ROUTE_UNKNOWN,
					      "an upgrade outside the routes");
		return v;
	}
	/* A connection's first request was counted when it was accepted, unless it was not known
	 * yet for whom. */
	if (c->requests > 1 || counts_now(c))
		return limits_request(c->worker->gateway->limits, &g->snapshot->limits, &c->peer,
				      reactor_now_us(&c->worker->reactor));
	return v;
}

/* The body does not join the head in `in`: that would have to grow, and everything that was
 * read in the head points into it. */
static void start_body(struct conn *c)
{
	struct request *q = c->request;
	uint64_t length = q->parser.head.content_length;
	size_t max = endpoint_body_max(q->dispatch.kind);

	if (length > max) {
		conn_refuse(c, verdict_refuse(REASON_BODY_TOO_LARGE, NULL));
		return;
	}
	/* ENDPOINT_BODY_MAX was charged with the request. */
	if (max > ENDPOINT_BODY_MAX && charge_resize(&q->charge, &c->worker->memory,
						     q->charge.units + max - ENDPOINT_BODY_MAX)) {
		conn_refuse(c, verdict_refuse(REASON_OVERLOADED, "memory"));
		return;
	}
	q->body = arena_alloc(&q->arena, (size_t)length);
	if (!q->body) {
		conn_refuse(c, verdict_refuse(REASON_OVERLOADED, "the arena is full"));
		return;
	}
	struct slice here =
		slice_first(slice_from(buf_slice(&q->in), q->parser.head.bytes), (size_t)length);
	if (here.len)
		memcpy(q->body, here.data, here.len);
	q->body_len = here.len;
	q->consumed += here.len;
	if (q->body_len == length)
		start_endpoint(c);
	else
		conn_enter(c, CONN_BODY, c->head_deadline_ms);
}

/* Whether there is room and time for such a request now. A handshake is judged by what it
 * shows, later. The client library is on the way to a ticket: it comes as long as tickets do. */
static struct verdict judge_siege(struct conn *c)
{
	enum dispatch_kind kind = c->request->dispatch.kind;
	bool asks = kind == DISPATCH_TICKET || kind == DISPATCH_CSRF;
	bool issue = asks || kind == DISPATCH_CLIENT;
	struct siege_gate gate = guard_gate(c);
	struct verdict v = verdict_pass();

	if (kind == DISPATCH_HANDSHAKE || kind == DISPATCH_NOTHING)
		return v;
	metric_add(&c->worker->metrics, METRIC_TICKETS_ASKED, asks);
	if (!issue)
		v = siege_admit(&gate, SIEGE_CLAIMED);
	if (v.kind == VERDICT_PASS && !guard_move(c, issue ? POOL_ISSUE : POOL_GUEST))
		v = verdict_refuse(REASON_OVERLOADED, "no room among his like");
	return v;
}

static void start_phase(struct conn *c)
{
	struct request *q = c->request;

	q->consumed = q->parser.head.bytes;
	struct verdict v = judge_siege(c);
	if (v.kind != VERDICT_PASS) {
		conn_refuse(c, v);
		return;
	}
	switch (q->dispatch.kind) {
	case DISPATCH_HANDSHAKE:
		start_handshake(c);
		break;
	case DISPATCH_TICKET:
	case DISPATCH_CSRF:
	case DISPATCH_CLIENT:
	case DISPATCH_REPORT:
		start_body(c);
		break;
	case DISPATCH_SITE:
		if (q->dispatch.site->has_upstream)
			proxy_start(c);
		else
			site_start(c);
		break;
	case DISPATCH_NOTHING:
	default:
		conn_refuse(c, verdict_refuse(REASON_ROUTE_UNKNOWN, NULL));
	}
}

static void head_done(struct conn *c)
{
	metric_add(&c->worker->metrics, METRIC_REQUESTS, 1);
	c->requests++;
	struct verdict v = judge(c);
	if (v.kind == VERDICT_PASS)
		start_phase(c);
	else
		conn_refuse(c, v);
}

static void parse(struct conn *c)
{
	struct request *q = c->request;

	switch (http_parser_feed(&q->parser, buf_slice(&q->in))) {
	case HTTP_PARSE_MORE:
		return;
	case HTTP_PARSE_DONE:
		head_done(c);
		return;
	case HTTP_PARSE_REFUSED:
	default:
		conn_refuse(c, verdict_refuse(q->parser.reason, NULL));
	}
}

/* Appends what came; what does not fit yet waits in the stream. False: c has ended. */
static bool read_into_request(struct conn *c)
{
	struct stream_bytes got;
	int r = stream_read(&c->client, &got);

	if (r == STREAM_AGAIN)
		return false;
	if (r != 0) {
		conn_end(c);
		return false;
	}
	bool first = !c->request;
	struct request *q = request_take(c);
	if (!q) {
		conn_refuse(c, verdict_refuse(REASON_OVERLOADED, "memory"));
		return false;
	}
	if (first) {
		if (c->requests)
			c->head_deadline_ms =
				conn_now(c) + conn_conf(c)->limits.handshake_timeout_ms;
		conn_arm(c, c->head_deadline_ms);
		if (!new_request_id(c)) {
			conn_refuse(c, verdict_refuse(REASON_INTERNAL, "no random bytes"));
			return false;
		}
	}
	size_t room = q->in.max - buf_waiting(&q->in);
	size_t fits = got.len < room ? got.len : room;
	if (buf_append(&q->in, slice_of(got.data, fits))) {
		conn_refuse(c, verdict_refuse(REASON_OVERLOADED, "memory"));
		return false;
	}
	if (fits < got.len &&
	    stream_unread(&c->client, slice_of(got.data + fits, got.len - fits))) {
		conn_refuse(c, verdict_refuse(REASON_OVERLOADED, "memory"));
		return false;
	}
	return true;
}

void request_on_client(struct conn *c, unsigned why)
{
	(void)why;
	if (c->doomed) {
		struct stream_bytes got;
		int r = stream_read(&c->client, &got);
		if (r == 0 && new_request_id(c))
			conn_refuse(c, c->doom);
		else if (r != STREAM_AGAIN)
			conn_end(c);
		return;
	}
	if (read_into_request(c))
		parse(c);
}

void request_body_on_client(struct conn *c, unsigned why)
{
	struct request *q = c->request;
	size_t missing = (size_t)q->parser.head.content_length - q->body_len;
	struct stream_bytes got;

	(void)why;
	int r = stream_read(&c->client, &got);
	if (r == STREAM_AGAIN)
		return;
	if (r) {
		conn_end(c);
		return;
	}
	size_t take = got.len < missing ? got.len : missing;
	memcpy(q->body + q->body_len, got.data, take);
	q->body_len += take;
	/* What follows is the next request and waits its turn. */
	if (take < got.len &&
	    stream_unread(&c->client, slice_of(got.data + take, got.len - take))) {
		conn_refuse(c, verdict_refuse(REASON_OVERLOADED, "memory"));
		return;
	}
	if (q->body_len == q->parser.head.content_length)
		start_endpoint(c);
}

/* While we ask or connect the client has nothing to say: RFC 6455 section 4.1 lets it send
 * only after the 101, and whoever sends earlier may be smuggling. */
void request_waiting_on_client(struct conn *c, unsigned why)
{
	struct stream_bytes got;

	(void)why;
	/* A page's next request may come early. It waits in the socket. */
	if (c->request->dispatch.kind != DISPATCH_HANDSHAKE)
		return;
	int r = stream_read(&c->client, &got);
	if (r == STREAM_AGAIN)
		return;
	if (r == 0) {
		c->discarded += got.len;
		if (c->ask)
			c->ask->conn = NULL;
		c->ask = NULL;
		conn_refuse(c, verdict_refuse(REASON_HANDSHAKE_MALFORMED, "bytes before the 101"));
		return;
	}
	conn_end(c);
}

/* The next request of a connection that stays open. */
void request_start(struct conn *c)
{
	struct request *q = c->request;

	request_reset(q);
	guard_return(c);
	/* Who asks next, a trusted proxy will say again. */
	c->peer = c->hop;
	c->secure = c->tls;
	conn_enter(c, CONN_HEAD, conn_now(c) + KEEPALIVE_MS);
	if (buf_waiting(&q->in) == 0) {
		request_release(c);
		stream_resume(&c->client);
		return;
	}
	parser_init(c);
	c->head_deadline_ms = conn_now(c) + conn_conf(c)->limits.handshake_timeout_ms;
	conn_arm(c, c->head_deadline_ms);
	if (!new_request_id(c)) {
		conn_refuse(c, verdict_refuse(REASON_INTERNAL, "no random bytes"));
		return;
	}
	stream_resume(&c->client);
	parse(c);
}
