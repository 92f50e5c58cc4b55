/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store in Redis while each allocation fails: once, and from the n-th on
 * until memory is back. Whoever asked is answered once; what other nodes revoked arrives all the
 * same; no descriptor is lost, and under AddressSanitizer nothing at all.
 *
 * The Redis is here, too: it speaks from the same thread and asks for no memory.
 */
#include "store/redis.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "descriptors.h"
#include "ears.h"
#include "failmalloc.h"
#include "net/reactor.h"
#include "net/sock.h"
#include "unit.h"

enum { OPERATIONS = 6, PATIENCE = 5000 /* turns of a millisecond */ };

#define REVOKED                                                                                    \
	"*1\r\n*2\r\n$21\r\nsallyport:revocations\r\n*1\r\n"                                       \
	"*2\r\n$3\r\n5-0\r\n*8\r\n$4\r\nnode\r\n$1\r\nx\r\n$4\r\nkind\r\n$1\r\n1\r\n"              \
	"$2\r\nat\r\n$2\r\n77\r\n$4\r\nwhat\r\n$5\r\nalice\r\n"

static struct reactor reactor;
static struct stream_scratch scratch;
static struct store *store;
static int listener, peer = -1;
static char heard[65536];
static size_t heard_len;
static bool knows_script;
static unsigned asked, answered;

/* --- Redis */

static void say(const char *text)
{
	(void)!send(peer, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static bool holds(struct slice command, const char *words)
{
	return memmem(command.data, command.len, words, strlen(words)) != NULL;
}

static void answer(struct slice command)
{
	bool counted = holds(command, "\r\nsallyport:count:");

	if (holds(command, "\r\nPING\r\n"))
		say("+PONG\r\n");
	else if (holds(command, "\r\nSET\r\n"))
		say("+OK\r\n");
	else if (holds(command, "\r\nGETDEL\r\n"))
		say("$3\r\nabc\r\n");
	else if (holds(command, "\r\nXADD\r\n"))
		say("$3\r\n9-9\r\n");
	else if (holds(command, "\r\nXREAD\r\n"))
		say(holds(command, "\r\n0-0\r\n") ? REVOKED : "*-1\r\n");
	else if (holds(command, "\r\nEVALSHA\r\n") && !knows_script)
		say("-NOSCRIPT No matching script\r\n");
	else
		say(counted ? ":0\r\n" : ":1\r\n");
	knows_script |= holds(command, "\r\nEVAL\r\n") && counted;
}

/* A line "<mark>number", or -1 where it is not whole yet. */
static long number(const char **at, const char *end)
{
	const char *line_end = memchr(*at, '\n', (size_t)(end - *at));
	long n = line_end ? strtol(*at + 1, NULL, 10) : -1;

	*at = line_end ? line_end + 1 : *at;
	return n;
}

/* The bytes of the first command, 0 as long as it is not whole. */
static size_t command_bytes(void)
{
	const char *at = heard, *end = heard + heard_len;

	long words = number(&at, end);
	if (words < 0)
		return 0;
	while (words--) {
		long len = number(&at, end);
		if (len < 0 || end - at < len + 2)
			return 0;
		at += len + 2;
	}
	return (size_t)(at - heard);
}

static void forget_peer(void)
{
	if (peer >= 0)
		close(peer);
	peer = -1;
	heard_len = 0;
}

static void serve(void)
{
	int next = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (next >= 0) {
		forget_peer();
		peer = next;
	}
	if (peer < 0)
		return;
	ssize_t n = recv(peer, heard + heard_len, sizeof(heard) - heard_len, 0);
	if (n == 0)
		forget_peer();
	else if (n > 0)
		heard_len += (size_t)n;
	for (size_t bytes; heard_len && (bytes = command_bytes());) {
		answer(slice_of(heard, bytes));
		heard_len -= bytes;
		memmove(heard, heard + bytes, heard_len);
	}
}

/* --- the store */

static bool orderly(int r)
{
	return r == 0 || r == -ENOMEM || r == STORE_AWAY;
}

static void on_done(void *arg, int r, struct slice record)
{
	bool *entered = arg;

	assert_true(orderly(r));
	assert_true(r == 0 || !record.len);
	assert_true(!record.len || slice_eq(record, SLICE("abc")));
	if (entered)
		*entered = r == 0;
	answered++;
}

static void on_counted(void *arg, int r, size_t over)
{
	(void)arg;
	(void)over;
	assert_true(orderly(r));
	answered++;
}

static const uint8_t id[STORE_ID_BYTES] = {1};
static const struct counted counted[] = {
	{.kind = COUNTED_RATE, .key = {0xab, 1}, .cost_us = 12000000, .most_us = 60000000},
	{.kind = COUNTED_SLOT, .key = {0xab, 3}, .ms = 30000, .at_most = 4, .slot = {0xcd}},
};

static void ask_everything(bool *entered)
{
	store_put(store, id, SLICE("record"), 60000, 1000, on_done, NULL);
	store_take(store, id, 1000, on_done, NULL);
	store_publish(store, 2, SLICE("key"), 77, on_done, NULL);
	store_enter(store, SLICE("alice"), 3, on_done, &entered[0]);
	store_enter(store, SLICE("bob"), 3, on_done, &entered[1]);
	store_counted_take(store, counted, COUNT(counted), on_counted, NULL);
	store_counted_give(store, counted[1].key, counted[1].slot);
	asked += OPERATIONS;
}

static bool all_answered(void)
{
	return answered == asked;
}

static bool whole_again(void)
{
	return store_up(store) && store_told_all(store) && ears.tolds > 0;
}

/* Turns until it is so. */
static void turn_until(bool (*so)(void), const char *what)
{
	for (int i = 0; i < PATIENCE && !so(); i++) {
		assert_int_equal(reactor_run_once(&reactor, 1), 0);
		serve();
	}
	if (!so())
		fail_msg("it did not come: %s (up %d, told all %d, told %u, %u of %u answered)",
			 what, store_up(store), store_told_all(store), ears.tolds, answered, asked);
}

static void leave(bool *entered)
{
	if (entered[0])
		store_leave(store, SLICE("alice"));
	if (entered[1])
		store_leave(store, SLICE("bob"));
	entered[0] = entered[1] = false;
}

static int make_store(void)
{
	const struct redis_facts facts = ears_facts(&scratch, sock_local(listener).port);

	return store_new_redis(&facts, &store);
}

/* A store's life with that allocation failing. Returns whether there was such a one. */
static bool live(size_t n, void (*lack)(size_t n), bool come_up_first)
{
	bool entered[2] = {false};

	ears_open();
	asked = answered = 0;
	if (!come_up_first)
		lack(n);
	int r = make_store();
	if (r) {
		assert_int_equal(r, -ENOMEM);
		assert_true(failmalloc_stop());
		return true;
	}
	if (come_up_first) {
		turn_until(whole_again, "a start");
		lack(n);
	}
	for (int i = 0; i < 20; i++) {
		assert_int_equal(reactor_run_once(&reactor, 1), 0);
		serve();
	}
	ask_everything(entered);
	turn_until(all_answered, "answers");
	leave(entered);
	bool failed = failmalloc_stop();
	turn_until(whole_again, "the store again, and what was revoked");
	assert_int_equal(ears.kind, 1);
	assert_string_equal(ears.what, "alice");
	assert_int_equal(ears.at, 77);
	ask_everything(entered);
	turn_until(all_answered, "answers afterwards");
	leave(entered);
	store_take(store, id, 1000, on_done, NULL); /* under way when it ends */
	asked++;
	store = store_free(store);
	assert_true(all_answered());
	return failed;
}

static size_t torture(void (*lack)(size_t n), bool come_up_first)
{
	struct address a;
	size_t points = 0;

	assert_true(address_parse(SLICE("127.0.0.1"), &a));
	unsigned open_before = open_descriptors();
	assert_int_equal(reactor_init(&reactor), 0);
	assert_int_equal(stream_scratch_init(&scratch, &reactor, 16 * 1024), 0);
	assert_int_equal(sock_listen(&a, 64, false, &listener), 0);
	FAILMALLOC_EACH (n) {
		knows_script = false;
		if (!live(n, lack, come_up_first))
			break;
		points++;
	}
	forget_peer();
	close(listener);
	stream_scratch_deinit(&scratch);
	reactor_deinit(&reactor);
	assert_int_equal(open_descriptors(), open_before);
	return points;
}

static void each_allocation_fails_once(void **state)
{
	(void)state;
	assert_true(torture(failmalloc_at, false) > 10);
}

static void memory_stays_away(void **state)
{
	(void)state;
	assert_true(torture(failmalloc_from, false) > 10);
}

static void memory_goes_away_later(void **state)
{
	(void)state;
	assert_true(torture(failmalloc_at, true) > 5);
	assert_true(torture(failmalloc_from, true) > 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_allocation_fails_once),
		cmocka_unit_test(memory_stays_away),
		cmocka_unit_test(memory_goes_away_later),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
