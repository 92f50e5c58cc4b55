/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a Cookie field. Holds: when one `sid` is found, a reader of the other school
 * (RFC 2965: a quoted string may hold semicolons) finds the same one.
 */
#include "base/obj.h"
#include "http/cookie.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The end of the piece at the front of s, with quotes around semicolons respected. */
static size_t piece_end(struct slice s)
{
	size_t equals = slice_index(s, '='), semicolon = slice_index(s, ';');
	size_t i = equals + 1;

	if (equals > semicolon)
		return semicolon;
	while (i < s.len && (s.data[i] == ' ' || s.data[i] == '\t'))
		i++;
	if (i < s.len && s.data[i] == '"')
		for (i++; i < s.len && s.data[i] != '"'; i++)
			i += s.data[i] == '\\';
	while (i < s.len && s.data[i] != ';')
		i++;
	return i < s.len ? i : s.len;
}

static size_t count_quoted(struct slice field, struct slice name, struct slice *value)
{
	size_t count = 0;

	while (field.len) {
		size_t end = piece_end(field);
		struct slice piece = slice_first(field, end);
		size_t equals = slice_index(piece, '=');
		field = slice_from(field, end + 1);
		if (equals == piece.len || !slice_eq(slice_trim(slice_first(piece, equals)), name))
			continue;
		*value = slice_trim(slice_from(piece, equals + 1));
		count++;
	}
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice field = slice_of((const char *)data, size);
	struct slice value = slice_of(NULL, 0), other = slice_of(NULL, 0);
	enum http_find found = http_cookie_find(field, SLICE("sid"), &value);

	if (found == HTTP_FIND_MALFORMED)
		return 0;
	size_t count = count_quoted(field, SLICE("sid"), &other);
	MUST((found == HTTP_FIND_NONE) == (count == 0));
	MUST((found == HTTP_FIND_ONE) == (count == 1));
	MUST(found != HTTP_FIND_ONE || slice_eq(value, other));
	return 0;
}
