/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/seen.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "unit.h"

static const struct siphash_key key = {{4, 5, 6}};

static struct slice numbered(uint32_t n, char room[4])
{
	memcpy(room, &n, 4);
	return slice_of(room, 4);
}

static void once_and_not_again(void **state)
{
	struct seen *s = seen_new(&key, 64);
	(void)state;
	assert_int_equal(seen_once(s, SLICE("a"), 100, 50), SEEN_NEW);
	assert_int_equal(seen_once(s, SLICE("a"), 100, 50), SEEN_BEFORE);
	assert_int_equal(seen_once(s, SLICE("a"), 200, 99), SEEN_BEFORE);
	assert_int_equal(seen_once(s, SLICE("b"), 100, 50), SEEN_NEW);
	/* what has run out is forgotten, what would run out at once is never let through */
	assert_int_equal(seen_once(s, SLICE("a"), 200, 100), SEEN_NEW);
	assert_int_equal(seen_once(s, SLICE("c"), 50, 50), SEEN_BEFORE);
	assert_true(seen_lately(s, SLICE("a"), 199));
	assert_false(seen_lately(s, SLICE("a"), 200));
	assert_false(seen_lately(s, SLICE("never"), 50));
	seen_free(s);
	assert_null(seen_free(NULL));
}

/* A million things: no more memory, and none of those that were taken is taken twice. */
static void a_full_table_refuses(void **state)
{
	struct seen *s = seen_new(&key, 1024);
	size_t bytes = seen_bytes(s);
	unsigned taken = 0, twice = 0;
	char room[4];
	(void)state;
	for (uint32_t i = 0; i < 1000000; i++)
		taken += seen_once(s, numbered(i, room), 100, 50) == SEEN_NEW;
	assert_int_equal(taken, 2048);
	for (uint32_t i = 0; i < 1000000; i++)
		twice += seen_once(s, numbered(i, room), 100, 50) == SEEN_NEW;
	assert_int_equal(twice, 0);
	assert_int_equal(seen_bytes(s), bytes);
	/* and when their time is over there is room again */
	assert_int_equal(seen_once(s, numbered(7, room), 300, 100), SEEN_NEW);
	seen_free(s);
}

/* The other way of using it never refuses: the one that would run out first goes. */
static void renewing_forgets_the_oldest(void **state)
{
	struct seen *s = seen_new(&key, 1);
	unsigned kept = 0;
	char room[4];
	(void)state;
	for (uint32_t i = 0; i < 10000; i++)
		seen_renew(s, numbered(i, room), 100 + i, 50);
	for (uint32_t i = 0; i < 10000; i++)
		kept += seen_lately(s, numbered(i, room), 50);
	assert_int_equal(kept, 64);
	assert_true(seen_lately(s, numbered(9999, room), 50));
	seen_renew(s, numbered(9999, room), 20000, 50);
	assert_true(seen_lately(s, numbered(9999, room), 19999));
	seen_free(s);
}

static struct seen *shared;
static _Atomic unsigned winners;

static void *all_of_them(void *arg)
{
	char room[4];
	(void)arg;
	for (uint32_t i = 0; i < 5000; i++)
		if (seen_once(shared, numbered(i, room), 100, 50) == SEEN_NEW)
			winners++;
	return NULL;
}

/* Four threads bring the same things: each is taken at most once. */
static void of_two_threads_one_wins(void **state)
{
	pthread_t t[4];
	unsigned lost = 0;
	char room[4];
	(void)state;
	shared = seen_new(&key, 65536);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, all_of_them, NULL), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	for (uint32_t i = 0; i < 5000; i++)
		lost += !seen_lately(shared, numbered(i, room), 50);
	assert_true(winners <= 5000);
	assert_int_equal(winners + lost, 5000);
	seen_free(shared);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(once_and_not_again),
		cmocka_unit_test(a_full_table_refuses),
		cmocka_unit_test(renewing_forgets_the_oldest),
		cmocka_unit_test(of_two_threads_one_wins),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
