/* SPDX-License-Identifier: Apache-2.0 */
/* The handshake towards the application; see upgrade.h. */
#include "http/upgrade.h"

#include "base/base64.h"
#include "base/ct.h"
#include "base/err.h"
#include "http/chars.h"
#include "http/header.h"

void http_upgrade_key(const uint8_t random[16], char key[HTTP_KEY_CHARS])
{
	base64_encode(slice_of((const char *)random, 16), key, HTTP_KEY_CHARS);
}

/* Path, perhaps '?' and a query; nothing that would end the request line. */
static bool target_ok(struct slice target)
{
	size_t question = slice_index(target, '?');
	struct slice query = slice_from(target, question + 1);

	return target.len > 0 && target.data[0] == '/' &&
	       http_char_run(target, 0, HTTP_CHAR_PATH) >= question &&
	       http_char_run(query, 0, HTTP_CHAR_QUERY) == query.len;
}

/* May the caller add that field? The others are written here, or must not be. */
static bool name_ok(struct slice name)
{
	/* clang-format off */
	static const struct slice ours[] = {
		SLICE_INIT("host"), SLICE_INIT("connection"), SLICE_INIT("upgrade"),
		SLICE_INIT("content-length"), SLICE_INIT("transfer-encoding"), SLICE_INIT("te"),
		SLICE_INIT("trailer"), SLICE_INIT("expect"), SLICE_INIT("keep-alive"),
		SLICE_INIT("proxy-connection"), SLICE_INIT("http2-settings"),
	};
	/* clang-format on */
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (slice_eq_icase(name, ours[i]))
			return false;
	struct slice handshake = SLICE("sec-websocket-");
	return http_token_ok(name) && slice_index(name, '_') == name.len &&
	       !slice_eq_icase(slice_first(name, handshake.len), handshake);
}

static bool upgrade_ok(const struct http_upgrade *u)
{
	struct http_authority ignored;

	if (!target_ok(u->target) || !http_authority_parse(u->authority, &ignored))
		return false;
	for (size_t i = 0; i < u->protocol_count; i++)
		if (!http_token_ok(u->protocols[i]))
			return false;
	for (size_t i = 0; i < u->header_count; i++)
		if (!name_ok(u->headers[i].name) || !http_value_ok(u->headers[i].value))
			return false;
	return true;
}

static void append(struct buf *out, int *r, struct slice s)
{
	if (*r == 0)
		*r = buf_append(out, s);
}

static void append_field(struct buf *out, int *r, struct slice name, struct slice value)
{
	if (*r == 0)
		*r = http_header_write(out, name, value);
}

static void append_protocols(const struct http_upgrade *u, struct buf *out, int *r)
{
	for (size_t i = 0; i < u->protocol_count; i++) {
		append(out, r, i ? SLICE(", ") : SLICE("Sec-WebSocket-Protocol: "));
		append(out, r, u->protocols[i]);
	}
	if (u->protocol_count)
		append(out, r, SLICE("\r\n"));
}

int http_upgrade_write(const struct http_upgrade *u, struct buf *out)
{
	int r = 0;

	if (!upgrade_ok(u))
		return err_raise(EINVAL, "a request to the application that is not well-formed");
	size_t before = buf_waiting(out);
	append(out, &r, SLICE("GET "));
	append(out, &r, u->target);
	append(out, &r, SLICE(" HTTP/1.1\r\n"));
	append_field(out, &r, SLICE("Host"), u->authority);
	append(out, &r, SLICE("Upgrade: websocket\r\nConnection: Upgrade\r\n"));
	append_field(out, &r, SLICE("Sec-WebSocket-Key"), slice_of(u->key, sizeof(u->key)));
	append(out, &r, SLICE("Sec-WebSocket-Version: 13\r\n"));
	append_protocols(u, out, &r);
	if (u->offer_deflate)
		append_field(out, &r, SLICE("Sec-WebSocket-Extensions"), http_deflate_offer);
	for (size_t i = 0; i < u->header_count; i++)
		append_field(out, &r, u->headers[i].name, u->headers[i].value);
	append(out, &r, SLICE("\r\n"));
	if (r)
		out->len = out->off + before; /* half a request is worse than none */
	return r;
}

static bool accept_ok(const struct http_upgrade *u, const struct http_head *h)
{
	char wanted[HTTP_ACCEPT_CHARS];
	struct slice accept;

	return http_accept(slice_of(u->key, sizeof(u->key)), wanted) == 0 &&
	       http_header_single(h, SLICE("sec-websocket-accept"), &accept) &&
	       ct_slice_eq(accept, slice_of(wanted, sizeof(wanted)));
}

/* None, or exactly one of those that we offered, letter by letter. */
static bool protocol_ok(const struct http_upgrade *u, const struct http_head *h,
			struct slice *protocol)
{
	struct slice name = SLICE("sec-websocket-protocol");

	if (!http_header_find(h, name))
		return true;
	if (!http_header_single(h, name, protocol))
		return false;
	for (size_t i = 0; i < u->protocol_count; i++)
		if (slice_eq(*protocol, u->protocols[i]))
			return true;
	return false;
}

/* The word for the first thing that is wrong, or NULL. */
static const char *what_is_wrong(const struct http_upgrade *u, const struct http_head *h,
				 struct http_upgrade_answer *out)
{
	struct slice upgrade;

	if (h->status != 101)
		return "status";
	if (!http_header_single(h, SLICE("upgrade"), &upgrade) ||
	    !slice_eq_icase(upgrade, SLICE("websocket")))
		return "upgrade";
	if (!http_header_has_token(h, SLICE("connection"), SLICE("upgrade")))
		return "connection";
	if (!accept_ok(u, h))
		return "accept";
	if (!protocol_ok(u, h, &out->protocol))
		return "protocol";
	if (!http_extensions_verify(h, u->offer_deflate, &out->deflate))
		return "extension";
	/* RFC 9112 section 6.3: a 101 has no body; one that announces a body is confused. */
	if (h->has_transfer_encoding || h->content_length > 0)
		return "body";
	return NULL;
}

enum reason http_upgrade_verify(const struct http_upgrade *u, const struct http_head *h,
				struct http_upgrade_answer *out, const char **detail)
{
	*out = (struct http_upgrade_answer){.protocol = slice_of(NULL, 0)};
	*detail = what_is_wrong(u, h, out);
	if (!*detail)
		return REASON_NONE;
	*out = (struct http_upgrade_answer){.protocol = slice_of(NULL, 0)};
	return REASON_UPSTREAM_FAILED;
}
