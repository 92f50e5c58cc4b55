/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What every request must satisfy, whatever path it asks for.
 *
 * http/head refused what is not HTTP; this refuses what is HTTP but could be understood in two
 * ways, or announces what nothing here takes. The order of checks is by position
 * in the protocol, not by cost: all are cheap.
 */
#include "base/arena.h"
#include "http/head.h"
#include "http/origin.h"
#include "http/target.h"

struct http_request {
	struct http_target target;
	struct http_authority host; /* of the one Host field; port 0 if none is written */
	bool wants_upgrade;         /* has an Upgrade field, or Connection lists it, or any
				       Sec-WebSocket-Key */
};

/*
 * h is a complete request head. Decoded path segments come from the arena and live as long as
 * both the arena and h's bytes. Returns REASON_NONE and fills in *out; else
 *   HANDSHAKE_MALFORMED   Host missing or invalid; a path that has more than one reading;
 *                         Connection or Upgrade no list of tokens; a body announced on
 *                         an upgrade or with a method that has none (all but POST, PUT, PATCH)
 *   OVERLOADED            the arena is full
 * and *at is where in the head (the field's value, or 0 where something is missing).
 * Names with '_' in them are legal HTTP and pass; http_header_forwardable keeps them here.
 */
enum reason http_request_check(const struct http_head *h, struct arena *a, struct http_request *out,
			       size_t *at);

/* One whole request, judged in one go: for tools and tests, which have all bytes at once. */
struct http_judgement {
	enum http_parse outcome;
	enum reason reason; /* with REFUSED */
	size_t at;          /* with REFUSED: the guilty byte; with MORE: how many were read */
	struct http_head head;
	struct http_request request;
};

/*
 * As a listener would: the head, http_request_check, METHOD_NOT_ALLOWED for methods that no path
 * answers to (TRACE, CONNECT, unknown ones), and HANDSHAKE_MALFORMED for bytes behind the request:
 * a client has to wait for the answer before it says more (RFC 9931 for upgrades; for other
 * requests because that is where smuggled ones hide). An incomplete body is no fault.
 */
struct http_judgement http_request_judge(struct slice bytes, struct http_header *room,
					 size_t max_headers, size_t max_bytes, struct arena *a);
