/* SPDX-License-Identifier: Apache-2.0 */
/* Header fields: look-up, lists, and the names that stay here; see header.h. */
#include "http/header.h"

#include "http/chars.h"

bool http_token_ok(struct slice s)
{
	return http_chars_all(s, HTTP_CHAR_TOKEN);
}

bool http_value_ok(struct slice s)
{
	return http_value_run(s, 0) == s.len && slice_trim(s).len == s.len;
}

const struct http_header *http_header_find(const struct http_head *h, struct slice name)
{
	for (size_t i = 0; i < h->header_count; i++)
		if (slice_eq_icase(h->headers[i].name, name))
			return &h->headers[i];
	return NULL;
}

size_t http_header_count(const struct http_head *h, struct slice name)
{
	size_t count = 0;

	for (size_t i = 0; i < h->header_count; i++)
		count += slice_eq_icase(h->headers[i].name, name);
	return count;
}

bool http_header_single(const struct http_head *h, struct slice name, struct slice *value)
{
	const struct http_header *only = NULL;

	for (size_t i = 0; i < h->header_count; i++) {
		if (!slice_eq_icase(h->headers[i].name, name))
			continue;
		if (only)
			return false;
		only = &h->headers[i];
	}
	if (only)
		*value = only->value;
	return only != NULL;
}

void http_tokens_start(struct http_tokens *t, const struct http_head *h, struct slice name)
{
	*t = (struct http_tokens){.head = h, .name = name};
}

/* Goes on to the next field of the name. */
static bool tokens_next_field(struct http_tokens *t)
{
	while (t->next_header < t->head->header_count) {
		const struct http_header *field = &t->head->headers[t->next_header++];
		if (slice_eq_icase(field->name, t->name)) {
			t->rest = field->value;
			t->more = true;
			return true;
		}
	}
	return false;
}

static bool list_token_ok(struct slice token, bool slash_ok)
{
	size_t slash = slash_ok ? slice_index(token, '/') : token.len;

	if (!http_token_ok(slice_first(token, slash)))
		return false;
	return slash == token.len || http_token_ok(slice_from(token, slash + 1));
}

bool http_tokens_next(struct http_tokens *t, struct slice *token)
{
	struct slice part;

	while (!t->malformed) {
		if (!slice_next(&t->rest, &t->more, ',', &part)) {
			if (!tokens_next_field(t))
				return false;
			continue;
		}
		part = slice_trim(part);
		if (part.len == 0) {
			t->malformed = ++t->empty > HTTP_LIST_EMPTY_MAX;
			continue;
		}
		t->malformed = !list_token_ok(part, t->slash_ok);
		if (!t->malformed) {
			*token = part;
			return true;
		}
	}
	return false;
}

bool http_header_has_token(const struct http_head *h, struct slice name, struct slice token)
{
	struct http_tokens t;
	struct slice each;
	bool found = false;

	http_tokens_start(&t, h, name);
	t.slash_ok = true;
	while (http_tokens_next(&t, &each))
		found |= slice_eq_icase(each, token);
	return found && !t.malformed;
}

bool http_header_tokens_ok(const struct http_head *h, struct slice name)
{
	struct http_tokens t;
	struct slice each;

	http_tokens_start(&t, h, name);
	t.slash_ok = true;
	while (http_tokens_next(&t, &each))
		continue;
	return !t.malformed;
}

bool http_header_nominated(const struct http_head *h, struct slice name)
{
	return !http_header_tokens_ok(h, SLICE("connection")) ||
	       http_header_has_token(h, SLICE("connection"), name);
}

/*
 * Names that end at the gateway. A final '-' stands for all names that start so.
 */
/* clang-format off */
static const char *const kept[] = {
	/* between two neighbours only (RFC 9110 section 7.6.1), and how long the message is */
	"connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization",
	"proxy-authentication-info", "te", "trailer", "transfer-encoding", "upgrade", "http2-settings",
	"content-length", "content-encoding", "content-range", "expect", "host", "max-forwards", "via", "alt-used",
	/* the handshake: ours is built anew */
	"sec-websocket-",
	/* who somebody is, where a request came from, where it should go */
	"forwarded", "x-forwarded", "x-forwarded-", "x-forward-", "x-original-", "x-rewrite-", "x-real-", "x-client-",
	"client-ip", "true-client-ip", "x-cluster-client-ip", "cf-connecting-ip", "cf-connecting-ipv6",
	"cf-ipcountry", "cf-visitor", "fastly-client-ip", "fly-client-ip", "x-appengine-", "x-envoy-", "x-amzn-oidc-",
	"x-goog-authenticated-user-", "x-goog-iap-", "x-ms-client-principal", "x-ms-client-principal-", "x-ms-token-",
	"x-host", "x-http-host-override", "x-http-method", "x-http-method-override", "x-method-override",
	"sallyport", "sallyport-", "remote-user", "remote-", "x-remote-", "x-auth-user", "x-auth-request-",
	"x-authenticated-", "x-user", "x-user-id", "x-user-email", "x-webauth-", "x-authentik-", "x-consumer-",
	"x-credential-", "x-anonymous-consumer", "x-ssl-", "ssl-", "client-cert", "client-cert-chain", "x-arr-",
	"x-proxy-", "x-scheme", "x-url-scheme", "x-sendfile", "x-accel-", "front-end-https", "proxy",
};
/* clang-format on */

bool http_header_forwardable(struct slice name)
{
	if (!http_token_ok(name) || slice_index(name, '_') != name.len)
		return false;
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		struct slice row = slice_from_cstr(kept[i]);
		bool prefix = row.data[row.len - 1] == '-';
		if (slice_eq_icase(prefix ? slice_first(name, row.len) : name, row))
			return false;
	}
	return true;
}

int http_header_write(struct buf *out, struct slice name, struct slice value)
{
	const struct slice parts[] = {name, SLICE(": "), value, SLICE("\r\n")};
	size_t bytes = name.len + value.len + 4;
	char *at;
	int r = buf_reserve(out, bytes, &at);

	if (r)
		return r;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (parts[i].len)
			memcpy(at, parts[i].data, parts[i].len);
		at += parts[i].len;
	}
	buf_commit(out, bytes);
	return 0;
}
