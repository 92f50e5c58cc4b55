/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * `sallyport try json`: what the JSON reader says about a text.
 */
#include "base/buf.h"
#include "base/slice.h"

/*
 * One line in, one line out (without the newline, which the caller writes).
 * In: {"text": "..."} or {"base64": "..."}, the JSON text to be judged.
 * Out: {"ok": true, "value": ...}, or {"ok": false, "reason": "json_number", "at": 17}, or
 * {"error": "..."} for a line that is not one of the two. Returns as buf_append.
 */
int try_json_line(struct slice line, struct buf *out) __attribute__((warn_unused_result));

/* The same for the JSON text itself. */
int try_json_bytes(struct slice bytes, struct buf *out) __attribute__((warn_unused_result));
