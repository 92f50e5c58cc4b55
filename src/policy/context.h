/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What expressions may know of a connection: the variables of conf/rules.h but for the message.
 *
 *   handshake: request, identity --context_init--> copies, as long as the session lives
 *   a fresh credential           --context_identify--> other claims
 *   each evaluation              --context_show--> the variables, with now and connection.age
 *
 * Only what was asked for is kept: a variable that nobody mentions costs nothing, and one that
 * was not kept is an error when it is used, which refuses.
 */
#include "base/address.h"
#include "base/arena.h"
#include "cel/value.h"
#include "conf/snapshot.h"
#include "http/head.h"
#include "http/target.h"
#include "policy/identity.h"
#include "policy/route.h"

/* Who and where, at the moment of the handshake. */
struct context_facts {
	const struct identity *identity;
	const struct http_head *head;     /* NULL: no header fields */
	const struct http_target *target; /* NULL: no query */
	const struct route_match *match;  /* NULL: no parameters */
	struct slice path;                /* decoded */
	struct slice origin;              /* empty: missing */
	struct address peer;
	bool tls;
	struct slice connection_id;
};

struct context_part;

struct context {
	struct context_part *request, *identity; /* NULL: nothing of it was asked for */
	uint32_t kept;                           /* sum of 1 << enum conf_variable */
	uint64_t opened_us;
	int64_t messages; /* of the client, before the one at hand */
};

/* Keeps the variables in `keep`. False without memory, or with claims that cannot be read;
 * context_deinit is the caller's duty in any case. */
bool context_init(struct context *c, const struct context_facts *facts, uint32_t keep,
		  uint64_t now_us) __attribute__((warn_unused_result));

/* The same subject with other claims; what came before is forgotten. Returns as above. */
bool context_identify(struct context *c, const struct identity *identity)
	__attribute__((warn_unused_result));

/* What expressions see; zeroes at first, then used again and again, for one connection after the
 * other. */
struct context_view {
	struct cel_value slots[CONF_VARIABLES];
	uint32_t shown; /* sum of 1 << enum conf_variable: these may be something */
};

/* The context at that moment: what is kept. Everything else is an error to whoever uses it, the
 * message and `last` among it, which the caller may put into its slots. Valid until the context
 * changes. */
void context_show(const struct context *c, uint64_t now_us, uint64_t now_unix_ms,
		  struct context_view *view);

/* A variable of the request's or the identity's, as it is shown; NULL: it is not kept, or
 * another's. Valid until the context changes. */
const struct cel_value *context_value(const struct context *c, enum conf_variable v);

/* Bytes that it holds beside itself. */
size_t context_bytes(const struct context *c);

void context_deinit(struct context *c);
