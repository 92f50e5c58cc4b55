/* SPDX-License-Identifier: Apache-2.0 */
#include "http/handshake.h"

#include "http_unit.h"

#define KEY     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\n"

static struct slice request(const char *method, const char *lines)
{
	static char text[4096];
	int len = snprintf(text, sizeof(text), "%s / HTTP/1.1\r\nHost: a\r\n%s\r\n", method, lines);

	return slice_of(text, (size_t)len);
}

static void conformance(void **state)
{
	/* clang-format off */
	static const struct {
		const char *says, *method, *lines;
		enum reason wanted;
	} rows[] = {
		{"a good one", "GET", UPGRADE KEY VERSION, REASON_NONE},
		{"words in any case", "GET", "upgrade: WebSocket\r\nCONNECTION: keep-alive, uPgRaDe\r\n" KEY VERSION, REASON_NONE},
		{"a list in Upgrade", "GET", "Upgrade: h2c, websocket\r\nConnection: Upgrade\r\n" KEY VERSION, REASON_NONE},
		{"POST", "POST", UPGRADE KEY VERSION, REASON_METHOD_NOT_ALLOWED},
		{"HEAD", "HEAD", UPGRADE KEY VERSION, REASON_METHOD_NOT_ALLOWED},
		{"get", "get", UPGRADE KEY VERSION, REASON_METHOD_NOT_ALLOWED},
		{"TRACE", "TRACE", "", REASON_METHOD_NOT_ALLOWED},
		{"an ordinary page", "GET", "", REASON_UPGRADE_REQUIRED},
		{"no Upgrade", "GET", "Connection: Upgrade\r\n" KEY VERSION, REASON_UPGRADE_REQUIRED},
		{"another protocol", "GET", "Upgrade: h2c\r\nConnection: Upgrade\r\n" KEY VERSION, REASON_UPGRADE_REQUIRED},
		{"websocket with a version", "GET", "Upgrade: websocket/13\r\nConnection: Upgrade\r\n" KEY VERSION, REASON_UPGRADE_REQUIRED},
		{"no Connection", "GET", "Upgrade: websocket\r\n" KEY VERSION, REASON_HANDSHAKE_MALFORMED},
		{"Connection without Upgrade", "GET", "Upgrade: websocket\r\nConnection: keep-alive\r\n" KEY VERSION, REASON_HANDSHAKE_MALFORMED},
		{"no version", "GET", UPGRADE KEY, REASON_UPGRADE_REQUIRED},
		{"version 8", "GET", UPGRADE KEY "Sec-WebSocket-Version: 8\r\n", REASON_UPGRADE_REQUIRED},
		{"version 777", "GET", UPGRADE KEY "Sec-WebSocket-Version: 777\r\n", REASON_UPGRADE_REQUIRED},
		{"version 013", "GET", UPGRADE KEY "Sec-WebSocket-Version: 013\r\n", REASON_UPGRADE_REQUIRED},
		{"version 13 and 8", "GET", UPGRADE KEY "Sec-WebSocket-Version: 13, 8\r\n", REASON_UPGRADE_REQUIRED},
		{"version 13.0", "GET", UPGRADE KEY "Sec-WebSocket-Version: 13.0\r\n", REASON_UPGRADE_REQUIRED},
		{"an empty version", "GET", UPGRADE KEY "Sec-WebSocket-Version:\r\n", REASON_UPGRADE_REQUIRED},
		{"another version and no key", "GET", UPGRADE "Sec-WebSocket-Version: 8\r\n", REASON_UPGRADE_REQUIRED},
		{"no key", "GET", UPGRADE VERSION, REASON_HANDSHAKE_MALFORMED},
		{"an empty key", "GET", UPGRADE VERSION "Sec-WebSocket-Key:\r\n", REASON_HANDSHAKE_MALFORMED},
		{"15 bytes", "GET", UPGRADE VERSION "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAA\r\n", REASON_HANDSHAKE_MALFORMED},
		{"17 bytes", "GET", UPGRADE VERSION "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAAA=\r\n", REASON_HANDSHAKE_MALFORMED},
		{"18 bytes", "GET", UPGRADE VERSION "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAAAA\r\n", REASON_HANDSHAKE_MALFORMED},
		{"stray bits", "GET", UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR==\r\n", REASON_HANDSHAKE_MALFORMED},
		{"no padding", "GET", UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ\r\n", REASON_HANDSHAKE_MALFORMED},
		{"base64url", "GET", UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub2-_ZQ==\r\n", REASON_HANDSHAKE_MALFORMED},
		{"not base64", "GET", UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBs*SBub25jZQ==\r\n", REASON_HANDSHAKE_MALFORMED},
		{"two keys in one", "GET", UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==, x\r\n", REASON_HANDSHAKE_MALFORMED},
		{"a malformed subprotocol", "GET", UPGRADE KEY VERSION "Sec-WebSocket-Protocol: a b\r\n", REASON_HANDSHAKE_MALFORMED},
	};
	/* clang-format on */
	(void)state;
	EACH_ROW (at, rows) {
		struct http_parser *p = unit_parse(HTTP_REQUEST, request(at->method, at->lines));
		struct http_handshake hs;
		ROW_CHECK(at, p->head.bytes > 0);
		ROW_CHECK(at, http_handshake_check(&p->head, &hs) == at->wanted);
		if (at->wanted == REASON_NONE)
			ROW_EQ(at, hs.key, SLICE("dGhlIHNhbXBsZSBub25jZQ=="));
	}
}

static void offered_protocols(void **state)
{
#define P "Sec-WebSocket-Protocol: "
	/* clang-format off */
	static const struct {
		const char *says, *lines;
		bool ok;
		const char *items, *ticket, *csrf, *bearer;
	} rows[] = {
		{"none", "", true, "", "", "", ""},
		{"one", P "chat.v1\r\n", true, "chat.v1", "", "", ""},
		{"two, in order", P "b,\ta\r\n", true, "b a", "", "", ""},
		{"two lines", P "b\r\n" P "a\r\n", true, "b a", "", "", ""},
		{"names have a case", P "a, A\r\n", true, "a A", "", "", ""},
		{"carriers come out", P "sallyport.ticket.T1, chat, sallyport.csrf.C-1\r\n", true, "chat", "T1", "C-1", ""},
		{"a bearer", P "bearer.a.b.c, chat\r\n", true, "chat", "", "", "a.b.c"},
		{"only a carrier", P "sallyport.ticket.T\r\n", true, "", "T", "", ""},
		{"another word of ours", P "sallyport.seal.v1, chat\r\n", true, "chat", "", "", ""},
		{"carriers have a case", P "Sallyport.Ticket.T\r\n", true, "Sallyport.Ticket.T", "", "", ""},
		{"bearer without a dot is a protocol", P "bearer\r\n", true, "bearer", "", "", ""},
		{"twice", P "a, b, a\r\n", false, "", "", "", ""},
		{"twice in two lines", P "a\r\n" P "a\r\n", false, "", "", "", ""},
		{"a ticket twice", P "sallyport.ticket.A, sallyport.ticket.B\r\n", false, "", "", "", ""},
		{"the same ticket twice", P "sallyport.ticket.A, sallyport.ticket.A\r\n", false, "", "", "", ""},
		{"a token twice", P "sallyport.csrf.A, sallyport.csrf.B\r\n", false, "", "", "", ""},
		{"a bearer twice", P "bearer.A, bearer.B\r\n", false, "", "", "", ""},
		{"an empty ticket", P "sallyport.ticket.\r\n", false, "", "", "", ""},
		{"an empty bearer", P "bearer.\r\n", false, "", "", "", ""},
		{"an empty field", P "\r\n", false, "", "", "", ""},
		{"an empty element", P "a,,b\r\n", false, "", "", "", ""},
		{"a final comma", P "a,\r\n", false, "", "", "", ""},
		{"a space inside", P "a b\r\n", false, "", "", "", ""},
		{"a slash", P "a/b\r\n", false, "", "", "", ""},
		{"quoted", P "\"a\"\r\n", false, "", "", "", ""},
		{"broken behind good ones", P "a, b, (\r\n", false, "", "", "", ""},
	};
	/* clang-format on */
#undef P
	(void)state;
	EACH_ROW (at, rows) {
		struct http_protocols p;
		char items[256];
		size_t len = 0;
		ROW_CHECK(at,
			  http_protocols_parse(unit_head(HTTP_REQUEST, at->lines), &p) == at->ok);
		if (!at->ok)
			continue;
		for (size_t i = 0; i < p.count; i++)
			len += (size_t)snprintf(items + len, sizeof(items) - len, "%s%.*s",
						i ? " " : "", SLICE_ARG(p.items[i]));
		ROW_EQ(at, slice_of(items, len), slice_from_cstr(at->items));
		ROW_EQ(at, p.ticket, slice_from_cstr(at->ticket));
		ROW_EQ(at, p.csrf, slice_from_cstr(at->csrf));
		ROW_EQ(at, p.bearer, slice_from_cstr(at->bearer));
		ROW_CHECK(at, p.offered == (at->lines[0] != 0));
	}
}

static void offers_are_bounded(void **state)
{
	char lines[1024];
	struct http_protocols p;

	(void)state;
	for (unsigned count = HTTP_PROTOCOLS_MAX; count <= HTTP_PROTOCOLS_MAX + 1; count++) {
		size_t len = (size_t)snprintf(lines, sizeof(lines), "Sec-WebSocket-Protocol: p0");
		for (unsigned i = 1; i < count; i++)
			len += (size_t)snprintf(lines + len, sizeof(lines) - len, ", p%u", i);
		snprintf(lines + len, sizeof(lines) - len, "\r\n");
		assert_int_equal(http_protocols_parse(unit_head(HTTP_REQUEST, lines), &p),
				 count <= HTTP_PROTOCOLS_MAX);
	}
}

static void the_accept_of_the_rfc(void **state)
{
	char accept[HTTP_ACCEPT_CHARS];

	(void)state;
	/* RFC 6455 section 1.3. */
	assert_int_equal(http_accept(SLICE("dGhlIHNhbXBsZSBub25jZQ=="), accept), 0);
	assert_slice(slice_of(accept, sizeof(accept)), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	/* Another key, another answer; and the first one again. */
	assert_int_equal(http_accept(SLICE("AAAAAAAAAAAAAAAAAAAAAA=="), accept), 0);
	assert_slice(slice_of(accept, sizeof(accept)), "ICX+Yqv66kxgM0FcWaLWlFLwTAI=");
	assert_int_equal(http_accept(SLICE("dGhlIHNhbXBsZSBub25jZQ=="), accept), 0);
	assert_slice(slice_of(accept, sizeof(accept)), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conformance),
		cmocka_unit_test(offered_protocols),
		cmocka_unit_test(offers_are_bounded),
		cmocka_unit_test(the_accept_of_the_rfc),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
