/* SPDX-License-Identifier: Apache-2.0 */
#include "net/reactor.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit.h"

struct end {
	struct io io;
	int fd, other; /* a socket pair */
	unsigned calls;
	char *log; /* shared: who was called, in order */
	char name;
	void (*then)(struct end *e);
	struct end *victim;
};

static struct reactor reactor;
static char called[64];

static void on_end(struct io *io)
{
	struct end *e = IO_OWNER(io, struct end, io);

	e->calls++;
	size_t n = strlen(called);
	if (n + 1 < sizeof(called)) {
		called[n] = e->name;
		called[n + 1] = 0;
	}
	if (e->then)
		e->then(e);
}

static void end_open(struct end *e, char name)
{
	int pair[2];

	*e = (struct end){.name = name};
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair),
			 0);
	e->fd = pair[0];
	e->other = pair[1];
	assert_int_equal(io_add(&reactor, &e->io, e->fd, on_end), 0);
}

static void end_close(struct end *e)
{
	io_remove(&e->io);
	close(e->fd);
	close(e->other);
}

static void say(struct end *e)
{
	assert_int_equal(write(e->other, "x", 1), 1);
}

static void turn(void)
{
	called[0] = 0;
	assert_int_equal(reactor_run_once(&reactor, 0), 0);
}

static int begin(void **state)
{
	(void)state;
	called[0] = 0;
	return reactor_init(&reactor);
}

static int finish(void **state)
{
	(void)state;
	reactor_deinit(&reactor);
	reactor_deinit(&reactor);
	return 0;
}

static void the_kernel_speaks_once(void **state)
{
	struct end a;
	char c;

	(void)state;
	end_open(&a, 'a');
	assert_int_equal(a.io.ready, 0);
	turn();
	assert_int_equal(a.io.ready, IO_WRITABLE);
	turn();
	assert_int_equal(a.calls, 1);
	say(&a);
	turn();
	assert_int_equal(a.io.ready, IO_WRITABLE | IO_READABLE);
	turn(); /* not read, yet nothing is new */
	assert_int_equal(a.calls, 2);
	assert_int_equal(read(a.fd, &c, 1), 1);
	io_drained(&a.io, IO_READABLE);
	assert_int_equal(a.io.ready, IO_WRITABLE);
	shutdown(a.other, SHUT_WR);
	turn();
	assert_true(a.io.ready & IO_HANGUP);
	assert_true(a.io.ready & IO_READABLE);
	end_close(&a);
	io_remove(&a.io); /* twice */
}

static void stop_early(struct end *e)
{
	io_again(&e->io);
	io_again(&e->io);
}

/* Whoever says io_again waits until everybody else had a turn. */
static void after_everybody_else(void **state)
{
	struct end a, b;

	(void)state;
	end_open(&a, 'a');
	end_open(&b, 'b');
	turn();
	a.then = stop_early;
	say(&a);
	turn();
	assert_string_equal(called, "a");
	say(&b);
	turn();
	assert_string_equal(called, "ba");
	called[0] = 0;
	assert_int_equal(reactor_run_once(&reactor, TIMER_NEVER), 0); /* does not sleep */
	assert_string_equal(called, "a");
	say(&a); /* an event is a turn: not called twice in a round */
	turn();
	assert_string_equal(called, "a");
	a.then = NULL;
	turn();
	turn();
	assert_string_equal(called, "");
	end_close(&a);
	end_close(&b);
}

static void remove_victim(struct end *e)
{
	if (e->victim)
		io_remove(&e->victim->io);
	memset(&e->victim->io, 0xee, sizeof(e->victim->io)); /* as if it were freed */
	e->victim = NULL;
	e->then = NULL;
}

/* Both have an event in the same round; the first takes the other out. */
static void removed_by_another(void **state)
{
	struct end a, b;

	(void)state;
	end_open(&a, 'a');
	end_open(&b, 'b');
	turn();
	a.then = b.then = remove_victim;
	a.victim = &b;
	b.victim = &a;
	say(&a);
	say(&b);
	turn();
	assert_int_equal(strlen(called), 1);
	struct end *left = called[0] == 'a' ? &a : &b;
	say(left);
	turn();
	assert_int_equal(strlen(called), 1);
	io_remove(&left->io);
	close(a.fd), close(a.other), close(b.fd), close(b.other);
}

static void removed_while_it_waits_for_another_turn(void **state)
{
	struct end a, b;

	(void)state;
	end_open(&a, 'a');
	end_open(&b, 'b');
	turn();
	io_again(&b.io);
	a.then = remove_victim;
	a.victim = &b;
	say(&a);
	turn();
	assert_string_equal(called, "a");
	turn();
	assert_string_equal(called, "");
	end_close(&a);
	close(b.fd), close(b.other);
}

static void remove_self(struct end *e)
{
	io_again(&e->io);
	io_remove(&e->io);
	io_again(&e->io);
}

static void removed_by_itself(void **state)
{
	struct end a;

	(void)state;
	end_open(&a, 'a');
	a.then = remove_self;
	turn();
	turn();
	assert_int_equal(a.calls, 1);
	close(a.fd), close(a.other);
}

static void close_self(struct end *e)
{
	io_again(&e->io);
	io_close(&e->io);
	io_again(&e->io);
	io_close(&e->io);
}

static void close_victim(struct end *e)
{
	io_close(&e->victim->io);
}

/* The kernel lets go of it, and what it said before of the other is not heard. */
static void closed_by_itself_and_by_another(void **state)
{
	struct end a, b;

	(void)state;
	end_open(&a, 'a');
	end_open(&b, 'b');
	turn();
	a.calls = b.calls = 0;
	a.then = b.then = close_victim;
	a.victim = &b;
	b.victim = &a;
	say(&a);
	say(&b);
	turn();
	assert_int_equal(a.calls + b.calls, 1);
	struct end *left = a.calls ? &a : &b, *gone = a.calls ? &b : &a;
	assert_int_equal(fcntl(gone->fd, F_GETFD), -1);
	left->then = close_self;
	say(left);
	turn();
	assert_int_equal(left->calls, 2);
	turn();
	assert_int_equal(left->calls, 2);
	close(a.other), close(b.other);
}

static void hook_ran(struct reactor_hook *hook)
{
	(void)hook;
	size_t n = strlen(called);
	called[n] = 'h';
	called[n + 1] = 0;
}

static void hooks_run_once_per_round(void **state)
{
	struct reactor_hook hook = {0};
	struct end a;

	(void)state;
	reactor_hook_remove(&hook);
	reactor_hook_add(&reactor, &hook, hook_ran);
	end_open(&a, 'a');
	turn();
	assert_string_equal(called, "ha");
	turn();
	assert_string_equal(called, "h");
	reactor_hook_remove(&hook);
	turn();
	assert_string_equal(called, "");
	end_close(&a);
}

struct deadline {
	struct timer timer;
	uint64_t rung_at;
	bool stop;
};

static void ring(struct timer *t)
{
	struct deadline *d = TIMER_OWNER(t, struct deadline, timer);

	d->rung_at = reactor_now_ms(&reactor);
	if (d->stop)
		reactor_stop(&reactor);
}

/* The loop sleeps until the first deadline, not shorter by much and not longer. */
static void sleeps_until_the_deadline(void **state)
{
	struct deadline first = {0}, second = {.stop = true};
	uint64_t start = reactor_now_ms(&reactor);

	(void)state;
	timer_init(&first.timer, ring);
	timer_init(&second.timer, ring);
	timer_arm(&reactor.timers, &first.timer, start + 20);
	timer_arm(&reactor.timers, &second.timer, start + 150);
	assert_int_equal(reactor_run(&reactor), 0);
	assert_true(first.rung_at >= start + 20 && first.rung_at <= second.rung_at);
	assert_in_range(second.rung_at, start + 150, start + 60000);
	assert_true(reactor_now_us(&reactor) / 1000 == second.rung_at);
	assert_true(reactor_realtime_ms(&reactor) > UINT64_C(1700000000000));
}

/* More descriptors than one epoll_wait takes. */
static void many(void **state)
{
	enum { MANY = REACTOR_EVENTS + 50 };
	static struct end ends[MANY];

	(void)state;
	for (size_t i = 0; i < MANY; i++)
		end_open(&ends[i], '.');
	for (int i = 0; i < 4; i++)
		turn();
	for (size_t i = 0; i < MANY; i++)
		say(&ends[i]);
	for (int i = 0; i < 4; i++)
		turn();
	for (size_t i = 0; i < MANY; i++) {
		assert_int_equal(ends[i].calls, 2);
		end_close(&ends[i]);
	}
}

static void end_open_later(struct end *e, char name)
{
	end_open(e, name);
	io_remove(&e->io);
	io_add_later(&reactor, &e->io, e->fd, on_end);
}

/* Whoever may have spoken already is called without the kernel, and heard of again once it is
 * asked. */
static void watched_later(void **state)
{
	struct end a;
	char c;

	(void)state;
	end_open_later(&a, 'a');
	assert_int_equal(a.calls, 0);
	turn();
	assert_int_equal(a.calls, 1);
	assert_int_equal(a.io.ready, IO_READABLE | IO_WRITABLE);
	io_drained(&a.io, IO_READABLE);
	say(&a);
	turn();
	assert_int_equal(a.calls, 1); /* nobody was asked */
	assert_int_equal(io_watch(&a.io), 0);
	assert_int_equal(io_watch(&a.io), 0);
	turn();
	assert_int_equal(a.calls, 2); /* what came before is told */
	assert_true(a.io.ready & IO_READABLE);
	assert_int_equal(read(a.fd, &c, 1), 1);
	io_drained(&a.io, IO_READABLE);
	say(&a);
	turn();
	assert_int_equal(a.calls, 3);
	end_close(&a);
}

static void gone_before_it_was_watched(void **state)
{
	struct end a, b;

	(void)state;
	end_open_later(&a, 'a');
	end_open_later(&b, 'b');
	end_close(&a);
	turn();
	assert_string_equal(called, "b");
	io_close(&b.io);
	assert_int_equal(fcntl(b.fd, F_GETFD), -1);
	close(b.other);
	turn();
	assert_string_equal(called, "");
}

static void a_descriptor_that_cannot_be_watched(void **state)
{
	struct io io;
	int file = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_true(io_add(&reactor, &io, file, on_end) < 0);
	io_remove(&io);
	io_again(&io);
	io_add_later(&reactor, &io, file, on_end);
	assert_true(io_watch(&io) < 0);
	io_remove(&io);
	close(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_kernel_speaks_once, begin, finish),
		cmocka_unit_test_setup_teardown(after_everybody_else, begin, finish),
		cmocka_unit_test_setup_teardown(removed_by_another, begin, finish),
		cmocka_unit_test_setup_teardown(removed_while_it_waits_for_another_turn, begin,
						finish),
		cmocka_unit_test_setup_teardown(removed_by_itself, begin, finish),
		cmocka_unit_test_setup_teardown(closed_by_itself_and_by_another, begin, finish),
		cmocka_unit_test_setup_teardown(hooks_run_once_per_round, begin, finish),
		cmocka_unit_test_setup_teardown(sleeps_until_the_deadline, begin, finish),
		cmocka_unit_test_setup_teardown(many, begin, finish),
		cmocka_unit_test_setup_teardown(watched_later, begin, finish),
		cmocka_unit_test_setup_teardown(gone_before_it_was_watched, begin, finish),
		cmocka_unit_test_setup_teardown(a_descriptor_that_cannot_be_watched, begin, finish),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
