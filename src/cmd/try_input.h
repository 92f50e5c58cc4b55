/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the parts of `sallyport try` share: lines that carry bytes, and complaints about lines.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"

/* {"error": "..."}, for a line that is no input for the part. Returns as buf_append. */
int try_say_error(const char *what, struct buf *out) __attribute__((warn_unused_result));

/* What a part says about bytes; the arena is its own until it returns. Returns as buf_append. */
typedef int (*try_say_fn)(struct slice bytes, struct arena *a, struct buf *out);

/* Hands the bytes over. */
int try_say_bytes(struct slice bytes, try_say_fn say, struct buf *out)
	__attribute__((warn_unused_result));

/* Hands over what a line {"text": "..."} or {"base64": "..."} carries; another line is
 * answered with an error. */
int try_say_line(struct slice line, try_say_fn say, struct buf *out)
	__attribute__((warn_unused_result));
