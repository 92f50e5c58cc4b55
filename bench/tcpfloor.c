/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor of a server and of a relay: one thread, epoll, one big buffer, and never a look
 * at what passes through. Figures of the gateway are ratios to it, taken in the same run.
 *
 *   tcpfloor PORT                    echoes
 *   tcpfloor PORT UPSTREAM_PORT      relays to 127.0.0.1:UPSTREAM_PORT
 *
 * Listens on 127.0.0.1. It shares nothing with the gateway, so that both cannot be wrong
 * in the same way.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER_BYTES = 256 * 1024, EVENTS = 256 };

/* One direction's source; what it reads goes to `to`. An echo goes to itself. */
struct end {
	int fd;
	struct end *to;
	char *held; /* for this end's socket, not taken yet; then `from` is not read */
	size_t held_len, held_at;
	bool dead;
};

static char buffer[BUFFER_BYTES];
static int epoll_fd;
static unsigned short upstream_port;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static struct end *end_new(int fd)
{
	struct end *e = calloc(1, sizeof(*e));
	int on = 1;

	if (!e)
		die("memory");
	e->fd = fd;
	e->to = e;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return e;
}

static void watch(struct end *e)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
				    .data.ptr = e};

	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, e->fd, &event))
		die("epoll_ctl");
}

static struct sockaddr_in loopback(unsigned short port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return a;
}

static void accepted(int fd)
{
	struct end *e = end_new(fd);

	if (upstream_port) {
		struct sockaddr_in a = loopback(upstream_port);
		int up = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

		if (up < 0 ||
		    (connect(up, (struct sockaddr *)&a, sizeof(a)) && errno != EINPROGRESS))
			die("upstream");
		struct end *u = end_new(up);
		u->to = e;
		e->to = u;
		watch(u);
	}
	watch(e);
}

static void finish(struct end *e)
{
	if (e->dead)
		return;
	e->dead = true;
	close(e->fd);
	finish(e->to);
}

static void keep(struct end *e, const char *data, size_t len)
{
	e->held = malloc(len);
	if (!e->held)
		die("memory");
	memcpy(e->held, data, len);
	e->held_len = len;
	e->held_at = 0;
}

/* True when nothing is left. */
static bool drain(struct end *e)
{
	while (e->held) {
		ssize_t n =
			send(e->fd, e->held + e->held_at, e->held_len - e->held_at, MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == ENOTCONN))
			return false;
		if (n < 0) {
			finish(e);
			return false;
		}
		e->held_at += (size_t)n;
		if (e->held_at == e->held_len) {
			free(e->held);
			e->held = NULL;
		}
	}
	return true;
}

/* Everything that can be moved from one socket to the other. */
static void move(struct end *from)
{
	while (!from->dead && drain(from->to)) {
		ssize_t n = recv(from->fd, buffer, sizeof(buffer), 0);

		if (n < 0 && (errno == EAGAIN || errno == ENOTCONN))
			return;
		if (n <= 0) {
			finish(from);
			return;
		}
		ssize_t sent = send(from->to->fd, buffer, (size_t)n, MSG_NOSIGNAL);
		if (sent < 0 && errno != EAGAIN && errno != ENOTCONN) {
			finish(from);
			return;
		}
		if (sent < 0)
			sent = 0;
		if (sent < n)
			keep(from->to, buffer + sent, (size_t)(n - sent));
		if ((size_t)n < sizeof(buffer))
			return;
	}
}

static int listen_on(unsigned short port)
{
	struct sockaddr_in a = loopback(port);
	int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 4096))
		die("listen");
	return fd;
}

static void happened(const struct epoll_event *event)
{
	struct end *e = event->data.ptr;

	if (e->dead)
		return;
	/* Room on this side lets the other be read again. */
	if (event->events & EPOLLOUT && e->held)
		move(e->to);
	if (!e->dead && event->events & ~(unsigned)EPOLLOUT)
		move(e);
}

/* Pairs that ended in this round are freed behind it: events may still point at them. */
static void bury(struct epoll_event *events, int count)
{
	for (int i = 0; i < count; i++) {
		struct end *e = events[i].data.ptr;

		if (!e || !e->dead)
			continue;
		for (int k = i; k < count; k++)
			if (events[k].data.ptr == e->to || events[k].data.ptr == e)
				events[k].data.ptr = NULL;
		if (e->to != e) {
			free(e->to->held);
			free(e->to);
		}
		free(e->held);
		free(e);
	}
}

int main(int argc, char **argv)
{
	struct epoll_event events[EVENTS];

	if (argc < 2) {
		fprintf(stderr, "usage: tcpfloor PORT [UPSTREAM_PORT]\n");
		return 2;
	}
	upstream_port = (unsigned short)(argc > 2 ? strtoul(argv[2], NULL, 10) : 0);
	epoll_fd = epoll_create1(0);
	int listening = listen_on((unsigned short)strtoul(argv[1], NULL, 10));
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listening, &event);
	for (;;) {
		int n = epoll_wait(epoll_fd, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			int fd;

			if (events[i].data.ptr) {
				happened(&events[i]);
				continue;
			}
			while ((fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK)) >= 0)
				accepted(fd);
		}
		bury(events, n);
	}
}
