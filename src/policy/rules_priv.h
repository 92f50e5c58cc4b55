/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What rules.c (rooms and sessions), rules_recognise.c and rules_judge.c (the gates; they also
 * share rules_turn.h) and rules_keep.c (what outlives a message) share. Private to them.
 *
 *   struct rules   the session's:  context | slots: last, when | leases and queue of `running`
 *   struct room    the thread's:   arena | validator | text
 */
#include "base/arena.h"
#include "base/buf.h"
#include "contract/schema.h"
#include "json/read.h"
#include "json/write.h"
#include "policy/rules.h"
#include "policy/shapes.h"

enum {
	RULES_ORPHANS_MAX = 4096,    /* operations of a thread's sessions that ended before them */
	RULES_LEASES_MAX = 64,       /* operations of one session under way */
	RULES_WAITING_MAX = 1000,    /* messages of one session that wait, whatever `queue` says */
	RULES_RETRY_US = 50000,      /* a slot that another session gave back is seen within this */
	RULES_ASK_AGAIN_US = 250000, /* one that another node gave back, within this */
	RULES_POINTER_BYTES = 256,
	RULES_KEYS = 4, /* a power of two */
};

/* What is kept about a message of the application's. */
struct rules_slot {
	uint64_t at_us; /* when it was let through last; 0: never */
	void *memory;   /* entries, then the copy of the message; NULL: not remembered */
	size_t bytes;   /* of memory */
	uint32_t entry_count;
};

/* A slot in the store. */
struct rules_held {
	uint8_t key[COUNTED_KEY_BYTES], slot[COUNTED_KEY_BYTES];
};

/* An operation under way. */
struct rules_lease {
	struct quota_slot slot;
	uint32_t until;                /* index in contract.messages */
	uint64_t deadline_us, time_ms; /* when it falls back; how long it may take */
	bool asking;                   /* the store has not said yes: it has not begun */
	bool shared;                   /* held is held, too */
	struct rules_held held;
};

/* What the store has to be asked about a message; count 0: nothing. */
struct rules_asked {
	struct counted items[COUNTED_MAX];
	enum quota_kind kinds[COUNTED_MAX]; /* of the items */
	size_t count;
	bool unique; /* and then this node remembers it: */
	uint64_t unique_key, unique_value, within_ms;
};

struct rules_waiting {
	struct rules_waiting *next;
	const struct conf_rule *rule; /* NULL: gone with a reload */
	struct rules_asked asked;
	uint64_t not_before_us;
	bool binary;
	size_t bytes;
	char text[];
};

/* A key that was made with four hashes, remembered: a session says the same again and again. */
struct rules_key {
	uint32_t what; /* rule, kind and per; 0: none yet */
	uint64_t key;
};

enum rules_content {
	RULES_JSON = 1,
	RULES_TEXT = 2,
	RULES_BINARY = 4,
	RULES_ANY = 8, /* no contract, and no rule that looks inside */
};

struct rules {
	const struct conf_route *route;
	struct quota *quota;
	struct budget *budget;
	struct charge charge;
	struct context context;
	struct rules_key keys[RULES_KEYS]; /* of this route's rules */
	struct rules_slot *slots;          /* messages.slots */
	struct cel_entry *last;            /* as many; last_count are there */
	struct rules_lease *leases;        /* lease_count, room for RULES_LEASES_MAX */
	struct rules_waiting *waiting, **waiting_end;
	struct rules_waiting *going;  /* came out of rules_next, until the next call */
	struct rules_waiting *asking; /* the store is asked about it */
	struct rules_held *given;     /* to be given back; given_count, room for RULES_LEASES_MAX */
	uint64_t slots_named;         /* so that none is named twice */
	uint32_t last_count, lease_count, waiting_count, given_count;
	struct {
		uint32_t at, bytes; /* in who_texts */
	} who[3];                   /* by enum conf_per: whose messages are counted together */
	uint8_t contents[2]; /* enum rules_content, of the client's and the server's messages */
	bool open[2];        /* whatever that side sends passes, and nothing is kept about it */
	char who_texts[];
};

static inline struct slice rules_who(const struct rules *r, enum conf_per per)
{
	return slice_of(r->who_texts + r->who[per].at, r->who[per].bytes);
}

/* An operation whose session ended before it did. */
struct rules_orphan {
	struct quota_slot slot;
	uint64_t deadline_us;
};

/* What a thread keeps of a route, for all its sessions. */
struct rules_memory {
	struct json_limits limits;    /* of its texts; those are UTF-8 */
	struct shapes client, server; /* of the messages of each */
};

struct rules_room {
	struct arena arena;
	struct schema_room *schema;
	struct buf text;
	struct siphash_key secret;
	char pointer[RULES_POINTER_BYTES];
	struct context_view view;     /* what the message's expressions see */
	struct rules_orphan *orphans; /* orphan_count, room for RULES_ORPHANS_MAX; or NULL */
	uint32_t orphan_count;

	/* Of the routes that the room was made to fit, route_count; or NULL. */
	struct rules_memory *memories;
	const struct conf_route *routes;
	size_t route_count;
	struct shapes_budget shapes_budget;
};

/* --- rules.c */

/* What JSON may be on that route. */
struct json_limits rules_json_limits(const struct conf_route *route, const struct rules_room *room);

/* --- rules_keep.c */

/* Makes the slots of r's route; false without memory. */
bool rules_keep_init(struct rules *r);
void rules_keep_deinit(struct rules *r);

/* The charge stands for what is held now. False: the budget has no room. */
bool rules_recharge(struct rules *r);

/* The server's message was let through: when, and with `remember` what. The object has
 * been changed by no edits. False without room: then it must not be let through. */
bool rules_remember(struct rules *r, const struct conf_rule *rule, const struct json_node *object,
		    uint64_t now_us, uint64_t now_unix_ms);

/* All of the rule's `after` hold. */
bool rules_in_turn(const struct rules *r, const struct conf_rule *rule, uint64_t now_us);

/* A slot of `running` was had, or there is room to wait for one, or neither. */
enum rules_run { RULES_BUSY = 0, RULES_RUNS, RULES_WAITS };
enum rules_run rules_run(struct rules *r, const struct conf_rule *rule, uint64_t now_us);

/* The operation that rules_run let go last did not begin after all. */
void rules_run_undo(struct rules *r);

/* The message waits for a slot, or else, with `asked`, for the store. False without room. */
bool rules_wait(struct rules *r, const struct conf_rule *rule, struct slice text, bool binary,
		const struct rules_asked *asked, bool for_slot);

/* The store has answered about the message in `asking`: it holds what was asked for, or does not;
 * and its operation begins, or does not. */
void rules_run_answered(struct rules *r, bool held, bool begins, uint64_t now_us);

/* The message in `asking` waits for a slot again, before all others. */
bool rules_wait_again(struct rules *r, uint64_t now_us);

/* The server sent that message: the oldest operation that waits for it is over. */
void rules_ran(struct rules *r, const struct conf_rule *until);

/* Which rule counts it, over whose messages. */
uint64_t rules_key(struct rules *r, enum quota_kind kind, enum conf_per per,
		   const struct conf_rule *rule);

/* After a change of route: what was kept, under the new numbers. */
bool rules_keep_reload(struct rules *r, const struct conf_route *route);

/* --- rules_shared.c */

/* What of the rule all nodes count, for that message; value: what `unique` looks at, or NULL.
 * False: the hash could not be had. */
bool rules_ask(struct rules *r, const struct conf_rule *rule, const struct json_node *value,
	       struct rules_asked *asked);
