/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Reserved shares of the connections, so that those who come one way cannot take the room of
 * those who come another.
 *
 *   accept --> STRANGER --> head --> ISSUE    asks for a ticket or a CSRF token
 *                               `--> KNOWN    shows a ticket or the like; later his session
 *                               `--> GUEST    `anyone`, and pages
 *
 *   |- reserved: strangers | guests | issue | known -|------- for whoever comes first -------|
 *
 * A pool takes of its own reserve first, then of what is nobody's; never of another's reserve,
 * however empty that is. Shared by all workers, without a lock.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "conf/snapshot.h"

enum pool { POOL_STRANGER = 0, POOL_GUEST, POOL_ISSUE, POOL_KNOWN, POOL_COUNT };

struct pools {
	_Atomic int64_t used[POOL_COUNT];
};

/* How many each is sure of, of how many in all. The zero shares let nobody in. */
struct pools_shares {
	uint64_t capacity;
	uint64_t reserved[POOL_COUNT];
};

/* Where one connection stands. Embedded in it; zero = nowhere. */
struct pools_receipt {
	struct pools *from;
	enum pool pool;
};

/* Of limits.connections. What the configuration cannot bring about has no reserve. */
struct pools_shares pools_shares(const struct snapshot *s);

/* Into that pool, out of the one it stands in. False: there is no room, and it stays where it
 * was. */
bool pools_enter(struct pools *p, const struct pools_shares *shares, enum pool pool,
		 struct pools_receipt *r) __attribute__((warn_unused_result));

/* Whether one more would find room there. */
bool pools_has_room(const struct pools *p, const struct pools_shares *shares, enum pool pool);

/* The same whether there is room or not: for going back to where it came from. */
void pools_return(struct pools_receipt *r, enum pool pool);

/* Harmless twice. */
void pools_leave(struct pools_receipt *r);

bool pools_whole(const struct pools *p);

/* `strangers`, ... */
const char *pools_word(enum pool pool);
