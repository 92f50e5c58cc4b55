/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages from an application: an ordinary reverse proxy, strict on both sides.
 *
 *   client --head--> built anew --> application        body: as much as was announced
 *   client <-- built anew <--head-- application        body: length, chunks, or to the end
 *
 * Nothing hop-by-hop and nothing that says who somebody is travels in; an upgrade never
 * does. Both bodies stream: while much waits towards one side nothing is read from the
 * other. The connection to the application is kept for the next page where the answer's
 * end was certain.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/num.h"
#include "base/obj.h"
#include "gateway/conn.h"
#include "http/header.h"
#include "http/respond.h"
#include "net/sock.h"
#include "tls/stream.h"

enum {
	PROXY_MAGIC = 0x9a0c11,
	PROXY_QUEUE_BYTES = 768 * 1024,
	PROXY_HIGH_WATER = 128 * 1024,
	PROXY_IDLE_MS = 10000,
	BODY_BYTES_PER_MS = 8, /* that a client has to send at least, on the whole */
	NAME_BYTES = 128,
	CHUNK_LINE_MAX = 256,
};

enum body_kind { BODY_NONE, BODY_LENGTH, BODY_CHUNKED, BODY_TO_END };

enum chunk_state {
	CHUNK_SIZE,
	CHUNK_EXTENSION,
	CHUNK_LF,
	CHUNK_DATA,
	CHUNK_CR,
	CHUNK_END_LF,
	CHUNK_TRAILER,
	CHUNK_TRAILER_LF,
	CHUNK_OVER
};

struct proxy {
	uint32_t magic;
	struct stream up;
	struct worker *worker;
	struct conn *conn;             /* NULL: idle */
	struct generation *generation; /* one reference */
	struct target *target;
	struct list idle_link;
	struct timer idle_timer;
	unsigned address_attempt;
	bool reused, connected, secured, head_sent, head_seen, done;
	uint64_t request_left; /* of the client's body, not read yet ... */
	uint64_t body_until_ms; /* ... which has to be here by then */
	enum body_kind kind;
	uint64_t left; /* LENGTH: of the body; CHUNKED: of the chunk */
	enum chunk_state chunk;
	unsigned line; /* bytes of the chunk's line, or of the trailer's */
};

static void on_up(struct stream *stream, unsigned why);
static void step(struct conn *c);

/* --- birth, idleness, end */

static void proxy_end(struct proxy *p)
{
	stream_deinit(&p->up);
	timer_disarm(&p->idle_timer);
	if (!p->conn) {
		list_remove(&p->idle_link);
		p->worker->idle_proxy_count--;
	}
	p->target->active--;
	metric_add(&p->worker->metrics, METRIC_UPSTREAMS, -1);
	generation_unref(p->generation);
	p->magic = 0;
	free(p);
}

void proxy_free(struct conn *c)
{
	if (c->proxy)
		proxy_end(c->proxy);
	c->proxy = NULL;
}

void proxy_forget_idle(struct worker *w)
{
	LIST_EACH (at, &w->idle_proxies)
		proxy_end(LIST_ENTRY(at, struct proxy, idle_link));
}

static void on_idle_timer(struct timer *t)
{
	proxy_end(TIMER_OWNER(t, struct proxy, idle_timer));
}

/* The answer is over and the application keeps its side open: for the next page. */
static void rest(struct conn *c)
{
	struct proxy *p = c->proxy;
	struct worker *w = c->worker;

	c->proxy = NULL;
	p->conn = NULL;
	list_append(&w->idle_proxies, &p->idle_link);
	if (++w->idle_proxy_count > PROXY_IDLE_MAX)
		proxy_end(LIST_ENTRY(w->idle_proxies.next, struct proxy, idle_link));
	else
		timer_arm(&w->reactor.timers, &p->idle_timer, conn_now(c) + PROXY_IDLE_MS);
}

static bool take_idle(struct conn *c, struct target *t)
{
	struct worker *w = c->worker;

	LIST_EACH (at, &w->idle_proxies) {
		struct proxy *p = LIST_ENTRY(at, struct proxy, idle_link);
		if (p->target != t)
			continue;
		list_remove(at);
		w->idle_proxy_count--;
		timer_disarm(&p->idle_timer);
		p->conn = c;
		p->reused = true;
		p->head_sent = p->head_seen = p->done = false;
		c->proxy = p;
		return true;
	}
	return false;
}

static int dial(struct proxy *p)
{
	const struct conf_upstream *conf = p->target->conf;
	struct worker *w = p->worker;
	struct address address;
	int fd;

	if (!target_address(p->target, p->address_attempt, &address))
		return err_raise(ENOENT, "no address of %.*s is known", SLICE_ARG(conf->host));
	address.port = conf->port;
	int r = sock_connect(&address, &fd);
	if (r)
		return r;
	r = stream_init(&p->up, &w->scratch, fd, on_up, PROXY_QUEUE_BYTES, &w->memory);
	if (r) {
		close(fd);
		return r;
	}
	return conf->tls ? tls_stream_start_client(&p->up, w->tls_client, conf->host) : 0;
}

/* From the address at hand on, the first that can be dialled. */
static bool dial_any(struct proxy *p)
{
	for (;; p->address_attempt++) {
		int r = dial(p);
		if (r == 0)
			return true;
		stream_deinit(&p->up);
		if (r == -ENOENT)
			return false;
	}
}

static bool connect_new(struct conn *c, struct target *t)
{
	struct proxy *p = calloc(1, sizeof(*p));

	if (!p)
		return false;
	p->magic = PROXY_MAGIC;
	p->worker = c->worker;
	p->conn = c;
	p->generation = generation_ref(c->generation);
	p->target = t;
	list_init(&p->idle_link);
	timer_init(&p->idle_timer, on_idle_timer);
	t->active++;
	metric_add(&c->worker->metrics, METRIC_UPSTREAMS, 1);
	c->proxy = p;
	return dial_any(p);
}

/* --- the request */

static bool may_travel_in(const struct http_head *head, const struct http_header *h)
{
	return http_header_forwardable(h->name) && !http_header_nominated(head, h->name);
}

static int append_path(const struct conn *c, struct buf *out)
{
	const struct http_target *t = &c->request->http.target;
	const struct conf_path *base = &c->request->dispatch.site->upstream.path;
	int r = 0;

	for (size_t i = 0; r == 0 && i < base->count; i++) {
		r = buf_append(out, SLICE("/"));
		if (r == 0)
			r = http_percent_encode(out, base->segments[i].text);
	}
	if (r == 0)
		r = t->asterisk ? buf_append(out, SLICE("*")) : route_own_path(t, out);
	if (r == 0 && t->has_query)
		r = buf_printf(out, "?%.*s", SLICE_ARG(t->query));
	return r;
}

static int append_field(struct buf *out, const char *name, struct slice value)
{
	return buf_printf(out, "%s: %.*s\r\n", name, SLICE_ARG(value));
}

static int append_forwarding(const struct conn *c, struct buf *out)
{
	const struct http_request *http = &c->request->http;
	char peer[ADDRESS_TEXT_BYTES], host[300];
	struct slice proto = c->secure ? SLICE("https") : SLICE("http");
	const char *open = http->host.is_ipv6 ? "[" : "", *close = http->host.is_ipv6 ? "]" : "";
	int n = http->host.port ? snprintf(host, sizeof(host), "%s%.*s%s:%u", open,
					   SLICE_ARG(http->host.host), close, http->host.port)
				: snprintf(host, sizeof(host), "%s%.*s%s", open,
					   SLICE_ARG(http->host.host), close);
	int r = append_field(out, "X-Forwarded-For", address_format(&c->peer, peer));

	if (r == 0)
		r = append_field(out, "X-Forwarded-Proto", proto);
	if (r == 0)
		r = append_field(out, "X-Forwarded-Host", slice_of(host, (size_t)n));
	return r ? r
		 : append_field(out, "Sallyport-Request",
				slice_of(c->request_id, REQUEST_ID_CHARS));
}

static int append_request(const struct conn *c, struct buf *out)
{
	const struct http_head *head = &c->request->parser.head;
	int r = buf_printf(out, "%s ", http_method_text(head->method));

	if (r == 0)
		r = append_path(c, out);
	if (r == 0)
		r = buf_printf(out, " HTTP/1.1\r\nHost: %.*s\r\n",
			       SLICE_ARG(c->proxy->target->conf->authority));
	for (size_t i = 0; r == 0 && i < head->header_count; i++)
		if (may_travel_in(head, &head->headers[i]))
			r = buf_printf(out, "%.*s: %.*s\r\n", SLICE_ARG(head->headers[i].name),
				       SLICE_ARG(head->headers[i].value));
	if (r == 0)
		r = append_forwarding(c, out);
	if (r == 0 && head->has_content_length)
		r = buf_printf(out, "Content-Length: %llu\r\n",
			       (unsigned long long)head->content_length);
	return r ? r : buf_append(out, SLICE("\r\n"));
}

static void fail(struct conn *c, enum reason reason, const char *detail)
{
	struct proxy *p = c->proxy;
	bool answered = p && p->head_seen;
	struct event e;

	if (p) {
		target_failed(p->target, conn_now(c));
		metric_add(&c->worker->metrics, METRIC_UPSTREAM_FAILURES, 1);
		event_init(&e, EVENT_WARN, "upstream_failed");
		conn_event(c, &e);
		event_text(&e, "upstream", p->target->conf->url);
		event_cstr(&e, "detail", detail);
		event_emit(c->worker->gateway->log, &e);
	}
	proxy_free(c);
	if (answered)
		conn_end(c); /* in the middle of an answer nothing else can be said */
	else
		conn_refuse(c, verdict_refuse(reason, detail));
}

uint64_t proxy_body_ms(const struct conn *c)
{
	return clock_add(conn_conf(c)->limits.handshake_timeout_ms,
			 c->request->parser.head.content_length / BODY_BYTES_PER_MS);
}

/* While the client owes a part of its body, nothing gives it more time for that. */
static void arm(struct conn *c)
{
	const struct proxy *p = c->proxy;

	conn_arm(c, p->request_left ? p->body_until_ms : conn_now(c) + PROXY_STEP_MS);
}

static bool send_request(struct conn *c)
{
	struct request *q = c->request;
	struct proxy *p = c->proxy;
	struct buf *out = &c->worker->response;

	q->answer_room = arena_calloc(&q->arena, ANSWER_HEADERS, sizeof(*q->answer_room));
	buf_clear(out);
	if (!q->answer_room || append_request(c, out)) {
		fail(c, REASON_OVERLOADED, "memory");
		return false;
	}
	/* The part of the body that came with the head. */
	struct slice body = slice_from(buf_slice(&q->in), q->parser.head.bytes);
	body = slice_first(body, (size_t)q->parser.head.content_length);
	q->consumed = q->parser.head.bytes + body.len;
	p->request_left = q->parser.head.content_length - body.len;
	p->head_sent = true;
	buf_clear(&q->answer);
	http_parser_init(&q->answer_parser, HTTP_RESPONSE, q->answer_room, ANSWER_HEADERS,
			 ANSWER_HEAD_BYTES);
	struct slice parts[] = {buf_slice(out), body};
	if (stream_writev(&p->up, parts, 2)) {
		fail(c, REASON_UPSTREAM_FAILED, "the request could not be sent");
		return false;
	}
	if (p->request_left) {
		p->body_until_ms = clock_add(conn_now(c), proxy_body_ms(c));
		stream_resume(&c->client);
	}
	arm(c);
	return true;
}

/* --- the answer */

static bool may_travel_out(struct slice name)
{
	static const char *const not_theirs[] = {
		"connection", "keep-alive",        "proxy-authenticate", "te",   "trailer",
		"upgrade",    "transfer-encoding", "content-length",     "date", "server",
	};

	for (size_t i = 0; i < sizeof(not_theirs) / sizeof(not_theirs[0]); i++)
		if (slice_eq_icase(name, slice_from_cstr(not_theirs[i])))
			return false;
	return !slice_starts_with(name, SLICE("Sallyport-"));
}

static bool judge_body(struct conn *c)
{
	const struct http_head *head = &c->request->answer_parser.head;
	struct proxy *p = c->proxy;
	struct slice coding;

	p->left = 0;
	if (c->request->head_only || head->status == 204 || head->status == 304) {
		p->kind = BODY_NONE;
	} else if (head->has_transfer_encoding) {
		if (head->has_content_length ||
		    !http_header_single(head, SLICE("Transfer-Encoding"), &coding) ||
		    !slice_eq_icase(coding, SLICE("chunked")))
			return false;
		p->kind = BODY_CHUNKED;
		p->chunk = CHUNK_SIZE;
		p->line = 0;
	} else if (head->has_content_length) {
		p->kind = head->content_length ? BODY_LENGTH : BODY_NONE;
		p->left = head->content_length;
	} else {
		p->kind = BODY_TO_END;
	}
	return true;
}

static int append_fields(const struct http_head *head, struct buf *out)
{
	char name[NAME_BYTES];

	for (size_t i = 0; i < head->header_count; i++) {
		const struct http_header *h = &head->headers[i];
		if (!may_travel_out(h->name) || http_header_nominated(head, h->name) ||
		    h->name.len >= sizeof(name))
			continue;
		memcpy(name, h->name.data, h->name.len);
		name[h->name.len] = '\0';
		int r = http_respond_field(out, name, h->value);
		if (r && r != -EINVAL)
			return r; /* what cannot be written safely is left out */
	}
	return 0;
}

static int append_answer(struct conn *c, struct buf *out)
{
	const struct http_head *head = &c->request->answer_parser.head;
	const struct conf_site *site = c->request->dispatch.site;
	const struct proxy *p = c->proxy;
	bool announces = head->has_content_length && !head->has_transfer_encoding;
	int r = http_respond_start(out, head->status,
				   reactor_realtime_ms(&c->worker->reactor) / 1000);

	if (r == 0)
		r = append_fields(head, out);
	if (r == 0 && !site->headers_off)
		r = site_security_fields(c, out, site, head);
	if (r == 0 && p->kind == BODY_CHUNKED)
		r = append_field(out, "Transfer-Encoding", SLICE("chunked"));
	if (r == 0)
		r = p->kind == BODY_TO_END ? append_field(out, "Connection", SLICE("close"))
					   : conn_close_field(c, out);
	if (r == 0 && announces && head->status != 204)
		r = buf_printf(out, "Content-Length: %llu\r\n",
			       (unsigned long long)head->content_length);
	return r ? r : buf_append(out, SLICE("\r\n"));
}

static bool send_head(struct conn *c)
{
	struct buf *out = &c->worker->response;

	buf_clear(out);
	if (!judge_body(c)) {
		fail(c, REASON_UPSTREAM_FAILED, "the answer's end is not certain");
		return false;
	}
	if (append_answer(c, out)) {
		fail(c, REASON_UPSTREAM_FAILED, "the answer's head");
		return false;
	}
	c->proxy->head_seen = true;
	target_succeeded(c->proxy->target);
	metric_add(&c->worker->metrics, METRIC_PAGES, 1);
	if (stream_write(&c->client, buf_slice(out)) == 0)
		return true;
	conn_end(c);
	return false;
}

/* One byte of the framing around chunks (RFC 9112 section 7.1), strictly. */
static bool chunk_byte(struct proxy *p, char b)
{
	int digit = num_hex_digit(b);

	if (p->chunk != CHUNK_DATA && ++p->line > CHUNK_LINE_MAX)
		return false;
	switch (p->chunk) {
	case CHUNK_SIZE:
		if (digit >= 0) {
			if (p->left > UINT64_MAX >> 8)
				return false;
			p->left = p->left << 4 | (uint64_t)digit;
			return true;
		}
		if (p->line < 2)
			return false; /* no digit at all */
		p->chunk = b == '\r' ? CHUNK_LF : CHUNK_EXTENSION;
		return b == '\r' || b == ';';
	case CHUNK_EXTENSION:
		if (b == '\r')
			p->chunk = CHUNK_LF;
		return b == '\r' || b == '\t' || (unsigned char)b >= ' ';
	case CHUNK_LF:
		p->chunk = p->left ? CHUNK_DATA : CHUNK_TRAILER;
		p->line = 0;
		return b == '\n';
	case CHUNK_CR:
		p->chunk = CHUNK_END_LF;
		return b == '\r';
	case CHUNK_END_LF:
		p->chunk = CHUNK_SIZE;
		p->line = 0;
		return b == '\n';
	case CHUNK_TRAILER:
		/* Trailers are not passed on as such: only the empty one is taken. */
		p->chunk = CHUNK_TRAILER_LF;
		return b == '\r';
	case CHUNK_TRAILER_LF:
		p->chunk = CHUNK_OVER;
		return b == '\n';
	case CHUNK_DATA:
	case CHUNK_OVER:
	default:
		return false;
	}
}

/* How many of the bytes belong to this answer; p->done when it is whole. -1: malformed. */
static ssize_t measure_chunks(struct proxy *p, struct slice bytes)
{
	size_t at = 0;

	while (at < bytes.len && p->chunk != CHUNK_OVER) {
		if (p->chunk != CHUNK_DATA) {
			if (!chunk_byte(p, bytes.data[at++]))
				return -1;
			continue;
		}
		uint64_t now = p->left < bytes.len - at ? p->left : bytes.len - at;
		at += (size_t)now;
		p->left -= now;
		if (p->left == 0) {
			p->chunk = CHUNK_CR;
			p->line = 0;
		}
	}
	p->done = p->chunk == CHUNK_OVER;
	return (ssize_t)at;
}

static ssize_t measure(struct proxy *p, struct slice bytes)
{
	uint64_t now;

	switch (p->kind) {
	case BODY_NONE:
		p->done = true;
		return 0;
	case BODY_LENGTH:
		now = p->left < bytes.len ? p->left : bytes.len;
		p->left -= now;
		p->done = p->left == 0;
		return (ssize_t)now;
	case BODY_CHUNKED:
		return measure_chunks(p, bytes);
	case BODY_TO_END:
	default:
		return (ssize_t)bytes.len;
	}
}

static bool application_keeps(const struct http_head *head)
{
	return !http_header_has_token(head, SLICE("Connection"), SLICE("close"));
}

/* The answer is whole. */
static void finish(struct conn *c, bool clean)
{
	struct proxy *p = c->proxy;
	bool known_end = p->kind != BODY_TO_END;
	bool all_read = p->request_left == 0;

	if (clean && known_end && all_read && application_keeps(&c->request->answer_parser.head))
		rest(c);
	else
		proxy_free(c);
	buf_clear(&c->worker->response);
	conn_respond(c, known_end && all_read);
}

static void pass_body(struct conn *c, struct slice bytes)
{
	struct proxy *p = c->proxy;
	ssize_t ours = measure(p, bytes);

	if (ours < 0) {
		fail(c, REASON_UPSTREAM_FAILED, "chunks malformed");
		return;
	}
	if (ours && stream_write(&c->client, slice_first(bytes, (size_t)ours))) {
		conn_end(c);
		return;
	}
	arm(c);
	if (p->done)
		finish(c, (size_t)ours == bytes.len);
}

/* Bytes of the answer's head; what is behind it is body. */
static void read_head(struct conn *c, struct slice bytes)
{
	struct request *q = c->request;
	size_t room = q->answer.max - buf_waiting(&q->answer);
	size_t fits = bytes.len < room ? bytes.len : room;

	if (buf_append(&q->answer, slice_first(bytes, fits))) {
		fail(c, REASON_OVERLOADED, "memory");
		return;
	}
	while (http_parser_feed(&q->answer_parser, buf_slice(&q->answer)) == HTTP_PARSE_DONE) {
		size_t head = q->answer_parser.head.bytes;
		int status = q->answer_parser.head.status;
		if (status == 101) {
			fail(c, REASON_UPSTREAM_FAILED, "an upgrade nobody asked for");
			return;
		}
		if (status >= 200) {
			/* The head ends within what was just read: the rest of that is body. */
			size_t behind = buf_waiting(&q->answer) - head;
			if (send_head(c))
				pass_body(c, slice_from(bytes, fits - behind));
			return;
		}
		buf_take(&q->answer, head); /* 100 Continue and its like say nothing */
		http_parser_init(&q->answer_parser, HTTP_RESPONSE, q->answer_room, ANSWER_HEADERS,
				 ANSWER_HEAD_BYTES);
	}
	if (q->answer_parser.reason != REASON_NONE || fits == room)
		fail(c, REASON_UPSTREAM_FAILED, "answer malformed or too long");
}

/* A kept connection that the application had closed meanwhile: once more, on a new one. */
static bool retry(struct conn *c)
{
	struct proxy *p = c->proxy;
	const struct http_head *head = &c->request->parser.head;
	struct target *t = p->target;

	if (!p->reused || p->head_seen || buf_waiting(&c->request->answer) ||
	    head->content_length || head->method == HTTP_POST || head->method == HTTP_PATCH)
		return false;
	proxy_free(c);
	return connect_new(c, t);
}

static void read_answer(struct conn *c)
{
	struct proxy *p = c->proxy;
	struct stream_bytes got;

	if (stream_pending_bytes(&c->client) > PROXY_HIGH_WATER)
		return; /* proxy_on_client resumes us */
	int r = stream_read(&p->up, &got);
	if (r == STREAM_AGAIN)
		return;
	if (r == 0) {
		if (p->head_seen)
			pass_body(c, slice_of(got.data, got.len));
		else
			read_head(c, slice_of(got.data, got.len));
		return;
	}
	if (r == STREAM_CLOSED && p->head_seen && p->kind == BODY_TO_END) {
		finish(c, true);
		return;
	}
	if (!retry(c))
		fail(c, REASON_UPSTREAM_FAILED, "closed before its answer was whole");
}

/* --- both sides */

static bool next_address(struct conn *c)
{
	struct proxy *p = c->proxy;
	struct address address;

	if (!target_address(p->target, p->address_attempt + 1, &address))
		return false;
	stream_deinit(&p->up);
	p->address_attempt++;
	return dial_any(p);
}

/* As far as it goes: connected, TLS, request, answer. */
static void step(struct conn *c)
{
	struct proxy *p = c->proxy;

	if (!p->connected) {
		int r = stream_connected(&p->up);
		if (r == STREAM_AGAIN)
			return;
		if (r) {
			if (!next_address(c))
				fail(c, REASON_UPSTREAM_FAILED, err_sentence());
			return;
		}
		p->connected = true;
	}
	if (!p->secured) {
		int r = stream_handshake(&p->up);
		if (r == STREAM_AGAIN)
			return;
		if (r) {
			fail(c, REASON_UPSTREAM_FAILED,
			     r == STREAM_UNTRUSTED ? "certificate not trusted" : "TLS failed");
			return;
		}
		p->secured = true;
	}
	if (!p->head_sent && !send_request(c))
		return;
	read_answer(c);
}

static void on_up(struct stream *stream, unsigned why)
{
	struct proxy *p = STREAM_OWNER(stream, struct proxy, up);

	OBJ_CHECK(p, PROXY_MAGIC);
	if (!p->conn) {
		/* Idle: it has nothing to say but that it ends. */
		if (why & (STREAM_READ | STREAM_GONE))
			proxy_end(p);
		return;
	}
	struct conn *c = p->conn;
	if (why & STREAM_WRITE && p->head_sent && p->request_left)
		stream_resume(&c->client);
	step(c);
}

/* The client's body, as far as the application takes it. */
static void read_body(struct conn *c)
{
	struct proxy *p = c->proxy;
	struct stream_bytes got;

	if (stream_pending_bytes(&p->up) > PROXY_HIGH_WATER)
		return; /* on_up resumes the client */
	int r = stream_read(&c->client, &got);
	if (r == STREAM_AGAIN)
		return;
	if (r) {
		conn_end(c);
		return;
	}
	size_t ours = got.len < p->request_left ? got.len : (size_t)p->request_left;
	p->request_left -= ours;
	struct slice rest_of = slice_of(got.data + ours, got.len - ours);
	if (rest_of.len && stream_unread(&c->client, rest_of)) {
		conn_end(c);
		return;
	}
	if (stream_write(&p->up, slice_of(got.data, ours)))
		fail(c, REASON_UPSTREAM_FAILED, "the body could not be sent");
	else
		arm(c);
}

void proxy_on_client(struct conn *c, unsigned why)
{
	struct proxy *p = c->proxy;

	if (why & STREAM_WRITE && p->head_sent)
		stream_resume(&p->up);
	if (why & STREAM_GONE && stream_flush(&c->client)) {
		conn_end(c);
		return;
	}
	if (why & (STREAM_READ | STREAM_GONE) && p->head_sent && p->request_left)
		read_body(c);
}

void proxy_timed_out(struct conn *c)
{
	const struct proxy *p = c->proxy;

	/* The client's own slowness is not the application's failure. */
	if (p->head_sent && p->request_left) {
		bool answered = p->head_seen;
		proxy_free(c);
		if (answered)
			conn_end(c);
		else
			conn_refuse(c, verdict_refuse(REASON_HANDSHAKE_TIMEOUT, "the body"));
		return;
	}
	fail(c, REASON_UPSTREAM_TIMEOUT, "no answer in time");
}

void proxy_start(struct conn *c)
{
	struct request *q = c->request;
	const struct conf_site *site = q->dispatch.site;
	size_t index = (size_t)(site - conn_conf(c)->sites);
	struct target *t = &c->generation->sites[index].target;

	if (q->parser.head.content_length > site->body_size) {
		conn_refuse(c, verdict_refuse(REASON_BODY_TOO_LARGE, NULL));
		return;
	}
	q->head_only = q->parser.head.method == HTTP_HEAD;
	conn_enter(c, CONN_PROXY, conn_now(c) + PROXY_STEP_MS);
	if (take_idle(c, t)) {
		step(c);
		return;
	}
	if (!connect_new(c, t))
		fail(c, REASON_UPSTREAM_FAILED, c->proxy ? err_sentence() : "memory");
}
