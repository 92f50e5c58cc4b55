/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The words for what a rule does to strings: `text`, `detect`, `redact`. The words are the
 * configuration's, so they live here; what they mean is in policy/{markup,detect,redact}.h.
 */
#include <stdbool.h>

#include "base/slice.h"

enum markup_mode {
	MARKUP_REFUSE = 0,
	MARKUP_ESCAPE,
	MARKUP_STRIP,
	MARKUP_HTML,
};

/* By its word; false for a word that is none. */
bool markup_mode_parse(struct slice word, enum markup_mode *mode)
	__attribute__((warn_unused_result));

/* The word of a mode. */
const char *markup_mode_word(enum markup_mode mode);

enum detect_kind {
	DETECT_SQLI = 1,
	DETECT_XSS = 2,
	DETECT_KINDS = 2, /* how many there are */
};

/* The kind of that word, or 0; the word of one kind. */
unsigned detect_kind_parse(struct slice word);
const char *detect_kind_word(unsigned kind);

/* False when this build has no libinjection: then `detect` is an error in a configuration, and
 * detect_find finds everything everywhere. */
bool detect_available(void);

enum redact_kind {
	REDACT_CARD = 1,
	REDACT_EMAIL = 2,
	REDACT_SECRET = 4,
	REDACT_PRIVATE_IP = 8,
	REDACT_STACK_TRACE = 16,
	REDACT_KINDS = 5, /* how many there are */
};

/* The kind of that word, or 0; the word of one kind. */
unsigned redact_kind_parse(struct slice word);
const char *redact_kind_word(unsigned kind);
