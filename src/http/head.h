/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The head of an HTTP/1.1 message: start line and header fields (RFC 9112), read strictly.
 *
 *      bytes so far  --http_parser_feed-->  MORE      call again with more behind them
 *                                           DONE      parser.head is filled in
 *                                           REFUSED   parser.reason, parser.at
 *
 * It refuses at the earliest byte that proves guilt, wherever the input was cut into
 * pieces, and looks at each byte once. It takes only what every other parser reads the
 * same way: CR LF ends each line, nothing else does; no blank line before the start line
 * (RFC 9112 section 2.2 would let us skip one); HTTP/1.1 and no other version; single
 * spaces in the start line; origin-form targets ("*" with OPTIONS only); names are
 * tokens with the colon right behind; no folding; in a request no byte above 0x7E in a
 * value, because a value may travel on to a reader that takes 0x85 for a line's end.
 *
 * What depends on the field's meaning but not on the route is refused here too, as soon as
 * its line ends: any Transfer-Encoding or Expect in a request, a Content-Length that
 * is no plain number, a second line of a field that may come once. http/request.h asks the rest.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/reason.h"
#include "base/slice.h"

/* Text that the head's own bytes hold: valid as long as the bytes given to the last
 * http_parser_feed stay where they are. */
struct http_header {
	struct slice name;  /* a token, in the sender's case */
	struct slice value; /* without white space around it; may be empty */
};

enum http_method {
	HTTP_METHOD_OTHER = 0, /* any other token; nothing here takes it */
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_PUT,
	HTTP_DELETE,
	HTTP_OPTIONS,
	HTTP_PATCH,
	HTTP_TRACE,   /* known in order to be refused */
	HTTP_CONNECT, /* likewise; its authority-form target never parses */
};

struct http_head {
	/* of a request */
	enum http_method method;
	struct slice method_text;
	struct slice target; /* starts with '/', or is "*" */
	/* of a response */
	int status; /* 100 to 599 */
	struct slice phrase;
	/* of both */
	const struct http_header *headers;
	size_t header_count;
	size_t bytes; /* length of the head with the blank line; the body starts here */
	bool has_content_length;
	bool has_transfer_encoding; /* responses only; a request with one is refused */
	uint64_t content_length;    /* 0 if has_content_length is false */
};

enum http_parse {
	HTTP_PARSE_REFUSED = 0,
	HTTP_PARSE_MORE,
	HTTP_PARSE_DONE,
};

enum http_side {
	HTTP_REQUEST = 0,
	HTTP_RESPONSE,
};

struct http_parser {
	struct http_head head; /* after DONE */
	enum reason reason;    /* after REFUSED: HANDSHAKE_MALFORMED or HEAD_TOO_LARGE */
	size_t at;             /* the next byte to look at; after REFUSED the guilty one */
	/* private */
	enum http_side side;
	unsigned state;
	struct http_header *room;
	size_t max_headers, max_bytes;
	size_t mark;     /* where the piece under way starts */
	size_t name_len; /* of the field under way */
	size_t fields;   /* complete ones */
	uint32_t seen;   /* fields that may come once */
};

/*
 * room has max_headers entries and belongs to the caller. It is written only when the head is
 * complete and read only through head.headers, so parsers may share one room as long as
 * nobody looks at an older head. A head of exactly max_bytes passes.
 */
void http_parser_init(struct http_parser *p, enum http_side side, struct http_header *room,
		      size_t max_headers, size_t max_bytes);

/*
 * `bytes` is everything from the first byte of the message: what was given before, unchanged
 * (it may have moved in memory), and more behind it. Bytes behind the head are not looked
 * at. After DONE or REFUSED further calls change nothing and return the same.
 */
enum http_parse http_parser_feed(struct http_parser *p, struct slice bytes)
	__attribute__((warn_unused_result));

/* "GET" and so on; "" for HTTP_METHOD_OTHER. */
const char *http_method_text(enum http_method method);
