/* SPDX-License-Identifier: Apache-2.0 */
#include "base/reason.h"

#include "unit.h"

static void words_lead_back_to_their_reasons(void **state)
{
	(void)state;
	for (enum reason r = REASON_NONE + 1; r < REASON_COUNT; r++)
		assert_int_equal(reason_from_word(slice_from_cstr(reason_word(r))), r);
	assert_int_equal(reason_from_word(SLICE("none")), REASON_NONE);
	assert_int_equal(reason_from_word(SLICE("")), REASON_NONE);
	assert_int_equal(reason_from_word(SLICE("IDLE")), REASON_NONE);
}

static void words_are_snake_case_and_fit_a_close_frame(void **state)
{
	(void)state;
	for (enum reason r = REASON_NONE + 1; r < REASON_COUNT; r++) {
		const char *word = reason_word(r);
		assert_in_range(strlen(word), 1, 60);
		assert_int_equal(strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789_"),
				 strlen(word));
	}
}

static void sentences_begin_and_end_alike(void **state)
{
	(void)state;
	for (enum reason r = REASON_NONE; r < REASON_COUNT; r++) {
		const char *sentence = reason_sentence(r);
		assert_in_range(sentence[0], 'A', 'Z');
		assert_int_not_equal(sentence[strlen(sentence) - 1], '.');
	}
}

static void codes_are_ones_that_may_be_sent(void **state)
{
	(void)state;
	for (enum reason r = REASON_NONE + 1; r < REASON_COUNT; r++) {
		uint16_t code = reason_close_code(r);
		int status = reason_status(r);
		/* RFC 6455 section 7.4: 1004 to 1006 and 1015 never travel. */
		assert_true((code >= 1000 && code <= 1014 && (code < 1004 || code > 1006)) ||
			    (code >= 4000 && code <= 4999));
		assert_in_range(status, 400, 599);
	}
}

static void what_does_not_exist_is_an_internal_error(void **state)
{
	(void)state;
	assert_string_equal(reason_word(REASON_COUNT), "internal_error");
	assert_string_equal(reason_word((enum reason)100000), "internal_error");
	assert_int_equal(reason_close_code((enum reason)100000), 1011);
	assert_int_equal(reason_status((enum reason)100000), 500);
	assert_int_equal(reason_close_code(REASON_NONE), 1011);
	assert_string_equal(reason_word(REASON_NONE), "none");
	assert_non_null(reason_sentence(REASON_NONE));
}

static void a_few_that_the_protocol_fixes(void **state)
{
	(void)state;
	assert_int_equal(reason_close_code(REASON_WS_UNMASKED), 1002);
	assert_int_equal(reason_close_code(REASON_WS_UTF8), 1007);
	assert_int_equal(reason_close_code(REASON_MESSAGE_TOO_BIG), 1009);
	assert_int_equal(reason_status(REASON_ORIGIN_NOT_ALLOWED), 403);
	assert_int_equal(reason_status(REASON_UPGRADE_REQUIRED), 426);
	/* Neither on an open connection nor in a handshake: the defaults. */
	assert_int_equal(reason_close_code(REASON_HOST_UNKNOWN), 1011);
	assert_int_equal(reason_status(REASON_WS_UNMASKED), 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_lead_back_to_their_reasons),
		cmocka_unit_test(words_are_snake_case_and_fit_a_close_frame),
		cmocka_unit_test(sentences_begin_and_end_alike),
		cmocka_unit_test(codes_are_ones_that_may_be_sent),
		cmocka_unit_test(what_does_not_exist_is_an_internal_error),
		cmocka_unit_test(a_few_that_the_protocol_fixes),
	};
	return cmocka_run_group_tests_name("base/reason", tests, NULL, NULL);
}
