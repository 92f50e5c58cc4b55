/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses, URIs (RFC 3986), IRIs (RFC 3987) and URI templates (RFC 6570); see format.h. */
#include "base/num.h"
#include "base/utf8.h"
#include "contract/format.h"

/* ---- addresses: only literals, strictly as written */

bool format_ipv4(struct slice s)
{
	struct slice rest = s, part;
	bool more = true;
	int parts = 0;
	uint64_t n;

	while (slice_next(&rest, &more, '.', &part)) {
		if (part.len > 3 || !num_parse_u64(part, 255, &n))
			return false;
		parts++;
	}
	return parts == 4;
}

/* Groups of four digits between colons; *groups of them. An IPv4 address at the end counts two. */
static bool ipv6_groups(struct slice s, bool last, int *groups)
{
	struct slice rest = s, part;
	bool more = s.len > 0;
	uint64_t n;

	while (slice_next(&rest, &more, ':', &part)) {
		if (!more && last && slice_index(part, '.') < part.len) {
			if (!format_ipv4(part))
				return false;
			*groups += 2;
		} else if (part.len > 4 || !num_parse_hex(part, 0xffff, &n)) {
			return false;
		} else {
			++*groups;
		}
		if (*groups > 8)
			return false;
	}
	return true;
}

bool format_ipv6(struct slice s)
{
	int groups = 0;

	if (s.len < 2 || s.len > 45)
		return false;
	for (size_t i = 0; i + 1 < s.len; i++) {
		if (s.data[i] != ':' || s.data[i + 1] != ':')
			continue;
		return ipv6_groups(slice_first(s, i), false, &groups) &&
		       ipv6_groups(slice_of(s.data + i + 2, s.len - i - 2), true, &groups) &&
		       groups < 8;
	}
	return ipv6_groups(s, true, &groups) && groups == 8;
}

/* ---- URIs */

static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_unreserved(char c)
{
	return is_alpha(c) || is_digit(c) || (c && strchr("-._~", c));
}

static bool is_sub_delim(char c)
{
	return c && strchr("!$&'()*+,;=", c);
}

/* RFC 3987 ucschar, and iprivate in queries. */
static bool is_ucschar(uint32_t c, bool query)
{
	if (c < 0xa0)
		return false;
	if (c <= 0xd7ff || (c >= 0xf900 && c <= 0xfdcf) || (c >= 0xfdf0 && c <= 0xffef))
		return true;
	if (query && ((c >= 0xe000 && c <= 0xf8ff) || c >= 0xf0000))
		return (c & 0xffff) <= 0xfffd;
	return c >= 0x10000 && c < 0xf0000 && (c & 0xffff) <= 0xfffd &&
	       !(c >= 0xe0000 && c < 0xe1000);
}

/* How the text may be written. */
struct grammar {
	bool iri;
	bool query; /* private characters, in IRIs */
};

/* Unreserved characters, sub-delims, %xx and those in `more`. */
static bool all_are(struct slice s, const char *more, struct grammar g)
{
	for (size_t i = 0; i < s.len;) {
		char c = s.data[i];
		uint32_t point;
		if (is_unreserved(c) || is_sub_delim(c) || (c && strchr(more, c))) {
			i++;
		} else if (c == '%') {
			if (s.len - i < 3 || num_hex_digit(s.data[i + 1]) < 0 ||
			    num_hex_digit(s.data[i + 2]) < 0)
				return false;
			i += 3;
		} else if (g.iri && (c & 0x80)) {
			unsigned len = utf8_decode(slice_of(s.data + i, s.len - i), &point);
			if (len == 0 || !is_ucschar(point, g.query))
				return false;
			i += len;
		} else {
			return false;
		}
	}
	return true;
}

/* Inside of the brackets: IPv6address or IPvFuture. */
static bool is_literal(struct slice s)
{
	if (s.len == 0 || (s.data[0] != 'v' && s.data[0] != 'V'))
		return format_ipv6(s);
	size_t dot = slice_index(s, '.');
	if (dot < 2 || dot + 1 >= s.len)
		return false;
	for (size_t i = 1; i < dot; i++)
		if (num_hex_digit(s.data[i]) < 0)
			return false;
	struct slice rest = slice_from(s, dot + 1);
	return slice_index(rest, '%') == rest.len && all_are(rest, ":", (struct grammar){0});
}

static bool is_authority(struct slice s, struct grammar g)
{
	size_t at = slice_index(s, '@');

	if (at < s.len) {
		if (!all_are(slice_first(s, at), ":", g))
			return false;
		s = slice_of(s.data + at + 1, s.len - at - 1);
	}
	size_t host = slice_index(s, ':');
	if (s.len && s.data[0] == '[') {
		size_t close = slice_index(s, ']');
		if (close == s.len || !is_literal(slice_of(s.data + 1, close - 1)))
			return false;
		host = close + 1;
	} else if (!all_are(slice_first(s, host), "", g)) {
		return false;
	}
	if (host < s.len && s.data[host] != ':')
		return false;
	for (size_t i = host + 1; i < s.len; i++)
		if (!is_digit(s.data[i]))
			return false;
	return true;
}

static bool is_scheme(struct slice s)
{
	if (s.len == 0 || !is_alpha(s.data[0]))
		return false;
	for (size_t i = 1; i < s.len; i++)
		if (!is_alpha(s.data[i]) && !is_digit(s.data[i]) &&
		    !(s.data[i] && strchr("+-.", s.data[i])))
			return false;
	return true;
}

/* What follows a scheme and its colon, or a relative reference. */
static bool is_hier_part(struct slice s, bool relative, struct grammar g)
{
	if (s.len >= 2 && memcmp(s.data, "//", 2) == 0) {
		s = slice_of(s.data + 2, s.len - 2);
		size_t end = slice_index(s, '/');
		return is_authority(slice_first(s, end), g) &&
		       all_are(slice_of(s.data + end, s.len - end), ":@/", g);
	}
	/* A colon in the first segment would make what stands before it a scheme. */
	if (relative && slice_index(s, ':') < slice_index(s, '/'))
		return false;
	return all_are(s, ":@/", g);
}

static bool is_reference(struct slice s, bool relative_too, bool iri)
{
	struct grammar g = {.iri = iri}, query = {.iri = iri, .query = true};
	size_t hash = slice_index(s, '#');

	if (hash < s.len && !all_are(slice_of(s.data + hash + 1, s.len - hash - 1), ":@/?", g))
		return false;
	s = slice_first(s, hash);
	size_t mark = slice_index(s, '?');
	if (mark < s.len && !all_are(slice_of(s.data + mark + 1, s.len - mark - 1), ":@/?", query))
		return false;
	s = slice_first(s, mark);
	size_t colon = slice_index(s, ':');
	if (colon < s.len && is_scheme(slice_first(s, colon)))
		return is_hier_part(slice_of(s.data + colon + 1, s.len - colon - 1), false, g);
	return relative_too && is_hier_part(s, true, g);
}

bool format_uri(struct slice s)
{
	return is_reference(s, false, false);
}

bool format_uri_reference(struct slice s)
{
	return is_reference(s, true, false);
}

bool format_iri(struct slice s)
{
	return is_reference(s, false, true);
}

bool format_iri_reference(struct slice s)
{
	return is_reference(s, true, true);
}

/* ---- templates */

/* varname: letters, digits, _ and %xx, with single dots between them. */
static bool take_variable(struct slice *s)
{
	size_t i = 0;
	bool dot = true; /* none at the front */

	while (i < s->len) {
		char c = s->data[i];
		if (is_alpha(c) || is_digit(c) || c == '_') {
			dot = false;
			i++;
		} else if (c == '%' && s->len - i >= 3 && num_hex_digit(s->data[i + 1]) >= 0 &&
			   num_hex_digit(s->data[i + 2]) >= 0) {
			dot = false;
			i += 3;
		} else if (c == '.' && !dot) {
			dot = true;
			i++;
		} else {
			break;
		}
	}
	*s = slice_of(s->data + i, s->len - i);
	return !dot;
}

/* name, name*, name:3 */
static bool is_varspec(struct slice s)
{
	if (!take_variable(&s))
		return false;
	if (s.len == 0 || (s.len == 1 && s.data[0] == '*'))
		return true;
	if (s.data[0] != ':' || s.len < 2 || s.len > 5 || s.data[1] == '0')
		return false;
	for (size_t i = 1; i < s.len; i++)
		if (!is_digit(s.data[i]))
			return false;
	return true;
}

static bool is_expression(struct slice s)
{
	struct slice part;
	bool more = true;

	if (s.len && s.data[0] && strchr("+#./;?&=,!@|", s.data[0]))
		s = slice_of(s.data + 1, s.len - 1);
	if (s.len == 0)
		return false;
	while (slice_next(&s, &more, ',', &part))
		if (!is_varspec(part))
			return false;
	return true;
}

/* Section 2.1: anything but control characters, space and these. */
static unsigned literal_length(struct slice s)
{
	char c = s.data[0];
	uint32_t point;

	if (c == '%')
		return s.len >= 3 && num_hex_digit(s.data[1]) >= 0 && num_hex_digit(s.data[2]) >= 0
			       ? 3
			       : 0;
	if (c & 0x80) {
		unsigned len = utf8_decode(s, &point);
		return len && is_ucschar(point, true) ? len : 0;
	}
	return c > 0x20 && c < 0x7f && !strchr("\"'<>\\^`{|}", c) ? 1 : 0;
}

bool format_uri_template(struct slice s)
{
	while (s.len) {
		size_t len;
		if (s.data[0] == '{') {
			len = slice_index(s, '}') + 1;
			if (len > s.len || !is_expression(slice_of(s.data + 1, len - 2)))
				return false;
		} else {
			len = literal_length(s);
		}
		if (len == 0)
			return false;
		s = slice_of(s.data + len, s.len - len);
	}
	return true;
}
