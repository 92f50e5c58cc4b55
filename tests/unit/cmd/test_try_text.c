/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/try_text.h"

#include "unit.h"

#include "policy/detect.h"

#define NOT_A_LINE                                                                            \
	"{\"error\":\"a line is {\\\"text\\\": \\\"...\\\"} with \\\"as\\\": \\\"escape\\\", \\\"detect\\\": [\\\"xss\\\"] or " \
	"\\\"redact\\\": [\\\"card\\\"]\"}"

static const struct {
	const char *says, *line, *answer;
} lines[] = {
	/* clang-format off */
	{"escape", "{\"text\": \"<b>&\\\"'\", \"as\": \"escape\"}", "{\"text\":\"&lt;b&gt;&amp;&quot;&#39;\"}"},
	{"strip", "{\"text\":\"<b>x</b>\",\"as\":\"strip\"}", "{\"text\":\"x\"}"},
	{"refuse", "{\"text\":\"<b>x</b>\",\"as\":\"refuse\"}", "{\"refused\":\"markup\"}"},
	{"refuse, nothing in it", "{\"text\":\"a < b\",\"as\":\"refuse\"}", "{\"text\":\"a < b\"}"},
	{"html", "{\"text\":\"<b onclick=x>x<i>\",\"as\":\"html\"}", "{\"text\":\"<b>x<i></i></b>\"}"},
	{"with other members", "{\"n\":1,\"text\":\"x\",\"as\":\"html\"}", "{\"text\":\"x\"}"},
	{"NUL and half a pair", "{\"text\":\"\\u0000<b>\\ud800\",\"as\":\"strip\"}", "{\"text\":\"\\u0000\xed\xa0\x80\"}"},
	{"redact", "{\"text\":\"a@b.example 10.0.0.1\",\"redact\":[\"card\",\"email\"]}", "{\"text\":\"[redacted:email] 10.0.0.1\",\"found\":[\"email\"]}"},
	{"redact two", "{\"text\":\"a@b.example 10.0.0.1\",\"redact\":[\"private_ip\",\"email\"]}", "{\"text\":\"[redacted:email] [redacted:private_ip]\",\"found\":[\"email\",\"private_ip\"]}"},
	{"redact nothing", "{\"text\":\"x\",\"redact\":[\"secret\"]}", "{\"text\":\"x\",\"found\":[]}"},
	{"a mode that is none", "{\"text\":\"x\",\"as\":\"Escape\"}", "{\"error\":\"as is escape, strip, refuse or html\"}"},
	{"a kind that is none", "{\"text\":\"x\",\"redact\":[\"card\",\"iban\"]}", "{\"error\":\"redact is a list of card, email, secret, private_ip and stack_trace\"}"},
	{"no kind", "{\"text\":\"x\",\"detect\":[]}", "{\"error\":\"detect is a list of sqli and xss\"}"},
	{"no kind but a number", "{\"text\":\"x\",\"detect\":[1]}", "{\"error\":\"detect is a list of sqli and xss\"}"},
	{"no text", "{\"as\":\"escape\"}", NOT_A_LINE},
	{"nothing to do", "{\"text\":\"x\"}", NOT_A_LINE},
	{"two things to do", "{\"text\":\"x\",\"as\":\"escape\",\"detect\":[\"xss\"]}", NOT_A_LINE},
	{"not JSON", "<b>", NOT_A_LINE},
	/* clang-format on */
};

static const struct {
	const char *says, *line, *answer;
} detections[] = {
	/* clang-format off */
	{"both, one found", "{\"detect\": [\"xss\", \"sqli\"], \"text\": \"<script>alert(1)</script>\"}", "{\"found\":[\"xss\"]}"},
	{"both, the other found", "{\"detect\": [\"xss\", \"sqli\"], \"text\": \"' or '1'='1\"}", "{\"found\":[\"sqli\"]}"},
	{"one that is not there", "{\"detect\": [\"sqli\"], \"text\": \"<script>alert(1)</script>\"}", "{\"found\":[]}"},
	{"nothing", "{\"detect\": [\"xss\", \"sqli\"], \"text\": \"hello\"}", "{\"found\":[]}"},
	/* clang-format on */
};

static void each_line_has_its_answer(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	EACH_ROW (at, lines) {
		buf_clear(&out);
		assert_int_equal(try_text_line(slice_from_cstr(at->line), &out), 0);
		ROW_EQ(at, buf_slice(&out), slice_from_cstr(at->answer));
	}
	EACH_ROW (at, detections) {
		buf_clear(&out);
		assert_int_equal(try_text_line(slice_from_cstr(at->line), &out), 0);
		ROW_EQ(at, buf_slice(&out),
		       detect_available() ? slice_from_cstr(at->answer) : SLICE("{\"error\":\"this build has no libinjection\"}"));
	}
	buf_deinit(&out);
}

static void an_answer_that_does_not_fit_is_said(void **state)
{
	struct buf out;

	(void)state;
	for (size_t max = 0; max < strlen("{\"text\":\"[redacted:email]\",\"found\":[\"email\"]}"); max++) {
		buf_init(&out, max);
		assert_int_equal(try_text_line(SLICE("{\"text\":\"a@b.example\",\"redact\":[\"email\"]}"), &out), BUF_FULL);
		buf_deinit(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_line_has_its_answer),
		cmocka_unit_test(an_answer_that_does_not_fit_is_said),
	};
	return cmocka_run_group_tests_name("cmd/try_text", tests, NULL, NULL);
}
