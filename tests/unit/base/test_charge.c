/* SPDX-License-Identifier: Apache-2.0 */
#include "base/charge.h"

#include "unit.h"

static void taking_stops_at_the_limit(void **state)
{
	struct budget b;
	struct charge one = {0}, two = {0};

	(void)state;
	budget_init(&b, 10, NULL);
	assert_int_equal(charge_take(&one, &b, 6), 0);
	assert_int_equal(charge_take(&two, &b, 5), CHARGE_OVER);
	assert_int_equal(two.units, 0);
	assert_int_equal(charge_take(&two, &b, 4), 0);
	assert_int_equal(b.used, 10);
	assert_int_equal(charge_take(&one, &b, 1), CHARGE_OVER);
	assert_int_equal(charge_take(&one, &b, UINT64_MAX), CHARGE_OVER);
	charge_release(&one);
	charge_release(&one);
	assert_int_equal(b.used, 4);
	charge_release(&two);
	budget_deinit(&b);
}

static void a_child_takes_from_its_parents_or_not_at_all(void **state)
{
	struct budget top, middle, leaf, other;
	struct charge mine = {0}, theirs = {0};

	(void)state;
	budget_init(&top, 10, NULL);
	budget_init(&middle, 8, &top);
	budget_init(&leaf, 100, &middle);
	budget_init(&other, 100, &top);
	assert_int_equal(charge_take(&mine, &leaf, 7), 0);
	assert_int_equal(charge_take(&theirs, &other, 4), CHARGE_OVER);
	assert_int_equal(other.used, 0);
	assert_int_equal(charge_take(&theirs, &other, 3), 0);
	assert_int_equal(charge_take(&mine, &leaf, 1), CHARGE_OVER);
	assert_int_equal(leaf.used, 7);
	assert_int_equal(middle.used, 7);
	assert_int_equal(top.used, 10);
	charge_release(&mine);
	charge_release(&theirs);
	budget_deinit(&leaf);
	budget_deinit(&other);
	budget_deinit(&middle);
	budget_deinit(&top);
}

static void a_charge_changes_its_size(void **state)
{
	struct budget b;
	struct charge c = {0};

	(void)state;
	budget_init(&b, 10, NULL);
	assert_int_equal(charge_resize(&c, &b, 0), 0);
	assert_int_equal(charge_resize(&c, &b, 8), 0);
	assert_int_equal(b.used, 8);
	assert_int_equal(charge_resize(&c, &b, 11), CHARGE_OVER);
	assert_int_equal(c.units, 8);
	assert_int_equal(charge_resize(&c, &b, 3), 0);
	assert_int_equal(b.used, 3);
	assert_int_equal(charge_resize(&c, &b, 0), 0);
	assert_int_equal(b.used, 0);
	charge_release(&c);
	budget_deinit(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(taking_stops_at_the_limit),
		cmocka_unit_test(a_child_takes_from_its_parents_or_not_at_all),
		cmocka_unit_test(a_charge_changes_its_size),
	};
	return cmocka_run_group_tests_name("base/charge", tests, NULL, NULL);
}
