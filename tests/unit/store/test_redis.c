/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store in Redis against one that says what the row wants: right, wrong, late, in
 * pieces, too much, nothing. The listening socket and the store share one reactor.
 */
#include "store/redis.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ears.h"
#include "unit.h"

#include "base/buf.h"
#include "net/reactor.h"
#include "net/sock.h"

static struct reactor reactor;
static struct stream_scratch scratch;
static struct store *store;
static int listener, peer;
static char heard[16384]; /* what the store sent, NUL behind */
static size_t heard_len;
static unsigned calls;
static int result;
static size_t over;
static char record[256];

static const uint8_t id[STORE_ID_BYTES] = {0xab, 1, 2};
#define KEY "sallyport:ticket:ab010200000000000000000000000000"

static void on_done(void *arg, int r, struct slice what)
{
	(void)arg;
	calls++;
	result = r;
	snprintf(record, sizeof(record), "%.*s", SLICE_ARG(what));
}

static void on_counted(void *arg, int r, size_t which)
{
	(void)arg;
	calls++;
	result = r;
	over = which;
}

static void turn(void)
{
	assert_int_equal(reactor_run_once(&reactor, 5), 0);
}

static void hear(void)
{
	size_t got;
	if (peer >= 0 &&
	    sock_recv(peer, heard + heard_len, sizeof(heard) - 1 - heard_len, &got) == 0)
		heard_len += got;
	heard[heard_len] = 0;
}

/* Until the store has sent these words. */
static void await(const char *words)
{
	for (int i = 0; i < 2000 && !strstr(heard, words); i++) {
		turn();
		hear();
	}
	if (!strstr(heard, words))
		fail_msg("wanted %s, heard %s", words, heard);
	heard_len = 0;
	heard[0] = 0;
}

static void say(const char *bytes)
{
	struct iovec part = {(void *)(uintptr_t)bytes, strlen(bytes)};
	size_t sent;
	assert_int_equal(sock_send(peer, &part, 1, false, &sent), 0);
	assert_int_equal(sent, strlen(bytes));
}

static void await_call(void)
{
	unsigned before = calls;
	for (int i = 0; i < 2000 && calls == before; i++)
		turn();
	assert_int_equal(calls, before + 1);
}

static void await_down(void)
{
	unsigned before = ears.downs;
	for (int i = 0; i < 2000 && ears.downs == before; i++)
		turn();
	assert_int_equal(ears.downs, before + 1);
}

static void meet(void)
{
	struct address from;
	int reserve = -1;
	if (peer >= 0)
		close(peer);
	peer = -1;
	heard_len = 0;
	heard[0] = 0;
	for (int i = 0; i < 2000 && peer < 0; i++) {
		turn();
		if (sock_accept(listener, &reserve, &peer, &from))
			peer = -1;
	}
	assert_true(peer >= 0);
}

static void begin(const char *user, const char *password, unsigned database)
{
	struct address a;
	assert_true(address_parse(SLICE("127.0.0.1"), &a));
	assert_int_equal(reactor_init(&reactor), 0);
	assert_int_equal(stream_scratch_init(&scratch, &reactor, 16 * 1024), 0);
	assert_int_equal(sock_listen(&a, 8, false, &listener), 0);
	calls = 0;
	ears_open();
	peer = -1;
	struct redis_facts facts = ears_facts(&scratch, sock_local(listener).port);
	facts.user = slice_from_cstr(user);
	facts.password = slice_from_cstr(password);
	facts.database = database;
	assert_int_equal(store_new_redis(&facts, &store), 0);
	assert_false(store_up(store));
	meet();
}

/* Up, and told that nothing was revoked. */
static void come_up(void)
{
	await("PING");
	say("+PONG\r\n");
	await("XREAD");
	assert_true(store_up(store));
	say("*-1\r\n");
	for (int i = 0; i < 100 && !store_told_all(store); i++)
		turn();
	assert_true(store_told_all(store));
}

static void end(void)
{
	store = store_free(store);
	if (peer >= 0)
		close(peer);
	close(listener);
	stream_scratch_deinit(&scratch);
	reactor_deinit(&reactor);
}

static void commands_are_these(void **state)
{
	(void)state;
	begin("", "", 0);
	come_up();
	store_put(store, id, SLICE("rec\0rd"), 61000, 1000, on_done, NULL);
	await("*6\r\n$3\r\nSET\r\n$49\r\n" KEY "\r\n$6\r\nrec");
	assert_int_equal(calls, 0);
	say("+O");
	turn();
	assert_int_equal(calls, 0);
	say("K\r\n");
	await_call();
	assert_int_equal(result, 0);
	store_take(store, id, 0, on_done, NULL);
	await("*2\r\n$6\r\nGETDEL\r\n$49\r\n" KEY "\r\n");
	say("$3\r\nabc\r\n");
	await_call();
	assert_int_equal(result, 0);
	assert_string_equal(record, "abc");
	store_publish(store, 2, SLICE("key one"), 77, on_done, NULL);
	await("$4\r\nXADD\r\n$21\r\nsallyport:revocations\r\n$6\r\nMAXLEN\r\n$1\r\n~\r\n");
	say("$3\r\n1-1\r\n");
	await_call();
	assert_int_equal(result, 0);
	/* what is under way when it ends is answered */
	store_take(store, id, 0, on_done, NULL);
	unsigned before = calls;
	end();
	assert_int_equal(calls, before + 1);
	assert_int_equal(result, STORE_AWAY);
}

static void what_it_says_to_a_ticket(void **state)
{
	static const struct {
		const char *says;
		bool put;
		int wanted;
	} rows[] = {
		{"-ERRcanary canary\r\n", true,
		 STORE_AWAY}, /* the first is the one that is logged */
		{"$-1\r\n", true, STORE_EXISTS},
		{"+QUEUED\r\n", true, STORE_AWAY},
		{":1\r\n", true, STORE_AWAY},
		{"-OOM command not allowed\r\n", true, STORE_FULL},
		{"-READONLY You can't write\r\n", true, STORE_AWAY},
		{"$2\r\nOK\r\n", true, STORE_AWAY},
		{"$-1\r\n", false, STORE_ABSENT},
		{"*0\r\n", false, STORE_AWAY},
		{"*-1\r\n", false, STORE_ABSENT},
		{"+OK\r\n", false, STORE_AWAY},
		{":0\r\n", false, STORE_AWAY},
		{"-WRONGTYPE Operation\r\n", false, STORE_AWAY},
		{"-NOPERM canary\r\n", false, STORE_AWAY},
		{"$0\r\n\r\n", false, 0},
	};
	(void)state;
	begin("", "", 0);
	come_up();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].put)
			store_put(store, id, SLICE("x"), 2, 1, on_done, NULL);
		else
			store_take(store, id, 1, on_done, NULL);
		await(KEY);
		say(rows[i].says);
		await_call();
		if (result != rows[i].wanted)
			fail_msg("%s: wanted %d, got %d", rows[i].says, rows[i].wanted, result);
	}
	assert_int_equal(ears.downs, 0);
	assert_null(strstr(ears.logged, "canary"));
	assert_non_null(strstr(ears.logged, "store_refused.detail="));
	end();
}

static void an_old_one(void **state)
{
	(void)state;
	begin("", "", 0);
	come_up();
	store_take(store, id, 0, on_done, NULL);
	await("GETDEL");
	say("-ERR unknown command `GETDEL`, with args beginning with: \r\n");
	await("EVAL");
	say("$1\r\nz\r\n");
	await_call();
	assert_string_equal(record, "z");
	store_take(store, id, 0, on_done, NULL);
	await("EVAL");
	say("-ERR unknown command `EVAL`\r\n");
	await_call();
	assert_int_equal(result, STORE_AWAY);
	end();
}

static void greetings(void **state)
{
	static const struct {
		const char *user, *password;
		unsigned database;
		const char *sends, *says, *detail; /* NULL: comes up */
	} rows[] = {
		{"", "pw", 0, "*2\r\n$4\r\nAUTH\r\n$2\r\npw\r\n*1\r\n$4\r\nPING",
		 "+OK\r\n+PONG\r\n", NULL},
		{"me", "pw", 3, "AUTH\r\n$2\r\nme\r\n$2\r\npw\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n",
		 "+OK\r\n+OK\r\n+PONG\r\n", NULL},
		{"", "pw", 0, "PING", "-WRONGPASS pw\r\n+PONG\r\n", "the password was refused"},
		{"", "pw", 0, "PING", "-ERR unknown command `AUTH` `pw`\r\n-NOAUTH\r\n",
		 "the password was refused"},
		{"", "", 9, "PING", "-ERR DB index is out of range\r\n+PONG\r\n",
		 "the database was refused"},
		{"", "", 0, "PING", "-NOAUTH Authentication required.\r\n", "it wants a password"},
		{"", "", 0, "PING", "-LOADING\r\n", "it is not ready"},
		{"", "", 0, "PING", "$4\r\nPONG\r\n", "it is not ready"},
		{"", "", 0, "PING", "HTTP/1.1 400 Bad Request\r\n",
		 "it does not speak as Redis does"},
		{"", "", 0, "PING", "+PONG\r\n+PONG\r\n+PONG\r\n", "it said something unasked"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin(rows[i].user, rows[i].password, rows[i].database);
		await(rows[i].sends);
		say(rows[i].says);
		if (rows[i].detail) {
			await_down();
			if (!strstr(ears.logged, rows[i].detail))
				fail_msg("%s: %s", rows[i].says, ears.logged);
			assert_false(store_up(store));
		} else {
			await("XREAD");
			assert_int_equal(ears.ups, 1);
		}
		assert_null(strstr(ears.logged, "pw"));
		end();
	}
}

static void it_comes_back(void **state)
{
	(void)state;
	begin("", "", 0);
	store_take(store, id, 0, on_done, NULL);
	assert_int_equal(calls, 1); /* at once */
	assert_int_equal(result, STORE_AWAY);
	come_up();
	store_take(store, id, 0, on_done, NULL);
	store_put(store, id, SLICE("x"), 2, 1, on_done, NULL);
	await("SET");
	say("$1\r\nz"); /* an unfinished answer is none */
	close(peer);
	peer = -1;
	await_down();
	assert_int_equal(calls, 3);
	assert_int_equal(result, STORE_AWAY);
	assert_false(store_up(store));
	meet();
	come_up();
	assert_int_equal(ears.ups, 2);
	store_take(store, id, 0, on_done, NULL);
	await("GETDEL");
	say("$-1\r\n");
	await_call();
	assert_int_equal(result, STORE_ABSENT);
	end();
}

static void a_silent_one_is_away(void **state)
{
	(void)state;
	begin("", "", 0);
	come_up();
	uint64_t began = reactor_now_ms(&reactor);
	store_take(store, id, 0, on_done, NULL);
	store_take(store, id, 0, on_done, NULL);
	await("GETDEL");
	say("$-1\r\n");
	await_call();
	await_call(); /* the second is never answered */
	uint64_t took = reactor_now_ms(&reactor) - began;
	assert_int_equal(result, STORE_AWAY);
	assert_true(took >= STORE_ANSWER_MS - 10 && took < STORE_ANSWER_MS + 1000);
	assert_int_equal(ears.downs, 1);
	end();
}

static void there_is_an_end_to_questions(void **state)
{
	(void)state;
	begin("", "", 0);
	come_up();
	for (int i = 0; i < REDIS_UNDER_WAY_MAX + 10; i++)
		store_take(store, id, 0, on_done, NULL);
	assert_true(calls >= 10 && calls <= 11); /* one may be a question for revocations */
	end();
	assert_int_equal(calls, REDIS_UNDER_WAY_MAX + 10);
}

/* However many ask for tickets: what others revoked is asked for, and what was revoked here is
 * told. */
static void revocations_come_first(void **state)
{
	char bytes[65536 + 1] = "";
	size_t got = 0, kept = 0;
	bool asked = false, said = false;

	(void)state;
	begin("", "", 0);
	come_up();
	for (int i = 0; i < REDIS_UNDER_WAY_MAX + 10; i++)
		store_take(store, id, 0, on_done, NULL);
	store_publish(store, 2, SLICE("key"), 77, on_done, NULL);
	for (int i = 0; i < 500 && !(asked && said); i++) {
		turn();
		if (sock_recv(peer, bytes + kept, sizeof(bytes) - 1 - kept, &got))
			continue;
		bytes[kept + got] = 0;
		asked |= strstr(bytes, "XREAD") != NULL;
		said |= strstr(bytes, "XADD") != NULL;
		got += kept; /* a word may be in two pieces */
		kept = got < 8 ? got : 8;
		memmove(bytes, bytes + got - kept, kept);
	}
	assert_true(asked && said);
	end();
}

#define SUBJECT(subject, mine, max)                                                                \
	"$5\r\n15000\r\n$" subject "\r\n$1\r\n" mine "\r\n$1\r\n" max                              \
	"\r\n$22\r\nsallyport:connections:\r\n"
#define TOLD(subject, n) "$5\r\n15000\r\n$" subject "\r\n$1\r\n" n "\r\n"

static void enter(const char *subject, const char *sends, const char *says, int wanted)
{
	store_enter(store, slice_from_cstr(subject), 3, on_done, NULL);
	await(sends);
	say(says);
	await_call();
	if (result != wanted)
		fail_msg("%s: wanted %d, got %d", says, wanted, result);
}

static void connections_of_a_subject(void **state)
{
	static const struct {
		const char *says;
		int wanted;
	} rows[] = {
		{":0\r\n", STORE_FULL},
		{":2\r\n", STORE_AWAY},
		{"+OK\r\n", STORE_AWAY},
		{"$1\r\n1\r\n", STORE_AWAY},
		{"*-1\r\n", STORE_AWAY},
		{"-NOPERM canary\r\n", STORE_AWAY},
		{"-READONLY You\r\n", STORE_AWAY},
		{":-1\r\n", STORE_AWAY},
	};
	(void)state;
	begin("", "", 0);
	come_up();
	enter("alice", SUBJECT("5\r\nalice", "1", "3"), ":1\r\n", 0);
	enter("alice", SUBJECT("5\r\nalice", "2", "3"), ":1\r\n", 0);
	enter("bob", SUBJECT("3\r\nbob", "1", "3"), ":1\r\n", 0);
	/* who is not let in is not counted, and the number is written as it was */
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enter("alice", SUBJECT("5\r\nalice", "3", "3"), rows[i].says, rows[i].wanted);
		await(TOLD("5\r\nalice", "2"));
		say(":1\r\n");
	}
	store_leave(store, SLICE("alice"));
	await(TOLD("5\r\nalice", "1"));
	say(":1\r\n");
	store_leave(store, SLICE("alice"));
	await(TOLD("5\r\nalice", "0"));
	say(":1\r\n");
	enter("alice", SUBJECT("5\r\nalice", "1", "3"), ":1\r\n", 0);
	assert_int_equal(ears.downs, 0);
	assert_null(strstr(ears.logged, "canary"));
	end();
}

/* Somebody who comes while another's answer is on its way. */
static void numbers_that_cross(void **state)
{
	(void)state;
	begin("", "", 0);
	come_up();
	store_enter(store, SLICE("alice"), 3, on_done, NULL);
	store_enter(store, SLICE("alice"), 3, on_done, NULL);
	await(SUBJECT("5\r\nalice", "2", "3"));
	say(":0\r\n");
	await_call();
	assert_int_equal(result, STORE_FULL);
	await(TOLD("5\r\nalice", "1"));
	say(":1\r\n");
	await_call();
	assert_int_equal(result, 0);
	/* it was written as 2 before we said 1, and 1 it is */
	await(TOLD("5\r\nalice", "1"));
	say(":1\r\n:1\r\n");
	turn();
	assert_int_equal(ears.downs, 0);
	end();
}

static void what_was_counted_is_told_again(void **state)
{
	(void)state;
	begin("", "", 0);
	/* without Redis each node counts for itself */
	store_enter(store, SLICE("carol"), 3, on_done, NULL);
	assert_int_equal(calls, 1);
	assert_int_equal(result, 0);
	await("PING");
	say("+PONG\r\n");
	await(TOLD("5\r\ncarol", "1"));
	say(":0\r\n:0\r\n:1\r\n*-1\r\n");
	for (int i = 0; i < 100 && !store_told_all(store); i++)
		turn();
	enter("alice", SUBJECT("5\r\nalice", "1", "3"), ":1\r\n", 0);
	/* an answer that never comes: counted here all the same */
	store_enter(store, SLICE("alice"), 3, on_done, NULL);
	await(SUBJECT("5\r\nalice", "2", "3"));
	close(peer);
	peer = -1;
	await_down();
	assert_int_equal(calls, 3);
	assert_int_equal(result, 0);
	store_leave(store, SLICE("carol"));
	meet();
	await("PING");
	say("+PONG\r\n");
	/* only who is still here */
	await(TOLD("5\r\nalice", "2") "*6\r\n$5\r\nXREAD");
	end();
}

#define ENTRY(id, kind, at, what)                                                                  \
	"*2\r\n$3\r\n" id "\r\n*8\r\n$4\r\nnode\r\n$1\r\nx\r\n$4\r\nkind\r\n" kind                 \
	"$2\r\nat\r\n" at "$4\r\nwhat\r\n" what
#define PAGE(count, entries) "*1\r\n*2\r\n$21\r\nsallyport:revocations\r\n*" count "\r\n" entries

static void revocations_of_others(void **state)
{
	(void)state;
	begin("", "", 0);
	await("PING");
	say("+PONG\r\n");
	await("$3\r\n0-0\r\n");
	assert_false(store_told_all(store));
	say(PAGE("2", ENTRY("5-0", "$1\r\n1\r\n", "$2\r\n77\r\n", "$5\r\nalice\r\n")
			      ENTRY("5-1", "$1\r\n2\r\n", "$2\r\n78\r\n", "$3\r\nkey\r\n")));
	await("$3\r\n5-1\r\n"); /* only what came behind */
	assert_true(store_told_all(store));
	assert_int_equal(ears.tolds, 2);
	assert_string_equal(ears.what, "key");
	assert_int_equal(ears.kind, 2);
	assert_int_equal(ears.at, 78);
	/* nonsense is said, passed over, and hides nothing behind it */
	say(PAGE("4",
		 ENTRY("6-0", "$1\r\nx\r\n", "$2\r\n77\r\n",
		       "$1\r\na\r\n") ENTRY("6-1", "$1\r\n1\r\n", "$2\r\n-7\r\n", "$1\r\na\r\n")
			 ENTRY("6-2", "$1\r\n1\r\n", "$2\r\n77\r\n", "$0\r\n\r\n")
				 ENTRY("6-3", "$1\r\n1\r\n", "$2\r\n77\r\n", "$3\r\nbob\r\n")));
	await("$3\r\n6-3\r\n");
	assert_int_equal(ears.tolds, 3);
	assert_string_equal(ears.what, "bob");
	assert_non_null(strstr(ears.logged, "revocation_unreadable"));
	say("-WRONGTYPE\r\n");
	await("$3\r\n6-3\r\n");
	say("+strange\r\n");
	await("$3\r\n6-3\r\n");
	say("*1\r\n*1\r\n:1\r\n");
	await("$3\r\n6-3\r\n");
	say("*-1\r\n");
	store_tell_again(store);
	await("$3\r\n0-0\r\n");
	assert_int_equal(ears.downs, 0);
	end();
}

static const struct counted wanted[] = {
	{.kind = COUNTED_RATE, .key = {0xab, 1}, .cost_us = 12000000, .most_us = 60000000},
	{.kind = COUNTED_ONCE, .key = {0xab, 2}, .ms = 300000},
	{.kind = COUNTED_SLOT, .key = {0xab, 3}, .ms = 30000, .at_most = 4, .slot = {0xcd}},
};
#define ZEROS "0000000000000000000000000000"
#define COUNTED                                                                                    \
	"$1\r\n3\r\n$48\r\nsallyport:count:ab01" ZEROS "\r\n$48\r\nsallyport:count:ab02" ZEROS     \
	"\r\n$48\r\nsallyport:count:ab03" ZEROS                                                    \
	"\r\n$4\r\nrate\r\n$8\r\n12000000\r\n$8\r\n60000000\r\n"                                   \
	"$0\r\n\r\n$4\r\nonce\r\n$6\r\n300000\r\n$1\r\n0\r\n$0\r\n\r\n$4\r\nslot\r\n$"             \
	"5\r\n30000\r\n"                                                                           \
	"$1\r\n4\r\n$32\r\ncd00" ZEROS "\r\n"

static void what_is_counted_is_one_command(void **state)
{
	(void)state;
	begin("", "", 0);
	come_up();
	store_counted_take(store, wanted, 3, on_counted, NULL);
	await("*18\r\n$7\r\nEVALSHA\r\n$40\r\n");
	/* It does not know the script: nothing was done, and it is told. */
	say("-NOSCRIPT No matching script\r\n");
	await(COUNTED);
	assert_int_equal(calls, 0);
	say(":0\r\n");
	await_call();
	assert_int_equal(result, 0);
	store_counted_take(store, wanted, 3, on_counted, NULL);
	await(COUNTED);
	say("-NOSCRIPT No matching script\r\n");
	await("*18\r\n$4\r\nEVAL\r\n");
	/* Once is enough. */
	say("-NOSCRIPT No matching script\r\n");
	await_call();
	assert_int_equal(result, STORE_AWAY);
	store_counted_give(store, wanted[2].key, wanted[2].slot);
	await("*3\r\n$4\r\nZREM\r\n$48\r\nsallyport:count:ab03" ZEROS "\r\n$32\r\ncd00" ZEROS
	      "\r\n");
	say("-WRONGTYPE\r\n"); /* is said, and nothing waits for it */
	store_counted_take(store, wanted, 1, on_counted, NULL);
	await("EVALSHA");
	say(":0\r\n");
	await_call();
	/* What is under way when it ends is answered, and what cannot be asked, at once. */
	store_counted_take(store, wanted, 1, on_counted, NULL);
	store_counted_give(store, wanted[2].key, wanted[2].slot);
	unsigned before = calls;
	result = 0;
	close(peer);
	peer = -1;
	await_down();
	assert_int_equal(calls, before + 1);
	assert_int_equal(result, STORE_AWAY);
	result = 0;
	store_counted_take(store, wanted, 1, on_counted, NULL);
	store_counted_give(store, wanted[2].key, wanted[2].slot);
	assert_int_equal(calls, before + 2);
	assert_int_equal(result, STORE_AWAY);
	end();
}

static void what_it_says_to_a_count(void **state)
{
	static const struct {
		const char *says;
		int wanted;
		size_t over;
	} rows[] = {
		{":0\r\n", 0, 0},
		{":1\r\n", STORE_OVER, 0},
		{":3\r\n", STORE_OVER, 2},
		{":4\r\n", STORE_AWAY, 0},
		{":-1\r\n", STORE_AWAY, 0},
		{"$1\r\n0\r\n", STORE_AWAY, 0},
		{"$-1\r\n", STORE_AWAY, 0},
		{"+OK\r\n", STORE_AWAY, 0},
		{"*0\r\n", STORE_AWAY, 0},
		{"-OOM command not allowed\r\n", STORE_AWAY, 0},
		{"-ERR user_script:1: canary\r\n", STORE_AWAY, 0},
		{"-READONLY You can't write\r\n", STORE_AWAY, 0},
	};
	(void)state;
	begin("", "", 0);
	come_up();
	for (size_t i = 0; i < COUNT(rows); i++) {
		result = -1;
		store_counted_take(store, wanted, 3, on_counted, NULL);
		await("EVALSHA");
		say(rows[i].says);
		await_call();
		if (result != rows[i].wanted || over != rows[i].over)
			fail_msg("%s: wanted %d, got %d", rows[i].says, rows[i].wanted, result);
	}
	assert_null(strstr(ears.logged, "canary"));
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_are_these),
		cmocka_unit_test(what_it_says_to_a_ticket),
		cmocka_unit_test(an_old_one),
		cmocka_unit_test(greetings),
		cmocka_unit_test(it_comes_back),
		cmocka_unit_test(a_silent_one_is_away),
		cmocka_unit_test(there_is_an_end_to_questions),
		cmocka_unit_test(revocations_come_first),
		cmocka_unit_test(revocations_of_others),
		cmocka_unit_test(what_is_counted_is_one_command),
		cmocka_unit_test(what_it_says_to_a_count),
		cmocka_unit_test(connections_of_a_subject),
		cmocka_unit_test(numbers_that_cross),
		cmocka_unit_test(what_was_counted_is_told_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
