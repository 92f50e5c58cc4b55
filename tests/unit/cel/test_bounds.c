/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing is endless: lengths, depths, parts, steps, memory, searches. */
#include "unit.h"

#include "tried.h"

/* `times` times the middle, between front and back; the caller frees. */
static struct slice repeated(const char *front, const char *middle, size_t times, const char *back)
{
	struct buf b;
	int r = 0;

	buf_init(&b, 1 << 22);
	r |= buf_append(&b, slice_from_cstr(front));
	for (size_t i = 0; i < times; i++)
		r |= buf_append(&b, slice_from_cstr(middle));
	r |= buf_append(&b, slice_from_cstr(back));
	assert_int_equal(r, 0);
	return buf_slice(&b);
}

static const struct {
	const char *says, *front, *middle;
	size_t times;
	const char *back, *wanted;
} rows[] = {
	{"fifty parentheses", "", "(", 50, "1))))))))))))))))))))))))))))))))))))))))))))))))))",
	 "1"},
	{"a thousand", "", "(", 1000, "", "parse 100 the expression is nested too deep"},
	{"a thousand lists", "", "[", 1000, "", "parse 100 the expression is nested too deep"},
	{"a thousand maps", "", "{1:", 1000, "", "parse 298 the expression is nested too deep"},
	{"a thousand calls", "", "f(", 1000, "", "parse 200 the expression is nested too deep"},
	{"a thousand denials", "", "!", 1000, "true",
	 "parse 199 the expression is nested too deep"},
	{"a thousand minus signs", "", "-", 1000, "1",
	 "parse 199 the expression is nested too deep"},
	{"a thousand conditionals", "", "true?1:", 1000, "1",
	 "parse 1393 the expression is nested too deep"},
	{"a hundred terms", "1", "+1", 100, "", "101"},
	{"a thousand terms", "1", "+1", 1000, "", "parse 801 the expression is nested too deep"},
	{"a thousand members", "m", ".a", 1000, "", "parse 802 the expression is nested too deep"},
	{"a thousand items", "size([", "1,", 1000, "])", "1000"},
	{"too many parts", "[", "1,", 5000, "]", "parse 8193 the expression has too many parts"},
	{"too long a text", "'", "aaaaaaaaaaaaaaaa", 2000, "'",
	 "parse 16384 the expression is too long"},
	{"too long a pattern", "'a'.matches('", "a", 1100, "')",
	 "check 12 the pattern is refused at its byte 0: the pattern is too long"},
	{"too deep a pattern", "'a'.matches('", "(", 60, "')",
	 "check 12 the pattern is refused at its byte 51: parentheses are too deeply nested"},
};

static void bounds_texts(void **state)
{
	(void)state;
	EACH_ROW (at, rows) {
		struct slice text = repeated(at->front, at->middle, at->times, at->back);
		struct cel_tried t;
		cel_try_init(&t);
		ROW_CHECK(at, cel_try_variables(&t, "{\"m\":{}}"));
		cel_try_run(&t, text);
		ROW_EQ(at, cel_try_text(&t), slice_from_cstr(at->wanted));
		cel_try_deinit(&t);
		free((void *)(uintptr_t)text.data);
	}
}

/* Each takes more steps than it was estimated to, or than it may. */
static const struct {
	const char *says, *expr;
} costly[] = {
	{"loops", "l.all(a, l.all(b, a == b || true))"},
	{"no || hides it", "l.all(a, l.all(b, a == b || true)) || true"},
	{"nor does has", "has(l.map(a, l.map(b, b))[0][0].x)"},
	{"texts that double", "l.map(a, "
			      "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa').join(s)"
			      ".split('').map(c, s)"},
	{"equality of large lists", "l.all(a, l == l)"},
	{"sets", "sets.intersects(l, l.map(x, -1))"},
	{"texts made and thrown away", "cel.bind(t, l.map(b, s).join(s), [1, 2, 3, 4, 5, 6, 7, 8, "
				       "9, 10, 11, 12].all(x, type(t + t) == string))"},
	{"in", "l.all(a, -1 in l || true)"},
};

static void bounds_steps(void **state)
{
	(void)state;
	EACH_ROW (at, costly) {
		struct slice vars =
			repeated("{\"s\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\",\"l\":[0",
				 ",1", 900, "]}");
		struct cel_tried t;
		cel_try_init(&t);
		char *copy = strndup(vars.data, vars.len);
		ROW_CHECK(at, cel_try_variables(&t, copy));
		t.env.limits = (struct cel_limits){.items = 1, .steps = 20000};
		cel_try_run(&t, slice_from_cstr(at->expr));
		struct slice text = cel_try_text(&t);
		ROW_CHECK(at, t.failed && t.error.phase == CEL_PHASE_RUN);
		ROW_CHECK(at, slice_ends_with(text, SLICE("the expression takes too many steps")));
		cel_try_deinit(&t);
		free(copy);
		free((void *)(uintptr_t)vars.data);
	}
}

static void bounds_memory(void **state)
{
	struct slice vars = repeated("{\"l\":[0", ",1", 900, "]}");
	struct cel_tried t;
	struct arena small;

	(void)state;
	cel_try_init(&t);
	char *copy = strndup(vars.data, vars.len);
	assert_true(cel_try_variables(&t, copy));
	assert_int_equal(cel_compile(SLICE("l.map(a, l + l)[0][0] == 0 || true"), &t.env, &t.arena,
				     &t.program, &t.error),
			 0);
	arena_init(&small, 1 << 14, 1 << 16);
	assert_false(cel_allows(t.program, t.values, t.count, &small, &t.error));
	assert_slice(t.error.sentence, "the expression needs too much memory");
	arena_deinit(&small);
	cel_try_deinit(&t);
	free(copy);
	free((void *)(uintptr_t)vars.data);
}

/* The classic that doubles with each letter. */
static void bounds_searches(void **state)
{
	struct slice vars = repeated("{\"s\":\"", "a", 60, "!\"}");
	struct cel_tried t;

	(void)state;
	cel_try_init(&t);
	char *copy = strndup(vars.data, vars.len);
	assert_true(cel_try_variables(&t, copy));
	cel_try_run(&t, SLICE("s.matches('^(a+)+$') || true"));
	assert_slice(cel_try_text(&t), "run 2 the search for the pattern takes too long");
	cel_try_deinit(&t);
	free(copy);
	free((void *)(uintptr_t)vars.data);
}

/* The estimate, by hand. */
static void estimates(void **state)
{
	static const struct {
		const char *says, *expr;
		uint64_t wanted;
	} known[] = {
		{"a constant", "1 + 1", 1},
		{"a variable and an operator", "l + l", 3},
		{"a loop over three", "[1, 2, 3].all(a, a > l)", 1 + 1 + 1 + 3 * (3 + 1)},
		{"a loop over anything", "l.all(a, true)", 1 + 1 + 1 + 7 * (1 + 1)},
		{"a search", "l.matches('a')", 500 + 2},
	};

	(void)state;
	EACH_ROW (at, known) {
		struct cel_tried t;
		cel_try_init(&t);
		ROW_CHECK(at, cel_try_variables(&t, "{\"l\":1}"));
		t.env.limits.items = 7;
		ROW_CHECK(at, cel_compile(slice_from_cstr(at->expr), &t.env, &t.arena, &t.program,
					  &t.error) == 0);
		assert_int_equal(cel_program_cost(t.program), at->wanted);
		cel_try_deinit(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bounds_texts),  cmocka_unit_test(bounds_steps),
		cmocka_unit_test(bounds_memory), cmocka_unit_test(bounds_searches),
		cmocka_unit_test(estimates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
