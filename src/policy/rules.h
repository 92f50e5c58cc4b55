/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The message against the contract and its rule: the heart of the gateway.
 *
 *   bytes --json_read--> tape --which message?--> struct conf_rule
 *
 *   client:  rate > set > undeclared, schema > allow > after > unique > cost > running
 *            > text > detect > unique taken                            --> PASS or REWRITE
 *   server:  undeclared, schema > allow > drop > redact, text > remember --> PASS or REWRITE
 *
 * The first gate that says no ends it. Pure: time comes in, memory is the room's arena and
 * nothing is allocated per message once it is warm; what outlives a message (`remember`,
 * `after`, `running`) is in the session's struct rules, charged to its budget.
 *
 * A message that nothing changed is forwarded as it came (PASS); else as the text in
 * judgement.text (REWRITE): compact JSON, members in their order.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/charge.h"
#include "base/siphash.h"
#include "conf/snapshot.h"
#include "policy/identity.h"
#include "policy/quota.h"
#include "policy/route.h"
#include "policy/verdict.h"

struct rules;
struct rules_room;

/* What one thread needs to judge messages: arena, validator's room, text that was rewritten. */
struct rules_room *rules_room_new(const struct siphash_key *secret);
struct rules_room *rules_room_free(struct rules_room *room);

/* Makes the first block large enough for the messages of all routes: afterwards judging them
 * allocates nothing. Returns 0 or -ENOMEM. */
int rules_room_fit(struct rules_room *room, const struct snapshot *conf);

/* Who and where, at the moment of the handshake. Copied; need not live on. */
struct rules_facts {
	const struct identity *identity;
	const struct http_head *head; /* NULL: no header fields */
	const struct http_target *target;
	const struct route_match *match;
	struct slice path;   /* decoded */
	struct slice origin; /* empty: missing */
	struct address peer;
	bool tls;
	struct slice connection_id;
};

/* Does the route's `allow` let them in? PASS or REFUSE with NOT_ALLOWED (or OVERLOADED). The
 * arena need live only during the call. */
struct verdict rules_allow_route(const struct conf_route *route, const struct rules_facts *facts,
				 uint64_t now_unix_ms, struct arena *arena)
	__attribute__((warn_unused_result));

/*
 * The state of a session on that route (which must outlive it, or be replaced by
 * rules_reload), charged to the budget. quota is shared by all sessions. NULL without memory or
 * room in the budget; a route whose messages are not judged needs none.
 */
struct rules *rules_new(const struct conf_route *route, const struct rules_facts *facts,
			struct quota *quota, struct budget *budget, uint64_t now_us);

/* Gives everything back: slots of `running`, too. Accepts NULL, returns NULL. */
struct rules *rules_free(struct rules *r);

/* From now on messages are judged by that route's rules. What was remembered stays where the
 * new contract remembers a message of that id. False: the new rules ask for something that
 * was not kept from the handshake; the session has to come anew. */
bool rules_reload(struct rules *r, const struct conf_route *route)
	__attribute__((warn_unused_result));

/* Where a message was found wrong, for the log: never what was in it. */
struct finding {
	struct slice message; /* id; empty: it was not recognised */
	uint32_t line;        /* of the rule; 0: none */
	struct slice pointer; /* JSON Pointer of the offence; "" is the whole message */
	const char *detail;   /* keyword or word, static; NULL */
	size_t offset;        /* in bytes, of what is no JSON */
	bool has_pointer, has_offset;
};

struct rules_message {
	struct slice text; /* whole; UTF-8 was checked if it is not binary */
	bool binary;
	uint64_t now_us;      /* monotonic */
	uint64_t now_unix_ms; /* for `now` */
};

struct judgement {
	enum reason reason;        /* NONE: let it through */
	const struct conf_rule *rule; /* that was asked; NULL: none was found */
	bool rewritten;
	struct slice text; /* to forward; in the message or the room, until the next call */
	bool wait;         /* `running` is full and its queue has room: try again later */
	struct finding finding;
};

/* A client's message. What became of it is up to message_refuse and the route. */
struct judgement rules_judge_client(struct rules *r, struct rules_room *room,
				    const struct rules_message *m)
	__attribute__((warn_unused_result));

/* An application's message. */
struct judgement rules_judge_server(struct rules *r, struct rules_room *room,
				    const struct rules_message *m)
	__attribute__((warn_unused_result));

/* The earliest moment (monotonic, us) at which a slot of `running` falls back or a message that
 * waits should be tried again; UINT64_MAX: never. And what to do then. */
uint64_t rules_deadline_us(const struct rules *r);
void rules_on_deadline(struct rules *r, uint64_t now_us);
