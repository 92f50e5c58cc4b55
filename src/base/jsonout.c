/* SPDX-License-Identifier: Apache-2.0 */
/* Values and commas appended to a buffer; see jsonout.h. */
#include "base/jsonout.h"

#include <math.h>

#include "base/utf8.h"

void jsonout_init(struct jsonout *j, struct buf *to)
{
	*j = (struct jsonout){.to = to, .ok = true};
}

static void put(struct jsonout *j, struct slice s)
{
	if (j->ok && buf_append(j->to, s))
		j->ok = false;
}

/* Every value begins here. */
static void begin_value(struct jsonout *j)
{
	if (j->comma)
		put(j, SLICE(","));
	j->comma = true;
}

static void open_group(struct jsonout *j, struct slice bracket)
{
	begin_value(j);
	put(j, bracket);
	j->comma = false;
}

static void close_group(struct jsonout *j, struct slice bracket)
{
	put(j, bracket);
	j->comma = true;
}

void jsonout_object_open(struct jsonout *j)
{
	open_group(j, SLICE("{"));
}

void jsonout_object_close(struct jsonout *j)
{
	close_group(j, SLICE("}"));
}

void jsonout_array_open(struct jsonout *j)
{
	open_group(j, SLICE("["));
}

void jsonout_array_close(struct jsonout *j)
{
	close_group(j, SLICE("]"));
}

/* Bytes that may stand in a string as they are. */
static bool plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

static bool shown_as_it_is(uint32_t c)
{
	if (c < 0x80)
		return plain((unsigned char)c);
	return c >= 0xa0 && c != 0x2028 && c != 0x2029;
}

static void put_escape(struct jsonout *j, uint32_t c)
{
	static const char hex[] = "0123456789abcdef";
	char text[6] = {'\\', 'u',
			hex[c >> 12 & 15], hex[c >> 8 & 15], hex[c >> 4 & 15], hex[c & 15]};

	switch (c) {
	case '"':
		put(j, SLICE("\\\""));
		break;
	case '\\':
		put(j, SLICE("\\\\"));
		break;
	case '\n':
		put(j, SLICE("\\n"));
		break;
	case '\r':
		put(j, SLICE("\\r"));
		break;
	case '\t':
		put(j, SLICE("\\t"));
		break;
	default:
		put(j, slice_of(text, sizeof(text)));
	}
}

static void put_quoted(struct jsonout *j, struct slice s)
{
	put(j, SLICE("\""));
	while (s.len) {
		size_t run = 0;
		uint32_t c = 0;
		while (run < s.len && plain((unsigned char)s.data[run]))
			run++;
		put(j, slice_first(s, run));
		s = slice_from(s, run);
		if (s.len == 0)
			break;
		unsigned len = utf8_decode(s, &c);
		if (len == 0)
			put(j, SLICE("\xef\xbf\xbd"));
		else if (shown_as_it_is(c))
			put(j, slice_first(s, len));
		else
			put_escape(j, c);
		s = slice_from(s, len ? len : 1);
	}
	put(j, SLICE("\""));
}

void jsonout_key_slice(struct jsonout *j, struct slice key)
{
	begin_value(j);
	put_quoted(j, key);
	put(j, SLICE(":"));
	j->comma = false;
}

void jsonout_key(struct jsonout *j, const char *key)
{
	jsonout_key_slice(j, slice_from_cstr(key));
}

void jsonout_string(struct jsonout *j, struct slice s)
{
	begin_value(j);
	put_quoted(j, s);
}

void jsonout_cstring(struct jsonout *j, const char *text)
{
	if (text)
		jsonout_string(j, slice_from_cstr(text));
	else
		jsonout_null(j);
}

void jsonout_raw(struct jsonout *j, struct slice json)
{
	begin_value(j);
	put(j, json);
}

void jsonout_u64(struct jsonout *j, uint64_t n)
{
	begin_value(j);
	if (j->ok && buf_printf(j->to, "%llu", (unsigned long long)n))
		j->ok = false;
}

void jsonout_i64(struct jsonout *j, int64_t n)
{
	begin_value(j);
	if (j->ok && buf_printf(j->to, "%lld", (long long)n))
		j->ok = false;
}

void jsonout_double(struct jsonout *j, double n)
{
	char text[40];
	int digits = 15;

	if (!isfinite(n)) {
		jsonout_null(j);
		return;
	}
	/* The shortest of the forms that read back as the same number. */
	do
		snprintf(text, sizeof(text), "%.*g", digits, n);
	while (strtod(text, NULL) != n && ++digits <= 17);
	jsonout_raw(j, slice_from_cstr(text));
}

void jsonout_bool(struct jsonout *j, bool b)
{
	jsonout_raw(j, b ? SLICE("true") : SLICE("false"));
}

void jsonout_null(struct jsonout *j)
{
	jsonout_raw(j, SLICE("null"));
}

void jsonout_member(struct jsonout *j, const char *key, struct slice s)
{
	jsonout_key(j, key);
	jsonout_string(j, s);
}

void jsonout_member_cstring(struct jsonout *j, const char *key, const char *text)
{
	jsonout_key(j, key);
	jsonout_cstring(j, text);
}

void jsonout_member_u64(struct jsonout *j, const char *key, uint64_t n)
{
	jsonout_key(j, key);
	jsonout_u64(j, n);
}

void jsonout_member_bool(struct jsonout *j, const char *key, bool b)
{
	jsonout_key(j, key);
	jsonout_bool(j, b);
}
