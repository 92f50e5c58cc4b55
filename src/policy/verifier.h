/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The application says whose cookie this is.
 *
 *   GET <verify> with the cookie --> 200 {"sub": "...", ...}   yes; the other members are claims
 *                                --> 401, 403                  no
 *                                --> anything else             VERIFIER_FAILED: nobody gets in
 *
 * The judge is pure. The cache belongs to the control thread; it holds no cookie, only a
 * keyed hash of one, and a bounded number of answers.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"
#include "policy/question.h"

enum {
	VERIFIER_BODY_MAX = 64 * 1024, /* a longer body is an answer that failed */
	VERIFIER_CACHE_NO_MS = 2000,   /* a "no" is remembered at most so long */
};

/* Judges the application's answer: ANSWER_YES with subject and claims (compact JSON) in a's
 * memory, ANSWER_NO or ANSWER_FAILED; *detail then says why, as static text for the log (else
 * NULL). An arena of 1 MiB is enough for any body; a full one is FAILED. */
struct answer verifier_judge(int status, struct slice body, struct arena *a, const char **detail);

/* The same verdict for the same cookie, for a while. */
struct verifier_cache;

/* At most max_entries answers of max_bytes together; secret is 32 random bytes of this
 * process. NULL without memory. */
struct verifier_cache *verifier_cache_new(const uint8_t secret[32], size_t max_entries,
					  size_t max_bytes);

/* Wipes and frees. Accepts NULL, returns NULL. */
struct verifier_cache *verifier_cache_free(struct verifier_cache *c);

/* The answer, if it is known and not too old; its texts are valid until the next call on c.
 * True when it is. now_us is monotonic. */
bool verifier_cache_get(struct verifier_cache *c, const struct conf_identity *identity,
			struct slice cookie, uint64_t now_us, struct answer *answer);

/* Remembers a YES for identity->cookie.cache_ms, a NO for that or VERIFIER_CACHE_NO_MS,
 * whichever is shorter; a FAILED never. Forgets others where there is no room; failing to
 * remember is no error. */
void verifier_cache_put(struct verifier_cache *c, const struct conf_identity *identity,
			struct slice cookie, const struct answer *answer, uint64_t now_us);

/* Answers at the moment. */
size_t verifier_cache_count(const struct verifier_cache *c);
