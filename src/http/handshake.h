/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The opening handshake as a server reads it (RFC 6455 section 4.2.1).
 *
 * Pure conformance: whether the origin, the credential or the route are good is for policy/.
 */
#include <stdbool.h>

#include "http/extension.h"
#include "http/head.h"
#include "http/request.h"

enum {
	HTTP_PROTOCOLS_MAX = 32, /* offered subprotocols, carriers included */
	HTTP_KEY_CHARS = 24,     /* base64 of 16 bytes */
	HTTP_ACCEPT_CHARS = 28,  /* base64 of a SHA-1 */
};

/*
 * What was offered in Sec-WebSocket-Protocol. Carriers bring credentials past the browser's
 * API, which cannot set headers; they are not protocols, are never echoed and never
 * reach an application. Slices without the carrier's prefix; empty if not given.
 */
struct http_protocols {
	struct slice items[HTTP_PROTOCOLS_MAX]; /* of the application, in the order offered */
	size_t count;
	struct slice ticket; /* sallyport.ticket.<ticket> */
	struct slice csrf;   /* sallyport.csrf.<token> */
	struct slice bearer; /* bearer.<token> */
	bool control;        /* sallyport.control.v1: the client talks to the gateway too */
	bool offered;        /* there was a field at all */
};

struct http_handshake {
	struct slice key; /* Sec-WebSocket-Key: HTTP_KEY_CHARS characters */
	struct http_protocols protocols;
};

/*
 * Judges a request that http_request_check passed. In this order, the first that applies:
 *   METHOD_NOT_ALLOWED   405  not GET
 *   UPGRADE_REQUIRED     426  Upgrade does not list websocket
 *   HANDSHAKE_MALFORMED  400  it does, but Connection does not list Upgrade
 *   UPGRADE_REQUIRED     426  Sec-WebSocket-Version is not exactly 13
 *   HANDSHAKE_MALFORMED  400  Sec-WebSocket-Key missing or not the canonical base64 of 16 bytes;
 *                             Sec-WebSocket-Protocol no list of different tokens, a carrier
 *                             given twice or empty; more than HTTP_PROTOCOLS_MAX
 * Sec-WebSocket-Extensions is read by http_extensions_negotiate, once the route is known.
 * Returns REASON_NONE and fills in *out.
 */
enum reason http_handshake_check(const struct http_head *h, struct http_handshake *out);

/*
 * Splits the offered list. An unknown `sallyport.<x>` is neither a protocol nor a carrier and
 * is left out. False if malformed, as above.
 */
bool http_protocols_parse(const struct http_head *h, struct http_protocols *out);

/* The answer to a key (RFC 6455 section 4.2.2, 5.4): HTTP_ACCEPT_CHARS characters, no NUL. It is a
 * SHA-1, which this use does not need to resist collisions (section 10.8). Returns 0, or -errno
 * with out zeroed. */
int http_accept(struct slice key, char out[HTTP_ACCEPT_CHARS]) __attribute__((warn_unused_result));
