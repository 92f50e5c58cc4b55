/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The same rules as json/read.h, written down a second time as simply as possible: one
 * function per grammar rule, recursive, a byte at a time, every key compared with every
 * other. What it makes of a text is the text written anew, as json_write should. Tests and
 * fuzzing hold the real reader against it.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "json/read.h"

struct naive_text {
	char *data;
	size_t len, cap;
};

struct naive {
	const char *text;
	size_t len, at;
	const struct json_limits *limits;
	uint32_t depth, values;
	enum json_fault fault;
	size_t fault_at;
	struct naive_text out;
};

static inline void naive_put(struct naive_text *t, const char *bytes, size_t len)
{
	while (t->len + len + 1 > t->cap)
		t->data = realloc(t->data, t->cap = t->cap ? t->cap * 2 : 64);
	if (len)
		memcpy(t->data + t->len, bytes, len);
	t->len += len;
	t->data[t->len] = '\0';
}

static inline bool naive_refuse(struct naive *n, enum json_fault fault, size_t at)
{
	n->fault = fault;
	n->fault_at = at;
	return false;
}

/* The byte at the position, or -1 at the end. */
static inline int naive_peek(const struct naive *n)
{
	return n->at < n->len ? (unsigned char)n->text[n->at] : -1;
}

static inline bool naive_refuse_here(struct naive *n)
{
	return naive_refuse(n, naive_peek(n) < 0 ? JSON_FAULT_END : JSON_FAULT_SYNTAX, n->at);
}

static inline bool naive_is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static inline void naive_space(struct naive *n)
{
	while (naive_peek(n) == ' ' || naive_peek(n) == '\t' || naive_peek(n) == '\n' ||
	       naive_peek(n) == '\r')
		n->at++;
}

/* ---- strings */

static inline int naive_hex(const struct naive *n, size_t at)
{
	char digits[5] = {0};

	if (at + 4 > n->len)
		return -1;
	memcpy(digits, n->text + at, 4);
	for (int i = 0; i < 4; i++)
		if (digits[i] == '\0' || !strchr("0123456789abcdefABCDEF", digits[i]))
			return -1;
	return (int)strtol(digits, NULL, 16);
}

static inline bool naive_unicode(struct naive *n, struct naive_text *decoded)
{
	size_t backslash = n->at;
	int unit = naive_hex(n, n->at + 2), low;
	uint32_t c = (uint32_t)unit;
	char bytes[4];

	if (unit < 0)
		return naive_refuse(n, JSON_FAULT_ESCAPE, backslash);
	n->at += 6;
	if (unit == 0) {
		if (!n->limits->any_strings)
			return naive_refuse(n, JSON_FAULT_NUL, backslash);
		naive_put(decoded, "", 1);
		return true;
	}
	if (unit >= 0xd800 && unit <= 0xdbff && naive_peek(n) == '\\' && n->at + 1 < n->len &&
	    n->text[n->at + 1] == 'u') {
		low = naive_hex(n, n->at + 2);
		if (low >= 0xdc00 && low <= 0xdfff) {
			c = (c - 0xd800) * 0x400 + (uint32_t)(low - 0xdc00) + 0x10000;
			n->at += 6;
		}
	}
	unsigned len = utf8_encode(c, bytes);
	if (len == 0) {
		if (!n->limits->any_strings)
			return naive_refuse(n, JSON_FAULT_SURROGATE, backslash);
		bytes[0] = (char)(0xe0 + c / 0x1000);
		bytes[1] = (char)(0x80 + c / 0x40 % 0x40);
		bytes[2] = (char)(0x80 + c % 0x40);
		len = 3;
	}
	naive_put(decoded, bytes, len);
	return true;
}

static inline bool naive_escape(struct naive *n, struct naive_text *decoded)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";

	if (n->at + 1 == n->len)
		return naive_refuse(n, JSON_FAULT_END, n->len);
	char c = n->text[n->at + 1];
	if (c == 'u')
		return naive_unicode(n, decoded);
	const char *found = c ? strchr(from, c) : NULL;
	if (!found)
		return naive_refuse(n, JSON_FAULT_ESCAPE, n->at);
	naive_put(decoded, to + (found - from), 1);
	n->at += 2;
	return true;
}

/* At the quote. */
static inline bool naive_string(struct naive *n, struct naive_text *decoded)
{
	uint32_t ignored;

	for (n->at++; naive_peek(n) != '"';) {
		int c = naive_peek(n);
		if (c < 0)
			return naive_refuse(n, JSON_FAULT_END, n->at);
		if (c < 0x20)
			return naive_refuse(n, JSON_FAULT_CONTROL, n->at);
		if (c == '\\') {
			if (!naive_escape(n, decoded))
				return false;
			continue;
		}
		unsigned len = utf8_decode(slice_of(n->text + n->at, n->len - n->at), &ignored);
		if (len == 0 && !n->limits->utf8_checked)
			return naive_refuse(n, JSON_FAULT_UTF8, n->at);
		naive_put(decoded, n->text + n->at, len ? len : 1);
		n->at += len ? len : 1;
	}
	n->at++;
	return true;
}

static inline void naive_put_string(struct naive *n, const struct naive_text *decoded)
{
	char escape[8];

	naive_put(&n->out, "\"", 1);
	for (size_t i = 0; i < decoded->len; i++) {
		const char *c = &decoded->data[i], *found;
		if (*c == '"' || *c == '\\') {
			naive_put(&n->out, "\\", 1);
			naive_put(&n->out, c, 1);
		} else if (*c && (found = strchr("\bb\ff\nn\rr\tt", *c)) && *c < ' ') {
			naive_put(&n->out, "\\", 1);
			naive_put(&n->out, found + 1, 1);
		} else if ((unsigned char)*c < ' ') {
			snprintf(escape, sizeof(escape), "\\u%04x", (unsigned)*c);
			naive_put(&n->out, escape, 6);
		} else {
			naive_put(&n->out, c, 1);
		}
	}
	naive_put(&n->out, "\"", 1);
}

/* ---- numbers */

/* Decimal digits of the integer against a bound of as many digits. */
static inline bool naive_beyond(const char *digits, size_t len, const char *bound)
{
	return len != strlen(bound) ? len > strlen(bound) : memcmp(digits, bound, len) > 0;
}

static inline bool naive_digits(struct naive *n)
{
	if (!naive_is_digit(naive_peek(n)))
		return naive_refuse_here(n);
	while (naive_is_digit(naive_peek(n)))
		n->at++;
	return true;
}

static inline bool naive_number(struct naive *n)
{
	size_t start = n->at;
	bool integer = true;

	if (naive_peek(n) == '-')
		n->at++;
	size_t digits = n->at;
	if (naive_peek(n) == '0') {
		n->at++;
		if (naive_is_digit(naive_peek(n)))
			return naive_refuse_here(n);
	} else if (!naive_digits(n)) {
		return false;
	}
	size_t digits_len = n->at - digits;
	if (naive_peek(n) == '.') {
		integer = false;
		n->at++;
		if (!naive_digits(n))
			return false;
	}
	if (naive_peek(n) == 'e' || naive_peek(n) == 'E') {
		integer = false;
		n->at++;
		if (naive_peek(n) == '+' || naive_peek(n) == '-')
			n->at++;
		if (!naive_digits(n))
			return false;
	}
	if (integer) {
		const char *bound = !n->limits->big_integers ? "9007199254740991"
				    : digits > start	     ? "9223372036854775808"
							     : "9223372036854775807";
		if (naive_beyond(n->text + digits, digits_len, bound))
			return naive_refuse(n, JSON_FAULT_NUMBER, start);
	} else {
		char *copy = strndup(n->text + start, n->at - start);
		double value = strtod(copy, NULL);
		bool zero = true;
		for (const char *c = copy; *c && *c != 'e' && *c != 'E'; c++)
			zero = zero && !(*c >= '1' && *c <= '9');
		free(copy);
		if (isinf(value) || (value == 0 && !zero))
			return naive_refuse(n, JSON_FAULT_NUMBER, start);
	}
	naive_put(&n->out, n->text + start, n->at - start);
	return true;
}

/* ---- values */

static inline bool naive_value(struct naive *n);

static inline bool naive_word(struct naive *n, const char *word)
{
	for (const char *c = word; *c; c++, n->at++)
		if (naive_peek(n) != *c)
			return naive_refuse_here(n);
	naive_put(&n->out, word, strlen(word));
	return true;
}

static inline bool naive_items(struct naive *n)
{
	for (uint32_t count = 0;; count++) {
		naive_space(n);
		if (naive_peek(n) == ']')
			return n->at++, true;
		if (count) {
			if (naive_peek(n) != ',')
				return naive_refuse_here(n);
			n->at++;
			naive_put(&n->out, ",", 1);
		}
		if (!naive_value(n))
			return false;
	}
}

struct naive_key {
	struct naive_text name;
	size_t at;
	struct naive_key *before;
};

static inline bool naive_member(struct naive *n, struct naive_key *key)
{
	static const char *const forbidden[] = {"__proto__", "constructor", "prototype"};

	key->at = n->at;
	naive_put(&key->name, "", 0);
	if (!naive_string(n, &key->name))
		return false;
	for (int i = 0; i < 3; i++)
		if (key->name.len == strlen(forbidden[i]) &&
		    memcmp(key->name.data, forbidden[i], key->name.len) == 0)
			return naive_refuse(n, JSON_FAULT_FORBIDDEN, key->at);
	naive_put_string(n, &key->name);
	naive_space(n);
	if (naive_peek(n) != ':')
		return naive_refuse_here(n);
	n->at++;
	naive_put(&n->out, ":", 1);
	return naive_value(n);
}

/* The first key that one before it equals. */
static inline const struct naive_key *naive_repeated(const struct naive_key *last)
{
	const struct naive_key *found = NULL;

	for (const struct naive_key *key = last; key; key = key->before)
		for (const struct naive_key *other = key->before; other; other = other->before)
			if (key->name.len == other->name.len &&
			    memcmp(key->name.data, other->name.data, key->name.len) == 0)
				found = key;
	return found;
}

static inline bool naive_members(struct naive *n, struct naive_key **last)
{
	for (uint32_t count = 0;; count++) {
		naive_space(n);
		if (naive_peek(n) == '}')
			break;
		if (count) {
			if (naive_peek(n) != ',')
				return naive_refuse_here(n);
			n->at++;
			naive_put(&n->out, ",", 1);
			naive_space(n);
		}
		if (naive_peek(n) != '"')
			return naive_refuse_here(n);
		if (count == n->limits->members)
			return naive_refuse(n, JSON_FAULT_MEMBERS, n->at);
		struct naive_key *key = calloc(1, sizeof(*key));
		key->before = *last;
		*last = key;
		if (!naive_member(n, key))
			return false;
	}
	const struct naive_key *again = naive_repeated(*last);
	if (again)
		return naive_refuse(n, JSON_FAULT_DUPLICATE, again->at);
	n->at++;
	return true;
}

static inline bool naive_container(struct naive *n, bool object)
{
	struct naive_key *last = NULL;

	if (n->depth == n->limits->depth)
		return naive_refuse(n, JSON_FAULT_DEPTH, n->at);
	n->depth++;
	n->at++;
	naive_put(&n->out, object ? "{" : "[", 1);
	bool good = object ? naive_members(n, &last) : naive_items(n);
	naive_put(&n->out, object ? "}" : "]", 1);
	while (last) {
		struct naive_key *before = last->before;
		free(last->name.data);
		free(last);
		last = before;
	}
	n->depth--;
	return good;
}

static inline bool naive_value(struct naive *n)
{
	struct naive_text decoded = {0};

	naive_space(n);
	int c = naive_peek(n);
	if (c < 0)
		return naive_refuse(n, JSON_FAULT_END, n->at);
	if (n->values == n->limits->values)
		return naive_refuse(n, JSON_FAULT_VALUES, n->at);
	n->values++;
	if (c == '{' || c == '[')
		return naive_container(n, c == '{');
	if (c == '"') {
		naive_put(&decoded, "", 0);
		bool good = naive_string(n, &decoded);
		if (good)
			naive_put_string(n, &decoded);
		free(decoded.data);
		return good;
	}
	if (c == '-' || naive_is_digit(c))
		return naive_number(n);
	if (c == 't' || c == 'f' || c == 'n')
		return naive_word(n, c == 't' ? "true" : c == 'f' ? "false" : "null");
	return naive_refuse(n, JSON_FAULT_SYNTAX, n->at);
}

/* The whole text. Whoever calls frees n->out.data. */
static inline bool naive_read(struct naive *n, struct slice text, const struct json_limits *limits)
{
	*n = (struct naive){.text = text.data, .len = text.len, .limits = limits};
	naive_put(&n->out, "", 0);
	if (text.len >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0)
		return naive_refuse(n, JSON_FAULT_BOM, 0);
	if (!naive_value(n))
		return false;
	naive_space(n);
	return n->at == n->len || naive_refuse(n, JSON_FAULT_TRAILING, n->at);
}
