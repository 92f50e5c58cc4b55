/* SPDX-License-Identifier: Apache-2.0 */
#include "http/url.h"

#include "unit.h"

static void good_urls(void **state)
{
	/* clang-format off */
	static const struct {
		const char *says;
		enum http_scheme scheme;
		const char *host;
		uint16_t port;
		bool port_written;
		const char *unix_path, *path, *query, *authority;
	} rows[] = {
		{"http://a.example", HTTP_SCHEME_HTTP, "a.example", 80, false, "", "", "", "a.example"},
		{"https://a.example/", HTTP_SCHEME_HTTPS, "a.example", 443, false, "", "/", "", "a.example"},
		{"https://0.0.0.0:8443", HTTP_SCHEME_HTTPS, "0.0.0.0", 8443, true, "", "", "", "0.0.0.0:8443"},
		{"http://127.0.0.1:0", HTTP_SCHEME_HTTP, "127.0.0.1", 0, true, "", "", "", "127.0.0.1:0"},
		{"http://[::]:8080", HTTP_SCHEME_HTTP, "::", 8080, true, "", "", "", "[::]:8080"},
		{"wss://[2001:db8::1]/x", HTTP_SCHEME_WSS, "2001:db8::1", 443, false, "", "/x", "", "[2001:db8::1]"},
		{"ws://127.0.0.1:9001/chat/{room}", HTTP_SCHEME_WS, "127.0.0.1", 9001, true, "", "/chat/{room}", "", "127.0.0.1:9001"},
		{"ws://app/a/*", HTTP_SCHEME_WS, "app", 80, false, "", "/a/*", "", "app"},
		{"https://a:443/b?c=d&e", HTTP_SCHEME_HTTPS, "a", 443, true, "", "/b", "c=d&e", "a"},
		{"https://a?c", HTTP_SCHEME_HTTPS, "a", 443, false, "", "", "c", "a"},
		{"ws+unix:///run/app.sock:/chat", HTTP_SCHEME_WS_UNIX, "", 0, false, "/run/app.sock", "/chat", "", "localhost"},
		{"ws+unix:///run/app.sock:/chat?x=1", HTTP_SCHEME_WS_UNIX, "", 0, false, "/run/app.sock", "/chat", "x=1", "localhost"},
	};
	/* clang-format on */
	(void)state;
	EACH_ROW (at, rows) {
		struct url u;
		char room[64];
		const char *wrong = url_parse(slice_from_cstr(at->says), &u);
		if (wrong)
			fail_msg("%s: %s", at->says, wrong);
		ROW_CHECK(at, u.scheme == at->scheme);
		ROW_EQ(at, u.host, slice_from_cstr(at->host));
		ROW_CHECK(at, u.port == at->port);
		ROW_CHECK(at, u.port_written == at->port_written);
		ROW_EQ(at, u.unix_path, slice_from_cstr(at->unix_path));
		ROW_EQ(at, u.path, slice_from_cstr(at->path));
		ROW_EQ(at, u.query, slice_from_cstr(at->query));
		ROW_CHECK(at, u.has_query == (at->query[0] != 0));
		ROW_EQ(at, url_authority(&u, room, sizeof(room)), slice_from_cstr(at->authority));
	}
}

static void bad_urls(void **state)
{
	/* clang-format off */
	static const char *const rows[] = {
		"", "/", "a.example", "//a.example", "ftp://a", "HTTP://a", "http:/a", "http:a", "http://", "http:///a",
		"http://:80", "http://user@a", "http://user:pass@a", "http://a:", "http://a:99999", "http://a:00",
		"http://a b", "http://a/ b", "http://a/#f", "http://a#f", "http://a/\"", "http://a/<b>", "http://a?\"",
		"http://a/\xc3\xbc", "http://\xc3\xbc", "http://[::1", "http://::1", "http://1.2.3", "http://a:80:0",
		"http://a:80\\b", "http://a\n", "ws+unix://", "ws+unix:///run/app.sock", "ws+unix://run/app.sock:/chat",
		"ws+unix:///run/app.sock:", "ws+unix:///run/app.sock:chat", "ws+unix:///a:/b#c", "wss+unix:///a:/b",
		"http://a:0:0",
	};
	/* clang-format on */
	struct url u;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (!url_parse(slice_from_cstr(rows[i]), &u))
			fail_msg("accepted: %s", rows[i]);
	assert_non_null(url_parse(SLICE("ws+unix:///a\0b:/c"), &u));
	/* People are told what is wrong, not only that something is. */
	assert_non_null(strstr(url_parse(SLICE("http://u@a"), &u), "user"));
	assert_non_null(strstr(url_parse(SLICE("http://a/#b"), &u), "fragment"));
	assert_non_null(strstr(url_parse(SLICE("http:///a"), &u), "missing"));
	assert_non_null(strstr(url_parse(SLICE("http://a:b"), &u), "port"));
	/* sun_path has room for 107 bytes and a NUL. */
	char text[160];
	int len = snprintf(text, sizeof(text), "ws+unix:///%0106d:/c", 0);
	assert_null(url_parse(slice_of(text, (size_t)len), &u));
	len = snprintf(text, sizeof(text), "ws+unix:///%0107d:/c", 0);
	assert_non_null(url_parse(slice_of(text, (size_t)len), &u));
}

static void an_authority_needs_its_room(void **state)
{
	struct url u;
	char room[8];

	(void)state;
	assert_null(url_parse(SLICE("http://a.b:81"), &u));
	assert_slice(url_authority(&u, room, 7), "a.b:81");
	assert_null(url_authority(&u, room, 6).data);
}

static void a_query_is_not_for_people(void **state)
{
	(void)state;
	assert_slice(url_without_query(SLICE("http://a/b?key=x?y")), "http://a/b");
	assert_slice(url_without_query(SLICE("http://a/b?")), "http://a/b");
	assert_slice(url_without_query(SLICE("http://a/b")), "http://a/b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_urls),
		cmocka_unit_test(bad_urls),
		cmocka_unit_test(an_authority_needs_its_room),
		cmocka_unit_test(a_query_is_not_for_people),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
