/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What was revoked, and when: credentials older than that are worth nothing any more.
 *
 *   revoke(subject alice, 12:00)   a ticket or token of alice's from 11:59 is refused,
 *                                  one from 12:01 (she logged in again) is not
 *   revoke(key k1)                 whatever k1 proved is refused, whenever it was issued
 *
 * Each worker has a list of its own, so that asking takes no lock. Only hashes are kept.
 * The list is bounded; when it is full the oldest revocation makes room, which is safe
 * as long as no credential lives longer than it takes to revoke REVOCATIONS_MAX others.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/siphash.h"
#include "base/slice.h"

enum { REVOCATIONS_MAX = 65536 };

enum revocation_kind { REVOKE_SUBJECT = 1, REVOKE_KEY };

struct revocations;

/* NULL without memory. Allocates as it fills. */
struct revocations *revocations_new(const struct siphash_key *key);

/* Accepts NULL, returns NULL. */
struct revocations *revocations_free(struct revocations *r);

/* Returns 0 or -ENOMEM: then the caller must not say that it is done. */
int revocations_add(struct revocations *r, enum revocation_kind kind, struct slice text,
		    uint64_t at_unix_ms) __attribute__((warn_unused_result));

/* Was the text revoked at or after issued_unix_ms? For a key: was it ever? An empty text
 * was not. */
bool revocations_hit(const struct revocations *r, enum revocation_kind kind, struct slice text,
		     uint64_t issued_unix_ms);

size_t revocations_count(const struct revocations *r);
