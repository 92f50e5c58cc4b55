/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Echo load over WebSocket, and an application to echo it.
 *
 *   wsload echo PORT                                   the application (one thread, epoll)
 *   wsload load PORT PATH CONNS BYTES SECONDS [PID]    one message in flight on each connection
 *
 * Prints messages per second and, with PID, the nanoseconds of processor time per message that
 * all threads of that process used (from /proc/PID/task/.../schedstat). Figures of two
 * runs compare only when they were taken one after the other on one machine.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "http/handshake.h"
#include "ws/frame.h"
#include "ws/mask.h"

enum { BUFFER = 4 << 20, EVENTS = 256, HEAD_MAX = 4096 };

struct peer {
	int fd;
	bool open; /* handshake done */
	char *in;  /* bytes of an unfinished head or frame */
	size_t len, cap;
};

static char scratch[BUFFER], out[BUFFER];

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void keep(struct peer *p, const char *data, size_t len)
{
	if (p->len + len > p->cap) {
		p->cap = (p->len + len) * 2;
		p->in = realloc(p->in, p->cap);
		if (!p->in)
			die("realloc");
	}
	memcpy(p->in + p->len, data, len);
	p->len += len;
}

static void drop_front(struct peer *p, size_t n)
{
	memmove(p->in, p->in + n, p->len - n);
	p->len -= n;
}

static void send_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue; /* a benchmark may spin */
		if (n <= 0)
			return;
		data += n;
		len -= (size_t)n;
	}
}

/* The next whole frame at the front of what is there; false if none is. */
static bool frame_at(const struct peer *p, size_t at, bool server, struct ws_header *h)
{
	struct ws_rules rules = {.side = server ? WS_SERVER : WS_CLIENT,
				 .text_ok = true,
				 .binary_ok = true,
				 .max_payload = BUFFER / 2};
	enum reason why;

	if (ws_header_decode(slice_of(p->in + at, p->len - at), &rules, h, &why) != WS_HEADER_DONE)
		return false;
	return p->len - at >= h->header_bytes + h->payload_bytes;
}

/* --- the application */

static void answer_head(struct peer *p)
{
	char accept[HTTP_ACCEPT_CHARS], text[512];
	char *end = memmem(p->in, p->len, "\r\n\r\n", 4);
	if (!end)
		return;
	char *key = memmem(p->in, p->len, "Sec-WebSocket-Key: ", 19);
	if (!key)
		die("no key");
	http_accept(slice_of(key + 19, HTTP_KEY_CHARS), accept);
	int n = snprintf(text, sizeof(text),
			 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
			 "Connection: Upgrade\r\nSec-WebSocket-Accept: %.*s\r\n\r\n",
			 (int)sizeof(accept), accept);
	send_all(p->fd, text, (size_t)n);
	drop_front(p, (size_t)(end - p->in) + 4);
	p->open = true;
}

static void echo_frames(struct peer *p)
{
	size_t at = 0, written = 0;
	struct ws_header h;

	while (at < p->len && frame_at(p, at, true, &h)) {
		struct ws_header back = {.fin = true,
					 .opcode = h.opcode == WS_OPCODE_PING ? WS_OPCODE_PONG
									      : h.opcode,
					 .payload_bytes = h.payload_bytes};
		char *payload = p->in + at + h.header_bytes;
		ws_mask(payload, h.payload_bytes, h.key, 0);
		if (written + h.payload_bytes + WS_HEADER_MAX > sizeof(out)) {
			send_all(p->fd, out, written);
			written = 0;
		}
		written += ws_header_encode(&back, out + written);
		memcpy(out + written, payload, h.payload_bytes);
		written += h.payload_bytes;
		at += h.header_bytes + h.payload_bytes;
	}
	send_all(p->fd, out, written);
	drop_front(p, at);
}

static int listen_on(uint16_t port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 1024))
		die("listen");
	return fd;
}

static void watch(int epoll_fd, struct peer *p)
{
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = p};
	int one = 1;

	setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, p->fd, &e))
		die("epoll_ctl");
}

static void run_echo(uint16_t port)
{
	int epoll_fd = epoll_create1(0);
	struct peer listener = {.fd = listen_on(port)};
	struct epoll_event events[EVENTS];

	watch(epoll_fd, &listener);
	for (;;) {
		int n = epoll_wait(epoll_fd, events, EVENTS, -1);
		for (int i = 0; i < n; i++) {
			struct peer *p = events[i].data.ptr;
			if (p == &listener) {
				struct peer *fresh = calloc(1, sizeof(*fresh));
				if (!fresh)
					die("calloc");
				fresh->fd = accept4(listener.fd, NULL, NULL, SOCK_NONBLOCK);
				if (fresh->fd >= 0)
					watch(epoll_fd, fresh);
				else
					free(fresh);
				continue;
			}
			ssize_t got = recv(p->fd, scratch, sizeof(scratch), 0);
			if (got <= 0) {
				close(p->fd);
				free(p->in);
				free(p);
				continue;
			}
			keep(p, scratch, (size_t)got);
			if (!p->open)
				answer_head(p);
			if (p->open)
				echo_frames(p);
		}
	}
}

/* --- the load */

static uint64_t cpu_of_threads(const char *pid)
{
	char path[512];
	uint64_t total = 0;

	snprintf(path, sizeof(path), "/proc/%s/task", pid);
	DIR *d = opendir(path);
	for (struct dirent *e; d && (e = readdir(d));) {
		uint64_t ns = 0;
		snprintf(path, sizeof(path), "/proc/%s/task/%s/schedstat", pid, e->d_name);
		FILE *f = e->d_name[0] == '.' ? NULL : fopen(path, "r");
		if (f && fscanf(f, "%lu", &ns) == 1)
			total += ns;
		if (f)
			fclose(f);
	}
	if (d)
		closedir(d);
	return total;
}

static int connect_to(uint16_t port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)))
		die("connect");
	return fd;
}

static void open_one(struct peer *p, uint16_t port, const char *path)
{
	char text[1024];
	int n = snprintf(text, sizeof(text),
			 "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\n"
			 "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
			 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
			 path, port);

	p->fd = connect_to(port);
	send_all(p->fd, text, (size_t)n);
	while (!memmem(p->in, p->len, "\r\n\r\n", 4)) {
		ssize_t got = recv(p->fd, scratch, HEAD_MAX, 0);
		if (got <= 0)
			die("handshake");
		keep(p, scratch, (size_t)got);
	}
	if (p->len < 12 || memcmp(p->in, "HTTP/1.1 101", 12)) {
		fprintf(stderr, "%.*s\n", (int)p->len, p->in);
		exit(1);
	}
	p->len = 0;
	p->open = true;
	fcntl(p->fd, F_SETFL, O_NONBLOCK);
}

static size_t make_frame(size_t bytes)
{
	struct ws_header h = {.fin = true,
			      .masked = true,
			      .opcode = WS_OPCODE_TEXT,
			      .key = {1, 2, 3, 4},
			      .payload_bytes = bytes};
	size_t n = ws_header_encode(&h, out);

	memset(out + n, 'a', bytes);
	ws_mask(out + n, bytes, h.key, 0);
	return n + bytes;
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t run_until(int epoll_fd, size_t frame, double end)
{
	struct epoll_event events[EVENTS];
	uint64_t messages = 0;

	while (now() < end) {
		int n = epoll_wait(epoll_fd, events, EVENTS, 100);
		for (int i = 0; i < n; i++) {
			struct peer *p = events[i].data.ptr;
			struct ws_header h;
			size_t at = 0;
			ssize_t got = recv(p->fd, scratch, sizeof(scratch), 0);
			if (got <= 0)
				die("recv");
			keep(p, scratch, (size_t)got);
			while (at < p->len && frame_at(p, at, false, &h)) {
				at += h.header_bytes + h.payload_bytes;
				if (h.opcode != WS_OPCODE_TEXT)
					continue;
				messages++;
				send_all(p->fd, out, frame);
			}
			drop_front(p, at);
		}
	}
	return messages;
}

static void run_load(char **a, const char *pid)
{
	uint16_t port = (uint16_t)strtoul(a[0], NULL, 10);
	unsigned conns = (unsigned)strtoul(a[2], NULL, 10);
	size_t frame = make_frame(strtoul(a[3], NULL, 10));
	double seconds = strtod(a[4], NULL);
	int epoll_fd = epoll_create1(0);
	struct peer *peers = calloc(conns, sizeof(*peers));

	if (!peers)
		die("calloc");
	for (unsigned i = 0; i < conns; i++) {
		open_one(&peers[i], port, a[1]);
		watch(epoll_fd, &peers[i]);
		send_all(peers[i].fd, out, frame);
	}
	run_until(epoll_fd, frame, now() + 0.3);
	double began = now();
	uint64_t cpu = pid ? cpu_of_threads(pid) : 0;
	uint64_t messages = run_until(epoll_fd, frame, began + seconds);
	double took = now() - began;
	cpu = pid ? cpu_of_threads(pid) - cpu : 0;
	printf("%.0f messages/s", (double)messages / took);
	if (pid && messages)
		printf("  %.0f ns", (double)cpu / (double)messages);
	printf("\n");
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "echo") == 0)
		run_echo((uint16_t)strtoul(argv[2], NULL, 10));
	if ((argc != 7 && argc != 8) || strcmp(argv[1], "load") != 0) {
		fputs("usage: wsload echo PORT | load PORT PATH CONNS BYTES SECONDS [PID]\n",
		      stderr);
		return 2;
	}
	run_load(argv + 2, argc == 8 ? argv[7] : NULL);
	return 0;
}
