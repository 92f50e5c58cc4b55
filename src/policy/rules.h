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
 *           with a shared store: ... > detect --judgement.asks--> the store --rules_answer--> PASS
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

#include "base/arena.h"
#include "base/buf.h"
#include "base/charge.h"
#include "base/siphash.h"
#include "conf/snapshot.h"
#include "policy/context.h"
#include "policy/question.h"
#include "policy/quota.h"
#include "policy/verdict.h"

/* At most so many times as long is what a message is rewritten to: markup makes a text six
 * times as long, and so do JSON's escapes; `set` adds a little. Longer ones are refused. */
enum { RULES_GROWTH = 8 };

struct rules;
struct rules_room;

/* What one thread needs to judge messages: arena, validator's room, text that was rewritten. */
struct rules_room *rules_room_new(const struct siphash_key *secret);
struct rules_room *rules_room_free(struct rules_room *room);

/* Makes the first block large enough for the messages of all routes: once it is warm, judging
 * them allocates nothing. What was judged before is forgotten. To be called before the first
 * message of a route of that snapshot's is judged. */
void rules_room_fit(struct rules_room *room, const struct snapshot *conf);

/* Does the route's `allow` let them in? PASS, or REFUSE with NOT_ALLOWED or OVERLOADED. */
struct verdict rules_admit(const struct conf_route *route, const struct context_facts *facts,
			   uint64_t now_us, uint64_t now_unix_ms, struct arena *arena)
	__attribute__((warn_unused_result));

/*
 * The state of a session on that route (which must outlive it, or be replaced by
 * rules_reload), charged to the budget. The facts are copied; their identity's subject decides
 * whose messages are counted together. quota is shared by all sessions. NULL without memory or
 * room in the budget.
 */
struct rules *rules_new(const struct conf_route *route, const struct context_facts *facts,
			struct quota *quota, struct budget *budget, uint64_t now_us);

/* Gives everything back: slots of `running`, too. Accepts NULL, returns NULL. */
struct rules *rules_free(struct rules *r);

/* A session on that route needs a struct rules: its messages are judged, or its right to be
 * here may have to be asked again. */
bool rules_needed(const struct conf_route *route);

/*
 * From now on messages are judged by that route's rules. What was remembered stays where the
 * new contract remembers a message of that id. PASS, or REFUSE: NOT_ALLOWED when the new
 * `allow` does not let them in, DRAINING when the new rules ask for something that was not
 * kept from the handshake, so that the session has to come anew.
 */
struct verdict rules_reload(struct rules *r, const struct conf_route *route, uint64_t now_us,
			    uint64_t now_unix_ms) __attribute__((warn_unused_result));

/* A fresh credential of the same subject, with its claims. PASS or REFUSE, as above. */
struct verdict rules_identify(struct rules *r, const struct identity *identity, uint64_t now_us,
			      uint64_t now_unix_ms) __attribute__((warn_unused_result));

/* Where a message was found wrong, for the log: never what was in it. */
struct finding {
	struct slice message; /* id; empty: it was not recognised */
	uint32_t line;        /* of the rule; 0: none */
	struct slice pointer; /* JSON Pointer of the offence; "" is the whole message */
	bool has_pointer;
	const char *detail; /* keyword or word, static or in the snapshot; NULL */
};

/* Before a message is judged: nobody needs to, whatever it is. It counts as one that was judged and
 * let through as it came; judging it would have ended nothing and given nothing back. */
bool rules_let_pass(struct rules *r, bool client) __attribute__((warn_unused_result));

struct rules_message {
	struct slice text; /* whole; UTF-8 was checked if it is not binary */
	bool binary;
	uint64_t now_us;      /* monotonic */
	uint64_t now_unix_ms; /* for `now` */
};

struct judgement {
	enum reason reason;           /* NONE: let it through */
	const struct conf_rule *rule; /* that was asked; NULL: none was found */
	bool rewritten;               /* forward `text` instead of what came */
	bool waits;                   /* it was kept and comes out of rules_next */
	bool asks;                    /* it was kept and comes out of rules_answer */
	bool binary;                  /* of what was kept */
	struct slice text;            /* in the room, until it is used again */
	struct finding finding;
};

/* A client's message: *j is filled. What becomes of it is up to message_settle. The value zero of
 * judgement.reason lets through, so that is the one thing set last. True: nothing need become of
 * it, it goes as it came, and there is nothing to be given back. */
bool rules_judge_client(struct rules *r, struct rules_room *room, const struct rules_message *m,
			struct judgement *j);

/* An application's message. */
bool rules_judge_server(struct rules *r, struct rules_room *room, const struct rules_message *m,
			struct judgement *j);

/* --- `running`: what waits, and what has run too long */

/* Something of `running` is under way or waits. */
bool rules_runs(const struct rules *r);

/* Nothing of it is, and nothing is to be given back: what most sessions are always. */
bool rules_idle(const struct rules *r);

/* When rules_next should be asked (monotonic); UINT64_MAX: not until something else happens. */
uint64_t rules_deadline_us(const struct rules *r, uint64_t now_us);

enum rules_turn {
	RULES_NOBODY = 0,
	RULES_GOES, /* *text is to be forwarded; until the next call or answer */
	RULES_ASKS, /* as judgement.asks */
};

/* Gives back slots whose time is over, then the next message that may go now. */
enum rules_turn rules_next(struct rules *r, uint64_t now_us, struct slice *text, bool *binary);

/* --- what all nodes count together: with a shared store, and not `per: connection` */

/* A message was kept and the store has to be asked: q is filled. Until rules_answer no other
 * message of the client's may be judged. */
bool rules_question(const struct rules *r, struct question *q);

/* Its answer. Reason NONE: judgement.text is to be forwarded, unless it waits (then it comes out
 * of rules_next); until the next call. */
struct judgement rules_answer(struct rules *r, const struct answer *answer, uint64_t now_us)
	__attribute__((warn_unused_result));

/* Slots that have to be given back in the store, up to COUNTED_MAX of them; those in q are
 * forgotten here. False: none. Asked for after each call of the functions above. */
bool rules_give_back(struct rules *r, struct question *q);

/*
 * The session ends, and with it all but what it started: an operation that is under way goes on in
 * the application, so its slot stays taken until its deadline (here in the room, in the store by
 * itself). Who hangs up gains nothing. rules_give_back and rules_free are all that may come then.
 */
void rules_end(struct rules *r, struct rules_room *room);

/* When rules_room_sweep should be called (monotonic); UINT64_MAX: nothing is under way. */
uint64_t rules_room_deadline_us(const struct rules_room *room);

/* Gives back the slots whose time is over. */
void rules_room_sweep(struct rules_room *room, uint64_t now_us);
