/* SPDX-License-Identifier: Apache-2.0 */
#include "net/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>

#include "failmalloc.h"
#include "net/talk.h"

static struct talk talk;

/* A stream on one side, a bare socket on the other. */
struct bench {
	struct reactor reactor;
	struct stream_scratch scratch;
	struct budget budget;
	struct stream s;
	int peer;
	unsigned why, calls; /* all that fn was told */
	bool deinit_in_fn;
};

static struct bench b;

static void told(struct stream *s, unsigned why)
{
	b.why |= why;
	b.calls++;
	if (b.deinit_in_fn)
		stream_deinit(s);
}

static void bench_on(const int pair[2], size_t max_pending, uint64_t budget)
{
	memset(&b, 0, sizeof(b));
	budget_init(&b.budget, budget, NULL);
	assert_int_equal(reactor_init(&b.reactor), 0);
	assert_int_equal(stream_scratch_init(&b.scratch, &b.reactor, 65536), 0);
	b.peer = pair[1];
	assert_int_equal(stream_init(&b.s, &b.scratch, pair[0], told, max_pending, &b.budget), 0);
}

static void bench_begin(size_t max_pending, uint64_t budget)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair),
			 0);
	bench_on(pair, max_pending, budget);
}

static int bench_end(void **state)
{
	(void)state;
	stream_deinit(&b.s);
	if (b.peer >= 0)
		close(b.peer);
	budget_deinit(&b.budget);
	stream_scratch_deinit(&b.scratch);
	reactor_deinit(&b.reactor);
	return 0;
}

static void turn(void)
{
	assert_int_equal(reactor_run_once(&b.reactor, 0), 0);
}

static void say(const char *text)
{
	assert_int_equal(write(b.peer, text, strlen(text)), strlen(text));
}

static size_t heard(void)
{
	char text[65536];
	size_t all = 0;
	ssize_t n;

	while ((n = read(b.peer, text, sizeof(text))) > 0)
		all += (size_t)n;
	return all;
}

static void assert_reads(const char *wanted)
{
	struct stream_bytes got;

	assert_int_equal(stream_read(&b.s, &got), 0);
	assert_slice(slice_of(got.data, got.len), wanted);
}

static void assert_reads_outcome(int wanted)
{
	struct stream_bytes got;

	assert_int_equal(stream_read(&b.s, &got), wanted);
}

static void conversations(void **state)
{
	(void)state;
	EACH_ROW (row, talk_rows) {
		srandom((unsigned)(row - talk_rows));
		talk_row(&talk, row, NULL);
	}
}

static void idle_owns_nothing(void **state)
{
	(void)state;
	bench_begin(1000, 1000);
	assert_true(sizeof(struct stream) <= 128);
	turn();
	failmalloc_at(0);
	for (int i = 0; i < 100; i++) {
		say("hello");
		turn();
		assert_reads("hello");
		assert_int_equal(stream_write(&b.s, SLICE("hello yourself")), 0);
		turn();
		assert_int_equal(heard(), 14);
	}
	assert_int_equal(failmalloc_count(), 0); /* nothing is allocated per message */
	assert_int_equal(b.budget.used, 0);
	assert_null(b.s.cork);
	assert_null(b.s.out);
}

static void one_recv_per_read_one_send_per_round(void **state)
{
	(void)state;
	bench_begin(100000, 100000);
	turn();
	for (int i = 0; i < 50; i++)
		say("message ");
	turn();
	struct stream_bytes got;
	assert_int_equal(stream_read(&b.s, &got), 0);
	assert_int_equal(got.len, 400);
	assert_int_equal(b.scratch.recvs, 1);
	assert_reads_outcome(STREAM_AGAIN); /* known from the short read: */
	assert_int_equal(b.scratch.recvs, 1);
	for (int i = 0; i < 50; i++)
		assert_int_equal(stream_write(&b.s, SLICE("answer")), 0);
	assert_int_equal(b.scratch.sends, 0);
	assert_int_equal(stream_pending_bytes(&b.s), 300);
	turn();
	assert_int_equal(b.scratch.sends, 1);
	assert_int_equal(stream_pending_bytes(&b.s), 0);
	assert_int_equal(heard(), 300);
}

/* What a read brought leaves from where it lies, in its place among what is copied. */
static void what_is_lent_leaves_in_order(void **state)
{
	struct stream_bytes got;

	(void)state;
	bench_begin(1000, 1000);
	turn();
	failmalloc_at(0);
	say("one two three four ");
	turn();
	assert_int_equal(stream_read(&b.s, &got), 0);
	assert_int_equal(stream_write(&b.s, SLICE("zero ")), 0);
	assert_int_equal(stream_lend(&b.s, slice_of(got.data, 4)), 0);
	assert_int_equal(stream_lend(&b.s, slice_of(got.data + 4, 4)), 0);
	assert_int_equal(stream_pending_bytes(&b.s), 13);
	/* not right behind: is gathered */
	assert_int_equal(stream_lend(&b.s, slice_of(got.data + 14, 5)), 0);
	assert_int_equal(stream_pending_bytes(&b.s), 18);
	assert_int_equal(stream_write(&b.s, SLICE("five ")), 0);
	assert_int_equal(stream_lend(&b.s, slice_of(got.data, 3)), 0);
	assert_int_equal(b.scratch.sends, 0);
	turn();
	assert_int_equal(b.scratch.sends, 1);
	assert_int_equal(stream_pending_bytes(&b.s), 0);
	turn();
	assert_int_equal(b.scratch.sends, 1);
	assert_int_equal(failmalloc_count(), 0);
	static const char wanted[] = "zero one two four five one";
	char text[64];
	ssize_t n = recv(b.peer, text, sizeof(text), MSG_DONTWAIT);
	assert_int_equal(n, sizeof(wanted) - 1);
	assert_memory_equal(text, wanted, sizeof(wanted) - 1);
}

/* Not more than may wait, nothing once it is broken, and forgotten with the stream's end. */
static void what_is_lent_has_its_limits(void **state)
{
	struct stream_bytes got;

	(void)state;
	bench_begin(10, 1000);
	turn();
	say("one two three four ");
	turn();
	assert_int_equal(stream_read(&b.s, &got), 0);
	assert_int_equal(stream_lend(&b.s, slice_of(got.data, 11)), STREAM_FULL);
	assert_int_equal(stream_lend(&b.s, slice_of(got.data, 8)), 0);
	assert_int_equal(b.scratch.sends, 0);
	/* There would be no room behind it: it has to go first. */
	assert_int_equal(stream_lend(&b.s, slice_of(got.data + 8, 6)), 0);
	assert_int_equal(b.scratch.sends, 1);
	assert_int_equal(stream_pending_bytes(&b.s), 6);
	stream_abort(&b.s);
	turn();
	assert_int_equal(b.scratch.sends, 1);
}

static void a_full_read_is_followed_by_another(void **state)
{
	static char text[100000];
	struct stream_bytes got;
	int size = 1 << 20;

	(void)state;
	bench_begin(1000, 1000);
	setsockopt(b.peer, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	turn();
	assert_int_equal(write(b.peer, text, sizeof(text)), sizeof(text));
	turn();
	assert_int_equal(stream_read(&b.s, &got), 0);
	assert_int_equal(got.len, 65536);
	b.why = 0;
	turn(); /* the kernel says nothing, yet: */
	assert_int_equal(b.why, STREAM_READ);
	assert_int_equal(stream_read(&b.s, &got), 0);
	assert_int_equal(got.len, sizeof(text) - 65536);
}

static void the_end_behind_the_bytes(void **state)
{
	(void)state;
	bench_begin(1000, 1000);
	say("last words");
	shutdown(b.peer, SHUT_WR);
	turn();
	assert_true(b.why & STREAM_GONE);
	assert_reads("last words");
	b.why = 0;
	turn();
	assert_true(b.why & STREAM_READ);
	assert_reads_outcome(STREAM_CLOSED);
	assert_reads_outcome(STREAM_CLOSED);
	assert_true(stream_hung_up(&b.s));
	assert_int_equal(stream_write(&b.s, SLICE("I can still speak")), 0);
	turn();
	assert_int_equal(heard(), 17);
}

static void full_takes_nothing(void **state)
{
	static char text[70000];
	int size = 4096;
	size_t written = 0, got = 0;

	(void)state;
	bench_begin(150000, 1 << 20);
	setsockopt(b.s.io.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	turn();
	int r;
	while ((r = stream_write(&b.s, slice_of(text, sizeof(text)))) == 0)
		written += sizeof(text);
	assert_int_equal(r, STREAM_FULL);
	assert_true(stream_pending_bytes(&b.s) <= 150000);
	assert_true(stream_pending_bytes(&b.s) > 150000 - sizeof(text));
	size_t before = stream_pending_bytes(&b.s);
	assert_int_equal(b.scratch.sends, 1); /* it went in part: that was to say "no room" */
	assert_int_equal(stream_write(&b.s, slice_of(text, sizeof(text))), STREAM_FULL);
	assert_int_equal(stream_pending_bytes(&b.s), before);
	assert_true(b.budget.used == before);
	/* Nor is it lent more than there is room for behind what waits. */
	size_t room = 150000 - before;
	assert_true(room > 3);
	assert_int_equal(stream_write(&b.s, slice_of(text, room - 3)), 0);
	assert_int_equal(stream_flush(&b.s), 0);
	assert_int_equal(stream_lend(&b.s, slice_of(b.scratch.plain, 4)), STREAM_FULL);
	assert_int_equal(stream_lend(&b.s, slice_of(b.scratch.plain, 3)), 0);
	written += room;
	turn();
	b.why = 0;
	for (int i = 0; i < 1000 && got < written; i++) {
		got += heard();
		turn();
	}
	assert_int_equal(got, written);
	assert_true(b.why & STREAM_WRITE);
	assert_true(b.budget.used == 0);
	assert_int_equal(stream_write(&b.s, slice_of(text, 150001)), STREAM_FULL);
}

static void out_of_budget_breaks(void **state)
{
	static char text[90000];
	int size = 4096;

	(void)state;
	bench_begin(1 << 20, 1000);
	setsockopt(b.s.io.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	turn();
	b.why = 0;
	assert_int_equal(stream_write(&b.s, slice_of(text, sizeof(text))), STREAM_FULL);
	turn();
	turn();
	assert_true(b.why & STREAM_GONE);
	assert_int_equal(stream_write(&b.s, SLICE("x")), STREAM_FULL);
	assert_int_equal(stream_lend(&b.s, slice_of(b.scratch.plain, 1)), STREAM_FULL);
	assert_reads_outcome(STREAM_FULL);
	assert_true(b.budget.used == 0);
}

static void given_back_is_read_first(void **state)
{
	struct stream_bytes got;

	(void)state;
	bench_begin(1000, 4);
	say("onetwo");
	turn();
	assert_int_equal(stream_read(&b.s, &got), 0);
	assert_int_equal(stream_unread(&b.s, slice_of(got.data + 3, 3)), 0);
	assert_int_equal(b.budget.used, 3);
	say("three");
	turn();
	assert_reads("two");
	assert_int_equal(b.budget.used, 0);
	b.why = 0;
	turn();
	assert_true(b.why & STREAM_READ);
	assert_int_equal(stream_read(&b.s, &got), 0);
	assert_slice(slice_of(got.data, got.len), "three");
	assert_int_equal(stream_unread(&b.s, slice_of(got.data, got.len)), STREAM_FULL);
	assert_int_equal(b.budget.used, 0);
}

static void not_reading_and_resuming(void **state)
{
	(void)state;
	bench_begin(1000, 1000);
	turn();
	say("wait");
	turn();
	b.calls = 0;
	turn();
	turn();
	assert_int_equal(b.calls, 0); /* it knows, and is not told again */
	stream_resume(&b.s);
	turn();
	assert_int_equal(b.calls, 1);
	assert_reads("wait");
}

static void resuming_with_nothing_there(void **state)
{
	(void)state;
	bench_begin(1000, 1000);
	say("all");
	turn();
	assert_reads("all");
	assert_reads_outcome(STREAM_AGAIN); /* the kernel has nothing more to tell */
	b.calls = b.why = 0;
	stream_resume(&b.s);
	turn();
	assert_int_equal(b.calls, 1);
	assert_int_equal(b.why, STREAM_READ);
	turn();
	assert_int_equal(b.calls, 1); /* once */
}

static void fin_follows_what_waits(void **state)
{
	static char text[90000];
	int size = 4096;
	size_t got = 0;
	char c;

	(void)state;
	bench_begin(100000, 100000);
	setsockopt(b.s.io.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	turn();
	assert_int_equal(stream_write(&b.s, slice_of(text, sizeof(text))), 0);
	assert_int_equal(stream_shutdown(&b.s), STREAM_AGAIN);
	assert_true(stream_write(&b.s, SLICE("too late")) < 0);
	assert_int_equal(stream_shutdown(&b.s), STREAM_AGAIN);
	while (got < sizeof(text)) {
		got += heard();
		turn();
	}
	assert_int_equal(got, sizeof(text));
	assert_int_equal(read(b.peer, &c, 1), 0);
	assert_int_equal(stream_shutdown(&b.s), 0);
	say("reading goes on");
	turn();
	assert_reads("reading goes on");
}

static uint32_t packets_come(int fd)
{
	struct tcp_info info;
	socklen_t size = sizeof(info);

	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
	return info.tcpi_segs_in;
}

static void last_words_and_fin_are_one_packet(void **state)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), pair[2];

	(void)state;
	assert_int_equal(bind(listener, (struct sockaddr *)&at, size), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &size), 0);
	pair[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(pair[0], (struct sockaddr *)&at, size), 0);
	pair[1] = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	close(listener);
	fcntl(pair[0], F_SETFL, O_NONBLOCK);
	bench_on(pair, 1000, 1000);
	turn();
	uint32_t before = packets_come(b.peer);
	assert_int_equal(stream_write(&b.s, SLICE("bye")), 0);
	assert_int_equal(stream_shutdown(&b.s), 0);
	assert_int_equal(heard(), 3);
	assert_int_equal(read(b.peer, &(char){0}, 1), 0);
	assert_int_equal(packets_come(b.peer), before + 1);
}

static void peer_gone_while_writing(void **state)
{
	(void)state;
	bench_begin(1000, 1000);
	turn();
	say("bye");
	close(b.peer);
	b.peer = -1;
	assert_int_equal(stream_write(&b.s, SLICE("hello?")), 0);
	b.why = 0;
	turn();
	turn();
	assert_true(b.why & STREAM_GONE);
	assert_int_equal(stream_write(&b.s, SLICE("hello?")), STREAM_RESET);
	assert_int_equal(stream_flush(&b.s), STREAM_RESET);
	assert_reads("bye"); /* its last words are still to be had */
	struct stream_bytes got;
	int r = stream_read(&b.s, &got);
	assert_true(r == STREAM_CLOSED || r == STREAM_RESET);
}

static void ended_from_its_own_fn(void **state)
{
	(void)state;
	bench_begin(1000, 1000);
	assert_int_equal(stream_write(&b.s, SLICE("never sent")), 0);
	b.deinit_in_fn = true;
	stream_resume(&b.s);
	assert_int_equal(b.calls, 0);
	turn();
	turn();
	assert_int_equal(b.calls, 1);
}

/* More streams with something gathered than there are corks: still all of it leaves. */
static void more_writers_than_corks(void **state)
{
	enum { MANY = 150 };
	static struct stream many[MANY];
	int peers[MANY];
	char text[100];

	(void)state;
	bench_begin(1000, 1000);
	for (size_t i = 0; i < MANY; i++) {
		int pair[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
		peers[i] = pair[1];
		assert_int_equal(stream_init(&many[i], &b.scratch, pair[0], told, 1000, &b.budget),
				 0);
	}
	turn();
	for (int round = 0; round < 3; round++)
		for (size_t i = 0; i < MANY; i++)
			assert_int_equal(stream_write(&many[i], SLICE("every")), 0);
	turn();
	assert_true(list_empty(&b.scratch.corked));
	for (size_t i = 0; i < MANY; i++) {
		assert_int_equal(read(peers[i], text, sizeof(text)), 15);
		stream_deinit(&many[i]);
		close(peers[i]);
	}
}

/* --- over TCP */

static int listener(struct address *at)
{
	int fd;

	assert_true(address_parse_with_port(SLICE("127.0.0.1:0"), at));
	assert_int_equal(sock_listen(at, 16, false, &fd), 0);
	*at = sock_local(fd);
	return fd;
}

static void replace(int fd)
{
	stream_deinit(&b.s);
	b.why = 0;
	assert_int_equal(stream_init(&b.s, &b.scratch, fd, told, 1000, &b.budget), 0);
}

static void connecting(void **state)
{
	struct address at, from;
	int reserve = -1, fd, peer;

	(void)state;
	bench_begin(1000, 1000);
	int listening = listener(&at);
	assert_int_equal(sock_connect(&at, &fd), 0);
	replace(fd);
	assert_int_equal(stream_write(&b.s, SLICE("early")), 0); /* leaves when connected */
	reactor_run_once(&b.reactor, 1000);
	assert_true(b.why & STREAM_WRITE);
	assert_int_equal(stream_connected(&b.s), 0);
	turn();
	assert_int_equal(sock_accept(listening, &reserve, &peer, &from), 0);
	close(b.peer);
	b.peer = peer;
	for (int i = 0; i < 100 && heard() == 0; i++)
		usleep(1000);
	close(listening);
	/* Nobody listens any more. */
	int r = sock_connect(&at, &fd);
	if (r == 0) {
		replace(fd);
		reactor_run_once(&b.reactor, 1000);
		assert_true(b.why & STREAM_GONE);
		assert_int_equal(stream_connected(&b.s), -ECONNREFUSED);
	} else {
		assert_int_equal(r, SOCK_RESET);
	}
}

static void aborted(void **state)
{
	struct address at, from;
	int reserve = -1, fd, peer;

	(void)state;
	bench_begin(1000, 1000);
	int listening = listener(&at);
	assert_int_equal(sock_connect(&at, &fd), 0);
	assert_int_equal(sock_accept(listening, &reserve, &peer, &from), 0);
	replace(fd);
	turn();
	struct stream other;
	assert_int_equal(stream_init(&other, &b.scratch, peer, told, 1000, &b.budget), 0);
	stream_abort(&other);
	reactor_run_once(&b.reactor, 1000);
	assert_true(b.why & STREAM_GONE);
	assert_reads_outcome(STREAM_RESET);
	close(listening);
}

/* Whatever allocation fails: an outcome, and nothing kept. */
static void without_memory(void **state)
{
	static char text[30000];
	int size = 4096;

	(void)state;
	FAILMALLOC_EACH (n) {
		struct stream_bytes got;
		int r = 0;

		bench_begin(100000, 1000000);
		setsockopt(b.s.io.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
		say("some words");
		turn();
		failmalloc_at(n);
		for (int i = 0; i < 3 && r == 0; i++)
			r = stream_write(&b.s, slice_of(text, sizeof(text)));
		if (r == 0)
			r = stream_flush(&b.s);
		if (r == 0)
			r = stream_read(&b.s, &got);
		if (r == 0)
			r = stream_unread(&b.s, slice_of(got.data, got.len));
		bool failed = failmalloc_stop();
		assert_int_equal(r, failed ? -ENOMEM : 0);
		bench_end(NULL);
		if (!failed)
			break;
	}
	memset(&b, 0, sizeof(b));
	b.peer = -1;
}

static void scratch_without_memory(void **state)
{
	struct reactor reactor;
	struct stream_scratch scratch;

	(void)state;
	FAILMALLOC_EACH (n) {
		failmalloc_at(n);
		int r = reactor_init(&reactor);
		if (r == 0)
			r = stream_scratch_init(&scratch, &reactor, 65536);
		bool failed = failmalloc_stop();
		assert_int_equal(r, failed ? -ENOMEM : 0);
		if (!failed)
			break;
		reactor_deinit(&reactor);
	}
	stream_scratch_deinit(&scratch);
	reactor_deinit(&reactor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conversations),
		cmocka_unit_test_teardown(idle_owns_nothing, bench_end),
		cmocka_unit_test_teardown(one_recv_per_read_one_send_per_round, bench_end),
		cmocka_unit_test_teardown(what_is_lent_leaves_in_order, bench_end),
		cmocka_unit_test_teardown(what_is_lent_has_its_limits, bench_end),
		cmocka_unit_test_teardown(a_full_read_is_followed_by_another, bench_end),
		cmocka_unit_test_teardown(the_end_behind_the_bytes, bench_end),
		cmocka_unit_test_teardown(full_takes_nothing, bench_end),
		cmocka_unit_test_teardown(out_of_budget_breaks, bench_end),
		cmocka_unit_test_teardown(given_back_is_read_first, bench_end),
		cmocka_unit_test_teardown(not_reading_and_resuming, bench_end),
		cmocka_unit_test_teardown(resuming_with_nothing_there, bench_end),
		cmocka_unit_test_teardown(fin_follows_what_waits, bench_end),
		cmocka_unit_test_teardown(last_words_and_fin_are_one_packet, bench_end),
		cmocka_unit_test_teardown(peer_gone_while_writing, bench_end),
		cmocka_unit_test_teardown(ended_from_its_own_fn, bench_end),
		cmocka_unit_test_teardown(more_writers_than_corks, bench_end),
		cmocka_unit_test_teardown(connecting, bench_end),
		cmocka_unit_test_teardown(aborted, bench_end),
		cmocka_unit_test(without_memory),
		cmocka_unit_test(scratch_without_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
