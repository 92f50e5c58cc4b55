/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * HTML -> tokens, as the WHATWG tokenizer sees the content of an element.
 *
 * Follows sections 13.2.5.1 to 13.2.5.79 of the HTML standard where they decide what is a tag,
 * what a comment and where it ends; elements whose content is no markup (script, style, ...)
 * come with that content as one token. It keeps no tree and knows nothing of SVG: whoever
 * uses it writes only what he knows to be harmless in any context, so that a browser's other
 * opinion about what was left out does not matter. Nothing is copied; one pass.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

enum html_kind {
	HTML_END = 0,  /* of the text */
	HTML_TEXT,     /* character data; may hold '<' that begin nothing */
	HTML_OPEN,     /* <name ...> */
	HTML_CLOSE,    /* </name ...> */
	HTML_RAW,      /* the content behind such an opening tag, up to its closing tag */
	HTML_REMARK,   /* comment, doctype, <?...>, </> and other bogus comments */
	HTML_UNCLOSED, /* a tag that the text's end cuts off; the rest of the text */
};

struct html_token {
	enum html_kind kind;
	struct slice text; /* the whole token as written */
	struct slice name; /* OPEN, CLOSE: of the element, in the case it was written in */
	struct slice href; /* OPEN, CLOSE: the first attribute of that name, not decoded */
	bool has_href;
	bool has_handler; /* an attribute whose name begins with "on" */
};

struct html_scan {
	struct slice text;
	size_t at;
	struct slice raw; /* the element whose raw content comes next */
};

static inline struct html_scan html_scan_init(struct slice text)
{
	return (struct html_scan){.text = text};
}

/* The next token; its slices point into the text. */
struct html_token html_next(struct html_scan *s);

/* Whether '<' with that byte behind it begins a tag or a comment. */
static inline bool html_opens(char next)
{
	unsigned char lower = (unsigned char)next | 0x20;

	return (lower >= 'a' && lower <= 'z') || next == '/' || next == '!' || next == '?';
}

/* The character reference whose '&' is at the front: its length, or 0 for one that is not
 * decoded. Those that stand for ASCII are: numbers, with or without ';', and the names of
 * the marks that URLs, tags and scripts are made of. */
size_t html_decode_reference(struct slice s, char *means);
