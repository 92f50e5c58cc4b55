/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * `sallyport try schema`: does this value satisfy that JSON Schema?
 */
#include "base/buf.h"
#include "base/slice.h"

/*
 * One line in, one line out (without the newline, which the caller writes).
 * In: {"schema": ..., "instance": ..., "draft": "2020-12", "formats": true,
 *      "refs": {"http://...": ...}}; all but the first two may be missing.
 * Out: {"ok": true}, {"ok": false, "at": "/a/0", "keyword": "maxLength"} with "bound": true
 * where a bound of ours was hit, or {"error": "..."} for a schema that is refused or a line
 * that is not one. The line is read with relaxed limits: any number, any key, any string.
 * Returns as buf_append.
 */
int try_schema_line(struct slice line, struct buf *out) __attribute__((warn_unused_result));
