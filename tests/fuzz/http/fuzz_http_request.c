/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a request. The first byte says how the rest is cut into pieces.
 * Holds: pieces do not matter; what is accepted has one reading: written out again from its parts
 * it is accepted with the same parts, and no part holds what could end it.
 */
#include "base/buf.h"
#include "base/obj.h"
#include "http/handshake.h"
#include "http/header.h"
#include "http/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEADERS = 16, BYTES = 4096 };

static void put(struct buf *b, struct slice s)
{
	MUST(buf_append(b, s) == 0);
}

static void same_in_pieces(struct slice bytes, size_t step, const struct http_parser *whole,
			   enum http_parse wanted)
{
	struct http_header room[HEADERS];
	struct http_parser p;
	enum http_parse got = HTTP_PARSE_MORE;

	http_parser_init(&p, HTTP_REQUEST, room, HEADERS, BYTES);
	for (size_t len = 0; got == HTTP_PARSE_MORE; len += step) {
		len = len < bytes.len ? len : bytes.len;
		got = http_parser_feed(&p, slice_first(bytes, len));
		if (len == bytes.len)
			break;
	}
	MUST(got == wanted && p.at == whole->at && p.reason == whole->reason);
	MUST(p.head.bytes == whole->head.bytes && p.head.header_count == whole->head.header_count);
}

static void same_again(const struct http_head *h)
{
	struct http_header room[HEADERS];
	struct http_parser p;
	struct buf b;

	buf_init(&b, 4 * BYTES);
	put(&b, h->method_text);
	put(&b, SLICE(" "));
	put(&b, h->target);
	put(&b, SLICE(" HTTP/1.1\r\n"));
	for (size_t i = 0; i < h->header_count; i++) {
		MUST(http_token_ok(h->headers[i].name) && http_value_ok(h->headers[i].value));
		put(&b, h->headers[i].name);
		put(&b, SLICE(":"));
		put(&b, h->headers[i].value);
		put(&b, SLICE("\r\n"));
	}
	put(&b, SLICE("\r\n"));
	http_parser_init(&p, HTTP_REQUEST, room, HEADERS, BYTES);
	MUST(http_parser_feed(&p, buf_slice(&b)) == HTTP_PARSE_DONE);
	MUST(p.head.bytes == buf_waiting(&b) && p.head.header_count == h->header_count);
	MUST(p.head.method == h->method && slice_eq(p.head.target, h->target));
	MUST(p.head.content_length == h->content_length);
	for (size_t i = 0; i < h->header_count; i++) {
		MUST(slice_eq(p.head.headers[i].name, h->headers[i].name));
		MUST(slice_eq(p.head.headers[i].value, h->headers[i].value));
	}
	buf_deinit(&b);
}

static void judged(struct slice bytes)
{
	struct http_header room[HEADERS];
	struct http_handshake hs;
	struct arena a;

	arena_init(&a, 1024, 1 << 16);
	struct http_judgement j = http_request_judge(bytes, room, HEADERS, BYTES, &a);
	MUST(j.at <= bytes.len);
	MUST((j.outcome == HTTP_PARSE_REFUSED) == (j.reason != REASON_NONE));
	if (j.outcome == HTTP_PARSE_DONE) {
		MUST(http_header_count(&j.head, SLICE("host")) == 1);
		MUST(!http_header_find(&j.head, SLICE("transfer-encoding")));
		MUST(!j.request.wants_upgrade || j.head.content_length == 0);
		if (http_handshake_check(&j.head, &hs) == REASON_NONE) {
			MUST(j.head.method == HTTP_GET && j.request.wants_upgrade);
			MUST(hs.key.len == HTTP_KEY_CHARS);
		}
	}
	arena_deinit(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_header room[HEADERS];
	struct http_parser p;

	if (size == 0)
		return 0;
	struct slice bytes = slice_of((const char *)data + 1, size - 1);
	http_parser_init(&p, HTTP_REQUEST, room, HEADERS, BYTES);
	enum http_parse outcome = http_parser_feed(&p, bytes);
	same_in_pieces(bytes, (size_t)data[0] + 1, &p, outcome);
	if (outcome == HTTP_PARSE_DONE)
		same_again(&p.head);
	judged(bytes);
	return 0;
}
