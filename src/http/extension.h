/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Sec-WebSocket-Extensions (RFC 6455 section 9.1), of which permessage-deflate (RFC 7692) is
 * the only one known, and only without context takeover.
 *
 * One pass over the text, no backtracking, no allocation; the table of parameters is closed.
 */
#include <stdbool.h>

#include "http/head.h"

/* What both sides agreed on; the zero one is no compression. Neither side keeps context. */
struct http_deflate {
	bool on;
	uint8_t server_bits; /* the window the server compresses with: 9-15 */
	uint8_t client_bits; /* the window the client compresses with: 9-15 */
};

/*
 * The server's side. Goes through all offers of the request, in order, and takes the first
 * permessage-deflate that can be served if `allowed`; offers with an unknown, repeated or invalid
 * parameter are declined (RFC 7692 section 7.1), as is a server window of 8 bits, which zlib cannot
 * make. Unknown extensions are declined too. Returns REASON_NONE, out->on saying whether one was
 * taken, or HANDSHAKE_MALFORMED if the field does not follow its grammar or offers more than 16.
 */
enum reason http_extensions_negotiate(const struct http_head *h, bool allowed,
				      struct http_deflate *out);

/* What a server answers: valid for static use; empty if off. */
struct slice http_deflate_answer(const struct http_deflate *d, char *room, size_t bytes);

/* What we offer an application as its client. */
extern const struct slice http_deflate_offer;

/*
 * The client's side: is this response's field an answer to what was offered (`offered`: the line
 * above; else nothing was, and any extension is wrong)? False if not. *out says what is on.
 */
bool http_extensions_verify(const struct http_head *h, bool offered, struct http_deflate *out);
