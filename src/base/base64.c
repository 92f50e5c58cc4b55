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

/* 0-63, or -1. */
static int value_of(const struct alphabet *a, char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == a->letters[62])
		return 62;
	return c == a->letters[63] ? 63 : -1;
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
	for (size_t i = 0; i < bytes.len; i += 3) {
		size_t n = bytes.len - i < 3 ? bytes.len - i : 3;
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

	for (size_t k = 0; k < 4; k++) {
		int value = k < group.len ? value_of(a, group.data[k]) : 0;
		if (value < 0)
			return 0;
		bits = bits << 6 | (uint32_t)value;
	}
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
	for (size_t i = 0; i < text.len; i += 4) {
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
