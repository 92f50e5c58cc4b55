/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/shapes.h"

#include <stdio.h>

#include "failmalloc.h"
#include "unit.h"

static const struct json_limits limits = {
	.depth = 8, .members = 16, .values = 32, .utf8_checked = true};

/* One thread's: a route's shapes, and all that it may have. */
struct thread {
	struct shapes shapes;
	struct shapes_budget budget;
	struct arena arena;
};

static void thread_init(struct thread *t)
{
	*t = (struct thread){0};
	arena_init(&t->arena, 1 << 16, 1 << 20);
}

static void thread_deinit(struct thread *t)
{
	shapes_deinit(&t->shapes, &t->budget);
	free(t->budget.spare);
	assert_int_equal(t->budget.used, 0);
	arena_deinit(&t->arena);
}

/* A text of the shape with that number. */
static struct slice text_of(unsigned shape, int value)
{
	static char text[64];
	int n = snprintf(text, sizeof(text), "{\"member%u\":%d, \"x\":\"y\"}", shape, value);

	return slice_of(text, (size_t)n);
}

static bool meets_as(struct thread *t, struct shapes *s, unsigned shape)
{
	struct json_doc doc;

	if (shapes_read(s, text_of(shape, 7), &doc))
		return true;
	arena_reset(&t->arena);
	assert_int_equal(json_read(text_of(shape, 8), &limits, &t->arena, &doc), REASON_NONE);
	shapes_learn(s, &t->budget, &(struct shape_lesson){.doc = &doc, .limits = &limits});
	return false;
}

/* True: it was known. */
static bool meets(struct thread *t, unsigned shape)
{
	return meets_as(t, &t->shapes, shape);
}

static void the_second_is_known(void **state)
{
	struct thread t;

	(void)state;
	thread_init(&t);
	for (unsigned i = 0; i < SHAPES_EACH; i++)
		assert_false(meets(&t, i));
	for (unsigned i = 0; i < 3 * SHAPES_EACH; i++)
		assert_true(meets(&t, i % SHAPES_EACH));
	assert_int_equal(t.budget.used, SHAPES_EACH);
	thread_deinit(&t);
}

static void strangers_do_not_displace_what_is_met_often(void **state)
{
	struct thread t;

	(void)state;
	thread_init(&t);
	for (unsigned i = 0; i < SHAPES_EACH; i++)
		for (int times = 0; times < 20; times++)
			(void)meets(&t, i);
	for (unsigned i = 0; i < 100000; i++) {
		assert_false(meets(&t, 1000 + i));
		if (i % 10 == 0)
			for (unsigned k = 0; k < SHAPES_EACH; k++)
				assert_true(meets(&t, k));
	}
	assert_int_equal(t.budget.used, SHAPES_EACH);
	thread_deinit(&t);
}

static void what_is_met_no_more_goes(void **state)
{
	struct thread t;

	(void)state;
	thread_init(&t);
	for (unsigned i = 0; i < SHAPES_EACH; i++)
		for (int times = 0; times < 1000; times++)
			(void)meets(&t, i);
	for (unsigned i = 0; i < 10000; i++)
		(void)meets(&t, 1000 + i % SHAPES_EACH);
	for (unsigned i = 0; i < SHAPES_EACH; i++)
		assert_true(meets(&t, 1000 + i));
	thread_deinit(&t);
}

static void a_thread_has_so_many(void **state)
{
	enum { ROUTES = SHAPES_MAX / SHAPES_EACH + 10 };
	static struct shapes routes[ROUTES];
	struct thread t;

	(void)state;
	thread_init(&t);
	for (unsigned r = 0; r < ROUTES; r++)
		for (unsigned i = 0; i < SHAPES_EACH; i++)
			assert_false(meets_as(&t, &routes[r], i));
	assert_int_equal(t.budget.used, SHAPES_MAX);
	assert_true(meets_as(&t, &routes[0], 3));
	assert_false(meets_as(&t, &routes[ROUTES - 1], 3));
	assert_false(meets_as(&t, &routes[ROUTES - 1], 3));
	for (unsigned r = 0; r < ROUTES; r++)
		shapes_deinit(&routes[r], &t.budget);
	thread_deinit(&t);
}

static void without_memory_nothing_is_learned(void **state)
{
	struct thread t;

	(void)state;
	thread_init(&t);
	assert_false(meets(&t, 1));
	failmalloc_from(1);
	assert_false(meets(&t, 2));
	assert_false(meets(&t, 2));
	assert_true(meets(&t, 1));
	failmalloc_stop();
	assert_false(meets(&t, 2));
	assert_true(meets(&t, 2));
	thread_deinit(&t);
}

/* What cannot be learned displaces nobody. */
static void an_escape_teaches_nothing(void **state)
{
	struct thread t;
	struct json_doc doc;

	(void)state;
	thread_init(&t);
	assert_int_equal(
		json_read(SLICE("{\"member1\":1, \"x\":\"\\n\"}"), &limits, &t.arena, &doc),
		REASON_NONE);
	shapes_learn(&t.shapes, &t.budget, &(struct shape_lesson){.doc = &doc, .limits = &limits});
	assert_int_equal(t.shapes.count, 0);
	assert_false(meets(&t, 1));
	assert_true(meets(&t, 1));
	thread_deinit(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_second_is_known),
		cmocka_unit_test(strangers_do_not_displace_what_is_met_often),
		cmocka_unit_test(what_is_met_no_more_goes),
		cmocka_unit_test(a_thread_has_so_many),
		cmocka_unit_test(without_memory_nothing_is_learned),
		cmocka_unit_test(an_escape_teaches_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
