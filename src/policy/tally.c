/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shared tables of counts and rates; the drawing is in tally.h.
 *
 * A count's word says how many hold it; a word whose count is zero is free for any tag. Who
 * holds it remembers the word itself, so giving back is one subtraction and cannot miss.
 *
 * Two threads may see different free words for the same new key and both take one. Then the
 * key has two words, and its count is their sum, in each look. Whoever adds looks again
 * afterwards and gives back if the sum is over the maximum: together they may be refused
 * where one of them had a place, but never are there more than the maximum.
 */
#include "policy/tally.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/obj.h"

enum {
	LINE_BYTES = 64,
	TICK_US = 10,
	TAT_BITS = 40,
	TAG_SHIFT = 32, /* of counts */
};

#define TAT_MASK      ((UINT64_C(1) << TAT_BITS) - 1)
#define TAT_AHEAD_MAX ((INT64_C(1) << (TAT_BITS - 1)) - 1)

static uint64_t round_up_power(uint64_t n)
{
	uint64_t p = 1;
	while (p < n)
		p <<= 1;
	return p;
}

bool tally_make(struct tally *t, uint64_t words, unsigned ways)
{
	words = round_up_power(words < ways ? ways : words);
	*t = (struct tally){
		.set_mask = words / ways - 1,
		.ways = ways,
		.bytes = (size_t)words * sizeof(uint64_t) + LINE_BYTES,
	};
	t->memory = calloc(1, t->bytes);
	if (!t->memory)
		return false;
	/* A set is one or two whole cache lines. */
	size_t skip = (LINE_BYTES - (uintptr_t)t->memory % LINE_BYTES) % LINE_BYTES;
	t->words = (_Atomic uint64_t *)(void *)((char *)t->memory + skip);
	return true;
}

void tally_unmake(struct tally *t)
{
	free(t->memory);
	*t = (struct tally){0};
}

_Atomic uint64_t *tally_set(const struct tally *t, uint64_t hash)
{
	return &t->words[(hash & t->set_mask) * t->ways];
}

/* --- counts */

static uint32_t word_count(uint64_t word)
{
	return (uint32_t)word;
}

static uint32_t word_tag(uint64_t word)
{
	return (uint32_t)(word >> TAG_SHIFT);
}

/* What a look at one set finds. */
struct count_look {
	uint64_t sum; /* over all words of the tag */
	_Atomic uint64_t *word;
	uint64_t seen; /* in it */
};

static struct count_look count_look(_Atomic uint64_t *set, uint32_t tag)
{
	struct count_look look = {0};
	bool own = false;
	for (unsigned way = 0; way < TALLY_COUNT_WAYS; way++) {
		uint64_t seen = atomic_load(&set[way]);
		bool mine = word_count(seen) && word_tag(seen) == tag;
		if (mine)
			look.sum += word_count(seen);
		if ((mine && !own) || (!look.word && !word_count(seen))) {
			own = mine;
			look.word = &set[way];
			look.seen = seen;
		}
	}
	return look;
}

enum tally_outcome tally_take(const struct tally *counts, uint64_t hash, uint64_t max,
			      _Atomic uint64_t **taken)
{
	_Atomic uint64_t *set = tally_set(counts, hash);
	uint32_t tag = word_tag(hash);
	struct count_look look;
	uint64_t wanted;
	if (max > UINT32_MAX)
		max = UINT32_MAX;
	do {
		look = count_look(set, tag);
		if (look.sum >= max)
			return TALLY_OVER;
		if (!look.word)
			return TALLY_NO_ROOM;
		wanted = ((uint64_t)tag << TAG_SHIFT) + word_count(look.seen) + 1;
	} while (!atomic_compare_exchange_weak(look.word, &look.seen, wanted));

	if (count_look(set, tag).sum > max) {
		atomic_fetch_sub(look.word, 1);
		return TALLY_OVER;
	}
	*taken = look.word;
	return TALLY_TAKEN;
}

void tally_release(_Atomic uint64_t **taken)
{
	if (!*taken)
		return;
	uint64_t before = atomic_fetch_sub(*taken, 1);
	MUST(word_count(before) > 0);
	*taken = NULL;
}

uint64_t tally_held(const struct tally *counts)
{
	uint64_t held = 0;
	for (uint64_t i = 0; i < (counts->set_mask + 1) * counts->ways; i++)
		held += word_count(atomic_load(&counts->words[i]));
	return held;
}

/* --- rates: base/rate.h's algorithm in one word, with a coarser tick */

static int64_t ticks_ahead(uint64_t word, uint64_t now)
{
	uint64_t ahead = ((word & TAT_MASK) - now) & TAT_MASK;
	return ahead > (uint64_t)TAT_AHEAD_MAX ? (int64_t)ahead - (int64_t)TAT_MASK - 1
					       : (int64_t)ahead;
}

/* The tag's word, or the one to be forgotten for it: one never used, else the one that
 * was paid back first. */
static _Atomic uint64_t *rate_look(_Atomic uint64_t *set, uint64_t tag, uint64_t now,
				   uint64_t *seen)
{
	_Atomic uint64_t *best = &set[0];
	int64_t best_ahead = INT64_MAX;
	*seen = 0;
	for (unsigned way = 0; way < TALLY_RATE_WAYS; way++) {
		uint64_t word = atomic_load(&set[way]);
		if (word >> TAT_BITS == tag) {
			*seen = word;
			return &set[way];
		}
		int64_t ahead = word ? ticks_ahead(word, now) : INT64_MIN;
		if (ahead < best_ahead) {
			best = &set[way];
			best_ahead = ahead;
			*seen = word;
		}
	}
	return best;
}

/* 0 = taken, else ticks until it would be allowed. cost is at most `most`. */
static uint64_t rate_word_take(const struct tally *rates, uint64_t hash, uint64_t cost,
			       uint64_t most, uint64_t now)
{
	_Atomic uint64_t *set = tally_set(rates, hash);
	uint64_t tag = hash >> TAT_BITS;
	if (!tag)
		tag = 1; /* the zero word is one never used */
	_Atomic uint64_t *word;
	uint64_t seen, wanted;
	do {
		word = rate_look(set, tag, now, &seen);
		int64_t ahead = seen >> TAT_BITS == tag ? ticks_ahead(seen, now) : 0;
		/* Further ahead than this rate allows: from months ago, before the forty bits
		 * wrapped, or from before a reload. Either way nobody is owed a lock-out. */
		if (ahead < 0 || (uint64_t)ahead > most)
			ahead = 0;
		uint64_t after = (uint64_t)ahead + cost;
		if (after > most)
			return after - most;
		wanted = tag << TAT_BITS | ((now + after) & TAT_MASK);
	} while (!atomic_compare_exchange_weak(word, &seen, wanted));
	return 0;
}

uint64_t tally_rate(const struct tally *rates, uint64_t hash, const struct rate *r, uint64_t now_us,
		    uint64_t units)
{
	const uint64_t ticks_per_ms = CLOCK_US_PER_MS / TICK_US;
	if (r->unlimited)
		return 0;
	if (!r->count || !r->per_ms || units > r->burst)
		return UINT64_MAX;
	if (!units)
		return r->burst ? 0 : UINT64_MAX;
	/* At most 2^32 * 100, and so often as 2^32: fits. Rounded up, so that rounding never
	 * gives anybody more. */
	uint64_t interval = ((uint64_t)r->per_ms * ticks_per_ms + r->count - 1) / r->count;
	uint64_t most, cost;
	if (__builtin_mul_overflow(interval, (uint64_t)r->burst, &most) ||
	    most > (uint64_t)TAT_AHEAD_MAX)
		most = (uint64_t)TAT_AHEAD_MAX;
	if (__builtin_mul_overflow(interval, units, &cost) || cost > most)
		return UINT64_MAX;
	uint64_t now = now_us / TICK_US & TAT_MASK;
	return rate_word_take(rates, hash, cost, most, now) * TICK_US;
}
