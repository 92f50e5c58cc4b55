/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor of a server and of a relay: one thread, epoll, one big buffer, and never a look
 * at what passes through. Figures of the gateway are ratios to it, taken in the same run.
 *
 *   tcpfloor PORT                    echoes
 *   tcpfloor PORT UPSTREAM_PORT      relays to 127.0.0.1:UPSTREAM_PORT
 *   tcpfloor PORT UPSTREAM_PORT CERTIFICATE KEY
 *                                    the same with TLS on the clients' side: what OpenSSL takes.
 *                                    It is fed from the big buffer, so that a record costs one
 *                                    recv and one send as well.
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

#include <openssl/err.h>
#include <openssl/ssl.h>

enum {
	BUFFER_BYTES = 256 * 1024,
	RECORD_BYTES = 32768, /* OpenSSL may have the beginning of a record from an earlier read */
	EVENTS = 256,
};

/* One direction's source; what it reads goes to `to`. An echo goes to itself. */
struct end {
	int fd;
	struct end *to;
	char *held; /* for this end's socket, not taken yet; then `from` is not read */
	size_t held_len, held_at;
	SSL *ssl; /* a client's, with TLS */
	bool dead, hung_up;
};

static char buffer[BUFFER_BYTES];
/* What OpenSSL reads, and what it has written; records are a little longer than their text. */
static const char *cipher;
static size_t cipher_len, wire_len;
static char plain[BUFFER_BYTES + RECORD_BYTES], wire[2 * BUFFER_BYTES];
static SSL_CTX *tls;
static BIO *bio;
static int epoll_fd;
static unsigned short upstream_port;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* --- TLS */

static int bio_read(BIO *b, char *into, size_t room, size_t *got)
{
	BIO_clear_retry_flags(b);
	if (cipher_len == 0) {
		BIO_set_retry_read(b);
		return -1;
	}
	*got = cipher_len < room ? cipher_len : room;
	memcpy(into, cipher, *got);
	cipher += *got;
	cipher_len -= *got;
	return 1;
}

static int bio_write(BIO *b, const char *data, size_t len, size_t *written)
{
	BIO_clear_retry_flags(b);
	if (len > sizeof(wire) - wire_len)
		die("more from OpenSSL than expected");
	memcpy(wire + wire_len, data, len);
	wire_len += len;
	*written = len;
	return 1;
}

static long bio_ctrl(BIO *b, int command, long number, void *pointer)
{
	(void)b, (void)number, (void)pointer;
	return command == BIO_CTRL_FLUSH;
}

static void begin_tls(const char *certificate, const char *key)
{
	BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "floor");

	tls = SSL_CTX_new(TLS_server_method());
	if (!m || !tls || !SSL_CTX_use_certificate_file(tls, certificate, SSL_FILETYPE_PEM) ||
	    !SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM))
		die("TLS");
	SSL_CTX_set_num_tickets(tls, 0);
	SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
	BIO_meth_set_read_ex(m, bio_read);
	BIO_meth_set_write_ex(m, bio_write);
	BIO_meth_set_ctrl(m, bio_ctrl);
	bio = BIO_new(m);
	if (!bio)
		die("TLS");
	BIO_set_init(bio, 1);
}

static SSL *ssl_new(void)
{
	SSL *ssl = SSL_new(tls);

	if (!ssl)
		die("TLS");
	BIO_up_ref(bio);
	SSL_set_bio(ssl, bio, bio);
	SSL_set_accept_state(ssl);
	return ssl;
}

/* The text of len bytes in the buffer; 0 if there is none yet. Handshakes are answered at once. */
static size_t decrypt(const struct end *from, size_t len)
{
	size_t all = 0, n;

	cipher = buffer;
	cipher_len = len;
	wire_len = 0;
	while (cipher_len && SSL_read_ex(from->ssl, plain + all, sizeof(plain) - all, &n))
		all += n;
	ERR_clear_error();
	if (wire_len && send(from->fd, wire, wire_len, MSG_NOSIGNAL) != (ssize_t)wire_len)
		die("no room for a handshake");
	return all;
}

static size_t encrypt(const struct end *to, size_t len)
{
	size_t n;

	wire_len = 0;
	if (!SSL_write_ex(to->ssl, buffer, len, &n))
		die("encrypting");
	return wire_len;
}

/* --- ends */

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
		if (tls)
			e->ssl = ssl_new();
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
		const char *data = from->ssl ? plain : from->to->ssl ? wire : buffer;
		size_t len = (size_t)n;

		if (from->ssl)
			len = decrypt(from, len);
		else if (from->to->ssl)
			len = encrypt(from->to, len);
		ssize_t sent = len ? send(from->to->fd, data, len, MSG_NOSIGNAL) : 0;
		if (sent < 0 && errno != EAGAIN && errno != ENOTCONN) {
			finish(from);
			return;
		}
		if (sent < 0)
			sent = 0;
		if ((size_t)sent < len)
			keep(from->to, data + sent, len - (size_t)sent);
		if ((size_t)n < sizeof(buffer) && !from->hung_up)
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
	/* Said once: a short read is then not the last one. */
	e->hung_up = e->hung_up || event->events & EPOLLRDHUP;
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
			SSL_free(e->to->ssl);
			free(e->to->held);
			free(e->to);
		}
		SSL_free(e->ssl);
		free(e->held);
		free(e);
	}
}

int main(int argc, char **argv)
{
	struct epoll_event events[EVENTS];

	if (argc < 2) {
		fprintf(stderr, "usage: tcpfloor PORT [UPSTREAM_PORT [CERTIFICATE KEY]]\n");
		return 2;
	}
	upstream_port = (unsigned short)(argc > 2 ? strtoul(argv[2], NULL, 10) : 0);
	if (argc > 4)
		begin_tls(argv[3], argv[4]);
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
