/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The applications behind a route, as all workers see them: where they are, how busy,
 * and whether they answered lately.
 *
 *   route --> target 0 (active 3)          pick: the least busy that is not resting;
 *             target 1 (active 1)  <---          all resting: the one that rests the shortest
 *             target 2 (resting until ...)
 *
 * Health is passive: a target that failed several times in a row rests for a while. A
 * route with one target never rests it, so that the application is found the moment it
 * is back. Addresses of names are filled in by the control thread, which may wait.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "conf/snapshot.h"

enum {
	TARGET_ADDRESSES = 8,
	TARGET_FAILURES = 3,    /* in a row, before it rests */
	TARGET_REST_MS = 10000, /* the first time; doubled up to TARGET_REST_MAX_MS */
	TARGET_REST_MAX_MS = 60000,
};

struct target {
	const struct conf_upstream *conf;
	pthread_mutex_t lock; /* of addresses and count; held for a copy */
	struct address addresses[TARGET_ADDRESSES];
	size_t count;
	_Atomic uint32_t active;   /* connections to it, being made or open */
	_Atomic uint32_t failures; /* in a row */
	_Atomic uint64_t resting_until_ms;
};

void target_init(struct target *t, const struct conf_upstream *conf);
void target_deinit(struct target *t);

/* Replaces the addresses; at most TARGET_ADDRESSES are kept. Any thread. */
void target_set_addresses(struct target *t, const struct address *addresses, size_t count);

/* The attempt's address, from 0 on; false if there are not so many. Any thread. */
bool target_address(struct target *t, unsigned attempt, struct address *out);

/* The best of `count` targets (at most 64) that is not in the bit set `tried`, or NULL. */
struct target *target_pick(struct target *targets, size_t count, uint64_t tried, uint64_t now_ms);

/* What came of a connection. failed returns true when the target starts to rest. */
void target_succeeded(struct target *t);
bool target_failed(struct target *t, uint64_t now_ms);
