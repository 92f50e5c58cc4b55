/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Where tickets wait until somebody presents them, what was revoked is passed on, and what
 * all nodes count together is counted: of messages, and a subject's connections.
 *
 *   put, take ---> memory   this process's own: done when the call returns
 *             ---> redis    shared by all nodes: done when Redis has answered
 *
 * A record is put once and taken once: whoever takes it has it out of the store, and
 * nobody else gets it. Bytes in, bytes out: what they mean is policy/ticket.h's business.
 * A genuine ticket that is not here was used (or lost with the store): both are
 * TICKET_USED to its bearer, so nothing is remembered about what was taken.
 *
 * A store that cannot be asked says STORE_AWAY, at once or after STORE_ANSWER_MS at the
 * latest. Whether a record was taken may not be known then: it is not given to anybody.
 *
 * Belongs to the control thread but for store_put_now and store_take_now; time is wall-clock.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/counted.h"
#include "base/siphash.h"
#include "base/slice.h"

enum { STORE_ID_BYTES = 16, STORE_ANSWER_MS = 1000 };

struct store;

enum {
	STORE_FULL = 1,   /* put: no room for one more, even without the expired ones; enter: max */
	STORE_EXISTS = 2, /* put: an id that is there already */
	STORE_ABSENT = 3, /* take: never put, taken before, or expired */
	STORE_AWAY = 4,   /* it could not be asked */
	STORE_OVER = 5,   /* counted: one of them is over what it may be */
};

/* Called once for each put, take, enter and publish, perhaps before it returns. r is 0, one of the
 * above, or -ENOMEM; record is what was taken, valid during the call, and empty otherwise. */
typedef void (*store_fn)(void *arg, int r, struct slice record);

/* At most max_entries records of max_bytes together. The key is 16 random bytes. NULL
 * without memory. Redis: store/redis.h. */
struct store *store_new_memory(const struct siphash_key *key, size_t max_entries, size_t max_bytes);

/* What is under way gets STORE_AWAY first. Wipes and frees. Accepts NULL, returns NULL. */
struct store *store_free(struct store *s);

/* Copies the record. */
void store_put(struct store *s, const uint8_t id[STORE_ID_BYTES], struct slice record,
	       uint64_t expires_unix_ms, uint64_t now_unix_ms, store_fn fn, void *arg);

void store_take(struct store *s, const uint8_t id[STORE_ID_BYTES], uint64_t now_unix_ms,
		store_fn fn, void *arg);

/*
 * The same from any thread, for a store that can answer at once. False: nothing was done, and the
 * control thread has to ask. *r is what store_put would say; fn was called before store_take_now
 * returns true.
 */
bool store_put_now(struct store *s, const uint8_t id[STORE_ID_BYTES], struct slice record,
		   uint64_t expires_unix_ms, uint64_t now_unix_ms, int *r);
bool store_take_now(struct store *s, const uint8_t id[STORE_ID_BYTES], uint64_t now_unix_ms,
		    store_fn fn, void *arg);

/*
 * One more connection of that subject, of which all nodes together may have max. 0: it is
 * counted until store_leave. STORE_FULL: it would be one too many. STORE_AWAY: the store
 * answers, but not that. While the store is away only this node's own are known: they were
 * compared with max before (policy/limits.h), so it is counted, and told when the store is
 * back. In memory there are no other nodes, and nothing is counted twice.
 */
void store_enter(struct store *s, struct slice subject, uint64_t max, store_fn fn, void *arg);

/* One less. */
void store_leave(struct store *s, struct slice subject);

/* Tells all other nodes what was revoked; 0 once they can read it. Nobody else is there
 * to be told by a store in memory. kind and text are passed on as they are. */
void store_publish(struct store *s, uint8_t kind, struct slice text, uint64_t at_unix_ms,
		   store_fn fn, void *arg);

/* What the other nodes published is told again from the beginning. */
void store_tell_again(struct store *s);

/* Called once for each take, perhaps before it returns. r is 0: all of them were taken;
 * STORE_OVER: nothing was, because of items[over]; STORE_AWAY or -ENOMEM: nobody knows. */
typedef void (*store_counted_fn)(void *arg, int r, size_t over);

/* Takes all of up to COUNTED_MAX items, or nothing. They are copied. Nobody else counts with a
 * store in memory: there everything is taken. */
void store_counted_take(struct store *s, const struct counted *items, size_t count,
			store_counted_fn fn, void *arg);

/* Gives the slot of that key back. Where that cannot be said it falls back in its time. */
void store_counted_give(struct store *s, const uint8_t key[COUNTED_KEY_BYTES],
			const uint8_t slot[COUNTED_KEY_BYTES]);

/* It can be asked at the moment. */
bool store_up(const struct store *s);

/* What other nodes have published before now was told, once at least. */
bool store_told_all(const struct store *s);

/* Forgets what has expired. Called now and then, by a timer. Returns how many. */
size_t store_sweep(struct store *s, uint64_t now_unix_ms);

/* Records at the moment, as far as this process knows. */
size_t store_count(struct store *s);
