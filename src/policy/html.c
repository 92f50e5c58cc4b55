/* SPDX-License-Identifier: Apache-2.0 */
/* The HTML tokenizer; see html.h. */
#include "policy/html.h"

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

static bool is_letter(char c)
{
	unsigned char lower = (unsigned char)c | 0x20;

	return lower >= 'a' && lower <= 'z';
}

/* Elements whose content the tokenizer does not read as markup. noscript is one where scripts
 * run, which is where it matters. */
static bool is_raw(struct slice name)
{
	static const struct slice raw[] = {
		SLICE_INIT("script"),    SLICE_INIT("style"),    SLICE_INIT("iframe"),
		SLICE_INIT("noscript"),  SLICE_INIT("noembed"),  SLICE_INIT("noframes"),
		SLICE_INIT("xmp"),       SLICE_INIT("textarea"), SLICE_INIT("title"),
		SLICE_INIT("plaintext"),
	};

	for (size_t i = 0; i < sizeof(raw) / sizeof(raw[0]); i++)
		if (slice_eq_icase(name, raw[i]))
			return true;
	return false;
}

static size_t find(struct slice s, size_t from, char c)
{
	const char *found = from < s.len ? memchr(s.data + from, c, s.len - from) : NULL;

	return found ? (size_t)(found - s.data) : s.len;
}

static char byte_at(struct slice s, size_t at)
{
	return at < s.len ? s.data[at] : '\0';
}

static struct html_token take(struct html_scan *s, enum html_kind kind, size_t end)
{
	struct html_token t = {.kind = kind, .text = slice_of(s->text.data + s->at, end - s->at)};

	s->at = end;
	return t;
}

/* 13.2.5.43 and on: where the comment whose text begins at `at` has ended. */
static size_t comment_end(struct slice s, size_t at)
{
	if (byte_at(s, at) == '>')
		return at + 1;
	if (byte_at(s, at) == '-' && byte_at(s, at + 1) == '>')
		return at + 2;
	for (; (at = find(s, at, '-')) < s.len; at++) {
		if (byte_at(s, at + 1) != '-')
			continue;
		if (byte_at(s, at + 2) == '>')
			return at + 3;
		if (byte_at(s, at + 2) == '!' && byte_at(s, at + 3) == '>')
			return at + 4;
	}
	return s.len;
}

static size_t bogus_end(struct slice s, size_t at)
{
	size_t end = find(s, at, '>');

	return end < s.len ? end + 1 : end;
}

static size_t skip_space(struct slice s, size_t at)
{
	while (at < s.len && is_space(s.data[at]))
		at++;
	return at;
}

/* 13.2.5.36 to 38: the value that begins at `at`; returns what is behind it. */
static size_t scan_value(struct slice s, size_t at, struct slice *value)
{
	char quote = byte_at(s, at);
	size_t from = at, end;

	if (quote == '"' || quote == '\'') {
		end = find(s, ++from, quote);
		*value = slice_of(s.data + from, end - from);
		return end < s.len ? end + 1 : end;
	}
	for (end = at; end < s.len && !is_space(s.data[end]) && s.data[end] != '>'; end++)
		continue;
	*value = slice_of(s.data + from, end - from);
	return end;
}

/* 13.2.5.32 to 40: one attribute, which begins at `at` with something that is neither white
 * space nor '/' nor '>'; a '=' there is part of the name. */
static size_t scan_attribute(struct slice s, size_t at, struct html_token *t)
{
	size_t from = at++;
	struct slice value = {0};

	while (at < s.len && !is_space(s.data[at]) && s.data[at] != '/' && s.data[at] != '>' &&
	       s.data[at] != '=')
		at++;
	struct slice name = slice_of(s.data + from, at - from);
	size_t behind = skip_space(s, at);
	if (byte_at(s, behind) == '=') {
		at = skip_space(s, behind + 1);
		if (byte_at(s, at) != '>') /* else: an empty value, and the tag ends */
			at = scan_value(s, at, &value);
	}
	if (name.len > 2 && slice_eq_icase(slice_first(name, 2), SLICE("on")))
		t->has_handler = true;
	if (!t->has_href && slice_eq_icase(name, SLICE("href"))) {
		t->has_href = true;
		t->href = value;
	}
	return at;
}

/* The tag whose name begins at `at`. */
static struct html_token take_tag(struct html_scan *s, enum html_kind kind, size_t at)
{
	struct slice text = s->text;
	struct html_token t = {0};
	size_t from = at;

	while (at < text.len && !is_space(text.data[at]) && text.data[at] != '/' &&
	       text.data[at] != '>')
		at++;
	t.name = slice_of(text.data + from, at - from);
	while (at < text.len && text.data[at] != '>') {
		if (is_space(text.data[at]) || text.data[at] == '/')
			at++;
		else
			at = scan_attribute(text, at, &t);
	}
	if (at >= text.len)
		return take(s, HTML_UNCLOSED, text.len);
	struct html_token whole = take(s, kind, at + 1);
	t.kind = kind;
	t.text = whole.text;
	if (kind == HTML_OPEN && is_raw(t.name))
		s->raw = t.name;
	return t;
}

/* Up to </name followed by what ends a name, or to the text's end. */
static size_t raw_end(struct slice s, size_t at, struct slice name)
{
	if (slice_eq_icase(name, SLICE("plaintext")))
		return s.len;
	for (; (at = find(s, at, '<')) < s.len; at++) {
		if (byte_at(s, at + 1) != '/')
			continue;
		size_t end = at + 2 + name.len;
		if (end > s.len || !slice_eq_icase(slice_of(s.data + at + 2, name.len), name))
			continue;
		if (end == s.len || is_space(s.data[end]) || s.data[end] == '/' ||
		    s.data[end] == '>')
			return at;
	}
	return s.len;
}

/* Up to the next '<' that begins something. */
static size_t text_end(struct slice s, size_t at)
{
	while ((at = find(s, at, '<')) < s.len) {
		if (at + 1 < s.len && html_opens(s.data[at + 1]))
			return at;
		at++;
	}
	return s.len;
}

struct html_token html_next(struct html_scan *s)
{
	struct slice text = s->text;
	size_t at = s->at;

	if (s->raw.len) {
		size_t end = raw_end(text, at, s->raw);
		s->raw = (struct slice){0};
		if (end > at)
			return take(s, HTML_RAW, end);
	}
	if (at >= text.len)
		return (struct html_token){.kind = HTML_END};
	size_t end = text_end(text, at);
	if (end > at)
		return take(s, HTML_TEXT, end);

	char next = text.data[at + 1];
	if (is_letter(next))
		return take_tag(s, HTML_OPEN, at + 1);
	if (next == '/' && is_letter(byte_at(text, at + 2)))
		return take_tag(s, HTML_CLOSE, at + 2);
	if (next == '!' && byte_at(text, at + 2) == '-' && byte_at(text, at + 3) == '-')
		return take(s, HTML_REMARK, comment_end(text, at + 4));
	/* <!doctype, <![CDATA[ (which HTML does not have), <?...>, </3>: to the next '>' */
	return take(s, HTML_REMARK, bogus_end(text, at + 2));
}

/* ---- character references */

static const struct {
	struct slice name;
	char means;
} named[] = {
	/* clang-format off */
	{SLICE_INIT("amp;"), '&'}, {SLICE_INIT("lt;"), '<'}, {SLICE_INIT("gt;"), '>'},
	{SLICE_INIT("quot;"), '"'}, {SLICE_INIT("apos;"), '\''}, {SLICE_INIT("colon;"), ':'},
	{SLICE_INIT("sol;"), '/'}, {SLICE_INIT("Tab;"), '\t'}, {SLICE_INIT("NewLine;"), '\n'},
	{SLICE_INIT("quest;"), '?'}, {SLICE_INIT("equals;"), '='}, {SLICE_INIT("num;"), '#'},
	{SLICE_INIT("period;"), '.'}, {SLICE_INIT("percnt;"), '%'}, {SLICE_INIT("commat;"), '@'},
	{SLICE_INIT("lpar;"), '('}, {SLICE_INIT("rpar;"), ')'}, {SLICE_INIT("grave;"), '`'},
	{SLICE_INIT("semi;"), ';'}, {SLICE_INIT("excl;"), '!'}, {SLICE_INIT("plus;"), '+'},
	{SLICE_INIT("bsol;"), '\\'}, {SLICE_INIT("comma;"), ','}, {SLICE_INIT("lsqb;"), '['},
	{SLICE_INIT("LT;"), '<'}, {SLICE_INIT("GT;"), '>'}, {SLICE_INIT("QUOT;"), '"'},
	/* clang-format on */
};

size_t html_decode_reference(struct slice s, char *means)
{
	unsigned base = 10, value = 0;
	size_t at = 2, from;

	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
		if (slice_starts_with(slice_from(s, 1), named[i].name)) {
			*means = named[i].means;
			return named[i].name.len + 1;
		}
	}
	if (s.len < 3 || s.data[1] != '#')
		return 0;
	if ((s.data[2] | 0x20) == 'x') {
		base = 16;
		at = 3;
	}
	for (from = at; at < s.len; at++) {
		char c = (char)(s.data[at] | 0x20);
		unsigned digit = s.data[at] >= '0' && s.data[at] <= '9'
					 ? (unsigned)(s.data[at] - '0')
				 : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
							: 16;
		if (digit >= base)
			break;
		value = value > 0xffff ? value : value * base + digit;
	}
	if (at == from || value > 0x7f)
		return 0;
	*means = (char)value;
	return at + (at < s.len && s.data[at] == ';');
}
