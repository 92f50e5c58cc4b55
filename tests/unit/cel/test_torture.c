/* SPDX-License-Identifier: Apache-2.0 */
/* Every allocation fails once: an orderly error, and never a wrong answer. */
#include "unit.h"

#include "cel/cel.h"
#include "failmalloc.h"

static const char *const expressions[] = {
	"x == 1 && [1, 2].map(a, a + x) == [2, 3]",
	"'%s-%d'.format([{'a': [1, 2]}, x]).replace('a', 'b').split('-').size() == 2",
	"'abcabc'.matches('(abc)+') && 'b'.matches(p)",
	"cidr('10.0.0.0/8').containsIP('10.0.0.1') && string(x) + 'a' == '1a'",
	"{'a': 1}.transformMap(k, v, v + x) == {'a': 2} && base64.encode(b'aaa') == 'YWFh'",
};

static void survives(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(expressions); i++)
		FAILMALLOC_EACH (n) {
			const struct cel_variable names[] = {{SLICE_INIT("x"), NULL},
							     {SLICE_INIT("p"), NULL}};
			const struct cel_value values[] = {cel_int(1), cel_string(SLICE("[a-c]"))};
			const struct cel_env env = {.variables = names, .variable_count = 2};
			const struct cel_program *p;
			struct cel_error error = {0};
			struct arena a;

			/* Blocks so small that nearly everything is an allocation of its own. */
			arena_init(&a, 64, 1 << 22);
			failmalloc_at(n);
			bool yes = cel_compile(slice_from_cstr(expressions[i]), &env, &a, &p,
					       &error) == 0 &&
				   cel_allows(p, values, 2, &a, &error);
			bool failed = failmalloc_stop();
			if (failed)
				assert_true(!yes && error.sentence.len);
			else
				assert_true(yes);
			arena_deinit(&a);
			if (!failed)
				break;
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(survives)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
