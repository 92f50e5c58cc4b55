/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What is counted over all nodes: policy says what, the store does it.
 *
 *   RATE   [tat]             units of a rate, as base/rate has it, in microseconds
 *   ONCE   [there or not]    a value that must not come again within its time
 *   SLOT   {slot: until}     one of at_most places; its time over, it falls back by itself
 *
 * All that one message needs is taken together or not at all.
 */
#include <stdint.h>

enum { COUNTED_KEY_BYTES = 16, COUNTED_MAX = 4 };

enum counted_kind { COUNTED_RATE = 1, COUNTED_ONCE, COUNTED_SLOT };

/* Whole numbers below 2^53, for stores that reckon in doubles. */
#define COUNTED_US_MAX (UINT64_C(1) << 50)

struct counted {
	enum counted_kind kind;
	uint8_t key[COUNTED_KEY_BYTES];  /* of what is counted; different kinds never share one */
	uint64_t cost_us, most_us;       /* RATE: how far the tat moves; how far ahead it may be */
	uint64_t ms;                     /* ONCE, SLOT: for so long */
	uint32_t at_most;                /* SLOT */
	uint8_t slot[COUNTED_KEY_BYTES]; /* SLOT: which one, drawn at random */
};
