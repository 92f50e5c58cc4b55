/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/message.h"

#include "policy_unit.h"

static const struct slice parts[] = {{"{\"error\":\"", 10}, {"\",\"again\":\"", 11}, {"\"}", 2}};

static struct conf_route route(enum conf_on_refusal on_refusal, bool observe)
{
	return (struct conf_route){
		.on_refusal = on_refusal,
		.observe = observe,
		.reply_parts = {parts, COUNT(parts)},
		.limits = {
			.message_size = 1000,
			.server_message_size = 2000,
			.messages = {.count = 10, .per_ms = 1000, .burst = 10},
			.bytes = {.count = 1000, .per_ms = 1000, .burst = 2000},
			.control_frames = {.count = 1, .per_ms = 1000, .burst = 2},
			.refusals = {.count = 3, .per_ms = 60000, .burst = 3},
		},
	};
}

enum { MS = 1000 };

static struct verdict judge_client(struct message_policy *m, size_t bytes, uint64_t now_us)
{
	struct verdict v = verdict_refuse(REASON_INTERNAL, "not written");

	return message_judge_client(m, bytes, now_us, &v) ? verdict_pass() : v;
}

static struct verdict judge_server(const struct message_policy *m, size_t bytes)
{
	struct verdict v = verdict_refuse(REASON_INTERNAL, "not written");

	return message_judge_server(m, bytes, &v) ? verdict_pass() : v;
}

static void each_limit_is_counted(void **state)
{
	static const struct {
		const char *says;
		unsigned messages; /* of so many bytes, at once, all pass */
		size_t bytes, then; /* the next one */
		enum reason wanted;
		unsigned later_ms; /* when that passes; 0 = never */
	} rows[] = {
		{"ten messages", 10, 1, 1, REASON_MESSAGE_RATE, 100},
		{"two thousand bytes", 2, 1000, 1, REASON_BYTE_RATE, 1},
		{"a hundred bytes more", 2, 1000, 100, REASON_BYTE_RATE, 100},
		{"empty messages count too", 10, 0, 0, REASON_MESSAGE_RATE, 100},
		{"one byte too long", 0, 0, 1001, REASON_MESSAGE_TOO_BIG, 0},
	};
	(void)state;
	EACH_ROW (at, rows) {
		struct conf_route r = route(CONF_ON_REFUSAL_DROP, false);
		struct message_policy m;
		message_policy_init(&m, &r);
		for (unsigned i = 0; i < at->messages; i++)
			ROW_CHECK(at, judge_client(&m, at->bytes, 0).kind == VERDICT_PASS);
		struct verdict v = judge_client(&m, at->then, 0);
		ROW_REASON(at, v, at->wanted);
		ROW_CHECK(at, v.kind == (at->later_ms ? VERDICT_DROP : VERDICT_REFUSE));
		if (!at->later_ms)
			continue;
		uint64_t early = at->later_ms * MS - 1;
		ROW_CHECK(at, judge_client(&m, at->then, early).kind == VERDICT_DROP);
		ROW_CHECK(at, judge_client(&m, at->then, early + 1).kind == VERDICT_PASS);
	}
}

static void control_frames_have_a_rate_of_their_own(void **state)
{
	struct conf_route r = route(CONF_ON_REFUSAL_CLOSE, false);
	struct message_policy m;
	(void)state;
	message_policy_init(&m, &r);
	assert_int_equal(message_judge_control(&m, 0).kind, VERDICT_PASS);
	assert_int_equal(message_judge_control(&m, 0).kind, VERDICT_PASS);
	struct verdict v = message_judge_control(&m, 0);
	assert_int_equal(v.kind, VERDICT_REFUSE);
	assert_int_equal(v.reason, REASON_CONTROL_RATE);
	assert_int_equal(judge_client(&m, 1, 0).kind, VERDICT_PASS);
	assert_int_equal(message_judge_control(&m, 1000 * MS).kind, VERDICT_PASS);
}

static void the_application_has_one_limit(void **state)
{
	struct conf_route r = route(CONF_ON_REFUSAL_DROP, true);
	struct message_policy m;
	(void)state;
	message_policy_init(&m, &r);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(judge_server(&m, 2000).kind, VERDICT_PASS);
	struct verdict v = judge_server(&m, 2001);
	assert_int_equal(v.kind, VERDICT_REFUSE);
	assert_int_equal(v.reason, REASON_UPSTREAM_FAILED);
	assert_string_equal(v.detail, "message_too_big");
}

static void a_refusal_does_what_the_route_says(void **state)
{
	static const struct {
		const char *says;
		enum conf_on_refusal on_refusal;
		bool observe;
		enum verdict_kind about_one, broken;
	} rows[] = {
		{"close", CONF_ON_REFUSAL_CLOSE, false, VERDICT_REFUSE, VERDICT_REFUSE},
		{"drop", CONF_ON_REFUSAL_DROP, false, VERDICT_DROP, VERDICT_REFUSE},
		{"reply", CONF_ON_REFUSAL_REPLY, false, VERDICT_REPLY, VERDICT_REFUSE},
		{"observe", CONF_ON_REFUSAL_CLOSE, true, VERDICT_PASS, VERDICT_REFUSE},
		{"observe, drop", CONF_ON_REFUSAL_DROP, true, VERDICT_PASS, VERDICT_REFUSE},
	};
	(void)state;
	EACH_ROW (at, rows) {
		struct conf_route r = route(at->on_refusal, at->observe);
		for (int reason = 0; reason < REASON_COUNT; reason++) {
			struct message_policy m;
			bool closes = message_always_closes((enum reason)reason);
			message_policy_init(&m, &r);
			struct verdict v = message_refuse(&m, (enum reason)reason, 0);
			ROW_CHECK(at, v.kind == (closes ? at->broken : at->about_one));
			ROW_CHECK(at, (int)v.reason == reason);
		}
	}
	/* whoever breaks frames is closed, and whoever made us hold too much */
	assert_true(message_always_closes(REASON_WS_UNMASKED));
	assert_true(message_always_closes(REASON_WS_UTF8));
	assert_true(message_always_closes(REASON_MESSAGE_TOO_BIG));
	assert_true(message_always_closes(REASON_MESSAGE_TOO_SLOW));
	assert_true(message_always_closes(REASON_TOO_MANY_FRAGMENTS));
	assert_true(message_always_closes(REASON_REVOKED));
	assert_true(message_always_closes(REASON_NONE));
	assert_true(message_always_closes(REASON_COUNT));
	assert_false(message_always_closes(REASON_MESSAGE_RATE));
	assert_false(message_always_closes(REASON_BYTE_RATE));
	assert_false(message_always_closes(REASON_JSON_MALFORMED));
	assert_false(message_always_closes(REASON_SCHEMA));
	assert_false(message_always_closes(REASON_RULE));
}

static void too_many_refusals_close(void **state)
{
	struct conf_route r = route(CONF_ON_REFUSAL_DROP, false);
	struct conf_route watching = route(CONF_ON_REFUSAL_DROP, true);
	struct message_policy m;
	(void)state;
	message_policy_init(&m, &r);
	for (int i = 0; i < 3; i++)
		assert_int_equal(message_refuse(&m, REASON_SCHEMA, 0).kind, VERDICT_DROP);
	struct verdict v = message_refuse(&m, REASON_SCHEMA, 0);
	assert_int_equal(v.kind, VERDICT_REFUSE);
	assert_int_equal(v.reason, REASON_REFUSALS);
	assert_string_equal(v.detail, "schema");
	/* one more each twenty seconds */
	message_policy_init(&m, &r);
	for (int i = 0; i < 3; i++)
		assert_int_equal(message_refuse(&m, REASON_RULE, 0).kind, VERDICT_DROP);
	assert_int_equal(message_refuse(&m, REASON_RULE, 20000 * MS).kind, VERDICT_DROP);
	assert_int_equal(message_refuse(&m, REASON_RULE, 20000 * MS).reason, REASON_REFUSALS);
	/* who only watches counts none */
	message_policy_init(&m, &watching);
	for (int i = 0; i < 1000; i++) {
		v = message_refuse(&m, REASON_SCHEMA, 0);
		assert_int_equal(v.kind, VERDICT_PASS);
		assert_int_equal(v.reason, REASON_SCHEMA);
	}
}

static void a_reply_names_the_reason(void **state)
{
	struct conf_route r = route(CONF_ON_REFUSAL_REPLY, false);
	struct message_policy m;
	struct buf b;
	(void)state;
	message_policy_init(&m, &r);
	buf_init(&b, 60);
	assert_int_equal(message_reply(&m, REASON_SCHEMA, &b), 0);
	assert_slice(buf_slice(&b), "{\"error\":\"schema\",\"again\":\"schema\"}");
	assert_int_equal(message_reply(&m, REASON_SCHEMA, &b), BUF_FULL);
	assert_slice(buf_slice(&b), "{\"error\":\"schema\",\"again\":\"schema\"}");
	buf_clear(&b);
	static const struct slice whole = {"{}", 2};
	struct conf_route fixed = {.reply_parts = {&whole, 1}}, none = {0};
	message_policy_init(&m, &fixed);
	assert_int_equal(message_reply(&m, REASON_SCHEMA, &b), 0);
	assert_slice(buf_slice(&b), "{}");
	buf_clear(&b);
	message_policy_init(&m, &none);
	assert_int_equal(message_reply(&m, REASON_SCHEMA, &b), 0);
	assert_slice(buf_slice(&b), "");
	buf_deinit(&b);
}

/* The size as it travels is ws/'s business; here an inflated message may be longer. */
static void an_inflated_message_may_be_longer(void **state)
{
	struct conf_route r = route(CONF_ON_REFUSAL_DROP, false);
	struct message_policy m;
	(void)state;
	r.limits.inflated = 1500;
	message_policy_init(&m, &r);
	assert_int_equal(judge_client(&m, 1500, 0).kind, VERDICT_PASS);
	assert_int_equal(judge_client(&m, 1501, 0).reason, REASON_MESSAGE_TOO_BIG);
}

/* A route whose limits nobody filled in lets nothing through. */
static void nothing_said_is_nothing_allowed(void **state)
{
	struct conf_route zero = {0};
	struct message_policy m;
	(void)state;
	message_policy_init(&m, &zero);
	assert_int_equal(judge_client(&m, 0, 5).kind, VERDICT_REFUSE);
	assert_int_equal(judge_client(&m, 1, 5).kind, VERDICT_REFUSE);
	assert_int_equal(message_judge_control(&m, 5).kind, VERDICT_REFUSE);
	assert_int_equal(judge_server(&m, 1).kind, VERDICT_REFUSE);
}

static void unlimited_is_what_it_says(void **state)
{
	struct conf_route r = route(CONF_ON_REFUSAL_CLOSE, false);
	struct message_policy m;
	(void)state;
	r.limits.messages.unlimited = r.limits.bytes.unlimited = true;
	r.limits.control_frames.unlimited = true;
	message_policy_init(&m, &r);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(judge_client(&m, 1000, 0).kind, VERDICT_PASS);
		assert_int_equal(message_judge_control(&m, 0).kind, VERDICT_PASS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_limit_is_counted),
		cmocka_unit_test(control_frames_have_a_rate_of_their_own),
		cmocka_unit_test(the_application_has_one_limit),
		cmocka_unit_test(a_refusal_does_what_the_route_says),
		cmocka_unit_test(too_many_refusals_close),
		cmocka_unit_test(a_reply_names_the_reason),
		cmocka_unit_test(an_inflated_message_may_be_longer),
		cmocka_unit_test(nothing_said_is_nothing_allowed),
		cmocka_unit_test(unlimited_is_what_it_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
