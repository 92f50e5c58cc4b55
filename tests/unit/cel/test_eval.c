/* SPDX-License-Identifier: Apache-2.0 */
/* What expressions give: values, and errors at run time. */
#include "unit.h"

#include "tried.h"

struct row {
	const char *says, *expr, *vars, *wanted;
};

static void run_rows(const struct row *rows, size_t count)
{
	for (const struct row *at = rows; at < rows + count; at++) {
		struct cel_tried t;
		cel_try_init(&t);
		ROW_CHECK(at, cel_try_variables(&t, at->vars ? at->vars : "{}"));
		cel_try_run(&t, slice_from_cstr(at->expr));
		ROW_EQ(at, cel_try_text(&t), slice_from_cstr(at->wanted));
		cel_try_deinit(&t);
	}
}

/* clang-format off */
static const struct row literals[] = {
	{"the extremes of int", "[-9223372036854775808, 9223372036854775807, 0x7F]", NULL, "[-9223372036854775808,9223372036854775807,127]"},
	{"uint", "[18446744073709551615u, 0xffU]", NULL, "[18446744073709551615,255]"},
	{"doubles", "[.5, 1e3, 2.50, 1e-7, 1e21]", NULL, "[0.5,1000,2.5,1e-07,1e+21]"},
	{"escapes", "'\\x41\\u00e9\\U0001F600\\101\\n'", NULL, "\"A\xc3\xa9\xf0\x9f\x98\x80" "A\\u000a\""},
	{"raw strings keep their backslashes", "r'\\n' + R\"\\x\"", NULL, "\"\\\\n\\\\x\""},
	{"three quotes", "'''a'b\n''' + \"\"\"\"c\"\"\"", NULL, "\"a'b\\u000a\\\"c\""},
	{"bytes", "b'\\xff\\000' + rb'a'", NULL, "\"/wBh\""},
	{"commas at the end", "[1, 2,] == [1, 2] && {'a': 1,} == {'a': 1}", NULL, "true"},
	{"comments", "1 // one\n + 1", NULL, "2"},
	{"a key twice", "{'a': 1, 'a': 2}", NULL, "run 9 two entries have the same key"},
	{"a key twice, of two kinds", "{1: 1, 1u: 2}", NULL, "run 7 two entries have the same key"},
};

static const struct row operators[] = {
	{"precedence", "1 + 2 * 3 - 4 / 2 % 3 == 5 && !false || false", NULL, "true"},
	{"to the left", "10 - 4 - 3", NULL, "3"},
	{"the conditional to the right", "false ? 1 : true ? 2 : 3", NULL, "2"},
	{"overflow of +", "9223372036854775807 + 1", NULL, "run 20 the number is too large (overflow)"},
	{"overflow of *", "5000000000 * 5000000000", NULL, "run 11 the number is too large (overflow)"},
	{"below zero", "0u - 1u", NULL, "run 3 the number is too large (overflow)"},
	{"the least int has no opposite", "-(-9223372036854775808)", NULL, "run 0 the number is too large (overflow)"},
	{"the least int by -1", "-9223372036854775808 / -1", NULL, "run 21 the number is too large (overflow)"},
	{"by zero", "1 / 0", NULL, "run 2 division by zero"},
	{"rest of zero", "1u % 0u", NULL, "run 3 division by zero"},
	{"doubles do not fail", "string(1.0 / 0.0) + string(0.0 / 0.0)", NULL, "\"InfinityNaN\""},
	{"NaN equals nothing", "0.0 / 0.0 == 0.0 / 0.0 || 0.0 / 0.0 < 1.0 || 0.0 / 0.0 >= 1.0", NULL, "false"},
	{"numbers of all kinds", "dyn(1) == 1u && dyn(1u) == 1.0 && dyn(2) > 1.5 && dyn(1u) < 2", NULL, "true"},
	{"equality is exact", "dyn(9007199254740993) == 9007199254740992.0", NULL, "false"},
	{"in lists and maps", "1.0 in [1, 2] && 'a' in {'a': 1} && !('b' in ['a'])", NULL, "true"},
	{"maps of different sizes", "{'a': 1} == {'a': 1, 'b': 2} || {'a': 1, 'b': 2} == {'a': 1}", NULL, "false"},
	{"lists together", "[1] + [] + [2]", NULL, "[1,2]"},
	{"texts by code point", "'Z' < 'a' && 'a' < '\xc3\xa9'", NULL, "true"},
	{"an item", "[7, 8][1] + {'a': 1}['a']", NULL, "9"},
	{"no such item", "[7][1]", NULL, "run 3 the list has no such item"},
	{"no item before the first", "[7][-1]", NULL, "run 3 the list has no such item"},
	{"no such key", "{'a': 1}['b']", NULL, "run 8 no such key"},
};

static const struct row logic[] = {
	{"|| does not mind an error on the left", "1 / 0 == 1 || true", NULL, "true"},
	{"&& does not mind an error on the right", "false && 1 / 0 == 1", NULL, "false"},
	{"&& does not mind an error on the left", "1 / 0 == 1 && false", NULL, "false"},
	{"but true && error is one", "true && 1 / 0 == 1", NULL, "run 10 division by zero"},
	{"what is no bool", "m.a || false", "{\"m\":{\"a\":1}}", "run 2 no such overload: 'a'"},
	{"and does not matter", "m.a || true", "{\"m\":{\"a\":1}}", "true"},
	{"all minds no error beside a false", "[0, 1].all(x, 1 / x == 2)", NULL, "false"},
	{"exists with an error and no true", "[0, 1].exists(x, 1 / x == 2)", NULL, "run 19 division by zero"},
	{"exists_one minds any error", "[1, 0].exists_one(x, 1 / x == 1)", NULL, "run 23 division by zero"},
};

static const struct row json[] = {
	{"a member", "m.a.b[1]", "{\"m\":{\"a\":{\"b\":[1,true]}}}", "true"},
	{"no such member", "m.b", "{\"m\":{\"a\":1}}", "run 2 there is no such member: 'b'"},
	{"members of what has none", "m.a.b", "{\"m\":{\"a\":1}}", "run 4 this value has no members: 'b'"},
	{"has", "has(m.a) && !has(m.b) && !has(m.a.c)", "{\"m\":{\"a\":{}}}", "true"},
	{"has of what is missing itself", "has(m.b.c)", "{\"m\":{}}", "run 6 there is no such member: 'b'"},
	{"quoted members", "m.`a-b`", "{\"m\":{\"a-b\":1}}", "1"},
	{"escaped keys", "m.ab", "{\"m\":{\"\\u0061b\":1}}", "1"},
	{"null", "m.a == null && type(m.a) == null_type", "{\"m\":{\"a\":null}}", "true"},
	{"JSON has one kind of number", "x + 0.5 == 5.5 && 10.0 / x == 2.0 && x - y == 2.5", "{\"x\":5,\"y\":2.5}", "true"},
	{"but literals do not mix", "dyn(5) + 0.5", NULL, "run 7 no such overload"},
	{"nor does JSON with a uint", "x + 1u", "{\"x\":5}", "run 2 no such overload"},
	{"equal as JSON is", "x == {'a': [1.0, null]}", "{\"x\":{\"a\":[1,null]}}", "true"},
	{"a whole object comes back", "x", "{\"x\":{\"a\":[1,{\"b\":\"<\\u0001>\"}]}}", "{\"a\":[1,{\"b\":\"<\\u0001>\"}]}"},
	{"lists of JSON join others", "(x + [3]).map(i, i * 2)", "{\"x\":[1,2]}", "[2,4,6]"},
	{"qualified names", "a.b.c", "{\"a.b\":{\"c\":1}, \"a\":{\"b\":{\"c\":2}}}", "1"},
	{"a local name hides them", "[{'b': 3}].map(a, a.b)[0] + [4].map(a, .a.b)[0]", "{\"a.b\":1}", "4"},
	{"the game of the articles", "message.player == identity.claims.player && math.abs(message.x - last.position.x) <= 5",
	 "{\"message\":{\"player\":7,\"x\":155.5},\"identity\":{\"claims\":{\"player\":7}},\"last\":{\"position\":{\"x\":151}}}", "true"},
	{"a jump", "math.abs(message.x - last.position.x) <= 5", "{\"message\":{\"x\":900},\"last\":{\"position\":{\"x\":151}}}", "false"},
	{"no position yet", "math.abs(message.x - last.position.x) <= 5", "{\"message\":{\"x\":900},\"last\":{}}", "run 26 there is no such member: 'position'"},
};

static const struct row macros[] = {
	{"map and filter", "[1, 2, 3].filter(x, x > 1).map(x, x * x)", NULL, "[4,9]"},
	{"map with a condition", "[1, 2, 3].map(x, x != 2, -x)", NULL, "[-1,-3]"},
	{"over the keys of a map", "{'a': 1, 'b': 2}.map(k, k)", NULL, "[\"a\",\"b\"]"},
	{"over JSON", "m.exists(k, v, k == 'b' && v == 2) && m.all(k, k < 'c')", "{\"m\":{\"a\":1,\"b\":2}}", "true"},
	{"inside each other", "[[1, 2], [3]].map(x, x.map(y, y + size(x)))", NULL, "[[3,4],[4]]"},
	{"two variables", "['a', 'b'].transformList(i, v, i > 0, v + string(i))", NULL, "[\"b1\"]"},
	{"maps of maps", "{'a': 1}.transformMap(k, v, v + 1)", NULL, "{\"a\":2}"},
	{"entries", "['x', 'y'].transformMapEntry(i, v, {v: i})", NULL, "{\"x\":0,\"y\":1}"},
	{"entries with the same key", "[1, 1].transformMapEntry(i, v, {v: i})", NULL, "run 7 two entries have the same key"},
	{"bind", "cel.bind(x, 2, x * x + cel.bind(y, x + 1, y))", NULL, "7"},
	{"what is bound and not used", "cel.bind(x, 1 / 0, true)", NULL, "true"},
	{"exists_one", "[1, 2, 2].exists_one(x, x == 1) && ![1, 2, 2].existsOne(x, x == 2)", NULL, "true"},
};

static const struct row functions[] = {
	{"size counts characters", "[size('a\xc3\xa9\xf0\x9f\x98\x80'), size(b'\xc3\xa9'), [1, 2].size(), {'a': 1}.size()]", NULL, "[3,2,2,1]"},
	{"conversions", "[int('-5'), int(3.9), int(7u), int(timestamp('1970-01-01T00:01:00Z'))]", NULL, "[-5,3,7,60]"},
	{"what is no int", "int('5a')", NULL, "run 0 the text is not an int"},
	{"texts of doubles", "[string(1e21), string(1e20), string(0.00001), string(-0.5), string(5e-324)]", NULL,
	 "[\"1e+21\",\"100000000000000000000\",\"1e-05\",\"-0.5\",\"5e-324\"]"},
	{"matches", "'abc'.matches('^a.c$') && matches('abc', '[[:alpha:]]+') && !'a\\n'.matches('^a$')", NULL, "true"},
	{"a pattern from outside", "'abc'.matches(p)", "{\"p\":\"(a\"}", "run 6 the pattern is not valid"},
	{"parts of texts", "['h\xc3\xa9llo'.charAt(1), 'h\xc3\xa9llo'.substring(1, 3), string('h\xc3\xa9llo'.indexOf('l', 3))]", NULL, "[\"\xc3\xa9\",\"\xc3\xa9l\",\"3\"]"},
	{"a part that ends before it begins", "'abc'.substring(2, 1)", NULL, "run 6 the text has no such place"},
	{"beyond the end", "'abc'.charAt(4)", NULL, "run 6 the text has no such place"},
	{"split and join", "'a,b,c'.split(',', 2).join('|') + 'xy'.split('').join('-') + string(size(''.split(',')))", NULL, "\"a|b,cx-y1\""},
	{"replace", "'aXbXc'.replace('X', '--', 1) + 'ab'.replace('', '.')", NULL, "\"a--bXc.a.b.\""},
	{"last place", "['abab'.lastIndexOf('ab'), 'abab'.lastIndexOf('ab', 1), 'abab'.lastIndexOf('')]", NULL, "[2,0,4]"},
	{"trim, lower, upper, reverse", "' \\u00a0aB\xc3\xa9 '.trim().lowerAscii().upperAscii().reverse()", NULL, "\"\xc3\xa9" "BA\""},
	{"format", "'%s %d %.2f %x %b %%'.format([[1, 'a', null], 3, 2.555, 'az', true])", NULL, "\"[1, a, null] 3 2.56 617a 1 %\""},
	{"%o of a double", "'%o'.format([1.5])", NULL, "run 5 %o takes an int or a uint"},
	{"%d of a text", "'%d'.format(['1'])", NULL, "run 5 %d takes an int or a uint"},
	{"a precision that is too much", "'%.1000f'.format([1.5])", NULL, "run 10 a clause of the format is not complete"},
	{"an unknown clause", "'%y'.format([1])", NULL, "run 5 there is no such clause: %s %d %f %e %b %o %x %X and %% are"},
	{"format wants values", "'%s'.format([])", NULL, "run 5 the format has more clauses than there are values"},
	{"math", "[math.greatest(1, 2.5, 2u), math.least([3, 1]), math.round(-1.5), math.bitShiftRight(-1, 63), math.sign(-2)]", NULL, "[2.5,1,-2,1,-1]"},
	{"base64", "base64.encode(b'hello') + string(base64.decode('aGVsbG8'))", NULL, "\"aGVsbG8=hello\""},
	{"what is no base64", "base64.decode('a')", NULL, "run 7 the text is not base64"},
	{"sets", "sets.contains([1, 2], [2.0]) && sets.equivalent([1, 1], [1]) && !sets.intersects([1], [2])", NULL, "true"},
	{"networks", "cidr('10.0.0.0/8').containsIP('10.1.2.3') && !cidr('2001:db8::/32').containsIP(ip('10.1.2.3'))", NULL, "true"},
	{"networks in networks", "cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16') && cidr('10.0.0.0/8').prefixLength() == 8", NULL, "true"},
	{"a wider network", "cidr('10.0.0.0/8').containsCIDR('10.0.0.0/7')", NULL, "false"},
	{"what is no address", "cidr('10.0.0.0/8').containsIP('10.1.2')", NULL, "run 19 the text is not an address"},
	{"times", "timestamp('2024-02-29T23:59:59.5Z') + duration('1s500ms')", NULL, "\"2024-03-01T00:00:01.000Z\""},
	{"their difference", "timestamp('2024-03-01T00:00:00Z') - timestamp('2024-02-28T00:00:00+01:00')", NULL, "\"176400s\""},
	{"their parts", "[timestamp('2024-12-31T23:30:00Z').getDayOfYear(), timestamp('2024-12-31T23:30:00Z').getFullYear('+01:00'), duration('-90.5s').getMinutes()]", NULL, "[365,2025,-1]"},
	{"after the last second", "timestamp('9999-12-31T23:59:59Z') + duration('1s')", NULL, "run 34 the time is beyond the years 1 to 9999"},
	{"before the first", "timestamp('0001-01-01T00:00:00Z') - duration('1ns')", NULL, "run 34 the time is beyond the years 1 to 9999"},
	{"no such day", "timestamp('2023-02-29T00:00:00Z')", NULL, "run 0 the text is not a time of the years 1 to 9999"},
	{"no such zone", "timestamp(0).getHours('Nowhere')", NULL, "run 13 the time zone is not known"},
	{"types", "[type(1), type(1.0) == double, type(type(1)) == type, type([]) == list]", NULL, "[\"int\",true,true,true]"},
};
/* clang-format on */

static void gives_literals(void **state)
{
	(void)state;
	run_rows(literals, COUNT(literals));
}

static void gives_operators(void **state)
{
	(void)state;
	run_rows(operators, COUNT(operators));
}

static void gives_logic(void **state)
{
	(void)state;
	run_rows(logic, COUNT(logic));
}

static void gives_json(void **state)
{
	(void)state;
	run_rows(json, COUNT(json));
}

static void gives_macros(void **state)
{
	(void)state;
	run_rows(macros, COUNT(macros));
}

static void gives_functions(void **state)
{
	(void)state;
	run_rows(functions, COUNT(functions));
}

/* A byte that C takes for an end. */
static void nul_is_a_character_that_means_nothing(void **state)
{
	struct cel_tried t;

	(void)state;
	cel_try_init(&t);
	cel_try_run(&t, SLICE("true\0 && false"));
	assert_slice(cel_try_text(&t), "parse 4 this character means nothing here");
	cel_try_deinit(&t);
}

/* A rule: only the bool true allows. */
static void allows(void **state)
{
	static const struct {
		const char *says, *expr;
		bool wanted;
	} rows[] = {
		{"true", "x == 1", true},
		{"false", "x == 2", false},
		{"a number", "x", false},
		{"an error", "1 / (x - 1) == 1", false},
	};

	(void)state;
	EACH_ROW (at, rows) {
		struct cel_tried t;
		cel_try_init(&t);
		ROW_CHECK(at, cel_try_variables(&t, "{\"x\":1}"));
		ROW_CHECK(at, cel_compile(slice_from_cstr(at->expr), &t.env, &t.arena, &t.program,
					  &t.error) == 0);
		ROW_CHECK(at, cel_allows(t.program, t.values, t.count, &t.arena, &t.error) ==
				      at->wanted);
		ROW_CHECK(at, at->wanted || t.error.sentence.len);
		cel_try_deinit(&t);
	}
}

/* A slot that was not filled is an error, one beyond the end too. */
static void missing_variables(void **state)
{
	struct cel_tried t;

	(void)state;
	cel_try_init(&t);
	assert_true(cel_try_variables(&t, "{\"x\":1,\"y\":2}"));
	assert_int_equal(cel_compile(SLICE("y == 2"), &t.env, &t.arena, &t.program, &t.error), 0);
	assert_false(cel_program_uses(t.program, 0));
	assert_true(cel_program_uses(t.program, 1));
	assert_false(cel_program_uses(t.program, 2));
	t.failed = cel_eval(t.program, t.values, 1, &t.arena, &t.value, &t.error) != 0;
	assert_slice(cel_try_text(&t), "run 0 the variable has no value: 'y'");
	t.values[1] = (struct cel_value){0};
	assert_false(cel_allows(t.program, t.values, 2, &t.arena, &t.error));
	cel_try_deinit(&t);
}

/* What a quick look sees: true, and nothing else. */
static const struct {
	const char *says, *expr;
	bool seen;
} looks[] = {
	{"texts", "m.user == 'ann'", true},
	{"two members", "m.user == m.name", true},
	{"a name", "who == m.user", true},
	{"other texts", "m.user != 'bob'", true},
	{"integers", "m.n == 5 && m.n != 4 && m.n < 6 && m.n <= 5 && m.n > 4 && m.n >= 5", true},
	{"the second of two", "m.user == 'bob' || m.n == 5", true},
	{"the first of two", "m.n == 5 || m.user == 'bob'", true},
	{"not what is false", "m.user == 'bob'", false},
	{"not half of it", "m.user == 'ann' && m.n == 4", false},
	{"not what it cannot see", "m.n + 0 == 5", false},
	{"not behind what it cannot see", "m.n + 0 == 5 || m.n == 5", false},
	{"not a member that is missing", "m.nobody == 'ann'", false},
	{"not with a double", "m.d > 1.5", false},
	{"not texts in order", "m.user < 'bob'", false},
	{"not of two kinds", "m.user != dyn(5)", false},
	{"a member of a member", "m.o.a == 1", true},
	{"one of each", "(m.n == 4 || m.n == 5) && (m.user == 'bob' || who == 'ann')", true},
	{"neither half", "(m.n == 4 || m.n == 6) && who == 'ann' || m.user == 'bob'", false},
	{"not the truth", "m.o.a == 1 && m.yes", false},
	{"not more comparisons than eight",
	 "m.n > 0 && m.n > 1 && m.n > 2 && m.n > 3 && m.n > 4 && m.n < 9 && m.n < 8 && m.n < 7 && "
	 "m.n < 6",
	 false},
	{"not a member of what has none", "m.user.a == 'ann'", false},
	{"not what has no members", "who.x == 'ann'", false},
};

static void a_quick_look_sees(void **state)
{
	(void)state;
	EACH_ROW (at, looks) {
		struct cel_tried t;
		cel_try_init(&t);
		ROW_CHECK(at, cel_try_variables(&t, "{\"m\":{\"user\":\"ann\",\"name\":\"ann\","
						    "\"n\":5,\"d\":2.5,\"o\":{\"a\":1},"
						    "\"yes\":true},"
						    "\"who\":\"ann\"}"));
		cel_try_run(&t, slice_from_cstr(at->expr));
		ROW_CHECK(at, t.program);
		ROW_CHECK(at, cel_try_quick(&t, t.count) == at->seen);
		/* Without the slots nothing is seen. */
		ROW_CHECK(at, !cel_try_quick(&t, 0));
		cel_try_deinit(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_quick_look_sees),
		cmocka_unit_test(gives_literals),
		cmocka_unit_test(gives_operators),
		cmocka_unit_test(gives_logic),
		cmocka_unit_test(gives_json),
		cmocka_unit_test(gives_macros),
		cmocka_unit_test(gives_functions),
		cmocka_unit_test(nul_is_a_character_that_means_nothing),
		cmocka_unit_test(allows),
		cmocka_unit_test(missing_variables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
