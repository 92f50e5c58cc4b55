/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * So many per time, and what is left of it.
 *
 * A bucket is the generic cell rate algorithm's one number: the theoretical arrival time,
 * at which everything taken so far will have been paid back. A take of n units moves it
 * n intervals ahead; a take that would move it further ahead of now than `burst`
 * intervals is refused and moves nothing.
 *
 *        now                     tat        now + burst * interval
 *   ------|-----------------------|-----------------|------> time
 *          \__ taken, not paid __/ \__ may be taken _/
 *
 * Eight bytes per counted thing and no timer. Intervals are rounded up to 1/4096 us, so a
 * burst is exact to the unit and a rate is never exceeded.
 */
#include <stdbool.h>
#include <stdint.h>

/* The zero rate refuses everything. */
struct rate {
	uint32_t count;  /* units ... */
	uint32_t per_ms; /* ... per so many milliseconds */
	uint32_t burst;  /* units that may come at once, at least 1 */
	bool unlimited;  /* everything is allowed, the other members are ignored */
};

/* The zero bucket is full: nothing was taken yet. */
struct bucket {
	uint64_t tat; /* in 1/4096 us of the caller's clock */
};

/* Takes units at now_us (monotonic). True = allowed and taken. False = refused, nothing
 * taken; always so for more units than the burst. Taking 0 units asks whether the rate is
 * one that ever allows anything. */
static inline bool rate_take(const struct rate *r, struct bucket *b, uint64_t now_us,
			     uint64_t units) __attribute__((warn_unused_result));

/* Milliseconds, rounded up, until a take of units would be allowed; 0 = now;
 * UINT64_MAX = never. For Retry-After. */
uint64_t rate_retry_ms(const struct rate *r, const struct bucket *b, uint64_t now_us,
		       uint64_t units);

/* Everything taken is paid back: a table may forget this bucket without anybody gaining. */
bool rate_is_full(const struct bucket *b, uint64_t now_us);

/* --- private */

/* Of a rate that is not unlimited. */
bool rate_take_limited(const struct rate *r, struct bucket *b, uint64_t now_us, uint64_t units)
	__attribute__((warn_unused_result));

static inline bool rate_take(const struct rate *r, struct bucket *b, uint64_t now_us,
			     uint64_t units)
{
	return r->unlimited || rate_take_limited(r, b, now_us, units);
}
