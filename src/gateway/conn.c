/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection's states: what each does when something happens and when its time is up.
 * The phases themselves are in request.c, upstream.c, relay.c, site.c and proxy.c, and in what
 * these are split into.
 */
#include "gateway/conn.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/obj.h"
#include "http/header.h"
#include "http/respond.h"
#include "net/random.h"
#include "net/sock.h"
#include "tls/stream.h"

static void tls_on_client(struct conn *c, unsigned why);
static void respond_on_client(struct conn *c, unsigned why);
static void linger_on_client(struct conn *c, unsigned why);
static void gone_on_client(struct conn *c, unsigned why);
static void tls_timed_out(struct conn *c);
static void head_timed_out(struct conn *c);
static void ask_timed_out(struct conn *c);

#define TO(state) (1u << CONN_##state)

static const struct conn_state {
	const char *name;
	enum conn_deadline deadline;
	void (*on_client)(struct conn *c, unsigned why);
	void (*on_deadline)(struct conn *c);
	unsigned may_go;
} states[CONN_STATES] = {
#define DEADLINE(id, sentence)
#define STATE(id, name, deadline, on_client, on_deadline, waits_for, may_go)                       \
	[CONN_##id] = {name, CONN_UNTIL_##deadline, on_client, on_deadline, may_go},
#include "gateway/state.tbl.h"
#undef DEADLINE
#undef STATE
	[CONN_GONE] = {"gone", CONN_UNTIL_NEVER, gone_on_client, NULL, 0},
};

const struct snapshot *conn_conf(const struct conn *c)
{
	return c->generation->snapshot;
}

bool conn_is_revoked(const struct conn *c, const struct identity *identity)
{
	const struct revocations *r = c->worker->revocations;

	return revocations_hit(r, REVOKE_SUBJECT, identity->subject, identity->issued_unix_ms) ||
	       revocations_hit(r, REVOKE_KEY, identity->key, identity->issued_unix_ms);
}

static uint64_t longer(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* The longest that the state's row lets it wait; 0: it does not wait. */
static uint64_t longest_ms(const struct conn *c)
{
	uint64_t handshake_ms = conn_conf(c)->limits.handshake_timeout_ms;

	switch (states[c->state].deadline) {
	case CONN_UNTIL_HANDSHAKE:
		return longer(longer(handshake_ms, KEEPALIVE_MS), DOOMED_MS);
	case CONN_UNTIL_ASK:
		return ASK_MS;
	case CONN_UNTIL_UPSTREAM:
		return c->session->run->conf->limits.upstream_time_ms;
	case CONN_UNTIL_SESSION: /* of several, the earliest; relay.c */
		return TIMER_NEVER - 1;
	case CONN_UNTIL_CLOSING:
		return CLOSING_MS;
	case CONN_UNTIL_PIECE:
		return RESPOND_MS;
	case CONN_UNTIL_PROXY:
		return longer(PROXY_STEP_MS, proxy_body_ms(c));
	case CONN_UNTIL_LINGER:
		return LINGER_MS;
	case CONN_UNTIL_NEVER:
	default:
		return 0;
	}
}

/* Nobody waits for a peer without an end to it. */
void conn_arm(struct conn *c, uint64_t deadline_ms)
{
	MUST(deadline_ms <= clock_add(conn_now(c), longest_ms(c)) && deadline_ms < TIMER_NEVER);
	timer_arm(&c->worker->reactor.timers, &c->timer, deadline_ms);
}

void conn_enter(struct conn *c, enum conn_state_id state, uint64_t deadline_ms)
{
	MUST(states[c->state].may_go & 1u << state);
	if (event_wanted(c->worker->gateway->log, EVENT_DEBUG)) {
		struct event e;
		event_init(&e, EVENT_DEBUG, "state");
		conn_event(c, &e);
		event_cstr(&e, "from", states[c->state].name);
		event_cstr(&e, "to", states[state].name);
		event_emit(c->worker->gateway->log, &e);
	}
	c->state = (uint8_t)state;
	if (state == CONN_GONE)
		timer_disarm(&c->timer);
	else
		conn_arm(c, deadline_ms);
}

void conn_event(const struct conn *c, struct event *e)
{
	static _Thread_local char peer[ADDRESS_TEXT_BYTES], proxy[ADDRESS_TEXT_BYTES];

	event_text(e, "request", slice_of(c->request_id, REQUEST_ID_CHARS));
	event_text(e, "peer", address_format(&c->peer, peer));
	if (!address_eq(&c->peer, &c->hop))
		event_text(e, "proxy", address_format(&c->hop, proxy));
}

static void on_stream(struct stream *s, unsigned why)
{
	struct conn *c = STREAM_OWNER(s, struct conn, client);

	OBJ_CHECK(c, CONN_MAGIC);
	if (!guard_turn(c)) {
		stream_resume(s); /* in the next round, when sessions have had theirs */
		return;
	}
	states[c->state].on_client(c, why);
	if (c->state != CONN_GONE && stream_watch(&c->client)) {
		metric_add(&c->worker->metrics, METRIC_ACCEPT_FAILURES, 1);
		conn_end(c);
	}
	guard_turn_end(c);
}

static void on_timer(struct timer *t)
{
	struct conn *c = TIMER_OWNER(t, struct conn, timer);

	OBJ_CHECK(c, CONN_MAGIC);
	states[c->state].on_deadline(c);
}

/* The kernel is asked to watch at once, or when the first turn has shown that there is a second. */
static int start_client(struct conn *c, struct worker *w, int fd, bool behind)
{
	if (!behind)
		return stream_init(&c->client, &w->scratch, fd, on_stream, CONN_QUEUE_BYTES,
				   &w->memory);
	stream_init_later(&c->client, &w->scratch, fd, on_stream, CONN_QUEUE_BYTES, &w->memory);
	return 0;
}

void conn_new(struct worker_listener *l, int fd, const struct address *peer,
	      struct limits_receipt *receipt, struct pools_receipt *place, struct verdict admitted,
	      bool behind)
{
	struct worker *w = l->worker;
	struct conn *c = calloc(1, sizeof(*c));

	if (!c || start_client(c, w, fd, behind)) {
		metric_add(&w->metrics, METRIC_ACCEPT_FAILURES, 1);
		limits_release(receipt);
		pools_leave(place);
		close(fd);
		free(c);
		return;
	}
	c->magic = CONN_MAGIC;
	c->worker = w;
	c->generation = generation_ref(w->generation);
	c->listener = (uint16_t)l->index;
	c->tls = l->tls;
	c->secure = c->tls;
	c->hop = c->peer = *peer;
	c->receipt = *receipt;
	c->place = *place;
	c->doomed = admitted.kind != VERDICT_PASS;
	c->doom = admitted;
	memset(c->request_id, '0', REQUEST_ID_CHARS);
	timer_init(&c->timer, on_timer);
	list_append(&w->conns, &c->link);
	w->conn_count++;
	w->doomed_count += c->doomed;
	guard_place(c);
	uint64_t now = conn_now(c);
	uint64_t patience = conn_conf(c)->limits.handshake_timeout_ms;
	if (guard_level(w) >= SIEGE_ELEVATED)
		patience /= 2;
	c->head_deadline_ms = clock_add(now, c->doomed ? DOOMED_MS : patience);
	bool preface = conn_conf(c)->listeners[c->listener].proxy_protocol;
	c->state = preface ? CONN_PREFACE : c->tls ? CONN_TLS : CONN_HEAD;
	conn_arm(c, c->head_deadline_ms);
	if (c->state == CONN_TLS && tls_stream_start_server(&c->client, w->tls_server))
		conn_end(c);
}

void conn_end(struct conn *c)
{
	struct worker *w = c->worker;

	if (c->state == CONN_GONE)
		return;
	session_free(c);
	proxy_free(c);
	conn_enter(c, CONN_GONE, 0);
	if (c->ask)
		c->ask->conn = NULL;
	c->ask = NULL;
	preface_free(c);
	request_release(c);
	stream_deinit(&c->client);
	limits_release(&c->receipt);
	seat_leave(w, c->seat);
	c->seat = NULL;
	guard_leave(c);
	w->conn_count--;
	w->doomed_count -= c->doomed;
	list_remove(&c->link);
	list_append(&w->gone, &c->link);
}

static void gone_on_client(struct conn *c, unsigned why)
{
	(void)why;
	MUST(c->state != CONN_GONE); /* nobody hears events of a connection that has ended */
}

/* --- TLS */

static void tls_failed(struct conn *c)
{
	struct event e;

	metric_add(&c->worker->metrics, METRIC_TLS_FAILURES, 1);
	event_init(&e, EVENT_DEBUG, "tls_failed");
	conn_event(c, &e);
	event_cstr(&e, "detail", err_sentence());
	event_emit(c->worker->gateway->log, &e);
	conn_end(c);
}

static void tls_on_client(struct conn *c, unsigned why)
{
	uint64_t began_us = guard_clock();

	(void)why;
	int r = stream_handshake(&c->client);
	uint64_t took_us = clock_since(began_us, guard_clock());
	metric_add(&c->worker->metrics, METRIC_TLS_US, (int64_t)took_us);
	guard_count(c->worker, began_us);
	if (r == STREAM_AGAIN)
		return;
	if (r == STREAM_PLAIN_HTTP) {
		conn_refuse(c,
			    verdict_refuse(REASON_HANDSHAKE_MALFORMED, "clear text on a TLS port"));
		return;
	}
	if (r == STREAM_CLOSED || r == STREAM_RESET) {
		conn_end(c);
		return;
	}
	if (r) {
		tls_failed(c);
		return;
	}
	conn_enter(c, CONN_HEAD, c->head_deadline_ms);
	stream_resume(&c->client);
}

static void tls_timed_out(struct conn *c)
{
	metric_refused(&c->worker->metrics, REASON_HANDSHAKE_TIMEOUT);
	conn_end(c);
}

/* --- head and body: a peer that said nothing at all hears nothing either */

static void head_timed_out(struct conn *c)
{
	if (c->request) {
		conn_refuse(c, verdict_refuse(REASON_HANDSHAKE_TIMEOUT, NULL));
		return;
	}
	/* Between two requests an end is as good as any. */
	if (c->requests == 0)
		metric_refused(&c->worker->metrics, REASON_HANDSHAKE_TIMEOUT);
	conn_end(c);
}

/* --- ask */

void conn_answer(struct conn *c, struct ask *a)
{
	if (a->question.kind == QUESTION_COUNT) {
		inspect_answer(c, a);
		return;
	}
	MUST(c->ask == a);
	c->ask = NULL;
	if (c->session && c->session->open && a->question.kind == QUESTION_VERIFY_COOKIE)
		recheck_answer(c, a);
	else if (c->session && c->session->open)
		renew_answer(c, a);
	else
		request_answer(c, a);
}

static void ask_timed_out(struct conn *c)
{
	struct request *q = c->request;
	bool store = c->ask && c->ask->kind == ASK_POLICY &&
		     c->ask->question.kind != QUESTION_VERIFY_COOKIE &&
		     c->ask->question.kind != QUESTION_REFRESH_KEYS;

	if (c->ask)
		c->ask->conn = NULL;
	c->ask = NULL;
	if (q->dispatch.kind == DISPATCH_SITE && q->file_offset)
		conn_end(c); /* in the middle of a page nothing else can be said */
	else if (q->dispatch.kind == DISPATCH_SITE)
		conn_refuse(c, verdict_refuse(REASON_OVERLOADED, "files"));
	else
		conn_refuse(c, verdict_refuse(store ? REASON_STORE_FAILED : REASON_VERIFIER_FAILED,
					      "no answer in time"));
}

/* --- respond and linger */

static void log_refused(struct conn *c, struct verdict v)
{
	const struct request *q = c->request;
	struct event e;

	event_init(&e, EVENT_INFO, "refused");
	conn_event(c, &e);
	event_reason(&e, v.reason);
	event_number(&e, "status", reason_status(v.reason));
	event_cstr(&e, "detail", v.detail);
	if (q && q->dispatch.route)
		event_text(&e, "route", q->dispatch.route->path.text);
	if (q && q->dispatch.kind == DISPATCH_HANDSHAKE) {
		event_text(&e, "origin", q->handshake.origin);
		event_text(&e, "subject", q->handshake.identity.subject);
		event_text(&e, "via", q->handshake.identity.via);
	}
	if (q && q->dispatch.kind == DISPATCH_TICKET) {
		event_cstr(&e, "endpoint", "ticket");
		if (q->endpoint.route)
			event_text(&e, "route", q->endpoint.route->path.text);
		event_text(&e, "origin", q->endpoint.origin);
		event_text(&e, "subject", q->endpoint.identity.subject);
	}
	if (q && q->http.target.path.len)
		event_text(&e, "path", q->http.target.path);
	event_emit(c->worker->gateway->log, &e);
}

/* The head's end was seen and the method is HEAD: the answer has no body. */
static bool is_head(const struct conn *c)
{
	const struct request *q = c->request;
	return q && q->parser.head.bytes && q->parser.head.method == HTTP_HEAD;
}

/* For a 405. A page whose method is wrong was dispatched to nothing. */
static const char *allowed_methods(const struct conn *c)
{
	const struct request *q = c->request;

	if (!q || q->dispatch.kind == DISPATCH_HANDSHAKE)
		return "GET";
	if (dispatch_is_own(q->dispatch.kind))
		return q->endpoint.allow;
	return "GET, HEAD";
}

void conn_refuse(struct conn *c, struct verdict v)
{
	struct worker *w = c->worker;
	const struct request *q = c->request;
	bool endpoint = q && dispatch_is_own(q->dispatch.kind);

	if (v.reason == REASON_SIEGE) {
		guard_turn_away(c);
		return;
	}
	metric_refused(&w->metrics, v.reason);
	metric_add(&w->metrics, METRIC_HANDSHAKES_REFUSED, !c->doomed);
	if (event_wanted(w->gateway->log, EVENT_INFO))
		log_refused(c, v);
	buf_clear(&w->response);
	struct http_refusal refusal = {
		.reason = v.reason,
		.request = slice_of(c->request_id, REQUEST_ID_CHARS),
		.retry_after_s = v.retry_after_s,
		.allow = allowed_methods(c),
		.head_only = is_head(c),
		.now_s = reactor_realtime_ms(&w->reactor) / 1000,
		.members = endpoint ? q->endpoint.problem : slice_of(NULL, 0),
		.headers = endpoint ? q->endpoint.headers : NULL,
		.header_count = endpoint ? q->endpoint.header_count : 0,
	};
	if (http_respond_refusal(&w->response, &refusal)) {
		conn_end(c);
		return;
	}
	session_free(c);
	conn_respond(c, false);
}

/*
 * All that the client sent was read and all that it gets is with the kernel: closing ends the
 * connection in order. Where more may be under way the kernel would answer it with a RST, which
 * can take the answer with it (RFC 9112 section 9.6): there one waits for the client's end.
 */
static bool may_close_at_once(struct conn *c)
{
	const struct request *q = c->request;

	if (c->tls || c->discarded || !q)
		return false;
	const struct http_head *h = &q->parser.head;
	return h->bytes && buf_waiting(&q->in) == h->bytes && !c->client.in &&
	       h->content_length == 0 && !h->has_transfer_encoding && stream_flush_last(&c->client);
}

static void start_linger(struct conn *c)
{
	bool crowded = guard_level(c->worker) >= SIEGE_TICKETS;

	if (may_close_at_once(c)) {
		conn_end(c);
		return;
	}
	request_release(c);
	guard_return(c);
	conn_enter(c, CONN_LINGER, conn_now(c) + (crowded ? LINGER_CROWDED_MS : LINGER_MS));
	int r = stream_shutdown(&c->client);
	if (r != 0 && r != STREAM_AGAIN) {
		conn_end(c);
		return;
	}
	stream_resume(&c->client);
}

static bool client_wants_close(const struct request *q)
{
	return http_header_has_token(&q->parser.head, SLICE("Connection"), SLICE("close"));
}

static bool is_last(const struct conn *c)
{
	return c->worker->draining || guard_level(c->worker) >= SIEGE_ELEVATED ||
	       client_wants_close(c->request);
}

int conn_close_field(const struct conn *c, struct buf *out)
{
	return is_last(c) ? http_respond_field(out, "Connection", SLICE("close")) : 0;
}

void conn_respond(struct conn *c, bool keep_open)
{
	struct request *q = c->request;

	if (stream_write(&c->client, buf_slice(&c->worker->response))) {
		conn_end(c);
		return;
	}
	bool keep = keep_open && q && !is_last(c);
	if (!keep && !(q && q->file_fd >= 0)) {
		start_linger(c);
		return;
	}
	q->keep_open = keep;
	conn_enter(c, CONN_RESPOND, conn_now(c) + RESPOND_MS);
	stream_resume(&c->client);
}

/* What was only gathered for the end of the round goes out now: nobody would tell us when
 * the kernel has taken it all at once. While the client takes what we send it may end its
 * side; reading would tell, later. */
bool conn_still_sending(struct conn *c)
{
	if (stream_pending_bytes(&c->client) == 0)
		return false;
	if (stream_flush(&c->client)) {
		conn_end(c);
		return true;
	}
	return stream_pending_bytes(&c->client) != 0;
}

static void respond_on_client(struct conn *c, unsigned why)
{
	struct request *q = c->request;

	if (q->file_fd >= 0) {
		site_on_client(c, why);
		return;
	}
	if (conn_still_sending(c))
		return;
	if (!q->keep_open) {
		start_linger(c);
		return;
	}
	/* What came behind the head is the beginning of the next request. */
	buf_take(&q->in, q->consumed);
	request_start(c);
}

static void linger_on_client(struct conn *c, unsigned why)
{
	struct stream_bytes got;

	(void)why;
	int r = stream_read(&c->client, &got);
	if (r == STREAM_AGAIN)
		return;
	if (r == STREAM_CLOSED && stream_pending_bytes(&c->client))
		return; /* it ended its side and still reads: the answer goes out first */
	if (r == 0) {
		c->discarded += got.len;
		if (c->discarded <= LINGER_BYTES)
			return;
	}
	conn_end(c);
}
