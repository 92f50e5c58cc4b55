/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as an application's answer to our handshake. The first byte says how they are cut
 * and what was offered. Holds: pieces do not matter; what is verified has our Accept.
 */
#include "base/obj.h"
#include "http/header.h"
#include "http/upgrade.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEADERS = 16, BYTES = 4096 };

static const struct slice protocols[] = {SLICE_INIT("chat.v1"), SLICE_INIT("chat")};

static void verified(const struct http_head *h, bool offer)
{
	struct http_upgrade u = {
		.protocols = protocols,
		.protocol_count = offer ? 2 : 0,
		.offer_deflate = offer,
	};
	struct http_upgrade_answer answer;
	const char *detail = NULL;

	/* The key of the RFC's sample, so that seeds can hold its Accept. */
	http_upgrade_key((const uint8_t *)"the sample nonce", u.key);
	enum reason r = http_upgrade_verify(&u, h, &answer, &detail);
	MUST((r == REASON_NONE) == (detail == NULL));
	if (r) {
		MUST(!answer.deflate.on && answer.protocol.len == 0);
		return;
	}
	MUST(h->status == 101 && h->content_length == 0 && !h->has_transfer_encoding);
	MUST(slice_eq(http_header_find(h, SLICE("sec-websocket-accept"))->value,
		      SLICE("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")));
	MUST(offer || (!answer.deflate.on && answer.protocol.len == 0));
	MUST(!answer.deflate.on ||
	     (answer.deflate.server_bits >= 9 && answer.deflate.server_bits <= 15));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_header room[HEADERS], room_again[HEADERS];
	struct http_parser whole, p;

	if (size == 0)
		return 0;
	struct slice bytes = slice_of((const char *)data + 1, size - 1);
	http_parser_init(&whole, HTTP_RESPONSE, room, HEADERS, BYTES);
	enum http_parse outcome = http_parser_feed(&whole, bytes);
	http_parser_init(&p, HTTP_RESPONSE, room_again, HEADERS, BYTES);
	for (size_t len = 0; len < bytes.len; len += (data[0] & 0x7f) + 1u)
		(void)!http_parser_feed(&p, slice_first(bytes, len));
	MUST(http_parser_feed(&p, bytes) == outcome);
	MUST(p.at == whole.at && p.reason == whole.reason);
	MUST(p.head.status == whole.head.status && p.head.bytes == whole.head.bytes);
	if (outcome == HTTP_PARSE_DONE)
		verified(&whole.head, data[0] & 0x80);
	return 0;
}
