/* SPDX-License-Identifier: Apache-2.0 */
/* Other ways to read a string; see detect_view.h. */
#include "policy/detect_view.h"

#include "base/num.h"
#include "base/utf8.h"
#include "policy/html.h"

/* That many hexadecimal digits from `at` on; -1 when there are fewer. */
static int32_t hex_at(struct slice s, size_t at, size_t digits)
{
	int32_t value = 0;

	if (at > s.len || s.len - at < digits)
		return -1;
	for (size_t i = 0; i < digits; i++) {
		int digit = num_hex_digit(s.data[at + i]);
		if (digit < 0)
			return -1;
		value = value << 4 | digit;
	}
	return value;
}

/* Code units that are no character (half a pair) become nothing. */
static size_t put(char *out, int32_t code)
{
	return utf8_encode((uint32_t)code, out);
}

struct slice detect_view_percent(struct slice text, char *out)
{
	size_t len = 0;
	bool any = false;
	bool blanks = slice_index(text, ' ') < text.len;

	if (slice_index(text, '%') == text.len)
		return text;
	for (size_t at = 0; at < text.len;) {
		char c = text.data[at];
		int32_t byte = c == '%' ? hex_at(text, at + 1, 2) : -1;
		int32_t unit = c == '%' && at + 1 < text.len && (text.data[at + 1] | 0x20) == 'u'
				       ? hex_at(text, at + 2, 4)
				       : -1;
		any |= byte >= 0 || unit >= 0;
		if (byte >= 0)
			out[len++] = (char)byte;
		else if (unit >= 0)
			len += put(out + len, unit);
		else
			out[len++] = c == '+' && !blanks ? ' ' : c;
		at += byte >= 0 ? 3 : unit >= 0 ? 6 : 1;
	}
	return any ? slice_of(out, len) : text;
}

struct slice detect_view_references(struct slice text, char *out)
{
	size_t len = 0;

	if (slice_index(text, '&') == text.len)
		return text;
	for (size_t at = 0; at < text.len;) {
		char c = text.data[at];
		size_t used = c == '&' ? html_decode_reference(slice_from(text, at), &c) : 0;
		out[len++] = c;
		at += used ? used : 1;
	}
	return len < text.len ? slice_of(out, len) : text;
}

/* The escape at the front of s: its length and its code unit; 0 for none. */
static size_t escape_at(struct slice s, int32_t *unit)
{
	char kind = s.len > 1 ? s.data[1] : '\0';

	if (kind == 'x') {
		*unit = hex_at(s, 2, 2);
		return *unit < 0 ? 0 : 4;
	}
	if (kind != 'u')
		return 0;
	*unit = hex_at(s, 2, 4);
	if (*unit >= 0)
		return 6;
	for (size_t digits = 1; digits <= 6; digits++) {
		if (s.len > 3 + digits && s.data[2] == '{' && s.data[3 + digits] == '}') {
			*unit = hex_at(s, 3, digits);
			return *unit < 0 ? 0 : digits + 4;
		}
	}
	return 0;
}

struct slice detect_view_escapes(struct slice text, char *out)
{
	size_t len = 0;

	if (slice_index(text, '\\') == text.len)
		return text;
	for (size_t at = 0; at < text.len;) {
		int32_t unit = 0;
		size_t used = text.data[at] == '\\' ? escape_at(slice_from(text, at), &unit) : 0;
		if (used)
			len += put(out + len, unit);
		else
			out[len++] = text.data[at];
		at += used ? used : 1;
	}
	return len < text.len ? slice_of(out, len) : text;
}

/* What databases, browsers and people take for the same; 0 for what nobody sees. */
static uint32_t fold(uint32_t c)
{
	if (c < 0x80)
		return c < ' ' && c != '\t' && c != '\n' && c != '\r' ? 0 : c;
	if (c >= 0xff01 && c <= 0xff5e) /* full width */
		return c - 0xff01 + '!';
	if ((c >= 0x200b && c <= 0x200f) || (c >= 0x2060 && c <= 0x2064) || c == 0xfeff ||
	    c == 0xad)
		return 0;
	if ((c >= 0x2018 && c <= 0x201b) || c == 0x2b9 || c == 0x2bc || c == 0x2032)
		return '\'';
	if (c >= 0x201c && c <= 0x201f)
		return '"';
	if (c == 0xa0 || (c >= 0x2000 && c <= 0x200a) || c == 0x3000)
		return ' ';
	if (c == 0xfe64)
		return '<';
	if (c == 0xfe65)
		return '>';
	return c;
}

static bool is_ordinary(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];
		if (c >= 0x80 || (c < ' ' && fold(c) == 0))
			return false;
	}
	return true;
}

struct slice detect_view_folded(struct slice text, char *out)
{
	size_t len = 0;
	bool any = false;

	if (is_ordinary(text))
		return text;
	for (size_t at = 0; at < text.len;) {
		uint32_t code = 0;
		unsigned used = utf8_decode(slice_from(text, at), &code);
		if (used == 0) { /* percent-decoding may bring forth bytes that are no UTF-8 */
			out[len++] = text.data[at++];
			continue;
		}
		uint32_t folded = fold(code);
		any |= folded != code;
		if (folded)
			len += utf8_encode(folded, out + len);
		at += used;
	}
	return any ? slice_of(out, len) : text;
}
