/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rates and counts are policy/tally's; here is the table of values that were seen.
 *
 *   a set of 16 words:   [ newest | older | older | ... ]     each [tag 30 | until 34]
 *
 * A value comes in by replacing the newest word, after that one was copied to a word whose time
 * is over. So all who bring something new into a set meet at one word: if it still is what it
 * was before they looked at the others, nobody has brought the same value meanwhile; otherwise
 * they look again. Of two threads that bring a value at once exactly one hears NEW. A thread
 * that stops in between leaves at most a copy too many, and nobody waits for it.
 */
#include "policy/quota.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/obj.h"
#include "policy/quota_priv.h"
#include "policy/tally.h"

enum {
	SEEN_TICK_MS = 10,
	SEEN_UNTIL_BITS = 34, /* five years to a turn */
};

#define SEEN_UNTIL_MASK ((UINT64_C(1) << SEEN_UNTIL_BITS) - 1)

/* 48 MiB of address space together, touched where used. */
#define RATE_WORDS      (UINT64_C(1) << 20)
#define RUN_WORDS       (UINT64_C(1) << 20)
#define SEEN_WORDS      (UINT64_C(1) << 22)

struct quota {
	struct siphash_key key;
	struct tally rates, counts, seen;
	bool shared;
};

struct quota *quota_new(const struct siphash_key *key)
{
	struct quota *q = calloc(1, sizeof(*q));
	if (!q)
		return NULL;
	q->key = *key;
	if (!tally_make(&q->rates, RATE_WORDS, TALLY_RATE_WAYS) ||
	    !tally_make(&q->counts, RUN_WORDS, TALLY_COUNT_WAYS) ||
	    !tally_make(&q->seen, SEEN_WORDS, QUOTA_SEEN_WAYS))
		return quota_free(q);
	return q;
}

struct quota *quota_free(struct quota *q)
{
	if (q) {
		tally_unmake(&q->rates);
		tally_unmake(&q->counts);
		tally_unmake(&q->seen);
		free(q);
	}
	return NULL;
}

void quota_share(struct quota *q)
{
	q->shared = true;
}

bool quota_is_shared(const struct quota *q)
{
	return q->shared;
}

uint64_t quota_key(const struct quota *q, enum quota_kind kind, struct slice who,
		   struct slice route, struct slice message)
{
	/* Each by itself: no two of them can be cut in another place. */
	const uint64_t parts[] = {
		(uint64_t)kind,
		siphash(&q->key, who),
		siphash(&q->key, route),
		siphash(&q->key, message),
	};
	return siphash(&q->key, slice_of((const char *)parts, sizeof(parts)));
}

const struct siphash_key *quota_secret(const struct quota *q)
{
	return &q->key;
}

bool quota_take(struct quota *q, uint64_t key, const struct rate *rate, uint64_t now_us,
		uint64_t units)
{
	return tally_rate(&q->rates, key, rate, now_us, units) == 0;
}

/* --- values */

static uint64_t seen_tag(uint64_t word)
{
	return word >> SEEN_UNTIL_BITS;
}

uint64_t quota_word(uint64_t tag, uint64_t until)
{
	return tag << SEEN_UNTIL_BITS | (until & SEEN_UNTIL_MASK);
}

/* Its time is neither over nor further away than any can be. */
static bool seen_counts(uint64_t word, uint64_t now)
{
	uint64_t ahead = (word - now) & SEEN_UNTIL_MASK;
	return word && ahead > 0 && ahead <= QUOTA_WITHIN_MAX_MS / SEEN_TICK_MS + 1;
}

/* The newest first: what it was when the others are looked at is what must be in its place
 * when it is replaced. */
struct quota_look quota_look(_Atomic uint64_t *set, uint64_t tag, uint64_t now)
{
	struct quota_look look = {.newest = atomic_load(&set[0])};
	bool copied = !seen_counts(look.newest, now);
	look.again = !copied && seen_tag(look.newest) == tag;
	for (unsigned way = 1; way < QUOTA_SEEN_WAYS; way++) {
		uint64_t word = atomic_load(&set[way]);
		if (seen_counts(word, now)) {
			look.again |= seen_tag(word) == tag;
			copied |= word == look.newest;
		} else if (!look.copy_to) {
			look.copy_to = &set[way];
			look.copy_over = word;
		}
	}
	look.crowded = !copied && !look.copy_to;
	if (copied)
		look.copy_to = NULL;
	return look;
}

bool quota_replace(_Atomic uint64_t *set, struct quota_look *look, uint64_t wanted)
{
	if (look->copy_to &&
	    !atomic_compare_exchange_strong(look->copy_to, &look->copy_over, look->newest))
		return false;
	return atomic_compare_exchange_strong(&set[0], &look->newest, wanted);
}

/* So many values of one key within its time: others need room, too. */
static bool within_share(struct quota *q, uint64_t key, uint64_t now_us, uint64_t within_ms)
{
	const struct rate share = {
		.count = QUOTA_VALUES_PER_KEY,
		.per_ms = (uint32_t)within_ms,
		.burst = QUOTA_VALUES_PER_KEY,
	};
	return tally_rate(&q->rates, key, &share, now_us, 1) == 0;
}

enum quota_seen quota_unique(struct quota *q, uint64_t key, uint64_t value_hash, uint64_t now_us,
			     uint64_t within_ms, bool take)
{
	const uint64_t tick_us = SEEN_TICK_MS * CLOCK_US_PER_MS;
	if (!within_ms || within_ms > QUOTA_WITHIN_MAX_MS)
		return QUOTA_SEEN_FULL;
	const uint64_t both[] = {key, value_hash};
	uint64_t hash = siphash(&q->key, slice_of((const char *)both, sizeof(both)));
	_Atomic uint64_t *set = tally_set(&q->seen, hash);
	uint64_t tag = seen_tag(hash);
	if (!tag)
		tag = 1; /* the zero word is one never used */
	uint64_t now = now_us / tick_us;
	/* Rounded up: a value is remembered for the whole time, and up to a tick longer. */
	uint64_t until = (now_us + clock_ms_to_us(within_ms) + tick_us - 1) / tick_us;
	uint64_t wanted = quota_word(tag, until);

	struct quota_look look = quota_look(set, tag, now);
	if (look.again || look.crowded || !take)
		return look.again     ? QUOTA_SEEN_AGAIN
		       : look.crowded ? QUOTA_SEEN_FULL
				      : QUOTA_SEEN_NEW;
	if (!within_share(q, key, now_us, within_ms))
		return QUOTA_SEEN_FULL;
	while (!quota_replace(set, &look, wanted)) {
		look = quota_look(set, tag, now);
		if (look.again)
			return QUOTA_SEEN_AGAIN;
		if (look.crowded)
			return QUOTA_SEEN_FULL;
	}
	return QUOTA_SEEN_NEW;
}

/* --- slots */

bool quota_run(struct quota *q, uint64_t key, uint32_t at_most, struct quota_slot *slot)
{
	MUST(!slot->word);
	if (tally_take(&q->counts, key, at_most, &slot->word) != TALLY_TAKEN)
		return false;
	slot->from = q;
	return true;
}

void quota_release(struct quota_slot *slot)
{
	tally_release(&slot->word);
	slot->from = NULL;
}

bool quota_whole(const struct quota *q)
{
	return tally_held(&q->counts) == 0;
}
