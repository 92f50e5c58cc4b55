/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Who is meant (Host) and who asks (Origin): well-formed or not, and their parts.
 *
 * These say nothing about who is allowed. Comparing is by part and exact; no suffixes, no
 * wildcards.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum http_scheme {
	HTTP_SCHEME_NONE = 0,
	HTTP_SCHEME_HTTP,
	HTTP_SCHEME_HTTPS,
	HTTP_SCHEME_WS,
	HTTP_SCHEME_WSS,
	HTTP_SCHEME_WS_UNIX,
};

/* 80 or 443; 0 for the others. */
uint16_t http_scheme_port(enum http_scheme scheme);

/* http and ws are the same to an origin, https and wss too. */
bool http_scheme_is_tls(enum http_scheme scheme);

struct http_authority {
	struct slice host; /* name or literal address; IPv6 without brackets */
	uint16_t port;     /* 0 if not written */
	bool is_ip;
	bool is_ipv6;
};

/*
 * `host[:port]` as in Host (RFC 9110 section 7.2), strictly: no user, no empty port, port 1-65535
 * without leading zeros, IPv6 in brackets, names of letters, digits, '-' and '_' in labels
 * of 1-63, 253 in all; one dot may end a name. A name whose last label is a number must be
 * a dotted IPv4 address: "0x7f.1" and "2130706433" are refused.
 * Upper case is accepted; compare with http_host_eq.
 */
bool http_authority_parse(struct slice text, struct http_authority *out);

/* The same without the dot that may end a name, in any case. */
bool http_host_eq(struct slice a, struct slice b);

enum http_origin_kind {
	HTTP_ORIGIN_MALFORMED = 0,
	HTTP_ORIGIN_NULL,  /* "null": an origin that equals nothing */
	HTTP_ORIGIN_TUPLE, /* scheme, host, port */
};

struct http_origin {
	enum http_origin_kind kind;
	struct slice scheme_text; /* lower case */
	enum http_scheme scheme;  /* NONE for foreign ones such as chrome-extension */
	struct slice host;        /* lower case, IPv6 without brackets */
	uint16_t port;            /* the scheme's own if not written; 0 if it has none */
	bool is_ip;
};

/*
 * A serialised origin (RFC 6454 section 6.2): `scheme://host[:port]` or `null`. Upper case, a
 * path, a user, a final slash or a second origin behind a space make it malformed: browsers write
 * none of these. A default port written out is accepted, since it names the same origin.
 */
struct http_origin http_origin_parse(struct slice text);

/* Is it the origin of pages served by this scheme, host and port (0: the scheme's own)?
 * False unless o is a TUPLE of http or https. */
bool http_origin_is(const struct http_origin *o, enum http_scheme scheme, struct slice host,
		    uint16_t port);
