/* SPDX-License-Identifier: Apache-2.0 */
/* Decimal arithmetic on the text of numbers; see schema_number.h. */
#include "contract/schema_number.h"

__extension__ typedef unsigned __int128 u128;

enum {
	SHORT_TEXT = 15, /* numbers that short differ as doubles if they differ at all */
	DIVISOR_DIGITS = 18,
};

static const int64_t EXPONENT_MAX = INT64_C(1) << 40;

/* The digits from the first to the last that is not zero; a dot may stand between them. */
struct decimal {
	bool negative, zero;
	const char *first, *end;
	int64_t top, low; /* powers of ten of the first and the last digit */
};

static int64_t read_exponent(const char *p, const char *end)
{
	bool down = false;
	int64_t value = 0;

	if (p < end && (*p == '+' || *p == '-'))
		down = *p++ == '-';
	for (; p < end && value < EXPONENT_MAX; p++)
		value = value * 10 + (*p - '0');
	return down ? -value : value;
}

static struct decimal decimal_of(const struct json_node *v)
{
	struct decimal d = {.zero = true};
	const char *p = v->data, *end = v->data + v->len;
	int64_t whole_digits = -1, digits = 0, first = 0, last = 0;

	if (p < end && *p == '-') {
		d.negative = true;
		p++;
	}
	for (; p < end && *p != 'e' && *p != 'E'; p++) {
		if (*p == '.') {
			whole_digits = digits;
			continue;
		}
		if (*p != '0') {
			if (d.zero) {
				d.first = p;
				first = digits;
			}
			d.zero = false;
			d.end = p + 1;
			last = digits;
		}
		digits++;
	}
	if (whole_digits < 0)
		whole_digits = digits;
	int64_t exponent = p < end ? read_exponent(p + 1, end) : 0;
	d.top = whole_digits - 1 - first + exponent;
	d.low = whole_digits - 1 - last + exponent;
	if (d.zero)
		d.negative = false;
	return d;
}

/* The digit at *p, which moves on; '0' behind the end. */
static char next_digit(const char **p, const char *end)
{
	if (*p < end && **p == '.')
		++*p;
	return *p < end ? *(*p)++ : '0';
}

static int cmp_magnitude(const struct decimal *a, const struct decimal *b)
{
	const char *p = a->first, *q = b->first;

	if (a->zero || b->zero)
		return (int)b->zero - (int)a->zero;
	if (a->top != b->top)
		return a->top < b->top ? -1 : 1;
	while (p < a->end || q < b->end) {
		char x = next_digit(&p, a->end), y = next_digit(&q, b->end);
		if (x != y)
			return x < y ? -1 : 1;
	}
	return 0;
}

static int cmp_decimal(const struct json_node *a, const struct json_node *b)
{
	struct decimal x = decimal_of(a), y = decimal_of(b);

	if (x.negative != y.negative)
		return x.negative ? -1 : 1;
	return x.negative ? cmp_magnitude(&y, &x) : cmp_magnitude(&x, &y);
}

int schema_number_cmp_decimal(const struct json_node *a, const struct json_node *b)
{
	if (a->len <= SHORT_TEXT && b->len <= SHORT_TEXT)
		return json_number_cmp(a, b);
	return cmp_decimal(a, b);
}

bool schema_number_whole_decimal(const struct json_node *v)
{
	struct decimal d = decimal_of(v);
	return d.zero || d.low >= 0;
}

static uint64_t remainder_of(const struct decimal *d, uint64_t divisor)
{
	uint64_t rest = 0;

	for (const char *p = d->first; p < d->end;)
		rest = (uint64_t)(((u128)rest * 10 + (unsigned)(next_digit(&p, d->end) - '0')) %
				  divisor);
	return rest;
}

/* 10^exponent mod divisor. */
static uint64_t power_of_ten(int64_t exponent, uint64_t divisor)
{
	u128 result = 1 % divisor, square = 10 % divisor;

	for (; exponent; exponent >>= 1) {
		if (exponent & 1)
			result = result * square % divisor;
		square = square * square % divisor;
	}
	return (uint64_t)result;
}

bool schema_number_divides(const struct json_node *divisor)
{
	struct decimal d = decimal_of(divisor);

	return !d.zero && !d.negative && d.top - d.low < DIVISOR_DIGITS;
}

bool schema_number_multiple(const struct json_node *v, const struct json_node *divisor)
{
	if (v->flags & divisor->flags & JSON_IS_INTEGER)
		return v->as.integer % divisor->as.integer == 0;
	struct decimal a = decimal_of(v), b = decimal_of(divisor);
	uint64_t whole = remainder_of(&b, UINT64_MAX);

	/* Neither has zeros at its end, so a power of ten below the divisor's cannot go away. */
	if (a.zero)
		return true;
	if (a.low < b.low)
		return false;
	return (u128)remainder_of(&a, whole) * power_of_ten(a.low - b.low, whole) % whole == 0;
}

/* ---- equality */

static bool equal_arrays(const struct json_node *a, const struct json_node *b)
{
	const struct json_node *other = b + 1;

	JSON_EACH (item, a) {
		if (!schema_equal(item, other))
			return false;
		other = json_next(other);
	}
	return true;
}

static bool equal_objects(const struct json_node *a, const struct json_node *b)
{
	JSON_EACH_MEMBER (key, a) {
		struct json_name name = {json_string(key), key->as.string.hash};
		const struct json_node *other = json_member_named(b, &name);
		if (!other || !schema_equal(json_value_of(key), other))
			return false;
	}
	return true;
}

/* Recursion is bounded by the depth of a tape. */
bool schema_equal(const struct json_node *a, const struct json_node *b)
{
	if (a->type != b->type)
		return false;
	switch (json_type(a)) {
	case JSON_NUMBER:
		return schema_number_cmp(a, b) == 0;
	case JSON_ARRAY:
		return a->len == b->len && equal_arrays(a, b);
	case JSON_OBJECT:
		return a->len == b->len && equal_objects(a, b);
	case JSON_NONE:
	case JSON_NULL:
	case JSON_BOOL:
	case JSON_STRING:
		break;
	}
	return json_equal(a, b);
}
