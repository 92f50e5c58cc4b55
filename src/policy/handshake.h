/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The gates of a handshake, in the order of what they cost.
 *
 *   limits_admit (address) > head > dispatch_request (Host, route) >
 *
 *   handshake_begin:   WebSocket conformance > subprotocols > Origin, Fetch metadata >
 *                      credential: ticket's tag | CSRF token > siege: is that enough now?
 *                          |                              \
 *                          v                               `anyone`
 *                      VERDICT_ASK: take ticket | verify cookie     |
 *                          |                                        |
 *   handshake_answer:  judge the answer, ticket's bindings           |
 *                          v                                        v
 *                      connections_per_identity ------------> VERDICT_PASS
 *                          |  with a shared store                   ^
 *                          `-> VERDICT_ASK: all nodes' ---- yes ----'
 *
 *   then the gateway: upstream > 101
 *
 * Pure: questions and answers go through the gateway. All memory comes from the arena given;
 * when that is full the verdict is OVERLOADED.
 */
#include "base/address.h"
#include "base/arena.h"
#include "conf/snapshot.h"
#include "http/handshake.h"
#include "policy/credential.h"
#include "policy/dispatch.h"
#include "policy/identity.h"
#include "policy/keys.h"
#include "policy/limits.h"
#include "policy/question.h"
#include "policy/siege.h"
#include "policy/token.h"
#include "policy/verdict.h"

/* Everything is valid until the last verdict, the bytes of the head included. */
struct handshake_input {
	const struct snapshot *conf;
	const struct keyset *keys;
	struct limits *limits;
	struct limits_receipt *receipt; /* of limits_admit; the identity is added to it */
	const struct http_head *head;
	const struct http_request *request;
	const struct dispatch *dispatch; /* DISPATCH_HANDSHAKE */
	const struct token_world *tokens; /* NULL: no token is good */
	struct address peer; /* the client, whatever proxies stand between: policy/peer.h */
	bool tls;            /* likewise */
	const struct certificate *certificate; /* verified; NULL: none */
	uint64_t now_unix_ms;
	struct siege_gate siege; /* zero: calm */
	struct arena *arena;
};

/* What is known when the verdict is PASS (and as far as it got, for the log, when not).
 * Texts are in the arena, the head or the snapshot. */
struct handshake {
	const struct handshake_input *in;
	struct http_handshake ws;
	struct http_deflate deflate; /* negotiated with the client */
	/* To offer to the application: the route's that the client offered, in its order. */
	struct slice protocols[HTTP_PROTOCOLS_MAX];
	size_t protocol_count;
	struct slice path;   /* decoded, for the log and for tickets */
	struct slice origin; /* empty: missing, which the route allows */
	struct credential credential;
	enum siege_guest guest; /* by what the credential is worth without asking anybody */
	struct identity identity;
	struct question question; /* with VERDICT_ASK */
	unsigned state;           /* private */
};

/* PASS, ASK or REFUSE. *in stays where it is until the last verdict. */
struct verdict handshake_begin(struct handshake *h, const struct handshake_input *in)
	__attribute__((warn_unused_result));

/* The answer to the question of an ASK: PASS or REFUSE. An answer nobody asked for refuses. */
struct verdict handshake_answer(struct handshake *h, const struct answer *answer,
				uint64_t now_unix_ms) __attribute__((warn_unused_result));
