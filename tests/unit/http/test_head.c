/* SPDX-License-Identifier: Apache-2.0 */
#include "http/head.h"

#include "http_unit.h"

#define LINE "GET / HTTP/1.1\r\n"
#define GOOD "GET /chat?x=1 HTTP/1.1\r\nHost: a.example\r\nX-Empty:\r\nX-Space: \t a b\t \r\n\r\n"

static void a_good_request_is_read(void **state)
{
	(void)state;
	struct http_parser *p = unit_parse(HTTP_REQUEST, SLICE(GOOD "behind"));

	assert_int_equal(p->head.bytes, sizeof(GOOD) - 1);
	assert_int_equal(p->head.method, HTTP_GET);
	assert_slice(p->head.method_text, "GET");
	assert_slice(p->head.target, "/chat?x=1");
	assert_int_equal(p->head.header_count, 3);
	assert_slice(p->head.headers[0].name, "Host");
	assert_slice(p->head.headers[0].value, "a.example");
	assert_slice(p->head.headers[1].name, "X-Empty");
	assert_slice(p->head.headers[1].value, "");
	assert_slice(p->head.headers[2].value, "a b");
	assert_false(p->head.has_content_length);
}

static void a_good_response_is_read(void **state)
{
	(void)state;
	struct http_parser *p = unit_parse(
		HTTP_RESPONSE, SLICE("HTTP/1.1 101 Switching Protocols\r\nX: \x80\xff\r\n\r\n"));
	assert_int_equal(p->head.status, 101);
	assert_slice(p->head.phrase, "Switching Protocols");
	assert_slice(p->head.headers[0].value, "\x80\xff");
	p = unit_parse(HTTP_RESPONSE, SLICE("HTTP/1.1 599\r\nContent-Length: 7\r\n\r\n"));
	assert_int_equal(p->head.status, 599);
	assert_slice(p->head.phrase, "");
	assert_int_equal(p->head.content_length, 7);
	p = unit_parse(HTTP_RESPONSE, SLICE("HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n"));
	assert_int_equal(p->head.status, 200);
	assert_true(p->head.has_transfer_encoding);
}

/* Only the name itself is refused, not what begins like it or goes on behind it. */
static void names_like_refused_ones_pass(void **state)
{
	(void)state;
	struct http_parser *p = unit_parse(
		HTTP_REQUEST,
		SLICE(LINE "T: 1\r\nTransfer: 1\r\nTransfer-Encodings: 1\r\nContent: 1\r\n"
			   "Content-Lengthy: 1\r\nExpectation: 1\r\nHosts: 1\r\nHos: 1\r\n\r\n"));
	assert_int_equal(p->head.header_count, 8);
	assert_false(p->head.has_content_length);
}

static void a_verdict_stays(void **state)
{
	(void)state;
	struct http_parser *p = unit_parse(HTTP_REQUEST, SLICE(GOOD));
	struct http_head before = p->head;
	static const char other[] =
		"GET /other HTTP/1.1\r\nHost: b.example\r\nX-Empty:\r\nX: \t z\t \r\n\r\n";

	assert_int_equal(http_parser_feed(p, SLICE(other)), HTTP_PARSE_DONE);
	assert_ptr_equal(p->head.target.data, before.target.data);
	assert_slice(p->head.target, "/chat?x=1");
	assert_slice(p->head.headers[0].value, "a.example");
}

static void methods_are_known_by_their_exact_name(void **state)
{
	/* clang-format off */
	static const struct {
		const char *says;
		enum http_method method;
	} rows[] = {
		{"GET", HTTP_GET},	   {"HEAD", HTTP_HEAD},		  {"POST", HTTP_POST},
		{"PUT", HTTP_PUT},	   {"DELETE", HTTP_DELETE},	  {"OPTIONS", HTTP_OPTIONS},
		{"PATCH", HTTP_PATCH},	   {"TRACE", HTTP_TRACE},	  {"get", HTTP_METHOD_OTHER},
		{"GETT", HTTP_METHOD_OTHER}, {"M-SEARCH", HTTP_METHOD_OTHER}, {"GE", HTTP_METHOD_OTHER},
	};
	/* clang-format on */
	(void)state;
	EACH_ROW (at, rows) {
		char text[64];
		int len = snprintf(text, sizeof(text), "%s / HTTP/1.1\r\n\r\n", at->says);
		struct http_parser *p = unit_parse(HTTP_REQUEST, slice_of(text, (size_t)len));
		ROW_CHECK(at, p->head.bytes == (size_t)len);
		ROW_CHECK(at, p->head.method == at->method);
		ROW_EQ(at, p->head.method_text, slice_from_cstr(at->says));
	}
	assert_string_equal(http_method_text(HTTP_PATCH), "PATCH");
	assert_string_equal(http_method_text(HTTP_CONNECT), "CONNECT");
	assert_string_equal(http_method_text(HTTP_METHOD_OTHER), "");
}

static void a_body_is_known_by_its_length(void **state)
{
	(void)state;
	struct http_parser *p = unit_parse(
		HTTP_REQUEST, SLICE("POST / HTTP/1.1\r\ncontent-length: \t42 \r\n\r\nbody"));
	assert_true(p->head.has_content_length);
	assert_int_equal(p->head.content_length, 42);
	p = unit_parse(HTTP_REQUEST, SLICE("GET / HTTP/1.1\r\nContent-Length: 0\r\n\r\n"));
	assert_true(p->head.has_content_length);
	p = unit_parse(HTTP_REQUEST,
		       SLICE("POST / HTTP/1.1\r\nContent-Length: 9007199254740991\r\n\r\n"));
	assert_int_equal(p->head.content_length, INT64_C(9007199254740991));
}

/* Each row's last byte is the earliest that proves guilt: all before it must pass. */
/* clang-format off */
static const struct refusal {
	const char *says;
	enum http_side side;
	struct slice text;
} refusals[] = {
#define REQ(says, text) {says, HTTP_REQUEST, SLICE_INIT(text)}
#define RES(says, text) {says, HTTP_RESPONSE, SLICE_INIT(text)}
	REQ("a blank line before the request", "\r"),
	REQ("a bare LF before the request", "\n"),
	REQ("a space before the method", " "),
	REQ("a TLS record", "\x16"),
	REQ("a NUL", "\0"),
	REQ("no byte above 0x7F in a method", "G\xc3"),
	REQ("an SSH banner is no method", "SSH-2.0-OpenSSH_9.6p1 x"),
	REQ("a method of 25 characters", "ABCDEFGHIJKLMNOPQRSTUVWXY"),
	REQ("a tab behind the method", "GET\t"),
	REQ("a line end behind the method", "GET\r"),
	REQ("two spaces before the target", "GET  "),
	REQ("the preface of HTTP/2", "PRI *"),
	REQ("an asterisk without OPTIONS", "GET *"),
	REQ("more behind the asterisk", "OPTIONS */"),
	REQ("absolute-form", "GET h"),
	REQ("authority-form", "CONNECT a"),
	REQ("a relative target", "GET ."),
	REQ("a backslash in the path", "GET /a\\"),
	REQ("a fragment", "GET /a#"),
	REQ("a fragment behind the query", "GET /a?b#"),
	REQ("a control character in the path", "GET /a\x01"),
	REQ("DEL in the path", "GET /a\x7f"),
	REQ("UTF-8 in the path", "GET /\xc3"),
	REQ("a quote in the path", "GET /\""),
	REQ("an angle bracket in the path", "GET /<"),
	REQ("a brace in the path", "GET /{"),
	REQ("UTF-8 in the query", "GET /?\xc3"),
	REQ("a quote in the query", "GET /?\""),
	REQ("a tab behind the target", "GET /\t"),
	REQ("HTTP/0.9", "GET /\r"),
	REQ("two spaces before the version", "GET /  "),
	REQ("a space in the target", "GET /foo b"),
	REQ("lower case http", "GET / h"),
	REQ("another protocol", "GET / I"),
	REQ("HTTP/1.0", "GET / HTTP/1.0"),
	REQ("HTTP/1.2", "GET / HTTP/1.2"),
	REQ("HTTP/2.0", "GET / HTTP/2"),
	REQ("HTTP/0.9 written out", "GET / HTTP/0"),
	REQ("a version of three digits", "GET / HTTP/1.10"),
	REQ("a space behind the version", "GET / HTTP/1.1 "),
	REQ("bare LF behind the request line", "GET / HTTP/1.1\n"),
	REQ("bare CR behind the request line", "GET / HTTP/1.1\rX"),
	REQ("two CR", "GET / HTTP/1.1\r\r"),
	REQ("space before the first field", LINE " "),
	REQ("tab before the first field", LINE "\t"),
	REQ("bare LF instead of the blank line", LINE "\n"),
	REQ("a blank line of bare CR", LINE "\rX"),
	REQ("an empty name", LINE ":"),
	REQ("a space before the colon", LINE "Host "),
	REQ("a tab before the colon", LINE "Host\t"),
	REQ("a name with a control character", LINE "Ho\x01"),
	REQ("a name above 0x7F", LINE "Ho\xff"),
	REQ("a name with a NUL", LINE "Ho\0"),
	REQ("a name with an at sign", LINE "Fo@"),
	REQ("a name with a bracket", LINE "Fo("),
	REQ("a name with a slash", LINE "Fo/"),
	REQ("a name without a colon", LINE "Host\r"),
	REQ("a bare LF in a value", LINE "X: a\n"),
	REQ("a bare CR in a value", LINE "X: a\rb"),
	REQ("a bare CR before LF's place", LINE "X: a\r\r"),
	REQ("an empty value ended by LF", LINE "X:\n"),
	REQ("a NUL in a value", LINE "X: a\0"),
	REQ("a form feed in a value", LINE "X: \x0c"),
	REQ("a vertical tab in a value", LINE "X: \x0b"),
	REQ("an escape in a value", LINE "X: \x1b"),
	REQ("DEL in a value", LINE "X: \x7f"),
	REQ("NEL, a line's end to some", LINE "X: \x85"),
	REQ("a no-break space", LINE "X: \xa0"),
	REQ("UTF-8 in a value", LINE "X: D\xc3"),
	REQ("folding with a space", LINE "X: a\r\n "),
	REQ("folding with a tab", LINE "X: a\r\n\t"),
	REQ("Transfer-Encoding", LINE "Transfer-Encoding:"),
	REQ("transfer-encoding in any case", LINE "tRANSFER-eNCODING:"),
	REQ("Transfer_Encoding", LINE "Transfer_Encoding:"),
	REQ("Content_Length", LINE "Content_Length:"),
	REQ("Expect", LINE "Expect:"),
	REQ("Content-Length twice", LINE "Content-Length: 5\r\nContent-Length:"),
	REQ("Host twice", LINE "Host: a\r\nhost:"),
	REQ("Origin twice", LINE "Origin: https://a\r\nX: y\r\nORIGIN:"),
	REQ("the key twice", LINE "Sec-WebSocket-Key: a\r\nSec-WebSocket-Key:"),
	REQ("the version twice", LINE "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version:"),
	REQ("Authorization twice", LINE "Authorization: a\r\nAuthorization:"),
	REQ("Cookie twice", LINE "Cookie: a=b\r\nCookie:"),
	RES("another version", "HTTP/1.0"),
	RES("no version", "I"),
	RES("two spaces before the status", "HTTP/1.1  "),
	RES("a status below 100", "HTTP/1.1 0"),
	RES("a status above 599", "HTTP/1.1 6"),
	RES("a status of four digits", "HTTP/1.1 1010"),
	RES("a status of two digits", "HTTP/1.1 10 "),
	RES("a control character in the phrase", "HTTP/1.1 101 \x01"),
	RES("bare LF behind the phrase", "HTTP/1.1 101 a\n"),
	RES("bare LF behind the status", "HTTP/1.1 101\n"),
	RES("folding", "HTTP/1.1 101 a\r\nX: y\r\n "),
	RES("a bare LF in a value", "HTTP/1.1 101 a\r\nX: y\n"),
	RES("Content-Length twice", "HTTP/1.1 101 a\r\nContent-Length: 1\r\ncontent-length:"),
	RES("Content_Length", "HTTP/1.1 101 a\r\nContent_Length:"),
#undef REQ
#undef RES
};
/* clang-format on */

static void guilt_is_seen_at_its_first_byte(void **state)
{
	(void)state;
	EACH_ROW (at, refusals) {
		struct slice before = slice_first(at->text, at->text.len - 1);
		struct http_header room[4];
		struct http_parser p;

		http_parser_init(&p, at->side, room, COUNT(room), 1000);
		ROW_CHECK(at, http_parser_feed(&p, before) == HTTP_PARSE_MORE);
		ROW_CHECK(at, p.at == before.len);
		ROW_CHECK(at, http_parser_feed(&p, at->text) == HTTP_PARSE_REFUSED);
		ROW_CHECK(at, p.reason == REASON_HANDSHAKE_MALFORMED);
		ROW_CHECK(at, p.at == before.len);
		/* It stays refused, whatever comes. */
		ROW_CHECK(at, http_parser_feed(&p, SLICE(GOOD)) == HTTP_PARSE_REFUSED);
	}
}

/* These are known to be wrong only when the line ends. */
static void content_length_is_digits(void **state)
{
	/* clang-format off */
	static const struct {
		const char *says, *value;
	} rows[] = {
		{"empty", ""},		{"plus", "+5"},		   {"minus", "-5"},
		{"two numbers", "5 5"},	{"a list", "5, 5"},	   {"a list of one", "5,"},
		{"hexadecimal", "0x5"}, {"a leading zero", "05"},  {"a fraction", "5.0"},
		{"letters", "five"},	{"2^53", "9007199254740992"},
		{"2^64 + 1", "18446744073709551617"}, {"twenty digits", "10000000000000000000000"},
	};
	/* clang-format on */
	(void)state;
	EACH_ROW (at, rows) {
		char text[128];
		int len = snprintf(text, sizeof(text), LINE "Content-Length: %s\r\n", at->value);
		struct http_parser *p = unit_parse(HTTP_REQUEST, slice_of(text, (size_t)len));
		ROW_CHECK(at, p->reason == REASON_HANDSHAKE_MALFORMED);
		ROW_CHECK(at, p->at == sizeof(LINE "Content-Length:") - 1);
	}
}

static void bytes_are_bounded(void **state)
{
	struct http_header room[8];
	struct http_parser p;
	size_t len = sizeof(GOOD) - 1;

	(void)state;
	http_parser_init(&p, HTTP_REQUEST, room, 8, len);
	assert_int_equal(http_parser_feed(&p, SLICE(GOOD "more")), HTTP_PARSE_DONE);
	http_parser_init(&p, HTTP_REQUEST, room, 8, len - 1);
	assert_int_equal(http_parser_feed(&p, SLICE(GOOD)), HTTP_PARSE_REFUSED);
	assert_int_equal(p.reason, REASON_HEAD_TOO_LARGE);
	assert_int_equal(p.at, len - 1);
	/* At once when the room is used up, not when the next byte comes. */
	http_parser_init(&p, HTTP_REQUEST, room, 8, 20);
	assert_int_equal(http_parser_feed(&p, slice_first(SLICE(GOOD), 19)), HTTP_PARSE_MORE);
	assert_int_equal(http_parser_feed(&p, slice_first(SLICE(GOOD), 20)), HTTP_PARSE_REFUSED);
	assert_int_equal(p.reason, REASON_HEAD_TOO_LARGE);
	/* What is malformed within the limit is malformed, however long the input is. */
	http_parser_init(&p, HTTP_REQUEST, room, 8, 20);
	assert_int_equal(http_parser_feed(&p, SLICE("GET /\tand so on for more than twenty bytes")),
			 HTTP_PARSE_REFUSED);
	assert_int_equal(p.reason, REASON_HANDSHAKE_MALFORMED);
}

static void fields_are_bounded(void **state)
{
	struct http_header room[2];
	struct http_parser p;

	(void)state;
	http_parser_init(&p, HTTP_REQUEST, room, 2, 1000);
	assert_int_equal(http_parser_feed(&p, SLICE(LINE "A: 1\r\nB: 2\r\n\r\n")), HTTP_PARSE_DONE);
	http_parser_init(&p, HTTP_REQUEST, room, 2, 1000);
	assert_int_equal(http_parser_feed(&p, SLICE(LINE "A: 1\r\nB: 2\r\nC")), HTTP_PARSE_REFUSED);
	assert_int_equal(p.reason, REASON_HEAD_TOO_LARGE);
	assert_int_equal(p.at, sizeof(LINE "A: 1\r\nB: 2\r\n") - 1);
}

/* Same outcome, same place, same slices, wherever the input was cut in two. */
static void cut_anywhere(struct slice text, enum http_side side)
{
	struct http_header whole_room[8], cut_room[8];
	struct http_parser whole, cut;
	static char elsewhere[2048];

	assert_true(text.len < sizeof(elsewhere));
	http_parser_init(&whole, side, whole_room, 8, 1000);
	enum http_parse wanted = http_parser_feed(&whole, text);
	for (size_t i = 0; i <= text.len; i++) {
		http_parser_init(&cut, side, cut_room, 8, 1000);
		/* The first piece lies elsewhere, and is gone when the second comes. */
		memcpy(elsewhere, text.data, i);
		(void)!http_parser_feed(&cut, slice_of(elsewhere, i));
		memset(elsewhere, 'x', i);
		assert_int_equal(http_parser_feed(&cut, text), wanted);
		assert_int_equal(cut.at, whole.at);
		assert_int_equal(cut.reason, whole.reason);
		assert_int_equal(cut.head.status, whole.head.status);
		assert_int_equal(cut.head.header_count, whole.head.header_count);
		if (wanted != HTTP_PARSE_DONE || cut.head.bytes <= i)
			continue;
		assert_true(slice_eq(cut.head.target, whole.head.target));
		for (size_t f = 0; f < cut.head.header_count; f++) {
			assert_ptr_equal(cut_room[f].name.data, whole_room[f].name.data);
			assert_true(slice_eq(cut_room[f].value, whole_room[f].value));
		}
	}
}

static void pieces_do_not_matter(void **state)
{
	(void)state;
	cut_anywhere(SLICE(GOOD), HTTP_REQUEST);
	cut_anywhere(SLICE("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_REQUEST);
	cut_anywhere(SLICE("POST / HTTP/1.1\r\nContent-Length: 12\r\n\r\nbody"), HTTP_REQUEST);
	cut_anywhere(SLICE("HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\nxx"),
		     HTTP_RESPONSE);
	EACH_ROW (at, refusals)
		cut_anywhere(at->text, at->side);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_request_is_read),
		cmocka_unit_test(a_good_response_is_read),
		cmocka_unit_test(names_like_refused_ones_pass),
		cmocka_unit_test(a_verdict_stays),
		cmocka_unit_test(methods_are_known_by_their_exact_name),
		cmocka_unit_test(a_body_is_known_by_its_length),
		cmocka_unit_test(guilt_is_seen_at_its_first_byte),
		cmocka_unit_test(content_length_is_digits),
		cmocka_unit_test(bytes_are_bounded),
		cmocka_unit_test(fields_are_bounded),
		cmocka_unit_test(pieces_do_not_matter),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
