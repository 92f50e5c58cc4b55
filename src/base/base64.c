/* SPDX-License-Identifier: Apache-2.0 */
/* Both alphabets of RFC 4648 through one pair of functions; see base64.h. */
#include "base/base64.h"

#include <stdint.h>

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

struct alphabet {
	char letters[65];
	bool padded;
};

static const struct alphabet standard = {LETTERS "+/", true};
static const struct alphabet url = {LETTERS "-_", false};

/* Of each character; the last two values have one in each alphabet. A table, since no processor
 * foresees which range the next character is from. */
enum { NO_VALUE = 64 };
/* clang-format off */
static const uint8_t values[128] = {
	64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, /* 0x00 */
	64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, /* 0x10 */
	64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 62, 64, 62, 64, 63, /* 0x20 */
	52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 64, 64, 64, 64, 64, 64, /* 0x30 */
	64,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, /* 0x40 */
	15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 64, 64, 64, 64, 63, /* 0x50 */
	64, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, /* 0x60 */
	41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 64, 64, 64, 64, 64, /* 0x70 */
};
/* clang-format on */

/* 0-63, or NO_VALUE. */
static unsigned value_of(const struct alphabet *a, char c)
{
	unsigned char u = (unsigned char)c;
	unsigned value = u < sizeof(values) ? values[u] : NO_VALUE;

	return value < 62 || (value < NO_VALUE && c == a->letters[value]) ? value : NO_VALUE;
}

static size_t chars_for(const struct alphabet *a, size_t bytes)
{
	size_t rest = bytes % 3, chars = bytes / 3 * 4;

	if (rest)
		chars += a->padded ? 4 : rest + 1;
	return chars;
}

static struct slice encode(const struct alphabet *a, struct slice bytes, char *out, size_t room)
{
	size_t chars = chars_for(a, bytes.len), at = 0;

	if (bytes.len > SIZE_MAX / 2 || chars > room)
		return slice_of(NULL, 0);
	size_t i = 0;
	for (; bytes.len - i >= 3; i += 3) {
		const unsigned char *b = (const unsigned char *)bytes.data + i;
		uint32_t bits = (uint32_t)b[0] << 16 | (uint32_t)b[1] << 8 | b[2];
		for (unsigned shift = 24; shift; shift -= 6)
			out[at++] = a->letters[bits >> (shift - 6) & 63];
	}
	if (i < bytes.len) {
		size_t n = bytes.len - i;
		uint32_t bits = 0;
		for (size_t k = 0; k < 3; k++)
			bits = bits << 8 | (k < n ? (unsigned char)bytes.data[i + k] : 0);
		for (size_t k = 0; k < 4; k++) {
			if (k <= n)
				out[at++] = a->letters[bits >> (18 - 6 * k) & 63];
			else if (a->padded)
				out[at++] = '=';
		}
	}
	return slice_of(out, at);
}

/* Two to four characters into one to three bytes. Returns how many, 0 if not canonical. */
static size_t decode_group(const struct alphabet *a, struct slice group, unsigned char bytes[3])
{
	uint32_t bits = 0;
	unsigned bad = 0;

	for (size_t k = 0; k < 4; k++) {
		unsigned value = k < group.len ? value_of(a, group.data[k]) : 0;
		bad |= value;
		bits = bits << 6 | (value & 63);
	}
	if (bad & NO_VALUE)
		return 0;
	if (group.len < 2 || (group.len < 4 && bits & (group.len == 2 ? 0xffff : 0xff)))
		return 0;
	bytes[0] = (unsigned char)(bits >> 16);
	bytes[1] = (unsigned char)(bits >> 8);
	bytes[2] = (unsigned char)bits;
	return group.len - 1;
}

static bool decode(const struct alphabet *a, struct slice text, void *out, size_t room, size_t *len)
{
	unsigned char *to = out;
	size_t at = 0;

	if (a->padded) {
		if (text.len % 4)
			return false;
		for (int i = 0; i < 2 && text.len && text.data[text.len - 1] == '='; i++)
			text.len--;
	}
	size_t i = 0;
	for (; text.len - i >= 4 && room - at >= 3; i += 4, at += 3) {
		const char *c = text.data + i;
		unsigned v0 = value_of(a, c[0]), v1 = value_of(a, c[1]);
		unsigned v2 = value_of(a, c[2]), v3 = value_of(a, c[3]);
		if ((v0 | v1 | v2 | v3) & NO_VALUE)
			return false;
		to[at] = (unsigned char)(v0 << 2 | v1 >> 4);
		to[at + 1] = (unsigned char)(v1 << 4 | v2 >> 2);
		to[at + 2] = (unsigned char)(v2 << 6 | v3);
	}
	/* The last characters, and what there is no room for. */
	for (; i < text.len; i += 4) {
		unsigned char bytes[3];
		size_t n = decode_group(a, slice_first(slice_from(text, i), 4), bytes);
		if (n == 0 || n > room - at)
			return false;
		memcpy(to + at, bytes, n);
		at += n;
	}
	*len = at;
	return true;
}

struct slice base64_encode(struct slice bytes, char *out, size_t room)
{
	return encode(&standard, bytes, out, room);
}

struct slice base64url_encode(struct slice bytes, char *out, size_t room)
{
	return encode(&url, bytes, out, room);
}

bool base64_decode(struct slice text, void *out, size_t room, size_t *len)
{
	return decode(&standard, text, out, room, len);
}

bool base64url_decode(struct slice text, void *out, size_t room, size_t *len)
{
	return decode(&url, text, out, room, len);
}
