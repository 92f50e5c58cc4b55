/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Regular expressions for matches(): the syntax of RE2, run by PCRE2 within bounds.
 *
 * What RE2 does not have (back references, looking around, atomic groups, recursion, ...) is
 * refused when it is compiled, so that a pattern means the same here as elsewhere. What could
 * run away ends with an error. All memory comes from the arena that is given.
 */
#include <stddef.h>

#include "base/arena.h"
#include "base/slice.h"

enum { CEL_PATTERN_MAX_BYTES = 1024 };

struct cel_regex;

/* The pattern, which is UTF-8, compiled; lives in `a`. Returns NULL with *sentence (static, or
 * in `a`) and *at filled in. */
const struct cel_regex *cel_regex_compile(struct slice pattern, struct arena *a,
					  struct slice *sentence, size_t *at);

enum cel_regex_answer {
	CEL_REGEX_ENDLESS = 0, /* it took too long, or there was no memory */
	CEL_REGEX_NO,
	CEL_REGEX_YES,
};

/* Whether it is found anywhere in the text, which is UTF-8. Uses `a` while it runs. */
enum cel_regex_answer cel_regex_search(const struct cel_regex *r, struct slice text,
				       struct arena *a);
