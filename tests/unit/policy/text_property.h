/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What holds for every text that the text rules let through: for unit tests and fuzzing. Each
 * function returns NULL, or what was broken.
 */
#include "policy/detect.h"
#include "policy/html.h"
#include "policy/markup.h"
#include "policy/redact.h"

static inline bool property_unescapes(struct slice coded, struct slice text)
{
	static const struct {
		struct slice code;
		char c;
	} codes[] = {{SLICE_INIT("&amp;"), '&'}, {SLICE_INIT("&lt;"), '<'}, {SLICE_INIT("&gt;"), '>'},
		     {SLICE_INIT("&quot;"), '"'}, {SLICE_INIT("&#39;"), '\''}};
	size_t at = 0;

	for (size_t i = 0; i < text.len; i++) {
		size_t code = 0;
		while (code < 5 && codes[code].c != text.data[i])
			code++;
		struct slice want = code < 5 ? codes[code].code : slice_of(text.data + i, 1);
		if (!slice_starts_with(slice_from(coded, at), want))
			return false;
		at += want.len;
	}
	return at == coded.len;
}

/* Only tags as `html` writes them, every one closed in order. */
static inline const char *property_html(struct slice html)
{
	static const char *const names[] = {"a", "b", "i", "em", "strong", "u", "s", "del", "ins", "code", "kbd", "mark", "small",
					    "sub", "sup", "span", "br", "p", "pre", "blockquote", "ul", "ol", "li"};
	struct slice open[64];
	size_t depth = 0;
	struct html_scan scan = html_scan_init(html);
	struct html_token t;

	while ((t = html_next(&scan)).kind != HTML_END) {
		if (t.kind == HTML_TEXT && slice_index(t.text, '<') < t.text.len)
			return "a < in the text";
		if (t.kind == HTML_TEXT)
			continue;
		if (t.kind != HTML_OPEN && t.kind != HTML_CLOSE)
			return "neither text nor tag";
		size_t i = 0;
		while (i < sizeof(names) / sizeof(names[0]) && !slice_eq(t.name, slice_from_cstr(names[i])))
			i++;
		if (i == sizeof(names) / sizeof(names[0]))
			return "an element that is not allowed";
		if (t.kind == HTML_CLOSE) {
			if (depth == 0 || !slice_eq(open[--depth], t.name) || t.text.len != t.name.len + 3)
				return "not balanced";
			continue;
		}
		if (t.has_handler || t.has_href != slice_eq(t.name, SLICE("a")))
			return "an attribute that is not allowed";
		if (!t.has_href && t.text.len != t.name.len + 2)
			return "an attribute";
		if (t.has_href && !slice_starts_with(t.text, SLICE("<a href=\"")))
			return "a link that was not rebuilt";
		if (!slice_eq(t.name, SLICE("br"))) {
			if (depth == 64)
				return "too deep";
			open[depth++] = t.name;
		}
	}
	return depth ? "not closed" : NULL;
}

static inline const char *property_markup(struct slice text, struct arena *a)
{
	struct slice out, again;

	if (markup_apply(MARKUP_ESCAPE, text, a, &out))
		return "escape refuses";
	if (!property_unescapes(out, text))
		return "escape does not read back";
	if (out.len > text.len * 6)
		return "escape is too long";
	bool refused = markup_apply(MARKUP_REFUSE, text, a, &out) != REASON_NONE;
	if (refused != markup_present(text))
		return "refuse and markup_present differ";
	struct html_scan scan = html_scan_init(text);
	struct html_token t = html_next(&scan);
	if (t.kind == HTML_TEXT && t.text.len == text.len && refused)
		return "refuse refuses text";
	if ((t.kind != HTML_TEXT && t.kind != HTML_END) != (refused && t.text.data == text.data && t.kind != HTML_TEXT))
		return "refuse lets a tag through";

	if (markup_apply(MARKUP_STRIP, text, a, &out))
		return "strip refuses";
	if (markup_present(out))
		return "strip leaves markup";
	if (out.len > text.len || (!refused && out.data != text.data))
		return "strip adds";
	if (markup_apply(MARKUP_STRIP, out, a, &again) || again.data != out.data)
		return "strip is not idempotent";

	if (markup_apply(MARKUP_HTML, text, a, &out))
		return "html refuses";
	const char *broken = property_html(out);
	if (broken)
		return broken;
	if (out.len > text.len * 6)
		return "html is too long";
	if (markup_apply(MARKUP_HTML, out, a, &again) || !slice_eq(again, out))
		return "html is not idempotent";
	return NULL;
}

static inline const char *property_redact(struct slice text, struct arena *a)
{
	struct slice out, again;
	unsigned found, left;

	if (!redact_apply((1u << REDACT_KINDS) - 1, text, a, &out, &found))
		return "no room";
	if ((found == 0) != (out.data == text.data))
		return "found and changed differ";
	if (!redact_apply(found, out, a, &again, &left))
		return "no room";
	if (again.len < out.len / 2)
		return "redacting again takes half of it away";
	return NULL;
}
