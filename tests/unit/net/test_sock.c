/* SPDX-License-Identifier: Apache-2.0 */
#include "net/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "unit.h"

static struct address address(const char *text)
{
	struct address a = {0};

	assert_true(address_parse_with_port(slice_from_cstr(text), &a));
	return a;
}

static void addresses(void **state)
{
	static const char *const rows[] = {
		"192.0.2.1:443", "0.0.0.0:0", "[2001:db8::7]:65535", "[::1]:1", "[::]:80",
	};
	struct sockaddr_storage s;
	char text[ADDRESS_TEXT_BYTES];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct address a = address(rows[i]);

		assert_true(sock_address_to(&a, &s) > 0);
		a = sock_address_from(&s);
		assert_slice(address_format_with_port(&a, text), rows[i]);
	}
	assert_int_equal(sock_address_to(&(struct address){0}, &s), 0);
	s = (struct sockaddr_storage){.ss_family = AF_UNIX};
	assert_int_equal(sock_address_from(&s).family, 0);
	assert_int_equal(sock_peer(-1).family, 0);
	assert_int_equal(sock_local(-1).family, 0);
}

static void wait_for(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	assert_true(poll(&p, 1, 2000) == 1);
}

static void a_conversation(void **state)
{
	static const char *const rows[] = {"127.0.0.1:0", "[::1]:0"};
	int listening, reserve = -1, a, b;
	char text[16];
	size_t n;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct address at = address(rows[i]), peer;

		assert_int_equal(sock_listen(&at, 8, true, &listening), 0);
		at = sock_local(listening);
		assert_int_not_equal(at.port, 0);
		int second;
		assert_int_equal(sock_listen(&at, 8, true, &second), 0); /* shared */
		close(second);
		assert_int_equal(sock_accept(listening, &reserve, &b, &peer), SOCK_AGAIN);
		assert_false(sock_has_next(listening));
		assert_int_equal(sock_connect(&at, &a), 0);
		wait_for(a, POLLOUT);
		assert_int_equal(sock_connect_result(a), 0);
		wait_for(listening, POLLIN);
		assert_true(sock_has_next(listening));
		assert_int_equal(sock_accept(listening, &reserve, &b, &peer), 0);
		assert_false(sock_has_next(listening));
		struct address own = sock_local(a), at_b = sock_peer(b);
		assert_true(address_eq_with_port(&peer, &own));
		assert_true(address_eq_with_port(&peer, &at_b));
		assert_true(fcntl(b, F_GETFL) & O_NONBLOCK);
		assert_true(fcntl(b, F_GETFD) & FD_CLOEXEC);
		assert_int_equal(sock_recv(b, text, sizeof(text), &n), SOCK_AGAIN);
		char hello[] = "hello ", you[] = "you";
		struct iovec parts[] = {{hello, 6}, {you, 3}};
		assert_int_equal(sock_send(a, parts, 2, false, &n), 0);
		assert_int_equal(n, 9);
		wait_for(b, POLLIN);
		assert_int_equal(sock_recv(b, text, sizeof(text), &n), 0);
		assert_slice(slice_of(text, n), "hello you");
		sock_keepalive(b, 60);
		sock_linger_none(a);
		close(a);
		wait_for(b, POLLIN);
		assert_int_equal(sock_recv(b, text, sizeof(text), &n), SOCK_RESET);
		assert_int_equal(sock_send(b, parts, 2, false, &n),
				 SOCK_RESET); /* and no SIGPIPE */
		close(b);
		close(listening);
		int r = sock_connect(&at, &a);
		if (r == 0) {
			wait_for(a, POLLOUT);
			assert_int_equal(sock_connect_result(a), -ECONNREFUSED);
			close(a);
		} else {
			assert_int_equal(r, SOCK_RESET);
		}
	}
}

static void where_one_cannot_listen(void **state)
{
	struct address at = address("192.0.2.1:0");
	int fd, other;

	(void)state;
	assert_int_equal(sock_listen(&at, 8, false, &fd), -EADDRNOTAVAIL);
	assert_non_null(strstr(err_sentence(), "192.0.2.1:0"));
	at = address("127.0.0.1:0");
	assert_int_equal(sock_listen(&at, 8, false, &fd), 0);
	at = sock_local(fd);
	assert_int_equal(sock_listen(&at, 8, false, &other), -EADDRINUSE);
	close(fd);
	assert_int_equal(sock_listen(&(struct address){0}, 8, false, &fd), -EAFNOSUPPORT);
	assert_int_equal(sock_connect(&(struct address){0}, &fd), -EAFNOSUPPORT);
}

/* IPv6 sockets take IPv6 only: both may have the same port. */
static void both_families(void **state)
{
	struct address six = address("[::]:0"), four = address("0.0.0.0:0");
	int a, b, r = -EADDRINUSE;

	(void)state;
	/* Another program may have the port that the kernel chose, but not each time. */
	for (int i = 0; i < 50 && r == -EADDRINUSE; i++) {
		assert_int_equal(sock_listen(&six, 8, false, &a), 0);
		four.port = sock_local(a).port;
		r = sock_listen(&four, 8, false, &b);
		close(a);
	}
	assert_int_equal(r, 0);
	close(b);
}

/* Out of descriptors the waiting connection is turned away, so that the queue moves. */
static void out_of_descriptors(void **state)
{
	struct rlimit old, few;
	struct address at = address("127.0.0.1:0"), peer;
	int listening, reserve = sock_reserve_open(), client, second, fd;
	char c;
	size_t n;

	(void)state;
	assert_true(reserve >= 0);
	assert_int_equal(sock_listen(&at, 8, false, &listening), 0);
	at = sock_local(listening);
	assert_int_equal(sock_connect(&at, &client), 0);
	assert_int_equal(sock_connect(&at, &second), 0);
	wait_for(client, POLLOUT);
	wait_for(second, POLLOUT);
	wait_for(listening, POLLIN);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = old;
	few.rlim_cur = (rlim_t)dup(listening); /* the lowest free one: nothing is free below it */
	close((int)few.rlim_cur);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	int r = sock_accept(listening, &reserve, &fd, &peer);
	bool reserved = reserve >= 0;
	int none = -1;
	int without = sock_accept(listening, &none, &fd, &peer);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(r, SOCK_NO_FILES);
	assert_true(reserved);
	assert_int_equal(without, SOCK_NO_FILES);
	wait_for(client, POLLIN);
	assert_int_equal(sock_recv(client, &c, 1, &n), SOCK_CLOSED);
	assert_int_equal(sock_accept(listening, &reserve, &fd, &peer), 0); /* the second waited */
	close(fd);
	close(client), close(second), close(listening), close(reserve);
}

static void unix_sockets(void **state)
{
	char folder[] = "/tmp/sallyport-test-XXXXXX";
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int a;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(at.sun_path, sizeof(at.sun_path), "%s/socket", folder);
	struct slice path = slice_from_cstr(at.sun_path);
	assert_int_equal(sock_connect_unix(path, &a), SOCK_RESET);
	assert_non_null(strstr(err_sentence(), at.sun_path));
	int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listening, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(listening, 0), 0);
	assert_int_equal(sock_connect_unix(path, &a), 0);
	assert_int_equal(sock_connect_result(a), 0);
	int more[8], n = 0, r = 0;
	while (n < 8 && (r = sock_connect_unix(path, &more[n])) == 0)
		n++;
	assert_int_equal(r, SOCK_AGAIN); /* the backlog is full */
	while (n)
		close(more[--n]);
	close(a);
	close(listening);
	unlink(at.sun_path);
	rmdir(folder);
	char longest[200];
	memset(longest, 'x', sizeof(longest));
	assert_int_equal(sock_connect_unix(slice_of(longest, sizeof(longest)), &a), -ENAMETOOLONG);
	assert_int_equal(sock_connect_unix(slice_of("a\0b", 3), &a), -ENAMETOOLONG);
	assert_int_equal(sock_connect_unix(slice_of(NULL, 0), &a), -ENAMETOOLONG);
}

static void broken_descriptors(void **state)
{
	char c;
	size_t n;
	struct address peer;
	int fd, reserve = -1;

	(void)state;
	assert_int_equal(sock_recv(-1, &c, 1, &n), -EBADF);
	assert_int_equal(sock_send(-1, &(struct iovec){&c, 1}, 1, false, &n), -EBADF);
	assert_int_equal(sock_accept(-1, &reserve, &fd, &peer), -EBADF);
	assert_int_equal(sock_connect_result(-1), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),
		cmocka_unit_test(a_conversation),
		cmocka_unit_test(where_one_cannot_listen),
		cmocka_unit_test(both_families),
		cmocka_unit_test(out_of_descriptors),
		cmocka_unit_test(unix_sockets),
		cmocka_unit_test(broken_descriptors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
