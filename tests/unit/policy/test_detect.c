/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/detect.h"

#include "policy_text.h"

#include "policy/detect_view.h"

enum { BOTH = DETECT_SQLI | DETECT_XSS };

static const struct {
	const char *says;
	unsigned found;
	const char *text;
} rows[] = {
	/* clang-format off */
	{"a condition that is always true", DETECT_SQLI, "' or '1'='1"},
	{"a union", DETECT_SQLI, "1 union select password from users"},
	{"percent-encoded", DETECT_SQLI, "%27%20or%20%271%27%3D%271"},
	{"with plus signs", DETECT_SQLI, "1%27+union+select+1,2--+-"},
	{"with references", DETECT_SQLI, "&#39; or &#39;1&#39;=&#39;1"},
	{"percent-encoded references", DETECT_SQLI, "%26%2339;%20or%201=1--"},
	{"typographic quotes", DETECT_SQLI, "\xe2\x80\x99 or \xe2\x80\x98" "1\xe2\x80\x99=\xe2\x80\x99" "1"},
	{"wide letters", DETECT_SQLI, "\xef\xbc\x87 or 1=1--"},
	{"invisible ones", DETECT_SQLI, "1 un\xe2\x80\x8bion select password from users"},
	{"escapes of scripts", DETECT_SQLI, "\\u0027 or \\x271\\u{27}=\\'1' --"},
	{"a comment behind a quote", DETECT_SQLI, "admin' --"},
	{"and a column", DETECT_SQLI, "x'-email--"},
	{"a word of queries behind a quote", DETECT_SQLI, "' notnull -- "},
	{"a function of files", DETECT_SQLI, "lo_import('/etc' || '/passwd')"},

	{"a script", DETECT_XSS, "Nothing malicious here<script>alert(1)</script>"},
	{"a handler", DETECT_XSS, "<img src=x onerror=alert(1)>"},
	{"behind a comment", DETECT_XSS, "x\"><!--><svg/onload=alert(1)>"},
	{"in an attribute", DETECT_XSS, "\" onmouseover=alert(1) x=\""},
	{"a URL", DETECT_XSS, "javascript:alert(1)"},
	{"a broken one", DETECT_XSS, " \x01java\nscript:x=1"},
	{"in a script's string", DETECT_XSS, "'-alert(1)-'"},
	{"percent-encoded", DETECT_XSS, "%3Cscript%3Ealert(1)%3C/script%3E"},
	{"with unicode", DETECT_XSS, "%u003Cscript>alert(1)</script>"},
	{"with references", DETECT_XSS, "&lt;img src=x onerror=alert(1)&gt;"},
	{"wide", DETECT_XSS, "\xef\xbc\x9cscript\xef\xbc\x9e" "alert(1)"},
	{"with escapes", DETECT_XSS, "\\x3cscript\\x3ealert(1)"},

	{"a procedure's name", DETECT_SQLI, "xp_cmdshell"},

	{"nothing", 0, ""},
	{"a word", 0, "select"},
	{"a number", 0, "0x31"},
	{"a token", 0, "dGhlIHNhbXBsZSBub25jZQ"},
	{"a greeting", 0, "hello, how's it going? it's 100% fine & well"},
	{"names", 0, "O'Brien and D'Angelo"},
	{"a quoted mark", 0, "Susan, duh - what is the '<' for?"},
	{"a path", 0, "just use the main partition \"/\" or so"},
	{"about a language", 0, "JavaScript: Basics of JavaScript Language"},
	{"comparisons", 0, "if a < b and c > d then it's ok"},
	{"union", 0, "union was a great select"},
	{"a price", 0, "1/2 price; 20% off -- really"},
	/* clang-format on */
};

static void attacks_are_seen_and_talk_is_not(void **state)
{
	struct arena a;

	(void)state;
	if (!detect_available())
		skip();
	arena_init(&a, 4096, 1 << 20);
	EACH_ROW (at, rows) {
		struct slice text = slice_from_cstr(at->text);
		unsigned found = detect_find(BOTH, text, &a);
		if (at->found)
			ROW_CHECK(at, found & at->found);
		else
			ROW_CHECK(at, found == 0);
		ROW_CHECK(at, detect_find(at->found, text, &a) == at->found);
		ROW_CHECK(at, (detect_find(DETECT_SQLI, text, &a) & DETECT_XSS) == 0);
		arena_reset(&a);
	}
	arena_deinit(&a);
}

static const struct {
	const char *says;
	detect_view_fn view;
	const char *text, *wanted;
} views[] = {
	/* clang-format off */
	{"once", detect_view_percent, "%2527%41", "%27A"},
	{"not at the end", detect_view_percent, "%4", "%4"},
	{"plus only among escapes", detect_view_percent, "a+b", "a+b"},
	{"nor among blanks", detect_view_percent, "a+b c%41", "a+b cA"},
	{"unicode", detect_view_percent, "%u0041%U00e9%u00", "A\xc3\xa9%u00"},
	{"half a pair", detect_view_percent, "a%ud800b", "ab"},
	{"references", detect_view_references, "&#65;&#x42&lt;&amp;lt;&copy;", "AB<&lt;&copy;"},
	{"escapes", detect_view_escapes, "\\x41\\u0042\\u{43}\\u{1f600}\\n\\", "ABC\xf0\x9f\x98\x80\\n\\"},
	{"folded", detect_view_folded, "\xef\xbc\xa1\xe2\x80\x99\xe2\x80\x8b\x01\n\xc3\xa9", "A'\n\xc3\xa9"},
	{"not UTF-8", detect_view_folded, "\xff\xef\xbc\xa1", "\xff" "A"},
	/* clang-format on */
};

static void views_show_what_is_behind(void **state)
{
	char room[64];

	(void)state;
	EACH_ROW (at, views)
		ROW_EQ(at, at->view(slice_from_cstr(at->text), room), slice_from_cstr(at->wanted));
}

static void no_room_finds_everything(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 1, 1);
	assert_int_equal(detect_find(BOTH, SLICE("hello, you"), &a), BOTH);
	arena_deinit(&a);
}

static void words_are_read_back(void **state)
{
	(void)state;
	assert_int_equal(detect_kind_parse(SLICE("sqli")), DETECT_SQLI);
	assert_int_equal(detect_kind_parse(SLICE("xss")), DETECT_XSS);
	assert_int_equal(detect_kind_parse(SLICE("SQLI")), 0);
	assert_string_equal(detect_kind_word(DETECT_SQLI), "sqli");
	assert_string_equal(detect_kind_word(DETECT_XSS), "xss");
	assert_string_equal(detect_kind_word(0), "none");
}

static size_t flagged[4];

static void count(struct slice text, struct arena *a)
{
	flagged[detect_find(BOTH, text, a) & BOTH]++;
}

/* tools/measure-detect has the rates by label. */
static void rates(void **state)
{
	static const struct {
		const char *says;
		unsigned kind;
		size_t least, most; /* of 1000 */
	} wanted[] = {{"sqli", DETECT_SQLI, 855, 1000}, {"xss", DETECT_XSS, 880, 1000},
		      {"benign", DETECT_SQLI, 0, 2}, {"benign", DETECT_XSS, 0, 1},
		      {"benign-code", DETECT_SQLI, 0, 20}, {"benign-code", DETECT_XSS, 0, 20}};

	(void)state;
	if (!detect_available())
		skip();
	EACH_ROW (at, wanted) {
		memset(flagged, 0, sizeof(flagged));
		size_t all = each_string(at->says, count);
		if (all == 0)
			skip();
		size_t hits = flagged[at->kind] + flagged[BOTH];
		print_message("# %s: %s in %zu of %zu\n", at->says, detect_kind_word(at->kind), hits, all);
		ROW_CHECK(at, hits * 1000 >= at->least * all);
		ROW_CHECK(at, hits * 1000 <= at->most * all);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attacks_are_seen_and_talk_is_not),
		cmocka_unit_test(views_show_what_is_behind),
		cmocka_unit_test(no_room_finds_everything),
		cmocka_unit_test(words_are_read_back),
		cmocka_unit_test(rates),
	};
	return cmocka_run_group_tests_name("policy/detect", tests, NULL, NULL);
}
