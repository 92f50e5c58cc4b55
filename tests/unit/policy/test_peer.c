/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/peer.h"

#include "policy_unit.h"

static struct prefix networks[2];
static const struct conf_networks trusted = {networks, 2};

static const char *const TLS = "https", *const CLEAR = "http";

/* The hop is 10.0.0.1, which is trusted, unless `from` says otherwise. `wanted` NULL: refused. */
static const struct row {
	const char *says, *from, *fields, *wanted, *scheme;
	bool unnamed;
} rows[] = {
	/* clang-format off */
	{"nothing said", NULL, "", "10.0.0.1", "http", true},
	{"a stranger's word does not count", "192.0.2.9", "X-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6;proto=https\r\nX-Forwarded-Proto: https\r\n", "192.0.2.9", "http", true},
	{"nor does a stranger's nonsense", "192.0.2.9", "X-Forwarded-For: ,,\r\nForwarded: x\r\n", "192.0.2.9", "http", true},
	{"nor a neighbour's", "11.0.0.1", "X-Forwarded-For: 6.6.6.6\r\n", "11.0.0.1", "http", true},

	{"one hop", NULL, "X-Forwarded-For: 192.0.2.1\r\n", "192.0.2.1", "http", false},
	{"in another case", NULL, "x-FORWARDED-for: 192.0.2.1\r\n", "192.0.2.1", "http", false},
	{"an underscore is another name", NULL, "X_Forwarded_For: 192.0.2.1\r\n", "10.0.0.1", "http", true},
	{"what the client wrote itself stands left", NULL, "X-Forwarded-For: 6.6.6.6, 192.0.2.1\r\n", "192.0.2.1", "http", false},
	{"and may say that it is a proxy of ours", NULL, "X-Forwarded-For: 10.9.9.9, 192.0.2.1\r\n", "192.0.2.1", "http", false},
	{"two trusted hops", NULL, "X-Forwarded-For: 6.6.6.6, 192.0.2.1, 10.0.0.2\r\n", "192.0.2.1", "http", false},
	{"in two fields", NULL, "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 192.0.2.1\r\n", "192.0.2.1", "http", false},
	{"all trusted: the leftmost", NULL, "X-Forwarded-For: 10.0.0.3, 10.0.0.2\r\n", "10.0.0.3", "http", false},
	{"IPv6", NULL, "X-Forwarded-For: 2001:db8::1\r\n", "2001:db8::1", "http", false},
	{"IPv6 in brackets", NULL, "X-Forwarded-For: [2001:db8::1]\r\n", "2001:db8::1", "http", false},
	{"IPv6 with a port", NULL, "X-Forwarded-For: [2001:db8::1]:443\r\n", "2001:db8::1", "http", false},
	{"IPv4 with a port", NULL, "X-Forwarded-For: 192.0.2.1:51234\r\n", "192.0.2.1", "http", false},
	{"a mapped address", NULL, "X-Forwarded-For: ::ffff:192.0.2.1\r\n", "192.0.2.1", "http", false},
	{"a mapped address of a proxy", NULL, "X-Forwarded-For: 192.0.2.1, ::ffff:10.0.0.2\r\n", "192.0.2.1", "http", false},
	{"a trusted network of IPv6", "2001:db8:aa::1", "X-Forwarded-For: 192.0.2.1\r\n", "192.0.2.1", "http", false},
	{"nobody knows", NULL, "X-Forwarded-For: unknown\r\n", "10.0.0.1", "http", false},
	{"nobody knows who the second hop served", NULL, "X-Forwarded-For: 6.6.6.6, unknown, 10.0.0.2\r\n", "10.0.0.2", "http", false},

	{"empty", NULL, "X-Forwarded-For:\r\n", NULL, NULL, false},
	{"an empty part", NULL, "X-Forwarded-For: 192.0.2.1,\r\n", NULL, NULL, false},
	{"an empty part in front", NULL, "X-Forwarded-For: , 192.0.2.1\r\n", NULL, NULL, false},
	{"spaces instead of commas", NULL, "X-Forwarded-For: 6.6.6.6 192.0.2.1\r\n", NULL, NULL, false},
	{"a name", NULL, "X-Forwarded-For: evil.example\r\n", NULL, NULL, false},
	{"leading zeros", NULL, "X-Forwarded-For: 192.0.2.010\r\n", NULL, NULL, false},
	{"a short address", NULL, "X-Forwarded-For: 192.1\r\n", NULL, NULL, false},
	{"a number", NULL, "X-Forwarded-For: 3221225985\r\n", NULL, NULL, false},
	{"hexadecimal", NULL, "X-Forwarded-For: 0xc0000201\r\n", NULL, NULL, false},
	{"quotes", NULL, "X-Forwarded-For: \"192.0.2.1\"\r\n", NULL, NULL, false},
	{"port 70000", NULL, "X-Forwarded-For: 192.0.2.1:70000\r\n", NULL, NULL, false},
	{"an empty port", NULL, "X-Forwarded-For: 192.0.2.1:\r\n", NULL, NULL, false},
	{"a bracket alone", NULL, "X-Forwarded-For: [2001:db8::1\r\n", NULL, NULL, false},
	{"text behind the bracket", NULL, "X-Forwarded-For: [2001:db8::1]x\r\n", NULL, NULL, false},
	{"IPv4 in brackets", NULL, "X-Forwarded-For: [192.0.2.1]\r\n", NULL, NULL, false},
	{"a scope", NULL, "X-Forwarded-For: fe80::1%eth0\r\n", NULL, NULL, false},
	{"a network", NULL, "X-Forwarded-For: 192.0.2.0/24\r\n", NULL, NULL, false},
	{"the address of nobody", NULL, "X-Forwarded-For: 0.0.0.0\r\n", NULL, NULL, false},
	{"nonsense on the left counts too", NULL, "X-Forwarded-For: <script>, 192.0.2.1\r\n", NULL, NULL, false},
	{"33 hops", NULL, "X-Forwarded-For: 1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1\r\n", NULL, NULL, false},

	{"Forwarded", NULL, "Forwarded: for=192.0.2.1\r\n", "192.0.2.1", "http", false},
	{"Forwarded with everything", NULL, "Forwarded: For=192.0.2.1;PROTO=https;by=10.0.0.1;Host=\"chat.example:443\"\r\n", "192.0.2.1", "https", false},
	{"an extension", NULL, "Forwarded: for=192.0.2.1;secret=x\r\n", "192.0.2.1", "http", false},
	{"spaces after separators", NULL, "Forwarded: for=6.6.6.6; proto=http , for=192.0.2.1 ;proto=https\r\n", "192.0.2.1", "https", false},
	{"IPv6 in quotes", NULL, "Forwarded: for=\"[2001:db8::1]:4711\"\r\n", "2001:db8::1", "http", false},
	{"an escape in quotes", NULL, "Forwarded: for=\"192.0.\\2.1\"\r\n", "192.0.2.1", "http", false},
	{"two trusted hops of Forwarded", NULL, "Forwarded: for=6.6.6.6;proto=http, for=192.0.2.1;proto=https, for=10.0.0.2;proto=http\r\n", "192.0.2.1", "https", false},
	{"unknown", NULL, "Forwarded: for=unknown\r\n", "10.0.0.1", "http", false},
	{"an obfuscated name", NULL, "Forwarded: for=\"_gazonk:_1\"\r\n", "10.0.0.1", "http", false},
	{"a client cannot write itself into quotes", NULL, "Forwarded: for=\"6.6.6.6, for=192.0.2.1\r\n", NULL, NULL, false},
	{"nothing", NULL, "Forwarded:\r\n", NULL, NULL, false},
	{"a word", NULL, "Forwarded: 192.0.2.1\r\n", NULL, NULL, false},
	{"without for", NULL, "Forwarded: proto=https\r\n", NULL, NULL, false},
	{"for twice", NULL, "Forwarded: for=192.0.2.1;for=6.6.6.6\r\n", NULL, NULL, false},
	{"proto twice", NULL, "Forwarded: for=192.0.2.1;proto=http;proto=https\r\n", NULL, NULL, false},
	{"host twice", NULL, "Forwarded: for=192.0.2.1;host=a;host=b\r\n", NULL, NULL, false},
	{"a space beside =", NULL, "Forwarded: for =192.0.2.1\r\n", NULL, NULL, false},
	{"a space behind =", NULL, "Forwarded: for= 192.0.2.1\r\n", NULL, NULL, false},
	{"IPv6 without brackets", NULL, "Forwarded: for=\"2001:db8::1\"\r\n", NULL, NULL, false},
	{"brackets without quotes", NULL, "Forwarded: for=[2001:db8::1]\r\n", NULL, NULL, false},
	{"a final semicolon", NULL, "Forwarded: for=192.0.2.1;\r\n", NULL, NULL, false},
	{"a final comma", NULL, "Forwarded: for=192.0.2.1,\r\n", NULL, NULL, false},
	{"two values", NULL, "Forwarded: for=192.0.2.1 6.6.6.6\r\n", NULL, NULL, false},
	{"an unknown protocol", NULL, "Forwarded: for=192.0.2.1;proto=ftp\r\n", NULL, NULL, false},
	{"a bad by", NULL, "Forwarded: for=192.0.2.1;by=<>\r\n", NULL, NULL, false},
	{"an obfuscated name without a name", NULL, "Forwarded: for=_\r\n", NULL, NULL, false},

	{"both say the same", NULL, "Forwarded: for=192.0.2.1\r\nX-Forwarded-For: 192.0.2.1\r\n", "192.0.2.1", "http", false},
	{"both say the same about the client, not about others", NULL, "Forwarded: for=192.0.2.1\r\nX-Forwarded-For: 6.6.6.6, 192.0.2.1, 10.0.0.2\r\n", "192.0.2.1", "http", false},
	{"both disagree", NULL, "Forwarded: for=6.6.6.6\r\nX-Forwarded-For: 192.0.2.1\r\n", NULL, NULL, false},
	{"one does not know", NULL, "Forwarded: for=unknown\r\nX-Forwarded-For: 192.0.2.1\r\n", NULL, NULL, false},
	{"one is nonsense", NULL, "Forwarded: for=192.0.2.1\r\nX-Forwarded-For: x\r\n", NULL, NULL, false},
	{"they disagree about TLS", NULL, "Forwarded: for=192.0.2.1;proto=http\r\nX-Forwarded-Proto: https\r\n", NULL, NULL, false},
	{"they agree about TLS", NULL, "Forwarded: for=192.0.2.1;proto=https\r\nX-Forwarded-Proto: https\r\n", "192.0.2.1", "https", false},
	{"each says a part", NULL, "Forwarded: for=192.0.2.1\r\nX-Forwarded-Proto: https\r\n", "192.0.2.1", "https", false},

	{"TLS ended in front", NULL, "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n", "192.0.2.1", "https", false},
	{"in capitals", NULL, "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: HTTPS\r\n", "192.0.2.1", "https", false},
	{"the socket's word for it", NULL, "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: wss\r\n", "192.0.2.1", "https", false},
	{"only the protocol", NULL, "X-Forwarded-Proto: https\r\n", "10.0.0.1", "https", true},
	{"one protocol, several hops", NULL, "X-Forwarded-For: 6.6.6.6, 192.0.2.1\r\nX-Forwarded-Proto: https\r\n", "192.0.2.1", "https", false},
	{"one protocol each: that of the client's hop", NULL, "X-Forwarded-For: 192.0.2.1, 10.0.0.2\r\nX-Forwarded-Proto: https, http\r\n", "192.0.2.1", "https", false},
	{"one protocol each, the other way", NULL, "X-Forwarded-For: 6.6.6.6, 192.0.2.1\r\nX-Forwarded-Proto: https, http\r\n", "192.0.2.1", "http", false},
	{"two protocols, one hop", NULL, "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https, http\r\n", NULL, NULL, false},
	{"two protocols, no hop", NULL, "X-Forwarded-Proto: https\r\nX-Forwarded-Proto: http\r\n", NULL, NULL, false},
	{"an empty protocol", NULL, "X-Forwarded-Proto:\r\n", NULL, NULL, false},
	{"another protocol", NULL, "X-Forwarded-Proto: httpsx\r\n", NULL, NULL, false},
	/* clang-format on */
};

static void test_rows(void **state)
{
	(void)state;
	EACH_ROW (at, rows) {
		struct unit_request u = {0};
		struct address hop;
		struct peer peer;
		char text[ADDRESS_TEXT_BYTES], pattern[4096];

		snprintf(pattern, sizeof(pattern), "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n",
			 at->fields);
		unit_request_parse(&u, at->says, pattern, SLICE(""));
		assert_true(address_parse(slice_from_cstr(at->from ? at->from : "10.0.0.1"), &hop));
		enum reason r = peer_find(&trusted, &u.parser.head, &hop, false, &peer);
		ROW_CHECK(at, r == (at->wanted ? REASON_NONE : REASON_FORWARDED_MALFORMED));
		if (at->wanted) {
			ROW_EQ(at, address_format(&peer.address, text),
			       slice_from_cstr(at->wanted));
			ROW_EQ(at, slice_from_cstr(peer.tls ? TLS : CLEAR),
			       slice_from_cstr(at->scheme));
			ROW_CHECK(at, peer.named == !at->unnamed);
		}
		unit_request_deinit(&u);
	}
}

/* The proxy speaks TLS with us; what it says of its client counts all the same. */
static void test_tls_to_the_proxy(void **state)
{
	static const struct {
		const char *says, *fields, *scheme;
	} cases[] = {
		{"it says nothing", "", "https"},
		{"its client came in clear", "X-Forwarded-Proto: http\r\n", "http"},
		{"its client came in clear, by the standard",
		 "Forwarded: for=192.0.2.1;proto=http\r\n", "http"},
	};
	(void)state;
	EACH_ROW (at, cases) {
		struct unit_request u = {0};
		struct address hop;
		struct peer peer;
		char pattern[512];

		snprintf(pattern, sizeof(pattern), "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n",
			 at->fields);
		unit_request_parse(&u, at->says, pattern, SLICE(""));
		assert_true(address_parse(SLICE("10.0.0.1"), &hop));
		ROW_CHECK(at,
			  peer_find(&trusted, &u.parser.head, &hop, true, &peer) == REASON_NONE);
		ROW_EQ(at, slice_from_cstr(peer.tls ? TLS : CLEAR), slice_from_cstr(at->scheme));
		unit_request_deinit(&u);
	}
}

static void test_nobody_is_trusted_by_default(void **state)
{
	const struct conf_networks nobody = {0};
	struct address loopback;

	(void)state;
	assert_true(address_parse(SLICE("127.0.0.1"), &loopback));
	assert_false(peer_trusted(&nobody, &loopback));
	assert_false(peer_trusted(&trusted, &(struct address){0}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_tls_to_the_proxy),
		cmocka_unit_test(test_nobody_is_trusted_by_default),
	};

	if (!prefix_parse(SLICE("10.0.0.0/8"), &networks[0]) ||
	    !prefix_parse(SLICE("2001:db8:aa::/48"), &networks[1]))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
