/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/proxy.h"

#include <stdio.h>

#include "unit.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V4                                                                                         \
	"\xc0\x00\x02\x01\xc6\x33\x64\x01\xc8\x22\x01\xbb" /* 192.0.2.1:51234 to 198.51.100.1:443  \
							    */
#define V6_FROM  "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
#define V6_TO    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02"
#define V6       V6_FROM V6_TO "\xc8\x22\x01\xbb"
#define MAPPED   "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\x00\x02\x01"
#define ZEROS_36 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define UNIX_216 ZEROS_36 ZEROS_36 ZEROS_36 ZEROS_36 ZEROS_36 ZEROS_36

#define B(text)                                                                                    \
	{                                                                                          \
		(text), sizeof(text) - 1                                                           \
	}
#define NOBODY "none:0"

/* `bytes` 0: all of it is the header. */
static const struct row {
	const char *says;
	struct slice in;
	enum proxy_outcome wanted;
	const char *source;
	size_t behind; /* bytes that are the client's */
	bool local;
} rows[] = {
	/* clang-format off */
	{"v1 over IPv4", B("PROXY TCP4 192.0.2.1 198.51.100.1 51234 443\r\n"), PROXY_DONE, "192.0.2.1:51234", 0, false},
	{"v1 over IPv6", B("PROXY TCP6 2001:db8::1 2001:db8::2 51234 443\r\n"), PROXY_DONE, "[2001:db8::1]:51234", 0, false},
	{"a request behind it", B("PROXY TCP4 192.0.2.1 198.51.100.1 51234 443\r\nGET"), PROXY_DONE, "192.0.2.1:51234", 3, false},
	{"another header behind it is the client's", B("PROXY TCP4 192.0.2.1 1.2.3.4 1 2\r\nPROXY TCP4 6.6.6.6 1.2.3.4 1 2\r\n"), PROXY_DONE, "192.0.2.1:1", 32, false},
	{"ports 0 and 65535", B("PROXY TCP4 192.0.2.1 198.51.100.1 0 65535\r\n"), PROXY_DONE, "192.0.2.1:0", 0, false},
	{"unknown, short", B("PROXY UNKNOWN\r\n"), PROXY_DONE, NOBODY, 0, false},
	{"unknown, with whatever", B("PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n"), PROXY_DONE, NOBODY, 0, false},
	{"the longest line", B("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"), PROXY_DONE, NOBODY, 0, false},
	{"one byte longer", B("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 655350\r\n"), PROXY_MALFORMED, NULL, 0, false},
	{"a mapped address is IPv4", B("PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 51234 443\r\n"), PROXY_DONE, "192.0.2.1:51234", 0, false},

	{"nothing yet", B(""), PROXY_MORE, NULL, 0, false},
	{"one letter", B("P"), PROXY_MORE, NULL, 0, false},
	{"the word", B("PROXY "), PROXY_MORE, NULL, 0, false},
	{"CR without LF yet", B("PROXY TCP4 192.0.2.1 198.51.100.1 51234 443\r"), PROXY_MORE, NULL, 0, false},
	{"no end within its length", B("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535xx"), PROXY_MALFORMED, NULL, 0, false},

	{"a request instead", B("GET /chat HTTP/1.1\r\n"), PROXY_MALFORMED, NULL, 0, false},
	{"a ClientHello instead", B("\x16\x03\x01\x02"), PROXY_MALFORMED, NULL, 0, false},
	{"lower case", B("proxy TCP4 192.0.2.1 198.51.100.1 51234 443\r\n"), PROXY_MALFORMED, NULL, 0, false},
	{"a space before it", B(" PROXY TCP4 192.0.2.1 198.51.100.1 51234 443\r\n"), PROXY_MALFORMED, NULL, 0, false},
	{"LF alone", B("PROXY TCP4 192.0.2.1 198.51.100.1 51234 443\n"), PROXY_MALFORMED, NULL, 0, false},
	{"CR and something else", B("PROXY TCP4 192.0.2.1 198.51.100.1 51234 443\rX"), PROXY_MALFORMED, NULL, 0, false},
	{"two spaces", B("PROXY  TCP4 192.0.2.1 198.51.100.1 51234 443\r\n"), PROXY_MALFORMED, NULL, 0, false},
	{"a tab", B("PROXY TCP4\t192.0.2.1 198.51.100.1 51234 443\r\n"), PROXY_MALFORMED, NULL, 0, false},
	{"a space at the end", B("PROXY TCP4 192.0.2.1 198.51.100.1 51234 443 \r\n"), PROXY_MALFORMED, NULL, 0, false},
	{"a part too many", B("PROXY TCP4 192.0.2.1 198.51.100.1 51234 443 1\r\n"), PROXY_MALFORMED, NULL, 0, false},
	{"a part too few", B("PROXY TCP4 192.0.2.1 198.51.100.1 51234\r\n"), PROXY_MALFORMED, NULL, 0, false},
	{"no parts", B("PROXY TCP4\r\n"), PROXY_MALFORMED, NULL, 0, false},
	{"only the word", B("PROXY \r\n"), PROXY_MALFORMED, NULL, 0, false},
	{"another protocol", B("PROXY UDP4 192.0.2.1 198.51.100.1 51234 443\r\n"), PROXY_MALFORMED, NULL, 0, false},
	{"TCP5", B("PROXY TCP5 192.0.2.1 198.51.100.1 51234 443\r\n"), PROXY_MALFORMED, NULL, 0, false},
	{"a leading zero", B("PROXY TCP4 192.0.2.01 198.51.100.1 51234 443\r\n"), PROXY_MALFORMED, NULL, 0, false},
	{"three parts of an address", B("PROXY TCP4 192.0.2 198.51.100.1 51234 443\r\n"), PROXY_MALFORMED, NULL, 0, false},
	{"hexadecimal", B("PROXY TCP4 0xc0.0.2.1 198.51.100.1 51234 443\r\n"), PROXY_MALFORMED, NULL, 0, false},
	{"IPv6 where IPv4 is said", B("PROXY TCP4 2001:db8::1 2001:db8::2 51234 443\r\n"), PROXY_MALFORMED, NULL, 0, false},
	{"IPv4 where IPv6 is said", B("PROXY TCP6 192.0.2.1 198.51.100.1 51234 443\r\n"), PROXY_MALFORMED, NULL, 0, false},
	{"brackets", B("PROXY TCP6 [2001:db8::1] [2001:db8::2] 51234 443\r\n"), PROXY_MALFORMED, NULL, 0, false},
	{"a scope", B("PROXY TCP6 fe80::1%eth0 2001:db8::2 51234 443\r\n"), PROXY_MALFORMED, NULL, 0, false},
	{"a bad destination", B("PROXY TCP4 192.0.2.1 x 51234 443\r\n"), PROXY_MALFORMED, NULL, 0, false},
	{"port 65536", B("PROXY TCP4 192.0.2.1 198.51.100.1 65536 443\r\n"), PROXY_MALFORMED, NULL, 0, false},
	{"destination port 65536", B("PROXY TCP4 192.0.2.1 198.51.100.1 1 65536\r\n"), PROXY_MALFORMED, NULL, 0, false},
	{"port 0443", B("PROXY TCP4 192.0.2.1 198.51.100.1 51234 0443\r\n"), PROXY_MALFORMED, NULL, 0, false},
	{"port -1", B("PROXY TCP4 192.0.2.1 198.51.100.1 -1 443\r\n"), PROXY_MALFORMED, NULL, 0, false},
	{"an empty port", B("PROXY TCP4 192.0.2.1 198.51.100.1  443\r\n"), PROXY_MALFORMED, NULL, 0, false},
	{"a NUL", B("PROXY TCP4 192.0.2.1\0 198.51.100.1 51234 443\r\n"), PROXY_MALFORMED, NULL, 0, false},
	{"a NUL in what nobody reads", B("PROXY UNKNOWN \0\r\n"), PROXY_MALFORMED, NULL, 0, false},
	{"the address of nobody", B("PROXY TCP4 0.0.0.0 198.51.100.1 51234 443\r\n"), PROXY_MALFORMED, NULL, 0, false},
	{"names", B("PROXY TCP4 localhost 198.51.100.1 51234 443\r\n"), PROXY_MALFORMED, NULL, 0, false},

	{"v2 over IPv4", B(SIGNATURE "\x21\x11\x00\x0c" V4), PROXY_DONE, "192.0.2.1:51234", 0, false},
	{"v2 over IPv6", B(SIGNATURE "\x21\x21\x00\x24" V6), PROXY_DONE, "[2001:db8::1]:51234", 0, false},
	{"v2, a mapped address is IPv4", B(SIGNATURE "\x21\x21\x00\x24" MAPPED V6_TO "\xc8\x22\x01\xbb"), PROXY_DONE, "192.0.2.1:51234", 0, false},
	{"v2 with a TLV", B(SIGNATURE "\x21\x11\x00\x13" V4 "\x02\x00\x04host"), PROXY_DONE, "192.0.2.1:51234", 0, false},
	{"v2 with an empty TLV", B(SIGNATURE "\x21\x11\x00\x0f" V4 "\x04\x00\x00"), PROXY_DONE, "192.0.2.1:51234", 0, false},
	{"v2 and bytes behind", B(SIGNATURE "\x21\x11\x00\x0c" V4 "\x16\x03"), PROXY_DONE, "192.0.2.1:51234", 2, false},
	{"v2 LOCAL", B(SIGNATURE "\x20\x00\x00\x00"), PROXY_DONE, NOBODY, 0, true},
	{"v2 LOCAL with addresses that do not count", B(SIGNATURE "\x20\x11\x00\x0c" V4), PROXY_DONE, NOBODY, 0, true},
	{"v2 LOCAL with nonsense that does not count", B(SIGNATURE "\x20\xff\x00\x02xx"), PROXY_DONE, NOBODY, 0, true},
	{"v2 unspecified", B(SIGNATURE "\x21\x00\x00\x00"), PROXY_DONE, NOBODY, 0, false},
	{"v2 unix", B(SIGNATURE "\x21\x31\x00\xd8" UNIX_216), PROXY_DONE, NOBODY, 0, false},

	{"half a signature", B("\r\n\r\n\0\r"), PROXY_MORE, NULL, 0, false},
	{"a signature", B(SIGNATURE), PROXY_MORE, NULL, 0, false},
	{"v2 cut in its addresses", B(SIGNATURE "\x21\x11\x00\x0c\xc0\x00"), PROXY_MORE, NULL, 0, false},
	{"a blank line", B("\r\n\r\nGET"), PROXY_MALFORMED, NULL, 0, false},
	{"version 1 in v2", B(SIGNATURE "\x11\x11\x00\x0c" V4), PROXY_MALFORMED, NULL, 0, false},
	{"version 3 in v2", B(SIGNATURE "\x31\x11\x00\x0c" V4), PROXY_MALFORMED, NULL, 0, false},
	{"another command", B(SIGNATURE "\x22\x11\x00\x0c" V4), PROXY_MALFORMED, NULL, 0, false},
	{"datagrams", B(SIGNATURE "\x21\x12\x00\x0c" V4), PROXY_MALFORMED, NULL, 0, false},
	{"another family", B(SIGNATURE "\x21\x41\x00\x0c" V4), PROXY_MALFORMED, NULL, 0, false},
	{"IPv4 one byte short", B(SIGNATURE "\x21\x11\x00\x0b" V4), PROXY_MALFORMED, NULL, 0, false},
	{"IPv6 with the length of IPv4", B(SIGNATURE "\x21\x21\x00\x0c" V4), PROXY_MALFORMED, NULL, 0, false},
	{"half a TLV", B(SIGNATURE "\x21\x11\x00\x0e" V4 "\x02\x00"), PROXY_MALFORMED, NULL, 0, false},
	{"a TLV longer than the header", B(SIGNATURE "\x21\x11\x00\x10" V4 "\x02\x00\x02x"), PROXY_MALFORMED, NULL, 0, false},
	{"longer than we take", B(SIGNATURE "\x21\x11\x0f\xf1"), PROXY_MALFORMED, NULL, 0, false},
	{"as long as we take", B(SIGNATURE "\x21\x11\x0f\xf0"), PROXY_MORE, NULL, 0, false},
	{"v2, the address of nobody", B(SIGNATURE "\x21\x11\x00\x0c\0\0\0\0\xc6\x33\x64\x01\xc8\x22\x01\xbb"), PROXY_MALFORMED, NULL, 0, false},
	/* clang-format on */
};

static void check(const struct row *at, struct slice in)
{
	struct proxy_header header = {.bytes = 77};
	char text[ADDRESS_TEXT_BYTES];

	ROW_CHECK(at, proxy_header_parse(in, &header) == at->wanted);
	if (at->wanted != PROXY_DONE) {
		ROW_CHECK(at, header.bytes == 77);
		return;
	}
	ROW_CHECK(at, header.bytes == in.len - at->behind);
	ROW_CHECK(at, header.local == at->local);
	if (header.source.family == 0)
		ROW_EQ(at, SLICE(NOBODY), slice_from_cstr(at->source));
	else
		ROW_EQ(at, address_format_with_port(&header.source, text),
		       slice_from_cstr(at->source));
}

static void test_rows(void **state)
{
	(void)state;
	EACH_ROW (at, rows)
		check(at, at->in);
}

/* However it is cut: more is wanted until it is whole, and never anything else said. */
static void test_pieces(void **state)
{
	(void)state;
	EACH_ROW (at, rows) {
		if (at->wanted != PROXY_DONE)
			continue;
		for (size_t len = 0; len < at->in.len - at->behind; len++) {
			struct proxy_header header;
			ROW_CHECK(at, proxy_header_parse(slice_first(at->in, len), &header) ==
					      PROXY_MORE);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
