/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The own endpoints: POST /.sallyport/ticket, its CORS preflight, GET /.sallyport/csrf,
 * GET /.sallyport/client.js, POST /.sallyport/csp-report.
 *
 *   begin > [proof of work] > ASK verify cookie > answer > ASK put ticket > answer > PASS with
 *   the response
 *
 * The ticket endpoint puts CORS before WebSockets: it takes only requests that a browser asks
 * leave for (header `Sallyport: 1`), and answers them only for the origins of the route
 * that the ticket is for. A cookie credential needs an allowed Origin and the CSRF token
 * (header `Sallyport-CSRF`).
 *
 * Who may read /.sallyport/csrf: pages of this very origin, and pages of the origins of
 * routes that the session cookie opens (by itself or through a ticket). Nobody else gets
 * an answer, and no answer ever says `*`.
 *
 * The client library is for everybody: pages of any origin may load it, with `integrity`, and
 * nothing in it depends on who asks.
 *
 * A report of a violation comes from a browser that shows a page of this very origin, and
 * says where metadata comes along; it is answered 204 whatever it says.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "http/head.h"
#include "http/request.h"
#include "policy/credential.h"
#include "policy/dispatch.h"
#include "policy/identity.h"
#include "policy/keys.h"
#include "policy/proof.h"
#include "policy/question.h"
#include "policy/report.h"
#include "policy/siege.h"
#include "policy/token.h"
#include "policy/verdict.h"

enum {
	ENDPOINT_BODY_MAX = 4096, /* bytes of a request's body */
	ENDPOINT_HEADERS_MAX = 10,
	ENDPOINT_RANDOM_BYTES = 16,
};

/* Everything is valid until the last verdict. */
struct endpoint_input {
	const struct snapshot *conf;
	const struct keyset *keys;
	const struct http_head *head;
	const struct http_request *request;
	const struct dispatch *dispatch;  /* an own endpoint */
	const struct token_world *tokens; /* NULL: no token is good */
	struct slice body;               /* whole; of a POST */
	struct address peer; /* the client, whatever proxies stand between: policy/peer.h */
	bool tls;            /* likewise */
	const struct certificate *certificate; /* verified; NULL: none */
	uint64_t now_unix_ms;
	uint8_t random[ENDPOINT_RANDOM_BYTES]; /* fresh */
	struct siege_gate siege;               /* zero: calm */
	struct seen *proofs;                   /* that were used; NULL: none is good */
	bool good_network; /* somebody we know came from there lately: no proof is asked for */
	struct arena *arena;
};

struct endpoint {
	const struct endpoint_input *in;
	/* The response. With PASS: status, headers and body. With REFUSE only the headers (CORS,
	 * Vary), to go with the problem body, and `allow` for a 405. */
	int status;
	struct http_header headers[ENDPOINT_HEADERS_MAX];
	size_t header_count;
	struct slice body;
	const char *allow;
	struct slice problem; /* with REFUSE: members for the problem body, or empty */
	/* for the log */
	const struct conf_route *route; /* that the ticket is for, once it is known */
	struct slice path;              /* of it, decoded */
	struct slice origin;
	struct identity identity;
	struct reports reports;
	struct question question; /* with VERDICT_ASK */
	/* private */
	const struct conf_identity *ticket;
	struct credential credential;
	struct http_target target;
	struct route_match match; /* of it */
	unsigned state;
	uint8_t id[ENDPOINT_RANDOM_BYTES];
	uint64_t expires_unix_ms;
};

/* Bytes that a body for that endpoint may have. */
size_t endpoint_body_max(enum dispatch_kind kind);

/* PASS, ASK or REFUSE. */
struct verdict endpoint_begin(struct endpoint *e, const struct endpoint_input *in)
	__attribute__((warn_unused_result));

/* The answer to the last question: PASS, ASK (the next one) or REFUSE. */
struct verdict endpoint_answer(struct endpoint *e, const struct answer *answer,
			       uint64_t now_unix_ms) __attribute__((warn_unused_result));
