/* SPDX-License-Identifier: Apache-2.0 */
/* The two clocks; see clock.h. Both are answered by the vDSO, without a system call. */
#include "net/clock.h"

#include <time.h>

#include "base/obj.h"

/* They fail only for a clock that does not exist. */
uint64_t clock_read_us(void)
{
	struct timespec monotonic;

	MUST(clock_gettime(CLOCK_MONOTONIC, &monotonic) == 0);
	return (uint64_t)monotonic.tv_sec * CLOCK_US_PER_S + (uint64_t)monotonic.tv_nsec / 1000 + 1;
}

struct clock_now clock_read(void)
{
	struct timespec wall;

	MUST(clock_gettime(CLOCK_REALTIME, &wall) == 0);
	return (struct clock_now){
		.us = clock_read_us(),
		.unix_ms =
			(uint64_t)wall.tv_sec * CLOCK_MS_PER_S + (uint64_t)wall.tv_nsec / 1000000,
	};
}
