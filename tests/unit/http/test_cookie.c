/* SPDX-License-Identifier: Apache-2.0 */
#include "http/cookie.h"

#include "unit.h"

static void one_cookie(void **state)
{
	/* clang-format off */
	static const struct {
		const char *says, *field;
		enum http_find wanted;
		const char *value;
	} rows[] = {
		{"alone", "sid=abc", HTTP_FIND_ONE, "abc"},
		{"among others", "a=b; sid=abc; c=d", HTTP_FIND_ONE, "abc"},
		{"without the space", "a=b;sid=abc;c=d", HTTP_FIND_ONE, "abc"},
		{"a final semicolon", "sid=abc;", HTTP_FIND_ONE, "abc"},
		{"an = in the value", "sid=abc==", HTTP_FIND_ONE, "abc=="},
		{"an empty value", "sid=", HTTP_FIND_ONE, ""},
		{"quotes around nothing", "sid=\"\"", HTTP_FIND_ONE, "\"\""},
		{"quotes stay", "sid=\"abc\"", HTTP_FIND_ONE, "\"abc\""},
		{"spaces around", "a=b ;  sid = abc ", HTTP_FIND_ONE, "abc"},
		{"others may have odd values", "a={\"x\": 1, 2}; sid=abc; b=x y", HTTP_FIND_ONE, "abc"},
		{"others may be quoted", "a=\"x\\\"y\"; sid=abc", HTTP_FIND_ONE, "abc"},
		{"a piece without a name", "junk; sid=abc", HTTP_FIND_ONE, "abc"},
		{"not there", "a=b", HTTP_FIND_NONE, ""},
		{"nothing there", "", HTTP_FIND_NONE, ""},
		{"another case", "SID=abc", HTTP_FIND_NONE, ""},
		{"a longer name", "xsid=abc; sidx=abc", HTTP_FIND_NONE, ""},
		{"inside a value", "a=sid=abc", HTTP_FIND_NONE, ""},
		{"a name alone", "sid", HTTP_FIND_NONE, ""},
		{"behind a comma", "a=b, sid=abc", HTTP_FIND_NONE, ""},
		{"a prefix is part of the name", "__Host-sid=abc", HTTP_FIND_NONE, ""},
		{"twice", "sid=abc; sid=def", HTTP_FIND_AMBIGUOUS, ""},
		{"twice the same", "sid=abc; sid=abc", HTTP_FIND_AMBIGUOUS, ""},
		{"twice, once empty", "sid=abc; sid=", HTTP_FIND_AMBIGUOUS, ""},
		{"no name", "=abc; sid=abc", HTTP_FIND_MALFORMED, ""},
		{"a quote over the semicolon", "a=\"x; sid=abc; b=y\"", HTTP_FIND_MALFORMED, ""},
		{"a quote that does not close", "sid=abc; a=\"", HTTP_FIND_MALFORMED, ""},
		{"a quote closed by an escaped one", "a=\"x\\\"; sid=abc; b=\"", HTTP_FIND_MALFORMED, ""},
		{"a space in our value", "sid=a b", HTTP_FIND_MALFORMED, ""},
		{"a comma in our value", "sid=a,b", HTTP_FIND_MALFORMED, ""},
		{"a quote in our value", "sid=a\"b", HTTP_FIND_MALFORMED, ""},
		{"a backslash in our value", "sid=a\\b", HTTP_FIND_MALFORMED, ""},
	};
	/* clang-format on */
	(void)state;
	EACH_ROW (at, rows) {
		struct slice value = SLICE("");
		enum http_find got =
			http_cookie_find(slice_from_cstr(at->field), SLICE("sid"), &value);
		ROW_CHECK(at, got == at->wanted);
		ROW_EQ(at, value, slice_from_cstr(at->value));
	}
}

static void names(void **state)
{
	struct slice value;

	(void)state;
	assert_int_equal(http_cookie_find(SLICE("a=1; __Host-sid=x"), SLICE("__Host-sid"), &value),
			 HTTP_FIND_ONE);
	assert_slice(value, "x");
	assert_true(http_cookie_name_ok(SLICE("__Secure-sid")));
	assert_false(http_cookie_name_ok(SLICE("a b")));
	assert_false(http_cookie_name_ok(SLICE("a=")));
	assert_false(http_cookie_name_ok(SLICE("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_cookie),
		cmocka_unit_test(names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
