/* SPDX-License-Identifier: Apache-2.0 */
/* What holds for every request; see request.h. */
#include "http/request.h"

#include "http/header.h"

/* Where in the head a slice of it starts. */
static size_t offset_in(const struct http_head *h, struct slice part)
{
	return part.data ? (size_t)(part.data - h->method_text.data) : 0;
}

static enum reason malformed(const struct http_head *h, struct slice part, size_t *at)
{
	*at = offset_in(h, part);
	return REASON_HANDSHAKE_MALFORMED;
}

static bool method_has_body(enum http_method method)
{
	return method == HTTP_POST || method == HTTP_PUT || method == HTTP_PATCH;
}

static enum reason check_host(const struct http_head *h, struct http_request *out, size_t *at)
{
	const struct http_header *host = http_header_find(h, SLICE("host"));

	if (!host)
		return malformed(h, slice_of(NULL, 0), at);
	/* A second one was refused by http/head already; counted again because it costs nothing. */
	if (http_header_count(h, SLICE("host")) != 1 ||
	    !http_authority_parse(host->value, &out->host))
		return malformed(h, host->value, at);
	return REASON_NONE;
}

static enum reason check_list(const struct http_head *h, struct slice name, size_t *at)
{
	const struct http_header *first = http_header_find(h, name);

	return !first || http_header_tokens_ok(h, name) ? REASON_NONE
							: malformed(h, first->value, at);
}

static enum reason check_body(const struct http_head *h, bool wants_upgrade, size_t *at)
{
	const struct http_header *length = http_header_find(h, SLICE("content-length"));

	if (h->has_transfer_encoding)
		return malformed(h, slice_of(NULL, 0), at);
	if (h->content_length > 0 && (wants_upgrade || !method_has_body(h->method)))
		return malformed(h, length ? length->value : slice_of(NULL, 0), at);
	return REASON_NONE;
}

enum reason http_request_check(const struct http_head *h, struct arena *a, struct http_request *out,
			       size_t *at)
{
	enum reason r = http_target_parse(h->target, a, &out->target, at);

	if (r) {
		*at += offset_in(h, h->target);
		return r;
	}
	r = check_host(h, out, at);
	if (!r)
		r = check_list(h, SLICE("connection"), at);
	if (!r)
		r = check_list(h, SLICE("upgrade"), at);
	out->wants_upgrade = http_header_find(h, SLICE("upgrade")) ||
			     http_header_find(h, SLICE("sec-websocket-key")) ||
			     http_header_has_token(h, SLICE("connection"), SLICE("upgrade"));
	return r ? r : check_body(h, out->wants_upgrade, at);
}

static bool method_is_known(enum http_method method)
{
	return method != HTTP_METHOD_OTHER && method != HTTP_TRACE && method != HTTP_CONNECT;
}

/* What is wrong with a request whose head is complete. */
static enum reason judge_complete(struct http_judgement *j, struct slice bytes, struct arena *a)
{
	enum reason r = http_request_check(&j->head, a, &j->request, &j->at);

	if (r)
		return r;
	j->at = 0;
	if (!method_is_known(j->head.method))
		return REASON_METHOD_NOT_ALLOWED;
	size_t behind = bytes.len - j->head.bytes;
	if (behind <= j->head.content_length)
		return REASON_NONE;
	j->at = j->head.bytes + (size_t)j->head.content_length;
	return REASON_HANDSHAKE_MALFORMED;
}

struct http_judgement http_request_judge(struct slice bytes, struct http_header *room,
					 size_t max_headers, size_t max_bytes, struct arena *a)
{
	struct http_judgement j = {.outcome = HTTP_PARSE_REFUSED};
	struct http_parser p;

	http_parser_init(&p, HTTP_REQUEST, room, max_headers, max_bytes);
	j.outcome = http_parser_feed(&p, bytes);
	j.reason = p.reason;
	j.at = p.at;
	if (j.outcome != HTTP_PARSE_DONE)
		return j;
	j.head = p.head;
	j.reason = judge_complete(&j, bytes, a);
	if (j.reason)
		j.outcome = HTTP_PARSE_REFUSED;
	return j;
}
