/* SPDX-License-Identifier: Apache-2.0 */
/* Paths and queries, decoded once and strictly; see target.h. */
#include "http/target.h"

#include "base/num.h"
#include "base/utf8.h"
#include "http/chars.h"

/* The byte that %XX at `at` stands for, or -1. */
static int escape_at(struct slice s, size_t at)
{
	if (s.len - at < 3)
		return -1;
	int high = num_hex_digit(s.data[at + 1]), low = num_hex_digit(s.data[at + 2]);
	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* An escaped byte that a path may not have: what would end, cut or hide it somewhere. */
static bool escape_forbidden_in_path(int byte)
{
	return byte < 0x20 || byte == 0x7f || byte == '/' || byte == '\\';
}

static bool escape_forbidden_in_query(int byte)
{
	return byte == 0;
}

/*
 * Decodes s; without escapes (and '+') the result is s itself. Returns false with *at
 * on the guilty offset, or s.len if the arena is full.
 */
static bool decode(struct slice s, bool query, struct arena *a, struct slice *out, size_t *at)
{
	char *text = NULL;
	size_t len = 0;

	for (size_t i = 0; i < s.len; i++) {
		char c = s.data[i];
		if (c == '%' || (query && c == '+')) {
			if (!text) {
				text = arena_alloc(a, s.len);
				if (!text) {
					*at = s.len;
					return false;
				}
				memcpy(text, s.data, i);
				len = i;
			}
		}
		if (c == '%') {
			int byte = escape_at(s, i);
			if (byte < 0 || (query ? escape_forbidden_in_query(byte)
					       : escape_forbidden_in_path(byte))) {
				*at = i;
				return false;
			}
			c = (char)byte;
			i += 2;
		} else if (query && c == '+') {
			c = ' ';
		}
		if (text)
			text[len++] = c;
	}
	*out = text ? slice_of(text, len) : s;
	*at = 0;
	return utf8_valid(*out);
}

/* "." or "..", also before a ';': some servers cut path parameters off before they resolve. */
static bool segment_has_dots(struct slice decoded)
{
	struct slice name = slice_first(decoded, slice_index(decoded, ';'));

	return slice_eq(name, SLICE(".")) || slice_eq(name, SLICE(".."));
}

static enum reason malformed(size_t *at, size_t where)
{
	*at = where;
	return REASON_HANDSHAKE_MALFORMED;
}

/* The segments between the slashes of out->path. */
static enum reason split_path(struct http_target *out, struct arena *a, size_t *at)
{
	struct slice rest = slice_from(out->path, 1), part;
	bool more = rest.len > 0;
	size_t offset = 1, where;

	out->trailing_slash = out->path.data[out->path.len - 1] == '/';
	while (slice_next(&rest, &more, '/', &part)) {
		bool last = !more;
		if (part.len == 0 && last)
			break;
		if (part.len == 0 || out->segment_count == HTTP_SEGMENTS_MAX)
			return malformed(at, offset);
		struct slice *decoded = &out->segments[out->segment_count];
		if (!decode(part, false, a, decoded, &where))
			return where == part.len ? REASON_OVERLOADED
						 : malformed(at, offset + where);
		if (segment_has_dots(*decoded))
			return malformed(at, offset);
		out->segment_count++;
		offset += part.len + 1;
	}
	return REASON_NONE;
}

enum reason http_target_parse(struct slice text, struct arena *a, struct http_target *out,
			      size_t *at)
{
	size_t ignored = 0;

	at = at ? at : &ignored;
	*out = (struct http_target){.path = slice_of(NULL, 0)};
	if (slice_eq(text, SLICE("*"))) {
		out->asterisk = true;
		return REASON_NONE;
	}
	size_t path_len = slice_index(text, '?');
	out->path = slice_first(text, path_len);
	out->has_query = path_len < text.len;
	out->query = slice_from(text, path_len + 1);
	if (path_len == 0 || text.data[0] != '/')
		return malformed(at, 0);
	size_t run = http_char_run(out->path, 0, HTTP_CHAR_PATH);
	if (run != out->path.len)
		return malformed(at, run);
	run = http_char_run(out->query, 0, HTTP_CHAR_QUERY);
	if (run != out->query.len)
		return malformed(at, path_len + 1 + run);
	return split_path(out, a, at);
}

bool http_parameters_next(struct http_parameters *q, struct arena *a, struct http_parameter *out)
{
	size_t at;

	while (!q->failed && slice_next(&q->rest, &q->more, '&', &out->raw)) {
		if (out->raw.len == 0)
			continue;
		size_t equals = slice_index(out->raw, '=');
		q->failed = !decode(slice_first(out->raw, equals), true, a, &out->name, &at) ||
			    !decode(slice_from(out->raw, equals + 1), true, a, &out->value, &at);
		return !q->failed;
	}
	return false;
}

enum http_find http_query_find(struct slice query, struct slice name, struct arena *a,
			       struct slice *value)
{
	struct http_parameters q = {.rest = query, .more = query.len > 0};
	struct http_parameter each;
	size_t found = 0;

	while (http_parameters_next(&q, a, &each)) {
		if (!slice_eq(each.name, name))
			continue;
		*value = each.value;
		found++;
	}
	if (q.failed)
		return HTTP_FIND_MALFORMED;
	if (found > 1)
		return HTTP_FIND_AMBIGUOUS;
	return found ? HTTP_FIND_ONE : HTTP_FIND_NONE;
}

int http_percent_encode(struct buf *b, struct slice s)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t plain = http_char_run(s, 0, HTTP_CHAR_UNRESERVED);
	char *room;

	if (plain == s.len)
		return buf_append(b, s);
	if (s.len > SIZE_MAX / 3)
		return BUF_FULL;
	size_t bytes = 0;
	for (size_t i = 0; i < s.len; i++)
		bytes += http_char_is(s.data[i], HTTP_CHAR_UNRESERVED) ? 1 : 3;
	int r = buf_reserve(b, bytes, &room);
	if (r)
		return r;
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.data[i];
		if (http_char_is(s.data[i], HTTP_CHAR_UNRESERVED)) {
			*room++ = s.data[i];
			continue;
		}
		*room++ = '%';
		*room++ = digits[c >> 4];
		*room++ = digits[c & 15];
	}
	buf_commit(b, bytes);
	return 0;
}
