/* SPDX-License-Identifier: Apache-2.0 */
/* The one table that every parser of this layer trusts, held against the classes spelt out. */
#include "http/chars.h"

#include "unit.h"

#define ALPHA      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGIT      "0123456789"
#define UNRESERVED ALPHA DIGIT "-._~"
#define PCHAR      UNRESERVED "!$&'()*+,;=:@%"

static const struct row {
	const char *says;
	enum http_char class;
	const char *members;
} rows[] = {
	{"token", HTTP_CHAR_TOKEN, ALPHA DIGIT "!#$%&'*+-.^_`|~"},
	{"path", HTTP_CHAR_PATH, PCHAR "/[]|^"},
	{"query", HTTP_CHAR_QUERY, PCHAR "/?[]{}|^`"},
	{"value", HTTP_CHAR_VALUE, ALPHA DIGIT "\t !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"},
	{"cookie-octet", HTTP_CHAR_COOKIE, ALPHA DIGIT "!#$%&'()*+-./:<=>?@[]^_`{|}~"},
	{"unreserved", HTTP_CHAR_UNRESERVED, UNRESERVED},
	{"label", HTTP_CHAR_LABEL, ALPHA DIGIT "-_"},
	{"url", HTTP_CHAR_URL, PCHAR "/{}"},
};

static void every_class_is_what_its_rfc_says(void **state)
{
	(void)state;
	EACH_ROW (at, rows) {
		for (int c = 0; c < 256; c++) {
			bool wanted = c != 0 && strchr(at->members, c) != NULL;
			if (http_char_is((char)c, at->class) != wanted)
				fail_msg("%s: character 0x%02x", at->says, (unsigned)c);
		}
	}
}

static void runs_end_where_the_class_ends(void **state)
{
	(void)state;
	assert_int_equal(http_char_run(SLICE("abc:d"), 0, HTTP_CHAR_TOKEN), 3);
	assert_int_equal(http_char_run(SLICE("abc:d"), 4, HTTP_CHAR_TOKEN), 1);
	assert_int_equal(http_char_run(SLICE("abc"), 3, HTTP_CHAR_TOKEN), 0);
	assert_int_equal(http_char_run(slice_of(NULL, 0), 0, HTTP_CHAR_TOKEN), 0);
	assert_true(http_chars_all(SLICE("abc"), HTTP_CHAR_TOKEN));
	assert_false(http_chars_all(SLICE("a c"), HTTP_CHAR_TOKEN));
	assert_false(http_chars_all(SLICE(""), HTTP_CHAR_TOKEN));
}

/* Each byte at each place of values that are passed in pieces, and behind them. */
static void long_values_end_where_the_class_ends(void **state)
{
	char text[20];

	(void)state;
	for (size_t len = 0; len < sizeof(text); len++) {
		for (size_t at = 0; at < sizeof(text); at++) {
			memset(text, '~', sizeof(text));
			for (int c = 0; c < 256; c++) {
				text[at] = (char)c;
				struct slice s = slice_of(text, len);
				for (size_t from = 0; from <= len; from += 3)
					assert_int_equal(http_value_run(s, from),
							 http_char_run(s, from, HTTP_CHAR_VALUE));
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_class_is_what_its_rfc_says),
		cmocka_unit_test(runs_end_where_the_class_ends),
		cmocka_unit_test(long_values_end_where_the_class_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
