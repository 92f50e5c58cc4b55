/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Other ways to read a string: what it becomes when somebody behind the gateway decodes it
 * once more, or when a database folds its letters. Each reads `text`, writes at most
 * text.len bytes to `out` (another place) and returns what it wrote; text itself when
 * nothing would be different.
 */
#include "base/slice.h"

typedef struct slice (*detect_view_fn)(struct slice text, char *out);

/* %27 and %u0027 decoded, once; '+' is a space in a text that has those and no blanks. */
struct slice detect_view_percent(struct slice text, char *out);

/* &#39; &lt; and the like decoded, once. */
struct slice detect_view_references(struct slice text, char *out);

/* \x27, \u0027 and \u{27} decoded, once. */
struct slice detect_view_escapes(struct slice text, char *out);

/* Wide letters narrow, typographic quotes plain, invisible and control characters gone. */
struct slice detect_view_folded(struct slice text, char *out);
