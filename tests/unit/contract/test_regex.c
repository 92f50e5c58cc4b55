/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What PCRE2 is given for a pattern, what is refused, and the bounds of matching. What matches
 * what is in cases/pattern.json.
 */
#include "unit.h"

#include "contract/regex.h"

static const struct row {
	const char *says, *pattern, *wanted;
} rows[] = {
	{"letters", "abc", "abc"},
	{"anchors", "^a$", "^a$"},
	{"other characters become numbers", "a-b #", "a\\x{2d}b\\x{20}\\x{23}"},
	{"digits are ASCII", "\\d", "[0-9]"},
	{"in a class too", "[\\da]", "[0-9a]"},
	{"the dot knows four line ends", ".", "[^\\x{a}\\x{d}\\x{2028}\\x{2029}]"},
	{"nothing", "[]", "(?!)"},
	{"everything", "[^]", "[\\x{0}-\\x{10ffff}]"},
	{"names become numbers", "(?<n>a)\\k<n>", "(a)\\g{1}"},
	{"a name before its group", "\\k<n>(?<n>a)", "\\g{1}(a)"},
	{"control characters", "\\cJ", "\\x{a}"},
	{"a surrogate pair", "\\ud83d\\ude00", "\\x{1f600}"},
	{"no POSIX classes", "[[:alpha:\\]]", "[\\x{5b}\\x{3a}alpha\\x{3a}\\x{5d}]"},
	{"counts", "a{2,3}?", "a{2,3}?"},
	{"categories by their long names", "\\p{Uppercase_Letter}", "\\p{Lu}"},
	{"and not", "\\P{gc=Nd}", "\\P{Nd}"},
	{"groups", "(?:a|(?=b)|(?!c)|(?<=d)|(?<!e))", "(?:a|(?=b)|(?!c)|(?<=d)|(?<!e))"},
};

static const struct refused {
	const char *says, *pattern;
} refused[] = {
	{"Perl's end", "\\Z"},	      {"Perl's start", "\\A"},	    {"a bell", "\\a"},
	{"flags", "(?i)a"},	      {"flags of a group", "(?i:a)"}, {"Python's names", "(?P<n>a)"},
	{"atomic groups", "(?>a)"},   {"comments", "(?#a)"},	    {"conditions", "(?(1)a)"},
	{"verbs", "(*ACCEPT)"},	      {"possessive", "a*+"},	    {"quoting", "\\Qa\\E"},
	{"octal", "\\01"},	      {"a lone brace", "a{"},	    {"a lone bracket", "a]"},
	{"no such group", "\\1"},     {"no such name", "\\k<a>(?<b>)"}, {"a range downwards", "[b-a]"},
	{"a range of sets", "[\\d-z]"}, {"an open class", "[a"},    {"an open group", "(a"},
	{"too many closed", "a)"},    {"nothing repeated", "*"},    {"a repeated look", "(?=a)*"},
	{"counts downwards", "a{3,2}"}, {"a backslash alone", "\\"}, {"half a pair", "\\ud83d"},
	{"no such property", "\\p{Nope}"}, {"a name twice", "(?<a>)(?<a>)"}, {"not UTF-8", "\xff"},
	{"a name that starts with a digit", "(?<1a>b)"}, {"PCRE2's name of a category", "\\p{L&}"},
	{"beyond Unicode", "\\u{110000}"},
};

static void patterns_are_rewritten(void **state)
{
	struct arena a;
	const char *why;

	(void)state;
	arena_init(&a, 1 << 16, 1 << 24);
	EACH_ROW (at, rows)
		ROW_EQ(at, regex_translate(slice_from_cstr(at->pattern), &a, &why),
		       slice_from_cstr(at->wanted));
	arena_deinit(&a);
}

static void what_is_not_known_is_refused(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 16, 1 << 24);
	EACH_ROW (at, refused) {
		const char *why = NULL;
		ROW_CHECK(at, !regex_compile(slice_from_cstr(at->pattern), &a, &why));
		ROW_CHECK(at, why && why[0]);
		ROW_CHECK(at, !regex_valid(slice_from_cstr(at->pattern)));
	}
	arena_deinit(&a);
}

static void patterns_are_bounded(void **state)
{
	static char long_pattern[REGEX_PATTERN_MAX + 1], deep[2 * REGEX_NESTING_MAX + 2],
		groups[2 * REGEX_GROUPS_MAX + 2];
	const char *why;
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 16, 1 << 26);
	memset(long_pattern, 'a', sizeof(long_pattern));
	assert_non_null(regex_compile(slice_of(long_pattern, REGEX_PATTERN_MAX), &a, &why));
	assert_null(regex_compile(slice_of(long_pattern, REGEX_PATTERN_MAX + 1), &a, &why));
	memset(deep, '(', REGEX_NESTING_MAX + 1);
	memset(deep + REGEX_NESTING_MAX + 1, ')', REGEX_NESTING_MAX + 1);
	assert_null(regex_compile(slice_of(deep, sizeof(deep)), &a, &why));
	assert_non_null(regex_compile(slice_of(deep + 1, sizeof(deep) - 2), &a, &why));
	for (size_t i = 0; i < sizeof(groups); i += 2)
		memcpy(groups + i, "()", 2);
	assert_null(regex_compile(slice_of(groups, sizeof(groups)), &a, &why));
	assert_non_null(regex_compile(slice_of(groups, sizeof(groups) - 2), &a, &why));
	assert_null(regex_compile(SLICE("((((a{999}){999}){999}){999})"), &a, &why));
	arena_deinit(&a);
}

static void matching_is_bounded(void **state)
{
	struct regex_room *room = regex_room_new();
	static char text[1 << 16];
	const char *why;
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 16, 1 << 24);
	assert_non_null(room);
	memset(text, 'a', sizeof(text));
	const struct regex *greedy = regex_compile(SLICE("^(?:(?:a+)+)+$"), &a, &why);
	const struct regex *plain = regex_compile(SLICE("^[a-z]+$"), &a, &why);
	assert_non_null(greedy);
	assert_int_equal(regex_match(greedy, SLICE("aaab"), room), REGEX_NO);
	assert_int_equal(regex_match(greedy, SLICE("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"), room),
			 REGEX_BOUND);
	assert_int_equal(regex_match(plain, slice_of(text, sizeof(text)), room), REGEX_YES);
	assert_int_equal(regex_match(plain, slice_of(NULL, 0), room), REGEX_NO);
	/* What is not UTF-8 is refused, not searched. */
	assert_int_equal(regex_match(plain, SLICE("a\xff"), room), REGEX_BOUND);
	regex_room_free(room);
	arena_deinit(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_are_rewritten),
		cmocka_unit_test(what_is_not_known_is_refused),
		cmocka_unit_test(patterns_are_bounded),
		cmocka_unit_test(matching_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
