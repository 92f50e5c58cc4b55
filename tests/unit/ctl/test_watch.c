/* SPDX-License-Identifier: Apache-2.0 */
/* Who is stuck and who is not; what a thread does is told here, but for the last test. */
#include "ctl/watch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "net/clock.h"
#include "unit.h"

enum { MS = 1000, ROUND_US = 250 * MS };

static void test_what_counts(void **state)
{
	static const struct {
		const char *says;
		struct watch_look before, now;
		uint64_t elapsed_us, counts_us;
	} cases[] = {
		{"it ran all the time", {'R', 0, 0}, {'R', 250 * MS, 0}, 250 * MS, 250 * MS},
		{"it wanted to run, and never did", {'R', 7, 5}, {'R', 7, 5}, 250 * MS, 0},
		{"it ran a little", {'R', 7, 5}, {'R', 7 + 3 * MS, 9}, 250 * MS, 3 * MS},
		{"no more than there was", {'S', 0, 0}, {'R', 900 * MS, 0}, 250 * MS, 250 * MS},
		{"it sleeps", {'S', 7, 5}, {'S', 7, 5}, 250 * MS, 250 * MS},
		{"it sleeps after it waited",
		 {'S', 7, 5},
		 {'S', 7, 5 + 200 * MS},
		 250 * MS,
		 50 * MS},
		{"it waited longer than that", {'S', 7, 5}, {'S', 7, 5 + 900 * MS}, 250 * MS, 0},
		{"a disk", {'S', 7, 5}, {'D', 7, 5}, 250 * MS, 50 * MS},
		{"a dead disk", {'D', 7, 5}, {'D', 7, 5}, 250 * MS, 50 * MS},
		{"stopped", {'S', 7, 5}, {'T', 7, 5}, 250 * MS, 0},
		{"traced", {'R', 7, 5}, {'t', 9, 5}, 250 * MS, 0},
		{"nobody knows", {0}, {0}, 250 * MS, 50 * MS},
		{"nobody knew", {0}, {'R', 250 * MS, 0}, 250 * MS, 50 * MS},
		{"clocks that go back", {'R', 9, 9}, {'R', 7, 7}, 250 * MS, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (watch_counts(&cases[i].before, &cases[i].now, cases[i].elapsed_us) !=
		    cases[i].counts_us)
			fail_msg("%s", cases[i].says);
}

static void test_a_turn_ends_the_silence(void **state)
{
	struct watch w = {0};
	uint64_t now = 1;
	pid_t self = getpid();

	(void)state;
	assert_int_equal(watch_round(&w, 5, now, self, 1 << 30), 0);
	for (int i = 0; i < 100; i++)
		watch_round(&w, 5, now += ROUND_US, self, 1 << 30);
	assert_true(w.silent_us >= WATCH_STUCK_US);
	assert_int_equal(watch_round(&w, 6, now += ROUND_US, self, 1 << 30), 0);
	assert_int_equal(watch_round(&w, 6, now += ROUND_US, self, 1 << 30), 0);
}

/* A thread of whom nobody can say anything has several times as long. */
static void test_the_unknown_have_patience(void **state)
{
	struct watch w = {0};
	uint64_t now = 1;
	int rounds = 0;

	(void)state;
	watch_round(&w, 1, now, getpid(), 1 << 30);
	while (watch_round(&w, 1, now += ROUND_US, getpid(), 1 << 30) < WATCH_STUCK_US)
		rounds++;
	assert_int_equal(rounds, WATCH_PART * WATCH_STUCK_US / ROUND_US);
}

/* The machine slept for an hour: nobody was stuck for an hour. */
static void test_a_late_watcher_knows_little(void **state)
{
	struct watch w = {0};
	uint64_t now = 1;

	(void)state;
	watch_round(&w, 1, now, getpid(), 1 << 30);
	watch_round(&w, 1, now += ROUND_US, getpid(), 1 << 30);
	assert_true(watch_round(&w, 1, now += UINT64_C(3600) * 1000 * MS, getpid(), 1 << 30) <=
		    WATCH_ROUND_MAX_US);
}

struct other {
	_Atomic pid_t tid;
	_Atomic bool over;
	bool spins;
};

static void *live(void *arg)
{
	struct other *o = arg;

	atomic_store(&o->tid, gettid());
	while (!atomic_load(&o->over))
		if (!o->spins)
			usleep(1000);
	return NULL;
}

/* The real thing: both kinds of hanging are seen in /proc, whatever else the machine does. */
static void test_threads_that_hang(void **state)
{
	(void)state;
	for (int spins = 0; spins < 2; spins++) {
		struct other o = {.spins = spins};
		struct watch w = {0};
		pthread_t thread;

		assert_int_equal(pthread_create(&thread, NULL, live, &o), 0);
		while (!atomic_load(&o.tid))
			usleep(100);
		while (watch_round(&w, 1, clock_read().us, getpid(), o.tid) < 100 * MS)
			usleep(10000);
		assert_true(w.last.state == 'R' || w.last.state == 'S' || !w.last.state);
		if (spins && w.last.state)
			assert_true(w.last.ran_us > 0);
		atomic_store(&o.over, true);
		pthread_join(thread, NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_counts),
		cmocka_unit_test(test_a_turn_ends_the_silence),
		cmocka_unit_test(test_the_unknown_have_patience),
		cmocka_unit_test(test_a_late_watcher_knows_little),
		cmocka_unit_test(test_threads_that_hang),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
