/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/siege.h"

#include "base/clock.h"

#include "unit.h"

enum { START_MS = 1000000, SECOND_MS = 1000, CALM_S = 60 };

static const struct conf_siege conf = {
	.handshakes = 1000,
	.tickets = 100,
	.lag_ms = 200,
	.calm_ms = CALM_S * SECOND_MS,
	.proof_bits = 17,
	.proof_time_ms = 60000,
};

/* A quiet second of two workers. */
static struct siege_load quiet(void)
{
	return (struct siege_load){
		.window_ms = 1000,
		.workers = 2,
		.connections_max = 1000,
		.descriptors_max = 2000,
		.buffered_max = 100000,
	};
}

/* Each input, at the edges of the levels that it can bring. */
static void each_input_has_its_levels(void **state)
{
	static const struct {
		const char *says;
		struct siege_load load; /* on top of a quiet second */
		unsigned level;
		uint32_t reasons;
	} rows[] = {
#define WHY(input) (1u << SIEGE_##input)
		{"nothing", {0}, 0, 0},
		{"handshakes, just not", {.handshakes = 1199}, 0, 0},
		{"handshakes", {.handshakes = 1200}, 1, WHY(HANDSHAKES)},
		{"handshakes, many", {.handshakes = 1600}, 2, WHY(HANDSHAKES)},
		{"handshakes beyond all measure", {.handshakes = UINT64_MAX}, 2, WHY(HANDSHAKES)},
		{"refusals of few", {.handshakes = 199, .refused = 199}, 0, 0},
		{"refusals, just not", {.handshakes = 1000, .refused = 499}, 0, 0},
		{"refusals", {.handshakes = 1000, .refused = 500}, 1, WHY(REFUSALS)},
		{"TLS, just not", {.tls_us = 799999}, 0, 0},
		{"TLS", {.tls_us = 800000}, 1, WHY(TLS)},
		{"TLS and nothing else", {.tls_us = 1600000}, 2, WHY(TLS)},
		{"a busy loop, just not", {.lag_us = 199999}, 0, 0},
		{"a busy loop", {.lag_us = 200000}, 1, WHY(LAG)},
		{"a loop away for long", {.lag_us = 800000}, 2, WHY(LAG)},
		{"tickets, just not", {.tickets = 159}, 0, 0},
		{"tickets", {.tickets = 160}, 3, WHY(ASKED)},
		{"descriptors, just not", {.descriptors = 1199}, 0, 0},
		{"descriptors", {.descriptors = 1200}, 1, WHY(DESCRIPTORS)},
		{"descriptors, many", {.descriptors = 1600}, 2, WHY(DESCRIPTORS)},
		{"descriptors, nearly all", {.descriptors = 1900}, 4, WHY(DESCRIPTORS)},
		{"connections", {.connections = 600}, 1, WHY(DESCRIPTORS)},
		{"connections, nearly all", {.connections = 950}, 4, WHY(DESCRIPTORS)},
		{"memory, just not", {.buffered = 59999}, 0, 0},
		{"memory", {.buffered = 60000}, 1, WHY(MEMORY)},
		{"memory, much", {.buffered = 80000}, 2, WHY(MEMORY)},
		{"memory, nearly all", {.buffered = 95000}, 4, WHY(MEMORY)},
		{"two at once",
		 {.handshakes = 1200, .buffered = 60000},
		 1,
		 WHY(HANDSHAKES) | WHY(MEMORY)},
		{"the higher says why", {.handshakes = 1200, .buffered = 80000}, 2, WHY(MEMORY)},
#undef WHY
	};
	(void)state;
	EACH_ROW (at, rows) {
		struct siege s = {0};
		struct siege_load load = at->load;
		struct siege_load frame = quiet();
		load.window_ms = frame.window_ms;
		load.workers = frame.workers;
		load.connections_max = frame.connections_max;
		load.descriptors_max = frame.descriptors_max;
		load.buffered_max = frame.buffered_max;
		(void)siege_step(&s, &conf, &load, START_MS);
		bool changed = siege_step(&s, &conf, &load, START_MS + SECOND_MS);
		ROW_CHECK(at, s.level == at->level);
		ROW_CHECK(at, s.reasons == at->reasons);
		(void)changed;
	}
}

/* A rate may be an accident and has to be seen twice; what is full is full at once. */
static void a_single_second_of_a_rate_is_no_siege(void **state)
{
	struct siege s = {0};
	struct siege_load calm = quiet(), busy = quiet(), full = quiet();
	uint64_t now = START_MS;

	(void)state;
	busy.lag_us = 10000000;
	busy.handshakes = 100000;
	busy.tickets = 100000;
	for (int i = 0; i < 10; i++) {
		assert_false(siege_step(&s, &conf, &busy, now += SECOND_MS));
		assert_false(siege_step(&s, &conf, &calm, now += SECOND_MS));
	}
	assert_int_equal(s.level, SIEGE_CALM);
	full.descriptors = full.descriptors_max;
	assert_true(siege_step(&s, &conf, &full, now += SECOND_MS));
	assert_int_equal(s.level, SIEGE_FORTRESS);
}

static void a_level_is_left_after_the_calm(void **state)
{
	struct siege s = {0};
	struct siege_load calm = quiet(), high = quiet(), low = quiet();
	uint64_t now = START_MS;

	(void)state;
	high.buffered = 95000;
	low.buffered = 60000;
	assert_true(siege_step(&s, &conf, &high, now += SECOND_MS));
	assert_int_equal(s.level, 4);
	/* Load of level 1 goes on: 4 is left for 1, not for 0. */
	for (int i = 1; i < CALM_S; i++)
		assert_false(siege_step(&s, &conf, &low, now += SECOND_MS));
	assert_true(siege_step(&s, &conf, &low, now += SECOND_MS));
	assert_int_equal(s.level, 1);
	/* On the edge nothing flaps: each second of load begins the calm anew. */
	for (int i = 0; i < 3 * CALM_S; i++)
		assert_false(
			siege_step(&s, &conf, i % (CALM_S - 1) ? &calm : &low, now += SECOND_MS));
	assert_int_equal(s.level, 1);
	unsigned changes = 0;
	for (int i = 0; i < CALM_S; i++)
		changes += siege_step(&s, &conf, &calm, now += SECOND_MS);
	assert_int_equal(changes, 1);
	assert_int_equal(s.level, 0);
	assert_int_equal(s.reasons, 0);
}

static void an_operator_has_the_last_word(void **state)
{
	struct siege s = {0};
	struct siege_load calm = quiet(), high = quiet();
	uint64_t now = START_MS;

	(void)state;
	high.buffered = 95000;
	for (unsigned level = 0; level < SIEGE_LEVELS; level++) {
		unsigned before = s.level;
		assert_int_equal(siege_hold(&s, level), before != level);
		assert_int_equal(s.level, level);
		assert_int_equal(s.reasons, 0);
		assert_false(siege_step(&s, &conf, level % 2 ? &high : &calm, now += SECOND_MS));
		assert_int_equal(s.level, level);
	}
	/* What was measured meanwhile counts again at once. */
	assert_true(siege_hold(&s, 0));
	assert_int_equal(s.measured, SIEGE_FORTRESS);
	assert_true(siege_release(&s, &conf, now));
	assert_int_equal(s.level, SIEGE_FORTRESS);
	assert_int_equal(s.reasons, 1u << SIEGE_MEMORY);
}

static void manual_means_that_load_is_only_shown(void **state)
{
	struct siege s = {0};
	struct conf_siege manual = conf;
	struct siege_load high = quiet();

	(void)state;
	manual.manual = true;
	high.buffered = 95000;
	assert_false(siege_step(&s, &manual, &high, START_MS));
	assert_int_equal(s.level, 0);
	assert_int_equal(s.measured, 4);
	assert_int_equal(s.percent[SIEGE_MEMORY], 95);
}

static void what_has_no_maximum_is_never_full(void **state)
{
	struct siege s = {0};
	struct siege_load load = quiet();

	(void)state;
	load.connections_max = load.descriptors_max = load.buffered_max = UINT64_MAX;
	load.connections = load.descriptors = load.buffered = UINT64_MAX - 1;
	assert_false(siege_step(&s, &conf, &load, START_MS));
	load.connections_max = load.descriptors_max = load.buffered_max = 0;
	assert_false(siege_step(&s, &conf, &load, START_MS + SECOND_MS));
	assert_int_equal(s.level, 0);
}

static void a_proof_gets_dearer_with_the_load(void **state)
{
	static const struct {
		const char *says;
		uint64_t tickets;
		unsigned bits;
	} rows[] = {
		{"calm", 0, 17},           {"full", 200, 17},       {"just under double", 399, 17},
		{"double", 400, 18},       {"four times", 800, 19}, {"sixteen times", 3200, 21},
		{"far more", 3200000, 21},
	};
	(void)state;
	EACH_ROW (at, rows) {
		struct siege s = {0};
		struct siege_load load = quiet();
		load.tickets = at->tickets;
		(void)siege_step(&s, &conf, &load, START_MS);
		ROW_CHECK(at, s.proof_bits == at->bits);
	}
	struct siege s = {0};
	struct conf_siege dear = conf;
	struct siege_load load = quiet();
	dear.proof_bits = 23;
	load.tickets = 100000;
	(void)siege_step(&s, &dear, &load, START_MS);
	assert_int_equal(s.proof_bits, 24); /* never more than somebody can solve */
}

/* Who is let in: a row per level and guest. */
static void who_is_let_in(void **state)
{
	static const struct {
		const char *says;
		unsigned level;
		enum siege_guest who;
		bool none_better, allowed;
		bool in, in_once; /* the second only while the trickle lasts */
	} rows[] = {
		{"calm, nobody", 0, SIEGE_NOBODY, false, false, true, false},
		{"elevated, nobody", 1, SIEGE_NOBODY, false, false, true, false},
		{"tickets, nobody", 2, SIEGE_NOBODY, false, false, false, false},
		{"tickets, nobody, where nobody is better", 2, SIEGE_NOBODY, true, false, false,
		 true},
		{"tickets, claimed", 2, SIEGE_CLAIMED, false, false, false, true},
		{"tickets, known", 2, SIEGE_KNOWN, false, false, true, false},
		{"tickets, allowed", 2, SIEGE_NOBODY, false, true, true, false},
		{"proof, nobody", 3, SIEGE_NOBODY, false, false, false, false},
		{"proof, claimed", 3, SIEGE_CLAIMED, false, false, false, true},
		{"proof, known", 3, SIEGE_KNOWN, false, false, true, false},
		{"fortress, nobody", 4, SIEGE_NOBODY, true, false, false, false},
		{"fortress, claimed", 4, SIEGE_CLAIMED, false, false, false, false},
		{"fortress, known", 4, SIEGE_KNOWN, false, false, true, false},
		{"fortress, allowed", 4, SIEGE_NOBODY, false, true, true, false},
	};
	struct rate rate = {.count = 1, .per_ms = 1000, .burst = 1};
	(void)state;
	EACH_ROW (at, rows) {
		struct bucket bucket = {0};
		struct siege_gate g = {
			.level = at->level,
			.none_better = at->none_better,
			.allowed = at->allowed,
			.trickle_rate = &rate,
			.trickle = &bucket,
			.now_us = 1000000,
		};
		struct verdict first = siege_admit(&g, at->who), second = siege_admit(&g, at->who);
		ROW_CHECK(at, (first.kind == VERDICT_PASS) == (at->in || at->in_once));
		ROW_CHECK(at, (second.kind == VERDICT_PASS) == at->in);
		if (second.kind != VERDICT_PASS) {
			ROW_CHECK(at, second.kind == VERDICT_REFUSE);
			ROW_CHECK(at, second.reason == REASON_SIEGE);
			ROW_CHECK(at, second.retry_after_s > 0);
		}
		struct verdict endpoint = siege_admit_endpoint(&g);
		ROW_CHECK(at, (endpoint.kind == VERDICT_PASS) == (at->level < 4 || at->allowed));
	}
	/* A gate that somebody forgot to fill in has no trickle to give from. */
	struct siege_gate empty = {.level = SIEGE_TICKETS};
	assert_int_equal(siege_admit(&empty, SIEGE_CLAIMED).kind, VERDICT_REFUSE);
}

static void the_trickle_is_a_twentieth(void **state)
{
	struct conf_siege c = {.handshakes = 2000};
	(void)state;
	assert_int_equal(siege_trickle_rate(&c).count, 100);
	c.handshakes = 1;
	assert_int_equal(siege_trickle_rate(&c).count, 1);
	assert_int_equal(siege_trickle_rate(&c).burst, 1);
}

static void words(void **state)
{
	char room[SIEGE_WORDS_BYTES];
	(void)state;
	assert_slice(siege_words(0, room), "");
	assert_slice(siege_words(1u << SIEGE_LAG, room), "lag");
	assert_slice(siege_words((1u << SIEGE_INPUTS) - 1, room),
		     "handshakes refusals tls lag tickets descriptors memory");
}

static void allowed_networks(void **state)
{
	struct prefix networks[2];
	struct conf_siege c = {.allow = {networks, 2}};
	struct address in, six, out;
	(void)state;
	assert_true(prefix_parse(SLICE("192.0.2.0/24"), &networks[0]));
	assert_true(prefix_parse(SLICE("2001:db8::/32"), &networks[1]));
	assert_true(address_parse(SLICE("192.0.2.77"), &in));
	assert_true(address_parse(SLICE("2001:db8:1::1"), &six));
	assert_true(address_parse(SLICE("192.0.3.1"), &out));
	assert_true(siege_is_allowed(&c, &in));
	assert_true(siege_is_allowed(&c, &six));
	assert_false(siege_is_allowed(&c, &out));
	c.allow.count = 0;
	assert_false(siege_is_allowed(&c, &in));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_input_has_its_levels),
		cmocka_unit_test(a_single_second_of_a_rate_is_no_siege),
		cmocka_unit_test(a_level_is_left_after_the_calm),
		cmocka_unit_test(an_operator_has_the_last_word),
		cmocka_unit_test(manual_means_that_load_is_only_shown),
		cmocka_unit_test(what_has_no_maximum_is_never_full),
		cmocka_unit_test(a_proof_gets_dearer_with_the_load),
		cmocka_unit_test(who_is_let_in),
		cmocka_unit_test(the_trickle_is_a_twentieth),
		cmocka_unit_test(words),
		cmocka_unit_test(allowed_networks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
