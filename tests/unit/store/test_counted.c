/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all nodes count, in a real Redis: two stores, as two nodes have them. Skipped where no
 * redis-server is installed. Rates are so slow, and times so long, that it does not matter how
 * fast the test runs.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/reactor.h"
#include "net/sock.h"
#include "store/redis.h"

#include "ears.h"
#include "unit.h"

enum { NODES = 2, HOUR_US = 1000000000 };

static struct reactor reactor;
static struct stream_scratch scratch;
static struct store *nodes[NODES];
static pid_t server = -1;
static unsigned calls, taken;
static int result;
static size_t over;

static void on_counted(void *arg, int r, size_t which)
{
	(void)arg;
	calls++;
	taken += r == 0;
	result = r;
	over = which;
}

static void await_calls(unsigned count)
{
	for (int i = 0; i < 2000 && calls < count; i++)
		assert_int_equal(reactor_run_once(&reactor, 5), 0);
	assert_int_equal(calls, count);
	calls = 0;
}

/* 0 and -1 behind it, or STORE_OVER and what is over. */
static int take(unsigned node, const struct counted *items, size_t count)
{
	over = SIZE_MAX;
	store_counted_take(nodes[node], items, count, on_counted, NULL);
	await_calls(1);
	return result;
}

static uint16_t free_port(void)
{
	struct address a;
	int fd;
	assert_true(address_parse(SLICE("127.0.0.1"), &a));
	assert_int_equal(sock_listen(&a, 1, false, &fd), 0);
	uint16_t port = sock_local(fd).port;
	close(fd);
	return port;
}

static int set_up(void **state)
{
	(void)state;
	uint16_t port = free_port();
	char text[8];
	snprintf(text, sizeof(text), "%u", port);
	server = fork();
	if (server == 0) {
		execlp("redis-server", "redis-server", "--port", text, "--bind", "127.0.0.1",
		       "--save", "", "--logfile", "/dev/null", (char *)NULL);
		_exit(127);
	}
	if (reactor_init(&reactor) || stream_scratch_init(&scratch, &reactor, 16 * 1024))
		return -1;
	const struct redis_facts facts = ears_facts(&scratch, port);
	for (int i = 0; i < NODES; i++)
		if (store_new_redis(&facts, &nodes[i]))
			return -1;
	return 0;
}

static int tear_down(void **state)
{
	int status;
	(void)state;
	for (int i = 0; i < NODES; i++)
		nodes[i] = store_free(nodes[i]);
	stream_scratch_deinit(&scratch);
	reactor_deinit(&reactor);
	if (server > 0) {
		kill(server, SIGTERM);
		waitpid(server, &status, 0);
	}
	return 0;
}

static bool all_up(void)
{
	for (int i = 0; i < NODES; i++)
		if (!store_up(nodes[i]))
			return false;
	return true;
}

/* Skips the test where there is no server. */
static void await_server(void)
{
	int status;
	for (int i = 0; i < 6000 && !all_up(); i++) {
		if (server > 0 && waitpid(server, &status, WNOHANG) == server)
			server = -1;
		if (server < 0)
			skip();
		assert_int_equal(reactor_run_once(&reactor, 5), 0);
	}
	assert_true(all_up());
}

static void a_rate_counts_for_all_nodes(void **state)
{
	(void)state;
	await_server();
	struct counted five = {.kind = COUNTED_RATE,
			       .key = {1},
			       .cost_us = HOUR_US,
			       .most_us = UINT64_C(5) * HOUR_US};
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(take(i % NODES, &five, 1), 0);
	for (unsigned i = 0; i < NODES; i++)
		assert_int_equal(take(i, &five, 1), STORE_OVER);
	assert_int_equal(over, 0);
	/* Units are as many times the interval. */
	struct counted units = five;
	units.key[0] = 2;
	units.cost_us = UINT64_C(2) * HOUR_US;
	assert_int_equal(take(0, &units, 1), 0);
	assert_int_equal(take(1, &units, 1), 0);
	assert_int_equal(take(0, &units, 1), STORE_OVER);
	units.cost_us = HOUR_US;
	assert_int_equal(take(0, &units, 1), 0);
	assert_int_equal(take(0, &units, 1), STORE_OVER);
	/* More than ever may be; the longest that there is. */
	struct counted much = {.kind = COUNTED_RATE, .key = {3}, .cost_us = 2, .most_us = 1};
	assert_int_equal(take(0, &much, 1), STORE_OVER);
	much.cost_us = much.most_us = COUNTED_US_MAX;
	assert_int_equal(take(0, &much, 1), 0);
	assert_int_equal(take(1, &much, 1), STORE_OVER);
	/* A rule that now says less: nobody is locked out for what he owed to the old one. */
	much.cost_us = much.most_us = HOUR_US;
	assert_int_equal(take(0, &much, 1), 0);
	assert_int_equal(take(0, &much, 1), STORE_OVER);
	/* What has been paid back is forgotten. */
	struct counted fast = {.kind = COUNTED_RATE, .key = {4}, .cost_us = 1, .most_us = 1};
	for (int i = 0; i < 3; i++) {
		assert_int_equal(take(0, &fast, 1), 0);
		usleep(2000);
	}
}

static void a_value_is_new_once(void **state)
{
	(void)state;
	await_server();
	struct counted value = {.kind = COUNTED_ONCE, .key = {1}, .ms = 3600000};
	taken = 0;
	for (int i = 0; i < 100; i++)
		store_counted_take(nodes[i % NODES], &value, 1, on_counted, NULL);
	await_calls(100);
	assert_int_equal(taken, 1);
	value.key[1] = 1;
	assert_int_equal(take(1, &value, 1), 0);
	assert_int_equal(take(0, &value, 1), STORE_OVER);
	value.key[1] = 2;
	value.ms = 1;
	assert_int_equal(take(1, &value, 1), 0);
	usleep(5000);
	assert_int_equal(take(0, &value, 1), 0);
}

static void slots_come_back(void **state)
{
	(void)state;
	await_server();
	struct counted slot = {
		.kind = COUNTED_SLOT, .key = {1}, .ms = 3600000, .at_most = 2, .slot = {1}};
	assert_int_equal(take(0, &slot, 1), 0);
	slot.slot[0] = 2;
	assert_int_equal(take(1, &slot, 1), 0);
	slot.slot[0] = 3;
	assert_int_equal(take(0, &slot, 1), STORE_OVER);
	store_counted_give(nodes[1], slot.key, slot.slot); /* not his */
	assert_int_equal(take(1, &slot, 1), STORE_OVER);
	slot.slot[0] = 1;
	store_counted_give(nodes[0], slot.key, slot.slot);
	slot.slot[0] = 3;
	assert_int_equal(take(0, &slot, 1), 0);
	slot.slot[0] = 4;
	assert_int_equal(take(0, &slot, 1), STORE_OVER);
	/* Whoever never comes back: his time over, it is free. A short one beside it is, too. */
	struct counted lost = {
		.kind = COUNTED_SLOT, .key = {2}, .ms = 1, .at_most = 1, .slot = {1}};
	for (uint8_t i = 0; i < 5; i++) {
		lost.slot[0] = i;
		assert_int_equal(take(i % NODES, &lost, 1), 0);
		usleep(5000);
	}
	/* Beside one that stays. */
	lost.at_most = 2;
	lost.ms = 3600000;
	lost.slot[0] = 100;
	assert_int_equal(take(0, &lost, 1), 0);
	lost.ms = 1;
	for (uint8_t i = 0; i < 3; i++) {
		lost.slot[0] = i;
		usleep(5000);
		assert_int_equal(take(i % NODES, &lost, 1), 0);
	}
	usleep(5000);
	lost.ms = 3600000;
	assert_int_equal(take(0, &lost, 1), 0);
	lost.slot[0]++;
	assert_int_equal(take(0, &lost, 1), STORE_OVER);
}

/* Whatever is over, nothing is taken of what stands before or behind it. */
static void all_or_nothing(void **state)
{
	(void)state;
	await_server();
	const struct counted all[] = {
		{.kind = COUNTED_RATE, .key = {1}, .cost_us = HOUR_US, .most_us = HOUR_US},
		{.kind = COUNTED_RATE, .key = {2}, .cost_us = HOUR_US, .most_us = HOUR_US},
		{.kind = COUNTED_ONCE, .key = {3}, .ms = 3600000},
		{.kind = COUNTED_SLOT, .key = {4}, .ms = 3600000, .at_most = 1, .slot = {7}},
	};
	for (size_t i = 0; i < COUNT(all); i++) {
		struct counted items[COUNT(all)];
		memcpy(items, all, sizeof(all));
		for (size_t k = 0; k < COUNT(all); k++)
			items[k].key[1] = (uint8_t)i;
		assert_int_equal(take(0, &items[i], 1), 0);
		assert_int_equal(take(1, items, COUNT(items)), STORE_OVER);
		assert_int_equal(over, i);
		for (size_t k = 0; k < COUNT(all); k++)
			if (k != i)
				assert_int_equal(take(1, &items[k], 1), 0);
	}
	assert_int_equal(take(0, all, COUNT(all) - 1), STORE_OVER);
}

static void what_is_not_a_rate_is_refused(void **state)
{
	(void)state;
	await_server();
	const struct counted value = {.kind = COUNTED_ONCE, .key = {9}, .ms = 3600000};
	struct counted rate = {.kind = COUNTED_RATE, .key = {9}, .cost_us = 1, .most_us = HOUR_US};
	struct counted slot = {.kind = COUNTED_SLOT, .key = {9}, .ms = 1000, .at_most = 1};
	assert_int_equal(take(0, &slot, 1), 0);
	/* The key is something else's: nothing that could be reckoned with. */
	assert_int_equal(take(0, &rate, 1), STORE_AWAY);
	assert_int_equal(take(0, &value, 1), STORE_OVER);
	assert_true(store_up(nodes[0]));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_rate_counts_for_all_nodes),
		TEST(a_value_is_new_once),
		TEST(slots_come_back),
		TEST(all_or_nothing),
		TEST(what_is_not_a_rate_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
