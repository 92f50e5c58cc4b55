/* SPDX-License-Identifier: Apache-2.0 */
/* Who is told what, and how often. */
#include "obs/alert_table.h"

#include "base/obj.h"
#include "unit.h"

enum { ALL = 0x7fffffff };

static struct alert_table t;
static uint64_t now_s;

static struct clock_now now(void)
{
	return (struct clock_now){.us = now_s * CLOCK_US_PER_S + 1,
				  .unix_ms = 1700000000000 + now_s * 1000};
}

static uint64_t now_ms(void)
{
	return now_s * 1000 + 1;
}

static int set_up(void **state)
{
	const struct alert_wish wish = {
		.key = 7, .on = ALL, .again_ms = 3600000, .surge_level = 100};

	(void)state;
	t = (struct alert_table){0};
	now_s = 1000;
	alert_set_hooks(&t, &wish, 1);
	return 0;
}

static bool raise_store(void)
{
	return alert_raise(&t, now(), ALERT_STORE, SLICE("redis"), SLICE("away"), 0);
}

static void settle(void)
{
	alert_over(&t, ALERT_STORE, SLICE("redis"));
	now_s += ALERT_CALM_MS / 1000 + 1;
	while (alert_settle(&t, now()))
		;
}

/* What the hook is told now, answered with that outcome; "" for nothing. */
static const char *told(enum alert_outcome outcome)
{
	bool again;
	const struct alert *a = alert_next(&t, 0, now_ms(), &again);

	if (!a)
		return "";
	const char *state = alert_state(a, again);
	alert_done(&t, 7, now_ms(), outcome, 0);
	return state;
}

static void raised_is_told_once_and_over_once(void **state)
{
	(void)state;
	assert_string_equal(told(ALERT_DELIVERED), "");
	assert_true(raise_store());
	assert_false(raise_store());
	assert_string_equal(told(ALERT_DELIVERED), "raised");
	for (int i = 0; i < 100; i++, now_s++) {
		assert_false(raise_store());
		assert_string_equal(told(ALERT_DELIVERED), "");
	}
	settle();
	assert_int_equal(alert_lasting(&t), 0);
	now_s += ALERT_PAUSE_MS / 1000;
	assert_string_equal(told(ALERT_DELIVERED), "over");
	assert_string_equal(told(ALERT_DELIVERED), "");
}

static void what_lasts_is_told_again_after_the_wished_time(void **state)
{
	(void)state;
	raise_store();
	assert_string_equal(told(ALERT_DELIVERED), "raised");
	now_s += 3599;
	assert_string_equal(told(ALERT_DELIVERED), "");
	now_s += 1;
	assert_string_equal(told(ALERT_DELIVERED), "lasts");
	assert_string_equal(told(ALERT_DELIVERED), "");
}

static void what_comes_and_goes_is_not_over_in_between(void **state)
{
	(void)state;
	raise_store();
	assert_string_equal(told(ALERT_DELIVERED), "raised");
	for (int i = 0; i < 1000; i++, now_s += 2) {
		alert_over(&t, ALERT_STORE, SLICE("redis"));
		assert_null(alert_settle(&t, now()));
		assert_false(raise_store());
		assert_string_equal(told(ALERT_DELIVERED), "");
	}
}

static void what_flaps_slowly_has_a_pause_between_its_messages(void **state)
{
	int messages = 0;

	(void)state;
	for (int i = 0; i < 100; i++) {
		raise_store();
		messages += *told(ALERT_DELIVERED) != 0;
		settle();
		messages += *told(ALERT_DELIVERED) != 0;
		now_s += 1;
	}
	/* 100 times 7 seconds */
	assert_in_range(messages, 10, 700 / (ALERT_PAUSE_MS / 1000) + 1);
	assert_int_equal(t.rows[0].count, 100);
}

static void what_was_over_before_it_was_told_is_told_as_that(void **state)
{
	(void)state;
	raise_store();
	settle();
	assert_string_equal(told(ALERT_DELIVERED), "over");
	assert_string_equal(told(ALERT_DELIVERED), "");
}

static void a_hook_that_does_not_answer_is_tried_ever_more_seldom_and_given_up(void **state)
{
	uint64_t last = 0, pauses[ALERT_ATTEMPTS] = {0};
	int attempts = 0;
	bool again, given_up = false;

	(void)state;
	raise_store();
	for (; !given_up && attempts < 100; now_s++) {
		if (!alert_next(&t, 0, now_ms(), &again))
			continue;
		/* While it is being told nothing else is. */
		assert_null(alert_next(&t, 0, now_ms(), &again));
		if (attempts)
			pauses[attempts - 1] = now_s - last;
		last = now_s;
		attempts++;
		given_up = alert_done(&t, 7, now_ms(), ALERT_RETRY, 0);
	}
	assert_int_equal(attempts, ALERT_ATTEMPTS);
	for (int i = 2; i < ALERT_ATTEMPTS - 1; i++)
		assert_true(pauses[i] >= pauses[i - 1]);
	assert_in_range(pauses[ALERT_ATTEMPTS - 2], 100, ALERT_RETRY_MOST_MS / 1000);
	assert_string_equal(told(ALERT_DELIVERED), "");
	now_s += 3600; /* it still lasts: another round */
	assert_string_equal(told(ALERT_DELIVERED), "lasts");
}

static void a_hook_that_refuses_is_not_tried_again(void **state)
{
	(void)state;
	raise_store();
	assert_string_equal(told(ALERT_REFUSED), "raised");
	assert_string_equal(told(ALERT_DELIVERED), "");
}

static void one_that_fails_does_not_keep_the_others_waiting_for_ever(void **state)
{
	(void)state;
	raise_store();
	alert_raise(&t, now(), ALERT_CRASH, SLICE(""), SLICE("signal 9"), 0);
	for (int i = 0; i < ALERT_ATTEMPTS; i++) {
		while (!*told(ALERT_RETRY))
			now_s++;
	}
	now_s += 1;
	assert_string_equal(told(ALERT_DELIVERED), "happened");
}

static void levels_are_news_for_a_siege_and_nothing_else(void **state)
{
	(void)state;
	assert_true(alert_raise(&t, now(), ALERT_SIEGE, SLICE(""), SLICE("level 1"), 1));
	assert_false(alert_raise(&t, now(), ALERT_SIEGE, SLICE(""), SLICE("level 1"), 1));
	assert_true(alert_raise(&t, now(), ALERT_SIEGE, SLICE(""), SLICE("level 3"), 3));
	assert_int_equal(t.rows[0].level, 3);
	assert_true(alert_raise(&t, now(), ALERT_SIEGE, SLICE(""), SLICE("level 1"), 1));
	assert_int_equal(t.rows[0].level, 1);
	assert_true(alert_raise(&t, now(), ALERT_SURGE, SLICE(""), SLICE(""), 200));
	assert_false(alert_raise(&t, now(), ALERT_SURGE, SLICE(""), SLICE(""), 900));
	assert_false(alert_raise(&t, now(), ALERT_SURGE, SLICE(""), SLICE(""), 300));
	assert_int_equal(t.rows[1].level, 900);
}

static void each_hook_hears_what_it_wants(void **state)
{
	const struct alert_wish wishes[] = {
		{.key = 1, .on = ALERT_BIT(ALERT_CRASH), .again_ms = 1000},
		{.key = 2,
		 .on = ALERT_BIT(ALERT_STORE) | ALERT_BIT(ALERT_SURGE),
		 .again_ms = 1000,
		 .surge_level = 1000},
	};
	bool again;

	(void)state;
	alert_set_hooks(&t, wishes, COUNT(wishes));
	raise_store();
	assert_null(alert_next(&t, 0, now_ms(), &again));
	assert_non_null(alert_next(&t, 1, now_ms(), &again));
	alert_done(&t, 2, now_ms(), ALERT_DELIVERED, 0);
	alert_raise(&t, now(), ALERT_SURGE, SLICE(""), SLICE(""), 999);
	assert_null(alert_next(&t, 1, now_ms(), &again));
	alert_raise(&t, now(), ALERT_SURGE, SLICE(""), SLICE(""), 1000);
	assert_non_null(alert_next(&t, 1, now_ms(), &again));
}

static void a_reload_forgets_nothing_and_a_new_hook_hears_what_lasts(void **state)
{
	const struct alert_wish wishes[] = {
		{.key = 9, .on = ALL, .again_ms = 3600000},
		{.key = 7, .on = ALL, .again_ms = 3600000},
	};
	bool again;

	(void)state;
	raise_store();
	alert_raise(&t, now(), ALERT_CRASH, SLICE(""), SLICE(""), 0);
	assert_string_equal(told(ALERT_DELIVERED), "raised");
	assert_string_equal(told(ALERT_DELIVERED), "happened");
	/* A call is under way when the hook moves. */
	now_s += 3600;
	assert_non_null(alert_next(&t, 0, now_ms(), &again));
	alert_set_hooks(&t, wishes, COUNT(wishes));
	alert_done(&t, 7, now_ms(), ALERT_DELIVERED, 0);
	assert_null(alert_next(&t, 1, now_ms(), &again));
	const struct alert *a = alert_next(&t, 0, now_ms(), &again);
	assert_non_null(a);
	assert_int_equal(a->kind, ALERT_STORE);
	alert_done(&t, 9, now_ms(), ALERT_DELIVERED, 0);
	assert_null(alert_next(&t, 0, now_ms(), &again));
	alert_done(&t, 1234, now_ms(), ALERT_DELIVERED, 0); /* one that is gone */
}

static void a_sweep_ends_what_is_not_there_any_more(void **state)
{
	(void)state;
	alert_raise(&t, now(), ALERT_CERTIFICATE, SLICE("a.example"), SLICE(""), 0);
	alert_raise(&t, now(), ALERT_CERTIFICATE, SLICE("b.example"), SLICE(""), 0);
	raise_store();
	now_s += 100;
	alert_sweep_begin(&t);
	alert_raise(&t, now(), ALERT_CERTIFICATE, SLICE("b.example"), SLICE(""), 0);
	alert_sweep_end(&t, ALERT_CERTIFICATE);
	const struct alert *over = alert_settle(&t, now());
	assert_non_null(over);
	assert_string_equal(over->about, "a.example");
	assert_null(alert_settle(&t, now()));
	assert_int_equal(alert_lasting(&t), 2);
}

static void the_table_is_bounded_and_reuses_what_is_done_with(void **state)
{
	char name[16];

	(void)state;
	for (int i = 0; i < 2 * ALERT_ROWS; i++) {
		snprintf(name, sizeof(name), "%d.example", i);
		alert_raise(&t, now(), ALERT_CERTIFICATE, slice_from_cstr(name), SLICE(""), 0);
	}
	assert_int_equal(alert_lasting(&t), ALERT_ROWS);
	assert_int_equal(t.no_room, ALERT_ROWS);
	alert_over(&t, ALERT_CERTIFICATE, SLICE("5.example"));
	now_s += 60;
	assert_non_null(alert_settle(&t, now()));
	assert_false(raise_store()); /* nobody was told that it is over */
	while (*told(ALERT_DELIVERED))
		;
	assert_true(raise_store());
	assert_string_equal(told(ALERT_DELIVERED), "raised");
}

static void the_body_is_json_whatever_the_names_are(void **state)
{
	struct buf body;
	bool again;

	(void)state;
	char awkward[ALERT_WHAT_MAX * 2];
	memset(awkward, '"', sizeof(awkward));
	alert_raise(&t, now(), ALERT_VERIFIER, slice_of(awkward, sizeof(awkward)),
		    slice_of(awkward, sizeof(awkward)), 3);
	const struct alert *a = alert_next(&t, 0, now_ms(), &again);
	buf_init(&body, 8192);
	assert_int_equal(alert_body(a, again, SLICE("node\n1"), 1700000000000, &body), 0);
	struct slice text = buf_slice(&body);
	assert_true(
		slice_starts_with(text, SLICE("{\"text\":\"[node\\u000a1] verifier raised: ")) ||
		slice_starts_with(text, SLICE("{\"text\":\"[node\\n1] verifier raised: ")));
	assert_true(slice_ends_with(text, SLICE("\"}")));
	buf_deinit(&body);
	buf_init(&body, 100);
	assert_int_not_equal(alert_body(a, again, SLICE("n"), 0, &body), 0);
	buf_deinit(&body);
}

static void every_word_is_found_again(void **state)
{
	(void)state;
	for (int k = ALERT_NONE + 1; k < ALERT_COUNT; k++) {
		enum alert_kind kind = (enum alert_kind)k;
		assert_int_equal(alert_from_word(slice_from_cstr(alert_word(kind))), kind);
		assert_true(alert_sentence(kind)[0] != 0);
	}
	assert_int_equal(alert_from_word(SLICE("none")), ALERT_NONE);
	assert_int_equal(alert_from_word(SLICE("")), ALERT_NONE);
	assert_string_equal(alert_word(ALERT_COUNT), "none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(test) cmocka_unit_test_setup(test, set_up)
		T(raised_is_told_once_and_over_once),
		T(what_lasts_is_told_again_after_the_wished_time),
		T(what_comes_and_goes_is_not_over_in_between),
		T(what_flaps_slowly_has_a_pause_between_its_messages),
		T(what_was_over_before_it_was_told_is_told_as_that),
		T(a_hook_that_does_not_answer_is_tried_ever_more_seldom_and_given_up),
		T(a_hook_that_refuses_is_not_tried_again),
		T(one_that_fails_does_not_keep_the_others_waiting_for_ever),
		T(levels_are_news_for_a_siege_and_nothing_else),
		T(each_hook_hears_what_it_wants),
		T(a_reload_forgets_nothing_and_a_new_hook_hears_what_lasts),
		T(a_sweep_ends_what_is_not_there_any_more),
		T(the_table_is_bounded_and_reuses_what_is_done_with),
		T(the_body_is_json_whatever_the_names_are),
		T(every_word_is_found_again),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
