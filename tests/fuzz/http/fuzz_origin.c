/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as Origin and as Host. Holds: an origin written out again from its parts is itself;
 * it is the origin of its own parts and of no other host, port or scheme.
 */
#include "base/obj.h"
#include "http/origin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void origin(struct slice text)
{
	struct http_origin o = http_origin_parse(text), again;
	char line[512];

	if (o.kind != HTTP_ORIGIN_TUPLE) {
		MUST(!http_origin_is(&o, HTTP_SCHEME_HTTPS, text, 0));
		return;
	}
	bool v6 = slice_index(o.host, ':') != o.host.len;
	int len = snprintf(line, sizeof(line), "%.*s://%s%.*s%s", SLICE_ARG(o.scheme_text),
			   v6 ? "[" : "", SLICE_ARG(o.host), v6 ? "]" : "");
	MUST(len > 0);
	if ((size_t)len + 7 > sizeof(line))
		return;
	if (o.port != http_scheme_port(o.scheme))
		len += snprintf(line + len, sizeof(line) - (size_t)len, ":%u", o.port);
	again = http_origin_parse(slice_of(line, (size_t)len));
	MUST(again.kind == HTTP_ORIGIN_TUPLE && again.port == o.port);
	MUST(slice_eq(again.host, o.host) && slice_eq(again.scheme_text, o.scheme_text));
	bool web = o.scheme == HTTP_SCHEME_HTTP || o.scheme == HTTP_SCHEME_HTTPS;
	enum http_scheme other =
		o.scheme == HTTP_SCHEME_HTTP ? HTTP_SCHEME_HTTPS : HTTP_SCHEME_HTTP;
	MUST(http_origin_is(&o, o.scheme, o.host, o.port) == web);
	MUST(!http_origin_is(&o, other, o.host, o.port));
	MUST(!http_origin_is(&o, o.scheme, o.host, (uint16_t)(o.port ^ 1) ? o.port ^ 1 : 2));
	MUST(!http_origin_is(&o, o.scheme, slice_from(o.host, 1), o.port));
}

static void host(struct slice text)
{
	struct http_authority a;

	if (!http_authority_parse(text, &a))
		return;
	MUST(a.host.len > 0 && http_host_eq(a.host, a.host));
	MUST(slice_index(text, '@') == text.len && slice_index(text, '/') == text.len);
	MUST(slice_index(text, ' ') == text.len && slice_index(text, '\\') == text.len);
	MUST(a.is_ip || slice_index(a.host, ':') == a.host.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_of((const char *)data, size);

	origin(text);
	host(text);
	return 0;
}
