/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the first byte of a head to the phase that answers it: reading and dispatch.
 *
 *   bytes --> head --> judged --+--> body --> request_act.c     an own endpoint
 *     ^                         +-----------> request_act.c     a handshake
 *     |                         `-----------> site.c, proxy.c   a page
 *     `-- the connection's next request, once this one is answered
 *
 * All decisions are policy's.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/request_priv.h"
#include "net/random.h"
#include "net/sock.h"
#include "policy/peer.h"

enum {
	ARENA_BLOCK_BYTES = 8192,
	ARENA_MAX_BYTES = 512 * 1024,
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
		request_start_endpoint(c);
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
		request_start_handshake(c);
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

/* --- reading a head */

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

/* --- reading a body */

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
		request_start_endpoint(c);
}

/* --- meanwhile, and afterwards */

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
