/* SPDX-License-Identifier: Apache-2.0 */
/* Formats: the borders that cases/format.json and the official suite leave open. */
#include "unit.h"

#include "contract/format.h"

static const struct row {
	const char *says, *format;
	struct slice text;
	bool wanted;
} rows[] = {
	{"a day", "date", SLICE_INIT("2024-02-29"), true},
	{"no such day", "date", SLICE_INIT("2023-02-29"), false},
	{"a leap second, seen from elsewhere", "time", SLICE_INIT("00:29:60+00:30"), true},
	{"a leap second at noon", "time", SLICE_INIT("12:00:60Z"), false},
	{"a fraction without digits", "time", SLICE_INIT("12:00:00.Z"), false},
	{"a space instead of T", "date-time", SLICE_INIT("2024-02-29 12:00:00Z"), false},
	{"a date only", "date-time", SLICE_INIT("2024-02-29T"), false},
	{"weeks alone", "duration", SLICE_INIT("P3W"), true},
	{"months in the time", "duration", SLICE_INIT("PT3M"), true},
	{"a gap", "duration", SLICE_INIT("P1Y1D"), false},
	{"nothing behind T", "duration", SLICE_INIT("P1DT"), false},
	{"a unit without a number", "duration", SLICE_INIT("PD"), false},
	{"a NUL for a unit", "duration", SLICE_INIT("P1\0"), false},
	{"a long local part", "email",
	 SLICE_INIT("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@b"), false},
	{"an escaped quote", "email", SLICE_INIT("\"a\\\"b\"@c"), true},
	{"a quote that is not closed", "email", SLICE_INIT("\"a\\\"@c"), false},
	{"a quote in between", "email", SLICE_INIT("\"a\"b\"@c"), false},
	{"a literal without an end", "email", SLICE_INIT("a@[1.2.3.4"), false},
	{"letters that are not ASCII", "email", SLICE_INIT("\xc3\xa9@b"), false},
	{"are fine here", "idn-email", SLICE_INIT("\xc3\xa9@b"), true},
	{"but not when they are not UTF-8", "idn-email", SLICE_INIT("\xc3@b"), false},
	{"two hyphens, but no A-label", "hostname", SLICE_INIT("ab--c"), false},
	{"an empty A-label", "hostname", SLICE_INIT("xn--"), false},
	{"an A-label that is ASCII", "hostname", SLICE_INIT("xn--a-"), false},
	{"an A-label of one letter", "hostname", SLICE_INIT("xn--tda"), true},
	{"a delimiter behind nothing", "hostname", SLICE_INIT("xn---tda"), false},
	{"253 bytes are the most", "hostname",
	 SLICE_INIT("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
		    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
		    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
		    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
	 true},
	{"254 are not", "hostname",
	 SLICE_INIT("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
		    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
		    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
		    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
	 false},
	{"a German name", "idn-hostname", SLICE_INIT("b\xc3\xbc" "cher.de"), true},
	{"in capitals", "idn-hostname", SLICE_INIT("B\xc3\x9c" "CHER.de"), false},
	{"a German A-label", "hostname", SLICE_INIT("xn--bcher-kva.de"), true},
	{"written in another way", "hostname", SLICE_INIT("xn--bcher-kvA.de"), true},
	{"Hebrew", "idn-hostname", SLICE_INIT("\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d"), true},
	{"Hebrew and Latin in one label", "idn-hostname", SLICE_INIT("\xd7\xa9" "a"), false},
	{"zeros in front", "ipv4", SLICE_INIT("1.2.3.04"), false},
	{"256", "ipv4", SLICE_INIT("1.2.3.256"), false},
	{"three parts", "ipv4", SLICE_INIT("1.2.3"), false},
	{"an empty part", "ipv4", SLICE_INIT("1..2.3"), false},
	{"eight groups and a gap", "ipv6", SLICE_INIT("1:2:3:4:5:6:7::8"), false},
	{"seven groups and a gap", "ipv6", SLICE_INIT("1:2:3:4:5:6::8"), true},
	{"an address in the middle", "ipv6", SLICE_INIT("::1.2.3.4:5"), false},
	{"four colons", "ipv6", SLICE_INIT("::::"), false},
	{"only a scheme", "uri", SLICE_INIT("a:"), true},
	{"a NUL", "uri", SLICE_INIT("a:\0"), false},
	{"half a percent", "uri", SLICE_INIT("a:%4"), false},
	{"a future address", "uri", SLICE_INIT("http://[v1.a:b]/"), true},
	{"a future address without a version", "uri", SLICE_INIT("http://[v.a]/"), false},
	{"something behind the bracket", "uri", SLICE_INIT("http://[::1]a/"), false},
	{"two fragments", "uri", SLICE_INIT("a:b#c#d"), false},
	{"not ASCII", "uri", SLICE_INIT("http://a/\xc3\xa9"), false},
	{"fine in an IRI", "iri", SLICE_INIT("http://a/\xc3\xa9"), true},
	{"not when it is not UTF-8", "iri", SLICE_INIT("http://a/\xc3"), false},
	{"a character for nobody", "iri", SLICE_INIT("http://a/\xef\xbf\xbf"), false},
	{"an empty expression", "uri-template", SLICE_INIT("{}"), false},
	{"an operator alone", "uri-template", SLICE_INIT("{+}"), false},
	{"a prefix that is too long", "uri-template", SLICE_INIT("{a:10000}"), false},
	{"a list", "uri-template", SLICE_INIT("{?a,b*,c:3}"), true},
	{"an empty name in a list", "uri-template", SLICE_INIT("{a,}"), false},
	{"a dot at the end", "uri-template", SLICE_INIT("{a.}"), false},
	{"a UUID", "uuid", SLICE_INIT("01234567-89ab-cdef-0123-456789abcdef"), true},
	{"one too short", "uuid", SLICE_INIT("01234567-89ab-cdef-0123-456789abcde"), false},
	{"a pointer", "json-pointer", SLICE_INIT("/a/~0~1"), true},
	{"a tilde at the end", "json-pointer", SLICE_INIT("/~"), false},
	{"a relative pointer", "relative-json-pointer", SLICE_INIT("10#"), true},
	{"only the hash", "relative-json-pointer", SLICE_INIT("#"), false},
	{"a regular expression", "regex", SLICE_INIT("^[a-z]+$"), true},
	{"one that is none", "regex", SLICE_INIT("["), false},
};

static void formats_are_checked(void **state)
{
	(void)state;
	EACH_ROW (at, rows) {
		format_fn check = format_find(slice_from_cstr(at->format));
		ROW_CHECK(at, check);
		ROW_CHECK(at, check(at->text) == at->wanted);
	}
}

/* No prefix of anything makes a check read behind the end: the sanitizer watches. */
static void every_prefix_is_judged(void **state)
{
	unsigned accepted = 0;

	(void)state;
	EACH_ROW (at, rows) {
		for (size_t len = 0; len <= at->text.len; len++) {
			char *copy = malloc(len ? len : 1);
			assert_non_null(copy);
			memcpy(copy, at->text.data, len);
			for (const char *const *name =
				     (const char *const[]){"date", "time", "date-time", "duration",
							   "email", "idn-email", "hostname",
							   "idn-hostname", "ipv4", "ipv6", "uri",
							   "uri-reference", "iri", "iri-reference",
							   "uri-template", "uuid", "json-pointer",
							   "relative-json-pointer", "regex", NULL};
			     *name; name++)
				accepted += format_find(slice_from_cstr(*name))(slice_of(copy, len));
			free(copy);
		}
	}
	assert_true(accepted > 0);
}

static void an_unknown_format_is_unknown(void **state)
{
	(void)state;
	assert_null(format_find(SLICE("zip-code")));
	assert_null(format_find(SLICE("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats_are_checked),
		cmocka_unit_test(every_prefix_is_judged),
		cmocka_unit_test(an_unknown_format_is_unknown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
