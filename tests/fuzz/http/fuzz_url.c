/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a request target, a query and a configured URL.
 * Holds: a decoded path encodes to a path that decodes to the same; no segment could be read as
 * two, as none or as another; a URL's authority and path read back as the same.
 */
#include "base/obj.h"
#include "base/utf8.h"
#include "http/target.h"
#include "http/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void segment_is_safe(struct slice s)
{
	MUST(s.len > 0 && utf8_valid(s));
	MUST(!slice_eq(s, SLICE(".")) && !slice_eq(s, SLICE("..")));
	MUST(slice_index(s, '/') == s.len && slice_index(s, '\\') == s.len);
	for (size_t i = 0; i < s.len; i++)
		MUST((unsigned char)s.data[i] >= 0x20 && s.data[i] != 0x7f);
}

static void target(struct slice text, struct arena *a)
{
	struct http_target t, again;
	struct buf b;
	size_t at = 0;

	enum reason r = http_target_parse(text, a, &t, &at);
	MUST(at <= text.len);
	if (r || t.asterisk)
		return;
	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < t.segment_count; i++) {
		segment_is_safe(t.segments[i]);
		MUST(buf_append(&b, SLICE("/")) == 0);
		MUST(http_percent_encode(&b, t.segments[i]) == 0);
	}
	if (t.trailing_slash)
		MUST(buf_append(&b, SLICE("/")) == 0);
	MUST(http_target_parse(buf_slice(&b), a, &again, &at) == REASON_NONE);
	MUST(again.segment_count == t.segment_count && again.trailing_slash == t.trailing_slash);
	for (size_t i = 0; i < t.segment_count; i++)
		MUST(slice_eq(again.segments[i], t.segments[i]));
	buf_deinit(&b);
}

static void query(struct slice text, struct arena *a)
{
	struct http_parameters q = {.rest = text, .more = text.len > 0};
	struct http_parameter p;
	struct slice value = slice_of(NULL, 0);
	size_t tickets = 0;

	while (http_parameters_next(&q, a, &p)) {
		MUST(utf8_valid(p.name) && utf8_valid(p.value));
		tickets += slice_eq(p.name, SLICE("ticket"));
	}
	enum http_find found = http_query_find(text, SLICE("ticket"), a, &value);
	MUST((found == HTTP_FIND_MALFORMED) == q.failed);
	if (!q.failed) {
		MUST((found == HTTP_FIND_NONE) == (tickets == 0));
		MUST((found == HTTP_FIND_ONE) == (tickets == 1));
	}
}

static void url(struct slice text)
{
	struct url u, again;
	char room[300], line[700];

	if (url_parse(text, &u))
		return;
	if (u.scheme == HTTP_SCHEME_WS_UNIX) {
		MUST(u.unix_path.len > 0 && u.unix_path.data[0] == '/' && u.path.len > 0);
		return;
	}
	struct slice authority = url_authority(&u, room, sizeof(room));
	if (!authority.data || authority.len + u.path.len > 600)
		return;
	int len = snprintf(line, sizeof(line), "%s://%.*s%.*s",
			   http_scheme_is_tls(u.scheme) ? "https" : "http", SLICE_ARG(authority),
			   SLICE_ARG(u.path));
	MUST(!url_parse(slice_of(line, (size_t)len), &again));
	MUST(again.port == u.port && slice_eq(again.host, u.host));
	MUST(slice_eq(again.path, u.path) && again.is_ip == u.is_ip);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_of((const char *)data, size);
	struct arena a;

	arena_init(&a, 4096, 1 << 22);
	target(text, &a);
	arena_reset(&a);
	query(text, &a);
	url(text);
	arena_deinit(&a);
	return 0;
}
