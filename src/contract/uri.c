/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 3986 section 5.2 for references between schemas; see uri.h. */
#include "contract/uri.h"

#include "base/num.h"

struct slice uri_split_fragment(struct slice uri, struct slice *fragment)
{
	size_t hash = slice_index(uri, '#');

	*fragment = slice_of(NULL, 0);
	if (hash == uri.len)
		return uri;
	*fragment = slice_of(uri.data + hash + 1, uri.len - hash - 1);
	return slice_of(uri.data, hash);
}

/* Section 3: every part with its delimiters known; data NULL where the part is not there. */
struct parts {
	struct slice scheme, authority, path, query;
};

static size_t index_of_any(struct slice s, const char *any)
{
	size_t i = 0;

	while (i < s.len && !(s.data[i] && strchr(any, s.data[i])))
		i++;
	return i;
}

static struct parts split(struct slice uri)
{
	struct parts p = {{NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}};
	size_t at = index_of_any(uri, ":/?");

	if (at < uri.len && uri.data[at] == ':' && at > 0) {
		p.scheme = slice_of(uri.data, at);
		uri = slice_of(uri.data + at + 1, uri.len - at - 1);
	}
	if (uri.len >= 2 && memcmp(uri.data, "//", 2) == 0) {
		uri = slice_of(uri.data + 2, uri.len - 2);
		at = index_of_any(uri, "/?");
		p.authority = slice_of(uri.data, at);
		uri = slice_of(uri.data + at, uri.len - at);
	}
	at = slice_index(uri, '?');
	p.path = slice_of(uri.data, at);
	if (at < uri.len)
		p.query = slice_of(uri.data + at + 1, uri.len - at - 1);
	return p;
}

/* What is being written; there is room for all that can come. */
struct text {
	char *at;
	size_t len;
};

static void put(struct text *t, struct slice s)
{
	if (s.len)
		memcpy(t->at + t->len, s.data, s.len);
	t->len += s.len;
}

static bool is(struct slice s, struct slice wanted)
{
	return slice_eq(s, wanted);
}

/* Section 5.2.4, segment by segment; `from` is where the path begins in t. */
static void put_without_dots(struct text *t, struct slice path)
{
	size_t from = t->len;

	while (path.len) {
		size_t slash = path.data[0] == '/';
		size_t end = slash + slice_index(slice_from(path, slash), '/');
		struct slice segment = slice_of(path.data + slash, end - slash);
		bool last = end == path.len;

		if (is(segment, SLICE("..")) || is(segment, SLICE("."))) {
			if (segment.len == 2) {
				while (t->len > from && t->at[t->len - 1] != '/')
					t->len--;
				if (t->len > from)
					t->len--;
			}
			if (last && slash)
				put(t, SLICE("/"));
		} else {
			put(t, slice_of(path.data, end));
		}
		path = slice_of(path.data + end, path.len - end);
	}
}

/* Section 5.2.3. */
static struct slice merge(const struct parts *base, struct slice path, struct arena *arena)
{
	size_t keep = base->path.len;

	if (base->authority.data && base->path.len == 0)
		return arena_printf(arena, "/%.*s", SLICE_ARG(path));
	while (keep && base->path.data[keep - 1] != '/')
		keep--;
	return arena_printf(arena, "%.*s%.*s", (int)keep, base->path.data ? base->path.data : "",
			    SLICE_ARG(path));
}

struct slice uri_resolve(struct slice base, struct slice reference, struct arena *arena)
{
	struct parts b = split(base), r = split(reference), t = r;
	struct text out = {NULL, 0};

	if (base.len == 0)
		return reference.data ? reference : SLICE("");
	if (!r.scheme.data) {
		t.scheme = b.scheme;
		if (!r.authority.data) {
			t.authority = b.authority;
			if (r.path.len == 0) {
				t.path = b.path;
				t.query = r.query.data ? r.query : b.query;
			} else if (r.path.data[0] != '/') {
				t.path = merge(&b, r.path, arena);
				if (!t.path.data)
					return t.path;
			}
		}
	}
	out.at = arena_alloc(arena, t.scheme.len + t.authority.len + t.path.len + t.query.len + 8);
	if (!out.at)
		return slice_of(NULL, 0);
	if (t.scheme.data) {
		put(&out, t.scheme);
		put(&out, SLICE(":"));
	}
	if (t.authority.data) {
		put(&out, SLICE("//"));
		put(&out, t.authority);
	}
	if (r.path.len)
		put_without_dots(&out, t.path);
	else
		put(&out, t.path);
	if (t.query.data) {
		put(&out, SLICE("?"));
		put(&out, t.query);
	}
	return slice_of(out.at, out.len);
}

struct slice uri_decode(struct slice text, struct arena *arena)
{
	char *out = arena_alloc(arena, text.len + 1);
	size_t len = 0;

	for (size_t i = 0; out && i < text.len; i++) {
		char c = text.data[i];
		if (c == '%') {
			int high = i + 2 < text.len ? num_hex_digit(text.data[i + 1]) : -1;
			int low = high >= 0 ? num_hex_digit(text.data[i + 2]) : -1;
			if (low < 0)
				return slice_of(NULL, 0);
			c = (char)(high * 16 + low);
			i += 2;
		}
		out[len++] = c;
	}
	return slice_of(out, out ? len : 0);
}
