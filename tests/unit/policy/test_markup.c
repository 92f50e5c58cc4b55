/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/markup.h"

#include "policy_text.h"

#include "policy/html.h"
#include "policy/markup_html.h"

/* NULL: refused. */
static const struct {
	const char *says;
	enum markup_mode mode;
	const char *text, *wanted;
} rows[] = {
	/* clang-format off */
	{"the five", MARKUP_ESCAPE, "&<>\"'", "&amp;&lt;&gt;&quot;&#39;"},
	{"a script", MARKUP_ESCAPE, "Nothing malicious here<script>alert(1)</script>", "Nothing malicious here&lt;script&gt;alert(1)&lt;/script&gt;"},
	{"a reference is not kept", MARKUP_ESCAPE, "&lt;", "&amp;lt;"},
	{"nothing to do", MARKUP_ESCAPE, "hello, world; 1/2 \xc3\xa9", "hello, world; 1/2 \xc3\xa9"},
	{"nothing", MARKUP_ESCAPE, "", ""},

	{"no markup", MARKUP_REFUSE, "a < b > c & d", "a < b > c & d"},
	{"a heart", MARKUP_REFUSE, "<3 <<3 <= <- <> < a", "<3 <<3 <= <- <> < a"},
	{"1 <2", MARKUP_REFUSE, "1 <2", "1 <2"},
	{"at the end", MARKUP_REFUSE, "a <", "a <"},
	{"a tag", MARKUP_REFUSE, "<b>", NULL},
	{"a tag that never ends", MARKUP_REFUSE, "x <a", NULL},
	{"in capitals", MARKUP_REFUSE, "<IMG SRC=x>", NULL},
	{"a closing tag", MARKUP_REFUSE, "</x", NULL},
	{"a broken heart is a comment", MARKUP_REFUSE, "</3", NULL},
	{"a comment", MARKUP_REFUSE, "<!--", NULL},
	{"a doctype", MARKUP_REFUSE, "<!x", NULL},
	{"an instruction", MARKUP_REFUSE, "<?x", NULL},
	{"behind a harmless one", MARKUP_REFUSE, "<<<b", NULL},
	{"references are text", MARKUP_REFUSE, "&lt;script&gt; &#60;b>", "&lt;script&gt; &#60;b>"},
	{"wide letters are text", MARKUP_REFUSE, "\xef\xbc\x9c" "script>", "\xef\xbc\x9c" "script>"},

	{"tags go", MARKUP_STRIP, "<b>bold</b> and <I CLASS='x>y'>more</I>", "bold and more"},
	{"scripts go with what is in them", MARKUP_STRIP, "a<script>alert(1)</script>b", "ab"},
	{"whatever their case", MARKUP_STRIP, "a<SCRIPT >if (a<b) x</scri></ScRiPt x>b", "ab"},
	{"and not before", MARKUP_STRIP, "a<script>b</scriptx>c</script/>d", "ad"},
	{"without an end", MARKUP_STRIP, "a<style>b{}", "a"},
	{"frames, titles and the like", MARKUP_STRIP, "<iframe>a</iframe><title>b</title><textarea>c</textarea><noscript>d</noscript><xmp>e</xmp>f", "f"},
	{"plaintext has no end", MARKUP_STRIP, "a<plaintext>b</plaintext>c", "a"},
	{"comments go", MARKUP_STRIP, "a<!-- <b> -- > -->b<!-->c<!--->d<!--x--!>e<!--", "abcde"},
	{"doctype, CDATA, instruction", MARKUP_STRIP, "<!doctype html>a<![CDATA[x]]>b<?php x?>c</>d</3>e", "abcde"},
	{"comparisons stay", MARKUP_STRIP, "a < b <3 1<2 <", "a < b <3 1<2 <"},
	{"what is left must not join", MARKUP_STRIP, "<<b>script>alert(1)<</b>/script>", "script>alert(1)/script>"},
	{"nor several", MARKUP_STRIP, "<<<<b>!--", "!--"},
	{"what joins to nothing stays", MARKUP_STRIP, "<<b>3", "<3"},
	{"a tag without an end", MARKUP_STRIP, "if a<b then c<d", "if ab then cd"},
	{"one that opens inside", MARKUP_STRIP, "<a title=\"<img src=x onerror=alert(1)>", "a title=\"img src=x onerror=alert(1)>"},
	{"a quote that hides the end", MARKUP_STRIP, "<a title='>'>x</a>", "x"},
	{"= begins a name", MARKUP_STRIP, "<a ='>'>x", "'>x"},
	{"a value without quotes", MARKUP_STRIP, "<a b=c'>x", "x"},
	{"references stay", MARKUP_STRIP, "&lt;b&gt; <i>&amp;", "&lt;b&gt; &amp;"},

	{"what is allowed", MARKUP_HTML, "<b>a</b><EM>b</EM><br>c<code>d</code>", "<b>a</b><em>b</em><br>c<code>d</code>"},
	{"no attributes", MARKUP_HTML, "<b onclick=x style='y' class=z>a</b>", "<b>a</b>"},
	{"nothing else", MARKUP_HTML, "<img src=x onerror=alert(1)><form>a<svg onload=x><math><table><td>b", "ab"},
	{"scripts", MARKUP_HTML, "a<script>b</script>c", "ac"},
	{"balanced", MARKUP_HTML, "<b>a<i>b", "<b>a<i>b</i></b>"},
	{"in order", MARKUP_HTML, "<b>a<i>b</b>c</i>", "<b>a<i>b</i></b>c"},
	{"closing what is not open", MARKUP_HTML, "a</b></p></br>c", "ac"},
	{"paragraphs", MARKUP_HTML, "<p>a<p>b<ul><li>c<li>d</ul>", "<p>a</p><p>b</p><ul><li>c</li><li>d</li></ul>"},
	{"an item needs a list", MARKUP_HTML, "<li>a", "a"},
	{"lists in lists", MARKUP_HTML, "<ul><li>a<ol><li>b</ol><li>c</ul>", "<ul><li>a<ol><li>b</li></ol></li><li>c</li></ul>"},
	{"a link", MARKUP_HTML, "<a href=\"https://x.example/?a=1&b=2\" target=_blank onclick=x>y</a>", "<a href=\"https://x.example/?a=1&amp;b=2\" rel=\"noopener noreferrer nofollow\">y</a>"},
	{"a link in a link", MARKUP_HTML, "<a href=http://a>b<a href=http://c>d</a>", "<a href=\"http://a\" rel=\"noopener noreferrer nofollow\">bd</a>"},
	{"mail", MARKUP_HTML, "<a href=' mailto:a@b.example '>c</a>", "<a href=\"mailto:a@b.example\" rel=\"noopener noreferrer nofollow\">c</a>"},
	{"a script's link", MARKUP_HTML, "<a href=javascript:alert(1)>x</a>", "x"},
	{"the second href does not count", MARKUP_HTML, "<a href=javascript:x href=http://a>x</a>", "x"},
	{"nor what only looks like one", MARKUP_HTML, "<a xhref=http://a>x</a>", "x"},
	{"a quote in a URL", MARKUP_HTML, "<a href='http://a/\"><script>'>x</a>", "<a href=\"http://a/&quot;&gt;&lt;script&gt;\" rel=\"noopener noreferrer nofollow\">x</a>"},
	{"text is escaped where it must", MARKUP_HTML, "a < b > c & d &amp; &lt; &#39; &x", "a &lt; b &gt; c &amp; d &amp; &lt; &#39; &amp;x"},
	{"references cannot be assembled", MARKUP_HTML, "&<i></i>lt;script>", "&amp;<i></i>lt;script&gt;"},
	{"a tag without an end", MARKUP_HTML, "x<img src=x onerror=alert(1) ", "x&lt;img src=x onerror=alert(1) "},
	{"mutation by style", MARKUP_HTML, "<svg></p><style><a id=\"</style><img src=1 onerror=alert(1)>\">", "\"&gt;"},
	{"mutation by math", MARKUP_HTML, "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">", ""},
	{"mutation by noscript", MARKUP_HTML, "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">", "\"&gt;"},
	{"mutation by comment", MARKUP_HTML, "<!--><img src=x onerror=alert(1)>-->", "--&gt;"},
	/* clang-format on */
};

static void each_text_becomes_what_it_should(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 4096, 1 << 20);
	EACH_ROW (at, rows) {
		struct slice text = slice_from_cstr(at->text), out;
		enum reason r = markup_apply(at->mode, text, &a, &out);
		ROW_CHECK(at, r == (at->wanted ? REASON_NONE : REASON_MARKUP));
		ROW_EQ(at, out, slice_from_cstr(at->wanted));
		if (at->wanted && strcmp(at->text, at->wanted) == 0)
			ROW_CHECK(at, out.data == text.data);
		check_markup(text, &a);
		arena_reset(&a);
	}
	arena_deinit(&a);
}

static const struct {
	const char *says, *value, *url; /* NULL: none */
} links[] = {
	/* clang-format off */
	{"as it is", "https://a.example/b?c#d", "https://a.example/b?c#d"},
	{"any case", "HTTPS://a", "HTTPS://a"},
	{"blanks around it", "\x01 \thttp://a \x1f", "http://a"},
	{"line breaks in it", "ht\ntp\t:/\r/a", "http://a"},
	{"references", "&#104;ttp&colon;&#x2f;&sol;a&amp;b", "http://a&b"},
	{"a reference made of one", "http://a/&amp;#106;", "http://a/&#106;"},
	{"javascript", "javascript:alert(1)", NULL},
	{"by numbers", "&#106&#x61;vascript:alert(1)", NULL},
	{"with zeros", "&#0000106avascript:alert(1)", NULL},
	{"behind a blank", " javascript:x", NULL},
	{"broken", "java\nscript:x", NULL},
	{"data", "data:text/html,x", NULL},
	{"vbscript", "vbscript:x", NULL},
	{"file", "file:///etc/passwd", NULL},
	{"relative", "/a", NULL},
	{"of the same scheme", "//a", NULL},
	{"no host", "http://", NULL},
	{"slashes the other way", "http:\\\\a", NULL},
	{"a control character in it", "http://a\x01", "http://a"},
	{"really in it", "http://a\x01" "b", NULL},
	{"NUL by number", "http://a&#0;b", NULL},
	{"nothing", "", NULL},
	/* clang-format on */
};

/* Each byte at each place of short and longer texts, beside others: what is looked for sixteen
 * bytes at a time is found one by one here. */
static void every_byte_at_every_place(void **state)
{
	struct arena arena;
	char text[40], wanted[40 * 6];

	(void)state;
	arena_init(&arena, 4096, 4096);
	for (size_t len = 1; len <= sizeof(text); len++) {
		for (size_t at = 0; at < len; at++) {
			for (unsigned byte = 1; byte < 256; byte++) {
				static const char *const of[256] = {
					['&'] = "&amp;", ['<'] = "&lt;",   ['>'] = "&gt;",
					['"'] = "&quot;", ['\''] = "&#39;",
				};
				struct slice out;
				size_t n = 0;
				memset(text, '%', len);
				text[at] = (char)byte;
				text[len - 1 - at] = (char)byte;
				for (size_t i = 0; i < len; i++) {
					const char *e = of[(unsigned char)text[i]];
					size_t bytes = e ? strlen(e) : 1;
					memcpy(wanted + n, e ? e : &text[i], bytes);
					n += bytes;
				}
				arena_reset(&arena);
				assert_int_equal(markup_apply(MARKUP_ESCAPE, slice_of(text, len),
							      &arena, &out),
						 REASON_NONE);
				assert_true(slice_eq(out, slice_of(wanted, n)));
			}
		}
	}
	arena_deinit(&arena);
}

static void links_are_what_browsers_read(void **state)
{
	char room[256];

	(void)state;
	EACH_ROW (at, links)
		ROW_EQ(at, markup_href(slice_from_cstr(at->value), room), slice_from_cstr(at->url));
}

static void depth_is_bounded(void **state)
{
	char text[3 * 200 + 1];
	struct slice out;
	struct arena a;

	(void)state;
	arena_init(&a, 4096, 1 << 20);
	for (int i = 0; i < 100; i++)
		memcpy(text + 6 * i, "<span>", 6);
	assert_int_equal(markup_apply(MARKUP_HTML, slice_of(text, 600), &a, &out), REASON_NONE);
	assert_int_equal(out.len, 32 * strlen("<span></span>"));
	arena_deinit(&a);
}

static void no_room_is_refused(void **state)
{
	static const enum markup_mode modes[] = {MARKUP_ESCAPE, MARKUP_STRIP, MARKUP_HTML};
	struct slice out;
	struct arena a;

	(void)state;
	for (size_t i = 0; i < COUNT(modes); i++) {
		arena_init(&a, 1, 1);
		out = SLICE("stays?");
		assert_int_equal(markup_apply(modes[i], SLICE("<b>x</b>"), &a, &out), REASON_MARKUP);
		assert_int_equal(out.len, 0);
		arena_deinit(&a);
	}
	arena_init(&a, 4096, 4096);
	assert_int_equal(markup_apply((enum markup_mode)77, SLICE("x"), &a, &out), REASON_MARKUP);
	arena_deinit(&a);
}

static void words_are_read_back(void **state)
{
	enum markup_mode mode = MARKUP_HTML, read;

	(void)state;
	for (unsigned i = 0; i <= MARKUP_HTML; i++) {
		assert_true(markup_mode_parse(slice_from_cstr(markup_mode_word((enum markup_mode)i)), &read));
		assert_int_equal(read, i);
	}
	assert_false(markup_mode_parse(SLICE("Escape"), &mode));
	assert_false(markup_mode_parse(SLICE(""), &mode));
	assert_int_equal(mode, MARKUP_HTML);
}

static void every_string_of_the_lists(void **state)
{
	static const char *const folders[] = {"xss", "html-sanitizer", "sqli", "other", "mixed", "benign", "benign-code"};
	size_t seen = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(folders); i++)
		seen += each_string(folders[i], check_markup);
	if (seen == 0)
		skip();
	assert_true(seen > 20000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_text_becomes_what_it_should),
		cmocka_unit_test(every_byte_at_every_place),
		cmocka_unit_test(links_are_what_browsers_read),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(no_room_is_refused),
		cmocka_unit_test(words_are_read_back),
		cmocka_unit_test(every_string_of_the_lists),
	};
	return cmocka_run_group_tests_name("policy/markup", tests, NULL, NULL);
}
