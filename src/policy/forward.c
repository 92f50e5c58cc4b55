/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The request to the application, as far as policy decides it.
 */
#include "policy/forward.h"

#include "base/buf.h"
#include "base/err.h"
#include "http/header.h"
#include "policy/host.h"

/* The longest target is bounded by the request head it is made of: each byte may become
 * three, and names of upstreams add little. */
enum { TARGET_MAX = 256 * 1024 };

static struct verdict arena_full(void)
{
	return verdict_refuse(REASON_OVERLOADED, "the arena is full");
}

/* --- tokens: whoever holds one is its subject, so no application gets to see any */

static bool identity_carries(const struct snapshot *s, const struct conf_identity *identity,
			     enum conf_carrier_kind kind, struct slice name)
{
	for (size_t i = 0; identity->kind == CONF_IDENTITY_JWT && i < identity->jwt.from_count;
	     i++) {
		const struct conf_carrier *carrier = &identity->jwt.from[i];
		if (carrier->kind == kind && slice_eq(carrier->name, name))
			return true;
	}
	for (size_t i = 0; i < identity->ticket.from_count; i++) {
		const struct conf_identity *from = &s->identities[identity->ticket.from[i]];
		if (from->kind == CONF_IDENTITY_JWT && identity_carries(s, from, kind, name))
			return true;
	}
	return false;
}

/* Is that a place where the route, or a ticket for it, takes tokens from? */
static bool carries_token(const struct forward_facts *f, enum conf_carrier_kind kind,
			  struct slice name)
{
	for (size_t i = 0; f->conf && i < f->route->identify_count; i++) {
		if (identity_carries(f->conf, &f->conf->identities[f->route->identify[i]], kind,
				     name))
			return true;
	}
	return false;
}

/* The Cookie field without the cookies that are tokens; empty when nothing is left. data is
 * NULL without room. */
static struct slice strip_cookies(const struct forward_facts *f, struct slice field,
				  struct arena *a)
{
	char *text = arena_alloc(a, field.len + 1);
	struct slice rest = field, pair;
	bool more = field.len > 0;
	size_t len = 0;
	if (!text)
		return slice_of(NULL, 0);
	while (slice_next(&rest, &more, ';', &pair)) {
		struct slice trimmed = slice_trim(pair);
		struct slice name = slice_trim(slice_first(trimmed, slice_index(trimmed, '=')));
		if (!trimmed.len || carries_token(f, CONF_CARRIER_COOKIE, name))
			continue;
		if (len) {
			text[len++] = ';';
			if (pair.data[0] == ' ')
				text[len++] = ' ';
		}
		memcpy(text + len, trimmed.data, trimmed.len);
		len += trimmed.len;
	}
	return slice_of(text, len);
}

static bool has_token_cookie(const struct forward_facts *f, struct slice field)
{
	struct slice rest = field, pair;
	bool more = field.len > 0;
	while (slice_next(&rest, &more, ';', &pair)) {
		pair = slice_trim(pair);
		if (carries_token(f, CONF_CARRIER_COOKIE,
				  slice_trim(slice_first(pair, slice_index(pair, '=')))))
			return true;
	}
	return false;
}

/* --- header fields */

static bool listed(const struct conf_texts *names, struct slice name)
{
	for (size_t i = 0; i < names->count; i++) {
		if (slice_eq_icase(names->items[i], name))
			return true;
	}
	return false;
}

static bool may_travel(const struct forward_facts *f, const struct http_header *field)
{
	if (slice_eq_icase(field->name, SLICE("authorization")) &&
	    carries_token(f, CONF_CARRIER_AUTHORIZATION, slice_of(NULL, 0)))
		return false;
	return listed(&f->route->forward_headers, field->name) &&
	       http_header_forwardable(field->name) && http_value_ok(field->value) &&
	       !http_header_nominated(f->head, field->name);
}

static bool is_plain(unsigned char c)
{
	return c > 0x20 && c < 0x7f && c != '%';
}

/* Any text as one header value; see forward.h. data is NULL without room. */
static struct slice encode_subject(struct slice subject, struct arena *a)
{
	static const char digits[] = "0123456789ABCDEF";
	char *text = arena_alloc(a, subject.len * 3 + 1);
	if (!text)
		return slice_of(NULL, 0);
	char *at = text;
	for (size_t i = 0; i < subject.len; i++) {
		unsigned char c = (unsigned char)subject.data[i];
		if (is_plain(c)) {
			*at++ = (char)c;
			continue;
		}
		*at++ = '%';
		*at++ = digits[c >> 4];
		*at++ = digits[c & 15];
	}
	return slice_of(text, (size_t)(at - text));
}

/* RFC 7239 sections 4 and 6: an IPv6 address in brackets, hence quoted; so is a host that
 * may have a colon. */
static struct slice forwarded_text(const struct forward_facts *f, struct slice peer,
				   struct slice host, struct arena *a)
{
	bool v6 = f->peer.family == 6;
	const struct slice parts[] = {
		v6 ? SLICE("for=\"[") : SLICE("for="),
		f->peer.family ? peer : SLICE("unknown"),
		v6 ? SLICE("]\";host=\"") : SLICE(";host=\""),
		host,
		f->tls ? SLICE("\";proto=https") : SLICE("\";proto=http"),
	};

	return arena_concat(a, parts, sizeof(parts) / sizeof(parts[0]));
}

static bool add(struct http_header *headers, size_t *count, struct slice name, struct slice value)
{
	headers[(*count)++] = (struct http_header){name, value};
	return value.data != NULL;
}

static bool add_own(const struct forward_facts *f, struct arena *a, struct http_header *headers,
		    size_t *count)
{
	char text[ADDRESS_TEXT_BYTES];
	struct slice peer = arena_copy(a, address_format(&f->peer, text));
	struct slice host = host_text(&f->request->host, a);
	struct slice proto = f->tls ? SLICE("https") : SLICE("http");
	bool all = peer.data && host.data;
	all &= add(headers, count, SLICE("X-Forwarded-For"), peer);
	all &= add(headers, count, SLICE("X-Forwarded-Proto"), proto);
	all &= add(headers, count, SLICE("X-Forwarded-Host"), host);
	all &= add(headers, count, SLICE("Forwarded"), forwarded_text(f, peer, host, a));
	all &= add(headers, count, SLICE("Sallyport-Subject"),
		   encode_subject(f->identity->subject, a));
	all &= add(headers, count, SLICE("Sallyport-Request"), arena_copy(a, f->request_id));
	if (f->assertion.len)
		all &= add(headers, count, SLICE("Sallyport-Assertion"), f->assertion);
	return all;
}

static struct verdict build_headers(const struct forward_facts *f, struct arena *a,
				    struct forward *out)
{
	size_t most = f->head->header_count + FORWARD_OWN_HEADERS;
	struct http_header *headers = arena_calloc(a, most, sizeof(*headers));
	if (!headers)
		return arena_full();
	for (size_t i = 0; i < f->head->header_count; i++) {
		struct http_header field = f->head->headers[i];
		if (!may_travel(f, &field))
			continue;
		if (slice_eq_icase(field.name, SLICE("cookie")) &&
		    has_token_cookie(f, field.value)) {
			field.value = strip_cookies(f, field.value, a);
			if (!field.value.data)
				return arena_full();
			if (!field.value.len)
				continue;
		}
		headers[out->header_count++] = field;
	}
	if (!add_own(f, a, headers, &out->header_count))
		return arena_full();
	out->headers = headers;
	return verdict_pass();
}

/* --- the target */

static bool is_secret(struct slice name)
{
	return slice_eq_icase(name, SLICE("ticket")) || slice_eq_icase(name, SLICE("csrf"));
}

static bool query_listed(const struct conf_texts *names, struct slice name)
{
	for (size_t i = 0; i < names->count; i++) {
		if (slice_eq(names->items[i], name))
			return true;
	}
	return false;
}

/* Name and value are encoded anew, so that no second spelling of either gets through. */
static int append_parameter(struct buf *to, const struct http_parameter *p, bool first)
{
	int r = buf_append(to, first ? SLICE("?") : SLICE("&"));
	if (!r)
		r = http_percent_encode(to, p->name);
	if (!r)
		r = buf_append(to, SLICE("="));
	if (!r)
		r = http_percent_encode(to, p->value);
	return r;
}

enum { QUERY_MALFORMED = 2 };

static int append_query(const struct forward_facts *f, struct arena *a, struct buf *to)
{
	struct slice query = f->request->target.query;
	struct http_parameters all = {.rest = query, .more = query.len != 0};
	struct http_parameter p;
	bool first = true;
	int r = 0;
	if (!f->route->forward_query.count)
		return 0;
	while (!r && http_parameters_next(&all, a, &p)) {
		if (!query_listed(&f->route->forward_query, p.name) || is_secret(p.name) ||
		    carries_token(f, CONF_CARRIER_QUERY, p.name))
			continue;
		r = append_parameter(to, &p, first);
		first = false;
	}
	if (!r && all.failed)
		return a->overflow ? BUF_FULL : QUERY_MALFORMED;
	return r;
}

static struct verdict build_target(const struct forward_facts *f, struct arena *a, struct buf *to,
				   struct forward *out)
{
	int r = route_upstream_path(&f->upstream->path, f->match, &f->request->target, to);
	if (!r)
		r = append_query(f, a, to);
	if (r == QUERY_MALFORMED)
		return verdict_refuse(REASON_HANDSHAKE_MALFORMED, "the query cannot be read");
	if (r == -EINVAL)
		return verdict_refuse(REASON_INTERNAL, "an upstream's parameter");
	if (r)
		return arena_full();
	out->target = arena_copy(a, buf_slice(to));
	return out->target.data ? verdict_pass() : arena_full();
}

struct verdict forward_build(const struct forward_facts *f, struct arena *a, struct forward *out)
{
	*out = (struct forward){0};
	struct verdict v = build_headers(f, a, out);
	if (v.kind != VERDICT_PASS)
		return v;
	struct buf target;
	buf_init(&target, TARGET_MAX);
	v = build_target(f, a, &target, out);
	buf_deinit(&target);
	return v;
}
