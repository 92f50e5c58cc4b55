/* SPDX-License-Identifier: Apache-2.0 */
#include "http/request.h"

#include "http_unit.h"

static struct arena arena;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena, 4096, 1 << 16);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_deinit(&arena);
	return 0;
}

static struct http_judgement judge(struct slice text)
{
	static struct http_header room[UNIT_HEADERS];

	arena_reset(&arena);
	return http_request_judge(text, room, UNIT_HEADERS, UNIT_HEAD_BYTES, &arena);
}

#define GET  "GET /chat HTTP/1.1\r\n"
#define POST "POST /chat HTTP/1.1\r\n"
#define HOST "Host: a.example\r\n"

static void requests_that_pass(void **state)
{
	/* clang-format off */
	static const struct {
		const char *says, *text;
		bool wants_upgrade;
	} rows[] = {
		{"a page", GET HOST "\r\n", false},
		{"a handshake", GET HOST "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n", true},
		{"a key alone", GET HOST "Sec-WebSocket-Key: x\r\n\r\n", true},
		{"Connection alone", GET HOST "Connection: Upgrade\r\n\r\n", true},
		{"an empty body on GET", GET HOST "Content-Length: 0\r\n\r\n", false},
		{"an empty body on an upgrade", GET HOST "Content-Length: 0\r\nUpgrade: websocket\r\n\r\n", true},
		{"a POST with its body", POST HOST "Content-Length: 4\r\n\r\nbody", false},
		{"a POST with half its body", POST HOST "Content-Length: 4\r\n\r\nbo", false},
		{"a POST without a body", POST HOST "\r\n", false},
		{"a PUT", "PUT / HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx", false},
		{"OPTIONS *", "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", false},
		{"odd but harmless names", GET HOST "X_Y: 1\r\nContent-Encoding: chunked\r\n\r\n", false},
	};
	/* clang-format on */
	(void)state;
	EACH_ROW (at, rows) {
		struct http_judgement j = judge(slice_from_cstr(at->text));
		if (j.outcome != HTTP_PARSE_DONE)
			fail_msg("%s: %s at %zu", at->says, reason_word(j.reason), j.at);
		ROW_CHECK(at, j.reason == REASON_NONE);
		ROW_CHECK(at, j.request.wants_upgrade == at->wants_upgrade);
		ROW_EQ(at, j.request.host.host, SLICE("a.example"));
	}
}

static void requests_that_do_not(void **state)
{
	/* The mark | shows the guilty byte; it is not part of the text. */
	/* clang-format off */
	static const struct {
		const char *says, *text;
		enum reason reason;
	} rows[] = {
		{"no Host", "|" GET "X: y\r\n\r\n", REASON_HANDSHAKE_MALFORMED},
		{"an empty Host", GET "Host:|\r\n\r\n", REASON_HANDSHAKE_MALFORMED},
		{"a Host with a path", GET "Host: |a/b\r\n\r\n", REASON_HANDSHAKE_MALFORMED},
		{"a Host with a user", GET "Host: |a@b\r\n\r\n", REASON_HANDSHAKE_MALFORMED},
		{"two hosts in one", GET "Host: |a, b\r\n\r\n", REASON_HANDSHAKE_MALFORMED},
		{"two Hosts", GET HOST "Host|: b\r\n\r\n", REASON_HANDSHAKE_MALFORMED},
		{"dot segments", "GET /a/|../b HTTP/1.1\r\n" HOST "\r\n", REASON_HANDSHAKE_MALFORMED},
		{"an escaped slash", "GET /a|%2fb HTTP/1.1\r\n" HOST "\r\n", REASON_HANDSHAKE_MALFORMED},
		{"Connection is no list", GET HOST "Connection: |a b\r\n\r\n", REASON_HANDSHAKE_MALFORMED},
		{"Upgrade is no list", GET HOST "Upgrade: |\"a\"\r\n\r\n", REASON_HANDSHAKE_MALFORMED},
		{"a body on GET", GET HOST "Content-Length: |5\r\n\r\nhello", REASON_HANDSHAKE_MALFORMED},
		{"a body on DELETE", "DELETE / HTTP/1.1\r\n" HOST "Content-Length: |5\r\n\r\n", REASON_HANDSHAKE_MALFORMED},
		{"a body on a POST that upgrades", POST HOST "Upgrade: websocket\r\nContent-Length: |5\r\n\r\n", REASON_HANDSHAKE_MALFORMED},
		{"Transfer-Encoding on a POST", POST HOST "Transfer-Encoding|: chunked\r\n\r\n", REASON_HANDSHAKE_MALFORMED},
		{"both lengths", POST HOST "Content-Length: 4\r\nTransfer-Encoding|: chunked\r\n\r\n", REASON_HANDSHAKE_MALFORMED},
		{"Expect", POST HOST "Expect|: 100-continue\r\n\r\n", REASON_HANDSHAKE_MALFORMED},
		{"TRACE", "|TRACE / HTTP/1.1\r\n" HOST "\r\n", REASON_METHOD_NOT_ALLOWED},
		{"an unknown method", "|get / HTTP/1.1\r\n" HOST "\r\n", REASON_METHOD_NOT_ALLOWED},
		{"CONNECT", "CONNECT |a:443 HTTP/1.1\r\n" HOST "\r\n", REASON_HANDSHAKE_MALFORMED},
		{"early bytes", GET HOST "\r\n|\x81", REASON_HANDSHAKE_MALFORMED},
		{"a second request", GET HOST "\r\n|" GET HOST "\r\n", REASON_HANDSHAKE_MALFORMED},
		{"more than the body", POST HOST "Content-Length: 4\r\n\r\nbody|G", REASON_HANDSHAKE_MALFORMED},
	};
	/* clang-format on */
	(void)state;
	EACH_ROW (at, rows) {
		char text[512];
		size_t mark = strcspn(at->text, "|"), len = strlen(at->text) - 1;
		memcpy(text, at->text, mark);
		memcpy(text + mark, at->text + mark + 1, len - mark);
		struct http_judgement j = judge(slice_of(text, len));
		ROW_CHECK(at, j.outcome == HTTP_PARSE_REFUSED);
		ROW_CHECK(at, j.reason == at->reason);
		if (j.at != mark)
			fail_msg("%s: at %zu, not %zu", at->says, j.at, mark);
	}
}

/* No parser here makes such a head; another might. */
static void an_encoded_body_is_refused_twice(void **state)
{
	struct http_head h = *unit_head(HTTP_REQUEST, HOST);
	struct http_request request;
	size_t at;

	(void)state;
	assert_int_equal(http_request_check(&h, &arena, &request, &at), REASON_NONE);
	h.has_transfer_encoding = true;
	assert_int_equal(http_request_check(&h, &arena, &request, &at), REASON_HANDSHAKE_MALFORMED);
}

static void half_a_head_is_no_verdict(void **state)
{
	(void)state;
	struct http_judgement j = judge(SLICE(GET HOST));
	assert_int_equal(j.outcome, HTTP_PARSE_MORE);
	assert_int_equal(j.at, sizeof(GET HOST) - 1);
	assert_int_equal(judge(SLICE("")).outcome, HTTP_PARSE_MORE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_that_pass),
		cmocka_unit_test(requests_that_do_not),
		cmocka_unit_test(an_encoded_body_is_refused_twice),
		cmocka_unit_test(half_a_head_is_no_verdict),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
