/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The application behind the gateway: one thread, epoll, every message back as it came, the
 * messages of one read with one send. As fast as may be, so that there is load to measure.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/obj.h"
#include "http/handshake.h"
#include "ws/frame.h"
#include "ws/mask.h"
#include "wsload.h"

struct visitor {
	struct peer peer;
	char *answer; /* not sent yet: peer.out points into it */
	size_t cap;
	bool open, closed;
};

static int epoll_fd;

static void append(struct visitor *v, const void *data, size_t len)
{
	size_t held = v->peer.out_len;

	if (held && v->peer.out != v->answer)
		memmove(v->answer, v->peer.out, held);
	if (held + len > v->cap) {
		v->cap = (held + len) * 2;
		v->answer = realloc(v->answer, v->cap);
		if (!v->answer)
			load_die("memory");
	}
	memcpy(v->answer + held, data, len);
	v->peer.out = v->answer;
	v->peer.out_len = held + len;
}

static void answer_head(struct visitor *v)
{
	struct peer *p = &v->peer;
	char accept[HTTP_ACCEPT_CHARS], text[512];
	const char *end = memmem(p->in, p->len, "\r\n\r\n", 4);

	if (!end)
		return;
	const char *key = memmem(p->in, p->len, "Sec-WebSocket-Key: ", 19);
	if (!key)
		key = memmem(p->in, p->len, "sec-websocket-key: ", 19);
	if (!key)
		load_die("no key");
	MUST(http_accept(slice_of(key + 19, HTTP_KEY_CHARS), accept) == 0);
	int n = snprintf(text, sizeof(text),
			 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
			 "Connection: Upgrade\r\nSec-WebSocket-Accept: %.*s\r\n\r\n",
			 (int)sizeof(accept), accept);
	append(v, text, (size_t)n);
	peer_drop_front(p, (size_t)(end - p->in) + 4);
	v->open = true;
}

static uint8_t answer_to(uint8_t opcode)
{
	return opcode == WS_OPCODE_PING ? WS_OPCODE_PONG : opcode;
}

static void echo_frames(struct visitor *v)
{
	static const struct ws_rules rules = {
		.text_ok = true, .binary_ok = true, .max_payload = LOAD_BUFFER};
	struct peer *p = &v->peer;
	struct ws_header h;
	enum reason why;
	size_t at = 0;

	while (ws_header_decode(slice_of(p->in + at, p->len - at), &rules, &h, &why) ==
		       WS_HEADER_DONE &&
	       p->len - at - h.header_bytes >= h.payload_bytes) {
		struct ws_header back = {.fin = true,
					 .opcode = answer_to(h.opcode),
					 .payload_bytes = h.payload_bytes};
		char head[WS_HEADER_MAX], *payload = p->in + at + h.header_bytes;
		ws_mask(payload, h.payload_bytes, h.key, 0);
		append(v, head, ws_header_encode(&back, head));
		append(v, payload, h.payload_bytes);
		at += h.header_bytes + h.payload_bytes;
		v->closed |= h.opcode == WS_OPCODE_CLOSE;
	}
	peer_drop_front(p, at);
}

static void leave(struct visitor *v)
{
	close(v->peer.fd);
	free(v->peer.in);
	free(v->answer);
	free(v);
}

static void serve(struct visitor *v)
{
	bool again;

	if (!peer_read(&v->peer, &again)) {
		if (!again)
			leave(v);
		return;
	}
	if (!v->open)
		answer_head(v);
	if (v->open)
		echo_frames(v);
	peer_flush(&v->peer, epoll_fd);
	if (v->closed) /* a server ends TCP first */
		leave(v);
}

static int listen_on(const char *where)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	bool local = where[0] == '/';
	int fd = socket(local ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	in.sin_port = htons((uint16_t)strtoul(where, NULL, 10));
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", where);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 ||
	    bind(fd, local ? (struct sockaddr *)&un : (struct sockaddr *)&in,
		 local ? sizeof(un) : sizeof(in)) ||
	    listen(fd, 4096))
		load_die("listen");
	return fd;
}

static void accept_all(int listener)
{
	int fd, one = 1;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
		struct visitor *v = calloc(1, sizeof(*v));
		struct epoll_event e = {.events = EPOLLIN, .data.ptr = v};
		if (!v)
			load_die("memory");
		v->peer.fd = fd;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e))
			load_die("epoll_ctl");
	}
}

void echo_run(const char *where)
{
	struct epoll_event events[LOAD_EVENTS], e = {.events = EPOLLIN};
	int listener = listen_on(where);

	epoll_fd = epoll_create1(0);
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &e))
		load_die("epoll_ctl");
	for (;;) {
		int n = epoll_wait(epoll_fd, events, LOAD_EVENTS, -1);
		for (int i = 0; i < n; i++) {
			struct visitor *v = events[i].data.ptr;
			if (!v) {
				accept_all(listener);
				continue;
			}
			if (events[i].events & EPOLLOUT)
				peer_flush(&v->peer, epoll_fd);
			if (events[i].events & ~(unsigned)EPOLLOUT)
				serve(v);
		}
	}
}
