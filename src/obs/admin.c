/* SPDX-License-Identifier: Apache-2.0 */
/* A very small HTTP server for operators and their tools; see admin.h. */
#include "obs/admin.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/ct.h"
#include "base/err.h"
#include "base/obj.h"
#include "http/header.h"
#include "http/request.h"
#include "http/respond.h"
#include "net/sock.h"
#include "obs/metrics_page.h"
#include "policy/host.h"
#include "tls/stream.h"

enum {
	ADMIN_MAGIC = 0xad313,
	CLIENTS_MAX = 64,
	HEAD_BYTES = 8192,
	HEADERS = 64,
	PAGE_BYTES = 256 * 1024,
	DEADLINE_MS = 5000,      /* for the whole connection */
	ANSWER_BYTES = 20 << 20, /* a long list of sessions */
};

struct admin {
	uint32_t magic;
	struct admin_facts facts;
	struct io io;
	struct list clients;
	size_t count;
	uint64_t next_id;
	struct bucket wrong_tokens, lines;
	struct budget memory;
	struct buf page;
};

/* Guessing a token is slow, whoever does it. */
static const struct rate wrong_token_rate = {.count = 30, .per_ms = 60000, .burst = 10};

/* Lines about refusals; all of them are counted. */
static const struct rate line_rate = {.count = 5, .per_ms = 1000, .burst = 50};

struct client {
	uint32_t magic;
	struct admin *admin;
	uint64_t id;
	struct address peer;
	struct list link;
	struct stream stream;
	struct timer deadline;
	bool secured, asked, answered;
	struct buf in;
	struct http_header room[HEADERS];
	struct http_parser parser;
	struct arena arena;
};

static struct reactor *reactor_of(const struct admin *a)
{
	return a->facts.scratch->reactor;
}

static void client_end(struct client *c)
{
	list_remove(&c->link);
	c->admin->count--;
	timer_disarm(&c->deadline);
	stream_deinit(&c->stream);
	buf_deinit(&c->in);
	arena_deinit(&c->arena);
	c->magic = 0;
	free(c);
}

static void on_deadline(struct timer *t)
{
	client_end(TIMER_OWNER(t, struct client, deadline));
}

/* --- what is answered */

static int respond_text(struct buf *out, uint64_t now_s, int status, const char *type,
			struct slice body)
{
	int r = http_respond_start(out, status, now_s);

	if (r == 0)
		r = http_respond_field(out, "Content-Type", slice_from_cstr(type));
	if (r == 0)
		r = http_respond_field(out, "Cache-Control", SLICE("no-store"));
	if (r == 0)
		r = http_respond_field(out, "X-Content-Type-Options", SLICE("nosniff"));
	if (r == 0)
		r = http_respond_field(out, "Connection", SLICE("close"));
	if (r == 0)
		r = http_respond_end(out, status, body.len);
	return r ? r : buf_append(out, body);
}

static int respond_metrics(struct admin *a, struct buf *out, uint64_t now_s)
{
	buf_clear(&a->page);
	int r = metrics_page(&a->page, a->facts.sets, a->facts.set_count);
	return r ? r
		 : respond_text(out, now_s, 200, "text/plain; version=0.0.4; charset=utf-8",
				buf_slice(&a->page));
}

/* REASON_NONE when the token came. Wrong ones have a rate, which costs whoever tries them, and
 * their number in the log; the right one is never kept out by it, or anybody who reaches this
 * listener could keep the operator from revoking. 16 bytes or more cannot be guessed. */
static enum reason judge_token(struct client *c)
{
	struct admin *a = c->admin;
	uint64_t now_us = reactor_now_us(reactor_of(a));
	struct slice field;

	if (http_header_count(&c->parser.head, SLICE("Authorization")) == 0)
		return REASON_CREDENTIAL_MISSING;
	if (a->facts.token.len &&
	    http_header_single(&c->parser.head, SLICE("Authorization"), &field) &&
	    slice_starts_with(field, SLICE("Bearer ")) &&
	    ct_slice_eq(slice_from(field, 7), a->facts.token))
		return REASON_NONE;
	return rate_take(&wrong_token_rate, &a->wrong_tokens, now_us, 1) ? REASON_CREDENTIAL_INVALID
									 : REASON_HANDSHAKE_RATE;
}

static enum reason judge_source(struct client *c, struct http_request *request)
{
	const struct admin *a = c->admin;
	size_t at;
	struct slice origin;

	enum reason r = http_request_check(&c->parser.head, &c->arena, request, &at);
	if (r != REASON_NONE)
		return r;
	struct host_facts facts = {
		.conf = a->facts.conf,
		.listener = &a->facts.conf->admin.listener,
		.local = sock_local(c->stream.io.fd),
	};
	if (!host_is_ours(&facts, &request->host))
		return REASON_HOST_UNKNOWN;
	if (http_header_count(&c->parser.head, SLICE("Origin")) == 0)
		return REASON_NONE;
	if (!http_header_single(&c->parser.head, SLICE("Origin"), &origin))
		return REASON_ORIGIN_NOT_ALLOWED;
	struct http_origin o = http_origin_parse(origin);
	enum http_scheme scheme = a->facts.tls ? HTTP_SCHEME_HTTPS : HTTP_SCHEME_HTTP;
	return http_origin_is(&o, scheme, request->host.host, request->host.port)
		       ? REASON_NONE
		       : REASON_ORIGIN_NOT_ALLOWED;
}

/* Health, readiness and metrics. */
static enum reason answer(struct client *c, struct buf *out, struct slice path, uint64_t now_s)
{
	struct admin *a = c->admin;
	bool health = slice_eq(path, SLICE("/healthz")), ready = slice_eq(path, SLICE("/readyz"));
	int failed;

	if (!health && !ready && !slice_eq(path, SLICE("/metrics")))
		return REASON_ROUTE_UNKNOWN;
	if (c->parser.head.method != HTTP_GET)
		return REASON_METHOD_NOT_ALLOWED;
	if (health) {
		failed = respond_text(out, now_s, 200, "text/plain", SLICE("ok\n"));
	} else if (ready) {
		bool draining = *a->facts.draining;
		bool waiting = a->facts.ready && !a->facts.ready(a->facts.ready_arg);
		failed = respond_text(out, now_s, draining || waiting ? 503 : 200, "text/plain",
				      draining  ? SLICE("draining\n")
				      : waiting ? SLICE("waiting for the store\n")
						: SLICE("ready\n"));
	} else {
		enum reason r = address_is_loopback(&a->facts.conf->admin.listener.address)
					? REASON_NONE
					: judge_token(c);
		if (r != REASON_NONE)
			return r;
		failed = respond_metrics(a, out, now_s);
	}
	return failed ? REASON_INTERNAL : REASON_NONE;
}

static void send_answer(struct client *c, struct slice answer)
{
	c->answered = true;
	if (stream_write(&c->stream, answer) || stream_shutdown(&c->stream) < 0)
		client_end(c);
	else
		stream_resume(&c->stream);
}

static void log_refused(struct client *c, enum reason r)
{
	struct admin *a = c->admin;
	char peer[ADDRESS_TEXT_BYTES];
	struct event e;

	metric_refused(a->facts.metrics, r);
	if (!rate_take(&line_rate, &a->lines, reactor_now_us(reactor_of(a)), 1))
		return;
	event_init(&e, EVENT_INFO, "refused");
	event_cstr(&e, "for", "admin");
	event_text(&e, "peer", address_format(&c->peer, peer));
	event_reason(&e, r);
	event_number(&e, "status", reason_status(r));
	event_emit(a->facts.log, &e);
}

static void refuse(struct client *c, enum reason r, const char *allow)
{
	struct buf out;
	struct http_refusal refusal = {
		.reason = r,
		.request = SLICE("admin"),
		.allow = allow,
		.retry_after_s = 60,
		.now_s = reactor_realtime_ms(reactor_of(c->admin)) / 1000,
	};

	log_refused(c, r);
	buf_init(&out, PAGE_BYTES);
	if (http_respond_refusal(&out, &refusal))
		client_end(c);
	else
		send_answer(c, buf_slice(&out));
	buf_deinit(&out);
}

/* Public keys are for everybody who gets here; beyond loopback that is who has the token. */
static bool needs_token(const struct client *c, struct slice path)
{
	return !slice_eq(path, SLICE("/v1/jwks.json")) ||
	       !address_is_loopback(&c->admin->facts.conf->admin.listener.address);
}

static void call_api(struct client *c, const struct http_request *request)
{
	struct admin *a = c->admin;
	enum reason r = needs_token(c, request->target.path) ? judge_token(c) : REASON_NONE;

	if (r != REASON_NONE) {
		refuse(c, r, NULL);
		return;
	}
	struct admin_call call = {
		.admin = a,
		.client = c->id,
		.method = c->parser.head.method,
		.path = request->target.path,
		.query = request->target.query,
		.body = slice_from(buf_slice(&c->in), c->parser.head.bytes),
	};
	a->facts.api(a->facts.api_arg, &call);
}

static void respond(struct client *c)
{
	struct buf out;
	struct http_request request;
	uint64_t now_s = reactor_realtime_ms(reactor_of(c->admin)) / 1000;
	enum reason r = c->parser.reason ? c->parser.reason : judge_source(c, &request);

	c->asked = true;
	if (r == REASON_NONE && slice_starts_with(request.target.path, SLICE("/v1/"))) {
		call_api(c, &request);
		return;
	}
	buf_init(&out, PAGE_BYTES);
	if (r == REASON_NONE)
		r = answer(c, &out, request.target.path, now_s);
	if (r == REASON_NONE)
		send_answer(c, buf_slice(&out));
	else
		refuse(c, r, NULL);
	buf_deinit(&out);
}

static struct client *client_find(struct admin *a, uint64_t id)
{
	LIST_EACH (at, &a->clients) {
		struct client *c = LIST_ENTRY(at, struct client, link);
		if (c->id == id && !c->answered)
			return c;
	}
	return NULL;
}

void admin_answer(struct admin *a, uint64_t client, int status, struct slice json)
{
	struct client *c = client_find(a, client);
	struct buf out;

	if (!c)
		return;
	buf_init(&out, ANSWER_BYTES);
	if (respond_text(&out, reactor_realtime_ms(reactor_of(a)) / 1000, status,
			 "application/json", json))
		client_end(c);
	else
		send_answer(c, buf_slice(&out));
	buf_deinit(&out);
}

void admin_refuse(struct admin *a, uint64_t client, enum reason r, const char *allow)
{
	struct client *c = client_find(a, client);

	if (c)
		refuse(c, r, allow);
}

void admin_set_conf(struct admin *a, const struct snapshot *conf)
{
	a->facts.conf = conf;
}

/* --- reading */

static bool head_and_body_are_there(struct client *c)
{
	enum http_parse parsed = http_parser_feed(&c->parser, buf_slice(&c->in));

	if (parsed == HTTP_PARSE_MORE)
		return false;
	if (parsed != HTTP_PARSE_DONE)
		return true;
	if (c->parser.head.content_length > ADMIN_BODY_MAX) {
		c->parser.reason = REASON_BODY_TOO_LARGE;
		return true;
	}
	return buf_waiting(&c->in) - c->parser.head.bytes >= c->parser.head.content_length;
}

static void on_stream(struct stream *s, unsigned why)
{
	struct client *c = STREAM_OWNER(s, struct client, stream);
	struct stream_bytes got;

	(void)why;
	OBJ_CHECK(c, ADMIN_MAGIC);
	if (!c->secured) {
		int r = stream_handshake(s);
		if (r == STREAM_AGAIN)
			return;
		if (r) {
			client_end(c);
			return;
		}
		c->secured = true;
	}
	int r = stream_read(s, &got);
	if (r == STREAM_AGAIN)
		return;
	if (r == STREAM_CLOSED && c->answered && stream_pending_bytes(s))
		return;
	if (r) {
		client_end(c);
		return;
	}
	if (c->asked)
		return; /* whatever it still sends is thrown away until it ends or its time is up */
	if (buf_append(&c->in,
		       slice_first(slice_of(got.data, got.len), c->in.max - buf_waiting(&c->in)))) {
		client_end(c);
		return;
	}
	if (!head_and_body_are_there(c))
		return;
	/* What came behind it may have moved the head: everything that points there is read anew.
	 */
	if (!c->parser.reason) {
		http_parser_init(&c->parser, HTTP_REQUEST, c->room, HEADERS, HEAD_BYTES);
		MUST(http_parser_feed(&c->parser, buf_slice(&c->in)) == HTTP_PARSE_DONE);
	}
	respond(c);
}

static void client_new(struct admin *a, int fd, const struct address *peer)
{
	struct client *c = a->count < CLIENTS_MAX ? calloc(1, sizeof(*c)) : NULL;

	if (!c ||
	    stream_init(&c->stream, a->facts.scratch, fd, on_stream, ANSWER_BYTES, &a->memory)) {
		free(c);
		close(fd);
		return;
	}
	c->magic = ADMIN_MAGIC;
	c->admin = a;
	c->id = ++a->next_id;
	c->peer = *peer;
	list_append(&a->clients, &c->link);
	a->count++;
	buf_init(&c->in, HEAD_BYTES + ADMIN_BODY_MAX);
	arena_init(&c->arena, 1024, 64 * 1024);
	http_parser_init(&c->parser, HTTP_REQUEST, c->room, HEADERS, HEAD_BYTES);
	timer_init(&c->deadline, on_deadline);
	timer_arm(&reactor_of(a)->timers, &c->deadline,
		  reactor_now_ms(reactor_of(a)) + DEADLINE_MS);
	if (a->facts.tls && tls_stream_start_server(&c->stream, a->facts.tls))
		client_end(c);
}

static void on_listener(struct io *io)
{
	struct admin *a = IO_OWNER(io, struct admin, io);
	struct address peer;
	int fd, none = -1;

	OBJ_CHECK(a, ADMIN_MAGIC);
	int r = sock_accept(io->fd, &none, &fd, &peer);
	if (r == 0)
		client_new(a, fd, &peer);
	if (r == 0 || r == SOCK_NO_FILES)
		io_again(io);
	else
		io_drained(io, IO_READABLE);
}

int admin_new(const struct admin_facts *facts, struct admin **out)
{
	struct admin *a = calloc(1, sizeof(*a));

	if (!a) {
		close(facts->listen_fd);
		return err_raise(ENOMEM, "the admin listener");
	}
	a->magic = ADMIN_MAGIC;
	a->facts = *facts;
	list_init(&a->clients);
	budget_init(&a->memory, 2 * (uint64_t)ANSWER_BYTES, NULL);
	buf_init(&a->page, PAGE_BYTES);
	int r = io_add(reactor_of(a), &a->io, facts->listen_fd, on_listener);
	if (r) {
		close(facts->listen_fd);
		free(a);
		return r;
	}
	*out = a;
	return 0;
}

void admin_free(struct admin *a)
{
	if (!a)
		return;
	OBJ_CHECK(a, ADMIN_MAGIC);
	LIST_EACH (at, &a->clients)
		client_end(LIST_ENTRY(at, struct client, link));
	io_remove(&a->io);
	close(a->facts.listen_fd);
	buf_deinit(&a->page);
	budget_deinit(&a->memory);
	a->magic = 0;
	free(a);
}
