/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Responses, written from scratch. Nothing that a client sent is repeated in one, but for the
 * subprotocol that the route lists, and that is checked again to be a token.
 *
 * All functions append to out and return 0, BUF_FULL or -ENOMEM as buf_append does; after a
 * failure out may hold a part and the connection is good only for closing.
 */
#include <stdint.h>

#include "base/buf.h"
#include "base/reason.h"
#include "http/extension.h"
#include "http/handshake.h"

/* The 101 (RFC 6455 section 4.2.2, 5). protocol may be empty. -EINVAL if it is no token. */
int http_respond_switch(struct buf *out, struct slice key, struct slice protocol,
			const struct http_deflate *deflate) __attribute__((warn_unused_result));

/* A refused request. */
struct http_refusal {
	enum reason reason;
	struct slice request;              /* the id that the log has too */
	unsigned retry_after_s;            /* for 429 and 503; 0 becomes 1 */
	const char *allow;                 /* for 405: "GET, HEAD"; NULL becomes "GET" */
	bool head_only;                    /* the method was HEAD: no body follows */
	bool keep_open;                    /* no `Connection: close`: for ordinary pages */
	uint64_t now_s;                    /* seconds since 1970 for Date; 0 leaves it out */
	const struct http_header *headers; /* more fields (CORS, for our own endpoints) */
	size_t header_count;
	struct slice members; /* more JSON members of the body, with commas between */
};

/*
 * application/problem+json (RFC 9457) with title, status, reason, request and `members` (at most
 * 256 bytes, well-formed: nobody looks); no-store, nosniff,
 * `Connection: close`. 401 carries WWW-Authenticate, 405 Allow, 426 Upgrade and
 * Sec-WebSocket-Version, 429 and 503 Retry-After.
 */
int http_respond_refusal(struct buf *out, const struct http_refusal *r)
	__attribute__((warn_unused_result));

/*
 * Any other response, field by field:
 *   http_respond_start(out, 200, now); http_respond_field(...); http_respond_end(out, body.len)
 * and the body behind it. http_respond_field refuses (-EINVAL, raised) what is no token or would
 * break the line; it does not look for fields given twice. http_respond_end writes Content-Length,
 * but none with 204 and 304 (status given again), and the blank line.
 */
int http_respond_start(struct buf *out, int status, uint64_t now_s)
	__attribute__((warn_unused_result));
int http_respond_field(struct buf *out, const char *name, struct slice value)
	__attribute__((warn_unused_result));
int http_respond_end(struct buf *out, int status, uint64_t body_bytes)
	__attribute__((warn_unused_result));

/* "Not Found"; "Unknown" for a status nobody here sends. */
const char *http_status_text(int status);

enum { HTTP_DATE_CHARS = 29 };

/* Seconds since 1970 as in `Sun, 06 Nov 1994 08:49:37 GMT`, no NUL (RFC 9110 section 5.6.7). */
void http_date_format(uint64_t now_s, char out[HTTP_DATE_CHARS]);
