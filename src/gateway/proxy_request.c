/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of a page's request to the application.
 *
 *   client --head--> built anew --> application        body: as much as was announced
 *
 * What came of the body with the head leaves with it; the rest follows as it comes, in the time
 * that the body's length gives the client.
 */
#include "gateway/proxy_priv.h"
#include "http/header.h"

enum {
	BODY_BYTES_PER_MS = 8, /* that a client has to send at least, on the whole */
};

/* --- the head */

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

int proxy_append_field(struct buf *out, const char *name, struct slice value)
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
	int r = proxy_append_field(out, "X-Forwarded-For", address_format(&c->peer, peer));

	if (r == 0)
		r = proxy_append_field(out, "X-Forwarded-Proto", proto);
	if (r == 0)
		r = proxy_append_field(out, "X-Forwarded-Host", slice_of(host, (size_t)n));
	return r ? r
		 : proxy_append_field(out, "Sallyport-Request",
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

bool proxy_send_request(struct conn *c)
{
	struct request *q = c->request;
	struct proxy *p = c->proxy;
	struct buf *out = &c->worker->response;

	q->answer_room = arena_calloc(&q->arena, ANSWER_HEADERS, sizeof(*q->answer_room));
	buf_clear(out);
	if (!q->answer_room || append_request(c, out)) {
		proxy_fail(c, REASON_OVERLOADED, "memory");
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
		proxy_fail(c, REASON_UPSTREAM_FAILED, "the request could not be sent");
		return false;
	}
	if (p->request_left) {
		p->body_until_ms = clock_add(conn_now(c), proxy_body_ms(c));
		stream_resume(&c->client);
	}
	proxy_arm(c);
	return true;
}

/* --- the body */

uint64_t proxy_body_ms(const struct conn *c)
{
	return clock_add(conn_conf(c)->limits.handshake_timeout_ms,
			 c->request->parser.head.content_length / BODY_BYTES_PER_MS);
}

/* The client's body, as far as the application takes it. */
void proxy_read_body(struct conn *c)
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
		proxy_fail(c, REASON_UPSTREAM_FAILED, "the body could not be sent");
	else
		proxy_arm(c);
}
