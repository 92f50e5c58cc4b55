/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Numbers and the three words, in line: for the reader's main loop and for texts of a known
 * shape. For the json layer only; see reader.h for what these functions take and give.
 */
#include "json/reader.h"
#include "json/scan.h"

#define LIKELY(x)   __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

static const uint64_t JSON_INTEGER_MAX = (UINT64_C(1) << 53) - 1;

/* Digits from p on, to the end of *mantissa; eight at a time where the text goes on that long. */
static inline const char *json_read_digits(const char *p, const char *end, uint64_t *mantissa)
{
	static const uint64_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000};
	uint64_t m = *mantissa;

	while (end - p >= 8) {
		uint64_t word = json_scan_load(p), others = json_digits_end(word);
		if (others) {
			unsigned digits = (unsigned)__builtin_ctzll(others) / 8;
			/* Zeros before them instead of what is behind. */
			word = word << 8 << (56 - digits * 8);
			*mantissa = m * powers[digits] + json_digits_value(word);
			return p + digits;
		}
		m = m * 100000000 + json_digits_value(word);
		p += 8;
	}
	for (; json_digit_at(p, end); p++)
		m = m * 10 + (uint64_t)(*p - '0');
	*mantissa = m;
	return p;
}

/* What to make of an integer with so many digits. */
static inline bool json_take_integer(const struct json_limits *limits, bool negative,
				     uint64_t mantissa, size_t digits, struct json_node *v)
{
	v->flags = JSON_IS_INTEGER;
	if (UNLIKELY(digits > 15)) { /* else it is below 10^15 */
		if (digits > 19 || mantissa > (uint64_t)INT64_MAX + negative)
			return false;
		if (mantissa > JSON_INTEGER_MAX) {
			if (!limits->big_integers)
				return false;
			v->flags |= JSON_IS_BIG;
		}
	}
	v->as.integer = (int64_t)(negative ? 0 - mantissa : mantissa);
	return true;
}

/* p is at the minus or the first digit. */
static inline const char *json_read_number(struct json_reader *r, const char *p,
					   struct json_node *v)
{
	const char *const from = p, *const end = r->end;
	bool negative = *p == '-';
	uint64_t mantissa = 0;
	int64_t exponent = 0;

	v->type = JSON_NUMBER;
	v->unused = 0;
	v->data = from;
	const char *const digits = p += negative;
	if (UNLIKELY(!json_digit_at(p, end)))
		return json_refuse_byte(r, p);
	p = json_read_digits(p, end, &mantissa);
	if (UNLIKELY(*digits == '0' && p != digits + 1))
		return json_refuse(r, JSON_FAULT_SYNTAX, digits + 1);

	if (p < end && *p == '.') {
		const char *fraction = ++p;
		p = json_read_digits(p, end, &mantissa);
		if (UNLIKELY(p == fraction))
			return json_refuse_byte(r, p);
		exponent = fraction - p;
	} else if (p == end || (*p | 0x20) != 'e') {
		v->len = (uint32_t)(p - from);
		if (LIKELY(json_take_integer(r->limits, negative, mantissa, (size_t)(p - digits),
					     v)))
			return p;
		if (!r->limits->any_numbers)
			return json_refuse(r, JSON_FAULT_NUMBER, from);
	}
	bool plain = p == end || (*p | 0x20) != 'e';
	if (LIKELY(plain) && json_decimal_is_short(mantissa, (size_t)(p - digits))) {
		double real = json_decimal_short(mantissa, exponent);
		v->as.real = negative ? -real : real;
		v->len = (uint32_t)(p - from);
		v->flags = 0;
		return p;
	}
	struct json_decimal d = {
		.text = {digits, 0},
		.mantissa = mantissa,
		.exponent = exponent,
		.negative = negative,
	};
	return json_read_real(r, from, p, &d, v);
}

/* p is at the first letter of the word that has to be there. */
static inline const char *json_read_literal(struct json_reader *r, const char *p, struct slice word,
					    enum json_type type, uint8_t flags, struct json_node *v)
{
	v->type = (uint8_t)type;
	v->flags = flags;
	v->unused = 0;
	v->len = 0;
	v->data = p;
	v->as.integer = 0;
	if (LIKELY((size_t)(r->end - p) >= word.len && memcmp(p, word.data, word.len) == 0))
		return p + word.len;
	for (size_t i = 0; p < r->end && *p == word.data[i]; i++)
		p++;
	return json_refuse_byte(r, p);
}
