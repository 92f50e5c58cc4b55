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

/* Bytes at the front that are ASCII, eight at a time; a multiple of eight below 0x80. */
static size_t skip_ascii(const unsigned char *at, size_t len)
{
	static const uint64_t high_bits = UINT64_C(0x8080808080808080);
	size_t i = 0;
	uint64_t a, b, c, d;

	for (; len - i >= 32; i += 32) {
		memcpy(&a, at + i, 8);
		memcpy(&b, at + i + 8, 8);
		memcpy(&c, at + i + 16, 8);
		memcpy(&d, at + i + 24, 8);
		if ((a | b | c | d) & high_bits)
			break;
	}
	for (; len - i >= 8; i += 8) {
		memcpy(&a, at + i, 8);
		if (a & high_bits)
			break;
	}
	return i;
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

bool utf8_feed(struct utf8_state *u, struct slice piece)
{
	const unsigned char *at = (const unsigned char *)piece.data;

	for (size_t i = 0; i < piece.len && !u->bad;) {
		if (u->need == 0 && at[i] < 0x80) {
			size_t ascii = skip_ascii(at + i, piece.len - i);
			i += ascii ? ascii : 1;
		} else {
			feed_byte(u, at[i++]);
		}
	}
	return !u->bad;
}

bool utf8_valid(struct slice s)
{
	struct utf8_state u = {0};

	return utf8_feed(&u, s) && utf8_complete(&u);
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
