/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The detectors of redact.h, for redact.c. Each looks at one place of the text and answers
 * where the find begins and ends (both zero: nothing). A detector looks no further back than
 * `floor`, where the last find ended.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct redact_find {
	size_t from, end;
};

/* Letters, digits and '_'. */
static inline bool redact_is_word(char c)
{
	unsigned char lower = (unsigned char)c | 0x20;

	return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static inline bool redact_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* At the first character of a word, or at a '-' or ':' (PEM, passwords in URLs). */
struct redact_find redact_secret_at(struct slice text, size_t at);

/* At the first character of a line: all the lines of a trace from here on. */
struct redact_find redact_trace_at(struct slice text, size_t at);
