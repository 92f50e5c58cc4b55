/* SPDX-License-Identifier: Apache-2.0 */
#include "http/origin.h"

#include "unit.h"

#define LABEL63 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123"

#define NAME253                                                                                    \
	LABEL63 "." LABEL63 "." LABEL63 "."                                                        \
		"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffg"

static void hosts(void **state)
{
	/* clang-format off */
	static const struct {
		const char *says, *text, *host;
		uint16_t port;
		bool is_ip, is_ipv6;
	} rows[] = {
		{"a name", "chat.example.com", "chat.example.com", 0, false, false},
		{"with a port", "chat.example.com:8443", "chat.example.com", 8443, false, false},
		{"one label", "localhost", "localhost", 0, false, false},
		{"upper case", "Chat.Example", "Chat.Example", 0, false, false},
		{"the dot of the root", "a.example.", "a.example.", 0, false, false},
		{"an underscore", "my_app:80", "my_app", 80, false, false},
		{"digits first", "1a.example", "1a.example", 0, false, false},
		{"a last label that only begins like a number", "a.0xg", "a.0xg", 0, false, false},
		{"253 characters", NAME253, NAME253, 0, false, false},
		{"253 characters and the dot of the root", NAME253 ".", NAME253 ".", 0, false, false},
		{"a label like a word in hexadecimal", "cafe.babe", "cafe.babe", 0, false, false},
		{"an international name", "xn--bcher-kva.example", "xn--bcher-kva.example", 0, false, false},
		{"the longest label", LABEL63 ".a", LABEL63 ".a", 0, false, false},
		{"IPv4", "127.0.0.1", "127.0.0.1", 0, true, false},
		{"IPv4 with a port", "127.0.0.1:65535", "127.0.0.1", 65535, true, false},
		{"IPv6", "[::1]", "::1", 0, true, true},
		{"IPv6 with a port", "[2001:db8::1]:443", "2001:db8::1", 443, true, true},
	};
	/* clang-format on */
	(void)state;
	EACH_ROW (at, rows) {
		struct http_authority a;
		ROW_CHECK(at, http_authority_parse(slice_from_cstr(at->text), &a));
		ROW_EQ(at, a.host, slice_from_cstr(at->host));
		ROW_CHECK(at, a.port == at->port);
		ROW_CHECK(at, a.is_ip == at->is_ip);
		ROW_CHECK(at, a.is_ipv6 == at->is_ipv6);
	}
}

static void no_hosts(void **state)
{
	/* clang-format off */
	static const char *const rows[] = {
		"", ":80", "a:", "a:0", "a:080", "a:65536", "a:+80", "a:80:80", "a:8a", "a: 80", "a b", "a,b",
		"user@a", "a@b:80", "a/b", "a?b", "a#b", "a%41", "a\\b", "a..b", ".a", ".", "..", "a...",
		"[::1", "::1", "::1]:80", "[::1]80", "[::1]:", "[::1]:0", "[a]", "[127.0.0.1]", "[]", "[::1%25eth0]",
		"[::1]]", "x[::1]", "2130706433", "0x7f.1", "0x7f000001", "127.1", "127.0.0.01", "1.2.3.4.5",
		"127.0.0.1.", "a.0x", "a.0X7F", "999.1.1.1", "a.1", "a.9", "a.09", NAME253 "a", "\xc3\xbc.example", "*.example", "a;b",
		"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff1234.example", "0.0.0.0=5000", "a\"",
		LABEL63 "." LABEL63 "." LABEL63 "." LABEL63 ".aa",
	};
	/* clang-format on */
	struct http_authority a;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (http_authority_parse(slice_from_cstr(rows[i]), &a))
			fail_msg("accepted: %s", rows[i]);
	assert_false(http_authority_parse(SLICE("a\0b"), &a));
}

static void hosts_compare(void **state)
{
	(void)state;
	assert_true(http_host_eq(SLICE("A.example"), SLICE("a.EXAMPLE")));
	assert_true(http_host_eq(SLICE("a.example."), SLICE("a.example")));
	assert_true(http_host_eq(SLICE("::1"), SLICE("0:0:0:0:0:0:0:1")));
	assert_false(http_host_eq(SLICE("a.example"), SLICE("b.a.example")));
	assert_false(http_host_eq(SLICE("a.example"), SLICE("a.exampl")));
	assert_false(http_host_eq(SLICE("."), SLICE("")));
}

static void origins(void **state)
{
	/* clang-format off */
	static const struct {
		const char *says, *text;
		enum http_origin_kind kind;
		enum http_scheme scheme;
		const char *host;
		uint16_t port;
	} rows[] = {
		{"https", "https://chat.example.com", HTTP_ORIGIN_TUPLE, HTTP_SCHEME_HTTPS, "chat.example.com", 443},
		{"http with a port", "http://localhost:3000", HTTP_ORIGIN_TUPLE, HTTP_SCHEME_HTTP, "localhost", 3000},
		{"default port written", "https://a:443", HTTP_ORIGIN_TUPLE, HTTP_SCHEME_HTTPS, "a", 443},
		{"IPv6", "http://[::1]:80", HTTP_ORIGIN_TUPLE, HTTP_SCHEME_HTTP, "::1", 80},
		{"an extension", "chrome-extension://abcdef", HTTP_ORIGIN_TUPLE, HTTP_SCHEME_NONE, "abcdef", 0},
		{"null", "null", HTTP_ORIGIN_NULL, HTTP_SCHEME_NONE, "", 0},
		{"a scheme of all sorts", "a0+9-z.b://h", HTTP_ORIGIN_TUPLE, HTTP_SCHEME_NONE, "h", 0},
		{"a scheme of one letter", "z://h", HTTP_ORIGIN_TUPLE, HTTP_SCHEME_NONE, "h", 0},
		{"ws", "ws://a", HTTP_ORIGIN_TUPLE, HTTP_SCHEME_WS, "a", 80},
		{"wss", "wss://a", HTTP_ORIGIN_TUPLE, HTTP_SCHEME_WSS, "a", 443},
		{"the first capital", "https://A", HTTP_ORIGIN_MALFORMED, HTTP_SCHEME_NONE, "", 0},
		{"the last capital", "https://Z", HTTP_ORIGIN_MALFORMED, HTTP_SCHEME_NONE, "", 0},
		{"an underscore in the scheme", "a_b://h", HTTP_ORIGIN_MALFORMED, HTTP_SCHEME_NONE, "", 0},
		{"a slash in the scheme", "a/b://h", HTTP_ORIGIN_MALFORMED, HTTP_SCHEME_NONE, "", 0},
		{"a plus first in the scheme", "+a://h", HTTP_ORIGIN_MALFORMED, HTTP_SCHEME_NONE, "", 0},
		{"nothing", "", HTTP_ORIGIN_MALFORMED, HTTP_SCHEME_NONE, "", 0},
		{"NULL in capitals", "NULL", HTTP_ORIGIN_MALFORMED, HTTP_SCHEME_NONE, "", 0},
		{"null and more", "null ", HTTP_ORIGIN_MALFORMED, HTTP_SCHEME_NONE, "", 0},
		{"a final slash", "https://a/", HTTP_ORIGIN_MALFORMED, HTTP_SCHEME_NONE, "", 0},
		{"a path", "https://a/b", HTTP_ORIGIN_MALFORMED, HTTP_SCHEME_NONE, "", 0},
		{"a query", "https://a?b", HTTP_ORIGIN_MALFORMED, HTTP_SCHEME_NONE, "", 0},
		{"a user", "https://good@evil", HTTP_ORIGIN_MALFORMED, HTTP_SCHEME_NONE, "", 0},
		{"upper-case host", "https://Chat.example", HTTP_ORIGIN_MALFORMED, HTTP_SCHEME_NONE, "", 0},
		{"upper-case scheme", "HTTPS://a", HTTP_ORIGIN_MALFORMED, HTTP_SCHEME_NONE, "", 0},
		{"two origins", "https://a https://b", HTTP_ORIGIN_MALFORMED, HTTP_SCHEME_NONE, "", 0},
		{"a list", "https://a,https://b", HTTP_ORIGIN_MALFORMED, HTTP_SCHEME_NONE, "", 0},
		{"no host", "https://", HTTP_ORIGIN_MALFORMED, HTTP_SCHEME_NONE, "", 0},
		{"a file", "file://", HTTP_ORIGIN_MALFORMED, HTTP_SCHEME_NONE, "", 0},
		{"one slash", "https:/a", HTTP_ORIGIN_MALFORMED, HTTP_SCHEME_NONE, "", 0},
		{"no scheme", "://a", HTTP_ORIGIN_MALFORMED, HTTP_SCHEME_NONE, "", 0},
		{"no scheme, only a host", "chat.example.com", HTTP_ORIGIN_MALFORMED, HTTP_SCHEME_NONE, "", 0},
		{"a scheme with a digit first", "1http://a", HTTP_ORIGIN_MALFORMED, HTTP_SCHEME_NONE, "", 0},
		{"an empty port", "https://a:", HTTP_ORIGIN_MALFORMED, HTTP_SCHEME_NONE, "", 0},
		{"a backslash", "https://a\\b", HTTP_ORIGIN_MALFORMED, HTTP_SCHEME_NONE, "", 0},
	};
	/* clang-format on */
	(void)state;
	EACH_ROW (at, rows) {
		struct http_origin o = http_origin_parse(slice_from_cstr(at->text));
		ROW_CHECK(at, o.kind == at->kind);
		ROW_CHECK(at, o.scheme == at->scheme);
		ROW_EQ(at, o.host, slice_from_cstr(at->host));
		ROW_CHECK(at, o.port == at->port);
	}
}

static void origins_compare_by_part(void **state)
{
	/* clang-format off */
	static const struct {
		const char *says, *origin;
		enum http_scheme scheme;
		const char *host;
		uint16_t port;
		bool wanted;
	} rows[] = {
		{"the same", "https://a.example", HTTP_SCHEME_HTTPS, "a.example", 443, true},
		{"the scheme's own port", "https://a.example", HTTP_SCHEME_HTTPS, "a.example", 0, true},
		{"written out", "https://a.example:443", HTTP_SCHEME_HTTPS, "a.example", 0, true},
		{"wss is https", "https://a.example", HTTP_SCHEME_WSS, "a.example", 0, true},
		{"ws is http", "http://a.example:8080", HTTP_SCHEME_WS, "a.example", 8080, true},
		{"Host in capitals", "http://a.example", HTTP_SCHEME_HTTP, "A.Example", 0, true},
		{"another scheme", "http://a.example", HTTP_SCHEME_HTTPS, "a.example", 0, false},
		{"another scheme, the same port", "http://a.example:443", HTTP_SCHEME_HTTPS, "a.example", 443, false},
		{"another port", "https://a.example:8443", HTTP_SCHEME_HTTPS, "a.example", 0, false},
		{"a subdomain", "https://b.a.example", HTTP_SCHEME_HTTPS, "a.example", 0, false},
		{"a suffix", "https://evila.example", HTTP_SCHEME_HTTPS, "a.example", 0, false},
		{"a longer name", "https://a.example.evil", HTTP_SCHEME_HTTPS, "a.example", 0, false},
		{"the dot of the root", "https://a.example.", HTTP_SCHEME_HTTPS, "a.example", 0, false},
		{"null", "null", HTTP_SCHEME_HTTPS, "a.example", 0, false},
		{"malformed", "https://a.example/", HTTP_SCHEME_HTTPS, "a.example", 0, false},
		{"a foreign scheme", "app://a.example", HTTP_SCHEME_HTTP, "a.example", 0, false},
		{"a foreign scheme and our port", "app://a.example:80", HTTP_SCHEME_HTTP, "a.example", 80, false},
		{"an origin of ws", "wss://a.example", HTTP_SCHEME_HTTPS, "a.example", 0, false},
		{"no scheme to compare with", "http://a.example", HTTP_SCHEME_NONE, "a.example", 80, false},
		{"a socket to compare with", "http://a.example", HTTP_SCHEME_WS_UNIX, "a.example", 80, false},
		{"a foreign scheme and port 0", "app://a.example", HTTP_SCHEME_NONE, "a.example", 0, false},
	};
	/* clang-format on */
	(void)state;
	EACH_ROW (at, rows) {
		struct http_origin o = http_origin_parse(slice_from_cstr(at->origin));
		ROW_CHECK(at, http_origin_is(&o, at->scheme, slice_from_cstr(at->host), at->port) ==
				      at->wanted);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts),
		cmocka_unit_test(no_hosts),
		cmocka_unit_test(hosts_compare),
		cmocka_unit_test(origins),
		cmocka_unit_test(origins_compare_by_part),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
