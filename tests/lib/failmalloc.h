/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Makes the n-th allocation from now fail, once or from then on.
 *
 * Torture: run the same thing with the first allocation failing, then the second, and so on,
 * until it comes through untouched. Whatever happens on the way must be an orderly refusal,
 * and under AddressSanitizer no leak.
 *
 *	FAILMALLOC_EACH (n) {
 *		failmalloc_at(n);
 *		int r = thing_build(&t);
 *		bool failed = failmalloc_stop();
 *		assert_int_equal(r, failed ? -ENOMEM : 0);
 *		thing_deinit(&t);
 *		if (!failed)
 *			break;
 *	}
 *
 * Only allocations of the program's own code fail, not those inside shared libraries.
 */
#include <stdbool.h>
#include <stddef.h>

/* Every n up to a bound that no test should reach; the body breaks. */
#define FAILMALLOC_EACH(n) for (size_t n = 1; n < 100000; n++)

/* The n-th allocation (1 = the next) returns NULL; with _from, all behind it do so too. */
void failmalloc_at(size_t n);
void failmalloc_from(size_t n);

/* Everything succeeds again. Returns whether one has failed. */
bool failmalloc_stop(void);

/* Allocations since the last failmalloc_at or failmalloc_from; for tests that promise none. */
size_t failmalloc_count(void);
