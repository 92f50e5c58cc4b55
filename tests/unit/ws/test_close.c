/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 6455 sections 5.5.1 and 7.4: which codes travel, what a close frame may say. */
#include "ws/close.h"

#include "unit.h"

/* For rows, whose initialisers must be constants. */
#define BYTES(literal)                                                                             \
	{                                                                                          \
		(literal), sizeof(literal) - 1                                                     \
	}

#include "base/utf8.h"

/* All codes there are, against ranges written down once more. */
static void every_code(void **state)
{
	static const struct {
		unsigned from, to;
		bool travels;
	} ranges[] = {
		{0, 999, false},     {1000, 1003, true}, {1004, 1006, false},  {1007, 1014, true},
		{1015, 2999, false}, {3000, 4999, true}, {5000, 65535, false},
	};
	unsigned next = 0;

	(void)state;
	EACH_ROW (at, ranges) {
		assert_int_equal(at->from, next);
		for (; next <= at->to; next++)
			if (ws_close_code_travels((uint16_t)next) != at->travels)
				fail_msg("close code %u", next);
	}
	assert_int_equal(next, 65536);
}

static void payloads_that_come(void **state)
{
	static const struct {
		const char *says;
		struct slice payload;
		enum reason wanted;
		uint16_t code;
		struct slice text;
	} rows[] = {
		/* clang-format off */
		{"empty",              BYTES(""),                 REASON_NONE,          1005, {0}},
		{"one byte",           BYTES("\x03"),             REASON_WS_CLOSE_CODE, 1005, {0}},
		{"1000",               BYTES("\x03\xe8"),         REASON_NONE,          1000, {0}},
		{"1000 with text",     BYTES("\x03\xe8" "bye"),   REASON_NONE,          1000, BYTES("bye")},
		{"1000 with a NUL",    BYTES("\x03\xe8" "a\0b"),  REASON_NONE,          1000, BYTES("a\0b")},
		{"the high byte counts", BYTES("\x00\xe8"),       REASON_WS_CLOSE_CODE, 1005, {0}},
		{"999",                BYTES("\x03\xe7"),         REASON_WS_CLOSE_CODE, 1005, {0}},
		{"1004",               BYTES("\x03\xec"),         REASON_WS_CLOSE_CODE, 1005, {0}},
		{"1005",               BYTES("\x03\xed"),         REASON_WS_CLOSE_CODE, 1005, {0}},
		{"1006",               BYTES("\x03\xee"),         REASON_WS_CLOSE_CODE, 1005, {0}},
		{"1007",               BYTES("\x03\xef"),         REASON_NONE,          1007, {0}},
		{"1015",               BYTES("\x03\xf7"),         REASON_WS_CLOSE_CODE, 1005, {0}},
		{"2999",               BYTES("\x0b\xb7"),         REASON_WS_CLOSE_CODE, 1005, {0}},
		{"3000",               BYTES("\x0b\xb8"),         REASON_NONE,          3000, {0}},
		{"4999",               BYTES("\x13\x87"),         REASON_NONE,          4999, {0}},
		{"5000",               BYTES("\x13\x88"),         REASON_WS_CLOSE_CODE, 1005, {0}},
		{"65535",              BYTES("\xff\xff"),         REASON_WS_CLOSE_CODE, 1005, {0}},
		{"text not UTF-8",     BYTES("\x03\xe8\xff"),     REASON_WS_UTF8,       1005, {0}},
		{"text cut off",       BYTES("\x03\xe8\xe2\x82"), REASON_WS_UTF8,       1005, {0}},
		{"bad code, bad text", BYTES("\x03\xec\xff"),     REASON_WS_CLOSE_CODE, 1005, {0}},
		/* clang-format on */
	};

	(void)state;
	EACH_ROW (at, rows) {
		uint16_t code = 7;
		struct slice text = SLICE("old");
		ROW_CHECK(at, ws_close_parse(at->payload, &code, &text) == at->wanted);
		ROW_CHECK(at, code == at->code);
		ROW_EQ(at, text, at->text);
	}
}

static void payloads_that_go(void **state)
{
	char out[WS_CONTROL_MAX], long_text[200];

	(void)state;
	assert_int_equal(ws_close_payload(1005, SLICE("x"), out), 0);
	assert_int_equal(ws_close_payload(1006, SLICE(""), out), 0);
	assert_int_equal(ws_close_payload(999, SLICE(""), out), 0);
	assert_int_equal(ws_close_payload(4401, SLICE(""), out), 2);
	assert_memory_equal(out, "\x11\x31", 2);
	assert_int_equal(ws_close_payload(1000, SLICE("bye"), out), 5);
	assert_memory_equal(out,
			    "\x03\xe8"
			    "bye",
			    5);

	memset(long_text, 'a', sizeof(long_text));
	assert_int_equal(ws_close_payload(1000, slice_of(long_text, 123), out), 125);
	assert_int_equal(ws_close_payload(1000, slice_of(long_text, 124), out), 125);
	assert_int_equal(ws_close_payload(1000, slice_of(long_text, 200), out), 125);
	/* A character of three bytes over the edge, at each of its places. */
	for (size_t from = 119; from <= 124; from++) {
		memset(long_text, 'a', sizeof(long_text));
		memcpy(long_text + from, "\xe2\x82\xac", 3);
		size_t len = ws_close_payload(1000, slice_of(long_text, 200), out);
		assert_int_equal(len, 2 + (from == 121 || from == 122 ? from : 123));
		assert_true(utf8_valid(slice_of(out + 2, len - 2)));
	}
}

static void refusals_say_why(void **state)
{
	char out[WS_CONTROL_MAX];

	(void)state;
	size_t len = ws_close_payload_for(REASON_WS_UNMASKED, out);
	assert_int_equal(len, 2 + strlen("ws_unmasked"));
	assert_memory_equal(out,
			    "\x03\xea"
			    "ws_unmasked",
			    len);
	len = ws_close_payload_for(REASON_LIFETIME, out);
	assert_memory_equal(out,
			    "\x11\x31"
			    "lifetime",
			    len);
	/* Whatever the table says: what is sent may be sent. */
	for (int why = REASON_NONE + 1; why < REASON_COUNT; why++) {
		uint16_t code;
		struct slice text;
		len = ws_close_payload_for((enum reason)why, out);
		assert_true(len > 2);
		assert_int_equal(ws_close_parse(slice_of(out, len), &code, &text), REASON_NONE);
		assert_slice(text, reason_word((enum reason)why));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code),
		cmocka_unit_test(payloads_that_come),
		cmocka_unit_test(payloads_that_go),
		cmocka_unit_test(refusals_say_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
