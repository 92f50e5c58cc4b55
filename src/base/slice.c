/* SPDX-License-Identifier: Apache-2.0 */
/* Comparisons and cuts of byte runs; see slice.h. */
#include "base/slice.h"

static unsigned char ascii_lower(char c)
{
	unsigned char u = (unsigned char)c;
	return u >= 'A' && u <= 'Z' ? (unsigned char)(u | 0x20) : u;
}

/* The same for eight at once: a byte from 'A' to 'Z' carries into its highest bit in one of the
 * two sums and not in the other. */
static uint64_t ascii_lower8(uint64_t word)
{
	const uint64_t each = UINT64_C(0x0101010101010101);
	uint64_t low = word & each * 0x7f;
	uint64_t from_a = low + each * (0x80 - 'A'), past_z = low + each * (0x7f - 'Z');

	return word | ((from_a ^ past_z) & ~word & each * 0x80) >> 2;
}

/* The first four bytes and the last four, which may be the same. */
static uint64_t load4_twice(const char *p, size_t len)
{
	return (uint64_t)slice_load4(p) << 32 | slice_load4(p + len - 4);
}

bool slice_same_icase(const char *a, const char *b, size_t len)
{
	if (len < 4) {
		for (size_t i = 0; i < len; i++)
			if (ascii_lower(a[i]) != ascii_lower(b[i]))
				return false;
		return true;
	}
	if (len < 8)
		return ascii_lower8(load4_twice(a, len)) == ascii_lower8(load4_twice(b, len));
	for (size_t i = 0; len - i > 8; i += 8)
		if (ascii_lower8(slice_load8(a + i)) != ascii_lower8(slice_load8(b + i)))
			return false;
	/* The last eight, some of them perhaps again. */
	return ascii_lower8(slice_load8(a + len - 8)) == ascii_lower8(slice_load8(b + len - 8));
}

bool slice_starts_with(struct slice s, struct slice prefix)
{
	return s.len >= prefix.len && slice_eq(slice_first(s, prefix.len), prefix);
}

bool slice_ends_with(struct slice s, struct slice suffix)
{
	if (s.len < suffix.len)
		return false;
	return suffix.len == 0 || slice_eq(slice_from(s, s.len - suffix.len), suffix);
}

size_t slice_index(struct slice s, char c)
{
	const char *at = s.len ? memchr(s.data, c, s.len) : NULL;
	return at ? (size_t)(at - s.data) : s.len;
}

int slice_cmp(struct slice a, struct slice b)
{
	size_t common = a.len < b.len ? a.len : b.len;
	int order = common ? memcmp(a.data, b.data, common) : 0;
	if (order)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

struct slice slice_trim(struct slice s)
{
	while (s.len && (s.data[0] == ' ' || s.data[0] == '\t')) {
		s.data++;
		s.len--;
	}
	while (s.len && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t'))
		s.len--;
	return s;
}

bool slice_next(struct slice *rest, bool *more, char separator, struct slice *part)
{
	if (!*more)
		return false;
	size_t at = slice_index(*rest, separator);
	*part = slice_first(*rest, at);
	*more = at < rest->len;
	*rest = slice_from(*rest, at + 1);
	return true;
}
