/* SPDX-License-Identifier: Apache-2.0 */
/* Markup in strings: escape, strip, refuse; see markup.h. `html` is markup_html.c. */
#include "policy/markup.h"

#include "policy/html.h"
#include "policy/markup_html.h"

bool markup_present(struct slice text)
{
	struct slice rest = text;

	for (;;) {
		size_t at = slice_index(rest, '<');
		if (at + 1 >= rest.len)
			return false;
		if (html_opens(rest.data[at + 1]))
			return true;
		rest = slice_from(rest, at + 1);
	}
}

/* ---- escape */

static struct slice escaped(char c)
{
	switch (c) {
	case '&':
		return SLICE("&amp;");
	case '<':
		return SLICE("&lt;");
	case '>':
		return SLICE("&gt;");
	case '"':
		return SLICE("&quot;");
	case '\'':
		return SLICE("&#39;");
	default:
		return slice_of(NULL, 0);
	}
}

static bool escape(struct slice text, struct arena *arena, struct slice *out)
{
	size_t len = 0;

	for (size_t i = 0; i < text.len; i++) {
		struct slice e = escaped(text.data[i]);
		len += e.len ? e.len : 1;
	}
	*out = text;
	if (len == text.len)
		return true;
	char *to = arena_alloc(arena, len);
	*out = slice_of(to, to ? len : 0);
	if (!to)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		struct slice e = escaped(text.data[i]);
		if (e.len == 0)
			*to++ = text.data[i];
		else
			to = (char *)memcpy(to, e.data, e.len) + e.len;
	}
	return true;
}

/* ---- strip */

/* Room is that of the text that came, and what is written was part of it. */
struct stripped {
	char *to;
	size_t len;
};

static void append(struct stripped *s, struct slice piece)
{
	if (piece.len == 0)
		return;
	/* "<" and "b>" around something that was removed */
	if (html_opens(piece.data[0]))
		while (s->len && s->to[s->len - 1] == '<')
			s->len--;
	memcpy(s->to + s->len, piece.data, piece.len);
	s->len += piece.len;
}

/* A tag without an end is more often a comparison than a tag: the words stay. */
static void append_unclosed(struct stripped *s, struct slice piece)
{
	while (piece.len) {
		size_t at = slice_index(piece, '<');
		append(s, slice_first(piece, at));
		piece = slice_from(piece, at + 1);
	}
}

static bool strip(struct slice text, struct arena *arena, struct slice *out)
{
	struct html_scan scan = html_scan_init(text);
	struct html_token t;

	*out = text;
	if (!markup_present(text))
		return true;
	struct stripped s = {.to = arena_alloc(arena, text.len)};
	*out = slice_of(NULL, 0);
	if (!s.to)
		return false;
	while ((t = html_next(&scan)).kind != HTML_END) {
		if (t.kind == HTML_TEXT)
			append(&s, t.text);
		else if (t.kind == HTML_UNCLOSED)
			append_unclosed(&s, t.text);
	}
	*out = slice_of(s.to, s.len);
	return !markup_present(*out);
}

/* ---- */

static bool rewrite(enum markup_mode mode, struct slice text, struct arena *arena,
		    struct slice *out)
{
	switch (mode) {
	case MARKUP_REFUSE:
		*out = text;
		return !markup_present(text);
	case MARKUP_ESCAPE:
		return escape(text, arena, out);
	case MARKUP_STRIP:
		return strip(text, arena, out);
	case MARKUP_HTML:
		return markup_html(text, arena, out);
	}
	return false;
}

enum reason markup_apply(enum markup_mode mode, struct slice text, struct arena *arena,
			 struct slice *out)
{
	if (rewrite(mode, text, arena, out))
		return REASON_NONE;
	*out = slice_of(NULL, 0);
	return REASON_MARKUP;
}
