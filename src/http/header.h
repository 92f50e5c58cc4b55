/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Header fields: finding them, reading lists in them, and which of them may travel on.
 *
 * Names compare without regard to ASCII case. All functions take linear time and keep
 * no copies: slices point into the head's bytes.
 */
#include <stdbool.h>

#include "base/buf.h"
#include "http/head.h"

/* One or more tchar (RFC 9110 section 5.6.2). */
bool http_token_ok(struct slice s);

/* What may stand in a field value that we write: visible ASCII, space and tab between. */
bool http_value_ok(struct slice s);

/* The first field with that name, or NULL. */
const struct http_header *http_header_find(const struct http_head *h, struct slice name);

/* How many fields have that name. */
size_t http_header_count(const struct http_head *h, struct slice name);

/* The value of the only field with that name; false if there is none or more than one.
 * `value` is written only when true is returned. */
bool http_header_single(const struct http_head *h, struct slice name, struct slice *value);

/* RFC 9110 section 5.6.1 asks readers to bear with "a reasonable number" of empty elements. */
enum { HTTP_LIST_EMPTY_MAX = 8 };

/*
 * The tokens of all fields with one name, in order: `Connection: keep-alive, Upgrade`.
 * Start with http_tokens_start, then http_tokens_next until false. `malformed` is then
 * true if something was no token, or too much was empty; the token before it was given out already.
 */
struct http_tokens {
	const struct http_head *head;
	struct slice name;
	size_t next_header;
	struct slice rest;
	bool more; /* rest is unfinished */
	unsigned empty;
	bool slash_ok; /* `protocol/version` is one token, as in Upgrade */
	bool malformed;
};

void http_tokens_start(struct http_tokens *t, const struct http_head *h, struct slice name);
bool http_tokens_next(struct http_tokens *t, struct slice *token);

/* The fields of that name are a list that has this token (in any case). False if the list is
 * malformed. */
bool http_header_has_token(const struct http_head *h, struct slice name, struct slice token);

/* A list of that name (one or more fields) has nothing but tokens in it; true if there is none. */
bool http_header_tokens_ok(const struct http_head *h, struct slice name);

/*
 * May a client's field of that name be sent to an application at all? Never: hop-by-hop
 * fields, framing, Host, everything of the WebSocket handshake, and the names by which
 * gateways say who somebody is (X-Forwarded-*, Forwarded, X-Real-IP, Sallyport-*, ...).
 * A name with '_' is never sent: behind CGI-like servers X_Forwarded_User is the same
 * variable as X-Forwarded-User. Being forwardable is not enough: the route's list decides.
 */
bool http_header_forwardable(struct slice name);

/* Connection lists that name (RFC 9110 section 7.6.1): it must not travel on. True also
 * when Connection is malformed. */
bool http_header_nominated(const struct http_head *h, struct slice name);

/* Appends "name: value" and the line's end. Both are good: http_token_ok, http_value_ok. Returns as
 * buf_append, with nothing appended if not 0. */
int http_header_write(struct buf *out, struct slice name, struct slice value)
	__attribute__((warn_unused_result));
