/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Who may ask: the Origin header and Fetch metadata.
 *
 * An origin is on a route's list when it is there byte for byte (browsers write only one
 * form), or, with `same`, when it is the origin of the request's own scheme and Host.
 * `null` is never allowed, nor is more than one Origin.
 */
#include <stdbool.h>

#include "conf/snapshot.h"
#include "http/head.h"
#include "http/origin.h"
#include "policy/verdict.h"

struct origin_facts {
	const struct http_head *head;
	const struct http_authority *host; /* of the request: one of ours already */
	bool tls;                          /* the listener's scheme is https */
};

/* The Origin header as sent; empty if there is none. False when there are two. */
bool origin_presented(const struct http_head *head, struct slice *origin);

/* Is that origin allowed? A missing one is not. */
bool origin_on_list(const struct conf_origins *o, const struct origin_facts *f,
		    struct slice origin);

/*
 * The gate of a WebSocket handshake. PASS with *origin (empty: missing, and the route says
 * that this is allowed), or REFUSE with ORIGIN_MISSING or ORIGIN_NOT_ALLOWED.
 *
 * Sec-Fetch-Mode, when present, must be `websocket`. Sec-Fetch-Site, when present, is
 * judged with `same` only and must then be `same-origin` (`none` means that a person typed
 * an address, which opens no socket). Either of them twice is refused. Their absence
 * decides nothing: not every browser sends them.
 */
struct verdict origin_judge_handshake(const struct conf_origins *o, const struct origin_facts *f,
				      struct slice *origin) __attribute__((warn_unused_result));

/*
 * The gate of a request to an own endpoint, made by a script: as above, but Sec-Fetch-Mode
 * must be `cors` or `same-origin`.
 */
struct verdict origin_judge_fetch(const struct conf_origins *o, const struct origin_facts *f,
				  struct slice *origin) __attribute__((warn_unused_result));
