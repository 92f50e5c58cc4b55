/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include "unit.h"

static void sums_stop_at_the_end_of_time(void **state)
{
	(void)state;
	assert_int_equal(clock_add(5, 7), 12);
	assert_int_equal(clock_add(UINT64_MAX - 1, 1), UINT64_MAX);
	assert_int_equal(clock_add(UINT64_MAX, 1), UINT64_MAX);
	assert_int_equal(clock_ms_to_us(UINT64_MAX / 1000), UINT64_MAX / 1000 * 1000);
	assert_int_equal(clock_ms_to_us(UINT64_MAX / 1000 + 1), UINT64_MAX);
}

static void the_past_is_never_negative(void **state)
{
	(void)state;
	assert_int_equal(clock_since(5, 7), 2);
	assert_int_equal(clock_since(7, 5), 0);
	assert_int_equal(clock_us_to_ms(1999), 1);
	assert_int_equal(CLOCK_MS_PER_HOUR, 3600000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_stop_at_the_end_of_time),
		cmocka_unit_test(the_past_is_never_negative),
	};
	return cmocka_run_group_tests_name("base/clock", tests, NULL, NULL);
}
