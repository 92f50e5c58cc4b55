/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way to the application: pick a target, connect, TLS, ask for the upgrade, verify
 * the answer, and only then say 101 to the client.
 *
 *   pick --> connect --> (TLS) --> request --> answer: exactly our 101 --> relay_open
 *    ^          |                                 |
 *    `--failed--' another target, once each       `--> anything else: 502, nothing of it shown
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/obj.h"
#include "gateway/conn.h"
#include "http/respond.h"
#include "net/random.h"
#include "net/sock.h"
#include "tls/stream.h"

static void on_server(struct stream *s, unsigned why);
static void try_next(struct conn *c, const char *failed_because);

static void log_failed(struct conn *c, const char *detail, bool rests)
{
	const struct session *s = c->session;
	struct event e;

	event_init(&e, EVENT_WARN, "upstream_failed");
	conn_event(c, &e);
	event_text(&e, "route", s->run->conf->path.text);
	event_text(&e, "upstream", s->target->conf->url);
	event_cstr(&e, "detail", detail);
	if (rests)
		event_cstr(&e, "health", "resting");
	event_emit(c->worker->gateway->log, &e);
}

static void forget_target(struct conn *c)
{
	struct session *s = c->session;

	stream_deinit(&s->up);
	if (s->target) {
		s->target->active--;
		metric_add(&c->worker->metrics, METRIC_UPSTREAMS, -1);
	}
	s->target = NULL;
}

/* The target did not do what it should: count it, tell, let it go. */
static void blame_target(struct conn *c, const char *detail)
{
	struct session *s = c->session;
	bool rests = target_failed(s->target, conn_now(c)) && s->run->conf->upstream_count > 1;

	metric_add(&c->worker->metrics, METRIC_UPSTREAM_FAILURES, 1);
	log_failed(c, detail, rests);
	forget_target(c);
}

static void give_up(struct conn *c, enum reason reason, const char *detail)
{
	blame_target(c, detail);
	conn_refuse(c, verdict_refuse(reason, detail));
}

void upstream_timed_out(struct conn *c)
{
	give_up(c, REASON_UPSTREAM_TIMEOUT, "no answer in time");
}

/* --- the request */

/* Signed for the upstream at hand: no other takes it for its own. */
static bool make_assertion(struct conn *c, struct slice *out)
{
	struct request *q = c->request;
	struct session *s = c->session;
	struct assertion_facts facts = {
		.audience = s->target->conf->authority,
		.identity = &q->handshake.identity,
		.route = s->run->conf->path.text,
		.request_id = slice_of(c->request_id, REQUEST_ID_CHARS),
		.now_unix_ms = reactor_realtime_ms(&c->worker->reactor),
	};

	*out = slice_of(NULL, 0);
	if (!s->run->conf->forward_assertion)
		return true;
	if (random_bytes(facts.jti, sizeof(facts.jti)))
		return false;
	return assertion_make(&c->generation->assertion_keys, &facts, &q->arena, out) == 0;
}

static bool build_request(struct conn *c)
{
	struct request *q = c->request;
	struct session *s = c->session;
	struct forward forward;
	uint8_t random[16];

	struct forward_facts facts = {
		.conf = conn_conf(c),
		.route = s->run->conf,
		.upstream = s->target->conf,
		.match = &q->dispatch.match,
		.head = &q->parser.head,
		.request = &q->http,
		.identity = &q->handshake.identity,
		.peer = c->peer,
		.tls = c->secure,
		.request_id = slice_of(c->request_id, REQUEST_ID_CHARS),
	};
	if (!make_assertion(c, &facts.assertion)) {
		conn_refuse(c, verdict_refuse(REASON_INTERNAL, "no assertion could be made"));
		return false;
	}
	struct verdict v = forward_build(&facts, &q->arena, &forward);
	if (v.kind != VERDICT_PASS) {
		conn_refuse(c, v);
		return false;
	}
	if (random_bytes(random, sizeof(random))) {
		conn_refuse(c, verdict_refuse(REASON_INTERNAL, "no random bytes"));
		return false;
	}
	q->upgrade = (struct http_upgrade){
		.target = forward.target,
		.authority = s->target->conf->authority,
		.protocols = q->handshake.protocols,
		.protocol_count = q->handshake.protocol_count,
		.offer_deflate = s->run->conf->compression,
		.headers = forward.headers,
		.header_count = forward.header_count,
	};
	http_upgrade_key(random, q->upgrade.key);
	buf_clear(&c->worker->response);
	if (http_upgrade_write(&q->upgrade, &c->worker->response)) {
		conn_refuse(c, verdict_refuse(REASON_INTERNAL, "the request to the application"));
		return false;
	}
	return true;
}

static void send_request(struct conn *c)
{
	struct request *q = c->request;

	if (!build_request(c))
		return;
	if (stream_write(&c->session->up, buf_slice(&c->worker->response))) {
		give_up(c, REASON_UPSTREAM_FAILED, "the request could not be sent");
		return;
	}
	q->answer_room = arena_calloc(&q->arena, ANSWER_HEADERS, sizeof(*q->answer_room));
	if (!q->answer_room) {
		conn_refuse(c, verdict_refuse(REASON_OVERLOADED, "memory"));
		return;
	}
	buf_clear(&q->answer);
	http_parser_init(&q->answer_parser, HTTP_RESPONSE, q->answer_room, ANSWER_HEADERS,
			 ANSWER_HEAD_BYTES);
}

/* --- the answer */

static void accept_answer(struct conn *c)
{
	struct request *q = c->request;
	struct session *s = c->session;
	struct http_upgrade_answer answer;
	const char *detail = NULL;

	enum reason r = http_upgrade_verify(&q->upgrade, &q->answer_parser.head, &answer, &detail);
	if (r != REASON_NONE) {
		give_up(c, r, detail);
		return;
	}
	target_succeeded(s->target);
	/* What the client sent before it could know of a 101 is refused even now. */
	struct stream_bytes got;
	int read = stream_read(&c->client, &got);
	if (read == 0) {
		c->discarded += got.len;
		conn_refuse(c, verdict_refuse(REASON_HANDSHAKE_MALFORMED, "bytes before the 101"));
		return;
	}
	if (read != STREAM_AGAIN) {
		conn_end(c);
		return;
	}
	/* While the application thought about it. */
	if (conn_is_revoked(c, &q->handshake.identity)) {
		conn_refuse(c, verdict_refuse(REASON_REVOKED, NULL));
		return;
	}
	struct buf *out = &c->worker->response;
	buf_clear(out);
	/* A browser fails the handshake when it offered protocols and none is chosen. Whoever talks
	 * to us too gets that one where the application chose none. */
	struct slice protocol = answer.protocol;
	if (!protocol.len && q->handshake.ws.protocols.control)
		protocol = SLICE("sallyport.control.v1");
	if (http_respond_switch(out, q->handshake.ws.key, protocol, &q->handshake.deflate) ||
	    stream_write(&c->client, buf_slice(out))) {
		conn_end(c);
		return;
	}
	relay_open(c, &answer.deflate);
}

static void read_answer(struct conn *c)
{
	struct request *q = c->request;
	struct session *s = c->session;
	struct stream_bytes got;

	int r = stream_read(&s->up, &got);
	if (r == STREAM_AGAIN)
		return;
	if (r != 0) {
		give_up(c, REASON_UPSTREAM_FAILED, "closed before its answer");
		return;
	}
	size_t room = q->answer.max - buf_waiting(&q->answer);
	size_t fits = got.len < room ? got.len : room;
	if (buf_append(&q->answer, slice_of(got.data, fits))) {
		conn_refuse(c, verdict_refuse(REASON_OVERLOADED, "memory"));
		return;
	}
	switch (http_parser_feed(&q->answer_parser, buf_slice(&q->answer))) {
	case HTTP_PARSE_MORE:
		if (fits == got.len)
			return;
		give_up(c, REASON_UPSTREAM_FAILED, "answer too long");
		return;
	case HTTP_PARSE_DONE: {
		/* Frames may come right behind the 101: the end of what was just read. */
		size_t before = buf_waiting(&q->answer) - fits;
		size_t used = q->answer_parser.head.bytes - before;
		/* Reading the client once more uses the worker's scratch, so these bytes go back
		 * first. */
		struct slice early = slice_of(got.data + used, got.len - used);
		if (early.len && stream_unread(&s->up, early)) {
			conn_refuse(c, verdict_refuse(REASON_OVERLOADED, "memory"));
			return;
		}
		accept_answer(c);
		return;
	}
	case HTTP_PARSE_REFUSED:
	default:
		give_up(c, REASON_UPSTREAM_FAILED, "answer malformed");
	}
}

/* --- connecting */

static void on_connecting(struct conn *c)
{
	struct request *q = c->request;
	struct session *s = c->session;

	if (!q->up_connected) {
		int r = stream_connected(&s->up);
		if (r == STREAM_AGAIN)
			return;
		if (r) {
			try_next(c, err_sentence());
			return;
		}
		q->up_connected = true;
	}
	if (!q->up_secured) {
		int r = stream_handshake(&s->up);
		if (r == STREAM_AGAIN)
			return;
		if (r) {
			try_next(c,
				 r == STREAM_UNTRUSTED ? "certificate not trusted" : "TLS failed");
			return;
		}
		q->up_secured = true;
		send_request(c);
		return;
	}
	read_answer(c);
}

static void on_server(struct stream *stream, unsigned why)
{
	struct session *s = STREAM_OWNER(stream, struct session, up);
	struct conn *c = s->conn;

	OBJ_CHECK(c, CONN_MAGIC);
	if (!guard_turn(c)) {
		stream_resume(stream);
		return;
	}
	if (c->state == CONN_CONNECT)
		on_connecting(c);
	else
		relay_on_server(c, why);
	guard_turn_end(c);
}

/* 0 under way; else it failed at once and err_sentence says why. */
static int dial(struct conn *c, struct target *t)
{
	struct request *q = c->request;
	struct session *s = c->session;
	struct worker *w = c->worker;
	struct address address;
	int fd, r;

	if (t->conf->unix_path.len) {
		r = sock_connect_unix(t->conf->unix_path, &fd);
	} else {
		if (!target_address(t, q->address_attempt, &address))
			return err_raise(ENOENT, "no address of %.*s is known",
					 SLICE_ARG(t->conf->host));
		address.port = t->conf->port;
		r = sock_connect(&address, &fd);
	}
	if (r)
		return r;
	r = stream_init(&s->up, &w->scratch, fd, on_server, s->run->server_queue_max, &w->memory);
	if (r) {
		close(fd);
		return r;
	}
	if (!t->conf->tls)
		return 0;
	if (!w->tls_client)
		return err_raise(EINVAL, "no TLS for upstreams");
	return tls_stream_start_client(&s->up, w->tls_client, t->conf->host);
}

/* From the target's address at hand on, the first that can be dialled. */
static bool dial_any(struct conn *c)
{
	struct request *q = c->request;

	for (;; q->address_attempt++) {
		int r = dial(c, c->session->target);
		if (r == 0)
			return true;
		stream_deinit(&c->session->up);
		if (r == -ENOENT || c->session->target->conf->unix_path.len)
			return false;
	}
}

/* A name may have several addresses (::1 and 127.0.0.1): each is tried. */
static bool try_next_address(struct conn *c)
{
	struct request *q = c->request;
	struct target *t = c->session->target;
	struct address address;

	if (q->up_connected || t->conf->unix_path.len ||
	    !target_address(t, q->address_attempt + 1, &address))
		return false;
	stream_deinit(&c->session->up);
	q->address_attempt++;
	return dial_any(c);
}

/* The next target that was not tried, or the end of it. */
static void try_next(struct conn *c, const char *failed_because)
{
	struct request *q = c->request;
	struct session *s = c->session;
	const struct route_run *run = s->run;

	if (s->target) {
		if (try_next_address(c))
			return;
		blame_target(c, failed_because);
	}
	for (;;) {
		struct target *t =
			target_pick(run->targets, run->conf->upstream_count, q->tried, conn_now(c));
		if (!t) {
			conn_refuse(c, verdict_refuse(REASON_UPSTREAM_FAILED, "none answers"));
			return;
		}
		q->tried |= UINT64_C(1) << (t - run->targets);
		q->up_connected = q->up_secured = false;
		q->address_attempt = 0;
		s->target = t;
		t->active++;
		metric_add(&c->worker->metrics, METRIC_UPSTREAMS, 1);
		if (dial_any(c))
			return;
		blame_target(c, "no connection");
	}
}

void upstream_start(struct conn *c)
{
	c->session = session_new(c);
	if (!c->session) {
		conn_refuse(c, verdict_refuse(REASON_OVERLOADED, "memory"));
		return;
	}
	conn_enter(c, CONN_CONNECT,
		   clock_add(conn_now(c), c->session->run->conf->limits.upstream_time_ms));
	try_next(c, NULL);
}
