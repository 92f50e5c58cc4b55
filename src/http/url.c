/* SPDX-License-Identifier: Apache-2.0 */
/* Absolute URLs for configurations; see url.h. */
#include "http/url.h"

#include <stdio.h>

#include "base/num.h"
#include "http/chars.h"

struct scheme_row {
	struct slice prefix;
	enum http_scheme scheme;
};

/* clang-format off */
static const struct scheme_row schemes[] = {
	{SLICE_INIT("http://"),     HTTP_SCHEME_HTTP},
	{SLICE_INIT("https://"),    HTTP_SCHEME_HTTPS},
	{SLICE_INIT("ws://"),       HTTP_SCHEME_WS},
	{SLICE_INIT("wss://"),      HTTP_SCHEME_WSS},
	{SLICE_INIT("ws+unix://"), HTTP_SCHEME_WS_UNIX},
};
/* clang-format on */

/* The longest path of a socket that Linux takes (unix(7)). */
enum { UNIX_PATH_MAX_CHARS = 107 };

/* From the path on: what is behind scheme and authority. */
static const char *parse_path(struct slice text, struct url *out)
{
	size_t question = slice_index(text, '?');

	out->path = slice_first(text, question);
	out->has_query = question < text.len;
	out->query = slice_from(text, question + 1);
	if (slice_index(text, '#') != text.len)
		return "a fragment (#) has no place here";
	if (out->path.len && http_char_run(out->path, 0, HTTP_CHAR_URL) != out->path.len)
		return "the path has a character that must be written as %XX";
	if (http_char_run(out->query, 0, HTTP_CHAR_QUERY) != out->query.len)
		return "the query has a character that must be written as %XX";
	return NULL;
}

static const char *parse_unix(struct slice text, struct url *out)
{
	size_t colon = slice_index(text, ':');

	out->unix_path = slice_first(text, colon);
	if (colon == 0 || text.data[0] != '/')
		return "the path of the socket must be absolute: ws+unix:///run/app.sock:/chat";
	if (out->unix_path.len > UNIX_PATH_MAX_CHARS)
		return "the path of the socket is longer than 107 bytes";
	if (memchr(out->unix_path.data, 0, out->unix_path.len))
		return "the path of the socket has a NUL in it";
	struct slice rest = slice_from(text, colon + 1);
	if (rest.len == 0 || rest.data[0] != '/')
		return "behind the socket a colon and a path must follow: "
		       "ws+unix:///run/app.sock:/chat";
	return parse_path(rest, out);
}

/* Where the authority ends. */
static size_t authority_end(struct slice text)
{
	size_t end = slice_index(text, '/');
	size_t question = slice_index(text, '?'), hash = slice_index(text, '#');

	end = question < end ? question : end;
	return hash < end ? hash : end;
}

/* Takes a written ":0" away, which http_authority_parse rightly refuses in a Host field. */
static struct slice without_port_zero(struct slice authority, bool *zero)
{
	*zero = slice_ends_with(authority, SLICE(":0"));
	return slice_first(authority, authority.len - (*zero ? 2 : 0));
}

static const char *parse_authority(struct slice text, struct url *out)
{
	struct http_authority authority;
	bool zero;

	if (slice_index(text, '@') != text.len)
		return "a user or password has no place in this URL";
	if (text.len == 0)
		return "the host is missing";
	struct slice rest = without_port_zero(text, &zero);
	if (!http_authority_parse(rest, &authority) || (zero && authority.port))
		return "the host or port is not valid";
	out->host = authority.host;
	out->is_ip = authority.is_ip;
	out->is_ipv6 = authority.is_ipv6;
	out->port_written = zero || authority.port;
	out->port = out->port_written ? authority.port : http_scheme_port(out->scheme);
	return NULL;
}

const char *url_parse(struct slice text, struct url *out)
{
	const struct scheme_row *row = NULL;

	*out = (struct url){.scheme = HTTP_SCHEME_NONE};
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (slice_starts_with(text, schemes[i].prefix))
			row = &schemes[i];
	if (!row)
		return "a URL starts with http://, https://, ws://, wss:// or ws+unix://";
	out->scheme = row->scheme;
	struct slice rest = slice_from(text, row->prefix.len);
	if (row->scheme == HTTP_SCHEME_WS_UNIX)
		return parse_unix(rest, out);
	size_t end = authority_end(rest);
	const char *wrong = parse_authority(slice_first(rest, end), out);
	return wrong ? wrong : parse_path(slice_from(rest, end), out);
}

struct slice url_without_query(struct slice text)
{
	return slice_first(text, slice_index(text, '?'));
}

struct slice url_authority(const struct url *u, char *room, size_t bytes)
{
	const char *open = u->is_ipv6 ? "[" : "", *close = u->is_ipv6 ? "]" : "";
	int len;

	if (u->scheme == HTTP_SCHEME_WS_UNIX)
		len = snprintf(room, bytes, "localhost");
	else if (u->port == http_scheme_port(u->scheme))
		len = snprintf(room, bytes, "%s%.*s%s", open, SLICE_ARG(u->host), close);
	else
		len = snprintf(room, bytes, "%s%.*s%s:%u", open, SLICE_ARG(u->host), close,
			       u->port);
	return len < 0 || (size_t)len >= bytes ? slice_of(NULL, 0) : slice_of(room, (size_t)len);
}
