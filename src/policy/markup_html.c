/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The allow-list sanitizer; see markup_html.h.
 *
 * It runs twice over the text: once to count, once to write into exactly that much. What a
 * browser might see differently (SVG, tables, templates, misnested formatting) never comes
 * out, so its parser has nothing to mutate.
 */
#include "policy/markup_html.h"

#include "policy/html.h"

enum {
	VOID = 1,      /* no content, no closing tag */
	BLOCK = 2,     /* closes a paragraph that is open */
	LIST = 4,      /* may hold items */
	NOT_TWICE = 8, /* not inside of itself */
};

static const struct element {
	struct slice name;
	unsigned is;
} elements[] = {
	/* clang-format off */
	{SLICE_INIT("a"), NOT_TWICE}, {SLICE_INIT("b"), NOT_TWICE}, {SLICE_INIT("i"), NOT_TWICE},
	{SLICE_INIT("em"), NOT_TWICE}, {SLICE_INIT("strong"), NOT_TWICE}, {SLICE_INIT("u"), NOT_TWICE},
	{SLICE_INIT("s"), NOT_TWICE}, {SLICE_INIT("del"), NOT_TWICE}, {SLICE_INIT("ins"), NOT_TWICE},
	{SLICE_INIT("code"), NOT_TWICE}, {SLICE_INIT("kbd"), NOT_TWICE}, {SLICE_INIT("mark"), NOT_TWICE},
	{SLICE_INIT("small"), NOT_TWICE}, {SLICE_INIT("sub"), NOT_TWICE}, {SLICE_INIT("sup"), NOT_TWICE},
	{SLICE_INIT("span"), 0}, {SLICE_INIT("br"), VOID},
	{SLICE_INIT("p"), BLOCK}, {SLICE_INIT("pre"), BLOCK | NOT_TWICE}, {SLICE_INIT("blockquote"), BLOCK},
	{SLICE_INIT("ul"), BLOCK | LIST}, {SLICE_INIT("ol"), BLOCK | LIST}, {SLICE_INIT("li"), BLOCK},
	/* clang-format on */
};

enum { OPEN_MAX = 32 }; /* deeper tags are left out */

struct writer {
	char *to; /* NULL while counting */
	size_t len;
	const struct element *open[OPEN_MAX];
	unsigned depth;
};

static const struct element *element_named(struct slice name)
{
	for (size_t i = 0; i < sizeof(elements) / sizeof(elements[0]); i++)
		if (slice_eq_icase(name, elements[i].name))
			return &elements[i];
	return NULL;
}

static void put(struct writer *w, struct slice piece)
{
	if (w->to && piece.len)
		memcpy(w->to + w->len, piece.data, piece.len);
	w->len += piece.len;
}

/* ---- text */

static bool is_alnum(char c)
{
	unsigned char lower = (unsigned char)c | 0x20;

	return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9');
}

/* Whether a whole character reference begins here: &name; or &#1; or &#x1; No name is longer
 * than 32 (CounterClockwiseContourIntegral;). */
static bool is_reference(struct slice s)
{
	size_t at = s.len > 1 && s.data[1] == '#' ? 2 : 1, from = at;

	while (at < s.len && at < from + 32 && is_alnum(s.data[at]))
		at++;
	return at > from && at < s.len && s.data[at] == ';';
}

static void put_text(struct writer *w, struct slice text)
{
	size_t from = 0;

	for (size_t at = 0; at < text.len; at++) {
		struct slice e;
		if (text.data[at] == '<')
			e = SLICE("&lt;");
		else if (text.data[at] == '>')
			e = SLICE("&gt;");
		else if (text.data[at] == '&' && !is_reference(slice_from(text, at)))
			e = SLICE("&amp;");
		else
			continue;
		put(w, slice_of(text.data + from, at - from));
		put(w, e);
		from = at + 1;
	}
	put(w, slice_from(text, from));
}

/* ---- links */

static size_t decode(struct slice value, char *out)
{
	size_t len = 0;

	for (size_t at = 0; at < value.len;) {
		char c = value.data[at];
		size_t used = c == '&' ? html_decode_reference(slice_from(value, at), &c) : 0;
		at += used ? used : 1;
		/* as a URL parser does with them, wherever they stand */
		if (c != '\t' && c != '\n' && c != '\r')
			out[len++] = c;
	}
	return len;
}

static bool is_link(struct slice url)
{
	static const struct slice schemes[] = {SLICE_INIT("https://"), SLICE_INIT("http://"),
					       SLICE_INIT("mailto:")};

	for (size_t i = 0; i < url.len; i++)
		if ((unsigned char)url.data[i] < ' ' || url.data[i] == 0x7f)
			return false;
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (url.len > schemes[i].len &&
		    slice_eq_icase(slice_first(url, schemes[i].len), schemes[i]))
			return true;
	return false;
}

struct slice markup_href(struct slice value, char *out)
{
	struct slice url = slice_of(out, decode(value, out));

	while (url.len && (unsigned char)url.data[0] <= ' ')
		url = slice_from(url, 1);
	while (url.len && (unsigned char)url.data[url.len - 1] <= ' ')
		url.len--;
	return is_link(url) ? url : slice_of(NULL, 0);
}

static void put_link(struct writer *w, struct slice url)
{
	size_t from = 0;

	put(w, SLICE("<a href=\""));
	for (size_t at = 0; at < url.len; at++) {
		struct slice e;
		switch (url.data[at]) {
		case '&':
			e = SLICE("&amp;");
			break;
		case '<':
			e = SLICE("&lt;");
			break;
		case '>':
			e = SLICE("&gt;");
			break;
		case '"':
			e = SLICE("&quot;");
			break;
		default:
			continue;
		}
		put(w, slice_of(url.data + from, at - from));
		put(w, e);
		from = at + 1;
	}
	put(w, slice_from(url, from));
	put(w, SLICE("\" rel=\"noopener noreferrer nofollow\">"));
}

/* ---- the tree */

static bool is_open(const struct writer *w, const struct element *e)
{
	for (unsigned i = 0; i < w->depth; i++)
		if (w->open[i] == e)
			return true;
	return false;
}

static void pop(struct writer *w)
{
	put(w, SLICE("</"));
	put(w, w->open[--w->depth]->name);
	put(w, SLICE(">"));
}

/* Closes the innermost such element with all that is in it, if there is one. */
static void close_element(struct writer *w, const struct element *e)
{
	if (!is_open(w, e))
		return;
	while (w->open[w->depth - 1] != e)
		pop(w);
	pop(w);
}

/* The innermost list is where an item belongs; one that is open there ends. False: no list. */
static bool make_room_for_item(struct writer *w)
{
	unsigned list = w->depth;

	while (list && !(w->open[list - 1]->is & LIST))
		list--;
	if (list == 0)
		return false;
	while (w->depth > list)
		pop(w);
	return true;
}

static void open_element(struct writer *w, const struct html_token *t, char *room)
{
	const struct element *e = element_named(t->name);
	struct slice url = {0};

	if (!e || ((e->is & NOT_TWICE) && is_open(w, e)))
		return;
	bool link = slice_eq(e->name, SLICE("a"));
	if (link) {
		url = markup_href(t->href, room);
		if (url.len == 0)
			return;
	}
	if (slice_eq(e->name, SLICE("li")) && !make_room_for_item(w))
		return;
	if (e->is & BLOCK)
		close_element(w, element_named(SLICE("p")));
	if (w->depth == OPEN_MAX && !(e->is & VOID))
		return;
	if (!(e->is & VOID))
		w->open[w->depth++] = e;
	if (link) {
		put_link(w, url);
		return;
	}
	put(w, SLICE("<"));
	put(w, e->name);
	put(w, SLICE(">"));
}

static void put_token(struct writer *w, const struct html_token *t, char *room)
{
	switch (t->kind) {
	case HTML_TEXT:
	case HTML_UNCLOSED:
		put_text(w, t->text);
		break;
	case HTML_OPEN:
		open_element(w, t, room);
		break;
	case HTML_CLOSE: {
		const struct element *e = element_named(t->name);
		if (e)
			close_element(w, e);
		break;
	}
	case HTML_END:
	case HTML_RAW:
	case HTML_REMARK:
		break;
	}
}

static size_t sanitize(struct slice text, char *to, char *room)
{
	struct html_scan scan = html_scan_init(text);
	struct writer w = {.to = to};
	struct html_token t;

	while ((t = html_next(&scan)).kind != HTML_END)
		put_token(&w, &t, room);
	while (w.depth)
		pop(&w);
	return w.len;
}

static bool is_plain(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] == '<' || text.data[i] == '>' || text.data[i] == '&')
			return false;
	return true;
}

bool markup_html(struct slice text, struct arena *arena, struct slice *out)
{
	*out = text;
	if (is_plain(text))
		return true;
	char *room = arena_alloc(arena, text.len); /* for the longest URL */
	if (!room)
		return false;
	size_t len = sanitize(text, NULL, room);
	char *to = arena_alloc(arena, len + !len);
	if (!to)
		return false;
	sanitize(text, to, room);
	/* what it would not change is passed on as it came, byte for byte */
	*out = len == text.len && memcmp(to, text.data, len) == 0 ? text : slice_of(to, len);
	return true;
}
