/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/quota.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/num.h"
#include "base/rate.h"
#include "policy/quota_priv.h"

#include "unit.h"

enum { TICK_US = 10000, WITHIN_MS = 60000 };

static const struct siphash_key secret = {{4, 5, 6}};
static const uint64_t start = UINT64_C(86400) * 1000000;

static int set_up(void **state)
{
	*state = quota_new(&secret);
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	bool whole = quota_whole(*state);
	*state = quota_free(*state);
	return whole ? 0 : -1;
}

static uint64_t key_of(const struct quota *q, enum quota_kind kind, uint32_t who)
{
	return quota_key(q, kind, slice_of((const char *)&who, sizeof(who)), SLICE("/chat"),
			 SLICE("say"));
}

static uint32_t random_of(uint32_t *random)
{
	*random = *random * 1664525 + 1013904223;
	return *random >> 8;
}

static void keys_are_apart(void **state)
{
	static const struct {
		const char *says;
		enum quota_kind kind;
		const char *who, *route, *message;
	} rows[] = {
		{"the first", QUOTA_RATE, "s:alice", "/chat", "say"},
		{"another kind", QUOTA_COST, "s:alice", "/chat", "say"},
		{"one more kind", QUOTA_UNIQUE, "s:alice", "/chat", "say"},
		{"the last kind", QUOTA_RUNNING, "s:alice", "/chat", "say"},
		{"somebody else", QUOTA_RATE, "s:alic", "/chat", "say"},
		{"an address of that name", QUOTA_RATE, "a:alice", "/chat", "say"},
		{"another route", QUOTA_RATE, "s:alice", "/chat/", "say"},
		{"another message", QUOTA_RATE, "s:alice", "/chat", "says"},
		{"the route's budget", QUOTA_RATE, "s:alice", "/chat", ""},
		{"cut elsewhere", QUOTA_RATE, "s:alice", "/chats", "ay"},
		{"cut elsewhere again", QUOTA_RATE, "s:alice/", "chat", "say"},
		{"in another order", QUOTA_RATE, "/chat", "s:alice", "say"},
		{"nobody", QUOTA_RATE, "", "", ""},
	};
	EACH_ROW (a, rows) {
		EACH_ROW (b, rows) {
			uint64_t of_a =
				quota_key(*state, a->kind, slice_from_cstr(a->who),
					  slice_from_cstr(a->route), slice_from_cstr(a->message));
			uint64_t of_b =
				quota_key(*state, b->kind, slice_from_cstr(b->who),
					  slice_from_cstr(b->route), slice_from_cstr(b->message));
			ROW_CHECK(a, (of_a == of_b) == (a == b));
		}
	}
}

/* --- rates */

static void rates_take_units(void **state)
{
	static const struct {
		const char *says, *rate;
		uint64_t units;
		int allowed; /* of a hundred at once */
	} rows[] = {
		{"one by one", "5/m", 1, 5},
		{"a burst", "5/m burst 7", 1, 7},
		{"ten at a time", "100/m burst 100", 10, 10},
		{"what is left is not enough", "100/m burst 99", 10, 9},
		{"all at once", "5/m", 5, 1},
		{"more than the burst, never", "5/m", 6, 0},
		{"more than fits into sixty-four bits", "1/h burst 4000000000", UINT64_MAX, 0},
		{"nothing costs nothing", "1/h", 0, 100},
		{"unlimited", "unlimited", 1000, 100},
	};
	uint32_t who = 0;
	EACH_ROW (at, rows) {
		struct rate r;
		int allowed = 0;
		uint64_t key = key_of(*state, QUOTA_COST, ++who);
		ROW_CHECK(at, num_parse_rate(slice_from_cstr(at->rate), &r));
		for (int i = 0; i < 100; i++)
			allowed += quota_take(*state, key, &r, start, at->units);
		ROW_CHECK(at, allowed == at->allowed);
	}
	const struct rate none = {0}, never = {.count = 1, .burst = 1},
			  no_burst = {.count = 1, .per_ms = 1};
	for (uint64_t units = 0; units < 2; units++) {
		assert_false(quota_take(*state, 1, &none, start, units));
		assert_false(quota_take(*state, 2, &never, start, units));
		assert_false(quota_take(*state, 3, &no_burst, start, units));
	}
}

/* Where an interval is a whole number of ticks, nothing tells the table from base/rate. */
static void rates_are_as_base_has_them(void **state)
{
	enum { KEYS = 32, ROUNDS = 100000 };
	struct rate rates[KEYS];
	struct bucket buckets[KEYS] = {0};
	uint64_t keys[KEYS], now = start, taken = 0;
	uint32_t random = 1;
	for (uint32_t i = 0; i < KEYS; i++) {
		rates[i] = (struct rate){
			.count = 1 + i % 5, .per_ms = 60 * (1 + i % 7), .burst = 1 + i};
		keys[i] = key_of(*state, QUOTA_RATE, i);
	}
	for (int round = 0; round < ROUNDS; round++) {
		uint32_t i = random_of(&random) % KEYS;
		uint64_t units = random_of(&random) % 8;
		now += random_of(&random) % 300 * 10;
		bool wanted = rate_take(&rates[i], &buckets[i], now, units);
		bool got = quota_take(*state, keys[i], &rates[i], now, units);
		if (wanted != got)
			fail_msg("round %d: %d, wanted %d", round, got, wanted);
		taken += got;
	}
	assert_in_range(taken, ROUNDS / 20, ROUNDS - ROUNDS / 20);
}

/* --- values */

static void a_value_counts_for_its_time(void **state)
{
	static const struct {
		const char *says;
		uint32_t who;
		uint64_t value, after_us, within_ms;
		bool take;
		enum quota_seen wanted;
	} rows[] = {
		{"a look remembers nothing", 1, 7, 0, 1000, false, QUOTA_SEEN_NEW},
		{"the first time", 1, 7, 0, 1000, true, QUOTA_SEEN_NEW},
		{"the second", 1, 7, 0, 1000, true, QUOTA_SEEN_AGAIN},
		{"a look sees it", 1, 7, 1, 1000, false, QUOTA_SEEN_AGAIN},
		{"another value", 1, 8, 1, 1000, true, QUOTA_SEEN_NEW},
		{"somebody else's", 2, 7, 1, 1000, true, QUOTA_SEEN_NEW},
		{"at the last moment", 1, 7, 999999, 1000, true, QUOTA_SEEN_AGAIN},
		{"a rule that now says less does not shorten it", 1, 7, 999999, 1, true,
		 QUOTA_SEEN_AGAIN},
		{"after its time", 1, 7, 1000000, 1000, true, QUOTA_SEEN_NEW},
		{"and again from there", 1, 7, 1999999, 1000, true, QUOTA_SEEN_AGAIN},
		{"and over", 1, 7, 2000000, 1000, false, QUOTA_SEEN_NEW},
		{"the shortest time", 3, 7, 0, 1, true, QUOTA_SEEN_NEW},
		{"is held", 3, 7, 999, 1, true, QUOTA_SEEN_AGAIN},
		{"and over a tick later", 3, 7, 11000, 1, true, QUOTA_SEEN_NEW},
		{"the longest time", 4, 7, 0, QUOTA_WITHIN_MAX_MS, true, QUOTA_SEEN_NEW},
		{"is held, too", 4, 7, QUOTA_WITHIN_MAX_MS * 1000 - 1, 1, true, QUOTA_SEEN_AGAIN},
		{"and over", 4, 7, QUOTA_WITHIN_MAX_MS * 1000, 1, true, QUOTA_SEEN_NEW},
		{"longer than can be", 5, 7, 0, QUOTA_WITHIN_MAX_MS + 1, true, QUOTA_SEEN_FULL},
		{"longer than can be, looked at", 5, 7, 0, QUOTA_WITHIN_MAX_MS + 1, false,
		 QUOTA_SEEN_FULL},
		{"no time at all", 5, 7, 0, 0, true, QUOTA_SEEN_FULL},
	};
	EACH_ROW (at, rows)
		ROW_CHECK(at, quota_unique(*state, key_of(*state, QUOTA_UNIQUE, at->who), at->value,
					   start + at->after_us, at->within_ms,
					   at->take) == at->wanted);
}

/* The time's bits turn after five years: wherever the clock stands, a value counts for its time,
 * and what has lain there for years does not, until a month before the turn. */
static void the_clock_turns(void **state)
{
	uint64_t key = key_of(*state, QUOTA_UNIQUE, 1);
	uint64_t turn = (UINT64_C(1) << 34) * TICK_US;
	for (uint64_t now = turn - 5 * TICK_US; now < turn + 5 * TICK_US; now += TICK_US) {
		assert_int_equal(quota_unique(*state, key, now, now, 30, true), QUOTA_SEEN_NEW);
		assert_int_equal(quota_unique(*state, key, now, now + 29999, 30, true),
				 QUOTA_SEEN_AGAIN);
		assert_int_equal(quota_unique(*state, key, now, now + 30000, 30, false),
				 QUOTA_SEEN_NEW);
		for (uint64_t later = 1; later < 60; later++)
			assert_int_equal(
				quota_unique(*state, key, now, now + turn / 60 * later, 30, false),
				QUOTA_SEEN_NEW);
	}
}

/* Against the simplest thing that could be right: an array with every value's end. Values of
 * few keys, so that they come again while they count, and after. */
static void values_are_as_an_array_has_them(void **state)
{
	enum { KEYS = 4, VALUES = 512, ROUNDS = 300000 };
	static uint64_t until[KEYS][VALUES];
	uint64_t now = start, fresh = 0;
	uint32_t random = 3;
	for (int round = 0; round < ROUNDS; round++) {
		uint32_t who = random_of(&random) % KEYS, value = random_of(&random) % VALUES;
		uint64_t within_ms = 10 * (1 + random_of(&random) % 200);
		bool take = random_of(&random) % 4;
		now += random_of(&random) % 3 * TICK_US / 2;
		enum quota_seen got = quota_unique(*state, key_of(*state, QUOTA_UNIQUE, who), value,
						   now, within_ms, take);
		uint64_t *end = &until[who][value];
		/* Between a value's end and the next tick both answers are right. */
		bool certainly_over = now >= *end + TICK_US, certainly_not = now < *end;
		if (got == QUOTA_SEEN_FULL || (got == QUOTA_SEEN_NEW && certainly_not) ||
		    (got == QUOTA_SEEN_AGAIN && certainly_over))
			fail_msg("round %d: %d, %" PRIu64 " us before its end", round, got,
				 *end - now);
		fresh += got == QUOTA_SEEN_NEW;
		if (got == QUOTA_SEEN_NEW && take)
			*end = now + within_ms * 1000;
	}
	assert_in_range(fresh, ROUNDS / 20, ROUNDS - ROUNDS / 20);
	memset(until, 0, sizeof(until));
}

/* Many values come at once: who finds room is remembered, who does not is told so, and nobody
 * takes anybody's room. */
static void a_full_set_refuses(void **state)
{
	enum { MANY = 3 << 19, WHO = 64 };
	uint8_t *told = calloc(MANY, 1);
	uint64_t keys[WHO], full = 0, wrong = 0;
	for (uint32_t i = 0; i < WHO; i++)
		keys[i] = key_of(*state, QUOTA_UNIQUE, i);
	for (uint32_t i = 0; i < MANY; i++) {
		told[i] = (uint8_t)quota_unique(*state, keys[i % WHO], i, start, WITHIN_MS, true);
		wrong += told[i] == QUOTA_SEEN_AGAIN;
		full += told[i] == QUOTA_SEEN_FULL;
	}
	assert_int_equal(wrong, 0);
	assert_in_range(full, 1, MANY / 100);
	for (uint32_t i = 0; i < MANY; i++) {
		enum quota_seen got =
			quota_unique(*state, keys[i % WHO], i, start + 1, WITHIN_MS, true);
		wrong += got != (told[i] == QUOTA_SEEN_NEW ? QUOTA_SEEN_AGAIN : QUOTA_SEEN_FULL);
	}
	assert_int_equal(wrong, 0);
	/* Their time over, there is room again for as many. */
	for (uint32_t i = 0; i < MANY; i += 7)
		wrong += quota_unique(*state, keys[i % WHO], i, start + WITHIN_MS * UINT64_C(1000),
				      WITHIN_MS, true) != QUOTA_SEEN_NEW;
	assert_int_equal(wrong, 0);
	free(told);
}

static void nobody_fills_the_table_alone(void **state)
{
	uint64_t key = key_of(*state, QUOTA_UNIQUE, 1), other = key_of(*state, QUOTA_UNIQUE, 2);
	for (uint64_t i = 0; i < QUOTA_VALUES_PER_KEY; i++)
		assert_int_equal(quota_unique(*state, key, i, start, WITHIN_MS, true),
				 QUOTA_SEEN_NEW);
	assert_int_equal(quota_unique(*state, key, UINT64_MAX, start, WITHIN_MS, true),
			 QUOTA_SEEN_FULL);
	assert_int_equal(quota_unique(*state, other, UINT64_MAX, start, WITHIN_MS, true),
			 QUOTA_SEEN_NEW);
	assert_int_equal(quota_unique(*state, key, 0, start, WITHIN_MS, true), QUOTA_SEEN_AGAIN);
}

/* Two threads on one set, step by step: both have looked before either puts its value in. */
static void who_looks_before_another_puts_looks_again(void **state)
{
	_Atomic uint64_t set[QUOTA_SEEN_WAYS] = {0};
	(void)state;
	for (uint64_t value = 1; value <= QUOTA_SEEN_WAYS; value++) {
		struct quota_look a = quota_look(set, value, 1), b = a;
		assert_false(a.again || a.crowded);
		assert_true(quota_replace(set, &a, quota_word(value, 100 + value)));
		assert_false(quota_replace(set, &b, quota_word(value, 100 + value)));
		assert_true(quota_look(set, value, 1).again);
	}
	/* Full, and nothing was lost. */
	assert_true(quota_look(set, 99, 1).crowded);
	for (uint64_t value = 1; value <= QUOTA_SEEN_WAYS; value++)
		assert_true(quota_look(set, value, 1).again);
	/* The first is over: one thread stops between its look and its copy, others go on. */
	struct quota_look slow = quota_look(set, 50, 101);
	assert_false(slow.again || slow.crowded);
	struct quota_look fast = quota_look(set, 51, 101);
	assert_true(quota_replace(set, &fast, quota_word(51, 200)));
	assert_false(quota_replace(set, &slow, quota_word(50, 200)));
	assert_true(quota_look(set, 50, 101).crowded);
	assert_true(quota_look(set, 51, 101).again);
	/* The second one, too; this time it stops between its copy and its value. */
	slow = quota_look(set, 50, 102);
	atomic_store(slow.copy_to, slow.newest);
	fast = quota_look(set, 52, 102);
	assert_null(fast.copy_to);
	assert_true(quota_replace(set, &fast, quota_word(52, 200)));
	assert_false(quota_replace(set, &slow, quota_word(50, 200)));
	for (uint64_t value = 51; value <= 52; value++)
		assert_true(quota_look(set, value, 102).again);
	for (uint64_t value = 3; value <= QUOTA_SEEN_WAYS; value++)
		assert_true(quota_look(set, value, 102).again);
}

/* --- slots */

static void slots_come_back(void **state)
{
	struct quota_slot slots[4] = {0}, other = {0};
	uint64_t key = key_of(*state, QUOTA_RUNNING, 1);
	for (int i = 0; i < 3; i++)
		assert_true(quota_run(*state, key, 3, &slots[i]));
	assert_false(quota_run(*state, key, 3, &slots[3]));
	assert_null(slots[3].word);
	assert_false(quota_run(*state, key, 0, &slots[3]));
	assert_true(quota_run(*state, key_of(*state, QUOTA_RUNNING, 2), 1, &other));
	assert_false(quota_whole(*state));
	quota_release(&slots[1]);
	quota_release(&slots[1]);
	quota_release(&slots[3]);
	assert_true(quota_run(*state, key, 3, &slots[3]));
	assert_false(quota_run(*state, key, 3, &slots[1]));
	for (int i = 0; i < 4; i++)
		quota_release(&slots[i]);
	quota_release(&other);
	assert_true(quota_whole(*state));
}

/* --- threads */

enum { THREADS = 6, CROWD = 8, EPOCHS = 1000, AT_MOST = 3 };

static struct quota *shared;
static pthread_barrier_t barrier;
static uint64_t crowd[CROWD * 2]; /* values of one set */
static _Atomic unsigned heard[EPOCHS][CROWD], wrong;
static _Atomic int under_way, runs;

static void each_thread(void *(*run)(void *))
{
	static uint32_t seeds[THREADS];
	pthread_t threads[THREADS];
	for (uint32_t i = 0; i < THREADS; i++) {
		seeds[i] = i * 77 + 1;
		assert_int_equal(pthread_create(&threads[i], NULL, run, &seeds[i]), 0);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&wrong), 0);
}

/* As quota.c finds them: 2^18 sets, chosen by the low bits. */
static void find_a_crowd(uint64_t key)
{
	uint64_t both[2] = {key, 0};
	for (size_t n = 0; n < COUNT(crowd); both[1]++)
		if (!(siphash(&secret, slice_of((const char *)both, sizeof(both))) & 0x3ffff))
			crowd[n++] = both[1];
}

/* All threads bring the same values of one set, each in its own order; then the clock moves on
 * until all of them are over, and what lies in the set is other values' room. */
static void *bring_a_crowd(void *seed)
{
	uint32_t random = *(uint32_t *)seed;
	uint64_t key = key_of(shared, QUOTA_UNIQUE, 1);
	for (unsigned epoch = 0; epoch < EPOCHS; epoch++) {
		uint32_t turn = random_of(&random);
		pthread_barrier_wait(&barrier);
		for (unsigned i = 0; i < CROWD; i++) {
			unsigned nth = (i + turn) % CROWD;
			enum quota_seen got =
				quota_unique(shared, key, crowd[(epoch * 5 + nth) % COUNT(crowd)],
					     start + epoch * UINT64_C(10) * TICK_US, 100, true);
			if (got == QUOTA_SEEN_FULL)
				atomic_fetch_add(&wrong, 1);
			if (got == QUOTA_SEEN_NEW)
				atomic_fetch_add(&heard[epoch][nth], 1);
		}
	}
	return NULL;
}

static void of_two_at_once_one_is_new(void **state)
{
	shared = *state;
	find_a_crowd(key_of(shared, QUOTA_UNIQUE, 1));
	assert_int_equal(pthread_barrier_init(&barrier, NULL, THREADS), 0);
	each_thread(bring_a_crowd);
	pthread_barrier_destroy(&barrier);
	for (unsigned epoch = 0; epoch < EPOCHS; epoch++)
		for (unsigned i = 0; i < CROWD; i++)
			assert_int_equal(atomic_load(&heard[epoch][i]), 1);
}

static void *run_some(void *seed)
{
	uint32_t random = *(uint32_t *)seed;
	struct quota_slot slots[2] = {0};
	uint64_t key = key_of(shared, QUOTA_RUNNING, 1);
	for (int i = 0; i < 20000; i++) {
		struct quota_slot *slot = &slots[random_of(&random) % COUNT(slots)];
		if (slot->word) {
			/* counted down first: another may have it before this returns */
			atomic_fetch_sub(&under_way, 1);
			quota_release(slot);
		} else if (quota_run(shared, key, AT_MOST, slot)) {
			atomic_fetch_add(&runs, 1);
			if (atomic_fetch_add(&under_way, 1) >= AT_MOST)
				atomic_fetch_add(&wrong, 1);
		}
	}
	for (size_t i = 0; i < COUNT(slots); i++) {
		if (slots[i].word)
			atomic_fetch_sub(&under_way, 1);
		quota_release(&slots[i]);
	}
	return NULL;
}

static void never_more_are_under_way(void **state)
{
	shared = *state;
	each_thread(run_some);
	assert_true(atomic_load(&runs) > 1000);
	assert_int_equal(atomic_load(&under_way), 0);
}

static _Atomic int taken;

static void *take_units(void *seed)
{
	const struct rate r = {.count = 1, .per_ms = 1000, .burst = 600};
	(void)seed;
	for (int i = 0; i < 1000; i++)
		if (quota_take(shared, key_of(shared, QUOTA_COST, 1), &r, start, 2))
			atomic_fetch_add(&taken, 2);
	return NULL;
}

static void threads_share_a_budget(void **state)
{
	shared = *state;
	each_thread(take_units);
	assert_int_equal(atomic_load(&taken), 600);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(keys_are_apart),
		TEST(rates_take_units),
		TEST(rates_are_as_base_has_them),
		TEST(a_value_counts_for_its_time),
		TEST(the_clock_turns),
		TEST(values_are_as_an_array_has_them),
		TEST(a_full_set_refuses),
		TEST(nobody_fills_the_table_alone),
		cmocka_unit_test(who_looks_before_another_puts_looks_again),
		TEST(slots_come_back),
		TEST(of_two_at_once_one_is_new),
		TEST(never_more_are_under_way),
		TEST(threads_share_a_budget),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
