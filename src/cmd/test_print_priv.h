/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The lines of JSON behind test_print.h. All return as buf_append. */
#include "cmd/test_print.h"

/* `forwarded`, `refused`, ... */
const char *test_fate_word(enum test_fate fate);

int test_json_case(const struct test_printer *p, const struct test_case *c,
		   const struct test_result *results) __attribute__((warn_unused_result));
int test_json_cover(const struct test_printer *p, const struct test_cover *c)
	__attribute__((warn_unused_result));
int test_json_sum(const struct test_printer *p, size_t passed, size_t failed)
	__attribute__((warn_unused_result));
