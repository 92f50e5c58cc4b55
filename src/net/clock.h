/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Asking the clocks. Only net does; everybody else is told (base/clock.h).
 */
#include "base/clock.h"

/* Both clocks, now. Monotonic time never stands at 0, so 0 may mean "never". */
struct clock_now clock_read(void);

/* The monotonic one alone, in microseconds. */
uint64_t clock_read_us(void);
