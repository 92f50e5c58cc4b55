/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a refusal says, of a schema and of a value; and the bounds. Which values satisfy which
 * schemas is in cases/ and in the official suite (test_suite.c).
 */
#include "unit.h"

#include "contract/schema.h"
#include "json/pointer.h"
#include "json/read.h"

static struct arena arena;
static struct schema_room *room;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena, 1 << 16, SIZE_MAX);
	room = schema_room_new(NULL);
	return room ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	schema_room_free(room);
	arena_deinit(&arena);
	return 0;
}

static const struct json_node *parse(const char *text)
{
	const struct json_limits limits = {
		.depth = JSON_DEPTH_MAX, .members = UINT32_MAX, .values = UINT32_MAX / 4};
	struct json_doc doc;

	if (json_read(slice_from_cstr(text), &limits, &arena, &doc))
		fail_msg("not JSON: %s", text);
	return doc.root;
}

static const struct schema *compile(const char *text)
{
	const struct schema_options options = {.formats = true};
	struct schema_error error;
	const struct schema *s = NULL;

	if (schema_compile(parse(text), SLICE(""), &options, &arena, &s, &error))
		fail_msg("%s: %s", error.pointer, error.sentence);
	return s;
}

/* ---- values */

static const struct refusal {
	const char *says, *schema, *value, *at, *keyword;
} refusals[] = {
	{"type", "{\"properties\":{\"a\":{\"type\":\"string\"}}}", "{\"a\":1}", "/a", "type"},
	{"integer", "{\"type\":\"integer\"}", "1.5", "", "type"},
	{"const", "{\"const\":1}", "2", "", "const"},
	{"enum", "{\"enum\":[1,2]}", "3", "", "enum"},
	{"enum of words", "{\"enum\":[\"a\",\"b\",\"c\",\"d\"]}", "\"e\"", "", "enum"},
	{"maxLength", "{\"items\":{\"maxLength\":1}}", "[\"a\",\"bc\"]", "/1", "maxLength"},
	{"minLength", "{\"minLength\":2}", "\"\xc3\xa4\"", "", "minLength"},
	{"pattern", "{\"pattern\":\"^a\"}", "\"b\"", "", "pattern"},
	{"format", "{\"format\":\"date\"}", "\"b\"", "", "format"},
	{"minimum", "{\"minimum\":2}", "1", "", "minimum"},
	{"maximum", "{\"maximum\":2}", "3", "", "maximum"},
	{"exclusiveMinimum", "{\"exclusiveMinimum\":2}", "2", "", "exclusiveMinimum"},
	{"exclusiveMaximum", "{\"exclusiveMaximum\":2}", "2", "", "exclusiveMaximum"},
	{"multipleOf", "{\"multipleOf\":2}", "3", "", "multipleOf"},
	{"minItems", "{\"minItems\":1}", "[]", "", "minItems"},
	{"maxItems", "{\"maxItems\":0}", "[1]", "", "maxItems"},
	{"uniqueItems", "{\"uniqueItems\":true}", "[1,2,1]", "/2", "uniqueItems"},
	{"contains", "{\"contains\":{\"const\":1}}", "[2]", "", "contains"},
	{"minContains", "{\"contains\":{\"const\":1},\"minContains\":2}", "[1]", "", "minContains"},
	{"maxContains", "{\"contains\":{\"const\":1},\"maxContains\":1}", "[1,1]", "",
	 "maxContains"},
	{"items", "{\"items\":false}", "[1]", "/0", "items"},
	{"prefixItems", "{\"prefixItems\":[true,false]}", "[1,2]", "/1", "prefixItems"},
	{"unevaluatedItems", "{\"unevaluatedItems\":false}", "[1]", "/0", "unevaluatedItems"},
	{"required", "{\"items\":{\"required\":[\"a\"]}}", "[{}]", "/0", "required"},
	{"minProperties", "{\"minProperties\":1}", "{}", "", "minProperties"},
	{"maxProperties", "{\"maxProperties\":0}", "{\"a\":1}", "", "maxProperties"},
	{"properties", "{\"properties\":{\"a\":false}}", "{\"a\":1}", "/a", "properties"},
	{"patternProperties", "{\"patternProperties\":{\"a\":false}}", "{\"a\":1}", "/a",
	 "patternProperties"},
	{"additionalProperties", "{\"additionalProperties\":false}", "{\"a/b\":1}", "/a~1b",
	 "additionalProperties"},
	{"unevaluatedProperties", "{\"unevaluatedProperties\":false}", "{\"a\":1}", "/a",
	 "unevaluatedProperties"},
	{"propertyNames", "{\"propertyNames\":false}", "{\"a\":1}", "/a", "propertyNames"},
	{"dependentRequired", "{\"dependentRequired\":{\"a\":[\"b\"]}}", "{\"a\":1}", "",
	 "dependentRequired"},
	{"dependentSchemas", "{\"dependentSchemas\":{\"a\":false}}", "{\"a\":1}", "",
	 "dependentSchemas"},
	{"dependencies", "{\"dependencies\":{\"a\":[\"b\"]}}", "{\"a\":1}", "", "dependencies"},
	{"anyOf", "{\"anyOf\":[{\"type\":\"string\"},{\"minimum\":5}]}", "1", "", "anyOf"},
	{"oneOf", "{\"oneOf\":[true,true]}", "1", "", "oneOf"},
	{"allOf says what in it", "{\"allOf\":[{\"minimum\":5}]}", "1", "", "minimum"},
	{"not", "{\"not\":{}}", "1", "", "not"},
	{"then", "{\"if\":true,\"then\":false}", "1", "", "then"},
	{"else", "{\"if\":false,\"else\":false}", "1", "", "else"},
	{"a reference says what it leads to",
	 "{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"maximum\":0}}}", "1", "", "maximum"},
	{"false", "false", "1", "", "false"},
};

static void a_refusal_says_where_and_what(void **state)
{
	char pointer[256];

	(void)state;
	EACH_ROW (at, refusals) {
		struct schema_failure failure = {0};
		const struct json_node *value = parse(at->value);
		ROW_CHECK(at, !schema_validate(compile(at->schema), value, room, &failure));
		ROW_EQ(at, slice_from_cstr(failure.keyword), slice_from_cstr(at->keyword));
		ROW_EQ(at, json_pointer_to(value, failure.at, pointer, sizeof(pointer)),
		       slice_from_cstr(at->at));
		ROW_CHECK(at, !failure.bound);
		ROW_CHECK(at, !schema_validate(compile(at->schema), value, room, NULL));
	}
}

/* ---- schemas */

static const struct error_row {
	const char *says, *schema, *pointer, *sentence;
} errors[] = {
	{"a type that is none", "{\"properties\":{\"a\":{\"type\":\"text\"}}}",
	 "/properties/a/type", "no such type"},
	{"a reference to nothing", "{\"items\":{\"$ref\":\"#/$defs/a\"}}", "/items/$ref",
	 "#/$defs/a is not there"},
	{"a document that is not known", "{\"$ref\":\"http://a/b\"}", "/$ref",
	 "http://a/b is not known"},
	{"a pattern", "{\"pattern\":\"a{\"}", "/pattern",
	 "the regular expression is refused: a brace has to be escaped"},
	{"a schema that is a number", "{\"not\":1}", "/not",
	 "a schema is an object, true or false"},
	{"a loop", "{\"$ref\":\"#\"}", "", "it refers to itself without end"},
	{"an unknown draft", "{\"$schema\":\"http://a/b\"}", "/$schema",
	 "no such draft or metaschema: http://a/b"},
	{"items of old", "{\"items\":[true]}", "/items",
	 "a list of schemas is called prefixItems in 2020-12"},
	{"two of a name", "{\"$defs\":{\"a\":{\"$anchor\":\"x\"},\"b\":{\"$anchor\":\"x\"}}}",
	 "/$defs/b", "a second anchor of the name x"},
	{"too precise", "{\"multipleOf\":1234567890.123456789}", "/multipleOf",
	 "a number above 0 with at most 18 digits is needed"},
};

static void an_error_says_where_and_what(void **state)
{
	const struct schema_options options = {0};
	struct schema_error error;
	const struct schema *s;

	(void)state;
	EACH_ROW (at, errors) {
		int r = schema_compile(parse(at->schema), SLICE(""), &options, &arena, &s, &error);
		ROW_CHECK(at, r == SCHEMA_REFUSED && !s);
		ROW_EQ(at, slice_from_cstr(error.pointer), slice_from_cstr(at->pointer));
		ROW_EQ(at, slice_from_cstr(error.sentence), slice_from_cstr(at->sentence));
	}
}

/* A part of a document is a schema; the rest can be referred to. */
static void a_part_is_compiled(void **state)
{
	const struct schema_options options = {.draft = SCHEMA_DRAFT_07};
	const struct json_node *root =
		parse("{\"channels\":{\"a\":{\"payload\":{\"$ref\":\"#/components/schemas/b\"}}},"
		      "\"components\":{\"schemas\":{\"b\":{\"type\":\"integer\"}}}}");
	struct schema_error error;
	const struct schema *s;

	(void)state;
	assert_int_equal(schema_compile_at(root, SLICE("/channels/a/payload"), SLICE("file:x"),
					   &options, &arena, &s, &error),
			 0);
	assert_true(schema_validate(s, parse("1"), room, NULL));
	assert_false(schema_validate(s, parse("\"1\""), room, NULL));
	assert_int_equal(schema_compile_at(root, SLICE("/channels/b"), SLICE("file:x"), &options,
					   &arena, &s, &error),
			 SCHEMA_REFUSED);
	assert_string_equal(error.sentence, "there is nothing at /channels/b");
	assert_string_equal(error.document, "file:x");
}

/* ---- bounds */

static void a_schema_that_costs_too_much_is_refused(void **state)
{
	struct schema_options options = {0};
	struct schema_error error;
	const struct schema *s;
	const struct json_node *root =
		parse("{\"allOf\":[{\"$ref\":\"#/$defs/a\"},{\"$ref\":\"#/$defs/a\"}],\"$defs\":{"
		      "\"a\":{\"anyOf\":[true,{\"minimum\":1},false]}}}");

	(void)state;
	/* itself, two references, and twice four */
	assert_int_equal(schema_compile(root, SLICE(""), &options, &arena, &s, &error), 0);
	assert_int_equal(schema_cost(s), 11);
	assert_int_equal(schema_count(s), 7);
	options.cost_max = 11;
	assert_int_equal(schema_compile(root, SLICE(""), &options, &arena, &s, &error), 0);
	options.cost_max = 10;
	assert_int_equal(schema_compile(root, SLICE(""), &options, &arena, &s, &error),
			 SCHEMA_REFUSED);
	assert_string_equal(error.sentence, "one value would be checked 11 times, more than 10");
}

/* A chain of references, each in the next. */
static const struct schema *compile_chain(unsigned links, int *result)
{
	static char text[1 << 16];
	const struct schema_options options = {0};
	struct schema_error error;
	const struct schema *s;
	size_t len = (size_t)snprintf(text, sizeof(text), "{\"$ref\":\"#/$defs/0\",\"$defs\":{");

	for (unsigned i = 0; i < links; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"\"%u\":{\"$ref\":\"#/$defs/%u\"},", i, i + 1);
	snprintf(text + len, sizeof(text) - len, "\"%u\":{\"type\":\"null\"}}}", links);
	*result = schema_compile(parse(text), SLICE(""), &options, &arena, &s, &error);
	return s;
}

static void a_long_chain_is_refused(void **state)
{
	int result;

	(void)state;
	const struct schema *s = compile_chain(150, &result);
	assert_int_equal(result, 0);
	assert_true(schema_validate(s, parse("null"), room, NULL));
	assert_false(schema_validate(s, parse("1"), room, NULL));
	compile_chain(400, &result);
	assert_int_equal(result, SCHEMA_REFUSED);
}

/* Each level of the value doubles the work; the bound is hit, and `not` does not turn it. */
static void work_that_explodes_is_refused(void **state)
{
	static const char schema[] =
		"{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"allOf\":["
		"{\"anyOf\":[{\"items\":{\"$ref\":\"#/$defs/a\"},\"maxItems\":0},true]},"
		"{\"items\":{\"$ref\":\"#/$defs/a\"}},{\"items\":{\"$ref\":\"#/$defs/a\"}}]}}}";
	static const char not_schema[] =
		"{\"not\":{\"$ref\":\"#/$defs/a\"},\"$defs\":{\"a\":{\"allOf\":["
		"{\"items\":{\"$ref\":\"#/$defs/a\"}},{\"items\":{\"$ref\":\"#/$defs/a\"}},"
		"{\"type\":\"array\"}]}}}";
	char deep[65] = {0};
	struct schema_failure failure;

	(void)state;
	memset(deep, '[', 32);
	memset(deep + 32, ']', 32);
	assert_true(schema_validate(compile(schema), parse("[[[]]]"), room, &failure));
	assert_false(schema_validate(compile(schema), parse(deep), room, &failure));
	assert_true(failure.bound);
	assert_string_equal(failure.keyword, "steps");
	assert_false(schema_validate(compile(not_schema), parse(deep), room, &failure));
	assert_true(failure.bound);
}

static void depth_is_bounded(void **state)
{
	char deep[2 * 400 + 1] = {0};
	struct schema_failure failure;

	(void)state;
	memset(deep, '[', 400);
	memset(deep + 400, ']', 400);
	assert_false(schema_validate(compile("{\"allOf\":[{\"items\":{\"$ref\":\"#\"}}]}"),
				     parse(deep), room, &failure));
	assert_true(failure.bound);
	assert_string_equal(failure.keyword, "depth");
	assert_true(schema_validate(compile("{\"items\":{\"$ref\":\"#\"}}"),
				    parse("[[[[[[[[]]]]]]]]"), room, &failure));
}

static void a_regex_that_hits_its_bound_is_refused(void **state)
{
	static const char value[] = "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\"";
	struct schema_failure failure;

	(void)state;
	assert_false(schema_validate(compile("{\"pattern\":\"^(a+)+$\"}"), parse(value), room,
				     &failure));
	assert_true(failure.bound);
	assert_string_equal(failure.keyword, "pattern");
	assert_false(schema_validate(compile("{\"not\":{\"pattern\":\"^(a+)+$\"}}"), parse(value),
				     room, &failure));
	assert_false(schema_validate(compile("{\"anyOf\":[{\"pattern\":\"^(a+)+$\"},true]}"),
				     parse(value), room, &failure));
	assert_true(failure.bound);
	/* The next message is not concerned. */
	assert_true(schema_validate(compile("{\"pattern\":\"^(a+)+$\"}"), parse("\"aaa\""), room,
				    &failure));
}

/* Long objects and arrays need memory beyond the stack. */
static void long_values_are_checked(void **state)
{
	static char text[1 << 16];
	size_t len = 1;

	(void)state;
	text[0] = '[';
	for (int i = 0; i < 3000; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%d,", i);
	snprintf(text + len, sizeof(text) - len, "2999]");
	const struct schema *unique = compile("{\"uniqueItems\":true}");
	struct schema_failure failure;
	assert_false(schema_validate(unique, parse(text), room, &failure));
	assert_string_equal(failure.keyword, "uniqueItems");
	snprintf(text + len, sizeof(text) - len, "3000]");
	assert_true(schema_validate(unique, parse(text), room, &failure));

	const struct schema *rest = compile(
		"{\"contains\":{\"maximum\":2998},\"anyOf\":[{\"contains\":{\"const\":3000}},true],"
		"\"unevaluatedItems\":{\"const\":2999}}");
	assert_true(schema_validate(rest, parse(text), room, &failure));
	snprintf(text + len, sizeof(text) - len, "3001]");
	assert_false(schema_validate(rest, parse(text), room, &failure));
	assert_string_equal(failure.keyword, "const");
}

static void numbers_are_compared_as_written(void **state)
{
	const struct schema *s = compile("{\"multipleOf\":0.01,\"maximum\":0.3}");

	(void)state;
	assert_true(schema_validate(s, parse("0.29"), room, NULL));
	assert_true(schema_validate(s, parse("30e-2"), room, NULL));
	assert_true(schema_validate(s, parse("0.3000000000000000000"), room, NULL));
	assert_false(schema_validate(s, parse("0.30000000000000000001"), room, NULL));
	assert_false(schema_validate(s, parse("0.295"), room, NULL));
	assert_false(schema_validate(compile("{\"maximum\":0.3}"), parse("0.30000000000000000001"),
				     room, NULL));
	assert_false(schema_validate(compile("{\"minimum\":-0.3}"),
				     parse("-0.30000000000000000001"), room, NULL));
	assert_true(schema_validate(s, parse("-1e20"), room, NULL));
	assert_true(schema_validate(s, parse("0e5"), room, NULL));
	assert_true(schema_validate(compile("{\"type\":\"integer\"}"), parse("1e2"), room, NULL));
	assert_true(
		schema_validate(compile("{\"type\":\"integer\"}"), parse("1.50e1"), room, NULL));
	assert_false(
		schema_validate(compile("{\"type\":\"integer\"}"), parse("1.55e1"), room, NULL));
	assert_false(schema_validate(compile("{\"type\":\"integer\"}"),
				     parse("1.00000000000000000000001"), room, NULL));
	assert_true(schema_validate(compile("{\"const\":1.0}"), parse("1"), room, NULL));
	assert_true(schema_validate(compile("{\"const\":-0.0}"), parse("0"), room, NULL));
}

/* ---- what is not declared */

static const struct undeclared_row {
	const char *says, *schema, *value, *wanted; /* pointers, each with a space behind it */
} undeclared[] = {
	{"a member that is not named", "{\"properties\":{\"a\":true}}", "{\"a\":1,\"b\":2,\"c\":3}",
	 "/b /c "},
	{"an object of which nothing is said", "{\"type\":\"object\",\"required\":[\"a\"]}",
	 "{\"a\":1}", ""},
	{"below a member that may be anything", "{\"properties\":{\"a\":{}}}", "{\"a\":{\"b\":1}}",
	 ""},
	{"below a member that is not named", "{\"properties\":{}}", "{\"a\":{\"b\":1}}", "/a "},
	{"in an item", "{\"items\":{\"properties\":{\"a\":{}}}}", "[{\"a\":1},{\"x\":1}]", "/1/x "},
	{"a pattern names it", "{\"patternProperties\":{\"^x\":true}}", "{\"xa\":1,\"b\":1}",
	 "/b "},
	{"allowed in so many words", "{\"properties\":{},\"additionalProperties\":true}",
	 "{\"a\":1}", ""},
	{"judged as unevaluated", "{\"properties\":{},\"unevaluatedProperties\":true}", "{\"a\":1}",
	 ""},
	{"two schemas name it together",
	 "{\"allOf\":[{\"properties\":{\"a\":{\"properties\":{\"b\":{}}}}},"
	 "{\"properties\":{\"a\":{\"properties\":{\"c\":{}}}}}]}",
	 "{\"a\":{\"b\":1,\"c\":1,\"d\":1}}", "/a/d "},
	{"a branch that does not hold names nothing",
	 "{\"properties\":{\"t\":{}},\"anyOf\":[{\"properties\":{\"a\":{},\"t\":{\"const\":1}}},"
	 "{\"properties\":{\"b\":{},\"t\":{\"const\":2}}}]}",
	 "{\"a\":1,\"t\":2,\"b\":1}", "/a "},
	{"nor does a not",
	 "{\"properties\":{},\"not\":{\"properties\":{\"a\":{\"const\":2}},"
	 "\"required\":[\"x\"]}}",
	 "{\"a\":1}", "/a "},
	{"nor an if that does not hold",
	 "{\"properties\":{},\"if\":{\"properties\":{\"a\":{\"const\":2}}}}", "{\"a\":1}", "/a "},
	{"an if that holds does",
	 "{\"properties\":{},\"if\":{\"properties\":{\"a\":{\"const\":1}}}}", "{\"a\":1}", ""},
	{"a number", "true", "1", ""},
};

static void what_is_not_declared_is_listed(void **state)
{
	(void)state;
	EACH_ROW (at, undeclared) {
		const struct json_node *value = parse(at->value), *const * keys;
		char pointer[64], got[256] = "";
		uint32_t count;
		ROW_CHECK(at, schema_validate_undeclared(compile(at->schema), value, room, NULL,
							 &keys, &count));
		size_t len = 0;
		for (uint32_t i = 0; i < count; i++) {
			struct slice p = json_pointer_to(value, keys[i], pointer, sizeof(pointer));
			len += (size_t)snprintf(got + len, sizeof(got) - len, "%.*s ",
						SLICE_ARG(p));
		}
		ROW_EQ(at, slice_from_cstr(got), slice_from_cstr(at->wanted));
	}
}

static void what_is_closed_lists_nothing(void **state)
{
	static const struct {
		const char *says, *schema;
		bool closed;
	} rows[] = {
		{"no members listed", "{\"type\":\"object\"}", true},
		{"nothing said of others", "{\"properties\":{\"a\":true}}", false},
		{"no others", "{\"properties\":{\"a\":true},\"additionalProperties\":false}", true},
		{"any others", "{\"properties\":{\"a\":true},\"additionalProperties\":true}", true},
		{"an open one inside",
		 "{\"properties\":{\"a\":{\"properties\":{}}},\"additionalProperties\":false}",
		 false},
		{"none left over", "{\"properties\":{\"a\":true},\"unevaluatedProperties\":false}",
		 true},
		{"a pattern", "{\"patternProperties\":{\"^a\":true}}", false},
	};

	(void)state;
	EACH_ROW (at, rows)
		ROW_CHECK(at, schema_closed(compile(at->schema)) == at->closed);
	EACH_ROW (at, undeclared)
		ROW_CHECK(at, !at->wanted[0] || !schema_closed(compile(at->schema)));
}

static void what_fails_lists_nothing(void **state)
{
	const struct json_node *const *keys;
	struct schema_failure failure;
	uint32_t count = 7;

	(void)state;
	assert_false(schema_validate_undeclared(compile("{\"properties\":{\"a\":{\"const\":1}}}"),
						parse("{\"b\":1,\"a\":2}"), room, &failure, &keys,
						&count));
	assert_int_equal(count, 0);
	assert_string_equal(failure.keyword, "const");
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_refusal_says_where_and_what),
		CASE(an_error_says_where_and_what),
		CASE(a_part_is_compiled),
		CASE(a_schema_that_costs_too_much_is_refused),
		CASE(a_long_chain_is_refused),
		CASE(work_that_explodes_is_refused),
		CASE(depth_is_bounded),
		CASE(a_regex_that_hits_its_bound_is_refused),
		CASE(long_values_are_checked),
		CASE(numbers_are_compared_as_written),
		CASE(what_is_not_declared_is_listed),
		CASE(what_is_closed_lists_nothing),
		CASE(what_fails_lists_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
