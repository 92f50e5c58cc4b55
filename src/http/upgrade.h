/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The opening handshake as a client speaks it: the request to the application, built anew
 * from what the caller names, and the verification of the answer (RFC 6455 section 4.1).
 *
 * Nothing of an answer is passed on: the client's own 101 is built anew too (http/respond.h).
 */
#include "base/buf.h"
#include "http/extension.h"
#include "http/handshake.h"

struct http_upgrade {
	struct slice target;    /* path and query, encoded; starts with '/' */
	struct slice authority; /* for Host */
	char key[HTTP_KEY_CHARS];
	const struct slice *protocols; /* offered, in order; may be none */
	size_t protocol_count;
	bool offer_deflate;
	/* Further fields, in order: what the caller's lists let through and what it adds itself.
	 * Names that frame the message or belong to the handshake are refused. */
	const struct http_header *headers;
	size_t header_count;
};

/* The key for 16 fresh random bytes. */
void http_upgrade_key(const uint8_t random[16], char key[HTTP_KEY_CHARS]);

/*
 * Appends the request. Returns 0, BUF_FULL, -ENOMEM, or -EINVAL (raised) if a target, authority,
 * protocol, name or value has a byte that does not belong there: then nothing was appended.
 */
int http_upgrade_write(const struct http_upgrade *u, struct buf *out)
	__attribute__((warn_unused_result));

struct http_upgrade_answer {
	struct slice protocol; /* chosen by the application; empty if none */
	struct http_deflate deflate;
};

/*
 * Is this response (from a parser of HTTP_RESPONSE) the valid answer to u? Exactly 101; Upgrade
 * is exactly one `websocket`; Connection lists Upgrade; one Sec-WebSocket-Accept, that of our
 * key; at most one protocol, one that we offered; extensions as offered; no body announced.
 * Returns REASON_NONE and fills in *out, or UPSTREAM_FAILED with *detail one constant word for
 * the log (status, upgrade, connection, accept, protocol, extension, body).
 */
enum reason http_upgrade_verify(const struct http_upgrade *u, const struct http_head *h,
				struct http_upgrade_answer *out, const char **detail);
