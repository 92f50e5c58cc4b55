/* SPDX-License-Identifier: Apache-2.0 */
#include "http/upgrade.h"

#include <errno.h>

#include "http/request.h"
#include "http_unit.h"

#define ACCEPT  "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
#define UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\n"

static const struct slice offered[] = {SLICE_INIT("chat.v1"), SLICE_INIT("chat.v2")};

static struct http_upgrade a_request(void)
{
	struct http_upgrade u = {
		.target = SLICE("/chat/lobby?x=1"),
		.authority = SLICE("127.0.0.1:9001"),
		.protocols = offered,
		.protocol_count = 2,
	};

	memcpy(u.key, "dGhlIHNhbXBsZSBub25jZQ==", HTTP_KEY_CHARS);
	return u;
}

static void the_request_to_the_letter(void **state)
{
	static const struct http_header more[] = {
		{SLICE_INIT("Cookie"), SLICE_INIT("a=b")},
		{SLICE_INIT("Sallyport-Subject"), SLICE_INIT("")},
	};
	struct http_upgrade u = a_request();
	struct http_handshake hs;
	struct http_request request;
	struct arena a;
	struct buf b;
	size_t at;

	(void)state;
	u.headers = more;
	u.header_count = COUNT(more);
	u.offer_deflate = true;
	buf_init(&b, 2000);
	assert_int_equal(http_upgrade_write(&u, &b), 0);
	assert_slice(buf_slice(&b),
		     "GET /chat/lobby?x=1 HTTP/1.1\r\n"
		     "Host: 127.0.0.1:9001\r\n"
		     "Upgrade: websocket\r\nConnection: Upgrade\r\n"
		     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
		     "Sec-WebSocket-Version: 13\r\n"
		     "Sec-WebSocket-Protocol: chat.v1, chat.v2\r\n"
		     "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "
		     "client_no_context_takeover\r\n"
		     "Cookie: a=b\r\nSallyport-Subject: \r\n\r\n");
	/* Our own server side takes it. */
	struct http_parser *p = unit_parse(HTTP_REQUEST, buf_slice(&b));
	arena_init(&a, 1024, 4096);
	assert_int_equal(p->head.bytes, buf_waiting(&b));
	assert_int_equal(http_request_check(&p->head, &a, &request, &at), REASON_NONE);
	assert_int_equal(http_handshake_check(&p->head, &hs), REASON_NONE);
	assert_int_equal(hs.protocols.count, 2);
	arena_deinit(&a);
	buf_deinit(&b);
}

static void nothing_is_smuggled_into_it(void **state)
{
	/* clang-format off */
	static const struct {
		const char *says;
		struct slice target, authority, protocol, name, value;
	} rows[] = {
#define OK_T SLICE_INIT("/")
#define OK_A SLICE_INIT("a")
#define OK_P SLICE_INIT("p")
		{"a space in the target", SLICE_INIT("/ HTTP/1.1"), OK_A, OK_P, OK_P, OK_P},
		{"a line end in the target", SLICE_INIT("/\r\nX: y"), OK_A, OK_P, OK_P, OK_P},
		{"a line end in the query", SLICE_INIT("/?\r\nX: y"), OK_A, OK_P, OK_P, OK_P},
		{"an empty target", SLICE_INIT(""), OK_A, OK_P, OK_P, OK_P},
		{"a relative target", SLICE_INIT("a"), OK_A, OK_P, OK_P, OK_P},
		{"a fragment", SLICE_INIT("/#"), OK_A, OK_P, OK_P, OK_P},
		{"a line end in Host", OK_T, SLICE_INIT("a\r\nX: y"), OK_P, OK_P, OK_P},
		{"no Host", OK_T, SLICE_INIT(""), OK_P, OK_P, OK_P},
		{"a protocol that is no token", OK_T, OK_A, SLICE_INIT("a, b"), OK_P, OK_P},
		{"an empty protocol", OK_T, OK_A, SLICE_INIT(""), OK_P, OK_P},
		{"a name with a colon", OK_T, OK_A, OK_P, SLICE_INIT("X: y"), OK_P},
		{"a name with an underscore", OK_T, OK_A, OK_P, SLICE_INIT("X_Y"), OK_P},
		{"an empty name", OK_T, OK_A, OK_P, SLICE_INIT(""), OK_P},
		{"Transfer-Encoding", OK_T, OK_A, OK_P, SLICE_INIT("transfer-encoding"), OK_P},
		{"Content-Length", OK_T, OK_A, OK_P, SLICE_INIT("Content-Length"), OK_P},
		{"a second Host", OK_T, OK_A, OK_P, SLICE_INIT("host"), OK_P},
		{"a second Upgrade", OK_T, OK_A, OK_P, SLICE_INIT("Upgrade"), OK_P},
		{"a second Connection", OK_T, OK_A, OK_P, SLICE_INIT("Connection"), OK_P},
		{"a second key", OK_T, OK_A, OK_P, SLICE_INIT("Sec-WebSocket-Key"), OK_P},
		{"a line end in a value", OK_T, OK_A, OK_P, OK_P, SLICE_INIT("x\r\ny: z")},
		{"a bare LF in a value", OK_T, OK_A, OK_P, OK_P, SLICE_INIT("x\ny: z")},
		{"a NUL in a value", OK_T, OK_A, OK_P, OK_P, SLICE_INIT("x\0")},
		{"a byte above 0x7F in a value", OK_T, OK_A, OK_P, OK_P, SLICE_INIT("\x85")},
	};
	/* clang-format on */
	struct buf b;

	(void)state;
	buf_init(&b, 2000);
	EACH_ROW (at, rows) {
		struct http_header header = {at->name, at->value};
		struct http_upgrade u = a_request();
		u.target = at->target;
		u.authority = at->authority;
		u.protocols = &at->protocol;
		u.protocol_count = 1;
		u.headers = &header;
		u.header_count = 1;
		ROW_CHECK(at, http_upgrade_write(&u, &b) == -EINVAL);
		ROW_CHECK(at, buf_waiting(&b) == 0);
	}
	buf_deinit(&b);
}

static void half_a_request_is_taken_back(void **state)
{
	struct http_upgrade u = a_request();
	struct buf b;
	size_t whole = 0;

	(void)state;
	for (size_t max = 0; whole == 0; max++) {
		buf_init(&b, max + 4);
		assert_int_equal(buf_append(&b, SLICE("xabc")), 0);
		buf_take(&b, 1);
		int r = http_upgrade_write(&u, &b);
		if (r == 0)
			whole = buf_waiting(&b) - 3;
		else
			assert_slice(buf_slice(&b), "abc");
		buf_deinit(&b);
	}
	assert_true(whole > 100);
}

static void answers(void **state)
{
#define S101 "HTTP/1.1 101 Switching Protocols\r\n"
	/* clang-format off */
	static const struct {
		const char *says, *text, *detail, *protocol;
	} rows[] = {
		{"a good one", S101 UPGRADE ACCEPT "\r\n", NULL, ""},
		{"words in any case", S101 "upgrade: WebSocket\r\nconnection: keep-alive, upgrade\r\n" ACCEPT "\r\n", NULL, ""},
		{"a protocol of ours", S101 UPGRADE ACCEPT "Sec-WebSocket-Protocol: chat.v2\r\n\r\n", NULL, "chat.v2"},
		{"an empty body announced", S101 UPGRADE ACCEPT "Content-Length: 0\r\n\r\n", NULL, ""},
		{"200", "HTTP/1.1 200 OK\r\n" UPGRADE ACCEPT "\r\n", "status", ""},
		{"100", "HTTP/1.1 100 Continue\r\n" UPGRADE ACCEPT "\r\n", "status", ""},
		{"a redirect", "HTTP/1.1 302 Found\r\n" UPGRADE ACCEPT "\r\n", "status", ""},
		{"426", "HTTP/1.1 426 Upgrade Required\r\n" UPGRADE ACCEPT "\r\n", "status", ""},
		{"no Upgrade", S101 "Connection: Upgrade\r\n" ACCEPT "\r\n", "upgrade", ""},
		{"another Upgrade", S101 "Upgrade: h2c\r\nConnection: Upgrade\r\n" ACCEPT "\r\n", "upgrade", ""},
		{"two upgrades in one", S101 "Upgrade: websocket, h2c\r\nConnection: Upgrade\r\n" ACCEPT "\r\n", "upgrade", ""},
		{"two Upgrades", S101 "Upgrade: websocket\r\n" UPGRADE ACCEPT "\r\n", "upgrade", ""},
		{"no Connection", S101 "Upgrade: websocket\r\n" ACCEPT "\r\n", "connection", ""},
		{"Connection: close", S101 "Upgrade: websocket\r\nConnection: close\r\n" ACCEPT "\r\n", "connection", ""},
		{"no Accept", S101 UPGRADE "\r\n", "accept", ""},
		{"a bare 101", S101 "\r\n", "upgrade", ""},
		{"the key itself", S101 UPGRADE "Sec-WebSocket-Accept: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", "accept", ""},
		{"an Accept of another case", S101 UPGRADE "Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n", "accept", ""},
		{"an Accept and more", S101 UPGRADE "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=x\r\n\r\n", "accept", ""},
		{"two Accepts", S101 UPGRADE ACCEPT ACCEPT "\r\n", "accept", ""},
		{"a protocol not offered", S101 UPGRADE ACCEPT "Sec-WebSocket-Protocol: chat.v3\r\n\r\n", "protocol", ""},
		{"a protocol of another case", S101 UPGRADE ACCEPT "Sec-WebSocket-Protocol: Chat.v1\r\n\r\n", "protocol", ""},
		{"two protocols", S101 UPGRADE ACCEPT "Sec-WebSocket-Protocol: chat.v1, chat.v2\r\n\r\n", "protocol", ""},
		{"two lines of protocols", S101 UPGRADE ACCEPT "Sec-WebSocket-Protocol: chat.v1\r\nSec-WebSocket-Protocol: chat.v1\r\n\r\n", "protocol", ""},
		{"an empty protocol", S101 UPGRADE ACCEPT "Sec-WebSocket-Protocol:\r\n\r\n", "protocol", ""},
		{"an extension not offered", S101 UPGRADE ACCEPT "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n", "extension", ""},
		{"a body", S101 UPGRADE ACCEPT "Content-Length: 1\r\n\r\n", "body", ""},
		{"a chunked body", S101 UPGRADE ACCEPT "Transfer-Encoding: chunked\r\n\r\n", "body", ""},
	};
	/* clang-format on */
	struct http_upgrade u = a_request();

	(void)state;
	EACH_ROW (at, rows) {
		struct http_upgrade_answer answer;
		const char *detail = "?";
		struct http_parser *p = unit_parse(HTTP_RESPONSE, slice_from_cstr(at->text));
		ROW_CHECK(at, p->head.bytes == strlen(at->text));
		enum reason r = http_upgrade_verify(&u, &p->head, &answer, &detail);
		ROW_CHECK(at, r == (at->detail ? REASON_UPSTREAM_FAILED : REASON_NONE));
		ROW_EQ(at, slice_from_cstr(detail), slice_from_cstr(at->detail));
		ROW_EQ(at, answer.protocol, slice_from_cstr(at->protocol));
	}
#undef S101
}

static void a_key_is_canonical(void **state)
{
	static const uint8_t random[16] = "the sample nonce";
	char key[HTTP_KEY_CHARS];

	(void)state;
	http_upgrade_key(random, key);
	assert_slice(slice_of(key, sizeof(key)), "dGhlIHNhbXBsZSBub25jZQ==");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_request_to_the_letter),
		cmocka_unit_test(nothing_is_smuggled_into_it),
		cmocka_unit_test(half_a_request_is_taken_back),
		cmocka_unit_test(answers),
		cmocka_unit_test(a_key_is_canonical),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
