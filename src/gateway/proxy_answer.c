/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of an application's answer to the client.
 *
 *   client <-- built anew <--head-- application        body: length, chunks, or to the end
 *
 * The body passes as it comes and is measured on its way: only where its end is certain and
 * nothing lies behind it may the connection be kept.
 */
#include <errno.h>
#include <string.h>

#include "base/num.h"
#include "gateway/proxy_priv.h"
#include "http/header.h"
#include "http/respond.h"

enum {
	NAME_BYTES = 128,
	CHUNK_LINE_MAX = 256,
};

/* --- the head */

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
		r = proxy_append_field(out, "Transfer-Encoding", SLICE("chunked"));
	if (r == 0)
		r = p->kind == BODY_TO_END ? proxy_append_field(out, "Connection", SLICE("close"))
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
		proxy_fail(c, REASON_UPSTREAM_FAILED, "the answer's end is not certain");
		return false;
	}
	if (append_answer(c, out)) {
		proxy_fail(c, REASON_UPSTREAM_FAILED, "the answer's head");
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

/* --- where the body ends */

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

/* --- the way of the bytes */

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
		proxy_rest(c);
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
		proxy_fail(c, REASON_UPSTREAM_FAILED, "chunks malformed");
		return;
	}
	if (ours && stream_write(&c->client, slice_first(bytes, (size_t)ours))) {
		conn_end(c);
		return;
	}
	proxy_arm(c);
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
		proxy_fail(c, REASON_OVERLOADED, "memory");
		return;
	}
	while (http_parser_feed(&q->answer_parser, buf_slice(&q->answer)) == HTTP_PARSE_DONE) {
		size_t head = q->answer_parser.head.bytes;
		int status = q->answer_parser.head.status;
		if (status == 101) {
			proxy_fail(c, REASON_UPSTREAM_FAILED, "an upgrade nobody asked for");
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
		proxy_fail(c, REASON_UPSTREAM_FAILED, "answer malformed or too long");
}

void proxy_read_answer(struct conn *c)
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
	if (!proxy_retry(c))
		proxy_fail(c, REASON_UPSTREAM_FAILED, "closed before its answer was whole");
}
