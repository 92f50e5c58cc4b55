/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * An event as JSON, the same in every log.
 */
#include <stdint.h>

#include "base/buf.h"
#include "base/event.h"

enum {
	EVENT_TIME_CHARS = 24,
	EVENT_FIELD_BYTES = 512, /* of a text; the rest is cut off */
	EVENT_FIELD_SHORT = 48,
	/* With short texts every event fits into that, whatever its peers wrote. */
	EVENT_JSON_MAX = 8000,
};

/* 2026-11-22T02:06:25.123Z, in out. */
struct slice event_time(uint64_t unix_ms, char out[EVENT_TIME_CHARS + 1]);

/* error, warn, info, debug */
const char *event_level_word(enum event_level level);

/* Appends a field's value. False without room. */
bool event_value(const struct event_field *f, struct buf *to);

/* Appends "time":...,"level":...,"event":..., and the fields: what stands between the braces.
 * Where that does not fit, the texts are cut off at EVENT_FIELD_SHORT and "cut":true says so: a
 * peer cannot hide by being verbose. False without room even for that; then nothing was
 * appended. */
bool event_members(const struct event *e, uint64_t unix_ms, struct buf *to);
