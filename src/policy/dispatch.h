/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a request is for: the first gate behind the parser, the same for all requests.
 *
 *   Host is ours? --no--> 421
 *   /.sallyport/... ----> an own endpoint, or 404
 *   a route's path -----> a handshake (or refused as one)
 *   a site's path ------> a page
 *   else ---------------> 404
 */
#include "http/head.h"
#include "http/request.h"
#include "policy/host.h"
#include "policy/route.h"
#include "policy/verdict.h"

enum dispatch_kind {
	DISPATCH_NOTHING = 0,
	DISPATCH_HANDSHAKE, /* route, match */
	DISPATCH_TICKET,    /* POST /.sallyport/ticket and its preflight: policy/endpoint.h */
	DISPATCH_CSRF,      /* GET /.sallyport/csrf */
	DISPATCH_CLIENT,    /* GET /.sallyport/client.js: policy/client.h */
	DISPATCH_REPORT,    /* POST /.sallyport/csp-report: policy/report.h */
	DISPATCH_SITE,      /* site, match */
};

/* One of the gateway's own: policy/endpoint.h. */
static inline bool dispatch_is_own(enum dispatch_kind kind)
{
	return kind == DISPATCH_TICKET || kind == DISPATCH_CSRF || kind == DISPATCH_CLIENT ||
	       kind == DISPATCH_REPORT;
}

struct dispatch {
	enum dispatch_kind kind;
	const struct conf_route *route;
	const struct conf_site *site;
	struct route_match match;
};

/* PASS with *out; REFUSE with HOST_UNKNOWN, ROUTE_UNKNOWN or, for a page, METHOD_NOT_ALLOWED
 * (anything but GET and HEAD). */
struct verdict dispatch_request(const struct host_facts *f, const struct http_head *head,
				const struct http_request *r, struct dispatch *out)
	__attribute__((warn_unused_result));
