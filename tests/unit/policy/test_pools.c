/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/pools.h"

#include <pthread.h>

#include "unit.h"

enum { CAPACITY = 100 };

/* 10, 5, 5, 40 are reserved, 40 are for whoever comes first. */
static struct pools_shares shares_of(uint64_t connections, bool with_tickets)
{
	static const struct conf_identity identities[] = {{.kind = CONF_IDENTITY_ANYONE},
							  {.kind = CONF_IDENTITY_TICKET}};
	static const size_t both[] = {1, 0}, anyone[] = {0};
	struct conf_route route = {
		.identify = with_tickets ? both : anyone,
		.identify_count = with_tickets ? 2 : 1,
	};
	struct snapshot s = {.identities = identities,
			     .identity_count = 2,
			     .routes = &route,
			     .route_count = 1,
			     .limits.connections = connections};
	return pools_shares(&s);
}

static unsigned fill(struct pools *p, const struct pools_shares *shares, enum pool pool,
		     struct pools_receipt *r, unsigned most)
{
	unsigned n = 0;
	while (n < most && pools_enter(p, shares, pool, &r[n]))
		n++;
	return n;
}

static void empty(struct pools *p, struct pools_receipt *r, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		pools_leave(&r[i]);
		pools_leave(&r[i]);
	}
	assert_true(pools_whole(p));
}

/* Who fills first gets his own and what is nobody's; then each of the others still has his own. */
static void nobody_takes_anothers_reserve(void **state)
{
	static const struct {
		const char *says;
		enum pool greedy;
		unsigned wins;
	} rows[] = {
		{"strangers", POOL_STRANGER, 50},
		{"guests", POOL_GUEST, 45},
		{"those who ask for tickets", POOL_ISSUE, 45},
		{"the known", POOL_KNOWN, 80},
	};
	static const unsigned own[POOL_COUNT] = {10, 5, 5, 40};
	struct pools_shares shares = shares_of(CAPACITY, true);
	(void)state;
	EACH_ROW (at, rows) {
		struct pools p = {0};
		struct pools_receipt r[2 * CAPACITY] = {{0}};
		unsigned held = fill(&p, &shares, at->greedy, r, CAPACITY);
		ROW_CHECK(at, held == at->wins);
		for (unsigned pool = 0; pool < POOL_COUNT; pool++) {
			if (pool == at->greedy)
				continue;
			unsigned more = fill(&p, &shares, pool, r + held, CAPACITY);
			ROW_CHECK(at, more == own[pool]);
			held += more;
		}
		ROW_CHECK(at, held == CAPACITY);
		empty(&p, r, held);
	}
}

static void moving_takes_no_second_place(void **state)
{
	struct pools p = {0};
	struct pools_shares shares = shares_of(CAPACITY, true);
	struct pools_receipt r[CAPACITY + 1] = {{0}};
	(void)state;
	unsigned held = fill(&p, &shares, POOL_KNOWN, r, 80);
	held += fill(&p, &shares, POOL_STRANGER, r + held, 10);
	assert_int_equal(held, 90);
	/* No room where it wants to go: it stays where it was. */
	assert_false(pools_enter(&p, &shares, POOL_KNOWN, &r[89]));
	assert_ptr_equal(r[89].from, &p);
	assert_int_equal(r[89].pool, POOL_STRANGER);
	assert_false(pools_enter(&p, &shares, POOL_STRANGER, &r[90]));
	assert_null(r[90].from);
	/* And once a place is free there, it goes. */
	pools_leave(&r[0]);
	assert_true(pools_enter(&p, &shares, POOL_KNOWN, &r[89]));
	assert_int_equal(r[89].pool, POOL_KNOWN);
	assert_true(pools_enter(&p, &shares, POOL_STRANGER, &r[90]));
	pools_return(&r[89], POOL_STRANGER); /* where it came from, whether there is room or not */
	assert_int_equal(r[89].pool, POOL_STRANGER);
	assert_int_equal(p.used[POOL_STRANGER], 11);
	pools_return(&r[0], POOL_STRANGER); /* stands nowhere and stays there */
	assert_null(r[0].from);
	empty(&p, r, CAPACITY + 1);
}

static void what_cannot_come_has_no_reserve(void **state)
{
	struct pools p = {0};
	struct pools_shares shares = shares_of(CAPACITY, false);
	struct pools_receipt r[CAPACITY] = {{0}};
	(void)state;
	assert_int_equal(fill(&p, &shares, POOL_GUEST, r, CAPACITY), 90);
	empty(&p, r, CAPACITY);

	/* Tickets alone: nothing is kept for guests. */
	static const struct conf_identity ticket = {.kind = CONF_IDENTITY_TICKET};
	static const size_t first = 0;
	struct conf_route route = {.identify = &first, .identify_count = 1};
	struct snapshot s = {.identities = &ticket,
			     .identity_count = 1,
			     .routes = &route,
			     .route_count = 1,
			     .limits.connections = CAPACITY};
	shares = pools_shares(&s);
	assert_int_equal(fill(&p, &shares, POOL_KNOWN, r, CAPACITY), 85);
	empty(&p, r, CAPACITY);
	s.site_count = 1;
	shares = pools_shares(&s);
	assert_int_equal(fill(&p, &shares, POOL_KNOWN, r, CAPACITY), 80);
	empty(&p, r, CAPACITY);
}

static void shares_at_their_edges(void **state)
{
	struct pools_shares few = shares_of(3, true), all = shares_of(UINT64_MAX, true);
	struct pools_shares none = {0};
	struct pools p = {0};
	struct pools_receipt r[4] = {{0}};
	(void)state;
	assert_int_equal(few.reserved[POOL_KNOWN], 1);
	assert_int_equal(few.reserved[POOL_STRANGER], 0);
	assert_int_equal(fill(&p, &few, POOL_GUEST, r, 4), 2);
	assert_true(pools_enter(&p, &few, POOL_KNOWN, &r[2]));
	assert_false(pools_enter(&p, &few, POOL_KNOWN, &r[3]));
	empty(&p, r, 4);
	assert_true(all.reserved[POOL_KNOWN] < UINT64_MAX / 2);
	assert_true(pools_enter(&p, &all, POOL_GUEST, &r[0]));
	empty(&p, r, 4);
	assert_false(pools_enter(&p, &none, POOL_KNOWN, &r[0]));
	assert_true(pools_whole(&p));
}

static struct pools crowd;
static struct pools_shares crowd_shares;

static void *come_and_go(void *arg)
{
	enum pool pool = *(enum pool *)arg;
	for (int i = 0; i < 20000; i++) {
		struct pools_receipt r = {0};
		if (pools_enter(&crowd, &crowd_shares, POOL_STRANGER, &r) &&
		    !pools_enter(&crowd, &crowd_shares, pool, &r) && r.pool != POOL_STRANGER)
			fail_msg("neither here nor there");
		pools_leave(&r);
	}
	return NULL;
}

static void threads(void **state)
{
	pthread_t t[4];
	enum pool pools[4] = {POOL_GUEST, POOL_ISSUE, POOL_KNOWN, POOL_KNOWN};
	(void)state;
	crowd_shares = shares_of(3, true);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, come_and_go, &pools[i]), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	assert_true(pools_whole(&crowd));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_takes_anothers_reserve),
		cmocka_unit_test(moving_takes_no_second_place),
		cmocka_unit_test(what_cannot_come_has_no_reserve),
		cmocka_unit_test(shares_at_their_edges),
		cmocka_unit_test(threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
