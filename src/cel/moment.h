/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Timestamps and durations: arithmetic, calendar, texts. For the cel layer only; nothing here
 * knows what time it is.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "cel/value.h"

#define MOMENT_NS_PER_S INT64_C(1000000000)

/* The first and last second: 0001-01-01T00:00:00Z, 9999-12-31T23:59:59Z. */
#define MOMENT_FIRST    INT64_C(-62135596800)
#define MOMENT_LAST     INT64_C(253402300799)

/* A timestamp so many nanoseconds later, or an error beyond the calendar. */
struct cel_value moment_add(const struct cel_value *timestamp, int64_t nanoseconds);

/* RFC 3339; error when it is not, or beyond the calendar. */
struct cel_value moment_parse(struct slice text);

/* 1h30m, 1.5s, -2ms, 0; error when it is not, or beyond 64 bits of nanoseconds. */
struct cel_value moment_parse_duration(struct slice text);

enum { MOMENT_TEXT_BYTES = 40 };

/* RFC 3339 in UTC, with so many digits behind the second as are needed, in threes or, with
 * `exact`, without trailing zeros; at least `digits`. The slice points into text. */
struct slice moment_format(const struct cel_value *timestamp, unsigned digits, bool exact,
			   char text[MOMENT_TEXT_BYTES]);

/* 90s, 1.5s. The slice points into text. */
struct slice moment_format_duration(int64_t nanoseconds, char text[MOMENT_TEXT_BYTES]);

struct moment_date {
	int64_t year;
	unsigned month, day; /* from 1 */
	unsigned weekday;    /* 0 Sunday */
	unsigned yearday;    /* from 0 */
	unsigned hour, minute, second;
};

/* The calendar and clock of that second since 1970, Gregorian. */
struct moment_date moment_date(int64_t unix_seconds);

/* "UTC", "Z", "+01:00", "-09:30", "02:00": ahead of UTC by so many seconds. */
bool moment_parse_offset(struct slice text, int32_t *seconds);
