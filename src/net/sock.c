/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets; see sock.h. */
#include "net/sock.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"

socklen_t sock_address_to(const struct address *a, struct sockaddr_storage *to)
{
	memset(to, 0, sizeof(*to));
	if (a->family == 4) {
		struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(a->port)};

		memcpy(&in.sin_addr, a->bytes, 4);
		memcpy(to, &in, sizeof(in));
		return sizeof(in);
	}
	if (a->family == 6) {
		struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(a->port)};

		memcpy(&in6.sin6_addr, a->bytes, 16);
		memcpy(to, &in6, sizeof(in6));
		return sizeof(in6);
	}
	return 0;
}

struct address sock_address_from(const struct sockaddr_storage *from)
{
	if (from->ss_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, from, sizeof(in));
		return address_from_bytes(4, (const uint8_t *)&in.sin_addr, ntohs(in.sin_port));
	}
	if (from->ss_family == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, from, sizeof(in6));
		return address_from_bytes(6, in6.sin6_addr.s6_addr, ntohs(in6.sin6_port));
	}
	return (struct address){0};
}

struct address sock_local(int fd)
{
	struct sockaddr_storage at = {0};
	socklen_t len = sizeof(at);

	return getsockname(fd, (struct sockaddr *)&at, &len) ? (struct address){0}
							     : sock_address_from(&at);
}

struct address sock_peer(int fd)
{
	struct sockaddr_storage at = {0};
	socklen_t len = sizeof(at);

	return getpeername(fd, (struct sockaddr *)&at, &len) ? (struct address){0}
							     : sock_address_from(&at);
}

static void set(int fd, int level, int option, int value)
{
	/* Only for options that make things better; a socket without them still works. */
	(void)setsockopt(fd, level, option, &value, sizeof(value));
}

static int must_set(int fd, int level, int option, const char *what)
{
	int on = 1;

	if (setsockopt(fd, level, option, &on, sizeof(on)))
		return err_raise(errno, "cannot set %s", what);
	return 0;
}

static int listen_on(int fd, const struct address *a, int backlog, bool shared)
{
	struct sockaddr_storage at;
	char text[ADDRESS_TEXT_BYTES];
	socklen_t len = sock_address_to(a, &at);
	int r = must_set(fd, SOL_SOCKET, SO_REUSEADDR, "SO_REUSEADDR");

	if (r == 0 && shared)
		r = must_set(fd, SOL_SOCKET, SO_REUSEPORT, "SO_REUSEPORT");
	if (r == 0 && a->family == 6)
		r = must_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, "IPV6_V6ONLY");
	if (r)
		return r;
	if (bind(fd, (struct sockaddr *)&at, len) || listen(fd, backlog)) {
		int error = errno;
		struct slice where = address_format_with_port(a, text);

		return err_raise(error, "cannot listen on %.*s", SLICE_ARG(where));
	}
	return 0;
}

int sock_listen(const struct address *a, int backlog, bool shared, int *out)
{
	if (a->family != 4 && a->family != 6)
		return err_raise(EAFNOSUPPORT, "no address to listen on");
	int fd = socket(a->family == 4 ? AF_INET : AF_INET6,
			SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_raise(errno, "cannot make a socket");
	int r = listen_on(fd, a, backlog, shared);
	if (r) {
		close(fd);
		return r;
	}
	/* Accepted sockets inherit it: one system call less for each. */
	set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	*out = fd;
	return 0;
}

int sock_reserve_open(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int accept_one(int listen_fd, struct sockaddr_storage *from)
{
	socklen_t len = sizeof(*from);

	return accept4(listen_fd, (struct sockaddr *)from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

/* The connection at the head of the queue would stay there and wake us for ever. */
static void turn_away(int listen_fd, int *reserve_fd)
{
	struct sockaddr_storage from;

	if (*reserve_fd < 0)
		return;
	close(*reserve_fd);
	int fd = accept_one(listen_fd, &from);
	if (fd >= 0)
		close(fd);
	*reserve_fd = sock_reserve_open();
}

int sock_accept(int listen_fd, int *reserve_fd, int *fd, struct address *peer)
{
	for (;;) {
		struct sockaddr_storage from = {0};
		int got = accept_one(listen_fd, &from);

		if (got >= 0) {
			*fd = got;
			*peer = sock_address_from(&from);
			return 0;
		}
		switch (errno) {
		case EAGAIN:
			return SOCK_AGAIN;
		case EMFILE:
		case ENFILE:
			turn_away(listen_fd, reserve_fd);
			return SOCK_NO_FILES;
		case ENOBUFS:
		case ENOMEM:
			return SOCK_NO_FILES;
		case EINTR:
		case EPERM: /* a firewall's word */
		case ECONNABORTED:
		case EPROTO:
		case ENOPROTOOPT:
		case ENETDOWN:
		case ENETUNREACH:
		case EHOSTDOWN:
		case EHOSTUNREACH:
		case ENONET:
		case ETIMEDOUT:
			continue; /* that connection is gone, see to the next: accept(2) */
		default:
			return err_raise(errno, "cannot accept connections");
		}
	}
}

bool sock_has_next(int listen_fd)
{
	struct pollfd p = {.fd = listen_fd, .events = POLLIN};

	return poll(&p, 1, 0) != 0;
}

/* 0, or an errno. */
static int begin_connect(int family, const struct sockaddr *to, socklen_t len, int *out)
{
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno;
	if (family != AF_UNIX)
		set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	int error = connect(fd, to, len) ? errno : 0;
	if (error == 0 || error == EINPROGRESS || error == EINTR) {
		*out = fd;
		return 0;
	}
	close(fd);
	return error;
}

/* No socket is to be had, or the other side is not: that is something else. */
static int connect_failed(int error, const char *where)
{
	bool ours = error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
	int r = err_raise(error, "cannot connect to %s", where);

	return ours ? r : SOCK_RESET;
}

int sock_connect(const struct address *a, int *fd)
{
	struct sockaddr_storage to;
	char text[ADDRESS_TEXT_BYTES];
	socklen_t len = sock_address_to(a, &to);

	if (!len)
		return err_raise(EAFNOSUPPORT, "no address to connect to");
	int error = begin_connect(to.ss_family, (struct sockaddr *)&to, len, fd);
	if (error == 0)
		return 0;
	address_format_with_port(a, text);
	return connect_failed(error, text);
}

int sock_connect_unix(struct slice path, int *fd)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};

	if (path.len == 0 || path.len >= sizeof(to.sun_path) || memchr(path.data, 0, path.len))
		return err_raise(ENAMETOOLONG, "not a path for a socket");
	memcpy(to.sun_path, path.data, path.len);
	int error = begin_connect(AF_UNIX, (struct sockaddr *)&to, sizeof(to), fd);
	if (error == 0)
		return 0;
	int r = connect_failed(error, to.sun_path);
	return error == EAGAIN ? SOCK_AGAIN : r;
}

int sock_connect_result(int fd)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len))
		error = errno;
	if (error)
		return err_raise(error, "cannot connect");
	struct sockaddr_storage peer;
	len = sizeof(peer);
	if (getpeername(fd, (struct sockaddr *)&peer, &len) == 0)
		return 0;
	return errno == ENOTCONN ? SOCK_AGAIN : err_raise(errno, "cannot connect");
}

void sock_keepalive(int fd, unsigned idle_s)
{
	set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set(fd, IPPROTO_TCP, TCP_KEEPIDLE, (int)idle_s);
	set(fd, IPPROTO_TCP, TCP_KEEPINTVL, (int)(idle_s / 4 ? idle_s / 4 : 1));
	set(fd, IPPROTO_TCP, TCP_KEEPCNT, 4);
}

void sock_linger_none(int fd)
{
	struct linger none = {.l_onoff = 1, .l_linger = 0};

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
}

/* What an errno on an established connection says. */
static int outcome(int error, const char *doing)
{
	switch (error) {
	case EAGAIN:
		return SOCK_AGAIN;
	case ECONNRESET:
	case EPIPE:
	case ETIMEDOUT:
	case ECONNREFUSED:
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENETDOWN:
	case EHOSTDOWN:
	case ECONNABORTED:
	case EPROTO:
	case ENOPROTOOPT:
		return SOCK_RESET;
	default:
		return err_raise(error, "cannot %s", doing);
	}
}

/*
 * Not by the functions of these names: those are points at which a thread may be cancelled, for
 * which they take two atomic operations more as soon as there are threads. Nobody cancels one.
 */
static ssize_t call_recv(int fd, char *into, size_t room)
{
	return syscall(SYS_recvfrom, fd, into, room, 0, NULL, NULL);
}

static ssize_t call_send(int fd, struct slice part, int flags)
{
	return syscall(SYS_sendto, fd, part.data, part.len, flags, NULL, 0);
}

int sock_recv(int fd, char *into, size_t room, size_t *got)
{
	ssize_t n;

	do
		n = call_recv(fd, into, room);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return outcome(errno, "receive");
	*got = (size_t)n;
	return n ? 0 : SOCK_CLOSED;
}

static int send_flags(bool more)
{
	return MSG_NOSIGNAL | (more ? MSG_MORE : 0);
}

int sock_send_one(int fd, struct slice part, bool more, size_t *sent)
{
	ssize_t n;

	do
		n = call_send(fd, part, send_flags(more));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return outcome(errno, "send");
	*sent = (size_t)n;
	return 0;
}

int sock_send(int fd, const struct iovec *parts, size_t count, bool more, size_t *sent)
{
	struct msghdr m = {.msg_iovlen = count};
	ssize_t n;

	memcpy(&m.msg_iov, &parts, sizeof(parts)); /* sendmsg does not write to it */
	do
		n = sendmsg(fd, &m, send_flags(more));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return outcome(errno, "send");
	*sent = (size_t)n;
	return 0;
}
