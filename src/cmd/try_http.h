/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * `sallyport try http`: what a listener says about the bytes of a request, before any route.
 */
#include "base/buf.h"
#include "base/slice.h"

/*
 * One line in, one line out (without the newline, which the caller writes).
 * In: {"base64": "..."} or {"text": "..."}, the bytes of one request.
 * Out: {"ok": true, "method": "GET", "target": "/", "headers": [["Host", "a"], ...]}, or
 * {"ok": false, "status": 400, "at": 12, "reason": "handshake_malformed"}, with "incomplete": true
 * where the head does not end (at is then its length), or {"error": "..."} for a line that is not
 * one of the two. Limits are the defaults of `request_head` and `request_headers`. Returns as
 * buf_append.
 */
int try_http_line(struct slice line, struct buf *out) __attribute__((warn_unused_result));

/* The same for the bytes themselves. */
int try_http_bytes(struct slice bytes, struct buf *out) __attribute__((warn_unused_result));
