/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What rules count over many connections: `rate`, `cost`, `unique`, `running`.
 *
 *   who (subject | address | connection) + which rule --siphash--> quota_key
 *
 *   rates    [tag | tat]      rate, cost: base/rate in a word per key
 *   counts   [tag | count]    running: how many are under way
 *   seen     [tag | until]    unique: values that came within the rule's time
 *
 * All workers share one struct quota; its memory is fixed when it is made and touched where it
 * is used; there is no lock: each word changes by compare-and-swap (policy/tally.h does the
 * first two). Keys are keyed hashes: nobody can choose what collides. A set full of counts, or
 * of values that still count, refuses; a set full of rates forgets the one paid back first.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/rate.h"
#include "base/siphash.h"
#include "base/slice.h"

struct quota;

/* The longest time for which a value can be remembered: 30 days. */
#define QUOTA_WITHIN_MAX_MS  (UINT64_C(30) * 24 * 3600 * 1000)

/* So many values of one key are remembered in its time, and not more than twice so many ever:
 * a thirty-second of the table, so that nobody fills it alone. */
#define QUOTA_VALUES_PER_KEY (UINT32_C(1) << 17)

/* NULL without memory. */
struct quota *quota_new(const struct siphash_key *key);

/* Other nodes count, too: what this one allows still has to be asked for in the store. Once,
 * before there are sessions. */
void quota_share(struct quota *q);
bool quota_is_shared(const struct quota *q);

/* Every slot was given back before. Accepts NULL, returns NULL. */
struct quota *quota_free(struct quota *q);

/* What is counted by itself: keys of different kinds never meet. */
enum quota_kind { QUOTA_RATE = 1, QUOTA_COST, QUOTA_UNIQUE, QUOTA_RUNNING };

/* Whose: subject, address or connection, made apart by the caller's prefix; and of which rule
 * (route's path and message's id; empty: the route's budget). */
uint64_t quota_key(const struct quota *q, enum quota_kind kind, struct slice who,
		   struct slice route, struct slice message);

/* For hashes of values: the same on all threads. */
const struct siphash_key *quota_secret(const struct quota *q);

/* Takes units of the rate; false: over it, and nothing was taken. now_us is monotonic. A key
 * belongs to one rate: another one may judge what was taken before by its own measure. */
bool quota_take(struct quota *q, uint64_t key, const struct rate *rate, uint64_t now_us,
		uint64_t units) __attribute__((warn_unused_result));

enum quota_seen {
	/* No room to remember it, or no time to remember it for (none, or more than
	 * QUOTA_WITHIN_MAX_MS): refuse. */
	QUOTA_SEEN_FULL = 0,
	QUOTA_SEEN_AGAIN, /* it came before */
	QUOTA_SEEN_NEW,
};

/* The value (by its hash with quota_secret) came within the time? `take`: remember
 * it, atomically with the question: of two that bring the same value at once one hears NEW. */
enum quota_seen quota_unique(struct quota *q, uint64_t key, uint64_t value_hash, uint64_t now_us,
			     uint64_t within_ms, bool take) __attribute__((warn_unused_result));

/* A slot of `running`; the zero slot holds nothing. */
struct quota_slot {
	_Atomic uint64_t *word;
	struct quota *from;
};

/* Takes one of at_most; false: all are taken, or there is no room. The slot is zero before. */
bool quota_run(struct quota *q, uint64_t key, uint32_t at_most, struct quota_slot *slot)
	__attribute__((warn_unused_result));

/* Harmless on a zero slot, and twice. */
void quota_release(struct quota_slot *slot);

/* Nobody holds a slot. For tests and the end of the process. */
bool quota_whole(const struct quota *q);
