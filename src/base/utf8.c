/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UTF-8 by the table of RFC 3629 section 4, which Unicode calls well-formed byte sequences:
 *
 *	first    second   more
 *	00-7F
 *	C2-DF    80-BF
 *	E0       A0-BF    1      no overlong forms
 *	E1-EC    80-BF    1
 *	ED       80-9F    1      no surrogates
 *	EE-EF    80-BF    1
 *	F0       90-BF    2      no overlong forms
 *	F1-F3    80-BF    2
 *	F4       80-8F    2      nothing above U+10FFFF
 *
 * Only the second byte has bounds of its own, so the state between two bytes is how many
 * are still to come and the bounds of the next.
 */
#include "base/utf8.h"

#include "base/utf8_priv.h"

/* Below that, setting up the vectors costs more than they save. */
enum { WORTH_VECTORS = 32 };

static bool eight_ascii(const unsigned char *s)
{
	uint64_t word;

	memcpy(&word, s, sizeof(word));
	return (word & UINT64_C(0x8080808080808080)) == 0;
}

static bool continues(unsigned char byte)
{
	return (byte & 0xc0) == 0x80;
}

static bool between(unsigned char byte, unsigned char low, unsigned char high)
{
	return byte >= low && byte <= high;
}

/* Length of the character at the front of s, which is not ASCII; 0 = bad. */
static size_t long_character(const unsigned char *s, size_t len)
{
	unsigned char first = s[0];

	if (first < 0xc2 || first > 0xf4 || len < 2)
		return 0;
	if (first < 0xe0)
		return continues(s[1]) ? 2 : 0;
	if (first < 0xf0) {
		unsigned char low = first == 0xe0 ? 0xa0 : 0x80;
		unsigned char high = first == 0xed ? 0x9f : 0xbf;
		return len >= 3 && between(s[1], low, high) && continues(s[2]) ? 3 : 0;
	}
	unsigned char low = first == 0xf0 ? 0x90 : 0x80;
	unsigned char high = first == 0xf4 ? 0x8f : 0xbf;
	return len >= 4 && between(s[1], low, high) && continues(s[2]) && continues(s[3]) ? 4 : 0;
}

bool utf8_valid_plain(const unsigned char *s, size_t len)
{
	size_t i = 0;

	while (i < len) {
		if (s[i] < 0x80) {
			i++;
			while (len - i >= 8 && eight_ascii(s + i))
				i += 8;
			continue;
		}
		size_t n = long_character(s + i, len - i);
		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

/* Most short messages are. Byte by byte only below a word; else the last word overlaps. */
static bool short_ascii(const unsigned char *s, size_t len)
{
	unsigned char all = 0;

	if (len >= 8) {
		for (size_t i = 0; i + 8 < len; i += 8)
			if (!eight_ascii(s + i))
				return false;
		return eight_ascii(s + len - 8);
	}
	for (size_t i = 0; i < len; i++)
		all |= s[i];
	return all < 0x80;
}

bool utf8_valid(struct slice s)
{
	const unsigned char *bytes = (const unsigned char *)s.data;

	if (s.len >= WORTH_VECTORS && utf8_has_avx2())
		return utf8_valid_avx2(bytes, s.len);
	return short_ascii(bytes, s.len) || utf8_valid_plain(bytes, s.len);
}

/* What a byte that is not ASCII demands of the next ones; bad if it starts nothing. */
static struct utf8_state after_first(unsigned char first)
{
	struct utf8_state u = {.low = 0x80, .high = 0xbf};

	if (first < 0xc2 || first > 0xf4)
		u.bad = true;
	else if (first < 0xe0)
		u.need = 1;
	else if (first < 0xf0)
		u.need = 2;
	else
		u.need = 3;
	if (first == 0xe0)
		u.low = 0xa0;
	else if (first == 0xed)
		u.high = 0x9f;
	else if (first == 0xf0)
		u.low = 0x90;
	else if (first == 0xf4)
		u.high = 0x8f;
	return u;
}

static void feed_byte(struct utf8_state *u, unsigned char byte)
{
	if (u->need == 0) {
		if (byte >= 0x80)
			*u = after_first(byte);
	} else if (byte < u->low || byte > u->high) {
		u->bad = true;
	} else {
		u->need--;
		u->low = 0x80;
		u->high = 0xbf;
	}
}

/* Bytes at the end of s that begin a character which goes on behind it: 0 to 3. */
static size_t unfinished(struct slice s)
{
	for (size_t back = 1; back <= 3 && back <= s.len; back++) {
		unsigned char byte = (unsigned char)s.data[s.len - back];
		if (byte < 0x80)
			return 0;
		if (!continues(byte)) {
			size_t whole = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
			return whole > back ? back : 0;
		}
	}
	return 0;
}

bool utf8_feed(struct utf8_state *u, struct slice piece)
{
	size_t at = 0;

	while (at < piece.len && u->need && !u->bad)
		feed_byte(u, (unsigned char)piece.data[at++]);
	if (u->bad)
		return false;
	/* Between two characters: everything but an unfinished last one goes the fast way. */
	struct slice rest = slice_from(piece, at);
	size_t whole = rest.len - unfinished(rest);
	if (!utf8_valid(slice_first(rest, whole)))
		u->bad = true;
	for (at = whole; at < rest.len && !u->bad; at++)
		feed_byte(u, (unsigned char)rest.data[at]);
	return !u->bad;
}

unsigned utf8_decode(struct slice s, uint32_t *code_point)
{
	struct utf8_state u = {0};

	for (unsigned i = 0; i < 4 && i < s.len; i++) {
		unsigned char byte = (unsigned char)s.data[i];
		feed_byte(&u, byte);
		if (u.bad)
			return 0;
		if (i == 0)
			*code_point = byte < 0x80 ? byte : byte & (0x3fu >> u.need);
		else
			*code_point = *code_point << 6 | (byte & 0x3fu);
		if (u.need == 0)
			return i + 1;
	}
	return 0;
}

bool utf8_is_plain(uint32_t c)
{
	if (c < 0x20 || (c >= 0x7f && c < 0xa0))
		return false;
	return !(c >= 0x200b && c <= 0x200f) && !(c >= 0x2028 && c <= 0x202e) &&
	       !(c >= 0x2066 && c <= 0x2069) && c != 0xfeff;
}

unsigned utf8_encode(uint32_t c, char out[4])
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if ((c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff)
		return 0;
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}
