/* SPDX-License-Identifier: Apache-2.0 */
#include "net/random.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

enum { DRAWS = 2000 };

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, 8);
}

static bool all_differ(uint64_t *draws, size_t count)
{
	qsort(draws, count, sizeof(*draws), compare);
	for (size_t i = 1; i < count; i++)
		if (draws[i] == draws[i - 1])
			return false;
	return true;
}

static uint64_t draw(void)
{
	uint64_t n;

	assert_int_equal(random_bytes(&n, sizeof(n)), 0);
	return n;
}

static void never_twice(void **state)
{
	static uint64_t draws[DRAWS];

	(void)state;
	for (size_t i = 0; i < DRAWS; i++)
		draws[i] = draw();
	assert_true(all_differ(draws, DRAWS));
}

/* Every bit is set sometimes and clear sometimes, for all sizes around the pool's. */
static void every_size(void **state)
{
	static const size_t sizes[] = {1, 4, 16, 127, 128, 129, 511, 512, 513, 4096};
	unsigned char text[4096 + 1];

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		unsigned char ones[4096] = {0}, zeros[4096] = {0};
		size_t n = sizes[i];

		for (int round = 0; round < 64; round++) {
			text[n] = 0xa5;
			assert_int_equal(random_bytes(text, n), 0);
			assert_int_equal(text[n], 0xa5);
			for (size_t k = 0; k < n; k++) {
				ones[k] |= text[k];
				zeros[k] |= (unsigned char)~text[k];
			}
		}
		for (size_t k = 0; k < n; k++)
			assert_true(ones[k] == 0xff && zeros[k] == 0xff);
	}
	assert_int_equal(random_bytes(text, 0), 0);
}

static void *draw_many(void *into)
{
	uint64_t *draws = into;

	for (size_t i = 0; i < DRAWS / 4; i++)
		if (random_bytes(&draws[i], sizeof(draws[i])))
			abort();
	return NULL;
}

static void threads_differ(void **state)
{
	static uint64_t draws[DRAWS];
	pthread_t threads[4];

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, draw_many, draws + i * DRAWS / 4), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_true(all_differ(draws, DRAWS));
}

/* Parent and children begin with copies of the same pool. */
static void children_differ(void **state)
{
	uint64_t draws[4];
	int pipes[2];

	(void)state;
	draw();
	assert_int_equal(pipe(pipes), 0);
	for (int i = 0; i < 3; i++) {
		pid_t child = fork();

		assert_true(child >= 0);
		if (child == 0) {
			uint64_t n = draw();
			_exit(write(pipes[1], &n, sizeof(n)) == sizeof(n) ? 0 : 1);
		}
		int status;
		waitpid(child, &status, 0);
		assert_int_equal(status, 0);
		assert_int_equal(read(pipes[0], &draws[i], sizeof(draws[i])), sizeof(draws[i]));
	}
	draws[3] = draw();
	assert_true(all_differ(draws, 4));
	close(pipes[0]), close(pipes[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(never_twice),
		cmocka_unit_test(every_size),
		cmocka_unit_test(threads_differ),
		cmocka_unit_test(children_differ),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
