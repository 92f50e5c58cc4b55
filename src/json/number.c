/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decimal -> double; see number.h. Three ways, each exact in its range:
 *
 *   up to 2^53 and 10^22    one multiplication or division of two exact doubles (Clinger)
 *   19 digits and 10^27     128-bit integers: all bits of the product or the quotient,
 *                           rounded once
 *   the rest                strtod, fed with digits and an exponent but no dot, so that the
 *                           locale has no say, and with no more digits than can matter
 */
#include "json/number.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

__extension__ typedef unsigned __int128 u128;

enum {
	SMALL_POWER = 27,  /* 5^27 < 2^63 */
	MAX_DIGITS = 19,   /* fit 64 bits */
	/* More than 767 significant digits cannot change the nearest double but by being zero or
	 * not: the halfway points between doubles have no more. */
	STRTOD_DIGITS = 780,
	EXPONENT_MAX = 20000, /* beyond any double, with STRTOD_DIGITS to spare */
};

const double json_powers_of_ten[JSON_POWER_EXACT + 1] = {
	1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};

static uint64_t power_of_five(int64_t n)
{
	uint64_t power = 1;

	for (uint64_t base = 5; n; n >>= 1, base *= base)
		if (n & 1)
			power *= base;
	return power;
}

/* bits * 2^exponent, where `more` says that something follows behind the last bit.
 * bits >= 2^54; the result is a normal double. */
static double round_to_double(uint64_t bits, bool more, int exponent)
{
	int shift = 64 - 53 - __builtin_clzll(bits);
	uint64_t mantissa = bits >> shift;
	uint64_t rest = bits & ((UINT64_C(1) << shift) - 1);
	uint64_t half = UINT64_C(1) << (shift - 1);

	if (rest > half || (rest == half && (more || (mantissa & 1))))
		mantissa++;
	/* A carry out of the mantissa makes the exponent one larger, as it should. */
	uint64_t image = ((uint64_t)(exponent + shift + 52 + 1023) << 52) +
			 (mantissa - (UINT64_C(1) << 52));
	double result;
	memcpy(&result, &image, sizeof(result));
	return result;
}

/* mantissa * 10^exponent with 0 <= exponent <= SMALL_POWER. */
static double multiply(uint64_t mantissa, int64_t exponent)
{
	u128 product = (u128)mantissa * power_of_five(exponent);
	uint64_t high = (uint64_t)(product >> 64);
	int zeros = high ? __builtin_clzll(high) : 64 + __builtin_clzll((uint64_t)product);

	product <<= zeros;
	return round_to_double((uint64_t)(product >> 64), (uint64_t)product != 0,
			       64 - zeros + (int)exponent);
}

/* mantissa / 10^exponent with 0 < exponent <= SMALL_POWER. */
static double divide(uint64_t mantissa, int64_t exponent)
{
	uint64_t divisor = power_of_five(exponent);
	int mantissa_zeros = __builtin_clzll(mantissa);
	int divisor_zeros = __builtin_clzll(divisor);

	mantissa <<= mantissa_zeros;
	divisor <<= divisor_zeros;
	/* Both have their top bit set, so the quotient has 63 or 64 bits. */
	u128 dividend = (u128)mantissa << 63;
	uint64_t quotient = (uint64_t)(dividend / divisor);
	bool more = (u128)quotient * divisor != dividend;
	return round_to_double(quotient, more,
			       divisor_zeros - mantissa_zeros - 63 - (int)exponent);
}

static bool fast(const struct json_decimal *d, double *out)
{
	if (d->digits > MAX_DIGITS || d->exponent < -SMALL_POWER || d->exponent > SMALL_POWER)
		return false;
	if (d->mantissa == 0) {
		*out = 0;
		return true;
	}
#if FLT_EVAL_METHOD == 0
	if (d->mantissa <= UINT64_C(1) << 53 && d->exponent >= -JSON_POWER_EXACT &&
	    d->exponent <= JSON_POWER_EXACT) {
		double m = (double)d->mantissa;
		*out = d->exponent < 0 ? m / json_powers_of_ten[-d->exponent]
				       : m * json_powers_of_ten[d->exponent];
		return true;
	}
#endif
	*out = d->exponent < 0 ? divide(d->mantissa, -d->exponent)
			       : multiply(d->mantissa, d->exponent);
	return true;
}

/* The digits that matter, without dot and leading zeros, then "e" and the exponent. */
static double by_strtod(const struct json_decimal *d)
{
	char text[STRTOD_DIGITS + 32];
	size_t kept = 0;
	uint64_t dropped = 0;
	bool more = false;

	for (size_t i = 0; i < d->text.len; i++) {
		char c = d->text.data[i];
		if (c == '.' || (c == '0' && kept == 0))
			continue;
		if (kept < STRTOD_DIGITS) {
			text[kept++] = c;
		} else {
			dropped++;
			more = more || c != '0';
		}
	}
	int64_t exponent = d->exponent + (int64_t)dropped;
	if (more) {
		text[kept++] = '1';
		exponent--;
	}
	if (exponent > EXPONENT_MAX)
		exponent = EXPONENT_MAX;
	if (exponent < -EXPONENT_MAX)
		exponent = -EXPONENT_MAX;
	snprintf(text + kept, sizeof(text) - kept, "e%d", (int)exponent);
	int saved = errno;
	double result = strtod(text, NULL);
	errno = saved;
	return result;
}

bool json_decimal_to_double(const struct json_decimal *d, double *out)
{
	double result = 0;

	if (d->digits != 0 && !fast(d, &result)) {
		result = by_strtod(d);
		if (isinf(result) || result == 0)
			return false;
	}
	*out = d->negative ? -result : result;
	return true;
}
