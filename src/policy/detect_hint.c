/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of our own beside libinjection; see detect_hint.h. */
#include "policy/detect_hint.h"

#include "policy/html.h"

static bool is_letter(char c)
{
	unsigned char lower = (unsigned char)c | 0x20;

	return lower >= 'a' && lower <= 'z';
}

static bool is_word(char c)
{
	return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
	       (unsigned char)c >= 0x80;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v' ||
	       c == '\0';
}

static bool is_quote(char c)
{
	return c == '\'' || c == '"' || c == '`';
}

static size_t skip_blanks(struct slice s, size_t at)
{
	while (at < s.len && is_blank(s.data[at]))
		at++;
	return at;
}

static struct slice word_at(struct slice s, size_t at)
{
	size_t end = at;

	while (end < s.len && is_word(s.data[end]))
		end++;
	return slice_of(s.data + at, end - at);
}

static bool is_one_of(struct slice word, const struct slice *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (slice_eq_icase(word, list[i]))
			return true;
	return false;
}

#define IS_ONE_OF(word, list) is_one_of((word), (list), sizeof(list) / sizeof((list)[0]))

/* ---- xss */

/* Elements that run, load or redirect by being there. */
static bool acts(struct slice name)
{
	static const struct slice names[] = {
		SLICE_INIT("script"), SLICE_INIT("iframe"), SLICE_INIT("object"),
		SLICE_INIT("embed"),  SLICE_INIT("applet"), SLICE_INIT("base"),
		SLICE_INIT("svg"),    SLICE_INIT("math"),   SLICE_INIT("meta"),
	};

	return IS_ONE_OF(name, names);
}

/* javascript: or vbscript: with something that is called or set; blanks and control
 * characters before and inside of the scheme do not count (URL standard, 4.4). */
static bool is_script_url(struct slice text)
{
	static const struct slice schemes[] = {SLICE_INIT("javascript:"), SLICE_INIT("vbscript:")};
	char head[16];
	size_t len = 0, at = 0;

	while (at < text.len && (unsigned char)text.data[at] <= ' ')
		at++;
	for (; at < text.len && len < sizeof(head); at++) {
		if (text.data[at] != '\t' && text.data[at] != '\n' && text.data[at] != '\r')
			head[len++] = text.data[at];
		if (text.data[at] == ':')
			break;
	}
	if (!is_one_of(slice_of(head, len), schemes, 2))
		return false;
	for (; at < text.len; at++)
		if (text.data[at] == '(' || text.data[at] == '`' || text.data[at] == '=' ||
		    text.data[at] == '%')
			return true;
	return false;
}

static bool has_acting_tag(struct slice text)
{
	struct html_scan scan = html_scan_init(text);
	struct html_token t;

	while ((t = html_next(&scan)).kind != HTML_END)
		if (t.kind == HTML_OPEN &&
		    (t.has_handler || acts(t.name) || (t.has_href && is_script_url(t.href))))
			return true;
	return false;
}

/* '-alert(1)-' and ";prompt`1`//: behind a quote and a few marks, a call of what attacks
 * call. Far into a string only the words count that ordinary programs do not need. */
static bool calls_out(struct slice behind, bool early)
{
	static const struct slice sinks[] = {
		SLICE_INIT("alert"),    SLICE_INIT("prompt"), SLICE_INIT("confirm"),
		SLICE_INIT("eval"),     SLICE_INIT("print"),  SLICE_INIT("Function"),
		SLICE_INIT("document"), SLICE_INIT("window"), SLICE_INIT("location"),
		SLICE_INIT("self"),     SLICE_INIT("top"),    SLICE_INIT("globalThis"),
		SLICE_INIT("import"),   SLICE_INIT("fetch"),  SLICE_INIT("setTimeout"),
	};
	size_t at = 0;

	while (at < behind.len && at < 8 && !is_word(behind.data[at]) && !is_quote(behind.data[at]))
		at++;
	if (at == 0 || (behind.data[0] == ' ' && at == 1))
		return false;
	struct slice word = word_at(slice_first(behind, at + 16), at);
	if (!is_one_of(word, sinks, early ? sizeof(sinks) / sizeof(sinks[0]) : 4))
		return false;
	at += word.len;
	return at < behind.len && (behind.data[at] == '(' || behind.data[at] == '`' ||
				   behind.data[at] == '[' || behind.data[at] == '.');
}

static bool breaks_out(struct slice text)
{
	for (size_t at = 0; at < text.len; at++)
		if (is_quote(text.data[at]) && calls_out(slice_from(text, at + 1), at < 64))
			return true;
	return false;
}

bool detect_hint_xss(struct slice text)
{
	return is_script_url(text) || has_acting_tag(text) || breaks_out(text);
}

/* ---- sqli */

/* A quote that stands inside of a word is an apostrophe. */
static bool is_apostrophe(struct slice s, size_t at)
{
	return s.data[at] == '\'' && at > 0 && is_letter(s.data[at - 1]) && at + 1 < s.len &&
	       is_letter(s.data[at + 1]);
}

/* Words that continue a condition and nothing people write behind a closing quote. */
static bool continues_condition(struct slice word)
{
	static const struct slice words[] = {
		SLICE_INIT("notnull"), SLICE_INIT("isnull"),  SLICE_INIT("collate"),
		SLICE_INIT("glob"),    SLICE_INIT("rlike"),   SLICE_INIT("regexp"),
		SLICE_INIT("similar"), SLICE_INIT("waitfor"),
	};

	return IS_ONE_OF(word, words);
}

/* Words that join a condition to the one before, when a comment ends it all. */
static bool joins(struct slice word)
{
	static const struct slice words[] = {
		SLICE_INIT("or"),  SLICE_INIT("and"),   SLICE_INIT("not"),     SLICE_INIT("like"),
		SLICE_INIT("xor"), SLICE_INIT("union"), SLICE_INIT("having"),  SLICE_INIT("order"),
		SLICE_INIT("is"),  SLICE_INIT("in"),    SLICE_INIT("between"), SLICE_INIT("limit"),
	};

	return IS_ONE_OF(word, words);
}

static bool begins_statement(struct slice word)
{
	static const struct slice words[] = {
		SLICE_INIT("select"),  SLICE_INIT("insert"),  SLICE_INIT("update"),
		SLICE_INIT("delete"),  SLICE_INIT("drop"),    SLICE_INIT("exec"),
		SLICE_INIT("execute"), SLICE_INIT("declare"), SLICE_INIT("shutdown"),
		SLICE_INIT("alter"),   SLICE_INIT("create"),  SLICE_INIT("truncate"),
		SLICE_INIT("waitfor"), SLICE_INIT("merge"),   SLICE_INIT("grant"),
	};

	return IS_ONE_OF(word, words);
}

static bool ends_in_comment(struct slice s)
{
	while (s.len && is_blank(s.data[s.len - 1]))
		s.len--;
	return slice_ends_with(s, SLICE("--")) || slice_ends_with(s, SLICE("#"));
}

/* The first quote that is no apostrophe, or the text's length. */
static size_t first_quote(struct slice s)
{
	size_t at = 0;

	while (at < s.len && !(is_quote(s.data[at]) && !is_apostrophe(s, at)))
		at++;
	return at;
}

/* Short before the quote, and what is behind it ends as only a query does. */
static bool leaves_string(struct slice text)
{
	size_t at = first_quote(text);

	if (at >= text.len || at > 64)
		return false;
	struct slice behind = slice_from(text, at + 1);
	size_t next = skip_blanks(behind, 0);
	if (next >= behind.len)
		return false;
	if (continues_condition(word_at(behind, next)))
		return true;
	struct slice tail = slice_from(behind, next);
	bool odd = true;
	for (size_t i = 0; i < tail.len; i++)
		odd ^= tail.data[i] == text.data[at] && !is_apostrophe(tail, i);
	if (tail.data[0] == ';' && begins_statement(word_at(tail, skip_blanks(tail, 1))))
		return true;
	return odd && ends_in_comment(tail) && (!is_word(tail.data[0]) || joins(word_at(tail, 0)));
}

/* Calls and statements that reach out of the database. */
static bool reaches_out(struct slice text)
{
	static const struct slice calls[] = {
		SLICE_INIT("load_file"),  SLICE_INIT("lo_import"),
		SLICE_INIT("lo_export"),  SLICE_INIT("xp_cmdshell"),
		SLICE_INIT("xp_regread"), SLICE_INIT("xp_dirtree"),
		SLICE_INIT("pg_sleep"),   SLICE_INIT("dbms_pipe"),
		SLICE_INIT("utl_http"),   SLICE_INIT("extractvalue"),
		SLICE_INIT("updatexml"),  SLICE_INIT("pg_read_file"),
		SLICE_INIT("utl_inaddr"), SLICE_INIT("load_extension"),
		SLICE_INIT("lo_get"),
	};

	for (size_t at = 0; at < text.len;) {
		struct slice word = word_at(text, at);
		if (word.len == 0) {
			at++;
			continue;
		}
		at = skip_blanks(text, at + word.len);
		if (slice_eq_icase(word, SLICE("waitfor")) &&
		    slice_eq_icase(word_at(text, at), SLICE("delay")))
			return true;
		bool called = at < text.len && (text.data[at] == '(' || text.data[at] == '.');
		if ((called || slice_eq_icase(slice_first(word, 3), SLICE("xp_"))) &&
		    IS_ONE_OF(word, calls))
			return true;
	}
	return false;
}

bool detect_hint_sqli(struct slice text)
{
	return leaves_string(text) || reaches_out(text);
}

/* ---- prose */

/* Words of three letters and more with a blank on either side. */
static unsigned count_words(struct slice s)
{
	unsigned words = 0;
	size_t run = 0;

	for (size_t at = 0; at <= s.len; at++) {
		if (at < s.len && is_letter(s.data[at])) {
			run++;
			continue;
		}
		words += run >= 3;
		run = 0;
	}
	return words;
}

static bool has_mark(struct slice s)
{
	for (size_t at = 0; at < s.len; at++)
		if (strchr("'\"`;()=<>*/#@,|&", s.data[at]))
			return true;
	return false;
}

bool detect_hint_prose(struct slice text, const char *fingerprint)
{
	struct slice f = slice_from_cstr(fingerprint);

	/* 'x' <operator> 'y' and no more: nobody is harmed by a sentence of that form */
	if (slice_eq(f, SLICE("sos")) || slice_eq(f, SLICE("s&s")))
		return count_words(text) >= 5;
	/* 11 alter at ...: a statement of words alone, where a query would have marks */
	if (slice_starts_with(f, SLICE("nT")))
		return count_words(text) >= 3 && !has_mark(text);
	return false;
}
