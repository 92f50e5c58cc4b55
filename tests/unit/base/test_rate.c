/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rate.h"

#include "unit.h"

static const uint64_t start = 1000000000; /* some monotonic moment, in us */

static unsigned taken_at(const struct rate *r, struct bucket *b, uint64_t now, unsigned tries)
{
	unsigned taken = 0;

	for (unsigned i = 0; i < tries; i++)
		taken += rate_take(r, b, now, 1);
	return taken;
}

static void the_burst_is_exact(void **state)
{
	static const struct {
		const char *says;
		struct rate rate;
	} rows[] = {
		{"one per second", {1, 1000, 1, false}},
		{"burst equals count", {5, 1000, 5, false}},
		{"burst above count", {50, 1000, 100, false}},
		{"burst below count", {50, 1000, 1, false}},
		{"thirds of a second", {3, 1000, 3, false}},
		{"sevenths", {7, 1000, 13, false}},
		{"per hour", {7, 3600000, 7, false}},
		{"more often than microseconds", {3000000, 1000, 5000, false}},
	};

	(void)state;
	EACH_ROW (at, rows) {
		struct bucket b = {0};
		ROW_CHECK(at, taken_at(&at->rate, &b, start, 10000) == at->rate.burst);
		ROW_CHECK(at, taken_at(&at->rate, &b, start, 10) == 0);
	}
}

static void it_comes_back_to_the_microsecond(void **state)
{
	const struct rate r = {50, 1000, 100, false};
	struct bucket b = {0};

	(void)state;
	assert_int_equal(taken_at(&r, &b, start, 1000), 100);
	assert_int_equal(taken_at(&r, &b, start + 19999, 1), 0);
	assert_int_equal(taken_at(&r, &b, start + 20000, 5), 1);
	assert_int_equal(taken_at(&r, &b, start + 39999, 1), 0);
	assert_int_equal(taken_at(&r, &b, start + 60000, 5), 2);
	/* All is paid back two seconds after the last; more than the burst is not saved up. */
	assert_int_equal(taken_at(&r, &b, start + 60000 + 2000000, 1000), 100);
	assert_int_equal(taken_at(&r, &b, start + 1000000000, 1000), 100);
}

static void what_does_not_divide_is_rounded_up(void **state)
{
	const struct rate r = {3, 1000, 1, false};
	struct bucket b = {0};

	(void)state;
	assert_true(rate_take(&r, &b, start, 1));
	assert_false(rate_take(&r, &b, start + 333333, 1));
	assert_true(rate_take(&r, &b, start + 333334, 1));
}

static void over_a_long_time_the_rate_holds(void **state)
{
	const struct rate r = {7, 1000, 2, false};
	struct bucket b = {0};
	unsigned taken = 0;

	(void)state;
	for (uint64_t us = 0; us < 100000000; us += 997)
		taken += rate_take(&r, &b, start + us, 1);
	/* 100 s: 700 and the burst, less what the 997 us between the tries cost. */
	assert_in_range(taken, 694, 702);
}

static void many_units_at_once(void **state)
{
	const struct rate r = {262144, 1000, 1048576, false};
	struct bucket b = {0};

	(void)state;
	assert_false(rate_take(&r, &b, start, 1048577));
	assert_false(rate_take(&r, &b, start, UINT64_MAX));
	assert_int_equal(b.tat, 0);
	assert_true(rate_take(&r, &b, start, 1048576));
	assert_false(rate_take(&r, &b, start, 1));
	assert_true(rate_take(&r, &b, start + 1000000, 262144));
	assert_false(rate_take(&r, &b, start + 1000000, 1));
	assert_true(rate_take(&r, &b, start + 1500000, 100000));
	assert_true(rate_take(&r, &b, start + 1500000, 31072));
	assert_false(rate_take(&r, &b, start + 1500000, 1));
}

static void a_refused_take_takes_nothing(void **state)
{
	const struct rate r = {10, 1000, 10, false};
	struct bucket b = {0};

	(void)state;
	assert_true(rate_take(&r, &b, start, 6));
	uint64_t before = b.tat;
	assert_false(rate_take(&r, &b, start, 5));
	assert_int_equal(b.tat, before);
	assert_true(rate_take(&r, &b, start, 4));
}

static void zero_refuses_everything(void **state)
{
	static const struct rate zeroes[] = {
		{0, 0, 0, false}, {0, 1000, 5, false}, {5, 0, 5, false}, {5, 1000, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(zeroes); i++) {
		struct bucket b = {0};
		assert_false(rate_take(&zeroes[i], &b, start, 1));
		assert_false(rate_take(&zeroes[i], &b, start, 0));
		assert_int_equal(rate_retry_ms(&zeroes[i], &b, start, 1), UINT64_MAX);
	}
}

static void unlimited_allows_everything(void **state)
{
	const struct rate r = {.unlimited = true};
	struct bucket b = {0};

	(void)state;
	assert_true(rate_take(&r, &b, start, UINT64_MAX));
	assert_int_equal(b.tat, 0);
	assert_int_equal(rate_retry_ms(&r, &b, start, UINT64_MAX), 0);
}

static void nothing_is_always_allowed(void **state)
{
	const struct rate r = {1, 1000, 1, false};
	struct bucket b = {0};

	(void)state;
	assert_true(rate_take(&r, &b, start, 1));
	assert_true(rate_take(&r, &b, start, 0));
	assert_int_equal(rate_retry_ms(&r, &b, start, 0), 0);
}

static void when_to_come_back(void **state)
{
	const struct rate r = {2, 1000, 4, false};
	struct bucket b = {0};

	(void)state;
	assert_int_equal(rate_retry_ms(&r, &b, start, 4), 0);
	assert_true(rate_take(&r, &b, start, 4));
	assert_int_equal(rate_retry_ms(&r, &b, start, 1), 500);
	assert_int_equal(rate_retry_ms(&r, &b, start, 2), 1000);
	assert_int_equal(rate_retry_ms(&r, &b, start, 4), 2000);
	assert_int_equal(rate_retry_ms(&r, &b, start, 5), UINT64_MAX);
	assert_int_equal(rate_retry_ms(&r, &b, start + 1, 1), 500);
	assert_int_equal(rate_retry_ms(&r, &b, start + 1000, 1), 499);
	assert_int_equal(rate_retry_ms(&r, &b, start + 500000, 1), 0);
	/* It is a promise: then it is allowed. */
	assert_true(rate_take(&r, &b, start + 500000, 1));
	assert_false(rate_take(&r, &b, start + 500000, 1));
}

static void forgetting(void **state)
{
	const struct rate r = {2, 1000, 4, false};
	struct bucket b = {0};

	(void)state;
	assert_true(rate_is_full(&b, 0));
	assert_true(rate_take(&r, &b, start, 2));
	assert_false(rate_is_full(&b, start));
	assert_false(rate_is_full(&b, start + 999999));
	assert_true(rate_is_full(&b, start + 1000000));
}

/* Whatever the numbers: no wrap-around may turn a refusal into a gift. */
static void numbers_beyond_every_clock(void **state)
{
	const struct rate widest = {1, UINT32_MAX, UINT32_MAX, false};
	const struct rate densest = {UINT32_MAX, 1, UINT32_MAX, false};
	struct bucket b = {0};

	(void)state;
	assert_false(rate_take(&widest, &b, UINT64_MAX, 1));
	assert_false(rate_take(&widest, &b, start, UINT32_MAX));
	assert_int_equal(rate_retry_ms(&widest, &b, UINT64_MAX, 1), UINT64_MAX);
	for (int i = 0; i < 10000; i++)
		if (!rate_take(&widest, &b, start, 1))
			break;
	assert_false(rate_take(&widest, &b, start, 1));
	b = (struct bucket){0};
	assert_true(rate_take(&densest, &b, start, UINT32_MAX));
	assert_false(rate_take(&densest, &b, start, 1));
	b.tat = UINT64_MAX;
	assert_false(rate_take(&densest, &b, start, 1));
}

static void a_clock_that_goes_back_gives_nothing_away(void **state)
{
	const struct rate r = {1, 1000, 1, false};
	struct bucket b = {0};

	(void)state;
	assert_true(rate_take(&r, &b, start, 1));
	assert_false(rate_take(&r, &b, start - 500000, 1));
	assert_true(rate_take(&r, &b, start + 1000000, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_burst_is_exact),
		cmocka_unit_test(it_comes_back_to_the_microsecond),
		cmocka_unit_test(what_does_not_divide_is_rounded_up),
		cmocka_unit_test(over_a_long_time_the_rate_holds),
		cmocka_unit_test(many_units_at_once),
		cmocka_unit_test(a_refused_take_takes_nothing),
		cmocka_unit_test(zero_refuses_everything),
		cmocka_unit_test(unlimited_allows_everything),
		cmocka_unit_test(nothing_is_always_allowed),
		cmocka_unit_test(when_to_come_back),
		cmocka_unit_test(forgetting),
		cmocka_unit_test(numbers_beyond_every_clock),
		cmocka_unit_test(a_clock_that_goes_back_gives_nothing_away),
	};
	return cmocka_run_group_tests_name("base/rate", tests, NULL, NULL);
}
