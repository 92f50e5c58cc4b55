/* SPDX-License-Identifier: Apache-2.0 */
#include "net/timer.h"

#include <stdlib.h>

#include "unit.h"

struct alarm {
	struct timer timer;
	unsigned rung;
	uint64_t wanted;
};

static struct timer_wheel wheel;
static uint64_t last_wanted; /* of what rang before, in one run */
static bool out_of_order, early;

static void ring(struct timer *t)
{
	struct alarm *a = TIMER_OWNER(t, struct alarm, timer);

	a->rung++;
	early = early || a->wanted > wheel.now_ms;
	out_of_order = out_of_order || a->wanted < last_wanted;
	last_wanted = a->wanted;
}

static void run(uint64_t now)
{
	last_wanted = 0;
	timer_wheel_run(&wheel, now);
}

static void arm(struct alarm *a, uint64_t at)
{
	a->wanted = at;
	timer_arm(&wheel, &a->timer, at);
}

static int begin(void **state)
{
	(void)state;
	out_of_order = early = false;
	timer_wheel_init(&wheel, 1000);
	return 0;
}

/* Times at which a digit turns over, and their neighbours. */
static const uint64_t edges[] = {
	/* clang-format off */
	0, 1, 2, 62, 63, 64, 65, 127, 128, 4095, 4096, 4097, 8191, 8192, 262143, 262144, 262145,
	16777215, 16777216, 1073741823, 1073741824, 68719476735, 68719476736, 4398046511103,
	4398046511104, 281474976710655, 281474976710656, 281474976710719,
	UINT64_C(1) << 62, UINT64_MAX - 4097, UINT64_MAX - 2,
	/* clang-format on */
};

/* Every edge from every edge: woken only when the wheel says so, it rings on the dot. */
static void on_the_dot_from_everywhere(void **state)
{
	struct alarm a;

	(void)state;
	for (size_t i = 0; i < COUNT(edges); i++) {
		for (size_t j = 0; j < COUNT(edges); j++) {
			uint64_t start = edges[i], at;

			if (__builtin_add_overflow(start, edges[j], &at) || at == TIMER_NEVER)
				continue;
			if ((start ^ at) >> 48) /* beyond the wheel: it would turn for long */
				continue;
			timer_wheel_init(&wheel, start);
			timer_init(&a.timer, ring);
			a.rung = 0;
			arm(&a, at);
			unsigned wakes = 0;
			uint64_t next = start;
			while (a.rung == 0) {
				next = timer_wheel_next_ms(&wheel);
				assert_true(next <= at);
				assert_true(++wakes <= TIMER_LEVELS + 1);
				run(next);
			}
			assert_true(next == at);
			assert_int_equal(a.rung, 1);
			assert_false(timer_armed(&a.timer));
			assert_true(timer_wheel_next_ms(&wheel) == TIMER_NEVER);
			run(at + 1);
			assert_int_equal(a.rung, 1);
		}
	}
	assert_false(early);
}

/* One that is woken too late rings at once; one millisecond too early, not yet. */
static void neither_early_nor_lost(void **state)
{
	struct alarm a;

	(void)state;
	for (size_t i = 0; i < COUNT(edges); i++) {
		for (size_t j = 0; j < COUNT(edges); j++) {
			uint64_t start = edges[i], at;

			if (edges[j] < 2 || __builtin_add_overflow(start, edges[j], &at) ||
			    at == TIMER_NEVER)
				continue;
			timer_wheel_init(&wheel, start);
			timer_init(&a.timer, ring);
			a.rung = 0;
			arm(&a, at);
			run(at - 1);
			assert_int_equal(a.rung, 0);
			if ((start ^ at) >> 48) /* beyond the wheel: one run per 8900 years */
				continue;
			run(at < UINT64_MAX - 70000 ? at + 70000 : UINT64_MAX);
			assert_int_equal(a.rung, 1);
		}
	}
}

enum { ALARMS = 300, STEPS = 200000 };

/* A long random life beside an array that is searched. */
static void as_a_plain_array_would(void **state)
{
	static struct alarm alarms[ALARMS];
	static bool armed[ALARMS];
	uint64_t now = 5000;
	unsigned rung[ALARMS] = {0};

	(void)state;
	timer_wheel_init(&wheel, now);
	srandom(1);
	memset(armed, 0, sizeof(armed));
	for (size_t i = 0; i < ALARMS; i++) {
		alarms[i].rung = 0;
		timer_init(&alarms[i].timer, ring);
	}
	for (unsigned step = 0; step < STEPS; step++) {
		size_t i = (size_t)random() % ALARMS;
		uint64_t far = (uint64_t)random() >> (random() % 31);

		switch (random() % 8) {
		case 0:
			timer_disarm(&alarms[i].timer);
			armed[i] = false;
			break;
		case 1: {
			uint64_t next = timer_wheel_next_ms(&wheel);

			for (size_t k = 0; k < ALARMS; k++)
				assert_true(!armed[k] || next <= alarms[k].wanted);
			now += random() % 4 ? (uint64_t)random() % 100 : far;
			for (size_t k = 0; k < ALARMS; k++) {
				if (armed[k] && alarms[k].wanted <= now) {
					armed[k] = false;
					rung[k]++;
				}
			}
			run(now);
			for (size_t k = 0; k < ALARMS; k++) {
				assert_int_equal(alarms[k].rung, rung[k]);
				assert_true(timer_armed(&alarms[k].timer) == armed[k]);
			}
			break;
		}
		default:
			arm(&alarms[i], now + 1 + far);
			armed[i] = true;
			break;
		}
	}
	assert_false(early);
	assert_false(out_of_order);
}

static void postponing_is_one_store(void **state)
{
	struct alarm a = {0};

	(void)state;
	timer_init(&a.timer, ring);
	arm(&a, 2000);
	const struct list *where = a.timer.link.next;
	for (uint64_t at = 2001; at < 90000; at += 7)
		arm(&a, at);
	assert_ptr_equal(a.timer.link.next, where);
	arm(&a, 5000); /* earlier than wanted, later than filed */
	assert_ptr_equal(a.timer.link.next, where);
	run(4999);
	assert_int_equal(a.rung, 0);
	run(5000);
	assert_int_equal(a.rung, 1);
	arm(&a, 9000);
	arm(&a, 6000);
	run(6000);
	assert_int_equal(a.rung, 2);
}

static void the_past_waits_for_the_next_run(void **state)
{
	struct alarm a = {0};

	(void)state;
	timer_init(&a.timer, ring);
	arm(&a, 3);
	assert_int_equal(timer_wheel_next_ms(&wheel), 1000);
	run(1000);
	assert_int_equal(a.rung, 1);
	arm(&a, 1000);
	arm(&a, 4000); /* changed its mind */
	run(1000);
	assert_int_equal(a.rung, 1);
	run(4000);
	assert_int_equal(a.rung, 2);
	run(3000); /* time does not go back */
	arm(&a, 3500);
	run(3000);
	assert_int_equal(a.rung, 3);
}

static void disarming(void **state)
{
	struct timer zero = {0};
	struct alarm a = {0};

	(void)state;
	timer_disarm(&zero);
	assert_false(timer_armed(&zero));
	timer_init(&a.timer, ring);
	timer_disarm(&a.timer);
	arm(&a, 1001);
	assert_true(timer_armed(&a.timer));
	timer_disarm(&a.timer);
	assert_true(timer_wheel_next_ms(&wheel) == TIMER_NEVER);
	arm(&a, 1001);
	timer_arm(&wheel, &a.timer, TIMER_NEVER);
	assert_false(timer_armed(&a.timer));
	run(5000);
	assert_int_equal(a.rung, 0);
}

/* --- callbacks that meddle */

static struct alarm *others[3];

static void disarm_others(struct timer *t)
{
	ring(t);
	for (size_t i = 0; i < COUNT(others); i++)
		if (others[i] && &others[i]->timer != t)
			timer_disarm(&others[i]->timer);
}

static void whoever_is_first_stops_the_rest(void **state)
{
	struct alarm a[3] = {0};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		others[i] = &a[i];
		timer_init(&a[i].timer, disarm_others);
		arm(&a[i], 9000); /* all in one slot, and once moved down */
	}
	run(9000);
	assert_int_equal(a[0].rung + a[1].rung + a[2].rung, 1);
	memset(others, 0, sizeof(others));
}

static void arm_again(struct timer *t)
{
	struct alarm *a = TIMER_OWNER(t, struct alarm, timer);

	a->rung++;
	assert_false(timer_armed(t));
	timer_arm(&wheel, t, a->wanted);
}

static void armed_again_for_now_does_not_spin(void **state)
{
	struct alarm a = {0};

	(void)state;
	timer_init(&a.timer, arm_again);
	a.wanted = 0;
	timer_arm(&wheel, &a.timer, 1500);
	run(2000);
	assert_int_equal(a.rung, 1);
	run(2000);
	assert_int_equal(a.rung, 2);
	timer_disarm(&a.timer);
}

static void free_itself(struct timer *t)
{
	free(TIMER_OWNER(t, struct alarm, timer));
}

static void freed_in_its_own_callback(void **state)
{
	(void)state;
	for (uint64_t at = 1000; at < 6000; at += 9) {
		struct alarm *a = calloc(1, sizeof(*a));

		assert_non_null(a);
		timer_init(&a->timer, free_itself);
		timer_arm(&wheel, &a->timer, at);
	}
	run(6000);
	assert_true(timer_wheel_next_ms(&wheel) == TIMER_NEVER);
}

static void push_out(struct timer *t)
{
	ring(t);
	timer_arm(&wheel, &others[0]->timer, 20000);
}

/* Both lie in the slot that is being worked off when one postpones the other. */
static void postponed_by_its_neighbour(void **state)
{
	struct alarm first = {0}, second = {0};

	(void)state;
	timer_init(&first.timer, push_out);
	timer_init(&second.timer, ring);
	others[0] = &second;
	arm(&first, 9000);
	arm(&second, 9000);
	run(10000);
	assert_int_equal(first.rung, 1);
	assert_int_equal(second.rung, 0);
	second.wanted = 20000;
	run(20000);
	assert_int_equal(second.rung, 1);
	assert_false(early);
	others[0] = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(on_the_dot_from_everywhere, begin),
		cmocka_unit_test_setup(neither_early_nor_lost, begin),
		cmocka_unit_test_setup(as_a_plain_array_would, begin),
		cmocka_unit_test_setup(postponing_is_one_store, begin),
		cmocka_unit_test_setup(the_past_waits_for_the_next_run, begin),
		cmocka_unit_test_setup(disarming, begin),
		cmocka_unit_test_setup(whoever_is_first_stops_the_rest, begin),
		cmocka_unit_test_setup(armed_again_for_now_does_not_spin, begin),
		cmocka_unit_test_setup(freed_in_its_own_callback, begin),
		cmocka_unit_test_setup(postponed_by_its_neighbour, begin),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
