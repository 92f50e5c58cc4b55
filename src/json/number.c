/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decimal -> double; see number.h. From the usual to the rare:
 *
 *   up to 2^53 and 10^22    one multiplication or division of two exact doubles (Clinger)
 *   19 digits and 10^27     128-bit integers: all bits of the product or the quotient,
 *                           rounded once
 *   any power of ten        the power to 128 bits and a known error; whenever the error could
 *                           change the rounding, or more than 19 digits could, it is not used
 *   the rest                strtod, fed with digits and an exponent but no dot, so that the
 *                           locale has no say, and with no more digits than can matter
 *
 * The third way is there because a peer chooses the numbers: strtod takes ten times as long.
 */
#include "json/number.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

__extension__ typedef unsigned __int128 u128;

enum {
	SMALL_POWER = 27, /* 5^27 < 2^63 */
	MAX_DIGITS = 19,  /* fit 64 bits */
	POWER_MIN = -351, /* of the table below; with 19 digits that is below the least double */
	POWER_MAX = 323,  /* above the largest */
	/* More than 767 significant digits cannot change the nearest double but by being zero or
	 * not: the halfway points between doubles have no more. */
	STRTOD_DIGITS = 780,
	EXPONENT_MAX = 20000, /* beyond any double, with STRTOD_DIGITS to spare */
	MANTISSA_BITS = 53,
	EXPONENT_LEAST = -1074, /* of the last bit of the doubles next to zero */
};

const double json_powers_of_ten[JSON_POWER_EXACT + 1] = {
	1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};

/* clang-format off */
static const uint64_t powers_of_five[SMALL_POWER + 1] = {
	1u, 5u, 25u, 125u,
	625u, 3125u, 15625u, 78125u,
	390625u, 1953125u, 9765625u, 48828125u,
	244140625u, 1220703125u, 6103515625u, 30517578125u,
	152587890625u, 762939453125u, 3814697265625u, 19073486328125u,
	95367431640625u, 476837158203125u, 2384185791015625u, 11920928955078125u,
	59604644775390625u, 298023223876953125u, 1490116119384765625u, 7450580596923828125u,
};

/* 5^(27n) = (high * 2^64 + low) * 2^exponent, cut off: the true value is less than one unit of
 * low above. */
static const struct big_power {
	uint64_t high, low;
	int exponent;
} big_powers[] = {
	{UINT64_C(0x8049a4ac0c5811ae), UINT64_C(0x205b896d777d6278), -942}, /* 5^-351 */
	{UINT64_C(0xcf42894a5dce35ea), UINT64_C(0x52064cac828675b9), -880}, /* 5^-324 */
	{UINT64_C(0xa76c582338ed2621), UINT64_C(0xaf2af2b80af6f24e), -817}, /* 5^-297 */
	{UINT64_C(0x873e4f75e2224e68), UINT64_C(0x5a7744a6e804a291), -754}, /* 5^-270 */
	{UINT64_C(0xda7f5bf590966848), UINT64_C(0xaf39a475506a899e), -692}, /* 5^-243 */
	{UINT64_C(0xb080392cc4349dec), UINT64_C(0xbd8d794d96aacfb3), -629}, /* 5^-216 */
	{UINT64_C(0x8e938662882af53e), UINT64_C(0x547eb47b7282ee9c), -566}, /* 5^-189 */
	{UINT64_C(0xe65829b3046b0afa), UINT64_C(0x0cb4a5a3112a5112), -504}, /* 5^-162 */
	{UINT64_C(0xba121a4650e4ddeb), UINT64_C(0x92f34d62616ce413), -441}, /* 5^-135 */
	{UINT64_C(0x964e858c91ba2655), UINT64_C(0x3a6a07f8d510f86f), -378}, /* 5^-108 */
	{UINT64_C(0xf2d56790ab41c2a2), UINT64_C(0xfae27299423fb9c3), -316}, /* 5^-81 */
	{UINT64_C(0xc428d05aa4751e4c), UINT64_C(0xaa97e14c3c26b886), -253}, /* 5^-54 */
	{UINT64_C(0x9e74d1b791e07e48), UINT64_C(0x775ea264cf55347d), -190}, /* 5^-27 */
	{UINT64_C(0x8000000000000000), UINT64_C(0x0000000000000000), -127}, /* 5^0 */
	{UINT64_C(0xcecb8f27f4200f3a), UINT64_C(0x0000000000000000), -65}, /* 5^27 */
	{UINT64_C(0xa70c3c40a64e6c51), UINT64_C(0x999090b65f67d924), -2}, /* 5^54 */
	{UINT64_C(0x86f0ac99b4e8dafd), UINT64_C(0x69a028bb3ded71a3), 61}, /* 5^81 */
	{UINT64_C(0xda01ee641a708de9), UINT64_C(0xe80e6f4820cc9495), 123}, /* 5^108 */
	{UINT64_C(0xb01ae745b101e9e4), UINT64_C(0x5ec05dcff72e7f8f), 186}, /* 5^135 */
	{UINT64_C(0x8e41ade9fbebc27d), UINT64_C(0x14588f13be847307), 249}, /* 5^162 */
	{UINT64_C(0xe5d3ef282a242e81), UINT64_C(0x8f1668c8a86da5fa), 311}, /* 5^189 */
	{UINT64_C(0xb9a74a0637ce2ee1), UINT64_C(0x6d953e2bd7173692), 374}, /* 5^216 */
	{UINT64_C(0x95f83d0a1fb69cd9), UINT64_C(0x4abdaf101564f98e), 437}, /* 5^243 */
	{UINT64_C(0xf24a01a73cf2dccf), UINT64_C(0xbc633b39673c8cec), 499}, /* 5^270 */
	{UINT64_C(0xc3b8358109e84f07), UINT64_C(0x0a862f80ec4700c8), 562}, /* 5^297 */
};
/* clang-format on */

/* A positive number: from bits * 2^exponent up to, not including, (bits + error) * 2^exponent.
 * The top bit of bits is set. */
struct approximation {
	u128 bits;
	unsigned error;
	int exponent;
};

/* ---- rounding */

/* mantissa * 2^exponent, where mantissa <= 2^53 and has all its bits unless the exponent is the
 * least one. Too large gives infinity. */
static double make_double(uint64_t mantissa, int exponent)
{
	uint64_t hidden = UINT64_C(1) << (MANTISSA_BITS - 1), image;
	double result;

	/* Adding instead of setting bits: a mantissa of 2^53 carries into the exponent, one below
	 * 2^52 borrows from it, as it should be. */
	image = ((uint64_t)(exponent - EXPONENT_LEAST + 1) << (MANTISSA_BITS - 1)) +
		(mantissa - hidden);
	if (exponent > 1024 - MANTISSA_BITS || image >> (MANTISSA_BITS - 1) >= 2047)
		return (double)INFINITY;
	memcpy(&result, &image, sizeof(result));
	return result;
}

/* To the nearest double, ties to even. False when the error leaves it open. */
static bool round_approximation(const struct approximation *a, double *out)
{
	int shift = 128 - MANTISSA_BITS;

	if (a->exponent + shift < EXPONENT_LEAST)
		shift = EXPONENT_LEAST - a->exponent; /* next to zero there are fewer bits */
	if (shift >= 128)
		return false;
	uint64_t mantissa = (uint64_t)(a->bits >> shift);
	u128 rest = a->bits & (((u128)1 << shift) - 1);
	u128 half = (u128)1 << (shift - 1);
	if (a->error && rest <= half && half - rest < a->error)
		return false;
	if (rest > half || (rest == half && (mantissa & 1)))
		mantissa++;
	*out = make_double(mantissa, a->exponent + shift);
	return true;
}

/* ---- products and quotients */

/* mantissa * 10^exponent with 0 <= exponent <= SMALL_POWER; exact. */
static struct approximation multiply(uint64_t mantissa, int exponent)
{
	u128 product = (u128)mantissa * powers_of_five[exponent];
	uint64_t high = (uint64_t)(product >> 64);
	int zeros = high ? __builtin_clzll(high) : 64 + __builtin_clzll((uint64_t)product);

	return (struct approximation){.bits = product << zeros, .exponent = exponent - zeros};
}

/* mantissa / 10^exponent with 0 < exponent <= SMALL_POWER; what is cut off is said by a last
 * bit, far behind those that are kept. */
static struct approximation divide(uint64_t mantissa, int exponent)
{
	uint64_t divisor = powers_of_five[exponent];
	int mantissa_zeros = __builtin_clzll(mantissa);
	int divisor_zeros = __builtin_clzll(divisor);

	mantissa <<= mantissa_zeros;
	divisor <<= divisor_zeros;
	/* Both have their top bit set, so the quotient has 63 or 64 bits. */
	u128 dividend = (u128)mantissa << 63;
	uint64_t quotient = (uint64_t)(dividend / divisor);
	bool more = (u128)quotient * divisor != dividend;
	int zeros = __builtin_clzll(quotient);
	return (struct approximation){
		.bits = (u128)(quotient << zeros) << 64 | more,
		.exponent = divisor_zeros - mantissa_zeros - zeros - 63 - 64 - exponent,
	};
}

/* a * factor * 2^exponent, cut off to 128 bits; the factor's top bit is set. */
static struct approximation scale(struct approximation a, uint64_t factor, int exponent)
{
	u128 low = (u128)(uint64_t)a.bits * factor;
	u128 bits = (a.bits >> 64) * factor + (low >> 64);
	/* The error did not grow, since the factor is below 2^64; cutting off makes it one more. */
	unsigned error = a.error + 1;
	int zeros = bits >> 127 ? 0 : 1;

	return (struct approximation){
		.bits = bits << zeros,
		.error = error << zeros,
		.exponent = a.exponent + exponent + 64 - zeros,
	};
}

/* mantissa * 10^exponent for any exponent of the table. */
static struct approximation by_table(uint64_t mantissa, int exponent)
{
	int index = (exponent - POWER_MIN) / SMALL_POWER;
	uint64_t five = powers_of_five[(exponent - POWER_MIN) % SMALL_POWER];
	const struct big_power *big = &big_powers[index];
	struct approximation a = {
		.bits = (u128)big->high << 64 | big->low,
		.error = 1,
		.exponent = big->exponent + exponent,
	};
	int five_zeros = __builtin_clzll(five), zeros = __builtin_clzll(mantissa);

	a = scale(a, five << five_zeros, -five_zeros);
	return scale(a, mantissa << zeros, -zeros);
}

/* The nearest double to mantissa * 10^exponent. False when this is not known. */
static bool nearest(uint64_t mantissa, int64_t exponent, double *out)
{
	struct approximation a;

	if (exponent < POWER_MIN || exponent > POWER_MAX)
		return false;
	if (exponent < -SMALL_POWER || exponent > SMALL_POWER)
		a = by_table(mantissa, (int)exponent);
	else if (exponent < 0)
		a = divide(mantissa, (int)-exponent);
	else
		a = multiply(mantissa, (int)exponent);
	return round_approximation(&a, out);
}

/* ---- more digits than 64 bits hold */

static uint64_t first_digits(struct slice text)
{
	uint64_t mantissa = 0;
	int digits = 0;

	for (size_t i = 0; digits < MAX_DIGITS; i++) {
		char c = text.data[i];
		if (c == '.' || (c == '0' && digits == 0))
			continue;
		mantissa = mantissa * 10 + (uint64_t)(c - '0');
		digits++;
	}
	return mantissa;
}

static bool fast(const struct json_decimal *d, double *out)
{
	double above;

	if (d->digits <= MAX_DIGITS)
		return nearest(d->mantissa, d->exponent, out);
	/* The number lies between its first digits and these plus one in the last place. */
	uint64_t mantissa = first_digits(d->text);
	int64_t exponent = d->exponent + (int64_t)(d->digits - MAX_DIGITS);
	return nearest(mantissa, exponent, out) && nearest(mantissa + 1, exponent, &above) &&
	       *out == above;
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

	if (d->digits != 0) {
		if (!fast(d, &result))
			result = by_strtod(d);
		if (isinf(result) || result == 0)
			return false;
	}
	*out = d->negative ? -result : result;
	return true;
}
