/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Decimal -> double, correctly rounded, whatever the locale. For the reader only.
 */
#include <float.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/* A number's parts as the reader saw them. */
struct json_decimal {
	struct slice text; /* of the mantissa: digits with at most one dot, no sign */
	uint64_t mantissa; /* the digits as a whole number; means nothing with over 19 */
	uint64_t digits;   /* significant ones: without leading zeros */
	int64_t exponent;  /* of ten, for the mantissa as a whole number */
	bool negative;
};

/* The nearest double, ties to even. False when there is none: beyond the largest one, or
 * not zero but nearer to zero than the smallest. */
bool json_decimal_to_double(const struct json_decimal *d, double *out);

/* ---- digits, eight at a time; the first one is in the lowest byte */

/* A set top bit for the first byte that is no digit; bytes above it may be wrong. */
static inline uint64_t json_digits_end(uint64_t word)
{
	uint64_t x = word ^ UINT64_C(0x3030303030303030); /* digits are 0 to 9 now */

	return ((x + UINT64_C(0x7676767676767676)) | x) & UINT64_C(0x8080808080808080);
}

static inline uint64_t json_digits_value(uint64_t word)
{
	/* Neighbours are joined: digits to pairs, pairs to fours, fours to eight. */
	word = (word & UINT64_C(0x0f0f0f0f0f0f0f0f)) * (1 + (10 << 8)) >> 8;
	word = (word & UINT64_C(0x00ff00ff00ff00ff)) * (1 + (100 << 16)) >> 16;
	return (word & UINT64_C(0x0000ffff0000ffff)) * (1 + (UINT64_C(10000) << 32)) >> 32;
}

/* ---- the usual case: a mantissa that is a double, a power of ten that is one */

enum { JSON_POWER_EXACT = 22 }; /* 10^22 is a double */

extern const double json_powers_of_ten[JSON_POWER_EXACT + 1];

/* `digits` is how many were read, a dot and leading zeros included; so there are at most as
 * many behind the dot, which is as much as the exponent may be below zero. */
static inline bool json_decimal_is_short(uint64_t mantissa, size_t digits)
{
	return FLT_EVAL_METHOD == 0 && digits <= 19 && mantissa <= UINT64_C(1) << 53;
}

/* Both are exact and division rounds once (Clinger, 1990). */
static inline double json_decimal_short(uint64_t mantissa, int64_t exponent)
{
	return (double)mantissa / json_powers_of_ten[-exponent];
}
