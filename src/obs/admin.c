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
	DEADLINE_MS = 5000, /* for the whole connection */
	CLIENT_BUDGET_BYTES = 1 << 20,
};

struct admin {
	uint32_t magic;
	struct admin_facts facts;
	struct io io;
	struct list clients;
	size_t count;
	struct budget memory;
	struct buf page;
};

struct client {
	uint32_t magic;
	struct admin *admin;
	struct list link;
	struct stream stream;
	struct timer deadline;
	bool secured, answered;
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

static bool token_presented(const struct client *c)
{
	struct slice field;

	if (c->admin->facts.token.len == 0 ||
	    !http_header_single(&c->parser.head, SLICE("Authorization"), &field) ||
	    !slice_starts_with(field, SLICE("Bearer ")))
		return false;
	return ct_slice_eq(slice_from(field, 7), c->admin->facts.token);
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

static enum reason answer(struct client *c, struct buf *out, uint64_t now_s)
{
	struct admin *a = c->admin;
	struct http_request request;
	enum reason r = judge_source(c, &request);

	if (r != REASON_NONE)
		return r;
	struct slice path = request.target.path;
	bool health = slice_eq(path, SLICE("/healthz")), ready = slice_eq(path, SLICE("/readyz"));
	if (!health && !ready && !slice_eq(path, SLICE("/metrics")))
		return REASON_ROUTE_UNKNOWN;
	if (c->parser.head.method != HTTP_GET)
		return REASON_METHOD_NOT_ALLOWED;
	int failed;
	if (health) {
		failed = respond_text(out, now_s, 200, "text/plain", SLICE("ok\n"));
	} else if (ready) {
		bool draining = *a->facts.draining;
		failed = respond_text(out, now_s, draining ? 503 : 200, "text/plain",
		                      draining ? SLICE("draining\n") : SLICE("ready\n"));
	} else {
		if (!address_is_loopback(&a->facts.conf->admin.listener.address) &&
		    !token_presented(c))
			return http_header_count(&c->parser.head, SLICE("Authorization"))
			               ? REASON_CREDENTIAL_INVALID
			               : REASON_CREDENTIAL_MISSING;
		failed = respond_metrics(a, out, now_s);
	}
	return failed ? REASON_INTERNAL : REASON_NONE;
}

static void respond(struct client *c)
{
	struct buf out;
	uint64_t now_s = reactor_realtime_ms(reactor_of(c->admin)) / 1000;

	buf_init(&out, PAGE_BYTES);
	enum reason r = c->parser.reason ? c->parser.reason : answer(c, &out, now_s);
	int failed = 0;
	if (r != REASON_NONE) {
		buf_clear(&out);
		struct http_refusal refusal = {.reason = r, .request = SLICE("admin"), .now_s = now_s};
		failed = http_respond_refusal(&out, &refusal);
	}
	if (failed == 0)
		failed = stream_write(&c->stream, buf_slice(&out));
	buf_deinit(&out);
	c->answered = true;
	if (failed || stream_shutdown(&c->stream) < 0)
		client_end(c);
	else
		stream_resume(&c->stream);
}

/* --- reading */

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
	if (c->answered)
		return; /* whatever it still sends is thrown away until it ends or its time is up */
	if (buf_append(&c->in, slice_first(slice_of(got.data, got.len),
	                                   c->in.max - buf_waiting(&c->in)))) {
		client_end(c);
		return;
	}
	if (http_parser_feed(&c->parser, buf_slice(&c->in)) != HTTP_PARSE_MORE)
		respond(c);
}

static void client_new(struct admin *a, int fd)
{
	struct client *c = a->count < CLIENTS_MAX ? calloc(1, sizeof(*c)) : NULL;

	if (!c || stream_init(&c->stream, a->facts.scratch, fd, on_stream, PAGE_BYTES, &a->memory)) {
		free(c);
		close(fd);
		return;
	}
	c->magic = ADMIN_MAGIC;
	c->admin = a;
	list_append(&a->clients, &c->link);
	a->count++;
	buf_init(&c->in, HEAD_BYTES);
	arena_init(&c->arena, 1024, 64 * 1024);
	http_parser_init(&c->parser, HTTP_REQUEST, c->room, HEADERS, HEAD_BYTES);
	timer_init(&c->deadline, on_deadline);
	timer_arm(&reactor_of(a)->timers, &c->deadline, reactor_now_ms(reactor_of(a)) + DEADLINE_MS);
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
		client_new(a, fd);
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
	budget_init(&a->memory, (uint64_t)CLIENTS_MAX * CLIENT_BUDGET_BYTES, NULL);
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
	LIST_EACH(at, &a->clients)
		client_end(LIST_ENTRY(at, struct client, link));
	io_remove(&a->io);
	close(a->facts.listen_fd);
	buf_deinit(&a->page);
	budget_deinit(&a->memory);
	a->magic = 0;
	free(a);
}
