/* SPDX-License-Identifier: Apache-2.0 */
/* One end of a connection; see wsload.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "wsload.h"

void load_die(const char *what)
{
	perror(what);
	exit(1);
}

uint64_t load_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static const char *certificate;

void load_certificate(const char *file)
{
	certificate = file;
}

static SSL *new_ssl(int fd)
{
	static SSL_CTX *ctx;

	if (!ctx) {
		ctx = SSL_CTX_new(TLS_client_method());
		/* As the peers' figures were taken: one cipher for all of them. */
		if (!ctx || !SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256"))
			load_die("TLS");
		if (certificate &&
		    (!SSL_CTX_use_certificate_file(ctx, certificate, SSL_FILETYPE_PEM) ||
		     !SSL_CTX_use_PrivateKey_file(ctx, certificate, SSL_FILETYPE_PEM)))
			load_die("the client's certificate");
		SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
					      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					      SSL_MODE_RELEASE_BUFFERS);
		/* One recv a record, where it would be one for its head and one for the rest: what
		 * is measured shall have more to do than what measures it. */
		SSL_CTX_set_read_ahead(ctx, 1);
	}
	SSL *ssl = SSL_new(ctx);
	if (!ssl || !SSL_set_fd(ssl, fd))
		load_die("TLS");
	SSL_set_connect_state(ssl);
	SSL_set_tlsext_host_name(ssl, "localhost");
	return ssl;
}

/* 127.0.0.2 and on; one address has ports for some 28,000 connections only. */
static void bind_one_of(int fd, unsigned addresses)
{
	static unsigned turn;
	struct sockaddr_in a = {.sin_family = AF_INET};
	int on = 1;
	unsigned n = turn++ % addresses;

	a.sin_addr.s_addr = htonl(0x7f000000 | (n / 250) << 8 | (n % 250 + 2));
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)))
		load_die("bind");
}

void peer_connect(struct peer *p, const struct target *t, int epoll_fd)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(t->port)};
	struct epoll_event e = {.events = EPOLLIN | EPOLLOUT, .data.ptr = p};
	int one = 1;

	*p = (struct peer){.in = p->in, .cap = p->cap, .wants_write = true};
	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (p->fd < 0)
		load_die("socket");
	setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (t->addresses)
		bind_one_of(p->fd, t->addresses);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(p->fd, (struct sockaddr *)&a, sizeof(a)) && errno != EINPROGRESS)
		load_die("connect");
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, p->fd, &e))
		load_die("epoll_ctl");
	if (t->tls)
		p->ssl = new_ssl(p->fd);
}

void peer_close(struct peer *p)
{
	struct linger reset = {.l_onoff = 1};

	SSL_free(p->ssl);
	p->ssl = NULL;
	if (p->state == PEER_ENDED)
		return;
	p->state = PEER_ENDED;
	setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(p->fd);
}

static void want_write(struct peer *p, int epoll_fd, bool wanted)
{
	struct epoll_event e = {.events = wanted ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.ptr = p};

	if (p->wants_write == wanted)
		return;
	p->wants_write = wanted;
	if (epoll_ctl(epoll_fd, EPOLL_CTL_MOD, p->fd, &e))
		load_die("epoll_ctl");
}

static ssize_t write_some(struct peer *p, const char *data, size_t len)
{
	if (!p->ssl)
		return send(p->fd, data, len, MSG_NOSIGNAL);
	size_t n = 0;
	if (SSL_write_ex(p->ssl, data, len, &n))
		return (ssize_t)n;
	errno = SSL_get_error(p->ssl, 0) == SSL_ERROR_WANT_WRITE ? EAGAIN : EPIPE;
	return -1;
}

void peer_flush(struct peer *p, int epoll_fd)
{
	while (p->out_len) {
		ssize_t n = write_some(p, p->out, p->out_len);
		if (n < 0 && errno == EAGAIN)
			break;
		if (n <= 0) {
			/* Its reader finds out. */
			p->out_len = 0;
			break;
		}
		p->out += n;
		p->out_len -= (size_t)n;
	}
	want_write(p, epoll_fd, p->out_len != 0);
}

static bool make_room(struct peer *p)
{
	enum { ROOM = 4096, FIRST = 65536 };

	if (p->cap - p->len >= ROOM)
		return true;
	p->cap = p->cap ? p->cap * 2 : FIRST;
	p->in = realloc(p->in, p->cap);
	return p->in != NULL;
}

bool peer_read(struct peer *p, bool *again)
{
	size_t n = 0;

	*again = false;
	if (!make_room(p))
		load_die("memory");
	if (p->ssl) {
		if (!SSL_read_ex(p->ssl, p->in + p->len, p->cap - p->len, &n)) {
			int error = SSL_get_error(p->ssl, 0);
			*again = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
			return false;
		}
	} else {
		ssize_t got = recv(p->fd, p->in + p->len, p->cap - p->len, 0);
		*again = got < 0 && errno == EAGAIN;
		if (got <= 0)
			return false;
		n = (size_t)got;
	}
	p->len += n;
	return true;
}

void peer_drop_front(struct peer *p, size_t n)
{
	memmove(p->in, p->in + n, p->len - n);
	p->len -= n;
}

/* --- the opening handshake */

static void ask(struct peer *p, const struct target *t, int epoll_fd)
{
	static char text[8192];
	int n = snprintf(text, sizeof(text),
			 "GET %s HTTP/1.1\r\nHost: localhost:%u\r\nUpgrade: websocket\r\n"
			 "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
			 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s%s%s%s\r\n",
			 t->path, t->port, t->headers ? t->headers : "",
			 t->ticket ? "Sec-WebSocket-Protocol: sallyport.ticket." : "",
			 t->ticket ? t->ticket() : "", t->ticket ? "\r\n" : "");

	if (n < 0 || (size_t)n >= sizeof(text))
		load_die("request");
	p->out = text;
	p->out_len = (size_t)n;
	p->state = PEER_ASKING;
	peer_flush(p, epoll_fd);
	/* It is a small packet on a fresh connection, and the text is everybody's. */
	if (p->out_len)
		load_die("no room for a request");
	p->state = PEER_ANSWER;
}

static bool finish(struct peer *p)
{
	close(p->fd);
	p->state = PEER_ENDED;
	return false;
}

/* The head of the answer is there; frames may follow it. */
static bool take_answer(struct peer *p, const char *end)
{
	char code[4] = "";

	if (p->len >= 12 && memcmp(p->in, "HTTP/1.1 ", 9) == 0)
		memcpy(code, p->in + 9, 3);
	p->status = (unsigned)strtoul(code, NULL, 10);
	if (p->status != 101)
		return finish(p);
	peer_drop_front(p, (size_t)(end - p->in) + 4);
	p->state = PEER_OPEN;
	return true;
}

static bool read_answer(struct peer *p)
{
	bool again;

	while (peer_read(p, &again)) {
		const char *end = memmem(p->in, p->len, "\r\n\r\n", 4);
		if (end)
			return take_answer(p, end);
	}
	return again ? true : finish(p);
}

void peer_leave(struct peer *p, int epoll_fd)
{
	static const char close_frame[] = "\x88\x82\1\2\3\4\x02\xea"; /* masked: 1000 */

	p->out = close_frame;
	p->out_len = sizeof(close_frame) - 1;
	peer_flush(p, epoll_fd);
	p->state = PEER_LEAVING;
}

/* Until the server has ended TCP. */
static bool read_rest(struct peer *p)
{
	bool again;

	while (peer_read(p, &again))
		peer_drop_front(p, p->len);
	return again ? true : finish(p);
}

static bool shake_tls(struct peer *p)
{
	int r = SSL_connect(p->ssl);

	if (r == 1) {
		p->state = PEER_ASKING;
		return true;
	}
	int error = SSL_get_error(p->ssl, r);
	return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? true : finish(p);
}

static bool connected(struct peer *p)
{
	int error = 0;
	socklen_t size = sizeof(error);

	getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error)
		return finish(p);
	p->state = p->ssl ? PEER_TLS : PEER_ASKING;
	return true;
}

bool peer_advance(struct peer *p, const struct target *t, int epoll_fd)
{
	if (p->state == PEER_CONNECTING && !connected(p))
		return false;
	if (p->state == PEER_TLS && !shake_tls(p))
		return false;
	want_write(p, epoll_fd, false);
	if (p->state == PEER_ASKING)
		ask(p, t, epoll_fd);
	else if (p->state == PEER_ANSWER)
		return read_answer(p);
	else if (p->state == PEER_LEAVING)
		return read_rest(p);
	return true;
}
