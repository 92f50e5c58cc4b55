/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Tables that all workers count in, without a lock and without growing.
 *
 *   counts   [tag 32 | count 32]   one word per key that is in use, 16 words to a set
 *   rates    [tag 24 | tat 40]     one word per key that came lately, 8 words to a set
 *
 * A key comes as the hash of it that its owner made with a secret: the low bits choose the
 * set, the high ones are the tag, so nobody can choose keys that collide. Each word changes
 * by compare-and-swap. A set full of counts in use refuses; a set full of rates forgets the
 * one that is paid back first.
 *
 * The memory is fixed when the table is made and touched only where it is used.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rate.h"

/* Words to a set: one or two whole cache lines. */
enum { TALLY_COUNT_WAYS = 16, TALLY_RATE_WAYS = 8 };

/* The zero table is none. A table holds counts or rates, never both. */
struct tally {
	_Atomic uint64_t *words;
	uint64_t set_mask; /* sets less one; there are a power of two of them */
	unsigned ways;
	size_t bytes; /* of memory */
	void *memory; /* in which the words lie */
};

/* A table of at least so many words, ways of them to a set. False without memory. */
bool tally_make(struct tally *t, uint64_t words, unsigned ways) __attribute__((warn_unused_result));

/* Harmless on a zero table, and twice. */
void tally_unmake(struct tally *t);

/* The set in which that key is looked for: t->ways words. */
_Atomic uint64_t *tally_set(const struct tally *t, uint64_t hash);

/* --- counts */

enum tally_outcome { TALLY_OVER = 0, TALLY_NO_ROOM, TALLY_TAKEN };

/* Takes one of max places of that key. TAKEN: *taken is the word that the place is counted
 * in, for tally_release; otherwise nothing was taken. */
enum tally_outcome tally_take(const struct tally *counts, uint64_t hash, uint64_t max,
			      _Atomic uint64_t **taken) __attribute__((warn_unused_result));

/* Gives the place back and forgets the word. Harmless where it is NULL. */
void tally_release(_Atomic uint64_t **taken);

/* Places taken, of all keys. Looks at each word: for tests and the end of the process. */
uint64_t tally_held(const struct tally *counts);

/* --- rates */

/*
 * Takes units of that key's rate at now_us (monotonic). 0: taken. Otherwise nothing was, and
 * it is the time in microseconds until it would be; UINT64_MAX: never. Ticks are 10 us: a
 * rate of more than 100,000 units per second allows no more than that, and of a burst counts
 * what is paid back within 63 days.
 */
uint64_t tally_rate(const struct tally *rates, uint64_t hash, const struct rate *r, uint64_t now_us,
		    uint64_t units) __attribute__((warn_unused_result));
