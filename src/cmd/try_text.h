/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * `sallyport try text`: what the text rules make of a string.
 */
#include "base/buf.h"
#include "base/slice.h"

/*
 * One line in, one line out (without the newline, which the caller writes). In, one of:
 *   {"text": "...", "as": "escape" | "strip" | "refuse" | "html"}
 *   {"text": "...", "detect": ["xss", "sqli"]}
 *   {"text": "...", "redact": ["card", "email", "secret", ...]}
 * Out: {"text": "..."} or {"refused": "markup"}; {"found": ["xss"]};
 * {"text": "...", "found": ["card"]}; or {"error": "..."} for a line that is none of these.
 * Returns as buf_append.
 */
int try_text_line(struct slice line, struct buf *out) __attribute__((warn_unused_result));
