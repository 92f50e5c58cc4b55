/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Writes JSON to the end of a buffer: log lines, answers, reports.
 *
 * Commas come by themselves. A write that does not fit makes `ok` false; everything after
 * it is ignored, so that it is asked once, at the end. What was written before stays in
 * the buffer: the caller decides whether to cut it off.
 *
 * Strings are safe to show in terminals, HTML scripts and JavaScript: control characters,
 * DEL, `<`, `>`, `&`, U+0080-U+009F, U+2028 and U+2029 are written \uXXXX; what is not UTF-8
 * becomes U+FFFD.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

struct jsonout {
	struct buf *to;
	bool ok;
	bool comma; /* something stands before the next value of this array or object */
};

void jsonout_init(struct jsonout *j, struct buf *to);

void jsonout_object_open(struct jsonout *j);
void jsonout_object_close(struct jsonout *j);
void jsonout_array_open(struct jsonout *j);
void jsonout_array_close(struct jsonout *j);

/* The key of the next value. */
void jsonout_key(struct jsonout *j, const char *key);
void jsonout_key_slice(struct jsonout *j, struct slice key);

void jsonout_string(struct jsonout *j, struct slice s);
void jsonout_cstring(struct jsonout *j, const char *text); /* null for NULL */
void jsonout_u64(struct jsonout *j, uint64_t n);
void jsonout_i64(struct jsonout *j, int64_t n);
void jsonout_double(struct jsonout *j, double n); /* null for infinities and NaN */
void jsonout_bool(struct jsonout *j, bool b);
void jsonout_null(struct jsonout *j);

/* A value that is JSON already. */
void jsonout_raw(struct jsonout *j, struct slice json);

/* Key and value in one. */
void jsonout_member(struct jsonout *j, const char *key, struct slice s);
void jsonout_member_cstring(struct jsonout *j, const char *key, const char *text);
void jsonout_member_u64(struct jsonout *j, const char *key, uint64_t n);
void jsonout_member_bool(struct jsonout *j, const char *key, bool b);
