/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * `sallyport try jwt`: is this token genuine?
 */
#include "base/buf.h"
#include "base/slice.h"

/*
 * One line in, one line out (without the newline, which the caller writes).
 * In: {"token": "...", "keys": {a JWK set, or a JWK}} and, as wanted, "algorithms" (all that
 * exist), "now" (seconds; the clock's), "issuer", "audience" (a text or several), "type",
 * "leeway" (seconds; 0), and "secret" (base64) instead of "keys". Unlike everywhere else `oct`
 * keys count in "keys", because suites of test vectors carry their secrets there.
 * Out: {"ok": true, "claims": {...}}, or {"ok": false, "reason": "credential_invalid", "detail":
 * "..."}, or {"error": "..."} for a line that is no such input. With "payload": "any" the signature
 * alone is judged, whatever it is over: {"ok": true, "payload": base64}.
 * Returns as buf_append.
 */
int try_jwt_line(struct slice line, struct buf *out) __attribute__((warn_unused_result));
