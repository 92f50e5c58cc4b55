/* SPDX-License-Identifier: Apache-2.0 */
/* Finding one cookie; see cookie.h. */
#include "http/cookie.h"

#include "http/chars.h"
#include "http/header.h"

bool http_cookie_name_ok(struct slice name)
{
	return http_token_ok(name);
}

/*
 * A quote that opens in this piece and does not close in it would swallow the ';'. Counted
 * with backslashes escaping: what closes so closes for the simpler readers too.
 */
static bool quotes_ok(struct slice value)
{
	if (value.len == 0 || value.data[0] != '"')
		return true;
	for (size_t i = 1; i < value.len; i++) {
		if (value.data[i] == '"')
			return true;
		i += value.data[i] == '\\';
	}
	return false;
}

/* Cookie-octets, perhaps in one pair of quotes. */
static bool value_ok(struct slice value)
{
	if (value.len >= 2 && value.data[0] == '"' && value.data[value.len - 1] == '"')
		value = slice_first(slice_from(value, 1), value.len - 2);
	return http_char_run(value, 0, HTTP_CHAR_COOKIE) == value.len;
}

enum http_find http_cookie_find(struct slice field, struct slice name, struct slice *value)
{
	struct slice rest = field, pair, found = slice_of(NULL, 0);
	bool more = field.len > 0;
	size_t count = 0;

	while (slice_next(&rest, &more, ';', &pair)) {
		pair = slice_trim(pair);
		size_t equals = slice_index(pair, '=');
		struct slice key = slice_trim(slice_first(pair, equals));
		struct slice text = slice_trim(slice_from(pair, equals + 1));
		if (pair.len == 0)
			continue;
		/* Without '=' it is a cookie without a name: nobody's, and never ours. */
		if (equals == pair.len)
			continue;
		if (key.len == 0 || !quotes_ok(text))
			return HTTP_FIND_MALFORMED;
		if (!slice_eq(key, name))
			continue;
		found = text;
		count++;
	}
	if (count == 0)
		return HTTP_FIND_NONE;
	if (count > 1)
		return HTTP_FIND_AMBIGUOUS;
	if (!value_ok(found))
		return HTTP_FIND_MALFORMED;
	*value = found;
	return HTTP_FIND_ONE;
}
