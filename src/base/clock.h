/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Units of time. Time itself comes in as an argument: nothing in the core asks a clock.
 *
 * A name says its unit: `_ms` and `_us` are durations or points on the monotonic clock,
 * `_unix_ms` is wall-clock time since 1970.
 */
#include <stdint.h>

#define CLOCK_US_PER_MS UINT64_C(1000)
#define CLOCK_US_PER_S UINT64_C(1000000)
#define CLOCK_MS_PER_S UINT64_C(1000)
#define CLOCK_MS_PER_MINUTE (60 * CLOCK_MS_PER_S)
#define CLOCK_MS_PER_HOUR (60 * CLOCK_MS_PER_MINUTE)

/* The moment for a worker's turn of its loop: both clocks, read together. */
struct clock_now {
	uint64_t us;      /* monotonic */
	uint64_t unix_ms; /* wall clock */
};

/* `after` behind `now`, or the end of time. */
static inline uint64_t clock_add(uint64_t now, uint64_t after)
{
	return after > UINT64_MAX - now ? UINT64_MAX : now + after;
}

/* From `then` to `now`; 0 when the clock went backwards. */
static inline uint64_t clock_since(uint64_t then, uint64_t now)
{
	return now > then ? now - then : 0;
}

static inline uint64_t clock_ms_to_us(uint64_t ms)
{
	return ms > UINT64_MAX / CLOCK_US_PER_MS ? UINT64_MAX : ms * CLOCK_US_PER_MS;
}

static inline uint64_t clock_us_to_ms(uint64_t us)
{
	return us / CLOCK_US_PER_MS;
}
