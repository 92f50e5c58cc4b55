/* SPDX-License-Identifier: Apache-2.0 */
/* The strings extension but for format(). Positions count characters. */
#include "base/utf8.h"
#include "cel/builder.h"
#include "cel/text.h"

#define TEXT(fn)                                                                                   \
	static struct cel_value fn(struct cel_run *run, const struct cel_node *n,                  \
				   const struct cel_value *v)

static const char no_such_place[] = "the text has no such place";

static bool take_text(struct cel_run *run, const struct cel_value *v)
{
	return cel_take(run, v->as.text.len / 16 + 1);
}

/* The byte of that character, or SIZE_MAX. */
static size_t place(struct slice s, int64_t character)
{
	return character < 0 ? SIZE_MAX : cel_character_at(s, (uint64_t)character);
}

/* The character at the front of a text that is not empty. */
static struct slice first_character(struct slice s)
{
	uint32_t c;
	unsigned len = utf8_decode(s, &c);

	return slice_first(s, len ? len : 1);
}

TEXT(char_at)
{
	struct slice s = v[0].as.text;

	if (!take_text(run, &v[0]))
		return cel_too_long(run, n);
	size_t at = place(s, v[1].as.integer);
	if (at == SIZE_MAX)
		return cel_fail(n, no_such_place);
	return cel_string(at == s.len ? SLICE("") : first_character(slice_from(s, at)));
}

/* ---- searching */

/* The byte where `part` begins at or behind `from`, or SIZE_MAX. */
static size_t find(struct slice s, struct slice part, size_t from)
{
	struct slice rest = slice_from(s, from);

	if (part.len == 0)
		return from;
	const char *found = rest.len ? memmem(rest.data, rest.len, part.data, part.len) : NULL;
	return found ? (size_t)(found - s.data) : SIZE_MAX;
}

static struct cel_value as_characters(struct slice s, size_t at)
{
	return cel_int(at == SIZE_MAX ? -1 : (int64_t)cel_characters(slice_first(s, at)));
}

TEXT(index_of)
{
	if (!take_text(run, &v[0]))
		return cel_too_long(run, n);
	size_t from = n->count > 2 ? place(v[0].as.text, v[2].as.integer) : 0;
	if (from == SIZE_MAX)
		return cel_fail(n, no_such_place);
	return as_characters(v[0].as.text, find(v[0].as.text, v[1].as.text, from));
}

TEXT(last_index_of)
{
	struct slice s = v[0].as.text, part = v[1].as.text;
	size_t from = s.len;

	if (n->count > 2)
		from = place(s, v[2].as.integer);
	if (from == SIZE_MAX)
		return cel_fail(n, no_such_place);
	if (part.len > s.len)
		return cel_int(-1);
	if (from > s.len - part.len)
		from = s.len - part.len;
	/* Each place is compared, at worst over the whole part. */
	if (!cel_take(run, from / 16 + 1 + from * (part.len / 64)))
		return cel_too_long(run, n);
	for (size_t at = from + 1; at-- > 0;)
		if (part.len == 0 || memcmp(s.data + at, part.data, part.len) == 0)
			return as_characters(s, at);
	return cel_int(-1);
}

TEXT(substring)
{
	struct slice s = v[0].as.text;

	if (!take_text(run, &v[0]))
		return cel_too_long(run, n);
	size_t from = place(s, v[1].as.integer);
	size_t to = n->count > 2 ? place(s, v[2].as.integer) : s.len;
	if (from == SIZE_MAX || to == SIZE_MAX || from > to)
		return cel_fail(n, no_such_place);
	return cel_string(slice_first(slice_from(s, from), to - from));
}

/* ---- cutting and joining */

/* Takes the next piece off the front of *rest; false when there is no separator in it. */
static bool cut(struct slice *rest, struct slice separator, struct slice *piece)
{
	size_t at;

	if (separator.len == 0) {
		*piece = first_character(*rest);
		*rest = slice_from(*rest, piece->len);
		return rest->len > 0;
	}
	at = find(*rest, separator, 0);
	if (at == SIZE_MAX)
		return false;
	*piece = slice_first(*rest, at);
	*rest = slice_from(*rest, at + separator.len);
	return true;
}

static uint64_t pieces(struct slice s, struct slice separator, int64_t most)
{
	uint64_t count = 1;
	struct slice piece;

	if (separator.len == 0 && s.len == 0)
		return 0;
	if (separator.len == 0)
		count = cel_characters(s);
	else
		while (cut(&s, separator, &piece))
			count++;
	return most >= 0 && count > (uint64_t)most ? (uint64_t)most : count;
}

TEXT(split)
{
	struct slice rest = v[0].as.text;
	struct cel_value error;

	if (!take_text(run, &v[0]))
		return cel_too_long(run, n);
	uint64_t count = pieces(rest, v[1].as.text, n->count > 2 ? v[2].as.integer : -1);
	struct cel_value *items = cel_new_items(run, n, count, &error);
	if (!items)
		return error;
	for (uint64_t i = 0; i < count; i++) {
		struct slice piece = rest;
		if (i + 1 < count)
			cut(&rest, v[1].as.text, &piece);
		items[i] = cel_string(piece);
	}
	return cel_list(items, (uint32_t)count);
}

TEXT(join)
{
	struct cel_builder b = cel_builder(run, n);
	struct cel_walk w = cel_walk(&v[0]);
	struct cel_value item;

	if (!cel_take(run, v[0].count))
		return cel_too_long(run, n);
	while (!b.failed && cel_walk_next(&w, NULL, &item)) {
		if (item.kind != CEL_STRING)
			return cel_no_overload(n);
		if (w.index > 1 && n->count > 1)
			cel_build(&b, v[1].as.text);
		cel_build(&b, item.as.text);
	}
	return cel_built(&b);
}

/* Nothing is everywhere: before each character and at the end. */
static void replace_nothing(struct cel_builder *b, struct slice s, struct slice with, uint64_t most)
{
	while (most-- > 0 && !b->failed) {
		cel_build(b, with);
		if (s.len == 0)
			return;
		struct slice c = first_character(s);
		cel_build(b, c);
		s = slice_from(s, c.len);
	}
	cel_build(b, s);
}

TEXT(replace)
{
	struct cel_builder b = cel_builder(run, n);
	struct slice rest = v[0].as.text, piece;
	uint64_t most =
		n->count > 3 && v[3].as.integer >= 0 ? (uint64_t)v[3].as.integer : UINT64_MAX;

	if (!take_text(run, &v[0]))
		return cel_too_long(run, n);
	if (v[1].as.text.len == 0) {
		replace_nothing(&b, rest, v[2].as.text, most);
		return cel_built(&b);
	}
	while (!b.failed && most-- > 0 && cut(&rest, v[1].as.text, &piece)) {
		cel_build(&b, piece);
		cel_build(&b, v[2].as.text);
	}
	cel_build(&b, rest);
	return cel_built(&b);
}

/* ---- letters */

static struct cel_value mapped(struct cel_run *run, const struct cel_node *n, struct slice s,
			       char from, char to, char change)
{
	struct cel_value error;
	char *out = cel_new_bytes(run, n, (uint64_t)s.len + 1, &error);

	if (!out)
		return error;
	for (size_t i = 0; i < s.len; i++) {
		bool wanted = s.data[i] >= from && s.data[i] <= to;
		out[i] = (char)(wanted ? s.data[i] ^ change : s.data[i]);
	}
	return cel_string(slice_of(out, s.len));
}

TEXT(lower_ascii)
{
	return mapped(run, n, v[0].as.text, 'A', 'Z', 0x20);
}

TEXT(upper_ascii)
{
	return mapped(run, n, v[0].as.text, 'a', 'z', 0x20);
}

TEXT(reverse)
{
	struct slice s = v[0].as.text;
	struct cel_value error;
	char *out = cel_new_bytes(run, n, (uint64_t)s.len + 1, &error);

	if (!out)
		return error;
	if (!take_text(run, &v[0]))
		return cel_too_long(run, n);
	char *at = out + s.len;
	for (size_t len = s.len; s.len;) {
		struct slice c = first_character(s);
		at -= c.len;
		memcpy(at, c.data, c.len);
		s = slice_from(s, c.len);
		if (s.len == 0)
			return cel_string(slice_of(out, len));
	}
	return cel_string(SLICE(""));
}

/* Unicode's White_Space. */
static bool is_space(uint32_t c)
{
	return (c >= 0x09 && c <= 0x0d) || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 ||
	       (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
	       c == 0x205f || c == 0x3000;
}

TEXT(trim)
{
	struct slice s = v[0].as.text;
	size_t from = SIZE_MAX, to = 0;
	uint32_t c;

	if (!take_text(run, &v[0]))
		return cel_too_long(run, n);
	for (size_t at = 0; at < s.len;) {
		unsigned len = utf8_decode(slice_from(s, at), &c);
		if (len == 0)
			return cel_fail(n, no_such_place);
		if (!is_space(c)) {
			from = from == SIZE_MAX ? at : from;
			to = at + len;
		}
		at += len;
	}
	return cel_string(from == SIZE_MAX ? SLICE("") : slice_of(s.data + from, to - from));
}

TEXT(quote)
{
	static const char special[] = "\a\b\f\n\r\t\v\\\"", letters[] = "abfnrtv\\\"";
	struct cel_builder b = cel_builder(run, n);
	struct slice s = v[0].as.text;

	if (!take_text(run, &v[0]))
		return cel_too_long(run, n);
	cel_build(&b, SLICE("\""));
	for (size_t i = 0; i < s.len; i++) {
		const char *at = s.data[i] ? strchr(special, s.data[i]) : NULL;
		if (at)
			cel_build(&b, SLICE("\\"));
		cel_build(&b, at ? slice_of(letters + (at - special), 1) : slice_of(s.data + i, 1));
	}
	cel_build(&b, SLICE("\""));
	return cel_built(&b);
}

/* clang-format off */
#define ROW(name, count, to, fn, ...) \
	CEL_FN(name, true, count, to, fn, 10, __VA_ARGS__)
#define STRING CEL_T(STRING)
#define INT CEL_T(INT)

static const struct cel_function rows[] = {
	ROW("charAt", 2, STRING, char_at, STRING, INT),
	ROW("indexOf", 2, INT, index_of, STRING, STRING),
	ROW("indexOf", 3, INT, index_of, STRING, STRING, INT),
	ROW("lastIndexOf", 2, INT, last_index_of, STRING, STRING),
	ROW("lastIndexOf", 3, INT, last_index_of, STRING, STRING, INT),
	ROW("substring", 2, STRING, substring, STRING, INT),
	ROW("substring", 3, STRING, substring, STRING, INT, INT),
	ROW("split", 2, &cel_list_of_strings, split, STRING, STRING),
	ROW("split", 3, &cel_list_of_strings, split, STRING, STRING, INT),
	ROW("join", 1, STRING, join, &cel_list_of_strings),
	ROW("join", 2, STRING, join, &cel_list_of_strings, STRING),
	ROW("replace", 3, STRING, replace, STRING, STRING, STRING),
	ROW("replace", 4, STRING, replace, STRING, STRING, STRING, INT),
	ROW("lowerAscii", 1, STRING, lower_ascii, STRING),
	ROW("upperAscii", 1, STRING, upper_ascii, STRING),
	ROW("reverse", 1, STRING, reverse, STRING),
	ROW("trim", 1, STRING, trim, STRING),
	CEL_FN("strings.quote", false, 1, STRING, quote, 10, STRING),
	ROW("format", 2, STRING, cel_format, STRING, &cel_list_of_a),
};
/* clang-format on */

const struct cel_functions cel_string_extension = {rows, sizeof(rows) / sizeof(rows[0])};
