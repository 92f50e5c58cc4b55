/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include <pthread.h>

#include "failmalloc.h"
#include "unit.h"

#include "base/buf.h"
#include "base/err.h"

static const struct siphash_key key = {{3}};

/* What the store said; it says it at once. */
struct said {
	bool called;
	int r;
	struct buf *to;
};

static void on_said(void *arg, int r, struct slice record)
{
	struct said *said = arg;
	assert_false(said->called);
	assert_true(r == 0 || record.len == 0);
	said->called = true;
	said->r = r;
	if (said->to && r == 0)
		assert_int_equal(buf_append(said->to, record), 0);
}

static int put(struct store *s, const uint8_t *i, struct slice record, uint64_t expires,
	       uint64_t now)
{
	struct said said = {.called = false};
	store_put(s, i, record, expires, now, on_said, &said);
	assert_true(said.called);
	return said.r;
}

static int take(struct store *s, const uint8_t *i, uint64_t now, struct buf *to)
{
	struct said said = {.to = to};
	store_take(s, i, now, on_said, &said);
	assert_true(said.called);
	return said.r;
}

static const uint8_t *id(uint32_t n)
{
	static uint8_t bytes[STORE_ID_BYTES];
	memcpy(bytes, &n, sizeof(n));
	return bytes;
}

static void a_record_is_taken_once(void **state)
{
	struct store *s = store_new_memory(&key, 10, 10000);
	struct buf b;
	(void)state;
	buf_init(&b, 100);
	assert_int_equal(take(s, id(1), 0, &b), STORE_ABSENT);
	assert_int_equal(put(s, id(1), SLICE("one"), 1000, 0), 0);
	assert_int_equal(put(s, id(2), SLICE("two\0"), 1000, 0), 0);
	assert_int_equal(put(s, id(3), slice_of(NULL, 0), 1000, 0), 0);
	assert_int_equal(put(s, id(1), SLICE("other"), 1000, 0), STORE_EXISTS);
	assert_int_equal(store_count(s), 3);
	assert_int_equal(take(s, id(1), 1, &b), 0);
	assert_slice(buf_slice(&b), "one");
	assert_int_equal(take(s, id(1), 1, &b), STORE_ABSENT);
	assert_slice(buf_slice(&b), "one");
	buf_clear(&b);
	assert_int_equal(take(s, id(2), 1, &b), 0);
	assert_true(slice_eq(buf_slice(&b), SLICE("two\0")));
	assert_int_equal(take(s, id(3), 1, &b), 0);
	assert_int_equal(store_count(s), 0);
	assert_true(store_up(s) && store_told_all(s));
	struct said said = {.called = false};
	store_publish(s, 1, SLICE("alice"), 1, on_said, &said);
	assert_true(said.called && said.r == 0);
	assert_int_equal(put(s, id(5), SLICE("left behind"), 1000, 0), 0);
	store_free(s);
	store_free(NULL);
	buf_deinit(&b);
}

static void records_expire(void **state)
{
	struct store *s = store_new_memory(&key, 10, 10000);
	struct buf b;
	(void)state;
	buf_init(&b, 100);
	assert_int_equal(put(s, id(1), SLICE("one"), 1000, 0), 0);
	assert_int_equal(put(s, id(2), SLICE("two"), 2000, 0), 0);
	assert_int_equal(put(s, id(3), SLICE("three"), 1500, 0), 0);
	assert_int_equal(take(s, id(1), 1000, &b), STORE_ABSENT);
	assert_int_equal(store_count(s), 2);
	assert_int_equal(store_sweep(s, 1499), 0);
	assert_int_equal(store_sweep(s, 1500), 1);
	assert_int_equal(take(s, id(3), 1499, &b), STORE_ABSENT);
	assert_int_equal(take(s, id(2), 1999, &b), 0);
	assert_slice(buf_slice(&b), "two");
	store_free(s);
	buf_deinit(&b);
}

static void it_has_an_end(void **state)
{
	struct store *s = store_new_memory(&key, 3, 100000);
	struct buf b;
	(void)state;
	buf_init(&b, 2000);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(put(s, id(i), SLICE("x"), 5000 + i, 1), 0);
	assert_int_equal(put(s, id(9), SLICE("x"), 9000, 2), STORE_FULL);
	assert_int_equal(store_count(s), 3);
	/* what has expired makes room, but is looked for only once a second */
	assert_int_equal(put(s, id(9), SLICE("x"), 9000, 5001), 0);
	assert_int_equal(store_count(s), 2);
	assert_int_equal(put(s, id(8), SLICE("x"), 9000, 5002), 0);
	assert_int_equal(put(s, id(7), SLICE("x"), 9000, 5003), STORE_FULL);
	assert_int_equal(put(s, id(7), SLICE("x"), 9000, 6001), 0);
	store_free(s);

	/* bytes are bounded, with what an entry costs besides */
	static const char kilobyte[1024];
	s = store_new_memory(&key, 1000000, 10 * 1024);
	uint32_t held = 0;
	while (put(s, id(held), slice_of(kilobyte, sizeof(kilobyte)), 9000, 1) == 0)
		held++;
	assert_true(held >= 7 && held <= 9);
	assert_int_equal(put(s, id(held), slice_of(NULL, 0), 9000, 1), 0);
	assert_int_equal(take(s, id(0), 1, &b), 0);
	assert_int_equal(put(s, id(0), slice_of(kilobyte, sizeof(kilobyte)), 9000, 1),
			 held == 9 ? STORE_FULL : 0);
	assert_int_equal(put(s, id(99), slice_of(kilobyte, SIZE_MAX / 2), 9000, 1), STORE_FULL);
	store_free(s);
	buf_deinit(&b);
}

/* All ways through: what was put and not yet taken is there, once, and nothing else is. */
static void a_long_life(void **state)
{
	struct store *s = store_new_memory(&key, 24, 100000);
	uint64_t expires[128] = {0};
	uint32_t random = 1, full = 0;
	struct buf b;
	(void)state;
	buf_init(&b, 100);
	for (uint64_t now = 1; now < 20000; now++) {
		random = random * 1664525 + 1013904223;
		uint32_t n = random >> 16 & 127;
		bool live = expires[n] > now;
		buf_clear(&b);
		if (random >> 24 & 1) {
			int r = put(s, id(n), slice_of((const char *)&n, 4),
				    now + 50 + (random >> 25), now);
			/* an expired one that was not swept yet is still in the way */
			if (r == 0)
				expires[n] = now + 50 + (random >> 25);
			else if (live)
				assert_int_equal(r, STORE_EXISTS);
			full += r == STORE_FULL;
		} else {
			int r = take(s, id(n), now, &b);
			assert_int_equal(r, live ? 0 : STORE_ABSENT);
			if (live)
				assert_true(slice_eq(buf_slice(&b), slice_of((const char *)&n, 4)));
			expires[n] = 0;
		}
		if (now % 97 == 0)
			store_sweep(s, now);
		assert_true(store_count(s) <= 24);
	}
	size_t left = store_count(s);
	assert_true(left > 0 && full > 0);
	assert_int_equal(store_sweep(s, UINT64_MAX), left);
	assert_int_equal(store_count(s), 0);
	store_free(s);
	buf_deinit(&b);
}

static void no_memory_is_no_harm(void **state)
{
	(void)state;
	FAILMALLOC_EACH (n) {
		struct buf b;
		buf_init(&b, 100);
		failmalloc_at(n);
		struct store *s = store_new_memory(&key, 10, 10000);
		int was_put = s ? put(s, id(1), SLICE("one"), 1000, 0) : -ENOMEM;
		bool lacking = failmalloc_stop();
		int taken = s ? take(s, id(1), 1, &b) : -ENOMEM;
		if (was_put == 0 && taken == 0)
			assert_slice(buf_slice(&b), "one");
		else
			assert_true(lacking && was_put == -ENOMEM);
		/* in any case it is not there any more */
		if (s)
			assert_int_equal(take(s, id(1), 1, &b), STORE_ABSENT);
		store_free(s);
		buf_deinit(&b);
		if (!lacking)
			break;
	}
}

/* --- several threads */

enum { THREADS = 4, TICKETS = 2000 };

struct taker {
	struct store *store;
	unsigned taken[TICKETS], put_now;
};

static void count_said(void *arg, int r, struct slice record)
{
	unsigned *taken = arg;

	if (r == 0 && slice_eq(record, SLICE("record")))
		(*taken)++;
}

static void id_into(uint8_t bytes[STORE_ID_BYTES], uint32_t n)
{
	memset(bytes, 0, STORE_ID_BYTES);
	memcpy(bytes, &n, sizeof(n));
}

/* While it is busy the gateway asks the control thread; here one tries again. */
static void *take_all(void *arg)
{
	struct taker *t = arg;
	uint8_t bytes[STORE_ID_BYTES];
	int r = 0;

	for (uint32_t n = 0; n < TICKETS; n++) {
		id_into(bytes, n);
		while (!store_take_now(t->store, bytes, 1, count_said, &t->taken[n]))
			continue;
		id_into(bytes, TICKETS + n);
		while (!store_put_now(t->store, bytes, SLICE("record"), 1000, 1, &r))
			continue;
		t->put_now += r == 0;
	}
	return NULL;
}

static void each_record_is_taken_by_one_thread(void **state)
{
	struct store *s = store_new_memory(&key, 10000, 1 << 20);
	struct taker takers[THREADS];
	pthread_t threads[THREADS];
	unsigned put_now = 0;

	(void)state;
	memset(takers, 0, sizeof(takers));
	for (uint32_t n = 0; n < TICKETS; n++)
		assert_int_equal(put(s, id(n), SLICE("record"), 1000, 0), 0);
	for (int i = 0; i < THREADS; i++) {
		takers[i].store = s;
		assert_int_equal(pthread_create(&threads[i], NULL, take_all, &takers[i]), 0);
	}
	for (int i = 0; i < 100; i++)
		assert_int_equal(store_sweep(s, 1), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int n = 0; n < TICKETS; n++) {
		unsigned sum = 0;
		for (int i = 0; i < THREADS; i++)
			sum += takers[i].taken[n];
		assert_int_equal(sum, 1);
	}
	for (int i = 0; i < THREADS; i++)
		put_now += takers[i].put_now;
	assert_int_equal(put_now, TICKETS);
	assert_int_equal(store_count(s), TICKETS);
	store_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_is_taken_once), cmocka_unit_test(records_expire),
		cmocka_unit_test(it_has_an_end),          cmocka_unit_test(a_long_life),
		cmocka_unit_test(no_memory_is_no_harm),
		cmocka_unit_test(each_record_is_taken_by_one_thread),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
