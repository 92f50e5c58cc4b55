/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include "unit.h"

#include "base/err.h"
#include "failmalloc.h"

static const struct siphash_key key = {{1, 2, 3}};
static int values[3000];

static struct slice name(char text[16], int i)
{
	return slice_of(text, (size_t)snprintf(text, 16, "name%d", i));
}

static void what_is_put_is_got(void **state)
{
	struct map m;

	(void)state;
	map_init(&m, &key, 10);
	assert_null(map_get(&m, SLICE("a")));
	assert_null(map_remove(&m, SLICE("a")));
	assert_int_equal(map_put(&m, SLICE("a"), &values[0]), 0);
	assert_int_equal(map_put(&m, SLICE("a\0b"), &values[1]), 0);
	assert_int_equal(map_put(&m, slice_of(NULL, 0), &values[2]), 0);
	assert_ptr_equal(map_get(&m, SLICE("a")), &values[0]);
	assert_ptr_equal(map_get(&m, SLICE("a\0b")), &values[1]);
	assert_ptr_equal(map_get(&m, SLICE("")), &values[2]);
	assert_null(map_get(&m, SLICE("b")));
	assert_int_equal(map_put(&m, SLICE("a"), &values[3]), MAP_EXISTS);
	assert_ptr_equal(map_get(&m, SLICE("a")), &values[0]);
	assert_ptr_equal(map_remove(&m, SLICE("a")), &values[0]);
	assert_null(map_remove(&m, SLICE("a")));
	assert_int_equal(m.count, 2);
	map_deinit(&m);
	map_deinit(&m);
	assert_null(map_get(&m, SLICE("")));
}

static void the_text_is_copied(void **state)
{
	struct map m;
	char text[] = "mine";

	(void)state;
	map_init(&m, &key, 10);
	assert_int_equal(map_put(&m, slice_from_cstr(text), &values[0]), 0);
	text[0] = 'M';
	assert_ptr_equal(map_get(&m, SLICE("mine")), &values[0]);
	map_deinit(&m);
}

static void it_holds_its_maximum(void **state)
{
	struct map m;
	char text[16];

	(void)state;
	map_init(&m, &key, 100);
	for (int i = 0; i < 100; i++)
		assert_int_equal(map_put(&m, name(text, i), &values[i]), 0);
	assert_int_equal(map_put(&m, SLICE("x"), &values[0]), MAP_FULL);
	assert_int_equal(map_put(&m, SLICE("name5"), &values[0]), MAP_EXISTS);
	assert_non_null(map_remove(&m, SLICE("name5")));
	assert_int_equal(map_put(&m, SLICE("x"), &values[0]), 0);
	map_deinit(&m);
	map_init(&m, &key, 0);
	assert_int_equal(map_put(&m, SLICE("x"), &values[0]), MAP_FULL);
	map_deinit(&m);
}

/* A long random life beside a table that cannot be wrong. */
static void as_an_array_would(void **state)
{
	struct map m;
	bool inside[COUNT(values)] = {false};
	size_t count = 0;
	uint32_t dice = 1;

	(void)state;
	map_init(&m, &key, COUNT(values));
	for (int round = 0; round < 60000; round++) {
		char text[16];
		dice = dice * 1664525 + 1013904223;
		int i = (int)((dice >> 8) % COUNT(values));
		/* Mostly grows in the first half, mostly shrinks in the second. */
		bool put = (dice >> 28) < (round < 30000 ? 11u : 5u);
		struct slice s = name(text, i);
		if (put) {
			assert_int_equal(map_put(&m, s, &values[i]), inside[i] ? MAP_EXISTS : 0);
			count += !inside[i];
		} else {
			assert_ptr_equal(map_remove(&m, s), inside[i] ? &values[i] : NULL);
			count -= inside[i];
		}
		inside[i] = put;
		assert_int_equal(m.count, count);
		if (round % 5000)
			continue;
		for (int k = 0; k < (int)COUNT(values); k++)
			assert_ptr_equal(map_get(&m, name(text, k)), inside[k] ? &values[k] : NULL);
	}
	map_deinit(&m);
}

static void visiting_sees_each_once(void **state)
{
	struct map m;
	char name_text[16];
	bool seen[50] = {false};
	struct slice text;
	void *value;
	int visits = 0;

	(void)state;
	map_init(&m, &key, 100);
	for (size_t at = 0; map_next(&m, &at, &text, &value);)
		fail();
	for (int i = 0; i < 50; i++)
		assert_int_equal(map_put(&m, name(name_text, i), &values[i]), 0);
	for (size_t at = 0; map_next(&m, &at, &text, &value); visits++) {
		ptrdiff_t i = (int *)value - values;
		assert_in_range(i, 0, 49);
		assert_false(seen[i]);
		seen[i] = true;
		assert_true(slice_eq(text, name(name_text, (int)i)));
	}
	assert_int_equal(visits, 50);
	map_deinit(&m);
}

static void out_of_memory_changes_nothing(void **state)
{
	(void)state;
	FAILMALLOC_EACH (n) {
		struct map m;
		char text[16];
		int r = 0, i = 0;
		map_init(&m, &key, 100);
		failmalloc_at(n);
		while (i < 50 && !(r = map_put(&m, name(text, i), &values[i])))
			i++;
		bool failed = failmalloc_stop();
		assert_int_equal(r, failed ? -ENOMEM : 0);
		assert_int_equal(m.count, i);
		for (int k = 0; k < 50; k++)
			assert_ptr_equal(map_get(&m, name(text, k)), k < i ? &values[k] : NULL);
		assert_int_equal(map_put(&m, SLICE("x"), &values[0]), 0);
		map_deinit(&m);
		if (!failed) {
			assert_true(n > 50);
			break;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_put_is_got),
		cmocka_unit_test(the_text_is_copied),
		cmocka_unit_test(it_holds_its_maximum),
		cmocka_unit_test(as_an_array_would),
		cmocka_unit_test(visiting_sees_each_once),
		cmocka_unit_test(out_of_memory_changes_nothing),
	};
	return cmocka_run_group_tests_name("base/map", tests, NULL, NULL);
}
