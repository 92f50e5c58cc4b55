/* SPDX-License-Identifier: Apache-2.0 */
#include "json/shape.h"

#include "unit.h"

#include "shape_property.h"

static struct arena arena;

static const struct json_limits limits = {
	.depth = 8, .members = 16, .values = 32, .utf8_checked = true};

#define CHAT(id, user) "{\"type\":\"chat\",\"id\":" id ", \"user\":\"" user "\"}"

/* Nodes of CHAT: the object, then keys and values by turns. */
enum { CHAT_TYPE = 2, CHAT_ID = 4, CHAT_USER = 6 };

static struct json_doc read_text(const char *text)
{
	struct json_doc doc;

	if (json_read(slice_from_cstr(text), &limits, &arena, &doc))
		fail_msg("%s: %s at %zu", text, json_fault_word(doc.fault), doc.at);
	return doc;
}

static bool learn(struct json_shape *s, const char *text, uint32_t fixed)
{
	struct json_doc doc = read_text(text);

	return json_shape_learn(s, &doc, &limits, fixed ? &doc.root[fixed] : NULL);
}

static bool has_shape(struct json_shape *s, const char *text)
{
	struct json_doc doc;

	return json_shape_read(s, slice_from_cstr(text), &doc);
}

static void other_values_are_the_same_shape(void **state)
{
	struct json_shape s;
	struct json_doc doc;

	(void)state;
	assert_true(learn(&s, CHAT("1", "ann"), CHAT_TYPE));
	assert_true(json_shape_read(&s, slice_from_cstr(CHAT("-2.5e3", "a longer name than hers")),
				    &doc));
	assert_int_equal(doc.nodes, 7);
	assert_int_equal(doc.fault, JSON_FAULT_NONE);
	assert_true(json_double(json_member(doc.root, SLICE("id"))) == -2500);
	assert_true(slice_eq(json_string(json_member(doc.root, SLICE("user"))),
			     SLICE("a longer name than hers")));
	assert_true(slice_eq(json_string(json_member(doc.root, SLICE("type"))), SLICE("chat")));
	assert_int_equal(json_at(&doc, json_member(doc.root, SLICE("id"))), 20);
}

static const struct row {
	const char *says, *text;
} others[] = {
	{"another value of the fixed member", "{\"type\":\"chaT\",\"id\":1, \"user\":\"ann\"}"},
	{"a longer one", "{\"type\":\"chat2\",\"id\":1, \"user\":\"ann\"}"},
	{"another name", "{\"type\":\"chat\",\"ID\":1, \"user\":\"ann\"}"},
	{"another order", "{\"type\":\"chat\",\"user\":\"ann\", \"id\":1}"},
	{"a member more", "{\"type\":\"chat\",\"id\":1, \"user\":\"ann\",\"x\":1}"},
	{"a member less", "{\"type\":\"chat\",\"id\":1}"},
	{"a member twice", "{\"type\":\"chat\",\"id\":1, \"id\":2, \"user\":\"ann\"}"},
	{"no space where there was one", "{\"type\":\"chat\",\"id\":1,\"user\":\"ann\"}"},
	{"a space where there was none", "{\"type\":\"chat\",\"id\": 1, \"user\":\"ann\"}"},
	{"something behind it", CHAT("1", "ann") " "},
	{"not all of it", "{\"type\":\"chat\",\"id\":1, \"user\":\"ann\""},
	{"no end of the string", "{\"type\":\"chat\",\"id\":1, \"user\":\"ann"},
	{"an escape", CHAT("1", "a\\u006en")},
	{"an escaped quote", CHAT("1", "ann\\\"}")},
	{"a control character", CHAT("1", "a\tn")},
	{"an object instead of a number", CHAT("{}", "ann")},
	{"a word instead of a number", CHAT("true", "ann")},
	{"a string instead of a number", CHAT("\"1\"", "ann")},
	{"no number", CHAT("", "ann")},
	{"a number that begins with zero", CHAT("01", "ann")},
	{"a number without fraction", CHAT("1.", "ann")},
	{"a number that no double holds", CHAT("1e999", "ann")},
	{"an integer that no double holds", CHAT("9007199254740993", "ann")},
	{"a minus alone", CHAT("-", "ann")},
	{"less than there is to compare", "{\"type\":\"chat\""},
	{"nothing", ""},
};

static void everything_else_is_another(void **state)
{
	struct json_shape s;

	(void)state;
	assert_true(learn(&s, CHAT("1", "ann"), CHAT_TYPE));
	EACH_ROW (r, others) {
		ROW_CHECK(r, !has_shape(&s, r->text));
		ROW_CHECK(r, has_shape(&s, CHAT("1", "ann")));
	}
}

static const struct row shapeless[] = {
	{"an escape in a value", CHAT("1", "a\\n")},
	{"an escape in a name", "{\"type\":\"chat\",\"i\\u0064\":1, \"user\":\"ann\"}"},
	{"too much between values",
	 "{\"type\":1,\"x\":                                                                   "
	 "                                                                                        "
	 "                                                                                        "
	 "                                                                                        "
	 "                                                                                        "
	 "                                                                                        "
	 "                                                                                        "
	 "                                                                          2}"},
};

static void some_texts_have_no_shape(void **state)
{
	struct json_shape s;

	(void)state;
	EACH_ROW (r, shapeless) {
		assert_true(learn(&s, CHAT("1", "ann"), CHAT_TYPE));
		ROW_CHECK(r, !learn(&s, r->text, 0));
		ROW_CHECK(r, !has_shape(&s, r->text));
		/* Nor is it what it was before. */
		ROW_CHECK(r, !has_shape(&s, CHAT("1", "ann")));
	}
}

/* A shape holds names and the fixed value, nothing else of the text that it was learned from. */
static void values_are_not_kept(void **state)
{
	struct json_shape s;

	(void)state;
	memset(&s, 0, sizeof(s));
	assert_true(learn(&s, CHAT("424242", "secret"), CHAT_TYPE));
	assert_null(memmem(s.text, sizeof(s.text), "secret", 6));
	assert_null(memmem(s.text, sizeof(s.text), "4242", 4));
	assert_int_equal(s.tape[CHAT_ID].as.integer, 0);
	assert_null(s.tape[CHAT_USER].data);
	assert_int_equal(s.tape[CHAT_USER].len, 0);
}

static void other_limits_teach_nothing(void **state)
{
	struct json_doc doc = read_text(CHAT("1", "ann"));
	struct json_limits l = limits;
	struct json_shape s;

	(void)state;
	l.any_keys = true;
	assert_false(json_shape_learn(&s, &doc, &l, NULL));
	l = limits;
	l.any_numbers = true;
	assert_false(json_shape_learn(&s, &doc, &l, NULL));
	l = limits;
	l.any_strings = true;
	assert_false(json_shape_learn(&s, &doc, &l, NULL));
	l = limits;
	l.utf8_checked = false;
	assert_false(json_shape_learn(&s, &doc, &l, NULL));
}

/* Each by the shape of each. */
static const char *const texts[] = {
	CHAT("1", "ann"),
	CHAT("-0", ""),
	CHAT("12345678901234", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
	CHAT("1.25", "sixteen bytes of a name and more"),
	CHAT("0", "zero"),
	CHAT("00", "two of them"),
	CHAT("999999999999999", "fifteen digits"),
	CHAT("1000000000000000", "sixteen"),
	CHAT("9007199254740991", "the last that a double tells apart"),
	CHAT("123456789012345678901234567890", "thirty"),
	CHAT("1e15", "a power"),
	CHAT("1E", "half of one"),
	"{\"a\":{\"b\":{\"c\":[1,2,{\"d\":true}],\"e\":null}},\"f\":\"g\"}",
	"{\"a\":{\"b\":{\"c\":[3,4,{\"d\":null}],\"e\":false}},\"f\":\"\"}",
	"[1,2,3,4,5,6,7,8,9,10]",
	"[0.5,\"a\",true,false,null,{}]",
	"[0.5,\"a\",null,true,false,{}]",
	"{\"a name of exactly sixteen more or less bytes\":1,\"and another one that is long\":2}",
	"{\"0123456789abc\":\"0123456789abcdef\",\"x\":[]}",
	"\"a string alone, with nothing around\"",
	"1234567890123456",
	"{  \"pretty\" : {\n\t\"printed\" : [ 1 , 2 ] }\n }",
};

static void any_text_by_any_shape(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		for (size_t k = 0; k < COUNT(texts); k++)
			for (uint32_t fixed = 0; fixed < 12; fixed++) {
				const char *broken =
					shape_property(slice_from_cstr(texts[i]),
						       slice_from_cstr(texts[k]), fixed, &limits);
				if (broken)
					fail_msg("%s by %s: %s", texts[k], texts[i], broken);
			}
}

/* Every byte of a text turned into every other: mostly that is another shape, or none. */
static void any_byte_may_differ(void **state)
{
	static const char text[] = "{\"type\":\"chat\",\"on\":true,\"id\":-1.5, \"user\":\"ann\"}";
	char other[sizeof(text)];

	(void)state;
	memcpy(other, text, sizeof(text));
	for (size_t i = 0; i + 1 < sizeof(text); i++) {
		for (int byte = 0; byte < 128; byte++) {
			other[i] = (char)byte;
			const char *broken = shape_property(slice_from_cstr(text),
							    slice_of(other, sizeof(text) - 1),
							    CHAT_TYPE, &limits);
			if (broken)
				fail_msg("byte %d at %zu: %s", byte, i, broken);
		}
		other[i] = text[i];
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(other_values_are_the_same_shape),
		cmocka_unit_test(everything_else_is_another),
		cmocka_unit_test(some_texts_have_no_shape),
		cmocka_unit_test(values_are_not_kept),
		cmocka_unit_test(other_limits_teach_nothing),
		cmocka_unit_test(any_text_by_any_shape),
		cmocka_unit_test(any_byte_may_differ),
	};

	arena_init(&arena, 1 << 16, 1 << 24);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_deinit(&arena);
	return failed;
}
