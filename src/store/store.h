/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Where tickets wait until somebody presents them.
 *
 * A record is put once and taken once: whoever takes it has it out of the store, and
 * nobody else gets it. Bytes in, bytes out: what they mean is policy/ticket.h's business.
 * A genuine ticket that is not here was used (or lost with the store): both are
 * TICKET_USED to its bearer, so nothing is remembered about what was taken.
 *
 * Belongs to the control thread. `memory` is the only kind there is; time is wall-clock.
 */
#include <stdint.h>

#include "base/buf.h"
#include "base/siphash.h"
#include "base/slice.h"

enum { STORE_ID_BYTES = 16 };

struct store;

enum {
	STORE_FULL = 1,   /* put: no room for one more, even without the expired ones */
	STORE_EXISTS = 2, /* put: an id that is there already */
	STORE_ABSENT = 3, /* take: never put, taken before, or expired */
};

/* In this process's memory: at most max_entries records of max_bytes together. The key is
 * 16 random bytes. NULL without memory. */
struct store *store_new_memory(const struct siphash_key *key, size_t max_entries, size_t max_bytes);

/* Wipes and frees. Accepts NULL, returns NULL. */
struct store *store_free(struct store *s);

/* Copies the record. Returns 0, STORE_FULL, STORE_EXISTS or -ENOMEM. */
int store_put(struct store *s, const uint8_t id[STORE_ID_BYTES], struct slice record,
	      uint64_t expires_unix_ms, uint64_t now_unix_ms) __attribute__((warn_unused_result));

/* Takes the record out and appends it to `to`. Returns 0, STORE_ABSENT, or what buf_append
 * says; it is gone in each case. */
int store_take(struct store *s, const uint8_t id[STORE_ID_BYTES], uint64_t now_unix_ms,
	       struct buf *to) __attribute__((warn_unused_result));

/* Forgets what has expired. Called now and then, by a timer. Returns how many. */
size_t store_sweep(struct store *s, uint64_t now_unix_ms);

/* Records at the moment. */
size_t store_count(const struct store *s);
