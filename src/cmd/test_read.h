/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Files of test cases: YAML -> struct test_case. Like a configuration: unknown keys, keys that
 * do not go together and values of the wrong form are findings with their place, and with one
 * error among them nothing is run.
 */
#include "base/arena.h"
#include "cmd/test_case.h"
#include "conf/diag.h"

/* Outcome of test_read: d says why. */
enum { TEST_WRONG = 1 };

/* When a case that does not say begins: 2026-01-01T00:00:00Z. */
#define TEST_BEGIN_UNIX_MS UINT64_C(1767225600000)

/* Reads the text of a file into `a`, where everything of the cases lives; findings go to d,
 * which knows the source already. Returns 0, TEST_WRONG or -ENOMEM. */
int test_read(struct slice file, struct slice text, struct arena *a, struct diag *d,
	      const struct test_case **cases, size_t *count) __attribute__((warn_unused_result));
