/* SPDX-License-Identifier: Apache-2.0 */
/* Values as text, and characters; see text.h. */
#include "cel/text.h"

#include <math.h>

#include "base/buf.h"
#include "cel/moment.h"

/* The digits of the shortest decimal, without dot and trailing zeros; *exponent is that of the
 * first one. */
static size_t shortest(double d, char digits[20], int *exponent)
{
	char text[40];
	size_t n = 0;

	for (int precision = 0; precision < 17; precision++) {
		snprintf(text, sizeof(text), "%.*e", precision, d);
		if (strtod(text, NULL) == d)
			break;
	}
	const char *e = strchr(text, 'e');
	for (const char *p = text; p < e; p++)
		if (*p != '.' && n < 19)
			digits[n++] = *p;
	while (n > 1 && digits[n - 1] == '0')
		n--;
	*exponent = (int)strtol(e + 1, NULL, 10);
	return n;
}

struct slice cel_double_text(double d, char text[CEL_TEXT_BYTES])
{
	char digits[20];
	size_t at = 0;
	int exponent;

	if (isnan(d))
		return SLICE("NaN");
	if (isinf(d))
		return d < 0 ? SLICE("-Infinity") : SLICE("Infinity");
	if (signbit(d))
		text[at++] = '-';
	size_t n = shortest(fabs(d), digits, &exponent);
	bool scientific = exponent < -4 || exponent >= 21;
	int point = scientific ? 0 : exponent; /* the dot stands behind this digit */
	for (int i = point < 0 ? point : 0; i <= point || i < (int)n; i++) {
		if (i == point + 1 && point >= 0)
			text[at++] = '.';
		text[at++] = i >= 0 && i < (int)n ? digits[i] : '0';
		if (i == point && i < 0)
			text[at++] = '.';
	}
	if (scientific)
		at += (size_t)snprintf(text + at, 8, "e%c%02d", exponent < 0 ? '-' : '+',
				       abs(exponent) % 1000);
	return slice_of(text, at);
}

static struct slice printed(int n, const char *text)
{
	return slice_of(text, (size_t)n);
}

struct slice cel_scalar_text(const struct cel_value *v, char text[CEL_TEXT_BYTES])
{
	_Static_assert((int)CEL_TEXT_BYTES >= (int)MOMENT_TEXT_BYTES &&
			       (int)CEL_TEXT_BYTES >= (int)ADDRESS_TEXT_BYTES,
		       "one buffer for all");
	switch ((enum cel_kind)v->kind) {
	case CEL_NULL:
		return SLICE("null");
	case CEL_BOOL:
		return v->as.truth ? SLICE("true") : SLICE("false");
	case CEL_INT:
		return printed(snprintf(text, 24, "%lld", (long long)v->as.integer), text);
	case CEL_UINT:
		return printed(snprintf(text, 24, "%llu", (unsigned long long)v->as.natural), text);
	case CEL_DOUBLE:
		return cel_double_text(v->as.real, text);
	case CEL_TIMESTAMP:
		return moment_format(v, 0, true, text);
	case CEL_DURATION:
		return moment_format_duration(v->as.integer, text);
	case CEL_TYPE:
		return cel_kind_name(v->as.type);
	case CEL_IP:
		return address_format(v->as.address, text);
	case CEL_CIDR:
		return prefix_format(v->as.prefix, text);
	case CEL_STRING:
	case CEL_BYTES:
		return v->as.text;
	case CEL_ERROR:
	case CEL_LIST:
	case CEL_MAP:
	case CEL_KINDS:
		break;
	}
	return cel_kind_name((enum cel_kind)v->kind);
}

/* Bytes that do not continue a character begin one. */
static bool begins(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

uint64_t cel_characters(struct slice s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += begins(s.data[i]);
	return n;
}

size_t cel_character_at(struct slice s, uint64_t index)
{
	size_t i = 0;

	for (; i < s.len; i++)
		if (begins(s.data[i]) && index-- == 0)
			return i;
	return index == 0 ? s.len : SIZE_MAX;
}
