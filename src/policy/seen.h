/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What was seen lately, in memory that never grows.
 *
 *   [tag 32 | until 32]   one word per thing, 8 words to a set; until: seconds
 *
 * All threads share it, without a lock. Things are found by a keyed hash, so nobody can choose
 * two that are taken for one, or many that crowd one set. Another thing is taken for a seen one
 * about once in five hundred million times.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/siphash.h"
#include "base/slice.h"

struct seen;

enum seen_outcome {
	SEEN_FULL = 0, /* no room to remember it: nothing is known */
	SEEN_BEFORE,
	SEEN_NEW, /* and remembered from now on */
};

/* For about so many things at once; eight bytes each. NULL without memory. */
struct seen *seen_new(const struct siphash_key *key, uint64_t things);

/* Accepts NULL, returns NULL. */
struct seen *seen_free(struct seen *s);

/* Once and not again until then. What has not run out is never forgotten: of two threads with the
 * same thing at most one hears NEW. now_s is not 0. */
enum seen_outcome seen_once(struct seen *s, struct slice what, uint32_t until_s, uint32_t now_s)
	__attribute__((warn_unused_result));

/* Remembers it until then, whether seen before or not; in a crowd what would run out first is
 * forgotten for it. */
void seen_renew(struct seen *s, struct slice what, uint32_t until_s, uint32_t now_s);

bool seen_lately(const struct seen *s, struct slice what, uint32_t now_s);

/* Memory it has, and ever will have. */
size_t seen_bytes(const struct seen *s);
