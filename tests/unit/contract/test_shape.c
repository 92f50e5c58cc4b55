/* SPDX-License-Identifier: Apache-2.0 */
/* What a schema says of values before there is one. */
#include "unit.h"

#include "base/buf.h"
#include "contract/schema_shape.h"
#include "json/read.h"

static struct arena arena;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena, 1 << 16, SIZE_MAX);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_deinit(&arena);
	return 0;
}

static const struct schema_shape *compile(const char *text)
{
	const struct json_limits limits = {.depth = 64, .members = 1000, .values = 100000};
	const struct schema_options options = {.formats = true};
	const struct schema *s = NULL;
	struct schema_error error;
	struct json_doc doc;

	if (json_read(slice_from_cstr(text), &limits, &arena, &doc))
		fail_msg("not JSON: %s", text);
	if (schema_compile(doc.root, SLICE(""), &options, &arena, &s, &error))
		fail_msg("%s: %s", error.pointer, error.sentence);
	return schema_shape_of(s, &arena);
}

/* "null", "string|number", ..., whole numbers as "int". */
static void describe(const struct schema_shape *s, char *out, size_t bytes)
{
	unsigned types = schema_shape_types(s);
	size_t len = 0;

	out[0] = 0;
	if (types == 0x7e)
		snprintf(out, bytes, "any");
	for (int t = JSON_NULL; types != 0x7e && t <= JSON_OBJECT; t++) {
		const char *name = json_type_name((enum json_type)t);
		if (!(types & 1u << t))
			continue;
		if (t == JSON_NUMBER && schema_shape_whole(s))
			name = "int";
		len += (size_t)snprintf(out + len, bytes - len, "%s%s", len ? "|" : "", name);
	}
}

#define O(x) "{\"type\":\"object\"," x "}"
#define A    "\"properties\":{\"a\":{\"type\":\"string\"}}"
#define B    "\"properties\":{\"b\":{\"type\":\"integer\"}}"
#define NO   "\"additionalProperties\":false"

static const struct row {
	const char *says, *schema;
	const char *name; /* of the member; "[]" an item; NULL the value itself */
	const char *wanted;
} rows[] = {
	{"everything", "{}", NULL, "any"},
	{"true", "true", NULL, "any"},
	{"false", "false", NULL, ""},
	{"a type", "{\"type\":\"string\"}", NULL, "string"},
	{"two types", "{\"type\":[\"string\",\"null\"]}", NULL, "null|string"},
	{"integer", "{\"type\":\"integer\"}", NULL, "int"},
	{"number", "{\"type\":\"number\"}", NULL, "number"},
	{"number and integer", "{\"type\":[\"number\",\"integer\"]}", NULL, "number"},
	{"const", "{\"const\":\"x\"}", NULL, "string"},
	{"a whole const", "{\"const\":7}", NULL, "int"},
	{"enum", "{\"enum\":[\"x\",null,1.5]}", NULL, "null|number|string"},
	{"a whole enum", "{\"enum\":[1,2]}", NULL, "int"},
	{"allOf",
	 "{\"allOf\":[{\"type\":[\"string\",\"number\"]},{\"type\":[\"integer\",\"null\"]}]}", NULL,
	 "int"},
	{"anyOf", "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"integer\"}]}", NULL, "int|string"},
	{"anyOf of numbers", "{\"anyOf\":[{\"type\":\"number\"},{\"type\":\"integer\"}]}", NULL,
	 "number"},
	{"oneOf",
	 "{\"oneOf\":[{\"type\":\"integer\",\"minimum\":5},{\"type\":\"integer\",\"maximum\":1}]}",
	 NULL, "int"},
	{"anyOf narrows",
	 "{\"type\":[\"string\",\"null\"],\"anyOf\":[{\"type\":\"string\"},{\"type\":\"number\"}]}",
	 NULL, "string"},
	{"$ref", "{\"$ref\":\"#/$defs/x\",\"$defs\":{\"x\":{\"type\":\"boolean\"}}}", NULL,
	 "boolean"},
	{"if, then, else",
	 "{\"if\":{\"const\":1},\"then\":{\"type\":\"number\"},\"else\":{\"type\":\"string\"}}",
	 NULL, "number|string"},
	{"if and then", "{\"if\":{\"const\":1},\"then\":{\"type\":\"number\"}}", NULL, "any"},
	{"not is not looked at", "{\"not\":{\"type\":\"string\"}}", NULL, "any"},

	{"a member", O(A), "a", "string"},
	{"another member", O(A), "b", "undeclared"},
	{"nothing listed", "{\"type\":\"object\"}", "a", "open"},
	{"only required", "{\"required\":[\"a\"]}", "b", "open"},
	{"closed", O(A "," NO), "b", "no"},
	{"closed and required", O(A "," NO ",\"required\":[\"b\"]"), "b", "no"},
	{"the others have a type", O(A ",\"additionalProperties\":{\"type\":\"null\"}"), "b",
	 "null"},
	{"the others are free", O(A ",\"additionalProperties\":true"), "b", "any"},
	{"a member that may not be", O("\"properties\":{\"a\":false}"), "a", "no"},
	{"a pattern", O("\"patternProperties\":{\"^x-\":{\"type\":\"null\"}}"), "x-1", "null"},
	{"not that pattern", O("\"patternProperties\":{\"^x-\":{\"type\":\"null\"}}"), "y",
	 "undeclared"},
	{"a pattern and a name",
	 O("\"properties\":{\"xa\":{\"type\":[\"null\",\"string\"]}},\"patternProperties\":{\"^x\":"
	   "{\"type\":[\"string\",\"number\"]}}"),
	 "xa", "string"},
	{"allOf has it", O(A ",\"allOf\":[{" B "}]"), "b", "int"},
	{"allOf closes", O(B ",\"allOf\":[{" A "," NO "}]"), "b", "no"},
	{"allOf has another", O(A ",\"allOf\":[{" B "}]"), "c", "undeclared"},
	{"both speak of it",
	 "{\"allOf\":[{\"properties\":{\"a\":{\"type\":[\"string\",\"null\"]}}},{" A "}]}", "a",
	 "string"},
	{"$ref has it", "{\"$ref\":\"#/$defs/x\",\"$defs\":{\"x\":{" A "}}}", "a", "string"},
	{"one of two has it", "{\"anyOf\":[{" A "},{" B "}]}", "a", "string"},
	{"neither has it", "{\"anyOf\":[{" A "},{" B "}]}", "c", "undeclared"},
	{"both have it", "{\"oneOf\":[{" A "},{\"properties\":{\"a\":{\"type\":\"null\"}}}]}", "a",
	 "null|string"},
	{"one is open", "{\"anyOf\":[{" A "},{\"type\":\"object\"}]}", "a", "open"},
	{"one is open and it is not listed", "{\"anyOf\":[{" A "},{\"type\":\"object\"}]}", "b",
	 "open"},
	{"one is no object", "{\"anyOf\":[{" A "},{\"type\":\"null\"}]}", "a", "string"},
	{"one forbids it", "{\"anyOf\":[{" A "},{" B "," NO "}]}", "a", "string"},
	{"both forbid it", "{\"anyOf\":[{" A "," NO "},{" B "," NO "}]}", "c", "no"},
	{"then has it", O(A ",\"if\":{\"required\":[\"a\"]},\"then\":{" B "}"), "b", "open"},
	{"if has it", O(A ",\"if\":{" B "}"), "b", "open"},
	{"then and else have it", O(A ",\"if\":{},\"then\":{" B "},\"else\":{" B "}"), "b", "int"},
	{"a dependent has it", O(A ",\"dependentSchemas\":{\"a\":{" B "}}"), "b", "open"},
	{"unevaluated is closed", O(A ",\"unevaluatedProperties\":false"), "b", "no"},
	{"unevaluated, but spoken of", O(A ",\"allOf\":[{" B "}],\"unevaluatedProperties\":false"),
	 "b", "int"},
	{"unevaluated has a type", O(A ",\"unevaluatedProperties\":{\"type\":\"null\"}"), "b",
	 "null"},
	{"a circle", "{\"properties\":{\"a\":{\"$ref\":\"#\"}}}", "a", "any"},

	{"an item", "{\"items\":{\"type\":\"string\"}}", "[]", "string"},
	{"no items", "{\"type\":\"array\"}", "[]", "open"},
	{"a tuple",
	 "{\"prefixItems\":[{\"type\":\"string\"},{\"type\":\"null\"}],\"items\":{\"type\":"
	 "\"integer\"}}",
	 "[]", "null|int|string"},
	{"a closed tuple", "{\"prefixItems\":[{\"type\":\"string\"}],\"items\":false}", "[]",
	 "string"},
	{"an open tuple", "{\"prefixItems\":[{\"type\":\"string\"}]}", "[]", "open"},
	{"items of one of two",
	 "{\"anyOf\":[{\"items\":{\"type\":\"string\"}},{\"type\":\"null\"}]}", "[]", "string"},
};

static void ask(const struct row *at, const struct schema_shape *s, char *out, size_t bytes)
{
	const struct schema_shape *found = NULL;
	enum schema_answer answer = SCHEMA_ANSWER_KNOWN;

	if (at->name && strcmp(at->name, "[]") == 0)
		answer = schema_shape_item(s, &arena, &found);
	else if (at->name)
		answer = schema_shape_member(s, slice_from_cstr(at->name), &arena, &found);
	else
		found = s;
	ROW_CHECK(at, (found != NULL) == (answer == SCHEMA_ANSWER_KNOWN));
	if (answer == SCHEMA_ANSWER_KNOWN)
		describe(found, out, bytes);
	else
		snprintf(out, bytes, "%s",
			 answer == SCHEMA_ANSWER_NO           ? "no"
			 : answer == SCHEMA_ANSWER_UNDECLARED ? "undeclared"
							      : "open");
}

static void shapes(void **state)
{
	char text[100];

	(void)state;
	EACH_ROW (at, rows) {
		ask(at, compile(at->schema), text, sizeof(text));
		ROW_EQ(at, slice_from_cstr(text), slice_from_cstr(at->wanted));
	}
}

static void lengths(void **state)
{
	(void)state;
	assert_true(schema_shape_items_max(compile("{}")) == UINT32_MAX);
	assert_int_equal(schema_shape_items_max(compile("{\"maxItems\":7}")), 7);
	assert_int_equal(
		schema_shape_items_max(compile("{\"maxItems\":7,\"allOf\":[{\"maxItems\":5}]}")),
		5);
	assert_int_equal(
		schema_shape_items_max(compile("{\"anyOf\":[{\"maxItems\":7},{\"maxItems\":5}]}")),
		7);
	assert_int_equal(
		schema_shape_items_max(compile("{\"prefixItems\":[{},{}],\"items\":false}")), 2);
}

static void texts(void **state)
{
	static const char *const bounded[] = {
		"{\"type\":\"string\",\"maxLength\":5}",
		"{\"const\":\"a\"}",
		"{\"enum\":[\"a\"]}",
		"{\"type\":\"string\",\"pattern\":\"a\"}",
		"{\"type\":\"string\",\"format\":\"uri\"}",
		"{\"type\":\"string\",\"allOf\":[{\"maxLength\":5}]}",
		"{\"type\":\"null\"}",
		"{\"anyOf\":[{\"type\":\"string\",\"maxLength\":5},{\"type\":\"null\"}]}",
	};
	static const char *const any[] = {
		"{}",
		"{\"type\":\"string\"}",
		"{\"type\":\"string\",\"minLength\":5}",
		"{\"anyOf\":[{\"type\":\"string\",\"maxLength\":5},{\"type\":\"string\"}]}",
		"{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"type\":\"string\"}}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bounded) / sizeof(bounded[0]); i++)
		if (schema_shape_any_text(compile(bounded[i])))
			fail_msg("%s takes any text", bounded[i]);
	for (size_t i = 0; i < sizeof(any) / sizeof(any[0]); i++)
		if (!schema_shape_any_text(compile(any[i])))
			fail_msg("%s is bounded", any[i]);
}

static void count(void *with, struct slice name)
{
	unsigned *sum = with;

	*sum = *sum * 10 + (unsigned)name.data[0] - 'a' + 1;
}

static void names(void **state)
{
	unsigned sum = 0;

	(void)state;
	schema_shape_names(compile("{" A ",\"allOf\":[{" B "}],\"required\":[\"c\"]}"), count,
			   &sum);
	assert_int_equal(sum, 12);
}

/* Some 20,000 ways to go: given up in time, and nothing is claimed then. */
static void bounded(void **state)
{
	struct buf text;
	const struct schema_shape *out;

	(void)state;
	buf_init(&text, 1 << 16);
	assert_int_equal(buf_printf(&text, "{\"allOf\":[{\"$ref\":\"#/$defs/n0\"}],\"$defs\":{"),
			 0);
	for (int i = 0; i < 9; i++)
		assert_int_equal(buf_printf(&text,
					    "\"n%d\":{\"anyOf\":[{\"$ref\":\"#/$defs/"
					    "n%d\"},{\"$ref\":\"#/$defs/n%d\"},"
					    "{\"$ref\":\"#/$defs/n%d\"}]},",
					    i, i + 1, i + 1, i + 1),
				 0);
	assert_int_equal(buf_printf(&text, "\"n9\":{\"type\":\"string\"}}}"), 0);
	assert_int_equal(buf_append(&text, slice_of("", 1)), 0);
	const struct schema_shape *s = compile(text.data);
	assert_true(schema_shape_types(s) & 1u << JSON_STRING);
	assert_int_equal(schema_shape_member(s, SLICE("a"), &arena, &out), SCHEMA_ANSWER_OPEN);
	buf_deinit(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shapes), cmocka_unit_test(lengths), cmocka_unit_test(texts),
		cmocka_unit_test(names),  cmocka_unit_test(bounded),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
