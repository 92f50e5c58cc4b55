/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What every unit test includes: cmocka with the headers it wants before it, and the
 * helpers for tables of rows. A row's first member is `says`: one sentence, which is what
 * a failure shows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/slice.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* For the rows of a table: at->says is shown when the row fails. */
#define EACH_ROW(at, rows)                                                                    \
	for (__typeof__(&(rows)[0]) at = (rows); at < (rows) + COUNT(rows); at++)

/* Fails with the row's sentence unless the condition holds. */
#define ROW_CHECK(at, condition)                                                              \
	do {                                                                                  \
		if (!(condition))                                                             \
			fail_msg("%s: %s", (at)->says, #condition);                           \
	} while (0)

/* Fails with the row's sentence unless both texts are the same. */
#define ROW_EQ(at, got, wanted) unit_row_eq((at)->says, (got), (wanted))

static inline void unit_row_eq(const char *says, struct slice got, struct slice wanted)
{
	if (!slice_eq(got, wanted))
		fail_msg("%s: got \"%.*s\", wanted \"%.*s\"", says, SLICE_ARG(got),
			 SLICE_ARG(wanted));
}

#define assert_slice(got, wanted) unit_row_eq(__func__, (got), slice_from_cstr(wanted))
