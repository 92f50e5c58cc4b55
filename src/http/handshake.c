/* SPDX-License-Identifier: Apache-2.0 */
/* Is this request a WebSocket handshake? See handshake.h. */
#include "http/handshake.h"

#include <openssl/evp.h>
#include <pthread.h>

#include "base/base64.h"
#include "base/err.h"
#include "http/header.h"

enum { KEY_BYTES = 16, SHA1_BYTES = 20 };

/* Canonical base64 of 16 bytes: 22 characters and two '=' with no stray bits before them. */
static bool key_ok(struct slice key)
{
	uint8_t bytes[BASE64_BYTES(HTTP_KEY_CHARS)];
	size_t len;

	if (key.len != HTTP_KEY_CHARS)
		return false;
	return base64_decode(key, bytes, sizeof(bytes), &len) && len == KEY_BYTES;
}

static bool has_prefix(struct slice token, struct slice prefix, struct slice *rest)
{
	if (!slice_starts_with(token, prefix))
		return false;
	*rest = slice_from(token, prefix.len);
	return true;
}

/* Puts a carrier's content into its place; false if it is empty or the second. */
static bool take_carrier(struct slice content, struct slice *place)
{
	if (content.len == 0 || place->len > 0)
		return false;
	*place = content;
	return true;
}

/* RFC 6455 section 4.1, 10: the elements "MUST all be unique strings". */
static bool take_protocol(struct http_protocols *p, struct slice name)
{
	for (size_t i = 0; i < p->count; i++)
		if (slice_eq(p->items[i], name))
			return false;
	p->items[p->count++] = name;
	return true;
}

static bool take_offered(struct http_protocols *p, struct slice token)
{
	struct slice content;

	if (has_prefix(token, SLICE("sallyport.ticket."), &content))
		return take_carrier(content, &p->ticket);
	if (has_prefix(token, SLICE("sallyport.csrf."), &content))
		return take_carrier(content, &p->csrf);
	if (has_prefix(token, SLICE("bearer."), &content))
		return take_carrier(content, &p->bearer);
	if (slice_eq(token, SLICE("sallyport.control.v1")))
		p->control = true;
	if (has_prefix(token, SLICE("sallyport."), &content))
		return true;
	return take_protocol(p, token);
}

bool http_protocols_parse(const struct http_head *h, struct http_protocols *out)
{
	struct http_tokens t;
	struct slice token;
	size_t offered = 0;

	*out = (struct http_protocols){.count = 0};
	http_tokens_start(&t, h, SLICE("sec-websocket-protocol"));
	while (http_tokens_next(&t, &token))
		if (++offered > HTTP_PROTOCOLS_MAX || !take_offered(out, token))
			return false;
	out->offered = http_header_find(h, SLICE("sec-websocket-protocol")) != NULL;
	/* 1#token: no element may be empty, nor the whole field. */
	return !t.malformed && t.empty == 0;
}

enum reason http_handshake_check(const struct http_head *h, struct http_handshake *out)
{
	struct slice version;

	*out = (struct http_handshake){.key = slice_of(NULL, 0)};
	if (h->method != HTTP_GET)
		return REASON_METHOD_NOT_ALLOWED;
	if (!http_header_has_token(h, SLICE("upgrade"), SLICE("websocket")))
		return REASON_UPGRADE_REQUIRED;
	if (!http_header_has_token(h, SLICE("connection"), SLICE("upgrade")))
		return REASON_HANDSHAKE_MALFORMED;
	if (!http_header_single(h, SLICE("sec-websocket-version"), &version))
		return REASON_UPGRADE_REQUIRED;
	if (!slice_eq(version, SLICE("13")))
		return REASON_UPGRADE_REQUIRED;
	if (!http_header_single(h, SLICE("sec-websocket-key"), &out->key) || !key_ok(out->key))
		return REASON_HANDSHAKE_MALFORMED;
	if (!http_protocols_parse(h, &out->protocols))
		return REASON_HANDSHAKE_MALFORMED;
	return REASON_NONE;
}

/* Fetched once: looking an algorithm up takes longer than the hash itself. */
static EVP_MD *sha1;
static pthread_once_t sha1_once = PTHREAD_ONCE_INIT;

static void fetch_sha1(void)
{
	sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
}

int http_accept(struct slice key, char out[HTTP_ACCEPT_CHARS])
{
	static const struct slice guid = SLICE_INIT("258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
	char text[HTTP_KEY_CHARS + 36];
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	key = slice_first(key, HTTP_KEY_CHARS);
	if (key.len)
		memcpy(text, key.data, key.len);
	memcpy(text + key.len, guid.data, guid.len);
	memset(out, 0, HTTP_ACCEPT_CHARS);
	pthread_once(&sha1_once, fetch_sha1);
	if (!sha1 || !EVP_Digest(text, key.len + guid.len, digest, &len, sha1, NULL) ||
	    len != SHA1_BYTES)
		return err_raise(ENOTSUP, "OpenSSL could not compute a SHA-1");
	base64_encode(slice_of((const char *)digest, len), out, HTTP_ACCEPT_CHARS);
	return 0;
}
