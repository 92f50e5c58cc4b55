/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include "unit.h"

#include "base/err.h"
#include "failmalloc.h"

static void what_goes_in_comes_out_in_order(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	assert_slice(buf_slice(&b), "");
	assert_int_equal(buf_append(&b, SLICE("hello ")), 0);
	assert_int_equal(buf_append(&b, SLICE("world")), 0);
	assert_slice(buf_slice(&b), "hello world");
	buf_take(&b, 6);
	assert_slice(buf_slice(&b), "world");
	assert_int_equal(buf_waiting(&b), 5);
	buf_take(&b, 5);
	assert_int_equal(buf_waiting(&b), 0);
	assert_int_equal(b.off, 0);
	buf_deinit(&b);
	buf_deinit(&b);
}

static void never_more_than_max(void **state)
{
	struct buf b;
	char *room = NULL;

	(void)state;
	buf_init(&b, 10);
	assert_int_equal(buf_append(&b, SLICE("0123456789")), 0);
	assert_int_equal(buf_append(&b, SLICE("x")), BUF_FULL);
	assert_int_equal(buf_append(&b, SLICE("")), 0);
	assert_int_equal(buf_printf(&b, "%d", 1), BUF_FULL);
	assert_int_equal(buf_reserve(&b, SIZE_MAX, &room), BUF_FULL);
	assert_slice(buf_slice(&b), "0123456789");
	buf_take(&b, 4);
	assert_int_equal(buf_append(&b, SLICE("abcde")), BUF_FULL);
	assert_int_equal(buf_append(&b, SLICE("abcd")), 0);
	assert_slice(buf_slice(&b), "456789abcd");
	assert_true(b.cap <= 10);
	buf_deinit(&b);
	assert_int_equal(b.max, 10);
}

static void a_max_of_zero_takes_nothing(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	assert_int_equal(buf_append(&b, SLICE("")), 0);
	assert_int_equal(buf_append(&b, SLICE("x")), BUF_FULL);
	assert_int_equal(buf_printf(&b, "%s", ""), 0);
	buf_deinit(&b);
}

static void taken_room_is_used_again(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	for (int i = 0; i < 10000; i++) {
		assert_int_equal(buf_append(&b, SLICE("0123456789abcdef")), 0);
		if (i >= 4)
			buf_take(&b, 16);
	}
	assert_int_equal(buf_waiting(&b), 64);
	assert_true(b.cap <= 256);
	buf_deinit(&b);
}

static void reserve_and_commit(void **state)
{
	struct buf b;
	char *room = NULL;

	(void)state;
	buf_init(&b, 100);
	assert_int_equal(buf_append(&b, SLICE("ab")), 0);
	assert_int_equal(buf_reserve(&b, 3, &room), 0);
	memcpy(room, "cde", 3);
	buf_commit(&b, 2);
	assert_slice(buf_slice(&b), "abcd");
	buf_clear(&b);
	assert_int_equal(buf_waiting(&b), 0);
	buf_deinit(&b);
}

static void printf_to_the_last_byte(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 6);
	assert_int_equal(buf_printf(&b, "%s-%d", "abc", 42), 0);
	assert_slice(buf_slice(&b), "abc-42");
	assert_int_equal(b.max, 6);
	buf_deinit(&b);
	/* The same after something was taken, when the bytes must move. */
	buf_init(&b, 300);
	assert_int_equal(buf_printf(&b, "%0300d", 0), 0);
	buf_take(&b, 250);
	assert_int_equal(buf_printf(&b, "%0250d", 7), 0);
	assert_int_equal(buf_waiting(&b), 300);
	assert_int_equal(buf_slice(&b).data[299], '7');
	assert_int_equal(buf_printf(&b, "x"), BUF_FULL);
	buf_deinit(&b);
}

static void grows_over_several_sizes(void **state)
{
	struct buf b;
	char big[5000];

	(void)state;
	memset(big, 'x', sizeof(big));
	buf_init(&b, 100000);
	for (size_t n = 1; n < sizeof(big); n *= 3)
		assert_int_equal(buf_append(&b, slice_of(big, n)), 0);
	assert_int_equal(buf_waiting(&b), 1 + 3 + 9 + 27 + 81 + 243 + 729 + 2187);
	buf_deinit(&b);
}

static void out_of_memory_changes_nothing(void **state)
{
	(void)state;
	FAILMALLOC_EACH (n) {
		struct buf b;
		int r = 0, appended = 0;
		buf_init(&b, 100000);
		failmalloc_at(n);
		for (; r == 0 && appended < 200; appended++)
			r = appended % 2 ? buf_printf(&b, "%s", "0123456789")
					 : buf_append(&b, SLICE("0123456789"));
		bool failed = failmalloc_stop();
		assert_int_equal(r, failed ? -ENOMEM : 0);
		assert_int_equal(buf_waiting(&b), (appended - failed) * 10);
		assert_int_equal(b.max, 100000);
		assert_int_equal(buf_append(&b, SLICE("x")), 0);
		buf_deinit(&b);
		if (!failed) {
			assert_true(n > 3);
			break;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_goes_in_comes_out_in_order),
		cmocka_unit_test(never_more_than_max),
		cmocka_unit_test(a_max_of_zero_takes_nothing),
		cmocka_unit_test(taken_room_is_used_again),
		cmocka_unit_test(reserve_and_commit),
		cmocka_unit_test(printf_to_the_last_byte),
		cmocka_unit_test(grows_over_several_sizes),
		cmocka_unit_test(out_of_memory_changes_nothing),
	};
	return cmocka_run_group_tests_name("base/buf", tests, NULL, NULL);
}
