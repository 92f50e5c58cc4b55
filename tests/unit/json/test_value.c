/* SPDX-License-Identifier: Apache-2.0 */
#include "json/value.h"

#include <stdlib.h>

#include "unit.h"

#include "json/read.h"

static struct arena arena;

/* A value from text that is good under any limits; lives until the end of the test. */
static const struct json_node *value(const char *text)
{
	struct json_limits limits = JSON_LIMITS_DEFAULT;
	struct json_doc doc;

	limits.big_integers = true;
	if (json_read(slice_from_cstr(text), &limits, &arena, &doc))
		fail_msg("%s: %s at %zu", text, json_fault_word(doc.fault), doc.at);
	return doc.root;
}

static void nothing_is_a_value_of_no_type(void **state)
{
	int64_t integer = 7;

	(void)state;
	assert_int_equal(json_type(NULL), JSON_NONE);
	assert_string_equal(json_type_name(JSON_NONE), "nothing");
	assert_string_equal(json_type_name(JSON_OBJECT), "object");
	assert_string_equal(json_type_name((enum json_type)99), "nothing");
	assert_false(json_is_true(NULL));
	assert_false(json_is_integer(NULL));
	assert_false(json_is_whole(NULL));
	assert_false(json_integer(NULL, &integer));
	assert_int_equal(integer, 7);
	assert_true(json_double(NULL) == 0);
	assert_int_equal(json_string(NULL).len, 0);
	assert_int_equal(json_number_text(NULL).len, 0);
	assert_int_equal(json_count(NULL), 0);
	assert_null(json_member(NULL, SLICE("a")));
	assert_null(json_item(NULL, 0));
	assert_true(json_equal(NULL, NULL));
	assert_false(json_equal(NULL, value("null")));
}

static void each_type_answers_for_itself(void **state)
{
	const struct json_node *v = value("[null,true,false,1,\"x\",[1,2],{\"a\":1}]");
	static const enum json_type types[] = {JSON_NULL,   JSON_BOOL,  JSON_BOOL,  JSON_NUMBER,
					       JSON_STRING, JSON_ARRAY, JSON_OBJECT};
	uint32_t i = 0;

	(void)state;
	JSON_EACH (item, v) {
		assert_int_equal(json_type(item), types[i]);
		assert_int_equal(json_is_true(item), i == 1);
		assert_int_equal(json_is_integer(item), i == 3);
		assert_int_equal(json_string(item).len, i == 4);
		assert_int_equal(json_count(item), i == 5 ? 2 : i == 6 ? 1 : 0);
		assert_int_equal(json_member(item, SLICE("a")) != NULL, i == 6);
		assert_int_equal(json_item(item, 1) != NULL, i == 5);
		assert_ptr_equal(json_item(v, i), item);
		i++;
	}
	assert_int_equal(i, 7);
	assert_null(json_item(v, 7));
	assert_null(json_item(v, UINT32_MAX));
}

static void members_are_found_by_their_decoded_names(void **state)
{
	const struct json_node *v =
		value("{\"\":0,\"a\":{\"inner\":[1,2,3]},\"us\\u0065r\":\"x\",\"text\":null,"
		      "\"a much longer name than others\":5}");
	struct json_name user = json_name(SLICE("user"));

	(void)state;
	assert_int_equal(json_count(v), 5);
	assert_slice(json_string(json_member(v, SLICE("user"))), "x");
	assert_slice(json_string(json_member_named(v, &user)), "x");
	assert_non_null(json_member(v, SLICE("")));
	assert_non_null(json_member(v, slice_of(NULL, 0)));
	assert_int_equal(json_member(v, SLICE("text"))->type, JSON_NULL);
	assert_true(json_double(json_member(v, SLICE("a much longer name than others"))) == 5);
	assert_null(json_member(v, SLICE("a much longer name thin others")));
	assert_null(json_member(v, SLICE("us\\u0065r")));
	/* Only of this object, not of those inside. */
	assert_null(json_member(v, SLICE("inner")));
	assert_non_null(json_member(json_member(v, SLICE("a")), SLICE("inner")));
	assert_null(json_member_typed(v, SLICE("user"), JSON_NUMBER));
	assert_non_null(json_member_typed(v, SLICE("user"), JSON_STRING));
	assert_null(json_member_typed(v, SLICE("nobody"), JSON_NONE));
}

static const struct {
	const char *says, *text;
	bool whole, integer;
	int64_t value;
} whole[] = {
	/* clang-format off */
	{"an integer", "7", true, true, 7},
	{"minus zero", "-0", true, true, 0},
	{"with a fraction of zero", "7.0", true, true, 7},
	{"with an exponent", "1E2", true, true, 100},
	{"minus zero with a fraction", "-0.0", true, true, 0},
	{"a fraction", "7.5", false, false, 0},
	{"nearly whole", "0.9999999999", false, false, 0},
	{"beyond 2^53, as a double", "1e17", true, true, 100000000000000000},
	{"-2^63, as a double", "-9223372036854775808.0", true, true, INT64_MIN},
	{"2^63, as a double", "9223372036854775808.0", true, false, 0},
	{"below -2^63", "-9.3e18", true, false, 0},
	{"very large", "1e300", true, false, 0},
	{"a string", "\"7\"", false, false, 0},
	{"a big integer", "9223372036854775807", true, true, INT64_MAX},
	/* clang-format on */
};

static void whole_numbers(void **state)
{
	(void)state;
	EACH_ROW (at, whole) {
		int64_t got = 99;
		ROW_CHECK(at, json_is_whole(value(at->text)) == at->whole);
		ROW_CHECK(at, json_integer(value(at->text), &got) == at->integer);
		ROW_CHECK(at, got == (at->integer ? at->value : 99));
	}
	assert_true(json_double(value("-12")) == -12);
	assert_true(json_double(value("1.25")) == 1.25);
	assert_slice(json_number_text(value(" 1.50 ")), "1.50");
}

/* In ascending order; rows of one line are equal. */
static const struct {
	const char *a, *b;
	int order;
} compared[] = {
	/* clang-format off */
	{"1", "1", 0}, {"1", "2", -1}, {"-1", "1", -1}, {"1", "1.0", 0}, {"1", "1e0", 0},
	{"100", "1E2", 0}, {"0", "-0", 0}, {"0", "-0.0", 0}, {"0.0", "-0e5", 0},
	{"1", "1.5", -1}, {"2", "1.5", 1}, {"-1", "-1.5", 1}, {"-2", "-1.5", -1},
	{"0.1", "0.1", 0}, {"0.1", "1e-1", 0}, {"0.1", "0.2", -1},
	/* As doubles these would be equal. */
	{"9007199254740993", "9007199254740992.0", 1},
	{"9007199254740992", "9007199254740992.0", 0},
	{"9223372036854775807", "9223372036854775808.0", -1},
	{"-9223372036854775808", "-9223372036854775808.0", 0},
	{"-9223372036854775808", "-9223372036854777856.0", 1},
	{"9007199254740993", "9007199254740992", 1},
	{"1", "1e300", -1}, {"1", "-1e300", 1},
	/* clang-format on */
};

static void numbers_compare_by_value(void **state)
{
	(void)state;
	EACH_ROW (at, compared) {
		const struct json_node *a = value(at->a), *b = value(at->b);
		if (json_number_cmp(a, b) != at->order || json_number_cmp(b, a) != -at->order)
			fail_msg("%s and %s", at->a, at->b);
		if (json_equal(a, b) != (at->order == 0))
			fail_msg("%s and %s: equality", at->a, at->b);
	}
}

static const struct {
	const char *says, *a, *b;
	bool equal;
} equality[] = {
	/* clang-format off */
	{"literals", "[null,true,false]", "[ null, true, false ]", true},
	{"true and false", "true", "false", false},
	{"null and false", "null", "false", false},
	{"zero and false", "0", "false", false},
	{"one and its text", "1", "\"1\"", false},
	{"strings by their characters", "\"a\\u00e4\"", "\"\\u0061\xc3\xa4\"", true},
	{"strings of other case", "\"a\"", "\"A\"", false},
	{"a string and a longer one", "\"a\"", "\"ab\"", false},
	{"composed and decomposed are different", "\"\xc3\xa4\"", "\"a\xcc\x88\"", false},
	{"arrays in order", "[1,2]", "[2,1]", false},
	{"an array and a longer one", "[1]", "[1,1]", false},
	{"nested numbers", "[[1.0],{\"a\":1e1}]", "[[1],{\"a\":10}]", true},
	{"members without order", "{\"a\":1,\"b\":{\"c\":[]},\"d\":2}", "{\"d\":2,\"b\":{\"c\":[]},\"a\":1}", true},
	{"members with other names", "{\"a\":1,\"b\":2}", "{\"a\":1,\"c\":2}", false},
	{"members with values exchanged", "{\"a\":1,\"b\":2}", "{\"a\":2,\"b\":1}", false},
	{"an object and a larger one", "{\"a\":1}", "{\"a\":1,\"b\":2}", false},
	{"an empty object and an empty array", "{}", "[]", false},
	{"empty ones", "[{},[],\"\"]", "[{},[],\"\"]", true},
	{"an object inside that differs", "{\"x\":{\"a\":[1,{\"b\":2}]}}", "{\"x\":{\"a\":[1,{\"b\":3}]}}", false},
	/* clang-format on */
};

static void equality_is_that_of_json_schema(void **state)
{
	static const struct siphash_key key = {{9, 8, 7}}, other = {{9, 8, 6}};

	(void)state;
	EACH_ROW (at, equality) {
		const struct json_node *a = value(at->a), *b = value(at->b);
		ROW_CHECK(at, json_equal(a, b) == at->equal);
		ROW_CHECK(at, json_equal(b, a) == at->equal);
		ROW_CHECK(at, json_equal(a, a) && json_equal(b, b));
		ROW_CHECK(at, (json_hash(a, &key) == json_hash(b, &key)) == at->equal);
		ROW_CHECK(at, json_hash(a, &key) != json_hash(a, &other));
	}
	EACH_ROW (at, compared)
		assert_int_equal(json_hash(value(at->a), &key) == json_hash(value(at->b), &key),
				 at->order == 0);
	assert_int_not_equal(json_hash(NULL, &key), json_hash(value("null"), &key));
}

/* A thousand members in the opposite order: the search must not lose its way. */
static void large_objects_in_any_order(void **state)
{
	static char up[32768], down[32768];
	size_t up_len = 0, down_len = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		up_len += (size_t)snprintf(up + up_len, sizeof(up) - up_len, "%c\"key%d\":%d",
					   i ? ',' : '{', i, i);
		down_len += (size_t)snprintf(down + down_len, sizeof(down) - down_len,
					     "%c\"key%d\":%d", i ? ',' : '{', 999 - i, 999 - i);
	}
	memcpy(up + up_len, "}", 2);
	memcpy(down + down_len, "}", 2);
	assert_true(json_equal(value(up), value(down)));
	down[down_len - 1] = '1';
	assert_false(json_equal(value(up), value(down)));
}

static int make_arena(void **state)
{
	(void)state;
	arena_init(&arena, 65536, 1 << 24);
	return 0;
}

static int free_arena(void **state)
{
	(void)state;
	arena_deinit(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_a_value_of_no_type),
		cmocka_unit_test(each_type_answers_for_itself),
		cmocka_unit_test(members_are_found_by_their_decoded_names),
		cmocka_unit_test(whole_numbers),
		cmocka_unit_test(numbers_compare_by_value),
		cmocka_unit_test(equality_is_that_of_json_schema),
		cmocka_unit_test(large_objects_in_any_order),
	};
	return cmocka_run_group_tests_name("json/value", tests, make_arena, free_arena);
}
