/* SPDX-License-Identifier: Apache-2.0 */
#include "json/read.h"

#include "unit.h"

#include "property.h"

static const struct json_limits ordinary = JSON_LIMITS_DEFAULT;

static struct arena arena;
static struct json_doc doc;

static int make_arena(void **state)
{
	(void)state;
	arena_init(&arena, 4096, (size_t)64 << 20);
	return 0;
}

static int free_arena(void **state)
{
	(void)state;
	arena_deinit(&arena);
	return 0;
}

static enum reason read_text(struct slice text, const struct json_limits *limits)
{
	arena_reset(&arena);
	return json_read(text, limits, &arena, &doc);
}

/* SLICE for tables, which want constants. */
#define BYTES(literal) {(literal), sizeof(literal) - 1}

/* ---- what is refused, and where */

static const struct {
	const char *says;
	struct slice text;
	enum json_fault fault;
	size_t at;
} refused[] = {
	/* clang-format off */
	{"nothing at all", BYTES(""), JSON_FAULT_END, 0},
	{"only white space", BYTES(" \t\r\n"), JSON_FAULT_END, 4},
	{"two values", BYTES("1 2"), JSON_FAULT_TRAILING, 2},
	{"a closing bracket too many", BYTES("[]]"), JSON_FAULT_TRAILING, 2},
	{"a NUL byte behind the value", BYTES("1\0"), JSON_FAULT_TRAILING, 1},
	{"other white space", BYTES("\v1"), JSON_FAULT_SYNTAX, 0},
	{"a no-break space", BYTES("\xc2\xa0""1"), JSON_FAULT_SYNTAX, 0},
	{"typographic quotes", BYTES("\xe2\x80\x9cuser\xe2\x80\x9d"), JSON_FAULT_SYNTAX, 0},
	{"single quotes", BYTES("['a']"), JSON_FAULT_SYNTAX, 1},
	{"a comment", BYTES("[1 /* x */]"), JSON_FAULT_SYNTAX, 3},
	{"a bare word as a key", BYTES("{a:1}"), JSON_FAULT_SYNTAX, 1},
	{"a number as a key", BYTES("{1:1}"), JSON_FAULT_SYNTAX, 1},
	{"a comma before the first item", BYTES("[,1]"), JSON_FAULT_SYNTAX, 1},
	{"a comma behind the last item", BYTES("[1,]"), JSON_FAULT_SYNTAX, 3},
	{"a comma behind the last member", BYTES("{\"a\":1,}"), JSON_FAULT_SYNTAX, 7},
	{"two commas", BYTES("[1,,2]"), JSON_FAULT_SYNTAX, 3},
	{"no comma", BYTES("[1 2]"), JSON_FAULT_SYNTAX, 3},
	{"no colon", BYTES("{\"a\" 1}"), JSON_FAULT_SYNTAX, 5},
	{"no value", BYTES("{\"a\":}"), JSON_FAULT_SYNTAX, 5},
	{"a key alone", BYTES("{\"a\"}"), JSON_FAULT_SYNTAX, 4},
	{"the wrong bracket for an array", BYTES("[1}"), JSON_FAULT_SYNTAX, 2},
	{"the wrong bracket for an object", BYTES("{\"a\":1]"), JSON_FAULT_SYNTAX, 6},
	{"the wrong bracket for an empty one", BYTES("[}"), JSON_FAULT_SYNTAX, 1},
	{"an array without end", BYTES("[1"), JSON_FAULT_END, 2},
	{"an array that just began", BYTES("["), JSON_FAULT_END, 1},
	{"an array that ends in a comma", BYTES("[1,"), JSON_FAULT_END, 3},
	{"an object without end", BYTES("{\"a\":1"), JSON_FAULT_END, 6},
	{"an object that ends in a colon", BYTES("{\"a\":"), JSON_FAULT_END, 5},
	{"an object that ends in a key", BYTES("{\"a\""), JSON_FAULT_END, 4},
	{"an object that ends in a comma", BYTES("{\"a\":1,"), JSON_FAULT_END, 7},
	{"an object that just began", BYTES("{ "), JSON_FAULT_END, 2},
	{"literals have no capitals", BYTES("True"), JSON_FAULT_SYNTAX, 0},
	{"half a literal", BYTES("[tru]"), JSON_FAULT_SYNTAX, 4},
	{"a literal that ends early", BYTES("nul"), JSON_FAULT_END, 3},
	{"a literal that goes on", BYTES("nulls"), JSON_FAULT_TRAILING, 4},
	{"another literal", BYTES("[falsy]"), JSON_FAULT_SYNTAX, 5},

	{"a byte order mark", BYTES("\xef\xbb\xbf{}"), JSON_FAULT_BOM, 0},
	{"half a byte order mark", BYTES("\xef\xbb"), JSON_FAULT_SYNTAX, 0},
	{"a byte that UTF-8 does not have", BYTES("[\"ab\xff\"]"), JSON_FAULT_UTF8, 4},
	{"an overlong slash", BYTES("\"\xc0\xaf\""), JSON_FAULT_UTF8, 1},
	{"an overlong three-byte form", BYTES("\"\xe0\x9f\xbf    \""), JSON_FAULT_UTF8, 1},
	{"an overlong four-byte form", BYTES("\"\xf0\x8f\xbf\xbf    \""), JSON_FAULT_UTF8, 1},
	{"a surrogate in UTF-8", BYTES("\"\xed\xa0\x80    \""), JSON_FAULT_UTF8, 1},
	{"above U+10FFFF", BYTES("\"\xf4\x90\x80\x80    \""), JSON_FAULT_UTF8, 1},
	{"a first byte above F4", BYTES("\"\xf5\x80\x80\x80    \""), JSON_FAULT_UTF8, 1},
	{"a bad second byte of two", BYTES("\"\xc3\x41    \""), JSON_FAULT_UTF8, 1},
	{"a bad second byte of three", BYTES("\"\xe4\x41\x80    \""), JSON_FAULT_UTF8, 1},
	{"a bad third byte of three", BYTES("\"\xe4\x80\x41    \""), JSON_FAULT_UTF8, 1},
	{"a bad second byte of four", BYTES("\"\xf1\x41\x80\x80    \""), JSON_FAULT_UTF8, 1},
	{"a bad third byte of four", BYTES("\"\xf1\x80\x41\x80    \""), JSON_FAULT_UTF8, 1},
	{"a bad fourth byte of four", BYTES("\"\xf1\x80\x80\x41    \""), JSON_FAULT_UTF8, 1},
	{"a lone continuation", BYTES("\"\x80    \""), JSON_FAULT_UTF8, 1},
	{"half a character before the quote", BYTES("\"\xe4\xb8\"    "), JSON_FAULT_UTF8, 1},
	{"half a character at the end", BYTES("\"\xe4\xb8"), JSON_FAULT_UTF8, 1},
	{"a bad second character", BYTES("\"\xc3\xa4\xc3   \""), JSON_FAULT_UTF8, 3},
	{"a bad character behind an escape", BYTES("\"\\n\xc3   \""), JSON_FAULT_UTF8, 3},
	{"a bad character in a key", BYTES("{\"\xc3\":1}"), JSON_FAULT_UTF8, 2},

	{"a string without end", BYTES("\"abc"), JSON_FAULT_END, 4},
	{"a string that ends in an escape", BYTES("\"abc\\"), JSON_FAULT_END, 5},
	{"a string without end behind an escape", BYTES("\"\\nabc"), JSON_FAULT_END, 6},
	{"a tab in a string", BYTES("\"a\tb\""), JSON_FAULT_CONTROL, 2},
	{"a newline in a string", BYTES("[\"\n\"]"), JSON_FAULT_CONTROL, 2},
	{"a NUL byte in a string", BYTES("\"\0\""), JSON_FAULT_CONTROL, 1},
	{"a control character behind an escape", BYTES("\"\\n\x1f\""), JSON_FAULT_CONTROL, 3},
	{"an escape that does not exist", BYTES("\"\\x41\""), JSON_FAULT_ESCAPE, 1},
	{"an escaped newline", BYTES("\"a\\\n\""), JSON_FAULT_ESCAPE, 2},
	{"three digits", BYTES("\"\\u123\""), JSON_FAULT_ESCAPE, 1},
	{"digits that are none", BYTES("\"\\u12g4\""), JSON_FAULT_ESCAPE, 1},
	{"a sign among the digits", BYTES("\"\\u+123\""), JSON_FAULT_ESCAPE, 1},
	{"digits that the text does not have", BYTES("\"\\u12"), JSON_FAULT_ESCAPE, 1},
	{"a capital U", BYTES("\"\\U0041\""), JSON_FAULT_ESCAPE, 1},
	{"a lone high surrogate", BYTES("\"\\ud800\""), JSON_FAULT_SURROGATE, 1},
	{"a lone low surrogate", BYTES("\"ab\\udc00\""), JSON_FAULT_SURROGATE, 3},
	{"surrogates the wrong way round", BYTES("\"\\udc00\\ud800\""), JSON_FAULT_SURROGATE, 1},
	{"two high surrogates", BYTES("\"\\ud800\\ud800\""), JSON_FAULT_SURROGATE, 1},
	{"a high surrogate before a letter", BYTES("\"\\ud800\\u0041\""), JSON_FAULT_SURROGATE, 1},
	{"a high surrogate before an escape", BYTES("\"\\ud800\\n\""), JSON_FAULT_SURROGATE, 1},
	{"a high surrogate before half an escape", BYTES("\"\\ud800\\udc"), JSON_FAULT_SURROGATE, 1},
	{"an escaped NUL", BYTES("\"a\\u0000\""), JSON_FAULT_NUL, 2},
	{"an escaped NUL in a key", BYTES("{\"\\u0000\":1}"), JSON_FAULT_NUL, 2},

	{"the same key twice", BYTES("{\"a\":1,\"b\":2,\"a\":3}"), JSON_FAULT_DUPLICATE, 13},
	{"the same key, once escaped", BYTES("{\"user\":1,\"us\\u0065r\":2}"), JSON_FAULT_DUPLICATE, 10},
	{"the same key, both escaped", BYTES("{\"\\u0061\":1,\"\\u0061\":2}"), JSON_FAULT_DUPLICATE, 12},
	{"the same pair of surrogates", BYTES("{\"\xf0\x9f\x98\x80\":1,\"\\ud83d\\ude00\":2}"), JSON_FAULT_DUPLICATE, 10},
	{"the empty key twice", BYTES("{\"\":1,\"\":2}"), JSON_FAULT_DUPLICATE, 6},
	{"three times: the second is the fault", BYTES("{\"a\":1,\"a\":1,\"a\":1}"), JSON_FAULT_DUPLICATE, 7},
	{"deep inside", BYTES("[{\"x\":{\"a\":[],\"a\":{}}}]"), JSON_FAULT_DUPLICATE, 14},
	{"with an object in between", BYTES("{\"a\":{\"a\":1},\"a\":2}"), JSON_FAULT_DUPLICATE, 13},
	{"__proto__", BYTES("{\"__proto__\":{}}"), JSON_FAULT_FORBIDDEN, 1},
	{"__proto__ escaped", BYTES("{\"a\":1,\"__pr\\u006fto__\":{}}"), JSON_FAULT_FORBIDDEN, 7},
	{"constructor", BYTES("[{\"constructor\":1}]"), JSON_FAULT_FORBIDDEN, 2},
	{"prototype", BYTES("{\"prototype\":1}"), JSON_FAULT_FORBIDDEN, 1},
	{"a forbidden key comes before a missing colon", BYTES("{\"prototype\"}"), JSON_FAULT_FORBIDDEN, 1},

	{"a leading zero", BYTES("[01]"), JSON_FAULT_SYNTAX, 2},
	{"a negative leading zero", BYTES("-012"), JSON_FAULT_SYNTAX, 2},
	{"many leading zeros", BYTES("000000000001"), JSON_FAULT_SYNTAX, 1},
	{"a plus", BYTES("+1"), JSON_FAULT_SYNTAX, 0},
	{"a minus alone", BYTES("-"), JSON_FAULT_END, 1},
	{"a minus before a letter", BYTES("-a"), JSON_FAULT_SYNTAX, 1},
	{"two minuses", BYTES("--1"), JSON_FAULT_SYNTAX, 1},
	{"a dot before the digits", BYTES(".5"), JSON_FAULT_SYNTAX, 0},
	{"a dot behind the digits", BYTES("[5.]"), JSON_FAULT_SYNTAX, 3},
	{"a dot at the end", BYTES("5."), JSON_FAULT_END, 2},
	{"a dot before the exponent", BYTES("5.e1"), JSON_FAULT_SYNTAX, 2},
	{"an exponent without digits", BYTES("[5e]"), JSON_FAULT_SYNTAX, 3},
	{"an exponent with a sign only", BYTES("5e+"), JSON_FAULT_END, 3},
	{"an exponent with two signs", BYTES("5e+-1"), JSON_FAULT_SYNTAX, 3},
	{"an exponent with a dot", BYTES("5e1.5"), JSON_FAULT_TRAILING, 3},
	{"hexadecimal", BYTES("0x10"), JSON_FAULT_TRAILING, 1},
	{"infinity", BYTES("Infinity"), JSON_FAULT_SYNTAX, 0},
	{"negative infinity", BYTES("-Infinity"), JSON_FAULT_SYNTAX, 1},
	{"not a number", BYTES("NaN"), JSON_FAULT_SYNTAX, 0},
	{"not a number, as a literal", BYTES("nan"), JSON_FAULT_SYNTAX, 1},
	{"full-width digits", BYTES("\xef\xbc\x91"), JSON_FAULT_SYNTAX, 0},
	{"beyond the doubles", BYTES("[1,1e400]"), JSON_FAULT_NUMBER, 3},
	{"beyond them, negative", BYTES("-1E+309"), JSON_FAULT_NUMBER, 0},
	{"halfway beyond the largest", BYTES("1.7976931348623159e308"), JSON_FAULT_NUMBER, 0},
	{"an exponent beyond int64", BYTES("1e99999999999999999999"), JSON_FAULT_NUMBER, 0},
	{"nearer to zero than any double", BYTES("1e-400"), JSON_FAULT_NUMBER, 0},
	{"below half the smallest", BYTES("2.4703282292062327e-324"), JSON_FAULT_NUMBER, 0},
	{"a negative exponent beyond int64", BYTES("0.1e-99999999999999999999"), JSON_FAULT_NUMBER, 0},
	{"2^53", BYTES("9007199254740992"), JSON_FAULT_NUMBER, 0},
	{"-2^53", BYTES("[-9007199254740992]"), JSON_FAULT_NUMBER, 1},
	{"2^53 + 1", BYTES("9007199254740993"), JSON_FAULT_NUMBER, 0},
	{"2^64", BYTES("18446744073709551616"), JSON_FAULT_NUMBER, 0},
	{"2^64 + 1", BYTES("18446744073709551617"), JSON_FAULT_NUMBER, 0},
	{"forty digits", BYTES("1000000000000000000000000000000000000001"), JSON_FAULT_NUMBER, 0},
	/* clang-format on */
};

static enum reason reason_of(enum json_fault fault)
{
	/* clang-format off */
	static const enum reason reasons[] = {
		[JSON_FAULT_DUPLICATE] = REASON_JSON_DUPLICATE_KEY,
		[JSON_FAULT_FORBIDDEN] = REASON_JSON_FORBIDDEN_KEY,
		[JSON_FAULT_NUMBER] = REASON_JSON_NUMBER,
		[JSON_FAULT_DEPTH] = REASON_JSON_TOO_DEEP,
		[JSON_FAULT_MEMBERS] = REASON_JSON_TOO_LARGE,
		[JSON_FAULT_VALUES] = REASON_JSON_TOO_LARGE,
		[JSON_FAULT_MEMORY] = REASON_JSON_TOO_LARGE,
	};
	/* clang-format on */
	return reasons[fault] ? reasons[fault] : REASON_JSON_MALFORMED;
}

static void bad_texts_are_refused(void **state)
{
	(void)state;
	EACH_ROW (at, refused) {
		/* An exact copy, so that sanitizers see one byte too far. */
		char *copy = malloc(at->text.len + !at->text.len);
		memcpy(copy, at->text.data, at->text.len);
		enum reason r = read_text(slice_of(copy, at->text.len), &ordinary);
		if (doc.fault != at->fault || doc.at != at->at)
			fail_msg("%s: %s at %zu", at->says, json_fault_word(doc.fault), doc.at);
		ROW_CHECK(at, r == reason_of(at->fault));
		ROW_CHECK(at, doc.root == NULL && doc.nodes == 0);
		free(copy);
	}
	assert_int_equal(read_text(slice_of(NULL, 0), &ordinary), REASON_JSON_MALFORMED);
}

/* ---- what is read */

static const struct {
	const char *says;
	struct slice text;
	const char *written;
} good[] = {
	/* clang-format off */
	{"an empty object", BYTES("{}"), "{}"},
	{"an empty array", BYTES(" [ \n] "), "[]"},
	{"a number alone", BYTES("0"), "0"},
	{"a string alone", BYTES("\"\""), "\"\""},
	{"literals", BYTES("[true,false , null]"), "[true,false,null]"},
	{"a literal at the end", BYTES("null"), "null"},
	{"white space everywhere", BYTES("\t{ \"a\" : [ 1 ,\r\n2 ] , \"b\" : { } }\n"), "{\"a\":[1,2],\"b\":{}}"},
	{"much white space", BYTES("[                              1\n\n\n\n\n\n\n\n\n\n,  2]"), "[1,2]"},
	{"members keep their order", BYTES("{\"z\":1,\"a\":2,\"M\":3}"), "{\"z\":1,\"a\":2,\"M\":3}"},
	{"numbers keep their text", BYTES("[-0,1.0,1E2,-1e-7,0.50,0e0,1e+1]"), "[-0,1.0,1E2,-1e-7,0.50,0e0,1e+1]"},
	{"zero has any exponent", BYTES("[0e400,0.0e-999999999999999999999,-0e1]"), "[0e400,0.0e-999999999999999999999,-0e1]"},
	{"the largest safe integers", BYTES("[9007199254740991,-9007199254740991]"), "[9007199254740991,-9007199254740991]"},
	{"as doubles they may be larger", BYTES("[9007199254740993.0,1e20]"), "[9007199254740993.0,1e20]"},
	{"the largest double", BYTES("1.7976931348623157e308"), "1.7976931348623157e308"},
	{"the smallest double", BYTES("5e-324"), "5e-324"},
	{"escapes", BYTES("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), "\"\\\"\\\\/\\b\\f\\n\\r\\t\""},
	{"escapes of ASCII", BYTES("\"\\u0041\\u002f\\u0022\\u005c\\u007f\""), "\"A/\\\"\\\\\x7f\""},
	{"control characters", BYTES("\"\\u0001\\u001F\\u000a\""), "\"\\u0001\\u001f\\n\""},
	{"two, three and four bytes", BYTES("\"\\u00e9\\u4E2d\\uD83D\\uDE00\""), "\"\xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80\""},
	{"the ends of what UTF-8 has", BYTES("\"\\u0080\\u07ff\\u0800\\uffff\\ud800\\udc00\\udbff\\udfff\""), "\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\""},
	{"the same ends as they are", BYTES("\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\""), "\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\""},
	{"around the surrogates", BYTES("\"\\ud7ff\\ue000\""), "\"\xed\x9f\xbf\xee\x80\x80\""},
	{"a byte order mark in a string", BYTES("\"\xef\xbb\xbf\\ufeff\""), "\"\xef\xbb\xbf\xef\xbb\xbf\""},
	{"an escape behind a long text", BYTES("\"01234567890123456789012345678901234567890123456789\\n0123456789012345678901234567890123456789\""), "\"01234567890123456789012345678901234567890123456789\\n0123456789012345678901234567890123456789\""},
	{"keys that differ in case", BYTES("{\"a\":1,\"A\":2}"), "{\"a\":1,\"A\":2}"},
	{"the same key in two objects", BYTES("[{\"a\":{\"a\":1}},{\"a\":1}]"), "[{\"a\":{\"a\":1}},{\"a\":1}]"},
	{"forbidden words as values", BYTES("[\"__proto__\",\"constructor\"]"), "[\"__proto__\",\"constructor\"]"},
	{"keys like the forbidden ones", BYTES("{\"__Proto__\":1,\"prototypes\":2,\"Constructor\":3,\"proto\":4}"), "{\"__Proto__\":1,\"prototypes\":2,\"Constructor\":3,\"proto\":4}"},
	/* clang-format on */
};

static void good_texts_are_read(void **state)
{
	struct buf out;

	(void)state;
	EACH_ROW (at, good) {
		buf_init(&out, 4096);
		read_text(at->text, &ordinary);
		if (!doc.root)
			fail_msg("%s: %s at %zu", at->says, json_fault_word(doc.fault), doc.at);
		assert_int_equal(json_write(doc.root, NULL, &out), 0);
		ROW_EQ(at, buf_slice(&out), slice_from_cstr(at->written));
		buf_deinit(&out);
	}
}

static void the_naive_reader_agrees_on_every_prefix(void **state)
{
	(void)state;
	EACH_ROW (at, good) {
		for (size_t len = 0; len <= at->text.len; len++) {
			char *copy = malloc(len + !len);
			memcpy(copy, at->text.data, len);
			const char *broken = property_of_text(slice_of(copy, len), &ordinary);
			if (broken)
				fail_msg("%s, %zu bytes: %s", at->says, len, broken);
			free(copy);
		}
	}
	struct json_limits checked = ordinary;
	checked.utf8_checked = true;
	EACH_ROW (at, refused) {
		const char *broken = property_of_text(at->text, &ordinary);
		if (!broken)
			broken = property_of_text(at->text, &checked);
		if (broken)
			fail_msg("%s: %s", at->says, broken);
	}
	EACH_ROW (at, good) {
		const char *broken = property_of_text(at->text, &checked);
		if (broken)
			fail_msg("%s: %s", at->says, broken);
	}
}

/* ---- limits */

/* head, then `count` times piece with commas between, then tail; %u is the number. */
static struct slice repeated(const char *head, const char *piece, unsigned count, const char *tail)
{
	static char text[1 << 20];
	size_t len = (size_t)snprintf(text, sizeof(text), "%s", head);

	for (unsigned i = 0; i < count; i++) {
		if (i)
			text[len++] = ',';
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		len += (size_t)snprintf(text + len, sizeof(text) - len, piece, i);
#pragma GCC diagnostic pop
	}
	len += (size_t)snprintf(text + len, sizeof(text) - len, "%s", tail);
	return slice_of(text, len);
}

static struct slice nested(unsigned depth)
{
	static char text[4096];

	memset(text, '[', depth);
	memset(text + depth, ']', depth);
	return slice_of(text, (size_t)depth * 2);
}

static void depth_is_limited(void **state)
{
	struct json_limits deep = ordinary;

	(void)state;
	assert_int_equal(read_text(nested(32), &ordinary), REASON_NONE);
	assert_int_equal(read_text(nested(33), &ordinary), REASON_JSON_TOO_DEEP);
	assert_int_equal(doc.at, 32);
	/* Depth, not the number of brackets. */
	assert_int_equal(read_text(repeated("[", "[[]]", 100, "]"), &ordinary), REASON_NONE);
	deep.depth = UINT32_MAX;
	assert_int_equal(read_text(nested(JSON_DEPTH_MAX), &deep), REASON_NONE);
	assert_int_equal(read_text(nested(JSON_DEPTH_MAX + 1), &deep), REASON_JSON_TOO_DEEP);
	deep.depth = 1;
	assert_int_equal(read_text(SLICE("[{}]"), &deep), REASON_JSON_TOO_DEEP);
	assert_int_equal(doc.at, 1);
	assert_int_equal(read_text(SLICE("[1]"), &deep), REASON_NONE);
}

static void members_and_values_are_limited(void **state)
{
	struct json_limits few = {.depth = 2, .members = 2, .values = 4};

	(void)state;
	assert_int_equal(read_text(repeated("{", "\"%u\":0", 1024, "}"), &ordinary), REASON_NONE);
	assert_int_equal(doc.root->len, 1024);
	assert_int_equal(read_text(repeated("{", "\"%u\":0", 1025, "}"), &ordinary),
			 REASON_JSON_TOO_LARGE);
	assert_int_equal(doc.fault, JSON_FAULT_MEMBERS);
	/* Items are not members. The array itself is a value. */
	assert_int_equal(read_text(repeated("[", "%u", 9999, "]"), &ordinary), REASON_NONE);
	assert_int_equal(read_text(repeated("[", "%u", 10000, "]"), &ordinary),
			 REASON_JSON_TOO_LARGE);
	assert_int_equal(doc.fault, JSON_FAULT_VALUES);

	assert_int_equal(read_text(SLICE("{\"a\":1,\"b\":2}"), &few), REASON_NONE);
	read_text(SLICE("{\"a\":1,\"b\":2,\"c\":3}"), &few);
	assert_int_equal(doc.fault, JSON_FAULT_MEMBERS);
	assert_int_equal(doc.at, 13);
	assert_int_equal(read_text(SLICE("[1,2,3]"), &few), REASON_NONE);
	read_text(SLICE("[1,2,3,4]"), &few);
	assert_int_equal(doc.fault, JSON_FAULT_VALUES);
	assert_int_equal(doc.at, 7);
}

static void limits_of_zero_refuse_everything(void **state)
{
	const struct json_limits none = {0}, no_depth = {.values = 1};

	(void)state;
	assert_int_equal(read_text(SLICE("1"), &none), REASON_JSON_TOO_LARGE);
	assert_int_equal(read_text(SLICE("[]"), &no_depth), REASON_JSON_TOO_DEEP);
	assert_int_equal(read_text(SLICE("1"), &no_depth), REASON_NONE);
}

static const struct {
	const char *says, *text;
	bool allowed, big;
	int64_t value;
} integers[] = {
	/* clang-format off */
	{"small", "1", true, false, 1},
	{"largest safe", "9007199254740991", true, false, 9007199254740991},
	{"one more", "9007199254740992", true, true, 9007199254740992},
	{"smallest safe", "-9007199254740991", true, false, -9007199254740991},
	{"one less", "-9007199254740992", true, true, -9007199254740992},
	{"largest int64", "9223372036854775807", true, true, INT64_MAX},
	{"one more than int64", "9223372036854775808", false, false, 0},
	{"smallest int64", "-9223372036854775808", true, true, INT64_MIN},
	{"one less than int64", "-9223372036854775809", false, false, 0},
	{"nineteen nines", "9999999999999999999", false, false, 0},
	{"beyond uint64, which wraps to 4", "18446744073709551620", false, false, 0},
	/* clang-format on */
};

static void big_integers_carry_a_flag(void **state)
{
	struct json_limits big = ordinary;
	int64_t value;

	(void)state;
	big.big_integers = true;
	EACH_ROW (at, integers) {
		enum reason r = read_text(slice_from_cstr(at->text), &big);
		ROW_CHECK(at, r == (at->allowed ? REASON_NONE : REASON_JSON_NUMBER));
		if (!at->allowed)
			continue;
		ROW_CHECK(at, !!(doc.root->flags & JSON_IS_BIG) == at->big);
		ROW_CHECK(at, json_integer(doc.root, &value) && value == at->value);
		ROW_EQ(at, json_number_text(doc.root), slice_from_cstr(at->text));
		r = read_text(slice_from_cstr(at->text), &ordinary);
		ROW_CHECK(at, r == (at->big ? REASON_JSON_NUMBER : REASON_NONE));
	}
}

static void strings_of_tools_may_hold_anything(void **state)
{
	struct json_limits any = ordinary;

	(void)state;
	any.any_strings = true;
	assert_int_equal(read_text(SLICE("\"a\\u0000b\""), &any), REASON_NONE);
	assert_true(slice_eq(json_string(doc.root), SLICE("a\0b")));
	assert_int_equal(read_text(SLICE("\"\\ud800\\udc00\\udfff\\ud800x\""), &any), REASON_NONE);
	assert_slice(json_string(doc.root), "\xf0\x90\x80\x80\xed\xbf\xbf\xed\xa0\x80x");
	assert_int_equal(read_text(SLICE("\"\\ud8\""), &any), REASON_JSON_MALFORMED);
}

static void checked_utf8_is_not_checked_again(void **state)
{
	struct json_limits checked = ordinary;
	struct slice text = SLICE("{\"\xe4\xb8\xad\":\"\xc3\xa4\\n\xe4\xb8\xad and more text\xc3\xa4\"}");

	(void)state;
	checked.utf8_checked = true;
	assert_int_equal(read_text(text, &checked), REASON_NONE);
	assert_slice(json_string(json_member(doc.root, SLICE("\xe4\xb8\xad"))),
		     "\xc3\xa4\n\xe4\xb8\xad and more text\xc3\xa4");
	assert_int_equal(read_text(SLICE("\"a\x1f\""), &checked), REASON_JSON_MALFORMED);
	/* Outside of strings nothing changes. */
	assert_int_equal(read_text(SLICE("[\xc3\xa4]"), &checked), REASON_JSON_MALFORMED);
}

/* ---- duplicate keys */

static void every_pair_of_equal_keys_is_found(void **state)
{
	static const unsigned sizes[] = {2, 5, 31, 32, 33, 34, 64, 200};
	char text[8192];

	(void)state;
	EACH_ROW (size, sizes) {
		for (unsigned second = 1; second < *size; second += *size > 40 ? 7 : 1) {
			for (unsigned first = 0; first < second; first += *size > 40 ? 5 : 1) {
				size_t len = 0, at = 0;
				for (unsigned i = 0; i < *size; i++) {
					if (i == second)
						at = len + 1;
					len += (size_t)snprintf(
						text + len, sizeof(text) - len, "%c\"%s%u\":%s",
						i ? ',' : '{', i == second ? "\\u006b" : "k",
						i == second ? first : i, i % 3 ? "1" : "[2,3]");
				}
				text[len++] = '}';
				assert_int_equal(read_text(slice_of(text, len), &ordinary),
						 REASON_JSON_DUPLICATE_KEY);
				assert_int_equal(doc.at, at);
			}
		}
	}
	assert_int_equal(read_text(repeated("{", "\"k%u\":[1,{}]", 1024, "}"), &ordinary),
			 REASON_NONE);
}

/* Keys that the quick hash cannot tell apart: the same length, the same ends. */
static void keys_with_equal_hashes_are_told_apart(void **state)
{
	static const unsigned sizes[] = {2, 30, 32, 33, 60, 1000};

	(void)state;
	EACH_ROW (size, sizes) {
		struct slice text = repeated("{", "\"beginning-%06u-the-end\":1", *size, "}");
		assert_int_equal(read_text(text, &ordinary), REASON_NONE);
		assert_int_equal(doc.root->len, *size);
		assert_int_equal(doc.root[1].as.string.hash, doc.root[3].as.string.hash);
		/* Make the last one equal to the first. */
		char *last = (char *)(uintptr_t)text.data + text.len - 12;
		char digits[8];
		snprintf(digits, sizeof(digits), "%06u", *size - 1);
		for (char *c = last; c > text.data; c--)
			if (memcmp(c, digits, 6) == 0) {
				memcpy(c, "000000", 6);
				break;
			}
		assert_int_equal(read_text(text, &ordinary), REASON_JSON_DUPLICATE_KEY);
	}
}

/* ---- memory */

static void every_size_of_arena_ends_in_order(void **state)
{
	struct slice texts[] = {
		SLICE("{\"type\":\"message\",\"id\":1562869260905,\"te\\nxt\":\"h\\u0065llo\",\"a\":"
		      "[1,2,{\"b\":null}]}"),
		repeated("{", "\"k%u\":1", 100, "}"),
	};
	struct json_limits limits = ordinary;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		bool enough = false;
		for (size_t block = 16; block <= 1024; block *= 4) {
			for (size_t max = 0; max < 24000; max += 16) {
				struct arena small;
				arena_init(&small, block, max);
				enum reason r = json_read(texts[i], &limits, &small, &doc);
				enough = r == REASON_NONE;
				if (!enough) {
					assert_int_equal(r, REASON_JSON_TOO_LARGE);
					assert_int_equal(doc.fault, JSON_FAULT_MEMORY);
					assert_null(doc.root);
				} else {
					assert_null(property_of_tape(&doc));
				}
				arena_deinit(&small);
			}
			assert_true(enough);
		}
	}
}

static void the_promised_arena_is_enough(void **state)
{
	struct slice texts[] = {
		SLICE("1"),
		SLICE("[]"),
		SLICE("{\"\":{\"\":{\"\":{\"\":[[[[[]]]]]}}}}"),
		SLICE("[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]"),
		SLICE("{\"\":0,\"a\":0,\"b\":0,\"c\":0,\"d\":0,\"e\":0,\"f\":0,\"g\":0,\"h\":0}"),
		SLICE("\"\\n\\n\\n\\n\\n\\n\\n\\n\""),
		repeated("{", "\"%u\":0", 1000, "}"),
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct arena exact;
		size_t bytes = json_arena_bytes(texts[i].len, &ordinary);
		arena_init(&exact, bytes, bytes);
		assert_int_equal(json_read(texts[i], &ordinary, &exact, &doc), REASON_NONE);
		arena_deinit(&exact);
	}
}

/* What the reader did not need is there for the next one: no block per message. */
static void the_rest_of_the_arena_is_given_back(void **state)
{
	struct arena one;
	struct slice text = repeated("[", "\"some text %u\"", 200, "]");

	(void)state;
	arena_init(&one, 65536, 65536);
	assert_int_equal(json_read(text, &ordinary, &one, &doc), REASON_NONE);
	assert_true(arena_free(&one) >= 65536 - text.len - (doc.nodes + 2) * sizeof(*doc.root));
	assert_non_null(arena_alloc(&one, 40000));
	arena_deinit(&one);
}

/* An escape behind a long text without any: decoding starts at the string's beginning. */
static void long_texts_with_a_late_escape(void **state)
{
	static char text[20000];

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "[\"a\\n\",\"", 8);
	memcpy(text + sizeof(text) - 12, "\\u00e4\",3,4]", 12);
	assert_null(property_of_text(slice_of(text, sizeof(text)), &ordinary));
	memset(text, 'x', sizeof(text));
	memcpy(text, "[\"aa\",[\"", 8);
	memcpy(text + sizeof(text) - 5, "\\n\"]]", 5);
	assert_null(property_of_text(slice_of(text, sizeof(text)), &ordinary));
	assert_int_equal(read_text(slice_of(text, sizeof(text)), &ordinary), REASON_NONE);
	assert_int_equal(json_count(doc.root), 2);
}

/* ---- positions */

static void values_know_where_they_stood(void **state)
{
	(void)state;
	read_text(SLICE(" {\"a\": [true, \"x\\n\", -1.5], \"b\": null}"), &ordinary);
	const struct json_node *a = json_member(doc.root, SLICE("a"));
	assert_int_equal(json_at(&doc, doc.root), 1);
	assert_int_equal(json_at(&doc, a - 1), 2);
	assert_int_equal(json_at(&doc, a), 7);
	assert_int_equal(json_at(&doc, json_item(a, 0)), 8);
	assert_int_equal(json_at(&doc, json_item(a, 1)), 14);
	assert_int_equal(json_at(&doc, json_item(a, 2)), 21);
	assert_int_equal(json_at(&doc, json_member(doc.root, SLICE("b"))), 33);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_texts_are_refused),
		cmocka_unit_test(good_texts_are_read),
		cmocka_unit_test(the_naive_reader_agrees_on_every_prefix),
		cmocka_unit_test(depth_is_limited),
		cmocka_unit_test(members_and_values_are_limited),
		cmocka_unit_test(limits_of_zero_refuse_everything),
		cmocka_unit_test(big_integers_carry_a_flag),
		cmocka_unit_test(strings_of_tools_may_hold_anything),
		cmocka_unit_test(checked_utf8_is_not_checked_again),
		cmocka_unit_test(every_pair_of_equal_keys_is_found),
		cmocka_unit_test(keys_with_equal_hashes_are_told_apart),
		cmocka_unit_test(every_size_of_arena_ends_in_order),
		cmocka_unit_test(the_promised_arena_is_enough),
		cmocka_unit_test(the_rest_of_the_arena_is_given_back),
		cmocka_unit_test(long_texts_with_a_late_escape),
		cmocka_unit_test(values_know_where_they_stood),
	};
	return cmocka_run_group_tests_name("json/read", tests, make_arena, free_arena);
}
