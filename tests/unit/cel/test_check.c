/* SPDX-License-Identifier: Apache-2.0 */
/* What is refused before it is run, where, and what is said; types; declared objects. */
#include "unit.h"

#include "tried.h"

struct row {
	const char *says, *expr, *wanted;
};

/* clang-format off */
static const struct row unparsed[] = {
	{"nothing", "", "parse 0 the expression ends too early"},
	{"half an operator", "1 +", "parse 3 the expression ends too early"},
	{"something behind", "1 2", "parse 2 nothing was expected here any more"},
	{"one equals sign", "a = 1", "parse 2 a comparison is written =="},
	{"an open parenthesis", "(1", "parse 2 a ')' is missing here"},
	{"an open list", "[1, 2", "parse 5 a ',' or ']' is missing here"},
	{"a map without a value", "{'a'}", "parse 4 a ':' and a value are missing here"},
	{"a conditional without its other half", "true ? 1", "parse 8 the ':' of a conditional is missing here"},
	{"a string without end", "'abc", "parse 0 this string has no end"},
	{"a line end in a string", "'a\nb'", "parse 0 this string has no end"},
	{"an unknown escape", "'a\\q'", "parse 2 there is no such escape"},
	{"half a pair of surrogates", "'\\ud800'", "parse 1 this escape is not a character"},
	{"a character in bytes", "b'\\u0041'", "parse 2 there is no such escape"},
	{"a name without its dot", "a.", "parse 2 a name is missing behind the dot"},
	{"a reserved word", "let + 1", "parse 0 this word is reserved"},
	{"an int that is too large", "9223372036854775808", "parse 0 this number does not fit in an int"},
	{"a uint that is too large", "18446744073709551616u", "parse 0 this number does not fit in 64 bits"},
	{"a double that is too large", "1e400", "parse 0 this number is larger than a double can be"},
	{"letters behind a number", "12ab", "parse 0 a number ends where a name begins"},
	{"NUL does not end it", "1\\0", "parse 1 this character means nothing here"},
	{"a message", "Foo{a: 1}", "parse 3 message literals are not supported"},
	{"has of a name", "has(a)", "parse 0 has() wants a member: has(a.b)"},
	{"a variable that is none", "[1].map(a.b, 1)", "parse 10 this has to be a plain name"},
	{"the same variable twice", "[1].all(a, a, true)", "parse 11 the two variables have the same name"},
	{"what is bound has a name", "cel.bind(1, 2, 3)", "parse 9 cel.bind() wants a plain name first"},
};

static const struct row unchecked[] = {
	{"no such variable", "massage.x", "check 0 there is no variable 'massage' -> message"},
	{"no such local variable", "[1].map(item, itme)", "check 14 there is no variable 'itme' -> item"},
	{"a variable outside of its fold", "[1].all(x, true) && x", "check 20 there is no variable 'x'"},
	{"no such function", "'a'.startWith('b')", "check 4 there is no function 'startWith' -> startsWith"},
	{"no such function of a namespace", "math.sqr(1)", "check 5 there is no function 'math.sqr' -> math.sqrt"},
	{"operands that do not go together", "1 + 'a'", "check 2 '+' does not take (int, string)"},
	{"kinds of numbers", "1 + 1.0", "check 2 '+' does not take (int, double)"},
	{"kinds of values", "'a' == 1", "check 4 '==' does not take (string, int)"},
	{"but numbers are comparable", "1 == 1.0 && 1 < 2u", "true"},
	{"the wrong argument", "size(1)", "check 0 'size' does not take (int)"},
	{"too many arguments", "size('a', 'b')", "check 0 'size' does not take (string, string)"},
	{"too few", "'a'.contains()", "check 4 'contains' does not take (string)"},
	{"an item in what has none", "1 in 2", "check 2 'in' does not take (int, int)"},
	{"members of a number", "1.0.a", "check 4 a value of type double has no members"},
	{"a bool is missing", "1 && true", "check 0 this has to be a bool, it is of type int"},
	{"a condition", "[1].filter(x, x)", "check 14 this has to be a bool, it is of type int"},
	{"two types", "true ? 1 : 'a'", "check 5 both results have to be of one type, they are int and string (dyn() takes any)"},
	{"a fold over a number", "1.all(x, true)", "check 2 this goes over a list or a map, not over a single value"},
	{"a key that is none", "{1.0: 1}", "check 1 a key is a bool, an int, a uint or a string"},
	{"a bad pattern", "'a'.matches('(')", "check 12 the pattern is refused at its byte 1: missing closing parenthesis"},
	{"the back reference", "'a'.matches('(a)\\\\1')", "check 12 the pattern is refused at its byte 3: back references are not supported"},
	{"looking ahead", "'a'.matches('a(?!b)')", "check 12 the pattern is refused at its byte 1: this kind of group is not supported"},
	{"looking back", "'a'.matches('(?<=b)a')", "check 12 the pattern is refused at its byte 0: looking around is not supported"},
	{"possession", "'a'.matches('a*+')", "check 12 the pattern is refused at its byte 2: possessive repetition is not supported"},
	{"recursion", "'a'.matches('a(?R)')", "check 12 the pattern is refused at its byte 1: this kind of group is not supported"},
	{"verbs", "'a'.matches('(*ACCEPT)')", "check 12 the pattern is refused at its byte 0: verbs are not supported"},
	{"but a plus sign in a class is one", "'a+'.matches('[*+]') && 'a+'.matches('a\\\\++')", "true"},
	{"numbers for greatest", "math.greatest('a')", "check 5 'math.greatest' does not take (list(string))"},
	{"loops in loops in loops", "l.all(a, l.all(b, a == b))",
	 "check 2 the expression may take 400040003 steps, which is more than 1000000: a list of unknown length is taken "
	 "to have 10000 items, and one loop inside another multiplies"},
	{"what is inside of each other does not multiply", "message.l.all(a, a.all(b, b.c.all(d, d)))", "run 8 there is no such member: 'l'"},
	{"two ways to the same do", "l.all(a, message.l.all(b, a == b))",
	 "check 2 the expression may take 400050003 steps, which is more than 1000000: a list of unknown length is taken "
	 "to have 10000 items, and one loop inside another multiplies"},
	{"and the same part inside of itself", "l.all(a, a.all(b, a.all(c, c == b)))",
	 "check 2 the expression may take 400080003 steps, which is more than 1000000: a list of unknown length is taken "
	 "to have 10000 items, and one loop inside another multiplies"},
	{"and what was made anew", "l.map(a, l).all(b, b.all(c, c))",
	 "check 12 the expression may take 200060005 steps, which is more than 1000000: a list of unknown length is taken "
	 "to have 10000 items, and one loop inside another multiplies"},
	{"but over short lists they are fine", "[1, 2].all(a, [1, 2].all(b, a > b - 2))", "true"},
};
/* clang-format on */

static void run_rows(const struct row *rows, size_t count)
{
	for (const struct row *at = rows; at < rows + count; at++) {
		struct cel_tried t;
		cel_try_init(&t);
		ROW_CHECK(at, cel_try_variables(&t, "{\"message\":{\"x\":1},\"l\":[1]}"));
		cel_try_run(&t, slice_from_cstr(at->expr));
		ROW_EQ(at, cel_try_text(&t), slice_from_cstr(at->wanted));
		cel_try_deinit(&t);
	}
}

static void refuses_while_parsing(void **state)
{
	(void)state;
	run_rows(unparsed, COUNT(unparsed));
}

static void refuses_while_checking(void **state)
{
	(void)state;
	run_rows(unchecked, COUNT(unchecked));
}

/* ---- declared objects */

static const int context;

static enum cel_member_answer member(const struct cel_object *o, struct slice name,
				     struct cel_member *out)
{
	static const struct cel_type three = {
		.form = CEL_T_LIST, .at_most = 3, .of = {&cel_types[CEL_INT], &cel_dyn}};

	assert_ptr_equal(o->context, &context);
	if (slice_eq(name, SLICE("user")))
		out->type = &cel_types[CEL_STRING];
	else if (slice_eq(name, SLICE("price")))
		out->type = &cel_types[CEL_DOUBLE];
	else if (slice_eq(name, SLICE("three")))
		out->type = &three;
	else if (slice_eq(name, SLICE("any")))
		return CEL_MEMBER_OPEN;
	else {
		out->nearest = SLICE("user");
		return CEL_MEMBER_REFUSED;
	}
	return CEL_MEMBER_KNOWN;
}

static const struct cel_object object = {SLICE_INIT("message say"), member, &context};
static const struct cel_type declared = {.form = CEL_T_OBJECT, .object = &object};

/* clang-format off */
static const struct row of_objects[] = {
	{"a declared member", "message.user == 'u'", "true"},
	{"a misspelt one", "message.usr == 'u'", "check 8 message say has no member 'usr' -> user"},
	{"a misspelt one in brackets", "message['usr'] == 'u'", "check 7 message say has no member 'usr' -> user"},
	{"a misspelt one in has", "has(message.usr)", "check 12 message say has no member 'usr' -> user"},
	{"of the wrong type", "message.user == 1", "check 13 '==' does not take (string, int)"},
	{"an open one", "message.any == 1 && message['any'] == 1", "true"},
	{"a number is a double even if it is written without a dot", "message.price * 2.0 == 10.0 && message['price'] / 2.0 == 2.5", "true"},
	{"for functions too", "math.floor(message.price) == 5.0 && [message.price].all(p, math.isFinite(p))", "true"},
	{"in the type as well", "message.price * 2", "check 14 '*' does not take (double, int)"},
	{"a declared length bounds the cost", "message.three.all(a, message.three.all(b, a <= 3))", "true"},
	{"over its keys", "message.all(k, k != 'x')", "true"},
	{"not its values", "message.exists(k, k + 1 == 2)", "check 20 '+' does not take (string, int)"},
};
/* clang-format on */

static void knows_declared_objects(void **state)
{
	(void)state;
	EACH_ROW (at, of_objects) {
		struct cel_tried t;
		cel_try_init(&t);
		ROW_CHECK(at, cel_try_variables(&t, "{\"message\":{\"user\":\"u\",\"price\":5,"
						    "\"three\":[1,2,3],\"any\":1}}"));
		t.names[0].type = &declared;
		cel_try_run(&t, slice_from_cstr(at->expr));
		ROW_EQ(at, cel_try_text(&t), slice_from_cstr(at->wanted));
		cel_try_deinit(&t);
	}
}

/* ---- types of results */

/* clang-format off */
static const struct row types[] = {
	{"a sum", "1 + 2", "int"},
	{"a sum with something", "message + 2", "int"},
	{"a sum of anything", "message + message", "dyn"},
	{"a list", "[1, 2]", "list(int)"},
	{"a mixed one", "[1, 'a']", "list(dyn)"},
	{"an empty one", "[]", "list(dyn)"},
	{"a map", "{'a': [1.0]}", "map(string, list(double))"},
	{"an item", "[['a']][0]", "list(string)"},
	{"a mapped list", "[1].map(x, string(x))", "list(string)"},
	{"a filtered one", "[1].filter(x, x > 0)", "list(int)"},
	{"a mapped map", "{'a': 1}.transformMap(k, v, v > 0)", "map(string, bool)"},
	{"a comparison", "1 < 2", "bool"},
	{"a conditional", "message ? 1 : 2", "int"},
	{"a time", "timestamp('2024-01-01T00:00:00Z') - duration('1s')", "google.protobuf.Timestamp"},
	{"two times", "timestamp(0) - timestamp(1)", "google.protobuf.Duration"},
	{"the greatest", "math.greatest(1, 2)", "int"},
	{"the greatest of a mixture", "math.greatest(1, 2.0)", "dyn"},
	{"dyn", "dyn(1)", "dyn"},
};
/* clang-format on */

static void finds_types(void **state)
{
	(void)state;
	EACH_ROW (at, types) {
		struct cel_tried t;
		cel_try_init(&t);
		ROW_CHECK(at, cel_try_variables(&t, "{\"message\":true}"));
		ROW_CHECK(at, cel_compile(slice_from_cstr(at->expr), &t.env, &t.arena, &t.program,
					  &t.error) == 0);
		ROW_EQ(at, cel_type_text(cel_program_type(t.program), &t.arena),
		       slice_from_cstr(at->wanted));
		cel_try_deinit(&t);
	}
}

/* ---- without the check, without macros */

/* clang-format off */
static const struct row loose[] = {
	{"what is wrong may not matter", "x || true", "true"},
	{"or does", "x || false", "run 0 there is no such variable"},
	{"functions that do not exist", "x.foo() || true", "true"},
	{"operands that do not go together", "1 + 'a'", "run 2 no such overload"},
	{"kinds of values", "'a' == 1", "false"},
	{"no bool", "'a' && true", "run 0 no such overload"},
	{"no key", "{1.0: 1}", "run 1 a key is a bool, an int, a uint or a string"},
};
/* clang-format on */

static void runs_without_check(void **state)
{
	(void)state;
	EACH_ROW (at, loose) {
		struct cel_tried t;
		cel_try_init(&t);
		t.env.unchecked = true;
		cel_try_run(&t, slice_from_cstr(at->expr));
		ROW_EQ(at, cel_try_text(&t), slice_from_cstr(at->wanted));
		cel_try_deinit(&t);
	}
}

static void leaves_macros_alone(void **state)
{
	struct cel_tried t;

	(void)state;
	cel_try_init(&t);
	t.env.no_macros = true;
	cel_try_run(&t, SLICE("[1].all(x, true)"));
	assert_slice(cel_try_text(&t), "check 4 there is no function 'all'");
	cel_try_deinit(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_while_parsing),  cmocka_unit_test(refuses_while_checking),
		cmocka_unit_test(knows_declared_objects), cmocka_unit_test(finds_types),
		cmocka_unit_test(runs_without_check),     cmocka_unit_test(leaves_macros_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
