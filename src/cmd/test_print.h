/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What `sallyport test` says: for people, or (`json`) one JSON object per line. Nothing here
 * writes what could move a terminal's cursor. All return as buf_append.
 */
#include "base/buf.h"
#include "cmd/test_case.h"
#include "cmd/test_cover.h"

struct test_printer {
	struct buf *to;
	struct slice conf;   /* path of the configuration */
	struct slice source; /* its text; empty: its lines are not shown */
	bool json, verbose;
};

/* One case and its results: nothing for people if it passed, unless verbose. */
int test_print_case(const struct test_printer *p, const struct test_case *c,
		    const struct test_result *results) __attribute__((warn_unused_result));

/* Which rules no case was allowed by, and which refused none. */
int test_print_cover(const struct test_printer *p, const struct test_cover *c)
	__attribute__((warn_unused_result));

/* The closing line. */
int test_print_sum(const struct test_printer *p, size_t passed, size_t failed)
	__attribute__((warn_unused_result));

/* Every step came out as expected. */
bool test_case_passed(const struct test_case *c, const struct test_result *results);
