/* SPDX-License-Identifier: Apache-2.0 */
#include "http/extension.h"

#include "http_unit.h"

#define EXT  "Sec-WebSocket-Extensions: "
#define PMD  "permessage-deflate"
#define BOTH "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

static void negotiation(void **state)
{
	/* clang-format off */
	static const struct {
		const char *says, *lines;
		enum reason reason;
		const char *answer;
	} rows[] = {
		{"nothing offered", "", REASON_NONE, ""},
		{"what Chromium offers", EXT PMD "; client_max_window_bits\r\n", REASON_NONE, BOTH},
		{"bare", EXT PMD "\r\n", REASON_NONE, BOTH},
		{"no spaces", EXT PMD ";client_max_window_bits=15\r\n", REASON_NONE, BOTH},
		{"quoted value", EXT PMD "; client_max_window_bits=\"10\"\r\n", REASON_NONE, BOTH},
		{"both context words", EXT BOTH "\r\n", REASON_NONE, BOTH},
		{"a smaller window", EXT PMD "; server_max_window_bits=9\r\n", REASON_NONE, BOTH "; server_max_window_bits=9"},
		{"the full window", EXT PMD "; server_max_window_bits=15\r\n", REASON_NONE, BOTH},
		{"a window that zlib cannot make", EXT PMD "; server_max_window_bits=8\r\n", REASON_NONE, ""},
		{"a client's window of 8", EXT PMD "; client_max_window_bits=8\r\n", REASON_NONE, BOTH},
		{"the second offer", EXT PMD "; server_max_window_bits=8, " PMD "\r\n", REASON_NONE, BOTH},
		{"the second line", EXT "foo\r\n" EXT PMD "\r\n", REASON_NONE, BOTH},
		{"the first good one wins", EXT PMD "; server_max_window_bits=10, " PMD "\r\n", REASON_NONE, BOTH "; server_max_window_bits=10"},
		{"unknown extension", EXT "x-webkit-deflate-frame\r\n", REASON_NONE, ""},
		{"a prototype's member", EXT "constructor, __proto__; toString\r\n", REASON_NONE, ""},
		{"unknown extension with anything", EXT "foo; a=1; a=2; b, " PMD "\r\n", REASON_NONE, BOTH},
		{"extension names have a case", EXT "Permessage-Deflate\r\n", REASON_NONE, ""},
		{"unknown parameter", EXT PMD "; foo\r\n", REASON_NONE, ""},
		{"parameter twice", EXT PMD "; client_no_context_takeover; client_no_context_takeover\r\n", REASON_NONE, ""},
		{"value where none may be", EXT PMD "; server_no_context_takeover=1\r\n", REASON_NONE, ""},
		{"no value where one must be", EXT PMD "; server_max_window_bits\r\n", REASON_NONE, ""},
		{"window 7", EXT PMD "; client_max_window_bits=7\r\n", REASON_NONE, ""},
		{"window 16", EXT PMD "; server_max_window_bits=16\r\n", REASON_NONE, ""},
		{"leading zero", EXT PMD "; client_max_window_bits=09\r\n", REASON_NONE, ""},
		{"not a number", EXT PMD "; client_max_window_bits=a\r\n", REASON_NONE, ""},
		{"signed", EXT PMD "; client_max_window_bits=+9\r\n", REASON_NONE, ""},
		{"an empty field", EXT "\r\n", REASON_HANDSHAKE_MALFORMED, ""},
		{"an empty element", EXT PMD ",, " PMD "\r\n", REASON_HANDSHAKE_MALFORMED, ""},
		{"a final comma", EXT PMD ",\r\n", REASON_HANDSHAKE_MALFORMED, ""},
		{"a final semicolon", EXT PMD ";\r\n", REASON_HANDSHAKE_MALFORMED, ""},
		{"an empty parameter", EXT PMD ";;\r\n", REASON_HANDSHAKE_MALFORMED, ""},
		{"no value behind =", EXT PMD "; a=\r\n", REASON_HANDSHAKE_MALFORMED, ""},
		{"no name before =", EXT PMD "; =1\r\n", REASON_HANDSHAKE_MALFORMED, ""},
		{"space before =", EXT PMD "; a =1\r\n", REASON_HANDSHAKE_MALFORMED, ""},
		{"space behind =", EXT PMD "; a= 1\r\n", REASON_HANDSHAKE_MALFORMED, ""},
		{"an open quote", EXT PMD "; a=\"1\r\n", REASON_HANDSHAKE_MALFORMED, ""},
		{"an empty quote", EXT PMD "; a=\"\"\r\n", REASON_HANDSHAKE_MALFORMED, ""},
		{"a space in quotes", EXT PMD "; a=\"1 2\"\r\n", REASON_HANDSHAKE_MALFORMED, ""},
		{"a backslash in quotes", EXT PMD "; a=\"\\1\"\r\n", REASON_HANDSHAKE_MALFORMED, ""},
		{"more behind quotes", EXT PMD "; a=\"1\"2\r\n", REASON_HANDSHAKE_MALFORMED, ""},
		{"two words", EXT PMD " " PMD "\r\n", REASON_HANDSHAKE_MALFORMED, ""},
		{"an = without a parameter", EXT PMD "=1\r\n", REASON_HANDSHAKE_MALFORMED, ""},
		{"malformed behind a good one", EXT PMD ", (\r\n", REASON_HANDSHAKE_MALFORMED, ""},
	};
	/* clang-format on */
	(void)state;
	EACH_ROW (at, rows) {
		const struct http_head *h = unit_head(HTTP_REQUEST, at->lines);
		struct http_deflate d, off;
		char room[128];
		ROW_CHECK(at, http_extensions_negotiate(h, true, &d) == at->reason);
		ROW_EQ(at, http_deflate_answer(&d, room, sizeof(room)),
		       slice_from_cstr(at->answer));
		/* Switched off it answers nothing, and still refuses what is malformed. */
		ROW_CHECK(at, http_extensions_negotiate(h, false, &off) == at->reason);
		ROW_CHECK(at, !off.on);
	}
}

static void offers_are_bounded(void **state)
{
	char lines[2048];
	struct http_deflate d;
	size_t len = 0;

	(void)state;
	for (unsigned i = 0; i < 17; i++)
		len += (size_t)snprintf(lines + len, sizeof(lines) - len, "%sa%s", i ? ", " : EXT,
					i == 16 ? "\r\n" : "");
	assert_int_equal(http_extensions_negotiate(unit_head(HTTP_REQUEST, lines), true, &d),
			 REASON_HANDSHAKE_MALFORMED);
	len = (size_t)snprintf(lines, sizeof(lines), EXT "a");
	for (unsigned i = 0; i < 17; i++)
		len += (size_t)snprintf(lines + len, sizeof(lines) - len, "; b");
	snprintf(lines + len, sizeof(lines) - len, "\r\n");
	assert_int_equal(http_extensions_negotiate(unit_head(HTTP_REQUEST, lines), true, &d),
			 REASON_HANDSHAKE_MALFORMED);
}

static void answers_of_an_application(void **state)
{
	/* clang-format off */
	static const struct {
		const char *says, *lines;
		bool offered, ok;
		unsigned server_bits; /* 0: off */
	} rows[] = {
		{"none to no offer", "", false, true, 0},
		{"none to an offer", "", true, true, 0},
		{"as asked", EXT BOTH "\r\n", true, true, 15},
		{"only what it must", EXT PMD "; server_no_context_takeover\r\n", true, true, 15},
		{"a smaller window", EXT BOTH "; server_max_window_bits=10\r\n", true, true, 10},
		{"the smallest window", EXT BOTH "; server_max_window_bits=8\r\n", true, true, 9},
		{"not offered", EXT BOTH "\r\n", false, false, 0},
		{"keeps its context", EXT PMD "\r\n", true, false, 0},
		{"limits our window unasked", EXT BOTH "; client_max_window_bits=10\r\n", true, false, 0},
		{"another extension", EXT "foo\r\n", true, false, 0},
		{"two extensions", EXT BOTH ", foo\r\n", true, false, 0},
		{"twice", EXT BOTH "\r\n" EXT BOTH "\r\n", true, false, 0},
		{"unknown parameter", EXT BOTH "; foo\r\n", true, false, 0},
		{"window 16", EXT BOTH "; server_max_window_bits=16\r\n", true, false, 0},
		{"malformed", EXT BOTH ";\r\n", true, false, 0},
		{"empty", EXT "\r\n", true, false, 0},
	};
	/* clang-format on */
	(void)state;
	EACH_ROW (at, rows) {
		struct http_deflate d;
		const struct http_head *h = unit_head(HTTP_RESPONSE, at->lines);
		ROW_CHECK(at, http_extensions_verify(h, at->offered, &d) == at->ok);
		ROW_CHECK(at, d.on == (at->server_bits > 0));
		ROW_CHECK(at, d.server_bits == at->server_bits);
	}
}

static void an_answer_needs_its_room(void **state)
{
	struct http_deflate d = {.on = true, .server_bits = 9, .client_bits = 15};
	char room[sizeof(BOTH "; server_max_window_bits=9")];

	(void)state;
	assert_slice(http_deflate_answer(&d, room, sizeof(room)),
		     BOTH "; server_max_window_bits=9");
	assert_null(http_deflate_answer(&d, room, sizeof(room) - 1).data);
	assert_slice(http_deflate_offer, BOTH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(negotiation),
		cmocka_unit_test(offers_are_bounded),
		cmocka_unit_test(answers_of_an_application),
		cmocka_unit_test(an_answer_needs_its_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
