/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * How many connections each subject has, over all nodes. For store/ only.
 *
 *   sallyport:nodes               zset: node -> until when it counts, by Redis's clock
 *   sallyport:connections:<node>  hash: subject -> connections at that node; expires
 *
 * A node writes its own hash only, and only whole numbers that it knows itself: whatever is
 * said twice, late or not at all is mended by saying it again. The sum over all nodes is
 * looked at and the new number written in one script, so that two nodes never both take the
 * last place. A node that ends without a word is forgotten after REDIS_LEASE_MS; one that was
 * away writes all of its numbers anew when it is back.
 *
 *   enter --script--> 1: counted  0: it would be more than max
 *   leave ----------> our number, one less
 *   every REDIS_BEAT_MS: the lease is renewed; too few of ours there? all of them again
 */
#include "base/siphash.h"
#include "net/reactor.h"
#include "store/redis_link.h"
#include "store/store.h"

enum {
	REDIS_BEAT_MS = 5000,
	REDIS_LEASE_MS = 15000,
	REDIS_SUBJECTS_MAX = 1 << 20, /* with connections here */
};

struct redis_seats;

struct redis_seats_facts {
	struct reactor *reactor;
	struct redis_link *link; /* outlives it */
	struct slice node;
	/* Redis said something that was not expected. */
	void (*complain)(void *arg, const struct redisReply *reply);
	void *arg;
};

/* Returns 0 or -errno. */
int redis_seats_new(const struct redis_seats_facts *facts, struct redis_seats **out);

/* No command of its own is under way any more. Accepts NULL. */
void redis_seats_free(struct redis_seats *s);

/* As store_enter and store_leave. */
void redis_seats_enter(struct redis_seats *s, struct slice subject, uint64_t max, store_fn fn,
		       void *arg);
void redis_seats_leave(struct redis_seats *s, struct slice subject);

/* The connection is there, for the first time or again. */
void redis_seats_came_up(struct redis_seats *s);

/* The node is about to end: what it holds is given up at once, not after the lease. */
void redis_seats_give_up(struct redis_seats *s);
