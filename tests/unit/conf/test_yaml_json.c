/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/yaml_json.h"

#include "unit.h"

static const struct {
	const char *says, *yaml, *json; /* NULL: JSON cannot write it */
} rows[] = {
	/* clang-format off */
	{"a map", "{b: 1, a: [x, 'y']}", "{\"b\":1,\"a\":[\"x\",\"y\"]}"},
	{"nothing", "", "null"},
	{"null in three ways", "[null, ~, ]", "[null,null]"},
	{"null that is text", "['null', \"~\"]", "[\"null\",\"~\"]"},
	{"booleans", "[true, False, 'true', yes]", "[true,false,\"true\",\"yes\"]"},
	{"numbers as they are", "[1, -0, 1.50, 1e2, 12345678901234567890]", "[1,-0,1.50,1e2,12345678901234567890]"},
	{"numbers that JSON writes otherwise", "[0x10, 0o17, +1, .5, -.5, 1.]", "[16,15,1,0.5,-0.5,1]"},
	{"numbers that are texts", "['1', 1a, 0b1, 1_000]", "[\"1\",\"1a\",\"0b1\",\"1_000\"]"},
	{"infinity", "[.inf]", NULL},
	{"less than nothing", "{a: -.INF}", NULL},
	{"not a number", ".nan", NULL},
	{"infinity as a text", "'.inf'", "\".inf\""},
	{"a block", "|\n  a\n  \"b\"\n", "\"a\\n\\\"b\\\"\\n\""},
	{"an alias", "[&a {b: 1}, *a]", "[{\"b\":1},{\"b\":1}]"},
	/* clang-format on */
};

static void each_tree_has_its_text(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	EACH_ROW (at, rows) {
		const struct yaml_node *root;
		static struct diag d;
		struct arena a;
		arena_init(&a, 4096, 1 << 20);
		diag_init(&d);
		ROW_CHECK(at, yaml_read(slice_from_cstr(at->yaml), &a, &d, &root) == 0);
		buf_clear(&out);
		ROW_CHECK(at, yaml_to_json(root, &out) == (at->json ? 0 : YAML_JSON_IMPOSSIBLE));
		if (at->json)
			ROW_EQ(at, buf_slice(&out), slice_from_cstr(at->json));
		diag_deinit(&d);
		arena_deinit(&a);
	}
	buf_deinit(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_tree_has_its_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
