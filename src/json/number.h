/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Decimal -> double, correctly rounded, whatever the locale. For the reader only.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* A number's parts as the reader saw them. */
struct json_decimal {
	struct slice text;   /* of the mantissa: digits with at most one dot, no sign */
	uint64_t mantissa;   /* the digits as a whole number; means nothing with over 19 */
	uint64_t digits;     /* significant ones: without leading zeros */
	int64_t exponent;    /* of ten, for the mantissa as a whole number */
	bool negative;
};

/* The nearest double, ties to even. False when there is none: beyond the largest one, or
 * not zero but nearer to zero than the smallest. */
bool json_decimal_to_double(const struct json_decimal *d, double *out);
