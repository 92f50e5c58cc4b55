/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the first byte of a head to a whole request: its object and its bytes.
 *
 *   bytes --> head --> request_judge.c --+--> body --> request_act.c     an own endpoint
 *     ^                                  +-----------> request_act.c     a handshake
 *     |                                  `-----------> site.c, proxy.c   a page
 *     `-- the connection's next request, once this one is answered
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/request_priv.h"
#include "net/random.h"

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
		request_head_done(c);
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

/* The body does not join the head in `in`: that would have to grow, and everything that was
 * read in the head points into it. */
void request_start_body(struct conn *c)
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
