/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/origin.h"

#include "policy_unit.h"

enum list { ON_LIST, SAME, SAME_HTTP, MISSING_OK, NOBODY };

#define OK REASON_NONE
#define NO REASON_ORIGIN_NOT_ALLOWED

static const struct conf_origins lists[] = {
	[ON_LIST] = {.list = TEXTS({"https://chat.example.com", 24}, {"https://b.example:8443", 22},
				   {"http://xn--caf-dma.example", 26}, {"https://[2001:db8::1]", 21},
				   {"chrome-extension://abcdefgh", 27}, {"null", 4})},
	[SAME] = {.same = true},
	[SAME_HTTP] = {.same = true},
	[MISSING_OK] = {.list = TEXTS({"https://chat.example.com", 24}), .missing_allowed = true},
	[NOBODY] = {0},
};

static const struct row {
	const char *says;
	enum list list;
	const char *host;
	const char *fields;
	enum reason wanted;
} rows[] = {
#define HOST "gate.example.com"
	{"on the list", ON_LIST, HOST, "Origin: https://chat.example.com\r\n", OK},
	{"in another field case", ON_LIST, HOST, "oRIGIN: https://chat.example.com\r\n", OK},
	{"white space around it", ON_LIST, HOST, "Origin: \t https://chat.example.com \r\n", OK},
	{"with its port", ON_LIST, HOST, "Origin: https://b.example:8443\r\n", OK},
	{"punycode", ON_LIST, HOST, "Origin: http://xn--caf-dma.example\r\n", OK},
	{"IPv6", ON_LIST, HOST, "Origin: https://[2001:db8::1]\r\n", OK},
	{"an extension that is named", ON_LIST, HOST, "Origin: chrome-extension://abcdefgh\r\n", OK},
	{"missing", ON_LIST, HOST, "", REASON_ORIGIN_MISSING},
	{"missing where that is allowed", MISSING_OK, HOST, "", OK},
	{"evil where missing is allowed", MISSING_OK, HOST, "Origin: https://evil.example\r\n", NO},
	{"null where missing is allowed", MISSING_OK, HOST, "Origin: null\r\n", NO},
	{"empty where missing is allowed", MISSING_OK, HOST, "Origin:\r\n", NO},
	{"empty", ON_LIST, HOST, "Origin: \r\n", NO},
	{"null, even if somebody listed it", ON_LIST, HOST, "Origin: null\r\n", NO},
	{"another site", ON_LIST, HOST, "Origin: https://evil.example\r\n", NO},
	{"a list that contains it", ON_LIST, HOST,
	 "Origin: https://chat.example.com https://evil.example\r\n", NO},
	{"with a comma", ON_LIST, HOST, "Origin: https://chat.example.com,https://evil.example\r\n", NO},
	{"a suffix", ON_LIST, HOST, "Origin: https://evilchat.example.com\r\n", NO},
	{"a sub-domain", ON_LIST, HOST, "Origin: https://a.chat.example.com\r\n", NO},
	{"its parent", ON_LIST, HOST, "Origin: https://example.com\r\n", NO},
	{"a sibling", ON_LIST, HOST, "Origin: https://shop.example.com\r\n", NO},
	{"a prefix", ON_LIST, HOST, "Origin: https://chat.example.com.evil.example\r\n", NO},
	{"cut off", ON_LIST, HOST, "Origin: https://chat.example.co\r\n", NO},
	{"another scheme", ON_LIST, HOST, "Origin: http://chat.example.com\r\n", NO},
	{"the socket's scheme", ON_LIST, HOST, "Origin: wss://chat.example.com\r\n", NO},
	{"another port", ON_LIST, HOST, "Origin: https://chat.example.com:8443\r\n", NO},
	{"port 80 on https", ON_LIST, HOST, "Origin: https://chat.example.com:80\r\n", NO},
	{"without its port", ON_LIST, HOST, "Origin: https://b.example\r\n", NO},
	{"a final slash", ON_LIST, HOST, "Origin: https://chat.example.com/\r\n", NO},
	{"a path", ON_LIST, HOST, "Origin: https://chat.example.com/x\r\n", NO},
	{"a user", ON_LIST, HOST, "Origin: https://chat.example.com@evil.example\r\n", NO},
	{"a user before it", ON_LIST, HOST, "Origin: https://evil@chat.example.com\r\n", NO},
	{"upper case", ON_LIST, HOST, "Origin: HTTPS://CHAT.EXAMPLE.COM\r\n", NO},
	{"an upper-case host", ON_LIST, HOST, "Origin: https://Chat.example.com\r\n", NO},
	{"a dot at the end", ON_LIST, HOST, "Origin: https://chat.example.com.\r\n", NO},
	{"another letter for a dot", ON_LIST, HOST, "Origin: https://chatXexample.com\r\n", NO},
	{"a backslash", ON_LIST, HOST, "Origin: https://evil.example\\.chat.example.com\r\n", NO},
	{"an underscore", ON_LIST, HOST, "Origin: https://chat.example.com_.evil.example\r\n", NO},
	{"a backquote", ON_LIST, HOST, "Origin: https://chat.example.com`.evil.example\r\n", NO},
	{"braces", ON_LIST, HOST, "Origin: https://chat.example.com{.evil.example\r\n", NO},
	{"no scheme", ON_LIST, HOST, "Origin: chat.example.com\r\n", NO},
	{"an empty scheme", ON_LIST, HOST, "Origin: ://chat.example.com\r\n", NO},
	{"an address", ON_LIST, HOST, "Origin: http://127.0.0.1\r\n", NO},
	{"localhost", ON_LIST, HOST, "Origin: http://localhost\r\n", NO},
	{"a file", ON_LIST, HOST, "Origin: file://\r\n", NO},
	{"another extension", ON_LIST, HOST, "Origin: chrome-extension://abcdefgi\r\n", NO},
	{"nobody's list", NOBODY, HOST, "Origin: https://chat.example.com\r\n", NO},
	{"nobody's list, missing", NOBODY, HOST, "", REASON_ORIGIN_MISSING},
	{"nobody's list, the same", NOBODY, HOST, "Origin: https://gate.example.com\r\n", NO},

	{"the same", SAME, HOST, "Origin: https://gate.example.com\r\n", OK},
	{"the same, Host in capitals", SAME, "GATE.example.COM", "Origin: https://gate.example.com\r\n", OK},
	{"the same, Host with the default port", SAME, HOST ":443", "Origin: https://gate.example.com\r\n", OK},
	{"the same port", SAME, HOST ":8443", "Origin: https://gate.example.com:8443\r\n", OK},
	{"Host with a port, Origin without", SAME, HOST ":8443", "Origin: https://gate.example.com\r\n", NO},
	{"Origin with a port, Host without", SAME, HOST, "Origin: https://gate.example.com:8443\r\n", NO},
	{"the same, but clear", SAME, HOST, "Origin: http://gate.example.com\r\n", NO},
	{"the same, missing", SAME, HOST, "", REASON_ORIGIN_MISSING},
	{"the same, null", SAME, HOST, "Origin: null\r\n", NO},
	{"the same, a sub-domain", SAME, HOST, "Origin: https://a.gate.example.com\r\n", NO},
	{"the same, its parent", SAME, HOST, "Origin: https://example.com\r\n", NO},
	{"the same address", SAME, "[2001:db8::1]:8443", "Origin: https://[2001:db8::1]:8443\r\n", OK},
	{"in clear", SAME_HTTP, HOST, "Origin: http://gate.example.com\r\n", OK},
	{"in clear, default port", SAME_HTTP, HOST ":80", "Origin: http://gate.example.com\r\n", OK},
	{"in clear, port 443", SAME_HTTP, HOST ":443", "Origin: http://gate.example.com\r\n", NO},
	{"in clear, from TLS", SAME_HTTP, HOST, "Origin: https://gate.example.com\r\n", NO},

	{"mode websocket", ON_LIST, HOST, "Origin: https://chat.example.com\r\nSec-Fetch-Mode: websocket\r\n", OK},
	{"mode cors", ON_LIST, HOST, "Origin: https://chat.example.com\r\nSec-Fetch-Mode: cors\r\n", NO},
	{"mode navigate", ON_LIST, HOST, "Origin: https://chat.example.com\r\nsec-fetch-mode: navigate\r\n", NO},
	{"mode in capitals", ON_LIST, HOST, "Origin: https://chat.example.com\r\nSec-Fetch-Mode: WebSocket\r\n", NO},
	{"mode empty", ON_LIST, HOST, "Origin: https://chat.example.com\r\nSec-Fetch-Mode:\r\n", NO},
	{"a program with mode cors", MISSING_OK, HOST, "Sec-Fetch-Mode: cors\r\n", NO},
	{"site is not judged with a list", ON_LIST, HOST,
	 "Origin: https://chat.example.com\r\nSec-Fetch-Site: cross-site\r\n", OK},
	{"site same-origin", SAME, HOST, "Origin: https://gate.example.com\r\nSec-Fetch-Site: same-origin\r\n", OK},
	{"site same-site", SAME, HOST, "Origin: https://gate.example.com\r\nSec-Fetch-Site: same-site\r\n", NO},
	{"site cross-site", SAME, HOST, "Origin: https://gate.example.com\r\nSec-Fetch-Site: cross-site\r\n", NO},
	{"site none", SAME, HOST, "Origin: https://gate.example.com\r\nSec-Fetch-Site: none\r\n", NO},
	{"site unknown", SAME, HOST, "Origin: https://gate.example.com\r\nSec-Fetch-Site: x\r\n", NO},
};

static struct http_head head;
static struct http_header room[16];
static char text[4096];

static void parse(const char *says, const char *fields)
{
	struct http_parser p;
	int len = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\n%s\r\n", fields);
	http_parser_init(&p, HTTP_REQUEST, room, COUNT(room), sizeof(text));
	if (http_parser_feed(&p, slice_of(text, (size_t)len)) != HTTP_PARSE_DONE)
		fail_msg("%s: no head", says);
	head = p.head;
}

static void origins_are_compared_exactly(void **state)
{
	(void)state;
	EACH_ROW (at, rows) {
		struct http_authority host;
		struct slice origin;
		parse(at->says, at->fields);
		ROW_CHECK(at, http_authority_parse(slice_from_cstr(at->host), &host));
		const struct origin_facts f = {&head, &host, at->list != SAME_HTTP};
		struct verdict v = origin_judge_handshake(&lists[at->list], &f, &origin);
		ROW_REASON(at, v, at->wanted);
		ROW_CHECK(at, (v.kind == VERDICT_PASS) == (at->wanted == OK));
		if (at->wanted == OK)
			ROW_CHECK(at, origin.len == 0 || slice_starts_with(origin, SLICE("http")) ||
					      slice_starts_with(origin, SLICE("chrome")));
	}
}

/* The parser refuses two Origin lines already; the gate does not rely on it. */
static void fields_given_twice_are_refused(void **state)
{
	static const struct {
		const char *says;
		struct http_header fields[4];
		enum list list;
	} twice[] = {
		{"the same Origin twice",
		 {{{"Origin", 6}, {"https://chat.example.com", 24}},
		  {{"origin", 6}, {"https://chat.example.com", 24}}},
		 ON_LIST},
		{"a good and a bad one",
		 {{{"Origin", 6}, {"https://chat.example.com", 24}},
		  {{"Origin", 6}, {"https://evil.example", 20}}},
		 MISSING_OK},
		{"Sec-Fetch-Mode twice",
		 {{{"Origin", 6}, {"https://chat.example.com", 24}},
		  {{"Sec-Fetch-Mode", 14}, {"websocket", 9}},
		  {{"sec-fetch-mode", 14}, {"websocket", 9}}},
		 ON_LIST},
		{"Sec-Fetch-Site twice",
		 {{{"Origin", 6}, {"https://chat.example.com", 24}},
		  {{"Sec-Fetch-Site", 14}, {"same-origin", 11}},
		  {{"sec-fetch-site", 14}, {"same-origin", 11}}},
		 ON_LIST},
	};
	const struct http_authority host = {.host = SLICE("gate.example.com")};
	(void)state;
	EACH_ROW (at, twice) {
		const struct http_head two = {.headers = at->fields, .header_count = 4};
		const struct origin_facts f = {&two, &host, true};
		struct slice origin;
		ROW_REASON(at, origin_judge_handshake(&lists[at->list], &f, &origin), NO);
		ROW_REASON(at, origin_judge_fetch(&lists[at->list], &f, &origin), NO);
	}
}

static void scripts_have_other_modes(void **state)
{
	static const struct {
		const char *says, *mode;
		enum reason wanted;
	} modes[] = {
		{"cors", "cors", OK},	       {"same-origin", "same-origin", OK},
		{"no-cors", "no-cors", NO},    {"navigate", "navigate", NO},
		{"websocket", "websocket", NO}, {"empty", "", NO},
	};
	const struct http_authority host = {.host = SLICE("gate.example.com")};
	(void)state;
	EACH_ROW (at, modes) {
		char fields[256];
		struct slice origin;
		const struct origin_facts f = {&head, &host, true};
		snprintf(fields, sizeof(fields),
			 "Origin: https://chat.example.com\r\nSec-Fetch-Mode: %s\r\n", at->mode);
		parse(at->says, fields);
		ROW_REASON(at, origin_judge_fetch(&lists[ON_LIST], &f, &origin), at->wanted);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(origins_are_compared_exactly),
		cmocka_unit_test(fields_given_twice_are_refused),
		cmocka_unit_test(scripts_have_other_modes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
