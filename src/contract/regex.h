/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Regular expressions as ECMA-262 means them (with the u flag), run by PCRE2 under bounds.
 *
 * A pattern is read by our own parser first: what ECMA-262 does not know is refused (\A, \Z,
 * (?i), (?P<n>...), possessive quantifiers, ...), the rest is written anew so that PCRE2 cannot
 * mean anything else by it (\d, \w, \s, the dot, \cX, \u{...}, named groups, empty classes).
 * Escaping ASCII punctuation is always allowed, as in patterns without the u flag.
 *
 * Matching is bounded in steps, depth and memory; the longer the text, the fewer steps, because
 * one step can walk over all of it.
 */
#include <stdbool.h>

#include "base/arena.h"
#include "base/slice.h"

enum { REGEX_PATTERN_MAX = 4096, REGEX_GROUPS_MAX = 200, REGEX_NESTING_MAX = 64 };

enum regex_result {
	REGEX_NO = 0,
	REGEX_YES,
	REGEX_BOUND, /* a bound was hit, or the text is not UTF-8: refuse, whatever is asked */
};

struct regex;
struct regex_room;

/* Lives in the arena. NULL with *why (a static sentence, or one in the arena) if the pattern is
 * refused or memory is used up. */
const struct regex *regex_compile(struct slice pattern, struct arena *arena, const char **why);

/* Is it a pattern at all: `format: regex`. */
bool regex_valid(struct slice pattern);

/* The pattern as PCRE2 gets it, for tests; data is NULL and *why set if it is refused. */
struct slice regex_translate(struct slice pattern, struct arena *arena, const char **why);

/* One per thread; NULL without memory. */
struct regex_room *regex_room_new(void);
void regex_room_free(struct regex_room *room);

/* Does the pattern match anywhere in the text? */
enum regex_result regex_match(const struct regex *re, struct slice text, struct regex_room *room);
