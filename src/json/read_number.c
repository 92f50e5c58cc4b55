/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers that are not plain integers or short fractions; see reader.h. */
#include "json/reader.h"

/* Far more than a text can have digits, far less than what overflows. */
static const int64_t POWER_MAX = INT64_C(1) << 40;

/* p is behind the e. */
static const char *read_power(struct json_reader *r, const char *p, int64_t *power)
{
	bool down = false;
	int64_t value = 0;

	if (p < r->end && (*p == '+' || *p == '-'))
		down = *p++ == '-';
	if (!json_digit_at(p, r->end))
		return json_refuse_byte(r, p);
	for (; json_digit_at(p, r->end); p++)
		if (value < POWER_MAX)
			value = value * 10 + (*p - '0');
	*power = down ? -value : value;
	return p;
}

/* Digits from the first that is not zero. */
static uint64_t significant_digits(struct slice text)
{
	uint64_t digits = 0;

	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] != '.' && (digits || text.data[i] != '0'))
			digits++;
	return digits;
}

const char *json_read_real(struct json_reader *r, const char *from, const char *p,
			   struct json_decimal *d, struct json_node *v)
{
	int64_t power = 0;

	d->text.len = (size_t)(p - d->text.data);
	d->digits = significant_digits(d->text);
	if (p < r->end && (*p | 0x20) == 'e') {
		p = read_power(r, p + 1, &power);
		if (!p)
			return NULL;
	}
	d->exponent += power;
	v->len = (uint32_t)(p - from);
	v->flags = 0;
	if (!json_decimal_to_double(d, &v->as.real)) {
		if (!r->limits->any_numbers)
			return json_refuse(r, JSON_FAULT_NUMBER, from);
		v->as.real = d->exponent + (int64_t)d->digits < 0 ? 0
			     : d->negative			  ? -DBL_MAX
								  : DBL_MAX;
	}
	return p;
}
