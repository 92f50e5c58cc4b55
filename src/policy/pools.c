/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reserved shares of the connections; see pools.h.
 */
#include "policy/pools.h"

#include "base/obj.h"
#include "policy/siege.h"

enum { PERCENT = 100 };

static const struct {
	const char *word;
	unsigned percent;
} rows[POOL_COUNT] = {
	[POOL_STRANGER] = {"strangers", 10},
	[POOL_GUEST] = {"guests", 5},
	[POOL_ISSUE] = {"issue", 5},
	[POOL_KNOWN] = {"known", 40},
};

const char *pools_word(enum pool pool)
{
	return rows[pool].word;
}

static bool may_have_guests(const struct snapshot *s)
{
	for (size_t r = 0; r < s->route_count; r++)
		for (size_t i = 0; i < s->routes[r].identify_count; i++)
			if (s->identities[s->routes[r].identify[i]].kind == CONF_IDENTITY_ANYONE)
				return true;
	return s->site_count > 0;
}

struct pools_shares pools_shares(const struct snapshot *s)
{
	struct pools_shares shares = {.capacity = s->limits.connections};
	bool nobody = siege_knows_nobody(s), guests = may_have_guests(s);

	for (unsigned i = 0; i < POOL_COUNT; i++) {
		bool idle = (nobody && (i == POOL_KNOWN || i == POOL_ISSUE)) ||
			    (!guests && i == POOL_GUEST);
		shares.reserved[i] =
			idle ? 0
			     : shares.capacity / PERCENT * rows[i].percent +
					shares.capacity % PERCENT * rows[i].percent / PERCENT;
	}
	return shares;
}

/* All others' reserves are kept free, except for what they use of them. */
static bool fits(const struct pools *p, const struct pools_shares *shares, enum pool pool,
		 uint64_t mine)
{
	uint64_t taken = mine;

	if (mine <= shares->reserved[pool])
		return true;
	for (unsigned i = 0; i < POOL_COUNT; i++) {
		uint64_t used = (uint64_t)atomic_load(&p->used[i]);
		if (i != pool)
			taken += used > shares->reserved[i] ? used : shares->reserved[i];
	}
	return taken <= shares->capacity;
}

bool pools_has_room(const struct pools *p, const struct pools_shares *shares, enum pool pool)
{
	return fits(p, shares, pool, (uint64_t)atomic_load(&p->used[pool]) + 1);
}

bool pools_enter(struct pools *p, const struct pools_shares *shares, enum pool pool,
		 struct pools_receipt *r)
{
	struct pools_receipt before = *r;

	pools_leave(r);
	uint64_t mine = (uint64_t)atomic_fetch_add(&p->used[pool], 1) + 1;
	*r = (struct pools_receipt){p, pool};
	if (fits(p, shares, pool, mine))
		return true;
	pools_leave(r);
	if (before.from) {
		r->from = before.from;
		r->pool = before.pool;
		atomic_fetch_add(&p->used[before.pool], 1);
	}
	return false;
}

void pools_return(struct pools_receipt *r, enum pool pool)
{
	struct pools *p = r->from;

	if (!p)
		return;
	pools_leave(r);
	atomic_fetch_add(&p->used[pool], 1);
	*r = (struct pools_receipt){p, pool};
}

void pools_leave(struct pools_receipt *r)
{
	if (!r->from)
		return;
	MUST(atomic_fetch_sub(&r->from->used[r->pool], 1) > 0);
	r->from = NULL;
}

bool pools_whole(const struct pools *p)
{
	for (unsigned i = 0; i < POOL_COUNT; i++)
		if (atomic_load(&p->used[i]))
			return false;
	return true;
}
