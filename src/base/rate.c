/* SPDX-License-Identifier: Apache-2.0 */
/* The generic cell rate algorithm in 64-bit ticks; see rate.h. */
#include "base/rate.h"

enum { TICKS_PER_US = 4096, TICKS_PER_MS = 1000 * TICKS_PER_US };

/* Rounded up, so that rounding never gives anybody more. At most 2^32 * 2^22. */
static uint64_t ticks_per_unit(const struct rate *r)
{
	uint64_t period = (uint64_t)r->per_ms * TICKS_PER_MS;

	return period / r->count + (period % r->count != 0);
}

/* Allows something at some time. Also keeps zeroes away from the division. */
static bool is_real(const struct rate *r)
{
	return r->count > 0 && r->per_ms > 0 && r->burst > 0;
}

/*
 * By how much a take of units would overdraw the bucket; 0 = allowed, and then *tat is
 * where it would move. Whatever does not fit into 64 bits counts as overdrawn for ever:
 * such numbers are centuries away from any real clock.
 */
static uint64_t overdraft(const struct rate *r, const struct bucket *b, uint64_t now_us,
			  uint64_t units, uint64_t *tat)
{
	uint64_t each = ticks_per_unit(r), now, cost, allowed;

	if (__builtin_mul_overflow(now_us, (uint64_t)TICKS_PER_US, &now) ||
	    __builtin_mul_overflow(units, each, &cost) ||
	    __builtin_add_overflow(b->tat > now ? b->tat : now, cost, tat))
		return UINT64_MAX;
	if (__builtin_mul_overflow((uint64_t)r->burst, each, &allowed))
		return 0;
	uint64_t ahead = *tat - now;
	return ahead > allowed ? ahead - allowed : 0;
}

bool rate_take_limited(const struct rate *r, struct bucket *b, uint64_t now_us, uint64_t units)
{
	uint64_t tat;

	if (!is_real(r) || units > r->burst)
		return false;
	if (units == 0)
		return true;
	if (overdraft(r, b, now_us, units, &tat))
		return false;
	b->tat = tat;
	return true;
}

uint64_t rate_retry_ms(const struct rate *r, const struct bucket *b, uint64_t now_us,
		       uint64_t units)
{
	uint64_t tat;

	if (r->unlimited)
		return 0;
	if (!is_real(r) || units > r->burst)
		return UINT64_MAX;
	if (units == 0)
		return 0;
	uint64_t over = overdraft(r, b, now_us, units, &tat);
	if (over == UINT64_MAX)
		return over;
	return over / TICKS_PER_MS + (over % TICKS_PER_MS != 0);
}

bool rate_is_full(const struct bucket *b, uint64_t now_us)
{
	uint64_t now;

	return __builtin_mul_overflow(now_us, (uint64_t)TICKS_PER_US, &now) || b->tat <= now;
}
