/* SPDX-License-Identifier: Apache-2.0 */
#include "base/list.h"

#include "unit.h"

struct item {
	int number;
	struct list link;
};

static int joined(struct list *head)
{
	int digits = 0;

	LIST_EACH(at, head)
		digits = digits * 10 + LIST_ENTRY(at, struct item, link)->number;
	return digits;
}

static void members_keep_their_order(void **state)
{
	struct item items[] = {{.number = 1}, {.number = 2}, {.number = 3}};
	struct list head;

	(void)state;
	list_init(&head);
	assert_true(list_empty(&head));
	assert_int_equal(joined(&head), 0);
	for (size_t i = 0; i < COUNT(items); i++)
		list_append(&head, &items[i].link);
	assert_int_equal(joined(&head), 123);
	list_remove(&items[1].link);
	list_remove(&items[1].link);
	assert_int_equal(joined(&head), 13);
	list_append(&head, &items[1].link);
	assert_int_equal(joined(&head), 132);
	assert_ptr_equal(LIST_ENTRY(head.next, struct item, link), &items[0]);
}

static void removal_while_walking(void **state)
{
	struct item items[] = {{.number = 1}, {.number = 2}, {.number = 3}};
	struct list head;
	int visited = 0;

	(void)state;
	list_init(&head);
	for (size_t i = 0; i < COUNT(items); i++)
		list_append(&head, &items[i].link);
	LIST_EACH(at, &head) {
		list_remove(at);
		visited++;
	}
	assert_int_equal(visited, 3);
	assert_true(list_empty(&head));
}

static void splicing_moves_everything(void **state)
{
	struct item items[] = {{.number = 1}, {.number = 2}, {.number = 3}, {.number = 4}};
	struct list one, two;

	(void)state;
	list_init(&one);
	list_init(&two);
	list_splice(&one, &two);
	assert_true(list_empty(&one));
	for (size_t i = 0; i < COUNT(items); i++)
		list_append(i < 2 ? &one : &two, &items[i].link);
	list_splice(&one, &two);
	assert_int_equal(joined(&one), 1234);
	assert_true(list_empty(&two));
	list_splice(&one, &two);
	list_splice(&two, &one);
	assert_int_equal(joined(&two), 1234);
	assert_true(list_empty(&one));
	list_remove(&items[3].link);
	assert_int_equal(joined(&two), 123);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_keep_their_order),
		cmocka_unit_test(removal_while_walking),
		cmocka_unit_test(splicing_moves_everything),
	};
	return cmocka_run_group_tests_name("base/list", tests, NULL, NULL);
}
