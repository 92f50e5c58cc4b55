/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What travels to the application: the target and header fields of the request to it, built
 * from nothing. What is not named here stays outside.
 *
 *   the client's fields that the route's forward.headers names (never hop-by-hop ones, what
 *   Connection names, or names by which gateways say who somebody is)
 *   X-Forwarded-For, -Proto, -Host    one value each: ours
 *   Forwarded                         RFC 7239: for, host, proto
 *   Sallyport-Subject                 who it is; empty for `anyone`
 *   Sallyport-Request                 the id that the log has too
 *   Sallyport-Assertion               a signed statement of all that, with forward.assertion
 *   query parameters that forward.query names; never `ticket` or `csrf`
 *
 * The subject may be any text: all bytes but visible ASCII, and '%' itself, are written as
 * %XX, so that decoding gives exactly the subject and no byte of it can end the line.
 */
#include "base/address.h"
#include "base/arena.h"
#include "conf/snapshot.h"
#include "http/head.h"
#include "http/request.h"
#include "policy/identity.h"
#include "policy/route.h"
#include "policy/verdict.h"

enum { FORWARD_OWN_HEADERS = 7 };

struct forward_facts {
	const struct snapshot *conf; /* whose identities say where tokens are; NULL: nowhere */
	const struct conf_route *route;
	const struct conf_upstream *upstream; /* the one chosen */
	const struct route_match *match;
	const struct http_head *head;
	const struct http_request *request;
	const struct identity *identity;
	struct address peer;
	bool tls;
	struct slice request_id;
	struct slice assertion; /* of policy/assertion.h; empty: none */
};

struct forward {
	const struct http_header *headers;
	size_t header_count;
	struct slice target; /* path and query, encoded */
};

/* PASS with *out in the arena, or REFUSE with OVERLOADED (the arena is full), INTERNAL (a
 * parameter that is not the route's) or HANDSHAKE_MALFORMED (a query that cannot be read). */
struct verdict forward_build(const struct forward_facts *f, struct arena *a, struct forward *out)
	__attribute__((warn_unused_result));
