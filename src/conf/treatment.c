/* SPDX-License-Identifier: Apache-2.0 */
/* The words of `text`, `detect` and `redact`; see treatment.h. */
#include "conf/treatment.h"

struct word {
	unsigned value;
	struct slice word;
};

static const struct word modes[] = {
	{MARKUP_REFUSE, SLICE_INIT("refuse")},
	{MARKUP_ESCAPE, SLICE_INIT("escape")},
	{MARKUP_STRIP, SLICE_INIT("strip")},
	{MARKUP_HTML, SLICE_INIT("html")},
};

static const struct word detects[DETECT_KINDS] = {
	{DETECT_SQLI, SLICE_INIT("sqli")},
	{DETECT_XSS, SLICE_INIT("xss")},
};

static const struct word redacts[REDACT_KINDS] = {
	{REDACT_CARD, SLICE_INIT("card")},
	{REDACT_EMAIL, SLICE_INIT("email")},
	{REDACT_SECRET, SLICE_INIT("secret")},
	{REDACT_PRIVATE_IP, SLICE_INIT("private_ip")},
	{REDACT_STACK_TRACE, SLICE_INIT("stack_trace")},
};

enum { MODES = sizeof(modes) / sizeof(modes[0]) };

static const struct word *by_word(const struct word *words, size_t count, struct slice word)
{
	for (size_t i = 0; i < count; i++)
		if (slice_eq(words[i].word, word))
			return &words[i];
	return NULL;
}

static const char *by_value(const struct word *words, size_t count, unsigned value)
{
	for (size_t i = 0; i < count; i++)
		if (words[i].value == value)
			return words[i].word.data;
	return "none";
}

bool markup_mode_parse(struct slice word, enum markup_mode *mode)
{
	const struct word *w = by_word(modes, MODES, word);

	if (w)
		*mode = (enum markup_mode)w->value;
	return w != NULL;
}

const char *markup_mode_word(enum markup_mode mode)
{
	return by_value(modes, MODES, mode);
}

unsigned detect_kind_parse(struct slice word)
{
	const struct word *w = by_word(detects, DETECT_KINDS, word);

	return w ? w->value : 0;
}

const char *detect_kind_word(unsigned kind)
{
	return by_value(detects, DETECT_KINDS, kind);
}

bool detect_available(void)
{
	return SALLYPORT_INJECTION;
}

unsigned redact_kind_parse(struct slice word)
{
	const struct word *w = by_word(redacts, REDACT_KINDS, word);

	return w ? w->value : 0;
}

const char *redact_kind_word(unsigned kind)
{
	return by_value(redacts, REDACT_KINDS, kind);
}
