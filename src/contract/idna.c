/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Labels: decoded to characters, then judged by RFC 5891 section 5.4 with the contextual rules
 * of RFC 5892 appendix A and the Bidi rule of RFC 5893.
 */
#include "contract/idna.h"

#include "base/utf8.h"
#include "contract/idna_table.h"

enum { LABEL_MAX = 63 };

struct label {
	uint32_t points[LABEL_MAX];
	unsigned len;
};

static uint32_t properties(uint32_t point)
{
	unsigned low = 0, high = idna_range_count;

	while (low < high) {
		unsigned middle = (low + high) / 2;
		if (point > idna_ranges[middle].last)
			low = middle + 1;
		else if (point < idna_ranges[middle].first)
			high = middle;
		else
			return idna_ranges[middle].properties;
	}
	return 0;
}

/* ---- Punycode, RFC 3492 */

enum { BASE = 36, T_MIN = 1, T_MAX = 26, SKEW = 38, DAMP = 700, BIAS = 72, FIRST = 128 };

static uint32_t adapt(uint32_t delta, uint32_t points, bool first)
{
	uint32_t k = 0;

	delta = first ? delta / DAMP : delta / 2;
	delta += delta / points;
	for (; delta > (BASE - T_MIN) * T_MAX / 2; k += BASE)
		delta /= BASE - T_MIN;
	return k + (BASE - T_MIN + 1) * delta / (delta + SKEW);
}

static uint32_t threshold(uint32_t k, uint32_t bias)
{
	if (k <= bias)
		return T_MIN;
	return k >= bias + T_MAX ? T_MAX : k - bias;
}

static int digit_of(char c)
{
	if (c >= 'a' && c <= 'z')
		return c - 'a';
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	return c >= '0' && c <= '9' ? c - '0' + 26 : -1;
}

/* One generalized variable-length integer; false at its end or beyond 2^26. */
static bool take_delta(struct slice s, size_t *at, uint32_t bias, uint32_t *delta)
{
	uint64_t weight = 1, sum = 0;

	for (uint32_t k = BASE;; k += BASE) {
		int digit = *at < s.len ? digit_of(s.data[(*at)++]) : -1;
		uint32_t t = threshold(k, bias);
		if (digit < 0)
			return false;
		sum += (uint64_t)digit * weight;
		if (sum > UINT32_C(1) << 26)
			return false;
		*delta = (uint32_t)sum;
		if ((uint32_t)digit < t)
			return true;
		weight *= BASE - t;
		if (weight > UINT32_C(1) << 30)
			return false;
	}
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool decode(struct slice s, struct label *out)
{
	size_t basic = s.len, at = 0;
	uint32_t n = FIRST, i = 0, bias = BIAS, delta;

	out->len = 0;
	while (basic && s.data[basic - 1] != '-')
		basic--;
	for (; at + 1 < basic; at++)
		out->points[out->len++] = (uint8_t)lower(s.data[at]);
	at = basic;
	while (at < s.len) {
		if (out->len == LABEL_MAX || !take_delta(s, &at, bias, &delta))
			return false;
		uint32_t len = out->len + 1;
		bias = adapt(delta, len, out->len + 1 == 1 || (i == 0 && n == FIRST));
		i += delta;
		n += i / len;
		i %= len;
		if (n > 0x10ffff || (n >= 0xd800 && n < 0xe000))
			return false;
		memmove(&out->points[i + 1], &out->points[i],
			(out->len - i) * sizeof(out->points[0]));
		out->points[i++] = n;
		out->len++;
	}
	return true;
}

static unsigned delta_length(uint32_t delta, uint32_t bias)
{
	unsigned digits = 1;

	for (uint32_t k = BASE;; k += BASE, digits++) {
		uint32_t t = threshold(k, bias);
		if (delta < t)
			return digits;
		delta = (delta - t) / (BASE - t);
	}
}

static uint32_t next_point(const struct label *l, uint32_t from)
{
	uint32_t next = UINT32_MAX;

	for (unsigned i = 0; i < l->len; i++)
		if (l->points[i] >= from && l->points[i] < next)
			next = l->points[i];
	return next;
}

/* How many characters the A-label has, xn-- included. */
static size_t encoded_length(const struct label *l)
{
	uint32_t basic = 0, delta = 0, n = FIRST, bias = BIAS;

	for (unsigned i = 0; i < l->len; i++)
		basic += l->points[i] < FIRST;
	size_t len = 4 + basic + (basic ? 1 : 0);
	for (uint32_t done = basic; done < l->len; n++, delta++) {
		uint32_t next = next_point(l, n);
		delta += (next - n) * (done + 1);
		n = next;
		for (unsigned i = 0; i < l->len; i++) {
			if (l->points[i] < n)
				delta++;
			if (l->points[i] != n)
				continue;
			len += delta_length(delta, bias);
			bias = adapt(delta, done + 1, done == basic);
			delta = 0;
			done++;
		}
	}
	return len;
}

/* ---- contextual rules, RFC 5892 appendix A */

static bool has(const struct label *l, unsigned i, uint32_t property)
{
	return i < l->len && (properties(l->points[i]) & property);
}

/* (L|D) T* ZWNJ T* (R|D) */
static bool joins(const struct label *l, unsigned at)
{
	unsigned before = at, after = at + 1;

	do {
		if (before == 0)
			return false;
		before--;
	} while (has(l, before, IDNA_JOIN_T));
	while (has(l, after, IDNA_JOIN_T))
		after++;
	return has(l, before, IDNA_JOIN_D) && has(l, after, IDNA_JOIN_D | IDNA_JOIN_R);
}

static bool any_between(const struct label *l, uint32_t first, uint32_t last)
{
	for (unsigned i = 0; i < l->len; i++)
		if (l->points[i] >= first && l->points[i] <= last)
			return true;
	return false;
}

static bool any_has(const struct label *l, uint32_t property)
{
	for (unsigned i = 0; i < l->len; i++)
		if (has(l, i, property))
			return true;
	return false;
}

static bool fits_context(const struct label *l, unsigned i)
{
	uint32_t c = l->points[i];

	if (c == 0x200d) /* zero width joiner */
		return i > 0 && has(l, i - 1, IDNA_VIRAMA);
	if (c == 0x200c) /* zero width non-joiner */
		return i > 0 && (has(l, i - 1, IDNA_VIRAMA) || joins(l, i));
	if (c == 0xb7) /* middle dot */
		return i > 0 && i + 1 < l->len && l->points[i - 1] == 'l' &&
		       l->points[i + 1] == 'l';
	if (c == 0x375) /* Greek keraia */
		return has(l, i + 1, IDNA_GREEK);
	if (c == 0x5f3 || c == 0x5f4) /* Hebrew geresh, gershayim */
		return i > 0 && has(l, i - 1, IDNA_HEBREW);
	if (c == 0x30fb) /* Katakana middle dot */
		return any_has(l, IDNA_KANA);
	if (c >= 0x660 && c <= 0x669) /* Arabic-Indic digits */
		return !any_between(l, 0x6f0, 0x6f9);
	if (c >= 0x6f0 && c <= 0x6f9)
		return !any_between(l, 0x660, 0x669);
	return properties(c) & IDNA_VALID;
}

/* RFC 5893 section 2, for labels with characters that run from right to left. */
static bool fits_bidi(const struct label *l)
{
	uint32_t all = 0;
	unsigned end = l->len;

	if (!any_has(l, IDNA_RTL | IDNA_AN))
		return true;
	for (unsigned i = 0; i < l->len; i++)
		all |= properties(l->points[i]);
	while (end && has(l, end - 1, IDNA_NSM))
		end--;
	if (has(l, 0, IDNA_LTR) || !has(l, 0, IDNA_RTL))
		return false;
	return !(all & IDNA_LTR) && has(l, end - 1, IDNA_RTL | IDNA_EN | IDNA_AN) &&
	       !((all & IDNA_EN) && (all & IDNA_AN));
}

static bool is_valid(const struct label *l)
{
	if (l->len == 0 || has(l, 0, IDNA_MARK) || l->points[0] == '-' ||
	    l->points[l->len - 1] == '-')
		return false;
	if (l->len >= 4 && l->points[2] == '-' && l->points[3] == '-')
		return false;
	for (unsigned i = 0; i < l->len; i++)
		if (!fits_context(l, i))
			return false;
	return fits_bidi(l) && encoded_length(l) <= LABEL_MAX;
}

bool idna_a_label(struct slice punycode)
{
	struct label l;
	bool foreign = false;

	if (punycode.len == 0 || !decode(punycode, &l))
		return false;
	for (unsigned i = 0; i < l.len; i++)
		foreign |= l.points[i] >= FIRST;
	return foreign && is_valid(&l) && encoded_length(&l) == punycode.len + 4;
}

bool idna_u_label(struct slice text, size_t *encoded)
{
	struct label l = {.len = 0};

	while (text.len) {
		unsigned len = l.len < LABEL_MAX ? utf8_decode(text, &l.points[l.len]) : 0;
		if (len == 0)
			return false;
		l.len++;
		text = slice_of(text.data + len, text.len - len);
	}
	if (!is_valid(&l))
		return false;
	*encoded = encoded_length(&l);
	return true;
}
