/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strings that are not plain ASCII; see reader.h.
 *
 * Decoded bytes go to the spare memory, which is as long as the text. What is written there
 * never gets ahead of what was read, so whole words may be copied and the surplus written
 * over, as long as the text has as many bytes left.
 */
#include "base/utf8.h"
#include "json/reader.h"
#include "json/scan.h"

/* The value of a hexadecimal digit, or at least 16. */
static inline unsigned hex_digit(char c)
{
	unsigned digit = (uint8_t)(c - '0');
	unsigned letter = (uint8_t)((c | 0x20) - 'a');

	return digit <= 9 ? digit : letter <= 5 ? letter + 10 : 16;
}

/* Four hexadecimal digits at p, or at least 0x10000. */
static inline uint32_t hex4(const char *p, const char *end)
{
	uint32_t value = 0, bad = 0;

	if (end - p < 4)
		return UINT32_MAX;
	for (int i = 0; i < 4; i++) {
		unsigned digit = hex_digit(p[i]);
		bad |= digit >> 4;
		value = value << 4 | (digit & 15);
	}
	return bad ? UINT32_MAX : value;
}

/* UTF-8 of anything up to U+10FFFF; also, for any_strings, of surrogates. */
static inline void spare_character(struct json_reader *r, uint32_t c)
{
	char *to = r->spare;

	if (c < 0x80) {
		*to++ = (char)c;
	} else if (c < 0x800) {
		*to++ = (char)(0xc0 | c >> 6);
		*to++ = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		*to++ = (char)(0xe0 | c >> 12);
		*to++ = (char)(0x80 | (c >> 6 & 0x3f));
		*to++ = (char)(0x80 | (c & 0x3f));
	} else {
		*to++ = (char)(0xf0 | c >> 18);
		*to++ = (char)(0x80 | (c >> 12 & 0x3f));
		*to++ = (char)(0x80 | (c >> 6 & 0x3f));
		*to++ = (char)(0x80 | (c & 0x3f));
	}
	r->spare = to;
}

/* p is at the backslash of a \u; decodes one or, with a surrogate pair, two of them. */
static const char *read_unicode_escape(struct json_reader *r, const char *p)
{
	uint32_t unit = hex4(p + 2, r->end), low = 0;

	if (unit > 0xffff)
		return json_refuse(r, JSON_FAULT_ESCAPE, p);
	if (unit == 0 && !r->limits->any_strings)
		return json_refuse(r, JSON_FAULT_NUL, p);
	if (unit < 0xd800 || unit > 0xdfff) {
		spare_character(r, unit);
		return p + 6;
	}
	if (unit < 0xdc00 && r->end - p >= 12 && p[6] == '\\' && p[7] == 'u')
		low = hex4(p + 8, r->end);
	if (low >= 0xdc00 && low <= 0xdfff) {
		spare_character(r, 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00));
		return p + 12;
	}
	if (!r->limits->any_strings)
		return json_refuse(r, JSON_FAULT_SURROGATE, p);
	spare_character(r, unit);
	return p + 6;
}

/* p is at a backslash; the decoded character goes to the spare bytes. */
static const char *read_escape(struct json_reader *r, const char *p)
{
	char c;

	if (r->end - p < 2)
		return json_refuse(r, JSON_FAULT_END, r->end);
	/* clang-format off */
	switch (p[1]) {
	case '"': case '\\': case '/': c = p[1]; break;
	case 'b': c = '\b'; break;
	case 'f': c = '\f'; break;
	case 'n': c = '\n'; break;
	case 'r': c = '\r'; break;
	case 't': c = '\t'; break;
	case 'u': return read_unicode_escape(r, p);
	default:  return json_refuse(r, JSON_FAULT_ESCAPE, p);
	}
	/* clang-format on */
	*r->spare++ = c;
	return p + 2;
}

/* Length of the character at p, whose first byte is 0x80 or above; 0 when it is none. The
 * bytes are the rows of RFC 3629 section 4. */
static inline unsigned character_length(const char *p, const char *end)
{
	uint32_t ignored;
	uint8_t b[4];

	if (end - p < 4)
		return utf8_decode(slice_of(p, (size_t)(end - p)), &ignored);
	memcpy(b, p, sizeof(b));
	bool second = (b[1] & 0xc0) == 0x80;
	bool third = (b[2] & 0xc0) == 0x80;
	if ((b[0] & 0xf0) == 0xe0) {
		bool overlong = b[0] == 0xe0 && b[1] < 0xa0;
		bool surrogate = b[0] == 0xed && b[1] > 0x9f;
		return second && third && !overlong && !surrogate ? 3 : 0;
	}
	if (b[0] < 0xe0)
		return b[0] >= 0xc2 && second ? 2 : 0;
	bool fourth = (b[3] & 0xc0) == 0x80;
	bool overlong = b[0] == 0xf0 && b[1] < 0x90;
	bool beyond = b[0] > 0xf4 || (b[0] == 0xf4 && b[1] > 0x8f);
	return second && third && fourth && !overlong && !beyond ? 4 : 0;
}

const char *json_skip_characters(struct json_reader *r, const char *p)
{
	while (p < r->end && (uint8_t)*p >= 0x80) {
		unsigned len = character_length(p, r->end);
		if (len == 0)
			return json_refuse(r, JSON_FAULT_UTF8, p);
		p += len;
	}
	return p;
}

/* Copies from p on up to the next byte at which something has to be done. */
static inline const char *copy_plain(struct json_reader *r, const char *p)
{
	bool wide = r->limits->utf8_checked;
	char *to = r->spare;

#ifdef JSON_SCAN_SSE2
	for (; r->end - p >= 16; p += 16, to += 16) {
		unsigned hits = json_scan_hits(p, wide);
		memcpy(to, p, 16);
		if (hits) {
			int plain = __builtin_ctz(hits);
			r->spare = to + plain;
			return p + plain;
		}
	}
#endif
	const char *stop = json_scan_by_word(p, r->end, wide);
	memcpy(to, p, (size_t)(stop - p));
	r->spare = to + (stop - p);
	return stop;
}

const char *json_read_escaped(struct json_reader *r, const char *from, const char *p,
			      struct json_node *v)
{
	char *decoded = r->spare;

	if (!decoded) {
		r->wants_spare = true;
		return NULL;
	}
	memcpy(r->spare, from, (size_t)(p - from));
	r->spare += p - from;
	for (;;) {
		if (p == r->end)
			return json_refuse(r, JSON_FAULT_END, p);
		if (*p == '"')
			break;
		if (*p == '\\') {
			p = read_escape(r, p);
		} else if ((uint8_t)*p < 0x20) {
			return json_refuse(r, JSON_FAULT_CONTROL, p);
		} else {
			const char *characters = p;
			p = json_skip_characters(r, p);
			if (p) {
				memcpy(r->spare, characters, (size_t)(p - characters));
				r->spare += p - characters;
			}
		}
		if (!p)
			return NULL;
		p = copy_plain(r, p);
	}
	v->data = decoded;
	v->len = (uint32_t)(r->spare - decoded);
	v->flags |= JSON_IS_ESCAPED;
	return p + 1;
}
