/* SPDX-License-Identifier: Apache-2.0 */
#include "http/header.h"

#include "http_unit.h"

static void finding(void **state)
{
	(void)state;
	const struct http_head *h = unit_head(HTTP_REQUEST, "A: 1\r\nb: 2\r\nB: 3\r\n");
	struct slice value = SLICE("untouched");

	assert_slice(http_header_find(h, SLICE("a"))->value, "1");
	assert_slice(http_header_find(h, SLICE("B"))->value, "2");
	assert_null(http_header_find(h, SLICE("c")));
	assert_int_equal(http_header_count(h, SLICE("b")), 2);
	assert_int_equal(http_header_count(h, SLICE("c")), 0);
	assert_false(http_header_single(h, SLICE("b"), &value));
	assert_false(http_header_single(h, SLICE("c"), &value));
	assert_slice(value, "untouched");
	assert_true(http_header_single(h, SLICE("A"), &value));
	assert_slice(value, "1");
}

static void lists_of_tokens(void **state)
{
	/* clang-format off */
	static const struct {
		const char *says, *lines;
		bool upgrade, ok;
	} rows[] = {
		{"one token", "Connection: Upgrade\r\n", true, true},
		{"any case", "connection: uPGRADE\r\n", true, true},
		{"in a list", "Connection: keep-alive, Upgrade\r\n", true, true},
		{"without spaces", "Connection: keep-alive,Upgrade,x\r\n", true, true},
		{"tabs between", "Connection: keep-alive\t,\tUpgrade\r\n", true, true},
		{"in the second line", "Connection: a\r\nConnection: Upgrade\r\n", true, true},
		{"not there", "Connection: keep-alive\r\n", false, true},
		{"no line", "X: Upgrade\r\n", false, true},
		{"an empty line", "Connection:\r\n", false, true},
		{"some empty elements", "Connection: ,, Upgrade,\r\n", true, true},
		{"as many empty elements as may be", "Connection: ,,,,,,,, Upgrade\r\n", true, true},
		{"a protocol with a version", "Connection: a/1.0, Upgrade\r\n", true, true},
		{"too many empty elements", "Connection: ,,,,,,,,, Upgrade\r\n", false, false},
		{"part of a token", "Connection: Upgraded\r\n", false, true},
		{"two words", "Connection: keep-alive Upgrade\r\n", false, false},
		{"quoted", "Connection: \"Upgrade\"\r\n", false, false},
		{"broken behind it", "Connection: Upgrade, a b\r\n", false, false},
		{"broken in another line", "Connection: Upgrade\r\nConnection: (\r\n", false, false},
		{"a semicolon", "Connection: Upgrade; x\r\n", false, false},
		{"two slashes", "Connection: a/b/c, Upgrade\r\n", false, false},
		{"nothing behind the slash", "Connection: a/, Upgrade\r\n", false, false},
	};
	/* clang-format on */
	(void)state;
	EACH_ROW (at, rows) {
		const struct http_head *h = unit_head(HTTP_REQUEST, at->lines);
		struct slice name = SLICE("Connection"), token = SLICE("upgrade");
		ROW_CHECK(at, http_header_has_token(h, name, token) == at->upgrade);
		ROW_CHECK(at, http_header_tokens_ok(h, name) == at->ok);
	}
}

static void what_connection_names_stays(void **state)
{
	(void)state;
	const struct http_head *h = unit_head(HTTP_REQUEST, "Connection: Upgrade, Cookie\r\n");
	assert_true(http_header_nominated(h, SLICE("cookie")));
	assert_false(http_header_nominated(h, SLICE("accept")));
	assert_false(http_header_nominated(unit_head(HTTP_REQUEST, "A: b\r\n"), SLICE("cookie")));
	/* What cannot be read might name anything. */
	h = unit_head(HTTP_REQUEST, "Connection: a b\r\n");
	assert_true(http_header_nominated(h, SLICE("cookie")));
}

static void which_names_may_travel(void **state)
{
	/* clang-format off */
	static const char *const may[] = {
		"cookie", "User-Agent", "accept-language", "Authorization", "Origin", "X-Trace", "accept",
		"x-auth-token", "x-api-key", "referer", "sec-fetch-site", "x-forwarder", "if-none-match",
		"content-type", "x-realm", "hostage", "upgrade-insecure-requests",
	};
	/* clang-format on */
	/* clang-format off */
	static const char *const may_not[] = {
		"Connection", "connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Upgrade",
		"Transfer-Encoding", "Content-Length", "Host", "Expect", "HTTP2-Settings", "Forwarded",
		"Sec-WebSocket-Key", "sec-websocket-extensions", "X-Forwarded-For", "X-FORWARDED-USER",
		"X_Forwarded_For", "X-Forwarded_For", "x-forwarded", "X-Real-IP", "X_Real_IP", "x-client-ip",
		"Sallyport-Subject", "sallyport_subject", "Sallyport", "sallyport-anything", "Remote-User",
		"remote_user", "True-Client-IP", "X-Original-URL", "X-Auth-Request-Email", "X-Remote-User",
		"X-HTTP-Method-Override", "Proxy", "client-cert", "Via", "under_score", "_", "", "a b", "a:",
		"x-accel-redirect", "X-Sendfile", "proxy-authorization", "x-user", "X-SSL-Client-Verify",
	};
	/* clang-format on */
	(void)state;
	for (size_t i = 0; i < COUNT(may); i++)
		if (!http_header_forwardable(slice_from_cstr(may[i])))
			fail_msg("%s", may[i]);
	for (size_t i = 0; i < COUNT(may_not); i++)
		if (http_header_forwardable(slice_from_cstr(may_not[i])))
			fail_msg("%s", may_not[i]);
}

static void values_that_we_write(void **state)
{
	(void)state;
	assert_true(http_value_ok(SLICE("a b\tc")));
	assert_true(http_value_ok(SLICE("")));
	assert_false(http_value_ok(SLICE("a\r\nb")));
	assert_false(http_value_ok(SLICE("a\n")));
	assert_false(http_value_ok(SLICE("a\0")));
	assert_false(http_value_ok(SLICE(" a")));
	assert_false(http_value_ok(SLICE("a\t")));
	assert_false(http_value_ok(SLICE("\xc3\xbc")));
	assert_true(http_token_ok(SLICE("a.b-c_d~")));
	assert_false(http_token_ok(SLICE("")));
	assert_false(http_token_ok(SLICE("a/b")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finding),
		cmocka_unit_test(lists_of_tokens),
		cmocka_unit_test(what_connection_names_stays),
		cmocka_unit_test(which_names_may_travel),
		cmocka_unit_test(values_that_we_write),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
