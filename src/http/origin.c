/* SPDX-License-Identifier: Apache-2.0 */
/* Host fields and serialised origins; see origin.h. */
#include "http/origin.h"

#include "base/address.h"
#include "base/num.h"
#include "http/chars.h"

enum { NAME_CHARS_MAX = 253, LABEL_CHARS_MAX = 63 };

uint16_t http_scheme_port(enum http_scheme scheme)
{
	switch (scheme) {
	case HTTP_SCHEME_HTTP:
	case HTTP_SCHEME_WS:
		return 80;
	case HTTP_SCHEME_HTTPS:
	case HTTP_SCHEME_WSS:
		return 443;
	case HTTP_SCHEME_NONE:
	case HTTP_SCHEME_WS_UNIX:
		break;
	}
	return 0;
}

bool http_scheme_is_tls(enum http_scheme scheme)
{
	return scheme == HTTP_SCHEME_HTTPS || scheme == HTTP_SCHEME_WSS;
}

static bool all_digits(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.data[i] < '0' || s.data[i] > '9')
			return false;
	return s.len > 0;
}

/* Would a lenient reader take this label for a number, and the name for an IPv4 address? */
static bool label_is_number(struct slice label)
{
	if (all_digits(label))
		return true;
	if (!slice_eq_icase(slice_first(label, 2), SLICE("0x")))
		return false;
	for (size_t i = 2; i < label.len; i++)
		if (num_hex_digit(label.data[i]) < 0)
			return false;
	return true;
}

static bool name_ok(struct slice name)
{
	struct slice rest = name, label, last = slice_of(NULL, 0);
	bool more = true;

	if (name.len == 0 || name.len > NAME_CHARS_MAX + (name.data[name.len - 1] == '.'))
		return false;
	while (slice_next(&rest, &more, '.', &label)) {
		if (label.len == 0 && !more && last.len)
			break; /* the dot of the root */
		if (!http_chars_all(label, HTTP_CHAR_LABEL) || label.len > LABEL_CHARS_MAX)
			return false;
		last = label;
	}
	return !label_is_number(last);
}

static bool host_parse(struct slice text, struct http_authority *out)
{
	struct address address;

	out->host = text;
	out->is_ipv6 = text.len > 2 && text.data[0] == '[' && text.data[text.len - 1] == ']';
	if (out->is_ipv6)
		out->host = slice_first(slice_from(text, 1), text.len - 2);
	bool colon = slice_index(out->host, ':') != out->host.len;
	if (out->is_ipv6 != colon)
		return false;
	out->is_ip = address_parse(out->host, &address);
	return out->is_ip || (!out->is_ipv6 && name_ok(out->host));
}

/* Where ":port" starts; the length if there is none. */
static size_t port_at(struct slice text)
{
	size_t bracket = slice_index(text, ']');
	size_t from = bracket < text.len ? bracket + 1 : 0;

	return from + slice_index(slice_from(text, from), ':');
}

bool http_authority_parse(struct slice text, struct http_authority *out)
{
	size_t colon = port_at(text);
	uint64_t port = 0;

	*out = (struct http_authority){.port = 0};
	if (colon < text.len &&
	    (!num_parse_u64(slice_from(text, colon + 1), UINT16_MAX, &port) || port == 0))
		return false;
	out->port = (uint16_t)port;
	return host_parse(slice_first(text, colon), out);
}

static struct slice without_root_dot(struct slice name)
{
	bool dot = name.len > 1 && name.data[name.len - 1] == '.';
	return slice_first(name, name.len - dot);
}

bool http_host_eq(struct slice a, struct slice b)
{
	struct address left, right;

	/* One IPv6 address has many spellings. */
	if (address_parse(a, &left) && address_parse(b, &right))
		return address_eq(&left, &right);
	return slice_eq_icase(without_root_dot(a), without_root_dot(b));
}

static bool has_upper(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.data[i] >= 'A' && s.data[i] <= 'Z')
			return true;
	return false;
}

/* RFC 3986 section 3.1, in lower case. */
static bool scheme_ok(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.data[i];
		bool letter = c >= 'a' && c <= 'z';
		bool other = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
		if (!letter && (i == 0 || !other))
			return false;
	}
	return s.len > 0;
}

static enum http_scheme scheme_of(struct slice s)
{
	if (slice_eq(s, SLICE("http")))
		return HTTP_SCHEME_HTTP;
	if (slice_eq(s, SLICE("https")))
		return HTTP_SCHEME_HTTPS;
	if (slice_eq(s, SLICE("ws")))
		return HTTP_SCHEME_WS;
	if (slice_eq(s, SLICE("wss")))
		return HTTP_SCHEME_WSS;
	return HTTP_SCHEME_NONE;
}

struct http_origin http_origin_parse(struct slice text)
{
	struct http_origin o = {.kind = HTTP_ORIGIN_MALFORMED};
	struct http_authority authority;

	if (slice_eq(text, SLICE("null"))) {
		o.kind = HTTP_ORIGIN_NULL;
		return o;
	}
	size_t colon = slice_index(text, ':');
	struct slice scheme = slice_first(text, colon), rest = slice_from(text, colon);
	if (!scheme_ok(scheme) || !slice_starts_with(rest, SLICE("://")) || has_upper(rest))
		return o;
	if (!http_authority_parse(slice_from(rest, 3), &authority))
		return o;
	o.kind = HTTP_ORIGIN_TUPLE;
	o.scheme_text = scheme;
	o.scheme = scheme_of(scheme);
	o.host = authority.host;
	o.port = authority.port ? authority.port : http_scheme_port(o.scheme);
	o.is_ip = authority.is_ip;
	return o;
}

bool http_origin_is(const struct http_origin *o, enum http_scheme scheme, struct slice host,
		    uint16_t port)
{
	if (o->kind != HTTP_ORIGIN_TUPLE)
		return false;
	if (o->scheme != HTTP_SCHEME_HTTP && o->scheme != HTTP_SCHEME_HTTPS)
		return false;
	if (scheme == HTTP_SCHEME_NONE || scheme == HTTP_SCHEME_WS_UNIX)
		return false;
	/* Letter by letter: to a browser example.com and example.com. are two origins. */
	return http_scheme_is_tls(o->scheme) == http_scheme_is_tls(scheme) &&
	       o->port == (port ? port : http_scheme_port(scheme)) && slice_eq_icase(o->host, host);
}
